# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: ISC
# The daemon as a process. Beyond what helpers.bash has, which it loads: configurations that change,
# a log that is followed, an end that is waited for, what the kernel knows of it, networks of its own.
# The working directory of a test is $DIR.
#
#   start_with_config [ARG...]   with latchd.ini: a listener `main` on 127.0.0.1:PORT, to which the first
#                                lines of standard input may add, and what else they say
#   launch_with_config [ARG...]  the same, without waiting for anything
#   write_config                 latchd.ini anew, for the daemon that there is
#   reload_with_config REGEX     this and a reload
#   in_own_network FUNCTION      runs it in a network namespace with a loopback interface

load helpers
bats_require_minimum_version 1.5.0

setup() {
	begin_test
	cd "$DIR" || return
}

now_ms() {
	echo $((${EPOCHREALTIME/[.,]/} / 1000))
}

main_config() { # PORT
	printf '[listen main]\naddress = 127.0.0.1:%s\n' "$1"
	cat
}

write_config() {
	main_config "$PORT" >latchd.ini
}

start_with_config() {
	start_with_ini "$@" < <(main_config @PORT@)
}

launch_with_config() {
	free_port PORT
	write_config
	launch_latchd -c latchd.ini "$@"
}

reload_with_config() { # REGEX
	write_config
	reload "$1"
}

count_log() { # REGEX
	grep -Ec -- "$1" "$LOG" || true
}

# For one that has been told to end, or ends by itself: with 0.
wait_for_end() {
	stop_latchd 0
}

take_locks() { # N HOW-MANY [PREFIX]
	seq -f "trylock lock=${3:-}%0100g" "$2" >&"${FDS[$1]}"
	assert_eq "$2" "$(timeout "$LIMIT" head -n "$2" <&"${FDS[$1]}" | grep -c '^OK')" 'the number of locks'
}

# So many bytes lie in the kernel for the daemon to read.
has_received() { # BYTES
	local address line sum=0

	printf -v address '0100007F:%04X' "$PORT"
	# Not by the shell alone: a busy host has many connections.
	while read -ra line; do
		[ "${line[3]}" != 01 ] || sum=$((sum + 0x${line[4]#*:}))
	done < <(grep -F ": $address " /proc/net/tcp)
	[ "$sum" -eq "$1" ]
}

in_own_network() { # FUNCTION
	local group status=0

	command -v ip >/dev/null || skip 'there is no ip(8)'
	unshare -rn ip link set lo up 2>/dev/null || skip 'no network namespace can be made here'
	{
		declare -f
		declare -p BATS_TEST_TMPDIR LATCHD LIMIT CLIENTS PORTS
		printf '%s\n' 'set -eu' begin_test "trap 'end_test || exit 1' EXIT" 'ip link set lo up' "$1"
	} >inside
	# A process group of its own, all of which goes at the end.
	setsid unshare -rn bash ./inside 3>&- &
	group=$!
	wait "$group" || status=$?
	kill -s KILL -- "-$group" 2>/dev/null || true
	return "$status"
}
