# A password appears nowhere but in the one table that only the bridge's function reads: not in logs, views, errors,
# command lines or exported configuration.

use strict;
use warnings;

use DBStream::MySQL;
use DBStream::Process qw(every_log read_file write_file run_program);
use DBStream::Scene;
use Test::More;

my $secret = 'Literal-Otter-77';
my $file_secret = 'File-Badger-78';
my $env_secret = 'Env-Marten-79';
my @kinds = grep { !defined $ENV{DBSTREAM_SOURCE} || $_ eq $ENV{DBSTREAM_SOURCE} } qw(mariadb mysql);
my ($scene, $source, $target);

foreach my $kind (@kinds)
{
  SKIP:
	{
		my $why = DBStream::MySQL::missing($kind);
		skip "$kind: $why", 1 if $why;
		$scene = DBStream::Scene->new(kind => $kind);
		($source, $target) = ($scene->source, $scene->target);
		note($kind);
		my $good = eval { everywhere(); 1 };
		my $error = $@;
		fail("$kind: $error") unless $good;
		diag($scene->state_text) unless $good && Test::More->builder->is_passing;
		eval { $scene->finish };
	}
}
done_testing();

sub everywhere
{
	my $folder = DBStream::Scene::work_folder();
	my $bridge = $scene->another_bridge(env => { SHOP_PASSWORD => $env_secret }, arguments => [ '--log-level', 'debug' ]);

	write_file("$folder/pw", "$file_secret\n");
	chmod 0600, "$folder/pw";
	$source->create_reader('lit', $secret);
	$source->create_reader('fil', $file_secret);
	$source->create_reader('env', $env_secret);
	$source->sql('CREATE DATABASE a; CREATE TABLE a.t (id int PRIMARY KEY); INSERT INTO a.t VALUES (1)');
	$bridge->start;
	if (!$bridge->running || $bridge->log_text =~ /log-level/)
	{
		$bridge = $scene->another_bridge(env => { SHOP_PASSWORD => $env_secret })->start;
	}
	my %how = (lit => { password => $secret }, fil => { password => undef, password_file => "$folder/pw" },
		env => { password => undef, password_env => 'SHOP_PASSWORD' });
	foreach my $user (sort keys %how)
	{
		$scene->create_connection("${user}_source", user => $user, %{ $how{$user} });
		$scene->create_stream($user, 'a.*', schemas => { a => "a_$user" });
		$target->sql("SELECT dbstream.start_stream('$user')");
		ok($scene->caught_up($user, 30), "a password by $user works");
	}
	# And where it goes wrong, errors are written: they tell none either.
	$scene->create_connection('off_source', user => 'lit', password => 'Wrong-Stoat-80');
	$scene->create_stream('off', 'a.*', schemas => { a => 'a_off' });
	$target->run_psql("SELECT * FROM dbstream.validate_stream('off')");
	$target->sql("SELECT dbstream.start_stream('off')");
	ok($target->wait_for("SELECT count(*) > 0 FROM dbstream.errors WHERE stream = 'off'", 30), 'a wrong password makes an error');
	$target->run_psql(q{SELECT dbstream.alter_connection('off_source', '{"password": "Wrong-Stoat-80", "hots": "x"}')});
	$target->run_psql(q{SELECT dbstream.create_connection('off2', 'mysql', '{"password": ["Wrong-Stoat-80"]}')});

	my $any = qr/$secret|$file_secret|$env_secret|Wrong-Stoat-80/;
	my @lines;
	foreach my $path (glob '/proc/[0-9]*/cmdline')
	{
		my $line = eval { read_file($path) } // next;
		push @lines, $line if $line =~ $any;
	}
	is(join("\n", @lines), '', 'no command line holds a password');
	foreach my $log (every_log())
	{
		next if $log =~ /server\.log$/;
		my @found = grep { $_ =~ $any } split(/\n/, read_file($log));
		is(join("\n", @found), '', "no password in the log " . ($log =~ s/.*\///r));
	}
	foreach my $view ($target->rows("SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
		  . " WHERE n.nspname = 'dbstream' AND c.relkind IN ('r', 'v') AND c.relname <> 'secret' ORDER BY 1"))
	{
		unlike($target->sql("SELECT * FROM dbstream.\"$view->[0]\""), $any, "no password in dbstream.$view->[0]");
	}
	unlike($target->sql('SELECT dbstream.export_config()::text'), $any, 'no password in the exported configuration');
	foreach my $role (qw(dbstream_monitor dbstream_admin dbstream_bridge))
	{
		my ($status, $out, $err) = $target->run_psql("SET ROLE $role; SELECT * FROM dbstream.secret");
		isnt($status, 0, "$role may not read the table of secrets");
	}
	my ($status) = $target->run_psql("SET ROLE dbstream_monitor; SELECT dbstream.bridge_secret('lit_source')");
	isnt($status, 0, 'dbstream_monitor may not ask for a secret');
	($status) = $target->run_psql("SET ROLE dbstream_bridge; SELECT * FROM a_lit.t");
	isnt($status, 0, 'the bridge may not read user tables');
	$bridge->stop;
}
