#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Hosts that vanish: packets are lost from one moment on, and no connection is ever closed. Two hosts are two
# network namespaces with a cable between them.

# shellcheck disable=SC2030,SC2031,SC2154,SC2317 # bats: tests are subshells; functions run by name in namespaces
load operation

setup() {
	operation_setup
}

teardown() {
	operation_teardown
}

# What the daemon promises for keepalive = 2s: it is known after 2 s and three probes 1 s apart; and what a slow
# machine may take. Otherwise the kernel would need a quarter of an hour, or with the default of the daemon 25 s.
BOUND_MS=10000

# on_a_host_of_its_own FUNCTION: in a network of its own. $other is a process on the other host.
on_a_host_of_its_own() {
	needs_netns
	{
		declare -f
		declare -p LATCHD HOST PORT PATIENCE BOUND_MS pids
		printf '%s\n' 'set -eu' connect_hosts "$1"
	} >inside
	# A process group of its own, all of which goes at the end.
	setsid unshare -rn bash ./inside 3>&- &
	group=$!
	status=0
	wait $group || status=$?
	kill -KILL -- -$group 2>/dev/null || true
	return $status
}

connect_hosts() {
	HOST=10.1.1.1
	unshare -n sleep 1000 &
	other=$!
	ip link set lo up
	ip link add here type veth peer name there
	# Until it has a network of its own, the cable would end here.
	eventually is_elsewhere
	ip link set there netns "$other"
	ip addr add 10.1.1.1/24 dev here
	ip link set here up
	there ip addr add 10.1.1.2/24 dev there
	there ip link set there up
	eventually has_carrier
}
is_elsewhere() {
	[ "$(readlink "/proc/$other/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}
has_carrier() {
	[ "$(cat /sys/class/net/here/carrier 2>/dev/null || ip -o link show here | grep -c LOWER_UP)" = 1 ]
}
there() {
	nsenter -t "$other" -n -- "$@"
}

# A client over there that takes a lock of that name and says nothing more until the file "go-NAME" is there: then it
# sends the lines of that file.
client_there() {
	# shellcheck disable=SC2016
	there bash -c '
		exec 5<>"/dev/tcp/$1/$2" || exit
		printf "trylock lock=$3\r\n" >&5
		read -r reply <&5
		echo "$reply" >"granted-$3"
		until [ -e "go-$3" ]; do sleep 0.05; done
		cat "go-$3" >&5
		sleep 1000
	' client "$HOST" "$PORT" "$1" &
	eventually test -s "granted-$1"
	is "$(ask "trylock lock=$1")" 'ERR taken '
}

is_free() {
	[ "$(ask "trylock lock=$1")" = 'OK ' ]
}
# is_freed NAME...: not at once, since nobody has said anything; but in time.
is_freed() {
	local begun name took
	begun=$(now_ms)

	for name; do
		is "$(ask "trylock lock=$name")" 'ERR taken '
	done
	for name; do
		eventually is_free "$name"
		took=$(($(now_ms) - begun))
		echo "$name is free after $took ms"
		[ $took -lt $BOUND_MS ]
	done
}

start_for_the_other() {
	start_with_config <<<$'[server]\nkeepalive = 2s'
	# Who is silent only, and here, stays.
	connect silent
	is "$(talk "$silent" 'trylock lock=silent')" 'OK '
}

silent_holder() {
	start_for_the_other
	client_there idle
	there ip link set there down
	is_freed idle
	is "$(ask 'trylock lock=silent')" 'ERR taken '
}

@test "a host that vanishes: its locks are free when the probes are over" {
	on_a_host_of_its_own silent_holder
}

has_taken() {
	is "$(ask "trylock lock=$1")" 'ERR taken '
}
has_unacknowledged() {
	[ "$(ss -Htn state established src "$HOST:$PORT" dst 10.1.1.2 | awk '$2 > 0' | wc -l)" = "$1" ]
}

deaf_holder() {
	start_for_the_other
	client_there answered
	client_there stuck
	seq -f 'trylock lock=%0200g' 5000 >go-stuck.new
	yes locks | head -n 100 >>go-stuck.new
	mv go-stuck.new go-stuck # which it does not read the replies of
	eventually has_unacknowledged 1
	# From here on nothing of this host arrives there, while that one does not know and does not ask.
	there ip neigh replace 10.1.1.1 lladdr "$(cat /sys/class/net/here/address 2>/dev/null ||
		ip -o link show here | sed 's/.*ether \([0-9a-f:]*\).*/\1/')" dev there nud permanent
	ip neigh replace 10.1.1.2 lladdr 02:00:00:00:00:99 dev here nud permanent
	echo 'trylock lock=more' >go-answered
	eventually has_taken more
	has_unacknowledged 2
	there ip link set there down
	is_freed answered more stuck
	is "$(ask 'trylock lock=silent')" 'ERR taken '
}

@test "a host that vanishes while replies to it are on their way: the same" {
	on_a_host_of_its_own deaf_holder
}
