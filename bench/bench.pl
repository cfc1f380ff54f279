# The benchmark: every kind of work beside what a user would pick instead, in the same run, alternating.
# How the servers are set up and what each clock measures is told in docs/performance.md.
#
#   BENCH_WORKS="inserts reading transactions backfill latency memory decode outbound_inserts outbound_transactions"
#   BENCH_SOURCES="mariadb mysql" (outbound: targets)   BENCH_RUNS=3   BENCH_ROWS=1000000   BENCH_TRANSACTIONS=150000   BENCH_BIG_ROWS=2000000   BENCH_LATENCIES=200
#   BENCH_BACKFILL_ROWS=1000000   BENCH_BACKFILL_OPTIONS='"backfill_workers": 2' (of the stream, JSON)
#   BENCH_TARGET_OPTIONS="--local-infile=1": more options of outbound targets   BENCH_REFERENCES=none: without the replica, outbound
#
# A kind of work is one function below, named in %works.

use strict;
use warnings;

my $out;

BEGIN
{
	open($out, '>&', \*STDOUT) or die "standard output: $!";
	select((select($out), $| = 1)[0]);
}

use lib "$ENV{DBSTREAM_STAGE}/bench/lib";
use Bench::Backfill qw(write_backfill_rows references);
use Bench::Data qw(%columns prepare_mysql write_mysql write_postgres done_condition expected_rows);
use Bench::Figures qw(cpu_seconds children_cpu own_memory_mb median quantile heading figure note say_row write_figures summary);
use Bench::Outbound;
use Bench::Replicas;
use Bench::Wait qw(wait_postgres wait_mysql);
use DBStream::Compare qw(compare_table);
use DBStream::MySQL;
use DBStream::Process qw(run_program start_program is_running stop_program wait_until);
use DBStream::Scene;
use Time::HiRes qw(sleep time);

my $runs = $ENV{BENCH_RUNS} // 3;
my $rows = $ENV{BENCH_ROWS} // 1_000_000;
my $transactions = int(($ENV{BENCH_TRANSACTIONS} // 150_000) / 6) * 6;
my $big_rows = $ENV{BENCH_BIG_ROWS} // 2_000_000;
my $latencies = $ENV{BENCH_LATENCIES} // 200;
my $backfill_rows = $ENV{BENCH_BACKFILL_ROWS} // 1_000_000;
my $backfill_options = $ENV{BENCH_BACKFILL_OPTIONS} // '"backfill_workers": 2';
my %works = (
	backfill => \&backfill,
	inserts => \&inserts,
	transactions => \&transactions,
	latency => \&latency,
	reading => \&reading,
	memory => \&memory);
my %outbound = map { $_ => 1 } Bench::Outbound::works();
my @wanted = split ' ', $ENV{BENCH_WORKS}
  // 'inserts reading transactions backfill latency memory decode outbound_inserts outbound_transactions';
my $settings = <<'END';
shared_buffers = 256MB
max_wal_size = 8GB
checkpoint_timeout = 1h
autovacuum = off
fsync = off
full_page_writes = off
synchronous_commit = off
log_replication_commands = off
END
my ($native, $failed) = (undef, 0);

Bench::Figures::print_to($out);
foreach my $work (@wanted) { die "there is no work called $work; there are: " . join(' ', sort keys %works) . "\n" unless $works{$work} || $outbound{$work}; }
foreach my $kind (split ' ', $ENV{BENCH_SOURCES} // 'mariadb mysql')
{
	my $why = DBStream::MySQL::missing($kind);
	if ($why)
	{
		print $out "Not measured with $kind: $why\n";
		next;
	}
	my $bench = { kind => $kind };
	my $good = eval {
		set_up($bench) if grep { $works{$_} } @wanted;
		timed($_, sub { $works{ $_[0] }->($bench) }) foreach grep { $works{$_} } @wanted;
		$bench->{replica}->finish if $bench->{replica};
		$bench->{scene}->finish if $bench->{scene};
		1;
	};
	next if $good;
	print $out "Failed with $kind: $@\n", ($bench->{scene} ? $bench->{scene}->state_text : '');
	$failed = 1;
}
my @outward = grep { $outbound{$_} } @wanted;
if (@outward)
{
	my $bench = Bench::Outbound->new(settings => $settings, runs => $runs, rows => $rows, transactions => $transactions);
	foreach my $kind (split ' ', $ENV{BENCH_SOURCES} // 'mariadb mysql')
	{
		my $why = DBStream::MySQL::missing($kind);
		next if $why;
		my $good = eval {
			timed("$_ to $kind", sub { $bench->run($kind, $_[1]) }, $_) foreach @outward;
			1;
		};
		next if $good;
		print $out "Failed with $kind as the target: $@\n", $bench->state_text($kind);
		$failed = 1;
	}
	$bench->finish;
}
$native->finish if $native;
summary();
write_figures('bench.json');
exit($failed);

sub timed
{
	my ($work, $do, @more) = @_;
	my $begin = time();

	$do->($work, @more);
	note(sprintf('(%s took %.0f s)', $work, time() - $begin));
}

sub set_up
{
	my ($bench) = @_;

	$bench->{scene} = DBStream::Scene->new(
		kind => $bench->{kind},
		conf => $settings . "wal_level = replica\n",
		source_options => [ '--innodb-buffer-pool-size=512M', '--max-binlog-size=1G' ]);
	my ($source, $target) = ($bench->{scene}->source, $bench->{scene}->target);

	$bench->{title} = $source->title;
	$source->sql('CREATE DATABASE bench');
	$source->sql("CREATE TABLE bench.$_ $columns{$_}") foreach sort keys %columns;
	$source->sql('CREATE INDEX x_n ON bench.x (n)');
	prepare_mysql($source);
	$target->sql('CREATE SCHEMA bench');
	$bench->{scene}->bridge->start;
	# None of the references encrypts what it sends, so neither do we.
	$bench->{scene}->create_connection('m_source', ssl_mode => 'DISABLED');
}

# The first that asks pays for the other servers.
sub native { return $native //= Bench::Native->new($settings . "wal_level = replica\n"); }

# A MySQL replica is compared only where its source is the same server as ours.
sub replica
{
	my ($bench) = @_;

	return undef if $bench->{kind} ne 'mysql';
	return $bench->{replica} //= Bench::Replica->new($bench->{scene}->source);
}

sub position
{
	my ($bench) = @_;
	my ($row) = $bench->{scene}->source->rows($bench->{kind} eq 'mysql' ? 'SHOW BINARY LOG STATUS' : 'SHOW MASTER STATUS');

	return "$row->[0]:$row->[1]";
}

# ---- catching up with a backlog ----

sub empty_table
{
	my ($server, $table) = @_;

	$server->sql("DROP TABLE IF EXISTS bench.$table; CREATE TABLE bench.$table $columns{$table}"
		  . ($table eq 'x' ? '; CREATE INDEX x_n ON bench.x (n)' : ''));
	$server->sql('CHECKPOINT');
}

# A stream from a position of the log on; the clock runs from its start until the last change is committed and visible.
sub our_catch_up
{
	my ($bench, $table, $from, $condition) = @_;
	my ($scene, $target) = ($bench->{scene}, $bench->{scene}->target);
	my %pid = (bridge => $scene->bridge->pid, source => $scene->source->pid);
	my (%before, %memory);

	empty_table($target, $table);
	$target->sql("SELECT dbstream.create_stream('b', source => 'm_source', target => 'local', tables => '{bench.$table}',"
		  . " options => '{\"start\": \"$from\", \"follow\": \"file\"}')");
	$before{$_} = cpu_seconds($pid{$_}) foreach keys %pid;
	my $begin = time();
	$target->sql("SELECT dbstream.start_stream('b')");
	wait_postgres($target, $condition,
		sub {
			highest_memory(\%memory, \%pid, 'bridge', 'source');
		});
	my $seconds = time() - $begin;
	my ($pids) = $target->rows("SELECT worker_pid, receiver_pid FROM dbstream.worker_status WHERE stream = 'b'");
	@pid{ 'worker', 'receiver' } = @$pids;
	my %cpu = map { $_ => cpu_seconds($pid{$_}) - ($before{$_} // 0) } keys %pid;
	$memory{$_} = own_memory_mb($pid{$_}) foreach 'worker', 'receiver';
	$bench->{checksum} = checksum($target, $table);
	$scene->drop_stream('b');
	return ($seconds, \%cpu, \%memory);
}

sub highest_memory
{
	my ($memory, $pid, @names) = @_;

	foreach my $name (@names)
	{
		my $now = own_memory_mb($pid->{$name});
		$memory->{$name} = $now if $now > ($memory->{$name} // 0);
	}
}

sub checksum
{
	my ($server, $table) = @_;

	return $server->sql("SELECT count(*), sum(id), sum(n), md5(string_agg(a || coalesce(b, '-'), ',' ORDER BY id)) FROM bench.$table");
}

sub copy_once
{
	my ($bench, $table) = @_;
	my $target = $bench->{scene}->target;

	empty_table($target, $table);
	# The server process tells what it has used itself: it ends with the connection.
	my $used = "SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)";
	my $begin = time();
	my $text = $target->sql("$used; COPY bench.$table FROM '" . DBStream::Scene::work_folder() . "/copy.bin' (FORMAT binary); $used");
	my $seconds = time() - $begin;
	my @nanoseconds = split(/\n/, $text);
	return ($seconds, ($nanoseconds[1] - $nanoseconds[0]) / 1e9);
}

sub native_once
{
	my ($bench, $table, $condition, $binary) = @_;

	native()->prepare($table, $binary);
	my $begin = time();
	native()->start;
	wait_postgres(native()->subscriber, $condition);
	my $seconds = time() - $begin;
	my $cpu = cpu_seconds(native()->publisher->sql('SELECT pid FROM pg_stat_replication'))
	  + cpu_seconds(native()->subscriber->sql('SELECT pid FROM pg_stat_subscription'));
	die "PostgreSQL's own replication has other rows than ours\n"
	  if $bench->{same_rows} && checksum(native()->subscriber, $table) ne $bench->{checksum};
	native()->end;
	return ($seconds, $cpu);
}

sub replica_once
{
	my ($bench, $table, $from, $to, $condition) = @_;
	my $replica = replica($bench);

	$replica->prepare($table, $from, $to);
	my $before = cpu_seconds($replica->server->pid);
	my $begin = time();
	$replica->start;
	wait_mysql($replica->server, $condition);
	my $seconds = time() - $begin;
	my $cpu = cpu_seconds($replica->server->pid) - $before;
	$replica->end;
	return ($seconds, $cpu);
}

sub catch_up
{
	my ($bench, $work, $table, $size, $row_changes, $title) = @_;
	my ($source, $target) = ($bench->{scene}->source, $bench->{scene}->target);
	my $condition = done_condition($work, $size);
	my $from = position($bench);
	my (%seconds, %cpu, %spent, %memory);

	heading($title);
	write_mysql($source, $work, $size);
	die "the source has not the expected rows\n"
	  unless $source->sql("SELECT COUNT(*) FROM bench.$table") == expected_rows($work, $size);
	my $to = position($bench);
	unless ($native && $native->{written}{$work})
	{
		native()->keep($table);
		write_postgres(native()->publisher, $work, $size);
		native()->{written}{$work} = 1;
	}
	$bench->{same_rows} = 1;

	# The first one warms everything up, is checked, and gives COPY its file.
	our_catch_up($bench, $table, $from, $condition);
	my $differences = compare_table($source, $target, 'bench', $table, where => 'id % 100 = 0');
	die "not the same rows:\n$differences" if $differences ne '';
	if ($work eq 'inserts')
	{
		$target->sql("COPY bench.$table TO '" . DBStream::Scene::work_folder() . "/copy.bin' (FORMAT binary)");
		copy_once($bench, $table);
	}
	foreach my $run (1 .. $runs)
	{
		my ($seconds, $cpu, $memory) = our_catch_up($bench, $table, $from, $condition);

		push @{ $seconds{ours} }, $seconds;
		push @{ $cpu{$_} }, $cpu->{$_} foreach keys %$cpu;
		push @{ $memory{$_} }, $memory->{$_} foreach keys %$memory;
		my %once = (
			native => sub { native_once($bench, $table, $condition, 1) },
			native_text => sub { native_once($bench, $table, $condition, 0) });
		$once{copy} = sub { copy_once($bench, $table) }
		  if $work eq 'inserts';
		$once{replica} = sub { replica_once($bench, $table, $from, $to, $condition) }
		  if replica($bench);
		foreach my $reference (sort keys %once)
		{
			($seconds, $cpu) = $once{$reference}->();
			push @{ $seconds{$reference} }, $seconds;
			push @{ $spent{$reference} }, $cpu;
		}
	}
	my %name = (
		copy => 'COPY (FORMAT binary)',
		native => "PostgreSQL's own logical replication",
		native_text => "PostgreSQL's own, default subscription (text)",
		replica => 'MySQL replica, 4 workers');
	my $again = 0;
	foreach my $reference (grep { $seconds{$_} } qw(copy native native_text replica))
	{
		figure(
			work => $title,
			reference => $name{$reference},
			ours => $seconds{ours},
			theirs => $seconds{$reference},
			rows => $row_changes,
			again => $again++);
	}
	say_row('CPU seconds, ours, median', join(', ', map { sprintf '%s %.2f', $_, median(@{ $cpu{$_} }) } sort keys %cpu));
	my $total = 0;
	$total += median(@{ $cpu{$_} }) foreach qw(bridge receiver worker source);
	say_row('  all of ours; references',
		join(', ', sprintf('%.2f', $total), map { sprintf '%s %.2f', $name{$_}, median(@{ $spent{$_} }) } sort keys %spent));
	say_row('own memory, highest, MB', join(', ', map { sprintf '%s %.0f', $_, quantile(1, @{ $memory{$_} }) } sort keys %memory));
}

sub inserts
{
	my ($bench) = @_;

	catch_up($bench, 'inserts', 't', $rows, $rows, "$bench->{title}: catch-up on $rows inserted rows");
}

sub transactions
{
	my ($bench) = @_;
	my $changes = $transactions / 3 * 4;

	catch_up($bench, 'transactions', 'x', $transactions, $changes,
		"$bench->{title}: catch-up on $transactions small transactions, $changes row changes");
}

# ---- backfill ----

# A stream from nothing: the clock runs from its start until the copy, its indexes and its statistics are committed and
# the stream follows the log.
sub our_backfill
{
	my ($bench) = @_;
	my ($scene, $target) = ($bench->{scene}, $bench->{scene}->target);
	my %pid = (bridge => $scene->bridge->pid, source => $scene->source->pid);
	my (%before, %memory, %builders);

	$target->sql('DROP TABLE IF EXISTS bench.f');
	$target->sql('CHECKPOINT');
	$target->sql("SELECT dbstream.create_stream('f', source => 'm_source', target => 'local', tables => '{bench.f}',"
		  . " options => '{\"start\": \"backfill\", $backfill_options}')");
	$before{$_} = cpu_seconds($pid{$_}) foreach keys %pid;
	my $begin = time();
	$target->sql("SELECT dbstream.start_stream('f')");
	wait_postgres($target, "EXISTS (SELECT FROM dbstream.backfill WHERE state = 'done')",
		sub {
			highest_memory(\%memory, \%pid, 'bridge', 'source');
			children_cpu($target->{_pid}, qr/dbstream index builder/, \%builders);
		});
	my $seconds = time() - $begin;
	my ($pids) = $target->rows("SELECT worker_pid, receiver_pid FROM dbstream.worker_status WHERE stream = 'f'");
	@pid{ 'worker', 'receiver' } = @$pids;
	my %cpu = map { $_ => cpu_seconds($pid{$_}) - ($before{$_} // 0) } keys %pid;
	$cpu{builders} += $_ foreach 0, values %builders;
	$memory{$_} = own_memory_mb($pid{$_}) foreach 'worker', 'receiver';
	$scene->drop_stream('f');
	return ($seconds, \%cpu, \%memory);
}

sub indexes_of
{
	my ($server, $table) = @_;

	return $server->sql("SELECT count(*) FROM pg_index WHERE indrelid = 'bench.$table'::regclass AND indisvalid");
}

sub backfill
{
	my ($bench) = @_;
	my ($source, $target) = ($bench->{scene}->source, $bench->{scene}->target);
	my $title = "$bench->{title}: backfill of $backfill_rows rows";
	my ($ways, $missing) = references($source, $target);
	my (%seconds, %cpu, %spent, %memory);

	heading($title);
	note("not measured: $_") foreach @$missing;
	write_backfill_rows($source, $backfill_rows);

	# Each warms up once, and must bring the very same rows.
	our_backfill($bench);
	my $differences = compare_table($source, $target, 'bench', 'f', where => 'id % 100 = 0');
	die "not the same rows:\n$differences" if $differences ne '';
	my ($same, $indexes) = (checksum($target, 'f'), indexes_of($target, 'f'));
	foreach my $way (@$ways)
	{
		$way->[2]->();
		die "$way->[1] brought other rows or indexes than ours\n"
		  unless checksum($target, 'f') eq $same && indexes_of($target, 'f') == $indexes;
	}
	foreach my $run (1 .. $runs)
	{
		my ($seconds, $cpu, $memory) = our_backfill($bench);

		push @{ $seconds{ours} }, $seconds;
		push @{ $cpu{$_} }, $cpu->{$_} foreach keys %$cpu;
		push @{ $memory{$_} }, $memory->{$_} foreach keys %$memory;
		foreach my $way (@$ways)
		{
			($seconds, $cpu) = $way->[2]->();
			push @{ $seconds{ $way->[0] } }, $seconds;
			push @{ $spent{ $way->[0] } }, $cpu;
		}
	}
	my $again = 0;
	foreach my $way (@$ways)
	{
		figure(
			work => $title,
			reference => $way->[1],
			ours => $seconds{ours},
			theirs => $seconds{ $way->[0] },
			rows => $backfill_rows,
			again => $again++);
	}
	say_row('CPU seconds, ours, median', join(', ', map { sprintf '%s %.2f', $_, median(@{ $cpu{$_} }) } sort keys %cpu));
	my $total = 0;
	$total += median(@{ $cpu{$_} }) foreach keys %cpu;
	say_row('  all of ours; references',
		join(', ', sprintf('%.2f', $total), map { sprintf '%s %.2f', $_->[0], median(@{ $spent{ $_->[0] } }) }
			  grep { $_->[0] ne 'pgloader' } @$ways));
	say_row('own memory, highest, MB', join(', ', map { sprintf '%s %.0f', $_, quantile(1, @{ $memory{$_} }) } sort keys %memory));
	$target->sql('DROP TABLE bench.f');
	$source->sql('DROP TABLE f', 'bench');
	unlink DBStream::Scene::work_folder() . '/backfill.bin';
}

# ---- latency ----

sub latency
{
	my ($bench) = @_;
	my ($scene, $target) = ($bench->{scene}, $bench->{scene}->target);
	my (%each, %median, %tail);
	my $next = 1;

	heading("$bench->{title}: commit at the source to visible at the target, one small transaction at a time");
	empty_table($target, 'l');
	$target->sql("SELECT dbstream.create_stream('l', source => 'm_source', target => 'local', tables => '{bench.l}',"
		  . " options => '{\"start\": \"now\"}')");
	$target->sql("SELECT dbstream.start_stream('l')");
	$scene->caught_up('l', 30) or die "the stream did not start: $scene->{last_wait}\n";
	native()->keep('l');
	native()->prepare('l', 1);
	native()->start;
	my $replica = replica($bench);
	if ($replica)
	{
		my $here = position($bench);
		$replica->prepare('l', $here, $here);
		$replica->start;
	}
	my @ours = ('mysql', $scene->source->socket, 'postgres', $target->connstr('postgres'));
	my %way = (
		ours => \@ours,
		native => [ 'postgres', native()->publisher->connstr('postgres'), 'postgres', native()->subscriber->connstr('postgres') ]);
	$way{replica} = [ 'mysql', $scene->source->socket, 'mysql', $replica->server->socket ] if $replica;
	native()->publisher->sql('TRUNCATE bench.l');
	foreach my $run (0 .. $runs)
	{
		foreach my $name (qw(ours native replica))
		{
			next unless $way{$name};
			my ($status, $text, $error) = run_program([ "$ENV{DBSTREAM_STAGE}/bin/latency", @{ $way{$name} }, $next, $run ? $latencies : 50 ]);
			die "latency of $name: $error\n" if $status;
			$next += $latencies + 50;
			next unless $run;
			my @seconds = map { $_ / 1e6 } split ' ', $text;
			push @{ $each{$name} }, @seconds;
			push @{ $median{$name} }, median(@seconds);
			push @{ $tail{$name} }, quantile(0.99, @seconds);
		}
	}
	my %name = (native => "PostgreSQL's own logical replication", replica => 'MySQL replica, 4 workers');
	my $again = 0;
	foreach my $reference (grep { $way{$_} } qw(native replica))
	{
		figure(work => "$bench->{title}: latency, median", reference => $name{$reference}, ours => $median{ours},
			theirs => $median{$reference}, rows => 1, runs => $runs, single => 1, again => $again++);
	}
	$again = 0;
	foreach my $reference (grep { $way{$_} } qw(native replica))
	{
		figure(work => "$bench->{title}: latency, 99th percentile", reference => $name{$reference}, ours => $tail{ours},
			theirs => $tail{$reference}, rows => 1, runs => $runs, single => 1, again => $again++);
	}
	$replica->end if $replica;
	native()->end;
	native()->forget('l');
	$scene->drop_stream('l');
}

# ---- reading alone ----

# The bridge's source module with an outbox that throws everything away, beside the client program that fetches the
# log as it is, without decoding it, into a file.
sub reading
{
	my ($bench) = @_;
	my $source = $bench->{scene}->source;
	my ($file, $offset);
	my (@ours, @theirs, @cpu);
	my $folder = DBStream::Scene::work_folder() . "/raw-$bench->{kind}";
	my @client = $source->command('client');

	heading("$bench->{title}: reading and decoding alone, $rows inserted rows");
	$source->sql('TRUNCATE bench.t');
	($file, $offset) = split(/:/, position($bench));
	write_mysql($source, 'inserts', $rows);
	$client[-1] =~ s/(mariadb|mysql)$/$1 eq 'mysql' ? 'mysqlbinlog' : 'mariadb-binlog'/e;
	mkdir $folder;
	foreach my $run (0 .. $runs)
	{
		my ($status, $text, $error) = run_program(
			[
				"$ENV{DBSTREAM_STAGE}/bin/binlog_dump", '--host', 'localhost', '--socket', $source->socket, '--user',
				'reader', '--ssl-mode', 'DISABLED', '--start',
				"$file:$offset", '--follow-by', 'file', '--table', 'bench.t', '--quiet' ],
			env => { MYSQL_PWD => $DBStream::Scene::password });
		die "reading: $text$error\n" unless $status == 0 && $error =~ /rows=(\d+).*seconds=([\d.]+) cpu=([\d.]+)/;
		die "$1 rows were read instead of $rows\n" unless $1 == $rows;
		push @ours, $2 if $run;
		push @cpu, $3 if $run;
		my $begin = time();
		($status, $text, $error) = run_program(
			[
				@client, '--no-defaults', '--read-from-remote-server', '--raw', '-S', $source->socket, '-uroot',
				"--result-file=$folder/", "--start-position=$offset", $file ]);
		push @theirs, time() - $begin if $run;
		die "the client program: $error\n" if $status;
	}
	figure(work => "$bench->{title}: reading alone, $rows rows", reference => 'client program, raw, no decoding', ours => \@ours,
		theirs => \@theirs, rows => $rows);
	say_row('rows per CPU second', sprintf('%.0f', $rows / median(@cpu)));
}

# ---- memory ----

sub memory
{
	my ($bench) = @_;
	my ($scene, $source, $target) = ($bench->{scene}, $bench->{scene}->source, $bench->{scene}->target);
	my %highest;

	heading("$bench->{title}: memory during one transaction of $big_rows rows");
	$source->sql('TRUNCATE bench.t');
	write_mysql($source, 'inserts', 1);
	$source->sql('TRUNCATE bench.t');
	empty_table($target, 't');
	my $from = position($bench);
	my @powers = 0 .. length($big_rows - 1) - 1;
	my $numbers = join(' + ', map { "d$_.d * " . 10**$_ } @powers);
	my $digits = join(', ', map { "digit d$_" } @powers);
	$source->sql("INSERT INTO t SELECT n, n % 1000, CONCAT('row number ', n, REPEAT('.', n % 60)), LEFT(SHA2(n, 256), 32)"
		  . " FROM (SELECT $numbers AS n FROM $digits) x WHERE n < $big_rows", 'bench');
	$target->sql("SELECT dbstream.create_stream('m', source => 'm_source', target => 'local', tables => '{bench.t}',"
		  . " options => '{\"start\": \"$from\", \"follow\": \"file\"}')");
	my $begin = time();
	$target->sql("SELECT dbstream.start_stream('m')");
	my $pids;
	wait_until(30, sub { ($pids) = $target->rows("SELECT worker_pid, receiver_pid FROM dbstream.worker_status WHERE stream = 'm'"); $pids && $pids->[0] });
	my %pid = (bridge => $scene->bridge->pid, worker => $pids->[0], receiver => $pids->[1]);
	wait_postgres($target, 'EXISTS (SELECT 1 FROM bench.t WHERE id = ' . ($big_rows - 1) . ')',
		sub {
			foreach my $name (keys %pid)
			{
				my $now = own_memory_mb($pid{$name});
				$highest{$name} = $now if $now > ($highest{$name} // 0);
			}
			sleep(0.02);
		});
	my $seconds = time() - $begin;
	die "not all rows arrived\n" unless $target->sql('SELECT count(*) FROM bench.t') == $big_rows;
	say_row('seconds, rows per second', sprintf('%.1f, %.0f', $seconds, $big_rows / $seconds));
	say_row('own memory, highest, MB (limit 64)', join(', ', map { sprintf '%s %.1f', $_, $highest{$_} } sort keys %highest));
	foreach my $name (qw(bridge worker))
	{
		Bench::Figures::memory_figure(
			work => "$bench->{title}: memory of the $name during one transaction of $big_rows rows, MB",
			limit => 64, megabytes => $highest{$name}, rows => $big_rows);
	}
	$scene->drop_stream('m');
}
