/* Blocks by hash. A failover may gather hundreds of blocks while tens of thousands of offers are looked at. Blocks are
 * grouped by which members they set (zone blocks, region blocks, …: few groups); each group is a hash set of the
 * members' values, so that an offer costs one look-up a group. */
#include "core/plan/block.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/model/accelerator.h"
#include "core/plan/market.h"

enum {
	HAS_PROVIDER = 1,
	HAS_INSTANCE = 2,
	HAS_REGION = 4,
	HAS_ZONE = 8,
	HAS_ACCELERATOR = 16,
	HAS_SPOT = 32,
	SHAPES = 64
};

struct slot {
	const struct block *block; /* NULL: free */
	uint32_t hash;
};

struct group {
	unsigned shape;
	struct slot *slots;
	size_t n_slots; /* a power of two */
};

struct block_set {
	struct group groups[SHAPES];
	size_t n_groups;
};

static unsigned shape_of(const struct block *b)
{
	return (b->provider ? HAS_PROVIDER : 0) | (b->instance_type ? HAS_INSTANCE : 0) | (b->region ? HAS_REGION : 0) |
	       (b->zone ? HAS_ZONE : 0) | (b->accelerator ? HAS_ACCELERATOR : 0) | (b->use_spot >= 0 ? HAS_SPOT : 0);
}

static uint32_t mix(uint32_t h, uint32_t v)
{
	h = (h ^ v) * 2654435761u;
	return h ^ h >> 15;
}

static uint32_t subject_hash(unsigned shape, const struct block_subject *o)
{
	uint32_t h = shape;
	if (shape & HAS_PROVIDER)
		h = mix(h, o->provider_hash);
	if (shape & HAS_INSTANCE)
		h = mix(h, o->instance_hash);
	if (shape & HAS_REGION)
		h = mix(h, o->region_hash);
	if (shape & HAS_ZONE)
		h = mix(h, o->zone_hash);
	if (shape & HAS_ACCELERATOR)
		h = mix(h, o->accelerator_hash);
	if (shape & HAS_SPOT)
		h = mix(h, o->use_spot);
	return h;
}

static uint32_t hash_or_0(const char *s)
{
	return s ? market_hash_text(s) : 0;
}

static uint32_t block_hash(unsigned shape, const struct block *b)
{
	struct block_subject o = {.provider_hash = hash_or_0(b->provider),
	    .instance_hash = hash_or_0(b->instance_type),
	    .region_hash = hash_or_0(b->region),
	    .zone_hash = hash_or_0(b->zone),
	    .accelerator_hash = hash_or_0(b->accelerator),
	    .use_spot = b->use_spot == 1};
	return subject_hash(shape, &o);
}

static bool is(const char *wanted, const char *has)
{
	return !wanted || !strcmp(wanted, has);
}

static bool block_matches(const struct block *b, const struct block_subject *o)
{
	return is(b->provider, o->provider) && is(b->instance_type, o->instance_type) && is(b->region, o->region) &&
	       is(b->zone, o->zone) && is(b->accelerator, o->accelerator) &&
	       (b->use_spot < 0 || (b->use_spot == 1) == o->use_spot);
}

static void group_add(struct group *g, const struct block *b)
{
	uint32_t hash = block_hash(g->shape, b);
	size_t at = hash & (g->n_slots - 1);
	while (g->slots[at].block)
		at = (at + 1) & (g->n_slots - 1);
	g->slots[at] = (struct slot){b, hash};
}

struct block_set *block_set_create(const struct block *blocks, size_t n, int64_t now_ms)
{
	struct block_set *s = xcalloc(1, sizeof *s);
	size_t count[SHAPES] = {0}, group[SHAPES];
	for (size_t i = 0; i < n; i++)
		count[shape_of(&blocks[i])]++;
	for (unsigned shape = 0; shape < SHAPES; shape++) {
		if (!count[shape])
			continue;
		group[shape] = s->n_groups;
		struct group *g = &s->groups[s->n_groups++];
		*g = (struct group){.shape = shape, .n_slots = 4};
		while (g->n_slots < 2 * count[shape])
			g->n_slots *= 2;
		g->slots = xcalloc(g->n_slots, sizeof *g->slots);
	}
	for (size_t i = 0; i < n; i++)
		if (!blocks[i].expiry_at_ms || blocks[i].expiry_at_ms > now_ms)
			group_add(&s->groups[group[shape_of(&blocks[i])]], &blocks[i]);
	return s;
}

void block_set_destroy(struct block_set *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_groups; i++)
		free(s->groups[i].slots);
	free(s);
}

bool block_set_is_empty(const struct block_set *s)
{
	return !s || !s->n_groups;
}

bool block_set_hits(const struct block_set *s, const struct block_subject *o)
{
	for (size_t i = 0; s && i < s->n_groups; i++) {
		const struct group *g = &s->groups[i];
		uint32_t hash = subject_hash(g->shape, o);
		for (size_t at = hash & (g->n_slots - 1); g->slots[at].block; at = (at + 1) & (g->n_slots - 1))
			if (g->slots[at].hash == hash && block_matches(g->slots[at].block, o))
				return true;
	}
	return false;
}

static int spot_of(const json_t *b)
{
	const json_t *v = json_object_get(b, "use_spot");
	return json_is_boolean(v) ? json_is_true(v) : -1;
}

size_t blocks_of_json(struct arena *a, const json_t *list, struct block **out)
{
	size_t n = json_array_size(list), k = 0;
	struct block *v = arena_alloc(a, (n + 1) * sizeof *v);
	for (size_t i = 0; i < n; i++) {
		const json_t *b = json_array_get(list, i);
		const char *accelerator = json_str(b, "accelerator", NULL);
		if (!json_is_object(b))
			continue;
		v[k++] = (struct block){arena_strdup(a, json_str(b, "provider", NULL)),
		    arena_strdup(a, json_str(b, "instance_type", NULL)), arena_strdup(a, json_str(b, "region", NULL)),
		    arena_strdup(a, json_str(b, "zone", NULL)),
		    arena_strdup(a, accelerator ? accelerator_canonical(accelerator) : NULL), spot_of(b),
		    json_int(b, "until", 0)};
	}
	*out = v;
	return k;
}

/* ---- what a refusal says ------------------------------------------------------------------------------------------- */

struct block block_of_refusal(const struct block *tried, enum err_scope scope)
{
	struct block b = *tried;
	b.accelerator = NULL; /* the machine's name says it */
	switch (scope) {
	case ERR_SCOPE_CLOUD:
		return (struct block){.provider = b.provider, .use_spot = -1};
	case ERR_SCOPE_REGION_ALL:
		return (struct block){.provider = b.provider, .region = b.region, .use_spot = -1};
	case ERR_SCOPE_REGION:
		b.zone = NULL;
		return b;
	case ERR_SCOPE_PLACE:
	case ERR_SCOPE_TASK:
		return b;
	}
	return b;
}

enum err_scope block_scope(const struct err *err)
{
	if (err->scope != ERR_SCOPE_PLACE)
		return err->scope;
	switch ((int)err->code) {
	case ERR_CREDENTIALS: /* of an account, wherever */
	case ERR_UNSUPPORTED:
		return ERR_SCOPE_CLOUD;
	default:
		return ERR_SCOPE_PLACE;
	}
}

enum { MINUTE_MS = 60000 };

/* Capacity comes and goes. Who is told what his account may not do mends that and tries again: a block would be in his way. */
int64_t block_lifetime_ms(enum err_code code)
{
	switch ((int)code) {
	case ERR_CREDENTIALS:
	case ERR_INVALID:
		return 0;
	case ERR_THROTTLED:
	case ERR_NETWORK:
	case ERR_TIMEOUT:
		return MINUTE_MS;
	default:
		return 5 * MINUTE_MS;
	}
}
