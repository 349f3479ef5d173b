/* Roles and colours.
 *
 * The built-in theme uses the terminal's own 16 colours and its own background only, so that it follows whatever scheme,
 * dark or light, the person has set up; dimming is an attribute, since "bright black" is invisible in some schemes; black is
 * never bold, since many terminals make grey of that; nothing is written in yellow, which on white nobody can read. Where a role
 * has a background it has a foreground too. Nothing is told by colour alone: what a theme loses on a terminal without colours
 * (theme_reduce) is still told by words, signs and reverse video. */
#include "tui/theme.h"

#include <string.h>

#include "core/base/mem.h"

enum { BLACK, RED, GREEN, YELLOW, BLUE, MAGENTA, CYAN, WHITE, BRIGHT = 8, NONE = THEME_DEFAULT };

static const struct {
	const char *name;
	struct theme_style style;
} builtin[ROLE_ANSI] = {
    [ROLE_TEXT] = {"text", {NONE, NONE, 0}},
    [ROLE_DIM] = {"dim", {NONE, NONE, ATTR_DIM}},
    [ROLE_BRAND] = {"brand", {CYAN, NONE, ATTR_BOLD}},
    [ROLE_TAB] = {"tab", {NONE, NONE, 0}},
    [ROLE_TAB_ON] = {"tab-on", {BLACK, CYAN, 0}},
    [ROLE_BORDER] = {"border", {NONE, NONE, ATTR_DIM}},
    [ROLE_TITLE] = {"title", {NONE, NONE, ATTR_BOLD}},
    [ROLE_HEADER] = {"header", {NONE, NONE, ATTR_BOLD}},
    [ROLE_HEADER_SORT] = {"header-sort", {CYAN, NONE, ATTR_BOLD}},
    [ROLE_SELECTED] = {"selected", {BRIGHT + WHITE, BLUE, 0}},
    [ROLE_SELECTED_OFF] = {"selected-off", {NONE, NONE, ATTR_BOLD}},
    [ROLE_MARKED] = {"marked", {MAGENTA, NONE, ATTR_BOLD}},
    [ROLE_KEY] = {"key", {CYAN, NONE, ATTR_BOLD}},
    [ROLE_HINT] = {"hint", {NONE, NONE, 0}},
    [ROLE_MONEY] = {"money", {NONE, NONE, ATTR_BOLD}},
    [ROLE_BEST] = {"best", {GREEN, NONE, ATTR_BOLD}},
    [ROLE_GOOD] = {"good", {GREEN, NONE, 0}},
    [ROLE_BUSY] = {"busy", {CYAN, NONE, 0}},
    [ROLE_WARN] = {"warn", {MAGENTA, NONE, 0}},
    [ROLE_BAD] = {"bad", {RED, NONE, ATTR_BOLD}},
    [ROLE_INPUT] = {"input", {NONE, NONE, ATTR_BOLD}},
    [ROLE_MATCH] = {"match", {BLACK, YELLOW, 0}},
    [ROLE_MATCH_ON] = {"match-on", {BLACK, CYAN, ATTR_UNDERLINE}},
    [ROLE_BUTTON] = {"button", {NONE, NONE, 0}},
    [ROLE_BUTTON_ON] = {"button-on", {BLACK, CYAN, 0}},
    [ROLE_DIALOG] = {"dialog", {NONE, NONE, 0}},
    [ROLE_TOAST] = {"toast", {BLACK, CYAN, 0}},
    [ROLE_TOAST_BAD] = {"toast-bad", {BRIGHT + WHITE, RED, ATTR_BOLD}},
    [ROLE_CHART] = {"chart", {CYAN, NONE, 0}},
};

static const char *const ansi_names[16] = {"ansi-black", "ansi-red", "ansi-green", "ansi-yellow", "ansi-blue", "ansi-magenta",
    "ansi-cyan", "ansi-white", "ansi-bright-black", "ansi-bright-red", "ansi-bright-green", "ansi-bright-yellow", "ansi-bright-blue",
    "ansi-bright-magenta", "ansi-bright-cyan", "ansi-bright-white"};

const char *theme_role_name(enum role role)
{
	return role < ROLE_ANSI ? builtin[role].name : ansi_names[role - ROLE_ANSI];
}

void theme_builtin(struct theme *t)
{
	for (int i = 0; i < ROLE_ANSI; i++)
		t->styles[i] = builtin[i].style;
	for (int i = 0; i < 16; i++)
		t->styles[ROLE_ANSI + i] = (struct theme_style){i, NONE, 0};
}

/* --- fewer colours ------------------------------------------------------------------------------------------------ */

static const unsigned char ansi_rgb[16][3] = {
    {0, 0, 0},       {205, 0, 0},   {0, 205, 0},   {205, 205, 0}, {0, 0, 238},     {205, 0, 205},
    {0, 205, 205},   {229, 229, 229}, {127, 127, 127}, {255, 0, 0}, {0, 255, 0},   {255, 255, 0},
    {92, 92, 255},   {255, 0, 255}, {0, 255, 255}, {255, 255, 255},
};

static void rgb_of(int color, int rgb[3])
{
	for (int i = 0; i < 3; i++) {
		if (color < 16) {
			rgb[i] = ansi_rgb[color][i];
		} else if (color >= 232) {
			rgb[i] = 8 + (color - 232) * 10;
		} else {
			static const int divisor[3] = {36, 6, 1};
			int level = (color - 16) / divisor[i] % 6;
			rgb[i] = level ? 55 + level * 40 : 0;
		}
	}
}

/* The nearest of colours [first, end). */
static int nearest(const int rgb[3], int first, int end)
{
	int best = first, best_d = INT32_MAX;
	for (int c = first; c < end; c++) {
		int other[3], d = 0;
		rgb_of(c, other);
		for (int i = 0; i < 3; i++)
			d += (rgb[i] - other[i]) * (rgb[i] - other[i]);
		if (d < best_d) {
			best = c;
			best_d = d;
		}
	}
	return best;
}

int32_t theme_nearest(unsigned rgb)
{
	int parts[3] = {(int)(rgb >> 16 & 255), (int)(rgb >> 8 & 255), (int)(rgb & 255)};
	return nearest(parts, 16, 256);
}

unsigned theme_rgb(int32_t color)
{
	int rgb[3];
	if (color >= THEME_RGB)
		return (unsigned)color & 0xffffff;
	rgb_of(color, rgb);
	return (unsigned)(rgb[0] << 16 | rgb[1] << 8 | rgb[2]);
}

static int32_t reduce(int32_t color, int colors)
{
	if (color == NONE || color < colors)
		return color;
	unsigned rgb = theme_rgb(color);
	int parts[3] = {(int)(rgb >> 16 & 255), (int)(rgb >> 8 & 255), (int)(rgb & 255)};
	return nearest(parts, 0, colors);
}

/* For a terminal that has all colours. Its numbers below eight are the ones the person has set. */
static int32_t direct(int32_t color)
{
	return color == NONE || color < 8 ? color : (int32_t)theme_rgb(color);
}

static int32_t of_256(int32_t color)
{
	return color >= THEME_RGB ? theme_nearest((unsigned)color & 0xffffff) : color;
}

/* Eight colours: the bright ones are the plain ones in bold. */
static void reduce_to_eight(struct theme_style *s)
{
	s->fg = reduce(s->fg, 16);
	if (s->fg >= 8) {
		s->fg -= 8;
		s->attrs |= ATTR_BOLD;
	}
	s->bg = reduce(s->bg, 8);
	if (s->fg == s->bg && s->fg != NONE)
		s->fg = s->bg ? 0 : 7;
}

void theme_reduce(struct theme *t, int colors)
{
	/* A ground of the theme's own has to be there in all roles or in none. */
	struct theme_style text = t->styles[ROLE_TEXT];
	for (int i = 0; i < ROLES; i++) {
		struct theme_style *s = &t->styles[i];
		if (colors > THEME_DIRECT) {
			s->fg = direct(s->fg);
			s->bg = direct(s->bg);
		} else if (colors >= 256) {
			s->fg = of_256(s->fg);
			s->bg = of_256(s->bg);
		} else if (colors >= 16) {
			s->fg = reduce(s->fg, 16);
			s->bg = reduce(s->bg, 16);
			if (s->fg == s->bg && s->fg != NONE)
				s->fg = s->bg ? 0 : 15;
		} else if (colors >= 8) {
			reduce_to_eight(s);
		} else {
			if (s->bg != NONE && s->bg != text.bg)
				s->attrs |= ATTR_REVERSE;
			s->fg = s->bg = NONE;
		}
	}
}
