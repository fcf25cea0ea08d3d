#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Stopping: how soon, what is still answered, and who cannot hold it up.

# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # perl; bats: tests are subshells; helpers set variables
load process

# How long it may take to stop: what is promised, and some more for a slow machine.
STOP_MS=3000

# With status 0, and in time. What counts is when it says that it has stopped, not when this is known here.
stops_by() { # SIGNAL
	local begun stopped

	begun=$(now_ms)
	stop_latchd "$1"
	stopped=$(sed -n 's/^\([^ ]*\) .* info: stopped$/\1/p' "$LOG")
	took=$(($(date -d "$stopped" +%s%3N) - begun))
	[ $took -lt $STOP_MS ]
}

@test "SIGTERM and SIGINT end it with 0, at once, clients or not" {
	for name in Terminated Interrupt; do
		case $name in
		Terminated) signal=TERM ;;
		*) signal=INT ;;
		esac
		start_latchd
		connect idle
		connect holder
		ask holder 'trylock lock=a\r\n' 'OK \r\n'
		send idle tryl # not a request yet
		stops_by $signal
		# Nobody had anything to wait for, so it did not take its time.
		assert_eq 0 "$(count_log 'in time')"
		expect_eof idle
		expect_eof holder
		assert_log "info: $name: stopping with 2 clients and 1 locks$"
		assert_log 'info: stopped$'
	done
}

# A client in the background that holds N locks and has read the first byte of the list of them; it
# reads the rest when it is told to.
slow_listing() { # N
	spawn_told perl -I"$CLIENTS" -MWire -e '
		my ($to, $n) = @ARGV;
		my $wire = Wire->dial($to, rcvbuf => 4096);
		$| = 1;
		$wire->put(join "", map { sprintf "trylock lock=%0200d\r\n", $_ } 1 .. $n);
		$wire->take(5 * $n) eq "OK \r\n" x $n or die;
		$wire->put("locks\r\n");
		$wire->wait;
		$wire->fill(1);
		print $wire->take(1);
		<STDIN>;
		print $wire->rest' "127.0.0.1:$PORT" "$1"
	eventually test -s "$SAID"
}

# It waits until connection N is read: it sleeps although requests are there.
is_stuck() { # N
	read -r -t 0 <&"${FDS[$1]}" && [[ $(cat "/proc/$LATCHD_PID/stat") == *') S '* ]]
}

# Asks for far more than is read there, so that the daemon has to wait.
let_get_stuck() { # N
	take_locks "$1" 5000
	yes locks | head -n 100 >&"${FDS[$1]}" # by one write, so that all of it comes at once
	eventually is_stuck "$1"
}

# Replies may be late on a slow machine, where SIGTERM has its time limit: then it is tried again.
unless_cut() {
	local _

	for _ in {1..10}; do
		"$@" && return
		grep 'in time' "$LOG" || break
	done
	return 1
}

answers_what_was_sent() {
	start_latchd
	connect c
	kill -s STOP "$LATCHD_PID"
	yes noop | head -n 20000 >&"${FDS[c]}" # more than it reads at once, three times over
	eventually has_received 100000
	kill -s TERM "$LATCHD_PID"
	kill -s CONT "$LATCHD_PID"
	assert_eq 20000 "$(timeout "$LIMIT" cat <&"${FDS[c]}" | grep -c '^OK .$')" && wait_for_end
}

@test "what was sent before SIGTERM is answered" {
	unless_cut answers_what_was_sent
}

finishes_the_listing() {
	start_latchd
	slow_listing 5000
	kill -s TERM "$LATCHD_PID"
	tell 'the rest'
	wait_for_end && finish "$SPAWNED_PID" && assert_eq 5000 "$(grep -c '^  0' "$SAID")" &&
		assert_eq '' "$(tail -n 1 "$SAID")" && assert_eq 1 "$(grep -c '^$' "$SAID")"
}

@test "a listing that is under way when SIGTERM comes is finished for who reads it" {
	unless_cut finishes_the_listing
}

@test "a client that never reads cannot hold SIGTERM up" {
	start_latchd
	connect reader
	let_get_stuck reader
	stops_by TERM
	[ $took -ge 700 ] # it had its chance
	assert_log 'warning: 1 clients were not done in time$'
}

@test "a client that never stops cannot hold SIGTERM up" {
	start_latchd
	spawn nc 127.0.0.1 "$PORT" < <(exec yes noop 3>&-) >flooded
	eventually test -s flooded
	stops_by TERM
}

@test "a second signal ends it at once" {
	start_latchd
	connect reader
	let_get_stuck reader
	kill -s STOP "$LATCHD_PID" # so that the second is there before the time of the first is over
	kill -s TERM "$LATCHD_PID"
	kill -s INT "$LATCHD_PID"
	stop_latchd CONT
	assert_log 'again: stopping at once$'
	assert_eq 0 "$(count_log 'in time')"
}

@test "its clients see it when it is killed" {
	start_latchd
	connect c
	ask c 'trylock lock=a\r\n' 'OK \r\n'
	kill_latchd
	expect_eof c
}
