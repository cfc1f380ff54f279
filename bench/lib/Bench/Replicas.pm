package Bench::Replicas;

# What a user would pick instead: PostgreSQL's own logical replication, and a replica of MySQL's.  Both are made to
# catch up on the same backlog again and again.

use strict;
use warnings;

use Bench::Data qw(%columns);
use DBStream::MySQL;
use DBStream::Postgres;
use DBStream::Process qw(wait_until);
use DBStream::Scene;

package Bench::Native;

# Publisher and subscriber, two servers with the settings of ours.
sub new
{
	my ($class, $conf) = @_;
	my $self = bless { runs => 0 }, $class;

	# Commits wait for their own flush (which costs nothing here, fsync being off): otherwise the sender would hear of
	# them from a timer.
	$self->{publisher} = DBStream::Postgres->create('publisher',
		conf => $conf . "wal_level = logical\nmax_wal_senders = 10\nmax_replication_slots = 20\nsynchronous_commit = on\n");
	$self->{subscriber} = DBStream::Postgres->create('subscriber', conf => $conf);
	foreach my $server (@$self{qw(publisher subscriber)})
	{
		$server->sql('CREATE SCHEMA bench');
		$server->sql("CREATE TABLE bench.$_ $Bench::Data::columns{$_}") foreach sort keys %Bench::Data::columns;
		$server->sql('CREATE INDEX x_n ON bench.x (n)');
	}
	$self->{publisher}->sql("CREATE PUBLICATION $_ FOR TABLE bench.$_") foreach sort keys %Bench::Data::columns;
	return $self;
}

sub publisher { return $_[0]{publisher}; }
sub subscriber { return $_[0]{subscriber}; }

# From here on the log is kept for this table.
sub keep { $_[0]{publisher}->sql("SELECT pg_create_logical_replication_slot('$_[1]_base', 'pgoutput')"); }
sub forget { $_[0]{publisher}->sql("SELECT pg_drop_replication_slot('$_[1]_base')"); }

# A subscription that stands before the backlog, not yet enabled; with $binary its rows travel as we send ours, else as text, which
# is the server's default.
sub prepare
{
	my ($self, $table, $binary) = @_;
	my $format = $binary ? 'true' : 'false';
	my $slot = 'run_' . ++$self->{runs};

	$self->{publisher}->sql("SELECT pg_copy_logical_replication_slot('${table}_base', '$slot')");
	$self->{subscriber}->sql("TRUNCATE bench.$table");
	$self->{subscriber}->sql("CREATE SUBSCRIPTION s CONNECTION " . DBStream::Scene::quoted($self->{publisher}->connstr('postgres'))
		  . " PUBLICATION $table WITH (copy_data = false, create_slot = false, enabled = false, slot_name = '$slot',"
		  . " binary = $format)");
	$self->{subscriber}->sql('CHECKPOINT');
	$self->{slot} = $slot;
}

sub start { $_[0]{subscriber}->sql('ALTER SUBSCRIPTION s ENABLE'); }

sub end
{
	my ($self) = @_;

	$self->{subscriber}->sql('ALTER SUBSCRIPTION s DISABLE');
	$self->{publisher}
	  ->wait_for("SELECT NOT active FROM pg_replication_slots WHERE slot_name = '$self->{slot}'", 60)
	  or die "the walsender of PostgreSQL's own replication did not end\n";
	$self->{subscriber}->sql('ALTER SUBSCRIPTION s SET (slot_name = NONE); DROP SUBSCRIPTION s');
	$self->{publisher}->sql("SELECT pg_drop_replication_slot('$self->{slot}')");
}

sub finish
{
	my ($self) = @_;

	$self->{subscriber}->stop('fast');
	$self->{publisher}->stop('fast');
}

package Bench::Replica;

# A replica of a MySQL server: 4 workers, no binary log of its own, nothing synced to disk, all it needs in memory.
sub new
{
	my ($class, $source) = @_;
	my $self = bless { source => $source }, $class;

	$self->{server} = DBStream::MySQL->new(
		kind => 'mysql',
		folder => DBStream::Scene::work_folder() . '/replica',
		options => [
			'--server-id=2', '--skip-log-bin', '--log-replica-updates=OFF', '--replica-parallel-workers=4',
			'--skip-replica-start', '--innodb-flush-log-at-trx-commit=0', '--innodb-flush-method=nosync',
			'--innodb-doublewrite=OFF', '--innodb-buffer-pool-size=512M', '--innodb-redo-log-capacity=2G',
			'--sync-relay-log=0'
		])->start;
	$self->{server}->sql('CREATE DATABASE bench');
	$self->{server}->sql("CREATE TABLE bench.$_ $Bench::Data::columns{$_}") foreach sort keys %Bench::Data::columns;
	$self->{server}->sql('CREATE INDEX x_n ON bench.x (n)');
	return $self;
}

sub server { return $_[0]{server}; }

# The backlog is fetched into the relay log, whole, before the clock starts: the replica reads it from its own disk.
sub prepare
{
	my ($self, $table, $from, $to) = @_;
	my ($file, $offset) = split(/:/, $from);
	my ($last_file, $last_offset) = split(/:/, $to);
	my $server = $self->{server};

	$server->sql('RESET BINARY LOGS AND GTIDS');
	$server->sql("TRUNCATE bench.$table");
	$server->sql("CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=" . $self->{source}->port
		  . ", SOURCE_USER='reader', SOURCE_PASSWORD='$DBStream::Scene::password', SOURCE_LOG_FILE='$file',"
		  . " SOURCE_LOG_POS=$offset, SOURCE_AUTO_POSITION=0, GET_SOURCE_PUBLIC_KEY=1, SOURCE_HEARTBEAT_PERIOD=60;"
		  . ' START REPLICA IO_THREAD');
	DBStream::Process::wait_until(120,
		sub {
			my ($row) = $server->rows('SHOW REPLICA STATUS');
			return $row->[5] eq $last_file && $row->[6] >= $last_offset;
		})
	  or die "MySQL's replica did not fetch the log\n";
}

sub start { $_[0]{server}->sql('START REPLICA SQL_THREAD'); }

sub end { $_[0]{server}->sql('STOP REPLICA; RESET REPLICA ALL'); }

sub finish { $_[0]{server}->stop; }

1;
