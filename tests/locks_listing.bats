#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# `locks`: its order, what it shows while names come and go, what it costs others; prefixes.

load helpers

listing() { # MODE ARG...
	perl "$CLIENTS/listing.pl" "127.0.0.1:$PORT" "$@"
}

# Many locks by one client.
start_roomy() {
	start_with '[locks]' 'max_locks_per_client = 1000000'
}

@test "locks are sorted by their bytes, not by letters or by what is shown" {
	local holder name requests='' replies='' all=''

	start_latchd
	connect 1
	holder="$HELD_BY 127.0.0.1:$(port_of 1)"
	for name in b %ff B ab a 10 9 a%01 %c3%b6 _ + %25 %26 %24; do
		requests+="trylock lock=$name\\r\\n"
		replies+='OK \r\n'
	done
	for name in ' ' '$' %25 '&' 10 9 B _ a a%01 ab b '\xc3\xb6' '\xff'; do
		all+="  $name = $holder\\n"
	done
	ask 1 "${requests}locks\\r\\n" "${replies}LOCKS:\\n$all\\n"
}

@test "10,000 locks are sorted" {
	start_latchd
	listing whole 10000 2 >"$DIR/got"
	head -n 10000 "$DIR/got" | sort -u >"$DIR/wanted"
	assert_eq 10000 "$(wc -l <"$DIR/wanted")"
	cat "$DIR/wanted" "$DIR/wanted" >"$DIR/wanted.twice"
	assert_same_file "$DIR/wanted.twice" "$DIR/got"
}

@test "one more, and each is there once, in any order" {
	start_latchd
	listing whole 10001 1 >"$DIR/got"
	assert_eq 10001 "$(wc -l <"$DIR/got")"
	assert_eq 10001 "$(sort -u "$DIR/got" | wc -l)"
}

@test "50,000 names that are held throughout appear once each, while others come and go" {
	start_roomy
	listing churn 50000 60000 unsorted
}

@test "likewise 6,000 names, and in order" {
	start_roomy
	listing churn 6000 3900 sorted
}

@test "the table grows and shrinks by a factor while it is listed" {
	start_roomy
	listing churn 10500 200000 unsorted
}

@test "nothing of a later reply gets into a listing" {
	start_roomy
	{
		perl -e 'printf "trylock lock=%06d-%s\r\n", $_, "x" x 100 for 1 .. 12000'
		printf 'locks\r\nnoop\r\nlocks\r\nload\r\nxyzzy\r\n'
	} >"$DIR/requests"
	talk <"$DIR/requests" | tail -c +$((12000 * 5 + 1)) | sed 's/^  0.*/  A NAME/' | uniq -c | sed 's/^ *//' >"$DIR/got"
	printf '%b' '1 LOCKS:\n12000   A NAME\n1 \n1 OK \r\n1 LOCKS:\n12000   A NAME\n1 \n1 LOAD: 12000\n1 \n' \
		'1 ERR unknown_command Unknown+server+command\r\n' >"$DIR/wanted"
	assert_same_file "$DIR/wanted" "$DIR/got"
}

@test "a slow reader of a long listing holds up nobody, and its lists are not kept for it" {
	little_quarantine
	start_roomy
	listing slow 20000 "$LATCHD_PID" "$(grown_kb 2048)"
}

@test "a long listing gets a piece in a turn, however fast its reader is" {
	trace_latchd epoll_wait,epoll_pwait,poll,ppoll,sendto,sendmsg,writev
	start_roomy
	listing left 12000
	stop_traced
	perl -ne '
		if (/^(?:e?poll\w*)\(/) { %sent = () }
		elsif (/^(?:sendto|sendmsg|writev)\((\d+),.* = (\d+)$/) {
			$all += $2;
			$sent{$1} += $2;
			$most = $sent{$1} if $sent{$1} > ($most // 0);
		}
		END {
			die "no long listing here: $all bytes\n" if $all < 4_000_000;
			die "$most bytes in one turn\n" if $most > 70_000;
		}' "$DIR/trace"
}

@test "a reader that goes in the middle of a listing leaves nothing behind; half-closed it gets all" {
	start_latchd
	listing left 9000
}

@test "the holder of all that is being listed goes" {
	start_roomy
	listing holder-gone 30000
	stop_latchd
}

@test "the holder of all that is being listed in order goes" {
	start_roomy
	listing holder-gone 9000
}

# --- Prefixes

start_prefixed() {
	start_with_ini <<-INI
		[listen red]
		address = 127.0.0.1:@PORT@
		prefix = red/
		[listen blue]
		address = 127.0.0.1:@PORT2@
		prefix = blue/
		[listen all]
		address = 127.0.0.1:@PORT3@
	INI
	connect 1
	connect 2 "$PORT2"
	connect 3 "$PORT3"
}

@test "two listeners with two prefixes do not clash, and each sees its own names without prefix" {
	local red blue all

	start_prefixed
	red="$HELD_BY 127.0.0.1:$(port_of 1)" blue="$HELD_BY 127.0.0.1:$(port_of 2)" all="$HELD_BY 127.0.0.1:$(port_of 3)"
	ask 1 'trylock lock=a\r\ntrylock lock=a\r\ntrylock lock=b\r\n' 'OK \r\nERR taken \r\nOK \r\n'
	ask 2 'releaselock lock=b\r\ntrylock lock=a\r\n' 'ERR didnthave \r\nOK \r\n'
	ask 3 'trylock lock=a\r\n' 'OK \r\n'
	ask 1 'locks\r\n' "LOCKS:\\n  a = $red\\n  b = $red\\n\\n"
	ask 2 'locks\r\n' "LOCKS:\\n  a = $blue\\n\\n"
	ask 1 'releaselock lock=a\r\nlocks\r\n' "OK \\r\\nLOCKS:\\n  b = $red\\n\\n"
	ask 2 'locks\r\n' "LOCKS:\\n  a = $blue\\n\\n"
	ask 2 'releaselock lock=a\r\nlocks\r\n' 'OK \r\nLOCKS:\n\n'
	ask 3 'locks\r\n' "LOCKS:\\n  a = $all\\n  red/b = $red\\n\\n"
}

@test "who has no prefix shares the names that are written with it" {
	start_prefixed
	ask 3 'trylock lock=red/x\r\n' 'OK \r\n'
	ask 1 'trylock lock=x\r\nreleaselock lock=x\r\n' 'ERR taken \r\nERR didnthave \r\n'
	ask 2 'trylock lock=x\r\n' 'OK \r\n'
	ask 3 'trylock lock=blue/x\r\ntrylock lock=x\r\n' 'ERR taken \r\nOK \r\n'
	ask 1 'locks\r\n' "LOCKS:\\n  x = $HELD_BY 127.0.0.1:$(port_of 3)\\n\\n"
}

@test "a prefix counts neither in max_name nor for an empty name, and cannot be left" {
	local name

	start_prefixed
	printf -v name '%01024d' 0
	ask 1 "trylock lock=$name\\r\\ntrylock lock=${name}0\\r\\n" 'OK \r\nERR name_too_long \r\n'
	ask 1 'trylock lock=\r\n' 'ERR empty_lock \r\n'
	ask 1 'trylock lock=../blue/a\r\ntrylock lock=red/a\r\n' 'OK \r\nOK \r\n'
	ask 2 'trylock lock=a\r\nlocks\r\n' "OK \\r\\nLOCKS:\\n  a = $HELD_BY 127.0.0.1:$(port_of 2)\\n\\n"
	ask 1 'releaselock lock=red/a\r\n' 'OK \r\n'
	ask 1 'locks\r\n' "LOCKS:\\n  ../blue/a = $HELD_BY 127.0.0.1:$(port_of 1)\\n  $name = $HELD_BY 127.0.0.1:$(port_of 1)\\n\\n"
}

@test "a prefix that is the beginning of another sees that one's names" {
	start_with_ini <<-INI
		[listen outer]
		address = 127.0.0.1:@PORT@
		prefix = a/
		[listen inner]
		address = 127.0.0.1:@PORT2@
		prefix = a/b/
	INI
	connect 1
	connect 2 "$PORT2"
	ask 2 'trylock lock=x\r\n' 'OK \r\n'
	ask 1 'trylock lock=b/x\r\ntrylock lock=x\r\n' 'ERR taken \r\nOK \r\n'
	ask 1 'locks\r\n' \
		"LOCKS:\\n  b/x = $HELD_BY 127.0.0.1:$(port_of 2)\\n  x = $HELD_BY 127.0.0.1:$(port_of 1)\\n\\n"
	ask 2 'locks\r\n' "LOCKS:\\n  x = $HELD_BY 127.0.0.1:$(port_of 2)\\n\\n"
}

@test "the same holds for more locks than are sorted" {
	start_with_ini <<-INI
		[locks]
		max_locks_per_client = 100000
		[listen red]
		address = 127.0.0.1:@PORT@
		prefix = red/
		[listen blue]
		address = 127.0.0.1:@PORT2@
		prefix = blue/
	INI
	connect 1
	connect 2 "$PORT2"
	ask 2 'trylock lock=a\r\n' 'OK \r\n'
	listing whole 15000 1 >"$DIR/got"
	assert_eq 15000 "$(sort -u "$DIR/got" | grep -vc '/')"
	ask 2 'locks\r\n' "LOCKS:\\n  a = $HELD_BY 127.0.0.1:$(port_of 2)\\n\\n"
}
