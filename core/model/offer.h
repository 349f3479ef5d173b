/* Offers: what clouds sell, at what price, where. A table in memory, small enough to be scanned whole: 140,000 offers
 * are 4.5 MB, and a scan of it takes less than a millisecond. Filled by core/store/catalog.c, read by core/plan and tui. */
#ifndef CORE_MODEL_OFFER_H
#define CORE_MODEL_OFFER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/base/num.h"

enum availability { AVAILABLE_UNKNOWN, AVAILABLE_YES, AVAILABLE_LOW, AVAILABLE_NO };
enum { RECLAIM_UNKNOWN = 255 };
/* A bit of the ids of offers that were just asked for; those of a catalog are below it. */
#define OFFER_LIVE UINT32_C(0x80000000)

/* One instance type of one provider. Where an accelerator is attached to a separately priced host (Google's N1), the
 * pair is a type of its own. -1 means unknown in every number here. */
struct offer_type {
	const char *provider;	   /* "aws": lower case */
	const char *instance_type; /* may be "" (a TPU) */
	const char *accelerator;   /* canonical name; NULL: none */
	const char *arch;	   /* "x86_64", "arm64"; NULL: unknown */
	int64_t accel_count_micro; /* millionths: fractions are sold; 0 without accelerator */
	int64_t gpu_mem_mib;	   /* of one accelerator */
	int64_t vcpus_micro;	   /* millionths */
	int64_t mem_mib;
};

struct offer_place {
	const char *provider;
	const char *region; /* "" where the provider has none */
	const char *zone;   /* "" where not told apart */
};

/* A region as people read it: of a marketplace's "city, country, continent" the city may be missing (", CN, AS"). Part of region. */
static inline const char *offer_region_text(const char *region)
{
	return region + strspn(region, ", ");
}

/* From then on an offer had these prices; PRICE_UNKNOWN. */
struct price_point {
	int64_t at_ms, price_uusd_h, spot_uusd_h;
};

struct offer_source {
	const char *name;     /* where the price is from, for people: "aws price list" */
	int64_t as_of_ms;     /* the day of the figures */
	bool as_of_known;
	bool spot_estimated;  /* spot prices of this source are estimates */
	bool stale;	      /* the last update of this source failed */
	bool live;	      /* just asked: of no catalog */
};

/* One row: a type at a place. Fixed size, no pointers: the array is stored and mapped as it is. Rows of one type are
 * neighbours. */
struct offer {
	int64_t price_uusd_h; /* on demand; PRICE_UNKNOWN */
	int64_t spot_uusd_h;  /* PRICE_UNKNOWN: not sold as spot, or not known */
	uint32_t type;
	uint32_t place;
	uint16_t source;
	uint8_t available; /* enum availability */
	uint8_t reclaim;   /* percent a month that is taken back, upper end of the band; RECLAIM_UNKNOWN */
	uint32_t id;	   /* stable key of (type, place): in catalog.db, for history; for keeping a selection. OFFER_LIVE: of no catalog */
};

struct offers {
	const struct offer *rows;
	size_t n_rows;
	const struct offer_type *types;
	size_t n_types;
	const struct offer_place *places;
	size_t n_places;
	const struct offer_source *sources;
	size_t n_sources;
};

#endif
