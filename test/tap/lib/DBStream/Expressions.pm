package DBStream::Expressions;

# What test 303 compares: a table with a column of each kind, rows of ordinary and of awkward values, and expressions
# over them.  Each line of the list is an expression of MySQL and MariaDB; "mysql:" or "mariadb:" before it says that
# only this server knows it, "no" that it has to be refused.

use strict;
use warnings;
use utf8;

use Exporter qw(import);

our @EXPORT_OK = qw(collation columns table_sql row_values expressions defaults random_expression);

# Column, its type, and the values that its rows take; a list of two is the value in MySQL's and in PostgreSQL's words.
my @pools = (
	[ 'i', 'INT', undef, 0, 1, -1, 2, 3, -7, 10, 100, 2147483647, -2147483648, 42 ],
	[ 'k', 'INT', undef, 1, 2, 0, -3, 5, 7 ],
	[ 'u', 'INT UNSIGNED', undef, 0, 1, 5, 4294967295, 77 ],
	[ 'w', 'BIGINT', undef, 0, -1, 3, 9007199254740993, -9007199254740993, 12 ],
	[ 'y', 'TINYINT(1)', undef, [ 0, 'false' ], [ 1, 'true' ] ],
	[ 'n', 'DECIMAL(10,2)', undef, 0, '0.10', '-0.55', '2.50', '-2.50', '3.45', '12345678.99', '-12345678.99', '1.00', '10.05' ],
	[ 'm', 'DECIMAL(12,4)', undef, '0.0000', '1.5000', '-1.5000', '0.0001', '3.0000', '99.9999' ],
	[ 'f', 'DOUBLE', undef, 0, '1.5', '-1.5', '0.1', '1e10', '-2.25', '3' ],
	[ 's', 'VARCHAR(40)', undef, '', 'a', 'abc', 'ABC', 'Straße', 'żółw', '日本語', '😀x', ' a b ', '%_x', "it's", 'back\\slash', '123', 'aXbXc', 'x,y' ],
	[ 't', 'TEXT', undef, 'abc', '', 'b', 'ABCabc', 'héllo wörld', ' ', "line\nbreak" ],
	[ 'c', 'CHAR(10)', undef, 'abc', '', 'a', 'x y', 'ä', '1234567890' ],
	[ 'b', 'VARBINARY(20)', undef, [ "x''", '\\x' ], [ "x'00ff10'", '\\x00ff10' ], [ "x'616263'", '\\x616263' ] ],
	[ 'd', 'DATE', undef, '2024-02-29', '2023-12-31', '1970-01-01', '1000-01-01', '9999-12-31', '2021-03-28', '2000-02-28', '2024-01-01' ],
	[ 'dt', 'DATETIME', undef, '2024-02-29 23:59:59', '1970-01-01 00:00:00', '2023-12-31 12:30:45', '2010-10-10 10:10:10' ],
	[ 'd6', 'DATETIME(6)', undef, '2024-02-29 23:59:59.999999', '1999-12-31 00:00:00.500000', '2023-06-15 08:09:10.000001' ],
	[ 'ts', 'TIMESTAMP', undef, '2024-02-29 23:59:59', '1970-01-02 00:00:00', '2037-12-31 12:30:45', '2010-10-10 10:10:10' ],
	[ 'ti', 'TIME', undef, '00:00:00', '12:34:56', '-01:30:00', '100:59:59' ],
	[ 'j', 'JSON', undef, '{}', '[]', '{"a": 1, "b": {"c": [1, 2, "x"]}}', '{"a": null}', '"text"', '12.5', '{"a": "q\\"z", "b": true}', '[1, [2, 3]]' ],
	[ 'e', "ENUM('p','q','long one')", undef, 'p', 'q', 'long one' ],
	[ 'yr', 'YEAR', undef, 1999, 2024, 1901 ],
);

my $rows = 48;

sub collation { return $_[0] eq 'mysql' ? 'utf8mb4_0900_bin' : 'utf8mb4_nopad_bin'; }
sub columns { return map { $_->[0] } @pools; }

# CREATE TABLE with these columns and more.  Text is compared byte by byte and with its spaces, as by PostgreSQL's C
# collation, so that comparisons can be held against each other too.
sub table_sql
{
	my ($kind, $name, @more) = @_;
	return "CREATE TABLE $name (id INT PRIMARY KEY, "
	  . join(', ', map { "`$_->[0]` $_->[1]" . ($_->[0] eq 'ts' ? ' NULL' : '') } @pools)
	  . join('', map { ", $_" } @more) . ') COLLATE=' . collation($kind);
}

# The rows as (MySQL's words, PostgreSQL's words), one pair of lists a row.  The strides differ by column, so values
# meet in many ways; the first row holds nothing but nulls.
sub row_values
{
	my @all;

	foreach my $row (0 .. $rows - 1)
	{
		my (@mysql, @postgres);
		foreach my $number (0 .. $#pools)
		{
			my (undef, $type, @values) = @{ $pools[$number] };
			my $value = $row == 0 ? undef : $values[ ($row * (1 + $number % 3) + $number * $row / 7) % @values ];
			my ($mine, $other) = ref $value ? @$value : ($value, $value);
			my $bare = ref $value && $type !~ /BINARY/;
			push @mysql, !defined $mine ? 'NULL' : ref $value ? $mine : mysql_string($mine);
			push @postgres, !defined $other ? 'NULL' : $bare ? $other : postgres_string($other);
		}
		push @all, [ join(', ', $row, @mysql), join(', ', $row, @postgres) ];
	}
	return @all;
}

sub mysql_string { return "'" . $_[0] =~ s/\\/\\\\/gr =~ s/'/''/gr . "'"; }
sub postgres_string { return "'" . $_[0] =~ s/'/''/gr . "'"; }

my $expressions = <<'END';
# arithmetic
i + k
i - k
k * 3
w + 1
- k
- n
-(-k)
+k
n + m
n - m
n * m
i + n
n * 2
f + 1
f * k
f - n
k / 3
k / k
i / k
n / 3
n / m
m / n
f / k
f / 2
k DIV 2
i DIV k
n DIV 2
n DIV m
k % 3
i % k
i MOD k
MOD(k, 3)
MOD(n, m)
n % 3
m % n
k + k * k - k
(k + 1) / 2 * 3
1 / 3
2 / 3 * 3
k / 3 / 7
n / 3 + m / 7
y + 1
y * k
y + y
-y
u + 1
u * 2
yr + 1
yr - 2000
k + '5'
no k * '1.5'
1.5 + 2.25
0.1 + 0.2
1e2 + k
no 0x1F + k
b'101' + k
k & 3
no k | 8
no k ^ 5
no k >> 1
u & 255
no u >> 4
no u | 1
1 | 2
# functions of numbers
ABS(k)
ABS(n)
ABS(f)
ABS(y)
SIGN(k)
SIGN(n)
SIGN(m)
CEIL(n)
CEILING(m)
FLOOR(n)
FLOOR(m)
CEIL(k)
FLOOR(-2.5)
ROUND(n)
ROUND(m)
ROUND(n, 1)
ROUND(m, 2)
ROUND(n, 0)
ROUND(n, -1)
ROUND(k, -1)
ROUND(n, k)
ROUND(2.5)
ROUND(-2.5)
TRUNCATE(n, 1)
TRUNCATE(n, -2)
TRUNCATE(m, 3)
TRUNCATE(n, 0)
POW(k, 2)
POWER(2, k)
POW(n, 2)
SQRT(k)
SQRT(n)
SQRT(f)
EXP(k)
LN(k)
LOG(n)
LOG10(k)
no LOG(2, k)
no LOG2(k)
SIN(PI() / 2)
SIN(k)
COS(n)
TAN(k)
ATAN(f)
no ATAN(k, 2)
ATAN2(k, n)
no ASIN(m)
no ACOS(m)
no COT(k)
RADIANS(k)
DEGREES(k)
GREATEST(i, k)
GREATEST(i, n)
GREATEST(n, m, k)
GREATEST(k, f)
LEAST(i, 1, n)
LEAST(k, 2)
GREATEST(d, '2020-01-01')
LEAST(dt, d6)
no CRC32(s)
# conditions
i > k
i = k
i <> 1
i != 1
i >= 2
i <= k
k < 2
n > m
n = 2.5
f = 1.5
k <=> NULL
i <=> k
s <=> NULL
y
NOT y
!y
y = 1
y = 0
y <> 1
y = 2
y > 0
y AND k
k AND i
k OR y
k XOR y
NOT k
i XOR k
i && k
i || k
k IS NULL
k IS NOT NULL
y IS TRUE
y IS NOT TRUE
k IS FALSE
k IS UNKNOWN
k IS NOT NULL AND k > 1 OR y
k BETWEEN 1 AND 5
k NOT BETWEEN 1 AND 5
n BETWEEN k AND 5
d BETWEEN '2000-01-01' AND '2024-01-01'
k IN (1, 2, 5)
k NOT IN (1, 2)
k IN (1, NULL)
n IN (0.1, 1, 2.5)
y IN (1)
s IN ('abc', 'x,y')
e IN ('p', 'q')
d IN ('2024-02-29', '1970-01-01')
s = 'abc'
s <> ''
s < 'b'
t > s
s = t
c = 'abc'
c = s
e = 'q'
e <> 'p'
k = '5'
n = '2.5'
'5' = k
n > '1'
d > '2020-01-01'
d = '2024-02-29'
dt > d
dt >= '2010-10-10 10:10:10'
dt = '2010-10-10'
dt < d6
ts > '2000-01-01 00:00:00'
d6 > dt
yr > 2000
yr = 1999
u > 5
w > u
b = x'616263'
b <> x'00ff10'
s LIKE 'a%'
s LIKE 'A%'
s LIKE '%_x'
s LIKE '%\_x'
s LIKE 'a_c'
s NOT LIKE '%b%'
s LIKE '%|_x' ESCAPE '|'
s LIKE ''
s LIKE 'back\\\\slash'
s LIKE t
c LIKE 'abc'
c LIKE 'a%'
c LIKE '%c'
e LIKE 'l%'
k LIKE '1%'
s REGEXP '^[a-z]+$'
s REGEXP 'b'
s RLIKE '^a.c$'
s NOT REGEXP '^[0-9]+$'
c REGEXP '^abc$'
s REGEXP '^.$'
t REGEXP 'line.break'
ISNULL(s)
ISNULL(k)
# control
IF(k > 1, 'a', 'b')
IF(y, k, 0)
IF(k, 1, 2)
IF(y, n, k)
no IF(y, s, k)
IF(y, NULL, 5)
IFNULL(k, 0)
IFNULL(s, 'n')
no IFNULL(s, k)
IFNULL(n, 0)
IFNULL(d, '2000-01-01')
IFNULL(c, 'none')
COALESCE(k, i, 0)
COALESCE(s, t, '-')
COALESCE(n, m)
COALESCE(y, 0)
NULLIF(k, 1)
NULLIF(s, '')
NULLIF(k, n)
NULLIF(y, 1)
NULLIF(n, 2.5)
NULLIF(c, 'abc')
CASE k WHEN 1 THEN 'one' WHEN 2 THEN 'two' ELSE 'more' END
CASE WHEN k > 1 THEN n WHEN y THEN k END
CASE s WHEN 'abc' THEN 1 ELSE 0 END
CASE WHEN s = 'abc' THEN 1 WHEN y THEN 2 END
CASE y WHEN 1 THEN 'yes' WHEN 0 THEN 'no' END
CASE WHEN k THEN 1 ELSE 2 END
CASE WHEN k IS NULL THEN s ELSE c END
CASE k WHEN '1' THEN 'a' END
# strings
LOWER(CONCAT(c, 'ABC'))
UPPER(s)
LCASE(s)
UCASE(c)
LOWER(e)
CONCAT(s, t)
CONCAT(s, '-', k)
CONCAT(n, m)
CONCAT(k, y)
CONCAT(c, '|', s)
CONCAT(u, w)
CONCAT('a')
CONCAT(n + m)
CONCAT(n * m)
CONCAT(k / 3)
CONCAT(n / 3)
CONCAT(-n)
no CONCAT(ROUND(n, 1))
no CONCAT(TRUNCATE(m, 1))
CONCAT(FLOOR(n))
no CONCAT(MOD(n, 3))
no CONCAT(n % m)
no mysql: CONCAT(CASE WHEN y THEN n ELSE m END)
mariadb: CONCAT(CASE WHEN y THEN n ELSE m END)
CONCAT(IFNULL(n, k))
CONCAT(GREATEST(n, m))
mariadb: CONCAT(IF(y, n, m))
mariadb: CONCAT(IF(y, n, k))
no mysql: CONCAT(IF(y, n, m))
no mysql: CONCAT(IF(y, n, k))
CONCAT(COALESCE(n, m, 0))
CONCAT(NULLIF(n, 0))
CONCAT(LEAST(k, n))
CONCAT(i DIV 2)
CONCAT(k > 1)
CONCAT(yr)
CONCAT(e, c)
CONCAT(d)
CONCAT(dt)
CONCAT(d6)
no CONCAT(ti)
no CONCAT(NULL, s)
CONCAT_WS(',', s, t)
CONCAT_WS(s, 'a', 'b')
CONCAT_WS('-', k, n)
CONCAT_WS('|', c, s)
CONCAT_WS(',', y, k)
CONCAT_WS('/', d, s)
CHAR_LENGTH(s)
CHARACTER_LENGTH(t)
CHAR_LENGTH(c)
CHAR_LENGTH(k)
LENGTH(s)
LENGTH(c)
LENGTH(b)
LENGTH(k)
LENGTH(n)
LENGTH(d)
OCTET_LENGTH(t)
OCTET_LENGTH(c)
BIT_LENGTH(s)
BIT_LENGTH(c)
LEFT(s, 2)
LEFT(s, k)
LEFT(c, 2)
LEFT(k, 1)
RIGHT(s, 2)
RIGHT(s, k)
RIGHT(c, 2)
SUBSTRING(s, 2)
SUBSTR(s, 2, 2)
SUBSTRING(s FROM 2 FOR 2)
SUBSTRING(s, 1, k)
SUBSTRING(c, 2, 3)
MID(s, 2, 1)
SUBSTRING(s, -2)
no SUBSTRING(s, 0)
SUBSTRING(b, 2)
SUBSTRING(s, 2, -1)
SUBSTRING(k, 1, 1)
TRIM(s)
LTRIM(s)
RTRIM(s)
TRIM(c)
TRIM(t)
TRIM(BOTH 'a' FROM s)
TRIM(LEADING 'a' FROM s)
TRIM(TRAILING 'c' FROM s)
TRIM(LEADING FROM s)
REPLACE(s, 'X', '-')
REPLACE(s, 'x', '')
REPLACE(s, '', 'z')
no mariadb: REPLACE(s, 'a', c)
mysql: REPLACE(s, 'a', c)
REPLACE(c, ' ', '_')
REVERSE(s)
REVERSE(c)
REPEAT(s, 2)
REPEAT(s, k)
REPEAT('ab', -1)
SPACE(3)
SPACE(k)
LPAD(s, 5, '0')
RPAD(s, 5, 'xy')
LPAD(s, 2, '0')
no LPAD(s, k, '*')
RPAD(c, 6, '.')
LPAD(k, 5, '0')
no LPAD(s, 6, '')
LOCATE('b', s)
LOCATE('', s)
LOCATE('B', s)
LOCATE(s, t)
no LOCATE('b', s, 2)
INSTR(s, 'c')
INSTR(t, s)
POSITION('b' IN s)
POSITION('c' IN c)
no FIELD(s, 'a', 'abc')
no FIND_IN_SET('x', s)
no ELT(k, 'a', 'b')
no INSERT(s, 2, 1, 'zz')
no SUBSTRING_INDEX(s, 'X', 1)
no STRCMP(s, t)
no ASCII(s)
no ORD(s)
no CHAR(65)
MD5(s)
MD5(c)
MD5(k)
no SHA1(s)
no SHA2(s, 256)
HEX(b)
no HEX(s)
HEX(k)
UNHEX('4142')
UNHEX(s)
no TO_BASE64(s)
no FROM_BASE64('YWJj')
no QUOTE(s)
no SOUNDEX(s)
no FORMAT(n, 2)
no BIN(k)
no OCT(k)
no CONV(k, 10, 16)
no STR_TO_DATE(s, '%Y')
s COLLATE utf8mb4_bin
'it''s' 'joined'
"double"
_utf8mb4'x'
mysql: CONCAT(_utf8mb4 x'C3A4', s)
no CONCAT(_latin1 x'E4', s)
N'x'
_latin1'x'
'tab\tnew\nline'
'%\%'
x'616263'
# dates
YEAR(d)
YEAR(dt)
YEAR('2024-02-29')
QUARTER(d)
MONTH(d)
DAY(dt)
DAYOFMONTH(d)
DAYOFYEAR(d)
DAYOFWEEK(d)
WEEKDAY(d)
WEEKOFYEAR(d)
no WEEK(d)
no WEEK(d, 3)
no YEARWEEK(d)
no DAYNAME(d)
no MONTHNAME(d)
HOUR(dt)
MINUTE(dt)
SECOND(d6)
MICROSECOND(d6)
no HOUR(ti)
no HOUR(d)
no MINUTE(ti)
no SECOND(ti)
DATE(dt)
DATE(d6)
DATE(d)
DATE('2024-02-29 10:11:12')
no TIME(dt)
TO_DAYS(d)
TO_DAYS(dt)
no FROM_DAYS(738945)
no TO_SECONDS(dt)
TIME_TO_SEC(ti)
no SEC_TO_TIME(k)
DATEDIFF(d, dt)
DATEDIFF(dt, d)
DATEDIFF(d, '2020-01-01')
no TIMEDIFF(dt, d6)
no TIMESTAMPDIFF(DAY, d, dt)
no TIMESTAMPDIFF(MONTH, d, dt)
no TIMESTAMPADD(DAY, 1, dt)
LAST_DAY(d)
LAST_DAY(dt)
no MAKEDATE(2024, 60)
no ADDTIME(dt, '01:00:00')
no PERIOD_ADD(202401, 2)
no DATE_FORMAT(d, '%Y-%m-%d')
no DATE_FORMAT(dt, '%H:%i')
EXTRACT(YEAR FROM d)
EXTRACT(QUARTER FROM d)
EXTRACT(MONTH FROM dt)
EXTRACT(DAY FROM d)
EXTRACT(HOUR FROM dt)
EXTRACT(MINUTE FROM d6)
no EXTRACT(SECOND FROM d6)
no EXTRACT(WEEK FROM d)
no EXTRACT(YEAR_MONTH FROM d)
no EXTRACT(HOUR FROM ti)
d + INTERVAL 1 DAY
d - INTERVAL 1 DAY
d + INTERVAL 1 MONTH
d + INTERVAL 1 YEAR
d - INTERVAL k MONTH
d + INTERVAL k DAY
d + INTERVAL 2 WEEK
no d + INTERVAL 1 QUARTER
d + INTERVAL 1 HOUR
d + INTERVAL '1' DAY
d + INTERVAL m DAY
d - INTERVAL m MONTH
no d + INTERVAL '1:30' HOUR_MINUTE
no d + INTERVAL f DAY
dt + INTERVAL 1 DAY
dt + INTERVAL 90 MINUTE
dt - INTERVAL 1 SECOND
dt + INTERVAL k HOUR
dt + INTERVAL n SECOND
dt + INTERVAL n HOUR
d6 + INTERVAL 1 MICROSECOND
d6 + INTERVAL 1 MONTH
DATE_ADD(d, INTERVAL 1 DAY)
DATE_SUB(dt, INTERVAL 1 MONTH)
ADDDATE(d, 5)
ADDDATE(d, k)
SUBDATE(d, INTERVAL 1 DAY)
no d + 1
no d + 0
no dt + 0
FROM_UNIXTIME(1000000000)
UNIX_TIMESTAMP(ts)
no UNIX_TIMESTAMP(dt)
UNIX_TIMESTAMP('2024-01-01')
YEAR(ts)
no HOUR(ts)
ts + INTERVAL 1 DAY
DATE '2024-02-29'
TIMESTAMP '2024-02-29 10:11:12'
TIME '10:11:12'
no TIMESTAMP(d)
no GET_FORMAT(DATE, 'ISO')
# conversions
CAST(k AS CHAR)
CAST(n AS CHAR)
CAST(m AS CHAR(3))
CAST(i AS CHAR(2))
CAST(y AS CHAR)
no CAST(f AS CHAR)
CAST(d AS CHAR)
CAST(dt AS CHAR)
CAST(d6 AS CHAR)
CAST(c AS CHAR)
CAST(e AS CHAR)
CAST(j AS CHAR)
CAST(s AS CHAR(2))
CAST(n AS SIGNED)
CAST(m AS SIGNED)
no CAST(f AS SIGNED)
no CAST(s AS SIGNED)
CAST(y AS SIGNED)
CAST('5' AS SIGNED)
no CAST('12' AS UNSIGNED)
no CAST(k AS UNSIGNED)
no CAST(u AS UNSIGNED)
CAST(k AS DECIMAL(5,1))
CAST(n AS DECIMAL(12,1))
CAST(m AS DECIMAL)
no CAST(s AS DECIMAL(10,2))
no CAST(f AS DECIMAL(10,2))
CAST(k AS DOUBLE)
CAST(n AS DOUBLE)
no CAST(s AS BINARY)
no CAST(k AS BINARY)
CAST(dt AS DATE)
CAST(d AS DATETIME)
CAST(d6 AS DATETIME)
CAST(d6 AS DATE)
CAST(d6 AS DATETIME(3))
no CAST(dt AS TIME)
CAST('2024-02-29' AS DATE)
CAST('2024-02-29 10:11:12' AS DATETIME)
no CAST('10:11:12' AS TIME)
no CAST(d AS SIGNED)
CONVERT(k, CHAR)
CONVERT(n, SIGNED)
CONVERT(s USING utf8mb4)
no CONVERT(s USING latin1)
no BINARY s
mysql: CAST('{"a": 1}' AS JSON)
mysql: CAST(j AS JSON)
mysql: CAST(yr AS YEAR)
# documents
JSON_EXTRACT(j, '$.a')
JSON_EXTRACT(j, '$.b.c[0]')
JSON_EXTRACT(j, '$[0]')
JSON_EXTRACT(j, '$[1][0]')
JSON_EXTRACT(j, '$."a"')
JSON_EXTRACT(j, '$')
no JSON_EXTRACT(j, '$[*]')
no JSON_EXTRACT(j, '$.a', '$.b')
JSON_UNQUOTE(JSON_EXTRACT(j, '$.a'))
JSON_UNQUOTE(JSON_EXTRACT(j, '$.b'))
no JSON_UNQUOTE(j)
mysql: j->'$.a'
mysql: j->>'$.a'
mysql: j->>'$.b.c'
mysql: j->'$[0]'
no JSON_VALUE(j, '$.a')
JSON_VALID(j)
no JSON_VALID(s)
no JSON_LENGTH(j)
no JSON_TYPE(j)
no JSON_KEYS(j)
no JSON_CONTAINS(j, '1', '$.a')
JSON_OBJECT('k', k)
JSON_OBJECT('s', s, 'n', n)
JSON_OBJECT('y', y)
JSON_OBJECT('d', d)
JSON_OBJECT('c', c)
no JSON_OBJECT('f', f)
no JSON_OBJECT(s, 1)
JSON_OBJECT()
JSON_ARRAY(k, s)
JSON_ARRAY(y)
JSON_ARRAY(TRUE)
JSON_ARRAY(NULL, n)
JSON_ARRAY()
JSON_ARRAY(j)
no JSON_QUOTE(s)
no JSON_SET(j, '$.a', 1)
no JSON_ARRAYAGG(k)
# others
no LAST_INSERT_ID()
no CHARSET(s)
no COERCIBILITY(s)
no INET_ATON('10.0.0.1')
no INET_NTOA(167772161)
ISNULL(1/0)
no BIT_COUNT(k)
no INTERVAL(k, 1, 2)
UUID_TO_BIN('6ccd780c-baba-1026-9564-5b8c656024db')
BIN_TO_UUID(x'6ccd780cbaba102695645b8c656024db')
no mysql: IS_UUID(s)
no ANY_VALUE(k)
mariadb: NVL(k, 0)
no mariadb: NVL2(k, 'a', 'b')
no mariadb: DECODE_ORACLE(k, 1, 'a')
no mariadb: ADD_MONTHS(d, 1)
no mariadb: CHR(65)
mariadb: LENGTHB(s)
mariadb: JSON_COMPACT(j)
no mariadb: JSON_DETAILED(j)
no mariadb: TO_CHAR(d, 'YYYY')
no mariadb: NATURAL_SORT_KEY(s)
no mariadb: SFORMAT('{}', k)
END

# The expressions that the server knows, as { sql, refused: whether the translator has to refuse it }
sub expressions
{
	my ($kind) = @_;
	my @found;

	foreach my $line (split(/\n/, $expressions))
	{
		next if $line =~ /^#/;
		my $refused = $line =~ s/^no // ? 1 : 0;
		my $only = $line =~ s/^(mysql|mariadb): // ? $1 : undef;
		push @found, { sql => $line, refused => $refused } if !defined $only || $only eq $kind;
	}
	return @found;
}

# A column's type and its default: every way to write a value.
my $defaults = <<'END';
INT|5
INT|'5'
INT|-5
INT|+5
INT|0x1F
INT|b'101'
INT|TRUE
INT|1.5
INT|1e2
INT|(1 + 2)
INT|(7 DIV 2)
INT|(-7 % 3)
INT|(CHAR_LENGTH('äöü'))
BIGINT|(1 | 6)
BIGINT|9223372036854775807
BIGINT|-9223372036854775808
BIGINT UNSIGNED|18446744073709551615
TINYINT(1)|TRUE
TINYINT(1)|0
TINYINT(1)|'1'
TINYINT(1)|(1 > 0)
DECIMAL(10,2)|1.005
DECIMAL(10,2)|'2.50'
DECIMAL(10,4)|(1 / 3)
DECIMAL(12,6)|(ROUND(2 / 3, 3))
DOUBLE|1.5e3
DOUBLE|'-0.25'
DOUBLE|(SQRT(16))
FLOAT|0.1
VARCHAR(20)|'it''s'
VARCHAR(20)|"dq"
VARCHAR(20)|'back\\slash'
VARCHAR(20)|'a\nb'
VARCHAR(20)|'%\%'
VARCHAR(20)|N'nat'
VARCHAR(20)|_utf8mb4'ü'
VARCHAR(20)|_latin1'x'
VARCHAR(20)|_utf8mb4 x'C3A4'
VARCHAR(20)|x'414243'
VARCHAR(20)|b'01000001'
VARCHAR(20)|'a' 'b'
VARCHAR(20)|('a')
VARCHAR(20)|(CONCAT('a', 1, 'b'))
VARCHAR(20)|(UPPER('abc'))
VARCHAR(20)|(CAST(12.50 AS CHAR))
VARCHAR(20)|(REPEAT('ab', 3))
VARCHAR(20)|5
VARCHAR(20)|1.50
VARCHAR(20)|''
CHAR(5)|'ab'
TEXT|('text')
VARBINARY(10)|'ab'
VARBINARY(10)|x'00ff'
VARBINARY(10)|0x4142
VARBINARY(10)|(UNHEX('0A0B'))
BINARY(4)|'ab'
BINARY(4)|x'01'
DATE|'2024-02-29'
DATE|'20240229'
DATE|DATE '2024-02-29'
DATE|(DATE '2024-01-31' + INTERVAL 1 MONTH)
DATE|(LAST_DAY('2024-02-01'))
DATETIME|'2024-02-29 10:11:12'
DATETIME|'2024-02-29'
DATETIME(3)|'2024-02-29 10:11:12.345'
DATETIME|TIMESTAMP '2024-02-29 10:11:12'
TIME|'10:11:12'
TIME|'-01:00:00'
TIME|101112
YEAR|2024
YEAR|'99'
ENUM('p','q')|'q'
SET('a','b')|'a,b'
BIT(4)|b'101'
BIT(1)|1
JSON|(JSON_OBJECT('a', 1, 'b', JSON_ARRAY(1, 'x', NULL, TRUE)))
JSON|('{"k": [1, 2.50]}')
END

sub defaults { return map { my ($type, $value) = split(/\|/, $_, 2); { type => $type, sql => $value } } split(/\n/, $defaults); }

# Composed expressions: each kind's leaves, and what makes one kind of others.
my %leaves = (
	number => [ qw(i k w u n m y yr 0 1 2 3 10), '2.5', '0.25' ],
	# No constants alone: the servers compare these by collations of their own, and PostgreSQL computes them in advance.
	text => [ qw(s t c e), 'LEFT(s, 0)', "CONCAT(c, 'X')", "CONCAT(s, 'ä')" ],
	condition => [ 'y', 'TRUE', 'k > 1', 's IS NULL' ],
	date => [ qw(d dt d6) ],
);
my %forms = (
	number => [
		'(N + N)', '(N - N)', '(k * k)', '(N % 7)', '-N', 'ABS(N)', 'FLOOR(N)', 'CEIL(N)', 'ROUND(N, 1)', 'TRUNCATE(N, 1)', 'SIGN(N)',
		'GREATEST(N, N)', 'LEAST(N, N, N)', 'IFNULL(N, N)', 'COALESCE(N, N, N)', 'NULLIF(N, N)', 'IF(C, N, N)',
		'CASE WHEN C THEN N ELSE N END', 'CASE N WHEN N THEN N WHEN 1 THEN N END', 'CHAR_LENGTH(T)', 'LENGTH(T)', 'LOCATE(T, T)',
		'YEAR(D)', 'MONTH(D)', 'DAYOFWEEK(D)', 'TO_DAYS(D)', 'DATEDIFF(D, D)', 'CAST(N AS SIGNED)', 'CAST(N AS DECIMAL(20,3))',
		'(N / 3)', '(n / N)', 'ROUND(n / m, 3)', '(k DIV 2)', '(k & 7)'
	],
	text => [
		'CONCAT(T, T)', 'UPPER(T)', 'LOWER(T)', 'LEFT(T, 2)', 'RIGHT(T, k)', 'SUBSTRING(T, 2)', 'SUBSTRING(T, 1, k)', 'SUBSTRING(T, -2)', 'TRIM(T)',
		"REPLACE(T, 'a', T)", 'REVERSE(T)', "LPAD(T, 6, 'xy')", 'REPEAT(T, 2)', 'IFNULL(T, T)', 'NULLIF(T, T)', 'IF(C, T, T)', 'COALESCE(T, T)',
		'CASE T WHEN T THEN T ELSE T END', 'CONCAT(N)', 'CONCAT_WS(T, T, T)', 'CAST(N AS CHAR)', 'HEX(k)', "TRIM(BOTH 'a' FROM T)", 'GREATEST(T, T)'
	],
	condition => [
		'(N > N)', '(N = N)', '(N <=> N)', '(N <> N)', '(C AND C)', '(C OR C)', '(NOT C)', '(C XOR C)', '(T = T)', '(T < T)', '(N IS NULL)',
		'(N IS NOT NULL)', '(C IS TRUE)', '(C IS NOT FALSE)', '(N BETWEEN N AND N)', '(N IN (N, 1, 2))', '(T IN (T, T))', "(T LIKE '%a%')",
		"(T NOT LIKE 'a_c')", "(T REGEXP '^[a-z]')", '(D > D)', "(D >= '2010-10-10')", 'IF(C, C, C)', '(T <=> T)'
	],
	date => [
		'(D + INTERVAL 1 DAY)', '(D - INTERVAL 2 MONTH)', '(D + INTERVAL 1 YEAR)', '(D + INTERVAL 3 HOUR)', 'DATE(D)', 'LAST_DAY(D)',
		'IFNULL(D, D)', 'IF(C, D, D)', 'NULLIF(D, D)', 'CAST(D AS DATE)'
	],
);
my %letters = (N => 'number', T => 'text', C => 'condition', D => 'date');

sub random_expression
{
	my ($depth, $kind) = @_;

	$kind //= (qw(number text condition date))[ int(rand(4)) ];
	my $list = $depth <= 0 || rand() < 0.15 ? $leaves{$kind} : $forms{$kind};
	my $form = $list->[ int(rand(@$list)) ];
	return $form if $list == $leaves{$kind};
	return $form =~ s/\b([NTCD])\b/random_expression($depth - 1, $letters{$1})/ger;
}

1;
