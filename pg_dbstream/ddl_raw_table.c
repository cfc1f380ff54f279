/*
 * CREATE TABLE of PostgreSQL's in the common tree.
 */
#include "postgres.h"

#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"

#include "ddl_parser.h"
#include "ddl_raw.h"

/* ---- columns -------------------------------------------------------------------------------- */

bool
dbs_ddl_raw_is_numbered(const DdlColumn *column, const DdlExpr *value)
{
	return value != NULL && value->kind == DDL_EXPR_FUNCTION && strcmp(value->text, "nextval") == 0 &&
		   dbs_ddl_is_integer(column->type->family);
}

void
dbs_ddl_raw_number(DdlRaw *raw, DdlColumn *column)
{
	column->auto_increment = true;
	column->default_value = NULL;
	dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "column \"%s\": a default from a sequence becomes AUTO_INCREMENT",
					 column->name);
}

static void
read_identity(DdlRaw *raw, DdlColumn *column, const Constraint *constraint)
{
	const DdlSequenceOptions *options = dbs_ddl_raw_sequence_options(raw, constraint->options);

	column->auto_increment = column->not_null = true;
	column->identity_options = (DdlSequenceOptions *) options;
	if (constraint->generated_when == ATTRIBUTE_IDENTITY_ALWAYS)
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO,
						 "column \"%s\": GENERATED ALWAYS becomes AUTO_INCREMENT, which takes given values",
						 column->name);
	if ((options->has_increment && options->increment != 1) || options->has_min || options->has_max || options->cycle)
		dbs_ddl_raw_note(
			raw, DBS_NOTE_WARNING,
			"column \"%s\": AUTO_INCREMENT counts up by one within the column's type: INCREMENT, MINVALUE, "
			"MAXVALUE and CYCLE are left out",
			column->name);
}

static void
read_column_constraint(DdlRaw *raw, DdlCreateTable *table, DdlColumn *column, const Constraint *constraint)
{
	switch (constraint->contype)
	{
		case CONSTR_NULL:
			break;
		case CONSTR_NOTNULL:
			column->not_null = true;
			break;
		case CONSTR_DEFAULT:
			column->default_value = dbs_ddl_raw_expression(constraint->raw_expr);
			break;
		case CONSTR_IDENTITY:
			read_identity(raw, column, constraint);
			break;
		case CONSTR_GENERATED:
			column->generated = dbs_ddl_raw_expression(constraint->raw_expr);
#if PG_VERSION_NUM >= 180000
			column->stored = constraint->generated_kind == ATTRIBUTE_GENERATED_STORED;
#else
			column->stored = true;
#endif
			break;
		default:
			(void) dbs_ddl_raw_constraint(raw, table, constraint, column->name);
			break;
	}
}

/* What stands behind a column's type, into the column; its keys and the like go into the table. */
static void
read_attributes(DdlRaw *raw, DdlCreateTable *table, DdlColumn *column, const ColumnDef *definition)
{
	ListCell *cell;

	column->not_null |= definition->is_not_null;
	if (definition->raw_default != NULL)
		column->default_value = dbs_ddl_raw_expression(definition->raw_default);
	if (definition->collClause != NULL)
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "column \"%s\": its collation is not carried over", column->name);
	if (definition->compression != NULL)
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "ignored: column \"%s\": COMPRESSION", column->name);
#if PG_VERSION_NUM >= 160000
	if (definition->storage_name != NULL)
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "ignored: column \"%s\": STORAGE", column->name);
#endif
	foreach (cell, dbs_ddl_raw_attributes(definition->constraints))
		read_column_constraint(raw, table, column, lfirst(cell));
	if (dbs_ddl_raw_is_numbered(column, column->default_value))
		dbs_ddl_raw_number(raw, column);
}

DdlColumn *
dbs_ddl_raw_column(DdlRaw *raw, DdlCreateTable *table, ColumnDef *definition)
{
	DdlColumn *column = palloc0(sizeof(DdlColumn));

	column->name = definition->colname;
	column->type = dbs_ddl_raw_type(raw, definition->typeName);
	if (column->type->is_serial)
		column->auto_increment = column->not_null = true;
	dbs_ddl_raw_domain(raw, table, column, definition->typeName);
	read_attributes(raw, table, column, definition);
	return column;
}

/* ---- LIKE and OF ---------------------------------------------------------------------------- */

static DdlColumn *
copy_column(const DdlColumn *from)
{
	DdlColumn *column = palloc(sizeof(DdlColumn));

	*column = *from;
	return column;
}

/* The columns of a table that this text creates, and what INCLUDING names of it. */
static void
expand_like(DdlCreateTable *table, const DdlCreateTable *from, bits32 including)
{
	ListCell *cell;

	foreach (cell, from->columns)
	{
		DdlColumn *column = copy_column(lfirst(cell));

		if (!(including & CREATE_TABLE_LIKE_DEFAULTS))
			column->default_value = NULL;
		if (column->identity_options != NULL ? !(including & CREATE_TABLE_LIKE_IDENTITY)
											 : !(including & CREATE_TABLE_LIKE_DEFAULTS))
			column->auto_increment = false;
		if (!column->auto_increment)
			column->identity_options = NULL;
		if (!(including & CREATE_TABLE_LIKE_GENERATED))
			column->generated = NULL;
		if (!(including & CREATE_TABLE_LIKE_COMMENTS))
			column->comment = NULL;
		table->columns = lappend(table->columns, column);
	}
	foreach (cell, from->checks)
	{
		DdlCheck *check = palloc(sizeof(DdlCheck));

		*check = *(DdlCheck *) lfirst(cell);
		if (including & CREATE_TABLE_LIKE_CONSTRAINTS)
			table->checks = lappend(table->checks, check);
	}
	foreach (cell, from->keys)
	{
		DdlKey *key = palloc(sizeof(DdlKey));

		*key = *(DdlKey *) lfirst(cell);
		/* PostgreSQL chooses new names for the indexes. */
		key->name = NULL;
		if (including & CREATE_TABLE_LIKE_INDEXES)
			table->keys = lappend(table->keys, key);
	}
}

static void
read_like(DdlRaw *raw, DdlCreateTable *table, const TableLikeClause *like, bool alone)
{
	DdlName *name = dbs_ddl_raw_name(like->relation);
	const DdlCreateTable *from = dbs_ddl_raw_unchanged_table(raw, name);
	const bits32 all = CREATE_TABLE_LIKE_DEFAULTS | CREATE_TABLE_LIKE_INDEXES | CREATE_TABLE_LIKE_CONSTRAINTS |
					   CREATE_TABLE_LIKE_GENERATED | CREATE_TABLE_LIKE_IDENTITY;

	if (from != NULL && from->like == NULL)
		expand_like(table, from, like->options);
	else if (alone)
	{
		table->like = name;
		if ((like->options & all) != all)
			dbs_ddl_raw_note(raw, DBS_NOTE_WARNING,
							 "LIKE of the target also brings what INCLUDING does not name: keys, defaults, checks and "
							 "AUTO_INCREMENT of \"%s\"",
							 name->name);
	}
	else
		dbs_ddl_raw_note(raw, DBS_NOTE_ERROR,
						 "LIKE beside other columns cannot be carried over: \"%s\" is not known here", name->name);
}

/* The columns of a composite type; the definition of each may say more of it. */
static void
read_of(DdlRaw *raw, DdlCreateTable *table, CreateStmt *create)
{
	const char *name = strVal(llast(create->ofTypename->names));
	const DdlStatement *type = dbs_ddl_raw_find_type(raw, name);
	ListCell *cell;
	ListCell *column_cell;

	if (type == NULL || type->create == NULL)
	{
		dbs_ddl_raw_note(raw, DBS_NOTE_ERROR, "OF %s cannot be carried over: the type is not known here", name);
		return;
	}
	foreach (cell, type->create->columns)
		table->columns = lappend(table->columns, copy_column(lfirst(cell)));
	foreach (cell, create->tableElts)
	{
		const ColumnDef *definition = lfirst(cell);

		if (!IsA(lfirst(cell), ColumnDef))
			continue;
		foreach (column_cell, table->columns)
		{
			DdlColumn *column = lfirst(column_cell);

			if (strcmp(column->name, definition->colname) == 0)
				read_attributes(raw, table, column, definition);
		}
	}
}

/* ---- tables --------------------------------------------------------------------------------- */

static void
note_table_options(DdlRaw *raw, const CreateStmt *create)
{
	const char *name = create->relation->relname;
	ListCell *cell;

	if (create->relation->relpersistence == RELPERSISTENCE_UNLOGGED)
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "ignored: table \"%s\": UNLOGGED", name);
	foreach (cell, create->options)
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "ignored: table \"%s\": WITH (%s)", name,
						 ((DefElem *) lfirst(cell))->defname);
	if (create->tablespacename != NULL)
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "ignored: table \"%s\": TABLESPACE", name);
	if (create->accessMethod != NULL)
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "ignored: table \"%s\": USING %s", name, create->accessMethod);
	if (create->oncommit == ONCOMMIT_DROP || create->oncommit == ONCOMMIT_DELETE_ROWS)
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING,
						 "table \"%s\": ON COMMIT is left out: the target keeps a temporary table and its rows until "
						 "the session ends",
						 name);
	if (create->inhRelations != NIL && create->partbound == NULL)
		dbs_ddl_raw_note(raw, DBS_NOTE_ERROR, "INHERITS is not carried over");
	if (create->partspec != NULL)
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "partitions are not carried over: the table is in one piece");
}

DdlStatement *
dbs_ddl_raw_create_table(DdlRaw *raw, CreateStmt *create)
{
	DdlStatement *statement = dbs_ddl_raw_statement(DDL_CREATE_TABLE, dbs_ddl_raw_name(create->relation));
	DdlCreateTable *table = palloc0(sizeof(DdlCreateTable));
	ListCell *cell;

	statement->create = table;
	table->if_not_exists = create->if_not_exists;
	table->temporary = create->relation->relpersistence == RELPERSISTENCE_TEMP;
	if (create->partbound != NULL)
	{
		raw->out->class = DBS_DDL_IGNORE;
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "partition \"%s\" is not created: its rows are the table's",
						 create->relation->relname);
		if (create->tableElts != NIL)
			dbs_ddl_raw_note(raw, DBS_NOTE_WARNING,
							 "partition \"%s\": defaults and constraints of its own are left out",
							 create->relation->relname);
		return NULL;
	}
	note_table_options(raw, create);
	if (create->ofTypename != NULL)
		read_of(raw, table, create);
	foreach (cell, create->tableElts)
	{
		Node *node = lfirst(cell);

		if (IsA(node, ColumnDef) && create->ofTypename == NULL)
			table->columns = lappend(table->columns, dbs_ddl_raw_column(raw, table, (ColumnDef *) node));
		else if (IsA(node, Constraint))
			(void) dbs_ddl_raw_constraint(raw, table, (Constraint *) node, NULL);
		else if (IsA(node, TableLikeClause))
			read_like(raw, table, (TableLikeClause *) node, list_length(create->tableElts) == 1);
	}
	foreach (cell, create->constraints)
		(void) dbs_ddl_raw_constraint(raw, table, lfirst(cell), NULL);
	dbs_ddl_raw_name_constraints(table, NULL, create->relation->relname);
	dbs_ddl_raw_settle_primary(table);
	dbs_ddl_raw_restore_labels(table);
	if (!table->temporary)
		dbs_ddl_raw_remember_table(raw, statement);
	return statement;
}
