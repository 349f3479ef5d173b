/* Everything known about one offer: each figure with where it is from and how old it is, since somebody is about to spend
 * money on it. */
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "core/model/accelerator.h"
#include "core/plan/order.h"
#include "core/plan/trend.h"
#include "tui/app.h"
#include "tui/format.h"
#include "tui/view/views.h"
#include "tui/width.h"

enum { LABEL = 12, HISTORY_MAX = 64, HISTORY_DAYS = 30, SPARK_MAX = 60, MONTH_TEXT = 42, MONTH_LEAST = 20 };

/* A pen that goes down line by line. */
struct pen {
	struct canvas *c;
	struct rect r;
	int y;
};

static void row(struct pen *p, const char *label, enum role role, const char *text)
{
	if (p->y >= p->r.y + p->r.h)
		return;
	canvas_text(p->c, p->r.x, p->y, LABEL, ROLE_DIM, label);
	int x = p->r.x + LABEL + 1, w = p->r.w - LABEL - 1;
	struct rect area = {x, p->y, w, p->r.y + p->r.h - p->y};
	int lines = canvas_wrap(p->c, area, role, text);
	p->y += lines > 0 ? lines : 1;
}

static void heading(struct pen *p, const struct offer_type *t, const struct offer_place *place)
{
	char count[40] = "", n[32], text[300];
	if (t->accelerator && t->accel_count_micro >= 0)
		snprintf(count, sizeof count, " \xc3\x97 %s", micro_text(t->accel_count_micro, n, sizeof n));
	snprintf(text, sizeof text, "%s%s%s%s %s", t->accelerator ? t->accelerator : "", count,
	    t->accelerator ? " \xc2\xb7 " : "", t->provider, t->instance_type);
	canvas_text(p->c, p->r.x, p->y, p->r.w, ROLE_TITLE, text);
	p->y++;
	snprintf(text, sizeof text, "%s%s%s", place->region[0] ? offer_region_text(place->region) : "no region is named", place->zone[0] ? " / " : "",
	    place->zone);
	row(p, "where", ROLE_TEXT, text);
}

/* "$98.32/h  ($12.29 per GPU)" */
static void with_share(char *buf, size_t size, int64_t uusd_h, int64_t per_gpu_uusd_h, bool estimated)
{
	char price[40], per[40];
	format_dollars(uusd_h, estimated, price, sizeof price);
	if (per_gpu_uusd_h == PRICE_UNKNOWN)
		snprintf(buf, size, "%s/h", price);
	else
		snprintf(buf, size, "%s/h  (%s per GPU)", price, format_dollars(per_gpu_uusd_h, estimated, per, sizeof per));
}

static void price_rows(struct pen *p, const struct offers *o, size_t at)
{
	const struct offer *offer = &o->rows[at];
	bool estimated = o->sources[offer->source].spot_estimated;
	char text[200];
	int64_t per_gpu = offer_per_gpu(o, at, false), spot_per_gpu = offer_per_gpu(o, at, true), micro;
	with_share(text, sizeof text, offer->price_uusd_h, o->types[offer->type].accelerator ? per_gpu : PRICE_UNKNOWN, false);
	row(p, "on demand", ROLE_MONEY, offer->price_uusd_h == PRICE_UNKNOWN ? "not known" : text);
	if (offer->spot_uusd_h == PRICE_UNKNOWN) {
		row(p, "spot", ROLE_DIM, "not sold, or not known");
		return;
	}
	with_share(text, sizeof text, offer->spot_uusd_h, o->types[offer->type].accelerator ? spot_per_gpu : PRICE_UNKNOWN, estimated);
	if (offer_value(o, at, OFFER_BY_SAVING, &micro)) {
		size_t used = strlen(text);
		snprintf(text + used, sizeof text - used, "  %lld%% less%s", (long long)((micro + 5000) / 10000),
		    estimated ? ", an estimate" : "");
	}
	row(p, "spot", ROLE_MONEY, text);
	snprintf(text, sizeof text, offer->reclaim == RECLAIM_UNKNOWN ? "how often is not known" : "%s of machines a month",
	    offer_reclaim_text(offer->reclaim));
	row(p, "reclaimed", ROLE_TEXT, text);
}

static void source_row(struct pen *p, const struct app *a, const struct offer_source *s)
{
	char day[24], age[24], text[200];
	time_rfc3339(s->as_of_ms, day, sizeof day);
	day[strcspn(day, "T")] = '\0';
	if (s->live)
		snprintf(text, sizeof text, "%s, live: as it is set for these machines", s->name);
	else if (s->as_of_known)
		snprintf(text, sizeof text, "%s, %s (%s)", s->name, day, ago_text(s->as_of_ms, a->now_ms, age, sizeof age));
	else
		snprintf(text, sizeof text, "%s, day not known", s->name);
	row(p, "source", s->stale ? ROLE_WARN : ROLE_TEXT, text);
	if (s->stale)
		row(p, "", ROLE_WARN, "the last update of this source failed: the price may have changed");
}

static void machine_rows(struct pen *p, const struct offer_type *t)
{
	char vcpu[32] = NUM_UNKNOWN, mem[32] = NUM_UNKNOWN, text[200];
	if (t->vcpus_micro >= 0)
		micro_text(t->vcpus_micro, vcpu, sizeof vcpu);
	if (t->mem_mib >= 0)
		snprintf(mem, sizeof mem, "%lld", (long long)((t->mem_mib + 512) / 1024));
	if (t->vcpus_micro < 0 && t->mem_mib < 0)
		snprintf(text, sizeof text, "not known");
	else
		snprintf(text, sizeof text, "%s vCPU \xc2\xb7 %s GiB%s%s", vcpu, mem, t->arch ? " \xc2\xb7 " : "", t->arch ? t->arch : "");
	row(p, "machine", ROLE_TEXT, text);
	if (!t->accelerator)
		return;
	const struct accelerator *acc = accelerator_find(t->accelerator);
	size_t used = t->gpu_mem_mib > 0
		   ? (size_t)snprintf(text, sizeof text, "%lld GiB each", (long long)((t->gpu_mem_mib + 512) / 1024))
		   : (size_t)snprintf(text, sizeof text, "memory not known");
	if (acc)
		snprintf(text + used, sizeof text - used, " \xc2\xb7 %s %s", acc->vendor, acc->architecture);
	row(p, "GPU", ROLE_TEXT, text);
}

static void history_row(struct pen *p, const struct app *a, const struct price_point *h, size_t n, bool spot)
{
	int64_t values[SPARK_MAX];
	/* The figures beside it where there is room, else below. */
	int room = p->r.w - LABEL - 1;
	bool beside = room - MONTH_TEXT >= MONTH_LEAST;
	size_t w = (size_t)(beside ? room - MONTH_TEXT : room > 1 ? room : 1);
	w = w > SPARK_MAX ? SPARK_MAX : w;
	struct trend t = trend_of(h, n, spot, a->now_ms - HISTORY_DAYS * INT64_C(86400000), a->now_ms, values, w);
	if (p->y >= p->r.y + p->r.h || !t.n_known)
		return;
	char lo[40], hi[40], last[40];
	canvas_text(p->c, p->r.x, p->y, LABEL, ROLE_DIM, spot ? "spot, 30 d" : "price, 30 d");
	int x = p->r.x + LABEL + 1;
	canvas_spark(p->c, x, p->y, (int)w, ROLE_CHART, values, w);
	for (size_t i = 0; i < w; i++)
		if (values[i] < 0)
			canvas_put(p->c, x + (int)i, p->y, ROLE_DIM, 0xb7);
	if (beside)
		x += (int)w + 2;
	else if (++p->y >= p->r.y + p->r.h)
		return;
	canvas_printf(p->c, x, p->y, p->r.x + p->r.w - x, ROLE_TEXT, "min $%s  max $%s  last $%s",
	    format_price(t.low, 0, lo, sizeof lo), format_price(t.high, 0, hi, sizeof hi), format_price(t.last, 0, last, sizeof last));
	p->y++;
}

static void command_row(struct pen *p, const struct offer_type *t, const struct offer_place *place)
{
	struct arena *arena = arena_create();
	row(p, "command", ROLE_TEXT, offer_launch_command(arena, t, place));
	arena_destroy(arena);
}

void offer_details_draw(struct app *a, struct canvas *c, struct rect r, size_t at, size_t rank, size_t n)
{
	static const char *const available[] = {[AVAILABLE_UNKNOWN] = "not known", [AVAILABLE_YES] = "available",
	    [AVAILABLE_LOW] = "few left", [AVAILABLE_NO] = "none just now"};
	const struct offers *o = prices_offers(a->prices);
	if (at >= o->n_rows || rect_empty(r))
		return;
	const struct offer *offer = &o->rows[at];
	const struct offer_type *t = &o->types[offer->type];
	struct rect was = canvas_clip(c, r);
	struct pen p = {c, r, r.y};
	heading(&p, t, &o->places[offer->place]);
	price_rows(&p, o, at);
	source_row(&p, a, &o->sources[offer->source]);
	machine_rows(&p, t);
	row(&p, "stock", ROLE_TEXT, available[offer->available <= AVAILABLE_NO ? offer->available : 0]);
	char text[120], place[32], all[32];
	if (rank) {
		snprintf(text, sizeof text, "%s of %s by price per GPU in this list", count_text((int64_t)rank, place, sizeof place),
		    count_text((int64_t)n, all, sizeof all));
		row(&p, "rank", ROLE_TEXT, text);
	}
	struct price_point history[HISTORY_MAX];
	size_t changes = prices_history(a->prices, offer->id, history, HISTORY_MAX);
	history_row(&p, a, history, changes, false);
	history_row(&p, a, history, changes, true);
	command_row(&p, t, &o->places[offer->place]);
	c->clip = was;
}

/* --- side by side ------------------------------------------------------------------------------------------------- */

enum { COMPARE_LABEL = 11, COMPARE_LEAST = 18, COMPARE_MOST = 30 };
enum figure { F_CLOUD, F_WHERE, F_GPU, F_PRICE, F_PER_GPU, F_SPOT, F_SPOT_PER_GPU, F_RECLAIM, F_STOCK, F_VCPU, F_RAM, F_GPU_MEM, F_AGE, FIGURES };

static const struct {
	const char *label;
	enum offer_key lowest; /* the lowest of these is the best; OFFER_BY_NONE: there is no best */
} figures[FIGURES] = {
    [F_CLOUD] = {"", OFFER_BY_NONE},
    [F_WHERE] = {"where", OFFER_BY_NONE},
    [F_GPU] = {"GPU", OFFER_BY_NONE},
    [F_PRICE] = {"$/h", OFFER_BY_PRICE},
    [F_PER_GPU] = {"$/GPU\xc2\xb7h", OFFER_BY_PER_GPU},
    [F_SPOT] = {"spot $/h", OFFER_BY_SPOT},
    [F_SPOT_PER_GPU] = {"spot/GPU", OFFER_BY_SPOT_PER_GPU},
    [F_RECLAIM] = {"reclaimed", OFFER_BY_RECLAIM},
    [F_STOCK] = {"stock", OFFER_BY_NONE},
    [F_VCPU] = {"vCPU", OFFER_BY_NONE},
    [F_RAM] = {"RAM GiB", OFFER_BY_NONE},
    [F_GPU_MEM] = {"GPU GiB", OFFER_BY_NONE},
    [F_AGE] = {"price of", OFFER_BY_NONE},
};

static void figure_text(const struct offers *o, size_t at, enum figure f, char *buf, size_t size)
{
	const struct offer *offer = &o->rows[at];
	const struct offer_type *t = &o->types[offer->type];
	const struct offer_place *p = &o->places[offer->place];
	const struct offer_source *s = &o->sources[offer->source];
	char n[40];
	buf[0] = '\0';
	switch (f) {
	case F_CLOUD:
		snprintf(buf, size, "%s %s", t->provider, t->instance_type);
		return;
	case F_WHERE:
		snprintf(buf, size, "%s", offer_region_text(p->zone[0] ? p->zone : p->region));
		return;
	case F_GPU:
		if (t->accelerator)
			snprintf(buf, size, "%s %s", t->accel_count_micro < 0 ? NUM_UNKNOWN : micro_text(t->accel_count_micro, n, sizeof n),
			    t->accelerator);
		return;
	case F_PRICE:
		(s->live ? format_optional : format_price)(offer->price_uusd_h, 0, buf, size);
		return;
	case F_PER_GPU:
		format_optional(t->accelerator ? offer_per_gpu(o, at, false) : PRICE_UNKNOWN, 0, buf, size);
		return;
	case F_SPOT:
		format_optional(offer->spot_uusd_h, s->spot_estimated, buf, size);
		return;
	case F_SPOT_PER_GPU:
		format_optional(t->accelerator ? offer_per_gpu(o, at, true) : PRICE_UNKNOWN, s->spot_estimated, buf, size);
		return;
	case F_RECLAIM:
		snprintf(buf, size, "%s", offer_reclaim_text(offer->reclaim));
		return;
	case F_STOCK:
		snprintf(buf, size, "%s", offer_avail_text(offer->available));
		return;
	case F_VCPU:
		snprintf(buf, size, "%s", t->vcpus_micro < 0 ? NUM_UNKNOWN : micro_text(t->vcpus_micro, n, sizeof n));
		return;
	case F_RAM:
	case F_GPU_MEM: {
		int64_t mib = f == F_RAM ? t->mem_mib : t->gpu_mem_mib;
		if (f == F_RAM || t->accelerator)
			snprintf(buf, size, mib < 0 ? NUM_UNKNOWN : "%lld", (long long)((mib + 512) / 1024));
		return;
	}
	case F_AGE:
		if (s->live)
			snprintf(buf, size, "live");
		else if (s->as_of_known)
			time_rfc3339(s->as_of_ms, buf, size);
		else
			snprintf(buf, size, "day not known");
		buf[strcspn(buf, "T")] = '\0';
		return;
	case FIGURES:
		return;
	}
}

/* The lowest known value among the rows; -1: none is known. */
static int64_t lowest(const struct offers *o, const size_t *rows, size_t n, enum offer_key key)
{
	int64_t best = -1, v;
	for (size_t i = 0; key != OFFER_BY_NONE && i < n; i++)
		if (offer_value(o, rows[i], key, &v) && (best < 0 || v < best))
			best = v;
	return best;
}

void offer_compare_draw(struct app *a, struct canvas *c, struct rect r, const size_t *rows, size_t n)
{
	const struct offers *o = prices_offers(a->prices);
	int room = r.w - COMPARE_LABEL, w = (int)n > 0 ? room / (int)n : 0;
	w = w > COMPARE_MOST ? COMPARE_MOST : w < COMPARE_LEAST ? COMPARE_LEAST : w;
	for (int f = 0; f < FIGURES && f < r.h; f++) {
		int64_t best = lowest(o, rows, n, figures[f].lowest), v;
		canvas_text(c, r.x, r.y + f, COMPARE_LABEL - 1, ROLE_DIM, figures[f].label);
		for (size_t i = 0; i < n; i++) {
			int x = r.x + COMPARE_LABEL + (int)i * w, fits = r.x + r.w - x < w - 1 ? r.x + r.w - x : w - 1;
			char text[200];
			figure_text(o, rows[i], (enum figure)f, text, sizeof text);
			bool is_best = best >= 0 && offer_value(o, rows[i], figures[f].lowest, &v) && v == best;
			canvas_text(c, x, r.y + f, fits, is_best ? ROLE_BEST : f == F_CLOUD ? ROLE_TITLE : ROLE_TEXT, text);
		}
	}
}
