package DBStream::Bridge;

# The bridge as a process.

use strict;
use warnings;

use Carp;
use DBStream::Process qw(start_program stop_program is_running own_memory_kb read_file);

# conninfo: how it finds the database. log: where its output goes. arguments: further ones. env: further environment.
sub new
{
	my ($class, %given) = @_;

	return bless {
		name => $given{name} // 'bridge',
		conninfo => $given{conninfo},
		log => $given{log},
		arguments => $given{arguments} // [],
		env => $given{env} // {},
		pid => undef
	}, $class;
}

sub program { return $ENV{DBSTREAM_BRIDGE} // croak 'DBSTREAM_BRIDGE is not set: use test/run'; }
sub pid { return $_[0]{pid}; }
sub log_file { return $_[0]{log}; }
sub log_text { return -e $_[0]{log} ? read_file($_[0]{log}) : ''; }

sub start
{
	my ($self) = @_;

	croak 'the bridge runs already' if is_running($self->{pid});
	$self->{pid} = start_program($self->{name}, [ program(), @{ $self->{arguments} } ],
		$self->{log}, env => { DBSTREAM_CONNINFO => $self->{conninfo}, %{ $self->{env} } });
	return $self;
}

sub running { return is_running($_[0]{pid}); }
sub memory_kb { return own_memory_kb($_[0]{pid}); }

sub kill9
{
	my ($self) = @_;

	stop_program($self->{pid}, 'KILL');
	$self->{pid} = undef;
}

# In order, as a supervisor does it. Returns the exit status, undef when it had to be killed.
sub stop
{
	my ($self, $limit) = @_;

	return 0 unless defined $self->{pid};
	my $status = stop_program($self->{pid}, 'TERM', $limit // 30);
	$self->{pid} = undef;
	return defined $status ? $status >> 8 : undef;
}

sub freeze { kill 'STOP', $_[0]{pid}; }
sub thaw { kill 'CONT', $_[0]{pid}; }

1;
