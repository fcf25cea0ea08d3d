#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# The units themselves: valid, complete, and how much they leave open.
# shellcheck source=tests/systemd/prove.bash
. "$(dirname "$0")/prove.bash"

unit=$(systemctl show -P FragmentPath latchd.service)

# systemd before 253 does not know notify-reload, says so and keeps the line before it. It returns 0
# for anything that it does not know, so its words count.
verifies() {
	local words

	words=$(systemd-analyze verify latchd.service latchd.socket 2>&1) || return 1
	words=$(grep -v 'Failed to parse service type, ignoring: notify-reload$' <<<"$words")
	is "$words" ''
}

reload_type_is_known() {
	local version

	version=$(systemctl --version | sed -n '1s/systemd \([0-9]*\).*/\1/p')
	if [ "$version" -ge 253 ]; then
		has Type notify-reload
	else
		has Type notify
	fi
}

exposure_is_low() {
	systemd-analyze security --offline=true --threshold=4 --no-pager "$unit"
}

no_placeholder_is_left() {
	! grep -n '@' "$unit" | grep -v ':SystemCallFilter='
}

prove 'systemd-analyze verify has nothing to say' verifies
prove 'the type is the best that this systemd knows' reload_type_is_known
prove 'the exposure is 0.4 at most' exposure_is_low
prove 'no placeholder is left' no_placeholder_is_left
systemctl enable latchd.service >/dev/null 2>&1
prove 'enabling the service enables its socket' is "$(systemctl is-enabled latchd.socket)" enabled
prove 'the installed configuration is good' latchd -t -c /etc/latchd.ini
systemd-analyze security --offline=true --no-pager "$unit" 2>/dev/null | tail -1 | sed 's/^/# /'
plan
