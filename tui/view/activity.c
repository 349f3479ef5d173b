/* Activity: what the engine was asked to do and does, above; what happened, below. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "tui/app.h"
#include "tui/checklist.h"
#include "tui/format.h"
#include "tui/view/details.h"
#include "tui/view/list.h"
#include "tui/view/views.h"

enum { R_ID, R_WHAT, R_STATE, R_USER, R_ASKED, R_TOOK, R_NOTE };
enum { E_WHEN, E_LEVEL, E_OBJECT, E_TEXT };

static const struct grid_column request_columns[] = {
    [R_ID] = {"ID", 4, 5, 3, true, R_ID},
    [R_WHAT] = {"REQUEST", 14, 26, 0, false, R_WHAT},
    [R_STATE] = {"STATE", 9, 9, 0, false, R_STATE},
    [R_USER] = {"USER", 6, 8, 5, false, R_USER},
    [R_ASKED] = {"ASKED", 7, 7, 2, false, R_ASKED},
    [R_TOOK] = {"TOOK", 7, 7, 1, false, R_TOOK},
    [R_NOTE] = {"PROGRESS", 16, 90, 1, false, -1},
};
static const struct grid_column event_columns[] = {
    [E_WHEN] = {"TIME UTC", 9, 9, 0, false, E_WHEN},
    [E_LEVEL] = {"LEVEL", 5, 5, 1, false, E_LEVEL},
    [E_OBJECT] = {"CLUSTER", 8, 18, 2, false, E_OBJECT},
    [E_TEXT] = {"EVENT", 20, 200, 0, false, -1},
};

enum { REQUESTS, EVENTS }; /* the lists */

struct activity_state {
	struct list_view view;
	bool errors;
};

/* --- requests ----------------------------------------------------------------------------------------------------- */

static const struct ui_request *request_at(const struct activity_state *v, size_t item)
{
	return item == LIST_NONE ? NULL : &app_snapshot(v->view.app)->requests[item];
}

static size_t request_count(void *view)
{
	return app_snapshot(((struct list_view *)view)->app)->n_requests;
}

static uint64_t request_id(void *view, size_t item)
{
	return (uint64_t)request_at(view, item)->id + 1;
}

static enum role state_role(const struct ui_request *q)
{
	static const struct {
		const char *word;
		enum role role;
	} roles[] = {{"RUNNING", ROLE_BUSY}, {"PENDING", ROLE_TEXT}, {"SUCCEEDED", ROLE_GOOD}, {"CANCELLED", ROLE_DIM}, {"FAILED", ROLE_BAD}};
	for (size_t i = 0; i < ARRAY_LEN(roles); i++)
		if (str_eq(roles[i].word, q->state))
			return roles[i].role;
	return ROLE_WARN;
}

static void put(struct grid_cell *out, enum role role, const char *text)
{
	snprintf(out->text, sizeof out->text, "%s", text);
	out->role = role;
}

static void put_took(const struct activity_state *v, const struct ui_request *q, struct grid_cell *out)
{
	int64_t ms = !q->started_at_ms ? -1 : (q->ended_at_ms ? q->ended_at_ms : v->view.app->now_ms) - q->started_at_ms;
	if (ms < 0)
		put(out, ROLE_DIM, NUM_UNKNOWN);
	else
		duration_text(ms / 1000 * 1000, out->text, sizeof out->text);
}

static void request_cell(void *view, size_t item, size_t column, struct grid_cell *out)
{
	const struct activity_state *v = view;
	const struct ui_request *q = request_at(v, item);
	switch (column) {
	case R_ID:
		snprintf(out->text, sizeof out->text, "%" PRId64, q->id);
		return;
	case R_WHAT:
		snprintf(out->text, sizeof out->text, "%s %.120s", q->verb, q->object);
		return;
	case R_STATE:
		put(out, state_role(q), q->state);
		return;
	case R_USER:
		put(out, ROLE_TEXT, q->user);
		return;
	case R_ASKED:
		format_age(q->created_at_ms, v->view.app->now_ms, out->text, sizeof out->text);
		return;
	case R_TOOK:
		put_took(v, q, out);
		return;
	case R_NOTE:
		if (q->error[0])
			put(out, ROLE_BAD, q->error);
		else if (q->cancelling)
			snprintf(out->text, sizeof out->text, "being stopped: %.120s", checklist_now(q));
		else if (!q->ended_at_ms)
			put(out, ROLE_BUSY, checklist_now(q));
		return;
	}
}

static int request_compare(void *view, size_t x, size_t y, int sort)
{
	const struct activity_state *v = view;
	const struct ui_request *a = request_at(v, x), *b = request_at(v, y);
	int d = 0;
	if (sort == R_WHAT)
		d = list_by_text(a->verb, b->verb) ? list_by_text(a->verb, b->verb) : list_by_text(a->object, b->object);
	else if (sort == R_STATE)
		/* What goes on comes first. */
		d = !a->ended_at_ms != !b->ended_at_ms ? a->ended_at_ms ? 1 : -1 : 0;
	else if (sort == R_USER)
		d = list_by_text(a->user, b->user);
	else if (sort == R_TOOK)
		d = list_by_int(a->started_at_ms ? (a->ended_at_ms ? a->ended_at_ms : v->view.app->now_ms) - a->started_at_ms : -1,
		    b->started_at_ms ? (b->ended_at_ms ? b->ended_at_ms : v->view.app->now_ms) - b->started_at_ms : -1);
	else if (sort == R_ID)
		d = list_by_int(a->id, b->id);
	return d ? d : list_by_int(b->id, a->id);
}

static const struct list_kind request_kind = {.columns = request_columns, .n_columns = ARRAY_LEN(request_columns), .scope = SCOPE_ACTIVITY,
    .sort_column = R_STATE, .count = request_count, .id = request_id, .cell = request_cell, .compare = request_compare,
    .newest_first = true};

/* --- events ------------------------------------------------------------------------------------------------------- */

static const struct ui_event *event_at(const struct activity_state *v, size_t item)
{
	return item == LIST_NONE ? NULL : &app_snapshot(v->view.app)->events[item];
}

static size_t event_count(void *view)
{
	return app_snapshot(((struct list_view *)view)->app)->n_events;
}

static uint64_t event_id(void *view, size_t item)
{
	const struct ui_event *e = event_at(view, item);
	return e->id ? (uint64_t)e->id : list_id(e->text) ^ (uint64_t)e->at_ms;
}

static const char *level_of(const struct ui_event *e)
{
	return e->level[0] ? e->level : e->bad ? "error" : "info";
}

static void event_cell(void *view, size_t item, size_t column, struct grid_cell *out)
{
	const struct activity_state *v = view;
	const struct ui_event *e = event_at(v, item);
	enum role role = str_eq(level_of(e), "error") ? ROLE_BAD : e->bad ? ROLE_WARN : ROLE_TEXT;
	if (column == E_WHEN)
		format_clock(e->at_ms, v->view.app->now_ms, out->text, sizeof out->text);
	else if (column == E_LEVEL)
		put(out, e->bad ? role : ROLE_DIM, level_of(e));
	else if (column == E_OBJECT)
		put(out, ROLE_TEXT, e->object);
	else
		put(out, role, e->text);
}

static int event_compare(void *view, size_t x, size_t y, int sort)
{
	const struct ui_event *a = event_at(view, x), *b = event_at(view, y);
	int d = 0;
	if (sort == E_WHEN)
		return list_by_int(a->at_ms, b->at_ms) ? list_by_int(a->at_ms, b->at_ms) : list_by_int(a->id, b->id);
	if (sort == E_OBJECT)
		d = list_by_text(a->object, b->object);
	else if (sort == E_LEVEL)
		d = list_by_text(level_of(a), level_of(b));
	d = d ? d : list_by_int(b->at_ms, a->at_ms);
	return d ? d : list_by_int(b->id, a->id);
}

static bool event_wanted(void *view, size_t item)
{
	const struct activity_state *v = view;
	return !v->errors || event_at(v, item)->bad;
}

static const struct list_kind event_kind = {.columns = event_columns, .n_columns = ARRAY_LEN(event_columns), .scope = SCOPE_ACTIVITY,
    .sort_column = E_WHEN, .descending = true, .count = event_count, .id = event_id, .cell = event_cell, .compare = event_compare, .wanted = event_wanted,
    .stream = true};

/* --- actions ------------------------------------------------------------------------------------------------------ */

/* The request that is selected, or of which the selected event is a part. */
static const struct ui_request *request_meant(struct activity_state *v)
{
	if (!v->view.focus)
		return request_at(v, list_selected(&v->view.lists[REQUESTS]));
	const struct ui_event *e = event_at(v, list_selected(&v->view.lists[EVENTS]));
	return e ? checklist_request(v->view.app, e->request) : NULL;
}

static void open_log(struct activity_state *v)
{
	const struct ui_request *q = request_meant(v);
	const struct ui_event *e = v->view.focus ? event_at(v, list_selected(&v->view.lists[EVENTS])) : NULL;
	const char *cluster = q ? q->object : e ? e->object : "";
	if (q && !q->job)
		logs_follow_request(v->view.app, cluster, q->id);
	else if (cluster[0])
		logs_follow(v->view.app, cluster, q ? q->job : -1, false);
}

static bool act(void *state, struct app *a, enum action what)
{
	struct activity_state *v = state;
	const struct ui_request *q = request_meant(v);
	if (list_view_act(&v->view, what))
		return true;
	if (what == ACTION_CANCEL_REQUEST && q)
		checklist_ask_cancel(a, q);
	else if (what == ACTION_LOGS)
		open_log(v);
	else if (what == ACTION_ERRORS) {
		v->errors = !v->errors;
		list_remake(&v->view.lists[EVENTS]);
	} else {
		return false;
	}
	return true;
}

static const char *why_not(void *state, const struct app *a, enum action what)
{
	(void)a;
	struct activity_state *v = state;
	const struct ui_request *q = request_meant(v);
	if (what == ACTION_CANCEL_REQUEST)
		return !q ? "no request is selected" : q->ended_at_ms ? "that is over" : q->cancelling ? "it is being stopped already" : NULL;
	if (what == ACTION_LOGS && !q && !(v->view.focus && list_selected(&v->view.lists[EVENTS]) != LIST_NONE))
		return "no request is selected";
	if (what == ACTION_DETAILS && list_selected(list_view_focused(&v->view)) == LIST_NONE)
		return "there is nothing to look at";
	return NULL;
}

/* Elapsed times are shown by the second. */
static int64_t wait_ms(void *state, const struct app *a)
{
	const struct activity_state *v = state;
	const struct ui_snapshot *snap = app_snapshot(v->view.app);
	for (size_t i = 0; i < snap->n_requests; i++)
		if (!snap->requests[i].ended_at_ms && snap->requests[i].started_at_ms)
			return 1000 - a->now_ms % 1000;
	return list_view_wait_ms(state, a);
}

/* --- drawing ------------------------------------------------------------------------------------------------------ */

static void title_line(void *state, struct app *a, struct canvas *c, struct rect line, bool keys)
{
	struct activity_state *v = state;
	const struct ui_snapshot *snap = app_snapshot(a);
	size_t open = 0, bad = 0;
	char right[100];
	for (size_t i = 0; i < snap->n_requests; i++)
		open += !snap->requests[i].ended_at_ms;
	for (size_t i = 0; i < snap->n_events; i++)
		bad += snap->events[i].bad;
	if (v->view.focus && v->errors)
		snprintf(right, sizeof right, bad == 1 ? " warning or error" : " warnings and errors");
	else if (v->view.focus)
		snprintf(right, sizeof right, " events, %zu %s", bad, bad == 1 ? "warning or error" : "warnings and errors");
	else
		snprintf(right, sizeof right, " requests, %zu under way", open);
	list_title(list_view_focused(&v->view), c, line, v->errors ? "Activity, errors only" : "Activity", right, keys);
}

static void draw_event(const struct activity_state *v, struct canvas *c, struct rect r, const struct ui_event *e)
{
	char text[100];
	details_line(c, &r, "event", e->bad ? ROLE_BAD : ROLE_TEXT, level_of(e));
	details_line(c, &r, "when", ROLE_TEXT, details_time(e->at_ms, v->view.app->now_ms, text, sizeof text));
	details_line(c, &r, "cluster", ROLE_TEXT, e->object);
	details_text(c, &r, "text", e->bad ? ROLE_BAD : ROLE_TEXT, e->text);
	const struct ui_request *q = checklist_request(v->view.app, e->request);
	if (q && q->hint[0] && e->bad)
		details_text(c, &r, "next", ROLE_WARN, q->hint);
	rect_cut_top(&r, r.h > 4);
	if (q && details_heading(c, &r, "THE REQUEST IT IS PART OF"))
		checklist_draw(v->view.app, c, r, q);
}

static void draw_request(const struct activity_state *v, struct canvas *c, struct rect r, const struct ui_request *q)
{
	char text[200];
	snprintf(text, sizeof text, "%" PRId64 ": %s %s%s%s", q->id, q->verb, q->object, q->user[0] ? ", by " : "", q->user);
	details_line(c, &r, "request", ROLE_TEXT, text);
	details_line(c, &r, "asked", ROLE_TEXT, details_time(q->created_at_ms, v->view.app->now_ms, text, sizeof text));
	rect_cut_top(&r, r.h > 8);
	checklist_draw(v->view.app, c, r, q);
}

static void draw_details(struct activity_state *v, struct canvas *c, struct rect r)
{
	const struct ui_event *e = v->view.focus ? event_at(v, list_selected(&v->view.lists[EVENTS])) : NULL;
	const struct ui_request *q = v->view.focus ? NULL : request_at(v, list_selected(&v->view.lists[REQUESTS]));
	if (e)
		draw_event(v, c, r, e);
	else if (q)
		draw_request(v, c, r, q);
}

static const char *empty_text(const struct app *a)
{
	const char *without = view_without_engine(a);
	return without ? without : "nothing was asked of the engine yet; 1 shows what can be launched";
}

static void draw(void *state, struct app *a, struct canvas *c, struct rect body, bool keys)
{
	struct activity_state *v = state;
	struct rect list = body, side;
	list_view_unfold(&v->view, body.w);
	bool details = v->view.details && list_selected(list_view_focused(&v->view)) != LIST_NONE;
	list_view_hide(&v->view);
	if (details)
		side = details_split(c, body, &list, v->view.lists[REQUESTS].n + v->view.lists[EVENTS].n + 3);
	if (!rect_empty(list)) {
		/* As many lines as there are requests, up to half. */
		int want = (int)v->view.lists[REQUESTS].n + 1, most = list.h / 2;
		struct rect upper = rect_cut_top(&list, want < 3 ? 3 < most ? 3 : most : want < most ? want : most);
		list_draw(&v->view.lists[REQUESTS], c, upper, keys && !v->view.focus, empty_text(a));
		if (list.h > 2)
			canvas_fill(c, rect_cut_top(&list, 1), ROLE_BORDER, 0x2500);
		list_draw(&v->view.lists[EVENTS], c, list, keys && v->view.focus,
		    v->errors ? "no warnings and no errors; e shows all events" : "nothing has happened yet");
	}
	if (details)
		draw_details(v, c, side);
}

static void *create(struct app *a)
{
	struct activity_state *v = xcalloc(1, sizeof *v);
	v->view.app = a;
	list_view_add(&v->view, "requests", &request_kind);
	list_view_add(&v->view, "events", &event_kind);
	return v;
}

static void destroy(void *state)
{
	struct activity_state *v = state;
	list_view_finish(&v->view);
	free(v);
}

static size_t copies(void *state, const struct app *a, struct arena *arena, struct view_copy out[VIEW_COPIES_MAX])
{
	(void)a;
	struct activity_state *v = state;
	const struct ui_event *e = v->view.focus ? event_at(v, list_selected(&v->view.lists[EVENTS])) : NULL;
	const struct ui_request *q = request_meant(v);
	size_t n = 0;
	if (e)
		n = view_copy_add(out, n, "event", arena_strdup(arena, e->text));
	if (q && q->error[0])
		n = view_copy_add(out, n, "error", arena_printf(arena, "%s%s%s", q->error, q->hint[0] ? "\nnext: " : "", q->hint));
	if (q)
		n = view_copy_add(out, n, "request", arena_printf(arena, "%" PRId64, q->id));
	if (q && !q->ended_at_ms)
		n = view_copy_add(out, n, "stop command", arena_printf(arena, "skytop cancel-request %" PRId64, q->id));
	return view_copy_add(out, n, "row", list_tsv(list_view_focused(&v->view), arena));
}

const struct view_ops activity_view = {
    .name = "activity",
    .title = "Activity",
    .scope = SCOPE_ACTIVITY,
    .go = ACTION_VIEW_ACTIVITY,
    .create = create,
    .destroy = destroy,
    .news = list_view_news,
    .key = list_view_key,
    .act = act,
    .why_not = why_not,
    .paste = list_view_paste,
    .mouse = list_view_mouse,
    .title_line = title_line,
    .draw = draw,
    .copies = copies,
    .save = list_view_save,
    .restore = list_view_restore,
    .hints = list_view_hints,
    .wait_ms = wait_ms,
};
