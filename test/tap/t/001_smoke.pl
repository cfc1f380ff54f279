# A first look at the whole: rows written at the source are in PostgreSQL, with the schema that the source has.

use strict;
use warnings;

use DBStream::MySQL;
use DBStream::Process qw(wait_until);
use DBStream::Scene;
use Test::More;

foreach my $kind (qw(mariadb mysql))
{
  SKIP:
	{
		my $why = DBStream::MySQL::missing($kind);
		skip "$kind: $why", 1 if $why;
		subtest_for($kind);
	}
}
done_testing();

sub subtest_for
{
	my ($kind) = @_;
	my $scene = DBStream::Scene->new(kind => $kind);
	my ($source, $target) = ($scene->source, $scene->target);
	my $good = eval {
		$source->sql(<<'END');
CREATE DATABASE shop;
USE shop;
CREATE TABLE customer (id int PRIMARY KEY AUTO_INCREMENT, name varchar(80) NOT NULL, born date, note text);
INSERT INTO customer (name, born, note) VALUES ('Ada', '1815-12-10', NULL), ('Grace', '1906-12-09', 'COBOL');
END
		$scene->bridge->start;
		$scene->start_stream('shop_in', 'shop.*');
		ok($scene->caught_up('shop_in', 60), "$kind: the first rows arrive") or die "not caught up\n";
		is($scene->compare('shop'), '', "$kind: both sides hold the same after the first rows");

		$source->sql(<<'END', 'shop');
UPDATE customer SET note = 'Bernoulli' WHERE name = 'Ada';
DELETE FROM customer WHERE name = 'Grace';
BEGIN; INSERT INTO customer (name) VALUES ('Linus'); INSERT INTO customer (name) VALUES ('Edsger'); COMMIT;
CREATE TABLE visit (customer int, at datetime(6) NOT NULL, page varchar(200));
INSERT INTO visit VALUES (1, '2024-02-29 23:59:59.999999', '/'), (1, '2024-02-29 23:59:59.999999', '/'), (NULL, '1970-01-01', NULL);
DELETE FROM visit WHERE page = '/' LIMIT 1;
END
		ok($scene->caught_up('shop_in', 60), "$kind: changes arrive") or die "not caught up\n";
		is($scene->compare('shop'), '', "$kind: both sides hold the same after changes and a new table");
		is($target->sql("SELECT state FROM dbstream.stream_status WHERE name = 'shop_in'"),
			'running', "$kind: the stream says that it runs");

		$source->sql('TRUNCATE TABLE visit; ALTER TABLE customer ADD COLUMN email varchar(120); '
			  . "UPDATE customer SET email = 'ada\@example.org' WHERE id = 1", 'shop');
		ok($scene->caught_up('shop_in', 60), "$kind: TRUNCATE and ALTER TABLE arrive") or die "not caught up\n";
		is($scene->compare('shop'), '', "$kind: both sides hold the same after TRUNCATE and ALTER TABLE");
		is($scene->bridge->stop, 0, "$kind: the bridge stops in order on SIGTERM");
		1;
	};
	fail("$kind: $@") unless $good;
	diag($scene->state_text) unless $good && Test::More->builder->is_passing;
	$scene->finish;
}
