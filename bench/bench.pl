# The first speed figure: catching up on one million inserted rows (int, int, varchar(120), varchar(60), a primary key)
# from the source's log to the target's commit, beside COPY (FORMAT binary) of the same rows into the same table.
# Both run on the same server with the same settings, alternating, each into an empty table; the source's log and COPY's
# file have been read before (they are in the system's cache).  The clock of ours runs from the start of the stream,
# bridge and servers being up, until the last row is committed and visible.

use strict;
use warnings;

my $out;

BEGIN
{
	open($out, '>&', \*STDOUT) or die "standard output: $!";
	select((select($out), $| = 1)[0]);
}

use DBStream::Compare qw(compare_table);
use DBStream::MySQL;
use DBStream::Process qw(log_tail wait_until write_file);
use DBStream::Scene;
use JSON::PP;
use POSIX ();
use Time::HiRes qw(sleep time);

my $rows = $ENV{BENCH_ROWS} // 1_000_000;
my $runs = $ENV{BENCH_RUNS} // 3;
my $ticks = POSIX::sysconf(POSIX::_SC_CLK_TCK());
my @results;
my $failed = 0;

foreach my $kind (split ' ', $ENV{BENCH_SOURCES} // 'mariadb')
{
	my $why = DBStream::MySQL::missing($kind);
	if ($why)
	{
		print $out "Not measured with $kind: $why\n";
		next;
	}
	my $scene = DBStream::Scene->new(kind => $kind, conf => <<'END');
shared_buffers = 256MB
max_wal_size = 8GB
checkpoint_timeout = 1h
autovacuum = off
fsync = off
full_page_writes = off
synchronous_commit = off
END
	next if eval { inserts($scene, $kind); 1 };
	print $out "Failed with $kind: $@\n", $scene->state_text;
	$failed = 1;
}
write_file('bench.json', JSON::PP->new->canonical->pretty->encode(\@results));
exit($failed);

# CPU seconds that a process has used.
sub cpu_seconds
{
	my ($pid) = @_;

	open(my $file, '<', "/proc/$pid/stat") or return 0;
	my @field = split(' ', (<$file> // '') =~ s/^.*\) //r);
	return ($field[11] + $field[12]) / $ticks;
}

# Memory of its own that a process holds now.
sub own_memory_mb
{
	my ($pid) = @_;

	open(my $file, '<', "/proc/$pid/status") or return 0;
	my %value = map { /^(\w+):\s+(\d+)/ ? ($1 => $2) : () } <$file>;
	return ($value{RssAnon} // 0) / 1024;
}

sub inserts
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);
	my $table = '(id int PRIMARY KEY, n int, a varchar(120), b varchar(60))';

	$source->sql("CREATE DATABASE bench; CREATE TABLE bench.t $table; CREATE TABLE bench.digit (d int PRIMARY KEY);"
		  . ' INSERT INTO bench.digit VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)');
	my $file_position = position($source, $kind);
	# A thousand statements of a thousand rows, as a load would write them.
	my $each = 1000;
	my $numbers = join(' + ', map { 'd' . $_ . '.d * ' . 10**$_ } 0 .. 2);
	my $from = join(', ', map { "digit d$_" } 0 .. 2);
	my @statements = map {
		    "INSERT INTO t SELECT n + $_, (n * 7919 + $_) % 100000, CONCAT('a text of the usual length, number ', n + $_,"
		  . " REPEAT(' and more', (n % 8))), LEFT(SHA2(n + $_, 256), 32) FROM (SELECT $numbers AS n FROM $from) x WHERE n + $_ < $rows;"
	} map { $_ * $each } 0 .. int(($rows + $each - 1) / $each) - 1;
	$source->sql(join("\n", @statements), 'bench');
	die "the source has not $rows rows\n" unless $source->sql('SELECT COUNT(*) FROM bench.t') == $rows;

	$scene->bridge->start;
	$scene->create_connection('m_source');
	my (@ours, @reference, %cpu, %memory);
	my $bytes;
	foreach my $run (0 .. $runs)
	{
		my ($seconds, $cpu, $memory) = one_catch_up($scene, $table, $file_position);
		if ($run == 0)
		{
			# The first one warms everything up, is checked, and gives COPY its file.
			my $differences = compare_table($source, $target, 'bench', 't', where => 'id % 101 = 0');
			die "not the same rows:\n$differences" if $differences ne '';
			$target->sql("COPY bench.t TO '" . DBStream::Scene::work_folder() . "/copy.bin' (FORMAT binary)");
			one_copy($scene, $table);
			next;
		}
		push @ours, $seconds;
		$cpu{$_} += $cpu->{$_} / $runs foreach keys %$cpu;
		foreach (keys %$memory) { $memory{$_} = $memory->{$_} if $memory->{$_} > ($memory{$_} // 0); }
		push @reference, one_copy($scene, $table);
	}
	show($source->title . ': catch-up on ' . $rows . ' inserted rows', 'COPY (FORMAT binary) of the same rows', \@ours, \@reference,
		\%cpu, \%memory);
	$scene->finish;
}

sub position
{
	my ($source, $kind) = @_;
	my ($row) = $source->rows($kind eq 'mysql' ? 'SHOW BINARY LOG STATUS' : 'SHOW MASTER STATUS');

	return "$row->[0]:$row->[1]";
}

sub one_catch_up
{
	my ($scene, $table, $from) = @_;
	my ($source, $target) = ($scene->source, $scene->target);

	$target->sql("CREATE SCHEMA IF NOT EXISTS bench; DROP TABLE IF EXISTS bench.t, bench.digit; CREATE TABLE bench.t $table; CHECKPOINT");
	$target->sql("SELECT dbstream.create_stream('b', source => 'm_source', target => 'local', tables => '{bench.t}',"
		  . " options => '{\"start\": \"$from\", \"follow\": \"file\"}')");
	my $bridge = $scene->bridge->pid;
	my %before = (bridge => cpu_seconds($bridge), source => cpu_seconds($source->pid));
	my $last = $rows - 1;
	my $begin = time();
	$target->sql("SELECT dbstream.start_stream('b')");
	my (%cpu, %memory);
	# One connection that looks every few milliseconds: a new one for each look would cost more than it measures.
	my $done = "DO \$\$ BEGIN FOR i IN 1 .. 60000 LOOP EXIT WHEN EXISTS (SELECT FROM bench.t WHERE id = $last);"
	  . " PERFORM pg_sleep(0.005); COMMIT; END LOOP; END \$\$";
	$target->sql($done);
	my $seconds = time() - $begin;
	my ($pids) = $target->rows("SELECT worker_pid, receiver_pid FROM dbstream.worker_status WHERE stream = 'b'");
	%cpu = (
		bridge => cpu_seconds($bridge) - $before{bridge},
		source => cpu_seconds($source->pid) - $before{source},
		worker => cpu_seconds($pids->[0] // 0),
		receiver => cpu_seconds($pids->[1] // 0));
	%memory = (bridge => own_memory_mb($bridge), worker => own_memory_mb($pids->[0] // 0), receiver => own_memory_mb($pids->[1] // 0));
	my $count = $target->sql('SELECT count(*) FROM bench.t');
	die "$count rows arrived instead of $rows\n" if $count != $rows;
	$scene->drop_stream('b');
	return ($seconds, \%cpu, \%memory);
}

sub one_copy
{
	my ($scene, $table) = @_;
	my $target = $scene->target;

	$target->sql("DROP TABLE IF EXISTS bench.t; CREATE TABLE bench.t $table; CHECKPOINT");
	my $begin = time();
	$target->sql("COPY bench.t FROM '" . DBStream::Scene::work_folder() . "/copy.bin' (FORMAT binary)");
	return time() - $begin;
}

sub median
{
	my @sorted = sort { $a <=> $b } @_;

	return @sorted % 2 ? $sorted[ $#sorted / 2 ] : ($sorted[ @sorted / 2 - 1 ] + $sorted[ @sorted / 2 ]) / 2;
}

sub show
{
	my ($work, $reference, $ours, $theirs, $cpu, $memory) = @_;
	my @ratios = map { $ours->[$_] / $theirs->[$_] } 0 .. $#$ours;
	my ($ours_s, $theirs_s) = (median(@$ours), median(@$theirs));
	my @sorted = sort { $a <=> $b } @ratios;

	printf $out "\n%s\n", $work;
	printf $out "  %-46s %8.2f s  (%s)\n", 'ours', $ours_s, join(', ', map { sprintf '%.2f', $_ } @$ours);
	printf $out "  %-46s %8.2f s  (%s)\n", $reference, $theirs_s, join(', ', map { sprintf '%.2f', $_ } @$theirs);
	printf $out "  %-46s %8.2f    (lowest %.2f, highest %.2f; below 1 is faster than the reference)\n", 'ratio, median', median(@ratios),
	  $sorted[0], $sorted[-1];
	printf $out "  %-46s %8.0f\n", 'rows per second, ours', $rows / $ours_s;
	printf $out "  %-46s %s\n", 'CPU seconds', join(', ', map { sprintf '%s %.2f', $_, $cpu->{$_} } sort keys %$cpu);
	printf $out "  %-46s %s\n", 'own memory at the end, MB', join(', ', map { sprintf '%s %.0f', $_, $memory->{$_} } sort keys %$memory);
	push @results,
	  {
		work => $work,
		reference => $reference,
		ratio => 0 + sprintf('%.3f', median(@ratios)),
		ours_s => 0 + sprintf('%.3f', $ours_s),
		reference_s => 0 + sprintf('%.3f', $theirs_s),
		rows => $rows + 0,
		runs => $runs + 0
	  };
}
