# Every type by two ways, by a copy of the table and by the log: what arrives is the same, byte for byte. The map of types
# itself is asked whether one is left out, under every option.

use strict;
use warnings;

use DBStream::Matrix qw(left_out matrix matrix_options matrix_sql option_matrix);
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
		my $good = eval { by_both_ways($scene, $kind); 1 };
		my $error = $@;
		fail("$kind: $error") unless $good;
		diag($scene->state_text) unless $good && Test::More->builder->is_passing;
		eval { $scene->finish };
	}
}
done_testing();

sub by_both_ways
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);
	my $matrix = matrix($kind);
	my $of_options = option_matrix();

	$source->sql('CREATE DATABASE matrix CHARACTER SET utf8mb4; CREATE DATABASE options CHARACTER SET utf8mb4');
	$source->sql(matrix_sql($_, @{ $matrix->{$_} }), 'matrix') foreach sort keys %$matrix;
	$source->sql(matrix_sql($_, @{ $of_options->{$_} }), 'options') foreach sort keys %$of_options;
	my @sets = map { $_->[0] } $source->rows(
		"SELECT character_set_name FROM information_schema.character_sets WHERE character_set_name <> 'binary' ORDER BY 1");
	foreach my $set (@sets)
	{
		$source->sql("CREATE TABLE `cs_$set` (id int PRIMARY KEY, v varchar(200) CHARACTER SET $set, c char(3) CHARACTER SET $set,"
			  . " t text CHARACTER SET $set, e enum('a','b c') CHARACTER SET $set, w set('x','yz') CHARACTER SET $set);"
			  . " INSERT IGNORE INTO `cs_$set` VALUES (1, CONVERT(CONVERT(X'C3A9E6BCA2C39FE282AC41' USING utf8mb4) USING $set), 'a',"
			  . " 'text', 'b c', 'x,yz'), (2, NULL, '', '', 'a', '')",
			'matrix');
	}
	$scene->bridge->start;
	$scene->create_connection('m_source');
	foreach my $given ([ 'matrix', '', matrix_options(0) ], [ 'options', '_o', matrix_options(1) ])
	{
		my ($schema, $suffix, %options) = @$given;
		$scene->start_stream_on("by_log$suffix", "$schema.*", start => 'earliest', schemas => { $schema => "by_log$suffix" }, %options);
		$scene->start_stream_on("by_copy$suffix", "$schema.*", start => 'backfill', schemas => { $schema => "by_copy$suffix" }, %options);
	}
	ok($target->wait_for("SELECT count(*) = 2 AND bool_and(state = 'done') FROM dbstream.backfill", 240), "$kind: the tables are copied")
	  or die "not copied\n";
	foreach my $stream (qw(by_log by_log_o))
	{
		ok($scene->caught_up($stream, 120), "$kind: the log is applied to $stream") or die "not caught up\n";
	}
	same_by_both($target, $kind, '', (map { ($_, "${_}_nokey") } sort keys %$matrix), map { "cs_$_" } @sets);
	same_by_both($target, $kind, '_o', map { ($_, "${_}_nokey") } sort keys %$of_options);
	nothing_left_out($target, $kind, $matrix, $of_options);
}

# Rows and types of these tables.
sub same_by_both
{
	my ($target, $kind, $suffix, @names) = @_;
	my ($by_log, $by_copy) = ("by_log$suffix", "by_copy$suffix");

	foreach my $name (@names)
	{
		my $table = '"' . $name . '"';
		my ($status, $out, $err) = $target->run_psql("SELECT count(*) FROM ("
			  . "(SELECT t::text FROM $by_log.$table t EXCEPT ALL SELECT t::text FROM $by_copy.$table t) UNION ALL "
			  . "(SELECT t::text FROM $by_copy.$table t EXCEPT ALL SELECT t::text FROM $by_log.$table t)) d");
		is("$out$err", '0', "$kind: $name is the same by both ways");
		if ("$out$err" ne '0')
		{
			my ($s, $o) = $target->run_psql("SELECT 'by log', left(t::text, 200) FROM $by_log.$table t UNION ALL "
				  . "SELECT 'by copy', left(t::text, 200) FROM $by_copy.$table t");
			diag($o);
		}
	}
	is( $target->sql("SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r' JOIN"
			  . " pg_namespace n ON n.oid = c.relnamespace AND n.nspname = '$by_log' WHERE a.attnum > 0 AND NOT EXISTS (SELECT FROM"
			  . " pg_attribute b JOIN pg_class d ON d.oid = b.attrelid JOIN pg_namespace m ON m.oid = d.relnamespace AND m.nspname ="
			  . " '$by_copy' WHERE d.relname = c.relname AND b.attname = a.attname AND (b.atttypid = a.atttypid OR (SELECT"
			  . " x.typtype = 'e' AND y.typtype = 'e' FROM pg_type x, pg_type y WHERE x.oid = a.atttypid AND y.oid = b.atttypid)))"),
		'0', "$kind: and the columns of $by_log and $by_copy have the same types");
}

# Every row of the map is a column that has become what the map says, by both ways.
sub nothing_left_out
{
	my ($target, $kind, @matrices) = @_;
	my @map = $target->rows("SELECT source_type, coalesce(condition, ''), target_type FROM dbstream.type_map() WHERE direction = "
		  . "'mysql to postgresql'");
	my %became;
	my %tried;

	foreach my $row ($target->rows("SELECT n.nspname, c.relname, CASE WHEN t.typtype = 'e' THEN 'an enum type' WHEN t.typname = 'bpchar'"
			  . " THEN 'char' WHEN t.typname = '_float4' THEN 'real[]' WHEN t.typname ~ '^_' THEN substr(t.typname, 2) || '[]'"
			  . " WHEN t.typname IN ('varchar', 'timestamp', 'timestamptz', 'time') THEN t.typname::text ELSE format_type(t.oid, NULL) END"
			  . " FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_type t"
			  . " ON t.oid = a.atttypid WHERE c.relkind = 'r' AND n.nspname LIKE 'by\\_%' AND a.attname = 'v'"))
	{
		my ($schema, $name, $type) = @$row;
		$became{$schema}{$name} = $type;
	}
	foreach my $given ([ '', $matrices[0] ], [ '_o', $matrices[1] ])
	{
		my ($suffix, $matrix) = @$given;
		foreach my $name (keys %$matrix)
		{
			my ($log, $copy) = map { $became{"$_$suffix"}{$name} // '' } qw(by_log by_copy);
			push @{ $tried{ $matrix->{$name}[0] } }, $copy if $log eq $copy;
		}
	}
	cmp_ok(scalar @map, '>', 40, "$kind: the map has " . @map . ' rows');
	is(join("\n", left_out(\@map, \%tried, $kind eq 'mariadb' ? 'MariaDB' : 'MySQL')), '',
		"$kind: no row of dbstream.type_map() is left out");
}
