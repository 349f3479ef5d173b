/* Tasks as they come over the engine's socket and out of its database: any JSON is a task, which packs to the same again, or
 * is refused. */
#include "core/base/json.h"
#include "core/model/task.h"
#include "tests/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = {0};
	json_t *j = json_parse((const char *)data, size, NULL);
	if (!j)
		return 0;
	struct dag *d = task_unpack(j, &err);
	if (!d) {
		MUST(err.code != ERR_NONE && err.text[0]);
	} else {
		MUST(d->n_tasks == 1 && d->tasks[0].n_resources >= 1);
		json_t *packed = task_pack(&d->tasks[0]);
		struct dag *again = task_unpack(packed, &err);
		MUST(again);
		json_t *twice = task_pack(&again->tasks[0]);
		MUST(json_equal(packed, twice));
		json_t *shown = dag_to_json(d);
		MUST(shown);
		json_decref(shown);
		json_decref(twice);
		json_decref(packed);
		dag_destroy(again);
	}
	dag_destroy(d);
	json_decref(j);
	return 0;
}
