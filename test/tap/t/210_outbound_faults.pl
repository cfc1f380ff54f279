# Exactly once out of PostgreSQL: a steady mixed load while the bridge, its walsender, PostgreSQL and the target are killed,
# stopped and restarted at random moments.  Afterwards both sides must hold the same rows, by every value.
#
#   DBSTREAM_SEED=n    repeats the choices of a run (not the timing of the machine)
#   DBSTREAM_FAULTS=n  how many faults (default 20)
#   DBSTREAM_BULK=1    most transactions have 1500 rows, which come by LOAD DATA

use strict;
use warnings;

use DBStream::MySQL;
use DBStream::OutFaults qw(fault_bridge_killed fault_bridge_frozen fault_target_killed fault_postgres_restarted);
use DBStream::OutScene;
use DBStream::Process qw(in_child is_running wait_until write_file);
use Test::More;
use Time::HiRes qw(sleep time);

my $seed = $ENV{DBSTREAM_SEED} // int(rand(2**31));
my $faults = $ENV{DBSTREAM_FAULTS} // 20;
my @tables = qw(account orders item journal document);

diag("seed $seed: repeat with DBSTREAM_SEED=$seed");
foreach my $kind (grep { !defined $ENV{DBSTREAM_SOURCE} || $_ eq $ENV{DBSTREAM_SOURCE} } qw(mariadb mysql))
{
  SKIP:
	{
		my $why = DBStream::MySQL::missing($kind);
		skip "$kind: $why", 1 if $why;
		srand($seed);
		my $scene = DBStream::OutScene->new(kind => $kind, target_options => ['--local-infile=1']);
		my $good = eval { under_load($scene, $kind); 1; };
		fail("$kind: $@") unless $good;
		diag($scene->state_text) unless $good && Test::More->builder->is_passing;
		eval { $scene->finish };
	}
}
done_testing();

sub under_load
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	$source->sql(schema());
	$scene->bridge->start;
	$scene->start_stream('t', 'load.*', heartbeat => 1);
	ok($scene->caught_up('t', 60), "$kind: the stream runs before the first fault") or die "not caught up\n";

	my $flag = DBStream::OutScene::work_folder() . "/stop-$kind";
	my @writers = map { start_writer($source, $flag, $_) } 1 .. 3;
	my (%done, $interrupted);
	my $applied = 0;
	foreach my $fault (plan_of_faults())
	{
		# A fault in a stream that does nothing would show little: see it move first, then wait a random moment.
		$applied = wait_until(60, sub { my $now = transactions($source); defined $now && $now > $applied ? $now : 0 });
		die "the stream moved nothing for 60 s before the fault $fault\n" unless defined $applied;
		sleep(rand(0.6));
		diag(sprintf('fault %d: %s after %d transactions', ++$interrupted, $fault, $applied));
		main->can("fault_$fault")->($scene);
		$done{$fault}++;
	}
	write_file($flag, '');
	foreach my $writer (@writers)
	{
		wait_until(60, sub { !is_running($writer) }) // die "a writer did not end\n";
	}
	cmp_ok($interrupted, '>=', $faults, "$kind: $interrupted faults (" . join(', ', map { "$_ $done{$_}" } sort keys %done) . ')');
	cmp_ok($source->sql('SELECT count(*) FROM load.journal'), '>', 50, "$kind: the writers were at work");
	ok($scene->catches_up('t', 180), "$kind: the stream catches up after the last fault");
	is($scene->compare('load', @tables), '', "$kind: every value of every row is the same on both sides (seed $seed)");
	# Nothing twice, nothing left out: what was counted in the target's transactions is what the tables are made of.
	is($source->sql('SELECT rows_inserted - rows_deleted FROM dbstream.stream_status'),
		$source->sql('SELECT ' . join(' + ', map { "(SELECT count(*) FROM load.$_)" } @tables)),
		"$kind: inserts less deletes are the rows that are there");
	is($scene->miscounted('t', 'load', @tables), '', "$kind: so for each table");
	cmp_ok((split /\t/, $target->sql("SHOW GLOBAL STATUS LIKE 'Com_load'"))[1], '>', 0, "$kind: LOAD DATA was among it");
	diag("figure: $kind: " . transactions($source) . " transactions applied, "
		  . $target->sql("SHOW GLOBAL STATUS LIKE 'Com_load'") . " since the target's last start, seed $seed");
}

sub transactions
{
	my ($source) = @_;
	my ($status, $out) = $source->run_psql('SELECT coalesce(max(transactions), 0) FROM dbstream.progress');

	return $status == 0 && $out =~ /^\d+$/ ? $out : undef;
}

# Each kind of fault as often as any other, in random order.
sub plan_of_faults
{
	my @kinds = qw(bridge_killed walsender_killed session_terminated postgres_restarted target_killed bridge_frozen);
	my @plan = map { $kinds[ $_ % @kinds ] } 0 .. $faults - 1;

	foreach my $i (reverse 1 .. $#plan)
	{
		my $j = int(rand($i + 1));
		@plan[ $i, $j ] = @plan[ $j, $i ];
	}
	return @plan;
}

# kill -9 of a backend makes PostgreSQL restart all of them.
sub fault_walsender_killed
{
	my ($scene) = @_;
	my @pids;

	wait_until(30,
		sub {
			@pids = map { $_->[0] } $scene->source->rows("SELECT pid FROM pg_stat_activity WHERE backend_type = 'walsender'");
			return scalar @pids;
		}) // die "there was no walsender to kill\n";
	kill 'KILL', $pids[0];
	$scene->source->wait_ready(60) or die "PostgreSQL did not come back after a crash\n";
}

sub fault_session_terminated
{
	my ($scene) = @_;

	$scene->source->wait_for("SELECT count(pg_terminate_backend(pid)) > 0 FROM (SELECT pid FROM pg_stat_activity"
		  . " WHERE usename = 'bridge' AND application_name ~ 'dbstream-bridge t|^t\$' ORDER BY random() LIMIT 1) s", 30)
	  or die "there was no session to terminate\n";
}

sub schema
{
	return <<'END';
CREATE SCHEMA load;
CREATE TABLE load.account (id int PRIMARY KEY, owner varchar(60) NOT NULL, balance numeric(14,2) NOT NULL, changed timestamptz);
CREATE TABLE load.orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, account int NOT NULL, state text NOT NULL, code text NOT NULL, total float8);
CREATE TABLE load.item (orders bigint NOT NULL, line smallint NOT NULL, what varchar(80), amount int, PRIMARY KEY (orders, line));
CREATE TABLE load.journal (at timestamp(3), word varchar(40), number int);
ALTER TABLE load.journal REPLICA IDENTITY FULL;
CREATE TABLE load.document (name varchar(50) PRIMARY KEY, body text, picture bytea, seen int);
END
}

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
				my $sql = join('', map { transaction($number, ++$piece) } 1 .. 8);
				my ($status) = $source->run_psql($sql);
				sleep($status == 0 ? 0.02 : 0.2);
			}
			return 0;
		});
}

sub transaction
{
	my ($writer, $piece) = @_;
	my $id = $writer * 1000 + int(rand(200));
	my $money = sprintf('%.2f', rand(10000) - 5000);
	my $word = join('', map { chr(97 + rand(26)) } 1 .. 1 + rand(30));
	my @choices = (
		"INSERT INTO load.account VALUES ($id, '$word', $money, now()) ON CONFLICT (id) DO UPDATE SET balance = $money;",
		"UPDATE load.account SET balance = balance + $money, changed = now() WHERE id = $id;",
		"DELETE FROM load.account WHERE id = $id;",
		"WITH o AS (INSERT INTO load.orders (account, state, code, total) VALUES ($id, 'new', '$writer-$piece', random() * 1e6) RETURNING id)"
		  . " INSERT INTO load.item SELECT id, n, '$word', n * 7 FROM o, generate_series(1, 3) n;",
		"INSERT INTO load.orders (account, state, code, total) SELECT $id, 'many', '$writer-$piece', n / 3.0 FROM generate_series(1, " . ($ENV{DBSTREAM_BULK} ? 1500 : 120) . ") n;",
		"UPDATE load.orders SET state = 'sent', total = NULL WHERE account = $id;",
		"DELETE FROM load.item WHERE line = 2 AND what < '$word' AND orders % 3 = $writer - 1;",
		"INSERT INTO load.journal VALUES (now(), '$word', $writer), ('2024-02-29', 'same', 1), ('2024-02-29', 'same', 1);",
		"DELETE FROM load.journal WHERE ctid IN (SELECT ctid FROM load.journal WHERE word = 'same' LIMIT 1 FOR UPDATE SKIP LOCKED);",
		"UPDATE load.journal SET number = number + 1 WHERE ctid IN (SELECT ctid FROM load.journal WHERE word = 'same' LIMIT 2 FOR UPDATE SKIP LOCKED);",
		"INSERT INTO load.document VALUES ('$writer-" . int(rand(20)) . "', repeat('$word', " . int(rand(600)) . "), '\\x00ff27', 0)"
		  . " ON CONFLICT (name) DO UPDATE SET body = excluded.body;",
		"UPDATE load.document SET seen = seen + 1 WHERE name LIKE '$writer-%';");
	push @choices, ($choices[4]) x 8 if $ENV{DBSTREAM_BULK};
	my $ending = rand() < 0.9 ? 'COMMIT' : 'ROLLBACK';

	return 'BEGIN; ' . join(' ', map { $choices[ int(rand(@choices)) ] } 1 .. 1 + rand(5)) . " $ending;\n";
}
