/* A screen made another: rows that moved are found by comparing them whole, and are moved by the terminal when this saves more than it
 * costs; what then is not right of a row is written by rowpath.c. CSI b (repeat) is left alone: some that call themselves xterm do not know
 * it, others know it for ASCII alone. */
#include "tui/term/rows.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "tui/term/pen.h"
#include "tui/term/rowpath.h"

enum { SCROLL_COST = 30 };

/* --- rows that moved ----------------------------------------------------------------------------------------------- */

static int wrong_cells(const struct cell *a, const struct cell *b, int w)
{
	int n = 0;
	for (int x = 0; x < w; x++)
		n += a[x].cp != b[x].cp || a[x].role != b[x].role || a[x].back != b[x].back;
	return n;
}

static uint64_t hash_row(const struct cell *row, int w)
{
	uint64_t h = 1;
	for (int x = 0; x < w; x++)
		h = (h ^ (row[x].cp | (uint64_t)row[x].role << 32 | (uint64_t)row[x].back << 40 | (uint64_t)row[x].attrs << 48)) * 0x9e3779b97f4a7c15u;
	return h;
}

struct shift {
	int first, last; /* rows of the region */
	int up;		 /* by so many; down when negative */
	int saved;	 /* cells */
};

/* How far most rows that changed have moved; 0: they have not. hashes: of the h rows there are, then of those there shall be; 0 where a row
 * did not change. counts: 2 h zeros. */
static int likely(const uint64_t *hashes, int *counts, int h)
{
	const uint64_t *old = hashes, *now = hashes + h;
	int best = 0;
	for (int y = 0; y < h; y++)
		for (int from = 0; now[y] && from < h; from++)
			counts[h + from - y] += from != y && old[from] == now[y];
	for (int d = 1 - h; d < h; d++)
		if (counts[h + d] > counts[h + best])
			best = d;
	return best;
}

/* The run of rows that it pays most to move; what it uncovers has to be drawn. */
static struct shift best_run(const struct cell *shown, const struct cell *cells, int w, int h, int d)
{
	struct shift best = {.saved = 0};
	int sum = 0, from = d < 0 ? -d : 0;
	for (int y = from; y < h && y + d < h; y++) {
		const struct cell *now = &cells[(size_t)y * (size_t)w];
		int gain = wrong_cells(&shown[(size_t)y * (size_t)w], now, w) - wrong_cells(&shown[(size_t)(y + d) * (size_t)w], now, w);
		if (sum <= 0) {
			sum = 0;
			from = y;
		}
		sum += gain;
		if (sum > best.saved)
			best = (struct shift){d > 0 ? from : from + d, d > 0 ? y + d : y, d, sum};
	}
	return best;
}

static bool changed_row(const struct rows_screen *screen, const struct canvas *c, int y)
{
	size_t at = (size_t)y * (size_t)screen->w;
	return memcmp(&screen->shown[at], &c->cells[at], (size_t)screen->w * sizeof *c->cells) != 0;
}

static int find_shift(const struct rows_screen *screen, const struct canvas *c)
{
	int h = screen->h, n = 0, d;
	uint64_t *hashes = xcalloc((size_t)h * 2, sizeof *hashes);
	int *counts = xcalloc((size_t)h * 2, sizeof *counts);
	for (int y = 0; y < h; y++) {
		size_t at = (size_t)y * (size_t)screen->w;
		if (!changed_row(screen, c, y))
			continue;
		hashes[y] = hash_row(&screen->shown[at], screen->w);
		hashes[h + y] = hash_row(&c->cells[at], screen->w);
		n++;
	}
	d = n > 2 ? likely(hashes, counts, h) : 0;
	free(hashes);
	free(counts);
	return d;
}

static void scroll(struct writer *s, struct rows_screen *screen, const struct canvas *c)
{
	int w = screen->w, d = find_shift(screen, c);
	if (!d)
		return;
	struct shift r = best_run(screen->shown, c->cells, w, screen->h, d);
	int n = abs(d), kept = r.last - r.first + 1 - n, lost = 0;
	size_t row = (size_t)w;
	struct cell *shown = screen->shown;
	/* Whether rows that come in get the pen's background is not the same everywhere: they come in plain, which is no blank of a theme with a ground. */
	bool ground = s->t->styles[ROLE_TEXT].bg != THEME_DEFAULT;
	/* What was right in the rows that become blank is to be drawn again. */
	for (int i = 0; i < n && r.saved; i++) {
		size_t y = (size_t)(d > 0 ? r.last - i : r.first + i);
		lost += w - wrong_cells(&shown[y * row], &c->cells[y * row], w);
		for (int x = 0; x < w; x++)
			lost -= !ground && cell_is_blank(&c->cells[y * row + (size_t)x]);
	}
	if (kept < 1 || r.saved < (lost > 0 ? lost : 0) + SCROLL_COST)
		return;
	pen_set(s, plain_pen);
	str_addf(s->out, "\033[%d;%dr", r.first + 1, r.last + 1);
	csi_add(s->out, n, d > 0 ? 'S' : 'T');
	str_add(s->out, "\033[r");
	s->x = s->y = 0;
	struct cell *to = &shown[(size_t)(d > 0 ? r.first : r.first + n) * row], *from = &shown[(size_t)(d > 0 ? r.first + n : r.first) * row];
	memmove(to, from, (size_t)kept * row * sizeof *to);
	struct cell *bare = &shown[(size_t)(d > 0 ? r.last + 1 - n : r.first) * row];
	for (size_t i = 0; i < (size_t)n * row; i++)
		bare[i] = (struct cell){.cp = ground ? UINT32_MAX : ' ', .width = 1}; /* what no cell is */
}

/* --- a frame ------------------------------------------------------------------------------------------------------- */

void rows_write(const struct rows_can *can, const struct theme *t, struct rows_screen *screen, const struct canvas *c, int x, int y,
    struct str *out)
{
	struct writer s = {can, t, screen->w, screen->x, screen->y, plain_pen, out};
	struct rowpath *path = rowpath_create(screen->w);
	if (can->scroll)
		scroll(&s, screen, c);
	for (int i = 0; i < screen->h; i++)
		if (changed_row(screen, c, i)) {
			size_t at = (size_t)i * (size_t)screen->w;
			rowpath_write(path, &s, &screen->shown[at], &c->cells[at], i);
			memcpy(&screen->shown[at], &c->cells[at], (size_t)screen->w * sizeof *c->cells);
		}
	pen_set(&s, plain_pen);
	move_to(&s, x, y);
	screen->x = x;
	screen->y = y;
	rowpath_destroy(path);
}
