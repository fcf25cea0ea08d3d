#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# run.sh STEPS ASAN_STEPS: two runs of the model test at a time, one of them under ASan and UBSan, and whether it finds
# each rule that is broken on purpose. Ends with `N passed, N failed`.
set -uo pipefail
steps=${1:?usage: run.sh STEPS ASAN_STEPS} asan_steps=${2:?usage: run.sh STEPS ASAN_STEPS}
cd "$(dirname "$0")/../.." || exit 1

log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT
build/release/tests/model/model --steps "$steps" >"$log/release" 2>&1 &
model=$!
build/asan/tests/model/model --steps "$asan_steps" >"$log/asan" 2>&1
asan_status=$?
build/release/tests/model/model --breaks >"$log/breaks" 2>&1
breaks_status=$?
wait $model
model_status=$?

passed=0 failed=0
count() {
	local name=$1 status=$2 counts
	cat "$log/$name"
	counts=$(tail -1 "$log/$name")
	if [[ $counts =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
		passed=$((passed + BASH_REMATCH[1]))
		failed=$((failed + BASH_REMATCH[2]))
	elif [ "$status" -eq 0 ]; then
		status=1
	fi
	[ "$status" -eq 0 ] || [ "${BASH_REMATCH[2]:-0}" -gt 0 ] || failed=$((failed + 1))
}
count release $model_status
count asan $asan_status
count breaks $breaks_status
echo "$passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
