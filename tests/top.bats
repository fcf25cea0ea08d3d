#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# `latch top` on a real terminal, which is tmux's: what is on the screen, what the keys do, a server
# that goes and comes back, very many locks, and that the terminal is given back however it ends.

load helpers

LATCH=${LATCH:-$BUILD/latch}

setup() {
	begin_test
	unset TMUX
	TERMINALS=0
	COLUMNS_OF_SCREEN=110 LINES_OF_SCREEN=24
}

teardown() {
	end_terminals
	end_test
}

# To the last one that was begun.
terminal() {
	(
		close_connections
		LC_ALL=C.UTF-8 exec tmux -u -f /dev/null -S "$DIR/tmux.$TERMINALS" "$@" 3>&-
	)
}

end_terminals() {
	for (( ; TERMINALS > 0; TERMINALS--)); do
		terminal kill-server 2>/dev/null || true
	done
}

# On a terminal of its own; what the terminal was like is in $DIR/before and $DIR/after, what top had
# to say in $DIR/said and its exit status in $DIR/status. TOP_ENV is set for it.
start_top() { # ARG...
	local said=$DIR/said

	: >"$said"
	LOGS+=("$said")
	cat >"$DIR/session" <<-END
		set -m
		trap : INT
		stty -g >"$DIR/before"
		env ${TOP_ENV:-} sh -c 'echo \$\$ >"$DIR/pid"; exec "\$@"' sh "$LATCH" top $* 2>"$said"
		status=\$?
		if [ \$status -eq 148 ]; then # stopped
			stty -g >"$DIR/stopped"
			until [ -e "$DIR/go" ]; do sleep 0.05; done
			fg
			status=\$?
		fi
		echo \$status >"$DIR/status.new"
		stty -g >"$DIR/after"
		mv "$DIR/status.new" "$DIR/status"
		exec sleep 1000
	END
	rm -f "$DIR/status"
	TERMINALS=$((TERMINALS + 1))
	terminal new-session -d -x "$COLUMNS_OF_SCREEN" -y "$LINES_OF_SCREEN" "exec bash '$DIR/session'"
}

on_screen() {
	terminal capture-pane -p "$@"
}

press() { # KEY...
	terminal send-keys "$@"
}

is_shown() { # REGEX
	on_screen | grep -Eq -- "$1"
}

is_not_shown() { # REGEX
	! is_shown "$1"
}

# Sooner or later.
shows() { # REGEX
	eventually is_shown "$1" || {
		echo "never shown: $1"
		on_screen
		cat "$DIR/said"
		return 1
	}
}

hides() { # REGEX
	eventually is_not_shown "$1" || {
		echo "still shown: $1"
		on_screen
		return 1
	}
}

# The first words of the rows, in their order.
has_rows() { # NAMES
	[ "$(on_screen | sed '1,4d;$d' | awk 'NF { printf "%s%s", n++ ? " " : "", $1 }')" = "$1" ]
}

rows() { # NAMES
	eventually has_rows "$1" || {
		echo "not these rows: $1"
		on_screen
		return 1
	}
}

has_ended() {
	[ -e "$DIR/status" ]
}

# It ends so, and the terminal is as it was.
ends() { # STATUS
	eventually has_ended || {
		on_screen
		return 1
	}
	assert_eq "$1" "$(cat "$DIR/status")" 'the exit status'
	assert_same_file "$DIR/before" "$DIR/after"
	# What was written to it may not have been read there yet.
	eventually is_left || fail "$(flags)"
}

flags() {
	terminal display-message -p '#{alternate_on} #{cursor_flag} #{keypad_flag}'
}

is_left() {
	[ "$(flags)" = '0 1 0' ]
}

# Three locks of three holders, and two who wait for the second one.
some_locks() {
	connect amy
	connect bob
	connect zoe
	connect wait1
	connect wait2
	ask amy 'iam name=amy\r\n' 'OK \r\n'
	ask bob 'iam name=bob\r\n' 'OK \r\n'
	ask zoe 'iam name=zoe\r\n' 'OK \r\n'
	granted zoe 'acquire middle note=nightly+run'
	granted amy 'acquire upper'
	granted bob 'acquire lower'
	send wait1 'iam name=carl\r\nacquire middle wait=forever note=after+you\r\n'
	send wait2 'iam name=dora\r\nacquire middle wait=forever\r\n'
}

granted() { # N REQUEST
	local reply

	send "$1" "$2\\r\\n"
	read_line "$1" reply
	assert_match '^OK ' "$reply"
}

@test "it shows the totals and the locks, and who has waited how long" {
	start_latchd
	some_locks
	start_top -S "127.0.0.1:$PORT" -d 0.3
	shows 'locks 3  waiters 2  clients 6'
	rows 'lower middle upper'
	shows '^lower +exclusive +bob +[0-9]+s +1 +0 +-$'
	shows '^middle +exclusive +zoe +[0-9]+s +1 +2 +[0-9]+s$'
	shows 'requests [0-9.]+/s \([0-9.]+ granted, [0-9.]+ refused\)'
	granted amy 'acquire another'
	rows 'another lower middle upper'
	send amy 'release another\r\n'
	rows 'lower middle upper'
	press q
	ends 0
	assert_eq '' "$(cat "$DIR/said")"
}

@test "it sorts by the keys" {
	start_latchd
	some_locks
	start_top -S "127.0.0.1:$PORT" -d 0.3
	rows 'lower middle upper'
	press r
	rows 'upper middle lower'
	press a
	rows 'middle upper lower'
	press w
	rows 'middle lower upper'
	press r
	rows 'upper lower middle'
	press h
	rows 'upper lower middle'
	shows 'by holder'
	press n
	rows 'lower middle upper'
	press q
	ends 0
}

@test "a filter is typed, kept, given up" {
	start_latchd
	some_locks
	start_top -S "127.0.0.1:$PORT" -d 0.3
	rows 'lower middle upper'
	press / P P
	shows 'filter: PP_'
	rows 'upper'
	press BSpace BSpace
	rows 'lower middle upper'
	press -l 'zoe'
	rows 'middle'
	press Enter
	shows '1 of them with "zoe"'
	press /
	press C-u q
	shows 'filter: q_'
	press Escape
	shows '1 of them with "zoe"'
	press Escape
	rows 'lower middle upper'
	press q
	ends 0
}

@test "a lock from near: its holders, its queue, their notes, and what becomes of them" {
	start_latchd
	some_locks
	start_top -S "127.0.0.1:$PORT" -d 0.3
	rows 'lower middle upper'
	press Down Enter
	shows '^middle: 1 holds it, 2 wait'
	shows '^held +exclusive +zoe '
	shows '^ +nightly run$'
	shows '^waits 1 +exclusive +carl '
	shows '^waits 2 +exclusive +dora '
	shows '^ +after you$'
	send zoe 'release middle\r\n'
	shows '^middle: 1 holds it, 1 waits'
	shows '^held +exclusive +carl '
	press '?'
	shows 'sort by name, age'
	press '?'
	shows '^middle: '
	press Escape
	rows 'lower middle upper'
	hang_up wait1
	hang_up wait2
	rows 'lower upper'
	press q
	ends 0
}

@test "names, holders and notes cannot write on the terminal; UTF-8 is as wide as it is" {
	start_latchd
	connect 1
	ask 1 'iam name=m%1b[31m%C3%BC%FF\r\n' 'OK \r\n'
	granted 1 'acquire a%0d%0ab note=%1b]0;title%07'
	granted 1 'acquire %E6%97%A5%E6%9C%AC'
	granted 1 'acquire %E2%80%AEright'
	TOP_ENV=LC_ALL=C.UTF-8 start_top -S "127.0.0.1:$PORT"
	shows '^a%0D%0Ab +exclusive +m%1B\[31mü%FF '
	shows '^日本 {20,}exclusive '
	shows '^%E2%80%AEright +exclusive'
	assert_eq 1 "$(on_screen | grep '^[a日]' | sed 's/exclusive.*//; s/日本/xxxx/' | awk '{ print length }' | sort -u | wc -l)"
	press Enter
	shows '^ +%1B\]0;title%07$'
	press q
	ends 0
}

@test "without UTF-8 bytes beyond ASCII are escaped" {
	start_latchd
	connect 1
	granted 1 'acquire gr%C3%BCn'
	TOP_ENV=LC_ALL=C start_top -S "127.0.0.1:$PORT"
	shows '^gr%C3%BCn +exclusive'
	press q
	ends 0
}

@test "the screen follows the terminal's size, however small it becomes" {
	local i size

	start_latchd
	connect 1
	for i in $(seq -w 60); do
		granted 1 "acquire lock$i"
	done
	start_top -S "127.0.0.1:$PORT" -d 0.3
	shows '^lock19 '
	press End
	shows '^lock60 '
	hides '^lock41 '
	terminal resize-window -x 60 -y 40
	shows '^lock26 '
	shows '^lock60 '
	hides 'exclusive'
	for size in '20 5' '1 1' '3 2' '200 60' '80 6'; do
		terminal resize-window -x "${size% *}" -y "${size#* }"
		press Up
		sleep 0.1
	done
	shows '^lock5[0-9] '
	terminal resize-window -x 80 -y 24
	press Home
	shows '^lock01 '
	press q
	ends 0
}

is_dim() { # REGEX
	[[ $(on_screen -e | grep "$1") =~ $'\e['[0-9\;]*2[\;m] ]]
}

@test "a server that is lost is said to be, what was known stays, and it is found again" {
	start_latchd
	some_locks
	start_top -S "127.0.0.1:$PORT" -d 0.3
	rows 'lower middle upper'
	kill -s KILL "$LATCHD_PID"
	forget_daemon "$LATCHD_PID"
	wait "$LATCHD_PID" || true
	shows 'server lost for [0-9]+s: .*next try in'
	rows 'lower middle upper'
	eventually is_dim lower
	shows 'ECONNREFUSED'
	close_connections
	launch_latchd -l "127.0.0.1:$PORT"
	shows 'the server is back after [0-9]+s'
	rows ''
	connect 1
	granted 1 'acquire after'
	rows 'after'
	hides 'is back'
	shows '1 names, by name'
	press q
	ends 0
}

@test "there may be no server at first, and one that is stopped is said not to answer" {
	free_port PORT
	start_top -S "127.0.0.1:$PORT" -d 0.3
	shows 'no server for [0-9]+s: ECONNREFUSED'
	launch_latchd -l "127.0.0.1:$PORT"
	shows '0 names, by name'
	kill -s STOP "$LATCHD_PID"
	shows 'no answer for [0-9]+s'
	press '?'
	shows 'sort by name, age'
	press '?'
	kill -s CONT "$LATCHD_PID"
	hides 'no answer'
	press q
	ends 0
}

@test "what answers there may be no lock server, or full" {
	start_latchd
	# shellcheck disable=SC2016
	spawn perl -MIO::Socket::INET -e '
		my $l = IO::Socket::INET->new(LocalAddr => "127.0.0.1:0", Listen => 5) or die;
		open my $f, ">", "$ARGV[0].new" or die; print $f $l->sockport; close $f;
		rename "$ARGV[0].new", $ARGV[0];
		while (my $c = $l->accept) { <$c>; print $c "HTTP/1.1 400 Bad Request\r\n\r\n"; close $c }' \
		"$DIR/port"
	eventually test -s "$DIR/port"
	start_top -S "127.0.0.1:$(cat "$DIR/port")"
	shows 'no lock server; (next try|trying)'
	press q
	ends 0
	stop_latchd
	start_latchd_full
	start_top -S "127.0.0.1:$PORT"
	shows 'the server says too_many_clients'
	press q
	ends 0
}

start_latchd_full() {
	start_with_ini <<-INI
		[server]
		max_clients = 1
		[listen a]
		address = 127.0.0.1:@PORT@
	INI
	connect full
	expect_nothing full
}

@test "the terminal is given back by signals, and a stopped one goes on" {
	local signal

	start_latchd
	some_locks
	for signal in 'TERM 143' 'INT 130' 'HUP 129'; do
		start_top -S "127.0.0.1:$PORT"
		rows 'lower middle upper'
		kill -s "${signal% *}" "$(cat "$DIR/pid")"
		ends "${signal#* }"
	done
	start_top -S "127.0.0.1:$PORT"
	rows 'lower middle upper'
	press C-c
	ends 130
	start_top -S "127.0.0.1:$PORT"
	rows 'lower middle upper'
	press C-z
	eventually test -s "$DIR/stopped"
	assert_same_file "$DIR/before" "$DIR/stopped"
	hides 'lower'
	touch "$DIR/go"
	rows 'lower middle upper'
	press r
	rows 'upper middle lower'
	press q
	ends 0
}

@test "without a terminal, or on one that is not known, it says so" {
	run "$LATCH" top -S 127.0.0.1:1 </dev/null
	assert_eq 64 "$status"
	assert_match 'needs a terminal' "$output"
	TOP_ENV=TERM=no-such-terminal start_top -S 127.0.0.1:1
	ends 64
	assert_match 'TERM=no-such-terminal is a terminal that nothing is known of' "$(cat "$DIR/said")"
	TOP_ENV=TERM=dumb start_top -S 127.0.0.1:1
	ends 64
	assert_match 'TERM=dumb is a terminal that cannot be drawn on' "$(cat "$DIR/said")"
	TOP_ENV='-u TERM' start_top -S 127.0.0.1:1
	ends 64
	assert_match 'TERM is not set' "$(cat "$DIR/said")"
}

@test "what makes no sense is refused" {
	for words in '-d 0' '-d x' '-d 1x' 'a b' '-x' '-S nowhere'; do
		# shellcheck disable=SC2086
		run "$LATCH" top $words </dev/null
		assert_eq 64 "$status" "the status of $words"
	done
}

@test "only names with the prefix" {
	start_latchd
	some_locks
	granted amy 'acquire mid+night'
	start_top -S "127.0.0.1:$PORT" mid
	rows 'mid middle'
	shows 'prefix mid'
	press q
	ends 0
}

# What was fetched last may not be in the rows yet when the key is pressed.
end_shows() { # REGEX
	press End
	is_shown "$1"
}

@test "100,000 locks are paged through while others are served" {
	start_with_ini <<-INI
		[locks]
		max_locks_per_client = 1000000
		[listen a]
		address = 127.0.0.1:@PORT@
	INI
	spawn_told perl "$CLIENTS/many.pl" "127.0.0.1:$PORT" 100000
	eventually has_said '^held'
	start_top -S "127.0.0.1:$PORT" -d 0.3
	tell latency
	shows 'more are coming'
	eventually is_shown '^100000 names, by name$'
	shows '^name000000 '
	eventually end_shows '^name099999 '
	press /
	press -l 77777
	rows 'name077777'
	press Enter
	shows '1 of them with "77777"'
	tell told
	eventually has_said '^worst'
	# shellcheck disable=SC2153
	# In milliseconds: none of them had to wait until a list was at its end.
	assert_match '^worst [0-9]{1,3}$' "$(grep '^worst' "$SAID")"
	press q
	ends 0
}
