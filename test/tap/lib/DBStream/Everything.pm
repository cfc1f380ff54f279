package DBStream::Everything;

# Tables of every sort that a backfill may meet, beside those of DBStream::Backfill: each kind of key, none, a large
# table, an empty one, one of 500 columns, one of very large values, one with a column of each type and the same without
# a key; and a writer that changes all of them meanwhile.

use strict;
use warnings;

use DBStream::Compare qw(compare_table source_tables);
use DBStream::Matrix qw(matrix);
use DBStream::Process qw(in_child);
use Exporter 'import';

our @EXPORT_OK = qw(create_everything start_everything_writer compare_everything);

# name => [ key columns, the key of row number i ]; v varchar(200) is the other column. Bytes are written as they are.
my %keyed = (
	by_uuid_text => [
		'k char(36) CHARACTER SET ascii NOT NULL',
		"CONCAT_WS('-', LEFT(SHA2(i, 256), 8), SUBSTR(SHA2(i, 256), 9, 4), SUBSTR(SHA2(i, 256), 13, 4), SUBSTR(SHA2(i, 256), 17, 4),"
		  . ' SUBSTR(SHA2(i, 256), 21, 12))' ],
	by_uuid_bytes => [ 'k binary(16) NOT NULL', 'UNHEX(LEFT(SHA2(i, 256), 32))' ],
	by_decimal => [ 'k decimal(20,5) NOT NULL', '(CAST(i AS SIGNED) * 7919 - 30000000) / 1000' ],
	by_unsigned => [ 'k bigint unsigned NOT NULL', '18446744073709551615 - (i) * 1000' ],
	by_signed => [ 'k int NOT NULL', 'CAST(i AS SIGNED) * IF((i) % 2 = 0, 1, -1)' ],
	by_moment => [
		'd date NOT NULL, t time(3) NOT NULL', "'2000-01-01' + INTERVAL (i) % 500 DAY",
		'SEC_TO_TIME(CAST(i AS SIGNED) * 37 % 3000000 - 1500000)' ],
	by_text => [ 'k varchar(100) COLLATE utf8mb4_bin NOT NULL', q{CONCAT(ELT(1 + (i) % 6, '''', '\\\\', 'é', '😀', 'a b', '"'), i)} ],
	by_latin => [ 'k varchar(50) CHARACTER SET latin1 NOT NULL', "CONCAT(ELT(1 + (i) % 3, 'é', 'ß', 'z'), i)" ],
	by_timestamp => [ 'k timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)', "'2001-01-01 00:00:00.000001' + INTERVAL (i) MINUTE" ],
	by_many => [
		'a int NOT NULL, b varchar(20) NOT NULL, c smallint NOT NULL, d date NOT NULL', '(i) % 7', "CONCAT('b', (i) % 11)",
		'(i) % 30000', "'2010-01-01' + INTERVAL (i) DIV 30000 DAY" ]);
my @wide = map { [ "c$_", ('int', 'varchar(10) CHARACTER SET ascii', 'decimal(10,2)', 'datetime', 'bigint unsigned')[ $_ % 5 ] ] } 1 .. 499;

sub keyed_tables
{
	my ($kind) = @_;

	return $kind eq 'mariadb' ? (%keyed, by_uuid => [ 'k uuid NOT NULL', $keyed{by_uuid_text}[1] ]) : %keyed;
}

# The key of row number i, as a list of values.
sub key_values
{
	my ($table, $i) = @_;
	my ($columns, @values) = @$table;

	return map { s/\bi\b/$i/gr } @values;
}

sub key_names
{
	my ($table) = @_;

	return map { /^\s*(\w+)/ } split(/,(?!\d)/, $table->[0]);
}

my $digits = join(' UNION ALL ', 'SELECT 0 d', map { "SELECT $_" } 1 .. 9);

# Numbers from $first on, $count of them, as column n.
sub numbers
{
	my ($first, $count) = @_;
	my @names = map { "d$_" } 0 .. length($count - 1) - 1;
	my $sum = join(' + ', map { "$names[$_].d * " . 10**$_ } 0 .. $#names);

	return "(SELECT $sum + $first AS n FROM " . join(', ', map { "($digits) $_" } @names) . " HAVING n < $first + $count) numbers";
}

# large: rows of the largest table; small: of the others; value_mb: size of the very large values.
sub create_everything
{
	my ($source, %given) = @_;
	my %tables = keyed_tables($source->kind);
	my ($large, $small, $bytes) = ($given{large}, $given{small}, $given{value_mb} * 1024 * 1024);
	my @wide_values = map { $_ % 5 == 1 ? "CONCAT('w', n)" : $_ % 5 == 3 ? "'2000-01-01' + INTERVAL n SECOND" : "n + $_" } 1 .. 499;

	$source->sql(<<"END");
CREATE DATABASE more CHARACTER SET utf8mb4;
USE more;
CREATE TABLE large (id int PRIMARY KEY, n int, a varchar(120), b varchar(60), KEY (n));
CREATE TABLE vacant (id int PRIMARY KEY, v text);
CREATE TABLE wide (id int PRIMARY KEY, @{[ join(', ', map { "$_->[0] $_->[1]" } @wide) ]});
CREATE TABLE giant (id int PRIMARY KEY, v longblob, t longtext);
CREATE TABLE perhaps (id int, u varchar(40), UNIQUE KEY (u));
CREATE TABLE heap (a int, b varchar(40), c double);
INSERT INTO wide SELECT n, @{[ join(', ', @wide_values) ]} FROM @{[ numbers(1, 300) ]};
INSERT INTO perhaps SELECT n, IF(n % 5 = 0, NULL, CONCAT('u', n)) FROM @{[ numbers(1, $small) ]};
INSERT INTO heap SELECT n % 20, CONCAT('h', n % 3), n / 3 FROM @{[ numbers(1, $small) ]};
END
	foreach my $first (map { $_ * 100_000 } 0 .. int(($large - 1) / 100_000))
	{
		my $count = $large - $first < 100_000 ? $large - $first : 100_000;
		$source->sql("INSERT INTO large SELECT n, n * 7919 % 100000, CONCAT('a text of the usual length, number ', n,"
			  . " REPEAT(' and more', n % 8)), LEFT(SHA2(n, 256), 32) FROM " . numbers($first, $count), 'more');
	}
	$source->sql("INSERT INTO giant VALUES ($_, REPEAT(UNHEX(SHA2($_, 256)), $bytes DIV 32), IF($_ % 2 = 0, REPEAT('gr\xc3\xb6\xc3\x9f', "
		  . "$bytes DIV 8), 'small'))", 'more')
	  foreach 1 .. 4;
	foreach my $name (sort keys %tables)
	{
		my @names = key_names($tables{$name});
		$source->sql("CREATE TABLE $name ($tables{$name}[0], v varchar(200), PRIMARY KEY (" . join(', ', @names) . "));"
			  . " INSERT IGNORE INTO $name SELECT " . join(', ', key_values($tables{$name}, 'n')) . ", CONCAT('value ', n) FROM "
			  . numbers(1, $small), 'more');
	}
	$source->sql(types_sql($source->kind), 'more');
}

# A column of every type; row number i has the i-th value of each, and from the third row on none that is very large.
sub types_sql
{
	my ($kind) = @_;
	my $matrix = matrix($kind);
	my @types = sort keys %$matrix;
	my $columns = join(', ', map { "`$_` $matrix->{$_}[0]" } @types);
	my $sql = "CREATE TABLE types (id int PRIMARY KEY, $columns);";

	foreach my $i (1 .. 14)
	{
		my @row = map {
			my ($type, @values) = @{ $matrix->{$_} };
			my $value = $values[ ($i - 1) % @values ];
			$i > 2 && $value =~ /REPEAT.*\d{4}\)/ ? 'NULL' : $value;
		} @types;
		$sql .= "INSERT INTO types VALUES ($i, " . join(', ', @row) . ');';
	}
	my $names = join(', ', map { "`$_`" } @types);
	$sql .= "INSERT INTO types (id) VALUES (15); INSERT INTO types SELECT 100 + id, $names FROM types WHERE id > 2;"
	  . "CREATE TABLE types_heap (w int, $columns); INSERT INTO types_heap SELECT id % 3, $names FROM types WHERE id > 1;";
	utf8::encode($sql);
	return $sql;
}

# A writer changes every table until the flag appears.
sub start_everything_writer
{
	my ($source, $flag, %given) = @_;
	my %tables = keyed_tables($source->kind);
	my @types = sort keys %{ matrix($source->kind) };

	return in_child(
		'writer of everything',
		sub {
			my $round = 0;
			srand($given{seed});
			until (-e $flag)
			{
				my $sql = '';
				foreach (1 .. 5)
				{
					$round++;
					$sql .= keyed_changes($_, $tables{$_}, $round, $given{small}) foreach sort keys %tables;
					$sql .= other_changes($round, $given{large}, $given{small});
				}
				$sql .= type_changes($round, @types);
				$sql .= giant_changes($round) if $round % 20 == 0;
				my ($status, $out, $err) = $source->client($sql, 'more');
				# The other writers and the faults may be in the way: then the next round tries something else.
				die $err if $status != 0 && $err !~ /Deadlock|Duplicate|Lock wait|ERROR 20[01]\d|foreign key/;
			}
		});
}

sub keyed_changes
{
	my ($name, $table, $round, $small) = @_;
	my $new = $small * 2 + $round;
	my $is = sub {
		my @values = key_values($table, $_[0]);
		my @names = key_names($table);
		return join(' AND ', map { "$names[$_] = $values[$_]" } 0 .. $#names);
	};
	my @some = map { 1 + int(rand($small)) } 1 .. 4;
	my @names = key_names($table);
	my @moved = key_values($table, $new + 1_000_000);
	my $moved = join(', ', map { "$names[$_] = $moved[$_]" } 0 .. $#names);

	return "INSERT IGNORE INTO $name VALUES (" . join(', ', key_values($table, $new)) . ", 'new $round');"
	  . "UPDATE $name SET v = 'changed $round' WHERE @{[ $is->($some[0]) ]};"
	  . "UPDATE IGNORE $name SET $moved WHERE @{[ $is->($some[1]) ]};"
	  . "DELETE FROM $name WHERE @{[ $is->($some[2]) ]};"
	  . "INSERT IGNORE INTO $name VALUES (" . join(', ', key_values($table, $some[2])) . ", 'again');\n";
}

sub other_changes
{
	my ($round, $large, $small) = @_;
	my ($one, $two, $three) = map { int(rand($large)) } 1 .. 3;
	my $some = int(rand($small));

	return <<"END";
UPDATE large SET a = 'changed $round', n = n + 1 WHERE id BETWEEN $one AND $one + 20;
DELETE FROM large WHERE id = $two;
UPDATE large SET id = id + 100000000 WHERE id = $three;
INSERT IGNORE INTO large VALUES ($round + 50000000, $round, 'new', NULL), (-$round, $round, 'new', 'in front');
INSERT INTO vacant VALUES ($round, 'not any more');
DELETE FROM vacant WHERE id < $round - 20;
UPDATE wide SET c1 = 'w$round', c250 = $round, c499 = $round WHERE id = 1 + $some % 300;
INSERT IGNORE INTO wide (id, c1, c2) VALUES (1000 + $round, 'few', 1);
UPDATE IGNORE perhaps SET u = CONCAT('x', $round) WHERE id = $some;
UPDATE perhaps SET u = NULL WHERE id = $some + 1;
INSERT INTO heap VALUES ($some % 20, 'h1', 0.5);
DELETE FROM heap WHERE a = $some % 20 LIMIT 1;
BEGIN; UPDATE large SET n = -1 WHERE id < 1000; DELETE FROM large WHERE id < 500; ROLLBACK;
END
}

# A value of the same type comes from another row of the table. The first two rows hold large values and rarely change.
sub type_changes
{
	my ($round, @types) = @_;
	my $names = join(', ', map { "`$_`" } @types);
	my $type = '`' . $types[ int(rand(@types)) ] . '`';
	my $row = $round % 50 == 0 ? 1 + int(rand(2)) : 3 + int(rand(12));

	return "UPDATE types SET $type = (SELECT v FROM (SELECT $type AS v FROM types WHERE id > 2 ORDER BY RAND() LIMIT 1) o)"
	  . " WHERE id IN ($row, $row + 100);"
	  . "INSERT INTO types (id, $names) SELECT 1000 + $round, $names FROM types WHERE id > 2 ORDER BY RAND() LIMIT 1;"
	  . "DELETE FROM types WHERE id < 900 + $round AND id > 200;"
	  . "UPDATE types_heap SET w = w + 1, $type = NULL WHERE w > 0 AND longtext_ IS NULL LIMIT 1;\n";
}

sub giant_changes
{
	my ($round) = @_;

	return "UPDATE giant SET v = INSERT(v, 1000, 4, 'ABCD'), t = CONCAT(t, '$round') WHERE id = " . (1 + $round / 20 % 4) . ";\n";
}

# Every value of every table. Returns the differences' text.
sub compare_everything
{
	my ($source, $target, %given) = @_;
	my $text = '';

	foreach my $table (grep { !/^(large|giant)$/ } source_tables($source, 'more'))
	{
		$text .= compare_table($source, $target, 'more', $table);
	}
	my ($low, $high) = @{ ($source->rows('SELECT MIN(id), MAX(id) FROM more.large'))[0] };
	my $step = 200_000;
	$text .= compare_table($source, $target, 'more', 'large', where => "id < 0");
	for (my $first = 0; $first < $given{large}; $first += $step)
	{
		$text .= compare_table($source, $target, 'more', 'large', where => "id BETWEEN $first AND $first + " . ($step - 1)
			  . " AND id < $given{large}");
	}
	$text .= compare_table($source, $target, 'more', 'large', where => "id >= $given{large}");
	$text .= 'more.large: ' . $target->sql('SELECT min(id), max(id) FROM more.large') . " instead of $low|$high\n"
	  unless $target->sql('SELECT min(id), max(id) FROM more.large') eq "$low|$high";
	# A gigabyte of hexadecimal digits would take long: lengths and digests do.
	my $mine = join(',', map { join('|', @$_) } $source->rows(
		'SELECT id, LENGTH(v), SHA2(v, 256), LENGTH(t), SHA2(t, 256) FROM more.giant ORDER BY id'));
	my $theirs = join(',', split(/\n/, $target->sql(
		"SELECT id, length(v), encode(sha256(v), 'hex'), octet_length(t), encode(sha256(convert_to(t, 'UTF8')), 'hex')"
		  . ' FROM more.giant ORDER BY id')));
	$text .= "more.giant: $theirs instead of $mine\n" unless $mine eq $theirs;
	return $text;
}

1;
