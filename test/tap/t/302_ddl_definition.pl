# postgresql_ddl asks a real source: what it answers, executed, is what the stream itself makes of the table.

use strict;
use warnings;

use DBStream::MySQL;
use DBStream::Scene;
use Test::More;

foreach my $kind (grep { !defined $ENV{DBSTREAM_SOURCE} || $_ eq $ENV{DBSTREAM_SOURCE} } qw(mariadb mysql))
{
  SKIP:
	{
		my $why = DBStream::MySQL::missing($kind);
		skip "$kind: $why", 1 if $why;
		my $scene = DBStream::Scene->new(kind => $kind);
		eval { definitions($scene, $kind); 1 } or fail("$kind: $@");
		diag($scene->state_text) unless Test::More->builder->is_passing;
		$scene->finish;
	}
}
done_testing();

sub definitions
{
	my ($scene, $kind) = @_;
	my $target = $scene->target;
	my $tables = <<'END';
CREATE DATABASE shop;
CREATE TABLE shop.customer (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, name VARCHAR(40) NOT NULL COMMENT 'a name',
  mail VARCHAR(80) UNIQUE, rank ENUM('a', 'b') DEFAULT 'a', born DATE, KEY (name(5), born)) AUTO_INCREMENT=40;
CREATE TABLE shop.`or``der s` (id BIGINT AUTO_INCREMENT PRIMARY KEY, customer INT UNSIGNED NOT NULL,
  total DECIMAL(10,2) DEFAULT 0.00, twice DECIMAL(11,2) AS (total * 2) STORED, open TINYINT(1) DEFAULT 1,
  CONSTRAINT positive CHECK (total >= 0), CONSTRAINT of_customer FOREIGN KEY (customer) REFERENCES customer (id) ON DELETE CASCADE);
INSERT INTO shop.customer (name) VALUES ('x'), ('y');
END
	$tables =~ s/rank ENUM/`rank` ENUM/;
	$scene->source->sql($tables);
	$scene->create_connection('m_source');
	$target->sql("SELECT dbstream.create_stream('preview', source => 'm_source', target => 'local', tables => '{shop.*}',"
		  . " options => '{\"schemas\": {\"shop\": \"preview\"}}')");
	my ($failed, $out, $err) = $target->run_psql("SELECT dbstream.postgresql_ddl('preview', 'shop.customer')");
	like($err, qr/no bridge is connected.*dbstream-bridge --conninfo/s, "$kind: without a bridge the error says how to start one");

	$scene->bridge->start;
	$target->wait_for('SELECT count(*) > 0 FROM dbstream.bridge_connections()', 't', 60);
	my @ddl = map { $target->sql("SELECT dbstream.postgresql_ddl('preview', \$\$shop.$_\$\$)") } ('customer', 'or`der s');
	like($ddl[0], qr/^-- info: /m, "$kind: notes are comments");
	foreach my $ddl (@ddl)
	{
		$target->sql($ddl);
	}
	my ($again, $none, $why) = $target->run_psql("SELECT dbstream.postgresql_ddl('preview', 'shop.nothing')");
	like($why, qr/has no table shop\.nothing.*HINT/s, "$kind: a table that is not there is named");
	my ($third, $nowhere, $reason) = $target->run_psql("SELECT dbstream.postgresql_ddl('preview', 'nowhere.x')");
	like($reason, qr/does not select table nowhere\.x/, "$kind: a table that the stream does not select is refused");

	$target->sql("SELECT dbstream.create_stream('real', source => 'm_source', target => 'local', tables => '{shop.*}');"
		  . " SELECT dbstream.start_stream('real')");
	$scene->caught_up('real', 120) or die "the stream did not get there: $scene->{last_wait}";
	my $seen = <<'END';
SELECT string_agg(line, E'\n' ORDER BY line COLLATE "C") FROM (
  SELECT format('%s.%s %s %s %s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
      a.attgenerated, pg_get_expr(d.adbin, d.adrelid)) || coalesce(col_description(c.oid, a.attnum), '') AS line
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = 'SCHEMA'::regnamespace AND c.relkind = 'r'
  UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'SCHEMA'
  UNION ALL SELECT conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'SCHEMA'::regnamespace) x
END
	my ($preview, $real) = map { $target->sql($seen =~ s/SCHEMA/$_/gr) =~ s/\b(preview|shop)\.//gr } qw(preview shop);
	is($preview, $real, "$kind: the text makes what the stream makes");
	like($real, qr/of_customer FOREIGN KEY.*ON DELETE CASCADE/, "$kind: foreign keys among it");
}
