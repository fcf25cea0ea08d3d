#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The command-line client against a real daemon: every option, every exit status, tables and JSON.

# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # bats: tests are subshells; run sets variables
load process

LATCH=${LATCH:-$BUILD/latch}

# Of the last daemon; `-S` behind the subcommand may say another one.
latch() {
	timeout "$LIMIT" "$LATCH" -S "127.0.0.1:$PORT" "$@" 3>&-
}

# What latch says of itself, and nothing on standard output.
refused() { # STATUS REGEX ARG...
	local status=$1 regex=$2

	shift 2
	run -"$status" --separate-stderr latch "$@"
	[ -z "$output" ] || fail "printed: $output"
	[ "$(wc -l <<<"$stderr")" -eq 1 ] || fail "more than one line: $stderr"
	assert_match "^latch: $regex" "$stderr"
}

# Standard input is JSON, and the Python expression about `j` holds.
json() { # EXPRESSION
	"$PYTHON" -c 'import json, sys
j = json.load(sys.stdin)
assert eval("(" + sys.argv[1] + ")"), j' "$1"
}

subcommands() {
	"$LATCH" --help | sed -n '/^  latch /d; s/^  \([a-z]*\) .*/\1/p'
}

n_lines() { # N CMD...
	local n=$1

	shift
	assert_eq "$n" "$("$@" | wc -l)" "the number of lines of $*"
}

# The value of KEY of the first line of inspect.
inspected() { # NAME KEY
	latch inspect --json "$1" | "$PYTHON" -c 'import json, sys
j = json.load(sys.stdin)
print(j[0].get(sys.argv[1]) if j else "free")' "$2"
}

has_waiters() { # NAME N
	latch inspect --json "$1" | json "len([x for x in j if x['state'] == 'waiting']) == $2" 2>/dev/null
}

restart_latchd() {
	launch_latchd -l "127.0.0.1:$PORT"
	eventually has_started "$LATCHD_PID" "$LOG" 1
	is_running "$LATCHD_PID" || fail "$(cat "$LOG")"
}

# --- The command line

@test "help, version, and a subcommand's own help" {
	run -0 --separate-stderr "$LATCH" --help
	[[ $output == 'usage: latch COMMAND '* && -z $stderr ]]
	help=$output
	for form in -h help; do
		run -0 "$LATCH" $form
		assert_eq "$help" "$output"
	done
	for form in -V --version; do
		run -0 "$LATCH" $form
		assert_match '^latch [0-9]+\.[0-9]+\.[0-9]+$' "$output"
	done
	for command in $(subcommands); do
		run -0 --separate-stderr "$LATCH" "$command" --help
		[[ $output == *"latch $command "* && -z $stderr ]] || fail "$command: $output"
		own=$output
		run -0 "$LATCH" help "$command"
		assert_eq "$own" "$output"
	done
}

@test "without a subcommand: 64, and the usage" {
	run -64 --separate-stderr "$LATCH"
	[[ -z $output && $stderr == 'usage: latch '* ]]
}

@test "the nearest subcommand is suggested" {
	PORT=1
	refused 64 'there is no command lst: did you mean list\?$' lst
	refused 64 'there is no command aquire: did you mean acquire\?$' aquire
	refused 64 'there is no command xyzzy \(latch --help\)$' xyzzy
	refused 64 'there is no command a%0Ab ' $'a\nb'
	refused 64 'there is no option --nonsense ' --nonsense
	refused 64 'there is no command lst: did you mean list' help lst
}

@test "a command line that is wrong: 64, and where help is" {
	PORT=1
	for command in acquire release renew inspect list why history watch clients stats ping revoke kick; do
		refused 64 "there is no such option here: --nonsense \(latch $command --help\)$" "$command" --nonsense x
		refused 64 "there is no such option here: -Z \(latch $command --help\)$" "$command" -Z x
		refused 64 "-S needs a value" "$command" -S
	done
	for command in acquire release renew inspect watch revoke; do
		refused 64 'NAME is missing \(' "$command"
	done
	refused 64 'ID is missing \(' kick
	for command in list why history ping; do
		refused 64 'what is this\? c \(' "$command" a b c || refused 64 'what is this\? [ab] \(' "$command" a b c
	done
	refused 64 'what is this\? x ' watch --prefix p x
	refused 64 'acquire needs --lease TIME' acquire x
	refused 64 '--lease soon: expected a time: 2\.5 \(seconds\)' acquire --lease soon x
	refused 64 '--slots 0: expected a number from 1' acquire --lease 1m --slots 0 x
	refused 64 '-s and --slots do not go together' acquire --lease 1m --slots 2 -s x
	refused 64 'x is given twice' acquire --lease 1m --also x x
	refused 64 '--key short: expected 8 to 64 bytes' acquire --lease 1m --key short x
	refused 64 '-E 256: expected a number from 0 to 255' acquire --lease 1m -E 256 x
	refused 64 'the name of a lock is empty' acquire --lease 1m ''
	refused 64 'which key\? --key is missing' release x
	refused 64 'which key\? --key is missing' renew x
	refused 64 '--count: expected a number' ping -c 0
	refused 64 '--interval: expected a time' ping --interval often
}

# --- Which server

@test "which server: -S before and behind the subcommand, LATCH_SERVER" {
	start_latchd
	for form in -S=x "-S 127.0.0.1:$PORT" "-S127.0.0.1:$PORT" "--server 127.0.0.1:$PORT" "--server=127.0.0.1:$PORT"; do
		[ "$form" != -S=x ] || continue
		# shellcheck disable=SC2086
		run -0 env LATCH_SERVER=127.0.0.1:1 "$LATCH" $form ping
		assert_match "^127.0.0.1:$PORT: [0-9.]+ ms$" "$output"
		# shellcheck disable=SC2086
		run -0 env LATCH_SERVER=127.0.0.1:1 "$LATCH" ping $form
	done
	LATCH_SERVER=127.0.0.1:$PORT run -0 "$LATCH" ping
	LATCH_SERVER=127.0.0.1:1 run -69 "$LATCH" ping
	refused 64 '-S: "nonsense" is no address of a server: expected HOST:PORT' list -S nonsense
}

@test "which server: /etc/latch.ini" {
	start_latchd
	etc() { # INI ARG...
		printf '%b' "$1" >latch.ini
		shift
		unshare --mount sh -c 'mount -t tmpfs none /etc && cp latch.ini /etc && exec "$@"' sh "$LATCH" "$@" 3>&-
	}
	unshare --mount mount -t tmpfs none /etc 2>/dev/null || skip 'no mount namespaces here'
	unset LATCH_SERVER
	run -0 etc "# ours\n[client]\nserver = 127.0.0.1:$PORT\nfuture = 1\n[other]\nserver = x\n" ping
	assert_match "^127.0.0.1:$PORT: " "$output"
	run -0 etc '[client]\nserver = 127.0.0.1:1\n' ping -S "127.0.0.1:$PORT"
	run -78 --separate-stderr etc '[client]\nnonsense\n' ping
	assert_eq 'latch: /etc/latch.ini:2: not a section, nor `key = value` in one' "$stderr"
}

@test "the sample configuration is read and says the default" {
	unshare --mount mount -t tmpfs none /etc 2>/dev/null || skip 'no mount namespaces here'
	sed 's/^;//' "$TESTS/../conf/latch.ini" >latch.ini
	grep -qx 'server = 127.0.0.1:7002' latch.ini
	printf 'server = 127.0.0.1:1\n' >>latch.ini
	run -69 --separate-stderr unshare --mount sh -c 'mount -t tmpfs none /etc && cp latch.ini /etc && exec "$1" ping' sh "$LATCH"
	[[ $stderr == 'latch: 127.0.0.1:1: connection refused'* ]]
}

@test "nobody there: 69, where, and what to do" {
	free_port PORT
	for command in list stats clients why history 'inspect x' 'watch x' ping 'acquire --lease 1m x' \
		'release --key 12345678 x' 'renew --key 12345678 x' 'revoke x' 'kick 1'; do
		# shellcheck disable=SC2086
		refused 69 "127.0.0.1:$PORT: connection refused; is latchd running there\? \(-S or LATCH_SERVER" $command
	done
	refused 69 'unix:/nonexistent/x: .*; is latchd running there' list -S unix:/nonexistent/x
}

@test "a server that is full: 69" {
	start_with_config <<-'INI'
		[server]
		max_clients = 1
	INI
	connect holder
	ask holder 'noop\r\n' 'OK \r\n'
	refused 69 "127.0.0.1:$PORT: it has as many clients as it may" list
}

@test "a server that goes while it is asked: 69" {
	start_latchd
	spawn_told timeout "$LIMIT" "$LATCH" -S "127.0.0.1:$PORT" ping -c 1000 --interval 100ms
	eventually has_said ' ms$'
	stop_latchd
	finish "$SPAWNED_PID" && status=0 || status=$?
	[ "$status" -eq 69 ]
	has_said "^latch: 127.0.0.1:$PORT: the server has closed the connection"
}

@test "a server that does not answer: 69" {
	start_latchd
	kill -s STOP "$LATCHD_PID"
	run -69 --separate-stderr timeout "$((LIMIT + 30))" "$LATCH" -S "127.0.0.1:$PORT" list
	kill -s CONT "$LATCHD_PID"
	assert_match "^latch: 127.0.0.1:$PORT: it does not answer" "$stderr"
}

@test "a server of another kind: 75, and a question" {
	start_latchd
	free_port PORT2
	printf '#!/bin/sh\nread -r line\nprintf "ERR unknown_command Unknown+server+command\\\\r\\\\n"\nread -r line\n' >other
	chmod +x other
	# shellcheck disable=SC2153
	spawn socat "TCP-LISTEN:$PORT2,bind=127.0.0.1,reuseaddr" EXEC:./other </dev/null
	eventually grep -q "$(printf ':%04X ' "$PORT2")" /proc/net/tcp
	refused 75 "127.0.0.1:$PORT2: .*is it another kind of server" list -S "127.0.0.1:$PORT2"
}

# --- acquire, release, renew

@test "acquire prints what a shell can take over; release and renew with it" {
	start_latchd
	run -0 --separate-stderr latch acquire --lease 60s deploy
	[ -z "$stderr" ]
	assert_match $'^LATCH_TOKEN=[0-9]+\nLATCH_KEY=[0-9a-f]{32}$' "$output"
	eval "$output"
	assert_eq "$LATCH_TOKEN" "$(inspected deploy token)"
	assert_eq detached "$(inspected deploy state)"
	run -0 --separate-stderr latch renew --key "$LATCH_KEY" --lease 90s deploy
	assert_eq lease=90 "$output"
	latch renew --json --key "$LATCH_KEY" deploy |
		json "j['lease'] == 90 and j['token'] == '$LATCH_TOKEN' and j['locks'] == ['deploy']"
	refused 75 'deploy: .*token is not the current grant' release --key "$LATCH_KEY" --token 1 deploy
	refused 75 'deploy: .*does not hold it' release --key 12345678 deploy
	run -0 --separate-stderr latch release --key "$LATCH_KEY" --token "$LATCH_TOKEN" deploy
	[[ -z $output && -z $stderr ]]
	refused 75 'deploy: .*does not hold it' renew --key "$LATCH_KEY" deploy
	assert_eq free "$(inspected deploy token)"
}

@test "the key may come from the environment, and may have any bytes" {
	start_latchd
	key=$'it\'s "a $key" of\tmine'
	eval "$(latch acquire --lease 60s --key "$key" deploy)"
	assert_eq "$key" "$LATCH_KEY"
	export LATCH_KEY
	latch renew deploy
	latch release deploy
	assert_eq free "$(inspected deploy token)"
}

@test "the same key gets the same grant again" {
	start_latchd
	first=$(latch acquire --lease 60s --key 12345678 deploy)
	assert_eq "$first" "$(latch acquire --lease 60s --key 12345678 deploy)"
}

@test "a refusal says who holds it, since when and what for: 75 or -E" {
	start_latchd
	latch acquire --lease 60s --as alice@build7 --note 'deploying 4711' deploy >mine
	refused 75 'deploy: held [0-9]+m?s by alice@build7: deploying 4711$' acquire --lease 60s -n deploy
	refused 75 'deploy: held .* by alice@build7: deploying 4711$' acquire --lease 60s --nonblock deploy
	refused 3 'deploy: held ' acquire --lease 60s -n -E 3 deploy
	refused 0 'deploy: held ' acquire --lease 60s -n --conflict-exit-code 0 deploy
	run -75 latch acquire --lease 60s -n -q deploy
	[ -z "$output" ]
	refused 75 'deploy: held ' acquire --lease 60s -n --also other deploy
	refused 75 'deploy: held ' acquire --lease 60s -n --also deploy other # which of them it was
}

@test "the expected wait is told where there were grants before" {
	start_latchd
	eval "$(latch acquire --lease 60s deploy)"
	sleep 0.05
	latch release --key "$LATCH_KEY" deploy
	latch acquire --lease 60s deploy >mine
	refused 75 'deploy: held .* by .*; expected wait [0-9]+m?s$' acquire --lease 60s -n deploy
}

@test "-w: a wait that was in vain says so" {
	start_latchd
	latch acquire --lease 60s --as alice deploy >mine
	run -75 --separate-stderr latch acquire --lease 60s -w 2s deploy
	assert_match $'^latch: deploy: held .* by alice; waiting\nlatch: deploy: timed out: held .* by alice$' "$stderr"
	run -9 --separate-stderr latch acquire --lease 60s --wait 0.1 -q -E 9 deploy
	[[ -z $output && -z $stderr ]]
	has_waiters deploy 0
}

@test "a wait ends with the grant" {
	start_latchd
	eval "$(latch acquire --lease 60s deploy)"
	spawn_told timeout "$LIMIT" "$LATCH" -S "127.0.0.1:$PORT" acquire --lease 60s --as bob deploy
	eventually has_waiters deploy 1
	has_said 'deploy: held .*; waiting$'
	latch release --key "$LATCH_KEY" deploy
	finish "$SPAWNED_PID"
	has_said '^LATCH_TOKEN=[0-9]+$'
	assert_eq bob "$(inspected deploy who)"
}

@test "-s, --slots and --also; their slots and JSON" {
	start_latchd
	latch acquire --lease 60s -s shared >/dev/null
	latch acquire --lease 60s --shared -n shared >/dev/null
	refused 75 'shared: held ' acquire --lease 60s -n shared
	for slot in 0 1; do
		latch acquire --lease 60s -n --slots 2 sem | grep -qx "LATCH_SLOT=$slot"
	done
	refused 75 'sem: held .*\(and 1 more\)' acquire --lease 60s -n --slots 2 sem
	latch acquire --lease 60s --slots 3 --also b --also c sem | grep -qx 'LATCH_SLOT=2,0,0'
	latch acquire --lease 60s --json --also e --slots 2 d |
		json "j['locks'] == ['d', 'e'] and j['slots'] == [0, 0] and j['lease'] == 60 and
			type(j['token']) is str and len(j['key']) == 32"
	latch acquire --lease 60s --json f | json "sorted(j) == ['key', 'lease', 'locks', 'token']"
	eval "$(latch acquire --lease 60s --also h g)"
	assert_eq "$(inspected g token)" "$(inspected h token)"
	run -0 latch renew --key "$LATCH_KEY" --lease 90s g h
	assert_eq lease=90 "$output"
	latch release --key "$LATCH_KEY" g h
	assert_eq free "$(inspected h token)"
}

@test "--at-least keeps others out after a release" {
	start_latchd
	eval "$(latch acquire --lease 60s --at-least 60s --as alice nightly)"
	latch release --key "$LATCH_KEY" nightly
	refused 75 'nightly: it is kept for another [0-9]+s after alice had it' acquire --lease 60s -n nightly
	assert_eq kept "$(inspected nightly state)"
}

@test "who and what for are seen by others; by default user@host" {
	start_latchd
	latch acquire --lease 60s --as 'Ann <a@b>' --note 'a & b = c+d; 100%' x >/dev/null
	assert_eq 'Ann <a@b>' "$(inspected x who)"
	assert_eq 'a & b = c+d; 100%' "$(inspected x note)"
	latch acquire --lease 60s y >/dev/null
	assert_eq "$(id -un)@$(uname -n | cut -d. -f1)" "$(inspected y who)"
}

@test "what the server cannot grant to anybody: 64" {
	start_latchd
	refused 64 'x: lease is at most ' acquire --lease 300d x
	refused 64 "$(printf 'n%.0s' {1..20})" acquire --lease 60s "$(printf 'n%.0s' {1..1500})"
	refused 64 'n+…: that is too long to ask$' acquire --lease 60s "$(printf 'n%.0s' {1..9000})"
	refused 64 'x: ' acquire --lease 60s --note "$(printf 'n%.0s' {1..2000})" x
	refused 64 'x: at is a time' history --at yesterday x
	refused 64 '127.*: limit is a number' history --limit 0
}

@test "a signal withdraws the wait" {
	start_latchd
	latch acquire --lease 60s deploy >mine
	for signal in TERM INT HUP; do
		spawn_told "$LATCH" -S "127.0.0.1:$PORT" acquire --lease 60s deploy
		eventually has_waiters deploy 1
		# A shell's children in the background ignore SIGINT until they ask for it, as latch does.
		kill -s "$signal" "$SPAWNED_PID"
		finish "$SPAWNED_PID" && status=0 || status=$?
		eventually has_waiters deploy 0
		[ "$signal" = INT ] || assert_eq $((128 + $(kill -l "$signal"))) "$status"
		n_lines 1 cat "$SAID"
	done
}

@test "a lock whose key cannot be printed is given back: 71" {
	start_latchd
	status=0
	latch acquire --lease 60s deploy >/dev/full 2>said || status=$?
	[ "$status" -eq 71 ]
	assert_eq 'latch: standard output: No space left on device' "$(cat said)"
	assert_eq free "$(inspected deploy token)"
}

@test "a wait goes on over a restart of the server" {
	start_latchd
	latch acquire --lease 60s deploy >mine
	spawn_told timeout "$LIMIT" "$LATCH" -S "127.0.0.1:$PORT" acquire --lease 60s --as bob deploy
	eventually has_waiters deploy 1
	stop_latchd
	eventually has_said 'asking again$|the server stops'
	restart_latchd
	finish "$SPAWNED_PID" || fail "$(cat "$SAID")"
	has_said '^LATCH_TOKEN='
	assert_eq bob "$(inspected deploy who)"
}

# --- Looking

@test "tables are aligned columns, as many in every row" {
	start_latchd
	connect 1
	ask 1 'iam name=carol\r\n' 'OK \r\n'
	send 1 'acquire deploy note=a+b\r\n'
	read_line 1 granted
	connect 2
	send 2 'acquire a-rather-long-name\r\nacquire deploy wait=60s note=next\r\n'
	read_line 2 granted
	eventually has_waiters deploy 1
	latch list >unsorted
	sort unsorted >list
	assert_match $'LOCK +MODE +HOLDERS  WAITERS +AGE +TOKEN  HOLDER' "$(grep '^LOCK' list)"
	assert_match '^deploy +exclusive +1 +1 +[0-9a-z]+ +[0-9]+  carol$' "$(grep '^deploy' list)"
	assert_eq 1 "$(awk '{ print match($0, / [^ ]+$/) }' list | sort -u | wc -l)" 'where the last column is'
	assert_eq 7 "$(awk '{ print NF }' list | sort -u)" 'the number of words'
	run -0 latch list a-
	assert_eq 2 "${#lines[@]}"
	run -0 latch list nothing
	assert_eq 1 "${#lines[@]}"
	run -0 latch inspect deploy
	assert_match '^held +- +carol .* a b$' "${lines[1]}"
	assert_match '^waiting +1 +127.* next$' "${lines[2]}"
	assert_eq 12 "$(awk 'NR == 1 { print NF }' <<<"$output")"
	run -0 latch inspect nothing
	assert_eq 1 "${#lines[@]}"
	run -0 latch why deploy
	assert_match '^deploy +127[^ ]* +[0-9a-z]+ +1  carol +[0-9a-z]+  a b$' "${lines[1]}"
	run -0 latch why
	assert_match '^carol +1 +1 +[0-9a-z]+  deploy$' "${lines[1]}"
	run -0 latch clients
	assert_match '^ *[0-9]+  carol +127' "${lines[1]}"
	run -0 latch stats
	[[ $output =~ locks\ +2 ]]
}

# A command on a terminal of 80 columns.
on_terminal() {
	local line

	printf -v line '%q ' "$LATCH" -S "127.0.0.1:$PORT" "$@"
	TERM=${TERM_TYPE:-xterm} timeout "$LIMIT" script -qec "stty cols 80; $line" /dev/null </dev/null 3>&- | tr -d '\r'
}

@test "on a terminal headings are bold and notes are cut; nowhere else" {
	command -v script >/dev/null || skip 'no script(1)'
	start_latchd
	note=$(printf 'word %.0s' {1..40})end
	latch acquire --lease 60s --as ann --note "$note" x >/dev/null
	on_terminal why x >screen
	[[ $(head -n 1 screen) == $'\e[1m'LOCK* ]]
	sed 's/\x1b\[[0-9]*m//g' screen >plain
	assert_eq 80 "$(LC_ALL=C.UTF-8 wc -L <plain)"
	grep -q '…$' plain
	# Columns are as wide as the ages in them, which go on.
	assert_eq "$(latch why x | head -n 1 | tr -s ' ')" "$(head -n 1 plain | tr -s ' ')"
	latch why x | grep -q "$note\$"
	run -0 latch why x
	[[ $output != *$'\e'* ]]
	TERM_TYPE=dumb on_terminal why x >screen
	[[ $(cat screen) != *$'\e'* ]]
}

@test "JSON: arrays of objects; numbers are numbers, tokens are text" {
	start_latchd
	connect 1
	send 1 'acquire deploy note=1\r\niam name=7\r\nacquire 12 lease=60s\r\nrelease 12\r\n'
	for _ in 1 2 3 4; do
		read_line 1 line
		[[ $line == OK* ]]
	done
	connect 2
	send 2 'acquire deploy wait=60s\r\n'
	eventually has_waiters deploy 1
	latch list --json | json "[(type(x['lock']), type(x['token']), x['holders'], x['waiters'], x['age'] >= 0)
		for x in j] == [(str, str, 1, 1, True)]"
	latch inspect --json deploy | json "len(j) == 2 and j[0]['who'] == '7' and j[0]['note'] == '1' and
		type(j[0]['client']) is int and type(j[0]['age']) in (int, float) and
		j[1]['position'] == 1 and 'token' not in j[1]"
	latch why --json deploy | json "j[0]['root'] is True and j[0]['waiters'] == 1"
	latch why --json | json "j[0]['locks'] == 1 and j[0]['holder'] == '7'"
	latch history --json | json "len(j) == 1 and j[0]['lock'] == '12' and type(j[0]['token']) is str and
		j[0]['ended'] == 'release' and type(j[0]['held']) in (int, float)"
	latch clients --json | json "len(j) == 3 and all(type(x[k]) is int for x in j
		for k in ('client', 'held', 'waiting', 'watches', 'queued'))"
	latch stats --json | json "type(j['last_token']) is str and j['locks'] == 1 and
		all(type(v) is int for k, v in j.items() if k != 'last_token')"
	latch ping --json -c 2 --interval 1ms | json "[x['n'] for x in j] == [1, 2] and j[0]['ms'] > 0"
	latch list --json nothing | json 'j == []'
	latch inspect --json nothing | json 'j == []'
}

@test "hostile names and notes forge nothing" {
	start_latchd
	names=($'two\nlines' $'\e[2Jclear' '%0A' 'a b&c=d' "it's; \`id\` \$(id)" 'naïve 日本' $'\xff\xfe' $'right\xe2\x80\xaeleft' -n --help)
	for name in "${names[@]}"; do
		latch acquire --lease 60s --note "$name" -- "$name" >/dev/null
	done
	n_lines "$((${#names[@]} + 1))" latch list
	n_lines "${#names[@]}" latch list --names
	n_lines 2 latch inspect $'two\nlines'
	latch list >listed
	grep -c $'[\e\xff]\|\xe2\x80\xae' listed | grep -qx 0
	latch list --names | grep -qx 'two%0Alines'
	latch list --names | grep -qx '%250A'
	latch list --names | grep -qx 'naïve 日本'
	latch list --names | grep -qx 'right%E2%80%AEleft'
	latch list --json | json 'set(x["lock"] for x in j) >= {"two\nlines", "\x1b[2Jclear", "%0A", "a b&c=d", "-n",
		"na\u00efve \u65e5\u672c", "%FF%FE"}'
	latch inspect --json -- --help | json 'j[0]["note"] == "--help"'
	refused 75 'two%0Alines: held .*: two%0Alines$' acquire --lease 60s -n $'two\nlines'
	spawn_told "$LATCH" -S "127.0.0.1:$PORT" watch --prefix ''
	eventually has_said 'held +two%0Alines '
	has_said 'held +%E|held +right%E2%80%AEleft ' || eventually has_said 'right%E2%80%AEleft '
}

@test "5,000 locks come in pages, each once" {
	start_with_config <<-'INI'
		[locks]
		max_locks = 100000
		max_locks_per_client = 100000
	INI
	connect 1
	take_locks 1 5000 p
	n_lines 5001 latch list
	latch list --names | sort >names
	assert_eq 5000 "$(uniq names | wc -l)"
	assert_eq "$(seq -f 'p%0100g' 5000)" "$(cat names)"
	latch list --json | json 'len(set(x["lock"] for x in j)) == len(j) == 5000'
	n_lines 5000 latch list --names p
	n_lines 0 latch list --names q
	latch list | head -n 1 >/dev/null # it may be cut short
}

# N connections, one after the other or, with `stay`, until there is a line on standard input, send LINE each,
# in which %05d is their number.
many() { # N LINE [stay]
	"$PYTHON" -c 'import resource, socket, sys
port, n, line, stay = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], len(sys.argv) > 4
if stay:
    resource.setrlimit(resource.RLIMIT_NOFILE, (n + 50, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
kept = []
for i in range(n):
    s = socket.create_connection(("127.0.0.1", port))
    s.sendall(((line % i if "%" in line else line) + "\r\n").encode())
    reply = s.recv(1000)
    assert reply.startswith(b"OK"), reply
    if stay:
        kept.append(s)
    else:
        s.close()
if stay:
    print("ready", flush=True)
    sys.stdin.readline()' "$PORT" "$@" 3>&-
}

@test "pages of inspect" {
	start_latchd
	many 1300 'acquire sem slots=2000 lease=60s key=key%05d note='"$(printf 'n%.0s' {1..100})"
	n_lines 1301 latch inspect sem
	latch inspect --json sem | json 'sorted(x["slot"] for x in j) == list(range(1300))'
}

@test "pages of clients" {
	[ "$(ulimit -Hn)" = unlimited ] || [ "$(ulimit -Hn)" -ge 3000 ] || skip 'too few descriptors'
	ulimit -Sn 3000
	start_latchd
	many 1100 ping stay < <(sleep "$((2 * LIMIT))" 3>&-) >said &
	CHILDREN+=("$!")
	eventually grep -q ready said
	n_lines 1102 latch clients
	latch clients --json | json 'len(set(x["client"] for x in j)) == len(j) == 1101'
}

@test "history: --at and --limit" {
	start_latchd
	for n in 1 2 3; do
		eval "$(latch acquire --lease 60s --as "user$n" deploy)"
		latch release --key "$LATCH_KEY" deploy
	done
	n_lines 4 latch history deploy
	n_lines 4 latch history
	n_lines 3 latch history --limit 2 deploy
	latch history --json deploy | json '[x["who"] for x in j] == ["user3", "user2", "user1"]'
	latch acquire --lease 60s --as now deploy >/dev/null
	sleep 0.01
	latch history --json --at -0s deploy | json '[x["who"] for x in j] == ["now"] and j[0]["ended"] == "not"'
	n_lines 1 latch history --at -1h deploy
	n_lines 1 latch history --at 2001-01-01T00:00:00Z deploy
}

# --- watch

@test "watch: how it is, then a line an event" {
	start_latchd
	eval "$(latch acquire --lease 60s --as alice deploy)"
	spawn_told "$LATCH" -S "127.0.0.1:$PORT" watch deploy
	eventually has_said '^[-0-9T:]+Z detached deploy alice token=[0-9]+$'
	latch release --key "$LATCH_KEY" deploy
	eventually has_said "^[-0-9T:]+Z released deploy alice token=$LATCH_TOKEN$"
	latch acquire --lease 60s --as bob deploy >/dev/null
	latch acquire --lease 60s other >/dev/null
	eventually has_said '^[-0-9T:]+Z granted +deploy bob token=[0-9]+$'
	n_lines 3 cat "$SAID"
}

@test "watch --prefix and --json" {
	start_latchd
	latch acquire --lease 60s --as alice a/1 >/dev/null
	spawn_told "$LATCH" -S "127.0.0.1:$PORT" watch --json --prefix a/
	eventually has_said '"what":"held"'
	latch acquire --lease 300ms --as bob a/2 >/dev/null
	latch acquire --lease 60s b/2 >/dev/null
	eventually has_said '"what":"expired"'
	"$PYTHON" -c 'import json, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
assert [(x["what"], x["lock"], x.get("who")) for x in rows] == [
    ("held", "a/1", None), ("granted", "a/2", "bob"), ("expired", "a/2", "bob")], rows
assert all(type(x["token"]) is str and x["time"].endswith("Z") for x in rows)' "$SAID"
}

@test "watch goes on over a restart of the server, and says so" {
	start_latchd
	spawn "$LATCH" -S "127.0.0.1:$PORT" watch --json deploy >events 2>said </dev/null
	eventually watches 1
	stop_latchd
	eventually grep -q "^latch: 127.0.0.1:$PORT: the server has closed the connection$" said
	restart_latchd
	eventually grep -q "^latch: 127.0.0.1:$PORT: connected again$" said
	eventually watches 1
	latch acquire --lease 60s --as bob deploy >/dev/null
	eventually grep -q '"what":"granted","lock":"deploy"' events
	assert_eq 'disconnected connected granted ' "$("$PYTHON" -c 'import json
for line in open("events"):
    print(json.loads(line)["what"], end=" ")')"
}

watches() { # N
	latch stats --json | json "j['watches'] == $1" 2>/dev/null
}

@test "watch: what cannot be watched ends it" {
	start_latchd
	refused 64 '' watch --prefix "$(printf 'n%.0s' {1..1500})"
}

# --- Administrators, ping

@test "revoke and kick take an administrator's listener" {
	start_with_admin <<<''
	connect 1
	send 1 'acquire deploy\r\n'
	read_line 1 granted
	refused 75 'deploy: this takes a listener with admin = yes, as in -S unix:' revoke deploy
	refused 75 '1: this takes a listener with admin = yes, as in -S unix:' kick 1
	admin=unix:$DIR/admin.sock
	refused 75 'deploy: that token is not' revoke -S "$admin" --token 1 deploy
	run -0 latch revoke -S "$admin" --token "$(inspected deploy token)" deploy
	assert_eq revoked=1 "$output"
	refused 75 'deploy: nobody holds it' revoke -S "$admin" deploy
	send 1 'acquire deploy\r\n'
	id=$(latch clients --json | "$PYTHON" -c 'import json, sys
print([x["client"] for x in json.load(sys.stdin) if x["held"]][0])') || true
	eventually has_holder deploy
	id=$(inspected deploy client)
	run -0 latch kick -S "$admin" "$id"
	[ -z "$output" ]
	eventually lacks_holder deploy
	refused 75 "$id: there is no such client" kick -S "$admin" "$id"
	refused 64 'x: client is a number' kick -S "$admin" x
	latch ping -S "$admin"
	latch clients -S "$admin" --json | json "any(x['peer'].startswith('unix:') and type(x['pid']) is int for x in j)"
}

has_holder() { # NAME
	[ "$(inspected "$1" token)" != free ]
}

lacks_holder() { # NAME
	! has_holder "$1"
}

@test "ping: so often, and how long it took" {
	start_latchd
	run -0 latch ping
	assert_match "^127.0.0.1:$PORT: [0-9]+\.[0-9]{3} ms$" "$output"
	run -0 latch ping --count 3 --interval 1ms
	assert_eq 4 "${#lines[@]}"
	assert_match '^3 answers, least [0-9.]+ ms, mean [0-9.]+ ms, most [0-9.]+ ms$' "${lines[3]}"
}

# --- Completions, and the documents

complete_line() { # WORD... -> COMPREPLY
	COMP_WORDS=("$@")
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	COMPREPLY=()
	_latch
}

@test "completion for bash: subcommands, options, and names where the server answers" {
	start_latchd
	# shellcheck source=completions/latch.bash
	source "$TESTS/../completions/latch.bash"
	_latch_program=$LATCH
	# The second that a name may take to come is for people.
	timeout() {
		command timeout "$LIMIT" "${@:2}"
	}
	export LATCH_SERVER=127.0.0.1:$PORT
	for name in deploy 'deploy web' other; do
		latch acquire --lease 60s "$name" >/dev/null
	done
	complete_line latch re
	assert_eq 'release renew revoke' "${COMPREPLY[*]}"
	complete_line latch inspect dep
	assert_eq 'deploy deploy\ web' "$(printf '%s\n' "${COMPREPLY[@]}" | sort | tr '\n' ' ' | sed 's/ $//')"
	complete_line latch acquire --le
	assert_eq --lease "${COMPREPLY[*]}"
	complete_line latch acquire --also o
	assert_eq other "${COMPREPLY[*]}"
	complete_line latch acquire --lease ''
	assert_eq '' "${COMPREPLY[*]}"
	complete_line latch stats ''
	assert_eq '' "${COMPREPLY[*]}"
	LATCH_SERVER=127.0.0.1:1 complete_line latch inspect d
	assert_eq '' "${COMPREPLY[*]}"
	LATCH_SERVER=127.0.0.1:1 complete_line latch inspect -S 127.0.0.1 : "$PORT" o
	assert_eq other "${COMPREPLY[*]}"
	unset -f timeout
	kill -s STOP "$LATCHD_PID"
	complete_line latch inspect d
	kill -s CONT "$LATCHD_PID"
	assert_eq '' "${COMPREPLY[*]}"
}

@test "completions and the manual have every subcommand, and all long options" {
	for command in $(subcommands); do
		for file in latch.bash _latch latch.fish; do
			grep -qw -- "$command" "$TESTS/../completions/$file" || fail "$file: no $command"
		done
		grep -Eq "^\.It (Ic|Ic run.*) ?$command\b|^\.It Ic $command\b" "$TESTS/../man/latch.1" || fail "latch.1: no $command"
		for option in $("$LATCH" "$command" --help | grep -o -- '--[a-z][-a-z]*' | sort -u); do
			[ "$option" != --help ] || continue
			escaped=${option#--}
			for file in latch.bash _latch latch.fish; do
				grep -q -- "$escaped" "$TESTS/../completions/$file" || fail "$file: no $option of $command"
			done
			grep -q -- "Fl $escaped\b" "$TESTS/../man/latch.1" || fail "latch.1: no $option of $command"
		done
	done
}

@test "completions for zsh and fish are good where there is a shell to say so" {
	command -v zsh >/dev/null || command -v fish >/dev/null || skip 'neither is here'
	! command -v zsh >/dev/null || zsh -n "$TESTS/../completions/_latch"
	! command -v fish >/dev/null || fish -n "$TESTS/../completions/latch.fish"
}

@test "every exit status is in the manual" {
	for status in $(grep -o '= [0-9]*,' "$TESTS/../client/exits.h" | tr -dc '0-9\n'); do
		grep -qx ".It $status" "$TESTS/../man/latch.1" || fail "latch.1: no $status"
	done
}
