# Schema changes alive in a stream: many random ones under load, tools that change a schema online, tables that come,
# go and are renamed, and what happens at a statement that nobody can translate.
#
#   DBSTREAM_SEED=n     repeats the statements of a run (not the timing of the machine)
#   DBSTREAM_ALTERS=n   how many random schema changes (default 200)

use strict;
use warnings;

use DBStream::Compare;
use DBStream::MySQL;
use DBStream::Process qw(in_child is_running read_file wait_until write_file);
use DBStream::Scene;
use Test::More;

my $seed = $ENV{DBSTREAM_SEED} // int(rand(2**31));
my $alters = $ENV{DBSTREAM_ALTERS} // 200;
my @kinds = grep { !defined $ENV{DBSTREAM_SOURCE} || $_ eq $ENV{DBSTREAM_SOURCE} } qw(mariadb mysql);

my %types = types();
my $names = 0;

diag("seed $seed: repeat with DBSTREAM_SEED=$seed");
foreach my $kind (@kinds)
{
  SKIP:
	{
		my $why = DBStream::MySQL::missing($kind);
		skip "$kind: $why", 1 if $why;
		srand($seed);
		my $scene = DBStream::Scene->new(kind => $kind, conf => "max_replication_slots = 30\n");
		$scene->bridge->start;
		$scene->create_connection('m_source');
		foreach my $part (qw(random_alters online_tools tables_come_and_go stops definitions policies))
		{
			next if defined $ENV{DBSTREAM_PART} && $ENV{DBSTREAM_PART} ne $part;
			my $good = eval { main->can($part)->($scene, $kind); 1; };
			fail("$kind: $part: $@") unless $good;
			diag($scene->state_text) && last unless $good && Test::More->builder->is_passing;
		}
		$scene->finish;
	}
}
done_testing();

sub one { return $_[ int(rand(@_)) ]; }
sub chance { return rand(100) < $_[0]; }

# ---- random changes under load -------------------------------------------------------

# Types that a column may have, an expression that fills it, and the types that hold every value of it in the same form.
sub types
{
	return (
		'tinyint' => [ 'id % 100', 'smallint', 'int', 'bigint', 'varchar(30)' ],
		'smallint unsigned' => [ 'id % 60000', 'int', 'bigint', 'decimal(20,3)' ],
		'int' => [ '(id * 7919) % 100000 - 50000', 'bigint', 'decimal(20,3)', 'double', 'varchar(30)', 'text' ],
		'bigint' => [ 'id * 1000003', 'decimal(30,4)', 'varchar(40)' ],
		'decimal(12,2)' => [ 'id / 8', 'decimal(20,3)', 'decimal(14,2)' ],
		'double' => [ 'id / 7' ],
		'float' => [ 'id / 4', 'double' ],
		'char(12)' => [ "CONCAT('c', id)", 'char(20)', 'varchar(30)', 'text' ],
		'varchar(30)' => [ "CONCAT('é', id, '\\\\')", 'varchar(60)', 'text', 'mediumtext' ],
		'text' => [ "REPEAT('t', id % 90)", 'longtext' ],
		'varbinary(20)' => [ 'UNHEX(LPAD(HEX(id * 77), 16, 7))', 'varbinary(40)', 'blob' ],
		'date' => [ "'2001-01-01' + INTERVAL id DAY", 'datetime', 'datetime(3)' ],
		'datetime' => [ "'2001-01-01' + INTERVAL id MINUTE", 'datetime(6)' ],
		'timestamp NULL' => [ "'2011-01-01' + INTERVAL id MINUTE" ],
		'time' => [ 'SEC_TO_TIME(id)', 'time(3)' ],
		"enum('x','y','z')" => [ "ELT(1 + id % 3, 'x', 'y', 'z')", "enum('x','y','z','w')", 'varchar(30)' ],
		"set('x','y','z')" => [ "IF(id % 2, 'x,z', '')", "set('x','y','z','w')" ],
		'bit(9)' => [ 'id % 500' ],
		'tinyint(1)' => [ 'id % 2' ],
		'json' => [ "JSON_OBJECT('i', id)" ],
		'year' => [ '1990 + id % 100' ]);
}

sub filler
{
	my ($type) = @_;

	return $types{$type}[0] if exists $types{$type};
	return undef;
}

# Every table: id, n and body, which stay, and columns that change.
sub random_alters
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);
	my %tables = map { $_ => { columns => {}, indexes => {}, keyed => $_ ne 'heap' } } qw(a b c heap);
	my $made = join('', map {
		"CREATE TABLE $_ (id bigint " . ($_ eq 'heap' ? 'NOT NULL' : 'PRIMARY KEY AUTO_INCREMENT')
		  . ', n int NOT NULL DEFAULT 0, body varchar(60));' } sort keys %tables);
	my $flag = DBStream::Scene::work_folder() . "/alters-stop-$kind";
	my %done;
	my $round = 0;

	$tables{others} = { bounds => [ 10, 20, 30 ] };
	$source->sql("CREATE DATABASE live; USE live; $made CREATE TABLE parent (id int PRIMARY KEY, v varchar(9));"
		  . ' CREATE TABLE child (id int PRIMARY KEY, p int, KEY p (p)); CREATE TABLE cut (id int, v int, KEY id (id))'
		  . ' PARTITION BY RANGE (id) (' . join(', ', map { "PARTITION p$_ VALUES LESS THAN ($_)" } 10, 20, 30) . ')');
	$scene->start_stream_on('live', 'live.*');
	my @writers = map { start_writer($source, $flag, $_) } 1 .. 2;
	while ($alters > total(\%done))
	{
		# Every second round the stream stands, so that it comes to rows several shapes behind their table.
		$target->sql("SELECT dbstream.pause_stream('live')") if $round % 2;
		my $sql = "SET sql_mode = '';\n" . join('', map { change(\%tables, \%done) } 1 .. 20);
		my ($status, $out, $err) = run_forced($source, $sql, 'live');
		my @refused = grep { /^ERROR/ && !/ERROR (?:1213|1205|1020|1412)/ } split(/\n/, $err);
		is("@refused", '', "$kind: the source takes the statements of round $round") or diag($sql), die "refused\n";
		if ($round % 2)
		{
			$target->sql("SELECT dbstream.resume_stream('live')");
			$scene->caught_up('live', 100) or die "not caught up in round $round: $scene->{last_wait}\n";
		}
		$round++;
	}
	write_file($flag, '');
	wait_until(60, sub { !is_running($_) }) foreach @writers;
	ok($scene->caught_up('live', 100), "$kind: the stream catches up after " . total(\%done) . ' schema changes ('
		  . join(', ', map { "$_ $done{$_}" } sort keys %done) . ')')
	  or die "$scene->{last_wait}\n";
	is($scene->compare('live'), '', "$kind: every value of every row is the same on both sides (seed $seed)");
	is(target_columns($target, 'live'), source_columns($source, 'live'),
		"$kind: columns and whether they may be null are the same");
	is($target->sql("SELECT count(*) FROM dbstream.ddl_history WHERE outcome <> 'applied'"
			  . " AND source_sql ~ '^(ALTER|RENAME)'"), 0,
		"$kind: each change was applied, none passed over");
	cmp_ok($target->sql('SELECT count(*) FROM live.a') + $target->sql('SELECT count(*) FROM live.b'), '>', 100,
		"$kind: the writers were at work");
}

sub total
{
	my ($done) = @_;
	my $sum = 0;

	$sum += $_ foreach values %$done;
	return $sum;
}

sub run_forced
{
	my ($source, $sql, $database) = @_;

	return DBStream::Process::run_program([ $source->client_command('--force', $database) ], stdin => $sql);
}

sub start_writer
{
	my ($source, $flag, $number) = @_;

	return in_child(
		"writer $number",
		sub {
			my $i = 0;
			until (-e $flag)
			{
				my $sql = "SET sql_mode = '';\n";
				foreach my $step (1 .. 20)
				{
					my $table = one(qw(a b c));
					$i++;
					$sql .= "INSERT INTO $table (n, body) VALUES ($i, 'w$number-$i'), ($i, NULL);\n"
					  . "UPDATE $table SET n = n + 1, body = CONCAT('u', $i) WHERE id = " . int(rand(400)) . ";\n"
					  . "DELETE FROM $table WHERE id = " . int(rand(400)) . ";\n";
					$sql .= "INSERT INTO heap (id, n) VALUES ($i % 40, $number); DELETE FROM heap WHERE n = $number LIMIT 1;\n"
					  if $step % 4 == 0;
				}
				my ($status, $out, $err) = run_forced($source, $sql, 'live');
				my @bad = grep { /^ERROR/ && !/ERROR (?:1213|1205|1020|1412)/ } split(/\n/, $err);
				die "@bad\n" if @bad;
				select(undef, undef, undef, 0.1);
			}
		});
}

# One statement that changes a table, and rows that use what it made.
sub change
{
	my ($tables, $done) = @_;

	return other_change($tables->{others}, $done) if chance(15);
	if (chance(6))
	{
		my ($one, $two) = chance(50) ? qw(a b) : qw(b c);
		@$tables{ $one, $two } = @$tables{ $two, $one };
		$done->{swap}++;
		return "RENAME TABLE $one TO tmp, $two TO $one, tmp TO $two;\n";
	}
	my $name = one(grep { $_ ne 'others' } sort keys %$tables);
	my $table = $tables->{$name};
	my %touched;
	my @fill;
	my ($what, $action) = action($table, \%touched, \@fill);
	my @actions = ($action);
	if (chance(25) && $what !~ /index/)
	{
		my ($more, $second) = action($table, \%touched, \@fill);
		push @actions, $second if defined $second;
	}
	$done->{$what}++;
	my $sql = "ALTER TABLE $name " . join(', ', @actions) . ";\n";
	my $id = 1 + int(rand(50));
	my %column = %{ $table->{columns} };
	my @sets = map { defined filler($column{$_}) ? "`$_` = " . filler($column{$_}) : () } sort keys %column;
	my @some = grep { chance(60) } @sets;
	$sql .= "UPDATE $name SET " . join(', ', @some) . " WHERE id % 7 = $id % 7;\n" if @some;
	$sql .= "INSERT INTO $name (id, n, body) VALUES (" . ($table->{keyed} ? 'NULL' : $id) . ", $id, 'alter');\n";
	$sql .= "DELETE FROM $name WHERE id = $id;\n" if chance(50);
	return $sql;
}

# Changes of what the writers leave alone: a foreign key whose action the log may not have, and partitions.
sub other_change
{
	my ($others, $done) = @_;
	my $n = ++$others->{n};

	if (chance(40))
	{
		$done->{'foreign key'}++;
		my $on = $others->{key} = !$others->{key};
		return 'DELETE FROM child WHERE p NOT IN (SELECT id FROM parent);'
		  . ($on ? 'ALTER TABLE child ADD CONSTRAINT to_parent FOREIGN KEY (p) REFERENCES parent (id) ON DELETE CASCADE;'
			: 'ALTER TABLE child DROP FOREIGN KEY to_parent;')
		  . "INSERT INTO parent VALUES ($n, 'p'); INSERT INTO child VALUES ($n, $n), ($n + 100000, $n);"
		  . "DELETE FROM parent WHERE id % 3 = $n % 3;\n";
	}
	my $bounds = $others->{bounds};
	my $top = $bounds->[-1];
	my $rows = 'INSERT INTO cut (id, v) VALUES ' . join(', ', map { '(' . int(rand($top)) . ", $n)" } 1 .. 5) . ', (NULL, 0);';
	my $kind = @$bounds < 4 ? 'add' : @$bounds > 8 ? 'drop' : one(qw(add drop truncate split merge));
	$done->{"$kind partition"}++;
	if ($kind eq 'add')
	{
		push @$bounds, $top + 10;
		return "ALTER TABLE cut ADD PARTITION (PARTITION p" . ($top + 10) . ' VALUES LESS THAN (' . ($top + 10) . "));$rows\n";
	}
	my $at = int(rand(@$bounds - 1));
	if ($kind eq 'split')
	{
		my ($old, $before) = ($bounds->[$at], $at ? $bounds->[ $at - 1 ] : $bounds->[$at] - 10);
		my $middle = int(($old + $before) / 2);
		return $rows if $middle <= $before;
		splice(@$bounds, $at, 0, $middle);
		return "ALTER TABLE cut REORGANIZE PARTITION p$old INTO (PARTITION p$middle VALUES LESS THAN ($middle),"
		  . " PARTITION p$old VALUES LESS THAN ($old));$rows\n";
	}
	if ($kind eq 'merge')
	{
		my ($first) = splice(@$bounds, $at, 1);
		return "ALTER TABLE cut REORGANIZE PARTITION p$first, p$bounds->[$at] INTO (PARTITION p$bounds->[$at] VALUES LESS THAN"
		  . " ($bounds->[$at]));$rows\n";
	}
	my $bound = $kind eq 'drop' ? splice(@$bounds, $at, 1) : $bounds->[$at];
	return "ALTER TABLE cut \U$kind\E PARTITION p$bound;$rows\n";
}

# A kind's name, and the text of one action on a column that the statement has not touched yet.
sub action
{
	my ($table, $touched, $fill) = @_;
	my $columns = $table->{columns};
	my @free = grep { !$touched->{$_} } sort keys %$columns;
	my $kind = int(rand(106));
	my $place = one('', '', ' FIRST', ' AFTER id', ' AFTER n', ' AFTER body');

	if ($kind >= 104)
	{
		return ('convert', 'CONVERT TO CHARACTER SET utf8mb4 COLLATE ' . one(qw(utf8mb4_bin utf8mb4_general_ci)));
	}
	if ($kind >= 102 && !$touched->{twice})
	{
		$touched->{twice} = 1;
		return ('generated', ($table->{twice} = !$table->{twice})
			? "ADD COLUMN `twice` bigint GENERATED ALWAYS AS (n * 2 + 1) STORED$place" : 'DROP COLUMN `twice`');
	}
	if ($kind >= 100 && keys %$columns < 9)
	{
		my $name = 'k' . ++$names;
		$touched->{$name} = 1;
		$columns->{$name} = one('datetime DEFAULT NOW()', 'timestamp(3) NULL DEFAULT CURRENT_TIMESTAMP(3)',
			'datetime(6) DEFAULT NOW(6) ON UPDATE NOW(6)', 'date DEFAULT (CURDATE())');
		return ('now', "ADD COLUMN `$name` $columns->{$name}$place");
	}
	if (!@free || ($kind < 28 && keys %$columns < 9))
	{
		# The name of a column that went comes back with another type.
		my @again = grep { !exists $columns->{$_} && !$touched->{$_} } qw(c1 c2 c3);
		my $name = @again && chance(50) ? one(@again) : 'k' . ++$names;
		my $type = one(sort keys %types);
		$touched->{$name} = 1;
		$columns->{$name} = $type;
		# A date of zeros, the implicit default, is no date at the target.
		my $null = $type =~ /NULL|json|date/ ? '' : one('', '', ' NOT NULL');
		return ('add', "ADD COLUMN `$name` $type$null$place");
	}
	my $name = one(@free);
	my $type = $columns->{$name};
	$touched->{$name} = 1;
	if ($kind < 40)
	{
		delete $columns->{$name};
		delete $table->{indexes}{$_} foreach grep { $table->{indexes}{$_} eq $name } keys %{ $table->{indexes} };
		return ('drop', "DROP COLUMN `$name`");
	}
	if ($kind < 52 || ($kind < 60 && exists $types{$type}))
	{
		my $new = 'k' . ++$names;
		my @wider = wider($table, $name);
		my $to = $kind < 52 || !@wider ? $type : one(@wider);
		delete $columns->{$name};
		$columns->{$new} = $to;
		$touched->{$new} = 1;
		foreach my $index (values %{ $table->{indexes} }) { $index = $new if $index eq $name; }
		return ('rename', "RENAME COLUMN `$name` TO `$new`") if $to eq $type && chance(50);
		return ('change', "CHANGE `$name` `$new` $to$place");
	}
	if ($kind < 74 && wider($table, $name))
	{
		$columns->{$name} = one(wider($table, $name));
		return ('retype', "MODIFY `$name` $columns->{$name}$place");
	}
	if ($kind < 82)
	{
		return ('reorder', "MODIFY COLUMN `$name` $type" . one(' FIRST', ' AFTER id', ' AFTER body'));
	}
	my @indexes = sort grep { !$touched->{ $table->{indexes}{$_} } } keys %{ $table->{indexes} };
	if ($kind < 90 && @indexes && chance(70))
	{
		my $index = one(@indexes);
		if (chance(30))
		{
			my $new = 'i' . ++$names;
			my $column = $table->{indexes}{$new} = delete $table->{indexes}{$index};
			$touched->{$column} = 1;
			return ('rename index', "RENAME INDEX `$index` TO `$new`");
		}
		$touched->{ delete $table->{indexes}{$index} } = 1;
		return ('drop index', "DROP INDEX `$index`");
	}
	if ($type !~ /json|set/)
	{
		my $index = 'i' . ++$names;
		$table->{indexes}{$index} = $name;
		my $part = $type =~ /text|blob/ ? "`$name`(10)" : "`$name`";
		return ('add index', 'ADD INDEX `' . $index . "` ($part)");
	}
	return ('default', "ALTER COLUMN `n` SET DEFAULT " . int(rand(9)));
}

# The types that a column may be given. One in a key does not become a text, of which only a prefix can be in a key.
sub wider
{
	my ($table, $name) = @_;
	my ($filler, @wider) = @{ $types{ $table->{columns}{$name} } // [] };
	my $in_key = grep { $_ eq $name } values %{ $table->{indexes} };

	return grep { !$in_key || !/text|blob/ } @wider;
}

sub source_columns
{
	my ($source, $schema) = @_;

	return join("\n", map { join(' ', @$_) } $source->rows(
		"SELECT table_name, column_name, is_nullable FROM information_schema.columns WHERE table_schema = '$schema'"
		  . ' ORDER BY BINARY table_name, BINARY column_name'));
}

sub target_columns
{
	my ($target, $schema) = @_;

	return join("\n", map { join(' ', @$_) } $target->rows(
		"SELECT table_name, column_name, is_nullable FROM information_schema.columns JOIN pg_class c ON c.relname = table_name"
		  . " AND c.relnamespace::regnamespace::text = table_schema AND NOT relispartition WHERE table_schema = '$schema'"
		  . ' ORDER BY table_name COLLATE "C", column_name COLLATE "C"'));
}

# ---- tools that change a schema online -----------------------------------------------

# Both tools make a shadow table, copy in pieces while clients write, and swap the two by one RENAME.
sub online_tools
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	$source->sql(<<'END');
CREATE DATABASE osc;
CREATE TABLE osc.ghost (id int PRIMARY KEY AUTO_INCREMENT, name varchar(20), price int, KEY by_name (name));
CREATE TABLE osc.percona (id int PRIMARY KEY AUTO_INCREMENT, name varchar(20), price int, UNIQUE KEY by_price (price, id));
END
	$source->sql(join('', map { "INSERT INTO osc.$_ (name, price) VALUES " . join(',', map { "('n$_', $_)" } 1 .. 300) . ';' }
			  qw(ghost percona)));
	$scene->start_stream_on('osc', 'osc.*');
	$source->sql(ghost() . percona(), 'osc');
	ok($scene->caught_up('osc', 60), "$kind: the stream goes through two online schema changes") or die "$scene->{last_wait}\n";
	is($scene->compare('osc'), '', "$kind: every value is the same after them");
	is(target_columns($target, 'osc'), source_columns($source, 'osc'), "$kind: and so are the columns");
	is($target->sql("SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_tables WHERE schemaname = 'osc'"),
		'ghost percona', "$kind: no shadow is left");
	is($target->sql("SELECT string_agg(data_type, ' ' ORDER BY table_name) FROM information_schema.columns"
			  . " WHERE table_schema = 'osc' AND column_name = 'price'"),
		'bigint numeric', "$kind: the columns have their new types");
	is($target->sql("SELECT string_agg(source_table || ' ' || state, ', ' ORDER BY source_table) FROM dbstream.stream_table t"
			  . " JOIN dbstream.stream s ON s.id = t.stream_id WHERE s.name = 'osc' AND source_table !~ '^_'"),
		'ghost replicating, percona replicating', "$kind: the tables are shown as replicating");
	$source->sql("INSERT INTO ghost (name, price, added) VALUES ('after', 1, 2); UPDATE percona SET extra = 'e' WHERE id = 7;"
		  . ' DELETE FROM ghost WHERE id = 8; DELETE FROM percona WHERE id = 9', 'osc');
	ok($scene->caught_up('osc', 60), "$kind: writes go on after the swaps");
	is($scene->compare('osc'), '', "$kind: and arrive");
	$target->sql("SELECT dbstream.pause_stream('osc')");
}

# The shadow follows the log, a sentry stands in the place of the old table's later name.
sub ghost
{
	return <<'END' . join('', map {
CREATE /* gh-ost */ TABLE `osc`.`_ghost_ghc` (
	id bigint unsigned auto_increment, last_update timestamp not null DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
	hint varchar(64) charset ascii not null, value varchar(4096) charset ascii not null,
	primary key(id), unique key hint_uidx(hint)) auto_increment=256 comment='gh-ost changelog table';
INSERT INTO _ghost_ghc (id, hint, value) VALUES (NULLIF(2, 0), 'state', 'GhostTableMigrated')
	ON DUPLICATE KEY UPDATE last_update = NOW(), value = VALUES(value);
CREATE /* gh-ost */ TABLE `osc`.`_ghost_gho` LIKE `osc`.`ghost`;
ALTER /* gh-ost */ TABLE `osc`.`_ghost_gho` ADD COLUMN added int NOT NULL DEFAULT 5 AFTER id, MODIFY price bigint,
	DROP INDEX by_name, ADD INDEX by_both (name, price);
END
		my $to = $_ + 99;
		"INSERT /* gh-ost */ IGNORE INTO _ghost_gho (id, name, price) SELECT id, name, price FROM ghost WHERE id BETWEEN $_ AND $to;"
		  . "UPDATE ghost SET name = 'changed' WHERE id = $_;"
		  . "REPLACE /* gh-ost */ INTO _ghost_gho (id, name, price) SELECT id, name, price FROM ghost WHERE id = $_;"
	} 1, 101, 201) . <<'END';
CREATE /* gh-ost */ TABLE `osc`.`_ghost_del` (id int auto_increment primary key) engine=InnoDB comment='ghost-cut-over-sentry';
DROP /* gh-ost */ TABLE IF EXISTS `osc`.`_ghost_del`;
RENAME /* gh-ost */ TABLE `osc`.`ghost` TO `osc`.`_ghost_del`, `osc`.`_ghost_gho` TO `osc`.`ghost`;
DROP /* gh-ost */ TABLE IF EXISTS `osc`.`_ghost_ghc`;
DROP /* gh-ost */ TABLE IF EXISTS `osc`.`_ghost_del`;
END
}

# Triggers keep the shadow up to date; what they write is in the log as rows.
sub percona
{
	return <<'END' . join('', map {
CREATE TABLE `osc`.`_percona_new` LIKE `osc`.`percona`;
ALTER TABLE `osc`.`_percona_new` ADD COLUMN extra varchar(10) FIRST, CHANGE name title varchar(60), MODIFY price decimal(20,2);
CREATE TRIGGER `pt_osc_percona_del` AFTER DELETE ON `osc`.`percona` FOR EACH ROW
	DELETE IGNORE FROM `osc`.`_percona_new` WHERE `osc`.`_percona_new`.`id` <=> OLD.`id`;
CREATE TRIGGER `pt_osc_percona_ins` AFTER INSERT ON `osc`.`percona` FOR EACH ROW
	REPLACE INTO `osc`.`_percona_new` (`id`, `title`, `price`) VALUES (NEW.`id`, NEW.`name`, NEW.`price`);
CREATE TRIGGER `pt_osc_percona_upd` AFTER UPDATE ON `osc`.`percona` FOR EACH ROW
	REPLACE INTO `osc`.`_percona_new` (`id`, `title`, `price`) VALUES (NEW.`id`, NEW.`name`, NEW.`price`);
END
		my $to = $_ + 99;
		"INSERT LOW_PRIORITY IGNORE INTO `osc`.`_percona_new` (`id`, `title`, `price`) SELECT `id`, `name`, `price`"
		  . " FROM `osc`.`percona` FORCE INDEX(`PRIMARY`) WHERE id BETWEEN $_ AND $to LOCK IN SHARE MODE;"
		  . "UPDATE percona SET name = 'changed' WHERE id = $_; DELETE FROM percona WHERE id = $_ + 1;"
		  . "INSERT INTO percona (name, price) VALUES ('new', $_);"
	} 1, 101, 201) . <<'END';
ANALYZE TABLE `osc`.`_percona_new`;
RENAME TABLE `osc`.`percona` TO `osc`.`_percona_old`, `osc`.`_percona_new` TO `osc`.`percona`;
DROP TABLE IF EXISTS `osc`.`_percona_old`;
DROP TRIGGER IF EXISTS `osc`.`pt_osc_percona_del`;
DROP TRIGGER IF EXISTS `osc`.`pt_osc_percona_upd`;
DROP TRIGGER IF EXISTS `osc`.`pt_osc_percona_ins`;
END
}

# ---- tables that come and go ---------------------------------------------------------

sub tables_come_and_go
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	$source->sql('CREATE DATABASE pat; CREATE TABLE pat.in_one (id int PRIMARY KEY, v varchar(10));'
		  . " INSERT INTO pat.in_one VALUES (1, 'one')");
	$scene->start_stream_on('pat', 'pat.in_*');
	ok($scene->caught_up('pat', 60), "$kind: a stream of some tables of a database runs") or die "$scene->{last_wait}\n";
	$source->sql("CREATE TABLE in_two (id int PRIMARY KEY, v varchar(10)); INSERT INTO in_two VALUES (1, 'a'), (2, 'b');"
		  . ' CREATE TABLE outside (id int PRIMARY KEY); INSERT INTO outside VALUES (1);'
		  . ' ALTER TABLE outside ADD COLUMN x int; CREATE TABLE in_three LIKE in_one; INSERT INTO in_three VALUES (3, NULL);'
		  . ' DROP TABLE outside', 'pat');
	ok($scene->caught_up('pat', 60), "$kind: tables created meanwhile") or die "$scene->{last_wait}\n";
	is($target->sql("SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_tables WHERE schemaname = 'pat'"),
		'in_one in_three in_two', "$kind: those within the patterns join, the other does not");
	is($scene->compare('pat'), '', "$kind: with their rows");
	is($target->sql("SELECT count(*) FROM dbstream.ddl_history WHERE source_sql ~ 'outside'"), 0,
		"$kind: the history does not speak of the other");

	# Out of the patterns: what was copied stays as it was under the name that the translation gives it.
	$source->sql("RENAME TABLE in_two TO off_two; INSERT INTO off_two VALUES (3, 'not ours')", 'pat');
	ok($scene->caught_up('pat', 60), "$kind: a table renamed out of the patterns") or die "$scene->{last_wait}\n";
	is($target->sql("SELECT to_regclass('pat.in_two') IS NULL"), 't', "$kind: its old name is gone");
	is($target->sql('SELECT count(*) FROM pat.off_two'), 2, "$kind: its rows stay, later ones do not come");
	$source->sql("RENAME TABLE off_two TO in_four; INSERT INTO in_four VALUES (4, 'ours')", 'pat');
	ok(copied($scene, 'in_four', 3 + 1), "$kind: and into them again: it is copied") or die "it was not\n";
	is(DBStream::Compare::compare_table($source, $target, 'pat', 'in_four'), '', "$kind: with every row");

	# Of a table that was never selected there are no rows here, and no definition.
	$source->sql("CREATE TABLE never (id int PRIMARY KEY, v varchar(10)); INSERT INTO never VALUES (1, 'before');"
		  . " RENAME TABLE never TO in_five; INSERT INTO in_five VALUES (2, 'after')", 'pat');
	ok(copied($scene, 'in_five', 2), "$kind: a table that was never selected, renamed into the patterns, is copied")
	  or die "it was not\n";
	is(DBStream::Compare::compare_table($source, $target, 'pat', 'in_five'), '', "$kind: with every row");

	# A swap of a table within and one outside: what bears the name now is another table.
	$source->sql("CREATE TABLE other (id int PRIMARY KEY, v varchar(10)); INSERT INTO other VALUES (7, 'other');"
		  . " RENAME TABLE in_five TO aside, other TO in_five, aside TO other; INSERT INTO in_five VALUES (8, 'later')", 'pat');
	ok(copied($scene, 'in_five', 2), "$kind: swapped with a table outside") or die "it was not\n";
	is(DBStream::Compare::compare_table($source, $target, 'pat', 'in_five'), '', "$kind: with every row");

	# Tables made of queries: the log has their columns, then their rows.
	$source->sql('CREATE TABLE in_six AS SELECT id, v, id * 2 AS twice FROM in_five;'
		  . " CREATE TABLE in_seven (id int PRIMARY KEY, n int NOT NULL DEFAULT 4) SELECT id, CONCAT(v, '!') AS w FROM in_five;"
		  . ' CREATE TABLE IF NOT EXISTS in_seven SELECT 1 AS id; INSERT INTO in_seven (id) VALUES (99)', 'pat');
	ok($scene->caught_up('pat', 60), "$kind: CREATE TABLE ... SELECT") or die "$scene->{last_wait}\n";
	is(DBStream::Compare::compare_table($source, $target, 'pat', $_), '', "$kind: $_ has every row") foreach qw(in_six in_seven);
	$target->sql("SELECT dbstream.pause_stream('pat')");
}

# A table has come in, and the stream has caught up with so many rows in it at least.
sub copied
{
	my ($scene, $table, $rows) = @_;
	my $target = $scene->target;

	return $scene->catches_up('pat', 60) && $target->wait_for("SELECT to_regclass('pat.$table') IS NOT NULL", 60)
	  && $target->wait_for("SELECT count(*) >= $rows FROM pat.$table", 60) && $scene->catches_up('pat', 60);
}

# ---- what cannot be done -------------------------------------------------------------

sub stops
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	# As by default: the tests' servers log less.
	$target->sql("DO \$\$ BEGIN EXECUTE format('ALTER DATABASE %I SET log_min_messages = warning', current_database()); END \$\$");
	$source->sql('CREATE DATABASE halt; CREATE TABLE halt.t (id int PRIMARY KEY, v varchar(10));'
		  . " INSERT INTO halt.t VALUES (1, 'one')");
	$scene->start_stream_on('halt', 'halt.*');
	ok($scene->caught_up('halt', 60), "$kind: a stream before a statement it cannot translate") or die "$scene->{last_wait}\n";

	$source->sql("ALTER TABLE t\n ADD COLUMN g varchar(200) GENERATED ALWAYS AS (SOUNDEX(v)) STORED", 'halt');
	$source->sql("INSERT INTO t (id, v) VALUES (2, 'two')", 'halt');
	my $stopped = "SELECT count(*) > 0 FROM dbstream.stream_status WHERE name = 'halt' AND last_error ~ 'schema change'";
	ok($target->wait_for($stopped, 30), "$kind: the stream stops there") or die "it did not stop\n";
	my ($error) = $target->rows("SELECT replace(last_error, E'\\n', ' '), replace(last_error_hint, E'\\n', ' '), last_error_position"
		  . " FROM dbstream.stream_status WHERE name = 'halt'");
	like($error->[0], qr/ALTER TABLE t/, "$kind: the error shows the statement");
	like($error->[1], qr/skip_ddl\('halt'\)/, "$kind: and the remedy");
	ok(defined $error->[2] && $error->[2] =~ /\d/, "$kind: and the position");
	my $detail = $target->sql("SELECT e::text FROM dbstream.errors e WHERE e::text ~ 'ALTER TABLE t' LIMIT 1");
	like($detail, qr/Line 2, column 49:\n ADD COLUMN g [^\n]+\n {48}\^/, "$kind: and the place in its text, with a caret");
	is($target->sql("SELECT last_error_detail ~ E'\\nLine 2, column 49:\\n ADD COLUMN g [^\\n]+\\n {48}\\\\^\$' FROM dbstream.stream_status WHERE name = 'halt'"), 't',
		"$kind: in the stream's status too");
	like(read_file($target->logfile), qr/DETAIL: [^\n]*\n\s*Line 2, column 49:\n\s+ADD COLUMN g [^\n]+\n\s+\^/, "$kind: and in the server's log");
	is($target->sql('SELECT count(*) FROM halt.t'), 1, "$kind: nothing behind it is applied");

	$target->sql("ALTER TABLE halt.t ADD COLUMN g varchar(200); UPDATE halt.t SET g = 'O500'");
	$target->sql("SELECT dbstream.skip_ddl('halt')");
	ok($scene->catches_up('halt', 60), "$kind: after one's own statement and skip_ddl it goes on") or die "$scene->{last_wait}\n";
	is($scene->compare('halt'), '', "$kind: with every value");
	is($target->sql("SELECT outcome || ' ' || (position IS NOT NULL) || ' ' || default_schema FROM dbstream.ddl_history"
			  . " WHERE source_sql ~ 'SOUNDEX'"), 'skipped true halt', "$kind: the history says so");
	like($target->sql("SELECT array_to_string(notes, '|') FROM dbstream.ddl_history WHERE source_sql ~ 'SOUNDEX'"), qr/error: .*\nLine 2, column 49:\n[^\n]+\n {48}\^/,
		"$kind: with the place");
	$target->sql("SELECT dbstream.pause_stream('halt')");
}

# A definition holds for all that the source commits after it was changed, however fast that follows.
sub definitions
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	$source->sql(join(';', 'CREATE DATABASE soon', map { "CREATE TABLE soon.t$_ (id int PRIMARY KEY)" } 0 .. 30));
	$target->sql(join(';', 'CREATE SCHEMA soon', map { "CREATE TABLE soon.t$_ (id int PRIMARY KEY)" } 0 .. 30));
	$target->sql("SELECT dbstream.create_stream('soon', source => 'm_source', target => 'local', tables => '{soon.t0}',"
		  . " options => '{\"start\": \"now\"}'); SELECT dbstream.start_stream('soon')");
	$scene->caught_up('soon', 60) or die "$scene->{last_wait}\n";
	foreach my $round (1 .. 30)
	{
		$target->sql("SELECT dbstream.alter_stream('soon', tables => '{" . join(',', map { "soon.t$_" } 0 .. $round) . "}')");
		$source->sql("INSERT INTO t$round VALUES ($round)", 'soon');
	}
	$scene->caught_up('soon', 60) or die "$scene->{last_wait}\n";
	is($scene->compare('soon'), '', "$kind: a table that is added brings all that is committed after the call");
	is($target->sql("SELECT count(*) FROM dbstream.errors WHERE stream = 'soon'"), 0, "$kind: and that is no error");
	$target->sql("SELECT dbstream.pause_stream('soon')");
}

sub policies
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	$source->sql('CREATE DATABASE pol; CREATE TABLE pol.t (id int PRIMARY KEY, v varchar(10))');
	$scene->start_stream_on('pol', 'pol.*');
	$scene->caught_up('pol', 60) or die "$scene->{last_wait}\n";
	$target->sql(q{SELECT dbstream.pause_stream('pol'); SELECT dbstream.alter_stream('pol', options => '{"on_ddl": "record"}');
		SELECT dbstream.resume_stream('pol')});
	$source->sql("ALTER TABLE t ADD INDEX by_v (v); INSERT INTO t VALUES (1, 'one')", 'pol');
	ok($scene->caught_up('pol', 60), "$kind: on_ddl record goes on") or die "$scene->{last_wait}\n";
	is($target->sql("SELECT outcome || ' ' || target_sql FROM dbstream.ddl_history WHERE source_sql ~ 'by_v'"),
		'recorded CREATE INDEX "t_by_v" ON "pol"."t" ("v")', "$kind: the history has the statement and its translation");
	is($target->sql("SELECT count(*) FROM pg_indexes WHERE schemaname = 'pol' AND indexdef !~ 'UNIQUE'"), 0,
		"$kind: nothing was executed");
	$source->sql("TRUNCATE t; INSERT INTO t VALUES (3, 'three')", 'pol');
	ok($scene->caught_up('pol', 60), "$kind: on_ddl record goes on at TRUNCATE") or die "$scene->{last_wait}\n";
	is($scene->compare('pol'), '', "$kind: which is carried out, since it changes rows");
	$target->sql(q{SELECT dbstream.pause_stream('pol'); SELECT dbstream.alter_stream('pol', options => '{"on_ddl": "stop"}');
		SELECT dbstream.resume_stream('pol')});
	$source->sql("ALTER TABLE t ADD COLUMN w int; INSERT INTO t VALUES (2, 'two', 2)", 'pol');
	ok($target->wait_for("SELECT count(*) > 0 FROM dbstream.stream_status WHERE name = 'pol' AND last_error ~ 'stops the stream'", 30),
		"$kind: on_ddl stop stops") or die "it did not stop\n";
	$target->sql('ALTER TABLE pol.t ADD COLUMN w int');
	$target->sql("SELECT dbstream.skip_ddl('pol')");
	ok($scene->catches_up('pol', 60), "$kind: and goes on after one's own statement") or die "$scene->{last_wait}\n";
	is($scene->compare('pol'), '', "$kind: with every value");
	$target->sql("SELECT dbstream.pause_stream('pol')");
}
