# DROP DATABASE at the source takes the stream's tables at the target, and nothing else that lives in their schema.

use strict;
use warnings;

use DBStream::MySQL;
use DBStream::Scene;
use Test::More;

foreach my $kind (qw(mariadb mysql))
{
  SKIP:
	{
		my $why = DBStream::MySQL::missing($kind);
		skip "$kind: $why", 1 if $why;
		test_for($kind);
	}
}
done_testing();

sub test_for
{
	my ($kind) = @_;
	my $scene = DBStream::Scene->new(kind => $kind);
	my ($source, $target) = ($scene->source, $scene->target);
	my $good = eval {
		$source->sql(<<'END');
CREATE DATABASE shop;
CREATE TABLE shop.customer (id int PRIMARY KEY, name varchar(80));
CREATE TABLE shop.orders (id int PRIMARY KEY, customer int, FOREIGN KEY (customer) REFERENCES shop.customer (id));
CREATE TABLE shop.never_filled (id int PRIMARY KEY);
INSERT INTO shop.customer VALUES (1, 'Ada');
INSERT INTO shop.orders VALUES (1, 1);
CREATE DATABASE alone;
CREATE TABLE alone.t (id int PRIMARY KEY);
END
		$target->sql('CREATE SCHEMA shop; CREATE TABLE shop.report (line text)');
		$scene->bridge->start;
		$scene->start_stream('in', 'shop.*,alone.*');
		ok($scene->caught_up('in', 60), "$kind: the tables arrive") or die "not caught up\n";
		is($target->sql("SELECT string_agg(source_table || ' ' || state, ', ' ORDER BY source_table) FROM dbstream.stream_table"),
			'customer replicating, never_filled replicating, orders replicating, t replicating',
			"$kind: tables are shown before a row of them arrives");

		$source->sql('DROP DATABASE shop; DROP DATABASE alone');
		ok($scene->caught_up('in', 60), "$kind: the databases go") or die "not caught up\n";
		is($target->sql("SELECT string_agg(schemaname || '.' || tablename, ' ' ORDER BY 1) FROM pg_tables WHERE schemaname IN ('shop', 'alone')"),
			'shop.report', "$kind: only what somebody else made is left");
		is($target->sql("SELECT string_agg(nspname, ' ') FROM pg_namespace WHERE nspname IN ('shop', 'alone')"),
			'shop', "$kind: an empty schema goes, one that is not stays");
		like($target->sql("SELECT notes FROM dbstream.ddl_history WHERE source_sql LIKE 'DROP DATABASE shop%'"),
			qr/what else is there stays/, "$kind: the history says so");
		$scene->bridge->stop;
		1;
	};
	fail("$kind: $@") unless $good;
	diag($scene->state_text) unless $good && Test::More->builder->is_passing;
	$scene->finish;
}
