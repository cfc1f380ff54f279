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
#include "ddl_raw.h"

typedef struct Pair
{
	DbsDdlStatement *out;
	DdlStatement *tree;
} Pair;

List *
dbs_ddl_parse_raw(const char *sql, const char **error, int *offset)
{
	MemoryContext context = CurrentMemoryContext;
	List *volatile trees = NIL;

	*error = NULL;
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
		if (data->sqlerrcode == ERRCODE_QUERY_CANCELED || data->sqlerrcode == ERRCODE_OUT_OF_MEMORY)
			PG_RE_THROW();
		FlushErrorState();
		*error = data->message;
		*offset = Max(data->cursorpos - 1, 0);
	}
	PG_END_TRY();
	return trees;
}

static bool
same_table(const DdlStatement *created, const DdlName *name)
{
	const char *schema = created->name->schema;

	return strcmp(created->name->name, name->name) == 0 &&
		   (schema == NULL || name->schema == NULL || strcmp(schema, name->schema) == 0);
}

/* Keys and constraints that come later in the text go into the table that it creates. */
static void
fold_keys(DdlRaw *raw, const DdlStatement *tree)
{
	ListCell *cell;
	ListCell *created_cell;

	foreach (created_cell, raw->created)
	{
		DdlStatement *created = lfirst(created_cell);

		if (!same_table(created, tree->name))
			continue;
		foreach (cell, tree->actions)
		{
			const DdlAction *action = lfirst(cell);

			if (action->kind == DDL_ADD_KEY)
				created->create->keys = lappend(created->create->keys, action->key);
			else if (action->kind == DDL_ADD_FOREIGN_KEY)
				created->create->foreign_keys = lappend(created->create->foreign_keys, action->foreign_key);
			else if (action->kind == DDL_ADD_CHECK)
				created->create->checks = lappend(created->create->checks, action->check);
		}
	}
}

/* Is the statement nothing but keys and constraints of a table created in this text? */
static bool
is_folded(const DdlRaw *raw, const DdlStatement *tree)
{
	ListCell *cell;
	bool created = false;

	if (tree->kind != DDL_ALTER_TABLE || tree->actions == NIL)
		return false;
	foreach (cell, raw->created)
		created |= same_table(lfirst(cell), tree->name);
	foreach (cell, tree->actions)
	{
		const DdlAction *action = lfirst(cell);

		created &= action->kind == DDL_ADD_KEY || action->kind == DDL_ADD_CHECK || action->kind == DDL_ADD_FOREIGN_KEY;
	}
	return created;
}

/* A comment on a table or column created in this text; true when it was put there. */
static bool
fold_comment(DdlRaw *raw, const DdlStatement *tree)
{
	ListCell *cell;
	ListCell *column_cell;

	foreach (cell, raw->created)
	{
		DdlStatement *created = lfirst(cell);

		if (tree->kind != DDL_COMMENT || !same_table(created, tree->name))
			continue;
		if (tree->comment_column == NULL)
		{
			created->create->comment = tree->comment;
			return true;
		}
		foreach (column_cell, created->create->columns)
		{
			DdlColumn *column = lfirst(column_cell);

			if (strcmp(column->name, tree->comment_column) == 0)
			{
				column->comment = tree->comment;
				return true;
			}
		}
	}
	return false;
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
	{
		RawStmt *statement = lfirst_node(RawStmt, cell);
		Pair *pair = palloc0(sizeof(Pair));

		pair->out = palloc0(sizeof(DbsDdlStatement));
		pair->out->source_sql = sql;
		pair->out->class = DBS_DDL_APPLY;
		pair->out->tag = CreateCommandName(statement->stmt);
		raw->out = pair->out;
		pair->tree = dbs_ddl_raw_read(raw, statement->stmt);
		pairs = lappend(pairs, pair);
	}
	return pairs;
}

/* Read every statement, as Pairs, and put keys and comments where they belong. */
static List *
read_all(DdlRaw *raw, const char *text)
{
	DdlLexer lexer;
	DdlTokens tokens;
	List *pairs = NIL;
	ListCell *cell;

	dbs_ddl_lexer_init(&lexer, text, DBS_DIALECT_POSTGRESQL, 0);
	while (dbs_ddl_lexer_next(&lexer, &tokens))
	{
		pairs = read_statement(raw, &tokens, pairs);
		dbs_ddl_tokens_free(&tokens);
	}
	foreach (cell, pairs)
	{
		Pair *pair = lfirst(cell);

		if (pair->tree == NULL)
			continue;
		/* Keys of tables created here go into them: only so can a text column get its length, and AUTO_INCREMENT its
		 * key. */
		if (is_folded(raw, pair->tree))
		{
			fold_keys(raw, pair->tree);
			pair->tree = NULL;
		}
		else if (fold_comment(raw, pair->tree))
			pair->tree = NULL;
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
