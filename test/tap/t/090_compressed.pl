# Compressed logs: MariaDB's log_bin_compress, MySQL's binlog_transaction_compression.

use strict;
use warnings;

use DBStream::MySQL;
use DBStream::Scene;
use Test::More;

my @kinds = grep { !defined $ENV{DBSTREAM_SOURCE} || $_ eq $ENV{DBSTREAM_SOURCE} } qw(mariadb mysql);
my %option = (
	mariadb => [ '--log-bin-compress=ON', '--log-bin-compress-min-len=10' ],
	mysql => ['--binlog-transaction-compression=ON']);

foreach my $kind (@kinds)
{
  SKIP:
	{
		my $why = DBStream::MySQL::missing($kind);
		skip "$kind: $why", 1 if $why;
		my $scene = DBStream::Scene->new(kind => $kind, source_options => $option{$kind});
		my $good = eval { compressed($scene, $kind); 1 };
		my $error = $@;
		fail("$kind: $error") unless $good;
		diag($scene->state_text) unless $good && Test::More->builder->is_passing;
		eval { $scene->finish };
	}
}
done_testing();

sub compressed
{
	my ($scene, $kind) = @_;
	my $source = $scene->source;

	$source->sql('CREATE DATABASE a; CREATE TABLE a.t (id int PRIMARY KEY AUTO_INCREMENT, v varchar(200), b longblob);'
		  . " INSERT INTO a.t (v) VALUES ('short'), (NULL), (REPEAT('long ', 40))");
	$scene->bridge->start;
	$scene->start_stream('a', 'a.*');
	ok($scene->caught_up('a', 60), "$kind: compressed events arrive") or die "not caught up\n";
	$source->sql('INSERT INTO t (v) SELECT v FROM t;' x 12
		  . "UPDATE t SET v = CONCAT(v, '!') WHERE id % 3 = 0 AND LENGTH(v) < 100; DELETE FROM t WHERE id % 7 = 0;"
		  . "INSERT INTO t (b) VALUES (REPEAT('ab', 2000000)), (RANDOM_BYTES(1000)); BEGIN; INSERT INTO t (v) VALUES ('x');"
		  . "CREATE TEMPORARY TABLE nothing (i int); UPDATE t SET v = 'y' WHERE v = 'x'; COMMIT", 'a');
	ok($scene->catches_up('a', 120), "$kind: large compressed transactions arrive") or die "not caught up\n";
	is($scene->compare('a'), '', "$kind: both sides hold the same");
	my $memory = $scene->bridge->memory_kb;
	cmp_ok($memory, '<', 200 * 1024, "$kind: in bounded memory ($memory kB with a value of 4 MB)");
}
