#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The examples of the library are programs that work, and short.

setup() {
	examples=$BUILD/lib/examples
	pid=''
}

teardown() {
	[ -z "$pid" ] || kill "$pid" 2>/dev/null || true
}

# start PROGRAM: on a port that happens to be free.
start() {
	local try i
	for ((try = 0; try < 9; try++)); do
		port=$((20000 + RANDOM % 10000))
		"$examples/$1" "127.0.0.1:$port" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
		pid=$!
		for ((i = 0; i < 100; i++)); do
			grep -q listening "$BATS_TEST_TMPDIR/out" && return
			kill -0 $pid 2>/dev/null || break
			sleep 0.05
		done
	done
	return 1
}

hear() {
	local line
	IFS= read -r -t 20 line <&"$1" || return
	printf '%s' "${line%$'\r'}"
}

@test "echo gives everything back, however much" {
	start echo
	head -c 3000000 /dev/urandom >"$BATS_TEST_TMPDIR/sent"
	timeout 30 socat -t 10 "tcp:127.0.0.1:$port" - <"$BATS_TEST_TMPDIR/sent" >"$BATS_TEST_TMPDIR/got"
	cmp "$BATS_TEST_TMPDIR/sent" "$BATS_TEST_TMPDIR/got"
}

@test "chat tells the others who comes, what they say and that they have gone" {
	start chat
	exec {fd}<>"/dev/tcp/127.0.0.1/$port"
	echo alice >&"$fd"
	sleep 0.2
	exec {other}<>"/dev/tcp/127.0.0.1/$port"
	echo bob >&"$other"
	[ "$(hear "$fd")" = 'bob has come' ]
	echo 'hello there' >&"$other"
	[ "$(hear "$fd")" = 'bob: hello there' ]
	exec {other}>&-
	[ "$(hear "$fd")" = 'bob has gone: end of file' ]
}

@test "kv stores, finds and forgets, pipelined" {
	start kv
	exec {fd}<>"/dev/tcp/127.0.0.1/$port"
	printf 'set a 1 2 3\nget a\nset a 4\nget a\ndelete a\nget a\ndelete a\nwhat\nget\nset x\n' >&"$fd"
	for wanted in ok 'value 1 2 3' ok 'value 4' ok none none error error error; do
		[ "$(hear "$fd")" = "$wanted" ]
	done
	echo quit >&"$fd"
	run hear "$fd"
	[ "$status" -eq 1 ] # the end, not the time limit
}

@test "pipeline sends without waiting and counts what comes" {
	start kv
	run "$examples/pipeline" "127.0.0.1:$port" 200000 'get nothing'
	[ "$status" -eq 0 ]
	[ "$output" = '200000 replies' ]
}

@test "pipeline says what is wrong" {
	run "$examples/pipeline" 127.0.0.1:1 1 x
	[ "$status" -eq 1 ]
	[[ $output == *'pipeline: ECONNREFUSED'* ]]
	run "$examples/pipeline" nonsense 1 x
	[ "$status" -eq 1 ]
	[[ $output == *HOST:PORT* ]]
}

@test "each example is shorter than a hundred lines" {
	for file in ../lib/examples/*.c; do
		length=$(wc -l <"$file")
		[ "$length" -lt 100 ] || {
			echo "$file: $length"
			return 1
		}
	done
}
