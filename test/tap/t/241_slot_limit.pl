# What a stream's slot keeps of the log on this server's disk: it goes as the stream goes on, it is limited by the option
# max_retained_wal with or without a bridge, and a slot that was given up is mended by a copy.

use strict;
use warnings;

use DBStream::MySQL;
use DBStream::OutScene;
use DBStream::Process qw(read_file wait_until);
use Test::More;

my $why = DBStream::MySQL::missing('mariadb');
plan skip_all => $why if $why;
my $scene = DBStream::OutScene->new(kind => 'mariadb', name => 'limit', conf => "dbstream.slot_check_interval = 1s\n");
my $pg = $scene->source;
my $good = eval { refused(); idle(); warned(); without_bridge(); with_hanging_bridge(); by_the_server(); 1; };
fail($@) unless $good;
diag($scene->state_text) unless $good && Test::More->builder->is_passing;
eval { $scene->finish };
done_testing();

sub status { return $pg->sql("SELECT $_[0] FROM dbstream.stream_status WHERE name = 'out'"); }

# So many megabytes of log that do not concern the stream.
sub write_log
{
	my ($megabytes) = @_;

	$pg->sql("SELECT sum(pg_logical_emit_message(true, 'nobody', repeat('x', 1000000)) - '0/0') > 0 FROM generate_series(1, $megabytes)");
}

sub refused
{
	$pg->sql('CREATE SCHEMA shop; CREATE TABLE shop.t (id int PRIMARY KEY, v text); INSERT INTO shop.t VALUES (1, $$one$$)');
	$scene->bridge->start;
	$scene->start_stream('out', 'shop.*', heartbeat => 1);
	my ($status, $out, $err) = $pg->run_psql(q{SELECT dbstream.alter_stream('out', options => '{"max_retained_wal": "lots"}')});
	isnt($status, 0, 'what is no size is refused');
	like($err, qr/"max_retained_wal" must be a size with its unit, as "50GB", or "0", not "lots"/, 'with what it must be');
	is(status('retained_limit IS NULL AND slot_state = $$ok$$'), 't', 'without the option there is no limit');
	is($pg->sql("SELECT status FROM dbstream.validate_stream('out') WHERE check_name = 'max_retained_wal'"), 'warning', 'of which validate_stream warns');
}

# What is written to other tables is let go, though nothing comes for the stream.
sub idle
{
	ok($scene->alter('out', max_retained_wal => '12MB'), 'the stream has a limit');
	is(status('retained_limit'), 12 * 1024 * 1024, 'which the status shows');
	is($pg->sql("SELECT status FROM dbstream.validate_stream('out') WHERE check_name = 'max_retained_wal'"), 'ok', 'and validate_stream is content');
	ok($scene->catches_up('out', 60), 'the stream runs');
	foreach my $round (1 .. 3)
	{
		write_log(6);
		ok(wait_until(60, sub { $pg->sql('CHECKPOINT'); status('retained_bytes < 1000000') eq 't' }), "round $round: an idle stream lets the log go");
	}
	is(status('slot_state'), 'ok', 'many times the limit have passed');
	is($pg->sql("SELECT count(*) FROM dbstream.errors WHERE code = 'slot_given_up'"), 0, 'and nothing was given up');
}

sub warned
{
	$scene->bridge->stop;
	write_log(11);
	is(status('slot_state'), 'warning', 'more than four fifths of the limit are a warning');
	ok(wait_until(30, sub { read_file($pg->logfile) =~ /LOG:  replication slot "dbstream_\d+_1" keeps \d+ [kM]B of the log; beyond max_retained_wal/ }),
		'also in the log of the server');
	is($pg->sql("SELECT origin || ' ' || times FROM dbstream.errors WHERE code = 'slot_filling'"), 'server 1', 'and in dbstream.errors');
	is(status("state || ' ' || (coalesce(last_error, '') ~ 'slot')"), 'waiting for a bridge false', 'which is no error of the stream');
	is($pg->sql('SELECT count(*) FROM pg_replication_slots'), 1, 'the slot is still there');
}

sub lost
{
	my ($what) = @_;

	ok(wait_until(60, sub { $pg->sql('SELECT count(*) FROM pg_replication_slots') == 0 }), "$what: the slot is given up") or die "it is not\n";
	is(status("state || ' ' || slot_state"), 'slot lost lost', "$what: the stream says so");
	my ($row) = $pg->rows("SELECT origin, message, hint FROM dbstream.errors WHERE code = 'slot_given_up' ORDER BY last_at DESC LIMIT 1");
	is($row->[0], 'server', "$what: the server did it");
	like($row->[1], qr/kept .* of the log, more than max_retained_wal of stream "out" \(12 MB\)/, "$what: and tells why");
	like($row->[2], qr/resync_stream/, "$what: and what to do");
}

sub mended
{
	my ($what) = @_;

	$pg->sql("SELECT dbstream.resync_stream('out')");
	ok($scene->catches_up('out', 120), "$what: resync_stream mends it");
	is($scene->compare('shop', 't'), '', "$what: both sides hold the same");
	is(status('slot_state'), 'ok', "$what: with a new slot");
}

sub without_bridge
{
	$pg->sql("INSERT INTO shop.t VALUES (2, 'two')");
	write_log(3);
	lost('no bridge');
	$scene->bridge->start;
	ok(wait_until(60, sub { $pg->sql("SELECT count(*) FROM dbstream.errors WHERE code = 'slot_lost'") > 0 }), 'no bridge: one that comes sees it');
	is(status('state'), 'slot lost', 'no bridge: and makes no new slot in silence');
	mended('no bridge');
}

# A reader holds the slot, and does not read.
sub with_hanging_bridge
{
	$scene->bridge->freeze;
	$pg->sql("INSERT INTO shop.t VALUES (3, 'three')");
	is($pg->sql('SELECT count(*) FROM pg_replication_slots WHERE active'), 1, 'bridge hangs: the slot is in use');
	write_log(14);
	lost('bridge hangs');
	$scene->bridge->thaw;
	mended('bridge hangs');
}

# The server's own limit comes first where it is less.
sub by_the_server
{
	$pg->sql("ALTER SYSTEM SET max_slot_wal_keep_size = '4MB'");
	$pg->sql('SELECT pg_reload_conf()');
	ok(wait_until(30, sub { status('retained_limit < 40 * 1024 * 1024 AND retained_limit > 0') eq 't' }), 'max_slot_wal_keep_size counts as a limit');
	$scene->alter('out', max_retained_wal => undef);
	ok(wait_until(30, sub { status('retained_limit > 0') eq 't' }), 'also alone');
}
