# What a backfill makes of tables that are at the target already (target_tables), of other columns there, of keys with zero
# bytes, and of tables whose engine has no transactions.

use strict;
use warnings;

use DBStream::Backfill;
use DBStream::MySQL;
use DBStream::Scene;
use Test::More;

my @kinds = grep { !defined $ENV{DBSTREAM_SOURCE} || $_ eq $ENV{DBSTREAM_SOURCE} } qw(mariadb mysql);
my ($scene, $source, $target, $kind);

foreach my $name (@kinds)
{
  SKIP:
	{
		my $why = DBStream::MySQL::missing($name);
		skip "$name: $why", 1 if $why;
		$kind = $name;
		$scene = DBStream::Scene->new(kind => $name);
		($source, $target) = ($scene->source, $scene->target);
		my $good = eval { what_is_there(); 1 };
		my $error = $@;
		fail("$kind: $error") unless $good;
		diag($scene->state_text) unless $good && Test::More->builder->is_passing;
		eval { $scene->finish };
	}
}
done_testing();

# A stream of its own for each choice, into a schema of its own.
sub stream
{
	my ($name, $tables, %options) = @_;

	$scene->start_stream_on($name, $tables, start => 'backfill', schemas => { shop => $name }, %options);
}

sub done
{
	my ($name) = @_;

	return $target->wait_for("SELECT state = 'done' FROM dbstream.backfill b JOIN dbstream.stream s ON s.id = b.stream_id WHERE s.name = '$name'", 60);
}

sub stops
{
	my ($name, $pattern) = @_;

	ok($target->wait_for("SELECT count(*) > 0 FROM dbstream.errors WHERE stream = '$name'", 60), "$kind: $name: stops");
	like($target->sql("SELECT message || ' / ' || hint FROM dbstream.errors WHERE stream = '$name' LIMIT 1"), $pattern,
		"$kind: $name: and says what to do");
}

sub rows_of { return $target->sql("SELECT string_agg(concat_ws(':', id, v), ' ' ORDER BY id, v) FROM $_[0]"); }

sub what_is_there
{
	$source->sql(<<'END');
CREATE DATABASE shop;
USE shop;
CREATE TABLE t (id int PRIMARY KEY, v varchar(20));
INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, 'three');
CREATE TABLE bag (id int, v varchar(20));
INSERT INTO bag VALUES (1, 'x'), (1, 'x');
CREATE TABLE zero (k varchar(40) PRIMARY KEY, n int);
CREATE TABLE old (id int, v varchar(20)) ENGINE = MyISAM;
INSERT INTO old VALUES (1, 'x'), (2, 'y');
END
	$source->sql('INSERT INTO zero SELECT CONCAT(LPAD(i, 8, 0), CHAR(0), "x"), i FROM ' . DBStream::Backfill::numbers(21000), 'shop');
	$scene->bridge->start;
	$scene->create_connection('m_source');
	my $made = 'id int PRIMARY KEY, v varchar(20)';
	$target->sql("CREATE SCHEMA $_; CREATE TABLE $_.t ($made); INSERT INTO $_.t VALUES (2, 'here'), (9, 'here')")
	  foreach qw(by_create by_append by_truncate by_refuse);
	stream('by_create', 'shop.t');
	stream('by_append', 'shop.t', target_tables => 'append');
	stream('by_truncate', 'shop.t', target_tables => 'truncate');
	stream('by_refuse', 'shop.t', target_tables => 'refuse');
	ok(done($_), "$kind: $_ ends") foreach qw(by_create by_append by_truncate);
	is(rows_of('by_create.t'), '1:one 2:two 3:three 9:here', "$kind: create uses what is there");
	is(rows_of('by_append.t'), '1:one 2:two 3:three 9:here', "$kind: so does append");
	is(rows_of('by_truncate.t'), '1:one 2:two 3:three', "$kind: truncate empties it");
	stops('by_refuse', qr/by_refuse\.t.*not empty.*alter_stream/s);
	is(rows_of('by_refuse.t'), '2:here 9:here', "$kind: refuse changes nothing");
	$target->sql("SELECT dbstream.alter_stream('by_refuse', options => '{\"target_tables\": \"truncate\"}')");
	ok(done('by_refuse'), "$kind: and goes on after the remedy");
	is(rows_of('by_refuse.t'), '1:one 2:two 3:three', "$kind: with the source's rows");

	# PostgreSQL has no more than ten replication origins unless told otherwise.
	$scene->drop_stream($_) foreach qw(by_create by_append by_truncate by_refuse);

	# Without a key, there or here.
	$target->sql("CREATE SCHEMA $_; CREATE TABLE $_.bag (id int, v varchar(20)); INSERT INTO $_.bag VALUES (5, 'here')")
	  foreach qw(bag_create bag_append bag_truncate);
	stream('bag_create', 'shop.bag');
	stream('bag_append', 'shop.bag', target_tables => 'append');
	stream('bag_truncate', 'shop.bag', target_tables => 'truncate');
	stops('bag_create', qr/bag_create\.bag.*no key.*truncate/s);
	ok(done($_), "$kind: $_ ends") foreach qw(bag_append bag_truncate);
	is(rows_of('bag_append.bag'), '1:x 1:x 5:here', "$kind: without a key append adds");
	is(rows_of('bag_truncate.bag'), '1:x 1:x', "$kind: and truncate empties");
	$target->sql("CREATE SCHEMA no_key; CREATE TABLE no_key.t (id int NOT NULL, v varchar(20))");
	stream('no_key', 'shop.t');
	stops('no_key', qr/no primary key.*Give it/s);

	$scene->drop_stream($_) foreach qw(bag_create bag_append bag_truncate no_key);

	# Other columns: with a default, computed, NOT NULL, wider types; and the same by the log.
	$target->sql("CREATE SCHEMA wide; CREATE TABLE wide.t (mark text NOT NULL DEFAULT 'mine', v text NOT NULL, id bigint PRIMARY KEY,
		twice bigint GENERATED ALWAYS AS (id * 2) STORED, n serial)");
	stream('wide', 'shop.t');
	ok(done('wide'), "$kind: a table with other columns is filled");
	$source->sql("INSERT INTO t VALUES (4, 'four')", 'shop');
	ok($scene->caught_up('wide', 60), "$kind: and followed");
	is($target->sql("SELECT string_agg(concat_ws(':', mark, v, id, twice), ' ' ORDER BY id), count(DISTINCT n) FROM wide.t"),
		'mine:one:1:2 mine:two:2:4 mine:three:3:6 mine:four:4:8|4', "$kind: the same by both ways");
	$target->sql("CREATE SCHEMA narrow; CREATE TABLE narrow.t (id int PRIMARY KEY)");
	stream('narrow', 'shop.t');
	stops('narrow', qr/no column "v".*ADD COLUMN/s);

	stream('zeros', 'shop.zero', nul_bytes => 'strip');
	ok(done('zeros'), "$kind: keys with zero bytes are cut at no byte") or diag($target->sql('TABLE dbstream.errors'));
	is($target->sql('SELECT count(*), sum(n) FROM zeros.zero'), '21000|' . 21000 * 21001 / 2, "$kind: each row is there once");

	# A table that neither has a key nor a transaction needs a lock, for which the user has no right at first.
	stream('locked', 'shop.old');
	stops('locked', qr/shop\.old.*lock.*GRANT LOCK TABLES.*primary key/s);
	is($target->sql("SELECT count(*) FROM locked.old"), '0', "$kind: nothing of it is copied");
	$source->sql("GRANT LOCK TABLES ON shop.* TO 'reader'\@'%'");
	$target->sql("SELECT dbstream.resume_stream('locked')");
	ok(done('locked'), "$kind: with the right it is copied");
	$source->sql("INSERT INTO old VALUES (3, 'z')", 'shop');
	ok($scene->caught_up('locked', 60), "$kind: and followed");
	is(rows_of('locked.old'), '1:x 2:y 3:z', "$kind: each row once");
}
