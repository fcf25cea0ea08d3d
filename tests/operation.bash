# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: ISC
# What the tests of operation share: a daemon of their own on an address that nobody else has, connections as
# descriptors of the shell, and waiting for what has to come true. Nothing here depends on how fast the
# machine is, but for PATIENCE, after which a test fails.

bats_require_minimum_version 1.5.0
PATIENCE=30 # seconds
: "${LATCHD:?is the binary to be tested}"

operation_setup() {
	cd "$BATS_TEST_TMPDIR" || return
	pids=()
	pick_address
}

# Ends what was started. A daemon whose sanitizer complained has failed the test.
operation_teardown() {
	local pid

	for pid in "${pids[@]}"; do
		kill -KILL "$pid" 2>/dev/null || continue
		wait "$pid" 2>/dev/null || true
	done
	! grep -h -A 20 -E 'ERROR: .*Sanitizer|runtime error:' ./log* 2>/dev/null
}

# Any of the sixteen million addresses of this host, so that no two tests ever meet.
pick_address() {
	HOST=127.$((1 + RANDOM % 254)).$((RANDOM % 256)).$((1 + RANDOM % 254))
	PORT=7002
}

# is GOT WANTED
is() {
	[ "$1" = "$2" ] || {
		printf 'got:    %q\nwanted: %q\n' "$1" "$2" >&2
		return 1
	}
}

now_ms() {
	local now=${EPOCHREALTIME/[.,]/}

	echo $((now / 1000))
}

# Waits until COMMAND succeeds.
eventually() {
	local end=$((SECONDS + PATIENCE))

	until "$@"; do
		[ $SECONDS -lt $end ] || {
			echo "this did not come true: $*" >&2
			return 1
		}
		sleep 0.02
	done
}

# The daemon.

# launch ARGUMENT...: in the background, as $pid, logging to the file "log".
launch() {
	"$LATCHD" "$@" 2>>log 3>&- &
	launched $!
}
launched() {
	pid=$1
	pids+=("$pid")
}
# start_latchd ARGUMENT...: the same on $HOST:$PORT, and waits until it listens.
start_latchd() {
	: >log
	launch -l "$HOST:$PORT" "$@"
	wait_for_log 'listening on'
}

# write_config: "latchd.ini", with what standard input says and with a listener on $HOST:$PORT before it, which the
# first lines may add to.
write_config() {
	{
		printf '[listen main]\naddress = %s\n' "$HOST:$PORT"
		cat
	} >latchd.ini
}
# start_with_config, reload_with_config: the same, and a daemon that has read it.
start_with_config() {
	write_config
	: >log
	launch -c latchd.ini "$@"
	wait_for_log 'listening on'
}
# reload_with_config PATTERN: and then waits for PATTERN in the log.
reload_with_config() {
	write_config
	reload "$1"
}
reload() {
	kill -HUP "$pid"
	wait_for_log "$1"
}
wait_for_log() {
	eventually grep -q -- "$1" log || {
		cat log >&2
		return 1
	}
}
# Waits for the end of $pid: $exit_status.
wait_for_end() {
	local end=$((SECONDS + PATIENCE))

	while kill -0 "$pid" 2>/dev/null && [ $SECONDS -lt $end ] && ! is_zombie "$pid"; do
		sleep 0.01
	done
	[ $SECONDS -lt $end ] || {
		echo 'it did not end' >&2
		return 1
	}
	exit_status=0
	wait "$pid" || exit_status=$?
}
is_zombie() {
	[[ $(cat "/proc/$1/stat" 2>/dev/null) == *') Z '* ]]
}
stop_latchd() {
	kill -TERM "$pid"
	wait_for_end
	is "$exit_status" 0
}

# Connections.

# connect NAME: its descriptor in the variable NAME.
connect() {
	local fd

	exec {fd}<>"/dev/tcp/$HOST/$PORT" || return
	printf -v "$1" %s "$fd"
}
# hear FD: the next line, without its end.
hear() {
	local line

	IFS= read -r -t "$PATIENCE" line <&"$1" || return
	printf '%s\n' "${line%$'\r'}"
}
# talk FD REQUEST: the first line of the reply.
talk() {
	printf '%s\r\n' "$2" >&"$1"
	hear "$1"
}
# ask REQUEST: the same, by a connection of its own.
ask() {
	local once

	connect once || return
	talk "$once" "$1"
	exec {once}>&-
}
# True when the other end has closed it.
is_cut() {
	local rest status=0

	while [ $status -eq 0 ]; do
		IFS= read -r -t "$PATIENCE" rest <&"$1" || status=$?
	done
	is $status 1
}
# take_locks FD N [PREFIX]: locks 1 to N, with long names.
take_locks() {
	seq -f "trylock lock=${3:-}%0100g" "$2" >&"$1"
	timeout "$PATIENCE" head -n "$2" <&"$1" | grep -c '^OK' >granted
	is "$(cat granted)" "$2"
}
# True when the daemon waits until the client at FD reads: it sleeps although requests are there.
is_stuck() {
	read -r -t 0 <&"$1" && [[ $(cat "/proc/$pid/stat") == *') S '* ]]
}

# has_received N: so many bytes lie in the kernel for the daemon to read.
has_received() {
	local address line sum=0 a b c d

	IFS=. read -r a b c d <<<"$HOST"
	printf -v address '%02X%02X%02X%02X:%04X' "$d" "$c" "$b" "$a" "$PORT"
	# Not by the shell alone: a busy host has many connections.
	while read -ra line; do
		[ "${line[3]}" != 01 ] || sum=$((sum + 0x${line[4]#*:}))
	done < <(grep -F ": $address " /proc/net/tcp)
	[ $sum -eq "$1" ]
}

# cpu_ns: how long the daemon has been running on a processor.
cpu_ns() {
	cut -d ' ' -f 1 "/proc/$pid/schedstat"
}

count_log() { # PATTERN: how many lines of the log have it
	grep -c -- "$1" log || true
}

needs_strace() {
	strace -o /dev/null true 2>/dev/null || skip 'strace(1) cannot trace here'
	# The leak sanitizer traces as well, and there can be one only.
	export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0
}

# Namespaces of a user's own, where a test needs a network of its own.
needs_netns() {
	command -v ip >/dev/null || skip 'there is no ip(8)'
	unshare -rn ip link set lo up 2>/dev/null || skip 'no network namespace can be made here'
}
