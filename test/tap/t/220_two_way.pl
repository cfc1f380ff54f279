# Both directions over the same tables: two writers, one on each side, on rows of their own, while bridges and servers are
# killed. Both sides end equal, and the counts show that nothing came back.
#
#   DBSTREAM_SECONDS=n  how long the writers are at work (default 60)

use strict;
use warnings;

use DBStream::OutScene;
use DBStream::Process qw(in_child is_running wait_until write_file read_file);
use Test::More;
use Time::HiRes qw(sleep time);

my $seconds = $ENV{DBSTREAM_SECONDS} // 60;

DBStream::OutScene::with_each_target($ENV{DBSTREAM_SOURCE}, \&both_ways);
done_testing();

sub both_ways
{
	my ($scene, $kind) = @_;
	my ($pg, $my) = ($scene->source, $scene->target);

	# A table made there by the stream out is not made here once more.
	$pg->sql('CREATE SCHEMA shop; CREATE TABLE shop.item (id int PRIMARY KEY, word varchar(60), n int NOT NULL, price numeric(10,2), at timestamp)');
	$scene->bridge->start;
	$scene->start_stream('goes_out', 'shop.*', heartbeat => 1);
	$pg->sql("INSERT INTO shop.item VALUES (0, 'first', 0, 0.5, '2024-02-29 12:00')");
	ok($scene->caught_up('goes_out', 60), "$kind: the stream out made the table") or die "not caught up\n";
	$pg->sql("SELECT dbstream.create_stream('comes_in', source => 'there', target => 'local', tables => '{shop.*}',"
		  . " options => '{\"start\": \"earliest\", \"heartbeat\": 1}'); SELECT dbstream.start_stream('comes_in')");
	ok($scene->caught_up('comes_in', 60), "$kind: the stream in passes what the stream out has done") or die "not caught up\n";
	is($pg->sql("SELECT rows_inserted FROM dbstream.stream_status WHERE name = 'comes_in'"), 0, "$kind: and applies nothing of it");

	my $folder = DBStream::OutScene::work_folder();
	my $flag = "$folder/stop-two-$kind";
	my @writers = (
		in_child("writer in PostgreSQL", sub { return writer("$folder/pg-$kind", $flag, 1, sub { $pg->run_psql($_[0]) }); }),
		in_child("writer in $kind", sub { return writer("$folder/my-$kind", $flag, 2, sub { $my->client($_[0], 'shop') }); }));
	my $until = time() + $seconds;
	my %done;
	while (time() < $until)
	{
		sleep(1 + rand(4));
		my $fault = (qw(bridge_killed in_killed out_killed))[ int(rand(3)) ];
		$done{$fault}++;
		if ($fault eq 'bridge_killed')
		{
			$scene->bridge->kill9;
			sleep(rand(0.5));
			$scene->bridge->start;
		}
		else
		{
			my $what = $fault eq 'in_killed' ? "backend_type ~ 'dbstream.*apply'" : "backend_type = 'walsender'";
			$pg->run_psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE $what");
		}
	}
	write_file($flag, '');
	foreach my $writer (@writers)
	{
		wait_until(60, sub { !is_running($writer) }) // die "a writer did not end\n";
	}
	ok($scene->catches_up('goes_out', 120), "$kind: the stream out catches up after " . join(', ', map { "$_ $done{$_}" } sort keys %done));
	ok($scene->catches_up('comes_in', 120), "$kind: the stream in catches up");
	is($scene->compare('shop', 'item'), '', "$kind: both sides hold the same, by every value");

	my %own = map { $_ => [ split(/ /, read_file("$folder/$_-$kind")) ] } qw(pg my);
	$own{pg}[0]++;    # the first row
	cmp_ok($own{pg}[0], '>', 100, "$kind: PostgreSQL's writer was at work: @{ $own{pg} }");
	cmp_ok($own{my}[0], '>', 100, "$kind: the other writer was at work: @{ $own{my} }");
	foreach my $pair ([ goes_out => 'pg' ], [ comes_in => 'my' ])
	{
		my ($stream, $writer) = @$pair;
		my ($counts) = $pg->rows("SELECT rows_inserted, rows_updated, rows_deleted FROM dbstream.stream_status WHERE name = '$stream'");
		is("@$counts", "@{ $own{$writer} }", "$kind: $stream carried its own writer's changes and nothing else");
	}
	# When nobody writes, nothing moves but positions.
	my $before = counts($pg);
	sleep(3);
	is(counts($pg), $before, "$kind: nothing echoes");
}

sub counts
{
	my ($pg) = @_;

	return $pg->sql('SELECT string_agg(format($$%s %s %s$$, rows_inserted, rows_updated, rows_deleted), $$;$$ ORDER BY name) FROM dbstream.stream_status');
}

# One change in one transaction at a time, each of a row that this writer made; the counts are written down at the end.
sub writer
{
	my ($file, $flag, $remainder, $run) = @_;
	my ($inserted, $updated, $deleted) = (0, 0, 0);

	srand($remainder + time());
	for (my $round = 1; !-e $flag; $round++)
	{
		my @ids = map { ($round * 10 + $_) * 3 + $remainder } 0 .. 4;
		my $sql = join('', map { "INSERT INTO shop.item VALUES ($_, 'w$round', 0, $round.25, '2024-01-01 00:00:00.5'); " } @ids)
		  . "UPDATE shop.item SET n = n + 1, word = 'changed' WHERE id IN ($ids[0], $ids[1], $ids[2]); "
		  . "BEGIN; DELETE FROM shop.item WHERE id = $ids[4]; UPDATE shop.item SET price = price + 1 WHERE id = $ids[3]; COMMIT;";
		my ($status, $out, $err) = $run->($sql);
		die "a writer failed: $err\n" if $status != 0;
		$inserted += 5;
		$updated += 4;
		$deleted += 1;
	}
	write_file($file, "$inserted $updated $deleted");
	return 0;
}
