#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# latch in surroundings that nobody would choose: descriptors that are closed, disks that are full, no /proc; what it says of
# words that are wrong; completions in their own shells.

# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # texts for other shells; bats: tests are subshells
load guards

# --- Descriptors

@test "standard descriptors that are closed are never the connection: nothing is said to the server" {
	local status=0

	export ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 # which cannot be told under strace
	start_latchd
	latch acquire --lease 60s other >acquired
	latch list --json >list.out 2>&- <&- || fail 'with standard output it is well'
	grep -q '"lock":"other"' list.out
	latch list --json 2>list.err >&- <&- || status=$?
	assert_eq 71 "$status"
	assert_eq 'latch: standard output: Bad file descriptor' "$(cat list.err)"
	status=0
	latch list >&- 2>&- <&- || status=$?
	assert_eq 71 "$status"
	strace -f -qq -s 200 -e trace=write,writev,sendto,sendmsg -o trace "$LATCH" -S "127.0.0.1:$PORT" \
		run --as alice a sh -c 'sleep 60 & exit 3' <&- >&- 2>&- 3>&- || status=$?
	assert_eq 3 "$status"
	grep -q 'left processes behind' trace || fail 'it had nothing to say' "$(cat trace)"
	run ! grep -E 'left processes behind.*= [0-9]+$' trace
}

@test "a command finds those closed that latch found closed, and no others" {
	start_latchd
	latch run a sh -c '[ ! -e /proc/$$/fd/0 ] && [ -e /proc/$$/fd/1 ] && echo yes' <&- >closed.out
	assert_eq yes "$(cat closed.out)"
	latch run a sh -c '[ -e /proc/$$/fd/0 ] && [ ! -e /proc/$$/fd/1 ] && [ ! -e /proc/$$/fd/2 ]' </dev/null >&- 2>&-
}

@test "a command that waits for the lock it is run under says so, also where there is no terminal" {
	start_latchd
	behind outer run --as alice a "$LATCH" run a true
	eventually grep -q 'held .* by alice: .*latch run a true; waiting$' outer.err
	kill "${PIDS[outer]}"
	ends_with outer 143
	latch run a "$LATCH" run b true 2>other.err
	assert_eq '' "$(cat other.err)"
}

# --- Words that are wrong

# latch says one line of its own, which matches, and nothing else.
wrong() { # REGEX ARG...
	local regex=$1

	shift
	exits 64 "$@"
	assert_eq '' "$OUT"
	assert_match "^latch: $regex\$" "$ERR"
}

@test "run and elect say what is wrong with an option as all others do, and have -h" {
	local command

	start_latchd
	for command in run elect; do
		wrong "there is no such option here: -x \(latch $command --help\)" "$command" -x a true
		wrong "there is no such option here: -x \(latch $command --help\)" "$command" --lease=2s -nxq a true
		wrong "there is no such option here: --json \(latch $command --help\)" "$command" --json a true
		wrong "there is no such option here: --quiet=3 \(latch $command --help\)" "$command" --quiet=3 a true
		wrong "-w needs a value \(latch $command --help\)" "$command" a -w
		wrong "--wait needs a value \(latch $command --help\)" "$command" a --wait
		exits 0 "$command" -h
		assert_match "^latch $command \[options\] NAME" "$OUT"
	done
	wrong 'there is no such option here: -x \(latch list --help\)' list --json -xh
	wrong '-S needs a value \(latch --help\)' -S
	wrong '--server needs a value \(latch --help\)' --server
}

@test "a value that is too long does not hide what is wrong with it" {
	start_latchd
	wrong '--as x{40,59}…: expected 1 to 256 bytes' run --as "$(printf 'x%.0s' {1..5000})" a true
	wrong '-w x%1B\[31m: expected a time: .*' run -w $'x\e[31m' a true
}

@test "a time may begin with its point; a word that is like no command is not taken for one" {
	start_latchd
	exits 0 run --timeout .5m -w .5 a true
	exits 0 acquire --lease .5m --key 12345678 b
	exits 0 renew --key 12345678 --lease .25h b
	assert_eq lease=900 "$OUT"
	exits 64 run -w . a true
	exits 64 run -w .s a true
	wrong 'there is no command foo \(latch --help\)' foo
	wrong 'there is no command lsit: did you mean list\?' lsit
}

@test "output that cannot be written is an error, of help and of watch too" {
	local words status=0

	[ -w /dev/full ] || skip 'there is no /dev/full'
	start_latchd
	latch acquire --lease 60s a >acquired
	for words in --help --version 'run --help' 'list --help' 'help list' list 'list --json' 'list --names' stats ping 'watch a' \
		'watch --json --prefix a'; do
		# shellcheck disable=SC2086
		timeout "$LIMIT" "$LATCH" -S "127.0.0.1:$PORT" $words >/dev/full 2>full.err 3>&- || status=$?
		assert_eq 71 "$status" "$words"
		assert_eq 'latch: standard output: No space left on device' "$(cat full.err)"
		status=0
	done
}

# --- Signals

@test "a signal that comes while latch still starts is passed on, though the command runs already" {
	local signal tracer

	export ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 # which cannot be told under strace
	start_latchd
	for signal in TERM INT QUIT HUP USR1 USR2; do
		HOME_OF_TEST=$DIR spawn env --default-signal=INT,QUIT strace -qq -o "$signal.trace" -e trace=signalfd4 \
			-e inject=signalfd4:delay_enter=1s:when=1 "$LATCH" -S "127.0.0.1:$PORT" run "$signal" perl -e '
			$SIG{$ARGV[0]} = sub { print "got $ARGV[0]\n"; exit 3 };
			open my $ready, ">", "$ARGV[0].ready"; close $ready;
			sleep 60;' "$signal" >"$signal.out" 2>"$signal.err" </dev/null
		tracer=$SPAWNED_PID
		eventually test -e "$signal.ready"
		kill -s "$signal" "$(tr -d ' ' <"/proc/$tracer/task/$tracer/children")"
		STATUS=0
		finish "$tracer" || STATUS=$?
		assert_eq 3 "$STATUS" "$signal"
		assert_eq "got $signal" "$(cat "$signal.out")"
	done
}

# --- What is said, and of what

@test "an address that is none: who says so is told, and an empty -S is not the default" {
	start_latchd
	wrong '-S: "" is no address of a server: .*' -S '' list
	wrong '-S: "x" is no address of a server: .*' list -S x
	LATCH_SERVER=y wrong 'LATCH_SERVER: "y" is no address of a server: .*' list
	unshare --mount mount -t tmpfs none /etc 2>/dev/null || skip 'no mount namespaces here'
	etc() { # STATUS REGEX INI
		local status=0

		printf '%b' "$3" >latch.ini
		env -u LATCH_SERVER unshare --mount sh -c 'mount -t tmpfs none /etc && cp latch.ini /etc && exec "$@"' sh \
			"$LATCH" ping 3>&- >etc.out 2>etc.err || status=$?
		assert_eq "$1" "$status"
		assert_match "$2" "$(cat etc.err)"
	}
	etc 78 '^latch: /etc/latch.ini: "z" is no address of a server: ' '[client]\nserver = z\n'
	etc 78 '^latch: /etc/latch.ini: "" is no address of a server: ' '[client]\nserver =\n'
	etc 78 '^latch: /etc/latch.ini:1: not a section, nor `key = value` in one$' "server = 127.0.0.1:$PORT\n"
}

@test "what is wrong here is not asked of the server: 71 without descriptors, and the mode of a socket" {
	export ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 # which cannot be told under strace
	start_latchd
	run -71 --separate-stderr strace -qq -o trace -e trace=socket -e inject=socket:error=EMFILE "$LATCH" -S "127.0.0.1:$PORT" list
	assert_eq "latch: 127.0.0.1:$PORT: Too many open files" "$stderr"
	[ "$(id -u)" -eq 0 ] || skip 'another user is needed'
	perl -MIO::Socket::UNIX -e '
		my $s = IO::Socket::UNIX->new(Local => "s", Listen => 1) or die; chmod 0600, "s"; chmod 0755, "."; sleep 60' 3>&- &
	eventually test -S s
	cp "$LATCH" ./latch.copy
	run -69 --separate-stderr setpriv --reuid 12345 --clear-groups ./latch.copy -S unix:s list
	kill $!
	assert_eq 'latch: unix:s: permission denied; mode of its listener in latchd.ini(5) says who may connect' "$stderr"
}

@test "a script whose interpreter is missing is not said to be missing itself" {
	start_latchd
	printf '#!/nowhere/sh\n' >script
	chmod +x script
	exits 127 run a ./script
	assert_eq 'latch: cannot run ./script: its interpreter is not there' "$ERR"
}

@test "without a /proc of its own it does not begin what it could not end: 71" {
	[ "$(basename "$BUILD")" = release ] || skip 'a sanitizer does not begin without /proc either'
	start_latchd
	unshare --mount umount -l /proc 2>/dev/null || skip 'no mount namespaces here'
	run -71 --separate-stderr unshare --mount sh -c 'umount -l /proc && exec "$@"' sh "$LATCH" -S "127.0.0.1:$PORT" run a touch ran
	assert_match '^latch: cannot start: there is no /proc of this PID namespace' "$stderr"
	run -71 --separate-stderr unshare --pid --fork "$LATCH" -S "127.0.0.1:$PORT" run a touch ran
	[ ! -e ran ]
	run -0 unshare --pid --fork --mount-proc "$LATCH" -S "127.0.0.1:$PORT" run a touch ran
	[ -e ran ]
}

# --- Completions, in the shells that they are for

complete_locks() {
	start_latchd
	for name in deploy 'deploy web' other; do
		latch acquire --lease 60s "$name" >acquired
	done
	export LATCH_SERVER=127.0.0.1:$PORT PATH=${LATCH%/*}:$PATH
}

# What fish offers behind LINE is WORD..., in its order.
fish_offers() { # LINE WORD...
	local line=$1

	shift
	assert_eq "$*" "$(fish --no-config -c "source $TESTS/../completions/latch.fish; complete -C '$line'" 3>&- |
		cut -f 1 | tr '\n' ' ' | sed 's/ $//')" "$line"
}

@test "completion for fish: subcommands, options of each, locks of the server of -S, and the command's own" {
	command -v fish >/dev/null || skip 'there is no fish'
	complete_locks
	fish_offers 'latch re' release renew revoke
	fish_offers 'latch help re' release renew revoke
	fish_offers 'latch inspect d' deploy 'deploy web'
	fish_offers 'latch inspect deploy '
	fish_offers 'latch -S 127.0.0.1:1 inspect d'
	LATCH_SERVER=127.0.0.1:1 fish_offers "latch inspect --server=127.0.0.1:$PORT o" other
	fish_offers 'latch run -n --on-loss ' ignore kill term
	fish_offers 'latch run -w 3 deploy latch insp' inspect
	fish_offers 'latch run --also o' other
	fish_offers 'latch renew --le' --lease
}

# What zsh offers behind LINE, with a Tab on a terminal of its own.
zsh_offers() { # LINE WORD...
	local line=$1

	shift
	cat >offers.zsh <<-'ZSH'
		zmodload zsh/zpty
		zpty z zsh -f -i
		zpty -w z "PS1=; stty -echo; fpath=($1 \$fpath); autoload -Uz compinit; compinit -u -D"
		zpty -w z 'compadd() {
			if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return; fi
			typeset -a offered; builtin compadd -A offered "$@"
			(( $#offered )) && print -rl -- "" "OFFER:"$^offered
			builtin compadd "$@"
		}
		bindkey "^I" complete-word; comppostfuncs=(the_end); the_end() { exit 0 }; print READY'
		zpty -r -m z out '*READY*'
		zpty -n -w z "$2"$'\t'
		while zpty -r z out; do print -r -- "$out"; done
	ZSH
	assert_eq "$*" "$(timeout "$LIMIT" zsh -f offers.zsh "$TESTS/../completions" "$line" 3>&- | tr -d '\r' |
		sed -n 's/^OFFER://p' | sort -u | tr '\n' ' ' | sed 's/ $//')" "$line"
}

@test "completion for zsh: subcommands, options of each, locks of the server of -S, and the command's own" {
	command -v zsh >/dev/null || skip 'there is no zsh'
	complete_locks
	zsh_offers 'latch re' release renew revoke
	zsh_offers 'latch inspect d' deploy 'deploy\ web'
	zsh_offers 'latch -S 127.0.0.1:1 inspect d'
	export LATCH_SERVER=127.0.0.1:1
	zsh_offers "latch inspect -S 127.0.0.1:$PORT o" other
	zsh_offers 'latch run -n --on-loss ' ignore kill term
	zsh_offers 'latch run deploy latc' latch latchd
	zsh_offers 'latch run deploy latch insp' inspect
	zsh_offers 'latch top --h' --help
}
