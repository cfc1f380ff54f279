package DBStream::OutScene;

# What tests of outbound streams need: a PostgreSQL with the extension as the source, a MySQL or MariaDB server as the target,
# a bridge between them.

use strict;
use warnings;

use Carp;
use DBStream::Bridge;
use DBStream::Compare qw(compare_table);
use DBStream::MySQL;
use DBStream::Postgres;
use DBStream::Process qw(log_tail wait_until);
use JSON::PP;
use Test::More;

our $password = 'Loud-Heron-14';

sub work_folder { return $ENV{TESTDIR} // croak 'TESTDIR is not set: use test/run'; }

# A test with a scene for each kind of target, or for that one only: body is called with the scene and the kind. What it
# dies of is a failure, and shows the scene's state. options: of the scene.
sub with_each_target
{
	my ($only, $body, %options) = @_;

	foreach my $kind (grep { !defined $only || $_ eq $only } qw(mariadb mysql))
	{
	  SKIP:
		{
			my $why = DBStream::MySQL::missing($kind);
			skip "$kind: $why", 1 if $why;
			my $scene = DBStream::OutScene->new(kind => $kind, %options);
			my $good = eval { $body->($scene, $kind); 1; };
			fail("$kind: $@") unless $good;
			diag($scene->state_text) unless $good && Test::More->builder->is_passing;
			eval { $scene->finish };
		}
	}
}

# kind: mariadb or mysql, of the target. target_options: of its server. conf: for postgresql.conf. name: when a test has several.
sub new
{
	my ($class, %given) = @_;
	my $name = $given{name} // $given{kind};
	my $self = bless { name => $name, kind => $given{kind}, bridges => 0 }, $class;
	my $conf = "wal_level = logical\nmax_replication_slots = 20\nmax_wal_senders = 10\nmax_prepared_transactions = 5\n"
	  . (DBStream::OutScene::lists_plugins() ? "output_plugin_libraries = dbstream\n" : '') . ($given{conf} // '');

	$self->{target} = DBStream::MySQL->new(
		kind => $given{kind},
		folder => work_folder() . "/$name",
		options => $given{target_options} // [])->start;
	$self->{target}->sql("CREATE USER 'writer'\@'%' IDENTIFIED BY '$password';"
		  . " GRANT ALL ON *.* TO 'writer'\@'%'");
	$self->{source} = DBStream::Postgres->create("source_$name", conf => $conf);
	$self->{source}->sql('CREATE EXTENSION dbstream; CREATE ROLE bridge LOGIN REPLICATION IN ROLE dbstream_bridge');
	$self->{bridge} = $self->another_bridge;
	return $self;
}

# Newer servers refuse output plugins that are not listed, older ones do not know the setting.
sub lists_plugins
{
	return `postgres --describe-config` =~ /^output_plugin_libraries\b/m;
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
		conninfo => $self->{source}->conninfo('bridge'),
		log => work_folder() . "/$name-$self->{name}.log",
		%option);
}

sub quoted { return "'" . $_[0] =~ s/'/''/gr . "'"; }

sub create_connection
{
	my ($self, $name, %change) = @_;
	my %options = (host => '127.0.0.1', port => $self->{target}->port + 0, user => 'writer', password => $password, %change);

	$self->{source}->sql("SELECT dbstream.create_connection('$name', 'mysql', "
		  . quoted(JSON::PP->new->canonical->encode(\%options)) . ')');
}

# A connection to the target and a stream to it, started; options are the stream's.
sub start_stream
{
	my ($self, $name, $tables, %options) = @_;

	$self->create_connection('there') unless $self->{connection}++;
	$self->{source}->sql("SELECT dbstream.create_stream('$name', source => 'local', target => 'there',"
		  . " tables => '{$tables}', options => " . quoted(JSON::PP->new->canonical->encode(\%options)) . ')');
	$self->{source}->sql("SELECT dbstream.start_stream('$name')");
	# Without a copy of what was there before, a stream begins where its slot does: wait for that.
	wait_until(60, sub { $self->{source}->sql("SELECT count(*) FROM dbstream.progress p JOIN dbstream.stream s"
			  . " ON s.id = p.stream_id WHERE s.name = '$name'") + 0 }) // croak "the stream $name does not begin";
}

# A stream the other way, from the same server, started.
sub start_inbound
{
	my ($self, $name, $tables, %options) = @_;

	$self->create_connection('there') unless $self->{connection}++;
	$self->{source}->sql("SELECT dbstream.create_stream('$name', source => 'there', target => 'local',"
		  . " tables => '{$tables}', options => " . quoted(JSON::PP->new->canonical->encode(\%options)) . ')');
	$self->{source}->sql("SELECT dbstream.start_stream('$name')");
}

# Options of a stream that runs, changed: until the session with the new ones has the stream, what is written goes by the old ones.
sub alter
{
	my ($self, $name, %options) = @_;
	my $session = "SELECT coalesce(receiver_pid, 0) FROM dbstream.stream_status WHERE name = '$name'";
	my $before = $self->{source}->sql($session);

	$self->{source}->sql("SELECT dbstream.alter_stream('$name', options => " . quoted(JSON::PP->new->canonical->encode(\%options)) . ')');
	return wait_until(60, sub { my $now = $self->{source}->sql($session); $now != 0 && $now != $before });
}

# True once everything that was committed here is at the target.
sub caught_up
{
	my ($self, $name, $limit) = @_;
	$limit //= 60;
	my ($status, $out, $err) =
	  $self->{source}->run_psql("SELECT dbstream.wait_for_stream('$name', '${limit}s')");

	return 1 if $status == 0 && $out eq 't';
	$self->{last_wait} = "wait_for_stream answered '$out' $err";
	return 0;
}

# The same when one end may be down in between: tries again until the limit.
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

# Every value of every row on both sides; the comparison's source is the MySQL side, whose types are fewer.
sub compare
{
	my ($self, $schema, @tables) = @_;

	@tables = map { $_->[0] } $self->{source}->rows("SELECT tablename FROM pg_tables WHERE schemaname = '$schema' ORDER BY 1")
	  unless @tables;
	return join('', map { compare_table($self->{target}, $self->{source}, $schema, $_) } @tables);
}

# What table_status counts of each table is what the table is made of: inserts less deletes are its rows. '' or what differs.
sub miscounted
{
	my ($self, $stream, $schema, @tables) = @_;
	my $differ = '';

	foreach my $table (@tables)
	{
		my $counted = $self->{source}->sql("SELECT rows_inserted - rows_deleted FROM dbstream.table_status WHERE stream = '$stream'"
			  . " AND (source_schema, source_table) = ('$schema', '$table')") || 0;
		my $there = $self->{source}->sql("SELECT count(*) FROM $schema.$table");
		$differ .= "$schema.$table: $counted counted, $there there\n" if $counted != $there;
	}
	return $differ;
}

# What a person would look at first.
sub state_text
{
	my ($self) = @_;
	my $text = '';

	foreach my $view (qw(dbstream.stream_status dbstream.bridge_status dbstream.errors dbstream.progress pg_replication_slots))
	{
		my ($status, $out, $err) = $self->{source}->run_psql("\\x on\nSELECT * FROM $view");
		$text .= "---- $view\n$out$err\n";
	}
	$text .= "---- $self->{last_wait}\n" if defined $self->{last_wait};
	return $text . log_tail(40);
}

sub finish
{
	my ($self) = @_;

	$self->{bridge}->stop if $self->{bridge}->running;
	$self->{source}->stop('fast');
	$self->{target}->stop;
}

1;
