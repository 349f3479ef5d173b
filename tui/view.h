/* What a view is, and what may lie over one. A view is one file in tui/view/ with one table, and one line in app.c. */
#ifndef TUI_VIEW_H
#define TUI_VIEW_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "tui/action.h"
#include "tui/canvas.h"
#include "tui/keys.h"
#include "tui/source.h"
#include "tui/term/input.h"

struct app;
struct arena;
struct menu_item;

enum { VIEWS_MAX = 12, VIEW_COPIES_MAX = 12 };

/* Something that can be copied: "name", "train". */
struct view_copy {
	const char *what, *text;
};

struct view_ops {
	const char *name;  /* "offers": on the command line and in the palette */
	const char *title; /* "Offers": in the top line */
	enum key_scope scope;
	enum action go;	   /* the action that shows it */
	void *(*create)(struct app *a);
	void (*destroy)(void *v);
	/* The rest may be NULL, but for draw and act. */
	void (*shown)(void *v, struct app *a);	  /* it has become the one on the screen */
	void (*news)(void *v, struct app *a);	  /* another snapshot, or other prices */
	/* The key before the key table has a say: while something is typed. True: taken. */
	bool (*key)(void *v, struct app *a, struct key k);
	bool (*act)(void *v, struct app *a, enum action act); /* false: not mine */
	const char *(*why_not)(void *v, const struct app *a, enum action act); /* NULL: possible */
	bool (*paste)(void *v, struct app *a, const char *text, size_t len);   /* false: nowhere to paste */
	void (*mouse)(void *v, struct app *a, const struct input_event *e);
	void (*log_data)(void *v, struct app *a, unsigned log, const char *data, size_t len, int64_t at_ms);
	void (*log_older)(void *v, struct app *a, unsigned log, const char *data, size_t len, int64_t at_ms); /* as ui_sink.log_older */
	void (*log_end)(void *v, struct app *a, unsigned log, bool broken, const char *text);
	/* The line above the body: what is shown, and how much of it. */
	void (*title_line)(void *v, struct app *a, struct canvas *c, struct rect line, bool keys);
	void (*draw)(void *v, struct app *a, struct canvas *c, struct rect body, bool keys);
	/* How long until what it shows changes by itself, as elapsed times do; -1: it does not. Asked while it is shown. */
	int64_t (*wait_ms)(void *v, const struct app *a);
	/* What can be copied of what is selected; all from the arena. How many there are. */
	size_t (*copies)(void *v, const struct app *a, struct arena *arena, struct view_copy out[VIEW_COPIES_MAX]);
	/* What the person has arranged (order, grouping, panes), to be kept for the next time: new reference; and that given back, which may
	 * be anything, since it comes from a file. */
	json_t *(*save)(void *v);
	void (*restore)(void *v, struct app *a, const json_t *saved);
	/* Words of its own that ? explains after the keys, at most max; strings from the arena or static. How many. */
	size_t (*help)(struct arena *arena, struct menu_item *items, size_t max);
	/* What to put in the footer instead of the key table: "Enter" "done" … NULL; while something is typed. */
	const char *const *(*hints)(void *v, const struct app *a);
};

/* What lies over the view and has the keys: a value in the state, never a loop of its own. */
struct modal_ops {
	void (*destroy)(void *m);
	void (*key)(void *m, struct app *a, struct key k);
	void (*paste)(void *m, struct app *a, const char *text, size_t len); /* NULL: nowhere to paste */
	void (*mouse)(void *m, struct app *a, const struct input_event *e);  /* may be NULL */
	void (*draw)(void *m, struct app *a, struct canvas *c, struct rect area);
	/* For the footer: key, label, … NULL; what can be done as it is now. */
	const char *const *(*hints)(void *m, const struct app *a);
	/* The answer to a question that it asked of the source; may be NULL. */
	void (*planned)(void *m, struct app *a, unsigned ticket, const struct ui_plan *plan, const struct err *err);
	int64_t (*wait_ms)(void *m, const struct app *a); /* as a view's; may be NULL */
	bool alone; /* what it was opened over is not drawn below it */
	/* The order whose course it shows, so that no notice says the same; may be NULL. */
	unsigned (*ticket)(const void *m);
};

struct modal {
	const struct modal_ops *ops; /* NULL: none */
	void *state;
};

#endif
