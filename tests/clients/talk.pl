#!/usr/bin/env perl
# SPDX-License-Identifier: ISC
# Sends its standard input, prints all that is answered. Ends its own side (half-close) when all is
# sent and reads until the daemon ends the other one.
#
#   --to ADDRESS     HOST:PORT, [V6]:PORT, unix:PATH
#   --from IPV4      the address of this host's to come from
#   --limit SECONDS  for each wait
#   --lines N        does not end its side, and stops after N lines of answer
#   --open           does not end its side, and reads until the daemon ends the other one
#   --chunk BYTES    in pieces of so many bytes, each of which the daemon reads on its own
#   --split AT       in two such pieces
#   --every-split    once for every place where it can be split, on one connection after the other;
#                    prints the transcript, and fails where one of them has another
#
# Exit status 0; 4: the connection was reset; 1: anything else.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Wire;

my (%option, $barrier);

while (@ARGV) {
	my $name = shift;
	die "what is $name?\n" unless $name =~ /^--(to|from|limit|lines|open|chunk|split|every-split)$/;
	$option{$1} = $1 eq 'open' || $1 eq 'every-split' ? 1 : shift;
}
$Wire::limit = $option{limit} if $option{limit};

sub pieces {
	my ($bytes, $chunk, $split) = @_;

	return unpack("(a$chunk)*", $bytes) if $chunk;
	return (substr($bytes, 0, $split), substr($bytes, $split)) if defined $split;
	return ($bytes);
}

sub converse {
	my ($bytes, $split) = @_;
	my $wire = Wire->dial($option{to}, from => $option{from});
	my @pieces = pieces($bytes, $option{chunk}, $split);

	while (defined(my $piece = shift @pieces)) {
		$wire->put($piece) or last;
		$barrier->barrier if @pieces;
	}
	my $got = '';
	if ($option{lines}) {
		for (1 .. $option{lines}) {
			my $line = $wire->line // last;
			$got .= $line;
		}
	} else {
		$wire->half_close unless $option{open};
		$got = $wire->rest;
	}
	return ($got, $wire->{ended});
}

binmode STDIN;
binmode STDOUT;
my $bytes = do { local $/; <STDIN> } // '';
$barrier = Wire->dial($option{to}) if $option{chunk} || defined $option{split} || $option{'every-split'};
my ($got, $ended) = converse($bytes, $option{split});
print $got;
if ($ended eq 'reset') {
	print STDERR "the connection was reset\n";
	exit 4;
}
if ($option{'every-split'}) {
	for my $at (1 .. length($bytes) - 1) {
		my ($again) = converse($bytes, $at);
		next if $again eq $got;
		print STDERR "split at $at it is: $again\n";
		exit 1;
	}
}
close STDOUT or die "standard output: $!\n";
