/* Numbers for names. A catalog has some 5,000 types and 2,000 places for its 140,000 rows, so names are looked at once
 * a type and once a place, never once a row. */
#include "core/plan/market.h"

#include <string.h>

#include "core/base/json.h"
#include "core/base/str.h"
#include "core/model/accelerator.h"

enum { NONE = UINT32_MAX, SMALL = 2000 };

uint32_t market_hash_text(const char *s)
{
	uint32_t h = 2166136261u;
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	return h;
}

size_t market_find_provider(const struct market *m, const char *name)
{
	for (size_t i = 0; i < m->n_providers; i++)
		if (m->providers[i].name == name || !strcmp(m->providers[i].name, name))
			return i;
	return SIZE_MAX;
}

static size_t rank_of(const char *name, const char *const *enabled, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_ieq(enabled[i], name))
			return i;
	return SIZE_MAX;
}

struct maker {
	struct market *m;
	size_t cap_providers, cap_regions;
	const char *const *enabled;
	size_t n_enabled;
	uint32_t *slots; /* open addressing over regions */
	size_t n_slots;
};

static uint32_t provider_number(struct maker *k, const char *name)
{
	struct market *m = k->m;
	size_t i = market_find_provider(m, name);
	if (i != SIZE_MAX)
		return (uint32_t)i;
	ARRAY_GROW(m->providers, m->n_providers, k->cap_providers);
	m->providers[m->n_providers] =
	    (struct market_provider){name, cloud_features_of(name), rank_of(name, k->enabled, k->n_enabled)};
	return (uint32_t)m->n_providers++;
}

static uint32_t region_number(struct maker *k, uint32_t provider, const char *name)
{
	struct market *m = k->m;
	size_t at = (market_hash_text(name) ^ provider * 2654435761u) % k->n_slots;
	for (; k->slots[at] != NONE; at = (at + 1) % k->n_slots) {
		const struct market_region *r = &m->regions[k->slots[at]];
		if (r->provider == provider && !strcmp(r->name, name))
			return k->slots[at];
	}
	ARRAY_GROW(m->regions, m->n_regions, k->cap_regions);
	m->regions[m->n_regions] = (struct market_region){provider, name};
	k->slots[at] = (uint32_t)m->n_regions;
	return (uint32_t)m->n_regions++;
}

static void number_table(struct maker *k, struct market_table *t)
{
	const struct offers *o = t->offers;
	t->type_provider = arena_alloc(k->m->arena, (o->n_types + 1) * sizeof *t->type_provider);
	t->place_region = arena_alloc(k->m->arena, (o->n_places + 1) * sizeof *t->place_region);
	for (size_t i = 0; i < o->n_types; i++)
		t->type_provider[i] = i && o->types[i].provider == o->types[i - 1].provider
					  ? t->type_provider[i - 1]
					  : provider_number(k, o->types[i].provider);
	for (size_t i = 0; i < o->n_places; i++)
		t->place_region[i] = region_number(k, provider_number(k, o->places[i].provider), o->places[i].region);
}

/* Offers of a provider that a later table has as well are out of date in this one. */
static void drop_superseded(struct market *m)
{
	bool *later = xcalloc(m->n_providers + 1, sizeof *later);
	for (size_t i = m->n_tables; i-- > 0;) {
		struct market_table *t = &m->tables[i];
		bool *here = xcalloc(m->n_providers + 1, sizeof *here);
		for (size_t k = 0; k < t->offers->n_types; k++) {
			here[t->type_provider[k]] = true;
			if (later[t->type_provider[k]])
				t->type_provider[k] = NONE;
		}
		for (size_t p = 0; p < m->n_providers; p++)
			later[p] |= here[p];
		free(here);
	}
	free(later);
}

struct market *market_create(
    const struct offers *const *tables, size_t n_tables, const char *const *enabled, size_t n_enabled)
{
	struct arena *a = arena_create();
	struct market *m = arena_alloc(a, sizeof *m);
	struct maker k = {.m = m, .enabled = enabled, .n_enabled = n_enabled, .n_slots = 16};
	m->arena = a;
	m->tables = arena_alloc(a, (n_tables + 1) * sizeof *m->tables);
	m->n_tables = n_tables;
	for (size_t i = 0; i < n_tables; i++)
		k.n_slots += 2 * tables[i]->n_places;
	k.slots = xreallocarray(NULL, k.n_slots, sizeof *k.slots);
	memset(k.slots, 0xff, k.n_slots * sizeof *k.slots);
	for (size_t i = 0; i < n_tables; i++) {
		m->tables[i].offers = tables[i];
		number_table(&k, &m->tables[i]);
	}
	free(k.slots);
	if (n_tables > 1)
		drop_superseded(m);
	return m;
}

void market_destroy(struct market *m)
{
	if (!m)
		return;
	free(m->providers);
	free(m->regions);
	arena_destroy(m->arena);
}

static void hash_table(struct market *m, struct market_table *t)
{
	const struct offers *o = t->offers;
	uint32_t *h = arena_alloc(m->arena, (2 * o->n_types + 2 * o->n_places + 1) * sizeof *h);
	t->type_hash = h;
	t->accel_hash = h + o->n_types;
	t->region_hash = h + 2 * o->n_types;
	t->zone_hash = t->region_hash + o->n_places;
	for (size_t i = 0; i < o->n_types; i++) {
		t->type_hash[i] = market_hash_text(o->types[i].instance_type);
		t->accel_hash[i] = market_hash_text(o->types[i].accelerator ? o->types[i].accelerator : "");
	}
	for (size_t i = 0; i < o->n_places; i++) {
		t->region_hash[i] = market_hash_text(o->places[i].region);
		t->zone_hash[i] = market_hash_text(o->places[i].zone);
	}
}

void market_hash(struct market *m)
{
	for (size_t i = 0; i < m->n_tables; i++)
		if (!m->tables[i].type_hash)
			hash_table(m, &m->tables[i]);
}

/* --- offers of providers -------------------------------------------------------------------------------------------*/

static int64_t number_or(const json_t *o, const char *key, double factor, int64_t unknown)
{
	const json_t *v = json_object_get(o, key);
	double d = json_is_number(v) ? json_number_value(v) * factor : -1;
	return d >= 0 && d < 9e15 ? (int64_t)(d + 0.5) : unknown;
}

static uint8_t availability_of(const char *word)
{
	static const char *const words[] = {"unknown", "yes", "low", "no"};
	static const uint8_t values[] = {AVAILABLE_UNKNOWN, AVAILABLE_YES, AVAILABLE_LOW, AVAILABLE_NO};
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!strcmp(word, words[i]))
			return values[i];
	return AVAILABLE_UNKNOWN;
}

static bool read_offer(struct arena *a, const char *provider, const json_t *o, struct offer_type *t,
    struct offer_place *p, struct offer *row)
{
	const char *type = json_str(o, "instance_type", NULL), *accel = json_str(o, "accelerator", NULL);
	if (!type)
		return false;
	*t = (struct offer_type){.provider = provider,
	    .instance_type = arena_strdup(a, type),
	    .accelerator = accel ? arena_strdup(a, accelerator_canonical(accel)) : NULL,
	    .accel_count_micro = accel ? number_or(o, "accelerator_count", 1e6, 0) : 0,
	    .gpu_mem_mib = number_or(o, "gpu_mem_mib", 1, -1),
	    .vcpus_micro = number_or(o, "vcpus", 1e6, -1),
	    .mem_mib = number_or(o, "mem_mib", 1, -1)};
	*p = (struct offer_place){
	    provider, arena_strdup(a, json_str(o, "region", "")), arena_strdup(a, json_str(o, "zone", ""))};
	row->price_uusd_h = number_or(o, "price_uusd_h", 1, PRICE_UNKNOWN);
	row->spot_uusd_h = number_or(o, "spot_uusd_h", 1, PRICE_UNKNOWN);
	row->available = availability_of(json_str(o, "available", "unknown"));
	row->reclaim = (uint8_t)number_or(o, "reclaim", 1, RECLAIM_UNKNOWN);
	return !accel || t->accel_count_micro > 0;
}

/* The same from one answer to the next, whatever else is offered then. */
static uint32_t live_id(const char *provider, const struct offer_type *t, const struct offer_place *p)
{
	const char *const texts[] = {provider, t->instance_type, t->accelerator ? t->accelerator : "", p->region, p->zone};
	uint32_t h = 0;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		h = (h * 31) ^ market_hash_text(texts[i]);
	return h | OFFER_LIVE;
}

static bool id_is_taken(const struct offer *rows, size_t n, uint32_t id)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].id == id)
			return true;
	return false;
}

/* One type and one place a row: these tables are small. */
const struct offers *offers_of_provider(
    struct arena *a, const char *provider, const json_t *result, int64_t now_ms, size_t *skipped)
{
	const json_t *list = json_arr(result, "offers");
	size_t n = json_array_size(list), k = 0;
	struct offers *o = arena_alloc(a, sizeof *o);
	struct offer_type *types = arena_alloc(a, (n + 1) * sizeof *types);
	struct offer_place *places = arena_alloc(a, (n + 1) * sizeof *places);
	struct offer *rows = arena_alloc(a, (n + 1) * sizeof *rows);
	struct offer_source *source = arena_alloc(a, sizeof *source);
	provider = arena_strdup(a, provider);
	for (size_t i = 0; i < n; i++) {
		rows[k].type = rows[k].place = (uint32_t)k;
		if (!read_offer(a, provider, json_array_get(list, i), &types[k], &places[k], &rows[k]))
			continue;
		rows[k].id = live_id(provider, &types[k], &places[k]);
		while (n <= SMALL && id_is_taken(rows, k, rows[k].id))
			rows[k].id = (rows[k].id + 1) | OFFER_LIVE;
		k++;
	}
	*source = (struct offer_source){
	    .name = arena_strdup(a, json_str(result, "source", provider)), .as_of_ms = now_ms, .as_of_known = true, .live = true};
	*o = (struct offers){rows, k, types, k, places, k, source, 1};
	if (skipped)
		*skipped = n - k;
	return o;
}

const struct offers *offers_join(struct arena *a, const struct offers *const *tables, size_t n)
{
	struct offers *o = arena_alloc(a, sizeof *o);
	size_t rows = 0, types = 0, places = 0, sources = 0;
	for (size_t i = 0; i < n; i++) {
		rows += tables[i]->n_rows;
		types += tables[i]->n_types;
		places += tables[i]->n_places;
		sources += tables[i]->n_sources;
	}
	struct offer *r = arena_alloc(a, (rows + 1) * sizeof *r);
	struct offer_type *t = arena_alloc(a, (types + 1) * sizeof *t);
	struct offer_place *p = arena_alloc(a, (places + 1) * sizeof *p);
	struct offer_source *s = arena_alloc(a, (sources + 1) * sizeof *s);
	*o = (struct offers){r, 0, t, 0, p, 0, s, 0};
	for (size_t i = 0; i < n; i++) {
		const struct offers *from = tables[i];
		memcpy(t + o->n_types, from->types, from->n_types * sizeof *t);
		memcpy(p + o->n_places, from->places, from->n_places * sizeof *p);
		memcpy(s + o->n_sources, from->sources, from->n_sources * sizeof *s);
		for (size_t k = 0; k < from->n_rows; k++) {
			struct offer *row = &r[o->n_rows++];
			*row = from->rows[k];
			row->type += (uint32_t)o->n_types;
			row->place += (uint32_t)o->n_places;
			row->source = (uint16_t)(row->source + o->n_sources);
		}
		o->n_types += from->n_types;
		o->n_places += from->n_places;
		o->n_sources += from->n_sources;
	}
	return o;
}
