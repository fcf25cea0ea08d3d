# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: ISC
# What the tests of the native verbs share beyond helpers.bash: replies whose numbers vary are
# matched line by line, and what happens on other connections is waited for.
#
#   say N LINE              a request
#   say_at_once N LINE...   several, which the daemon reads at once
#   get N REGEX             the next line is that, wholly; it is in LINE without its CR LF
#   exactly N LINE          the next line is that, byte for byte
#   want N LINE REGEX       say and get
#   value KEY VARIABLE [L]  what LINE, or L, has for KEY
#   many N LINE REGEX       a reply of many lines: its first is `OK lines=REGEX`; HEAD, LINES_GOT
#   grant N LINE VARIABLE   an acquire that is granted; its token
#   until_waiters NAME N    until so many wait for NAME (on a connection of its own, "eye")
#   until_held NAME N       until so many hold it
#   waits N NAME [MORE]     connection N is the next one in the queue of NAME
#
# In a REGEX: $NUM a number, $SEC seconds, $WHEN a date, $PEER a client of this host.

load helpers

NUM='[0-9]+'
SEC='[0-9]+(\.[0-9]+)?'
WHEN='[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z'
PEER='127\.0\.0\.1:[0-9]+'
export LINE='' HEAD=''
export EYE_PORT='' # where the connection "eye" goes; by default PORT

say() { # N LINE
	send "$1" "$2\\r\\n"
}

# By one write: bash has one for each line, and the time between two of them may be long.
say_at_once() { # N LINE...
	perl -e 'syswrite STDOUT, join "", map { "$_\r\n" } @ARGV' -- "${@:2}" >&"${FDS[$1]}"
}

next_line() { # N
	LINE=''
	read_line "$1" LINE || fail "connection $1: no line, but: $LINE"
	[[ $LINE == *$'\r' ]] || fail "connection $1: a line without CR: $LINE"
	LINE=${LINE%$'\r'}
}

get() { # N REGEX
	next_line "$1" || return 1
	assert_match "^$2\$" "$LINE"
}

exactly() { # N LINE
	next_line "$1" || return 1
	assert_eq "$2" "$LINE" "the line on connection $1"
}

want() { # N LINE REGEX
	say "$1" "$2" && get "$1" "$3"
}

exact() { # N LINE REPLY
	say "$1" "$2" && exactly "$1" "$3"
}

value() { # KEY VARIABLE [LINE]
	local line=${3-$LINE}

	[[ $line =~ (^|[ &])"$1"=([^& ]*) ]] || fail "no $1= in: $line"
	printf -v "$2" '%s' "${BASH_REMATCH[2]}"
}

grant() { # N LINE VARIABLE
	want "$1" "$2" 'OK lock=.*&token=[0-9]+.*' && value token "$3"
}

# The lines of a reply of many; its first line has to be like REGEX and is in HEAD.
many() { # N LINE REGEX
	local n

	want "$1" "$2" "OK lines=$3" || return 1
	HEAD=$LINE LINES_GOT=()
	value lines n
	while [ "${#LINES_GOT[@]}" -lt "$n" ]; do
		next_line "$1" || return 1
		LINES_GOT+=("$LINE")
	done
	expect_nothing "$1"
}

counts_of() { # NAME
	local n

	[ -n "${FDS[eye]:-}" ] || connect eye "$EYE_PORT"
	say eye "inspect $1 limit=1"
	get eye 'OK lines=[01]&holders=[0-9]+&waiters=[0-9]+.*' || return 1
	value holders HOLDERS
	value waiters WAITERS
	value lines n
	[ "$n" = 0 ] || next_line eye
}

has_waiters() { # NAME N
	counts_of "$1" && [ "$WAITERS" = "$2" ]
}

has_holders() { # NAME N
	counts_of "$1" && [ "$HOLDERS" = "$2" ]
}

until_waiters() { # NAME N
	eventually has_waiters "$1" "$2"
}

until_held() { # NAME N
	eventually has_holders "$1" "$2"
}

# Connection N waits for NAME, as the next one in its queue.
waits() { # N NAME [MORE]
	local before

	counts_of "$2"
	before=$WAITERS
	say "$1" "acquire $2 wait=forever${3:+ $3}"
	until_waiters "$2" $((before + 1))
}

# Now, and not sooner or later.
assert_waiters() { # NAME N
	has_waiters "$1" "$2" || fail "$WAITERS wait for $1, not $2"
}

assert_holders() { # NAME N
	has_holders "$1" "$2" || fail "$HOLDERS hold $1, not $2"
}

# All lines have a CR, whatever varies is replaced: to compare transcripts.
normal() {
	sed -E "s/token=[0-9]+/token=N/g; s/(since|from|to)=$WHEN/\\1=WHEN/g; s/$PEER/PEER/g;
		s/(age|waited|waits|held|lease|left|kept|expect|idle)=$SEC/\\1=S/g;
		s/&expect=S//; s/held [0-9hms]+ by/held S by/; s/client=[0-9]+/client=N/g"
}

# One request of an administrator's: the answer in REPLY, all of its lines.
admin() { # LINE
	REPLY=$(printf '%s\r\n' "$1" | perl "$CLIENTS/talk.pl" --to "unix:$ADMIN" --limit "$LIMIT") || return 1
	REPLY=${REPLY//$'\r'/}
}
