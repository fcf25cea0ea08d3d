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

@test "arguments are separated by blanks, tabs, & and any number of them" {
	start_latchd
	connect 1
	want 1 'acquire\ta&note=x&&& \t lease=5' "OK lock=a&token=$NUM&lease=5"
	exact 1 'release lock=a&' 'OK '
	want 1 'acquire &lock=a&lease=5' "OK lock=a&token=$NUM&lease=5"
	exact 1 'release & lock=a' 'OK '
	want 1 'acquire a=b' 'ERR bad_args - a: there is no such argument'
	want 1 'acquire lock=a=b' "OK lock=a%3Db&token=$NUM"
	want 1 'acquire %6c%6f%63%6b lock=b' "OK lock=lock&lock=b&token=$NUM"
	want 1 'acquire a+b' "OK lock=a\+b&token=$NUM"
	want 1 'acquire %0A%0D%20%25%26%3d%7f%ff' "OK lock=%0A%0D\+%25%26%3D%7F%FF&token=$NUM"
}

@test "arguments that are unknown, twice, of other verbs, out of place, without a name" {
	start_latchd
	connect 1
	exact 1 'acquire' 'ERR empty_lock - the name is missing or empty'
	exact 1 'acquire lock=' 'ERR empty_lock - the name is missing or empty'
	exact 1 'acquire lock=a lock=' 'ERR empty_lock - the name is missing or empty'
	exact 1 'acquire wait=1' 'ERR empty_lock - the name is missing or empty'
	exact 1 'release' 'ERR empty_lock - the name is missing or empty'
	exact 1 'renew' 'ERR empty_lock - the name is missing or empty'
	exact 1 'inspect' 'ERR empty_lock - the name is missing or empty'
	exact 1 'acquire a foo=1' 'ERR bad_args - foo: there is no such argument'
	exact 1 'acquire a LEASE=1' 'ERR bad_args - LEASE: there is no such argument'
	exact 1 'acquire a =1' 'ERR bad_args - =1: there is no such argument'
	exact 1 'acquire a token=1' 'ERR bad_args - token: this verb has no such argument'
	exact 1 'release a wait=1' 'ERR bad_args - wait: this verb has no such argument'
	exact 1 'ping lock=a' 'ERR bad_args - lock: this verb has no such argument'
	exact 1 'ping a' 'ERR bad_args - a: no name is wanted here'
	exact 1 'acquire a wait=1 wait=1' 'ERR bad_args - wait: is given twice'
	exact 1 'acquire a id=1 id=2' 'ERR bad_args id=1 id: is given twice'
	exact 1 'acquire a b' \
		'ERR bad_args - b: only the first argument may stand without key=; a blank in a value is written as +'
	exact 1 'acquire wait=1 a' \
		'ERR bad_args - a: only the first argument may stand without key=; a blank in a value is written as +'
	exact 1 'inspect lock=a lock=b' 'ERR bad_args - b: too many names'
	exact 1 'acquire a lock=a' 'ERR bad_args arg=lock lock is given twice with the same name'
	exact 1 'release a lock=b lock=%61' 'ERR bad_args arg=lock lock is given twice with the same name'
	assert_eq '' "$(printf 'list\r\n' | talk | grep lock=)"
}

@test "sixteen names are granted, seventeen refused" {
	local names='' i

	start_latchd
	connect 1
	for i in {1..15}; do
		names+=" lock=n$i"
	done
	want 1 "acquire n0$names" "OK lock=n0&lock=n1&.*&lock=n15&token=$NUM"
	exact 1 "release n0$names" 'OK '
	exact 1 "acquire n0$names lock=n16" 'ERR bad_args - n16: too many names'
	many 1 list 0
}

@test "malformed percents: refused by native verbs, left as they stand by classic ones" {
	local bad

	start_latchd
	connect 1
	for bad in '%' '%4' '%G1' '%4G' 'a%' 'a%zz' '%%41'; do
		want 1 "acquire $bad" 'ERR bad_args - .*: % is written as %25'
		want 1 "acquire lock=$bad" 'ERR bad_args - .*: % is written as %25'
		want 1 "acquire a note=$bad" 'ERR bad_args - .*: % is written as %25'
		want 1 "acquire a key=12345678$bad" 'ERR bad_args - .*: % is written as %25'
		want 1 "ping id=$bad" 'ERR bad_args - .*: % is written as %25'
		ask 1 "trylock lock=$bad\\r\\n" 'OK \r\n'
		ask 1 "releaselock lock=$bad\\r\\n" 'OK \r\n'
	done
	many 1 list 0
}

@test "NUL: in a name bad_name, elsewhere bad_args" {
	start_latchd
	connect 1
	exact 1 'acquire a%00b' 'ERR bad_name - a name must not have a NUL byte'
	exact 1 'release %00' 'ERR bad_name - a name must not have a NUL byte'
	exact 1 'acquire a lock=b%00' 'ERR bad_name - a name must not have a NUL byte'
	want 1 'acquire a note=%00' 'ERR bad_args - note: has a NUL byte'
	want 1 'acquire a key=1234567890%00' 'ERR bad_args - key: has a NUL byte'
	want 1 'acquire a id=%00' 'ERR bad_args - id: has a NUL byte'
	want 1 'watch prefix=%00' 'ERR bad_args - prefix: has a NUL byte'
	exact 1 'watch %00' 'ERR bad_name - a name must not have a NUL byte'
	ask 1 'acquire a\x00b\r\nacquire a note=\x00\r\n' \
		'ERR bad_name - a name must not have a NUL byte\r\nERR bad_args - note: has a NUL byte\r\n'
	many 1 list 0
}

@test "times: which are taken" {
	local time

	start_latchd
	connect 1
	connect 2
	grant 1 'acquire a' token
	for time in 100 99s 100.5 99999ms 2m 1h 0.5h 1d 50.999999999999999999 36500d; do
		say 2 "acquire a wait=$time id=t"
		exact 2 'cancel id=t' 'ERR cancelled id=t it was withdrawn'
		exactly 2 'OK id=t'
	done
	for time in 1ms 1.5ms 0.001 0.0015s 0.00001m; do
		want 2 "acquire a wait=$time" 'ERR timeout waited=0\.[0-9]+ .*'
	done
	for time in 0 0s 0ms 0.0 00 0d; do
		want 2 "acquire a wait=$time" 'ERR taken .*'
	done
	say 2 'acquire a wait=forever id=t'
	want 2 'cancel id=t' 'ERR cancelled .*'
	exactly 2 'OK id=t'
	for time in 2.5:2.5 500ms:0.5 1m:60 0.01h:36 1h:3600 3600:3600 60m:3600; do
		want 2 "acquire lease lease=${time%:*}" "OK lock=lease&token=$NUM&lease=${time#*:}"
		want 2 'release lease' '(OK |ERR not_held .*)'
	done
}

@test "times: which are refused" {
	local time bad
	local which='wait is a time \(2.5, 500ms, 30s, 5m, 1h\) or forever'

	start_latchd
	connect 1
	for time in '' -1 +1 1e3 1.5.5 .5 5. ms s 1w 1S 1ss 0x10 1s1 nan inf Forever forever1 36501d 876001h \
		9223372036854775807 9223372036854775808 18446744073709551615 18446744073709551616 \
		99999999999999999999999999999999999999 1.99999999999999999999999 3153600001 1%2000 1,5; do
		bad=${time//+/%2B}
		want 1 "acquire a wait=$bad" "ERR bad_args arg=wait $which"
		want 1 "acquire a lease=$bad" '(ERR bad_args arg=lease lease is a time of 1ms or more: .*|ERR lease_too_long arg=lease.*)'
		want 1 "acquire a atleast=$bad" '(ERR bad_args arg=atleast atleast is a time of 1ms or more: .*|ERR lease_too_long arg=atleast.*)'
		want 1 "acquire a beat=$bad" 'ERR bad_args arg=beat beat is a time from 100ms to 24h'
		want 1 "renew a lease=$bad" '(ERR bad_args arg=lease .*|ERR lease_too_long .*)'
	done
	for time in 0 0ms 0.0009 0.5ms 0.0001s; do
		exact 1 "acquire a lease=$time" 'ERR bad_args arg=lease lease is a time of 1ms or more: 2.5, 500ms, 30s, 5m, 1h'
		exact 1 "acquire a atleast=$time" 'ERR bad_args arg=atleast atleast is a time of 1ms or more: 2.5, 500ms, 30s, 5m, 1h'
	done
	for time in 99ms 0 86401 1441m 25h; do
		exact 1 "acquire a beat=$time" 'ERR bad_args arg=beat beat is a time from 100ms to 24h'
	done
	want 1 'acquire a beat=100ms wait=1' "OK lock=a&token=$NUM"
	want 1 'acquire b beat=24h wait=1' "OK lock=b&token=$NUM"
}

@test "a lease that was meant in milliseconds is refused with a hint" {
	start_with_ini <<-INI
		[locks]
		max_lease = 10m
		[listen a]
		address = 127.0.0.1:@PORT@
	INI
	connect 1
	exact 1 'acquire a lease=30000' \
		'ERR lease_too_long arg=lease&max=600 lease is at most 10m00s here, and times are in seconds: were milliseconds meant, as in 30000ms?'
	exact 1 'acquire a atleast=30000 id=z' \
		'ERR lease_too_long arg=atleast&max=600&id=z atleast is at most 10m00s here, and times are in seconds: were milliseconds meant, as in 30000ms?'
	exact 1 'acquire a lease=601s' 'ERR lease_too_long arg=lease&max=600 lease is at most 10m00s here, and times are in seconds'
	exact 1 'acquire a lease=1h' 'ERR lease_too_long arg=lease&max=600 lease is at most 10m00s here, and times are in seconds'
	want 1 'acquire a lease=600' "OK lock=a&token=$NUM&lease=600"
	want 1 'renew a lease=600.0001' 'ERR lease_too_long .*'
	want 1 'renew a lease=300' "OK lock=a&token=$NUM&lease=300"
	many 1 list 1
}

@test "numbers: overflow, signs, fractions and nothing at all" {
	local n

	start_latchd
	connect 1
	grant 1 'acquire a' token
	for n in '' -1 %2B1 1.5 0x10 1e3 18446744073709551616 99999999999999999999999999999 1a %31%20 0; do
		exact 1 "acquire b slots=$n" 'ERR bad_args arg=slots slots is a number from 1 to 10000'
		exact 1 "release a token=$n" 'ERR bad_args arg=token token is a number from 1 to 18446744073709551615'
		exact 1 "renew a token=$n" 'ERR bad_args arg=token token is a number from 1 to 18446744073709551615'
		exact 1 "list after=$n" 'ERR bad_args arg=after after is a number from 1 to 18446744073709551615'
		exact 1 "list limit=$n" 'ERR bad_args arg=limit limit is a number from 1 to 1000'
		exact 1 "inspect a limit=$n" 'ERR bad_args arg=limit limit is a number from 1 to 1000'
		exact 1 "inspect a after=$n" 'ERR bad_args arg=after after is a number from 1 to 4294967295'
		exact 1 "history a limit=$n" 'ERR bad_args arg=limit limit is a number from 1 to 1000'
		exact 1 "clients limit=$n" 'ERR bad_args arg=limit limit is a number from 1 to 1000'
		exact 1 "clients after=$n" 'ERR bad_args arg=after after is a number from 1 to 18446744073709551615'
	done
	exact 1 'acquire b slots=10001' 'ERR bad_args arg=slots slots is a number from 1 to 10000'
	exact 1 'list limit=1001' 'ERR bad_args arg=limit limit is a number from 1 to 1000'
	exact 1 'inspect a after=4294967296' 'ERR bad_args arg=after after is a number from 1 to 4294967295'
	exact 1 'release a token=18446744073709551615' 'ERR stale - that token is not the current grant any more'
	many 1 'inspect a after=4294967295' '0&holders=1&waiters=0'
	many 1 'clients after=18446744073709551615' 0
	many 1 'list after=18446744073709551615' "$NUM.*"
	exact 1 "release a token=$token" 'OK '
}

@test "modes: which go together" {
	start_latchd
	connect 1
	connect 2
	connect 3
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

@test "key= has 8 to 64 bytes after decoding, and is never shown" {
	local long

	start_latchd
	connect 1
	connect 2
	printf -v long '%*s' 64 ''
	long=${long// /k}
	exact 1 'acquire a key=' 'ERR bad_args arg=key key has 8 to 64 bytes'
	exact 1 'acquire a key=1234567' 'ERR bad_args arg=key key has 8 to 64 bytes'
	exact 1 "acquire a key=${long}k" 'ERR bad_args arg=key key has 8 to 64 bytes'
	exact 1 'acquire a key=%31%32%33%34%35%36%37' 'ERR bad_args arg=key key has 8 to 64 bytes'
	exact 1 'release a key=1234567' 'ERR bad_args arg=key key has 8 to 64 bytes'
	want 1 "acquire a key=$long" "OK lock=a&token=$NUM"
	want 1 'acquire b key=sesame-%FF%01' "OK lock=b&token=$NUM"
	want 2 'acquire b' 'ERR taken .*'
	[[ $LINE != *sesame* ]]
	printf 'inspect a\r\ninspect b\r\nlist\r\nwhy a\r\nwhy\r\nhistory\r\nclients\r\nstats\r\nlocks\r\n' |
		talk >"$DIR/all"
	grep -q 'lock=b' "$DIR/all"
	run ! grep -E 'kkkkk|sesame' "$DIR/all" "$LOG"
}

@test "note= up to max_note bytes, shown encoded wherever the lock is" {
	local note

	start_with_ini <<-INI
		[locks]
		max_note = 20
		[listen a]
		address = 127.0.0.1:@PORT@
	INI
	connect 1
	connect 2
	exact 1 'acquire a note=123456789012345678901' 'ERR note_too_long - the note has more than max_note bytes'
	want 1 'acquire a note=1%0D%0AOK+lock=%26x%25%FF' "OK lock=a&token=$NUM"
	many 2 'inspect a' '1&holders=1&waiters=0'
	value note note "${LINES_GOT[0]}"
	assert_eq '1%0D%0AOK+lock%3D%26x%25%FF' "$note"
	want 2 'acquire a' 'ERR taken .* held .*: 1%0D%0AOK lock=&x%.*'
	want 1 'acquire b note=' "OK lock=b&token=$NUM"
	many 2 'inspect b' '1&holders=1&waiters=0'
	[[ ${LINES_GOT[0]} != *note=* ]]
}

@test "ids come back: in grants, refusals, first lines of lists; which are none" {
	local id

	start_latchd
	connect 1
	printf -v id '%*s' 64 ''
	id=${id// /i}
	want 1 'acquire a id=1 lease=5' "OK lock=a&token=$NUM&lease=5&id=1"
	want 1 'acquire a id=1' 'ERR held .*&id=1 this connection holds it already'
	want 1 'renew a id=r' "OK lock=a&token=$NUM&lease=5&id=r"
	want 1 'renew b id=r' 'ERR not_held id=r this connection .*'
	many 1 'list id=l' '1&id=l'
	many 1 'inspect a id=l' '1&holders=1&waiters=0&id=l'
	many 1 'why a id=l' '1&id=l'
	many 1 'history id=l' '0&id=l'
	many 1 'clients id=l' '1&id=l'
	many 1 'stats id=l' "$NUM&id=l"
	many 1 'help id=l' "$NUM&id=l"
	many 1 'watch a id=l' '1&holders=1&waiters=0&id=l'
	exact 1 'unwatch id=l' 'OK id=l'
	exact 1 'iam name=x id=l' 'OK id=l'
	exact 1 'iam id=l' 'ERR bad_args arg=name&id=l name is who you are, up to 256 bytes: iam name=alice@build7'
	exact 1 'acquire a slots=0 id=l' 'ERR bad_args arg=slots&id=l slots is a number from 1 to 10000'
	exact 1 'kick client=1 id=l' 'ERR admin_only id=l this takes a listener with admin = yes'
	exact 1 'revoke a id=l' 'ERR admin_only id=l this takes a listener with admin = yes'
	exact 1 'cancel id=l' 'ERR unknown_id id=l no such acquire is waiting'
	exact 1 'release a token=1 id=l' 'ERR stale id=l that token is not the current grant any more'
	exact 1 'release a id=l' 'OK id=l'
	exact 1 "ping id=$id" "OK id=$id"
	for id in '' "${id}i" a+b %20 %7f %80 %0A '%C3%A4'; do
		exact 1 "ping id=$id" 'ERR bad_args arg=id id has 1 to 64 printable bytes'
	done
	exact 1 'ping id=!%26%3D~' 'OK id=%21%26%3D~'
}

@test "ids come back where the arguments cannot be understood" {
	start_latchd
	connect 1
	exact 1 'acquire a id=7 foo=1' 'ERR bad_args id=7 foo: there is no such argument'
	exact 1 'acquire a wait=1 wait=1 id=8' 'ERR bad_args id=8 wait: is given twice'
	exact 1 'acquire a note=%zz id=9' 'ERR bad_args id=9 note=%25zz: % is written as %25'
}

@test "an argument that is refused is told as it was written" {
	start_latchd
	connect 1
	exact 1 'acquire a note=%00x' 'ERR bad_args - note: has a NUL byte'
	exact 1 'acquire a note=%41%41%zz' 'ERR bad_args - note=%2541%2541%25zz: % is written as %25'
	exact 1 'acquire a note=a+b%' 'ERR bad_args - note=a+b%25: % is written as %25'
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
		get 1 'OK lines=[2-9]'
		value lines n
		get 1 "$verb( .*)?"
		for ((; n > 1; n--)); do
			get 1 '.+'
		done
		expect_nothing 1
	done
	exact 1 'help xyzzy' 'ERR bad_args arg=lock lock is no verb; help alone shows them all'
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
