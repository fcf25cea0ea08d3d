#!/usr/bin/env perl
# SPDX-License-Identifier: ISC
# What `locks` promises while names come and go and while its reader is slow.
#
#   listing.pl ADDRESS whole N LISTS         N locks by four clients, in no order; the lists on standard
#                                            output, each after one N is known to be complete
#   listing.pl ADDRESS churn N WAVE sorted|unsorted
#       N names are held throughout while up to WAVE others come and go and `locks` is read in small
#       pieces: each of the N exactly once (in order where sorted), no line that is not well-formed
#   listing.pl ADDRESS slow N PID MOST_KB    a `locks` over N long names that is not read; others are
#                                            served meanwhile and the daemon does not grow; then read
#   listing.pl ADDRESS left N                N names, `locks`, and away before it is read
#   listing.pl ADDRESS holder-gone N         the holder of the N ends while `locks` is being read
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use List::Util qw(shuffle);
use Wire;

use constant { PIECE => 8192, BATCH => 100 };
my $holder_line = qr/^  (\S+) = DDLockd::Client::Internal\(R\): open to (?:127\.0\.0\.1:|unix:)\d+\n\z/;

my ($to, $mode, $n, @rest) = @ARGV;

srand 11;

sub take_all {
	my ($wire, $verb, @names) = @_;

	$wire->put(join '', map { "$verb lock=$_\r\n" } @names) or die "ended\n";
	my $got = $wire->take(5 * @names);
	die "not all of $verb were OK\n" if $got ne "OK \r\n" x @names;
}

sub long_names {
	my ($prefix, $count) = @_;

	return map { sprintf '%s-%06d-%s', $prefix, $_, 'x' x 180 } 1 .. $count;
}

# The lines of a listing that is read piece by piece, with BETWEEN called after each piece.
sub read_slowly {
	my ($wire, $between) = @_;
	my @lines;

	while (1) {
		$wire->wait;
		$wire->fill(PIECE);
		while ((my $end = index $wire->{got}, "\n") >= 0) {
			my $line = substr $wire->{got}, 0, $end + 1, '';
			return @lines if $line eq "\n";
			push @lines, $line;
		}
		die "ended\n" if $wire->{ended};
		$between->();
	}
}

# Names come and go: up to WAVE of them, then down to none, and again. Returns what does a batch.
sub churner {
	my ($wire, $wave) = @_;
	my ($next, $up, @held) = (0, 1);

	return sub {
		my @batch;
		if ($up) {
			push @batch, sprintf 'come-%d', $next++ for 1 .. BATCH;
			take_all($wire, 'trylock', @batch);
			push @held, @batch;
			$up = 0 if @held + BATCH > $wave;
		} else {
			@batch = splice @held, 0, BATCH;
			take_all($wire, 'releaselock', @batch);
			$up = 1 if !@held;
		}
	};
}

sub churn {
	my ($wave, $order) = @_;
	my ($holder, $other) = (Wire->dial($to), Wire->dial($to));
	my $reader = Wire->dial($to, rcvbuf => 4096);
	my @names = long_names('stay', $n);
	my (%seen, @stayed);
	my $batches = 0;

	take_all($holder, 'trylock', shuffle @names);
	my $batch = churner($other, $wave);
	$reader->put("locks\r\n");
	my @lines = read_slowly($reader, sub { $batch->(); $batches++ });
	die "no heading\n" if shift @lines ne "LOCKS:\n";
	for (@lines) {
		my ($name) = $_ =~ $holder_line or die "no line of a listing: $_";
		die "$name appears twice\n" if $seen{$name}++ && $name =~ /^stay/;
		push @stayed, $name if $name =~ /^stay/;
	}
	die scalar(@stayed), " names were there, not $n\n" if @stayed != $n;
	if ($order eq 'sorted') {
		die "not sorted\n" if "@stayed" ne "@names";
	}
	die "nothing came and went meanwhile ($batches)\n" if $batches < 50;
	print "$n names, each once; $batches times ", BATCH, " others came or went\n";
}

sub whole {
	my ($lists) = @_;
	my @wires = map { Wire->dial($to) } 1 .. 4;
	my @names = shuffle map { sprintf '%x', $_ * 2654435761 % 4294967296 } 1 .. $n;

	for my $i (0 .. 3) {
		my @mine = grep { defined } @names[map { $_ * 4 + $i } 0 .. @names / 4];
		take_all($wires[$i], 'trylock', @mine);
	}
	for (1 .. $lists) {
		my @lines = $wires[$_ % 4]->listing("locks\r\n");
		die "no heading\n" if shift @lines ne "LOCKS:\n";
		print map { $_ =~ $holder_line or die "no line of a listing: $_"; "$1\n" } @lines;
	}
}

sub slow {
	my ($pid, $most_kb) = @_;
	my ($holder, $other) = (Wire->dial($to), Wire->dial($to));
	my $reader = Wire->dial($to, rcvbuf => 4096);

	take_all($holder, 'trylock', long_names('stay', $n));
	my $before = Wire::peak_kb($pid);
	$reader->put("locks\r\n" x 4 . "noop\r\n");
	for (1 .. 1000) {
		take_all($other, 'trylock', 'mine');
		take_all($other, 'releaselock', 'mine');
	}
	my $turns = 0;
	for my $list (1 .. 4) {
		# The first one in lockstep with another client, the rest as it comes.
		my @lines = read_slowly($reader, sub { $other->barrier, $turns++ if $list == 1 });
		my $stayed = grep { /^  stay-/ } @lines;
		die "list $list has $stayed names\n" if $stayed != $n;
	}
	die "no answer after the lists\n" if $reader->take(5) ne "OK \r\n";
	my $grown = Wire::peak_kb($pid) - $before;
	die "the daemon has grown by $grown KiB\n" if $grown > $most_kb;
	die "another client had $turns turns only\n" if $turns < 100;
	print "$turns turns of another client during a list\n";
}

sub left {
	my ($holder, $other) = (Wire->dial($to), Wire->dial($to));

	take_all($holder, 'trylock', long_names('stay', $n));
	for my $end (qw(hang_up reset half_close)) {
		my @readers = map { Wire->dial($to, rcvbuf => 4096) } 1 .. 5;
		for my $reader (@readers) {
			$reader->put("locks\r\n" x 3);
			$reader->take(1000);
			$reader->$end;
		}
		$other->barrier;
		if ($end eq 'half_close') { # it still wants to read
			for my $reader (@readers) {
				my $lines = $reader->rest =~ tr/\n//;
				die "$lines lines after a half-close\n" if $lines < 3 * $n;
			}
		}
	}
	my @lines = $other->listing("locks\r\n");
	die "not all are there\n" if @lines != $n + 1;
}

sub holder_gone {
	my ($holder, $other) = (Wire->dial($to), Wire->dial($to));
	my @readers = map { Wire->dial($to, rcvbuf => 4096) } 1 .. 3;

	take_all($holder, 'trylock', long_names('stay', $n));
	take_all($other, 'trylock', 'zzz-stays');
	$_->put("locks\r\n") for @readers;
	$_->take(1000) for @readers;
	$holder->reset;
	my @lines;
	@lines = $other->listing("locks\r\n") until @lines == 2;
	for my $reader (@readers) {
		my $text = '';
		while (defined(my $line = $reader->line)) {
			last if $line eq "\n";
			$text .= $line;
		}
		die "what was held throughout is not in it once\n" if 1 != (() = $text =~ /^  zzz-stays = /mg);
		die "no answer after it\n" if ($reader->ask("noop\r\n") // '') ne "OK \r\n";
	}
}

my %modes = (
	whole => \&whole, churn => \&churn, slow => \&slow, left => \&left, 'holder-gone' => \&holder_gone,
);
($modes{ $mode // '' } // die "usage: listing.pl ADDRESS MODE N ...\n")->(@rest);
