/*
 * Constraints and indexes of PostgreSQL's in the common tree.
 *
 * What is not named gets the name that PostgreSQL chooses, so that a later
 * statement finds it by that name at the target too.
 */
#include "postgres.h"

#include "commands/defrem.h"
#include "nodes/parsenodes.h"
#include "parser/parse_target.h"

#include "ddl_parser.h"
#include "ddl_raw.h"

static List *
read_strings(List *values)
{
	List *strings = NIL;
	ListCell *cell;

	foreach (cell, values)
		strings = lappend(strings, strVal(lfirst(cell)));
	return strings;
}

bool
dbs_ddl_raw_has_name(List *names, const char *name)
{
	ListCell *cell;

	foreach (cell, names)
	{
		if (strcmp(lfirst(cell), name) == 0)
			return true;
	}
	return false;
}

/* ---- names ---------------------------------------------------------------------------------- */

/* Columns joined as PostgreSQL joins them. */
static const char *
joined(List *names)
{
	StringInfoData text;
	ListCell *cell;

	initStringInfo(&text);
	foreach (cell, names)
		appendStringInfo(&text, "%s%s", text.len == 0 ? "" : "_", (const char *) lfirst(cell));
	if (text.len >= NAMEDATALEN)
		text.data[NAMEDATALEN - 1] = '\0';
	return text.data;
}

static bool
is_taken(const DdlCreateTable *table, const char *name)
{
	ListCell *cell;

	foreach (cell, table->keys)
	{
		const char *other = ((DdlKey *) lfirst(cell))->name;

		if (other != NULL && strcmp(other, name) == 0)
			return true;
	}
	foreach (cell, table->checks)
	{
		const char *other = ((DdlCheck *) lfirst(cell))->name;

		if (other != NULL && strcmp(other, name) == 0)
			return true;
	}
	foreach (cell, table->foreign_keys)
	{
		const char *other = ((DdlForeignKey *) lfirst(cell))->name;

		if (other != NULL && strcmp(other, name) == 0)
			return true;
	}
	return false;
}

/* table_columns_label, with a number behind it where that is taken. */
static const char *
choose_name(const DdlCreateTable *table, const DdlCreateTable *known, const char *relation, const char *columns,
			const char *label)
{
	const char *name = makeObjectName(relation, columns, label);

	for (int i = 1; is_taken(table, name) || (known != NULL && is_taken(known, name)); i++)
		name = makeObjectName(relation, columns, psprintf("%s%d", label, i));
	return name;
}

/* The columns that an expression names, each once. */
static List *
columns_of(const DdlExpr *expr, List *found)
{
	ListCell *cell;

	if (expr == NULL)
		return found;
	if (expr->kind == DDL_EXPR_COLUMN)
	{
		return dbs_ddl_raw_has_name(found, expr->text) ? found : lappend(found, (void *) expr->text);
	}
	foreach (cell, expr->args)
		found = columns_of(lfirst(cell), found);
	return found;
}

/* A name that comes again gets a number. */
static const char *
unlike(List *names, const char *called)
{
	const char *name = called;

	for (int i = 1; dbs_ddl_raw_has_name(names, name); i++)
		name = psprintf("%s%d", called, i);
	return name;
}

/* What the columns, and those of INCLUDE, are called in the index's name. */
static List *
part_names(const DdlKey *key)
{
	List *names = NIL;
	ListCell *cell;

	foreach (cell, key->parts)
	{
		const DdlKeyPart *part = lfirst(cell);

		names = lappend(names, (void *) unlike(names, part->called != NULL ? part->called : part->column));
	}
	foreach (cell, key->included)
		names = lappend(names, (void *) unlike(names, lfirst(cell)));
	return names;
}

/* Are they one to PostgreSQL, which makes one index of two constraints in a statement? */
static bool
same_key(const DdlKey *a, const DdlKey *b)
{
	if (list_length(a->parts) != list_length(b->parts) || list_length(a->included) != list_length(b->included) ||
		a->nulls_not_distinct != b->nulls_not_distinct || a->deferrable != b->deferrable || a->using_index != NULL ||
		b->using_index != NULL)
		return false;
	for (int i = 0; i < list_length(a->parts); i++)
	{
		const DdlKeyPart *one = list_nth(a->parts, i);
		const DdlKeyPart *other = list_nth(b->parts, i);

		if (one->column == NULL || other->column == NULL || strcmp(one->column, other->column) != 0)
			return false;
	}
	for (int i = 0; i < list_length(a->included); i++)
	{
		if (strcmp(list_nth(a->included, i), list_nth(b->included, i)) != 0)
			return false;
	}
	return true;
}

/* The primary key first, each once, under the first name that one of the same has. */
static List *
merged_keys(List *keys)
{
	List *result = NIL;
	ListCell *cell;
	ListCell *prior;

	foreach (cell, keys)
	{
		if (((DdlKey *) lfirst(cell))->kind == DDL_KEY_PRIMARY)
			result = lappend(result, lfirst(cell));
	}
	foreach (cell, keys)
	{
		DdlKey *key = lfirst(cell);
		bool merged = false;

		foreach (prior, key->kind == DDL_KEY_PRIMARY ? NIL : result)
		{
			DdlKey *other = lfirst(prior);

			if (!same_key(key, other))
				continue;
			if (other->name == NULL)
				other->name = key->name;
			merged = true;
			break;
		}
		if (key->kind != DDL_KEY_PRIMARY && !merged)
			result = lappend(result, key);
	}
	return result;
}

void
dbs_ddl_raw_name_constraints(DdlCreateTable *table, const DdlCreateTable *known, const char *relation)
{
	ListCell *cell;

	table->keys = merged_keys(table->keys);
	foreach (cell, table->checks)
	{
		DdlCheck *check = lfirst(cell);
		List *columns = columns_of(check->expr, NIL);

		if (check->name == NULL)
			check->name =
				choose_name(table, known, relation, list_length(columns) == 1 ? linitial(columns) : NULL, "check");
	}
	foreach (cell, table->keys)
	{
		DdlKey *key = lfirst(cell);
		const char *label = key->kind == DDL_KEY_PRIMARY ? "pkey" : key->is_constraint ? "key" : "idx";

		if (key->name == NULL && key->using_index != NULL)
			key->name = key->using_index;
		if (key->name == NULL)
			key->name = choose_name(table, known, relation,
									key->kind == DDL_KEY_PRIMARY ? NULL : joined(part_names(key)), label);
	}
	foreach (cell, table->foreign_keys)
	{
		DdlForeignKey *key = lfirst(cell);

		if (key->name == NULL)
			key->name = choose_name(table, known, relation, joined(key->columns), "fkey");
	}
}

/* ---- constraints ---------------------------------------------------------------------------- */

static const char *
shown_name(const Constraint *constraint)
{
	return constraint->conname == NULL ? "" : psprintf(" \"%s\"", constraint->conname);
}

static bool
is_enforced(const Constraint *constraint)
{
#if PG_VERSION_NUM >= 180000
	return constraint->is_enforced;
#else
	return constraint != NULL;
#endif
}

static const char *
read_action(char action)
{
	switch (action)
	{
		case FKCONSTR_ACTION_RESTRICT:
			return "RESTRICT";
		case FKCONSTR_ACTION_CASCADE:
			return "CASCADE";
		case FKCONSTR_ACTION_SETNULL:
			return "SET NULL";
		case FKCONSTR_ACTION_SETDEFAULT:
			return "SET DEFAULT";
		default:
			return NULL;
	}
}

/* A foreign key; NULL with a note for one that the target has no like of. */
static DdlForeignKey *
read_foreign_key(DdlRaw *raw, const Constraint *constraint, const char *column)
{
	DdlForeignKey *key = palloc0(sizeof(DdlForeignKey));

#if PG_VERSION_NUM >= 180000
	if (constraint->fk_with_period)
	{
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING,
						 "foreign key%s to \"%s\" is not created: the target has none of periods (PERIOD)",
						 shown_name(constraint), constraint->pktable->relname);
		return NULL;
	}
#endif
	if (!is_enforced(constraint))
	{
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING,
						 "foreign key%s to \"%s\" is not created: it is NOT ENFORCED, and the target enforces each",
						 shown_name(constraint), constraint->pktable->relname);
		return NULL;
	}
	key->name = constraint->conname;
	key->table = dbs_ddl_raw_name(constraint->pktable);
	key->columns = column != NULL ? list_make1((void *) column) : read_strings(constraint->fk_attrs);
	key->referenced = read_strings(constraint->pk_attrs);
	key->on_delete = read_action(constraint->fk_del_action);
	key->on_update = read_action(constraint->fk_upd_action);
	key->deferrable = constraint->deferrable;
	key->not_valid = constraint->skip_validation;
	if (constraint->fk_del_set_cols != NIL)
		dbs_ddl_raw_note(
			raw, DBS_NOTE_ERROR,
			"foreign key%s to \"%s\": ON DELETE %s of some of its columns only cannot be carried over: the "
			"target sets all of them",
			shown_name(constraint), key->table->name, key->on_delete);
	if (constraint->fk_matchtype == FKCONSTR_MATCH_FULL && list_length(key->columns) > 1)
		dbs_ddl_raw_note(
			raw, DBS_NOTE_WARNING,
			"foreign key%s to \"%s\": MATCH FULL is left out: the target takes rows of which a part is null",
			shown_name(constraint), key->table->name);
	if (constraint->skip_validation)
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING,
						 "foreign key%s to \"%s\": NOT VALID is left out: the target looks at the rows that are there",
						 shown_name(constraint), key->table->name);
	return key;
}

static void
note_index_options(DdlRaw *raw, const char *what, List *options, const char *tablespace)
{
	ListCell *cell;

	foreach (cell, options)
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "ignored: %s: WITH (%s)", what, ((DefElem *) lfirst(cell))->defname);
	if (tablespace != NULL)
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "ignored: %s: TABLESPACE", what);
}

static DdlKey *
read_key(DdlRaw *raw, const Constraint *constraint, const char *column)
{
	DdlKey *key = palloc0(sizeof(DdlKey));
	List *names = column != NULL ? list_make1((void *) column) : read_strings(constraint->keys);
	const char *what =
		psprintf("%s%s", constraint->contype == CONSTR_PRIMARY ? "PRIMARY KEY" : "UNIQUE", shown_name(constraint));
	ListCell *cell;

	key->kind = constraint->contype == CONSTR_PRIMARY ? DDL_KEY_PRIMARY : DDL_KEY_UNIQUE;
	key->name = constraint->conname;
	key->is_constraint = true;
	key->nulls_not_distinct = constraint->nulls_not_distinct;
	key->included = read_strings(constraint->including);
	key->using_index = constraint->indexname;
	key->deferrable = constraint->deferrable;
	foreach (cell, names)
	{
		DdlKeyPart *part = palloc0(sizeof(DdlKeyPart));

		part->column = lfirst(cell);
		key->parts = lappend(key->parts, part);
	}
	if (constraint->deferrable)
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "%s: DEFERRABLE is left out: the target checks at once", what);
	note_index_options(raw, what, constraint->options, constraint->indexspace);
#if PG_VERSION_NUM >= 180000
	if (constraint->without_overlaps)
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING,
						 "%s: WITHOUT OVERLAPS is left out: the target compares periods for equality only", what);
#endif
	return key;
}

static DdlCheck *
read_check(DdlRaw *raw, const Constraint *constraint)
{
	DdlCheck *check = palloc0(sizeof(DdlCheck));

	check->name = constraint->conname;
	check->expr = dbs_ddl_raw_expression(constraint->raw_expr);
	check->not_enforced = !is_enforced(constraint);
	check->not_valid = constraint->skip_validation && !check->not_enforced;
	if (constraint->is_no_inherit)
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "ignored: check%s: NO INHERIT", shown_name(constraint));
	if (check->not_valid)
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING,
						 "check%s: NOT VALID is left out: the target looks at the rows that are there",
						 shown_name(constraint));
	return check;
}

void
dbs_ddl_raw_set_not_null(DdlCreateTable *table, const char *name)
{
	ListCell *cell;

	foreach (cell, table->columns)
	{
		DdlColumn *column = lfirst(cell);

		if (strcmp(column->name, name) == 0)
			column->not_null = true;
	}
}

void
dbs_ddl_raw_settle_primary(DdlCreateTable *table)
{
	ListCell *cell;
	ListCell *part;

	foreach (cell, table->keys)
	{
		const DdlKey *key = lfirst(cell);

		foreach (part, key->kind == DDL_KEY_PRIMARY ? key->parts : NIL)
		{
			const char *column = ((DdlKeyPart *) lfirst(part))->column;

			if (column != NULL)
				dbs_ddl_raw_set_not_null(table, column);
		}
	}
}

bool
dbs_ddl_raw_constraint(DdlRaw *raw, DdlCreateTable *table, const Constraint *constraint, const char *column)
{
	DdlForeignKey *key;

	switch (constraint->contype)
	{
		case CONSTR_CHECK:
			table->checks = lappend(table->checks, read_check(raw, constraint));
			return true;
		case CONSTR_PRIMARY:
		case CONSTR_UNIQUE:
			table->keys = lappend(table->keys, read_key(raw, constraint, column));
			return true;
		case CONSTR_FOREIGN:
			key = read_foreign_key(raw, constraint, column);
			if (key != NULL)
				table->foreign_keys = lappend(table->foreign_keys, key);
			return key != NULL;
		case CONSTR_NOTNULL:
			dbs_ddl_raw_set_not_null(table, column != NULL ? column : strVal(linitial(constraint->keys)));
			return false;
		default:
			dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "constraint%s is not created: the target has no %s",
							 shown_name(constraint), constraint->contype == CONSTR_EXCLUSION ? "EXCLUDE" : "such kind");
			return false;
	}
}

List *
dbs_ddl_raw_attributes(List *constraints)
{
	List *result = NIL;
	Constraint *last = NULL;
	ListCell *cell;

	foreach (cell, constraints)
	{
		Constraint *constraint = lfirst(cell);

		switch (constraint->contype)
		{
			case CONSTR_ATTR_DEFERRABLE:
			case CONSTR_ATTR_DEFERRED:
				if (last != NULL)
					last->deferrable = true;
				break;
			case CONSTR_ATTR_NOT_DEFERRABLE:
			case CONSTR_ATTR_IMMEDIATE:
				break;
#if PG_VERSION_NUM >= 180000
			case CONSTR_ATTR_ENFORCED:
				break;
			case CONSTR_ATTR_NOT_ENFORCED:
				if (last != NULL)
					last->is_enforced = false;
				break;
#endif
			default:
				last = constraint;
				result = lappend(result, constraint);
				break;
		}
	}
	return result;
}

/* ---- indexes -------------------------------------------------------------------------------- */

static DdlKeyPart *
read_part(DdlRaw *raw, const IndexElem *element, const char *index)
{
	DdlKeyPart *part = palloc0(sizeof(DdlKeyPart));

	part->column = element->name;
	part->expr = element->expr == NULL ? NULL : dbs_ddl_raw_expression(element->expr);
	if (element->expr != NULL)
	{
		part->called = FigureIndexColname(element->expr);
		if (part->called == NULL)
			part->called = "expr";
	}
	part->descending = element->ordering == SORTBY_DESC;
	if (element->collation != NIL)
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "index \"%s\": COLLATE \"%s\" is left out", index,
						 strVal(llast(element->collation)));
	if (element->opclass != NIL)
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "index \"%s\": operator class %s is left out", index,
						 strVal(llast(element->opclass)));
	/* MySQL's nulls come first when ascending, PostgreSQL's last: only the order of reading differs. */
	if (element->nulls_ordering != SORTBY_NULLS_DEFAULT)
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "index \"%s\": NULLS %s is left out: the target's nulls are the lowest",
						 index, element->nulls_ordering == SORTBY_NULLS_FIRST ? "FIRST" : "LAST");
	dbs_ddl_raw_restore_prefix(part);
	return part;
}

DdlStatement *
dbs_ddl_raw_index(DdlRaw *raw, IndexStmt *index)
{
	DdlStatement *statement = dbs_ddl_raw_statement(DDL_ALTER_TABLE, dbs_ddl_raw_name(index->relation));
	DdlAction *action = palloc0(sizeof(DdlAction));
	DdlKey *key = palloc0(sizeof(DdlKey));
	const char *name = index->idxname == NULL ? "" : index->idxname;
	DdlCreateTable scratch = {0};
	ListCell *cell;

	action->kind = DDL_ADD_KEY;
	action->key = key;
	statement->actions = list_make1(action);
	key->kind = index->unique ? DDL_KEY_UNIQUE : DDL_KEY_INDEX;
	key->name = index->idxname;
	key->if_not_exists = index->if_not_exists;
	key->method = index->accessMethod;
	key->where = index->whereClause == NULL ? NULL : dbs_ddl_raw_expression(index->whereClause);
	key->nulls_not_distinct = index->nulls_not_distinct;
	foreach (cell, index->indexParams)
		key->parts = lappend(key->parts, read_part(raw, lfirst(cell), name));
	foreach (cell, index->indexIncludingParams)
		key->included = lappend(key->included, ((IndexElem *) lfirst(cell))->name);
	if (index->concurrent)
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "ignored: index \"%s\": CONCURRENTLY", name);
	note_index_options(raw, psprintf("index \"%s\"", name), index->options, index->tableSpace);
	scratch.keys = list_make1(key);
	dbs_ddl_raw_name_constraints(&scratch, dbs_ddl_raw_created_table(raw, statement->name), statement->name->name);
	return statement;
}
