/* The door to the screen, for main: open it on a terminal, or print one view as text. */
#ifndef TUI_TUI_H
#define TUI_TUI_H
#include <stdbool.h>

#include "core/base/clock.h"
#include "core/io/loop.h"
#include "tui/source.h"

enum ui_color { UI_COLOR_AUTO, UI_COLOR_NEVER };

struct ui_options {
	/* Make the source, on the screen's loop; it belongs to the screen from then on. NULL: prices only, no engine. */
	struct ui_source *(*source_open)(struct loop *l, void *arg);
	void *arg;
	const char *view;	/* "offers", "cost" … or a prefix of one; NULL: the first */
	const char *filter;	/* for the offers; NULL: none */
	const char *theme;	/* "default": themes/default.yaml, or a path; NULL: as chosen last, else as config.yaml says */
	enum ui_color color;
	bool read_only;		/* nothing can be ordered */
	bool simulated;		/* the world is made up, and ends with the screen: said wherever it is shown */
	/* once: print the view to stdout and return; no terminal is needed. */
	bool once;
	/* plain: lines of text in and out instead of a screen; no terminal is needed. */
	bool plain;
	const char *layout;	/* file that keeps what the person has arranged; NULL: it is not kept */
	const char *self;	/* this program, for `ssh CLUSTER` */
	const struct clock *clock; /* NULL: the system's */
	int columns, rows;	/* of --once; 0: the terminal's, else 80×24 */
};

/* Run the screen until the user leaves. Blocks. The exit status: 0, 128+n after signal n, 2 when stdin or stdout is
 * no terminal or the terminal cannot show a screen (a message went to stderr). */
int tui_main(const struct ui_options *o);

/* Print the keys in force, the person's keys.yaml included, as a keys.yaml; its problems go to stderr. The exit status. */
int tui_dump_keys(void);
/* The same of the settings, as a config.yaml. */
int tui_dump_config(void);

#endif
