package DBStream::Faults;

# What can happen to a running scene: each part of it killed, ended or frozen, and back again after a moment. A fault
# returns when what it hit is up again; what the others make of it is the test's question.

use strict;
use warnings;

use Carp;
use DBStream::Process qw(wait_until);
use Exporter 'import';
use Time::HiRes qw(sleep);

our @EXPORT_OK = qw(fault plan_of_faults);

my %faults = (
	bridge_killed => \&bridge_killed,
	bridge_frozen => \&bridge_frozen,
	worker_terminated => \&worker_terminated,
	worker_killed => \&worker_killed,
	backend_killed => \&backend_killed,
	postgres_restarted => \&postgres_restarted,
	postgres_killed => \&postgres_killed,
	source_killed => \&source_killed);

# Let the fault of this name happen to the scene.
sub fault
{
	my ($scene, $name) = @_;

	($faults{$name} // croak "there is no fault called $name")->($scene);
}

# So many of these faults, each as often as any other, in random order.
sub plan_of_faults
{
	my ($count, @names) = @_;
	my @plan = map { $names[ $_ % @names ] } 0 .. $count - 1;

	foreach my $i (reverse 1 .. $#plan)
	{
		my $j = int(rand($i + 1));
		@plan[ $i, $j ] = @plan[ $j, $i ];
	}
	return @plan;
}

sub bridge_killed
{
	my ($scene) = @_;

	$scene->bridge->kill9;
	sleep(rand(0.3));
	$scene->bridge->start;
}

sub bridge_frozen
{
	my ($scene) = @_;

	$scene->bridge->freeze;
	sleep(0.3 + rand(1.5));
	$scene->bridge->thaw;
}

sub worker_terminated
{
	my ($scene) = @_;

	$scene->target->wait_for(
		"SELECT count(pg_terminate_backend(pid)) > 0 FROM pg_stat_activity WHERE backend_type ~ 'dbstream.*apply'", 30)
	  or die "there was no apply worker to terminate\n";
}

sub worker_killed
{
	my ($scene) = @_;
	my ($status, $pid) = $scene->target->run_psql('SELECT max(worker_pid) FROM dbstream.worker_status');

	kill('KILL', $pid) if $status == 0 && $pid =~ /^[1-9]\d*$/;
	wait_crashed($scene);
}

sub backend_killed
{
	my ($scene) = @_;
	my $target = $scene->target;
	my @pids;

	wait_until(30,
		sub {
			@pids = map { $_->[0] } $target->rows("SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
				  . " AND (backend_type ~ 'dbstream' OR usename = 'bridge')");
			return scalar @pids;
		}) // die "there was no backend to kill\n";
	kill 'KILL', $pids[ int(rand(@pids)) ];
	wait_crashed($scene);
}

# It takes a moment until the postmaster has seen it; ready before that says nothing, and does no harm.
sub wait_crashed
{
	my ($scene) = @_;

	$scene->target->wait_ready(60) or die "PostgreSQL did not come back after a crash\n";
}

sub postgres_restarted
{
	my ($scene) = @_;

	$scene->target->stop('immediate');
	sleep(rand(0.3));
	$scene->target->start;
}

# Its children end when they notice, and none may be left when the next postmaster starts.
sub postgres_killed
{
	my ($scene) = @_;
	my $target = $scene->target;
	my @children = children_of($target->{_pid});

	$target->kill9;
	wait_until(60, sub { !grep { kill(0, $_) } @children }) // die "processes of a killed PostgreSQL stay\n";
	$target->start;
	wait_crashed($scene);
}

sub children_of
{
	my ($parent) = @_;
	my @children;

	foreach my $file (glob '/proc/[0-9]*/stat')
	{
		open(my $stat, '<', $file) or next;
		my $line = <$stat> // next;
		push @children, $1 if $line =~ /^(\d+) \(.*\) \S \Q$parent\E /s;
	}
	return @children;
}

sub source_killed
{
	my ($scene) = @_;

	$scene->source->kill9;
	sleep(rand(0.3));
	$scene->source->start;
}

1;
