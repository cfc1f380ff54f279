# Schema changes out of PostgreSQL while things die: first the bridge at each point of a change, one by one, then bridge,
# target and walsender at random moments under load. Both sides end equal, and every change is made once.
#
#   DBSTREAM_CHANGES=n  schema changes under load on each server (default 15); from 30 on every kind of change is
#                       interrupted at every point, otherwise three are

use strict;
use warnings;

use DBStream::MySQL;
use DBStream::OutScene;
use DBStream::Process qw(wait_until in_child is_running);
use Test::More;
use Time::HiRes qw(sleep time);

my $changes = $ENV{DBSTREAM_CHANGES} // 15;

foreach my $kind (grep { !defined $ENV{DBSTREAM_TARGET} || $_ eq $ENV{DBSTREAM_TARGET} } qw(mariadb mysql))
{
  SKIP:
	{
		my $why = DBStream::MySQL::missing($kind);
		skip "$kind: $why", 1 if $why;
		my $scene = DBStream::OutScene->new(kind => $kind);
		my $good = eval { each_point($scene, $kind); under_load($scene, $kind); 1; };
		fail("$kind: $@") unless $good;
		diag($scene->state_text) unless $good && Test::More->builder->is_passing;
		eval { $scene->finish };
	}
}
done_testing();

# Names of tables, columns and indexes on the target that belong to nothing here, or the other way round, and rows.
sub differences
{
	my ($scene) = @_;
	my ($source, $target) = ($scene->source, $scene->target);
	my @here = map { $_->[0] } $source->rows("SELECT tablename FROM pg_tables WHERE schemaname = 'shop' ORDER BY 1");
	my @there = map { $_->[0] } $target->rows("SELECT table_name FROM information_schema.tables WHERE table_schema = 'shop' ORDER BY 1");
	my $text = "@here" eq "@there" ? '' : "tables: here @here, there @there\n";

	foreach my $table (@here)
	{
		my $here = $source->sql("SELECT string_agg(column_name, ' ' ORDER BY column_name COLLATE \"C\") FROM information_schema.columns WHERE table_schema = 'shop' AND table_name = '$table'");
		my $there = join(' ', sort map { $_->[0] } $target->rows("SELECT column_name FROM information_schema.columns WHERE table_schema = 'shop' AND table_name = '$table'"));
		$text .= "columns of $table: here $here, there $there\n" if $here ne $there;
		my $indexes_here = $source->sql("SELECT string_agg(indexname, ' ' ORDER BY indexname COLLATE \"C\") FROM pg_indexes WHERE schemaname = 'shop' AND tablename = '$table' AND indexname !~ 'pkey'");
		my $indexes_there = join(' ', sort map { $_->[0] } $target->rows("SELECT DISTINCT index_name FROM information_schema.statistics WHERE table_schema = 'shop' AND table_name = '$table' AND index_name <> 'PRIMARY'"));
		$text .= "indexes of $table: here $indexes_here, there $indexes_there\n" if $indexes_here ne $indexes_there;
	}
	return $text . ($text eq '' ? $scene->compare('shop') : '');
}

# Each statement in the middle of a transaction; the bridge dies at each point on the way.
sub each_point
{
	my ($scene, $kind) = @_;
	my $source = $scene->source;
	my @cases = (
		[ 'ALTER TABLE shop.t ADD COLUMN c1 int DEFAULT 5', 1 ],
		[ 'ALTER TABLE shop.t RENAME COLUMN c1 TO c2', 1 ],
		[ 'CREATE INDEX t_c2 ON shop.t (c2)', 1 ],
		[ 'ALTER TABLE shop.t ADD COLUMN u uuid DEFAULT gen_random_uuid()', 3 ],
		[ 'ALTER TYPE shop.mood RENAME VALUE $$a$$ TO $$z$$', 3 ],
		[ 'CREATE TABLE shop.made (id int PRIMARY KEY)', 2 ],
		[ 'ALTER TABLE shop.made RENAME TO remade', 1 ],
		[ 'DROP TABLE shop.remade', 2 ],
		[ 'ALTER TABLE shop.t DROP COLUMN c2', 2 ]);

	@cases = @cases[ 3 .. 5 ] if $changes < 30;
	$source->sql('CREATE SCHEMA shop');
	$scene->bridge->start;
	$scene->start_stream('out', 'shop.*', heartbeat => 1);
	$source->sql("CREATE TYPE shop.mood AS ENUM ('a', 'b'); CREATE TABLE shop.t (id int PRIMARY KEY, v text, m shop.mood);"
		  . " INSERT INTO shop.t SELECT n, 'v' || n, 'a' FROM generate_series(1, 100) n");
	ok($scene->caught_up('out', 60), "$kind: the first rows arrive") or die "not caught up\n";
	my $id = 1000;
	my $seen = 0;
	foreach my $case (@cases)
	{
		my ($sql, $statements) = @$case;
		my @points = ((map { ("before $_", "after $_") } 0 .. $statements - 1), 'told 0', 'done 0');
		my $died = 0;
		my $first = 1;

		# The change itself is made once; at every point the bridge that tries to deliver it dies, and the next goes on.
		$scene->bridge->stop;
		foreach my $point (@points)
		{
			$scene->bridge->{env}{DBSTREAM_CRASH_AT} = $point;
			$scene->bridge->start;
			if ($first)
			{
				$first = 0;
				$id += 10;
				$source->sql("BEGIN; INSERT INTO shop.t (id, v) VALUES ($id, 'before'); UPDATE shop.t SET v = v || '+' WHERE id <= 3; $sql;"
					  . " INSERT INTO shop.t (id, v) VALUES ($id + 1, 'after'); DELETE FROM shop.t WHERE id = $id - 9; COMMIT;");
			}
			$died++ if wait_until(10, sub { !$scene->bridge->running || $scene->caught_up('out', 1) }) && !$scene->bridge->running;
			$scene->bridge->kill9 if $scene->bridge->running;
			eval { $scene->bridge->stop };
		}
		delete $scene->bridge->{env}{DBSTREAM_CRASH_AT};
		$seen += $died;
		$scene->bridge->start;
		ok($scene->catches_up('out', 60), "$kind: $sql: it arrives after the bridge died $died times");
		is(differences($scene), '', "$kind: both sides hold the same");
	}
	# A statement that changes rows has no point of its own, and a step that is done is passed over.
	cmp_ok($seen, '>=', 3 * @cases, "$kind: the bridge died $seen times on the way");
	is($source->sql("SELECT count(*) - count(DISTINCT gtid) FROM dbstream.ddl_history"), 0, "$kind: the history has each change once");
}

# A random change of one of some tables; each has a key, and rows come and go all the while.
sub random_change
{
	my ($scene, $number) = @_;
	my $source = $scene->source;
	my @tables = map { $_->[0] } $source->rows("SELECT tablename FROM pg_tables WHERE schemaname = 'shop' AND tablename ~ '^w' ORDER BY 1");
	my $table = $tables[ int(rand(@tables)) ];
	my @columns = map { $_->[0] } $source->rows("SELECT column_name FROM information_schema.columns WHERE table_schema = 'shop' AND table_name = '$table' AND column_name ~ '^c' ORDER BY 1");
	my $column = @columns ? $columns[ int(rand(@columns)) ] : undef;
	my @choices = (
		"ALTER TABLE shop.$table ADD COLUMN c$number int DEFAULT $number",
		"ALTER TABLE shop.$table ADD COLUMN c$number varchar(20) NOT NULL DEFAULT 'd$number'",
		"ALTER TABLE shop.$table ADD COLUMN c$number timestamptz DEFAULT now()",
		"ALTER TABLE shop.$table ADD COLUMN c$number uuid DEFAULT gen_random_uuid()",
		"COMMENT ON TABLE shop.$table IS 'number $number'",
		"CREATE INDEX i$number ON shop.$table (n, id)",
		"ALTER TYPE shop.level ADD VALUE 'l$number'",
		"CREATE TABLE shop.w$number (id int PRIMARY KEY, n int, v text)",
		"TRUNCATE shop.$table");
	push @choices, "ALTER TABLE shop.$table RENAME COLUMN $column TO c$number", "ALTER TABLE shop.$table DROP COLUMN $column",
	  "ALTER TABLE shop.$table ALTER COLUMN $column TYPE text"
	  if defined $column;
	# The rows that follow name no such column, so one that may not be null keeps its default.
	push @choices, "ALTER TABLE shop.$table ALTER COLUMN $column DROP DEFAULT"
	  if defined $column && $source->sql("SELECT is_nullable FROM information_schema.columns WHERE table_schema = 'shop' AND table_name = '$table' AND column_name = '$column'") eq 'YES';
	push @choices, "ALTER TABLE shop.$table RENAME TO w$number", "DROP TABLE shop.$table" if @tables > 2;
	my $indexes = $source->sql("SELECT indexname FROM pg_indexes WHERE schemaname = 'shop' AND indexname ~ '^i' ORDER BY random() LIMIT 1");
	push @choices, "DROP INDEX shop.$indexes", "ALTER INDEX shop.$indexes RENAME TO i$number" if $indexes ne '';
	return $choices[ int(rand(@choices)) ];
}

sub rows_of
{
	my ($scene, $number) = @_;

	return join('', map { "INSERT INTO shop.$_->[0] (id, n, v) SELECT $number * 100 + s, s, 'r' || s FROM generate_series(1, 5) s;"
		  . " UPDATE shop.$_->[0] SET n = n + 1 WHERE id % 7 = $number % 7; DELETE FROM shop.$_->[0] WHERE id % 11 = $number % 11;" }
	  $scene->source->rows("SELECT tablename FROM pg_tables WHERE schemaname = 'shop' AND tablename ~ '^w' ORDER BY 1"));
}

sub under_load
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);
	my $seed = $ENV{DBSTREAM_SEED} // int(time());
	my %done;

	srand($seed);
	diag("seed $seed");
	$source->sql("CREATE TYPE shop.level AS ENUM ('l0'); CREATE TABLE shop.w0 (id int PRIMARY KEY, n int, v text, l shop.level DEFAULT 'l0');"
		  . ' CREATE TABLE shop.wa (id int PRIMARY KEY, n int, v text)');
	for my $number (1 .. $changes)
	{
		my $change = random_change($scene, $number);
		my $before = rows_of($scene, 2 * $number);

		$source->sql($number % 2 == 0 ? "BEGIN; $before $change; COMMIT;" : "$before; $change;") unless $change =~ /ADD VALUE/;
		$source->sql($change) if $change =~ /ADD VALUE/;
		$source->sql(rows_of($scene, 2 * $number + 1));
		next if $number % 3 != 0;
		my $fault = (qw(bridge walsender target))[ int(rand(3)) ];
		$done{$fault}++;
		sleep(rand(0.6));
		if ($fault eq 'bridge')
		{
			$scene->bridge->kill9;
			$scene->bridge->start;
		}
		elsif ($fault eq 'walsender')
		{
			$source->run_psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'walsender'");
		}
		else
		{
			$target->kill9;
			$target->start;
		}
	}
	ok($scene->catches_up('out', 180), "$kind: after $changes changes it catches up; killed: " . join(', ', map { "$_ $done{$_}" } sort keys %done));
	is(differences($scene), '', "$kind: both sides hold the same, tables, columns, indexes and rows");
	is($source->sql("SELECT count(*) - count(DISTINCT gtid) FROM dbstream.ddl_history"), 0, "$kind: the history has each change once");
	is($source->sql("SELECT count(*) FROM dbstream.ddl_history WHERE outcome <> 'applied'"), 0, "$kind: and all as applied");
}
