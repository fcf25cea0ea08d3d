#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# SIGHUP: what takes effect, what does not, and that nobody notices anything else.

# shellcheck disable=SC2030,SC2031,SC2154 # bats: tests are subshells; connect and run set variables
load operation

setup() {
	operation_setup
}

teardown() {
	operation_teardown
}

# What can be reloaded.

@test "reload: max_clients" {
	start_with_config <<<$'[server]\nmax_clients = 1'
	connect a
	is "$(talk "$a" noop)" 'OK '
	is "$(ask noop)" 'ERR too_many_clients '
	reload_with_config 'info: \[server\] max_clients: now 2, was 1$' <<<$'[server]\nmax_clients = 2'
	connect b
	is "$(talk "$b" noop)" 'OK '
	is "$(talk "$a" noop)" 'OK '
	is "$(ask noop)" 'ERR too_many_clients '
	# Fewer than there are: they stay.
	reload_with_config 'max_clients: now 1, was 2$' <<<$'[server]\nmax_clients = 1'
	is "$(talk "$a" noop)" 'OK '
	is "$(talk "$b" noop)" 'OK '
	is "$(ask noop)" 'ERR too_many_clients '
}

@test "reload: max_clients_per_ip" {
	start_with_config <<<''
	connect a
	is "$(talk "$a" noop)" 'OK '
	reload_with_config 'max_clients_per_ip: now 1, was 0$' <<<$'[server]\nmax_clients_per_ip = 1'
	is "$(ask noop)" 'ERR too_many_clients_per_ip '
	is "$(talk "$a" noop)" 'OK '
	reload_with_config 'max_clients_per_ip: now 0, was 1$' <<<''
	is "$(ask noop)" 'OK '
}

@test "reload: max_line" {
	start_with_config <<<''
	line=$(seq -s . -f noop%g 60)
	[ ${#line} -gt 256 ]
	connect a
	is "$(talk "$a" "$line")" 'ERR unknown_command Unknown+server+command'
	reload_with_config 'max_line: now 256, was 4 KiB$' <<<$'[server]\nmax_line = 256'
	is "$(talk "$a" "$line")" 'ERR line_too_long '
	is_cut "$a"
}

@test "reload: max_output" {
	needs_strace
	write_config <<<''
	: >log
	strace -D -f -o trace -e trace=sendto,sendmsg "$LATCHD" -c latchd.ini 2>>log 3>&- &
	launched $!
	wait_for_log listening
	connect a
	for size in 256 4; do
		: >trace
		kill -STOP "$pid"
		yes noop | head -n 2000 >&"$a"
		eventually has_received 10000
		kill -CONT "$pid"
		is "$(timeout "$PATIENCE" head -n 2000 <&"$a" | grep -c OK)" 2000
		largest=$(sed -n 's/^.*send.* = \([0-9]*\)$/\1/p' trace | sort -n | tail -n 1)
		case $size in
		256) is "$largest" 10000 ;; # all replies to one read
		*) [ "$largest" -lt 5000 ] ;;
		esac
		reload_with_config 'max_output: now 4 KiB, was 256 KiB$' <<<$'[server]\nmax_output = 4K'
	done
}

@test "reload: line_timeout, also for a line that has begun" {
	start_with_config <<<$'[server]\nline_timeout = 1h'
	connect a
	is "$(talk "$a" noop)" 'OK '
	printf tryl >&"$a"
	reload_with_config 'line_timeout: now 1s, was 1h$' <<<$'[server]\nline_timeout = 1s'
	is "$(hear "$a")" 'ERR line_timeout '
	is_cut "$a"
}

@test "reload: idle_timeout, also for a client that is idle; who holds a lock stays" {
	start_with_config <<<''
	connect idle
	connect holder
	is "$(talk "$holder" 'trylock lock=a')" 'OK '
	reload_with_config 'idle_timeout: now 1s, was 0$' <<<$'[server]\nidle_timeout = 1s'
	is_cut "$idle"
	is "$(talk "$holder" 'releaselock lock=a')" 'OK '
	is_cut "$holder"
}

@test "reload: keepalive, for the connections to come" {
	command -v ss >/dev/null || skip 'there is no ss(8)'
	start_with_config <<<''
	connect a
	is "$(talk "$a" noop)" 'OK '
	eventually probes_in '[0-9.]+m?s(ec)?' 1 # ss(8) writes 9.5 s as 9.500ms
	reload_with_config 'keepalive: now 1h, was 10s$' <<<$'[server]\nkeepalive = 1h'
	connect b
	is "$(talk "$b" noop)" 'OK '
	eventually probes_in '[56][0-9]min' 1
	reload_with_config 'keepalive: now 0, was 1h$' <<<$'[server]\nkeepalive = 0'
	connect c
	is "$(talk "$c" noop)" 'OK '
	eventually probes_in '.*' 2
}
# probes_in TIME N: as many connections will be probed then.
probes_in() {
	[ "$(ss -Htno state established src "$HOST:$PORT" | grep -E -c "timer:\(keepalive,$1,0\)")" = "$2" ]
}

@test "reload: limits of locks; below what is held they take nothing away" {
	start_with_config <<<''
	connect a
	is "$(talk "$a" 'trylock lock=one')" 'OK '
	is "$(talk "$a" 'trylock lock=two')" 'OK '
	reload_with_config '\[locks\] max_locks_per_client: now 1, was 10000$' <<<$'[locks]\nmax_locks_per_client = 1'
	is "$(talk "$a" 'trylock lock=three')" 'ERR too_many_locks_per_client '
	is "$(ask 'trylock lock=two')" 'ERR taken '
	is "$(ask 'trylock lock=three')" 'OK '
	reload_with_config '\[locks\] max_locks: now 2, was 1000000$' <<<$'[locks]\nmax_locks = 2'
	is "$(talk "$a" 'trylock lock=three')" 'ERR too_many_locks '
	is "$(talk "$a" 'releaselock lock=one')" 'OK '
	is "$(talk "$a" 'trylock lock=three')" 'OK '
	reload_with_config 'max_name: now 3, was 1 KiB$' <<<$'[locks]\nmax_name = 3'
	is "$(talk "$a" 'trylock lock=four')" 'ERR name_too_long '
	is "$(talk "$a" 'trylock lock=six')" 'OK '
}

@test "reload: the level of the log" {
	start_with_config <<<''
	is "$(ask noop)" 'OK '
	is "$(count_log ' debug: ')" 0
	reload_with_config 'level: now debug, was info$' <<<$'[log]\nlevel = debug'
	is "$(ask noop)" 'OK '
	wait_for_log ' debug: client .* connected to '
	reload_with_config 'level: now error, was debug$' <<<$'[log]\nlevel = error'
	# Only errors from here on.
	before=$(wc -l <log)
	is "$(ask noop)" 'OK '
	reload_with_config ' error: .*was refused' <<<'nonsense'
	is "$(tail -n +$((before + 1)) log | grep -c -v ' error: ')" 0
}

@test "reload: the prefix and the limits of a listener" {
	start_with_config <<<''
	connect a
	is "$(talk "$a" 'trylock lock=one')" 'OK '
	reload_with_config '\[listen main\] prefix: now team\., was nothing$' <<<'prefix = team.'
	# Another realm: what was taken before is there under its old name.
	is "$(ask 'trylock lock=one')" 'OK '
	is "$(talk "$a" 'trylock lock=two')" 'OK '
	reload_with_config '\[listen main\] prefix: now nothing, was team\.$' <<<''
	is "$(ask 'trylock lock=one')" 'ERR taken '
	is "$(ask 'trylock lock=team.two')" 'ERR taken '
	reload_with_config '\[listen main\] max_locks: now 2, was 0$' <<<'max_locks = 2'
	is "$(ask 'trylock lock=three')" 'ERR too_many_locks_per_listener '
	reload_with_config '\[listen main\] max_clients: now 1, was 0$' <<<'max_clients = 1'
	is "$(ask noop)" 'ERR too_many_clients_per_listener '
	is "$(talk "$a" noop)" 'OK '
}

@test "reload: the mode of a unix socket, to 0 and back" {
	sockets() {
		printf '[listen %s]\naddress = unix:%s\n%s\n' a "$PWD/a" "$1" b "$PWD/b" "$2" >latchd.ini
	}
	sockets 'mode = 0606' $'admin = yes\nmode = 0660'
	: >log
	launch -c latchd.ini
	wait_for_log '/b (b)'
	modes_are 606 660
	sockets '' 'admin = yes'
	reload '\[listen b\] mode: now 0, was 0660$'
	grep -q 'info: \[listen a\] mode: now 0, was 0606$' log
	eventually modes_are 660 600
	# By what is in effect, not by what the file says of administrators.
	sockets 'admin = yes' ''
	: >log
	reload '\[listen b\] admin: no in the file, but yes is in effect until a restart$'
	grep -q 'warning: \[listen a\] admin: yes in the file, but no is in effect until a restart$' log
	sockets $'admin = yes\nmode = 0622' ''
	reload '\[listen a\] mode: now 0622, was 0$'
	eventually modes_are 622 600
}
modes_are() { # of the files a and b
	[ "$(stat -c %a a b)" = "$1"$'\n'"$2" ]
}

# What cannot.

@test "reload: what needs a restart is named and does not change" {
	cat >latchd.ini <<-INI
		[listen main]
		address = $HOST:$PORT
		[listen local]
		address = unix:$PWD/socket
		[listen gone]
		address = unix:$PWD/gone
	INI
	: >log
	launch -c latchd.ini
	wait_for_log '/gone (gone)'
	cat >latchd.ini <<-INI
		[server]
		backlog = 9
		max_line = 1K
		[listen main]
		address = $HOST:7003
		[listen local]
		address = unix:$PWD/socket
		mode = 0600
		[listen new]
		address = unix:$PWD/new
	INI
	reload '\[listen new\]'
	w=' warning: '
	grep -q "$w\[server\] backlog: 9 in the file, but 4096 is in effect until a restart$" log
	grep -q "$w\[listen main\] address: $HOST:7003 in the file, but $HOST:$PORT is in effect until a restart$" log
	grep -q 'info: \[listen local\] mode: now 0600, was 0$' log
	grep -q "$w\[listen gone\]: nothing in the file, but unix:$PWD/gone is in effect until a restart$" log
	grep -q "$w\[listen new\]: unix:$PWD/new in the file, but nothing is in effect until a restart$" log
	grep -q 'info: \[server\] max_line: now 1 KiB, was 4 KiB$' log
	is "$(ask noop)" 'OK '
	is "$(printf 'noop\r\n' | nc -N -U gone)" $'OK \r'
	is "$(stat -c %a socket)" 600
	[ ! -e new ]
	# Said again, as long as it is so; what has changed is not.
	: >log
	reload '\[listen new\]'
	is "$(count_log 'in effect until a restart$')" 4
	is "$(count_log max_line)" 0
}

@test "reload: a bad file changes nothing, and every error is told" {
	start_with_config <<<$'[locks]\nmax_locks_per_client = 1'
	connect a
	is "$(talk "$a" 'trylock lock=one')" 'OK '
	reload_with_config 'error: latchd.ini was refused; the old configuration stays$' \
		<<<$'[locks]\nmax_locks_per_client = 5\nmax_locks = many\n[nonsense]'
	grep -q 'error: latchd.ini:5: max_locks must be' log
	grep -q 'error: latchd.ini:6: there is no section \[nonsense\]' log
	is "$(talk "$a" 'trylock lock=two')" 'ERR too_many_locks_per_client '
	is "$(ask noop)" 'OK '
	reload_with_config 'max_locks_per_client: now 5, was 1$' <<<$'[locks]\nmax_locks_per_client = 5'
	is "$(talk "$a" 'trylock lock=two')" 'OK '
}

@test "reload: a file that is gone, or is no file, changes nothing" {
	start_with_config <<<$'[locks]\nmax_locks_per_client = 1'
	rm latchd.ini
	reload 'error: latchd.ini: cannot open: No such file'
	mkfifo latchd.ini
	reload 'error: latchd.ini: is a pipe'
	connect a
	is "$(talk "$a" 'trylock lock=one')" 'OK '
	is "$(talk "$a" 'trylock lock=two')" 'ERR too_many_locks_per_client '
}

@test "reload: nothing new, and nothing to read" {
	start_with_config <<<''
	reload 'info: reloaded latchd.ini: nothing has changed$'
	stop_latchd
	start_latchd
	reload 'warning: nothing to reload: started without a configuration file$'
	is "$(ask noop)" 'OK '
}

@test "reload: the command line stays above the file" {
	printf '[listen file]\naddress = unix:%s/file\n' "$PWD" >latchd.ini
	start_latchd -v -c latchd.ini
	printf '[listen other]\naddress = unix:%s/other\n[log]\nlevel = error\n' "$PWD" >latchd.ini
	reload 'info: reloaded latchd.ini: nothing has changed$'
	is "$(ask noop)" 'OK '
	wait_for_log 'debug: client 1 .* closed: '
	[ ! -e file ] && [ ! -e other ]
}

# Under load.

# load_clients N: N connections that take and release locks without a pause, each holding one all the while, until the
# file "enough" is there. Their end is a failure when any reply was not the expected one.
load_clients() {
	rm -f enough loaded
	perl -MIO::Socket::INET -MSocket=TCP_NODELAY,IPPROTO_TCP -e '
		my ($host, $port, $n) = @ARGV;
		my ($rounds, @socks) = 0;
		sub ask {
			my ($i, $request, $wanted) = @_;
			syswrite($socks[$i], "$request\r\n") or die "client $i: write: $!\n";
			my $got = readline($socks[$i]) // die "client $i: cut off\n";
			$got eq "$wanted\r\n" or die "client $i: $request: $got";
		}
		for my $i (0 .. $n - 1) {
			$socks[$i] = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port) or die "connect: $!\n";
			setsockopt($socks[$i], IPPROTO_TCP, TCP_NODELAY, 1);
			ask($i, "trylock lock=held-$i", "OK ");
		}
		open(my $loaded, ">", "loaded");
		while (!-e "enough") {
			for my $i (0 .. $n - 1) {
				ask($i, "trylock lock=passing-$i", "OK ");
				ask($i, "trylock lock=held-" . ($i + 1) % $n, "ERR taken ");
				ask($i, "releaselock lock=passing-$i", "OK ");
				$rounds++;
			}
		}
		ask($_, "releaselock lock=held-$_", "OK ") for 0 .. $n - 1;
		print "$rounds\n";
	' "$HOST" "$PORT" "$1" >rounds 3>&- &
	load=$!
	pids+=("$load")
	eventually test -e loaded
}
load_is_well() {
	touch enough
	wait "$load"
	[ "$(cat rounds)" -gt 0 ]
}

# True after N of the reloads above: each has one line that tells it from the others.
reloads_are() {
	[ "$(grep -c -E 'max_line: now|idle_timeout: now 1h|was refused' log)" -ge "$1" ]
}

@test "200 reloads under load lose no connection and no lock" {
	start_with_config <<<''
	load_clients 20
	for i in {1..200}; do
		case $((i % 4)) in
		0) write_config <<<'' ;;
		1) write_config <<<$'max_locks = 1000\n[server]\nmax_line = 1K\nmax_output = 4K\nkeepalive = 5s' ;;
		2) write_config <<<$'[locks]\nmax_locks = 5000\nmax_name = 64K\n[server]\nidle_timeout = 1h' ;;
		3) write_config <<<$'[server]\nmax_line = nonsense' ;;
		esac
		kill -HUP "$pid"
		until reloads_are "$i"; do
			kill -0 "$load"
			sleep 0.005
		done
	done
	reloads_are 200
	load_is_well
	stop_latchd
}
@test "a storm of signals is coalesced, and SIGTERM is not lost in it" {
	start_with_config <<<''
	load_clients 4
	perl -e 'my $pid = shift; for (1 .. 5000) { kill "HUP", $pid or die; kill "WINCH", $pid; kill "URG", $pid }' "$pid"
	wait_for_log 'nothing has changed'
	load_is_well
	# It takes its time to free these, and no signal that comes meanwhile may end it otherwise.
	for client in b c d; do
		connect $client
		take_locks "${!client}" 10000 "$client-"
	done
	perl -MTime::HiRes=time -e '
		my $pid = shift;
		kill "HUP", $pid for 1 .. 500;
		kill "TERM", $pid;
		my $end = time + 0.2;
		kill "HUP", $pid while time < $end;
	' "$pid"
	wait_for_end
	is "$exit_status" 0
	grep -q 'info: stopped$' log
	[ "$(count_log 'nothing has changed')" -le 6000 ]
}
