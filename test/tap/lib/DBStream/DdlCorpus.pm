package DBStream::DdlCorpus;

# Random CREATE TABLE and ALTER TABLE statements for MySQL and MariaDB, from a
# seed: the same seed gives the same statements.  Most are accepted by the
# server; what it refuses is simply not compared.

use strict;
use warnings;
use utf8;

sub new
{
	my ($class, %given) = @_;
	my $self = bless { kind => $given{kind}, number => 0 }, $class;

	srand($given{seed} // 1);
	return $self;
}

sub one { return $_[ int(rand(@_)) ]; }
sub chance { return rand(100) < $_[0]; }

# A type as written, and a literal default for it or undef.
sub type
{
	my ($self) = @_;
	my $unsigned = one('', '', ' UNSIGNED');
	my $n = 1 + int(rand(40));
	my @types = (
		[ one('TINYINT', 'SMALLINT', 'MEDIUMINT', 'INT', 'INTEGER', 'BIGINT') . $unsigned, one(0, 1, 7, "'5'", '100') ],
		[ one('TINYINT(4)', 'INT(11)', 'INT(5) ZEROFILL', 'BIGINT(20)'), one(0, "'12'", 99) ],
		[ one('TINYINT(1)', 'BOOL', 'BOOLEAN'), one(0, 1, "'1'", 'TRUE', 'FALSE') ],
		[ one('DECIMAL(10,2)', 'NUMERIC(65,30)', 'DECIMAL(5)', 'DEC', 'FIXED(12,4)', 'DECIMAL(20,0) UNSIGNED'),
			one("'0.00'", '1.5', '-3', 0) ],
		[ one('FLOAT', 'DOUBLE', 'DOUBLE PRECISION', 'REAL', 'FLOAT(7,3)', 'FLOAT(53)'), one(0, '1.5', "'2.25'", '1e3') ],
		[ "CHAR($n)", one("'a'", "''", "'x''y'", "'\\\\'") ],
		[ "VARCHAR($n)", one("'a'", "''", "'it''s'", '"q"', '5') ],
		[ "VARCHAR(" . 10 * $n . ") CHARACTER SET " . one('latin1', 'utf8mb4', 'ascii'), one("'abc'", "''") ],
		[ "VARCHAR(30) COLLATE utf8mb4_bin", "'Z'" ],
		[ one('TINYTEXT', 'TEXT', 'MEDIUMTEXT', 'LONGTEXT', 'TEXT(100)'), undef ],
		[ one('TINYBLOB', 'BLOB', 'MEDIUMBLOB', 'LONGBLOB'), undef ],
		[ "BINARY($n)", one("'a'", "''") ],
		[ "VARBINARY($n)", one("'a'", "''", "x'41'") ],
		[ 'DATE', one("'2020-02-29'", "'1999-12-31'", "'20240102'") ],
		[ one('DATETIME', 'DATETIME(3)', 'DATETIME(6)'),
			one("'2020-01-02 03:04:05'", "'2020-01-02'", "'1999-12-31 23:59:59'") ],
		[ one('TIMESTAMP', 'TIMESTAMP(3)') . ' NULL', one("'2020-01-02 03:04:05'", 'NULL') ],
		[ one('TIME', 'TIME(3)'), one("'10:11:12'", "'-838:59:59'", "'00:00:01'", 101112) ],
		[ 'YEAR', one('2020', "'1999'") ],
		[ "ENUM('a','b','it''s','x,y')", one("'a'", "'it''s'") ],
		[ "SET('a','b','c','d')", one("'a,c'", "''", "'d'") ],
		[ one('BIT', 'BIT(1)'), one("b'0'", "b'1'") ],
		[ one('BIT(8)', 'BIT(64)', 'BIT(5)'), one("b'101'", "b'0'") ],
		[ 'JSON', undef ],
		[ one('GEOMETRY', 'POINT', 'POLYGON'), undef ]);
	push @types, [ 'UUID', "'123e4567-e89b-12d3-a456-426655440000'" ], [ 'INET6', "'::1'" ], [ 'INET4', "'10.0.0.1'" ]
	  if $self->{kind} eq 'mariadb';

	return @{ one(@types) };
}

# A column: name and the rest of its definition.
sub column
{
	my ($self, $name) = @_;
	my ($type, $default) = $self->type;
	my $sql = "`$name` $type";
	my $null = one('', '', ' NULL', ' NOT NULL', ' NOT NULL');

	$sql .= $null unless $type =~ / NULL$/;
	if ($type =~ /^(DATETIME|TIMESTAMP)(\(\d\))?/ && chance(25))
	{
		my $digits = $2 // '';
		$sql .= " DEFAULT CURRENT_TIMESTAMP$digits";
		$sql .= " ON UPDATE CURRENT_TIMESTAMP$digits" if chance(50);
	}
	elsif (defined $default && chance(55))
	{
		$sql .= " DEFAULT $default";
	}
	elsif ($null ne ' NOT NULL' && chance(20))
	{
		$sql .= ' DEFAULT NULL';
	}
	$sql .= " COMMENT '" . one("it''s a comment", 'plain', 'back\\\\slash', "ümläut") . "'" if chance(15);
	return ($sql, $type);
}

# Expressions over named columns of known types.
sub expression
{
	my ($self, $columns) = @_;
	my @numbers = grep { $columns->{$_} =~ /^(?:TINY|SMALL|MEDIUM|BIG)?INT(?:EGER)?(?: UNSIGNED)?$|^DECIMAL\(10,2\)$/ }
	  sort keys %$columns;
	my @texts = grep { $columns->{$_} =~ /^VARCHAR/ && $columns->{$_} !~ /CHARACTER SET|COLLATE/ } sort keys %$columns;
	my @dates = grep { $columns->{$_} =~ /^(DATE|DATETIME)$/ } sort keys %$columns;
	my @choices;

	if (@numbers)
	{
		my ($a, $b) = (one(@numbers), one(@numbers));
		push @choices, [ 'DECIMAL(30,6)', "`$a` + `$b`" ], [ 'DECIMAL(30,6)', "`$a` * 2 - `$b`" ],
		  [ 'BIGINT', "IF(`$a` > `$b`, 1, 0)" ], [ 'DECIMAL(30,6)', "COALESCE(`$a`, 0)" ],
		  [ 'BIGINT', "CASE WHEN `$a` > 0 THEN 1 ELSE -1 END" ], [ 'DECIMAL(30,4)', "`$a` / 3" ],
		  [ 'BIGINT', "`$a` MOD 7" ];
	}
	if (@texts)
	{
		my $t = one(@texts);
		push @choices, [ 'VARCHAR(500)', "CONCAT(`$t`, '-', UPPER(`$t`))" ], [ 'INT', "CHAR_LENGTH(`$t`)" ],
		  [ 'VARCHAR(500)', "SUBSTRING(`$t`, 2, 3)" ], [ 'VARCHAR(500)', "REPLACE(TRIM(`$t`), 'a', 'b')" ];
	}
	if (@dates)
	{
		my $d = one(@dates);
		push @choices, [ 'INT', "YEAR(`$d`)" ], [ 'INT', "MONTH(`$d`) + DAYOFMONTH(`$d`)" ], [ 'INT', "TO_DAYS(`$d`)" ];
	}
	return @choices ? @{ one(@choices) } : ();
}

# One CREATE TABLE; returns (name, statement, { column => type }).
sub create
{
	my ($self, $name) = @_;
	my %columns;
	my @elements;
	my @suffix;
	my $key = int(rand(4));

	if ($key == 0)
	{
		push @elements, '`id` ' . one('INT', 'BIGINT', 'INT UNSIGNED', 'BIGINT UNSIGNED', 'SMALLINT')
		  . ' NOT NULL AUTO_INCREMENT';
		push @suffix, 'PRIMARY KEY (`id`)';
	}
	elsif ($key == 1)
	{
		push @elements, '`id` INT AUTO_INCREMENT PRIMARY KEY';
	}
	elsif ($key == 2)
	{
		push @elements, '`id` VARCHAR(20) NOT NULL', '`id2` INT NOT NULL';
		push @suffix, 'PRIMARY KEY (`id`, `id2` DESC)';
	}
	my $count = 1 + int(rand(7));
	foreach my $i (1 .. $count)
	{
		my $column = one("c$i", "C$i", "col $i", "select$i", "é$i", "q\"$i");
		my ($sql, $type) = $self->column($column);
		$columns{$column} = $type;
		push @elements, $sql;
	}
	my %plain = %columns;
	if (chance(30) && (my ($type, $expression) = $self->expression(\%columns)))
	{
		push @elements, "`gen` $type " . one('GENERATED ALWAYS AS', 'AS') . " ($expression) " . one('STORED', 'VIRTUAL');
		$columns{gen} = $type;
	}
	my $keys = 0;
	foreach my $column (sort keys %plain)
	{
		next unless chance(30);
		my $part = $self->key_part($column, $plain{$column}) // next;
		$keys++;
		push @suffix, one('KEY', 'INDEX', 'UNIQUE KEY', 'UNIQUE') . ' ' . one('', "`k$keys`", "`idx_" . 'n' x int(rand(58)) . "$keys`")
		  . " ($part)" . one('', '', " COMMENT 'x'", ' USING BTREE');
	}
	my ($number) = grep { $plain{$_} =~ /INT/ && $plain{$_} !~ /ZERO/ } sort keys %plain;
	push @suffix, one('', "CONSTRAINT `chk$name` ") . "CHECK (`$number` " . one('>', '<>', '>=') . ' ' . int(rand(9)) . ')'
	  if defined $number && chance(25);
	push @suffix, one('', "CONSTRAINT `fk$name` ") . "FOREIGN KEY (`id`) REFERENCES `parent` (`id`)"
	  . one('', ' ON DELETE CASCADE', ' ON UPDATE RESTRICT ON DELETE NO ACTION')
	  if $key == 1 && chance(25);
	my $options = join(one(' ', ', '),
		grep { chance(30) } ('ENGINE=InnoDB', 'DEFAULT CHARSET=utf8mb4', "COMMENT='t''s'", 'ROW_FORMAT=DYNAMIC'));
	$options .= ' AUTO_INCREMENT=' . (5 + int(rand(1000))) if $key < 2 && chance(30);
	my $statement = "CREATE TABLE " . one('', 'IF NOT EXISTS ') . "`$name` (" . join(', ', @elements, @suffix) . ") $options";
	return ($name, $statement, \%columns);
}

# A column as part of a key, or undef when it cannot be one.
sub key_part
{
	my ($self, $column, $type) = @_;

	return undef if $type =~ /JSON|GEOMETRY|POINT|POLYGON/;
	return "`$column`(" . (1 + int(rand(20))) . ")" if $type =~ /TEXT|BLOB/;
	return "`$column`(1)" if $type =~ /^VARCHAR/ && chance(30);
	return "`$column`" . one('', '', ' ASC', ' DESC');
}

# One ALTER TABLE of a table that create() made.
sub alter
{
	my ($self, $name, $columns) = @_;
	my %left = %$columns;
	my @names = sort grep { $_ ne 'gen' } keys %left;
	my @actions;
	my %touched;

	foreach my $i (1 .. 1 + int(rand(3)))
	{
		my $column = one(@names);
		my $kind = int(rand(14));
		next if $touched{$column}++ && $kind < 8;
		if ($kind < 3)
		{
			my ($sql) = $self->column("new$i");
			push @actions, 'ADD ' . one('', 'COLUMN ') . $sql . one('', '', ' FIRST', " AFTER `$column`");
		}
		elsif ($kind == 3) { push @actions, "DROP " . one('', 'COLUMN ') . "`$column`"; }
		elsif ($kind < 6)
		{
			my ($sql) = $self->column($column);
			push @actions, "MODIFY $sql" . one('', '', ' FIRST');
		}
		elsif ($kind == 6)
		{
			my ($sql) = $self->column("ren$i");
			push @actions, "CHANGE `$column` $sql";
		}
		elsif ($kind == 7) { push @actions, "RENAME COLUMN `$column` TO `ren$i`"; }
		elsif ($kind == 8)
		{
			my $part = $self->key_part($column, $left{$column});
			push @actions, 'ADD ' . one('INDEX', 'UNIQUE', 'KEY') . " `ak$i` ($part)" if defined $part;
		}
		elsif ($kind == 9) { push @actions, 'DROP PRIMARY KEY'; }
		elsif ($kind == 10) { push @actions, "ALTER `$column` " . one('DROP DEFAULT', 'SET DEFAULT NULL'); }
		elsif ($kind == 11) { push @actions, one("COMMENT 'later'", 'ENGINE=InnoDB', 'AUTO_INCREMENT=5000', 'FORCE'); }
		elsif ($kind == 12) { push @actions, "DROP INDEX `k1`"; }
		elsif ($kind == 13) { push @actions, "ADD CONSTRAINT `nc$i` CHECK (1 < 2)"; }
	}
	push @actions, "COMMENT 'nothing'" unless @actions;
	return "ALTER TABLE `$name` " . join(', ', @actions);
}

1;
