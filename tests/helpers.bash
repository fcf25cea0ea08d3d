# shellcheck shell=bash
# SPDX-License-Identifier: ISC
# What the bats files share: a latchd of the test's own, connections to it, comparisons byte for
# byte, and an end that stops only what the test started and fails where the daemon did not end well.
#
#   start_latchd [ARG...]       on a free loopback port, once it serves; sets PORT, LATCHD_PID, LOG
#   start_with_ini [ARG...]     the same with the INI on standard input
#   start_with [LINE...]        the same with an INI of these lines and one listener, [listen a], at PORT
#                               (in all of them @PORT@, @PORT2@, @PORT3@ become free ports, @DIR@ becomes $DIR)
#   stop_latchd [SIGNAL]        ends the last one started; STATUS is its exit status, which has to be 0
#   kill_latchd                 ends it as a crash does
#   reload REGEX                SIGHUP; a line that is logged from now on has REGEX, extended
#   change_ini SED REGEX        the same, with another INI
#   spawn CMD...                in the background, killed at the end; sets SPAWNED_PID
#   spawn_told CMD...           the same with `tell LINE` and `eventually has_said REGEX`
#   connect N [PORT [HOST]]     connection N, a number or a word; send, ask, expect, expect_eof, hang_up go by it
#   connect_all N...            several at PORT
#   until_granted N NAME        until connection N gets the lock
#   transcript REQUEST REPLY    on a connection of its own: all of REQUEST, then the end, gives all of REPLY
#   talk [OPTION...]            the bytes on standard input to the daemon, its answer on standard output
#   eventually CMD...           until CMD succeeds
#
# process.bash is above this file, for tests that do more to the daemon than talk to it.
#
# Bytes are given as for printf %b: 'noop\r\n', '\x00'. Nothing here depends on speed: LIMIT seconds
# is when something is taken for hung.

export LC_ALL=C
LIMIT=${LATCHD_TEST_LIMIT:-30}
TESTS=${BATS_TEST_DIRNAME:-.}
CLIENTS=$TESTS/clients
PORTS=${TMPDIR:-/tmp}/latchd-test-ports.$UID
export HELD_BY='DDLockd::Client::Internal(R): open to'
BUILD=${BUILD:-$(cd "$TESTS/.." && pwd)/build/release}
LATCHD=${LATCHD:-$BUILD/latchd}
# What a child is told about sanitizers where tests/run.sh did not say it.
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0:exitcode=99}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}

setup() {
	begin_test
}

teardown() {
	end_test
}

# For files with a setup and teardown of their own: these have to be called there.
begin_test() {
	DIR=$BATS_TEST_TMPDIR
	LOGS=()
	DAEMONS=()
	CHILDREN=()
	CLAIMS=()
	PORT='' PORT2='' PORT3='' LATCHD_PID='' LOG='' STATUS='' SPAWNED_PID=''
	declare -gA FDS=()
}

end_test() {
	local pid log failed=0

	for pid in "${CHILDREN[@]}"; do
		end_child "$pid"
	done
	close_connections
	for pid in "${DAEMONS[@]}"; do
		end_daemon "$pid" TERM || failed=1
	done
	rm -f "${CLAIMS[@]}"
	for log in "${LOGS[@]}"; do
		if grep -E 'Sanitizer|runtime error:|Assertion .* failed' "$log" >/dev/null; then
			echo "a sanitizer or an assertion spoke in $log"
			failed=1
		fi
	done
	if [ "$failed" -ne 0 ] || [ -z "${BATS_TEST_COMPLETED:-}" ]; then
		for log in "${LOGS[@]}"; do
			echo "--- $log"
			tail -n 200 "$log"
		done
	fi
	return "$failed"
}

fail() {
	printf '%s\n' "$@"
	return 1
}

# --- Comparisons

# `cat -A` shows what one cannot see.
assert_eq() { # WANT GOT [WHAT]
	[ "$1" = "$2" ] && return 0
	echo "${3:-it} differs (-wanted, +got):"
	diff -U 3 <(printf '%s' "$1" | cat -A | cut -c 1-400) <(printf '%s' "$2" | cat -A | cut -c 1-400) |
		sed 1,2d | head -n 60
	return 1
}

assert_same_file() { # WANT GOT
	cmp -s "$1" "$2" && return 0
	echo "$2 is not as $1 (-wanted, +got):"
	diff -U 3 <(cat -A "$1" | cut -c 1-400) <(cat -A "$2" | cut -c 1-400) | sed 1,2d | head -n 60
	return 1
}

assert_match() { # REGEX GOT
	[[ $2 =~ $1 ]] && return 0
	echo "does not match $1:"
	printf '%s\n' "$2" | cat -A | cut -c 1-400
	return 1
}

# REGEX, extended, has to be in the log of the last daemon, soon.
assert_log() {
	eventually grep -Eq -- "$1" "$LOG" || fail "the log has no $1"
}

# What printf %b makes of $1, without losing line feeds at its end. Not for NUL.
bytes() { # VARIABLE TEXT
	local made
	made=$(printf '%b.' "$2")
	printf -v "$1" '%s' "${made%.}"
}

eventually() {
	local end=$((SECONDS + LIMIT))

	until "$@"; do
		if [ "$SECONDS" -ge "$end" ]; then
			echo "not within $LIMIT s: $*"
			return 1
		fi
		sleep 0.01
	done
}

# --- The daemon

# One that nobody listens on, below the range that connections get theirs from; and none of the tests that run
# beside this one is given it before this one ends: it may be that nobody is to listen there, or not for a moment.
free_port() { # VARIABLE
	local port hex

	[ -d "$PORTS" ] || mkdir -p "$PORTS"
	while :; do
		port=$((20000 + (RANDOM << 4 ^ RANDOM) % 12000))
		printf -v hex ':%04X ' "$port"
		claim_port "$port" || continue
		grep -q "$hex" /proc/net/tcp /proc/net/tcp6 2>/dev/null || break
	done
	printf -v "$1" '%s' "$port"
}

# A link that says whose it is, which is made at once. That of a test that was killed is in nobody's way.
claim_port() { # PORT
	local claim=$PORTS/$1 owner

	owner=$(readlink "$claim") && is_gone "$owner" && rm -f "$claim"
	ln -s "$$" "$claim" 2>/dev/null || return 1
	CLAIMS+=("$claim")
}

fill_in() { # TEXT
	local text=${1//@PORT@/$PORT}
	text=${text//@PORT2@/$PORT2}
	text=${text//@PORT3@/$PORT3}
	printf '%s' "${text//@DIR@/$DIR}"
}

is_running() { # PID
	local state
	state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null)
	[ -n "$state" ] && [ "$state" != Z ]
}

is_gone() { # PID
	! is_running "$1"
}

# Only starts it; LATCHD_WRAP may hold a command that runs it (prlimit --nofile=40).
launch_latchd() {
	LOG=$DIR/latchd.${#LOGS[@]}.log
	LOGS+=("$LOG")
	(
		close_connections
		# shellcheck disable=SC2086
		exec ${LATCHD_WRAP:-} "$LATCHD" "$@" </dev/null >"$LOG" 2>&1 3>&-
	) &
	LATCHD_PID=$!
	DAEMONS+=("$LATCHD_PID")
}

# The daemons to be started will write these of their system calls to $DIR/trace, which is complete
# when its last line begins with `+++ exited`, and after stop_traced.
trace_latchd() { # CALLS
	strace -o /dev/null true 2>/dev/null || skip 'nothing can be traced here'
	# What finds leaks cannot do so while it is traced itself.
	export ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
	export LATCHD_WRAP="strace -D -q -e trace=$1 -o $DIR/trace"
}

forget_daemon() { # PID
	local pid left=()

	for pid in "${DAEMONS[@]}"; do
		[ "$pid" = "$1" ] || left+=("$pid")
	done
	DAEMONS=("${left[@]}")
}

# It listens on all its addresses, or it has ended.
has_started() { # PID LOG LISTENERS
	is_gone "$1" || [ "$(grep -c 'info: listening on ' "$2")" -ge "$3" ]
}

# With an error of its own it fails; another one's port is a reason to try again.
start_with_ports() { # TEMPLATE LISTENERS ARG...
	local template=$1 listeners=$2 tries args arg

	shift 2
	for tries in 1 2 3 4 5; do
		free_port PORT
		free_port PORT2
		free_port PORT3
		args=()
		for arg in "$@"; do
			args+=("$(fill_in "$arg")")
		done
		if [ -n "$template" ]; then
			fill_in "$template" >"$DIR/latchd.ini"
		fi
		launch_latchd "${args[@]}"
		eventually has_started "$LATCHD_PID" "$LOG" "$listeners" || return 1
		is_running "$LATCHD_PID" && return 0
		wait "$LATCHD_PID" && STATUS=0 || STATUS=$?
		forget_daemon "$LATCHD_PID"
		grep -q 'is another server running there' "$LOG" || break
	done
	echo "latchd ended with $STATUS (try $tries):"
	cat "$LOG"
	return 1
}

start_latchd() {
	local listeners=0 arg

	for arg in "$@"; do
		case $arg in
		-l*) listeners=$((listeners + 1)) ;;
		esac
	done
	if [ "$listeners" -eq 0 ]; then
		set -- "$@" -l 127.0.0.1:@PORT@
		listeners=1
	fi
	start_with_ports '' "$listeners" "$@"
}

# The level has to be info or debug there.
# shellcheck disable=SC2120 # other files give it arguments
start_with_ini() {
	local ini listeners

	ini=$(cat && echo .)
	ini=${ini%.}
	listeners=$(grep -c '^\[listen ' <<<"$ini") || true
	start_with_ports "$ini" "$((listeners > 0 ? listeners : 1))" "$@" -c "$DIR/latchd.ini"
}

start_with() { # [LINE...]
	local ini

	printf -v ini '%s\n' "$@" '[listen a]' 'address = 127.0.0.1:@PORT@'
	start_with_ports "$ini" 1 -c "$DIR/latchd.ini"
}

# A daemon with a listener for administrators, at $ADMIN. More of the INI: standard input.
start_with_admin() {
	local more

	# shellcheck disable=SC2034 # it is for the tests
	ADMIN=$DIR/admin.sock
	more=$(cat)
	start_with_ini <<-INI
		$more
		[listen clients]
		address = 127.0.0.1:@PORT@
		[listen admin]
		address = unix:@DIR@/admin.sock
		admin = yes
	INI
}

# Sets STATUS. False where it was not 0, or where the daemon had to be killed.
end_daemon() { # PID SIGNAL
	kill -s "$2" "$1" 2>/dev/null || echo "latchd ($1) had ended before"
	if ! eventually is_gone "$1"; then
		kill -s KILL "$1"
	fi
	wait "$1" && STATUS=0 || STATUS=$?
	[ "$STATUS" -eq 0 ] || fail "latchd ($1) ended with $STATUS"
}

stop_latchd() {
	local pid=$LATCHD_PID

	forget_daemon "$pid"
	end_daemon "$pid" "${1:-TERM}"
}

kill_latchd() {
	forget_daemon "$LATCHD_PID"
	end_child "$LATCHD_PID"
}

reload() { # REGEX
	local before

	before=$(wc -l <"$LOG")
	kill -s HUP "$LATCHD_PID"
	eventually has_logged_since "$before" "$1" || fail "the log has no $1 since the reload"
}

has_logged_since() { # LINES REGEX
	tail -n +$(($1 + 1)) "$LOG" | grep -Eq -- "$2"
}

# A short time limit is best set so, when all is as it shall be before it counts.
change_ini() { # SED REGEX
	sed -i -e "$1" "$DIR/latchd.ini"
	reload "$2"
}

count_fds() {
	find "/proc/$LATCHD_PID/fd" -mindepth 1 | wc -l
}

has_fds() { # N
	[ "$(count_fds)" -eq "$1" ]
}

stop_traced() {
	stop_latchd TERM
	eventually grep -q '^+++ exited' "$DIR/trace"
}

# The most that was ever resident, in KiB.
peak_kb() {
	sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$LATCHD_PID/status"
}

# How much may come to KB under a sanitizer, which adds its own to every piece of memory.
grown_kb() { # KB
	if [ "$(basename "$BUILD")" = release ]; then
		echo "$1"
	else
		echo $(($1 * 4 + 8192))
	fi
}

assert_grown() { # BEFORE-KB AT-MOST-KB
	local grown most

	grown=$(($(peak_kb) - $1))
	most=$(grown_kb "$2")
	[ "$grown" -le "$most" ] || fail "the daemon has grown by $grown KiB, more than $most"
}

# Before a daemon is started whose memory will be looked at: what is freed shall be gone.
little_quarantine() {
	export ASAN_OPTIONS=$ASAN_OPTIONS:quarantine_size_mb=1
}

# --- Other processes

# Standard input and output are the caller's choice: `spawn cat <file >file`.
spawn() {
	(
		close_connections
		exec "$@" 3>&-
	) <&0 &
	SPAWNED_PID=$!
	CHILDREN+=("$SPAWNED_PID")
}

# One that is told lines (tell) and whose output is a file (SAID, for eventually has_said).
spawn_told() { # CMD...
	SAID=$(mktemp "$DIR/said.XXXXXX")
	mkfifo "$SAID.told"
	exec {TOLD}<>"$SAID.told"
	spawn "$@" <"$SAID.told" >"$SAID" 2>&1
}

tell() { # LINE
	printf '%s\n' "$1" >&"$TOLD"
}

has_said() { # REGEX
	grep -Eq -- "$1" "$SAID"
}

end_child() { # PID
	kill -s KILL "$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || true
}

# Its exit status; 124 where it hangs. It is forgotten.
finish() { # PID
	local pid left=()

	for pid in "${CHILDREN[@]}"; do
		[ "$pid" = "$1" ] || left+=("$pid")
	done
	CHILDREN=("${left[@]}")
	if ! eventually is_gone "$1"; then
		end_child "$1"
		return 124
	fi
	wait "$1"
}

# The one that a Debian has, without the detour of a version manager where there is one.
PYTHON=/usr/bin/python3
[ -x "$PYTHON" ] || PYTHON=python3
export PYTHON

# --- Connections of bash's own, by number

connect() { # N [PORT [HOST]]
	local fd

	exec {fd}<>"/dev/tcp/${3:-127.0.0.1}/${2:-$PORT}" || return 1
	FDS[$1]=$fd
}

connect_all() { # N...
	local n

	for n; do
		connect "$n"
	done
}

send() { # N BYTES
	local status=0

	trap '' PIPE # it would end the test without a word
	printf '%b' "$2" >&"${FDS[$1]}" || status=$?
	trap - PIPE
	return "$status"
}

# As many bytes as are expected have to come, and they have to be these. Not for NUL.
expect() { # N BYTES
	local want got='' part status end=$((SECONDS + LIMIT))

	bytes want "$2"
	while [ "$got" != "$want" ] && [ "$SECONDS" -le "$end" ]; do
		part='' status=0
		IFS= read -r -N $((${#want} - ${#got})) -t 1 part <&"${FDS[$1]}" || status=$?
		got+=$part
		# No need to wait for more of what is wrong already, or where the end has come.
		[ "$got" = "${want:0:${#got}}" ] || break
		[ "$status" -eq 0 ] || [ "$status" -gt 128 ] || break
	done
	assert_eq "$want" "$got" "the reply on connection $1"
}

ask() { # N REQUEST REPLY
	send "$1" "$2"
	expect "$1" "$3"
}

# A line without its LF (its CR stays) comes into VARIABLE.
read_line() { # N VARIABLE
	IFS= read -r -t "$LIMIT" "$2" <&"${FDS[$1]}"
}

# Nothing more has come than was read: a further request has the next answer.
expect_nothing() { # N
	ask "$1" 'noop\r\n' 'OK \r\n' || fail "there was more"
}

# The end of file or a reset, and nothing before it.
expect_eof() { # N
	local rest='' status=0

	IFS= read -r -N 1 -t "$LIMIT" rest <&"${FDS[$1]}" || status=$?
	[ "$status" -ne 0 ] || fail "connection $1: a byte instead of the end: $(printf '%q' "$rest")"
	[ "$status" -le 128 ] || fail "connection $1: still open after $LIMIT s"
}

hang_up() { # N
	local fd=${FDS[$1]}

	unset "FDS[$1]"
	exec {fd}>&-
}

close_connections() {
	local n

	for n in "${!FDS[@]}"; do
		hang_up "$n"
	done
}

# The local port of a connection, as the daemon sees it.
port_of() { # N
	local inode

	inode=$(readlink "/proc/$BASHPID/fd/${FDS[$1]}") || return 1
	inode=${inode#socket:[}
	awk -v inode="${inode%]}" '$10 == inode { split($2, a, ":"); print a[2]; exit }' \
		/proc/net/tcp /proc/net/tcp6 2>/dev/null | { read -r hex && echo $((16#$hex)); }
}

# Connection N gets the lock, sooner or later.
until_granted() { # N NAME
	eventually is_granted "$1" "$2" || fail "$2 was never free"
}

is_granted() { # N NAME
	local reply=''

	send "$1" "trylock lock=$2\r\n"
	read_line "$1" reply && [ "$reply" = $'OK \r' ]
}

# Sooner or later a new connection is served.
until_served() { # N [PORT]
	eventually is_served "$@" || fail 'a new connection is still refused'
}

is_served() { # N [PORT]
	local reply=''

	connect "$1" "${2:-$PORT}" 2>/dev/null || return 1
	send "$1" 'noop\r\n' 2>/dev/null || true
	read_line "$1" reply && [ "$reply" = $'OK \r' ] && return 0
	hang_up "$1"
	return 1
}

# --- Whole transcripts

# See clients/talk.pl for the options; the address is 127.0.0.1:PORT unless --to says another one.
talk() {
	perl "$CLIENTS/talk.pl" --to "127.0.0.1:$PORT" --limit "$LIMIT" "$@"
}

transcript() { # REQUEST REPLY [OPTION of talk...]
	local request=$1 reply=$2

	shift 2
	printf '%b' "$reply" >"$DIR/transcript.wanted"
	printf '%b' "$request" | talk "$@" >"$DIR/transcript.got" || return 1
	assert_same_file "$DIR/transcript.wanted" "$DIR/transcript.got"
}
