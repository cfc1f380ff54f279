# From one PostgreSQL server to another: every type and kind of change, exactly once through kills of everything, nothing but the
# library at the source; and both ways at once without an echo.

use strict;
use warnings;

use DBStream::Bridge;
use DBStream::OutScene;
use DBStream::Postgres;
use DBStream::Process qw(log_tail wait_until);
use JSON::PP;
use Test::More;

my $work = DBStream::OutScene::work_folder();
my $conf = "wal_level = logical\nmax_replication_slots = 20\nmax_wal_senders = 10\n"
  . (DBStream::OutScene::lists_plugins() ? "output_plugin_libraries = dbstream\n" : '');
my $source = DBStream::Postgres->create('pg_source', conf => $conf);
my $target = DBStream::Postgres->create('pg_target', conf => $conf);
my $bridge = DBStream::Bridge->new(name => 'bridge', conninfo => $target->conninfo('bridge'), log => "$work/bridge.log");
my $password = q(Quiet 'Ibis\\ 15);

my $good = eval { set_up(); everything(); faults(); waiting(); both_ways(); dropping(); 1; };
fail("stopped: $@") unless $good;
diag(state_text()) unless $good && Test::More->builder->is_passing;
$bridge->stop if $bridge->running;
$target->stop('fast');
$source->stop('fast');
done_testing();

sub state_text
{
	my ($status, $out) = $target->run_psql("\\x on\nSELECT * FROM dbstream.stream_status; SELECT * FROM dbstream.errors");
	my ($other, $slots) = $source->run_psql("\\x on\nSELECT * FROM pg_replication_slots");

	return "$out\n$slots\n" . log_tail(40);
}

sub set_up
{
	my $tables = <<'END';
CREATE SCHEMA shop;
CREATE TYPE shop.mood AS ENUM ('sad', 'it''s ok');
CREATE DOMAIN shop.positive AS int CHECK (VALUE > 0);
CREATE TYPE shop.pair AS (a int, b text);
CREATE TABLE shop.every (id int PRIMARY KEY, b boolean, i2 int2, i4 int4, i8 int8, f4 float4, f8 float8, n numeric, n2 numeric(12,4),
	c char(5), v varchar(20), t text, y bytea, d date, tm time, ttz timetz, ts timestamp, tz timestamptz, iv interval, bt bit(10),
	vb bit varying, u uuid, j json, jb jsonb, e shop.mood, p shop.positive, ip inet, ci cidr, mac macaddr, ia int[], ta text[],
	co shop.pair, r int4range, pt point, m money, tv tsvector, x xml, o oid, "Odd ""Name" text, g int GENERATED ALWAYS AS (id * 2) STORED);
CREATE TABLE shop.keyless (a int, b text);
ALTER TABLE shop.keyless REPLICA IDENTITY FULL;
CREATE TABLE shop.two (a int, b text, n int, big text, PRIMARY KEY (a, b));
CREATE TABLE shop.part (id int PRIMARY KEY, word text) PARTITION BY RANGE (id);
CREATE TABLE shop.part_1 PARTITION OF shop.part FOR VALUES FROM (0) TO (100);
CREATE TABLE shop.part_2 PARTITION OF shop.part FOR VALUES FROM (100) TO (2000);
CREATE TABLE shop.load (id int PRIMARY KEY, n int, t text);
END
	$_->sql($tables) foreach $source, $target;
	$source->sql('CREATE ROLE reader LOGIN REPLICATION PASSWORD ' . DBStream::OutScene::quoted($password));
	$target->sql('CREATE EXTENSION dbstream; CREATE ROLE bridge LOGIN IN ROLE dbstream_bridge');
	my %options = (socket => $source->host, port => $source->port + 0, user => 'reader', password => $password, dbname => 'postgres');
	$target->sql("SELECT dbstream.create_connection('there', 'postgresql', "
		  . DBStream::OutScene::quoted(JSON::PP->new->canonical->encode(\%options)) . ')');

	my ($status, $out, $err) = $target->run_psql(q{SELECT dbstream.create_stream('in', 'there', 'local', '{shop.*}', '{"start": "earliest"}')});
	isnt($status, 0, 'a start for which no slot keeps the log is refused');
	like($err, qr/cannot start at "earliest".*It starts with "backfill", or "now"/s, 'with the remedy');
	$target->sql(q{SELECT dbstream.create_stream('in', 'there', 'local', '{shop.*}', '{"start": "now"}')});
	$bridge->start;
	ok(wait_until(20, sub { $target->sql('SELECT count(*) FROM dbstream.bridge_status') > 0 }), 'the bridge is there');
	is($target->sql("SELECT count(*) FROM dbstream.validate_stream('in') WHERE status = 'failed'"), 0, 'nothing is missing');
	is($target->sql("SELECT string_agg(check_name, ' ' ORDER BY check_name) FROM dbstream.validate_stream('in') WHERE object = 'connection there'"),
		'max_replication_slots output_plugin_libraries replication source wal_level', 'the source was asked');
	$target->sql("SELECT dbstream.start_stream('in')");
	# A stream without a copy begins where its slot does.
	ok(wait_until(60, sub { $source->sql('SELECT count(*) FROM pg_replication_slots WHERE active') > 0 }), 'the slot is read');
}

sub caught_up
{
	my ($limit) = @_;
	my $end = time() + $limit;

	while (time() < $end)
	{
		my ($status, $out) = $target->run_psql("SELECT dbstream.wait_for_stream('in', '10s')");
		return 1 if $status == 0 && $out eq 't';
		select(undef, undef, undef, 0.2);
	}
	return 0;
}

# Every value of every row, as text.
sub rows_of { return $_[0]->sql("SELECT coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '') FROM shop.$_[1] t"); }

sub same
{
	my ($what, @tables) = @_;

	is(rows_of($target, $_), rows_of($source, $_), "$what: $_ is the same") foreach @tables;
}

sub everything
{
	$source->sql(<<'END');
INSERT INTO shop.every VALUES (1, true, -32768, 2147483647, -9223372036854775808, '1e-45', '5e-324', 'NaN', -0.0001, 'ab', 'it''s',
	repeat('🐘', 1000), '\x00ff27', '0044-03-15 BC', '24:00:00', '12:34:56.789+05:30', 'infinity', '-infinity', '1 year -3 days 04:05:06.7',
	B'1010101011', B'', 'ffeeddcc-bbaa-9988-7766-554433221100', '{"a": [1, 2.50,  null]}', '{"n": 1e100}', 'it''s ok', 7, '10.0.0.1/8',
	'10.0.0.0/8', '08:00:2b:01:02:03', '{1,NULL,-3}', '{"a,b","c\"d","NULL",NULL,""}', ROW(1, 'x,y'), '[1,10)', '(1.5,-2)', '12.34',
	'a:1 fat:2', '<a>b</a>', 4294967295, 'odd');
INSERT INTO shop.every (id) VALUES (2);
INSERT INTO shop.every (id, n, f8, d, ts, r, ia) VALUES (3, 'Infinity', '-Infinity', 'infinity', '294276-12-31 23:59:59.999999', 'empty', '{{1,2},{3,4}}');
INSERT INTO shop.keyless SELECT 1, 'twice' FROM generate_series(1, 2);
INSERT INTO shop.two SELECT n, 'k' || n % 3, n, (SELECT string_agg(md5(n::text || m), '') FROM generate_series(1, 300) m) FROM generate_series(1, 300) n;
INSERT INTO shop.part SELECT n, 'p' || n FROM generate_series(50, 150) n;
END
	ok(caught_up(60), 'inserts arrive') or die "not caught up\n";
	same('inserts', qw(every keyless two part));
	$source->sql(<<'END');
UPDATE shop.every SET t = 'short', j = '[]' WHERE id = 1;
UPDATE shop.every SET id = 9 WHERE id = 3;
UPDATE shop.two SET n = -n WHERE a % 4 = 0;
UPDATE shop.two SET b = b || 'x' WHERE a % 5 = 0;
DELETE FROM shop.two WHERE a % 7 = 0;
DELETE FROM shop.keyless WHERE ctid = (SELECT min(ctid) FROM shop.keyless);
UPDATE shop.part SET id = id + 130 WHERE id < 60;
BEGIN; INSERT INTO shop.keyless VALUES (2, 'kept'); SAVEPOINT s; INSERT INTO shop.keyless VALUES (3, 'lost'); ROLLBACK TO s; COMMIT;
BEGIN; INSERT INTO shop.keyless VALUES (4, 'rolled back'); ROLLBACK;
END
	ok(caught_up(60), 'changes arrive') or die "not caught up\n";
	same('changes', qw(every keyless two part));
	cmp_ok($target->sql('SELECT sum(length(big)) FROM shop.two'), '>', 9600 * 200, 'values out of line were left as they were');
	$source->sql("TRUNCATE shop.keyless; INSERT INTO shop.keyless VALUES (5, 'after')");
	ok(caught_up(60), 'TRUNCATE arrives') or die "not caught up\n";
	same('TRUNCATE', 'keyless');
	$source->sql("TRUNCATE shop.part_1; INSERT INTO shop.part VALUES (99, 'after')");
	ok(caught_up(60), 'TRUNCATE of a partition arrives') or die "not caught up\n";
	same('TRUNCATE of a partition', 'part');
	cmp_ok($target->sql('SELECT count(*) FROM shop.part'), '>', 40, 'the other partition is as it was');
}

# Writers go on while the bridge, the target and the source are killed in turn.
sub faults
{
	my $next = 1;

	foreach my $victim (qw(bridge target source bridge target source))
	{
		foreach my $round (1 .. 20)
		{
			my $last = $next + 49;
			$source->sql("INSERT INTO shop.load SELECT n, n, repeat('x', n % 50) FROM generate_series($next, $last) n;"
				  . " UPDATE shop.load SET n = n + 1 WHERE id % 10 = $round % 10; DELETE FROM shop.load WHERE id % 97 = $round");
			$next = $last + 1;
			next if $round != 10;
			if ($victim eq 'bridge') { $bridge->kill9; $bridge->start; }
			else
			{
				my $server = $victim eq 'target' ? $target : $source;
				$server->stop('immediate');
				$server->start;
			}
		}
	}
	ok(caught_up(120), 'after six kills it catches up') or die "not caught up\n";
	same('after six kills', 'load');
	is($target->sql("SELECT state FROM dbstream.stream_status WHERE name = 'in'"), 'running', 'and says that it runs');
}

# What is applied is confirmed, so the source lets its log go, also when nothing of the stream's is written.
sub waiting
{
	my $before = $source->sql('SELECT pg_current_wal_lsn()');

	$source->sql('CREATE TABLE elsewhere AS SELECT generate_series(1, 1000) n');
	ok(caught_up(60), 'a wait on an idle stream ends');
	ok( wait_until(60, sub { $source->sql("SELECT bool_and(confirmed_flush_lsn >= '$before') FROM pg_replication_slots") eq 't' }),
		'what is applied is confirmed at the source');
}

# The same tables the other way: nothing comes back.
sub both_ways
{
	my $back = DBStream::Bridge->new(name => 'bridge back', conninfo => $source->conninfo('bridge'), log => "$work/back.log");
	my %options = (socket => $target->host, port => $target->port + 0, user => 'reader', password => $password, dbname => 'postgres');

	$source->sql('CREATE EXTENSION dbstream; CREATE ROLE bridge LOGIN IN ROLE dbstream_bridge');
	$target->sql('CREATE ROLE reader LOGIN REPLICATION PASSWORD ' . DBStream::OutScene::quoted($password));
	$source->sql("SELECT dbstream.create_connection('there', 'postgresql', "
		  . DBStream::OutScene::quoted(JSON::PP->new->canonical->encode(\%options)) . ')');
	$source->sql(q{SELECT dbstream.create_stream('back', 'there', 'local', '{shop.*}', '{"start": "now"}')});
	$source->sql("SELECT dbstream.start_stream('back')");
	$back->start;
	ok(wait_until(60, sub { $target->sql('SELECT count(*) FROM pg_replication_slots WHERE active') > 0 }), 'the way back is read');
	my $before = $target->sql("SELECT rows_inserted FROM dbstream.progress");
	$source->sql('INSERT INTO shop.load SELECT n, 0, NULL FROM generate_series(100001, 100100) n');
	$target->sql('INSERT INTO shop.load SELECT n, 0, NULL FROM generate_series(200001, 200050) n');
	ok(caught_up(60), 'one way is through');
	is($source->sql("SELECT dbstream.wait_for_stream('back', '60s')"), 't', 'and the other');
	same('both ways', 'load');
	is($target->sql("SELECT rows_inserted - $before FROM dbstream.progress"), 100, 'no echo one way');
	is($source->sql("SELECT rows_inserted FROM dbstream.progress"), 50, 'no echo the other way');
	is($back->stop, 0, 'the bridge back stops in order');
}

sub dropping
{
	$target->sql("SELECT dbstream.pause_stream('in')");
	my ($status, $out, $err) = $target->run_psql("SELECT dbstream.drop_stream('in')");
	my ($slot) = $err =~ /SELECT pg_drop_replication_slot\('(\w+)'\)/;

	is($status, 0, 'the stream is dropped');
	is($source->sql("SELECT count(*) FROM pg_replication_slots WHERE slot_name = '" . ($slot // '') . "'"), 1,
		'and tells the slot that has to be dropped at the source');
	unlike($bridge->log_text . log_tail(400), qr/Quiet 'Ibis/, 'no log has the password');
}
