/* A thin layer over the catalog: what is offered now and in no catalog goes behind it in one table; opening again; one figure for "how
 * old"; and a small cache in front of the price history, since drawing must not read the disk for rows that are on the screen anyway. */
#include "tui/prices.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/inotify.h>
#endif

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/plan/market.h"
#include "core/plan/trend.h"
#include "core/store/catalog.h"

/* What is on the largest screen fits, whatever its ids are: each has WAYS places to be in. */
enum { SETS = 64, WAYS = 8, HISTORY_MAX = 64 };
static const int64_t day_ms = 86400000;

struct week {
	uint32_t offer_id; /* +1; 0: free */
	bool spot;
	int64_t day;	   /* number of the last day */
	size_t known;
	int64_t values[PRICES_DAYS];
};

struct prices {
	struct catalog *catalog; /* NULL: none */
	char *problem;
	int64_t as_of_ms;
	unsigned revision;
	int watch; /* of its folder; -1 */
	struct week cache[SETS][WAYS];
	unsigned next; /* the place that is given away next */
	unsigned live_number;
	struct arena *live_arena, *all_arena;
	const struct offers *live, *all; /* NULL: there are none, and the catalog's table is all */
};

static const struct offers *of_catalog(const struct prices *p)
{
	static const struct offers none;
	return p->catalog ? catalog_offers(p->catalog) : &none;
}

/* Catalog and what is live in one table, so that filters, orders and views see no difference: made when either changes. */
static void join(struct prices *p)
{
	const struct offers *const tables[] = {of_catalog(p), p->live};
	arena_destroy(p->all_arena);
	p->all_arena = p->live ? arena_create() : NULL;
	p->all = p->live ? offers_join(p->all_arena, tables, ARRAY_LEN(tables)) : NULL;
}

static void open_catalog(struct prices *p)
{
	struct err err = {0};
	memset(p->cache, 0, sizeof p->cache);
	p->as_of_ms = 0;
	p->revision++;
	p->catalog = catalog_open(&err);
	const char *warning = p->catalog ? catalog_warning(p->catalog) : err.text;
	p->problem = xstrdup(warning);
	join(p);
	if (!p->catalog)
		return;
	const struct offers *o = catalog_offers(p->catalog);
	for (size_t i = 0; i < o->n_sources; i++)
		if (o->sources[i].as_of_known && o->sources[i].as_of_ms > p->as_of_ms)
			p->as_of_ms = o->sources[i].as_of_ms;
}

static void close_catalog(struct prices *p)
{
	arena_destroy(p->all_arena);
	p->all_arena = NULL;
	p->all = NULL;
	catalog_close(p->catalog);
	free(p->problem);
	p->catalog = NULL;
	p->problem = NULL;
}

/* The catalog is replaced by renaming: that is all there is to look for. */
static int watch_folder(void)
{
#ifdef __linux__
	char *folder = home_path(HOME_CACHE, "");
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (fd >= 0 && inotify_add_watch(fd, folder, IN_MOVED_TO | IN_ONLYDIR) < 0) {
		close(fd);
		fd = -1;
	}
	free(folder);
	return fd;
#else
	return -1;
#endif
}

int prices_fd(const struct prices *p)
{
	return p->watch;
}

void prices_drain(struct prices *p)
{
	char events[4096];
	while (read(p->watch, events, sizeof events) > 0)
		continue;
}

struct prices *prices_open(void)
{
	struct prices *p = xcalloc(1, sizeof *p);
	open_catalog(p);
	p->watch = watch_folder();
	return p;
}

void prices_close(struct prices *p)
{
	if (!p)
		return;
	close_catalog(p);
	arena_destroy(p->live_arena);
	if (p->watch >= 0)
		close(p->watch);
	free(p);
}

bool prices_newer(const struct prices *p)
{
	return p->catalog && catalog_changed(p->catalog);
}

bool prices_refresh(struct prices *p)
{
	if (p->catalog && !catalog_changed(p->catalog))
		return false;
	close_catalog(p);
	open_catalog(p);
	return p->catalog != NULL;
}

const struct offers *prices_offers(const struct prices *p)
{
	return p->all ? p->all : of_catalog(p);
}

/* --- what is live ------------------------------------------------------------------------------------------------- */

static const char *own(struct arena *a, const char *text)
{
	return text ? arena_strdup(a, text) : NULL;
}

/* Types and places are one a row in these tables. */
static const struct offers *copy_live(struct arena *a, const struct offers *from)
{
	struct offers *o = arena_alloc(a, sizeof *o);
	size_t n = from->n_rows < PRICES_LIVE_MAX ? from->n_rows : PRICES_LIVE_MAX;
	struct offer *rows = arena_alloc(a, (n + 1) * sizeof *rows);
	struct offer_type *types = arena_alloc(a, (n + 1) * sizeof *types);
	struct offer_place *places = arena_alloc(a, (n + 1) * sizeof *places);
	struct offer_source *sources = arena_alloc(a, (from->n_sources + 1) * sizeof *sources);
	for (size_t i = 0; i < n; i++) {
		struct offer_type *t = &types[i];
		struct offer_place *at = &places[i];
		rows[i] = from->rows[i];
		*t = from->types[rows[i].type];
		*at = from->places[rows[i].place];
		*t = (struct offer_type){own(a, t->provider), own(a, t->instance_type), own(a, t->accelerator), own(a, t->arch),
		    t->accel_count_micro, t->gpu_mem_mib, t->vcpus_micro, t->mem_mib};
		*at = (struct offer_place){t->provider, own(a, at->region), own(a, at->zone)};
		rows[i].type = rows[i].place = (uint32_t)i;
	}
	for (size_t i = 0; i < from->n_sources; i++) {
		sources[i] = from->sources[i];
		sources[i].name = own(a, sources[i].name);
	}
	*o = (struct offers){rows, n, types, n, places, n, sources, from->n_sources};
	return o;
}

bool prices_overlaid(const struct prices *p, unsigned number)
{
	return p->live_number == number;
}

bool prices_overlay(struct prices *p, const struct offers *live, unsigned number)
{
	bool had = p->live != NULL;
	if (p->live_number == number)
		return false;
	p->live_number = number;
	arena_destroy(p->live_arena);
	p->live_arena = NULL;
	p->live = NULL;
	if (live && live->n_rows) {
		p->live_arena = arena_create();
		p->live = copy_live(p->live_arena, live);
	}
	if (!had && !p->live)
		return false;
	join(p);
	p->revision++;
	return true;
}

/* --- the rest ----------------------------------------------------------------------------------------------------- */

unsigned prices_revision(const struct prices *p)
{
	return p->revision;
}

const char *prices_problem(const struct prices *p)
{
	return p->problem;
}

int64_t prices_as_of_ms(const struct prices *p)
{
	return p->as_of_ms;
}

size_t prices_history(struct prices *p, uint32_t offer_id, struct price_point *out, size_t max)
{
	if (!p->catalog || offer_id & OFFER_LIVE)
		return 0;
	int n = catalog_history(p->catalog, offer_id, out, max < INT_MAX ? (int)max : INT_MAX, NULL);
	return n < 0 ? 0 : (size_t)n;
}

static void fill_week(struct prices *p, struct week *w, int64_t now_ms)
{
	struct price_point changes[HISTORY_MAX];
	size_t n = prices_history(p, w->offer_id - 1, changes, HISTORY_MAX);
	int64_t tomorrow = (now_ms / day_ms + 1) * day_ms;
	w->known = trend_of(changes, n, w->spot, tomorrow - PRICES_DAYS * day_ms, tomorrow, w->values, PRICES_DAYS).n_known;
}

size_t prices_week(struct prices *p, uint32_t offer_id, bool spot, int64_t now_ms, int64_t out[PRICES_DAYS])
{
	struct week *set = p->cache[(offer_id * 2 + spot) * 2654435761u >> 26], *w = NULL;
	int64_t day = now_ms / day_ms;
	for (size_t i = 0; i < WAYS && !w; i++)
		if (set[i].offer_id == offer_id + 1 && set[i].spot == spot && set[i].day == day)
			w = &set[i];
	for (size_t i = 0; i < WAYS && !w; i++)
		if (!set[i].offer_id)
			w = &set[i];
	w = w ? w : &set[p->next++ % WAYS];
	if (w->offer_id != offer_id + 1 || w->spot != spot || w->day != day) {
		*w = (struct week){.offer_id = offer_id + 1, .spot = spot, .day = day};
		fill_week(p, w, now_ms);
	}
	memcpy(out, w->values, sizeof w->values);
	return w->known;
}
