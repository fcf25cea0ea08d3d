#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# Compiles the kqueue back end against a minimal header and runs on it, over an emulation of kqueue(2), those unit
# tests of the library that claim nothing of Linux. Where pkg-config knows a libkqueue, that takes the emulation's place.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

build=build/kqueue
mkdir -p $build
read -ra flags <<<"-std=gnu11 -D_GNU_SOURCE -g -O1 -fsanitize=address,undefined -Wall -Wextra -Werror -Ilib $(pkg-config --cflags libbsd-overlay)"
read -ra libs <<<"$(pkg-config --libs libbsd-overlay cmocka)"
if pkg-config --exists libkqueue; then
	read -ra kqueue <<<"-DTCP_NOPUSH=TCP_CORK $(pkg-config --cflags --libs libkqueue)"
else
	kqueue=(-Itests/kqueue tests/kqueue/emulation.c)
fi
sources=()
for file in lib/*.c; do
	case $file in
	lib/linux.c | lib/epoll.c) ;;
	*) sources+=("$file") ;;
	esac
done

export DSOCK_BACKEND=kqueue CMOCKA_MESSAGE_OUTPUT=TAP
passed=0 failed=0
for test in timer queue listen limit wake danga_class danga_object; do
	if ! gcc "${flags[@]}" -o "$build/$test" "tests/unit/test_$test.c" tests/unit/support.c "${sources[@]}" \
		"${kqueue[@]}" "${libs[@]}"; then
		failed=$((failed + 1))
		continue
	fi
	out=$("$build/$test" 2>&1)
	status=$?
	passed=$((passed + $(grep -c '^ok ' <<<"$out")))
	bad=$(grep -c '^not ok ' <<<"$out")
	[ $status -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
	failed=$((failed + bad))
	[ $status -eq 0 ] || printf '%s\n' "$out"
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
