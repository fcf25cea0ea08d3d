#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# `latch elect`: one of several runs the command, another one takes over, and never do two.

# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # texts for other shells; bats: tests are subshells
load guards

# Candidates beat into one file; who leads is who beats.
candidate() { # NAME [OPTION...]
	local name=$1

	shift
	behind "$name" elect "$@" leader perl "$CLIENTS/clinger.pl" "$DIR/beats.$name"
}

leader() {
	local name last=0 beat found=

	for name in one two three; do
		[ -s "beats.$name" ] || continue
		beat=$(tail -n 1 "beats.$name" | cut -d ' ' -f 2)
		if awk -v a="$beat" -v b="$last" 'BEGIN { exit !(a > b) }'; then
			last=$beat
			found=$name
		fi
	done
	echo "$found"
}

# Another one than NAME leads; sets LEADER, and TOOK in milliseconds after SINCE.
taken_over() { # NAME
	eventually is_taken_over "$1"
	TOOK=$(awk -v since="$SINCE" '$2 > since { print $2; exit }' "beats.$LEADER" |
		awk -v since="$SINCE" '{ printf "%d", ($1 - since) * 1000 }')
	echo "# $LEADER took over after $TOOK ms"
}

is_taken_over() {
	LEADER=$(leader)
	[ -n "$LEADER" ] && [ "$LEADER" != "$1" ]
}

# Each process of the command is alive from its first beat to its last.
assert_never_two() {
	cat beats.* | sort -k2n | awk '
		!($1 in first) { first[$1] = $2 }
		{ last[$1] = $2 }
		END {
			for (a in first)
				for (b in first)
					if (a < b && first[a] <= last[b] && first[b] <= last[a]) {
						print a, "and", b, "led at the same time"
						exit 1
					}
		}'
}

three_candidates() { # [OPTION...]
	start_latchd
	candidate one "$@"
	eventually test -s beats.one
	candidate two "$@"
	candidate three "$@"
	eventually sh -c "[ \"\$(LATCH_SERVER=127.0.0.1:$PORT '$LATCH' inspect leader | grep -c ^waiting)\" = 2 ]"
}

# Far from what its lease would have left it: of 30 s, which are renewed each 10 s.
AT_ONCE_MS=10000

@test "one leads, the others wait; at its end another one does, at once" {
	three_candidates
	since
	kill "${PIDS[one]}"
	ends_with one 143
	taken_over one
	[ "$TOOK" -lt $AT_ONCE_MS ]
	assert_never_two
}

@test "a leader of whom everything is killed with -9: within its lease" {
	three_candidates --lease 3s
	since
	kill -KILL "${PIDS[one]}" "$(keeper_of one)" "$(head -n 1 beats.one | cut -d ' ' -f 1)"
	taken_over one
	[ "$TOOK" -lt $((3000 + AT_ONCE_MS)) ]
	assert_never_two
}

@test "one guard of a leader is killed with -9: the other one gives the lead back" {
	local first

	three_candidates
	since
	kill -KILL "$(keeper_of one)"
	taken_over one
	[ "$TOOK" -lt $AT_ONCE_MS ]
	first=$LEADER
	since
	kill -KILL "${PIDS[$first]}"
	taken_over "$first"
	[ "$TOOK" -lt $AT_ONCE_MS ]
	assert_never_two
}

@test "a leader that loses the lead stands again, under a new token" {
	start_with_admin <<<''
	behind one elect leader sh -c 'echo "$LATCH_TOKEN" >>tokens; exec sleep 60'
	eventually test -s tokens
	latch -S "unix:$ADMIN" revoke leader
	eventually sh -c '[ "$(wc -l <tokens)" = 2 ]'
	[ "$(sed -n 2p tokens)" -gt "$(sed -n 1p tokens)" ]
	kill "${PIDS[one]}"
	ends_with one 143
}

@test "the server restarts: one of them leads again" {
	three_candidates
	kill_latchd
	launch_latchd -l "127.0.0.1:$PORT"
	eventually beats_anew "$(head -n 1 beats.one | cut -d ' ' -f 1)"
	sleep 0.5
	for name in one two three; do
		is_running "${PIDS[$name]}"
	done
}

# Another process than that one.
beats_anew() { # PID
	cat beats.* | awk -v before="$1" '$1 != before { n++ } END { exit !(n > 3) }'
}

@test "it waits for a server, too" {
	free_port PORT
	behind one elect leader echo leads
	eventually grep -q 'trying again' one.err
	launch_latchd -l "127.0.0.1:$PORT"
	ends_with one 0
	assert_eq leads "$(cat one.out)"
}

@test "the command ends by itself: so does latch, with its status" {
	start_latchd
	exits 3 elect leader sh -c 'exit 3'
	exits 75 run leader "$LATCH" elect -n leader true
	exits 75 run leader "$LATCH" elect -w 200ms leader true
}
