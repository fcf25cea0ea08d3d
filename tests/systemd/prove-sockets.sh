#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# Socket activation, sockets by name, the sandbox as seen from inside, and what the manager is told.
# shellcheck source=tests/systemd/prove.bash
. "$(dirname "$0")/prove.bash"

cat >"$UNITS/latchd-web.socket" <<'UNIT'
[Socket]
Service=latchd.service
ListenStream=127.0.0.1:7003
FileDescriptorName=web

[Install]
WantedBy=sockets.target
UNIT
cat >"$UNITS/latchd-other.socket" <<'UNIT'
[Socket]
Service=latchd.service
ListenStream=/run/latchd-other.sock
ListenDatagram=/run/latchd-datagrams.sock
UNIT
cat >/etc/latchd.ini <<'INI'
[listen default]
address = 127.0.0.1:7002
[listen web]
address = 127.0.0.1:7003
prefix = web.
[listen inside]
address = unix:/run/latchd/latchd.sock
mode = 0666
[listen admin]
address = unix:/run/latchd/admin.sock
admin = yes
INI
drop_in latchd.service <<'UNIT'
[Service]
WatchdogSec=2s
UNIT
systemctl start latchd.socket latchd-web.socket latchd-other.socket

prove 'with its socket alone it does not run' has ActiveState inactive
prove 'a connection starts it' is "$(ask noop)" 'OK '
prove 'it said that it is ready' has ActiveState active
prove 'the manager accepted the units' has Result success

pid=$(property MainPID)
status_of() {
	sed -n "s/^$1:\t//p" "/proc/$pid/status"
}
runs_as_nobody_known() {
	local uid

	uid=$(stat -c %u "/proc/$pid")
	echo "uid $uid"
	[ "$uid" -ge 61184 ] && [ "$uid" -le 65519 ]
}
has_own_network() {
	[ "$(readlink "/proc/$pid/ns/net")" != "$(readlink /proc/1/ns/net)" ]
}
prove 'its user is a dynamic one' runs_as_nobody_known
prove 'it has no capability' is "$(status_of CapEff)$(status_of CapBnd)" 00000000000000000000000000000000
prove 'its system calls are filtered' is "$(status_of Seccomp)" 2
prove 'it can gain no privilege' is "$(status_of NoNewPrivs)" 1
prove 'it has a network of its own' has_own_network
writes_where_it_may() {
	local root=/proc/$pid/root

	! touch "$root/x" 2>/dev/null && ! touch "$root/etc/x" 2>/dev/null &&
		! touch "$root/var/lib/x" 2>/dev/null && touch "$root/run/latchd/x"
}
prove 'it can write nowhere but where it may' writes_where_it_may
prove 'descriptors are raised for the largest number of clients' \
	grep -Eq '^Max open files +[0-9]{5,} ' "/proc/$pid/limits"

is "$(ask noop)" 'OK ' >/dev/null
hold
tell 'trylock lock=one' >/dev/null
exec {web}<>/dev/tcp/127.0.0.1/7003
printf 'trylock lock=one\n' >&"$web"
IFS= read -r -t $PATIENCE line <&"$web"
prove 'a second socket is a realm of its own' is "${line%$'\r'}" 'OK '
names_of() { # of what `locks` shows on descriptor $1
	printf 'locks\n' >&"$1"
	while IFS= read -r -t $PATIENCE line <&"$1" && [ -n "$line" ]; do
		[[ $line != *=* ]] || printf '%s,' "${line%% =*}"
	done
}
prove 'it has the prefix that the section of its name says' \
	is "$(names_of "$held")" '  one,  web.one,'
prove 'whose clients do not see it' is "$(names_of "$web")" '  one,'
shows_counts() {
	[ "$(property StatusText)" = "$1" ]
}
prove 'the status line counts clients and locks' eventually shows_counts '2 clients, 2 locks'
exec {web}>&-
prove 'and goes on counting' eventually shows_counts '1 clients, 1 locks'
let_go

ask_unix() {
	printf 'noop\r\n' | timeout $PATIENCE nc -N -U "$1"
}
prove 'a socket whose name no section has is served' is "$(ask_unix /run/latchd-other.sock)" $'OK \r'
prove 'a socket of its own, in its runtime directory' \
	is "$(ask_unix /run/latchd/latchd.sock)" $'OK \r'
prove 'a socket that does not listen is left alone' logged warning 'no listening stream socket'


# ask_as UID REQUEST: over the unix socket that all may open.
ask_as() {
	printf '%s\r\n' "$2" | timeout $PATIENCE setpriv --reuid "$1" --clear-groups nc -N -U /run/latchd/latchd.sock
}
attests() { # UID
	local answer

	answer=$(ask_as "$1" 'clients')
	printf '%s\n' "$answer"
	[[ $answer == *"&pid="*"&uid=$1&"* ]]
}
prove 'clients of a unix socket are who the kernel says' attests 4711
revokes() {
	hold
	is "$(tell 'trylock lock=stuck')" 'OK ' &&
		is "$(printf 'revoke stuck\r\n' | timeout $PATIENCE nc -N -U /run/latchd/admin.sock)" $'OK revoked=1\r' &&
		is_cut && logged info 'uid 0 (process '
}
prove 'an administrator takes a lock away, and is named in the log' revokes
admin_is_closed() {
	! setpriv --reuid 4711 --clear-groups nc -N -U /run/latchd/admin.sock </dev/null
}
prove 'the socket of administrators is closed to others' admin_is_closed

cat >>/etc/latchd.ini <<'INI'
[listen tcp]
address = 127.0.0.1:7004
INI
systemctl restart latchd.service 2>/dev/null
fails_with_69() {
	[ "$(property ExecMainStatus)" = 69 ]
}
prove 'an address without a socket ends the start with 69' eventually fails_with_69
prove 'and the log says where addresses belong' logged err 'addresses belong into latchd.socket'
plan
