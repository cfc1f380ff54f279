# Every type at its extremes, with NULLs, and every character set that the server lists: equal on both sides.
# Then the policies: what cannot be carried as it is, is changed only as an option says, and counted.

use strict;
use warnings;
use utf8;

use DBStream::Compare qw(compare_table);
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
		$source->sql(matrix_sql($name, @{ $matrix->{$name} }), 'matrix');
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
		# What the character set can hold is what comes back from it unchanged; strict MariaDB refuses to try the rest.
		my $back = "CONVERT(CONVERT(s USING $set) USING utf8mb4) COLLATE utf8mb4_bin";
		$source->sql("CREATE TABLE $set (id int PRIMARY KEY, v varchar(200) CHARACTER SET $set, c char(3) CHARACTER SET $set,"
			  . " t text CHARACTER SET $set, e enum('a','b c') CHARACTER SET $set, w set('x','yz') CHARACTER SET $set);"
			  . "SET sql_mode = ''; CREATE TEMPORARY TABLE sample.fits SELECT id, s FROM sample.letter"
			  . " WHERE $back = s AND id <> 32; SET sql_mode = DEFAULT;"
			  . "SET group_concat_max_len = 10000;"
			  . "INSERT INTO $set SELECT id DIV 100, CONVERT(GROUP_CONCAT(s ORDER BY id SEPARATOR '') USING $set),"
			  . " CONVERT(MIN(s) USING $set), CONVERT(GROUP_CONCAT(s ORDER BY id DESC SEPARATOR '') USING $set), 'b c', 'x,yz'"
			  . " FROM sample.fits GROUP BY id DIV 100",
			'charsets');
		cmp_ok($source->sql("SELECT COUNT(*) FROM charsets.$set"), '>', 1, "$kind: $set has letters");
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
