#!/usr/bin/env perl
# SPDX-License-Identifier: ISC
# flood.pl ADDRESS N: N connections send pings without a pause and read the answers, until it
# is killed; prints `flooding` when a first lot was answered.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Wire;

my ($to, $n) = @ARGV;
my @wires = map { Wire->dial($to) } 1 .. $n;
my $lot = "ping\r\n" x 10000;
my ($answered, $at) = (0, 0);
my @at = (0) x $n;

$| = 1;
while (1) {
	for my $i (0 .. $n - 1) {
		my $wire = $wires[$i];
		$at[$i] = ($at[$i] + $wire->put_some(substr $lot, $at[$i])) % length $lot;
		$wire->fill(1 << 20) or !$wire->{ended} or die "ended\n";
		$answered += length $wire->{got};
		$wire->{got} = '';
	}
	if ($answered > 1 << 20 && !$at) {
		$at = 1;
		print "flooding\n";
	}
}
