# What a copy out of PostgreSQL does with tables that are at the target already, by the option target_tables; and a schema that is
# dropped.

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
		my $good = eval { prepare($scene); filled($scene, $kind, $_) foreach qw(create append truncate); refused($scene, $kind); dropped($scene, $kind); 1; };
		fail("$kind: $@") unless $good;
		diag($scene->state_text) unless $good && Test::More->builder->is_passing;
		eval { $scene->finish };
	}
}
done_testing();

# In each schema a table that is there with rows, one that is there without, and one that is not there.
sub prepare
{
	my ($scene) = @_;
	my ($pg, $my) = ($scene->source, $scene->target);

	foreach my $schema (qw(create_s append_s truncate_s refuse_s))
	{
		$pg->sql("CREATE SCHEMA $schema; CREATE TABLE $schema.full (id int PRIMARY KEY, v text); INSERT INTO $schema.full SELECT n, 'here ' || n FROM generate_series(1, 100) n;"
			  . " CREATE TABLE $schema.bare (id int PRIMARY KEY, v text); INSERT INTO $schema.bare VALUES (1, 'x');"
			  . " CREATE TABLE $schema.new (id int PRIMARY KEY, v text); INSERT INTO $schema.new VALUES (1, 'y')");
		$my->sql("CREATE DATABASE $schema; CREATE TABLE $schema.`full` (id int PRIMARY KEY, v longtext, own int DEFAULT 7);"
			  . " INSERT INTO $schema.`full` (id, v) VALUES (50, 'there 50'), (1000, 'there 1000'); CREATE TABLE $schema.bare (id int PRIMARY KEY, v longtext)");
	}
	$scene->bridge->start;
}

sub there { return $_[0]->target->sql("SELECT CONCAT(COUNT(*), ' ', SUM(v LIKE 'there%'), ' ', SUM(own)) FROM $_[1].`full`"); }

sub filled
{
	my ($scene, $kind, $mode) = @_;
	my ($pg, $my) = ($scene->source, $scene->target);
	my $schema = "${mode}_s";
	my $empties = $mode eq 'truncate';

	$scene->start_stream($mode, "$schema.*", target_tables => $mode);
	$pg->sql("INSERT INTO $schema.full VALUES (101, 'later'); UPDATE $schema.full SET v = 'changed' WHERE id = 50");
	ok($scene->catches_up($mode, 60), "$kind: with target_tables $mode the tables are copied");
	is(there($scene, $schema), $empties ? '101 0 707' : '102 1 714', "$kind: rows that were there " . ($empties ? 'are gone' : 'stay, but for those with a key of here'));
	is($my->sql("SELECT v FROM $schema.`full` WHERE id = 50"), 'changed', "$kind: and changes go on");
	is($my->sql("SELECT COUNT(*) FROM $schema.`full` f WHERE v LIKE 'here%'"), 99, "$kind: all rows of here came");
	is($scene->compare($schema, qw(bare new)), '', "$kind: the other tables are the same");
	is($scene->miscounted($mode, $schema, qw(full bare new)), '', "$kind: and counted");
}

sub refused
{
	my ($scene, $kind) = @_;
	my ($pg, $my) = ($scene->source, $scene->target);

	$pg->sql(q{SELECT dbstream.create_stream('refuse', 'local', 'there', '{refuse_s.*}', '{"target_tables": "refuse"}'); SELECT dbstream.start_stream('refuse')});
	ok(wait_until(60, sub { $pg->sql("SELECT state FROM dbstream.stream_status WHERE name = 'refuse'") eq 'error' }), "$kind: with target_tables refuse it stops");
	my ($row) = $pg->rows("SELECT code, message, hint FROM dbstream.errors WHERE stream = 'refuse' AND code = 'target_not_empty'");
	like($row->[1], qr/refuse_s\.full at the target is not empty/, "$kind: the error names the table");
	like($row->[2], qr/"truncate" or "append"/, "$kind: and the remedy");
	is(there($scene, 'refuse_s'), '2 2 14', "$kind: nothing was done to it");
	$my->sql('DELETE FROM refuse_s.`full`');
	$pg->sql("SELECT dbstream.resume_stream('refuse')");
	ok($scene->catches_up('refuse', 60), "$kind: once it is empty, the copy goes on");
	is($my->sql('SELECT COUNT(*) FROM refuse_s.`full`'), 100, "$kind: and is whole");
}

# The tables go with the schema; the database stays, since others may have tables in it.
sub dropped
{
	my ($scene, $kind) = @_;
	my ($pg, $my) = ($scene->source, $scene->target);

	$my->sql('CREATE TABLE create_s.of_others (id int)');
	$pg->sql('SET client_min_messages = error; DROP SCHEMA create_s CASCADE');
	ok($scene->catches_up('create', 60), "$kind: a schema is dropped");
	is($my->sql("SELECT GROUP_CONCAT(table_name) FROM information_schema.tables WHERE table_schema = 'create_s'"), 'of_others', "$kind: its tables are gone, others stay");
	my $said = $pg->sql("SELECT string_agg(source_sql || ': ' || array_to_string(notes, '; '), ' / ') FROM dbstream.ddl_history WHERE source_sql ~ 'DROP SCHEMA'");
	like($said, qr/DROP SCHEMA create_s CASCADE: .*database.*stays/, "$kind: which ddl_history says");
	is($pg->sql("SELECT string_agg(DISTINCT state, ',') FROM dbstream.table_status WHERE stream = 'create'"), 'dropped', "$kind: and table_status too");
}
