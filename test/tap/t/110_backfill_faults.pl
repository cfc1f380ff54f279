# A backfill is killed at random moments: the bridge, PostgreSQL and the source by SIGKILL, in turn; first the one with
# which a stream begins, then one of every table while the stream goes on. It goes on where it was, and both sides are the
# same at the end.
#
#   DBSTREAM_SEED=n    repeats the choices of a run (not the timing of the machine)
#   DBSTREAM_FAULTS=n  how many faults each time (default 6 and 4)
#   DBSTREAM_ROWS=n    rows of the larger tables (default 50000)

use strict;
use warnings;

use DBStream::Backfill qw(backfill_schema backfill_rows start_backfill_writer);
use DBStream::Faults qw(fault);
use DBStream::MySQL;
use DBStream::Process qw(is_running wait_until write_file);
use DBStream::Scene;
use Test::More;
use Time::HiRes qw(sleep);

my $seed = $ENV{DBSTREAM_SEED} // int(rand(2**31));
my $faults = $ENV{DBSTREAM_FAULTS} // 6;
my $again = $ENV{DBSTREAM_FAULTS} // 4;
my $rows = $ENV{DBSTREAM_ROWS} // 50000;
my @kinds = grep { !defined $ENV{DBSTREAM_SOURCE} || $_ eq $ENV{DBSTREAM_SOURCE} } qw(mariadb mysql);

diag("seed $seed: repeat with DBSTREAM_SEED=$seed");
foreach my $kind (@kinds)
{
  SKIP:
	{
		my $why = DBStream::MySQL::missing($kind);
		skip "$kind: $why", 1 if $why;
		srand($seed);
		my $scene = DBStream::Scene->new(kind => $kind);
		my $good = eval { killed_while_copying($scene, $kind); 1 };
		my $error = $@;
		fail("$kind: $error") unless $good;
		diag($scene->state_text) unless $good && Test::More->builder->is_passing;
		eval { $scene->finish };
	}
}
done_testing();

sub copied
{
	my ($target) = @_;
	my ($status, $out) = $target->run_psql("SELECT coalesce(sum(rows_done), 0) FROM dbstream.backfill_table");

	return $status == 0 && $out =~ /^\d+$/ ? $out : undef;
}

sub hit
{
	my ($scene, $number, $during) = @_;

	sleep(rand(0.4));
	my ($status, $state) = $scene->target->run_psql('SELECT state FROM dbstream.backfill');
	$during->{$state}++ if $status == 0;
	my $fault = (qw(bridge_killed postgres_restarted source_killed worker_killed))[ int(rand(4)) ];
	diag("fault $number: $fault, $state");
	fault($scene, $fault);
}

# The same while the log is read: every table is asked for again.
sub copied_again
{
	my ($scene, $kind) = @_;
	my $target = $scene->target;
	my %during;

	# Such damage as only a copy mends.
	$target->sql("SET session_replication_role = replica; DELETE FROM shop.hash WHERE h < '\\x40'; UPDATE shop.heap SET a = 77 WHERE a = 1;"
		  . "SELECT dbstream.backfill_table('shop_in', source_schema || '.' || source_table) FROM dbstream.backfill_table");
	hit($scene, $_, \%during) foreach 1 .. $again;
	ok($target->wait_for("SELECT state = 'done' FROM dbstream.backfill", 300), "$kind: every table is copied again, through $again faults ("
		  . join(', ', map { "$during{$_} while $_" } sort keys %during) . ')')
	  or die "not copied again\n";
}

sub killed_while_copying
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);
	my %during;

	$source->sql(backfill_schema());
	$source->sql(backfill_rows($rows), 'shop');
	my $flag = DBStream::Scene::work_folder() . "/stop-$kind";
	my @writers = map { start_backfill_writer($source, $flag, $_, $rows) } 1 .. 2;
	$scene->bridge->start;
	$scene->start_stream('shop_in', 'shop.*', start => 'backfill', backfill_workers => 2);
	foreach my $number (1 .. $faults)
	{
		# Somewhere within what comes next, be it copying or the log after it.
		my $now = wait_until(60, sub { my $now = copied($target); defined $now && $now > 0 ? $now : 0 });
		die "nothing was copied for 60 s\n" unless defined $now;
		hit($scene, $number, \%during);
	}
	ok($target->wait_for("SELECT state IN ('window', 'finishing', 'done') FROM dbstream.backfill", 300),
		"$kind: all is copied after $faults faults (" . join(', ', map { "$during{$_} while $_" } sort keys %during) . ')')
	  or die "not copied\n";
	ok($target->wait_for("SELECT state = 'done' FROM dbstream.backfill", 300), "$kind: the backfill ends")
	  or die "not done\n";
	copied_again($scene, $kind);
	write_file($flag, '');
	foreach my $writer (@writers)
	{
		wait_until(60, sub { !is_running($writer) }) // die "a writer did not end\n";
	}
	ok($scene->catches_up('shop_in', 180), "$kind: the stream catches up") or die "not caught up\n";
	is($scene->compare('shop'), '', "$kind: both sides hold the same (seed $seed)");
}
