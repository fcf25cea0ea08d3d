# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: ISC
# Commands under a lock. It loads process.bash.
#
#   latch ARG...              the client, of the server of the test
#   exits STATUS ARG...       latch with these has that exit status; OUT is what it wrote, ERR its errors
#   behind NAME ARG...        latch in the background; its output in NAME.out and NAME.err, its pid in PIDS[NAME]
#   keeper_of NAME            its other guard
#   until_held NAME...        until these locks are held
#   cling NAME WAY...         behind NAME run NAME clinger.pl, which beats into the file NAME.beats
#   then_granted NAME         a further `latch run NAME` gets the lock only after the last beat; sets TOOK, the
#                             milliseconds from SINCE to the last beat
#   since                     SINCE is now, on the clock of the beats

load process
LATCH=${LATCH:-$BUILD/latch}

setup() {
	begin_test
	cd "$DIR" || return
	declare -gA PIDS=()
	unset LATCH_SERVER LATCH_KEY
}

# What outlives its test would be in the way of others.
teardown() {
	local name failed=0

	for name in "${!PIDS[@]}"; do
		if [ ! -e "$name.done" ]; then
			kill -s CONT "${PIDS[$name]}" 2>/dev/null || true
			kill -s KILL "${PIDS[$name]}" 2>/dev/null || true
		fi
	done
	eventually none_is_left || failed=1
	end_test || failed=1
	if [ "$failed" -ne 0 ] || [ -z "${BATS_TEST_COMPLETED:-}" ]; then
		tail -n 20 ./*.err ./*.out 2>/dev/null
	fi
	if grep -lE 'Sanitizer|runtime error:' ./*.err 2>/dev/null; then
		failed=1
	fi
	return "$failed"
}

# The processes of latch and of its commands know the folder of their test.
left_processes() {
	grep -lsz "^HOME_OF_TEST=$DIR\$" /proc/[0-9]*/environ | sed 's,/proc/\([0-9]*\)/.*,\1,'
}

none_is_left() {
	[ -z "$(left_processes)" ]
}

latch() {
	HOME_OF_TEST=$DIR LATCH_SERVER=${LATCH_SERVER:-127.0.0.1:$PORT} "$LATCH" "$@" 3>&-
}

exits() { # STATUS ARG...
	local want=$1 status=0

	shift
	latch "$@" >exits.out 2>exits.err || status=$?
	OUT=$(cat exits.out)
	ERR=$(cat exits.err)
	[ "$status" = "$want" ] || fail "latch $* ended with $status, not $want" "$OUT" "$ERR"
}

# With the signals as in a shell that one types into.
behind() { # NAME ARG...
	local name=$1

	shift
	HOME_OF_TEST=$DIR LATCH_SERVER=${LATCH_SERVER:-127.0.0.1:$PORT} \
		spawn env --default-signal=INT,QUIT "$LATCH" "$@" >"$name.out" 2>"$name.err" </dev/null
	PIDS[$name]=$SPAWNED_PID
}

# STATUS, of what runs behind.
ends() { # NAME
	STATUS=0
	finish "${PIDS[$1]}" || STATUS=$?
	: >"$1.done"
}

ends_with() { # NAME STATUS
	ends "$1"
	[ "$STATUS" = "$2" ] || fail "$1 ended with $STATUS, not $2" "$(cat "$1.err")"
}

keeper_of() { # NAME
	local front=${PIDS[$1]}

	tr -d ' ' <"/proc/$front/task/$front/children"
}

is_held() { # NAME
	[ -n "$(latch list --names "$1")" ]
}

is_free() { # NAME
	! is_held "$1"
}

waits() { # NAME
	latch inspect "$1" | grep -q '^waiting'
}

until_held() { # NAME...
	local name

	for name; do
		eventually is_held "$name"
	done
}

now() {
	perl -MTime::HiRes=clock_gettime,CLOCK_MONOTONIC -e 'printf "%.6f\n", clock_gettime(CLOCK_MONOTONIC)'
}

since() {
	SINCE=$(now)
}

cling() { # NAME [OPTION of latch run...] -- WAY...
	local name=$1 options=()

	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	behind "$name" run "${options[@]}" "$name" perl "$CLIENTS/clinger.pl" "$DIR/$name.beats" "$@"
	eventually beats "$name" 3
}

beats() { # NAME N
	[ -e "$1.beats" ] && [ "$(wc -l <"$1.beats")" -ge "$2" ]
}

# A second one asks for the lock from now on.
second() { # NAME
	# shellcheck disable=SC2016
	behind "$1.second" run -q "$1" sh -c \
		'perl -MTime::HiRes=clock_gettime,CLOCK_MONOTONIC -e "printf qq(%.6f\n), clock_gettime(CLOCK_MONOTONIC)"'
}

then_granted() { # NAME
	local last first

	[ -n "${PIDS[$1.second]:-}" ] || second "$1"
	ends_with "$1.second" 0
	last=$(sort -k2n "$1.beats" | tail -n 1 | cut -d ' ' -f 2)
	first=$(cat "$1.second.out")
	TOOK=$(awk -v since="$SINCE" -v last="$last" 'BEGIN { printf "%d", (last - since) * 1000 }')
	echo "# $1: the last sign of it ${TOOK} ms after, the second began $(awk -v a="$last" -v b="$first" \
		'BEGIN { printf "%d", (b - a) * 1000 }') ms later"
	awk -v last="$last" -v first="$first" 'BEGIN { exit !(last < first) }' ||
		fail "the second had $1 at $first while the first was alive, at $last"
	sleep 0.1
	assert_eq "$last" "$(sort -k2n "$1.beats" | tail -n 1 | cut -d ' ' -f 2)" 'the last beat'
}
