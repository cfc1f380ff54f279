# Conflicts of a stream into PostgreSQL, each kind under each policy, from the wire alone: what is at the target at the
# end, and what is recorded.

use strict;
use warnings;

use DBStream::Postgres;
use DBStream::Process qw(run_program);
use Test::More;

my $feed = $ENV{DBSTREAM_FEED} // die 'DBSTREAM_FEED is not set: use test/run';
my $pg = DBStream::Postgres->create('conflicts');
$pg->sql('CREATE EXTENSION dbstream; CREATE SCHEMA shop');
$pg->sql(q{INSERT INTO dbstream.stream (id, name, owner, source, target, tables, options, desired)
	VALUES (1, 's', current_user::regrole, 'nowhere', 'local', '{shop.*}', '{}', 'running');
	CREATE TABLE shop.plain (id int PRIMARY KEY, word text, at timestamp, mail text UNIQUE);
	CREATE TABLE shop.parted (word text, id int, at timestamp, mail text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
	CREATE TABLE shop.part1 (at timestamp, mail text UNIQUE, id int NOT NULL, word text);
	ALTER TABLE shop.parted ATTACH PARTITION shop.part1 FOR VALUES FROM (0) TO (1000)});

my $number = 0;

my $from = 'mysql';

sub feed
{
	my (@lines) = @_;

	return run_program([ $feed, $pg->conninfo, 1 ],
		stdin => join('', map { tr/|/\t/r . "\n" } "hello|0|$from", @lines, 'commit|binlog.000001:' . ++$number));
}

sub policy { $pg->sql("UPDATE dbstream.stream SET options = '$_[0]'"); }

my $early = '2024-01-01 00:00:00';
my $late = '2024-06-01 00:00:00';

# Of each case: the target's row, the source's change (old and new values of word and time), what is recorded, and the
# word that is there at the end under source_wins, target_wins, and latest_wins when the source's row is the later and
# when it is the earlier one; - for no row.
my @cases = (
	[ 'insert_exists', 'mine', undef, 'theirs', [qw(theirs mine theirs mine)] ],
	[ 'update_differs', 'mine', 'old', 'theirs', [qw(theirs mine theirs mine)] ],
	[ 'update_missing', undef, 'old', 'theirs', [qw(theirs - - -)] ],
	[ 'delete_differs', 'mine', 'old', undef, [qw(- mine - -)] ],
	[ 'delete_missing', undef, 'old', undef, [qw(- - - -)] ],
	[ undef, 'old', 'old', 'theirs', [qw(theirs theirs theirs theirs)] ],
	[ undef, 'old', 'old', undef, [qw(- - - -)] ]);
my @policies = (
	[ '{"conflicts": "source_wins"}', $late ],
	[ '{"conflicts": "target_wins"}', $late ],
	[ '{"conflicts": "latest_wins", "conflict_column": "at"}', $late ],
	[ '{"conflicts": "latest_wins", "conflict_column": "at"}', $early ]);
my $middle = '2024-03-01 00:00:00';

foreach my $table (qw(plain parted))
{
	my $define = "table|1|shop|$table|id:int4:key|word:text:null|at:timestamp:null|mail:text:null";

	foreach my $case (@cases)
	{
		my ($kind, $held, $old, $new, $ends) = @$case;
		my $shown = $kind // 'no conflict of ' . (defined $new ? 'an update' : 'a delete');

		for my $i (0 .. $#policies)
		{
			my ($options, $time) = @{ $policies[$i] };
			my $name = "$table, $shown, $options, "  . ($time eq $late ? 'source later' : 'source earlier');

			policy($options);
			$pg->sql("DELETE FROM dbstream.conflict; DELETE FROM shop.$table");
			$pg->sql("INSERT INTO shop.$table (id, word, at) VALUES (7, '$held', '$middle')") if defined $held;
			my $row = join('|', 'insert|1|7', $new // '', us($time), '\N') if !defined $old;
			my $before = join('|', 7, $old, us($middle), '\N') if defined $old;
			$row = "update|1|$before|=>|" . join('|', 7, $new, us($time), '\N') if defined $old && defined $new;
			$row = "delete|1|$before" if !defined $new;
			my ($exit, $out, $err) = feed($define, 'begin', $row);
			is($exit, 0, $name) or diag($out . $err . $pg->sql('TABLE dbstream.error_log'));
			is($pg->sql("SELECT word FROM shop.$table") || '-', $ends->[$i], "$name: the row");
			my $winner = $kind && $kind eq 'delete_missing' ? 'both' : $ends->[$i] eq ($new // '-') ? 'source' : 'target';
			is($pg->sql(q{SELECT kind, key, source_row->>'word', source_before->>'word', target_row->>'word', winner, table_name
					FROM dbstream.conflicts}),
				$kind ? join('|', $kind, '{"id": 7}', map { $_ // '' } $new, $old, $held, $winner, $table) : '', "$name: the record");
		}
	}
}

sub us
{
	my ($time) = @_;

	return $pg->sql("SELECT (extract(epoch FROM timestamp '$time' - timestamp '2000-01-01') * 1000000)::int8");
}

# ---- stop, which is the default ----
my $define = 'table|1|shop|plain|id:int4:key|word:text:null|at:timestamp:null|mail:text:null';

sub stops
{
	my ($name, $pattern, @lines) = @_;
	my ($exit) = feed($define, 'begin', @lines);

	isnt($exit, 0, "$name: stops");
	like($pg->sql(q{SELECT concat_ws(' / ', message, detail, hint) FROM dbstream.error_log ORDER BY last_at DESC, id DESC LIMIT 1}),
		$pattern, "$name: says so");
}

policy('{}');
$pg->sql(q{DELETE FROM dbstream.conflict; DELETE FROM shop.plain; INSERT INTO shop.plain VALUES (7, 'mine', NULL, 'a@b')});
my $then = us($middle);
stops('a row that differs', qr/not as the source had it: \(id\)=\(7\).*conflicts/, "update|1|7|old|$then|\\N|=>|7|new|$then|\\N");
stops('a row to delete that differs', qr/to delete.*not as the source had it: \(id\)=\(7\)/, "delete|1|7|old|$then|\\N");
stops('a row that is missing', qr/not in table "shop.plain": \(id\)=\(8\)/, "update|1|8|old|$then|\\N|=>|8|new|$then|\\N");

# ---- another row with a unique key ----
foreach my $options ('{"conflicts": "target_wins"}', '{"conflicts": "latest_wins", "conflict_column": "at"}')
{
	policy($options);
	stops("another row's unique key, $options", qr/unique key of the source's row.*"mail":"a\@b"/, "insert|1|9|new|$then|a\@b");
}
policy('{"conflicts": "source_wins"}');
$pg->sql(q{INSERT INTO shop.plain VALUES (9, 'nine', NULL, 'n@b')});
my ($exit, $out, $err) = feed($define, 'begin', "insert|1|9|new|$then|a\@b");
is($exit, 0, 'another row\'s unique key: the source wins') or diag($out . $err);
is($pg->sql('SELECT id, word FROM shop.plain'), '9|new', 'its row is the only one');
is($pg->sql(q{SELECT kind, target_row->>'id', winner FROM dbstream.conflicts ORDER BY kind}),
	"insert_exists|9|source\nkey_taken|7|source", 'both rows that went are recorded');

# ---- what cannot be decided ----
policy('{"conflicts": "latest_wins", "conflict_column": "changed"}');
stops('no such column', qr/has no column "changed".*conflict_column/, "insert|1|9|new|$then|\\N");
policy('{"conflicts": "latest_wins", "conflict_column": "word"}');
stops('a column that tells no time', qr/"word".*type text.*conflict_column/, "insert|1|9|new|$then|\\N");

# A NULL is older than anything, and on a tie the source wins, since it is MySQL.
policy('{"conflicts": "latest_wins", "conflict_column": "at"}');
foreach my $case ([ 'NULL', '\N', 'new' ], [ "'$middle'", '\N', 'held' ], [ 'NULL', $then, 'new' ], [ "'$middle'", $then, 'new' ])
{
	my ($held, $new, $end) = @$case;

	$pg->sql("DELETE FROM shop.plain; INSERT INTO shop.plain VALUES (9, 'held', $held)");
	feed($define, 'begin', "insert|1|9|new|$new|\\N");
	is($pg->sql('SELECT word FROM shop.plain'), $end, "$new against $held");
}

# Between two PostgreSQL servers both sides must decide a tie by the rows.
$from = 'postgresql';
foreach my $case ([ 'a', 'b', 'b' ], [ 'b', 'a', 'b' ])
{
	my ($held, $new, $end) = @$case;

	$pg->sql("DELETE FROM shop.plain; INSERT INTO shop.plain VALUES (9, '$held', '$middle')");
	feed($define, 'begin', "insert|1|9|$new|$then|\\N");
	is($pg->sql('SELECT word FROM shop.plain'), $end, "a tie of two PostgreSQL servers: $new against $held");
}
$from = 'mysql';

# A row that replaces another one is whole, though the source leaves out what it did not change.
policy('{"conflicts": "source_wins"}');
foreach my $held (q{DELETE FROM shop.plain; INSERT INTO shop.plain VALUES (9, 'mine', NULL, 'mine')}, 'DELETE FROM shop.plain')
{
	$pg->sql($held);
	feed($define, 'begin', "update|1|9|old|$then|x\@y|=>|9|~|$then|z\@y");
	is($pg->sql('SELECT word, mail FROM shop.plain'), 'old|z@y', 'what the source left out is its own old value');
}
policy('{"conflicts": "latest_wins", "conflict_column": "at"}');

# Without the old row, an update that is older than the target's row loses all the same.
$pg->sql("UPDATE shop.plain SET word = 'held', at = '$late'; DELETE FROM dbstream.conflict");
feed($define, 'begin', "update|1|same|=>|9|new|$then|\\N");
is($pg->sql('SELECT word FROM shop.plain'), 'held', 'an older update that tells only its key');
is($pg->sql(q{SELECT kind, winner FROM dbstream.conflicts}), 'update_differs|target', 'is recorded');

is($pg->sql(q{SELECT dbstream.forget_conflicts('s')}), 1, 'a record that has been looked at can go');
is($pg->sql('SELECT count(*) FROM dbstream.conflicts'), 0, 'and is gone');
my ($status, undef, $error) = $pg->run_psql(q{SELECT dbstream.alter_stream('s', options => '{"conflict_column": null}')});
like($error, qr/cannot be "latest_wins" without "conflict_column"/, 'latest_wins needs its column');
$pg->stop;
done_testing();
