/* How many columns a character takes. */
#ifndef TUI_WIDTH_H
#define TUI_WIDTH_H
#include <stddef.h>

/* What is shown for a character of foreign text, and how many columns it takes: 0 (joins the one before it), 1 or 2;
 * -1: nothing is shown (bidi marks, zero-width characters, variation selectors). *cp becomes a space for tabs and
 * newlines, '?' for other controls, U+FFFD for what the locale does not know. In a UTF-8 locale widths are the C
 * library's (and so curses'); elsewhere they come from a small table of our own. */
int width_shown(unsigned *cp);
/* Columns of UTF-8 text once cleaned as the canvas does it. */
int width_text(const char *s, size_t len);

#endif
