#!/usr/bin/env perl
# SPDX-License-Identifier: ISC
# endless_line.pl ADDRESS MEGABYTES: sends a line without end, until so much has gone or the daemon
# has ended the connection; prints what it was told. Fails where all of it went.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Wire;

my ($to, $megabytes) = @ARGV;
my $wire = Wire->dial($to);
my $megabyte = 'x' x (1 << 20);

while ($megabytes-- > 0) {
	next if $wire->put($megabyte);
	print $wire->{got};
	exit 0;
}
die "it reads on and on\n";
