/* Where things go. Pure: sizes in, rectangles out, so that every size from 1×1 up can be tested without a terminal.
 * Nothing here is ever negative or outside the rectangle it was cut from. */
#include "tui/layout.h"

static int least(int a, int b)
{
	return a < b ? a : b;
}

static int most(int a, int b)
{
	return a > b ? a : b;
}

static int within(int n, int top)
{
	return n < 0 ? 0 : least(n, top);
}

bool rect_empty(struct rect r)
{
	return r.w <= 0 || r.h <= 0;
}

bool rect_has(struct rect r, int x, int y)
{
	return x >= r.x && x < r.x + r.w && y >= r.y && y < r.y + r.h;
}

struct rect rect_and(struct rect a, struct rect b)
{
	int x = most(a.x, b.x), y = most(a.y, b.y);
	int w = least(a.x + a.w, b.x + b.w) - x, h = least(a.y + a.h, b.y + b.h) - y;
	return (struct rect){x, y, most(w, 0), most(h, 0)};
}

struct rect rect_cut_top(struct rect *r, int n)
{
	n = within(n, r->h);
	struct rect cut = {r->x, r->y, r->w, n};
	r->y += n;
	r->h -= n;
	return cut;
}

struct rect rect_cut_bottom(struct rect *r, int n)
{
	n = within(n, r->h);
	r->h -= n;
	return (struct rect){r->x, r->y + r->h, r->w, n};
}

struct rect rect_cut_left(struct rect *r, int n)
{
	n = within(n, r->w);
	struct rect cut = {r->x, r->y, n, r->h};
	r->x += n;
	r->w -= n;
	return cut;
}

struct rect rect_cut_right(struct rect *r, int n)
{
	n = within(n, r->w);
	r->w -= n;
	return (struct rect){r->x + r->w, r->y, n, r->h};
}

struct rect rect_inset(struct rect r, int dx, int dy)
{
	rect_cut_left(&r, dx);
	rect_cut_right(&r, dx);
	rect_cut_top(&r, dy);
	rect_cut_bottom(&r, dy);
	return r;
}

struct rect rect_center(struct rect r, int w, int h)
{
	w = within(w, r.w);
	h = within(h, r.h);
	return (struct rect){r.x + (r.w - w) / 2, r.y + (r.h - h) / 2, w, h};
}

int layout_dialog_columns(int room, int want)
{
	enum { SLIVER_COLUMNS = 8 };
	return want > room - 2 * SLIVER_COLUMNS ? most(room, 0) : want;
}

struct layout layout_of(int columns, int rows)
{
	struct layout l = {.screen = {0, 0, most(columns, 0), most(rows, 0)}};
	struct rect rest = l.screen;
	l.tiny = columns < LAYOUT_MIN_COLUMNS || rows < LAYOUT_MIN_ROWS;
	l.top = rect_cut_top(&rest, 1);
	if (l.tiny) {
		l.body = rest;
		return l;
	}
	l.footer = rect_cut_bottom(&rest, 1);
	l.title = rect_cut_top(&rest, 1);
	l.body = rest;
	return l;
}

enum { BESIDE_COLUMNS = 150, BELOW_ROWS = 18, DETAILS_COLUMNS = 58, DETAILS_ROWS = 13 };

enum layout_split layout_details(struct rect body, struct rect *table, struct rect *details)
{
	*table = body;
	if (body.w >= BESIDE_COLUMNS) {
		*details = rect_cut_right(table, most(DETAILS_COLUMNS, body.w * 3 / 8));
		return SPLIT_BESIDE;
	}
	if (body.h >= BELOW_ROWS) {
		*details = rect_cut_bottom(table, most(DETAILS_ROWS, body.h / 2));
		return SPLIT_BELOW;
	}
	*details = body;
	*table = (struct rect){body.x, body.y, 0, 0};
	return SPLIT_INSTEAD;
}
