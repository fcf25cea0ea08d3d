#!/usr/bin/env perl
# SPDX-License-Identifier: ISC
# hold.pl ADDRESS NAME...: takes the locks, prints `holding` and its PID, and does what standard
# input says: `reset` (ends with a RST), `close`, `half`, `unread` (sends a flood of requests and
# closes without reading); prints `done` then, and goes on as a process without that connection until
# standard input ends. It never gives a lock back by itself.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Wire;

my ($to, @names) = @ARGV;
my $wire = Wire->dial($to);

$| = 1;
for my $name (@names) {
	my $reply = $wire->ask("trylock lock=$name\r\n") // 'the end';
	die "$name: $reply" if $reply ne "OK \r\n";
}
print "holding $$\n";
while (my $order = <STDIN>) {
	chomp $order;
	if ($order eq 'reset') {
		$wire->reset;
	} elsif ($order eq 'close') {
		$wire->hang_up;
	} elsif ($order eq 'half') {
		$wire->half_close;
	} elsif ($order eq 'unread') {
		$wire->put_some("trylock lock=flood\r\nlocks\r\n" x 20000);
		$wire->hang_up;
	} else {
		die "what is $order?\n";
	}
	print "done\n";
}
