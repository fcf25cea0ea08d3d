#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# latch in surroundings that nobody would choose: descriptors that are closed, disks that are full.

# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # texts for other shells; bats: tests are subshells
load guards

# --- Descriptors

@test "standard descriptors that are closed are never the connection: nothing is said to the server" {
	local status=0

	start_latchd
	latch acquire --lease 60s other >acquired
	latch list --json >list.out 2>&- <&- || fail 'with standard output it is well'
	grep -q '"lock":"other"' list.out
	latch list --json 2>list.err >&- <&- || status=$?
	assert_eq 71 "$status"
	assert_eq 'latch: standard output: Bad file descriptor' "$(cat list.err)"
	status=0
	latch list >&- 2>&- <&- || status=$?
	assert_eq 71 "$status"
	strace -f -qq -s 200 -e trace=write,writev,sendto,sendmsg -o trace "$LATCH" -S "127.0.0.1:$PORT" \
		run --as alice a sh -c 'sleep 60 & exit 3' <&- >&- 2>&- 3>&- || status=$?
	assert_eq 3 "$status"
	grep -q 'left processes behind' trace || fail 'it had nothing to say' "$(cat trace)"
	run ! grep -E 'left processes behind.*= [0-9]+$' trace
}

@test "a command finds those closed that latch found closed, and no others" {
	start_latchd
	latch run a sh -c '[ ! -e /proc/$$/fd/0 ] && [ -e /proc/$$/fd/1 ] && echo yes' <&- >closed.out
	assert_eq yes "$(cat closed.out)"
	latch run a sh -c '[ -e /proc/$$/fd/0 ] && [ ! -e /proc/$$/fd/1 ] && [ ! -e /proc/$$/fd/2 ]' </dev/null >&- 2>&-
}
