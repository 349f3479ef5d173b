/* How a request goes on: its steps with how long each took, the places that were tried and why they failed, what is under way now and
 * what is still to come. */
#ifndef TUI_CHECKLIST_H
#define TUI_CHECKLIST_H
#include <stdint.h>

#include "tui/canvas.h"
#include "tui/source.h"

struct app;

/* Newest known request of that id; NULL. */
const struct ui_request *checklist_request(const struct app *a, int64_t id);
/* What it does now, in words: its progress, or the title of its step. Borrowed. */
const char *checklist_now(const struct ui_request *q);
/* The lines of it, as many as there is room for: the last ones where there is not enough. */
void checklist_draw(const struct app *a, struct canvas *c, struct rect r, const struct ui_request *q);
/* How many lines that takes. */
int checklist_lines(const struct app *a, int width, const struct ui_request *q);
/* Watch an order that was just sent (its ticket), over the view. It goes on when that is closed. */
void checklist_open(struct app *a, unsigned ticket, const char *what);
/* Ask before a request is stopped. */
void checklist_ask_cancel(struct app *a, const struct ui_request *q);

#endif
