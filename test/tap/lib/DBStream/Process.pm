package DBStream::Process;

# Programs that a test starts: run to the end with their output caught, or left
# running with their output in a log file.  Whatever is still running when the
# test ends, however it ends, is killed; so nothing outlives a test.

use strict;
use warnings;

use Carp;
use Exporter 'import';
use Fcntl qw(:flock);
use File::Spec;
use File::Temp;
use IO::Socket::INET;
use POSIX qw(:sys_wait_h _exit);
use Time::HiRes qw(sleep time);

our @EXPORT_OK = qw(run_program start_program stop_program is_running wait_until free_port own_memory_kb
  log_tail register_log every_log read_file write_file in_child);

my $owner = $$;
my %running;    # pid => name
my %logs;       # path => title
my %ports;      # port => its locked file

# An ending by a signal must pass through the END blocks below, or servers stay behind.
foreach my $signal (qw(INT TERM HUP))
{
	$SIG{$signal} = sub { exit(1); };
}

# Run a program with the given text as standard input. Returns (exit status, stdout, stderr).
sub run_program
{
	my ($command, %option) = @_;
	my $in = File::Temp->new;
	my $out = File::Temp->new;
	my $err = File::Temp->new;
	my $pid;

	binmode $in, ':raw';
	print $in $option{stdin} if defined $option{stdin};
	close $in;
	$pid = fork() // croak "fork: $!";
	if ($pid == 0)
	{
		redirect("$in", "$out", "$err");
		set_environment($option{env});
		exec(@$command) or _exit(127);
	}
	my $deadline = time() + ($option{limit} // 300);
	while (waitpid($pid, WNOHANG) == 0)
	{
		if (time() > $deadline)
		{
			kill 'KILL', $pid;
			waitpid($pid, 0);
			return (-1, read_file("$out"), read_file("$err") . "\n(killed: it ran into its time limit)");
		}
		sleep(0.003);
	}
	my $status = $?;
	return ($status & 127 ? 128 + ($status & 127) : $status >> 8, read_file("$out"), read_file("$err"));
}

# The raw descriptors, since a test's STDOUT may be tied.
sub redirect
{
	my ($in, $out, $err) = @_;
	my %fd = (0 => [ $in, POSIX::O_RDONLY() ], 1 => [ $out, POSIX::O_WRONLY() | POSIX::O_CREAT() | POSIX::O_APPEND() ]);

	$fd{2} = [ $err, $fd{1}[1] ];
	foreach my $number (sort keys %fd)
	{
		my $opened = POSIX::open($fd{$number}[0], $fd{$number}[1], 0600) // _exit(126);
		POSIX::dup2($opened, $number);
		POSIX::close($opened) if $opened != $number;
	}
}

sub set_environment
{
	my ($env) = @_;

	foreach my $name (keys %{ $env // {} })
	{
		if (defined $env->{$name})
		{
			$ENV{$name} = $env->{$name};
		}
		else
		{
			delete $ENV{$name};
		}
	}
}

# Start a program that stays. Its output is appended to the log. Returns its process id.
sub start_program
{
	my ($name, $command, $log, %option) = @_;
	my $pid = fork() // croak "fork: $!";

	if ($pid == 0)
	{
		# A group of its own: Ctrl-C at the terminal goes to the test alone, which then stops its programs in order.
		POSIX::setpgid(0, 0);
		redirect('/dev/null', $log, $log);
		set_environment($option{env});
		exec(@$command) or _exit(127);
	}
	$running{$pid} = $name;
	register_log($name, $log);
	return $pid;
}

# Run code in a child process of the test; its return value is the exit status.
sub in_child
{
	my ($name, $code) = @_;
	my $pid = fork() // croak "fork: $!";

	if ($pid == 0)
	{
		my $status = eval { $code->() };
		print STDERR "$name: $@" if $@;
		_exit($@ ? 1 : ($status // 0));
	}
	$running{$pid} = $name;
	return $pid;
}

sub is_running
{
	my ($pid) = @_;

	return 0 unless defined $pid;
	if (waitpid($pid, WNOHANG) == $pid)
	{
		delete $running{$pid};
		return 0;
	}
	return kill(0, $pid) ? 1 : 0;
}

# Send the signal and wait for the end. Returns the wait status, or undef when it did not end in time and was killed.
sub stop_program
{
	my ($pid, $signal, $limit) = @_;
	my $deadline = time() + ($limit // 60);

	kill 'CONT', $pid if $signal ne 'KILL';
	kill $signal, $pid;
	while (1)
	{
		my $got = waitpid($pid, WNOHANG);
		if ($got == $pid || $got == -1)
		{
			my $status = $?;
			delete $running{$pid};
			return $got == $pid ? $status : 0;
		}
		last if time() > $deadline;
		sleep(0.01);
	}
	kill 'KILL', $pid;
	waitpid($pid, 0);
	delete $running{$pid};
	return undef;
}

# Ask until the answer is true. Returns it, or undef when the limit (seconds) is over.
sub wait_until
{
	my ($limit, $code, $pause) = @_;
	my $deadline = time() + $limit;

	while (1)
	{
		my $answer = $code->();
		return $answer if $answer;
		return undef if time() > $deadline;
		sleep($pause // 0.05);
	}
}

# A port for a server that may be killed and come back to it. It lies below the range from which the kernel takes those of
# outgoing connections, and stays this test's until its end: tests that run beside it keep off while the file is locked.
sub free_port
{
	foreach (1 .. 200)
	{
		my $port = 10_000 + int(rand(22_000));
		open(my $lock, '>>', File::Spec->tmpdir . "/dbstream-port-$port") or croak "no lock for port $port: $!";
		next unless flock($lock, LOCK_EX | LOCK_NB);
		my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 1, Proto => 'tcp')
		  or next;
		close $socket;
		$ports{$port} = $lock;
		return $port;
	}
	croak 'no free port';
}

# Memory that belongs to the process alone, not shared buffers or files: RssAnon, in kB.
sub own_memory_kb
{
	my ($pid) = @_;

	open(my $status, '<', "/proc/$pid/status") or return undef;
	while (my $line = <$status>)
	{
		return $1 if $line =~ /^RssAnon:\s+(\d+)/;
	}
	return undef;
}

sub register_log
{
	my ($title, $path) = @_;

	$logs{$path} = $title;
}

sub every_log
{
	return sort keys %logs;
}

# The last lines of every log, for a person to read when something has failed.
sub log_tail
{
	my ($lines) = @_;
	my $text = '';

	foreach my $path (sort keys %logs)
	{
		my $content = -e $path ? read_file($path) : '';
		# A healthy server's own news of its start would bury what matters.
		my @all = grep { !/\[Note\]|\[System\]|LOG:  (?:starting|listening|checkpoint)/ } split(/\n/, $content);
		my $from = @all > $lines ? @all - $lines : 0;
		$text .= "---- $logs{$path}: the last lines of $path\n";
		$text .= join("\n", map { length > 2000 ? substr($_, 0, 2000) . '...' : $_ } @all[ $from .. $#all ]) . "\n";
	}
	return $text;
}

sub read_file
{
	my ($path) = @_;

	open(my $file, '<:raw', $path) or croak "$path: $!";
	local $/;
	return <$file> // '';
}

sub write_file
{
	my ($path, $content) = @_;

	open(my $file, '>:raw', $path) or croak "$path: $!";
	print $file $content;
	close $file or croak "$path: $!";
}

END
{
	my $status = $?;
	if ($$ == $owner)
	{
		foreach my $pid (keys %running)
		{
			kill 'CONT', $pid;
			kill 'KILL', $pid;
			waitpid($pid, 0);
		}
	}
	$? = $status;
}

1;
