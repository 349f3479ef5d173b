/* Offers in order, by page, and by accelerator. Pure functions over the table of core/model/offer.h.
 * Unknown values come last whichever way one sorts; equal ones keep the order of the table. */
#ifndef CORE_PLAN_ORDER_H
#define CORE_PLAN_ORDER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/model/offer.h"

enum offer_key {
	OFFER_BY_NONE,	   /* table order */
	OFFER_BY_PRICE,	   /* on demand, the whole machine */
	OFFER_BY_SPOT,
	OFFER_BY_PER_GPU,  /* on-demand price of one accelerator; unknown where there is none */
	OFFER_BY_SPOT_PER_GPU,
	OFFER_BY_GPU,	   /* name */
	OFFER_BY_COUNT,
	OFFER_BY_GPU_MEM,
	OFFER_BY_CLOUD,
	OFFER_BY_INSTANCE,
	OFFER_BY_REGION,   /* then zone */
	OFFER_BY_VCPU,
	OFFER_BY_RAM,
	OFFER_BY_SAVING,   /* of spot against on demand, in millionths */
	OFFER_BY_RECLAIM,
	OFFER_BY_AVAIL,
	OFFER_KEYS
};

enum { ORDER_MAX = 3 };
struct offer_order {
	struct {
		enum offer_key key;
		bool descending;
	} by[ORDER_MAX];
	size_t n;
};

/* "price": what is written for --sort and in the config; never NULL. */
const char *offer_key_name(enum offer_key key);
/* "pergpu", "-price" (descending), "gpu,price". ERR_USAGE names the nearest word. */
int offer_order_parse(const char *text, struct offer_order *out, struct err *err);

/* The number that a row is sorted by, and whether it is known. For text keys: 0, true. */
bool offer_value(const struct offers *o, size_t row, enum offer_key key, int64_t *value);
/* Price of one accelerator; PRICE_UNKNOWN where there is none, or its price or number is unknown. */
int64_t offer_per_gpu(const struct offers *o, size_t row, bool spot);

/* Sort the row indices. Radix on numbers: 140,000 rows in a few milliseconds. */
void offer_sort(const struct offers *o, const struct offer_order *order, uint32_t *rows, size_t n);
/* Bring what a full sort would put at [0, upto) there, in order; the rest follows in any order. For pages: cheaper than
 * a full sort while upto is small against n. */
void offer_sort_first(const struct offers *o, const struct offer_order *order, uint32_t *rows, size_t n, size_t upto);

#define OFFER_NONE UINT32_MAX
enum { GROUP_MAX_COUNTS = 32 };

/* All offers of one accelerator. */
struct offer_group {
	const char *accelerator; /* borrowed from the table; NULL: machines without */
	int64_t gpu_mem_mib;	 /* as its maker sells it, else the largest seen; -1 */
	size_t n_offers, n_clouds;
	uint32_t cheapest;	 /* row with the lowest on-demand price per accelerator, or OFFER_NONE */
	uint32_t cheapest_spot;	 /* the same for spot */
	int64_t per_gpu_uusd_h, spot_per_gpu_uusd_h; /* of those two; PRICE_UNKNOWN */
	int64_t counts_micro[GROUP_MAX_COUNTS];	     /* quantities sold, ascending */
	size_t n_counts;
};
/* Groups of the rows, by name. *out is allocated, the caller frees; returns how many. */
size_t offer_groups(const struct offers *o, const uint32_t *rows, size_t n, struct offer_group **out);

#endif
