/* Price lists in memory. Everything goes through one kind of hash table, so that 140,000 rows take a tenth of a second.
 *
 * This is also where what clouds write becomes what all the program reads: "A100-80G" and "a100 80gb" are A100-80GB, a
 * T4 that reports 15109 MiB is sold as 16 GB, an m7g is an ARM machine. */
#include "core/store/pricelist.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/str.h"
#include "core/model/accelerator.h"

/* --- hash table from bytes to numbers --------------------------------------------------------------------------------*/

struct intern {
	struct slot {
		const char *key; /* NULL: free */
		uint32_t len, hash, value;
	} *slots;
	size_t n, size; /* size is a power of two */
};

static struct intern *intern_create(void)
{
	struct intern *t = xcalloc(1, sizeof *t);
	t->size = 256;
	t->slots = xcalloc(t->size, sizeof *t->slots);
	return t;
}

static void intern_destroy(struct intern *t)
{
	if (!t)
		return;
	free(t->slots);
	free(t);
}

static uint32_t hash_bytes(const char *p, size_t len)
{
	uint64_t h = 14695981039346656037u;
	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)p[i]) * 1099511628211u;
	return (uint32_t)(h ^ h >> 32);
}

static void intern_grow(struct intern *t)
{
	struct slot *old = t->slots;
	size_t old_size = t->size;
	t->size *= 2;
	t->slots = xcalloc(t->size, sizeof *t->slots);
	for (size_t i = 0; i < old_size; i++) {
		if (!old[i].key)
			continue;
		size_t at = old[i].hash & (t->size - 1);
		while (t->slots[at].key)
			at = (at + 1) & (t->size - 1);
		t->slots[at] = old[i];
	}
	free(old);
}

/* The slot of these bytes; a free one (its key NULL, hash and len set) when they are new. */
static struct slot *intern_find(struct intern *t, const char *key, size_t len)
{
	if (2 * t->n >= t->size)
		intern_grow(t);
	uint32_t hash = hash_bytes(key, len);
	size_t at = hash & (t->size - 1);
	for (struct slot *s; (s = &t->slots[at])->key; at = (at + 1) & (t->size - 1))
		if (s->hash == hash && s->len == len && !memcmp(s->key, key, len))
			return s;
	t->slots[at].hash = hash;
	t->slots[at].len = (uint32_t)len;
	return &t->slots[at];
}

static void intern_fill(struct intern *t, struct slot *s, const char *key, uint32_t value)
{
	s->key = key;
	s->value = value;
	t->n++;
}

/* --- lists ------------------------------------------------------------------------------------------------------------*/

void pricelist_init(struct pricelist *l, const char *cloud)
{
	*l = (struct pricelist){.arena = arena_create(), .strings = intern_create(), .type_index = intern_create(),
	    .place_index = intern_create(), .row_index = intern_create()};
	size_t n = strlen(cloud);
	memcpy(l->cloud, cloud, n < sizeof l->cloud ? n : sizeof l->cloud - 1);
}

void pricelist_free(struct pricelist *l)
{
	arena_destroy(l->arena);
	intern_destroy(l->strings);
	intern_destroy(l->type_index);
	intern_destroy(l->place_index);
	intern_destroy(l->row_index);
	free(l->types);
	free(l->places);
	free(l->rows);
	free(l->sources);
	*l = (struct pricelist){.n_rows = 0};
}

/* The one copy of a text. NULL stays NULL. */
static const char *keep(struct pricelist *l, const char *s)
{
	if (!s)
		return NULL;
	size_t len = strlen(s);
	struct slot *slot = intern_find(l->strings, s, len);
	if (!slot->key)
		intern_fill(l->strings, slot, arena_strndup(l->arena, s, len), 0);
	return slot->key;
}

static char *keep_bytes(struct pricelist *l, const void *p, size_t len)
{
	char *copy = arena_alloc(l->arena, len);
	memcpy(copy, p, len);
	return copy;
}

uint32_t pricelist_type(struct pricelist *l, const struct offer_type *t)
{
	/* Kept strings are equal when their addresses are, so the key is made of addresses. The sizes belong to it: some clouds sell
	 * different machines under one name, here with 960 GB and there with 1800. */
	struct {
		const char *instance_type, *accelerator;
		int64_t count, vcpus, mem;
	} key = {keep(l, t->instance_type ? t->instance_type : ""), keep(l, t->accelerator), t->accel_count_micro, t->vcpus_micro,
	    t->mem_mib};
	struct slot *s = intern_find(l->type_index, (const char *)&key, sizeof key);
	if (s->key)
		return s->value;
	ARRAY_GROW(l->types, l->n_types, l->cap_types);
	l->types[l->n_types] = *t;
	l->types[l->n_types].provider = l->cloud;
	l->types[l->n_types].instance_type = key.instance_type;
	l->types[l->n_types].accelerator = key.accelerator;
	l->types[l->n_types].arch = keep(l, t->arch);
	intern_fill(l->type_index, s, keep_bytes(l, &key, sizeof key), (uint32_t)l->n_types);
	return (uint32_t)l->n_types++;
}

uint32_t pricelist_place(struct pricelist *l, const char *region, const char *zone)
{
	struct {
		const char *region, *zone;
	} key = {keep(l, region ? region : ""), keep(l, zone ? zone : "")};
	struct slot *s = intern_find(l->place_index, (const char *)&key, sizeof key);
	if (s->key)
		return s->value;
	ARRAY_GROW(l->places, l->n_places, l->cap_places);
	l->places[l->n_places] = (struct offer_place){l->cloud, key.region, key.zone};
	intern_fill(l->place_index, s, keep_bytes(l, &key, sizeof key), (uint32_t)l->n_places);
	return (uint32_t)l->n_places++;
}

uint16_t pricelist_source(struct pricelist *l, const struct offer_source *src)
{
	for (size_t i = 0; i < l->n_sources; i++)
		if (str_eq(l->sources[i].name, src->name))
			return (uint16_t)i;
	if (l->n_sources > UINT16_MAX)
		return UINT16_MAX;
	ARRAY_GROW(l->sources, l->n_sources, l->cap_sources);
	l->sources[l->n_sources] = *src;
	l->sources[l->n_sources].name = keep(l, src->name);
	return (uint16_t)l->n_sources++;
}

static int64_t lower(int64_t a, int64_t b)
{
	if (a == PRICE_UNKNOWN || b == PRICE_UNKNOWN)
		return a == PRICE_UNKNOWN ? b : a;
	return a < b ? a : b;
}

void pricelist_add(struct pricelist *l, const struct offer *row)
{
	uint32_t key[2] = {row->type, row->place};
	struct slot *s = intern_find(l->row_index, (const char *)key, sizeof key);
	if (s->key) {
		struct offer *r = &l->rows[s->value];
		r->price_uusd_h = lower(r->price_uusd_h, row->price_uusd_h);
		r->spot_uusd_h = lower(r->spot_uusd_h, row->spot_uusd_h);
		if (r->reclaim == RECLAIM_UNKNOWN)
			r->reclaim = row->reclaim;
		if (r->available == AVAILABLE_UNKNOWN)
			r->available = row->available;
		l->n_merged++;
		return;
	}
	ARRAY_GROW(l->rows, l->n_rows, l->cap_rows);
	l->rows[l->n_rows] = *row;
	intern_fill(l->row_index, s, keep_bytes(l, key, sizeof key), (uint32_t)l->n_rows);
	l->n_rows++;
}

const struct offer *pricelist_find(const struct pricelist *l, uint32_t type, uint32_t place)
{
	uint32_t key[2] = {type, place};
	const struct slot *s = intern_find(l->row_index, (const char *)key, sizeof key);
	return s->key ? &l->rows[s->value] : NULL;
}

void pricelist_drop(struct pricelist *l, const bool *drop)
{
	size_t n = 0;
	for (size_t i = 0; i < l->n_rows; i++)
		if (!drop[l->rows[i].type])
			l->rows[n++] = l->rows[i];
	l->n_rows = n;
	intern_destroy(l->row_index);
	l->row_index = intern_create();
}

/* --- what names tell -------------------------------------------------------------------------------------------------*/

/* Letters, digits, then letters: "m7g" → "m", "7", "g". Points at the letters after the digits, or NULL. */
static const char *after_digits(const char *s)
{
	while (isalpha((unsigned char)*s))
		s++;
	if (!isdigit((unsigned char)*s))
		return NULL;
	while (isdigit((unsigned char)*s))
		s++;
	return s;
}

static bool aws_is_arm(const char *type)
{
	const char *p = after_digits(type);
	return str_starts(type, "a1.") || (p && *p == 'g'); /* Graviton: m7g, c6gn, im4gn … */
}

/* Standard_D4ps_v5, Standard_E8pds_v6: a small p after the size. */
static bool azure_is_arm(const char *type)
{
	const char *p = str_starts(type, "Standard_") ? after_digits(type + 9) : NULL;
	if (p && *p == '-') {
		p++;
		while (isdigit((unsigned char)*p))
			p++;
	}
	for (; p && *p && *p != '_'; p++)
		if (*p == 'p')
			return true;
	return false;
}

static bool gcp_is_arm(const char *type)
{
	static const char *const families[] = {"t2a-", "c4a-", "n4a-", "a4x-"};
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		if (str_starts(type, families[i]))
			return true;
	return false;
}

static const char *guess_arch(const struct offer_type *t)
{
	static const struct {
		const char *cloud;
		bool (*is_arm)(const char *type);
	} clouds[] = {{"aws", aws_is_arm}, {"azure", azure_is_arm}, {"gcp", gcp_is_arm}};
	if (t->accelerator && (str_starts(t->accelerator, "GH") || str_starts(t->accelerator, "GB")))
		return "arm64"; /* Grace */
	for (size_t i = 0; i < ARRAY_LEN(clouds); i++)
		if (str_eq(t->provider, clouds[i].cloud) && t->instance_type && *t->instance_type)
			return clouds[i].is_arm(t->instance_type) ? "arm64" : "x86_64";
	return NULL;
}

static bool near_to(int64_t mib, int64_t gib)
{
	int64_t nominal = gib * 1024, slack = nominal / 8;
	return gib > 0 && mib >= nominal - slack && mib <= nominal + slack;
}

/* Drivers report a little less than what the maker sells; lists differ; filters and people mean the nominal size. */
static int64_t nominal_memory(const struct accelerator *a, int64_t mib, int64_t count_micro)
{
	if (mib > 0 && mib < 1024)
		mib *= 1024; /* some lists have GiB in that column */
	if (!a || a->mem_gib <= 0)
		return mib > 0 ? mib : -1;
	if (mib <= 0 || near_to(mib, a->mem_gib))
		return (int64_t)a->mem_gib * 1024;
	if (near_to(mib, a->other_mem_gib))
		return (int64_t)a->other_mem_gib * 1024;
	/* A part of a GPU has a part of its memory. A whole one with less than half is a slip of the list, one with more than three
	 * times as much is the memory of all of them. */
	bool slip = count_micro >= 1000000 && (mib < (int64_t)a->mem_gib * 512 || mib > (int64_t)a->mem_gib * 3072);
	return slip ? (int64_t)a->mem_gib * 1024 : mib;
}

void offer_type_complete(struct offer_type *t)
{
	if (t->accelerator && !*t->accelerator)
		t->accelerator = NULL;
	if (t->accelerator) {
		const struct accelerator *a = accelerator_tpu(t->accelerator, NULL);
		if (!a) {
			t->accelerator = accelerator_canonical(t->accelerator);
			a = accelerator_find(t->accelerator);
		}
		t->gpu_mem_mib = nominal_memory(a, t->gpu_mem_mib, t->accel_count_micro);
	} else {
		t->accel_count_micro = 0;
		t->gpu_mem_mib = -1;
	}
	if (!t->arch || !*t->arch)
		t->arch = guess_arch(t);
}
