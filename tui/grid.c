/* The table widget. Nothing here knows what the rows are.
 *
 * Invariants: `selected` is the row of selected_id whenever grid_sync has been called since the rows changed; the selected
 * row is on the screen after every draw; drawing costs what is visible, whatever the number of rows. */
#include "tui/grid.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "tui/width.h"

enum { GUTTER = 1, ROOMY_COLUMNS = 130, NARROW_COLUMNS = 60 };

void grid_init(struct grid *g, const struct grid_column *columns, size_t n)
{
	*g = (struct grid){.columns = columns, .n_columns = n, .sort_column = -1};
}

void grid_finish(struct grid *g)
{
	free(g->marks);
}

/* --- selection ---------------------------------------------------------------------------------------------------- */

static void clamp_top(struct grid *g, size_t n)
{
	size_t page = (size_t)g->page;
	if (!page) /* not drawn yet: drawing will see to it */
		return;
	if (g->selected < g->top)
		g->top = g->selected;
	if (g->selected >= g->top + page)
		g->top = g->selected - page + 1;
	if (g->top + page > n)
		g->top = n > page ? n - page : 0;
}

void grid_select(struct grid *g, const struct grid_rows *rows, size_t row)
{
	size_t n = rows->count(rows->arg);
	if (!n) {
		g->selected = g->top = 0;
		g->selected_id = 0;
		return;
	}
	g->selected = row < n ? row : n - 1;
	g->selected_id = rows->id(rows->arg, g->selected);
	clamp_top(g, n);
}

static size_t find_id(const struct grid_rows *rows, uint64_t id)
{
	size_t n = rows->count(rows->arg);
	for (size_t i = 0; i < n; i++)
		if (rows->id(rows->arg, i) == id)
			return i;
	return SIZE_MAX;
}

bool grid_select_id(struct grid *g, const struct grid_rows *rows, uint64_t id)
{
	size_t row = find_id(rows, id);
	if (row == SIZE_MAX)
		return false;
	grid_select(g, rows, row);
	return true;
}

void grid_sync(struct grid *g, const struct grid_rows *rows)
{
	size_t n = rows->count(rows->arg), line = g->selected - g->top;
	if (g->selected_id && g->selected < n && rows->id(rows->arg, g->selected) == g->selected_id) {
		clamp_top(g, n);
		return;
	}
	size_t row = g->selected_id ? find_id(rows, g->selected_id) : 0;
	if (row != SIZE_MAX && g->selected_id) /* it keeps its line on the screen too */
		g->top = row > line ? row - line : 0;
	grid_select(g, rows, row != SIZE_MAX ? row : g->selected);
}

void grid_move(struct grid *g, const struct grid_rows *rows, long delta)
{
	size_t n = rows->count(rows->arg);
	long to = (long)g->selected + delta;
	if (to < 0 || !n)
		to = 0;
	grid_select(g, rows, (size_t)to);
}

void grid_scroll(struct grid *g, const struct grid_rows *rows, long delta)
{
	size_t n = rows->count(rows->arg), page = (size_t)(g->page ? g->page : 1);
	size_t most = n > page ? n - page : 0;
	long top = (long)g->top + delta;
	g->top = top < 0 ? 0 : (size_t)top > most ? most : (size_t)top;
	if (g->selected < g->top)
		grid_select(g, rows, g->top);
	else if (g->selected >= g->top + page)
		grid_select(g, rows, g->top + page - 1);
}

bool grid_act(struct grid *g, const struct grid_rows *rows, enum action act)
{
	long page = g->page ? g->page : 1, half = page > 1 ? page / 2 : 1;
	switch (act) {
	case ACTION_UP:
		grid_move(g, rows, -1);
		return true;
	case ACTION_DOWN:
		grid_move(g, rows, 1);
		return true;
	case ACTION_PAGE_UP:
		grid_move(g, rows, -page);
		return true;
	case ACTION_PAGE_DOWN:
		grid_move(g, rows, page);
		return true;
	case ACTION_HALF_UP:
		grid_move(g, rows, -half);
		return true;
	case ACTION_HALF_DOWN:
		grid_move(g, rows, half);
		return true;
	case ACTION_TOP:
		grid_select(g, rows, 0);
		return true;
	case ACTION_BOTTOM:
		grid_select(g, rows, SIZE_MAX);
		return true;
	default:
		return false;
	}
}

void grid_mouse(struct grid *g, const struct grid_rows *rows, const struct input_event *e)
{
	if (e->mouse.what == MOUSE_WHEEL_UP || e->mouse.what == MOUSE_WHEEL_DOWN) {
		grid_scroll(g, rows, e->mouse.what == MOUSE_WHEEL_UP ? -3 : 3);
		return;
	}
	size_t row = e->mouse.what == MOUSE_PRESS ? grid_row_at(g, rows, e->mouse.x, e->mouse.y) : SIZE_MAX;
	if (row != SIZE_MAX)
		grid_select(g, rows, row);
}

/* --- marks -------------------------------------------------------------------------------------------------------- */

static size_t find_mark(const struct grid *g, uint64_t id)
{
	for (size_t i = 0; i < g->n_marks; i++)
		if (g->marks[i] == id)
			return i;
	return SIZE_MAX;
}

bool grid_marked(const struct grid *g, uint64_t id)
{
	return find_mark(g, id) != SIZE_MAX;
}

void grid_mark(struct grid *g, uint64_t id, bool on)
{
	size_t at = find_mark(g, id);
	if (on == (at != SIZE_MAX) || !id)
		return;
	if (on) {
		ARRAY_GROW(g->marks, g->n_marks, g->marks_cap);
		g->marks[g->n_marks++] = id;
	} else {
		g->n_marks--;
		memmove(g->marks + at, g->marks + at + 1, (g->n_marks - at) * sizeof *g->marks);
	}
}

void grid_sync_marks(struct grid *g, const struct grid_rows *rows)
{
	for (size_t i = g->n_marks; i-- > 0;)
		if (find_id(rows, g->marks[i]) == SIZE_MAX)
			grid_mark(g, g->marks[i], false);
}

/* --- columns ------------------------------------------------------------------------------------------------------ */

/* Between two columns; more where figures that end on the right meet text that begins on the left. */
static int gap_between(const struct grid_column *before, const struct grid_column *after, int width)
{
	return (width >= ROOMY_COLUMNS ? 2 : 1) + (before->right && !after->right);
}

/* Place the columns up to a priority at their least widths, or, least NULL, at those in w; returns the columns needed. */
static int place(const struct grid_column *columns, size_t n, int width, int most_priority, const int *least, int *x, int *w)
{
	const struct grid_column *before = NULL;
	int at = 0;
	for (size_t i = 0; i < n; i++) {
		if (least)
			w[i] = columns[i].priority <= most_priority ? least[i] : 0;
		x[i] = at;
		if (!w[i])
			continue;
		x[i] += before ? gap_between(before, &columns[i], width) : 0;
		at = x[i] + w[i];
		before = &columns[i];
	}
	return at;
}

/* What is left is shared out, a column of the screen at a time, so that all grow alike up to `most`. Returns what is left then. */
static int grow(size_t n, int room, const int *most, int *w)
{
	for (bool grown = true; grown && room > 0;) {
		grown = false;
		for (size_t i = 0; i < n && room > 0; i++) {
			if (!w[i] || most[i] <= w[i])
				continue;
			w[i]++;
			room--;
			grown = true;
		}
	}
	return room;
}

static bool is_cut(const struct grid_column *c, int need, int w)
{
	return w && c->priority < GRID_EXTRA && w < need;
}

/* The highest priority of a column that is shown, when it could be given up for one that is cut; else 0. */
static int extra_to_give_up(const struct grid_column *columns, size_t n, const int *need, const int *w)
{
	bool cut = false;
	int extra = 0;
	for (size_t i = 0; i < n; i++) {
		cut = cut || is_cut(&columns[i], need[i], w[i]);
		extra = w[i] && columns[i].priority > extra ? columns[i].priority : extra;
	}
	return cut && extra >= GRID_EXTRA ? extra : 0;
}

/* The least priority above that one; 0: there is none. */
static int next_priority(const struct grid_column *columns, size_t n, int priority)
{
	int next = 0;
	for (size_t i = 0; i < n; i++)
		if (columns[i].priority > priority && (!next || columns[i].priority < next))
			next = columns[i].priority;
	return next;
}

/* How wide columns are to be. */
struct widths {
	const struct grid_column *columns;
	size_t n;
	int width;
	int min[GRID_COLUMNS_MAX], least[GRID_COLUMNS_MAX], need[GRID_COLUMNS_MAX], most[GRID_COLUMNS_MAX];
	bool measured; /* something is known of what is in them */
};

static struct widths widths_of(const struct grid_column *columns, size_t n, const int *want, int width)
{
	struct widths d = {.columns = columns, .n = n, .width = width};
	for (size_t i = 0; i < n; i++) {
		const struct grid_column *c = &columns[i];
		/* Its title, with the mark of what is sorted by, is always seen. */
		int title = width_text(c->title, strlen(c->title)) + (c->sort >= 0);
		d.min[i] = c->min;
		d.most[i] = c->max;
		d.need[i] = !want[i] ? c->min : want[i] < c->max ? want[i] : c->max;
		d.least[i] = d.need[i] >= c->min ? c->min : d.need[i] > title ? d.need[i] : title < c->min ? title : c->min;
		d.measured = d.measured || want[i];
	}
	return d;
}

/* Columns up to a priority, each as wide as it needs while there is room; returns what is left. */
static int place_needed(const struct widths *d, int priority, int *x, int *w)
{
	return grow(d->n, d->width - place(d->columns, d->n, d->width, priority, d->least, x, w), d->need, w);
}

/* For what is going on, which nobody has measured: it is one thing now and another then. */
static bool is_free(const struct widths *d, const int *want, size_t i)
{
	return d->measured && !want[i] && d->most[i] > 2 * d->min[i];
}

/* All they need, and twice the least for what is going on? */
static bool is_enough(const struct widths *d, const int *want, int room, const int *w)
{
	for (size_t i = 0; i < d->n; i++) {
		if (w[i] && w[i] < d->need[i])
			return false;
		if (w[i] && is_free(d, want, i))
			room -= d->min[i];
	}
	return room >= 0;
}

void grid_widths(const struct grid_column *columns, size_t n, const int want[GRID_COLUMNS_MAX], int width, int x[GRID_COLUMNS_MAX],
    int w[GRID_COLUMNS_MAX])
{
	struct widths d = widths_of(columns, n, want, width);
	int priority = 0, room, free_text[GRID_COLUMNS_MAX];
	for (int next; (next = next_priority(columns, n, priority)) > 0;)
		priority = next;
	while (place(columns, n, width, priority, d.min, x, w) > width && priority > 0)
		priority--;
	room = place_needed(&d, priority, x, w);
	for (int extra; room <= 0 && (extra = extra_to_give_up(columns, n, d.need, w)) > 0;) {
		priority = extra - 1;
		room = place_needed(&d, priority, x, w);
	}
	/* Where what is in them is short there is room for more of them. */
	for (int next; d.measured && (next = next_priority(columns, n, priority)) > 0; priority = next)
		if (!is_enough(&d, want, place_needed(&d, next, x, w), w))
			break;
	room = place_needed(&d, priority, x, w);
	/* What is left goes to what may need it; then to all. */
	for (size_t i = 0; i < n; i++)
		free_text[i] = is_free(&d, want, i) ? d.most[i] : 0;
	grow(n, grow(n, room, free_text, w), d.most, w);
	place(columns, n, width, priority, NULL, x, w);
}

int grid_next_sort(const struct grid *g, int dir)
{
	int n = (int)g->n_columns, from = g->sort_column;
	if (from < 0 && dir < 0)
		from = 0;
	for (int i = 1; i <= n; i++) {
		int at = (from + dir * i + n * 2) % n;
		if (g->columns[at].sort >= 0)
			return at;
	}
	return -1;
}

int grid_column_at(const struct grid *g, int x)
{
	for (size_t i = 0; i < g->n_columns; i++)
		if (g->column_w[i] && x >= g->column_x[i] && x < g->column_x[i] + g->column_w[i])
			return (int)i;
	return -1;
}

size_t grid_row_at(const struct grid *g, const struct grid_rows *rows, int x, int y)
{
	if (!rect_has(g->rows_at, x, y))
		return SIZE_MAX;
	size_t row = g->top + (size_t)(y - g->rows_at.y);
	return row < rows->count(rows->arg) ? row : SIZE_MAX;
}

/* --- drawing ------------------------------------------------------------------------------------------------------ */

static void place_columns(struct grid *g, struct rect r)
{
	struct grid_column columns[GRID_COLUMNS_MAX];
	memcpy(columns, g->columns, g->n_columns * sizeof *columns);
	if (g->sort_column >= 0 && r.w >= NARROW_COLUMNS) /* by what it is sorted is seen, where there is room for more than names */
		columns[g->sort_column].priority = 0;
	grid_widths(columns, g->n_columns, g->want, r.w - GUTTER, g->column_x, g->column_w);
	for (size_t i = 0; i < g->n_columns; i++)
		g->column_x[i] += r.x + GUTTER;
}

static void draw_titles(const struct grid *g, struct canvas *c, struct rect r)
{
	for (size_t i = 0; i < g->n_columns; i++) {
		const struct grid_column *col = &g->columns[i];
		if (!g->column_w[i])
			continue;
		bool sorted = (int)i == g->sort_column;
		enum role role = sorted ? ROLE_HEADER_SORT : ROLE_HEADER;
		char title[48];
		size_t n = strlen(col->title);
		n = n < sizeof title - 4 ? n : sizeof title - 4;
		memcpy(title, col->title, n);
		memcpy(title + n, sorted ? g->descending ? "\xe2\x96\xbc" : "\xe2\x96\xb2" : "", sorted ? 4 : 1);
		if (col->right)
			canvas_right(c, g->column_x[i], r.y, g->column_w[i], role, title);
		else
			canvas_text(c, g->column_x[i], r.y, g->column_w[i], role, title);
	}
}

static void draw_spans(struct canvas *c, const struct grid_cell *cell, int x, int y, int w)
{
	for (size_t i = 0; i < cell->n_spans; i++) {
		size_t at = cell->spans[i].at, len = cell->spans[i].len;
		if (at + len > strlen(cell->text))
			continue;
		int from = width_text(cell->text, at), columns = width_text(cell->text + at, len);
		canvas_back(c, rect_and((struct rect){x + from, y, columns, 1}, (struct rect){x, y, w, 1}), ROLE_MATCH);
	}
}

static void draw_cell(const struct grid *g, struct canvas *c, size_t i, int y, const struct grid_cell *cell)
{
	int x = g->column_x[i], w = g->column_w[i];
	if (cell->n_spark) {
		size_t n = cell->n_spark < (size_t)w ? cell->n_spark : (size_t)w;
		canvas_spark(c, x, y, w, cell->role, cell->spark + cell->n_spark - n, n);
		return;
	}
	int used = width_text(cell->text, strlen(cell->text));
	if (g->columns[i].right && used < w)
		x += w - used;
	canvas_text(c, x, y, g->column_x[i] + w - x, cell->role, cell->text);
	if (cell->attrs)
		canvas_attrs(c, (struct rect){g->column_x[i], y, w, 1}, cell->attrs);
	draw_spans(c, cell, x, y, g->column_x[i] + w - x);
}

static void draw_row(struct grid *g, const struct grid_rows *rows, struct canvas *c, struct rect line, size_t row, bool keys)
{
	uint64_t id = rows->id(rows->arg, row);
	bool selected = row == g->selected, marked = g->n_marks && grid_marked(g, id);
	for (size_t i = 0; i < g->n_columns; i++) {
		if (!g->column_w[i])
			continue;
		struct grid_cell cell = {.n_spans = 0};
		rows->cell(rows->arg, row, i, &cell);
		if (marked)
			cell.role = ROLE_MARKED;
		draw_cell(g, c, i, line.y, &cell);
	}
	if (marked)
		canvas_put(c, line.x, line.y, ROLE_MARKED, '*');
	else if (selected)
		canvas_put(c, line.x, line.y, ROLE_TEXT, 0x25b8);
	if (!selected)
		return;
	canvas_back(c, line, keys ? ROLE_SELECTED : ROLE_SELECTED_OFF);
	if (keys) {
		c->cursor_x = line.x;
		c->cursor_y = line.y;
	}
}

void grid_draw(struct grid *g, const struct grid_rows *rows, struct canvas *c, struct rect r, bool keys, const char *empty)
{
	size_t n = rows->count(rows->arg);
	struct rect was = canvas_clip(c, r);
	struct rect body = r, titles = rect_cut_top(&body, r.h > 1);
	g->page = body.h > 0 ? body.h : 1;
	bool reserve = n > (size_t)g->page && !canvas_has_edge(c, body);
	if (reserve)
		rect_cut_right(&body, 1);
	place_columns(g, body);
	if (!rect_empty(titles))
		draw_titles(g, c, titles);
	g->rows_at = body;
	if (!n)
		canvas_wrap(c, (struct rect){body.x + GUTTER, body.y, body.w - GUTTER, body.h}, ROLE_DIM, empty);
	clamp_top(g, n);
	for (int i = 0; i < body.h && g->top + (size_t)i < n; i++)
		draw_row(g, rows, c, (struct rect){body.x, body.y + i, body.w, 1}, g->top + (size_t)i, keys);
	body.w += reserve;
	canvas_scrollbar(c, body, g->top, (size_t)body.h, n);
	c->clip = was;
}
