# Many rows at once go to the target by LOAD DATA LOCAL, which makes warnings of errors.  Nothing may be left out, cut or
# changed for that: the same rows arrive, and the same rows are refused, as with statements.

use strict;
use warnings;

use DBStream::MySQL;
use DBStream::OutScene;
use DBStream::Process qw(wait_until);
use IO::Handle;
use Test::More;

foreach my $kind (grep { !defined $ENV{DBSTREAM_SOURCE} || $_ eq $ENV{DBSTREAM_SOURCE} } qw(mariadb mysql))
{
  SKIP:
	{
		my $why = DBStream::MySQL::missing($kind);
		skip "$kind: $why", 1 if $why;
		my $scene = DBStream::OutScene->new(kind => $kind, target_options => ['--local-infile=1']);
		my $good = eval { loading($scene, $kind); 1; };
		fail("$kind: $@") unless $good;
		diag($scene->state_text) unless $good && Test::More->builder->is_passing;
		eval { $scene->finish };
	}
}
done_testing();

sub loads
{
	my ($scene) = @_;

	return (split /\t/, $scene->target->sql("SHOW GLOBAL STATUS LIKE 'Com_load'"))[1];
}

# What the stream says when it has stopped.
sub stopped
{
	my ($scene) = @_;

	$scene->source->wait_for("SELECT state = 'error' FROM dbstream.stream_status", 60)
	  or die "the stream did not stop\n";
	return $scene->source->sql('SELECT last_error FROM dbstream.stream_status');
}

sub loading
{
	my ($scene, $kind) = @_;
	my ($pg, $my) = ($scene->source, $scene->target);

	$pg->sql(<<'END');
CREATE SCHEMA shop;
CREATE TABLE shop.every (id int PRIMARY KEY, t text, v varchar(80), c char(5), n numeric(20,6), free numeric, r real, d float8, b boolean, at timestamptz,
	ts timestamp(3), day date, clock time, u uuid, j jsonb, a int[], i2 smallint, i8 bigint);
CREATE TABLE shop.bytes (id int PRIMARY KEY, b bytea);
CREATE TABLE shop.small (id int PRIMARY KEY, v text NOT NULL);
END
	$scene->bridge->start;
	$scene->start_stream('out', 'shop.*');
	my $before = loads($scene);
	# Texts with everything that a line's syntax uses.
	$pg->sql(<<'END');
INSERT INTO shop.every SELECT i, t || i, left(t, 40), 'x''', i / 7.0, i * 1e30 + 0.5, i / 3.0::real, i / 3.0::float8, i % 2 = 0,
	timestamptz '2024-02-29 23:59:59.123456+00' + i * interval '1 day', '1999-12-31 23:59:59.999', date '2000-01-01' - i, '12:34:56.789',
	'00112233-4455-6677-8899-aabbccddeeff', jsonb_build_object('t', t, 'i', i), ARRAY[i, NULL], -i, -9223372036854775807 + i
	FROM generate_series(1, 400) i, LATERAL (SELECT (ARRAY['NULL', '\N', '', ' ', 'it''s', '''', '''''', 'a,b', ''',''', E'a\nb', E'\n', E'\t', E'\\', E'\\''', E'a\\\nb', '"', 'ü€😀',
		'\0', 'a\', E'x\'\\,\'y', E'\r\n', 'NULL,'])[i % 22 + 1] AS t) s;
INSERT INTO shop.every (id) SELECT i FROM generate_series(1001, 1200) i;
INSERT INTO shop.small VALUES (0, 'one');
INSERT INTO shop.bytes SELECT i, decode(lpad(to_hex(i), 6, '0'), 'hex') || '\x00275c0a2c' FROM generate_series(1, 300) i;
END
	ok($scene->caught_up('out', 60), "$kind: many rows arrive");
	is($scene->compare('shop'), '', "$kind: every value of every row is the same");
	cmp_ok(loads($scene), '>', $before, "$kind: LOAD DATA was used");

	# A row that is there already: LOAD DATA would leave ours out.
	$my->sql("INSERT INTO shop.small VALUES (250, 'theirs')");
	$pg->sql("INSERT INTO shop.small SELECT i, 'ours' FROM generate_series(1, 300) i");
	like(stopped($scene), qr/shop.*small/, "$kind: a row that is there already stops the stream, which names the table");
	is($my->sql('SELECT COUNT(*) FROM shop.small'), 2, "$kind: and nothing of the transaction is there");
	$my->sql('DELETE FROM shop.small WHERE id > 0');
	$pg->sql("SELECT dbstream.resume_stream('out')");
	ok($scene->catches_up('out', 60), "$kind: it goes on once that is mended");
	is($my->sql("SELECT CONCAT(COUNT(*), MIN(v), MAX(v)) FROM shop.small"), '301oneours', "$kind: with all rows");

	# A value that is too long: LOAD DATA would cut it.
	$my->sql('ALTER TABLE shop.small MODIFY v varchar(4) NOT NULL');
	$pg->sql("INSERT INTO shop.small SELECT i, CASE i WHEN 500 THEN 'too long' ELSE 'ours' END FROM generate_series(401, 700) i");
	like(stopped($scene), qr/too long/i, "$kind: a value that is too long stops the stream");
	is($my->sql('SELECT COUNT(*) FROM shop.small'), 301, "$kind: and nothing of the transaction is there");
	$my->sql('ALTER TABLE shop.small MODIFY v varchar(40) NOT NULL');
	$pg->sql("SELECT dbstream.resume_stream('out')");
	ok($scene->catches_up('out', 60), "$kind: it goes on with a longer column");

	held_up($scene, $kind);

	# Switched off under way.
	$before = loads($scene);
	$my->sql('SET GLOBAL local_infile = 0');
	$pg->sql("INSERT INTO shop.small SELECT i, 'late' FROM generate_series(801, 1100) i");
	ok($scene->catches_up('out', 60), "$kind: rows arrive when the server takes no LOAD DATA any more");
	is($scene->compare('shop'), '', "$kind: every value of every row is the same at the end");
	is($pg->sql('SELECT rows_inserted FROM dbstream.stream_status'), $pg->sql('SELECT (SELECT count(*) FROM shop.every) + (SELECT count(*) FROM shop.bytes)'
			. ' + (SELECT count(*) FROM shop.small)'), "$kind: the counts are exact");
}

# A session of somebody else at the target, which stands still between two statements.
sub other_session
{
	my ($my) = @_;

	open(my $other, '|-', $my->client_command('--unbuffered', '--force', '--silent')) or die "client: $!\n";
	$other->autoflush(1);
	return $other;
}

# The number of the stream's session that waits in LOAD DATA.
sub waiting_load
{
	my ($my) = @_;

	return wait_until(60, sub { $my->sql("SELECT COALESCE(MAX(id), 0) FROM information_schema.processlist WHERE info LIKE 'LOAD DATA%small%'") })
	  // die "no LOAD DATA waits\n";
}

# Somebody else holds a row that LOAD DATA needs: its session is killed while it waits, then it is chosen to end a deadlock.
sub held_up
{
	my ($scene, $kind) = @_;
	my ($pg, $my) = ($scene->source, $scene->target);
	my $other = other_session($my);
	print $other "SET autocommit = 0; INSERT INTO shop.small VALUES (1250, 'theirs');\n";
	wait_until(30, sub { $my->sql("SELECT COUNT(*) FROM information_schema.innodb_trx") > 0 }) // die "the other session does not begin\n";
	$pg->sql("INSERT INTO shop.small SELECT i, 'held' FROM generate_series(1201, 1400) i");
	my $first = waiting_load($my);
	$my->sql("KILL $first");
	ok(wait_until(60, sub { $my->sql("SELECT COUNT(*) FROM information_schema.processlist WHERE id = $first") == 0 }),
		"$kind: a session is killed in LOAD DATA");
	isnt(waiting_load($my), $first, "$kind: the next one does it again");
	print $other "ROLLBACK;\n";
	ok($scene->catches_up('out', 120), "$kind: and ends it");
	is($my->sql("SELECT COUNT(*) FROM shop.small WHERE v = 'held'"), 200, "$kind: once");

	# The one that has changed less has to go: let that be the stream's.
	$my->sql('CREATE TABLE shop.weight (id int AUTO_INCREMENT PRIMARY KEY, v int); INSERT INTO shop.weight (v) VALUES (1), (2), (3), (4), (5), (6), (7), (8)');
	$my->sql('INSERT INTO shop.weight (v) SELECT a.v FROM shop.weight a, shop.weight b, shop.weight c, shop.weight d');
	print $other "UPDATE shop.weight SET v = v + 1; INSERT INTO shop.small VALUES (1550, 'theirs');\n";
	wait_until(30, sub { $my->sql("SELECT COALESCE(MAX(trx_rows_modified), 0) FROM information_schema.innodb_trx") > 4000 }) // die "the other session changes nothing\n";
	$pg->sql("INSERT INTO shop.small SELECT i, 'dead' FROM generate_series(1501, 1700) i");
	waiting_load($my);
	print $other "DELETE FROM shop.small WHERE id = 1510;\nROLLBACK;\n";
	ok($scene->catches_up('out', 120), "$kind: what a deadlock has ended is done again");
	is($my->sql("SELECT COUNT(*) FROM shop.small WHERE v = 'dead'"), 200, "$kind: once too");
	cmp_ok($pg->sql("SELECT coalesce(sum(times), 0) FROM dbstream.errors WHERE message ~ 'Deadlock'"), '>', 0, "$kind: there was a deadlock");
	close($other);
	$my->sql('DROP TABLE shop.weight');
}
