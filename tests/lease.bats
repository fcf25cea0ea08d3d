#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Leases, keys and the least time of a lock: what outlives a connection, a stall, and the daemon.

# shellcheck disable=SC2030,SC2031,SC2154 # bats: tests are subshells; value, grant and many set variables
load native

NOT_HELD='ERR not_held - this connection does not hold it, nor is it held by that key'
STALE='ERR stale - that token is not the current grant any more'
TAKEN_OVER='ERR cancelled - its key was used again, and that request has its place now'

@test "a lease outlives its connection, and ends at its time" {
	start_latchd
	connect 1
	connect 2
	grant 1 'acquire a lease=60 note=n' token
	hang_up 1
	until_detached 2 1
	many 2 'inspect a' '1&holders=1&waiters=0'
	assert_match "^state=detached&mode=exclusive&token=$token&who=$PEER&.*&lease=[0-9.]*&note=n\$" "${LINES_GOT[0]}"
	want 2 'acquire a' "ERR taken holder=$PEER&.* held .*: n"
	connect 1
	grant 1 'acquire b lease=400ms' token
	hang_up 1
	want 2 'acquire b wait=60' "OK lock=b&token=$NUM"
	until_detached 2 1
	many 2 'history b' 1
	assert_match "token=$token&.*&ended=lease\$" "${LINES_GOT[0]}"
}

until_detached() { # N COUNT
	eventually has_detached "$1" "$2"
}

has_detached() {
	many "$1" stats 13
	[[ " ${LINES_GOT[*]} " == *" detached=$2 "* ]]
}

@test "the end of a lease: its connected holder is told, and can do nothing with it any more" {
	local token

	start_latchd
	connect 1
	connect 2
	grant 1 'acquire a lease=100ms key=12345678' token
	exactly 1 "EVENT what=expired&lock=a&token=$token&who=127.0.0.1:$(port_of 1)"
	exact 1 'renew a' "$NOT_HELD"
	exact 1 "renew a token=$token" "$STALE"
	exact 1 'release a' "$NOT_HELD"
	exact 1 "release a token=$token" "$STALE"
	exact 2 'renew a key=12345678' "$NOT_HELD"
	exact 2 "renew a key=12345678 token=$token" "$STALE"
	ask 1 'releaselock lock=a\r\n' 'ERR didnthave \r\n'
	want 1 'acquire a' 'OK .*'
}

@test "trap 13: a release that comes after the end of the lease is stale, and the new holder keeps the lock" {
	local old new

	start_latchd
	connect 1
	connect 2
	grant 1 'acquire a lease=150ms' old
	grant 2 'acquire a wait=60' new
	[ "$new" -gt "$old" ]
	get 1 "EVENT what=expired&lock=a&token=$old&.*"
	exact 1 "release a token=$old" "$STALE"
	exact 1 'release a' "$NOT_HELD"
	exact 2 "renew a lease=60 token=$new" "OK lock=a&token=$new&lease=60"
}

@test "a lease that is renewed does not end at its old time; one of several names ends for all" {
	local token

	start_latchd
	connect 1
	connect 2
	say_at_once 1 'acquire a lease=200ms' 'renew a lease=60' 'acquire x lock=y lease=200ms'
	get 1 "OK .*&lease=0.2"
	get 1 "OK .*&lease=60"
	get 1 "OK .*&lease=0.2"
	value token token
	get 1 "EVENT what=expired&lock=[xy]&token=$token&.*"
	get 1 "EVENT what=expired&lock=[xy]&token=$token&.*"
	expect_nothing 1
	want 2 'acquire a' 'ERR taken .*'
	want 2 'acquire x lock=y' 'OK .*'
}

@test "one of several names can be renewed alone" {
	local token

	start_latchd
	connect 1
	say_at_once 1 'acquire x lock=y lease=300ms' 'renew y lease=100'
	get 1 'OK .*'
	value token token
	exactly 1 "OK lock=y&token=$token&lease=100"
	get 1 "EVENT what=expired&lock=x&token=$token&.*"
	want 1 'renew y' "OK lock=y&token=$token&lease=100"
}

@test "a lost reply: the same key gets the same grant and token again, with a new lease" {
	local token

	start_latchd
	connect 1
	connect 2
	connect 3
	grant 1 'acquire a lease=50 key=12345678 note=n' token
	hang_up 1
	until_detached 2 1
	exact 2 'acquire a lease=100 key=12345678' "OK lock=a&token=$token&lease=100"
	until_detached 2 0
	want 3 'acquire a lease=100 key=12345679' 'ERR taken .*'
	want 3 'acquire a lease=100' 'ERR taken .*'
	exact 2 'release a' 'OK '
	grant 3 'acquire a key=12345678' again
	[ "$again" -gt "$token" ]
}

@test "a key moves a grant to the connection that asks, wherever the old one is" {
	local token

	start_latchd
	connect 1
	connect 2
	grant 1 'acquire a key=12345678' token
	exact 2 'acquire a key=12345678 id=2' "OK lock=a&token=$token&id=2"
	exact 1 'release a' "$NOT_HELD"
	hang_up 1
	assert_holders a 1
	exact 2 'acquire a key=12345678' "OK lock=a&token=$token"
	grant 2 'acquire x lock=y lease=60 key=12345678' token
	connect 1
	exact 1 'acquire y lock=x lease=60 key=12345678' "OK lock=y&lock=x&token=$token&lease=60"
	want 1 'acquire x key=12345678' "OK lock=x&lock=y&token=$token&lease=(60|59[.0-9]*)"
	want 2 'acquire y key=12345678' "OK lock=y&token=$token&lease=(60|5[.0-9]*)"
	exact 1 'release y' "$NOT_HELD"
	hang_up 2
	until_held a 0
	assert_holders x 1
}

@test "a key that is in use there for another kind of acquire" {
	start_latchd
	connect 1
	connect 2
	want 1 'acquire a key=12345678' 'OK .*'
	want 1 'acquire b key=12345678 slots=3' 'OK .*'
	exact 2 'acquire a key=12345678 mode=shared' 'ERR key_in_use - this key is in use there for an acquire of another kind'
	exact 2 'acquire a lock=z key=12345678' 'ERR key_in_use - this key is in use there for an acquire of another kind'
	exact 2 'acquire a lock=b key=12345678' 'ERR key_in_use - this key is in use there for an acquire of another kind'
	exact 2 'acquire b key=12345678 slots=4' 'ERR key_in_use - this key is in use there for an acquire of another kind'
	want 2 'acquire b key=12345678 slots=3' "OK lock=b&token=$NUM&slot=0"
	many 2 list 2
}

@test "a place in a queue is taken over by its key" {
	start_latchd
	connect_all 1 2 3 4
	want 1 'acquire a' 'OK .*'
	say 2 'acquire a wait=60 key=12345678'
	until_waiters a 1
	say 3 'acquire a wait=60'
	until_waiters a 2
	say 4 'acquire a wait=100 key=12345678 note=again id=4'
	exactly 2 "$TAKEN_OVER"
	many 2 'inspect a' '3&holders=1&waiters=2'
	assert_match '^state=waiting&position=1&.*&note=again$' "${LINES_GOT[1]}"
	want 2 'acquire a key=12345678' 'ERR taken .*'
	exact 2 'acquire a wait=9 mode=shared key=12345678' 'ERR key_in_use - this key is in use there for an acquire of another kind'
	exact 1 'release a' 'OK '
	get 4 "OK lock=a&token=$NUM&id=4"
	exact 4 'release a' 'OK '
	get 3 'OK .*'
	expect_nothing 2
}

@test "a place that is taken over: the lines behind the old wait go on, and a connection can take over its own" {
	start_latchd
	connect_all 1 2 3
	want 1 'acquire a' 'OK .*'
	say 2 'acquire a wait=60 key=12345678'
	say 2 'ping id=9'
	until_waiters a 1
	say 3 'acquire a wait=60 key=12345678 id=1'
	exactly 2 "$TAKEN_OVER"
	exactly 2 'OK id=9'
	say 3 'acquire a wait=60 key=12345678 id=2'
	get 3 'ERR cancelled id=1 .*'
	assert_waiters a 1
	exact 1 'release a' 'OK '
	get 3 "OK lock=a&token=$NUM&id=2"
}

@test "the end of a lease is told also to one who waits for another lock" {
	start_latchd
	connect 1
	connect 2
	want 1 'acquire a' 'OK .*'
	say_at_once 2 'acquire x lease=150ms' 'acquire a wait=60' ping
	get 2 'OK lock=x&.*'
	value token token
	get 2 "EVENT what=expired&lock=x&token=$token&.*"
	assert_waiters a 1
	exact 1 'release a' 'OK '
	get 2 'OK lock=a.*'
	exactly 2 'OK '
}

@test "atleast: nobody else has it before that time, also after a release; then whoever waits" {
	local begun held

	start_latchd
	connect 1
	connect 2
	want 1 'acquire a atleast=60' 'OK .*'
	exact 1 'release a' 'OK '
	exact 1 'release a' "$NOT_HELD"
	want 2 'acquire a' "ERR taken holder=$PEER&since=$WHEN&age=$SEC&atleast=1&left=$SEC&queue=0(&expect=$SEC)? it is kept for another [0-9ms]+ after $PEER had it"
	want 1 'acquire a' 'ERR taken .*&atleast=1&.*'
	ask 2 'trylock lock=a\r\n' 'ERR taken \r\n'
	many 2 'inspect a' '1&holders=1&waiters=0'
	assert_match '^state=kept&mode=exclusive&.*&atleast=' "${LINES_GOT[0]}"
	many 2 'history a' 1
	value held held "${LINES_GOT[0]}"
	awk -v held="$held" 'BEGIN { exit !(held < 60) }'
	begun=${EPOCHREALTIME/./}
	send 1 'acquire b atleast=300ms\r\nrelease b\r\n'
	get 1 'OK .*'
	exactly 1 'OK '
	want 2 'acquire b wait=60' 'OK .*'
	[ $((${EPOCHREALTIME/./} - begun)) -ge 300000 ]
}

@test "atleast: kept after kill -9 of its holder, and past the end of its lease" {
	start_latchd
	connect 2
	spawn_told perl "$CLIENTS/waiter.pl" "127.0.0.1:$PORT" 'acquire a atleast=60' 'acquire b atleast=60 lease=100ms'
	eventually has_said 'lock=b'
	kill -s KILL "$SPAWNED_PID"
	until_detached 2 2
	want 2 'acquire a' 'ERR taken .*&atleast=1&left=[1-5][0-9].*'
	eventually is_kept b
	want 2 'acquire b' 'ERR taken .*&atleast=1&left=[1-5][0-9].*'
}

is_kept() { # NAME
	many 2 "inspect $1" '1&holders=1&waiters=0'
	[[ ${LINES_GOT[0]} == state=kept* ]]
}

@test "atleast that is over does not keep a lock; slots and readers share what is kept" {
	start_latchd
	connect 1
	connect 2
	want 1 'acquire a atleast=1ms' 'OK .*'
	sleep 0.02
	exact 1 'release a' 'OK '
	want 2 'acquire a' 'OK .*'
	want 1 'acquire s slots=2 atleast=60' "OK lock=s&token=$NUM&slot=0"
	exact 1 'release s' 'OK '
	want 1 'acquire s slots=2' "OK lock=s&token=$NUM&slot=1"
	want 2 'acquire s slots=2' 'ERR taken .*'
	want 1 'acquire r mode=shared atleast=60' 'OK .*'
	exact 1 'release r' 'OK '
	want 2 'acquire r mode=shared' 'OK .*'
	want 1 'acquire r' 'ERR taken .*'
}

@test "renew of several names: all of them or none" {
	start_latchd
	connect 1
	connect 2
	want 1 'acquire a lease=1' 'OK .*'
	want 1 'acquire b' 'OK .*'
	exact 1 'renew a lock=b' 'ERR no_lease - it was taken without a lease; give lease= to let it have one'
	get 1 'EVENT what=expired&lock=a&.*'
}

@test "too_many_detached: no more leases while so many are without a connection" {
	start_with_ini <<-INI
		[locks]
		max_detached = 2
		[listen a]
		address = 127.0.0.1:@PORT@
		[listen b]
		address = 127.0.0.1:@PORT2@
	INI
	connect 1
	connect 2
	connect 3 "$PORT2"
	want 1 'acquire a lease=60 key=12345678' 'OK .*'
	want 1 'acquire b atleast=60' 'OK .*'
	hang_up 1
	until_detached 2 2
	exact 2 'acquire c lease=60' 'ERR too_many_detached - this listener has max_detached locks without a connection'
	exact 2 'acquire c atleast=60 id=1' 'ERR too_many_detached id=1 this listener has max_detached locks without a connection'
	want 2 'acquire c' 'OK .*'
	exact 2 'renew c lease=60' 'ERR too_many_detached - this listener has max_detached locks without a connection'
	exact 2 'renew c' 'ERR no_lease - it was taken without a lease; give lease= to let it have one'
	want 2 'acquire k key=12345678' 'OK .*'
	exact 2 'acquire k key=12345678 lease=60' 'ERR too_many_detached - this listener has max_detached locks without a connection'
	want 2 'renew a key=12345678 lease=50' 'OK .*'
	want 3 'acquire d lease=60' 'OK .*'
	exact 2 'release a key=12345678' 'OK '
	want 2 'acquire e lease=60' 'OK .*'
	want 2 'renew c lease=60' 'OK .*'
}

@test "revoke takes also what is kept, and leaves nothing kept" {
	start_with_admin <<<''
	connect 1
	want 1 'acquire a atleast=60' 'OK .*'
	exact 1 'release a' 'OK '
	want 1 'acquire b atleast=60 lease=60' 'OK .*'
	admin 'revoke a'
	assert_eq 'OK revoked=1' "$REPLY"
	admin 'revoke b'
	assert_eq 'OK revoked=1' "$REPLY"
	get 1 "EVENT what=revoked&lock=b&.*"
	want 1 'acquire a lock=b' 'OK .*'
}
