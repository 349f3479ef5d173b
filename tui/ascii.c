/* The ASCII ladder: what a canvas becomes on terminals and in files that are not UTF-8. Every character is replaced by
 * exactly as many columns as it had, so no view needs to know. */
#include "tui/canvas.h"

#include <string.h>

static const struct {
	unsigned cp;
	char ascii;
} exact[] = {
    {0x2010, '-'}, {0x2011, '-'}, {0x2012, '-'}, {0x2013, '-'}, {0x2014, '-'}, {0x2018, '\''}, {0x2019, '\''},
    {0x201c, '"'}, {0x201d, '"'}, {0x2022, '*'}, {0x2026, '~'}, {0x20ac, 'E'}, {0x2190, '<'}, {0x2191, '^'},
    {0x2192, '>'}, {0x2193, 'v'}, {0x2248, '~'}, {0x2264, '<'}, {0x2265, '>'}, {0x25b2, '^'}, {0x25b4, '^'},
    {0x25b6, '>'}, {0x25b8, '>'}, {0x25bc, 'v'}, {0x25be, 'v'}, {0x25c0, '<'}, {0x25cb, 'o'}, {0x25cf, '*'},
    {0x25d0, 'o'}, {0x2713, 'v'}, {0x2717, 'x'},
};

/* 0x2581…0x2588, an eighth to a full block. */
static const char blocks[] = ".,:-=+*#";
/* 0xa0…0xff without their accents. */
static const char latin[] = " !cLoY|S\"ca<!-r-o+23'uP.,1o>????"
			    "AAAAAAACEEEEIIIIDNOOOOOxOUUUUYTs"
			    "aaaaaaaceeeeiiiidnooooo/ouuuuyty";

static char ascii_of(unsigned cp)
{
	if (cp < 0x80)
		return (char)cp;
	if (cp >= 0xa0 && cp <= 0xff)
		return latin[cp - 0xa0];
	if (cp >= 0x2581 && cp <= 0x2588)
		return blocks[cp - 0x2581];
	if (cp >= 0x2500 && cp <= 0x257f)
		return cp == 0x2500 ? '-' : cp == 0x2501 ? '=' : cp == 0x2502 || cp == 0x2503 ? '|' : '+';
	if (cp >= 0x2591 && cp <= 0x2593)
		return blocks[(cp - 0x2591) * 3];
	if (cp > 0x2800 && cp <= 0x28ff) /* a bar, two in a cell: the higher one */
		return blocks[cp & 0x09 ? 7 : cp & 0x12 ? 5 : cp & 0x24 ? 3 : 1];
	for (size_t i = 0; i < sizeof exact / sizeof *exact; i++)
		if (exact[i].cp == cp)
			return exact[i].ascii;
	return '?';
}

void canvas_to_ascii(struct canvas *c)
{
	size_t n = (size_t)c->w * (size_t)c->h;
	for (size_t i = 0; i < n; i++) {
		struct cell *at = &c->cells[i];
		at->mark = 0;
		if (at->cp < 0x80 && at->width == 1)
			continue;
		at->cp = at->width == 0 ? '?' : (unsigned char)ascii_of(at->cp);
		at->width = 1;
	}
}
