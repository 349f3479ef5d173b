/* The table of costs: clusters with why they deserve a look, or the sums of clouds, projects and users. Its figures move every ten seconds,
 * those above it each second: a number that nobody can read costs bytes. */
#include "tui/view/cost_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "tui/app.h"
#include "tui/format.h"
#include "tui/view/clusters_priv.h"

enum { K_NAME, K_STATUS, K_CLOUD, K_RATE, K_TODAY, K_MONTH, K_TOTAL, K_SERIES, K_NOTE };
enum { G_NAME, G_RATE, G_TODAY, G_MONTH, G_SHARE, G_SERIES };
enum { STEP_MS = 10000 };

static const struct grid_column cluster_columns[] = {
    [K_NAME] = {"CLUSTER", 10, 26, 0, false, K_NAME},
    [K_STATUS] = {"STATUS", 7, 8, 4, false, K_STATUS},
    [K_CLOUD] = {"CLOUD", 6, 12, 6, false, K_CLOUD},
    [K_RATE] = {"$/h", 7, 9, 0, true, K_RATE},
    [K_TODAY] = {"TODAY", 7, 10, 1, true, K_TODAY},
    [K_MONTH] = {"MONTH", 8, 11, 3, true, K_MONTH},
    [K_TOTAL] = {"COST", 8, 11, 5, true, K_TOTAL},
    [K_SERIES] = {"24 HOURS", 12, 24, 7, false, -1},
    [K_NOTE] = {"NOTE", 22, 60, 2, false, K_NOTE},
};

static const struct grid_column group_columns[] = {
    [G_NAME] = {"NAME", 10, 30, 0, false, K_NAME},
    [G_RATE] = {"$/h", 7, 9, 0, true, K_RATE},
    [G_TODAY] = {"TODAY", 7, 10, 1, true, K_TODAY},
    [G_MONTH] = {"MONTH", 8, 11, 0, true, K_MONTH},
    [G_SHARE] = {"SHARE", 5, 5, 2, true, K_MONTH},
    [G_SERIES] = {"30 DAYS", 15, 24, 3, false, -1},
};

const char *cost_text(struct cost_figure f, bool estimated, char *buf, size_t size)
{
	char money[32];
	if (f.uusd == PRICE_UNKNOWN)
		snprintf(buf, size, NUM_UNKNOWN);
	else
		snprintf(buf, size, "%s%s%s", estimated ? "~" : "", money_text(f.uusd, money, sizeof money), f.more ? "+" : "");
	return buf;
}

const char *cost_dollars(struct cost_figure f, bool estimated, char *buf, size_t size)
{
	char text[40];
	cost_text(f, estimated, text, sizeof text);
	bool mark = text[0] == '~';
	snprintf(buf, size, "%s%s%s", mark ? "~" : "", f.uusd == PRICE_UNKNOWN ? "" : "$", text + mark);
	return buf;
}

bool cost_is_gone(const struct cost_row *r)
{
	return !r->running && !r->stopped;
}

static const struct cost_row *cluster_at(const struct cost_state *v, size_t item)
{
	return &cost_report(v)->rows[COST_BY_CLUSTER][item];
}

static const struct cost_row *group_at(const struct cost_state *v, size_t item)
{
	return &cost_report(v)->rows[v->by][item];
}

const struct cost_row *cost_selected(const struct cost_state *v)
{
	size_t item = list_selected(v->by ? &v->groups : &v->clusters);
	return item == LIST_NONE || !cost_report(v) ? NULL : v->by ? group_at(v, item) : cluster_at(v, item);
}

static void put_money(struct grid_cell *out, struct cost_figure f, bool estimated)
{
	cost_text(f, estimated && f.uusd > 0, out->text, sizeof out->text);
	if (f.uusd == PRICE_UNKNOWN || !f.uusd)
		out->role = ROLE_DIM;
}

static void put_series(struct grid_cell *out, const struct cost_row *r)
{
	size_t n = r->n_series > GRID_SPARK_MAX ? GRID_SPARK_MAX : r->n_series;
	int64_t most = 0;
	for (size_t i = r->n_series - n; i < r->n_series; i++)
		most = r->series[i] > most ? r->series[i] : most;
	if (!most)
		return; /* a line of nothing looks like something */
	memcpy(out->spark, r->series + r->n_series - n, n * sizeof *out->spark);
	out->n_spark = n;
	out->role = ROLE_CHART;
}

/* What is paid for and does nothing is said in words. */
static void put_note(const struct cost_state *v, struct grid_cell *out, const struct cost_row *r)
{
	char age[40], money[40];
	int64_t now = v->app->now_ms, since = r->idle_since_ms ? r->idle_since_ms : r->gpu_idle_since_ms;
	out->role = ROLE_WARN;
	if (r->wasteful)
		snprintf(out->text, sizeof out->text, "%s %s, %s%s", r->idle_since_ms ? "idle" : "GPUs idle", format_age(since, now, age, sizeof age),
		    r->wasted_uusd == PRICE_UNKNOWN ? "price unknown" : "$",
		    r->wasted_uusd == PRICE_UNKNOWN ? "" : money_text(r->wasted_uusd, money, sizeof money));
	else if (r->stopped && r->disk_uusd_h)
		snprintf(out->text, sizeof out->text, r->disk_uusd_h == PRICE_UNKNOWN ? "disk: price unknown" : "disk: ~$%s/h",
		    money_text(r->disk_uusd_h, money, sizeof money));
	else
		out->role = ROLE_DIM;
	if (cost_is_gone(r))
		snprintf(out->text, sizeof out->text, "ended %s", ago_text(r->ended_ms, now, age, sizeof age));
	size_t len = strlen(out->text);
	if (r->simulated && !cost_report(v)->simulated) /* else the title says it of all */
		snprintf(out->text + len, sizeof out->text - len, "%ssimulated", len ? ", " : "");
}

static struct cost_figures grown(const struct cost_state *v, const struct cost_row *r)
{
	const struct ui_cost *c = cost_report(v);
	int64_t now = v->app->now_ms - v->app->now_ms % STEP_MS;
	return (struct cost_figures){r->money.now, cost_grown(r->money.today, &r->money, c->at_ms, now), cost_grown(r->money.month, &r->money, c->at_ms, now)};
}

static void cluster_cell(void *view, size_t item, size_t column, struct grid_cell *out)
{
	const struct cost_state *v = view;
	const struct cost_row *r = cluster_at(v, item);
	struct cost_figures m = grown(v, r);
	bool gone = cost_is_gone(r);
	switch (column) {
	case K_NAME:
		snprintf(out->text, sizeof out->text, "%s", r->name);
		break;
	case K_STATUS:
		snprintf(out->text, sizeof out->text, "%s", gone ? "gone" : r->status);
		out->role = gone ? ROLE_DIM : cluster_status_role(r->status);
		break;
	case K_CLOUD:
		snprintf(out->text, sizeof out->text, "%s", r->provider);
		break;
	case K_RATE:
		put_money(out, m.now, r->estimated);
		break;
	case K_TODAY:
		put_money(out, m.today, r->estimated);
		break;
	case K_MONTH:
		put_money(out, m.month, r->estimated);
		break;
	case K_TOTAL:
		put_money(out, cost_grown(r->total, &r->money, cost_report(v)->at_ms, v->app->now_ms - v->app->now_ms % STEP_MS), r->estimated);
		break;
	case K_SERIES:
		put_series(out, r);
		break;
	default:
		put_note(v, out, r);
	}
}

static void group_cell(void *view, size_t item, size_t column, struct grid_cell *out)
{
	const struct cost_state *v = view;
	const struct cost_row *r = group_at(v, item);
	struct cost_figures m = grown(v, r);
	int64_t all = cost_report(v)->money.month.uusd;
	switch (column) {
	case G_NAME:
		snprintf(out->text, sizeof out->text, "%s", r->name);
		break;
	case G_RATE:
		put_money(out, m.now, false);
		break;
	case G_TODAY:
		put_money(out, m.today, false);
		break;
	case G_MONTH:
		put_money(out, m.month, false);
		break;
	case G_SHARE:
		if (all > 0 && r->money.month.uusd >= 0)
			snprintf(out->text, sizeof out->text, "%lld%%", (long long)((double)r->money.month.uusd * 100 / (double)all + 0.5));
		break;
	default:
		put_series(out, r);
	}
}

static size_t cluster_count(void *view)
{
	const struct ui_cost *c = cost_report(view);
	return c ? c->n_rows[COST_BY_CLUSTER] : 0;
}

static size_t group_count(void *view)
{
	const struct cost_state *v = view;
	const struct ui_cost *c = cost_report(v);
	return c && v->by ? c->n_rows[v->by] : 0;
}

static uint64_t cluster_id(void *view, size_t item)
{
	/* Clusters that are gone may share a name: their ends tell them apart. */
	const struct cost_row *r = cluster_at(view, item);
	return list_id(r->name) ^ (uint64_t)(cost_is_gone(r) ? r->ended_ms : 0);
}

static uint64_t group_id(void *view, size_t item)
{
	const struct cost_state *v = view;
	return list_id(group_at(v, item)->name) ^ (uint64_t)v->by << 60;
}

/* --- the order ---------------------------------------------------------------------------------------------------- */

static int by_money(struct cost_figure a, struct cost_figure b)
{
	return list_by_int(a.uusd, b.uusd);
}

static int compare(const struct cost_row *a, const struct cost_row *b, int sort)
{
	switch (sort) {
	case K_NAME:
		return list_by_text(a->name, b->name);
	case K_STATUS:
		return list_by_text(a->status, b->status);
	case K_CLOUD:
		return list_by_text(a->provider, b->provider);
	case K_RATE:
		return by_money(a->money.now, b->money.now);
	case K_TODAY:
		return by_money(a->money.today, b->money.today);
	case K_MONTH:
		return by_money(a->money.month, b->money.month);
	case K_TOTAL:
		return by_money(a->total, b->total);
	}
	return 0;
}

/* Where nothing else tells, and by the note, as the engine has them: the wasteful first, what is gone last. */
static int cluster_compare(void *view, size_t a, size_t b, int sort)
{
	int d = compare(cluster_at(view, a), cluster_at(view, b), sort);
	return d || (sort != K_NOTE && sort >= 0) ? d : (a > b) - (a < b);
}

static int group_compare(void *view, size_t a, size_t b, int sort)
{
	int d = compare(group_at(view, a), group_at(view, b), sort);
	return d || sort >= 0 ? d : (a > b) - (a < b);
}

static const struct list_kind cluster_kind = {.columns = cluster_columns, .n_columns = ARRAY_LEN(cluster_columns), .scope = SCOPE_COST,
    .sort_column = K_NOTE, .count = cluster_count, .id = cluster_id, .cell = cluster_cell, .compare = cluster_compare, .newest_first = true};
static const struct list_kind group_kind = {.columns = group_columns, .n_columns = ARRAY_LEN(group_columns), .scope = SCOPE_COST,
    .sort_column = G_MONTH, .descending = true, .count = group_count, .id = group_id, .cell = group_cell, .compare = group_compare, .newest_first = true};

struct list *cost_list(struct cost_state *v)
{
	return v->by ? &v->groups : &v->clusters;
}

void cost_init_lists(struct cost_state *v)
{
	list_init(&v->clusters, v->app, &cluster_kind, v);
	list_init(&v->groups, v->app, &group_kind, v);
}
