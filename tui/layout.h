/* Rectangles, and where the parts of the screen go: a pure function of its size. */
#ifndef TUI_LAYOUT_H
#define TUI_LAYOUT_H
#include <stdbool.h>

struct rect {
	int x, y, w, h; /* w and h are never negative */
};

bool rect_empty(struct rect r);
bool rect_has(struct rect r, int x, int y);
struct rect rect_and(struct rect a, struct rect b);
/* Cut n lines or columns off a side of *r (at most what is there) and return them. */
struct rect rect_cut_top(struct rect *r, int n);
struct rect rect_cut_bottom(struct rect *r, int n);
struct rect rect_cut_left(struct rect *r, int n);
struct rect rect_cut_right(struct rect *r, int n);
struct rect rect_inset(struct rect r, int dx, int dy);
/* w×h in the middle of r, made smaller to fit. */
struct rect rect_center(struct rect r, int w, int h);
/* How wide a dialog is that wants so many columns: nearly the whole width is the whole width, with no slivers of the view beside it. */
int layout_dialog_columns(int room, int want);

enum { LAYOUT_MIN_COLUMNS = 20, LAYOUT_MIN_ROWS = 4 };

/* The frame of every view. Parts that have no room are empty. */
struct layout {
	bool tiny;	    /* too small for a view: only `top` and `body`, for a word and the one figure that matters */
	struct rect screen;
	struct rect top;    /* views and spend */
	struct rect title;  /* the view's title, on a line across: there is no border, which would cost columns, and bytes in each row */
	struct rect body;   /* what the view draws into */
	struct rect footer; /* keys */
};

/* Where everything goes on a screen of this size. Pure. */
struct layout layout_of(int columns, int rows);

/* A table and its details: beside it where there is width, below it where there is height, else instead of it. */
enum layout_split { SPLIT_NONE, SPLIT_BESIDE, SPLIT_BELOW, SPLIT_INSTEAD };
enum layout_split layout_details(struct rect body, struct rect *table, struct rect *details);

#endif
