/* Task files: whatever the bytes, a task or a message, never a crash; what is accepted can be shown, packed and
 * unpacked, and means the same afterwards. */
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/model/task.h"
#include "tests/fuzz/must.h"

static void round_trip(const struct task *t)
{
	struct err err = {0};
	json_t *packed = task_pack(t);
	MUST(packed);
	struct dag *back = task_unpack(packed, &err);
	MUST(back);
	json_t *again = task_pack(&back->tasks[0]);
	MUST(json_equal(packed, again));
	json_decref(again);
	json_decref(packed);
	dag_destroy(back);
}

static void check(const struct dag *d)
{
	char buf[128];
	json_t *j = dag_to_json(d);
	char *text = json_text(j);
	MUST(d->n_tasks >= 1);
	MUST(strcmp(text, "null"));
	for (size_t i = 0; i < d->n_tasks; i++) {
		const struct task *t = &d->tasks[i];
		MUST(t->n_resources >= 1 && t->num_nodes >= 1);
		for (size_t k = 0; k < t->n_resources; k++)
			MUST(strlen(resources_text(&t->resources[k], buf, sizeof buf)) < sizeof buf);
		round_trip(t);
	}
	free(text);
	json_decref(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const envs[] = {"TOKEN=t", NULL};
	static const struct task_override over = {.gpus = "L4:2", .infra = "local", .use_spot = 1, .envs = envs};
	struct err err = {0};
	struct where at = {0};
	struct dag *d = dag_parse((const char *)data, size, "f", NULL, &at, &err);
	if (d)
		check(d);
	else
		MUST(err.code == ERR_INVALID && err.text[0] == 'f');
	dag_destroy(d);
	d = dag_parse((const char *)data, size, "f", &over, NULL, &err);
	if (d)
		check(d);
	dag_destroy(d);
	return 0;
}
