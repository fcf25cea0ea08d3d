#!/usr/bin/perl
# SPDX-License-Identifier: ISC
# The line server on Danga::Socket. danga.pl PORT
package Client;
use strict;
use warnings;
use base 'Danga::Socket';
use fields ();

sub event_read {
	my ($self) = @_;
	my $bytes = $self->read(65536);
	return $self->close('end') unless defined $bytes;
	my $lines = ($$bytes =~ tr/\n//);
	$self->write("OK \r\n" x $lines) if $lines;
}
sub event_err { $_[0]->close('err') }
sub event_hup { $_[0]->close('hup') }

package main;
use strict;
use warnings;
use IO::Socket::INET;
use Socket qw(IPPROTO_TCP TCP_NODELAY);

my $listener = IO::Socket::INET->new(LocalAddr => "127.0.0.1:$ARGV[0]", Listen => 4096, ReuseAddr => 1, Blocking => 0)
	or die "port $ARGV[0]: $!";
Danga::Socket->AddOtherFds(
	fileno($listener) => sub {
		while (my $sock = $listener->accept) {
			$sock->blocking(0);
			setsockopt($sock, IPPROTO_TCP, TCP_NODELAY, 1);
			Client->new($sock)->watch_read(1);
		}
	});
Danga::Socket->EventLoop;
