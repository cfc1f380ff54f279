package Bench::Outbound;

# The way out of PostgreSQL: what decoding costs beside pgoutput, and catching up with a backlog at a MySQL or MariaDB
# server beside a MySQL replica, which applies the same rows from a MySQL primary, and beside LOAD DATA.

use strict;
use warnings;

use Bench::Data qw(%columns prepare_mysql write_mysql write_postgres done_condition expected_rows);
use Bench::Figures qw(cpu_seconds own_memory_mb median quantile heading figure note say_row);
use Bench::Replicas;
use Bench::Wait qw(wait_mysql);
use DBStream::MySQL;
use DBStream::OutScene;
use DBStream::Process qw(start_program is_running wait_until log_tail);
use DBStream::Scene;
use Time::HiRes qw(sleep time);

my %work = (
	decode => \&decode,
	outbound_inserts => sub { $_[0]->catch_up($_[1], 'inserts', 't', $_[0]{rows}); },
	outbound_transactions => sub { $_[0]->catch_up($_[1], 'transactions', 'x', $_[0]{transactions}); });

# As the replica's: nothing synced to disk, no binary log, all in memory.
my @common = ('--skip-log-bin', '--innodb-flush-log-at-trx-commit=0', '--innodb-flush-method=nosync', '--innodb-doublewrite=OFF',
	'--innodb-buffer-pool-size=512M');
my %target_options = (
	mysql => [ @common, '--innodb-redo-log-capacity=2G' ],
	mariadb => [ @common, '--innodb-log-file-size=2G' ]);

sub works { return sort keys %work; }

# settings: for every PostgreSQL. runs, rows, transactions: how much.
sub new
{
	my ($class, %given) = @_;

	return bless {%given}, $class;
}

sub run
{
	my ($self, $kind, $name) = @_;

	$work{$name}->($self, $kind);
}

sub state_text
{
	my ($self, $kind) = @_;

	return $self->{scene}{$kind} ? $self->{scene}{$kind}->state_text : log_tail(40);
}

sub finish
{
	my ($self) = @_;

	$_->finish foreach values %{ $self->{scene} };
	$self->{replica}->finish if $self->{replica};
	$self->{primary}->kill9 if $self->{primary};
}

# PostgreSQL, bridge and target of one kind, with empty tables on both sides.
sub scene
{
	my ($self, $kind) = @_;

	return $self->{scene}{$kind} if $self->{scene}{$kind};
	my @more = $ENV{BENCH_TARGET_OPTIONS} ? split(' ', $ENV{BENCH_TARGET_OPTIONS}) : ();
	my $scene = DBStream::OutScene->new(
		kind => $kind,
		name => "out_$kind",
		conf => $self->{settings} . (DBStream::OutScene::lists_plugins() ? "output_plugin_libraries = 'dbstream, pgoutput'\n" : ''),
		target_options => [ @{ $target_options{$kind} }, @more ]);
	foreach my $server ($scene->source, $scene->target)
	{
		$server->sql($server == $scene->target ? 'CREATE DATABASE bench' : 'CREATE SCHEMA bench');
		$server->sql("CREATE TABLE bench.$_ $columns{$_}") foreach sort keys %columns;
		$server->sql('CREATE INDEX x_n ON bench.x (n)');
	}
	$scene->create_connection('there', ssl_mode => 'DISABLED');
	$scene->{connection}++;
	$scene->bridge->start;
	return $self->{scene}{$kind} = $scene;
}

# The MySQL primary has written the same work once, for good.
sub replica
{
	my ($self, $work, $size) = @_;

	return undef if DBStream::MySQL::missing('mysql') || ($ENV{BENCH_REFERENCES} // 'replica') !~ /replica/;
	unless ($self->{primary})
	{
		my $primary = DBStream::MySQL->new(
			kind => 'mysql',
			folder => DBStream::Scene::work_folder() . '/primary',
			options => [ '--innodb-buffer-pool-size=512M', '--max-binlog-size=1G' ])->start;
		$primary->create_reader('reader', $DBStream::Scene::password);
		$primary->sql('CREATE DATABASE bench');
		$primary->sql("CREATE TABLE bench.$_ $columns{$_}") foreach sort keys %columns;
		$primary->sql('CREATE INDEX x_n ON bench.x (n)');
		prepare_mysql($primary);
		$self->{primary} = $primary;
		$self->{replica} = Bench::Replica->new($primary);
	}
	unless ($self->{written}{$work})
	{
		my $from = position($self->{primary});
		write_mysql($self->{primary}, $work, $size);
		$self->{written}{$work} = [ $from, position($self->{primary}) ];
	}
	return $self->{replica};
}

sub position
{
	my ($server) = @_;
	my ($row) = $server->rows('SHOW BINARY LOG STATUS');

	return "$row->[0]:$row->[1]";
}

# ---- decoding ----

# One reading of a slot's backlog to nowhere: seconds, and CPU seconds of the sending process.
sub read_slot
{
	my ($server, $slot, $end, @options) = @_;
	my $begin = time();
	my $log = DBStream::Scene::work_folder() . '/recvlogical.log';
	my $pid = start_program('pg_recvlogical',
		[
			'pg_recvlogical', '-d', $server->connstr('postgres'), '--slot', $slot, '--start', '--no-loop', '-f', '/dev/null',
			'-F', '0', '-s', '1', "--endpos=$end", map { ('-o', $_) } @options ],
		$log);
	my ($sender, $cpu);

	while (is_running($pid))
	{
		unless ($sender)
		{
			foreach my $file (glob('/proc/[0-9]*/cmdline'))
			{
				open(my $in, '<', $file) or next;
				my $words = <$in> // '';
				next unless $words =~ /^postgres: \S* ?walsender .* START_REPLICATION/ && $file =~ /(\d+)/;
				$sender = $1 if parent($1) == $server->{_pid};
			}
		}
		my $now = $sender ? cpu_seconds($sender) : 0;
		$cpu = $now if $now;
		sleep(0.005);
	}
	my $seconds = time() - $begin;
	die "pg_recvlogical failed:\n" . DBStream::Process::read_file($log) if $?;
	return ($seconds, $cpu // 0);
}

sub parent
{
	my ($pid) = @_;

	open(my $file, '<', "/proc/$pid/stat") or return 0;
	my @field = split(' ', (<$file> // '') =~ s/^.*\) //r);
	return $field[1];
}

# Our plugin beside pgoutput, both read by PostgreSQL's own program, which throws everything away.
sub decode
{
	my ($self, $kind) = @_;

	return if $self->{decoded}++;
	my $server = $self->scene($kind)->source;
	my %way = (
		ours => [ 'dbstream', 'format=binary', 'origin=none', 'tables=bench.*' ],
		text => [ 'pgoutput', 'proto_version=1', 'publication_names=bench' ],
		binary => [ 'pgoutput', 'proto_version=1', 'publication_names=bench', 'binary=true' ]);
	my %title = (text => 'pgoutput', binary => 'pgoutput, binary');

	$server->sql('CREATE PUBLICATION bench FOR ALL TABLES');
	foreach my $work ([ 'inserts', 't', $self->{rows}, $self->{rows} ],
		[ 'transactions', 'x', $self->{transactions}, $self->{transactions} / 3 * 4 ])
	{
		my ($name, $table, $size, $changes) = @$work;
		my (%seconds, %cpu);
		my $title = $name eq 'inserts' ? "decoding alone, $size inserted rows" : "decoding alone, $size small transactions";

		heading($title);
		$server->sql("TRUNCATE bench.$table");
		$server->sql("SELECT pg_create_logical_replication_slot('base', 'pgoutput')");
		write_postgres($server, $name, $size);
		my $end = $server->sql('SELECT pg_switch_wal()');
		$server->sql('CHECKPOINT');
		foreach my $run (0 .. $self->{runs})
		{
			foreach my $way (sort keys %way)
			{
				my ($plugin, @options) = @{ $way{$way} };
				$server->sql("SELECT pg_copy_logical_replication_slot('base', 'run', false, '$plugin')");
				my ($seconds, $cpu) = read_slot($server, 'run', $end, @options);
				$server->sql("SELECT pg_drop_replication_slot('run')");
				next unless $run;
				push @{ $seconds{$way} }, $seconds;
				push @{ $cpu{$way} }, $cpu;
			}
		}
		$server->sql("SELECT pg_drop_replication_slot('base')");
		my $again = 0;
		foreach my $way (qw(text binary))
		{
			figure(work => $title, reference => "$title{$way}, read by pg_recvlogical", ours => $seconds{ours}, theirs => $seconds{$way},
				rows => $changes, again => $again++);
		}
		say_row('CPU seconds of the walsender, median',
			join(', ', map { sprintf '%s %.2f', $_->[0], median(@{ $cpu{ $_->[1] } }) } [ 'ours', 'ours' ], [ 'pgoutput', 'text' ], [ 'pgoutput, binary', 'binary' ]));
	}
}

# ---- catching up ----

# The stream stands at the backlog's beginning and is paused; the backlog is written; the clock runs from the stream's
# resuming until the last change is committed and visible.
sub our_catch_up
{
	my ($self, $kind, $work, $table, $size) = @_;
	my $scene = $self->scene($kind);
	my ($source, $target) = ($scene->source, $scene->target);
	my $memory = 0;
	my (%before, %cpu);

	empty($target, $table);
	$source->sql("TRUNCATE bench.$table");
	$scene->start_stream('out', "bench.$table", start => 'now');
	$source->sql("SELECT dbstream.pause_stream('out')");
	wait_until(60, sub { $source->sql("SELECT count(*) FROM pg_replication_slots WHERE active") eq '0' })
	  // die "the paused stream did not end\n";
	write_postgres($source, $work, $size);
	$source->sql('CHECKPOINT');
	my %pid = (bridge => $scene->bridge->pid, target => $target->pid);
	$before{$_} = cpu_seconds($pid{$_}) foreach keys %pid;
	my $begin = time();
	$source->sql("SELECT dbstream.resume_stream('out')");
	wait_mysql($target, done_condition($work, $size),
		sub {
			my $now = own_memory_mb($pid{bridge});
			$memory = $now if $now > $memory;
		});
	my $seconds = time() - $begin;
	$cpu{$_} = cpu_seconds($pid{$_}) - $before{$_} foreach keys %pid;
	my $sender = $source->sql("SELECT pid FROM pg_stat_replication WHERE application_name LIKE 'dbstream%' OR state = 'streaming' LIMIT 1");
	$cpu{walsender} = cpu_seconds($sender) if $sender;
	die "the target has other rows than the source\n" if checksum($target, $table, 1) ne checksum($source, $table, 0);
	my $commits = $target->sql("SELECT MAX(changes) FROM dbstream.dbstream_progress");
	$source->sql("SELECT dbstream.pause_stream('out')");
	wait_until(60, sub { $source->sql("SELECT count(*) FROM pg_replication_slots WHERE active") eq '0' })
	  or die "the stream's slot is still read\n";
	$source->sql("SELECT dbstream.drop_stream('out')");
	$target->sql("DELETE FROM dbstream.dbstream_progress");
	return ($seconds, \%cpu, $memory, $commits);
}

sub empty
{
	my ($server, $table) = @_;

	$server->sql("DROP TABLE IF EXISTS bench.$table; CREATE TABLE bench.$table $columns{$table}"
		  . ($table eq 'x' ? '; CREATE INDEX x_n ON bench.x (n)' : ''));
}

# Of every value; MySQL 9.7 has no MD5 any more.
sub checksum
{
	my ($server, $table, $mysql) = @_;
	my $text = $mysql ? "CONCAT(a, '|', COALESCE(b, '-'))" : "a || '|' || coalesce(b, '-')";
	my $number = $mysql ? "CAST(CONV(LEFT(SHA2($text, 256), 8), 16, 10) AS UNSIGNED)" : "('x' || left(encode(sha256(($text)::bytea), 'hex'), 8))::bit(32)::bigint";

	return join(' ', split(/[\t|]/, $server->sql("SELECT count(*), sum(id), sum(n), sum($number) FROM bench.$table")));
}

# What the server takes to load a file of the same rows: no reading of a log, no transport.
sub load_data
{
	my ($self, $kind) = @_;
	my $scene = $self->scene($kind);
	my $file = DBStream::Scene::work_folder() . '/load.txt';

	unless (-e $file)
	{
		$scene->source->sql("COPY (SELECT * FROM bench.t ORDER BY id) TO '$file'");
		chmod 0644, $file;
	}
	empty($scene->target, 't');
	my $before = cpu_seconds($scene->target->pid);
	my $begin = time();
	$scene->target->sql("LOAD DATA INFILE '$file' INTO TABLE bench.t CHARACTER SET utf8mb4");
	return (time() - $begin, cpu_seconds($scene->target->pid) - $before);
}

sub replica_once
{
	my ($self, $work, $table, $size) = @_;
	my $replica = $self->replica($work, $size);

	$replica->prepare($table, @{ $self->{written}{$work} });
	my $before = cpu_seconds($replica->server->pid);
	my $begin = time();
	$replica->start;
	wait_mysql($replica->server, done_condition($work, $size));
	my $seconds = time() - $begin;
	my $cpu = cpu_seconds($replica->server->pid) - $before;
	$replica->end;
	return ($seconds, $cpu);
}

sub catch_up
{
	my ($self, $kind, $work, $table, $size) = @_;
	my $scene = $self->scene($kind);
	my $changes = $work eq 'inserts' ? $size : $size / 3 * 4;
	my $title = 'PostgreSQL to ' . $scene->target->title . ': '
	  . ($work eq 'inserts' ? "catch-up on $size inserted rows" : "catch-up on $size small transactions, $changes row changes");
	my (%seconds, %cpu, %spent, @memory, @commits);

	heading($title);
	foreach my $run (0 .. $self->{runs})
	{
		my ($seconds, $cpu, $memory, $commits) = $self->our_catch_up($kind, $work, $table, $size);
		my %once;
		$once{load} = sub { $self->load_data($kind) }
		  if $work eq 'inserts';
		$once{replica} = sub { $self->replica_once($work, $table, $size) }
		  if $self->replica($work, $size);
		if ($run)
		{
			push @{ $seconds{ours} }, $seconds;
			push @{ $cpu{$_} }, $cpu->{$_} foreach keys %$cpu;
			push @memory, $memory;
			push @commits, $commits;
		}
		foreach my $reference (sort keys %once)
		{
			($seconds, $cpu) = $once{$reference}->();
			next unless $run;
			push @{ $seconds{$reference} }, $seconds;
			push @{ $spent{$reference} }, $cpu;
		}
	}
	my %name = (load => 'LOAD DATA INFILE', replica => 'MySQL 9.7 replica, 4 workers');
	my $again = 0;
	foreach my $reference (grep { $seconds{$_} } qw(replica load))
	{
		figure(work => $title, reference => $name{$reference}, ours => $seconds{ours}, theirs => $seconds{$reference},
			rows => $changes, again => $again++);
	}
	say_row('CPU seconds, ours, median', join(', ', map { sprintf '%s %.2f', $_, median(@{ $cpu{$_} }) } sort keys %cpu));
	say_row('  references', join(', ', map { sprintf '%s %.2f', $name{$_}, median(@{ $spent{$_} }) } sort keys %spent));
	say_row('commits at the target, median', median(@commits));
	say_row('own memory of the bridge, highest, MB', sprintf('%.0f', quantile(1, @memory)));
}

1;
