/*
 * See table_difference.h.
 *
 * Elements are matched by identity, then by name, since PostgreSQL makes indexes and constraints anew when a column's
 * type changes. What has not changed is left alone: it may be the target's user who chose it.
 *
 * One ALTER TABLE does as much as possible, since it either happens or does not. What other elements depend on cannot
 * change in the same statement, so checks, foreign keys, generated columns and indexes of expressions are dropped in
 * one before it and made in one after it.
 */
#include "table_difference.h"

#include "ddl_print.h"
#include "ddl_raw.h"

#include "lib/stringinfo.h"

typedef struct Difference
{
	DbsChange *change;
	const DbsDescription *before;
	const DbsDescription *after;
	const char *name;       /* `schema`.`table` at the target, as it is called when columns change */
	StringInfoData drops;   /* actions of the first ALTER TABLE, */
	StringInfoData actions; /* of the second, */
	StringInfoData makes;   /* and of the third */
	List *later;            /* of char *: statements after them */
} Difference;

/* ---- names and lists ---------------------------------------------------------------------- */

static const char *
quote(const char *name)
{
	return dbs_ddl_mysql_quote(name);
}

const char *
dbs_change_schema(const DbsChange *change, const char *schema)
{
	ListCell *from;
	ListCell *to;

	forboth(from, change->schema_from, to, change->schema_to)
	{
		if (strcmp(lfirst(from), schema) == 0)
			return lfirst(to);
	}
	return schema;
}

static const char *
qualified(const DbsChange *change, const char *schema, const char *table)
{
	return psprintf("%s.%s", quote(dbs_change_schema(change, schema)), quote(table));
}

static void
add_statement(DbsChange *change, const char *sql)
{
	change->statements = lappend(change->statements, (void *) sql);
}

/* One that changes rows, and must therefore commit together with the stream's position. */
static void
add_update(DbsChange *change, const char *sql)
{
	change->updates = lappend_int(change->updates, list_length(change->statements));
	add_statement(change, sql);
}

static void
add_action(StringInfo actions, const char *action)
{
	appendStringInfo(actions, "%s%s", actions->len > 0 ? ", " : "", action);
}

static void
add_notes(DbsChange *change, List *notes)
{
	change->notes = list_concat_unique_ptr(change->notes, notes);
}

static const DbsPart *
find_name(List *parts, const char *name)
{
	ListCell *cell;

	foreach (cell, parts)
	{
		const DbsPart *part = lfirst(cell);

		if (name != NULL && part->name != NULL && strcmp(part->name, name) == 0)
			return part;
	}
	return NULL;
}

static const DbsPart *
find_same(List *parts, const DbsPart *part)
{
	const DbsPart *found = dbs_part_find(parts, part->id);

	return found != NULL ? found : find_name(parts, part->name);
}

static bool
equal_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* ---- renamed columns ---------------------------------------------------------------------- */

/* sql with the names of columns as they are now, each between backticks. */
static const char *
with_new_names(const Difference *d, const char *sql)
{
	StringInfoData out;
	ListCell *cell;

	initStringInfo(&out);
	while (*sql != '\0')
	{
		bool found = false;

		foreach (cell, d->before->columns)
		{
			const DbsPart *old = lfirst(cell);
			const DbsPart *new = dbs_part_find(d->after->columns, old->id);
			const char *name = quote(old->name);

			if (*sql != '`' || new == NULL || strncmp(sql, name, strlen(name)) != 0)
				continue;
			appendStringInfoString(&out, quote(new->name));
			sql += strlen(name);
			found = true;
			break;
		}
		if (!found)
			appendStringInfoChar(&out, *sql++);
	}
	return out.data;
}

/* ---- columns ------------------------------------------------------------------------------ */

static const char *
definition(const DbsPart *column, const char *value)
{
	return psprintf("%s%s%s%s", column->sql, value != NULL ? " DEFAULT " : "", value != NULL ? value : "",
					column->tail != NULL ? column->tail : "");
}

/* Is "(…)" one literal, or empty JSON? Some types' defaults are written so. */
static bool
is_literal_in_parentheses(const char *value)
{
	const char *at = value + 1;

	if (value[0] != '(')
		return false;
	if (strcmp(value, "(JSON_ARRAY())") == 0)
		return true;
	if (*at == 'x')
		at++;
	if (*at != '\'')
		return at[strspn(at, "0123456789.-")] == ')';
	for (at++; *at != '\0'; at++)
	{
		if (*at == '\\' && at[1] != '\0')
			at++;
		else if (*at == '\'' && at[1] == '\'')
			at++;
		else if (*at == '\'')
			return strcmp(at + 1, ")") == 0;
	}
	return false;
}

/* A default that MySQL computes anew for each row, or when it gets to it. */
static bool
is_computed(const char *value)
{
	return value != NULL &&
		   ((value[0] == '(' && !is_literal_in_parentheses(value)) || strncmp(value, "CURRENT_", 8) == 0);
}

/* The value that rows from before have, as a default of the column's type; NULL when there is none. */
static const char *
fill_literal(const Difference *d, const DbsPart *column)
{
	char *text =
		d->change->filled == NULL ? NULL : dbs_json_text(d->change->filled, psprintf(INT64_FORMAT, column->id));
	size_t size = text == NULL ? 0 : strlen(text);

	if (text == NULL)
		return NULL;
	if (strstr(column->type, "[]") != NULL || strcmp(column->type, "bytea") == 0 ||
		strncmp(column->type, "bit", 3) == 0)
	{
		d->change->notes = lappend(
			d->change->notes, psprintf("error: column \"%s\": the value that old rows have in it cannot be carried "
									   "over",
									   column->name));
		return NULL;
	}
	if (strcmp(column->type, "boolean") == 0)
		return text[0] == 't' ? "1" : "0";
	/* In UTC, as the target's session is. */
	if (strstr(column->type, "with time zone") != NULL && size > 3 && strcmp(text + size - 3, "+00") == 0)
		text[size - 3] = '\0';
	return psprintf("(%s)", dbs_ddl_my_string(text, strlen(text)));
}

/* "ALTER TABLE … ALTER COLUMN … SET DEFAULT …" or "… DROP DEFAULT": takes a literal or an expression in parentheses. */
static const char *
default_statement(const Difference *d, const DbsPart *column)
{
	const char *head = psprintf("ALTER TABLE %s ALTER COLUMN %s", d->name, quote(column->name));

	if (column->value == NULL)
		return psprintf("%s DROP DEFAULT", head);
	if (strncmp(column->value, "CURRENT_", 8) == 0)
		return psprintf("%s SET DEFAULT (%s)", head, column->value);
	return psprintf("%s SET DEFAULT %s", head, column->value);
}

static void
add_column(Difference *d, const DbsPart *column)
{
	const char *value = column->value;

	add_notes(d->change, column->notes);
	if (column->generated)
	{
		add_action(&d->makes, psprintf("ADD COLUMN %s", definition(column, NULL)));
		return;
	}
	if (value == NULL || is_computed(value))
	{
		/* What the default is and what old rows have are two things. */
		const char *fill = fill_literal(d, column);

		if (value != NULL || fill != NULL)
			d->later = lappend(d->later, (void *) default_statement(d, column));
		value = fill;
	}
	add_action(&d->actions, psprintf("ADD COLUMN %s", definition(column, value)));
}

/* ENUM(…) of these labels. */
static const char *
enum_of(List *labels, List *more)
{
	StringInfoData sql;
	ListCell *cell;

	initStringInfo(&sql);
	foreach (cell, labels)
	{
		const DbsPart *label = lfirst(cell);

		appendStringInfo(&sql, "%s%s", sql.len > 0 ? ", " : "", dbs_ddl_my_string(label->name, strlen(label->name)));
	}
	foreach (cell, more)
	{
		const DbsPart *label = lfirst(cell);

		if (find_name(labels, label->name) == NULL)
			appendStringInfo(&sql, ", %s", dbs_ddl_my_string(label->name, strlen(label->name)));
	}
	return psprintf("ENUM(%s)", sql.data);
}

/*
 * Labels of an enum were renamed: rows that have them must get the new names, which MySQL would not do. For a moment
 * the column has both.
 */
static void
rename_labels(Difference *d, const DbsPart *old, const DbsPart *new)
{
	const char *final = enum_of(new->labels, NIL);
	const char *at = strstr(new->sql, final);
	StringInfoData cases;
	StringInfoData list;
	ListCell *cell;

	initStringInfo(&cases);
	initStringInfo(&list);
	foreach (cell, old->labels)
	{
		const DbsPart *label = lfirst(cell);
		const DbsPart *now = dbs_part_find(new->labels, label->id);

		if (now == NULL || strcmp(now->name, label->name) == 0)
			continue;
		appendStringInfo(&cases, " WHEN %s THEN %s", dbs_ddl_my_string(label->name, strlen(label->name)),
						 dbs_ddl_my_string(now->name, strlen(now->name)));
		appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "", dbs_ddl_my_string(label->name, strlen(label->name)));
	}
	if (cases.len == 0 || at == NULL)
		return;
	add_statement(d->change, psprintf("ALTER TABLE %s MODIFY COLUMN %.*s%s%s", d->name, (int) (at - new->sql), new->sql,
									  enum_of(new->labels, old->labels), at + strlen(final)));
	add_update(d->change, psprintf("UPDATE %s SET %s = CASE %s%s END WHERE %s IN (%s)", d->name, quote(new->name),
								   quote(new->name), cases.data, quote(new->name), list.data));
}

/* The same column, perhaps under another name. */
static void
change_column(Difference *d, const DbsPart *old, const DbsPart *new)
{
	const char *was = with_new_names(d, old->sql);
	bool renamed = strcmp(old->name, new->name) != 0;

	if (old->generated || new->generated)
	{
		/* A generated column is made anew when anything of it changes, its columns' names included. */
		if (old->generated == new->generated && equal_text(old->sql, new->sql) && equal_text(old->tail, new->tail))
			return;
		if (!new->generated)
		{
			/* Dropping the expression keeps the values. */
			add_action(&d->actions, psprintf("CHANGE COLUMN %s %s", quote(old->name), definition(new, new->value)));
			return;
		}
		add_notes(d->change, new->notes);
		add_action(&d->drops, psprintf("DROP COLUMN %s", quote(old->name)));
		add_action(&d->makes, psprintf("ADD COLUMN %s", definition(new, NULL)));
		return;
	}
	if (strcmp(was, new->sql) == 0 && equal_text(old->tail, new->tail))
	{
		if (renamed)
			add_action(&d->actions, psprintf("RENAME COLUMN %s TO %s", quote(old->name), quote(new->name)));
		if (!equal_text(old->value, new->value))
		{
			add_notes(d->change, new->notes);
			d->later = lappend(d->later, (void *) default_statement(d, new));
		}
		return;
	}
	add_notes(d->change, new->notes);
	/* An enum cannot be renamed in the same command, so the column's name is the same. */
	if (!renamed)
		rename_labels(d, old, new);
	if (renamed)
		add_action(&d->actions, psprintf("CHANGE COLUMN %s %s", quote(old->name), definition(new, new->value)));
	else
		add_action(&d->actions, psprintf("MODIFY COLUMN %s", definition(new, new->value)));
}

static void
change_columns(Difference *d)
{
	ListCell *cell;

	foreach (cell, d->before->columns)
	{
		const DbsPart *old = lfirst(cell);

		if (dbs_part_find(d->after->columns, old->id) == NULL)
			add_action(old->generated ? &d->drops : &d->actions, psprintf("DROP COLUMN %s", quote(old->name)));
	}
	foreach (cell, d->after->columns)
	{
		const DbsPart *new = lfirst(cell);
		const DbsPart *old = dbs_part_find(d->before->columns, new->id);

		if (old != NULL)
			change_column(d, old, new);
		else
			add_column(d, new);
	}
}

/* ---- keys, checks, foreign keys ------------------------------------------------------------ */

static bool
is_primary(const DbsPart *key)
{
	return strncmp(key->kind, "PRIMARY", 7) == 0;
}

/* Of an expression: it depends on columns that can then not be renamed or dropped. */
static bool
is_functional(const DbsPart *key)
{
	return strstr(key->sql, "((") != NULL || strstr(key->sql, ", (") != NULL;
}

static const char *
key_text(const DbsPart *key)
{
	if (is_primary(key) || key->name == NULL)
		return psprintf("%s %s", key->kind, key->sql);
	return psprintf("%s %s %s", key->kind, quote(key->name), key->sql);
}

static const char *
drop_key_text(const DbsPart *key)
{
	return is_primary(key) ? "DROP PRIMARY KEY" : psprintf("DROP KEY %s", quote(key->name));
}

static bool
same_key(const Difference *d, const DbsPart *old, const DbsPart *new)
{
	return strcmp(old->kind, new->kind) == 0 &&
		   strcmp(is_functional(old) ? old->sql : with_new_names(d, old->sql), new->sql) == 0;
}

static void
change_keys(Difference *d)
{
	ListCell *cell;

	foreach (cell, d->before->keys)
	{
		const DbsPart *old = lfirst(cell);
		const DbsPart *new = find_same(d->after->keys, old);

		if (new == NULL || !same_key(d, old, new))
			add_action(is_functional(old) ? &d->drops : &d->actions, drop_key_text(old));
		else if (!is_primary(old) && strcmp(old->name, new->name) != 0)
			add_action(&d->actions, psprintf("RENAME KEY %s TO %s", quote(old->name), quote(new->name)));
	}
	foreach (cell, d->after->keys)
	{
		const DbsPart *new = lfirst(cell);
		const DbsPart *old = find_same(d->before->keys, new);

		if (old != NULL && same_key(d, old, new))
			continue;
		add_notes(d->change, new->notes);
		add_action(is_functional(new) ? &d->makes : &d->actions, psprintf("ADD %s", key_text(new)));
	}
}

static const char *
check_text(const DbsPart *check)
{
	return psprintf("CONSTRAINT %s %s", quote(check->name), check->sql);
}

static void
change_checks(Difference *d)
{
	ListCell *cell;

	foreach (cell, d->before->checks)
	{
		const DbsPart *old = lfirst(cell);
		const DbsPart *new = find_same(d->after->checks, old);

		if (new == NULL || strcmp(check_text(old), check_text(new)) != 0)
			add_action(&d->drops, psprintf("DROP CONSTRAINT %s", quote(old->name)));
	}
	foreach (cell, d->after->checks)
	{
		const DbsPart *new = lfirst(cell);
		const DbsPart *old = find_same(d->before->checks, new);

		if (old != NULL && strcmp(check_text(old), check_text(new)) == 0)
			continue;
		add_notes(d->change, new->notes);
		add_action(&d->makes, psprintf("ADD %s", check_text(new)));
	}
}

/* "CONSTRAINT … FOREIGN KEY (…) REFERENCES …"; NULL when the other table is not at the target. */
static const char *
foreign_key_text(DbsChange *change, const DbsPart *key)
{
	if (!change->is_selected(change->context, key->schema, key->table))
	{
		change->notes =
			lappend(change->notes, psprintf("warning: foreign key \"%s\" is not made: %s.%s is not in the stream",
											key->name, key->schema, key->table));
		return NULL;
	}
	add_notes(change, key->notes);
	return psprintf("CONSTRAINT %s %s%s%s", quote(key->name), key->sql, qualified(change, key->schema, key->table),
					key->tail != NULL ? key->tail : "");
}

/* Names of tables and columns referred to follow their owners' by themselves. */
static void
change_foreign_keys(Difference *d)
{
	ListCell *cell;

	foreach (cell, d->before->foreign_keys)
	{
		const DbsPart *old = lfirst(cell);
		const DbsPart *new = find_same(d->after->foreign_keys, old);

		if ((new == NULL || strcmp(new->name, old->name) != 0) &&
			d->change->is_selected(d->change->context, old->schema, old->table))
			add_action(&d->drops, psprintf("DROP FOREIGN KEY %s", quote(old->name)));
	}
	foreach (cell, d->after->foreign_keys)
	{
		const DbsPart *new = lfirst(cell);
		const DbsPart *old = find_same(d->before->foreign_keys, new);
		const char *text;

		if (old != NULL && strcmp(old->name, new->name) == 0)
			continue;
		text = foreign_key_text(d->change, new);
		if (text != NULL)
			add_action(&d->makes, psprintf("ADD %s", text));
	}
}

/* ---- tables ------------------------------------------------------------------------------- */

static void
create_schema(DbsChange *change, const char *schema)
{
	add_statement(change, psprintf("CREATE DATABASE IF NOT EXISTS %s", quote(dbs_change_schema(change, schema))));
}

static void
alter(DbsChange *change, const char *name, const StringInfo actions)
{
	if (actions->len > 0)
		add_statement(change, psprintf("ALTER TABLE %s %s", name, actions->data));
}

/* Keys that rows are in order of, or that AUTO_INCREMENT needs, come with the table. */
static bool
comes_with_table(const DbsDescription *table, const DbsPart *key)
{
	ListCell *cell;

	foreach (cell, table->columns)
	{
		const DbsPart *column = lfirst(cell);
		const char *name = quote(column->name);

		if (column->tail != NULL && strncmp(column->tail, " AUTO_INCREMENT", 15) == 0 &&
			strncmp(key->sql + 1, name, strlen(name)) == 0)
			return true;
	}
	return is_primary(key);
}

/* What is left for when the rows are in: all keys in one statement, so that the table is read once. */
static void
complete_table(DbsChange *change, const DbsDescription *table)
{
	const char *name = qualified(change, table->schema, table->table);
	StringInfoData keys;
	ListCell *cell;

	initStringInfo(&keys);
	change->first_key = list_length(change->statements);
	foreach (cell, table->keys)
	{
		if (!comes_with_table(table, lfirst(cell)))
			add_action(&keys, psprintf("ADD %s", key_text(lfirst(cell))));
	}
	alter(change, name, &keys);
	change->first_link = list_length(change->statements);
	foreach (cell, table->foreign_keys)
	{
		const char *text = foreign_key_text(change, lfirst(cell));

		if (text != NULL)
			add_statement(change, psprintf("ALTER TABLE %s ADD %s", name, text));
	}
}

static void
create_table(DbsChange *change, const DbsDescription *table)
{
	StringInfoData sql;
	ListCell *cell;

	initStringInfo(&sql);
	add_notes(change, table->notes);
	create_schema(change, table->schema);
	foreach (cell, table->columns)
	{
		const DbsPart *column = lfirst(cell);

		add_notes(change, column->notes);
		add_action(&sql, definition(column, column->value));
	}
	foreach (cell, table->keys)
	{
		add_notes(change, ((DbsPart *) lfirst(cell))->notes);
		if (!change->splits || comes_with_table(table, lfirst(cell)))
			add_action(&sql, key_text(lfirst(cell)));
	}
	foreach (cell, table->foreign_keys)
	{
		const char *text = change->splits ? NULL : foreign_key_text(change, lfirst(cell));

		if (text != NULL)
			add_action(&sql, text);
	}
	foreach (cell, table->checks)
	{
		add_notes(change, ((DbsPart *) lfirst(cell))->notes);
		add_action(&sql, check_text(lfirst(cell)));
	}
	if (table->columns == NIL)
	{
		change->notes = lappend(change->notes, "error: MySQL has no table without columns");
		return;
	}
	appendStringInfo(&sql, ") ENGINE=InnoDB %s", table->charset);
	if (change->next > 1)
		appendStringInfo(&sql, " AUTO_INCREMENT=" INT64_FORMAT, change->next);
	if (table->comment != NULL)
		appendStringInfo(&sql, " COMMENT=%s", dbs_ddl_my_string(table->comment, strlen(table->comment)));
	/* One that is there is used as it is: it was made beforehand, or by rows that came before this statement's end. */
	add_statement(change, psprintf("CREATE TABLE IF NOT EXISTS %s (%s", qualified(change, table->schema, table->table),
								   sql.data));
	if (change->splits)
		complete_table(change, table);
}

/*
 * Servers write DROP TABLE into their log in words of their own, without our mark. So it gets a name first that tells a
 * stream in the other direction whose it is.
 */
static void
drop_table(DbsChange *change, const DbsDescription *table)
{
	const char *spare = qualified(change, table->schema, change->spare);

	add_statement(change, psprintf("RENAME TABLE %s TO %s", qualified(change, table->schema, table->table), spare));
	add_statement(change, psprintf("DROP TABLE %s", spare));
}

/* The rows of partitions that were dropped went with them. */
static void
delete_partitions(Difference *d)
{
	ListCell *cell;

	foreach (cell, d->before->partitions)
	{
		const DbsPart *old = lfirst(cell);

		if (dbs_part_find(d->after->partitions, old->id) != NULL)
			continue;
		if (old->sql != NULL)
			add_update(d->change, psprintf("DELETE FROM %s WHERE %s", d->name, old->sql));
		else
			d->change->notes = lappend(
				d->change->notes, psprintf("error: a partition of %s is gone, and the condition of its rows cannot be "
										   "carried over: delete them at the target",
										   d->name));
	}
}

static void
alter_table(DbsChange *change, const DbsDescription *before, const DbsDescription *after)
{
	Difference d = {change, before, after};
	ListCell *cell;

	d.name = qualified(change, after->schema, after->table);
	initStringInfo(&d.drops);
	initStringInfo(&d.actions);
	initStringInfo(&d.makes);
	if (strcmp(before->schema, after->schema) != 0)
		create_schema(change, after->schema);
	if (strcmp(before->schema, after->schema) != 0 || strcmp(before->table, after->table) != 0)
		add_statement(change,
					  psprintf("RENAME TABLE %s TO %s", qualified(change, before->schema, before->table), d.name));
	if (change->rewritten)
		add_statement(change, psprintf("TRUNCATE TABLE %s", d.name));
	delete_partitions(&d);
	change_foreign_keys(&d);
	change_checks(&d);
	change_columns(&d);
	change_keys(&d);
	if (!equal_text(before->comment, after->comment))
		add_action(&d.actions,
				   psprintf("COMMENT = %s", dbs_ddl_my_string(after->comment != NULL ? after->comment : "",
															  after->comment != NULL ? strlen(after->comment) : 0)));
	alter(change, d.name, &d.drops);
	alter(change, d.name, &d.actions);
	alter(change, d.name, &d.makes);
	foreach (cell, d.later)
		add_statement(change, lfirst(cell));
	/* What is new to say of the table as a whole. */
	foreach (cell, after->notes)
	{
		bool known = false;
		ListCell *old;

		foreach (old, before->notes)
			known |= strcmp(lfirst(old), lfirst(cell)) == 0;
		if (!known)
			change->notes = lappend(change->notes, lfirst(cell));
	}
}

void
dbs_difference(DbsChange *change, const DbsDescription *before, const DbsDescription *after)
{
	if (before == NULL)
		create_table(change, after);
	else if (after == NULL)
		drop_table(change, before);
	else
		alter_table(change, before, after);
}
