#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Lines however they come: in pieces, in heaps, without end, and to clients that do not read.

# shellcheck disable=SC2030,SC2031,SC2154 # bats: tests are subshells; connect and run set variables
load wire

setup() {
	operation_setup
}

teardown() {
	operation_teardown
}

# A conversation with every kind of reply, and what comes of it.
script='trylock lock=a\r\nnoop\n\n\r\ntrylock lock=a%%20b\ntrylock lock=a\nlocks\nbogus\nreleaselock lock=a\nreleaselock lock=a+b\nlocks\n'
outcome() {
	printf '%s' 'OK \r\nOK \r\nOK \r\nERR taken \r\nLOCKS:\n  a = P\n  a b = P\n\nERR unknown_command Unknown+server+command\r\nOK \r\nOK \r\nLOCKS:\n\n'
}

# in_pieces SIZE...: sends the script in pieces of these sizes, with a moment between them; the last goes on.
in_pieces() {
	# shellcheck disable=SC2059
	printf "$script" | timeout "$PATIENCE" perl clients_dir/pieces.pl "$HOST" "$PORT" "$@" |
		sed 's/DDLockd::Client::Internal(R): open to .*/P/' >got
	# shellcheck disable=SC2059
	printf "$(outcome)" >wanted
	same_bytes
}

@test "LF and CRLF end a line, blank lines are ignored" {
	start_latchd
	answers '\n\r\n\nnoop\r\n\r\nnoop\n\n' 'OK \r\nOK \r\n'
	answers 'noop\r\r\n' 'OK \r\n'
}

@test "one byte a write gives the same transcript" {
	start_latchd
	ln -s "$BATS_TEST_DIRNAME/clients" clients_dir
	in_pieces 1
}

@test "every cut in two gives the same transcript" {
	start_latchd
	ln -s "$BATS_TEST_DIRNAME/clients" clients_dir
	# shellcheck disable=SC2059
	length=$(printf "$script" | wc -c)
	for ((cut = 1; cut < length; cut += 3)); do
		in_pieces $cut 100000
	done
}

@test "two thousand lines in one write are all answered, in order" {
	start_latchd
	{
		for ((i = 0; i < 500; i++)); do
			printf 'trylock lock=n%d\ntrylock lock=n%d\nnoop\nx%d\n' $i $i $i
		done
	} >requests
	timeout "$PATIENCE" socat -b 1000000 -t "$PATIENCE" - "tcp:$HOST:$PORT" <requests >got
	for ((i = 0; i < 500; i++)); do
		printf 'OK \r\nERR taken \r\nOK \r\nERR unknown_command Unknown+server+command\r\n'
	done >wanted
	same_bytes
}

@test "the replies to one read leave in one write" {
	command -v strace >/dev/null || skip 'there is no strace(1)'
	start_latchd
	connect a
	is "$(talk "$a" noop)" 'OK '
	strace -qq -e trace=sendto,sendmsg,write,writev -e signal=none -o trace -p "$pid" 2>/dev/null 3>&- &
	tracer=$!
	pids+=("$tracer")
	sleep 1
	for ((i = 0; i < 100; i++)); do
		printf 'noop\r\n'
	done | dd bs=1M iflag=fullblock status=none >&"$a"
	timeout "$PATIENCE" head -n 100 <&"$a" >/dev/null
	kill "$tracer"
	wait "$tracer" || true
	is "$(grep -c 'OK ' trace)" 1
}

@test "a line of max_line bytes is handled, one byte more is refused and ends the connection" {
	printf '[server]\nmax_line = 256\n' >conf
	start_latchd -c conf
	fits="noop $(printf 'x%.0s' {1..251})"
	answers "$fits\n$fits\r\nnoop\n" 'OK \r\nOK \r\nOK \r\n'
	answers "noop\n${fits}x\nnoop\n" 'OK \r\nERR line_too_long \r\n'
	answers "${fits}x" 'ERR line_too_long \r\n'
}

@test "a line without end gets its error and costs no memory" {
	start_latchd
	is "$(ask noop)" 'OK '
	before=$(rss_kib)
	# 256 MiB, or as much as is taken until the connection is closed.
	head -c $((256 << 20)) /dev/zero | tr '\0' x | timeout "$PATIENCE" socat -t 5 - "tcp:$HOST:$PORT" >got 2>/dev/null || true
	printf 'ERR line_too_long \r\n' >wanted
	same_bytes
	[ $(($(rss_kib) - before)) -lt 8192 ]
	is "$(ask noop)" 'OK '
}

@test "every byte value in a line is harmless" {
	start_latchd
	for ((i = 0; i < 256; i++)); do
		printf -v byte '\\x%02x' $i
		[ $i -eq 10 ] || printf '%bjunk\nnoop %b\n' "$byte" "$byte"
	done >requests
	timeout "$PATIENCE" socat -t "$PATIENCE" - "tcp:$HOST:$PORT" <requests >got
	is "$(grep -c '^OK ' got)" 255
	is "$(grep -c '^ERR unknown_command' got)" 255
}

@test "an unfinished line is given up after line_timeout, and nobody else notices" {
	printf '[server]\nline_timeout = 1s\n' >conf
	start_latchd -c conf
	connect slow
	connect calm
	is "$(talk "$calm" 'trylock lock=x')" 'OK '
	printf 'noop\ntrylock lo' >&"$slow"
	is "$(hear "$slow")" 'OK '
	is "$(hear "$slow")" 'ERR line_timeout '
	is_cut "$slow"
	is "$(talk "$calm" noop)" 'OK '
}

@test "a byte now and then does not keep a line alive" {
	printf '[server]\nline_timeout = 1s\n' >conf
	start_latchd -c conf
	connect slow
	(
		for _ in $(seq 40); do
			printf x >&"$slow" || exit 0
			sleep 0.1
		done
	) 2>/dev/null 3>&- &
	pids+=($!)
	is "$(hear "$slow")" 'ERR line_timeout '
}

@test "many that never end a line do not keep the others waiting" {
	start_latchd
	for ((i = 0; i < 200; i++)); do
		exec {slow}<>"/dev/tcp/$HOST/$PORT"
		printf 'trylock lock=' >&"$slow"
	done
	connect a
	for ((i = 0; i < 200; i++)); do
		is "$(talk "$a" "trylock lock=$i")" 'OK '
	done
}

@test "a client that does not read is neither read nor remembered, and goes on when it reads" {
	start_latchd
	is "$(ask noop)" 'OK '
	before=$(rss_kib)
	connect deaf
	# More requests than any buffer on the way takes; the writer is stopped by that.
	head -c 60000000 < <(yes status) >&"$deaf" 2>/dev/null 3>&- &
	writer=$!
	pids+=("$writer")
	eventually is_stuck "$deaf"
	[ $(($(rss_kib) - before)) -lt 4096 ]
	for ((i = 0; i < 50; i++)); do
		is "$(ask noop)" 'OK '
	done
	timeout "$PATIENCE" head -n 60000 <&"$deaf" | grep -c 'STATUS: OK' >count
	is "$(cat count)" 10000
	kill "$writer" 2>/dev/null || true
}

@test "an idle client is cut, one that holds a lock is not" {
	printf '[server]\nidle_timeout = 1s\n' >conf
	start_latchd -c conf
	connect idle
	connect holder
	is "$(talk "$holder" 'trylock lock=x')" 'OK '
	is "$(talk "$idle" noop)" 'OK '
	is_cut "$idle"
	sleep 1.5
	is "$(talk "$holder" noop)" 'OK '
	is "$(talk "$holder" 'releaselock lock=x')" 'OK '
	is_cut "$holder"
}
