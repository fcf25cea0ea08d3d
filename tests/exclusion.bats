#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Mutual exclusion, from outside: processes that contend, are killed and stopped, and write down what
# they held. EXCLUSION_SECONDS says how long (make soak-exclusion), EXCLUSION_SEED how.

load native

# What is said about the records in $DIR/records; false where something is wrong with them.
check() {
	perl "$CLIENTS/check_exclusion.pl" "$DIR/records"
}

refuted() {
	if check; then
		fail 'nothing was found in these records'
	fi
}

records() { # FILE LINE...
	local file=$1
	shift
	mkdir -p "$DIR/records"
	printf '%s\n' "$@" >"$DIR/records/held.$file"
}

@test "what is judged here: two hold an exclusive lock" {
	records 1 'B 1 exclusive 1 -1 10 0 a' 'H 11' 'E 12'
	records 2 'B 2 exclusive 1 -1 12.5 0 a' 'E 13'
	check
	records 2 'B 2 exclusive 1 -1 11.5 0 a b' 'H 12' 'H 13'
	refuted
	records 2 'B 2 shared 0 -1 11.5 0 b' 'E 12'
	check
	records 2 'B 2 shared 0 -1 11.5 0 a' 'E 12'
	refuted
}

@test "what is judged here: a killed one held it up to its last line, and a lease to its end" {
	records 1 'B 1 exclusive 1 -1 10 0 a' 'H 11' 'H 12'
	records 2 'B 2 exclusive 1 -1 12.1 0 a' 'E 13'
	check
	records 1 'B 1 exclusive 1 -1 10 0 a' 'H 11' 'H 12.2'
	refuted
	records 1 'B 1 exclusive 1 -1 10 11.5 a' 'H 11' 'U 12' 'E 12.2'
	check
	records 1 'B 1 exclusive 1 -1 10 11.5 a' 'H 11' 'U 13' 'E 12.2'
	refuted
}

@test "what is judged here: too many slots, the same slot, tokens that fall, what was lost" {
	records 1 'B 1 slots 2 0 10 0 s' 'E 12'
	records 2 'B 2 slots 2 1 10 0 s' 'E 12'
	check
	records 3 'B 3 slots 2 2 11 0 s' 'E 12'
	refuted
	records 3 'B 3 slots 2 1 12 0 s' 'E 13'
	check
	records 2 'B 2 slots 3 0 10 0 s' 'E 12'
	refuted
	records 2 'B 4 exclusive 1 -1 1 0 s' 'E 2'
	refuted
	records 2 'B 1 exclusive 1 -1 1 0 other' 'E 2'
	refuted
	records 2 '! lost silently'
	refuted
}

@test "live: 50 processes in every mode, killed and stopped at random, never hold what excludes another" {
	local seconds=${EXCLUSION_SECONDS:-10} seed=${EXCLUSION_SEED:-$RANDOM} said

	echo "EXCLUSION_SEED=$seed"
	start_latchd
	mkdir "$DIR/records"
	connect 1
	spawn perl "$CLIENTS/contend.pl" "127.0.0.1:$PORT" "$seconds" "$DIR/records" 50 "$seed" "$LATCHD_PID"
	LIMIT=$((seconds + LIMIT)) finish "$SPAWNED_PID"
	said=$(check) || fail "$said"
	echo "# $said" >&3
	[[ $said =~ ^([0-9]+)\ grants,\ ([0-9]+)\ exclusive,\ ([0-9]+)\ at\ once,\ ([0-9]+)\ killed$ ]]
	# So many that something was tested, also on a slow machine.
	[ "${BASH_REMATCH[1]}" -ge $((seconds * 30)) ]
	[ "${BASH_REMATCH[2]}" -ge $((seconds * 15)) ]
	[ "${BASH_REMATCH[3]}" -ge 3 ]
	[ "${BASH_REMATCH[4]}" -ge 1 ]
	# Whatever they left behind is free in the end.
	eventually nothing_is_held
}

nothing_is_held() {
	many 1 list "$NUM.*"
	[ "${#LINES_GOT[@]}" -eq 0 ]
}
