/* The screen as lines of text, for screen readers, dumb terminals and pipes: no cursor addressing, no boxes, no colours. */
#ifndef TUI_PLAIN_H
#define TUI_PLAIN_H
#include "core/base/clock.h"
#include "core/io/loop.h"
#include "tui/app.h"

struct plain;

/* Print what the app shows, then read lines from fd 0 and print what changes, until the loop ends. A line is keys by name ("j", "G D",
 * "Enter"), the name of an action ("launch", "clusters"), or 'text to be typed. clock NULL: the system's. */
struct plain *plain_create(struct loop *l, struct app *a, const struct clock *clock);
void plain_destroy(struct plain *p); /* NULL is fine */
/* Before each sleep: print what has changed, and do what the app asks of its rim. */
void plain_turn(struct plain *p);

#endif
