package Bench::Figures;

# Figures: seconds of runs become medians and ratios, are printed for people and kept for build/bench.json.

use strict;
use warnings;

use DBStream::Process qw(write_file);
use Exporter 'import';
use JSON::PP;
use POSIX ();

our @EXPORT_OK = qw(cpu_seconds children_cpu own_memory_mb median quantile heading figure note say_row write_figures summary);

my $ticks = POSIX::sysconf(POSIX::_SC_CLK_TCK());
my @figures;
my $out = \*STDOUT;

sub print_to { $out = $_[0]; }

# CPU seconds that a process has used.
sub cpu_seconds
{
	my ($pid) = @_;

	open(my $file, '<', "/proc/$pid/stat") or return 0;
	my @field = split(' ', (<$file> // '') =~ s/^.*\) //r);
	return ($field[11] + $field[12]) / $ticks;
}

# The CPU seconds of those of a server's processes whose title matches, as they are now, into $seen by process: for
# processes that end before anybody can ask.
sub children_cpu
{
	my ($parent, $title, $seen) = @_;

	open(my $list, '<', "/proc/$parent/task/$parent/children") or return;
	foreach my $pid (split(' ', <$list> // ''))
	{
		open(my $file, '<', "/proc/$pid/cmdline") or next;
		my $words = <$file> // '';
		$seen->{$pid} = cpu_seconds($pid) if $words =~ $title;
	}
}

# Memory of its own that a process holds now: shared buffers and program files do not count.
sub own_memory_mb
{
	my ($pid) = @_;

	open(my $file, '<', "/proc/$pid/status") or return 0;
	while (my $line = <$file>)
	{
		return $1 / 1024 if $line =~ /^RssAnon:\s+(\d+)/;
	}
	return 0;
}

sub quantile
{
	my ($part, @values) = @_;
	my @sorted = sort { $a <=> $b } @values;

	return 0 unless @sorted;
	my $at = $part * $#sorted;
	my $low = int($at);
	my $high = $low < $#sorted ? $low + 1 : $low;
	return $sorted[$low] + ($at - $low) * ($sorted[$high] - $sorted[$low]);
}

sub median { return quantile(0.5, @_); }

sub heading { print $out "\n$_[0]\n"; }

sub note { print $out "  $_[0]\n"; }

sub say_row { printf $out "  %-52s %s\n", @_; }

sub seconds_text
{
	my ($seconds) = @_;

	return sprintf('%.2f ms', $seconds * 1000) if $seconds < 0.05;
	return sprintf('%.2f s', $seconds);
}

# One line of the table: the same work by us and by a reference, run by run.
# work, reference: names; ours, theirs: seconds of runs that alternated; rows: how much work one run is.
sub figure
{
	my (%given) = @_;
	my ($ours, $theirs) = @given{qw(ours theirs)};
	my @ratios = map { $ours->[$_] / $theirs->[$_] } 0 .. $#$ours;
	my %figure = (
		work => $given{work},
		reference => $given{reference},
		ratio => 0 + sprintf('%.3f', median(@ratios)),
		ours_s => 0 + sprintf('%.6g', median(@$ours)),
		reference_s => 0 + sprintf('%.6g', median(@$theirs)),
		rows => $given{rows} + 0,
		runs => $given{runs} // scalar(@$ours));

	say_row('ours', seconds_text($figure{ours_s}) . '  (' . join(', ', map { seconds_text($_) } @$ours) . ')')
	  unless $given{again};
	say_row('  rows per second', sprintf('%.0f', $given{rows} / $figure{ours_s})) unless $given{again} || $given{single};
	say_row($given{reference}, seconds_text($figure{reference_s}) . '  (' . join(', ', map { seconds_text($_) } @$theirs) . ')');
	say_row('  ratio, median (lowest, highest)',
		sprintf('%.2f  (%.2f, %.2f)%s', $figure{ratio}, quantile(0, @ratios), quantile(1, @ratios),
			$figure{ratio} < 1 ? sprintf('  = %.1f times faster', 1 / ($figure{ratio} || 1)) : ''));
	push @figures, { %figure, lowest => quantile(0, @ratios), highest => quantile(1, @ratios) };
}

# A figure that is no time: megabytes beside their limit, under the same fields.
sub memory_figure
{
	my (%given) = @_;
	my $ratio = 0 + sprintf('%.3f', $given{megabytes} / $given{limit});

	push @figures,
	  {
		work => $given{work},
		reference => "limit of $given{limit} MB",
		ratio => $ratio,
		ours_s => 0 + sprintf('%.1f', $given{megabytes}),
		reference_s => $given{limit},
		rows => $given{rows} + 0,
		runs => 1,
		lowest => $ratio,
		highest => $ratio,
		megabytes => 1
	  };
}

# The whole table once more, as a page of the documentation would have it.
sub summary
{
	return unless @figures;
	print $out "\n| work | reference | ours | reference | ratio, median (lowest, highest) |\n| --- | --- | --- | --- | --- |\n";
	foreach my $figure (@figures)
	{
		my $text = $figure->{megabytes} ? sub { sprintf '%.1f MB', $_[0] } : \&seconds_text;
		printf $out "| %s | %s | %s | %s | %.2f (%.2f, %.2f) |\n", @$figure{qw(work reference)},
		  $text->($figure->{ours_s}), $text->($figure->{reference_s}), @$figure{qw(ratio lowest highest)};
	}
}

sub write_figures
{
	my ($path) = @_;
	my @fields = qw(work reference ratio ours_s reference_s rows runs);

	write_file($path,
		JSON::PP->new->canonical->pretty->encode([ map { my $f = $_; +{ map { $_ => $f->{$_} } @fields } } @figures ]));
}

1;
