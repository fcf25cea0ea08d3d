#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Fencing tokens as the daemon reserves them: over its ends, and where it must not start.

# shellcheck disable=SC2030,SC2031,SC2154 # bats: tests are subshells; helpers set variables
load process

setup() {
	begin_test
	cd "$DIR" || return
	state=$DIR/state
	mounts=()
	mkdir state
	unset STATE_DIRECTORY
}

teardown() {
	local mounted status=0

	end_test || status=$?
	for mounted in "${mounts[@]}"; do
		umount -l "$mounted"
	done
	return "$status"
}

# On $state.
start_with_state() {
	start_with_config <<<$'[server]\nstate_dir = '"$state"
}

block() {
	sed -n 's/^latchd-fence 1 \([0-9]*\) [0-9a-f]\{32\}$/\1/p' "$state/fence"
}

refused_with_state() { # STATUS REASON
	free_port PORT
	write_config <<<$'[server]\nstate_dir = '"$state"
	run -"$1" --separate-stderr timeout "$LIMIT" "$LATCHD" -c latchd.ini
	[[ $stderr == *"error: "*"$2"* && $stderr != *'listening on'* ]] || fail "not $2: $stderr"
}

mount_on() { # FOLDER ARG...
	local folder=$1

	shift
	mount "$@" "$folder" 2>/dev/null || skip 'nothing can be mounted here'
	mounts+=("$folder")
}

@test "the first start makes the file, at the wall clock" {
	before=$(date +%s)
	start_with_state
	[ "$(block)" -gt "$before" ]
	[ "$(block)" -le $(($(date +%s) + 2)) ]
	assert_log "info: fencing tokens begin after [0-9]* \($state/fence, which is new\)"
	assert_eq 1 "$(wc -l <"$state/fence")"
	[ ! -e "$state/fence.new" ]
}

@test "each life begins above the one before, however that ended" {
	start_with_state
	for end in kill_latchd stop_latchd kill_latchd stop_latchd kill_latchd; do
		before=$(block)
		$end
		assert_eq "$before" "$(block)"
		start_with_state
		[ "$(block)" -gt "$before" ]
		after=$(sed -n 's/.*tokens begin after \([0-9]*\) .*/\1/p' "$LOG")
		[ "$after" -ge $((before << 32)) ]
	done
	assert_eq 0 "$(count_log 'which is new')"
}

@test "a file that is damaged or not latchd's: 78, and what to do" {
	start_with_state
	stop_latchd
	cp "$state/fence" good
	for damage in 's/1 ./1 9/' 's/.$//' 's/$/ /' 'd' 's/ 1 / 2 /' 's/latchd/latch/'; do
		sed "$damage" good >"$state/fence"
		cp "$state/fence" bad
		refused_with_state 78 "$state/fence "
		cmp "$state/fence" bad
	done
	printf x >"$state/fence"
	refused_with_state 78 "$state/fence is not what latchd has written there: put back a copy of it, or remove it"
	cp good "$state/fence"
	start_with_state
}

@test "what is no regular file: 78" {
	mkdir "$state/fence"
	refused_with_state 78 "$state/fence is not a regular file"
	rmdir "$state/fence"
	mkfifo "$state/fence"
	refused_with_state 78 "$state/fence is not a regular file"
	rm "$state/fence"
	ln -s /etc/passwd "$state/fence"
	refused_with_state 78 "$state/fence is a symbolic link"
}

@test "a directory that is not there, or is none: 78" {
	state=$DIR/missing
	refused_with_state 78 "cannot open $state: No such file or directory"
	touch missing
	refused_with_state 78 "cannot open $state: Not a directory"
}

@test "a directory that cannot be written to: 78" {
	mount_on "$state" --bind "$state"
	mount -o remount,bind,ro "$state"
	refused_with_state 78 "cannot open $state/fence.lock: Read-only file system: latchd has to be able to write"
}

@test "a disk that is full: 71, with the old file as it was" {
	mount_on "$state" -t tmpfs -o size=64k tmpfs
	start_with_state
	stop_latchd
	before=$(block)
	cat /dev/zero >"$state/full" 2>/dev/null || true
	refused_with_state 71 "cannot write $state/fence.new: No space left on device: make room there"
	assert_eq "$before" "$(block)"
	[ ! -e "$state/fence.new" ]
	rm "$state/full"
	start_with_state
	[ "$(block)" -gt "$before" ]
}

@test "a second daemon on the same directory: 71, and the first one goes on" {
	start_with_state
	before=$(block)
	refused_with_state 71 "$state is in use by another process"
	assert_eq "$before" "$(block)"
	is_running "$LATCHD_PID"
	kill_latchd
	start_with_state
}

@test "without a directory a warning says what tokens are worth" {
	start_latchd
	assert_log 'warning: no state_dir is set: fencing tokens begin with the wall clock'
	assert_eq 1 "$(count_log 'warning:')"
	[ -z "$(ls state)" ]
}

@test "the service manager's directory is taken where the file says none" {
	mkdir other
	export STATE_DIRECTORY=$DIR/other:/nonexistent
	start_latchd
	assert_log "\($DIR/other/fence, which is new\)"
	stop_latchd
	start_with_state
	[ -e "$state/fence" ]
	export STATE_DIRECTORY=$DIR/nonexistent
	run -78 --separate-stderr timeout "$LIMIT" "$LATCHD" -l "127.0.0.1:$PORT"
	[[ $stderr == *"cannot open $DIR/nonexistent: No such file"* ]]
}

@test "the directory stays as it is at a reload, which says so" {
	start_with_state
	reload_with_config "\[server\] state_dir: /elsewhere in the file, but $state is in effect until a restart" \
		<<<$'[server]\nstate_dir = /elsewhere'
	reload_with_config "\[server\] state_dir: nothing in the file, but $state is in effect" </dev/null
}

@test "-t looks at the form of the path alone" {
	printf '[server]\nstate_dir = /nonexistent\n' >good.ini
	run -0 "$LATCHD" -t -c good.ini
	printf '[server]\nstate_dir = state\n' >bad.ini
	run -78 "$LATCHD" -t -c bad.ini
	assert_eq 'latchd: bad.ini:2: state_dir must be an absolute path, not state' "$output"
}
