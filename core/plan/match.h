/* Requirements against types, places and rows of offers: what fits what. */
#ifndef CORE_PLAN_MATCH_H
#define CORE_PLAN_MATCH_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/model/task.h"
#include "core/plan/market.h"

/* Requirements that can be dropped one by one, to find out which of them excludes everything. */
enum relax {
	RELAX_NONE,
	RELAX_SPOT, /* on demand in place of spot */
	RELAX_PRICE_CAP,
	RELAX_CLOUD,   /* any enabled cloud in place of the one named */
	RELAX_ENABLED, /* any cloud, enabled or not */
	RELAX_REGION,  /* region and zone */
	RELAX_ZONE,
	RELAX_INSTANCE,
	RELAX_CPUS,
	RELAX_MEMORY,
	RELAX_COUNT,	/* any number of the accelerator that is at least the one asked for */
	RELAX_FEATURES, /* also clouds that lack something: of use to say which */
	RELAX_LOCAL_DISK,
	RELAX_NODES, /* one node in place of several */
	RELAXATIONS
};

/* One alternative of a task, made ready to be compared with offers. */
struct want {
	const struct resources *r;
	const char *cloud, *region, *zone; /* NULL: any; cloud may follow from region or instance type */
	const char *accelerator;	   /* canonical, or adopted from what is offered; NULL: none asked for */
	int64_t count_lo_micro, count_hi_micro;
	unsigned features;
	bool use_spot;
	int64_t num_nodes;
	int64_t cap_uusd_h; /* PRICE_UNKNOWN: none */
	enum relax relax;
};

/* INVALID where the request itself does not say enough: a region or an instance type that several enabled clouds have,
 * an accelerator's name that may mean several, a machine's image without a cloud. Text says what to write. */
int want_make(const struct market *m, const struct task *t, const struct resources *r, enum relax relax,
    struct want *out, struct err *err);

/* What a type is to a request. Machines with accelerators fit a request without only if nothing else does. */
enum fit { FIT_NO, FIT_YES, FIT_WITH_ACCELERATOR };
enum fit want_type(const struct want *w, const struct offer_type *t);
/* May the request go to this cloud at all? False: *lacking (may be NULL) has the features that are missing, 0 when it
 * was not meant or is not enabled. */
bool want_provider(const struct want *w, const struct market_provider *p, unsigned *lacking);
bool want_place(const struct want *w, const struct offer_place *p);

#endif
