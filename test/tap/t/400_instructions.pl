# What a row costs in instructions, counted by callgrind: decoding it in the bridge, and applying it in the worker.
# Two runs of different size are subtracted, so that starting and ending do not count.  The number is the same on a busy
# machine; the limits leave room for other compilers and libraries (half as much again), not for a loss of the fast path.

use strict;
use warnings;

use DBStream::Postgres;
use DBStream::Process qw(run_program start_program stop_program wait_until read_file is_running);
use Test::More;

my %limit = (
	'decoding, an insert and an update' => 3200,
	'writing the literals of a row' => 6100,
	'applying one of many inserted rows' => 16000,
	'applying a transaction of one row, behind' => 20000);
my ($status) = run_program([ 'valgrind', '--version' ]);
if ($status != 0)
{
	plan skip_all => 'valgrind is not installed (apt-get install valgrind)';
}

sub within
{
	my ($what, $instructions) = @_;

	note(sprintf '%s: %.0f instructions', $what, $instructions);
	cmp_ok($instructions, '>', 100, "$what: was counted");
	cmp_ok($instructions, '<', $limit{$what}, "$what: within its limit");
}

# ---- the bridge ----
sub counted
{
	my ($program, $rows) = @_;
	my ($exit, $out, $err) = run_program(
		[ 'valgrind', '--tool=callgrind', '--callgrind-out-file=/dev/null', "$ENV{DBSTREAM_STAGE}/bin/$program", $rows ]);

	return $exit == 0 && $err =~ /Collected : (\d+)/ ? $1 : die "callgrind: $out$err\n";
}

within('decoding, an insert and an update', (counted('row_decode', 20_000) - counted('row_decode', 10_000)) / 10_000);
within('writing the literals of a row', (counted('row_literals', 20_000) - counted('row_literals', 10_000)) / 10_000);

# ---- the worker: a server that runs under callgrind, with every process counted by itself ----
my $folder = "$ENV{TESTDIR}/counted";
my $pg = DBStream::Postgres->create('counted', conf => "autovacuum = off\nfsync = off\nsession_preload_libraries = ''\n");
$pg->sql('CREATE EXTENSION dbstream; CREATE SCHEMA shop;'
	  . ' CREATE TABLE shop.t (id int PRIMARY KEY, n int, a varchar(120), b varchar(60))');
$pg->sql(q{INSERT INTO dbstream.stream (id, name, owner, source, target, tables, options, desired)
	VALUES (1, 's', current_user::regrole, 'nowhere', 'local', '{shop.*}', '{}', 'running')});
$pg->stop('fast');
mkdir $folder;
my ($postgres) = grep { -x } map { "$_/postgres" } split(/:/, $ENV{PATH});
my $server = start_program(
	'PostgreSQL under callgrind',
	[
		'valgrind', '--tool=callgrind', '--trace-children=yes', "--callgrind-out-file=$folder/counts.%p", $postgres,
		'-D', $pg->data_dir ],
	"$folder/log");
my $up = wait_until(120, sub { my ($exit) = $pg->run_psql('SELECT 1'); $exit == 0 || !is_running($server) });

# Instructions of the worker of one session that applied the script.
sub applying
{
	my (@lines) = @_;
	my $script = join('', map { tr/|/\t/r . "\n" } 'hello|0', 'table|1|shop|t|id:int4:key|n:int4|a:text|b:text', @lines);
	my %before = map { $_ => 1 } glob("$folder/counts.*");
	my ($exit, $out, $err) = run_program([ $ENV{DBSTREAM_FEED}, $pg->conninfo, 1 ], stdin => $script, limit => 200);

	return undef if $exit != 0;
	my $total;
	wait_until(60,
		sub {
			foreach my $file (grep { !$before{$_} } glob("$folder/counts.*"))
			{
				my $text = read_file($file);
				return $total = $1 if $text =~ /dbs_worker_main/ && $text =~ /^totals:\s+(\d+)/m;
			}
			return 0;
		});
	return $total;
}

SKIP:
{
	skip 'PostgreSQL does not start under valgrind here', 4 unless $up && is_running($server);
	my $place = 0;
	my $first = 0;
	my $many = sub {
		my $from = $first;
		$first += $_[0];
		return applying('begin', "rows|1|$from|$_[0]", 'commit|binlog.000001:' . ++$place, 'sync');
	};
	my $small = sub {
		my $from = $first;
		$first += $_[0];
		return applying("small|1|$from|$_[0]", 'sync');
	};
	foreach my $try ([ 'applying one of many inserted rows', $many ], [ 'applying a transaction of one row, behind', $small ])
	{
		my ($name, $run) = @$try;
		my @counts = map { $run->($_) } 1000, 3000;

		skip "$name: the machine is too slow for a session under valgrind", 2 if grep { !defined } @counts;
		within($name, ($counts[1] - $counts[0]) / 2000);
	}
}
stop_program($server, 'INT', 60);
done_testing();
