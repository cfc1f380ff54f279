package DBStream::Matrix;

# Every type of a source at its extremes.

use strict;
use warnings;
use utf8;

use Exporter 'import';

our @EXPORT_OK = qw(matrix matrix_sql option_matrix matrix_options left_out);

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
		polygon_ => [ 'polygon', "ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))')" ],
		linestring_ => [ 'linestring', "ST_GeomFromText('LINESTRING(0 0,1 1,-2 3.5)')" ],
		multipoint_ => [ 'multipoint', "ST_GeomFromText('MULTIPOINT(1 1,2 2)')" ],
		multilinestring_ => [ 'multilinestring', "ST_GeomFromText('MULTILINESTRING((0 0,1 1),(2 2,3 3,4 5))')" ],
		multipolygon_ => [ 'multipolygon', "ST_GeomFromText('MULTIPOLYGON(((0 0,1 0,1 1,0 0)),((5 5,6 5,6 6,5 5)))')" ],
		collection_ => [ 'geometrycollection', "ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,1 1))')" ],
		boolean_ => [ 'bool', 1, 0 ]);

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

# The same for types that an option makes another type of: values that fit it.
sub option_matrix
{
	my %matrix = (
		o_tinyint1 => [ 'tinyint(1)', -128, 127, 0, 1 ],
		o_bool => [ 'bool', 0, 2 ],
		o_ubig => [ 'bigint unsigned', 0, '9223372036854775807' ],
		o_binary16 => [ 'binary(16)', "X'00112233445566778899AABBCCDDEEFF'", "X'00'" ],
		o_time => [ 'time(6)', "'00:00:00'", "'23:59:59.999999'", "'24:00:00'" ],
		o_enum => [ "enum('a','B','it''s','é漢')", "'a'", "'B'", "'it''s'", "'é漢'" ],
		o_set => [ "set('a','b','c d','é')", "''", "'a'", "'a,b,c d,é'" ],
		o_json => [ 'json', "'{}'", "'[1, 2.5, \"x\", null]'", "'\"é漢\"'", "'{\"b\": 1, \"a\": {\"x\": []}}'" ]);

	return \%matrix;
}

# The options under which the tables of either are copied. What is not said here is the default.
sub matrix_options
{
	my ($of_options) = @_;

	return $of_options
	  ? (tinyint1 => 'smallint', bigint_unsigned => 'bigint', binary16 => 'uuid', time => 'time', enum => 'type', set => 'text')
	  : (json => 'json');
}

# Rows of dbstream.type_map() that none of the types given has tried. map: rows of source_type, condition, target_type;
# tried: type as declared => the types that it has become; flavour: MariaDB or MySQL; installed: extensions.
sub left_out
{
	my ($map, $tried, $flavour, @installed) = @_;
	my @left;

	foreach my $row (@$map)
	{
		my ($sources, $condition, $target) = @$row;
		next if $condition =~ /^(MariaDB|MySQL)$/ && $condition ne $flavour;
		next if $condition =~ /^(\w+) installed$/ && !grep { lc $_ eq lc $1 } @installed;
		next if $sources =~ /^vector/ && $flavour ne 'MySQL';
		(my $wanted = $target) =~ s/\([^)]*\)//;
		foreach my $source (split /, /, $sources)
		{
			push @left, "$source ($condition) as $target"
			  unless grep { is_type($_, $source, $condition) && grep { $_ eq $wanted } @{ $tried->{$_} } } keys %$tried;
		}
	}
	return @left;
}

# "decimal(p,s)" is a decimal of any size, "binary(16)" of that one; what has none in the map has none here, but for
# labels.
sub is_type
{
	my ($declared, $wanted, $condition) = @_;
	my ($name, $size) = $declared =~ /^(\w+)(?:\((.*)\))?/s;
	my ($wanted_name, $wanted_size) = $wanted =~ /^(\w+)(?:\((.*)\))?/;

	return 0 if $name ne $wanted_name || ($condition eq 'unsigned') != ($declared =~ / unsigned/ ? 1 : 0);
	return defined $size && $size eq $wanted_size if defined $wanted_size && $wanted_size =~ /^\d/;
	return 0 if $condition eq 'n above 1' && $size <= 1;
	return 1 if defined $wanted_size || $name =~ /^(enum|set|int)$/;
	return !defined $size;
}

# The statements that make the table of one type and fill it, as bytes.
sub matrix_sql
{
	my ($name, $type, @values) = @_;
	my $id = 0;
	my $rows = join(', ', map { '(' . ++$id . ", $_)" } @values, 'NULL');
	# The last rows are changed again: an update to a value, one to NULL, one from NULL, and a delete.
	my $sql = "CREATE TABLE `$name` (id int PRIMARY KEY, v $type);"
	  . "INSERT INTO `$name` VALUES $rows;"
	  . "INSERT INTO `$name` SELECT id + 100, v FROM `$name` ORDER BY id;"
	  . "UPDATE `$name` SET v = $values[-1] WHERE id = 101;"
	  . "UPDATE `$name` SET v = NULL WHERE id = 102;"
	  . "UPDATE `$name` SET v = $values[0] WHERE id = 100 + $id;"
	  . "DELETE FROM `$name` WHERE id = 103;"
	  . "CREATE TABLE `${name}_nokey` (v $type, w int);"
	  . "INSERT INTO `${name}_nokey` SELECT v, id % 3 FROM `$name`;"
	  . "UPDATE `${name}_nokey` SET w = 7 WHERE w = 1; DELETE FROM `${name}_nokey` WHERE w = 2;";

	utf8::encode($sql);
	return $sql;
}

1;
