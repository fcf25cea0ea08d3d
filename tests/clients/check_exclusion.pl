#!/usr/bin/env perl
# SPDX-License-Identifier: ISC
# check_exclusion.pl DIR: judges what contend.pl has written down. For each name: while it is held
# exclusively nobody else holds it, of slots=N never more than N hold it and never two the same slot,
# readers hold it with readers only, and the tokens of what cannot be held together rise in the order
# of the grants. Prints what is wrong, then `N grants, N exclusive, N at once, N killed`; fails where
# something was.
use strict;
use warnings;

my ($dir) = @ARGV;
my (%of, @wrong, %seen);
my ($grants, $exclusive, $killed, $together) = (0, 0, 0, 0);

sub add {
	my ($held, $end) = @_;

	$held->{end} = $held->{until} && $held->{until} < $end ? $held->{until} : $end;
	return if $held->{end} < $held->{begin}; # its lease was over when it came to know
	$grants++;
	$exclusive++ if $held->{mode} eq 'exclusive';
	push @wrong, "token $held->{token} was given twice" if $held->{token} && $seen{$held->{token}}++;
	push @{$of{$_}}, $held for @{$held->{names}};
}

for my $file (glob "$dir/held.*") {
	my ($held, $last);

	open my $in, '<', $file or die "$file: $!\n";
	while (<$in>) {
		last unless /\n$/; # killed while it wrote
		chomp;
		my ($what, @rest) = split / /;
		if ($what eq 'B') {
			my ($token, $mode, $width, $slot, $begin, $until, @names) = @rest;
			$held = { token => $token, mode => $mode, width => $width, slot => $slot,
				begin => $begin, until => $until, names => \@names, file => $file };
			$last = $begin;
		} elsif ($what eq 'U') {
			# What was before is over where the renewal came too late to be sure.
			$held->{until} = $rest[0];
		} elsif ($what eq 'H') {
			$last = $rest[0] if !$held->{until} || $rest[0] < $held->{until};
		} elsif ($what eq 'E') {
			add($held, $rest[0]);
			undef $held;
		} else {
			push @wrong, "$file: $_";
			undef $held;
		}
	}
	if ($held) {
		$killed++;
		add($held, $last);
	}
}

sub together {
	my ($one, $two) = @_;

	return 0 if $one->{mode} ne $two->{mode} || $one->{mode} eq 'exclusive';
	return $one->{mode} eq 'shared' || $one->{slot} != $two->{slot};
}

sub told {
	my ($held) = @_;

	return sprintf '%s %s slot %d token %s from %.6f to %.6f', $held->{file}, $held->{mode},
		$held->{slot}, $held->{token}, $held->{begin}, $held->{end};
}

for my $name (sort keys %of) {
	my (@open, $last_exclusive, $last);

	for my $held (sort { $a->{begin} <=> $b->{begin} } @{$of{$name}}) {
		@open = grep { $_->{end} > $held->{begin} } @open;
		push @wrong, "$name: " . told($_) . ' and ' . told($held)
			for grep { !together($held, $_) } @open;
		push @open, $held;
		$together = @open if @open > $together;
		push @wrong, "$name: " . @open . ' hold it: ' . told($held)
			if $held->{mode} eq 'slots' && @open > $held->{width};
		next unless $held->{token};
		my $before = $held->{mode} eq 'exclusive' ? $last : $last_exclusive;
		push @wrong, "$name: token $before before " . told($held)
			if defined $before && $before >= $held->{token};
		$last = $held->{token} if !defined $last || $held->{token} > $last;
		$last_exclusive = $held->{token}
			if $held->{mode} eq 'exclusive'
			&& (!defined $last_exclusive || $held->{token} > $last_exclusive);
	}
}

splice @wrong, 20 if @wrong > 20;
print "$_\n" for @wrong;
print "$grants grants, $exclusive exclusive, $together at once, $killed killed\n";
exit(@wrong ? 1 : 0);
