#!/bin/sh
# SPDX-License-Identifier: ISC
# compile_commands.sh COMMAND FILE...: the compilation database that clang-tidy and editors read.
set -eu

command=$(printf '%s' "$1" | sed 's/\\/\\\\/g; s/"/\\"/g')
shift
sep='['
for file in "$@"; do
	printf '%s\n{"directory": "%s", "file": "%s", "command": "%s -c %s"}' \
		"$sep" "$PWD" "$file" "$command" "$file"
	sep=,
done
printf '\n]\n'
