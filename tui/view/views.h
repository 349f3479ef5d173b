/* The views there are, and what one asks of another. */
#ifndef TUI_VIEW_VIEWS_H
#define TUI_VIEW_VIEWS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/model/offer.h"
#include "tui/view.h"

extern const struct view_ops offers_view, clusters_view, jobs_view, managed_view, services_view, logs_view, cost_view, metrics_view,
    activity_view, recipes_view;

/* One thing more to be copied, after the n there are, while there is room and the text is not ""; how many there are then. */
size_t view_copy_add(struct view_copy *out, size_t n, const char *what, const char *text);
/* "skytop logs train": the words, and the argument as a shell takes it; arena's. */
const char *view_command(struct arena *arena, const char *words, const char *arg);
/* What can be copied of what is selected: view_ops.copies. */
size_t offers_copies(void *v, const struct app *a, struct arena *arena, struct view_copy out[VIEW_COPIES_MAX]);
size_t clusters_copies(void *v, const struct app *a, struct arena *arena, struct view_copy out[VIEW_COPIES_MAX]);
/* Is there a cluster of that name now? */
bool clusters_has(const struct app *a, const char *name);
/* Select it there, if it is there. */
void clusters_point_at(struct app *a, const char *name);
/* Go to it in Clusters, with its details; and to those that a filter lets through. */
void clusters_go_to(struct app *a, const char *name);
void clusters_show(struct app *a, const char *filter);
/* The list of offers stands still, since somebody has his hand on it: a key a moment ago, a filter being typed, marks, a menu. New
 * prices wait meanwhile. */
bool offers_hold(const struct app *a);
/* Set the filter of the offers. NULL, or what is wrong with it (then the one before goes on); borrowed. */
const char *offers_set_filter(struct app *a, const char *text);
/* Go to the log of a job (-1: the newest) and follow it: in the pane that has it, else in the focused one, or in a new one. */
void logs_follow(struct app *a, const char *cluster, int64_t job_id, bool new_pane);
/* Go to how a request (a launch) goes on. */
void logs_follow_request(struct app *a, const char *cluster, int64_t request_id);
/* Ask what to launch; row SIZE_MAX: anywhere, else on this offer. */
void launch_form(struct app *a, const struct offers *o, size_t row);
/* The same, anywhere, with a task file. */
void launch_form_file(struct app *a, const char *path);
/* "skytop launch --infra … TASK.yaml": what launches there, as a shell takes it; arena's. */
const char *offer_launch_command(struct arena *arena, const struct offer_type *t, const struct offer_place *p);
/* Several offers side by side, as many as fit. */
void offer_compare_draw(struct app *a, struct canvas *c, struct rect r, const size_t *rows, size_t n);
/* "5–10%": how much of this is taken back in a month; "—" unknown. */
const char *offer_reclaim_text(unsigned reclaim);
/* yes, low, no; "—" unknown. */
const char *offer_avail_text(unsigned available);
/* Everything known about an offer; rank: its place among n by price per accelerator, 0 unknown. */
void offer_details_draw(struct app *a, struct canvas *c, struct rect r, size_t row, size_t rank, size_t n);

#endif
