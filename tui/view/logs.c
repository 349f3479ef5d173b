/* Logs: one job's output, followed.
 *
 * While following, the newest line is at the bottom. Any move up pauses: then the text stands still, whatever comes, and the
 * title counts what has come since; G or f goes on. Positions are numbers of lines counted from the first ever, so that they
 * keep their meaning when the oldest ones are dropped. With wrapping on, the top of the screen is a row within a line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "tui/app.h"
#include "tui/dialog.h"
#include "tui/format.h"
#include "tui/logbuf.h"
#include "tui/query.h"
#include "tui/view/log_lines.h"
#include "tui/view/views.h"
#include "tui/width.h"

enum { TAIL_LINES = 1000, RECOUNT_MS = 1000 };

struct logs_state {
	struct app *app;
	unsigned log;	      /* 0: none is open */
	char cluster[128];
	int64_t job_id;
	struct logbuf *buf;
	bool ended, broken;
	char end_text[400];
	bool follow, wrap;
	uint64_t top;	      /* the line at the top, */
	int top_row;	      /* and the row of it */
	uint64_t end_at_pause;
	int left, page, width; /* of the last draw */
	struct query query;
	uint64_t match;	      /* the line the search stands at; UINT64_MAX: none */
	size_t n_matches, nth; /* lines that match; which of them `match` is */
	size_t n_counted;      /* of those before counted_end */
	uint64_t counted_first, counted_end;
	int64_t counted_at_ms;
};

/* --- rows --------------------------------------------------------------------------------------------------------- */

static int rows_of(const struct logs_state *v, uint64_t line)
{
	struct log_walk k = {.w = v->width, .wrap = v->wrap};
	return v->wrap ? log_walk(&k, v->buf, line) : 1;
}

/* Move the top by rows, within what there is. */
static void scroll(struct logs_state *v, long rows)
{
	for (; rows < 0; rows++) {
		if (v->top_row > 0) {
			v->top_row--;
		} else if (v->top > logbuf_first(v->buf)) {
			v->top--;
			v->top_row = rows_of(v, v->top) - 1;
		} else {
			return;
		}
	}
	for (; rows > 0; rows--) {
		if (v->top_row + 1 < rows_of(v, v->top))
			v->top_row++;
		else if (v->top + 1 < logbuf_end(v->buf)) {
			v->top++;
			v->top_row = 0;
		} else {
			return;
		}
	}
}

/* The top with which the last row is at the bottom. */
static void top_of_end(struct logs_state *v)
{
	uint64_t end = logbuf_end(v->buf);
	v->top = end > logbuf_first(v->buf) ? end - 1 : end;
	v->top_row = end > logbuf_first(v->buf) ? rows_of(v, v->top) - 1 : 0;
	scroll(v, -(long)(v->page - 1));
}

/* Never above the first line that is left, never further down than the end. */
static void clamp_top(struct logs_state *v)
{
	if (v->top < logbuf_first(v->buf)) {
		v->top = logbuf_first(v->buf);
		v->top_row = 0;
	}
	uint64_t top = v->top;
	int row = v->top_row;
	top_of_end(v);
	if (top < v->top || (top == v->top && row < v->top_row)) {
		v->top = top;
		v->top_row = row;
	}
}

static void pause(struct logs_state *v)
{
	if (v->follow)
		v->end_at_pause = logbuf_end(v->buf);
	v->follow = false;
}

/* --- search ------------------------------------------------------------------------------------------------------- */

static const char *needle(const struct logs_state *v)
{
	return v->query.field.text;
}

/* Count the matching lines up to the last one, which may not be complete yet and is looked at anew each time. */
static void count_on(struct logs_state *v)
{
	uint64_t end = logbuf_end(v->buf), last = end > logbuf_first(v->buf) ? end - 1 : end;
	for (; v->counted_end < last; v->counted_end++)
		v->n_counted += logbuf_has(v->buf, v->counted_end, needle(v));
	v->n_matches = v->n_counted + (last < end && logbuf_has(v->buf, last, needle(v)));
}

static void recount(struct logs_state *v)
{
	v->counted_first = v->counted_end = logbuf_first(v->buf);
	v->counted_at_ms = v->app->now_ms;
	v->n_counted = v->n_matches = v->nth = 0;
	if (!needle(v)[0])
		return;
	count_on(v);
	for (uint64_t i = v->counted_first; v->match != UINT64_MAX && i <= v->match; i++)
		v->nth += logbuf_has(v->buf, i, needle(v));
}

/* When lines have gone all is counted again, but not at every frame. */
static void update_count(struct logs_state *v)
{
	if (!needle(v)[0])
		return;
	if (v->counted_first == logbuf_first(v->buf))
		count_on(v);
	else if (v->app->now_ms - v->counted_at_ms >= RECOUNT_MS)
		recount(v);
}

/* The next line that matches, from `from` on in this direction, wrapping around; UINT64_MAX: none. */
static uint64_t find(const struct logs_state *v, uint64_t from, int dir)
{
	uint64_t first = logbuf_first(v->buf), n = logbuf_end(v->buf) - first;
	if (!n || !needle(v)[0])
		return UINT64_MAX;
	from = from < first ? first : from >= first + n ? first + n - 1 : from;
	for (uint64_t i = 0; i < n; i++) {
		uint64_t at = first + (from - first + (dir > 0 ? i : n - i)) % n;
		if (logbuf_has(v->buf, at, needle(v)))
			return at;
	}
	return UINT64_MAX;
}

/* Show a line: where it is on the screen already nothing moves, else it goes to the middle. */
static void show(struct logs_state *v, uint64_t line)
{
	pause(v);
	int row = -v->top_row;
	for (uint64_t i = v->top; i < line && row < v->page; i++)
		row += rows_of(v, i);
	if (line >= v->top && row >= 0 && row < v->page)
		return;
	v->top = line;
	v->top_row = 0;
	scroll(v, -(long)(v->page / 2));
}

static void go_to_match(struct logs_state *v, uint64_t line)
{
	v->match = line;
	if (line != UINT64_MAX)
		show(v, line);
	recount(v);
}

static void search(struct logs_state *v)
{
	/* From where one looks: the newest match when at the end, else the first one from the top of the screen on. */
	go_to_match(v, v->follow ? find(v, UINT64_MAX, -1) : find(v, v->top, 1));
}

static void next_match(struct logs_state *v, int dir)
{
	uint64_t from = v->match == UINT64_MAX ? v->top : dir > 0 ? v->match + 1 : v->match ? v->match - 1 : UINT64_MAX;
	if (dir > 0 && from >= logbuf_end(v->buf))
		from = logbuf_first(v->buf);
	if (dir < 0 && (from == UINT64_MAX || from < logbuf_first(v->buf)))
		from = UINT64_MAX;
	go_to_match(v, find(v, from, dir));
	if (v->match == UINT64_MAX)
		app_say(v->app, false, "nothing matches %s", needle(v));
}

/* --- following ---------------------------------------------------------------------------------------------------- */

static void close_log(struct logs_state *v)
{
	if (v->log)
		ui_source_log_close(v->app->source, v->log);
	v->log = 0;
	logbuf_destroy(v->buf);
	v->buf = logbuf_create(0, 0);
	v->ended = v->broken = false;
	v->top = 0;
	v->top_row = v->left = 0;
	v->match = UINT64_MAX;
	v->follow = true;
	v->n_matches = v->n_counted = v->nth = 0;
	v->counted_first = v->counted_end = 0;
}

void logs_follow(struct app *a, const char *cluster, int64_t job_id)
{
	struct logs_state *v = app_view_state(a, &logs_view);
	close_log(v);
	snprintf(v->cluster, sizeof v->cluster, "%s", cluster);
	v->job_id = job_id;
	v->log = ++a->next_log;
	struct ui_log_spec spec = {.cluster = cluster, .job_id = job_id, .tail_lines = TAIL_LINES};
	ui_source_log_open(a->source, v->log, &spec);
	app_act(a, ACTION_VIEW_LOGS);
}

static void log_data(void *state, struct app *a, unsigned log, const char *data, size_t len)
{
	struct logs_state *v = state;
	if (log != v->log)
		return;
	logbuf_add(v->buf, data, len);
	if (app_view(a) == &logs_view)
		a->lazy = true;
}

static void log_end(void *state, struct app *a, unsigned log, bool broken, const char *text)
{
	struct logs_state *v = state;
	if (log != v->log)
		return;
	v->ended = true;
	v->broken = broken;
	snprintf(v->end_text, sizeof v->end_text, "%s", text);
	a->dirty = true;
}

/* --- saving ------------------------------------------------------------------------------------------------------- */

static const char *submit_save(struct app *a, const struct form *f, void *arg, size_t *field)
{
	const struct logs_state *v = arg;
	char *path = path_expand(form_value(f, 0));
	const char *problem = NULL;
	*field = 0;
	if (!path[0]) {
		problem = "Give the name of a file.";
	} else if (fs_exists(path)) {
		problem = "There is a file of this name already; give another one.";
	} else {
		struct str text = str_new(4 * (size_t)LOGBUF_BYTES);
		struct err err = {0};
		uint64_t first = logbuf_first(v->buf), end = logbuf_end(v->buf);
		for (uint64_t i = first; i < end; i++) {
			logbuf_text(v->buf, i, &text);
			str_addc(&text, '\n');
		}
		if (fs_write(path, str_text(&text), text.len, 0644, &err))
			app_say(a, true, "%s", err.text);
		else
			app_say(a, false, "saved %llu lines to %s%s", (unsigned long long)(end - first), path,
			    first ? "; older ones were not kept" : "");
		str_free(&text);
	}
	free(path);
	return problem;
}

static void ask_save(struct logs_state *v)
{
	char name[200];
	if (v->job_id >= 0)
		snprintf(name, sizeof name, "%s-%lld.log", v->cluster, (long long)v->job_id);
	else
		snprintf(name, sizeof name, "%s.log", v->cluster);
	for (char *s = name; *s; s++)
		if (*s == '/')
			*s = '-';
	struct form_field field = {"file", name, "a path; Tab completes", FORM_PATH};
	struct form_spec spec = {.title = "Save the log", .button = "Save", .fields = &field, .n_fields = 1, .quick = true,
	    .submit = submit_save, .arg = v};
	form_open(v->app, &spec);
}

/* --- actions ------------------------------------------------------------------------------------------------------ */

static bool move(struct logs_state *v, enum action what)
{
	long half = v->page > 1 ? v->page / 2 : 1, by = 0;
	switch (what) {
	case ACTION_UP:
		by = -1;
		break;
	case ACTION_DOWN:
		by = 1;
		break;
	case ACTION_PAGE_UP:
		by = -v->page;
		break;
	case ACTION_PAGE_DOWN:
		by = v->page;
		break;
	case ACTION_HALF_UP:
		by = -half;
		break;
	case ACTION_HALF_DOWN:
		by = half;
		break;
	case ACTION_TOP:
		pause(v);
		v->top = logbuf_first(v->buf);
		v->top_row = 0;
		return true;
	case ACTION_BOTTOM:
		v->follow = true;
		return true;
	default:
		return false;
	}
	if (by > 0 && v->follow)
		return true; /* at the end already */
	pause(v);
	scroll(v, by);
	clamp_top(v);
	return true;
}

static bool back(struct logs_state *v)
{
	if (v->query.field.len) {
		field_set(&v->query.field, "");
		v->match = UINT64_MAX;
		return true;
	}
	if (!v->follow) {
		v->follow = true;
		return true;
	}
	app_act(v->app, ACTION_VIEW_CLUSTERS);
	return true;
}

static bool act(void *state, struct app *a, enum action what)
{
	(void)a;
	struct logs_state *v = state;
	if (move(v, what))
		return true;
	switch (what) {
	case ACTION_FOLLOW:
		if (v->follow)
			pause(v);
		else
			v->follow = true;
		return true;
	case ACTION_WRAP:
		v->wrap = !v->wrap;
		v->left = v->top_row = 0;
		return true;
	case ACTION_LEFT:
	case ACTION_RIGHT:
		v->left += (what == ACTION_RIGHT ? 1 : -1) * (v->width > 1 ? v->width / 2 : 1);
		v->left = v->left < 0 ? 0 : v->left > LOGBUF_LINE_MAX ? LOGBUF_LINE_MAX : v->left;
		return true;
	case ACTION_SEARCH:
		query_begin(&v->query);
		return true;
	case ACTION_NEXT_MATCH:
	case ACTION_PREV_MATCH:
		next_match(v, what == ACTION_NEXT_MATCH ? 1 : -1);
		return true;
	case ACTION_SAVE:
		ask_save(v);
		return true;
	case ACTION_BACK:
		return back(v);
	default:
		return false;
	}
}

static const char *why_not(void *state, const struct app *a, enum action what)
{
	(void)a;
	const struct logs_state *v = state;
	if ((what == ACTION_NEXT_MATCH || what == ACTION_PREV_MATCH) && !v->query.field.len)
		return "search for something first: /";
	if (what == ACTION_SAVE && logbuf_first(v->buf) == logbuf_end(v->buf))
		return "there is nothing to save";
	if ((what == ACTION_LEFT || what == ACTION_RIGHT) && v->wrap)
		return "lines are wrapped; w changes that";
	return NULL;
}

static bool key(void *state, struct app *a, struct key k)
{
	struct logs_state *v = state;
	if (!v->query.typing)
		return false;
	enum query_event e = query_key(&v->query, k);
	if (e == QUERY_OTHER && k.code >= KEYS_UP && !k.mods)
		app_act(a, key_action(a->keys, SCOPE_LOGS, k));
	else if (e == QUERY_CHANGED || e == QUERY_UNDONE)
		search(v);
	return true;
}

static bool paste(void *state, struct app *a, const char *text, size_t len)
{
	(void)a;
	struct logs_state *v = state;
	if (!query_paste(&v->query, text, len))
		return false;
	search(v);
	return true;
}

static void mouse(void *state, struct app *a, const struct input_event *e)
{
	(void)a;
	struct logs_state *v = state;
	bool up = e->mouse.what == MOUSE_WHEEL_UP;
	if (!up && e->mouse.what != MOUSE_WHEEL_DOWN)
		return;
	for (int i = 0; i < 3; i++)
		move(v, up ? ACTION_UP : ACTION_DOWN);
}

/* --- drawing ------------------------------------------------------------------------------------------------------ */

static void position_text(const struct logs_state *v, char *buf, size_t size)
{
	char lines[32], new_lines[32], gone[32], dropped[60] = "", matches[80] = "";
	uint64_t first = logbuf_first(v->buf), end = logbuf_end(v->buf);
	if (v->query.field.len)
		snprintf(matches, sizeof matches, " %zu/%zu match \xc2\xb7", v->nth, v->n_matches);
	if (first)
		snprintf(dropped, sizeof dropped, ", %s older dropped", format_count((int64_t)first, gone, sizeof gone));
	format_count((int64_t)(end - first), lines, sizeof lines);
	if (v->follow)
		snprintf(buf, size, "%s %s lines%s \xc2\xb7 %s ", matches, lines, dropped, v->ended ? "END" : "FOLLOWING");
	else
		snprintf(buf, size, "%s %s lines%s \xc2\xb7 PAUSED +%s ", matches, lines, dropped,
		    format_count((int64_t)(end - v->end_at_pause), new_lines, sizeof new_lines));
}

static void title_line(void *state, struct app *a, struct canvas *c, struct rect line, bool keys)
{
	(void)a;
	struct logs_state *v = state;
	char right[240];
	if (!v->log) {
		canvas_text(c, line.x, line.y, line.w, ROLE_TITLE, " Logs ");
		return;
	}
	update_count(v);
	position_text(v, right, sizeof right);
	int w = width_text(right, strlen(right));
	if (w > line.w * 3 / 4) { /* what must be known is at the end */
		const char *end = strstr(right, v->follow ? v->ended ? "END" : "FOLL" : "PAUS");
		memmove(right + 1, end, strlen(end) + 1);
		right[0] = ' ';
		w = width_text(right, strlen(right));
	}
	int room = line.w - w - 1;
	if (v->query.typing || v->query.field.len)
		query_draw(&v->query, c, line, room, keys);
	else if (v->job_id >= 0)
		canvas_printf(c, line.x, line.y, room, ROLE_TITLE, " %s \xc2\xb7 job %lld ", v->cluster, (long long)v->job_id);
	else
		canvas_printf(c, line.x, line.y, room, ROLE_TITLE, " %s \xc2\xb7 newest job ", v->cluster);
	canvas_right(c, line.x, line.y, line.w, v->follow ? ROLE_TITLE : ROLE_WARN, right);
}

static void draw_lines(struct logs_state *v, struct canvas *c, struct rect r)
{
	struct str text = str_new(LOGBUF_LINE_MAX + 64);
	int y = r.y;
	uint64_t end = logbuf_end(v->buf);
	for (uint64_t line = v->top; line < end && y < r.y + r.h; line++) {
		struct log_walk k = {.c = c, .x0 = r.x, .y0 = y, .w = r.w, .h = r.y + r.h - y, .wrap = v->wrap, .left = v->left};
		k.skip = line == v->top ? v->top_row : 0;
		k.base = logbuf_level(v->buf, line);
		k.match_role = line == v->match ? ROLE_MATCH_ON : ROLE_MATCH;
		if (needle(v)[0]) {
			str_clear(&text);
			logbuf_text(v->buf, line, &text);
			log_find_matches(&k, str_text(&text), text.len, needle(v));
		}
		y += log_walk(&k, v->buf, line) - k.skip;
	}
	str_free(&text);
	if (!v->query.typing) {
		c->cursor_x = r.x;
		c->cursor_y = y > r.y ? y - 1 < r.y + r.h ? y - 1 : r.y + r.h - 1 : r.y;
	}
}

static void draw(void *state, struct app *a, struct canvas *c, struct rect body, bool keys)
{
	(void)a;
	(void)keys;
	struct logs_state *v = state;
	if (!v->log) {
		canvas_wrap(c, rect_inset(body, 1, 0), ROLE_DIM, "No log is followed. Go to Clusters (2), choose a cluster, press o; or Enter, Tab and "
		    "o for one of its older jobs.");
		return;
	}
	if (v->ended && body.h > 1) {
		struct rect line = rect_cut_bottom(&body, 1);
		canvas_text(c, line.x, line.y, line.w, v->broken ? ROLE_BAD : ROLE_DIM, v->end_text);
	}
	v->page = body.h > 0 ? body.h : 1;
	v->width = body.w > 0 ? body.w : 1;
	if (v->follow)
		top_of_end(v);
	else
		clamp_top(v);
	if (logbuf_first(v->buf) == logbuf_end(v->buf))
		canvas_text(c, body.x, body.y, body.w, ROLE_DIM, v->ended ? "the log is empty" : "waiting for the first line");
	draw_lines(v, c, body);
}

static const char *const *hints(void *state, const struct app *a)
{
	(void)a;
	static const char *const typing[] = {"Enter", "keep", "Esc", "undo", NULL};
	return ((const struct logs_state *)state)->query.typing ? typing : NULL;
}

static void *create(struct app *a)
{
	struct logs_state *v = xcalloc(1, sizeof *v);
	v->app = a;
	v->page = v->width = 1;
	close_log(v);
	return v;
}

static void destroy(void *state)
{
	struct logs_state *v = state;
	close_log(v);
	logbuf_destroy(v->buf);
	free(v);
}

const struct view_ops logs_view = {
    .name = "logs",
    .title = "Logs",
    .scope = SCOPE_LOGS,
    .go = ACTION_VIEW_LOGS,
    .create = create,
    .destroy = destroy,
    .key = key,
    .act = act,
    .why_not = why_not,
    .paste = paste,
    .mouse = mouse,
    .log_data = log_data,
    .log_end = log_end,
    .title_line = title_line,
    .draw = draw,
    .hints = hints,
};
