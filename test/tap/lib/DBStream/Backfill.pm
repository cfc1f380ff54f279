package DBStream::Backfill;

# Tables to copy, and writers that change them meanwhile.

use strict;
use warnings;

use DBStream::Process qw(in_child);
use Exporter 'import';

our @EXPORT_OK = qw(backfill_schema backfill_rows start_backfill_writer);

# Keys of every sort: one number, several columns, text under a collation, bytes, labels, times, a unique key that is not
# primary, none at all.
sub backfill_schema
{
	return <<'END';
CREATE DATABASE shop;
USE shop;
CREATE TABLE customer (id int PRIMARY KEY AUTO_INCREMENT, name varchar(80) NOT NULL, note text, score double, born date,
	KEY by_name (name));
CREATE TABLE sale (customer int NOT NULL, at datetime(6) NOT NULL, line smallint unsigned NOT NULL, price decimal(12,4),
	PRIMARY KEY (customer, at, line), CONSTRAINT sale_customer FOREIGN KEY (customer) REFERENCES customer (id));
CREATE TABLE word (word varchar(60) COLLATE utf8mb4_general_ci PRIMARY KEY, n bigint unsigned);
CREATE TABLE hash (h varbinary(32) PRIMARY KEY, v json);
CREATE TABLE state (kind enum('z','m','a') NOT NULL, bits bit(9) NOT NULL, v set('x','y','z'), PRIMARY KEY (kind, bits));
CREATE TABLE tag (code char(8) NOT NULL, v int, UNIQUE KEY code (code));
CREATE TABLE heap (a int, b varchar(40), c float);
CREATE TABLE owner (id int PRIMARY KEY, v varchar(10));
CREATE TABLE pet (id int PRIMARY KEY AUTO_INCREMENT, owner int, keeper int, KEY (owner), KEY (keeper),
	CONSTRAINT pet_owner FOREIGN KEY (owner) REFERENCES owner (id) ON DELETE CASCADE ON UPDATE CASCADE,
	CONSTRAINT pet_keeper FOREIGN KEY (keeper) REFERENCES owner (id) ON DELETE SET NULL ON UPDATE CASCADE);
CREATE TABLE nothing (id int PRIMARY KEY, v longblob);
END
}

# Numbers from 1 on, without a feature that only one of the servers has.
sub numbers
{
	my ($count) = @_;
	my $digits = '(SELECT 0 d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL '
	  . 'SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)';

	return "(SELECT a.d + 10*b.d + 100*c.d + 1000*e.d + 10000*f.d + 100000*g.d + 1 AS i FROM $digits a, $digits b, "
	  . "$digits c, $digits e, $digits f, $digits g HAVING i <= $count) numbers";
}

sub backfill_rows
{
	my ($rows) = @_;
	my ($n, $small) = (numbers($rows), numbers(1500));

	return <<"END";
INSERT INTO customer (id, name, note, score, born)
	SELECT i, CONCAT('name ', i), REPEAT('x', i % 200), i / 7, IF(i % 50 = 0, NULL, '2000-01-01' + INTERVAL i DAY) FROM $n;
INSERT INTO sale SELECT 1 + i % 1000, '2020-01-01' + INTERVAL i MINUTE, i % 7, i / 3 FROM $n;
INSERT IGNORE INTO word SELECT CONCAT(ELT(1 + i % 4, 'Ä', 'a', 'B', 'é'), "'\\\\", i), i FROM $n;
INSERT INTO hash SELECT UNHEX(SHA2(i, 256)), JSON_OBJECT('i', i, 's', CONCAT('"', i)) FROM $n;
INSERT INTO state SELECT ELT(1 + i % 3, 'z', 'm', 'a'), i DIV 3, IF(i % 5 = 0, 'x,z', '') FROM $small;
INSERT INTO tag SELECT LPAD(i, 8, 'c'), i FROM $n;
INSERT INTO owner SELECT i, 'v' FROM $n;
INSERT INTO pet (owner, keeper) SELECT i, 1 + (i * 7) % $rows FROM $n;
INSERT INTO heap SELECT i % 10, CONCAT('v', i % 3), i / 3 FROM $n;
END
}

# A writer changes every table until the flag appears.
sub start_backfill_writer
{
	my ($source, $flag, $number, $rows) = @_;

	return in_child(
		"writer $number",
		sub {
			my $round = 0;
			until (-e $flag)
			{
				my ($status, $out, $err) = $source->client(join('', map { changes($number, $round++, $rows) } 1 .. 10), 'shop');
				# Two writers may meet: one of them tries something else.
				die $err if $status != 0 && $err !~ /Deadlock|Duplicate|Lock wait|foreign key|ERROR 20[01]\d/;
			}
		});
}

sub changes
{
	my ($number, $round, $rows) = @_;
	my $id = 1 + int(rand($rows * 1.1));
	my $new = $rows * 2 + $number * 1000000 + $round;

	return <<"END";
UPDATE customer SET note = CONCAT('changed ', $round), score = -score WHERE id = $id;
INSERT INTO customer (id, name) VALUES ($new, 'new');
DELETE FROM sale WHERE customer = $id;
UPDATE sale SET price = price + 1, line = line + 10 WHERE customer = 1 + $id % 1000 AND line < 10 LIMIT 3;
INSERT INTO sale VALUES ($new, NOW(6), 1, 1.5);
UPDATE word SET n = n + 1 WHERE n = $id;
DELETE FROM word WHERE n = $id + 1;
INSERT IGNORE INTO word VALUES (CONCAT('w', $new), $new);
UPDATE hash SET h = UNHEX(SHA2('$new', 256)) WHERE h = UNHEX(SHA2($id, 256));
UPDATE state SET v = 'y' WHERE bits = $id % 500;
DELETE FROM state WHERE bits = ($id + 7) % 500 AND kind = 'm';
UPDATE tag SET code = CONCAT('n', $round % 10, $number, LPAD($id % 10000, 4, '0')) WHERE v = $id;
BEGIN; INSERT INTO heap VALUES ($number, 'same', 1.1), ($number, 'same', 1.1); DELETE FROM heap WHERE a = $number LIMIT 1; COMMIT;
DELETE FROM owner WHERE id BETWEEN $id AND $id + 5;
UPDATE owner SET id = $new WHERE id = $id + 10;
INSERT IGNORE INTO owner VALUES ($id, 'again');
INSERT INTO pet (owner, keeper) SELECT MIN(id), MAX(id) FROM owner WHERE id BETWEEN $id AND $id + 50;
INSERT INTO nothing VALUES ($new, REPEAT('b', 1000));
BEGIN; INSERT INTO customer (id, name) VALUES ($new + 500000, 'never'); ROLLBACK;
END
}

1;
