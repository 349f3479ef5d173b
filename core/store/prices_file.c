/* Reading the bundled prices, and building the snapshot of them. These files are our own, so whatever is wrong in one stops
 * the build, with the line: there is no skipping here. */
#include "core/store/prices_file.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "core/store/catalog_db.h"
#include "core/store/gcp.h"

enum { MAX_FIELDS = 400, MAX_BYTES = 8 * 1024 * 1024, MAX_PLACES = 200 };

struct reader {
	struct prices *out;
	const char *file;
	int line;
	struct err *err;
	struct pricelist *l; /* the cloud being read; NULL: none yet */
	char join;	     /* '+': zone is region + letter, '-': region-letter, '=': the zone's own name */
	bool have_source, have_type;
	struct offer_source source;
	struct offer_type type;
	uint32_t type_index;
	struct gcp_accelerator *loose;
	size_t n_loose, cap_loose;
	char *fields[MAX_FIELDS];
	size_t n;
};

static int fail(struct reader *r, const char *what, const char *about)
{
	return err_set(r->err, ERR_INVALID, "%s:%d: %s%s%.80s%s", r->file, r->line, what, about ? " '" : "", about ? about : "",
	    about ? "'" : "");
}

/* Undo %XX in place. */
static bool unescape(char *s)
{
	char *out = s;
	for (; *s; s++) {
		if (*s != '%') {
			*out++ = *s;
			continue;
		}
		if (!isxdigit((unsigned char)s[1]) || !isxdigit((unsigned char)s[2]))
			return false;
		char hex[3] = {s[1], s[2], '\0'};
		*out++ = (char)strtol(hex, NULL, 16);
		s += 2;
	}
	*out = '\0';
	return true;
}

static void end_cloud(struct reader *r)
{
	size_t unmatched = 0;
	if (r->l && str_eq(r->l->cloud, "gcp"))
		gcp_attach(r->l, r->loose, r->n_loose, &unmatched);
	free(r->loose);
	r->loose = NULL;
	r->n_loose = r->cap_loose = 0;
	r->l = NULL;
}

static int read_cloud(struct reader *r)
{
	end_cloud(r);
	if (r->n != 3 || strlen(r->fields[2]) != 1 || !strchr("+-=", r->fields[2][0]))
		return fail(r, "a cloud has a name and one of + - =", NULL);
	for (size_t i = 0; i < r->out->n_lists; i++)
		if (str_eq(r->out->lists[i].cloud, r->fields[1]))
			return fail(r, "a second time the cloud", r->fields[1]);
	ARRAY_GROW(r->out->lists, r->out->n_lists, r->out->cap_lists);
	r->l = &r->out->lists[r->out->n_lists++];
	pricelist_init(r->l, r->fields[1]);
	r->join = r->fields[2][0];
	r->have_source = r->have_type = false;
	return 0;
}

static int read_source(struct reader *r)
{
	if (r->n < 3 || !time_parse(r->fields[2], &r->source.as_of_ms))
		return fail(r, "a source has a name and a date", NULL);
	const char *flags = r->n > 3 ? r->fields[3] : "";
	r->source.name = r->fields[1];
	r->source.as_of_known = strstr(flags, "date-unknown") == NULL;
	r->source.spot_estimated = strstr(flags, "spot-estimated") != NULL;
	r->have_source = true;
	r->have_type = false;
	return 0;
}

/* A decimal that is not negative, in millionths. */
static bool read_micro(const char *s, int64_t *out)
{
	return *s != '-' && num_micro(s, out);
}

/* The i-th field in millionths; -1 when it is empty or not there. */
static bool field_micro(struct reader *r, size_t i, int64_t *out)
{
	*out = -1;
	return i >= r->n || !*r->fields[i] || read_micro(r->fields[i], out);
}

static int read_type(struct reader *r)
{
	int64_t gpu_gib, mem_gib, count;
	if (!r->l || !r->have_source)
		return fail(r, "a type before its cloud and source", NULL);
	if (r->n < 2 || !field_micro(r, 3, &count) || !field_micro(r, 4, &gpu_gib) || !field_micro(r, 5, &r->type.vcpus_micro) ||
	    !field_micro(r, 6, &mem_gib))
		return fail(r, "a type is instance, accelerator, count, GiB of one, vCPUs, GiB", NULL);
	r->type.provider = r->l->cloud;
	r->type.instance_type = r->fields[1];
	r->type.accelerator = r->n > 2 ? r->fields[2] : NULL;
	r->type.arch = NULL;
	r->type.accel_count_micro = count;
	r->type.gpu_mem_mib = gpu_gib < 0 ? -1 : (gpu_gib * 1024 + 500000) / 1000000;
	r->type.mem_mib = mem_gib < 0 ? -1 : (mem_gib * 1024 + 500000) / 1000000;
	if (r->type.accelerator && *r->type.accelerator && count <= 0)
		return fail(r, "how many accelerators?", NULL);
	offer_type_complete(&r->type);
	if (!*r->type.instance_type && (!r->type.accelerator || !str_eq(r->l->cloud, "gcp")))
		return fail(r, "a type without a name", NULL);
	if (*r->type.instance_type)
		r->type_index = pricelist_type(r->l, &r->type);
	r->have_type = true;
	return 0;
}

static void add_offer(struct reader *r, struct offer row, const char *region, const char *zone)
{
	row.place = pricelist_place(r->l, region, zone);
	row.source = pricelist_source(r->l, &r->source);
	if (*r->type.instance_type) {
		row.type = r->type_index;
		pricelist_add(r->l, &row);
		return;
	}
	ARRAY_GROW(r->loose, r->n_loose, r->cap_loose);
	r->loose[r->n_loose++] = (struct gcp_accelerator){r->type.accelerator, r->type.accel_count_micro, r->type.gpu_mem_mib,
	    row.price_uusd_h, row.spot_uusd_h, row.place, row.source};
}

/* "us-east-1:abf", "eu", "FIN-01:zone-a+zone-b": an offer for each zone, or one for the region. */
static int read_place(struct reader *r, const struct offer *row, char *place)
{
	char zone[128], *zones = strchr(place, ':');
	if (zones)
		*zones++ = '\0';
	if (!unescape(place) || strlen(place) > 100)
		return fail(r, "not a region:", place);
	if (!zones) {
		add_offer(r, *row, place, "");
		return 0;
	}
	if (r->join != '=') {
		for (; *zones; zones++) {
			snprintf(zone, sizeof zone, "%s%s%c", place, r->join == '-' ? "-" : "", *zones);
			add_offer(r, *row, place, zone);
		}
		return 0;
	}
	for (char *next; zones; zones = next) {
		next = strchr(zones, '+');
		if (next)
			*next++ = '\0';
		if (!unescape(zones))
			return fail(r, "not a zone:", zones);
		add_offer(r, *row, place, zones);
	}
	return 0;
}

/* "PLACE[,PLACE…]=[PRICE][/SPOT][~RECLAIM]" */
static int read_entry(struct reader *r, char *entry)
{
	struct offer row = {.price_uusd_h = PRICE_UNKNOWN, .spot_uusd_h = PRICE_UNKNOWN, .reclaim = RECLAIM_UNKNOWN};
	int64_t reclaim = RECLAIM_UNKNOWN;
	char *price = strchr(entry, '='), *spot, *percent;
	if (!price)
		return fail(r, "no price in", entry);
	*price++ = '\0';
	if ((percent = strchr(price, '~')))
		*percent++ = '\0';
	if ((spot = strchr(price, '/')))
		*spot++ = '\0';
	if ((*price && !read_micro(price, &row.price_uusd_h)) || (spot && !read_micro(spot, &row.spot_uusd_h)) ||
	    (percent && !num_int(percent, 0, 100, &reclaim)) || (!*price && !spot))
		return fail(r, "not a price:", price);
	if (row.price_uusd_h == 0 || row.spot_uusd_h == 0)
		return fail(r, "a price of nothing; leave it out when it is not known", NULL);
	row.reclaim = (uint8_t)reclaim;
	for (char *place = entry, *next; place; place = next) {
		next = strchr(place, ',');
		if (next)
			*next++ = '\0';
		if (read_place(r, &row, place) < 0)
			return -1;
	}
	return 0;
}

static int read_entries(struct reader *r)
{
	if (!r->have_type)
		return fail(r, "prices without a type", NULL);
	for (size_t i = 1; i < r->n; i++)
		if (read_entry(r, r->fields[i]) < 0)
			return -1;
	return 0;
}

/* egress, cloud, region, from GB, to GB or -, price, destinations */
static int read_egress(struct reader *r)
{
	struct egress_price e = {.to_gb = -1};
	if (!r->have_source || r->n != 7 || !num_int(r->fields[3], 0, INT64_C(1) << 40, &e.from_gb) ||
	    (strcmp(r->fields[4], "-") != 0 && !num_int(r->fields[4], e.from_gb + 1, INT64_C(1) << 40, &e.to_gb)) ||
	    !read_micro(r->fields[5], &e.price_uusd_per_gb))
		return fail(r, "egress is cloud, region, from GB, to GB or -, price, destinations, after a source", NULL);
	e.cloud = r->fields[1];
	e.src_region = r->fields[2];
	e.source = r->source.name;
	e.as_of_ms = r->source.as_of_ms;
	for (char *dst = r->fields[6], *next; dst; dst = next) {
		next = strchr(dst, ' ');
		if (next)
			*next++ = '\0';
		e.dst = dst;
		ARRAY_GROW(r->out->egress, r->out->n_egress, r->out->cap_egress);
		r->out->egress[r->out->n_egress++] = e;
	}
	return 0;
}

static int read_line(struct reader *r, char *line)
{
	static const struct {
		const char *word;
		int (*read)(struct reader *r);
	} lines[] = {{"", read_entries}, {"type", read_type}, {"source", read_source}, {"cloud", read_cloud}, {"egress", read_egress}};
	if (!*line || *line == '#')
		return 0;
	r->n = 0;
	for (char *p = line, *next; p; p = next) {
		if (r->n == MAX_FIELDS)
			return fail(r, "too many fields", NULL);
		next = strchr(p, '\t');
		if (next)
			*next++ = '\0';
		r->fields[r->n++] = p;
	}
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		if (str_eq(r->fields[0], lines[i].word))
			return lines[i].read(r);
	return fail(r, "no such line:", r->fields[0]);
}

void prices_init(struct prices *p)
{
	*p = (struct prices){.arena = arena_create()};
}

void prices_free(struct prices *p)
{
	for (size_t i = 0; i < p->n_lists; i++)
		pricelist_free(&p->lists[i]);
	free(p->lists);
	free(p->egress);
	arena_destroy(p->arena);
	*p = (struct prices){.n_lists = 0};
}

int prices_read(struct prices *p, const char *file, char *text, size_t len, struct err *err)
{
	static const char magic[] = "skytop-prices 1";
	struct reader r = {.out = p, .file = file, .err = err};
	int rc = 0;
	if (memchr(text, '\0', len) || strlen(text) != len)
		return err_set(err, ERR_INVALID, "%s: not text", file);
	for (char *line = text, *next; line && rc == 0; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (++r.line == 1)
			rc = strcmp(line, magic) ? fail(&r, "the first line must be", magic) : 0;
		else
			rc = read_line(&r, line);
	}
	end_cloud(&r);
	return rc;
}

/* --- building ---------------------------------------------------------------------------------------------------------*/

static int64_t newest(const struct pricelist *l)
{
	int64_t at = 0;
	for (size_t i = 0; i < l->n_sources; i++)
		if (l->sources[i].as_of_ms > at)
			at = l->sources[i].as_of_ms;
	return at;
}

static int write_prices(const struct prices *p, const char *out, struct err *err)
{
	struct catdb_counts counts;
	sqlite3 *db = catdb_open_build(out, err);
	int rc = db ? catdb_write_accelerators(db, err) : -1;
	for (size_t i = 0; i < p->n_lists && rc == 0; i++) /* nothing but the date of its sources decides the bytes */
		rc = catdb_replace_cloud(db, &p->lists[i], newest(&p->lists[i]), &counts, err);
	if (rc == 0)
		rc = catdb_replace_egress(db, p->egress, p->n_egress, err);
	if (rc == 0)
		rc = catdb_set_meta(db, "pristine", 1, err);
	if (rc == 0)
		return catdb_finish_build(db, out, err);
	sqlite3_close(db);
	return -1;
}

int catalog_build_snapshot(const char *const *files, size_t n, const char *out, struct err *err)
{
	struct prices p;
	char **texts = xcalloc(n + 1, sizeof *texts);
	int rc = 0;
	prices_init(&p);
	for (size_t i = 0; i < n && rc == 0; i++) {
		size_t len;
		texts[i] = fs_read(files[i], MAX_BYTES, &len, err);
		rc = texts[i] ? prices_read(&p, path_base(files[i]), texts[i], len, err) : -1;
	}
	if (rc == 0)
		rc = write_prices(&p, out, err);
	prices_free(&p);
	for (size_t i = 0; i < n; i++)
		free(texts[i]);
	free(texts);
	return rc;
}
