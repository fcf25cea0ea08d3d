#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The command line, and what is wrong in a configuration.

# shellcheck disable=SC2030,SC2031,SC2154 # bats: tests are subshells; run sets variables
load process

@test "-h prints the usage and every option" {
	run -0 --separate-stderr "$LATCHD" -h
	[ -z "$stderr" ]
	[[ $output == 'usage: latchd '* ]]
	for word in -c --config -l --listen -t --check-config -v --verbose -V --version -h --help; do
		[[ $output == *" $word"[,\ ]* ]]
	done
	usage=$output
	run -0 "$LATCHD" --help
	assert_eq "$usage" "$output"
}

@test "-V prints the version" {
	run -0 --separate-stderr "$LATCHD" -V
	[ -z "$stderr" ]
	[[ $output =~ ^latchd\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	version=$output
	run -0 "$LATCHD" --version
	assert_eq "$version" "$output"
}

@test "a command line that is wrong: 64, and the usage" {
	for arguments in --nonsense -x -c -l --config --check-config=1 stray '-t stray'; do
		# shellcheck disable=SC2086
		run -64 --separate-stderr timeout "$LIMIT" "$LATCHD" $arguments
		[ -z "$output" ]
		[[ $stderr == *'usage: latchd '* ]]
	done
	[[ $stderr == 'latchd: what is this? stray'* ]]
}

@test "-t says that a configuration is good" {
	run -0 "$LATCHD" -t
	assert_eq 'latchd: the built-in configuration: good' "$output"
	printf '[server]\nmax_line = 1K\n' >good.ini
	run -0 "$LATCHD" --check-config --config good.ini
	assert_eq 'latchd: good.ini: good' "$output"
}

@test "-t does not start anything" {
	run -0 timeout "$LIMIT" "$LATCHD" -t -l "unix:$DIR/socket"
	[ ! -e socket ]
}

@test "what -tv prints is read back as the same" {
	cat >all.ini <<-'INI'
		[server]
		max_clients = 77
		max_clients_per_ip = 7
		max_line = 300
		max_output = 5 KiB
		line_timeout = 1.5s
		idle_timeout = 90m
		keepalive = 2s
		backlog = 9
		state_dir = /var/lib/latchd
		[locks]
		max_locks = 70
		max_locks_per_client = 60
		max_name = 50
		max_waiters = 40
		max_waits_per_client = 30
		max_lease = 1.5h
		max_detached = 20
		max_note = 0
		history = 0
		[log]
		level = debug
		[listen one]
		address = 127.0.0.1:7100
		prefix = a;b #c=d
		max_clients = 5
		max_locks = 6
		mode = 0600
		[listen two]
		address = [::1]:7100
		[listen three]
		address = unix:/three
		admin = on
	INI
	sed -i 's/ #c/c/' all.ini
	"$LATCHD" -tv -c all.ini >printed.ini
	"$LATCHD" -tv -c printed.ini >again.ini
	cmp printed.ini again.ini
	for line in 'max_clients = 77' 'state_dir = /var/lib/latchd' 'line_timeout = 1500ms' 'prefix = a;bc=d' 'mode = 0600' \
		'\[listen two\]' 'max_lease = 90m' 'history = 0' 'mode = 0' 'admin = yes'; do
		grep -qx "$line" printed.ini
	done
	"$LATCHD" -tv >defaults.ini # -v raises the level, and nothing else
	"$LATCHD" -tv -c defaults.ini | cmp - defaults.ini
	grep -qx 'address = 127.0.0.1:7002' defaults.ini
}

@test "-tv shows the addresses of -l in the place of the file's" {
	printf '[listen web]\naddress = 127.0.0.1:7100\n' >web.ini
	run -0 "$LATCHD" -tv -c web.ini -l 127.0.0.1:7200 -l 127.0.0.1:7201
	[[ $output != *7100* && $output == *'[listen arg1]'*7200*'[listen arg2]'*7201* ]]
}

@test "a configuration that cannot be read: 78, and why" {
	mkdir folder
	mkfifo fifo
	for file in missing folder fifo /dev/zero; do
		run -78 --separate-stderr timeout "$LIMIT" "$LATCHD" -c $file
		[ -z "$output" ]
		[[ $stderr == "latchd: $file: "* ]]
		case $file in
		missing) [[ $stderr == *'No such file'* ]] ;;
		folder) [[ $stderr == *'is a directory, not a regular file' ]] ;;
		fifo) [[ $stderr == *'is a pipe, not a regular file' ]] ;;
		*) [[ $stderr == *'is a device, not a regular file' ]] ;;
		esac
	done
}

# A file of TEXT is refused with REASON on LINE, by -t and by a start.
refused() { # TEXT LINE REASON
	printf '%b' "$1" >bad.ini
	for check in '' -t; do
		# shellcheck disable=SC2086
		run -78 --separate-stderr timeout "$LIMIT" "$LATCHD" $check -c bad.ini
		[ -z "$output" ]
		# shellcheck disable=SC2154
		[[ $stderr == "latchd: bad.ini:$2: "*"$3"* ]] || fail "not line $2, $3: $stderr"
	done
}

@test "configuration errors: sections and keys that do not exist" {
	refused '[sever]\n' 1 'did you mean [server]?'
	refused '\n[nonsense]\nx = 1\n' 2 'there is no section [nonsense]'
	refused '[server]\nmax_cleints = 1\n' 2 'did you mean max_clients?'
	refused '[server]\nmax_name = 1\n' 2 'it belongs in [locks]'
	refused '; nothing\nmax_line = 1K\n' 2 'before any section'
}

@test "configuration errors: values" {
	refused '[server]\nmax_line = many\n' 2 'max_line must be between 256 and 65536'
	refused '[server]\nmax_clients = 0\n' 2 'max_clients must be between 1 and 1000000'
	refused '[server]\nmax_clients = 99999999999999999999\n' 2 'max_clients must be'
	refused '[server]\nline_timeout = 2 weeks\n' 2 'line_timeout must be between 1s and 1h'
	refused '[server]\nbacklog = -1\n' 2 'backlog must be'
	refused '[server]\nbacklog =\n' 2 'backlog needs a value'
	refused '[log]\nlevel = loud\n' 2 'level must be error, warning, info or debug'
	refused '[listen a]\naddress = nonsense\n' 2 'expected HOST:PORT'
	refused '[listen a]\naddress = 127.0.0.1:70000\n' 2 'the port has to be'
	refused '[listen a]\naddress = ::1:7002\n' 2 'in brackets'
	refused '[listen a]\naddress = unix:/a\nmode = 999\n' 3 'octal'
	refused '[listen a]\naddress = unix:/a\nadmin = maybe\n' 3 'admin must be yes or no, not maybe'
	refused '[locks]\nmax_lease = 30001h\n' 2 'max_lease must be between 1s and 720h'
}

@test "configuration errors: administrators over TCP" {
	refused '[listen a]\nadmin = yes\naddress = 127.0.0.1:7100\n' 2 \
		'admin = yes needs an address like unix:/run/latchd/admin.sock, since over TCP'
}

@test "configuration errors: said twice, or not at all" {
	refused '[server]\nmax_line = 1K\nmax_line = 2K\n' 3 'already set on line 2'
	refused '[server]\n[locks]\n[server]\n' 3 'already stands on line 1'
	refused '[listen a]\naddress = a:1\n[listen a]\naddress = b:1\n' 3 'already stands on line 1'
	refused '[listen a]\naddress = a:1\n[listen b]\naddress = a:1\n' 4 'already has this address'
	refused '[server]\n[listen a]\nprefix = x\n' 2 'needs an address'
}

@test "configuration errors: lines that would be read otherwise than they look" {
	refused "[server]\nmax_line = 1K ; $(seq -s x 200)\n" 2 'bytes, and no more than'
	refused '[server]\nmax_line = 1K\n  max_output = 5K\n' 3 'must not begin with a blank'
	refused '[server]\nmax_line\n' 2 'neither a section nor an option'
	refused '[server\n' 1 "']' is missing"
	refused '[server]\nmax_line = 1K\0\n' 2 'NUL'
}

@test "all errors of a file are told, each with its line" {
	printf '[server]\nmax_line = x\nbacklog = y\n[nonsense]\nz = 1\n[log]\nlevel = q\n' >bad.ini
	run -78 --separate-stderr "$LATCHD" -t -c bad.ini
	assert_eq '2 3 4 7 ' "$(sed -n 's/^latchd: bad.ini:\([0-9]*\): .*/\1/p' <<<"$stderr" | tr '\n' ' ')"
}
