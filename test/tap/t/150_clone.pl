# dbstream-bridge clone: one command makes what is missing, copies, compares and ends; killed, it goes on; what it cannot
# do it says, with an exit code of its own.

use strict;
use warnings;

use DBStream::Backfill qw(backfill_schema backfill_rows start_backfill_writer);
use DBStream::Compare qw(compare_schema);
use DBStream::Matrix qw(matrix matrix_sql);
use DBStream::MySQL;
use DBStream::Postgres;
use DBStream::Process qw(run_program start_program stop_program is_running wait_until read_file write_file);
use DBStream::Scene;
use Test::More;
use Time::HiRes qw(sleep);

my @kinds = grep { !defined $ENV{DBSTREAM_SOURCE} || $_ eq $ENV{DBSTREAM_SOURCE} } qw(mariadb mysql);
my $secret = 'Clone/Otter@77';
my $url_secret = 'Clone%2FOtter%4077';
my $rows = $ENV{DBSTREAM_ROWS} // 20000;
my $folder = DBStream::Scene::work_folder();
my $bridge = $ENV{DBSTREAM_BRIDGE};
my ($source, $target, $printed);

foreach my $kind (@kinds)
{
  SKIP:
	{
		my $why = DBStream::MySQL::missing($kind);
		skip "$kind: $why", 1 if $why;
		$printed = '';
		my $good = eval { clone($kind); 1 };
		my $error = $@;
		fail("$kind: $error") unless $good;
		diag(substr($printed, -4000)) unless $good && Test::More->builder->is_passing;
		eval { $target->stop('fast'); $source->kill9 };
	}
}
done_testing();

# Runs to its end; returns its exit code and both outputs.
sub run_clone
{
	my ($url, @more) = @_;
	my ($status, $out, $err) =
	  run_program([ $bridge, 'clone', '--from', $url, '--to', $target->conninfo, @more ], env => { HOME => $folder });

	$printed .= "\$ clone @more\n$out$err(exit $status)\n";
	return ($status, $out, $err);
}

sub url
{
	my ($user, $password, %given) = @_;

	return "mysql://$user" . (defined $password ? ":$password" : '') . '@127.0.0.1:' . ($given{port} // $source->port)
	  . '/' . ($given{database} // 'shop') . ($given{rest} // '');
}

sub traces
{
	return $target->sql("SELECT (SELECT count(*) FROM pg_extension WHERE extname = 'dbstream')"
		  . " || ' ' || (SELECT count(*) FROM pg_namespace WHERE nspname IN ('dbstream', 'shop'))"
		  . " || ' ' || (SELECT count(*) FROM pg_roles WHERE rolname LIKE 'dbstream%')");
}

sub clone
{
	my ($kind) = @_;

	$source = DBStream::MySQL->new(kind => $kind, folder => "$folder/$kind")->start;
	$source->create_reader('reader', $secret);
	$source->sql(backfill_schema());
	$source->sql(backfill_rows($rows), 'shop');
	$target = DBStream::Postgres->create("target_$kind");
	refusals($kind);
	dry_run($kind);
	whole($kind);
	differences($kind);
	killed($kind);
	followed($kind);
	written($kind);
	every_type($kind);
}

# What cannot begin leaves nothing behind.
sub refusals
{
	my ($kind) = @_;
	my ($code, $out, $err) = run_clone(url('reader', $url_secret, port => 1));

	is($code, 3, "$kind: a source that is not there is an error");
	like($err, qr/source_unreachable.*hint/si, "$kind: which says what to look at");
	unlike("$out$err", qr/Otter/, "$kind: and not the password");
	($code, $out, $err) = run_clone(url('reader', 'Wrong-Stoat-80'));
	is($code, 3, "$kind: a wrong password is an error");
	like($err, qr/source_access_denied/, "$kind: which is named");
	unlike("$out$err", qr/Stoat/, "$kind: without the password");
	($code, $out, $err) = run_clone(url('reader', $url_secret, database => 'shoop'));
	is($code, 3, "$kind: a database that is not there is an error");
	like($err, qr/no database "shoop"/, "$kind: which is named");
	($code, $out, $err) = run_clone('postgresql://reader:Wrong-Stoat-80@h/shop');
	is($code, 1, "$kind: another kind of URL is refused");
	unlike("$out$err", qr/Stoat/, "$kind: without the password");
	($code, $out, $err) = run_clone(url('reader', $url_secret), '--option', 'strat=now');
	isnt($code, 0, "$kind: an unknown option is refused");
	($code, $out, $err) = run_clone(url('reader', $url_secret), '--frm', 'x');
	is($code, 1, "$kind: an unknown flag is refused");
	is(traces(), '0 0 0', "$kind: none of them left anything");
}

sub dry_run
{
	my ($kind) = @_;
	my ($code, $out, $err) = run_clone(url('reader', $url_secret), '--dry-run');

	is($code, 0, "$kind: a dry run ends well") or diag($err);
	like($out, qr/CREATE TABLE "?shop"?\."?customer"?/, "$kind: it shows the tables");
	like($out, qr/stream "clone_shop": would be created/, "$kind: and the stream");
	unlike("$out$err", qr/Otter/, "$kind: and no password");
	is(traces(), '0 0 0', "$kind: and leaves nothing");
}

sub whole
{
	my ($kind) = @_;

	# By a plain password file first: the definition differs from one with the password in the URL.
	write_file("$folder/clone.pw", "$secret\n");
	chmod 0600, "$folder/clone.pw";
	my @how = (url('reader'), '--password-file', "$folder/clone.pw");
	my ($code, $out, $err) = run_clone(@how, '--verify');
	is($code, 0, "$kind: a clone with --verify ends well") or die "no clone\n";
	like($out, qr/both sides are the same/, "$kind: and says that both sides are the same");
	like($out, qr/shop\.customer: done, $rows rows/, "$kind: each table is told");
	is(compare_schema($source, $target, 'shop'), '', "$kind: they are");
	is($target->sql("SELECT desired FROM dbstream.stream_status"), 'paused', "$kind: the stream is paused");

	$source->sql("INSERT INTO tag VALUES ('z4711', 4711)", 'shop');
	($code, $out, $err) = run_clone(@how, '--verify');
	is($code, 0, "$kind: the same command again goes on");
	like($out, qr/going on with stream/, "$kind: with the stream that is there");
	is(compare_schema($source, $target, 'shop'), '', "$kind: and brings what came since");

	($code, $out, $err) = run_clone(@how, '--option', 'set=text');
	is($code, 1, "$kind: another definition under the same name is refused");
	like($err, qr/defined otherwise.*hint/s, "$kind: with a remedy");
	is(compare_schema($source, $target, 'shop'), '', "$kind: and changes nothing");
}

# --verify sees what is there, or not, or other.
sub differences
{
	my ($kind) = @_;
	my @how = (url('reader'), '--password-file', "$folder/clone.pw");

	$target->sql(q{UPDATE shop.customer SET name = name || 'x' WHERE id = 17;
		SET session_replication_role = replica; DELETE FROM shop.customer WHERE id = 18;
		INSERT INTO shop.heap VALUES (-5, 'x', 1)});
	my ($code, $out, $err) = run_clone(@how, '--verify');
	is($code, 4, "$kind: differences have an exit code");
	like($out, qr/shop\.customer: DIFFERENT.*the row id=1[78] /s, "$kind: and are named by key");
	like($out, qr/id=17 has other values/, "$kind: a changed row");
	like($out, qr/id=18 is not at the target/, "$kind: a missing one");
	like($out, qr/shop\.heap: DIFFERENT/, "$kind: one too many in a table without key");
	like($out, qr/shop\.sale: the same/, "$kind: other tables are the same");
	$target->sql(q{SELECT dbstream.drop_stream('clone_shop'); DROP SCHEMA shop CASCADE});
}

sub killed
{
	my ($kind) = @_;
	my @command = ($bridge, 'clone', '--from', url('reader', $url_secret), '--to', $target->conninfo, '--name', 'killed');
	my $log = "$folder/clone-killed-$kind.log";
	my $pid = start_program("clone of $kind", \@command, $log);

	ok(wait_until(60,
		sub {
			my ($status, $out) =
			  $target->run_psql('SELECT sum(rows_done) > 0 FROM dbstream.backfill_status');
			return ($status == 0 && $out eq 't') || !is_running($pid);
		}), "$kind: a clone copies") or die "nothing copied\n";
	my @lines = map { eval { read_file($_) } // () } glob '/proc/[0-9]*/cmdline';
	is(scalar(grep { /Otter/ } @lines), 0, "$kind: no command line shows the password");
	ok(scalar(grep { /clone/ && /--from/ } @lines) || !is_running($pid), "$kind: though one was looked at");
	stop_program($pid, 'KILL');
	my ($code, $out, $err) = run_clone(url('reader', $url_secret), '--name', 'killed', '--verify');
	is($code, 0, "$kind: killed in the middle, the same command ends well");
	is(compare_schema($source, $target, 'shop'), '', "$kind: and both sides are the same");
	unlike(read_file($log) . $printed, qr/Otter/, "$kind: nothing printed holds the password");
	unlike(read_file($target->logfile), qr/Otter/, "$kind: nor does the target's log");
}

sub followed
{
	my ($kind) = @_;
	my $log = "$folder/clone-follow-$kind.log";
	my $pid = start_program("clone of $kind", [ $bridge, 'clone', '--from', url('reader', $url_secret), '--to',
		$target->conninfo, '--name', 'killed', '--follow', '--verify' ], $log);

	ok(wait_until(60, sub { (-e $log ? read_file($log) : '') =~ /following/ }), "$kind: --follow goes on");
	$source->sql("INSERT INTO tag VALUES ('z4712', 4712)", 'shop');
	ok($target->wait_for("SELECT count(*) = 1 FROM shop.tag WHERE code = 'z4712'", 30), "$kind: and brings what is new");
	my $status = stop_program($pid, 'TERM', 30);
	is($status, 0, "$kind: until it is told to stop");
	is($target->sql("SELECT desired FROM dbstream.stream_status WHERE name = 'killed'"),
		'running', "$kind: the stream is left to the next bridge");
}

# While writers change every table, comparing makes no false alarm.
sub written
{
	my ($kind) = @_;
	my $flag = "$folder/stop-$kind";

	$target->sql(q{SELECT dbstream.pause_stream('killed'); SELECT dbstream.drop_stream('killed'); DROP SCHEMA shop CASCADE});
	my $writer = start_backfill_writer($source, $flag, 1, $rows);
	my ($code, $out, $err) = run_clone(url('reader', $url_secret), '--name', 'written', '--verify');
	write_file($flag, '');
	wait_until(60, sub { !is_running($writer) }) // die "the writer did not end\n";
	unlike($out, qr/DIFFERENT/, "$kind: a comparison under writes makes no false alarm");
	($code, $out, $err) = run_clone(url('reader', $url_secret), '--name', 'written', '--verify');
	is($code, 0, "$kind: and afterwards both sides are the same");
	is(compare_schema($source, $target, 'shop'), '', "$kind: as the test's own comparison says");
}

# Every type, compared by clone, with nothing left out; and one value changed is seen in each type.
sub every_type
{
	my ($kind) = @_;
	my $matrix = matrix($kind);

	$source->sql('CREATE DATABASE matrix CHARACTER SET utf8mb4');
	$source->sql(matrix_sql($_, @{ $matrix->{$_} }), 'matrix') foreach sort keys %$matrix;
	my @how = (url('reader', $url_secret, database => 'matrix'), '--verify');
	my ($code, $out, $err) = run_clone(@how);
	is($code, 0, "$kind: every type is copied and compared");
	unlike($out, qr/not compared|DIFFERENT|not decided/, "$kind: and none is left out");
	like($out, qr/compared \d+ tables, \d+ rows: both sides are the same/, "$kind: which is said");
	foreach my $name (sort keys %$matrix)
	{
		$target->sql(qq{SET session_replication_role = replica; UPDATE matrix."$name" SET v =
			CASE WHEN v IS NULL THEN (SELECT o.v FROM matrix."$name" o WHERE o.v IS NOT NULL LIMIT 1) END
			WHERE id = (SELECT min(id) FROM matrix."$name")});
	}
	($code, $out, $err) = run_clone(@how);
	is($code, 4, "$kind: a changed value is seen");
	my @unseen = grep { $out !~ /^matrix\.\Q$_\E: DIFFERENT/m } sort keys %$matrix;
	is("@unseen", '', "$kind: in every type");
}
