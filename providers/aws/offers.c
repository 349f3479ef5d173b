/* OFFERS: what EC2 sells, a region after the other: which types its zones offer, what those are, what they cost on demand (the price list's own
 * query service: of one region some ten answers, where its files are hundreds of megabytes) and as spot in each zone. Every page is boiled down
 * when it comes, so that memory holds one page and the rows of one region. A region that does not answer is named and passed over. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "providers/aws/aws.h"

enum { PART_ROWS = 5000, TYPES_A_CALL = 100 };

/* What is known of the region in hand, in the call's scratch: {"types": {type: shape}, "zones": {type: [zone…]}, "spot": {"type zone": uusd},
 * "prices": {type: uusd}, "done": {name: true}}. Types are kept from region to region. */
static json_t *part(struct aws *t, const char *name)
{
	json_t *v = json_object_get(t->c->scratch, name);
	if (!v)
		json_object_set_new(t->c->scratch, name, v = json_object());
	return v;
}

/* ---- pages ---------------------------------------------------------------------------------------------------------------- */

/* One page into the parts. */
typedef void fold_fn(struct aws *t, const json_t *body);

static const char *more_of(const json_t *body)
{
	const char *next = json_str(body, "nextToken", json_str(body, "NextToken", ""));
	return *next ? next : NULL;
}

/* All pages of a question, once a region. ask fills q for the page after `next` (NULL: the first). */
static enum provider_step fold_pages(struct aws *t, const char *name, const char *what, void (*ask)(struct aws *t, const char *next, struct aws_ask *q),
    fold_fn *fold)
{
	json_t *done = part(t, "done");
	while (!json_object_get(done, name)) {
		struct aws_ask q;
		const json_t *body;
		json_t *at = json_object_get(done, "next");
		ask(t, json_string_value(at), &q);
		AWS_TRY(aws_ask_one(t, "page", &q, what, &body));
		fold(t, body);
		const char *next = more_of(body);
		if (next)
			json_put_str(done, "next", next);
		else
			json_object_del(done, "next");
		if (!next)
			json_put_bool(done, name, true);
		json_object_del(t->got, "page");
	}
	return PROVIDER_DONE;
}

static const char *region_in_hand(struct aws *t)
{
	return json_str(t->c->scratch, "region", "");
}

static struct str form_of(const char *action, const char *next, const char *max)
{
	struct str s = aws_form(action);
	sigv4_form(&s, "Version", "2016-11-15");
	if (max)
		sigv4_form(&s, "MaxResults", max);
	if (next)
		sigv4_form(&s, "NextToken", next);
	return s;
}

static void ask_ec2(struct aws *t, struct str *s, struct aws_ask *q)
{
	*q = (struct aws_ask){.service = "ec2", .region = region_in_hand(t), .body = aws_form_done(t, s)};
}

/* ---- zones, types, spot ---------------------------------------------------------------------------------------------------- */

static void ask_zones(struct aws *t, const char *next, struct aws_ask *q)
{
	struct str s = form_of("DescribeInstanceTypeOfferings", next, "1000");
	sigv4_form(&s, "LocationType", "availability-zone");
	ask_ec2(t, &s, q);
}

static void fold_zones(struct aws *t, const json_t *body)
{
	json_t *zones = part(t, "zones"), *o;
	size_t i;
	json_array_foreach(json_arr(body, "instanceTypeOfferingSet"), i, o) {
		const char *type = json_str(o, "instanceType", "");
		json_t *list = json_object_get(zones, type);
		if (!list)
			json_object_set_new(zones, type, list = json_array());
		json_array_append(list, json_object_get(o, "location"));
	}
}

/* Types of the region that no region before it had: the first TYPES_A_CALL of them. */
static size_t add_unknown(struct aws *t, struct str *s)
{
	const char *type;
	json_t *v, *types = part(t, "types"), *names = json_array();
	json_object_foreach(part(t, "zones"), type, v)
		if (!json_object_get(types, type) && json_array_size(names) < TYPES_A_CALL)
			json_array_append_new(names, json_string(type));
	size_t n = json_array_size(names);
	aws_list(s, "InstanceType", names);
	json_decref(names);
	return n;
}

static void ask_types(struct aws *t, const char *next, struct aws_ask *q)
{
	struct str s = form_of("DescribeInstanceTypes", next, "100");
	ask_ec2(t, &s, q);
}

static void fold_types(struct aws *t, const json_t *body)
{
	json_t *types = part(t, "types"), *item;
	size_t i;
	json_array_foreach(json_arr(body, "instanceTypeSet"), i, item)
		json_object_set_new(types, json_str(item, "instanceType", ""), aws_type_of(item));
}

/* All of the first region; of the others those that are new. One that cannot be described is left out. */
static enum provider_step learn_types(struct aws *t, const char *what)
{
	if (!json_object_size(part(t, "types")) || json_bool(t->c->scratch, "types_of_first", false)) {
		json_put_bool(t->c->scratch, "types_of_first", true);
		AWS_TRY(fold_pages(t, "types", what, ask_types, fold_types));
		json_put_bool(t->c->scratch, "types_of_first", false);
	}
	for (;;) {
		struct str s = form_of("DescribeInstanceTypes", NULL, NULL);
		struct aws_ask q;
		const json_t *body;
		size_t n = add_unknown(t, &s), before = json_object_size(part(t, "types"));
		ask_ec2(t, &s, &q);
		if (!n)
			return PROVIDER_DONE;
		AWS_TRY(aws_ask_one(t, "page", &q, what, &body));
		fold_types(t, body);
		json_object_del(t->got, "page");
		if (json_object_size(part(t, "types")) == before)
			return PROVIDER_DONE;
	}
}

static void ask_spot(struct aws *t, const char *next, struct aws_ask *q)
{
	char at[24];
	struct str s = form_of("DescribeSpotPriceHistory", next, "1000");
	sigv4_form(&s, "ProductDescription.1", "Linux/UNIX");
	sigv4_form(&s, "StartTime", time_rfc3339(json_int(t->c->scratch, "since", 0), at, sizeof at));
	ask_ec2(t, &s, q);
}

static void fold_spot(struct aws *t, const json_t *body)
{
	json_t *spot = part(t, "spot"), *p;
	size_t i;
	json_array_foreach(json_arr(body, "spotPriceHistorySet"), i, p) {
		const char *key = arena_printf(t->a, "%s %s", json_str(p, "instanceType", ""), json_str(p, "availabilityZone", ""));
		const char *at = json_str(p, "timestamp", "");
		json_t *before = json_object_get(spot, key);
		int64_t uusd;
		if (!num_micro(json_str(p, "spotPrice", ""), &uusd) || uusd <= 0 || (before && strcmp(json_str(before, "at", ""), at) > 0))
			continue;
		json_object_set_new(spot, key, json_pack("{s:I, s:s}", "uusd", (json_int_t)uusd, "at", at));
	}
}

/* ---- prices ---------------------------------------------------------------------------------------------------------------- */

static void ask_prices(struct aws *t, const char *next, struct aws_ask *q)
{
	static const char *const filters[][2] = {{"operatingSystem", "Linux"}, {"tenancy", "Shared"}, {"preInstalledSw", "NA"}, {"capacitystatus", "Used"},
	    {"marketoption", "OnDemand"}};
	json_t *list = json_array();
	for (size_t i = 0; i < ARRAY_LEN(filters); i++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "Type", "TERM_MATCH", "Field", filters[i][0], "Value", filters[i][1]));
	json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "Type", "TERM_MATCH", "Field", "regionCode", "Value", region_in_hand(t)));
	json_t *body = json_pack("{s:s, s:s, s:i, s:o}", "ServiceCode", "AmazonEC2", "FormatVersion", "aws_v1", "MaxResults", 100, "Filters", list);
	if (next)
		json_put_str(body, "NextToken", next);
	char *text = json_text(body);
	*q = (struct aws_ask){.service = "pricing", .region = "us-east-1", .target = "AWSPriceListService.GetProducts", .body = arena_strdup(t->a, text)};
	free(text);
	json_decref(body);
}

/* The one price an hour in the terms of a product; PRICE_UNKNOWN. */
static int64_t price_of(const json_t *product)
{
	const char *key, *key2;
	json_t *term, *dimension;
	json_object_foreach(json_obj(json_obj(product, "terms"), "OnDemand"), key, term)
		json_object_foreach(json_obj(term, "priceDimensions"), key2, dimension) {
			int64_t uusd;
			if (str_eq(json_str(dimension, "unit", ""), "Hrs") && num_micro(json_str(json_obj(dimension, "pricePerUnit"), "USD", ""), &uusd) && uusd > 0)
				return uusd;
		}
	return PRICE_UNKNOWN;
}

/* Rows are JSON texts within JSON. */
static void fold_prices(struct aws *t, const json_t *body)
{
	json_t *prices = part(t, "prices"), *v;
	size_t i;
	json_array_foreach(json_arr(body, "PriceList"), i, v) {
		struct err e = {0};
		const char *text = json_string_value(v);
		json_t *p = text ? json_parse(text, strlen(text), &e) : json_incref(v);
		const char *type = json_str(json_obj(json_obj(p, "product"), "attributes"), "instanceType", NULL);
		int64_t uusd = price_of(p);
		if (type && uusd != PRICE_UNKNOWN)
			json_put_int(prices, type, uusd);
		json_decref(p);
	}
}

/* ---- rows ------------------------------------------------------------------------------------------------------------------ */

static json_t *price_or_null(const json_t *v)
{
	return json_is_integer(v) ? json_integer(json_integer_value(v)) : json_null();
}

static void add_row(struct aws *t, json_t *rows, const char *type, const json_t *shape, const char *zone)
{
	json_t *row = json_object();
	json_put_str(row, "instance_type", type);
	json_object_set(row, "accelerator", json_object_get(shape, "accelerator"));
	json_object_set(row, "accelerator_count", json_object_get(shape, "count"));
	json_object_set(row, "gpu_mem_mib", json_object_get(shape, "gpu_mem_mib"));
	json_object_set(row, "vcpus", json_object_get(shape, "vcpus"));
	json_object_set(row, "mem_mib", json_object_get(shape, "mem_mib"));
	json_object_set(row, "arch", json_object_get(shape, "arch"));
	json_put_str(row, "region", region_in_hand(t));
	json_put_str(row, "zone", zone);
	json_object_set_new(row, "price_uusd_h", json_bool(shape, "on_demand", true) ? price_or_null(json_object_get(part(t, "prices"), type)) : json_null());
	const json_t *spot = json_object_get(part(t, "spot"), arena_printf(t->a, "%s %s", type, zone));
	json_object_set_new(row, "spot_uusd_h", price_or_null(json_object_get(spot, "uusd")));
	json_put_str(row, "available", "unknown");
	json_array_append_new(rows, row);
}

static json_t *rows_of_region(struct aws *t)
{
	json_t *rows = json_array(), *zones, *zone, *types = part(t, "types");
	const char *type;
	size_t i;
	json_object_foreach(part(t, "zones"), type, zones) {
		const json_t *shape = json_object_get(types, type);
		json_array_foreach(shape && json_int(shape, "vcpus", 0) && json_int(shape, "mem_mib", 0) ? zones : NULL, i, zone)
			add_row(t, rows, type, shape, json_string_value(zone));
	}
	return rows;
}

/* All of one region, boiled down. FAILED: t->err says why. */
static enum provider_step learn_region(struct aws *t)
{
	const char *region = region_in_hand(t), *what = arena_printf(t->a, "asking what %s offers", region);
	AWS_TRY(fold_pages(t, "zones", what, ask_zones, fold_zones));
	AWS_TRY(learn_types(t, what));
	enum provider_step s = fold_pages(t, "spot", what, ask_spot, fold_spot);
	if (s == PROVIDER_REQUEST)
		return s;
	if (s == PROVIDER_FAILED) /* a permission of its own: prices on demand are worth having alone */
		json_put_bool(part(t, "done"), "spot", true);
	json_object_del(part(t, "done"), s == PROVIDER_FAILED ? "next" : "");
	return fold_pages(t, "prices", arena_printf(t->a, "asking for the prices of %s", region), ask_prices, fold_prices);
}

static void begin_region(struct aws *t, const char *region)
{
	static const char *const parts[] = {"zones", "spot", "prices", "done"};
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		json_object_del(t->c->scratch, parts[i]);
	json_object_del(t->got, "page");
	json_put_str(t->c->scratch, "region", region);
	json_put_int(t->c->scratch, "since", aws_now_ms(t));
}

/* A piece of the rows that wait; DONE: none waits. */
static enum provider_step give_part(struct aws *t, const char *progress)
{
	json_t *rows = json_object_get(t->c->scratch, "rows");
	size_t n = json_array_size(rows), k = n < PART_ROWS ? n : PART_ROWS;
	if (!n)
		return PROVIDER_DONE;
	json_t *piece = json_array();
	for (size_t i = n - k; i < n; i++)
		json_array_append(piece, json_array_get(rows, i));
	for (size_t i = 0; i < k; i++)
		json_array_remove(rows, n - 1 - i);
	json_decref(t->c->result);
	t->c->result = json_pack("{s:o, s:s}", "offers", piece, "progress", progress);
	return PROVIDER_PART;
}

enum provider_step aws_offers(struct aws *t)
{
	const json_t *regions;
	json_t *silent = json_object_get(t->c->scratch, "silent");
	bool found, catalog = json_bool(t->c->args, "catalog", false);
	AWS_TRY(aws_login_if_any(t, &found));
	if (!found && catalog && (json_bool(t->c->args, "named", false) || aws_region_is_wanted(t, NULL)))
		return aws_price_list(t);
	if (!found && catalog)
		return aws_failed(t, ERR_CREDENTIALS, ERR_SCOPE_CLOUD,
		    "no AWS keys; `skytop catalog update --live aws` takes AWS's public price list instead, without spot, and some 200 MB a region (the setting "
		    "aws.regions names those to take)");
	AWS_TRY(aws_login(t));
	if (!catalog) /* EC2 does not tell what is free: that there are keys is the answer */
		return aws_done(t, json_pack("{s:s}", "source", "the catalog"));
	AWS_TRY(aws_regions(t, &regions));
	if (!silent)
		json_object_set_new(t->c->scratch, "silent", silent = json_array());
	size_t n = json_array_size(regions);
	for (size_t at; (at = (size_t)json_int(t->c->scratch, "at", 0)) < n;) {
		const char *region = json_string_value(json_array_get(regions, at));
		if (!str_eq(region, region_in_hand(t)))
			begin_region(t, region);
		if (!json_object_get(t->c->scratch, "rows")) {
			enum provider_step s = learn_region(t);
			if (s == PROVIDER_REQUEST)
				return s;
			if (s == PROVIDER_FAILED)
				json_array_append_new(silent, json_foreign(arena_printf(t->a, "%s: %s", region, t->err->text)));
			json_object_set_new(t->c->scratch, "rows", rows_of_region(t));
		}
		enum provider_step s = give_part(t, arena_printf(t->a, "%s (%zu of %zu regions)", region, at + 1, n));
		if (s != PROVIDER_DONE)
			return s;
		json_object_del(t->c->scratch, "rows");
		json_put_int(t->c->scratch, "at", (int64_t)at + 1);
	}
	if (json_array_size(silent) == n && n) /* t->err is of one of them, in this step or an earlier one */
		return aws_failed(t, ERR_NETWORK, ERR_SCOPE_CLOUD, json_string_value(json_array_get(silent, 0)));
	*t->err = (struct err){0};
	return aws_done(t, json_pack("{s:[], s:s, s:O}", "offers", "source", "aws price list and EC2", "silent", silent));
}
