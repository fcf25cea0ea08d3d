#!/usr/bin/env perl
# SPDX-License-Identifier: ISC
# pages.pl ADDRESS CASE N: what comes a page at a time.
#
#   list     N names are held throughout, others come and go: a walk by cursor over all pages sees each
#            of the former exactly once, and no page has much more than its limit
#   prefix   the same for the half of them that has a prefix
#   inspect  N connections wait for one name: its pages show each exactly once, in order
#   clients  N connections: the pages of `clients` show each exactly once
#
# Prints `well` or dies.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Wire;

my ($to, $case, $n) = @ARGV;
my $wire = Wire->dial($to);

# One page: (after or undef, lines).
sub page {
	my ($request) = @_;

	my $head = $wire->ask("$request\r\n");
	$head =~ /^OK lines=(\d+)/ or die "$request: $head";
	my $lines = $1;
	return ($head =~ /&after=(\d+)/ ? $1 : undef, map { $wire->line } 1 .. $lines);
}

# All pages, one by one to a function.
sub pages {
	my ($request, $fn) = @_;
	my ($after, $pages, @lines) = (undef, 0);

	do {
		($after, @lines) = page(defined $after ? "$request after=$after" : $request);
		$fn->(@lines);
		die "the pages have no end\n" if ++$pages > 10 * $n + 100;
	} while defined $after;
	return $pages;
}

# LINES requests of a connection that are all to be granted.
sub hold {
	my ($holder, @names) = @_;

	while (my @some = splice @names, 0, 1000) {
		$holder->put(join '', map { "acquire $_\r\n" } @some);
		for (@some) {
			my $line = $holder->line;
			$line =~ /^OK / or die "not granted: $line";
		}
	}
}

sub waiters {
	my ($wanted) = @_;

	for (1 .. 3000) {
		my (undef, @lines) = page('stats');
		return if grep { $_ eq "waiters=$wanted\r\n" } @lines;
		select(undef, undef, undef, 0.01);
	}
	die "not $wanted waiters\n";
}

sub walk {
	my ($prefix, %held) = @_;
	my ($busy, $turn, $largest) = (Wire->dial($to), 0, 0);

	hold(Wire->dial($to), map { "other$_" } 1 .. 10);
	my $pages = pages("list limit=100$prefix", sub {
		$largest = @_ if @_ > $largest;
		for (@_) {
			/^lock=([^&]+)&mode=exclusive&holder=/ or die "no name: $_";
			$held{$1}++ if exists $held{$1};
		}
		# Others come and go, more of them than there were, so that the table grows meanwhile.
		hold($busy, map { "busy$turn.$_" } 1 .. 100);
		if (++$turn % 5 == 0) {
			$busy->hang_up;
			$busy = Wire->dial($to);
		}
	});
	my @missing = grep { $held{$_} == 0 } sort keys %held;
	my @twice = grep { $held{$_} > 1 } sort keys %held;
	die scalar(@missing), " missing, first $missing[0]\n" if @missing;
	die scalar(@twice), " twice, first $twice[0]\n" if @twice;
	die "a page of $largest\n" if $largest > 300;
	die "only $pages pages\n" if $pages < keys(%held) / 300;
}

my %cases = (
	list => sub {
		my $holder = Wire->dial($to);
		my @names = map { "held$_" } 1 .. $n;
		hold($holder, @names);
		walk('', map { $_ => 0 } @names);
	},
	prefix => sub {
		my $holder = Wire->dial($to);
		hold($holder, map { ("one$_", "two$_") } 1 .. $n / 2);
		walk(' prefix=one', map { ("one$_" => 0) } 1 .. $n / 2);
	},
	inspect => sub {
		hold($wire, 'a');
		my @waiting;
		for my $i (1 .. $n) {
			push @waiting, Wire->dial($to);
			$waiting[-1]->put("iam w$i\r\nacquire a wait=forever\r\n");
			waiters($i) if $i % 500 == 0;
		}
		waiters($n);
		my $next = 0;
		pages('inspect a limit=700', sub {
			for (@_) {
				if (/^state=held&/) {
					die "the holder at $next\n" if $next;
				} else {
					$next++;
					/^state=waiting&position=$next&mode=exclusive&who=w$next&/ or die "not $next: $_";
				}
			}
		});
		die "$next of $n\n" if $next != $n;
	},
	clients => sub {
		my @all = map { Wire->dial($to) } 1 .. $n;
		$_->ask("ping\r\n") for @all;
		my ($last, $count) = (0, 0);
		pages('clients limit=300', sub {
			for (@_) {
				/^client=(\d+)&who=/ or die "no client: $_";
				die "$1 after $last\n" if $1 <= $last;
				$last = $1;
				$count++;
			}
		});
		die "$count of ", $n + 1, "\n" if $count != $n + 1;
	},
);

($cases{$case} // die "what is $case?\n")->();
print "well\n";
