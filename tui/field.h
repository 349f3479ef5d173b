/* A line of text being typed. */
#ifndef TUI_FIELD_H
#define TUI_FIELD_H
#include <stdbool.h>
#include <stddef.h>

#include "tui/canvas.h"
#include "tui/keys.h"

enum { FIELD_MAX = 1000 };

struct field {
	char text[FIELD_MAX + 1]; /* UTF-8 */
	size_t len, cursor;	  /* bytes */
};

void field_set(struct field *f, const char *text);
/* Typing, arrows, Home End, Backspace Del, C-a C-e C-b C-f C-h C-d C-k C-u C-w. False: not a key for a field. */
bool field_key(struct field *f, struct key k);
/* Insert text, as from a paste: newlines become spaces, what does not fit is left out. */
void field_insert(struct field *f, const char *text, size_t len);
/* In one line of w columns, scrolled so that the cursor is seen. focus: show the cursor there. */
void field_draw(const struct field *f, struct canvas *c, int x, int y, int w, bool focus);

#endif
