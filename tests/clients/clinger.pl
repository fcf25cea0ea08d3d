#!/usr/bin/perl
# SPDX-License-Identifier: ISC
# clinger.pl FILE WAY...: a process that does not want to end. It appends a line to FILE every few
# milliseconds: its pid and the time of the monotonic clock. WAY is how it clings:
#
#   deaf      ignores SIGTERM, SIGINT and SIGHUP       away     has a session of its own
#   orphan    its parent ends, and so does this one's  stopped  stops itself after the first line
#   fork      starts another one again and again, each of which ends after a moment
#   chain     goes on as a child of itself, again and again
use strict;
use warnings;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC usleep);
use POSIX ();

my ($file, @ways) = @ARGV;
my %is = map { $_ => 1 } @ways;
open my $out, '>>', $file or die "$file: $!";

sub beat {
	syswrite $out, sprintf "%d %.6f\n", $$, clock_gettime(CLOCK_MONOTONIC);
}

if ($is{orphan}) {
	exit if fork;
	exit if fork;
}
POSIX::setsid() if $is{away};
@SIG{qw(TERM INT HUP)} = ('IGNORE') x 3 if $is{deaf};
$SIG{CHLD} = 'IGNORE';
beat();
kill STOP => $$ if $is{stopped};
while (1) {
	beat();
	usleep 3000;
	if ($is{fork} && !fork) {
		beat();
		usleep 50_000;
		beat();
		exit;
	}
	exit if $is{chain} && fork;
}
