#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Watching: how things are, then each event, to those whom it concerns and to nobody else.

# shellcheck disable=SC2030,SC2031,SC2154 # bats: tests are subshells; value, grant and many set variables
load native

@test "a name: how things are, then all that happens to it and nothing else" {
	local one two

	start_with_admin <<<''
	connect_all 1 2 3 4
	exact 1 'iam name=one' 'OK '
	exact 2 'iam name=two' 'OK '
	exact 3 'iam name=three' 'OK '
	many 4 'watch a' '0&holders=0&waiters=0'
	grant 1 'acquire a' one
	exactly 4 "EVENT what=granted&lock=a&token=$one&who=one"
	want 1 'acquire b' 'OK .*'
	exact 1 'release b' 'OK '
	say 2 'acquire a wait=60 lease=200ms'
	exactly 4 'EVENT what=queued&lock=a&position=1&who=two'
	say 3 'acquire a wait=60'
	exactly 4 'EVENT what=queued&lock=a&position=2&who=three'
	exact 1 'release a' 'OK '
	exactly 4 "EVENT what=released&lock=a&token=$one&who=one"
	get 2 'OK lock=a.*'
	value token two
	exactly 4 "EVENT what=granted&lock=a&token=$two&who=two"
	exactly 4 "EVENT what=expired&lock=a&token=$two&who=two"
	get 3 'OK lock=a.*'
	value token two
	exactly 4 "EVENT what=granted&lock=a&token=$two&who=three"
	admin 'revoke a'
	exactly 4 "EVENT what=revoked&lock=a&token=$two&who=three"
	grant 1 'acquire a' one
	exactly 4 "EVENT what=granted&lock=a&token=$one&who=one"
	hang_up 1
	exactly 4 "EVENT what=released&lock=a&token=$one&who=one&by=close"
	expect_nothing 4
}

@test "the state comes first: holders and waiters as inspect shows them" {
	start_latchd
	connect_all 1 2 3
	want 1 'acquire a mode=shared' 'OK .*'
	say 2 'acquire a wait=60 note=n id=w'
	until_waiters a 1
	many 3 'inspect a' '2&holders=1&waiters=1'
	printf '%s\n' "${LINES_GOT[@]}" | normal | sed 's/timeout=[0-9.]*/timeout=S/' >"$DIR/wanted"
	many 3 'watch a' '2&holders=1&waiters=1'
	printf '%s\n' "${LINES_GOT[@]}" | normal | sed 's/timeout=[0-9.]*/timeout=S/' >"$DIR/got"
	assert_same_file "$DIR/wanted" "$DIR/got"
}

@test "a prefix: the names as they are, then the events of all of them, also of new ones" {
	start_latchd
	connect 1
	connect 2
	want 1 'acquire web-1' 'OK .*'
	want 1 'acquire db-1' 'OK .*'
	many 2 'watch prefix=web-' 1
	assert_match '^lock=web-1&mode=exclusive&' "${LINES_GOT[0]}"
	want 1 'acquire web-2' 'OK .*'
	want 1 'acquire web' 'OK .*'
	want 1 'acquire wex-1' 'OK .*'
	exact 1 'release db-1' 'OK '
	exact 1 'release web-1' 'OK '
	get 2 'EVENT what=granted&lock=web-2&.*'
	get 2 'EVENT what=released&lock=web-1&.*'
	expect_nothing 2
	many 2 'watch prefix=' 3
	exact 1 'release wex-1' 'OK '
	get 2 'EVENT what=released&lock=wex-1&.*'
	expect_nothing 2
}

@test "one's own reply comes before the events that it causes" {
	start_latchd
	printf '%s\r\n' 'watch a' 'acquire a' 'release a' 'ping id=3' | talk --lines 6 | normal >"$DIR/got"
	printf '%s\r\n' 'OK lines=0&holders=0&waiters=0' 'OK lock=a&token=N' 'OK ' 'OK id=3' \
		'EVENT what=granted&lock=a&token=N&who=PEER' 'EVENT what=released&lock=a&token=N&who=PEER' >"$DIR/wanted"
	assert_same_file "$DIR/wanted" "$DIR/got"
}

@test "two realms: each sees its own names without their prefix, and nothing of the other" {
	start_with_ini <<-INI
		[listen a]
		address = 127.0.0.1:@PORT@
		prefix = team-a/
		[listen b]
		address = 127.0.0.1:@PORT2@
		prefix = team-b/
		[listen all]
		address = 127.0.0.1:@PORT3@
	INI
	connect a
	connect b "$PORT2"
	connect wa
	connect wb "$PORT2"
	connect w "$PORT3"
	many wa 'watch prefix=' 0
	many wb 'watch db' '0&.*'
	many w 'watch prefix=team-' 0
	want a 'acquire db' "OK lock=db&token=$NUM"
	want b 'acquire db lock=x' "OK lock=db&lock=x&token=$NUM"
	get wa 'EVENT what=granted&lock=db&.*'
	get wb 'EVENT what=granted&lock=db&.*'
	get w 'EVENT what=granted&lock=team-a/db&.*'
	get w 'EVENT what=granted&lock=team-b/(db|x)&.*'
	get w 'EVENT what=granted&lock=team-b/(db|x)&.*'
	want wa 'acquire db' 'ERR taken .*'
	want wa 'acquire x' 'OK lock=x&.*'
	get wa 'EVENT what=granted&lock=x&.*'
	get w 'EVENT what=granted&lock=team-a/x&.*'
	many wa list 2
	many wb 'list prefix=d' 1
	assert_match '^lock=db&' "${LINES_GOT[0]}"
	many w list 4
	many w 'list prefix=team-a/' 2
	exact a 'release db' 'OK '
	get wa 'EVENT what=released&lock=db&.*'
	get w 'EVENT what=released&lock=team-a/db&.*'
	many wa history 1
	many wb history 0
	many wb 'history db' 0
	many w 'history team-a/db' 1
	assert_match '^lock=team-a/db&' "${LINES_GOT[0]}"
	ask wb 'locks\r\n' "LOCKS:\\n  db = $HELD_BY 127.0.0.1:$(port_of b)\\n  x = $HELD_BY 127.0.0.1:$(port_of b)\\n\\n"
	expect_nothing wb
}

@test "two realms: what one waits for behind the other's names does not show them" {
	start_with_ini <<-INI
		[listen a]
		address = 127.0.0.1:@PORT@
		prefix = team-a/
		[listen all]
		address = 127.0.0.1:@PORT2@
	INI
	connect a
	connect all "$PORT2"
	connect eye
	want a 'acquire mine' 'OK .*'
	want all 'acquire secret' 'OK .*'
	say all 'acquire team-a/mine wait=60'
	until_waiters mine 1
	connect other "$PORT2"
	many other 'why team-a/mine' 1
	many eye 'why mine' 1
	for line in "${LINES_GOT[@]}"; do
		[[ $line != *secret* && $line != *team-a* ]]
	done
}

@test "unwatch: a name, a prefix, all; and what was never watched" {
	start_latchd
	connect 1
	connect 2
	many 2 'watch a' '0&.*'
	many 2 'watch prefix=b' 0
	many 2 'watch c' '0&.*'
	exact 2 'unwatch a' 'OK '
	exact 2 'unwatch a id=1' 'OK id=1'
	exact 2 'unwatch prefix=zz' 'OK '
	exact 2 'unwatch b' 'OK '
	want 1 'acquire a lock=b1 lock=c' 'OK .*'
	get 2 'EVENT what=granted&lock=b1&.*'
	get 2 'EVENT what=granted&lock=c&.*'
	exact 2 'unwatch prefix=b' 'OK '
	want 1 'acquire b2' 'OK .*'
	expect_nothing 2
	exact 2 unwatch 'OK '
	exact 1 'release a lock=b1 lock=c' 'OK '
	expect_nothing 2
	many 1 stats 13
	assert_match ' watches=0 ' " ${LINES_GOT[*]} "
	exact 2 'watch a prefix=b' 'ERR bad_args arg=prefix prefix or one name says what to watch'
	exact 2 'watch' 'ERR bad_args arg=prefix prefix or one name says what to watch'
	exact 2 'watch a lock=b' 'ERR bad_args - b: too many names'
}

@test "watched twice it is told once; gone watchers are forgotten" {
	start_latchd
	connect 1
	connect 2
	many 2 'watch a' '0&.*'
	many 2 'watch a' '0&.*'
	want 1 'acquire a' 'OK .*'
	get 2 'EVENT what=granted&lock=a&.*'
	expect_nothing 2
	hang_up 2
	eventually no_watches
	exact 1 'release a' 'OK '
}

@test "a name and prefixes of it that are watched, and a lock of one's own: told once" {
	start_with_admin <<<''
	connect 1
	connect 2
	many 2 'watch a1' '0&.*'
	many 2 'watch prefix=' 0
	many 2 'watch prefix=a' 0
	want 1 'acquire a1' 'OK .*'
	want 1 'acquire a2 lock=b' 'OK .*'
	get 2 'EVENT what=granted&lock=a1&.*'
	get 2 'EVENT what=granted&lock=a2&.*'
	get 2 'EVENT what=granted&lock=b&.*'
	exact 1 'release a1' 'OK '
	get 2 'EVENT what=released&lock=a1&.*'
	want 2 'acquire a1' 'OK .*'
	get 2 'EVENT what=granted&lock=a1&.*'
	admin 'revoke a1'
	get 2 'EVENT what=revoked&lock=a1&.*'
	exact 2 'unwatch a1' 'OK '
	exact 1 'release b' 'OK '
	get 2 'EVENT what=released&lock=b&.*'
	expect_nothing 2
}

no_watches() {
	many 1 stats 13
	[[ " ${LINES_GOT[*]} " == *' watches=0 '* ]]
}

@test "too_many_watches" {
	start_latchd
	connect 1
	perl -e 'print "watch n$_\r\n" for 1 .. 1100; print "unwatch n1\r\nwatch n1\r\nwatch n2\r\nwatch prefix=p\r\n"' | talk >"$DIR/got"
	[ "$(grep -c '^OK lines=0&holders=0&waiters=0' "$DIR/got")" -ge 2 ]
	grep -q '^ERR too_many_watches - this connection watches as much as it may' "$DIR/got"
	assert_match '^ERR too_many_watches' "$(tail -n 1 "$DIR/got")"
	eventually no_watches
}

@test "no event stands inside a listing, however slowly that is read" {
	start_with '[server]' 'max_output = 4 KiB'
	assert_eq well "$(perl "$CLIENTS/watching.pl" "127.0.0.1:$PORT" listing)"
}

@test "a watcher that does not read loses events, is told how many, and slows nobody down" {
	start_with '[server]' 'max_output = 4 KiB'
	assert_eq well "$(perl "$CLIENTS/watching.pl" "127.0.0.1:$PORT" slow)"
}

@test "that one's own lease has ended is never lost" {
	start_with '[server]' 'max_output = 4 KiB'
	assert_eq well "$(perl "$CLIENTS/watching.pl" "127.0.0.1:$PORT" expired)"
}

@test "a watcher that is killed while events wait for it harms nobody" {
	start_with '[server]' 'max_output = 64 KiB'
	connect 1
	spawn_told perl "$CLIENTS/waiter.pl" "127.0.0.1:$PORT" 'watch prefix='
	eventually has_said '^OK lines'
	kill -s STOP "$SPAWNED_PID"
	perl -e 'print "acquire a\r\nrelease a\r\n" x 60000' | talk >"$DIR/got"
	assert_eq 120000 "$(grep -c '^OK ' "$DIR/got")"
	kill -s KILL "$SPAWNED_PID"
	eventually no_watches
	want 1 'acquire a' 'OK .*'
}

@test "trap 2: idle_timeout cuts nobody who holds, waits or watches" {
	start_with '[server]' 'idle_timeout = 1h'
	connect_all hold lease wait tagged watch idle
	want hold 'acquire a' 'OK .*'
	want lease 'acquire b lease=60' 'OK .*'
	say wait 'acquire a wait=60'
	say tagged 'acquire a wait=60 id=t'
	until_waiters a 2
	many watch 'watch c' '0&.*'
	exact idle 'ping' 'OK '
	change_ini 's/1h/1s/' 'idle_timeout: now 1s'
	expect_eof idle
	sleep 1.2
	exact lease 'release b' 'OK '
	exact watch 'unwatch' 'OK '
	exact hold 'release a' 'OK '
	get wait 'OK lock=a.*'
	exact wait 'release a' 'OK '
	get tagged 'OK lock=a.*'
	# Now they are like anybody.
	for n in hold lease wait watch; do
		expect_eof "$n"
	done
	exact tagged 'release a' 'OK '
}
