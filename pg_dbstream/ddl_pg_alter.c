/*
 * ALTER TABLE in PostgreSQL's words.  MySQL looks at all actions of a
 * statement together: old names before, new names after.  So they are
 * printed in phases: what goes, renames, changes, what comes.
 */
#include "postgres.h"

#include <ctype.h>

#include "ddl_print.h"

typedef struct Alter
{
	DdlPrinter *printer;
	DdlStatement *statement;
	DdlKnownTable *table; /* not complete when nothing is known */
	const char *qualified;
	const char *schema;
	const char *name;      /* the table's, at the target */
	List *keys_again;      /* of DdlKey */
	List *generated_again; /* of char * */
	List *after;
} Alter;

static bool
is_known(const Alter *alter)
{
	return alter->table != NULL && !alter->table->absent && alter->table->complete;
}

static void
sql_all(Alter *alter, List *statements)
{
	ListCell *cell;

	foreach (cell, statements)
		dbs_ddl_sql(alter->printer, "%s", (char *) lfirst(cell));
}

/* ---- what goes ------------------------------------------------------------------------------ */

static void
drop_primary_key(Alter *alter)
{
	DdlKnownKey *key = dbs_ddl_known_key(alter->table, "PRIMARY");
	const char *name = key != NULL ? key->pg_name : dbs_ddl_pg_index_name(alter->name, "pkey");

	if (key == NULL && is_known(alter))
	{
		dbs_ddl_note(alter->printer, DBS_NOTE_WARNING, "there is no primary key to drop");
		return;
	}
	dbs_ddl_sql(alter->printer, "ALTER TABLE %s DROP CONSTRAINT %s", alter->qualified, dbs_ddl_pg_quote(name));
	if (key != NULL)
		alter->table->keys = list_delete_ptr(alter->table->keys, key);
}

static void
drop_key(Alter *alter, const DdlAction *action)
{
	DdlKnownKey *key = dbs_ddl_known_key(alter->table, action->name);

	if (key == NULL && is_known(alter))
	{
		dbs_ddl_note(alter->printer, DBS_NOTE_INFO, "index \"%s\" is not here, so there is nothing to drop",
					 action->name);
		return;
	}
	if (key != NULL && key->is_constraint)
		dbs_ddl_sql(alter->printer, "ALTER TABLE %s DROP CONSTRAINT %s", alter->qualified,
					dbs_ddl_pg_quote(key->pg_name));
	else
		dbs_ddl_sql(alter->printer, "DROP INDEX %s%s", key == NULL || action->if_exists ? "IF EXISTS " : "",
					dbs_ddl_pg_qualified(
						alter->schema, key != NULL ? key->pg_name : dbs_ddl_pg_index_name(alter->name, action->name)));
	if (key != NULL)
		alter->table->keys = list_delete_ptr(alter->table->keys, key);
}

/* A foreign key or check; DROP CONSTRAINT may also mean a key. */
static void
drop_constraint(Alter *alter, const DdlAction *action)
{
	DdlKnownConstraint *constraint = dbs_ddl_known_constraint(alter->table, action->name);

	if (action->kind == DDL_DROP_CONSTRAINT && constraint == NULL)
	{
		if (pg_strcasecmp(action->name, "PRIMARY") == 0)
		{
			drop_primary_key(alter);
			return;
		}
		if (dbs_ddl_known_key(alter->table, action->name) != NULL)
		{
			drop_key(alter, action);
			return;
		}
	}
	if ((constraint == NULL && is_known(alter)) || (constraint != NULL && constraint->missing))
	{
		dbs_ddl_note(alter->printer, DBS_NOTE_INFO, "constraint \"%s\" is not here, so there is nothing to drop",
					 action->name);
		return;
	}
	dbs_ddl_sql(alter->printer, "ALTER TABLE %s DROP CONSTRAINT %s%s", alter->qualified,
				constraint == NULL || action->if_exists ? "IF EXISTS " : "",
				dbs_ddl_pg_name(alter->printer, constraint != NULL ? constraint->name : action->name));
	if (constraint == NULL && action->kind == DDL_DROP_CONSTRAINT)
		dbs_ddl_sql(alter->printer, "DROP INDEX IF EXISTS %s",
					dbs_ddl_pg_qualified(alter->schema, dbs_ddl_pg_index_name(alter->name, action->name)));
	if (constraint != NULL)
		alter->table->constraints = list_delete_ptr(alter->table->constraints, constraint);
}

/*
 * MySQL takes a dropped column out of its indexes, PostgreSQL drops the
 * indexes: those with columns left are made anew.
 */
static void
drop_column(Alter *alter, const DdlAction *action)
{
	DdlKnownColumn *column = dbs_ddl_known_column(alter->table, action->name);
	ListCell *cell;

	if (column == NULL && is_known(alter) && action->if_exists)
		return;
	dbs_ddl_sql(alter->printer, "ALTER TABLE %s DROP COLUMN %s%s", alter->qualified,
				action->if_exists ? "IF EXISTS " : "",
				dbs_ddl_pg_name(alter->printer, column != NULL ? column->name : action->name));
	if (!is_known(alter))
	{
		dbs_ddl_note(alter->printer, DBS_NOTE_INFO, "indexes that hold \"%s\" among other columns go with it",
					 action->name);
		return;
	}
	if (column != NULL)
		alter->table->columns = list_delete_ptr(alter->table->columns, column);
	foreach (cell, alter->table->keys)
	{
		DdlKnownKey *known = lfirst(cell);
		DdlKey *rest;
		ListCell *part_cell;

		if (known->key == NULL)
			continue;
		rest = palloc(sizeof(DdlKey));
		*rest = *known->key;
		rest->parts = NIL;
		foreach (part_cell, known->key->parts)
		{
			const DdlKeyPart *part = lfirst(part_cell);

			if (part->column == NULL || pg_strcasecmp(part->column, action->name) != 0)
				rest->parts = lappend(rest->parts, lfirst(part_cell));
		}
		if (list_length(rest->parts) == list_length(known->key->parts))
			continue;
		alter->table->keys = foreach_delete_current(alter->table->keys, cell);
		if (rest->parts == NIL)
			continue;
		if (rest->kind == DDL_KEY_PRIMARY)
			alter->after = lappend(
				alter->after, psprintf("ALTER TABLE %s ADD %s", alter->qualified,
									   dbs_ddl_pg_primary_key(alter->printer, rest, alter->statement->name, NULL)));
		else if (known->name != NULL)
		{
			rest->name = known->name;
			dbs_ddl_pg_key(alter->printer, rest, alter->statement->name, NULL, &alter->after);
		}
		else
		{
			dbs_ddl_note(alter->printer, DBS_NOTE_WARNING, "index \"%s\" goes with column \"%s\"", known->pg_name,
						 action->name);
			continue;
		}
		known->key = rest;
		alter->table->keys = lcons(known, alter->table->keys);
		cell = list_head(alter->table->keys);
	}
}

static bool
is_identifier_byte(char c)
{
	return isalnum((unsigned char) c) || c == '_' || c == '$' || (unsigned char) c >= 0x80;
}

/*
 * An expression as the catalogue deparses it, with one column's name put for
 * another's; *found tells whether it was there.
 */
static const char *
replace_column_name(const char *expression, const char *from, const char *to, bool *found)
{
	StringInfoData out;
	const char *at = expression;

	initStringInfo(&out);
	*found = false;
	while (*at != '\0')
	{
		const char *start = at;
		const char *name;

		if (*at == '\'' || *at == '"')
		{
			char quote = *at++;

			while (*at != '\0' && (*at != quote || at[1] == quote))
				at += *at == quote ? 2 : 1;
			at += *at == quote;
		}
		else if (is_identifier_byte(*at))
		{
			while (is_identifier_byte(*at))
				at++;
		}
		else
		{
			appendStringInfoChar(&out, *at++);
			continue;
		}
		name = pnstrdup(start, at - start);
		if (*start != '\'' && (strcmp(name, from) == 0 || strcmp(name, dbs_ddl_pg_quote(from)) == 0))
		{
			*found = true;
			name = dbs_ddl_pg_quote(to);
		}
		appendStringInfoString(&out, name);
	}
	return out.data;
}

/* ---- renames -------------------------------------------------------------------------------------- */

static void
rename_in_keys(DdlKnownTable *table, const char *from, const char *to)
{
	ListCell *cell;
	ListCell *part_cell;
	bool found;

	foreach (cell, table->columns)
	{
		DdlKnownColumn *column = lfirst(cell);

		if (column->expression != NULL)
			column->expression = replace_column_name(column->expression, from, to, &found);
	}
	foreach (cell, table->constraints)
	{
		DdlKnownConstraint *constraint = lfirst(cell);

		foreach (part_cell, constraint->columns)
		{
			if (strcmp(lfirst(part_cell), from) == 0)
				lfirst(part_cell) = (void *) to;
		}
	}

	foreach (cell, table->keys)
	{
		DdlKnownKey *known = lfirst(cell);

		if (known->key == NULL)
			continue;
		foreach (part_cell, known->key->parts)
		{
			DdlKeyPart *part = lfirst(part_cell);

			if (part->column != NULL && pg_strcasecmp(part->column, from) == 0)
				part->column = to;
		}
	}
}

/* The names of the column's check and trigger follow it. */
static void
rename_belongings(Alter *alter, DdlKnownColumn *column, const char *from, const char *to, bool changes)
{
	const char *kind = column->has_enum_check ? "enum" : column->has_set_check ? "set" : NULL;

	if (kind != NULL)
		dbs_ddl_sql(alter->printer, "ALTER TABLE %s RENAME CONSTRAINT %s TO %s", alter->qualified,
					dbs_ddl_pg_quote(dbs_ddl_pg_index_name(from, kind)),
					dbs_ddl_pg_quote(dbs_ddl_pg_index_name(to, kind)));
	if (column->on_update)
	{
		DdlColumn stub = {.name = to, .type = column->type};

		dbs_ddl_sql(alter->printer, "DROP TRIGGER %s ON %s", dbs_ddl_pg_quote(dbs_ddl_pg_index_name(from, "on_update")),
					alter->qualified);
		/* CHANGE says anew whether there is one. */
		if (changes)
			column->on_update = false;
		else
			dbs_ddl_pg_on_update(alter->printer, &stub, alter->statement->name, &alter->after);
	}
}

typedef struct Rename
{
	const char *from;
	const char *to;
	DdlKnownColumn *column;
	bool waits; /* goes by a third name until the others are done */
} Rename;

/* Renames happen together, so that names may be swapped: those in each other's way go by a third name. */
static void
print_renames(Alter *alter, List *renames)
{
	ListCell *cell;
	ListCell *other_cell;
	int number = 0;

	foreach (cell, renames)
	{
		Rename *rename = lfirst(cell);
		bool blocked = false;

		foreach (other_cell, renames)
		{
			const Rename *other = lfirst(other_cell);

			blocked |= other != rename && strcmp(other->from, rename->to) == 0;
		}
		if (blocked)
		{
			const char *between = psprintf("dbstream_rename_%d", ++number);

			dbs_ddl_sql(alter->printer, "ALTER TABLE %s RENAME COLUMN %s TO %s", alter->qualified,
						dbs_ddl_pg_name(alter->printer, rename->from), dbs_ddl_pg_quote(between));
			rename->from = between;
			rename->waits = true;
		}
	}
	for (int waiting = 0; waiting < 2; waiting++)
	{
		foreach (cell, renames)
		{
			Rename *rename = lfirst(cell);

			if (rename->waits == (waiting == 1))
				dbs_ddl_sql(alter->printer, "ALTER TABLE %s RENAME COLUMN %s TO %s", alter->qualified,
							dbs_ddl_pg_name(alter->printer, rename->from), dbs_ddl_pg_name(alter->printer, rename->to));
		}
	}
}

static void
collect_renames(Alter *alter)
{
	List *renames = NIL;
	ListCell *cell;

	foreach (cell, alter->statement->actions)
	{
		DdlAction *action = lfirst(cell);
		const char *to = action->kind == DDL_RENAME_COLUMN   ? action->new_name
						 : action->kind == DDL_MODIFY_COLUMN ? action->column->name
															 : NULL;
		Rename *rename;

		if (to == NULL || strcmp(action->name, to) == 0)
			continue;
		rename = palloc0(sizeof(Rename));
		rename->column = dbs_ddl_known_column(alter->table, action->name);
		rename->from = rename->column != NULL ? rename->column->name : action->name;
		rename->to = to;
		if (strcmp(rename->from, rename->to) == 0)
			continue;
		if (rename->column == NULL && is_known(alter) && action->if_exists)
			continue;
		renames = lappend(renames, rename);
		if (rename->column != NULL)
			rename_belongings(alter, rename->column, rename->from, to, action->kind == DDL_MODIFY_COLUMN);
		else if (action->kind == DDL_RENAME_COLUMN)
			dbs_ddl_note(alter->printer, DBS_NOTE_INFO,
						 "if \"%s\" is an ENUM or SET, its check keeps the name made from the old column's",
						 rename->from);
	}
	print_renames(alter, renames);
	if (alter->table == NULL)
		return;
	foreach (cell, renames)
	{
		Rename *rename = lfirst(cell);

		if (rename->column != NULL)
			rename->from = rename->column->name;
	}
	/* Two passes, for swaps. */
	foreach (cell, renames)
	{
		Rename *rename = lfirst(cell);

		rename_in_keys(alter->table, rename->from, psprintf("\001%s", rename->to));
	}
	foreach (cell, renames)
	{
		Rename *rename = lfirst(cell);

		rename_in_keys(alter->table, psprintf("\001%s", rename->to), rename->to);
		if (rename->column != NULL)
			rename->column->name = rename->to;
	}
}

/* ---- changes ------------------------------------------------------------------------------------------- */

/* A type's name as the translator writes it, for one as the catalogue writes it. */
static const char *
plain_type(const char *pg_type)
{
	static const char *const names[][2] = {{"character varying", "varchar"}, {"character(", "char("}};
	const char *zone = strstr(pg_type, " with time zone");
	const char *no_zone = strstr(pg_type, " without time zone");

	for (int i = 0; i < lengthof(names); i++)
	{
		if (strncmp(pg_type, names[i][0], strlen(names[i][0])) == 0)
			return psprintf("%s%s", names[i][1], pg_type + strlen(names[i][0]));
	}
	if (no_zone != NULL)
		return pnstrdup(pg_type, no_zone - pg_type);
	/* timestamp(3) with time zone: timestamptz(3) */
	if (zone != NULL && strncmp(pg_type, "timestamp", 9) == 0)
		return psprintf("timestamptz%.*s", (int) (zone - pg_type - 9), pg_type + 9);
	return pg_type;
}

static bool
is_number_type(const char *pg_type)
{
	return strcmp(pg_type, "smallint") == 0 || strcmp(pg_type, "integer") == 0 || strcmp(pg_type, "bigint") == 0 ||
		   strncmp(pg_type, "numeric", 7) == 0 || strcmp(pg_type, "real") == 0 ||
		   strcmp(pg_type, "double precision") == 0;
}

static bool
is_moment_type(const char *pg_type)
{
	return strcmp(pg_type, "date") == 0 || strncmp(pg_type, "timestamp", 9) == 0;
}

static bool
is_bit_type(const char *pg_type)
{
	return strncmp(pg_type, "bit(", 4) == 0;
}

/* The column's value as MySQL would write it. */
static const char *
text_form(const char *old, const char *quoted)
{
	if (old == NULL)
		return psprintf("%s::text", quoted);
	if (strcmp(old, "boolean") == 0)
		return psprintf("%s::integer::text", quoted);
	if (strcmp(old, "bytea") == 0)
		return psprintf("convert_from(%s, 'UTF8')", quoted);
	if (strcmp(old, "text[]") == 0)
		return psprintf("array_to_string(%s, ',')", quoted);
	if (is_bit_type(old))
		return psprintf("%s::bigint::text", quoted);
	return psprintf("%s::text", quoted);
}

/* The column's value as the number that MySQL makes of it. */
static const char *
number_form(const char *old, const char *quoted)
{
	if (is_number_type(old))
		return quoted;
	if (strcmp(old, "boolean") == 0)
		return psprintf("%s::integer", quoted);
	if (strcmp(old, "date") == 0)
		return psprintf("to_char(%s, 'YYYYMMDD')::numeric", quoted);
	if (strncmp(old, "timestamp", 9) == 0)
		return psprintf("to_char(%s, 'YYYYMMDDHH24MISS')::numeric", quoted);
	if (strncmp(old, "interval", 8) == 0)
		return psprintf("to_char(%s, 'HH24MISS')::numeric", quoted);
	if (is_bit_type(old))
		return psprintf("%s::bigint", quoted);
	return psprintf("%s::numeric", text_form(old, quoted));
}

static const char *
label_array(const DdlType *type)
{
	StringInfoData list;
	ListCell *cell;

	initStringInfo(&list);
	foreach (cell, type->labels)
	{
		const DdlText *label = lfirst(cell);

		appendStringInfo(&list, "%s%s", list.len == 0 ? "" : ", ", dbs_ddl_pg_string(label->text, label->size));
	}
	return psprintf("ARRAY[%s]::text[]", list.data);
}

/* The old type is not known: what does for most of them. */
static const char *
using_unknown(const char *quoted, const char *pg_type)
{
	if (strcmp(pg_type, "boolean") == 0)
		return psprintf("%s::text::boolean", quoted);
	if (is_number_type(pg_type))
		return psprintf("CASE %s::text WHEN 'true' THEN '1' WHEN 'false' THEN '0' ELSE %s::text END::numeric::%s",
						quoted, quoted, pg_type);
	if (strcmp(pg_type, "bytea") == 0)
		return psprintf("convert_to(%s::text, 'UTF8')", quoted);
	if (strcmp(pg_type, "text[]") == 0)
		return psprintf("string_to_array(%s::text, ',')", quoted);
	return psprintf("%s::text::%s", quoted, pg_type);
}

/* To text, bytes and sets, by the old value's text. */
static const char *
using_text(const char *old, const char *quoted, const char *pg_type, const DdlType *type)
{
	const char *text = text_form(old, quoted);

	if (type->family == DDL_TYPE_ENUM && is_number_type(old))
		return psprintf("(%s)[%s::integer]", label_array(type), quoted);
	if (strcmp(pg_type, "text[]") == 0)
		return psprintf("string_to_array(%s, ',')", text);
	if (strcmp(pg_type, "bytea") != 0)
		return psprintf("%s::%s", text, pg_type);
	text = strcmp(old, "bytea") == 0 ? quoted : psprintf("convert_to(%s, 'UTF8')", text);
	if (type->family != DDL_TYPE_BINARY)
		return text;
	/* BINARY(n) always holds n bytes. */
	return psprintf("%s || decode(repeat('00', greatest(%d - octet_length(%s), 0)), 'hex')", text, (int) type->length,
					text);
}

/* USING: how the old values become the new type's, as MySQL converts them. */
static const char *
using_expression(Alter *alter, const DdlKnownColumn *known, const char *quoted, const char *pg_type,
				 const DdlType *type)
{
	const char *old = known == NULL ? NULL : plain_type(known->pg_type);

	if (old == NULL)
		return using_unknown(quoted, pg_type);
	if (strcmp(pg_type, "boolean") == 0)
		return psprintf("(%s <> 0)", number_form(old, quoted));
	if (is_number_type(pg_type) && known->type->family == DDL_TYPE_ENUM && known->type->labels != NIL)
		return psprintf("array_position(%s, %s)::%s", label_array(known->type), quoted, pg_type);
	if (is_number_type(pg_type))
		return psprintf("%s::%s", number_form(old, quoted), pg_type);
	if (is_bit_type(pg_type))
		return psprintf("%s::bigint::%s", number_form(old, quoted), pg_type);
	if (is_moment_type(pg_type))
		return psprintf("%s::%s", is_moment_type(old) ? quoted : text_form(old, quoted), pg_type);
	if (strncmp(pg_type, "interval", 8) == 0)
	{
		if (strncmp(old, "timestamp", 9) == 0)
			return psprintf("%s::time::interval", quoted);
		if (strcmp(old, "date") == 0)
			return psprintf("(%s - %s) * '0'::interval", quoted, quoted);
		if (is_number_type(old))
			return psprintf("make_interval(0, 0, 0, 0, div(%s::numeric, 10000)::integer, mod(div(%s::numeric, 100), "
							"100)::integer, mod(%s::numeric, 100)::double precision)",
							quoted, quoted, quoted);
		return psprintf("%s::%s", text_form(old, quoted), pg_type);
	}
	if (strcmp(pg_type, "jsonb") == 0 && (is_number_type(old) || strcmp(old, "boolean") == 0))
		return psprintf("to_jsonb(%s)", number_form(old, quoted));
	if (strcmp(pg_type, "uuid") == 0 && strcmp(old, "bytea") == 0)
		return psprintf("encode(%s, 'hex')::uuid", quoted);
	if (dbs_ddl_is_text(type->family) || dbs_ddl_is_bytes(type->family) || strcmp(pg_type, "bytea") == 0 ||
		type->family == DDL_TYPE_SET)
		return using_text(old, quoted, pg_type, type);
	return psprintf("%s::%s", text_form(old, quoted), pg_type);
}

/* Types between which PostgreSQL converts without being told how. */
static bool
needs_using(const DdlKnownColumn *known, const char *pg_type)
{
	static const char *const groups[][8] = {
		{"smallint", "integer", "bigint", "numeric", "real", "double precision", NULL},
		{"char", "character", "varchar", "character varying", "text", NULL},
		{"date", "timestamp", "timestamptz", NULL}};
	const char *old;

	if (known == NULL)
		return true;
	old = plain_type(known->pg_type);
	for (int i = 0; i < lengthof(groups); i++)
	{
		bool has_old = false;
		bool has_new = false;

		for (int j = 0; groups[i][j] != NULL; j++)
		{
			Size size = strlen(groups[i][j]);

			has_old |= strncmp(old, groups[i][j], size) == 0 && strchr("(", old[size]) != NULL;
			has_new |= strncmp(pg_type, groups[i][j], size) == 0 && strchr("(", pg_type[size]) != NULL;
		}
		if (has_old && has_new)
			return false;
	}
	return true;
}

static void
append_action(StringInfo sql, const char *fmt, const char *column, const char *rest)
{
	appendStringInfoString(sql, sql->len == 0 ? "" : ", ");
	appendStringInfo(sql, fmt, column, rest);
}

/* The sequence behind AUTO_INCREMENT goes on after the largest value. */
static void
advance_sequence(Alter *alter, const DdlColumn *column)
{
	const char *quoted = dbs_ddl_pg_name(alter->printer, column->name);

	alter->after = lappend(
		alter->after,
		psprintf(
			"SELECT setval(pg_get_serial_sequence(%s, %s), greatest(max(%s), 1)::bigint, max(%s) IS NOT NULL) FROM %s",
			dbs_ddl_pg_string(alter->qualified, strlen(alter->qualified)),
			dbs_ddl_pg_string(column->name, strlen(column->name)), quoted, quoted, alter->qualified));
}

/* AUTO_INCREMENT that comes or goes with MODIFY. */
static void
change_auto_increment(Alter *alter, const DdlColumn *column, const DdlKnownColumn *known, const char *pg_type,
					  StringInfo sql)
{
	const char *quoted = dbs_ddl_pg_name(alter->printer, column->name);
	bool can_identity = strncmp(pg_type, "numeric", 7) != 0;
	bool has_identity = known != NULL && known->identity;

	if (column->auto_increment && can_identity && !has_identity)
	{
		append_action(sql, "ALTER COLUMN %s ADD GENERATED BY DEFAULT AS IDENTITY%s", quoted, "");
		advance_sequence(alter, column);
	}
	else if (column->auto_increment && !can_identity && (known == NULL || !known->serial))
	{
		const char *sequence =
			dbs_ddl_pg_qualified(alter->schema, dbs_ddl_pg_index_name(alter->name, psprintf("%s_seq", column->name)));

		alter->after = lappend(alter->after, psprintf("CREATE SEQUENCE IF NOT EXISTS %s OWNED BY %s.%s", sequence,
													  alter->qualified, quoted));
		alter->after =
			lappend(alter->after, psprintf("ALTER TABLE %s ALTER COLUMN %s SET DEFAULT nextval(%s::regclass)",
										   alter->qualified, quoted, dbs_ddl_pg_string(sequence, strlen(sequence))));
		advance_sequence(alter, column);
	}
}

static void
drop_label_check(Alter *alter, const DdlKnownColumn *known, const DdlColumn *column)
{
	static const DdlTypeFamily families[] = {DDL_TYPE_ENUM, DDL_TYPE_SET};

	for (int i = 0; i < lengthof(families); i++)
	{
		DdlType type = {.family = families[i]};
		bool sure = known != NULL && (i == 0 ? known->has_enum_check : known->has_set_check);

		if (sure || known == NULL)
			dbs_ddl_sql(alter->printer, "ALTER TABLE %s DROP CONSTRAINT %s%s", alter->qualified,
						sure ? "" : "IF EXISTS ", dbs_ddl_pg_quote(dbs_ddl_pg_enum_name(column->name, &type)));
	}
}

static bool
is_label_check(const char *name, const char *column)
{
	return strcmp(name, dbs_ddl_pg_index_name(column, "enum")) == 0 ||
		   strcmp(name, dbs_ddl_pg_index_name(column, "set")) == 0;
}

static void
note_place(Alter *alter, const DdlColumn *column)
{
	if (column->first || column->after != NULL)
		dbs_ddl_note(alter->printer, DBS_NOTE_INFO,
					 "column \"%s\": FIRST and AFTER have no equivalent; columns are matched by name", column->name);
}

static bool
is_long_type(DdlTypeFamily family)
{
	return family == DDL_TYPE_TEXT || family == DDL_TYPE_BLOB || family == DDL_TYPE_JSON || family == DDL_TYPE_GEOMETRY;
}

/* Kinds of types between which an expression over the column does not go on meaning the same. */
static int
kind_of(const DdlType *type)
{
	if (dbs_ddl_is_number(type->family))
		return 0;
	if (dbs_ddl_is_text(type->family))
		return 1;
	if (dbs_ddl_is_bytes(type->family))
		return 2;
	if (type->family == DDL_TYPE_DATE || type->family == DDL_TYPE_TIMESTAMP)
		return 3;
	return 10 + type->family;
}

/*
 * Before a column's type changes: indexes of its prefix and generated columns
 * that use it go, and come back afterwards.
 */
static void
set_aside(Alter *alter, const DdlColumn *column, const DdlKnownColumn *known, bool retype)
{
	ListCell *cell;
	ListCell *part_cell;
	const char *plain = known->name;

	if (!is_known(alter))
		return;
	foreach (cell, alter->table->keys)
	{
		DdlKnownKey *key = lfirst(cell);
		bool prefix = false;

		if (key->key == NULL || key->kind == DDL_KEY_PRIMARY)
			continue;
		foreach (part_cell, key->key->parts)
		{
			DdlKeyPart *part = lfirst(part_cell);

			if (part->column == NULL || pg_strcasecmp(part->column, plain) != 0)
				continue;
			/* MySQL keys no more than a prefix of these, and finds its length itself. */
			if (part->length == 0 && is_long_type(column->type->family) && !is_long_type(known->type->family))
				part->length = known->type->length > 0 && !dbs_ddl_is_number(known->type->family)
								   ? (int) known->type->length
								   : 255;
			if (part->length == 0 && is_long_type(column->type->family))
				dbs_ddl_note(alter->printer, DBS_NOTE_WARNING,
							 "index \"%s\": the whole value of \"%s\" is indexed, not a prefix", key->pg_name,
							 column->name);
			prefix |= part->length > 0;
		}
		if (!prefix || (key->key->name == NULL && key->name == NULL))
			continue;
		dbs_ddl_sql(alter->printer, "DROP INDEX %s", dbs_ddl_pg_qualified(alter->schema, key->pg_name));
		alter->table->keys = foreach_delete_current(alter->table->keys, cell);
		if (key->name != NULL)
			key->key->name = key->name;
		alter->keys_again = lappend(alter->keys_again, key->key);
	}
	if (!retype)
		return;
	foreach (cell, alter->table->columns)
	{
		DdlKnownColumn *other = lfirst(cell);

		bool uses = false;

		if (other->generated && other->expression != NULL)
			(void) replace_column_name(other->expression, plain, plain, &uses);
		if (!uses)
			continue;
		if (kind_of(column->type) != kind_of(known->type))
			dbs_ddl_note(alter->printer, DBS_NOTE_ERROR,
						 "generated column \"%s\" was written for the old type of column \"%s\"", other->name, plain);
		dbs_ddl_sql(alter->printer, "ALTER TABLE %s DROP COLUMN %s", alter->qualified,
					dbs_ddl_pg_name(alter->printer, other->name));
		alter->generated_again = lappend(
			alter->generated_again, psprintf("ALTER TABLE %s ADD COLUMN %s %s GENERATED ALWAYS AS (%s) STORED%s",
											 alter->qualified, dbs_ddl_pg_name(alter->printer, other->name),
											 other->pg_type, other->expression, other->not_null ? " NOT NULL" : ""));
		dbs_ddl_note(
			alter->printer, DBS_NOTE_WARNING,
			"generated column \"%s\" is made anew, since the type of \"%s\" changes: it moves to the end, and its "
			"indexes are lost (FIRST and AFTER have no equivalent)",
			other->name, plain);
	}
	foreach (cell, alter->table->constraints)
	{
		const DdlKnownConstraint *constraint = lfirst(cell);

		foreach (part_cell, constraint->columns)
		{
			if (constraint->kind == 'c' && strcmp(lfirst(part_cell), plain) == 0 &&
				!is_label_check(constraint->name, plain) && kind_of(column->type) != kind_of(known->type))
				dbs_ddl_note(
					alter->printer, DBS_NOTE_ERROR,
					"check \"%s\" was written for the old type of column \"%s\": drop it at the target, then go on",
					constraint->name, plain);
		}
	}
}

/* A generated column's expression cannot be changed: the column is made anew, at the end. */
static void
replace_column(Alter *alter, DdlColumn *column, DdlKnownColumn *known)
{
	List *before = NIL;
	const char *definition;

	dbs_ddl_sql(alter->printer, "ALTER TABLE %s DROP COLUMN %s", alter->qualified,
				dbs_ddl_pg_name(alter->printer, column->name));
	definition = dbs_ddl_pg_column(alter->printer, column, alter->table, alter->qualified, 0, &before, &alter->after);
	dbs_ddl_sql(alter->printer, "ALTER TABLE %s ADD COLUMN %s", alter->qualified, definition);
	dbs_ddl_note(alter->printer, DBS_NOTE_WARNING, "column \"%s\" is made anew, and its indexes are lost",
				 column->name);
}

/* What MySQL gives to rows that are there when a NOT NULL column without default comes. */
static const char *
implicit_default(const DdlType *type, const char *pg_type)
{
	if (strcmp(pg_type, "boolean") == 0)
		return "false";
	if (dbs_ddl_is_number(type->family) || type->family == DDL_TYPE_BOOLEAN)
		return "0";
	if (type->family == DDL_TYPE_ENUM && type->labels != NIL)
	{
		const DdlText *label = linitial(type->labels);

		return dbs_ddl_pg_string(label->text, label->size);
	}
	if (strcmp(pg_type, "text[]") == 0)
		return "'{}'";
	if (type->family == DDL_TYPE_BINARY)
		return psprintf("decode(repeat('00', %d), 'hex')", (int) type->length);
	if (type->family == DDL_TYPE_BIT)
		return psprintf("B'0'::%s", pg_type);
	if (type->family == DDL_TYPE_TIME)
		return "'00:00:00'";
	if (type->family == DDL_TYPE_JSON)
		return "'null'";
	if (type->family == DDL_TYPE_UUID)
		return "'00000000-0000-0000-0000-000000000000'";
	if (type->family == DDL_TYPE_INET4)
		return "'0.0.0.0'";
	if (type->family == DDL_TYPE_INET6)
		return "'::'";
	if (dbs_ddl_is_text(type->family) || dbs_ddl_is_bytes(type->family))
		return "''";
	return NULL;
}

#define MODES_STRICT (UINT64CONST(1) << 21 | UINT64CONST(1) << 22)

/*
 * NOT NULL comes to a column that took NULL.  Outside of strict mode MySQL puts the type's implicit default in the
 * place of nulls; in strict mode there are none.  An ENUM gets its error value, which the check refuses.
 */
static void
fill_nulls(Alter *alter, const DdlColumn *column, const char *pg_type, StringInfo sql)
{
	const char *value = implicit_default(column->type, pg_type);
	const char *quoted = dbs_ddl_pg_name(alter->printer, column->name);

	if (alter->printer->known->load == NULL || (alter->printer->options->sql_mode & MODES_STRICT) != 0 ||
		value == NULL || column->type->family == DDL_TYPE_ENUM)
		return;
	if (sql->len > 0)
		dbs_ddl_sql(alter->printer, "ALTER TABLE %s %s", alter->qualified, sql->data);
	resetStringInfo(sql);
	dbs_ddl_sql(alter->printer, "UPDATE %s SET %s = %s WHERE %s IS NULL", alter->qualified, quoted, value, quoted);
}

static void
modify_column(Alter *alter, const DdlAction *action)
{
	DdlColumn *column = action->column;
	DdlKnownColumn *known = dbs_ddl_known_column(alter->table, column->name);
	const char *quoted = dbs_ddl_pg_name(alter->printer, column->name);
	const char *pg_type;
	const char *value;
	const char *check;
	StringInfoData sql;
	bool retype;

	if (known == NULL && is_known(alter) && action->if_exists)
		return;
	dbs_ddl_normalize_column(column, NULL);
	dbs_ddl_pg_take_zero_dates(alter->printer, column);
	pg_type = dbs_ddl_pg_type(alter->printer, column->type, column->name);
	note_place(alter, column);
	if (column->generated != NULL || (known != NULL && known->generated))
	{
		replace_column(alter, column, known);
		goto remember;
	}
	dbs_ddl_pg_type_notes(alter->printer, column);
	retype = known == NULL || strcmp(plain_type(known->pg_type), pg_type) != 0;
	value = column->auto_increment ? NULL : dbs_ddl_pg_default(alter->printer, column, column->default_value);
	drop_label_check(alter, known, column);
	/* text that was or becomes an ENUM keeps its type, but not its prefixes. */
	if (known != NULL && (retype || known->has_enum_check || column->type->family == DDL_TYPE_ENUM))
		set_aside(alter, column, known, retype);
	initStringInfo(&sql);
	if (known == NULL || known->has_default || known->serial)
		append_action(&sql, "ALTER COLUMN %s DROP DEFAULT%s", quoted, "");
	if (known == NULL ? !column->auto_increment
					  : known->identity && (!column->auto_increment || strncmp(pg_type, "numeric", 7) == 0))
	{
		append_action(&sql, "ALTER COLUMN %s DROP IDENTITY%s", quoted, known == NULL ? " IF EXISTS" : "");
		if (known != NULL)
			known->identity = false;
	}
	/* The old default and identity must be gone before the type changes. */
	if (sql.len > 0)
		dbs_ddl_sql(alter->printer, "ALTER TABLE %s %s", alter->qualified, sql.data);
	resetStringInfo(&sql);
	if (retype)
		append_action(
			&sql, "ALTER COLUMN %s TYPE %s", quoted,
			needs_using(known, pg_type)
				? psprintf("%s USING %s", pg_type, using_expression(alter, known, quoted, pg_type, column->type))
				: pg_type);
	if (value != NULL)
		append_action(&sql, "ALTER COLUMN %s SET DEFAULT %s", quoted, value);
	if (column->not_null && (known == NULL || !known->not_null))
	{
		fill_nulls(alter, column, pg_type, &sql);
		append_action(&sql, "ALTER COLUMN %s SET NOT NULL%s", quoted, "");
	}
	else if (!column->not_null && known == NULL)
		/* A column of the primary key stays NOT NULL whatever is written. */
		append_action(&sql, "ALTER COLUMN %s DROP NOT NULL%s", quoted, "");
	else if (!column->not_null && known->not_null)
	{
		bool in_primary = false;
		DdlKnownKey *primary = dbs_ddl_known_key(alter->table, "PRIMARY");
		ListCell *cell;

		if (primary != NULL && primary->key != NULL)
		{
			foreach (cell, primary->key->parts)
			{
				const DdlKeyPart *part = lfirst(cell);

				in_primary |= part->column != NULL && pg_strcasecmp(part->column, column->name) == 0;
			}
		}
		if (!in_primary)
			append_action(&sql, "ALTER COLUMN %s DROP NOT NULL%s", quoted, "");
		else
			column->not_null = true;
	}
	change_auto_increment(alter, column, known, pg_type, &sql);
	if (sql.len > 0)
		dbs_ddl_sql(alter->printer, "ALTER TABLE %s %s", alter->qualified, sql.data);
	check = dbs_ddl_pg_enum_check(alter->printer, column);
	if (check != NULL)
		dbs_ddl_sql(alter->printer, "ALTER TABLE %s ADD %s", alter->qualified, check);
	if (known == NULL || known->on_update)
		dbs_ddl_sql(alter->printer, "DROP TRIGGER IF EXISTS %s ON %s",
					dbs_ddl_pg_quote(dbs_ddl_pg_index_name(column->name, "on_update")), alter->qualified);
	if (column->on_update != NULL)
		dbs_ddl_pg_on_update(alter->printer, column, alter->statement->name, &alter->after);
	/* MODIFY without COMMENT takes the comment away. */
	dbs_ddl_pg_comment(alter->printer, "COLUMN", psprintf("%s.%s", alter->qualified, quoted),
					   column->comment == NULL ? "" : column->comment, &alter->after);
remember:
	if (known != NULL)
	{
		const char *name = known->name;
		DdlKnownColumn *fresh = dbs_ddl_known_add_column(alter->printer, NULL, column, pg_type);

		*known = *fresh;
		known->name = name;
	}
}

/* ---- what comes ------------------------------------------------------------------------------------------ */

/*
 * The default that fills the rows that are there, where it is not the one for rows to come (*lasting): that may vary.
 * NULL when it does not, or nothing can be done about it; a note says so then.
 */
static const char *
default_for_rows(Alter *alter, const DdlColumn *column, const char **lasting)
{
	DdlPrinter *printer = alter->printer;
	int notes = list_length(printer->out->notes);
	const char *value = column->auto_increment || column->generated != NULL
							? NULL
							: dbs_ddl_pg_default(printer, column, column->default_value);
	DdlVariation variation = value == NULL ? DDL_VARIES_NEVER : dbs_ddl_pg_variation(value);
	const char *reason = "each row has a value of its own there";
	const char *fixed = NULL;

	/* They come again where the column is printed. */
	printer->out->notes = list_truncate(printer->out->notes, notes);
	if (variation == DDL_VARIES_NEVER)
		return NULL;
	if (variation == DDL_VARIES_BY_TIME)
		fixed = dbs_ddl_pg_at_moment(printer->options, column->default_value, value, &reason);
	*lasting = value;
	if (fixed != NULL)
		return fixed;
	if (printer->known->load != NULL && (alter->table == NULL || !alter->table->empty))
		dbs_ddl_note(printer, DBS_NOTE_ERROR,
					 "column \"%s\": rows that are there would get the default as it is evaluated here, which is not "
					 "what they have at the source (%s): add the column by hand, with the values from there",
					 column->name, reason);
	else
		dbs_ddl_note(printer, DBS_NOTE_WARNING,
					 "column \"%s\": rows that are there get the default as it is evaluated here", column->name);
	return NULL;
}

static void
add_column(Alter *alter, const DdlAction *action)
{
	DdlColumn *column = action->column;
	DdlKnownColumn *known = dbs_ddl_known_column(alter->table, column->name);
	const char *quoted = dbs_ddl_pg_name(alter->printer, column->name);
	const char *pg_type;
	DdlExpr *default_value = column->default_value;
	const char *definition;
	const char *at_source;
	const char *lasting = NULL;
	const char *implicit;
	const char *check;
	List *before = NIL;
	ListCell *cell;

	if (known != NULL && column->if_not_exists)
	{
		dbs_ddl_note(alter->printer, DBS_NOTE_INFO, "column \"%s\" is there already", column->name);
		return;
	}
	dbs_ddl_normalize_column(column, NULL);
	dbs_ddl_pg_take_zero_dates(alter->printer, column);
	pg_type = dbs_ddl_pg_type(alter->printer, column->type, column->name);
	note_place(alter, column);
	if (column->auto_increment && alter->table != NULL && !alter->table->empty && alter->table->complete &&
		alter->printer->known->load != NULL)
		dbs_ddl_note(alter->printer, DBS_NOTE_ERROR,
					 "column \"%s\": AUTO_INCREMENT numbers the rows that are there, in an order that may differ here",
					 column->name);
	else if (column->auto_increment)
		dbs_ddl_note(alter->printer, DBS_NOTE_WARNING,
					 "column \"%s\": AUTO_INCREMENT numbers the rows that are there, in an order that may differ here",
					 column->name);
	implicit = at_source = default_for_rows(alter, column, &lasting);
	if (at_source != NULL)
		column->default_value = NULL;
	definition = dbs_ddl_pg_column(alter->printer, column, alter->table, alter->qualified, 0, &before, &alter->after);
	if (implicit == NULL && column->not_null && column->default_value == NULL && !column->auto_increment &&
		column->generated == NULL)
		implicit = implicit_default(column->type, pg_type);
	column->default_value = default_value;
	sql_all(alter, before);
	dbs_ddl_sql(alter->printer, "ALTER TABLE %s ADD COLUMN %s%s%s%s", alter->qualified,
				column->if_not_exists ? "IF NOT EXISTS " : "", definition, implicit == NULL ? "" : " DEFAULT ",
				implicit == NULL ? "" : implicit);
	if (at_source != NULL)
		dbs_ddl_sql(alter->printer, "ALTER TABLE %s ALTER COLUMN %s SET DEFAULT %s", alter->qualified, quoted, lasting);
	else if (implicit != NULL)
		dbs_ddl_sql(alter->printer, "ALTER TABLE %s ALTER COLUMN %s DROP DEFAULT", alter->qualified, quoted);
	check = dbs_ddl_pg_enum_check(alter->printer, column);
	if (check != NULL)
		dbs_ddl_sql(alter->printer, "ALTER TABLE %s ADD %s", alter->qualified, check);
	if (column->on_update != NULL)
		dbs_ddl_pg_on_update(alter->printer, column, alter->statement->name, &alter->after);
	if (alter->table != NULL && !alter->table->absent)
		dbs_ddl_known_add_column(alter->printer, alter->table, column, pg_type);
	foreach (cell, column->checks)
	{
		const char *sql = dbs_ddl_pg_check(alter->printer, lfirst(cell), alter->statement->name, alter->table);

		if (sql != NULL)
			dbs_ddl_sql(alter->printer, "ALTER TABLE %s ADD %s", alter->qualified, sql);
	}
}

/* PRIMARY KEY, UNIQUE and REFERENCES written behind a column that comes or changes. */
static void
add_column_keys(Alter *alter, DdlColumn *column)
{
	DdlKeyPart *part = palloc0(sizeof(DdlKeyPart));
	DdlKey *key = palloc0(sizeof(DdlKey));
	ListCell *cell;

	part->column = column->name;
	key->parts = list_make1(part);
	if (column->primary)
	{
		key->kind = DDL_KEY_PRIMARY;
		dbs_ddl_sql(alter->printer, "ALTER TABLE %s ADD %s", alter->qualified,
					dbs_ddl_pg_primary_key(alter->printer, key, alter->statement->name, alter->table));
	}
	if (column->unique)
	{
		List *after = NIL;

		key = palloc0(sizeof(DdlKey));
		key->kind = DDL_KEY_UNIQUE;
		key->parts = list_make1(part);
		dbs_ddl_pg_key(alter->printer, key, alter->statement->name, alter->table, &after);
		sql_all(alter, after);
	}
	foreach (cell, column->foreign_keys)
	{
		bool deferred;
		const char *sql =
			dbs_ddl_pg_foreign_key(alter->printer, lfirst(cell), alter->statement->name, alter->table, &deferred);

		if (sql != NULL)
			dbs_ddl_sql(alter->printer, "ALTER TABLE %s ADD %s", alter->qualified, sql);
	}
}

static void
add_key(Alter *alter, DdlKey *key)
{
	List *after = NIL;

	if (key->if_not_exists && key->name != NULL && dbs_ddl_known_key(alter->table, key->name) != NULL)
	{
		dbs_ddl_note(alter->printer, DBS_NOTE_INFO, "index \"%s\" is there already", key->name);
		return;
	}
	if (key->kind == DDL_KEY_PRIMARY)
	{
		const char *sql = dbs_ddl_pg_primary_key(alter->printer, key, alter->statement->name, alter->table);

		if (sql != NULL)
			dbs_ddl_sql(alter->printer, "ALTER TABLE %s ADD %s", alter->qualified, sql);
		return;
	}
	dbs_ddl_pg_key(alter->printer, key, alter->statement->name, alter->table, &after);
	sql_all(alter, after);
}

static void
add_foreign_key(Alter *alter, DdlForeignKey *key)
{
	bool deferred;
	const char *sql;

	if (key->if_not_exists && dbs_ddl_known_constraint(alter->table, key->name) != NULL)
		return;
	sql = dbs_ddl_pg_foreign_key(alter->printer, key, alter->statement->name, alter->table, &deferred);
	if (sql != NULL)
		dbs_ddl_sql(alter->printer, "ALTER TABLE %s ADD %s", alter->qualified, sql);
}

static void
rename_key(Alter *alter, const DdlAction *action)
{
	DdlKnownKey *key = dbs_ddl_known_key(alter->table, action->name);
	const char *to = dbs_ddl_pg_index_name(alter->name, action->new_name);
	const char *from = key != NULL ? key->pg_name : dbs_ddl_pg_index_name(alter->name, action->name);

	if (key == NULL && is_known(alter))
	{
		dbs_ddl_note(alter->printer, DBS_NOTE_INFO, "index \"%s\" is not here, so there is nothing to rename",
					 action->name);
		return;
	}
	dbs_ddl_sql(alter->printer, "ALTER INDEX %s%s RENAME TO %s", action->if_exists ? "IF EXISTS " : "",
				dbs_ddl_pg_qualified(alter->schema, from), dbs_ddl_pg_quote(to));
	if (key != NULL)
	{
		key->name = action->new_name;
		key->pg_name = to;
	}
}

static void
set_default(Alter *alter, const DdlAction *action)
{
	DdlKnownColumn *known = dbs_ddl_known_column(alter->table, action->name);
	DdlColumn column = {.name = action->name};
	DdlType unknown = {.family = DDL_TYPE_TEXT};
	const char *value = NULL;
	const char *quoted = dbs_ddl_pg_name(alter->printer, known != NULL ? known->name : action->name);

	column.type = known != NULL ? known->type : &unknown;
	if (action->kind == DDL_SET_DEFAULT)
	{
		value = dbs_ddl_pg_default(alter->printer, &column, action->expr);
		if (known == NULL)
			dbs_ddl_note(alter->printer, DBS_NOTE_WARNING,
						 "column \"%s\": its type is not known here; its default is written as text", action->name);
	}
	if (value == NULL)
		dbs_ddl_sql(alter->printer, "ALTER TABLE %s ALTER COLUMN %s DROP DEFAULT", alter->qualified, quoted);
	else
		dbs_ddl_sql(alter->printer, "ALTER TABLE %s ALTER COLUMN %s SET DEFAULT %s", alter->qualified, quoted, value);
	if (known == NULL)
		return;
	known->has_default = value != NULL;
	/* MariaDB forgets ON UPDATE with the old default. */
	if (known->on_update && alter->printer->options->source == DBS_DIALECT_MARIADB)
	{
		dbs_ddl_sql(alter->printer, "DROP TRIGGER %s ON %s",
					dbs_ddl_pg_quote(dbs_ddl_pg_index_name(known->name, "on_update")), alter->qualified);
		known->on_update = false;
	}
}

static void
set_auto_increment(Alter *alter, const DdlAction *action)
{
	ListCell *cell;

	if (alter->table != NULL)
	{
		foreach (cell, alter->table->columns)
		{
			const DdlKnownColumn *column = lfirst(cell);

			if (column->identity || column->serial)
			{
				dbs_ddl_sql(alter->printer,
							"SELECT setval(pg_get_serial_sequence(%s, %s), greatest(max(%s) + 1, " INT64_FORMAT
							")::bigint, false) FROM %s",
							dbs_ddl_pg_string(alter->qualified, strlen(alter->qualified)),
							dbs_ddl_pg_string(column->name, strlen(column->name)), dbs_ddl_pg_quote(column->name),
							action->number, alter->qualified);
				return;
			}
		}
	}
	dbs_ddl_note(alter->printer, DBS_NOTE_WARNING,
				 "AUTO_INCREMENT = " INT64_FORMAT ": the column is not known here, so its sequence stays as it is",
				 action->number);
}

/* ---- phases --------------------------------------------------------------------------------------------------- */

static void
act(Alter *alter, DdlAction *action, int phase)
{
	DdlPrinter *printer = alter->printer;
	const char *sql;

	switch (action->kind)
	{
		case DDL_DROP_FOREIGN_KEY:
		case DDL_DROP_CHECK:
		case DDL_DROP_CONSTRAINT:
			if (phase == 0)
				drop_constraint(alter, action);
			break;
		case DDL_DROP_PRIMARY_KEY:
			if (phase == 0)
				drop_primary_key(alter);
			break;
		case DDL_DROP_KEY:
			if (phase == 0)
				drop_key(alter, action);
			break;
		case DDL_RENAME_KEY:
			if (phase == 0)
				rename_key(alter, action);
			break;
		case DDL_DROP_COLUMN:
			if (phase == 1)
				drop_column(alter, action);
			break;
		case DDL_MODIFY_COLUMN:
			if (phase == 2)
				modify_column(alter, action);
			if (phase == 4)
				add_column_keys(alter, action->column);
			break;
		case DDL_SET_DEFAULT:
		case DDL_DROP_DEFAULT:
			if (phase == 2)
				set_default(alter, action);
			break;
		case DDL_ADD_COLUMN:
			if (phase == 3)
				add_column(alter, action);
			if (phase == 4)
				add_column_keys(alter, action->column);
			break;
		case DDL_ADD_KEY:
			if (phase == 5)
				add_key(alter, action->key);
			break;
		case DDL_ADD_CHECK:
			if (phase == 5 &&
				(sql = dbs_ddl_pg_check(printer, action->check, alter->statement->name, alter->table)) != NULL)
				dbs_ddl_sql(printer, "ALTER TABLE %s ADD %s", alter->qualified, sql);
			break;
		case DDL_ADD_FOREIGN_KEY:
			if (phase == 6)
				add_foreign_key(alter, action->foreign_key);
			break;
		case DDL_SET_AUTO_INCREMENT:
			if (phase == 7)
				set_auto_increment(alter, action);
			break;
		case DDL_TABLE_COMMENT:
			if (phase == 7)
				dbs_ddl_pg_comment(printer, "TABLE", alter->qualified, action->text, &alter->after);
			break;
		default:
			break;
	}
}

/* Actions that are notes only, and those that cannot be. */
static void
note_action(Alter *alter, const DdlAction *action)
{
	DdlPrinter *printer = alter->printer;

	switch (action->kind)
	{
		case DDL_IGNORED_ACTION:
			dbs_ddl_note(printer, DBS_NOTE_INFO, "ignored: %s%s%s", action->text, action->reason == NULL ? "" : ": ",
						 action->reason == NULL ? "" : action->reason);
			break;
		case DDL_CONVERT_CHARSET:
			if (pg_strcasecmp(action->name, "binary") == 0)
				dbs_ddl_note(printer, DBS_NOTE_ERROR,
							 "CONVERT TO CHARACTER SET binary turns every text into bytes, which is not carried over");
			else
				dbs_ddl_note(printer, DBS_NOTE_INFO, "ignored: CONVERT TO CHARACTER SET %s: text is UTF-8 here already",
							 action->name);
			break;
		case DDL_SET_INVISIBLE:
		case DDL_SET_VISIBLE:
			dbs_ddl_note(printer, DBS_NOTE_INFO, "column \"%s\": visibility has no equivalent", action->name);
			break;
		case DDL_ALTER_KEY_VISIBLE:
			dbs_ddl_note(printer, DBS_NOTE_INFO, "index \"%s\": visibility has no equivalent", action->name);
			break;
		case DDL_ALTER_CHECK_ENFORCED:
			dbs_ddl_note(printer, action->flag ? DBS_NOTE_WARNING : DBS_NOTE_ERROR,
						 "constraint \"%s\": changing ENFORCED is not carried over", action->name);
			break;
		case DDL_SYSTEM_VERSIONING:
			dbs_ddl_note(printer, DBS_NOTE_WARNING,
						 "SYSTEM VERSIONING has no equivalent: the table holds current rows only");
			break;
		default:
			break;
	}
}

/* What set_aside put away, now that types have changed. */
static void
bring_back(Alter *alter)
{
	ListCell *cell;

	sql_all(alter, alter->generated_again);
	foreach (cell, alter->keys_again)
		add_key(alter, lfirst(cell));
}

void
dbs_ddl_pg_alter_table(DdlPrinter *printer, DdlStatement *statement)
{
	Alter alter = {printer, statement};
	ListCell *cell;

	dbs_ddl_add_table(printer, statement->name, false, false);
	alter.qualified = dbs_ddl_pg_table(printer, statement->name);
	alter.schema = dbs_ddl_target_schema(printer, statement->name->schema);
	alter.name = dbs_ddl_fit(printer, statement->name->name);
	alter.table = dbs_ddl_known_table(printer->known, alter.schema, alter.name);
	if (alter.table != NULL && alter.table->absent)
	{
		if (statement->if_exists)
		{
			dbs_ddl_note(printer, DBS_NOTE_INFO, "table %s is not here", alter.qualified);
			return;
		}
		alter.table = NULL;
	}
	/* Nothing is known of the table: what this statement does to it is kept while it lasts. */
	if (alter.table == NULL)
	{
		alter.table = palloc0(sizeof(DdlKnownTable));
		alter.table->schema = alter.schema;
		alter.table->name = alter.name;
	}
	foreach (cell, statement->actions)
		note_action(&alter, lfirst(cell));
	for (int phase = 0; phase <= 7; phase++)
	{
		if (phase == 3)
			bring_back(&alter);
		if (phase == 2)
			collect_renames(&alter);
		foreach (cell, statement->actions)
			act(&alter, lfirst(cell), phase);
	}
	sql_all(&alter, alter.after);
	foreach (cell, statement->actions)
		dbs_ddl_pg_alter_partition(printer, statement, lfirst(cell), is_known(&alter) ? alter.table : NULL);
	foreach (cell, statement->actions)
	{
		DdlAction *action = lfirst(cell);

		if (action->kind == DDL_RENAME_TABLE_TO)
		{
			if (action->table->schema == NULL)
				action->table->schema = statement->name->schema;
			dbs_ddl_pg_rename_table(printer, statement->name, action->table, false);
		}
	}
}
