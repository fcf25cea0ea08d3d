#!/usr/bin/env perl
# SPDX-License-Identifier: ISC
# The transcripts of a manual page: its literal blocks that have a line `NAME> …`. The page says how
# they are to be read; they are played one at a time, each against a latchd that has just started.
#
#   count PAGE                        how many there are
#   title PAGE N                      the heading that number N stands under
#   ini PAGE N                        the configuration that it needs (@PORT@, @DIR@ as in helpers.bash)
#   play PAGE N --port P --port2 P --dir DIR --pid PID [--limit SECONDS] [--record]
#                                     plays it, and fails at the first line that is not as in the page;
#                                     --record prints it with the answers that come
#   verbs PAGE, codes PAGE            what is asked, and which errors are answered, in all of them
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Time::HiRes qw(sleep);
use Wire;

# What a placeholder stands for. <C1> is the address of connection C1.
my $time = '\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ';
my %kinds = (
	token => '[1-9]\d{9,19}',
	seconds => '\d+(?:\.\d{1,3})?',
	time => $time,
	duration => '\d+(?:ms|s)|\d+m\d\ds|\d+h\d\dm|\d+d\d+h',
	client => '[1-9]\d*',
	cursor => '[1-9]\d*',
	number => '\d+',
	pid => '[1-9]\d*',
	uid => '\d+',
	version => '\d+(?:\.\d+)+',
);

# --- The page

sub unroff {
	my ($line) = @_;

	$line =~ s/\\&//g;
	$line =~ s/\\-/-/g;
	$line =~ s/\\e/\\/g;
	$line =~ s/\\\(aq/'/g;
	return $line;
}

# Blocks of lines, those that go on in the next one joined.
sub transcripts {
	my ($page) = @_;
	my (@found, $block, $title);

	open my $in, '<', $page or die "$page: $!\n";
	while (my $line = <$in>) {
		chomp $line;
		if ($line =~ /^\.S[hs] (.*)/) {
			$title = unroff($1);
		} elsif ($line =~ /^\.Bd -literal/) {
			$block = { title => $title, line => $. + 1, lines => [] };
		} elsif ($line =~ /^\.Ed/) {
			push @found, $block if $block && grep { /^\w+> / } @{ $block->{lines} };
			$block = undef;
		} elsif ($block) {
			$line = unroff($line);
			if ($line =~ s/^\s+(?=\S)// && @{ $block->{lines} }) {
				$block->{lines}[-1] .= ($line =~ /^&/ ? '' : ' ') . $line;
			} else {
				push @{ $block->{lines} }, $line;
			}
		}
	}
	return @found;
}

sub number_of {
	my ($page, $n) = @_;
	my @all = transcripts($page);

	die "there is no transcript $n in $page\n" if $n < 1 || $n > @all;
	return $all[$n - 1];
}

# --- The configuration

sub ini {
	my ($block) = @_;
	my %sections = (
		server => '',
		locks => '',
		'listen tcp' => "address = 127.0.0.1:\@PORT\@\n",
		'listen build' => "address = 127.0.0.1:\@PORT2\@\nprefix = build/\n",
		'listen admin' => "address = unix:\@DIR\@/admin.sock\nadmin = yes\n",
		'listen other' => "address = unix:\@DIR\@/other.sock\n",
	);

	for (@{ $block->{lines} }) {
		my ($section, $option, $value) = /^with \[(.+?)\] (\w+) = (.*)/ or next;
		# The one that this program has beside those of the transcript.
		$value++ if $section eq 'server' && $option eq 'max_clients';
		$sections{$section} .= "$option = $value\n";
	}
	return join '', map { "[$_]\n$sections{$_}" } sort keys %sections;
}

# --- Playing

my (%option, %wires, %bound, %classic, %beats, $other, $last_token);

sub wire {
	my ($name) = @_;

	return $wires{$name} if $wires{$name};
	my $to = $name =~ /^A/ ? "unix:$option{dir}/admin.sock" :
		'127.0.0.1:' . ($name =~ /^P/ ? $option{port2} : $option{port});
	my $wire = $wires{$name} = Wire->dial($to);
	$bound{$name} = $name =~ /^A/ ? "unix:$$" : do {
		my ($port, $host) = Socket::unpack_sockaddr_in(getsockname $wire->{socket});
		Socket::inet_ntoa($host) . ":$port";
	};
	return $wire;
}

# What was sent so far is read.
sub barrier {
	$other->barrier unless $option{stopped};
}

sub request_bytes {
	my ($text) = @_;
	my $end = $text =~ s/<unfinished>$// ? '' : "\r\n";

	$text =~ s/<(\d+) bytes>/'x' x $1/ge;
	$text =~ s/<([\w.]+)>/$bound{$1} \/\/ die "nothing was shown as <$1> before\n"/ge;
	return "$text$end";
}

# The pattern for a line of the page; the names of what it binds go to @$names.
sub pattern {
	my ($text, $names) = @_;
	my $pattern = '';

	for my $piece (split /(<[\w.]+>)/, $text) {
		my ($name) = $piece =~ /^<([\w.]+)>$/;
		if (!defined $name) {
			$pattern .= quotemeta $piece;
		} elsif (defined $bound{$name}) {
			$pattern .= quotemeta $bound{$name};
		} else {
			my ($kind, $label) = split /\./, $name;
			die "what is <$name>?\n" unless $kinds{$kind};
			push @$names, defined $label ? $name : undef;
			$pattern .= "($kinds{$kind})";
		}
	}
	return qr/^$pattern$/;
}

# Later grants have larger tokens, in every transcript.
sub bind_values {
	my ($names, @values) = @_;

	for my $i (0 .. $#$names) {
		my $name = $names->[$i];
		next unless defined $name;
		my ($kind) = split /\./, $name;
		if ($kind eq 'token' && defined $last_token) {
			die "token $values[$i] is not above $last_token\n"
				if length $values[$i] < length $last_token ||
				length $values[$i] == length $last_token && $values[$i] le $last_token;
		}
		$last_token = $values[$i] if $kind eq 'token';
		$bound{$name} = $values[$i];
	}
}

# A line as it came, without its end, which has to be the right one.
sub next_line {
	my ($name) = @_;
	my $line = wire($name)->line;

	die "$name: the end instead of a line\n" unless defined $line;
	my $text = $line =~ s/\r?\n$//r;
	my $crlf = $line =~ /\r\n$/ ? 1 : 0;
	die "$name: wrong end of line after: $text\n" if $crlf != ($classic{$name} ? 0 : 1);
	return $text;
}

sub receive {
	my ($name, $want) = @_;
	my @names;
	my $pattern = pattern($want, \@names);

	if ($option{record}) {
		print "$name< ", recorded(next_line($name)), "\n";
		return;
	}
	while (1) {
		my $got = next_line($name);
		if (my @values = $got =~ $pattern) {
			bind_values(\@names, @values);
			# On a busy machine one beat more may come before the next request.
			$beats{$name} = $pattern if $got =~ /^EVENT what=waiting&/;
			return;
		}
		next if $beats{$name} && $got =~ $beats{$name};
		die "$name wanted: $want\n$name got:    $got\n";
	}
}

sub recorded {
	my ($text) = @_;

	for (sort keys %wires) {
		$text =~ s/\Q$bound{$_}\E/<$_>/g;
	}
	$text =~ s/token=\d{12,}/token=<token>/g;
	$text =~ s/$time/<time>/g;
	$text =~ s/\b(age|waited|waits|held|left|timeout|expect|idle|uptime|kept)=[\d.]+/$1=<seconds>/g;
	$text =~ s/\b(client|pid|uid)=\d+/$1=<$1>/g;
	return $text;
}

sub ends {
	my ($name) = @_;
	my $rest = wire($name)->rest;

	die "$name: before its end came: $rest\n" if $rest ne '';
	delete $wires{$name};
}

sub send_line {
	my ($name, $text) = @_;

	my $classic = $text =~ /^(?:locks|status|load)\b/;
	# What comes next is looked at with this in mind, so it has to be asked for last.
	$classic{$name} = $classic ? 1 : 0;
	wire($name)->put(request_bytes($text));
	print "$name> $text\n" if $option{record};
	barrier();
}

sub step {
	my ($line) = @_;

	if ($line =~ /^(\w+)> ?(.*)/) {
		send_line($1, $2);
	} elsif ($line =~ /^(\w+)< ?(.*)/) {
		receive($1, $2);
	} elsif ($line =~ /^(\w+) connects$/) {
		wire($1);
		barrier();
	} elsif ($line =~ /^(\w+) hangs up$/) {
		wire($1)->hang_up;
		delete $wires{$1};
		barrier();
	} elsif ($line =~ /^(\w+) is closed$/) {
		ends($1);
	} elsif ($line =~ /^([\d.]+) seconds? later$/) {
		sleep $1;
	} elsif ($line =~ /^latchd gets SIGTERM$/) {
		$option{stopped} = 1;
		kill TERM => $option{pid};
	} elsif ($line !~ /^with \[/) {
		die "this is no line of a transcript\n";
	}
	print "$line\n" if $option{record} && $line !~ /^\w+[<>]/;
}

sub nothing_more {
	my ($name) = @_;
	my $wire = $wires{$name};

	$wire->fill;
	while ($wire->{got} =~ s/^(.*?)\r?\n//) {
		my $line = $1;
		print "$name< ", recorded($line), "\n" if $option{record};
		die "$name: there is more: $line\n"
			unless $option{record} || $beats{$name} && $line =~ $beats{$name};
	}
	die "$name: there is more: $wire->{got}\n" if $wire->{got} ne '';
}

sub play {
	my ($page, $block) = @_;
	my $at = 0;

	$other = Wire->dial("unix:$option{dir}/other.sock");
	for my $line (@{ $block->{lines} }) {
		$at++;
		next if $option{record} && $line =~ /^\w+</;
		eval { step($line); 1 }
			or die "$page, transcript from line $block->{line}, \"$block->{title}\", step $at: $line\n$@";
		if ($option{record}) {
			sleep 0.05;
			nothing_more($_) for sort keys %wires;
		}
	}
	return if $option{stopped};
	barrier();
	for my $name (sort keys %wires) {
		eval { nothing_more($name); 1 }
			or die "$page, transcript from line $block->{line}, \"$block->{title}\", its end: $@";
	}
}

sub said {
	my ($page, $pattern) = @_;
	my %seen;

	for my $block (transcripts($page)) {
		/$pattern/ and $seen{ lc $1 } = 1 for @{ $block->{lines} };
	}
	print map { "$_\n" } sort keys %seen;
}

$| = 1;
my ($verb, $page, $n, @rest) = @ARGV;
if (@rest) {
	while (defined(my $name = shift @rest)) {
		$name =~ /^--(port|port2|dir|pid|limit|record)$/ or die "what is $name?\n";
		$option{$1} = $1 eq 'record' ? 1 : shift @rest;
	}
}
$Wire::limit = $option{limit} if $option{limit};
if ($verb eq 'count') {
	print scalar(transcripts($page)), "\n";
} elsif ($verb eq 'title') {
	print number_of($page, $n)->{title}, "\n";
} elsif ($verb eq 'ini') {
	print ini(number_of($page, $n));
} elsif ($verb eq 'play') {
	play($page, number_of($page, $n));
} elsif ($verb eq 'verbs') {
	said($page, qr/^\w+> (\w+|\?)/);
} elsif ($verb eq 'codes') {
	said($page, qr/^\w+< ERR (\w+)/);
} else {
	die "what is $verb?\n";
}
