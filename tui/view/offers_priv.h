/* What the offers' view keeps, shared by its files: offers.c (filter, order, keys), offers_rows.c (cells), offers_flash.c (what has
 * just changed), offers_saved.c (filters with names). */
#ifndef TUI_VIEW_OFFERS_PRIV_H
#define TUI_VIEW_OFFERS_PRIV_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/plan/filter.h"
#include "core/plan/order.h"
#include "tui/grid.h"
#include "tui/query.h"
#include "tui/view/list.h"

/* Columns, flat and by kind of GPU. */
enum { GPU, COUNT, CLOUD, INSTANCE, REGION, VCPU, RAM, PRICE, PER_GPU, SPOT, SAVE, RECLAIM, AVAIL, WEEK, AGE, SOURCE };
enum { G_GPU, G_MEM, G_COUNTS, G_OFFERS, G_CLOUDS, G_PER_GPU, G_CLOUD, G_SPOT, G_SPOT_CLOUD };

/* An offer as it was drawn. */
enum { OFFER_PRICE_CHANGED = 1, OFFER_SPOT_CHANGED = 2, OFFERS_SEEN_MAX = 128 };
struct offer_seen {
	uint32_t id;
	int64_t price_uusd_h, spot_uusd_h;
	unsigned changed; /* OFFER_…_CHANGED */
};

struct offers_state {
	struct app *app;
	struct query query;
	struct filter *filter;	/* the last one that could be compiled */
	char problem[300];	/* what is wrong with the query; "" */
	struct offer_list list;
	bool partly_sorted, shown_partly; /* the list is in order only as far as the first screens go; and has been drawn so */
	int64_t best_per_gpu;	/* among the list */
	bool grouped, details;
	char *group_query; /* the filter of the groups from which one was entered: Esc leads back there; NULL */
	struct offer_group *groups;
	size_t n_groups;
	uint32_t *group_order;
	struct grid grid, group_grid;
	struct offer_seen seen_rows[OFFERS_SEEN_MAX], flash[OFFERS_SEEN_MAX];
	size_t n_seen, n_flash;
	int64_t flash_until_ms;
	char saved_problem[300]; /* why a filter could not be saved */
	bool forgetting;	 /* the menu of saved filters is for that */
	struct sorter sorter;
	unsigned seen; /* revision of the prices all this was computed from */
};

/* The catalog's table. */
const struct offers *offers_table(const struct offers_state *v);
void offers_init_grids(struct offers_state *v);
struct grid_rows offers_flat_rows(struct offers_state *v);
struct grid_rows offers_group_rows(struct offers_state *v);
/* How wide the names of the list are, as it is ordered: for the columns. */
void offers_measure(struct offers_state *v);
const struct offer_group *offers_group_at(const struct offers_state *v, size_t row);
/* Make the permutation by the group grid's column; names where equal, unknown last. */
void offers_sort_groups(struct offers_state *v);
/* The menu of filters with names (offers_saved.c). */
void offers_saved_open(struct offers_state *v);
/* What is on the screen now; then, over another table, what of it has changed (offers_flash.c). */
void offers_remember(struct offers_state *v);
void offers_compare_seen(struct offers_state *v);
/* OFFER_…_CHANGED: it has just changed. */
unsigned offers_changed(const struct offers_state *v, uint32_t id);

#endif
