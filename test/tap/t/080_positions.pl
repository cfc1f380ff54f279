# Where a stream starts, and how it is steered: now, earliest, a file and offset, a GTID set; pause, resume, alter;
# restart of everything; pg_dump carries the definitions.

use strict;
use warnings;

use DBStream::MySQL;
use DBStream::Process qw(run_program write_file);
use DBStream::Scene;
use Test::More;

my @kinds = grep { !defined $ENV{DBSTREAM_SOURCE} || $_ eq $ENV{DBSTREAM_SOURCE} } qw(mariadb mysql);

foreach my $kind (@kinds)
{
  SKIP:
	{
		my $why = DBStream::MySQL::missing($kind);
		skip "$kind: $why", 1 if $why;
		my $scene = DBStream::Scene->new(kind => $kind);
		$scene->bridge->start;
		$scene->create_connection('m_source');
		foreach my $case (qw(starts first_place steering restarts dump))
		{
			next if eval { main->can($case)->($scene, $kind); 1 };
			fail("$kind: $case: $@");
			diag($scene->state_text);
		}
		diag($scene->state_text) unless Test::More->builder->is_passing;
		eval { $scene->finish };
	}
}
done_testing();

sub where_now
{
	my ($source, $kind) = @_;
	my @row = $kind eq 'mysql' ? $source->rows('SHOW BINARY LOG STATUS') : $source->rows('SHOW MASTER STATUS');
	my $gtid = $kind eq 'mysql' ? $source->sql('SELECT @@global.gtid_executed') : $source->sql('SELECT @@global.gtid_binlog_pos');

	return ("$row[0][0]:$row[0][1]", $gtid =~ s/\\n|\s//gr);
}

sub starts
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	$source->sql('CREATE DATABASE a; CREATE TABLE a.t (id int PRIMARY KEY); INSERT INTO a.t VALUES (1)');
	my ($file, $gtid) = where_now($source, $kind);
	$source->sql('INSERT INTO a.t VALUES (2)');
	my %start = (now => 'now', earliest => 'earliest', file => $file, gtid => "gtid:$gtid");
	foreach my $follow (qw(file gtid))
	{
		my %expected = (now => '3', earliest => '1,2,3', file => '2,3', gtid => '2,3');
		foreach my $name (sort keys %start)
		{
			my $schema = "${name}_$follow";
			next if $name eq 'gtid' && $follow eq 'file';
			$target->sql("CREATE SCHEMA $schema; CREATE TABLE $schema.t (id int PRIMARY KEY)") unless $name eq 'earliest';
			$target->sql("SELECT dbstream.create_stream('$schema', source => 'm_source', target => 'local', tables => '{a.*}',"
				  . " options => '{\"start\": \"$start{$name}\", \"follow\": \"$follow\", \"schemas\": {\"a\": \"$schema\"}}')");
			$target->sql("SELECT dbstream.start_stream('$schema')");
			ok($scene->caught_up($schema, 30), "$kind: start $name, follow $follow: runs");
		}
		$source->sql('INSERT INTO a.t VALUES (3)');
		foreach my $name (sort keys %start)
		{
			my $schema = "${name}_$follow";
			next if $name eq 'gtid' && $follow eq 'file';
			$scene->caught_up($schema, 30);
			is($target->sql("SELECT string_agg(id::text, ',' ORDER BY id) FROM $schema.t"), $expected{$name},
				"$kind: start $name, follow $follow: the rows from there on, and no others");
			$scene->drop_stream("$schema");
		}
		$source->sql('DELETE FROM a.t WHERE id = 3; SET @old = 1');
		# The deletion lies before the next round's starts only for those that start now: put the others behind it.
		last if $follow eq 'gtid';
		$source->sql('TRUNCATE TABLE a.t; INSERT INTO a.t VALUES (1)');
		($file, $gtid) = where_now($source, $kind);
		$source->sql('INSERT INTO a.t VALUES (2)');
		@start{qw(file gtid)} = ($file, "gtid:$gtid");
	}
	my ($status, $out, $err) = $target->run_psql("SELECT dbstream.create_stream('x', source => 'm_source', target => 'local',"
		  . " tables => '{a.*}', options => '{\"strat\": \"now\"}')");
	like($err, qr/"?start"?/, "$kind: a misspelled option is refused with the right name");
}

# "now" is where the log ended when the stream was started, whatever becomes of its first session.
sub first_place
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	$source->sql('CREATE DATABASE f');
	$target->sql('CREATE SCHEMA IF NOT EXISTS f; CREATE VIEW f.t AS SELECT 1');
	$scene->create_stream_from('f', 'f', 'f.*');
	$source->sql('CREATE TABLE f.t (id int PRIMARY KEY); INSERT INTO f.t VALUES (1)');
	ok($target->wait_for("SELECT count(*) > 0 FROM dbstream.errors WHERE stream = 'f'", 30), "$kind: the first change fails");
	$target->stop('immediate');
	$source->sql('INSERT INTO f.t VALUES (2)');
	$target->start;
	$target->sql('DROP VIEW f.t');
	ok($scene->catches_up('f', 60), "$kind: a stream from now whose first session failed goes on");
	is($scene->compare('f'), '', "$kind: from where it began, not from a later now");
	$scene->drop_stream('f');
}

sub steering
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	$source->sql('CREATE DATABASE s');
	$scene->create_stream_from('s', 's', 's.*');
	$source->sql('CREATE TABLE s.t (id int PRIMARY KEY); INSERT INTO s.t VALUES (1)');
	ok($scene->caught_up('s', 30), "$kind: a stream runs") or die "not caught up\n";
	$target->sql("SELECT dbstream.pause_stream('s')");
	ok($target->wait_for("SELECT state = 'paused' FROM dbstream.stream_status WHERE name = 's'", 30), "$kind: it is paused");
	$source->sql('INSERT INTO s.t VALUES (2)');
	ok(!$scene->caught_up('s', 2), "$kind: wait_for_stream does not say that a paused stream is through");
	is($target->sql('SELECT count(*) FROM s.t'), '1', "$kind: a paused stream applies nothing");
	$target->sql("SELECT dbstream.resume_stream('s')");
	ok($scene->catches_up('s', 30), "$kind: it is resumed");
	is($scene->compare('s'), '', "$kind: and lost nothing");
	$source->sql('CREATE DATABASE s2');
	$target->sql("SELECT dbstream.alter_stream('s', tables => '{s.*,s2.*,!s2.audit_*}')");
	$source->sql('CREATE TABLE s2.t (id int PRIMARY KEY); CREATE TABLE s2.audit_x (id int PRIMARY KEY);'
		  . ' INSERT INTO s2.t VALUES (1); INSERT INTO s2.audit_x VALUES (1); INSERT INTO s.t VALUES (3)');
	ok($scene->catches_up('s', 30), "$kind: a changed list of tables takes effect");
	is($target->sql("SELECT to_regclass('s2.t') IS NOT NULL, to_regclass('s2.audit_x') IS NULL"), 't|t',
		"$kind: with its exclusion");
	is($scene->compare('s'), '', "$kind: the first tables run on");
}

sub restarts
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	$target->stop('fast');
	$source->sql('INSERT INTO s.t VALUES (10)');
	$target->start;
	ok($scene->catches_up('s', 60), "$kind: after a restart of PostgreSQL the stream comes back by itself");
	is($scene->compare('s'), '', "$kind: with nothing lost");
	$source->restart;
	$source->sql('INSERT INTO s.t VALUES (11)');
	ok($scene->catches_up('s', 60), "$kind: after a restart of the source too");
	is($scene->compare('s'), '', "$kind: with nothing lost");
	is($scene->bridge->stop, 0, "$kind: the bridge stops with status 0 on SIGTERM");
	$source->sql('INSERT INTO s.t VALUES (12)');
	$scene->bridge->start;
	ok($scene->catches_up('s', 60), "$kind: a new bridge goes on");
	is($scene->compare('s'), '', "$kind: with nothing lost");
}

sub dump
{
	my ($scene, $kind) = @_;
	my $target = $scene->target;
	my $file = DBStream::Scene::work_folder() . "/$kind.dump";

	$target->sql('CREATE DATABASE other');
	my ($status, $out, $err) = run_program([ 'pg_dump', '-Fc', '-f', $file, '-d', $target->connstr('postgres') ]);
	is($status, 0, "$kind: pg_dump works") or diag($err);
	($status, $out, $err) = run_program([ 'pg_restore', '-d', $target->connstr('other'), $file ]);
	is($status, 0, "$kind: pg_restore works") or diag($err);
	foreach my $query ('SELECT name, kind, options FROM dbstream.connection ORDER BY 1',
		'SELECT name, source, target, tables, options FROM dbstream.stream ORDER BY 1')
	{
		my ($code, $text) = run_program([ 'psql', '-XAtq', '-d', $target->connstr('other'), '-c', $query ]);
		is($text =~ s/\n\z//r, $target->sql($query), "$kind: the definitions are in the restored database");
	}
}
