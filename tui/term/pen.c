/* SGR and cursor movement in the fewest bytes that the common dialect has for them: only what differs of the pen is said, moves are by tabs,
 * backspaces and line feeds where that is shorter than an address. */
#include "tui/term/pen.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/base/num.h"

const struct pen plain_pen = {THEME_DEFAULT, THEME_DEFAULT, 0};

enum { SGR_MAX = 80 };

struct pen pen_of(const struct writer *s, const struct cell *c)
{
	const struct theme_style *style = &s->t->styles[c->back ? c->back : c->role];
	unsigned own = c->attrs | (c->back ? s->t->styles[c->role].attrs & ATTR_BOLD : 0u);
	if (style->fg == 0) /* bold black is grey on many */
		own &= ~(unsigned)ATTR_BOLD;
	return (struct pen){style->fg, style->bg, (style->attrs | own) & s->can->attrs};
}

bool pen_same(struct pen a, struct pen b)
{
	return a.fg == b.fg && a.bg == b.bg && a.attrs == b.attrs;
}

bool pen_same_blank(struct pen a, struct pen b)
{
	return a.bg == b.bg && !((a.attrs | b.attrs) & (ATTR_UNDERLINE | ATTR_REVERSE));
}

static size_t add_number(char *text, size_t n, int number)
{
	char digits[12], *end = digits + sizeof digits, *p = num_before(end, (uint64_t)number, 1);
	if (n)
		text[n++] = ';';
	memcpy(text + n, p, (size_t)(end - p));
	return n + (size_t)(end - p);
}

void csi_add(struct str *out, int n, char last)
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

int csi_len(int n)
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

/* What follows "CSI": all that the pen is after a reset, or only what is other, when that is shorter and can be said. */
static size_t change_text(const struct writer *s, struct pen from, struct pen to, char text[SGR_MAX])
{
	char change[SGR_MAX];
	size_t n = pen_same(to, plain_pen) ? 0 : add_number(text, 0, 0), m = 0;
	n = add_attrs(text, n, to.attrs);
	if (to.fg >= 0)
		n = add_color(text, n, to.fg, 30);
	if (to.bg >= 0)
		n = add_color(text, n, to.bg, 40);
	if ((from.attrs & ~to.attrs) || (!s->can->op && ((to.fg < 0 && from.fg >= 0) || (to.bg < 0 && from.bg >= 0))))
		return n;
	m = add_attrs(change, m, to.attrs & ~from.attrs);
	if (to.fg != from.fg)
		m = add_color(change, m, to.fg, 30);
	if (to.bg != from.bg)
		m = add_color(change, m, to.bg, 40);
	if (m >= n)
		return n;
	memcpy(text, change, m);
	return m;
}

int pen_cost(const struct writer *s, struct pen from, struct pen to)
{
	char text[SGR_MAX];
	return pen_same(from, to) ? 0 : 3 + (int)change_text(s, from, to, text);
}

void pen_set(struct writer *s, struct pen to)
{
	char text[SGR_MAX + 3] = "\033[";
	if (pen_same(s->pen, to))
		return;
	size_t n = 2 + change_text(s, s->pen, to, text + 2);
	text[n++] = 'm';
	str_addn(s->out, text, n);
	s->pen = to;
}

enum { TABS_MAX = 4, BACK_MAX = 3, STOP = 8 };

int way_len(struct way v)
{
	return v.tabs + (v.on > 0 ? csi_len(v.on) : -v.on);
}

struct way way_right(const struct writer *s, int from, int x)
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

void way_add(struct str *out, struct way v)
{
	str_addn(out, "\t\t\t\t", (size_t)v.tabs);
	if (v.on > 0)
		csi_add(out, v.on, 'C');
	else
		str_addn(out, "\b\b\b", (size_t)-v.on);
}

static void move_absolutely(struct writer *s, int x, int y)
{
	if (y == s->y && s->can->hpa) {
		csi_add(s->out, x + 1, 'G');
	} else if (x) {
		char text[24] = "\033[";
		size_t n = add_number(text + 2, 0, y + 1) + 2;
		text[n++] = ';';
		n += add_number(text + n, 0, x + 1);
		text[n++] = 'H';
		str_addn(s->out, text, n);
	} else {
		csi_add(s->out, y + 1, 'H');
	}
}

static int absolute_len(const struct writer *s, int x, int y)
{
	return y == s->y && s->can->hpa ? csi_len(x + 1) : x ? 4 + digits(y + 1) + digits(x + 1) : csi_len(y + 1);
}

/* Relative to where the cursor is, in the same row or the next: "\r", "\n", and a way to the right or some steps back. */
struct steps {
	bool can, begin, below;
	struct way way;
};

static struct steps steps_to(const struct writer *s, int x, int y)
{
	int n = x - s->x;
	struct steps to = {.can = y == s->y || y == s->y + 1, .begin = s->x >= s->w || n < -BACK_MAX, .below = y == s->y + 1};
	to.way = !to.begin && n < 0 ? (struct way){0, n} : way_right(s, to.begin ? 0 : s->x, x);
	to.can = to.can && to.below + to.begin + way_len(to.way) <= absolute_len(s, x, y);
	return to;
}

static bool is_above(const struct writer *s, int x, int y)
{
	return y == s->y - 1 && x == s->x && x < s->w;
}

int move_len(const struct writer *s, int x, int y)
{
	if (s->x == x && s->y == y && x < s->w)
		return 0;
	struct steps to = steps_to(s, x, y);
	return to.can ? to.below + to.begin + way_len(to.way) : is_above(s, x, y) ? csi_len(1) : absolute_len(s, x, y);
}

void move_to(struct writer *s, int x, int y)
{
	if (s->x == x && s->y == y && x < s->w)
		return;
	struct steps to = steps_to(s, x, y);
	if (to.can) {
		str_addn(s->out, "\r\n" + !to.begin, (size_t)(to.begin + to.below));
		way_add(s->out, to.way);
	} else if (is_above(s, x, y)) {
		csi_add(s->out, 1, 'A');
	} else {
		move_absolutely(s, x, y);
	}
	s->x = x;
	s->y = y;
}
