# Several readers copy one table by ranges of its key, whatever the key is; killed and begun again with another number of
# readers, they go on with what is not copied yet: every row is copied once.

use strict;
use warnings;

use DBStream::Faults qw(fault);
use DBStream::MySQL;
use DBStream::Process qw(in_child is_running read_file start_program stop_program wait_until write_file);
use DBStream::Scene;
use Test::More;
use Time::HiRes qw(sleep);

my @kinds = grep { !defined $ENV{DBSTREAM_SOURCE} || $_ eq $ENV{DBSTREAM_SOURCE} } qw(mariadb mysql);
my $rows = $ENV{DBSTREAM_ROWS} // 16000;

# The key's columns, and its values for row number i. Text is written in several cases, since its collation has no such
# difference; of "skew" nearly all begin with the same value; "lies" has one value that no other is beside.
my %tables = (
	number => [ 'k int NOT NULL', 'PRIMARY KEY (k)', 'i * 3 - 9000' ],
	word => [ 'k varchar(60) COLLATE utf8mb4_general_ci NOT NULL', 'PRIMARY KEY (k)',
		"CONCAT(ELT(1 + i % 5, 'Ä', 'a', 'B', 'é', ''''), i)" ],
	latin => [ 'k varchar(60) CHARACTER SET latin1 NOT NULL', 'PRIMARY KEY (k)', "CONCAT(ELT(1 + i % 3, 'ß', 'é', 'z'), i, ' ')" ],
	bytes => [ 'k binary(16) NOT NULL', 'PRIMARY KEY (k)', 'UNHEX(LEFT(SHA2(i, 256), 32))' ],
	skew => [ 'a int NOT NULL, k varchar(20) NOT NULL', 'PRIMARY KEY (a, k)', 'IF(i % 50 = 0, i, 7)', "CONCAT('k', i)" ],
	lies => [ 'k bigint NOT NULL', 'PRIMARY KEY (k)', 'IF(i = 0, -9000000000000000000, 8000000000000000000 + i)' ],
	falling => [ 'k int NOT NULL', 'PRIMARY KEY (k DESC)', 'i' ],
	mixed => [ 'a int NOT NULL, k datetime(3) NOT NULL', 'PRIMARY KEY (a, k DESC)', 'i % 5', "'2020-01-01' + INTERVAL i SECOND" ],
	label => [ "a enum('z','b','a') NOT NULL, k bit(20) NOT NULL", 'UNIQUE KEY (a, k)', '1 + i % 3', 'i' ],
	heap => [ 'k int', 'KEY (k)', 'i % 100' ]);

foreach my $kind (@kinds)
{
  SKIP:
	{
		my $why = DBStream::MySQL::missing($kind);
		skip "$kind: $why", 1 if $why;
		my $scene = DBStream::Scene->new(kind => $kind, conf => "max_prepared_transactions = 4\n");
		my $good = eval { in_ranges($scene, $kind); 1 };
		my $error = $@;
		fail("$kind: $error") unless $good;
		diag($scene->state_text) unless $good && Test::More->builder->is_passing;
		eval { $scene->finish };
	}
}
done_testing();

sub numbers
{
	my $digits = '(SELECT 0 d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL '
	  . 'SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)';

	return "(SELECT a.d + 10*b.d + 100*c.d + 1000*e.d + 10000*f.d AS i FROM $digits a, $digits b, $digits c, $digits e, "
	  . "$digits f HAVING i < $rows) numbers";
}

# Those of "still" are not written to while they are copied.
sub make_tables
{
	my ($source) = @_;

	foreach my $schema (qw(moving still))
	{
		$source->sql("CREATE DATABASE $schema CHARACTER SET utf8mb4");
		foreach my $name (sort keys %tables)
		{
			my ($columns, $key, @values) = @{ $tables{$name} };
			$source->sql("CREATE TABLE $name ($columns, v varchar(40), $key); INSERT INTO $name SELECT "
				  . join(', ', @values) . ", CONCAT('v', i) FROM " . numbers(), $schema);
		}
	}
}

# Rows in front of all others and behind them, in the place of others, and from one end of a table to the other.
sub changes
{
	my ($round) = @_;
	my $row = 1 + int(rand($rows));

	return <<"END";
INSERT INTO number VALUES (-100000 - $round, 'in front'), (10000000 + $round, 'behind');
UPDATE number SET k = k + 20000000 WHERE k BETWEEN $row AND $row + 3;
UPDATE number SET k = -k - 20000000 WHERE k > 20000000 LIMIT 1;
DELETE FROM number WHERE v = 'v$row';
INSERT IGNORE INTO word VALUES (CONCAT('zz', $round), 'behind'), (CONCAT('0', $round), 'in front');
UPDATE IGNORE word SET k = CONCAT(UPPER(k), 'x') WHERE v = 'v$row';
UPDATE IGNORE skew SET a = IF(a = 7, $row, 7) WHERE v = 'v$row';
INSERT IGNORE INTO skew VALUES (-$round, 'first', 'in front'), (7, 'a', 'x'), (7, CONCAT('zz', $round), 'x');
UPDATE bytes SET v = 'changed' WHERE k < UNHEX(LEFT(SHA2($row, 256), 32)) ORDER BY k DESC LIMIT 1;
DELETE FROM lies WHERE k < 0;
INSERT INTO lies VALUES (-8000000000000000000 + $round, 'again');
UPDATE falling SET k = k + 1000000 WHERE k = $row;
INSERT INTO falling VALUES (-$round - 1, 'behind');
UPDATE IGNORE mixed SET k = k + INTERVAL 1 YEAR WHERE v = 'v$row';
UPDATE IGNORE label SET a = 1 + $round % 3 WHERE v = 'v$row';
INSERT INTO heap VALUES ($round % 100, 'new'), ($round % 100, 'new');
END
}

sub start_writer
{
	my ($source, $flag) = @_;

	return in_child(
		'writer',
		sub {
			my $round = 0;
			until (-e $flag)
			{
				my ($status, $out, $err) = $source->client(join('', map { changes($round++) } 1 .. 10), 'moving');
				die $err if $status != 0 && $err !~ /Deadlock|Duplicate|Lock wait|ERROR 20[01]\d/;
			}
		});
}

# Until all is copied, or so many rows are.
sub watch
{
	my ($target, $until) = @_;

	return wait_until(240,
		sub {
			my ($status, $out) = $target->run_psql("SELECT coalesce((SELECT sum(rows_done) FROM dbstream.backfill_table), 0) "
				  . "|| ' ' || (SELECT state FROM dbstream.backfill)");
			return 0 if $status != 0;
			my ($done, $state) = split(' ', $out);
			return $state ne 'copying' || $done >= $until;
		});
}

# The bridge on a terminal of 100 columns and 12 lines, what it shows in a file.
sub bridge_on_a_terminal
{
	my ($scene, $typed) = @_;
	my $folder = DBStream::Scene::work_folder();

	write_file("$folder/terminal.sh", "stty cols 100 rows 12\nexec '" . DBStream::Bridge::program() . "'\n");
	return start_program('script', [ 'script', '-qefc', "sh $folder/terminal.sh", $typed ], "$folder/script.log",
		env => { TERM => 'xterm', DBSTREAM_CHUNK_ROWS => 400, DBSTREAM_CONNINFO => $scene->target->conninfo('bridge') });
}

# A stream of one table, and three readers.
sub one_table
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	$source->sql('CREATE DATABASE one');
	$source->sql('CREATE TABLE one (k int PRIMARY KEY, v varchar(40)); INSERT INTO one SELECT i * 8, i FROM ' . numbers()
		  . '; INSERT INTO one SELECT k + 4, k FROM one; INSERT INTO one SELECT k + 2, k FROM one;'
		  . ' INSERT INTO one SELECT k + 1, k FROM one', 'one');
	my $typed = DBStream::Scene::work_folder() . "/typed-$kind";
	my $bridge = bridge_on_a_terminal($scene, $typed);
	# The copy is held up until there was time to look at it, however fast the machine is.
	$target->sql("CREATE SCHEMA one; CREATE TABLE one.one (k int PRIMARY KEY, v varchar(40));"
		  . " BEGIN; LOCK TABLE one.one IN SHARE MODE; PREPARE TRANSACTION 'look'");
	$scene->start_stream('one', 'one.*', start => 'backfill', backfill_workers => 3);
	wait_until(60, sub { read_file($typed) =~ /0 of 1 tables done/ });
	$target->sql("ROLLBACK PREPARED 'look'");
	ok($target->wait_for("SELECT state = 'done' FROM dbstream.backfill", 60), "$kind: the backfill of one table ends");
	# The bars go with the next look after the end.
	wait_until(30, sub { read_file($typed) =~ /one\.one is copied in.*\[#*\.*\] .*\e\[J[^\[]*\z/s });
	stop_program($bridge, 'TERM');
	my $text = read_file($typed);
	like($text, qr/one\.one +\[#*\.*\] +[\d.]+ % \w+ .*\r\n0 of 1 tables done/, "$kind: the bridge shows bars on a terminal");
	like($text, qr/\e\[2A\e\[J\d{4}-\d\d-\d\dT\S+ info .*one\.one is copied in/, "$kind: and lines of the log above them");
	unlike($text =~ s/.*\e\[J//sr, qr/\[[#.]+\]/, "$kind: none are left at the end");
	like($text, qr/one\.one is copied in (?:[2-9]|\d\d+) ranges, by [23] readers at once/,
		"$kind: several readers copied ranges of it at once");
	is($target->sql('SELECT count(*), sum(k) FROM one.one'), join('|', 8 * $rows, 4 * $rows * (8 * $rows - 1)),
		"$kind: it has every row of it");
	$scene->bridge->start;
	$scene->drop_stream('one');
}

sub in_ranges
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);
	my $flag = DBStream::Scene::work_folder() . "/stop-$kind";
	my $all = 2 * $rows * keys %tables;

	$scene->bridge->{env}{DBSTREAM_CHUNK_ROWS} = 400;
	one_table($scene, $kind);
	make_tables($source);
	my $writer = start_writer($source, $flag);
	$scene->start_stream('both', 'moving.*,still.*', start => 'backfill', backfill_workers => 4);
	my @faults = qw(bridge_killed postgres_restarted source_killed);
	foreach my $i (0 .. $#faults)
	{
		watch($target, $all * ($i + 1) / 5) // die "the copy does not go on\n";
		fault($scene, $faults[$i]);
		my $workers = (2, 7, 1)[$i];
		$target->wait_ready(60);
		$target->sql("SELECT dbstream.alter_stream('both', options => '{\"backfill_workers\": $workers}')");
	}
	watch($target, 2 * $all) // die "the tables are not copied\n";
	write_file($flag, '');
	wait_until(60, sub { !is_running($writer) }) // die "the writer did not end\n";
	ok($target->wait_for("SELECT state = 'done' FROM dbstream.backfill", 180), "$kind: the backfill ends") or die "not done\n";
	ok($scene->catches_up('both', 120), "$kind: the stream catches up") or die "not caught up\n";
	is($scene->compare('still'), '', "$kind: tables that nobody wrote to are the same");
	is($scene->compare('moving'), '', "$kind: so are those that were written to");
	is( $target->sql("SELECT string_agg(source_table || ' ' || rows_done, ', ') FROM dbstream.backfill_status WHERE source_schema = 'still' "
			  . "AND rows_done <> $rows"), '', "$kind: each row of the former was copied once");
	is($target->sql('SELECT count(*) FROM dbstream.backfill_range'), '0', "$kind: no range is left");
}
