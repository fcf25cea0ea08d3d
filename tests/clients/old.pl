#!/usr/bin/perl
# SPDX-License-Identifier: ISC
# A client that speaks as the Perl client of ddlockd does: one connection that is used again, a line out, a line in,
# /^ok\b/ without regard to case, names encoded its way, the release in DESTROY.
package OldLock;
use strict;
use warnings;
use IO::Socket::INET;

my %cache;

sub sock {
	my ($addr) = @_;
	my $sock = $cache{$addr};
	return $sock if $sock && getpeername($sock);
	return $cache{$addr} = IO::Socket::INET->new(
		PeerAddr => $addr, Proto => 'tcp', Type => SOCK_STREAM, ReuseAddr => 1, Blocking => 1);
}

sub encoded {
	my ($name) = @_;
	$name =~ s{([^a-zA-Z0-9_,\-./\\: ])}{sprintf('%%%02X', ord $1)}eg;
	$name =~ tr/ /+/;
	return $name;
}

sub take {
	my ($class, $addr, $name) = @_;
	my $sock = sock($addr) or die "no connection to $addr\n";
	$sock->printf("trylock lock=%s\r\n", encoded($name));
	my $reply = <$sock>;
	return unless defined $reply && $reply =~ /^ok\b/i;
	return bless {addr => $addr, name => $name, pid => $$}, $class;
}

sub DESTROY {
	my ($self) = @_;
	return unless $self->{pid} == $$;
	my $sock = $cache{$self->{addr}} or return;
	$sock->printf("releaselock lock=%s\r\n", encoded($self->{name}));
	my $reply = <$sock>;
	warn "release: $reply" unless defined $reply && $reply =~ /^ok\b/i;
}

package main;
use strict;
use warnings;

# old.pl ADDR scenario: prints what happens.   old.pl ADDR contend COUNT: adds one to the file "sum" that often.
my ($addr, $what, $count) = @ARGV;
if ($what eq 'scenario') {
	for my $name ('plain', 'with blank', "odd%&=+\n/\\:,", "\xc3\xa4", '0') {
		my $lock = OldLock->take($addr, $name);
		print $lock ? "got\n" : "not\n";
		print OldLock->take($addr, $name) ? "twice\n" : "once\n";
	}
	my $again = OldLock->take($addr, 'plain');
	print $again ? "again\n" : "lost\n";
	undef $again;
	print scalar(keys %cache), " connection\n";
} else {
	for (1 .. $count) {
		my $lock;
		select(undef, undef, undef, 0.001) until $lock = OldLock->take($addr, 'the sum');
		open my $in, '<', 'sum' or die;
		my $sum = <$in>;
		open my $out, '>', 'sum' or die;
		print $out $sum + 1;
		close $out;
	}
}
