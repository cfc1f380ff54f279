/*
 * See stream_row.h.
 */
#include "stream_row.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* Columns of dbstream.stream. */
enum
{
	STREAM_ID = 1,
	STREAM_NAME,
	STREAM_OWNER,
	STREAM_SOURCE,
	STREAM_TARGET,
	STREAM_TABLES,
	STREAM_OPTIONS,
	STREAM_DESIRED,
	STREAM_GENERATION
};

Oid
dbs_catalog_oid(const char *name)
{
	Oid schema = get_namespace_oid("dbstream", false);
	Oid relation = get_relname_relid(name, schema);

	if (!OidIsValid(relation))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("dbstream.%s does not exist", name),
						errhint("Run ALTER EXTENSION dbstream UPDATE, or create the extension anew.")));
	return relation;
}

static const char **
text_array(Datum array)
{
	Datum *elements;
	bool *nulls;
	int count;
	const char **texts;
	int used = 0;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &count);
	texts = palloc0((count + 1) * sizeof(char *));
	for (int i = 0; i < count; i++)
		if (!nulls[i])
			texts[used++] = TextDatumGetCString(elements[i]);
	return texts;
}

DbsStream *
dbs_stream_load(int stream_id)
{
	Relation relation = table_open(dbs_catalog_oid("stream"), AccessShareLock);
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
	DbsStream *stream = NULL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&key, STREAM_ID, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(stream_id));
	scan = systable_beginscan(relation, dbs_catalog_oid("stream_pkey"), true, snapshot, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		TupleDesc desc = RelationGetDescr(relation);
		bool null;

		stream = palloc0(sizeof *stream);
		stream->id = stream_id;
		stream->name = TextDatumGetCString(heap_getattr(tuple, STREAM_NAME, desc, &null));
		stream->owner = DatumGetObjectId(heap_getattr(tuple, STREAM_OWNER, desc, &null));
		stream->tables = text_array(heap_getattr(tuple, STREAM_TABLES, desc, &null));
		stream->options = DatumGetJsonbPCopy(heap_getattr(tuple, STREAM_OPTIONS, desc, &null));
		stream->desired = TextDatumGetCString(heap_getattr(tuple, STREAM_DESIRED, desc, &null));
		stream->generation = DatumGetInt64(heap_getattr(tuple, STREAM_GENERATION, desc, &null));
	}
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);
	table_close(relation, AccessShareLock);
	return stream;
}

/* ---- has it changed? ---- */

static Oid stream_relation = InvalidOid;
/* That this stream had this generation when last looked at, and no definition has changed since; 0: none. */
static int looked_at = 0;
static int64 looked_generation;

static void
definitions_changed(Datum arg, Oid relation)
{
	if (relation == stream_relation || relation == InvalidOid)
		looked_at = 0;
}

bool
dbs_stream_is_outdated(int stream_id, int64 generation)
{
	const DbsStream *stream;

	if (!OidIsValid(stream_relation))
		CacheRegisterRelcacheCallback(definitions_changed, (Datum) 0);
	AcceptInvalidationMessages();
	if (looked_at == stream_id && looked_generation == generation)
		return false;
	/* Before the look, so that a change during it is not missed. */
	stream_relation = dbs_catalog_oid("stream");
	looked_at = stream_id;
	looked_generation = generation;
	stream = dbs_stream_load(stream_id);
	if (stream != NULL && stream->generation == generation)
		return false;
	looked_at = 0;
	return true;
}

void
dbs_stream_report_outdated(int stream_id)
{
	ereport(ERROR, (errcode(MAKE_SQLSTATE('D', 'B', '0', '0', '1')),
					errmsg("the definition of stream %d has changed", stream_id),
					errhint("Read it again from dbstream.bridge_streams().")));
}

const char *
dbs_stream_option(const DbsStream *stream, const char *name, const char *fallback)
{
	JsonbValue *value;

	if (!JB_ROOT_IS_OBJECT(stream->options))
		return fallback;
	value = getKeyJsonValueFromContainer(&stream->options->root, name, strlen(name), NULL);
	if (value == NULL)
		return fallback;
	switch (value->type)
	{
		case jbvString:
			return pnstrdup(value->val.string.val, value->val.string.len);
		case jbvBool:
			return value->val.boolean ? "true" : "false";
		case jbvNumeric:
			return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
		default:
			return fallback;
	}
}

void
dbs_stream_option_pairs(const DbsStream *stream, const char *name, List **keys, List **values)
{
	JsonbValue *object;
	JsonbIterator *iterator;
	JsonbValue value;
	JsonbIteratorToken token;

	*keys = *values = NIL;
	if (!JB_ROOT_IS_OBJECT(stream->options))
		return;
	object = getKeyJsonValueFromContainer(&stream->options->root, name, strlen(name), NULL);
	if (object == NULL || object->type != jbvBinary)
		return;
	iterator = JsonbIteratorInit(object->val.binary.data);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			*keys = lappend(*keys, pnstrdup(value.val.string.val, value.val.string.len));
		else if (token == WJB_VALUE && value.type == jbvString)
			*values = lappend(*values, pnstrdup(value.val.string.val, value.val.string.len));
		else if (token == WJB_VALUE)
			*values = lappend(*values, pstrdup(""));
	}
}
