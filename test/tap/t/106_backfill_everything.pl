# A backfill of tables of every type, every sort of key and none, large, empty, wide, with large values, while
# writers change all of them: equal at the end by every value. The same while the bridge, PostgreSQL and the source are
# killed. And what the processes take of memory hardly depends on the size of tables, and by a bounded factor on that of values.
#
#   DBSTREAM_BACKFILL_ROWS=n      rows of the largest table (default 30000)
#   DBSTREAM_BACKFILL_VALUE_MB=n  size of the largest values (default 4)
#   DBSTREAM_FAULTS=n             kills in each run with faults (default 3)
#   DBSTREAM_BACKFILL_SCENES      of mariadb, mysql, mysql_root, mysql_file, and each with _faults behind it
#                                 (default "mariadb mysql_faults"; "all": every one)
#   DBSTREAM_SEED=n               repeats the choices of a run (not the timing of the machine)

use strict;
use warnings;

use DBStream::Backfill qw(backfill_schema backfill_rows start_backfill_writer);
use DBStream::Compare qw(source_tables);
use DBStream::Everything qw(create_everything start_everything_writer compare_everything);
use DBStream::Faults qw(fault plan_of_faults);
use DBStream::MySQL;
use DBStream::Process qw(in_child is_running own_memory_kb read_file wait_until write_file);
use DBStream::Scene;
use Test::More;
use Time::HiRes qw(sleep time);

my $seed = $ENV{DBSTREAM_SEED} // int(rand(2**31));
my $faults = $ENV{DBSTREAM_FAULTS} // 3;
my $large = $ENV{DBSTREAM_BACKFILL_ROWS} // 30_000;
my $small = $large < 10_000 ? $large : 10_000;
my $value_mb = $ENV{DBSTREAM_BACKFILL_VALUE_MB} // 4;
my $patience = 120 + $large / 5000 + $value_mb * 10;
my $folder = DBStream::Scene::work_folder();

# How often the row with the largest values may be in memory at once. Copied, the bridge has it as the client library gives
# it and as it goes to the wire, the worker as a message and as values. In the log a change of it is two rows.
my %times_copying = (bridge => 3, worker => 3, receiver => 0.5);
my %times_with_log = (bridge => 5, worker => 5, receiver => 0.5);

# mysql: a user with SELECT, REPLICATION SLAVE and REPLICATION CLIENT and nothing more, as all but mysql_root have it.
# mysql_file: without GTIDs.
my %scenes = (
	mariadb => { kind => 'mariadb' },
	mysql => { kind => 'mysql' },
	mysql_root => { kind => 'mysql', rights => 'ALL' },
	mysql_file => { kind => 'mysql', source_options => [ '--gtid-mode=OFF', '--enforce-gtid-consistency=OFF' ] });
my $wanted = $ENV{DBSTREAM_BACKFILL_SCENES} // 'mariadb mysql_faults';
my @wanted = $wanted eq 'all' ? map { ($_, "${_}_faults") } sort keys %scenes : split(' ', $wanted);

diag("seed $seed: repeat with DBSTREAM_SEED=$seed");
foreach my $name (@wanted)
{
	my $given = $scenes{ $name =~ s/_faults$//r } // die "there is no scene called $name\n";
	next if defined $ENV{DBSTREAM_SOURCE} && $ENV{DBSTREAM_SOURCE} ne $given->{kind};
  SKIP:
	{
		my $why = DBStream::MySQL::missing($given->{kind});
		skip "$name: $why", 1 if $why;
		srand($seed);
		my $scene = DBStream::Scene->new(
			name => $name,
			kind => $given->{kind},
			source_options => [ '--innodb-buffer-pool-size=256M', '--max-binlog-size=1G', @{ $given->{source_options} // [] } ],
			conf => "max_wal_size = 4GB\n");
		$scene->source->sql("GRANT $given->{rights} ON *.* TO 'reader'\@'%'") if $given->{rights};
		my $good = eval { copied_whole($scene, $name); 1 };
		my $error = $@;
		fail("$name: $error") unless $good;
		diag($scene->state_text) unless $good && Test::More->builder->is_passing;
		eval { $scene->finish };
	}
}
done_testing();

sub copied_whole
{
	my ($scene, $name) = @_;
	my ($source, $target) = ($scene->source, $scene->target);
	my $with_faults = $name =~ /_faults$/;

	create_everything($source, large => $large, small => $small, value_mb => $value_mb);
	$source->sql(backfill_schema());
	$source->sql(backfill_rows($small), 'shop');
	my $tables = map { source_tables($source, $_) } qw(shop more);
	cmp_ok($tables, '>=', 20, "$name: there are $tables tables");
	my $flag = "$folder/stop-$name";
	my @writers = (
		start_backfill_writer($source, $flag, 1, $small),
		start_everything_writer($source, $flag, large => $large, small => $small, seed => $seed));
	$scene->bridge->start;
	$scene->create_connection('all_source');
	$scene->create_stream('all', 'shop.*,more.*', start => 'backfill', backfill_workers => 3);
	my $began = time();
	$target->sql("SELECT dbstream.start_stream('all')");
	my ($sampler, $stop_sampler) = $with_faults ? () : sample_memory($scene, $name);
	faults_happen($scene, $name) if $with_faults;
	ok($target->wait_for("SELECT state IN ('window', 'finishing', 'done') FROM dbstream.backfill", $patience),
		"$name: the tables are copied")
	  or die "not copied\n";
	my $copied = time() - $began;
	my %copying = $sampler ? memory_so_far($name) : ();
	write_file($flag, '');
	foreach my $writer (@writers)
	{
		wait_until($patience, sub { !is_running($writer) }) // die "a writer did not end\n";
	}
	ok($target->wait_for("SELECT state = 'done' FROM dbstream.backfill", $patience), "$name: the backfill ends")
	  or die "not done\n";
	ok($scene->catches_up('all', $patience), "$name: the stream catches up") or die "not caught up\n";
	diag(sprintf('figure: %s: %d tables, the largest of %d rows, values of %d MB: copied after %.0f s, caught up after %.0f s',
			$name, $tables, $large, $value_mb, $copied, time() - $began));
	if ($sampler)
	{
		write_file($stop_sampler, '');
		wait_until(30, sub { !is_running($sampler) });
		memory_is_bounded("$name: while copying,", \%times_copying, %copying);
		memory_is_bounded("$name: with the log behind it,", \%times_with_log, memory_so_far($name));
	}
	cmp_ok($target->sql("SELECT min(rows_updated) FROM dbstream.table_status WHERE source_table IN ('customer', 'by_text', 'wide')"),
		'>', 0, "$name: the writers were at work");
	is($scene->compare('shop'), '', "$name: the shop is the same on both sides (seed $seed)");
	is(compare_everything($source, $target, large => $large), '', "$name: so is every value of all other tables");
	is($target->sql("SELECT count(*) FROM dbstream.backfill_status WHERE phase <> 'done'"), '0', "$name: the status says so");
	is($target->sql('SELECT count(*) FROM dbstream.deferred_ddl'), '0', "$name: every index and foreign key is made");
}

sub copied_rows
{
	my ($target) = @_;
	my ($status, $out) = $target->run_psql('SELECT coalesce(sum(rows_done), 0) FROM dbstream.backfill_table');

	return $status == 0 && $out =~ /^\d+$/ ? $out : undef;
}

sub faults_happen
{
	my ($scene, $name) = @_;
	my $target = $scene->target;
	my %during;

	foreach my $fault (plan_of_faults($faults, qw(bridge_killed postgres_killed source_killed)))
	{
		# Somewhere within what comes next, be it copying or the log after it.
		my $now = wait_until($patience, sub { copied_rows($target) });
		die "nothing was copied\n" unless defined $now;
		sleep(rand($large / 20_000 < 5 ? 1 + $large / 20_000 : 5));
		my ($status, $state) = $target->run_psql('SELECT state FROM dbstream.backfill');
		$during{$state}++ if $status == 0;
		diag("$name: $fault, $state, $now rows copied");
		fault($scene, $fault);
	}
	pass("$name: $faults faults (" . join(', ', map { "$during{$_} while $_" } sort keys %during) . ')');
}

# ---- memory ----

# The largest that each process has had of its own, looked at all the while by a process beside the test. Returns it and
# the file that ends it.
sub sample_memory
{
	my ($scene, $name) = @_;
	my $flag = "$folder/stop-sampling-$name";
	my ($bridge, $pids) = ($scene->bridge->pid);

	wait_until(60,
		sub {
			($pids) = $scene->target->rows("SELECT worker_pid, receiver_pid FROM dbstream.worker_status WHERE worker_pid > 0");
			return $pids && $pids->[0] && $pids->[1];
		}) // die "the stream has no worker\n";
	my %pid = (bridge => $bridge, worker => $pids->[0], receiver => $pids->[1]);
	my $sampler = in_child(
		'memory',
		sub {
			my %highest = map { $_ => 0 } keys %pid;
			until (-e $flag)
			{
				foreach my $process (keys %pid)
				{
					my $now = own_memory_kb($pid{$process}) // 0;
					$highest{$process} = $now if $now > $highest{$process};
				}
				write_file("$folder/memory-$name", join("\n", map { "$_ $highest{$_}" } sort keys %highest));
				sleep(0.003);
			}
		});
	return ($sampler, $flag);
}

sub memory_so_far
{
	my ($name) = @_;
	my $file = "$folder/memory-$name";

	return wait_until(30,
		sub {
			my %highest = map { split ' ' } split(/\n/, -e $file ? read_file($file) : '');
			return %highest ? \%highest : undef;
		})->%*;
}

sub memory_is_bounded
{
	my ($what, $times, %highest) = @_;

	foreach my $process (sort keys %$times)
	{
		my $limit = int(32 * 1024 + $times->{$process} * 2 * $value_mb * 1024);
		cmp_ok($highest{$process}, '>', 0, "$what the $process was measured");
		cmp_ok($highest{$process}, '<', $limit, "$what the $process stayed under $limit kB of its own memory ($highest{$process} kB)");
	}
	diag("figure: $what own memory, highest: " . join(', ', map { "$_ $highest{$_} kB" } sort keys %highest));
}
