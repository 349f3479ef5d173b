/* The frame around every view: the top line says where one is and what is being spent, the title line what is shown, the
 * footer which keys count here. All of it comes from the tables of views, actions and keys. */
#include "tui/palette.h"

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "tui/app.h"
#include "tui/width.h"

/* --- top line ----------------------------------------------------------------------------------------------------- */

static const char *link_word(const struct app *a)
{
	static const char *const words[] = {
	    [UI_LINK_NONE] = "engine off", [UI_LINK_CONNECTING] = "engine starting", [UI_LINK_UP] = "", [UI_LINK_LOST] = "engine lost"};
	/* Until the source has said something it is not known whether there is an engine. */
	const struct ui_snapshot *snap = app_snapshot(a);
	return a->source && (snap->revision || snap->link) ? words[snap->link] : "";
}

enum { CLOCK_COLUMNS = 180, ROOMY_COLUMNS = 60 };

/* "$12.48/h": what is unknown is "?". */
static void add_money(struct str *s, int64_t uusd, const char *unit)
{
	char money[32];
	str_addf(s, "$%s%s", money_text(uusd, money, sizeof money), unit);
}

/* The right end, at most so many columns: first what must always be seen. Returns the columns used. */
static int draw_spend(const struct app *a, struct canvas *c, struct rect top)
{
	const struct ui_spend *spend = &app_snapshot(a)->spend;
	struct str now = str_new(64), rest = str_new(256);
	char clock[32];
	const char *link = link_word(a);
	bool known = app_snapshot(a)->at_ms || spend->now_uusd_h != PRICE_UNKNOWN;
	bool simulated = a->simulated || (known && spend->simulated);
	if (known)
		add_money(&now, spend->now_uusd_h, "/h");
	if (known) {
		str_add(&rest, "  today ");
		add_money(&rest, spend->today_uusd, "");
	}
	if (known && spend->budget_left_uusd != PRICE_UNKNOWN) {
		str_add(&rest, "  left ");
		add_money(&rest, spend->budget_left_uusd, "");
	}
	str_add(&rest, simulated ? " simulated " : " ");
	if (top.w >= CLOCK_COLUMNS) /* by the minute, which is when ages change anyway */
		str_addf(&rest, " %.5s UTC ", time_rfc3339(a->now_ms, clock, sizeof clock) + strlen("2026-11-26T"));
	int now_w = width_text(str_text(&now), now.len), rest_w = width_text(str_text(&rest), rest.len);
	int link_w = link[0] ? width_text(link, strlen(link)) + (now.len ? 2 : 0) : 0;
	if (now_w + rest_w + link_w > top.w * 2 / 3 || top.w < ROOMY_COLUMNS) {
		str_clear(&rest);
		str_add(&rest, simulated ? " sim " : " ");
		rest_w = width_text(str_text(&rest), rest.len);
	}
	int used = now_w + rest_w + link_w, x = top.x + top.w - used;
	if (link[0])
		canvas_text(c, x, top.y, link_w, app_snapshot(a)->link == UI_LINK_LOST ? ROLE_WARN : ROLE_DIM, link);
	x += link_w;
	canvas_text(c, x, top.y, now_w, ROLE_MONEY, str_text(&now));
	canvas_text(c, x + now_w, top.y, rest_w, ROLE_TEXT, str_text(&rest));
	str_free(&now);
	str_free(&rest);
	return used;
}

struct tabs {
	bool brand;
	int gap;
	size_t named; /* so many of the first have their names; of the others only the one that is shown */
	size_t from, to; /* those that there is room for: at the end they may be fewer yet */
};

/* "1 Offers": how wide the tabs are, or, with a canvas, draw them; at (may be NULL) receives the tab at column look. */
static int walk_tabs(const struct app *a, struct canvas *c, int width, struct tabs how, int look, size_t *at)
{
	int x = 1;
	if (how.brand) {
		if (c)
			canvas_text(c, x, 0, width, ROLE_BRAND, "skytop");
		x += 8;
	}
	for (size_t i = how.from; i < how.to; i++) {
		char text[40];
		const char *key = key_of_action(a->keys, SCOPE_GLOBAL, app_views[i]->go);
		bool on = i == a->view, named = on || i < how.named;
		if (!key)
			snprintf(text, sizeof text, "%s", named ? app_views[i]->title : "-");
		else if (!named)
			snprintf(text, sizeof text, "%s", key);
		else
			snprintf(text, sizeof text, "%s %s", key, app_views[i]->title);
		int w = width_text(text, strlen(text));
		if ((c || at) && x + w >= width && !on) /* half a word, or a figure at the money, says nothing */
			return x;
		if (c && x < width)
			canvas_text(c, x, 0, width - x, on ? ROLE_TAB_ON : ROLE_TAB, text);
		if (at && look >= x && look < x + w)
			*at = i;
		x += w + how.gap;
	}
	return x;
}

/* All the names with room around them, or closer together, or as many of them as there is room for. */
static struct tabs tabs_that_fit(const struct app *a, int width)
{
	const struct tabs all[] = {{true, 2, app_n_views, 0, app_n_views}, {false, 2, app_n_views, 0, app_n_views}, {false, 1, app_n_views, 0, app_n_views}};
	struct tabs how = all[0];
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		how = all[i];
		if (walk_tabs(a, NULL, width, how, -1, NULL) <= width)
			return how;
	}
	while (how.named && walk_tabs(a, NULL, width, how, -1, NULL) > width)
		how.named--;
	/* Where there is too little room for the figures alone, that of the view that is shown stays. */
	how.to = a->view + 1;
	while (how.from < a->view && walk_tabs(a, NULL, width, how, -1, NULL) > width)
		how.from++;
	how.to = app_n_views;
	return how;
}

static int tabs_width(const struct app *a)
{
	struct canvas *scratch = canvas_create(1, 1);
	int w = a->w - draw_spend(a, scratch, (struct rect){0, 0, a->w, 1});
	canvas_destroy(scratch);
	return w;
}

size_t frame_tab_at(const struct app *a, int x)
{
	size_t at = SIZE_MAX;
	int width = tabs_width(a);
	walk_tabs(a, NULL, width, tabs_that_fit(a, width), x, &at);
	return at;
}

static void draw_top(const struct app *a, struct canvas *c, struct rect top)
{
	int width = top.w - draw_spend(a, c, top);
	walk_tabs(a, c, width, tabs_that_fit(a, width), -1, NULL);
}

/* --- footer ------------------------------------------------------------------------------------------------------- */

/* With c NULL only how far it reaches. -1: there is no room. */
static int draw_hint(struct canvas *c, int x, struct rect line, const char *key, const char *label)
{
	int key_w = width_text(key, strlen(key)), label_w = width_text(label, strlen(label));
	if (x + key_w + 1 + label_w > line.x + line.w)
		return -1;
	if (c) {
		canvas_text(c, x, line.y, line.w, ROLE_KEY, key);
		canvas_text(c, x + key_w + 1, line.y, line.w, ROLE_HINT, label);
	}
	return x + key_w + 1 + label_w + 2;
}

static void draw_hints(struct canvas *c, struct rect line, const char *const *hints)
{
	for (int x = line.x + 1; x >= 0 && hints[0]; hints += 2)
		x = draw_hint(c, x, line, hints[0], hints[1]);
}

/* From the key table: help first, then what belongs to the view, then what is everywhere; what does not fit is left out. c may be NULL.
 * Returns the action whose hint is at column look. */
static enum action walk_keys(const struct app *a, struct canvas *c, struct rect line, int look)
{
	bool seen[ACTIONS] = {[ACTION_HELP] = true};
	enum action at = ACTION_NONE;
	size_t n;
	const struct key_binding *list = keymap_list(a->keys, &n);
	int from = line.x + 1;
	int x = draw_hint(c, from, line, key_of_action(a->keys, SCOPE_GLOBAL, ACTION_HELP), action_info(ACTION_HELP)->label);
	if (look >= from && look < x - 2)
		at = ACTION_HELP;
	for (enum key_scope scope = app_view(a)->scope; x >= 0; scope = key_scope_below(scope)) {
		for (size_t i = 0; i < n && x >= 0; i++) {
			const struct key_binding *b = &list[i];
			const struct action_info *info = action_info(b->action);
			if (b->scope != scope || seen[b->action] || !info->label ||
			    (info->orders && (a->read_only || !a->source)))
				continue;
			seen[b->action] = true;
			from = x;
			x = draw_hint(c, x, line, b->key, info->label);
			if (look >= from && look < x - 2)
				at = b->action;
		}
		if (scope == SCOPE_GLOBAL)
			break;
	}
	return at;
}

static const char *const *hints_of(const struct app *a)
{
	const struct view_ops *v = app_view(a);
	return a->modal.ops ? a->modal.ops->hints(a->modal.state, a) : v->hints ? v->hints(a->views[a->view], a) : NULL;
}

enum action frame_action_at(const struct app *a, int x, int y)
{
	struct layout l = layout_of(a->w, a->h);
	return l.tiny || !rect_has(l.footer, x, y) || hints_of(a) ? ACTION_NONE : walk_keys(a, NULL, l.footer, x);
}

static void draw_footer(const struct app *a, struct canvas *c, struct rect line)
{
	const char *const *hints = hints_of(a);
	if (hints)
		draw_hints(c, line, hints);
	else
		walk_keys(a, c, line, -1);
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static void draw_tiny(const struct app *a, struct canvas *c, const struct layout *l)
{
	draw_spend(a, c, l->top);
	struct rect body = l->body, foot = rect_cut_bottom(&body, l->screen.w >= 10 && body.h > 1);
	canvas_wrap(c, body, ROLE_DIM, "skytop: enlarge the window");
	const char *key = key_of_action(a->keys, SCOPE_GLOBAL, ACTION_HELP);
	if (!rect_empty(foot) && key)
		draw_hint(c, foot.x + 1, foot, key, action_info(ACTION_HELP)->label);
}

static void draw_view(struct app *a, struct canvas *c, const struct layout *l)
{
	bool keys = !a->modal.ops;
	const struct view_ops *v = app_view(a);
	canvas_fill(c, l->title, ROLE_BORDER, 0x2500);
	if (v->title_line) {
		struct rect line = rect_inset(l->title, 1, 0);
		struct rect was = canvas_clip(c, line);
		if (a->simulated) {
			const char *badge = line.w < 90 ? " DEMO " : " DEMO: SIMULATED ";
			struct rect at = rect_cut_left(&line, (int)strlen(badge) + 1);
			canvas_text(c, at.x, at.y, at.w, ROLE_WARN, badge);
		}
		v->title_line(a->views[a->view], a, c, line, keys);
		c->clip = was;
	}
	struct rect was = canvas_clip(c, l->body);
	v->draw(a->views[a->view], a, c, l->body, keys);
	c->clip = was;
}

void frame_draw(struct app *a, struct canvas *c)
{
	struct layout l = layout_of(c->w, c->h);
	if (l.tiny) {
		draw_tiny(a, c, &l);
		return;
	}
	draw_top(a, c, l.top);
	if (!a->plain || !a->modal.ops)
		draw_view(a, c, &l);
	draw_footer(a, c, l.footer);
	notices_draw(&a->notices, c, l.body, a->now_ms, a->modal.ops && a->modal.ops->ticket ? a->modal.ops->ticket(a->modal.state) : 0);
	struct rect over = {l.screen.x, l.title.y, l.screen.w, l.title.h + l.body.h};
	if (a->under.ops && !a->modal.ops->alone && !a->plain)
		a->under.ops->draw(a->under.state, a, c, over);
	if (a->modal.ops)
		a->modal.ops->draw(a->modal.state, a, c, over);
}
