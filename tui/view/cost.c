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
#include "tui/view/details.h"
#include "tui/view/views.h"
#include "tui/width.h"

enum { AGAIN_MS = 60000, TALL = 26, SPACIOUS = 22, SECOND_MS = 1000 };

static const char *const cost_words[COST_BYS] = {"cluster", "cloud", "project", "user"};

const struct ui_cost *cost_report(const struct cost_state *v)
{
	return app_snapshot(v->app)->cost;
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
	list_news(&v->clusters);
	list_news(&v->groups);
}

/* --- actions ------------------------------------------------------------------------------------------------------ */

/* A cluster's row leads to it, or, when it is gone, to what is still known of it; a sum to the clusters it is made of. */
static void go_to(struct cost_state *v)
{
	static const char *const filters[COST_BYS] = {[COST_BY_CLOUD] = "infra:", [COST_BY_PROJECT] = "project=", [COST_BY_USER] = "user="};
	const struct cost_row *r = cost_selected(v);
	char filter[200];
	if (v->by == COST_BY_CLUSTER) {
		if (cost_is_gone(r))
			v->details = !v->details;
		else
			clusters_go_to(v->app, r->name);
		return;
	}
	snprintf(filter, sizeof filter, "%s%s", filters[v->by], r->name);
	clusters_show(v->app, filter);
}

static const char *why_not(void *state, const struct app *a, enum action what)
{
	struct cost_state *v = state;
	const struct cost_row *r = cost_selected(v);
	bool of_table = what == ACTION_FILTER || (what >= ACTION_SORT_NEXT && what <= ACTION_SORT_MENU);
	if (v->changes && of_table)
		return "c shows the table again";
	if (what == ACTION_MARK)
		return "nothing is done here with several rows";
	if (what == ACTION_PANE)
		return "b sums up by something else, c shows what changed";
	if (what != ACTION_DETAILS)
		return NULL;
	if (v->changes || !r)
		return "no cluster is selected";
	if (v->by == COST_BY_CLUSTER && !cost_is_gone(r) && !clusters_has(a, r->name))
		return "that cluster has just gone";
	return NULL;
}

static bool back(struct cost_state *v)
{
	if (v->details && !v->changes && !v->by) {
		v->details = false;
		return true;
	}
	if (!v->changes && !v->by)
		return false;
	v->changes = false;
	v->by = COST_BY_CLUSTER;
	list_remake(cost_list(v));
	return true;
}

static bool act(void *state, struct app *a, enum action what)
{
	(void)a;
	struct cost_state *v = state;
	switch (what) {
	case ACTION_BREAKDOWN:
		v->by = v->changes ? v->by : (v->by + 1) % COST_BYS;
		v->changes = false;
		list_remake(cost_list(v));
		return true;
	case ACTION_BUDGET:
		cost_ask_budget(v);
		return true;
	case ACTION_DETAILS:
		go_to(v);
		return true;
	case ACTION_CHANGES:
		v->changes = !v->changes;
		return true;
	default:
		return list_act(cost_list(v), what) || (what == ACTION_BACK && back(v));
	}
}

static bool key(void *state, struct app *a, struct key k)
{
	(void)a;
	return list_key(cost_list(state), k);
}

static bool paste(void *state, struct app *a, const char *text, size_t len)
{
	(void)a;
	return list_paste(cost_list(state), text, len);
}

static void mouse(void *state, struct app *a, const struct input_event *e)
{
	(void)a;
	struct cost_state *v = state;
	if (!v->changes)
		list_mouse(cost_list(v), e);
}

static const char *const *hints(void *state, const struct app *a)
{
	(void)a;
	return list_hints(cost_list(state));
}

static size_t copies(void *state, const struct app *a, struct arena *arena, struct view_copy out[VIEW_COPIES_MAX])
{
	struct cost_state *v = state;
	const struct cost_row *r = cost_selected(v);
	size_t n = 0;
	if (!r)
		return 0;
	n = view_copy_add(out, n, "name", arena_strdup(arena, r->name));
	if (v->by == COST_BY_CLUSTER && clusters_has(a, r->name))
		n = view_copy_add(out, n, "down command", view_command(arena, "skytop down", r->name));
	if (v->by == COST_BY_CLUSTER && cost_is_gone(r))
		n = view_copy_add(out, n, "log command", view_command(arena, "skytop logs", r->id));
	n = view_copy_add(out, n, "row", list_tsv(cost_list(v), arena));
	return view_copy_add(out, n, "report", v->by ? arena_printf(arena, "skytop cost --by %s", cost_words[v->by]) : "skytop cost");
}

static json_t *save(void *state)
{
	const struct cost_state *v = state;
	return json_pack("{s:o, s:o}", "clusters", grid_save(&v->clusters.grid), "groups", grid_save(&v->groups.grid));
}

static void restore(void *state, struct app *a, const json_t *saved)
{
	(void)a;
	struct cost_state *v = state;
	grid_restore(&v->clusters.grid, json_object_get(saved, "clusters"));
	grid_restore(&v->groups.grid, json_object_get(saved, "groups"));
	list_remake(&v->clusters);
	list_remake(&v->groups);
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
		cost_dollars(figures[i], (i == 3 || c->estimated) && figures[i].uusd > 0, buf, sizeof buf);
		snprintf(out[i].text, sizeof out[i].text, "%s%s", buf, i ? "" : "/h");
	}
	if (figures[3].uusd > 0 && c->low_uusd != c->high_uusd)
		snprintf(out[3].more, sizeof out[3].more, "~$%s to $%s", round_money(c->low_uusd, low, sizeof low), round_money(c->high_uusd, high, sizeof high));
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
		canvas_printf(cv, line.x, line.y, line.w, ROLE_DIM, "no budget; B sets one, which warns at 50, 80 and 100%%");
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

/* How wide its bars are: what the figures leave, two columns a value at most; whole columns where there are as many as values. */
static int chart_width(const struct chart_line *l, int width)
{
	int room = width - CHART_LABEL - 2 - width_text(l->text, strlen(l->text)), n = (int)l->n;
	return room >= 2 * n ? 2 * n : room >= n ? n : room;
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
	rect_cut_top(r, r->h >= SPACIOUS); /* what is high above would touch what is low below */
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
static void cut_changes(int rows, const struct ui_cost *c, struct canvas *cv, struct rect *r)
{
	int want = (int)c->n_changes + 1 < r->h / 3 ? (int)c->n_changes + 1 : r->h / 3, room = r->h - want - 1;
	struct rect table = rect_cut_top(r, rows < room ? rows : room);
	rect_cut_top(r, 1);
	draw_changes(c, cv, *r);
	*r = table;
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static void title_line(void *state, struct app *a, struct canvas *c, struct rect line, bool keys)
{
	struct cost_state *v = state;
	const struct ui_cost *report = cost_report(v);
	const struct list *l = cost_list(v);
	char name[100], right[120], age[40] = "";
	if (report && app_snapshot(a)->link == UI_LINK_LOST)
		ago_text(report->at_ms, a->now_ms, age, sizeof age);
	snprintf(name, sizeof name, "Cost %s%s%s", v->changes ? "since yesterday" : "by ", v->changes ? "" : cost_words[v->by],
	    report && report->simulated && !a->simulated ? ", simulated: no money" : "");
	if (v->changes || !report) {
		canvas_printf(c, line.x, line.y, line.w, ROLE_TITLE, " %s ", name);
		return;
	}
	snprintf(right, sizeof right, " %s%s%s%s", cost_words[v->by], l->n_all == 1 ? "" : "s", age[0] ? " \xc2\xb7 as of " : "", age);
	list_title(cost_list(v), c, line, name, right, keys);
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
	const struct cost_row *row = cost_selected(v);
	struct rect list = r, side = {0, 0, 0, 0};
	if (v->details && !v->by && row)
		side = details_split(c, r, &list, cost_list(v)->n + 1);
	if (!rect_empty(list))
		list_draw(cost_list(v), c, list, keys, empty_text(v));
	else
		cost_list(v)->grid.rows_at = list; /* no clicks */
	if (!rect_empty(side))
		cost_details_draw(v, c, side, row);
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
	bool details = v->details && !v->by;
	if (tall && c->n_changes && !details)
		cut_changes((int)cost_list(v)->n + 1, c, cv, &r);
	else if (!tall && r.h > 6 && !details)
		draw_change_line(c, cv, rect_cut_bottom(&r, 1));
	/* The table takes the whole width: its selected row does. */
	draw_table(v, cv, (struct rect){body.x, r.y, body.w, r.h}, keys);
}

static int64_t wait_ms(void *state, const struct app *a)
{
	const struct cost_state *v = state;
	const struct ui_cost *c = cost_report(state);
	if (!c || c->money.now.uusd <= 0 || app_snapshot(a)->link != UI_LINK_UP)
		return list_wait_ms(v->by == COST_BY_CLUSTER ? &v->clusters : &v->groups);
	return SECOND_MS - a->now_ms % SECOND_MS;
}

static void *create(struct app *a)
{
	struct cost_state *v = xcalloc(1, sizeof *v);
	v->app = a;
	v->asked_ms = a->now_ms;
	cost_init_lists(v);
	return v;
}

static void destroy(void *state)
{
	struct cost_state *v = state;
	list_finish(&v->clusters);
	list_finish(&v->groups);
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
    .key = key,
    .act = act,
    .why_not = why_not,
    .paste = paste,
    .mouse = mouse,
    .title_line = title_line,
    .draw = draw,
    .copies = copies,
    .save = save,
    .restore = restore,
    .hints = hints,
    .wait_ms = wait_ms,
};
