# Every type by two ways, by a copy of the table and by the log: what arrives is the same, byte for byte.

use strict;
use warnings;

use DBStream::Matrix qw(matrix matrix_sql);
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

	$source->sql('CREATE DATABASE matrix CHARACTER SET utf8mb4');
	$source->sql(matrix_sql($_, @{ $matrix->{$_} }), 'matrix') foreach sort keys %$matrix;
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
	$scene->start_stream_on('by_log', 'matrix.*', start => 'earliest', schemas => { matrix => 'by_log' }, json => 'json');
	$scene->start_stream_on('by_copy', 'matrix.*', start => 'backfill', schemas => { matrix => 'by_copy' }, json => 'json');
	ok($target->wait_for("SELECT state = 'done' FROM dbstream.backfill", 120), "$kind: the tables are copied")
	  or die "not copied\n";
	ok($scene->caught_up('by_log', 120), "$kind: the log is applied") or die "not caught up\n";
	foreach my $name ((map { ($_, "${_}_nokey") } sort keys %$matrix), map { "cs_$_" } @sets)
	{
		my $table = '"' . $name . '"';
		my ($status, $out, $err) = $target->run_psql("SELECT count(*) FROM ("
			  . "(SELECT t::text FROM by_log.$table t EXCEPT ALL SELECT t::text FROM by_copy.$table t) UNION ALL "
			  . "(SELECT t::text FROM by_copy.$table t EXCEPT ALL SELECT t::text FROM by_log.$table t)) d");
		is("$out$err", '0', "$kind: $name is the same by both ways");
		if ("$out$err" ne '0')
		{
			my ($s, $o) = $target->run_psql("SELECT 'by log', left(t::text, 200) FROM by_log.$table t UNION ALL "
				  . "SELECT 'by copy', left(t::text, 200) FROM by_copy.$table t");
			diag($o);
		}
	}
	is( $target->sql("SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r' JOIN"
			  . " pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'by_log' WHERE a.attnum > 0 AND NOT EXISTS (SELECT FROM"
			  . " pg_attribute b JOIN pg_class d ON d.oid = b.attrelid JOIN pg_namespace m ON m.oid = d.relnamespace AND m.nspname ="
			  . " 'by_copy' WHERE d.relname = c.relname AND b.attname = a.attname AND b.atttypid = a.atttypid)"),
		'0', "$kind: and its columns have the same types");
}
