#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# Start, reload, restart, hanging, dying and stopping, and the journal all the while.
# shellcheck source=tests/systemd/prove.bash
. "$(dirname "$0")/prove.bash"

cat >/etc/latchd.ini <<'INI'
[locks]
max_locks_per_client = 1
INI
systemctl start latchd.socket
systemctl start latchd.service
pid=$(property MainPID)

# The first of its tokens.

block() {
	sed -n 's/^latchd-fence 1 \([0-9]*\) [0-9a-f]*$/\1/p' /var/lib/latchd/fence
}
has_reserved_more() {
	echo "$before, then $(block)"
	[ "$(block)" -gt "$before" ]
}
before=$(($(date +%s) - PATIENCE))
prove 'tokens are reserved in its state directory' has_reserved_more
prove 'which the log names' logged info '(/var/lib/latchd/fence, which is new)'
prove 'and is where its user may write' is "$(stat -L -c %u /var/lib/latchd /var/lib/latchd/fence | uniq)" \
	"$(stat -c %u "/proc/$pid")"

# Reload.

hold
tell 'trylock lock=one' >/dev/null
prove 'the configuration that it started with' \
	is "$(tell 'trylock lock=two')" 'ERR too_many_locks_per_client '
sed -i 's/= 1/= 2/' /etc/latchd.ini
prove 'a reload succeeds' systemctl reload latchd.service
is_reloaded() {
	[ "$(tell 'trylock lock=two')" = 'OK ' ]
}
prove 'and is in effect, for the same connection' eventually is_reloaded
prove 'in the same process' has MainPID "$pid"
prove 'with what has changed in the log, at info' eventually logged info 'max_locks_per_client: now 2, was 1'
sed -i 's/= 2/= many/' /etc/latchd.ini
prove 'a reload of a bad file ends as well' timeout $PATIENCE systemctl reload latchd.service
prove 'with file, line and reason in the log, at err' \
	eventually logged err '/etc/latchd.ini:2: max_locks_per_client must be'
prove 'while the service goes on' has ActiveState active
prove 'as it was' is "$(tell 'trylock lock=three')" 'ERR too_many_locks_per_client '
sed -i 's/= many/= 2/' /etc/latchd.ini

# The journal.

is_plain() { # neither a priority nor a time in front
	! messages info | grep -E '^(<[0-9]>|[0-9]{4}-)'
}
prove 'lines carry no time of their own' is_plain
prove 'the start is in the log, at info' logged info 'listening on 127.0.0.1:7002 (default)'

# Restart.

connect_all_the_while() {
	local failures=0

	while [ ! -e /tmp/enough ]; do
		[ "$(ask noop 2>&1)" = 'OK ' ] || failures=$((failures + 1))
		echo >>/tmp/asked
	done
	echo "$failures" >/tmp/failures
}
before=$(block)
connect_all_the_while &
for _ in 1 2 3 4 5; do
	systemctl restart latchd.service
done
prove 'a restart ends the connections that it had' is_cut
let_go
asked_more() {
	[ "$(wc -l </tmp/asked)" -gt $((had + 3)) ]
}
had=$(wc -l </tmp/asked)
prove 'clients were served after it' eventually asked_more
touch /tmp/enough
wait %1
# Who was accepted in the moment of the stop may be cut, once a restart at most. Nobody is refused.
prove 'who connects during a restart waits and is served' test "$(cat /tmp/failures)" -le 5
prove 'its tokens are above those from before' has_reserved_more
prove 'the locks that were held are free' is "$(ask 'trylock lock=one')" 'OK '

# It hangs.

drop_in latchd.service <<'UNIT'
[Service]
WatchdogSec=1s
UNIT
systemctl restart latchd.service
pid=$(property MainPID)
sleep 2.5
prove 'the watchdog is fed while nothing happens' has MainPID "$pid"
hold
tell 'trylock lock=one' >/dev/null
kill -STOP "$pid"
is_another() {
	has ActiveState active && ! has MainPID "$pid"
}
prove 'a process that hangs is replaced' eventually is_another
prove 'because of the watchdog' eventually logged err 'Watchdog timeout'
prove 'its clients see the end' is_cut
let_go
prove 'the next one serves' is "$(ask 'trylock lock=one')" 'OK '

# It dies.

before=$(block)
pid=$(property MainPID)
kill -KILL "$pid"
prove 'who connects to a dead one waits for the next' is "$(ask noop)" 'OK '
prove 'which is another process' is_another
prove 'with tokens above those of the dead one' has_reserved_more

# A configuration that is wrong from the start.

echo '[sever]' >/etc/latchd.ini
systemctl restart latchd.service 2>/dev/null
prove 'a wrong configuration fails the start' has ActiveState failed
prove 'with status 78' has ExecMainStatus 78
prove 'and the reason in the log, at err' logged err '/etc/latchd.ini:1: there is no section [sever]'
sleep 1
prove 'it is not tried again' has ActiveState failed
hold # which would start it again and again
prove 'nor for ever because of somebody who waits' eventually has ActiveState failed latchd.socket
prove 'who is sent away' is_cut
let_go
: >/etc/latchd.ini
prove 'mended, it starts' systemctl start latchd.service
prove 'and serves' is "$(ask noop)" 'OK '

# Tokens that may have been given.

echo "latchd-fence 1 $(block) 0" >/tmp/fence
cp /tmp/fence /var/lib/latchd/fence
systemctl restart latchd.service 2>/dev/null
prove 'what is wrong with the file of its tokens fails the start' eventually has ExecMainStatus 78
prove 'and is in the log, at err' logged err '/var/lib/latchd/fence is damaged, its checksum is wrong: put back'
rm /var/lib/latchd/fence
systemctl reset-failed latchd.socket latchd.service
prove 'without it, it starts' systemctl start latchd.service
printf '[server]\nstate_dir = /run/latchd\n' >/etc/latchd.ini
prove 'a directory that the configuration says comes first' systemctl restart latchd.service
prove 'in the place of the other' test -e /run/latchd/fence
printf '[server]\nstate_dir = /var/lib\n' >/etc/latchd.ini
systemctl restart latchd.service 2>/dev/null
prove 'one that it cannot write to fails the start' eventually has ExecMainStatus 78
prove 'with the reason' logged err 'cannot open /var/lib/fence.lock: Read-only file system'
: >/etc/latchd.ini
systemctl reset-failed latchd.socket latchd.service
prove 'without such a line it starts' systemctl start latchd.service

# Without a file there is nothing to reload, but the manager waits for an end.

drop_in latchd.service <<'UNIT'
[Service]
ExecStart=
ExecStart=/usr/sbin/latchd
UNIT
systemctl restart latchd.service
prove 'a reload without a file ends' timeout $PATIENCE systemctl reload latchd.service
prove 'and says so in the log' eventually logged warning 'nothing to reload'

# Stop.

hold
tell 'trylock lock=one' >/dev/null
begun=$SECONDS
systemctl stop latchd.socket latchd.service
prove 'a stop takes no longer than it should' test $((SECONDS - begun)) -le 3
prove 'it ended by itself' has Result success
prove 'with status 0' has ExecMainStatus 0
prove 'its clients see the end' is_cut
refuses() {
	! ask noop 2>/dev/null
}
prove 'nobody is let in any more' refuses
plan
