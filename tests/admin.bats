#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Looking at all that is held, waited for and connected, and what an administrator may do about it.

# shellcheck disable=SC2030,SC2031,SC2154 # bats: tests are subshells; value, grant and many set variables
load native

pages() { # CASE N
	assert_eq well "$(perl "$CLIENTS/pages.pl" "127.0.0.1:$PORT" "$@")"
}

@test "revoke and kick are an administrator's, on a listener of theirs" {
	start_with_admin <<<''
	connect 1
	grant 1 'acquire a' token
	exact 1 'revoke a' 'ERR admin_only - this takes a listener with admin = yes'
	exact 1 'kick client=1' 'ERR admin_only - this takes a listener with admin = yes'
	exact 1 'kick' 'ERR admin_only - this takes a listener with admin = yes'
	admin 'revoke b'
	assert_eq 'ERR not_held - nobody holds it' "$REPLY"
	admin 'revoke'
	assert_eq 'ERR empty_lock - the name is missing or empty' "$REPLY"
	admin "revoke a token=$((token + 1))"
	assert_eq 'ERR stale - that token is not the current grant any more' "$REPLY"
	expect_nothing 1
	admin "revoke a token=$token id=1"
	assert_eq 'OK revoked=1&id=1' "$REPLY"
	get 1 "EVENT what=revoked&lock=a&token=$token&.*"
	[ "$(stat -c %a "$ADMIN")" = 600 ]
}

@test "revoke takes a lock from all of its holders, or from the one with that token; the next one has it" {
	local token

	start_with_admin <<<''
	connect_all 1 2 3
	want 1 'acquire s mode=shared' 'OK .*'
	grant 2 'acquire s mode=shared' token
	say 3 'acquire s wait=60'
	until_waiters s 1
	admin "revoke s token=$token"
	assert_eq 'OK revoked=1' "$REPLY"
	get 2 "EVENT what=revoked&lock=s&token=$token&.*"
	expect_nothing 1
	want 2 'acquire s mode=shared' 'ERR taken .*'
	admin 'revoke s'
	assert_eq 'OK revoked=1' "$REPLY"
	get 1 'EVENT what=revoked&lock=s&.*'
	get 3 'OK lock=s.*'
	hang_up 3
	until_held s 0
	want 1 'acquire s slots=3' 'OK .*'
	want 2 'acquire s slots=3' 'OK .*'
	admin 'revoke s'
	assert_eq 'OK revoked=2' "$REPLY"
	get 1 'EVENT what=revoked&lock=s&.*'
	get 2 'EVENT what=revoked&lock=s&.*'
	many 1 'history s limit=2' 2
	assert_match '&slot=[01]&.*&ended=revoke$' "${LINES_GOT[0]}"
	assert_match '&slot=[01]&.*&ended=revoke$' "${LINES_GOT[1]}"
}

@test "revoked: a lease without a connection goes, and its history says how" {
	local token

	start_with_admin <<<''
	connect 1
	connect 2
	grant 1 'acquire a lease=600 key=12345678' token
	hang_up 1
	until_held a 1
	admin 'revoke a'
	assert_eq 'OK revoked=1' "$REPLY"
	many 2 'history a' 1
	assert_match "token=$token&.*&ended=revoke\$" "${LINES_GOT[0]}"
	exact 2 "renew a key=12345678 token=$token" 'ERR stale - that token is not the current grant any more'
}

@test "kick ends a connection; what it holds without a lease is free, what it waits for is forgotten" {
	local client

	start_with_admin <<<''
	connect 1
	connect 2
	exact 1 'iam name=victim' 'OK '
	want 1 'acquire a' 'OK .*'
	want 1 'acquire l lease=60' 'OK .*'
	want 2 'acquire b' 'OK .*'
	say 1 'acquire b wait=60 id=1'
	until_waiters b 1
	admin 'clients'
	[[ $REPLY =~ client=([0-9]+)\&who=victim\& ]]
	client=${BASH_REMATCH[1]}
	admin "kick client=$client"
	assert_eq 'OK ' "$REPLY"
	expect_eof 1
	until_held a 0
	assert_waiters b 0
	assert_holders l 1
	admin "kick client=$client"
	assert_eq 'ERR unknown_client - there is no such client' "$REPLY"
	admin 'kick client=18446744073709551615'
	assert_eq 'ERR unknown_client - there is no such client' "$REPLY"
	for bad in 0 -1 '' 18446744073709551616 x; do
		admin "kick client=$bad"
		assert_match '^ERR bad_args arg=client ' "$REPLY"
	done
	admin 'kick'
	assert_match '^ERR bad_args arg=client client is missing' "$REPLY"
}

@test "an administrator who kicks himself has his answer or the end" {
	start_with_admin <<<''
	spawn_told perl "$CLIENTS/waiter.pl" "unix:$ADMIN" 'iam name=me' 'clients'
	eventually has_said '^client='
	tell "kick client=$(sed -n 's/^client=\([0-9]*\)&who=me&.*/\1/p' "$SAID")"
	eventually has_said '^end$'
	connect 1
	expect_nothing 1
}

@test "what an administrator did is in the log: what, to what, by which uid and process" {
	start_with_admin <<<''
	connect 1
	want 1 'acquire a%0Ab' 'OK .*'
	spawn_told perl "$CLIENTS/waiter.pl" "unix:$ADMIN" 'revoke a%0Ab'
	eventually has_said '^OK revoked=1'
	assert_log "info: uid $(id -u) \(process $SPAWNED_PID, client [0-9]+\) revoked a%0Ab from 1 holder\$"
	get 1 'EVENT what=revoked.*'
	tell 'kick client=1'
	assert_log "info: uid $(id -u) \(process $SPAWNED_PID, client [0-9]+\) kicked client 1\$"
}

@test "clients of a unix socket are shown with the pid and uid that the kernel attests" {
	start_with_admin <<<''
	connect 1
	spawn_told perl "$CLIENTS/waiter.pl" "unix:$ADMIN" 'acquire a' 'clients'
	eventually has_said "&pid=$SPAWNED_PID&uid=$(id -u)&listener=admin&"
	many 1 'inspect a' '1&.*'
	assert_match "&pid=$SPAWNED_PID&uid=$(id -u)&" "${LINES_GOT[0]}"
}

@test "clients by pages: each once, in order" {
	start_latchd
	pages clients 1000
}

@test "clients: how long idle, how much held, waited for, watched; limits" {
	start_latchd
	connect 1
	connect 2
	want 1 'acquire a lock=b' 'OK .*'
	many 1 'watch a' '1&.*'
	say 2 'acquire a lock=b wait=60 id=1'
	get 1 'EVENT what=queued&lock=a&.*'
	until_waiters b 1
	many 1 'clients limit=1' "1&after=$NUM"
	assert_match '&held=2&waiting=0&watches=1&' "${LINES_GOT[0]}"
	value after after "$HEAD"
	many 1 "clients limit=1 after=$after" "1&after=$NUM"
	assert_match '&held=0&waiting=2&watches=0&' "${LINES_GOT[0]}"
}

@test "list: 10,000 names held while others come and go: each is seen exactly once" {
	start_latchd
	pages list 10000
}

@test "list: 100,000 names" {
	start_with '[locks]' 'max_locks_per_client = 200000'
	pages list 100000
}

@test "list: a name that is only waited for has no mode" {
	start_latchd
	connect 1
	connect 2
	connect 3
	want 1 'acquire a' 'OK .*'
	want 2 'acquire b slots=2' 'OK .*'
	say 3 'acquire b lock=a wait=60'
	until_waiters b 1
	exact 2 'release b' 'OK '
	many 2 'list prefix=b' 1
	assert_eq 'lock=b&holders=0&waiters=1' "${LINES_GOT[0]}"
}

@test "list with a prefix: 5,000 of 10,000" {
	start_latchd
	pages prefix 10000
}

@test "inspect: 5,000 who wait, by pages, each once and in order" {
	local crowd=5000 most

	most=$(($(ulimit -Hn) - 200))
	[ "$most" -ge "$crowd" ] || crowd=$most
	ulimit -n "$(ulimit -Hn)"
	start_with '[server]' 'max_clients = 12000'
	pages inspect "$crowd"
}

@test "stats count what there is" {
	start_latchd
	connect 1
	connect 2
	want 1 'acquire a lease=60' 'OK .*'
	want 1 'acquire c' 'OK .*'
	want 2 'acquire a' 'ERR taken .*'
	say 2 'acquire a wait=60 id=1'
	many 2 'watch b' '0&.*'
	many 1 stats 13
	for line in successes=2 failures=1 load=3 locks=2 waiters=1 detached=0 watches=1 history=0 clients=2 refused=0 connections=2; do
		[[ " ${LINES_GOT[*]} " == *" $line "* ]] || fail "no $line in: ${LINES_GOT[*]}"
	done
}

@test "history: the past of a name, the newest first, with who, how long and how it ended" {
	local n held

	start_latchd
	connect 1
	connect 2
	exact 1 'iam name=one' 'OK '
	for n in 1 2 3; do
		want 1 'acquire a' 'OK .*'
		exact 1 'release a' 'OK '
		want 1 'acquire b' 'OK .*'
		exact 1 'release b' 'OK '
	done
	want 1 'acquire a lease=50ms' 'OK .*'
	get 1 'EVENT what=expired.*'
	want 1 'acquire a' 'OK .*'
	hang_up 1
	until_held a 0
	many 2 'history a' 5
	assert_match '&ended=close$' "${LINES_GOT[0]}"
	assert_match "&held=$SEC&ended=lease\$" "${LINES_GOT[1]}"
	value held held "${LINES_GOT[1]}"
	awk -v held="$held" 'BEGIN { exit !(held >= 0.05) }'
	for n in 0 1 2 3 4; do
		assert_match "^lock=a&token=$NUM&mode=exclusive&who=one&peer=$PEER&client=1&waited=0&from=$WHEN&to=$WHEN&held=$SEC&ended=[a-z]+\$" "${LINES_GOT[n]}"
	done
	many 2 'history' 8
	many 2 'history limit=3' 3
	assert_match '^lock=a&' "${LINES_GOT[0]}"
	many 2 'history c' 0
}

@test "history at=: who held it then, also who holds it now" {
	local first second

	start_latchd
	connect 1
	exact 1 'iam name=first' 'OK '
	want 1 'acquire a' 'OK .*'
	sleep 0.2
	first=$(date +%s.%N)
	sleep 0.2
	exact 1 'release a' 'OK '
	exact 1 'iam name=second' 'OK '
	want 1 'acquire a' 'OK .*'
	sleep 0.2
	second=$(date +%s.%N)
	sleep 0.2
	many 1 "history a at=$first" 1
	assert_match '&who=first&.*&ended=release$' "${LINES_GOT[0]}"
	many 1 "history at=$first" 1
	assert_match '^lock=a&.*&who=first&' "${LINES_GOT[0]}"
	many 1 "history a at=$second" 1
	assert_match '&who=second&.*&ended=not$' "${LINES_GOT[0]}"
	many 1 'history a at=-0s' 1
	assert_match '&who=second&.*&ended=not$' "${LINES_GOT[0]}"
	many 1 'history a at=-1h' 0
	many 1 "history a at=$((${first%.*} - 3600))" 0
	many 1 'history a at=2001-01-01T00:00:00Z' 0
	many 1 'history a at=2100-01-01T00:00:00Z' 0
}

@test "history = 0 keeps nothing, and a ring that is full forgets the oldest" {
	start_with '[locks]' 'history = 0'
	connect 1
	want 1 'acquire a' 'OK .*'
	exact 1 'release a' 'OK '
	many 1 'history a' 0
	many 1 'history' 0
	stop_latchd
	hang_up 1
	start_with '[locks]' 'history = 100'
	connect 1
	perl -e 'print "acquire n$_\r\nrelease n$_\r\n" for 1 .. 150' | talk >/dev/null
	many 1 'history limit=1000' 100
	assert_match '^lock=n150&' "${LINES_GOT[0]}"
	assert_match '^lock=n51&' "${LINES_GOT[99]}"
	many 1 'history n1' 0
}

@test "why: the chain over four connections down to its root" {
	start_latchd
	for n in 1 2 3 4 5; do
		connect "$n"
		exact "$n" "iam name=n$n" 'OK '
	done
	want 1 'acquire l1 note=the+root' 'OK .*'
	for n in 2 3 4; do
		want "$n" "acquire l$n" 'OK .*'
	done
	for n in 2 3 4; do
		say "$n" "acquire l$((n - 1)) wait=60"
		until_waiters "l$((n - 1))" 1
	done
	say 5 'acquire l4 wait=60'
	until_waiters l4 1
	connect 6
	many 6 'why l4' 4
	assert_match "^lock=l4&waiter=n5&waits=$SEC&waiters=1&holder=n4&held=$SEC\$" "${LINES_GOT[0]}"
	assert_match "^lock=l3&waiter=n4&waits=$SEC&waiters=1&holder=n3&held=$SEC\$" "${LINES_GOT[1]}"
	assert_match "^lock=l2&waiter=n3&waits=$SEC&waiters=1&holder=n2&held=$SEC\$" "${LINES_GOT[2]}"
	assert_match "^lock=l1&waiter=n2&waits=$SEC&waiters=1&holder=n1&held=$SEC&note=the\+root&root=1\$" "${LINES_GOT[3]}"
	many 6 'why l1' 1
	many 6 'why nothing' 0
	many 6 why 4
	exact 1 'release l1' 'OK '
	get 2 'OK .*'
	many 6 'why l4' 3
	assert_match '&root=1$' "${LINES_GOT[2]}"
}

@test "why: past a name that could be had, to what its waiter or who stands before it waits for" {
	start_latchd
	for n in 1 2 3 4 5; do
		connect "$n"
		exact "$n" "iam name=n$n" 'OK '
	done
	want 1 'acquire a' 'OK .*'
	say 2 'acquire b lock=a wait=60'
	until_waiters b 1
	say 3 'acquire c lock=b wait=60 id=t'
	until_waiters c 1
	connect 6
	many 6 'why b' 2
	assert_match "^lock=b&waiter=n2&waits=$SEC&waiters=2\$" "${LINES_GOT[0]}"
	assert_match "^lock=a&waiter=n2&waits=$SEC&waiters=1&holder=n1&held=$SEC&root=1\$" "${LINES_GOT[1]}"
	many 6 'why c' 3
	assert_match "^lock=c&waiter=n3&waits=$SEC&waiters=1\$" "${LINES_GOT[0]}"
	assert_match "^lock=b&waiter=n2&waits=$SEC&waiters=2\$" "${LINES_GOT[1]}"
	assert_match "^lock=a&waiter=n2&.*&holder=n1&.*&root=1\$" "${LINES_GOT[2]}"
	# Shared by one who would let it in, and held by one who does not.
	want 4 'acquire s mode=shared' 'OK .*'
	say 5 'acquire s lock=a mode=shared wait=60'
	until_waiters s 1
	many 6 'why s' 2
	assert_match "^lock=s&waiter=n5&waits=$SEC&waiters=1\$" "${LINES_GOT[0]}"
	assert_match "^lock=a&waiter=n5&.*&holder=n1&.*&root=1\$" "${LINES_GOT[1]}"
}

@test "why without a name: each of those who share a lock" {
	start_latchd
	for n in 1 2 3; do
		connect "$n"
		exact "$n" "iam name=n$n" 'OK '
	done
	want 1 'acquire a mode=shared' 'OK .*'
	want 2 'acquire a mode=shared' 'OK .*'
	want 2 'acquire b' 'OK .*'
	say 3 'acquire a wait=60'
	until_waiters a 1
	say eye 'acquire b wait=60 id=1'
	until_waiters b 1
	many eye why 2
	assert_match "^holder=n2&waiters=2&locks=2&lock=[ab]&held=$SEC\$" "${LINES_GOT[0]}"
	assert_match "^holder=n1&waiters=1&locks=1&lock=a&held=$SEC\$" "${LINES_GOT[1]}"
}

@test "why without a name: those whom most wait for, the worst first" {
	start_latchd
	connect_all 1 2 3 4 5 6
	exact 1 'iam name=much' 'OK '
	exact 2 'iam name=little' 'OK '
	want 1 'acquire a' 'OK .*'
	want 1 'acquire b' 'OK .*'
	want 2 'acquire c' 'OK .*'
	say 3 'acquire a wait=60'
	say 4 'acquire a wait=60'
	say 5 'acquire b wait=60'
	say 6 'acquire c wait=60'
	until_waiters a 2
	until_waiters b 1
	until_waiters c 1
	many eye why 2
	assert_match "^holder=much&waiters=3&locks=2&lock=[ab]&held=$SEC\$" "${LINES_GOT[0]}"
	assert_match "^holder=little&waiters=1&locks=1&lock=c&held=$SEC\$" "${LINES_GOT[1]}"
}

@test "trap 19: names cannot be built to collide: the order of the table is another one in each daemon" {
	start_latchd
	connect 1
	perl -e 'print "acquire n$_\r\n" for 1 .. 64; print "list limit=1000\r\n"' | talk | grep '^lock=n' |
		sed 's/&.*//' >"$DIR/first"
	stop_latchd
	hang_up 1
	start_latchd
	perl -e 'print "acquire n$_\r\n" for 1 .. 64; print "list limit=1000\r\n"' | talk | grep '^lock=n' |
		sed 's/&.*//' >"$DIR/second"
	assert_eq 64 "$(grep -c '' "$DIR/first")"
	assert_same_file <(sort "$DIR/first") <(sort "$DIR/second")
	! cmp -s "$DIR/first" "$DIR/second" || fail 'two daemons have their names in the same order'
}
