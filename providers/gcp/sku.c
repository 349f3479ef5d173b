/* A machine of Google's has no price: it is so many vCPUs, GiB, GPUs and local disks, each with a line of its own in a list of tens of
 * thousands, told apart by their descriptions alone:
 *   "[Spot Preemptible ]FAMILY Instance Core|Ram running in PLACE", "[Spot Preemptible ]GPU GPU running in PLACE".
 * B200 machines are sold as "(1 gpu slice)", which is a GPU with its share of the rest; some spot lines say they are OnDemand. */
#include "providers/gcp/sku.h"

#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"

enum { SSD_GIB = 375, HOURS_A_MONTH = 730 };

/* What prices of other things say. */
static const char *const strangers[] = {"Sole Tenancy", "Reserved", "Premium", "Custom", "Commitment", "DWS", "Calendar Mode", "suspended", "Upgrade", "Flex Start"};

/* GPUs in descriptions, the most particular first. */
static const struct {
	const char *text, *name;
} gpus[] = {{"H100 80GB Mega", "H100-MEGA"}, {"H100 80GB Plus", "H100-MEGA"}, {"H100 Mega", "H100-MEGA"}, {"H100", "H100"}, {"H200", "H200"}, {"GB200", "GB200"},
    {"GB300", "GB300"}, {"B200", "B200"}, {"A100 80GB", "A100-80GB"}, {"A100", "A100"}, {"RTX 6000 96GB", "RTXPRO6000"}, {"RTX Pro 6000", "RTXPRO6000"},
    {"L4", "L4"}, {"T4", "T4"}, {"V100", "V100"}, {"P100", "P100"}, {"P4", "P4"}};

/* Families whose name in the list is not their first word. */
static const struct {
	const char *text, *family;
} families[] = {{"Compute optimized", "c2"}, {"Memory-optimized", "m1"}};

static bool is_stranger(const char *description)
{
	bool is = false;
	for (size_t i = 0; i < ARRAY_LEN(strangers); i++)
		is = is || str_istr(description, strangers[i]);
	return is;
}

static bool read_gpu(const char *d, struct sku *out)
{
	for (size_t i = 0; i < ARRAY_LEN(gpus); i++)
		if (str_istr(d, gpus[i].text) && !str_istr(d, "Virtual Workstation") && !str_istr(d, " VWS")) {
			snprintf(out->name, sizeof out->name, "%s", gpus[i].name);
			return true;
		}
	return false;
}

/* "A2 Instance Core running in …", "N2D AMD Instance Ram …", "N1 Predefined Instance Core …" */
static bool read_part(const char *d, struct sku *out)
{
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		if (!strncmp(d, families[i].text, strlen(families[i].text))) {
			snprintf(out->name, sizeof out->name, "%s", families[i].family);
			return true;
		}
	size_t n = strcspn(d, " ");
	if (!n || n >= sizeof out->name || !str_istr(d, "Instance "))
		return false;
	for (size_t i = 0; i < n; i++)
		out->name[i] = d[i] >= 'A' && d[i] <= 'Z' ? (char)(d[i] - 'A' + 'a') : d[i];
	out->name[n] = '\0';
	return true;
}

/* Does the word end the description or stand before " running in"? */
static bool is_of(const char *d, const char *word)
{
	const char *p = str_istr(d, word);
	size_t n = strlen(word);
	return p && (!p[n] || !strncmp(p + n, " running", 8) || !strncmp(p + n, " attached", 9));
}

static bool read_what(const char *d, const char *group, struct sku *out)
{
	if (str_eq(group, "LocalSSD") || !strncmp(d, "SSD backed Local Storage", 24)) {
		out->kind = SKU_SSD;
		return str_starts(d, "SSD backed Local Storage");
	}
	if (str_istr(d, "(1 gpu slice)")) {
		out->kind = SKU_SLICE;
		return read_gpu(d, out);
	}
	out->kind = is_of(d, " GPU") ? SKU_GPU : is_of(d, " Core") ? SKU_CORE : SKU_RAM;
	if (out->kind == SKU_RAM && !is_of(d, " Ram"))
		return false;
	return out->kind == SKU_GPU ? read_gpu(d, out) : read_part(d, out);
}

/* The first tier that costs something. */
static int64_t nanos_of(const json_t *line)
{
	const json_t *how = json_obj(json_array_get(json_arr(line, "pricingInfo"), 0), "pricingExpression"), *tier;
	size_t i;
	json_array_foreach(json_arr(how, "tieredRates"), i, tier) {
		const json_t *price = json_obj(tier, "unitPrice");
		int64_t units = 0, nanos = json_int(price, "nanos", 0);
		if (!num_int(json_str(price, "units", "0"), 0, 1000000, &units))
			return -1;
		if (units || nanos > 0)
			return units * 1000000000 + nanos;
	}
	return -1;
}

bool sku_read(const json_t *line, struct sku *out)
{
	static const char spot[] = "Spot Preemptible ";
	const json_t *category = json_obj(line, "category");
	const char *usage = json_str(category, "usageType", ""), *d = json_str(line, "description", ""), *family = json_str(category, "resourceFamily", "");
	struct sku s = {.nano_usd_h = nanos_of(line), .regions = json_arr(line, "serviceRegions")};
	if ((strcmp(family, "Compute") && strcmp(family, "Storage")) || (strcmp(usage, "OnDemand") && strcmp(usage, "Preemptible")) || is_stranger(d) ||
	    s.nano_usd_h <= 0)
		return false;
	s.spot = str_eq(usage, "Preemptible") || str_istr(d, "Spot");
	if (str_starts(d, spot))
		d += sizeof spot - 1;
	else if (str_starts(d, "Preemptible "))
		d += 12;
	if (!read_what(d, json_str(category, "resourceGroup", ""), &s))
		return false;
	if (s.kind == SKU_SSD) /* by the month */
		s.nano_usd_h /= HOURS_A_MONTH;
	*out = s;
	return true;
}

static const char *const kinds[] = {[SKU_CORE] = "core", [SKU_RAM] = "ram", [SKU_GPU] = "gpu", [SKU_SLICE] = "slice", [SKU_SSD] = "ssd"};

void sku_add(json_t *prices, const struct sku *s)
{
	char key[64];
	snprintf(key, sizeof key, "%s/%s", kinds[s->kind], s->name);
	json_t *by_region = json_object_get(prices, key), *v;
	size_t i;
	if (!by_region) {
		by_region = json_object();
		json_object_set_new(prices, key, by_region);
	}
	json_array_foreach(s->regions, i, v) {
		const char *region = json_string_value(v);
		if (!region)
			continue;
		json_t *pair = json_object_get(by_region, region);
		if (!pair) {
			pair = json_pack("[n, n]");
			json_object_set_new(by_region, region, pair);
		}
		json_array_set_new(pair, s->spot, json_integer(s->nano_usd_h));
	}
}

static int64_t price_of(const json_t *prices, enum sku_kind kind, const char *name, const char *region, bool spot)
{
	char key[64];
	snprintf(key, sizeof key, "%s/%s", kinds[kind], name);
	const json_t *v = json_array_get(json_object_get(json_object_get(prices, key), region), spot);
	return json_is_integer(v) ? json_integer_value(v) : -1;
}

/* ---- machines ------------------------------------------------------------------------------------------------------- */

/* Disks that come with a type: of 375 GiB each. */
static int64_t ssds_of(const char *type)
{
	static const struct {
		const char *type;
		int n;
	} rows[] = {{"a2-ultragpu-1g", 1}, {"a2-ultragpu-2g", 2}, {"a2-ultragpu-4g", 4}, {"a2-ultragpu-8g", 8}, {"a3-highgpu-1g", 2}, {"a3-highgpu-2g", 4},
	    {"a3-highgpu-4g", 8}, {"a3-highgpu-8g", 16}, {"a3-edgegpu-8g", 16}, {"a3-megagpu-8g", 16}, {"a3-ultragpu-8g", 32}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (!strcmp(rows[i].type, type))
			return rows[i].n;
	return 0;
}

/* Sold as spot, reserved or by waiting in line, and not otherwise. */
static bool never_on_demand(const char *type)
{
	static const char *const stems[] = {"a4x-", "a4-highgpu-", "a3-ultragpu-"};
	static const char *const whole[] = {"a3-highgpu-1g", "a3-highgpu-2g", "a3-highgpu-4g"};
	bool is = false;
	for (size_t i = 0; i < ARRAY_LEN(stems); i++)
		is = is || str_starts(type, stems[i]);
	for (size_t i = 0; i < ARRAY_LEN(whole); i++)
		is = is || !strcmp(type, whole[i]);
	return is;
}

static void family_of(const char *type, char out[40])
{
	if (str_starts(type, "a3-megagpu-"))
		snprintf(out, 40, "a3plus");
	else if (str_starts(type, "a3-ultragpu-"))
		snprintf(out, 40, "a3ultra");
	else
		snprintf(out, 40, "%.*s", (int)strcspn(type, "-"), type);
}

int64_t sku_price(const json_t *prices, const struct sku_machine *m, const char *region, bool spot)
{
	char family[40];
	int64_t n = m->accelerator ? m->accelerators : 0, slice = n ? price_of(prices, SKU_SLICE, m->accelerator, region, spot) : -1;
	if (!spot && never_on_demand(m->type))
		return PRICE_UNKNOWN;
	if (slice >= 0)
		return (slice * n + 500) / 1000;
	family_of(m->type, family);
	int64_t core = price_of(prices, SKU_CORE, family, region, spot), ram = price_of(prices, SKU_RAM, family, region, spot);
	int64_t gpu = n ? price_of(prices, SKU_GPU, m->accelerator, region, spot) : 0, ssds = ssds_of(m->type);
	int64_t ssd = ssds ? price_of(prices, SKU_SSD, "", region, spot) : 0;
	if (core < 0 || ram < 0 || gpu < 0 || ssd < 0)
		return PRICE_UNKNOWN;
	return (core * m->vcpus + ram * m->mem_mib / 1024 + gpu * n + ssd * ssds * SSD_GIB + 500) / 1000;
}
