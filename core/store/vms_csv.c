/* SkyPilot's price lists, https://github.com/skypilot-org/skypilot-catalog: one file a cloud, columns by the names of the
 * header, in any order, more of them than we need. Missing values are empty and mean unknown; a price of 0 means it too,
 * since no cloud gives machines away and these lists have 0 where the price was not found. */
#include "core/store/vms_csv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/num.h"
#include "core/base/str.h"
#include "core/store/csv.h"
#include "core/store/gcp.h"

enum column { INSTANCE, ACCELERATOR, COUNT, VCPUS, MEMORY, GPU_INFO, PRICE, SPOT, REGION, ZONE, ARCH, COLUMNS };

static const struct {
	const char *name;
	bool needed;
} columns[COLUMNS] = {
	[INSTANCE] = {"InstanceType", true},	   [ACCELERATOR] = {"AcceleratorName", false},
	[COUNT] = {"AcceleratorCount", false},	   [VCPUS] = {"vCPUs", false},
	[MEMORY] = {"MemoryGiB", false},	   [GPU_INFO] = {"GpuInfo", false},
	[PRICE] = {"Price", true},		   [SPOT] = {"SpotPrice", false},
	[REGION] = {"Region", true},		   [ZONE] = {"AvailabilityZone", false},
	[ARCH] = {"Arch", false},
};

struct reader {
	struct csv csv;
	size_t at[COLUMNS]; /* which field; SIZE_MAX: the file has no such column */
	size_t width;
	const struct zone_names *zones;
	struct pricelist *l;
	struct vms_report *report;
	uint16_t source;
	struct gcp_accelerator *loose; /* accelerators without a machine */
	size_t n_loose, cap_loose;
	/* The lines of a type are neighbours mostly: its fields in the line before, and what they came to. */
	const char *last[ZONE];
	struct offer_type last_type;
	char why[120]; /* what is wrong with the row */
};

static int read_header(struct reader *r, struct err *err)
{
	if (csv_next(&r->csv) != CSV_ROW)
		return err_set(err, ERR_INVALID, "line 1: no header");
	r->width = r->csv.n;
	for (size_t c = 0; c < COLUMNS; c++) {
		r->at[c] = SIZE_MAX;
		for (size_t i = 0; i < r->csv.n; i++)
			if (!strcasecmp(r->csv.fields[i], columns[c].name))
				r->at[c] = i;
		if (r->at[c] == SIZE_MAX && columns[c].needed)
			return err_set(err, ERR_INVALID, "line 1: the header has no column %s", columns[c].name);
	}
	return 0;
}

/* "" where the file has no such column. */
static const char *field(const struct reader *r, enum column c)
{
	return r->at[c] == SIZE_MAX ? "" : r->csv.fields[r->at[c]];
}

/* Millionths; -1 when empty or NaN. False: not a number, negative, or past `max` whole units. */
static bool read_micro(struct reader *r, enum column c, int64_t max, int64_t *out)
{
	const char *s = field(r, c);
	double d;
	int64_t v = -1;
	if (!*s || !strcasecmp(s, "nan")) {
		*out = -1;
		return true;
	}
	bool ok = num_micro(s, &v);
	if (!ok && strpbrk(s, "eE") && num_double(s, &d) && d >= 0 && d <= (double)max) { /* 5e-05 */
		v = llround(d * 1e6);
		ok = true;
	}
	if (!ok || v < 0 || v > max * 1000000) {
		snprintf(r->why, sizeof r->why, "%s is '%.40s', not a number from 0 to %lld", columns[c].name, s, (long long)max);
		return false;
	}
	*out = v;
	return true;
}

/* The memory of one accelerator in GpuInfo, {'Gpus': [{…'MemoryInfo': {'SizeInMiB': 81920}}]…}; -1. */
static int64_t gpu_memory(const char *info)
{
	static const char key[] = "SizeInMiB";
	const char *p = strstr(info, key);
	int64_t v = 0;
	if (!p)
		return -1;
	p += sizeof key - 1;
	p += strspn(p, "'\": ");
	size_t n = strspn(p, "0123456789");
	if (n == 0 || n > 9)
		return -1;
	for (size_t i = 0; i < n; i++)
		v = v * 10 + (p[i] - '0');
	return v > 0 ? v : -1;
}

static const char *zone_name(const struct zone_names *z, const char *zone)
{
	for (size_t i = 0; z && i < z->n; i++)
		if (!strcmp(z->v[i].id, zone))
			return z->v[i].name;
	return zone;
}

static bool check_text(struct reader *r, enum column c, size_t max)
{
	const char *s = field(r, c);
	size_t bad, len = strlen(s);
	if (len <= max && utf8_valid(s, len, &bad))
		return true;
	snprintf(r->why, sizeof r->why, len > max ? "%s is longer than %zu bytes" : "%s is not UTF-8", columns[c].name, max);
	return false;
}

/* Are all fields about the type the same as in the line before? */
static bool same_type(struct reader *r)
{
	static const enum column about[] = {INSTANCE, ACCELERATOR, COUNT, VCPUS, MEMORY, GPU_INFO};
	bool same = r->last[INSTANCE] != NULL;
	for (size_t i = 0; same && i < ARRAY_LEN(about); i++)
		same = !strcmp(field(r, about[i]), r->last[about[i]]);
	for (size_t i = 0; i < ARRAY_LEN(about); i++)
		r->last[about[i]] = field(r, about[i]);
	return same;
}

static bool read_type(struct reader *r, struct offer_type *t)
{
	int64_t count, memory;
	if (!check_text(r, REGION, 100) || !check_text(r, ZONE, 100))
		return false;
	if (same_type(r)) {
		*t = r->last_type;
		return true;
	}
	r->last[INSTANCE] = NULL; /* until this one is known to be good */
	if (!check_text(r, INSTANCE, 200) || !check_text(r, ACCELERATOR, 60) || !check_text(r, ARCH, 20))
		return false;
	if (!read_micro(r, COUNT, 100000, &count) || !read_micro(r, VCPUS, 100000, &t->vcpus_micro) ||
	    !read_micro(r, MEMORY, 1000000, &memory))
		return false;
	t->provider = r->l->cloud;
	t->instance_type = field(r, INSTANCE);
	t->accelerator = field(r, ACCELERATOR);
	t->accel_count_micro = count > 0 ? count : 1000000;
	t->gpu_mem_mib = gpu_memory(field(r, GPU_INFO));
	t->mem_mib = memory < 0 ? -1 : (memory * 1024 + 500000) / 1000000;
	t->arch = field(r, ARCH);
	if (!*t->instance_type && !*t->accelerator) {
		snprintf(r->why, sizeof r->why, "neither an instance type nor an accelerator");
		return false;
	}
	if (!*t->instance_type && strcmp(r->l->cloud, "gcp") != 0) {
		snprintf(r->why, sizeof r->why, "no instance type");
		return false;
	}
	offer_type_complete(t);
	r->last_type = *t;
	r->last[INSTANCE] = field(r, INSTANCE);
	return true;
}

static void add_loose(struct reader *r, const struct offer_type *t, const struct offer *row)
{
	ARRAY_GROW(r->loose, r->n_loose, r->cap_loose);
	r->loose[r->n_loose++] = (struct gcp_accelerator){arena_strdup(r->l->arena, t->accelerator), t->accel_count_micro,
	    t->gpu_mem_mib, row->price_uusd_h, row->spot_uusd_h, row->place, row->source};
}

/* One line into the list. False: it is bad, and r->why says why. */
static bool read_row(struct reader *r)
{
	struct offer_type t = {0};
	struct offer row = {.source = r->source, .reclaim = RECLAIM_UNKNOWN};
	if (r->csv.n != r->width) {
		snprintf(r->why, sizeof r->why, "%zu fields where the header has %zu", r->csv.n, r->width);
		return false;
	}
	if (!read_type(r, &t) || !read_micro(r, PRICE, 1000000, &row.price_uusd_h) || !read_micro(r, SPOT, 1000000, &row.spot_uusd_h))
		return false;
	/* What is added up later may have a part that costs nothing; everything else has no price then. */
	bool whole = *t.instance_type && (t.accelerator || strcmp(r->l->cloud, "gcp") != 0);
	if (row.price_uusd_h == 0 && whole)
		row.price_uusd_h = PRICE_UNKNOWN;
	if (row.spot_uusd_h == 0)
		row.spot_uusd_h = PRICE_UNKNOWN;
	row.place = pricelist_place(r->l, field(r, REGION), zone_name(r->zones, field(r, ZONE)));
	if (!*t.instance_type) {
		add_loose(r, &t, &row);
		return true;
	}
	row.type = pricelist_type(r->l, &t);
	pricelist_add(r->l, &row);
	return true;
}

static void bad_row(struct reader *r, const char *why)
{
	struct vms_report *v = r->report;
	v->skipped++;
	if (v->n_problems < ARRAY_LEN(v->problems))
		v->problems[v->n_problems++] = xasprintf("%d: %s", r->csv.line, why);
}

/* Google's plain machines whose price is 0, once the sums are made, have none. */
static void forget_zero_prices(struct pricelist *l)
{
	for (size_t i = 0; i < l->n_rows; i++)
		if (l->rows[i].price_uusd_h == 0)
			l->rows[i].price_uusd_h = PRICE_UNKNOWN;
}

int vms_csv_read(char *text, size_t len, const struct offer_source *source, const struct zone_names *zones,
    struct pricelist *l, struct vms_report *report, struct err *err)
{
	struct reader r = {.zones = zones, .l = l, .report = report};
	csv_start(&r.csv, text, len);
	if (read_header(&r, err) < 0)
		return -1;
	r.source = pricelist_source(l, source);
	enum csv_result got;
	while ((got = csv_next(&r.csv)) != CSV_END && report->rows < VMS_MAX_ROWS) {
		report->rows++;
		if (got == CSV_BAD)
			bad_row(&r, r.csv.problem);
		else if (!read_row(&r))
			bad_row(&r, r.why);
	}
	if (str_eq(l->cloud, "gcp")) {
		gcp_attach(l, r.loose, r.n_loose, &report->unmatched);
		forget_zero_prices(l);
	}
	free(r.loose);
	if (got != CSV_END)
		return err_set(err, ERR_INVALID, "more than %d lines", VMS_MAX_ROWS);
	if (report->skipped * 10 > report->rows)
		return err_set(err, ERR_INVALID, "%zu of %zu lines are bad", report->skipped, report->rows);
	if (l->n_rows == 0)
		return err_set(err, ERR_INVALID, "there is no offer in it");
	return 0;
}

void zone_names_read(char *text, size_t len, struct zone_names *zones)
{
	struct csv c;
	size_t name = SIZE_MAX, id = SIZE_MAX;
	csv_start(&c, text, len);
	if (csv_next(&c) != CSV_ROW)
		return;
	for (size_t i = 0; i < c.n; i++) {
		if (!strcmp(c.fields[i], "AvailabilityZoneName"))
			name = i;
		if (!strcmp(c.fields[i], "AvailabilityZone"))
			id = i;
	}
	if (name == SIZE_MAX || id == SIZE_MAX)
		return;
	for (enum csv_result got; (got = csv_next(&c)) != CSV_END && zones->n < 5000;) {
		if (got == CSV_BAD || c.n <= name || c.n <= id || strlen(c.fields[name]) > 31 || strlen(c.fields[id]) > 31)
			continue;
		ARRAY_GROW(zones->v, zones->n, zones->cap);
		memcpy(zones->v[zones->n].id, c.fields[id], strlen(c.fields[id]) + 1);
		memcpy(zones->v[zones->n++].name, c.fields[name], strlen(c.fields[name]) + 1);
	}
}
