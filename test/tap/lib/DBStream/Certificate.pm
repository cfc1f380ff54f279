package DBStream::Certificate;

# Certificates that a test makes for itself.

use strict;
use warnings;

use DBStream::Process qw(run_program write_file);
use Exporter 'import';

our @EXPORT_OK = qw(certificate);

# A key and a certificate in the folder, NAME.key and NAME.pem, signed by another of them or by itself.
sub certificate
{
	my ($folder, $name, $signer, $subject, $names) = @_;
	my @request = ('openssl', 'req', '-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', "$folder/$name.key", '-subj', "/CN=$subject");

	write_file("$folder/$name.ext", defined $names ? "subjectAltName=$names\n" : "basicConstraints=CA:" . (defined $signer ? 'FALSE' : 'TRUE') . "\n");
	my @steps = ([ @request, '-out', "$folder/$name.csr" ]);
	push @steps, [ 'openssl', 'x509', '-req', '-in', "$folder/$name.csr", '-days', '30', '-out', "$folder/$name.pem", '-extfile', "$folder/$name.ext",
		defined $signer
		? ('-CA', "$folder/$signer.pem", '-CAkey', "$folder/$signer.key", '-CAcreateserial')
		: ('-signkey', "$folder/$name.key") ];
	foreach my $step (@steps)
	{
		my ($status, $out, $err) = run_program($step);
		die "openssl: $err" if $status != 0;
	}
}

1;
