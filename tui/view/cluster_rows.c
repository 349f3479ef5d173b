/* The cells of clusters and of their jobs. A status is its word; colour only helps. */
#include "tui/view/clusters_priv.h"

#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/model/offer.h"
#include "tui/app.h"
#include "tui/format.h"

static const struct grid_column cluster_columns[] = {
    [C_NAME] = {"NAME", 10, 28, 0, false, C_NAME},
    [C_STATUS] = {"STATUS", 8, 8, 0, false, C_STATUS},
    [C_INFRA] = {"INFRA", 13, 28, 3, false, C_INFRA},
    [C_RESOURCES] = {"RESOURCES", 13, 26, 4, false, C_RESOURCES},
    [C_GPU] = {"GPU", 4, 5, 5, true, C_GPU},
    [C_JOBS] = {"JOBS", 5, 5, 6, true, C_JOBS},
    [C_PRICE] = {"$/h", 8, 9, 0, true, C_PRICE},
    [C_COST] = {"COST", 8, 10, 2, true, C_COST},
    [C_AUTOSTOP] = {"AUTOSTOP", 9, 11, 8, false, -1},
    [C_AGE] = {"LAUNCHED", 8, 8, 7, false, C_AGE},
    [C_USER] = {"USER", 16, 16, 9, false, C_USER},
    [C_PROJECT] = {"PROJECT", 8, 14, 10, false, C_PROJECT},
    [C_DOING] = {"DOING", 10, 60, 1, false, -1},
};

static const struct grid_column job_columns[] = {
    {"JOB", 5, 6, 0, true, -1},
    {"NAME", 10, 30, 0, false, -1},
    {"STATUS", 13, 13, 0, false, -1},
    {"SUBMITTED", 9, 9, 2, false, -1},
    {"TOOK", 9, 9, 1, false, -1},
    {"RESOURCES", 10, 24, 3, false, -1},
};

static const struct {
	const char *word;
	enum role role;
} cluster_roles[] = {{"UP", ROLE_GOOD}, {"INIT", ROLE_BUSY}, {"STOPPED", ROLE_DIM}};

enum role cluster_status_role(const char *status)
{
	for (size_t i = 0; i < ARRAY_LEN(cluster_roles); i++)
		if (str_eq(cluster_roles[i].word, status))
			return cluster_roles[i].role;
	return ROLE_WARN;
}

const char *cluster_place(const struct app *a, const struct ui_cluster *c, char *buf, size_t size)
{
	const char *place = offer_region_text(c->zone[0] ? c->zone : c->region), *mark = c->simulated && !a->simulated ? " (simulated)" : "";
	snprintf(buf, size, "%s%s%s%s", c->provider, mark, place[0] ? "/" : "", place);
	return buf;
}

const char *cluster_machines(const struct ui_cluster *c, char *buf, size_t size)
{
	const char *each = c->resources[0] ? c->resources : c->instance_type, *spot = c->spot ? " spot" : "";
	if (c->nodes == 1)
		snprintf(buf, size, "%s%s", each, spot);
	else
		snprintf(buf, size, "%lldx(%s)%s", (long long)c->nodes, each, spot);
	return buf;
}

const char *cluster_so_far(const struct ui_cluster *c, char *buf, size_t size)
{
	char money[40];
	if (c->cost_uusd == PRICE_UNKNOWN)
		snprintf(buf, size, "what it has cost is not known");
	else
		snprintf(buf, size, "%s so far", format_dollars(c->cost_uusd, 0, money, sizeof money));
	return buf;
}

static void put(struct grid_cell *out, const char *text)
{
	snprintf(out->text, sizeof out->text, "%s", text);
}

static void put_jobs(struct grid_cell *out, const struct ui_cluster *c)
{
	if (c->jobs_running < 0)
		put(out, NUM_UNKNOWN);
	else if (c->jobs_pending > 0)
		snprintf(out->text, sizeof out->text, "%lld+%lld", (long long)c->jobs_running, (long long)c->jobs_pending);
	else
		snprintf(out->text, sizeof out->text, "%lld", (long long)c->jobs_running);
}

/* How busy the GPUs of its head are, in the mean; -1: not known, or it has none. */
static int64_t gpu_percent(const struct ui_cluster *c)
{
	int64_t sum = 0, known = 0;
	for (size_t i = 0; i < c->n_gpus; i++) {
		sum += c->gpus[i].util_percent < 0 ? 0 : c->gpus[i].util_percent;
		known += c->gpus[i].util_percent >= 0;
	}
	return known && str_eq(c->status, "UP") ? sum / known : -1;
}

/* What was heard a while ago may be otherwise now. */
static void put_gpu(const struct clusters_state *v, struct grid_cell *out, const struct ui_cluster *c)
{
	int64_t percent = gpu_percent(c);
	bool late = v->view.app->now_ms - c->heard_at_ms > HEARD_LATE_MS;
	if (percent < 0)
		put(out, NUM_UNKNOWN);
	else
		snprintf(out->text, sizeof out->text, "%lld%%", (long long)percent);
	out->role = percent < 0 || late ? ROLE_DIM : ROLE_TEXT;
}

static void put_autostop(struct grid_cell *out, const struct ui_cluster *c)
{
	if (c->autostop_min < 0)
		put(out, "off");
	else
		snprintf(out->text, sizeof out->text, "%lldm%s", (long long)c->autostop_min, c->autostop_down ? " (down)" : "");
	if (c->autostop_min < 0)
		out->role = ROLE_DIM;
}

static void put_money(struct grid_cell *out, int64_t uusd, bool estimated)
{
	char buf[40];
	put(out, uusd == PRICE_UNKNOWN ? NUM_UNKNOWN : format_price(uusd, estimated, buf, sizeof buf));
}

/* What is going on: the engine's word, or, in the moment before it has one, ours. */
static void put_doing(const struct clusters_state *v, struct grid_cell *out, const struct ui_cluster *c)
{
	const struct notice *n = notices_about(&v->view.app->notices, c->name);
	if (c->progress[0]) {
		put(out, c->progress);
		out->role = ROLE_BUSY;
	} else if (n) {
		snprintf(out->text, sizeof out->text, "%.60s: %.80s", n->what, n->text);
		out->role = ROLE_BUSY;
	} else {
		put(out, c->reason);
		out->role = ROLE_DIM;
	}
}

static const struct ui_cluster *at(const struct clusters_state *v, size_t item)
{
	return &app_snapshot(v->view.app)->clusters[item];
}

static size_t count(void *view)
{
	return app_snapshot(((struct clusters_state *)view)->view.app)->n_clusters;
}

static uint64_t id(void *view, size_t item)
{
	return list_id(at(view, item)->name);
}

static void words(void *view, size_t item, struct str *out)
{
	const struct ui_cluster *c = at(view, item);
	str_addf(out, "%s %s %s", c->instance_type, c->region, c->head_ip);
}

static void cell(void *view, size_t item, size_t column, struct grid_cell *out)
{
	const struct clusters_state *v = view;
	const struct ui_cluster *c = at(v, item);
	switch (column) {
	case C_NAME:
		put(out, c->name);
		return;
	case C_STATUS:
		put(out, c->status);
		out->role = cluster_status_role(c->status);
		return;
	case C_INFRA:
		cluster_place(v->view.app, c, out->text, sizeof out->text);
		return;
	case C_RESOURCES:
		cluster_machines(c, out->text, sizeof out->text);
		return;
	case C_GPU:
		put_gpu(v, out, c);
		return;
	case C_JOBS:
		put_jobs(out, c);
		return;
	case C_PRICE:
		put_money(out, c->price_uusd_h, c->price_estimated);
		return;
	case C_COST:
		put_money(out, c->cost_uusd, false);
		return;
	case C_AUTOSTOP:
		put_autostop(out, c);
		return;
	case C_AGE:
		format_age(c->launched_at_ms, v->view.app->now_ms, out->text, sizeof out->text);
		return;
	case C_USER:
		put(out, c->user);
		return;
	case C_PROJECT:
		put(out, c->project);
		return;
	case C_DOING:
		put_doing(v, out, c);
		return;
	}
}

static int compare(void *view, size_t i, size_t j, int sort)
{
	const struct ui_cluster *a = at(view, i), *b = at(view, j);
	const struct app *app = ((const struct clusters_state *)view)->view.app;
	char x[200], y[200];
	switch (sort) {
	case C_STATUS:
		return list_by_text(a->status, b->status);
	case C_INFRA:
		return list_by_text(cluster_place(app, a, x, sizeof x), cluster_place(app, b, y, sizeof y));
	case C_RESOURCES:
		return list_by_text(a->resources, b->resources);
	case C_GPU:
		return list_by_int(gpu_percent(a), gpu_percent(b));
	case C_JOBS:
		return list_by_int(a->jobs_running, b->jobs_running);
	case C_PRICE:
		return list_by_int(a->price_uusd_h, b->price_uusd_h);
	case C_COST:
		return list_by_int(a->cost_uusd, b->cost_uusd);
	case C_AGE: /* as the column shows it: the youngest first */
		return list_by_int(b->launched_at_ms ? b->launched_at_ms : -1, a->launched_at_ms ? a->launched_at_ms : -1);
	case C_USER:
		return list_by_text(a->user, b->user);
	case C_PROJECT:
		return list_by_text(a->project, b->project);
	default:
		return list_by_text(a->name, b->name);
	}
}

static const struct list_kind kind = {.columns = cluster_columns, .n_columns = ARRAY_LEN(cluster_columns), .scope = SCOPE_CLUSTERS,
    .sort_column = C_NAME, .count = count, .id = id, .cell = cell, .compare = compare, .words = words};

/* --- jobs --------------------------------------------------------------------------------------------------------- */

static const struct ui_job *job_at(const struct clusters_state *v, size_t item)
{
	return &app_snapshot(v->view.app)->jobs[item];
}

static size_t job_count(void *view)
{
	return app_snapshot(((struct clusters_state *)view)->view.app)->n_jobs;
}

static uint64_t job_id(void *view, size_t item)
{
	return job_row_id(job_at(view, item));
}

static bool job_wanted(void *view, size_t item)
{
	const struct ui_cluster *c = clusters_selected(view);
	return c && str_eq(job_at(view, item)->cluster, c->name);
}

static void job_row_cell(void *view, size_t item, size_t column, struct grid_cell *out)
{
	static const enum job_field fields[] = {JOB_FIELD_ID, JOB_FIELD_NAME, JOB_FIELD_STATUS, JOB_FIELD_SUBMITTED, JOB_FIELD_TOOK, JOB_FIELD_RESOURCES};
	const struct clusters_state *v = view;
	job_cell(v->view.app, job_at(v, item), fields[column], out);
}

static int job_compare(void *view, size_t x, size_t y, int sort)
{
	(void)sort;
	return list_by_int(job_at(view, y)->id, job_at(view, x)->id); /* newest first */
}

static const struct list_kind job_kind = {.columns = job_columns, .n_columns = ARRAY_LEN(job_columns), .scope = SCOPE_CLUSTERS, .sort_column = -1,
    .count = job_count, .id = job_id, .cell = job_row_cell, .compare = job_compare, .wanted = job_wanted, .newest_first = true};

/* --- both --------------------------------------------------------------------------------------------------------- */

const struct ui_cluster *clusters_selected(const struct clusters_state *v)
{
	size_t item = list_selected(&v->view.lists[CLUSTERS]);
	return item == LIST_NONE ? NULL : at(v, item);
}

const struct ui_job *clusters_selected_job(const struct clusters_state *v)
{
	size_t item = list_selected(&v->view.lists[CLUSTER_JOBS]);
	return item == LIST_NONE ? NULL : job_at(v, item);
}

void clusters_init_lists(struct clusters_state *v)
{
	list_view_add(&v->view, "grid", &kind);
	list_view_add(&v->view, "jobs", &job_kind);
}
