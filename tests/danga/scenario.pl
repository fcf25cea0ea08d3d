#!/usr/bin/perl
# SPDX-License-Identifier: ISC
# One scripted scenario on Danga::Socket; scenario.c is the same on libdsock. Both print what happens, a line an
# event, and the two transcripts have to be the same.
package Sock;
use strict;
use warnings;
use base 'Danga::Socket';
use fields qw(name on_read limit);

sub new {
	my ($class, $sock, $name, $on_read) = @_;
	my $self = fields::new($class);
	$self->SUPER::new($sock);
	$self->{name} = $name;
	$self->{on_read} = $on_read;
	return $self;
}

sub event_read { $_[0]{on_read}->($_[0]) }
sub event_err { $_[0]->close('err') }
sub event_hup { $_[0]->close('hup') }

sub close {
	my ($self, $reason) = @_;
	main::say_line("close $self->{name}") unless $self->{closed};
	return $self->SUPER::close($reason);
}

package main;
use strict;
use warnings;
use IO::Socket::UNIX;
use IO::Socket::INET;
use Socket;

sub say_line { print "$_[0]\n" }

sub pair {
	my ($on_a, $on_b) = @_;
	my ($x, $y) = IO::Socket->socketpair(AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die "socketpair: $!";
	$_->blocking(0) for $x, $y;
	return (Sock->new($x, 'a', $on_a // sub { die }), Sock->new($y, 'b', $on_b // sub { die }));
}

# Runs the loop until $done or, at most, so many turns.
sub turns {
	my ($most) = @_;
	my $left = $most;
	Danga::Socket->SetPostLoopCallback(sub { return --$left > 0 });
	Danga::Socket->SetLoopTimeout(20);
	Danga::Socket->EventLoop;
}

sub part { say_line("-- $_[0]") }

part('writes');
{
	my $got = '';
	my ($x, $y) = pair(undef, sub { my $r = $_[0]->read(1 << 20); $got .= $$r if $r });
	say_line('small ' . $x->write('hello '));
	my $big = 'x' x 3_000_000;
	say_line('big ' . $x->write($big));
	say_line('callback ' . $x->write(sub { say_line('called'); $x->write('tail') }));
	say_line('after ' . $x->write('after '));
	say_line('nothing ' . $x->write(undef));
	$y->watch_read(1);
	turns(200);
	say_line('length ' . length $got);
	say_line('begin ' . substr($got, 0, 8));
	say_line('end ' . substr($got, -11));
	say_line('empty queue ' . $x->write(undef));
	my $now = 0;
	say_line('at once ' . $x->write(sub { $now = 1 }) . " $now");
	$x->close;
	say_line('closed ' . $x->write('lost') . ' ' . $x->write(sub { die 'called' }));
	$y->close;
	turns(1);
}

part('pushed back');
{
	my ($x, $y) = pair(undef, sub { my $r = $_[0]->read(4); say_line('read ' . ($r ? $$r : 'end')) });
	$y->watch_read(1);
	$y->push_back_read('one');
	$y->push_back_read('second');
	$y->push_back_read('3');
	$x->write('net');
	turns(6);
	$_->close for $x, $y;
	turns(1);
}

part('unwatched');
{
	my $n = 0;
	my ($x, $y) = pair(undef, sub { $_[0]->read(1); $n++; $_[0]->watch_read(0) });
	$y->watch_read(1);
	$x->write('abc');
	turns(4);
	say_line("events $n");
	$y->watch_read(1);
	turns(4);
	say_line("events $n");
	$_->close for $x, $y;
	turns(1);
}

part('closing each other');
{
	my ($x, $y);
	my $each = sub {
		my ($self, $other) = @_;
		my $r = $self->read(1);
		say_line(defined $r ? 'read' : 'end');
		defined $r ? $other->close : $self->close;
	};
	($x, $y) = pair(sub { $each->($x, $y) }, sub { $each->($y, $x) });
	$_->write('!') for $x, $y;
	$_->watch_read(1) for $x, $y;
	turns(3);
	say_line('left ' . scalar grep { !$_->{closed} } $x, $y);
	$_->close for $x, $y;
	turns(1);
}

part('end of file');
{
	my ($x, $y) = pair(undef, sub {
		my $r = $_[0]->read(100);
		say_line(defined $r ? "read $$r" : 'end');
		$_[0]->close unless defined $r;
	});
	$y->watch_read(1);
	$x->write('last words');
	shutdown($x->sock, 1);
	turns(4);
	$x->close;
	turns(1);
}

part('timers');
{
	my $cancelled = Danga::Socket->AddTimer(0.03, sub { say_line('never') });
	Danga::Socket->AddTimer(0.02, sub { say_line('third'); $cancelled->cancel });
	Danga::Socket->AddTimer(0.01, sub { say_line('second') });
	Danga::Socket->AddTimer(0, sub { say_line('first') });
	Danga::Socket->AddTimer(0.04, sub { say_line('fourth') });
	turns(10);
}

part('steal');
{
	my ($x, $y) = pair();
	my $stolen = $x->steal_socket;
	say_line('closed ' . ($x->{closed} ? 1 : 0));
	turns(1);
	syswrite($stolen, 'mine');
	sysread($y->sock, my $buf, 10);
	say_line("still open $buf");
	$y->close;
	turns(1);
}

part('strings');
{
	my $server = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die;
	my $client = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $server->sockport) or die;
	my $s = Sock->new(scalar $server->accept, 's', sub { });
	my ($here, $there) = ($server->sockport, $client->sockport);
	my $strip = sub { my $t = $_[0]; $t =~ s/:$here$/:HERE/; $t =~ s/:$there$/:THERE/; $t };
	say_line($strip->($s->peer_ip_string));
	say_line($strip->($s->peer_addr_string));
	say_line($strip->($s->local_ip_string));
	say_line($strip->($s->local_addr_string));
	$s->watch_read(1);
	say_line($strip->($s->as_string));
	$s->close;
	turns(1);
}

part('post-loop');
{
	my ($x, $y) = pair();
	my $n = 0;
	$x->SetPostLoopCallback(sub { return ++$n < 3 });
	Danga::Socket->SetPostLoopCallback(undef);
	Danga::Socket->SetLoopTimeout(1);
	Danga::Socket->EventLoop;
	say_line("turns $n");
	say_line('watched ' . Danga::Socket->WatchedSockets);
	$_->close for $x, $y;
	turns(1);
	say_line('watched ' . Danga::Socket->WatchedSockets);
}
