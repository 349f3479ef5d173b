/* Links on the screen: what the canvas says is one is written again over the frame that shows it, this time as a link (OSC 8). curses
 * knows nothing of it, and terminals that do not know links show the text all the same. */
#ifndef TUI_TERM_LINKS_H
#define TUI_TERM_LINKS_H
#include <stdbool.h>

#include "core/base/str.h"
#include "tui/canvas.h"
#include "tui/theme.h"

/* Append what makes a link of it, with the cursor and the colours left as they were. Nothing when something else lies over it. */
void link_write(const struct canvas *c, const struct canvas_link *l, const struct theme *t, struct str *out);

#endif
