/* Where one is in a log.
 *
 * While following, the newest line is at the bottom. Any move up pauses: then the text stands still, whatever comes, and the
 * title counts what has come since; G or f goes on. Positions are numbers of lines counted from the first ever, so that they
 * keep their meaning when the oldest ones are dropped, or when a filter hides some. With wrapping on, the top of the screen is
 * a row within a line. */
#include "tui/view/log_pane.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "tui/app.h"
#include "tui/view/log_lines.h"

enum { TAIL_LINES = 5000 };

/* --- what is followed --------------------------------------------------------------------------------------------- */

static void close_log(struct log_pane *p)
{
	if (p->log)
		ui_source_log_close(p->app->source, p->log);
	p->log = 0;
	logbuf_destroy(p->buf);
	logbuf_destroy(p->before);
	p->before = NULL;
	p->older = p->target.kind == LOG_JOB ? OLDER_MAYBE : OLDER_NONE;
	p->buf = logbuf_create(0, 0);
	p->ended = p->broken = p->waits = p->selecting = false;
	p->fed = 0;
	p->progress[0] = '\0';
	p->top = p->bottom = 0;
	p->top_row = p->left = 0;
	p->hit = LOG_NO_LINE;
	p->follow = true;
	p->followed = false;
	logindex_reset(&p->shown, p->context);
	logindex_reset(&p->hits, 0);
}

struct log_pane *log_pane_create(struct app *a)
{
	struct log_pane *p = xcalloc(1, sizeof *p);
	p->app = a;
	p->page = p->width = 1;
	p->filter.prompt = '&';
	close_log(p);
	return p;
}

void log_pane_destroy(struct log_pane *p)
{
	if (!p)
		return;
	close_log(p);
	logbuf_destroy(p->buf);
	logindex_finish(&p->shown);
	logindex_finish(&p->hits);
	free(p);
}

/* What the engine tells is shown in its own way. */
static bool is_of_jobs(const struct log_target *t)
{
	return t->kind == LOG_JOB || t->kind == LOG_NOTHING;
}

void log_pane_like(struct log_pane *p, const struct log_pane *other)
{
	bool job = is_of_jobs(&other->target);
	p->wrap = job ? other->wrap : other->of_jobs.wrap;
	p->times = job ? other->times : other->of_jobs.times;
	p->context = other->context;
}

bool log_target_eq(const struct log_target *a, const struct log_target *b)
{
	bool of_job = str_eq(a->cluster, b->cluster) && a->rank == b->rank && a->setup == b->setup;
	return a->kind == b->kind && (a->kind == LOG_EVENTS || a->id == b->id) && (a->kind != LOG_JOB || of_job);
}

static const struct ui_job *job_of(const struct ui_snapshot *snap, const struct log_target *t)
{
	for (size_t i = 0; i < snap->n_jobs; i++)
		if (snap->jobs[i].id == t->id && str_eq(snap->jobs[i].cluster, t->cluster))
			return &snap->jobs[i];
	return NULL;
}

static void name_it(struct log_pane *p)
{
	const struct ui_snapshot *snap = app_snapshot(p->app);
	const struct log_target *t = &p->target;
	const char *name = "";
	char part[60] = "";
	if (t->rank >= 0)
		snprintf(part, sizeof part, " \xc2\xb7 %srank %" PRId64, t->setup ? "setup of " : "", t->rank);
	if (t->kind == LOG_EVENTS) {
		snprintf(p->what, sizeof p->what, "events");
	} else if (t->kind == LOG_REQUEST) {
		name = "request";
		for (size_t i = 0; i < snap->n_requests; i++)
			if (snap->requests[i].id == t->id)
				name = snap->requests[i].verb;
		snprintf(p->what, sizeof p->what, "%s \xc2\xb7 %s %" PRId64, t->cluster, name, t->id);
	} else if (t->id < 0) {
		snprintf(p->what, sizeof p->what, "%s \xc2\xb7 newest job%s", t->cluster, part);
	} else {
		const struct ui_job *j = job_of(snap, t);
		name = j ? j->name : "";
		snprintf(p->what, sizeof p->what, "%s \xc2\xb7 job %" PRId64 "%s%s%s", t->cluster, t->id, name[0] ? " " : "", name, part);
	}
}

void log_pane_open(struct log_pane *p, const struct log_target *t)
{
	if (is_of_jobs(&p->target)) {
		p->of_jobs.wrap = p->wrap;
		p->of_jobs.times = p->times;
	} else if (is_of_jobs(t)) {
		p->wrap = p->of_jobs.wrap;
		p->times = p->of_jobs.times;
	}
	p->target = *t;
	close_log(p);
	name_it(p);
	if (t->kind == LOG_JOB) {
		p->log = ++p->app->next_log;
		struct ui_log_spec spec = {.cluster = p->target.cluster, .job_id = t->id, .tail_lines = TAIL_LINES, .rank = t->rank,
		    .setup = t->setup};
		ui_source_log_open(p->app->source, p->log, &spec);
	} else {
		p->times = p->times ? p->times : LOG_TIMES_CLOCK; /* these lines have no time of their own, */
		p->wrap = true;					  /* and the end of an error is its point */
		log_pane_feed(p, app_snapshot(p->app));
	}
	p->app->dirty = true;
}

static bool has_job(const struct ui_snapshot *snap, const char *cluster)
{
	for (size_t i = 0; i < snap->n_jobs; i++)
		if (str_eq(snap->jobs[i].cluster, cluster))
			return true;
	return false;
}

/* Going up from the first line there is asks for what is before it, as long as nothing had to go. */
static void ask_older(struct log_pane *p)
{
	if (p->older != OLDER_MAYBE || !p->log || logbuf_dropped(p->buf) || logbuf_empty(p->buf))
		return;
	p->older = OLDER_ASKED;
	ui_source_log_older(p->app->source, p->log);
}

void log_pane_older(struct log_pane *p, const char *data, size_t len, int64_t at_ms)
{
	if (data) {
		p->before = p->before ? p->before : logbuf_create(0, 0);
		logbuf_add(p->before, data, len, at_ms);
		return;
	}
	struct logbuf *before = p->before;
	size_t n = before && !logbuf_dropped(p->buf) ? logbuf_prepend(p->buf, before) : (logbuf_destroy(before), 0);
	p->before = NULL;
	p->older = len && n ? OLDER_MAYBE : OLDER_NONE;
	if (n) { /* the lists of lines begin before where they began */
		logindex_reset(&p->shown, p->context);
		logindex_reset(&p->hits, 0);
		log_pane_sync(p);
	}
	p->app->dirty = true;
}

/* The newest job of a cluster that has none: the first one will be it. */
void log_pane_end(struct log_pane *p, bool broken, const char *text)
{
	bool newest = p->target.kind == LOG_JOB && p->target.id < 0;
	p->waits = broken && newest && logbuf_empty(p->buf) && !has_job(app_snapshot(p->app), p->target.cluster);
	p->ended = true;
	p->broken = broken;
	snprintf(p->end_text, sizeof p->end_text, "%s", text);
}

void log_pane_news(struct log_pane *p)
{
	const struct log_target t = p->target;
	if (p->waits && has_job(app_snapshot(p->app), t.cluster))
		log_pane_open(p, &t);
	/* Panes are opened before anything is known, when they were kept; and what is gone keeps its name. */
	if (t.kind == LOG_JOB && job_of(app_snapshot(p->app), &t))
		name_it(p);
	log_pane_feed(p, app_snapshot(p->app));
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

int log_pane_rows(const struct log_pane *p, uint64_t line)
{
	struct log_walk k = {.w = p->width, .wrap = p->wrap};
	return p->wrap ? log_walk(&k, p->buf, line) : 1;
}

/* Move the top by rows, within what there is. */
static void scroll(struct log_pane *p, long rows)
{
	for (; rows < 0; rows++) {
		uint64_t above;
		if (p->top_row > 0) {
			p->top_row--;
		} else if ((above = log_pane_next(p, p->top, -1)) != LOG_NO_LINE) {
			p->top = above;
			p->top_row = log_pane_rows(p, above) - 1;
		} else {
			return;
		}
	}
	for (; rows > 0; rows--) {
		uint64_t below;
		if (p->top_row + 1 < log_pane_rows(p, p->top)) {
			p->top_row++;
		} else if ((below = log_pane_next(p, p->top, 1)) != LOG_NO_LINE) {
			p->top = below;
			p->top_row = 0;
		} else {
			return;
		}
	}
}

/* The top with which the last row is at the bottom. */
static void top_of_end(struct log_pane *p)
{
	uint64_t last = log_pane_last(p);
	p->top = last == LOG_NO_LINE ? logbuf_end(p->buf) : last;
	p->top_row = last == LOG_NO_LINE ? 0 : log_pane_rows(p, last) - 1;
	scroll(p, -(long)(p->page - 1));
}

/* Never above the first line that is left, never further down than the end; and on a line that is shown. */
static void clamp_top(struct log_pane *p)
{
	uint64_t top = p->top, first = log_pane_first(p), on = top ? log_pane_next(p, top - 1, 1) : first;
	int row = top == on ? p->top_row : 0;
	if (first == LOG_NO_LINE) {
		top_of_end(p);
		return;
	}
	if (top < first || on == LOG_NO_LINE) {
		on = top < first ? first : log_pane_last(p);
		row = 0;
	}
	top_of_end(p);
	if (on < p->top || (on == p->top && row < p->top_row)) {
		p->top = on;
		p->top_row = row;
	}
}

void log_pane_settle(struct log_pane *p, bool hold)
{
	uint64_t first = logbuf_first(p->buf);
	bool stays = hold && p->follow && p->followed && p->top >= first && log_pane_next(p, p->top, 1) != LOG_NO_LINE;
	if (p->follow && !stays)
		top_of_end(p);
	else if (!p->follow)
		clamp_top(p);
	p->followed = p->follow;
	p->anchor = p->anchor < first ? first : p->anchor;
	p->cursor = p->cursor < first ? first : p->cursor;
}

void log_pane_pause(struct log_pane *p)
{
	if (p->follow)
		p->end_at_pause = logbuf_end(p->buf);
	p->follow = false;
}

void log_pane_show(struct log_pane *p, uint64_t line)
{
	log_pane_pause(p);
	int row = -p->top_row;
	for (uint64_t i = p->top; i < line && row < p->page; i = log_pane_next(p, i, 1))
		row += log_pane_rows(p, i);
	/* Where it is on the screen already nothing moves, else it goes to the middle. */
	if (line >= p->top && row >= 0 && row < p->page)
		return;
	p->top = line;
	p->top_row = 0;
	scroll(p, -(long)(p->page / 2));
}

/* --- moving ------------------------------------------------------------------------------------------------------- */

static bool rows_by(const struct log_pane *p, enum action what, long *by)
{
	long half = p->page > 1 ? p->page / 2 : 1;
	const struct {
		enum action action;
		long by;
	} moves[] = {{ACTION_UP, -1}, {ACTION_DOWN, 1}, {ACTION_PAGE_UP, -p->page}, {ACTION_PAGE_DOWN, p->page}, {ACTION_HALF_UP, -half},
	    {ACTION_HALF_DOWN, half}};
	for (size_t i = 0; i < ARRAY_LEN(moves); i++) {
		*by = moves[i].by;
		if (moves[i].action == what)
			return true;
	}
	return false;
}

/* While lines are being selected it is the cursor that moves, and the text follows it. */
static bool move_cursor(struct log_pane *p, enum action what)
{
	long by = 0;
	if (what == ACTION_TOP || what == ACTION_BOTTOM) {
		uint64_t to = what == ACTION_TOP ? log_pane_first(p) : log_pane_last(p);
		p->cursor = to == LOG_NO_LINE ? p->cursor : to;
	} else if (!rows_by(p, what, &by)) {
		return false;
	}
	for (; by; by += by < 0 ? 1 : -1) {
		uint64_t to = log_pane_next(p, p->cursor, by < 0 ? -1 : 1);
		p->cursor = to == LOG_NO_LINE ? p->cursor : to;
	}
	log_pane_show(p, p->cursor);
	return true;
}

bool log_pane_move(struct log_pane *p, enum action what)
{
	long by;
	log_pane_sync(p);
	if (p->selecting)
		return move_cursor(p, what);
	if (what == ACTION_TOP) {
		log_pane_pause(p);
		p->top = logbuf_first(p->buf);
		p->top_row = 0;
		ask_older(p);
		return true;
	}
	if (what == ACTION_BOTTOM) {
		p->follow = true;
		return true;
	}
	if (!rows_by(p, what, &by))
		return false;
	if (by > 0 && p->follow)
		return true; /* at the end already */
	log_pane_pause(p);
	scroll(p, by);
	clamp_top(p);
	if (by < 0 && p->top == log_pane_first(p))
		ask_older(p);
	return true;
}

uint64_t log_pane_current(const struct log_pane *p)
{
	uint64_t last = log_pane_last(p), at = p->hit != LOG_NO_LINE && p->hit >= p->top && p->hit <= p->bottom ? p->hit : p->bottom;
	return at > last ? last : at;
}

void log_pane_select(struct log_pane *p, bool on)
{
	uint64_t last = log_pane_last(p);
	p->selecting = on && last != LOG_NO_LINE;
	if (!p->selecting)
		return;
	log_pane_pause(p);
	p->anchor = p->cursor = log_pane_current(p);
}

uint64_t log_pane_line_at(const struct log_pane *p, int y)
{
	int row = p->text_at.y - p->top_row;
	uint64_t i = p->top, last = LOG_NO_LINE;
	if (log_pane_first(p) == LOG_NO_LINE || y < p->text_at.y)
		return LOG_NO_LINE;
	for (; i != LOG_NO_LINE && row <= y; i = log_pane_next(p, i, 1)) {
		last = i;
		row += log_pane_rows(p, i);
	}
	return last;
}
