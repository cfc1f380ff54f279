# Every PostgreSQL type out and back: PostgreSQL to MySQL or MariaDB by an outbound stream, copied there to another database, and
# from that one back by an inbound stream.  What MySQL cannot hold stops the stream, or becomes NULL by option.

use strict;
use warnings;

use DBStream::MySQL;
use DBStream::OutScene;
use DBStream::Process qw(wait_until);
use Test::More;

# Name, type, values.
my @types = (
	[ boolean => 'boolean', 'true', 'false' ],
	[ int2 => 'smallint', '-32768', '32767', '0' ],
	[ int4 => 'integer', '-2147483648', '2147483647' ],
	[ int8 => 'bigint', '-9223372036854775808', '9223372036854775807' ],
	[ oid => 'oid', '0', '4294967295' ],
	[ float4 => 'real', "'3.4028235e38'", "'1e-45'", "'-0.1'", "'16777217'" ],
	[ float8 => 'double precision', "'1.7976931348623157e308'", "'5e-324'", "'0.1'", "'-1e15'", "'123456789.123456789'" ],
	[ decimal => 'numeric(12,4)', '99999999.9999', '-0.0001', '0' ],
	[ wide => 'numeric(65,30)', '99999999999999999999999999999999999.999999999999999999999999999999', '-1e-30' ],
	[ numeric => 'numeric', '1e100', '-0.000000000000000000000000000000000000000001', "'NaN'", "'Infinity'", '10.50', '0.0001', '10000' ],
	[ chars => 'char(5)', "'ab'", "'äöüß€'" ],
	[ varchars => 'varchar(20)', "'it''s'", "''", "'a\\b'" ],
	[ texts => 'text', "'line\nbreak \\ '' \" % ` tab\t'", "repeat('🐘', 1000)", "''" ],
	[ bytea => 'bytea', "'\\x00ff27225c0a0d1a'", "''" ],
	[ date => 'date', "'0001-01-01'", "'9999-12-31'", "'2024-02-29'", "'1969-12-31'" ],
	[ time => 'time', "'00:00:00'", "'23:59:59.999999'", "'24:00:00'" ],
	[ time3 => 'time(3)', "'12:34:56.789'" ],
	[ timetz => 'time with time zone', "'12:34:56.789+05:30'" ],
	[ timestamps => 'timestamp', "'0001-01-01 00:00:00'", "'9999-12-31 23:59:59.999999'", "'1969-12-31 23:59:59.5'" ],
	[ timestamp0 => 'timestamp(0)', "'2024-02-29 23:59:59'" ],
	[ timestamptz => 'timestamptz', "'2024-02-29 23:59:59.999999+13'", "'1500-01-01 00:00:00+00'" ],
	[ interval => 'interval', "'1 year 2 mons -3 days 04:05:06.789'", "'-00:00:00.000001'", "'0'", "'-1 mon'", "'2000000 hours'" ],
	[ bits => 'bit(10)', "B'0000000000'", "B'1010101011'" ],
	[ varbits => 'bit varying', "B''", "B'10101'" ],
	[ uuid => 'uuid', "'00000000-0000-0000-0000-000000000000'", "'ffeeddcc-bbaa-9988-7766-554433221100'" ],
	[ json => 'json', q('{"a": [1, 2.5, "x\\"y", null, true], "b": {}}') ],
	[ jsonb => 'jsonb', q('{"n": 9223372036854775807, "s": "ä\\u0001", "d": 0.1}'), "'[]'", "'null'" ],
	[ enum => 'mood', "'sad'", "'it''s ok'" ],
	[ domain => 'positive', '1', '2147483647' ],
	[ inet => 'inet', "'10.0.0.1/8'", "'2001:db8::1'" ],
	[ cidr => 'cidr', "'10.0.0.0/8'" ],
	[ macaddr => 'macaddr', "'08:00:2b:01:02:03'" ],
	[ ints => 'integer[]', "'{1,NULL,-3}'", "'{}'", "'{{1,2},{3,4}}'" ],
	[ words => 'text[]', q('{"a,b","c\\"d","NULL",NULL,""}') ],
	[ composite => 'point3', "ROW(1, 'x,y', NULL)" ],
	[ range => 'int4range', "'[1,10)'", "'empty'", "'[5,)'" ],
	[ point => 'point', "'(1.5,-2)'" ],
	[ money => 'money', "'12.34'" ],
	[ tsvector => 'tsvector', "'a:1 fat:2 cat:3'" ]);

# What MySQL cannot hold: column type, value, words of the error.
my @unsupported = (
	[ 'real', "'NaN'", qr/no NaN/ ],
	[ 'double precision', "'-Infinity'", qr/no NaN and no infinity/ ],
	[ 'numeric(10,2)', "'NaN'", qr/no NaN/ ],
	[ 'date', "'infinity'", qr/year 1 to 9999/ ],
	[ 'date', "'0044-03-15 BC'", qr/year 1 to 9999/ ],
	[ 'timestamp', "'294276-12-31'", qr/year 1 to 9999/ ],
	[ 'timestamptz', "'-infinity'", qr/year 1 to 9999/ ]);

foreach my $kind (qw(mariadb mysql))
{
  SKIP:
	{
		my $why = DBStream::MySQL::missing($kind);
		skip "$kind: $why", 1 if $why;
		my $scene = DBStream::OutScene->new(kind => $kind);
		my $good = eval { there_and_back($scene, $kind); policies($scene, $kind); 1; };
		fail("$kind: $@") unless $good;
		diag($scene->state_text) unless $good && Test::More->builder->is_passing;
		eval { $scene->finish };
	}
}
done_testing();

sub there_and_back
{
	my ($scene, $kind) = @_;
	my ($pg, $my) = ($scene->source, $scene->target);

	$pg->sql("CREATE TYPE mood AS ENUM ('sad', 'it''s ok'); CREATE DOMAIN positive AS integer CHECK (value > 0);"
		  . ' CREATE TYPE point3 AS (a int, b text, c date); CREATE SCHEMA out; CREATE SCHEMA back');
	foreach my $type (@types)
	{
		my ($name, $words) = @$type;
		$pg->sql("CREATE TABLE out.$name (id int PRIMARY KEY, v $words); CREATE TABLE back.$name (LIKE out.$name INCLUDING ALL)");
	}
	$scene->bridge->start;
	$scene->start_stream('goes_out', 'out.*', heartbeat => 1);
	foreach my $type (@types)
	{
		my ($name, $words, @values) = @$type;
		my $id = 0;
		$pg->sql("INSERT INTO out.$name VALUES (0, NULL)" . join('', map { ', (' . ++$id . ", ($_)::$words)" } @values));
		# The same by update, whose literals stand elsewhere.
		$pg->sql("INSERT INTO out.$name VALUES (100, NULL); UPDATE out.$name SET v = ($values[0])::$words WHERE id = 100");
	}
	ok($scene->caught_up('goes_out', 120), "$kind: all types arrive") or die "not caught up\n";

	$my->sql('CREATE DATABASE back; ' . join('', map { "CREATE TABLE back.$_->[0] LIKE `out`.$_->[0]; " } @types));
	$pg->sql("SELECT dbstream.create_stream('comes_back', source => 'there', target => 'local', tables => '{back.*}',"
		  . " options => '{\"start\": \"now\", \"heartbeat\": 1}'); SELECT dbstream.start_stream('comes_back')");
	ok($scene->caught_up('comes_back', 60), "$kind: the stream back runs") or die "not caught up\n";
	$my->sql(join('', map { "INSERT INTO back.$_->[0] SELECT * FROM `out`.$_->[0]; " } @types));
	ok($scene->caught_up('comes_back', 60), "$kind: all types come back") or die "not caught up\n";
	foreach my $type (@types)
	{
		my ($name, $words) = @$type;
		my $differ = $pg->sql("SELECT string_agg(format('%s: %s became %s', o.id, left(o.v::text, 80), left(b.v::text, 80)), '; ')"
			  . " FROM out.$name o FULL JOIN back.$name b USING (id) WHERE o.v::text IS DISTINCT FROM b.v::text OR o.id IS NULL OR b.id IS NULL");
		is($differ, '', "$kind: $words comes back as it was");
	}

	# Whole old rows are compared with what is at the target: of every type the value that was written is found there.
	$pg->sql(join('', map { "ALTER TABLE out.$_->[0] REPLICA IDENTITY FULL; UPDATE out.$_->[0] SET id = id + 1000;"
				  . " DELETE FROM out.$_->[0] WHERE id > 1000; " } @types)
		  . q{SELECT dbstream.alter_stream('comes_back', options => '{"before_images": "full"}')});
	ok($scene->caught_up('goes_out', 120), "$kind: whole old rows find theirs") or die "not caught up\n";
	is($my->sql('SELECT ' . join(' + ', map { "(SELECT COUNT(*) FROM `out`.$_->[0])" } @types)), scalar @types, "$kind: and are deleted");
	ok($scene->catches_up('comes_back', 60), "$kind: the stream back asks for whole old rows");
	$my->sql(join('', map { "UPDATE back.$_->[0] SET id = id + 1000; DELETE FROM back.$_->[0] WHERE id > 1000; " } @types));
	ok($scene->caught_up('comes_back', 60), "$kind: whole old rows find theirs on the way back") or die "not caught up\n";
	is($pg->sql('SELECT ' . join(' + ', map { "(SELECT count(*) FROM back.$_->[0])" } @types)), scalar @types, "$kind: and are deleted");
}

sub policies
{
	my ($scene, $kind) = @_;
	my ($pg, $my) = ($scene->source, $scene->target);
	my $n = 0;

	foreach my $case (@unsupported)
	{
		my ($words, $value, $error) = @$case;
		my $table = 'bad_' . ++$n;
		$pg->sql("CREATE TABLE out.$table (id int PRIMARY KEY, v $words); INSERT INTO out.$table VALUES (1, $value)");
		ok(wait_until(30, sub { $pg->sql("SELECT state FROM dbstream.stream_status WHERE name = 'goes_out'") eq 'error' }),
			"$kind: $words $value stops the stream");
		my ($row) = $pg->rows("SELECT last_error, last_error_hint, last_error_position IS NOT NULL FROM dbstream.stream_status WHERE name = 'goes_out'");
		like($row->[0], $error, "$kind: and is named");
		like($row->[0], qr/`out`\.`$table`, column "v"/, "$kind: with its table and column");
		is($my->sql("SELECT COUNT(*) FROM information_schema.tables WHERE table_name = '$table'"), 1, "$kind: the table is there");
		is($my->sql("SELECT COUNT(*) FROM `out`.$table"), 0, "$kind: and nothing in it");
		$pg->sql("SELECT dbstream.alter_stream('goes_out', options => '{\"unsupported_values\": \"null\"}')");
		ok($scene->catches_up('goes_out', 60), "$kind: with the option unsupported_values the stream goes on");
		is($my->sql("SELECT v IS NULL FROM `out`.$table"), 1, "$kind: and the value is NULL");
		is(adjusted($pg, $table), 1, "$kind: and is counted");
		ok($scene->alter('goes_out', unsupported_values => 'error'), "$kind: back to errors");
	}
	counted($scene, $kind);
}

sub adjusted
{
	my ($pg, $table) = @_;

	return $pg->sql("SELECT values_adjusted FROM dbstream.table_status WHERE stream = 'goes_out' AND source_table = '$table'");
}

# Each value that becomes NULL counts once, however it goes: inserted, loaded, updated, looked at before, or copied.
sub counted
{
	my ($scene, $kind) = @_;
	my ($pg, $my) = ($scene->source, $scene->target);

	ok($scene->alter('goes_out', unsupported_values => 'null'), "$kind: such values become NULL");
	$pg->sql("CREATE TABLE out.count (id int PRIMARY KEY, v real, w date, u int UNIQUE)");
	$pg->sql("INSERT INTO out.count SELECT n, 'NaN', 'infinity', n FROM generate_series(1, 200) n");
	$pg->sql("INSERT INTO out.count VALUES (1000, 1, 'infinity', 1000); UPDATE out.count SET v = 'NaN' WHERE id IN (1, 1000)");
	ok($scene->catches_up('goes_out', 60), "$kind: rows with two such values arrive");
	is(adjusted($pg, 'count'), 400 + 1 + 2 + 2, "$kind: each is counted once") or diag($my->sql('SELECT * FROM `out`.`count` LIMIT 3'));
	my ($row) = $pg->rows("SELECT target, state, rows_inserted, rows_updated, rows_deleted, last_applied_at IS NOT NULL"
		  . " FROM dbstream.table_status WHERE stream = 'goes_out' AND source_table = 'count'");
	is("@$row", 'out.count replicating 201 2 0 t', "$kind: table_status shows what was done to the table");

	# A conflict: the row is looked at, then written, and another row stands in its way.
	ok($scene->alter('goes_out', conflicts => 'source_wins'), "$kind: the stream settles conflicts");
	$my->sql('INSERT INTO `out`.`count` VALUES (2000, 1, NULL, 2000), (2001, 1, NULL, 2002)');
	$pg->sql("INSERT INTO out.count VALUES (2000, 'NaN', 'infinity', 2000), (2002, 'NaN', '2024-01-01', 2002)");
	ok($scene->catches_up('goes_out', 60), "$kind: rows that were there already are replaced");
	is($my->sql('SELECT COUNT(*) FROM `out`.`count` WHERE id >= 2000 AND v IS NULL'), 2, "$kind: by the source's");
	is(adjusted($pg, 'count'), 405 + 3, "$kind: and each value is counted once");

	# The same tables copied anew: what is there counts, and nothing of before.
	$pg->sql("SELECT dbstream.resync_stream('goes_out')");
	ok($scene->catches_up('goes_out', 120), "$kind: the tables are copied anew");
	is(adjusted($pg, 'count'), 2 * 200 + 2 + 2 + 1, "$kind: and what the copy changed is counted");
	is($pg->sql("SELECT rows_inserted || ' ' || rows_updated FROM dbstream.table_status WHERE stream = 'goes_out' AND source_table = 'count'"),
		'203 0', "$kind: from zero");
	is($my->sql('SELECT COUNT(DISTINCT stream_key) FROM dbstream.dbstream_tables'), 1, "$kind: counts of the earlier copy are gone");
	$pg->sql('DROP TABLE out.count');
	ok($scene->catches_up('goes_out', 60), "$kind: the table is dropped");
	is($pg->sql("SELECT state FROM dbstream.table_status WHERE stream = 'goes_out' AND source_table = 'count'"), 'dropped', "$kind: and shows so");
}
