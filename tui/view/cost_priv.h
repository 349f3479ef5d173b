/* What the view of costs keeps, shared by its files: cost.c (the panel, keys), cost_rows.c (the cells of its table). */
#ifndef TUI_VIEW_COST_PRIV_H
#define TUI_VIEW_COST_PRIV_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/cost.h"
#include "tui/grid.h"
#include "tui/view/list.h"

struct app;

struct cost_state {
	struct app *app;
	enum cost_by by;
	bool changes;	     /* the list of changes is shown instead of the table */
	size_t *order;	     /* indices into the report's rows */
	size_t n;
	struct grid grid;    /* of clusters, */
	struct grid groups;  /* … and of clouds, projects, users */
	int64_t asked_ms;    /* when a report was last asked for */
	int64_t snap_at_ms;  /* the engine's snapshot it was asked for */
	int64_t event_id;    /* the newest event that was looked at */
	bool saw_events;
	struct sorter sorter;
};

/* NULL until there is one. */
const struct ui_cost *cost_report(const struct cost_state *v);
struct grid *cost_grid(struct cost_state *v);
void cost_init_grids(struct cost_state *v);
struct grid_rows cost_rows(struct cost_state *v);
/* Rows in the order of the grid's column; without one as the engine has them: the wasteful first. */
void cost_remake(struct cost_state *v);

/* Ask how much a month may cost (cost_budget.c). */
void cost_ask_budget(struct cost_state *v);
/* The row that is selected; NULL: there is none. */
const struct cost_row *cost_selected(const struct cost_state *v);

/* "12.48", "12.48+" where there is more at an unknown price, "–" where nothing is known, in front "~" when estimated. buf ≥ 40. */
const char *cost_text(struct cost_figure f, bool estimated, char *buf, size_t size);

#endif
