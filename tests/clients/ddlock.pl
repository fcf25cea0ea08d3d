#!/usr/bin/env perl
# SPDX-License-Identifier: ISC
# A client as the programs of ddlockd's days have it: IO::Socket::INET, one connection a server that
# is used again, names URL-encoded, `ok` in any case, a lock that is an object and given back when it
# goes out of scope.
#
#   ddlock.pl [--server HOST:PORT]... shell          commands on standard input:
#       try KEY NAME    `KEY got`, or `KEY refused: ` and the reply; NAME is what follows, \n and \xHH in it
#       drop KEY        the lock goes out of scope; `KEY dropped`
#   ddlock.pl [--server HOST:PORT]... count FILE TIMES NAME
#       takes the lock, adds one to the number in FILE, gives the lock back; so many times.
#       Fails where somebody else is in between.
use strict;
use warnings;

package OldClient;
use IO::Socket::INET;

sub new {
	my ($class, @servers) = @_;

	return bless { servers => [@servers], socks => {} }, $class;
}

sub sock {
	my ($self, $server) = @_;

	return $self->{socks}{$server} //= IO::Socket::INET->new(
		PeerAddr => $server,
		Proto => 'tcp',
		Type => SOCK_STREAM,
		ReuseAddr => 1,
		Blocking => 1,
	) // die "cannot connect to $server: $@\n";
}

sub encoded {
	my ($name) = @_;

	$name =~ s/([^a-zA-Z0-9_,\-.\/\\: ])/sprintf '%%%02X', ord $1/eg;
	$name =~ tr/ /+/;
	return $name;
}

# The server's answer, without its end.
sub request {
	my ($self, $server, $verb, $name) = @_;
	my $sock = $self->sock($server);

	$sock->printf("%s lock=%s\r\n", $verb, encoded($name));
	my $reply = <$sock> // die "$server has gone\n";
	$reply =~ s/\r?\n\z//;
	return $reply;
}

# A lock, from all servers; or undef, and the first refusal in $@.
sub trylock {
	my ($self, $name) = @_;
	my $lock = bless { client => $self, name => $name, on => [] }, 'OldLock';

	for my $server (@{ $self->{servers} }) {
		my $reply = $self->request($server, 'trylock', $name);
		if ($reply !~ /^ok\b/i) {
			undef $lock; # gives back what it has
			$@ = $reply;
			return undef;
		}
		push @{ $lock->{on} }, $server;
	}
	return $lock;
}

package OldLock;

sub DESTROY {
	my ($self) = @_;

	local $@;
	for my $server (@{ $self->{on} }) {
		my $reply = $self->{client}->request($server, 'releaselock', $self->{name});
		warn "release of $self->{name}: $reply\n" unless $reply =~ /^ok\b/i;
	}
}

package main;
use Fcntl qw(O_CREAT O_EXCL O_WRONLY);

sub shell {
	my ($client) = @_;
	my %held;

	$| = 1;
	while (my $line = <STDIN>) {
		chomp $line;
		my ($command, $key, $name) = split / /, $line, 3;
		if ($command eq 'try') {
			$name =~ s/\\(?:x([0-9a-f]{2})|(n))/$2 ? "\n" : chr hex $1/ge;
			my $lock = $client->trylock($name);
			print $lock ? "$key got\n" : "$key refused: $@\n";
			$held{$key} = $lock if $lock;
		} elsif ($command eq 'drop') {
			delete $held{$key};
			print "$key dropped\n";
		} else {
			die "what is $command?\n";
		}
	}
}

sub add_one {
	my ($file) = @_;

	sysopen my $inside, "$file.inside", O_CREAT | O_EXCL | O_WRONLY or die "I am not alone: $!\n";
	open my $in, '<', $file or die "$file: $!\n";
	my $number = <$in>;
	open my $out, '>', $file or die "$file: $!\n";
	print $out $number + 1;
	close $out or die "$file: $!\n";
	unlink "$file.inside" or die "$file.inside: $!\n";
}

sub count {
	my ($client, $file, $times, $name) = @_;
	my $refused = 0;

	while ($times > 0) {
		my $lock = $client->trylock($name);
		if ($lock) {
			add_one($file);
			$times--;
		} else {
			die "$@\n" unless $@ =~ /^ERR taken\b/i;
			$refused++;
			select undef, undef, undef, 0.001;
		}
	}
	print "refused $refused\n";
}

my @servers;
while (@ARGV && $ARGV[0] eq '--server') {
	shift;
	push @servers, shift;
}
my $client = OldClient->new(@servers ? @servers : '127.0.0.1:7002');
my $mode = shift // '';
if ($mode eq 'shell') {
	shell($client);
} elsif ($mode eq 'count' && @ARGV == 3) {
	count($client, @ARGV);
} else {
	die "usage: ddlock.pl [--server HOST:PORT]... shell | count FILE TIMES NAME\n";
}
