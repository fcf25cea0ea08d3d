#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# `latch run` on a real terminal, that of a tmux of the test's own: job control, its signals, its size.

# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # texts for other shells; bats: tests are subshells
load guards

setup() {
	command -v tmux >/dev/null || skip 'there is no tmux'
	begin_test
	cd "$DIR" || return
	declare -gA PIDS=()
	start_latchd
	cat >rc <<-RC
		PS1='ready> '
		export HOME_OF_TEST=$DIR LATCH_SERVER=127.0.0.1:$PORT
		alias latch='$LATCH'
		shopt -s expand_aliases
		bind 'set enable-bracketed-paste off' 2>/dev/null
	RC
	terminal new-session -d -x 90 -y 30 bash --noprofile --rcfile "$DIR/rc"
	eventually shows 'ready>'
}

teardown() {
	local failed=0

	[ -n "${DIR:-}" ] || return 0
	[ -n "${BATS_TEST_COMPLETED:-}" ] || screen
	terminal kill-server 2>/dev/null || true
	for pid in $(left_processes); do
		kill -s CONT "$pid" 2>/dev/null || true
	done
	eventually none_is_left || failed=1
	end_test || failed=1
	return "$failed"
}

terminal() {
	env -u TMUX TERM=xterm tmux -S "$DIR/tmux" -f /dev/null "$@" 3>&- 4>&-
}

screen() {
	terminal capture-pane -p -S -200
}

shows() { # REGEX
	screen | grep -Eq -- "$1"
}

# Typed, with the Enter key.
types() { # TEXT
	terminal send-keys -l -- "$1"
	terminal send-keys Enter
}

presses() { # KEY
	terminal send-keys "$1"
}

# `fg` has said so, and the command has the terminal.
goes_on() {
	shows '^latch run|^/.*latch run'
}

# What is typed now is read by the shell with this prompt.
is_prompted() { # PROMPT
	[ "$(screen | grep -v '^ *$' | tail -n 1)" = "$1" ]
}

# tmux, with all that it has on its terminals.
end_terminal() {
	local server shell

	server=$(terminal display-message -p '#{pid}')
	shell=$(terminal display-message -p '#{pane_pid}')
	terminal kill-server
	eventually is_gone "$shell"
	eventually is_gone "$server"
}

@test "the terminal is the command's: it has it, its size and its input" {
	types 'latch run a sh -c "tty; stty size; read line; echo got \$line"'
	eventually shows '^/dev/pts/'
	eventually shows '^30 90'
	types 'some words'
	eventually shows '^got some words'
	types 'echo status $?'
	eventually shows '^status 0'
}

@test "Ctrl-C while it runs: 130, once" {
	cat >counts.pl <<-'PERL'
		my $n = 0;
		$SIG{INT} = sub { $n++ };
		print "counting\n"; $| = 1;
		select undef, undef, undef, 0.1 until $n;
		for (1 .. 10) { select undef, undef, undef, 0.1 }
		print "$n interrupts\n";
	PERL
	types 'latch run a sleep 60'
	eventually is_held a
	presses C-c
	types 'echo status $?'
	eventually shows '^status 130'
	eventually is_free a
	types 'latch run a perl counts.pl'
	eventually shows '^counting'
	presses C-c
	eventually shows '(^|C)1 interrupts'
}

@test "Ctrl-C while it waits, of which it has said for whom: the wait is withdrawn" {
	behind holder run --as alice a sleep 60
	until_held a
	types 'latch run a true'
	eventually shows 'held .* by alice: sleep 60.*waiting'
	eventually waits a
	presses C-c
	types 'echo status $?'
	eventually shows '^status 130'
	run ! waits a
	kill "${PIDS[holder]}"
	ends_with holder 143
}

# SIGINT has come to PID, which has not taken it yet.
is_interrupted() { # PID
	[ $((0x$(sed -n 's/^ShdPnd:[[:space:]]*//p' "/proc/$1/status") & 2)) -ne 0 ]
}

@test "Ctrl-C just before the command is there: it is for the command, too" {
	local front

	behind holder run a sleep 60
	until_held a
	# Without a shell that would see to its jobs, and not below tmux itself, which lets go on what is stopped.
	terminal new-session -d -s bare "HOME_OF_TEST=$DIR LATCH_SERVER=127.0.0.1:$PORT '$LATCH' run a sleep 60; true"
	eventually waits a
	front=$(ps -o pid= --ppid "$(terminal display-message -p -t bare '#{pane_pid}')" | tr -d ' ')
	kill -s STOP "$front" # so slow is it to say so to its keeper
	terminal send-keys -t bare C-c
	eventually is_interrupted "$front"
	kill "${PIDS[holder]}"
	ends_with holder 143
	eventually is_free a
	kill -s CONT "$front"
	eventually is_gone "$front"
}

@test "Ctrl-Z, and fg after several renewals: the lock was kept" {
	types 'latch run --lease 3s a sh -c "echo begun; cat; echo over"'
	eventually shows '^begun'
	presses C-z
	eventually shows 'Stopped'
	sleep 5
	is_held a
	types fg
	eventually goes_on
	types hello
	presses C-d
	eventually shows '^over'
	eventually is_free a
}

@test "a command that stops itself: the shell has the terminal again" {
	types 'latch run a perl -e "print qq(begun\n); kill TSTP, \$\$; print qq(went on\n)"'
	eventually shows 'Stopped'
	is_held a
	types fg
	eventually shows '^went on'
	eventually is_free a
}

@test "in the background, and one that reads there" {
	types 'latch run a sleep 60 &'
	eventually is_held a
	types 'echo here $((40 + 2))'
	eventually shows '^here 42'
	types 'kill %1; wait %1; echo status $?'
	eventually shows '^status 143'
	types 'latch run b cat &'
	eventually is_held b
	types 'until [ -n "$(jobs -s)" ]; do sleep 0.1; done; jobs'
	eventually shows '^\[.* Stopped'
	types 'fg'
	eventually goes_on # before that the Enter key is none for the command
	types 'words'
	presses C-d
	eventually is_free b
}

@test "a shell as the command: its own job control works" {
	types 'latch run a bash --noprofile --rcfile rc'
	eventually is_held a
	types 'PS1="inner> "'
	eventually shows '^inner>'
	types 'sh -c "echo asleep; exec sleep 60"'
	eventually shows '^asleep'
	presses C-z
	eventually shows 'Stopped'
	# Until it is gone: a shell does not exit while a job of its is stopped.
	types 'kill %1; while jobs %1; do sleep 0.1; done &>gone; echo in $LATCH_NAME'
	eventually shows '^in a'
	eventually is_prompted 'inner>'
	presses C-c
	eventually shows '^inner> \^C'
	eventually is_prompted 'inner>'
	types 'exit 6'
	types 'echo status $?'
	eventually shows '^status 6'
	eventually is_free a
}

@test "the terminal goes away: so does the command; with nohup it stays" {
	types 'latch run a sleep 60'
	eventually is_held a
	end_terminal
	eventually is_free a
	terminal new-session -d -x 90 -y 30 bash --noprofile --rcfile "$DIR/rc"
	eventually shows 'ready>'
	types "nohup $LATCH run b sh -c 'touch begun; while [ -e begun ]; do sleep 0.1; done; touch through' >/dev/null 2>&1 &"
	eventually test -e begun
	end_terminal
	rm begun
	eventually test -e through
	eventually is_free b
}

@test "an interrupt that a process sends to latch is the command's, also in the foreground; a terminal's is not sent twice" {
	cat >counts.pl <<-'PERL'
		my $n = 0;
		$SIG{$_} = sub { $n++; print "$_[0] $n\n" } for 'INT', 'QUIT';
		print "counting\n"; $| = 1;
		$SIG{TERM} = sub { print "$n in all\n"; exit 0 };
		sleep 60 while 1;
	PERL
	local front shell

	types 'latch run a perl counts.pl'
	eventually shows '^counting'
	shell=$(terminal display-message -p '#{pane_pid}')
	front=$(tr -d ' ' <"/proc/$shell/task/$shell/children")
	kill -s INT "$front"
	eventually shows '^INT 1'
	kill -s QUIT "$front"
	eventually shows '^QUIT 2'
	presses C-c
	eventually shows 'INT 3'
	kill -s TERM "$front"
	eventually shows '^3 in all'
}
