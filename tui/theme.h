/* Roles and their colours. Views name what a thing is; the theme says how that looks. */
#ifndef TUI_THEME_H
#define TUI_THEME_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

enum role {
	ROLE_TEXT,
	ROLE_DIM,	  /* secondary: labels, ages, what is unknown */
	ROLE_BRAND,
	ROLE_TAB,
	ROLE_TAB_ON,
	ROLE_BORDER,
	ROLE_TITLE,
	ROLE_HEADER,	  /* column titles */
	ROLE_HEADER_SORT, /* … of the one sorted by */
	ROLE_SELECTED,	  /* background of the row the keys act on */
	ROLE_SELECTED_OFF,/* … in a pane that does not have the keys */
	ROLE_MARKED,
	ROLE_KEY,	  /* a key that can be pressed */
	ROLE_HINT,	  /* what it does */
	ROLE_MONEY,
	ROLE_BEST,	  /* the cheapest */
	ROLE_GOOD,	  /* up, done */
	ROLE_BUSY,	  /* on its way */
	ROLE_WARN,
	ROLE_BAD,
	ROLE_INPUT,	  /* a field being typed in */
	ROLE_MATCH,	  /* what was searched for */
	ROLE_MATCH_ON,	  /* … the one the cursor is at */
	ROLE_BUTTON,
	ROLE_BUTTON_ON,
	ROLE_DIALOG,	  /* ground of what lies over the view */
	ROLE_TOAST,
	ROLE_TOAST_BAD,
	ROLE_CHART,
	ROLE_ANSI,	  /* ROLE_ANSI + 0…15: colours that a log brings along */
	ROLES = ROLE_ANSI + 16
};

enum { ATTR_BOLD = 1, ATTR_DIM = 2, ATTR_UNDERLINE = 4, ATTR_REVERSE = 8, ATTR_ITALIC = 16 };

/* THEME_DEFAULT: the terminal's own foreground or background. Colours are 0…255, or THEME_RGB + 0xrrggbb. */
enum { THEME_DEFAULT = -1, THEME_RGB = 1 << 24 };

/* Terminals with more colours than this take 0xrrggbb for one. */
enum { THEME_DIRECT = 1 << 16 };

struct theme_style {
	int32_t fg, bg;
	uint8_t attrs;
};

struct theme {
	struct theme_style styles[ROLES];
};

/* The one built in, also what themes/default.yaml says. Uses the terminal's 16 colours only. */
void theme_builtin(struct theme *t);
/* By name: NULL or "default" or another from the themes folder, or a path (with a slash). As theme_load. */
int theme_find(struct theme *t, const char *name, struct err *err);
/* Read a theme file over the built-in one. On failure *t is as theme_builtin leaves it. Blocks on the disk. */
int theme_load(struct theme *t, const char *path, struct err *err);
/* The same from text; `file` is its name for messages. */
int theme_parse(struct theme *t, const char *text, size_t len, const char *file, struct err *err);
/* What a terminal of so many colours can show of it: 256 nearest of those, 8 or 16 nearest, below (or mono) attributes only.
 * Past THEME_DIRECT colours become plain 0xrrggbb, but for the first eight. */
void theme_reduce(struct theme *t, int colors);

/* The nearest of the 256 colours (of 16…255: the first sixteen are whatever the person has set them to). */
int32_t theme_nearest(unsigned rgb);
/* Of any colour but THEME_DEFAULT; of the first sixteen as xterm has them. */
unsigned theme_rgb(int32_t color);

/* As theme files call it: "bad", "ansi-red". */
const char *theme_role_name(enum role role);
/* Names of the themes there are, the person's own included, in order, each once; *n of them. Freed by theme_names_free. Blocks on the
 * disk. */
char **theme_names(size_t *n);
void theme_names_free(char **names, size_t n);

#endif
