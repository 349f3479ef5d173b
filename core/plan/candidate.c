/* From wants to candidates. Three passes: types (does this machine fit?), places (is this where it may be?), and the
 * rows, which are by far the most and are only asked two bytes and a price. */
#include "core/plan/candidate.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/str.h"

void candidates_free(struct candidates *c)
{
	free(c->v);
	*c = (struct candidates){0};
}

/* --- finding -------------------------------------------------------------------------------------------------------*/

struct finder {
	const struct market *m;
	const struct market_table *t;
	const struct want *w;
	const struct block_set *blocks;
	struct candidates *out;
	struct candidate_counts *counts;
	uint32_t *provider_hash; /* by provider; NULL without blocks */
	uint32_t alternative;
	bool show_over_cap;
	/* The type at hand: its first candidate, and the regions in which some of its rows are blocked. */
	uint32_t type;
	size_t type_start;
	uint32_t *blocked;
	size_t n_blocked, cap_blocked;
};

static bool names_zone(const struct finder *f, const struct market_provider *p)
{
	enum zone_use use = p->features->zones;
	return f->w->zone || use == ZONES_ALWAYS || (use == ZONES_SPOT && f->w->use_spot);
}

static bool is_blocked(const struct finder *f, const struct offer *o, uint32_t provider)
{
	if (block_set_is_empty(f->blocks))
		return false;
	const struct offer_type *t = &f->t->offers->types[o->type];
	const struct offer_place *p = &f->t->offers->places[o->place];
	struct block_subject s = {t->provider, t->instance_type, p->region, p->zone,
	    t->accelerator ? t->accelerator : "", f->provider_hash[provider], f->t->type_hash[o->type],
	    f->t->region_hash[o->place], f->t->zone_hash[o->place], f->t->accel_hash[o->type], f->w->use_spot};
	return block_set_hits(f->blocks, &s);
}

static int64_t times(int64_t price, int64_t n)
{
	int64_t total;
	return __builtin_mul_overflow(price, n, &total) ? INT64_MAX : total;
}

/* The candidate of this type in the same region that stands for all its zones; NULL. */
static struct candidate *same_region(const struct finder *f, uint32_t region)
{
	for (size_t i = f->type_start; i < f->out->n; i++)
		if (f->out->v[i].region == region)
			return &f->out->v[i];
	return NULL;
}

/* Rows of a type are neighbours. Where some zones of a region are blocked and others are not, the choice is no longer
 * the cloud's: the candidate is the zone that was found. */
static void next_type(struct finder *f, uint32_t type)
{
	for (size_t i = 0; i < f->n_blocked; i++) {
		struct candidate *c = same_region(f, f->blocked[i]);
		if (c)
			c->any_zone = false;
	}
	f->n_blocked = 0;
	f->type = type;
	f->type_start = f->out->n;
}

static uint8_t tier_of(const struct finder *f, const struct offer *o, enum fit fit, bool over_cap)
{
	const struct offer_type *t = &f->t->offers->types[o->type];
	bool local = !strcmp(t->provider, "local") && !f->w->r->cloud;
	return (uint8_t)((o->available == AVAILABLE_NO ? TIER_NO_STOCK : 0) |
			 (fit == FIT_WITH_ACCELERATOR ? TIER_ACCELERATOR : 0) | (local ? TIER_LOCAL : 0) |
			 (over_cap ? TIER_OVER_CAP : 0));
}

/* SkyPilot does not hold GPUs of Google to a price cap. A plan that is only looked at may show them, marked as over the
 * cap. */
static bool may_show_over_cap(const struct finder *f, const struct offer_type *t)
{
	return f->show_over_cap && f->w->accelerator && !strcmp(t->provider, "gcp");
}

static void take_row(struct finder *f, const struct offer *o, enum fit fit)
{
	const struct offers *all = f->t->offers;
	const struct want *w = f->w;
	int64_t price = w->use_spot ? o->spot_uusd_h : o->price_uusd_h;
	bool over_cap = w->cap_uusd_h != PRICE_UNKNOWN && price > w->cap_uusd_h;
	uint32_t provider = f->t->type_provider[o->type], region = f->t->place_region[o->place];
	if (price == PRICE_UNKNOWN || (over_cap && !may_show_over_cap(f, &all->types[o->type])))
		return;
	bool blocked = is_blocked(f, o, provider);
	if (f->counts) {
		f->counts->offers++;
		f->counts->blocked += blocked;
	}
	if (f->type != o->type)
		next_type(f, o->type);
	if (blocked) {
		ARRAY_GROW(f->blocked, f->n_blocked, f->cap_blocked);
		f->blocked[f->n_blocked++] = region;
		return;
	}
	struct candidate c = {o, &all->types[o->type], &all->places[o->place], &all->sources[o->source], w->r, price,
	    times(price, w->num_nodes), f->alternative, region, (uint16_t)provider, tier_of(f, o, fit, over_cap),
	    w->use_spot, !names_zone(f, &f->m->providers[provider]), over_cap};
	struct candidate *same = c.any_zone ? same_region(f, region) : NULL;
	if (!same) {
		ARRAY_GROW(f->out->v, f->out->n, f->out->cap);
		f->out->v[f->out->n++] = c;
	} else if (c.tier < same->tier || (c.tier == same->tier && c.price_uusd_h < same->price_uusd_h)) {
		*same = c;
	}
}

static void find_in_table(struct finder *f)
{
	const struct offers *o = f->t->offers;
	uint8_t *fits = xcalloc(o->n_types + 1, 1);
	bool *here = xcalloc(o->n_places + 1, sizeof *here),
	     *provider = xcalloc(f->m->n_providers + 1, sizeof *provider);
	for (size_t p = 0; p < f->m->n_providers; p++)
		provider[p] = want_provider(f->w, &f->m->providers[p], NULL);
	for (size_t i = 0; i < o->n_types; i++)
		if (f->t->type_provider[i] < f->m->n_providers && provider[f->t->type_provider[i]])
			fits[i] = (uint8_t)want_type(f->w, &o->types[i]);
	for (size_t i = 0; i < o->n_places; i++)
		here[i] = provider[f->m->regions[f->t->place_region[i]].provider] && want_place(f->w, &o->places[i]);
	next_type(f, UINT32_MAX);
	for (size_t i = 0; i < o->n_rows; i++)
		if (fits[o->rows[i].type] && here[o->rows[i].place])
			take_row(f, &o->rows[i], (enum fit)fits[o->rows[i].type]);
	next_type(f, UINT32_MAX);
	free(fits);
	free(here);
	free(provider);
}

void candidates_find(const struct market *m, const struct want *w, uint32_t alternative, const struct block_set *blocks,
    bool show_over_cap, struct candidates *out, struct candidate_counts *counts)
{
	struct finder f = {.m = m,
	    .w = w,
	    .blocks = blocks,
	    .out = out,
	    .counts = counts,
	    .alternative = alternative,
	    .show_over_cap = show_over_cap};
	if (!block_set_is_empty(blocks)) {
		f.provider_hash = xcalloc(m->n_providers + 1, sizeof *f.provider_hash);
		for (size_t p = 0; p < m->n_providers; p++)
			f.provider_hash[p] = market_hash_text(m->providers[p].name);
	}
	for (size_t i = 0; i < m->n_tables; i++) {
		f.t = &m->tables[i];
		find_in_table(&f);
	}
	free(f.provider_hash);
	free(f.blocked);
}

uint8_t candidates_last_resorts(const struct candidates *c)
{
	static const uint8_t bits[] = {TIER_OVER_CAP, TIER_ACCELERATOR, TIER_LOCAL};
	uint8_t out = 0;
	for (size_t b = 0; b < ARRAY_LEN(bits); b++) {
		size_t i = 0;
		while (i < c->n && c->v[i].tier & (out | bits[b]))
			i++;
		if (i < c->n)
			out |= bits[b];
	}
	return out;
}

void candidates_drop(struct candidates *c, uint8_t tiers)
{
	size_t n = 0;
	for (size_t i = 0; i < c->n; i++)
		if (!(c->v[i].tier & tiers))
			c->v[n++] = c->v[i];
	c->n = n;
}

/* --- ranking -------------------------------------------------------------------------------------------------------*/

/* What mostly decides, in one number each, so that sorting tens of thousands rarely looks further. */
struct rank_key {
	uint64_t major; /* alternative, tier */
	int64_t total;
	uint32_t index;
};

struct ranking {
	const struct market *m;
	const struct candidate *v;
};

static int cmp_int(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static bool us_region(const struct market *m, const struct candidate *c)
{
	return m->providers[c->provider].features->us_first && str_starts(c->place->region, "us-");
}

static int cmp_equal_price(const struct market *m, const struct candidate *a, const struct candidate *b)
{
	size_t ra = m->providers[a->provider].rank, rb = m->providers[b->provider].rank;
	int d = (ra > rb) - (ra < rb);
	const struct candidate *big = m->providers[a->provider].features->smallest ? a : b, *small = big == a ? b : a;
	if (!d)
		d = cmp_int(big->type->vcpus_micro, small->type->vcpus_micro);
	if (!d)
		d = cmp_int(big->type->mem_mib, small->type->mem_mib);
	if (!d)
		d = us_region(m, b) - us_region(m, a);
	if (!d)
		d = strcmp(a->type->instance_type, b->type->instance_type);
	if (!d)
		d = strcmp(a->place->region, b->place->region);
	if (!d)
		d = strcmp(a->place->zone, b->place->zone);
	if (!d)
		d = cmp_int(a->alternative, b->alternative);
	return d ? d : cmp_int(a->offer->id, b->offer->id);
}

static int cmp_key(const struct rank_key *a, const struct rank_key *b)
{
	if (a->major != b->major)
		return a->major < b->major ? -1 : 1;
	return cmp_int(a->total, b->total);
}

static struct rank_key key_of(const struct candidate *c, uint32_t index, bool ordered)
{
	return (struct rank_key){(ordered ? (uint64_t)c->alternative << 8 : 0) | c->tier, c->total_uusd_h, index};
}

static int cmp_rank(const struct ranking *r, const struct rank_key *a, const struct rank_key *b)
{
	int d = cmp_key(a, b);
	return d ? d : cmp_equal_price(r->m, &r->v[a->index], &r->v[b->index]);
}

/* Merge two sorted neighbours, [0, half) and [half, n), by way of spare. Equal ones keep their order. */
static void merge(const struct ranking *r, struct rank_key *keys, size_t half, size_t n, struct rank_key *spare)
{
	size_t i = 0, j = half, k = 0;
	memcpy(spare, keys, half * sizeof *keys);
	while (i < half && j < n)
		keys[k++] = cmp_rank(r, &spare[i], &keys[j]) <= 0 ? spare[i++] : keys[j++];
	memcpy(keys + k, spare + i, (half - i) * sizeof *keys);
}

static void sort_keys(const struct ranking *r, struct rank_key *keys, size_t n, struct rank_key *spare)
{
	for (size_t step = 1; step < n; step *= 2)
		for (size_t at = 0; at + step < n; at += 2 * step)
			merge(r, keys + at, step, n - at < 2 * step ? n - at : 2 * step, spare);
}

void candidates_rank(const struct market *m, struct candidates *c, bool ordered)
{
	struct rank_key *keys = xcalloc(2 * c->n + 1, sizeof *keys);
	struct candidate *sorted = xreallocarray(NULL, c->n + 1, sizeof *sorted);
	for (size_t i = 0; i < c->n; i++)
		keys[i] = key_of(&c->v[i], (uint32_t)i, ordered);
	sort_keys(&(struct ranking){m, c->v}, keys, c->n, keys + c->n);
	for (size_t i = 0; i < c->n; i++)
		sorted[i] = c->v[keys[i].index];
	free(keys);
	free(c->v);
	c->v = sorted;
	c->cap = c->n + 1;
}

const struct candidate *candidates_first(const struct market *m, const struct candidates *c, bool ordered)
{
	const struct candidate *best = NULL;
	for (size_t i = 0; i < c->n; i++) {
		struct rank_key a = key_of(&c->v[i], 0, ordered), b = best ? key_of(best, 0, ordered) : a;
		int d = best ? cmp_key(&a, &b) : -1;
		if (d < 0 || (!d && cmp_equal_price(m, &c->v[i], best) < 0))
			best = &c->v[i];
	}
	return best;
}
