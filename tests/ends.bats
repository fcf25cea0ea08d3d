#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What ends a lock: its release, and every way in which a connection can end. And how holders are listed.

# shellcheck disable=SC2030,SC2031,SC2154 # bats: tests are subshells; connect and run set variables
load wire

setup() {
	operation_setup
}

teardown() {
	operation_teardown
}

@test "another connection is refused, cannot release, and gets it after the release" {
	start_latchd
	connect a
	connect b
	is "$(talk "$a" 'trylock lock=x')" 'OK '
	is "$(talk "$b" 'trylock lock=x')" 'ERR taken '
	is "$(talk "$b" 'releaselock lock=x')" 'ERR didnthave '
	is "$(talk "$a" 'releaselock lock=x')" 'OK '
	is "$(talk "$b" 'trylock lock=x')" 'OK '
	is "$(talk "$a" 'trylock lock=x')" 'ERR taken '
}

@test "locks lists in order, with the holder, and ends with a blank line" {
	start_latchd -v
	connect a
	talk "$a" 'trylock lock=zebra'
	connect b
	talk "$b" 'trylock lock=ant'
	talk "$b" 'trylock lock=Zoo'
	says 'locks\n' >got
	first=$(sed -n 's/.*client 1 (\(.*\)) connected.*/\1/p' log)
	second=$(sed -n 's/.*client 2 (\(.*\)) connected.*/\1/p' log)
	[[ $first =~ ^127\..*:[0-9]+$ ]] && [ "$first" != "$second" ]
	holder='DDLockd::Client::Internal(R): open to'
	printf 'LOCKS:\n  Zoo = %s\n  ant = %s\n  zebra = %s\n\n' "$holder $second" "$holder $second" "$holder $first" >wanted
	same_bytes
}

@test "a unix client is listed with its process" {
	start_latchd -l "unix:$PWD/sock"
	printf 'trylock lock=a\nlocks\n' | socat -t 5 - "unix-connect:$PWD/sock" >got
	grep -q '^  a = DDLockd::Client::Internal(R): open to unix:[1-9][0-9]*$' got
}

@test "an IPv6 client is listed in brackets" {
	[ -e /proc/net/if_inet6 ] && grep -q ' lo$' /proc/net/if_inet6 || skip 'no IPv6 on the loopback interface'
	port6=$((20000 + RANDOM % 20000))
	start_latchd -l "[::1]:$port6"
	printf 'trylock lock=a\nlocks\n' | socat -t 5 - "tcp6:[::1]:$port6" >got
	grep -q '^  a = DDLockd::Client::Internal(R): open to \[::1\]:[1-9][0-9]*$' got
}

is_free() {
	[ "$(ask "trylock lock=$1")" = 'OK ' ]
}

@test "a lock ends when its connection is closed" {
	start_latchd
	connect a
	is "$(talk "$a" 'trylock lock=x')" 'OK '
	is "$(ask 'trylock lock=x')" 'ERR taken '
	exec {a}>&-
	eventually is_free x
}

@test "a lock ends when its client is killed" {
	start_latchd
	(
		exec 5<>"/dev/tcp/$HOST/$PORT"
		printf 'trylock lock=x\n' >&5
		read -r -u 5 _
		touch held
		exec sleep 300
	) 3>&- &
	holder=$!
	eventually test -e held
	is "$(ask 'trylock lock=x')" 'ERR taken '
	kill -KILL $holder
	eventually is_free x
}

@test "a lock ends with a reset" {
	start_latchd
	perl -MSocket -e '
		socket(my $s, PF_INET, SOCK_STREAM, 0) or die;
		connect($s, sockaddr_in($ARGV[1], inet_aton($ARGV[0]))) or die;
		syswrite($s, "trylock lock=x\r\n");
		sysread($s, my $reply, 100);
		print $reply;
		setsockopt($s, SOL_SOCKET, SO_LINGER, pack("ii", 1, 0)) or die;
		close $s;' "$HOST" "$PORT" >got
	printf 'OK \r\n' >wanted
	same_bytes
	eventually is_free x
}

@test "a reset in the middle of a reply harms nobody else" {
	start_latchd
	connect a
	take_locks "$a" 2000
	for _ in $(seq 20); do
		perl -MSocket -e '
			socket(my $s, PF_INET, SOCK_STREAM, 0) or die;
			connect($s, sockaddr_in($ARGV[1], inet_aton($ARGV[0]))) or die;
			syswrite($s, "locks\nlocks\nlocks\n");
			sysread($s, my $reply, 100);
			setsockopt($s, SOL_SOCKET, SO_LINGER, pack("ii", 1, 0)) or die;
			close $s;' "$HOST" "$PORT"
	done
	is "$(talk "$a" noop)" 'OK '
	is "$(ask noop)" 'OK '
}

@test "who stops sending is answered first and closed then, and the lock is free" {
	start_latchd
	answers 'trylock lock=x\nnoop\n' 'OK \r\nOK \r\n' # says closes its direction at once
	eventually is_free x
}

@test "what was begun and not ended before the end is not carried out" {
	start_latchd
	answers 'noop\ntrylock lock=x' 'OK \r\n'
	is "$(ask locks)" 'LOCKS:'
	is_free x
}
