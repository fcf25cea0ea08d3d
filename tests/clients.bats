#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Connections: who they are, how they end and what becomes of their locks; the old clients.

load helpers

start_holder() { # ADDRESS NAME...
	spawn_told perl "$CLIENTS/hold.pl" "$@"
	eventually has_said '^holding'
}

order() { # WORD
	tell "$1"
	eventually has_said '^done'
}

# --- Who holds

@test "a holder on IPv4 is shown as ddlockd shows it" {
	start_latchd
	connect 1
	ask 1 'trylock lock=a\r\n' 'OK \r\n'
	ask 1 'locks\r\n' "LOCKS:\\n  a = DDLockd::Client::Internal(R): open to 127.0.0.1:$(port_of 1)\\n\\n"
}

@test "a holder on IPv6 is shown in brackets" {
	grep -q '^00000000000000000000000000000001 ' /proc/net/if_inet6 2>/dev/null || skip 'no IPv6 here'
	start_latchd -l '[::1]:@PORT@'
	connect 1 "$PORT" ::1
	ask 1 'trylock lock=a\r\n' 'OK \r\n'
	ask 1 'locks\r\n' "LOCKS:\\n  a = DDLockd::Client::Internal(R): open to [::1]:$(port_of 1)\\n\\n"
}

@test "IPv4 that comes in through every address of the host is IPv4" {
	start_latchd -l '*:@PORT@'
	connect 1
	ask 1 'trylock lock=a\r\n' 'OK \r\n'
	ask 1 'locks\r\n' "LOCKS:\\n  a = DDLockd::Client::Internal(R): open to 127.0.0.1:$(port_of 1)\\n\\n"
	if grep -q '^00000000000000000000000000000001 ' /proc/net/if_inet6 2>/dev/null; then
		connect 2 "$PORT" ::1
		ask 2 'trylock lock=b\r\nreleaselock lock=a\r\n' 'OK \r\nERR didnthave \r\n'
		ask 1 'releaselock lock=a\r\nlocks\r\n' \
			"OK \\r\\nLOCKS:\\n  b = DDLockd::Client::Internal(R): open to [::1]:$(port_of 2)\\n\\n"
	fi
}

@test "a holder on a unix socket is its process" {
	start_latchd -l "unix:$DIR/sock"
	start_holder "unix:$DIR/sock" a
	assert_eq "LOCKS:"$'\n'"  a = DDLockd::Client::Internal(R): open to unix:$SPAWNED_PID"$'\n\n.' \
		"$(printf 'locks\r\n' | talk --to "unix:$DIR/sock" && echo .)"
}

@test "one lock table for all listeners" {
	start_latchd -l 127.0.0.1:@PORT@ -l 127.0.0.1:@PORT2@ -l "unix:$DIR/sock"
	connect 1
	connect 2 "$PORT2"
	ask 1 'trylock lock=a\r\n' 'OK \r\n'
	ask 2 'trylock lock=a\r\n' 'ERR taken \r\n'
	transcript 'trylock lock=a\r\ntrylock lock=b\r\nreleaselock lock=a\r\n' \
		'ERR taken \r\nOK \r\nERR didnthave \r\n' --to "unix:$DIR/sock"
	ask 2 'locks\r\n' "LOCKS:\\n  a = $HELD_BY 127.0.0.1:$(port_of 1)\\n\\n"
}

# --- How they end

@test "a lock ends with its connection: closed" {
	start_latchd
	connect 1
	connect 2
	ask 1 'trylock lock=a\r\ntrylock lock=b\r\n' 'OK \r\nOK \r\n'
	ask 2 'trylock lock=a\r\n' 'ERR taken \r\n'
	hang_up 1
	until_granted 2 a
	ask 2 'trylock lock=b\r\n' 'OK \r\n'
}

@test "a lock ends with its connection: reset" {
	start_latchd -v
	start_holder "127.0.0.1:$PORT" a b
	connect 2
	ask 2 'trylock lock=a\r\n' 'ERR taken \r\n'
	order reset
	until_granted 2 a
	ask 2 'trylock lock=b\r\n' 'OK \r\n'
	assert_log 'debug: client .* closed: .*(RESET|reset).*; it held 2 locks'
}

@test "a lock ends with its connection: its process was killed" {
	start_latchd
	start_holder "127.0.0.1:$PORT" a b
	connect 2
	ask 2 'trylock lock=a\r\n' 'ERR taken \r\n'
	kill -s KILL "$SPAWNED_PID"
	until_granted 2 a
	ask 2 'trylock lock=b\r\n' 'OK \r\n'
}

@test "a lock ends with its connection: killed on a unix socket" {
	start_latchd -l "unix:$DIR/sock" -l 127.0.0.1:@PORT@
	start_holder "unix:$DIR/sock" a
	connect 2
	ask 2 'trylock lock=a\r\n' 'ERR taken \r\n'
	kill -s KILL "$SPAWNED_PID"
	until_granted 2 a
}

@test "a lock ends with its connection: only half of it was closed" {
	start_latchd
	start_holder "127.0.0.1:$PORT" a
	connect 2
	ask 2 'trylock lock=a\r\n' 'ERR taken \r\n'
	order half
	until_granted 2 a
}

@test "a lock ends with its connection: closed with requests and replies unread" {
	start_latchd
	start_holder "127.0.0.1:$PORT" a
	connect 2
	ask 2 'trylock lock=a\r\n' 'ERR taken \r\n'
	order unread
	until_granted 2 a
	until_granted 2 flood
}

@test "a lock does not end with a process while another one has the connection" {
	start_latchd
	connect 1
	connect 2
	(ask 1 'trylock lock=a\r\n' 'OK \r\n')
	ask 2 'trylock lock=a\r\n' 'ERR taken \r\n'
	ask 1 'releaselock lock=a\r\n' 'OK \r\n'
}

@test "a half-close is answered first, then closed: socat" {
	start_latchd
	connect 2
	printf 'noop\r\ntrylock lock=a\r\ntrylock lock=a\r\ntrylock' |
		socat -t "$LIMIT" - "TCP:127.0.0.1:$PORT" >"$DIR/got"
	printf 'OK \r\nOK \r\nERR taken \r\n' >"$DIR/wanted"
	assert_same_file "$DIR/wanted" "$DIR/got"
	until_granted 2 a
}

@test "a half-close is answered first, then closed: socat on a unix socket" {
	start_latchd -l "unix:$DIR/sock"
	printf 'noop\r\ntrylock lock=a\r\ntrylock lock=a\r\nload\r\n' |
		socat -t "$LIMIT" - "UNIX-CONNECT:$DIR/sock" >"$DIR/got"
	printf 'OK \r\nOK \r\nERR taken \r\nLOAD: 2\n\n' >"$DIR/wanted"
	assert_same_file "$DIR/wanted" "$DIR/got"
}

@test "nc as people use it" {
	start_latchd
	printf 'trylock lock=a\ntrylock lock=a\nreleaselock lock=a\n' |
		timeout "$LIMIT" nc -N 127.0.0.1 "$PORT" >"$DIR/got"
	printf 'OK \r\nERR taken \r\nOK \r\n' >"$DIR/wanted"
	assert_same_file "$DIR/wanted" "$DIR/got"
}

@test "connections that come and go without a word leave nothing behind" {
	local fd fds

	start_latchd
	connect 1
	ask 1 'noop\r\n' 'OK \r\n'
	fds=$(count_fds)
	for _ in {1..200}; do
		exec {fd}<>"/dev/tcp/127.0.0.1/$PORT"
		exec {fd}>&-
	done
	eventually has_fds "$fds"
	ask 1 'noop\r\n' 'OK \r\n'
}

@test "a reset in the middle of a long reply harms nobody" {
	start_latchd
	perl -I"$CLIENTS" -MWire -e '
		my $wire = Wire->dial(shift, rcvbuf => 4096);
		my $names = 9000;
		$wire->put(join "", map { "trylock lock=" . "x" x 900 . "$_\r\n" } 1 .. $names);
		$wire->take(length("OK \r\n") * $names) eq "OK \r\n" x $names or die "not all taken\n";
		$wire->put("locks\r\n");
		$wire->take(5000); # of some nine million bytes
		$wire->reset' "127.0.0.1:$PORT"
	connect 1
	eventually holds_nothing 1
	ask 1 'trylock lock=a\r\n' 'OK \r\n'
}

holds_nothing() { # N
	local heading='' next=''

	hang_up "$1"
	connect "$1"
	send "$1" 'locks\n'
	read_line "$1" heading && read_line "$1" next && [ "$heading" = LOCKS: ] && [ -z "$next" ]
}

@test "idle_timeout cuts who is silent, but never who holds" {
	start_with '[server]' 'idle_timeout = 1h'
	connect 1
	ask 1 'trylock lock=a\r\n' 'OK \r\n'
	connect 2
	ask 2 'trylock lock=a\r\n' 'ERR taken \r\n'
	change_ini 's/1h/1s/' 'idle_timeout: now 1s'
	connect 3
	expect_eof 2 # without a word
	expect_eof 3 # likewise; the holder has been silent for longer, also since the reload
	ask 1 'releaselock lock=a\r\n' 'OK \r\n'
	expect_eof 1
}

# --- Old clients

@test "an old Perl client: one takes, the other one is refused, and the end of its object is the release" {
	start_latchd
	(
		echo 'try x mine'
		echo 'try y mine'
		echo 'try z another one'
		echo 'drop x'
		echo 'try w mine'
	) | perl "$CLIENTS/ddlock.pl" --server "127.0.0.1:$PORT" shell >"$DIR/got" 2>&1
	assert_eq 'x got
y refused: ERR taken
z got
x dropped
w got' "$(tr -d '\r' <"$DIR/got" | sed 's/ $//')"
	# What it still had it has given back itself.
	assert_match $'\nSUCCESSES: 3\nFAILURES: 1\n' "$(printf 'status\n' | talk)"
	transcript 'locks\n' 'LOCKS:\n\n'
}

@test "an old Perl client's names come through as they are" {
	local name

	start_latchd
	spawn_told perl "$CLIENTS/ddlock.pl" --server "127.0.0.1:$PORT" shell
	for name in '1 two words' '2 50% of a=b&c+d' '3 a/b:c-d.e,f_g\\h' '4 line\nLOCKS:\n' '5 sch\xc3\xb6n' '6 ~'; do
		tell "try $name"
	done
	eventually has_said '^6 '
	assert_eq '1 got
2 got
3 got
4 got
5 got
6 got' "$(cat "$SAID")"
	printf 'locks\n' | talk | sed -n 's/^  \(.*\) = .*/\1/p' >"$DIR/got"
	printf '%b\n' '50%25 of a=b&c+d' 'a/b:c-d.e,f_g\\\\h' 'line%0ALOCKS:%0A' 'sch\xc3\xb6n' 'two words' '~' \
		>"$DIR/wanted"
	assert_same_file "$DIR/wanted" "$DIR/got"
	# For anybody else they are the same names.
	transcript 'trylock lock=two%20words\r\ntrylock lock=sch\xc3\xb6n\r\n' 'ERR taken \r\nERR taken \r\n'
}

@test "an old Perl client's locks end with it" {
	start_latchd
	spawn_told perl "$CLIENTS/ddlock.pl" --server "127.0.0.1:$PORT" shell
	tell 'try x mine'
	eventually has_said '^x got'
	connect 1
	ask 1 'trylock lock=mine\r\n' 'ERR taken \r\n'
	kill -s KILL "$SPAWNED_PID"
	until_granted 1 mine
}

@test "an old Perl client on two servers gives the first lock back where the second is refused" {
	local other got

	start_latchd
	other=$PORT
	start_latchd
	connect 1
	connect 2 "$other"
	ask 1 'trylock lock=mine\r\n' 'OK \r\n'
	echo 'try x mine' | perl "$CLIENTS/ddlock.pl" --server "127.0.0.1:$other" --server "127.0.0.1:$PORT" shell \
		>"$DIR/got"
	assert_eq 'x refused: ERR taken ' "$(cat "$DIR/got")"
	ask 2 'locks\n' 'LOCKS:\n\n'
	send 2 'status\n'
	read_line 2 got
	read_line 2 got
	assert_eq 'SUCCESSES: 1' "$got"
}

@test "an old Python client" {
	start_latchd
	connect 1
	ask 1 'trylock lock=theirs\r\n' 'OK \r\n'
	(
		echo 'try x mine'
		echo 'try y mine'
		echo 'try z theirs'
		echo 'try u two words/100%'
		echo 'drop x'
		echo 'try w mine'
	) | "$PYTHON" "$CLIENTS/ddlock.py" "127.0.0.1:$PORT" shell >"$DIR/got" 2>&1
	assert_eq 'x got
y refused: ERR taken
z refused: ERR taken
u got
x dropped
w got' "$(cat "$DIR/got")"
	ask 1 'releaselock lock=theirs\r\n' 'OK \r\n'
	eventually holds_nothing 1
}

@test "the two encode a name, each in its own way, to the same lock" {
	local i names=(plain 'two words' '50% of a=b&c+d' '0' '%41' '+' 'a/b:c-d.e,f_g~')

	start_latchd
	spawn_told perl "$CLIENTS/ddlock.pl" --server "127.0.0.1:$PORT" shell
	for i in "${!names[@]}"; do
		tell "try perl$i ${names[i]}"
	done
	eventually said_times "${#names[@]}" '^perl[0-9]+ got'
	for i in "${!names[@]}"; do
		echo "try python$i ${names[i]}"
	done | "$PYTHON" "$CLIENTS/ddlock.py" "127.0.0.1:$PORT" shell >"$DIR/got"
	assert_eq "${#names[@]}" "$(grep -c '^python. refused: ERR taken$' "$DIR/got")"
}

said_times() { # N REGEX
	[ "$(grep -Ec -- "$2" "$SAID")" -eq "$1" ]
}

# All that were spawned, each of which counts up in one file under one lock, come to N turns.
assert_alone() { # N
	local pid children=("${CHILDREN[@]}")

	for pid in "${children[@]}"; do
		finish "$pid" || fail "a client ended with $?" "$(cat "$DIR"/count.*)"
	done
	assert_eq "$1" "$(cat "$DIR/number")"
	transcript 'locks\n' 'LOCKS:\n\n'
	assert_match "SUCCESSES: $1"$'\n' "$(printf 'status\n' | talk)"
}

spawn_perl() { # ID TIMES
	spawn perl "$CLIENTS/ddlock.pl" --server "127.0.0.1:$PORT" count "$DIR/number" "$2" 'the number' >"$DIR/count.$1" 2>&1
}

spawn_python() { # ID TIMES
	spawn "$PYTHON" "$CLIENTS/ddlock.py" "127.0.0.1:$PORT" count "$DIR/number" "$2" 'the number' >"$DIR/count.$1" 2>&1
}

# In bash, a connection for each turn: its end is the release.
spawn_bash() { # ID TIMES
	# shellcheck disable=SC2016
	spawn bash -c 'for ((i = 0; i < $3; i++)); do
			exec {lock}<>"/dev/tcp/127.0.0.1/$1"
			until printf "trylock lock=the+number\r\n" >&$lock && read -r word _ <&$lock && [ "$word" = OK ]; do
				sleep 0.002
			done
			(set -C && : >"$2.inside") || exit 1 # not alone
			read -r number <"$2"
			echo $((number + 1)) >"$2"
			rm "$2.inside"
			exec {lock}>&-
		done' bash "$PORT" "$DIR/number" "$2" >"$DIR/count.$1" 2>&1
}

@test "two old Perl clients contend: one at a time, and no turn is lost" {
	start_latchd
	echo 0 >"$DIR/number"
	spawn_perl 1 300
	spawn_perl 2 300
	assert_alone 600
}

@test "an old Perl and an old Python client contend" {
	start_latchd
	echo 0 >"$DIR/number"
	spawn_perl 1 300
	spawn_python 2 300
	assert_alone 600
}

@test "six processes of three kinds contend, some of which only hang up" {
	start_latchd
	echo 0 >"$DIR/number"
	spawn_perl 1 100
	spawn_perl 2 100
	spawn_python 3 100
	spawn_python 4 100
	spawn_bash 5 30
	spawn_bash 6 30
	assert_alone 460
}
