# The output plugin's binary format, read by libdbstream's reader: every kind of change, every replica identity, and the options.

use strict;
use warnings;

use DBStream::OutScene;
use DBStream::Postgres;
use DBStream::Process qw(run_program);
use Test::More;

my $pg = DBStream::Postgres->create('binary', conf => "wal_level = logical\nmax_replication_slots = 5\nlogical_decoding_work_mem = 64kB\n"
	  . (DBStream::OutScene::lists_plugins() ? "output_plugin_libraries = dbstream\n" : ''));

# No extension in this database: the plugin needs none.
$pg->sql(<<'END');
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE DOMAIN positive AS int CHECK (value > 0);
CREATE TABLE keyed (id int PRIMARY KEY, gone int, b boolean, i2 smallint, i8 bigint, f8 float8, n numeric(8,3), d date, t time, ts timestamp(3), tz timestamptz,
	x bytea, bits bit(5), u uuid, j jsonb, m mood, p positive, a int[], twice int GENERATED ALWAYS AS (id * 2) STORED, v varchar(10));
ALTER TABLE keyed DROP COLUMN gone;
CREATE TABLE whole (id int PRIMARY KEY, v text);
ALTER TABLE whole REPLICA IDENTITY FULL;
CREATE TABLE bare (v text, w text);
ALTER TABLE bare REPLICA IDENTITY FULL;
CREATE TABLE indexed (id int, code text NOT NULL, v text);
CREATE UNIQUE INDEX indexed_code ON indexed (code);
ALTER TABLE indexed REPLICA IDENTITY USING INDEX indexed_code;
CREATE TABLE nothing (id int);
ALTER TABLE nothing REPLICA IDENTITY NOTHING;
CREATE TABLE long (id int PRIMARY KEY, body text, n int);
ALTER TABLE long ALTER body SET STORAGE EXTERNAL;
CREATE TABLE part (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (10);
END
$pg->sql("SELECT pg_create_logical_replication_slot('bin', 'dbstream')");

is(decoded("INSERT INTO keyed VALUES (1, true, -2, 9223372036854775807, 0.5, -12.340, '2024-02-29', '23:59:59.5', '2024-02-29 12:00:00.123', '2024-02-29 12:00:00+02',"
	  . " '\\x00ff', B'10101', '00112233-4455-6677-8899-aabbccddeeff', '{\"a\": 1}', 'glad', 7, '{1,NULL}')"), <<'END', 'values of every kind, and columns that are dropped or generated left out');
begin
table 1 public.keyed
  id int4(0,0) "integer" key
  b bool(0,0) "boolean" null
  i2 int2(0,0) "smallint" null
  i8 int8(0,0) "bigint" null
  f8 float8(0,0) "double precision" null
  n numeric(8,3) "numeric(8,3)" null
  d date(0,0) "date" null
  t time(6,0) "time without time zone" null
  ts timestamp(3,0) "timestamp(3) without time zone" null
  tz timestamptz(6,0) "timestamp with time zone" null
  x bytes(0,0) "bytea" null
  bits bit(5,0) "bit(5)" null
  u uuid(0,0) "uuid" null
  j json(0,0) "jsonb" null
  m label(0,0) "mood" null
  p int4(0,0) "integer" null
  a typed text(0,0) "integer[]" null
  v text(10,0) "character varying(10)" null
insert 1 1
  1	1	-2	9223372036854775807	0.5	-12.340	2024-02-29	2000-01-01 23:59:59.500000	2024-02-29 12:00:00.123	2024-02-29 10:00:00.000000	00FF	10101	00112233445566778899AABBCCDDEEFF	{"a": 1}	glad	7	{1,NULL}	NULL
commit
END
$pg->sql('CREATE TABLE small (id int PRIMARY KEY, v text); INSERT INTO whole VALUES (1, $$a$$); INSERT INTO bare VALUES ($$a$$, NULL); INSERT INTO indexed VALUES (1, $$k$$, $$a$$);'
	  . ' INSERT INTO long VALUES (1, repeat($$x$$, 10000), 0); INSERT INTO nothing VALUES (1)');
$pg->sql("SELECT count(*) FROM pg_logical_slot_get_binary_changes('bin', NULL, NULL, 'format', 'binary')");

is(changes('small', "BEGIN; INSERT INTO small VALUES (1, 'a'), (2, NULL); UPDATE small SET v = 'b' WHERE id = 1; UPDATE small SET id = 3 WHERE id = 2; DELETE FROM small WHERE id = 1; COMMIT"),
	"insert 1 2\n  1\ta\n  2\tNULL\nupdate 1 2\n  =\n  1\tb\n  2\t-\n  3\tNULL\ndelete 1 1\n  1\t-\n",
	'identity default: neighbours share a message, the old row is its key, and only when that changed');
is(changes('whole', "UPDATE whole SET v = 'b'; DELETE FROM whole"), "update 1 1\n  1\ta\n  1\tb\ndelete 1 1\n  1\tb\n", 'identity full: whole old rows');
is(changes('bare', "UPDATE bare SET v = 'b'; DELETE FROM bare"), "update 1 1\n  a\tNULL\n  b\tNULL\ndelete 1 1\n  b\tNULL\n", 'identity full without a key');
is(changes('indexed', "BEGIN; UPDATE indexed SET v = 'b'; UPDATE indexed SET code = 'l'; DELETE FROM indexed; COMMIT"),
	"update 1 2\n  =\n  1\tk\tb\n  -\tk\t-\n  1\tl\tb\ndelete 1 1\n  -\tl\t-\n", 'identity by an index: its columns are the key');
is(changes('long', 'UPDATE long SET n = 1'), "update 1 1\n  =\n  1\t-\t1\n", 'a value out of line that did not change is absent');
is(changes('nothing', 'INSERT INTO nothing VALUES (2)'), "insert 1 1\n  2\n", 'identity nothing: inserts pass');
is(changes('part', 'INSERT INTO part VALUES (1)', 'partitions', 'root'), "insert 1 1\n  1\n", 'a partition under the name of its root');
like(decoded('INSERT INTO part VALUES (2)', 'partitions', 'root'), qr/^table 1 public\.part$/m, 'which the table message has');
like(decoded('INSERT INTO part VALUES (3)', 'partitions', 'leaf'), qr/^table 1 public\.part_1$/m, 'or under its own');
like(decoded("UPDATE whole SET v = 'z' WHERE false; INSERT INTO whole VALUES (5, 'e')"), qr/^  id int4\(0,0\) "integer" key$/m,
	'with identity full the primary key is flagged');
is(decoded('TRUNCATE small, whole', 'tables', 'public.small'), "begin\ntruncate public.small\ncommit\n", 'TRUNCATE, of the chosen tables');
is(decoded("SELECT pg_logical_emit_message(false, 'p', 'alone'); SELECT pg_logical_emit_message(true, 'p', 'within')"),
	"message p alone\nbegin\nmessage p within\ncommit\n", 'logical messages, with a transaction and without');
is(decoded("SELECT pg_logical_emit_message(true, 'p', 'x')", 'messages', 'off'), '', 'messages can be left out');
is(decoded('CREATE TEMP TABLE mine (a int); BEGIN; INSERT INTO small VALUES (50, NULL); ROLLBACK', 'tables', 'public.small'), '', 'what changes nothing that is chosen leaves no trace');
$pg->sql("SELECT pg_replication_origin_create('elsewhere')");
is(decoded("SELECT pg_replication_origin_session_setup('elsewhere'); INSERT INTO small VALUES (60, NULL); SELECT pg_replication_origin_session_reset()", 'origin', 'none'),
	'', 'what a replication origin brought is left out on request');
is(changes('small', 'ALTER TABLE small ADD w int; INSERT INTO small VALUES (70, NULL, 1); ALTER TABLE small DROP v; INSERT INTO small VALUES (71, 2)'),
	"insert 1 1\n  70\tNULL\t1\ninsert 1 1\n  71\t2\n", 'each row by the columns as they were');
like(decoded("INSERT INTO small SELECT n, n FROM generate_series(1000, 11000) n", 'tables', 'public.small'), qr/\Abegin\ntable .*?(?:insert 1 \d+\n.*){2,}commit\n\z/s,
	'a large transaction is many messages');
my ($status, $out, $err) = $pg->run_psql("CREATE TABLE keyless (a int); INSERT INTO keyless VALUES (1); UPDATE keyless SET a = 2;"
	  . " SELECT count(*) FROM pg_logical_slot_get_binary_changes('bin', NULL, NULL, 'format', 'binary')");
like($err, qr/keyless has no replica identity/, 'an update that does not say which row is refused');
done_testing();

# The rows of one table alone, whose number is then 1.
sub changes
{
	my ($table, $sql, @options) = @_;
	my $text = decoded($sql, 'tables', "public.$table", @options);

	return join('', map { "$_\n" } grep { !/^(?:begin|commit|table .*|  \w+ .* ".*".*)$/ } split(/\n/, $text));
}

# The changes that a statement makes, as text, without the commit.
sub decoded
{
	my ($sql, @options) = @_;

	$pg->sql($sql);
	my $list = join('', map { ", '$_'" } 'format', 'binary', @options);
	my $hex = $pg->sql("SELECT encode(data, 'hex') FROM pg_logical_slot_get_binary_changes('bin', NULL, NULL$list)");
	my ($status, $out) = run_program([ "$ENV{DBSTREAM_STAGE}/bin/wire_text" ], stdin => "$hex\n");
	$out .= "exit status $status\n" if $status != 0;
	return $out;
}
