# dbstream-bridge clone: the ways to a source and a target (TLS, sockets, password files), what it shows on a terminal, the notes of
# a dry run, servers that die in the middle, and the exit codes that 150_clone.pl does not see: 2 and 5.

use strict;
use warnings;

use DBStream::Backfill qw(backfill_schema backfill_rows);
use DBStream::Certificate qw(certificate);
use DBStream::Compare qw(compare_schema);
use DBStream::Faults qw(fault);
use DBStream::MySQL;
use DBStream::Postgres;
use DBStream::Process qw(in_child run_program start_program stop_program is_running wait_until read_file write_file);
use DBStream::Scene;
use POSIX ();
use Test::More;

my @kinds = grep { !defined $ENV{DBSTREAM_SOURCE} || $_ eq $ENV{DBSTREAM_SOURCE} } qw(mariadb mysql);
my $secret = 'Ways+Stoat/81';
my $url_secret = 'Ways%2BStoat%2F81';
my $folder = DBStream::Scene::work_folder();
my $bridge = $ENV{DBSTREAM_BRIDGE};
my ($source, $target, $printed);

certificate($folder, 'ca', undef, 'the test authority');
certificate($folder, 'server', 'ca', 'localhost', 'DNS:localhost,IP:127.0.0.1');
certificate($folder, 'other', undef, 'another authority');
foreach my $kind (@kinds)
{
  SKIP:
	{
		my $why = DBStream::MySQL::missing($kind);
		skip "$kind: $why", 1 if $why;
		$printed = '';
		my $good = eval { ways($kind); 1 };
		my $error = $@;
		fail("$kind: $error") unless $good;
		diag(substr($printed, -6000)) unless $good && Test::More->builder->is_passing;
		eval { $target->stop('fast'); $source->kill9 };
	}
}
done_testing();

# Runs to its end; returns its exit code and both outputs.
sub run_clone
{
	my ($url, $to, @more) = @_;
	my ($status, $out, $err) = run_program([ $bridge, 'clone', '--from', $url, '--to', $to, @more ], env => { HOME => $folder });

	$printed .= "\$ clone --from $url @more\n$out$err(exit $status)\n";
	return ($status, $out, $err);
}

sub url
{
	my ($user, %given) = @_;

	return "mysql://$user\@" . ($given{host} // '127.0.0.1') . (defined $given{host} ? '' : ':' . $source->port)
	  . '/' . ($given{database} // 'few') . ($given{rest} // '');
}

sub ways
{
	my ($kind) = @_;

	$source = DBStream::MySQL->new(
		kind => $kind,
		folder => "$folder/$kind",
		options => [ "--ssl-ca=$folder/ca.pem", "--ssl-cert=$folder/server.pem", "--ssl-key=$folder/server.key" ])->start;
	$source->create_reader('reader', $secret);
	$source->create_reader('tls', $secret);
	$source->sql("ALTER USER 'tls'\@'%' REQUIRE SSL; CREATE DATABASE few; CREATE TABLE few.t (id int PRIMARY KEY, v varchar(20));"
		  . " INSERT INTO few.t VALUES (1, 'one'), (2, 'two')");
	$target = DBStream::Postgres->create("target_$kind");
	$target->sql('CREATE EXTENSION dbstream');
	encrypted($kind);
	by_socket($kind);
	password_files($kind);
	notes($kind);
	on_a_terminal($kind);
	told_to_stop($kind);
	servers_killed($kind);
	other_version($kind);
}

# The copy of few.t is there; then all is as before.
sub arrives
{
	my ($what, $url, @more) = @_;
	my ($code, $out, $err) = run_clone($url, $target->conninfo, '--name', 'w', @more);

	is($code, 0, "$what works") or diag($err);
	is(compare_schema($source, $target, 'few'), '', "$what: the rows are there");
	unlike("$out$err", qr/Stoat/, "$what: no password is shown");
	$target->sql("SELECT dbstream.drop_stream('w'); SELECT dbstream.drop_connection('w_source'); DROP SCHEMA few CASCADE");
}

sub encrypted
{
	my ($kind) = @_;
	my $ca = "ssl_ca=$folder/ca.pem";

	arrives("$kind: TLS with a verified server", url("tls:$url_secret", rest => "?ssl_mode=VERIFY_IDENTITY&$ca"));
	my ($code, $out, $err) =
	  run_clone(url("tls:$url_secret", rest => "?ssl_mode=VERIFY_CA&ssl_ca=$folder/other.pem"), $target->conninfo);
	is($code, 3, "$kind: a server that another authority has signed is refused");
	like($err, qr/certificate|TLS|SSL/i, "$kind: which is said");
	($code, $out, $err) = run_clone(url("tls:$url_secret", rest => '?ssl_mode=DISABLED'), $target->conninfo);
	is($code, 3, "$kind: an account that requires TLS refuses a connection without");
	is($target->sql('SELECT count(*) FROM dbstream.stream'), '0', "$kind: neither left a stream");
}

sub by_socket
{
	my ($kind) = @_;
	my $socket = $source->socket;

	$source->sql("CREATE USER 'reader'\@'localhost' IDENTIFIED BY '$secret';"
		  . " GRANT SELECT, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO 'reader'\@'localhost'");
	arrives("$kind: a socket as the host", url("reader:$url_secret", host => $socket =~ s{/}{%2F}gr));
	arrives("$kind: a socket as a parameter", url("reader:$url_secret", host => 'localhost', rest => "?socket=$socket"));
}

sub password_files
{
	my ($kind) = @_;

	write_file("$folder/options.cnf", "[mysqld]\npassword=wrong\n[client]\nuser = reader\npassword = \"$secret\"\n");
	chmod 0600, "$folder/options.cnf";
	arrives("$kind: an option file of the MySQL programs", url('reader'), '--password-file', "$folder/options.cnf");
	write_file("$folder/.my.cnf", "# mine\n[client]\npassword=$secret\n");
	chmod 0600, "$folder/.my.cnf";
	arrives("$kind: ~/.my.cnf", url('reader'));
	unlink "$folder/.my.cnf";

	# The target asks this role for a password, which libpq finds in ~/.pgpass.
	my $hba = $target->data_dir . '/pg_hba.conf';
	my $before = read_file($hba);
	write_file($hba, "local all cloner scram-sha-256\n$before");
	$target->sql("CREATE ROLE cloner LOGIN PASSWORD 'Ways-Marten-82' IN ROLE dbstream_admin, dbstream_bridge; GRANT CREATE ON"
		  . ' DATABASE postgres TO cloner; SELECT pg_reload_conf()');
	unlink "$folder/.pgpass";
	my $to = $target->conninfo('cloner');
	my ($code, $out, $err);
	ok(wait_until(30, sub { my ($status) = run_program([ 'psql', '-w', '-d', $to, '-c', 'SELECT 1' ]); $status != 0 }),
		"$kind: the target asks for a password");
	($code, $out, $err) = run_clone(url("reader:$url_secret"), $to);
	is($code, 3, "$kind: without a password the target cannot be reached");
	write_file("$folder/.pgpass", "*:*:*:cloner:Wrong-Marten-83\n");
	chmod 0600, "$folder/.pgpass";
	($code, $out, $err) = run_clone(url("reader:$url_secret"), $to);
	is($code, 3, "$kind: a wrong one in ~/.pgpass is refused");
	unlike("$out$err", qr/Marten/, "$kind: and not shown");
	write_file("$folder/.pgpass", "*:*:*:cloner:Ways-Marten-82\n");
	($code, $out, $err) = run_clone(url("reader:$url_secret"), $to, '--verify');
	is($code, 0, "$kind: the right one in ~/.pgpass works, for a role that is no superuser") or diag($err);
	is(compare_schema($source, $target, 'few'), '', "$kind: the rows are there");
	is($target->sql("SELECT tableowner FROM pg_tables WHERE schemaname = 'few'"), 'cloner', "$kind: and the table is that role's");
	$target->sql("SELECT dbstream.drop_stream('clone_few'); SELECT dbstream.drop_connection('clone_few_source'); DROP SCHEMA few CASCADE;"
		  . ' DROP OWNED BY cloner; DROP ROLE cloner');
	write_file($hba, $before);
	$target->sql('SELECT pg_reload_conf()');
}

# What is lost or means something else is told before anything is made.
sub notes
{
	my ($kind) = @_;

	$source->sql('CREATE DATABASE noted; CREATE TABLE noted.n (id int PRIMARY KEY, at timestamp NULL ON UPDATE CURRENT_TIMESTAMP,'
		  . ' body text, FULLTEXT KEY words (body)); CREATE TABLE noted.keyless (a int)');
	my ($code, $out, $err) = run_clone(url("reader:$url_secret", database => 'noted'), $target->conninfo, '--dry-run');
	is($code, 0, "$kind: a dry run ends well") or diag($err);
	like($out, qr/^--\s+(?:info|warning): .*words/mi, "$kind: with a note about the index for searching words");
	like($out, qr/^--\s+(?:info|warning): .*ON UPDATE/mi, "$kind: and one about ON UPDATE");
	like($out, qr/noted\.keyless: .*no key.*one piece/, "$kind: and of a table without a key");
	like($out, qr/^-- 2 tables, [2-9] notes; nothing was created/m, "$kind: counted at the end");
	is($target->sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'noted'"), '0', "$kind: and nothing is made");
	is($target->sql('SELECT count(*) FROM dbstream.stream'), '0', "$kind: no stream either");
}

# A terminal of 100 columns and 12 lines, with lines of the log in between.
sub on_a_terminal
{
	my ($kind) = @_;
	my $typed = "$folder/typed-$kind";

  SKIP:
	{
		skip "$kind: there is no program script", 1 unless DBStream::MySQL::program('script');
		write_file("$folder/terminal.sh", "stty cols 100 rows 12\nexec '$bridge' clone --from '" . url("reader:$url_secret")
			  . "' --to '" . $target->conninfo . "' --log-level info\n");
		my ($status) = run_program([ 'script', '-qefc', "sh $folder/terminal.sh", $typed ], env => { TERM => 'xterm' });
		my $text = read_file($typed);
		$printed .= $text;
		is($status, 0, "$kind: a clone on a terminal ends well");
		like($text, qr/few\.t +\[#{23}\] 100\.0 % done/, "$kind: with a bar for the table, which is full at the end");
		like($text, qr/1 of 1 tables done, 2 rows/, "$kind: and a line for all of them");
		like($text, qr/\e\[\d+A\e\[J/, "$kind: drawn over the one before");
		like($text, qr/(?:^|\e\[J)\d{4}-\d\d-\d\dT\S+ info .*backfill: few\.t is copied, 0 tables left\r?$/m, "$kind: the log's lines stand whole above them");
		my @long = grep { length > 99 } map { s/\e\[[\d;]*[A-Za-z]//gr =~ s/\r//gr } grep { /\[[#.]+\]/ } split(/\n/, $text);
		is(scalar(@long), 0, "$kind: no bar is wider than the terminal");
		$target->sql("SELECT dbstream.drop_stream('clone_few'); SELECT dbstream.drop_connection('clone_few_source'); DROP SCHEMA few CASCADE");
		my ($code, $out, $err) = run_clone(url("reader:$url_secret"), $target->conninfo);
		is($code, 0, "$kind: the same where no terminal is");
		unlike($out, qr/\e/, "$kind: prints lines without any of that");
		$target->sql("SELECT dbstream.drop_stream('clone_few'); SELECT dbstream.drop_connection('clone_few_source'); DROP SCHEMA few CASCADE");
	}
}

# A clone that stands in the middle: it has copied all tables but one, which somebody has locked at the source.
sub clone_in_the_middle
{
	my ($kind, $log, @more) = @_;

	unless ($source->sql("SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = 'shop'"))
	{
		$source->sql(backfill_schema());
		$source->sql(backfill_rows(3000), 'shop');
	}
	my $locker = in_child('locker', sub { $source->client('LOCK TABLES customer WRITE; SELECT SLEEP(600)', 'shop'); return 0; });
	wait_until(60, sub { $source->sql("SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE '%SLEEP(600)%' AND info NOT LIKE '%info%'") > 0 })
	  // die "the table is not locked\n";
	my $pid = start_program("clone of $kind", [ $bridge, 'clone', '--from', url("reader:$url_secret", database => 'shop'), '--to',
			$target->conninfo, @more ], $log, env => { HOME => $folder });
	my $there = wait_until(120,
		sub {
			die "the clone has ended: " . read_file($log) unless is_running($pid);
			my ($status, $out) = $target->run_psql("SELECT count(*) FILTER (WHERE phase = 'copied') >= 3 AND"
				  . " bool_or(source_table = 'customer' AND phase IN ('waiting', 'copying')) FROM dbstream.backfill_status");
			return $status == 0 && $out eq 't';
		});
	ok($there, "$kind: a clone has copied some tables and waits for one") or die "it is not in the middle\n";
	return ($pid, $locker);
}

sub told_to_stop
{
	my ($kind) = @_;
	my $log = "$folder/clone-stopped-$kind.log";
	my ($pid, $locker) = clone_in_the_middle($kind, $log);
	my $status = stop_program($pid, 'TERM', 60);

	is(defined $status ? $status >> 8 : 'killed', 5, "$kind: told to stop in the middle, it ends with code 5");
	like(read_file($log), qr/the same command goes on/, "$kind: and says that the same command goes on");
	is($target->sql("SELECT desired FROM dbstream.stream_status WHERE name = 'clone_shop'"), 'paused', "$kind: the stream is paused");
	unlock($locker);
	$target->sql("SELECT dbstream.drop_stream('clone_shop'); SELECT dbstream.drop_connection('clone_shop_source'); DROP SCHEMA shop CASCADE");
}

sub unlock
{
	my ($locker) = @_;

	$source->sql("KILL $_->[0]") foreach $source->rows(
		"SELECT id FROM information_schema.processlist WHERE info LIKE '%SLEEP(600)%' AND info NOT LIKE '%info%'");
	wait_until(60, sub { !is_running($locker) }) // die "the lock stays\n";
}

# Both servers die while it is in the middle: it waits for them, and ends well by itself.
sub servers_killed
{
	my ($kind) = @_;
	my $log = "$folder/clone-servers-$kind.log";
	my $scene = bless { source => $source, target => $target }, 'DBStream::Scene';
	my ($pid, $locker) = clone_in_the_middle($kind, $log, '--verify');

	fault($scene, 'postgres_killed');
	ok(is_running($pid), "$kind: PostgreSQL killed in the middle does not end it") or diag(read_file($log));
	ok($target->wait_for("SELECT count(*) > 0 FROM dbstream.worker_status WHERE worker_pid > 0", 120),
		"$kind: it comes back when PostgreSQL does");
	fault($scene, 'source_killed');
	ok(is_running($pid), "$kind: nor does the source, killed as well") or diag(read_file($log));
	wait_until(60, sub { !is_running($locker) }) // die "the lock stays\n";
	my $status = ended($pid, 180);
	is($status, 0, "$kind: it ends well by itself") or diag(read_file($log));
	like(read_file($log), qr/both sides are the same/, "$kind: and has compared both sides");
	is(compare_schema($source, $target, 'shop'), '', "$kind: which are the same");
}

# The exit code of a program that is to end by itself.
sub ended
{
	my ($pid, $limit) = @_;
	my $deadline = time() + $limit;

	while (waitpid($pid, POSIX::WNOHANG()) == 0)
	{
		if (time() > $deadline)
		{
			stop_program($pid, 'KILL');
			return 'killed';
		}
		select(undef, undef, undef, 0.05);
	}
	return $? & 127 ? 'signal ' . ($? & 127) : $? >> 8;
}

# An extension that is not the bridge's, and one whose library is newer than what CREATE EXTENSION made.
sub other_version
{
	my ($kind) = @_;

	$target->sql('ALTER FUNCTION dbstream.bridge_hello(text, int, int, text) RENAME TO bridge_hello_of_old');
	my ($code, $out, $err) = run_clone(url("reader:$url_secret"), $target->conninfo);
	is($code, 2, "$kind: an extension that does not match has a code of its own");
	like($err, qr/ALTER EXTENSION dbstream UPDATE/, "$kind: and it is told how to mend that");
	$target->sql('ALTER FUNCTION dbstream.bridge_hello_of_old(text, int, int, text) RENAME TO bridge_hello');
	$target->sql("UPDATE pg_extension SET extversion = '0.0.9' WHERE extname = 'dbstream'");
	($code, $out, $err) = run_clone(url("reader:$url_secret"), $target->conninfo);
	is($code, 3, "$kind: an extension that was not updated ends it too");
	like($err, qr/ALTER EXTENSION dbstream UPDATE/, "$kind: with the same remedy");
	is($target->sql("SELECT count(*) FROM dbstream.stream WHERE name = 'clone_few'"), '0', "$kind: nothing is left behind");
}
