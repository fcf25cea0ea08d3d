#!/usr/bin/env perl
# SPDX-License-Identifier: ISC
# watching.pl ADDRESS CASE: a watcher that does not read while others do much.
#
#   listing  it has a long listing under way: no event may stand inside it, and all come behind it
#   slow     events beyond what may wait for it are counted, and others do not wait for it
#   expired  its own leases end meanwhile: it is told of each, however much was lost
#
# Prints `well` or dies.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Wire;

my ($to, $case) = @ARGV;
my $watcher = Wire->dial($to, rcvbuf => 4096);
my $other = Wire->dial($to);

# All lines of a list that was asked for.
sub list {
	my ($wire, $request) = @_;

	my $head = $wire->ask("$request\r\n");
	$head =~ /^OK lines=(\d+)/ or die "$request: $head";
	return map { $wire->line } 1 .. $1;
}

# N acquires and releases of others, all of them answered.
sub traffic {
	my ($n, $first) = @_;

	for (my $at = 0; $at < $n; $at += 500) {
		$other->put("acquire busy\r\nrelease busy\r\n" x 500);
		for (1 .. 500) {
			my $line = $other->line;
			$line =~ /^OK lock=busy&token=\d+\r\n$/ or die "others: $line";
			$other->line eq "OK \r\n" or die "others are not served\n";
		}
	}
}

my %cases = (
	listing => sub {
		my $names = 9000;
		$other->put(join '', map { "trylock lock=name$_\r\n" } 1 .. $names);
		$other->line eq "OK \r\n" or die "no lock\n" for 1 .. $names;
		list($watcher, 'watch busy');
		$watcher->{deaf} = 1;
		$watcher->put("locks\r\nping id=behind\r\n");
		traffic(500);
		$other->put("acquire busy\r\n");
		$other->line;
		$watcher->line eq "LOCKS:\n" or die "no listing\n";
		for (1 .. $names) {
			my $line = $watcher->line;
			$line =~ /^  (?:name\d+|busy) = DDLockd/ or die "inside of the listing: $line";
		}
		my $line = $watcher->line;
		$line = $watcher->line if $line =~ /^  /; # busy, where it was held just then
		$line eq "\n" or die "the end of the listing: $line";
		my ($events, $behind) = (0, 0);
		while ($events < 1001) {
			$line = $watcher->line;
			if ($line eq "OK id=behind\r\n") {
				$behind++;
			} elsif ($line =~ /^EVENT what=lost&count=(\d+)\r\n$/) {
				$events += $1;
			} elsif ($line =~ /^EVENT what=(?:granted|released)&lock=busy&token=\d+&who=\S+\r\n$/) {
				$events++;
			} else {
				die "no event: $line";
			}
		}
		die "more events than happened\n" if $events > 1001;
		$watcher->ask("ping\r\n") eq "OK \r\n" or die "more came\n";
		die "the line behind it was answered $behind times\n" if $behind != 1;
	},
	slow => sub {
		my ($n, $told, $lost, $last) = (60000, 0, 0, '');
		list($watcher, 'watch busy');
		traffic($n);
		$watcher->put("ping id=end\r\n");
		while ((my $line = $watcher->line) ne "OK id=end\r\n") {
			if ($line =~ /^EVENT what=lost&count=(\d+)\r\n$/) {
				$lost += $1;
			} else {
				$line =~ /^EVENT what=(granted|released)&lock=busy&token=\d+&who=\S+\r\n$/
					or die "no event: $line";
				die "$1 twice\n" if $1 eq $last && !$lost;
				$last = $1;
				$told++;
			}
		}
		# What was lost may be told behind the reply.
		while ($told + $lost < 2 * $n) {
			my $line = $watcher->line;
			$line =~ /^EVENT what=(?:lost&count=(\d+)|granted|released)/ or die "no event: $line";
			$1 ? $lost += $1 : $told++;
		}
		die "$told told and $lost lost of ", 2 * $n, "\n" if $told + $lost != 2 * $n;
		die "nothing was lost\n" unless $lost;
		die "nothing was told\n" unless $told;
	},
	expired => sub {
		my ($n, $granted, %over, $lost) = (300, 0);
		list($watcher, 'watch busy');
		$watcher->put(join '', map { "acquire mine$_ lease=1\r\n" } 1 .. $n);
		while ($granted < $n) { # the first of them may be over before the last
			my $line = $watcher->line;
			if ($line =~ /^EVENT what=expired&lock=mine(\d+)&/) {
				$over{$1}++;
			} else {
				$line =~ /^OK lock=mine\d+&token=\d+&lease=1\r\n$/ or die "no lease: $line";
				$granted++;
			}
		}
		traffic(30000);
		while (1) { # until they are all over
			my @left = list($other, 'list prefix=mine limit=1');
			last unless @left;
			select(undef, undef, undef, 0.05);
		}
		traffic(1000);
		while (keys %over < $n) {
			my $line = $watcher->line // die "the end\n";
			if ($line =~ /^EVENT what=expired&lock=mine(\d+)&token=\d+&who=\S+\r\n$/) {
				die "twice: $line" if $over{$1}++;
			} elsif ($line =~ /^EVENT what=lost&count=\d+\r\n$/) {
				$lost++;
			} else {
				$line =~ /^EVENT what=(?:granted|released)&lock=busy&/ or die "no event: $line";
			}
		}
		$lost ||= $watcher->line =~ /lost/;
		die "nothing was lost\n" unless $lost;
	},
);

($cases{$case} // die "what is $case?\n")->();
print "well\n";
