/* One row made another in the fewest bytes that are to be had from writing, moving and erasing. */
#ifndef TUI_TERM_ROWPATH_H
#define TUI_TERM_ROWPATH_H
#include "tui/term/pen.h"

struct rowpath;

struct rowpath *rowpath_create(int w); /* for rows of w cells */
void rowpath_destroy(struct rowpath *p);
/* Append what makes the old row the new one, which is another; the writer ends somewhere in or after it. */
void rowpath_write(struct rowpath *p, struct writer *s, const struct cell *old, const struct cell *row, int y);

/* A blank of one column? */
bool cell_is_blank(const struct cell *c);

#endif
