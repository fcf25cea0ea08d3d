#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The native verbs, one by one: what each answers, and what it refuses.

# shellcheck disable=SC2030,SC2031,SC2154 # bats: tests are subshells; value, grant and many set variables
bats_require_minimum_version 1.5.0
load native

@test "ping, version, noop beside them" {
	start_latchd
	transcript 'ping\r\nPING\r\nPing \r\nping id=1\r\nping\tid=a%%b&\r\nping id=%41%2b\r\n' \
		'OK \r\nOK \r\nOK \r\nOK id=1\r\nERR bad_args - id=a%25%25b: % is written as %25\r\nOK id=A%2B\r\n'
	transcript 'version\r\nversion id=x\r\n' \
		"OK version=$("$LATCHD" -V 2>/dev/null | grep -oE '[0-9]+\.[0-9]+\.[0-9]+' | head -n 1)&protocol=1\\r\\nOK version=$("$LATCHD" -V 2>/dev/null | grep -oE '[0-9]+\.[0-9]+\.[0-9]+' | head -n 1)&protocol=1&id=x\\r\\n"
}

@test "quit: OK, then the end; what follows it is not done" {
	start_latchd
	connect 1
	connect 2
	grant 1 'acquire a' token
	ask 1 'quit id=9\r\ntrylock lock=b\r\n' 'OK id=9\r\n'
	expect_eof 1
	hang_up 1
	until_granted 2 a
	ask 2 'trylock lock=b\r\n' 'OK \r\n'
}

@test "verbs in any case, other names of verbs, ?" {
	start_latchd
	connect 1
	want 1 'LOCK a' "OK lock=a&token=$NUM"
	exact 1 'UnLock a' 'OK '
	want 1 'lOCK lock=a' "OK lock=a&token=$NUM"
	exact 1 'RELEASE lock=a' 'OK '
	many 1 '?' "$NUM"
	assert_match '^acquire NAME' "${LINES_GOT[0]}"
	many 1 'HELP lock' "$NUM"
	assert_match '^acquire NAME' "${LINES_GOT[0]}"
	many 1 '?ping' 2
	ask 1 'xyzzy a=b\r\n acquire a\r\n' \
		'ERR unknown_command Unknown+server+command\r\nERR unknown_command Unknown+server+command\r\n'
}

@test "acquire: a token that grows; held by oneself; taken from others, with who has it" {
	local first second

	start_latchd
	connect 1
	connect 2
	exact 1 'iam name=alice@build7' 'OK '
	grant 1 'acquire deploy note=deploying+4711' first
	want 1 'acquire deploy' \
		"ERR held holder=alice@build7&since=$WHEN&age=$SEC&you=1&queue=0 this connection holds it already"
	want 2 'acquire deploy' \
		"ERR taken holder=alice@build7&since=$WHEN&age=$SEC&queue=0 held [0-9ms]+ by alice@build7: deploying 4711"
	want 2 'acquire deploy wait=0' 'ERR taken .*'
	want 2 'acquire deploy wait=0ms id=x' 'ERR taken holder=.*&queue=0&id=x held .*'
	ask 2 'trylock lock=deploy\r\n' 'ERR taken \r\n'
	grant 2 'acquire other' second
	[ "$second" -gt "$first" ]
	exact 1 'release deploy' 'OK '
	grant 2 'acquire deploy' first
	[ "$first" -gt "$second" ]
	want 1 'acquire deploy' "ERR taken holder=$PEER&since=.* held [0-9ms]+ by $PEER"
}

@test "release: by its holder, with a token, with a key; several at once or none" {
	local token

	start_latchd
	connect 1
	connect 2
	grant 1 'acquire a key=open-sesame' token
	exact 2 'release a' 'ERR not_held - this connection does not hold it, nor is it held by that key'
	exact 2 "release a token=$token" 'ERR not_held - this connection does not hold it, nor is it held by that key'
	exact 2 'release a key=open-sesamX' 'ERR not_held - this connection does not hold it, nor is it held by that key'
	exact 2 "release a key=open-sesame token=$((token - 1))" 'ERR stale - that token is not the current grant any more'
	exact 2 "release a key=open-sesame token=$token" 'OK '
	exact 1 'release a' 'ERR not_held - this connection does not hold it, nor is it held by that key'
	grant 1 'acquire a' token
	exact 1 "release a token=$((token + 1))" 'ERR stale - that token is not the current grant any more'
	exact 1 "release a token=$token" 'OK '
	want 1 'acquire x lock=y' "OK lock=x&lock=y&token=$NUM"
	exact 1 'release x lock=z' \
		'ERR not_held lock=z this connection does not hold it, nor is it held by that key'
	assert_holders x 1
	exact 1 'release y' 'OK '
	assert_holders x 1
	want 2 'acquire x lock=y' 'ERR taken lock=x&.*'
	exact 1 'release x' 'OK '
	want 2 'acquire x lock=y' "OK lock=x&lock=y&token=$NUM"
	exact 2 'release y lock=x' 'OK '
	many 2 list 0
}

@test "renew: with and without a lease, a token, a key" {
	local token

	start_latchd
	connect 1
	connect 2
	grant 1 'acquire a' token
	exact 1 'renew a' 'ERR no_lease - it was taken without a lease; give lease= to let it have one'
	exact 1 'renew a lease=20' "OK lock=a&token=$token&lease=20"
	exact 1 'renew a' "OK lock=a&token=$token&lease=20"
	exact 1 "renew a token=$token lease=1m" "OK lock=a&token=$token&lease=60"
	exact 1 "renew a token=$((token + 1))" 'ERR stale - that token is not the current grant any more'
	exact 2 'renew a' 'ERR not_held - this connection does not hold it, nor is it held by that key'
	grant 1 'acquire b lease=5 key=12345678' token
	exact 2 'renew b key=12345678 lease=7.25' "OK lock=b&token=$token&lease=7.25"
	exact 2 'renew b key=12345678' "OK lock=b&token=$token&lease=7.25"
	want 2 'acquire x lock=y lock=z lease=100' 'OK .*'
	value token token
	exact 2 "renew x lock=z lease=50 token=$token" "OK lock=x&lock=z&token=$token&lease=50"
	want 2 'renew x lock=y lock=z' "OK lock=x&lock=y&lock=z&token=$token&lease=50"
	want 2 'renew x lock=b' 'ERR not_held lock=b .*'
	exact 2 'renew b key=12345679' 'ERR not_held - this connection does not hold it, nor is it held by that key'
}

@test "iam: who one is for people, and that it forges nothing" {
	local long

	start_latchd
	connect 1
	connect 2
	grant 1 'acquire a' token
	printf -v long '%*s' 256 ''
	long=${long// /w}
	for bad in 'iam' 'iam name=' 'iam name=a lock=b' 'iam a name=b' "iam name=${long}w"; do
		exact 1 "$bad" 'ERR bad_args arg=name name is who you are, up to 256 bytes: iam name=alice@build7'
	done
	exact 1 "iam name=$long" 'OK '
	want 2 'acquire a' "ERR taken holder=$long&.* held .* by $long"
	exact 1 'iam eve%0D%0AEVENT+what%3Dx%26holder%3Dyou+%e2%82%ac' 'OK '
	want 2 'acquire a' \
		'ERR taken holder=eve%0D%0AEVENT\+what%3Dx%26holder%3Dyou\+%E2%82%AC&since=.* by eve%0D%0AEVENT what=x&holder=you .*'
	expect_nothing 2
	want 2 'iam id=' 'ERR bad_args arg=id .*'
}

@test "inspect, list, why, history, stats, clients: every key of every line" {
	start_latchd
	connect 1
	connect 2
	exact 1 'iam one' 'OK '
	want 1 'acquire a lease=100 note=n+1 atleast=50' "OK lock=a&token=$NUM&lease=100"
	say 2 'acquire a wait=200 note=mine id=w'
	until_waiters a 1
	many 1 'inspect a' '2&holders=1&waiters=1'
	assert_match "^state=held&mode=exclusive&token=$NUM&who=one&peer=$PEER&client=1&since=$WHEN&age=$SEC&waited=0&lease=$SEC&atleast=$SEC&note=n\+1\$" "${LINES_GOT[0]}"
	assert_match "^state=waiting&position=1&mode=exclusive&who=$PEER&peer=$PEER&client=2&since=$WHEN&age=$SEC&timeout=$SEC&note=mine\$" "${LINES_GOT[1]}"
	many 1 list 1
	assert_match "^lock=a&mode=exclusive&holder=one&token=$NUM&age=$SEC&holders=1&waiters=1\$" "${LINES_GOT[0]}"
	many 1 'list prefix=b' 0
	many 1 'why a' 1
	assert_match "^lock=a&waiter=$PEER&waits=$SEC&waiters=1&holder=one&held=$SEC&note=n\+1&root=1\$" "${LINES_GOT[0]}"
	many 1 why 1
	assert_match "^holder=one&waiters=1&locks=1&lock=a&held=$SEC\$" "${LINES_GOT[0]}"
	many 1 'history a' 0
	want 1 'acquire s slots=3' "OK lock=s&token=$NUM&slot=0"
	exact 1 'release s' 'OK '
	many 1 'history s' 1
	assert_match "^lock=s&token=$NUM&mode=slots&slot=0&who=one&peer=$PEER&client=1&waited=0&from=$WHEN&to=$WHEN&held=$SEC&ended=release\$" "${LINES_GOT[0]}"
	many 1 stats 13
	assert_eq 'uptime successes failures load locks waiters detached last_token watches history clients refused connections ' \
		"$(printf '%s\n' "${LINES_GOT[@]%%=*}" | tr '\n' ' ')"
	assert_match ' waiters=1 ' " ${LINES_GOT[*]} "
	many 1 clients "$NUM"
	assert_match "^client=1&who=one&peer=$PEER&listener=[a-z0-9]+&age=$SEC&idle=$SEC&held=1&waiting=0&watches=0&queued=0\$" "${LINES_GOT[0]}"
	assert_match "^client=2&who=$PEER&peer=$PEER&.*&held=0&waiting=1&watches=0&queued=0\$" "${LINES_GOT[1]}"
	for bad in 'history at=x' 'history at=' 'history at=2026-13-01T00:00:00Z' 'history at=-x' 'history at=9223372036854775808'; do
		want 1 "$bad" 'ERR bad_args arg=at at is a time: .*'
	done
}

@test "help: each verb has its own, and that of each fits its count" {
	local verb

	start_latchd
	connect 1
	many 1 help "$NUM"
	for verb in "${LINES_GOT[@]%% *}"; do
		[ "$verb" != Times: ] || continue
		say 1 "help $verb"
		get 1 'OK lines=([2-9]|1[0-9])'
		value lines n
		get 1 "$verb( .*)?"
		for ((; n > 1; n--)); do
			get 1 '.+'
		done
		expect_nothing 1
	done
	exact 1 'help xyzzy' 'ERR bad_args - xyzzy: there is no such verb; help alone shows them all'
	exact 1 'help a b' 'ERR bad_args - b: only the first argument may stand without key=; a blank in a value is written as +'
}

@test "release of a connection: what it holds without a lease, natively or not" {
	start_latchd
	connect 1
	connect 2
	want 1 'acquire a mode=shared' "OK lock=a&token=$NUM"
	want 1 'acquire b slots=2 lock=c' "OK .*"
	ask 1 'trylock lock=d\r\n' 'OK \r\n'
	hang_up 1
	until_held a 0
	many 2 list 0
	many 2 history 4
	for each in "${LINES_GOT[@]}"; do
		assert_match '&ended=close$' "$each"
	done
}

# --- Classic and native together

@test "classic and native on one connection: one grant a name, and each ends the other's" {
	start_latchd
	connect 1
	ask 1 'trylock lock=a\r\n' 'OK \r\n'
	want 1 'acquire a' 'ERR held .*'
	exact 1 'release a' 'OK '
	ask 1 'releaselock lock=a\r\n' 'ERR didnthave \r\n'
	grant 1 'acquire a' token
	ask 1 'trylock lock=a\r\nreleaselock lock=a\r\nreleaselock lock=a\r\n' \
		'ERR taken \r\nOK \r\nERR didnthave \r\n'
	want 1 'acquire s mode=shared' 'OK .*'
	want 1 'acquire n slots=4 lease=50 key=12345678' 'OK .*'
	want 1 'acquire x lock=y note=z' 'OK .*'
	ask 1 'trylock lock=s\r\nreleaselock lock=s\r\nreleaselock lock=n\r\nreleaselock lock=y\r\nreleaselock lock=y\r\n' \
		'ERR taken \r\nOK \r\nOK \r\nOK \r\nERR didnthave \r\n'
	many 1 list 1
	assert_match '^lock=x&' "${LINES_GOT[0]}"
}

@test "a classic client sees the native holders as ddlockd would print them, a line a holder" {
	local one two

	start_latchd
	connect 1
	connect 2
	connect 3
	one=$(port_of 1)
	two=$(port_of 2)
	exact 1 'iam name=somebody' 'OK '
	want 1 'acquire s mode=shared' 'OK .*'
	want 2 'acquire s mode=shared' 'OK .*'
	want 1 'acquire a%0Ab lock=z%25 note=secret' 'OK .*'
	want 2 'acquire gone lease=1000' 'OK .*'
	send 3 'locks\r\n'
	if [ "$one" -gt 0 ]; then
		expect 3 "LOCKS:\\n  a%0Ab = $HELD_BY 127.0.0.1:$one\\n  gone = $HELD_BY 127.0.0.1:$two\\n"
	fi
	read_line 3 LINE
	read_line 3 second
	assert_eq "  s = $HELD_BY 127.0.0.1:$one
  s = $HELD_BY 127.0.0.1:$two" "$(printf '%s\n%s\n' "$LINE" "$second" | sort)"
	expect 3 "  z%25 = $HELD_BY 127.0.0.1:$one\\n\\n"
	hang_up 2
	hang_up 1
	until_held s 0
	ask 3 'locks\r\n' "LOCKS:\\n  gone = $HELD_BY detached\\n\\n"
}

@test "a classic client beside waits, watches and leases gets its bytes and not one more" {
	start_latchd
	connect 1
	connect 2
	connect 3
	ask 1 'trylock lock=a\r\n' 'OK \r\n'
	many 2 'watch prefix=' 1
	say 2 'acquire a wait=60 id=w'
	get 2 "EVENT what=queued&lock=a&position=1&who=$PEER"
	ask 1 'trylock lock=a\r\ntrylock lock=b\r\nreleaselock lock=b\r\nnoop\r\n' 'ERR taken \r\nOK \r\nOK \r\nOK \r\n'
	ask 1 'releaselock lock=a\r\n' 'OK \r\n'
	get 2 "EVENT what=granted&lock=b.*"
	get 2 "EVENT what=released&lock=b.*"
	until_held a 1
	ask 1 'trylock lock=a\r\nreleaselock lock=a\r\n' 'ERR taken \r\nERR didnthave \r\n'
	send 1 'status\r\n'
	expect 1 'STATUS: OK\nSUCCESSES: 3\nFAILURES: 2\nRUNTIME: '
	read_line 1 LINE
	expect 1 'LOAD: 5\n\n'
	expect_nothing 1
}

@test "status and load count native acquires, each once, when it has ended" {
	start_latchd
	connect 1
	connect 2
	want 1 'acquire a' 'OK .*'
	want 2 'acquire a' 'ERR taken .*'
	want 2 'acquire a wait=x' 'ERR bad_args .*'
	want 2 'acquire a wait=20ms' 'ERR timeout .*'
	say 2 'acquire a wait=50'
	until_waiters a 1
	exact 1 'release a' 'OK '
	get 2 'OK lock=a.*'
	send 2 'status\r\n'
	expect 2 'STATUS: OK\nSUCCESSES: 2\nFAILURES: 3\nRUNTIME: '
	read_line 2 LINE
	expect 2 'LOAD: 5\n\n'
}

@test "revoked: a native client is told, a classic one is closed" {
	local token

	start_with_admin <<<''
	connect 1
	connect 2
	grant 1 'acquire a' token
	ask 2 'trylock lock=b\r\ntrylock lock=c\r\n' 'OK \r\nOK \r\n'
	admin 'revoke a'
	assert_eq 'OK revoked=1' "$REPLY"
	exactly 1 "EVENT what=revoked&lock=a&token=$token&who=127.0.0.1:$(port_of 1)"
	exact 1 'release a' 'ERR not_held - this connection does not hold it, nor is it held by that key'
	admin 'revoke b'
	assert_eq 'OK revoked=1' "$REPLY"
	expect_eof 2
	until_held c 0
	expect_nothing 1
}

# --- Limits: each with its code

@test "trap 18: one client and more names, held or waited for, than it may have" {
	start_latchd
	connect 1
	perl -e 'print "acquire n$_\r\n" for 1 .. 10002; print "release n1\r\nacquire m\r\n"' | talk >"$DIR/got"
	assert_eq 10001 "$(grep -c '^OK lock=' "$DIR/got")"
	assert_eq 2 "$(grep -c '^ERR too_many_locks_per_client - this connection has max_locks_per_client locks and places in queues' "$DIR/got")"
	assert_eq 10004 "$(grep -c '' "$DIR/got")"
	until_held n2 0
	perl -e 'print "acquire n$_\r\n" for 1 .. 1002' >&"${FDS[1]}"
	until_held n1002 1
	perl -e 'print "acquire n$_ wait=60 id=$_\r\n" for 1 .. 1002; print "ping\r\n"' | talk --lines 3 >"$DIR/got"
	assert_same_file <(printf 'ERR too_many_waits id=%d this connection waits for max_waits_per_client names already\r\n' 1001 1002 &&
		printf 'OK \r\n') "$DIR/got"
}

@test "trap 18: each limit of names and waits answers a native verb with its code" {
	start_with_ini <<-INI
		[locks]
		max_locks = 6
		max_locks_per_client = 3
		max_name = 5
		max_waiters = 2
		max_waits_per_client = 2
		[listen a]
		address = 127.0.0.1:@PORT@
		max_locks = 5
		[listen b]
		address = 127.0.0.1:@PORT2@
	INI
	connect 1
	connect 2
	connect 3
	connect 4 "$PORT2"
	connect 5 "$PORT2"
	export EYE_PORT=$PORT2
	exact 1 'acquire 123456' 'ERR name_too_long - the name has more than max_name bytes'
	want 1 'acquire a lock=b lock=c lock=d' 'ERR too_many_locks_per_client - this connection has max_locks_per_client .*'
	want 1 'acquire a lock=b' 'OK .*'
	want 2 'acquire c' 'OK .*'
	want 1 'acquire x lock=y' 'ERR too_many_locks_per_client .*'
	say 2 'acquire a wait=60 id=1'
	until_waiters a 1
	want 2 'acquire b lock=x wait=60 id=2' 'ERR too_many_locks_per_client id=2 .*'
	say 3 'acquire a wait=60 id=1'
	until_waiters a 2
	want 3 'acquire x' 'ERR too_many_locks_per_listener - the clients of this listener .*'
	want 4 'acquire a wait=60 id=3' 'ERR too_many_waiters id=3 max_waiters wait for it already'
	want 4 'acquire d' 'OK .*'
	want 5 'acquire e' 'ERR too_many_locks - the server has max_locks .*'
	exact 3 'cancel id=1' 'ERR cancelled id=1 it was withdrawn'
	exactly 3 'OK id=1'
	exact 2 'release c' 'OK '
	want 2 'acquire b wait=60 id=2 lock=x' 'ERR too_many_waits id=2 this connection waits for max_waits_per_client names already'
	many 2 list 3
}
