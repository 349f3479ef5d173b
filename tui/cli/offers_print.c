/* Offers for people and for programs. Unknown numbers are shown as -, left empty in CSV, and null in JSON: never 0. */
#include "tui/cli/offers_print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/plan/trend.h"
#include "tui/cli/table.h"

enum { MAX_COUNTS_TEXT = 60 };

/* What people look for when they have nothing in mind, the strongest first. */
static const char *const common[] = {"B300", "GB200", "B200", "MI300X", "H200", "GH200", "H100", "H100-MEGA", "A100-80GB", "A100",
    "RTXPRO6000", "L40S", "L40", "RTXA6000", "A40", "RTX5090", "RTX4090", "RTX3090", "A10G", "A10", "L4", "V100-32GB", "V100",
    "P100", "T4", "Trainium2", "Trainium", "Inferentia2", "Gaudi2", "tpu-v6e-1", "tpu-v6e-8", "tpu-v5p-8", "tpu-v5litepod-1",
    "tpu-v5litepod-8", "tpu-v4-8", "tpu-v3-8", "tpu-v2-8"};

/* --- where the figures are from ---------------------------------------------------------------------------------------*/

static void put_date(char *buf, size_t size, int64_t at_ms, bool known)
{
	char t[32];
	snprintf(buf, size, "%.*s%s", known ? 10 : 4, time_rfc3339(at_ms, t, sizeof t), known ? "" : " (day unknown)");
}

/* "figures of 2025-06-13 to 2026-07-30 from 3 sources; spot prices of aws are estimates; gcp is stale". */
static void note_sources(const struct listing *s)
{
	size_t n = 0, estimated = 0, stale = 0;
	int64_t from = INT64_MAX, to = 0;
	bool from_known = true, to_known = true, *used = xcalloc(s->o->n_sources + 1, sizeof *used);
	for (size_t i = 0; i < s->rows.n; i++)
		used[s->o->rows[s->rows.rows[i]].source] = true;
	for (size_t i = 0; i < s->o->n_sources; i++) {
		const struct offer_source *q = &s->o->sources[i];
		if (!used[i])
			continue;
		n++;
		estimated += q->spot_estimated;
		stale += q->stale;
		if (q->as_of_ms < from)
			from = q->as_of_ms, from_known = q->as_of_known;
		if (q->as_of_ms > to)
			to = q->as_of_ms, to_known = q->as_of_known;
	}
	free(used);
	if (n == 0)
		return;
	char a[48], b[48], range[110];
	put_date(a, sizeof a, from, from_known);
	put_date(b, sizeof b, to, to_known);
	snprintf(range, sizeof range, "%s%s%s", a, strcmp(a, b) ? " to " : "", strcmp(a, b) ? b : "");
	cli_note(s->c, "Figures of %s, from %zu source%s (skytop catalog status)%s%s", range, n, n == 1 ? "" : "s",
	    estimated ? "; * spot price is an estimate" : "", stale ? "; ! the last update failed" : "");
}

static void note_rows(const struct listing *s, size_t shown)
{
	static const char *const of[] = {"instance types", "places", "offers"};
	if (shown < s->rows.n)
		cli_note(s->c, "%zu of %zu %s shown; --limit 0 shows all", shown, s->rows.n, of[s->fold]);
	if (s->fold != FOLD_NONE && s->matched > s->rows.n)
		cli_note(s->c, "The cheapest of each %s; %zu offers match (%s)", s->fold == FOLD_TYPE ? "instance type" : "region", s->matched,
		    s->fold == FOLD_TYPE ? "--all-regions, --all" : "--all");
}

/* --- rows -------------------------------------------------------------------------------------------------------------*/

/* NULL: not known. */
static const char *avail_text(uint8_t available)
{
	static const char *const words[] = {[AVAILABLE_UNKNOWN] = NULL, [AVAILABLE_YES] = "yes", [AVAILABLE_LOW] = "low", [AVAILABLE_NO] = "no"};
	return available < ARRAY_LEN(words) ? words[available] : NULL;
}

static void cell_number(struct table *t, int64_t micro)
{
	char buf[40];
	table_cell(t, micro < 0 ? "-" : micro_text((micro + 500) / 1000 * 1000, buf, sizeof buf));
}

static void cell_gib(struct table *t, int64_t mib)
{
	if (mib < 0)
		table_cell(t, "-");
	else if (mib % 1024 == 0 || mib > 100 * 1024)
		table_cellf(t, "%lld", (long long)(mib + 512) / 1024);
	else
		cell_number(t, (mib * 1000000 / 1024 + 50000) / 100000 * 100000);
}

static void cell_price(struct table *t, int64_t uusd, const char *mark)
{
	char buf[40];
	if (uusd == PRICE_UNKNOWN)
		table_cell(t, "-");
	else
		table_cellf(t, "%s%s", money_text(uusd, buf, sizeof buf), mark);
}

static const char *reclaim_text(uint8_t reclaim, char *buf, size_t size)
{
	if (reclaim == RECLAIM_UNKNOWN)
		return "-";
	if (reclaim >= 100)
		return ">20%";
	if (reclaim <= 5)
		return "<5%";
	snprintf(buf, size, "%u-%u%%", reclaim - 5u, (unsigned)reclaim);
	return buf;
}

static json_t *whole(int64_t v)
{
	return v < 0 ? json_null() : json_integer(v);
}

/* --- the course of a price ------------------------------------------------------------------------------------------- */

enum { COURSE_DAYS = 30, COURSE_COLUMNS = 15, CHANGES_MAX = 200 };

struct course {
	struct price_point changes[CHANGES_MAX];
	size_t n_changes;
	int64_t values[COURSE_COLUMNS];
	struct trend trend;
};

static void read_changes(const struct listing *s, uint32_t row, struct course *c)
{
	uint32_t id = s->o->rows[row].id;
	int n = id & OFFER_LIVE ? 0 : catalog_history(s->catalog, id, c->changes, CHANGES_MAX, NULL);
	c->n_changes = n < 0 ? 0 : (size_t)n;
}

static void run_course(const struct listing *s, struct course *c, bool spot)
{
	int64_t from_ms = s->now_ms - COURSE_DAYS * INT64_C(86400000);
	c->trend = trend_of(c->changes, c->n_changes, spot, from_ms, s->now_ms, c->values, COURSE_COLUMNS);
}

static void course_columns(struct table *t)
{
	static const struct {
		const char *title;
		unsigned flags;
	} cols[] = {{"PRICE, 30 DAYS", 0}, {"MIN", TABLE_RIGHT}, {"MAX", TABLE_RIGHT}, {"SPOT, 30 DAYS", 0}, {"MIN", TABLE_RIGHT}, {"MAX", TABLE_RIGHT},
	    {"AGE", 0}, {"SOURCE", TABLE_SHRINK}};
	for (size_t i = 0; i < ARRAY_LEN(cols); i++)
		table_column(t, cols[i].title, cols[i].flags);
}

static void course_cells(struct table *t, const struct listing *s, uint32_t row)
{
	const struct offer_source *q = &s->o->sources[s->o->rows[row].source];
	struct course c;
	char age[32];
	read_changes(s, row, &c);
	for (int spot = 0; spot < 2; spot++) {
		struct str text = str_new(COURSE_COLUMNS * 4);
		run_course(s, &c, spot);
		cli_spark(&text, c.values, c.trend.n_known ? COURSE_COLUMNS : 0, c.trend.low, c.trend.high);
		table_cell(t, c.trend.n_known ? str_text(&text) : "-");
		cell_price(t, c.trend.n_known ? c.trend.low : PRICE_UNKNOWN, "");
		cell_price(t, c.trend.n_known ? c.trend.high : PRICE_UNKNOWN, "");
		str_free(&text);
	}
	table_cell(t, q->live ? "live" : q->as_of_known ? ago_text(q->as_of_ms, s->now_ms, age, sizeof age) : "day unknown");
	table_cell(t, q->name);
}

/* {changes: [{at, price_uusd_h, spot_uusd_h}], price: {min, max, last}, spot: {…}}: in micro-dollars an hour. */
static json_t *course_json(const struct listing *s, uint32_t row)
{
	struct course c;
	char at[32];
	json_t *j = json_object(), *changes = json_array();
	read_changes(s, row, &c);
	for (size_t i = 0; i < c.n_changes; i++)
		json_array_append_new(changes, json_pack("{s:s, s:o, s:o}", "at", time_rfc3339(c.changes[i].at_ms, at, sizeof at), "price_uusd_h",
						   whole(c.changes[i].price_uusd_h), "spot_uusd_h", whole(c.changes[i].spot_uusd_h)));
	json_object_set_new(j, "changes", changes);
	for (int spot = 0; spot < 2; spot++) {
		run_course(s, &c, spot);
		const struct trend *t = &c.trend;
		json_object_set_new(j, spot ? "spot" : "price", t->n_known ? json_pack("{s:I, s:I, s:o}", "min", (json_int_t)t->low, "max", (json_int_t)t->high, "last",
								    whole(t->last)) : json_null());
	}
	return j;
}

static void columns(struct table *t, const struct listing *s)
{
	table_column(t, "GPU", 0);
	table_column(t, "N", TABLE_RIGHT);
	table_column(t, "CLOUD", 0);
	table_column(t, "INSTANCE", TABLE_SHRINK);
	table_column(t, s->fold == FOLD_NONE ? "ZONE" : "REGION", TABLE_SHRINK);
	table_column(t, "GPU GB", TABLE_RIGHT);
	table_column(t, "vCPU", TABLE_RIGHT);
	table_column(t, "RAM GB", TABLE_RIGHT);
	table_column(t, "$/h", TABLE_RIGHT);
	table_column(t, "$/GPU/h", TABLE_RIGHT);
	table_column(t, "SPOT $/h", TABLE_RIGHT);
	table_column(t, "SAVE", TABLE_RIGHT);
	table_column(t, "RECLAIM", TABLE_RIGHT);
	if (s->tells_stock || s->verbose)
		table_column(t, "AVAIL", 0);
	if (s->verbose)
		course_columns(t);
}

static void row_cells(struct table *t, const struct listing *s, uint32_t row)
{
	const struct offer *r = &s->o->rows[row];
	const struct offer_type *y = &s->o->types[r->type];
	const struct offer_place *p = &s->o->places[r->place];
	const struct offer_source *q = &s->o->sources[r->source];
	const char *stale = q->stale ? "!" : "";
	int64_t saving;
	char buf[24];
	table_cell_tone(t, y->accelerator ? TONE_ACCENT : TONE_DIM, y->accelerator ? y->accelerator : "-");
	if (y->accelerator)
		cell_number(t, y->accel_count_micro);
	else
		table_cell(t, "-");
	table_cell(t, y->provider);
	table_cell(t, *y->instance_type ? y->instance_type : "-");
	table_cell(t, s->fold == FOLD_NONE && *p->zone ? p->zone : *p->region ? offer_region_text(p->region) : "-");
	cell_gib(t, y->accelerator ? y->gpu_mem_mib : -1);
	cell_number(t, y->vcpus_micro);
	cell_gib(t, y->mem_mib);
	cell_price(t, r->price_uusd_h, stale);
	cell_price(t, offer_per_gpu(s->o, row, s->spot), "");
	cell_price(t, r->spot_uusd_h, q->spot_estimated ? "*" : stale);
	if (offer_value(s->o, row, OFFER_BY_SAVING, &saving))
		table_cellf(t, "%lld%%", (long long)(saving + 5000) / 10000);
	else
		table_cell(t, "-");
	table_cell(t, reclaim_text(r->reclaim, buf, sizeof buf));
	if (s->tells_stock || s->verbose)
		table_cell(t, avail_text(r->available) ? avail_text(r->available) : "-");
	if (s->verbose)
		course_cells(t, s, row);
}

/* Machine-readable: numbers as they are, nothing where nothing is known. */
static void csv_columns(struct table *t)
{
	static const char *const names[] = {"gpu", "count", "cloud", "instance_type", "region", "zone", "gpu_memory_gib", "vcpus", "memory_gib",
	    "arch", "price", "price_per_gpu", "spot_price", "spot_estimated", "reclaim_percent", "source", "as_of", "stale", "available"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		table_column(t, names[i], 0);
}

static void csv_number(struct table *t, int64_t micro)
{
	char buf[40];
	table_cell(t, micro < 0 ? NULL : micro_text(micro, buf, sizeof buf));
}

static int64_t gib_micro(int64_t mib)
{
	return mib < 0 ? -1 : mib * 15625 / 16;
}

static void csv_cells(struct table *t, const struct listing *s, uint32_t row)
{
	const struct offer *r = &s->o->rows[row];
	const struct offer_type *y = &s->o->types[r->type];
	const struct offer_place *p = &s->o->places[r->place];
	const struct offer_source *q = &s->o->sources[r->source];
	char date[32];
	table_cell(t, y->accelerator);
	csv_number(t, y->accelerator ? y->accel_count_micro : -1);
	table_cell(t, y->provider);
	table_cell(t, y->instance_type);
	table_cell(t, p->region);
	table_cell(t, p->zone);
	csv_number(t, y->accelerator ? gib_micro(y->gpu_mem_mib) : -1);
	csv_number(t, y->vcpus_micro);
	csv_number(t, gib_micro(y->mem_mib));
	table_cell(t, y->arch);
	csv_number(t, r->price_uusd_h);
	csv_number(t, offer_per_gpu(s->o, row, false));
	csv_number(t, r->spot_uusd_h);
	table_cell(t, r->spot_uusd_h == PRICE_UNKNOWN ? NULL : q->spot_estimated ? "true" : "false");
	if (r->reclaim == RECLAIM_UNKNOWN)
		table_cell(t, NULL);
	else
		table_cellf(t, "%u", r->reclaim);
	table_cell(t, q->name);
	table_cellf(t, "%.10s", time_rfc3339(q->as_of_ms, date, sizeof date));
	table_cell(t, q->stale ? "true" : "false");
	table_cell(t, avail_text(r->available));
}

static json_t *dollars(int64_t micro)
{
	return micro < 0 ? json_null() : json_real((double)micro / 1e6);
}

static json_t *text_or_null(const char *s)
{
	return s && *s ? json_foreign(s) : json_null();
}

static json_t *offer_json(const struct listing *s, uint32_t row)
{
	const struct offer *r = &s->o->rows[row];
	const struct offer_type *y = &s->o->types[r->type];
	const struct offer_place *p = &s->o->places[r->place];
	const struct offer_source *q = &s->o->sources[r->source];
	char date[32];
	json_t *j = json_object();
	json_object_set_new(j, "cloud", json_foreign(y->provider));
	json_object_set_new(j, "instance_type", text_or_null(y->instance_type));
	json_object_set_new(j, "accelerator", text_or_null(y->accelerator));
	json_object_set_new(j, "accelerator_count", y->accelerator ? dollars(y->accel_count_micro) : json_integer(0));
	json_object_set_new(j, "accelerator_memory_gib", y->accelerator ? dollars(gib_micro(y->gpu_mem_mib)) : json_null());
	json_object_set_new(j, "vcpus", dollars(y->vcpus_micro));
	json_object_set_new(j, "memory_gib", dollars(gib_micro(y->mem_mib)));
	json_object_set_new(j, "arch", text_or_null(y->arch));
	json_object_set_new(j, "region", text_or_null(p->region));
	json_object_set_new(j, "zone", text_or_null(p->zone));
	json_object_set_new(j, "price_uusd_h", whole(r->price_uusd_h));
	json_object_set_new(j, "spot_uusd_h", whole(r->spot_uusd_h));
	json_object_set_new(j, "price_per_accelerator_uusd_h", whole(offer_per_gpu(s->o, row, false)));
	json_object_set_new(j, "spot_estimated", r->spot_uusd_h == PRICE_UNKNOWN ? json_null() : json_boolean(q->spot_estimated));
	json_object_set_new(j, "reclaim_percent", r->reclaim == RECLAIM_UNKNOWN ? json_null() : json_integer(r->reclaim));
	json_object_set_new(j, "available", text_or_null(avail_text(r->available)));
	json_object_set_new(j, "source", json_foreign(q->name));
	json_object_set_new(j, "as_of", q->as_of_ms ? json_string(time_rfc3339(q->as_of_ms, date, sizeof date)) : json_null());
	json_object_set_new(j, "as_of_known", json_boolean(q->as_of_known));
	json_object_set_new(j, "stale", json_boolean(q->stale));
	if (s->verbose)
		json_object_set_new(j, "last_30_days", course_json(s, row));
	return j;
}

int offers_print_rows(const struct listing *s, size_t shown)
{
	if (cli_json(s->c)) {
		json_t *j = json_object(), *rows = json_array();
		for (size_t i = 0; i < shown; i++)
			json_array_append_new(rows, offer_json(s, s->rows.rows[i]));
		json_object_set_new(j, "offers", rows);
		json_put_int(j, "matched", (int64_t)s->matched);
		json_put_int(j, "total", (int64_t)s->o->n_rows);
		return cli_print_json(s->c, j);
	}
	struct table *t = table_create();
	bool csv = cli_flag(s->c, "csv");
	if (csv)
		csv_columns(t);
	else
		columns(t, s);
	for (size_t i = 0; i < shown; i++)
		(csv ? csv_cells : row_cells)(t, s, s->rows.rows[i]);
	if (csv) {
		table_print_csv(t, stdout);
		table_destroy(t);
		return 0;
	}
	cli_print_table(s->c, t);
	note_rows(s, shown);
	note_sources(s);
	return 0;
}

/* --- groups -----------------------------------------------------------------------------------------------------------*/

static const char *counts_text(const struct offer_group *g, char *buf, size_t size)
{
	struct str s = str_new(size - 8);
	for (size_t i = 0; i < g->n_counts; i++) {
		char n[40];
		str_addf(&s, "%s%s", i ? ", " : "", micro_text((g->counts_micro[i] + 500) / 1000 * 1000, n, sizeof n));
	}
	snprintf(buf, size, "%s%s", str_text(&s), s.full || g->n_counts == GROUP_MAX_COUNTS ? ", …" : "");
	str_free(&s);
	return buf;
}

static const char *cloud_at(const struct listing *s, uint32_t row)
{
	return row == OFFER_NONE ? "" : s->o->types[s->o->rows[row].type].provider;
}

static void group_cells(struct table *t, const struct listing *s, const struct offer_group *g)
{
	char buf[MAX_COUNTS_TEXT + 10];
	table_cell_tone(t, g->accelerator ? TONE_ACCENT : TONE_DIM, g->accelerator ? g->accelerator : "none");
	cell_gib(t, g->gpu_mem_mib);
	table_cell(t, counts_text(g, buf, sizeof buf));
	table_cellf(t, "%zu", g->n_clouds);
	table_cellf(t, "%zu", g->n_offers);
	cell_price(t, g->per_gpu_uusd_h, "");
	table_cell(t, cloud_at(s, g->cheapest));
	cell_price(t, g->spot_per_gpu_uusd_h, "");
	table_cell(t, cloud_at(s, g->cheapest_spot));
}

static json_t *group_json(const struct listing *s, const struct offer_group *g)
{
	json_t *j = json_object(), *counts = json_array();
	for (size_t i = 0; i < g->n_counts; i++)
		json_array_append_new(counts, dollars(g->counts_micro[i]));
	json_object_set_new(j, "accelerator", text_or_null(g->accelerator));
	json_object_set_new(j, "memory_gib", dollars(gib_micro(g->gpu_mem_mib)));
	json_object_set_new(j, "quantities", counts);
	json_put_int(j, "clouds", (int64_t)g->n_clouds);
	json_put_int(j, "offers", (int64_t)g->n_offers);
	json_object_set_new(j, "per_accelerator_uusd_h", whole(g->per_gpu_uusd_h));
	json_object_set_new(j, "cheapest", g->cheapest == OFFER_NONE ? json_null() : offer_json(s, g->cheapest));
	json_object_set_new(j, "spot_per_accelerator_uusd_h", whole(g->spot_per_gpu_uusd_h));
	json_object_set_new(j, "cheapest_spot", g->cheapest_spot == OFFER_NONE ? json_null() : offer_json(s, g->cheapest_spot));
	return j;
}

/* Machines without an accelerator come last. */
static void none_last(struct offer_group *g, size_t n)
{
	if (n < 2 || g[0].accelerator)
		return;
	struct offer_group none = g[0];
	memmove(g, g + 1, (n - 1) * sizeof *g);
	g[n - 1] = none;
}

/* Reduce to the groups of `common`, in its order. */
static size_t only_common(struct offer_group *g, size_t n)
{
	struct offer_group *v = xcalloc(ARRAY_LEN(common), sizeof *v);
	size_t k = 0;
	for (size_t i = 0; i < ARRAY_LEN(common); i++)
		for (size_t j = 0; j < n; j++)
			if (str_eq(g[j].accelerator, common[i]))
				v[k++] = g[j];
	memcpy(g, v, k * sizeof *v);
	free(v);
	return k;
}

static void group_table(struct table *t, const struct listing *s, const struct offer_group *g, size_t n)
{
	static const struct {
		const char *title;
		unsigned flags;
	} cols[] = {{"GPU", 0}, {"GB", TABLE_RIGHT}, {"QUANTITIES", TABLE_SHRINK}, {"CLOUDS", TABLE_RIGHT}, {"OFFERS", TABLE_RIGHT},
	    {"FROM $/GPU/h", TABLE_RIGHT}, {"AT", 0}, {"SPOT FROM", TABLE_RIGHT}, {"AT", 0}};
	for (size_t i = 0; i < ARRAY_LEN(cols); i++)
		table_column(t, cols[i].title, cols[i].flags);
	for (size_t i = 0; i < n; i++)
		group_cells(t, s, &g[i]);
}

int offers_print_groups(struct listing *s, bool all)
{
	struct offer_group *g;
	size_t n_all = offer_groups(s->o, s->rows.rows, s->rows.n, &g), n = all ? n_all : only_common(g, n_all);
	int rc = 0;
	none_last(g, n);
	if (cli_json(s->c)) {
		json_t *j = json_object(), *groups = json_array();
		for (size_t i = 0; i < n; i++)
			json_array_append_new(groups, group_json(s, &g[i]));
		json_object_set_new(j, "groups", groups);
		json_put_int(j, "matched", (int64_t)s->matched);
		json_put_int(j, "total", (int64_t)s->o->n_rows);
		rc = cli_print_json(s->c, j);
	} else {
		struct table *t = table_create();
		group_table(t, s, g, n);
		if (cli_flag(s->c, "csv")) {
			table_print_csv(t, stdout);
			table_destroy(t);
		} else {
			rc = cli_print_table(s->c, t);
			if (!all)
				cli_note(s->c, "Common ones. skytop offers --group lists all %zu; skytop offers H100:8 the offers of one", n_all);
			note_sources(s);
		}
	}
	free(g);
	return rc;
}
