/* What one frame is made into another with, in few bytes, on terminals whose terminfo says that they speak the common dialect (ECMA-48:
 * cursor, erase, scroll region, SGR). Knows no curses: what the terminal can do it is told. */
#ifndef TUI_TERM_ROWS_H
#define TUI_TERM_ROWS_H
#include "tui/canvas.h"

struct rows_can {
	unsigned attrs; /* ATTR_… that it has */
	bool hpa;	/* CSI G */
	bool tabs;	/* to every eighth column */
	bool ech;	/* CSI X */
	bool bce;	/* what is erased gets the background of the pen */
	bool op;	/* CSI 39 m and CSI 49 m */
	bool scroll;	/* CSI r, and CSI S and T within */
};

/* What is on the terminal. */
struct rows_screen {
	int w, h;
	struct cell *shown; /* h rows of w; becomes what is drawn */
	int x, y;	    /* where its cursor is */
};

/* Append what makes the screen the canvas, which has its size; the cursor ends at x, y, and the pen is the plain one before and after. */
void rows_write(const struct rows_can *can, const struct theme *t, struct rows_screen *s, const struct canvas *c, int x, int y,
    struct str *out);

#endif
