# Changes of partitions alive in a stream: rows go and move with them, and the log has none of these rows.
#
#   DBSTREAM_SOURCE, DBSTREAM_PART   one server, one part

use strict;
use warnings;

use DBStream::Compare;
use DBStream::MySQL;
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
		$scene->source->sql('CREATE DATABASE part');
		$scene->start_stream_on('part', 'part.*');
		foreach my $part (qw(ranges lists exchange hashes renames one_piece))
		{
			next if defined $ENV{DBSTREAM_PART} && $ENV{DBSTREAM_PART} ne $part;
			my $good = eval { main->can($part)->($scene, $kind); 1; };
			fail("$kind: $part: $@") unless $good;
			diag($scene->state_text) && last unless $good && Test::More->builder->is_passing;
		}
		$scene->finish;
	}
}
done_testing();

sub follows
{
	my ($scene, $what, $sql) = @_;

	$scene->source->sql("SET sql_mode = ''; SET time_zone = '+05:00'; $sql", 'part');
	ok($scene->caught_up('part', 60), $what) or die "$scene->{last_wait}\n";
	is($scene->compare('part'), '', "$what: every row is the same");
}

# The stream stands at the statement; it goes on once a person has done the like.
sub stops
{
	my ($scene, $what, $sql, $pattern, $by_hand) = @_;
	my $target = $scene->target;

	$scene->source->sql($sql, 'part');
	ok($target->wait_for("SELECT count(*) > 0 FROM dbstream.errors WHERE message ~ 'cannot be carried over'"
			  . " AND detail ~ '$pattern'", 30), "$what stops the stream")
	  or die "it did not stop\n";
	$target->sql($by_hand);
	$target->sql("SELECT dbstream.skip_ddl('part')");
	ok($scene->catches_up('part', 60), "$what: it goes on after skip_ddl") or die "$scene->{last_wait}\n";
	is($scene->compare('part'), '', "$what: every row is the same");
}

sub partitions
{
	my ($target, $table) = @_;

	return $target->sql("SELECT string_agg(c.relname, ' ' ORDER BY c.relname COLLATE \"C\") FROM pg_inherits i JOIN pg_class c"
		  . " ON c.oid = inhrelid WHERE inhparent = 'part.$table'::regclass");
}

# Each partitioning function that becomes a range of its column; v may be null, in the lowest partition.
sub ranges
{
	my ($scene, $kind) = @_;
	my $target = $scene->target;
	my %tables = (
		r_int => [ 'v int', 'RANGE (v)', [ 10, 20, 30 ], 40, [ 5, 15, 25, 35 ] ],
		r_year => [ 'v date', 'RANGE (YEAR(v))', [ 2020, 2021, 2022 ], 2023, [ map { "'$_-05-06'" } 2019 .. 2022 ] ],
		r_days => [ 'v datetime', 'RANGE (TO_DAYS(v))', [ map { "TO_DAYS('$_-01-01')" } 2020 .. 2022 ], 738886,
			[ map { "'$_-05-06 07:08:09'" } 2019 .. 2022 ] ],
		r_columns => [ 'v date', 'RANGE COLUMNS (v)', [ map { "'$_-01-01'" } 2020 .. 2022 ], "'2023-01-01'",
			[ map { "'$_-05-06'" } 2019 .. 2022 ] ],
		r_epoch => [ 'v timestamp NOT NULL', 'RANGE (UNIX_TIMESTAMP(v))',
			[ map { "UNIX_TIMESTAMP('$_-01-01 00:00:00')" } 2020 .. 2022 ], "UNIX_TIMESTAMP('2023-01-01 00:00:00')",
			[ map { "'$_-01-01 00:00:00'" } 2019 .. 2022 ] ]);

	my $create = '';
	my $change = '';
	my $more = '';
	foreach my $table (sort keys %tables)
	{
		my ($column, $by, $bounds, $next, $values) = @{ $tables{$table} };
		my $id = 0;
		my $insert = sub { return join('', map { $id++; "INSERT INTO $table VALUES ($id, $_, 'r$id');" } @_); };
		my @null = $column =~ /NOT NULL/ ? () : ('NULL');
		$create .= "CREATE TABLE $table (id int, $column, w varchar(9), KEY (id)) PARTITION BY $by ("
		  . join(', ', map { "PARTITION p$_ VALUES LESS THAN ($bounds->[$_])" } 0 .. 2) . ');'
		  . $insert->(@$values[ 0 .. 2 ], @null);
		$change .= "ALTER TABLE $table ADD PARTITION (PARTITION p3 VALUES LESS THAN ($next));" . $insert->($values->[3]);
		# A hole in the middle: what comes with these values is the next one's.
		$more .= "ALTER TABLE $table DROP PARTITION p1;" . $insert->($values->[1], $values->[2])
		  . "ALTER TABLE $table TRUNCATE PARTITION p2;" . $insert->($values->[1])
		  . "ALTER TABLE $table DROP PARTITION p0;" . $insert->($values->[0], @null)
		  . "ALTER TABLE $table REORGANIZE PARTITION p2, p3 INTO (PARTITION P2 VALUES LESS THAN ($bounds->[1]),"
		  . " PARTITION px VALUES LESS THAN ($next));"
		  . $insert->(@$values) . "ALTER TABLE $table TRUNCATE PARTITION p2;";
	}
	follows($scene, "$kind: tables of ranges", $create);
	is(partitions($target, 'r_year'), 'r_year_null r_year_p0 r_year_p1 r_year_p2', "$kind: they have partitions here");
	follows($scene, "$kind: ADD PARTITION", $change);
	follows($scene, "$kind: DROP, TRUNCATE, REORGANIZE PARTITION", $more);
	is(partitions($target, 'r_year'), 'r_year_P2 r_year_null r_year_px', "$kind: the partitions are the source's");
	follows($scene, "$kind: partitions that go altogether",
		'ALTER TABLE r_int REMOVE PARTITIONING; INSERT INTO r_int VALUES (99, 9999, NULL); ALTER TABLE r_year TRUNCATE PARTITION ALL');
}

sub lists
{
	my ($scene, $kind) = @_;

	follows($scene, "$kind: a table of lists", 'CREATE TABLE l (id int, v int NULL) PARTITION BY LIST (v) (PARTITION a VALUES IN (1, 2, NULL),'
		  . ' PARTITION b VALUES IN (3)); INSERT INTO l VALUES (1, 1), (2, NULL), (3, 3)');
	follows($scene, "$kind: changes of lists", 'ALTER TABLE l ADD PARTITION (PARTITION c VALUES IN (4, 5)); INSERT INTO l VALUES (4, 4), (5, 5);'
		  . ' ALTER TABLE l TRUNCATE PARTITION b; INSERT INTO l VALUES (6, 3);'
		  . ' ALTER TABLE l REORGANIZE PARTITION b, c INTO (PARTITION c VALUES IN (4), PARTITION d VALUES IN (3, 5));'
		  . ' INSERT INTO l VALUES (7, NULL), (8, 3); ALTER TABLE l DROP PARTITION d; INSERT INTO l VALUES (9, 4)');
	# Text is compared otherwise: such a table stays in one piece.
	follows($scene, "$kind: a table of lists of text", "CREATE TABLE lt (v varchar(9)) PARTITION BY LIST COLUMNS (v) (PARTITION a VALUES IN ('x'))"
		  . "; INSERT INTO lt VALUES ('x'), ('X')");
}

sub exchange
{
	my ($scene, $kind) = @_;

	follows($scene, "$kind: a partition and a table", 'CREATE TABLE e (id int PRIMARY KEY, v varchar(9), KEY by_v (v)) PARTITION BY RANGE (id)'
		  . ' (PARTITION a VALUES LESS THAN (10), PARTITION b VALUES LESS THAN (20));'
		  . ' CREATE TABLE x (id int PRIMARY KEY, v varchar(9), KEY by_v (v));'
		  . " INSERT INTO e VALUES (1, 'e1'), (2, 'e2'), (11, 'e11'); INSERT INTO x VALUES (3, 'x3'), (4, 'x4')");
	follows($scene, "$kind: EXCHANGE PARTITION", "ALTER TABLE e EXCHANGE PARTITION a WITH TABLE x; UPDATE x SET v = 'new' WHERE id = 1;"
		  . ' ALTER TABLE x DROP INDEX by_v; ALTER TABLE e DROP INDEX by_v; DELETE FROM e WHERE id = 3');
	is($scene->target->sql("SELECT string_agg(id::text, ' ' ORDER BY id) FROM part.x"), '1 2', "$kind: the rows have changed places");
}

sub hashes
{
	my ($scene, $kind) = @_;

	follows($scene, "$kind: a table of hashes", 'CREATE TABLE h (id int PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 4;'
		  . ' INSERT INTO h VALUES (1), (2), (3), (4), (5), (6), (7), (8)');
	follows($scene, "$kind: changes that move no rows", 'ALTER TABLE h COALESCE PARTITION 1; INSERT INTO h VALUES (9);'
		  . ' ALTER TABLE h ADD PARTITION PARTITIONS 3; INSERT INTO h VALUES (10); ALTER TABLE h REBUILD PARTITION ALL');
	stops($scene, "$kind: TRUNCATE PARTITION of hashes", 'ALTER TABLE h TRUNCATE PARTITION p1', 'another hash',
		'DELETE FROM part.h WHERE mod(id, 6) = 1');
}

sub renames
{
	my ($scene, $kind) = @_;

	follows($scene, "$kind: a partitioned table renamed", 'CREATE TABLE o (id int PRIMARY KEY) PARTITION BY RANGE (id)'
		  . ' (PARTITION a VALUES LESS THAN (10), PARTITION b VALUES LESS THAN (20)); INSERT INTO o VALUES (1), (11);'
		  . ' RENAME TABLE o TO o2; ALTER TABLE o2 DROP PARTITION a; INSERT INTO o2 VALUES (2)');
	is(partitions($scene->target, 'o2'), 'o2_b', "$kind: its partitions are renamed along");
}

sub one_piece
{
	my ($scene, $kind) = @_;

	follows($scene, "$kind: a table that stays in one piece", 'CREATE TABLE op (id int, v int) PARTITION BY RANGE (v DIV 10)'
		  . ' (PARTITION a VALUES LESS THAN (1), PARTITION b VALUES LESS THAN (2)); INSERT INTO op VALUES (1, 5), (2, 15);'
		  . ' ALTER TABLE op ADD PARTITION (PARTITION c VALUES LESS THAN MAXVALUE); INSERT INTO op VALUES (3, 99)');
	stops($scene, "$kind: DROP PARTITION of a table in one piece", 'ALTER TABLE op DROP PARTITION a', 'in one piece here',
		'DELETE FROM part.op WHERE v < 10');
}
