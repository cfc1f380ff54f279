# Tables are copied while the stream goes on: one table again, tables that come into the stream by alter_stream or by a
# rename, and what is left when a copy is cancelled. Writers change everything meanwhile.

use strict;
use warnings;

use DBStream::Backfill qw(backfill_schema backfill_rows start_backfill_writer);
use DBStream::MySQL;
use DBStream::Process qw(is_running wait_until write_file);
use DBStream::Scene;
use Test::More;

my @kinds = grep { !defined $ENV{DBSTREAM_SOURCE} || $_ eq $ENV{DBSTREAM_SOURCE} } qw(mariadb mysql);
my $rows = $ENV{DBSTREAM_ROWS} // 5000;
my %scenes = (
	mariadb => [ kind => 'mariadb' ],
	mysql => [ kind => 'mysql' ],
	mysql_by_file => [ kind => 'mysql', source_options => [ '--gtid-mode=OFF', '--enforce-gtid-consistency=OFF' ] ]);
my ($scene, $source, $target, $kind);

foreach my $name (sort keys %scenes)
{
	my %given = @{ $scenes{$name} };
	next unless grep { $_ eq $given{kind} } @kinds;
	next if defined $ENV{DBSTREAM_SCENE} && $ENV{DBSTREAM_SCENE} ne $name;
  SKIP:
	{
		my $why = DBStream::MySQL::missing($given{kind});
		skip "$name: $why", 1 if $why;
		$kind = $name;
		$scene = DBStream::Scene->new(name => $name, %given);
		($source, $target) = ($scene->source, $scene->target);
		my $good = eval { copied_again(); 1 };
		my $error = $@;
		fail("$kind: $error") unless $good;
		diag($scene->state_text . $target->sql('TABLE dbstream.backfill; TABLE dbstream.backfill_table'))
		  unless $good && Test::More->builder->is_passing;
		eval { $scene->finish };
	}
}
done_testing();

sub refused
{
	my ($name, $pattern, $sql) = @_;
	my ($status, $out, $err) = $target->run_psql($sql);

	isnt($status, 0, "$kind: $name is refused");
	like($err, $pattern, "$kind: and the error says why and what to do");
}

sub done
{
	my ($name) = @_;

	ok($target->wait_for("SELECT state = 'done' FROM dbstream.backfill", 120), "$kind: $name") or die "not done: $name\n";
}

sub copied_again
{
	$source->sql(backfill_schema());
	$source->sql(backfill_rows($rows), 'shop');
	$source->sql('CREATE DATABASE side; CREATE TABLE side.a (id int PRIMARY KEY, v varchar(20)); '
		  . 'CREATE TABLE side.b (id int PRIMARY KEY, v varchar(20), UNIQUE KEY (v)); CREATE TABLE side.later (id int PRIMARY KEY, v text);'
		  . "INSERT INTO side.a VALUES (1, 'x'), (2, 'y'); INSERT INTO side.b SELECT id, word FROM (SELECT n AS id, CONCAT('w', n) AS word "
		  . "FROM shop.word) w; INSERT INTO side.later SELECT id, v FROM side.b");
	$scene->bridge->start;
	$scene->start_stream('shop_in', 'shop.*', start => 'backfill', backfill_workers => 2);
	refused('a copy before the stream has begun', qr/has not begun yet|waits to be copied already/,
		"SELECT dbstream.backfill_table('shop_in', 'shop.customer')")
	  if $target->sql('SELECT count(*) FROM dbstream.backfill_table') eq '0';
	done('the first copy ends');
	ok($scene->caught_up('shop_in', 60), "$kind: and the stream catches up") or die "not caught up\n";

	refused('a table that the stream does not select', qr/does not select.*alter_stream/s,
		"SELECT dbstream.backfill_table('shop_in', 'side.a')");
	refused('a name without its database', qr/shop\.orders/, "SELECT dbstream.backfill_table('shop_in', 'customer')");
	refused('an unknown stream', qr/shop_in/, "SELECT dbstream.backfill_table('shop_on', 'shop.customer')");
	refused('a cancellation of nothing', qr/is not copying/, "SELECT dbstream.cancel_backfill('shop_in')");

	my $flag = DBStream::Scene::work_folder() . "/stop-$kind";
	my @writers = map { start_backfill_writer($source, $flag, $_, $rows) } 1 .. 2;
	again();
	selected_later();
	renamed_into();
	write_file($flag, '');
	foreach my $writer (@writers)
	{
		wait_until(60, sub { !is_running($writer) }) // die "a writer did not end\n";
	}
	ok($scene->catches_up('shop_in', 120), "$kind: the stream catches up after the writers") or die "not caught up\n";
	is($scene->compare('shop'), '', "$kind: both sides hold the same");
	is($scene->compare('side', except => []), '', "$kind: also where tables came in later");
	cancelled();
}

# Rows that are wrong, missing and too many, in tables with a key, with a unique key only, without any, and one that others
# refer to.
sub again
{
	my @tables = qw(customer tag heap owner);

	$target->sql("SET session_replication_role = replica; DELETE FROM shop.customer WHERE id % 3 = 0 AND id < 1000; UPDATE shop.customer SET name = 'wrong' WHERE id % 7 = 0 AND id < 1000;"
		  . "INSERT INTO shop.customer (id, name) VALUES (-5, 'too many'); DELETE FROM shop.heap WHERE a = 3;"
		  . "INSERT INTO shop.heap VALUES (99, 'too many', 1); DELETE FROM shop.tag WHERE v % 5 = 0;"
		  . 'DELETE FROM shop.owner WHERE id % 4 = 0');
	$target->sql("CREATE VIEW shop.seen AS SELECT name FROM shop.customer");
	my $before = $target->sql('SELECT transactions FROM dbstream.progress');
	$target->sql("SELECT dbstream.backfill_table('shop_in', 'shop.$_')") foreach @tables;
	my ($status, $out, $err) = $target->run_psql("SELECT dbstream.backfill_table('shop_in', 'shop.customer')");
	like($err, qr/waits to be copied already/, "$kind: asked for twice, it says so") if $status != 0;
	done('four tables are copied again');
	cmp_ok($target->sql('SELECT transactions FROM dbstream.progress'), '>', $before, "$kind: the log went on meanwhile");
	is($target->sql("SELECT count(*) FROM shop.customer WHERE id = -5 OR name = 'wrong'"), '0', "$kind: what was wrong is gone");
	is($target->sql("SELECT count(*) FROM shop.heap WHERE a = 99"), '0', "$kind: also without a key");
	is($target->sql("SELECT count(*) FROM pg_views WHERE schemaname = 'shop'"), '1', "$kind: what stands on the table stays");
	is($target->sql("SELECT string_agg(DISTINCT phase, ' ') FROM dbstream.backfill_status"), 'done', "$kind: the status says so");
}

sub selected_later
{
	$target->sql("SELECT dbstream.alter_stream('shop_in', tables => '{shop.*,side.?}')");
	ok($target->wait_for("SELECT count(*) = 2 AND bool_and(phase = 'done') FROM dbstream.backfill_table WHERE source_schema = 'side'", 120),
		"$kind: tables that are selected newly are copied") or die "not copied\n";
	is($target->sql("SELECT count(*) FROM pg_indexes WHERE schemaname = 'side' AND tablename = 'b'"), '2', "$kind: with their indexes");
	$source->sql("UPDATE side.a SET v = 'changed' WHERE id = 2");
	ok($scene->caught_up('shop_in', 60), "$kind: and followed");
	is($target->sql('SELECT v FROM side.a WHERE id = 2'), 'changed', "$kind: a change arrives");
	done('the backfill is over');
	is($target->sql('SELECT count(*) FROM dbstream.backfill_selection'), '0', "$kind: nothing of the change of patterns is left to do");
}

sub renamed_into
{
	$source->sql("RENAME TABLE side.later TO side.c; UPDATE side.c SET v = 'after' WHERE id % 2 = 0; ALTER TABLE side.c ADD COLUMN more int DEFAULT 4;"
		  . "INSERT INTO side.c VALUES (-1, 'new', 5)");
	ok($target->wait_for("SELECT phase = 'done' FROM dbstream.backfill_table WHERE source_table = 'c'", 120),
		"$kind: a table that is renamed into the stream is copied") or die "not copied\n";
	is($target->sql("SELECT count(*) > 1000, max(more) FROM side.c"), 't|5', "$kind: as it is now");
	like($target->sql("SELECT notes FROM dbstream.ddl_history WHERE source_sql LIKE 'RENAME TABLE side.later%'"),
		qr/come into the stream/, "$kind: the history says so");
}

sub cancelled
{
	$source->sql(backfill_rows(30000) =~ s/^(?!INSERT INTO hash).*\n(\tSELECT.*\n)?//mgr =~ s/INSERT/INSERT IGNORE/r, 'shop');
	ok($scene->caught_up('shop_in', 60), "$kind: a larger table");
	$target->sql("SELECT dbstream.backfill_table('shop_in', 'shop.hash'), dbstream.backfill_table('shop_in', 'shop.word');"
		  . "SELECT dbstream.cancel_backfill('shop_in')");
	my $left = $target->sql("SELECT string_agg(source_table, ' ' ORDER BY 1) FROM dbstream.backfill_table WHERE phase = 'cancelled'");
	is($left, 'hash word', "$kind: tables that are not copied are cancelled");
	done('the backfill is over');
	$source->sql("UPDATE hash SET v = '{}' LIMIT 10; DELETE FROM hash LIMIT 5; ALTER TABLE word ADD COLUMN extra int; UPDATE word SET extra = 1 LIMIT 3;"
		  . "UPDATE tag SET v = -v WHERE v = 8", 'shop');
	ok($scene->caught_up('shop_in', 60), "$kind: the other tables go on");
	is($target->sql("SELECT count(*) FROM information_schema.columns WHERE table_name = 'word' AND column_name = 'extra'"), '0',
		"$kind: those are left out, rows and schema changes");
	is($target->sql("SELECT count(*) FROM dbstream.errors WHERE message NOT LIKE 'the row to%is not in table%'"), '0',
		"$kind: without an error, but for the rows that were taken away here");
	$scene->bridge->kill9;
	$scene->bridge->start;
	$target->sql("SELECT dbstream.backfill_table('shop_in', 'shop.hash'), dbstream.backfill_table('shop_in', 'shop.word')");
	done('they are copied when asked for');
	ok($scene->caught_up('shop_in', 60), "$kind: and followed again");
	is($scene->compare('shop'), '', "$kind: as they are at the source");
}
