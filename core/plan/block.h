/* What failed where, until when: a plan leaves it out. */
#ifndef CORE_PLAN_BLOCK_H
#define CORE_PLAN_BLOCK_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/mem.h"

/* An offer is blocked when it equals every member that is set. */
struct block {
	const char *provider, *instance_type, *region, *zone, *accelerator; /* NULL: any */
	int use_spot;							    /* -1: either, 0: on demand, 1: spot */
	int64_t expiry_at_ms;						    /* 0: never */
};

/* An offer about to be used in one way, and the hashes (market_hash_text) of its names. */
struct block_subject {
	const char *provider, *instance_type, *region, *zone, *accelerator; /* none is NULL; "" stands for none */
	uint32_t provider_hash, instance_hash, region_hash, zone_hash, accelerator_hash;
	bool use_spot;
};

/* Blocks made ready to be asked many times. The strings of the blocks are borrowed. */
struct block_set;
struct block_set *block_set_create(const struct block *blocks, size_t n, int64_t now_ms);
void block_set_destroy(struct block_set *s); /* NULL is fine */
bool block_set_is_empty(const struct block_set *s);
/* Takes as many steps as there are different sets of members among the blocks, however many blocks there are. */
bool block_set_hits(const struct block_set *s, const struct block_subject *o);

/* What a refusal says about other places: of the place that was tried (all that is known of it set), what it holds for; for how long is
 * block_lifetime_ms. ERR_SCOPE_TASK blocks nothing but what was tried: who tries ends. Strings are the caller's. Pure. */
struct block block_of_refusal(const struct block *tried, enum err_scope scope);
/* How far an error reaches: what its provider said, and where it said nothing in particular, what its code means. */
enum err_scope block_scope(const struct err *err);
/* How long a refusal of this kind is believed by launches that come; 0: only by the one that met it. */
int64_t block_lifetime_ms(enum err_code code);

/* From JSON as state.db keeps them: [{provider, region, zone, instance_type, accelerator, use_spot, until}…]; members
 * that are null or absent match anything. Returns how many; *out is the arena's, as are the strings. */
size_t blocks_of_json(struct arena *a, const json_t *list, struct block **out);

#endif
