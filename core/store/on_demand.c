/* A cloud that tells only what machines cost on demand, region by region: what else is known of them must not be lost for that. So each offer of the
 * catalog takes the new price of its type and region, and keeps its zone, its spot price and how often it is taken back. */
#include "core/store/on_demand.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

/* What a type costs in a region. */
struct cost {
	const char *type, *region;
	const struct offer *row;
	bool used;
};

struct over {
	const struct pricelist *news;
	const struct offers *had;
	struct pricelist out;
	struct cost *costs; /* by type, region */
	size_t n;
	bool (*covers)(void *arg, const char *region);
	void *arg;
};

static int compare(const void *a, const void *b)
{
	const struct cost *p = a, *q = b;
	int c = strcmp(p->type, q->type);
	return c ? c : strcmp(p->region, q->region);
}

static struct cost *costs_of(const struct pricelist *l)
{
	struct cost *v = xcalloc(l->n_rows + 1, sizeof *v);
	for (size_t i = 0; i < l->n_rows; i++)
		v[i] = (struct cost){l->types[l->rows[i].type].instance_type, l->places[l->rows[i].place].region, &l->rows[i], false};
	qsort(v, l->n_rows, sizeof *v, compare);
	return v;
}

static void keep(struct over *o, const struct offer *was)
{
	const struct offer_type *type = &o->had->types[was->type];
	const struct offer_place *place = &o->had->places[was->place];
	const struct offer_source *source = &o->had->sources[was->source];
	struct cost key = {type->instance_type, place->region, NULL, false};
	bool covered = o->covers(o->arg, place->region);
	struct cost *cost = covered ? bsearch(&key, o->costs, o->n, sizeof *o->costs, compare) : NULL;
	struct offer row = *was;
	if (cost) {
		row.price_uusd_h = cost->row->price_uusd_h;
		row.source = 0;
		cost->used = true;
		o->out.sources[0].spot_estimated |= source->spot_estimated && row.spot_uusd_h != PRICE_UNKNOWN;
	} else if (row.price_uusd_h != PRICE_UNKNOWN && covered) {
		return; /* it was sold on demand, and is no longer */
	} else {
		row.source = pricelist_source(&o->out, source);
	}
	row.type = pricelist_type(&o->out, type);
	row.place = pricelist_place(&o->out, place->region, place->zone);
	pricelist_add(&o->out, &row);
}

/* What the catalog says of a type, in whichever region; *family: it has some of the same family. */
static const struct offer_type *known(const struct over *o, const char *name, bool *family)
{
	size_t n = strcspn(name, ".");
	*family = false;
	for (size_t i = 0; i < o->had->n_types; i++) {
		const struct offer_type *t = &o->had->types[i];
		if (strcmp(t->provider, o->out.cloud))
			continue;
		if (!strcmp(t->instance_type, name))
			return t;
		*family = *family || (name[n] == '.' && !strncmp(t->instance_type, name, n + 1));
	}
	return NULL;
}

static void add_new(struct over *o)
{
	const struct offer_type *type = NULL;
	const char *name = ""; /* costs of one type are neighbours */
	bool family = false;
	for (size_t i = 0; i < o->n; i++) {
		const struct cost *c = &o->costs[i];
		const struct offer_type *own = &o->news->types[c->row->type];
		if (c->used || !o->covers(o->arg, c->region))
			continue;
		if (strcmp(name, c->type)) {
			name = c->type;
			type = known(o, name, &family);
		}
		if (!type && (own->vcpus_micro <= 0 || (!family && !own->accelerator)))
			continue;
		struct offer row = *c->row;
		row.source = 0;
		row.type = pricelist_type(&o->out, type ? type : own);
		row.place = pricelist_place(&o->out, c->region, "");
		pricelist_add(&o->out, &row);
	}
}

void on_demand_over(struct pricelist *list, const struct offers *had, bool (*covers)(void *arg, const char *region), void *arg)
{
	struct over o = {.news = list, .had = had, .costs = costs_of(list), .n = list->n_rows, .covers = covers, .arg = arg};
	pricelist_init(&o.out, list->cloud);
	pricelist_source(&o.out, &list->sources[0]);
	for (size_t i = 0; i < had->n_rows; i++)
		if (!strcmp(had->types[had->rows[i].type].provider, o.out.cloud))
			keep(&o, &had->rows[i]);
	add_new(&o);
	free(o.costs);
	pricelist_free(list);
	*list = o.out;
}

size_t on_demand_had(const struct offers *had, const char *cloud, const char *region)
{
	size_t n = 0;
	uint32_t last = UINT32_MAX;
	for (size_t i = 0; i < had->n_rows; i++) {
		const struct offer *row = &had->rows[i];
		if (row->type == last || row->price_uusd_h == PRICE_UNKNOWN || strcmp(had->types[row->type].provider, cloud) ||
		    strcmp(had->places[row->place].region, region))
			continue;
		last = row->type;
		n++;
	}
	return n;
}

size_t on_demand_listed(const struct pricelist *list, const char *region)
{
	size_t n = 0;
	for (size_t i = 0; i < list->n_rows; i++)
		n += !strcmp(list->places[list->rows[i].place].region, region);
	return n;
}
