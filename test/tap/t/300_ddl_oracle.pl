# An oracle for the translator: statements that a real server accepts are translated and run in a real PostgreSQL;
# then both catalogues are read, and what differs must be told by a note.
#
# DBSTREAM_DDL_CASES sets how many statements of each kind, over both servers: 400 here, 2,000 for the full figure.
# DBSTREAM_DDL_SEED sets where the random ones begin: a number, or "random".

use strict;
use warnings;
use utf8;

use DBStream::DdlCorpus;
use DBStream::MySQL;
use DBStream::PgCorpus;
use DBStream::Postgres;
use Encode qw(encode decode);
use JSON::PP;
use Test::More;

my @kinds = grep { !defined $ENV{DBSTREAM_SOURCE} || $_ eq $ENV{DBSTREAM_SOURCE} } qw(mariadb mysql);
my $cases = $ENV{DBSTREAM_DDL_CASES} // 400;
my $each = int(($cases + @kinds - 1) / @kinds);
my $json = JSON::PP->new->canonical;
my $seed = DBStream::PgCorpus::seed();
my $postgres = DBStream::Postgres->create('oracle');
my ($compared_creates, $compared_alters) = (0, 0);
my $missing = 0;

$postgres->sql('CREATE EXTENSION dbstream; ' . join('', <DATA>));
foreach my $kind (@kinds)
{
  SKIP:
	{
		my $why = DBStream::MySQL::missing($kind);
		if ($why)
		{
			$missing++;
			skip "$kind: $why", 2;
		}
		my $server = DBStream::MySQL->new(kind => $kind, folder => "$ENV{TESTDIR}/$kind")->start;
		my $creates = eval { run_kind($server, $kind, 0) } // fail("$kind: $@");
		my $alters = eval { run_kind($server, $kind, 1) } // fail("$kind: $@");
		$compared_creates += $creates;
		$compared_alters += $alters;
		$server->stop;
	}
}
SKIP:
{
	skip 'a server is missing', 2 if $missing;
	cmp_ok($compared_creates, '>=', $cases, "CREATE TABLE: $compared_creates statements agree or differ with a note");
	cmp_ok($compared_alters, '>=', $cases, "ALTER TABLE: $compared_alters statements agree or differ with a note");
}
done_testing();

# Statements until enough were accepted by the server; returns how many were compared.
sub run_kind
{
	my ($server, $kind, $alter) = @_;
	my $corpus = DBStream::DdlCorpus->new(kind => $kind, seed => $seed + 20 + $alter);
	my $schema = "o_${kind}_$alter";
	my $compared = 0;
	my $number = 0;
	my @wrong;

	$server->sql("CREATE DATABASE `$schema`");
	$server->sql("CREATE TABLE `$schema`.parent (id INT PRIMARY KEY)");
	$postgres->sql(qq{CREATE SCHEMA "$schema"; CREATE TABLE "$schema".parent (id integer PRIMARY KEY)});
	while ($compared < $each)
	{
		my @batch;

		foreach (1 .. 250)
		{
			my ($name, $create, $columns) = $corpus->create('t' . ++$number);
			push @batch, { name => $name, create => $create, alter => $alter ? $corpus->alter($name, $columns) : undef };
		}
		my $there = accepted($server, $schema, \@batch);
		my %case = map { $_->{name} => $_ } grep { $there->{ $_->{name} } } @batch;
		translate($kind, $schema, \%case);
		my $source = source_catalogue($server, $schema);
		my $target = target_catalogue($schema);
		foreach my $name (sort keys %case)
		{
			my @differences = differences($kind, $case{$name}, $source->{$name}, $target->{$name});
			$compared++;
			push @wrong, "$case{$name}{create};" . ($alter ? "\n  $case{$name}{alter};" : '') . "\n    "
			  . join("\n    ", @differences) . "\n    sql: " . ($case{$name}{sql} // '') if @differences;
		}
		$server->sql("DROP DATABASE `$schema`; CREATE DATABASE `$schema`; CREATE TABLE `$schema`.parent (id INT PRIMARY KEY)");
		$postgres->sql(qq{SET client_min_messages = error; DROP SCHEMA "$schema" CASCADE; CREATE SCHEMA "$schema"; }
			  . qq{CREATE TABLE "$schema".parent (id integer PRIMARY KEY); TRUNCATE oracle.ran});
	}
	is(scalar(@wrong), 0, "$kind: " . ($alter ? 'ALTER' : 'CREATE') . " TABLE: nothing differs without a note ($compared compared)");
	diag("the seed is $seed") if @wrong;
	diag(encode('UTF-8', $_)) foreach @wrong[ 0 .. ($#wrong > 24 ? 24 : $#wrong) ];
	return $compared - @wrong;
}

# Run a batch in the source; which tables are there, with the ALTER accepted where there is one?
sub accepted
{
	my ($server, $schema, $batch) = @_;
	my $script = '';

	foreach my $case (@$batch)
	{
		$script .= "$case->{create};\n";
		$script .= "SELECT 'c', '$case->{name}', \@\@error_count;\n";
		$script .= "$case->{alter};\nSELECT 'a', '$case->{name}', \@\@error_count;\n" if defined $case->{alter};
	}
	my ($status, $out, $err) =
	  DBStream::Process::run_program([ $server->client_command('--force', $schema) ], stdin => encode('UTF-8', $script));
	my (%created, %altered);
	foreach my $line (split(/\n/, $out))
	{
		my ($what, $name, $errors) = split(/\t/, $line);
		next unless defined $errors && $errors eq '0';
		$created{$name} = 1 if $what eq 'c';
		$altered{$name} = 1 if $what eq 'a';
	}
	return $batch->[0]{alter} ? { map { $_ => 1 } grep { $created{$_} } keys %altered } : \%created;
}

# Translate and run in PostgreSQL; notes and errors go into the cases.
sub translate
{
	my ($kind, $schema, $case) = @_;
	my @rows = map { { name => $_, create => $case->{$_}{create}, alter => $case->{$_}{alter} } } sort keys %$case;
	my $document = $json->encode(\@rows) =~ s/'/''/gr;
	$postgres->sql(encode('UTF-8', "SET client_min_messages = error; SELECT oracle.run('$document'::jsonb, '$kind', '$schema')"));
	my $out = $postgres->sql("SELECT coalesce(json_agg(r), '[]') FROM oracle.ran r");
	foreach my $row (@{ decode_json_of($out) })
	{
		$case->{ $row->{name} }{$_} = $row->{$_} foreach qw(notes error sql);
	}
}

sub decode_json_of
{
	my ($out) = @_;

	utf8::encode($out) if utf8::is_utf8($out);
	return JSON::PP->new->utf8->decode($out);
}

# ---- catalogues ----------------------------------------------------------------------------------

sub unescape { my ($text) = @_; return undef if !defined $text; $text =~ s/\\([tn0\\])/{t=>"\t",n=>"\n",0=>"\0",'\\'=>'\\'}->{$1}/ge; return decode('UTF-8', $text); }

sub source_rows
{
	my ($server, $sql) = @_;
	return map { [ map { unescape($_) } @$_ ] } $server->rows($sql);
}

sub source_catalogue
{
	my ($server, $schema) = @_;
	my %tables;
	my $expression = $server->kind eq 'mysql' ? 'expression' : 'NULL';

	foreach my $row (source_rows($server, "SELECT table_name, column_name, column_type, is_nullable, column_default, extra,"
			. " generation_expression, column_comment, data_type, character_maximum_length FROM information_schema.columns"
			. " WHERE table_schema = '$schema' ORDER BY table_name, ordinal_position"))
	{
		my ($table, @rest) = @$row;
		push @{ $tables{$table}{columns} }, { name => $rest[0], type => $rest[1], nullable => $rest[2] eq 'YES',
			default => $rest[3], extra => $rest[4], generated => defined $rest[5] && $rest[5] ne '', comment => $rest[6],
			family => $rest[7], length => $rest[8] };
	}
	foreach my $row (source_rows($server, "SELECT table_name, index_name, non_unique, column_name, sub_part, $expression,"
			. " index_type FROM information_schema.statistics WHERE table_schema = '$schema'"
			. " ORDER BY table_name, index_name, seq_in_index"))
	{
		my ($table, $index, $non_unique, $column, $part, $expr, $type) = @$row;
		my $key = $tables{$table}{keys}{$index} //= { unique => !$non_unique, type => $type, columns => [] };
		push @{ $key->{columns} }, defined $expr ? '(expression)' : defined $part ? "$column($part)" : $column;
	}
	foreach my $row (source_rows($server, "SELECT c.table_name, c.constraint_name, c.constraint_type FROM"
			. " information_schema.table_constraints c WHERE c.table_schema = '$schema' AND c.constraint_type IN"
			. " ('FOREIGN KEY', 'CHECK')" . ($server->kind eq 'mysql' ? '' : " AND NOT EXISTS (SELECT 1 FROM"
			. ' information_schema.check_constraints k WHERE k.constraint_schema = c.table_schema AND k.table_name = c.table_name'
			. " AND k.constraint_name = c.constraint_name AND k.check_clause LIKE 'json_valid(%')")))
	{
		my ($table, $name, $type) = @$row;
		$tables{$table}{constraints}{$name} = $type;
	}
	return \%tables;
}

sub target_catalogue
{
	my ($schema) = @_;
	return decode_json_of($postgres->sql("SELECT oracle.catalogue('$schema')"));
}

# ---- comparison --------------------------------------------------------------------------------------

# The type that PostgreSQL should have for MySQL's own words of a column's type.  Written from the documented map,
# not from the translator.
sub expected_type
{
	my ($kind, $column) = @_;
	my $type = lc $column->{type};
	my $digits = $type =~ /\((\d)\)/ ? $1 : 0;

	return 'boolean' if $type =~ /^tinyint\(1\)( unsigned)?$/ && !$1;
	return 'smallint' if $type =~ /^(tinyint|year)/ || $type =~ /^smallint(?!.*unsigned)/;
	return 'integer' if $type =~ /^(mediumint|smallint)/ || $type =~ /^int(?!.*unsigned)/;
	return 'bigint' if $type =~ /^int/ || $type =~ /^bigint(?!.*unsigned)/;
	return 'numeric(20,0)' if $type =~ /^bigint/;
	return "numeric($1,$2)" if $type =~ /^decimal\((\d+),(\d+)\)/;
	return 'real' if $type =~ /^float/;
	return 'double precision' if $type =~ /^double/;
	return "character($1)" if $type =~ /^char\((\d+)\)/;
	return "character varying($1)" if $type =~ /^varchar\((\d+)\)/;
	return 'jsonb' if $type eq 'json';
	return [ 'text', 'jsonb' ] if $type eq 'longtext';
	return 'text' if $type =~ /text$|^enum/;
	return 'text[]' if $type =~ /^set/;
	return 'bytea' if $type =~ /binary|blob|geometry|point|polygon/;
	return 'date' if $type eq 'date';
	return "timestamp($digits) without time zone" if $type =~ /^datetime/;
	return "timestamp($digits) with time zone" if $type =~ /^timestamp/;
	return "interval($digits)" if $type =~ /^time/;
	return 'boolean' if $type eq 'bit(1)';
	return "bit($1)" if $type =~ /^bit\((\d+)\)/;
	return 'uuid' if $type eq 'uuid';
	return 'inet' if $type =~ /^inet/;
	return "unknown: $type";
}

# A default as both sides would show its value; undef = none.
sub source_default
{
	my ($kind, $column) = @_;
	my $value = $column->{default};

	return undef if !defined $value || $column->{extra} =~ /auto_increment|(STORED|VIRTUAL) GENERATED/i || $column->{generated};
	return 'now' if $value =~ /^current_timestamp/i;
	if ($kind eq 'mariadb')
	{
		return undef if $value eq 'NULL';
		if ($value =~ /^'(.*)'$/s) { $value = $1; $value =~ s/''/'/g; $value =~ s/\\(.)/$1 eq '0' ? qq(\0) : $1/ge; }
	}
	my $type = lc $column->{type};
	if ($type =~ /^bit/)
	{
		my ($bits) = $value =~ /^b'([01]*)'$/;
		my ($width) = $type =~ /\((\d+)\)/;
		return $width == 1 ? ($bits =~ /1/ ? 't' : 'f') : sprintf("%0*s", $width, $bits);
	}
	if ($type =~ /binary/)
	{
		my $hex = $value =~ /^0x([0-9A-Fa-f]*)$/ ? lc $1 : unpack('H*', encode('UTF-8', $value));
		my ($width) = $type =~ /^binary\((\d+)\)/;
		$hex .= '00' x ($width - length($hex) / 2) if defined $width;
		return "\\x$hex";
	}
	return $value ? 't' : 'f' if $type eq 'tinyint(1)';
	return $value + 0 if $type =~ /int|decimal|float|double|year/;
	return $value =~ s/\.0+$//r if $type =~ /^(date|time)/;
	return join(',', split(/,/, $value)) if $type =~ /^set/;
	return $value;
}

sub target_default
{
	my ($column, $type) = @_;
	my $value = $column->{default};

	return undef unless defined $value;
	return 'now' if $value =~ /CURRENT_TIMESTAMP|LOCALTIMESTAMP/;
	$value = $column->{default_value};
	return undef unless defined $value;
	$type = lc $type;
	return $value + 0 if $type =~ /(?<!b)int(?!\(1\))|decimal|float|double|year/ && $value =~ /^[-+0-9.eE]+$/;
	return $value =~ s/\+00$//r =~ s/\.0+$//r if $type =~ /^(date|time)/;
	return $value =~ s{/\d+$}{}r if $type =~ /^inet/;
	return $value;
}

sub differences
{
	my ($kind, $case, $source, $target) = @_;
	my @notes = map { $_->{note} } @{ $case->{notes} // [] };
	my @differ;

	# A stream stops before it runs what a note of severity error was made for.
	return () if grep { $_->{severity} eq 'error' } @{ $case->{notes} // [] };
	return ("PostgreSQL refused: $case->{error}") if $case->{error};
	return ('the table is not there') unless $target;

	my %there = map { $_->{name} => $_ } @{ $target->{columns} };
	my $moved = grep { /FIRST and AFTER/ } @notes;
	my @order = map { $_->{name} } @{ $source->{columns} };
	my @target_order = map { $_->{name} } @{ $target->{columns} };
	push @differ, "order: @order / @target_order" if !$moved && "@order" ne "@target_order";
	push @differ, "columns: @order / @target_order" if join(' ', sort @order) ne join(' ', sort @target_order);
	foreach my $column (@{ $source->{columns} })
	{
		my $other = $there{ $column->{name} } // next;
		my $noted = grep { index($_, "\"$column->{name}\"") >= 0 } @notes;
		my $type = expected_type($kind, $column);
		my @types = ref $type ? @$type : ($type);

		push @differ, "$column->{name}: type @types expected, found $other->{type}" unless grep { $_ eq $other->{type} } @types;
		push @differ, "$column->{name}: nullable $column->{nullable} / " . (!$other->{not_null})
		  if !!$column->{nullable} != !$other->{not_null};
		push @differ, "$column->{name}: generated" if !!$column->{generated} != !!$other->{generated};
		push @differ, "$column->{name}: AUTO_INCREMENT"
		  if ($column->{extra} =~ /auto_increment/) != !!($other->{identity} || $other->{sequence});
		push @differ, "$column->{name}: comment" if ($column->{comment} // '') ne ($other->{comment} // '');
		push @differ, "$column->{name}: ON UPDATE" if ($column->{extra} =~ /on update/i) != !!$other->{on_update};
		next if $column->{generated} || $other->{sequence};
		my ($a, $b) = (source_default($kind, $column), target_default($other, $column->{type}));
		push @differ, "$column->{name}: default " . ($a // 'none') . ' / ' . ($b // 'none')
		  if !$noted && ($a // "\0") ne ($b // "\0");
		push @differ, "$column->{name}: default " . ($a // 'none') . ' / ' . ($b // 'none') . ' (no note tells)'
		  if $noted && ($a // "\0") ne ($b // "\0") && !grep { /"\Q$column->{name}\E".*default/ } @notes;
	}
	my @keys = map { key_text($source, $_) } sort keys %{ $source->{keys} // {} };
	my @target_keys = map { $_->{text} } @{ $target->{keys} };
	my $a = join('; ', sort @keys);
	my $b = join('; ', sort @target_keys);
	push @differ, "keys: $a / $b" if $a ne $b && !grep { /index ".*(not created|goes with|whole value)|indexes are lost/ } @notes;
	# ENUM and SET bring checks of their own to PostgreSQL.
	my @constraints = map { lc } sort keys %{ $source->{constraints} // {} };
	my @target_constraints = map { lc } grep { !/_(enum|set)$/ } sort @{ $target->{constraints} // [] };
	push @differ, "constraints: @constraints / @target_constraints"
	  if "@constraints" ne "@target_constraints" && !grep { /constraint|check|foreign key/i } @notes;
	return @differ;
}

sub key_text
{
	my ($source, $name) = @_;
	my $key = $source->{keys}{$name};
	my %column = map { $_->{name} => $_ } @{ $source->{columns} };
	my @parts = map {
		my $part = $_;
		# A prefix as long as the column is the column.
		$part = $1 if $part =~ /^(.*)\((\d+)\)$/s && $column{$1} && ($column{$1}{length} // 0) == $2 && $column{$1}{type} =~ /char/;
		$part = '(expression)' if $part =~ /\(\d+\)$/;
		$part;
	} @{ $key->{columns} };

	return ($name eq 'PRIMARY' ? 'P' : $key->{unique} ? 'U' : 'I') . '(' . join(',', @parts) . ')';
}

__DATA__
CREATE SCHEMA oracle;
CREATE TABLE oracle.ran (name text, notes jsonb, error text, sql text);

CREATE FUNCTION oracle.run(cases jsonb, kind text, schema text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	one record;
	options jsonb := jsonb_build_object('default_schema', schema);
	failed text;
	found jsonb;
	script text;
BEGIN
	FOR one IN SELECT * FROM jsonb_to_recordset(cases) AS c(name text, "create" text, alter text) LOOP
		failed := NULL;
		found := '[]';
		script := '';
		BEGIN
			script := dbstream.translate_ddl(one."create", kind, 'postgresql', options);
			EXECUTE script;
			SELECT coalesce(jsonb_agg(jsonb_build_object('severity', severity, 'note', note)) FILTER (WHERE note IS NOT NULL), '[]')
				INTO found FROM dbstream.translate_ddl_report(one."create", kind, 'postgresql', options);
			IF one.alter IS NOT NULL THEN
				-- As the apply worker does it: the catalogue tells what the table is now.
				SELECT found || coalesce(jsonb_agg(jsonb_build_object('severity', severity, 'note', note))
						FILTER (WHERE note IS NOT NULL), '[]')
					INTO found FROM dbstream.translate_ddl_report(one.alter, kind, 'postgresql', options || '{"use_catalog": true}');
				script := dbstream.translate_ddl(one.alter, kind, 'postgresql', options || '{"use_catalog": true}');
				EXECUTE script;
			END IF;
		EXCEPTION WHEN OTHERS THEN
			failed := SQLERRM;
		END;
		INSERT INTO oracle.ran VALUES (one.name, found, failed, script);
	END LOOP;
END
$$;

-- A default's value as a column of the type would hold it.
CREATE FUNCTION oracle.value_of(expression text, type text) RETURNS text LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
	value text;
BEGIN
	IF expression IS NULL OR expression ~ 'nextval|CURRENT|LOCAL|::regclass' THEN
		RETURN NULL;
	END IF;
	EXECUTE CASE WHEN type = 'text[]' THEN 'SELECT array_to_string(' || expression || ', '','')'
		ELSE 'SELECT (' || expression || ')::' || type END INTO value;
	RETURN CASE value WHEN 'true' THEN 't' WHEN 'false' THEN 'f' ELSE value END;
END
$$;

CREATE FUNCTION oracle.catalogue(wanted text) RETURNS json LANGUAGE sql AS $$
SELECT coalesce(json_object_agg(c.relname, json_build_object(
	'columns', (SELECT json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
			'not_null', a.attnotnull, 'generated', a.attgenerated <> '', 'identity', a.attidentity <> '',
			'sequence', pg_get_expr(d.adbin, d.adrelid) ~ 'nextval',
			'default', CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
			'default_value', CASE WHEN a.attgenerated = '' THEN oracle.value_of(pg_get_expr(d.adbin, d.adrelid), format_type(a.atttypid, a.atttypmod)) END,
			'comment', col_description(c.oid, a.attnum),
			'on_update', EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = a.attname || '_on_update'))
			ORDER BY a.attnum)
		FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
		WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
	'keys', (SELECT coalesce(json_agg(json_build_object('name', i.indexrelid::regclass::text, 'text',
			CASE WHEN i.indisprimary THEN 'P' WHEN i.indisunique THEN 'U' ELSE 'I' END || '('
			|| (SELECT string_agg(coalesce(a.attname, '(expression)'), ',' ORDER BY k.n)
				FROM unnest(i.indkey::int[]) WITH ORDINALITY AS k(att, n)
				LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.att AND k.att > 0) || ')')), '[]')
		FROM pg_index i WHERE i.indrelid = c.oid),
	'constraints', (SELECT coalesce(json_agg(conname), '[]') FROM pg_constraint WHERE conrelid = c.oid AND contype IN ('f', 'c'))
	)), '{}')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = wanted AND c.relkind IN ('r', 'p')
$$;
