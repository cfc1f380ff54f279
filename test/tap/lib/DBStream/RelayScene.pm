package DBStream::RelayScene;

# Two MySQL or MariaDB servers, a PostgreSQL that controls a stream between them, and a bridge.

use strict;
use warnings;

use Carp;
use DBStream::Bridge;
use DBStream::MySQL;
use DBStream::Postgres;
use DBStream::Process qw(log_tail wait_until);
use JSON::PP;

# name: of files and folders; source, target: "mariadb" or "mysql".
sub new
{
	my ($class, %options) = @_;
	my $self = bless {%options, work => $ENV{TESTDIR}}, $class;

	foreach my $end (qw(source target))
	{
		my $server = DBStream::MySQL->new(
			kind => $self->{$end},
			folder => "$self->{work}/$self->{name}-$end",
			options => [ '--server-id=' . ($end eq 'source' ? 81 : 82), @{ $options{"${end}_options"} // [] } ])->start;
		$self->{"${end}_kind"} = $self->{$end};
		$self->{$end} = $server;
	}
	$self->{pg} = DBStream::Postgres->create("control_$self->{name}");
	$self->{pg}->sql('CREATE EXTENSION dbstream; CREATE ROLE bridge LOGIN IN ROLE dbstream_bridge');
	$self->{bridge} = DBStream::Bridge->new(
		name => "bridge $self->{name}",
		conninfo => $self->{pg}->conninfo('bridge'),
		log => "$self->{work}/bridge-$self->{name}.log");
	$self->connection($_, $self->{$_}, 'relay') foreach qw(source target);
	return $self;
}

sub pg { return $_[0]->{pg}; }
sub source { return $_[0]->{source}; }
sub target { return $_[0]->{target}; }
sub bridge { return $_[0]->{bridge}; }

# A user of that name with all rights, and a connection by it.
sub connection
{
	my ($self, $name, $server, $user) = @_;
	my %options = (host => '127.0.0.1', port => $server->port + 0, user => $user, password => 'Calm-Otter-51');

	$server->sql("CREATE USER '$user'\@'%' IDENTIFIED BY 'Calm-Otter-51'; GRANT ALL ON *.* TO '$user'\@'%'");
	$self->{pg}->sql("SELECT dbstream.create_connection('$name', '" . $self->{ $name . '_kind' } . "', '"
		  . JSON::PP->new->canonical->encode(\%options) . "')");
}

sub caught_up
{
	my ($self, $limit, $stream) = @_;
	my $end = time() + $limit;

	while (time() < $end)
	{
		my ($status, $out) = $self->{pg}->run_psql("SELECT dbstream.wait_for_stream('$stream', '10s')");
		return 1 if $status == 0 && $out eq 't';
		select(undef, undef, undef, 0.2);
	}
	return 0;
}

sub quoted
{
	my ($name) = @_;

	$name =~ s/`/``/g;
	return "`$name`";
}

# Every value of every row of a table, in a form that loses nothing.
sub rows_of
{
	my ($self, $end, $schema, $table) = @_;
	my $server = $self->{$end};
	my @values = map {
		my ($name, $type) = (quoted($_->[0]), $_->[1]);
		my $value =
			$type =~ /point/ ? "ST_AsWKB($name)"
		  : $type =~ /blob|binary/ ? $name
		  : $type eq 'bit' ? "$name + 0"
		  : "CAST($name AS CHAR CHARACTER SET utf8mb4)";
		"COALESCE(HEX($value), 'NULL')"
	  } $server->rows("SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = '$schema'"
		  . " AND table_name = '$table' ORDER BY ordinal_position");
	my @rows = map { $_->[0] } $server->rows('SELECT CONCAT_WS(0x7c, ' . join(', ', @values) . ') FROM ' . quoted($schema) . '.' . quoted($table));

	return join("\n", sort @rows);
}

# Names of the tables that are not the same on both sides.
sub compare
{
	my ($self, $schema, @tables) = @_;

	croak 'no tables to compare' unless @tables;
	return join(' ', grep { $self->rows_of('source', $schema, $_) ne $self->rows_of('target', $schema, $_) } @tables);
}

# The server's own words for a table.
sub definition
{
	my ($self, $end, $schema, $table) = @_;
	my ($row) = $self->{$end}->rows('SHOW CREATE TABLE ' . quoted($schema) . '.' . quoted($table));
	my $text = $row->[1];

	$text =~ s/ AUTO_INCREMENT=\d+//;
	return $text;
}

sub state_text
{
	my ($self) = @_;
	my ($status, $out) = $self->{pg}->run_psql("\\x on\nSELECT * FROM dbstream.stream_status; SELECT * FROM dbstream.errors;"
		  . " SELECT * FROM dbstream.backfill_status; SELECT * FROM dbstream.ddl_history");

	return $out . log_tail(30);
}

sub finish
{
	my ($self) = @_;

	$self->{bridge}->stop if $self->{bridge}->running;
	$self->{pg}->stop('fast');
	$_->stop foreach $self->{source}, $self->{target};
}

1;
