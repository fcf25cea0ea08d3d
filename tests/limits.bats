#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Limits: each answers with its code, and harms nobody but who runs into it.

load helpers

# The connection is told WORD, and nothing else, and ended; nothing that it sends is done.
assert_refused() { # N WORD [PORT]
	connect "$1" "${3:-$PORT}"
	expect "$1" "ERR $2 \\r\\n"
	expect_eof "$1"
	hang_up "$1"
}

@test "max_clients: one more is told so and ended; the others are served on" {
	start_with_ini <<-INI
		[server]
		max_clients = 2
		[listen a]
		address = 127.0.0.1:@PORT@
		[listen b]
		address = 127.0.0.1:@PORT2@
	INI
	connect 1
	connect 2 "$PORT2"
	ask 1 'trylock lock=a\r\n' 'OK \r\n'
	ask 2 'trylock lock=b\r\n' 'OK \r\n'
	assert_refused 3 too_many_clients
	assert_refused 3 too_many_clients "$PORT2"
	ask 1 'trylock lock=b\r\n' 'ERR taken \r\n'
	ask 2 'trylock lock=a\r\n' 'ERR taken \r\n'
	hang_up 1
	until_served 3
	until_granted 2 a
	assert_refused 4 too_many_clients
	assert_log 'warning: client 127\.0\.0\.1:[0-9]+ .*too_many_clients'
}

@test "what a refused client sends is not done" {
	start_with '[server]' 'max_clients = 1'
	connect 1
	ask 1 'noop\r\n' 'OK \r\n'
	transcript 'trylock lock=a\r\nnoop\r\nstatus\r\n' 'ERR too_many_clients \r\n'
	ask 1 'locks\r\nload\r\n' 'LOCKS:\n\nLOAD: 0\n\n'
}

@test "a crowd of refused clients: each of them is told, and the log is spared" {
	start_with '[server]' 'max_clients = 1'
	connect 1
	ask 1 'trylock lock=a\r\n' 'OK \r\n'
	assert_eq 1000 "$(perl "$CLIENTS/crowd.pl" "127.0.0.1:$PORT" 1000 too_many_clients)"
	[ "$(grep -c too_many_clients "$LOG")" -le 20 ]
	ask 1 'trylock lock=a\r\n' 'ERR taken \r\n'
	hang_up 1
	until_served 2
}

@test "max_clients of a listener: no other listener is concerned" {
	start_with_ini <<-INI
		[listen a]
		address = 127.0.0.1:@PORT@
		max_clients = 1
		[listen b]
		address = 127.0.0.1:@PORT2@
	INI
	connect 1
	connect 2 "$PORT2"
	connect 3 "$PORT2"
	ask 1 'trylock lock=a\r\n' 'OK \r\n'
	ask 2 'trylock lock=a\r\n' 'ERR taken \r\n'
	ask 3 'noop\r\n' 'OK \r\n'
	assert_refused 4 too_many_clients_per_listener
	ask 1 'noop\r\n' 'OK \r\n'
	hang_up 1
	until_served 4
}

@test "max_clients_per_ip: another address and unix sockets are not concerned" {
	start_with_ini <<-INI
		[server]
		max_clients_per_ip = 2
		[listen a]
		address = 127.0.0.1:@PORT@
		[listen b]
		address = 127.0.0.1:@PORT2@
		[listen c]
		address = unix:@DIR@/sock
	INI
	connect 1
	connect 2 "$PORT2"
	ask 1 'trylock lock=a\r\n' 'OK \r\n'
	ask 2 'noop\r\n' 'OK \r\n'
	assert_refused 3 too_many_clients_per_ip
	assert_refused 3 too_many_clients_per_ip "$PORT2"
	transcript 'trylock lock=a\r\n' 'ERR taken \r\n' --from 127.0.0.2
	transcript 'noop\r\n' 'OK \r\n' --to "unix:$DIR/sock"
	assert_eq 0 "$(perl "$CLIENTS/hold.pl" "unix:$DIR/sock" b </dev/null >"$DIR/1" &&
		perl "$CLIENTS/hold.pl" "unix:$DIR/sock" c d </dev/null >"$DIR/2"; echo $?)"
	hang_up 2
	until_served 3
	assert_refused 4 too_many_clients_per_ip
}

@test "max_clients_per_ip counts who is served, not who is just being refused" {
	start_with_ini <<-INI
		[server]
		max_clients_per_ip = 1
		[listen a]
		address = 127.0.0.1:@PORT@
		[listen c]
		address = unix:@DIR@/sock
	INI
	connect 1
	ask 1 'noop\r\n' 'OK \r\n'
	connect 2
	expect 2 'ERR too_many_clients_per_ip \r\n'
	expect_eof 2 # and it stays where it is for as long as it may
	hang_up 1
	# Two answers: the end of 1 was read before the second one.
	assert_eq $'OK \r\nOK \r' "$(printf 'noop\r\nnoop\r\n' | talk --to "unix:$DIR/sock" --chunk 6)"
	connect 3
	ask 3 'noop\r\n' 'OK \r\n'
}

@test "an IPv4 address counts as one, whichever listener it comes through" {
	start_with_ini <<-INI
		[server]
		max_clients_per_ip = 2
		[listen a]
		address = 127.0.0.1:@PORT@
		[listen b]
		address = *:@PORT2@
	INI
	connect 1
	connect 2 "$PORT2"
	ask 1 'noop\r\n' 'OK \r\n'
	ask 2 'noop\r\n' 'OK \r\n'
	assert_refused 3 too_many_clients_per_ip
	assert_refused 3 too_many_clients_per_ip "$PORT2"
}

@test "max_locks: over all clients; who is refused may go on, and what is free again may be taken" {
	start_with '[locks]' 'max_locks = 3'
	connect 1
	connect 2
	ask 1 'trylock lock=a\r\ntrylock lock=b\r\n' 'OK \r\nOK \r\n'
	ask 2 'trylock lock=c\r\ntrylock lock=d\r\n' 'OK \r\nERR too_many_locks \r\n'
	ask 1 'trylock lock=d\r\ntrylock lock=c\r\n' 'ERR too_many_locks \r\nERR taken \r\n'
	ask 2 'releaselock lock=d\r\nreleaselock lock=c\r\ntrylock lock=d\r\n' 'ERR didnthave \r\nOK \r\nOK \r\n'
	ask 1 'trylock lock=c\r\n' 'ERR too_many_locks \r\n'
	hang_up 2
	until_granted 1 c
	ask 1 'locks\r\n' "$(printf 'LOCKS:\\n'; printf "  %s = $HELD_BY 127.0.0.1:$(port_of 1)\\\\n" a b c)\\n"
}

@test "a lock that a limit refuses is a failure" {
	local line got

	start_with '[locks]' 'max_locks = 1'
	connect 1
	ask 1 'trylock lock=a\r\ntrylock lock=b\r\n' 'OK \r\nERR too_many_locks \r\n'
	send 1 'status\r\n'
	for line in 'STATUS: OK' 'SUCCESSES: 1' 'FAILURES: 1' 'RUNTIME: [0-9]+' 'LOAD: 2' ''; do
		read_line 1 got
		assert_match "^$line\$" "$got"
	done
}

@test "max_locks_per_client" {
	start_with '[locks]' 'max_locks_per_client = 2'
	connect 1
	connect 2
	ask 1 'trylock lock=a\r\ntrylock lock=b\r\ntrylock lock=c\r\n' \
		'OK \r\nOK \r\nERR too_many_locks_per_client \r\n'
	ask 2 'trylock lock=c\r\ntrylock lock=d\r\ntrylock lock=e\r\n' \
		'OK \r\nOK \r\nERR too_many_locks_per_client \r\n'
	ask 1 'trylock lock=c\r\nreleaselock lock=a\r\ntrylock lock=e\r\ntrylock lock=a\r\n' \
		'ERR taken \r\nOK \r\nOK \r\nERR too_many_locks_per_client \r\n'
}

@test "max_locks of a listener: over its clients, no other listener is concerned" {
	start_with_ini <<-INI
		[listen a]
		address = 127.0.0.1:@PORT@
		max_locks = 2
		[listen b]
		address = 127.0.0.1:@PORT2@
	INI
	connect 1
	connect 2
	connect 3 "$PORT2"
	ask 1 'trylock lock=a\r\n' 'OK \r\n'
	ask 2 'trylock lock=b\r\ntrylock lock=c\r\n' 'OK \r\nERR too_many_locks_per_listener \r\n'
	ask 1 'trylock lock=c\r\n' 'ERR too_many_locks_per_listener \r\n'
	ask 3 'trylock lock=c\r\ntrylock lock=d\r\ntrylock lock=e\r\n' 'OK \r\nOK \r\nOK \r\n'
	ask 1 'trylock lock=c\r\nreleaselock lock=a\r\n' 'ERR taken \r\nOK \r\n'
	ask 2 'trylock lock=f\r\n' 'OK \r\n'
	hang_up 2
	until_granted 1 b
	ask 1 'trylock lock=f\r\ntrylock lock=g\r\n' 'OK \r\nERR too_many_locks_per_listener \r\n'
}

@test "max_name" {
	start_with '[locks]' 'max_name = 5'
	transcript 'trylock lock=12345\r\ntrylock lock=%31%32%33%34%36\r\ntrylock lock=123456\r\nreleaselock lock=123456\r\n' \
		'OK \r\nOK \r\nERR name_too_long \r\nERR name_too_long \r\n'
}
