/* Candidates: offers that fit a task, in the order in which they are tried. */
#ifndef CORE_PLAN_CANDIDATE_H
#define CORE_PLAN_CANDIDATE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/plan/block.h"
#include "core/plan/market.h"
#include "core/plan/match.h"

struct candidate {
	const struct offer *offer;
	const struct offer_type *type;
	const struct offer_place *place;
	const struct offer_source *source;
	const struct resources *asked; /* the alternative of the task that this is for */
	int64_t price_uusd_h;	       /* one node, in the way it is used */
	int64_t total_uusd_h;	       /* all nodes of the task */
	uint32_t alternative;	       /* index of `asked` */
	uint32_t region;	       /* market region */
	uint16_t provider;	       /* market provider */
	uint8_t tier;		       /* TIER_… */
	bool use_spot;
	bool any_zone; /* the cloud chooses a zone of the region */
	bool over_cap; /* above max_hourly_cost; only when asked to be shown */
};

/* Reasons to come after every candidate that has none of them, whatever the price. */
enum {
	TIER_NO_STOCK = 1 << 0,	   /* the cloud said that it has none left */
	TIER_ACCELERATOR = 1 << 1, /* has accelerators that were not asked for */
	TIER_LOCAL = 1 << 2,	   /* this machine, which was not asked for */
	TIER_OVER_CAP = 1 << 3,
};

struct candidates {
	struct candidate *v;
	size_t n, cap;
};
void candidates_free(struct candidates *c); /* leaves it empty, fit to be used again */

/* What happened on the way, for explanations. */
struct candidate_counts {
	size_t offers;	/* rows that fit, before blocks */
	size_t blocked; /* of these */
};

/* Append all offers that fit w, alternative number `alternative` of its task. In regions where a plan names no zone,
 * there is one candidate a region. show_over_cap: see plan_request. counts may be NULL; it is added to. */
void candidates_find(const struct market *m, const struct want *w, uint32_t alternative, const struct block_set *blocks,
    bool show_over_cap, struct candidates *out, struct candidate_counts *counts);

/* Tiers (of TIER_OVER_CAP, TIER_ACCELERATOR, TIER_LOCAL) that are there for when nothing else fits, and that something
 * else makes superfluous. What is over the cap gives way to all; machines with accelerators that nobody asked for give
 * way even to this machine. */
uint8_t candidates_last_resorts(const struct candidates *c);
/* Take out all that have one of these tiers. */
void candidates_drop(struct candidates *c, uint8_t tiers);

/* Put them in order: by alternative (only when `ordered`), tier, total; then the enabled cloud named first; the larger
 * machine (vCPUs, then memory); US regions where the cloud's row says so; then by name of machine, region, zone, and by
 * alternative. */
void candidates_rank(const struct market *m, struct candidates *c, bool ordered);

/* The cheapest one, by the same order; NULL when there is none. */
const struct candidate *candidates_first(const struct market *m, const struct candidates *c, bool ordered);

#endif
