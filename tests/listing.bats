#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What clients see of the table: prefixes, the order of `locks`, and a table of many locks that changes meanwhile.

# shellcheck disable=SC2030,SC2031,SC2154 # bats: tests are subshells; connect and run set variables
load wire

setup() {
	operation_setup
}

teardown() {
	operation_teardown
}

@test "two listeners with prefixes do not clash, and each sees its own names" {
	printf '[listen a]\naddress = %s\nprefix = a/\n[listen b]\naddress = %s\nprefix = b/\n[listen all]\naddress = %s\n' \
		"$HOST:$PORT" "$HOST:7003" "$HOST:7004" >conf
	: >log
	launch -c conf
	wait_for_log "listening on $HOST:7004"
	connect a
	is "$(talk "$a" 'trylock lock=x')" 'OK '
	PORT=7003
	connect b
	is "$(talk "$b" 'trylock lock=x')" 'OK '
	is "$(talk "$b" 'trylock lock=only+b')" 'OK '
	is "$(talk "$b" 'releaselock lock=a/x')" 'ERR didnthave '
	PORT=7002
	is "$(says 'locks\n' | names)" 'x,'
	PORT=7003
	is "$(says 'locks\n' | names)" 'only b,x,'
	PORT=7004
	is "$(says 'locks\n' | names)" 'a/x,b/only b,b/x,'
	is "$(ask 'trylock lock=a/x')" 'ERR taken '
}

names() {
	sed -n 's/^  \(.*\) = DDLockd.*/\1/p' | tr '\n' ,
}

@test "up to ten thousand locks are listed in order" {
	start_latchd
	connect a
	take_locks "$a" 10000
	says 'locks\n' | sed -n 's/^  \(.*\) = DDLockd.*/\1/p' >got
	seq -f '%0100g' 10000 >wanted
	same_bytes
}

@test "of many locks each that stays is listed once while others come and go" {
	printf '[locks]\nmax_locks_per_client = 1000000\n' >conf
	start_latchd -c conf
	connect a
	take_locks "$a" 60000
	(
		connect churn
		while :; do
			for ((i = 0; i < 50; i++)); do
				printf 'trylock lock=churn%d\n' $i
			done >&"$churn"
			timeout "$PATIENCE" head -n 50 <&"$churn" >/dev/null
			for ((i = 0; i < 50; i++)); do
				printf 'releaselock lock=churn%d\n' $i
			done >&"$churn"
			timeout "$PATIENCE" head -n 50 <&"$churn" >/dev/null
		done
	) 2>/dev/null 3>&- &
	pids+=($!)
	for _ in 1 2 3; do
		says 'locks\n' >all
		is "$(tail -n 1 all)" ''
		sed -n 's/^  \(0.*\) = DDLockd.*/\1/p' all | sort >got
		seq -f '%0100g' 60000 | sort >wanted
		same_bytes
	done
}

@test "a slow reader of a large table stalls nobody and costs little" {
	printf '[locks]\nmax_locks_per_client = 1000000\n' >conf
	start_latchd -c conf
	connect a
	take_locks "$a" 100000
	before=$(rss_kib)
	for ((i = 0; i < 20; i++)); do
		exec {slow}<>"/dev/tcp/$HOST/$PORT"
		printf 'locks\n' >&"$slow"
	done
	eventually is_stuck "$slow"
	for ((i = 0; i < 100; i++)); do
		is "$(ask noop)" 'OK '
	done
	[ $(($(rss_kib) - before)) -lt $((20 * 600)) ]
	# And the table changes under them meanwhile.
	seq -f 'releaselock lock=%0100g' 100000 >&"$a"
	timeout "$PATIENCE" head -n 100000 <&"$a" | grep -c '^OK' >released
	is "$(cat released)" 100000
	timeout "$PATIENCE" sed '/^$/q' <&"$slow" | tail -n 1 >end
	is "$(cat end)" ''
}
