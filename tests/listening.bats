#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Starting to listen: which addresses, which of them fail and how, unix sockets, coming back.

# shellcheck disable=SC2030,SC2031,SC2154,SC2317 # bats: tests are subshells; functions run by name
load process

@test "it serves within a second of its start" {
	for _ in 1 2 3 4 5; do
		free_port PORT
		# From here on nothing but the daemon is started, whose time would count.
		begun=${EPOCHREALTIME/[.,]/}
		launch_latchd -l "127.0.0.1:$PORT"
		until connect c 2>/dev/null; do
			[ $((${EPOCHREALTIME/[.,]/} - begun)) -lt 30000000 ]
		done
		send c 'noop\r\n'
		read_line c reply
		took=$(((${EPOCHREALTIME/[.,]/} - begun) / 1000))
		assert_eq $'OK \r' "$reply"
		[ "${best:=$took}" -lt $took ] || best=$took
	done
	echo "# serving after $best ms" >&3
	[ "$best" -lt 1000 ]
}

serves_without_arguments() {
	launch_latchd
	assert_log 'listening on'
	PORT=7002
	transcript 'noop\r\n' 'OK \r\n'
	assert_eq 127.0.0.1:7002 "$(ss -Htln | awk '{print $4}')"
}

@test "without arguments it serves on 127.0.0.1:7002, and only there" {
	in_own_network serves_without_arguments
}

@test "-l takes several addresses, and leaves out those of the file" {
	printf '[listen web]\naddress = %s\n' "unix:$DIR/file" >web.ini
	start_latchd -c web.ini -l 127.0.0.1:@PORT@ -l "unix:$DIR/socket"
	transcript 'noop\r\n' 'OK \r\n'
	transcript 'noop\r\n' 'OK \r\n' --to "unix:$DIR/socket"
	[ ! -e file ]
}

serves_on_every_address() {
	start_latchd -l '*:@PORT@'
	assert_log "listening on .*:$PORT \(arg1\)$"
	transcript 'noop\r\n' 'OK \r\n'
	if grep -q ' lo$' /proc/net/if_inet6; then # a host may be without IPv6
		transcript 'noop\r\n' 'OK \r\n' --to "[::1]:$PORT"
	fi
}

@test "every address: IPv4 and IPv6" {
	in_own_network serves_on_every_address
}

fails_to_listen() { # STATUS TEXT ARG...
	run "-$1" --separate-stderr timeout "$LIMIT" "$LATCHD" "${@:3}"
	[[ $stderr == *"$2"* ]] || fail "not $2: $stderr"
}

@test "an address that is no address: 78, and why" {
	fails_to_listen 78 'latchd: -l: address nonsense: expected HOST:PORT' -l nonsense
	fails_to_listen 78 'the port has to be a number' -l 127.0.0.1:
	fails_to_listen 78 'the path after unix: is missing' -l unix:
	fails_to_listen 78 'too long for a unix socket' -l "unix:/$(seq -s x 50)"
	fails_to_listen 78 'is given twice' -l 127.0.0.1:7100 -l 127.0.0.1:7100
}

@test "an address that is taken: 69, and advice" {
	start_latchd
	fails_to_listen 69 "cannot listen on 127.0.0.1:$PORT: Address already in use; is another server running there?" \
		-l "127.0.0.1:$PORT"
	transcript 'noop\r\n' 'OK \r\n'
}

@test "an address that this host does not have: 69, and advice" {
	fails_to_listen 69 'this host has no such address' -l 192.0.2.1:7002
}

@test "a name that is not known now may be known later: 69" {
	fails_to_listen 69 'could not be looked up' -l no.such.host.invalid:7002
}

@test "one address of several that fails ends the start, and leaves no socket behind" {
	fails_to_listen 69 'No such file or directory' -l "unix:$DIR/socket" -l "unix:$DIR/no/folder"
	[ ! -e socket ]
}

@test "a unix socket has its mode, whatever the umask, and is removed at the end" {
	umask 0077
	start_with_ini <<-INI
		[listen a]
		address = unix:@DIR@/a
		mode = 0606
		[listen b]
		address = unix:@DIR@/b
	INI
	assert_eq '606 660 ' "$(stat -c %a a b | tr '\n' ' ')"
	transcript 'noop\r\n' 'OK \r\n' --to "unix:$DIR/a"
	stop_latchd
	[ ! -e a ] && [ ! -e b ]
}

@test "the socket of administrators is 0600 unless its mode is set" {
	umask 0
	start_with_ini <<-INI
		[server]
		state_dir = @DIR@
		[listen a]
		address = unix:@DIR@/a
		admin = yes
		[listen b]
		address = unix:@DIR@/b
		admin = yes
		mode = 0640
		[listen c]
		address = unix:@DIR@/c
		mode = 0
	INI
	assert_eq '600 640 660 ' "$(stat -c %a a b c | tr '\n' ' ')"
	transcript 'noop\r\n' 'OK \r\n' --to "unix:$DIR/a"
	assert_eq 0 "$(count_log warning)"
}

# Inherits a TCP and a unix socket at the path "inherited", both by that name.
launch_with_sockets() { # NAME
	cat >inherit <<-'PERL'
		use Socket;
		use POSIX qw(dup2);
		my ($name, $tcp, $unix) = shift;
		socket($tcp, PF_INET, SOCK_STREAM, 0) && bind($tcp, sockaddr_in(0, INADDR_LOOPBACK)) or die;
		socket($unix, PF_UNIX, SOCK_STREAM, 0) && bind($unix, sockaddr_un("inherited")) or die;
		listen($_, 10) or die for $tcp, $unix;
		dup2(fileno($tcp), 20) && dup2(fileno($unix), 21) && dup2(20, 3) && dup2(21, 4) or die;
		POSIX::close($_) for 20, 21;
		@ENV{qw(LISTEN_PID LISTEN_FDS LISTEN_FDNAMES)} = ($$, 2, "$name:$name");
		exec @ARGV or die;
	PERL
	LATCHD_WRAP="perl inherit $1" launch_latchd -c latchd.ini
}

@test "an inherited socket that is not a unix socket is served without admin, with a warning" {
	printf '[server]\nstate_dir = %s\n[listen admin]\naddress = unix:%s/own\nadmin = yes\n' "$DIR" "$DIR" >latchd.ini
	launch_with_sockets admin
	assert_log 'listening on unix:'
	[ ! -e own ] || skip 'built without libsystemd'
	assert_eq 1 "$(count_log 'warning: ')"
	assert_log 'warning: 127\.0\.0\.1:[0-9]* \(admin\) is no unix socket: served without admin, since the kernel attests'
	transcript 'noop\r\n' 'OK \r\n' --to "unix:$DIR/inherited"
	PORT=$(sed -n 's/^.*listening on 127[^ ]*:\([0-9]*\) .*/\1/p' "$LOG")
	transcript 'noop\r\n' 'OK \r\n'
}

@test "a unix socket that a dead server left is taken over" {
	start_latchd -l "unix:$DIR/socket"
	kill_latchd
	[ -S socket ]
	launch_latchd -l "unix:$DIR/socket"
	assert_log listening
	transcript 'noop\r\n' 'OK \r\n' --to "unix:$DIR/socket"
}

@test "a unix socket that lives is not, and goes on" {
	start_latchd -l "unix:$DIR/socket"
	fails_to_listen 69 'Address already in use; is another server running there?' -l "unix:$DIR/socket"
	transcript 'noop\r\n' 'OK \r\n' --to "unix:$DIR/socket"
}

@test "a file in the way of a unix socket is not touched" {
	echo precious >socket
	fails_to_listen 69 'Address already in use' -l "unix:$DIR/socket"
	assert_eq precious "$(cat socket)"
}

@test "an event back end that does not exist: 71, and which there are" {
	export DSOCK_BACKEND=nonsense
	free_port PORT
	fails_to_listen 71 'there are epoll and poll' -l "127.0.0.1:$PORT"
}

# The daemon anew at the port where one was: at the first try.
comes_back() {
	launch_latchd -l "127.0.0.1:$PORT"
	assert_log 'listening on'
}

@test "it comes back at the same port at once, old connections or not" {
	start_latchd
	connect c
	ask c 'trylock lock=a\r\n' 'OK \r\n'
	stop_latchd # which closed first: the port has a connection in TIME_WAIT, if anything
	comes_back
	connect d
	ask d 'trylock lock=a\r\n' 'OK \r\n'
	kill_latchd
	comes_back
	transcript 'trylock lock=a\r\n' 'OK \r\n'
}
