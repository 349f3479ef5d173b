/* What the person has set and arranged: config.yaml, keys.yaml, the theme, and the layout kept from the last time. */
#ifndef TUI_LOOK_H
#define TUI_LOOK_H
#include <stdbool.h>

#include "tui/app.h"
#include "tui/theme.h"
#include "tui/tui.h"

struct look {
	const struct ui_options *o;
	bool ascii, title, clipboard, links; /* settings */
	char *config_theme, *theme_from; /* what config.yaml says, and where: "/…/config.yaml:2" */
	char *theme;		      /* the one in force: from --theme, the palette, the last time, or config.yaml */
	struct theme colors;	      /* … read; not reduced yet */
	char *kept;		      /* the layout as it was read or written last */
	char *problems, *theme_problem; /* what was said of the files when they were read last */
};

/* Read everything but the theme's colours into look and app; what is wrong is said in the app. */
void look_open(struct look *k, struct app *a, const struct ui_options *o);
void look_finish(struct look *k);
/* A file has changed: read settings and keys again. */
void look_reload(struct look *k, struct app *a);
/* Read the theme in force. What is wrong is said, and the built-in theme used. */
void look_read_theme(struct look *k, struct app *a);
/* Show another one from now on; kept for the next time. */
void look_choose_theme(struct look *k, const char *name);
/* Write the layout when it has changed. */
void look_keep(struct look *k, const struct app *a);
/* No colours: asked for, or NO_COLOR is set. */
bool look_is_mono(const struct look *k);

#endif
