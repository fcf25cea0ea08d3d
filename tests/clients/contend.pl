#!/usr/bin/env perl
# SPDX-License-Identifier: ISC
# contend.pl ADDRESS SECONDS DIR N SEED [DAEMON-PID]: N processes contend for a few names in every way
# there is, and each writes down in a file of its own in DIR when it could be sure that it held what.
# One after the other is killed with -9, stopped for a while, and replaced; so is the daemon stopped
# now and then. Everything is to be judged by check_exclusion.pl.
#
# What is written down is a part of the time in which a process really held the lock, never more:
# it begins when the grant has been read, and ends at a time that was taken before the release was
# sent. Each step on the way is a line, written at once: a killed process held its lock at least up
# to its last line. A lease counts from before it was asked for, and nothing is written beyond it.
#
#   B token mode width slot begin until name...   until: of the lease; 0: it has none
#   U until                                       a renewal
#   H time                                        still holding
#   E time                                        about to release it
#   ! reason                                      what must not be
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Wire;
use POSIX qw(:sys_wait_h _exit);
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC sleep);

my ($to, $seconds, $dir, $n, $seed, $daemon) = @ARGV;
my $end = now() + $seconds;
my (%children, $file, $wire, $serial, $until);

sub now {
	return clock_gettime(CLOCK_MONOTONIC);
}

# The supervisor.

sub begin {
	$serial++;
	my $pid = fork // die "fork: $!\n";

	if ($pid == 0) {
		srand($seed * 100003 + $serial);
		open $file, '>', "$dir/held.$serial.$$" or die "$dir: $!\n";
		eval { contend() while now() < $end; 1 } or note('!', $@ =~ s/\s+/ /gr);
		_exit(0);
	}
	$children{$pid} = 1;
}

sub any_child {
	return (keys %children)[rand keys %children];
}

sub disturb {
	my $pid = any_child();

	if (rand() < 0.5) {
		kill 'KILL', $pid;
	} elsif (rand() < 0.8) {
		kill 'STOP', $pid;
		sleep(rand() < 0.1 ? 0.5 : 0.02);
		kill 'CONT', $pid;
	} elsif ($daemon) {
		kill 'STOP', $daemon;
		sleep(rand() < 0.1 ? 0.5 : 0.02);
		kill 'CONT', $daemon;
	}
}

sub reap {
	while ((my $pid = waitpid(-1, WNOHANG)) > 0) {
		delete $children{$pid};
	}
}

# One contender.

sub note {
	my ($what, @rest) = @_;

	syswrite($file, join(' ', $what, @rest) . "\n") or die "cannot write: $!\n";
}

sub connected {
	$wire //= Wire->dial($to);
}

sub dropped {
	$wire->hang_up if $wire;
	undef $wire;
}

# The reply to a request, without its CR LF; events of leases that ended are none of it.
sub reply {
	while (1) {
		my $line = $wire->line // die "the daemon has ended the connection\n";
		$line =~ s/\r\n$//;
		next if $line =~ /^EVENT what=(?:expired|waiting)&/;
		return $line;
	}
}

sub asked {
	my ($request) = @_;

	connected();
	$wire->put("$request\r\n") or die "the daemon has ended the connection\n";
	return reply();
}

my $lease_s = 0.3;

sub pick {
	my ($prefix, $many) = @_;

	return $prefix . int(rand $many);
}

sub contend {
	my $way = rand;

	return classic() if $way < 0.15;
	return native([pick('x', 6)], 'exclusive', 1) if $way < 0.4;
	return native([pick('s', 3)], 'slots', 3, 'slots=3') if $way < 0.55;
	return native([pick('r', 4)], 'shared', 0, 'mode=shared') if $way < 0.75;
	return native([pick('r', 4)], 'exclusive', 1) if $way < 0.9;
	my %names = map { pick(rand() < 0.8 ? 'x' : 'r', 4) => 1 } 1 .. 3;
	return native([keys %names], 'exclusive', 1);
}

sub classic {
	my $name = pick(rand() < 0.7 ? 'x' : 'r', 4);
	my $got = asked("trylock lock=$name");

	if ($got eq 'ERR taken ') {
		sleep(rand 0.01);
		return;
	}
	die "trylock: $got\n" if $got ne 'OK ';
	note('B', 0, 'exclusive', 1, -1, now(), 0, $name);
	hold(0);
	note('E', now());
	my $released = asked("releaselock lock=$name");
	die "lost silently: releaselock: $released\n" if $released ne 'OK ';
}

sub native {
	my ($names, $mode, $width, $how) = @_;
	my $all = join ' lock=', @$names;
	my $key = rand() < 0.4 ? sprintf('key=%d.%d.%d', $$, rand 1e9, rand 1e9) : '';
	my $request = "acquire $all" . ($how ? " $how" : '') . ($key ? " lease=$lease_s $key" : '');
	my $before = now();
	my ($tag, $got) = ('');

	if (rand() < 0.8) {
		$request .= ' wait=' . (rand() < 0.2 ? '20ms' : '2s');
		$request .= ' beat=100ms' if rand() < 0.1;
		if (rand() < 0.3) {
			$tag = " id=t$$";
			$request .= $tag;
		}
	}
	$got = asked($request);
	if ($got =~ /^ERR (?:taken|timeout) /) {
		sleep(rand 0.01);
		return;
	}
	$got =~ /^OK .*&token=(\d+)/ or die "$request: $got\n";
	my $token = $1;
	my $slot = $got =~ /&slot=(\d+)/ ? $1 : -1;
	# A lease begins with the grant, which is later than this unless it waited; the reply says what
	# is left of it, and what was read before may have lain there for a while.
	$until = $key ? granted_at($token, $before, $request, $key, $names) : 0;
	return if $key && !$until;
	note('B', $token, $mode, $width, $slot, now(), $until, @$names);
	hold($key, $token, $names);
	note('E', now());
	my $released = asked("release $all token=$token" . ($key ? " $key" : ''));
	return if $released eq 'OK ';
	die "lost silently: release: $released\n" if !$key || now() < $until;
	give_back($token, $key, $names);
}

# What may be left of several names when the lease of others is over.
sub give_back {
	my ($token, $key, $names) = @_;

	asked("release $_ token=$token $key") for @$names;
}

# How long a lease can be relied on: from before a renewal that was answered.
sub granted_at {
	my ($token, $before, $request, $key, $names) = @_;

	return $before + $lease_s unless $request =~ / wait=/;
	$before = now();
	my $got = asked('renew ' . join(' lock=', @$names) . " token=$token $key");
	return $before + $lease_s if $got =~ /^OK /;
	die "renew: $got\n" if $got !~ /^ERR stale /;
	give_back($token, $key, $names); # it was read too late
	return 0;
}

sub hold {
	my ($key, $token, $names) = @_;
	my $steps = int(rand 6);

	for my $step (0 .. $steps) {
		note('H', now());
		sleep(rand 0.002);
		kill 'KILL', $$ if rand() < 0.004; # others are killed wherever they are
		sleep(rand 1.5 * $lease_s) if $key && rand() < 0.01;
		next if !$key || rand() > 0.3;
		dropped() if rand() < 0.3; # the lease stays, and is renewed from elsewhere
		my $before = now();
		my $got = asked('renew ' . join(' lock=', @$names) . " token=$token $key");
		if ($got !~ /^OK /) {
			die "lost silently: renew: $got\n" if $before < $until && now() < $until;
			return;
		}
		$until = $before + $lease_s;
		note('U', $until);
	}
	note('H', now());
}

$serial = 0;
begin() for 1 .. $n;
srand($seed);
while (now() < $end) {
	sleep(0.03);
	disturb();
	reap();
	begin() while keys %children < $n && now() < $end;
}
for (1 .. 500) {
	reap();
	last unless %children;
	sleep(0.01);
}
kill 'KILL', keys %children;
waitpid($_, 0) for keys %children;
