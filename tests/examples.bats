#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The examples of the library are programs that work, and short.

# shellcheck disable=SC2154 # bats: run sets variables
load helpers

EXAMPLES=$BUILD/lib/examples

start() { # PROGRAM
	free_port PORT
	spawn "$EXAMPLES/$1" "127.0.0.1:$PORT" >"$DIR/out" 2>&1
	eventually grep -q listening "$DIR/out"
}

@test "echo gives everything back, however much" {
	start echo
	head -c 3000000 /dev/urandom >"$DIR/sent"
	talk <"$DIR/sent" >"$DIR/got"
	cmp "$DIR/sent" "$DIR/got"
}

@test "chat tells the others who comes, what they say and that they have gone" {
	start chat
	connect guest
	connect alice
	send alice 'alice\n'
	expect guest 'alice has come\r\n' # so that bob is not told, who would not read it
	connect bob
	send bob 'bob\n'
	expect alice 'bob has come\r\n'
	send bob 'hello there\n'
	expect alice 'bob: hello there\r\n'
	hang_up bob
	expect alice 'bob has gone: end of file\r\n'
}

@test "kv stores, finds and forgets, pipelined" {
	start kv
	connect 1
	ask 1 'set a 1 2 3\nget a\nset a 4\nget a\ndelete a\nget a\ndelete a\nwhat\nget\nset x\n' \
		'ok\r\nvalue 1 2 3\r\nok\r\nvalue 4\r\nok\r\nnone\r\nnone\r\nerror\r\nerror\r\nerror\r\n'
	send 1 'quit\n'
	expect_eof 1
}

@test "pipeline sends without waiting and counts what comes" {
	start kv
	run "$EXAMPLES/pipeline" "127.0.0.1:$PORT" 200000 'get nothing'
	[ "$status" -eq 0 ]
	[ "$output" = '200000 replies' ]
}

@test "pipeline says what is wrong" {
	run "$EXAMPLES/pipeline" 127.0.0.1:1 1 x
	[ "$status" -eq 1 ]
	[[ $output == *'pipeline: ECONNREFUSED'* ]]
	run "$EXAMPLES/pipeline" nonsense 1 x
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
