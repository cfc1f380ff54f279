# The five TLS modes, a certificate authority, a client certificate, and MySQL's caching_sha2_password.

use strict;
use warnings;

use DBStream::Certificate qw(certificate);
use DBStream::MySQL;
use DBStream::Process qw(run_program write_file);
use DBStream::Scene;
use Test::More;

my @kinds = grep { !defined $ENV{DBSTREAM_SOURCE} || $_ eq $ENV{DBSTREAM_SOURCE} } qw(mariadb mysql);
my $folder = DBStream::Scene::work_folder();

certificate($folder, 'ca', undef, 'the test authority');
certificate($folder, 'server', 'ca', 'localhost', 'DNS:localhost,IP:127.0.0.1');
certificate($folder, 'client', 'ca', 'a client');
certificate($folder, 'other', undef, 'another authority');

foreach my $kind (@kinds)
{
  SKIP:
	{
		my $why = DBStream::MySQL::missing($kind);
		skip "$kind: $why", 1 if $why;
		my $scene = DBStream::Scene->new(
			kind => $kind,
			source_options => [ "--ssl-ca=$folder/ca.pem", "--ssl-cert=$folder/server.pem", "--ssl-key=$folder/server.key" ]);
		my $good = eval { modes($scene, $kind); 1 };
		my $error = $@;
		fail("$kind: $error") unless $good;
		diag($scene->state_text) unless $good && Test::More->builder->is_passing;
		eval { $scene->finish };
	}
}
done_testing();

sub modes
{
	my ($scene, $kind) = @_;
	my ($source, $target) = ($scene->source, $scene->target);
	my $number = 0;

	$source->sql("CREATE DATABASE a; CREATE TABLE a.t (id int PRIMARY KEY); INSERT INTO a.t VALUES (1);"
		  . " CREATE USER 'tls'\@'%' IDENTIFIED BY 'tls-1' REQUIRE SSL; CREATE USER 'cert'\@'%' IDENTIFIED BY 'cert-1' REQUIRE X509;"
		  . " GRANT SELECT, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO 'tls'\@'%', 'cert'\@'%'");
	$scene->bridge->start;
	my @good = (
		[ 'PREFERRED', {} ],
		[ 'REQUIRED', {} ],
		[ 'VERIFY_CA', { ssl_ca => "$folder/ca.pem" } ],
		[ 'VERIFY_IDENTITY', { ssl_ca => "$folder/ca.pem", host => 'localhost' } ],
		[ 'VERIFY_IDENTITY', { ssl_ca => "$folder/ca.pem", user => 'cert', password => 'cert-1', ssl_cert => "$folder/client.pem",
			ssl_key => "$folder/client.key" } ]);
	foreach my $case (@good)
	{
		my ($mode, $more) = @$case;
		my $name = 'g' . ++$number;
		$scene->create_connection("${name}_source", user => 'tls', password => 'tls-1', ssl_mode => $mode, %$more);
		$scene->create_stream($name, 'a.*', schemas => { a => $name });
		$target->sql("SELECT dbstream.start_stream('$name')");
		ok($scene->caught_up($name, 30), "$kind: $mode" . ($more->{ssl_cert} ? ' with a client certificate' : '') . ' works for an account that requires TLS');
		$scene->drop_stream("$name");
	}
	my @bad = (
		[ 'DISABLED', {}, qr/./ ],
		[ 'VERIFY_CA', { ssl_ca => "$folder/other.pem" }, qr/certificate|ssl|tls/i ],
		[ 'VERIFY_CA', { ssl_ca => "$folder/missing.pem" }, qr/missing\.pem|certificate|ssl|tls/i ],
		[ 'REQUIRED', { user => 'cert', password => 'cert-1' }, qr/./ ]);
	foreach my $case (@bad)
	{
		my ($mode, $more, $pattern) = @$case;
		my $name = 'b' . ++$number;
		$scene->create_connection("${name}_source", user => 'tls', password => 'tls-1', ssl_mode => $mode, %$more);
		$scene->create_stream($name, 'a.*', schemas => { a => $name });
		$target->sql("SELECT dbstream.start_stream('$name')");
		$target->wait_for("SELECT count(*) > 0 FROM dbstream.errors WHERE stream = '$name'", 30);
		like($target->sql("SELECT concat_ws(' / ', message, detail, hint) FROM dbstream.errors WHERE stream = '$name' LIMIT 1"),
			$pattern, "$kind: $mode with " . (join(', ', sort keys %$more) || 'an account that requires TLS') . ' is refused with an error');
		isnt($target->sql("SELECT state FROM dbstream.stream_status WHERE name = '$name'"), 'running', "$kind: and the stream does not say that it runs");
		$scene->drop_stream("$name");
	}
}
