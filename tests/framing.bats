#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# From bytes to lines: whatever pieces they come in, however long they are and however slowly.

load helpers

UNKNOWN='ERR unknown_command Unknown+server+command\r\n'
TOO_LONG='ERR line_too_long \r\n'

random_requests() { # SEED COUNT
	perl "$CLIENTS/random_requests.pl" "$1" "$2" "$DIR/requests" "$DIR/wanted"
}

assert_talk() { # OPTION of talk...
	talk "$@" <"$DIR/requests" >"$DIR/got"
	assert_same_file "$DIR/wanted" "$DIR/got"
}

x_times() { # VARIABLE N
	local made
	printf -v made '%*s' "$2" ''
	printf -v "$1" '%s' "${made// /x}"
}

@test "2,000 lines in one write are all answered, in order" {
	start_latchd
	random_requests 1 2000
	assert_talk
	random_requests 2 2000
	assert_talk
}

@test "100,000 lines without waiting are all answered, in order" {
	start_latchd
	random_requests 3 100000
	assert_talk
}

@test "the replies to one read leave in one write" {
	trace_latchd recvfrom,read,sendto,sendmsg,write,writev
	start_latchd
	perl -e 'print "noop\r\n" x 100' | talk >/dev/null
	random_requests 4 2000
	assert_talk
	stop_traced
	perl -ne '
		$asked = 1 if /^(?:recvfrom|read)\(.* = 600$/;
		$answered = 1 if /^(?:send\w+|writev?)\(.* = 500$/;
		$reads++ if /^(?:recvfrom|read)\(.*"(?:trylock|releaselock|noop|TryLock)?/ && / = [1-9]\d*$/;
		$writes++ if /^(?:sendto|sendmsg)\(.* = [1-9]\d*$/;
		END {
			die "100 requests were not one read\n" unless $asked;
			die "their replies were not one write\n" unless $answered;
			die "$writes writes for $reads reads\n" if $writes > $reads;
		}' "$DIR/trace"
}

@test "the same with the smallest max_output: replies leave in many pieces" {
	start_with '[server]' 'max_output = 4 KiB'
	random_requests 4 20000
	assert_talk
}

@test "one byte a write gives the same transcript" {
	start_latchd
	random_requests 5 60
	assert_talk --chunk 1
}

@test "pieces of any size give the same transcript" {
	local size

	start_latchd
	random_requests 6 100
	for size in 2 3 5 7 64 255 256 257 1460; do
		assert_talk --chunk "$size"
	done
}

@test "wherever a script is split in two, the transcript is the same" {
	start_latchd
	transcript 'trylock lock=%41b&x=1\r\n\r\nTRYLOCK lock=Ab\n\nreleaselock lock=A%62\r\r\n xyzzy\r\n' \
		"OK \\r\\nERR taken \\r\\nERR didnthave \\r\\n$UNKNOWN" --every-split
	transcript 'noop\r\nnoop\n\n\r\nnoop\r\nreleaselock\r\nnoo' 'OK \r\nOK \r\nOK \r\nERR empty_lock \r\n' \
		--every-split
}

@test "lines end with LF or with CR LF" {
	start_latchd
	transcript 'noop\nnoop\r\nnoop\ntrylock lock=a\nreleaselock lock=a\r\n' \
		'OK \r\nOK \r\nOK \r\nOK \r\nOK \r\n'
}

@test "a CR elsewhere is a byte like any other" {
	start_latchd
	transcript 'noop\rnoop\r\n' 'OK \r\n'
	transcript '\rnoop\r\n' "$UNKNOWN"
	transcript 'trylock lock=a\r\r\nreleaselock lock=a\r\nreleaselock lock=a%0D\r\n' \
		'OK \r\nERR didnthave \r\nOK \r\n'
}

@test "blank lines are ignored" {
	start_latchd
	transcript '\n' ''
	transcript '\r\n' ''
	transcript '\n\r\n\n\r\n\r\nnoop\r\n\r\n\nnoop\n\n\n' 'OK \r\nOK \r\n'
}

@test "a line that was not ended is not a request" {
	start_latchd
	transcript 'noop\r\ntrylock lock=a' 'OK \r\n'
	transcript 'noop\r\ntrylock lock=a\r' 'OK \r\n'
	transcript 'n' ''
	transcript '' ''
	assert_match $'\nSUCCESSES: 0\nFAILURES: 0\n' "$(printf 'status\n' | talk)"
}

@test "a line of max_line bytes is a request, one byte more is line_too_long" {
	local x

	start_latchd
	x_times x $((4096 - 5))
	transcript "noop $x\\r\\nnoop\\r\\n" 'OK \r\nOK \r\n'
	transcript "noop $x\\nnoop\\r\\n" 'OK \r\nOK \r\n'
	transcript "noop ${x}x\\r\\nnoop\\r\\n" "$TOO_LONG"
	transcript "noop ${x}x\\nnoop\\r\\n" "$TOO_LONG"
	transcript "noop ${x}\\r\\r\\nnoop\\r\\n" "$TOO_LONG"
	transcript "noop ${x}x" "$TOO_LONG"
	transcript "noop $x" ''
}

@test "the same wherever it is split" {
	local x

	start_with '[server]' 'max_line = 256'
	x_times x $((256 - 5))
	transcript "noop $x\\r\\nnoop\\r\\n" 'OK \r\nOK \r\n' --every-split
	transcript "noop\\r\\nnoop ${x}x\\r\\nnoop\\r\\n" "OK \\r\\n$TOO_LONG" --every-split
	transcript "noop ${x}x\\nnoop\\r\\n" "$TOO_LONG" --every-split
	transcript "noop $x\\r\\r\\n" "$TOO_LONG" --every-split
}

@test "max_line may be 64 KiB" {
	local x

	start_with '[server]' 'max_line = 65536'
	x_times x $((65536 - 5))
	transcript "noop $x\\r\\nnoop\\r\\n" 'OK \r\nOK \r\n'
	transcript "noop $x\\r\\nnoop\\r\\n" 'OK \r\nOK \r\n' --chunk 8191
	transcript "noop ${x}x\\r\\nnoop\\r\\n" "$TOO_LONG"
	transcript "noop ${x}x\\r\\nnoop\\r\\n" "$TOO_LONG" --chunk 8191
}

@test "before line_too_long all is answered, after it nothing, and the locks are free" {
	local x

	start_latchd
	x_times x 5000
	transcript "trylock lock=a\\r\\ntrylock lock=a\\r\\n$x\\r\\ntrylock lock=b\\r\\n" \
		"OK \\r\\nERR taken \\r\\n$TOO_LONG"
	connect 1
	until_granted 1 a
	ask 1 'trylock lock=b\r\n' 'OK \r\n'
}

@test "line_too_long arrives, and then the end, although more input is in flight" {
	start_latchd
	# All of it is with the kernel before the daemon reads the first byte.
	perl -e 'print "noop\r\n", "x" x 5000, "noop\r\n" x 10000' >"$DIR/requests"
	printf 'OK \r\nERR line_too_long \r\n' >"$DIR/wanted"
	assert_talk --open
}

@test "a line without end is cut, at no cost of memory" {
	local before

	little_quarantine
	start_latchd
	printf 'noop\r\n' | talk >/dev/null
	before=$(peak_kb)
	assert_eq 'ERR line_too_long ' "$(perl "$CLIENTS/endless_line.pl" "127.0.0.1:$PORT" 20000 | tr -d '\r')"
	assert_grown "$before" 2048
}

@test "random bytes: an answer to every line, and served on" {
	start_latchd
	perl -e 'srand 7; print pack("C*", map { my $c = int rand 256; $c == ord "?" ? 0 : $c } 1 .. 300000), "\nnoop\r\n"' >"$DIR/requests"
	perl -ne 's/\r?\n\z//; next if $_ eq ""; print /^noop\b/ ? "OK \r\n" : "ERR unknown_command Unknown+server+command\r\n"' \
		<"$DIR/requests" >"$DIR/wanted"
	assert_talk
}

@test "an unfinished line is cut after line_timeout, with a word; who has none is left alone" {
	local before

	start_with '[server]' 'line_timeout = 1h'
	connect 3
	connect 4
	ask 3 'noop\r\n' 'OK \r\n'
	ask 4 'noop\r\nno' 'OK \r\n'
	ask 4 'op\r\n' 'OK \r\n'
	connect 1
	connect 2
	ask 1 'trylock lock=a\r\n' 'OK \r\n'
	ask 2 'trylock lock=a\r\n' 'ERR taken \r\n'
	change_ini 's/1h/1s/' 'line_timeout: now 1s'
	before=${EPOCHREALTIME/./}
	send 1 'noo'
	expect 1 'ERR line_timeout \r\n'
	expect_eof 1
	[ $((${EPOCHREALTIME/./} - before)) -ge 900000 ]
	# Those who have no unfinished line have been there for longer.
	ask 3 'noop\r\n' 'OK \r\n'
	ask 4 'noop\r\n' 'OK \r\n'
	hang_up 1
	until_granted 2 a
	assert_log 'warning: client 127\.0\.0\.1:[0-9]+ .*line_timeout'
}

@test "slowloris: bytes that trickle in do not prolong a line, and nobody else notices" {
	local n=0

	start_with '[server]' 'line_timeout = 1s'
	connect 1
	connect 2
	ask 2 'trylock lock=mine\r\n' 'OK \r\n'
	until read -r -t 0 <&"${FDS[1]}"; do
		send 1 x || true
		sleep 0.05
		ask 2 'releaselock lock=mine\r\ntrylock lock=mine\r\n' 'OK \r\nOK \r\n'
		n=$((n + 1))
		[ "$n" -lt 3000 ] || fail 'it trickles on and on'
	done
	expect 1 'ERR line_timeout \r\n'
	expect_eof 1
	ask 2 'releaselock lock=mine\r\n' 'OK \r\n'
}

@test "200 that never end a line do not keep the others waiting" {
	start_latchd
	perl -I"$CLIENTS" -MWire -e '
		my $to = shift;
		my @slow = map { Wire->dial($to) } 1 .. 200;
		$_->put("trylock lock=") for @slow;
		my $other = Wire->dial($to);
		$other->ask("trylock lock=$_\r\n") eq "OK \r\n" or die "$_ was refused\n" for 1 .. 200;
		$slow[0]->ask("1\r\n") eq "ERR taken \r\n" or die "the line that was begun is wrong\n";
		$slow[199]->ask("201\r\n") eq "OK \r\n" or die "the last line is wrong\n"' "127.0.0.1:$PORT"
}

@test "every line has its own time: one that is ended late does not count for the next" {
	start_with '[server]' 'line_timeout = 1s'
	# An unfinished line is there all the while, but none of them for a second; where this machine pauses for as
	# long, it is done again.
	perl -I"$CLIENTS" -MWire -MTime::HiRes=time,sleep -e '
		my $to = shift;
		TRY: for (1 .. 20) {
			my $wire = Wire->dial($to);
			my $last = time;
			for my $part ("no", ("op\r\nno") x 4, "op\r\n") {
				$wire->put($part);
				next TRY if time - $last > 0.8;
				$last = time;
				sleep 0.3;
			}
			$wire->half_close;
			print $wire->rest =~ tr/\r//dr;
			last;
		}' "127.0.0.1:$PORT" >"$DIR/got"
	assert_eq $'OK \nOK \nOK \nOK \nOK ' "$(cat "$DIR/got")"
}

@test "a client that never reads: no more of it is read, memory is bounded, others are served, all is answered later" {
	little_quarantine
	start_latchd
	perl "$CLIENTS/never_reads.pl" "127.0.0.1:$PORT" "$LATCHD_PID" "$(grown_kb 4096)"
}

@test "the same over a unix socket" {
	little_quarantine
	start_latchd -l "unix:$DIR/sock"
	perl "$CLIENTS/never_reads.pl" "unix:$DIR/sock" "$LATCHD_PID" "$(grown_kb 4096)"
}
