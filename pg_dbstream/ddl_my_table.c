/*
 * CREATE TABLE in MySQL's and MariaDB's words, as a statement and in pieces.
 */
#include "postgres.h"

#include "ddl_my.h"

/* PostgreSQL tells texts apart by their bytes. */
static const char *
my_charset(const DdlRaw *raw)
{
	return psprintf("DEFAULT CHARSET=utf8mb4 COLLATE=%s",
					raw->options->target == DBS_DIALECT_MYSQL ? "utf8mb4_0900_bin" : "utf8mb4_nopad_bin");
}

static void
append_element(StringInfo sql, bool *first, const char *element)
{
	if (element == NULL)
		return;
	appendStringInfo(sql, "%s\n\t%s", *first ? "" : ",", element);
	*first = false;
}

/* MySQL has one AUTO_INCREMENT for a table, and wants it first in a key. */
static void
settle_auto_increment(DdlRaw *raw, DdlCreateTable *table)
{
	ListCell *cell;
	DdlColumn *chosen = NULL;

	foreach (cell, table->columns)
	{
		DdlColumn *column = lfirst(cell);

		if (!column->auto_increment)
			continue;
		if (chosen != NULL)
		{
			column->auto_increment = false;
			dbs_ddl_raw_note(raw, DBS_NOTE_WARNING,
							 "column \"%s\": MySQL has one AUTO_INCREMENT for a table; this one gets none",
							 column->name);
			continue;
		}
		chosen = column;
	}
	if (chosen == NULL)
		return;
	foreach (cell, table->keys)
	{
		const DdlKey *key = lfirst(cell);
		const DdlKeyPart *part = key->parts == NIL ? NULL : linitial(key->parts);

		if (part != NULL && part->column != NULL && strcmp(part->column, chosen->name) == 0)
			return;
	}
	{
		DdlKey *key = palloc0(sizeof(DdlKey));
		DdlKeyPart *part = palloc0(sizeof(DdlKeyPart));

		part->column = chosen->name;
		key->kind = DDL_KEY_INDEX;
		key->name = chosen->name;
		key->parts = list_make1(part);
		table->keys = lappend(table->keys, key);
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "column \"%s\": gets an index, which AUTO_INCREMENT needs", chosen->name);
	}
}

static bool
is_primary(const DdlCreateTable *table, const char *name)
{
	ListCell *cell;
	ListCell *part_cell;

	foreach (cell, table->keys)
	{
		const DdlKey *key = lfirst(cell);

		if (key->kind != DDL_KEY_PRIMARY)
			continue;
		foreach (part_cell, key->parts)
		{
			if (strcmp(((DdlKeyPart *) lfirst(part_cell))->column, name) == 0)
				return true;
		}
	}
	return false;
}

/* What columns and keys mean for each other. */
static void
settle_table(DdlRaw *raw, DdlCreateTable *table)
{
	ListCell *cell;

	settle_auto_increment(raw, table);
	foreach (cell, table->columns)
	{
		DdlColumn *column = lfirst(cell);

		if (column->identity_options != NULL && column->identity_options->has_start)
			table->auto_increment = column->identity_options->start;
		if (is_primary(table, column->name))
			column->not_null = true;
	}
}

void
dbs_ddl_my_create_table(DdlRaw *raw, DdlStatement *statement)
{
	DdlCreateTable *table = statement->create;
	StringInfoData sql;
	bool first = true;
	ListCell *cell;

	if (!table->temporary)
		dbs_ddl_my_add_table(raw, statement->name, true, false);
	if (table->like != NULL)
	{
		dbs_ddl_my_sql(raw, "CREATE TABLE %s%s LIKE %s", table->if_not_exists ? "IF NOT EXISTS " : "",
					   dbs_ddl_my_table_name(raw, statement->name), dbs_ddl_my_table_name(raw, table->like));
		return;
	}
	settle_table(raw, table);
	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE %sTABLE %s%s (", table->temporary ? "TEMPORARY " : "",
					 table->if_not_exists ? "IF NOT EXISTS " : "", dbs_ddl_my_table_name(raw, statement->name));
	foreach (cell, table->columns)
		append_element(&sql, &first, dbs_ddl_my_column(raw, lfirst(cell), table));
	if (table->columns == NIL)
		dbs_ddl_raw_note(raw, DBS_NOTE_ERROR, "MySQL has no table without columns");
	foreach (cell, table->keys)
		append_element(&sql, &first, dbs_ddl_my_key(raw, lfirst(cell), table));
	foreach (cell, table->foreign_keys)
		append_element(&sql, &first, dbs_ddl_my_foreign_key(raw, lfirst(cell), table));
	foreach (cell, table->checks)
		append_element(&sql, &first, dbs_ddl_my_check(raw, lfirst(cell), table));
	appendStringInfo(&sql, "\n) %s", my_charset(raw));
	if (table->auto_increment > 1)
		appendStringInfo(&sql, " AUTO_INCREMENT=" INT64_FORMAT, table->auto_increment);
	if (table->comment != NULL && *table->comment != '\0')
		appendStringInfo(&sql, " COMMENT=%s", dbs_ddl_my_string(table->comment, strlen(table->comment)));
	dbs_ddl_my_sql(raw, "%s", sql.data);
}

static DdlMyPart *
add_part(DdlRaw *raw, List **parts, const char *name, const char *sql)
{
	DdlMyPart *part = palloc0(sizeof(DdlMyPart));

	part->name = name;
	part->sql = sql;
	/* The notes made since the last part are this one's. */
	part->notes = raw->out->notes;
	raw->out->notes = NIL;
	*parts = lappend(*parts, part);
	return part;
}

/* The element without "CONSTRAINT name ": names are unique in a database there, so another one may be needed. */
static const char *
without_name(const char *name, const char *sql)
{
	const char *head = name == NULL ? "" : psprintf("CONSTRAINT %s ", dbs_ddl_mysql_quote(name));

	return sql != NULL && strncmp(sql, head, strlen(head)) == 0 ? sql + strlen(head) : sql;
}

static void
add_column_part(DdlRaw *raw, DdlMyTable *out, const DdlColumn *column, const DdlCreateTable *table)
{
	const char *value;
	const char *sql = dbs_ddl_my_column_base(raw, column, table, &value);
	DdlMyPart *part = add_part(raw, &out->columns, column->name, sql);

	part->value = value;
	part->tail = dbs_ddl_my_column_tail(column);
	part->generated = column->generated != NULL;
}

void
dbs_ddl_my_parts(DdlRaw *raw, DdlStatement *statement, DdlMyTable *out)
{
	DdlCreateTable *table = statement->create;
	DdlMyPart *part;
	ListCell *cell;

	memset(out, 0, sizeof *out);
	settle_table(raw, table);
	out->charset = my_charset(raw);
	out->auto_increment = table->auto_increment;
	out->comment = table->comment != NULL ? table->comment : "";
	out->notes = raw->out->notes;
	raw->out->notes = NIL;
	foreach (cell, table->columns)
		add_column_part(raw, out, lfirst(cell), table);
	foreach (cell, table->keys)
	{
		const DdlKey *key = lfirst(cell);

		part = add_part(raw, &out->keys, key->name, dbs_ddl_my_key_parts(raw, key, table));
		part->kind = dbs_ddl_my_key_kind(key);
		part->notes = list_concat(part->notes, raw->out->notes);
		raw->out->notes = NIL;
	}
	foreach (cell, table->foreign_keys)
	{
		const DdlForeignKey *key = lfirst(cell);

		part = add_part(raw, &out->foreign_keys, key->name, without_name(key->name, dbs_ddl_my_foreign_key_head(key)));
		part->tail = dbs_ddl_my_foreign_key_tail(raw, key, table);
		part->table = key->table;
	}
	foreach (cell, table->checks)
	{
		const DdlCheck *check = lfirst(cell);

		add_part(raw, &out->checks, check->name, without_name(check->name, dbs_ddl_my_check(raw, check, table)));
	}
}
