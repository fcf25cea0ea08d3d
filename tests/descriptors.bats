#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Descriptors: standard ones that are closed, full or deaf; too few of them; failing accepts.

# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # perl; bats: tests are subshells; connect and run set variables
load operation

setup() {
	operation_setup
}

teardown() {
	operation_teardown
}

serves() {
	is "$(ask noop 2>/dev/null)" 'OK ' 2>/dev/null
}

# lives: it serves, reloads and stops as ever.
lives() {
	eventually serves
	connect c
	is "$(talk "$c" 'trylock lock=a')" 'OK '
	kill -HUP "$pid"
	is "$(ask 'trylock lock=a')" 'ERR taken '
	stop_latchd
	is_cut "$c"
}

# has_null FD...: those of the daemon are /dev/null.
has_null() {
	local fd

	for fd; do
		is "$(readlink "/proc/$pid/fd/$fd")" /dev/null
	done
}

# Makes N connections one after the other, with a request each.
churn() {
	timeout "$PATIENCE" perl -MIO::Socket::INET -e '
		my ($host, $port, $n) = @ARGV;
		for (1 .. $n) {
			my $s = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port) or die "$!\n";
			print $s "noop\r\n";
			readline($s) =~ /^OK/ or die;
		}
	' "$HOST" "$PORT" "$1"
}

# The standard ones.

@test "standard input closed" {
	"$LATCHD" -l "$HOST:$PORT" <&- >/dev/null 2>>log 3>&- &
	launched $!
	eventually serves
	has_null 0
	lives
}

@test "standard output closed" {
	"$LATCHD" -l "$HOST:$PORT" </dev/null >&- 2>>log 3>&- &
	launched $!
	eventually serves
	has_null 1
	lives
}

@test "standard error closed" {
	"$LATCHD" -v -l "$HOST:$PORT" </dev/null >/dev/null 2>&- 3>&- &
	launched $!
	eventually serves
	has_null 2
	lives
}

@test "all three closed: no socket gets their numbers, and nothing is written to one" {
	"$LATCHD" -v -l "$HOST:$PORT" <&- >&- 2>&- 3>&- &
	launched $!
	eventually serves
	has_null 0 1 2
	connect c
	is "$(talk "$c" noop)" 'OK '
	serves # which is logged
	is "$(talk "$c" status)" 'STATUS: OK'
	lives
}

@test "standard input is a socket that was left open" {
	start_latchd
	first=$pid
	connect c
	pick_address
	"$LATCHD" -l "$HOST:$PORT" <&"$c" >&"$c" 2>>log 3>&- &
	launched $!
	lives
	kill "$first"
}

@test "the log's disk is full" {
	"$LATCHD" -v -l "$HOST:$PORT" 2>/dev/full 3>&- &
	launched $!
	lives
}

@test "the log's reader has gone" {
	mkfifo pipe
	"$LATCHD" -v -l "$HOST:$PORT" 2>pipe 3>&- &
	launched $!
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
	"$LATCHD" -v -l "$HOST:$PORT" 2>pipe 3>&- &
	launched $!
	eventually serves
	churn 1000
	eventually serves
	drain "$reader" >log
	is "$(count_log 'latchd .* starts$')" 1
	[ "$(count_log connected)" -lt 1000 ]
	# Every line is whole.
	is "$(grep -c -v -E '^[0-9-]+T[0-9:.]+Z latchd\[[0-9]+\] (info|warning|debug): .*[a-z0-9)]$' log)" 0
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
	churn 10
	eventually has_descriptors_as_idle
	churn 500
	connect c
	printf 'noop' >&"$c" # and never more
	exec {c}>&-
	eventually has_descriptors_as_idle
}
has_descriptors_as_idle() {
	local n
	n=$(find "/proc/$pid/fd" -type l | wc -l)
	[ "${idle:=$n}" -eq "$n" ]
}

@test "the soft limit is raised to the hard one" {
	prlimit --nofile=64:500 "$LATCHD" -l "$HOST:$PORT" 2>>log 3>&- &
	launched $!
	wait_for_log listening
	grep -Eq '^Max open files +500 +500 ' "/proc/$pid/limits"
	grep -q 'warning: max_clients is 10000, but 500 descriptors allow 468 only (LimitNOFILE=, ulimit -n)$' log
}

@test "there is no warning where there are enough" {
	write_config <<<$'[server]\nmax_clients = 450'
	prlimit --nofile=500:500 "$LATCHD" -c latchd.ini 2>>log 3>&- &
	launched $!
	wait_for_log listening
	is "$(count_log max_clients)" 0
}

# serves_as_many ALL SERVED: of so many connections at a time so many are served, and all get an answer.
serves_as_many() {
	timeout "$PATIENCE" perl -MIO::Socket::INET -e '
		my ($host, $port, $n) = @ARGV;
		my @socks = map { IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port) or die "$!\n" } 1 .. $n;
		syswrite($_, "noop\r\n") for @socks;
		print readline($_) // "cut\n" for @socks;
	' "$HOST" "$PORT" "$1" >answers
	is "$(grep -c '^OK .$' answers)" "$2"
	is "$(grep -c '^ERR too_many_clients .$' answers)" $(($1 - $2))
}

@test "as many clients are served as descriptors allow, and the others are told" {
	prlimit --nofile=200:200 "$LATCHD" -l "$HOST:$PORT" 2>>log 3>&- &
	launched $!
	wait_for_log 'allow 168 only'
	wait_for_log listening
	serves_as_many 180 168
	eventually serves
	is "$(count_log 'cannot accept')" 0
}

@test "very few descriptors: everybody gets an answer all the same" {
	prlimit --nofile=40:40 "$LATCHD" -l "$HOST:$PORT" 2>>log 3>&- &
	launched $!
	wait_for_log 'but 40 descriptors allow 20 only'
	wait_for_log listening
	serves_as_many 50 20
	wait_for_log 'cannot accept'
	eventually serves
}

# No descriptor left.

# no_more: the daemon can open nothing that it has not open now; some_more: it can again.
no_more() {
	local fd=0

	while [ -h "/proc/$pid/fd/$fd" ]; do
		fd=$((fd + 1))
	done
	prlimit --pid "$pid" --nofile="$fd":
}
some_more() {
	prlimit --pid "$pid" --nofile=1000:
}

@test "EMFILE: who comes waits, who is there is served, and it sleeps meanwhile" {
	start_latchd
	connect a
	connect b
	is "$(talk "$a" 'trylock lock=a')" 'OK '
	is "$(talk "$b" noop)" 'OK '
	no_more
	connect c
	printf 'trylock lock=c\r\n' >&"$c"
	wait_for_log "warning: cannot accept on $HOST:$PORT: Too many open files; .* (LimitNOFILE= or ulimit -n is the limit)$"
	before=$(cpu_ns)
	sleep 1
	[ $(($(cpu_ns) - before)) -lt 200000000 ] # a fifth of that second
	is "$(count_log 'cannot accept')" 1
	is "$(talk "$a" 'releaselock lock=a')" 'OK '
	is "$(read -r -t 0 <&"$c" || echo nothing)" nothing
	# A descriptor comes back.
	exec {b}>&-
	is "$(hear "$c")" 'OK '
	wait_for_log "warning: accepting on $HOST:$PORT again$"
	connect d
	printf 'noop\r\n' >&"$d"
	some_more
	is "$(hear "$d")" 'OK '
}

@test "EMFILE: SIGTERM and SIGHUP as ever" {
	start_with_config <<<''
	connect a
	is "$(talk "$a" noop)" 'OK '
	no_more
	connect b
	wait_for_log 'cannot accept'
	# A file needs a descriptor as well.
	reload 'error: latchd.ini: cannot open: Too many open files$'
	is "$(talk "$a" noop)" 'OK '
	exec {a}>&-
	wait_for_log 'again$'
	some_more
	reload 'nothing has changed$'
	stop_latchd
}

@test "EMFILE: a log that says so again and again is kept short" {
	start_latchd
	connect a
	is "$(talk "$a" noop)" 'OK '
	no_more
	for _ in {1..25}; do
		connect b
		printf 'noop\r\n' >&"$b"
		exec {a}>&-
		is "$(hear "$b")" 'OK '
		a=$b
	done
	# Ten lines in ten seconds; as often as that on a slow machine.
	told=$(count_log 'accept')
	[ "$told" -ge 1 ]
	[ "$told" -le 30 ]
	some_more
}

# with_faults FAULT: a daemon whose accept4(2) fails so.
with_faults() {
	needs_strace
	: >log
	strace -D -f -o trace -e trace=accept4 -e "inject=accept4:$1" "$LATCHD" -l "$HOST:$PORT" 2>>log 3>&- &
	launched $!
	wait_for_log listening
}

@test "ENFILE, ENOBUFS, ENOMEM: accepting pauses and goes on" {
	for error in ENFILE ENOBUFS ENOMEM; do
		pick_address
		with_faults error=$error:when=1..3
		serves
		is "$(grep -c "= -1 $error .*(INJECTED)" trace)" 3
		is "$(count_log 'warning: cannot accept')" 1
		is "$(count_log 'accepting on .* again$')" 1
		serves
	done
}

@test "ECONNABORTED, EPROTO, EPERM, EINTR: they concern nobody else, and it does not even pause" {
	for error in ECONNABORTED EPROTO EPERM EINTR; do
		pick_address
		with_faults error=$error:when=1..3
		serves
		is "$(grep -c "= -1 $error .*(INJECTED)" trace)" 3
		is "$(count_log accept)" 0
		serves
	done
}
