/*
 * One text for each value, from the wire's form of it and from PostgreSQL's text of it, the same for the same value.
 */
#ifndef DBS_BRIDGE_CLONE_CANONICAL_H
#define DBS_BRIDGE_CLONE_CANONICAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a column's values are compared; which one, follows from the column's type at the target. */
typedef enum CanonicalForm
{
	CANONICAL_NONE, /* they cannot be */
	CANONICAL_TEXT,
	CANONICAL_BOOL,
	CANONICAL_NUMBER, /* without trailing zeros of the fraction */
	CANONICAL_FLOAT,
	CANONICAL_COUNT, /* days or microseconds since 2000-01-01, or microseconds */
	CANONICAL_BYTES, /* hexadecimal */
	CANONICAL_INET,  /* the same, of an address */
	CANONICAL_JSON,  /* members sorted, numbers by value */
	CANONICAL_LIST,  /* labels with commas between */
	CANONICAL_BITS,
	CANONICAL_FLOATS,
	CANONICAL_GEOMETRY /* extended well-known binary, hexadecimal */
} CanonicalForm;

/* Bytes that grow; data is malloc'd, or NULL after memory ran out. */
typedef struct CanonicalText
{
	char *data;
	size_t used;
	size_t size;
	bool failed;
} CanonicalText;

void canonical_append(CanonicalText *text, const void *data, size_t size);
void canonical_free(CanonicalText *text);

/* The form for a value of this wire kind in a column of this type (pg_type.typname). */
CanonicalForm canonical_form(uint8_t kind, const char *typname);

/*
 * What the target is to select, so that its text is close to the form: a format with one %s for the quoted column.
 */
const char *canonical_expression(CanonicalForm form, const char *typname);

/* A value as it stands on the wire. */
void canonical_from_wire(CanonicalText *out, CanonicalForm form, uint8_t kind, const char *value, size_t size);

/* What canonical_expression's text is. kind: of the wire. */
void canonical_from_target(CanonicalText *out, CanonicalForm form, uint8_t kind, const char *value, size_t size);

#endif
