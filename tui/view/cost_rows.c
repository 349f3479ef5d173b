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

static const struct cost_row *row_at(const struct cost_state *v, size_t row)
{
	return &cost_report(v)->rows[v->by][v->order[row]];
}

const struct cost_row *cost_selected(const struct cost_state *v)
{
	size_t at = v->by ? v->groups.selected : v->grid.selected;
	return at < v->n ? row_at(v, at) : NULL;
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
	if (!r->running && !r->stopped)
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

static void cluster_cell(const struct cost_state *v, const struct cost_row *r, size_t column, struct grid_cell *out)
{
	struct cost_figures m = grown(v, r);
	bool gone = !r->running && !r->stopped;
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

static void group_cell(const struct cost_state *v, const struct cost_row *r, size_t column, struct grid_cell *out)
{
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

static size_t count(void *arg)
{
	return ((struct cost_state *)arg)->n;
}

static uint64_t id(void *arg, size_t row)
{
	const struct cost_state *v = arg;
	/* Clusters that are gone may share a name: the place tells them apart, newest first. */
	const struct cost_row *r = row_at(v, row);
	return list_id(r->name) ^ (uint64_t)(v->by || r->running || r->stopped ? 0 : r->ended_ms) ^ (uint64_t)v->by << 60;
}

static void cell(void *arg, size_t row, size_t column, struct grid_cell *out)
{
	const struct cost_state *v = arg;
	if (v->by)
		group_cell(v, row_at(v, row), column, out);
	else
		cluster_cell(v, row_at(v, row), column, out);
}

struct grid_rows cost_rows(struct cost_state *v)
{
	return (struct grid_rows){count, id, cell, v};
}

/* --- the order ---------------------------------------------------------------------------------------------------- */

/* Most first; what is not known last. */
static int by_money(struct cost_figure a, struct cost_figure b)
{
	return (b.uusd > a.uusd) - (b.uusd < a.uusd);
}

static int compare(const struct cost_row *a, const struct cost_row *b, int sort)
{
	switch (sort) {
	case K_NAME:
		return strcmp(a->name, b->name);
	case K_STATUS:
		return strcmp(a->status, b->status);
	case K_CLOUD:
		return strcmp(a->provider, b->provider);
	case K_RATE:
		return by_money(a->money.now, b->money.now);
	case K_TODAY:
		return by_money(a->money.today, b->money.today);
	case K_MONTH:
		return by_money(a->money.month, b->money.month);
	case K_TOTAL:
		return by_money(a->total, b->total);
	}
	return 0; /* by what is wasted: as the engine has them */
}

void cost_remake(struct cost_state *v)
{
	const struct ui_cost *c = cost_report(v);
	struct grid *g = cost_grid(v);
	int sort = g->sort_column < 0 ? K_NOTE : g->columns[g->sort_column].sort;
	v->n = c ? c->n_rows[v->by] : 0;
	v->order = xreallocarray(v->order, v->n + 1, sizeof *v->order);
	for (size_t i = 0; i < v->n; i++) {
		size_t at = i;
		for (; at > 0; at--) {
			int d = compare(&c->rows[v->by][i], &c->rows[v->by][v->order[at - 1]], sort);
			if (g->descending ? d <= 0 : d >= 0)
				break;
			v->order[at] = v->order[at - 1];
		}
		v->order[at] = i;
	}
	struct grid_rows rows = cost_rows(v);
	grid_sync(g, &rows);
}

void cost_init_grids(struct cost_state *v)
{
	grid_init(&v->grid, cluster_columns, ARRAY_LEN(cluster_columns));
	grid_init(&v->groups, group_columns, ARRAY_LEN(group_columns));
	v->grid.sort_column = K_NOTE;
	v->groups.sort_column = G_MONTH;
}
