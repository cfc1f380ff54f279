# Schema changes between two servers of one kind: carried out in their own words, in order with the rows, each once whatever dies
# when; and what cannot be carried stops the stream, with a remedy.
#
#   DBSTREAM_DDL_CASES=n  in how many changes the bridge dies, at each point (default 2, at most 4)

use strict;
use warnings;

use DBStream::MySQL;
use DBStream::Process qw(wait_until);
use DBStream::RelayScene;
use Test::More;

my ($scene, $kind, $id);

foreach my $each (grep { !defined $ENV{DBSTREAM_SOURCE} || $_ eq $ENV{DBSTREAM_SOURCE} } qw(mariadb mysql))
{
  SKIP:
	{
		$kind = $each;
		$id = 0;
		my $why = DBStream::MySQL::missing($kind);
		skip "$kind: $why", 1 if $why;
		$scene = DBStream::RelayScene->new(name => "ddl-$kind", source => $kind, target => $kind);
		my $good = eval { set_up(); carried(); dying(); both_ways(); refused(); 1; };
		fail("$kind: stopped: $@") unless $good;
		diag($scene->state_text) unless $good && Test::More->builder->is_passing;
		$scene->finish;
	}
}
done_testing();

sub set_up
{
	$scene->source->sql("CREATE DATABASE shop; CREATE TABLE shop.t (id int PRIMARY KEY, v varchar(20)); INSERT INTO shop.t VALUES (-1, 'first')");
	$scene->bridge->start;
	$scene->pg->sql("SELECT dbstream.create_stream('relay', 'source', 'target', '{shop.*}'); SELECT dbstream.start_stream('relay')");
	ok($scene->caught_up(60, 'relay'), "$kind: the stream runs") or die "not caught up\n";
}

# Tables whose definition or rows differ, also those that one side alone has.
sub differences
{
	my %sides = map {
		my $end = $_;
		$end => { map { $_->[0] => 1 } $scene->{$end}->rows("SELECT table_name FROM information_schema.tables WHERE table_schema = 'shop' AND table_type = 'BASE TABLE'") }
	} qw(source target);
	my @all = sort keys %{ { %{ $sides{source} }, %{ $sides{target} } } };

	return join(' ', grep {
			!$sides{source}{$_} || !$sides{target}{$_}
			  || $scene->definition('source', 'shop', $_) ne $scene->definition('target', 'shop', $_)
			  || $scene->rows_of('source', 'shop', $_) ne $scene->rows_of('target', 'shop', $_)
	} @all);
}

sub change
{
	my ($sql) = @_;

	$id++;
	$scene->source->sql("INSERT INTO shop.t (id) VALUES (" . (1000 + $id) . "); $sql; INSERT INTO shop.t (id) VALUES (" . (2000 + $id) . ")");
}

sub carried
{
	my @changes = (
		'ALTER TABLE shop.t ADD COLUMN n int NOT NULL DEFAULT 7 AFTER id, ADD KEY by_n (n)',
		"UPDATE shop.t SET v = 'before' WHERE id = -1; ALTER TABLE shop.t CHANGE v w text, ALGORITHM = COPY",
		'CREATE TABLE shop.parent (id int PRIMARY KEY, at datetime(6) DEFAULT CURRENT_TIMESTAMP(6)); INSERT INTO shop.parent (id) VALUES (1), (2)',
		'USE shop; CREATE TABLE child (id int AUTO_INCREMENT PRIMARY KEY, parent int, CONSTRAINT up FOREIGN KEY (parent) REFERENCES parent (id) ON DELETE CASCADE)',
		'INSERT INTO shop.child (parent) VALUES (1), (2); DELETE FROM shop.parent WHERE id = 1',
		"SET sql_mode = 'ANSI_QUOTES'; ALTER TABLE shop.parent ADD COLUMN \"odd \"\" name\" varchar(5) DEFAULT 'x'; SET sql_mode = DEFAULT",
		'CREATE UNIQUE INDEX once ON shop.child (parent, id); DROP INDEX by_n ON shop.t',
		"SET timestamp = 1700000000; SET time_zone = '+05:30'; ALTER TABLE shop.t ADD COLUMN at datetime DEFAULT CURRENT_TIMESTAMP; SET timestamp = DEFAULT",
		'CREATE TABLE shop.a LIKE shop.t; CREATE TABLE shop.b (id int PRIMARY KEY); RENAME TABLE shop.a TO shop.c, shop.b TO shop.a; INSERT INTO shop.c (id) VALUES (1)',
		'ALTER TABLE shop.c RENAME TO shop.d, COMMENT = \'renamed\'',
		'DROP TABLE shop.d, shop.a',
		'CREATE TABLE shop.a (id int PRIMARY KEY); INSERT INTO shop.a VALUES (1)',
		"CREATE TABLE shop.parts (id int PRIMARY KEY) PARTITION BY RANGE (id) (PARTITION one VALUES LESS THAN (10)); ALTER TABLE shop.parts ADD PARTITION (PARTITION two VALUES LESS THAN (20)); INSERT INTO shop.parts VALUES (1), (15); ALTER TABLE shop.parts DROP PARTITION one",
		'CREATE VIEW shop.seen AS SELECT id FROM shop.t; DROP VIEW shop.seen',
		'SET foreign_key_checks = 0; DROP TABLE shop.parent; SET foreign_key_checks = 1');

	while (my @some = splice(@changes, 0, 3))
	{
		change($_) foreach @some;
		ok($scene->caught_up(60, 'relay'), "$kind: it arrives: " . substr($some[-1], 0, 60)) or die "not caught up\n";
		is(differences(), '', "$kind: both sides hold the same");
	}
	is($scene->pg->sql("SELECT count(*) FROM dbstream.ddl_history WHERE outcome <> 'applied'"), 0, "$kind: the history has them as applied");
	cmp_ok($scene->pg->sql("SELECT count(*) FROM dbstream.ddl_history"), '>=', 20, "$kind: all of them");
	is($scene->target->sql("SELECT COUNT(*) FROM information_schema.tables WHERE table_name LIKE 'dbstream_dropped%'"), 0, "$kind: nothing is left of dropped tables");
}

# The bridge dies before and after each statement, and before and after each record of it.
sub dying
{
	my @cases = ('CREATE TABLE shop.late (id int PRIMARY KEY)', 'ALTER TABLE shop.t ADD COLUMN more int', 'DROP TABLE shop.late', 'ALTER TABLE shop.t DROP COLUMN more');
	my $seen = 0;

	splice(@cases, $ENV{DBSTREAM_DDL_CASES} // 2);
	foreach my $sql (@cases)
	{
		my $died = 0;
		$scene->bridge->stop;
		change($sql);
		foreach my $point ('before 0', 'after 0', 'told 0', 'done 0')
		{
			$scene->bridge->{env}{DBSTREAM_CRASH_AT} = $point;
			$scene->bridge->start;
			$died++ if wait_until(20, sub { !$scene->bridge->running || $scene->caught_up(1, 'relay') }) && !$scene->bridge->running;
			$scene->bridge->kill9 if $scene->bridge->running;
			eval { $scene->bridge->stop };
		}
		delete $scene->bridge->{env}{DBSTREAM_CRASH_AT};
		$seen += $died;
		$scene->bridge->start;
		ok($scene->caught_up(60, 'relay'), "$kind: $sql: it arrives after the bridge died $died times") or die "not caught up\n";
		is(differences(), '', "$kind: both sides hold the same");
	}
	cmp_ok($seen, '>=', 3 * @cases, "$kind: the bridge died $seen times on the way");
	is($scene->pg->sql('SELECT count(*) - count(DISTINCT position) FROM dbstream.ddl_history'), 0, "$kind: the history has each change once");
	# Both servers while changes are on their way.
	foreach my $victim (qw(target source))
	{
		change('ALTER TABLE shop.t ADD COLUMN z int, ALGORITHM = COPY');
		change('ALTER TABLE shop.t DROP COLUMN z, ALGORITHM = COPY');
		$scene->{$victim}->kill9;
		$scene->{$victim}->start;
		ok($scene->caught_up(120, 'relay'), "$kind: the $victim was killed meanwhile") or die "not caught up\n";
		is(differences(), '', "$kind: both sides hold the same");
	}
}

sub both_ways
{
	$scene->pg->sql(q{SELECT dbstream.create_stream('back', 'target', 'source', '{shop.*}', '{"start": "now"}'); SELECT dbstream.start_stream('back')});
	ok(wait_until(60, sub { $scene->pg->sql("SELECT count(*) FROM dbstream.stream_status WHERE name = 'back' AND applied_position IS NOT NULL") > 0 }), "$kind: the way back begins");
	change('CREATE TABLE shop.there (id int PRIMARY KEY); INSERT INTO shop.there VALUES (1)');
	ok($scene->caught_up(60, 'relay'), "$kind: one way");
	$scene->target->sql('ALTER TABLE shop.there ADD COLUMN back int; INSERT INTO shop.there VALUES (2, 2); CREATE TABLE shop.here (id int PRIMARY KEY)');
	ok($scene->caught_up(60, 'back'), "$kind: and the other");
	change('DROP TABLE shop.there; CREATE TABLE shop.there (id int PRIMARY KEY, again int); INSERT INTO shop.there VALUES (3, 3)');
	ok($scene->caught_up(60, $_), "$kind: $_ has nothing more to do") foreach qw(relay back);
	is(differences(), '', "$kind: both sides hold the same, and nothing came back");
	$scene->pg->sql("SELECT dbstream.pause_stream('back'); SELECT dbstream.drop_stream('back')");
}

sub refused
{
	$scene->target->sql('CREATE TABLE shop.taken (a int)');
	change('CREATE TABLE shop.taken (id int PRIMARY KEY)');
	ok(wait_until(60, sub { $scene->pg->sql("SELECT state FROM dbstream.stream_status WHERE name = 'relay'") eq 'error' }), "$kind: what the target refuses stops the stream");
	like($scene->pg->sql("SELECT last_error || last_error_hint FROM dbstream.stream_status WHERE name = 'relay'"), qr/shop\.taken.*already exists.*resume_stream/s, "$kind: the error tells why, and what to do");
	$scene->target->sql('DROP TABLE shop.taken');
	$scene->pg->sql("SELECT dbstream.resume_stream('relay')");
	ok($scene->caught_up(60, 'relay'), "$kind: once mended, it goes on");
	change('CREATE TABLE shop.bare (id int PRIMARY KEY) ENGINE = MyISAM');
	ok(wait_until(60, sub { $scene->pg->sql("SELECT state FROM dbstream.stream_status WHERE name = 'relay'") eq 'error' }), "$kind: a table without transactions stops the stream");
	like($scene->pg->sql("SELECT last_error FROM dbstream.stream_status WHERE name = 'relay'"), qr/cannot be carried.*MyISAM/, "$kind: the error names it");
}
