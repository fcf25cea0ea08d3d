#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
#
# What a request, an idle connection, a held lock and a waiter cost, measured side by side in one run:
#   bench/run.sh path/to/latchd path/to/programs
# where the second folder has `floor` and `load`. redis-server and memcached take part where they
# are installed. The speed is the server's CPU time a request, in interleaved rounds, as a ratio to
# the floor's of the same round, so that what slows the machine down for a while cancels out; many
# short rounds do that far better than a few long ones. latchd is loaded with its classic verbs, right
# after that with the native ones (`native`), and with locks that are waited for (`handover`). With two CPUs or more the server has one to
# itself and the load another. The exit status says whether the measuring worked, not whether the
# targets were met.
#
#   BENCH_ROUNDS=31      rounds a configuration
#   BENCH_SECONDS=0.1    measured time of a round and server, after half as much to warm up
#   BENCH_SHORT=1        5 rounds and smaller numbers: a quick look, not a result
#   BENCH_OUT=FILE       the tables go there too, as markdown
set -euo pipefail

latchd=${1:?usage: run.sh LATCHD PROGRAMS}
programs=${2:?usage: run.sh LATCHD PROGRAMS}
here=$(dirname "$0")

seconds=${BENCH_SECONDS:-0.1}
warmup=$(awk "BEGIN { print $seconds / 2 }")
if [ -n "${BENCH_SHORT:-}" ]; then
	rounds=${BENCH_ROUNDS:-5} idle=2000 holders=100 held=(500 1000) leases=100
else
	# 2^19 locks lie between the two: a table that doubles may be full before and half empty after
	rounds=${BENCH_ROUNDS:-31} idle=5000 holders=100 held=(4000 5300) leases=1000
fi

dir=$(mktemp -d)
declare -A pid port
next_port=27100

stop() {
	[ -n "${pid[$1]:-}" ] || return 0
	kill "${pid[$1]}" 2>/dev/null || true
	wait "${pid[$1]}" 2>/dev/null || true
	unset "pid[$1]"
}

clean_up() {
	local name
	for name in "${!pid[@]}"; do
		stop "$name"
	done
	rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say() {
	echo "bench: $*" >&2
}

# The first two CPUs this process may run on, as prefixes to a command.
on_server=() on_load=()
pin() {
	local cpus
	mapfile -t cpus < <(taskset -cp $$ | sed 's/.*: //' | tr , '\n' |
		while IFS=- read -r from to; do seq "$from" "${to:-$from}"; done)
	if [ "${#cpus[@]}" -ge 2 ]; then
		on_server=(taskset -c "${cpus[0]}")
		on_load=(taskset -c "${cpus[1]}")
	else
		say "only one CPU: server and load share it"
	fi
}

is_listening() {
	(: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

free_port() {
	while is_listening "$next_port"; do
		next_port=$((next_port + 1))
	done
}

# start NAME: a fresh server on a free port; its pid and port go into the two tables.
start() {
	local name=$1 command tries
	free_port
	case $name in
	floor) command=("$programs/floor" "$next_port") ;;
	latchd) command=("$latchd" -c "$dir/latchd.ini" -l "127.0.0.1:$next_port") ;;
	redis) command=(redis-server --port "$next_port" --bind 127.0.0.1 --save "" --appendonly no
		--dir "$dir") ;;
	memcached) command=(memcached -l 127.0.0.1 -p "$next_port" -U 0 -t 1 -c 10000 -m 256
		-u "$(id -un)") ;;
	esac
	"${on_server[@]}" "${command[@]}" >"$dir/$name.log" 2>&1 </dev/null &
	pid[$name]=$! port[$name]=$next_port next_port=$((next_port + 1))
	for ((tries = 0; tries < 100; tries++)); do
		! is_listening "${port[$name]}" || return 0
		kill -0 "${pid[$name]}" 2>/dev/null || break
		sleep 0.05
	done
	say "$name did not start:"
	tail -n 5 "$dir/$name.log" >&2
	exit 1
}

# load NAME OPTION...: the load generator at that server, on the other CPU.
load() {
	local name=$1 dialect=${1/latchd/ddlock}
	shift
	"${on_load[@]}" "$programs/load" -p "$dialect" -P "${pid[$name]}" "$@" \
		"127.0.0.1:${port[$name]}"
}

# What is measured in a round at that depth: servers, and latchd in other ways.
series() {
	local name
	for name in "${servers[@]}"; do
		echo "$name"
		[ "$name" = latchd ] || continue
		echo native
		[ "$1" -gt 1 ] || echo handover
	done
}

# load_series SERIES OPTION...
load_series() {
	case $1 in
	native) load latchd "${@:2}" -p native ;;
	handover) load latchd "${@:2}" -m handover ;;
	*) load "$@" ;;
	esac
}

measure_speed() {
	local connections depth round name line
	for name in "${servers[@]}"; do
		start "$name"
	done
	for connections in 50 1000; do
		for depth in 1 16 128; do
			say "$connections connections, $depth in flight"
			for ((round = 1; round <= rounds; round++)); do
				for name in $(series "$depth"); do
					line=$(load_series "$name" -c "$connections" -d "$depth" -w "$warmup" \
						-t "$seconds")
					echo "cpu $connections $depth $round $name ${line##*=}"
				done
			done
		done
	done
	for name in "${servers[@]}"; do
		stop "$name"
	done
}

resident_bytes() {
	awk '/^Pss:/ { print $2 * 1024 }' "/proc/$1/smaps_rollup"
}

await_ready() {
	local ready
	read -r ready <&"$1"
	[ "$ready" = READY ]
}

# growth KIND COUNT NAME OPTION...: what a fresh server grows by under a load that stays, apiece.
# Where they are waiters, the connections and the locks are there before that.
growth() {
	local kind=$1 count=$2 name=$3 before after
	shift 3
	start "$name"
	load "$name" -w 0 -n 1000 -d 128 >/dev/null
	before=$(resident_bytes "${pid[$name]}")
	coproc stay { load "$name" -d 128 "$@"; }
	pid[load]=$!
	await_ready "${stay[0]}"
	if [ "$kind" = waiter ]; then
		before=$(resident_bytes "${pid[$name]}")
		echo >&"${stay[1]}"
		await_ready "${stay[0]}"
	fi
	after=$(resident_bytes "${pid[$name]}")
	eval "exec ${stay[1]}>&-"
	wait "${pid[load]}"
	unset "pid[load]"
	stop "$name"
	echo "mem $kind $count $name $(((after - before) / count))"
}

measure_memory() {
	local name locks
	for name in "${servers[@]:1}"; do
		say "memory of $name"
		growth idle "$idle" "$name" -m idle -c "$idle"
		for locks in "${held[@]}"; do
			growth held $((holders * locks)) "$name" -m hold -c "$holders" -l "$locks"
		done
		[ "$name" = latchd ] || continue
		growth waiter 10000 latchd -m wait -c 101 -l 100
		growth lease $((holders * leases)) latchd -m hold -c "$holders" -l "$leases" -p lease
	done
}

environment() {
	local model load_average
	model=$(sed -n 's/^model name.*: //p;T;q' /proc/cpuinfo)
	read -r load_average _ </proc/loadavg
	echo "env $(uname -sr), $(nproc) CPUs ($model), load average $load_average before$versions"
}

servers=(floor) versions=
if [ -x "$latchd" ]; then
	servers+=(latchd)
else
	say "$latchd is missing: measuring without it"
fi
for peer in redis-server memcached; do
	if command -v "$peer" >/dev/null; then
		servers+=("${peer%-server}")
		versions+=", $peer $("$peer" --version | sed 's/[^0-9]*\([0-9.]*\).*/\1/')"
	else
		say "$peer is not installed: measuring without it"
	fi
done

cat >"$dir/latchd.ini" <<END
[server]
max_clients = 10000
[locks]
max_locks = 1000000
max_locks_per_client = 10000
max_detached = 1000000
END
ulimit -n "$(ulimit -Hn)"
pin
environment >"$dir/measured"
measure_speed >>"$dir/measured"
measure_memory >>"$dir/measured"
awk -f "$here/report.awk" "$dir/measured" | tee ${BENCH_OUT:+"$BENCH_OUT"}
