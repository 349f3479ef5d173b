/* How `skytop offers` shows what it found: tables, CSV, JSON, and the notes on where the figures are from. */
#ifndef TUI_CLI_OFFERS_PRINT_H
#define TUI_CLI_OFFERS_PRINT_H
#include "core/plan/filter.h"
#include "core/plan/order.h"
#include "core/store/catalog.h"
#include "tui/cli/cli.h"

/* How much of an instance type is shown: its cheapest offer, the cheapest of each region, or all. */
enum fold { FOLD_TYPE, FOLD_REGION, FOLD_NONE };

struct listing {
	struct cli *c;
	struct catalog *catalog;
	struct arena *arena;	/* for offers that are in no catalog */
	const struct offers *o;
	struct filter *filter;
	struct offer_list rows; /* what is shown, in order */
	size_t matched;		/* offers that fit, before folding and the limit */
	bool tells_stock;	/* of one of them it is known whether it is free now: that is shown */
	bool spot;		/* sorted and folded by the spot price */
	enum fold fold;
	bool verbose;		/* also who says each price, how long ago, and its course */
	int64_t now_ms;
};

/* The first `shown` of the rows, as the options ask. Returns the exit status. */
int offers_print_rows(const struct listing *s, size_t shown);
/* One line an accelerator; unless all, only the common ones. Returns the exit status. */
int offers_print_groups(struct listing *s, bool all);

#endif
