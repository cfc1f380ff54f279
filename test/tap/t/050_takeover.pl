# Several bridges serve one database: when one dies, another takes its streams over; while it lives, none does.
# A stream that fails does not disturb another.

use strict;
use warnings;

use DBStream::MySQL;
use DBStream::Process qw(wait_until);
use DBStream::Scene;
use Test::More;

my @kinds = grep { !defined $ENV{DBSTREAM_SOURCE} || $_ eq $ENV{DBSTREAM_SOURCE} } qw(mariadb mysql);
my ($scene, $source, $target);

foreach my $kind (@kinds)
{
  SKIP:
	{
		my $why = DBStream::MySQL::missing($kind);
		skip "$kind: $why", 1 if $why;
		$scene = DBStream::Scene->new(kind => $kind);
		($source, $target) = ($scene->source, $scene->target);
		note($kind);
		my $good = eval { bridges(); neighbours(); dropped(); 1 };
		my $error = $@;
		fail("$kind: $error") unless $good;
		diag($scene->state_text) unless $good && Test::More->builder->is_passing;
		eval { $scene->finish };
	}
}
done_testing();

sub bridges
{
	my $first = $scene->bridge;
	my $second = $scene->another_bridge;

	$source->sql('CREATE DATABASE a; CREATE TABLE a.t (id int PRIMARY KEY AUTO_INCREMENT, v int); INSERT INTO a.t (v) VALUES (1)');
	$first->start;
	$scene->create_connection('m_source');
	$scene->start_stream_on('one', 'a.*');
	ok($scene->caught_up('one', 60), 'the first bridge runs the stream') or die "not caught up\n";
	$second->start;
	ok($target->wait_for('SELECT count(*) = 2 FROM dbstream.bridge_status', 30), 'both bridges are in bridge_status');
	$source->sql('INSERT INTO a.t (v) VALUES (2)');
	ok($scene->caught_up('one', 30), 'with two bridges the stream runs on');
	is($target->sql('SELECT count(*) FROM a.t'), '2', 'and applies each row once');
	foreach my $round (1 .. 3)
	{
		my ($dying, $living) = $round % 2 ? ($first, $second) : ($second, $first);
		$dying->kill9;
		$source->sql('INSERT INTO a.t (v) SELECT v FROM a.t');
		ok($scene->catches_up('one', 60), "round $round: the other bridge takes over") or die "nobody took over\n";
		is($scene->compare('a'), '', "round $round: both sides hold the same");
		$dying->start;
	}
	is($second->stop, 0, 'the second bridge stops in order');
	ok($scene->catches_up('one', 60), 'and the first goes on');
}

sub neighbours
{
	$source->sql('CREATE DATABASE b; CREATE DATABASE c');
	$scene->create_stream_from('bad', 'b', 'b.*');
	$scene->create_stream_from('fine', 'c', 'c.*');
	$target->sql('CREATE SCHEMA IF NOT EXISTS b; CREATE VIEW b.t AS SELECT 1');
	$source->sql('CREATE TABLE b.t (id int PRIMARY KEY); INSERT INTO b.t VALUES (1)');
	ok($target->wait_for("SELECT count(*) > 0 FROM dbstream.errors WHERE stream = 'bad'", 30), 'one stream fails');
	$source->sql('CREATE TABLE c.t (id int PRIMARY KEY); INSERT INTO c.t VALUES (1), (2)');
	ok($scene->caught_up('fine', 30), 'its neighbour goes on');
	is($scene->compare('c'), '', 'with the same rows on both sides');
	isnt($target->sql("SELECT state FROM dbstream.stream_status WHERE name = 'bad'"), 'running', 'the failed one does not say that it runs');
	is($target->sql("SELECT state FROM dbstream.stream_status WHERE name = 'fine'"), 'running', 'the other does');
}

# A dropped stream leaves nothing behind.
sub dropped
{
	$scene->drop_stream($_) foreach qw(one bad fine);
	is($target->sql('SELECT count(*) FROM dbstream.progress'), '0', 'dropped streams leave no progress');
	is($target->sql("SELECT count(*) FROM pg_replication_origin WHERE roname LIKE 'dbstream%'"), '0', 'and no replication origin');
	is($target->sql('SELECT count(*) FROM dbstream.error_log') . $target->sql('SELECT count(*) FROM dbstream.ddl_blocked'), '00',
		'and no errors');
}
