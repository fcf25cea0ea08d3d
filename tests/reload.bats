#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# SIGHUP: what takes effect, what does not, and that nobody notices anything else.

# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # perl; bats: tests are subshells; helpers set variables
load process

# What can be reloaded.

@test "reload: max_clients" {
	start_with_config <<<$'[server]\nmax_clients = 1'
	connect a
	ask a 'noop\r\n' 'OK \r\n'
	transcript 'noop\r\n' 'ERR too_many_clients \r\n'
	reload_with_config 'info: \[server\] max_clients: now 2, was 1$' <<<$'[server]\nmax_clients = 2'
	connect b
	ask b 'noop\r\n' 'OK \r\n'
	ask a 'noop\r\n' 'OK \r\n'
	transcript 'noop\r\n' 'ERR too_many_clients \r\n'
	# Fewer than there are: they stay.
	reload_with_config 'max_clients: now 1, was 2$' <<<$'[server]\nmax_clients = 1'
	ask a 'noop\r\n' 'OK \r\n'
	ask b 'noop\r\n' 'OK \r\n'
	transcript 'noop\r\n' 'ERR too_many_clients \r\n'
}

@test "reload: max_clients_per_ip" {
	start_with_config <<<''
	connect a
	ask a 'noop\r\n' 'OK \r\n'
	reload_with_config 'max_clients_per_ip: now 1, was 0$' <<<$'[server]\nmax_clients_per_ip = 1'
	transcript 'noop\r\n' 'ERR too_many_clients_per_ip \r\n'
	ask a 'noop\r\n' 'OK \r\n'
	reload_with_config 'max_clients_per_ip: now 0, was 1$' <<<''
	transcript 'noop\r\n' 'OK \r\n'
}

@test "reload: max_line" {
	start_with_config <<<''
	line=$(seq -s . -f noop%g 60)
	[ ${#line} -gt 256 ]
	connect a
	ask a "$line\r\n" 'ERR unknown_command Unknown+server+command\r\n'
	reload_with_config 'max_line: now 256, was 4 KiB$' <<<$'[server]\nmax_line = 256'
	ask a "$line\r\n" 'ERR line_too_long \r\n'
	expect_eof a
}

# Of the replies to 2000 requests of connection a, which the daemon reads at once.
largest_write() {
	local before

	before=$(wc -l <trace)
	kill -s STOP "$LATCHD_PID"
	yes noop | head -n 2000 >&"${FDS[a]}"
	eventually has_received 10000
	kill -s CONT "$LATCHD_PID"
	assert_eq 2000 "$(timeout "$LIMIT" head -n 2000 <&"${FDS[a]}" | grep -c OK)" || return
	expect_nothing a || return # so the trace has all of it
	tail -n +$((before + 1)) trace | sed -n 's/^.*send.* = \([0-9]*\)$/\1/p' | sort -n | tail -n 1
}

@test "reload: max_output" {
	trace_latchd sendto,sendmsg
	start_with_config <<<''
	connect a
	assert_eq 10000 "$(largest_write)" # all replies to one read
	reload_with_config 'max_output: now 4 KiB, was 256 KiB$' <<<$'[server]\nmax_output = 4K'
	[ "$(largest_write)" -lt 5000 ]
}

@test "reload: line_timeout, also for a line that has begun" {
	start_with_config <<<$'[server]\nline_timeout = 1h'
	connect a
	ask a 'noop\r\n' 'OK \r\n'
	send a tryl
	reload_with_config 'line_timeout: now 1s, was 1h$' <<<$'[server]\nline_timeout = 1s'
	expect a 'ERR line_timeout \r\n'
	expect_eof a
}

@test "reload: idle_timeout, also for a client that is idle; who holds a lock stays" {
	start_with_config <<<''
	connect idle
	connect holder
	ask holder 'trylock lock=a\r\n' 'OK \r\n'
	reload_with_config 'idle_timeout: now 1s, was 0$' <<<$'[server]\nidle_timeout = 1s'
	expect_eof idle
	ask holder 'releaselock lock=a\r\n' 'OK \r\n'
	expect_eof holder
}

@test "reload: keepalive, for the connections to come" {
	command -v ss >/dev/null || skip 'there is no ss(8)'
	start_with_config <<<''
	connect a
	ask a 'noop\r\n' 'OK \r\n'
	eventually probes_in '[0-9.]+m?s(ec)?' 1 # ss(8) writes 9.5 s as 9.500ms
	reload_with_config 'keepalive: now 1h, was 10s$' <<<$'[server]\nkeepalive = 1h'
	connect b
	ask b 'noop\r\n' 'OK \r\n'
	eventually probes_in '[56][0-9]min' 1
	reload_with_config 'keepalive: now 0, was 1h$' <<<$'[server]\nkeepalive = 0'
	connect c
	ask c 'noop\r\n' 'OK \r\n'
	eventually probes_in '.*' 2
}

# As many connections will be probed then.
probes_in() { # TIME N
	[ "$(ss -Htno state established src "127.0.0.1:$PORT" | grep -E -c "timer:\(keepalive,$1,0\)")" = "$2" ]
}

@test "reload: limits of locks; below what is held they take nothing away" {
	start_with_config <<<''
	connect a
	ask a 'trylock lock=one\r\n' 'OK \r\n'
	ask a 'trylock lock=two\r\n' 'OK \r\n'
	reload_with_config '\[locks\] max_locks_per_client: now 1, was 10000$' <<<$'[locks]\nmax_locks_per_client = 1'
	ask a 'trylock lock=three\r\n' 'ERR too_many_locks_per_client \r\n'
	transcript 'trylock lock=two\r\n' 'ERR taken \r\n'
	transcript 'trylock lock=three\r\n' 'OK \r\n'
	reload_with_config '\[locks\] max_locks: now 2, was 1000000$' <<<$'[locks]\nmax_locks = 2'
	ask a 'trylock lock=three\r\n' 'ERR too_many_locks \r\n'
	ask a 'releaselock lock=one\r\n' 'OK \r\n'
	ask a 'trylock lock=three\r\n' 'OK \r\n'
	reload_with_config 'max_name: now 3, was 1 KiB$' <<<$'[locks]\nmax_name = 3'
	ask a 'trylock lock=four\r\n' 'ERR name_too_long \r\n'
	ask a 'trylock lock=six\r\n' 'OK \r\n'
}

@test "reload: the level of the log" {
	start_with_config <<<''
	transcript 'noop\r\n' 'OK \r\n'
	assert_eq 0 "$(count_log ' debug: ')"
	reload_with_config 'level: now debug, was info$' <<<$'[log]\nlevel = debug'
	transcript 'noop\r\n' 'OK \r\n'
	assert_log ' debug: client .* connected to '
	reload_with_config 'level: now error, was debug$' <<<$'[log]\nlevel = error'
	# Only errors from here on.
	before=$(wc -l <"$LOG")
	transcript 'noop\r\n' 'OK \r\n'
	reload_with_config ' error: .*was refused' <<<'nonsense'
	assert_eq 0 "$(tail -n +$((before + 1)) "$LOG" | grep -c -v ' error: ')"
}

@test "reload: the prefix and the limits of a listener" {
	start_with_config <<<''
	connect a
	ask a 'trylock lock=one\r\n' 'OK \r\n'
	reload_with_config '\[listen main\] prefix: now team\., was nothing$' <<<'prefix = team.'
	# Another realm: what was taken before is there under its old name.
	transcript 'trylock lock=one\r\n' 'OK \r\n'
	ask a 'trylock lock=two\r\n' 'OK \r\n'
	reload_with_config '\[listen main\] prefix: now nothing, was team\.$' <<<''
	transcript 'trylock lock=one\r\n' 'ERR taken \r\n'
	transcript 'trylock lock=team.two\r\n' 'ERR taken \r\n'
	reload_with_config '\[listen main\] max_locks: now 2, was 0$' <<<'max_locks = 2'
	transcript 'trylock lock=three\r\n' 'ERR too_many_locks_per_listener \r\n'
	reload_with_config '\[listen main\] max_clients: now 1, was 0$' <<<'max_clients = 1'
	transcript 'noop\r\n' 'ERR too_many_clients_per_listener \r\n'
	ask a 'noop\r\n' 'OK \r\n'
}

have_modes() { # OF-A OF-B
	[ "$(stat -c %a a b | tr '\n' ' ')" = "$1 $2 " ]
}

@test "reload: the mode of a unix socket, to 0 and back" {
	sockets() {
		printf '[listen %s]\naddress = unix:%s\n%s\n' a "$DIR/a" "$1" b "$DIR/b" "$2"
	}
	start_with_ini < <(sockets 'mode = 0606' $'admin = yes\nmode = 0660')
	have_modes 606 660
	sockets '' 'admin = yes' >latchd.ini
	reload '\[listen b\] mode: now 0, was 0660$'
	assert_log 'info: \[listen a\] mode: now 0, was 0606$'
	eventually have_modes 660 600
	# By what is in effect, not by what the file says of administrators.
	sockets 'admin = yes' '' >latchd.ini
	reload '\[listen b\] admin: no in the file, but yes is in effect until a restart$'
	assert_log 'warning: \[listen a\] admin: yes in the file, but no is in effect until a restart$'
	sockets $'admin = yes\nmode = 0622' '' >latchd.ini
	reload '\[listen a\] mode: now 0622, was 0$'
	eventually have_modes 622 600
}

# What cannot.

@test "reload: what needs a restart is named and does not change" {
	start_with_ini <<-INI
		[listen main]
		address = 127.0.0.1:@PORT@
		[listen local]
		address = unix:@DIR@/socket
		[listen gone]
		address = unix:@DIR@/gone
	INI
	cat >latchd.ini <<-INI
		[server]
		backlog = 9
		max_line = 1K
		[listen main]
		address = 127.0.0.1:7003
		[listen local]
		address = unix:$DIR/socket
		mode = 0600
		[listen new]
		address = unix:$DIR/new
	INI
	reload '\[listen new\]'
	w=' warning: '
	assert_log "$w\[server\] backlog: 9 in the file, but 4096 is in effect until a restart$"
	assert_log "$w\[listen main\] address: 127.0.0.1:7003 in the file, but 127.0.0.1:$PORT is in effect until a restart$"
	assert_log 'info: \[listen local\] mode: now 0600, was 0$'
	assert_log "$w\[listen gone\]: nothing in the file, but unix:$DIR/gone is in effect until a restart$"
	assert_log "$w\[listen new\]: unix:$DIR/new in the file, but nothing is in effect until a restart$"
	assert_log 'info: \[server\] max_line: now 1 KiB, was 4 KiB$'
	transcript 'noop\r\n' 'OK \r\n'
	transcript 'noop\r\n' 'OK \r\n' --to "unix:$DIR/gone"
	assert_eq 600 "$(stat -c %a socket)"
	[ ! -e new ]
	# Said again, as long as it is so; what has changed is not.
	reload '\[listen new\]'
	assert_eq 8 "$(count_log 'in effect until a restart$')"
	assert_eq 1 "$(count_log max_line)"
}

@test "reload: a bad file changes nothing, and every error is told" {
	start_with_config <<<$'[locks]\nmax_locks_per_client = 1'
	connect a
	ask a 'trylock lock=one\r\n' 'OK \r\n'
	reload_with_config 'error: .*/latchd.ini was refused; the old configuration stays$' \
		<<<$'[locks]\nmax_locks_per_client = 5\nmax_locks = many\n[nonsense]'
	assert_log 'error: .*/latchd.ini:5: max_locks must be'
	assert_log 'error: .*/latchd.ini:6: there is no section \[nonsense\]'
	ask a 'trylock lock=two\r\n' 'ERR too_many_locks_per_client \r\n'
	transcript 'noop\r\n' 'OK \r\n'
	reload_with_config 'max_locks_per_client: now 5, was 1$' <<<$'[locks]\nmax_locks_per_client = 5'
	ask a 'trylock lock=two\r\n' 'OK \r\n'
}

@test "reload: a file that is gone, or is no file, changes nothing" {
	start_with_config <<<$'[locks]\nmax_locks_per_client = 1'
	rm latchd.ini
	reload 'error: .*/latchd.ini: cannot open: No such file'
	mkfifo latchd.ini
	reload 'error: .*/latchd.ini: is a pipe'
	connect a
	ask a 'trylock lock=one\r\n' 'OK \r\n'
	ask a 'trylock lock=two\r\n' 'ERR too_many_locks_per_client \r\n'
}

@test "reload: nothing new, and nothing to read" {
	start_with_config <<<''
	reload 'info: reloaded .*/latchd.ini: nothing has changed$'
	stop_latchd
	start_latchd
	reload 'warning: nothing to reload: started without a configuration file$'
	transcript 'noop\r\n' 'OK \r\n'
}

@test "reload: the command line stays above the file" {
	printf '[listen file]\naddress = unix:%s/file\n' "$DIR" >latchd.ini
	start_latchd -v -c "$DIR/latchd.ini"
	printf '[listen other]\naddress = unix:%s/other\n[log]\nlevel = error\n' "$DIR" >latchd.ini
	reload 'info: reloaded .*/latchd.ini: nothing has changed$'
	transcript 'noop\r\n' 'OK \r\n'
	assert_log 'debug: client 1 .* closed: '
	[ ! -e file ] && [ ! -e other ]
}

# Under load.

# N connections that take and release locks without a pause, each holding one all the while, until the
# file "enough" is there. Their end is a failure when any reply was not the expected one.
load_clients() { # N
	spawn_told perl -I"$CLIENTS" -MWire -e '
		my ($to, $n) = @ARGV;
		my @wires = map { Wire->dial($to) } 1 .. $n;
		my $rounds = 0;
		sub ask {
			my ($i, $request, $wanted) = @_;
			my $got = $wires[$i]->ask("$request\r\n") // "cut off\n";
			$got eq "$wanted\r\n" or die "client $i: $request: $got";
		}
		ask($_, "trylock lock=held-$_", "OK ") for 0 .. $n - 1;
		$| = 1;
		print "loaded\n";
		while (!-e "enough") {
			for my $i (0 .. $n - 1) {
				ask($i, "trylock lock=passing-$i", "OK ");
				ask($i, "trylock lock=held-" . ($i + 1) % $n, "ERR taken ");
				ask($i, "releaselock lock=passing-$i", "OK ");
				$rounds++;
			}
		}
		ask($_, "releaselock lock=held-$_", "OK ") for 0 .. $n - 1;
		print "rounds: $rounds\n"' "127.0.0.1:$PORT" "$1"
	eventually has_said loaded
}

load_is_well() {
	touch enough
	finish "$SPAWNED_PID" || fail "$(cat "$SAID")"
	has_said 'rounds: [1-9]'
}

# Each reload of the test below has a line that no other one has: a number, or a word that is none.
was_reloaded() { # I
	grep -Eq "max_locks: now $((20000 + $1)),|nonsense$1\b" "$LOG"
}

was_reloaded_or_cut() { # I
	was_reloaded "$1" || is_gone "$SPAWNED_PID"
}

@test "200 reloads under load lose no connection and no lock" {
	start_with_config <<<''
	load_clients 20
	for i in {1..200}; do
		n=$((20000 + i))
		case $((i % 4)) in
		0) write_config <<<$'[locks]\nmax_locks = '"$n" ;;
		1) write_config <<<$'max_locks = 1000\n[server]\nmax_line = 1K\nmax_output = 4K\nkeepalive = 5s\n[locks]\nmax_locks = '"$n" ;;
		2) write_config <<<$'[locks]\nmax_name = 64K\nmax_locks = '"$n"$'\n[server]\nidle_timeout = 1h' ;;
		3) write_config <<<$'[server]\nmax_line = nonsense'"$i" ;;
		esac
		kill -s HUP "$LATCHD_PID"
		eventually was_reloaded_or_cut "$i"
		is_running "$SPAWNED_PID"
	done
	load_is_well
	stop_latchd
}

@test "a storm of signals is coalesced, and SIGTERM is not lost in it" {
	start_with_config <<<''
	load_clients 4
	perl -e 'my $pid = shift; for (1 .. 5000) { kill "HUP", $pid or die; kill "WINCH", $pid; kill "URG", $pid }' "$LATCHD_PID"
	assert_log 'nothing has changed'
	load_is_well
	# It takes its time to free these, and no signal that comes meanwhile may end it otherwise.
	for client in b c d; do
		connect $client
		take_locks $client 10000 "$client-"
	done
	perl -MTime::HiRes=time -e '
		my $pid = shift;
		kill "HUP", $pid for 1 .. 500;
		kill "TERM", $pid;
		my $end = time + 0.2;
		kill "HUP", $pid while time < $end;
	' "$LATCHD_PID"
	wait_for_end
	assert_log 'info: stopped$'
	[ "$(count_log 'nothing has changed')" -le 6000 ]
}
