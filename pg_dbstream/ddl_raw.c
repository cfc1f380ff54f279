/*
 * A text of PostgreSQL's, statement by statement.
 *
 * PostgreSQL's own parser throws at what it cannot read: the error is caught,
 * which is safe since it looks at nothing but the text.  Later statements of
 * the same text tell what the first ones need (keys of text columns), so all
 * are read before the first is written.
 */
#include "postgres.h"

#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "tcop/utility.h"
#include "utils/memutils.h"

#include "ddl_lexer.h"
#include "ddl_my.h"

typedef struct Pair
{
	DbsDdlStatement *out;
	DdlStatement *tree;
} Pair;

List *
dbs_ddl_parse_raw(const char *sql, const char **error, int *offset)
{
	MemoryContext context = CurrentMemoryContext;
	ErrorContextCallback *callers = error_context_stack;
	List *volatile trees = NIL;

	*error = NULL;
	/* A function around this one would take the error's position for one in its own text. */
	error_context_stack = NULL;
	PG_TRY();
	{
		trees = raw_parser(sql, RAW_PARSE_DEFAULT);
	}
	PG_CATCH();
	{
		ErrorData *data;

		MemoryContextSwitchTo(context);
		data = CopyErrorData();
		/* A cancel or a lack of memory is no matter of the text. */
		error_context_stack = callers;
		if (data->sqlerrcode == ERRCODE_QUERY_CANCELED || data->sqlerrcode == ERRCODE_OUT_OF_MEMORY)
			PG_RE_THROW();
		FlushErrorState();
		*error = data->message;
		*offset = Max(data->cursorpos - 1, 0);
	}
	PG_END_TRY();
	error_context_stack = callers;
	return trees;
}

/* Any schema, as a key: no name is empty. */
#define ANY_SCHEMA ""

static void
strike_name(DdlRaw *raw, DdlStatement *created)
{
	dbs_ddl_names_remove(&raw->by_name, created->name->schema, created->name->name, created);
	dbs_ddl_names_remove(&raw->by_name, ANY_SCHEMA, created->name->name, created);
}

static void
enlist_name(DdlRaw *raw, DdlStatement *created)
{
	dbs_ddl_names_add(&raw->by_name, created->name->schema, created->name->name, created);
	dbs_ddl_names_add(&raw->by_name, ANY_SCHEMA, created->name->name, created);
}

void
dbs_ddl_raw_remember_table(DdlRaw *raw, DdlStatement *created)
{
	if (created->create->place == 0)
	{
		created->create->place = ++raw->tables;
		raw->created = lappend(raw->created, created);
	}
	else
		strike_name(raw, created);
	enlist_name(raw, created);
}

DdlStatement *
dbs_ddl_raw_find_table(const DdlRaw *raw, const DdlName *name)
{
	DdlStatement *created = dbs_ddl_names_find(&raw->by_name, name->schema, name->name);

	if (created != NULL)
		return created;
	return dbs_ddl_names_find(&raw->by_name, name->schema == NULL ? ANY_SCHEMA : NULL, name->name);
}

DdlCreateTable *
dbs_ddl_raw_created_table(DdlRaw *raw, const DdlName *name)
{
	const DdlStatement *created = dbs_ddl_raw_find_table(raw, name);

	return created == NULL ? NULL : created->create;
}

const DdlCreateTable *
dbs_ddl_raw_unchanged_table(DdlRaw *raw, const DdlName *name)
{
	const DdlStatement *created = dbs_ddl_raw_find_table(raw, name);

	return created == NULL || created->create->changed ? NULL : created->create;
}

void
dbs_ddl_raw_forget_table(DdlRaw *raw, const DdlName *name)
{
	DdlStatement *created = dbs_ddl_raw_find_table(raw, name);

	if (created == NULL)
		return;
	raw->created = list_delete_ptr(raw->created, created);
	strike_name(raw, created);
	created->create->gone = true;
}

void
dbs_ddl_raw_rename_table(DdlRaw *raw, const DdlName *name, const DdlName *new_name)
{
	DdlStatement *created = dbs_ddl_raw_find_table(raw, name);

	if (created == NULL)
		return;
	strike_name(raw, created);
	created->name = palloc(sizeof(DdlName));
	*created->name = *new_name;
	enlist_name(raw, created);
}

/*
 * A table that the text creates after the one that refers to it: the key is known there, since text in a key has
 * another type, but it is added later.
 */
static bool
comes_later(const DdlRaw *raw, const DdlForeignKey *key, const DdlCreateTable *table)
{
	const DdlStatement *other = dbs_ddl_raw_find_table(raw, key->table);

	return other != NULL && other->create->place > table->place;
}

/* The column that the action gives numbers to, as dumps do it after CREATE TABLE; NULL: the action is another one. */
static DdlColumn *
numbered_column(const DdlCreateTable *table, const DdlAction *action)
{
	DdlColumn *column = NULL;

	if (action->kind == DDL_ADD_IDENTITY || action->kind == DDL_SET_DEFAULT)
		column = (DdlColumn *) dbs_ddl_my_find_column(table, action->name);
	if (column != NULL && action->kind == DDL_SET_DEFAULT && !dbs_ddl_raw_is_numbered(column, action->expr))
		return NULL;
	return column;
}

/* What the statement adds goes into the table that the text creates; true when nothing is left to add. */
static bool
fold_alter(DdlRaw *raw, DdlCreateTable *table, DdlStatement *tree)
{
	List *left = NIL;
	ListCell *cell;

	foreach (cell, tree->actions)
	{
		const DdlAction *action = lfirst(cell);

		if (action->kind == DDL_ADD_KEY)
			table->keys = lappend(table->keys, action->key);
		else if (action->kind == DDL_ADD_CHECK)
			table->checks = lappend(table->checks, action->check);
		else if (action->kind == DDL_ADD_FOREIGN_KEY)
		{
			action->foreign_key->later = comes_later(raw, action->foreign_key, table);
			table->foreign_keys = lappend(table->foreign_keys, action->foreign_key);
			if (action->foreign_key->later)
				left = lappend(left, lfirst(cell));
		}
		else if (action->kind == DDL_ADD_IDENTITY)
			numbered_column(table, action)->auto_increment = true;
		else
			dbs_ddl_raw_number(raw, numbered_column(table, action));
	}
	tree->actions = left;
	return left == NIL;
}

/* Is the statement nothing but keys, constraints and numbers for columns? */
static bool
is_addition(const DdlCreateTable *table, const DdlStatement *tree)
{
	ListCell *cell;

	foreach (cell, tree->actions)
	{
		const DdlAction *action = lfirst(cell);

		if (action->kind == DDL_ADD_KEY ? action->key->using_index != NULL
										: action->kind != DDL_ADD_CHECK && action->kind != DDL_ADD_FOREIGN_KEY &&
											  numbered_column(table, action) == NULL)
			return false;
	}
	return true;
}

/* A comment on a table or column created in this text; true when it was put there. */
static bool
fold_comment(DdlCreateTable *table, const DdlStatement *tree)
{
	ListCell *cell;

	if (tree->comment_column == NULL)
	{
		table->comment = tree->comment;
		return true;
	}
	foreach (cell, table->columns)
	{
		DdlColumn *column = lfirst(cell);

		if (strcmp(column->name, tree->comment_column) == 0)
		{
			column->comment = tree->comment;
			return true;
		}
	}
	return false;
}

/*
 * Put keys and comments into the table of this text that they are of: only so can a text column get its length, and
 * AUTO_INCREMENT its key.  After any other change of the table they stay where they are, for they may need it.
 */
static bool
fold(DdlRaw *raw, DdlStatement *tree)
{
	DdlStatement *created;
	ListCell *cell;
	bool left;

	foreach (cell, tree->names)
	{
		created = dbs_ddl_raw_find_table(raw, lfirst(cell));
		if (created != NULL)
			created->create->changed = true;
	}
	if (tree->kind != DDL_ALTER_TABLE && tree->kind != DDL_COMMENT)
		return false;
	created = dbs_ddl_raw_find_table(raw, tree->name);
	if (created == NULL || created->create->like != NULL || created->create->changed)
		return false;
	if (tree->kind == DDL_COMMENT)
		return fold_comment(created->create, tree);
	/* What is ignored, as OWNER TO in dumps, changes nothing. */
	if (tree->actions == NIL)
		return false;
	if (!is_addition(created->create, tree))
	{
		created->create->changed = true;
		return false;
	}
	left = !fold_alter(raw, created->create, tree);
	dbs_ddl_raw_settle_primary(created->create);
	return !left;
}

/* The name that an element of CREATE SCHEMA creates something under, or NULL. */
static RangeVar *
element_name(Node *node)
{
	switch (nodeTag(node))
	{
		case T_CreateStmt:
			return ((CreateStmt *) node)->relation;
		case T_IndexStmt:
			return ((IndexStmt *) node)->relation;
		case T_CreateSeqStmt:
			return ((CreateSeqStmt *) node)->sequence;
		default:
			return NULL;
	}
}

/* A parse tree, as a Pair; the elements of CREATE SCHEMA are statements of their own. */
static List *
read_node(DdlRaw *raw, Node *node, const char *sql, List *pairs)
{
	Pair *pair = palloc0(sizeof(Pair));
	ListCell *cell;

	pair->out = palloc0(sizeof(DbsDdlStatement));
	pair->out->source_sql = sql;
	pair->out->class = DBS_DDL_APPLY;
	pair->out->tag = CreateCommandName(node);
	raw->out = pair->out;
	pair->tree = dbs_ddl_raw_read(raw, node);
	pairs = lappend(pairs, pair);
	if (!IsA(node, CreateSchemaStmt) || pair->tree->name->name == NULL)
		return pairs;
	foreach (cell, ((CreateSchemaStmt *) node)->schemaElts)
	{
		RangeVar *name = element_name(lfirst(cell));

		if (name != NULL && name->schemaname == NULL)
			name->schemaname = pstrdup(pair->tree->name->name);
		pairs = read_node(raw, lfirst(cell), sql, pairs);
	}
	return pairs;
}

static List *
read_statement(DdlRaw *raw, const DdlTokens *tokens, List *pairs)
{
	const char *sql = pnstrdup(tokens->text + tokens->start, tokens->end - tokens->start);
	const char *error;
	int offset = 0;
	List *trees = dbs_ddl_parse_raw(sql, &error, &offset);
	ListCell *cell;

	if (error != NULL)
	{
		Pair *pair = palloc0(sizeof(Pair));
		int bytes = 0;

		/* The parser counts characters. */
		for (int i = 0; i < offset && sql[bytes] != '\0'; i++)
		{
			bytes++;
			while (((unsigned char) sql[bytes] & 0xC0) == 0x80)
				bytes++;
		}
		pair->out = palloc0(sizeof(DbsDdlStatement));
		pair->out->source_sql = sql;
		pair->out->tag = "";
		pair->out->class = DBS_DDL_UNKNOWN;
		dbs_ddl_locate(tokens->text, tokens->start + bytes, &pair->out->error_line, &pair->out->error_column);
		raw->out = pair->out;
		dbs_ddl_raw_note(raw, DBS_NOTE_ERROR, "line %d, column %d: %s", pair->out->error_line, pair->out->error_column,
						 error);
		return lappend(pairs, pair);
	}
	foreach (cell, trees)
		pairs = read_node(raw, lfirst_node(RawStmt, cell)->stmt, sql, pairs);
	return pairs;
}

/* Read every statement, as Pairs, and put keys and comments where they belong. */
static List *
read_all(DdlRaw *raw, const char *text)
{
	DdlLexer lexer;
	DdlTokens tokens;
	List *pairs = NIL;

	dbs_ddl_lexer_init(&lexer, text, DBS_DIALECT_POSTGRESQL, 0);
	while (dbs_ddl_lexer_next(&lexer, &tokens))
	{
		int before = list_length(pairs);

		pairs = read_statement(raw, &tokens, pairs);
		dbs_ddl_tokens_free(&tokens);
		for (int i = before; i < list_length(pairs); i++)
		{
			Pair *pair = list_nth(pairs, i);

			if (pair->tree != NULL && fold(raw, pair->tree))
				pair->tree = NULL;
		}
	}
	return pairs;
}

List *
dbs_ddl_translate_raw(const char *text, const DbsDdlOptions *options)
{
	DdlRaw raw = {options};
	List *pairs = read_all(&raw, text);
	List *statements = NIL;
	ListCell *cell;

	foreach (cell, pairs)
	{
		Pair *pair = lfirst(cell);

		raw.out = pair->out;
		if (pair->tree != NULL)
			dbs_ddl_my_print(&raw, pair->tree);
		statements = lappend(statements, pair->out);
	}
	return statements;
}

void
dbs_ddl_translate_table(const char *text, const DbsDdlOptions *options, DdlMyTable *out)
{
	DdlRaw raw = {options};
	List *pairs = read_all(&raw, text);
	DbsDdlStatement notes = {0};
	ListCell *cell;

	if (raw.created == NIL)
		elog(ERROR, "the translator finds no table in what PostgreSQL says of one");
	foreach (cell, pairs)
		notes.notes = list_concat(notes.notes, ((Pair *) lfirst(cell))->out->notes);
	raw.out = &notes;
	dbs_ddl_my_parts(&raw, linitial(raw.created), out);
}
