/* Charts in character cells. */
#include "tui/chart.h"

/* A column's height in eighths of a cell, of h cells: what is more than nothing shows. */
static int eighths(int64_t value, int64_t most, int h)
{
	int full = h * 8, e = most > 0 ? (int)((double)value / (double)most * full + 0.5) : 0;
	return e < 1 ? 1 : e > full ? full : e;
}

static void draw_bar(struct canvas *c, int x, struct rect r, enum role role, int e)
{
	for (int row = 0; row < r.h && e > row * 8; row++) {
		int part = e - row * 8;
		canvas_put(c, x, r.y + r.h - 1 - row, role, 0x2580 + (unsigned)(part > 8 ? 8 : part));
	}
}

/* Two bars in a cell: dots from below, left 7 3 2 1, right 8 6 5 4 in Unicode's numbering. */
static unsigned braille(int left, int right)
{
	static const unsigned char dots[2][4] = {{0x40, 0x04, 0x02, 0x01}, {0x80, 0x20, 0x10, 0x08}};
	unsigned cell = 0x2800;
	for (int i = 0; i < 4; i++)
		cell += (i < left ? dots[0][i] : 0u) + (i < right ? dots[1][i] : 0u);
	return cell;
}

static int quarters(int64_t value, int64_t most, int h)
{
	return value < 0 ? 0 : (eighths(value, most, h) + 1) / 2;
}

static int draw_pairs(struct canvas *c, struct rect r, enum role role, const int64_t *values, size_t n, int64_t most)
{
	int columns = (int)((n + 1) / 2);
	if (columns > r.w) {
		values += n - (size_t)r.w * 2;
		n = (size_t)r.w * 2;
		columns = r.w;
	}
	for (int i = 0; i < columns; i++) {
		/* An odd one out stands at the left end. */
		size_t at = (size_t)i * 2, odd = n % 2;
		int a = at < odd ? 0 : quarters(values[at - odd], most, r.h), b = quarters(values[at + 1 - odd], most, r.h);
		for (int row = 0; row < r.h; row++) {
			int la = a - row * 4, lb = b - row * 4;
			if (la > 0 || lb > 0)
				canvas_put(c, r.x + i, r.y + r.h - 1 - row, role, braille(la > 4 ? 4 : la, lb > 4 ? 4 : lb));
		}
	}
	return columns;
}

void chart_range(const int64_t *values, size_t n, int64_t *least, int64_t *most, int64_t *last)
{
	*least = *most = *last = -1;
	for (size_t i = 0; i < n; i++) {
		if (values[i] < 0)
			continue;
		*least = *least < 0 || values[i] < *least ? values[i] : *least;
		*most = values[i] > *most ? values[i] : *most;
		*last = values[i];
	}
}

int chart_bars(struct canvas *c, struct rect r, enum role role, const int64_t *values, size_t n)
{
	int64_t least, most, last;
	if (r.w < 1 || r.h < 1 || !n)
		return 0;
	chart_range(values, n, &least, &most, &last);
	if (n > (size_t)r.w)
		return draw_pairs(c, r, role, values, n, most);
	int wide = r.w / (int)n;
	for (size_t i = 0; i < n; i++)
		for (int k = 0; values[i] >= 0 && k < wide; k++)
			draw_bar(c, r.x + (int)i * wide + k, r, role, eighths(values[i], most, r.h));
	return (int)n * wide;
}

void chart_gauge(struct canvas *c, int x, int y, int w, enum role role, int64_t percent)
{
	int room = w - 2, full = percent <= 0 ? 0 : percent >= 100 ? room : (int)(percent * room / 100);
	canvas_put(c, x, y, ROLE_BORDER, '[');
	for (int i = 0; i < room; i++)
		canvas_put(c, x + 1 + i, y, i < full ? role : ROLE_DIM, i < full ? 0x2588 : 0xb7);
	canvas_put(c, x + 1 + room, y, ROLE_BORDER, ']');
}
