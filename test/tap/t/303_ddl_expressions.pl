# Expressions by value: what MySQL and MariaDB make of each expression that the translator knows, over rows of ordinary
# and awkward values, against what PostgreSQL makes of its translation: as a view's column, as a generated column that
# every kind of column takes, and as a default.  Expressions without an exact translation have to be refused.
#
# DBSTREAM_EXPRESSIONS sets how many composed expressions each server gets besides the written ones (100 here), and has
# all of them as columns of every kind that fits, not of one.

use strict;
use warnings;
use utf8;

use DBStream::Expressions qw(collation columns table_sql row_values expressions defaults random_expression);
use DBStream::MySQL;
use DBStream::Postgres;
use DBStream::Process qw(run_program);
use Encode qw(encode decode);
use JSON::PP;
use Test::More;

my @kinds = grep { !defined $ENV{DBSTREAM_SOURCE} || $_ eq $ENV{DBSTREAM_SOURCE} } qw(mariadb mysql);
my $composed = $ENV{DBSTREAM_EXPRESSIONS} // 100;
my $long = defined $ENV{DBSTREAM_EXPRESSIONS};
my $seed = $ENV{DBSTREAM_SEED} // 303;
my $json = JSON::PP->new->canonical->allow_nonref;
my $postgres = DBStream::Postgres->create('expressions');
my @rows = row_values();
my $limit = 12;

# Columns of the kinds that take the value as it is, one that shortens it, and one of text.
my %column = (
	boolean => [ 'TINYINT(1)', 'INT' ],
	integer => [ 'INT', 'DECIMAL(20,2)' ],
	bigint => [ 'BIGINT', 'DOUBLE' ],
	numeric => [ 'DECIMAL(60,12)', 'DECIMAL(50,2)' ],
	'double precision' => ['DOUBLE'],
	text => ['TEXT'],
	'character varying' => ['VARCHAR(200)'],
	bytea => ['VARBINARY(200)'],
	date => [ 'DATE', 'DATETIME' ],
	'timestamp without time zone' => [ 'DATETIME(6)', 'DATETIME', 'DATE' ],
	interval => ['TIME'],
	jsonb => ['JSON'],
);

# UPPER and LOWER go by the database's locale, comparisons by its collation: that of code points.
$postgres->sql("CREATE DATABASE values_ TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'");
pg('CREATE EXTENSION dbstream; ' . join('', <DATA>));
foreach my $kind (@kinds)
{
  SKIP:
	{
		my $why = DBStream::MySQL::missing($kind);
		skip "$kind: $why", 4 if $why;
		my $server = DBStream::MySQL->new(kind => $kind, folder => "$ENV{TESTDIR}/$kind")->start;
		eval { run_kind($server, $kind); 1 } or fail("$kind: $@");
		$server->stop;
	}
}
done_testing();

sub run_kind
{
	my ($server, $kind) = @_;
	my @cases = expressions($kind);
	my @written = grep { !$_->{refused} } @cases;
	my @refused = grep { $_->{refused} } @cases;

	srand($seed);
	$server->sql(encode('UTF-8', "CREATE DATABASE x; USE x; SET sql_mode = ''; " . table_sql($kind, 'v') . ';'
			  . join('', map { "INSERT INTO v VALUES ($_->[0]);\n" } @rows)));
	pg("DROP SCHEMA IF EXISTS x CASCADE; CREATE SCHEMA x");
	pg("SELECT evaluation.run(dbstream.translate_ddl(" . quoted(table_sql($kind, 'v')) . ", '$kind', 'postgresql', evaluation.options()))");
	pg(join('', map { "INSERT INTO x.v VALUES ($_->[1]);\n" } @rows));

	translate($kind, \@cases);
	is_deeply([ map { encode('UTF-8', $_->{sql}) } grep { defined $_->{words} } @refused ], [], "$kind: what is not exact is refused");
	is_deeply([ map { encode('UTF-8', "$_->{sql}: @{$_->{notes}}") } grep { !defined $_->{words} } @written ], [], "$kind: what is exact is translated");

	my @random = map { { sql => random_expression(3), random => 1 } } 1 .. $composed;
	translate($kind, \@random);
	my $understood = grep { defined $_->{words} } @random;
	cmp_ok($understood, '>=', $composed / 4, "$kind: $understood of $composed composed expressions are translated") if $composed;
	@written = (@written, grep { defined $_->{words} } @random);
	in_views($server, $kind, \@written);
	in_columns($server, $kind, \@written);
	in_defaults($server, $kind);
}

# ---- the servers ------------------------------------------------------------------------------------

sub pg
{
	my ($sql) = @_;
	my ($status, $out, $err) = run_program([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $postgres->connstr('values_') ],
		stdin => encode('UTF-8', "SET client_min_messages = error; SET timezone = 'UTC';\n$sql"), env => { PGCLIENTENCODING => 'UTF8' });

	die decode('UTF-8', $err) . substr($sql, 0, 300) if $status != 0;
	return $out;
}

sub pg_json { return JSON::PP->new->utf8->allow_nonref->decode(pg($_[0])); }
sub quoted { return "'" . $_[0] =~ s/'/''/gr . "'"; }

# Every statement's rows, the failing ones without any; the words of errors by number.
sub source
{
	my ($server, @statements) = @_;
	# What has no column in it is compared by the connection's collation.
	my $script = "USE x; SET sql_mode = '', time_zone = '+00:00', collation_connection = '" . collation($server->kind) . "';\n";
	my (%found, %error);

	$script .= "$statements[$_];\n" foreach 0 .. $#statements;
	my ($status, $out, $err) = run_program([ $server->client_command('--force') ], stdin => encode('UTF-8', $script));
	foreach my $line (split(/\n/, decode('UTF-8', $out)))
	{
		my ($number, $id, $value) = split(/\t/, $line);
		$found{$number}{$id} = $value eq 'NULL' ? undef : $value;
	}
	$error{ $1 - 2 } = $2 while $err =~ /at line (\d+)(?: in .*)?: (.*)/g;
	return (\%found, \%error);
}

sub translate
{
	my ($kind, $cases) = @_;
	my $found = pg_json('SELECT evaluation.translate(' . quoted($json->encode([ map { $_->{sql} } @$cases ])) . ", '$kind')");

	foreach my $number (0 .. $#$cases)
	{
		my $rows = $found->[$number];
		$cases->[$number]{notes} = [ map { $_->{note} } grep { defined $_->{note} } @$rows ];
		my ($words) = ($rows->[0]{sql} // '') =~ /^CREATE VIEW .*? AS SELECT (.*) AS "r" FROM /s;
		$cases->[$number]{words} = $words;
	}
}

# ---- the places of expressions -------------------------------------------------------------------------

sub in_views
{
	my ($server, $kind, $cases) = @_;
	my ($source, $error) = source($server, map { ("CREATE OR REPLACE VIEW w$_ AS SELECT id, $cases->[$_]{sql} AS r FROM v",
			"SELECT $_, id, HEX(CONCAT(r)) FROM w$_") } 0 .. $#$cases);
	my $target = pg_json('SELECT evaluation.evaluate(' . quoted($json->encode([ map { $_->{words} } @$cases ])) . ')');
	my (@wrong, $values);

	foreach my $number (0 .. $#$cases)
	{
		my ($case, $here, $there) = ($cases->[$number], $target->[$number], $source->{$number});
		$case->{type} = $here->{type};
		# An expression that the source fails at for one row (out of range, say) has no value to hold against.
		next unless defined $there;
		my @differ = grep { defined } map { difference($here->{type}, $there->{$_}, $here->{values}{$_}, $_, $case->{random}) } sort { $a <=> $b } keys %$there;
		$values += keys %$there;
		push @wrong, "$case->{sql}\n    => $case->{words}\n      " . join("\n      ", @differ[ 0 .. ($#differ > 3 ? 3 : $#differ) ]) if @differ;
		push @wrong, "$case->{sql}: the source gives no value" if !%$there;
	}
	report(\@wrong, "$kind: " . @$cases . " expressions give the same values ($values compared)");
}

sub in_columns
{
	my ($server, $kind, $cases) = @_;
	my @generated;
	my $names = join(', ', map { "`$_`" } 'id', columns());
	my ($compared, @wrong, @batches);

	foreach my $case (@$cases)
	{
		my @types = @{ $column{ $case->{type} // '' } // [] };
		# All of them in the long run, one of them else.
		@types = ($types[ int(rand(@types)) ]) if @types && !$long;
		push @generated, map { +{ %$case, type => $_ } } @types;
	}
	push @batches, [ splice(@generated, 0, 16) ] while @generated;
	while (my $batch = shift @batches)
	{
		my $table = table_sql($kind, 'g', map { "g$_ $batch->[$_]{type} AS ($batch->[$_]{sql}) STORED" } 0 .. $#$batch);
		my ($source, $error) = source($server, 'DROP TABLE IF EXISTS g', $table, "INSERT INTO g ($names) SELECT $names FROM v",
			map { "SELECT $_, id, HEX(CONCAT(g$_)) FROM g" } 0 .. $#$batch);
		if (%$error)
		{
			# Something that the source does not take in a generated column.
			push @batches, halves($batch);
			next;
		}
		my $target = pg_json('SELECT evaluation.columns(' . quoted($table) . ", '$kind', " . scalar(@$batch) . ')');
		if (defined $target->{refused})
		{
			push @batches, halves($batch);
			push @wrong, "$batch->[0]{type} AS ($batch->[0]{sql}): $target->{refused}" if @$batch == 1;
			next;
		}
		push @wrong, "rows of " . join(', ', map { "$_->{type} AS ($_->{sql})" } @$batch) . "\n    $_" foreach @{ $target->{failed} // [] };
		foreach my $number (0 .. $#$batch)
		{
			my ($case, $here, $there) = ($batch->[$number], $target->{columns}{"g$number"}, $source->{$number});
			next unless defined $here;
			$compared++;
			my @differ = grep { defined } map { difference($here->{type}, $there->{$_}, $here->{values}{$_}, $_, $case->{random}) } sort { $a <=> $b } keys %$there;
			push @wrong, "$case->{type} AS ($case->{sql})\n    => " . substr($here->{words}, 0, 200) . "\n      " . join("\n      ", @differ[ 0 .. ($#differ > 3 ? 3 : $#differ) ]) if @differ;
		}
	}
	report(\@wrong, "$kind: $compared generated columns hold the same values");
}

sub halves
{
	my ($batch) = @_;
	my $half = int(@$batch / 2);

	return $half > 0 ? ([ @$batch[ 0 .. $half - 1 ] ], [ @$batch[ $half .. $#$batch ] ]) : ();
}

sub in_defaults
{
	my ($server, $kind) = @_;
	my @cases = defaults();
	my ($source, $error) = source($server, map { ("CREATE OR REPLACE TABLE d$_ (id INT, c $cases[$_]{type} DEFAULT $cases[$_]{sql})" =~ s/ OR REPLACE//r,
			"INSERT INTO d$_ (id) VALUES (0)", "SELECT $_, id, HEX(CONCAT(c)) FROM d$_") } 0 .. $#cases);
	my $target = pg_json('SELECT evaluation.defaults(' . quoted($json->encode([ map { "c $_->{type} DEFAULT $_->{sql}" } @cases ])) . ", '$kind')");
	my ($compared, @wrong);

	foreach my $number (0 .. $#cases)
	{
		my $there = $source->{$number};
		my $here = $target->[$number];
		next unless defined $there;
		$compared++;
		my $differ = defined $here->{error} ? $here->{error} : difference($here->{type}, $there->{0}, $here->{value}, 0);
		push @wrong, "$cases[$number]{type} DEFAULT $cases[$number]{sql}: $differ" if defined $differ;
	}
	report(\@wrong, "$kind: $compared defaults give the same values");
}

sub report
{
	my ($wrong, $title) = @_;

	is(scalar(@$wrong), 0, $title);
	diag(encode('UTF-8', join("\n", @$wrong[ 0 .. ($#$wrong > $limit ? $limit : $#$wrong) ]))) if @$wrong;
}

# ---- comparison ------------------------------------------------------------------------------------------

# Undef when both are the same, else a line about the row.
sub difference
{
	my ($type, $hex, $here, $row, $random) = @_;
	my $there = defined $hex ? pack('H*', $hex) : undef;

	return undef if !defined $there && !defined $here;
	if (defined $there && defined $here)
	{
		my $text = $type eq 'bytea' ? $there : decode('UTF-8', $there);
		return undef if same($type, $text, $here);
		# A value far out of range ends a row in PostgreSQL and is null or cut in a source that is not strict.
		return undef if $random && $here =~ /^ERROR: .*out of range/;
		$there = $type eq 'bytea' ? $hex : $text;
	}
	return sprintf('row %s: source %s, here %s (%s)', $row, $there // 'NULL', $here // 'NULL', $type // '');
}

sub same
{
	my ($type, $there, $here) = @_;

	return uc(unpack('H*', $there)) eq uc(substr($here, 2)) if $type eq 'bytea';
	return ($here eq 'true' ? 1 : 0) eq $there || $here eq ($there eq "\1" ? 'true' : 'false') if $type eq 'boolean';
	return plain_number($there) eq plain_number($here) if $type =~ /^(numeric|integer|bigint|smallint)/;
	return $there == $here || abs($there - $here) <= 1e-12 * abs($there) || ($type eq 'real' && abs($there - $here) <= 1e-6 * abs($there))
	  if $type =~ /^(double|real)/ && $here !~ /ERROR/;
	return plain_moment($there) eq plain_moment($here) if $type =~ /^(timestamp|interval)/;
	return join(',', split(/,/, $there)) eq $here =~ s/^\{(.*)\}$/$1/r if $type eq 'text[]';
	return sprintf('%b', ord $there) == $here if $type =~ /^bit/ && length $there;
	return $there =~ s/ +$//r eq $here =~ s/ +$//r if $type =~ /^character\(/;
	if ($type eq 'jsonb')
	{
		my ($a, $b) = map { my $text = $_; eval { $json->encode($json->decode($text)) } // $text } $there, $here;
		return $a eq $b;
	}
	return $there eq $here;
}

sub plain_number
{
	my ($text) = @_;

	$text =~ s/^(-?)0+(?=\d)/$1/;
	$text =~ s/(\.\d*?)0+$/$1/;
	$text =~ s/\.$//;
	return $text =~ /^-0$/ ? '0' : $text;
}

sub plain_moment
{
	my ($text) = @_;

	$text =~ s/\+00$//;
	$text =~ s/(\.\d*?)0+$/$1/;
	$text =~ s/\.$//;
	$text =~ s/ 00:00:00$//;
	return $text;
}

__DATA__
CREATE SCHEMA evaluation;

CREATE FUNCTION evaluation.options() RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"default_schema": "x", "use_catalog": true}'::jsonb $$;

CREATE FUNCTION evaluation.run(sql text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE sql; END $$;

CREATE FUNCTION evaluation.translate(expressions jsonb, kind text) RETURNS json LANGUAGE sql AS $$
	SELECT json_agg((SELECT json_agg(json_build_object('sql', target_sql, 'severity', severity, 'note', note))
			FROM dbstream.translate_ddl_report('CREATE VIEW w AS SELECT ' || e || ' AS r FROM v', kind, 'postgresql', evaluation.options())) ORDER BY n)
	FROM jsonb_array_elements_text(expressions) WITH ORDINALITY AS x(e, n)
$$;

-- The values of an expression of x.v's columns, by id; rows that fail hold the error.
CREATE FUNCTION evaluation.values_of(expression text) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
	found jsonb := '{}';
	type text;
	one text;
	row_id int;
BEGIN
	BEGIN
		EXECUTE format('SELECT min(pg_typeof(%s)::text), jsonb_object_agg(id, (%s)::text) FROM x.v', expression, expression) INTO type, found;
	EXCEPTION WHEN OTHERS THEN
		found := '{}';
		FOR row_id IN SELECT id FROM x.v LOOP
			BEGIN
				EXECUTE format('SELECT pg_typeof(%s)::text, (%s)::text FROM x.v WHERE id = %s', expression, expression, row_id) INTO type, one;
			EXCEPTION WHEN OTHERS THEN
				one := 'ERROR: ' || SQLERRM;
			END;
			found := found || jsonb_build_object(row_id::text, one);
		END LOOP;
	END;
	RETURN json_build_object('type', CASE type WHEN 'unknown' THEN 'text' ELSE coalesce(type, 'text') END, 'values', found);
END
$$;

CREATE FUNCTION evaluation.evaluate(expressions jsonb) RETURNS json LANGUAGE sql AS $$
	SELECT json_agg(evaluation.values_of(e) ORDER BY n) FROM jsonb_array_elements_text(expressions) WITH ORDINALITY AS x(e, n)
$$;

-- The table's translation, filled with x.v's rows: its generated columns that were carried over.
CREATE FUNCTION evaluation.columns(ddl text, kind text, generated int) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
	names text := (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'x.v'::regclass AND attnum > 0);
	row_id int;
	failed jsonb := '[]';
	one record;
	found jsonb := '{}';
	held jsonb;
BEGIN
	DROP TABLE IF EXISTS x.g;
	BEGIN
		EXECUTE dbstream.translate_ddl(ddl, kind, 'postgresql', evaluation.options());
	EXCEPTION WHEN OTHERS THEN
		RETURN json_build_object('refused', SQLERRM);
	END;
	BEGIN
		EXECUTE format('INSERT INTO x.g (%s) SELECT %s FROM x.v', names, names);
	EXCEPTION WHEN OTHERS THEN
		FOR row_id IN SELECT id FROM x.v LOOP
			BEGIN
				EXECUTE format('INSERT INTO x.g (%s) SELECT %s FROM x.v WHERE id = %s', names, names, row_id);
			EXCEPTION WHEN numeric_value_out_of_range OR datetime_field_overflow OR interval_field_overflow THEN
				NULL;
			WHEN OTHERS THEN
				failed := failed || jsonb_build_array(row_id || ': ' || SQLERRM);
			END;
		END LOOP;
	END;
	FOR one IN SELECT a.attname, format_type(atttypid, NULL) AS type, pg_get_expr(adbin, adrelid) AS words FROM pg_attribute a
		JOIN pg_attrdef d ON adrelid = attrelid AND adnum = attnum WHERE attrelid = 'x.g'::regclass AND attgenerated = 's' LOOP
		EXECUTE format('SELECT jsonb_object_agg(id, %I::text) FROM x.g', one.attname) INTO held;
		found := found || jsonb_build_object(one.attname, jsonb_build_object('type', one.type, 'words', one.words, 'values', held));
	END LOOP;
	RETURN json_build_object('failed', failed, 'columns', found);
END
$$;

CREATE FUNCTION evaluation.defaults(columns jsonb, kind text) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
	definition text;
	found json[] := '{}';
	type text;
	value text;
	why text;
BEGIN
	FOR definition IN SELECT jsonb_array_elements_text(columns) LOOP
		BEGIN
			EXECUTE dbstream.translate_ddl('CREATE TABLE d (id INT, ' || definition || ')', kind, 'postgresql', evaluation.options());
			SELECT note INTO why FROM dbstream.translate_ddl_report('CREATE TABLE d2 (id INT, ' || definition || ')', kind, 'postgresql', evaluation.options())
				WHERE severity = 'error';
			INSERT INTO x.d (id) VALUES (0);
			SELECT format_type(atttypid, atttypmod) INTO type FROM pg_attribute WHERE attrelid = 'x.d'::regclass AND attname = 'c';
			EXECUTE 'SELECT c::text FROM x.d' INTO value;
			found := found || CASE WHEN why IS NULL THEN json_build_object('type', type, 'value', value)
				ELSE json_build_object('error', why) END;
		EXCEPTION WHEN OTHERS THEN
			found := found || json_build_object('error', SQLERRM);
		END;
		DROP TABLE IF EXISTS x.d;
	END LOOP;
	RETURN array_to_json(found);
END
$$;
