#!/bin/sh
# SPDX-License-Identifier: ISC
# manlint.sh PAGE...: fails when mandoc finds anything, but for references to pages that are not installed here.
set -eu

found=$(mandoc -T lint -W style "$@" 2>&1 | grep -v -e 'referenced manual not found' -e 'outdated mandoc.db' || true)
[ -z "$found" ] || {
	printf '%s\n' "$found"
	exit 1
}
