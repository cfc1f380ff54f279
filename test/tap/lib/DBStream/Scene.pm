package DBStream::Scene;

# What nearly every test needs: a source server, a PostgreSQL with the extension,
# a bridge that may do what a bridge may and no more.

use strict;
use warnings;

use Carp;
use DBStream::Bridge;
use DBStream::Compare qw(compare_schema compare_table);
use DBStream::MySQL;
use DBStream::Postgres;
use DBStream::Process qw(log_tail wait_until);
use JSON::PP;

our $password = 'Quiet-Heron-41';

sub work_folder { return $ENV{TESTDIR} // croak 'TESTDIR is not set: use test/run'; }

# kind: mariadb or mysql. source_options: of the server. conf: for postgresql.conf. name: when a test has several.
sub new
{
	my ($class, %given) = @_;
	my $name = $given{name} // $given{kind};
	my $self = bless { name => $name, kind => $given{kind}, bridges => 0 }, $class;

	$self->{source} = DBStream::MySQL->new(
		kind => $given{kind},
		folder => work_folder() . "/$name",
		options => $given{source_options} // [])->start;
	$self->{source}->create_reader('reader', $password);
	$self->{target} = DBStream::Postgres->create("target_$name", conf => $given{conf});
	$self->{target}->sql('CREATE EXTENSION dbstream; CREATE ROLE bridge LOGIN IN ROLE dbstream_bridge');
	$self->{bridge} = $self->another_bridge;
	return $self;
}

sub source { return $_[0]{source}; }
sub target { return $_[0]{target}; }
sub bridge { return $_[0]{bridge}; }

sub another_bridge
{
	my ($self, %option) = @_;
	my $name = 'bridge' . (++$self->{bridges} > 1 ? $self->{bridges} : '');

	return DBStream::Bridge->new(
		name => "$name of $self->{name}",
		conninfo => $self->{target}->conninfo('bridge'),
		log => work_folder() . "/$name-$self->{name}.log",
		%option);
}

# The options of a connection to the source, as JSON text; changes are merged in.
sub connection_options
{
	my ($self, %change) = @_;
	my %options = (
		host => '127.0.0.1',
		port => $self->{source}->port + 0,
		user => 'reader',
		password => $password,
		%change);

	delete $options{$_} foreach grep { !defined $options{$_} } keys %options;
	return JSON::PP->new->canonical->encode(\%options);
}

sub quoted { return "'" . $_[0] =~ s/'/''/gr . "'"; }

sub create_connection
{
	my ($self, $name, %change) = @_;

	$self->{target}->sql("SELECT dbstream.create_connection('$name', 'mysql', "
		  . quoted($self->connection_options(%change)) . ')');
}

# A connection and a stream from the log's beginning, started.
sub start_stream
{
	my ($self, $name, $tables, %options) = @_;

	$self->create_connection("${name}_source") unless $self->{connection}{$name}++;
	$self->create_stream($name, $tables, %options);
	$self->{target}->sql("SELECT dbstream.start_stream('$name')");
}

sub create_stream
{
	my ($self, $name, $tables, %options) = @_;

	$options{start} //= 'earliest';
	$self->{target}->sql("SELECT dbstream.create_stream('$name', source => '${name}_source', target => 'local',"
		  . " tables => '{$tables}', options => " . quoted(JSON::PP->new->canonical->encode(\%options)) . ')');
}

# A started stream on an existing connection that begins where the source's log ends now.
sub create_stream_from
{
	my ($self, $name, $schema, $tables, %options) = @_;

	$options{start} //= 'now';
	$self->{target}->sql("SELECT dbstream.create_stream('$name', source => 'm_source', target => 'local',"
		  . " tables => '{$tables}', options => " . quoted(JSON::PP->new->canonical->encode(\%options)) . ')');
	$self->{target}->sql("SELECT dbstream.start_stream('$name')");
	$self->caught_up($name, 60) or croak "the stream $name did not start: $self->{last_wait}";
}

# A running stream is paused first: dropping one is refused.
sub drop_stream
{
	my ($self, $name) = @_;

	$self->{target}->sql("SELECT dbstream.pause_stream('$name') FROM dbstream.stream_status"
		  . " WHERE name = '$name' AND desired = 'running'; SELECT dbstream.drop_stream('$name')");
}

# A started stream on that connection from the log's beginning.
sub start_stream_on
{
	my ($self, $name, $tables, %options) = @_;

	$options{start} //= 'earliest';
	$self->{target}->sql("SELECT dbstream.create_stream('$name', source => 'm_source', target => 'local',"
		  . " tables => '{$tables}', options => " . quoted(JSON::PP->new->canonical->encode(\%options)) . ')');
	$self->{target}->sql("SELECT dbstream.start_stream('$name')");
}

# True once everything that the source has committed is applied.
sub caught_up
{
	my ($self, $name, $limit) = @_;
	$limit //= 60;
	my ($status, $out, $err) =
	  $self->{target}->run_psql("SELECT dbstream.wait_for_stream('$name', '${limit}s')");

	return 1 if $status == 0 && $out eq 't';
	$self->{last_wait} = "wait_for_stream answered '$out' $err";
	return 0;
}

# The same when the target may be down in between: tries again until the limit.
sub catches_up
{
	my ($self, $name, $limit) = @_;
	my $deadline = time() + ($limit // 120);

	while (time() < $deadline)
	{
		return 1 if $self->caught_up($name, 10);
		select(undef, undef, undef, 0.2);
	}
	return 0;
}

sub compare
{
	my ($self, $schema, %option) = @_;

	return compare_schema($self->{source}, $self->{target}, $schema, %option);
}

# What a person would look at first.
sub state_text
{
	my ($self) = @_;
	my $text = '';

	foreach my $view (qw(stream_status table_status bridge_status worker_status errors))
	{
		my ($status, $out, $err) = $self->{target}->run_psql("\\x on\nSELECT * FROM dbstream.$view");
		$text .= "---- dbstream.$view\n$out$err\n";
	}
	$text .= "---- $self->{last_wait}\n" if defined $self->{last_wait};
	return $text . log_tail(40);
}

sub finish
{
	my ($self) = @_;

	$self->{bridge}->stop if $self->{bridge}->running;
	$self->{target}->stop('fast');
	# Nobody looks at its folder again, and an orderly end writes everything out first.
	$self->{source}->kill9;
}

1;
