# XA transactions: rows are in the log when they are prepared and count where they are committed, maybe after other
# transactions, in another session of the bridge, or after the source has been killed.
#
#   DBSTREAM_SOURCE     one kind of server
#   DBSTREAM_XA_ROUNDS  how many transactions the mixed load has (60)

use strict;
use warnings;

use DBStream::MySQL;
use DBStream::Process qw(wait_until);
use DBStream::Scene;
use Test::More;

my $rounds = $ENV{DBSTREAM_XA_ROUNDS} // 60;
my $seed = $ENV{DBSTREAM_SEED} // int(rand(2**31));
my ($kind, $scene, $source, $target);

srand($seed);
foreach my $each (grep { !defined $ENV{DBSTREAM_SOURCE} || $_ eq $ENV{DBSTREAM_SOURCE} } qw(mariadb mysql))
{
  SKIP:
	{
		$kind = $each;
		my $why = DBStream::MySQL::missing($kind);
		skip "$kind: $why", 1 if $why;
		$scene = DBStream::Scene->new(kind => $kind, source_options => $kind eq 'mariadb' ? ['--log-bin-compress-min-len=10'] : []);
		($source, $target) = ($scene->source, $scene->target);
		my $good = eval { set_up(); forms(); other_tables(); compressed(); large(); across_sessions(); mixed_load(); backfilled(); purged(); 1; };
		fail("$kind: seed $seed: $@") unless $good;
		diag("seed $seed\n" . $scene->state_text) unless $good && Test::More->builder->is_passing;
		$scene->finish;
	}
}
done_testing();

sub set_up
{
	$source->sql('CREATE DATABASE x; CREATE DATABASE other; CREATE TABLE x.t (id int PRIMARY KEY, v text); CREATE TABLE x.keyless (a int, b text);'
		  . ' CREATE TABLE other.t (id int PRIMARY KEY)');
	$scene->bridge->start;
	$scene->start_stream('x', 'x.*');
	follows('the stream begins');
}

sub follows
{
	my ($what) = @_;

	ok($scene->catches_up('x', 120), "$kind: $what: caught up") or die "$scene->{last_wait}\n";
	is($scene->compare('x'), '', "$kind: $what: every value is the same");
}

# In a session of its own: MariaDB's sessions stay with what they have prepared.
sub prepare
{
	my ($xid, $sql, $before) = @_;

	$source->sql(($before // '') . "XA START $xid; $sql; XA END $xid; XA PREPARE $xid");
}

sub there
{
	my ($ids) = @_;

	return $target->sql("SELECT coalesce(string_agg(id::text, ',' ORDER BY id), '') FROM x.t WHERE id IN ($ids)");
}

sub forms
{
	my $long = "'" . ('n' x 64) . "', '" . ('b' x 64) . "', 2147483647";

	$source->sql("INSERT INTO x.t VALUES (1, 'old'), (2, 'old'), (3, 'old'); INSERT INTO x.keyless VALUES (1, 'a'), (1, 'a')");
	prepare("'a'", "INSERT INTO x.t VALUES (10, 'a'); UPDATE x.t SET v = 'new' WHERE id = 1; DELETE FROM x.keyless LIMIT 1");
	prepare("'b'", "INSERT INTO x.t VALUES (11, 'b'); DELETE FROM x.t WHERE id = 2");
	prepare("0x00ff, 'it''s', 7", "INSERT INTO x.t VALUES (12, 'c')");
	prepare($long, "INSERT INTO x.t VALUES (13, 'd')");
	$source->sql("INSERT INTO x.t VALUES (20, 'plain')");
	ok($scene->catches_up('x', 60), "$kind: four are prepared");
	is(there('1, 2, 10, 11, 12, 13, 20'), '1,2,20', "$kind: none of them counts yet");
	is($target->sql("SELECT v FROM x.t WHERE id = 1"), 'old', "$kind: nor changes a row");
	$source->sql("XA COMMIT 0x00ff, 'it''s', 7; INSERT INTO x.t VALUES (21, 'plain'); XA COMMIT 'a'; XA ROLLBACK 'b'; XA COMMIT $long");
	follows('committed in another order');
	is(there('10, 11, 12, 13, 2'), '2,10,12,13', "$kind: what was rolled back has never been");
	$source->sql("XA START 'o'; INSERT INTO x.t VALUES (14, 'one phase'); XA END 'o'; XA COMMIT 'o' ONE PHASE;"
		  . " XA START 'o'; INSERT INTO x.t VALUES (15, 'gone'); XA END 'o'; XA ROLLBACK 'o'");
	prepare("'o'", "INSERT INTO x.t VALUES (16, 'again')");
	$source->sql("XA COMMIT 'o'");
	follows('one phase, and a name used again');
	is($target->sql("SELECT count(*) FROM dbstream.errors"), 0, "$kind: without an error");
}

# What has nothing for the stream needs nothing at its commit.
sub other_tables
{
	prepare("'e'", 'INSERT INTO other.t VALUES (1)');
	prepare("'m'", "INSERT INTO other.t VALUES (2); INSERT INTO x.t VALUES (17, 'mixed')");
	$source->sql("XA COMMIT 'e'; XA COMMIT 'm'");
	follows('other tables');
}

sub compressed
{
	my $on = $kind eq 'mysql' ? 'SET SESSION binlog_transaction_compression = ON;' : 'SET GLOBAL log_bin_compress = ON;';

	prepare("'z'", "INSERT INTO x.t VALUES (30, REPEAT('z', 2000)), (31, REPEAT('y', 2000))", $on);
	$source->sql("$on INSERT INTO x.t VALUES (32, ''); XA COMMIT 'z'; XA START 'z'; INSERT INTO x.t VALUES (33, REPEAT('x', 900)); XA END 'z'; XA COMMIT 'z' ONE PHASE");
	follows('compressed');
	prepare("'z'", "INSERT INTO x.t VALUES (34, REPEAT('z', 2000))", $on);
	ok($scene->catches_up('x', 60), "$kind: a compressed one is prepared");
	$scene->bridge->kill9;
	$scene->bridge->start;
	$source->sql("XA COMMIT 'z'" . ($kind eq 'mysql' ? '' : '; SET GLOBAL log_bin_compress = OFF'));
	follows('compressed, found in the log again');
}

# More than is kept in memory, in two phases and in one.
sub large
{
	my $rows = sub { return 'INSERT INTO x.t VALUES ' . join(', ', map { "($_, REPEAT('l', 3000))" } $_[0] .. $_[0] + 1199); };

	prepare("'l'", $rows->(100_000));
	$source->sql("INSERT INTO x.t VALUES (40, ''); FLUSH BINARY LOGS; XA COMMIT 'l'; DELETE FROM x.t WHERE id >= 100600;"
		  . " XA START 'l'; " . $rows->(200_000) . "; XA END 'l'; XA COMMIT 'l' ONE PHASE");
	follows('large');
}

# Prepared, then the bridge, the source and PostgreSQL are killed, with new files of the log in between.
sub across_sessions
{
	prepare("'k$_'", "INSERT INTO x.t VALUES (5$_, 'k'); UPDATE x.t SET v = 'k$_' WHERE id = 1$_", 'FLUSH BINARY LOGS; ') foreach 0, 2, 3, 4;
	ok($scene->catches_up('x', 60), "$kind: prepared in several files");
	$scene->bridge->kill9;
	$source->sql("XA COMMIT 'k2'; INSERT INTO x.t VALUES (60, 'behind'); FLUSH BINARY LOGS");
	$scene->bridge->start;
	follows('committed while no bridge is there');
	$source->kill9;
	$source->start;
	is(join(' ', sort map { $_->[3] } $source->rows('XA RECOVER')), 'k0 k3 k4', "$kind: the source still has the others");
	$source->sql("XA COMMIT 'k0'; XA ROLLBACK 'k3'");
	follows('after a crash of the source');
	$target->stop('immediate');
	$target->start;
	$source->sql("XA COMMIT 'k4'");
	follows('after a crash of PostgreSQL');
	is(there('50, 52, 53, 54'), '50,52,54', "$kind: those that were committed");
}

sub mixed_load
{
	my @open;
	my $id = 1000;
	my %kill = map { int($rounds * $_ / 5) => $_ } 1 .. 4;

	foreach my $round (1 .. $rounds)
	{
		my $sql = '';
		my $rows = join(', ', map { $id++; "($id, 'r$round')" } 0 .. int(rand(4)));
		my $way = rand();

		if ($way < 0.15) { $sql = "XA START 'r$round'; INSERT INTO x.t VALUES $rows; XA END 'r$round'; XA COMMIT 'r$round' ONE PHASE;"; }
		elsif ($way < 0.3) { $sql = "INSERT INTO x.t VALUES $rows; UPDATE x.t SET v = CONCAT(v, '+') WHERE id = $id;"; }
		else
		{
			prepare("'r$round', '', $round", "INSERT INTO x.t VALUES $rows; UPDATE x.t SET v = 'xa$round' WHERE id = $id; INSERT INTO x.keyless VALUES ($round, 'k')");
			push @open, "'r$round', '', $round";
		}
		$sql .= 'FLUSH BINARY LOGS;' if rand() < 0.1;
		while (@open > 5 || (@open && rand() < 0.3))
		{
			my ($xid) = splice(@open, int(rand(@open)), 1);
			$sql .= (rand() < 0.7 ? 'XA COMMIT ' : 'XA ROLLBACK ') . "$xid;";
		}
		$source->sql($sql) if $sql ne '';
		next unless $kill{$round};
		if ($kill{$round} == 2) { $source->kill9; $source->start; }
		else { $scene->bridge->kill9; $scene->bridge->start; }
	}
	$source->sql("XA COMMIT $_") foreach @open;
	follows("a mixed load with kills (seed $seed)");
}

# Prepared before a backfill, committed after it has begun.
sub backfilled
{
	$scene->drop_stream('x');
	$target->sql('DROP SCHEMA x CASCADE');
	prepare("'p1'", "INSERT INTO x.t VALUES (70, 'p'); UPDATE x.t SET v = 'p' WHERE id = 1; DELETE FROM x.t WHERE id = 3");
	prepare("'p2'", "INSERT INTO x.t VALUES (71, 'p')");
	prepare("'p3'", "INSERT INTO x.t VALUES (72, 'p')");
	$source->sql('FLUSH BINARY LOGS');
	$scene->start_stream('x', 'x.*', start => 'backfill');
	$source->sql("XA COMMIT 'p1'");
	follows('prepared before a backfill');
	$source->sql("XA COMMIT 'p2'; XA ROLLBACK 'p3'");
	follows('committed behind a backfill');
	is(there('3, 70, 71, 72'), '70,71', "$kind: as it is at the source");
}

# The log with the changes is gone: a stop that says so, and a way on.
sub purged
{
	prepare("'q'", "INSERT INTO x.t VALUES (80, 'q')");
	# The row takes the recorded position into the new file: what changes nothing is recorded only now and then.
	$source->sql("FLUSH BINARY LOGS; INSERT INTO x.t VALUES (79, 'read')");
	ok($scene->catches_up('x', 60), "$kind: prepared in a file that will go");
	$scene->bridge->stop;
	my @files = $source->rows('SHOW BINARY LOGS');
	# Not while a reader that is leaving, or MariaDB's checkpoint, holds them.
	ok(wait_until(60, sub { $source->sql("PURGE BINARY LOGS TO '$files[-1][0]'"); (() = $source->rows('SHOW BINARY LOGS')) == 1 }), "$kind: it is gone")
	  or die "not purged\n";
	$source->sql("XA COMMIT 'q'; INSERT INTO x.t VALUES (81, 'behind')");
	$scene->bridge->start;
	ok($target->wait_for("SELECT count(*) > 0 FROM dbstream.errors WHERE code = 'xa_purged'", 60), "$kind: a commit without its log stops the stream")
	  or die "it did not stop\n";
	like($target->sql('SELECT last_error FROM dbstream.stream_status'), qr/XA transaction X'71',X'',1 is committed here.*purged/, "$kind: by its name");
	like($target->sql('SELECT last_error_hint FROM dbstream.stream_status'), qr/by hand.*set_position/, "$kind: with the remedy");
	is(there('80, 81'), '', "$kind: nothing behind it is applied");
	my ($commit) = grep { ($_->[5] // '') =~ /XA COMMIT X'71'/ } $source->rows("SHOW BINLOG EVENTS IN '$files[-1][0]'");
	$target->sql("SELECT dbstream.pause_stream('x'); INSERT INTO x.t VALUES (80, 'q'); SELECT dbstream.set_position('x', '$commit->[0]:$commit->[4]')");
	$target->sql("SELECT dbstream.resume_stream('x')");
	follows('carried over by hand');
}
