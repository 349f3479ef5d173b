/* Logs: panes with the output of jobs, the engine's events, or the way of a launch; what each shows and where it stands is the pane's
 * (log_pane.h), where it is on the screen is panes.h's. Here: what comes from the source goes to its pane, keys go to the one that has the
 * focus, and lines are drawn between them. A pane's title stands in the line above it, for those at the top in the view's own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "tui/app.h"
#include "tui/view/logs_priv.h"
#include "tui/view/views.h"

enum { LOGS_BYTES = 16 << 20 }; /* of text, in all panes together */

struct log_pane *logs_focused(const struct logs_state *v)
{
	return v->slots[panes_focused(&v->panes)];
}

static int count(const struct logs_state *v)
{
	int slots[PANES_MAX];
	return panes_list(&v->panes, slots);
}

/* --- panes come and go -------------------------------------------------------------------------------------------- */

void logs_share_memory(struct logs_state *v)
{
	size_t each = (size_t)LOGS_BYTES / (size_t)count(v);
	for (int i = 0; i < PANES_MAX; i++)
		if (v->slots[i])
			logbuf_limit(v->slots[i]->buf, each < LOGBUF_BYTES ? each : LOGBUF_BYTES);
}

static bool split(struct logs_state *v, bool beside)
{
	const struct log_pane *from = logs_focused(v);
	int slot = panes_split(&v->panes, beside);
	if (slot < 0) {
		app_say(v->app, false, "there are %d panes already; x closes one", PANES_MAX);
		return false;
	}
	v->slots[slot] = log_pane_create(v->app);
	log_pane_like(v->slots[slot], from);
	logs_share_memory(v);
	return true;
}

static void close_pane(struct logs_state *v)
{
	int slot = panes_close(&v->panes);
	if (slot < 0) {
		if (logs_focused(v)->target.kind == LOG_NOTHING)
			app_act(v->app, ACTION_VIEW_CLUSTERS);
		slot = panes_focused(&v->panes);
		log_pane_destroy(v->slots[slot]);
		v->slots[slot] = log_pane_create(v->app);
		return;
	}
	log_pane_destroy(v->slots[slot]);
	v->slots[slot] = NULL;
	logs_share_memory(v);
}

static void open_target(struct logs_state *v, const struct log_target *t, bool beside)
{
	int slots[PANES_MAX], n = panes_list(&v->panes, slots);
	app_act(v->app, ACTION_VIEW_LOGS);
	for (int i = 0; i < n; i++) {
		struct log_pane *p = v->slots[slots[i]];
		if (log_target_eq(&p->target, t) && !p->broken && t->id >= 0) { /* it is there already */
			panes_focus(&v->panes, slots[i]);
			return;
		}
	}
	if (beside && logs_focused(v)->target.kind != LOG_NOTHING && !split(v, true))
		return;
	log_pane_open(logs_focused(v), t);
	logs_share_memory(v);
}

void logs_follow(struct app *a, const char *cluster, int64_t job_id, bool beside)
{
	struct log_target t = {.kind = LOG_JOB, .id = job_id, .rank = -1};
	snprintf(t.cluster, sizeof t.cluster, "%s", cluster);
	open_target(app_view_state(a, &logs_view), &t, beside);
}

void logs_follow_request(struct app *a, const char *cluster, int64_t request_id)
{
	struct log_target t = {.kind = LOG_REQUEST, .id = request_id, .rank = -1};
	snprintf(t.cluster, sizeof t.cluster, "%s", cluster);
	open_target(app_view_state(a, &logs_view), &t, false);
}

/* --- what the source tells ---------------------------------------------------------------------------------------- */

static struct log_pane *pane_of(const struct logs_state *v, unsigned log)
{
	for (int i = 0; log && i < PANES_MAX; i++)
		if (v->slots[i] && v->slots[i]->log == log)
			return v->slots[i];
	return NULL;
}

static void log_data(void *state, struct app *a, unsigned log, const char *data, size_t len, int64_t at_ms)
{
	struct log_pane *p = pane_of(state, log);
	if (!p)
		return;
	bool first = logbuf_empty(p->buf); /* is what the person waits for */
	logbuf_add(p->buf, data, len, at_ms);
	if (app_view(a) == &logs_view && first)
		a->dirty = true;
	else if (app_view(a) == &logs_view)
		a->lazy = true;
}

static void log_older(void *state, struct app *a, unsigned log, const char *data, size_t len, int64_t at_ms)
{
	(void)a;
	struct log_pane *p = pane_of(state, log);
	if (p)
		log_pane_older(p, data, len, at_ms);
}

static void log_end(void *state, struct app *a, unsigned log, bool broken, const char *text)
{
	struct log_pane *p = pane_of(state, log);
	if (!p)
		return;
	log_pane_end(p, broken, text);
	a->dirty = true;
}

static void news(void *state, struct app *a)
{
	(void)a;
	struct logs_state *v = state;
	for (int i = 0; i < PANES_MAX; i++)
		if (v->slots[i])
			log_pane_news(v->slots[i]);
	logs_pick_again(v);
}

/* --- actions ------------------------------------------------------------------------------------------------------ */

static bool back(struct logs_state *v)
{
	struct log_pane *p = logs_focused(v);
	if (p->selecting) {
		log_pane_select(p, false);
	} else if (p->query.field.len) {
		field_set(&p->query.field, "");
		p->hit = LOG_NO_LINE;
	} else if (p->filter.field.len) {
		field_set(&p->filter.field, "");
		log_pane_refilter(p);
	} else if (!p->follow) {
		p->follow = true;
	} else if (v->panes.zoomed) {
		v->panes.zoomed = false;
	} else {
		app_act(v->app, ACTION_VIEW_CLUSTERS);
	}
	return true;
}

/* What has to do with panes. */
static bool act_panes(struct logs_state *v, enum action what)
{
	static const struct {
		enum action action;
		int dx, dy;
	} cuts[] = {{ACTION_CUT_LEFT, -2, 0}, {ACTION_CUT_RIGHT, 2, 0}, {ACTION_CUT_UP, 0, -1}, {ACTION_CUT_DOWN, 0, 1}},
	  sides[] = {{ACTION_PANE_LEFT, -1, 0}, {ACTION_PANE_RIGHT, 1, 0}, {ACTION_PANE_UP, 0, -1}, {ACTION_PANE_DOWN, 0, 1}};
	panes_place(&v->panes, v->at.area, &v->at); /* it may have changed since it was drawn */
	for (size_t i = 0; i < ARRAY_LEN(cuts); i++) {
		if (cuts[i].action == what && !panes_resize(&v->panes, &v->at, cuts[i].dx, cuts[i].dy))
			app_say(v->app, false, "there is no line between panes to move that way");
		if (sides[i].action == what)
			panes_toward(&v->panes, &v->at, sides[i].dx, sides[i].dy);
		if (cuts[i].action == what || sides[i].action == what)
			return true;
	}
	switch (what) {
	case ACTION_SPLIT_BESIDE:
	case ACTION_SPLIT_BELOW:
		if (split(v, what == ACTION_SPLIT_BESIDE))
			logs_pick(v);
		return true;
	case ACTION_PANE_CLOSE:
		close_pane(v);
		return true;
	case ACTION_PANE_ZOOM:
		v->panes.zoomed = !v->panes.zoomed;
		return true;
	case ACTION_PANE:
	case ACTION_PANE_BEFORE:
		panes_cycle(&v->panes, what == ACTION_PANE ? 1 : -1);
		return true;
	case ACTION_PANE_NUMBER:
		logs_pick_pane(v);
		return true;
	case ACTION_PANE_CHORD:
		v->chord = true;
		return true;
	case ACTION_LOG_OPEN:
		logs_pick(v);
		return true;
	case ACTION_LOG_OPEN_BESIDE:
		if (logs_focused(v)->target.kind == LOG_NOTHING || split(v, true))
			logs_pick(v);
		return true;
	default:
		return false;
	}
}

/* What has to do with the text of one. */
static bool act_pane(struct logs_state *v, struct log_pane *p, enum action what)
{
	switch (what) {
	case ACTION_FOLLOW:
		p->selecting = false;
		if (p->follow)
			log_pane_pause(p);
		else
			p->follow = true;
		return true;
	case ACTION_WRAP:
		p->wrap = !p->wrap;
		p->left = p->top_row = 0;
		p->followed = false;
		return true;
	case ACTION_LEFT:
	case ACTION_RIGHT:
		p->left += (what == ACTION_RIGHT ? 1 : -1) * (p->width > 1 ? p->width / 2 : 1);
		p->left = p->left < 0 ? 0 : p->left > LOGBUF_LINE_MAX ? LOGBUF_LINE_MAX : p->left;
		return true;
	case ACTION_TIMES:
		p->times = (enum log_times)((p->times + 1) % LOG_TIMES);
		return true;
	case ACTION_SEARCH:
		query_begin(&p->query);
		log_pane_begin_search(p);
		return true;
	case ACTION_LOG_FILTER:
		query_begin(&p->filter);
		return true;
	case ACTION_CONTEXT:
		p->context = p->context == 0 ? 1 : p->context == 1 ? 3 : p->context == 3 ? LOG_CONTEXT_MAX : 0;
		log_pane_refilter(p);
		app_say(v->app, false, p->context ? "%d lines around each that the filter shows" : "no lines around those that the filter shows", p->context);
		return true;
	case ACTION_RANK:
		logs_pick_rank(v);
		return true;
	case ACTION_NEXT_MATCH:
	case ACTION_PREV_MATCH:
		log_pane_next_hit(p, what == ACTION_NEXT_MATCH ? 1 : -1);
		return true;
	case ACTION_SELECT:
		log_pane_select(p, !p->selecting);
		return true;
	case ACTION_SAVE:
		log_pane_ask_save(p);
		return true;
	default:
		return false;
	}
}

static bool act(void *state, struct app *a, enum action what)
{
	(void)a;
	struct logs_state *v = state;
	struct log_pane *p = logs_focused(v);
	return act_panes(v, what) || log_pane_move(p, what) || act_pane(v, p, what) || (what == ACTION_BACK && back(v));
}

static const char *why_not(void *state, const struct app *a, enum action what)
{
	(void)a;
	const struct logs_state *v = state;
	const struct log_pane *p = logs_focused(v);
	bool empty = log_pane_first(p) == LOG_NO_LINE;
	if ((what == ACTION_NEXT_MATCH || what == ACTION_PREV_MATCH) && !p->query.field.len)
		return "search for something first: /";
	if (what == ACTION_SAVE && empty)
		return "there is nothing to save";
	if (what == ACTION_SELECT && empty)
		return "there is nothing to select";
	if (what == ACTION_CONTEXT && !p->match.n)
		return "filter first: &";
	if ((what == ACTION_LEFT || what == ACTION_RIGHT) && p->wrap)
		return "lines are wrapped; w changes that";
	if ((what == ACTION_PANE || what == ACTION_PANE_BEFORE || what == ACTION_PANE_ZOOM) && count(v) == 1)
		return "there is only one pane; | and - make more";
	return NULL;
}

/* --- keys and mouse ----------------------------------------------------------------------------------------------- */

/* After C-w, as in vi. */
static void chord_key(struct logs_state *v, struct key k)
{
	static const struct {
		uint32_t code;
		enum action action;
	} keys[] = {{'c', ACTION_PANE_CLOSE}, {'q', ACTION_PANE_CLOSE}, {'x', ACTION_PANE_CLOSE}, {'v', ACTION_SPLIT_BESIDE}, {'|', ACTION_SPLIT_BESIDE},
	    {'%', ACTION_SPLIT_BESIDE}, {'s', ACTION_SPLIT_BELOW}, {'-', ACTION_SPLIT_BELOW}, {'"', ACTION_SPLIT_BELOW}, {'w', ACTION_PANE},
	    {KEYS_TAB, ACTION_PANE}, {'W', ACTION_PANE_BEFORE}, {'z', ACTION_PANE_ZOOM}, {'o', ACTION_PANE_ZOOM}, {'h', ACTION_PANE_LEFT},
	    {KEYS_LEFT, ACTION_PANE_LEFT}, {'j', ACTION_PANE_DOWN}, {KEYS_DOWN, ACTION_PANE_DOWN}, {'k', ACTION_PANE_UP}, {KEYS_UP, ACTION_PANE_UP},
	    {'l', ACTION_PANE_RIGHT}, {KEYS_RIGHT, ACTION_PANE_RIGHT}, {'<', ACTION_CUT_LEFT}, {'>', ACTION_CUT_RIGHT}, {'+', ACTION_CUT_DOWN}};
	v->chord = false;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (keys[i].code == k.code && (!k.mods || (k.mods == KEYS_CTRL && k.code == 'w')))
			app_act(v->app, keys[i].action);
}

static void typed(struct log_pane *p)
{
	if (p->query.typing)
		log_pane_search(p, false);
	else
		log_pane_refilter(p);
}

static bool key(void *state, struct app *a, struct key k)
{
	struct logs_state *v = state;
	struct log_pane *p = logs_focused(v);
	if (v->chord) {
		chord_key(v, k);
		return true;
	}
	struct query *q = p->query.typing ? &p->query : p->filter.typing ? &p->filter : NULL;
	if (!q) {
		bool number = key_action(a->keys, SCOPE_LOGS, k) == ACTION_PANE_NUMBER && k.code >= '1' && k.code <= '9';
		int slots[PANES_MAX], n = panes_list(&v->panes, slots);
		if (number && (int)(k.code - '1') < n)
			panes_focus(&v->panes, slots[k.code - '1']);
		return number;
	}
	bool search = q == &p->query;
	enum query_event e = query_key(q, k);
	if (e == QUERY_OTHER && k.code >= KEYS_UP && !k.mods)
		app_act(a, key_action(a->keys, SCOPE_LOGS, k));
	else if (e == QUERY_CHANGED || e == QUERY_UNDONE)
		search ? log_pane_search(p, e == QUERY_UNDONE) : log_pane_refilter(p);
	return true;
}

static bool paste(void *state, struct app *a, const char *text, size_t len)
{
	(void)a;
	struct log_pane *p = logs_focused(state);
	if (!query_paste(p->query.typing ? &p->query : &p->filter, text, len))
		return false;
	typed(p);
	return true;
}

/* The wheel scrolls what it is over; a click gives the focus; a drag moves the line between panes, or selects lines. */
static void mouse(void *state, struct app *a, const struct input_event *e)
{
	(void)a;
	struct logs_state *v = state;
	int x = e->mouse.x, y = e->mouse.y, slot = panes_at(&v->at, x, y), cut = panes_cut_at(&v->panes, &v->at, x, y);
	struct log_pane *p = slot >= 0 ? v->slots[slot] : NULL;
	uint64_t line = p ? log_pane_line_at(p, y) : LOG_NO_LINE;
	switch (e->mouse.what) {
	case MOUSE_WHEEL_UP:
	case MOUSE_WHEEL_DOWN:
		for (int i = 0; p && i < 3; i++)
			log_pane_move(p, e->mouse.what == MOUSE_WHEEL_UP ? ACTION_UP : ACTION_DOWN);
		return;
	case MOUSE_PRESS:
		v->dragged = cut;
		if (slot >= 0)
			panes_focus(&v->panes, slot);
		if (p)
			p->selecting = false;
		if (p && cut < 0 && line != LOG_NO_LINE)
			p->anchor = line;
		return;
	case MOUSE_DRAG:
		if (v->dragged >= 0) {
			panes_place(&v->panes, v->at.area, &v->at);
			panes_drag(&v->panes, &v->at, v->dragged, x, y);
		} else if (p == logs_focused(v) && line != LOG_NO_LINE) {
			log_pane_pause(p);
			p->selecting = true;
			p->cursor = line;
		}
		return;
	case MOUSE_RELEASE:
		v->dragged = -1;
		return;
	}
}

/* --- drawing ------------------------------------------------------------------------------------------------------ */

static void put_line(struct canvas *c, struct rect r, bool heavy)
{
	canvas_fill(c, r, heavy ? ROLE_TITLE : ROLE_BORDER, r.w == 1 ? (heavy ? 0x2503 : 0x2502) : heavy ? 0x2501 : 0x2500);
}

static bool is_rule(const struct canvas *c, int x, int y)
{
	if (x < 0 || y < 0 || x >= c->w || y >= c->h)
		return false;
	uint32_t cp = c->cells[(size_t)y * (size_t)c->w + (size_t)x].cp;
	return cp == 0x2500 || cp == 0x2501;
}

/* The lines between panes beside one another, joined to the titles that they meet; heavy along the pane that has the focus. */
static void draw_cuts(const struct logs_state *v, struct canvas *c)
{
	struct rect focus = v->at.at[panes_focused(&v->panes)];
	for (int i = 0; i < v->at.n_cuts; i++) {
		struct rect r = v->at.cuts[i].line;
		if (v->panes.nodes[v->at.cuts[i].node].cut != PANE_BESIDE)
			continue;
		bool touches = r.x == focus.x - 1 || r.x == focus.x + focus.w;
		for (int y = r.y; y < r.y + r.h; y++) {
			bool heavy = touches && y >= focus.y && y < focus.y + focus.h;
			bool left = is_rule(c, r.x - 1, y), right = is_rule(c, r.x + 1, y);
			unsigned cp = y == r.y ? (heavy ? 0x2533 : 0x252c) : left && right ? (heavy ? 0x254b : 0x253c) : left ? (heavy ? 0x252b : 0x2524)
				      : right ? (heavy ? 0x2523 : 0x251c) : heavy ? 0x2503 : 0x2502;
			canvas_put(c, r.x, y, heavy ? ROLE_TITLE : ROLE_BORDER, cp);
		}
	}
}

/* Titles and lines; those at the top are cut off but where the view's own title line is drawn, and the others there. */
static void draw_frames(struct logs_state *v, struct canvas *c, bool keys)
{
	int slots[PANES_MAX], n = panes_list(&v->panes, slots);
	struct layout l = layout_of(c->w, c->h);
	int w = v->app->plain && n > 1 && l.body.w >= PANES_WIDE ? PANES_WIDE - 1 : l.body.w; /* read by the line, none is beside another */
	panes_place(&v->panes, (struct rect){l.body.x, l.title.y, w, l.body.h + 1}, &v->at);
	for (int i = 0; i < n; i++) {
		struct rect line = v->at.at[slots[i]];
		bool focus = slots[i] == panes_focused(&v->panes);
		struct log_title t = {n > 1 ? i + 1 : 0, focus, keys && focus, v->panes.zoomed, n};
		if (rect_empty(line))
			continue;
		line.h = 1;
		if (n > 1)
			put_line(c, line, focus);
		log_pane_title(v->slots[slots[i]], c, rect_inset(line, 1, 0), &t);
	}
	draw_cuts(v, c);
}

static void title_line(void *state, struct app *a, struct canvas *c, struct rect line, bool keys)
{
	(void)a;
	(void)line;
	draw_frames(state, c, keys);
}

static void draw_nothing(struct canvas *c, struct rect r, bool one)
{
	canvas_wrap(c, rect_inset(r, 1, 0), ROLE_DIM, one ? "No log is followed. Press o and choose one; or go to Clusters (2), choose a cluster, press o." :
	    "Nothing is shown here. o chooses what, x closes the pane.");
}

static void draw(void *state, struct app *a, struct canvas *c, struct rect body, bool keys)
{
	(void)a;
	(void)body;
	struct logs_state *v = state;
	draw_frames(v, c, keys);
	for (int i = 0; i < PANES_MAX; i++) {
		struct rect r = v->at.at[i];
		if (!v->slots[i] || rect_empty(r) || v->at.folded[i])
			continue;
		rect_cut_top(&r, 1);
		struct rect was = canvas_clip(c, r);
		if (v->slots[i]->target.kind == LOG_NOTHING)
			draw_nothing(c, r, count(v) == 1);
		else
			log_pane_draw(v->slots[i], c, r, i == panes_focused(&v->panes));
		c->clip = was;
	}
}

static const char *const *hints(void *state, const struct app *a)
{
	(void)a;
	static const char *const typing[] = {"Enter", "keep", "Esc", "undo", NULL};
	static const char *const filter[] = {"Enter", "keep", "Esc", "undo", "word", "must be there", "!word", "must not", "rank:0,1", "of these ranks",
	    "level:warn", "at least", NULL};
	static const char *const chord[] = {"v", "beside", "s", "below", "c", "close", "w", "next", "hjkl", "go there", "z", "zoom", "<>+", "move line", NULL};
	const struct logs_state *v = state;
	const struct log_pane *p = logs_focused(v);
	return v->chord ? chord : p->filter.typing ? filter : p->query.typing ? typing : NULL;
}

static void *create(struct app *a)
{
	struct logs_state *v = xcalloc(1, sizeof *v);
	v->app = a;
	v->dragged = -1;
	panes_init(&v->panes);
	v->slots[0] = log_pane_create(a);
	return v;
}

static void destroy(void *state)
{
	struct logs_state *v = state;
	for (int i = 0; i < PANES_MAX; i++)
		log_pane_destroy(v->slots[i]);
	free(v->choices);
	free(v);
}

const struct view_ops logs_view = {
    .name = "logs",
    .title = "Logs",
    .scope = SCOPE_LOGS,
    .go = ACTION_VIEW_LOGS,
    .create = create,
    .destroy = destroy,
    .news = news,
    .key = key,
    .act = act,
    .why_not = why_not,
    .paste = paste,
    .mouse = mouse,
    .log_data = log_data,
    .log_end = log_end,
    .log_older = log_older,
    .title_line = title_line,
    .draw = draw,
    .copies = logs_copies,
    .save = logs_save,
    .restore = logs_restore,
    .hints = hints,
};
