# Out of PostgreSQL: rows written there are in MySQL and MariaDB, in tables made for them, with every kind of change.

use strict;
use warnings;

use DBStream::MySQL;
use DBStream::OutScene;
use DBStream::Process qw(wait_until);
use Test::More;

foreach my $kind (qw(mariadb mysql))
{
  SKIP:
	{
		my $why = DBStream::MySQL::missing($kind);
		skip "$kind: $why", 1 if $why;
		my $scene = DBStream::OutScene->new(kind => $kind);
		my $good = eval { changes($scene, $kind); status($scene, $kind); engine($scene, $kind); definitions($scene, $kind); 1; };
		fail("$kind: $@") unless $good;
		diag($scene->state_text) unless $good && Test::More->builder->is_passing;
		eval { $scene->finish };
	}
}
done_testing();

sub changes
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	$source->sql(<<'END');
CREATE SCHEMA shop;
CREATE TABLE shop.customer (id int PRIMARY KEY, name varchar(80) NOT NULL, born date, note text);
CREATE TABLE shop.line (a int, b text, what text, amount numeric(10,2), PRIMARY KEY (a, b));
CREATE TABLE shop.visit (at timestamptz, page text, n int);
ALTER TABLE shop.visit REPLICA IDENTITY FULL;
CREATE TABLE shop.part (id int PRIMARY KEY, word text) PARTITION BY RANGE (id);
CREATE TABLE shop.part_1 PARTITION OF shop.part FOR VALUES FROM (0) TO (100);
CREATE TABLE shop.part_2 PARTITION OF shop.part FOR VALUES FROM (100) TO (200);
END
	$scene->bridge->start;
	$scene->start_stream('out', 'shop.*');
	$source->sql(<<'END');
INSERT INTO shop.customer VALUES (1, 'Ada', '1815-12-10', NULL), (2, 'Grace', '1906-12-09', 'it''s \ COBOL');
INSERT INTO shop.line SELECT n, 'k' || n % 3, repeat('ä', n), n / 7.0 FROM generate_series(1, 500) n;
INSERT INTO shop.visit VALUES ('2024-02-29 23:59:59.999999+02', '/', 1), ('2024-02-29 23:59:59.999999+02', '/', 1), (NULL, NULL, NULL);
INSERT INTO shop.part SELECT n, 'p' || n FROM generate_series(50, 150) n;
END
	ok($scene->caught_up('out', 60), "$kind: the first rows arrive") or die "not caught up\n";
	is($scene->compare('shop', qw(customer line visit part)), '', "$kind: both sides hold the same after inserts");

	$source->sql(<<'END');
UPDATE shop.customer SET note = 'Bernoulli' WHERE id = 1;
UPDATE shop.customer SET id = 3 WHERE id = 2;
UPDATE shop.line SET amount = -amount, b = b || 'x' WHERE a % 5 = 0;
DELETE FROM shop.line WHERE a % 7 = 0;
DELETE FROM shop.visit WHERE ctid = (SELECT min(ctid) FROM shop.visit);
UPDATE shop.visit SET n = 2 WHERE n IS NULL;
UPDATE shop.part SET id = id + 130 WHERE id < 60;
BEGIN; INSERT INTO shop.customer VALUES (9, 'nobody', NULL, NULL); SAVEPOINT s; INSERT INTO shop.customer VALUES (10, 'lost'); ROLLBACK TO s;
INSERT INTO shop.customer VALUES (11, 'kept'); COMMIT;
BEGIN; INSERT INTO shop.customer VALUES (12, 'rolled back'); ROLLBACK;
BEGIN; INSERT INTO shop.customer VALUES (13, 'prepared'); PREPARE TRANSACTION 'p1'; COMMIT PREPARED 'p1';
END
	ok($scene->caught_up('out', 60), "$kind: changes arrive") or die "not caught up\n";
	is($scene->compare('shop', qw(customer line visit part)), '', "$kind: both sides hold the same after changes");

	$source->sql(<<'END');
CREATE TABLE shop.big (id int PRIMARY KEY, body text, small int);
INSERT INTO shop.big SELECT n, (SELECT string_agg(md5(n::text || m), '') FROM generate_series(1, 1000) m), 0 FROM generate_series(1, 5) n;
UPDATE shop.big SET small = id WHERE id > 2;
UPDATE shop.big SET body = 'short' WHERE id = 5;
TRUNCATE shop.visit;
TRUNCATE shop.part_1;
INSERT INTO shop.part VALUES (1, 'after');
INSERT INTO shop.visit VALUES ('2000-01-01 00:00:00+00', 'after', 0);
END
	ok($scene->caught_up('out', 60), "$kind: a new table, values out of line and TRUNCATE arrive") or die "not caught up\n";
	is($scene->compare('shop', qw(customer line visit part big)), '', "$kind: both sides hold the same after that");
	is($target->sql('SELECT SUM(LENGTH(body)) FROM shop.big'), 32000 * 4 + 5, "$kind: values out of line were left as they were");
}

sub status
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);
	my ($row) = $source->rows("SELECT state, transactions > 5, rows_inserted > 600, rows_updated > 100, rows_deleted > 60,"
		  . " applied_position = (SELECT position FROM dbstream.progress), confirmed_position::pg_lsn <= applied_position::pg_lsn,"
		  . " retained_bytes >= 0, receiver_pid IS NOT NULL, bridge IS NOT NULL FROM dbstream.stream_status");

	is("@$row[1..9]", 't t t t t t t t t', "$kind: the status counts what was applied");
	ok(wait_until(20, sub { $source->sql('SELECT state FROM dbstream.stream_status') eq 'running' }), "$kind: the stream says that it runs");
	# An idle stream's position moves on with every checkpoint's record: both sides are read until they agree.
	ok( wait_until(20, sub {
			$target->sql('SELECT position FROM dbstream.dbstream_progress') eq
			  $source->sql('SELECT applied_position FROM dbstream.stream_status')
		}),
		"$kind: the target holds the same position");
	is($scene->bridge->stop, 0, "$kind: the bridge stops in order on SIGTERM");
	isnt($source->sql('SELECT state FROM dbstream.stream_status'), 'running', "$kind: without a bridge the stream does not say that it runs");

	# What happens while there is no bridge is kept.
	$source->sql("INSERT INTO shop.customer VALUES (20, 'meanwhile')");
	$scene->bridge->start;
	ok($scene->catches_up('out', 60), "$kind: it goes on where it was");
	is($scene->compare('shop', qw(customer line visit part big)), '', "$kind: both sides hold the same");

	# A row that is missing at the target is a conflict, which stops the stream with words that help.
	$target->sql('DELETE FROM shop.customer WHERE id = 1');
	$source->sql("UPDATE shop.customer SET note = 'x' WHERE id = 1");
	ok(wait_until(30, sub { $source->sql('SELECT state FROM dbstream.stream_status') eq 'error' }), "$kind: a missing row stops the stream");
	like($source->sql('SELECT last_error FROM dbstream.stream_status'), qr/`shop`\.`customer`.*`id`=1/, "$kind: the error names table and row");
	$target->sql("INSERT INTO shop.customer VALUES (1, 'Ada', '1815-12-10', 'Bernoulli')");
	$source->sql("SELECT dbstream.resume_stream('out')");
	ok($scene->catches_up('out', 60), "$kind: once mended, it goes on");
	is($scene->compare('shop', 'customer'), '', "$kind: both sides hold the same again");

	# A stream that is dropped takes its slot along.
	$source->sql("SELECT dbstream.pause_stream('out')");
	$source->sql("SELECT dbstream.drop_stream('out')");
	is($source->sql('SELECT count(*) FROM pg_replication_slots'), 0, "$kind: dropping the stream drops its slot");
}

# A table that a crash would leave half written is refused.
sub engine
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	$target->sql('CREATE DATABASE old; CREATE TABLE old.t (id int PRIMARY KEY) ENGINE = MyISAM');
	$source->sql('CREATE SCHEMA old; CREATE TABLE old.t (id int PRIMARY KEY)');
	$scene->start_stream('old', 'old.*', start => 'now');
	$source->sql('INSERT INTO old.t VALUES (1)');
	ok(wait_until(60, sub { $source->sql("SELECT count(*) FROM dbstream.stream_status WHERE name = 'old' AND last_error ~ 'engine MyISAM'") + 0 }),
		"$kind: a table without transactions stops the stream");
	is($target->sql('SELECT COUNT(*) FROM old.t'), 0, "$kind: before it has a row");
	$target->sql('ALTER TABLE old.t ENGINE = InnoDB');
	$source->sql("SELECT dbstream.resume_stream('old')");
	ok($scene->caught_up('old', 60), "$kind: once it has them, the stream goes on");
	is($target->sql('SELECT COUNT(*) FROM old.t'), 1, "$kind: with the row");
}

# A definition holds for all that is committed after it was changed, however fast that follows.
sub definitions
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	$source->sql(join(';', 'CREATE SCHEMA soon', map { "CREATE TABLE soon.t$_ (id int PRIMARY KEY)" } 0 .. 20));
	$scene->start_stream('soon', 'soon.t0', start => 'now');
	foreach my $round (1 .. 20)
	{
		my $tables = '{' . join(',', map { "soon.t$_" } 0 .. $round) . '}';
		$source->sql("SELECT dbstream.alter_stream('soon', tables => '$tables')");
		$source->sql("INSERT INTO soon.t$round VALUES ($round)");
	}
	# Anybody may write such a message: it must not stop the stream.
	$source->sql("SELECT pg_logical_emit_message(true, 'dbstream.definition', (SELECT id FROM dbstream.stream WHERE name = 'soon') || ' 999999')");
	$source->sql('INSERT INTO soon.t0 VALUES (1)');
	ok($scene->caught_up('soon', 60), "$kind: the stream goes on with each definition") or die "not caught up\n";
	is($target->sql('SELECT ' . join(', ', map { "(SELECT GROUP_CONCAT(id) FROM soon.t$_)" } 0 .. 20)), join("\t", 1, 1 .. 20),
		"$kind: a table that is added brings all that is committed after the call");
	is($source->sql("SELECT count(*) FROM dbstream.errors WHERE stream = 'soon'"), 0, "$kind: and that is no error");
}
