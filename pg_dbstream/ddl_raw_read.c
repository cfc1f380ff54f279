/*
 * PostgreSQL's parse trees in the common tree.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "mb/pg_wchar.h"
#include "nodes/parsenodes.h"
#include "tcop/utility.h"

#include "ddl_parser.h"
#include "ddl_raw.h"

void
dbs_ddl_raw_note(DdlRaw *raw, DbsNoteSeverity severity, const char *fmt, ...)
{
	DbsNote *note = palloc0(sizeof(DbsNote));
	va_list args;

	va_start(args, fmt);
	note->text = dbs_ddl_format(fmt, args);
	va_end(args);
	note->severity = severity;
	raw->out->notes = lappend(raw->out->notes, note);
}

DdlName *
dbs_ddl_raw_name(const RangeVar *variable)
{
	DdlName *name = palloc0(sizeof(DdlName));

	name->schema = variable->schemaname;
	name->name = variable->relname;
	return name;
}

DdlName *
dbs_ddl_raw_qualified(List *names)
{
	DdlName *name = palloc0(sizeof(DdlName));

	name->name = strVal(llast(names));
	if (list_length(names) > 1)
		name->schema = strVal(list_nth(names, list_length(names) - 2));
	return name;
}

DdlStatement *
dbs_ddl_raw_statement(DdlStatementKind kind, DdlName *name)
{
	DdlStatement *statement = palloc0(sizeof(DdlStatement));

	statement->kind = kind;
	statement->name = name;
	return statement;
}

/* Not defGetInt64, which throws: a number beyond 64 bits, which the server would refuse, counts as the nearest. */
static int64
read_integer(const Node *value)
{
	if (value == NULL)
		return 0;
	return IsA(value, Integer) ? intVal(value)
		   : IsA(value, Float) ? strtoll(((const Float *) value)->fval, NULL, 10)
							   : 0;
}

/* AS type: the bound that the type has, in the direction that the sequence goes. */
static void
bound_by_type(DdlRaw *raw, DdlSequenceOptions *sequence, const TypeName *name)
{
	const DdlTypeFamily family = dbs_ddl_raw_type(raw, (TypeName *) name)->family;
	const int64 most = family == DDL_TYPE_INT2 ? PG_INT16_MAX : family == DDL_TYPE_INT4 ? PG_INT32_MAX : 0;

	if (most == 0)
		return;
	if (sequence->increment < 0 && !sequence->has_min)
		sequence->has_min = true, sequence->no_min = false, sequence->min = -most - 1;
	else if (sequence->increment >= 0 && !sequence->has_max)
		sequence->has_max = true, sequence->no_max = false, sequence->max = most;
}

DdlSequenceOptions *
dbs_ddl_raw_sequence_options(DdlRaw *raw, List *options)
{
	DdlSequenceOptions *result = palloc0(sizeof(DdlSequenceOptions));
	const TypeName *type = NULL;
	ListCell *cell;

	foreach (cell, options)
	{
		DefElem *option = lfirst(cell);
		const char *name = option->defname;
		int64 number = option->arg != NULL && (IsA(option->arg, Integer) || IsA(option->arg, Float))
						   ? read_integer(option->arg)
						   : 0;

		if (strcmp(name, "start") == 0)
			result->has_start = true, result->start = number;
		else if (strcmp(name, "increment") == 0)
			result->has_increment = true, result->increment = number;
		else if (strcmp(name, "minvalue") == 0)
			result->has_min = option->arg != NULL, result->no_min = option->arg == NULL, result->min = number;
		else if (strcmp(name, "maxvalue") == 0)
			result->has_max = option->arg != NULL, result->no_max = option->arg == NULL, result->max = number;
		else if (strcmp(name, "cache") == 0)
			result->has_cache = true, result->cache = number;
		else if (strcmp(name, "cycle") == 0)
		{
			result->cycle = option->arg == NULL || boolVal(option->arg);
			result->no_cycle = !result->cycle;
		}
		else if (strcmp(name, "restart") == 0)
		{
			result->has_restart = true;
			result->restart = option->arg == NULL ? PG_INT64_MIN : number;
		}
		else if (strcmp(name, "as") == 0)
			type = (TypeName *) option->arg;
		else
			dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "ignored: an option of a sequence: %s",
							 strcmp(name, "owned_by") == 0        ? "OWNED BY"
							 : strcmp(name, "sequence_name") == 0 ? "SEQUENCE NAME"
																  : name);
	}
	if (type != NULL)
		bound_by_type(raw, result, type);
	return result;
}

static DdlStatement *
read_drop(DdlRaw *raw, DropStmt *drop)
{
	static const struct
	{
		ObjectType object;
		DdlStatementKind kind;
	} kinds[] = {
		{OBJECT_TABLE, DDL_DROP_TABLE}, {OBJECT_VIEW, DDL_DROP_VIEW},         {OBJECT_MATVIEW, DDL_DROP_VIEW},
		{OBJECT_INDEX, DDL_DROP_INDEX}, {OBJECT_SEQUENCE, DDL_DROP_SEQUENCE}, {OBJECT_SCHEMA, DDL_DROP_SCHEMA},
	};
	DdlStatement *statement = NULL;
	ListCell *cell;

	for (int i = 0; i < lengthof(kinds); i++)
	{
		if (kinds[i].object == drop->removeType)
			statement = dbs_ddl_raw_statement(kinds[i].kind, NULL);
	}
	if (statement == NULL)
	{
		raw->out->class = DBS_DDL_IGNORE;
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "ignored: %s: such objects are not carried over", raw->out->tag);
		if (drop->behavior == DROP_CASCADE)
			dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "CASCADE may drop columns: drop them at the target too");
		return NULL;
	}
	statement->if_exists = drop->missing_ok;
	statement->cascade = drop->behavior == DROP_CASCADE;
	foreach (cell, drop->objects)
	{
		Node *name = lfirst(cell);

		statement->names =
			lappend(statement->names, dbs_ddl_raw_qualified(IsA(name, List) ? (List *) name : list_make1(name)));
	}
	return statement;
}

/* MySQL's comments end at 1,024 characters of a column and 2,048 of a table. */
static const char *
clipped_comment(DdlRaw *raw, const CommentStmt *comment)
{
	const char *text = comment->comment == NULL ? "" : comment->comment;
	int most = comment->objtype == OBJECT_COLUMN ? 1024 : 2048;
	int size = strlen(text);
	int fits = pg_mbcharcliplen(text, size, most);

	if (fits == size)
		return text;
	dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "the comment is cut: the target's are of %d characters at most", most);
	return pnstrdup(text, fits);
}

static DdlStatement *
read_comment(DdlRaw *raw, CommentStmt *comment)
{
	DdlStatement *statement = dbs_ddl_raw_statement(DDL_COMMENT, NULL);
	List *names;

	if (comment->objtype != OBJECT_TABLE && comment->objtype != OBJECT_COLUMN)
	{
		raw->out->class = DBS_DDL_IGNORE;
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "ignored: MySQL has no comment on such objects");
		return NULL;
	}
	names = castNode(List, comment->object);
	if (comment->objtype == OBJECT_COLUMN)
	{
		if (list_length(names) < 2)
		{
			dbs_ddl_raw_note(raw, DBS_NOTE_ERROR, "a column without its table");
			return dbs_ddl_raw_statement(DDL_NOTHING, NULL);
		}
		statement->comment_column = strVal(llast(names));
		names = list_truncate(list_copy(names), list_length(names) - 1);
	}
	statement->name = dbs_ddl_raw_qualified(names);
	statement->comment = clipped_comment(raw, comment);
	return statement;
}

/* ---- types ---------------------------------------------------------------------------------- */

static DdlText *
make_label(const char *text)
{
	DdlText *label = palloc0(sizeof(DdlText));

	label->text = text;
	label->size = strlen(text);
	return label;
}

static DdlStatement *
read_enum(DdlRaw *raw, CreateEnumStmt *create)
{
	DdlStatement *statement = dbs_ddl_raw_statement(DDL_CREATE_TYPE, dbs_ddl_raw_qualified(create->typeName));
	ListCell *cell;

	foreach (cell, create->vals)
		statement->labels = lappend(statement->labels, make_label(strVal(lfirst(cell))));
	raw->types = lappend(raw->types, statement);
	dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "type \"%s\" is written out in the columns that use it",
					 statement->name->name);
	return statement;
}

/* Where the new label stands; the others keep their places. */
static List *
changed_labels(const List *labels, const AlterEnumStmt *alter)
{
	List *result = NIL;
	ListCell *cell;

	foreach (cell, labels)
	{
		DdlText *label = lfirst(cell);
		bool neighbour = alter->newValNeighbor != NULL && strcmp(label->text, alter->newValNeighbor) == 0;

		if (alter->oldVal != NULL && strcmp(label->text, alter->oldVal) == 0)
			label = make_label(alter->newVal);
		if (neighbour && !alter->newValIsAfter)
			result = lappend(result, make_label(alter->newVal));
		result = lappend(result, label);
		if (neighbour && alter->newValIsAfter)
			result = lappend(result, make_label(alter->newVal));
		/* IF NOT EXISTS: it is there. */
		if (alter->oldVal == NULL && strcmp(label->text, alter->newVal) == 0)
			return (List *) labels;
	}
	if (alter->oldVal == NULL && alter->newValNeighbor == NULL)
		result = lappend(result, make_label(alter->newVal));
	return result;
}

/* The type has other labels from here on; the columns that use it are written anew when the statement is. */
static DdlStatement *
read_alter_enum(DdlRaw *raw, AlterEnumStmt *alter)
{
	DdlStatement *statement = dbs_ddl_raw_statement(DDL_ALTER_TYPE, dbs_ddl_raw_qualified(alter->typeName));
	DdlStatement *type = (DdlStatement *) dbs_ddl_raw_find_type(raw, statement->name->name);
	DdlStatement *changed;

	if (type == NULL || type->labels == NIL)
	{
		dbs_ddl_raw_note(raw, DBS_NOTE_ERROR,
						 "the columns of type \"%s\" are not known here: give them the ENUM of its labels now",
						 statement->name->name);
		return dbs_ddl_raw_statement(DDL_NOTHING, NULL);
	}
	if (alter->oldVal != NULL)
	{
		dbs_ddl_raw_note(raw, DBS_NOTE_ERROR,
						 "label '%s' of type \"%s\" cannot be renamed: the target's rows would lose it", alter->oldVal,
						 statement->name->name);
		return dbs_ddl_raw_statement(DDL_NOTHING, NULL);
	}
	statement->labels = changed_labels(type->labels, alter);
	/* Columns that come later in the text have the new labels; those before have the type's old List. */
	statement->old_labels = type->labels;
	changed = palloc(sizeof(DdlStatement));
	*changed = *type;
	changed->labels = statement->labels;
	raw->types = lcons(changed, list_delete_ptr(raw->types, type));
	return statement;
}

static DdlStatement *
read_domain(DdlRaw *raw, CreateDomainStmt *create)
{
	DdlStatement *statement = dbs_ddl_raw_statement(DDL_CREATE_TYPE, dbs_ddl_raw_qualified(create->domainname));
	ListCell *cell;

	statement->type = dbs_ddl_raw_type(raw, create->typeName);
	statement->domain = create->typeName;
	if (create->collClause != NULL)
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "domain \"%s\": its collation is not carried over",
						 statement->name->name);
	foreach (cell, create->constraints)
	{
		const Constraint *constraint = lfirst(cell);

		if (constraint->contype == CONSTR_NOTNULL)
			statement->not_null = true;
		else if (constraint->contype == CONSTR_DEFAULT)
			statement->default_value = dbs_ddl_raw_expression(constraint->raw_expr);
		else if (constraint->contype == CONSTR_CHECK)
			statement->checks = lappend(statement->checks, dbs_ddl_raw_expression(constraint->raw_expr));
	}
	raw->types = lappend(raw->types, statement);
	dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "domain \"%s\" is written out in the columns that use it",
					 statement->name->name);
	return statement;
}

static DdlStatement *
read_composite(DdlRaw *raw, CompositeTypeStmt *create)
{
	DdlStatement *statement = dbs_ddl_raw_statement(DDL_CREATE_TYPE, dbs_ddl_raw_name(create->typevar));
	ListCell *cell;

	statement->create = palloc0(sizeof(DdlCreateTable));
	foreach (cell, create->coldeflist)
		statement->create->columns =
			lappend(statement->create->columns, dbs_ddl_raw_column(raw, statement->create, lfirst(cell)));
	raw->types = lappend(raw->types, statement);
	dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "type \"%s\" is written out in the tables OF it; a column of it becomes text",
					 statement->name->name);
	return statement;
}

/* ---- the rest ------------------------------------------------------------------------------- */

static DdlStatement *
read_sequence(DdlRaw *raw, RangeVar *relation, List *options, DdlStatementKind kind, bool missing_ok)
{
	DdlStatement *statement = dbs_ddl_raw_statement(kind, dbs_ddl_raw_name(relation));

	statement->temporary = relation->relpersistence == RELPERSISTENCE_TEMP;
	if (relation->relpersistence == RELPERSISTENCE_UNLOGGED)
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "ignored: sequence \"%s\": UNLOGGED", relation->relname);
	statement->sequence = dbs_ddl_raw_sequence_options(raw, options);
	statement->if_not_exists = statement->if_exists = missing_ok;
	return statement;
}

static DdlStatement *
read_truncate(DdlRaw *raw, TruncateStmt *truncate)
{
	DdlStatement *statement = dbs_ddl_raw_statement(DDL_TRUNCATE_TABLE, NULL);
	ListCell *cell;

	foreach (cell, truncate->relations)
		statement->names = lappend(statement->names, dbs_ddl_raw_name(lfirst(cell)));
	statement->restart_identity = truncate->restart_seqs;
	if (!truncate->restart_seqs)
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "AUTO_INCREMENT begins anew, as with RESTART IDENTITY");
	if (truncate->behavior == DROP_CASCADE)
		dbs_ddl_raw_note(raw, DBS_NOTE_WARNING,
						 "CASCADE is left out: the target truncates the tables named, and none that others refer to");
	return statement;
}

static DdlStatement *
read_create_schema(DdlRaw *raw, CreateSchemaStmt *create)
{
	DdlStatement *statement = dbs_ddl_raw_statement(DDL_CREATE_SCHEMA, palloc0(sizeof(DdlName)));

	statement->name->name = create->schemaname;
	statement->if_not_exists = create->if_not_exists;
	if (create->schemaname == NULL && create->authrole != NULL && create->authrole->roletype == ROLESPEC_CSTRING)
		statement->name->name = create->authrole->rolename;
	if (statement->name->name == NULL)
		dbs_ddl_raw_note(raw, DBS_NOTE_ERROR, "CREATE SCHEMA without a name is not carried over");
	else if (create->authrole != NULL)
		dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "ignored: AUTHORIZATION");
	return statement;
}

/* Statements without a tree: what they are, as class and note. */
static void
read_other(DdlRaw *raw, Node *node)
{
	switch (nodeTag(node))
	{
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_MergeStmt:
		case T_CopyStmt:
		case T_CallStmt:
		case T_DoStmt:
		case T_ExecuteStmt:
			raw->out->class = DBS_DDL_DML;
			return;
		case T_TransactionStmt:
			raw->out->class = DBS_DDL_CONTROL;
			return;
		case T_ViewStmt:
			dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "a query is not carried over: the view is left out");
			return;
		case T_CreateTableAsStmt:
			if (((CreateTableAsStmt *) node)->objtype == OBJECT_MATVIEW)
				dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "a query is not carried over: the view is left out");
			else
				dbs_ddl_raw_note(raw, DBS_NOTE_ERROR, "a query is not carried over: create the table with its columns");
			return;
		case T_SelectStmt:
			if (((SelectStmt *) node)->intoClause == NULL)
				break;
			dbs_ddl_raw_note(raw, DBS_NOTE_ERROR, "a query is not carried over: create the table with its columns");
			return;
		case T_CreateForeignTableStmt:
			dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "foreign table \"%s\" is left out: its rows lie elsewhere",
							 ((CreateForeignTableStmt *) node)->base.relation->relname);
			return;
		case T_AlterDomainStmt:
			dbs_ddl_raw_note(raw, DBS_NOTE_ERROR,
							 "a domain's change is not carried over: change the columns that use it at the target");
			return;
		case T_DropOwnedStmt:
			dbs_ddl_raw_note(raw, DBS_NOTE_WARNING, "DROP OWNED is not carried over: name the tables");
			return;
		case T_CreateTrigStmt:
		case T_RuleStmt:
			raw->out->class = DBS_DDL_IGNORE;
			dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "ignored: %s: its effects arrive as rows", raw->out->tag);
			return;
		default:
			break;
	}
	raw->out->class = DBS_DDL_IGNORE;
	dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "ignored: %s: it changes no table", raw->out->tag);
}

DdlStatement *
dbs_ddl_raw_read(DdlRaw *raw, Node *node)
{
	switch (nodeTag(node))
	{
		case T_CreateStmt:
			return dbs_ddl_raw_create_table(raw, (CreateStmt *) node);
		case T_IndexStmt:
			return dbs_ddl_raw_index(raw, (IndexStmt *) node);
		case T_AlterTableStmt:
			return dbs_ddl_raw_alter_table(raw, (AlterTableStmt *) node);
		case T_RenameStmt:
			return dbs_ddl_raw_rename(raw, (RenameStmt *) node);
		case T_AlterObjectSchemaStmt:
			return dbs_ddl_raw_set_schema(raw, (AlterObjectSchemaStmt *) node);
		case T_DropStmt:
			return read_drop(raw, (DropStmt *) node);
		case T_CommentStmt:
			return read_comment(raw, (CommentStmt *) node);
		case T_CreateEnumStmt:
			return read_enum(raw, (CreateEnumStmt *) node);
		case T_AlterEnumStmt:
			return read_alter_enum(raw, (AlterEnumStmt *) node);
		case T_CreateDomainStmt:
			return read_domain(raw, (CreateDomainStmt *) node);
		case T_CompositeTypeStmt:
			return read_composite(raw, (CompositeTypeStmt *) node);
		case T_CreateSeqStmt:
			return read_sequence(raw, ((CreateSeqStmt *) node)->sequence, ((CreateSeqStmt *) node)->options,
								 DDL_CREATE_SEQUENCE, ((CreateSeqStmt *) node)->if_not_exists);
		case T_AlterSeqStmt:
			return read_sequence(raw, ((AlterSeqStmt *) node)->sequence, ((AlterSeqStmt *) node)->options,
								 DDL_ALTER_SEQUENCE, ((AlterSeqStmt *) node)->missing_ok);
		case T_TruncateStmt:
			return read_truncate(raw, (TruncateStmt *) node);
		case T_CreateSchemaStmt:
			return read_create_schema(raw, (CreateSchemaStmt *) node);
		default:
			read_other(raw, node);
			return NULL;
	}
}
