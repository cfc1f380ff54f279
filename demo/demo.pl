# The demonstration itself; demo/run starts it with everything in place.

use strict;
use warnings;

my $out;

# PostgreSQL's test modules send the standard output to a log of theirs: keep the real one first.
BEGIN
{
	open($out, '>&', \*STDOUT) or die "standard output: $!";
	select((select($out), $| = 1)[0]);
}

use DBStream::Compare qw(compare_table source_tables);
use DBStream::Process qw(in_child is_running log_tail run_program stop_program wait_until write_file);
use DBStream::Scene;
use POSIX ();
use Time::HiRes qw(sleep time);

my $kind = $ENV{DEMO_SOURCE} // 'mariadb';
my $step = 0;
my $begin;
my $scene;
my $flag = DBStream::Scene::work_folder() . '/stop-writing';

my $status = eval { demo() };
if (my $error = $@)
{
	say_line("\nThe demo failed: $error");
	say_line($scene->state_text) if defined $scene;
	$status = 1;
}
exit($status);

sub say_line { print $out "$_[0]\n"; }

sub heading
{
	say_line(sprintf("\n==== %d. %s", ++$step, $_[0]) . (defined $begin ? sprintf('   [%.1f s]', time() - $begin) : ''));
}

# Show what is typed, with its answer as psql prints it.
sub in_postgres
{
	my ($sql) = @_;
	my ($code, $text, $err) = run_program(
		[ 'psql', '-X', '-q', '-P', 'footer=off', '-v', 'ON_ERROR_STOP=1', '-d', $scene->target->connstr('postgres') ],
		stdin => $sql, env => { PGOPTIONS => '-c client_min_messages=warning -c timezone=UTC' });

	say_line(join("\n", map { "  postgres=> $_" } split(/\n/, hide($sql))));
	die "PostgreSQL refused: $err" if $code != 0;
	# What returns nothing is printed by psql as an empty column.
	say_line(indent($text)) if $text =~ /\S/ && $text !~ /\A\s*\w+\s*\n\s*-+\s*\z/;
}

# A password is shown to nobody, not even here.
sub hide { return $_[0] =~ s/"password":\s*"[^"]*"/"password": "..."/gr; }

sub at_source
{
	my ($sql) = @_;
	my $title = lc $scene->source->title;

	say_line(join("\n", map { "  $title> $_" } split(/\n/, $sql)));
	my ($code, $text, $err) = run_program([ (grep { $_ ne '--batch' && $_ ne '-N' } $scene->source->client_command), '--table', 'shop' ],
		stdin => $sql);
	die "the source refused: $err" if $code != 0;
	say_line(indent($text)) if $text =~ /\S/;
}

sub indent { return join("\n", map { "    $_" } split(/\n/, $_[0] =~ s/\n+\z//r)); }

sub plain { say_line("  $_[0]"); }

sub caught_up
{
	my $from = time();

	$scene->catches_up('shop_in', 40) or die "the stream did not catch up\n";
	plain(sprintf('(dbstream.wait_for_stream says: everything is here, after %.2f s)', time() - $from));
}

sub counts
{
	my @tables = source_tables($scene->source, 'shop');
	my @lines = ([ 'table', $scene->source->title, 'PostgreSQL' ]);

	foreach my $table (@tables)
	{
		push @lines, [ $table, $scene->source->sql("SELECT COUNT(*) FROM shop.`$table`"),
			$scene->target->sql("SELECT count(*) FROM shop.\"$table\"") ];
	}
	table(@lines);
}

sub table
{
	my (@lines) = @_;
	my @width;

	foreach my $line (@lines)
	{
		foreach my $i (0 .. $#$line)
		{
			$width[$i] = length($line->[$i]) if !defined $width[$i] || length($line->[$i]) > $width[$i];
		}
	}
	foreach my $n (0 .. $#lines)
	{
		say_line('    ' . join(' | ', map { sprintf("%-$width[$_]s", $lines[$n][$_]) } 0 .. $#width));
		say_line('    ' . join('-+-', map { '-' x $_ } @width)) if $n == 0;
	}
}

sub demo
{
	heading('Two private servers and an empty bridge');
	$scene = DBStream::Scene->new(kind => $kind);
	$begin = time();
	my ($source, $target) = ($scene->source, $scene->target);
	table([ 'server', 'version' ], [ $source->title, $source->version ],
		[ 'PostgreSQL', $target->sql('SHOW server_version') ]);

	heading('A small shop, at ' . $source->title);
	$source->sql(DBStream::Process::read_file("$ENV{DBSTREAM_STAGE}/demo/shop.sql"));
	at_source("SHOW TABLES;");
	my $writer = in_child('shop', sub { keep_selling($source) });
	plain('(From now on somebody keeps selling: new orders arrive all the time.)');

	heading('In PostgreSQL: a connection, a stream, start');
	$target->sql('DROP EXTENSION dbstream CASCADE; CREATE EXTENSION dbstream; GRANT dbstream_bridge TO bridge');
	plain('(CREATE EXTENSION dbstream has been run; dbstream-bridge is running with nothing but a conninfo.)');
	$scene->bridge->start;
	in_postgres("SELECT dbstream.create_connection('shop', 'mysql',\n  " . DBStream::Scene::quoted($scene->connection_options) . ");");
	in_postgres("SELECT dbstream.create_stream('shop_in', source => 'shop', target => 'local', tables => '{shop.*}',\n"
		  . "  options => '{\"start\": \"earliest\"}');");
	in_postgres(q{SELECT check_name, object, status FROM dbstream.validate_stream('shop_in');});
	in_postgres("SELECT dbstream.start_stream('shop_in');");

	heading('The rows arrive: tables are created, then filled, from the log');
	caught_up();
	counts();
	in_postgres('SELECT id, name, price, tags, details, released FROM shop.product ORDER BY id LIMIT 3;');

	heading('An update');
	at_source("UPDATE product SET price = price * 1.10, details = '{\"sale\": false, \"note\": \"new price\"}' WHERE id = 2;");
	caught_up();
	in_postgres('SELECT id, name, price, details FROM shop.product WHERE id = 2;');

	heading('A delete');
	at_source("DELETE FROM product WHERE name = 'Umbrella, broken';");
	caught_up();
	in_postgres("SELECT count(*) AS broken_umbrellas FROM shop.product WHERE name = 'Umbrella, broken';");

	heading('A schema change');
	at_source("ALTER TABLE customer ADD COLUMN loyalty_points int unsigned NOT NULL DEFAULT 0 AFTER name;\n"
		  . "UPDATE customer SET loyalty_points = 120 WHERE id = 1;\n"
		  . "CREATE TABLE voucher (code char(8) PRIMARY KEY, worth decimal(6,2) NOT NULL, until date);\n"
		  . "INSERT INTO voucher VALUES ('WELCOME1', 5.00, '2030-12-31');");
	caught_up();
	in_postgres("SELECT id, name, loyalty_points FROM shop.customer ORDER BY id LIMIT 2;\nSELECT * FROM shop.voucher;");
	in_postgres("SELECT left(source_sql, 60) AS source_sql, outcome FROM dbstream.ddl_history ORDER BY id DESC LIMIT 2;");

	heading('What the stream says of itself');
	in_postgres("\\x on\nSELECT * FROM dbstream.stream_status;");

	heading('The bridge is killed with -9, while the selling goes on');
	my $before = $target->sql('SELECT count(*) FROM shop.orders');
	plain('kill -9 ' . $scene->bridge->pid);
	$scene->bridge->kill9;
	my $sold = $source->sql('SELECT COUNT(*) FROM shop.orders');
	wait_until(20, sub { $source->sql('SELECT COUNT(*) FROM shop.orders') > $sold + 20 }) // die "nobody sells any more\n";
	table([ 'orders', $source->title, 'PostgreSQL' ],
		[ 'now', $source->sql('SELECT COUNT(*) FROM shop.orders'), $target->sql('SELECT count(*) FROM shop.orders') ]);
	plain('A new bridge is started: it knows nothing but where the database is.');
	$scene->bridge->start;
	caught_up();
	table([ 'orders', $source->title, 'PostgreSQL' ],
		[ 'now', $source->sql('SELECT COUNT(*) FROM shop.orders'), $target->sql('SELECT count(*) FROM shop.orders') ]);

	heading('The shop closes. Both sides, row by row, every value');
	write_file($flag, '');
	wait_until(20, sub { !is_running($writer) }) // die "the shop does not close\n";
	caught_up();
	return compared();
}

sub compared
{
	my @lines = ([ 'table', $scene->source->title . ' rows', 'PostgreSQL rows', 'values' ]);
	my $differences = '';

	foreach my $table (source_tables($scene->source, 'shop'))
	{
		my $found = compare_table($scene->source, $scene->target, 'shop', $table);
		$differences .= $found;
		push @lines, [ $table, $scene->source->sql("SELECT COUNT(*) FROM shop.`$table`"),
			$scene->target->sql("SELECT count(*) FROM shop.\"$table\""), $found eq '' ? 'all the same' : 'DIFFERENT' ];
	}
	table(@lines);
	if ($differences ne '')
	{
		say_line("\n$differences\nThe two sides differ.");
		return 1;
	}
	say_line(sprintf("\n  Every value of every row is the same on both sides. %.1f s since the servers' start.", time() - $begin));
	$scene->finish;
	return 0;
}

# Orders with their items, payments and a word in the log, a few dozen a second.
sub keep_selling
{
	my ($source) = @_;

	while (!-e $flag)
	{
		my $customer = 1 + int(rand(6));
		my $product = 1 + int(rand(6));
		my $amount = 1 + int(rand(4));
		$source->client(<<"END", 'shop');
BEGIN;
INSERT INTO orders (customer_id, state, shipped_to) VALUES ($customer, 'new', (SELECT address FROM customer WHERE id = $customer));
SET \@o = LAST_INSERT_ID();
INSERT INTO order_item SELECT \@o, 1, id, $amount, price FROM product WHERE id = $product;
COMMIT;
UPDATE orders SET state = 'paid', paid_at = NOW(6) WHERE state = 'new' AND id % 3 = 0;
INSERT INTO visit (customer_id, page, took) VALUES ($customer, '/product/$product', SEC_TO_TIME(RAND() * 400));
DELETE FROM visit WHERE customer_id = $customer AND RAND() < 0.2 LIMIT 1;
END
		sleep(0.03);
	}
	return 0;
}
