#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Queues: who waits, in which order one is granted, and what becomes of those who wait no more.

# shellcheck disable=SC2030,SC2031,SC2154 # bats: tests are subshells; value, grant and many set variables
load native

setup() {
	begin_test
	start_latchd
	connect_all 1 2 3 4 5
}

@test "first come, first served, one a release, with tokens that grow" {
	local last token n

	grant 1 'acquire a' last
	for n in 2 3 4 5; do
		waits "$n" a
	done
	for n in 2 3 4 5; do
		exact $((n - 1)) 'release a' 'OK '
		get "$n" "OK lock=a&token=$NUM"
		value token token
		[ "$token" -gt "$last" ]
		last=$token
		assert_waiters a $((5 - n))
	done
}

@test "nobody overtakes: neither a try, nor a classic one, nor one whose mode would do" {
	want 1 'acquire a mode=shared' 'OK .*'
	waits 2 a
	want 3 'acquire a mode=shared' "ERR taken .*&queue=1 .*, 1 wait"
	ask 3 'trylock lock=a\r\n' 'ERR taken \r\n'
	waits 3 a mode=shared
	exact 1 'release a' 'OK '
	get 2 'OK lock=a.*'
	assert_waiters a 1
	exact 2 'release a' 'OK '
	get 3 'OK lock=a.*'
}

@test "nobody overtakes in a queue whose head waits for another name" {
	want 1 'acquire b' 'OK .*'
	say 2 'acquire a lock=b wait=forever'
	until_waiters b 1
	want 3 'acquire a' 'ERR taken queue=1 it is free, but 1 wait for it already'
	ask 3 'trylock lock=a\r\n' 'ERR taken \r\n'
	exact 1 'release b' 'OK '
	get 2 "OK lock=a&lock=b&token=$NUM"
}

@test "a wait with a deadline ends in time out, not before it, and leaves nothing" {
	local waited

	want 1 'acquire a' 'OK .*'
	want 2 'acquire a wait=150ms' "ERR timeout waited=$SEC held [0-9ms]+ by $PEER"
	value waited waited
	awk -v w="$waited" 'BEGIN { exit !(w >= 0.15) }'
	assert_waiters a 0
	want 2 'acquire a wait=50ms id=x' "ERR timeout waited=$SEC&id=x .*"
	exact 1 'release a' 'OK '
	expect_nothing 2
	assert_holders a 0
	want 2 'acquire a wait=50ms' 'OK .*'
}

@test "a deadline in the middle of a queue: the others move up" {
	want 1 'acquire a' 'OK .*'
	waits 2 a
	many 5 'watch a' '2&.*'
	# The daemon finds both at once: the deadline of the one is not over before the other has its place.
	kill -s STOP "$LATCHD_PID"
	say 3 'acquire a wait=100ms'
	say 4 'acquire a wait=forever'
	kill -s CONT "$LATCHD_PID"
	exactly 5 "EVENT what=queued&lock=a&position=2&who=127.0.0.1:$(port_of 3)"
	exactly 5 "EVENT what=queued&lock=a&position=3&who=127.0.0.1:$(port_of 4)"
	exact 5 unwatch 'OK '
	get 3 'ERR timeout .*'
	many 5 'inspect a' '3&holders=1&waiters=2'
	assert_match 'state=waiting&position=2&' "${LINES_GOT[2]}"
	exact 1 'release a' 'OK '
	get 2 'OK .*'
	exact 2 'release a' 'OK '
	get 4 'OK .*'
}

@test "cancel acts at once, before the lines that are held back" {
	want 1 'acquire a' 'OK .*'
	ask 2 'acquire a wait=forever\r\nping id=1\r\ncancel id=other\r\ncancel\r\nping id=2\r\n' \
		'ERR unknown_id id=other no such acquire is waiting\r\nERR cancelled - it was withdrawn\r\nOK \r\nOK id=1\r\nOK id=2\r\n'
	waits 2 a
	send 2 'ping id=3\r\n'
	send 2 'can'
	assert_waiters a 1
	ask 2 'cel\r\n' 'ERR cancelled - it was withdrawn\r\nOK \r\nOK id=3\r\n'
	assert_waiters a 0
	exact 2 'cancel' 'ERR unknown_id - no such acquire is waiting'
	exact 1 'release a' 'OK '
	assert_holders a 0
}

@test "cancels behind a wait, more than one reply has room for, and one that is too long" {
	start_with_ini <<-INI
		[server]
		max_output = 4 KiB
		[listen a]
		address = 127.0.0.1:@PORT@
	INI
	connect 1
	connect 2
	want 1 'acquire a' 'OK .*'
	say 2 'acquire a wait=60'
	until_waiters a 1
	perl -e 'print map { "cancel id=n$_\r\n" } 1 .. 2000' >&"${FDS[2]}"
	for n in {1..2000}; do
		exactly 2 "ERR unknown_id id=n$n no such acquire is waiting"
	done
	perl -e 'print "cancel ", "%01" x 2000, "\r\n"' >&"${FDS[2]}"
	exact 2 'cancel' 'ERR cancelled - it was withdrawn'
	exactly 2 'OK '
	get 2 'ERR line_too_long .*'
	expect_eof 2
}

@test "cancel of what was granted: unknown_id, and the grant stands" {
	want 1 'acquire a' 'OK .*'
	say 2 'acquire a wait=forever id=g'
	until_waiters a 1
	exact 1 'release a' 'OK '
	until_held a 1
	send 2 'cancel id=g\r\n'
	get 2 "OK lock=a&token=$NUM&id=g"
	exactly 2 'ERR unknown_id id=g no such acquire is waiting'
	assert_holders a 1
}

@test "lines behind a wait are done after it, in their order" {
	want 1 'acquire a' 'OK .*'
	send 2 'ping id=0\r\nacquire a wait=60\r\ntrylock lock=b\r\nrelease a\r\nacquire c wait=60\r\nlocks\r\nping id=1\r\n'
	exactly 2 'OK id=0'
	until_waiters a 1
	ask 3 'trylock lock=b\r\ntrylock lock=c\r\n' 'OK \r\nOK \r\n'
	exact 1 'release a' 'OK '
	get 2 'OK lock=a.*'
	exactly 2 'ERR taken '
	exactly 2 'OK '
	until_waiters c 1
	ask 3 'releaselock lock=b\r\nreleaselock lock=c\r\n' 'OK \r\nOK \r\n'
	get 2 'OK lock=c.*'
	expect 2 "LOCKS:\\n  c = $HELD_BY 127.0.0.1:$(port_of 2)\\n\\nOK id=1\\r\\n"
}

@test "half a line while one waits is a line when its rest has come" {
	want 1 'acquire a' 'OK .*'
	waits 2 a
	send 2 'ping id='
	assert_waiters a 1
	exact 1 'release a' 'OK '
	get 2 'OK lock=a.*'
	ask 2 '7\r\n' 'OK id=7\r\n'
	exact 2 'release a' 'OK '
	want 1 'acquire a' 'OK .*'
	waits 2 a
	send 2 'pi'
	send 2 'ng id=8'
	exact 1 'release a' 'OK '
	get 2 'OK lock=a.*'
	send 2 '\r'
	ask 2 '\nping\r\n' 'OK id=8\r\nOK \r\n'
}

@test "quit, and a line that is too long, behind a wait and beside one" {
	want 1 'acquire a' 'OK .*'
	say 2 'acquire a wait=60 id=1'
	exact 2 'quit' 'OK '
	expect_eof 2
	until_waiters a 0
	send 3 'acquire a wait=60\r\nquit\r\ntrylock lock=b\r\n'
	until_waiters a 1
	waits 4 a
	perl -e 'print "ping\r\nping ", "x" x 5000, "\r\nping\r\n"' >&"${FDS[4]}"
	exact 1 'release a' 'OK '
	get 3 'OK lock=a.*'
	exactly 3 'OK '
	expect_eof 3
	get 4 'OK lock=a.*'
	exactly 4 'OK '
	exactly 4 'ERR line_too_long - the line has more than max_line bytes'
	expect_eof 4
	until_held a 0
	assert_holders b 0
}

@test "64 KiB behind a wait are kept, one byte more is pipeline_full" {
	want 1 'acquire a' 'OK .*'
	waits 2 a
	perl -e 'print "noop\r\n" x 10922, "\r\n\r\n"' >&"${FDS[2]}"
	assert_waiters a 1
	exact 1 'release a' 'OK '
	get 2 'OK lock=a.*'
	perl -e 'print "OK \r\n" x 10922' >"$DIR/wanted"
	timeout "$LIMIT" head -c "$(stat -c %s "$DIR/wanted")" <&"${FDS[2]}" >"$DIR/got"
	assert_same_file "$DIR/wanted" "$DIR/got"
	waits 1 a
	perl -e 'print "noop\r\n" x 10922, "\r\n\r\n\n"' >&"${FDS[1]}"
	exactly 1 'ERR pipeline_full - more than 64 KiB were sent while an acquire waits'
	expect_eof 1
	until_waiters a 0
}

@test "the end of one who waits frees the place at once, with lines held back or without" {
	local how

	want 1 'acquire a' 'OK .*'
	for how in close reset half; do
		spawn_told perl "$CLIENTS/waiter.pl" "127.0.0.1:$PORT" 'acquire a wait=forever'
		until_waiters a 1
		tell "$how"
		until_waiters a 0
		spawn_told perl "$CLIENTS/waiter.pl" "127.0.0.1:$PORT" 'acquire a wait=forever' 'trylock lock=later'
		until_waiters a 1
		tell "$how"
		until_waiters a 0
	done
	assert_holders later 0
	exact 1 'release a' 'OK '
	assert_holders a 0
}

@test "trap 12: one who waits dies, the one behind it has the lock as soon as it is released" {
	want 1 'acquire a' 'OK .*'
	spawn_told perl "$CLIENTS/waiter.pl" "127.0.0.1:$PORT" 'acquire a wait=forever'
	until_waiters a 1
	waits 3 a
	kill -s KILL "$SPAWNED_PID"
	until_waiters a 1
	exact 1 'release a' 'OK '
	get 3 'OK lock=a.*'
	many 4 'inspect a' '1&holders=1&waiters=0'
}

@test "tagged waits in the background: the connection goes on, grants come in their own order" {
	want 1 'acquire a' 'OK .*'
	want 1 'acquire b' 'OK .*'
	say 2 'acquire a wait=60 id=first'
	say 2 'acquire b wait=60 id=second note=x'
	exact 2 'acquire b wait=60 id=third' 'ERR already_waiting id=third this connection waits for it already'
	exact 2 'acquire c id=first' 'ERR id_in_use id=first an acquire with this id is waiting already'
	exact 2 'acquire c wait=60 id=first' 'ERR id_in_use id=first an acquire with this id is waiting already'
	exact 2 'ping id=p' 'OK id=p'
	many 2 'inspect b' '2&holders=1&waiters=1'
	exact 1 'release b' 'OK '
	get 2 "OK lock=b&token=$NUM&id=second"
	exact 2 'ping' 'OK '
	exact 1 'release a' 'OK '
	get 2 "OK lock=a&token=$NUM&id=first"
	want 2 'acquire c wait=60 id=first' "OK lock=c&token=$NUM&id=first"
}

@test "beats: one who waits hears of its place, and how long it may take" {
	want 1 'acquire a' 'OK .*'
	waits 2 a
	say 3 'acquire a wait=60 beat=100ms id=b'
	get 3 "EVENT what=waiting&lock=a&position=2(&expect=$SEC)?&id=b"
	get 3 "EVENT what=waiting&lock=a&position=2(&expect=$SEC)?&id=b"
	exact 1 'release a' 'OK '
	get 2 'OK lock=a.*'
	until [[ $LINE == *position=1* ]]; do
		get 3 "EVENT what=waiting&lock=a&position=[12](&expect=$SEC)?&id=b"
	done
	get 3 "EVENT what=waiting&lock=a&position=1&expect=$SEC&id=b"
	exact 2 'release a' 'OK '
	next_line 3
	while [[ $LINE == EVENT* ]]; do
		next_line 3
	done
	assert_match "^OK lock=a&token=$NUM&id=b\$" "$LINE"
	sleep 0.25
	expect_nothing 3
}

@test "beats of one whose wait holds back its lines" {
	want 1 'acquire a' 'OK .*'
	send 2 'acquire a wait=60 beat=100ms\r\nping\r\n'
	get 2 'EVENT what=waiting&lock=a&position=1.*'
	exact 1 'release a' 'OK '
	next_line 2
	while [[ $LINE == EVENT* ]]; do
		next_line 2
	done
	assert_match '^OK lock=a' "$LINE"
	exactly 2 'OK '
}

@test "expect= is there once the name has a past, and grows with the queue" {
	local one two n

	for n in 1 2 3; do
		want 1 'acquire a' 'OK .*'
		sleep 0.05
		exact 1 'release a' 'OK '
	done
	want 1 'acquire a' 'OK .*'
	want 2 'acquire a' "ERR taken .*&queue=0&expect=$SEC .*"
	value expect one
	waits 3 a
	waits 4 a
	want 2 'acquire a' "ERR taken .*&queue=2&expect=$SEC .*"
	value expect two
	awk -v one="$one" -v two="$two" 'BEGIN { exit !(two > one) }'
	many 2 'inspect a' '3&holders=1&waiters=2'
	assert_match "&expect=$SEC" "${LINES_GOT[1]}"
	assert_match "&expect=$SEC" "${LINES_GOT[2]}"
}

@test "trap 13: the deadline of a wait and a release at the same time: grant or timeout, never both" {
	local n granted=0

	for n in {1..20}; do
		want 1 'acquire a' 'OK .*'
		say 2 'acquire a wait=10ms'
		sleep 0.00$((RANDOM % 10))
		exact 1 'release a' 'OK '
		get 2 '(OK lock=a|ERR timeout ).*'
		if [[ $LINE == OK* ]]; then
			granted=$((granted + 1))
			assert_holders a 1
			exact 2 'release a' 'OK '
		fi
		assert_holders a 0
		expect_nothing 2
	done
}

@test "byte by byte and in pieces of any size the transcript is the same" {
	local size

	cat >"$DIR/script" <<-'END'
		acquire a note=x+y id=1
		acquire a
		iam name=me
		acquire b lock=c lease=50&key=12345678
		acquire b lock=c lease=50&key=12345678
		renew b lease=40
		trylock lock=a
		acquire d slots=0
		inspect a
		list
		why
		release b lock=c
		acquire zz wait=20ms
		release a id=r
		history a limit=1
		ping id=%41
		quit
	END
	sed -i 's/$/\r/' "$DIR/script"
	talk <"$DIR/script" | normal >"$DIR/wanted"
	assert_eq 'OK ' "$(tail -n 1 "$DIR/wanted" | tr -d '\r')"
	for size in 1 2 3 7 64; do
		talk --chunk "$size" <"$DIR/script" | normal >"$DIR/got"
		# The past of the name grows, and only its newest is the same.
		assert_same_file "$DIR/wanted" "$DIR/got"
	done
}

@test "1,000 acquires and releases in one write are all answered, with tokens that grow" {
	perl -e 'print "acquire n$_ id=a$_\r\nrelease n$_ id=r$_\r\n" for 1 .. 500; print "acquire n\r\nrelease n\r\n" x 500' |
		talk >"$DIR/got"
	perl -ne '
		if ($. <= 1000 && $. % 2) { my $n = ($. + 1) / 2; die "$.: $_" unless /^OK lock=n$n&token=(\d+)&id=a$n\r\n$/; die "token: $_" unless $1 > $last; $last = $1; }
		elsif ($. <= 1000) { my $n = $. / 2; die "$.: $_" unless $_ eq "OK id=r$n\r\n"; }
		elsif ($. % 2) { die "$.: $_" unless /^OK lock=n&token=(\d+)\r\n$/; die "token: $_" unless $1 > $last; $last = $1; }
		else { die "$.: $_" unless $_ eq "OK \r\n"; }
		END { die "$. lines\n" unless $. == 2000; }' <"$DIR/got"
}

@test "trap 15: 10,000 wait for one name, one release: exactly one of them is woken" {
	local crowd=10000 most

	most=$(($(ulimit -Hn) - 200))
	[ "$most" -ge "$crowd" ] || crowd=$most
	ulimit -n "$(ulimit -Hn)"
	stop_latchd
	start_with '[server]' 'max_clients = 12000'
	assert_eq "$crowd waited, 20 woken" "$(perl "$CLIENTS/herd.pl" "127.0.0.1:$PORT" "$crowd")"
}
