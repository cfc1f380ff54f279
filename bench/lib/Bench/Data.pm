package Bench::Data;

# The rows and transactions of the benchmark, written alike on MySQL, MariaDB and PostgreSQL.

use strict;
use warnings;

use Exporter 'import';

our @EXPORT_OK = qw(%columns prepare_mysql write_mysql write_postgres done_condition expected_rows);

# What the tables look like everywhere; x also has an index on n.
our %columns = (
	t => '(id int PRIMARY KEY, n int, a varchar(120), b varchar(60))',
	x => '(id int PRIMARY KEY, n int, a varchar(120), b varchar(60))',
	l => '(id int PRIMARY KEY, a varchar(60))');

my $block = 1000;

# How many rows are there in the end. For inserts $size is rows, for transactions the number of transactions.
sub expected_rows
{
	my ($work, $size) = @_;

	return $work eq 'inserts' ? $size : $size / 3;
}

# True at the target when the last transaction has been applied.
sub done_condition
{
	my ($work, $size) = @_;

	return 'EXISTS (SELECT 1 FROM bench.t WHERE id = ' . ($size - 1) . ')' if $work eq 'inserts';
	my $last = 2 * ($size / 3);
	return 'EXISTS (SELECT 1 FROM bench.x WHERE id = ' . ($last - 2) . ') AND NOT EXISTS (SELECT 1 FROM bench.x WHERE id = '
	  . ($last - 1) . ')';
}

sub write_mysql
{
	my ($server, $work, $size) = @_;

	return $work eq 'inserts' ? inserts_mysql($server, $size) : transactions_mysql($server, $size);
}

sub write_postgres
{
	my ($server, $work, $size) = @_;

	return $work eq 'inserts' ? inserts_postgres($server, $size) : transactions_postgres($server, $size);
}

# What writing needs on the server itself; before any position that a stream or replica starts from.
sub prepare_mysql
{
	my ($server) = @_;

	$server->sql('CREATE TABLE bench.digit (d int PRIMARY KEY);'
		  . ' INSERT INTO bench.digit VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)');
	create_procedure($server);
}

# Statements, each a transaction, of a thousand rows, as a load would write them.
sub inserts_mysql
{
	my ($server, $rows) = @_;
	my $numbers = join(' + ', map { "d$_.d * " . 10**$_ } 0 .. 2);
	my $from = join(', ', map { "digit d$_" } 0 .. 2);
	my @statements;

	for (my $first = 0; $first < $rows; $first += $block)
	{
		push @statements,
		    "INSERT INTO t SELECT n + $first, (n * 7919 + $first) % 100000, CONCAT('a text of the usual length, number ',"
		  . " n + $first, REPEAT(' and more', (n % 8))), LEFT(SHA2(n + $first, 256), 32)"
		  . " FROM (SELECT $numbers AS n FROM $from) x WHERE n + $first < $rows;";
	}
	$server->sql(join("\n", @statements), 'bench');
}

sub inserts_postgres
{
	my ($server, $rows) = @_;

	$server->sql(<<"END");
DO \$\$
BEGIN
	FOR begins IN 0 .. @{[$rows - 1]} BY $block LOOP
		INSERT INTO bench.t SELECT n + begins, (n * 7919 + begins) % 100000, 'a text of the usual length, number '
			|| n + begins || repeat(' and more', n % 8), left(encode(sha256((n + begins)::text::bytea), 'hex'), 32)
			FROM generate_series(0, @{[$block - 1]}) n WHERE n + begins < $rows;
		COMMIT;
	END LOOP;
END \$\$;
END
}

# Three transactions in turn: two inserts; an update, of the indexed column every other time; a delete.
sub transactions_mysql
{
	my ($server, $count) = @_;

	$server->sql('CALL work(' . $count / 3 . ')', 'bench');
}

sub create_procedure
{
	my ($server) = @_;

	$server->sql(<<"END", 'bench');
delimiter //
CREATE PROCEDURE work(times INT)
BEGIN
	DECLARE j INT DEFAULT 0;
	WHILE j < times DO
		START TRANSACTION;
		INSERT INTO x VALUES (2 * j, j % 1000, CONCAT('a text of the usual length, number ', j), LEFT(SHA2(j, 256), 32));
		INSERT INTO x VALUES (2 * j + 1, j % 1000, CONCAT('another text, number ', j), NULL);
		COMMIT;
		START TRANSACTION;
		IF j % 2 = 1 THEN
			UPDATE x SET n = n + 1 WHERE id = 2 * ((j * 7919) % (j + 1));
		ELSE
			UPDATE x SET a = CONCAT('a changed text, number ', j) WHERE id = 2 * ((j * 7919) % (j + 1));
		END IF;
		COMMIT;
		START TRANSACTION;
		DELETE FROM x WHERE id = 2 * j + 1;
		COMMIT;
		SET j = j + 1;
	END WHILE;
END//
delimiter ;
END
}

sub transactions_postgres
{
	my ($server, $count) = @_;

	$server->sql(<<"END");
DO \$\$
BEGIN
	FOR j IN 0 .. @{[$count / 3 - 1]} LOOP
		INSERT INTO bench.x VALUES (2 * j, j % 1000, 'a text of the usual length, number ' || j,
			left(encode(sha256(j::text::bytea), 'hex'), 32));
		INSERT INTO bench.x VALUES (2 * j + 1, j % 1000, 'another text, number ' || j, NULL);
		COMMIT;
		IF j % 2 = 1 THEN
			UPDATE bench.x SET n = n + 1 WHERE id = 2 * ((j * 7919) % (j + 1));
		ELSE
			UPDATE bench.x SET a = 'a changed text, number ' || j WHERE id = 2 * ((j * 7919) % (j + 1));
		END IF;
		COMMIT;
		DELETE FROM bench.x WHERE id = 2 * j + 1;
		COMMIT;
	END LOOP;
END \$\$;
END
}

1;
