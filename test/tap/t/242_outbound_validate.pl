# What validate_stream finds of a stream out of PostgreSQL: each requirement is broken once, and named with its remedy.

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
		my $good = eval { target($scene, $kind); rights($scene, $kind); source($scene, $kind) if $kind eq 'mariadb'; 1; };
		fail("$kind: $@") unless $good;
		diag($scene->state_text) unless $good && Test::More->builder->is_passing;
		eval { $scene->finish };
	}
}
done_testing();

# Every check as "name object" with its status, detail and remedy; of several the details are joined.
sub checks
{
	my ($pg) = @_;
	my %found;

	foreach my $row ($pg->rows("SELECT check_name || ' ' || object, status, detail, coalesce(remedy, '') FROM dbstream.validate_stream('out')"))
	{
		my $known = $found{ $row->[0] };
		$found{ $row->[0] } = $known ? [ $row->[1], "$known->[1]; $row->[2]", "$known->[2]; $row->[3]" ] : [ @$row[1 .. 3] ];
	}
	return \%found;
}

sub found
{
	my ($checks, $name, $status, $detail, $remedy, $what) = @_;
	my $check = $checks->{$name} // [ 'not there', '', '' ];

	is($check->[0], $status, "$what: $name is $status") or diag(join("\n", map { "$_: @{$checks->{$_}}" } sort keys %$checks));
	like($check->[1], $detail, "$what: with what was found");
	like($check->[2], $remedy, "$what: and the remedy");
}

sub target
{
	my ($scene, $kind) = @_;
	my ($pg, $my) = ($scene->source, $scene->target);

	$pg->sql('CREATE SCHEMA shop; CREATE SCHEMA other');
	$pg->sql('CREATE DOMAIN code AS varchar(20); CREATE TABLE shop.t (id bigint PRIMARY KEY, n int, a numeric(12,4), f double precision,'
		  . ' v code, x text, at timestamptz, u timestamp(3), b bytea, d date, g int GENERATED ALWAYS AS (n + 1) STORED);'
		  . ' CREATE TABLE shop.fine (LIKE shop.t INCLUDING ALL); CREATE TABLE other.new (id int PRIMARY KEY);'
		  . ' CREATE TABLE other.left_out (id int PRIMARY KEY); CREATE TABLE shop.old (id int PRIMARY KEY); CREATE TABLE shop.part (id int) PARTITION BY RANGE (id)');
	$scene->bridge->start;
	$scene->create_connection('there');
	$pg->sql(q{SELECT dbstream.create_stream('out', 'local', 'there', '{shop.*,other.*,!other.left_out}', '{"schemas": {"other": "elsewhere"}, "max_retained_wal": "10GB"}')});
	ok(wait_until(30, sub { $pg->sql('SELECT count(*) FROM dbstream.bridge_connections()') > 0 }), "$kind: the bridge is there");
	$my->sql('SET GLOBAL innodb_flush_log_at_trx_commit = 1; SET GLOBAL local_infile = 1; SET GLOBAL max_allowed_packet = 67108864; CREATE DATABASE shop;'
		  . ' CREATE TABLE shop.fine (id bigint PRIMARY KEY, n int, a decimal(12,4), f double, v varchar(20), x longtext, at datetime(6),'
		  . ' u datetime(3), b longblob, d date, more int, kept int NOT NULL DEFAULT 1) CHARACTER SET utf8mb4');
	my $checks = checks($pg);
	is(join(', ', map { "$_: @{$checks->{$_}}" } grep { $checks->{$_}[0] ne 'ok' && !/identity/ } sort keys %$checks), '', "$kind: nothing is missing");
	found($checks, 'target_tables connection there', 'ok', qr/^1 of the stream's tables are there, 4 are to be made/, qr/^$/, $kind);
	found($checks, 'target_rights database elsewhere', 'ok', qr/may make and change/, qr/^$/, $kind);

	$my->sql('CREATE TABLE shop.t (id int PRIMARY KEY, n int unsigned, a decimal(12,2), f float, v varchar(10), x tinytext, at timestamp,'
		  . ' u datetime, b varbinary(20), must int NOT NULL) CHARACTER SET utf8mb4;'
		  . ' CREATE TABLE shop.old (id int PRIMARY KEY) ENGINE=MyISAM;'
		  . ' CREATE TRIGGER shop.meddles BEFORE INSERT ON shop.t FOR EACH ROW SET NEW.n = 1');
	$my->sql('SET GLOBAL local_infile = 0; SET GLOBAL max_allowed_packet = 1048576');
	$checks = checks($pg);
	my $columns = $checks->{'target_columns table shop.t'}[1] // '';
	like($columns, $_, "$kind: a column that may not do is named")
	  foreach qr/"id" is bigint here and int.* there: it is narrower/, qr/"n" is integer here and int.* unsigned there: it takes no negative/,
	  qr/"a" is numeric\(12,4\) here and decimal\(12,2\) there: it has fewer fraction digits/, qr/"f" is .*: it is rounded/,
	  qr/"v" is character varying\(20\) here and varchar\(10\) there: it is shorter/, qr/"x" is text here and tinytext there: it is shorter/,
	  qr/"at" is .* and timestamp there: it ends in the year 2038/, qr/"u" is timestamp\(3\).* there: it has fewer fraction digits/,
	  qr/"b" is bytea here and varbinary\(20\) there: it is shorter/, qr/the table at the target has no column "d"/, qr/"must" at the target must have a value/;
	unlike($columns, qr/"g"/, "$kind: a generated column is the target's own affair");
	ok(!exists $checks->{'target_columns table shop.fine'}, "$kind: a table that fits has nothing to say");
	is($pg->sql("SELECT count(*) FROM dbstream.validate_stream('out') WHERE check_name = 'target_columns' AND status = 'failed'"), 2, "$kind: two of them stop it at once");
	found($checks, 'target_triggers table shop.t', 'warning', qr/trigger "meddles" there fires \(before insert\)/, qr/DROP TRIGGER `shop`.`meddles`/, $kind);
	found($checks, 'target_engine table shop.old', 'failed', qr/MyISAM/, qr/ENGINE = InnoDB/, $kind);
	found($checks, 'local_infile connection there', 'warning', qr/local_infile is 0/, qr/local_infile = ON/, $kind);
	found($checks, 'max_allowed_packet connection there', 'warning', qr/1048576/, qr/67108864/, $kind);
	$my->sql('SET GLOBAL read_only = 1, GLOBAL innodb_flush_log_at_trx_commit = 2');
	$checks = checks($pg);
	found($checks, 'target_writable connection there', 'failed', qr/read_only is 1/, qr/primary/, $kind);
	found($checks, 'target_durability connection there', 'warning', qr/is 2/, qr/= 1/, $kind);
	is($my->sql("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema IN ('shop', 'elsewhere')"), 3, "$kind: looking has made nothing");
	$my->sql('SET GLOBAL read_only = 0, GLOBAL innodb_flush_log_at_trx_commit = 1, GLOBAL max_allowed_packet = 67108864; DROP TABLE shop.t, shop.old');
}

sub rights
{
	my ($scene, $kind) = @_;
	my ($pg, $my) = ($scene->source, $scene->target);

	$my->sql("REVOKE ALL PRIVILEGES, GRANT OPTION FROM 'writer'\@'%'; GRANT ALL ON dbstream.* TO 'writer'\@'%'; GRANT SELECT, INSERT ON shop.* TO 'writer'\@'%'");
	my $checks = checks($pg);
	found($checks, 'target_rights table shop.fine', 'failed', qr/'writer'\@'%' lacks UPDATE, DELETE/, qr/GRANT UPDATE, DELETE ON `shop`/, $kind);
	found($checks, 'target_rights database shop', 'failed', qr/may not make any/, qr/GRANT CREATE, .* ON `shop`\.\* TO 'writer'\@'%';/, $kind);
	found($checks, 'target_rights table elsewhere.new', 'failed', qr/lacks SELECT, INSERT, UPDATE, DELETE/, qr/ON `elsewhere`/, $kind);
	found($checks, 'target_rights database elsewhere', 'failed', qr/may not make any/, qr/ON `elsewhere`/, $kind);
	$my->sql("GRANT SELECT, INSERT, UPDATE, DELETE, CREATE ON shop.* TO 'writer'\@'%'; GRANT ALL ON elsewhere.* TO 'writer'\@'%'");
	$checks = checks($pg);
	ok(!exists $checks->{'target_rights table shop.fine'}, "$kind: with the rights granted the tables are fine");
	found($checks, 'target_rights database shop', 'warning', qr/a schema change would stop/, qr/ALTER, DROP/, $kind);
	found($checks, 'target_rights database elsewhere', 'ok', qr/may make and change/, qr/^$/, $kind);
	$my->sql("GRANT ALTER, DROP ON shop.* TO 'writer'\@'%'");
	is($pg->sql("SELECT string_agg(check_name || object, ',') FROM dbstream.validate_stream('out') WHERE status = 'failed'"), '', "$kind: nothing fails");
	is($my->sql("SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = 'elsewhere'"), 0, "$kind: and looking has made no database");
}

# The server that the stream reads: settings that only a restart changes are wrong all at once.
sub source
{
	my ($scene, $kind) = @_;
	my $pg = $scene->source;

	$pg->sql('ALTER TABLE shop.part ADD COLUMN t text; CREATE TABLE shop.silent (id int); ALTER TABLE shop.silent REPLICA IDENTITY NOTHING;'
		  . q{ SELECT dbstream.alter_stream('out', options => '{"max_retained_wal": null}'); ALTER ROLE bridge NOREPLICATION});
	my $checks = checks($pg);
	found($checks, 'replica_identity table shop.silent', 'warning', qr/do not say which row/, qr/REPLICA IDENTITY FULL/, $kind);
	found($checks, 'replica_identity table shop.part', 'warning', qr/do not say which row/, qr/primary key/, $kind);
	found($checks, 'max_retained_wal stream', 'warning', qr/until the disk is full/, qr/"max_retained_wal": "50GB"/, $kind);
	found($checks, 'replication role bridge', 'failed', qr/may not read the log/, qr/ALTER ROLE bridge REPLICATION/, $kind);
	found($checks, 'schema_changes stream', 'ok', qr/event triggers capture/, qr/^$/, $kind);
	$pg->sql('ALTER EVENT TRIGGER ' . $pg->sql('SELECT evtname FROM pg_event_trigger LIMIT 1') . ' DISABLE');
	found(checks($pg), 'schema_changes stream', 'warning', qr/missing or disabled/, qr/superuser/, $kind);
	$pg->sql("SELECT pg_create_physical_replication_slot('taken')");
	$pg->append_conf('postgresql.conf', "wal_level = replica\nmax_replication_slots = 1\nmax_wal_senders = 0\n"
		  . (DBStream::OutScene::lists_plugins() ? "output_plugin_libraries = pgoutput\n" : ''));
	$pg->restart;
	ok(wait_until(60, sub { my ($status, $out) = $pg->run_psql('SELECT count(*) FROM dbstream.bridge_connections()'); $status == 0 && $out > 0 }), "$kind: the bridge is back");
	$checks = checks($pg);
	found($checks, 'wal_level server', 'failed', qr/replica/, qr/wal_level = logical/, $kind);
	found($checks, 'max_replication_slots server', 'failed', qr/1 of 1 are in use/, qr/max_replication_slots to 5/, $kind);
	found($checks, 'max_wal_senders server', 'failed', qr/0 of 0/, qr/max_wal_senders to 4/, $kind);
	found($checks, 'output_plugin_libraries server', DBStream::OutScene::lists_plugins() ? ('failed', qr/pgoutput/, qr/Add dbstream/) : ('ok', qr/does not know/, qr/^$/), $kind);
}
