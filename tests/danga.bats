#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# One scripted scenario on Danga::Socket and on libdsock: the transcripts have to be the same.

@test "the scenario runs the same on Danga::Socket and on libdsock" {
	perl -MDanga::Socket -e 1 2>/dev/null || skip 'libdanga-socket-perl is not installed'
	perl danga/scenario.pl >"$BATS_TEST_TMPDIR/perl" 2>"$BATS_TEST_TMPDIR/perl.err"
	"$BUILD/tests/danga/scenario" >"$BATS_TEST_TMPDIR/c"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/c")" -gt 50 ]
	diff "$BATS_TEST_TMPDIR/perl" "$BATS_TEST_TMPDIR/c"
}
