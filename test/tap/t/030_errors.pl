# What goes wrong stops the stream with an error that names the thing and the remedy; after the remedy it goes on,
# and nothing is lost.

use strict;
use warnings;

use DBStream::LogProxy;
use DBStream::MySQL;
use DBStream::Process qw(in_child stop_program);
use DBStream::Scene;
use Test::More;

my @kinds = grep { !defined $ENV{DBSTREAM_SOURCE} || $_ eq $ENV{DBSTREAM_SOURCE} } qw(mariadb mysql);
my @cases = qw(wrong_password missing_privilege statement_format table_in_the_way value_too_large value_would_change no_right_to_write
  unknown_event purged_log);

foreach my $kind (@kinds)
{
  SKIP:
	{
		my $why = DBStream::MySQL::missing($kind);
		skip "$kind: $why", 1 if $why;
		my $scene = DBStream::Scene->new(kind => $kind);
		$scene->bridge->start;
		$scene->create_connection('m_source');
		foreach my $case (@cases)
		{
			my $good = eval { main->can($case)->($scene, $kind); 1; };
			next if $good;
			fail("$kind: $case: $@");
			diag($scene->state_text);
		}
		eval { $scene->finish };
	}
}
done_testing();

# Wait for an error of the stream that matches; returns the newest error's whole text.
sub error_like
{
	my ($scene, $stream, $pattern, $name) = @_;
	my $text = '';

	DBStream::Process::wait_until(60,
		sub {
			my ($status, $out) = $scene->target->run_psql(
				"SELECT concat_ws(' / ', message, detail, hint, context, position) FROM dbstream.errors"
				  . " WHERE stream = '$stream' ORDER BY last_at DESC LIMIT 1");
			$text = $out;
			return $out =~ $pattern;
		});
	like($text, $pattern, $name);
	my $hint = $scene->target->sql("SELECT coalesce(hint, '') FROM dbstream.errors WHERE stream = '$stream'"
		  . ' ORDER BY last_at DESC LIMIT 1');
	isnt($hint, '', "$name: with a remedy");
	return $text;
}

sub goes_on
{
	my ($scene, $kind, $stream, $schema, $name) = @_;

	# It goes on by itself, after a wait that grows with the tries; the hint says how not to wait.
	$scene->target->run_psql("SELECT dbstream.resume_stream('$stream')");
	ok($scene->catches_up($stream, 60), "$kind: $name: goes on after the remedy");
	is($scene->compare($schema), '', "$kind: $name: nothing is lost");
	$scene->drop_stream("$stream");
}

sub wrong_password
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	$scene->create_connection('wrong_source', password => 'not the password');
	$source->sql('CREATE DATABASE pw; CREATE TABLE pw.t (id int PRIMARY KEY); INSERT INTO pw.t VALUES (1)');
	$scene->create_stream('wrong', 'pw.*');
	my $answer = $target->sql("SELECT string_agg(concat_ws(' / ', check_name, object, status, detail, remedy), '; ')"
		  . " FROM dbstream.validate_stream('wrong') WHERE status = 'failed'");
	like($answer, qr/wrong_source|reader/, "$kind: validate_stream names the account or connection that cannot log in");
	$target->sql("SELECT dbstream.start_stream('wrong')");
	my $text = error_like($scene, 'wrong', qr/reader|wrong_source/, "$kind: a wrong password is an error");
	unlike($text, qr/not the password/, "$kind: which does not tell the password");
	$target->sql("SELECT dbstream.alter_connection('wrong_source', '{\"password\": \"$DBStream::Scene::password\"}')");
	goes_on($scene, $kind, 'wrong', 'pw', 'wrong password');
}

sub missing_privilege
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	$source->sql("CREATE USER 'poor'\@'%' IDENTIFIED BY 'poor-1'; GRANT SELECT ON *.* TO 'poor'\@'%'");
	$scene->create_connection('poor_source', user => 'poor', password => 'poor-1');
	$source->sql('CREATE DATABASE priv; CREATE TABLE priv.t (id int PRIMARY KEY); INSERT INTO priv.t VALUES (1)');
	$scene->create_stream('poor', 'priv.*');
	$target->sql("SELECT dbstream.start_stream('poor')");
	error_like($scene, 'poor', qr/REPLICATION (?:SLAVE|CLIENT)|BINLOG MONITOR/i, "$kind: a missing privilege is an error");
	$source->sql("GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO 'poor'\@'%'");
	goes_on($scene, $kind, 'poor', 'priv', 'missing privilege');
}

# Statements in statement format stop the stream, those of another database too unless the option says that no trigger
# there changes a table of ours. What such a statement did must be done at the target by hand; then the user says that it goes on behind.
sub statement_format
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	$source->sql('CREATE DATABASE stmt; CREATE DATABASE elsewhere; CREATE TABLE elsewhere.t (id int PRIMARY KEY, v int)');
	$scene->create_stream_from('stmt', 'stmt', 'stmt.*');
	$source->sql('CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 1)', 'stmt');
	$scene->caught_up('stmt', 30) or die "not caught up\n";

	my $old = "SET SESSION binlog_format = 'STATEMENT';";
	$source->sql("$old INSERT INTO t VALUES (1, 1); UPDATE `t` SET v = 2; UPDATE elsewhere . t SET v = 3 WHERE 'stmt.t' <> 'a';"
		  . "DELETE FROM t; SET SESSION binlog_format = 'ROW'; INSERT INTO stmt.t VALUES (3, 3)", 'elsewhere');
	error_like($scene, 'stmt', qr/statement/i, "$kind: a statement of another database stops the stream, for its triggers");
	$target->sql(q{SELECT dbstream.alter_stream('stmt', options => '{"other_statements": "ignore"}')});
	ok($scene->catches_up('stmt', 30), "$kind: and does not with other_statements = ignore")
	  or die "not caught up: $scene->{last_wait}\n";
	is($scene->compare('stmt'), '', "$kind: and what follows them is applied");

	$source->sql("$old UPDATE t SET v = v + 1; SET SESSION binlog_format = 'ROW'; INSERT INTO t VALUES (2, 2)", 'stmt');
	my $text = error_like($scene, 'stmt', qr/statement/i, "$kind: DML in statement format is an error");
	like($text, qr/\S+\.\d{6}:\d+/, "$kind: that tells the position in the log");
	like($text, qr/binlog_format/, "$kind: and names the setting");
	is($target->sql('SELECT count(*) FROM stmt.t'), '2', "$kind: nothing later is applied");
	$target->sql(q{UPDATE stmt.t SET v = v + 1; SELECT dbstream.skip_ddl('stmt')});
	ok($scene->catches_up('stmt', 30), "$kind: it goes on behind the statement after skip_ddl");
	is($scene->compare('stmt'), '', "$kind: statement format: nothing is lost");

	# From another database, but by the name of ours.
	$source->sql("$old UPDATE `stmt`.t SET v = v + 1; SET SESSION binlog_format = 'ROW'", 'elsewhere');
	ok($target->wait_for("SELECT count(*) = 3 FROM dbstream.errors WHERE stream = 'stmt'", 30),
		"$kind: a statement from another database that names a table of ours is an error");
	$target->sql(q{UPDATE stmt.t SET v = v + 1; SELECT dbstream.skip_ddl('stmt')});
	goes_on($scene, $kind, 'stmt', 'stmt', 'statement from another database');
}

sub table_in_the_way
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	$source->sql('CREATE DATABASE way');
	$scene->create_stream_from('way', 'way', 'way.*');
	$target->sql('CREATE SCHEMA IF NOT EXISTS way; CREATE VIEW way.blocked AS SELECT 1 AS one');
	$source->sql('CREATE TABLE blocked (id int PRIMARY KEY); INSERT INTO blocked VALUES (1), (2)', 'way');
	error_like($scene, 'way', qr/blocked/, "$kind: a table that cannot be created is an error");
	$target->sql('DROP VIEW way.blocked');
	goes_on($scene, $kind, 'way', 'way', 'table in the way');
}

sub value_too_large
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	$source->sql('CREATE DATABASE big');
	$scene->create_stream_from('big', 'big', 'big.*');
	$source->sql('CREATE TABLE t (id int PRIMARY KEY, v int)', 'big');
	$scene->caught_up('big', 30) or die "not caught up\n";
	$target->sql('ALTER TABLE big.t ALTER COLUMN v TYPE smallint');
	$source->sql('INSERT INTO t VALUES (1, 7), (2, 70000), (3, 8)', 'big');
	error_like($scene, 'big', qr/(?=.*\bv\b)(?=.*big.*t)/s, "$kind: a value that does not fit is an error naming table and column");
	$target->sql('ALTER TABLE big.t ALTER COLUMN v TYPE integer');
	goes_on($scene, $kind, 'big', 'big', 'value too large');
}

# Columns made by hand, whose types would round a value or leave a part of it out: PostgreSQL itself would say nothing.
sub value_would_change
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);
	my @cases = (
		[ 'bigint', 'real', 16777216, 16777217, 'numeric' ],
		[ 'double', 'real', 0.5, '0.1234567890123', 'double precision' ],
		[ 'double', 'numeric(10,2)', 19.99, '0.333', 'double precision' ],
		[ 'decimal(30,20)', 'double precision', '0.1', '0.12345678901234567890', 'numeric' ],
		[ 'datetime', 'date', "'2024-02-29 00:00:00'", "'2024-02-29 12:00:00'", 'timestamp' ],
		[ 'datetime(6)', 'timestamptz(0)', "'2024-02-29 12:00:00'", "'2024-02-29 12:00:00.5'", 'timestamptz' ],
		[ 'varchar(20)', 'numeric(10,2)', "'1.50'", "'1.555'", 'text' ]);

	$source->sql('CREATE DATABASE narrow; CREATE TABLE narrow.t (id int PRIMARY KEY, '
		  . join(', ', map { "c$_ $cases[$_][0]" } 0 .. $#cases) . ')');
	$target->sql('CREATE SCHEMA narrow; CREATE TABLE narrow.t (id int PRIMARY KEY, '
		  . join(', ', map { "c$_ $cases[$_][1]" } 0 .. $#cases) . ')');
	$scene->create_stream_from('narrow', 'narrow', 'narrow.*');
	$source->sql('INSERT INTO t VALUES (1, ' . join(', ', map { $_->[2] } @cases) . ')', 'narrow');
	$scene->caught_up('narrow', 60) or die "not caught up\n";
	foreach my $n (0 .. $#cases)
	{
		my ($from, $to, undef, $value, $wide) = @{ $cases[$n] };
		$source->sql("UPDATE t SET c$n = $value WHERE id = 1", 'narrow');
		error_like($scene, 'narrow', qr/does not fit column "c$n"/, "$kind: $value does not become $to");
		$target->sql("ALTER TABLE narrow.t ALTER COLUMN c$n TYPE $wide");
		$target->sql("SELECT dbstream.resume_stream('narrow')");
		ok($scene->catches_up('narrow', 60), "$kind: $from in $to: goes on after the remedy");
	}
	$scene->drop_stream('narrow');
}

sub no_right_to_write
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	$source->sql('CREATE DATABASE prot');
	$target->sql('CREATE ROLE joe LOGIN; GRANT dbstream_admin TO joe; CREATE SCHEMA prot; GRANT USAGE ON SCHEMA prot TO joe;'
		  . ' CREATE TABLE prot.t (id int PRIMARY KEY)');
	$target->sql("SET ROLE joe; SELECT dbstream.create_stream('joe', source => 'm_source', target => 'local',"
		  . " tables => '{prot.*}', options => '{\"start\": \"now\"}'); SELECT dbstream.start_stream('joe')");
	$scene->caught_up('joe', 30) or die "not caught up: $scene->{last_wait}\n";
	# The table is there on both sides before: only the row is to be written.
	$source->sql('SET sql_log_bin = 0; CREATE TABLE t (id int PRIMARY KEY); SET sql_log_bin = 1; INSERT INTO t VALUES (1)', 'prot');
	error_like($scene, 'joe', qr/prot.*t|permission/s, "$kind: a table that the stream's owner may not write is an error");
	is($target->sql('SELECT count(*) FROM prot.t'), '0', "$kind: and it is not written");
	$target->sql('GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON prot.t TO joe');
	goes_on($scene, $kind, 'joe', 'prot', 'no right to write');
}

# A proxy between bridge and source changes one event's type to one that nobody knows.
sub unknown_event
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	# MySQL takes a password over a plain connection only from an account that has been seen over TLS before.
	$scene->create_stream_from('before', 'x', 'x.*');
	$scene->drop_stream('before');
	my $proxy = DBStream::LogProxy->new($source->port, 'unknown_event_marker');
	$source->sql('CREATE DATABASE unk; CREATE TABLE unk.t (id int PRIMARY KEY)');
	$scene->create_connection('proxy_source', port => $proxy->port + 0, ssl_mode => 'DISABLED');
	$target->sql("SELECT dbstream.create_stream('unk', source => 'proxy_source', target => 'local', tables => '{unk.*}',"
		  . " options => '{\"start\": \"now\"}'); SELECT dbstream.start_stream('unk')");
	$scene->caught_up('unk', 30) or die "not caught up: $scene->{last_wait}\n";
	$source->sql('INSERT INTO t VALUES (1); CREATE TABLE unknown_event_marker (id int PRIMARY KEY); INSERT INTO t VALUES (2)', 'unk');
	my $text = error_like($scene, 'unk', qr/99/, "$kind: an unknown event type is an error that tells the type");
	like($text, qr/\S+\.\d{6}:\d+/, "$kind: and the position");
	is($target->sql('SELECT count(*) FROM unk.t'), '1', "$kind: nothing later is applied");
	$target->sql("SELECT dbstream.alter_connection('proxy_source', '{\"port\": " . $source->port . "}')");
	goes_on($scene, $kind, 'unk', 'unk', 'unknown event');
	$proxy->stop;
}

sub purged_log
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	$source->sql('CREATE DATABASE gone');
	$target->sql("SELECT dbstream.create_stream('gone', source => 'm_source', target => 'local', tables => '{gone.*}',"
		  . " options => '{\"start\": \"now\"}'); SELECT dbstream.start_stream('gone')");
	$scene->catches_up('gone', 60) or die "not caught up\n";
	$source->sql('CREATE TABLE t (id int PRIMARY KEY)', 'gone');
	ok($scene->catches_up('gone', 60), "$kind: the stream runs before the purge") or die "not caught up\n";
	$scene->bridge->stop;
	$source->sql('INSERT INTO t VALUES (1); FLUSH BINARY LOGS; INSERT INTO t VALUES (2); FLUSH BINARY LOGS', 'gone');
	my ($last) = (map { $_->[0] } $source->rows('SHOW BINARY LOGS'))[-1];
	# A server keeps what a reader still holds: it has seen the bridge go when the file is gone.
	DBStream::Process::wait_until(30,
		sub {
			$source->sql("PURGE BINARY LOGS TO '$last'");
			return ($source->rows('SHOW BINARY LOGS')) == 1;
		}) // die "the log cannot be purged\n";
	$scene->bridge->start;
	error_like($scene, 'gone', qr/purged|no longer/i, "$kind: a purged log is an error of its own");
	is($target->sql("SELECT count(*) FROM gone.t"), '0', "$kind: and never a silent restart from now");

	# What the log no longer has is carried over by hand, as of a place that the log still has.
	$target->sql("SELECT dbstream.pause_stream('gone'); INSERT INTO gone.t VALUES (1), (2);"
		  . " SELECT dbstream.set_position('gone', '$last:4'); SELECT dbstream.resume_stream('gone')");
	$source->sql('INSERT INTO t VALUES (3)', 'gone');
	goes_on($scene, $kind, 'gone', 'gone', 'purged log');
}
