#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# run.sh BUILD [PROOF...]: installs what is in BUILD into a folder, boots a throw-away systemd over it for
# each prove-*.sh, and runs that inside. Prints their TAP lines and, last, `N passed, N failed`. Needs
# root.
set -uo pipefail

build=${1:?usage: run.sh BUILD [PROOF...]}
shift
cd "$(dirname "$0")" || exit 1
here=$PWD

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
make -s -C ../.. install B="$build" DESTDIR="$tree" PREFIX=/usr >"$tree/log" 2>&1 || {
	cat "$tree/log"
	exit 1
}
rm "$tree/log"
# The checkout may lie on a mount of its own, which is not seen inside.
mkdir -p "$tree/prove"
cp prove*.* "$tree/prove/"

[ $# -gt 0 ] || set -- prove-*.sh
passed=0 failed=0
for proof in "$@"; do
	out=$("$here/with-systemd.sh" -d "$tree" -t 120 -- bash "/prove/${proof##*/}" 2>&1)
	status=$?
	printf '%s:\n%s\n' "$proof" "$out"
	bad=$(grep -c '^not ok ' <<<"$out")
	# One that ended early, or did not even boot.
	if [ "$bad" -eq 0 ] && { [ $status -ne 0 ] || ! grep -q '^1\.\.' <<<"$out"; }; then
		echo "not ok - $proof ended with status $status"
		bad=1
	fi
	passed=$((passed + $(grep -c '^ok ' <<<"$out")))
	failed=$((failed + bad))
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
