#!/usr/bin/perl
# SPDX-License-Identifier: ISC
# pieces.pl HOST PORT SIZE...: sends standard input in pieces of these sizes (the last one for all that follows), each
# in a segment of its own, then stops sending and prints what comes.
use strict;
use warnings;
use IO::Socket::INET;
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Time::HiRes 'sleep';

my ($host, $port, @sizes) = @ARGV;
my $text = do { local $/; <STDIN> };
my $sock = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port) or die "connect: $!";
setsockopt($sock, IPPROTO_TCP, TCP_NODELAY, 1);
while (length $text) {
	my $size = @sizes > 1 ? shift @sizes : $sizes[0];
	syswrite($sock, substr($text, 0, $size, ''));
	sleep 0.002;
}
shutdown($sock, 1);
print while <$sock>;
