/* Small charts of figures over time. Block characters, one value a column; two in each column in Braille where there is not the room; both
 * fold to ASCII (ascii.c). A value below 0 is not known, and is left blank: a gap. */
#ifndef TUI_CHART_H
#define TUI_CHART_H
#include <stddef.h>
#include <stdint.h>

#include "tui/canvas.h"

/* Bars that stand on 0, as high as r; the newest value at the right. One value takes as many whole columns as fit. Returns the columns used. */
int chart_bars(struct canvas *c, struct rect r, enum role role, const int64_t *values, size_t n);
/* "[██████····]": how much of 100 percent, with a share of it beyond drawn as full; w ≥ 3. */
void chart_gauge(struct canvas *c, int x, int y, int w, enum role role, int64_t percent);
/* Least, greatest and last of the values that are known; -1 where none is. */
void chart_range(const int64_t *values, size_t n, int64_t *least, int64_t *most, int64_t *last);

#endif
