/* Tables of text. Cells are kept as they come and measured once, when printed. A table that is wider than the terminal
 * takes the excess from the columns marked to shrink, widest first, never below MIN_SHRUNK; what still does not fit is cut
 * at the edge. Off a terminal nothing is ever cut, so that scripts see whole names. */
#include "tui/cli/table.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/width.h"

enum { GAP = 2, MIN_SHRUNK = 8, CELL_MAX = 4096 };

struct cell {
	const char *text; /* arena's */
	size_t width;
	enum cli_tone tone;
};

struct column {
	struct cell title;
	unsigned flags;
};

struct table {
	struct arena *arena;
	struct column *columns;
	size_t n_columns, cap_columns;
	struct cell *cells;
	size_t n_cells, cap_cells;
};

struct table *table_create(void)
{
	struct table *t = xcalloc(1, sizeof *t);
	t->arena = arena_create();
	return t;
}

void table_destroy(struct table *t)
{
	if (!t)
		return;
	arena_destroy(t->arena);
	free(t->columns);
	free(t->cells);
	free(t);
}

/* Length of text that needs no cleaning and takes a column a byte: printable ASCII alone. 0 when it is not that. */
static size_t plain_len(const char *text)
{
	size_t n = 0;
	while (text[n] >= 0x20 && text[n] < 0x7f)
		n++;
	return text[n] || n > CELL_MAX ? 0 : n;
}

static struct cell make_cell(struct table *t, enum cli_tone tone, const char *text)
{
	size_t plain = text ? plain_len(text) : 0;
	if (plain) /* nearly every cell of a table of a hundred thousand rows */
		return (struct cell){arena_strndup(t->arena, text, plain), plain, tone};
	struct str s = str_new(CELL_MAX);
	size_t len = text ? strlen(text) : 0;
	text_clean(&s, text ? text : "", len < CELL_MAX ? len : CELL_MAX);
	struct cell c = {arena_strndup(t->arena, str_text(&s), s.len), text_width(str_text(&s), s.len), tone};
	str_free(&s);
	return c;
}

void table_column(struct table *t, const char *title, unsigned flags)
{
	ARRAY_GROW(t->columns, t->n_columns, t->cap_columns);
	t->columns[t->n_columns++] = (struct column){make_cell(t, TONE_BOLD, title), flags};
}

void table_cell_tone(struct table *t, enum cli_tone tone, const char *text)
{
	ARRAY_GROW(t->cells, t->n_cells, t->cap_cells);
	t->cells[t->n_cells++] = make_cell(t, tone, text);
}

void table_cell(struct table *t, const char *text)
{
	table_cell_tone(t, TONE_PLAIN, text);
}

void table_cellf(struct table *t, const char *fmt, ...)
{
	char text[CELL_MAX];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	table_cell(t, text);
}

size_t table_rows(const struct table *t)
{
	return t->n_columns ? t->n_cells / t->n_columns : 0;
}

/* Take columns from the widest shrinkable column until all fits or nothing gives way any more. */
static void shrink(const struct table *t, size_t *widths, size_t total, size_t room)
{
	while (total > room) {
		size_t widest = t->n_columns;
		for (size_t i = 0; i < t->n_columns; i++)
			if (t->columns[i].flags & TABLE_SHRINK && widths[i] > MIN_SHRUNK &&
			    (widest == t->n_columns || widths[i] > widths[widest]))
				widest = i;
		if (widest == t->n_columns)
			return;
		widths[widest]--;
		total--;
	}
}

static size_t *measure(const struct table *t, const struct table_style *style)
{
	size_t *widths = xcalloc(t->n_columns + 1, sizeof *widths), total = 0;
	for (size_t i = 0; i < t->n_columns; i++)
		widths[i] = t->columns[i].title.width;
	for (size_t i = 0; i < t->n_cells; i++)
		if (t->cells[i].width > widths[i % t->n_columns])
			widths[i % t->n_columns] = t->cells[i].width;
	for (size_t i = 0; i < t->n_columns; i++)
		total += widths[i] + (i ? GAP : 0);
	if (style->width > 0)
		shrink(t, widths, total, (size_t)style->width);
	return widths;
}

static void pad(struct str *line, size_t n)
{
	while (n--)
		str_addc(line, ' ');
}

/* A cell's text cut to `room` columns, with a mark where something was cut. */
static size_t add_cut(struct str *line, const struct cell *cell, size_t room, bool utf8)
{
	size_t len = strlen(cell->text), used;
	if (cell->width <= room) {
		str_addn(line, cell->text, len);
		return cell->width;
	}
	if (!room)
		return 0;
	size_t n = text_fit(cell->text, len, room - 1, &used);
	str_addn(line, cell->text, n);
	str_add(line, utf8 ? "\xe2\x80\xa6" : "~");
	return used + 1;
}

/* SGR codes as in output.c; here because a table is printed without a cli in tests. */
static const char *tone_sgr(enum cli_tone tone)
{
	static const char *const sgr[] = {"", "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[36m"};
	return sgr[tone];
}

static void print_row(const struct table *t, FILE *out, const struct table_style *style, const size_t *widths,
    const struct cell *cells, size_t stride)
{
	struct str line = str_new(1 << 20);
	size_t at = 0, owed = 0; /* columns written; blanks owed before the next text */
	for (size_t i = 0; i < t->n_columns; i++) {
		const struct cell *cell = (const struct cell *)(const void *)((const char *)cells + i * stride);
		size_t room = widths[i];
		owed += i ? GAP : 0;
		if (style->width > 0) {
			size_t left = at + owed < (size_t)style->width ? (size_t)style->width - at - owed : 0;
			room = room < left ? room : left;
		}
		size_t shown = cell->width < room ? cell->width : room, fill = widths[i] > shown ? widths[i] - shown : 0;
		bool right = t->columns[i].flags & TABLE_RIGHT;
		owed += right ? fill : 0;
		if (shown) {
			pad(&line, owed);
			at += owed;
			owed = 0;
			bool colored = style->color && cell->tone != TONE_PLAIN;
			str_add(&line, colored ? tone_sgr(cell->tone) : "");
			at += add_cut(&line, cell, room, style->utf8);
			str_add(&line, colored ? "\x1b[0m" : "");
		}
		owed += right ? 0 : fill;
	}
	fprintf(out, "%s\n", str_text(&line));
	str_free(&line);
}

void table_print(const struct table *t, FILE *out, const struct table_style *style)
{
	if (!t->n_columns)
		return;
	size_t *widths = measure(t, style);
	print_row(t, out, style, widths, &t->columns[0].title, sizeof *t->columns);
	for (size_t r = 0; r < table_rows(t); r++)
		print_row(t, out, style, widths, t->cells + r * t->n_columns, sizeof *t->cells);
	free(widths);
}

static void csv_field(FILE *out, const char *text)
{
	if (!text[strcspn(text, ",\"\r\n")]) {
		fputs(text, out);
		return;
	}
	putc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			putc('"', out);
		putc(*text, out);
	}
	putc('"', out);
}

static void csv_title(FILE *out, const char *title)
{
	for (; *title; title++)
		putc(*title == ' ' ? '_' : tolower((unsigned char)*title), out);
}

void table_print_csv(const struct table *t, FILE *out)
{
	for (size_t i = 0; i < t->n_columns; i++) {
		fputs(i ? "," : "", out);
		csv_title(out, t->columns[i].title.text);
	}
	putc('\n', out);
	for (size_t i = 0; i < table_rows(t) * t->n_columns; i++) {
		fputs(i % t->n_columns ? "," : "", out);
		csv_field(out, t->cells[i].text);
		if (i % t->n_columns == t->n_columns - 1)
			putc('\n', out);
	}
}
