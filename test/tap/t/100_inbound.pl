# The extension's inbound path alone: a driver sends the wire messages that a bridge would send, so that every order,
# shape and interruption can be had without a source.

use strict;
use warnings;

use DBStream::Postgres;
use DBStream::Process qw(run_program start_program wait_until stop_program);
use Test::More;

my $feed = $ENV{DBSTREAM_FEED} // die 'DBSTREAM_FEED is not set: use test/run';
my $pg = DBStream::Postgres->create('inbound');
$pg->sql('CREATE EXTENSION dbstream; CREATE SCHEMA shop');
$pg->sql(q{INSERT INTO dbstream.stream (id, name, owner, source, target, tables, options, desired)
	VALUES (1, 's', current_user::regrole, 'nowhere', 'local', '{shop.*}', '{}', 'running')});

# Lines with words separated by "|" for readability; a word may hold anything else.
sub feed
{
	my (@lines) = @_;
	my $script = join('', map { tr/|/\t/r . "\n" } 'hello|0', @lines);
	my ($exit, $out, $err) = run_program([ $feed, $pg->conninfo, 1 ], stdin => $script);

	return ($exit, $out . $err);
}

sub feeds_well
{
	my ($name, @lines) = @_;
	my ($exit, $text) = feed(@lines);

	is($exit, 0, $name) or diag($text . $pg->sql('TABLE dbstream.error_log'));
}

sub position { return $pg->sql('SELECT position FROM dbstream.progress'); }

my $number = 0;
sub place { return 'binlog.000001:' . ++$number; }

sub last_error
{
	return $pg->sql(q{SELECT concat_ws(' / ', message, detail, hint, context) FROM dbstream.error_log
		ORDER BY last_at DESC, id DESC LIMIT 1});
}

# An attempt that must fail with the pattern and change nothing.
sub refused
{
	my ($name, $pattern, @lines) = @_;
	my $before = position();
	my ($exit) = feed(@lines);

	isnt($exit, 0, "$name: stops");
	like(last_error(), $pattern, "$name: says so");
	is(position(), $before, "$name: nothing is applied");
}

# ---- rows ----
$pg->sql(q{
CREATE TABLE shop.item (extra text DEFAULT 'kept', id int PRIMARY KEY, name varchar(20), price numeric(10,2),
	twice int GENERATED ALWAYS AS (id * 2) STORED);
CREATE TABLE shop.bag (a int, b text)});
my $item = 'table|1|shop|item|id:int4:key|name:text:null|price:numeric:null';
my $bag = 'table|2|shop|bag|a:int4:null|b:text:null';
feeds_well('changes of every kind in one transaction',
	$item, $bag, 'begin|g1', 'insert|1|1|one|1.50', 'insert|1|2|two|\N', 'update|1|1|~|~|=>|1|ONE|~',
	'update|1|same|=>|2|two|2.25', 'update|1|2|~|~|=>|3|three|~', 'update|1|3|~|~|=>|3|four|~',
	'update|1|3|~|~|=>|3|five|~', 'insert|2|1|x', 'insert|2|1|x', 'insert|2|\N|\N', 'insert|2|2|X', 'insert|2|2|x',
	'delete|2|1|x', 'update|2|\N|\N|=>|7|filled', 'delete|2|2|x', 'commit|' . place() . '|set:1');
is($pg->sql('SELECT extra, id, name, price, twice FROM shop.item ORDER BY id'),
	"kept|1|ONE|1.50|2\nkept|3|five|2.25|6", 'absent columns keep their values, keys change, computed columns follow');
is($pg->sql('SELECT a, b FROM shop.bag ORDER BY a, b COLLATE "C"'), "1|x\n2|X\n7|filled",
	'without a key exactly one row that matches in every byte is changed');
is($pg->sql('SELECT position, gtid_set, transactions, rows_inserted, rows_updated, rows_deleted FROM dbstream.progress'),
	position() . '|set:1|1|7|6|2', 'the progress row counts');

feeds_well('large rows, and batches of an odd size',
	$item, 'table|3|shop|large|id:int4:key|body:text:null', 'split|1013', 'begin',
	'insert|3|1|' . ('y' x 3_000_000), 'insert|3|2|small', 'update|3|1|~|=>|9|~', 'commit|' . place());
is($pg->sql('SELECT id, length(body) FROM shop.large ORDER BY id'), "2|5\n9|3000000", 'they arrive whole');
is($pg->sql(q{SELECT state FROM dbstream.stream_table WHERE source_table = 'large'}), 'created from log',
	'a table that the target lacks is made');

# ---- an unfinished transaction ----
my $before = position();
feed($item, 'begin', 'insert|1|50|whole|1', 'commit|' . place(), 'begin', 'insert|1|51|half|1');
is($pg->sql('SELECT id FROM shop.item WHERE id >= 50'), '50', 'what is whole is applied, what is not is thrown away');
isnt(position(), $before, 'with its position');

# ---- partitions, foreign keys, triggers ----
$pg->sql(q{
CREATE TABLE shop.part (v text, id int, d int, PRIMARY KEY (id, d)) PARTITION BY RANGE (d);
CREATE TABLE shop.part1 (d int NOT NULL, id int NOT NULL, v text);
ALTER TABLE shop.part ATTACH PARTITION shop.part1 FOR VALUES FROM (0) TO (10);
CREATE TABLE shop.part2 PARTITION OF shop.part FOR VALUES FROM (10) TO (20);
CREATE TABLE shop.parent (id int PRIMARY KEY);
CREATE TABLE shop.child (id int PRIMARY KEY, p int REFERENCES shop.parent ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE shop.grand (id int PRIMARY KEY, c int REFERENCES shop.child ON DELETE CASCADE,
	p int REFERENCES shop.parent ON DELETE SET NULL ON UPDATE CASCADE);
CREATE TABLE shop.noted (id int PRIMARY KEY, v text);
CREATE TABLE shop.note (t text);
CREATE FUNCTION shop.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	INSERT INTO shop.note VALUES (tg_name || ' ' || tg_op); RETURN coalesce(new, old); END $$;
CREATE TRIGGER ordinary AFTER INSERT OR DELETE ON shop.noted FOR EACH ROW EXECUTE FUNCTION shop.note();
CREATE TRIGGER always AFTER INSERT OR UPDATE OR DELETE ON shop.noted FOR EACH ROW EXECUTE FUNCTION shop.note();
ALTER TABLE shop.noted ENABLE ALWAYS TRIGGER always;
CREATE TRIGGER ordinary AFTER DELETE ON shop.child FOR EACH ROW EXECUTE FUNCTION shop.note()});
feeds_well('rows of a partitioned table',
	'table|1|shop|part|id:int4:key|d:int4:key|v:text', 'begin', 'insert|1|1|1|a', 'insert|1|2|11|b', 'insert|1|3|5|c',
	'update|1|1|1|a|=>|1|1|a2', 'update|1|same|=>|2|11|b2', 'update|1|3|5|c|=>|3|15|moved', 'delete|1|2|11|b2',
	'commit|' . place());
is($pg->sql('SELECT tableoid::regclass, id, d, v FROM shop.part ORDER BY id'),
	"shop.part1|1|1|a2\nshop.part2|3|15|moved", 'they are where they belong');

my @family = ('table|2|shop|parent|id:int4:key', 'table|3|shop|child|id:int4:key|p:int4:null',
	'table|4|shop|grand|id:int4:key|c:int4:null|p:int4:null');
feeds_well('the target\'s foreign keys act, since the source did not log what its own did',
	@family, 'begin', 'insert|2|1', 'insert|2|2', 'insert|3|10|1', 'insert|3|12|2', 'insert|4|100|10|1',
	'insert|4|101|12|2', 'insert|4|102|12|1', 'delete|2|1', 'update|2|2|=>|3', 'commit|' . place());
is($pg->sql('SELECT id, p FROM shop.child'), '12|3', 'children');
is($pg->sql('SELECT id, c, coalesce(p, 0) FROM shop.grand ORDER BY id'), "101|12|3\n102|12|0", 'and theirs');
is($pg->sql('SELECT count(*) FROM shop.note'), '0', 'without users\' triggers');
my ($exit) = run_program([ $feed, $pg->conninfo, 1 ], stdin => join('', map { tr/|/\t/r . "\n" } 'hello|1', @family,
		'begin', 'delete|3|12|3', 'delete|2|3', 'insert|2|3', 'commit|' . place()));
is($exit, 0, 'a source that logs cascades');
is($pg->sql('SELECT id, c, coalesce(p, 0) FROM shop.grand ORDER BY id'), "101|12|3\n102|12|0",
	'is taken at its word: nothing acts');

feeds_well('triggers', 'table|5|shop|noted|id:int4:key|v:text', 'begin', 'insert|5|1|x', 'update|5|1|x|=>|1|y',
	'delete|5|1|y', 'commit|' . place());
is($pg->sql('SELECT t FROM shop.note'), "always INSERT\nalways UPDATE\nalways DELETE",
	'those that are to fire for replicated rows do');

# ---- errors ----
$pg->sql(q{CREATE TABLE shop.tight (id int PRIMARY KEY, v varchar(3), b boolean, n numeric(4,2), e int NOT NULL);
	CREATE TABLE shop.narrow (id int)});
my $tight = 'table|1|shop|tight|id:int4:key|v:text|b:int2|n:numeric|e:int4:null';
my %bad = (
	'a text too long' => [ qr/4 characters.*"v".*ALTER TABLE.*shop\.tight/s, 'insert|1|1|abcd|1|1|1' ],
	'a NUL byte' => [ qr/NUL.*nul_bytes/s, 'insert|1|1|a\x00b|1|1|1' ],
	'bytes that are no text' => [ qr/UTF-8/, 'insert|1|1|\xff|1|1|1' ],
	'a boolean of 2' => [ qr/value 2.*"b".*tinyint1/s, 'insert|1|1|a|2|1|1' ],
	'a decimal with more digits' => [ qr/1\.555.*numeric\(4,2\)/s, 'insert|1|1|a|1|1.555|1' ],
	'a NULL' => [ qr/null value in column "e".*ALTER TABLE/s, 'insert|1|1|a|1|1|\N' ],
	'a row that is not there' => [ qr/not in table "shop\.tight": \(id\)=\(1\).*source_wins/s, 'delete|1|1|a|1|1|1' ],
	'a row that is there' =>
	  [ qr/duplicate key.*source_wins.*"shop\.tight"/s, 'insert|1|1|a|1|1|1', 'insert|1|1|a|1|1|1' ],
	'a column that is not there' => [ qr/no column "more".*ADD COLUMN/s, 'insert|2|1|1' ],
);
foreach my $name (sort keys %bad)
{
	my ($pattern, @rows) = @{ $bad{$name} };

	refused($name, $pattern, $tight, 'table|2|shop|narrow|id:int4|more:int4', 'begin|g', @rows, 'commit|' . place());
}
$pg->sql(q{CREATE ROLE clerk LOGIN; GRANT USAGE ON SCHEMA shop TO clerk; UPDATE dbstream.stream SET owner = 'clerk'});
refused('a table that the owner may not write', qr/"clerk" may not INSERT.*GRANT .* TO clerk/s, $tight, 'begin',
	'insert|1|1|a|1|1|1', 'commit|' . place());
$pg->sql(q{GRANT SELECT, INSERT ON shop.tight TO clerk});
feeds_well('goes on after the remedy', $tight, 'begin', 'insert|1|1|a|1|1|1', 'commit|' . place());
$pg->sql(q{UPDATE dbstream.stream SET owner = current_user::regrole, options = '{"conflicts": "source_wins"}'});
feeds_well('the source wins', $tight, 'begin', 'insert|1|1|new|0|2|2', 'update|1|8|~|~|~|~|=>|8|x|1|1|1',
	'delete|1|9|~|~|~|~', 'commit|' . place());
is($pg->sql('SELECT id, v, b FROM shop.tight ORDER BY id'), "1|new|f\n8|x|t", 'every row is the source\'s');
$pg->sql(q{UPDATE dbstream.stream SET options = '{}'});

# ---- schema changes ----
refused('a statement that changes rows', qr/changes rows, not the rows.*binlog_format=ROW.*skip_ddl/s, 'begin',
	'ddl|shop|UPDATE item SET name = 1', 'commit|' . place());
is($pg->sql(q{SELECT dbstream.skip_ddl('s')}), 'UPDATE item SET name = 1', 'skip_ddl says what is skipped');
feeds_well('is skipped on request', 'begin', 'ddl|shop|UPDATE item SET name = 1', 'commit|' . place());
feeds_well('a schema change and rows after it', 'begin', 'ddl|shop|CREATE TABLE fresh (id int primary key)',
	'commit|' . place(), 'table|1|shop|fresh|id:int4:key', 'begin', 'insert|1|5', 'commit|' . place(), 'begin',
	'ddl|shop|ALTER TABLE fresh ADD COLUMN z int', 'commit|' . place(), 'table|1|shop|fresh|id:int4:key|z:int4:null',
	'begin', 'insert|1|6|7', 'truncate|shop|item', 'commit|' . place());
is($pg->sql('SELECT id, coalesce(z, 0) FROM shop.fresh ORDER BY id'), "5|0\n6|7", 'is as it was at the source');
is($pg->sql('SELECT count(*) FROM shop.item'), '0', 'TRUNCATE');

# ---- two senders, and killed ones ----
$pg->sql('CREATE TABLE shop.count (id int PRIMARY KEY, v int); CREATE TABLE shop.heap (k int, v int)');
my $log = "$ENV{TESTDIR}/feed.log";
srand(41);
my ($kills, $rounds, $last) = (0, 0, 6000);
$pg->sql(q{UPDATE dbstream.progress SET position = 'count:0'});

sub transaction
{
	my ($i) = @_;

	return ('begin', "insert|1|$i|$i", 'insert|2|' . ($i % 7) . "|$i",
		$i > 5 ? ('update|1|' . ($i - 5) . '|~|=>|' . ($i - 5) . '|' . -$i,
			'delete|2|' . (($i - 5) % 7) . '|' . ($i - 5)) : (), "commit|count:$i", $i % 3 == 0 ? 'flush' : ());
}

# The answer, or nothing while the server recovers.
sub asked { return ($pg->run_psql($_[0]))[1]; }

while ($rounds++ < 200)
{
	my ($done) = position() =~ /(\d+)$/;

	last if $done >= $last;
	my @lines = ('hello|0', 'table|1|shop|count|id:int4:key|v:int4', 'table|2|shop|heap|k:int4|v:int4',
		'split|' . (37, 1001, 20000)[ rand 3 ], map { transaction($_) } $done + 1 .. ($done + 400 < $last ? $done + 400 : $last));
	my $script = "$ENV{TESTDIR}/feed.in";
	open(my $out, '>', $script) or die $!;
	print $out map { tr/|/\t/r . "\n" } @lines;
	close $out;
	my $pid = start_program('driver', [ 'sh', '-c', 'exec "$0" "$1" 1 < "$2"', $feed, $pg->conninfo, $script ], $log);
	my $what = (qw(driver worker sender worker9 immediate none))[ $kills < 20 ? rand 5 : 5 ];
	my $column = $what =~ /^worker/ ? 'worker_pid' : 'sender_pid';

	wait_until(20, sub { !DBStream::Process::is_running($pid)
		  || asked(q{SELECT count(*) FROM dbstream.worker_slots() WHERE state = 'running'}); });
	select(undef, undef, undef, rand(0.03));
	$kills++ if $what ne 'none';
	if ($what eq 'driver') { stop_program($pid, 'KILL'); }
	elsif ($what eq 'immediate') { $pg->stop('immediate'); $pg->start; }
	elsif ($what eq 'worker9')
	{
		my $victim = asked('SELECT coalesce(max(worker_pid), 0) FROM dbstream.worker_slots()');
		kill 'KILL', $victim if $victim;
	}
	elsif ($what ne 'none')
	{
		asked("SELECT pg_terminate_backend($column) FROM dbstream.worker_slots() WHERE $column IS NOT NULL");
	}
	wait_until(60, sub { !DBStream::Process::is_running($pid) });
	wait_until(60, sub { asked('SELECT count(*) FROM dbstream.worker_slots() WHERE worker_pid IS NOT NULL') eq '0' });
}
cmp_ok($kills, '>=', 15, "something was killed $kills times");
is(position(), "count:$last", "the end is reached through $kills kills");
is($pg->sql('SELECT count(*), count(*) FILTER (WHERE v <> CASE WHEN id <= ' . ($last - 5)
		  . ' THEN -(id + 5) ELSE id END) FROM shop.count'), "$last|0", 'every change of every row exactly once');
is($pg->sql('SELECT count(*), min(v), max(v) FROM shop.heap'), "5|" . ($last - 4) . "|$last",
	'also of those without a key');
done_testing();
