/* Cost: what is being spent, on what, and where it leads. Figures, budget and charts above; below, the clusters with those first that are
 * paid for and do nothing, or sums of clouds, projects, users, or what changed since yesterday and why.
 *
 * The engine's report is asked for when the view is shown, when the engine says that something changed, and once a minute; between, the
 * figures grow by what runs, once a second. When nothing runs nothing moves. */
#include "tui/view/cost_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "tui/app.h"
#include "tui/chart.h"
#include "tui/view/views.h"
#include "tui/width.h"

enum { AGAIN_MS = 60000, TALL = 26, SECOND_MS = 1000 };

const struct ui_cost *cost_report(const struct cost_state *v)
{
	return app_snapshot(v->app)->cost;
}

struct grid *cost_grid(struct cost_state *v)
{
	return v->by ? &v->groups : &v->grid;
}

static void ask(struct cost_state *v)
{
	v->asked_ms = v->app->now_ms;
	v->snap_at_ms = app_snapshot(v->app)->at_ms;
	ui_source_ask_cost(v->app->source);
}

static void shown(void *state, struct app *a)
{
	(void)a;
	ask(state);
}

/* A budget's warning is worth a word, whatever is on the screen; those from before the screen was opened are history. */
static void tell_warnings(struct cost_state *v)
{
	const struct ui_snapshot *snap = app_snapshot(v->app);
	int64_t newest = v->event_id;
	for (size_t i = 0; i < snap->n_events; i++) {
		const struct ui_event *e = &snap->events[i];
		newest = e->id > newest ? e->id : newest;
		if (v->saw_events && e->id > v->event_id && e->kind && str_eq(e->kind, "budget.reached"))
			app_say(v->app, true, "%s", e->text);
	}
	v->event_id = newest;
	v->saw_events = v->saw_events || snap->at_ms;
}

static void news(void *state, struct app *a)
{
	struct cost_state *v = state;
	tell_warnings(v);
	if (app_view(a) == &cost_view && app_snapshot(a)->at_ms != v->snap_at_ms)
		ask(v);
	cost_remake(v);
}

/* --- actions ------------------------------------------------------------------------------------------------------ */

static void resort(void *arg)
{
	cost_remake(arg);
}

/* For the table that is shown. */
static struct sorter *sorter(struct cost_state *v)
{
	v->sorter = (struct sorter){v->app, cost_grid(v), resort, v};
	return &v->sorter;
}

/* A cluster's row leads to it, a sum to the clusters it is made of. */
static void go_to_cluster(struct cost_state *v)
{
	static const char *const filters[COST_BYS] = {[COST_BY_CLOUD] = "infra:", [COST_BY_PROJECT] = "project=", [COST_BY_USER] = "user="};
	const struct cost_row *r = cost_selected(v);
	char filter[200];
	if (v->by == COST_BY_CLUSTER) {
		clusters_go_to(v->app, r->name);
		return;
	}
	snprintf(filter, sizeof filter, "%s%s", filters[v->by], r->name);
	clusters_show(v->app, filter);
}

static const char *why_not(void *state, const struct app *a, enum action what)
{
	const struct cost_state *v = state;
	const struct cost_row *r = cost_selected(v);
	if (what != ACTION_DETAILS)
		return NULL;
	if (v->changes || !r)
		return "no cluster is selected";
	if (v->by == COST_BY_CLUSTER && !clusters_has(a, r->name))
		return "that cluster is gone; 9 shows what happened to it";
	return NULL;
}

static bool act(void *state, struct app *a, enum action what)
{
	(void)a;
	struct cost_state *v = state;
	struct grid_rows rows = cost_rows(v);
	if (grid_act(cost_grid(v), &rows, what) || sorter_act(sorter(v), what))
		return true;
	switch (what) {
	case ACTION_BREAKDOWN:
		v->by = v->changes ? v->by : (v->by + 1) % COST_BYS;
		v->changes = false;
		cost_remake(v);
		return true;
	case ACTION_BUDGET:
		cost_ask_budget(v);
		return true;
	case ACTION_DETAILS:
		go_to_cluster(v);
		return true;
	case ACTION_CHANGES:
		v->changes = !v->changes;
		return true;
	case ACTION_BACK:
		if (!v->changes && !v->by)
			return false;
		v->changes = false;
		v->by = COST_BY_CLUSTER;
		cost_remake(v);
		return true;
	default:
		return false;
	}
}

static void mouse(void *state, struct app *a, const struct input_event *e)
{
	(void)a;
	struct cost_state *v = state;
	struct grid_rows rows = cost_rows(v);
	if (!v->changes)
		table_mouse(sorter(v), &rows, e);
}

/* --- figures ------------------------------------------------------------------------------------------------------ */

/* Until when the figures have grown: an engine that is not heard of says nothing of what runs. */
static int64_t grown_until(const struct cost_state *v, const struct ui_cost *c)
{
	int64_t now = v->app->now_ms - v->app->now_ms % SECOND_MS;
	return app_snapshot(v->app)->link == UI_LINK_UP && now > c->at_ms ? now : c->at_ms;
}

/* "1,204": dollars, where cents are no longer worth their columns. */
static const char *round_money(int64_t uusd, char *buf, size_t size)
{
	enum { DOLLAR = 1000000, CENTS_UNTIL = 100 };
	return uusd < (int64_t)CENTS_UNTIL * DOLLAR ? money_text(uusd, buf, size) : count_text((uusd + DOLLAR / 2) / DOLLAR, buf, size);
}

struct tile {
	const char *label;
	char text[64], more[64];
};

enum { TILES = 4 };

static void fill_tiles(const struct cost_state *v, const struct ui_cost *c, struct tile out[TILES])
{
	char buf[40], low[40], high[40];
	int64_t now = grown_until(v, c);
	static const char *const labels[TILES] = {"NOW", "TODAY", "THIS MONTH", "END OF MONTH"};
	struct cost_figure figures[] = {c->money.now, cost_grown(c->money.today, &c->money, c->at_ms, now),
	    cost_grown(c->money.month, &c->money, c->at_ms, now), {c->ahead_more && !c->point_uusd ? PRICE_UNKNOWN : c->point_uusd, c->ahead_more}};
	for (int i = 0; i < TILES; i++) {
		out[i] = (struct tile){.label = labels[i]};
		cost_text(figures[i], (i == 3 || c->estimated) && figures[i].uusd > 0, buf, sizeof buf);
		/* "~$12", not "$~12" */
		bool estimated = buf[0] == '~';
		snprintf(out[i].text, sizeof out[i].text, "%s%s%s%s", estimated ? "~" : "", figures[i].uusd == PRICE_UNKNOWN ? "" : "$", buf + estimated,
		    i ? "" : "/h");
	}
	if (figures[3].uusd > 0 && c->low_uusd != c->high_uusd)
		snprintf(out[3].more, sizeof out[3].more, "~$%s to %s", round_money(c->low_uusd, low, sizeof low), round_money(c->high_uusd, high, sizeof high));
}

/* Labels above, figures below. The last one has a band beside it, and gets the room for that. */
static void draw_tiles(const struct tile *t, struct canvas *c, struct rect r)
{
	int w = r.w / (TILES + 1);
	for (int i = 0; i < TILES; i++) {
		int x = r.x + i * w, room = i + 1 < TILES ? w - 1 : r.w - i * w;
		canvas_text(c, x, r.y, room, ROLE_DIM, t[i].label);
		int used = canvas_text(c, x, r.y + 1, room, ROLE_MONEY, t[i].text) + 2;
		canvas_text(c, x + used, r.y + 1, room - used, ROLE_DIM, t[i].more);
	}
}

static void draw_narrow_tiles(const struct tile *t, struct canvas *c, struct rect *r)
{
	struct rect line = rect_cut_top(r, 1);
	canvas_printf(c, line.x, line.y, line.w, ROLE_MONEY, "%s  today %s", t[0].text, t[1].text);
	line = rect_cut_top(r, 1);
	canvas_printf(c, line.x, line.y, line.w, ROLE_MONEY, "month %s  end %s", t[2].text, t[3].text);
}

static void draw_budget(const struct cost_state *v, const struct ui_cost *c, struct canvas *cv, struct rect line)
{
	enum { GAUGE_MIN = 12 };
	char text[200], spent[40], all[40], left[40];
	if (c->budget_uusd == PRICE_UNKNOWN) {
		canvas_printf(cv, line.x, line.y, line.w, ROLE_DIM, "no budget: `skytop budget set 500%s` warns at 50, 80 and 100%%",
		    c->simulated ? " --simulated" : "");
		return;
	}
	/* How fast one project spends is not in the report: its gauge moves once a minute. */
	struct cost_figure now = {c->spent_uusd, false};
	if (!c->budget_of[0])
		now = cost_grown(now, &c->money, c->at_ms, grown_until(v, c));
	int64_t rest = c->budget_uusd > now.uusd ? c->budget_uusd - now.uusd : 0;
	int64_t percent = c->budget_uusd > 0 ? (int64_t)((double)now.uusd * 100 / (double)c->budget_uusd) : 100;
	enum role role = percent >= 100 ? ROLE_BAD : percent >= 80 ? ROLE_WARN : ROLE_GOOD;
	int label = canvas_text(cv, line.x, line.y, line.w, ROLE_DIM, "BUDGET "), words = 0;
	for (int form = 0; form < 3; form++) { /* all of it, or as much as leaves room for the gauge */
		struct str s = str_new(sizeof text);
		str_addf(&s, "%lld%%, ", (long long)percent);
		if (form < 2)
			str_addf(&s, "$%s of $%s, ", money_text(now.uusd, spent, sizeof spent), money_text(c->budget_uusd, all, sizeof all));
		str_addf(&s, "$%s left%s%s", money_text(rest, left, sizeof left), c->budget_of[0] ? ", project " : "", c->budget_of);
		if (c->budget_blocks && form == 0)
			str_add(&s, percent >= 100 ? "; launches are refused" : "; then launches are refused");
		snprintf(text, sizeof text, "%s", str_text(&s));
		str_free(&s);
		words = width_text(text, strlen(text));
		if (label + GAUGE_MIN + 1 + words <= line.w)
			break;
	}
	int w = line.w - label - words - 1;
	w = w > 40 ? 40 : w < GAUGE_MIN ? GAUGE_MIN : w;
	chart_gauge(cv, line.x + label, line.y, w, role, percent);
	canvas_text(cv, line.x + label + w + 1, line.y, line.w - label - w - 1, percent >= 80 ? role : ROLE_TEXT, text);
}

enum { CHART_LABEL = 9, CHART_LEAST = 8 };

/* "24 HOURS ▂▃▅ min 0 max 1.20 last 0.40" */
struct chart_line {
	const char *label;
	const int64_t *values;
	size_t n;
	char text[160];
	bool nothing;
};

static struct chart_line chart_line(const char *label, const int64_t *values, size_t n)
{
	char least[40], most[40], last[40];
	struct chart_line l = {.label = label, .values = values, .n = n, .text = "nothing yet"};
	int64_t low, high, end;
	chart_range(values, n, &low, &high, &end);
	l.nothing = high < 0;
	if (!l.nothing)
		snprintf(l.text, sizeof l.text, "min $%s  max $%s  last $%s", money_text(low, least, sizeof least), money_text(high, most, sizeof most),
		    money_text(end, last, sizeof last));
	return l;
}

/* How wide its bars are: what the figures leave, two columns a value at most. */
static int chart_width(const struct chart_line *l, int width)
{
	int room = width - CHART_LABEL - 2 - width_text(l->text, strlen(l->text));
	return room < 2 * (int)l->n ? room : 2 * (int)l->n;
}

/* bars: how many columns they and what is beside them have before the figures. */
static void draw_chart(struct canvas *c, struct rect r, const struct chart_line *l, int bars)
{
	int foot = r.y + r.h - 1, x = r.x + CHART_LABEL;
	canvas_text(c, r.x, foot, CHART_LABEL, ROLE_DIM, l->label);
	if (bars >= CHART_LEAST && !l->nothing) { /* else the figures alone */
		int w = 2 * (int)l->n < bars ? 2 * (int)l->n : bars;
		chart_bars(c, (struct rect){x, r.y, w, r.h}, ROLE_CHART, l->values, l->n);
		x += bars + 2;
	}
	canvas_text(c, x, foot, r.x + r.w - x, l->nothing ? ROLE_DIM : ROLE_TEXT, l->text);
}

/* One above the other, with their figures in line, or side by side where there is the width for both. */
static void draw_charts(const struct ui_cost *c, struct canvas *cv, struct rect *r, int height)
{
	enum { WIDE = 190 };
	const struct chart_line hours = chart_line("24 HOURS", c->hours, COST_HOURS), days = chart_line("30 DAYS", c->days, COST_DAYS);
	struct rect first = rect_cut_top(r, height), second = first;
	if (r->w >= WIDE) {
		first.w = r->w / 2;
		second.x += first.w;
		second.w -= first.w;
		draw_chart(cv, first, &hours, chart_width(&hours, first.w));
		draw_chart(cv, second, &days, chart_width(&days, second.w));
		return;
	}
	second = rect_cut_top(r, height);
	int room = r->w - CHART_LABEL - 2 - width_text(hours.text, strlen(hours.text)), bars = chart_width(&days, r->w);
	bars = room < bars ? room : bars;
	draw_chart(cv, first, &hours, bars);
	draw_chart(cv, second, &days, bars);
}

/* Stopped machines whose disks are still paid for, and money that is none. */
static void draw_asides(const struct ui_cost *c, struct canvas *cv, struct rect *r)
{
	size_t n = 0;
	int64_t disks = 0;
	char money[40];
	for (size_t i = 0; i < c->n_rows[COST_BY_CLUSTER]; i++) {
		const struct cost_row *row = &c->rows[COST_BY_CLUSTER][i];
		if (!row->stopped || !row->disk_uusd_h)
			continue;
		n++;
		disks = disks == PRICE_UNKNOWN || row->disk_uusd_h == PRICE_UNKNOWN ? PRICE_UNKNOWN : disks + row->disk_uusd_h;
	}
	if (n && r->h > 4) {
		struct rect line = rect_cut_top(r, 1);
		canvas_printf(cv, line.x, line.y, line.w, ROLE_WARN, "STOPPED  %zu %s stopped; the disks are still paid for: %s%s/h", n,
		    n == 1 ? "cluster is" : "clusters are", disks == PRICE_UNKNOWN ? NUM_UNKNOWN : "~$",
		    disks == PRICE_UNKNOWN ? " $" : money_text(disks, money, sizeof money));
	}
	if (c->has_apart && r->h > 4) {
		char today[40];
		struct rect line = rect_cut_top(r, 1);
		canvas_printf(cv, line.x, line.y, line.w, ROLE_DIM, "APART    simulated machines, which cost no money: $%s/h now, $%s today",
		    cost_text(c->apart.now, false, money, sizeof money), cost_text(c->apart.today, false, today, sizeof today));
	}
}

/* --- since yesterday ---------------------------------------------------------------------------------------------- */

/* "+$12.48" */
static const char *signed_money(int64_t uusd, char *buf, size_t size)
{
	char money[40];
	snprintf(buf, size, "%s$%s", uusd < 0 ? "-" : "+", money_text(uusd < 0 ? -uusd : uusd, money, sizeof money));
	return buf;
}

static void draw_changes(const struct ui_cost *c, struct canvas *cv, struct rect r)
{
	char money[40];
	struct rect title = rect_cut_top(&r, 1);
	canvas_text(cv, title.x, title.y, title.w, ROLE_HEADER, "SINCE YESTERDAY");
	canvas_printf(cv, title.x + 17, title.y, title.w - 17, ROLE_TEXT, "%s: the last 24 hours against the 24 before",
	    c->n_changes ? signed_money(c->changed_uusd, money, sizeof money) : "no change");
	for (size_t i = 0; i < c->n_changes && r.h > 0; i++) {
		const struct cost_change *ch = &c->changes[i];
		struct rect line = rect_cut_top(&r, 1);
		if (r.h == 0 && i + 1 < c->n_changes) {
			canvas_printf(cv, line.x, line.y, line.w, ROLE_DIM, "and %zu more", c->n_changes - i);
			return;
		}
		canvas_text(cv, line.x, line.y, 22, ROLE_TEXT, ch->name);
		canvas_right(cv, line.x + 23, line.y, 11, ch->diff_uusd > 0 ? ROLE_WARN : ROLE_GOOD,
		    ch->known ? signed_money(ch->diff_uusd, money, sizeof money) : NUM_UNKNOWN);
		canvas_text(cv, line.x + 36, line.y, line.w - 36, ROLE_DIM, ch->text);
	}
}

/* One line, where there is no room for the list: the greatest change and its reason. */
static void draw_change_line(const struct ui_cost *c, struct canvas *cv, struct rect line)
{
	char all[40], one[40];
	const struct cost_change *ch = c->changes;
	if (!c->n_changes)
		return;
	canvas_printf(cv, line.x, line.y, line.w, ROLE_TEXT, "SINCE YESTERDAY %s: %s %s, %s", signed_money(c->changed_uusd, all, sizeof all), ch->name,
	    ch->known ? signed_money(ch->diff_uusd, one, sizeof one) : NUM_UNKNOWN, ch->text);
}

/* Below the table, which takes no more lines than it has rows; a third of what there is at most. */
static void cut_changes(const struct cost_state *v, const struct ui_cost *c, struct canvas *cv, struct rect *r)
{
	int want = (int)c->n_changes + 1 < r->h / 3 ? (int)c->n_changes + 1 : r->h / 3, room = r->h - want - 1;
	struct rect table = rect_cut_top(r, (int)v->n + 1 < room ? (int)v->n + 1 : room);
	rect_cut_top(r, 1);
	draw_changes(c, cv, *r);
	*r = table;
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static void title_line(void *state, struct app *a, struct canvas *c, struct rect line, bool keys)
{
	(void)keys;
	static const char *const words[COST_BYS] = {"cluster", "cloud", "project", "user"};
	const struct cost_state *v = state;
	const struct ui_cost *report = cost_report(v);
	char right[120] = "", age[40];
	bool old = report && app_snapshot(a)->link == UI_LINK_LOST;
	canvas_printf(c, line.x, line.y, line.w, ROLE_TITLE, " Cost %s%s%s ", v->changes ? "since yesterday" : "by ", v->changes ? "" : words[v->by],
	    !report || !report->simulated ? "" : a->simulated ? ": no money" : ", simulated: no money");
	if (old)
		snprintf(right, sizeof right, " as of %s ", ago_text(report->at_ms, a->now_ms, age, sizeof age));
	canvas_right(c, line.x, line.y, line.w, ROLE_WARN, right);
}

static const char *empty_text(const struct cost_state *v)
{
	const char *without = view_without_engine(v->app);
	if (without)
		return without;
	return !cost_report(v) ? "waiting for the engine" : "nothing has cost anything yet; l in Offers launches a cluster";
}

static void draw_table(struct cost_state *v, struct canvas *c, struct rect r, bool keys)
{
	struct grid_rows rows = cost_rows(v);
	grid_draw(cost_grid(v), &rows, c, r, keys, empty_text(v));
}

static void draw(void *state, struct app *a, struct canvas *cv, struct rect body, bool keys)
{
	struct cost_state *v = state;
	const struct ui_cost *c = cost_report(v);
	struct tile tiles[TILES];
	bool tall = body.h >= TALL, wide = body.w >= 60;
	if (a->now_ms - v->asked_ms >= AGAIN_MS)
		ask(v);
	if (!c) {
		canvas_text(cv, body.x + 1, body.y, body.w - 2, ROLE_DIM, empty_text(v));
		return;
	}
	struct rect r = rect_inset(body, 1, 0);
	fill_tiles(v, c, tiles);
	if (wide)
		draw_tiles(tiles, cv, rect_cut_top(&r, 2));
	else
		draw_narrow_tiles(tiles, cv, &r);
	if (tall)
		rect_cut_top(&r, 1);
	if (r.h > 3)
		draw_budget(v, c, cv, rect_cut_top(&r, 1));
	if (tall) {
		struct rect line = rect_cut_top(&r, 1);
		canvas_printf(cv, line.x, line.y, line.w, ROLE_DIM, "END OF MONTH = %s", c->method);
	}
	if (r.h > 8)
		draw_charts(c, cv, &r, tall ? 3 : 1);
	draw_asides(c, cv, &r);
	if (tall)
		rect_cut_top(&r, 1);
	if (v->changes) {
		draw_changes(c, cv, r);
		return;
	}
	if (tall && c->n_changes)
		cut_changes(v, c, cv, &r);
	else if (!tall && r.h > 6)
		draw_change_line(c, cv, rect_cut_bottom(&r, 1));
	/* The table takes the whole width: its selected row does. */
	draw_table(v, cv, (struct rect){body.x, r.y, body.w, r.h}, keys);
}

static int64_t wait_ms(void *state, const struct app *a)
{
	const struct ui_cost *c = cost_report(state);
	if (!c || c->money.now.uusd <= 0 || app_snapshot(a)->link != UI_LINK_UP)
		return -1;
	return SECOND_MS - a->now_ms % SECOND_MS;
}

static void *create(struct app *a)
{
	struct cost_state *v = xcalloc(1, sizeof *v);
	v->app = a;
	v->asked_ms = a->now_ms;
	cost_init_grids(v);
	return v;
}

static void destroy(void *state)
{
	struct cost_state *v = state;
	free(v->order);
	grid_finish(&v->grid);
	grid_finish(&v->groups);
	free(v);
}

const struct view_ops cost_view = {
    .name = "cost",
    .title = "Cost",
    .scope = SCOPE_COST,
    .go = ACTION_VIEW_COST,
    .create = create,
    .destroy = destroy,
    .shown = shown,
    .news = news,
    .act = act,
    .why_not = why_not,
    .mouse = mouse,
    .title_line = title_line,
    .draw = draw,
    .wait_ms = wait_ms,
};
