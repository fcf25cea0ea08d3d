#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The log: how a line looks, what is said at which level, what cannot be forged, and how it is kept short.

# shellcheck disable=SC2030,SC2031,SC2154 # bats: tests are subshells; connect and run set variables
load operation

setup() {
	operation_setup
}

teardown() {
	operation_teardown
}

# The one client that may be there.
gets_in() {
	connect a 2>/dev/null && [ "$(talk "$a" noop)" = 'OK ' ]
}
# One event of each level but info, which the start was.
cause_events() {
	eventually gets_in                         # debug
	is "$(ask noop)" 'ERR too_many_clients '   # warning
	write_config <<<$'[log]\nlevel = nonsense' # error
	kill -HUP "$pid"
	wait_for_log 'was refused'
}

@test "a line has a time, the process, a level and the event" {
	start_with_config -v <<<$'[server]\nmax_clients = 1'
	cause_events
	stop_latchd
	time='[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]\.[0-9]{3}Z'
	is "$(grep -c -v -E "^$time latchd\[$pid\] (error|warning|info|debug): .+$" log)" 0
	is "$(sed 's/^[^ ]* [^ ]* \([a-z]*\):.*/\1/' log | sort -u | tr '\n' ' ')" 'debug error info warning '
	# It is the time in UTC.
	[ "$(date -u +%Y-%m-%d)" = "$(tail -n 1 log | cut -d T -f 1)" ] ||
		[ "$(date -u -d '1 minute ago' +%Y-%m-%d)" = "$(tail -n 1 log | cut -d T -f 1)" ]
}

@test "in the journal a line has a priority, and no time" {
	write_config <<<$'[server]\nmax_clients = 1'
	: >log
	journal=$(stat -c %d:%i log)
	JOURNAL_STREAM=$journal "$LATCHD" -v -c latchd.ini 2>>log 3>&- &
	launched $!
	wait_for_log listening
	cause_events
	stop_latchd
	is "$(grep -c -v '^<[3467]>[^<0-9]' log)" 0
	grep -q '^<6>latchd [0-9.]* starts$' log
	grep -q '^<4>client 127.0.0.1:.* ended: too_many_clients$' log
	grep -q '^<3>latchd.ini was refused' log
	grep -q '^<7>client 1 (127.0.0.1:.*) connected to ' log
}

@test "in the journal an error that ends the start has its priority" {
	echo nonsense >bad.ini
	: >log
	journal=$(stat -c %d:%i log)
	status=0
	JOURNAL_STREAM=$journal "$LATCHD" -c bad.ini 2>>log || status=$?
	is $status 78
	grep -q '^<3>bad.ini:1: neither a section' log
	: >log
	status=0
	JOURNAL_STREAM=$journal "$LATCHD" -l 192.0.2.1:7002 2>>log || status=$?
	is $status 69
	grep -q '^<3>cannot listen on 192.0.2.1:7002: ' log
}

@test "a journal that is not standard error is none" {
	: >other
	for stream in "$(stat -c %d:%i other)" 1:1 nonsense ''; do
		pick_address
		export JOURNAL_STREAM=$stream
		start_latchd
		is "$(grep -c '^<' log)" 0
		grep -q 'Z latchd\[.*\] info: listening' log
	done
}

# says_at LEVEL WANTED: the levels of what the daemon says at that one.
says_at() {
	local a

	pick_address
	write_config <<<$'[server]\nmax_clients = 1\n[log]\nlevel = '"$1"
	: >log
	launch -c latchd.ini
	cause_events
	stop_latchd
	is "$(sed 's/^[^ ]* [^ ]* \([a-z]*\):.*/\1/' log | sort -u | tr '\n' ' ')" "$2"
}

@test "each level shows itself and what is more important" {
	says_at error 'error '
	says_at warning 'error warning '
	says_at info 'error info warning '
	says_at debug 'debug error info warning '
}

@test "at info nothing is said of clients and locks" {
	start_latchd
	before=$(wc -l <log)
	connect a
	is "$(talk "$a" 'trylock lock=secret')" 'OK '
	is "$(ask 'trylock lock=secret')" 'ERR taken '
	is "$(ask nonsense)" 'ERR unknown_command Unknown+server+command'
	exec {a}>&-
	eventually is "$(ask 'trylock lock=other')" 'OK '
	is "$(wc -l <log)" "$before"
}

@test "at debug each connection is told, who it was and why it ended" {
	start_latchd -v -l "unix:$PWD/socket"
	connect a
	is "$(talk "$a" 'trylock lock=secret')" 'OK '
	wait_for_log "debug: client 1 (127\.0\.0\.1:[0-9]*) connected to $HOST:$PORT$"
	exec {a}>&-
	wait_for_log 'debug: client 1 (127\.0\.0\.1:[0-9]*) closed: end of file; it held 1 locks$'
	printf 'noop\r\n' | nc -N -U socket
	wait_for_log "debug: client 2 (unix:[0-9]*) connected to unix:$PWD/socket$"
	perl -MIO::Socket::INET -MSocket -e '
		my $s = IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => $ARGV[1]) or die;
		setsockopt($s, SOL_SOCKET, SO_LINGER, pack("ii", 1, 0));
		print $s "noop\r\n";
		$s->flush();
		readline($s);
	' "$HOST" "$PORT"
	wait_for_log 'debug: client 3 (127\.0\.0\.1:[0-9]*) closed: \(ECONNRESET\|Connection reset by peer\); it held 0 locks$'
	is "$(count_log secret)" 0
}

# What comes from outside.

is_clean() {
	! LC_ALL=C grep -a -n -P '[\x00-\x09\x0b-\x1f\x7f-\xff]' "$1"
}

@test "control bytes of a configuration reach neither the terminal nor the log" {
	hostile=$'[server]\nmax_line = \x1b]0;title\x07\x9b31m\nkey\x1b[2Jword = 1\n[\x01\x7fsection\r]\n[listen \x1b[31m]\n'
	hostile+=$'[listen a]\naddress = \x1b[31m:1\nprefix = \x02\n'
	printf '%s' "$hostile" >hostile.ini
	for arguments in '-t -c' -c; do
		status=0
		# shellcheck disable=SC2086
		"$LATCHD" $arguments hostile.ini 2>errors || status=$?
		is $status 78
		is_clean errors
		is "$(wc -l <errors)" "$(grep -c '^latchd: hostile.ini:[0-9]*: ' errors)"
		grep -q 'hostile.ini:2: max_line must be .* not .*\(\\033\|\\e\|\^\[\).*title' errors
	done
	start_with_config <<<''
	printf '%s' "$hostile" >latchd.ini
	reload 'error: latchd.ini was refused'
	is_clean log
	[ "$(count_log ' error: latchd.ini:[0-9]*: ')" -ge 5 ]
}

@test "control bytes of an address reach neither the terminal nor the log" {
	status=0
	"$LATCHD" -l $'127.0.0.1:\x1b[31m' 2>errors || status=$?
	is $status 78
	is_clean errors
	status=0
	"$LATCHD" -l $'unix:/tmp/a\nlatchd: forged\x1b' 2>errors || status=$?
	is $status 78
	is_clean errors
	is "$(grep -c '^latchd: forged' errors)" 0
}

@test "a value that a reload shows is shown as it is in the file" {
	start_with_config <<<''
	reload_with_config '\[listen main\] prefix: now a%sb%n %%, was nothing$' <<<'prefix = a%sb%n %%'
}

# As much as somebody likes.

refused_once() {
	is "$(ask noop)" 'ERR too_many_clients '
}

@test "of many refusals few are told" {
	start_with_config <<<$'[server]\nmax_clients = 1'
	connect a
	is "$(talk "$a" noop)" 'OK '
	begun=$(now_ms)
	for _ in {1..40}; do
		refused_once
	done
	# Ten in ten seconds.
	told=$(count_log 'warning: client .* ended: too_many_clients$')
	[ "$told" -ge 10 ]
	[ "$told" -le $((10 + ($(now_ms) - begun) / 1000)) ]
}
