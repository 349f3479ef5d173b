/* A grid of cells and the pens that draw on it.
 *
 * Views redraw everything each frame and never ask what was there before; that keeps them simple, and costs 0.1 ms at
 * 120×40. All text is taken to be foreign: it is cleaned and clipped here, by columns, once for everybody. A wide
 * character never hangs over the clip's edge, and overwriting half of one blanks the other half. */
#include "tui/canvas.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "tui/width.h"

static const struct cell empty_cell = {.cp = ' ', .width = 1};

struct canvas *canvas_create(int w, int h)
{
	struct canvas *c = xcalloc(1, sizeof *c);
	canvas_resize(c, w, h);
	return c;
}

void canvas_destroy(struct canvas *c)
{
	if (!c)
		return;
	free(c->cells);
	free(c);
}

void canvas_resize(struct canvas *c, int w, int h)
{
	c->w = w < 1 ? 1 : w;
	c->h = h < 1 ? 1 : h;
	c->cells = xreallocarray(c->cells, (size_t)c->w * (size_t)c->h, sizeof *c->cells);
	canvas_clear(c);
}

void canvas_clear(struct canvas *c)
{
	size_t n = (size_t)c->w * (size_t)c->h;
	c->cells[0] = empty_cell;
	for (size_t done = 1; done < n; done *= 2)
		memcpy(c->cells + done, c->cells, (done < n - done ? done : n - done) * sizeof *c->cells);
	c->clip = (struct rect){0, 0, c->w, c->h};
	c->cursor_x = c->cursor_y = 0;
	c->cursor_shown = false;
	c->n_links = 0;
}

struct rect canvas_clip(struct canvas *c, struct rect r)
{
	struct rect was = c->clip;
	c->clip = rect_and(was, r);
	return was;
}

static struct cell *cell_at(struct canvas *c, int x, int y)
{
	return &c->cells[(size_t)y * (size_t)c->w + (size_t)x];
}

/* Before column x is overwritten: if it is half of a wide character, the other half becomes a space. */
static void unhalve(struct canvas *c, int x, int y)
{
	struct cell *at = cell_at(c, x, y);
	if (at->width == 0 && x > 0) {
		at[-1].cp = ' ';
		at[-1].width = 1;
		at[-1].mark = 0;
	} else if (at->width == 2 && x + 1 < c->w) {
		at[1].cp = ' ';
		at[1].width = 1;
	}
}

/* Put one character of known width; false when it is outside the clip, or only half inside. */
static bool put_wide(struct canvas *c, int x, int y, enum role role, unsigned cp, int width)
{
	if (!rect_has(c->clip, x, y) || (width == 2 && !rect_has(c->clip, x + 1, y)))
		return false;
	unhalve(c, x, y);
	*cell_at(c, x, y) = (struct cell){.cp = cp, .role = (uint8_t)role, .width = (uint8_t)width};
	if (width == 2) {
		unhalve(c, x + 1, y);
		*cell_at(c, x + 1, y) = (struct cell){.role = (uint8_t)role};
	}
	return true;
}

void canvas_put(struct canvas *c, int x, int y, enum role role, unsigned cp)
{
	put_wide(c, x, y, role, cp, 1);
}

static void put_mark(struct canvas *c, int x, int y, unsigned mark)
{
	if (rect_has(c->clip, x, y) && cell_at(c, x, y)->width)
		cell_at(c, x, y)->mark = mark;
}

static bool is_ascii(char c)
{
	return (unsigned char)c - 0x20u < 0x5fu;
}

/* Nearly all text: characters of one column each, from s[0] on. Returns how many there are; those within the clip are drawn. */
static int draw_ascii(struct canvas *c, int x, int y, int most, enum role role, const char *s, size_t len)
{
	int n = 0;
	while (n < most && (size_t)n < len && is_ascii(s[n]))
		n++;
	struct rect r = rect_and((struct rect){x, y, n, 1}, c->clip);
	if (rect_empty(r))
		return n;
	unhalve(c, r.x, y);
	unhalve(c, r.x + r.w - 1, y);
	struct cell *row = cell_at(c, r.x, y);
	for (int i = 0; i < r.w; i++)
		row[i] = (struct cell){.cp = (unsigned char)s[r.x - x + i], .role = (uint8_t)role, .width = 1};
	return n;
}

/* Draw characters until max_w columns are full, leaving out the first `skip` columns. Returns the columns used; *rest is
 * what did not fit. */
static int draw_run(struct canvas *c, int x, int y, int max_w, int skip, enum role role, const char *s, size_t len,
    size_t *rest)
{
	int used = 0, last = -1;
	size_t i = 0;
	while (i < len) {
		unsigned cp = (unsigned char)s[i];
		if (is_ascii(s[i]) && skip <= 0) {
			int n = draw_ascii(c, x + used, y, max_w - used, role, s + i, len - i);
			if (n <= 0)
				break;
			used += n;
			i += (size_t)n;
			last = x + used - 1;
			continue;
		}
		size_t n = utf8_decode(s + i, len - i, &cp);
		int w = width_shown(&cp);
		if (w == 0 && last >= 0)
			put_mark(c, last, y, cp);
		if (w > 0 && skip > 0) {
			/* Of a wide one whose first half is skipped the second half is a space. */
			used += w > skip ? w - skip : 0;
			skip -= w < skip ? w : skip;
		} else if (w > 0) {
			if (used + w > max_w)
				break;
			put_wide(c, x + used, y, role, cp, w);
			last = x + used;
			used += w;
		}
		i += n;
	}
	*rest = len - i;
	return used;
}

int canvas_slice(struct canvas *c, int x, int y, int max_w, int skip, enum role role, const char *text, size_t len)
{
	size_t rest;
	return draw_run(c, x, y, max_w, skip, role, text, len, &rest);
}

int canvas_textn(struct canvas *c, int x, int y, int max_w, enum role role, const char *text, size_t len)
{
	if (max_w <= 0 || y < c->clip.y || y >= c->clip.y + c->clip.h)
		return 0;
	size_t rest;
	int used = draw_run(c, x, y, max_w, 0, role, text, len, &rest);
	if (!width_text(text + len - rest, rest))
		return used;
	/* It does not fit: the last column says so. */
	if (used == max_w) {
		struct cell *last = x + used - 1 >= 0 && x + used - 1 < c->w ? cell_at(c, x + used - 1, y) : NULL;
		used = last && last->width == 0 ? max_w - 2 : max_w - 1;
	}
	canvas_put(c, x + used, y, role, 0x2026);
	return used + 1;
}

int canvas_text(struct canvas *c, int x, int y, int max_w, enum role role, const char *text)
{
	return canvas_textn(c, x, y, max_w, role, text, strlen(text));
}

int canvas_link(struct canvas *c, int x, int y, int max_w, enum role role, const char *url)
{
	size_t len = strlen(url);
	int used = canvas_text(c, x, y, max_w, role, url);
	bool good = len < CANVAS_URL && (str_starts(url, "https://") || str_starts(url, "http://"));
	for (size_t i = 0; i < len; i++)
		good = good && url[i] > ' ' && url[i] < 0x7f;
	struct rect shown = rect_and((struct rect){x, y, used, 1}, c->clip);
	if (!good || rect_empty(shown))
		return used;
	canvas_attrs(c, shown, ATTR_UNDERLINE);
	if (c->n_links < CANVAS_LINKS) {
		struct canvas_link *l = &c->links[c->n_links++];
		*l = (struct canvas_link){.x = shown.x, .y = shown.y, .w = shown.w};
		memcpy(l->url, url, len + 1);
	}
	return used;
}

int canvas_printf(struct canvas *c, int x, int y, int max_w, enum role role, const char *fmt, ...)
{
	char buf[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(buf, sizeof buf, fmt, ap);
	va_end(ap);
	return canvas_text(c, x, y, max_w, role, buf);
}

void canvas_right(struct canvas *c, int x, int y, int w, enum role role, const char *text)
{
	int used = width_text(text, strlen(text));
	canvas_text(c, used < w ? x + w - used : x, y, w, role, text);
}

/* How many bytes of text go into one line of w columns; *skip more are the blanks at the break. */
static size_t wrap_line(const char *text, size_t len, int w, size_t *skip)
{
	size_t blank = 0;
	int used = 0;
	*skip = 0;
	for (size_t i = 0; i < len;) {
		unsigned cp;
		size_t n = utf8_decode(text + i, len - i, &cp);
		if (cp == '\n') {
			*skip = n;
			return i;
		}
		if (cp == ' ')
			blank = i;
		int cw = width_shown(&cp);
		used += cw > 0 ? cw : 0;
		if (used > w) {
			if (blank) {
				*skip = 1;
				return blank;
			}
			return i ? i : n;
		}
		i += n;
	}
	return len;
}

int canvas_wrap(struct canvas *c, struct rect r, enum role role, const char *text)
{
	size_t len = strlen(text);
	int lines = 0;
	while (len && lines < r.h && r.w > 0) {
		size_t skip, n = wrap_line(text, len, r.w, &skip);
		if (c)
			canvas_slice(c, r.x, r.y + lines, r.w, 0, role, text, n);
		lines++;
		text += n + skip;
		len -= n + skip;
	}
	return lines;
}

void canvas_fill(struct canvas *c, struct rect r, enum role role, unsigned cp)
{
	r = rect_and(r, c->clip);
	for (int y = r.y; y < r.y + r.h; y++)
		for (int x = r.x; x < r.x + r.w; x++)
			put_wide(c, x, y, role, cp, 1);
}

void canvas_back(struct canvas *c, struct rect r, enum role back)
{
	r = rect_and(r, c->clip);
	for (int y = r.y; y < r.y + r.h; y++)
		for (int x = r.x; x < r.x + r.w; x++)
			cell_at(c, x, y)->back = (uint8_t)back;
}

void canvas_attrs(struct canvas *c, struct rect r, unsigned attrs)
{
	r = rect_and(r, c->clip);
	for (int y = r.y; y < r.y + r.h; y++)
		for (int x = r.x; x < r.x + r.w; x++)
			cell_at(c, x, y)->attrs |= (uint8_t)attrs;
}

void canvas_box(struct canvas *c, struct rect r, enum role role)
{
	if (r.w < 2 || r.h < 2)
		return;
	int right = r.x + r.w - 1, bottom = r.y + r.h - 1;
	for (int x = r.x + 1; x < right; x++) {
		canvas_put(c, x, r.y, role, 0x2500);
		canvas_put(c, x, bottom, role, 0x2500);
	}
	for (int y = r.y + 1; y < bottom; y++) {
		canvas_put(c, r.x, y, role, 0x2502);
		canvas_put(c, right, y, role, 0x2502);
	}
	canvas_put(c, r.x, r.y, role, 0x250c);
	canvas_put(c, right, r.y, role, 0x2510);
	canvas_put(c, r.x, bottom, role, 0x2514);
	canvas_put(c, right, bottom, role, 0x2518);
}

bool canvas_has_edge(const struct canvas *c, struct rect r)
{
	int x = r.x + r.w;
	return x >= 0 && x < c->w && r.y >= 0 && r.y < c->h && c->cells[(size_t)r.y * (size_t)c->w + (size_t)x].cp == 0x2502;
}

void canvas_scrollbar(struct canvas *c, struct rect r, size_t top, size_t shown, size_t total)
{
	if (rect_empty(r) || total <= shown || !total)
		return;
	size_t h = (size_t)r.h, size = shown * h / total;
	if (!size)
		size = 1;
	size_t room = h - size, hidden = total - shown;
	size_t at = (top * room + hidden / 2) / hidden;
	bool edge = canvas_has_edge(c, r);
	struct rect was = c->clip;
	if (edge)
		c->clip = (struct rect){0, 0, c->w, c->h};
	for (size_t i = 0; i < size; i++)
		canvas_put(c, r.x + r.w - !edge, r.y + (int)(at + i), ROLE_BORDER, 0x2503);
	c->clip = was;
}

void canvas_spark(struct canvas *c, int x, int y, int w, enum role role, const int64_t *values, size_t n)
{
	if (w <= 0)
		return;
	if (n > (size_t)w) {
		values += n - (size_t)w;
		n = (size_t)w;
	}
	int64_t low = INT64_MAX, high = -1;
	for (size_t i = 0; i < n; i++) {
		if (values[i] < 0)
			continue;
		low = values[i] < low ? values[i] : low;
		high = values[i] > high ? values[i] : high;
	}
	for (size_t i = 0; i < n; i++) {
		if (values[i] < 0)
			continue;
		/* 8 levels; what never moved stands in the middle. */
		double share = high > low ? (double)(values[i] - low) / (double)(high - low) : 0.5;
		canvas_put(c, x + (int)i, y, role, 0x2581 + (unsigned)(share * 7 + 0.5));
	}
}

static void add_row(const struct canvas *c, int y, struct str *out)
{
	int end = c->w;
	const struct cell *row = &c->cells[(size_t)y * (size_t)c->w];
	while (end > 0 && row[end - 1].cp == ' ')
		end--;
	for (int x = 0; x < end; x++) {
		char utf8[4];
		if (!row[x].width)
			continue;
		str_addn(out, utf8, utf8_encode(row[x].cp, utf8));
		if (row[x].mark)
			str_addn(out, utf8, utf8_encode(row[x].mark, utf8));
	}
	str_addc(out, '\n');
}

void canvas_to_text(const struct canvas *c, struct str *out)
{
	for (int y = 0; y < c->h; y++)
		add_row(c, y, out);
}
