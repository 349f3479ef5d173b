/* What stands beside or below a list: everything known about one item, as labelled lines. */
#ifndef TUI_VIEW_DETAILS_H
#define TUI_VIEW_DETAILS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/canvas.h"
#include "tui/source.h"

struct app;

/* Divide the body for a list of so many lines, titles included: *list is empty when the details stand in its place. Draws the line between
 * them; returns where they go. */
struct rect details_split(struct canvas *c, struct rect body, struct rect *list, size_t lines);
/* One line cut off *r: "cost      $3.20/h". Nothing when the text is "" . */
void details_line(struct canvas *c, struct rect *r, const char *label, enum role role, const char *text);
/* An address. */
void details_link(struct canvas *c, struct rect *r, const char *label, const char *url);
/* The same, as many lines as the text takes. */
void details_text(struct canvas *c, struct rect *r, const char *label, enum role role, const char *text);
/* A heading, when there is room for it and a line more; false: there is not. */
bool details_heading(struct canvas *c, struct rect *r, const char *text);
/* "3 h ago, 2026-11-25 09:00:12 UTC"; "" for 0. buf ≥ 80. */
const char *details_time(int64_t at_ms, int64_t now_ms, char *buf, size_t size);
/* The newest events that `wanted` (NULL: all) wants, newest first, in what is left. */
void details_events(const struct app *a, struct canvas *c, struct rect r, bool (*wanted)(const struct ui_event *e, const void *arg), const void *arg);

#endif
