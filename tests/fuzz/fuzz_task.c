/* Task files: whatever the bytes are, they are a task or are refused at a place in the file; and what was understood
 * survives being packed for the engine. */
#include <string.h>

#include "core/model/task.h"
#include "tests/fuzz/must.h"

static void pack_again(const struct task *t)
{
	struct err err;
	json_t *packed = task_pack(t);
	struct dag *d = task_unpack(packed, &err);
	MUST(d && d->n_tasks == 1);
	json_t *again = task_pack(&d->tasks[0]);
	MUST(json_equal(packed, again));
	json_decref(packed);
	json_decref(again);
	dag_destroy(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = {0};
	struct where at;
	struct dag *d = dag_parse((const char *)data, size, "t.yaml", NULL, &at, &err);
	if (!d) {
		MUST(err.code == ERR_INVALID);
		MUST(!strncmp(err.text, "t.yaml:", 7));
		return 0;
	}
	json_t *j = dag_to_json(d);
	MUST(j);
	json_decref(j);
	for (size_t i = 0; i < d->n_tasks; i++) {
		char text[200];
		MUST(d->tasks[i].num_nodes >= 1 && d->tasks[i].n_resources >= 1);
		for (size_t r = 0; r < d->tasks[i].n_resources; r++)
			resources_text(&d->tasks[i].resources[r], text, sizeof text);
		pack_again(&d->tasks[i]);
	}
	dag_destroy(d);
	return 0;
}
