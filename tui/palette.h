/* What lies over every view: the list of actions, help, messages; and the frame around the view. */
#ifndef TUI_PALETTE_H
#define TUI_PALETTE_H
#include <stddef.h>

#include "tui/action.h"

struct app;
struct canvas;

/* Every action by name; those that cannot be done now say why. */
void palette_open(struct app *a);
/* Every key of this view; choosing one does it. */
void palette_help(struct app *a);
/* What was said and ordered, newest last. */
void palette_messages(struct app *a);
/* Choose a theme. */
void palette_themes(struct app *a);
/* Choose what to copy of what is selected. */
void palette_copy(struct app *a);

/* Top line, title, view, footer, notices and what lies over them. */
void frame_draw(struct app *a, struct canvas *c);
/* The action whose key the footer shows there; ACTION_NONE. */
enum action frame_action_at(const struct app *a, int x, int y);
/* The view whose name is at this column of the top line; SIZE_MAX. */
size_t frame_tab_at(const struct app *a, int x);

#endif
