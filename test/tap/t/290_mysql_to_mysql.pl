# From one MySQL or MariaDB server to another, controlled from PostgreSQL: every kind of change, exactly once through kills of the
# bridge, of both servers and of PostgreSQL, and both ways at once without an echo.

use strict;
use warnings;

use DBStream::Bridge;
use DBStream::MySQL;
use DBStream::Postgres;
use DBStream::Process qw(log_tail wait_until);
use JSON::PP;
use Test::More;

my $work = $ENV{TESTDIR};
my %password = (source => 'Calm-Otter-51', target => 'Bold-Otter-52');
my ($kind, $pg, $source, $target, $bridge);

foreach my $each (qw(mariadb mysql))
{
  SKIP:
	{
		$kind = $each;
		my $why = DBStream::MySQL::missing($kind);
		skip "$kind: $why", 1 if $why;
		my $good = eval { set_up(); changes(); faults(); schema_changes(); both_ways(); missing_table(); 1; };
		fail("$kind: stopped: $@") unless $good;
		diag(state_text()) unless $good && Test::More->builder->is_passing;
		$bridge->stop if $bridge->running;
		$pg->stop('fast');
		$_->stop foreach $source, $target;
	}
}
done_testing();

sub state_text
{
	my ($status, $out) = $pg->run_psql("\\x on\nSELECT * FROM dbstream.stream_status; SELECT * FROM dbstream.errors; SELECT * FROM dbstream.progress");

	return $out . log_tail(30);
}

sub server
{
	my ($end) = @_;
	my $server = DBStream::MySQL->new(kind => $kind, folder => "$work/$kind-$end", options => [ '--server-id=' . ($end eq 'source' ? 71 : 72) ])->start;

	$server->sql("CREATE USER 'both'\@'%' IDENTIFIED BY '$password{$end}'; GRANT ALL ON *.* TO 'both'\@'%'");
	return $server;
}

sub create_connection
{
	my ($name, $server) = @_;
	my %options = (host => '127.0.0.1', port => $server->port + 0, user => 'both', password => $password{$name});

	$pg->sql("SELECT dbstream.create_connection('$name', '$kind', '" . JSON::PP->new->canonical->encode(\%options) . "')");
}

sub set_up
{
	$source = server('source');
	$target = server('target');
	$pg = DBStream::Postgres->create("control_$kind");
	$pg->sql('CREATE EXTENSION dbstream; CREATE ROLE bridge LOGIN IN ROLE dbstream_bridge');
	$bridge = DBStream::Bridge->new(name => "bridge $kind", conninfo => $pg->conninfo('bridge'), log => "$work/bridge-$kind.log");
	create_connection('source', $source);
	create_connection('target', $target);
	my $json = $kind eq 'mariadb' ? 'longtext' : 'json';
	$_->sql(<<"END") foreach $source, $target;
CREATE DATABASE shop;
CREATE TABLE shop.every (id int PRIMARY KEY, t1 tinyint, t2 tinyint unsigned, s smallint unsigned, m mediumint, i int unsigned, b bigint,
	bu bigint unsigned, d decimal(30,10), f float, g double, c char(5), v varchar(200), tx text CHARACTER SET latin1, bl blob, bi binary(4),
	vb varbinary(20), da date, dt datetime(6), ts timestamp(3) NULL, ti time(2), y year, e enum('a','it''s','é'), se set('x','y','z'),
	bt bit(11), j $json, p point);
CREATE TABLE shop.two (a int, b varchar(20), n int, PRIMARY KEY (a, b));
CREATE TABLE shop.keyless (a int, b text);
CREATE TABLE shop.load_ (id int PRIMARY KEY, n int, t text);
CREATE DATABASE shop_parts;
CREATE TABLE shop_parts.p (a int) PARTITION BY LIST (a) (PARTITION `one`` x` VALUES IN (1), PARTITION p2 VALUES IN (2, 3));
END
	my ($status, $out, $err) = $pg->run_psql(q{SELECT dbstream.create_stream('relay', 'source', 'target', '{shop.*}', '{"start": "gtid:1-1-1"}')});
	isnt($status, 0, "$kind: a start that the target's position cannot hold is refused");
	like($err, qr/It starts with "backfill", "now", "earliest" or at a file and offset/, "$kind: with the remedy");
	$pg->sql(q{SELECT dbstream.create_stream('relay', 'source', 'target', '{shop.*}', '{"start": "now"}')});
	$bridge->start;
	ok(wait_until(30, sub { $pg->sql('SELECT count(*) FROM dbstream.bridge_status') > 0 }), "$kind: the bridge is there");
	is($pg->sql("SELECT count(*) FROM dbstream.validate_stream('relay') WHERE status = 'failed'"), 0, "$kind: nothing is missing");
	is($pg->sql("SELECT count(DISTINCT object) FROM dbstream.validate_stream('relay') WHERE object LIKE 'connection %'"), 2,
		"$kind: both servers were asked");
	$pg->sql("SELECT dbstream.start_stream('relay')");
	ok(wait_until(60, sub { $pg->sql('SELECT count(*) FROM dbstream.progress') > 0 }), "$kind: the stream begins");
}

sub caught_up
{
	my ($limit, $stream) = @_;
	my $end = time() + $limit;
	$stream //= 'relay';

	while (time() < $end)
	{
		my ($status, $out) = $pg->run_psql("SELECT dbstream.wait_for_stream('$stream', '10s')");
		return 1 if $status == 0 && $out eq 't';
		select(undef, undef, undef, 0.2);
	}
	return 0;
}

# Every value of every row in a form that loses nothing.
sub rows_of
{
	my ($server, $table) = @_;
	my @values = map {
		my ($name, $type) = @$_;
		my $value = $type =~ /point/ ? "ST_AsWKB($name)" : $type =~ /blob|binary/ ? $name : $type eq 'bit' ? "$name + 0" : "CAST($name AS CHAR CHARACTER SET utf8mb4)";
		"COALESCE(HEX($value), 'NULL')"
	} $server->rows("SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'shop' AND table_name = '$table' ORDER BY ordinal_position");
	my @rows = map { $_->[0] } $server->rows('SELECT CONCAT_WS(0x7c, ' . join(', ', @values) . ") FROM shop.$table");

	return join("\n", sort @rows);
}

sub same
{
	my ($what, @tables) = @_;

	is(rows_of($target, $_), rows_of($source, $_), "$kind: $what: $_ is the same") foreach @tables;
}

sub changes
{
	$source->sql(<<'END');
SET NAMES utf8mb4;
INSERT INTO shop.every VALUES (1, -128, 255, 65535, -8388608, 4294967295, -9223372036854775808, 18446744073709551615,
	'12345678901234567890.0123456789', 1.5, 1e300, 'ab', 'it''s \\ "ü" 🐘', 'déjà', x'00ff27', x'01', x'', '2024-02-29', '2024-02-29 23:59:59.999999',
	'2024-02-29 12:00:00.123', '-838:59:59', 1999, 'it''s', 'x,z', b'10101010101', '{"a": [1, null, "x"]}', ST_GeomFromText('POINT(1.5 -2)'));
INSERT INTO shop.every (id) VALUES (2);
INSERT INTO shop.two VALUES (1, 'a', 1), (1, 'b', 2), (2, 'a', 3);
INSERT INTO shop.keyless VALUES (1, 'twice'), (1, 'twice'), (2, 'once');
END
	ok(caught_up(60), "$kind: inserts arrive") or die "not caught up\n";
	same('inserts', qw(every two keyless));
	is($pg->sql('SELECT state FROM dbstream.stream_status'), 'running', "$kind: the stream says that it runs");
	$source->sql(<<'END');
UPDATE shop.every SET v = 'new', bu = 7, e = 'a' WHERE id = 1;
UPDATE shop.every SET id = 9 WHERE id = 2;
UPDATE shop.two SET n = -n, b = CONCAT(b, 'x') WHERE a = 1;
DELETE FROM shop.two WHERE a = 2;
DELETE FROM shop.keyless WHERE a = 1 LIMIT 1;
UPDATE shop.keyless SET b = NULL WHERE a = 2;
BEGIN; INSERT INTO shop.two VALUES (5, 'rolled back', 0); ROLLBACK;
BEGIN; INSERT INTO shop.two VALUES (6, 'kept', 0); SAVEPOINT s; INSERT INTO shop.two VALUES (7, 'lost', 0); ROLLBACK TO s; COMMIT;
END
	$source->sql("XA START 'x'; INSERT INTO shop.two VALUES (8, 'xa', 0); XA END 'x'; XA PREPARE 'x'");
	$source->sql("INSERT INTO shop.two VALUES (9, 'between', 0); XA COMMIT 'x'");
	ok(caught_up(60), "$kind: changes arrive") or die "not caught up\n";
	same('changes', qw(every two keyless));
}

sub faults
{
	my $next = 1;

	foreach my $victim (qw(bridge target source postgres))
	{
		foreach my $round (1 .. 20)
		{
			my $last = $next + 19;
			my $rows = join(', ', map { "($_, $_, REPEAT('x', $_ % 50))" } $next .. $last);

			$source->sql("INSERT INTO shop.load_ VALUES $rows; UPDATE shop.load_ SET n = n + 1 WHERE id % 10 = $round % 10;"
				  . " DELETE FROM shop.load_ WHERE id % 97 = $round");
			$next = $last + 1;
			next if $round != 10;
			if ($victim eq 'bridge') { $bridge->kill9; $bridge->start; }
			elsif ($victim eq 'postgres') { $pg->stop('immediate'); $pg->start; }
			else { my $server = $victim eq 'target' ? $target : $source; $server->kill9; $server->start; }
		}
	}
	ok(caught_up(120), "$kind: after four kills it catches up") or die "not caught up\n";
	same('after four kills', 'load_');
}

sub both_ways
{
	$pg->sql(q{SELECT dbstream.create_stream('back', 'target', 'source', '{shop.*}', '{"start": "now"}')});
	$pg->sql("SELECT dbstream.start_stream('back')");
	ok(wait_until(60, sub { $pg->sql("SELECT count(*) FROM dbstream.stream_status WHERE name = 'back' AND applied_position IS NOT NULL") > 0 }),
		"$kind: the way back begins");
	my $before = $pg->sql("SELECT rows_inserted FROM dbstream.stream_status WHERE name = 'relay'");
	$source->sql('INSERT INTO shop.load_ VALUES ' . join(', ', map { "($_, 0, NULL)" } 100001 .. 100040));
	$target->sql('INSERT INTO shop.load_ VALUES ' . join(', ', map { "($_, 0, NULL)" } 200001 .. 200020));
	ok(caught_up(60), "$kind: one way is through");
	ok(caught_up(60, 'back'), "$kind: and the other");
	same('both ways', 'load_');
	is($pg->sql("SELECT rows_inserted - $before FROM dbstream.stream_status WHERE name = 'relay'"), 40, "$kind: no echo one way");
	is($pg->sql("SELECT rows_inserted FROM dbstream.stream_status WHERE name = 'back'"), 20, "$kind: no echo the other way");
	# Exact, though the stream relay was killed many times over.
	is($pg->sql("SELECT count(*) FROM dbstream.stream_status s LEFT JOIN (SELECT stream, sum(rows_inserted) i, sum(rows_updated) u,"
			  . " sum(rows_deleted) d FROM dbstream.table_status GROUP BY 1) t ON t.stream = s.name"
			  . " WHERE (s.rows_inserted, s.rows_updated, s.rows_deleted) IS DISTINCT FROM (t.i, t.u, t.d)"),
		0, "$kind: table_status counts by table what the streams count in all");
	foreach my $stream (qw(back relay))
	{
		$pg->sql("SELECT dbstream.pause_stream('$stream')");
	}
	$pg->sql("SELECT dbstream.drop_stream('back')");
	$pg->sql("SELECT dbstream.resume_stream('relay')");
	unlike($bridge->log_text, qr/Otter-5/, "$kind: the bridge's log has no password");
}

# What does not concern the stream's tables is passed over; what does stops it until it is made at the target by hand.
sub schema_changes
{
	$source->sql("CREATE DATABASE elsewhere; CREATE TABLE elsewhere.t (a int PRIMARY KEY); GRANT SELECT ON elsewhere.* TO 'both'\@'%';"
		  . ' ANALYZE TABLE shop.two; INSERT INTO shop.two VALUES (50, \'other\', 0)');
	ok(caught_up(60), "$kind: schema changes elsewhere are passed over");
	$pg->sql(q{SELECT dbstream.alter_stream('relay', options => '{"on_ddl": "stop"}')});
	$source->sql("ALTER TABLE shop.two ADD COLUMN more int; INSERT INTO shop.two VALUES (51, 'more', 0, 7)");
	ok(wait_until(60, sub { $pg->sql("SELECT state FROM dbstream.stream_status") eq 'error' }), "$kind: one of our tables stops the stream where on_ddl says so");
	like($pg->sql('SELECT last_error || last_error_hint FROM dbstream.stream_status'), qr/ADD COLUMN more int.*on_ddl/, "$kind: the error tells what to do");
	$target->sql('ALTER TABLE shop.two ADD COLUMN more int');
	$pg->sql(q{SELECT dbstream.alter_stream('relay', options => '{"on_ddl": "record"}')});
	ok(caught_up(60), "$kind: after that it goes on");
	same('a schema change', 'two');
	emptied('record', "ALTER TABLE shop.two COMMENT = 'twice'");
	$pg->sql(q{SELECT dbstream.alter_stream('relay', options => '{"on_ddl": null}')});
	emptied('apply');
}

# TRUNCATE changes rows: it arrives under every policy. Under record a schema change is in the history once, also when
# the bridge dies before its position is recorded.
sub emptied
{
	my ($policy, $change) = @_;

	change_tables('{shop.*,shop_parts.*}');
	ok(caught_up(60), "$kind: $policy: it goes on with a partitioned table");
	$source->sql("INSERT INTO shop_parts.p VALUES (1), (2), (3); INSERT INTO shop.two VALUES (60, 'gone', 0, 0)");
	ok(caught_up(60), "$kind: $policy: rows are there") or die "not caught up\n";
	$source->sql('TRUNCATE shop.two; INSERT INTO shop.two VALUES (61, \'stays\', 0, 0);'
		  . ' ALTER TABLE shop_parts.p TRUNCATE PARTITION `one`` x`; INSERT INTO shop_parts.p VALUES (1)');
	ok(caught_up(60), "$kind: $policy: TRUNCATE is passed") or die "not caught up\n";
	is($target->sql('SELECT GROUP_CONCAT(a) FROM shop.two'), 61, "$kind: $policy: TRUNCATE took the rows away");
	is($target->sql('SELECT GROUP_CONCAT(a ORDER BY a) FROM shop_parts.p'), '1,2,3', "$kind: $policy: and of one partition alone");
	$source->sql('ALTER TABLE shop_parts.p TRUNCATE PARTITION ALL');
	ok(caught_up(60), "$kind: $policy: TRUNCATE of all partitions is passed") or die "not caught up\n";
	is($target->sql('SELECT COUNT(*) FROM shop_parts.p'), 0, "$kind: $policy: and emptied them");
	return unless defined $change;
	$source->sql($_) foreach $change, $change;
	$bridge->kill9;
	$bridge->start;
	ok(caught_up(120), "$kind: $policy: past the changes") or die "not caught up\n";
	is($pg->sql("SELECT count(*), count(DISTINCT position) FROM dbstream.ddl_history WHERE outcome = 'recorded' AND source_sql LIKE '%twice%'"), '2|2',
		"$kind: $policy: each is recorded once");
}

# What a session reads must not depend on which patterns it still knows: they change while none is open.
sub change_tables
{
	my ($patterns) = @_;

	$pg->sql("SELECT dbstream.pause_stream('relay')");
	$pg->sql("SELECT dbstream.alter_stream('relay', tables => '$patterns')");
	$pg->sql("SELECT dbstream.resume_stream('relay')");
}

# What is not at the target stops the stream with words that help, and nothing is lost.
sub missing_table
{
	my ($status, undef, $error) = $pg->run_psql(q{SELECT dbstream.alter_stream('relay', tables => '{shop.*,more.*}')});
	like($error, qr/cannot change while it runs/, "$kind: the tables of a running stream stay");
	change_tables('{shop.*,more.*}');
	ok(caught_up(60), "$kind: it goes on with other tables");
	$target->sql('DROP TABLE shop.keyless');
	$source->sql("INSERT INTO shop.keyless VALUES (9, 'later')");
	ok(wait_until(60, sub { $pg->sql("SELECT state FROM dbstream.stream_status") eq 'error' }), "$kind: a missing table stops the stream");
	like($pg->sql('SELECT last_error FROM dbstream.stream_status'), qr/no table `shop`.`keyless`/, "$kind: the error names it");
	$target->sql("CREATE TABLE shop.keyless (a int, b text)");
	$pg->sql("SELECT dbstream.resume_stream('relay')");
	ok(caught_up(60), "$kind: once mended, it goes on");
	is($target->sql('SELECT COUNT(*) FROM shop.keyless WHERE a = 9'), 1, "$kind: nothing was lost");
}
