/*
 * Indexes, foreign keys and checks in PostgreSQL's words.
 */
#include "postgres.h"

#include "ddl_print.h"

/* ---- names ------------------------------------------------------------------------------- */

static const char *
part_name(const DdlKey *key)
{
	const DdlKeyPart *part = key->parts == NIL ? NULL : linitial(key->parts);

	return part != NULL && part->column != NULL ? part->column : "functional_index";
}

/* MySQL names an index after its first column, with _2, _3 … when that is taken. */
void
dbs_ddl_name_key(DdlKey *key, const DdlKnownTable *table, const DdlCreateTable *create)
{
	const char *base = part_name(key);
	const char *name = base;
	int number = 2;

	if (key->name != NULL || key->kind == DDL_KEY_PRIMARY)
		return;
	for (;;)
	{
		bool taken = dbs_ddl_known_key(table, name) != NULL || pg_strcasecmp(name, "PRIMARY") == 0;
		ListCell *cell;

		if (create != NULL)
		{
			foreach (cell, create->keys)
			{
				const DdlKey *other = lfirst(cell);

				taken |= other != key && other->name != NULL && pg_strcasecmp(other->name, name) == 0;
			}
		}
		if (!taken)
			break;
		name = psprintf("%s_%d", base, number++);
	}
	key->name = name;
}

/* t_ibfk_1, t_chk_1: the next number that is free. */
static const char *
numbered_name(const DdlKnownTable *table, const char *base, const char *word)
{
	for (int number = 1;; number++)
	{
		const char *name = psprintf("%s_%s_%d", base, word, number);

		if (dbs_ddl_known_constraint(table, name) == NULL)
			return name;
	}
}

static DdlKnownConstraint *
add_constraint(DdlKnownTable *table, const char *name, char kind, bool missing)
{
	DdlKnownConstraint *constraint = palloc0(sizeof(DdlKnownConstraint));

	constraint->name = name;
	constraint->kind = kind;
	constraint->missing = missing;
	table->constraints = lappend(table->constraints, constraint);
	return constraint;
}

/* The columns' names as their table has them, whose case MySQL does not heed. */
static List *
as_written(const DdlKnownTable *table, List *names)
{
	List *written = NIL;
	ListCell *cell;

	foreach (cell, names)
	{
		const DdlKnownColumn *column = dbs_ddl_known_column(table, lfirst(cell));

		written = lappend(written, column != NULL ? (void *) column->name : lfirst(cell));
	}
	return written;
}

/* ---- indexes -------------------------------------------------------------------------------- */

/* One part of an index; NULL with a note. */
static const char *
key_part(DdlPrinter *printer, const DdlKey *key, const DdlKeyPart *part, const DdlKnownTable *table)
{
	const char *sql;
	const char *reason = NULL;
	const DdlKnownColumn *column = dbs_ddl_known_column(table, part->column);
	/* MySQL's columns are found in any case, PostgreSQL's in their own. */
	const char *written = column != NULL ? column->name : part->column;

	if (part->expr != NULL)
	{
		sql = dbs_ddl_pg_expression(printer, part->expr, table, NULL, DDL_CONTEXT_GENERATED, &reason);
		if (sql == NULL)
		{
			dbs_ddl_note(printer, DBS_NOTE_WARNING,
						 "index \"%s\" is not created: its expression cannot be carried over: %s", key->name, reason);
			return NULL;
		}
		sql = psprintf("(%s)", sql);
	}
	else if (part->length > 0)
	{
		const char *name = dbs_ddl_pg_name(printer, written);
		bool bytes = column != NULL && dbs_ddl_is_bytes(column->type->family);

		/* A prefix as long as the column is the column. */
		if (column != NULL && column->type->length > 0 && column->type->length <= part->length &&
			(column->type->family == DDL_TYPE_CHAR || column->type->family == DDL_TYPE_VARCHAR))
			sql = name;
		else if (bytes)
			sql = psprintf("substr(%s, 1, %d)", name, part->length);
		else if (column != NULL && (!dbs_ddl_is_text(column->type->family) || column->type->family == DDL_TYPE_ENUM))
			sql = name;
		else
			sql = psprintf("\"left\"(%s, %d)", name, part->length);
		if (sql == name && column != NULL && column->type->family == DDL_TYPE_JSON)
			dbs_ddl_note(printer, DBS_NOTE_WARNING, "index \"%s\": the whole value of \"%s\" is indexed, not a prefix",
						 key->name, part->column);
		if (sql != name)
			dbs_ddl_note(printer, DBS_NOTE_INFO, "index \"%s\": the prefix %s(%d) becomes an expression", key->name,
						 part->column, part->length);
	}
	else
		sql = dbs_ddl_pg_name(printer, written);
	/* json, xml and geometry as bytes have no order to index by. */
	if (column != NULL && part->expr == NULL && strcmp(column->pg_type, "json") == 0)
	{
		dbs_ddl_note(printer, DBS_NOTE_WARNING, "index \"%s\" is not created: json cannot be indexed", key->name);
		return NULL;
	}
	return part->descending ? psprintf("%s DESC", sql) : sql;
}

/* What FULLTEXT, SPATIAL and VECTOR indexes become; true when there is nothing more to do. */
static bool
special_index(DdlPrinter *printer, const DdlKey *key, const char **method)
{
	const char *column = part_name(key);

	switch (key->kind)
	{
		case DDL_KEY_FULLTEXT:
			dbs_ddl_note(
				printer, DBS_NOTE_WARNING,
				"index \"%s\": FULLTEXT has no exact equivalent and is not created; for text search create one like "
				"CREATE INDEX … USING gin (to_tsvector('simple', %s))",
				key->name, dbs_ddl_pg_quote(column));
			return true;
		case DDL_KEY_SPATIAL:
			if (printer->options->has_postgis)
			{
				*method = " USING gist";
				return false;
			}
			dbs_ddl_note(printer, DBS_NOTE_WARNING, "index \"%s\": SPATIAL needs PostGIS and is not created",
						 key->name);
			return true;
		case DDL_KEY_VECTOR:
			dbs_ddl_note(printer, DBS_NOTE_WARNING,
						 "index \"%s\": VECTOR is not created; pgvector's hnsw index is its like", key->name);
			return true;
		default:
			return false;
	}
}

void
dbs_ddl_pg_key(DdlPrinter *printer, DdlKey *key, const DdlName *name, DdlKnownTable *table, List **after)
{
	const char *base = dbs_ddl_fit(printer, name->name);
	const char *qualified = dbs_ddl_pg_table(printer, name);
	const char *schema = dbs_ddl_target_schema(printer, name->schema);
	const char *index;
	const char *method = "";
	StringInfoData parts;
	ListCell *cell;
	DdlKnownKey *known;

	dbs_ddl_name_key(key, table, NULL);
	index = dbs_ddl_known_index_name(printer->known, schema, base, key->name);
	if (strcmp(index, dbs_ddl_pg_index_name(base, key->name)) != 0)
		dbs_ddl_note(printer, DBS_NOTE_INFO, "index \"%s\" is called \"%s\", since \"%s\" has another owner", key->name,
					 index, dbs_ddl_pg_index_name(base, key->name));
	if (key->ignored != NIL)
		dbs_ddl_note_ignored(printer, key->ignored, psprintf("index \"%s\"", key->name));
	if (special_index(printer, key, &method))
		return;
	initStringInfo(&parts);
	foreach (cell, key->parts)
	{
		const char *part = key_part(printer, key, lfirst(cell), table);

		if (part == NULL)
			return;
		appendStringInfo(&parts, "%s%s", parts.len == 0 ? "" : ", ", part);
	}
	/* Of a period that is not known here, the columns that make the key unique are missing. */
	if (key->without_overlaps && key->without_overlaps_column != NULL)
	{
		dbs_ddl_note(printer, DBS_NOTE_WARNING,
					 "index \"%s\": WITHOUT OVERLAPS is not carried over; it is not unique here", key->name);
		key->kind = DDL_KEY_INDEX;
	}
	else if (key->without_overlaps)
		dbs_ddl_note(printer, DBS_NOTE_WARNING,
					 "index \"%s\": WITHOUT OVERLAPS is not carried over; it holds the period's columns", key->name);
	if (key->invisible)
		dbs_ddl_note(printer, DBS_NOTE_INFO, "index \"%s\": INVISIBLE has no equivalent; it is an ordinary index",
					 key->name);
	if (key->method != NULL && pg_strcasecmp(key->method, "BTREE") != 0)
		dbs_ddl_note(printer, DBS_NOTE_INFO, "index \"%s\": USING %s becomes a B-tree", key->name, key->method);
	*after = lappend(*after, psprintf("CREATE %sINDEX %s%s ON %s%s (%s)", key->kind == DDL_KEY_UNIQUE ? "UNIQUE " : "",
									  key->if_not_exists ? "IF NOT EXISTS " : "", dbs_ddl_pg_quote(index), qualified,
									  method, dbs_ddl_text(&parts)));
	if (key->comment != NULL && *key->comment != '\0')
		dbs_ddl_pg_comment(printer, "INDEX", dbs_ddl_pg_qualified(schema, index), key->comment, after);
	if (table != NULL)
	{
		known = palloc0(sizeof(DdlKnownKey));
		known->name = key->name;
		known->pg_name = index;
		known->kind = key->kind;
		known->key = key;
		dbs_ddl_known_add_key(table, known);
	}
}

const char *
dbs_ddl_pg_primary_key(DdlPrinter *printer, const DdlKey *key, const DdlName *name, DdlKnownTable *table)
{
	const char *index = dbs_ddl_pg_index_name(dbs_ddl_fit(printer, name->name), "pkey");
	List *columns = NIL;
	ListCell *cell;
	DdlKnownKey *known;

	foreach (cell, key->parts)
	{
		const DdlKeyPart *part = lfirst(cell);
		DdlKnownColumn *column = dbs_ddl_known_column(table, part->column);

		if (part->column == NULL)
		{
			dbs_ddl_note(printer, DBS_NOTE_ERROR, "a primary key of expressions cannot be carried over");
			return NULL;
		}
		if (part->length > 0 && !(column != NULL && column->type->length > 0 && column->type->length <= part->length))
			dbs_ddl_note(printer, DBS_NOTE_WARNING,
						 "primary key: the prefix %s(%d) becomes the whole column, so that more values are distinct",
						 part->column, part->length);
		if (part->descending)
			dbs_ddl_note(printer, DBS_NOTE_INFO, "primary key: DESC has no meaning for a constraint");
		if (column != NULL)
			column->not_null = true;
		columns = lappend(columns, (void *) (column != NULL ? column->name : part->column));
	}
	if (key->comment != NULL)
		dbs_ddl_note(printer, DBS_NOTE_INFO, "primary key: its comment is ignored: %s", key->comment);
	if (key->without_overlaps && key->without_overlaps_column != NULL)
	{
		dbs_ddl_note(printer, DBS_NOTE_ERROR,
					 "a primary key WITHOUT OVERLAPS of a period that is not known here cannot be carried over");
		return NULL;
	}
	if (key->without_overlaps)
		dbs_ddl_note(printer, DBS_NOTE_WARNING,
					 "primary key: WITHOUT OVERLAPS is not carried over; it holds the period's columns");
	if (table != NULL)
	{
		known = palloc0(sizeof(DdlKnownKey));
		known->name = "PRIMARY";
		known->pg_name = index;
		known->kind = DDL_KEY_PRIMARY;
		known->is_constraint = true;
		known->key = (DdlKey *) key;
		dbs_ddl_known_add_key(table, known);
	}
	return psprintf("CONSTRAINT %s PRIMARY KEY (%s)", dbs_ddl_pg_quote(index), dbs_ddl_pg_columns(printer, columns));
}

/* ---- foreign keys ------------------------------------------------------------------------------ */

static bool
key_covers(const DdlKnownKey *known, List *columns, bool exact)
{
	ListCell *cell;
	int at = 0;

	if (known->key == NULL || (exact && list_length(known->key->parts) != list_length(columns)))
		return false;
	foreach (cell, columns)
	{
		const DdlKeyPart *part;

		if (at >= list_length(known->key->parts))
			return false;
		part = list_nth(known->key->parts, at++);
		if (part->column == NULL || part->length > 0 || pg_strcasecmp(part->column, lfirst(cell)) != 0)
			return false;
	}
	return true;
}

/* Is there a unique key of exactly these columns, as PostgreSQL demands? In any order. */
static bool
has_unique_key(const DdlKnownTable *table, List *columns)
{
	ListCell *cell;

	foreach (cell, table->keys)
	{
		const DdlKnownKey *known = lfirst(cell);
		bool all = known->key != NULL && list_length(known->key->parts) == list_length(columns);
		ListCell *name;

		if (known->kind != DDL_KEY_PRIMARY && known->kind != DDL_KEY_UNIQUE)
			continue;
		foreach (name, columns)
		{
			bool found = false;
			ListCell *part_cell;

			if (!all)
				break;
			foreach (part_cell, known->key->parts)
			{
				const DdlKeyPart *part = lfirst(part_cell);

				found |= part->column != NULL && part->length == 0 && pg_strcasecmp(part->column, lfirst(name)) == 0;
			}
			all = found;
		}
		if (all)
			return true;
	}
	return false;
}

/* MySQL gives every foreign key an index; PostgreSQL does not. */
static void
add_index_for_foreign_key(DdlPrinter *printer, DdlForeignKey *key, const DdlName *name, DdlKnownTable *table)
{
	DdlKey *index;
	ListCell *cell;
	List *after = NIL;

	if (table == NULL || !table->complete)
		return;
	foreach (cell, table->keys)
	{
		if (key_covers(lfirst(cell), key->columns, false))
			return;
	}
	index = palloc0(sizeof(DdlKey));
	index->kind = DDL_KEY_INDEX;
	index->name = key->index_name != NULL ? key->index_name : key->name;
	foreach (cell, key->columns)
	{
		DdlKeyPart *part = palloc0(sizeof(DdlKeyPart));

		part->column = lfirst(cell);
		index->parts = lappend(index->parts, part);
	}
	dbs_ddl_pg_key(printer, index, name, table, &after);
	foreach (cell, after)
		dbs_ddl_sql(printer, "%s", (char *) lfirst(cell));
}

/* Does it change rows itself? */
static bool
has_action(const DdlForeignKey *key)
{
	const char *const actions[] = {key->on_delete, key->on_update};

	for (int i = 0; i < lengthof(actions); i++)
	{
		if (actions[i] != NULL && (strcmp(actions[i], "CASCADE") == 0 || strncmp(actions[i], "SET ", 4) == 0))
			return true;
	}
	return false;
}

/* The table is not here, perhaps not yet: it was made with foreign_key_checks = 0. */
static void
let_wait(DdlPrinter *printer, const DdlForeignKey *key, const DdlName *name, const DdlKnownTable *referenced,
		 const char *definition)
{
	DbsDdlWaitingKey *waiting = palloc0(sizeof(DbsDdlWaitingKey));

	waiting->schema = referenced->schema;
	waiting->table = referenced->name;
	waiting->name = key->name;
	waiting->sql = psprintf("ALTER TABLE %s ADD %s", dbs_ddl_pg_table(printer, name), definition);
	printer->out->waiting = lappend(printer->out->waiting, waiting);
	dbs_ddl_note(printer, DBS_NOTE_WARNING,
				 "foreign key \"%s\" is not created: the table %s that it refers to is not here", key->name,
				 dbs_ddl_pg_qualified(referenced->schema, referenced->name));
}

const char *
dbs_ddl_pg_foreign_key(DdlPrinter *printer, DdlForeignKey *key, const DdlName *name, DdlKnownTable *table,
					   bool *deferred)
{
	StringInfoData sql;
	DdlName referenced_name = *key->table;
	const char *schema;
	DdlKnownTable *referenced;
	const char *target;

	*deferred = false;
	if (referenced_name.schema == NULL)
		referenced_name.schema = name->schema;
	if (key->name == NULL)
		key->name = numbered_name(table, name->name, "ibfk");
	target = dbs_ddl_pg_table(printer, &referenced_name);
	schema = dbs_ddl_target_schema(printer, referenced_name.schema);
	referenced = table != NULL && strcmp(target, dbs_ddl_pg_table(printer, name)) == 0
					 ? table
					 : dbs_ddl_known_table(printer->known, schema, dbs_ddl_fit(printer, referenced_name.name));
	add_index_for_foreign_key(printer, key, name, table);
	if (referenced != NULL && !referenced->absent && referenced->complete && key->referenced != NIL &&
		!has_unique_key(referenced, key->referenced))
	{
		dbs_ddl_note(
			printer, printer->options->cascades_unlogged && has_action(key) ? DBS_NOTE_ERROR : DBS_NOTE_WARNING,
			"foreign key \"%s\" is not created: PostgreSQL needs a unique key of exactly the columns it refers to",
			key->name);
		if (table != NULL)
			add_constraint(table, key->name, 'f', true);
		return NULL;
	}
	initStringInfo(&sql);
	appendStringInfo(&sql, "CONSTRAINT %s FOREIGN KEY (%s) REFERENCES %s", dbs_ddl_pg_name(printer, key->name),
					 dbs_ddl_pg_columns(printer, as_written(table, key->columns)), target);
	if (key->referenced != NIL)
		appendStringInfo(&sql, " (%s)", dbs_ddl_pg_columns(printer, as_written(referenced, key->referenced)));
	if (key->match != NULL && pg_strcasecmp(key->match, "SIMPLE") != 0)
		dbs_ddl_note(printer, DBS_NOTE_INFO, "foreign key \"%s\": MATCH %s, which InnoDB does not heed, is left out",
					 key->name, key->match);
	/* RESTRICT and NO ACTION are the same to InnoDB; PostgreSQL's default comes after the statement. */
	if (key->on_delete != NULL && strcmp(key->on_delete, "NO ACTION") != 0)
		appendStringInfo(&sql, " ON DELETE %s", key->on_delete);
	if (key->on_update != NULL && strcmp(key->on_update, "NO ACTION") != 0)
		appendStringInfo(&sql, " ON UPDATE %s", key->on_update);
	if (referenced != NULL && referenced->absent && printer->known->load != NULL)
	{
		let_wait(printer, key, name, referenced, sql.data);
		add_constraint(table, key->name, 'f', true);
		return NULL;
	}
	if (table != NULL)
		add_constraint(table, key->name, 'f', false);
	/* A table that this text creates only later, or has dropped. */
	*deferred = table != NULL && (referenced == NULL || (referenced->absent && printer->known->load == NULL));
	return dbs_ddl_text(&sql);
}

const char *
dbs_ddl_pg_check(DdlPrinter *printer, DdlCheck *check, const DdlName *name, DdlKnownTable *table)
{
	const char *reason = NULL;
	const char *sql;

	if (check->name == NULL)
	{
		if (printer->options->source != DBS_DIALECT_MARIADB)
			check->name = numbered_name(table, name->name, "chk");
		else if (check->column != NULL)
			check->name = check->column;
		else
			check->name = numbered_name(table, "CONSTRAINT", "");
		if (printer->options->source == DBS_DIALECT_MARIADB && check->column == NULL)
		{
			int number = 1;

			while (dbs_ddl_known_constraint(table, psprintf("CONSTRAINT_%d", number)) != NULL)
				number++;
			check->name = psprintf("CONSTRAINT_%d", number);
		}
	}
	if (check->not_enforced)
	{
		dbs_ddl_note(printer, DBS_NOTE_WARNING, "check \"%s\" is NOT ENFORCED and is not created", check->name);
		if (table != NULL)
			add_constraint(table, check->name, 'c', true);
		return NULL;
	}
	sql = dbs_ddl_pg_expression(printer, check->expr, table, &(DdlType){.family = DDL_TYPE_BIT, .length = 1},
								DDL_CONTEXT_CHECK, &reason);
	if (table != NULL)
		add_constraint(table, check->name, 'c', sql == NULL);
	if (sql == NULL)
	{
		dbs_ddl_note(printer, DBS_NOTE_ERROR, "check \"%s\" cannot be carried over: %s", check->name, reason);
		return NULL;
	}
	return psprintf("CONSTRAINT %s CHECK (%s)", dbs_ddl_pg_name(printer, check->name), sql);
}
