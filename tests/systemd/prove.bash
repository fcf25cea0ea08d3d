# shellcheck shell=bash
# SPDX-License-Identifier: ISC
# What the proofs share. They run as root inside a systemd of their own, see with-systemd.sh, and print TAP.

UNITS=/etc/systemd/system
PATIENCE=20 # seconds that anything may take; nothing waits that long where all is well
count=0

# prove NAME COMMAND...: a test, passed where COMMAND is. What it printed is shown where not.
prove() {
	local name=$1 out
	shift
	count=$((count + 1))
	if out=$("$@" 2>&1); then
		echo "ok $count - $name"
	else
		echo "not ok $count - $name"
		{
			printf '%s\n' "$out"
			journalctl -b -n 30 --no-pager -o short-precise
		} | sed 's/^/#   /'
	fi
}

plan() {
	echo "1..$count"
}

# is WHAT WANTED: both texts are the same.
is() {
	[ "$1" = "$2" ] || {
		printf 'got:    %s\nwanted: %s\n' "$1" "$2"
		return 1
	}
}

# Waits until COMMAND succeeds.
eventually() {
	local end=$((SECONDS + PATIENCE))

	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || {
			echo "this did not come true: $*"
			"$@"
			return 1
		}
		sleep 0.05
	done
}

# ask REQUEST [PORT]: a connection, one request, the first line of the reply without its end.
ask() {
	local fd line

	exec {fd}<>"/dev/tcp/127.0.0.1/${2:-7002}" || return 1
	printf '%s\r\n' "$1" >&"$fd"
	IFS= read -r -t $PATIENCE line <&"$fd"
	exec {fd}>&-
	printf '%s\n' "${line%$'\r'}"
}

# A connection that stays: tell REQUEST on descriptor $held; hear gives the next line.
hold() {
	exec {held}<>/dev/tcp/127.0.0.1/7002
}
tell() {
	local line

	printf '%s\r\n' "$1" >&"$held"
	IFS= read -r -t $PATIENCE line <&"$held"
	printf '%s\n' "${line%$'\r'}"
}
# True when the server has closed it.
is_cut() {
	local line status=0

	IFS= read -r -t $PATIENCE line <&"$held" || status=$?
	is $status 1
}
let_go() {
	exec {held}>&-
}

property() {
	systemctl show -P "$1" "${2:-latchd.service}"
}
has() { # PROPERTY VALUE [UNIT]
	is "$(property "$1" "${3:-latchd.service}")" "$2"
}

# messages PRIORITY: what the daemon logged with it, without the journal's own fields.
messages() {
	journalctl --sync
	journalctl -b -u latchd.service -p "$1..$1" -o cat --no-pager
}
logged() { # PRIORITY TEXT
	messages "$1" | grep -qF -- "$2"
}

# drop_in UNIT: standard input becomes a drop-in of it.
drop_in() {
	mkdir -p "$UNITS/$1.d"
	cat >"$UNITS/$1.d/prove.conf"
	systemctl daemon-reload
}
