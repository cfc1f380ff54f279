# Two writers on the same rows, one on each side, under each pair of policies: both sides end equal, and what was decided
# is recorded with both rows. First every kind of conflict by hand, with the streams paused while both sides change a row;
# then both writers at once, with bridges killed.
#
#   DBSTREAM_SECONDS=n  how long the two writers are at work (default: until each pair of policies has met 30 conflicts)

use strict;
use warnings;

use DBStream::Compare qw(compare_table);
use DBStream::OutScene;
use DBStream::Process qw(in_child is_running wait_until write_file);
use Test::More;
use Time::HiRes qw(sleep time);

my $seconds = $ENV{DBSTREAM_SECONDS};
my $enough = 30;

# Of each table: the policies of the stream in and of the stream out.
my %pairs = (
	mysql_wins => [ { conflicts => 'source_wins', before_images => 'full' }, { conflicts => 'target_wins' } ],
	pg_wins => [ { conflicts => 'target_wins' }, { conflicts => 'source_wins' } ],
	latest => [ map { { conflicts => 'latest_wins', conflict_column => 'at' } } 1 .. 2 ]);

DBStream::OutScene::with_each_target($ENV{DBSTREAM_SOURCE}, \&conflicts);
done_testing();

# What each side does to row $_->[0] while the streams stand still, what the row's word is at the end when MySQL wins, when
# PostgreSQL wins, and when the later one wins; then the kinds of conflict that the stream in and the stream out record
# under each. PostgreSQL's changes are the later ones, except those of the words that begin with "early".
sub cases
{
	return (
		[ 1, 'insert:my', 'insert:pg', [qw(my pg pg)], 'insert_exists', 'insert_exists' ],
		[ 2, 'update:my', 'update:pg', [qw(my pg pg)], 'update_differs', 'update_differs' ],
		[ 3, 'update:my', 'update:early', [qw(my early my)], 'update_differs', 'update_differs' ],
		[ 4, 'update:my', 'delete', [ 'my', '-', '-' ], 'update_missing', 'delete_differs' ],
		[ 5, 'delete', 'update:pg', [ '-', 'pg', '-' ], 'delete_differs', 'update_missing' ],
		[ 6, 'delete', 'delete', [qw(- - -)], 'delete_missing', 'delete_missing' ],
		[ 7, '', 'update:pg', [qw(pg pg pg)], '', '' ],
		[ 8, 'update:my', '', [qw(my my my)], '', '' ],
		[ 9, 'insert:my', 'insert:early', [qw(my early my)], 'insert_exists', 'insert_exists' ]);
}

sub statement
{
	my ($table, $id, $what, $at) = @_;
	my ($verb, $word) = split(/:/, $what);

	return '' unless $verb;
	return "DELETE FROM shop.$table WHERE id = $id;" if $verb eq 'delete';
	$at = '2024-01-01 00:00:00' if $word eq 'early';
	return "INSERT INTO shop.$table VALUES ($id, '$word', 5, '$at');" if $verb eq 'insert';
	return "UPDATE shop.$table SET word = '$word', at = '$at' WHERE id = $id;";
}

sub conflicts
{
	my ($scene, $kind) = @_;
	my ($pg, $my) = ($scene->source, $scene->target);

	$my->sql('CREATE DATABASE shop');
	$pg->sql('CREATE SCHEMA shop');
	foreach my $table (sort keys %pairs)
	{
		my $columns = 'id int PRIMARY KEY, word varchar(60), n int NOT NULL';
		my $rows = join(', ', map { "($_, 'first', 0, '2023-01-01 00:00:00')" } 2 .. 8, 100 .. 199);

		$my->sql("CREATE TABLE shop.$table ($columns, at datetime(6)); INSERT INTO shop.$table VALUES $rows");
		$pg->sql("CREATE TABLE shop.$table ($columns, at timestamp(6)); ALTER TABLE shop.$table REPLICA IDENTITY FULL;"
			  . " INSERT INTO shop.$table VALUES $rows");
	}
	$scene->bridge->start;
	foreach my $table (sort keys %pairs)
	{
		my ($in, $out) = @{ $pairs{$table} };

		$scene->start_stream("out_$table", "shop.$table", heartbeat => 1, start => 'now', %$out);
		$scene->start_inbound("in_$table", "shop.$table", heartbeat => 1, start => 'now', %$in);
	}
	by_hand($scene, $kind);
	at_once($scene, $kind);
	is($my->sql("SELECT count(*) FROM dbstream.dbstream_conflicts"), 0, "$kind: the target has handed over all it recorded");
	is($pg->sql('SELECT count(*) FROM dbstream.errors'), 0, "$kind: no stream stopped")
	  or diag($pg->sql('SELECT stream, code, message FROM dbstream.errors'));
	other_keys($scene, $kind);
}

# Another row of the target has a unique key of the source's row: it goes where the source wins, else the stream stops.
sub other_keys
{
	my ($scene, $kind) = @_;
	my ($pg, $my) = ($scene->source, $scene->target);

	$my->sql(q{CREATE TABLE shop.keyed (id int PRIMARY KEY, mail varchar(60) UNIQUE, doc blob);
		INSERT INTO shop.keyed VALUES (1, 'a@b', x'00ff'), (3, 'c@d', NULL), (4, 'x@y', NULL)});
	$pg->sql('CREATE TABLE shop.keyed (id int PRIMARY KEY, mail varchar(60) UNIQUE, doc bytea)');
	$scene->start_stream('out_keyed', 'shop.keyed', heartbeat => 1, start => 'now', conflicts => 'source_wins');
	$pg->sql(q{INSERT INTO shop.keyed VALUES (2, 'a@b', '\\x01'); UPDATE shop.keyed SET mail = 'c@d' WHERE id = 2;
		UPDATE shop.keyed SET id = 6 WHERE id = 2});
	ok($scene->catches_up('out_keyed', 60), "$kind: rows whose unique keys the source's have") or die "not caught up\n";
	is($my->sql('SELECT id, mail FROM shop.keyed ORDER BY id'), "4\tx\@y\n6\tc\@d", "$kind: go");
	is($pg->sql(q{SELECT target_row->>'id', target_row->>'doc', winner FROM dbstream.conflicts WHERE stream = 'out_keyed'
			AND kind = 'key_taken' ORDER BY 1}), "1|00FF|source\n3||source", "$kind: and are recorded");
	# What the old policy would still settle is kept from it.
	$pg->sql(q{SELECT dbstream.pause_stream('out_keyed')});
	wait_until(60, sub { $pg->sql(q{SELECT receiver_pid IS NULL FROM dbstream.stream_status WHERE name = 'out_keyed'}) eq 't' })
	  // die "the stream does not pause\n";
	$pg->sql(q{SELECT dbstream.alter_stream('out_keyed', options => '{"conflicts": "target_wins"}');
		INSERT INTO shop.keyed VALUES (5, 'x@y', NULL); SELECT dbstream.resume_stream('out_keyed')});
	ok(wait_until(60, sub { $pg->sql(q{SELECT count(*) FROM dbstream.errors WHERE stream = 'out_keyed' AND code = 'conflict'}) + 0 }),
		"$kind: where the target wins, they stop the stream");
	$my->sql(q{DELETE FROM shop.keyed WHERE id = 4});
	$pg->sql(q{SELECT dbstream.resume_stream('out_keyed')});
	ok($scene->catches_up('out_keyed', 60), "$kind: until they are put right");
}

sub all_streams { return map { ("out_$_", "in_$_") } sort keys %pairs; }

sub settle
{
	my ($scene, $kind, $what) = @_;

	# What one stream brings, the other must have left out before it is looked at: two rounds.
	foreach my $round (1 .. 2)
	{
		foreach my $stream (all_streams())
		{
			$scene->catches_up($stream, 120) or die "$kind, $what: $stream does not catch up\n";
		}
	}
}

sub by_hand
{
	my ($scene, $kind) = @_;
	my ($pg, $my) = ($scene->source, $scene->target);
	my @tables = sort keys %pairs;

	settle($scene, $kind, 'the start');
	foreach my $stream (all_streams())
	{
		$pg->sql("SELECT dbstream.pause_stream('$stream')");
	}
	wait_until(60, sub { $pg->sql("SELECT count(*) FROM dbstream.stream_status WHERE receiver_pid IS NOT NULL") == 0 })
	  // die "the streams do not pause\n";
	$my->sql(join('', map { my $table = $_; map { statement($table, $_->[0], $_->[1], '2024-03-01 12:00:00.5') } cases() } @tables));
	$pg->sql(join('', map { my $table = $_; map { statement($table, $_->[0], $_->[2], '2024-03-01 13:00:00.25') } cases() } @tables));
	foreach my $stream (all_streams())
	{
		$pg->sql("SELECT dbstream.resume_stream('$stream')");
	}
	settle($scene, $kind, 'by hand');
	foreach my $i (0 .. 2)
	{
		my $table = (qw(mysql_wins pg_wins latest))[$i];
		my @expected = map { "$_->[0] " . $_->[3][$i] } grep { $_->[3][$i] ne '-' } cases();

		is($pg->sql("SELECT string_agg(id || ' ' || word, ', ' ORDER BY id) FROM shop.$table WHERE id < 100"),
			join(', ', sort @expected), "$kind, $table: the rows are the winners'");
		is(compare_table($my, $pg, 'shop', $table), '', "$kind, $table: on both sides");
		foreach my $way ([ "in_$table", 4 ], [ "out_$table", 5 ])
		{
			my ($stream, $column) = @$way;
			my @recorded = map { "$_->[0] $_->[$column]" } grep { $_->[$column] } cases();

			is($pg->sql("SELECT string_agg(format('%s %s', key->>'id', kind), ', ' ORDER BY (key->>'id')::int)"
					  . " FROM dbstream.conflicts WHERE stream = '$stream'"),
				join(', ', @recorded), "$kind, $stream: each conflict is recorded once");
		}
	}
	is($pg->sql("SELECT source_row->>'word', source_before->>'word', target_row->>'word', winner FROM dbstream.conflicts"
			  . " WHERE stream = 'out_latest' AND kind = 'update_differs' ORDER BY key->>'id'"),
		"pg|first|my|source\nearly|first|my|target", "$kind: with both rows and what the source had, on the way out");
	is($pg->sql("SELECT source_row->>'word', source_before->>'word', target_row->>'word', winner FROM dbstream.conflicts"
			  . " WHERE stream = 'in_latest' AND kind = 'update_differs' ORDER BY key->>'id'"),
		"my|first|pg|target\nmy|first|early|source", "$kind: and on the way in");
}

# Both sides change the same hundred rows; keys that are deleted are not used again, and every change leaves a value that
# was never there before.
sub at_once
{
	my ($scene, $kind) = @_;
	my ($pg, $my) = ($scene->source, $scene->target);
	my $flag = DBStream::OutScene::work_folder() . "/stop-conflicts-$kind";
	my @writers = (
		in_child("writer in PostgreSQL", sub { return writer('pg', $flag, 'clock_timestamp()', sub { $pg->run_psql($_[0]) }); }),
		in_child("writer in $kind", sub { return writer('my', $flag, 'now(6)', sub { $my->client($_[0], 'shop') }); }));
	my $until = time() + ($seconds // 120);
	my $met = sub { return $pg->sql("SELECT count(*) FROM dbstream.conflicts WHERE stream ~ '_$_[0]\$'"); };

	while (time() < $until && (defined $seconds || grep { $met->($_) < $enough } sort keys %pairs))
	{
		sleep(1 + rand(3));
		$scene->bridge->kill9;
		$scene->bridge->start;
	}
	write_file($flag, '');
	foreach my $writer (@writers)
	{
		wait_until(60, sub { !is_running($writer) }) // die "a writer did not end\n";
	}
	settle($scene, $kind, 'two writers');
	foreach my $table (sort keys %pairs)
	{
		is(compare_table($my, $pg, 'shop', $table), '', "$kind, $table: after two writers both sides hold the same");
		cmp_ok($met->($table), '>=', $enough, "$kind, $table: conflicts were met");
	}
	note($pg->sql('SELECT stream, kind, winner, count(*) FROM dbstream.conflicts GROUP BY 1, 2, 3 ORDER BY 1, 2, 3'));
}

sub writer
{
	my ($side, $flag, $now, $run) = @_;

	srand(time() + length($side) + $$);
	for (my $round = 1; !-e $flag; $round++)
	{
		my $sql = '';
		foreach my $table (sort keys %pairs)
		{
			foreach my $change (1 .. 4)
			{
				my $id = 100 + int(rand(40));
				$sql .= "UPDATE shop.$table SET word = '$side $round $change', n = n + 1, at = $now WHERE id = $id; ";
			}
			# Both sides make this row, and later change it.
			my $id = 1000 + $round;
			$sql .= "INSERT INTO shop.$table VALUES ($id, '$side $round', 0, $now)"
			  . ($side eq 'pg' ? ' ON CONFLICT DO NOTHING; ' : ' ON DUPLICATE KEY UPDATE n = n; ');
			$id = 140 + int(rand(60));
			$sql .= "DELETE FROM shop.$table WHERE id = $id; " if $round % 5 == 0;
			$sql .= "UPDATE shop.$table SET word = 'also $side $round', at = $now WHERE id = $id; ";
		}
		my ($status, $out, $err) = $run->($sql);
		die "a writer failed: $err\n" if $status != 0;
	}
	return 0;
}
