/* What Azure sells: retail prices, which everybody may read, region by region; with credentials also what each size is and whether this subscription may
 * have it there. Without, only the sizes that are known by table are offered. Lists are long (ten thousand prices of a region, ten megabytes of
 * sizes), so that of each page only what is needed is kept, and offers are given in parts. */
#include <math.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "providers/azure/azure_priv.h"

enum { AT_ONCE = 4 };

/* ---- what is kept --------------------------------------------------------------------------------------------------- */

/* Machines with Linux by the hour, not those of others' hosts; of the same size in two series the lower price counts. */
static bool counts(const json_t *line)
{
	static const char *const not_ours[] = {"Windows", "Cloud Services", "CloudServices", "Dedicated Host"};
	const char *product = json_str(line, "productName", ""), *meter = json_str(line, "meterName", ""), *sku = json_str(line, "skuName", "");
	bool ok = *product && str_eq(json_str(line, "type", ""), "Consumption") && str_eq(json_str(line, "unitOfMeasure", ""), "1 Hour") &&
		  azure_size_ok(json_str(line, "armSkuName", ""));
	for (size_t i = 0; i < ARRAY_LEN(not_ours); i++)
		ok = ok && !strstr(product, not_ours[i]);
	return ok && !strstr(meter, "Low Priority") && !strstr(sku, "Low Priority") && !strstr(meter, "Expired");
}

/* {"spot" or "price": {size: micro-dollars an hour}} */
static void take_prices(struct azure *g, json_t *state, const json_t *items)
{
	size_t i;
	json_t *line;
	(void)g;
	json_array_foreach(items, i, line) {
		double usd = json_number_value(json_object_get(line, "retailPrice"));
		if (!counts(line) || !(usd > 0) || usd > 1e6)
			continue;
		bool spot = str_ends(json_str(line, "skuName", ""), " Spot") || str_ends(json_str(line, "meterName", ""), " Spot");
		json_t *list = talk_child(state, spot ? "spot" : "price");
		const char *size = json_str(line, "armSkuName", "");
		int64_t uusd = (int64_t)llround(usd * 1e6), was = json_int(list, size, 0);
		if (!was || uusd < was)
			json_put_int(list, size, uusd);
	}
}

static double capability(const json_t *sku, const char *name)
{
	double n = 0;
	size_t i;
	json_t *v;
	json_array_foreach(json_arr(sku, "capabilities"), i, v)
		if (str_eq(json_str(v, "name", ""), name))
			num_double(json_str(v, "value", "0"), &n);
	return n;
}

/* Not to be had by this subscription in the region at all? */
static bool restricted(const json_t *sku)
{
	size_t i;
	json_t *v;
	json_array_foreach(json_arr(sku, "restrictions"), i, v)
		if (str_eq(json_str(v, "type", ""), "Location"))
			return true;
	return false;
}

/* {"sizes": {size: [vCPUs, MiB, GPUs]}} */
static void take_sizes(struct azure *g, json_t *state, const json_t *items)
{
	size_t i;
	json_t *v;
	(void)g;
	json_array_foreach(items, i, v) {
		const char *name = json_str(v, "name", "");
		if (str_eq(json_str(v, "resourceType", ""), "virtualMachines") && azure_size_ok(name) && !restricted(v))
			json_object_set_new(talk_child(state, "sizes"), name,
			    json_pack("[I, I, I]", (json_int_t)capability(v, "vCPUs"), (json_int_t)(capability(v, "MemoryGB") * 1024),
				(json_int_t)capability(v, "GPUs")));
	}
}

/* ---- offers --------------------------------------------------------------------------------------------------------- */

static json_t *price_json(const json_t *list, const char *size)
{
	int64_t uusd = json_int(list, size, 0);
	return uusd ? json_integer((json_int_t)uusd) : json_null();
}

static void offer(json_t *out, const char *size, const char *region, int64_t vcpus, int64_t mem_mib, const json_t *prices)
{
	const struct azure_size *known = azure_size_of(size);
	const json_t *price = json_obj(prices, "price"), *spot = json_obj(prices, "spot");
	if ((!json_object_get(price, size) && !json_object_get(spot, size)) || vcpus <= 0 || mem_mib <= 0)
		return;
	json_t *o = json_object();
	json_put_str(o, "instance_type", size);
	json_put_str(o, "accelerator", known ? known->accelerator : NULL);
	json_object_set_new(o, "accelerator_count", known ? json_real(known->count) : json_integer(0));
	json_put_int(o, "gpu_mem_mib", known ? known->gpu_gib * INT64_C(1024) : 0);
	json_put_int(o, "vcpus", vcpus);
	json_put_int(o, "mem_mib", mem_mib);
	json_put_str(o, "region", region);
	json_put_str(o, "zone", "");
	json_object_set_new(o, "price_uusd_h", price_json(price, size));
	json_object_set_new(o, "spot_uusd_h", price_json(spot, size));
	json_put_str(o, "available", "unknown");
	json_array_append_new(out, o);
}

/* sizes NULL: of the table. GPUs that nobody knows the model of are not offered. */
static void offers_of(json_t *out, const char *region, const json_t *prices, const json_t *sizes)
{
	const char *name;
	json_t *v;
	const struct azure_size *s;
	for (size_t i = 0; !sizes && (s = azure_size_at(i)); i++)
		offer(out, s->name, region, s->vcpus, s->mem_gib * INT64_C(1024), prices);
	json_object_foreach((json_t *)(uintptr_t)sizes, name, v) {
		bool gpus = json_integer_value(json_array_get(v, 2)) > 0 || str_starts(name, "Standard_N");
		if (!gpus || azure_size_of(name))
			offer(out, name, region, json_integer_value(json_array_get(v, 0)), json_integer_value(json_array_get(v, 1)), prices);
	}
}

/* ---- the call ------------------------------------------------------------------------------------------------------- */

/* Both lists of one region: 1, 0, −1. A subscription that may not see sizes has those of the table. */
static int read_region(struct azure *g, const char *region, bool sizes)
{
	struct arena *a = g->c->arena;
	const char *filter = arena_printf(a, "serviceName eq 'Virtual Machines' and priceType eq 'Consumption' and armRegionName eq '%s'", region);
	const char *prices_url = azure_url(g, AZURE_PRICES, "/api/retail/prices?api-version=2023-01-01-preview&currencyCode=%s&$filter=%s", "%27USD%27",
	    talk_quote(a, filter));
	int p = azure_pages(g, arena_printf(a, "prices:%s", region), prices_url, "reading the price list of Azure", true, take_prices), s = 1;
	if (sizes && p >= 0)
		s = azure_pages(g, arena_printf(a, "sizes:%s", region),
		    azure_in(g, NULL, "2021-07-01", "/providers/Microsoft.Compute/skus?$filter=%s", talk_quote(a, arena_printf(a, "location eq '%s'", region))),
		    "listing the sizes of Azure", false, take_sizes);
	return p < 0 || s < 0 ? -1 : p && s;
}

static json_t *state_of(struct azure *g, const char *kind, const char *region)
{
	return json_obj(json_obj(g->c->scratch, "lists"), arena_printf(g->c->arena, "%s:%s", kind, region));
}

/* The next regions, a few at once; `done` of them are given already. */
static enum provider_step next_part(struct azure *g, bool sizes)
{
	const char *const *regions = azure_cloud(g)->regions;
	size_t done = (size_t)json_int(g->c->scratch, "done", 0), all = 0, end;
	while (regions[all])
		all++;
	end = done + AT_ONCE < all ? done + AT_ONCE : all;
	int ready = 1;
	for (size_t i = done; i < end; i++) {
		int r = read_region(g, regions[i], sizes);
		ready = r < 0 || ready < 0 ? -1 : ready && r;
	}
	if (ready <= 0)
		return ready ? PROVIDER_FAILED : talk_send(&g->talk);
	json_t *rows = json_array();
	for (size_t i = done; i < end; i++) {
		json_t *known = sizes ? json_obj(state_of(g, "sizes", regions[i]), "sizes") : NULL;
		offers_of(rows, regions[i], state_of(g, "prices", regions[i]), known);
		json_object_del(json_obj(g->c->scratch, "lists"), arena_printf(g->c->arena, "prices:%s", regions[i]));
		json_object_del(json_obj(g->c->scratch, "lists"), arena_printf(g->c->arena, "sizes:%s", regions[i]));
	}
	json_put_int(g->c->scratch, "done", (int64_t)end);
	if (end == all)
		return talk_done(&g->talk, json_pack("{s:o, s:s}", "offers", rows, "source", sizes ? "Azure's retail prices and sizes" : "Azure's retail prices"));
	talk_done(&g->talk, json_pack("{s:o, s:s}", "offers", rows, "progress", arena_printf(g->c->arena, "Azure: %zu of %zu regions", end, all)));
	return PROVIDER_PART;
}

enum provider_step azure_offers(struct azure *g)
{
	bool catalog = json_bool(g->c->args, "catalog", false);
	g->local = !catalog;
	int r = azure_auth(g);
	if (!r)
		return talk_send(&g->talk);
	if (!catalog) /* what is free at this moment is not told: that there are credentials is the answer */
		return r > 0 ? talk_done(&g->talk, json_pack("{s:s}", "source", "the catalog")) : PROVIDER_FAILED;
	bool none = r < 0 && g->err->code == ERR_CREDENTIALS; /* prices are for all */
	if (r < 0 && !none)
		return PROVIDER_FAILED;
	*g->err = (struct err){.code = ERR_NONE};
	if (!azure_cloud(g)->hosts[AZURE_PRICES])
		return talk_failed(&g->talk, ERR_UNSUPPORTED, ERR_SCOPE_CLOUD,
		    "%s tells no prices in dollars: those of the catalog are all there are", azure_cloud(g)->name);
	return next_part(g, !none);
}
