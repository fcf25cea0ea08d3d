#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# latchd-recipes(7): its programs are taken from the page and run. They are as they stand there, but
# for the address, and for beats that come sooner.

load helpers

PAGE=$TESTS/../man/latchd-recipes.7
MANUAL=$CLIENTS/manual.pl

# Their names.
recipes() {
	sed -n 's/^\.\\" recipe //p' "$PAGE"
}

# All of them, in $DIR, against the latchd that is started.
setup() {
	local name

	begin_test
	start_with_ini <<-'INI'
		[listen tcp]
		address = 127.0.0.1:@PORT@
		[listen admin]
		address = unix:@DIR@/admin.sock
		admin = yes
	INI
	cd "$DIR" || return 1
	for name in $(recipes); do
		sed -n "/^\\.\\\\\" recipe $name\$/,/^\\.Ed/p" "$PAGE" |
			sed -e '1,2d; $d; s/\\e/\\/g; s/\\&//g' -e "s,127.0.0.1/7002,127.0.0.1/$PORT,; s,127.0.0.1 7002,127.0.0.1 $PORT," \
				-e "s,/run/latchd/admin.sock,$DIR/admin.sock,; s/beat=5s/beat=200ms/" >"$name"
		chmod +x "$name"
	done
}

# A program `sign FILE` that ends when FILE is there; what it was given is in FILE.began.
make_sign() {
	# shellcheck disable=SC2016
	printf '%s\n' '#!/bin/bash' 'echo "$$ ${TOKEN:-} ${SLOT:-}" >>"$1.began"' \
		'until [ -e "$1" ]; do sleep 0.05; done' >sign
	chmod +x sign
}

# restart: the daemon, on the same port.
restart() {
	stop_latchd
	launch_latchd -c "$DIR/latchd.ini"
	eventually has_started "$LATCHD_PID" "$LOG" 2
}

# request REQUEST: its answer, CR removed.
request() {
	printf '%s\r\n' "$1" quit | talk | sed '$d' | tr -d '\r'
}

state_is() { # NAME REGEX
	[[ $(request "inspect $1") =~ $2 ]]
}

# until_state NAME REGEX: what inspect tells matches.
until_state() {
	eventually state_is "$1" "$2" || fail "$(request "inspect $1")"
}

has_begun() { # FILE TIMES
	[ -e "$1.began" ] && [ "$(wc -l <"$1.began")" -eq "$2" ]
}

# takes N NAME: connection N gets the lock at once.
takes() {
	local reply=''

	send "$1" "acquire $2\r\n"
	read_line "$1" reply
	assert_match '^OK lock=' "$reply"
}

until_there() { # FILE
	eventually test -s "$1"
}

# Runs a recipe in the background; what it says goes to the file "said".
run_recipe() {
	spawn "./$1" "${@:2}" </dev/null >>said 2>&1
}

@test "every recipe is a program that bash can read" {
	local name n=0

	for name in $(recipes); do
		bash -n "$name"
		n=$((n + 1))
	done
	[ "$n" -ge 10 ]
}

@test "every transcript happens as it is told" {
	local n count

	count=$(perl "$MANUAL" count "$PAGE")
	[ "$count" -ge 3 ]
	for ((n = 1; n <= count; n++)); do
		stop_latchd
		start_with_ini < <(perl "$MANUAL" ini "$PAGE" "$n")
		perl "$MANUAL" play "$PAGE" "$n" --port "$PORT" --port2 "$PORT2" --dir "$DIR" --pid "$LATCHD_PID" \
			--limit "$LIMIT" 3>&-
	done
}

@test "the requests in the tables are understood" {
	local line n=0

	while read -r line; do
		line=${line//value/4f1c9a7be2d04d6b}
		case $line in
		release*) request "$line" | grep -E '^ERR not_held' ;;
		renew*) request "$line" | grep -E '^ERR not_held' ;;
		acquire*) request "$line" | grep -E '^OK lock=' ;;
		inspect*) request "$line" | grep -E '^OK lines=' ;;
		*) continue ;;
		esac
		n=$((n + 1))
		[[ $line != *lease=* ]] || stop_latchd
		[[ $line != *lease=* ]] || { launch_latchd -c "$DIR/latchd.ini" && eventually has_started "$LATCHD_PID" "$LOG" 2; }
	done < <(sed -n '/^\.It /s/.* Ta //p' "$PAGE" | sed 's/ Ns //g; s/\b\(Li\|Ar\) //g')
	[ "$n" -ge 9 ]
}

@test "one: runs its command with a token while the lock is held, and ends as it does" {
	make_sign
	run_recipe one job ./sign go
	until_state job 'holders=1&waiters=0'
	until_there go.began
	[[ $(<go.began) =~ ^[0-9]+\ [0-9]{15,}\ $ ]]
	touch go
	finish "$SPAWNED_PID"
	until_state job 'holders=0'
	run ./one job sh -c 'exit 7' 3>&-
	[ "$status" -eq 7 ]
	run ./one '' true 3>&-
	[ "$status" -eq 75 ]
	[[ $output == *empty_lock* ]]
}

@test "one: waits, over beats, and its command does not keep the connection" {
	make_sign
	connect 1
	takes 1 job
	run_recipe one job ./sign go
	until_state job 'waiters=1'
	sleep 1 # five beats
	send 1 'release job\r\n'
	until_there go.began
	kill -KILL "$SPAWNED_PID"
	until_state job 'holders=0'
	touch go # its command has outlived it
}

@test "one: where no server is, 69" {
	stop_latchd
	run ./one job true 3>&-
	[ "$status" -eq 69 ]
}

@test "hold: holds longer than its lease, and gives back" {
	local began

	make_sign
	LEASE=6 run_recipe hold job ./sign go
	until_there go.began
	began=$SECONDS
	while [ "$SECONDS" -lt $((began + 8)) ]; do
		state_is job 'state=(held|detached).*lease='
		sleep 0.3
	done
	touch go
	finish "$SPAWNED_PID"
	until_state job 'holders=0'
	request 'history job' | grep -E "token=$(cut -d ' ' -f 2 go.began)&.*ended=release"
}

@test "hold: takes the lock again after a restart of the server" {
	local first

	make_sign
	LEASE=12 run_recipe hold job ./sign go
	until_there go.began
	first=$(cut -d ' ' -f 2 go.began)
	restart
	until_state job 'state=held.*lease='
	until_state job 'state=held'
	if state_is job "token=$first"; then
		fail 'the token is the same'
	fi
	sleep 1
	touch go
	finish "$SPAWNED_PID"
	has_begun go 1
	until_state job 'holders=0'
}

is_held_anew() { # TOKEN CLIENT
	state_is job "state=held.*token=$1" && ! state_is job "&client=$2&"
}

@test "hold: takes the same grant again after its connection was lost" {
	local first client

	make_sign
	LEASE=9 run_recipe hold job ./sign go
	until_there go.began
	first=$(cut -d ' ' -f 2 go.began)
	client=$(request 'inspect job' | sed -n 's/.*&client=\([0-9]*\).*/\1/p')
	printf 'kick client=%s\r\nquit\r\n' "$client" | talk --to "unix:$DIR/admin.sock"
	eventually is_held_anew "$first" "$client" || fail "$(request 'inspect job')"
	touch go
	finish "$SPAWNED_PID"
}

# Something happens while hold cannot look; then it can again, and has to give up.
assert_gives_up() {
	local status=0

	kill -CONT "$SPAWNED_PID" 2>/dev/null || true # it may have ended
	finish "$SPAWNED_PID" || status=$?
	[ "$status" -eq 75 ]
	is_gone "$(cut -d ' ' -f 1 go.began)"
}

@test "hold: gives up where somebody else has the lock after a restart" {
	make_sign
	LEASE=6 run_recipe hold job ./sign go
	until_there go.began
	kill -STOP "$SPAWNED_PID"
	restart
	connect 1
	takes 1 job
	assert_gives_up
	state_is job 'state=held.*waited=0'
}

@test "hold: gives up where somebody else had the lock meanwhile" {
	make_sign
	LEASE=6 run_recipe hold job ./sign go
	until_there go.began
	kill -STOP "$SPAWNED_PID"
	restart
	connect 1
	takes 1 job
	ask 1 'release job\r\n' 'OK \r\n'
	assert_gives_up
	until_state job 'holders=0'
}

@test "hold: gives up where the lock is taken away" {
	make_sign
	LEASE=3 run_recipe hold job ./sign go
	until_there go.began
	./revoke job | grep '^OK revoked=1'
	assert_gives_up
}

@test "hold: gives up where the server is silent for the length of its lease" {
	make_sign
	LEASE=3 run_recipe hold job ./sign go
	until_there go.began
	kill -STOP "$LATCHD_PID"
	eventually is_gone "$(cut -d ' ' -f 1 go.began)"
	kill -CONT "$LATCHD_PID"
	assert_gives_up
}

@test "renewed: the lock outlasts its lease as long as the work does" {
	LEASE=6 ./renewed sleep 8 3>&-
	request 'history report' | grep -E 'held=([89]|[1-9][0-9])\b.*ended=release'
}

@test "renewed: the lock does not outlive a script that is killed" {
	make_sign
	LEASE=3 run_recipe renewed ./sign go
	until_there go.began
	kill -KILL "$SPAWNED_PID"
	until_state report 'holders=0'
	touch go
}

has_children() { # N
	[ "$(wc -w <"/proc/$SPAWNED_PID/task/$SPAWNED_PID/children")" -eq "$1" ]
}

@test "renewed: ends when the lock is taken away" {
	local status=0

	make_sign
	LEASE=3 run_recipe renewed ./sign go
	until_there go.began
	eventually has_children 2
	./revoke report
	eventually has_children 1 # the work; its renewer has said that it is lost
	touch go # bash runs no trap before what it waits for has ended
	finish "$SPAWNED_PID" || status=$?
	[ "$status" -eq 75 ]
}

@test "once: the first does the work, the others have nothing to do" {
	local n

	for n in 1 2 3; do
		./once nightly 1h sh -c "echo $n >>ran" 3>&-
	done
	assert_eq 1 "$(<ran)"
	request 'why nightly' | grep -E "holder=.*&kept=.*&note=from\\+cron"
	run ./once nightly 2h false 3>&-
	[ "$status" -eq 75 ]
	[[ $output == *lease_too_long* ]]
}

@test "three: not more than three at a time, each with a slot of its own" {
	local n

	make_sign
	for n in 1 2 3 4; do
		run_recipe three ./sign go
	done
	until_state convert 'holders=3&waiters=1'
	eventually has_begun go 3
	assert_eq $'0\n1\n2' "$(sed 's/.* //' go.began | sort)"
	touch go
	until_state convert 'holders=0&waiters=0'
	eventually has_begun go 4
}

@test "readwrite: readers together, a writer alone" {
	make_sign
	run_recipe readwrite shared ./sign go
	run_recipe readwrite shared ./sign go
	until_state index 'holders=2'
	run_recipe readwrite exclusive ./sign write
	until_state index 'holders=2&waiters=1'
	run_recipe readwrite shared ./sign go
	until_state index 'holders=2&waiters=2'
	[ ! -e write.began ]
	touch go
	until_there write.began
	state_is index 'holders=1&waiters=1'
	touch write
	until_state index 'holders=0&waiters=0'
}

@test "store: takes what comes with the newest token, and nothing older" {
	local first second

	# shellcheck disable=SC2016
	first=$(./one thing sh -c 'echo $TOKEN' 3>&-)
	# shellcheck disable=SC2016
	second=$(./one thing sh -c 'echo $TOKEN' 3>&-)
	echo one | ./store data "$first"
	echo two | ./store data "$second"
	run ./store data "$first" <<<late
	[ "$status" -eq 75 ]
	assert_eq two "$(<data)"
	echo three | ./store data "$second"
	assert_eq three "$(<data)"
	# Beyond what bash can count.
	echo four | ./store data 18446744073709551615
	run ./store data 9223372036854775807 <<<late
	[ "$status" -eq 75 ]
	assert_eq four "$(<data)"
}

@test "who: tells, and comes to an end" {
	connect 1
	takes 1 'deploy note=release+4711'
	run timeout "$LIMIT" ./who deploy 3>&-
	[ "$status" -eq 0 ]
	[[ $output == *'OK lines=1&holders=1&waiters=0'*'note=release+4711'*'root=1'*'OK lines=0'*OK* ]]
}

@test "watch: first how things are, then what happens, and again after a restart" {
	connect 1
	takes 1 web/1
	spawn ./watch web/ </dev/null >seen
	eventually grep -q '^lock=web/1&' seen
	send 1 'acquire web/2\r\n'
	eventually grep -q '^EVENT what=granted&lock=web/2&' seen
	hang_up 1
	eventually grep -q '^EVENT what=released&lock=web/1&.*by=close$' seen
	restart
	eventually sees_again
}

sees_again() {
	request 'acquire web/3' | grep -q '^OK' && grep -q 'lock=web/3' seen
}

@test "revoke: shows who had it, and takes it away" {
	connect 1
	ask 1 'trylock lock=deploy\r\n' 'OK \r\n'
	run timeout "$LIMIT" ./revoke deploy 3>&-
	[ "$status" -eq 0 ]
	[[ $output == *state=held*revoked=1* ]]
	expect_eof 1
	run timeout "$LIMIT" ./revoke deploy token=1 3>&-
	[[ $output == *'ERR stale'* ]]
}
