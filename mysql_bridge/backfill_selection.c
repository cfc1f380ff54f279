#include "backfill_selection.h"

#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "pattern.h"

bool
backfill_newly_selected(struct json_object *recorded, const char *schema, const char *name)
{
	struct json_object *selections = NULL;
	bool newly = false;

	if (recorded == NULL || !json_object_object_get_ex(recorded, "selections", &selections))
		return false;
	for (size_t i = 0; i < json_object_array_length(selections) && !newly; i++)
	{
		struct json_object *before = json_object_array_get_idx(selections, i);
		size_t count = json_object_array_length(before);
		const char **patterns = calloc(count + 1, sizeof *patterns);

		for (size_t k = 0; patterns != NULL && k < count; k++)
			patterns[k] = json_object_get_string(json_object_array_get_idx(before, k));
		newly = patterns == NULL || !dbs_pattern_selects(patterns, schema, strlen(schema), name, strlen(name));
		free(patterns);
	}
	return newly;
}
