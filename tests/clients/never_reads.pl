#!/usr/bin/env perl
# SPDX-License-Identifier: ISC
# never_reads.pl ADDRESS PID MOST_KB: a client that sends requests and reads no reply, until the
# daemon takes no more of them; meanwhile others are served and the daemon (PID) does not grow by
# more than MOST_KB; then it reads, and every request has its answer.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Wire;

use constant { ALL_WE_SEND => 256 << 20, OTHERS => 1000, STILL => 25 };

my ($to, $pid, $most_kb) = @ARGV;
my $requests = "noop\r\nxyzzy\r\nreleaselock lock=nobody's\r\n";
my $replies = "OK \r\nERR unknown_command Unknown+server+command\r\nERR didnthave \r\n";

# Sends until nothing goes although the daemon has had turn after turn; how much went.
sub fill_up {
	my ($wire, $other) = @_;
	my $block = $requests x 1000;
	my ($sent, $still) = (0, 0);

	while ($still < STILL) {
		my $at = $sent % length $requests;
		my $n = $wire->put_some(substr $block, $at);
		$sent += $n;
		$still = $n > 0 ? 0 : $still + 1;
		next if $n > 0;
		$other->barrier;
		die "it takes requests without end\n" if $sent > ALL_WE_SEND;
	}
	return $sent;
}

my $other = Wire->dial($to);
my $deaf = Wire->dial($to, rcvbuf => 4096);
$deaf->{deaf} = 1;
my $before = Wire::peak_kb($pid);
my $sent = fill_up($deaf, $other);

for (1 .. OTHERS) {
	my $got = $other->ask("trylock lock=mine\r\n") . $other->ask("releaselock lock=mine\r\n");
	die "another client got $got\n" if $got ne "OK \r\n" x 2;
}
my $grown = Wire::peak_kb($pid) - $before;
die "the daemon has grown by $grown KiB\n" if $grown > $most_kb;

$deaf->{deaf} = 0;
my $rest = $sent % length $requests;
$deaf->put(substr $requests, $rest) or die "it has ended the connection\n" if $rest > 0;
$deaf->half_close;
my $got = $deaf->rest;
my $wanted = $replies x (($sent + length($requests) - 1) / length $requests);
die "reset\n" if $deaf->{ended} ne 'eof';
die sprintf "%d bytes of replies, not %d\n", length $got, length $wanted if length $got != length $wanted;
die "not the right replies\n" if $got ne $wanted;
print "after $sent bytes of requests no more were read; all are answered\n";
