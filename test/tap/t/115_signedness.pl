# Which integers are unsigned stands in the log as one bit for each number: a type that is counted wrongly shifts the
# bits of all columns behind it. So every type stands before signed and unsigned integers here.

use strict;
use warnings;

use DBStream::MySQL;
use DBStream::Scene;
use Test::More;

my @types = ('year', 'smallint unsigned', 'bit(9)', "enum('x','y')", "set('x','y')", 'json', 'float', 'double', 'decimal(12,2)',
	'tinyint', 'tinyint(1)', 'mediumint unsigned', 'bigint', 'date', 'datetime', 'timestamp NULL', 'time', 'char(12)',
	'varchar(30)', 'text', 'varbinary(20)', 'point');

foreach my $kind (qw(mariadb mysql))
{
  SKIP:
	{
		my $why = DBStream::MySQL::missing($kind);
		skip "$kind: $why", 1 if $why;
		my $scene = DBStream::Scene->new(kind => $kind);
		my $sql = 'CREATE DATABASE sign; USE sign;';
		my $number = 0;

		foreach my $type (@types)
		{
			my $table = 't' . ++$number;
			$sql .= "CREATE TABLE $table (id int PRIMARY KEY, p $type, i int, u int unsigned, k int);"
			  . "INSERT INTO $table VALUES (1, NULL, -10405, 4294967290, -3);"
			  . "ALTER TABLE $table ADD COLUMN q int FIRST; UPDATE $table SET q = -10405; ALTER TABLE $table MODIFY q bigint;"
			  . "ALTER TABLE $table ADD COLUMN z smallint unsigned AFTER q; UPDATE $table SET z = 40000, i = -77;"
			  . "ALTER TABLE $table DROP COLUMN z; UPDATE $table SET i = -78;";
		}
		$scene->source->sql($sql);
		$scene->bridge->start;
		$scene->start_stream('sign', 'sign.*');
		ok($scene->caught_up('sign', 60), "$kind: integers behind every type arrive") or diag($scene->{last_wait});
		is($scene->compare('sign'), '', "$kind: with their signs");
		diag($scene->state_text) unless Test::More->builder->is_passing;
		$scene->finish;
	}
}
done_testing();
