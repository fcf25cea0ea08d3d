# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: ISC
# What the tests of the protocol share beyond operation.bash: whole conversations, compared byte for byte.

load operation

# says REQUESTS: sends what printf makes of REQUESTS, closes that direction, prints all that comes until the end.
says() {
	# shellcheck disable=SC2059
	printf "$1" | timeout "$PATIENCE" socat -t "$PATIENCE" - "tcp:$HOST:$PORT"
}

# same_bytes: the files "got" and "wanted".
same_bytes() {
	cmp -s got wanted || {
		diff <(cat -A wanted) <(cat -A got) | head -30
		return 1
	}
}

# answers REQUESTS REPLIES: both formats of printf.
answers() {
	says "$1" >got
	# shellcheck disable=SC2059
	printf "$2" >wanted
	same_bytes
}

# rss_kib: what the daemon has of memory.
rss_kib() {
	sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status"
}
