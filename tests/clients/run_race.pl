#!/usr/bin/perl
# SPDX-License-Identifier: ISC
# run_race.pl LATCH ADDRESS RUNS [SEED]: so many short `latch run` of one name, ten at a time, while their guards
# and their commands are killed with -9, or stopped and let go on, at random. Each command
# makes a directory, which only one can have, and says when it began and when it was last alive; no two may
# overlap. Exit status 0: none did, and every run has ended. The working directory is its own.
#
# One guard of a run is killed, or its command, but not both guards: that is not promised.
use strict;
use warnings;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC usleep);
use POSIX qw(WNOHANG);

my ($latch, $address, $runs, $seed) = @ARGV;
$seed = defined $seed ? srand $seed : srand;
my ($wide, $limit_s) = (10, 60);
my $log = 'log';
$ENV{LATCH_SERVER} = $address;
$| = 1;

# What runs under the lock. The directory says that it is alone: one that was killed leaves its own, which says
# whose, and is taken over if that one is gone.
my $command = <<'PERL';
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC usleep);
my ($log, $deaf, $child, $ms) = @ARGV;
open my $out, '>>', $log or die;
sub note { syswrite $out, sprintf "%s %d %d %.6f\n", $_[0], $ENV{LATCH_TOKEN}, $$, clock_gettime(CLOCK_MONOTONIC) }
note 'begin';
unless (mkdir 'witness') {
	open my $who, '<', 'witness/who';
	my $pid = $who ? <$who> : '';
	note 'two' if $pid && kill 0 => $pid;
}
{ open my $who, '>', 'witness/who.new'; print $who $$; close $who; rename 'witness/who.new', 'witness/who' }
$SIG{TERM} = 'IGNORE' if $deaf;
if ($child && !fork) { setpgrp; for (1 .. 400) { note 'alive'; usleep 5000 } exit }
for (1 .. $ms / 3) { note 'alive'; usleep 3000 }
unlink 'witness/who'; rmdir 'witness';
note 'end';
PERL

my (%live, @stopped, %count);
my $started = 0;
my $begun = clock_gettime(CLOCK_MONOTONIC);
my $ended = $begun;

sub start {
	my @args = ($log, rand() < 0.3 ? 1 : 0, rand() < 0.3 ? 1 : 0, 2 + int rand 30);
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		open STDERR, '>>', 'errors';
		{ exec $latch, 'run', '--lease', '4s', 'race', $^X, '-e', $command, @args }
		POSIX::_exit(99);
	}
	$live{$pid} = {};
	$started++;
}

sub children {
	my ($pid) = @_;
	open my $file, '<', "/proc/$pid/task/$pid/children" or return;
	return split ' ', <$file> // '';
}

# One guard of a run at most is ever killed; PERL's commands may be killed in any number.
sub disturb {
	my @fronts = keys %live or return;
	my ($front, $keeper, @commands);
	# Rather the one that has the lock.
	for (1 .. (rand() < 0.7 ? 20 : 1)) {
		$front = $fronts[rand @fronts];
		($keeper) = children($front);
		@commands = $keeper ? children($keeper) : ();
		last if @commands;
	}
	my $what = rand;
	my $run = $live{$front};
	if ($what < 0.3 && !$run->{killed}++) {
		my $guard = $what < 0.15 ? $front : $keeper;
		$count{$what < 0.15 ? 'front' : 'keeper'}++ if $guard && kill KILL => $guard;
	} elsif ($what < 0.65) {
		$count{command}++ if @commands && kill KILL => $commands[rand @commands];
	} else {
		my @all = grep { $_ } $front, $keeper, @commands;
		my $one = $all[rand @all];
		if (kill STOP => $one) {
			$count{stop}++;
			push @stopped, [$one, clock_gettime(CLOCK_MONOTONIC) + 0.02 + rand 0.3];
		}
	}
}

sub go_on {
	my $now = clock_gettime(CLOCK_MONOTONIC);
	kill CONT => $_->[0] for grep { $_->[1] <= $now } @stopped;
	@stopped = grep { $_->[1] > $now } @stopped;
}

while ($started < $runs || %live) {
	start() while $started < $runs && keys %live < $wide;
	while ((my $pid = waitpid -1, WNOHANG) > 0) {
		delete $live{$pid};
		$ended = clock_gettime(CLOCK_MONOTONIC);
		$count{'status ' . ($? & 127 ? 'by signal ' . ($? & 127) : $? >> 8)}++;
	}
	go_on();
	disturb() if rand() < 0.12;
	usleep 5000;
	last if clock_gettime(CLOCK_MONOTONIC) - $ended > $limit_s && print "none has ended for $limit_s s\n";
}
kill CONT => $_->[0] for @stopped;

# What each grant was used for, from its first sign of life to its last one.
my (%from, %to, %is_two, $bad);
open my $in, '<', $log or die "$log: $!";
while (<$in>) {
	my ($what, $token, $pid, $time) = split;
	$bad = "the witness was another one's, who was alive: token $token" if $what eq 'two';
	$from{$token} = $time if !defined $from{$token} || $time < $from{$token};
	$to{$token} = $time if !defined $to{$token} || $time > $to{$token};
}
my $last;
for my $token (sort { $from{$a} <=> $from{$b} } keys %from) {
	if (defined $last) {
		$bad = sprintf 'token %s began at %.6f, token %s was alive at %.6f', $token, $from{$token}, $last, $to{$last}
			if $from{$token} <= $to{$last};
		$bad = "token $token after $last" if $token <= $last;
	}
	$last = $token;
}
printf "seed %s: %d runs, %d commands begun, %.1f s; %s\n", $seed, $started, scalar keys %from,
	clock_gettime(CLOCK_MONOTONIC) - $begun, join ', ', map { "$_ $count{$_}" } sort keys %count;
print "$bad\n" if $bad;
exit($bad || %live ? 1 : 0);
