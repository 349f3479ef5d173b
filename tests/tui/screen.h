/* A terminal for tests: a program runs under a real pty behind something like a shell (so that it can be stopped and continued),
 * and libvterm keeps what it draws. Nothing asserts how long anything takes; whatever is waited for has a minute. */
#ifndef TESTS_TUI_SCREEN_H
#define TESTS_TUI_SCREEN_H
#include <stdbool.h>
#include <stddef.h>

#include "core/base/str.h"

struct screen;

struct screen_options {
	int w, h;
	const char *term;	/* NULL: xterm-256color */
	bool c_locale;		/* else C.UTF-8 */
	bool ctype_alone;	/* … by LC_CTYPE, with LANG=C */
	bool no_color;
	const char *home;	/* SKYTOP_HOME, and an empty SKYTOP_SHARE below it */
};

struct screen *screen_start(const char *const *argv, const struct screen_options *o);
/* Hangs up if it still runs. NULL is fine. */
void screen_free(struct screen *s);

/* "j", "Enter", "C-d", "Esc", … separated by blanks; and "'text" (to the next blank) typed as it is, with _ for a blank. Esc is sent as
 * terminals do that say which key it was, so that nothing has to wait for it to stand alone. */
void screen_keys(struct screen *s, const char *keys);
void screen_bytes(struct screen *s, const char *bytes, size_t n);
void screen_resize(struct screen *s, int w, int h);
void screen_signal(struct screen *s, int signo);
/* Read until nothing has come for so long; and whatever is there, without waiting. */
void screen_settle(struct screen *s, int quiet_ms);
void screen_read(struct screen *s);

/* Wait until the text is (not) somewhere on the screen; false after a minute. */
bool screen_has(struct screen *s, const char *text);
bool screen_lacks(struct screen *s, const char *text);
/* Whole screen, one line a row, trailing blanks cut. Caller frees. */
char *screen_text(struct screen *s);
/* How it looks, a line a row: runs of columns in one style, "12:" columns, then B bold, U underlined, R reversed, I italic, and the colours
 * "4" or "4/0" (0 to f, ? for any past those sixteen); "." is none of them. What is plain at the end of a row is left out, and
 * "=3" stands for three rows like the one before. Caller frees. */
char *screen_colors(struct screen *s);
/* Wait until the screen is this; false after a minute. */
bool screen_is(struct screen *s, const char *text);

/* Wait until it ends; its wait status, or -1 after a minute. */
int screen_wait(struct screen *s);
/* Wait until it is stopped; and let it go on. */
bool screen_stopped(struct screen *s);
void screen_continue(struct screen *s);
/* What it left behind: "" when the terminal is as it was, else words: "alternate-screen cursor mouse modes". Borrowed. */
const char *screen_left(struct screen *s);
/* How many cells are another character, or look otherwise, than when this was last asked. */
size_t screen_changed(struct screen *s);
/* How often it has slept and was woken so far; -1: this system does not say. */
long screen_switches(struct screen *s);
/* Close the terminal's other end. */
void screen_hang_up(struct screen *s);
/* Everything that was written so far. Borrowed. */
const struct str *screen_raw(struct screen *s);

#endif
