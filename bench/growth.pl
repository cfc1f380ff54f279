# How cost grows: one stream's catch-up with more rows, tables, columns, streams, and larger values, one at a time.
# Prints a table, writes growth.json and growth.svg; bench/run runs it:
#
#   BENCH_SCRIPT=growth.pl bench/run       BENCH_RUNS=3  BENCH_CASES="rows tables columns streams values"
#   BENCH_LARGEST=1000000 (rows; 10000000 takes minutes)
#
# Times per row are CPU time of bridge and workers together, which a busy machine changes least.  Each case has about the
# same amount of work in every step but the first, whose amount is what grows.

use strict;
use warnings;

my $out;

BEGIN
{
	open($out, '>&', \*STDOUT) or die "standard output: $!";
	select((select($out), $| = 1)[0]);
}

use lib "$ENV{DBSTREAM_STAGE}/bench/lib";
use Bench::Figures qw(cpu_seconds own_memory_mb median);
use Bench::Plot qw(plot);
use DBStream::MySQL;
use DBStream::Process qw(write_file);
use DBStream::Scene;
use JSON::PP;
use Time::HiRes qw(time);

my $runs = $ENV{BENCH_RUNS} // 3;
my $largest = $ENV{BENCH_LARGEST} // 1_000_000;
my %cases = (
	rows => [ map { { rows => $_ } } grep { $_ <= $largest } 10_000, 100_000, 1_000_000, 10_000_000 ],
	tables => [ map { { tables => $_, rows => 100_000 } } 1, 10, 100, 1000 ],
	columns => [ map { { columns => $_, rows => 400_000 / $_ } } 4, 40, 400 ],
	streams => [ map { { streams => $_, tables => $_, rows => 100_000 } } 1, 5, 20 ],
	values => [ map { { bytes => $_, rows => $_ > 1000 ? int(100_000_000 / $_) || 1 : 100_000 } } 10, 1000, 100_000, 10_000_000 ]);
my ($kind) = split ' ', $ENV{BENCH_SOURCES} // 'mariadb';
my $scene = DBStream::Scene->new(
	kind => $kind,
	source_options => [ '--innodb-buffer-pool-size=512M', '--max-binlog-size=1G' ],
	conf => <<'END');
shared_buffers = 256MB
max_wal_size = 8GB
checkpoint_timeout = 1h
autovacuum = off
fsync = off
full_page_writes = off
max_worker_processes = 40
max_replication_slots = 40
END
my ($source, $target) = ($scene->source, $scene->target);
my @results;

$source->sql('CREATE DATABASE digits; CREATE TABLE digits.d (d int PRIMARY KEY);'
	  . ' INSERT INTO digits.d VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)');
$scene->bridge->start;
$scene->create_connection('m_source', ssl_mode => 'DISABLED');
printf $out "%-34s %9s %9s %12s %12s %9s %9s\n", 'case', 'seconds', 'CPU s', 'CPU us/row', 'MB/CPU s', 'bridge MB', 'worker MB';
foreach my $case (split ' ', $ENV{BENCH_CASES} // 'rows tables columns streams values')
{
	foreach my $step (@{ $cases{$case} // die "there is no case $case\n" })
	{
		eval { push @results, measure($case, $step); 1 } or end_case($case, $@);
	}
}
write_file('growth.json', JSON::PP->new->canonical->pretty->encode(\@results));
write_file('growth.svg', plot(\@results));
$scene->finish;
exit(@results ? 0 : 1);

sub end_case
{
	my ($case, $error) = @_;

	print $out "$case failed: $error", $scene->state_text;
	eval { $scene->drop_stream($_->[0]) foreach $target->rows('SELECT name FROM dbstream.stream_status'); };
}

# The columns of a table of this step, and the SQL that makes a row of number n.
sub columns_of
{
	my ($step) = @_;

	return ('id int PRIMARY KEY, a LONGTEXT', 'id int PRIMARY KEY, a text', "n, REPEAT('x', $step->{bytes})") if $step->{bytes};
	if ($step->{columns})
	{
		my @names = map { "c$_" } 2 .. $step->{columns};
		my $columns = join(', ', 'id int PRIMARY KEY', map { "$_ int" } @names);
		return ($columns, $columns, join(', ', 'n', ('n % 1000') x @names));
	}
	my $columns = 'id int PRIMARY KEY, n int, a varchar(120), b varchar(60)';
	return ($columns, $columns, "n, n % 1000, CONCAT('a text of the usual length, number ', n), LEFT(SHA2(n, 256), 32)");
}

sub write_rows
{
	my ($step, $schema) = @_;
	my ($at_source, $at_target, $row) = columns_of($step);
	my $tables = $step->{tables} // 1;
	my $each = int($step->{rows} / $tables);
	my $numbers = join(' + ', map { "d$_.d * " . 10**$_ } 0 .. 2);
	my $digits = join(', ', map { "digits.d d$_" } 0 .. 2);

	$source->sql(join('', "CREATE DATABASE $schema;", map { "CREATE TABLE $schema.t$_ ($at_source);" } 1 .. $tables));
	$target->sql(join('', "CREATE SCHEMA $schema;", map { "CREATE TABLE $schema.t$_ ($at_target);" } 1 .. $tables));
	# A file of its own: a stream that is told to start within a file reads it from its beginning.
	$source->sql("FLUSH BINARY LOGS");
	my $here = position();
	# Statements of at most a thousand rows, or some ten megabytes.
	my $bytes = $step->{bytes} || 100;
	my $block = $bytes > 10_000 ? int(10_000_000 / $bytes) || 1 : 1000;
	my @statements;
	for (my $first = 0; $first < $each; $first += $block)
	{
		my $last = $first + $block < $each ? $first + $block : $each;
		push @statements, map {
			"INSERT INTO $schema.t$_ SELECT $row FROM (SELECT $numbers + $first AS n FROM $digits HAVING n < $last) x;"
		} 1 .. $tables;
	}
	$source->sql(join("\n", @statements));
	return $here;
}

sub position
{
	my ($row) = $source->rows($kind eq 'mysql' ? 'SHOW BINARY LOG STATUS' : 'SHOW MASTER STATUS');

	return "$row->[0]:$row->[1]";
}

# What a process of one thread has used, exactly: the clock ticks of cpu_seconds are too coarse for ten thousand rows.
sub nanoseconds
{
	my ($pid) = @_;

	open(my $file, '<', "/proc/$pid/schedstat") or return 0;
	return (split ' ', <$file>)[0];
}

sub measure
{
	my ($case, $step) = @_;
	my $streams = $step->{streams} // 1;
	my $tables = $step->{tables} // 1;
	my $schema = "g_${case}_" . ($step->{streams} // $step->{bytes} // $step->{columns} // $step->{tables} // $step->{rows});
	my $here = write_rows($step, $schema);
	my (@seconds, @cpu, $bridge_mb, $worker_mb);

	foreach my $run (0 .. $runs)
	{
		$target->sql(join('', map { "TRUNCATE $schema.t$_;" } 1 .. $tables));
		$target->sql('CHECKPOINT');
		foreach my $stream (1 .. $streams)
		{
			my $which = $streams == 1 ? '*' : "t$stream";
			$target->sql("SELECT dbstream.create_stream('g$stream', source => 'm_source', target => 'local',"
				  . " tables => '{$schema.$which}', options => '{\"start\": \"$here\", \"follow\": \"file\"}')");
		}
		my $before = cpu_seconds($scene->bridge->pid);
		my $begin = time();
		$target->sql(join('', map { "SELECT dbstream.start_stream('g$_');" } 1 .. $streams));
		$target->sql(join('', map { "SELECT dbstream.wait_for_stream('g$_', '300s');" } 1 .. $streams));
		push @seconds, time() - $begin if $run;
		my $count = $target->sql('SELECT ' . join(' + ', map { "(SELECT count(*) FROM $schema.t$_)" } 1 .. $tables));
		die "$count rows arrived instead of $step->{rows}\n" if $count != int($step->{rows} / $tables) * $tables;
		$bridge_mb = own_memory_mb($scene->bridge->pid);
		my @pids = map { $_->[0] } $target->rows("SELECT worker_pid FROM dbstream.worker_status WHERE stream ~ '^g'");
		my $cpu = cpu_seconds($scene->bridge->pid) - $before;
		$cpu += nanoseconds($_) / 1e9 foreach @pids;
		push @cpu, $cpu if $run;
		$worker_mb = (sort { $b <=> $a } map { own_memory_mb($_) } @pids)[0];
		$scene->drop_stream("g$_") foreach 1 .. $streams;
	}
	$target->sql("DROP SCHEMA $schema CASCADE");
	$source->sql("DROP DATABASE $schema");
	my ($seconds, $cpu) = (median(@seconds), median(@cpu));
	my $size = $step->{bytes} ? $step->{bytes} + 4 : $step->{columns} ? 4 * $step->{columns} : 90;
	my %result = (
		case => $case,
		step => $step->{streams} // $step->{bytes} // $step->{columns} // $step->{tables} // $step->{rows},
		rows => $step->{rows},
		seconds => 0 + sprintf('%.3f', $seconds),
		cpu_s => 0 + sprintf('%.3f', $cpu),
		us_per_row => 0 + sprintf('%.3f', $cpu / $step->{rows} * 1e6),
		mb_per_s => 0 + sprintf('%.1f', $size * $step->{rows} / $cpu / 1e6),
		bridge_mb => 0 + sprintf('%.1f', $bridge_mb),
		worker_mb => 0 + sprintf('%.1f', $worker_mb));
	my %unit = (values => 'bytes a value', rows => 'rows');
	printf $out "%-34s %9.3f %9.3f %12.2f %12.1f %9.1f %9.1f\n", "$result{step} " . ($unit{$case} // $case) . ", $result{rows} rows",
	  @result{qw(seconds cpu_s us_per_row mb_per_s bridge_mb worker_mb)};
	return \%result;
}
