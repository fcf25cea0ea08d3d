#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# latchd-protocol(7) against the daemon: each of its transcripts is played and compared, line by
# line; and its tables against the sources, so that nothing is said that nobody explains.

load helpers

TOP=$TESTS/..
PAGE=$TOP/man/latchd-protocol.7
MANUAL=$CLIENTS/manual.pl

# serve PAGE N: a latchd as that transcript needs it.
serve() {
	start_with_ini < <(perl "$MANUAL" ini "$1" "$2")
}

# play PAGE N: and see that it answers as the transcript says.
play() {
	perl "$MANUAL" play "$1" "$2" --port "$PORT" --port2 "$PORT2" --dir "$DIR" --pid "$LATCHD_PID" \
		--limit "$LIMIT" 3>&-
}

@test "every transcript happens as it is told" {
	local n count

	count=$(perl "$MANUAL" count "$PAGE")
	[ "$count" -gt 40 ]
	for ((n = 1; n <= count; n++)); do
		serve "$PAGE" "$n"
		play "$PAGE" "$n"
		stop_latchd
	done
}

@test "what is told otherwise is noticed: another key, another word, a line more, a line less" {
	local n=1 change

	[[ $(perl "$MANUAL" title "$PAGE" "$n") == 'How transcripts'* ]]
	for change in 's/&queue=/\&queues=/' 's/held <duration>/kept <duration>/' '/^C2> acquire deploy/d' \
		's/OK lock=deploy&/OK lock=deploy\&slot=1\&/' 's/^C1< OK .*/&\nC1< OK/'; do
		sed "0,/^\\.Ed/{$change}" "$PAGE" >"$DIR/changed.7"
		cmp -s "$PAGE" "$DIR/changed.7" && fail "changes nothing: $change"
		serve "$DIR/changed.7" "$n"
		LIMIT=2 run play "$DIR/changed.7" "$n"
		[ "$status" -ne 0 ] || fail "not noticed: $change"
		stop_latchd
	done
}

# What KEYS has, marked > or not.
documented_keys() {
	sed -n '/^\.Sh KEYS/,/^\.Sh EXAMPLES/s/^\.It Li //p' "$PAGE" | sort
}

@test "every verb is in a transcript" {
	start_latchd
	# Those that help names, and in the table of the sources their other names.
	{
		printf 'help\r\n' | talk | sed -n '/^OK lines=/d; /^Times: /d; s/^\([a-z]*\).*/\1/p'
		sed -n 's/^ *\(ALIAS\|NATIVE\|CLASSIC\)(\([a-z]*\)[,)].*/\2/p' "$TOP"/daemon/commands.c
		echo '?'
	} | sort -u >"$DIR/there"
	[ "$(wc -l <"$DIR/there")" -gt 25 ]
	perl "$MANUAL" verbs "$PAGE" >"$DIR/told"
	comm -23 "$DIR/there" <(sort "$DIR/told") >"$DIR/missing"
	[ ! -s "$DIR/missing" ] || fail "in no transcript: $(tr '\n' ' ' <"$DIR/missing")"
}

@test "every code is in a transcript, but for three" {
	sed -n 's/.*REFUSAL($//; s/.*REFUSAL( *"\([a-z_]*\)".*/\1/p; s/^\t*"\([a-z_]*\)", "", "[^"]*".*/\1/p' \
		"$TOP"/daemon/protocol.c | sort -u >"$DIR/there"
	[ "$(wc -l <"$DIR/there")" -gt 35 ]
	{
		perl "$MANUAL" codes "$PAGE"
		echo no_memory        # the simulated kernel's tests let allocations fail
		echo no_token         # that takes 2^32 grants with a directory that cannot be written
		echo too_many_watches # a hundred lines; below
	} | sort >"$DIR/told"
	diff "$DIR/there" "$DIR/told"
}

@test "a connection has 100 watches" {
	local n requests=''

	for n in {1..100}; do
		requests+="watch prefix=p$n\\r\\n"
	done
	start_latchd
	printf '%b' "${requests}watch one+more\\r\\nunwatch prefix=p7\\r\\nwatch one+more\\r\\n" | talk >"$DIR/got"
	[ "$(grep -c '^OK lines=0' "$DIR/got")" -eq 101 ]
	assert_eq $'ERR too_many_watches - this connection watches as much as it may\r\nOK \r\nOK lines=0&holders=0&waiters=0\r' \
		"$(tail -n 3 "$DIR/got")"
}

@test "every argument is in the table of keys, marked" {
	sed -n 's/^ *NAMED(ARG_[A-Z]*, "\([a-z]*\)"),/\1/p' "$TOP"/daemon/args.c | sort >"$DIR/there"
	[ "$(wc -l <"$DIR/there")" -gt 15 ]
	sed -n '/^\.Sh KEYS/,/^\.Sh EXAMPLES/{/^\.It Li /{s///;h;d};/^>/{x;p;x}}' "$PAGE" | sort >"$DIR/told"
	diff "$DIR/there" "$DIR/told"
}

@test "every key of an answer is in the table of keys, and no other" {
	{
		cat "$TOP"/daemon/*.c | tr -s '\n\t ' ' ' |
			grep -oE '(answer_(pair|word|number|text|seconds|time|who)|add_count)\([^"();]*(, |&)[^"();]*"[a-z_]+"' |
			sed 's/.*"\([a-z_]*\)"/\1/'
		grep -ohE '\b(what|count|id)=' "$TOP"/daemon/answer.c "$TOP"/daemon/deliver.c | tr -d '='
		sed -n 's/^ *NAMED(ARG_[A-Z]*, "\([a-z]*\)"),/\1/p' "$TOP"/daemon/args.c
	} | sort -u >"$DIR/there"
	[ "$(wc -l <"$DIR/there")" -gt 60 ]
	documented_keys >"$DIR/told"
	diff "$DIR/there" "$DIR/told"
}

@test "every code is in one table, every key in one" {
	[ -z "$(documented_keys | uniq -d)" ]
	[ -z "$(sed -n '/^\.Sh CODES/,/^\.Sh KEYS/s/^\.It Li //p' "$PAGE" | sort | uniq -d)" ]
}

@test "the README has every verb" {
	local verb

	while read -r verb; do
		grep -Eq "^\\|.*\`${verb}[\` ]" "$TOP/README.md" || fail "the README has no $verb"
	done < <(sed -n 's/^ *\(ALIAS\|NATIVE\|CLASSIC\)(\([a-z]*\)[,)].*/\2/p' "$TOP/daemon/commands.c" | grep -v '^word$')
}

@test "HACKING.md names every file of the daemon" {
	local file

	for file in "$TOP"/daemon/*.c; do
		file=${file##*/}
		case $file in
		config*) continue ;;
		esac
		grep -Eq "(^|[ /])${file//./\\.}( |$)" "$TOP/HACKING.md" || fail "HACKING.md has no $file"
	done
}
