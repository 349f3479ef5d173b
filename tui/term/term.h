/* The terminal: taken, drawn on, read from, given back clean whatever happens. All through the loop; nothing blocks but
 * term_close, for a moment. */
#ifndef TUI_TERM_TERM_H
#define TUI_TERM_TERM_H
#include <stdbool.h>

#include "core/base/err.h"
#include "core/io/loop.h"
#include "tui/canvas.h"
#include "tui/term/input.h"
#include "tui/theme.h"

struct term;

struct term_handlers {
	void (*input)(void *arg, const struct input_event *e);
	void (*resized)(void *arg, int w, int h); /* or resumed: draw again */
	void (*ready)(void *arg);		   /* a frame that was refused can be shown now */
	void (*ended)(void *arg, int status);	   /* a signal or the terminal's end says: leave, with this exit status */
	void *arg;
};

/* stdin and stdout are a terminal, and one that can show a screen? UNSUPPORTED says why not, and what to do instead. */
int term_check(struct err *err);

/* Take the terminal and its signals (WINCH TSTP CONT TERM INT HUP QUIT). */
struct term *term_open(struct loop *l, const struct term_handlers *h, struct err *err);
/* Give it back as it was. NULL is fine. */
void term_close(struct term *t);

void term_size(const struct term *t, int *w, int *h);
int term_colors(const struct term *t);
bool term_true_color(const struct term *t); /* any colour, beside the 256 */
void term_theme(struct term *t, const struct theme *theme); /* reduced already, but for exact colours where it can show them */
/* Send what turns the screen into the canvas, in one piece. False: the terminal has not yet taken the last frame, so this
 * one is not drawn; `ready` will tell. */
bool term_show(struct term *t, const struct canvas *c);
/* Sequences that draw nothing, sent with the next frame. False: they would be too much at once, or the terminal does not know such. */
bool term_osc(struct term *t, const char *bytes, size_t n);
/* The window's title, sent with the next frame; the one before comes back when the terminal is given back. NULL: leave it alone. */
void term_title(struct term *t, const char *text);
/* Make links of addresses? Not where the terminal is of a kind that may not know them. */
void term_links(struct term *t, bool on);
/* Listen to the mouse? From the start it is listened to. */
void term_mouse(struct term *t, bool on);
/* The next frame is a whole one. */
void term_redraw(struct term *t);
/* Hand the terminal to the shell, and stop; returns when continued (at once, where there is no job control). */
void term_suspend(struct term *t);
/* Hand the terminal to a program and wait for its end, which is where it blocks. When that was a failure within seconds, what it said stays
 * until Enter is pressed. */
void term_run(struct term *t, const char *const *argv);

#endif
