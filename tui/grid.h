/* Tables of any length: columns are data, rows are asked for when they are drawn. The selection is an item, not a line:
 * it stays on the item's id when rows come, go and change places. */
#ifndef TUI_GRID_H
#define TUI_GRID_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/action.h"
#include "tui/canvas.h"
#include "tui/term/input.h"

struct grid_column {
	const char *title;
	int min, max;	/* width; it grows up to max where there is room, first as far as what is in it needs */
	int priority;	/* 0: always there; the highest goes first when there is no room; from GRID_EXTRA on when something else would be cut */
	bool right;	/* aligned to the right */
	int sort;	/* what the view calls this order; -1: cannot be sorted by */
};

enum { GRID_EXTRA = 10, GRID_COLUMNS_MAX = 24, GRID_TEXT_MAX = 160, GRID_SPANS_MAX = 4, GRID_SPARK_MAX = 24 };

/* A cell as the view fills it in. Zeroed before. */
struct grid_cell {
	char text[GRID_TEXT_MAX];
	enum role role;
	unsigned attrs;
	struct {
		size_t at, len; /* bytes of text to highlight */
	} spans[GRID_SPANS_MAX];
	size_t n_spans;
	int64_t spark[GRID_SPARK_MAX]; /* drawn instead of text when there are any */
	size_t n_spark;
};

struct grid_rows {
	size_t (*count)(void *arg);
	uint64_t (*id)(void *arg, size_t row); /* stable and not 0 */
	void (*cell)(void *arg, size_t row, size_t column, struct grid_cell *out);
	void *arg;
};

struct grid {
	const struct grid_column *columns;
	size_t n_columns;
	uint64_t selected_id; /* 0: there are no rows */
	size_t selected, top;
	int page;	      /* rows that fitted when it was last drawn; 0: it never was */
	int sort_column;      /* -1: none */
	bool descending;
	uint64_t *marks;
	size_t n_marks, marks_cap;
	int want[GRID_COLUMNS_MAX]; /* so wide is what is in a column, as the view has measured it; 0: it has not */
	/* Where columns were drawn last, for clicks on titles. */
	int column_x[GRID_COLUMNS_MAX], column_w[GRID_COLUMNS_MAX];
	struct rect rows_at;
};

/* `columns` stays the caller's and must outlive the grid. */
void grid_init(struct grid *g, const struct grid_column *columns, size_t n);
void grid_finish(struct grid *g);

/* Rows have changed: find the selected item again; where it is gone, what took its place is selected. */
void grid_sync(struct grid *g, const struct grid_rows *rows);
void grid_move(struct grid *g, const struct grid_rows *rows, long delta);
void grid_select(struct grid *g, const struct grid_rows *rows, size_t row);
/* Select by id; false when there is no such row. */
bool grid_select_id(struct grid *g, const struct grid_rows *rows, uint64_t id);
/* Scroll without moving the selection further than it must (mouse wheel). */
void grid_scroll(struct grid *g, const struct grid_rows *rows, long delta);

/* The actions of SCOPE_MOVE; false: none of them. */
bool grid_act(struct grid *g, const struct grid_rows *rows, enum action act);
/* A click selects, the wheel scrolls. */
void grid_mouse(struct grid *g, const struct grid_rows *rows, const struct input_event *e);

bool grid_marked(const struct grid *g, uint64_t id);
void grid_mark(struct grid *g, uint64_t id, bool on);
/* Forget marks of rows that are gone. */
void grid_sync_marks(struct grid *g, const struct grid_rows *rows);

/* The next column to the right (dir 1) or left (-1) that can be sorted by; wraps. Returns it, or -1. */
int grid_next_sort(const struct grid *g, int dir);
/* The column at screen position x of the title line, or -1. */
int grid_column_at(const struct grid *g, int x);
/* The row at screen line y, or SIZE_MAX. */
size_t grid_row_at(const struct grid *g, const struct grid_rows *rows, int x, int y);

/* Titles and the cells of a row, between tabs, as a table program takes them; arena's. "": there is no such row. */
struct arena;
const char *grid_tsv(const struct grid *g, const struct grid_rows *rows, size_t row, struct arena *arena);
/* The order, to be kept for the next time: new reference; and given back, from whatever a file says. The rows are not sorted. */
json_t *grid_save(const struct grid *g);
void grid_restore(struct grid *g, const json_t *saved);

/* Pure: which columns fit into so many columns of the screen, where each begins, and how wide it is; 0: left out. want: as in a grid. */
void grid_widths(const struct grid_column *columns, size_t n, const int want[GRID_COLUMNS_MAX], int width, int x[GRID_COLUMNS_MAX],
    int w[GRID_COLUMNS_MAX]);
/* Titles in the first line of r, rows below; `empty` stands where there are none. `keys`: it has the keys, so the cursor is
 * put on its selected row. */
void grid_draw(struct grid *g, const struct grid_rows *rows, struct canvas *c, struct rect r, bool keys, const char *empty);

#endif
