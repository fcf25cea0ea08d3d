#!/usr/bin/env perl
# SPDX-License-Identifier: ISC
# waiter.pl ADDRESS LINE...: sends the lines, prints what is answered, and does what standard input
# says: `close`, `reset`, `half` (ends its side, reads to the end), or a line to be sent as it stands.
# Prints `end` at the end of the connection.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Wire;

my ($to, @lines) = @ARGV;
my $wire = Wire->dial($to);
my $orders = '';

$| = 1;
$wire->put(join '', map { "$_\r\n" } @lines);
while (1) {
	my $in = '';
	vec($in, fileno($_), 1) = 1 for \*STDIN, $wire->{socket};
	select($in, undef, undef, undef) > 0 or next;
	if (vec($in, fileno($wire->{socket}), 1)) {
		my $open = $wire->fill;
		print substr($wire->{got}, 0, length $wire->{got}, '');
		next if $open;
		print "end\n";
		exit;
	}
	sysread(STDIN, $orders, 4096, length $orders) or exit;
	while ($orders =~ s/^(.*)\n//) {
		if ($1 eq 'close') {
			$wire->hang_up;
			exit;
		} elsif ($1 eq 'reset') {
			$wire->reset;
			exit;
		} elsif ($1 eq 'half') {
			$wire->half_close;
		} else {
			$wire->put("$1\r\n");
		}
	}
}
