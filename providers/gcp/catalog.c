/* What Google Cloud sells: machine types of every zone, joined with the price list. Both are long (some eighty pages of types, ten of prices),
 * so that of each page only what is needed is kept, and offers are given in parts. N1 machines are offered with every GPU that can be attached
 * to them in their zone. */
#include <inttypes.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "providers/gcp/gcp_priv.h"
#include "providers/gcp/sku.h"

enum { PART_ROWS = 5000 };

static const char types_key[] = "machine types", accelerators_key[] = "accelerators", prices_key[] = "prices";

/* ---- what is kept --------------------------------------------------------------------------------------------------- */

/* Types are the same in all zones: {"types": {name: [vcpus, MiB, accelerator or null, n]}, "zones": {zone: [names]}} */
static void take_types(struct gcp *g, json_t *state, const json_t *body, const char *arg)
{
	const char *scope;
	json_t *in, *t;
	size_t i;
	(void)g;
	(void)arg;
	json_object_foreach(json_obj(body, "items"), scope, in) {
		json_array_foreach(json_arr(in, "machineTypes"), i, t) {
			const char *name = json_str(t, "name", ""), *zone = gcp_last_part(scope);
			const json_t *acc = json_array_get(json_arr(t, "accelerators"), 0);
			const struct gcp_accelerator_name *known = gcp_accelerator_google(json_str(acc, "guestAcceleratorType", NULL));
			/* Shared cores and TPUs are not offered; nor are accelerators that nobody knows a name for. */
			if (!gcp_type_ok(name) || json_bool(t, "isSharedCpu", false) || (acc && !known) || str_starts(name, "ct"))
				continue;
			if (!json_object_get(talk_child(state, "types"), name))
				json_object_set_new(talk_child(state, "types"), name,
				    json_pack("[I, I, s?, I]", (json_int_t)json_int(t, "guestCpus", 0), (json_int_t)json_int(t, "memoryMb", 0),
					known ? known->name : NULL, (json_int_t)json_int(acc, "guestAcceleratorCount", 0)));
			json_t *zones = talk_child(state, "zones"), *list = json_arr(zones, zone);
			if (!list) {
				list = json_array();
				json_object_set_new(zones, zone, list);
			}
			json_array_append_new(list, json_string(name));
		}
	}
}

/* {zone: [[accelerator, most on one machine]]}, of those that are attached to N1 machines. */
static void take_accelerators(struct gcp *g, json_t *state, const json_t *body, const char *arg)
{
	static const char *const attached[] = {"T4", "V100", "P100", "P4"};
	const char *scope;
	json_t *in, *t;
	size_t i;
	(void)g;
	(void)arg;
	json_object_foreach(json_obj(body, "items"), scope, in) {
		json_array_foreach(json_arr(in, "acceleratorTypes"), i, t) {
			const struct gcp_accelerator_name *known = gcp_accelerator_google(json_str(t, "name", NULL));
			bool attaches = false;
			for (size_t k = 0; known && k < ARRAY_LEN(attached); k++)
				attaches = attaches || !strcmp(attached[k], known->name);
			if (!attaches)
				continue;
			json_t *zones = talk_child(state, "zones"), *list = json_arr(zones, gcp_last_part(scope));
			if (!list) {
				list = json_array();
				json_object_set_new(zones, gcp_last_part(scope), list);
			}
			json_array_append_new(list, json_pack("[s, I]", known->name, (json_int_t)json_int(t, "maximumCardsPerInstance", 1)));
		}
	}
}

static void take_prices(struct gcp *g, json_t *state, const json_t *body, const char *arg)
{
	size_t i;
	json_t *line;
	struct sku s;
	(void)g;
	(void)arg;
	json_array_foreach(json_arr(body, "skus"), i, line)
		if (sku_read(line, &s))
			sku_add(talk_child(state, "prices"), &s);
}

/* ---- offers --------------------------------------------------------------------------------------------------------- */

static json_t *price_json(int64_t uusd_h)
{
	return uusd_h == PRICE_UNKNOWN ? json_null() : json_integer(uusd_h);
}

/* Nothing is said about a machine that has no price at all. */
static void offer(json_t *out, const json_t *prices, const struct sku_machine *m, const char *region, const char *zone)
{
	int64_t price = sku_price(prices, m, region, false), spot = sku_price(prices, m, region, true);
	const struct gcp_accelerator_name *acc = gcp_accelerator_of(m->accelerator);
	if (price == PRICE_UNKNOWN && spot == PRICE_UNKNOWN)
		return;
	json_t *o = json_object();
	json_put_str(o, "instance_type", m->type);
	json_put_str(o, "accelerator", m->accelerator);
	json_put_int(o, "accelerator_count", m->accelerator ? m->accelerators : 0);
	json_put_int(o, "gpu_mem_mib", acc ? acc->mem_gib * INT64_C(1024) : 0);
	json_put_int(o, "vcpus", m->vcpus);
	json_put_int(o, "mem_mib", m->mem_mib);
	json_put_str(o, "region", region);
	json_put_str(o, "zone", zone);
	json_object_set_new(o, "price_uusd_h", price_json(price));
	json_object_set_new(o, "spot_uusd_h", price_json(spot));
	json_put_str(o, "available", "unknown");
	json_array_append_new(out, o);
}

/* The largest N1 machine for 1, 2, 4 and 8 of a GPU, in vCPUs: cloud.google.com/compute/docs/gpus#n1-gpus. */
static int64_t most_vcpus(const char *accelerator, int64_t n)
{
	static const struct {
		const char *accelerator;
		int most[4];
	} rows[] = {{"V100", {12, 24, 48, 96}}, {"T4", {48, 48, 96, 0}}, {"P4", {24, 48, 96, 0}}, {"P100", {16, 32, 96, 0}}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (!strcmp(rows[i].accelerator, accelerator))
			return rows[i].most[n == 1 ? 0 : n == 2 ? 1 : n == 4 ? 2 : 3];
	return 0;
}

static void offer_attached(json_t *out, const json_t *prices, const struct sku_machine *bare, const json_t *accelerators, const char *region, const char *zone)
{
	size_t i;
	json_t *a;
	json_array_foreach(accelerators, i, a) {
		struct sku_machine m = *bare;
		m.accelerator = json_string_value(json_array_get(a, 0));
		for (m.accelerators = 1; m.accelerators <= 8 && m.accelerators <= json_integer_value(json_array_get(a, 1)); m.accelerators *= 2)
			if (m.vcpus >= 2 && m.vcpus <= most_vcpus(m.accelerator, m.accelerators))
				offer(out, prices, &m, region, zone);
	}
}

static void offers_of_zone(struct arena *a, json_t *out, json_t *state[3], const char *zone)
{
	const char *region = gcp_region_of(a, zone);
	size_t i;
	json_t *name;
	json_array_foreach(json_arr(talk_child(state[0], "zones"), zone), i, name) {
		const json_t *t = json_object_get(talk_child(state[0], "types"), json_string_value(name));
		struct sku_machine m = {.type = json_string_value(name), .vcpus = json_integer_value(json_array_get(t, 0)),
		    .mem_mib = json_integer_value(json_array_get(t, 1)),
		    .accelerator = json_string_value(json_array_get(t, 2)), .accelerators = json_integer_value(json_array_get(t, 3))};
		offer(out, talk_child(state[2], "prices"), &m, region, zone);
		if (gcp_attaches(m.type))
			offer_attached(out, talk_child(state[2], "prices"), &m, json_arr(talk_child(state[1], "zones"), zone), region, zone);
	}
}

/* ---- the call ------------------------------------------------------------------------------------------------------- */

static enum provider_step part(struct gcp *g, json_t *rows, const char *progress)
{
	talk_done(&g->talk, json_pack("{s:o, s:s}", "offers", rows, "progress", progress));
	return PROVIDER_PART;
}

/* Zones that were given already are counted in scratch. */
static enum provider_step give(struct gcp *g, json_t *state[3])
{
	json_t *zones = talk_child(state[0], "zones"), *rows = json_array(), *v;
	size_t given = (size_t)json_int(g->c->scratch, "given", 0), at = 0;
	const char *zone;
	json_object_foreach(zones, zone, v) {
		if (at++ < given)
			continue;
		offers_of_zone(g->c->arena, rows, state, zone);
		json_put_int(g->c->scratch, "given", (int64_t)at);
		if (json_array_size(rows) >= PART_ROWS / 2 && at < json_object_size(zones))
			return part(g, rows, arena_printf(g->c->arena, "Google Cloud: %zu of %zu zones", at, json_object_size(zones)));
	}
	return talk_done(&g->talk, json_pack("{s:o, s:s}", "offers", rows, "source", "Google Cloud's price list and machine types"));
}

enum provider_step gcp_offers(struct gcp *g)
{
	if (!json_bool(g->c->args, "catalog", false)) /* what is free at this moment is not told: that there are credentials is the answer */
		return talk_done(&g->talk, json_pack("{s:s}", "source", "the catalog"));
	static const char fields[] = "items/*/machineTypes(name,guestCpus,memoryMb,isSharedCpu,accelerators),nextPageToken";
	int r[3] = {
	    gcp_pages(g, types_key, gcp_compute(g, NULL, "/aggregated/machineTypes?maxResults=500&fields=%s", talk_quote(g->c->arena, fields)),
		"listing the machine types of Google Cloud", take_types, NULL),
	    gcp_pages(g, accelerators_key, gcp_compute(g, NULL, "/aggregated/acceleratorTypes?maxResults=500"), "listing the accelerators of Google Cloud",
		take_accelerators, NULL),
	    gcp_pages(g, prices_key, gcp_url(g, GCP_BILLING, "/v1/services/6F81-5844-456A/skus?pageSize=5000"), "reading the price list of Google Cloud", take_prices,
		NULL),
	};
	int ready = 1;
	for (size_t i = 0; i < ARRAY_LEN(r); i++)
		ready = r[i] < 0 || ready < 0 ? -1 : ready && r[i];
	if (ready <= 0)
		return ready ? PROVIDER_FAILED : talk_send(&g->talk);
	json_t *lists = json_obj(g->c->scratch, "lists");
	json_t *state[3] = {json_obj(lists, types_key), json_obj(lists, accelerators_key), json_obj(lists, prices_key)};
	return give(g, state);
}
