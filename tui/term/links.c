/* The text is written in the very colours that it has, between saving and restoring what the terminal keeps of cursor and colours. */
#include "tui/term/links.h"

#include <string.h>

static void add_color(struct str *out, int32_t color, int base)
{
	if (color < 0)
		return;
	if (color < 8)
		str_addf(out, ";%d", base + (int)color);
	else if (color < 16)
		str_addf(out, ";%d", base + 60 + (int)color - 8);
	else
		str_addf(out, ";%d;5;%d", base + 8, (int)color);
}

static void add_look(struct str *out, const struct theme_style *s, unsigned attrs)
{
	static const struct {
		unsigned attr;
		int number;
	} map[] = {{ATTR_BOLD, 1}, {ATTR_DIM, 2}, {ATTR_ITALIC, 3}, {ATTR_UNDERLINE, 4}, {ATTR_REVERSE, 7}};
	str_add(out, "\033[0");
	for (size_t i = 0; i < sizeof map / sizeof map[0]; i++)
		if ((s->attrs | attrs) & map[i].attr)
			str_addf(out, ";%d", map[i].number);
	add_color(out, s->fg, 30);
	add_color(out, s->bg, 40);
	str_add(out, "m");
}

void link_write(const struct canvas *c, const struct canvas_link *l, const struct theme *t, struct str *out)
{
	const struct cell *cells = &c->cells[(size_t)l->y * (size_t)c->w + (size_t)l->x];
	for (int i = 0; i < l->w; i++)
		if (cells[i].role != cells[0].role || cells[i].back || cells[i].width != 1 || !(cells[i].attrs & ATTR_UNDERLINE))
			return;
	str_addf(out, "\0337\033[%d;%dH", l->y + 1, l->x + 1);
	add_look(out, &t->styles[cells[0].role], cells[0].attrs);
	str_addf(out, "\033]8;;%s\033\\", l->url);
	for (int i = 0; i < l->w; i++) {
		char utf8[4];
		str_addn(out, utf8, utf8_encode(cells[i].cp, utf8));
	}
	str_add(out, "\033]8;;\033\\\0338");
}
