#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# `latch run`: options, exit statuses, what the command gets and what it does not get.

# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # texts for other shells; bats: tests are subshells
load guards

@test "the exit status is the command's" {
	start_latchd
	exits 0 run a true
	exits 7 run a sh -c 'exit 7'
	exits 7 run a -c 'exit 7'
	exits 143 run a sh -c 'kill -TERM $$'
	exits 137 run a sh -c 'kill -KILL $$'
	exits 130 run a env --default-signal=INT sh -c 'kill -INT $$' # ignored, where the tests run behind something
	assert_eq '' "$OUT$ERR"
}

@test "what cannot be run: 126, what is not there: 127, and the lock is given back" {
	start_latchd
	exits 127 run a /nowhere/at-all
	assert_match 'latch: cannot run /nowhere/at-all: No such file' "$ERR"
	exits 126 run a /
	assert_match 'latch: cannot run /: Permission denied' "$ERR"
	exits 0 run -n a true
}

@test "usage errors: 64, and what is wrong" {
	start_latchd
	exits 64 run
	assert_match 'NAME is missing' "$ERR"
	exits 64 run a
	assert_match 'which command' "$ERR"
	exits 64 run a -c true true
	exits 64 run --lease 10ms a true
	assert_match 'at least 500ms' "$ERR"
	exits 64 run --key 0123456789 a true
	assert_match 'key' "$ERR"
	exits 64 run --timeout 0 a true
	exits 64 run --on-loss shout a true
	assert_match 'kill, term or ignore' "$ERR"
	exits 64 run --nonsense a true
	exits 64 run -w soon a true
	exits 64 run '' true
	exits 64 run --lease 30d a true
	assert_match 'lease' "$ERR"
	exits 0 run --help
	assert_match '--on-loss' "$OUT"
}

@test "words after the command are its own; -- may stand before it; options may stand behind the name" {
	start_latchd
	exits 0 run a printf '%s ' -n --help -- x
	assert_eq '-n --help -- x ' "$OUT"
	exits 0 run a -- echo -n x
	assert_eq x "$OUT"
	exits 0 run a -n -c 'echo $LATCH_NAME'
	assert_eq a "$OUT"
}

@test "the environment says which lock, by which token and key, from which server; what was there stays" {
	start_latchd
	HERE=yes exits 0 run a -c 'echo "$HERE $LATCH_NAME $LATCH_TOKEN $LATCH_KEY $LATCH_SERVER ${LATCH_SLOT-none}"'
	assert_match "^yes a [0-9]+ [0-9a-f]{32} 127.0.0.1:$PORT none\$" "$OUT"
	exits 0 run --slots 3 b -c 'echo "$LATCH_SLOT"'
	assert_eq 0 "$OUT"
	exits 0 run a -c "$LATCH"' renew --key "$LATCH_KEY" a' # with the key it can do so itself
}

@test "tokens grow" {
	local first

	start_latchd
	exits 0 run a -c 'echo $LATCH_TOKEN'
	first=$OUT
	exits 0 run b -c 'echo $LATCH_TOKEN'
	[ "$OUT" -gt "$first" ]
}

@test "standard input and output are the command's, byte for byte" {
	start_latchd
	head -c 300000 /dev/urandom >data
	latch run a cat <data >copy
	assert_same_file data copy
	latch run a sh -c 'head -c 1000; echo error >&2' <data >start 2>error
	cmp start <(head -c 1000 data)
	assert_eq error "$(cat error)"
	exits 0 run a sh -c '[ ! -t 0 ]'
}

@test "no descriptor of latch comes into the command" {
	start_latchd
	exits 0 run a sh -c 'ls -l /proc/self/fd'
	assert_match '0 -> ' "$OUT"
	run ! grep -E 'socket:|anon_inode:|memfd:' <<<"$OUT"
	exits 0 run --lease 0 a sh -c 'ls -l /proc/self/fd'
	run ! grep -E 'socket:|anon_inode:' <<<"$OUT"
}

@test "signals are dealt with as before: ignored ones stay ignored, the mask is as it was" {
	start_latchd
	grep -E 'Sig(Blk|Ign)' /proc/self/status >wanted
	latch run a grep -E 'Sig(Blk|Ign)' /proc/self/status >got
	assert_same_file <(env grep -E 'Sig(Blk|Ign)' /proc/self/status) got
	env --ignore-signal=HUP,USR1 --block-signal=USR2 grep -E 'Sig(Blk|Ign)' /proc/self/status >wanted
	LATCH_SERVER=127.0.0.1:$PORT env --ignore-signal=HUP,USR1 --block-signal=USR2 "$LATCH" run a \
		grep -E 'Sig(Blk|Ign)' /proc/self/status >got 3>&-
	assert_same_file wanted got
}

@test "whoever ignores the ends of children is told of them all the same" {
	start_latchd
	LATCH_SERVER=127.0.0.1:$PORT timeout "$LIMIT" env --ignore-signal=CHLD "$LATCH" run a true 3>&-
}

@test "-n: taken means 75, with who, since when and what for; -E another status; -q not a word" {
	start_latchd
	behind holder run --as alice@build7 --note 'deploying 4711' a sleep 60
	until_held a
	exits 75 run -n a true
	assert_match 'latch: a: held [0-9.]+m?s by alice@build7: deploying 4711' "$ERR"
	exits 42 run -n -E 42 a true
	exits 0 run -nqE 0 a true
	assert_eq '' "$OUT$ERR"
}

@test "the expected wait is told, once it is known" {
	start_latchd
	exits 0 run a sleep 0.3
	behind holder run a sleep 60
	until_held a
	exits 75 run -n a true
	assert_match 'expected wait [0-9]' "$ERR"
}

@test "-w: for that long, in line" {
	start_latchd
	behind holder run a sleep 60
	until_held a
	since
	exits 75 run -w 2s a true
	assert_match 'timed out: held .* by .*: sleep 60' "$ERR"
	awk -v from="$SINCE" -v to="$(now)" 'BEGIN { exit !(to - from >= 2) }'
	behind waiter run -w 20s a echo mine
	eventually waits a
	kill "${PIDS[holder]}"
	ends_with holder 143
	ends_with waiter 0
	assert_eq mine "$(cat waiter.out)"
}

@test "without -w it waits as long as it takes, and in the order of asking" {
	start_latchd
	behind first run a sleep 60
	until_held a
	behind second run a sh -c 'echo second >>order'
	eventually waits a
	behind third run a sh -c 'echo third >>order'
	eventually sh -c "[ \"\$(LATCH_SERVER=127.0.0.1:$PORT '$LATCH' inspect a | grep -c ^waiting)\" = 2 ]"
	kill "${PIDS[first]}"
	ends_with second 0
	ends_with third 0
	assert_eq 'second third' "$(xargs <order)"
}

@test "the command line is the note, unless told" {
	start_latchd
	behind holder run a sleep 61
	until_held a
	latch inspect a | grep -q 'sleep 61'
	behind other run b -c 'sleep 62; true'
	until_held b
	latch inspect b | grep -q 'sleep 62; true'
	exits 0 run c true "$(printf '%0400d' 0)" # a long one is cut, not refused
}

@test "-s: with other shared holders; --slots: so many at a time" {
	start_latchd
	behind one run -s a sleep 60
	until_held a
	exits 0 run -ns a true
	exits 75 run -n a true
	behind two run --slots 2 b sleep 60
	until_held b
	exits 0 run -n --slots 2 b -c 'test "$LATCH_SLOT" = 1'
	exits 75 run -n --slots 1 b true
}

@test "--also: all of them or none" {
	start_latchd
	behind holder run b sleep 60
	until_held b
	exits 75 run -n --also b a true
	exits 0 run -n a true
	exits 0 run --also c --also d a "$LATCH" list --names
	assert_eq 'a b c d' "$(sort <<<"$OUT" | xargs)"
	exits 0 run -n --also c --also d a true
}

@test "--at-least: nobody else's before that, however short the command" {
	start_latchd
	exits 0 run --at-least 60s a true
	exits 75 run -n a true
	since
	exits 0 run --at-least 2s b true
	exits 0 run -w 20s b true
	awk -v from="$SINCE" -v to="$(now)" 'BEGIN { exit !(to - from >= 2) }'
}

@test "--timeout: the command is ended, with all that it has started: 124" {
	start_latchd
	since
	cling a --timeout 3s -- away
	then_granted a
	ends_with a 124
	behind b run --timeout 300ms b sleep 60
	ends_with b 124
	assert_match 'has not ended within --timeout' "$(cat b.err)"
	exits 0 run -n b true
}

@test "what the command leaves behind is ended before the lock is given back" {
	start_latchd
	since
	behind a run a sh -c "perl '$CLIENTS/clinger.pl' '$DIR/a.beats' orphan away; until [ -e go ]; do sleep 0.1; done"
	eventually beats a 3
	touch go
	then_granted a
	ends_with a 0
	assert_match 'has left processes behind' "$(cat a.err)"
}

@test "no server: 69, what is wrong and what to do" {
	free_port PORT
	exits 69 run a true
	assert_match "cannot reach latchd at 127.0.0.1:$PORT: connection refused; is latchd running there\? \(-S or LATCH" "$ERR"
	exits 69 run -S "unix:$DIR/none" a true
	assert_match 'there is no such socket' "$ERR"
	exits 64 run -S nonsense a true
	exits 69 run -S nowhere.invalid:7002 a true
	assert_match 'could not be looked up' "$ERR"
	since
	exits 69 run -w 300ms a true
	awk -v from="$SINCE" -v to="$(now)" 'BEGIN { exit !(to - from >= 0.3 && to - from < 20) }'
}

@test "no server yet: with -w it is tried again until then" {
	free_port PORT
	behind a run -w 25s a echo mine
	eventually grep -q 'trying again' a.err
	launch_latchd -l "127.0.0.1:$PORT"
	ends_with a 0
	assert_eq mine "$(cat a.out)"
}

@test "a server that hangs: -w counts all the same, and what it may grant later is given back" {
	start_latchd
	kill -STOP "$LATCHD_PID"
	since
	exits 69 run -w 300ms a true
	awk -v from="$SINCE" -v to="$(now)" 'BEGIN { exit !(to - from < 10) }'
	assert_match 'does not answer' "$ERR"
	kill -CONT "$LATCHD_PID"
	eventually is_free a
	exits 0 run -n a true
}

@test "what is there is no latchd: 69" {
	free_port PORT
	spawn socat "TCP-LISTEN:$PORT,bind=127.0.0.1,reuseaddr,fork" SYSTEM:'echo 220 mail; cat >/dev/null' 2>/dev/null
	eventually grep -q "$(printf ':%04X ' "$PORT")" /proc/net/tcp
	exits 69 run a true
	assert_match 'no latchd' "$ERR"
}

@test "a full server is no refusal: 69, or a reason to try again" {
	start_with_ini <<-'INI'
		[server]
		max_clients = 1
		[listen main]
		address = 127.0.0.1:@PORT@
	INI
	connect other
	ask other 'noop\r\n' 'OK \r\n'
	exits 69 run -n a true
	assert_match 'as many clients as it may' "$ERR"
	behind a run -w 25s a true
	eventually grep -q 'as many clients' a.err
	hang_up other
	ends_with a 0
}

@test "waiting while the server restarts: in line again" {
	start_latchd
	behind holder run --lease 0 a sleep 60
	until_held a
	behind waiter run a echo mine
	eventually waits a
	stop_latchd
	launch_latchd -l "127.0.0.1:$PORT"
	ends_with waiter 0
	ends_with holder 125
}

@test "signals go to the command" {
	local signal

	start_latchd
	for signal in TERM INT QUIT HUP USR1 USR2; do
		behind "$signal" run "$signal" perl -e '
			$SIG{$ARGV[0]} = sub { print "got $ARGV[0]\n"; exit 3 };
			open my $ready, ">", "$ARGV[0].ready"; close $ready;
			sleep 60;' "$signal"
		eventually test -e "$signal.ready"
		kill -s "$signal" "${PIDS[$signal]}"
		ends_with "$signal" 3
		assert_eq "got $signal" "$(cat "$signal.out")"
	done
}

@test "a signal while waiting: the wait is withdrawn, nothing stays behind" {
	local signal

	start_latchd
	behind holder run a sleep 60
	until_held a
	for signal in INT TERM HUP; do
		behind "$signal" run a true
		eventually waits a
		kill -s "$signal" "${PIDS[$signal]}"
		ends_with "$signal" $((128 + $(kill -l "$signal")))
		run ! waits a
	done
}

@test "a shell that has children becomes latch: they are none of the command's" {
	start_latchd
	HOME_OF_TEST=$DIR LATCH_SERVER=127.0.0.1:$PORT timeout "$LIMIT" bash -c '
		sleep 25 & echo $! >sleeper
		exec "$0" run a true' "$LATCH" 3>&-
	is_running "$(cat sleeper)"
	# One that ends with its output: whoever waits for it waits for ever.
	HOME_OF_TEST=$DIR LATCH_SERVER=127.0.0.1:$PORT timeout "$LIMIT" bash -c '
		exec > >(cat >log)
		exec "$0" run a echo written' "$LATCH" 3>&-
	eventually grep -q written log
	kill "$(cat sleeper)"
}

@test "the head of a script takes the lock for all of it" {
	start_latchd
	cat >script <<-'SCRIPT'
		#!/bin/sh
		[ "${LATCH_NAME-}" = script ] || exec "$LATCH" run -n -E 0 script "$0" "$@"
		echo "$LATCH_NAME: $*"
	SCRIPT
	chmod +x script
	assert_eq 'script: 1 2' "$(LATCH=$LATCH LATCH_SERVER=127.0.0.1:$PORT ./script 1 2 3>&-)"
}

@test "latch in latch: each has its own" {
	start_latchd
	exits 5 run a "$LATCH" run b -c 'echo $LATCH_NAME; exit 5'
	assert_eq b "$OUT"
	exits 75 run a "$LATCH" run -n a true
}

@test "standard error that nobody reads is not worth the command" {
	start_latchd
	# Once nobody reads any more, it leaves something behind, which latch has to say.
	{ latch run a sh -c 'trap "" PIPE; while echo x; do sleep 0.02; done 2>/dev/null; (sleep 60 &) ; exit 4' 2>&1 ||
		echo $? >status; } | true
	assert_eq 4 "$(cat status)"
}
