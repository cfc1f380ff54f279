# Schema changes while tables are copied, by the copy with which a stream begins and by one beside the log: tables change,
# vanish, are renamed, swapped and made while some of them are copied, one is being copied, and others wait.

use strict;
use warnings;

use DBStream::Backfill;
use DBStream::MySQL;
use DBStream::Process qw(wait_until);
use DBStream::Scene;
use Test::More;

my @kinds = grep { !defined $ENV{DBSTREAM_SOURCE} || $_ eq $ENV{DBSTREAM_SOURCE} } qw(mariadb mysql);
my $rows = $ENV{DBSTREAM_ROWS} // 6000;
my ($scene, $source, $target, $kind);

# Of each sort one table for each moment: before its copy, during, after.
my @sorts = qw(added dropped renamed modified moved gone emptied swapped osc keyed again fine);

foreach my $name (@kinds)
{
  SKIP:
	{
		my $why = DBStream::MySQL::missing($name);
		skip "$name: $why", 1 if $why;
		$kind = $name;
		$scene = DBStream::Scene->new(kind => $name);
		($source, $target) = ($scene->source, $scene->target);
		my $good = eval { changed_while_copied(); 1 };
		my $error = $@;
		fail("$kind: $error") unless $good;
		diag($scene->state_text . $target->sql("TABLE dbstream.backfill; TABLE dbstream.backfill_table; "
			  . "SELECT at, outcome, source_sql, notes FROM dbstream.ddl_history ORDER BY id"))
		  unless $good && Test::More->builder->is_passing;
		eval { $scene->finish };
	}
}
done_testing();

sub names { return map { my $sort = $_; map { "$sort$_" } 1 .. 3 } @sorts; }

sub make
{
	my ($name) = @_;

	return "CREATE TABLE $name (id int PRIMARY KEY, a varchar(40), b varchar(100), n int, KEY by_n (n));"
	  . "INSERT INTO $name SELECT id, CONCAT('a', id), REPEAT('b', id % 90), id % 1000 FROM seed;";
}

# What happens to the tables of one moment.
sub changes
{
	my ($m) = @_;

	return <<"END";
UPDATE added$m SET n = -1 WHERE id % 10 = 0;
ALTER TABLE added$m ADD COLUMN c int NOT NULL DEFAULT 7, ADD COLUMN t varchar(10);
UPDATE added$m SET c = id, t = 'new' WHERE id % 9 = 0;
INSERT INTO added$m VALUES (1000000, 'x', 'y', 1, 2, 'z');
UPDATE dropped$m SET b = 'last' WHERE id % 10 = 0;
ALTER TABLE dropped$m DROP COLUMN b;
INSERT INTO dropped$m VALUES (1000000, 'x', 1);
UPDATE renamed$m SET b = 'before' WHERE id % 10 = 0;
ALTER TABLE renamed$m CHANGE COLUMN b bb varchar(100);
UPDATE renamed$m SET bb = 'after' WHERE id % 20 = 0;
INSERT INTO renamed$m VALUES (1000000, 'x', 'y', 1);
UPDATE modified$m SET b = LEFT(b, 10);
ALTER TABLE modified$m MODIFY b varchar(10), ALGORITHM = COPY;
UPDATE modified$m SET b = 'ten' WHERE id % 7 = 0;
ALTER TABLE modified$m MODIFY b varchar(200);
UPDATE modified$m SET b = REPEAT('l', 150) WHERE id % 11 = 0;
UPDATE moved$m SET n = 1 WHERE id < 100;
RENAME TABLE moved$m TO elsewhere$m;
DELETE FROM elsewhere$m WHERE id % 3 = 0;
DROP TABLE gone$m;
TRUNCATE TABLE emptied$m;
INSERT INTO emptied$m SELECT id, 'fresh', 'fresh', id FROM seed WHERE id < 500;
DELETE FROM swapped$m WHERE id > 1000;
CREATE TABLE other$m LIKE swapped$m;
INSERT INTO other$m SELECT id + 1, 'other', b, n FROM swapped$m;
RENAME TABLE swapped$m TO tmp$m, other$m TO swapped$m, tmp$m TO other$m;
UPDATE swapped$m SET a = 'swapped' WHERE id % 2 = 0;
CREATE TABLE _osc$m LIKE osc$m;
ALTER TABLE _osc$m ADD COLUMN extra int DEFAULT 3;
INSERT INTO _osc$m (id, a, b, n) SELECT id, a, b, n FROM osc$m;
UPDATE _osc$m SET a = 'osc' WHERE id % 4 = 0;
RENAME TABLE osc$m TO _old$m, _osc$m TO osc$m;
DROP TABLE _old$m;
UPDATE osc$m SET extra = 4 WHERE id % 5 = 0;
ALTER TABLE keyed$m DROP PRIMARY KEY, ADD PRIMARY KEY (n, id);
UPDATE keyed$m SET n = n + 1 WHERE id % 6 = 0;
DROP TABLE again$m;
CREATE TABLE again$m (id int PRIMARY KEY, v varchar(20), UNIQUE KEY (v));
INSERT INTO again$m SELECT id, CONCAT('v', id) FROM seed WHERE id < 700;
ALTER TABLE fine$m ADD KEY more (a, n), COMMENT 'changed';
CREATE TABLE created$m (id int PRIMARY KEY AUTO_INCREMENT, v text);
INSERT INTO created$m (v) SELECT a FROM fine$m LIMIT 100;
END
}

# The bridge stands still at some moment of the copy, and the source does not.
sub while_copying
{
	my ($name, $moment) = @_;

	wait_until(60, sub { $target->sql("SELECT count(*) FROM dbstream.backfill_table WHERE started_at IS NOT NULL AND phase <> 'done'") > 5 });
	$scene->bridge->freeze;
	my $state = $target->sql("SELECT string_agg(phase || ' ' || n, ', ' ORDER BY phase) FROM (SELECT phase, count(*) n FROM "
		  . "dbstream.backfill_table GROUP BY phase) s");
	$source->sql(changes($moment), 'shop');
	$scene->bridge->thaw;
	diag("$kind: $name: $state");
}

sub same
{
	my ($name) = @_;

	ok($target->wait_for("SELECT state = 'done' FROM dbstream.backfill", 180), "$kind: $name: the backfill ends") or die "not done\n";
	ok($scene->catches_up('shop_in', 120), "$kind: $name: the stream catches up") or die "not caught up: $scene->{last_wait}\n";
	# What a rename has asked for in between.
	ok($target->wait_for("SELECT state = 'done' FROM dbstream.backfill", 180), "$kind: $name: nothing is left to copy") or die "not done\n";
	is($scene->compare('shop'), '', "$kind: $name: both sides hold the same");
	is($target->sql("SELECT string_agg(tablename, ' ' ORDER BY tablename COLLATE \"C\") FROM pg_tables WHERE schemaname = 'shop'"),
		join(' ', sort map { $_->[0] } $source->rows("SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'shop'")),
		"$kind: $name: and the same tables");
}

sub changed_while_copied
{
	$source->sql('CREATE DATABASE shop; CREATE TABLE shop.seed (id int PRIMARY KEY)');
	$source->sql("INSERT INTO seed SELECT * FROM " . DBStream::Backfill::numbers($rows), 'shop');
	$source->sql(join('', map { make($_) } names()), 'shop');
	$scene->bridge->start;
	$scene->start_stream('shop_in', 'shop.*', start => 'backfill', backfill_workers => 1);
	while_copying('the first copy', 1);
	same('the first copy');
	is($target->sql("SELECT count(*) FROM pg_indexes WHERE schemaname = 'shop' AND tablename = 'fine1'"), '3', "$kind: indexes are there");

	$target->sql("SELECT dbstream.backfill_table('shop_in', source_schema || '.' || source_table) FROM dbstream.backfill_table"
		  . " WHERE source_table ~ '[23]\$'");
	while_copying('beside the log', 2);
	$scene->bridge->kill9;
	$source->sql(changes(3), 'shop');
	$scene->bridge->start;
	same('beside the log');
	# A value may come by the copy before the log has widened its column: the next session begins the table again.
	is($target->sql("SELECT count(*) FROM dbstream.errors WHERE origin = 'apply' AND message NOT LIKE 'a value of 150 characters%'"), '0',
		"$kind: nothing else stopped the stream");
}
