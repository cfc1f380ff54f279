# Exactly once: a steady mixed load on six tables, one of them without a key, while everything is killed, stopped
# and restarted at random moments.  Afterwards both sides must hold the same rows, by every value.
#
#   DBSTREAM_SEED=n    repeats the choices of a run (not the timing of the machine)
#   DBSTREAM_FAULTS=n  how many faults (default 24)

use strict;
use warnings;

use DBStream::Faults qw(fault plan_of_faults);
use DBStream::MySQL;
use DBStream::Process qw(in_child is_running stop_program wait_until write_file);
use DBStream::Scene;
use Test::More;
use Time::HiRes qw(sleep time);

my $seed = $ENV{DBSTREAM_SEED} // int(rand(2**31));
my $faults = $ENV{DBSTREAM_FAULTS} // 24;
my @kinds = grep { !defined $ENV{DBSTREAM_SOURCE} || $_ eq $ENV{DBSTREAM_SOURCE} } qw(mariadb mysql);

diag("seed $seed: repeat with DBSTREAM_SEED=$seed");
foreach my $kind (@kinds)
{
  SKIP:
	{
		my $why = DBStream::MySQL::missing($kind);
		skip "$kind: $why", 1 if $why;
		srand($seed);
		torture($kind);
	}
}
done_testing();

sub torture
{
	my ($kind) = @_;
	my $scene = DBStream::Scene->new(kind => $kind);
	my $good = eval { under_load($scene, $kind); 1; };
	my $error = $@;

	fail("$kind: $error") unless $good;
	diag($scene->state_text) unless $good && Test::More->builder->is_passing;
	eval { $scene->finish };
}

sub under_load
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	$source->sql(schema());
	$scene->bridge->start;
	$scene->start_stream('t', 'load.*');
	ok($scene->caught_up('t', 60), "$kind: the stream runs before the first fault") or die "not caught up\n";

	my $flag = DBStream::Scene::work_folder() . "/stop-$kind";
	my @writers = map { start_writer($source, $flag, $_) } 1 .. 4;
	my @plan = plan_of_faults($faults, qw(bridge_killed worker_terminated backend_killed postgres_restarted source_killed
	  bridge_frozen));
	my %done;
	my $applied = 0;
	my $interrupted = 0;
	foreach my $fault (@plan)
	{
		# A fault in a stream that does nothing would show little: see it move first, then wait a random moment.
		$applied = wait_until(60, sub { my $now = transactions($target); defined $now && $now > $applied ? $now : 0 });
		die "the stream moved nothing for 60 s before the fault $fault\n" unless defined $applied;
		sleep(rand(0.7));
		diag(sprintf('fault %d: %s after %d transactions', ++$interrupted, $fault, $applied));
		fault($scene, $fault);
		$done{$fault}++;
	}
	write_file($flag, '');
	foreach my $writer (@writers)
	{
		wait_until(60, sub { !is_running($writer) }) // die "a writer did not end\n";
	}
	my $written = $source->sql('SELECT COUNT(*) FROM `load`.journal') + 0;
	cmp_ok($interrupted, '>=', $faults, "$kind: $interrupted faults (" . join(', ', map { "$_ $done{$_}" } sort keys %done) . ')');
	cmp_ok($written, '>', 100, "$kind: the writers were at work ($written rows in the table without a key)");
	ok($scene->catches_up('t', 180), "$kind: the stream catches up after the last fault");
	my $differences = $scene->compare('load');
	is($differences, '', "$kind: every value of every row is the same on both sides (seed $seed)");
	diag("figure: $kind: " . transactions($target) . " transactions applied, seed $seed");
}

sub transactions
{
	my ($target) = @_;
	my ($status, $out) = $target->run_psql('SELECT coalesce(max(transactions), 0) FROM dbstream.progress');

	return $status == 0 && $out =~ /^\d+$/ ? $out : undef;
}

sub schema
{
	return <<'END';
CREATE DATABASE `load`;
USE `load`;
CREATE TABLE account (id int PRIMARY KEY, owner varchar(60) NOT NULL, balance decimal(14,2) NOT NULL, changed timestamp(6) NULL);
CREATE TABLE orders (id bigint unsigned PRIMARY KEY AUTO_INCREMENT, account int NOT NULL, state enum('new','paid','sent') NOT NULL,
	code varchar(40) NOT NULL, total double, UNIQUE KEY (code), KEY (account));
CREATE TABLE item (orders bigint unsigned NOT NULL, line smallint NOT NULL, what varchar(80), amount int, PRIMARY KEY (orders, line));
CREATE TABLE journal (at datetime(3), word varchar(40), number int);
CREATE TABLE document (name varchar(50) PRIMARY KEY, body longtext, picture blob);
CREATE TABLE place (x int NOT NULL, y int NOT NULL, label varchar(30), PRIMARY KEY (x));
END
}

# A writer makes pieces of random transactions and hands each to the client program; a piece that fails
# because the server is away is simply lost, the next one comes when it is back.
sub start_writer
{
	my ($source, $flag, $number) = @_;
	my $own = int(rand(2**31));

	return in_child("writer $number",
		sub {
			srand($own);
			my $piece = 0;
			while (!-e $flag)
			{
				my ($status) = $source->client(piece_of_work($number, ++$piece), 'load');
				sleep($status == 0 ? 0.02 : 0.2);
			}
			return 0;
		});
}

sub piece_of_work
{
	my ($writer, $piece) = @_;

	return join('', map { transaction($writer, $piece, $_) } 1 .. 8);
}

sub transaction
{
	my ($writer, $piece, $part) = @_;
	my $id = $writer * 1000 + int(rand(200));
	my $money = sprintf('%.2f', rand(10000) - 5000);
	my $word = join('', map { chr(97 + rand(26)) } 1 .. 1 + rand(30));
	my $code = "$writer-$piece-$part";
	my $x = $writer * 10000 + int(rand(50));
	my @choices = (
		"REPLACE INTO account VALUES ($id, '$word', $money, NOW(6));",
		"UPDATE account SET balance = balance + $money, changed = NOW(6) WHERE id = $id;",
		"DELETE FROM account WHERE id = $id;",
		"INSERT INTO orders (account, state, code, total) VALUES ($id, 'new', '$code', RAND() * 1e6);"
		  . " INSERT INTO item SELECT LAST_INSERT_ID(), n, '$word', n * 7 FROM (SELECT 1 n UNION SELECT 2 UNION SELECT 3) s;",
		"UPDATE orders SET state = 'sent', total = NULL WHERE account = $id;",
		"DELETE FROM item WHERE line = 2 AND what < '$word' ORDER BY orders DESC LIMIT 5;",
		"INSERT INTO journal VALUES (NOW(3), '$word', $part), ('2024-02-29', 'same', 1), ('2024-02-29', 'same', 1);",
		"DELETE FROM journal WHERE word = 'same' LIMIT 1;",
		"UPDATE journal SET number = number + 1 WHERE word = 'same' LIMIT 2;",
		"REPLACE INTO document VALUES ('$writer-" . int(rand(20)) . "', REPEAT('$word', " . int(rand(600)) . "), RANDOM_BYTES("
		  . (1 + int(rand(200))) . "));",
		"INSERT IGNORE INTO place VALUES ($x, $part, '$word');",
		"UPDATE IGNORE place SET x = x + 1000000 + $piece WHERE x = $x;");
	my $ending = rand() < 0.9 ? 'COMMIT' : 'ROLLBACK';

	return 'BEGIN; ' . join(' ', map { $choices[ int(rand(@choices)) ] } 1 .. 1 + rand(5)) . " $ending;\n";
}
