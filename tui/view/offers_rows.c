/* The cells of the offers' tables: how each figure is written. What is not known is a dash or "?", never a number; an estimate
 * has "~" in front; the cheapest price per GPU stands out. */
#include "tui/view/offers_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "tui/app.h"
#include "tui/format.h"
#include "tui/view/views.h"
#include "tui/width.h"

static const struct grid_column offer_columns[] = {
    [GPU] = {"GPU", 9, 14, 0, false, OFFER_BY_GPU},
    [COUNT] = {"N", 3, 5, 0, true, OFFER_BY_COUNT},
    [CLOUD] = {"CLOUD", 7, 12, 0, false, OFFER_BY_CLOUD},
    [INSTANCE] = {"INSTANCE", 13, 30, 4, false, OFFER_BY_INSTANCE},
    [REGION] = {"REGION", 10, 18, 3, false, OFFER_BY_REGION},
    [VCPU] = {"vCPU", 5, 5, 6, true, OFFER_BY_VCPU},
    [RAM] = {"RAM GB", 6, 6, 7, true, OFFER_BY_RAM},
    [PRICE] = {"$/h", 8, 9, 2, true, OFFER_BY_PRICE},
    [PER_GPU] = {"$/GPU\xc2\xb7h", 8, 9, 0, true, OFFER_BY_PER_GPU},
    [SPOT] = {"SPOT", 8, 9, 1, true, OFFER_BY_SPOT},
    [SAVE] = {"SAVE", 5, 5, 8, true, OFFER_BY_SAVING},
    [RECLAIM] = {"RECLAIM", 8, 8, 10, true, OFFER_BY_RECLAIM},
    [AVAIL] = {"AVAIL", 5, 5, 5, false, OFFER_BY_AVAIL},
    [WEEK] = {"7 DAYS", 7, 7, 11, false, -1},
    [AGE] = {"AGE", 4, 4, 12, false, -1},
    [SOURCE] = {"SOURCE", 12, 24, 13, false, -1},
};

static const struct grid_column group_columns[] = {
    [G_GPU] = {"GPU", 12, 22, 0, false, 1},
    [G_MEM] = {"MEM GB", 7, 7, 3, true, 2},
    [G_COUNTS] = {"SOLD IN", 10, 26, 6, false, -1},
    [G_OFFERS] = {"OFFERS", 7, 7, 4, true, 3},
    [G_CLOUDS] = {"CLOUDS", 7, 7, 2, true, 4},
    [G_PER_GPU] = {"$/GPU\xc2\xb7h", 8, 9, 0, true, 5},
    [G_CLOUD] = {"AT", 7, 12, 1, false, -1},
    [G_SPOT] = {"SPOT/GPU", 9, 9, 0, true, 6},
    [G_SPOT_CLOUD] = {"AT", 7, 12, 5, false, -1},
};

const struct offers *offers_table(const struct offers_state *v)
{
	return prices_offers(v->app->prices);
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static size_t offer_count(void *arg)
{
	return ((struct offers_state *)arg)->list.n;
}

static uint64_t offer_id(void *arg, size_t row)
{
	struct offers_state *v = arg;
	return (uint64_t)offers_table(v)->rows[v->list.rows[row]].id + 1;
}

static void put(struct grid_cell *out, const char *text)
{
	text_put(out->text, sizeof out->text, text, strlen(text));
}

/* What is not there, or not known. */
static void put_none(struct grid_cell *out)
{
	put(out, NUM_UNKNOWN);
}

static void put_micro(struct grid_cell *out, int64_t micro)
{
	char buf[32];
	if (micro < 0)
		put_none(out);
	else
		put(out, micro_text(micro, buf, sizeof buf));
}

static void put_matched(const struct offers_state *v, struct grid_cell *out, const char *text)
{
	struct filter_span spans[GRID_SPANS_MAX];
	put(out, text);
	if (filter_is_empty(v->filter))
		return;
	out->n_spans = filter_spans(v->filter, out->text, spans, GRID_SPANS_MAX);
	for (size_t i = 0; i < out->n_spans; i++) {
		out->spans[i].at = spans[i].at;
		out->spans[i].len = spans[i].len;
	}
}

static void put_saving(const struct offers *o, size_t row, struct grid_cell *out)
{
	int64_t micro;
	if (offer_value(o, row, OFFER_BY_SAVING, &micro))
		snprintf(out->text, sizeof out->text, "%lld%%", (long long)((micro + 5000) / 10000));
	else
		put_none(out);
}

/* The catalog keeps the upper end of the band in which reclaims happen. */
const char *offer_reclaim_text(unsigned reclaim)
{
	return reclaim == RECLAIM_UNKNOWN ? NUM_UNKNOWN
	       : reclaim <= 5		  ? "<5%"
	       : reclaim <= 10		  ? "5-10%"
	       : reclaim <= 15		  ? "10-15%"
	       : reclaim <= 20		  ? "15-20%"
					  : ">20%";
}

/* Never implied: what is not known to be there is not said to be. */
const char *offer_avail_text(unsigned available)
{
	static const char *const words[] = {[AVAILABLE_UNKNOWN] = NUM_UNKNOWN, [AVAILABLE_YES] = "yes", [AVAILABLE_LOW] = "low", [AVAILABLE_NO] = "no"};
	return words[available <= AVAILABLE_NO ? available : AVAILABLE_UNKNOWN];
}

static void put_week(const struct offers_state *v, const struct offer *row, struct grid_cell *out)
{
	int64_t week[PRICES_DAYS];
	/* Spot moves more than the list price, and matters more for it. */
	if (prices_week(v->app->prices, row->id, row->spot_uusd_h != PRICE_UNKNOWN, v->app->now_ms, week)) {
		out->role = ROLE_CHART;
		memcpy(out->spark, week, sizeof week);
		out->n_spark = PRICES_DAYS;
	} else {
		put_none(out);
	}
}

static void put_price(struct grid_cell *out, int64_t uusd, bool estimated, bool optional)
{
	char buf[40];
	put(out, (optional ? format_optional : format_price)(uusd, estimated, buf, sizeof buf));
}

/* How old the price is. */
static void put_age(const struct offers_state *v, const struct offer_source *source, struct grid_cell *out)
{
	if (source->live)
		put(out, "live");
	else if (source->as_of_known)
		format_age(source->as_of_ms, v->app->now_ms, out->text, sizeof out->text);
	else
		put_none(out);
}

/* A zone's name mostly says its region. */
static const char *place_text(const struct offer_place *place)
{
	return offer_region_text(place->zone[0] ? place->zone : place->region);
}

static void put_place(const struct offers_state *v, const struct offer_place *place, struct grid_cell *out)
{
	if (place_text(place)[0])
		put_matched(v, out, place_text(place));
	else
		put_none(out);
}

static void offer_cell(void *arg, size_t at, size_t column, struct grid_cell *out)
{
	struct offers_state *v = arg;
	const struct offers *o = offers_table(v);
	size_t row = v->list.rows[at];
	const struct offer *offer = &o->rows[row];
	const struct offer_type *type = &o->types[offer->type];
	const struct offer_source *source = &o->sources[offer->source];
	unsigned changed = offers_changed(v, offer->id);
	if (source->stale)
		out->role = ROLE_DIM;
	if (changed && ((changed & OFFER_PRICE_CHANGED && (column == PRICE || column == PER_GPU)) ||
			   (changed & OFFER_SPOT_CHANGED && column == SPOT)))
		out->attrs = ATTR_BOLD | ATTR_UNDERLINE;
	switch (column) {
	case GPU:
		if (type->accelerator)
			put_matched(v, out, type->accelerator);
		else
			put_none(out);
		return;
	case COUNT:
		if (type->accelerator)
			put_micro(out, type->accel_count_micro);
		return;
	case CLOUD:
		put_matched(v, out, type->provider);
		return;
	case INSTANCE:
		put_matched(v, out, type->instance_type);
		return;
	case REGION:
		put_place(v, &o->places[offer->place], out);
		return;
	case VCPU:
		put_micro(out, type->vcpus_micro);
		return;
	case RAM:
		put_micro(out, type->mem_mib < 0 ? -1 : (type->mem_mib + 512) / 1024 * 1000000);
		return;
	case PRICE:
		put_price(out, offer->price_uusd_h, false, source->live);
		return;
	case PER_GPU: {
		int64_t per_gpu = type->accelerator ? offer_per_gpu(o, row, false) : PRICE_UNKNOWN;
		put_price(out, per_gpu, false, !type->accelerator || source->live);
		if (per_gpu != PRICE_UNKNOWN && per_gpu == v->best_per_gpu)
			out->role = ROLE_BEST;
		return;
	}
	case SPOT:
		put_price(out, offer->spot_uusd_h, source->spot_estimated, true);
		return;
	case SAVE:
		put_saving(o, row, out);
		return;
	case RECLAIM:
		put(out, offer_reclaim_text(offer->reclaim));
		return;
	case AVAIL:
		put(out, offer_avail_text(offer->available));
		if (offer->available == AVAILABLE_NO)
			out->role = ROLE_DIM;
		return;
	case WEEK:
		put_week(v, offer, out);
		return;
	case AGE:
		put_age(v, source, out);
		return;
	case SOURCE:
		put(out, source->name);
		return;
	}
}

enum { MEASURED = 6, WIDEST = 40 };

/* How many names of each width, of every step-th of the first n offers. */
static void count_widths(const struct offers_state *v, size_t n, size_t step, unsigned of[MEASURED][WIDEST + 1])
{
	const struct offers *o = offers_table(v);
	for (size_t i = 0; i < n; i += step) {
		const struct offer *offer = &o->rows[v->list.rows[i]];
		const struct offer_type *type = &o->types[offer->type];
		char count[32] = "";
		if (type->accelerator && type->accel_count_micro >= 0)
			micro_text(type->accel_count_micro, count, sizeof count);
		const char *const names[MEASURED] = {type->accelerator ? type->accelerator : "", count, type->provider, type->instance_type,
		    place_text(&o->places[offer->place]), o->sources[offer->source].name};
		for (size_t c = 0; c < MEASURED; c++) {
			int w = width_text(names[c], strlen(names[c]));
			of[c][w < WIDEST ? w : WIDEST]++;
		}
	}
}

/* Nearly all fit into so much: a few names are longer than all others, and are cut. 0: there are no names. */
static int usual_width(const unsigned of[WIDEST + 1])
{
	enum { CUT_OF_100 = 3 };
	unsigned n = 0, longer = 0;
	int w = WIDEST;
	for (int i = 1; i <= WIDEST; i++)
		n += of[i];
	while (w > 0 && (longer += of[w]) * 100 <= n * CUT_OF_100)
		w--;
	return w;
}

/* What one sees first may be of other clouds than most of the list is. Of a long list one of so many is looked at. */
void offers_measure(struct offers_state *v)
{
	enum { FIRST = 128, SAMPLE = 1024 };
	static const int columns[MEASURED] = {GPU, COUNT, CLOUD, INSTANCE, REGION, SOURCE};
	unsigned first[MEASURED][WIDEST + 1] = {{0}}, all[MEASURED][WIDEST + 1] = {{0}};
	count_widths(v, v->list.n < FIRST ? v->list.n : FIRST, 1, first);
	count_widths(v, v->list.n, v->list.n / SAMPLE + 1, all);
	for (size_t c = 0; c < MEASURED; c++) {
		int w = usual_width(first[c]), of_all = usual_width(all[c]);
		v->grid.want[columns[c]] = w > of_all ? w : of_all;
	}
}

struct grid_rows offers_flat_rows(struct offers_state *v)
{
	return (struct grid_rows){offer_count, offer_id, offer_cell, v};
}

/* --- groups ------------------------------------------------------------------------------------------------------- */

static size_t group_count(void *arg)
{
	return ((struct offers_state *)arg)->n_groups;
}

/* A name has no number of its own: FNV-1a of it. */
static uint64_t name_id(const char *name)
{
	uint64_t h = 14695981039346656037u;
	for (; name && *name; name++)
		h = (h ^ (unsigned char)*name) * 1099511628211u;
	return h ? h : 1;
}

const struct offer_group *offers_group_at(const struct offers_state *v, size_t row)
{
	return &v->groups[v->group_order[row]];
}

static uint64_t group_id(void *arg, size_t row)
{
	return name_id(offers_group_at(arg, row)->accelerator);
}

static const char *cloud_of(const struct offers *o, uint32_t row)
{
	return row == OFFER_NONE ? "" : o->types[o->rows[row].type].provider;
}

static void put_counts(const struct offer_group *g, struct grid_cell *out)
{
	size_t used = 0;
	for (size_t i = 0; i < g->n_counts && used < sizeof out->text; i++) {
		char n[32];
		used += (size_t)snprintf(out->text + used, sizeof out->text - used, "%s%s", i ? " " : "",
		    micro_text(g->counts_micro[i], n, sizeof n));
	}
}

static void put_count(struct grid_cell *out, size_t n)
{
	char buf[32];
	put(out, count_text((int64_t)n, buf, sizeof buf));
}

static void group_cell(void *arg, size_t row, size_t column, struct grid_cell *out)
{
	struct offers_state *v = arg;
	const struct offers *o = offers_table(v);
	const struct offer_group *g = offers_group_at(v, row);
	switch (column) {
	case G_GPU:
		if (g->accelerator)
			put_matched(v, out, g->accelerator);
		else
			put(out, "(CPU only)");
		return;
	case G_MEM:
		put_micro(out, g->gpu_mem_mib > 0 ? (g->gpu_mem_mib + 512) / 1024 * 1000000 : -1);
		return;
	case G_COUNTS:
		put_counts(g, out);
		return;
	case G_OFFERS:
		put_count(out, g->n_offers);
		return;
	case G_CLOUDS:
		put_count(out, g->n_clouds);
		return;
	case G_PER_GPU:
		put_price(out, g->per_gpu_uusd_h, false, true);
		return;
	case G_CLOUD:
		put(out, cloud_of(o, g->cheapest));
		return;
	case G_SPOT: {
		bool estimated = g->cheapest_spot != OFFER_NONE && o->sources[o->rows[g->cheapest_spot].source].spot_estimated;
		put_price(out, g->spot_per_gpu_uusd_h, estimated, true);
		return;
	}
	case G_SPOT_CLOUD:
		put(out, cloud_of(o, g->cheapest_spot));
		return;
	}
}

struct grid_rows offers_group_rows(struct offers_state *v)
{
	return (struct grid_rows){group_count, group_id, group_cell, v};
}

static int64_t group_value(const struct offer_group *g, int sort)
{
	switch (sort) {
	case 2:
		return g->gpu_mem_mib;
	case 3:
		return (int64_t)g->n_offers;
	case 4:
		return (int64_t)g->n_clouds;
	case 5:
		return g->per_gpu_uusd_h;
	case 6:
		return g->spot_per_gpu_uusd_h;
	}
	return 0;
}

/* Insertion keeps equal ones in the order of names, and there are some hundred groups at most. Unknown comes last. */
void offers_sort_groups(struct offers_state *v)
{
	const struct grid *g = &v->group_grid;
	int sort = group_columns[g->sort_column].sort;
	for (size_t i = 0; i < v->n_groups; i++) {
		size_t at = i;
		for (; at > 0; at--) {
			int64_t here = group_value(&v->groups[i], sort), there = group_value(&v->groups[v->group_order[at - 1]], sort);
			bool before = here >= 0 && (there < 0 || (g->descending ? here > there : here < there));
			if (sort == 1)
				before = g->descending;
			if (!before)
				break;
			v->group_order[at] = v->group_order[at - 1];
		}
		v->group_order[at] = (uint32_t)i;
	}
}

void offers_init_grids(struct offers_state *v)
{
	grid_init(&v->grid, offer_columns, ARRAY_LEN(offer_columns));
	grid_init(&v->group_grid, group_columns, ARRAY_LEN(group_columns));
	v->grid.sort_column = PER_GPU;
	v->group_grid.sort_column = G_GPU;
}
