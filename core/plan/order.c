/* Offers in order. Every key is turned into whole numbers first (texts into their rank among the few thousand types or
 * places), the unknown into one more than the largest known; then a stable radix sort by the first key, and of what is equal by the
 * next, gives the whole order in a few milliseconds, and a heap gives the first page in less. */
#include "core/plan/order.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/model/accelerator.h"

static const char *const key_names[OFFER_KEYS] = {
	[OFFER_BY_NONE] = "none",	[OFFER_BY_PRICE] = "price",	  [OFFER_BY_SPOT] = "spot",
	[OFFER_BY_PER_GPU] = "pergpu",	[OFFER_BY_SPOT_PER_GPU] = "spotpergpu", [OFFER_BY_GPU] = "gpu",
	[OFFER_BY_COUNT] = "n",		[OFFER_BY_GPU_MEM] = "mem",	  [OFFER_BY_CLOUD] = "cloud",
	[OFFER_BY_INSTANCE] = "instance", [OFFER_BY_REGION] = "region",	  [OFFER_BY_VCPU] = "vcpu",
	[OFFER_BY_RAM] = "ram",		[OFFER_BY_SAVING] = "saving",	  [OFFER_BY_RECLAIM] = "reclaim",
	[OFFER_BY_AVAIL] = "avail",
};

const char *offer_key_name(enum offer_key key)
{
	return key_names[key];
}

static int parse_key(const char *word, enum offer_key *key, struct err *err)
{
	static const struct {
		const char *alias;
		enum offer_key key;
	} aliases[] = {{"count", OFFER_BY_COUNT}, {"gpus", OFFER_BY_COUNT}, {"vcpus", OFFER_BY_VCPU},
	    {"cpus", OFFER_BY_VCPU}, {"memory", OFFER_BY_RAM}, {"vram", OFFER_BY_GPU_MEM}, {"provider", OFFER_BY_CLOUD},
	    {"type", OFFER_BY_INSTANCE}, {"save", OFFER_BY_SAVING}};
	for (size_t i = 0; i < OFFER_KEYS; i++) {
		if (str_ieq(word, key_names[i])) {
			*key = (enum offer_key)i;
			return 0;
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
		if (str_ieq(word, aliases[i].alias)) {
			*key = aliases[i].key;
			return 0;
		}
	}
	const char *near = text_nearest(word, key_names, OFFER_KEYS);
	struct str all = str_new(400);
	for (size_t i = 1; i < OFFER_KEYS; i++)
		str_addf(&all, "%s%s", i > 1 ? ", " : "", key_names[i]);
	if (near)
		err_set(err, ERR_USAGE, "cannot sort by '%.40s'; did you mean '%s'?", word, near);
	else
		err_set(err, ERR_USAGE, "cannot sort by '%.40s'; there are: %s", word, str_text(&all));
	str_free(&all);
	return -1;
}

int offer_order_parse(const char *text, struct offer_order *out, struct err *err)
{
	struct offer_order o = {.n = 0};
	for (const char *p = text;;) {
		size_t len = strcspn(p, ",");
		char word[64];
		if (o.n == ORDER_MAX)
			return err_set(err, ERR_USAGE, "cannot sort by more than %d keys", ORDER_MAX);
		bool descending = *p == '-';
		size_t skip = *p == '-' || *p == '+';
		if (len - skip >= sizeof word || len < skip + 1)
			return err_set(err, ERR_USAGE, "cannot sort by '%.60s'", text);
		memcpy(word, p + skip, len - skip);
		word[len - skip] = '\0';
		if (parse_key(word, &o.by[o.n].key, err) < 0)
			return -1;
		o.by[o.n++].descending = descending;
		p += len;
		if (!*p++)
			break;
	}
	*out = o;
	return 0;
}

/* --- values ---------------------------------------------------------------------------------------------------------*/

int64_t offer_per_gpu(const struct offers *o, size_t row, bool spot)
{
	const struct offer *r = &o->rows[row];
	const struct offer_type *y = &o->types[r->type];
	int64_t price = spot ? r->spot_uusd_h : r->price_uusd_h;
	if (!y->accelerator || y->accel_count_micro <= 0 || price == PRICE_UNKNOWN)
		return PRICE_UNKNOWN;
	if (y->accel_count_micro == 1000000)
		return price;
	if (price <= INT64_MAX / 1000000 - 1)
		return (price * 1000000 + y->accel_count_micro / 2) / y->accel_count_micro;
	return price / y->accel_count_micro * 1000000;
}

static bool known(int64_t v, int64_t *value)
{
	*value = v;
	return v >= 0;
}

bool offer_value(const struct offers *o, size_t row, enum offer_key key, int64_t *value)
{
	static const int64_t avail_rank[] = {[AVAILABLE_YES] = 0, [AVAILABLE_LOW] = 1, [AVAILABLE_NO] = 2, [AVAILABLE_UNKNOWN] = -1};
	const struct offer *r = &o->rows[row];
	const struct offer_type *y = &o->types[r->type];
	switch (key) {
	case OFFER_BY_PRICE:
		return known(r->price_uusd_h, value);
	case OFFER_BY_SPOT:
		return known(r->spot_uusd_h, value);
	case OFFER_BY_PER_GPU:
		return known(offer_per_gpu(o, row, false), value);
	case OFFER_BY_SPOT_PER_GPU:
		return known(offer_per_gpu(o, row, true), value);
	case OFFER_BY_COUNT:
		return known(y->accel_count_micro, value);
	case OFFER_BY_GPU_MEM:
		return known(y->accelerator ? y->gpu_mem_mib : -1, value);
	case OFFER_BY_VCPU:
		return known(y->vcpus_micro, value);
	case OFFER_BY_RAM:
		return known(y->mem_mib, value);
	case OFFER_BY_SAVING:
		if (r->spot_uusd_h < 0 || r->price_uusd_h <= 0 || r->price_uusd_h > INT64_MAX / 1000000)
			return false;
		/* A spot price above the list price saves nothing. */
		return known(r->spot_uusd_h >= r->price_uusd_h ? 0 : 1000000 - r->spot_uusd_h * 1000000 / r->price_uusd_h, value);
	case OFFER_BY_RECLAIM:
		return known(r->reclaim == RECLAIM_UNKNOWN ? -1 : r->reclaim, value);
	case OFFER_BY_AVAIL:
		return known(r->available < ARRAY_LEN(avail_rank) ? avail_rank[r->available] : -1, value);
	case OFFER_BY_GPU:
		*value = 0;
		return y->accelerator != NULL;
	case OFFER_BY_NONE:
	case OFFER_BY_CLOUD:
	case OFFER_BY_INSTANCE:
	case OFFER_BY_REGION:
	case OFFER_KEYS:
		break;
	}
	*value = 0;
	return true;
}

/* --- ranks of texts -------------------------------------------------------------------------------------------------*/

struct ranked {
	const char *a, *b;
	uint32_t i;
};

static int compare_text(const char *a, const char *b)
{
	if (a == b)
		return 0;
	int d = strcasecmp(a, b);
	return d ? d : strcmp(a, b);
}

static int compare_ranked(const void *x, const void *y)
{
	const struct ranked *p = x, *q = y;
	int d = compare_text(p->a, q->a);
	return d ? d : compare_text(p->b, q->b);
}

/* Rank of every type or place by the texts of a key: equal texts, equal rank. NULL texts rank as "". Caller frees. */
static int64_t *text_ranks(const struct offers *o, enum offer_key key)
{
	size_t n = key == OFFER_BY_REGION ? o->n_places : o->n_types;
	struct ranked *v = xcalloc(n + 1, sizeof *v);
	for (size_t i = 0; i < n; i++) {
		const char *a = "", *b = "";
		if (key == OFFER_BY_REGION)
			a = o->places[i].region, b = o->places[i].zone;
		else if (key == OFFER_BY_GPU)
			a = o->types[i].accelerator;
		else if (key == OFFER_BY_CLOUD)
			a = o->types[i].provider;
		else
			a = o->types[i].instance_type;
		v[i] = (struct ranked){a ? a : "", b ? b : "", (uint32_t)i};
	}
	qsort(v, n, sizeof *v, compare_ranked);
	int64_t *rank = xcalloc(n + 1, sizeof *rank);
	int64_t r = 0;
	for (size_t i = 0; i < n; i++) {
		if (i && compare_ranked(&v[i - 1], &v[i]))
			r++;
		rank[v[i].i] = r;
	}
	free(v);
	return rank;
}

/* --- sorting --------------------------------------------------------------------------------------------------------*/

struct item {
	uint64_t key;
	uint32_t row, pos; /* pos: set when it was chosen for the page */
};

/* An order made ready for one table. */
struct sorter {
	const struct offers *o;
	const struct offer_order *order;
	int64_t *rank[ORDER_MAX]; /* of types or places, for text keys */
};

static bool is_text_key(enum offer_key key)
{
	return key == OFFER_BY_GPU || key == OFFER_BY_CLOUD || key == OFFER_BY_INSTANCE || key == OFFER_BY_REGION;
}

static struct sorter sorter_make(const struct offers *o, const struct offer_order *order)
{
	struct sorter s = {o, order, {NULL}};
	for (size_t k = 0; k < order->n; k++)
		if (is_text_key(order->by[k].key))
			s.rank[k] = text_ranks(o, order->by[k].key);
	return s;
}

static void sorter_free(struct sorter *s)
{
	for (size_t k = 0; k < s->order->n; k++)
		free(s->rank[k]);
}

static bool key_value(const struct sorter *s, size_t k, uint32_t row, int64_t *x)
{
	const struct offer *r = &s->o->rows[row];
	enum offer_key key = s->order->by[k].key;
	if (!offer_value(s->o, row, key, x))
		return false;
	if (s->rank[k])
		*x = s->rank[k][key == OFFER_BY_REGION ? r->place : r->type];
	return true;
}

/* Set the k-th keys of all items: small numbers in the wanted direction, the unknown after all of them. Returns the key of the
 * unknown. */
static uint64_t set_keys(const struct sorter *s, size_t k, struct item *v, size_t n)
{
	int64_t lo = INT64_MAX, hi = INT64_MIN, x;
	for (size_t i = 0; i < n; i++) {
		bool ok = key_value(s, k, v[i].row, &x);
		v[i].key = ok ? (uint64_t)x : UINT64_MAX;
		if (ok && x < lo)
			lo = x;
		if (ok && x > hi)
			hi = x;
	}
	uint64_t unknown = hi < lo ? 0 : (uint64_t)(hi - lo) + 1;
	for (size_t i = 0; i < n; i++) {
		if (v[i].key == UINT64_MAX)
			v[i].key = unknown;
		else
			v[i].key = s->order->by[k].descending ? (uint64_t)hi - v[i].key : v[i].key - (uint64_t)lo;
	}
	return unknown;
}

/* Stable, least digit first; digits that are the same everywhere are skipped. tmp has room for n. */
static void radix_sort(struct item *v, struct item *tmp, size_t n)
{
	enum { BITS = 11, DIGITS = 1 << BITS };
	struct item *from = v, *to = tmp;
	uint64_t differ = 0;
	for (size_t i = 1; i < n; i++)
		differ |= v[i].key ^ v[0].key;
	for (unsigned shift = 0; shift < 64 && differ >> shift; shift += BITS) {
		size_t count[DIGITS] = {0}, at = 0;
		if (!(differ >> shift & (DIGITS - 1)))
			continue;
		for (size_t i = 0; i < n; i++)
			count[from[i].key >> shift & (DIGITS - 1)]++;
		for (size_t d = 0; d < DIGITS; d++) {
			size_t c = count[d];
			count[d] = at;
			at += c;
		}
		for (size_t i = 0; i < n; i++)
			to[count[from[i].key >> shift & (DIGITS - 1)]++] = from[i];
		struct item *swap = from;
		from = to;
		to = swap;
	}
	if (from != v)
		memcpy(v, from, n * sizeof *v);
}

/* By the k-th key and those after it. */
static int compare_rows(const struct sorter *s, size_t k, uint32_t a, uint32_t b)
{
	for (; k < s->order->n; k++) {
		int64_t x = 0, y = 0;
		bool p = key_value(s, k, a, &x), q = key_value(s, k, b, &y);
		if (p != q)
			return p ? -1 : 1;
		if (p && x != y)
			return (x < y) != s->order->by[k].descending ? -1 : 1;
	}
	return 0;
}

static void insertion_sort(const struct sorter *s, size_t k, struct item *v, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct item x = v[i];
		size_t at = i;
		for (; at > 0 && compare_rows(s, k, v[at - 1].row, x.row) > 0; at--)
			v[at] = v[at - 1];
		v[at] = x;
	}
}

/* Put the items whose key is `unknown` last, keeping the order otherwise. Returns how many come before. */
static size_t part_unknown(struct item *v, struct item *tmp, size_t n, uint64_t unknown)
{
	size_t known = 0, rest = 0;
	for (size_t i = 0; i < n; i++) {
		if (v[i].key == unknown)
			tmp[rest++] = v[i];
		else
			v[known++] = v[i];
	}
	memcpy(v + known, tmp, rest * sizeof *v);
	return known;
}

/* Sort by the k-th key, then what is equal by the next. The unknown, which may be nearly all, is not carried through. */
static void sort_from(const struct sorter *s, size_t k, struct item *v, struct item *tmp, size_t n)
{
	enum { SMALL = 24 };
	if (n <= SMALL || k == s->order->n) {
		insertion_sort(s, k, v, n);
		return;
	}
	size_t known = part_unknown(v, tmp, n, set_keys(s, k, v, n));
	radix_sort(v, tmp, known);
	if (k + 1 == s->order->n)
		return;
	for (size_t from = 0, to; from < known; from = to) {
		for (to = from + 1; to < known && v[to].key == v[from].key; to++)
			;
		if (to - from > 1)
			sort_from(s, k + 1, v + from, tmp, to - from);
	}
	sort_from(s, k + 1, v + known, tmp, n - known);
}

void offer_sort(const struct offers *o, const struct offer_order *order, uint32_t *rows, size_t n)
{
	if (n < 2 || order->n == 0)
		return;
	struct sorter s = sorter_make(o, order);
	struct item *v = xreallocarray(NULL, n, 2 * sizeof *v);
	for (size_t i = 0; i < n; i++)
		v[i] = (struct item){.row = rows[i]};
	sort_from(&s, 0, v, v + n, n);
	for (size_t i = 0; i < n; i++)
		rows[i] = v[i].row;
	free(v);
	sorter_free(&s);
}

/* --- the first page -------------------------------------------------------------------------------------------------*/

struct select {
	const struct sorter *sorter;
	const struct item *v; /* with the first key; the others are looked up where that is equal */
	uint32_t *heap;	      /* positions; the worst of the best on top */
};

static bool after(const struct select *s, uint32_t a, uint32_t b)
{
	if (s->v[a].key != s->v[b].key)
		return s->v[a].key > s->v[b].key;
	int d = compare_rows(s->sorter, 1, s->v[a].row, s->v[b].row);
	return d ? d > 0 : a > b;
}

static void sift_down(struct select *s, size_t i, size_t n)
{
	for (size_t child; (child = 2 * i + 1) < n; i = child) {
		if (child + 1 < n && after(s, s->heap[child + 1], s->heap[child]))
			child++;
		if (!after(s, s->heap[child], s->heap[i]))
			return;
		uint32_t t = s->heap[i];
		s->heap[i] = s->heap[child];
		s->heap[child] = t;
	}
}

/* Leave the `upto` first positions of n in the heap, in order. */
static void select_first(struct select *s, size_t n, size_t upto)
{
	for (size_t i = 0; i < upto; i++)
		s->heap[i] = (uint32_t)i;
	for (size_t i = upto / 2; i-- > 0;)
		sift_down(s, i, upto);
	for (size_t i = upto; i < n; i++) {
		if (!after(s, s->heap[0], (uint32_t)i))
			continue;
		s->heap[0] = (uint32_t)i;
		sift_down(s, 0, upto);
	}
	for (size_t end = upto; end-- > 1;) {
		uint32_t t = s->heap[0];
		s->heap[0] = s->heap[end];
		s->heap[end] = t;
		sift_down(s, 0, end);
	}
}

void offer_sort_first(const struct offers *o, const struct offer_order *order, uint32_t *rows, size_t n, size_t upto)
{
	if (order->n == 0 || n < 2 || upto == 0)
		return;
	if (upto > n / 16) {
		offer_sort(o, order, rows, n);
		return;
	}
	struct sorter sorter = sorter_make(o, order);
	struct item *v = xreallocarray(NULL, n, sizeof *v);
	struct select s = {&sorter, v, xreallocarray(NULL, upto, sizeof *s.heap)};
	for (size_t i = 0; i < n; i++)
		v[i] = (struct item){.row = rows[i]};
	set_keys(&sorter, 0, v, n);
	select_first(&s, n, upto);
	for (size_t i = 0; i < upto; i++) {
		rows[i] = v[s.heap[i]].row;
		v[s.heap[i]].pos = 1;
	}
	for (size_t i = 0, at = upto; i < n; i++)
		if (!v[i].pos)
			rows[at++] = v[i].row;
	sorter_free(&sorter);
	free(s.heap);
	free(v);
}

/* --- groups ---------------------------------------------------------------------------------------------------------*/

static void group_count(struct offer_group *g, int64_t micro)
{
	size_t i = 0;
	while (i < g->n_counts && g->counts_micro[i] < micro)
		i++;
	if ((i < g->n_counts && g->counts_micro[i] == micro) || g->n_counts == GROUP_MAX_COUNTS)
		return;
	memmove(&g->counts_micro[i + 1], &g->counts_micro[i], (g->n_counts - i) * sizeof g->counts_micro[0]);
	g->counts_micro[i] = micro;
	g->n_counts++;
}

static void group_price(int64_t price, size_t row, int64_t *best, uint32_t *best_row)
{
	if (price == PRICE_UNKNOWN || (*best != PRICE_UNKNOWN && *best <= price))
		return;
	*best = price;
	*best_row = (uint32_t)row;
}

static int64_t machine_or_gpu_price(const struct offers *o, size_t row, bool spot)
{
	const struct offer *r = &o->rows[row];
	if (o->types[r->type].accelerator)
		return offer_per_gpu(o, row, spot);
	return spot ? r->spot_uusd_h : r->price_uusd_h;
}

/* Number the accelerators of the rows in order of name; group[type] is the number, n_groups how many. */
static size_t number_groups(const struct offers *o, const uint32_t *rows, size_t n, uint32_t *group, const char ***names)
{
	int64_t *rank = text_ranks(o, OFFER_BY_GPU);
	bool *used = xcalloc(o->n_types + 1, sizeof *used);
	const char **by_rank = xcalloc(o->n_types + 1, sizeof *by_rank);
	for (size_t i = 0; i < n; i++) {
		uint32_t type = o->rows[rows[i]].type;
		used[rank[type]] = true;
		by_rank[rank[type]] = o->types[type].accelerator;
	}
	uint32_t *number = xcalloc(o->n_types + 1, sizeof *number), count = 0;
	for (size_t r = 0; r < o->n_types; r++) {
		if (!used[r])
			continue;
		by_rank[count] = by_rank[r];
		number[r] = count++;
	}
	for (size_t i = 0; i < o->n_types; i++)
		group[i] = number[rank[i]];
	free(number);
	free(used);
	free(rank);
	*names = by_rank;
	return count;
}

size_t offer_groups(const struct offers *o, const uint32_t *rows, size_t n, struct offer_group **out)
{
	uint32_t *group = xcalloc(o->n_types + 1, sizeof *group);
	const char **names;
	size_t count = number_groups(o, rows, n, group, &names);
	struct offer_group *v = xcalloc(count + 1, sizeof *v);
	const char **cloud = xcalloc(count + 1, sizeof *cloud);
	uint8_t *seen = xcalloc(o->n_types + 1, 1);
	for (size_t i = 0; i < count; i++)
		v[i] = (struct offer_group){.accelerator = names[i], .gpu_mem_mib = -1, .cheapest = OFFER_NONE,
		    .cheapest_spot = OFFER_NONE, .per_gpu_uusd_h = PRICE_UNKNOWN, .spot_per_gpu_uusd_h = PRICE_UNKNOWN};
	for (size_t i = 0; i < n; i++) {
		const struct offer *r = &o->rows[rows[i]];
		struct offer_group *g = &v[group[r->type]];
		g->n_offers++;
		group_price(machine_or_gpu_price(o, rows[i], false), rows[i], &g->per_gpu_uusd_h, &g->cheapest);
		group_price(machine_or_gpu_price(o, rows[i], true), rows[i], &g->spot_per_gpu_uusd_h, &g->cheapest_spot);
		seen[r->type] = 1;
	}
	/* Types of one cloud are neighbours in the table, so a change of cloud within a group is a new cloud. */
	for (size_t t = 0; t < o->n_types; t++) {
		if (!seen[t])
			continue;
		struct offer_group *g = &v[group[t]];
		if (o->types[t].accelerator) {
			group_count(g, o->types[t].accel_count_micro);
			if (o->types[t].gpu_mem_mib > g->gpu_mem_mib)
				g->gpu_mem_mib = o->types[t].gpu_mem_mib;
		}
		if (!cloud[group[t]] || strcmp(cloud[group[t]], o->types[t].provider) != 0)
			g->n_clouds++;
		cloud[group[t]] = o->types[t].provider;
	}
	for (size_t i = 0; i < count; i++) {
		const struct accelerator *nominal = names[i] ? accelerator_find(names[i]) : NULL;
		if (nominal && nominal->mem_gib > 0)
			v[i].gpu_mem_mib = (int64_t)nominal->mem_gib * 1024;
	}
	free(seen);
	free(cloud);
	free(names);
	free(group);
	*out = v;
	return count;
}
