/* Columns of characters. Everything aligned on the screen goes through here; bytes are never counted as columns.
 *
 * A terminal in a UTF-8 locale follows the C library's table closely enough, and curses uses nothing else, so that is
 * what is asked. In other locales the C library knows ASCII only, while the canvas still holds Unicode (the back end
 * folds it to ASCII, one column for one column), so a table of the large blocks serves there. */
#include "tui/width.h"

#include <stdbool.h>
#include <stdlib.h>
#include <wchar.h>

#include "core/base/mem.h"
#include "core/base/str.h"

struct range {
	unsigned first, last;
};

static const struct range joining[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x0610, 0x061a}, {0x064b, 0x065f}, {0x0900, 0x0902},
    {0x093c, 0x093c}, {0x0e31, 0x0e31}, {0x0e34, 0x0e3a}, {0x0e47, 0x0e4e}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff},
    {0x20d0, 0x20ff}, {0x3099, 0x309a}, {0xfe20, 0xfe2f},
};

static const struct range wide[] = {
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x2329, 0x232a},   {0x23e9, 0x23ec},   {0x2614, 0x2615},
    {0x2648, 0x2653},   {0x26aa, 0x26ab},   {0x2705, 0x2705},   {0x274c, 0x274c},   {0x2e80, 0x303e},
    {0x3041, 0x33ff},   {0x3400, 0x4dbf},   {0x4e00, 0x9fff},   {0xa000, 0xa4cf},   {0xa960, 0xa97c},
    {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},
    {0x17000, 0x18aff}, {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
};

static bool within(const struct range *r, size_t n, unsigned cp)
{
	for (size_t i = 0; i < n && r[i].first <= cp; i++)
		if (cp <= r[i].last)
			return true;
	return false;
}

/* Dropped without a trace. Variation selectors are among them, since terminals disagree on whether they widen what they
 * follow. */
static bool dropped(unsigned cp)
{
	return text_unfit(cp) || (cp >= 0xfe00 && cp <= 0xfe0f) || (cp >= 0xe0000 && cp <= 0xe0fff);
}

int width_shown(unsigned *cp)
{
	if (*cp >= 0x20 && *cp < 0x7f)
		return 1;
	if (*cp < 0x20 || *cp == 0x7f) {
		*cp = *cp == '\t' || *cp == '\n' || *cp == '\r' ? ' ' : '?';
		return 1;
	}
	if (dropped(*cp))
		return -1;
	if (MB_CUR_MAX == 1) {
		if (within(joining, ARRAY_LEN(joining), *cp))
			return 0;
		return within(wide, ARRAY_LEN(wide), *cp) ? 2 : 1;
	}
	int w = wcwidth((wchar_t)*cp);
	if (w >= 0)
		return w;
	*cp = 0xfffd;
	return 1;
}

int width_text(const char *s, size_t len)
{
	int columns = 0;
	for (size_t i = 0; i < len;) {
		unsigned cp = (unsigned char)s[i];
		if (cp < 0x80) {
			columns++;
			i++;
			continue;
		}
		i += utf8_decode(s + i, len - i, &cp);
		int w = width_shown(&cp);
		columns += w > 0 ? w : 0;
	}
	return columns;
}
