# A backfill: tables that are full before the stream begins are copied while writers change them, and both sides are the
# same afterwards; indexes and foreign keys are made, and the status says what was done.

use strict;
use warnings;

use DBStream::Backfill qw(backfill_schema backfill_rows start_backfill_writer);
use DBStream::MySQL;
use DBStream::Process qw(is_running wait_until write_file);
use DBStream::Scene;
use Test::More;
use Time::HiRes qw(sleep);

my @kinds = grep { !defined $ENV{DBSTREAM_SOURCE} || $_ eq $ENV{DBSTREAM_SOURCE} } qw(mariadb mysql);
my $rows = $ENV{DBSTREAM_ROWS} // 20000;

# Without GTIDs MySQL offers less to begin with.
my %scenes = (
	mariadb => [ kind => 'mariadb' ],
	mysql => [ kind => 'mysql' ],
	mysql_by_file => [ kind => 'mysql', source_options => [ '--gtid-mode=OFF', '--enforce-gtid-consistency=OFF' ] ]);

foreach my $kind (sort keys %scenes)
{
	my %given = @{ $scenes{$kind} };
	next unless grep { $_ eq $given{kind} } @kinds;
  SKIP:
	{
		my $why = DBStream::MySQL::missing($given{kind});
		skip "$kind: $why", 1 if $why;
		my $scene = DBStream::Scene->new(name => $kind, %given);
		my $good = eval { copied_while_written($scene, $kind); 1 };
		my $error = $@;
		fail("$kind: $error") unless $good;
		diag($scene->state_text) unless $good && Test::More->builder->is_passing;
		eval { $scene->finish };
	}
}
done_testing();

sub copied_while_written
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	$source->sql(backfill_schema());
	$source->sql(backfill_rows($rows), 'shop');
	my $flag = DBStream::Scene::work_folder() . "/stop-$kind";
	my @writers = map { start_backfill_writer($source, $flag, $_, $rows) } 1 .. 2;
	sleep(0.5);
	$scene->bridge->start;
	$scene->create_connection('shop_in_source');
	$scene->create_stream('shop_in', 'shop.*', start => 'backfill');
	my $how = $kind eq 'mariadb' ? qr/consistent snapshot/ : $kind eq 'mysql' ? qr/GTIDs committed/ : qr/start of its last file/;
	like($target->sql("SELECT detail FROM dbstream.validate_stream('shop_in') WHERE check_name = 'backfill'"),
		$how, "$kind: validate_stream tells how the position is found");
	$target->sql("SELECT dbstream.start_stream('shop_in')");
	ok($target->wait_for("SELECT state IN ('window', 'finishing', 'done') FROM dbstream.backfill", 120),
		"$kind: the tables are copied")
	  or die "not copied\n";
	sleep(1);
	write_file($flag, '');
	foreach my $writer (@writers)
	{
		wait_until(60, sub { !is_running($writer) }) // die "a writer did not end\n";
	}
	ok($target->wait_for("SELECT state = 'done' FROM dbstream.backfill", 120), "$kind: the backfill ends")
	  or die "not done\n";
	ok($scene->caught_up('shop_in', 60), "$kind: the stream has caught up") or die "not caught up\n";
	is($scene->compare('shop'), '', "$kind: both sides hold the same");
	is($target->sql("SELECT count(*), bool_and(percent = 100), bool_and(phase = 'done') FROM dbstream.backfill_status"),
		'10|t|t', "$kind: the status names every table and says that it is done");
	cmp_ok($target->sql("SELECT rows_done FROM dbstream.backfill_status WHERE source_table = 'customer'"),
		'>=', $rows * 0.9, "$kind: and how many rows were copied");
	cmp_ok($target->sql("SELECT chunks FROM dbstream.backfill_table WHERE source_table = 'customer'"),
		'>', 0, "$kind: in chunks");
	is($target->sql('SELECT count(*) FROM dbstream.deferred_ddl'), '0', "$kind: nothing is put off any more");
	is( $target->sql("SELECT count(*) FROM pg_indexes WHERE schemaname = 'shop' AND tablename = 'customer'"),
		'2', "$kind: the secondary index is there");
	is($target->sql("SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conrelid = 'shop.sale'::regclass"),
		'1', "$kind: so is the foreign key");
	is($target->sql("SELECT count(*), bool_and(convalidated) FROM pg_constraint WHERE contype = 'f' AND connamespace = "
			  . "'shop'::regnamespace"), '3|t', "$kind: with the others, and all are validated");

	# Strict again: a change that cannot be right stops the stream.
	$target->sql('DELETE FROM shop.tag WHERE v = (SELECT max(v) FROM shop.tag)');
	$source->sql('UPDATE tag SET v = v + 1 ORDER BY v DESC LIMIT 1', 'shop');
	ok($target->wait_for("SELECT count(*) > 0 FROM dbstream.errors WHERE message LIKE '%row to update is not in%'", 30),
		"$kind: after the backfill a missing row is an error again");
}
