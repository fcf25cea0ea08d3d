#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Clients of other people: they speak as those written for ddlockd do, and notice nothing.

# shellcheck disable=SC2030,SC2031,SC2154 # bats: tests are subshells; connect and run set variables
load wire

setup() {
	operation_setup
}

teardown() {
	operation_teardown
}

@test "an old Perl client finds what it knows" {
	start_latchd
	run timeout "$PATIENCE" perl "$BATS_TEST_DIRNAME/clients/old.pl" "$HOST:$PORT" scenario
	[ "$status" -eq 0 ]
	is "$output" "$(printf 'got\nonce\ngot\nonce\ngot\nonce\ngot\nonce\ngot\nonce\nagain\n1 connection')"
}

@test "an old Python client finds what it knows" {
	start_latchd
	run timeout "$PATIENCE" python3 "$BATS_TEST_DIRNAME/clients/old.py" "$HOST" "$PORT" scenario
	[ "$status" -eq 0 ]
	is "$output" "$(for _ in 1 2 3 4 5; do printf 'got\nonce\nback\n'; done)"
}

@test "the two encode a name to the same lock" {
	start_latchd
	connect a
	is "$(talk "$a" 'trylock lock=odd%25%26%3D%2B%0A/\:,')" 'OK '
	run timeout "$PATIENCE" perl "$BATS_TEST_DIRNAME/clients/old.pl" "$HOST:$PORT" scenario
	is "$(sed -n 5p <<<"$output")" not
	run timeout "$PATIENCE" python3 "$BATS_TEST_DIRNAME/clients/old.py" "$HOST" "$PORT" scenario
	is "$(sed -n 7p <<<"$output")" not
}

@test "six processes of three kinds never hold the same lock at once" {
	start_latchd
	echo 0 >sum
	contenders=()
	for _ in 1 2; do
		perl "$BATS_TEST_DIRNAME/clients/old.pl" "$HOST:$PORT" contend 100 3>&- &
		contenders+=($!)
		python3 "$BATS_TEST_DIRNAME/clients/old.py" "$HOST" "$PORT" contend 100 3>&- &
		contenders+=($!)
		in_bash 30 3>&- &
		contenders+=($!)
	done
	pids+=("${contenders[@]}")
	for contender in "${contenders[@]}"; do
		wait "$contender"
	done
	is "$(cat sum)" 460
}

# What the README shows, in a loop.
in_bash() {
	local word lock

	for ((i = 0; i < $1; i++)); do
		exec {lock}<>"/dev/tcp/$HOST/$PORT"
		until printf 'trylock lock=the+sum\r\n' >&"$lock" && read -r word _ <&"$lock" && [ "$word" = OK ]; do
			sleep 0.002
		done
		echo $(($(cat sum) + 1)) >sum.new
		mv sum.new sum
		exec {lock}>&-
	done
}
