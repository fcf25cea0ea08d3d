#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The classic verbs, byte for byte, and what ends a lock.

# shellcheck disable=SC2030,SC2031,SC2154 # bats: tests are subshells; connect and run set variables
load wire

setup() {
	operation_setup
}

teardown() {
	operation_teardown
}

@test "trylock takes, refuses the same connection too, and wants a name" {
	start_latchd
	answers 'trylock lock=a\r\ntrylock lock=a\r\ntrylock\r\ntrylock lock=\r\ntrylock lok=a\r\ntrylock lock\r\n' \
		'OK \r\nERR taken \r\nERR empty_lock \r\nERR empty_lock \r\nERR empty_lock \r\nERR empty_lock \r\n'
}

@test "releaselock gives back what this connection has" {
	start_latchd
	answers 'releaselock lock=a\ntrylock lock=a\nreleaselock lock=a\nreleaselock lock=a\nreleaselock\ntrylock lock=a\n' \
		'ERR didnthave \r\nOK \r\nOK \r\nERR didnthave \r\nERR empty_lock \r\nOK \r\n'
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

@test "noop, with anything behind it" {
	start_latchd
	answers 'noop\nnoop junk\nnoop!\nNOOP\nNoOp lock=a\nnoop \n' 'OK \r\nOK \r\nOK \r\nOK \r\nOK \r\nOK \r\n'
}

@test "a verb is its longest word, in any case, from the first byte" {
	start_latchd
	answers 'TRYLOCK lock=a\nTryLock\tlock=b\ntrylock   lock=c\n trylock lock=d\ntrylocks lock=e\ntry_lock lock=f\ntrylock2 lock=g\n!\n' \
		"OK \r\nOK \r\nOK \r\n$(for _ in 1 2 3 4 5; do printf '%s' 'ERR unknown_command Unknown+server+command\r\n'; done)"
}

@test "everything else is an unknown command" {
	start_latchd
	answers 'bogus\nlock\nGET / HTTP/1.1\nHost: x\n\x01\x02\x03\n\xff\xfe\n' \
		"$(for _ in 1 2 3 4 5 6; do printf '%s' 'ERR unknown_command Unknown+server+command\r\n'; done)"
}

@test "locks without any" {
	start_latchd
	answers 'locks\n' 'LOCKS:\n\n'
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

@test "status counts every trylock, and runtime is in seconds" {
	start_latchd
	answers 'trylock lock=a\ntrylock lock=a\ntrylock\ntrylock lock=a&lock=b\ntrylock lock=%%00\nreleaselock lock=a\nstatus\nload\n' \
		'OK \r\nERR taken \r\nERR empty_lock \r\nERR bad_args \r\nERR bad_name \r\nOK \r\nSTATUS: OK\nSUCCESSES: 1\nFAILURES: 4\nRUNTIME: 0\nLOAD: 5\n\nLOAD: 5\n\n' ||
		{ sed -i 's/RUNTIME: [0-9]*/RUNTIME: 0/' got && same_bytes; }
}

@test "names are decoded: plus, percent, bytes beyond ASCII" {
	start_latchd
	answers 'trylock lock=a+b%%20c\ntrylock lock=a%%20b+c\ntrylock lock=%%c3%%a4\ntrylock lock=\xc3\xa4\ntrylock lock=%%41\ntrylock lock=A\n' \
		'OK \r\nERR taken \r\nOK \r\nERR taken \r\nOK \r\nERR taken \r\n'
}

@test "a malformed escape stays as it is" {
	start_latchd
	answers 'trylock lock=%%G1\ntrylock lock=%%25G1\ntrylock lock=%%\ntrylock lock=%%25\ntrylock lock=%%4\ntrylock lock=%%254\n' \
		'OK \r\nERR taken \r\nOK \r\nERR taken \r\nOK \r\nERR taken \r\n'
}

@test "keys are decoded, other keys ignored, a value goes to its end" {
	start_latchd
	answers 'trylock x=1&lock=a&y=2\ntrylock %%6c%%6Fck=a\ntrylock lock=e=q=x\ntrylock lock=e%%3dq%%3Dx\ntrylock lock=b \ntrylock lock=b\n' \
		'OK \r\nERR taken \r\nOK \r\nERR taken \r\nOK \r\nOK \r\n'
}

@test "a repeated lock= is refused, a NUL byte too, and both take nothing" {
	start_latchd
	answers 'trylock lock=a&lock=b\ntrylock lock=a&%%6cock=b\ntrylock lock=a%%00\ntrylock lock=a\x00\nreleaselock lock=a&lock=b\nlocks\n' \
		'ERR bad_args \r\nERR bad_args \r\nERR bad_name \r\nERR bad_name \r\nERR bad_args \r\nLOCKS:\n\n'
}

@test "no name can forge a line of locks" {
	start_latchd
	says 'trylock lock=x+=+y%%0A++evil+=+z%%0d%%1b[2J%%7f%%25\nlocks\n' >got
	sed -i 's/open to .*/open to P/' got
	printf 'OK \r\nLOCKS:\n  x = y%%0A  evil = z%%0D%%1B[2J%%7F%%25 = DDLockd::Client::Internal(R): open to P\n\n' >wanted
	same_bytes
}

@test "names as long as max_name, and one byte more" {
	printf '[locks]\nmax_name = 10\n' >conf
	start_latchd -c conf
	answers 'trylock lock=0123456789\ntrylock lock=0123456789a\ntrylock lock=%%30123456789\n' \
		'OK \r\nERR name_too_long \r\nERR taken \r\n'
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

# What ends a lock.

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
