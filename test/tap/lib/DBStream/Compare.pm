package DBStream::Compare;

# Compare a table of MySQL or MariaDB with its copy in PostgreSQL by every value.
#
# Each side is asked for one text for each value in a form that loses nothing:
# texts and bytes in hexadecimal, floats with every digit, times with six
# fraction digits and in UTC.  What the two sides still write differently (the
# notation of a float, the order of a document's members, the frame around a
# geometry) is brought to one form here.  None of the stream's own code is used.
# Rows are compared as a multiset, so tables without a key compare too.

use strict;
use warnings;

use B ();
use Carp;
use Exporter 'import';
use JSON::PP;
use Math::BigFloat;
use POSIX ();
use Socket qw(inet_pton inet_ntop AF_INET AF_INET6);

our @EXPORT_OK = qw(compare_table compare_schema source_tables);

# A source type's expression, the target's expression, and what brings both to one form (or none).
sub plan
{
	my ($column, $target, $kind) = @_;
	my $name = "`" . $column->{name} =~ s/`/``/gr . "`";
	my $to = '"' . $column->{name} =~ s/"/""/gr . '"';
	my $type = $column->{type};
	my $text_source = "HEX(CONVERT($name USING utf8mb4))";
	my $text_target = "upper(encode(convert_to(${to}::text, 'UTF8'), 'hex'))";

	if ($target eq 'json' || $target eq 'jsonb')
	{
		return ($text_source, $text_target, \&canonical_json);
	}
	if ($target eq 'boolean')
	{
		return ("$name + 0", "CASE WHEN $to THEN 1 WHEN NOT $to THEN 0 END");
	}
	if ($type =~ /^(tinyint|smallint|mediumint|int|bigint|year|decimal)$/)
	{
		return ("$name + 0", "${to}::text");
	}
	if ($type =~ /^(float|double)$/)
	{
		# Added to a double, a float is printed with every digit of its exact value.
		return ("$name + 0e0", "${to}::float8::text", \&canonical_float);
	}
	if ($type eq 'bit')
	{
		return ("LPAD(BIN($name + 0), $column->{precision}, '0')", "${to}::text");
	}
	if ($type eq 'date')
	{
		return ("CAST($name AS CHAR)", "to_char($to, 'YYYY-MM-DD')");
	}
	if ($type eq 'datetime')
	{
		return ("DATE_FORMAT($name, '%Y-%m-%d %H:%i:%s.%f')", "to_char($to, 'YYYY-MM-DD HH24:MI:SS.US')");
	}
	if ($type eq 'timestamp')
	{
		return ("DATE_FORMAT($name, '%Y-%m-%d %H:%i:%s.%f')",
			"to_char($to AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')");
	}
	if ($type eq 'time')
	{
		return ("CAST($name AS CHAR)", "(extract(epoch FROM $to) * 1000000)::bigint::text", \&canonical_time);
	}
	if ($type eq 'set' && $target eq 'text[]')
	{
		return ($text_source, "upper(encode(convert_to(array_to_string($to, ','), 'UTF8'), 'hex'))");
	}
	if ($type =~ /^(char|varchar|tinytext|text|mediumtext|longtext|enum|set)$/)
	{
		return ($text_source, $text_target);
	}
	if ($type eq 'json')
	{
		return ($text_source, $text_target, \&canonical_json);
	}
	if ($type =~ /^(binary|varbinary|tinyblob|blob|mediumblob|longblob)$/)
	{
		return ("HEX($name)", "upper(replace(${to}::text, '-', ''))") if $target eq 'uuid';
		return ("HEX($name)", "upper(encode($to, 'hex'))");
	}
	if ($type eq 'uuid')
	{
		return ("CAST($name AS CHAR)", "${to}::text");
	}
	if ($type =~ /^inet[46]$/)
	{
		return ("CAST($name AS CHAR)", "host($to)", \&canonical_address);
	}
	if ($type eq 'vector')
	{
		return ("HEX($name)", "(SELECT string_agg(encode(float4send(x), 'hex'), '' ORDER BY n)"
			  . " FROM unnest(${to}::real[]) WITH ORDINALITY AS u(x, n))", \&canonical_vector);
	}
	if ($type =~ /^(geometry|point|linestring|polygon|multipoint|multilinestring|multipolygon|geometrycollection|geomcollection)$/)
	{
		my $bytes = $target eq 'bytea' ? $to : "ST_AsEWKB($to)";
		return ("HEX($name)", "upper(encode($bytes, 'hex'))", \&canonical_geometry);
	}
	croak "no way to compare a column of type $type ($column->{name}) is known here: add one";
}

# ---- one form for both sides; the second argument tells the side ----

sub canonical_float
{
	my ($text) = @_;
	my ($number, $unread) = POSIX::strtod($text);

	croak "'$text' is no number" if $unread;
	return unpack('H*', pack('d>', $number));
}

# Microseconds, from "-838:59:59.000000" or from the target's own microseconds.
sub canonical_time
{
	my ($text, $side) = @_;

	return $text if $side eq 'target';
	$text =~ /^(-?)(\d+):(\d\d):(\d\d)(?:\.(\d{1,6}))?$/ or croak "'$text' is no time";
	my $micros = (($2 * 60 + $3) * 60 + $4) * 1000000 + (defined $5 ? substr("${5}000000", 0, 6) : 0);
	return $micros == 0 ? '0' : ($1 eq '-' ? -$micros : $micros) . '';
}

sub canonical_address
{
	my ($text) = @_;

	return unpack('H*', $text =~ /:/ ? inet_pton(AF_INET6, $text) : inet_pton(AF_INET, $text));
}

# Single-precision numbers: the source shows them with the low byte first.
sub canonical_vector
{
	my ($text, $side) = @_;

	return uc $text if $side eq 'target';
	return uc join('', map { unpack('H*', reverse pack('H*', $_)) } $text =~ /(.{8})/g);
}

# SRID and plain well-known binary, from MySQL's inner form (SRID first) or from EWKB (SRID behind a flag in the type).
sub canonical_geometry
{
	my ($hex, $side) = @_;
	my $bytes = pack('H*', $hex);

	if ($side eq 'source')
	{
		return unpack('V', $bytes) . ':' . uc unpack('H*', substr($bytes, 4));
	}
	my $order = unpack('C', $bytes);
	my $type = unpack($order ? 'x V' : 'x N', $bytes);
	my $srid = 0;
	my $rest = 5;
	if ($type & 0x20000000)
	{
		$srid = unpack($order ? 'x5 V' : 'x5 N', $bytes);
		$rest = 9;
	}
	return "$srid:" . uc unpack('H*', pack($order ? 'C V' : 'C N', $order, $type & ~0x20000000) . substr($bytes, $rest));
}

my $json = JSON::PP->new->utf8->allow_nonref->allow_bignum;
# The forms of large documents: a test writes the same one into many rows, and each takes a second to read.
my %json_form;
my %number_form;

sub canonical_json
{
	my ($hex) = @_;

	return $json_form{$hex} if exists $json_form{$hex};
	my $value = eval { $json->decode(pack('H*', $hex)) };
	my $form = $@ ? "not JSON: $hex" : json_text($value);
	$json_form{$hex} = $form if length $hex > 10_000;
	return $form;
}

sub json_text
{
	my ($value) = @_;

	return 'null' unless defined $value;
	return ($$value ? 'true' : 'false') if JSON::PP::is_bool($value) && ref($value) eq 'JSON::PP::Boolean';
	if (ref $value eq 'HASH')
	{
		return '{' . join(',', map { string_text($_) . ':' . json_text($value->{$_}) } sort keys %$value) . '}';
	}
	return '[' . join(',', map { json_text($_) } @$value) . ']' if ref $value eq 'ARRAY';
	return number_text("$value") if ref $value;
	# JSON::PP leaves the numeric flags of a number set, and those of a string not.
	my $flags = B::svref_2object(\$value)->FLAGS;
	return number_text($value) if $flags & (B::SVp_IOK() | B::SVp_NOK()) && !($flags & B::SVp_POK());
	return string_text($value);
}

sub number_text
{
	my ($text) = @_;

	$number_form{$text} //= Math::BigFloat->new($text)->bnstr;
	return $number_form{$text};
}

sub string_text
{
	my ($text) = @_;

	return '"' . join('', map { sprintf('%x.', ord) } split(//, $text)) . '"';
}

# ---- both sides ----

sub quote_mysql { return "'" . $_[0] =~ s/\\/\\\\/gr =~ s/'/''/gr . "'"; }
sub quote_pg { return "'" . $_[0] =~ s/'/''/gr . "'"; }

sub source_columns
{
	my ($source, $schema, $table) = @_;

	return map { { name => pack_utf8($_->[0]), type => lc $_->[1], precision => $_->[2] } } $source->rows(
		'SELECT HEX(CONVERT(column_name USING utf8mb4)), data_type, numeric_precision FROM information_schema.columns'
		  . ' WHERE table_schema = ' . quote_mysql($schema) . ' AND table_name = ' . quote_mysql($table)
		  . ' ORDER BY ordinal_position');
}

sub pack_utf8 { return pack('H*', $_[0]); }

sub target_types
{
	my ($target, $schema, $table) = @_;

	return map { pack_utf8($_->[0]) => $_->[1] =~ s/\(.*?\)//gr =~ s/^public\.//r } $target->rows(
		"SELECT encode(convert_to(a.attname, 'UTF8'), 'hex'), format_type(a.atttypid, NULL) FROM pg_attribute a"
		  . ' JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace'
		  . ' WHERE n.nspname = ' . quote_pg($schema) . ' AND c.relname = ' . quote_pg($table)
		  . ' AND a.attnum > 0 AND NOT a.attisdropped');
}

# Every row of one side as one line in the common form.
sub lines_of
{
	my ($side, $rows, $columns, $forms) = @_;
	my @lines;

	foreach my $row (@$rows)
	{
		my @values;
		foreach my $i (0 .. $#$columns)
		{
			my $value = $row->[$i];
			$value = $forms->[$i]->($value, $side) if defined $value && defined $forms->[$i];
			push @values, $value // 'NULL';
		}
		push @lines, join("\t", @values);
	}
	return sort @lines;
}

# Returns a text that tells the first differences, or '' when every value of every row is the same on both sides.
# where: a condition for both sides' WHERE; target_schema: when it is another one; skip: columns to leave out.
sub compare_table
{
	my ($source, $target, $schema, $table, %option) = @_;
	my $target_schema = $option{target_schema} // $schema;
	my $target_table = $option{target_table} // $table;
	my %skip = map { $_ => 1 } @{ $option{skip} // [] };
	my @columns = grep { !$skip{ $_->{name} } } source_columns($source, $schema, $table);
	my %types = target_types($target, $target_schema, $target_table);
	my (@from, @to, @forms);

	return "$schema.$table: the source has no such table\n" unless @columns;
	return "$schema.$table: the target has no such table\n" unless %types;
	foreach my $column (@columns)
	{
		my $type = $types{ $column->{name} };
		return "$schema.$table: the target has no column $column->{name}\n" unless defined $type;
		my ($from, $to, $form) = plan($column, $type, $source->kind);
		push @from, $from;
		push @to, $to;
		push @forms, $form;
	}
	my $where = defined $option{where} ? " WHERE $option{where}" : '';
	my @source_rows = $source->rows("SET time_zone = '+00:00'; SELECT "
		  . join(', ', @from) . ' FROM `' . $schema =~ s/`/``/gr . '`.`' . $table =~ s/`/``/gr . "`$where");
	my @target_rows = $target->rows("SET extra_float_digits = 3; SET timezone = 'UTC'; SELECT "
		  . join(', ', @to) . ' FROM "' . $target_schema =~ s/"/""/gr . '"."' . $target_table =~ s/"/""/gr . "\"$where");
	my @source_lines = lines_of('source', \@source_rows, \@columns, \@forms);
	my @target_lines = lines_of('target', \@target_rows, \@columns, \@forms);

	return differences("$schema.$table", \@columns, \@source_lines, \@target_lines);
}

sub differences
{
	my ($what, $columns, $source, $target) = @_;
	my ($i, $j, $count) = (0, 0, 0);
	my $text = '';

	while ($i < @$source || $j < @$target)
	{
		if ($i < @$source && $j < @$target && $source->[$i] eq $target->[$j])
		{
			$i++;
			$j++;
			next;
		}
		my $only_source = $j >= @$target || ($i < @$source && $source->[$i] lt $target->[$j]);
		my $line = $only_source ? $source->[ $i++ ] : $target->[ $j++ ];
		if (++$count <= 6)
		{
			my @values = split(/\t/, $line, -1);
			$text .= '  only at the ' . ($only_source ? 'source' : 'target') . ': '
			  . join(', ', map { $columns->[$_]{name} . '=' . shorten($values[$_]) } 0 .. $#$columns) . "\n";
		}
	}
	return '' if $count == 0;
	return "$what: $count rows differ (source has " . @$source . ', target ' . @$target . ")\n$text";
}

sub shorten
{
	my ($text) = @_;

	return length($text) > 120 ? substr($text, 0, 100) . '...(' . length($text) . ')' : $text;
}

sub source_tables
{
	my ($source, $schema) = @_;

	return map { pack_utf8($_->[0]) } $source->rows('SELECT HEX(CONVERT(table_name USING utf8mb4)) FROM information_schema.tables'
		  . ' WHERE table_type = ' . quote_mysql('BASE TABLE') . ' AND table_schema = ' . quote_mysql($schema)
		  . ' ORDER BY table_name');
}

# All tables of a schema. Returns the differences' text, '' when there is none.
sub compare_schema
{
	my ($source, $target, $schema, %option) = @_;

	return join('', map { compare_table($source, $target, $schema, $_, %option) } source_tables($source, $schema));
}

1;
