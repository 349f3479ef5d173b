/* Plans: a task file, a provider's list of offers and a list of blocks, none of which is to be believed, separated by
 * lines
 * "%%". Whatever they say, a plan is in order and within its cap, or there are words why not. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/plan/optimize.h"
#include "tests/fuzz/must.h"

enum { PARTS = 3, CAP_UUSD_H = 50000000 };

/* Cut at lines "%%"; a part that is missing is "". */
static void split(char *text, const char *parts[PARTS])
{
	for (size_t i = 0; i < PARTS; i++) {
		parts[i] = text;
		char *next = strstr(text, "\n%%\n");
		if (next) {
			*next = '\0';
			text = next + 4;
		} else {
			text += strlen(text);
		}
	}
}

static void check_plan(const struct plan *p)
{
	for (size_t t = 0; t < p->n_tasks; t++) {
		const struct candidates *c = &p->tasks[t].all;
		bool ordered = p->tasks[t].task->ordered;
		MUST(c->n > 0 && p->tasks[t].chosen < c->n);
		for (size_t i = 0; i < c->n; i++)
			MUST(c->v[i].price_uusd_h >= 0 && c->v[i].total_uusd_h <= CAP_UUSD_H);
		for (size_t i = 1; i < c->n; i++)
			MUST((ordered && c->v[i - 1].alternative < c->v[i].alternative) ||
			     c->v[i - 1].tier < c->v[i].tier || c->v[i - 1].total_uusd_h <= c->v[i].total_uusd_h);
	}
	json_t *j = plan_json(p, 20);
	MUST(json_array_size(json_arr(j, "plan")) == p->n_tasks);
	json_decref(j);
}

static void plan_all(const struct dag *dag, const char *offers, const char *blocks)
{
	static const char *const enabled[] = {"aws", "local"};
	struct arena *a = arena_create();
	struct err err = {0};
	struct plan *p;
	struct plan_failure f;
	struct block *v;
	json_t *list = json_parse(offers, strlen(offers), NULL), *blocked = json_parse(blocks, strlen(blocks), NULL);
	const struct offers *tables[] = {
	    offers_of_provider(a, "aws", list, 1, NULL), offers_of_provider(a, "local", list, 1, NULL)};
	struct plan_request r = {.dag = dag,
	    .tables = tables,
	    .n_tables = 2,
	    .enabled = enabled,
	    .n_enabled = 2,
	    .cap_uusd_h = CAP_UUSD_H,
	    .now_ms = 1000};
	r.n_blocks = blocks_of_json(a, blocked, &v);
	r.blocks = v;
	if (!plan_make(&r, &p, &f, &err)) {
		check_plan(p);
		plan_destroy(p);
	} else {
		MUST(err.code != ERR_NONE && err.text[0]);
		plan_failure_free(&f);
	}
	json_decref(list);
	json_decref(blocked);
	arena_destroy(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *parts[PARTS];
	char *text = xstrndup((const char *)data, size);
	split(text, parts);
	struct dag *d = dag_parse(parts[0], strlen(parts[0]), "fuzz.yaml", NULL, NULL, NULL);
	if (d)
		plan_all(d, parts[1], parts[2]);
	dag_destroy(d);
	free(text);
	return 0;
}
