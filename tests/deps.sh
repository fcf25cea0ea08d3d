#!/bin/sh
# SPDX-License-Identifier: ISC
# Installs those of the named Debian packages that are missing. Asks for root only then, and says why.
set -eu

missing=
for package in "$@"; do
	dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
		missing="$missing $package"
done
[ -n "$missing" ] || exit 0

echo "missing packages:$missing"
as_root=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || {
		echo "as root, please: apt-get install$missing" >&2
		exit 1
	}
	as_root=sudo
fi
export DEBIAN_FRONTEND=noninteractive
# Without lists, or with old ones, the install fails: then they are fetched.
# shellcheck disable=SC2086
$as_root apt-get install -y --no-install-recommends $missing ||
	{ $as_root apt-get update && $as_root apt-get install -y --no-install-recommends $missing; }
