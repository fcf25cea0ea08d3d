#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# The tests that use threads, under ThreadSanitizer.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

make -s VARIANT=tsan build/tsan/tests/unit/test_wake || exit 1
out=$(CMOCKA_MESSAGE_OUTPUT=TAP build/tsan/tests/unit/test_wake 2>&1)
status=$?
printf '%s\n' "$out"
passed=$(grep -c '^ok ' <<<"$out")
failed=$(grep -c '^not ok ' <<<"$out")
[ $status -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
