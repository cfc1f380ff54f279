# The source fails over to its replica half-way: by GTID the stream goes on there with nothing lost and nothing twice; a server that
# lacks what is applied, or has purged what is needed, and another server for a stream that follows by file and offset, are stops.
#
#   DBSTREAM_SOURCE  one kind of server

use strict;
use warnings;

use DBStream::Compare qw(compare_schema);
use DBStream::MySQL;
use DBStream::Process qw(wait_until);
use DBStream::Scene;
use POSIX ();
use Test::More;

my ($kind, $scene, $old, $new, $target);

foreach my $each (grep { !defined $ENV{DBSTREAM_SOURCE} || $_ eq $ENV{DBSTREAM_SOURCE} } qw(mariadb mysql))
{
  SKIP:
	{
		$kind = $each;
		my $why = DBStream::MySQL::missing($kind);
		skip "$kind: $why", 1 if $why;
		my @more = $kind eq 'mariadb' ? ('--log-slave-updates', '--gtid-strict-mode=1') : ();
		$scene = DBStream::Scene->new(kind => $kind, source_options => \@more);
		$new = DBStream::MySQL->new(kind => $kind, folder => "$ENV{TESTDIR}/$kind-replica", options => [ @more, '--server-id=2' ])->start;
		($old, $target) = ($scene->source, $scene->target);
		my $good = eval { set_up(); fail_over(); diverged(); by_file(); purged(); 1; };
		fail("$kind: $@") unless $good;
		diag($scene->state_text) unless $good && Test::More->builder->is_passing;
		$new->kill9;
		$scene->finish;
	}
}
done_testing();

sub replicate
{
	$old->sql("CREATE USER 'replica'\@'%' IDENTIFIED BY 'Keen-Stork-12'; GRANT REPLICATION SLAVE ON *.* TO 'replica'\@'%'");
	my $port = $old->port;
	$new->sql($kind eq 'mariadb'
		? "CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=$port, MASTER_USER='replica', MASTER_PASSWORD='Keen-Stork-12', MASTER_CONNECT_RETRY=1,"
		  . ' MASTER_USE_GTID=slave_pos; START SLAVE'
		: "CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=$port, SOURCE_USER='replica', SOURCE_PASSWORD='Keen-Stork-12',"
		  . ' SOURCE_CONNECT_RETRY=1, SOURCE_AUTO_POSITION=1, GET_SOURCE_PUBLIC_KEY=1; START REPLICA');
}

# Small transactions on a server, one after the other, by a client of its own; returns a sub that waits for its end.
my $next = 0;

sub load
{
	my ($server, $count) = @_;
	my $sql = '';

	foreach my $number ($next + 1 .. $next + $count)
	{
		$sql .= "BEGIN; INSERT INTO f.t VALUES ($number, 'n$number'); INSERT INTO f.log VALUES ($number, 1); COMMIT;\n"
		  . 'UPDATE f.t SET v = CONCAT(v, \'+\') WHERE id = ' . (1 + $number % 20) . ";\n";
	}
	$next += $count;
	my $file = "$ENV{TESTDIR}/load-$kind-$next.sql";
	open(my $out, '>', $file) or die "$file: $!";
	print $out $sql;
	close $out;
	my $pid = fork() // die "fork: $!";
	if ($pid == 0)
	{
		open(STDIN, '<', $file) or POSIX::_exit(1);
		exec($server->client_command) or POSIX::_exit(1);
	}
	return sub { waitpid($pid, 0); is($?, 0, "$kind: a load of $count"); };
}

sub gone_to
{
	my ($server, $connection) = @_;

	$target->sql("SELECT dbstream.alter_connection('$connection', '{\"port\": " . $server->port . "}')");
}

sub follows
{
	my ($server, $what) = @_;

	ok($scene->catches_up('f', 120), "$kind: $what: caught up") or die "$scene->{last_wait}\n";
	is(compare_schema($server, $target, 'f'), '', "$kind: $what: every row is there, once");
}

sub stops
{
	my ($stream, $code, $message, $hint, $what) = @_;

	ok($target->wait_for("SELECT count(*) > 0 FROM dbstream.errors WHERE stream = '$stream' AND code = '$code'", 90), "$kind: $what: $code")
	  or die "it did not stop\n";
	like($target->sql("SELECT message FROM dbstream.errors WHERE stream = '$stream' AND code = '$code' ORDER BY last_at DESC LIMIT 1"), $message, "$kind: $what: why");
	like($target->sql("SELECT hint FROM dbstream.errors WHERE stream = '$stream' AND code = '$code' ORDER BY last_at DESC LIMIT 1"), $hint, "$kind: $what: the remedy");
}

sub set_up
{
	$next = 0;
	replicate();
	$old->sql('CREATE DATABASE f; CREATE TABLE f.t (id int PRIMARY KEY, v text); CREATE TABLE f.log (n int, times int)');
	$scene->create_connection('m_source');
	$scene->create_connection('g_source');
	$scene->bridge->start;
	$scene->start_stream_on('f', 'f.*', start => 'backfill');
	$target->sql("SELECT dbstream.create_stream('g', source => 'g_source', target => 'local', tables => '{f.*}', options => '{\"start\": \"now\","
		  . " \"follow\": \"file\", \"schemas\": {\"f\": \"by_file\"}}'); CREATE SCHEMA by_file; CREATE TABLE by_file.t (id int PRIMARY KEY, v text);"
		  . " CREATE TABLE by_file.log (n int, times int); SELECT dbstream.start_stream('g')");
	ok($scene->catches_up($_, 60), "$kind: stream $_ begins") or die "$scene->{last_wait}\n" foreach qw(f g);
}

# The old primary goes away while the stream lags behind; writing goes on at the new one before the stream is told.
sub fail_over
{
	my $wait = load($old, 150);

	$scene->bridge->kill9;
	$wait->();
	$scene->bridge->start;
	ok($scene->catches_up('g', 120), "$kind: the other stream has it all") or die "$scene->{last_wait}\n";
	$scene->bridge->freeze;
	load($old, 20)->();
	ok(wait_until(180, sub { $new->sql('SELECT COUNT(*) FROM f.log') == $next }), "$kind: the replica has it all") or die $new->sql($kind eq 'mariadb' ? 'SHOW SLAVE STATUS' : 'SHOW REPLICA STATUS') . "\n";
	$old->kill9;
	$new->sql($kind eq 'mariadb' ? 'STOP SLAVE; RESET SLAVE ALL' : 'STOP REPLICA; RESET REPLICA ALL');
	$wait = load($new, 150);
	$scene->bridge->thaw;
	gone_to($new, 'm_source');
	$wait->();
	follows($new, 'a failover');
	$new->sql("ALTER TABLE f.t ADD COLUMN w int DEFAULT 3; UPDATE f.t SET w = 4 WHERE id < 10");
	$scene->bridge->kill9;
	$scene->bridge->start;
	follows($new, 'a schema change and another session');
}

# The old primary comes back with a transaction of its own and without those of the new one.
sub diverged
{
	$old->start;
	$old->sql("INSERT INTO f.t VALUES (1000000, 'errant')");
	gone_to($old, 'm_source');
	stops('f', 'source_diverged', qr/lacks transactions|not in the master's binlog|more GTIDs|diverge/i, qr/Copy the tables anew|copy the tables anew/, 'a server that lacks what is applied');
	is($target->sql('SELECT count(*) FROM f.t WHERE id = 1000000'), 0, "$kind: nothing of it is applied");
	gone_to($new, 'm_source');
	$new->sql('INSERT INTO f.log VALUES (0, 1)');
	follows($new, 'back at the new primary');
}

# A place in the log of one server is none in another's, whether or not there is a file of that name.
sub by_file
{
	gone_to($new, 'g_source');
	stops('g', 'source_replaced', qr/another server/, qr/set_position.*GTID/, 'file and offset at another server');
	my ($file, $offset) = split(/\t/, $new->sql($kind eq 'mariadb' ? 'SHOW MASTER STATUS' : 'SHOW BINARY LOG STATUS'));
	$target->sql("SELECT dbstream.pause_stream('g')");
	$target->sql('ALTER TABLE by_file.t ADD COLUMN w int');
	ok(wait_until(30, sub { ($target->run_psql("SELECT dbstream.set_position('g', '$file:$offset')"))[0] == 0 }), "$kind: a place in the new server's log");
	$target->sql("SELECT dbstream.resume_stream('g')");
	$new->sql('INSERT INTO f.log VALUES (-1, 1)');
	ok($scene->catches_up('g', 60), "$kind: from a place that is given it goes on") or die "$scene->{last_wait}\n";
	is($target->sql('SELECT count(*) FROM by_file.log WHERE n = -1'), 1, "$kind: at the new server");
	$scene->bridge->kill9;
	$scene->bridge->start;
	$new->sql('INSERT INTO f.log VALUES (-2, 1)');
	ok($scene->catches_up('g', 60), "$kind: which is the one it knows from then on") or die "$scene->{last_wait}\n";
}

# What the stream lacks is gone from the new primary.
sub purged
{
	follows($new, 'before the purge');
	$scene->bridge->stop;
	$new->sql("INSERT INTO f.log VALUES (-3, 1); FLUSH BINARY LOGS; INSERT INTO f.log VALUES (-4, 1); FLUSH BINARY LOGS");
	my @files = $new->rows('SHOW BINARY LOGS');
	ok(wait_until(60, sub { $new->sql("PURGE BINARY LOGS TO '$files[-1][0]'"); (() = $new->rows('SHOW BINARY LOGS')) == 1 }), "$kind: the log is gone")
	  or die "not purged\n";
	$scene->bridge->start;
	stops('f', 'binlog_purged', qr/./, qr/Copy the tables anew/, 'a server that has purged what is needed');
	is($target->sql('SELECT count(*) FROM f.log WHERE n < -2'), 0, "$kind: nothing behind it is applied");
}
