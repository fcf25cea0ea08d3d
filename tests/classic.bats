#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The classic verbs, byte for byte.

load helpers

UNKNOWN='ERR unknown_command Unknown+server+command\r\n'

@test "trylock takes a free lock" {
	start_latchd
	transcript 'trylock lock=a\r\n' 'OK \r\n'
}

@test "trylock is refused what another connection holds" {
	start_latchd
	connect 1
	connect 2
	ask 1 'trylock lock=a\r\n' 'OK \r\n'
	ask 2 'trylock lock=a\r\n' 'ERR taken \r\n'
	ask 2 'trylock lock=b\r\n' 'OK \r\n'
	ask 1 'trylock lock=b\r\n' 'ERR taken \r\n'
}

@test "trylock is refused what this very connection holds" {
	start_latchd
	transcript 'trylock lock=a\r\ntrylock lock=a\r\nreleaselock lock=a\r\nreleaselock lock=a\r\n' \
		'OK \r\nERR taken \r\nOK \r\nERR didnthave \r\n'
}

@test "trylock and releaselock without a name: empty_lock" {
	local verb args requests='' replies=''

	for verb in trylock releaselock; do
		for args in '' ' ' ' lock=' ' lock' ' =' ' &' ' a' ' name=a' ' lock=&name=a' ' Lock=a' ' LOCK=a' \
			' xlock=a' ' loc=a' ' lockx=a' '!lock=a' ' lock =a' ' loc%6=a'; do
			requests+="$verb$args\\r\\n"
			replies+='ERR empty_lock \r\n'
		done
	done
	start_latchd
	transcript "${requests}locks\\n" "${replies}LOCKS:\\n\\n"
}

@test "releaselock of a lock that nobody holds: didnthave" {
	start_latchd
	transcript 'releaselock lock=a\r\n' 'ERR didnthave \r\n'
}

@test "releaselock of another connection's lock: didnthave, and the lock stays" {
	start_latchd
	connect 1
	connect 2
	ask 1 'trylock lock=a\r\n' 'OK \r\n'
	ask 2 'releaselock lock=a\r\n' 'ERR didnthave \r\n'
	ask 2 'trylock lock=a\r\n' 'ERR taken \r\n'
	ask 1 'releaselock lock=a\r\n' 'OK \r\n'
	ask 1 'releaselock lock=a\r\n' 'ERR didnthave \r\n'
	ask 2 'trylock lock=a\r\n' 'OK \r\n'
}

@test "a released lock is free at once, for whoever comes first" {
	start_latchd
	connect 1
	connect 2
	ask 1 'trylock lock=a\r\n' 'OK \r\n'
	ask 1 'releaselock lock=a\r\n' 'OK \r\n'
	ask 2 'trylock lock=a\r\n' 'OK \r\n'
	ask 1 'trylock lock=a\r\n' 'ERR taken \r\n'
}

@test "locks: a heading, a line a lock, a blank line, all ended by LF alone" {
	local holder

	start_latchd
	connect 1
	connect 2
	holder="$HELD_BY 127.0.0.1:$(port_of 1)"
	ask 1 'locks\r\n' 'LOCKS:\n\n'
	ask 1 'trylock lock=b\r\ntrylock lock=a\r\n' 'OK \r\nOK \r\n'
	ask 2 'trylock lock=ab\r\n' 'OK \r\n'
	ask 1 'locks\r\n' \
		"LOCKS:\n  a = $holder\n  ab = $HELD_BY 127.0.0.1:$(port_of 2)\n  b = $holder\n\n"
	ask 2 'releaselock lock=ab\r\n' 'OK \r\n'
	ask 2 'locks x=y&lock=a\n' "LOCKS:\n  a = $holder\n  b = $holder\n\n"
	expect_nothing 2
}

@test "noop, whatever follows it" {
	local rest requests='' replies=''

	for rest in '' ' ' ' junk' '!' '!junk' '=' '\tjunk' '-x' '.' ' lock=a&lock=b' ' %00' '\xff'; do
		requests+="noop$rest\\r\\n"
		replies+='OK \r\n'
	done
	start_latchd
	transcript "$requests" "$replies"
}

@test "status: five lines and a blank one, all ended by LF alone" {
	local line got

	start_latchd
	connect 1
	send 1 'status\r\n'
	for line in 'STATUS: OK' 'SUCCESSES: 0' 'FAILURES: 0' 'RUNTIME: [0-9]+' 'LOAD: 0' ''; do
		read_line 1 got
		assert_match "^$line\$" "$got"
	done
	expect_nothing 1
}

@test "RUNTIME is the seconds since the start" {
	local before=$SECONDS

	start_latchd
	eventually runs_for 1
	[ "$runtime" -le $((SECONDS - before + 1)) ]
}

# SECONDS or longer; sets runtime.
runs_for() {
	local status

	status=$(printf 'status\n' | talk)
	[[ $status =~ RUNTIME:\ ([0-9]+) ]] || return 1
	runtime=${BASH_REMATCH[1]}
	[ "$runtime" -ge "$1" ]
}

# SUCCESSES FAILURES LOAD
assert_counted() {
	local line got

	send 1 'status\r\n'
	for line in 'STATUS: OK' "SUCCESSES: $1" "FAILURES: $2" 'RUNTIME: [0-9]+' "LOAD: $3" ''; do
		read_line 1 got
		assert_match "^$line\$" "$got"
	done
	ask 1 'load\r\n' "LOAD: $3\n\n"
}

@test "SUCCESSES, FAILURES and LOAD count every trylock, the empty and malformed ones too" {
	local long
	printf -v long '%01025d' 0

	start_latchd
	connect 1
	assert_counted 0 0 0
	ask 1 'trylock lock=a\r\n' 'OK \r\n'
	assert_counted 1 0 1
	ask 1 'trylock lock=a\r\n' 'ERR taken \r\n'
	assert_counted 1 1 2
	ask 1 'trylock\r\n' 'ERR empty_lock \r\n'
	assert_counted 1 2 3
	ask 1 'trylock lock=b&lock=c\r\n' 'ERR bad_args \r\n'
	assert_counted 1 3 4
	ask 1 'trylock lock=%00\r\n' 'ERR bad_name \r\n'
	assert_counted 1 4 5
	ask 1 "trylock lock=$long\\r\\n" 'ERR name_too_long \r\n'
	assert_counted 1 5 6
	ask 1 'TRYLOCK lock=b\r\n' 'OK \r\n'
	assert_counted 2 5 7
}

@test "nothing but a trylock is counted" {
	start_latchd
	connect 1
	ask 1 'releaselock lock=a\r\nreleaselock\r\nnoop\r\nlocks\r\nload\r\nxyzzy lock=a\r\n trylock lock=a\r\n' \
		"ERR didnthave \\r\\nERR empty_lock \\r\\nOK \\r\\nLOCKS:\\n\\nLOAD: 0\\n\\n$UNKNOWN$UNKNOWN"
	assert_counted 0 0 0
}

@test "load is a number and a blank line, both ended by LF alone" {
	start_latchd
	transcript 'load\r\ntrylock lock=a\r\nload\r\ntrylock lock=a\r\nload x\r\n' \
		'LOAD: 0\n\nOK \r\nLOAD: 1\n\nERR taken \r\nLOAD: 2\n\n'
}

@test "anything else is an unknown command, and the connection goes on" {
	local line requests='' replies=''

	for line in xyzzy ' ' ' noop' '\tnoop' ' trylock lock=a' '!' '=' '.noop' 'noopx' 'noop_' 'noop1' '_noop' \
		'trylocklock=a' 'try lock=a' '%6eoop' 'locky=a' '\xc3\xa9' '\xff' '\x00' '\x01noop' '\x7f' '\r\r' \
		'statuses' 'loads' 'no op' 'GET / HTTP/1.1'; do
		requests+="$line\\r\\nnoop\\r\\n"
		replies+="${UNKNOWN}OK \\r\\n"
	done
	start_latchd
	transcript "${requests}locks\\n" "${replies}LOCKS:\\n\\n"
}

@test "verbs are case-insensitive" {
	start_latchd
	transcript 'TRYLOCK lock=a\r\ntRYlOCK lock=a\r\nRELEASELOCK lock=a\r\nReleaseLock lock=a\r\n' \
		'OK \r\nERR taken \r\nOK \r\nERR didnthave \r\n'
	transcript 'LOCKS\r\nLocks\r\nNOOP\r\nnOOp\r\nLOAD\r\nLoad\r\n' \
		'LOCKS:\n\nLOCKS:\n\nOK \r\nOK \r\nLOAD: 2\n\nLOAD: 2\n\n'
	assert_match $'^STATUS: OK\nSUCCESSES: 1\n' "$(printf 'STATUS\r\n' | talk)"
}

@test "names are case-sensitive" {
	start_latchd
	transcript 'trylock lock=a\r\ntrylock lock=A\r\nreleaselock lock=a\r\nreleaselock lock=a\r\n' \
		'OK \r\nOK \r\nOK \r\nERR didnthave \r\n'
}

@test "blanks between the verb and its arguments, as many as there are" {
	start_latchd
	transcript 'trylock   lock=a\r\ntrylock\tlock=a\r\ntrylock \t \x0b\x0clock=a\r\n' \
		'OK \r\nERR taken \r\nERR taken \r\n'
}

# All of the ARGS mean the lock that `locks` shows as SHOWN.
assert_same_name() { # SHOWN ARGS...
	local shown=$1 args requests='' replies='' holder

	shift
	connect 9
	holder="$HELD_BY 127.0.0.1:$(port_of 9)"
	for args in "$@"; do
		requests+="trylock $args\\r\\nlocks\\r\\ntrylock $1\\r\\nreleaselock $args\\r\\n"
		replies+="OK \\r\\nLOCKS:\\n  $shown = $holder\\n\\nERR taken \\r\\nOK \\r\\n"
	done
	ask 9 "$requests" "$replies" || fail "with one of: $*"
	hang_up 9
}

@test "a value is all that follows the first =" {
	start_latchd
	assert_same_name 'eq=x' 'lock=eq=x' 'lock=eq%3dx' 'lock=%65q=x'
	assert_same_name '==' 'lock===' 'lock=%3D%3d'
	assert_same_name 'a ' 'lock=a ' 'lock=a+' 'lock=a%20'
	assert_same_name 'a b=c' 'lock=a b=c' 'lock=a+b=c'
	assert_same_name ' a' 'lock= a'
	assert_same_name 'lock' 'lock=lock'
	assert_same_name 'a%0D' 'lock=a\r' 'lock=a%0d'
}

@test "keys that the verb does not know are ignored, wherever they stand" {
	start_latchd
	assert_same_name a lock=a 'lock=a&x=y' 'x=y&lock=a' 'x=y&lock=a&z' '&lock=a' '&&lock=a&&' 'lock=a&' \
		'=&lock=a' '=x&lock=a' 'x&lock=a' 'LOCK=b&lock=a' 'lock%3d=b&lock=a' 'loc=b&lock=a&lockx=c' \
		'id=%zz&lock=a' 'x==lock&lock=a'
}

@test "keys are decoded as values are" {
	start_latchd
	assert_same_name a lock=a '%6cock=a' 'lo%63k=a' '%6C%6F%63%6b=a' 'x=y&loc%6B=a'
	transcript 'trylock l+ock=a\r\n' 'ERR empty_lock \r\n'
}

@test "+ is a space and %XX a byte" {
	start_latchd
	assert_same_name 'a b' 'lock=a+b' 'lock=a%20b' 'lock=a b' 'lock=%61+%62'
	assert_same_name 'a+b' 'lock=a%2bb' 'lock=a%2Bb'
	assert_same_name 'a&b' 'lock=a%26b'
	assert_same_name 'aZ/~.' 'lock=%61%5A%2f%7e%2E' 'lock=aZ/~.'
	# Decoded once, not twice.
	assert_same_name '%2541' 'lock=%2541'
	assert_same_name '%252B' 'lock=%252B'
}

@test "malformed percent-encoding is left as it stands" {
	start_latchd
	assert_same_name '%25' 'lock=%' 'lock=%25'
	assert_same_name '%254' 'lock=%4' 'lock=%254'
	assert_same_name '%25G1' 'lock=%G1' 'lock=%25G1'
	assert_same_name '%251G' 'lock=%1G'
	assert_same_name '%25%25' 'lock=%%' 'lock=%25%' 'lock=%%25'
	assert_same_name '%25A' 'lock=%%41' 'lock=%A'
	assert_same_name '%25 1' 'lock=%+1'
	assert_same_name '%25-1' 'lock=%-1'
	assert_same_name '%250x' 'lock=%0x'
	transcript 'trylock lock=%&x=1\r\nreleaselock x=%&lock=%\r\n' 'OK \r\nOK \r\n'
	transcript 'trylock lock=%4&x=1\r\nreleaselock lock=%254\r\n' 'OK \r\nOK \r\n'
}

@test "UTF-8 and other high bytes are names like any other" {
	start_latchd
	assert_same_name 'sch\xc3\xb6n' 'lock=sch\xc3\xb6n' 'lock=sch%c3%b6n' 'lock=sch%C3\xb6n'
	assert_same_name '\xe6\x97\xa5\xf0\x9f\x94\x92' 'lock=\xe6\x97\xa5\xf0\x9f\x94\x92' \
		'lock=%E6%97%A5%F0%9F%94%92'
	assert_same_name '\xff\x80\xfe' 'lock=\xff\x80\xfe' 'lock=%FF%80%FE'
	# Bytes are compared, not characters: composed and decomposed differ.
	transcript 'trylock lock=\xc3\xb6\r\ntrylock lock=o\xcc\x88\r\n' 'OK \r\nOK \r\n'
}

@test "lock= given twice: bad_args, for both verbs" {
	local args requests='' replies=''

	for args in 'lock=a&lock=a' 'lock=a&lock=b' 'lock=&lock=a' 'lock=a&lock=' 'lock&lock' 'lock=a&x=y&lock=b' \
		'lock=a&%6cock=b' 'lock=a&lock=b&lock=c'; do
		requests+="trylock $args\\r\\nreleaselock $args\\r\\n"
		replies+='ERR bad_args \r\nERR bad_args \r\n'
	done
	start_latchd
	transcript "${requests}locks\\n" "${replies}LOCKS:\\n\\n"
}

@test "a NUL in a name, encoded or raw: bad_name, for both verbs" {
	local name requests='' replies=''

	for name in '%00' 'a%00' '%00a' 'a%00b' '\x00' 'a\x00b'; do
		requests+="trylock lock=$name\\r\\nreleaselock lock=$name\\r\\n"
		replies+='ERR bad_name \r\nERR bad_name \r\n'
	done
	start_latchd
	transcript "${requests}locks\\n" "${replies}LOCKS:\\n\\n"
	transcript 'trylock x=%00&lock=a\r\nnoop %00\x00\r\n' 'OK \r\nOK \r\n'
}

@test "a name of max_name bytes is taken, one more is name_too_long, counted after decoding" {
	local most encoded

	printf -v most '%01024d' 0
	encoded=${most//0/%30}

	start_latchd
	assert_same_name "$most" "lock=$most" "lock=$encoded"
	transcript "trylock lock=${most}0\\r\\nreleaselock lock=${most}0\\r\\n" \
		'ERR name_too_long \r\nERR name_too_long \r\n'
	transcript "trylock lock=${encoded}0\\r\\n" 'ERR name_too_long \r\n'
	transcript "trylock lock=$encoded%30\\r\\n" 'ERR name_too_long \r\n'
	transcript 'locks\n' 'LOCKS:\n\n'
}

@test "no name can forge a line of locks" {
	local name shown

	name='a%20=%20x%0A%0ASTATUS:%20OK%0D%0A%20%20b'
	shown='a = x%0A%0ASTATUS: OK%0D%0A  b'
	start_latchd
	assert_same_name "$shown" "lock=$name"
	assert_same_name '%0A' 'lock=%0a'
	assert_same_name '%0D%0A' 'lock=%0d%0a'
	assert_same_name '%0B%0C%1B[2J%7F%250A' 'lock=%0b%0c%1b[2J%7f%250A'
}

@test "every byte but NUL is a name, and locks shows it raw but for control bytes and %" {
	start_latchd
	perl -e 'printf "trylock lock=%%%02x\r\n", $_ for reverse 1 .. 255; print "locks\r\n"' >"$DIR/requests"
	perl -e 'print "OK \r\n" x 255, "LOCKS:\n";
		print "  ", ($_ < 32 || $_ == 127 || $_ == 37 ? sprintf "%%%02X", $_ : chr), " = holder\n" for 1 .. 255;
		print "\n"' >"$DIR/wanted"
	talk <"$DIR/requests" | perl -pe 's/ = \QDDLockd::Client::Internal(R): open to\E 127\.0\.0\.1:\d+$/ = holder/' \
		>"$DIR/got"
	assert_same_file "$DIR/wanted" "$DIR/got"
}

@test "every byte in a line, raw: a reply for each, and no other lock is touched" {
	start_latchd
	perl -e 'for (0 .. 255) { printf "trylock lock=x%c\r\nreleaselock lock=x%c\r\n", $_, $_ if $_ != 10 }' \
		>"$DIR/requests"
	# A CR before the CR LF is one of the name's; & ends the value, so that the name is x.
	perl -e 'for (0 .. 255) { print $_ == 0 ? "ERR bad_name \r\n" x 2 : "OK \r\n" x 2 if $_ != 10 }' \
		>"$DIR/wanted"
	talk <"$DIR/requests" >"$DIR/got"
	assert_same_file "$DIR/wanted" "$DIR/got"
	perl -e 'for (0 .. 255) { printf "%cnoop\r\n", $_ if $_ != 10 && $_ != 13 && $_ != ord "?" }' >"$DIR/requests"
	perl -e 'print "ERR unknown_command Unknown+server+command\r\n" x 253' >"$DIR/wanted"
	talk <"$DIR/requests" >"$DIR/got"
	assert_same_file "$DIR/wanted" "$DIR/got"
}
