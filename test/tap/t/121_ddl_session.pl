# Schema changes whose meaning lies outside of their text: the clock, the time zone, sql_mode and foreign_key_checks of
# the session that ran them, and the phases in which MariaDB logs them.
#
#   DBSTREAM_SOURCE, DBSTREAM_PART   one server, one part

use strict;
use warnings;

use DBStream::Compare;
use DBStream::MySQL;
use DBStream::Scene;
use Test::More;

my @kinds = grep { !defined $ENV{DBSTREAM_SOURCE} || $_ eq $ENV{DBSTREAM_SOURCE} } qw(mariadb mysql);

foreach my $kind (@kinds)
{
  SKIP:
	{
		my $why = DBStream::MySQL::missing($kind);
		skip "$kind: $why", 1 if $why;
		# A machine that is not at UTC, where local time differs.
		local $ENV{TZ} = 'Asia/Kolkata';
		my $scene = DBStream::Scene->new(kind => $kind, conf => "max_replication_slots = 30\n");
		$scene->bridge->start;
		$scene->create_connection('m_source');
		foreach my $part (qw(defaults_that_vary zero_dates null_to_not_null without_checks several_tables two_phases on_update names letters views))
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

# A stream named as its database, which the statements make.
sub begin
{
	my ($scene, $name, $sql, %options) = @_;

	$scene->source->sql("CREATE DATABASE $name; USE $name; $sql");
	$scene->start_stream_on($name, "$name.*", %options);
	$scene->caught_up($name, 60) or die "$scene->{last_wait}\n";
}

sub follows
{
	my ($scene, $name, $what) = @_;

	ok($scene->caught_up($name, 60), $what) or die "$scene->{last_wait}\n";
	is($scene->compare($name), '', "$what: every value is the same");
}

# True when the stream stands with an error of that text.
sub stops
{
	my ($scene, $name, $pattern, $what) = @_;

	ok($scene->target->wait_for(
			"SELECT count(*) > 0 FROM dbstream.errors WHERE stream = '$name' AND (message || coalesce(detail, '')) ~ '$pattern'", 30), $what)
	  or die "it did not stop\n";
}

sub end
{
	my ($scene, $name) = @_;

	$scene->target->sql("SELECT dbstream.pause_stream('$name')");
}

# ---- the clock and the zone ----------------------------------------------------------

sub defaults_that_vary
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	begin($scene, 'vary', 'CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2)');
	$target->sql("SELECT dbstream.pause_stream('vary')");
	# The clock of the session stands at a half second, that PostgreSQL would round up.
	$source->sql("SET timestamp = 1709164799.987654;"
		  . ' ALTER TABLE t ADD a timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP, ADD b datetime DEFAULT NOW();'
		  . ' ALTER TABLE t ADD c timestamp(6) NULL DEFAULT CURRENT_TIMESTAMP(6), ADD d datetime(3) NOT NULL DEFAULT NOW(3);'
		  . " SET time_zone = '-09:30';"
		  . ' ALTER TABLE t ADD e datetime(6) DEFAULT LOCALTIMESTAMP(6) ON UPDATE LOCALTIMESTAMP(6), ADD f timestamp NULL DEFAULT NOW();'
		  . ' ALTER TABLE t ADD g date DEFAULT (CURDATE()), ADD h datetime DEFAULT (NOW() + INTERVAL 1 DAY),'
		  . ' ADD i int DEFAULT (UNIX_TIMESTAMP()), ADD j date DEFAULT (UTC_DATE()), ADD k time DEFAULT (CURTIME());'
		  . " SET time_zone = 'SYSTEM'; ALTER TABLE t ADD l datetime DEFAULT NOW(), ADD m date DEFAULT (CURRENT_DATE)", 'vary');
	$source->sql('INSERT INTO t (id) VALUES (3)', 'vary');
	$target->sql("SELECT dbstream.resume_stream('vary')");
	follows($scene, 'vary', "$kind: defaults that vary with time");
	is($target->sql("SELECT a = '2024-02-28 23:59:59+00' AND b = '2024-02-29 05:29:59' AND e = '2024-02-28 14:29:59.987654'"
			  . " AND l = b AND m = '2024-02-29' FROM vary.t WHERE id = 1"),
		't', "$kind: rows that are there have the source's moment, in the session's zone and the machine's");
	is($target->sql("SELECT count(*) FROM information_schema.columns WHERE table_schema = 'vary'"
			  . " AND column_default ~ '(CURRENT_TIMESTAMP|CURRENT_DATE|LOCALTIMESTAMP|LOCALTIME)'"),
		13, "$kind: rows to come get theirs");

	# What the log cannot tell. MySQL with GTIDs does not take such statements.
	return end($scene, 'vary') if $kind eq 'mysql';
	$source->sql('ALTER TABLE t ADD n varchar(36) DEFAULT (UUID())', 'vary');
	stops($scene, 'vary', 'column "n": rows that are there', "$kind: a default that differs from row to row stops the stream");
	$target->sql("ALTER TABLE vary.t ADD n varchar(36)");
	$target->sql("SET session_replication_role = replica; UPDATE vary.t SET n = '" . $_->[1] . "' WHERE id = $_->[0]") foreach $source->rows('SELECT id, n FROM vary.t');
	$target->sql("SELECT dbstream.skip_ddl('vary')");
	follows($scene, 'vary', "$kind: and it goes on once a person has added the column");
	$source->sql('CREATE TABLE none (id int PRIMARY KEY); ALTER TABLE none ADD u varchar(36) DEFAULT (UUID());'
		  . ' INSERT INTO none (id) VALUES (1)', 'vary');
	follows($scene, 'vary', "$kind: of a table without rows it does not");
	end($scene, 'vary');
}

# ---- sql_mode ------------------------------------------------------------------------

sub zero_dates
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	begin($scene, 'zero', 'CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2)');
	$source->sql("SET sql_mode = ''; ALTER TABLE t ADD a date NOT NULL, ADD b datetime NOT NULL DEFAULT '0000-00-00';"
		  . " ALTER TABLE t ADD c date; ALTER TABLE t MODIFY c date NOT NULL; ALTER TABLE t CHANGE c d datetime(2) NOT NULL;"
		  . " INSERT INTO t VALUES (3, '2024-02-03', '2024-02-03', '2024-02-03');"
		  . " INSERT INTO t VALUES (4, '0000-00-00', '0000-00-00', '0000-00-00');"
		  . ' CREATE TABLE made (id int, k date NOT NULL, d timestamp NOT NULL, u datetime NOT NULL UNIQUE, PRIMARY KEY (id, k));'
		  . " INSERT INTO made VALUES (1, '2024-01-02', '0000-00-00', '2024-01-02')", 'zero');
	ok($scene->caught_up('zero', 60), "$kind: dates NOT NULL that hold zeros") or die "$scene->{last_wait}\n";
	is($target->sql('SELECT string_agg(concat_ws(chr(44), id, a, b, d), chr(59) ORDER BY id) FROM zero.t'),
		'1;2;3,2024-02-03,2024-02-03 00:00:00,2024-02-03 00:00:00;4', "$kind: zero dates are NULL");
	is($target->sql("SELECT string_agg(column_name, ' ' ORDER BY column_name) FROM information_schema.columns"
			  . " WHERE table_schema = 'zero' AND table_name = 'made' AND is_nullable = 'NO'"),
		'id k u', "$kind: NOT NULL stays on keys");
	is($target->sql("SELECT count(*) > 3 FROM dbstream.ddl_history, unnest(notes) n WHERE n ~ 'NOT NULL is left off'"),
		't', "$kind: a note says so");
	end($scene, 'zero');
}

sub null_to_not_null
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	begin($scene, 'nulls', 'CREATE TABLE t (id int PRIMARY KEY, i int, v varchar(9), b varbinary(3), f double);'
		  . " INSERT INTO t VALUES (1, NULL, NULL, NULL, NULL), (2, 2, 'zwei', 'z', 2)");
	$source->sql("SET sql_mode = ''; ALTER TABLE t MODIFY i bigint NOT NULL, MODIFY v text NOT NULL, MODIFY b varbinary(5) NOT NULL,"
		  . ' CHANGE f g float NOT NULL', 'nulls');
	follows($scene, 'nulls', "$kind: nulls in a column that becomes NOT NULL outside of strict mode");
	end($scene, 'nulls');
}

# ---- foreign_key_checks = 0 ----------------------------------------------------------

sub keys_of
{
	my ($target, $schema) = @_;

	return $target->sql("SELECT string_agg(conname, ' ' ORDER BY conname) FROM pg_constraint c JOIN pg_namespace n"
		  . " ON n.oid = c.connamespace WHERE n.nspname = '$schema' AND contype = 'f'");
}

sub without_checks
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	begin($scene, 'fk', 'CREATE TABLE p (id int PRIMARY KEY, v int); INSERT INTO p VALUES (1, 1), (2, 2), (3, 3);'
		  . ' CREATE TABLE c (id int PRIMARY KEY, p int, CONSTRAINT c_p FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE);'
		  . ' INSERT INTO c VALUES (10, 1), (20, 2), (30, 3)');
	$source->sql('SET foreign_key_checks = 0; TRUNCATE TABLE p', 'fk');
	follows($scene, 'fk', "$kind: TRUNCATE of a table that another refers to");
	is($target->sql('SELECT count(*) FROM fk.c'), 3, "$kind: no action runs for it");
	$source->sql('SET foreign_key_checks = 0; DROP TABLE p; DELETE FROM c WHERE id = 10', 'fk');
	follows($scene, 'fk', "$kind: DROP of a table that another refers to");
	is(keys_of($target, 'fk'), '', "$kind: its foreign key waits");
	$source->sql('SET foreign_key_checks = 0; CREATE TABLE p (id int PRIMARY KEY, v int); INSERT INTO p VALUES (2, 2)', 'fk');
	follows($scene, 'fk', "$kind: the table comes again");
	is(keys_of($target, 'fk'), 'c_p', "$kind: and with it the foreign key");
	$source->sql('DELETE FROM p WHERE id = 2', 'fk');
	follows($scene, 'fk', "$kind: its action, which the log may leave out");

	# As a dump is loaded: children first, and again over what is there.
	my $dump = 'SET foreign_key_checks = 0; DROP TABLE IF EXISTS a_child; CREATE TABLE a_child (id int PRIMARY KEY, z int, KEY z (z),'
	  . ' CONSTRAINT to_z FOREIGN KEY (z) REFERENCES z_parent (id) ON DELETE CASCADE);'
	  . ' INSERT INTO a_child VALUES (1, 1), (2, 2); DROP TABLE IF EXISTS z_parent;'
	  . ' CREATE TABLE z_parent (id int PRIMARY KEY); INSERT INTO z_parent VALUES (1), (2)';
	foreach my $time (qw(first second))
	{
		$source->sql($dump, 'fk');
		follows($scene, 'fk', "$kind: a dump loaded for the $time time");
		is(keys_of($target, 'fk'), 'c_p to_z', "$kind: every foreign key is there");
	}
	$source->sql('DELETE FROM z_parent WHERE id = 1', 'fk');
	follows($scene, 'fk', "$kind: the dump's foreign key acts");
	$source->sql('SET foreign_key_checks = 0; INSERT INTO a_child VALUES (9, 99); ALTER TABLE c ADD COLUMN z int DEFAULT 98,'
		  . ' ADD CONSTRAINT c_z FOREIGN KEY (z) REFERENCES z_parent (id) ON DELETE SET NULL', 'fk');
	follows($scene, 'fk', "$kind: a foreign key that the rows do not fit");
	is($target->sql('SELECT count(*) FROM dbstream.waiting_key'), 0, "$kind: none waits any more");

	# MariaDB takes keys to what is not unique; their actions are in no log, and PostgreSQL has no such keys.
	if ($kind eq 'mariadb')
	{
		$source->sql('CREATE TABLE many (id int, KEY id (id)); CREATE TABLE one (id int, KEY id (id),'
			  . ' CONSTRAINT to_many FOREIGN KEY (id) REFERENCES many (id) ON DELETE CASCADE)', 'fk');
		stops($scene, 'fk', 'foreign key "to_many" is not created', "$kind: an action that nobody would carry out stops the stream");
	}
	end($scene, 'fk');
}

# Of several tables some are not in the stream: they are left alone, whatever bears their name at the target.
sub several_tables
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	begin($scene, 'some', 'CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY)');
	$source->sql('CREATE DATABASE other; CREATE TABLE other.t (id int PRIMARY KEY); CREATE TABLE other.u (id int PRIMARY KEY)');
	$target->sql('CREATE SCHEMA other; CREATE TABLE other.t (mine int)');
	$source->sql('DROP TABLE IF EXISTS a, other.t, other.u', 'some');
	follows($scene, 'some', "$kind: DROP TABLE of tables within the stream and outside of it");
	is($target->sql("SELECT string_agg(schemaname || '.' || tablename, ' ' ORDER BY schemaname) FROM pg_tables WHERE schemaname IN ('some', 'other')"),
		'other.t some.b', "$kind: drops those within");
	end($scene, 'some');
}

# ---- MariaDB's ALTER TABLE in two phases ---------------------------------------------

sub two_phases
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	return if $kind ne 'mariadb';
	begin($scene, 'phases', 'CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 7), (2, 7)');
	my ($status, $out, $err) = DBStream::Process::run_program([ $source->client_command('--force', 'phases') ],
		stdin => 'SET binlog_alter_two_phase = 1; ALTER TABLE t ADD a int DEFAULT 5; ALTER TABLE t ADD UNIQUE (v);'
		  . ' ALTER TABLE t ADD b int DEFAULT 6');
	like($err, qr/Duplicate entry/, "$kind: one change fails at the source");
	follows($scene, 'phases', "$kind: changes that are logged when they start and when they end");
	is($target->sql("SELECT count(*) FROM dbstream.ddl_history WHERE default_schema = 'phases' AND source_sql ~ '^ALTER' AND outcome = 'applied'"),
		2, "$kind: each that succeeded was applied once");
	end($scene, 'phases');
}

# ---- ON UPDATE CURRENT_TIMESTAMP, once writes go to the target --------------------------

sub on_update
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	begin($scene, 'upd', "CREATE TABLE t (id int PRIMARY KEY, j json, v int, c timestamp NOT NULL DEFAULT '2001-02-03 04:05:06'"
		  . " ON UPDATE CURRENT_TIMESTAMP); INSERT INTO t (id, j, v) VALUES (1, '{}', 1), (2, '{}', 1), (3, '{}', 1)", json => 'json');
	is($target->sql("SELECT data_type FROM information_schema.columns WHERE table_schema = 'upd' AND column_name = 'j'"), 'json',
		"$kind: a column of a type without equality");
	$target->sql("UPDATE upd.t SET v = 2 WHERE id = 1; UPDATE upd.t SET v = v, j = j WHERE id = 2; UPDATE upd.t SET j = '[]' WHERE id = 3");
	is($target->sql("SELECT string_agg(id::text, ' ' ORDER BY id) FROM upd.t WHERE c > '2002-01-01'"), '1 3',
		"$kind: an update that changes something sets the time");
	end($scene, 'upd');
}

# ---- names that are one schema's at the target, and a table's at the source ---------------

sub names
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);
	my $indexes = "SELECT string_agg(regexp_replace(indexname, '_[0-9a-f]{8}\$', '_HASH'), ' ' ORDER BY indexname) FROM pg_indexes"
	  . " WHERE schemaname = 'names' AND indexname !~ '_pkey\$'";

	# Of what is copied, indexes come last.
	begin($scene, 'copied', 'CREATE TABLE p (id int PRIMARY KEY, q int, KEY q (q), UNIQUE KEY r (q, id)); CREATE TABLE p_q (id int PRIMARY KEY);'
		  . ' CREATE TABLE p_r (id int PRIMARY KEY, KEY `odd " name` (id)); INSERT INTO p VALUES (1, 1)', start => 'backfill');
	is($target->sql("SELECT count(*) FROM pg_indexes WHERE schemaname = 'copied' AND tablename = 'p'"), 3,
		"$kind: every index of a table is there whose names are other tables'");
	follows($scene, 'copied', "$kind: tables copied, with indexes of other tables' names");
	end($scene, 'copied');
	begin($scene, 'names', 'CREATE TABLE item (id int PRIMARY KEY, tag int, KEY tag (tag))');
	$source->sql('CREATE TABLE item_tag (id int PRIMARY KEY, v int, KEY v (v)); INSERT INTO item_tag VALUES (1, 1);'
		  . ' CREATE TABLE a_b (id int PRIMARY KEY, c int, KEY c (c)); CREATE TABLE a (id int PRIMARY KEY, c int);'
		  . ' CREATE INDEX b_c ON a (c); CREATE TABLE other (id int PRIMARY KEY); RENAME TABLE other TO a_b_c;'
		  . ' ALTER TABLE item ADD KEY tag_v (tag); INSERT INTO item VALUES (1, 1)', 'names');
	follows($scene, 'names', "$kind: indexes and tables whose names meet");
	is($target->sql($indexes), 'a_b_c_HASH a_b_c_HASH item_tag_HASH item_tag_v item_tag_v_HASH', "$kind: tables keep theirs, indexes get others");
	$source->sql('ALTER TABLE item RENAME INDEX tag_v TO w; ALTER TABLE item DROP INDEX tag; RENAME TABLE a TO z; ALTER TABLE z DROP INDEX b_c;'
		  . ' ALTER TABLE a_b RENAME INDEX c TO d; DROP INDEX d ON a_b', 'names');
	follows($scene, 'names', "$kind: they are found again");
	is($target->sql($indexes), 'item_tag_v item_w', "$kind: by the source's names");
	end($scene, 'names');
}

# ---- columns, which MySQL finds in any case of letters -----------------------------------

sub letters
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	begin($scene, 'letters', "CREATE TABLE p (Id int PRIMARY KEY, `Na me` varchar(10), V int, w int, gone int); INSERT INTO p VALUES (1, 'one', 1, 1, 1);"
		  . ' CREATE TABLE c (id int PRIMARY KEY, Ref int, KEY by_ref (REF), CONSTRAINT c_p FOREIGN KEY (REF) REFERENCES p (ID) ON DELETE CASCADE);'
		  . ' INSERT INTO c VALUES (1, 1)');
	follows($scene, 'letters', "$kind: keys that spell columns in another case");
	$source->sql('ALTER TABLE p DROP COLUMN GONE, MODIFY v bigint AFTER ID, CHANGE `NA ME` `na ME` varchar(20), ADD INDEX by_v (v, W), ADD COLUMN g int AS (V + 1) STORED;'
		  . ' ALTER TABLE p ALTER COLUMN W SET DEFAULT 7, ADD CONSTRAINT positive CHECK (V > 0), ADD UNIQUE KEY u (iD, V);'
		  . " ALTER TABLE c ADD COLUMN q int, ADD CONSTRAINT c_q FOREIGN KEY (Q) REFERENCES p (iD); INSERT INTO p (id, v) VALUES (2, 2); UPDATE c SET q = 2;"
		  . ' ALTER TABLE p RENAME COLUMN W TO X; DROP INDEX U ON p; ALTER TABLE c DROP FOREIGN KEY C_Q; DELETE FROM p WHERE ID = 1', 'letters');
	follows($scene, 'letters', "$kind: statements that spell columns in another case");
	is($target->sql('SELECT count(*) FROM letters.c'), 0, "$kind: the action of such a key runs");
	is($target->sql("SELECT string_agg(attname, ',' ORDER BY attname COLLATE \"C\") FROM pg_attribute WHERE attrelid = 'letters.p'::regclass AND attnum > 0"
			  . ' AND NOT attisdropped'), 'Id,' . ($source->sql("SELECT GROUP_CONCAT(column_name ORDER BY CAST(column_name AS binary)) FROM"
				  . " information_schema.columns WHERE table_schema = 'letters' AND table_name = 'p' AND column_name <> 'Id'")), "$kind: columns are called as at the source");
	end($scene, 'letters');
}

# ---- views, which PostgreSQL guards and MySQL does not -----------------------------------

sub views
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);
	my $there = "SELECT string_agg(viewname, ' ' ORDER BY viewname) FROM pg_views WHERE schemaname = 'views'";

	begin($scene, 'views', 'CREATE TABLE t (id int PRIMARY KEY, v int, w varchar(9)); INSERT INTO t VALUES (1, 2, NULL)');
	$source->sql('CREATE VIEW seen AS SELECT id, v FROM t WHERE v > 1; CREATE VIEW more AS SELECT id, v AS n FROM seen;'
		  . ' CREATE VIEW words AS SELECT id, w FROM t', 'views');
	$scene->caught_up('views', 60) or die "$scene->{last_wait}\n";
	$target->sql('CREATE ROLE reading; GRANT SELECT ON views.seen TO reading; CREATE VIEW public.mine AS SELECT id FROM views.t');
	$source->sql('ALTER TABLE t MODIFY v bigint; INSERT INTO t VALUES (2, 5000000000, NULL)', 'views');
	follows($scene, 'views', "$kind: a column that views use changes its type");
	is($target->sql($there), 'more seen words', "$kind: the views are there again");
	is($target->sql('SELECT string_agg(n::text, chr(32) ORDER BY id) FROM views.more'), '2 5000000000', "$kind: and see the rows");
	is($target->sql("SELECT has_table_privilege('reading', 'views.seen', 'SELECT')"), 't', "$kind: as whoever could before");
	$source->sql('ALTER TABLE t DROP COLUMN w', 'views');
	follows($scene, 'views', "$kind: a column that a view uses goes");
	is($target->sql($there), 'more seen', "$kind: that view goes with it");
	is($target->sql("SELECT count(*) FROM dbstream.ddl_history, unnest(notes) n WHERE n ~ 'view views.words is gone'"), 1,
		"$kind: and a note says so");
	$source->sql('DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY)', 'views');
	follows($scene, 'views', "$kind: a table that views use goes");
	end($scene, 'views');
}
