# What an outbound stream says of itself when things are not well: a second bridge, an idle database, a lost slot, a target
# that lost commits, rights that are missing.

use strict;
use warnings;

use DBStream::MySQL;
use DBStream::OutScene;
use DBStream::Process qw(wait_until);
use Test::More;

foreach my $kind (qw(mariadb mysql))
{
  SKIP:
	{
		my $why = DBStream::MySQL::missing($kind);
		skip "$kind: $why", 1 if $why;
		my $scene = DBStream::OutScene->new(kind => $kind);
		my $good = eval { validation($scene, $kind); takeover($scene, $kind); idle($scene, $kind); losses($scene, $kind); 1; };
		fail("$kind: $@") unless $good;
		diag($scene->state_text) unless $good && Test::More->builder->is_passing;
		eval { $scene->finish };
	}
}
done_testing();

sub state_of
{
	my ($pg) = @_;

	return $pg->sql("SELECT state FROM dbstream.stream_status WHERE name = 'out'");
}

sub validation
{
	my ($scene, $kind) = @_;
	my ($pg, $my) = ($scene->source, $scene->target);

	$pg->sql('CREATE SCHEMA shop; CREATE TABLE shop.t (id int PRIMARY KEY, v text); CREATE TABLE shop.bare (v text)');
	$scene->bridge->start;
	$scene->start_stream('out', 'shop.*', heartbeat => 1);
	my %checks = map { $_->[0] => $_->[1] } $pg->rows("SELECT check_name || ' ' || object, status FROM dbstream.validate_stream('out')");
	is($checks{'wal_level server'}, 'ok', "$kind: validate_stream looks at wal_level");
	is($checks{'replica_identity table shop.bare'}, 'warning', "$kind: it warns of a table without a key");
	ok(!exists $checks{'replica_identity table shop.t'}, "$kind: and not of one with a key");
	is($checks{'progress_table connection there'}, 'ok', "$kind: it tries the table of positions at the target");
	is((grep { $_ eq 'failed' } values %checks), 0, "$kind: nothing fails") or diag(explain(\%checks));
	$my->sql("REVOKE ALL ON *.* FROM 'writer'\@'%'; GRANT SELECT ON *.* TO 'writer'\@'%'");
	$my->sql("REVOKE ALL PRIVILEGES, GRANT OPTION FROM 'writer'\@'%'; GRANT SELECT ON *.* TO 'writer'\@'%'");
	my $failed = $pg->sql("SELECT string_agg(DISTINCT check_name, ',') FROM dbstream.validate_stream('out') WHERE status = 'failed'");
	is($failed, 'progress_table,target_rights', "$kind: a right that is missing at the target is named");
	$my->sql("GRANT ALL ON *.* TO 'writer'\@'%'");
}

sub takeover
{
	my ($scene, $kind) = @_;
	my ($pg, $my) = ($scene->source, $scene->target);
	my $second = $scene->another_bridge->start;

	$pg->sql("INSERT INTO shop.t VALUES (1, 'one')");
	ok($scene->catches_up('out', 60), "$kind: with two bridges the stream runs");
	ok(wait_until(20, sub { $second->log_text =~ /standing by/ }), "$kind: the second one stands by");
	$scene->bridge->kill9;
	$pg->sql("INSERT INTO shop.t VALUES (2, 'two')");
	ok($scene->catches_up('out', 60), "$kind: it takes over when the first is killed");
	is($scene->compare('shop', 't'), '', "$kind: both sides hold the same");
	is($pg->sql("SELECT count(*) FROM dbstream.bridge_status WHERE 'out' = ANY (streams)"), 1, "$kind: bridge_status shows who has the stream");
	is($second->stop, 0, "$kind: the second one stops in order");
	is(state_of($pg), 'waiting for a bridge', "$kind: without any bridge the stream says so");
	$scene->bridge->start;
	ok($scene->catches_up('out', 60), "$kind: the first one goes on");
}

# Work in tables that are not in the stream must not keep the log.
sub idle
{
	my ($scene, $kind) = @_;
	my $pg = $scene->source;

	$pg->sql('CREATE TABLE elsewhere AS SELECT n, md5(n::text) FROM generate_series(1, 50000) n');
	my $here = $pg->sql('SELECT pg_current_wal_lsn()');
	ok($pg->wait_for("SELECT confirmed_position::pg_lsn >= '$here' FROM dbstream.stream_status WHERE name = 'out'", 30),
		"$kind: an idle stream's slot is confirmed past what concerns it not");
	ok($pg->wait_for("SELECT state = 'running' AND seconds_behind = 0 FROM dbstream.stream_status WHERE name = 'out'", 30),
		"$kind: and the stream says that it is not behind");
}

sub losses
{
	my ($scene, $kind) = @_;
	my ($pg, $my) = ($scene->source, $scene->target);
	my $position = $my->sql('SELECT position FROM dbstream.dbstream_progress');

	# A stall: the bridge is there and does nothing.
	$pg->sql("SELECT dbstream.alter_stream('out', options => '{\"stall_after\": 2}')");
	ok($scene->catches_up('out', 60), "$kind: the stream runs");
	$scene->bridge->freeze;
	ok($pg->wait_for("SELECT state = 'stalled' FROM dbstream.stream_status WHERE name = 'out'", 30), "$kind: a bridge that hangs shows as stalled");
	$scene->bridge->thaw;
	ok($pg->wait_for("SELECT state = 'running' FROM dbstream.stream_status WHERE name = 'out'", 30), "$kind: and runs again");

	# The target goes back in time, as after a restore.
	$scene->bridge->stop;
	$my->sql("UPDATE dbstream.dbstream_progress SET position = '$position'");
	$pg->sql("SELECT pg_logical_emit_message(true, 'x', 'y')");
	$scene->bridge->start;
	ok($pg->wait_for("SELECT state = 'error' FROM dbstream.stream_status WHERE name = 'out'", 30), "$kind: a target that lost commits stops the stream");
	like($pg->sql("SELECT code || ' ' || message FROM dbstream.errors ORDER BY last_at DESC LIMIT 1"),
		qr/^target_behind the target is at \Q$position\E/, "$kind: with its own error");
	$my->sql("UPDATE dbstream.dbstream_progress SET position = '" . $pg->sql('SELECT position FROM dbstream.progress') . "'");
	$pg->sql("SELECT dbstream.resume_stream('out')");
	ok($scene->catches_up('out', 60), "$kind: put right, it goes on");

	# The slot is gone.
	$scene->bridge->stop;
	$pg->sql('SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots');
	is(state_of($pg), 'slot lost', "$kind: a lost slot is a state of its own");
	$scene->bridge->start;
	ok($pg->wait_for("SELECT count(*) > 0 FROM dbstream.errors WHERE code = 'slot_lost' AND hint ~ 'resync_stream'", 30),
		"$kind: and the error tells what to do");
	is(state_of($pg), 'slot lost', "$kind: it stays so, and no new slot hides the gap");

	# What was committed meanwhile is nowhere in the log any more: the tables are copied anew.
	$pg->sql("DELETE FROM shop.t WHERE id = 1; INSERT INTO shop.t VALUES (7, 'seven')");
	$my->sql("INSERT INTO shop.t VALUES (99, 'of nobody')");
	$pg->sql("SELECT dbstream.resync_stream('out')");
	isnt(state_of($pg), 'slot lost', "$kind: resync_stream answers the loss");
	ok($scene->catches_up('out', 60), "$kind: the stream begins anew");
	is($scene->compare('shop', 't'), '', "$kind: both sides hold the same, without what was not in the source");
	$pg->sql("UPDATE shop.t SET v = 'changed' WHERE id = 7");
	ok($scene->catches_up('out', 60), "$kind: and goes on");
	is($scene->compare('shop', 't'), '', "$kind: with changes");
	is($my->sql('SELECT COUNT(*) FROM dbstream.dbstream_progress'), 1, "$kind: one position is left at the target");

	# The same while it runs well, and once more while it is paused.
	$pg->sql("SELECT dbstream.resync_stream('out')");
	ok($scene->catches_up('out', 60), "$kind: a stream that runs is copied anew");
	$pg->sql("SELECT dbstream.pause_stream('out'); SELECT dbstream.resync_stream('out'); INSERT INTO shop.t VALUES (8, 'eight')");
	ok($scene->catches_up('out', 60), "$kind: and one that is paused");
	is($scene->compare('shop', 't'), '', "$kind: both sides hold the same");
	is($pg->sql("SELECT string_agg(source_table || ' ' || phase, ', ' ORDER BY source_table) FROM dbstream.backfill_status"),
		'bare done, t done', "$kind: backfill_status tells of the last copy");
}
