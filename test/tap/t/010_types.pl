# Every type at its extremes, with NULLs, and every character set that the server lists: equal on both sides.
# Then the policies: what cannot be carried as it is, is changed only as an option says, and counted.

use strict;
use warnings;
use utf8;

use DBStream::Compare qw(compare_table);
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
		my $good = eval {
			$scene->bridge->start;
			$scene->create_connection('m_source');
			types($scene, $kind);
			character_sets($scene, $kind);
			policies($scene, $kind);
			options($scene, $kind);
			1;
		};
		my $error = $@;
		fail("$kind: $error") unless $good;
		diag($scene->state_text) unless $good && Test::More->builder->is_passing;
		eval { $scene->finish };
	}
}
done_testing();

# name => [ type, values as SQL ]; names are table names
sub matrix
{
	my ($kind) = @_;
	my $d65 = '9' x 65;
	my %matrix = (
		bool_ => [ 'tinyint(1)', 0, 1 ],
		tiny => [ 'tinyint', -128, 127, 0 ],
		utiny => [ 'tinyint unsigned', 0, 255 ],
		small => [ 'smallint', -32768, 32767 ],
		usmall => [ 'smallint unsigned', 0, 65535 ],
		medium => [ 'mediumint', -8388608, 8388607 ],
		umedium => [ 'mediumint unsigned', 0, 16777215 ],
		int_ => [ 'int', -2147483648, 2147483647 ],
		uint => [ 'int unsigned', 0, 4294967295 ],
		big => [ 'bigint', '-9223372036854775808', '9223372036854775807' ],
		ubig => [ 'bigint unsigned', 0, '18446744073709551615', '9223372036854775808' ],
		zerofill_ => [ 'int(9) zerofill', 0, 42 ],
		dec_max => [ 'decimal(65,0)', $d65, "-$d65", 0, 1, -1 ],
		dec_30 => [ 'decimal(65,30)', '9' x 35 . '.' . '9' x 30, '-0.' . '0' x 29 . '1', '0.1', '10000', '10000.0001' ],
		dec_30_30 => [ 'decimal(30,30)', '0.' . '9' x 30, '-0.' . '0' x 29 . '1' ],
		dec_10_2 => [ 'decimal(10,2)', '99999999.99', '-99999999.99', '0.01', '-0.01', '1.10' ],
		dec_9_4 => [ 'decimal(9,4) unsigned', '99999.9999', '0' ],
		float_ => [ 'float', '3.402823466e38', '-3.402823466e38', '1.175494351e-38', '0.1', '-0', '16777217' ],
		double_ => [ 'double', '1.7976931348623157e308', '-1.7976931348623157e308', '2.2250738585072014e-308', '0.1',
			'123456789.123456789', '4.9e-324' ],
		bit1 => [ 'bit(1)', "b'0'", "b'1'" ],
		bit7 => [ 'bit(7)', "b'0000001'", "b'1111111'" ],
		bit64 => [ 'bit(64)', "b'0'", "b'" . '1' x 64 . "'", "b'1" . '0' x 63 . "'" ],
		char_ => [ 'char(10)', "''", "'a'", "'é漢😀'", "'  lead'", "'0123456789'" ],
		char255 => [ 'char(255)', "REPEAT('漢', 255)" ],
		varchar_ => [ 'varchar(300)', "''", "'trailing  '", "REPEAT('😀', 300)", "'\\t\\n\\r\\\\\"\\'%_'" ],
		varchar255 => [ 'varchar(255)', "REPEAT('a', 255)", "'b'" ],
		tinytext_ => [ 'tinytext', "''", "REPEAT('x', 255)" ],
		text_ => [ 'text', "REPEAT('x', 65535)", "'y'" ],
		mediumtext_ => [ 'mediumtext', "REPEAT('äöü', 100000)" ],
		longtext_ => [ 'longtext', "REPEAT('0123456789abcdef', 250000)", "''" ],
		binary_ => [ 'binary(4)', "X'00000000'", "X'01000000'", "X'FF'", "''", "X'20202020'" ],
		binary16_ => [ 'binary(16)', "X'00112233445566778899AABBCCDDEEFF'", "X'00'" ],
		varbinary_ => [ 'varbinary(300)', "''", "X'00'", "X'0100'", "X'2020'", "REPEAT(X'FF00', 150)" ],
		tinyblob_ => [ 'tinyblob', "''", "REPEAT(X'00', 255)" ],
		blob_ => [ 'blob', "REPEAT(X'DEADBEEF', 16383)" ],
		mediumblob_ => [ 'mediumblob', "REPEAT(X'00FF', 500000)" ],
		longblob_ => [ 'longblob', "REPEAT(X'0001', 2000000)" ],
		date_ => [ 'date', "'1000-01-01'", "'9999-12-31'", "'2024-02-29'", "'1969-12-31'", "'0001-01-01'", "'1999-12-31'" ],
		time0 => [ 'time', "'-838:59:59'", "'838:59:59'", "'00:00:00'", "'-00:00:01'", "'24:00:00'" ],
		time6 => [ 'time(6)', "'838:59:58.999999'", "'-838:59:58.999999'", "'-00:00:00.000001'", "'00:00:00.000001'",
			"'-01:00:00.500000'" ],
		datetime0 => [ 'datetime', "'1000-01-01 00:00:00'", "'9999-12-31 23:59:59'" ],
		datetime6 => [ 'datetime(6)', "'1000-01-01 00:00:00.000001'", "'9999-12-31 23:59:59.999999'",
			"'1970-01-01 00:00:00.500000'" ],
		timestamp0 => [ 'timestamp NULL', "'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'" ],
		timestamp6 => [ 'timestamp(6) NULL', "'1970-01-01 00:00:01.000001'", "'2038-01-19 03:14:07.999999'" ],
		year_ => [ 'year', 1901, 2155, "'0000'", 2000 ],
		enum_ => [ "enum('a','B','with space','it''s','é漢','')", "'a'", "'B'", "'with space'", "'it''s'", "'é漢'", "''" ],
		set_ => [ "set('a','b','c d','é')", "''", "'a'", "'a,b,c d,é'", "'é'" ],
		set64 => [ 'set(' . join(',', map { "'s$_'" } 1 .. 64) . ')', "'s1,s64'", "'" . join(',', map { "s$_" } 1 .. 64) . "'" ],
		json_ => [ 'json', "'{}'", "'[]'", "'null'", "'true'", "'\"text é漢😀 \\\\u0041\"'", "'0'",
			"'18446744073709551615'", "'-9223372036854775808'", "'1.5e300'", "'0.1'",
			"'{\"a\": [1, 2.5, \"x\", null, {\"deep\": [[[[]]]]}], \"\": {}}'",
			"CONCAT('[', REPEAT('1,', 40000), '2]')", "CONCAT('{\"k\": \"', REPEAT('z', 70000), '\"}')" ],
		geometry_ => [ 'geometry', "ST_GeomFromText('POINT(1 2)')", "ST_GeomFromText('LINESTRING(0 0,1 1,2 3)')",
			"ST_GeomFromText('POLYGON((0 0,4 0,4 4,0 4,0 0),(1 1,2 1,2 2,1 1))')", "ST_GeomFromText('MULTIPOINT(1 1,2 2)')",
			"ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,1 1))')",
			"ST_GeomFromText('POINT(10 20)', 4326)", "ST_GeomFromText('GEOMETRYCOLLECTION EMPTY')" ],
		point_ => [ 'point', "ST_GeomFromText('POINT(-1.5 1e300)')" ],
		polygon_ => [ 'polygon', "ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))')" ]);

	if ($kind eq 'mysql')
	{
		$matrix{json_typed} = [ 'json', "JSON_OBJECT('d', CAST('2024-02-29' AS DATE), 't', CAST('12:34:56.789' AS TIME(3)),"
			  . " 'dt', CAST('2024-02-29 01:02:03.000004' AS DATETIME(6)), 'n', CAST('12345.678900' AS DECIMAL(12,6)))" ];
		$matrix{vector_} = [ 'vector(3)', "TO_VECTOR('[1,-2.5,3e38]')", "TO_VECTOR('[0,0,0]')" ];
	}
	else
	{
		$matrix{uuid_} = [ 'uuid', "'00112233-4455-6677-8899-aabbccddeeff'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'",
			"'00000000-0000-0000-0000-000000000000'" ];
		$matrix{inet4_} = [ 'inet4', "'0.0.0.0'", "'255.255.255.255'" ];
		$matrix{inet6_} = [ 'inet6', "'::'", "'2001:db8::ff00:42:8329'", "'::ffff:192.0.2.1'" ];
	}
	return \%matrix;
}

sub bytes { my ($text) = @_; utf8::encode($text); return $text; }

sub types
{
	my ($scene, $kind) = @_;
	my $source = $scene->source;
	my $matrix = matrix($kind);

	$scene->create_stream_from('m', 'matrix', 'matrix.*');
	$source->sql("CREATE DATABASE matrix CHARACTER SET utf8mb4");
	foreach my $name (sort keys %$matrix)
	{
		my ($type, @values) = @{ $matrix->{$name} };
		my $id = 0;
		my $rows = join(', ', map { '(' . ++$id . ", $_)" } @values, 'NULL');
		# The last rows are changed again: an update to a value, one to NULL, one from NULL, and a delete.
		$source->sql(
			bytes("CREATE TABLE `$name` (id int PRIMARY KEY, v $type);"
				  . "INSERT INTO `$name` VALUES $rows;"
				  . "INSERT INTO `$name` SELECT id + 100, v FROM `$name` ORDER BY id;"
				  . "UPDATE `$name` SET v = $values[-1] WHERE id = 101;"
				  . "UPDATE `$name` SET v = NULL WHERE id = 102;"
				  . "UPDATE `$name` SET v = $values[0] WHERE id = 100 + $id;"
				  . "DELETE FROM `$name` WHERE id = 103;"
				  . "CREATE TABLE `${name}_nokey` (v $type, w int);"
				  . "INSERT INTO `${name}_nokey` SELECT v, id % 3 FROM `$name`;"
				  . "UPDATE `${name}_nokey` SET w = 7 WHERE w = 1; DELETE FROM `${name}_nokey` WHERE w = 2;"),
			'matrix');
	}
	ok($scene->caught_up('m', 120), "$kind: the type matrix is applied") or die "not caught up\n";
	foreach my $name (sort keys %$matrix)
	{
		is(compare_table($source, $scene->target, 'matrix', $name), '', "$kind: " . bytes($matrix->{$name}[0] =~ s/^(.{60}).*/$1.../r));
		is(compare_table($source, $scene->target, 'matrix', "${name}_nokey"), '', "$kind: the same without a key: $name");
	}
	$scene->drop_stream('m');
}

sub character_sets
{
	my ($scene, $kind) = @_;
	my $source = $scene->source;
	my @sets = map { $_->[0] } $source->rows(
		"SELECT character_set_name FROM information_schema.character_sets WHERE character_set_name <> 'binary' ORDER BY 1");

	cmp_ok(scalar @sets, '>', 30, "$kind lists " . @sets . ' character sets');
	$source->sql('CREATE DATABASE charsets CHARACTER SET utf8mb4; CREATE DATABASE sample CHARACTER SET utf8mb4;'
		  . ' CREATE TABLE sample.letter (id int PRIMARY KEY, s varchar(2) COLLATE utf8mb4_bin NOT NULL)');
	my @letters = (1 .. 0xD7FF, 0xE000 .. 0xFFFD, map { 0x10000 + $_ * 977 } 0 .. 1000);
	while (my @part = splice(@letters, 0, 8000))
	{
		$source->sql('INSERT INTO sample.letter VALUES '
			  . join(',', map { sprintf("(%d, CONVERT(_utf32 X'%08X' USING utf8mb4))", $_, $_) } @part));
	}
	$scene->create_stream_from('c', 'charsets', 'charsets.*');
	foreach my $set (@sets)
	{
		# What the character set can hold is what comes back from it unchanged.
		my $back = "CONVERT(CONVERT(s USING $set) USING utf8mb4) COLLATE utf8mb4_bin";
		$source->sql("CREATE TABLE $set (id int PRIMARY KEY, v varchar(200) CHARACTER SET $set, c char(3) CHARACTER SET $set,"
			  . " t text CHARACTER SET $set, e enum('a','b c') CHARACTER SET $set, w set('x','yz') CHARACTER SET $set);"
			  . "SET group_concat_max_len = 10000;"
			  . "INSERT INTO $set SELECT id DIV 100, CONVERT(GROUP_CONCAT(s ORDER BY id SEPARATOR '') USING $set),"
			  . " CONVERT(MIN(s) USING $set), CONVERT(GROUP_CONCAT(s ORDER BY id DESC SEPARATOR '') USING $set), 'b c', 'x,yz'"
			  . " FROM sample.letter WHERE $back = s AND id <> 32 GROUP BY id DIV 100",
			'charsets');
	}
	ok($scene->caught_up('c', 240), "$kind: the character sets are applied") or die "not caught up\n";
	foreach my $set (@sets)
	{
		is(compare_table($source, $scene->target, 'charsets', $set), '', "$kind: character set $set");
	}
	$scene->drop_stream('c');
}

# A stream that has to stop: its error must name the thing and what to do. Returns message, detail and hint.
sub error_of
{
	my ($scene, $stream) = @_;

	$scene->target->wait_for("SELECT count(*) > 0 FROM dbstream.errors WHERE stream = '$stream'", 60)
	  or return 'no error appeared';
	return $scene->target->sql("SELECT concat_ws(' / ', message, detail, hint, context) FROM dbstream.errors"
		  . " WHERE stream = '$stream' ORDER BY last_at DESC LIMIT 1");
}

sub policies
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	$source->sql('CREATE DATABASE zero');
	$scene->create_stream_from('z', 'zero', 'zero.*', zero_dates => 'null');
	$source->sql(<<'END', 'zero');
SET sql_mode = 'ALLOW_INVALID_DATES';
CREATE TABLE d (id int PRIMARY KEY, a date, b datetime(3), c timestamp NULL, e date NOT NULL);
INSERT INTO d VALUES (1, '0000-00-00', '0000-00-00 00:00:00', '0000-00-00 00:00:00', '2024-01-01'),
	(2, '2024-00-10', '2024-01-00 10:00:00', NULL, '2024-01-01'), (3, '2024-02-29', '2024-02-29 00:00:00', '2024-02-29 00:00:00', '2024-01-01');
END
	ok($scene->caught_up('z', 60), "$kind: zero dates pass with zero_dates null") or die "not caught up\n";
	is($target->sql('SELECT count(*) FILTER (WHERE a IS NULL), count(*) FILTER (WHERE b IS NULL) FROM zero.d'), '2|2',
		"$kind: zero and partial dates are NULL");
	cmp_ok($target->sql("SELECT sum(values_adjusted) FROM dbstream.table_status WHERE stream = 'z'"), '>=', 5,
		"$kind: and they are counted");
	$scene->drop_stream('z');

	$source->sql('CREATE DATABASE zero2');
	$scene->create_stream_from('z2', 'zero2', 'zero2.*', zero_dates => 'error');
	$source->sql("SET sql_mode = ''; CREATE TABLE d (id int PRIMARY KEY, a date); INSERT INTO d VALUES (1, '0000-00-00')", 'zero2');
	like(error_of($scene, 'z2'), qr/zero_dates/, "$kind: a zero date stops the stream under zero_dates error, naming the option");
	$target->sql(q{SELECT dbstream.alter_stream('z2', options => '{"zero_dates": "null"}')});
	ok($scene->caught_up('z2', 60), "$kind: and it goes on after the option was changed");
	is($target->sql('SELECT count(*) FROM zero2.d WHERE a IS NULL'), '1', "$kind: with nothing lost");
	$scene->drop_stream('z2');

	$source->sql('CREATE DATABASE nul');
	$scene->create_stream_from('n', 'nul', 'nul.*');
	$source->sql("CREATE TABLE t (id int PRIMARY KEY, v varchar(20)); INSERT INTO t VALUES (1, 'a\\0b')", 'nul');
	like(error_of($scene, 'n'), qr/nul_bytes/, "$kind: a NUL byte in a text stops the stream, naming the option");
	$target->sql(q{SELECT dbstream.alter_stream('n', options => '{"nul_bytes": "strip"}')});
	ok($scene->caught_up('n', 60), "$kind: and it goes on with nul_bytes strip");
	is($target->sql('SELECT v FROM nul.t'), 'ab', "$kind: the NUL byte is gone, the rest is there");
	$scene->drop_stream('n');

	$source->sql('CREATE DATABASE tiny1');
	$scene->create_stream_from('y', 'tiny1', 'tiny1.*');
	$source->sql('CREATE TABLE t (id int PRIMARY KEY, v tinyint(1)); INSERT INTO t VALUES (1, 2)', 'tiny1');
	like(error_of($scene, 'y'), qr/tinyint1/, "$kind: 2 in a TINYINT(1) stops the stream, naming the option");
	$scene->drop_stream('y');
}

# Each type option: the column has the type that it asks for, and the values are the same.
sub options
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);
	my %expected = (
		a => 'smallint', b => 'bigint', c => 'uuid', d => 'time without time zone', f => 'text', g => 'json');

	$source->sql('CREATE DATABASE opt');
	$scene->create_stream_from('o', 'opt', 'opt.*', tinyint1 => 'smallint', bigint_unsigned => 'bigint', binary16 => 'uuid',
		time => 'time', enum => 'type', set => 'text', json => 'json');
	$source->sql(<<'END', 'opt');
CREATE TABLE t (id int PRIMARY KEY, a tinyint(1), b bigint unsigned, c binary(16), d time(3), e enum('x','y z'), f set('p','q'), g json);
INSERT INTO t VALUES (1, 127, 9223372036854775807, X'00112233445566778899AABBCCDDEEFF', '23:59:59.999', 'y z', 'p,q', '{"b": 1, "a": 2}');
INSERT INTO t (id) VALUES (2);
END
	ok($scene->caught_up('o', 60), "$kind: the type options are applied") or die "not caught up\n";
	my %types = map { $_->[0] => $_->[1] } $target->rows("SELECT attname, format_type(atttypid, NULL) FROM pg_attribute"
		  . " WHERE attrelid = 'opt.t'::regclass AND attnum > 0");
	is($types{$_}, $expected{$_}, "$kind: column $_ is $expected{$_}") foreach sort keys %expected;
	is($target->sql("SELECT typtype FROM pg_type t JOIN pg_attribute a ON a.atttypid = t.oid"
			  . " WHERE attrelid = 'opt.t'::regclass AND attname = 'e'"), 'e', "$kind: the enum is a type of its own");
	is(compare_table($source, $target, 'opt', 't'), '', "$kind: the values are the same under the type options");
	$scene->drop_stream('o');
}
