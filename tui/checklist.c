/* The checklist of a request. It is made anew from the events that belong to the request, so that it is the same whoever ordered it and
 * whenever one begins to look. What is still to come is known for verbs whose steps follow each other without choice. */
#include "tui/checklist.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "tui/app.h"
#include "tui/dialog.h"
#include "tui/view/views.h"

enum { STATE_COLUMNS = 8, TOOK_COLUMNS = 8, LINES_MAX = 200 };

/* Steps in their order, as the engine names them. */
static const struct step {
	const char *verb, *name, *title;
} steps[] = {
    {"launch", "offers", "looking at offers"},
    {"launch", "plan", "choosing where"},
    {"launch", "create", "creating nodes"},
    {"launch", "wait", "waiting for nodes"},
    {"launch", "agent", "installing the agent"},
    {"launch", "sync", "syncing files"},
    {"launch", "submit", "submitting the job"},
    {"launch", "autostop", "setting autostop"},
    {"launch", "clean", "removing what was made"},
    {"exec", "check", "looking at the cluster"},
    {"exec", "sync", "syncing files"},
    {"exec", "submit", "submitting the job"},
    {"stop", "hook", "running hooks"},
    {"stop", "quiesce", "stopping jobs"},
    {"stop", "stop", "stopping nodes"},
    {"start", "start", "starting nodes"},
    {"start", "agent", "starting the agent"},
    {"start", "autostop", "setting autostop"},
    {"down", "hook", "running hooks"},
    {"down", "quiesce", "stopping jobs"},
    {"down", "terminate", "terminating nodes"},
    {"autostop", "set", "setting autostop"},
    {"cancel", "cancel", "cancelling jobs"},
    {"prices", "ask", "asking the clouds for their prices"},
};

static const struct step *step_of(const char *verb, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		if (str_eq(steps[i].verb, verb) && str_eq(steps[i].name, name))
			return &steps[i];
	return NULL;
}

const struct ui_request *checklist_request(const struct app *a, int64_t id)
{
	const struct ui_snapshot *snap = app_snapshot(a);
	for (size_t i = 0; i < snap->n_requests; i++)
		if (id && snap->requests[i].id == id)
			return &snap->requests[i];
	return NULL;
}

const char *checklist_now(const struct ui_request *q)
{
	const struct step *s = step_of(q->verb, q->step);
	if (q->progress[0] && !str_eq(q->progress, q->step))
		return q->progress;
	return s ? s->title : q->started_at_ms ? "at work" : "waiting its turn";
}

/* --- lines -------------------------------------------------------------------------------------------------------- */

struct line {
	const char *word;
	enum role role;
	char text[400], took[24];
};

struct lines {
	struct line *v;
	size_t n;
};

static struct line *add(struct lines *l, const char *word, enum role role)
{
	struct line *line = &l->v[l->n < LINES_MAX ? l->n++ : LINES_MAX - 1];
	*line = (struct line){.word = word, .role = role};
	return line;
}

static void set_took(struct line *line, int64_t ms)
{
	if (ms >= 0 && ms < 10000)
		snprintf(line->took, sizeof line->took, "%" PRId64 ".%" PRId64 "s", ms / 1000, ms % 1000 / 100);
	else if (ms >= 0)
		duration_text(ms, line->took, sizeof line->took);
}

/* What is over: steps done, and places tried. Returns when the last of it was. */
static int64_t add_past(const struct app *a, const struct ui_request *q, struct lines *l)
{
	const struct ui_snapshot *snap = app_snapshot(a);
	int64_t last = q->started_at_ms;
	int attempts = 0;
	for (size_t i = snap->n_events; i-- > 0;) {
		const struct ui_event *e = &snap->events[i];
		if (e->request != q->id)
			continue;
		bool step = str_eq(e->kind, "step"), failed = str_eq(e->kind, "provision.failed");
		last = e->at_ms;
		/* Looking again after a place that failed is no news. */
		if (step && attempts && (str_eq(e->step, "offers") || str_eq(e->step, "plan")))
			continue;
		if (!step && !failed && !str_starts(e->kind, "launch."))
			continue;
		attempts += failed;
		struct line *line = add(l, failed ? "FAILED" : step ? "done" : "note", failed ? ROLE_BAD : step ? ROLE_GOOD : ROLE_WARN);
		if (failed)
			snprintf(line->text, sizeof line->text, "attempt %d, %s", attempts, e->text);
		else
			snprintf(line->text, sizeof line->text, "%s", e->text);
		set_took(line, e->took_ms);
	}
	return last;
}

static void add_now(const struct app *a, const struct ui_request *q, struct lines *l, int64_t since_ms)
{
	const struct step *s = step_of(q->verb, q->step);
	const char *title = s ? s->title : q->step;
	if (!q->started_at_ms) {
		snprintf(add(l, "waits", ROLE_DIM)->text, sizeof l->v->text, "for what else is done with %s", q->object);
		return;
	}
	struct line *line = add(l, q->cancelling ? "CANCEL" : "now", q->cancelling ? ROLE_WARN : ROLE_BUSY);
	if (q->progress[0] && !str_eq(q->progress, q->step))
		snprintf(line->text, sizeof line->text, "%s%s%s", s && !str_starts(q->progress, title) ? title : "",
		    s && !str_starts(q->progress, title) ? ": " : "", q->progress);
	else
		snprintf(line->text, sizeof line->text, "%s", title);
	if (since_ms && a->now_ms - since_ms >= 1000)
		duration_text((a->now_ms - since_ms) / 1000 * 1000, line->took, sizeof line->took);
	for (; s && s + 1 < steps + ARRAY_LEN(steps) && str_eq(s[1].verb, q->verb) && !str_eq(s[1].name, "clean"); s++)
		snprintf(add(l, "", ROLE_DIM)->text, sizeof l->v->text, "%s", s[1].title);
}

static void add_end(const struct ui_request *q, struct lines *l)
{
	bool failed = str_eq(q->state, "FAILED"), done = str_eq(q->state, "SUCCEEDED");
	struct line *line = add(l, failed ? "FAILED" : done ? "DONE" : "ENDED", failed ? ROLE_BAD : done ? ROLE_GOOD : ROLE_WARN);
	if (failed)
		snprintf(line->text, sizeof line->text, "%s", q->error[0] ? q->error : "nobody said why");
	else if (done && q->job)
		snprintf(line->text, sizeof line->text, "%s %s: job %" PRId64 " is on its way", q->verb, q->object, q->job);
	else
		snprintf(line->text, sizeof line->text, "%s %s: %s", q->verb, q->object, done ? "done" : "cancelled; nothing of it is left");
	if (q->started_at_ms)
		set_took(line, q->ended_at_ms - q->started_at_ms);
	if (failed && q->hint[0])
		snprintf(add(l, "next", ROLE_WARN)->text, sizeof l->v->text, "%s", q->hint);
}

static struct lines lines_of(const struct app *a, const struct ui_request *q)
{
	struct lines l = {xcalloc(LINES_MAX, sizeof *l.v), 0};
	int64_t since = add_past(a, q, &l);
	if (q->ended_at_ms)
		add_end(q, &l);
	else
		add_now(a, q, &l, since);
	return l;
}

static int line_height(const struct line *line, int width)
{
	struct rect r = {0, 0, width > 1 ? width : 1, 100};
	bool whole = line->role == ROLE_BAD || line->role == ROLE_WARN || str_eq(line->word, "DONE");
	return whole ? canvas_wrap(NULL, r, ROLE_TEXT, line->text) : 1;
}

static int text_columns(int width)
{
	return width - STATE_COLUMNS - TOOK_COLUMNS - 1;
}

int checklist_lines(const struct app *a, int width, const struct ui_request *q)
{
	struct lines l = lines_of(a, q);
	int n = 0;
	for (size_t i = 0; i < l.n; i++)
		n += line_height(&l.v[i], text_columns(width));
	free(l.v);
	return n;
}

void checklist_draw(const struct app *a, struct canvas *c, struct rect r, const struct ui_request *q)
{
	struct lines l = lines_of(a, q);
	int w = text_columns(r.w), need = 0;
	size_t first = l.n, now = l.n;
	/* The one under way is seen, and as much before it as there is room for. */
	for (size_t i = 0; i < l.n; i++)
		if (str_eq(l.v[i].word, "now") || str_eq(l.v[i].word, "CANCEL"))
			now = i + 1;
	int tail = 0;
	for (size_t i = now; i < l.n; i++)
		tail += 1;
	int room = r.h - (tail < r.h / 3 ? tail : r.h / 3);
	for (first = now; first > 0 && need + line_height(&l.v[first - 1], w) <= room; first--)
		need += line_height(&l.v[first - 1], w);
	for (size_t i = first; i < l.n && r.h > 0; i++) {
		const struct line *line = &l.v[i];
		int h = line_height(line, w);
		struct rect at = rect_cut_top(&r, h);
		canvas_text(c, at.x, at.y, STATE_COLUMNS - 1, line->role, line->word);
		struct rect text = {at.x + STATE_COLUMNS, at.y, w > 0 ? w : 0, at.h};
		enum role role = line->word[0] ? ROLE_TEXT : ROLE_DIM;
		if (h > 1)
			canvas_wrap(c, text, role, line->text);
		else
			canvas_text(c, text.x, text.y, text.w, role, line->text);
		canvas_right(c, at.x + at.w - TOOK_COLUMNS, at.y, TOOK_COLUMNS, ROLE_DIM, line->took);
	}
	free(l.v);
}

/* --- stopping it -------------------------------------------------------------------------------------------------- */

void checklist_ask_cancel(struct app *a, const struct ui_request *q)
{
	struct arena *arena = arena_create();
	struct ui_order *order = arena_alloc(arena, sizeof *order);
	char age[24];
	*order = (struct ui_order){.verb = UI_CANCEL_REQUEST, .cluster = arena_strdup(arena, q->object), .id = q->id};
	bool launch = str_eq(q->verb, "launch");
	struct confirm_spec spec = {
	    .title = arena_printf(arena, "Stop the %s of %s?", q->verb, q->object),
	    .text = arena_printf(arena, "%s\n\nRequest %" PRId64 ": %s %s%s%s, asked %s%s%s.",
		launch ? "Machines it has begun to make are removed, and cost nothing from then on. A cluster that was there before stays."
		       : "It stops where it is; what it has done already is not undone.",
		q->id, q->verb, q->object, q->progress[0] ? ": " : "", q->progress, ago_text(q->created_at_ms, a->now_ms, age, sizeof age),
		q->user[0] ? " by " : "", q->user),
	    .button = "Stop it",
	    .orders = order,
	    .n_orders = 1,
	};
	app_open(a, &confirm_ops, confirm_create(&spec, arena));
}

/* --- over a view -------------------------------------------------------------------------------------------------- */

struct watch {
	unsigned ticket;
	int64_t request; /* 0: not known yet */
	char what[120];
};

static const struct notice *notice_of(const struct app *a, const struct watch *w)
{
	for (size_t i = a->notices.n; i-- > 0;)
		if (a->notices.list[i].ticket == w->ticket)
			return &a->notices.list[i];
	return NULL;
}

static const struct ui_request *request_of(const struct app *a, struct watch *w)
{
	const struct notice *n = notice_of(a, w);
	if (n && n->request_id)
		w->request = n->request_id;
	return checklist_request(a, w->request);
}

static void destroy(void *state)
{
	free(state);
}

static void key(void *state, struct app *a, struct key k)
{
	struct watch *w = state;
	const struct ui_request *q = request_of(a, w);
	if (k.code == 'x' && !k.mods && q && !q->ended_at_ms && !a->read_only) {
		checklist_ask_cancel(a, q);
	} else if (k.code == 'o' && !k.mods && q && q->job) {
		char *cluster = xstrdup(q->object);
		int64_t job = q->job;
		app_close(a);
		logs_follow(a, cluster, job, false);
		free(cluster);
	} else if (k.code == KEYS_ESC || k.code == KEYS_ENTER || k.code == 'q' || (k.mods == KEYS_CTRL && (k.code == 'c' || k.code == 'g'))) {
		if (q && app_view(a) == &clusters_view) /* whoever has just launched it goes on with it */
			clusters_point_at(a, q->object);
		app_close(a);
	} else {
		app_leave(a, k);
	}
}

static void draw(void *state, struct app *a, struct canvas *c, struct rect area)
{
	struct watch *w = state;
	const struct ui_request *q = request_of(a, w);
	const struct notice *n = notice_of(a, w);
	int inner = layout_dialog_columns(area.w, 80) - 4, lines = q ? checklist_lines(a, inner, q) : 2;
	struct rect box = rect_center(area, inner + 4, (lines > 12 ? lines : 12) + 4), r = box;
	canvas_fill(c, box, ROLE_DIALOG, ' ');
	if (box.h >= 4) {
		canvas_box(c, box, ROLE_BORDER);
		canvas_printf(c, box.x + 2, box.y, box.w - 4, ROLE_TITLE, " %s ", w->what);
		r = rect_inset(box, 2, 1);
	}
	if (r.h > 3) {
		struct rect foot = rect_cut_bottom(&r, 1);
		bool over = (q && q->ended_at_ms) || (n && n->state == NOTICE_FAILED);
		canvas_text(c, foot.x, foot.y, foot.w, ROLE_DIM, over ? q && q->job ? "o follows its log" : "Esc closes this"
			: "Esc closes this, and it goes on; x stops it; 9 shows it again");
	}
	if (q)
		checklist_draw(a, c, r, q);
	else
		canvas_wrap(c, r, n && n->state == NOTICE_FAILED ? ROLE_BAD : ROLE_BUSY, n ? n->text : "asked the engine");
}

static unsigned ticket(const void *state)
{
	return ((const struct watch *)state)->ticket;
}

static const char *const *hints(void *state, const struct app *a)
{
	static const char *const at_work[] = {"Esc", "close", "x", "stop it", "1 to 0", "another view", NULL};
	static const char *const both[] = {"Esc", "close", "x", "stop it", "o", "log", "1 to 0", "another view", NULL};
	static const char *const log[] = {"Esc", "close", "o", "log", "1 to 0", "another view", NULL};
	static const char *const neither[] = {"Esc", "close", "1 to 0", "another view", NULL};
	const struct ui_request *q = request_of(a, state);
	bool can_stop = q && !q->ended_at_ms && !a->read_only, has_log = q && q->job;
	return can_stop ? has_log ? both : at_work : has_log ? log : neither;
}

static const struct modal_ops watch_ops = {.destroy = destroy, .key = key, .draw = draw, .hints = hints, .ticket = ticket};

void checklist_open(struct app *a, unsigned ticket, const char *what)
{
	struct watch *w = xcalloc(1, sizeof *w);
	w->ticket = ticket;
	snprintf(w->what, sizeof w->what, "%s", what);
	app_open(a, &watch_ops, w);
}
