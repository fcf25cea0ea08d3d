#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# run.sh BUILD: runs every unit test and every bats file against the programs in BUILD, prints the
# failures in full and, last, `N passed, N failed`. Fails where a test failed or none ran.
set -uo pipefail

build=${1:?usage: run.sh BUILD}
cd "$(dirname "$0")" || exit 1
TOP=$(cd .. && pwd)
export TOP BUILD=$build LATCHD=$build/latchd
export CMOCKA_MESSAGE_OUTPUT=TAP
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:exitcode=99 UBSAN_OPTIONS=print_stacktrace=1

log=$(mktemp)
trap 'rm -f "$log"' EXIT

# One group of tests after the other: TAP comes in, what failed goes out at once.
run_group() {
	local name=$1
	shift
	local out status passed failed planned
	out=$("$@" 2>&1)
	status=$?
	printf '%s\n' "$out" >>"$log"
	passed=$(grep -c '^ok ' <<<"$out")
	failed=$(grep -c '^not ok ' <<<"$out")
	planned=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' <<<"$out" | head -1)
	# A crash ends a group early: the tests that did not report have failed, and so has one that ran none.
	if [ "${planned:-0}" -gt $((passed + failed)) ]; then
		failed=$((planned - passed))
	elif [ $status -ne 0 ] && [ "$failed" -eq 0 ]; then
		failed=1
	fi
	printf '%-32s %4d passed, %d failed\n' "$name" "$passed" "$failed"
	if [ "$failed" -gt 0 ]; then
		printf '%s\n' "$out"
	fi
	total_passed=$((total_passed + passed))
	total_failed=$((total_failed + failed))
}

total_passed=0 total_failed=0
for test in "$build"/tests/unit/test_* "$build"/tests/sim/test_*; do
	case $test in
	*.o | *.d | *.gcda | *.gcno) continue ;;
	esac
	name=${test#"$build/tests/"}
	run_group "$name" "$test"
done
for file in *.bats; do
	run_group "$file" bats --tap "$file"
done

echo "$total_passed passed, $total_failed failed"
[ "$total_failed" -eq 0 ] && [ "$total_passed" -gt 0 ]
