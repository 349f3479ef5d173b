/* curses as a diff engine: canvases in, the bytes that turn the last one shown into the next one out. It never touches the
 * terminal: it writes into memory, and the caller sends that in one piece. One instance a process, as curses is. */
#ifndef TUI_TERM_PAINT_H
#define TUI_TERM_PAINT_H
#include <stdbool.h>

#include "core/base/err.h"
#include "core/base/str.h"
#include "tui/canvas.h"
#include "tui/theme.h"

struct paint;

/* For $TERM, or for an xterm when the system does not know that one. NULL: UNSUPPORTED. */
struct paint *paint_create(int w, int h, struct err *err);
void paint_destroy(struct paint *p); /* NULL is fine */
/* How many colours the terminal has; 0: none. */
int paint_colors(const struct paint *p);
/* Can it show any colour, beside the 256? */
bool paint_true_color(const struct paint *p);
/* Already reduced to what the terminal can (theme_reduce), but for exact colours where it can show those. The next frame is a whole one, if
 * it is another theme than before. */
void paint_theme(struct paint *p, const struct theme *t);
/* Are links wanted? They are not, at first. */
void paint_links(struct paint *p, bool on);
/* Another size. The next frame is a whole one. */
void paint_resize(struct paint *p, int w, int h);
/* Whatever the terminal shows is not known any more: the next frame is a whole one. */
void paint_forget(struct paint *p);
/* Append to out what shows the canvas; of the canvas's size or smaller. Nothing when nothing changed. */
void paint_frame(struct paint *p, const struct canvas *c, struct str *out);
/* Append what gives the terminal back (main screen, cursor, keypad) and what takes it again. */
void paint_leave(struct paint *p, struct str *out);
void paint_enter(struct paint *p, struct str *out);

#endif
