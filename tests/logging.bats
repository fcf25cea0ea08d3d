#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The log: how a line looks, what is said at which level, what cannot be forged, and how it is kept short.

# shellcheck disable=SC2030,SC2031,SC2154 # bats: tests are subshells; helpers set variables
load process

# An event at debug, one at warning and one at error, where one client may be there; info was the start.
cause_events() {
	until_served a
	transcript 'noop\r\n' 'ERR too_many_clients \r\n'
	reload_with_config 'was refused' <<<$'[log]\nlevel = nonsense'
}

# The levels of the lines of the log, each once.
levels() {
	sed 's/^[^ ]* [^ ]* \([a-z]*\):.*/\1/' "$LOG" | sort -u | tr '\n' ' '
}

@test "a line has a time, the process, a level and the event" {
	start_with_config -v <<<$'[server]\nmax_clients = 1'
	cause_events
	stop_latchd
	time='[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]\.[0-9]{3}Z'
	assert_eq 0 "$(grep -c -v -E "^$time latchd\[$LATCHD_PID\] (error|warning|info|debug): .+$" "$LOG")"
	assert_eq 'debug error info warning ' "$(levels)"
	# It is the time in UTC.
	[ "$(date -u +%Y-%m-%d)" = "$(tail -n 1 "$LOG" | cut -d T -f 1)" ] ||
		[ "$(date -u -d '1 minute ago' +%Y-%m-%d)" = "$(tail -n 1 "$LOG" | cut -d T -f 1)" ]
}

# Makes `bash journal COMMAND...`, which is told that its standard error is the journal.
make_journal() {
	# shellcheck disable=SC2016
	echo 'JOURNAL_STREAM=$(stat -L -c %d:%i /dev/stderr) exec "$@"' >journal
}

@test "in the journal a line has a priority, and no time" {
	make_journal
	LATCHD_WRAP='bash journal' launch_with_config -v <<<$'[server]\nmax_clients = 1'
	assert_log listening
	cause_events
	stop_latchd
	assert_eq 0 "$(grep -c -v '^<[3467]>[^<0-9]' "$LOG")"
	assert_log '^<6>latchd [0-9.]* starts$'
	assert_log '^<4>client 127.0.0.1:.* ended: too_many_clients$'
	assert_log '^<3>latchd.ini was refused'
	assert_log '^<7>client 1 \(127.0.0.1:.*\) connected to '
}

@test "in the journal an error that ends the start has its priority" {
	make_journal
	echo nonsense >bad.ini
	run -78 bash journal "$LATCHD" -c bad.ini
	grep -q '^<3>bad.ini:1: neither a section' <<<"$output"
	run -69 bash journal "$LATCHD" -l 192.0.2.1:7002
	grep -q '^<3>cannot listen on 192.0.2.1:7002: ' <<<"$output"
}

@test "a journal that is not standard error is none" {
	: >other
	for stream in "$(stat -c %d:%i other)" 1:1 nonsense ''; do
		export JOURNAL_STREAM=$stream
		start_latchd
		assert_eq 0 "$(count_log '^<')"
		assert_log 'Z latchd\[.*\] info: listening'
	done
}

# The levels of what it says where the file has LEVEL.
says_at() { # LEVEL LEVELS
	launch_with_config <<<$'[server]\nmax_clients = 1\n[log]\nlevel = '"$1"
	cause_events
	stop_latchd
	assert_eq "$2" "$(levels)"
	hang_up a
}

@test "each level shows itself and what is more important" {
	says_at error 'error '
	says_at warning 'error warning '
	says_at info 'error info warning '
	says_at debug 'debug error info warning '
}

@test "at info nothing is said of clients and locks" {
	start_latchd
	before=$(wc -l <"$LOG")
	connect a
	ask a 'trylock lock=secret\r\n' 'OK \r\n'
	transcript 'trylock lock=secret\r\n' 'ERR taken \r\n'
	transcript 'nonsense\r\n' 'ERR unknown_command Unknown+server+command\r\n'
	hang_up a
	transcript 'trylock lock=other\r\n' 'OK \r\n'
	assert_eq "$before" "$(wc -l <"$LOG")"
}

@test "at debug each connection is told, who it was and why it ended" {
	start_latchd -v -l 127.0.0.1:@PORT@ -l "unix:$DIR/socket"
	connect a
	client="client 1 \(127\.0\.0\.1:$(port_of a)\)"
	ask a 'trylock lock=secret\r\n' 'OK \r\n'
	assert_log "debug: $client connected to 127.0.0.1:$PORT$"
	hang_up a
	assert_log "debug: $client closed: end of file; it held 1 locks$"
	transcript 'noop\r\n' 'OK \r\n' --to "unix:$DIR/socket"
	assert_log "debug: client 2 \(unix:[0-9]*\) connected to unix:$DIR/socket$"
	perl -I"$CLIENTS" -MWire -e 'my $wire = Wire->dial(shift); $wire->barrier; $wire->reset' "127.0.0.1:$PORT"
	assert_log 'debug: client 3 \(127\.0\.0\.1:[0-9]*\) closed: (ECONNRESET|Connection reset by peer); it held 0 locks$'
	assert_eq 0 "$(count_log secret)"
}

# What comes from outside.

is_clean() {
	! LC_ALL=C grep -a -n -P '[\x00-\x09\x0b-\x1f\x7f-\xff]' "$1"
}

fails_with_78() { # ARG...
	local status=0

	"$LATCHD" "$@" 2>errors || status=$?
	assert_eq 78 "$status" 'the status'
	is_clean errors
}

@test "control bytes of a configuration reach neither the terminal nor the log" {
	hostile=$'[server]\nmax_line = \x1b]0;title\x07\x9b31m\nkey\x1b[2Jword = 1\n[\x01\x7fsection\r]\n[listen \x1b[31m]\n'
	hostile+=$'[listen a]\naddress = \x1b[31m:1\nprefix = \x02\n'
	printf '%s' "$hostile" >hostile.ini
	for arguments in '-t -c' -c; do
		# shellcheck disable=SC2086
		fails_with_78 $arguments hostile.ini
		assert_eq "$(grep -c '^latchd: hostile.ini:[0-9]*: ' errors)" "$(wc -l <errors)"
		grep -q 'hostile.ini:2: max_line must be .* not .*\(\\033\|\\e\|\^\[\).*title' errors
	done
	start_with_config <<<''
	printf '%s' "$hostile" >latchd.ini
	reload 'error: .*/latchd.ini was refused'
	is_clean "$LOG"
	[ "$(count_log ' error: .*/latchd.ini:[0-9]*: ')" -ge 5 ]
}

@test "control bytes of an address reach neither the terminal nor the log" {
	fails_with_78 -l $'127.0.0.1:\x1b[31m'
	fails_with_78 -l $'unix:/tmp/a\nlatchd: forged\x1b'
	assert_eq 0 "$(grep -c '^latchd: forged' errors)"
}

@test "a value that a reload shows is shown as it is in the file" {
	start_with_config <<<''
	reload_with_config '\[listen main\] prefix: now a%sb%n %%, was nothing$' <<<'prefix = a%sb%n %%'
}

# As much as somebody likes.

@test "of many refusals few are told" {
	start_with_config <<<$'[server]\nmax_clients = 1'
	connect a
	ask a 'noop\r\n' 'OK \r\n'
	begun=$(now_ms)
	assert_eq 40 "$(perl "$CLIENTS/crowd.pl" "127.0.0.1:$PORT" 40 too_many_clients)"
	# Ten in ten seconds.
	told=$(count_log 'warning: client .* ended: too_many_clients$')
	[ "$told" -ge 10 ]
	[ "$told" -le $((10 + ($(now_ms) - begun) / 1000)) ]
}
