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
    [E_WHEN] = {"WHEN", 7, 7, 0, false, E_WHEN},
    [E_LEVEL] = {"LEVEL", 5, 5, 1, false, E_LEVEL},
    [E_OBJECT] = {"CLUSTER", 8, 18, 2, false, E_OBJECT},
    [E_TEXT] = {"EVENT", 20, 200, 0, false, -1},
};

struct activity_state {
	struct app *app;
	struct list requests, events;
	bool in_events, details, errors;
};

static struct list *focused(struct activity_state *v)
{
	return v->in_events ? &v->events : &v->requests;
}

/* --- requests ----------------------------------------------------------------------------------------------------- */

static const struct ui_request *request_at(const struct activity_state *v, size_t item)
{
	return item == LIST_NONE ? NULL : &app_snapshot(v->app)->requests[item];
}

static size_t request_count(void *view)
{
	return app_snapshot(((struct activity_state *)view)->app)->n_requests;
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
	int64_t ms = !q->started_at_ms ? -1 : (q->ended_at_ms ? q->ended_at_ms : v->app->now_ms) - q->started_at_ms;
	if (ms < 0)
		put(out, ROLE_DIM, "\xe2\x80\x93");
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
		format_age(q->created_at_ms, v->app->now_ms, out->text, sizeof out->text);
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
		d = list_by_int(a->started_at_ms ? (a->ended_at_ms ? a->ended_at_ms : v->app->now_ms) - a->started_at_ms : -1,
		    b->started_at_ms ? (b->ended_at_ms ? b->ended_at_ms : v->app->now_ms) - b->started_at_ms : -1);
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
	return item == LIST_NONE ? NULL : &app_snapshot(v->app)->events[item];
}

static size_t event_count(void *view)
{
	return app_snapshot(((struct activity_state *)view)->app)->n_events;
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
		format_age(e->at_ms, v->app->now_ms, out->text, sizeof out->text);
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
    .sort_column = E_WHEN, .count = event_count, .id = event_id, .cell = event_cell, .compare = event_compare, .wanted = event_wanted,
    .stream = true};

/* --- actions ------------------------------------------------------------------------------------------------------ */

/* The request that is selected, or of which the selected event is a part. */
static const struct ui_request *request_meant(struct activity_state *v)
{
	if (!v->in_events)
		return request_at(v, list_selected(&v->requests));
	const struct ui_event *e = event_at(v, list_selected(&v->events));
	return e ? checklist_request(v->app, e->request) : NULL;
}

static void open_log(struct activity_state *v)
{
	const struct ui_request *q = request_meant(v);
	const struct ui_event *e = v->in_events ? event_at(v, list_selected(&v->events)) : NULL;
	const char *cluster = q ? q->object : e ? e->object : "";
	if (q && !q->job)
		logs_follow_request(v->app, cluster, q->id);
	else if (cluster[0])
		logs_follow(v->app, cluster, q ? q->job : -1, false);
}

static bool act(void *state, struct app *a, enum action what)
{
	struct activity_state *v = state;
	const struct ui_request *q = request_meant(v);
	if (what == ACTION_BACK && v->details)
		v->details = false;
	else if (what == ACTION_BACK && v->in_events && !v->events.grid.n_marks && !v->events.query.field.len)
		v->in_events = false;
	else if (list_act(focused(v), what))
		return true;
	else if (what == ACTION_PANE)
		v->in_events = !v->in_events;
	else if (what == ACTION_DETAILS)
		v->details = !v->details && list_selected(focused(v)) != LIST_NONE;
	else if (what == ACTION_CANCEL_REQUEST && q)
		checklist_ask_cancel(a, q);
	else if (what == ACTION_LOGS)
		open_log(v);
	else if (what == ACTION_ERRORS) {
		v->errors = !v->errors;
		list_remake(&v->events);
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
	if (what == ACTION_LOGS && !q && !(v->in_events && list_selected(&v->events) != LIST_NONE))
		return "no request is selected";
	if (what == ACTION_DETAILS && list_selected(focused(v)) == LIST_NONE)
		return "there is nothing to look at";
	return NULL;
}

static bool key(void *state, struct app *a, struct key k)
{
	(void)a;
	return list_key(focused(state), k);
}

static bool paste(void *state, struct app *a, const char *text, size_t len)
{
	(void)a;
	return list_paste(focused(state), text, len);
}

static void mouse(void *state, struct app *a, const struct input_event *e)
{
	(void)a;
	struct activity_state *v = state;
	const struct rect *at = &v->events.grid.rows_at;
	bool below = e->mouse.y >= at->y - 1 && !rect_empty(*at);
	if (e->mouse.what == MOUSE_PRESS)
		v->in_events = below;
	list_mouse(below ? &v->events : &v->requests, e);
}

static void news(void *state, struct app *a)
{
	(void)a;
	struct activity_state *v = state;
	list_news(&v->requests);
	list_news(&v->events);
}

/* Elapsed times are shown by the second. */
static int64_t wait_ms(void *state, const struct app *a)
{
	const struct activity_state *v = state;
	const struct ui_snapshot *snap = app_snapshot(v->app);
	for (size_t i = 0; i < snap->n_requests; i++)
		if (!snap->requests[i].ended_at_ms && snap->requests[i].started_at_ms)
			return 1000 - a->now_ms % 1000;
	return -1;
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
	if (v->in_events)
		snprintf(right, sizeof right, " events, %zu %s", bad, bad == 1 ? "warning or error" : "warnings and errors");
	else
		snprintf(right, sizeof right, " requests, %zu under way", open);
	list_title(focused(v), c, line, v->errors ? "Activity, errors only" : "Activity", right, keys);
}

static void draw_event(const struct activity_state *v, struct canvas *c, struct rect r, const struct ui_event *e)
{
	char text[100];
	details_line(c, &r, "event", e->bad ? ROLE_BAD : ROLE_TEXT, level_of(e));
	details_line(c, &r, "when", ROLE_TEXT, details_time(e->at_ms, v->app->now_ms, text, sizeof text));
	details_line(c, &r, "cluster", ROLE_TEXT, e->object);
	details_text(c, &r, "text", e->bad ? ROLE_BAD : ROLE_TEXT, e->text);
	const struct ui_request *q = checklist_request(v->app, e->request);
	if (q && q->hint[0] && e->bad)
		details_text(c, &r, "next", ROLE_WARN, q->hint);
	rect_cut_top(&r, r.h > 4);
	if (q && details_heading(c, &r, "THE REQUEST IT IS PART OF"))
		checklist_draw(v->app, c, r, q);
}

static void draw_request(const struct activity_state *v, struct canvas *c, struct rect r, const struct ui_request *q)
{
	char text[200];
	snprintf(text, sizeof text, "%" PRId64 ": %s %s%s%s", q->id, q->verb, q->object, q->user[0] ? ", by " : "", q->user);
	details_line(c, &r, "request", ROLE_TEXT, text);
	details_line(c, &r, "asked", ROLE_TEXT, details_time(q->created_at_ms, v->app->now_ms, text, sizeof text));
	rect_cut_top(&r, r.h > 8);
	checklist_draw(v->app, c, r, q);
}

static void draw_details(struct activity_state *v, struct canvas *c, struct rect r)
{
	const struct ui_event *e = v->in_events ? event_at(v, list_selected(&v->events)) : NULL;
	const struct ui_request *q = v->in_events ? NULL : request_at(v, list_selected(&v->requests));
	if (e)
		draw_event(v, c, r, e);
	else if (q)
		draw_request(v, c, r, q);
}

static const char *empty_text(const struct app *a)
{
	const struct ui_snapshot *snap = app_snapshot(a);
	if (!a->source || (snap->link == UI_LINK_NONE && snap->link_text[0]))
		return snap->link_text[0] ? snap->link_text : "no engine: prices only";
	return snap->at_ms ? "nothing was asked of the engine yet; 1 shows what can be launched" : "waiting for the engine";
}

static void draw(void *state, struct app *a, struct canvas *c, struct rect body, bool keys)
{
	struct activity_state *v = state;
	struct rect list = body, side;
	bool details = v->details && list_selected(focused(v)) != LIST_NONE;
	v->events.grid.rows_at = (struct rect){0, 0, 0, 0};
	if (details)
		side = details_split(c, body, &list, v->requests.n + v->events.n + 3);
	if (!rect_empty(list)) {
		/* As many lines as there are requests, up to half. */
		int want = (int)v->requests.n + 1, most = list.h / 2;
		struct rect upper = rect_cut_top(&list, want < 3 ? 3 < most ? 3 : most : want < most ? want : most);
		list_draw(&v->requests, c, upper, keys && !v->in_events, empty_text(a));
		if (list.h > 2)
			canvas_fill(c, rect_cut_top(&list, 1), ROLE_BORDER, 0x2500);
		list_draw(&v->events, c, list, keys && v->in_events, v->errors ? "no warnings and no errors; e shows all events" : "nothing has happened yet");
	}
	if (details)
		draw_details(v, c, side);
}

static const char *const *hints(void *state, const struct app *a)
{
	(void)a;
	const struct activity_state *v = state;
	return list_hints(v->in_events ? &v->events : &v->requests);
}

static void *create(struct app *a)
{
	struct activity_state *v = xcalloc(1, sizeof *v);
	v->app = a;
	list_init(&v->requests, a, &request_kind, v);
	list_init(&v->events, a, &event_kind, v);
	return v;
}

static void destroy(void *state)
{
	struct activity_state *v = state;
	list_finish(&v->requests);
	list_finish(&v->events);
	free(v);
}

static size_t copies(void *state, const struct app *a, struct arena *arena, struct view_copy out[VIEW_COPIES_MAX])
{
	(void)a;
	struct activity_state *v = state;
	const struct ui_event *e = v->in_events ? event_at(v, list_selected(&v->events)) : NULL;
	const struct ui_request *q = request_meant(v);
	size_t n = 0;
	if (e)
		out[n++] = (struct view_copy){"event", arena_strdup(arena, e->text)};
	if (q && q->error[0])
		out[n++] = (struct view_copy){"error", arena_printf(arena, "%s%s%s", q->error, q->hint[0] ? "\nnext: " : "", q->hint)};
	if (q)
		out[n++] = (struct view_copy){"request", arena_printf(arena, "%" PRId64, q->id)};
	if (q && !q->ended_at_ms)
		out[n++] = (struct view_copy){"stop command", arena_printf(arena, "skytop cancel-request %" PRId64, q->id)};
	if (e || q)
		out[n++] = (struct view_copy){"row", list_tsv(focused(v), arena)};
	return n;
}

static json_t *save(void *state)
{
	struct activity_state *v = state;
	json_t *j = json_object();
	json_object_set_new(j, "requests", grid_save(&v->requests.grid));
	json_object_set_new(j, "events", grid_save(&v->events.grid));
	return j;
}

static void restore(void *state, struct app *a, const json_t *saved)
{
	(void)a;
	struct activity_state *v = state;
	grid_restore(&v->requests.grid, json_object_get(saved, "requests"));
	list_remake(&v->requests);
	grid_restore(&v->events.grid, json_object_get(saved, "events"));
	list_remake(&v->events);
}

const struct view_ops activity_view = {
    .name = "activity",
    .title = "Activity",
    .scope = SCOPE_ACTIVITY,
    .go = ACTION_VIEW_ACTIVITY,
    .create = create,
    .destroy = destroy,
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
