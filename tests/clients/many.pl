#!/usr/bin/env perl
# SPDX-License-Identifier: ISC
# many.pl ADDRESS N: holds N locks, says `held`; at the line `latency` on standard input another
# connection begins to ask every 5 ms, and at the next one it says `worst MS`, the longest that an
# answer took.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Time::HiRes qw(sleep time);
use Wire;

use constant BATCH => 500;

my ($to, $n) = @ARGV;
my ($holder, $other) = (Wire->dial($to), Wire->dial($to));

$| = 1;
for (my $i = 0; $i < $n; $i += BATCH) {
	my $last = $i + BATCH < $n ? $i + BATCH : $n;
	$holder->put(join '', map { sprintf "trylock lock=name%06d\r\n", $_ } $i .. $last - 1);
	my $want = "OK \r\n" x ($last - $i);
	die "not all are held\n" if $holder->take(length $want) ne $want;
}
print "held\n";
<STDIN>;

my $worst = 0;
while (1) {
	my $in = '';
	vec($in, fileno(STDIN), 1) = 1;
	last if select $in, undef, undef, 0;
	my $began = time;
	$other->barrier;
	my $took = (time - $began) / 2;
	$worst = $took if $took > $worst;
	sleep 0.005;
}
printf "worst %d\n", $worst * 1000;
sleep 1000;
