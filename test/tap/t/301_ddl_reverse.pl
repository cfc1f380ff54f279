# The reverse oracle: random tables of PostgreSQL's are written for MySQL and MariaDB by mysql_ddl, and others, with an
# ALTER TABLE each, by translate_ddl; the texts run in a real server, and both catalogues are compared: columns, types,
# nullability, defaults by value, keys, foreign keys, checks, comments. What differs must be told by a note.
# DBSTREAM_DDL_CASES sets how many of each kind, over both servers: 400 here, 2,000 for the full figure.
# DBSTREAM_DDL_SEED sets where the random ones begin: a number, or "random".
# Then the round trip: a table with every type of MySQL's goes to PostgreSQL and back, and what came back takes every
# value of the first.

use strict;
use warnings;

use DBStream::MySQL;
use DBStream::PgCorpus;
use DBStream::Postgres;
use Encode qw(encode decode);
use JSON::PP;
use Test::More;

my @kinds = grep { !defined $ENV{DBSTREAM_SOURCE} || $_ eq $ENV{DBSTREAM_SOURCE} } qw(mariadb mysql);
my $cases = $ENV{DBSTREAM_DDL_CASES} // 400;
my $each = int(($cases + @kinds - 1) / @kinds);
my $seed = DBStream::PgCorpus::seed();
my $postgres = DBStream::Postgres->create('reverse', conf => 'max_locks_per_transaction = 2000');

$postgres->sql("CREATE EXTENSION dbstream; CREATE TYPE mood AS ENUM ('low', 'it''s high');" . join('', <DATA>));
foreach my $kind (@kinds)
{
  SKIP:
	{
		my $why = DBStream::MySQL::missing($kind);
		skip "$kind: $why", 2 if $why;
		my $server = DBStream::MySQL->new(kind => $kind, folder => "$ENV{TESTDIR}/$kind")->start;
		eval { random_tables($server, $kind, $_); 1 } or fail("$kind: $@") foreach 0, 1;
		eval { round_trip($server, $kind); 1 } or fail("$kind: $@");
		eval { type_trip($server, $kind); 1 } or fail("$kind: $@");
		$server->stop;
	}
}
done_testing();

# The type that MySQL should show for PostgreSQL's.  Written from the documented map, not from the translator.
sub expected_type
{
	my ($type, $keyed) = @_;

	return 'tinyint(1)' if $type eq 'boolean';
	return { smallint => 'smallint', integer => 'int', bigint => 'bigint', real => 'float', 'double precision' => 'double',
		date => 'date', interval => 'varchar(64)', uuid => 'char(36)', json => 'json', jsonb => 'json', inet => 'varchar(64)',
		'integer[]' => 'json', numeric => 'longtext', 'bit varying(9)' => 'longtext',
		'timestamp without time zone' => 'datetime(6)' }->{$type}
	  // ($type =~ /^numeric(\(.*\))/ ? "decimal$1"
		: $type =~ /^character\((\d+)\)/ ? "char($1)"
		: $type =~ /^character varying\((\d+)\)/ ? ($1 > 16383 ? 'longtext' : "varchar($1)")
		: $type =~ /^time\((\d)\)/ ? "time($1)"
		: $type =~ /^timestamp(\(\d\)) / ? "datetime$1"
		: $type eq 'text' ? ($keyed ? 'varchar(255)' : 'longtext')
		: $type eq 'bytea' ? ($keyed ? 'varbinary(255)' : 'longblob')
		: $type =~ /^bit(\(\d+\))/ ? "bit$1"
		: $type =~ /mood$/ ? "enum('low','it''s high')"
		: "unknown: $type");
}

# A value of a default as both sides would show it.
sub plain
{
	my ($value, $type) = @_;

	# The client prints a NULL of a binary column in hexadecimal too.
	return undef if !defined $value || $value eq 'NULL' || $value eq '0x';
	return $value =~ /^(t|true|1|0x01)$/ ? 1 : 0 if $type eq 'boolean';
	return "\\x" . lc $1 if $type eq 'bytea' && $value =~ /^0x(.*)$/;
	return sprintf('%08b', hex $1) if $type =~ /^bit\(/ && $value =~ /^0x(.*)$/;
	return $value + 0 if $type =~ /^(smallint|integer|bigint|numeric|real|double)/ && length $value < 16;
	return $value =~ s/\+00$//r =~ s/\.0+$//r if $type =~ /^time/;
	return JSON::PP->new->canonical->allow_nonref->encode(JSON::PP->new->allow_nonref->decode($value)) if $type =~ /^json/;
	return '[]' if $type eq 'integer[]' && $value =~ /^(\{\}|\[\])$/;
	return $value =~ s/ +$//r if $type =~ /^character\(/;
	return $value =~ s{/\d+$}{}r if $type eq 'inet';
	return $value;
}

# The client's escapes undone.
sub unescape { return $_[0] =~ s/\\([tn0\\])/{t => "\t", n => "\n", 0 => "\0", '\\' => '\\'}->{$1}/ger; }

sub rows { my ($server, $sql) = @_; return map { [ map { defined ? decode('UTF-8', $_) : undef } @$_ ] } $server->rows($sql); }

# Random tables, with an ALTER TABLE each when $alter: run in PostgreSQL, translated, run in the server, compared.
sub random_tables
{
	my ($server, $kind, $alter) = @_;
	my $corpus = DBStream::PgCorpus->new(seed => $seed + 31 + $alter);
	my $schema = "r$alter";
	my $what = $alter ? 'ALTER TABLE' : 'CREATE TABLE';
	my ($compared, $number, @wrong) = (0, 0);

	while ($compared < $each)
	{
		my %case;

		foreach (1 .. ($each - $compared < 300 ? $each - $compared + 20 : 300))
		{
			my $name = 't' . ++$number;
			my ($create, @parts) = $corpus->create($name);
			$case{$name} = { name => $name, create => $create, alter => $alter ? $corpus->alter($name, @parts) : undef };
		}
		$postgres->sql("SET client_min_messages = error; DROP SCHEMA IF EXISTS $schema CASCADE; CREATE SCHEMA $schema;"
			  . " CREATE TABLE $schema.parent (id int PRIMARY KEY)");
		my $document = JSON::PP->new->canonical->utf8->encode([ map { $case{$_} } sort keys %case ]) =~ s/'/''/gr;
		my $ran = JSON::PP->new->utf8->decode($postgres->sql("SET client_min_messages = error; SET search_path = $schema, public; SET timezone = 'UTC';"
			  . " SELECT oracle.reverse('$document'::jsonb, '$kind', '$schema')"));
		my $catalogue = JSON::PP->new->utf8->decode($postgres->sql("SET timezone = 'UTC'; SELECT oracle.catalogue('$schema')"));
		my %ran = map { $_->{name} => $_ } @$ran;
		my $found = source_catalogue($server, $schema, \%ran, $catalogue);
		foreach my $name (sort { substr($a, 1) <=> substr($b, 1) } keys %ran)
		{
			last if $compared == $each;
			$compared++;
			my @differences = differences($kind, $ran{$name}, $catalogue->{$name}, $found->{$name});
			push @wrong, join(";\n", @{ $case{$name}{create} }, $case{$name}{alter} // ()) . "\n    " . join("\n    ", @differences)
			  . "\n    sql: $ran{$name}{sql}" if @differences;
		}
	}
	is(scalar(@wrong), 0, "$kind: $what: nothing differs without a note ($compared of PostgreSQL's compared)");
	diag("the seed is $seed") if @wrong;
	diag(encode('UTF-8', $_)) foreach @wrong[ 0 .. ($#wrong > 14 ? 14 : $#wrong) ];
}

# Run the translations in the server and read what came of them.
sub source_catalogue
{
	my ($server, $schema, $ran, $catalogue) = @_;
	my $script = "DROP DATABASE IF EXISTS $schema; CREATE DATABASE $schema; USE $schema; CREATE TABLE parent (id int PRIMARY KEY);"
	  . " SET SESSION time_zone = '+00:00';\n";
	my %found;

	foreach my $name (sort keys %$ran)
	{
		$script .= "SELECT '#try', '$name';\n$ran->{$name}{sql}\nSELECT '#ran', '$name', \@\@error_count;\n";
		# The defaults' values: a row of nothing else.
		$script .= "SET SESSION sql_mode = '', foreign_key_checks = 0; INSERT IGNORE INTO `$name` () VALUES (); SELECT '#row', '$name';"
		  . " SELECT * FROM `$name`; SELECT '#end'; SET SESSION sql_mode = DEFAULT, foreign_key_checks = 1;\n";
	}
	my ($status, $out, $err) =
	  DBStream::Process::run_program([ $server->client_command('--force', '--binary-as-hex') ], stdin => encode('UTF-8', $script));
	my @lines = split(/\n/, $script);
	my $row;

	# What the server refused, by the case whose part of the script it was.
	foreach my $message ($err =~ /^(ERROR.*)$/mg)
	{
		my ($number) = $message =~ /at line (\d+)/ or next;
		# The row that shows the defaults may be refused by a check.
		$number-- while $number > 0 && $lines[ $number - 1 ] !~ /^SELECT '#(try|ran)', '/ && $lines[ $number - 1 ] !~ /#row/;
		$found{ $1 }{refused} = $message if $number > 0 && $lines[ $number - 1 ] =~ /^SELECT '#try', '(.*)'/;
	}
	foreach my $line (split(/\n/, decode('UTF-8', $out)))
	{
		my @fields = split(/\t/, $line, -1);
		if ($fields[0] eq '#row') { $row = $fields[1]; }
		elsif ($fields[0] =~ /^#/) { $row = undef; }
		elsif (defined $row)
		{
			$found{$row}{row} = [ map { $_ eq 'NULL' ? undef : unescape($_) } @fields ];
			$row = undef;
		}
	}
	foreach my $line (rows($server, "SELECT table_name, column_name, column_type, is_nullable, extra, generation_expression,"
			. " column_comment FROM information_schema.columns WHERE table_schema = '$schema' ORDER BY table_name, ordinal_position"))
	{
		my ($table, @rest) = @$line;
		push @{ $found{$table}{columns} }, { name => $rest[0], type => $rest[1], nullable => $rest[2] eq 'YES',
			increment => scalar(($rest[3] // q()) =~ /auto_increment/), generated => ($rest[4] // '') ne '', comment => $rest[5] };
	}
	foreach my $line (rows($server, "SELECT table_name, index_name, non_unique, GROUP_CONCAT(COALESCE(column_name, '(expression)')"
			. " ORDER BY seq_in_index) FROM information_schema.statistics WHERE table_schema = '$schema' GROUP BY 1, 2, 3"))
	{
		my ($table, $index, $plain, $columns) = @$line;
		$found{$table}{keys}{$index} = ($index eq 'PRIMARY' ? 'P' : $plain ? 'I' : 'U') . "($columns)";
	}
	foreach my $line (rows($server, "SELECT k.table_name, k.constraint_name, GROUP_CONCAT(k.column_name), k.referenced_table_name,"
			. " r.delete_rule, r.update_rule FROM"
			. " information_schema.key_column_usage k JOIN information_schema.referential_constraints r ON r.constraint_schema ="
			. " k.constraint_schema AND r.constraint_name = k.constraint_name AND r.table_name = k.table_name WHERE k.table_schema ="
			. " '$schema' AND k.referenced_table_name IS NOT NULL GROUP BY k.table_name, k.constraint_name, 4, 5, 6"))
	{
		my ($table, $name, @rest) = @$line;
		$found{$table}{foreign}{$name} = "($rest[0]) $rest[1] $rest[2] $rest[3]" =~ s/RESTRICT|NO ACTION/no/gr;
	}
	foreach my $line (rows($server, "SELECT t.table_name, t.constraint_name, c.check_clause FROM information_schema.table_constraints t JOIN"
			. " information_schema.check_constraints c ON c.constraint_schema = t.constraint_schema AND c.constraint_name ="
			. " t.constraint_name" . ($server->kind eq 'mysql' ? '' : ' AND c.table_name = t.table_name')
			. " WHERE t.table_schema = '$schema' AND t.constraint_type = 'CHECK'"))
	{
		$found{ $line->[0] }{checks}{ $line->[1] } = 1 unless $line->[2] =~ /^json_valid/i;
	}
	$found{ $_->[0] }{comment} = $_->[1]
	  foreach rows($server, "SELECT table_name, table_comment FROM information_schema.tables WHERE table_schema = '$schema'");
	return \%found;
}

sub differences
{
	my ($kind, $ran, $want, $is) = @_;
	my @notes = @{ $ran->{notes} // [] };
	my @differ;

	return () if grep { /^error/ } @notes;
	return ($is->{refused}) if $is->{refused};
	return ('the table is not there') unless $is && $is->{columns};
	my %column = map { $_->{name} => $_ } @{ $is->{columns} };
	my $a = join(' ', map { $_->{name} } @{ $want->{columns} });
	my $b = join(' ', map { $_->{name} } @{ $is->{columns} });
	push @differ, "columns: $a / $b" if $a ne $b;
	# A text gets a length where a key needs it whole; other indexes take its beginning.
	# "~": the beginning of the column.
	my %keyed = map { $_ => 1 } grep { !/^~/ } map { /^[PU]\((.*)\)/ ? split(/,/, $1) : () } values %{ $want->{keys} };
	my $place = 0;
	foreach my $column (@{ $want->{columns} })
	{
		my $name = $column->{name};
		my $other = $column{$name} // next;
		my $type = $other->{type} =~ s/^(smallint|int|bigint)\(\d+\)/$1/r;
		my $expected = expected_type($column->{type}, $keyed{$name});
		my @noted = grep { index($_, "\"$name\"") >= 0 } @notes;

		$type = 'json' if $expected eq 'json' && $type eq 'longtext' && $kind eq 'mariadb';
		# A key that is gone, or that comes later, leaves a type with a length or takes it; a note tells that.
		push @differ, "$name: type $expected expected, found $type"
		  if $type ne $expected && !(@noted && $type =~ /^var(char|binary)\(255\)$|^long/);
		push @differ, "$name: nullable " . ($column->{not_null} ? 'no' : 'yes') . ' expected'
		  if !!$other->{nullable} == !!$column->{not_null} && !($column->{generated} && $kind eq 'mariadb');
		push @differ, "$name: generated" if !!$column->{generated} != !!$other->{generated};
		push @differ, "$name: AUTO_INCREMENT" if !!$other->{increment} != !!($column->{identity} || $column->{sequence});
		push @differ, "$name: comment" if ($column->{comment} // '') ne unescape($other->{comment} // '');
		if ($is->{row} && @{ $is->{row} } == @{ $want->{columns} } && $a eq $b && !$column->{generated} && !$column->{identity} && !$column->{sequence})
		{
			my $value = plain($is->{row}[$place], $column->{type});
			my $default = plain($column->{value}, $column->{type});

			# A column that may not be null and has no default gets MySQL's implicit one.
			$value = $default if !defined $column->{value} && $column->{not_null};
			$value = $default if defined $column->{default} && $column->{default} =~ /now|CURRENT|LOCAL/i && ($value // '') =~ /^2[0-9]{3}-/;
			$value = $default if defined $column->{default} && $column->{default} =~ /gen_random_uuid/ && ($value // '') =~ /^[-0-9a-f]{36}$/;
			push @differ, "$name: default " . ($default // 'none') . ' / ' . ($value // 'none')
			  if ($default // "\0") ne ($value // "\0") && !grep { /default/ } @noted;
		}
		$place++;
	}
	push @differ, by_name('foreign key', { map { $_ => $want->{foreign}{$_} =~ s/RESTRICT|NO ACTION|SET DEFAULT/no/gr } keys %{ $want->{foreign} } },
		$is->{foreign} // {}, [ grep { /foreign key .* would set/ } @notes ], @notes);
	push @differ, by_name('check', { map { $_ => 1 } @{ $want->{checks} } }, $is->{checks} // {}, [], @notes);
	# The primary key has no name there, and what a foreign key or AUTO_INCREMENT needs comes by itself.
	my %keys = map { ($want->{keys}{$_} =~ /^P/ ? 'PRIMARY' : $_) => $want->{keys}{$_} =~ s/(?<=[(,])~//gr } keys %{ $want->{keys} };
	my %own = map { ($_ => 1) } keys %{ $want->{foreign} }, map { /gets an index/ && /"(.*?)"/ ? $1 : () } @notes;
	my %there = map { $_ => $is->{keys}{$_} } grep { $keys{$_} || !$own{$_} } keys %{ $is->{keys} // {} };
	push @differ, by_name('index', \%keys, \%there, [], @notes);
	push @differ, "table comment $want->{comment} / $is->{comment}" if ($want->{comment} // '') ne unescape($is->{comment} // '');
	return @differ;
}

# Two sets of constraints by their names; one that is not there, or is another, must be told by a note that names it.
sub by_name
{
	my ($what, $want, $is, $excused, @notes) = @_;
	my @differ;

	foreach my $name (sort keys %{ { %$want, %$is } })
	{
		my ($a, $b) = ($want->{$name} // 'none', $is->{$name} // 'none');
		push @differ, "$what $name: $a / $b" if $a ne $b && !@$excused && !grep { index($_, "\"$name\"") >= 0 } @notes;
	}
	return @differ;
}

# Every type of MySQL's, there and back: the columns that come back must hold what the first ones hold.
sub round_trip
{
	my ($server, $kind) = @_;
	my %column = (
		a => [ 'TINYINT', '-128' ], b => [ 'SMALLINT UNSIGNED', '65535' ], c => [ 'MEDIUMINT', '-8388608' ],
		d => [ 'INT UNSIGNED', '4294967295' ], e => [ 'BIGINT UNSIGNED', '18446744073709551615' ],
		f => [ 'TINYINT(1)', '1' ], g => [ 'DECIMAL(65,30)', '12345.678' ], h => [ 'FLOAT', '1.5' ], i => [ 'DOUBLE', '2.25' ],
		j => [ 'CHAR(5)', "'abc'" ], k => [ 'VARCHAR(100)', "'x''y'" ], l => [ 'TINYTEXT', "'t'" ], m => [ 'LONGTEXT', "'long'" ],
		n => [ 'BINARY(4)', "'ab'" ], o => [ 'VARBINARY(9)', "x'00ff'" ], p => [ 'LONGBLOB', "x'0102'" ],
		q => [ 'DATE', "'2020-02-29'" ], r => [ 'DATETIME(6)', "'2020-01-02 03:04:05.678901'" ],
		s => [ 'TIME(3)', "'-838:59:58.500'" ], t => [ 'YEAR', '2024' ], u => [ "ENUM('a','it''s')", "'it''s'" ],
		v => [ "SET('x','y','z')", "'x,z'" ], w => [ 'BIT(1)', "b'1'" ], x => [ 'BIT(64)', "b'101'" ],
		y => [ 'JSON', "'{\"a\": [1, 2]}'" ]);
	my @names = sort keys %column;
	my $create = 'CREATE TABLE one (id INT AUTO_INCREMENT, '
	  . join(', ', map { "$_ $column{$_}[0]" . ($_ lt 'h' ? ' NOT NULL' : '') } @names)
	  . ", PRIMARY KEY (id), UNIQUE KEY uk (k, d), KEY kl (l(5)), CHECK (c < 5)) COMMENT 'all' AUTO_INCREMENT=77";
	my $quoted = $create =~ s/'/''/gr;

	$server->sql('CREATE DATABASE trip');
	$server->sql("$create; INSERT INTO one (" . join(', ', @names) . ') VALUES (' . join(', ', map { $column{$_}[1] } @names) . ')', 'trip');
	$postgres->sql('DROP SCHEMA IF EXISTS trip CASCADE; CREATE SCHEMA trip');
	$postgres->sql("DO \$do\$ BEGIN EXECUTE dbstream.translate_ddl('$quoted', '$kind', 'postgresql', '{\"default_schema\": \"trip\"}'); END \$do\$");
	my $back = $postgres->sql("SELECT dbstream.mysql_ddl('trip.one', '{\"dialect\": \"$kind\", \"schemas\": {\"trip\": \"back\"}}')");
	$server->sql("CREATE DATABASE back; $back");
	my %types = map { $_->[0] => $_->[1] }
	  $server->rows("SELECT column_name, column_type FROM information_schema.columns WHERE table_schema = 'back'");
	$server->sql('INSERT INTO back.one SELECT * FROM trip.one');
	my @differ = grep {
		my $name = $_;
		my $hex = $server->sql("SELECT " . ($name =~ /[wx]/ ? "a.`$name` + 0 <=> b.`$name` + 0" : "CAST(a.`$name` AS CHAR) <=> CAST(b.`$name` AS CHAR)") . " FROM trip.one a JOIN back.one b USING (id)");
		$hex ne '1' && $name ne 'y';
	} @names;
	my @labels = grep { lc $types{$_} ne lc $column{$_}[0] } qw(u v f j k);
	is("@differ @labels", ' ', "$kind: every type goes to PostgreSQL and back, and holds the same") or diag($back);
	my @keys = map { "$_->[0]($_->[1])" } $server->rows("SELECT index_name, GROUP_CONCAT(column_name, coalesce(sub_part, '') ORDER BY seq_in_index) FROM"
		  . " information_schema.statistics WHERE table_schema = 'back' GROUP BY index_name ORDER BY 1");
	is(join(' ', sort { lc $a cmp lc $b } map { s/^one_//r } @keys), 'kl(l5) PRIMARY(id) uk(k,d)', "$kind: the keys come back") or diag($back);
	is($server->sql("SELECT auto_increment > 77 FROM information_schema.tables WHERE table_schema = 'back'") ne '', 1,
		"$kind: AUTO_INCREMENT comes back");
}

# The types as the servers show them: what each one is when it comes back, as docs/ddl.md says.  A third word: notes on the
# way there or back must tell of it by the column's name.
sub type_trip
{
	my ($server, $kind) = @_;
	my @types = (
		[ 'TINYINT UNSIGNED', 'smallint', 1 ], [ 'SMALLINT UNSIGNED', 'int', 1 ], [ 'MEDIUMINT', 'int' ],
		[ 'MEDIUMINT UNSIGNED', 'int', 1 ], [ 'INT UNSIGNED', 'bigint', 1 ], [ 'BIGINT UNSIGNED', 'decimal(20,0)', 1 ],
		[ 'INT(5) ZEROFILL', 'bigint', 1 ], [ 'BOOL', 'tinyint(1)' ], [ 'TINYINT', 'smallint' ],
		[ 'DECIMAL(10,2) UNSIGNED', 'decimal(10,2)', 1 ], [ 'DECIMAL(65,30)', 'decimal(65,30)' ], [ 'FLOAT(7,3)', 'float', 1 ],
		[ 'REAL', 'double' ], [ 'YEAR', 'smallint' ], [ 'DATE', 'date' ], [ 'DATETIME(6)', 'datetime(6)' ],
		[ 'DATETIME', 'datetime' ], [ 'TIMESTAMP(3) NULL', 'datetime(3)', 1 ], [ 'TIME(2)', 'time(2)' ], [ 'BIT(1)', 'tinyint(1)' ],
		[ 'BIT(7)', 'bit(7)' ], [ 'CHAR(3)', 'char(3)' ], [ 'VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_german1_ci', 'varchar(20)', 1 ],
		[ 'VARCHAR(20000) CHARACTER SET ascii', 'longtext' ], [ 'TINYTEXT', 'longtext' ], [ 'MEDIUMTEXT', 'longtext' ],
		[ 'CHAR(3) CHARACTER SET binary', 'longblob' ], [ 'BINARY(4)', 'longblob' ], [ 'VARBINARY(9)', 'longblob' ],
		[ 'TINYBLOB', 'longblob' ], [ "ENUM('x')", "enum('x')" ], [ "ENUM('a','it''s') CHARACTER SET latin1", "enum('a','it''s')" ],
		[ "SET('a','b')", "set('a','b')" ], [ 'JSON', 'json' ], [ 'GEOMETRY', 'longblob', 1 ], [ 'LINESTRING', 'longblob', 1 ],
		[ 'POLYGON', 'longblob', 1 ], [ 'MULTIPOINT', 'longblob', 1 ], [ 'MULTILINESTRING', 'longblob', 1 ],
		[ 'MULTIPOLYGON', 'longblob', 1 ], [ 'GEOMETRYCOLLECTION', 'longblob', 1 ]);
	push @types, [ 'POINT NOT NULL SRID 4326', 'longblob', 1 ], [ 'VECTOR(3)', 'json', 1 ] if $kind eq 'mysql';
	push @types, [ 'POINT REF_SYSTEM_ID=4326', 'longblob', 1 ], [ 'UUID', 'char(36)', 1 ], [ 'INET4', 'varchar(64)', 1 ],
	  [ 'INET6', 'varchar(64)', 1 ], [ 'VARCHAR(9) COMPRESSED', 'varchar(9)', 1 ]
	  if $kind eq 'mariadb';
	my $number = 0;
	my $create = 'CREATE TABLE many (id INT PRIMARY KEY, ' . join(', ', map { 'c' . ++$number . " $_->[0]" } @types) . ')';
	my $quoted = $create =~ s/'/''/gr;

	# The server takes it, so these are its types.
	$server->sql($create, 'trip');
	my $notes = $postgres->sql("SELECT string_agg(note, E'\\n') FROM dbstream.translate_ddl_report('$quoted', '$kind', 'postgresql')");
	$postgres->sql("DO \$do\$ BEGIN EXECUTE dbstream.translate_ddl('$quoted', '$kind', 'postgresql', '{\"default_schema\": \"trip\"}'); END \$do\$");
	my $back = $postgres->sql("SELECT dbstream.mysql_ddl('trip.many', '{\"dialect\": \"$kind\", \"schemas\": {\"trip\": \"back\"}}')");
	$server->sql($back);
	my %found = map { $_->[0] => $_->[1] } $server->rows("SELECT column_name, column_type FROM information_schema.columns WHERE"
		  . " table_schema = 'back' AND table_name = 'many'");
	my @differ;
	foreach my $i (1 .. @types)
	{
		my ($type, $want, $noted) = @{ $types[ $i - 1 ] };
		my $is = lc $found{"c$i"} =~ s/^(smallint|int|bigint)\(\d+\)$/$1/r;

		$is = 'json' if $want eq 'json' && $is eq 'longtext' && $kind eq 'mariadb';
		push @differ, "$type: $want expected, found $is" if $is ne $want;
		push @differ, "$type: $want, and no note tells it" if $noted && "$notes\n$back" !~ /column "c$i"/;
	}
	is(join("\n", @differ), '', "$kind: " . @types . ' types come back as documented, with notes') or diag("$back\n$notes");
}

__DATA__
CREATE SCHEMA oracle;

-- Every case that this server takes: what it is in the other's words.
CREATE FUNCTION oracle.reverse(cases jsonb, kind text, schema text) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
	one jsonb;
	part text;
	script text;
	report record;
	notes text[];
	result json[] := '{}';
	options jsonb := jsonb_build_object('default_schema', schema, 'use_catalog', false);
BEGIN
	FOR one IN SELECT value FROM jsonb_array_elements(cases) LOOP
		BEGIN
			FOR part IN SELECT value FROM jsonb_array_elements_text(one->'create') LOOP
				EXECUTE part;
			END LOOP;
			IF one->>'alter' IS NULL THEN
				script := dbstream.mysql_ddl(format('%I.%I', schema, one->>'name')::regclass, jsonb_build_object('dialect', kind));
				notes := ARRAY(SELECT m[1] FROM regexp_matches(script, '^-- (.*)$', 'gn') m);
			ELSE
				EXECUTE one->>'alter';
				script := '';
				notes := '{}';
				FOR report IN SELECT statement, target_sql, array_agg(severity || ': ' || note) FILTER (WHERE note IS NOT NULL) AS told
					FROM dbstream.translate_ddl_report('CREATE TYPE mood AS ENUM (''low'', ''it''''s high'');'
						|| array_to_string(ARRAY(SELECT jsonb_array_elements_text(one->'create')), ';') || ';' || (one->>'alter'),
						'postgresql', kind, options) GROUP BY 1, 2 ORDER BY 1 LOOP
					script := script || coalesce(report.target_sql, '') || E'\n';
					notes := notes || coalesce(report.told, '{}');
				END LOOP;
			END IF;
			result := result || json_build_object('name', one->>'name', 'sql', script, 'notes', to_json(notes));
		EXCEPTION WHEN OTHERS THEN
			IF SQLSTATE LIKE 'XX%' THEN
				RAISE;
			END IF;
		END;
	END LOOP;
	RETURN to_json(result);
END
$$;

CREATE FUNCTION oracle.value_of(expression text, type text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	value text;
BEGIN
	IF expression IS NULL OR expression ~ 'nextval' THEN
		RETURN NULL;
	END IF;
	EXECUTE 'SELECT (' || expression || ')::' || type || '::text' INTO value;
	RETURN value;
END
$$;

-- left(column, n): the column, of which MySQL has a prefix.
CREATE FUNCTION oracle.prefixed(index oid, part bigint) RETURNS text LANGUAGE sql AS $$
SELECT '~' || replace(coalesce(m[1], m[2]), '""', '"') FROM regexp_match(pg_get_indexdef(index, part::int, false),
	'^"left"\(\(?(?:"(.*?)"|([a-z0-9]+))\)?(?:::text)?, \d+\)$') m
$$;

CREATE FUNCTION oracle.catalogue(wanted text) RETURNS json LANGUAGE sql AS $$
SELECT coalesce(json_object_agg(c.relname, json_build_object(
	'columns', (SELECT json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
			'not_null', a.attnotnull, 'generated', a.attgenerated <> '', 'identity', a.attidentity <> '',
			'sequence', coalesce(pg_get_expr(d.adbin, d.adrelid) ~ 'nextval', false),
			'default', CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
			'value', CASE WHEN a.attgenerated = '' THEN oracle.value_of(pg_get_expr(d.adbin, d.adrelid), format_type(a.atttypid, a.atttypmod)) END,
			'comment', col_description(c.oid, a.attnum)) ORDER BY a.attnum)
		FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
		WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
	'keys', (SELECT coalesce(json_object_agg(x.relname, CASE WHEN i.indisprimary THEN 'P' WHEN i.indisunique THEN 'U' ELSE 'I' END
			|| '(' || (SELECT string_agg(coalesce(CASE WHEN i.indpred IS NULL OR NOT i.indisunique THEN COALESCE(a.attname, oracle.prefixed(i.indexrelid, k.n)) END, '(expression)'), ',' ORDER BY k.n)
				FROM (SELECT * FROM unnest(i.indkey::int[]) WITH ORDINALITY) AS k(att, n)
				LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.att AND k.att > 0 WHERE k.n <= i.indnkeyatts) || ')'), '{}')
		FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid),
	'foreign', (SELECT coalesce(json_object_agg(f.conname, format('(%s) %s %s %s', (SELECT string_agg(a.attname, ',') FROM pg_attribute a
			WHERE a.attrelid = c.oid AND a.attnum = ANY (f.conkey)), (SELECT relname FROM pg_class WHERE oid = f.confrelid),
			CASE f.confdeltype WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT' ELSE 'NO ACTION' END,
			CASE f.confupdtype WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT' ELSE 'NO ACTION' END)), '{}')
		FROM pg_constraint f WHERE f.conrelid = c.oid AND f.contype = 'f'),
	'checks', (SELECT coalesce(json_agg(conname), '[]') FROM pg_constraint WHERE conrelid = c.oid AND contype = 'c'),
	'comment', obj_description(c.oid, 'pg_class'))), '{}')
FROM pg_class c WHERE c.relnamespace = wanted::regnamespace AND c.relkind = 'r'
$$;
