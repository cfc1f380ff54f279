/*
 * PostgreSQL's parse trees in the common tree.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "nodes/makefuncs.h"
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

DdlSequenceOptions *
dbs_ddl_raw_sequence_options(List *options)
{
	DdlSequenceOptions *result = palloc0(sizeof(DdlSequenceOptions));
	ListCell *cell;

	foreach (cell, options)
	{
		DefElem *option = lfirst(cell);
		int64 number = read_integer(option->arg);

		if (strcmp(option->defname, "start") == 0)
			result->has_start = true, result->start = number;
		else if (strcmp(option->defname, "increment") == 0)
			result->has_increment = true, result->increment = number;
		else if (strcmp(option->defname, "minvalue") == 0 && option->arg != NULL)
			result->has_min = true, result->min = number;
		else if (strcmp(option->defname, "maxvalue") == 0 && option->arg != NULL)
			result->has_max = true, result->max = number;
		else if (strcmp(option->defname, "cache") == 0)
			result->has_cache = true, result->cache = number;
		else if (strcmp(option->defname, "cycle") == 0)
			result->cycle = true;
		else if (strcmp(option->defname, "restart") == 0)
		{
			result->has_restart = true;
			result->restart = option->arg == NULL ? PG_INT64_MIN : number;
		}
	}
	return result;
}

static DdlStatement *
read_drop(DdlRaw *raw, DropStmt *drop)
{
	DdlStatement *statement = dbs_ddl_raw_statement(DDL_DROP_TABLE, NULL);
	ListCell *cell;

	statement->if_exists = drop->missing_ok;
	statement->cascade = drop->behavior == DROP_CASCADE;
	switch (drop->removeType)
	{
		case OBJECT_TABLE:
			break;
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
			statement->kind = DDL_DROP_VIEW;
			break;
		case OBJECT_INDEX:
			statement->kind = DDL_DROP_INDEX;
			break;
		case OBJECT_SEQUENCE:
			statement->kind = DDL_DROP_SEQUENCE;
			break;
		case OBJECT_SCHEMA:
			statement->kind = DDL_DROP_SCHEMA;
			break;
		default:
			raw->out->class = DBS_DDL_IGNORE;
			dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "ignored: such objects are not carried over");
			return NULL;
	}
	foreach (cell, drop->objects)
	{
		if (IsA(lfirst(cell), List))
			statement->names = lappend(statement->names, dbs_ddl_raw_qualified(lfirst(cell)));
		else
			statement->names = lappend(statement->names, dbs_ddl_raw_qualified(list_make1(lfirst(cell))));
	}
	return statement;
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
	statement->comment = comment->comment == NULL ? "" : comment->comment;
	return statement;
}

static DdlStatement *
read_enum(DdlRaw *raw, CreateEnumStmt *create)
{
	DdlStatement *statement = dbs_ddl_raw_statement(DDL_CREATE_TYPE, dbs_ddl_raw_qualified(create->typeName));
	ListCell *cell;

	foreach (cell, create->vals)
	{
		DdlText *label = palloc0(sizeof(DdlText));

		label->text = strVal(lfirst(cell));
		label->size = strlen(label->text);
		statement->labels = lappend(statement->labels, label);
	}
	raw->types = lappend(raw->types, statement);
	dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "type \"%s\" is written out in the columns that use it",
					 statement->name->name);
	return statement;
}

static DdlStatement *
read_domain(DdlRaw *raw, CreateDomainStmt *create)
{
	DdlStatement *statement = dbs_ddl_raw_statement(DDL_CREATE_TYPE, dbs_ddl_raw_qualified(create->domainname));

	statement->type = dbs_ddl_raw_type(raw, create->typeName);
	statement->checks = create->constraints;
	raw->types = lappend(raw->types, statement);
	dbs_ddl_raw_note(raw, create->constraints == NIL ? DBS_NOTE_INFO : DBS_NOTE_WARNING,
					 "domain \"%s\" is written out as its base type%s", statement->name->name,
					 create->constraints == NIL ? "" : ", without its constraints");
	return statement;
}

static DdlStatement *
read_sequence(RangeVar *relation, List *options, DdlStatementKind kind, bool missing_ok)
{
	DdlStatement *statement = dbs_ddl_raw_statement(kind, dbs_ddl_raw_name(relation));

	statement->sequence = dbs_ddl_raw_sequence_options(options);
	statement->if_not_exists = statement->if_exists = missing_ok;
	return statement;
}

static DdlStatement *
read_truncate(TruncateStmt *truncate)
{
	DdlStatement *statement = dbs_ddl_raw_statement(DDL_TRUNCATE_TABLE, NULL);
	ListCell *cell;

	foreach (cell, truncate->relations)
		statement->names = lappend(statement->names, dbs_ddl_raw_name(lfirst(cell)));
	return statement;
}

DdlStatement *
dbs_ddl_raw_read(DdlRaw *raw, Node *node)
{
	DdlStatement *statement;

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
		case T_DropStmt:
			return read_drop(raw, (DropStmt *) node);
		case T_CommentStmt:
			return read_comment(raw, (CommentStmt *) node);
		case T_CreateEnumStmt:
			return read_enum(raw, (CreateEnumStmt *) node);
		case T_CreateDomainStmt:
			return read_domain(raw, (CreateDomainStmt *) node);
		case T_CreateSeqStmt:
			return read_sequence(((CreateSeqStmt *) node)->sequence, ((CreateSeqStmt *) node)->options,
								 DDL_CREATE_SEQUENCE, ((CreateSeqStmt *) node)->if_not_exists);
		case T_AlterSeqStmt:
			return read_sequence(((AlterSeqStmt *) node)->sequence, ((AlterSeqStmt *) node)->options,
								 DDL_ALTER_SEQUENCE, ((AlterSeqStmt *) node)->missing_ok);
		case T_TruncateStmt:
			return read_truncate((TruncateStmt *) node);
		case T_CreateSchemaStmt:
			statement = dbs_ddl_raw_statement(DDL_CREATE_SCHEMA, palloc0(sizeof(DdlName)));
			statement->name->name = ((CreateSchemaStmt *) node)->schemaname;
			statement->if_not_exists = ((CreateSchemaStmt *) node)->if_not_exists;
			if (statement->name->name == NULL || ((CreateSchemaStmt *) node)->schemaElts != NIL)
				dbs_ddl_raw_note(raw, DBS_NOTE_ERROR,
								 "CREATE SCHEMA without a name or with elements is not carried over");
			return statement;
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_CopyStmt:
		case T_CallStmt:
		case T_DoStmt:
			raw->out->class = DBS_DDL_DML;
			return NULL;
		case T_TransactionStmt:
			raw->out->class = DBS_DDL_CONTROL;
			return NULL;
		case T_ViewStmt:
		case T_CreateTableAsStmt:
			raw->out->class = DBS_DDL_APPLY;
			dbs_ddl_raw_note(raw, IsA(node, ViewStmt) ? DBS_NOTE_WARNING : DBS_NOTE_ERROR,
							 "a query is not carried over: %s",
							 IsA(node, ViewStmt) ? "the view is left out" : "create the table with its columns");
			return NULL;
		default:
			raw->out->class = DBS_DDL_IGNORE;
			dbs_ddl_raw_note(raw, DBS_NOTE_INFO, "ignored: does not concern tables");
			return NULL;
	}
}
