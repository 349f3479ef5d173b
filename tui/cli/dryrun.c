/* launch --dryrun --clouds: from a task file to a plan in one process, from catalog.db alone. */
#include "tui/cli/dryrun.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/model/cloud.h"
#include "core/plan/optimize.h"
#include "core/provider.h"
#include "core/store/catalog.h"

enum { MAX_CANDIDATES = 100, MAX_CLOUDS = 100 };

struct dryrun {
	struct cli *c;
	struct dag *dag;
	struct arena *arena;
	struct catalog *catalog;
	const char *clouds[MAX_CLOUDS];
	size_t n_clouds;
	const struct offers *tables[MAX_CLOUDS + 1];
	size_t n_tables;
};

/* "aws, GCP ,k8s" → the clouds' own names, each once. */
static int read_clouds(struct dryrun *r, const char *list, struct err *err)
{
	for (const char *p = list; *p; p += strcspn(p, ","), p += *p == ',') {
		size_t len = strcspn(p, ","), k = 0;
		while (len && *p == ' ')
			p++, len--;
		while (len && p[len - 1] == ' ')
			len--;
		char *name = arena_strndup(r->arena, p, len);
		const struct cloud *cloud = cloud_find(name);
		const char *near = cloud ? NULL : cloud_nearest(name);
		if (!len)
			continue;
		if (!cloud)
			return err_set(err, ERR_USAGE, "--clouds: there is no cloud '%s'%s%s%s", name,
			    near ? "; did you mean '" : "", near ? near : "",
			    near ? "'?" : "; skytop check -v lists them");
		while (k < r->n_clouds && strcmp(r->clouds[k], cloud->name))
			k++;
		if (k == r->n_clouds && k < MAX_CLOUDS)
			r->clouds[r->n_clouds++] = cloud->name;
	}
	if (!r->n_clouds)
		return err_set(err, ERR_USAGE, "--clouds: names no cloud; as in --clouds aws,gcp");
	return 0;
}

static const struct provider *provider_of(struct cli *c, const char *name)
{
	const struct provider *const *p = cli_program(c)->providers;
	for (; p && *p; p++)
		if (!strcmp((*p)->name, name))
			return *p;
	return NULL;
}

/* Clouds that are this machine: what they have is not in the catalog. */
static void ask_local(struct dryrun *r, const struct provider *p)
{
	struct err err;
	char *state_dir = home_path(HOME_STATE, p->name);
	json_t *request =
	    json_pack("{s:s, s:{}, s:s}", "verb", provider_verb_name(PROVIDER_OFFERS), "args", "state_dir", state_dir);
	json_t *result = p->cloud_side(request, &err);
	if (result)
		r->tables[r->n_tables++] = offers_of_provider(r->arena, p->name, result, wall_now_ms(), NULL);
	else
		cli_note(r->c, "%s: %s", p->name, err.text);
	json_decref(result);
	json_decref(request);
	free(state_dir);
}

static int open_offers(struct dryrun *r, struct err *err)
{
	r->catalog = catalog_open(err);
	if (!r->catalog)
		return -1;
	if (catalog_warning(r->catalog))
		cli_note(r->c, "%s", catalog_warning(r->catalog));
	r->tables[r->n_tables++] = catalog_offers(r->catalog);
	for (size_t i = 0; i < r->n_clouds; i++) {
		const struct provider *p = provider_of(r->c, r->clouds[i]);
		if (p && p->cloud_side)
			ask_local(r, p);
	}
	return 0;
}

/* "task.yaml: …" is what a chain's or a group's error lacks; all else is said in err. */
static int fail(struct dryrun *r, const struct err *err, struct plan_failure *f)
{
	int status = cli_fail_more(r->c, err, NULL, f->text, f->detail);
	plan_failure_free(f);
	return status;
}

static int warn_over_cap(struct cli *c, const struct plan *p)
{
	for (size_t i = 0; i < p->n_tasks; i++)
		if (plan_chosen(p, i)->over_cap)
			cli_note(c, "warning: this is over max_hourly_cost, and nothing else fits. It is shown because "
				    "SkyPilot plans it; it is not launched.");
	return 0;
}

static bool moves_data(const struct dag *d)
{
	for (size_t i = 0; i < d->n_tasks; i++)
		if (d->tasks[i].input_gb_micro || d->tasks[i].output_gb_micro)
			return true;
	return false;
}

static int plan_and_print(struct dryrun *r, enum plan_goal goal)
{
	struct err err, ignored;
	struct plan *plan;
	struct plan_failure failure;
	struct plan_request q = {.dag = r->dag,
	    .tables = r->tables,
	    .n_tables = r->n_tables,
	    .enabled = r->clouds,
	    .n_enabled = r->n_clouds,
	    .egress = moves_data(r->dag) ? catalog_egress(r->catalog, &ignored) : NULL,
	    .cap_uusd_h = PRICE_UNKNOWN,
	    .goal = goal,
	    .now_ms = wall_now_ms(),
	    .dry_run = true};
	if (plan_make(&q, &plan, &failure, &err))
		return fail(r, &err, &failure);
	json_t *j = plan_json(plan, MAX_CANDIDATES);
	warn_over_cap(r->c, plan);
	plan_destroy(plan);
	if (cli_json(r->c))
		return cli_print_json(r->c, j);
	dryrun_print(r->c, j);
	json_decref(j);
	return 0;
}

int dryrun_plan(struct cli *c, struct dag *d)
{
	struct err err;
	struct dryrun r = {.c = c, .dag = d, .arena = arena_create()};
	const char *minimize = cli_value(c, "minimize");
	int status;
	if (read_clouds(&r, cli_value(c, "clouds"), &err) || open_offers(&r, &err))
		status = cli_fail(c, &err);
	else
		status = plan_and_print(&r, minimize && !strcmp(minimize, "time") ? PLAN_TIME : PLAN_COST);
	catalog_close(r.catalog);
	arena_destroy(r.arena);
	return status;
}
