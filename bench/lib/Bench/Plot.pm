package Bench::Plot;

# One small diagram for each case: time per row over what grows, both axes logarithmic, as one SVG.

use strict;
use warnings;

use Exporter 'import';
use POSIX ();

our @EXPORT_OK = qw(plot);

my ($width, $height, $margin) = (230, 170, 46);
my %label = (rows => 'rows', tables => 'tables', columns => 'columns', streams => 'streams', values => 'bytes a value');

sub logarithm { return log($_[0]) / log(10); }

# A number as people write it: 10k, 1M.
sub short
{
	my ($number) = @_;

	return $number >= 1e6 ? $number / 1e6 . 'M' : $number >= 1000 ? $number / 1000 . 'k' : $number;
}

sub text
{
	my ($x, $y, $text, $anchor) = @_;

	return sprintf qq(<text x="%.0f" y="%.0f" text-anchor="%s">%s</text>\n), $x, $y, $anchor // 'middle', $text;
}

# Large values cost by the byte, everything else by the row.
sub cost
{
	my ($result) = @_;

	return $result->{case} eq 'values' ? 1e3 / ($result->{mb_per_s} || 0.001) : $result->{us_per_row};
}

sub diagram
{
	my ($left, $case, @points) = @_;
	my @x = map { logarithm($_->{step}) } @points;
	my @y = map { logarithm(cost($_)) } @points;
	my ($x_low, $x_high) = ($x[0], $x[-1] > $x[0] ? $x[-1] : $x[0] + 1);
	my ($y_low, $y_high) = (sort { $a <=> $b } @y)[ 0, -1 ];
	my ($bottom, $top) = ($height - 30, 30);
	my $svg = '';

	# Whole decades, at least two, so that a flat line looks flat.
	$y_low = POSIX::floor($y_low);
	$y_high = POSIX::ceil($y_high);
	$y_high = $y_low + 2 if $y_high < $y_low + 2;
	my $at_x = sub { $left + $margin + ($_[0] - $x_low) / ($x_high - $x_low) * ($width - $margin - 14) };
	my $at_y = sub { $bottom - ($_[0] - $y_low) / ($y_high - $y_low) * ($bottom - $top) };
	foreach my $decade ($y_low .. $y_high)
	{
		$svg .= sprintf qq(<line x1="%.0f" x2="%.0f" y1="%.0f" y2="%.0f" stroke="#ccc"/>\n), $left + $margin,
		  $left + $width - 14, ($at_y->($decade)) x 2;
		$svg .= text($left + $margin - 5, $at_y->($decade) + 4, 10**$decade, 'end');
	}
	$svg .= sprintf qq(<polyline fill="none" stroke="#06c" stroke-width="2" points="%s"/>\n),
	  join(' ', map { sprintf '%.1f,%.1f', $at_x->($x[$_]), $at_y->($y[$_]) } 0 .. $#points);
	foreach my $i (0 .. $#points)
	{
		$svg .= sprintf qq(<circle cx="%.1f" cy="%.1f" r="3" fill="#06c"/>\n), $at_x->($x[$i]), $at_y->($y[$i]);
		$svg .= text($at_x->($x[$i]), $bottom + 14, short($points[$i]{step}));
	}
	$svg .= text($left + $width / 2 + 10, $bottom + 27, $label{$case});
	return $svg . text($left + $width / 2 + 10, 18, $case eq 'values' ? 'CPU ns per byte' : "CPU \xc2\xb5s per row");
}

sub plot
{
	my ($results) = @_;
	my (@order, %points);

	foreach my $result (@$results)
	{
		push @order, $result->{case} unless $points{ $result->{case} };
		push @{ $points{ $result->{case} } }, $result;
	}
	my $total = $width * @order;
	my $svg = qq(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 $total $height" width="$total" height="$height" )
	  . qq(font-family="sans-serif" font-size="11">\n<rect width="$total" height="$height" fill="white"/>\n);
	$svg .= diagram($width * $_, $order[$_], @{ $points{ $order[$_] } }) foreach 0 .. $#order;
	return "$svg</svg>\n";
}

1;
