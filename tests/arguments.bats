#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What follows a native verb: how it is written, what is taken, and what is refused with which words.

# shellcheck disable=SC2030,SC2031,SC2154 # bats: tests are subshells; value, grant and many set variables
bats_require_minimum_version 1.5.0
load native

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
		send 2 "acquire lease lease=${time%:*}\\r\\nrelease lease\\r\\n"
		get 2 "OK lock=lease&token=$NUM&lease=${time#*:}"
		exactly 2 'OK '
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
	start_with '[locks]' 'max_lease = 10m'
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

	start_with '[locks]' 'max_note = 20'
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
