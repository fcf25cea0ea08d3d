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

# After so many seconds a group of tests has hung, which is told as a failure; none takes as long on a slow machine.
export HUNG=1800

# A group of tests has ended: its TAP and its status come in, what failed goes out at once.
report() { # NAME STATUS TAP
	local name=$1 status=$2 out=$3 passed failed planned
	passed=$(grep -c '^ok ' <<<"$out")
	failed=$(grep -c '^not ok ' <<<"$out")
	planned=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' <<<"$out" | head -1)
	# A crash ends a group early: the tests that did not report have failed, and so has one that ran none.
	if [ "${planned:-0}" -gt $((passed + failed)) ]; then
		failed=$((planned - passed))
	elif [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
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
	out=$(timeout --foreground "$HUNG" "$test" 2>&1)
	report "${test#"$build/tests/"}" $? "$out"
done

# Bats files wait more than they compute, and none needs what another one has: two a processor, those that take longest
# first, and told in that order.
taps=$(mktemp -d)
trap 'rm -rf "$taps"' EXIT
export taps
shopt -s lastpipe
declare -A ended=()
waiting=(latch.bats run_kill.bats recipes.bats top.bats manual.bats)
for file in *.bats; do
	[[ " ${waiting[*]} " = *" $file "* ]] || waiting+=("$file")
done
# shellcheck disable=SC2016
printf '%s\0' "${waiting[@]}" |
	xargs -0 -n 1 -P "$((2 * $(nproc)))" bash -c 'timeout --foreground "$HUNG" bats --tap "$1" >"$taps/$1" 2>&1; echo "$1 $?"' bash |
	while read -r file status; do
		ended[$file]=$status
		while [ -n "${waiting[*]}" ] && [ -n "${ended[${waiting[0]}]:-}" ]; do
			report "${waiting[0]}" "${ended[${waiting[0]}]}" "$(cat "$taps/${waiting[0]}")"
			waiting=("${waiting[@]:1}")
		done
	done
for file in "${waiting[@]}"; do
	report "$file" 1 'it never ended'
done

echo "$total_passed passed, $total_failed failed"
[ "$total_failed" -eq 0 ] && [ "$total_passed" -gt 0 ]
