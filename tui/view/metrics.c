/* Metrics: a heat map of the nodes over time, of the measure that is chosen, and the engine's figures with what they mean. While it is
 * shown the source is asked for them, each time that something is pushed anyway; nothing here wakes by itself. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/plan/figures.h"
#include "core/plan/rings.h"
#include "tui/app.h"
#include "tui/format.h"
#include "tui/grid.h"
#include "tui/menu.h"
#include "tui/view/list.h"
#include "tui/view/views.h"

enum { COL_NODE, COL_NOW, COL_HISTORY, COL_FIRST_MEASURE, COL_HEARD = COL_FIRST_MEASURE + MEASURES };
enum { FIGURES_COLUMNS = 50, FIGURES_ROWS = 11, BESIDE_COLUMNS = 110, BELOW_ROWS = 16, WIDE_COLUMNS = 60, EXPLAIN_ROWS = 3, NODE_ROWS = 3 };

#define COL_MEASURE(m) (COL_FIRST_MEASURE + (int)(m))
#define NODE_COLUMNS(history_min) {                                                                                                        \
	{"NODE", 8, 20, 0, false, COL_NODE}, {"NOW", 5, 5, 0, true, COL_NOW}, {"", (history_min), 700, 0, false, -1},                        \
	{"GPU", 5, 5, 1, true, COL_MEASURE(MEASURE_GPU)}, {"GMEM", 5, 5, 2, true, COL_MEASURE(MEASURE_GPU_MEM)},                             \
	{"LOAD", 5, 5, 3, true, COL_MEASURE(MEASURE_CPU)}, {"MEM", 5, 5, 4, true, COL_MEASURE(MEASURE_MEM)},                                 \
	{"DISK", 5, 5, 6, true, COL_MEASURE(MEASURE_DISK)}, {"NET", 5, 5, 7, true, COL_MEASURE(MEASURE_NET)},                                \
	{"HEARD", 7, 7, 5, true, COL_HEARD}}
/* The map comes before figures that it shows at a key. */
static const struct grid_column narrow_columns[] = NODE_COLUMNS(12), node_columns[] = NODE_COLUMNS(40);
static const struct grid_column figure_columns[] = {
    {"FIGURE", 18, 20, 0, false, -1}, {"VALUE", 9, 9, 0, true, -1}, {"BY PROVIDER", 12, 60, 1, false, -1},
};

struct metrics_state {
	struct app *app;
	enum measure measure;
	enum span span;
	struct list nodes;
	struct grid figures;
	bool in_figures;
	bool seen; /* it was shown before */
};

static const struct ui_metrics *metrics_of(const struct metrics_state *v)
{
	static const struct ui_metrics nothing = {.at_ms = 0};
	const struct ui_metrics *m = app_snapshot(v->app)->metrics;
	return m ? m : &nothing;
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static size_t node_count(void *view)
{
	return metrics_of(view)->n_nodes;
}

static bool same_node(const struct ui_metric_node *a, const struct ui_metric_node *b)
{
	return a->gone == b->gone && a->rank == b->rank && !strcmp(a->cluster, b->cluster);
}

/* Names of those that are gone come again: the first of a name, the second, … */
static uint64_t node_id(void *view, size_t item)
{
	const struct ui_metrics *m = metrics_of(view);
	const struct ui_metric_node *n = &m->nodes[item];
	uint64_t before = n->gone;
	for (size_t i = 0; n->gone && i < item; i++)
		before += same_node(&m->nodes[i], n);
	return list_id(n->cluster) ^ (uint64_t)n->rank << 32 ^ before << 52;
}

/* Is it the only node of its cluster? Then its number says nothing. */
static bool is_alone(const struct ui_metrics *m, size_t row)
{
	const struct ui_metric_node *n = &m->nodes[row], *before = row ? n - 1 : NULL, *after = row + 1 < m->n_nodes ? n + 1 : NULL;
	return !(before && before->gone == n->gone && !strcmp(before->cluster, n->cluster)) &&
	       !(after && after->gone == n->gone && !strcmp(after->cluster, n->cluster));
}

static void put_percent(struct grid_cell *out, int16_t v)
{
	measure_text(v, out->text, sizeof out->text);
	out->role = v < 0 ? ROLE_DIM : ROLE_TEXT;
}

static void node_cell(void *view, size_t row, size_t column, struct grid_cell *out)
{
	const struct metrics_state *v = view;
	const struct ui_metrics *m = metrics_of(v);
	const struct ui_metric_node *n = &m->nodes[row];
	if (column == COL_NODE) {
		if (is_alone(m, row))
			snprintf(out->text, sizeof out->text, "%s", n->cluster);
		else
			snprintf(out->text, sizeof out->text, "%s %" PRId64, n->cluster, n->rank);
		out->role = n->gone ? ROLE_DIM : ROLE_TEXT;
	} else if (n->gone && column >= COL_NOW) {
		snprintf(out->text, sizeof out->text, "%s", column == COL_NOW ? "gone" : "");
		out->role = ROLE_DIM;
	} else if (column == COL_NOW) {
		put_percent(out, n->now[v->measure]);
	} else if (column >= COL_FIRST_MEASURE && column < COL_HEARD) {
		put_percent(out, n->now[column - COL_FIRST_MEASURE]);
	} else if (column == COL_HEARD) {
		format_age(n->heard_at_ms, m->at_ms, out->text, sizeof out->text);
		if (!n->heard_at_ms)
			snprintf(out->text, sizeof out->text, NUM_UNKNOWN);
		out->role = ROLE_DIM;
	}
}

static int by_column(const struct metrics_state *v, const struct ui_metric_node *a, const struct ui_metric_node *b, int sort)
{
	if (sort == COL_NODE)
		return strcmp(a->cluster, b->cluster) ? list_by_text(a->cluster, b->cluster) : list_by_int(a->rank, b->rank);
	if (sort == COL_HEARD)
		return list_by_int(a->heard_at_ms ? a->heard_at_ms : -1, b->heard_at_ms ? b->heard_at_ms : -1);
	int m = sort == COL_NOW ? (int)v->measure : sort - COL_FIRST_MEASURE;
	return m >= 0 && m < MEASURES ? list_by_int(a->now[m], b->now[m]) : 0;
}

/* Where the nodes of its cluster begin. */
static size_t first_of(const struct ui_metrics *m, size_t item)
{
	while (item && m->nodes[item - 1].gone == m->nodes[item].gone && m->nodes[item - 1].rank < m->nodes[item].rank &&
	       !strcmp(m->nodes[item - 1].cluster, m->nodes[item].cluster))
		item--;
	return item;
}

/* What is gone comes last, the newest of it first, whatever the order. */
static int node_compare(void *view, size_t x, size_t y, int sort)
{
	const struct metrics_state *v = view;
	const struct ui_metrics *m = metrics_of(v);
	const struct ui_metric_node *a = &m->nodes[x], *b = &m->nodes[y];
	if (a->gone != b->gone)
		return a->gone ? LIST_MISSING : -LIST_MISSING;
	int d = a->gone ? 0 : by_column(v, a, b, sort);
	if (d || sort >= 0)
		return d;
	size_t p = first_of(m, x), q = first_of(m, y);
	return a->gone && p != q ? (p < q) - (p > q) : (x > y) - (x < y);
}

static const struct list_kind node_kind = {.columns = node_columns, .n_columns = ARRAY_LEN(node_columns), .scope = SCOPE_METRICS,
    .sort_column = COL_NODE, .count = node_count, .id = node_id, .cell = node_cell, .compare = node_compare, .newest_first = true};

static size_t figure_count(void *arg)
{
	return metrics_of(arg)->at_ms ? FIGURES : 0;
}

static uint64_t figure_id(void *arg, size_t row)
{
	(void)arg;
	return row + 1;
}

static void figure_cell(void *arg, size_t row, size_t column, struct grid_cell *out)
{
	const struct ui_metrics *m = metrics_of(arg);
	int64_t value = m->figures[row];
	out->role = value < 0 ? ROLE_DIM : ROLE_TEXT;
	if (column == 0)
		snprintf(out->text, sizeof out->text, "%s", figure_infos[row].title);
	else if (column == 1)
		figure_text((enum figure)row, value, out->text, sizeof out->text);
	else
		snprintf(out->text, sizeof out->text, "%s", m->by[row]);
}

static struct grid_rows figure_rows(struct metrics_state *v)
{
	return (struct grid_rows){figure_count, figure_id, figure_cell, v};
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static void *create(struct app *a)
{
	struct metrics_state *v = xcalloc(1, sizeof *v);
	v->app = a;
	list_init(&v->nodes, a, &node_kind, v);
	grid_init(&v->figures, figure_columns, ARRAY_LEN(figure_columns));
	return v;
}

static void destroy(void *state)
{
	struct metrics_state *v = state;
	list_finish(&v->nodes);
	grid_finish(&v->figures);
	free(v);
}

static void shown(void *state, struct app *a)
{
	struct metrics_state *v = state;
	if (a->simulated && !v->seen) /* what is there has just begun; what there was before is worth a look */
		v->span = SPAN_DAYS;
	v->seen = true;
	ui_source_metrics(a->source, v->measure, v->span);
}

static void news(void *state, struct app *a)
{
	struct metrics_state *v = state;
	struct grid_rows figures = figure_rows(v);
	if (app_view(a) == &metrics_view)
		ui_source_metrics(a->source, v->measure, v->span);
	else
		ui_source_metrics(a->source, MEASURES, v->span); /* nobody looks */
	list_news(&v->nodes);
	grid_sync(&v->figures, &figures);
}

/* --- what can be done --------------------------------------------------------------------------------------------- */

static const struct ui_metric_node *selected(const struct metrics_state *v)
{
	size_t item = list_selected(&v->nodes);
	return item == LIST_NONE ? NULL : &metrics_of(v)->nodes[item];
}

static bool act(void *state, struct app *a, enum action action)
{
	struct metrics_state *v = state;
	struct grid_rows figures = figure_rows(v);
	if (action == ACTION_PANE) {
		v->in_figures = !v->in_figures;
	} else if (action == ACTION_BACK && v->in_figures) {
		v->in_figures = false;
	} else if (action == ACTION_MEASURE || action == ACTION_SPAN) {
		v->measure = (enum measure)((v->measure + (action == ACTION_MEASURE)) % MEASURES);
		v->span = (enum span)((v->span + (action == ACTION_SPAN)) % SPANS);
		shown(v, a);
		if (v->nodes.grid.sort_column == COL_NOW)
			list_remake(&v->nodes);
	} else if (action == ACTION_DETAILS) {
		clusters_go_to(a, selected(v)->cluster);
	} else if (v->in_figures && grid_act(&v->figures, &figures, action)) {
		return true;
	} else {
		return list_act(&v->nodes, action);
	}
	return true;
}

static const char *why_not(void *state, const struct app *a, enum action what)
{
	const struct metrics_state *v = state;
	const struct ui_metric_node *n = selected(v);
	if (what == ACTION_MARK)
		return "nothing is done here with several nodes";
	if (what != ACTION_DETAILS)
		return NULL;
	if (v->in_figures)
		return "what it means stands below it; ? tells of all";
	if (!n)
		return "no node is selected";
	return n->gone || !clusters_has(a, n->cluster) ? "that node is gone; 7 tells what its cluster cost" : NULL;
}

static bool key(void *state, struct app *a, struct key k)
{
	(void)a;
	return list_key(&((struct metrics_state *)state)->nodes, k);
}

static bool paste(void *state, struct app *a, const char *text, size_t len)
{
	(void)a;
	return list_paste(&((struct metrics_state *)state)->nodes, text, len);
}

static void mouse(void *state, struct app *a, const struct input_event *e)
{
	(void)a;
	struct metrics_state *v = state;
	struct grid_rows figures = figure_rows(v);
	bool on_figures = rect_has(v->figures.rows_at, e->mouse.x, e->mouse.y);
	if (e->mouse.what == MOUSE_PRESS)
		v->in_figures = on_figures;
	if (on_figures)
		grid_mouse(&v->figures, &figures, e);
	else
		list_mouse(&v->nodes, e);
}

static int64_t wait_ms(void *state, const struct app *a)
{
	(void)a;
	return list_wait_ms(&((const struct metrics_state *)state)->nodes);
}

static const char *const *hints(void *state, const struct app *a)
{
	(void)a;
	return list_hints(&((struct metrics_state *)state)->nodes);
}

static size_t copies(void *state, const struct app *a, struct arena *arena, struct view_copy out[VIEW_COPIES_MAX])
{
	(void)a;
	struct metrics_state *v = state;
	const struct ui_metric_node *n = selected(v);
	size_t count = 0;
	if (!n)
		return 0;
	count = view_copy_add(out, count, "cluster", arena_strdup(arena, n->cluster));
	count = view_copy_add(out, count, "row", list_tsv(&v->nodes, arena));
	return view_copy_add(out, count, "report", arena_printf(arena, "skytop metrics --measure %s", measure_infos[v->measure].name));
}

static json_t *save(void *state)
{
	const struct metrics_state *v = state;
	return json_pack("{s:s, s:s, s:o}", "measure", measure_infos[v->measure].name, "span", span_infos[v->span].name, "nodes",
	    grid_save(&v->nodes.grid));
}

static void restore(void *state, struct app *a, const json_t *saved)
{
	(void)a;
	struct metrics_state *v = state;
	enum measure m = measure_named(json_str(saved, "measure", NULL));
	enum span s = span_named(json_str(saved, "span", NULL));
	v->measure = m < MEASURES ? m : v->measure;
	v->span = s < SPANS ? s : v->span;
	grid_restore(&v->nodes.grid, json_object_get(saved, "nodes"));
	list_remake(&v->nodes);
}

/* For ?: what every measure and figure is. */
static size_t help(struct arena *arena, struct menu_item *items, size_t max)
{
	(void)arena;
	size_t n = 0;
	for (int i = 0; i < MEASURES && n < max; i++)
		items[n++] = (struct menu_item){.heading = "Measures",
		    .text = measure_infos[i].title, .detail = measure_infos[i].explain, .words = measure_infos[i].name};
	for (int i = 0; i < FIGURES && n < max; i++)
		items[n++] = (struct menu_item){.heading = "Figures",
		    .text = figure_infos[i].title, .detail = figure_infos[i].explain, .words = figure_infos[i].name};
	return n;
}

/* --- drawing ------------------------------------------------------------------------------------------------------ */

/* Much of what runs out (memory, disk) is a warning; much use is what GPUs are rented for. */
static enum role heat_role(enum measure m, int64_t tenths)
{
	bool runs_out = m == MEASURE_GPU_MEM || m == MEASURE_MEM || m == MEASURE_DISK;
	if (runs_out ? tenths >= 900 : m == MEASURE_CPU && tenths > 1000)
		return ROLE_WARN;
	return tenths < 100 ? ROLE_DIM : tenths < 500 ? ROLE_CHART : ROLE_GOOD;
}

static int64_t mean_of(const int16_t *v, size_t n)
{
	int64_t sum = 0, known = 0;
	for (size_t i = 0; i < n; i++) {
		sum += v[i] < 0 ? 0 : v[i];
		known += v[i] >= 0;
	}
	return known ? sum / known : RING_UNKNOWN;
}

/* All steps in w columns: several steps are one column, or one step is several. What is unknown stays blank. */
static void draw_steps(struct canvas *c, int x, int y, int w, enum measure m, const struct ui_metric_node *n)
{
	size_t steps = n->n_steps, columns = (size_t)w, per = (steps + columns - 1) / columns, wide = steps && steps < columns ? columns / steps : 1;
	if (!steps || w <= 0)
		return;
	size_t cells = (steps + per - 1) / per;
	for (size_t i = 0; i < cells; i++) {
		size_t end = steps - (cells - 1 - i) * per, begin = end > per ? end - per : 0;
		int64_t v = mean_of(n->steps + begin, end - begin);
		if (v < 0)
			continue;
		unsigned level = (unsigned)(v >= 1000 ? 7 : v * 8 / 1000);
		for (size_t k = 0; k < wide; k++)
			canvas_put(c, x + w - (int)((cells - i) * wide) + (int)k, y, heat_role(m, v), 0x2581 + level);
	}
}

static void draw_heat(struct metrics_state *v, struct canvas *c, struct rect r)
{
	const struct ui_metrics *m = metrics_of(v);
	const struct grid *g = &v->nodes.grid;
	int x = g->column_x[COL_HISTORY], w = g->column_w[COL_HISTORY];
	char from[40];
	if (!w || !m->n_nodes)
		return;
	snprintf(from, sizeof from, "%s ago", span_infos[v->span].name);
	canvas_text(c, x, r.y, w, ROLE_HEADER, from);
	if (w >= 24)
		canvas_right(c, x, r.y, w, ROLE_HEADER, "now");
	if (m->measure != v->measure || m->span != v->span)
		return; /* asked for, and here in a moment */
	for (int i = 0; i < g->rows_at.h && g->top + (size_t)i < v->nodes.n; i++)
		draw_steps(c, x, g->rows_at.y + i, w, v->measure, &m->nodes[v->nodes.order[g->top + (size_t)i]]);
}

static const char *empty_text(const struct metrics_state *v)
{
	const char *without = view_without_engine(v->app);
	if (without)
		return without;
	return !metrics_of(v)->at_ms ? "waiting for the engine" : "no nodes run; l in Offers launches some";
}

static void draw_nodes(struct metrics_state *v, struct canvas *c, struct rect r, bool keys)
{
	v->nodes.grid.columns = r.w < WIDE_COLUMNS ? narrow_columns : node_columns;
	list_draw(&v->nodes, c, r, keys, empty_text(v));
	draw_heat(v, c, r);
}

static void draw_figures(struct metrics_state *v, struct canvas *c, struct rect r, bool keys)
{
	struct grid_rows rows = figure_rows(v);
	struct rect words = rect_cut_bottom(&r, r.h > 2 * EXPLAIN_ROWS ? EXPLAIN_ROWS : r.h > 4 ? 2 : 0);
	grid_draw(&v->figures, &rows, c, r, keys, "");
	if (v->figures.selected < FIGURES && figure_count(v))
		canvas_wrap(c, rect_inset(words, 1, 0), ROLE_DIM, figure_infos[v->figures.selected].explain);
}

static void title_line(void *state, struct app *a, struct canvas *c, struct rect line, bool keys)
{
	(void)a;
	struct metrics_state *v = state;
	char name[64], right[64];
	snprintf(name, sizeof name, "%s \xc2\xb7 last %s", measure_infos[v->measure].title, span_infos[v->span].title);
	if (!metrics_of(v)->at_ms) { /* how many there are is not known */
		canvas_printf(c, line.x, line.y, line.w, ROLE_TITLE, " %s ", name);
		return;
	}
	snprintf(right, sizeof right, " node%s%s", v->nodes.n_all == 1 ? "" : "s", line.w >= WIDE_COLUMNS ? " \xc2\xb7 blank: unknown" : "");
	list_title(&v->nodes, c, line, name, right, keys);
}

static void draw(void *state, struct app *a, struct canvas *c, struct rect body, bool keys)
{
	struct metrics_state *v = state;
	struct rect figures = {0};
	v->figures.rows_at = v->nodes.grid.rows_at = (struct rect){0};
	int need = v->nodes.n < NODE_ROWS ? NODE_ROWS : (int)v->nodes.n, spare = body.h - need - 1, all = FIGURES + 1 + EXPLAIN_ROWS;
	if (body.w >= BESIDE_COLUMNS && !a->plain)
		figures = rect_cut_right(&body, body.w / 3 < FIGURES_COLUMNS ? FIGURES_COLUMNS : body.w / 3 > 80 ? 80 : body.w / 3);
	else if (body.h >= BELOW_ROWS) /* what the nodes do not need is theirs */
		figures = rect_cut_bottom(&body, spare <= FIGURES_ROWS ? FIGURES_ROWS : spare < all ? spare : all);
	else if (v->in_figures) {
		draw_figures(v, c, body, keys);
		return;
	}
	draw_nodes(v, c, body, keys && !v->in_figures);
	if (figures.h && figures.x > body.x) {
		struct rect line = rect_cut_left(&figures, 1);
		canvas_fill(c, line, ROLE_BORDER, 0x2502);
	}
	if (figures.h)
		draw_figures(v, c, figures, keys && v->in_figures);
}

const struct view_ops metrics_view = {
    .name = "metrics",
    .title = "Metrics",
    .scope = SCOPE_METRICS,
    .go = ACTION_VIEW_METRICS,
    .create = create,
    .destroy = destroy,
    .shown = shown,
    .news = news,
    .key = key,
    .act = act,
    .why_not = why_not,
    .paste = paste,
    .mouse = mouse,
    .copies = copies,
    .hints = hints,
    .wait_ms = wait_ms,
    .help = help,
    .save = save,
    .restore = restore,
    .title_line = title_line,
    .draw = draw,
};
