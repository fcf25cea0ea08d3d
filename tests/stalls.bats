#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# A daemon that is stopped, flooded, reloaded, ended and killed, while there are leases and waits.

# shellcheck disable=SC2030,SC2031,SC2154 # bats: tests are subshells; value, grant and many set variables
load native

# Stops the daemon. False where that came too late, SECONDS or more after $begun; the daemon is ended then, for another
# one with more time.
stopped_within() { # SECONDS
	kill -s STOP "$LATCHD_PID"
	[ $((${EPOCHREALTIME/[.,]/} - begun)) -lt $(($1 * 1000000)) ] && return 0
	kill_latchd
	close_connections
	return 1
}

@test "trap 11: a daemon that was stopped past a lease reads the renewals that lay there first" {
	local own key new none n lease begun

	for lease in 1 4 16; do
		start_latchd
		connect_all 1 2 3 4
		grant 1 'acquire own' own
		grant 1 'acquire none' none
		grant 2 'acquire key key=12345678' key
		grant 2 'acquire new key=12345678' new
		for n in own key new; do
			say 3 "acquire $n wait=60 id=$n"
			until_waiters "$n" 1
		done
		begun=${EPOCHREALTIME/[.,]/}
		say 1 "renew own lock=none lease=$lease"
		say 2 "renew key lock=new lease=$lease"
		get 1 "OK .*&lease=$lease"
		get 2 "OK .*&lease=$lease"
		! stopped_within "$lease" || break
	done
	sleep "$lease.2"
	say 4 'acquire none id=4'
	say 3 'acquire own'
	say 4 'renew key lease=60 key=12345678'
	connect late
	say late 'renew new lease=60 key=12345678'
	say 1 'renew own lease=60'
	kill -s CONT "$LATCHD_PID"
	exactly late "OK lock=new&token=$new&lease=60"
	next_line 4
	[[ $LINE != OK* ]] || fail "it was granted before anything could expire: $LINE"
	exactly 4 "OK lock=key&token=$key&lease=60"
	next_line 1
	assert_eq "OK lock=own&token=$own&lease=60" "$LINE"
	get 1 "EVENT what=expired&lock=none&token=$none&.*"
	get 3 'ERR already_waiting .*'
	expect_nothing 3
	assert_waiters own 1
	assert_waiters key 1
	assert_waiters new 1
	want 4 'acquire none' 'OK .*'
}

@test "trap 11: after a stop past the deadline of a wait the release that lay there comes first" {
	local wait begun

	for wait in 1 4 16; do
		start_latchd
		connect 1
		connect 2
		connect 3
		want 1 'acquire a' 'OK .*'
		many 3 'watch a' '1&.*'
		begun=${EPOCHREALTIME/[.,]/}
		say 2 "acquire a wait=$wait"
		get 3 'EVENT what=queued&.*' # which stays told, however late it is here
		! stopped_within "$wait" || break
	done
	sleep "$wait.1"
	say 1 'release a'
	kill -s CONT "$LATCHD_PID"
	exactly 1 'OK '
	get 2 'OK lock=a.*'
	assert_holders a 1
}

@test "trap 12: a grant that its owner has hung up on untold is free, whatever its lease; not one with a key" {
	start_latchd
	for n in 1 2 3 4; do
		connect "$n"
	done
	want 1 'acquire a lock=b' 'OK .*'
	want 1 'acquire key' 'OK .*'
	say 2 'acquire a lock=b wait=60 lease=60 atleast=60'
	say 3 'acquire key wait=60 lease=60 key=12345678'
	until_waiters b 1
	until_waiters key 1
	kill -s STOP "$LATCHD_PID"
	say 1 'release a lock=b'
	say 1 'release key'
	hang_up 2
	hang_up 3
	kill -s CONT "$LATCHD_PID"
	exactly 1 'OK '
	exactly 1 'OK '
	until_held a 0
	until_held b 0
	want 4 'trylock lock=a' 'OK '
	want 4 'trylock lock=b' 'OK '
	want 4 'acquire key key=12345678' 'OK lock=key&.*'
}

@test "a flood by another client keeps no lease alive for ever" {
	start_latchd
	connect 1
	spawn_told perl "$CLIENTS/flood.pl" "127.0.0.1:$PORT" 3
	eventually has_said '^flooding'
	grant 1 'acquire a lease=100ms' token
	get 1 "EVENT what=expired&lock=a&token=$token&.*"
	is_running "$SPAWNED_PID"
	want 1 'acquire a' 'OK .*'
}

@test "SIGTERM: who waits is told shutdown, then comes the end" {
	start_latchd
	connect_all 1 2 3
	want 1 'acquire a lock=d lease=60' 'OK .*'
	send 2 'acquire a wait=60\r\nacquire b\r\n'
	until_waiters a 1
	say 3 'acquire a wait=60 id=x'
	say 3 'acquire c lock=d wait=60 id=y'
	until_waiters c 1
	stop_latchd
	exactly 2 'ERR shutdown - the server stops'
	next_line 3
	[[ $LINE == 'ERR shutdown id=x the server stops' || $LINE == 'ERR shutdown id=y the server stops' ]]
	get 3 'ERR shutdown id=[xy] the server stops'
	for n in 1 3; do
		expect_eof "$n"
	done
}

@test "SIGTERM: the lines behind a wait are answered" {
	start_latchd
	connect 1
	connect 2
	want 1 'acquire a' 'OK .*'
	send 2 'acquire a wait=60\r\nping id=1\r\nacquire b wait=60\r\nacquire c\r\ntrylock lock=a\r\nquit id=2\r\nping id=3\r\n'
	until_waiters a 1
	kill -s TERM "$LATCHD_PID"
	exactly 2 'ERR shutdown - the server stops'
	exactly 2 'OK id=1'
	exactly 2 'ERR shutdown - the server stops'
	get 2 'OK lock=c&.*'
	get 2 'ERR taken '
	exactly 2 'OK id=2'
	expect_eof 2
}

@test "SIGTERM: nobody is granted what others lose by it" {
	start_latchd
	connect_all 1 2 3 4
	want 2 'acquire a' 'OK .*'
	want 3 'acquire b' 'OK .*'
	say 1 'acquire a wait=60 lease=60'
	say 4 'acquire b wait=60 id=x'
	until_waiters a 1
	until_waiters b 1
	stop_latchd
	exactly 1 'ERR shutdown - the server stops'
	exactly 4 'ERR shutdown id=x the server stops'
	for n in 1 2 3 4; do
		expect_eof "$n"
	done
}

@test "a reload changes nothing about leases, waits and watches" {
	start_with
	connect_all 1 2 3
	want 1 'acquire a lease=60 atleast=1ms' 'OK .*'
	say 2 'acquire a wait=60 id=x'
	until_waiters a 1
	many 3 'watch a' '2&.*'
	sed -i '1i [locks]\nmax_locks = 10\nmax_lease = 10s\nmax_detached = 1\nmax_note = 5' "$DIR/latchd.ini"
	kill -s HUP "$LATCHD_PID"
	assert_log 'max_note: now 5'
	want 1 'acquire b note=123456' 'ERR note_too_long .*'
	want 1 'renew a lease=20' 'ERR lease_too_long .*'
	assert_waiters a 1
	exact 1 'release a' 'OK '
	get 2 'OK lock=a.*&id=x'
	get 3 'EVENT what=released&lock=a&.*'
	get 3 'EVENT what=granted&lock=a&.*'
}

@test "trap 21: the daemon is killed with -9: its clients see the end, later tokens are higher" {
	local first second third

	start_with '[server]' 'state_dir = @DIR@'
	connect_all 1 2 3
	grant 1 'acquire a' first
	grant 1 'acquire b lease=60 key=12345678' first
	say 2 'acquire a wait=60'
	until_waiters a 1
	many 3 'watch a' "$NUM.*"
	kill_latchd
	for n in 1 2 3; do
		expect_eof "$n"
		hang_up "$n"
	done
	hang_up eye
	start_with '[server]' 'state_dir = @DIR@'
	connect 1
	grant 1 'acquire a' second
	[ "$second" -gt "$first" ]
	many 1 list 1
	kill_latchd
	hang_up 1
	start_with '[server]' 'state_dir = @DIR@'
	connect 1
	grant 1 'acquire a' third
	[ "$third" -gt "$second" ]
}

@test "trap 21: tokens do not fall where the clock was set back before the restart" {
	local first second faketime

	# Its library before those of the sanitizers is what they do not take.
	[ "$(basename "$BUILD")" = release ] || skip 'not under a sanitizer'
	faketime=$(find /usr/lib -name libfaketime.so.1 2>/dev/null | head -n 1)
	[ -n "$faketime" ] || skip 'there is no libfaketime here'
	start_with '[server]' 'state_dir = @DIR@'
	connect 1
	grant 1 'acquire a' first
	kill_latchd
	hang_up 1
	export LATCHD_WRAP="env LD_PRELOAD=$faketime FAKETIME=-400d FAKETIME_DONT_FAKE_MONOTONIC=1"
	start_with '[server]' 'state_dir = @DIR@'
	connect 1
	grant 1 'acquire a' second
	[ "$second" -gt "$first" ]
	many 1 'inspect a' '1&.*'
	assert_match "since=$(date -u -d '-400 days' +%Y)-" "${LINES_GOT[0]}"
}
