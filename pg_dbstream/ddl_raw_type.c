/*
 * Types of PostgreSQL's in the common tree.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/parsenodes.h"

#include "ddl_raw.h"

typedef struct RawType
{
	const char *name;
	DdlTypeFamily family;
	bool is_serial;
} RawType;

static const RawType raw_types[] = {
	{"bool", DDL_TYPE_BOOLEAN},
	{"int2", DDL_TYPE_INT2},
	{"int4", DDL_TYPE_INT4},
	{"int8", DDL_TYPE_INT8},
	{"serial", DDL_TYPE_INT4, true},
	{"serial4", DDL_TYPE_INT4, true},
	{"bigserial", DDL_TYPE_INT8, true},
	{"serial8", DDL_TYPE_INT8, true},
	{"smallserial", DDL_TYPE_INT2, true},
	{"serial2", DDL_TYPE_INT2, true},
	{"numeric", DDL_TYPE_DECIMAL},
	{"float4", DDL_TYPE_FLOAT4},
	{"float8", DDL_TYPE_FLOAT8},
	{"bpchar", DDL_TYPE_CHAR},
	{"varchar", DDL_TYPE_VARCHAR},
	{"text", DDL_TYPE_TEXT},
	{"citext", DDL_TYPE_TEXT},
	{"bytea", DDL_TYPE_BLOB},
	{"date", DDL_TYPE_DATE},
	{"time", DDL_TYPE_CLOCK},
	{"timetz", DDL_TYPE_CLOCK_TZ},
	{"timestamp", DDL_TYPE_TIMESTAMP},
	{"timestamptz", DDL_TYPE_TIMESTAMPTZ},
	{"interval", DDL_TYPE_INTERVAL},
	{"bit", DDL_TYPE_BIT},
	{"varbit", DDL_TYPE_VARBIT},
	{"uuid", DDL_TYPE_UUID},
	{"json", DDL_TYPE_JSON},
	{"jsonb", DDL_TYPE_JSONB},
	{"inet", DDL_TYPE_INET},
	{"cidr", DDL_TYPE_INET},
	{"macaddr", DDL_TYPE_INET},
	{"macaddr8", DDL_TYPE_INET},
	{"xml", DDL_TYPE_XML},
	{"money", DDL_TYPE_MONEY},
	{"geometry", DDL_TYPE_GEOMETRY},
	{"geography", DDL_TYPE_GEOMETRY},
	{"vector", DDL_TYPE_VECTOR},
};

static int64
type_modifier(const TypeName *name, int at)
{
	const A_Const *constant;

	if (list_length(name->typmods) <= at || !IsA(list_nth(name->typmods, at), A_Const))
		return -1;
	constant = list_nth(name->typmods, at);
	return !constant->isnull && nodeTag(&constant->val) == T_Integer ? intVal(&constant->val) : -1;
}

const DdlStatement *
dbs_ddl_raw_find_type(const DdlRaw *raw, const char *name)
{
	ListCell *cell;

	foreach (cell, raw->types)
	{
		const DdlStatement *statement = lfirst(cell);

		if (strcmp(statement->name->name, name) == 0)
			return statement;
	}
	return NULL;
}

DdlType *
dbs_ddl_raw_type(const DdlRaw *raw, TypeName *name)
{
	DdlType *type = palloc0(sizeof(DdlType));
	const char *word = strVal(llast(name->names));
	const DdlStatement *user;

	type->family = DDL_TYPE_OTHER;
	type->name = word;
	type->scale = type->srid = -1;
	type->array_dimensions = list_length(name->arrayBounds);
	for (int i = 0; i < lengthof(raw_types); i++)
	{
		if (strcmp(raw_types[i].name, word) == 0)
		{
			type->family = raw_types[i].family;
			type->is_serial = raw_types[i].is_serial;
		}
	}
	type->length = type_modifier(name, 0);
	if (type->family == DDL_TYPE_INTERVAL)
		type->length = type_modifier(name, 1);
	if (type->family == DDL_TYPE_DECIMAL)
		type->scale = Max((int) type_modifier(name, 1), type->length > 0 ? 0 : -1);
	if ((type->family == DDL_TYPE_BIT || type->family == DDL_TYPE_CHAR) && type->length < 0)
		type->length = 1;
	user = dbs_ddl_raw_find_type(raw, word);
	if (type->family == DDL_TYPE_OTHER && user != NULL)
	{
		if (user->labels != NIL)
		{
			type->family = DDL_TYPE_ENUM;
			type->labels = user->labels;
		}
		else if (user->type != NULL)
		{
			int dimensions = type->array_dimensions;

			*type = *user->type;
			type->array_dimensions += dimensions;
		}
	}
	return type;
}

/* The expression with a column in the place of VALUE. */
static DdlExpr *
of_column(const DdlExpr *expr, const char *column)
{
	DdlExpr *copy = palloc(sizeof(DdlExpr));
	ListCell *cell;

	check_stack_depth();
	*copy = *expr;
	if (expr->kind == DDL_EXPR_COLUMN && strcmp(expr->text, "value") == 0)
		copy->text = column;
	copy->args = NIL;
	foreach (cell, expr->args)
		copy->args = lappend(copy->args, lfirst(cell) == NULL ? NULL : of_column(lfirst(cell), column));
	return copy;
}

void
dbs_ddl_raw_domain(DdlRaw *raw, DdlCreateTable *table, DdlColumn *column, const TypeName *name)
{
	const DdlStatement *domain = dbs_ddl_raw_find_type(raw, strVal(llast(name->names)));
	ListCell *cell;

	if (domain == NULL || domain->type == NULL)
		return;
	if (name->arrayBounds != NIL)
	{
		if (domain->checks != NIL || domain->not_null)
			dbs_ddl_raw_note(
				raw, DBS_NOTE_WARNING,
				"column \"%s\": the constraints of domain \"%s\" are left out for the elements of an array",
				column->name, domain->name->name);
		return;
	}
	column->not_null |= domain->not_null;
	if (column->default_value == NULL)
		column->default_value = domain->default_value;
	foreach (cell, domain->checks)
	{
		DdlCheck *check = palloc0(sizeof(DdlCheck));

		check->expr = of_column(lfirst(cell), column->name);
		check->of_domain = true;
		table->checks = lappend(table->checks, check);
	}
	if (domain->domain != NULL)
		dbs_ddl_raw_domain(raw, table, column, domain->domain);
}
