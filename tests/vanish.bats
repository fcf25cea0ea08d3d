#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Hosts that vanish: packets are lost from one moment on, and no connection is ever closed. Two hosts are two
# network namespaces with a cable between them.

# shellcheck disable=SC2030,SC2031,SC2154,SC2317 # bats: tests are subshells; functions run by name in namespaces
load process

# What the daemon promises for keepalive = 2s: it is known after 2 s and three probes 1 s apart; and what a slow
# machine may take. Otherwise the kernel would need a quarter of an hour, or with the default of the daemon 25 s.
export BOUND_MS=20000 SOONEST_MS=2000

# This host is 10.1.1.1, the other one, where the process $other is, 10.1.1.2.
connect_hosts() {
	spawn unshare -n sleep 1000
	other=$SPAWNED_PID
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
client_there() { # NAME
	# shellcheck disable=SC2016
	spawn nsenter -t "$other" -n -- bash -c '
		exec 5<>"/dev/tcp/10.1.1.1/$1" || exit
		printf "trylock lock=$2\r\n" >&5
		read -r reply <&5
		echo "$reply" >"granted-$2"
		until [ -e "go-$2" ]; do sleep 0.05; done
		cat "go-$2" >&5
		sleep 1000
	' client "$PORT" "$1"
	eventually test -s "granted-$1"
	is_taken "$1"
}

is_taken() { # NAME
	transcript "trylock lock=$1\r\n" 'ERR taken \r\n'
}

# Not at once, since nobody has said anything; but in time after $begun.
is_freed() { # NAME...
	local name took

	for name; do
		is_taken "$name" || [ "$(now_ms)" -ge $((begun + SOONEST_MS)) ]
	done
	connect other
	for name; do
		until_granted other "$name"
		took=$(($(now_ms) - begun))
		echo "$name is free after $took ms"
		[ $took -lt $BOUND_MS ]
	done
}

start_for_the_other() {
	connect_hosts
	start_with_ini <<-INI
		[server]
		keepalive = 2s
		[listen there]
		address = 10.1.1.1:@PORT@
		[listen here]
		address = 127.0.0.1:@PORT@
	INI
	# Who is silent only, and here, stays.
	connect silent
	ask silent 'trylock lock=silent\r\n' 'OK \r\n'
}

silent_holder() {
	start_for_the_other
	client_there idle
	begun=$(now_ms)
	there ip link set there down
	is_freed idle
	is_taken silent
}

@test "a host that vanishes: its locks are free when the probes are over" {
	in_own_network silent_holder
}

has_unacknowledged() { # CONNECTIONS
	[ "$(ss -Htn state established src "10.1.1.1:$PORT" dst 10.1.1.2 | awk '$2 > 0' | wc -l)" = "$1" ]
}

deaf_holder() {
	start_for_the_other
	client_there answered
	client_there stuck
	seq -f 'trylock lock=%0200g' 5000 >go-stuck.new
	yes locks | head -n 100 >>go-stuck.new
	mv go-stuck.new go-stuck # which it does not read the replies of
	eventually has_unacknowledged 1
	begun=$(now_ms)
	# From here on nothing of this host arrives there, while that one does not know and does not ask.
	there ip neigh replace 10.1.1.1 lladdr "$(cat /sys/class/net/here/address 2>/dev/null ||
		ip -o link show here | sed 's/.*ether \([0-9a-f:]*\).*/\1/')" dev there nud permanent
	ip neigh replace 10.1.1.2 lladdr 02:00:00:00:00:99 dev here nud permanent
	echo 'trylock lock=more' >go-answered
	eventually is_taken more
	has_unacknowledged 2
	there ip link set there down
	is_freed answered more stuck
	is_taken silent
}

@test "a host that vanishes while replies to it are on their way: the same" {
	in_own_network deaf_holder
}
