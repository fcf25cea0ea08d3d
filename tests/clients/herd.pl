#!/usr/bin/env perl
# SPDX-License-Identifier: ISC
# herd.pl ADDRESS N: N connections wait for one name; each release has to wake exactly one of them,
# the next one in the queue. Prints `N waited, M woken` after M releases.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Wire;

use constant RELEASES => 20;

my ($to, $n) = @ARGV;
my $holder = Wire->dial($to);
my $token = grant($holder->ask("acquire herd\r\n"));
my @waiting;

for my $i (1 .. $n) {
	my $wire = Wire->dial($to);
	$wire->put("acquire herd wait=forever\r\n") or die "connection $i was ended\n";
	push @waiting, $wire;
	waiters($i) if $i % 500 == 0; # in their order, and so that accepts are not overrun
}
waiters($n);

sub grant {
	my ($line) = @_;

	$line =~ /^OK lock=herd&token=(\d+)\r\n$/ or die "no grant: $line";
	return $1;
}

sub waiters {
	my ($wanted) = @_;

	for (1 .. 3000) {
		my ($found) = $holder->ask("stats\r\n") =~ /^OK lines=(\d+)/ or die "no stats\n";
		my %is = map { $holder->line =~ /^(\w+)=(\d+)/ } 1 .. $found;
		return if $is{waiters} == $wanted;
		select(undef, undef, undef, 0.01);
	}
	die "not $wanted waiters\n";
}

# Which of the connections have something to read.
sub woken {
	my $in = '';

	vec($in, fileno($_->{socket}), 1) = 1 for @waiting;
	select($in, undef, undef, 0) or return;
	return grep { vec($in, fileno($waiting[$_]{socket}), 1) } 0 .. $#waiting;
}

for (1 .. RELEASES) {
	$holder->ask("release herd\r\n") eq "OK \r\n" or die "not released\n";
	my $next = shift @waiting;
	my $given = grant($next->line // die "the next one was ended\n");
	die "$given after $token\n" unless $given > $token;
	$token = $given;
	$next->barrier;
	my @others = woken();
	die 'woken too: ' . join(' ', @others) . "\n" if @others;
	$holder = $next;
	waiters(scalar @waiting);
}
print "$n waited, ", RELEASES, " woken\n";
