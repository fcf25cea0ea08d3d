#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
#
# The same line server on libdsock, libev, libuv, libevent and Danga::Socket, beside the bare loop, and the pipe
# benchmark on the first four: bench/lib/run.sh PROGRAMS, the folder in which `make bench-lib` has built them. Interleaved
# rounds; a ratio is to the floor of the same round; medians and the middle half.
#
#   BENCH_ROUNDS=31 BENCH_SECONDS=0.1   a round and server, after 0.03 s of warm-up
#   BENCH_SHORT=1                       5 rounds: a look, not a result
#   BENCH_OUT=FILE BENCH_SVG=FILE       the tables as markdown; a plot, where gnuplot is installed
set -euo pipefail

programs=${1:?usage: run.sh PROGRAMS}
here=$(dirname "$0")
rounds=${BENCH_ROUNDS:-31} seconds=${BENCH_SECONDS:-0.1} writes=300000
if [ -n "${BENCH_SHORT:-}" ]; then
	rounds=${BENCH_ROUNDS:-5} writes=50000
fi

dir=$(mktemp -d)
declare -A pid port
trap 'kill "${pid[@]}" 2>/dev/null || true; rm -rf "$dir"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say() {
	echo "bench-lib: $*" >&2
}

on_server=() on_load=()
if [ "$(nproc)" -ge 2 ]; then
	on_server=(taskset -c 0) on_load=(taskset -c 1)
else
	say 'only one CPU: server and load share it'
fi

listens() {
	(: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

next_port=27300
start() {
	local name=$1 command=("$programs/lib/$1") tries
	while listens $next_port; do
		next_port=$((next_port + 1))
	done
	case $name in
	floor) command=("$programs/floor") ;;
	danga) command=(perl "$here/danga.pl") ;;
	esac
	"${on_server[@]}" "${command[@]}" $next_port >"$dir/$name.log" 2>&1 </dev/null &
	pid[$name]=$! port[$name]=$next_port next_port=$((next_port + 1))
	for ((tries = 0; tries < 100; tries++)); do
		! listens "${port[$name]}" || return 0
		sleep 0.05
	done
	say "$name did not start:"
	tail -n 5 "$dir/$name.log" >&2
	exit 1
}

servers=(floor) pipes=()
for name in dsock libev libuv libevent; do
	if [ -x "$programs/lib/$name" ]; then
		servers+=("$name")
		pipes+=("$name")
	else
		say "$name is not installed: measuring without it"
	fi
done
if perl -MDanga::Socket -e 1 2>/dev/null; then
	servers+=(danga)
else
	say 'Danga::Socket is not installed: measuring without it'
fi

ulimit -n "$(ulimit -Hn)"
for name in "${servers[@]}"; do
	start "$name"
done
for connections in 50 1000; do
	for depth in 1 16 128; do
		say "$connections connections, $depth in flight"
		for ((round = 1; round <= rounds; round++)); do
			for name in "${servers[@]}"; do
				line=$("${on_load[@]}" "$programs/load" -p floor -P "${pid[$name]}" -c $connections -d $depth \
					-w 0.03 -t "$seconds" "127.0.0.1:${port[$name]}")
				echo "cpu $connections $depth $round $name ${line##*=}"
			done
		done
	done
done >"$dir/measured"
for name in "${servers[@]}"; do
	kill "${pid[$name]}"
	wait "${pid[$name]}" 2>/dev/null || true
done
pid=()

# Two descriptors a pipe.
libraries=${pipes[*]}
n_pipes=$(($(ulimit -n) / 2 - 50))
n_pipes=$((n_pipes < 10000 ? n_pipes : 10000))
say "$n_pipes pipes, 100 active"
for ((round = 1; round <= (rounds + 2) / 3; round++)); do
	# Each goes first in its turn, since the first one finds cold caches.
	pipes=("${pipes[@]:1}" "${pipes[0]}")
	for name in "${pipes[@]}"; do
		echo "pipe $round $name $("${on_server[@]}" "$programs/lib/pipes_$name" $n_pipes 100 $writes)"
	done
done >>"$dir/measured"

{
	echo '# libdsock beside other libraries'
	echo
	echo 'One line server, written for each library as its users would, under one load generator. Made by'
	echo "\`make bench-lib\`; where the middle halves overlap it is a tie."
	echo
	release=$(uname -r)
	echo "$(uname -s) ${release%%-*}, $(nproc) CPUs, $rounds rounds. Server CPU a request as a ratio to the bare epoll loop:"
	echo 'median (middle half).'
	echo
	awk -f "$here/report.awk" -v servers="${servers[*]:1}" -v pipes="$libraries" -v n_pipes=$n_pipes \
		-v plot="$dir/plot" "$dir/measured"
	echo
	echo "Timers: $("${on_server[@]}" "$programs/lib/timers")."
} | tee "$dir/table"
[ -z "${BENCH_OUT:-}" ] || cp "$dir/table" "$BENCH_OUT"
if [ -n "${BENCH_SVG:-}" ]; then
	if command -v gnuplot >/dev/null; then
		gnuplot -e "data='$dir/plot'" "$here/plot.gp" >"$BENCH_SVG"
	else
		say 'gnuplot is not installed: no plot'
	fi
fi
