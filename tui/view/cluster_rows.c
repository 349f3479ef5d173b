/* The cells of clusters and of their jobs. A status is its word; colour only helps. */
#include "tui/view/clusters_priv.h"

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "tui/app.h"
#include "tui/format.h"

static const struct grid_column cluster_columns[] = {
    [C_NAME] = {"NAME", 10, 28, 0, false, C_NAME},
    [C_STATUS] = {"STATUS", 8, 8, 0, false, C_STATUS},
    [C_INFRA] = {"INFRA", 13, 28, 3, false, C_INFRA},
    [C_RESOURCES] = {"RESOURCES", 13, 26, 4, false, C_RESOURCES},
    [C_JOBS] = {"JOBS", 5, 5, 5, true, C_JOBS},
    [C_PRICE] = {"$/h", 8, 9, 0, true, C_PRICE},
    [C_COST] = {"COST", 8, 10, 2, true, C_COST},
    [C_AUTOSTOP] = {"AUTOSTOP", 9, 11, 7, false, -1},
    [C_AGE] = {"LAUNCHED", 8, 8, 6, false, C_AGE},
    [C_DOING] = {"DOING", 10, 60, 1, false, -1},
};

static const struct grid_column job_columns[] = {
    [J_ID] = {"JOB", 5, 6, 0, true, -1},
    [J_NAME] = {"NAME", 10, 30, 0, false, -1},
    [J_STATUS] = {"STATUS", 13, 13, 0, false, -1},
    [J_AGE] = {"SUBMITTED", 9, 9, 2, false, -1},
    [J_TOOK] = {"TOOK", 9, 9, 1, false, -1},
    [J_RESOURCES] = {"RESOURCES", 10, 24, 3, false, -1},
};

static const struct {
	const char *word;
	enum role role;
} cluster_roles[] = {{"UP", ROLE_GOOD}, {"INIT", ROLE_BUSY}, {"STOPPED", ROLE_DIM}},
  job_roles[] = {{"SUCCEEDED", ROLE_GOOD}, {"RUNNING", ROLE_BUSY}, {"SETTING_UP", ROLE_BUSY}, {"PENDING", ROLE_TEXT},
      {"INIT", ROLE_TEXT}, {"CANCELLED", ROLE_DIM}};

enum role cluster_status_role(const char *status)
{
	for (size_t i = 0; i < ARRAY_LEN(cluster_roles); i++)
		if (str_eq(cluster_roles[i].word, status))
			return cluster_roles[i].role;
	return ROLE_WARN;
}

enum role job_status_role(const char *status)
{
	for (size_t i = 0; i < ARRAY_LEN(job_roles); i++)
		if (str_eq(job_roles[i].word, status))
			return job_roles[i].role;
	return ROLE_BAD; /* all the others are ways of failing */
}

const char *cluster_place(const struct ui_cluster *c, char *buf, size_t size)
{
	const char *place = c->zone[0] ? c->zone : c->region;
	snprintf(buf, size, "%s%s%s", c->provider, place[0] ? "/" : "", place);
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

static void put(struct grid_cell *out, const char *text)
{
	snprintf(out->text, sizeof out->text, "%s", text);
}

static void put_jobs(struct grid_cell *out, const struct ui_cluster *c)
{
	if (c->jobs_running < 0)
		put(out, "?");
	else if (c->jobs_pending > 0)
		snprintf(out->text, sizeof out->text, "%lld+%lld", (long long)c->jobs_running, (long long)c->jobs_pending);
	else
		snprintf(out->text, sizeof out->text, "%lld", (long long)c->jobs_running);
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

static void put_money(struct grid_cell *out, int64_t uusd)
{
	char buf[40];
	put(out, format_price(uusd, 0, buf, sizeof buf));
}

/* What is going on: the engine's word, or, in the moment before it has one, ours. */
static void put_doing(const struct clusters_state *v, struct grid_cell *out, const struct ui_cluster *c)
{
	const struct notice *n = notices_about(&v->app->notices, c->name);
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

static size_t count(void *arg)
{
	return ((struct clusters_state *)arg)->n;
}

static const struct ui_cluster *at(const struct clusters_state *v, size_t row)
{
	return &app_snapshot(v->app)->clusters[v->order[row]];
}

static uint64_t id(void *arg, size_t row)
{
	return ((struct clusters_state *)arg)->ids[row];
}

static void cell(void *arg, size_t row, size_t column, struct grid_cell *out)
{
	const struct clusters_state *v = arg;
	const struct ui_cluster *c = at(v, row);
	switch (column) {
	case C_NAME:
		put(out, c->name);
		return;
	case C_STATUS:
		put(out, c->status);
		out->role = cluster_status_role(c->status);
		return;
	case C_INFRA:
		cluster_place(c, out->text, sizeof out->text);
		return;
	case C_RESOURCES:
		cluster_machines(c, out->text, sizeof out->text);
		return;
	case C_JOBS:
		put_jobs(out, c);
		return;
	case C_PRICE:
		put_money(out, c->price_uusd_h);
		return;
	case C_COST:
		put_money(out, c->cost_uusd);
		return;
	case C_AUTOSTOP:
		put_autostop(out, c);
		return;
	case C_AGE:
		format_age(c->launched_at_ms, v->app->now_ms, out->text, sizeof out->text);
		return;
	case C_DOING:
		put_doing(v, out, c);
		return;
	}
}

static int compare_int(int64_t a, int64_t b)
{
	/* Unknown, which is negative, comes last. */
	return (a < 0) != (b < 0) ? (a < 0) - (b < 0) : (a > b) - (a < b);
}

int clusters_compare(const struct ui_cluster *a, const struct ui_cluster *b, int column)
{
	char x[200], y[200];
	switch (column) {
	case C_STATUS:
		return strcmp(a->status, b->status);
	case C_INFRA:
		return strcmp(cluster_place(a, x, sizeof x), cluster_place(b, y, sizeof y));
	case C_RESOURCES:
		return strcmp(a->resources, b->resources);
	case C_JOBS:
		return compare_int(a->jobs_running, b->jobs_running);
	case C_PRICE:
		return compare_int(a->price_uusd_h, b->price_uusd_h);
	case C_COST:
		return compare_int(a->cost_uusd, b->cost_uusd);
	case C_AGE:
		return compare_int(a->launched_at_ms, b->launched_at_ms);
	}
	return 0;
}

struct grid_rows clusters_rows(struct clusters_state *v)
{
	return (struct grid_rows){count, id, cell, v};
}

/* --- jobs --------------------------------------------------------------------------------------------------------- */

static size_t job_count(void *arg)
{
	return ((struct clusters_state *)arg)->n_jobs;
}

static const struct ui_job *job_at(const struct clusters_state *v, size_t row)
{
	return &app_snapshot(v->app)->jobs[v->job_order[row]];
}

static uint64_t job_id(void *arg, size_t row)
{
	const struct ui_job *j = job_at(arg, row);
	return cluster_id_of(j->cluster) ^ (uint64_t)(j->id + 1);
}

static void job_cell(void *arg, size_t row, size_t column, struct grid_cell *out)
{
	const struct clusters_state *v = arg;
	const struct ui_job *j = job_at(v, row);
	int64_t now = v->app->now_ms, end = j->ended_at_ms ? j->ended_at_ms : now;
	switch (column) {
	case J_ID:
		snprintf(out->text, sizeof out->text, "%lld", (long long)j->id);
		return;
	case J_NAME:
		put(out, j->name[0] ? j->name : "\xe2\x80\x94");
		return;
	case J_STATUS:
		put(out, j->status);
		out->role = job_status_role(j->status);
		return;
	case J_AGE:
		format_age(j->submitted_at_ms, now, out->text, sizeof out->text);
		return;
	case J_TOOK:
		/* By the minute while it runs, so that an idle screen stays idle. */
		if (j->started_at_ms && j->ended_at_ms)
			duration_text(end - j->started_at_ms, out->text, sizeof out->text);
		else if (j->started_at_ms)
			format_age(j->started_at_ms, now, out->text, sizeof out->text);
		return;
	case J_RESOURCES:
		put(out, j->resources);
		return;
	}
}

struct grid_rows clusters_job_rows(struct clusters_state *v)
{
	return (struct grid_rows){job_count, job_id, job_cell, v};
}

/* --- both --------------------------------------------------------------------------------------------------------- */

uint64_t cluster_id_of(const char *name)
{
	uint64_t h = 14695981039346656037u;
	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 1099511628211u;
	return h ? h : 1;
}

const struct ui_cluster *clusters_selected(const struct clusters_state *v)
{
	return v->n ? at(v, v->grid.selected) : NULL;
}

const struct ui_job *clusters_selected_job(const struct clusters_state *v)
{
	return v->n_jobs ? job_at(v, v->jobs.selected) : NULL;
}

void clusters_init_grids(struct clusters_state *v)
{
	grid_init(&v->grid, cluster_columns, ARRAY_LEN(cluster_columns));
	grid_init(&v->jobs, job_columns, ARRAY_LEN(job_columns));
	v->grid.sort_column = C_NAME;
}
