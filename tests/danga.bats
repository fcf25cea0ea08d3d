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

@test "every row of the table in dsock(3) has a test of its name, and the other way round" {
	sed -n '/^.Ss Coming from Danga::Socket/,/^.El/s/^.It Li \([A-Za-z_]*\) Ta.*/\1/p' ../man/dsock.3 |
		sort >"$BATS_TEST_TMPDIR/rows"
	sed -n 's/.*UNIT(danga_\([A-Za-z_]*\)).*/\1/p' unit/test_danga_*.c | sort >"$BATS_TEST_TMPDIR/tests"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/rows")" -ge 40 ]
	diff "$BATS_TEST_TMPDIR/rows" "$BATS_TEST_TMPDIR/tests"
}

@test "every function that dsock(3) names is declared, and every one that is declared is named" {
	grep -o 'ds_[a-z_]*' < <(sed -n 's/^DS_API.*\(ds_[a-z_]*\)(.*/\1/p' ../lib/dsock.h) | sort -u >"$BATS_TEST_TMPDIR/declared"
	grep -ohE 'Fn ds_[a-z_]+' ../man/dsock*.3 | sed 's/.*Fn //' | sort -u >"$BATS_TEST_TMPDIR/named"
	diff "$BATS_TEST_TMPDIR/declared" "$BATS_TEST_TMPDIR/named"
}
