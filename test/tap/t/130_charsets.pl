# The bridge's own conversion of character sets, code by code, against what the servers convert: the unit test
# test_charset, which is skipped in its ring for want of a server, with a server.

use strict;
use warnings;

use DBStream::MySQL;
use DBStream::Process qw(run_program);
use Test::More;

my $program = "$ENV{DBSTREAM_STAGE}/bin/test_charset";

foreach my $kind (qw(mariadb mysql))
{
  SKIP:
	{
		my $why = DBStream::MySQL::missing($kind);
		skip "$kind: $why", 1 if $why;
		skip "$kind: the unit tests are not built (make unit-build)", 1 unless -x $program;
		my $server = DBStream::MySQL->new(kind => $kind, folder => "$ENV{TESTDIR}/$kind")->start;
		my ($status, $out, $err) = run_program([$program],
			env => { DBSTREAM_TEST_MYSQL_SOCKET => $server->socket, CMOCKA_MESSAGE_OUTPUT => 'TAP',
				ASAN_OPTIONS => 'detect_leaks=0' });
		is($status, 0, "$kind: test_charset passes") or diag($out . $err);
		like($out, qr/^ok \d+ - test_server\s*$/m, "$kind: and has compared every set that the server lists");
		$server->kill9;
	}
}
done_testing();
