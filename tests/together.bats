#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What can be held together and what cannot: modes, several names at once, deadlocks.

# shellcheck disable=SC2030,SC2031,SC2154 # bats: tests are subshells; value, grant and many set variables
load native

setup() {
	begin_test
	start_latchd
	connect_all 1 2 3 4 5
}

@test "slots: each request is judged by its own number, and has the lowest free slot" {
	want 1 'acquire s slots=2' "OK lock=s&token=$NUM&slot=0"
	want 2 'acquire s slots=2' "OK lock=s&token=$NUM&slot=1"
	want 3 'acquire s slots=2' "ERR taken .*&mode=slots&queue=0 held .* \(and 1 more\)"
	want 3 'acquire s slots=3' "OK lock=s&token=$NUM&slot=2"
	waits 4 s slots=2
	want 5 'acquire s slots=10000' 'ERR taken .*'
	exact 1 'release s' 'OK '
	assert_waiters s 1
	exact 3 'release s' 'OK '
	get 4 "OK lock=s&token=$NUM&slot=0"
	want 1 'acquire s slots=5' "OK lock=s&token=$NUM&slot=2"
	want 3 'acquire s slots=5' "OK lock=s&token=$NUM&slot=3"
	exact 2 'release s' 'OK '
	want 5 'acquire s slots=5' "OK lock=s&token=$NUM&slot=1"
}

@test "shared and exclusive take turns in the order of the queue; all readers at its head at once" {
	want 1 'acquire a mode=shared' 'OK .*'
	waits 2 a
	waits 3 a mode=shared
	waits 4 a mode=shared
	waits 5 a mode=exclusive
	exact 1 'release a' 'OK '
	get 2 'OK .*'
	assert_waiters a 3
	exact 2 'release a' 'OK '
	get 3 'OK .*'
	get 4 'OK .*'
	assert_waiters a 1
	exact 3 'release a' 'OK '
	assert_waiters a 1
	exact 4 'release a' 'OK '
	get 5 'OK .*'
}

@test "trap 16: readers that never cease do not starve a writer" {
	local n

	want 1 'acquire a mode=shared' 'OK .*'
	want 2 'acquire a mode=shared' 'OK .*'
	waits 3 a
	for n in 1 2; do
		exact "$n" 'release a' 'OK '
		want "$n" 'acquire a mode=shared' "ERR taken .*&queue=$((2 - n))[& ].*"
	done
	get 3 'OK .*'
}

@test "several names: all or none, none is held while it waits" {
	want 1 'acquire b' 'OK .*'
	want 2 'acquire a lock=b lock=c' 'ERR taken lock=b&.*'
	assert_holders a 0
	assert_holders c 0
	say 2 'acquire a lock=b lock=c wait=forever note=three'
	until_waiters c 1
	assert_holders a 0
	assert_holders c 0
	exact 1 'release b' 'OK '
	get 2 "OK lock=a&lock=b&lock=c&token=$NUM"
	assert_holders a 1
	assert_holders c 1
	exact 2 'release b' 'OK '
	want 1 'acquire b' 'OK .*'
	want 1 'acquire c' 'ERR taken .*: three'
	say 3 'acquire a lock=c wait=300ms'
	get 3 'ERR timeout .*'
	assert_waiters a 0
	assert_waiters c 0
}

@test "trap 17: several names at once, the client dies while it waits: none of them is held" {
	want 1 'acquire b' 'OK .*'
	spawn_told perl "$CLIENTS/waiter.pl" "127.0.0.1:$PORT" 'acquire a lock=b lock=c wait=forever lease=60'
	until_waiters a 1
	until_waiters c 1
	kill -s KILL "$SPAWNED_PID"
	until_waiters a 0
	assert_waiters b 0
	assert_waiters c 0
	assert_holders a 0
	exact 1 'release b' 'OK '
	want 2 'acquire a lock=b lock=c' 'OK .*'
}

@test "trap 14: a cycle over two connections is refused at once, and named" {
	exact 1 'iam name=one' 'OK '
	exact 2 'iam name=two' 'OK '
	want 1 'acquire a' 'OK .*'
	want 2 'acquire b' 'OK .*'
	waits 1 b
	exact 2 'acquire a wait=forever id=' 'ERR bad_args arg=id id has 1 to 64 printable bytes'
	exact 2 'acquire a wait=forever' \
		'ERR deadlock cycle=a,b this would wait for ever: you would wait for a behind one, who waits for b behind you'
	assert_waiters a 0
	want 2 'acquire a' 'ERR taken .*'
	exact 2 'release b' 'OK '
	get 1 'OK lock=b.*'
}

@test "trap 14: a cycle over three connections; a place in a queue counts as well" {
	for n in 1 2 3; do
		exact "$n" "iam name=n$n" 'OK '
		want "$n" "acquire l$n" 'OK .*'
	done
	waits 1 l2
	waits 2 l3
	exact 3 'acquire l1 wait=60' \
		'ERR deadlock cycle=l1,l2,l3 this would wait for ever: you would wait for l1 behind n1, who waits for l2 behind n2, who waits for l3 behind you'
	waits 4 l3
	want 4 'cancel' 'ERR cancelled .*'
	exactly 4 'OK '
	exact 3 'release l3' 'OK '
	get 2 'OK lock=l3.*'
	exact 2 'release l2' 'OK '
	get 1 'OK lock=l2.*'
}

@test "trap 14: two shared holders cannot both become exclusive: asking again is held" {
	want 1 'acquire a mode=shared' 'OK .*'
	want 2 'acquire a mode=shared' 'OK .*'
	want 1 'acquire a wait=forever' 'ERR held .*'
	want 2 'acquire a mode=exclusive wait=forever' 'ERR held .*'
	want 2 'acquire a mode=shared' 'ERR held .*'
	assert_holders a 2
}

@test "tagged waits and semaphores take no part in a deadlock" {
	want 1 'acquire a' 'OK .*'
	want 2 'acquire b' 'OK .*'
	waits 1 b id=t
	say 2 'acquire a wait=200ms'
	get 2 'ERR timeout .*'
	exact 1 'cancel id=t' 'ERR cancelled id=t it was withdrawn'
	exactly 1 'OK id=t'
	want 3 'acquire s slots=1' 'OK .*'
	want 4 'acquire t slots=1' 'OK .*'
	waits 3 t slots=1
	want 4 'acquire s slots=1 wait=200ms' 'ERR timeout .*'
	exact 4 'release t' 'OK '
	get 3 'OK lock=t.*'
}

@test "a tagged wait is no way out of a deadlock for who is blocked by another one" {
	for n in 1 2 3; do
		exact "$n" "iam name=n$n" 'OK '
	done
	want 3 'acquire x' 'OK .*'
	waits 1 x id=t
	want 2 'acquire y' 'OK .*'
	waits 2 x
	exact 1 'acquire y wait=forever' \
		'ERR deadlock cycle=y,x this would wait for ever: you would wait for y behind n2, who waits for x behind you'
	want 2 'cancel' 'ERR cancelled .*'
	exactly 2 'OK '
	waits 1 y
	exact 2 'acquire x wait=60' \
		'ERR deadlock cycle=x,y this would wait for ever: you would wait for x behind n1, who waits for y behind you'
	want 3 'release x' 'OK '
	get 1 'OK lock=x.*id=t'
	exact 2 'release y' 'OK '
	get 1 'OK lock=y.*'
}

@test "readers go together, also behind the tagged wait of one who is blocked" {
	want 3 'acquire x' 'OK .*'
	waits 1 x 'mode=shared id=t'
	want 2 'acquire y' 'OK .*'
	waits 1 y
	waits 2 x mode=shared
	exact 3 'release x' 'OK '
	get 1 'OK lock=x.*id=t'
	get 2 'OK lock=x.*'
}

@test "modes: which go together" {
	want 1 'acquire s mode=shared' "OK lock=s&token=$NUM"
	want 2 'acquire s mode=shared' "OK lock=s&token=$NUM"
	want 3 'acquire s' "ERR taken holder=$PEER&since=$WHEN&age=$SEC&mode=shared&queue=0 held .* \(and 1 more\)"
	want 3 'acquire s mode=exclusive' 'ERR taken .*'
	want 3 'acquire s slots=5' 'ERR taken .*'
	ask 3 'trylock lock=s\r\n' 'ERR taken \r\n'
	exact 1 'release s' 'OK '
	exact 2 'release s' 'OK '
	want 3 'acquire s mode=exclusive' "OK lock=s&token=$NUM"
	want 1 'acquire s mode=shared' 'ERR taken .*'
	exact 1 'acquire s mode=Shared' 'ERR bad_args arg=mode mode is exclusive or shared'
	exact 1 'acquire s mode=' 'ERR bad_args arg=mode mode is exclusive or shared'
	exact 1 'acquire s mode=slots' 'ERR bad_args arg=mode mode is exclusive or shared'
	exact 1 'acquire s mode=shared slots=2' 'ERR bad_args arg=slots slots is a mode of its own: leave mode= out'
	ask 1 'trylock lock=c\r\n' 'OK \r\n'
	want 2 'acquire c mode=shared' 'ERR taken .*'
	want 2 'acquire c slots=2' 'ERR taken .*'
	exact 1 'release c' 'OK '
	want 2 'acquire c slots=1' "OK lock=c&token=$NUM&slot=0"
	want 1 'acquire c slots=1' 'ERR taken .*'
	want 1 'acquire c mode=shared' 'ERR taken .*'
}
