#!/usr/bin/env perl
# SPDX-License-Identifier: ISC
# crowd.pl ADDRESS N WORD: N connections at a time; prints how many of them were told WORD and then
# saw the end. Sends nothing.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Wire;

my ($to, $n, $word) = @ARGV;
my @wires = map { Wire->dial($to) } 1 .. $n;
my $told = 0;

for my $wire (@wires) {
	my $all = $wire->rest;
	$told++ if $all eq "ERR $word \r\n" && $wire->{ended} eq 'eof';
}
print "$told\n";
