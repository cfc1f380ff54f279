# Schema changes on both sides of two streams in opposite directions: each is made once on the other side, and none comes
# back. Rows go both ways all the while; both sides end equal.

use strict;
use warnings;

use DBStream::OutScene;
use DBStream::Process qw(wait_until);
use Test::More;

DBStream::OutScene::with_each_target($ENV{DBSTREAM_TARGET}, \&both_ways);
done_testing();

sub settle
{
	my ($scene, $what) = @_;

	ok($scene->catches_up('goes_out', 90), "$what: the stream out catches up");
	ok($scene->catches_up('comes_in', 90), "$what: the stream in catches up");
}

# A column's old name must be known on the other side until its last row has passed, and a table that is filled anew must
# hold nothing that has not come here: nobody writes then.
sub quiet_for
{
	my ($scene, $sql) = @_;

	return if $sql !~ /RENAME COLUMN|gen_random_uuid/;
	$scene->catches_up($_, 90) || die "$_ does not catch up\n" foreach qw(goes_out comes_in);
}

sub both_ways
{
	my ($scene, $kind) = @_;
	my ($pg, $my) = ($scene->source, $scene->target);

	$pg->sql("CREATE SCHEMA shop");
	$scene->bridge->start;
	$scene->start_stream('goes_out', 'shop.*', heartbeat => 1);
	$pg->sql("CREATE TYPE shop.mood AS ENUM ('a', 'b'); CREATE TABLE shop.item (id int PRIMARY KEY, word varchar(60), m shop.mood);"
		  . " CREATE TABLE shop.old (id int PRIMARY KEY); INSERT INTO shop.item VALUES (2, 'first', 'a'); INSERT INTO shop.old VALUES (2)");
	ok($scene->caught_up('goes_out', 60), "$kind: the stream out made the tables") or die "not caught up\n";
	$pg->sql("SELECT dbstream.create_stream('comes_in', source => 'there', target => 'local', tables => '{*.*}',"
		  . " options => '{\"start\": \"earliest\", \"heartbeat\": 1}'); SELECT dbstream.start_stream('comes_in')");
	settle($scene, "$kind: at the start");
	is($pg->sql("SELECT count(*) FROM dbstream.ddl_history h JOIN dbstream.stream s ON s.id = h.stream_id WHERE s.name = 'comes_in' AND h.outcome = 'applied' AND h.source_sql ~* 'shop'"),
		0, "$kind: what the stream out has made does not come in");
	my $begun = history($pg);

	# Changes here, each among rows.
	my @here = (
		"ALTER TABLE shop.item ADD COLUMN from_pg int DEFAULT 1",
		"CREATE INDEX item_word ON shop.item (word)",
		"ALTER TYPE shop.mood RENAME VALUE 'a' TO 'z'",
		"ALTER TABLE shop.item ADD COLUMN u uuid DEFAULT gen_random_uuid()",
		"ALTER TABLE shop.item RENAME COLUMN from_pg TO made_here",
		"CREATE TABLE shop.new_here (id int PRIMARY KEY, v text)",
		"DROP TABLE shop.old",
		"TRUNCATE shop.new_here");
	my $id = 10;
	foreach my $sql (@here)
	{
		$id += 10;
		quiet_for($scene, $sql);
		$pg->sql("BEGIN; INSERT INTO shop.item (id, word) VALUES ($id, 'pg'); $sql; INSERT INTO shop.item (id, word) VALUES ($id + 2, 'pg'); COMMIT");
		quiet_for($scene, $sql);
		$my->sql("INSERT INTO shop.item (id, word) VALUES ($id + 1, 'my')");
	}
	settle($scene, "$kind: after changes here");
	is($scene->compare('shop'), '', "$kind: both sides hold the same");
	# TRUNCATE travels as what it does to rows.
	is(history($pg), $begun =~ s/goes_out (\d+)/'goes_out ' . ($1 + @here - 1)/er, "$kind: each has gone out once, and none has come in");

	# Changes there.
	my @there = (
		"ALTER TABLE shop.item ADD COLUMN from_my int DEFAULT 7",
		"ALTER TABLE shop.item ADD INDEX my_word (made_here)",
		"CREATE TABLE shop.new_there (id int PRIMARY KEY, v varchar(20))",
		"ALTER TABLE shop.item RENAME COLUMN from_my TO made_there");
	$begun = history($pg);
	foreach my $sql (@there)
	{
		$id += 10;
		quiet_for($scene, $sql);
		$my->sql("INSERT INTO shop.item (id, word) VALUES ($id + 1, 'my'); $sql; INSERT INTO shop.item (id, word) VALUES ($id + 3, 'my')");
		quiet_for($scene, $sql);
		$pg->sql("INSERT INTO shop.item (id, word) VALUES ($id, 'pg')");
	}
	$my->sql("INSERT INTO shop.new_there VALUES (1, 'x')");
	settle($scene, "$kind: after changes there");
	is($scene->compare('shop'), '', "$kind: both sides hold the same");
	is(history($pg), $begun =~ s/comes_in (\d+)/'comes_in ' . ($1 + @there)/er, "$kind: each has come in once, and none has gone out");

	# What came in is known here: a change on top of it goes out as that change alone.
	$begun = history($pg);
	$pg->sql("ALTER TABLE shop.item DROP COLUMN made_there; ALTER TABLE shop.new_there ADD COLUMN more int; INSERT INTO shop.new_there VALUES (2, 'y', 5)");
	settle($scene, "$kind: after changes on top");
	is($scene->compare('shop'), '', "$kind: both sides hold the same");
	is(history($pg), $begun =~ s/goes_out (\d+)/'goes_out ' . ($1 + 2)/er, "$kind: each has gone out once");
	like($pg->sql("SELECT target_sql FROM dbstream.ddl_history ORDER BY id DESC LIMIT 1"), qr/^ALTER TABLE `shop`.`new_there` ADD COLUMN `more` INT NULL$/,
		"$kind: as that change alone");
	is($pg->sql("SELECT string_agg(format('%s %s', rows_updated, rows_deleted), ';') FROM dbstream.stream_status"), '0 0;0 0', "$kind: no row came back as an update or delete");
}

# How many changes each stream has applied.
sub history
{
	my ($pg) = @_;

	return $pg->sql("SELECT string_agg(format('%s %s', s.name, (SELECT count(*) FROM dbstream.ddl_history h WHERE h.stream_id = s.id AND h.outcome = 'applied')), ', ' ORDER BY s.name) FROM dbstream.stream s");
}
