/* curses knows one cell from another but not what a blank looks like: it changes the pen to draw one, walks around blanks that are right by
 * addresses of nine bytes, and writes those that are wrong one by one. Here a row is tried in two ways, cell by cell and erased first, and
 * the shorter is sent; a blank is drawn with whatever pen has its background; moves are relative where that is shorter.
 *
 * Rows that moved are found by comparing them whole, and are moved by the terminal when this saves more than it costs. CSI b (repeat) is
 * left alone: some that call themselves xterm do not know it, others know it for ASCII alone. */
#include "tui/term/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/num.h"
#include "tui/width.h"

enum { SCROLL_COST = 30, GAP_MAX = 9, OUT_MAX = 4 << 20 };

struct pen {
	int32_t fg, bg;
	unsigned attrs;
};

static const struct pen plain = {THEME_DEFAULT, THEME_DEFAULT, 0};

/* Where the terminal is while it is written to. x is w after the last column: what comes next must not go on from there. */
struct writer {
	const struct rows_can *can;
	const struct theme *t;
	int w, x, y;
	struct pen pen;
	struct str *out;
};

static struct pen pen_of(const struct writer *s, const struct cell *c)
{
	const struct theme_style *style = &s->t->styles[c->back ? c->back : c->role];
	unsigned own = c->attrs | (c->back ? s->t->styles[c->role].attrs & ATTR_BOLD : 0u);
	if (style->fg == 0) /* bold black is grey on many */
		own &= ~(unsigned)ATTR_BOLD;
	return (struct pen){style->fg, style->bg, (style->attrs | own) & s->can->attrs};
}

static bool same_pen(struct pen a, struct pen b)
{
	return a.fg == b.fg && a.bg == b.bg && a.attrs == b.attrs;
}

/* Does a blank look alike with both? */
static bool same_blank(struct pen a, struct pen b)
{
	return a.bg == b.bg && !((a.attrs | b.attrs) & (ATTR_UNDERLINE | ATTR_REVERSE));
}

static bool is_blank(const struct cell *c)
{
	return c->cp == ' ' && !c->mark && c->width == 1;
}

static bool same(const struct writer *s, const struct cell *a, const struct cell *b)
{
	return !memcmp(a, b, sizeof *a) || (is_blank(a) && is_blank(b) && same_blank(pen_of(s, a), pen_of(s, b)));
}

/* --- pen and cursor ------------------------------------------------------------------------------------------------ */

enum { SGR_MAX = 80 };

static size_t add_number(char *text, size_t n, int number)
{
	char digits[12], *end = digits + sizeof digits, *p = num_before(end, (uint64_t)number, 1);
	if (n)
		text[n++] = ';';
	memcpy(text + n, p, (size_t)(end - p));
	return n + (size_t)(end - p);
}

/* "CSI 7 C", and "CSI C" for 1. */
static void add_csi(struct str *out, int n, char last)
{
	char text[16] = "\033[";
	size_t len = n > 1 ? 2 + add_number(text + 2, 0, n) : 2;
	text[len++] = last;
	str_addn(out, text, len);
}

static int digits(int n)
{
	return n < 10 ? 1 : n < 100 ? 2 : n < 1000 ? 3 : 5;
}

/* How long that is. */
static int csi_len(int n)
{
	return n > 1 ? 3 + digits(n) : 3;
}

static size_t add_color(char *text, size_t n, int32_t color, int base)
{
	if (color < 0)
		return add_number(text, n, base + 9);
	if (color < 8)
		return add_number(text, n, base + (int)color);
	if (color < 16)
		return add_number(text, n, base + 52 + (int)color);
	n = add_number(text, n, base + 8);
	n = add_number(text, n, 5);
	return add_number(text, n, (int)color);
}

static size_t add_attrs(char *text, size_t n, unsigned attrs)
{
	static const struct {
		unsigned attr;
		int number;
	} map[] = {{ATTR_BOLD, 1}, {ATTR_DIM, 2}, {ATTR_ITALIC, 3}, {ATTR_UNDERLINE, 4}, {ATTR_REVERSE, 7}};
	for (size_t i = 0; i < ARRAY_LEN(map); i++)
		if (attrs & map[i].attr)
			n = add_number(text, n, map[i].number);
	return n;
}

static void set_pen(struct writer *s, struct pen to)
{
	struct pen from = s->pen;
	char anew[SGR_MAX], change[SGR_MAX];
	if (same_pen(from, to))
		return;
	size_t n = same_pen(to, plain) ? 0 : add_number(anew, 0, 0), m = 0;
	n = add_attrs(anew, n, to.attrs);
	if (to.fg >= 0)
		n = add_color(anew, n, to.fg, 30);
	if (to.bg >= 0)
		n = add_color(anew, n, to.bg, 40);
	m = add_attrs(change, m, to.attrs & ~from.attrs);
	if (to.fg != from.fg)
		m = add_color(change, m, to.fg, 30);
	if (to.bg != from.bg)
		m = add_color(change, m, to.bg, 40);
	bool can = !(from.attrs & ~to.attrs) && (s->can->op || ((to.fg >= 0 || from.fg < 0) && (to.bg >= 0 || from.bg < 0)));
	str_add(s->out, "\033[");
	if (can && m < n)
		str_addn(s->out, change, m);
	else
		str_addn(s->out, anew, n);
	str_addc(s->out, 'm');
	s->pen = to;
}

enum { TABS_MAX = 4, BACK_MAX = 3, STOP = 8 };

/* To the right by tabs, and on or (negative) back from there. */
struct way {
	int tabs, on;
};

static int way_len(struct way v)
{
	return v.tabs + (v.on > 0 ? csi_len(v.on) : -v.on);
}

/* The shortest way to the right within a row. */
static struct way hop(const struct writer *s, int from, int x)
{
	struct way best = {0, x - from};
	int tabs = x / STOP - from / STOP, over = STOP - x % STOP;
	for (int more = 0; more < 2 && s->can->tabs && x > from; more++) {
		struct way other = {tabs + more, more ? -over : x % STOP};
		if (other.tabs < 1 || other.tabs > TABS_MAX || (more && (over > BACK_MAX || x + over >= s->w)))
			continue;
		if (way_len(other) < way_len(best))
			best = other;
	}
	return best;
}

static void add_way(struct str *out, struct way v)
{
	str_addn(out, "\t\t\t\t", (size_t)v.tabs);
	if (v.on > 0)
		add_csi(out, v.on, 'C');
	else
		str_addn(out, "\b\b\b", (size_t)-v.on);
}

static void move_absolutely(struct writer *s, int x, int y)
{
	if (y == s->y && s->can->hpa) {
		add_csi(s->out, x + 1, 'G');
	} else if (x) {
		char text[24] = "\033[";
		size_t n = add_number(text + 2, 0, y + 1) + 2;
		text[n++] = ';';
		n += add_number(text + n, 0, x + 1);
		text[n++] = 'H';
		str_addn(s->out, text, n);
	} else {
		add_csi(s->out, y + 1, 'H');
	}
}

static int absolute_len(const struct writer *s, int x, int y)
{
	return y == s->y && s->can->hpa ? csi_len(x + 1) : x ? 4 + digits(y + 1) + digits(x + 1) : csi_len(y + 1);
}

static void move_to(struct writer *s, int x, int y)
{
	int n = x - s->x, below = y == s->y + 1;
	if (s->x == x && s->y == y && x < s->w)
		return;
	bool near = y == s->y || below, begin = s->x >= s->w || n < -BACK_MAX;
	struct way way = !begin && n < 0 ? (struct way){0, n} : hop(s, begin ? 0 : s->x, x);
	if (near && below + begin + way_len(way) <= absolute_len(s, x, y)) {
		str_addn(s->out, "\r\n" + !begin, (size_t)(begin + below));
		add_way(s->out, way);
	} else if (y == s->y - 1 && !n && s->x < s->w) {
		add_csi(s->out, 1, 'A');
	} else {
		move_absolutely(s, x, y);
	}
	s->x = x;
	s->y = y;
}

/* --- one row ------------------------------------------------------------------------------------------------------ */

static void put(struct writer *s, const struct cell *c)
{
	char utf8[4];
	struct pen pen = pen_of(s, c);
	if (!is_blank(c) || !same_blank(s->pen, pen))
		set_pen(s, pen);
	str_addn(s->out, utf8, utf8_encode(c->cp, utf8));
	if (c->mark)
		str_addn(s->out, utf8, utf8_encode(c->mark, utf8));
	s->x += c->width;
}

/* From where the row was written up to x by writing what is there already, if that is no longer than a move. */
static bool walk(struct writer *s, const struct cell *row, int x, int y)
{
	size_t len = 0;
	if (s->y != y || s->x > x || x - s->x > GAP_MAX)
		return false;
	for (int i = s->x; i < x; i++) {
		char utf8[4];
		struct pen pen = pen_of(s, &row[i]);
		if (row[i].mark || row[i].width != 1 || !(is_blank(&row[i]) ? same_blank(pen, s->pen) : same_pen(pen, s->pen)))
			return false;
		len += utf8_encode(row[i].cp, utf8);
	}
	if ((int)len > way_len(hop(s, s->x, x)))
		return false;
	while (s->x < x)
		put(s, &row[s->x]);
	return true;
}

/* The pen for the blanks from x on: the one that is needed next anyway, if they look right with it. */
static struct pen blank_pen(const struct writer *s, const struct cell *row, int x)
{
	struct pen pen = pen_of(s, &row[x]);
	if (same_blank(s->pen, pen))
		return s->pen;
	while (x < s->w && is_blank(&row[x]))
		x++;
	struct pen next = x < s->w ? pen_of(s, &row[x]) : pen;
	return same_blank(next, pen) ? next : pen;
}

/* Blanks that are alike from x on, and how many up to the last that is not there yet. */
static int blank_run(const struct writer *s, const struct cell *old, const struct cell *row, int x, int *all)
{
	int n = 0, wrong = 0;
	struct pen pen = pen_of(s, &row[x]);
	for (; x + n < s->w && is_blank(&row[x + n]) && same_blank(pen_of(s, &row[x + n]), pen); n++)
		if (!same(s, &old[x + n], &row[x + n]))
			wrong = n + 1;
	*all = n;
	return wrong;
}

/* Erase n cells where the cursor is: false when that is longer than `most`. The cursor stays. */
static bool erase(struct writer *s, int n, int most)
{
	bool rest = s->x + n == s->w;
	if ((s->pen.bg >= 0 && !s->can->bce) || !(rest || s->can->ech) || csi_len(rest ? 1 : n) > most)
		return false;
	add_csi(s->out, rest ? 1 : n, rest ? 'K' : 'X');
	return true;
}

static int put_blanks(struct writer *s, const struct cell *old, const struct cell *row, int x)
{
	int all, n = blank_run(s, old, row, x, &all), end = x + all;
	/* When it goes on right behind, what is erased has to be walked over. */
	int more = end < s->w && !same(s, &old[end], &row[end]) ? way_len(hop(s, x, end)) : 0;
	set_pen(s, blank_pen(s, row, x));
	if (!erase(s, end == s->w ? all : n, n - more))
		for (int i = 0; i < n; i++)
			put(s, &row[x + i]);
	return x + n;
}

static void write_row(struct writer *s, const struct cell *old, const struct cell *row, int y)
{
	for (int x = 0; x < s->w;) {
		if (same(s, &old[x], &row[x])) {
			x++;
			continue;
		}
		while (x > 0 && !row[x].width)
			x--;
		if (!walk(s, row, x, y))
			move_to(s, x, y);
		if (is_blank(&row[x]) && same_blank(pen_of(s, &row[x]), pen_of(s, &row[x]))) {
			x = put_blanks(s, old, row, x);
			continue;
		}
		put(s, &row[x]);
		x += row[x].width ? row[x].width : 1;
	}
}

/* The same with everything that changes erased first, to the background of its first blank. */
static bool write_erased(struct writer *s, const struct cell *old, const struct cell *row, int y)
{
	int from = 0, to = s->w, at;
	while (from < to && same(s, &old[from], &row[from]))
		from++;
	while (to > from && same(s, &old[to - 1], &row[to - 1]))
		to--;
	for (at = from; at < to && !is_blank(&row[at]);)
		at++;
	if (at >= to || !old[from].width || !row[from].width || (to < s->w && (!old[to].width || !row[to].width)))
		return false;
	move_to(s, from, y);
	set_pen(s, blank_pen(s, row, at));
	if ((s->pen.attrs & (ATTR_UNDERLINE | ATTR_REVERSE)) || !erase(s, to - from, 6))
		return false;
	struct cell *blank = xcalloc((size_t)s->w, sizeof *blank);
	memcpy(blank, old, (size_t)s->w * sizeof *blank);
	for (int x = from; x < to; x++)
		blank[x] = row[at];
	write_row(s, blank, row, y);
	free(blank);
	return true;
}

/* The shorter of both. */
static void change_row(struct writer *s, struct cell *old, const struct cell *row, int y, struct str scratch[2])
{
	struct writer a = *s, b = *s;
	a.out = &scratch[0];
	b.out = &scratch[1];
	scratch[0].len = scratch[1].len = 0;
	write_row(&a, old, row, y);
	bool shorter = write_erased(&b, old, row, y) && b.out->len < a.out->len;
	struct str *out = s->out, *best = shorter ? b.out : a.out;
	*s = shorter ? b : a;
	s->out = out;
	str_addn(out, str_text(best), best->len);
	memcpy(old, row, (size_t)s->w * sizeof *old);
}

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
	/* What was right in the rows that become blank is to be drawn again. */
	for (int i = 0; i < n && r.saved; i++) {
		size_t y = (size_t)(d > 0 ? r.last - i : r.first + i);
		lost += w - wrong_cells(&shown[y * row], &c->cells[y * row], w);
		for (int x = 0; x < w; x++)
			lost -= is_blank(&c->cells[y * row + (size_t)x]);
	}
	if (kept < 1 || r.saved < (lost > 0 ? lost : 0) + SCROLL_COST)
		return;
	set_pen(s, plain);
	str_addf(s->out, "\033[%d;%dr", r.first + 1, r.last + 1);
	add_csi(s->out, n, d > 0 ? 'S' : 'T');
	str_add(s->out, "\033[r");
	s->x = s->y = 0;
	struct cell *to = &shown[(size_t)(d > 0 ? r.first : r.first + n) * row], *from = &shown[(size_t)(d > 0 ? r.first + n : r.first) * row];
	memmove(to, from, (size_t)kept * row * sizeof *to);
	struct cell *bare = &shown[(size_t)(d > 0 ? r.last + 1 - n : r.first) * row];
	for (size_t i = 0; i < (size_t)n * row; i++)
		bare[i] = (struct cell){.cp = ' ', .width = 1};
}

/* --- a frame ------------------------------------------------------------------------------------------------------- */

void rows_write(const struct rows_can *can, const struct theme *t, struct rows_screen *screen, const struct canvas *c, int x, int y,
    struct str *out)
{
	struct writer s = {can, t, screen->w, screen->x, screen->y, plain, out};
	struct str scratch[2] = {str_new(OUT_MAX), str_new(OUT_MAX)};
	if (can->scroll)
		scroll(&s, screen, c);
	for (int i = 0; i < screen->h; i++)
		if (changed_row(screen, c, i)) {
			size_t at = (size_t)i * (size_t)screen->w;
			change_row(&s, &screen->shown[at], &c->cells[at], i, scratch);
		}
	set_pen(&s, plain);
	move_to(&s, x, y);
	screen->x = x;
	screen->y = y;
	str_free(&scratch[0]);
	str_free(&scratch[1]);
}
