/*
 * Everything is asked of the server's own functions (format_type, pg_get_expr, pg_get_constraintdef, pg_get_indexdef)
 * with an empty search_path, so that every name has its schema.
 */
#include "postgres_definition.h"

#include <stdlib.h>
#include <string.h>

#include "postgres_connection.h"

#define QUERY_TIMEOUT_MS 60000

/* ---- columns ---- */

static const char columns_query[] =
	"SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), NOT a.attnotnull, k.key,"
	" pg_catalog.quote_ident(a.attname)"
	" FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid"
	" CROSS JOIN LATERAL (SELECT c.relreplident = 'f' OR EXISTS (SELECT FROM pg_catalog.pg_index i"
	"  WHERE i.indrelid = c.oid AND a.attnum = ANY (i.indkey) AND CASE c.relreplident WHEN 'i' THEN i.indisreplident"
	"  ELSE i.indisprimary END) AS key) k"
	" WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum";

static bool
take_column(PostgresColumns *columns, const PGresult *result, int row)
{
	DbsColumn *column = &columns->columns[columns->count];
	char *name = strdup(PQgetvalue(result, row, 0));
	char *type = strdup(PQgetvalue(result, row, 1));

	columns->count++;
	column->name = (DbsString){name, name != NULL ? (uint32_t) strlen(name) : 0};
	column->type_name = (DbsString){type, type != NULL ? (uint32_t) strlen(type) : 0};
	column->kind = DBS_KIND_TYPED_TEXT;
	column->flags = PQgetvalue(result, row, 2)[0] == 't' ? DBS_COLUMN_NULLABLE : 0;
	column->flags |= PQgetvalue(result, row, 3)[0] == 't' ? DBS_COLUMN_KEY : 0;
	return name != NULL && type != NULL;
}

static bool
take_columns(PostgresColumns *columns, const PGresult *result)
{
	int count = PQntuples(result);
	size_t size = 1, used = 0;

	for (int row = 0; row < count; row++)
		size += strlen(PQgetvalue(result, row, 4)) + 2;
	columns->columns = calloc((size_t) count + 1, sizeof *columns->columns);
	columns->list = calloc(1, size);
	if (columns->columns == NULL || columns->list == NULL)
		return false;
	for (int row = 0; row < count; row++)
	{
		const char *name = PQgetvalue(result, row, 4);

		if (!take_column(columns, result, row))
			return false;
		if (row > 0)
		{
			memcpy(columns->list + used, ", ", 2);
			used += 2;
		}
		memcpy(columns->list + used, name, strlen(name));
		used += strlen(name);
	}
	return true;
}

static PGresult *
ask(PGconn *conn, const char *query, unsigned relid, int stop_fd, Failure *failure)
{
	char id[16];
	const char *values[] = {id};

	snprintf(id, sizeof id, "%u", relid);
	return postgres_connection_query(conn, query, 1, values, stop_fd, QUERY_TIMEOUT_MS, failure);
}

static bool
no_memory(Failure *failure)
{
	return failure_set(failure, FAILURE_RETRY, "out_of_memory", NULL, "there is no memory for a table's description");
}

bool
postgres_columns_read(PGconn *conn, unsigned relid, int stop_fd, PostgresColumns *columns, Failure *failure)
{
	PGresult *result = ask(conn, columns_query, relid, stop_fd, failure);
	bool ok;

	*columns = (PostgresColumns){0};
	if (result == NULL)
		return false;
	ok = take_columns(columns, result) || no_memory(failure);
	PQclear(result);
	if (!ok)
		postgres_columns_free(columns);
	return ok;
}

void
postgres_columns_free(PostgresColumns *columns)
{
	for (uint32_t i = 0; i < columns->count; i++)
	{
		free((char *) columns->columns[i].name.data);
		free((char *) columns->columns[i].type_name.data);
	}
	free(columns->columns);
	free(columns->list);
	*columns = (PostgresColumns){0};
}

/* ---- statements ---- */

/* The table's own partitions, itself first, each after its parent; types that their columns need, before what needs
 * them. */
#define WITH_PARTS                                                                                                     \
	"WITH RECURSIVE part (oid, level) AS (SELECT $1::oid, 0 UNION ALL SELECT i.inhrelid, p.level + 1 FROM part p JOIN" \
	" pg_catalog.pg_inherits i ON i.inhparent = p.oid JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid"                \
	" WHERE c.relispartition), "
#define NAME_OF(class, schema) "pg_catalog.format('%I.%I', " schema ".nspname, " class ".relname)"

/* A type of a user's, or what an array or a domain or a composite is made of. */
static const char types_query[] =
	"WITH RECURSIVE used (oid) AS (SELECT a.atttypid FROM pg_catalog.pg_attribute a WHERE a.attrelid = $1::oid AND "
	"a.attnum"
	" > 0 AND NOT a.attisdropped UNION SELECT x.oid FROM used u JOIN pg_catalog.pg_type t ON t.oid = u.oid CROSS JOIN "
	"LATERAL"
	" (SELECT t.typelem AS oid WHERE t.typelem <> 0 UNION ALL SELECT t.typbasetype WHERE t.typtype = 'd' UNION ALL"
	"  SELECT a.atttypid FROM pg_catalog.pg_attribute a WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum "
	"> 0"
	"  AND NOT a.attisdropped) x)"
	" SELECT DISTINCT t.oid, n.nspname, pg_catalog.format(CASE t.typtype WHEN 'e' THEN 'CREATE TYPE %s AS ENUM (%s)' "
	"WHEN 'd'"
	" THEN 'CREATE DOMAIN %s AS %s' ELSE 'CREATE TYPE %s AS (%s)' END, pg_catalog.format('%I.%I', n.nspname, "
	"t.typname),"
	" CASE t.typtype WHEN 'e' THEN (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)"
	"  FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid)"
	" WHEN 'd' THEN concat(format_type(t.typbasetype, t.typtypmod), ' DEFAULT ' || t.typdefault, CASE WHEN "
	"t.typnotnull THEN"
	"  ' NOT NULL' END, (SELECT string_agg(format(' CONSTRAINT %I %s', k.conname, pg_get_constraintdef(k.oid)), '' "
	"ORDER BY"
	"  k.conname) FROM pg_catalog.pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c'))"
	" ELSE (SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum)"
	"  FROM pg_catalog.pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) END) AS "
	"sql"
	" FROM used u JOIN pg_catalog.pg_type t ON t.oid = u.oid JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace"
	" LEFT JOIN pg_catalog.pg_class r ON r.oid = t.typrelid"
	" WHERE (t.typtype IN ('e', 'd') OR (t.typtype = 'c' AND r.relkind = 'c')) AND n.nspname !~ '^pg_' AND n.nspname <>"
	" 'information_schema' AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid ="
	" 'pg_catalog.pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e') ORDER BY t.oid";

/* Sequences that defaults take values of; identity columns make their own. */
static const char sequences_query[] =
	"SELECT DISTINCT q.oid, n.nspname, format('CREATE SEQUENCE IF NOT EXISTS %I.%I AS %s INCREMENT BY %s MINVALUE %s"
	" MAXVALUE %s START WITH %s CACHE %s%s', n.nspname, q.relname, format_type(s.seqtypid, NULL), s.seqincrement,"
	" s.seqmin, s.seqmax, s.seqstart, s.seqcache, CASE WHEN s.seqcycle THEN ' CYCLE' ELSE '' END) AS sql"
	" FROM pg_catalog.pg_attrdef f JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_attrdef'::regclass AND"
	" d.objid = f.oid AND d.refclassid = 'pg_catalog.pg_class'::regclass JOIN pg_catalog.pg_class q ON q.oid ="
	" d.refobjid AND q.relkind = 'S' JOIN pg_catalog.pg_sequence s ON s.seqrelid = q.oid JOIN pg_catalog.pg_namespace n"
	" ON n.oid = q.relnamespace WHERE f.adrelid = $1::oid ORDER BY 1";

static const char table_query[] =
	"SELECT 0, n.nspname, format('CREATE TABLE %I.%I (%s)%s', n.nspname, c.relname, array_to_string(ARRAY("
	"SELECT concat(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)),"
	" (SELECT format(' COLLATE %I.%I', ln.nspname, l.collname) FROM pg_catalog.pg_collation l JOIN"
	"  pg_catalog.pg_namespace ln ON ln.oid = l.collnamespace WHERE l.oid = a.attcollation AND a.attcollation <>"
	"  (SELECT t.typcollation FROM pg_catalog.pg_type t WHERE t.oid = a.atttypid)),"
	" CASE WHEN a.attgenerated <> '' THEN format(' GENERATED ALWAYS AS (%s) %s', pg_get_expr(d.adbin, d.adrelid),"
	"  CASE a.attgenerated WHEN 's' THEN 'STORED' ELSE 'VIRTUAL' END)"
	"  WHEN a.attidentity <> '' THEN CASE a.attidentity WHEN 'a' THEN ' GENERATED ALWAYS AS IDENTITY' ELSE"
	"  ' GENERATED BY DEFAULT AS IDENTITY' END"
	"  ELSE ' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid) END,"
	" CASE WHEN a.attnotnull THEN ' NOT NULL' END)"
	" FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
	" WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) || ARRAY("
	"SELECT format('CONSTRAINT %I %s', k.conname, pg_get_constraintdef(k.oid)) FROM pg_catalog.pg_constraint k"
	" WHERE k.conrelid = c.oid AND k.contype IN ('p', 'c') ORDER BY k.contype DESC, k.conname), ', '),"
	" ' PARTITION BY ' || pg_get_partkeydef(c.oid)) AS sql"
	" FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::oid";

static const char partitions_query[] =
	WITH_PARTS "one AS (SELECT 1) SELECT p.level, n.nspname, format('CREATE TABLE %s PARTITION OF %s %s%s', " NAME_OF(
		"c", "n") ", " NAME_OF("h", "hn") ", pg_get_expr(c.relpartbound, c.oid), ' PARTITION BY ' || "
										  "pg_get_partkeydef(c.oid)) AS sql FROM part p JOIN"
										  " pg_catalog.pg_class c ON c.oid = p.oid JOIN pg_catalog.pg_namespace n ON "
										  "n.oid = c.relnamespace JOIN"
										  " pg_catalog.pg_inherits i ON i.inhrelid = c.oid JOIN pg_catalog.pg_class h "
										  "ON h.oid = i.inhparent JOIN"
										  " pg_catalog.pg_namespace hn ON hn.oid = h.relnamespace WHERE p.level > 0 "
										  "ORDER BY p.level, c.relname";

/* What belongs to the table beside: who owns its sequences, what identifies its rows. */
static const char belongings_query[] =
	"SELECT 0, n.nspname, format('ALTER SEQUENCE %s OWNED BY %s.%I', " NAME_OF("q", "qn") ", " NAME_OF(
		"c",
		"n") ", a.attname) AS sql"
			 " FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class q ON q.oid = d.objid AND q.relkind = 'S' JOIN"
			 " pg_catalog.pg_namespace qn ON qn.oid = q.relnamespace JOIN pg_catalog.pg_class c ON c.oid ="
			 " d.refobjid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_attribute a ON"
			 " a.attrelid = c.oid AND a.attnum = d.refobjsubid WHERE d.classid = 'pg_catalog.pg_class'::regclass AND"
			 " d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = $1::oid AND d.deptype = 'a'"
			 " UNION ALL SELECT 1, n.nspname, format('ALTER TABLE %s REPLICA IDENTITY FULL', " NAME_OF(
				 "c", "n") ") FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
						   " WHERE c.oid = $1::oid AND c.relreplident = 'f' ORDER BY 1, 3";

/* An index of a partitioned table is said to be of it ONLY, since its parts' have their own statements. */
static const char indexes_query[] =
	"SELECT 0, n.nspname, regexp_replace(pg_get_indexdef(i.indexrelid), '^(CREATE (UNIQUE )?INDEX .*?) ON ONLY ',"
	" '\\1 ON ') AS sql FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indrelid JOIN"
	" pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE i.indrelid = $1::oid AND i.indisvalid AND NOT EXISTS"
	" (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))"
	" ORDER BY 3";

/*
 * A key of a partitioned table cannot be made NOT VALID first: with a line break the extension does not try.
 */
#define CONSTRAINTS(types)                                                                                             \
	"SELECT 0, n.nspname, format('ALTER TABLE %s ADD%sCONSTRAINT %I %s', " NAME_OF(                                    \
		"c", "n") ", CASE c.relkind WHEN 'p' THEN E'\\n' ELSE ' ' END, k.conname, pg_get_constraintdef(k.oid)) AS "    \
				  "sql FROM pg_catalog.pg_constraint k JOIN"                                                           \
				  " pg_catalog.pg_class c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace n ON n.oid ="             \
				  " c.relnamespace WHERE k.conrelid = $1::oid AND k.contype IN (" types ") ORDER BY 3"

static const struct
{
	const char *stage;
	const char *query;
} parts[] = {
	{"now", types_query},      {"now", sequences_query},
	{"now", table_query},      {"now", partitions_query},
	{"now", belongings_query}, {"unique index", CONSTRAINTS("'u', 'x'")},
	{"index", indexes_query},  {"foreign key", CONSTRAINTS("'f'")},
};

/* The statements of all parts in one query: each a row of stage, schema and statement. */
static const char wrap_head[] = "SELECT pg_catalog.json_agg(pg_catalog.json_build_object('stage', ";

typedef struct Text
{
	char *data;
	size_t used;
	bool failed;
} Text;

static void
add(Text *text, const char *more, size_t size)
{
	char *grown = text->failed ? NULL : realloc(text->data, text->used + size + 1);

	if (grown == NULL)
	{
		text->failed = true;
		return;
	}
	memcpy(grown + text->used, more, size);
	text->used += size;
	grown[text->used] = '\0';
	text->data = grown;
}

/* The server's JSON array without its brackets, behind what is there. */
static void
add_array(Text *text, const char *array)
{
	size_t size = strlen(array);

	if (size <= 2)
		return;
	add(text, text->used > 1 ? ", " : "", text->used > 1 ? 2 : 0);
	add(text, array + 1, size - 2);
}

static bool
read_part(PGconn *conn, unsigned relid, int stop_fd, size_t i, Text *text, Failure *failure)
{
	Text query = {0};
	PGresult *result;

	add(&query, wrap_head, sizeof wrap_head - 1);
	add(&query, "'", 1);
	add(&query, parts[i].stage, strlen(parts[i].stage));
	add(&query, "', 'schema', x.nspname, 'sql', x.sql)) FROM (",
		strlen("', 'schema', x.nspname, 'sql', x.sql)) FROM ("));
	add(&query, parts[i].query, strlen(parts[i].query));
	add(&query, ") x", 3);
	if (query.failed)
	{
		free(query.data);
		return no_memory(failure);
	}
	result = ask(conn, query.data, relid, stop_fd, failure);
	free(query.data);
	if (result == NULL)
		return false;
	if (!PQgetisnull(result, 0, 0))
		add_array(text, PQgetvalue(result, 0, 0));
	PQclear(result);
	return !text->failed || no_memory(failure);
}

bool
postgres_definition_read(PGconn *conn, unsigned relid, int stop_fd, char **json, Failure *failure)
{
	Text text = {0};
	bool ok = true;

	add(&text, "[", 1);
	for (size_t i = 0; ok && i < sizeof parts / sizeof parts[0]; i++)
		ok = read_part(conn, relid, stop_fd, i, &text, failure);
	add(&text, "]", 1);
	if (ok && text.failed)
		ok = no_memory(failure);
	if (!ok)
		free(text.data);
	*json = ok ? text.data : NULL;
	return ok;
}
