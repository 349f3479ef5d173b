/* What the view of costs keeps, shared by its files: cost.c (the panel, keys), cost_rows.c (the cells of its table), cost_details.c. */
#ifndef TUI_VIEW_COST_PRIV_H
#define TUI_VIEW_COST_PRIV_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/cost.h"
#include "tui/view/list.h"

struct app;

struct cost_state {
	struct app *app;
	enum cost_by by;
	bool changes;	     /* the list of changes is shown instead of the table */
	bool details;	     /* of the cluster that is selected, beside or below the table */
	struct list clusters;
	struct list groups;  /* of clouds, projects, users */
	int64_t asked_ms;    /* when a report was last asked for */
	int64_t snap_at_ms;  /* the engine's snapshot it was asked for */
	int64_t event_id;    /* the newest event that was looked at */
	bool saw_events;
};

/* NULL until there is one. */
const struct ui_cost *cost_report(const struct cost_state *v);
/* The one that is shown. */
struct list *cost_list(struct cost_state *v);
void cost_init_lists(struct cost_state *v);

/* Everything that is known of a cluster's costs, which may be gone (cost_details.c). */
void cost_details_draw(const struct cost_state *v, struct canvas *c, struct rect r, const struct cost_row *row);
/* Neither runs nor is stopped: it is only history. */
bool cost_is_gone(const struct cost_row *r);
/* Ask how much a month may cost (cost_budget.c). */
void cost_ask_budget(struct cost_state *v);
/* The row that is selected; NULL: there is none. */
const struct cost_row *cost_selected(const struct cost_state *v);

/* "12.48", "12.48+" where there is more at an unknown price, "–" where nothing is known, in front "~" when estimated. buf ≥ 40. */
const char *cost_text(struct cost_figure f, bool estimated, char *buf, size_t size);
/* "$12.48", "~$12.48+": as within a sentence. buf ≥ 40. */
const char *cost_dollars(struct cost_figure f, bool estimated, char *buf, size_t size);

#endif
