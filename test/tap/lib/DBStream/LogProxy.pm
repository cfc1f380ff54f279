package DBStream::LogProxy;

# Between a bridge and a source: passes every byte on, but changes the type of log events that hold a marker to 99,
# a type that no server has, with a checksum that is right again.  Plain connections only.

use strict;
use warnings;

use Carp;
use Compress::Raw::Zlib ();
use DBStream::Process qw(in_child stop_program);
use IO::Select;
use IO::Socket::INET;
use POSIX ();

sub new
{
	my ($class, $to_port, $marker) = @_;
	my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 10, ReuseAddr => 1)
	  or croak "the proxy cannot listen: $!";
	my $self = bless { port => $listen->sockport }, $class;

	$self->{pid} = in_child('proxy', sub { serve($listen, $to_port, $marker); return 0; });
	close $listen;
	return $self;
}

sub port { return $_[0]{port}; }
sub stop { stop_program($_[0]{pid}, 'KILL'); }

sub serve
{
	my ($listen, $to_port, $marker) = @_;
	my $select = IO::Select->new($listen);
	my %peer;       # socket => the other one
	my %from_server;
	my %buffer;

	while (my @ready = $select->can_read)
	{
		foreach my $socket (@ready)
		{
			if ($socket == $listen)
			{
				my $client = $listen->accept or next;
				my $server = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $to_port);
				unless ($server) { close $client; next; }
				@peer{ $client, $server } = ($server, $client);
				$from_server{$server} = 1;
				$buffer{$server} = '';
				$select->add($client, $server);
				next;
			}
			my $other = $peer{$socket} or next;
			my $got = sysread($socket, my $data, 65536);
			if (!$got)
			{
				$select->remove($socket, $other);
				delete @peer{ $socket, $other };
				close $socket;
				close $other;
				next;
			}
			if ($from_server{$socket})
			{
				$buffer{$socket} .= $data;
				$data = '';
				while (length $buffer{$socket} >= 4)
				{
					my $size = unpack('V', substr($buffer{$socket}, 0, 3) . "\0");
					last if length $buffer{$socket} < 4 + $size;
					$data .= changed(substr($buffer{$socket}, 0, 4 + $size, ''), $marker);
				}
			}
			print_all($other, $data);
		}
	}
}

sub print_all
{
	my ($socket, $data) = @_;

	while (length $data)
	{
		my $sent = syswrite($socket, $data);
		return unless defined $sent;
		substr($data, 0, $sent, '');
	}
}

# An event in a packet: status byte 0, then time (4), type (1), server id (4), size (4), next position (4), flags (2).
sub changed
{
	my ($packet, $marker) = @_;
	my $event = substr($packet, 5);

	return $packet unless substr($packet, 4, 1) eq "\0" && length $event > 23 && index($event, $marker) >= 0;
	return $packet unless unpack('x9 V', $event) == length $event;
	substr($event, 4, 1) = chr(99);
	substr($event, -4) = pack('V', Compress::Raw::Zlib::crc32(substr($event, 0, -4)));
	return substr($packet, 0, 5) . $event;
}

1;
