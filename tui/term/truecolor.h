/* All colours on a terminal that takes them while its terminfo entry knows 256, as nearly all do: what the theme wants exactly gets a
 * number of the 256, and where that number goes out, the colour goes out instead. */
#ifndef TUI_TERM_TRUECOLOR_H
#define TUI_TERM_TRUECOLOR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"
#include "tui/theme.h"

struct truecolor {
	bool taken[256]; /* stands for itself, or for rgb */
	bool exact[256]; /* … for rgb */
	unsigned rgb[256];
};

/* Give every exact colour of the theme a number, and put that into the theme. */
void truecolor_assign(struct truecolor *tc, struct theme *t);
/* Append a frame's bytes, with exact colours where numbers stand for them. */
void truecolor_write(const struct truecolor *tc, const char *bytes, size_t n, struct str *out);
/* Does this terminal say that it takes all colours? */
bool truecolor_wanted(void);

#endif
