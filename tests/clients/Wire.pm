# SPDX-License-Identifier: ISC
# What the Perl programs of the tests share: a connection that never blocks, with all that came in a
# buffer, and the barrier that makes one write one read of the daemon's.
package Wire;
use strict;
use warnings;

use Errno qw(EAGAIN EINTR ECONNRESET EPIPE);
use Fcntl qw(F_GETFL F_SETFL O_NONBLOCK);
use Socket qw(:DEFAULT :addrinfo IPPROTO_TCP TCP_NODELAY);
use Time::HiRes qw(time);

our $limit = 30; # seconds, for anything

sub _address {
	my ($to) = @_;

	my ($path) = $to =~ /^unix:(.*)/s;
	return (AF_UNIX, pack_sockaddr_un($path)) if defined $path;
	my ($host, $port) = $to =~ /^\[?(.*?)\]?:(\d+)$/s or die "no address: $to\n";
	my ($error, $first) = getaddrinfo($host, $port,
		{ socktype => SOCK_STREAM, flags => AI_NUMERICHOST | AI_NUMERICSERV });
	die "$to: $error\n" if $error;
	return ($first->{family}, $first->{addr});
}

# Options: rcvbuf => bytes, from => an address of this host's to come from.
sub dial {
	my ($class, $to, %with) = @_;
	my ($family, $address) = _address($to);

	socket(my $socket, $family, SOCK_STREAM, 0) or die "socket: $!\n";
	setsockopt($socket, SOL_SOCKET, SO_RCVBUF, $with{rcvbuf}) or die "SO_RCVBUF: $!\n"
		if $with{rcvbuf};
	bind($socket, pack_sockaddr_in(0, inet_aton($with{from}))) or die "bind: $!\n" if $with{from};
	connect($socket, $address) or die "connect to $to: $!\n";
	setsockopt($socket, IPPROTO_TCP, TCP_NODELAY, 1) if $family != AF_UNIX;
	fcntl($socket, F_SETFL, fcntl($socket, F_GETFL, 0) | O_NONBLOCK) or die "fcntl: $!\n";
	return bless { socket => $socket, got => '', ended => '' }, $class;
}

# Waits until it can be read (or written); dies when that takes too long.
sub wait {
	my ($self, $write) = @_;
	my ($in, $out) = ('', '');

	vec($in, fileno($self->{socket}), 1) = 1;
	$out = $in if $write;
	my $n = select($in, $out, undef, $limit);
	die "nothing moves within $limit s; so far: " . _shown($self->{got}) . "\n" if $n == 0;
}

sub _shown {
	my ($bytes) = @_;

	$bytes = substr($bytes, 0, 300) . '…' if length $bytes > 300;
	$bytes =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ge;
	return $bytes;
}

# Takes what is there, up to MOST; false at the end, {ended} is then 'eof' or 'reset'.
sub fill {
	my ($self, $most) = @_;

	return 0 if $self->{ended};
	my $n = sysread($self->{socket}, $self->{got}, $most // 65536, length $self->{got});
	if (defined $n) {
		$self->{ended} = 'eof' if $n == 0;
	} elsif ($! == ECONNRESET || $! == EPIPE) {
		$self->{ended} = 'reset';
	} elsif ($! != EAGAIN && $! != EINTR) {
		die "read: $!\n";
	}
	return !$self->{ended};
}

# Sends all, reading what comes meanwhile unless {deaf}. False when the daemon has ended it.
sub put {
	my ($self, $bytes) = @_;
	my $at = 0;

	local $SIG{PIPE} = 'IGNORE';
	while ($at < length $bytes) {
		my $n = syswrite($self->{socket}, $bytes, length($bytes) - $at, $at);
		if (defined $n) {
			$at += $n;
			next;
		}
		if ($! == EPIPE || $! == ECONNRESET) {
			1 while $self->fill;
			return 0;
		}
		die "write: $!\n" if $! != EAGAIN && $! != EINTR;
		$self->wait(1);
		$self->fill unless $self->{deaf};
	}
	return 1;
}

# As much as goes at once; the number of bytes.
sub put_some {
	my ($self, $bytes) = @_;

	local $SIG{PIPE} = 'IGNORE';
	my $n = syswrite($self->{socket}, $bytes);
	return $n // 0;
}

# The next line with its end; undef where there is none any more.
sub line {
	my ($self) = @_;

	while (1) {
		my $end = index($self->{got}, "\n");
		return substr($self->{got}, 0, $end + 1, '') if $end >= 0;
		return undef if $self->{ended};
		$self->wait;
		$self->fill;
	}
}

# Exactly so many bytes, or fewer at the end.
sub take {
	my ($self, $len) = @_;

	while (length $self->{got} < $len && !$self->{ended}) {
		$self->wait;
		$self->fill;
	}
	return substr($self->{got}, 0, $len, '');
}

# Everything until the end.
sub rest {
	my ($self) = @_;

	while (!$self->{ended}) {
		$self->wait;
		$self->fill;
	}
	my $all = $self->{got};
	$self->{got} = '';
	return $all;
}

# A request and the line that answers it.
sub ask {
	my ($self, $request) = @_;

	return $self->put($request) ? $self->line : undef;
}

# The lines of a reply of many, without its last, blank one.
sub listing {
	my ($self, $request) = @_;
	my @lines;

	$self->put($request) or return;
	while (defined(my $line = $self->line)) {
		return @lines if $line eq "\n";
		push @lines, $line;
	}
	die "the listing has no end\n";
}

sub half_close {
	my ($self) = @_;

	shutdown($self->{socket}, SHUT_WR);
}

# Ends with a reset.
sub reset {
	my ($self) = @_;

	setsockopt($self->{socket}, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0)) or die "SO_LINGER: $!\n";
	close $self->{socket};
}

sub hang_up {
	my ($self) = @_;

	close $self->{socket};
}

# What others sent before this has been read by the daemon: the first answer may come out of the turn
# that reads them later on, the second one comes out of the turn after that.
sub barrier {
	my ($self) = @_;

	for (1, 2) {
		my $reply = $self->ask("noop\r\n");
		die "no answer at the barrier\n" unless defined $reply && $reply eq "OK \r\n";
	}
}

# The most that a process ever had resident.
sub peak_kb {
	my ($pid) = @_;

	open my $status, '<', "/proc/$pid/status" or die "$pid: $!\n";
	while (<$status>) {
		return $1 if /^VmHWM:\s*(\d+)/;
	}
	die "no VmHWM\n";
}

1;
