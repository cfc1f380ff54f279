# The golden messages of the wire format, which the unit tests write and read, read by the extension too: fed through
# receive() as a bridge sends them, each in a batch of its own, and seen as rows.

use strict;
use warnings;

use DBStream::Postgres;
use DBStream::Process qw(read_file);
use Test::More;

my $data = ($ENV{DBSTREAM_STAGE} // die 'DBSTREAM_STAGE is not set: use test/run') . '/test/data/wire';
my $pg = DBStream::Postgres->create('golden');

# The table of the golden description, with the types that hold every value of each kind.
$pg->sql(<<'END');
CREATE EXTENSION dbstream;
CREATE SCHEMA shop;
CREATE TABLE shop."every kind" (bool boolean, int2 smallint, int4 integer, int8 bigint, uint8 numeric(20,0), float4 real,
	float8 double precision, "numeric" numeric, date date, "time" time, "timestamp" timestamp, timestamptz timestamptz,
	duration interval, "interval" interval, text text, bytes bytea, json jsonb, "bit" bit varying, uuid uuid, label text,
	"label list" text[], geometry bytea, vector real[], "typed text" inet);
CREATE TABLE shop."logé" (id int);
INSERT INTO shop."logé" VALUES (1);
CREATE TABLE shop.t (id int);
INSERT INTO dbstream.stream (id, name, owner, source, target, tables, options, desired)
	VALUES (1, 'golden', current_user::regrole, 'nowhere', 'local', '{shop.*}', '{}', 'running');
END

# Feed messages by their files' names, in one session; returns what went wrong, '' when nothing did.
sub feed
{
	my (@names) = @_;
	my $script = "SELECT dbstream.bridge_hello((SELECT extversion FROM pg_extension WHERE extname = 'dbstream'), 1, 1, 'golden');\n"
	  . "SELECT session FROM dbstream.open_inbound(1, 0) \\gset\n";
	my $batch = 0;

	foreach my $name ('hello', @names)
	{
		my $hex = unpack('H*', read_file("$data/$name.bin"));
		$script .= "SELECT dbstream.receive(:session, " . ++$batch . ", decode('$hex', 'hex')) IS NULL;\n";
	}
	my $errors = $pg->sql('SELECT count(*) FROM dbstream.error_log');
	my ($status, $out, $err) = $pg->run_psql("${script}SELECT dbstream.close_inbound(:session);\n");
	my $said = $pg->sql("SELECT coalesce(string_agg(concat_ws(' / ', message, detail, context), '; '), '') FROM"
		  . " (SELECT * FROM dbstream.error_log ORDER BY id OFFSET $errors) e");
	return ($status ? $err : '') . $said;
}

sub row
{
	my ($where) = @_;

	return $pg->sql("SET timezone = 'UTC'; SET extra_float_digits = 1; SELECT e.* FROM shop.\"every kind\" e WHERE $where");
}

is(feed(qw(begin table rows_insert commit)), '', 'hello, begin, table, rows and commit are read');
is($pg->sql('SELECT count(*) FROM shop."every kind"'), '3', 'three rows are inserted');
is(row('NOT bool'),
	join('|', 'f', -32768, -2147483648, '-9223372036854775808', 0, '-0', '-1.7976931348623157e+308', '-12.34', '-infinity',
		'00:00:00', '-infinity', '-infinity', '-838:59:59', '-178956970 years -8 mons -1 days -2562047788:00:54.775808', '', '\x', 'null', '1',
		'00000000-0000-0000-0000-000000000000', '', '{}', '\x010100000000000000000000000000000000000000', '{}', '::'),
	'every kind at its lowest');
my @high = split(/\|/, row('bool'), -1);
is($high[1] . '|' . $high[4] . '|' . $high[5] . '|' . $high[7] . '|' . $high[9] . '|' . $high[10],
	'32767|18446744073709551615|3.4028235e+38|NaN|24:00:00|infinity', 'kinds at their highest');
is(join('|', @high[ 12, 13, 16 .. 20, 22, 23 ]),
	'838:59:59|3 mons 2 days 00:00:00.000001|{"a": [1, 2.50, "€"]}|' . '1' x 64
	  . '|ffffffff-ffff-ffff-ffff-ffffffffffff|größer|{a,"b "}|{1,2}|ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
	'and the rest of them');
is($high[21], '\x0101000020e610000000000000000000400000' . '00000000f03f', 'a geometry with its SRID');
is($pg->sql(q{SELECT encode(sha256(bytes), 'hex') = encode(sha256((SELECT string_agg(set_byte('\x00', 0, i), '' ORDER BY i)
	FROM generate_series(0, 255) i)), 'hex') FROM shop."every kind" WHERE bool}), 't', 'bytes of every value');
is(row('bool IS NULL'),
	join('|', '', -2, 70000, '', 1, 1.5, '', '0.' . '0' x 30, '1999-01-01', '', '2024-01-01 00:00:00.000001',
		'1999-12-31 23:59:59.999999+00', '', '00:00:00', 'Grüß', '', '""', '1' x 9, '', 'small', '{""}', '', '{-0}', '10.0.0.1'),
	'a row of form nulls');
is($pg->sql('SELECT position, gtid_set FROM dbstream.progress'), 'binlog.000042:1234|0-1-42,1-1-7', 'the position is the commit\'s');
is(feed(qw(begin truncate ddl commit heartbeat sync)), '', 'truncate, ddl, heartbeat and sync are read');
is($pg->sql('SELECT count(*) FROM shop."logé"'), '0', 'the table is truncated');
is($pg->sql("SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'shop.t'::regclass AND attnum > 0"),
	'id,é', 'the schema change is made');
is($pg->sql('SELECT position FROM dbstream.progress'), 'binlog.1000000:4', 'the heartbeat moved the position on');
like(feed(qw(begin table rows_insert message)), qr/message of type 7/, 'a logical message belongs to the other direction');
is($pg->sql('SELECT count(*) FROM shop."every kind"'), '3', 'and what came before it in its transaction is not applied');
isnt(feed(qw(begin table rows_insert receipt)), '', 'what is no message is refused');
is($pg->sql('SELECT count(*) FROM shop."every kind"'), '3', 'and what came before it in its transaction is not applied');
$pg->stop('fast');
done_testing();
