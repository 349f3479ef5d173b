/* A list to choose from, over the view: palette, help, what to sort by, messages. Typing searches it. */
#ifndef TUI_MENU_H
#define TUI_MENU_H
#include <stdbool.h>
#include <stddef.h>

#include "tui/view.h"

struct menu;
struct arena;

/* Strings live in the menu's arena or are static. */
struct menu_item {
	const char *heading; /* stands above it when it is the first of those with this heading; NULL */
	const char *left;    /* "S" the key */
	const char *text;    /* "Stop the cluster" */
	const char *right;   /* "skytop stop CLUSTER"; NULL */
	const char *detail;  /* one sentence, for the selected one; NULL */
	const char *words;   /* also searched, not shown; NULL */
	const char *why_not; /* it cannot be chosen now, and why; NULL */
	int value;	     /* for the chooser */
	bool bad;	     /* drawn as an error */
};

struct menu_spec {
	const char *title, *empty;
	bool search;	    /* a field to type in; otherwise letters are keys: j k g G q */
	bool tall;	    /* takes the height there is even when short */
	bool keep_end;	    /* begins at the last item */
	bool copies;	    /* what choosing does is to copy: for the footer */
	int detail_lines;   /* for the sentence about the selected item; 0: 1 */
	int start;	    /* value of the item that is selected first; 0: the first */
	void (*choose)(struct app *a, int value, void *arg); /* the menu is closed already; NULL: nothing can be chosen */
	void *arg;	    /* borrowed */
};

/* spec is copied, the arena is taken over. */
struct menu *menu_create(const struct menu_spec *spec, struct arena *arena, const struct menu_item *items, size_t n);
/* Other items in their place; what is typed and, if it is still there, what is selected stay. The arena before is freed. */
void menu_replace(struct menu *m, struct arena *arena, const struct menu_item *items, size_t n);
extern const struct modal_ops menu_ops;

/* Does the query match: do all its words occur in the text, or its letters in order as the start of words? Pure. */
bool menu_match(const char *query, const char *text);

#endif
