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

/* MySQL's names of columns are the same in any case; names of either side are UTF-8, and other letters than ASCII's
 * are left to the target to compare. */
void
dbs_ddl_my_note_case(DdlRaw *raw, const DdlCreateTable *table, const DdlColumn *column)
{
	ListCell *cell;

	foreach (cell, table->columns)
	{
		const DdlColumn *other = lfirst(cell);

		if (other == column)
			return;
		if (pg_strcasecmp(other->name, column->name) == 0)
			dbs_ddl_raw_note(raw, DBS_NOTE_ERROR,
							 "columns \"%s\" and \"%s\" are one to MySQL, whose names have no case: rename one",
							 other->name, column->name);
	}
}

/* Bytes that a value of the column takes in a row, at most; texts and the like lie elsewhere. */
static int
row_bytes(DdlRaw *raw, const DdlColumn *column, const DdlCreateTable *table)
{
	int notes = list_length(raw->out->notes);
	const char *type = dbs_ddl_my_type(raw, column->type, column->name, dbs_ddl_my_in_key(table, column->name));
	int length = 0;

	raw->out->notes = list_truncate(raw->out->notes, notes);
	if (sscanf(type, "VARCHAR(%d)", &length) == 1 || sscanf(type, "CHAR(%d)", &length) == 1)
		return length * 4 + 2;
	return sscanf(type, "VARBINARY(%d)", &length) == 1 ? length + 2 : 12;
}

/* MySQL's rows hold 65,535 bytes at most: the longest texts, of no key, become LONGTEXT until the rest fits. */
static void
settle_row_size(DdlRaw *raw, DdlCreateTable *table)
{
	for (;;)
	{
		DdlColumn *longest = NULL;
		int longest_bytes = 1024;
		int total = 0;
		ListCell *cell;

		foreach (cell, table->columns)
		{
			DdlColumn *column = lfirst(cell);
			int bytes = row_bytes(raw, column, table);

			total += bytes;
			if (column->type->family == DDL_TYPE_VARCHAR && bytes > longest_bytes &&
				!dbs_ddl_my_in_key(table, column->name))
				longest = column, longest_bytes = bytes;
		}
		if (total <= 65000 || longest == NULL)
			return;
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "column \"%s\" becomes LONGTEXT: MySQL's rows hold 65,535 bytes at most",
						 longest->name);
		longest->type = memcpy(palloc(sizeof(DdlType)), longest->type, sizeof(DdlType));
		longest->type->family = DDL_TYPE_TEXT;
	}
}

static bool
has_constraint(const DdlCreateTable *table, const char *name, bool check)
{
	ListCell *cell;

	foreach (cell, check ? table->checks : table->foreign_keys)
	{
		const char *other = check ? ((DdlCheck *) lfirst(cell))->name : ((DdlForeignKey *) lfirst(cell))->name;

		if (other != NULL && strcmp(other, name) == 0)
			return true;
	}
	return false;
}

/* Has another table of this text and database a check (foreign key) of the name? Those that come later make way. */
static bool
is_taken(DdlRaw *raw, const DdlStatement *statement, const char *name, bool check)
{
	const char *database = dbs_ddl_my_schema(raw, statement->name->schema);
	const DdlStatement *other = dbs_ddl_names_find(check ? &raw->check_names : &raw->key_names, database, name);
	const char *of = other == NULL ? NULL : dbs_ddl_my_schema(raw, other->name->schema);

	/* It may have gone meanwhile, or lost the constraint. */
	return other != NULL && other->create != statement->create && !other->create->gone &&
		   (of == NULL || database == NULL ? of == database : strcmp(of, database) == 0) &&
		   has_constraint(other->create, name, check);
}

static void
take_name(DdlNames *names, const char *database, const char *name, DdlStatement *created)
{
	if (name != NULL && dbs_ddl_names_find(names, database, name) != created)
		dbs_ddl_names_add(names, database, name, created);
}

void
dbs_ddl_my_take_names(DdlRaw *raw, DdlStatement *created)
{
	const char *database = dbs_ddl_my_schema(raw, created->name->schema);
	ListCell *cell;

	foreach (cell, created->create->checks)
		take_name(&raw->check_names, database, ((DdlCheck *) lfirst(cell))->name, created);
	foreach (cell, created->create->foreign_keys)
		take_name(&raw->key_names, database, ((DdlForeignKey *) lfirst(cell))->name, created);
}

/* The name, or table_name where that one is taken. */
static const char *
free_name(DdlRaw *raw, const DdlStatement *statement, const char *name, bool check)
{
	const char *other;

	if (name == NULL || !is_taken(raw, statement, name, check))
		return NULL;
	other = dbs_ddl_pg_index_name(statement->name->name, name);
	dbs_ddl_raw_note(raw, DBS_NOTE_INFO,
					 "constraint \"%s\" is called \"%s\": the target's names are unique in a database, and another "
					 "table has it",
					 name, other);
	return other;
}

void
dbs_ddl_my_settle_names(DdlRaw *raw, const DdlStatement *statement, List *checks, List *foreign_keys)
{
	ListCell *cell;

	/* MariaDB's checks have names in their table. */
	foreach (cell, raw->options->target == DBS_DIALECT_MYSQL ? checks : NIL)
	{
		DdlCheck *check = lfirst(cell);
		const char *name = free_name(raw, statement, check->name, true);

		if (name != NULL)
			check->source_name = check->name, check->name = name;
	}
	foreach (cell, foreign_keys)
	{
		DdlForeignKey *key = lfirst(cell);
		const char *name = free_name(raw, statement, key->name, false);

		if (name != NULL)
			key->source_name = key->name, key->name = name;
	}
}

/* What columns and keys mean for each other. */
static void
settle_table(DdlRaw *raw, DdlCreateTable *table)
{
	ListCell *cell;

	settle_row_size(raw, table);
	foreach (cell, table->columns)
		dbs_ddl_my_note_case(raw, table, lfirst(cell));
	settle_auto_increment(raw, table);
	foreach (cell, table->columns)
	{
		DdlColumn *column = lfirst(cell);

		if (column->identity_options != NULL && column->identity_options->has_start)
			table->auto_increment = column->identity_options->start;
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
	{
		dbs_ddl_my_add_table(raw, statement->name, true, false);
		dbs_ddl_raw_remember_table(raw, statement);
	}
	if (table->like != NULL)
	{
		dbs_ddl_my_sql(raw, "CREATE TABLE %s%s LIKE %s", table->if_not_exists ? "IF NOT EXISTS " : "",
					   dbs_ddl_my_table_name(raw, statement->name), dbs_ddl_my_table_name(raw, table->like));
		return;
	}
	if (table->columns == NIL)
	{
		dbs_ddl_raw_note(raw, DBS_NOTE_ERROR, "MySQL has no table without columns");
		return;
	}
	settle_table(raw, table);
	dbs_ddl_my_settle_names(raw, statement, table->checks, table->foreign_keys);
	if (!table->temporary)
		dbs_ddl_my_take_names(raw, statement);
	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE %sTABLE %s%s (", table->temporary ? "TEMPORARY " : "",
					 table->if_not_exists ? "IF NOT EXISTS " : "", dbs_ddl_my_table_name(raw, statement->name));
	foreach (cell, table->columns)
		append_element(&sql, &first, dbs_ddl_my_column(raw, lfirst(cell), table));
	foreach (cell, table->keys)
		append_element(&sql, &first, dbs_ddl_my_new_key(raw, lfirst(cell), table));
	foreach (cell, table->foreign_keys)
	{
		if (!((const DdlForeignKey *) lfirst(cell))->later)
			append_element(&sql, &first, dbs_ddl_my_foreign_key(raw, lfirst(cell), table));
	}
	foreach (cell, table->checks)
		append_element(&sql, &first, dbs_ddl_my_new_check(raw, lfirst(cell), table));
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
