#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# `latch run` when something is killed, stopped or cut off: nobody else is granted the lock while anything of the
# command lives. See then_granted in guards.bash.

# shellcheck disable=SC2016,SC2030,SC2031,SC2154,SC2317 # texts for other shells; bats: tests are subshells
load guards

# How long anything of it may last after SINCE, where the lease is 3 s: until its end, 1 s of which is a margin.
LEASE=3s LEASE_MS=3000

within() { # MS
	[ "$TOOK" -lt "$1" ] || fail "it lasted $TOOK ms, not less than $1"
}

@test "latch is killed with -9: its guard ends everything, then gives the lock back" {
	start_latchd
	cling a --
	since
	kill -KILL "${PIDS[a]}"
	then_granted a
	within 5000
	ends_with a 137
}

@test "the guard is killed with -9: latch ends everything, then gives the lock back" {
	start_latchd
	cling a --
	since
	kill -KILL "$(keeper_of a)"
	then_granted a
	within 5000
	ends_with a 125
	assert_match 'the guard of the command was killed' "$(cat a.err)"
}

@test "the command is killed with -9: 137, and its orphans are ended" {
	start_latchd
	behind a run a sh -c "perl '$CLIENTS/clinger.pl' '$DIR/a.beats' & echo \$\$ >pid; wait"
	eventually beats a 3
	since
	kill -KILL "$(cat pid)"
	then_granted a
	ends_with a 137
}

@test "whatever the command does to stay: deaf, in a session of its own, orphaned, stopped" {
	local way n=0

	start_latchd
	for way in deaf 'deaf away' 'deaf orphan' 'deaf away orphan' 'away orphan' 'deaf stopped' 'orphan stopped'; do
		n=$((n + 1))
		# shellcheck disable=SC2086
		behind "way$n" run --lease $LEASE "way$n" \
			sh -c 'perl "$@" & wait; sleep 60' sh "$CLIENTS/clinger.pl" "$DIR/way$n.beats" $way
	done
	for n in 1 2 3 4 5; do
		eventually beats "way$n" 3
	done
	eventually beats way6 1
	eventually beats way7 1
	since
	for n in 1 3 5 7; do
		kill -KILL "${PIDS[way$n]}"
	done
	for n in 2 4 6; do
		kill -KILL "$(keeper_of "way$n")"
	done
	for n in 1 2 3 4 5 6 7; do
		then_granted "way$n"
		within $((LEASE_MS + 2000))
	done
}

@test "one that forks again and again, and one that goes on in its children" {
	start_latchd
	cling forks --lease $LEASE -- deaf fork
	cling chain --lease $LEASE -- deaf chain
	since
	kill -KILL "${PIDS[forks]}" "$(keeper_of chain)"
	then_granted forks
	then_granted chain
}

@test "a tree of a thousand" {
	start_latchd
	# shellcheck disable=SC2034
	behind a run a perl -e '
		pipe my $here, my $i;
		sub stay { syswrite $i, "x"; sleep 300; exit }
		for (1 .. 30) { next if fork; for (1 .. 33) { next if fork; setpgrp; stay } stay }
		sysread $here, my $one, 1 for 1 .. 30 * 34;
		open my $ready, ">", "ready"; close $ready; sleep 300'
	eventually test -e ready
	kill -KILL "$(keeper_of a)"
	ends_with a 125
	none_is_left
}

@test "the connection alone is lost: the command goes on, the lock is its own" {
	start_with_admin <<<''
	cling a --lease 20s --
	kick_holder
	eventually grep -q 'trying again' a.err
	sleep 0.5
	is_held a
	exits 75 run -n a true
	! grep -q lost a.err || fail 'it was lost'
	kill "${PIDS[a]}"
	ends_with a 143
	exits 0 run -n a true
}

kick_holder() {
	latch -S "unix:$ADMIN" kick "$(latch inspect a | awk '$1 == "held" { print $10 }')"
}

@test "--lease 0: the lock goes with the connection, and so does the command" {
	start_with_admin <<<''
	cling a --lease 0 -- deaf
	since
	kick_holder
	ends_with a 125
	assert_match 'the lock is lost' "$(cat a.err)"
	exits 0 run -n a true
}

@test "the server stops past the lease: everything is ended inside the margin" {
	start_latchd
	cling a --lease $LEASE -- deaf away
	second a
	eventually waits a
	since # the last renewal was before
	kill -STOP "$LATCHD_PID"
	ends_with a 125
	assert_match 'its lease could not be renewed in time' "$(cat a.err)"
	kill -CONT "$LATCHD_PID"
	then_granted a
	within $LEASE_MS
}

@test "the server stops for less than that: nothing is lost" {
	start_latchd
	cling a --lease 20s --
	kill -STOP "$LATCHD_PID"
	sleep 1
	kill -CONT "$LATCHD_PID"
	exits 75 run -n a true
	is_running "${PIDS[a]}"
	assert_eq '' "$(cat a.err)"
}

@test "the server is killed and comes back: what it has forgotten is ended at once" {
	start_latchd
	cling a --lease 20s -- deaf
	kill_latchd
	since
	sleep 0.3
	is_running "${PIDS[a]}" # a lost connection alone ends nothing
	launch_latchd -l "127.0.0.1:$PORT"
	ends_with a 125
	assert_match 'knows of it no more' "$(cat a.err)"
	exits 0 run -w 20s a true
}

@test "the server is killed and stays away: as long as the lease less its margin" {
	start_latchd
	cling a --lease 6s --
	since
	kill_latchd
	ends_with a 125
	TOOK=$(awk -v since="$SINCE" -v now="$(now)" 'BEGIN { printf "%d", (now - since) * 1000 }')
	echo "# ended after $TOOK ms"
	[ "$TOOK" -ge 1000 ] # of 2 s at least: it was renewed each 2 s, and is given up after 4 s
	assert_match 'its lease could not be renewed in time' "$(cat a.err)"
	none_is_left
}

@test "revoked: everything is ended at once" {
	start_with_admin <<<''
	cling a -- deaf away
	since
	latch -S "unix:$ADMIN" revoke a
	ends_with a 125
	assert_match 'an administrator has revoked it' "$(cat a.err)"
	then_granted a
	within 2000
}

@test "--on-loss term: it is told and not forced; ignore: it is left alone" {
	start_with_admin <<<''
	behind a run --on-loss term a perl -e 'sub mark { open my $f, ">", "a.$_[0]"; close $f }
		$SIG{TERM} = sub { sleep 1; mark "over"; exit 3 }; mark "ready"; sleep 60'
	behind b run --on-loss ignore b sh -c 'touch b.ready; until [ -e go ]; do sleep 0.1; done; exit 4'
	eventually test -e a.ready
	eventually test -e b.ready
	latch -S "unix:$ADMIN" revoke a
	latch -S "unix:$ADMIN" revoke b
	ends_with a 125
	test -e a.over
	eventually grep -q 'it goes on' b.err
	touch go
	ends_with b 4
}

@test "--timeout never prolongs an end that a loss has begun" {
	start_with_admin <<<''
	cling a --timeout 3s -- deaf
	eventually grep -q 'within --timeout' a.err
	since
	latch -S "unix:$ADMIN" revoke a
	ends_with a 125
	then_granted a
	within 2000
}

@test "the guard is stopped past the lease: latch ends both inside the margin" {
	start_latchd
	cling a --lease 6s -- deaf
	second a
	eventually waits a
	since # the last renewal was before
	kill -STOP "$(keeper_of a)"
	then_granted a
	within 6000
	ends_with a 125
	assert_match 'does not renew' "$(cat a.err)"
}

@test "latch is stopped past the lease: its guard renews" {
	start_latchd
	cling a --lease $LEASE --
	kill -STOP "${PIDS[a]}"
	sleep 4
	exits 75 run -n a true
	kill -CONT "${PIDS[a]}"
	kill "${PIDS[a]}"
	ends_with a 143
	exits 0 run -n a true
}

@test "both are killed at once: the lease keeps others away, and the command is told to end" {
	start_latchd
	cling a --lease $LEASE --
	since
	kill -KILL "${PIDS[a]}" "$(keeper_of a)"
	then_granted a
	within 2000
}

@test "what may not be signalled is said, and the lock kept until it ends" {
	[ "$(id -u)" = 0 ] && command -v setpriv >/dev/null || skip 'this takes root'
	chmod 755 "$DIR" "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" || true
	start_latchd
	cp "$(command -v setpriv)" becomes-root
	chmod 4755 becomes-root
	LATCH_SERVER=127.0.0.1:$PORT spawn setpriv --reuid=65534 --clear-groups "$LATCH" run --timeout 300ms a \
		"$DIR/becomes-root" --ruid=0 --euid=0 sh -c 'echo $$ >pid; exec sleep 60' 2>a.err
	eventually grep -q 'belongs to another user and cannot be ended' a.err
	exits 75 run -n a true
	kill "$(cat pid)"
	local status=0
	finish "$SPAWNED_PID" || status=$?
	assert_eq 124 "$status"
	exits 0 run -n a true
}

# Packets are lost from one moment on.

start_across() {
	unshare -n sleep 1000 3>&- &
	other=$!
	CHILDREN+=("$other")
	ip link add here type veth peer name there
	eventually is_elsewhere
	ip link set there netns "$other"
	ip addr add 10.1.1.1/24 dev here
	ip link set here up
	there ip addr add 10.1.1.2/24 dev there
	there ip link set there up
	start_latchd -l 10.1.1.1:@PORT@ -l 127.0.0.1:@PORT@
}

is_elsewhere() {
	[ "$(readlink "/proc/$other/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}

there() {
	nsenter -t "$other" -n -- "$@"
}

cut_off() {
	start_across
	declare -A PIDS=()
	HOME_OF_TEST=$DIR LATCH_SERVER=10.1.1.1:$PORT spawn nsenter -t "$other" -n -- "$LATCH" run --lease $LEASE a \
		perl "$CLIENTS/clinger.pl" "$DIR/a.beats" deaf away 2>a.err
	PIDS[a]=$SPAWNED_PID
	eventually beats a 3
	second a
	eventually waits a
	there ip link set there down
	since # the last renewal was before
	then_granted a
	[ "$TOOK" -lt $LEASE_MS ]
	ends_with a 125
	grep -q 'could not be renewed in time' a.err
}

short_cut() {
	start_across
	declare -A PIDS=()
	HOME_OF_TEST=$DIR LATCH_SERVER=10.1.1.1:$PORT spawn nsenter -t "$other" -n -- "$LATCH" run --lease 12s a \
		sh -c 'touch ready; sleep 10; echo through' >a.out 2>a.err
	PIDS[a]=$SPAWNED_PID
	eventually test -e ready
	sleep 3.5 # a renewal is about to be sent, and has 4 s until the lock is given up
	there ip link set there down
	sleep 1.5
	there ip link set there up
	ends_with a 0
	grep -q through a.out
}

@test "packets are lost past the lease: everything is ended inside the margin" {
	export LATCH LEASE LEASE_MS
	in_own_network cut_off
}

@test "packets are lost for a moment: nothing is" {
	export LATCH LEASE LEASE_MS
	in_own_network short_cut
}

@test "500 short runs while guards and commands are killed and stopped at random: no two at a time" {
	start_latchd
	mkdir race
	cd race
	# What finds leaks is a process that would be taken for a guard, and killed or stopped for ever.
	export ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
	HOME_OF_TEST=$DIR perl "$CLIENTS/run_race.pl" "$LATCH" "127.0.0.1:$PORT" "${RUN_RACE_RUNS:-500}" \
		>../race.log 2>&1 3>&- || fail "$(cat ../race.log)"
	[ -z "${RUN_RACE_RUNS:-}" ] || echo "# $(cat ../race.log)" >&3
}
