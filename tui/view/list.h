/* What views that are lists have in common: items that come and go are filtered, sorted, marked, clicked at.
 *
 * The order is remade from each snapshot. While the person is at it (a key in the last five seconds, marks, a question open) it stays
 * as it is and what is new stands at the end: nothing moves under the cursor of someone about to press D. */
#ifndef TUI_VIEW_LIST_H
#define TUI_VIEW_LIST_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/grid.h"
#include "tui/keys.h"
#include "tui/query.h"

struct app;
struct arena;
struct view_copy;

/* --- sorting by keys and clicks, for every grid ------------------------------------------------------------------- */

/* Lives as long as its view: a menu may point to it. */
struct sorter {
	struct app *app;
	struct grid *grid;
	void (*resort)(void *arg); /* grid->sort_column and grid->descending are others now */
	void *arg;
};
/* < > r s. False: none of them. */
bool sorter_act(struct sorter *s, enum action what);
/* A click on a title: sort by it; again: the other way round. False: it was none. */
bool sorter_click(struct sorter *s, const struct input_event *e);
/* What every table does at keys: moving, the four of the order, marking a row (and going on to the next one), and beginning its filter. */
bool table_act(struct sorter *s, const struct grid_rows *rows, struct query *q, enum action what);
/* A click on a title, else on a row, or the wheel. */
void table_mouse(struct sorter *s, const struct grid_rows *rows, const struct input_event *e);

/* --- lists -------------------------------------------------------------------------------------------------------- */

enum { LIST_MISSING = 1 << 20 };
#define LIST_NONE SIZE_MAX

struct list_kind {
	const struct grid_column *columns;
	size_t n_columns;
	enum key_scope scope;
	int sort_column; /* at first */
	bool descending;
	/* Items are numbered as the view likes, and may be others after each snapshot; ids stay. */
	size_t (*count)(void *view);
	uint64_t (*id)(void *view, size_t item);
	void (*cell)(void *view, size_t item, size_t column, struct grid_cell *out);
	/* By what a column sorts by (`sort` of it); -1: the order of those that are alike. Something that is not known comes last
	 * whatever the direction: ±LIST_MISSING. */
	int (*compare)(void *view, size_t a, size_t b, int sort);
	/* Whether it belongs here at all; NULL: all do. */
	bool (*wanted)(void *view, size_t item);
	/* More words that the filter looks into; may be NULL. */
	void (*words)(void *view, size_t item, struct str *out);
	bool newest_first; /* while nobody has moved in it, what is selected is the first line */
	bool stream;	   /* nothing in it can be acted on: its order is never frozen, and the first line stays selected when it is */
};

struct list {
	const struct list_kind *kind;
	void *view;
	struct app *app;
	struct grid grid;
	struct query query;
	struct sorter sorter;
	size_t *order;	/* items as shown */
	uint64_t *ids;	/* theirs */
	size_t n, n_all;
	size_t n_new;	/* came while the order was frozen: they stand at the end */
	bool touched;	/* somebody has moved in it */
	bool frozen;	/* its order waits for the hand that is on it to be still */
};

void list_init(struct list *l, struct app *a, const struct list_kind *kind, void *view);
void list_finish(struct list *l);
/* Make the order anew: another filter. */
void list_remake(struct list *l);
/* The items are others. */
void list_news(struct list *l);
/* The selected item, or LIST_NONE. */
size_t list_selected(const struct list *l);
/* The marked items in their order on the screen, or else the selected one; how many. */
size_t list_meant(const struct list *l, size_t *items, size_t max);
bool list_select(struct list *l, uint64_t id);

/* Moving, filter, sorting, marks, and Esc that takes marks and filter back. False: not a matter of lists. */
bool list_act(struct list *l, enum action what);
/* While the filter is typed; false: it is not. */
bool list_key(struct list *l, struct key k);
bool list_paste(struct list *l, const char *text, size_t len);
void list_mouse(struct list *l, const struct input_event *e);
/* The selected row as tab-separated text; "" when there is none. */
const char *list_tsv(struct list *l, struct arena *arena);
/* Name or filter at the left, `right` and the count at the right. */
void list_title(struct list *l, struct canvas *c, struct rect line, const char *name, const char *right, bool keys);
void list_draw(struct list *l, struct canvas *c, struct rect r, bool keys, const char *empty);
/* Until its order changes by itself; -1: it does not. */
int64_t list_wait_ms(const struct list *l);
/* For the footer, while something is typed; else NULL. */
const char *const *list_hints(const struct list *l);

/* --- views made of lists ------------------------------------------------------------------------------------------- */

enum { LIST_VIEW_MAX = 2 };

/* What the state of such a view begins with. The functions below that take a void * then stand in its table as they are. */
struct list_view {
	struct app *app;
	struct list lists[LIST_VIEW_MAX];
	const char *names[LIST_VIEW_MAX]; /* under which their orders are kept */
	size_t n, focus;		  /* focus: the list that has the keys */
	bool details;			  /* of what is selected, beside or below */
	bool chosen;			  /* … because somebody said so; else where there is much room beside the list */
	void (*moved)(void *view);	  /* what is selected may be something else now; may be NULL */
};

/* One list more, the first one first; app is set. */
void list_view_add(struct list_view *v, const char *name, const struct list_kind *kind);
void list_view_finish(struct list_view *v);
struct list *list_view_focused(struct list_view *v);
/* Esc, Enter and Tab for details and lists, and then what lists do. False: not a matter of lists. */
bool list_view_act(struct list_view *v, enum action what);
/* Open or close the details; from then on they stay so, however wide the screen is. */
void list_view_details(struct list_view *v, bool open);
/* Before drawing: while nobody has said anything else, details are open where there is much room beside the list. */
void list_view_unfold(struct list_view *v, int width);
/* The lists were not drawn: clicks do not reach them. To be called before drawing. */
void list_view_hide(struct list_view *v);
/* For a view with one list: draw it, and return the room for the details, empty when they are not open. */
struct rect list_view_draw(struct list_view *v, struct canvas *c, struct rect body, bool keys, const char *empty);

/* As the members of view_ops of these names. */
bool list_view_key(void *view, struct app *a, struct key k);
bool list_view_paste(void *view, struct app *a, const char *text, size_t len);
void list_view_mouse(void *view, struct app *a, const struct input_event *e);
void list_view_news(void *view, struct app *a);
const char *const *list_view_hints(void *view, const struct app *a);
int64_t list_view_wait_ms(void *view, const struct app *a);
json_t *list_view_save(void *view);
void list_view_restore(void *view, struct app *a, const json_t *saved);

/* Why there is nothing of the engine to be shown; NULL: there is something, or it is known that there is nothing. */
const char *view_without_engine(const struct app *a);

/* Helpers for compare: figures below 0 and texts that are "" are not known. */
int list_by_int(int64_t a, int64_t b);
int list_by_text(const char *a, const char *b);
/* Of a text; not 0. */
uint64_t list_id(const char *text);

/* Does the text of an item match? A filter is words that all must occur, !word that must not, field:text with the title of a column or the
 * beginning of it, field=text for all of it, field<number (> <= >=), and /regular expression/. Pure: cells are asked for through get. */
struct list_fields {
	const struct grid_column *columns;
	size_t n_columns;
	void (*cell)(void *arg, size_t column, struct grid_cell *out);
	void *arg;
	const char *words; /* more of them */
};
bool list_match(const char *filter, const struct list_fields *f);

#endif
