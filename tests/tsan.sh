#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# The tests that use threads, under ThreadSanitizer.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

programs=(build/tsan/tests/unit/test_{wake,fence_faults})
make -s VARIANT=tsan "${programs[@]}" || exit 1
passed=0 failed=0
for program in "${programs[@]}"; do
	out=$(CMOCKA_MESSAGE_OUTPUT=TAP "$program" 2>&1)
	status=$?
	printf '%s\n' "$out"
	bad=$(grep -c '^not ok ' <<<"$out")
	[ $status -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
	passed=$((passed + $(grep -c '^ok ' <<<"$out")))
	failed=$((failed + bad))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
