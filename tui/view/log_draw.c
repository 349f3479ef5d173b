/* A pane on the screen: its title line, a column of times that stays where it is when the text scrolls sideways, and the lines. A level
 * or a rank is told by its word, which the colour only repeats. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/num.h"
#include "tui/app.h"
#include "tui/view/log_lines.h"
#include "tui/view/log_pane.h"
#include "tui/width.h"

enum { TIME_W = 9, TIME_MIN_W = 30 };

/* --- title -------------------------------------------------------------------------------------------------------- */

/* "3/14 match · 1,000 lines, 20 older dropped · PAUSED +12": what must be known is at the end, from *last on. */
static void position_text(const struct log_pane *p, const struct log_title *t, struct str *s, size_t *last)
{
	char shown[32], all[32], buf[32];
	uint64_t first = logbuf_first(p->buf), end = logbuf_end(p->buf);
	size_t nth, n = log_pane_needle(p)[0] ? log_pane_hits(p, &nth) : 0;
	if (log_pane_needle(p)[0])
		str_addf(s, " %zu/%zu match \xc2\xb7", nth, n);
	count_text((int64_t)(end - first), all, sizeof all);
	if (p->match.n)
		str_addf(s, " %s of", count_text((int64_t)log_pane_count(p, first), shown, sizeof shown));
	str_addf(s, " %s line%s", all, end - first == 1 ? "" : "s");
	if (logbuf_dropped(p->buf))
		str_addf(s, ", %s older dropped", count_text((int64_t)logbuf_dropped(p->buf), buf, sizeof buf));
	else if (p->older == OLDER_ASKED)
		str_add(s, ", older ones come");
	str_add(s, " \xc2\xb7");
	*last = s->len;
	if (t->zoomed)
		str_addf(s, " ZOOM %d of %d \xc2\xb7", t->number, t->panes);
	if (p->selecting) {
		uint64_t from = p->anchor < p->cursor ? p->anchor : p->cursor, to = p->anchor < p->cursor ? p->cursor : p->anchor;
		size_t lines = log_pane_count(p, from) - log_pane_count(p, to + 1);
		str_addf(s, " %s SELECTED \xc2\xb7", count_text((int64_t)lines, buf, sizeof buf));
	}
	if (p->follow)
		str_addf(s, " %s ", p->waits ? "WAITING" : p->ended ? "END" : "FOLLOWING");
	else if (log_pane_count(p, p->end_at_pause))
		str_addf(s, " PAUSED +%s ", count_text((int64_t)log_pane_count(p, p->end_at_pause), buf, sizeof buf));
	else
		str_add(s, " PAUSED ");
}

static void draw_name(const struct log_pane *p, struct canvas *c, struct rect line, int room, const struct log_title *t)
{
	if (p->query.typing || p->filter.typing) {
		query_draw(p->query.typing ? &p->query : &p->filter, c, line, room, t->keys);
		return;
	}
	/* What narrows the view is more to the point than its name, and gets up to two thirds of the room. */
	int queries = 0;
	const struct query *all[] = {&p->filter, &p->query};
	for (size_t i = 0; i < 2; i++)
		queries += all[i]->field.len ? width_text(all[i]->field.text, all[i]->field.len) + 3 : 0;
	queries = queries > room * 2 / 3 ? room * 2 / 3 : queries;
	char mark[16] = "";
	if (t->number)
		snprintf(mark, sizeof mark, "%s%d ", t->focus ? "\xe2\x96\xb8" : " ", t->number);
	else
		snprintf(mark, sizeof mark, " ");
	int x = canvas_printf(c, line.x, line.y, room - queries, t->focus || !t->number ? ROLE_TITLE : ROLE_DIM, "%s%s ", mark,
	    p->target.kind == LOG_NOTHING ? t->number ? "nothing" : "Logs" : p->what);
	for (size_t i = 0; i < 2; i++) {
		struct rect rest = {line.x + x, line.y, line.w - x, 1};
		x += query_draw(all[i], c, rest, room - x, false);
	}
}

void log_pane_title(struct log_pane *p, struct canvas *c, struct rect line, const struct log_title *t)
{
	struct str right = str_new(400);
	size_t last = 0;
	log_pane_sync(p);
	if (p->target.kind != LOG_NOTHING)
		position_text(p, t, &right, &last);
	const char *text = str_text(&right);
	int w = width_text(text, right.len);
	/* What it is goes before how many lines there are, but for those that were searched for. */
	bool asked = log_pane_needle(p)[0] || p->match.n;
	int name = width_text(p->what, strlen(p->what)) + (t->number ? 4 : 2);
	if (w > line.w * 3 / 4 || (!asked && name + w > line.w)) {
		text += last;
		w = width_text(text, strlen(text));
	}
	draw_name(p, c, line, line.w - w - (w > 0), t);
	if (w)
		canvas_right(c, line.x, line.y, line.w, !p->follow ? ROLE_WARN : t->focus || !t->number ? ROLE_TITLE : ROLE_DIM, text);
	str_free(&right);
}

/* --- lines -------------------------------------------------------------------------------------------------------- */

/* "12:03:59", or how long after the line above "+1m 02s"; 8 columns. */
static void time_text(const struct log_pane *p, uint64_t line, char *buf, size_t size)
{
	int64_t at = logbuf_time(p->buf, line), gap = 0;
	uint64_t above = log_pane_next(p, line, -1);
	int64_t before = above == LOG_NO_LINE ? 0 : logbuf_time(p->buf, above);
	if (!at || (p->times == LOG_TIMES_GAP && !before)) {
		snprintf(buf, size, "       -"); /* not known */
		return;
	}
	if (p->times == LOG_TIMES_CLOCK) {
		int64_t s = at / 1000 % 86400;
		snprintf(buf, size, "%02d:%02d:%02d", (int)(s / 3600), (int)(s / 60 % 60), (int)(s % 60));
		return;
	}
	char text[32];
	gap = at - before;
	if (gap < 100000)
		snprintf(text, sizeof text, "+%d.%02ds", (int)(gap / 1000), (int)(gap % 1000 / 10));
	else if (gap < 6000000)
		snprintf(text, sizeof text, "+%dm%02ds", (int)(gap / 60000), (int)(gap / 1000 % 60));
	else if (gap < 360000000)
		snprintf(text, sizeof text, "+%dh%02dm", (int)(gap / 3600000), (int)(gap / 60000 % 60));
	else
		snprintf(text, sizeof text, "+%" PRId64 "d", gap / 86400000);
	snprintf(buf, size, "%8s", text);
}

static struct log_walk walk_of(const struct log_pane *p, struct canvas *c, struct rect r, int y, uint64_t line, struct str *text)
{
	static const enum role ranks[] = {ROLE_ANSI + 6, ROLE_ANSI + 5, ROLE_ANSI + 2, ROLE_ANSI + 4, ROLE_ANSI + 3, ROLE_ANSI + 14,
	    ROLE_ANSI + 13, ROLE_ANSI + 10};
	struct log_walk k = {.c = c, .x0 = r.x, .y0 = y, .w = r.w, .h = r.y + r.h - y, .wrap = p->wrap, .left = p->left};
	int64_t rank = 0;
	k.skip = line == p->top ? p->top_row : 0;
	k.base = p->context && p->match.n && !log_pane_passes(p, line) ? ROLE_DIM : logbuf_level(p->buf, line);
	k.label = logbuf_label(p->buf, line, &rank);
	k.label_role = ranks[rank < 0 ? 0 : (size_t)rank % (sizeof ranks / sizeof *ranks)];
	k.match_role = line == p->hit ? ROLE_MATCH_ON : ROLE_MATCH;
	if (log_pane_needle(p)[0]) {
		str_clear(text);
		logbuf_text(p->buf, line, text);
		log_find_matches(&k, str_text(text), text->len, log_pane_needle(p));
	}
	return k;
}

static bool is_selected(const struct log_pane *p, uint64_t line)
{
	uint64_t from = p->anchor < p->cursor ? p->anchor : p->cursor, to = p->anchor < p->cursor ? p->cursor : p->anchor;
	return p->selecting && line >= from && line <= to;
}

static void draw_lines(struct log_pane *p, struct canvas *c, struct rect r, int times, bool keys)
{
	struct str text = str_new(LOGBUF_LINE_MAX + 64);
	char when[24];
	int y = r.y, cursor_y = r.y;
	uint64_t line = log_pane_first(p) == LOG_NO_LINE ? LOG_NO_LINE : p->top;
	for (; line != LOG_NO_LINE && y < r.y + r.h; line = log_pane_next(p, line, 1)) {
		struct log_walk k = walk_of(p, c, r, y, line, &text);
		int rows = log_walk(&k, p->buf, line) - k.skip;
		if (times && !k.skip) {
			time_text(p, line, when, sizeof when);
			canvas_text(c, r.x - times, y, times, ROLE_DIM, when);
		}
		if (is_selected(p, line))
			canvas_back(c, rect_and(r, (struct rect){r.x, y, r.w, rows}), ROLE_SELECTED);
		if (!p->selecting || line == p->cursor)
			cursor_y = y + rows - 1 < r.y + r.h ? y + rows - 1 : r.y + r.h - 1;
		p->bottom = line;
		y += rows;
	}
	str_free(&text);
	if (keys && !p->query.typing && !p->filter.typing) {
		c->cursor_x = r.x;
		c->cursor_y = cursor_y;
	}
}

/* "job 1 FAILED_SETUP": as its last word is elsewhere. */
static enum role end_role(const struct log_pane *p)
{
	const char *last = strrchr(p->end_text, ' ');
	if (p->waits)
		return ROLE_DIM;
	return p->broken || (last && str_starts(last + 1, "FAILED")) ? ROLE_BAD : last && str_eq(last + 1, "SUCCEEDED") ? ROLE_GOOD : ROLE_DIM;
}

/* A job that has not begun says so. */
static const char *waiting_for(const struct log_pane *p, char *buf, size_t size)
{
	const struct ui_snapshot *snap = app_snapshot(p->app);
	const struct ui_job *job = NULL;
	for (size_t i = 0; i < snap->n_jobs; i++) {
		const struct ui_job *j = &snap->jobs[i];
		bool wanted = str_eq(j->cluster, p->target.cluster) && (p->target.id < 0 || j->id == p->target.id);
		job = wanted && (!job || j->id > job->id) ? j : job;
	}
	if (!job || job->started_at_ms || job->ended_at_ms)
		return "waiting for the first line";
	snprintf(buf, size, "job %" PRId64 " is %.40s: its log comes here once it runs", job->id, job->status);
	return buf;
}

void log_pane_draw(struct log_pane *p, struct canvas *c, struct rect r, bool keys)
{
	if (p->ended && r.h > 1) {
		struct rect line = rect_cut_bottom(&r, 1);
		canvas_text(c, line.x, line.y, line.w, end_role(p), p->end_text);
	}
	char wait[100];
	int times = p->times && r.w >= TIME_MIN_W ? TIME_W : 0;
	rect_cut_left(&r, times);
	p->text_at = r;
	int page = r.h > 0 ? r.h : 1, width = r.w > 0 ? r.w : 1;
	p->followed = p->followed && p->page == page && p->width == width;
	p->page = page;
	p->width = width;
	log_pane_settle(p, p->app->hold);
	const char *nothing = p->match.n && logbuf_first(p->buf) < logbuf_end(p->buf) ? "the filter lets no line through"
			      : p->waits					      ? "its log comes here as soon as there is a job"
			      : p->ended					      ? "the log is empty"
			      : p->target.kind == LOG_JOB			      ? waiting_for(p, wait, sizeof wait)
										      : "nothing has happened yet";
	if (log_pane_first(p) == LOG_NO_LINE)
		canvas_text(c, r.x, r.y, r.w, ROLE_DIM, nothing);
	draw_lines(p, c, r, times, keys);
}
