/* `skytop offers`: what GPUs (and machines without) are sold, where, at what price. Reads catalog.db itself; no engine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/model/accelerator.h"
#include "core/plan/filter.h"
#include "core/plan/order.h"
#include "core/store/catalog.h"
#include "tui/cli/cli.h"
#include "tui/cli/table.h"

enum { TEXT_LIMIT = 40, MAX_COUNTS_TEXT = 60 };

/* How much of an instance type is shown: its cheapest offer, the cheapest of each region, or all. */
enum fold { FOLD_TYPE, FOLD_REGION, FOLD_NONE };

struct listing {
	struct cli *c;
	struct catalog *catalog;
	const struct offers *o;
	struct filter *filter;
	struct offer_list rows; /* what is shown, in order */
	size_t matched;		/* offers that fit, before folding and the limit */
	bool spot;		/* sorted and folded by the spot price */
	enum fold fold;
	int64_t now_ms;
};

/* What people look for when they have nothing in mind, the strongest first. */
static const char *const common[] = {"B300", "GB200", "B200", "MI300X", "H200", "GH200", "H100", "H100-MEGA", "A100-80GB", "A100",
    "RTXPRO6000", "L40S", "L40", "RTXA6000", "A40", "RTX5090", "RTX4090", "RTX3090", "A10G", "A10", "L4", "V100-32GB", "V100",
    "P100", "T4", "Trainium2", "Trainium", "Inferentia2", "Gaudi2", "tpu-v6e-1", "tpu-v6e-8", "tpu-v5p-8", "tpu-v5litepod-1",
    "tpu-v5litepod-8", "tpu-v4-8", "tpu-v3-8", "tpu-v2-8"};

/* --- the question -----------------------------------------------------------------------------------------------------*/

static void add_term(struct str *text, const char *field, const char *value)
{
	if (value && *value)
		str_addf(text, "%s%s:\"%s\"", text->len ? " " : "", field, value);
}

/* --infra CLOUD[/REGION[/ZONE]], as task files have it; * is any. */
static void add_infra(struct str *text, const char *infra)
{
	static const char *const fields[] = {"cloud", "region", "zone"};
	for (size_t i = 0; infra && i < ARRAY_LEN(fields); i++) {
		size_t n = i < 2 ? strcspn(infra, "/") : strlen(infra);
		if (n && !(n == 1 && *infra == '*'))
			str_addf(text, "%s%s:\"%.*s\"", text->len ? " " : "", fields[i], (int)n, infra);
		infra = infra[n] ? infra + n + 1 : NULL;
	}
}

/* A lone word that is the name of an accelerator means that one, not every name that it is a part of: offers A10. */
static bool is_accelerator(const char *word)
{
	return accelerator_find(word) != NULL && !strpbrk(word, ":<>=!*?/\",");
}

static char *question(struct cli *c)
{
	struct str text = str_new(FILTER_MAX_TEXT);
	for (size_t i = 0; i < cli_n_args(c); i++) {
		const char *arg = cli_arg(c, i);
		if (is_accelerator(arg))
			add_term(&text, "gpu", arg);
		else
			str_addf(&text, "%s%s", text.len ? " " : "", arg);
	}
	const char *clouds = cli_value(c, "clouds");
	if (clouds)
		str_addf(&text, "%scloud:%s", text.len ? " " : "", clouds);
	add_term(&text, "region", cli_value(c, "region"));
	add_infra(&text, cli_value(c, "infra"));
	if (cli_flag(c, "spot"))
		str_addf(&text, "%sspot", text.len ? " " : "");
	return str_take(&text);
}

static int read_order(struct listing *s, struct offer_order *order, struct err *err)
{
	const char *sort = cli_value(s->c, "sort");
	/* Without a wish: the cheapest GPU first; machines without one come after, by their price. */
	if (!sort)
		sort = s->spot ? "spotpergpu,spot,region" : "pergpu,price,region";
	if (offer_order_parse(sort, order, err) < 0)
		return -1;
	if (order->n && (order->by[0].key == OFFER_BY_SPOT || order->by[0].key == OFFER_BY_SPOT_PER_GPU))
		s->spot = true;
	return 0;
}

/* --- folding ----------------------------------------------------------------------------------------------------------*/

/* Number the regions of all places: equal cloud and region, equal number. Places are sorted by both. The caller frees. */
static uint32_t *region_numbers(const struct offers *o)
{
	uint32_t *v = xcalloc(o->n_places + 1, sizeof *v), n = 0;
	for (size_t i = 1; i < o->n_places; i++) {
		if (strcmp(o->places[i].provider, o->places[i - 1].provider) || strcmp(o->places[i].region, o->places[i - 1].region))
			n++;
		v[i] = n;
	}
	return v;
}

struct cell {
	uint64_t key;
	uint32_t at;
};

static int compare_cells(const void *a, const void *b)
{
	const struct cell *p = a, *q = b;
	if (p->key != q->key)
		return p->key < q->key ? -1 : 1;
	return p->at < q->at ? -1 : p->at > q->at;
}

static int64_t fold_price(const struct listing *s, uint32_t row)
{
	const struct offer *r = &s->o->rows[row];
	int64_t p = s->spot ? r->spot_uusd_h : r->price_uusd_h;
	return p == PRICE_UNKNOWN ? INT64_MAX : p;
}

/* Keep the cheapest offer of each type (or type and region). The rows' order stays. */
static void fold(struct listing *s)
{
	uint32_t *region = region_numbers(s->o);
	struct cell *v = xcalloc(s->rows.n + 1, sizeof *v);
	for (size_t i = 0; i < s->rows.n; i++) {
		const struct offer *r = &s->o->rows[s->rows.rows[i]];
		v[i] = (struct cell){(uint64_t)r->type << 32 | (s->fold == FOLD_REGION ? region[r->place] : 0), (uint32_t)i};
	}
	qsort(v, s->rows.n, sizeof *v, compare_cells);
	bool *keep = xcalloc(s->rows.n + 1, sizeof *keep);
	for (size_t i = 0; i < s->rows.n;) {
		size_t best = i;
		for (size_t k = i; k < s->rows.n && v[k].key == v[i].key; k++)
			if (fold_price(s, s->rows.rows[v[k].at]) < fold_price(s, s->rows.rows[v[best].at]))
				best = k;
		keep[v[best].at] = true;
		uint64_t key = v[i].key;
		while (i < s->rows.n && v[i].key == key)
			i++;
	}
	size_t n = 0;
	for (size_t i = 0; i < s->rows.n; i++)
		if (keep[i])
			s->rows.rows[n++] = s->rows.rows[i];
	s->rows.n = n;
	free(keep);
	free(v);
	free(region);
}

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
	table_cell(t, s->fold == FOLD_NONE && *p->zone ? p->zone : *p->region ? p->region : "-");
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
}

/* Machine-readable: numbers as they are, nothing where nothing is known. */
static void csv_columns(struct table *t)
{
	static const char *const names[] = {"gpu", "count", "cloud", "instance_type", "region", "zone", "gpu_memory_gib", "vcpus", "memory_gib",
	    "arch", "price", "price_per_gpu", "spot_price", "spot_estimated", "reclaim_percent", "source", "as_of", "stale"};
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
}

static json_t *dollars(int64_t micro)
{
	return micro < 0 ? json_null() : json_real((double)micro / 1e6);
}

static json_t *whole(int64_t v)
{
	return v < 0 ? json_null() : json_integer(v);
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
	static const char *const avail[] = {[AVAILABLE_UNKNOWN] = NULL, [AVAILABLE_YES] = "yes", [AVAILABLE_LOW] = "low",
	    [AVAILABLE_NO] = "no"};
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
	json_object_set_new(j, "available", text_or_null(avail[r->available < ARRAY_LEN(avail) ? r->available : 0]));
	json_object_set_new(j, "source", json_foreign(q->name));
	json_object_set_new(j, "as_of", q->as_of_ms ? json_string(time_rfc3339(q->as_of_ms, date, sizeof date)) : json_null());
	json_object_set_new(j, "as_of_known", json_boolean(q->as_of_known));
	json_object_set_new(j, "stale", json_boolean(q->stale));
	return j;
}

static int print_rows(const struct listing *s, size_t shown)
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

static int print_groups(struct listing *s, bool all)
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

/* --- the verb ---------------------------------------------------------------------------------------------------------*/

/* The accelerator whose name is nearest to a word that was asked for; NULL. */
static const char *nearest_accelerator(struct cli *c)
{
	const char *names[400];
	size_t n = 0;
	const struct accelerator *a;
	for (size_t i = 0; n < ARRAY_LEN(names) && (a = accelerator_at(i)); i++)
		names[n++] = a->name;
	for (size_t i = 0; i < cli_n_args(c); i++) {
		char word[64];
		snprintf(word, sizeof word, "%.*s", (int)strcspn(cli_arg(c, i), ":"), cli_arg(c, i));
		const char *near = accelerator_find(word) ? NULL : text_nearest(word, names, n);
		if (near)
			return near;
	}
	return NULL;
}

/* Nothing fits. Scripts get an empty list; the exit status is the same. */
static int nothing(struct listing *s, const char *text)
{
	struct err err;
	if (cli_json(s->c) || cli_flag(s->c, "csv")) {
		print_rows(s, 0);
		return CLI_NO_RESOURCE;
	}
	const char *near = nearest_accelerator(s->c);
	err_set(&err, ERR_NO_RESOURCE, "none of %zu offers matches: %s%s%s%s", s->o->n_rows, text, near ? "; did you mean '" : "",
	    near ? near : "", near ? "'?" : "");
	return cli_fail(s->c, &err);
}

static int list(struct listing *s, struct err *err)
{
	struct offer_order order;
	int64_t limit = cli_json(s->c) || cli_flag(s->c, "csv") ? 0 : TEXT_LIMIT;
	if (cli_int(s->c, "limit", 0, 10000000, &limit, err) < 0 || read_order(s, &order, err) < 0)
		return cli_fail(s->c, err);
	if (cli_flag(s->c, "all") && !cli_value(s->c, "limit"))
		limit = 0;
	s->fold = cli_flag(s->c, "all") ? FOLD_NONE : cli_flag(s->c, "all-regions") ? FOLD_REGION : FOLD_TYPE;
	if (s->fold != FOLD_NONE)
		fold(s);
	size_t shown = limit && (size_t)limit < s->rows.n ? (size_t)limit : s->rows.n;
	offer_sort_first(s->o, &order, s->rows.rows, s->rows.n, shown);
	return print_rows(s, shown);
}

static int answer(struct listing *s, const char *text)
{
	struct err err;
	s->filter = filter_compile(text, NULL, &err);
	if (!s->filter) {
		err.code = ERR_USAGE;
		return cli_fail(s->c, &err);
	}
	s->catalog = catalog_open(&err);
	if (!s->catalog)
		return cli_fail(s->c, &err);
	if (catalog_warning(s->catalog))
		cli_note(s->c, "%s", catalog_warning(s->catalog));
	s->o = catalog_offers(s->catalog);
	s->spot = cli_flag(s->c, "spot");
	filter_run(s->filter, s->o, &s->rows);
	s->matched = s->rows.n;
	bool everything = filter_is_empty(s->filter) && !cli_value(s->c, "sort") && !cli_flag(s->c, "all") &&
	    !cli_flag(s->c, "all-regions") && !cli_value(s->c, "limit");
	if (s->matched == 0)
		return nothing(s, text);
	if (everything || cli_flag(s->c, "group"))
		return print_groups(s, cli_flag(s->c, "group"));
	return list(s, &err);
}

static int run(struct cli *c)
{
	struct listing s = {.c = c, .now_ms = wall_now_ms()};
	char *text = question(c);
	int rc = answer(&s, text);
	filter_destroy(s.filter);
	offer_list_free(&s.rows);
	catalog_close(s.catalog);
	free(text);
	return rc;
}

static const struct option_spec options[] = {
    CLI_FLAG('a', "all", "every offer: all regions and zones, no limit"),
    CLI_FLAG(0, "all-regions", "the cheapest offer of each region instead of each instance type"),
    CLI_VALUE(0, "sort", "KEY", "price, spot, pergpu, spotpergpu, gpu, n, mem, cloud, instance, region, vcpu, ram, saving, reclaim, avail; "
				"-KEY downwards; KEY,KEY for more"),
    CLI_VALUE('n', "limit", "N", "at most N rows (40, as text); 0: all"),
    CLI_FLAG('g', "group", "one row a GPU: quantities and lowest prices"),
    CLI_FLAG(0, "spot", "only what is sold as spot, by its spot price"),
    CLI_VALUE(0, "clouds", "A,B", "only these clouds", .complete = COMPLETE_CLOUD),
    CLI_VALUE(0, "region", "REGION", "only this region; * and ? may be used"),
    CLI_VALUE(0, "infra", "CLOUD[/REGION[/ZONE]]", "only there, as in task files"),
    CLI_FLAG(0, "csv", "comma-separated values with every column"),
    CLI_END,
};

const struct verb verb_offers = {
    .name = "offers",
    .aliases = "show-gpus,gpus list",
    .group = GROUP_PRICES,
    .summary = "List GPUs and machines of all clouds with their prices.",
    .args = "[FILTER...]",
    .max_args = -1,
    .options = options,
    .help = "Without a filter: the common GPUs, each with its lowest prices. With one: the cheapest offer of each instance type that "
	    "fits. Terms are joined by \"and\"; quote < and > for the shell:\n\n"
	    "  skytop offers H100:8                    machines with 8 H100\n"
	    "  skytop offers a100 'spot<1.5' us-       words occur in GPU, cloud, instance, region or zone\n"
	    "  skytop offers gpu:A100* cloud:aws,gcp   whole values, with * and ?; also region:\n"
	    "                                          zone: instance: arch: avail: source:\n"
	    "  skytop offers 'n>=4' 'mem>=80'          number of GPUs, GB of one; also ram vcpu price\n"
	    "                                          spot pergpu saving reclaim\n"
	    "  skytop offers T4 '!cloud:azure' spot    not Azure, sold as spot\n"
	    "  skytop offers '/^g[45]\\./' --sort -ram  regular expression\n\n"
	    "Prices come from the catalog on this machine: those that came with skytop until skytop catalog update or import brings "
	    "newer ones. Unknown prices are shown as -, and never compare as cheap.",
    .run = run,
};
