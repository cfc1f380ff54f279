package DBStream::MySQL;

# A private MySQL or MariaDB server in a folder of its own.  MariaDB is the one
# that is installed; MySQL comes from the root that tools/get_mysql makes, and
# runs through that root's own loader and libraries.

use strict;
use warnings;

use Carp;
use DBStream::Process qw(run_program start_program stop_program is_running wait_until free_port register_log
  read_file write_file);
use Fcntl qw(:flock);
use File::Path qw(make_path remove_tree);

my %title = (mariadb => 'MariaDB', mysql => 'MySQL');

# Where tools/get_mysql puts its root.
sub mysql_root
{
	my $cache = $ENV{DBSTREAM_CACHE} // ($> == 0 ? '/var/cache/dbstream' : "$ENV{HOME}/.cache/dbstream");

	return "$cache/sid";
}

# Why this kind of server cannot be had here, or undef when it can.
sub missing
{
	my ($kind) = @_;

	if ($kind eq 'mariadb')
	{
		return undef if program('mariadbd') && program('mariadb');
		return 'no MariaDB server is installed (tools/setup_debian installs one)';
	}
	my $root = mysql_root();
	return undef if -x "$root/usr/sbin/mysqld" && -x "$root/usr/bin/mysql";
	return "no MySQL server in $root (tools/get_mysql fetches one)";
}

sub program
{
	my ($name) = @_;

	foreach my $folder (split(/:/, $ENV{PATH}), '/usr/sbin', '/usr/local/sbin', '/usr/libexec')
	{
		return "$folder/$name" if -x "$folder/$name";
	}
	return undef;
}

# kind: mariadb or mysql.  folder: must not exist yet.  options: further options of the server, as a list.
sub new
{
	my ($class, %given) = @_;
	my $self = bless {
		kind => $given{kind},
		folder => $given{folder},
		options => $given{options} // [],
		port => free_port(),
		pid => undef,
		log => "$given{folder}/server.log"
	}, $class;

	make_path($self->{folder});
	$self->copy_of_template;
	return $self;
}

sub title { return $title{ $_[0]{kind} }; }
sub kind { return $_[0]{kind}; }
sub port { return $_[0]{port}; }
sub pid { return $_[0]{pid}; }
sub log_file { return $_[0]{log}; }
sub data { return "$_[0]{folder}/data"; }
# Socket paths are limited to about 100 characters.
sub socket { return "$_[0]{folder}/s"; }

# The command that runs a program of the server's distribution.
sub command
{
	my ($self, $name) = @_;

	if ($self->{kind} eq 'mariadb')
	{
		my %own = (server => 'mariadbd', client => 'mariadb');
		return (program($own{$name}));
	}
	my $root = mysql_root();
	my %own = (server => 'usr/sbin/mysqld', client => 'usr/bin/mysql');
	my @libraries = grep { -d } glob("$root/usr/lib/*-linux-gnu $root/lib/*-linux-gnu $root/usr/lib64 $root/lib64");
	my ($loader) = grep { -e } glob("$root/lib64/ld-linux*.so.* $root/usr/lib64/ld-linux*.so.* $root/lib/ld-linux*.so.*"
		  . " $root/usr/lib/*/ld-linux*.so.*");
	return ($loader, '--library-path', join(':', @libraries), "$root/$own{$name}");
}

sub base_options
{
	my ($self) = @_;

	return ('--no-defaults') if $self->{kind} eq 'mariadb';
	my $root = mysql_root();
	return ('--no-defaults', "--basedir=$root/usr", "--lc-messages-dir=$root/usr/share/mysql",
		"--character-sets-dir=$root/usr/share/mysql/charsets", "--plugin-dir=$root/usr/lib/mysql/plugin",
		'--secure-file-priv=');
}

# A data folder takes seconds to make, so each kind is made once in a run and copied. Of two tests that run side by side the
# second waits for it.
sub copy_of_template
{
	my ($self) = @_;
	my $stage = $ENV{DBSTREAM_STAGE} // croak 'DBSTREAM_STAGE is not set: use test/run';
	my $template = "$stage/template-$self->{kind}";

	open(my $lock, '>>', "$template.lock") or croak "$template.lock: $!";
	flock($lock, LOCK_EX) or croak "$template.lock: $!";
	unless (-d $template)
	{
		my @command;
		my $new = "$template.new.$$";
		if ($self->{kind} eq 'mariadb')
		{
			@command = (program('mariadb-install-db'), '--no-defaults', "--datadir=$new", '--skip-test-db',
				'--auth-root-authentication-method=normal', '--skip-name-resolve');
		}
		else
		{
			@command = ($self->command('server'), $self->base_options, "--datadir=$new", '--initialize-insecure');
		}
		my ($status, $out, $err) = run_program(\@command);
		croak "$self->{kind}: no data folder could be made:\n$out$err" if $status != 0;
		unlink "$new/auto.cnf";
		rename($new, $template) or croak "$template: $!";
	}
	close $lock;
	my ($status, $out, $err) = run_program([ 'cp', '-a', $template, $self->data ]);
	croak "copying $template: $err" if $status != 0;
}

sub start
{
	my ($self) = @_;
	my @own = $self->{kind} eq 'mariadb'
	  ? ('--plugin-maturity=unknown')
	  : ('--mysqlx=OFF', '--gtid-mode=ON', '--enforce-gtid-consistency=ON');

	# Nothing here has to survive the machine, only the process: no fsync.
	$self->{pid} = start_program(
		$self->title,
		[
			$self->command('server'), $self->base_options,
			'--datadir=' . $self->data, '--socket=' . $self->socket,
			"--port=$self->{port}", '--bind-address=127.0.0.1',
			"--pid-file=$self->{folder}/pid", '--skip-name-resolve',
			'--server-id=1', '--log-bin=binlog', '--binlog-format=ROW', '--binlog-row-metadata=FULL',
			'--innodb-flush-log-at-trx-commit=2', '--sync-binlog=0',
			'--innodb-buffer-pool-size=64M', '--max-allowed-packet=1G', '--character-set-server=utf8mb4',
			@own, @{ $self->{options} }
		],
		$self->{log});
	wait_until(120,
		sub {
			croak $self->title . " did not start:\n" . tail($self->{log}) unless is_running($self->{pid});
			my ($status) = $self->client('SELECT 1');
			return $status == 0;
		})
	  // croak $self->title . " does not answer:\n" . tail($self->{log});
	return $self;
}

sub tail
{
	my ($path) = @_;
	my @lines = -e $path ? split(/\n/, read_file($path)) : ();
	my $from = @lines > 40 ? @lines - 40 : 0;

	return join("\n", @lines[ $from .. $#lines ]);
}

sub stop
{
	my ($self) = @_;

	return unless defined $self->{pid};
	stop_program($self->{pid}, 'TERM', 60);
	$self->{pid} = undef;
}

sub kill9
{
	my ($self) = @_;

	stop_program($self->{pid}, 'KILL');
	$self->{pid} = undef;
}

sub restart
{
	my ($self) = @_;

	$self->stop;
	return $self->start;
}

# What the client program needs to come in as root.
sub client_command
{
	my ($self, @more) = @_;

	return ($self->command('client'), '--no-defaults', '-S', $self->socket, '-uroot', '--batch', '-N',
		'--default-character-set=utf8mb4', '--max-allowed-packet=1G', @more);
}

# Run SQL; returns (status, stdout, stderr). Rows are lines, columns stand between tabs, NULL is the word NULL.
sub client
{
	my ($self, $sql, $database) = @_;

	return run_program([ $self->client_command(defined $database ? $database : ()) ], stdin => $sql);
}

# Run SQL that must succeed; returns its output.
sub sql
{
	my ($self, $sql, $database) = @_;
	my ($status, $out, $err) = $self->client($sql, $database);

	croak $self->title . " refused: $err\n" . substr($sql, 0, 400) if $status != 0;
	$out =~ s/\n\z//;
	return $out;
}

# The same as a list of rows, each a list of values, NULL as undef.
sub rows
{
	my ($self, $sql, $database) = @_;

	return map { [ map { $_ eq 'NULL' ? undef : $_ } split(/\t/, $_, -1) ] } split(/\n/, $self->sql($sql, $database));
}

# An account as a user would make it for a stream.
sub create_reader
{
	my ($self, $name, $password) = @_;

	$self->sql("CREATE USER '$name'\@'%' IDENTIFIED BY '$password';"
		  . " GRANT SELECT, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO '$name'\@'%'");
}

sub version
{
	my ($self) = @_;

	return $self->sql('SELECT version()');
}

1;
