#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Descriptors: standard ones that are closed, full or deaf; too few of them; failing accepts.

# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # perl; bats: tests are subshells; helpers set variables
load process

serves() {
	transcript 'noop\r\n' 'OK \r\n' >/dev/null 2>&1
}

# It serves, reloads and stops as ever.
lives() {
	eventually serves
	connect c
	ask c 'trylock lock=a\r\n' 'OK \r\n'
	kill -s HUP "$LATCHD_PID"
	transcript 'trylock lock=a\r\n' 'ERR taken \r\n'
	stop_latchd
	expect_eof c
}

# With redirections of its own, which come after the usual ones.
launch_with() { # REDIRECTIONS [ARG...]
	echo "exec \"\$@\" $1" >with
	free_port PORT
	LATCHD_WRAP='bash with' launch_latchd -l "127.0.0.1:$PORT" "${@:2}"
}

# These of its descriptors are /dev/null.
has_null() { # FD...
	local fd

	for fd; do
		assert_eq /dev/null "$(readlink "/proc/$LATCHD_PID/fd/$fd")"
	done
}

# Makes N connections one after the other, with a request each.
churn() { # N
	perl -I"$CLIENTS" -MWire -e '
		my ($to, $n) = @ARGV;
		(Wire->dial($to)->ask("noop\r\n") // "") eq "OK \r\n" or die "no answer\n" for 1 .. $n' "127.0.0.1:$PORT" "$1"
}

# The standard ones.

@test "standard input closed" {
	launch_with '<&-'
	eventually serves
	has_null 0
	lives
}

@test "standard output closed" {
	launch_with '>&-'
	eventually serves
	has_null 1
	lives
}

@test "standard error closed" {
	launch_with '2>&-' -v
	eventually serves
	has_null 2
	lives
}

@test "all three closed: no socket gets their numbers, and nothing is written to one" {
	launch_with '<&- >&- 2>&-' -v
	eventually serves
	has_null 0 1 2
	connect c
	ask c 'noop\r\n' 'OK \r\n'
	serves # which is logged
	ask c 'status\r\n' 'STATUS: OK\n'
	lives
}

@test "standard input is a socket that was left open" {
	start_latchd
	exec {left}<>"/dev/tcp/127.0.0.1/$PORT"
	launch_with "<&$left >&$left"
	lives
}

@test "the log's disk is full" {
	launch_with '2>/dev/full' -v
	lives
}

@test "the log's reader has gone" {
	mkfifo pipe
	launch_with '2>pipe' -v
	head -n 1 pipe >first
	[ -s first ]
	eventually serves
	lives
}

# What is in a pipe now.
drain() {
	perl -MFcntl -e 'fcntl(STDIN, F_SETFL, O_NONBLOCK); print $b while sysread(STDIN, $b, 65536)' <&"$1"
}

@test "the log's reader hangs: lines are lost, time is not" {
	mkfifo pipe
	exec {reader}<>pipe
	launch_with '2>pipe' -v
	eventually serves
	churn 1000
	eventually serves
	drain "$reader" >log
	assert_eq 1 "$(grep -c 'latchd .* starts$' log)"
	[ "$(grep -c connected log)" -lt 1000 ]
	# Every line is whole.
	assert_eq 0 "$(grep -c -v -E '^[0-9-]+T[0-9:.]+Z latchd\[[0-9]+\] (info|warning|debug): .*[a-z0-9)]$' log)"
	serves
	eventually tells_of_an_end
	lives
}

tells_of_an_end() {
	drain "$reader" >>log
	tail -n 1 log | grep -q closed
}

# As many as there may be.

@test "no descriptor is lost" {
	start_latchd
	stable=$(count_fds) # before any connection, whose end may be seen late
	churn 500
	connect c
	send c noop # and never more
	hang_up c
	eventually has_fds "$stable"
}

@test "the soft limit is raised to the hard one" {
	LATCHD_WRAP='prlimit --nofile=64:500' start_latchd
	grep -Eq '^Max open files +500 +500 ' "/proc/$LATCHD_PID/limits"
	assert_log 'warning: max_clients is 10000, but 500 descriptors allow 468 only \(LimitNOFILE=, ulimit -n\)$'
}

@test "there is no warning where there are enough" {
	LATCHD_WRAP='prlimit --nofile=500:500' start_with_config <<<$'[server]\nmax_clients = 450'
	assert_eq 0 "$(count_log max_clients)"
}

# Of so many connections at a time so many are served, and all get an answer.
serves_as_many() { # ALL SERVED
	perl -I"$CLIENTS" -MWire -e '
		my ($to, $n) = @ARGV;
		my @wires = map { Wire->dial($to) } 1 .. $n;
		$_->put("noop\r\n") for @wires;
		print $_->line // "cut\n" for @wires' "127.0.0.1:$PORT" "$1" >answers
	assert_eq "$2" "$(grep -c '^OK .$' answers)"
	assert_eq $(($1 - $2)) "$(grep -c '^ERR too_many_clients .$' answers)"
}

@test "as many clients are served as descriptors allow, and the others are told" {
	LATCHD_WRAP='prlimit --nofile=200:200' start_latchd
	assert_log 'allow 168 only'
	serves_as_many 180 168
	eventually serves
	assert_eq 0 "$(count_log 'cannot accept')"
}

@test "very few descriptors: everybody gets an answer all the same" {
	LATCHD_WRAP='prlimit --nofile=40:40' start_latchd
	assert_log 'but 40 descriptors allow 20 only'
	serves_as_many 50 20
	assert_log 'cannot accept'
	eventually serves
}

# No descriptor left.

# The daemon can open nothing that it has not open now.
no_more() {
	local fd=0

	while [ -h "/proc/$LATCHD_PID/fd/$fd" ]; do
		fd=$((fd + 1))
	done
	prlimit --pid "$LATCHD_PID" --nofile="$fd":
}

some_more() {
	prlimit --pid "$LATCHD_PID" --nofile=1000:
}

# How long the daemon has been running on a processor.
cpu_ns() {
	cut -d ' ' -f 1 "/proc/$LATCHD_PID/schedstat"
}

@test "EMFILE: who comes waits, who is there is served, and it sleeps meanwhile" {
	start_latchd
	connect a
	connect b
	ask a 'trylock lock=a\r\n' 'OK \r\n'
	ask b 'noop\r\n' 'OK \r\n'
	no_more
	connect c
	send c 'trylock lock=c\r\n'
	assert_log "warning: cannot accept on 127.0.0.1:$PORT: Too many open files; .* \(LimitNOFILE= or ulimit -n is the limit\)$"
	before=$(cpu_ns)
	sleep 1
	[ $(($(cpu_ns) - before)) -lt 200000000 ] # a fifth of that second
	assert_eq 1 "$(count_log 'cannot accept')"
	ask a 'releaselock lock=a\r\n' 'OK \r\n'
	assert_eq nothing "$(read -r -t 0 <&"${FDS[c]}" || echo nothing)"
	# A descriptor comes back.
	hang_up b
	expect c 'OK \r\n'
	assert_log "warning: accepting on 127.0.0.1:$PORT again$"
	connect d
	send d 'noop\r\n'
	some_more
	expect d 'OK \r\n'
}

@test "EMFILE: SIGTERM and SIGHUP as ever" {
	start_with_config <<<''
	connect a
	ask a 'noop\r\n' 'OK \r\n'
	no_more
	connect b
	assert_log 'cannot accept'
	# A file needs a descriptor as well.
	reload 'error: .*/latchd.ini: cannot open: Too many open files$'
	ask a 'noop\r\n' 'OK \r\n'
	hang_up a
	assert_log 'again$'
	some_more
	reload 'nothing has changed$'
	stop_latchd
}

@test "EMFILE: a log that says so again and again is kept short" {
	start_latchd
	connect 0
	ask 0 'noop\r\n' 'OK \r\n'
	no_more
	begun=$(now_ms)
	for n in {1..25}; do
		connect "$n"
		send "$n" 'noop\r\n'
		hang_up $((n - 1))
		expect "$n" 'OK \r\n'
	done
	# Ten in ten seconds.
	told=$(count_log 'accept')
	[ "$told" -ge 1 ]
	[ "$told" -le $((10 + ($(now_ms) - begun) / 1000)) ]
	some_more
}

# Its accept4(2) fails so.
start_with_faults() { # FAULT
	trace_latchd accept4
	LATCHD_WRAP+=" -e inject=accept4:$1" start_latchd
}

@test "ENFILE, ENOBUFS, ENOMEM: accepting pauses and goes on" {
	for error in ENFILE ENOBUFS ENOMEM; do
		start_with_faults error=$error:when=1..3
		serves
		assert_eq 3 "$(grep -c "= -1 $error .*(INJECTED)" trace)"
		assert_eq 1 "$(count_log 'warning: cannot accept')"
		assert_eq 1 "$(count_log 'accepting on .* again$')"
		serves
		stop_traced
	done
}

@test "ECONNABORTED, EPROTO, EPERM, EINTR: they concern nobody else, and it does not even pause" {
	for error in ECONNABORTED EPROTO EPERM EINTR; do
		start_with_faults error=$error:when=1..3
		serves
		assert_eq 3 "$(grep -c "= -1 $error .*(INJECTED)" trace)"
		assert_eq 0 "$(count_log accept)"
		serves
		stop_traced
	done
}
