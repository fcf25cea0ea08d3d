#!/bin/sh
# SPDX-License-Identifier: ISC
# manlint.sh PAGE...: fails when mandoc finds anything, but for references to pages that are not installed here.
set -eu

found=$(mandoc -T lint -W style "$@" 2>/dev/null | grep -v 'referenced manual not found' || true)
[ -z "$found" ] || {
	printf '%s\n' "$found"
	exit 1
}
