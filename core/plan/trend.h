/* Prices over time, from the changes the catalog keeps: what stood in each part of a span, the least, the most and the last of it. Pure. */
#ifndef CORE_PLAN_TREND_H
#define CORE_PLAN_TREND_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/model/offer.h"

/* uUSD an hour. Without a value that is known (n_known 0) the others mean nothing. */
struct trend {
	int64_t low, high, last; /* last: -1 where the price is not known at the end */
	size_t n_known;
};

/* The span from..to in n equal parts; values receives what stood at the end of each, -1 where that is not known. changes: oldest first;
 * an offer whose price never moved has none, and so no course. spot: of the spot price. */
struct trend trend_of(const struct price_point *changes, size_t n_changes, bool spot, int64_t from_ms, int64_t to_ms, int64_t *values, size_t n);

#endif
