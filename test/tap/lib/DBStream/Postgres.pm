package DBStream::Postgres;

# A private PostgreSQL with the extension: PostgreSQL's own test cluster class,
# with what streams need set and a few questions of ours.

use strict;
use warnings;

use Carp;
use DBStream::Process qw(register_log run_program wait_until);
use PostgreSQL::Test::Cluster;

our @ISA = ('PostgreSQL::Test::Cluster');

sub create
{
	my ($class, $name, %option) = @_;
	my $self = PostgreSQL::Test::Cluster->new($name);

	bless $self, $class;
	$self->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
	# What the test class switches off and a server in use has on; statements are not logged, as they are not there.
	$self->append_conf('postgresql.conf', <<"END");
shared_preload_libraries = 'dbstream'
restart_after_crash = on
log_statement = none
log_min_messages = log
max_connections = 60
max_worker_processes = 24
shared_buffers = 64MB
autovacuum_naptime = 5s
END
	$self->append_conf('postgresql.conf', $option{conf}) if defined $option{conf};
	$self->start;
	register_log("PostgreSQL $name", $self->logfile);
	return $self;
}

# Conninfo for the bridge and others.
sub conninfo
{
	my ($self, $user) = @_;

	return $self->connstr('postgres') . (defined $user ? " user=$user" : '');
}

sub sql
{
	my ($self, $sql) = @_;
	my ($status, $out, $err) = $self->run_psql($sql);

	croak "PostgreSQL refused: $err\n" . substr($sql, 0, 400) if $status != 0;
	return $out;
}

# Run SQL that may fail; returns (status, stdout, stderr).
sub run_psql
{
	my ($self, $sql, @more) = @_;
	my ($status, $out, $err) =
	  run_program(
		[ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $self->connstr('postgres'), @more ],
		stdin => $sql,
		env => { PGOPTIONS => '-c client_min_messages=warning', PGCLIENTENCODING => 'UTF8' });

	$out =~ s/\n\z//;
	return ($status, $out, $err);
}

# Rows as lists; NULL is undef.
sub rows
{
	my ($self, $sql) = @_;
	my ($status, $out, $err) = $self->run_psql($sql, '-F', "\t", '-P', 'null=NULL');

	croak "PostgreSQL refused: $err\n" . substr($sql, 0, 400) if $status != 0;
	return map { [ map { $_ eq 'NULL' ? undef : $_ } split(/\t/, $_, -1) ] } split(/\n/, $out);
}

# Wait until a query answers t, also through restarts. Returns whether it did.
sub wait_for
{
	my ($self, $query, $limit) = @_;

	return wait_until($limit // 60,
		sub {
			my ($status, $out) = $self->run_psql($query);
			return $status == 0 && $out eq 't';
		}) ? 1 : 0;
}

# Up and taking connections, for example after a crash.
sub wait_ready
{
	my ($self, $limit) = @_;

	return $self->wait_for('SELECT true', $limit // 60);
}

1;
