/* The screen as it should be: cells with a character and a role. Views draw all of it each time; finding out what
 * changed is the terminal's business. Knows neither curses nor colours, so it can be printed as text as well. */
#ifndef TUI_CANVAS_H
#define TUI_CANVAS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"
#include "tui/layout.h"
#include "tui/theme.h"

struct cell {
	uint32_t cp;	/* the character; 0 in the second column of a wide one */
	uint32_t mark;	/* one combining character upon it; 0: none */
	uint8_t role;	/* enum role */
	uint8_t back;	/* role whose background is used instead; ROLE_TEXT: its own */
	uint8_t attrs;	/* ATTR_… added to the role's */
	uint8_t width;	/* 1 or 2; 0: second column of a wide one */
};

enum { CANVAS_LINKS = 4, CANVAS_URL = 200 };

/* Text that leads somewhere. */
struct canvas_link {
	int x, y, w;
	char url[CANVAS_URL];
};

struct canvas {
	int w, h;
	struct cell *cells; /* h rows of w */
	struct rect clip;   /* nothing is drawn outside of it */
	int cursor_x, cursor_y; /* where the terminal's cursor rests */
	bool cursor_shown;
	struct canvas_link links[CANVAS_LINKS];
	size_t n_links;
};

struct canvas *canvas_create(int w, int h); /* sizes below 1 become 1 */
void canvas_destroy(struct canvas *c);	    /* NULL is fine */
/* Another size; the content is lost. */
void canvas_resize(struct canvas *c, int w, int h);
/* Blank, the clip is the whole, no cursor. */
void canvas_clear(struct canvas *c);
/* Narrow the clip to its intersection with r; returns the former one, to be put back into c->clip. */
struct rect canvas_clip(struct canvas *c, struct rect r);

/* Draw foreign text (cleaned: see width_shown) in at most max_w columns; when it does not fit it ends with "…".
 * Returns the columns used. */
int canvas_text(struct canvas *c, int x, int y, int max_w, enum role role, const char *text);
int canvas_textn(struct canvas *c, int x, int y, int max_w, enum role role, const char *text, size_t len);
/* Cut without "…": for text that scrolls sideways. The first skip columns are left out. */
int canvas_slice(struct canvas *c, int x, int y, int max_w, int skip, enum role role, const char *text, size_t len);
int canvas_printf(struct canvas *c, int x, int y, int max_w, enum role role, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));
/* The text's end stands at column x + w - 1. */
void canvas_right(struct canvas *c, int x, int y, int w, enum role role, const char *text);
/* Broken at blanks into lines of r.w columns, as many as r has. Returns the lines used. With c NULL only counts. */
int canvas_wrap(struct canvas *c, struct rect r, enum role role, const char *text);
/* An address: underlined, and a link where the terminal knows such. One of other than printable ASCII is drawn as text alone. */
int canvas_link(struct canvas *c, int x, int y, int max_w, enum role role, const char *url);
void canvas_put(struct canvas *c, int x, int y, enum role role, unsigned cp);
void canvas_fill(struct canvas *c, struct rect r, enum role role, unsigned cp);
/* Give what is there the background of another role (the selected row), or add attributes. */
void canvas_back(struct canvas *c, struct rect r, enum role back);
void canvas_attrs(struct canvas *c, struct rect r, unsigned attrs);
/* Lines around r. */
void canvas_box(struct canvas *c, struct rect r, enum role role);
/* Is there a line of a box just right of r? A scroll bar goes there, and costs no column. */
bool canvas_has_edge(const struct canvas *c, struct rect r);
/* A bar showing that lines [top, top+shown) of total are visible, nothing when all are: on the box's line just right of r if
 * there is one, else in r's last column. */
void canvas_scrollbar(struct canvas *c, struct rect r, size_t top, size_t shown, size_t total);
/* One cell a value, oldest first, scaled between their least and greatest; unknown (< 0) leaves a gap. */
void canvas_spark(struct canvas *c, int x, int y, int w, enum role role, const int64_t *values, size_t n);

/* Fold to ASCII, one column for one column: box lines, blocks, arrows, dashes; letters lose their accents, what is
 * left becomes '?'. For terminals and files that are not UTF-8. */
void canvas_to_ascii(struct canvas *c);
/* Append as lines of UTF-8 text, trailing spaces cut. */
void canvas_to_text(const struct canvas *c, struct str *out);

#endif
