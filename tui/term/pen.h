/* The terminal's pen and cursor while rows are written (rows.c, rowpath.c): what each change costs, and the bytes that make it. */
#ifndef TUI_TERM_PEN_H
#define TUI_TERM_PEN_H
#include "tui/term/rows.h"

struct pen {
	int32_t fg, bg; /* THEME_DEFAULT, or which */
	unsigned attrs;
};

extern const struct pen plain_pen;

/* Where the terminal is while it is written to. x is w after the last column: what comes next must not go on from there. */
struct writer {
	const struct rows_can *can;
	const struct theme *t;
	int w, x, y;
	struct pen pen;
	struct str *out;
};

/* What a cell is drawn with. */
struct pen pen_of(const struct writer *s, const struct cell *c);
bool pen_same(struct pen a, struct pen b);
/* Does a blank look alike with both? With a line under it, or reversed, it is none. */
bool pen_same_blank(struct pen a, struct pen b);
/* How many bytes change one into the other. */
int pen_cost(const struct writer *s, struct pen from, struct pen to);
void pen_set(struct writer *s, struct pen to);

/* "CSI 7 C", and "CSI C" for 1; and how long that is. */
void csi_add(struct str *out, int n, char last);
int csi_len(int n);

/* To the right within a row: by tabs, then columns on, or (negative) back from there. */
struct way {
	int tabs, on;
};

/* The shortest one; how long it is; and its bytes. */
struct way way_right(const struct writer *s, int from, int x);
int way_len(struct way v);
void way_add(struct str *out, struct way v);

/* Anywhere, from wherever the cursor is; and how many bytes that takes. */
void move_to(struct writer *s, int x, int y);
int move_len(const struct writer *s, int x, int y);

#endif
