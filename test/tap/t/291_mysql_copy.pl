# The copy at the beginning of a stream between two MySQL or MariaDB servers: tables, keys and rows of every kind arrive while they
# are written to, whatever is killed; and between the two kinds of servers.
#
#   DBSTREAM_SEED=n         repeats the choices of a run (not the timing of the machine)
#   DBSTREAM_PAIR=mysql-mariadb  this pair of servers only
#   DBSTREAM_COPY_FAULTS=n  how many faults (default 5, of MySQL, which starts slowly, 2)
#   DBSTREAM_COPY_ROWS=n    rows of each of the large tables (default 60000)

use strict;
use warnings;

use DBStream::MySQL;
use DBStream::Process qw(in_child is_running wait_until write_file);
use DBStream::RelayScene;
use Test::More;
use Time::HiRes qw(sleep);

my $seed = $ENV{DBSTREAM_SEED} // int(rand(2**31));
my $rows = $ENV{DBSTREAM_COPY_ROWS} // 60000;
my @shop = (qw(every parent child grandchild counter unique_only keyless engine parts empty), 'odd `name');
my @large = map { "t$_" } 1 .. 8;
my ($scene, $name);

diag("seed $seed: repeat with DBSTREAM_SEED=$seed");
foreach my $pair ([qw(mariadb mariadb)], [qw(mysql mysql)], [qw(mariadb mysql)], [qw(mysql mariadb)])
{
	next if ($ENV{DBSTREAM_PAIR} // "$pair->[0]-$pair->[1]") ne "$pair->[0]-$pair->[1]";
  SKIP:
	{
		my ($from, $to) = @$pair;
		my ($why) = grep { $_ } map { DBStream::MySQL::missing($_) } $from, $to;
		$name = "$from to $to";
		skip "$name: $why", 1 if $why;
		srand($seed);
		$scene = DBStream::RelayScene->new(name => "$from-$to", source => $from, target => $to);
		my $good = eval { $from eq $to ? same_kind() : other_kind(); 1; };
		fail("$name: stopped: $@") unless $good;
		diag($scene->state_text) unless $good && Test::More->builder->is_passing;
		$scene->finish;
	}
}
done_testing();

sub start
{
	my ($stream, $tables, $options) = @_;

	$scene->pg->sql("SELECT dbstream.create_stream('$stream', 'source', 'target', '$tables', '" . ($options // '{}') . "');"
		  . " SELECT dbstream.start_stream('$stream')");
}

sub same_kind
{
	everything();
	modes();
	under_kills();
}

# Each kind of column, key and table.
sub make_tables
{
	my ($server) = @_;
	my $json = $scene->{source_kind} eq 'mariadb' ? 'longtext' : 'json';

	$server->sql(<<"END");
SET NAMES utf8mb4;
CREATE DATABASE shop;
CREATE TABLE shop.every (id int PRIMARY KEY, t1 tinyint, t2 tinyint unsigned, s smallint unsigned, m mediumint, i int unsigned, b bigint,
	bu bigint unsigned, d decimal(30,10), f float, g double, c char(5), v varchar(200), tx text CHARACTER SET latin1, bl blob, bi binary(4),
	vb varbinary(20), da date, dt datetime(6), ts timestamp(3) NULL, ti time(2), y year, e enum('a','it''s','é'), se set('x','y','z'),
	bt bit(11), j $json, p point, gs int GENERATED ALWAYS AS (id + 1) STORED, gv varchar(300) GENERATED ALWAYS AS (concat(v, '!')) VIRTUAL);
INSERT INTO shop.every (id, t1, t2, s, m, i, b, bu, d, f, g, c, v, tx, bl, bi, vb, da, dt, ts, ti, y, e, se, bt, j, p) VALUES
	(1, -128, 255, 65535, -8388608, 4294967295, -9223372036854775808, 18446744073709551615,
	'12345678901234567890.0123456789', 1.5, 1e300, 'ab', 'it''s \\\\ "ü" 🐘', 'déjà', x'00ff27', x'01', x'', '2024-02-29', '2024-02-29 23:59:59.999999',
	'2024-02-29 12:00:00.123', '-838:59:59', 1999, 'it''s', 'x,z', b'10101010101', '{"a": [1, null, "x"]}', ST_GeomFromText('POINT(1.5 -2)'));
INSERT INTO shop.every (id) VALUES (2);
CREATE TABLE shop.parent (id int AUTO_INCREMENT PRIMARY KEY, code varchar(20) NOT NULL COMMENT 'it''s a `code`,
of two lines', UNIQUE KEY code (code), KEY both_of (id, code));
CREATE TABLE shop.child (id int PRIMARY KEY, parent int, other int, note text, KEY (other), FULLTEXT KEY words (note),
	CONSTRAINT of_parent FOREIGN KEY (parent) REFERENCES shop.parent (id) ON DELETE CASCADE ON UPDATE CASCADE,
	CONSTRAINT small CHECK (other < 1000000));
CREATE TABLE shop.grandchild (id int PRIMARY KEY, child int, FOREIGN KEY (child) REFERENCES shop.child (id) ON DELETE SET NULL);
CREATE TABLE shop.counter (a int NOT NULL, n int NOT NULL AUTO_INCREMENT, PRIMARY KEY (a, n), KEY (n));
CREATE TABLE shop.unique_only (a int NOT NULL, b varchar(10) NOT NULL, c int, UNIQUE KEY (a, b), KEY (c));
CREATE TABLE shop.keyless (a int, b text);
CREATE TABLE shop.engine (id int PRIMARY KEY, v varchar(10)) ENGINE = MyISAM;
CREATE TABLE shop.parts (id int PRIMARY KEY, v int) PARTITION BY RANGE (id) (PARTITION low VALUES LESS THAN (10), PARTITION high VALUES LESS THAN MAXVALUE);
CREATE TABLE shop.`odd ``name` (`a b` int PRIMARY KEY, `c``d` varchar(10) DEFAULT 'x');
CREATE TABLE shop.empty (id int PRIMARY KEY, v int);
INSERT INTO shop.parent (code) VALUES ('one'), ('two'), ('three');
INSERT INTO shop.child VALUES (1, 1, 10, 'some words'), (2, 2, 20, NULL), (3, 2, 30, 'more'), (4, 3, 40, '');
INSERT INTO shop.grandchild VALUES (1, 1), (2, 2), (3, NULL), (4, 4);
INSERT INTO shop.counter (a) VALUES (1), (1), (2);
INSERT INTO shop.unique_only VALUES (1, 'a', NULL), (1, 'b', 2);
INSERT INTO shop.keyless VALUES (1, 'twice'), (1, 'twice'), (2, NULL);
INSERT INTO shop.engine VALUES (1, 'a'), (2, 'b');
INSERT INTO shop.parts VALUES (1, 1), (100, 2);
INSERT INTO shop.`odd ``name` VALUES (1, 'q'), (2, NULL);
END
}

sub everything
{
	make_tables($scene->source);
	$scene->bridge->start;
	$scene->pg->wait_for('SELECT count(*) > 0 FROM dbstream.bridge_status', 30);
	start('shop', '{shop.*}');
	ok($scene->caught_up(120, 'shop'), "$name: the copy ends") or die "it does not\n";
	is($scene->compare('shop', @shop), '', "$name: every value of every row is there");
	foreach my $table (@shop)
	{
		# An engine without transactions would make nothing exact.
		my $expected = $scene->definition('source', 'shop', $table) =~ s/ENGINE=MyISAM/ENGINE=InnoDB/r;
		is($scene->definition('target', 'shop', $table), $expected, "$name: table $table is made as it is at the source");
	}
	is($scene->pg->sql('SELECT count(*), string_agg(DISTINCT phase, \' \') FROM dbstream.backfill_status'), scalar(@shop) . '|done',
		"$name: the status has each table");
	like($scene->pg->sql("SELECT string_agg(source_sql || ': ' || notes::text, ' ') FROM dbstream.ddl_history"),
		qr/^-- table shop\.engine, as it is: \{"warning: the table's engine has no transactions[^"]*"\}$/, "$name: nothing else was lost or changed");
	$scene->source->sql(<<'END');
UPDATE shop.every SET v = 'new' WHERE id = 1;
UPDATE shop.parent SET id = 9 WHERE code = 'one';
DELETE FROM shop.parent WHERE code = 'two';
INSERT INTO shop.counter (a) VALUES (2);
DELETE FROM shop.keyless WHERE a = 1 LIMIT 1;
UPDATE shop.unique_only SET c = 7;
INSERT INTO shop.engine VALUES (3, 'c');
UPDATE shop.parts SET id = 5 WHERE id = 100;
INSERT INTO shop.empty VALUES (1, 1);
END
	ok($scene->caught_up(60, 'shop'), "$name: changes follow") or die "not caught up\n";
	is($scene->compare('shop', @shop), '', "$name: every value is there, with what foreign keys changed");
	is($scene->target->sql('SELECT COUNT(*) FROM shop.child WHERE parent = 2'), 0, "$name: the rows of a deleted parent are gone");
	is($scene->target->sql('SELECT COUNT(*) FROM shop.child WHERE parent = 9'), 1, "$name: those of a renumbered one came along");
}

# What becomes of tables that are there already.
sub modes
{
	$_->sql('CREATE DATABASE modes; CREATE TABLE modes.t (id int PRIMARY KEY, v varchar(10))') foreach $scene->source, $scene->target;
	$scene->source->sql("INSERT INTO modes.t VALUES (1, 'new'), (2, 'new')");
	$scene->target->sql("INSERT INTO modes.t VALUES (2, 'old'), (3, 'old')");
	start('refuses', '{modes.*}', '{"target_tables": "refuse"}');
	$scene->pg->wait_for("SELECT state = 'error' FROM dbstream.stream_status WHERE name = 'refuses'", 60);
	like($scene->pg->sql("SELECT last_error FROM dbstream.stream_status WHERE name = 'refuses'"), qr/modes\.t at the target is not empty/,
		"$name: refuse stops at a table with rows");
	$scene->pg->sql("SELECT dbstream.pause_stream('refuses'); SELECT dbstream.drop_stream('refuses')");
	start('adds', '{modes.*}', '{"target_tables": "append"}');
	ok($scene->caught_up(60, 'adds'), "$name: append copies");
	is($scene->rows_of('target', 'modes', 't'), join("\n", map { my ($id, $v) = @$_; unpack('H*', $id) . '|' . uc unpack('H*', $v) }
			  [ 1, 'new' ], [ 2, 'new' ], [ 3, 'old' ]), "$name: append replaces rows with the same key and keeps the others");
	$scene->pg->sql("SELECT dbstream.resync_stream('adds')");
	ok(wait_until(60, sub { $scene->compare('modes', 't') eq '' }), "$name: resync empties the table and copies it anew");
	ok($scene->caught_up(60, 'adds'), "$name: and goes on");
	$scene->pg->sql("SELECT dbstream.pause_stream('adds'); SELECT dbstream.drop_stream('adds')");
}

sub under_kills
{
	$scene->source->sql('CREATE DATABASE big; USE big; CREATE TABLE big.seed (i int PRIMARY KEY);'
		  . "INSERT INTO big.seed WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT i FROM n");
	foreach my $number (1 .. @large)
	{
		my $table = $large[ $number - 1 ];
		my $key = $number % 4 == 0 ? 'NOT NULL' : 'PRIMARY KEY';
		my $id = $number % 4 == 0 ? '(a.i + b.i * 1000) % 97' : 'a.i + b.i * 1000';
		my $link = $number == 2 ? ', CONSTRAINT up FOREIGN KEY (n) REFERENCES big.t1 (id) ON DELETE CASCADE' : '';
		$scene->source->sql("CREATE TABLE big.$table (id int $key, word varchar(60), note text, n int, KEY (word)$link);"
			  . "INSERT INTO big.$table SELECT $id, SHA2(a.i, 224), REPEAT('x', a.i % 97), "
			  . ($link ? 'a.i + b.i * 1000' : '0') . " FROM big.seed a, big.seed b WHERE b.i <= $rows / 1000");
	}
	my $flag = $scene->{work} . '/stop-' . $scene->{name};
	my $writer = in_child('writer', sub { write_on($flag); return 0; });
	start('big', '{big.t*}');
	my ($done, $seen, @victims) = (0, 0);
	my $faults = $ENV{DBSTREAM_COPY_FAULTS} // ($scene->{source_kind} eq 'mysql' ? 2 : 5);
	foreach my $fault (map { (qw(bridge target source postgres))[ ($seed + $_) % 4 ] } 1 .. $faults)
	{
		my $moved = wait_until(180, sub {
				my ($state, $now) = progress();
				return $state eq 'done' ? 'over' : $state eq 'copying' && $now != $seen ? $now : 0;
			}) // die "the copy does not move before $fault is killed\n";
		last if $moved eq 'over';
		$seen = $moved;
		sleep(rand(0.4));
		kill_it($fault);
		push @victims, $fault;
		$done++;
	}
	cmp_ok($done, '>=', 1, "$name: $done kills while tables were copied (@victims)");
	ok(wait_until(300, sub { (progress())[0] eq 'done' }), "$name: the copy ends") or die "it does not\n";
	kill_it($_) foreach qw(bridge target);
	write_file($flag, '');
	wait_until(60, sub { !is_running($writer) }) // die "the writer did not end\n";
	ok($scene->caught_up(240, 'big'), "$name: the stream catches up");
	is($scene->compare('big', @large), '', "$name: every value of every row is the same on both sides (seed $seed)");
	is($scene->pg->sql("SELECT rows_inserted - rows_deleted >= 0 FROM dbstream.stream_status WHERE name = 'big'"), 't', "$name: the status has counts");
}

sub progress
{
	my ($status, $out) = $scene->pg->run_psql("SELECT coalesce(max(b.state), '') || ' ' || coalesce(sum(t.rows_done), 0) FROM dbstream.stream s"
		  . " LEFT JOIN dbstream.backfill b ON b.stream_id = s.id LEFT JOIN dbstream.backfill_table t ON t.stream_id = s.id WHERE s.name = 'big'");

	return $status == 0 && $out =~ /^(\w+) (\d+)$/ ? ($1, $2) : ('', 0);
}

sub kill_it
{
	my ($victim) = @_;

	if ($victim eq 'bridge') { $scene->bridge->kill9; $scene->bridge->start; }
	elsif ($victim eq 'postgres') { $scene->pg->stop('immediate'); $scene->pg->start; }
	else { my $server = $victim eq 'target' ? $scene->target : $scene->source; $server->kill9; $server->start; }
}

# Changes without end; the server may be away for a moment.
sub write_on
{
	my ($flag) = @_;
	my $round = 0;

	while (!-e $flag)
	{
		my $table = $large[ $round++ % @large ];
		my $id = 1000 + int(rand($rows));
		my $more = 10000000 + $round;
		eval {
			$scene->source->sql("UPDATE big.$table SET note = CONCAT('r', $round) WHERE id = $id;"
				  . " DELETE FROM big.$table WHERE id = " . (1000 + int(rand($rows))) . ";"
				  . " INSERT INTO big.$table (id, word, note, n) VALUES ($more, 'new', 'w', NULL);"
				  . " BEGIN; UPDATE big.t3 SET n = n + 1 WHERE id % 1000 = " . ($round % 1000) . "; INSERT INTO big.t4 VALUES ($more, 'a', NULL, 1);"
				  . " UPDATE big.t4 SET n = n + 1 WHERE id = $more; COMMIT;");
			1;
		} or sleep(0.2);
		sleep(0.02);
	}
}

# Words of the one that the other has not.
sub other_kind
{
	my $from_mysql = $scene->{source_kind} eq 'mysql';
	my $collation = $from_mysql ? 'utf8mb4_0900_ai_ci' : 'utf8mb4_uca1400_nopad_ai_ci';
	my $other = $from_mysql ? 'utf8mb4_uca1400_nopad_ai_ci' : 'utf8mb4_0900_ai_ci';

	$scene->source->sql(<<"END");
SET NAMES utf8mb4;
CREATE DATABASE shop;
CREATE TABLE shop.plain (id int AUTO_INCREMENT PRIMARY KEY, word varchar(50) COLLATE $collation DEFAULT 'utf8mb4_0900_ai_ci', price decimal(12,2),
	at datetime(3) DEFAULT CURRENT_TIMESTAMP(3), doc json, half int GENERATED ALWAYS AS (price * 2) STORED, KEY (word)) COLLATE $collation;
CREATE TABLE shop.part (id int PRIMARY KEY, plain int, FOREIGN KEY (plain) REFERENCES shop.plain (id) ON DELETE CASCADE);
INSERT INTO shop.plain (word, price, at, doc) VALUES ('Straße', 1.5, '2024-02-29 12:00:00.123', '{"a": 1}'), (NULL, NULL, NULL, NULL);
INSERT INTO shop.part VALUES (1, 1), (2, 2);
END
	$scene->bridge->start;
	start('shop', '{shop.*}');
	ok($scene->caught_up(120, 'shop'), "$name: the copy ends") or die "it does not\n";
	is($scene->compare('shop', qw(plain part)), '', "$name: every value is there");
	like($scene->definition('target', 'shop', 'plain'), qr/ DEFAULT 'utf8mb4_0900_ai_ci'.*COLLATE=$other/s,
		"$name: the collation is the target's, the default is as it was");
	like($scene->pg->sql("SELECT notes::text FROM dbstream.ddl_history WHERE source_sql LIKE '%shop.plain%'"), qr/warning: a collation/, "$name: the history has a note of it");
	$scene->source->sql("DELETE FROM shop.plain WHERE id = 1; INSERT INTO shop.plain (word) VALUES ('later')");
	ok($scene->caught_up(60, 'shop'), "$name: changes follow");
	is($scene->compare('shop', qw(plain part)), '', "$name: and are the same");
}
