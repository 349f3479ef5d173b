/* What is typed after `/` in a view: a filter or a search, live while it is typed, undone by Esc. */
#ifndef TUI_QUERY_H
#define TUI_QUERY_H
#include <stdbool.h>
#include <stddef.h>

#include "tui/canvas.h"
#include "tui/field.h"

struct query {
	struct field field;
	bool typing;
	char prompt;		    /* the key it is typed after; 0: '/' */
	char before[FIELD_MAX + 1]; /* what it was when typing began */
};

enum query_event {
	QUERY_OTHER,	/* nothing is being typed, or not a key for it */
	QUERY_TAKEN,
	QUERY_CHANGED,	/* the text is another one */
	QUERY_KEPT,	/* Enter: typing has ended */
	QUERY_UNDONE,	/* Esc: typing has ended, the text is what it was */
};

void query_begin(struct query *q);
enum query_event query_key(struct query *q, struct key k);
bool query_paste(struct query *q, const char *text, size_t len); /* false: nothing is being typed */
/* " /text " at the left of the line, at most `room` columns: how many. Nothing when there is no text and none is typed. */
int query_draw(const struct query *q, struct canvas *c, struct rect line, int room, bool keys);

#endif
