#!/usr/bin/env perl
# SPDX-License-Identifier: ISC
# random_requests.pl SEED COUNT REQUESTS REPLIES: writes so many requests to one file and what one
# connection alone has to be answered to another. No lock is held at the end.
use strict;
use warnings;

my ($seed, $count, $requests, $replies) = @ARGV;
my $unknown = "ERR unknown_command Unknown+server+command\r\n";
my %held;

srand $seed;
open my $ask, '>', $requests or die "$requests: $!\n";
open my $answer, '>', $replies or die "$replies: $!\n";
for (1 .. $count) {
	my $name = 'n' . int rand 20;
	my $kind = int rand 12;
	my $end = rand() < 0.8 ? "\r\n" : "\n";

	if ($kind < 5) {
		print $ask "trylock lock=$name$end";
		print $answer $held{$name}++ ? "ERR taken \r\n" : "OK \r\n";
	} elsif ($kind < 9) {
		print $ask "releaselock lock=$name$end";
		print $answer delete $held{$name} ? "OK \r\n" : "ERR didnthave \r\n";
	} elsif ($kind == 9) {
		print $ask "noop$end";
		print $answer "OK \r\n";
	} elsif ($kind == 10) {
		print $ask "$end xyzzy$end";
		print $answer $unknown;
	} else {
		print $ask 'TryLock x=', 'y' x rand 300, "&lock=$end";
		print $answer "ERR empty_lock \r\n";
	}
}
for my $name (sort keys %held) {
	print $ask "releaselock lock=$name\r\n";
	print $answer "OK \r\n";
}
close $ask or die "$requests: $!\n";
close $answer or die "$replies: $!\n";
