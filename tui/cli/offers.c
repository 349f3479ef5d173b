/* `skytop offers`: what GPUs (and machines without) are sold, where, at what price. Reads catalog.db itself; the engine is asked only for
 * what no catalog has. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/model/accelerator.h"
#include "core/model/cloud.h"
#include "core/store/saved.h"
#include "tui/cli/offers_live.h"
#include "tui/cli/offers_print.h"

enum { TEXT_LIMIT = 40 };

/* --- the question -----------------------------------------------------------------------------------------------------*/

static void add_term(struct str *text, const char *field, const char *value)
{
	if (value && *value)
		str_addf(text, "%s%s:\"%s\"", text->len ? " " : "", field, value);
}

/* --infra CLOUD[/REGION[/ZONE]], as task files have it. */
static int add_infra(struct cli *c, struct str *text, struct arena *a)
{
	struct place p = {NULL, NULL, NULL};
	const char *infra = cli_value(c, "infra"), *wrong = infra ? infra_parse(a, infra, &p) : NULL;
	if (wrong)
		return cli_usage(c, "--infra %s: %s", infra, wrong);
	add_term(text, "cloud", p.cloud);
	add_term(text, "region", p.region);
	add_term(text, "zone", p.zone);
	return 0;
}

/* A lone word that is the name of an accelerator means that one, not every name that it is a part of: offers A10. */
static bool is_accelerator(const char *word)
{
	return accelerator_find(word) != NULL && !strpbrk(word, ":<>=!*?/\",");
}

/* --saved NAME: its terms. */
static int add_saved(struct cli *c, struct str *text)
{
	const char *name = cli_value(c, "saved"), *saved;
	struct saved_filters s;
	struct err err;
	int status = 0;
	if (!name)
		return 0;
	if (saved_load(&s, &err)) {
		status = cli_fail(c, &err);
	} else if (!(saved = saved_find(&s, name))) {
		struct str all = str_new(4000);
		for (size_t i = 0; i < s.n; i++)
			str_addf(&all, "%s%s", i ? ", " : "; there are ", s.v[i].name);
		status = cli_usage(c, "there is no saved filter '%s'%s", name, s.n ? str_text(&all) : "; --save NAME makes one");
		str_free(&all);
	} else {
		str_addf(text, "%s%s", text->len ? " " : "", saved);
	}
	saved_free(&s);
	return status;
}

/* --save NAME, --forget NAME. */
static int keep_saved(struct cli *c, const char *text)
{
	const char *name = cli_value(c, "save"), *gone = cli_value(c, "forget");
	struct err err;
	if (name) {
		struct filter *f = filter_compile(text, NULL, &err);
		bool ok = f && !saved_put(name, text, &err);
		filter_destroy(f);
		if (!ok)
			return cli_fail(c, &err);
		cli_note(c, "saved as '%s': skytop offers --saved '%s'", name, name);
	}
	if (gone && saved_put(gone, NULL, &err))
		return cli_fail(c, &err);
	return 0;
}

/* The filter that the command line comes to; the caller frees *out. Returns the exit status to end with, or 0. */
static int question(struct cli *c, char **out)
{
	struct str text = str_new(2 * FILTER_MAX_TEXT);
	struct arena *a = arena_create();
	for (size_t i = 0; i < cli_n_args(c); i++) {
		const char *arg = cli_arg(c, i);
		if (is_accelerator(arg))
			add_term(&text, "gpu", arg);
		else
			str_addf(&text, "%s%s", text.len ? " " : "", arg);
	}
	int status = add_saved(c, &text);
	const char *clouds = cli_value(c, "clouds");
	if (clouds)
		str_addf(&text, "%scloud:%s", text.len ? " " : "", clouds);
	add_term(&text, "region", cli_value(c, "region"));
	if (!status)
		status = add_infra(c, &text, a);
	if (cli_flag(c, "spot"))
		str_addf(&text, "%sspot", text.len ? " " : "");
	if (!status && text.full)
		status = cli_usage(c, "the filter is longer than %d bytes", FILTER_MAX_TEXT);
	if (!status)
		status = keep_saved(c, str_text(&text));
	arena_destroy(a);
	*out = str_take(&text);
	return status;
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
		offers_print_rows(s, 0);
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
	return offers_print_rows(s, shown);
}

static int answer(struct listing *s, const char *text)
{
	struct err err;
	int status = 0;
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
	s->o = offers_live(s->c, s->arena, catalog_offers(s->catalog), text, &status);
	if (!s->o)
		return status;
	s->spot = cli_flag(s->c, "spot");
	s->verbose = cli_flag(s->c, "verbose");
	s->now_ms = wall_now_ms();
	filter_run(s->filter, s->o, &s->rows);
	s->matched = s->rows.n;
	for (size_t i = 0; i < s->rows.n && !s->tells_stock; i++)
		s->tells_stock = s->o->rows[s->rows.rows[i]].available != AVAILABLE_UNKNOWN;
	bool everything = filter_is_empty(s->filter) && !cli_value(s->c, "sort") && !cli_flag(s->c, "all") &&
	    !cli_flag(s->c, "all-regions") && !cli_value(s->c, "limit") && !s->verbose;
	if (s->matched == 0)
		return nothing(s, text);
	if (everything || cli_flag(s->c, "group"))
		return offers_print_groups(s, cli_flag(s->c, "group"));
	return list(s, &err);
}

static int run(struct cli *c)
{
	struct listing s = {.c = c, .arena = arena_create()};
	char *text;
	int rc = question(c, &text);
	if (rc == 0)
		rc = answer(&s, text);
	filter_destroy(s.filter);
	offer_list_free(&s.rows);
	catalog_close(s.catalog);
	arena_destroy(s.arena);
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
    CLI_VALUE(0, "saved", "NAME", "the filter of this name as well; F on the screen saves one"),
    CLI_VALUE(0, "save", "NAME", "give this filter a name, to be used again"),
    CLI_VALUE(0, "forget", "NAME", "forget the filter of this name"),
    CLI_FLAG('v', "verbose", "more columns: who says each price, how old it is, its course over 30 days with least and most; and the same in --json"),
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
	    "cloud:ssh (your own machines), cloud:local and cloud:sim tell what is free there now.\n\n"
	    "Prices come from the catalog on this machine: those that came with skytop until skytop catalog update or import brings "
	    "newer ones. Unknown prices are shown as -, and never compare as cheap.",
    .run = run,
};
