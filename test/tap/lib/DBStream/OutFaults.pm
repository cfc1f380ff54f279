package DBStream::OutFaults;

# What can happen to a stream out of PostgreSQL: one of its parts dies or stands still, and is back after a moment.

use strict;
use warnings;

use Exporter 'import';
use Time::HiRes qw(sleep);

our @EXPORT_OK = qw(fault_bridge_killed fault_bridge_frozen fault_target_killed fault_postgres_restarted);

sub fault_bridge_killed
{
	my ($scene) = @_;

	$scene->bridge->kill9;
	sleep(rand(0.3));
	$scene->bridge->start;
}

sub fault_bridge_frozen
{
	my ($scene) = @_;

	$scene->bridge->freeze;
	sleep(0.3 + rand(1.5));
	$scene->bridge->thaw;
}

sub fault_target_killed
{
	my ($scene) = @_;

	$scene->target->kill9;
	sleep(rand(0.3));
	$scene->target->start;
}

sub fault_postgres_restarted
{
	my ($scene) = @_;

	$scene->source->stop('immediate');
	sleep(rand(0.3));
	$scene->source->start;
}

1;
