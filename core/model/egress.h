/* What clouds charge for data that leaves a region. Filled by core/store/catalog.c, read by core/plan. */
#ifndef CORE_MODEL_EGRESS_H
#define CORE_MODEL_EGRESS_H
#include <stddef.h>
#include <stdint.h>

/* One step of a tariff. Volumes are a month's, in GB (10^9 bytes); the price is for each GB within the step. */
struct egress_price {
	const char *cloud;
	const char *src_region;	    /* "*": every region of the cloud */
	const char *dst;	    /* a region of the same cloud, or "internet"; other words: a part of the world */
	int64_t from_gb, to_gb;	    /* [from, to); to -1: no end */
	int64_t price_uusd_per_gb;
	const char *source;
	int64_t as_of_ms;	    /* 0: unknown */
};

struct egress_table {
	const struct egress_price *rows; /* sorted by cloud, src_region, dst, from_gb */
	size_t n;
};

#endif
