/* Packing: offers from the tables into flat arrays and those into blobs; and back, with every index checked. */
#include "core/store/pack.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/store/catalog_db.h"

enum part { PART_HEADER, PART_ROWS, PART_TYPES, PART_PLACES, PART_SOURCES, PART_STRINGS, PARTS };

enum {
	PACK_VERSION = 1,
	PACK_ORDER = 0x01020304,
	PACK_MAX_BYTES = 512 * 1024 * 1024,
	NO_STRING = UINT32_MAX,
};

/* Strings are offsets into the string part. */
struct packed_type {
	uint32_t provider, instance_type, accelerator, arch;
	int64_t accel_count_micro, gpu_mem_mib, vcpus_micro, mem_mib;
};

struct packed_place {
	uint32_t provider, region, zone, unused;
};

struct packed_source {
	int64_t as_of_ms;
	uint32_t name;
	uint8_t as_of_known, spot_estimated, stale, unused;
};

struct header {
	char magic[8];
	uint32_t version, order;
	uint32_t row_size, type_size, place_size, source_size;
	uint64_t bytes[PARTS];
	uint64_t sum[PARTS];
};

static const uint32_t sizes[PARTS] = {
	[PART_HEADER] = sizeof(struct header), [PART_ROWS] = sizeof(struct offer), [PART_TYPES] = sizeof(struct packed_type),
	[PART_PLACES] = sizeof(struct packed_place), [PART_SOURCES] = sizeof(struct packed_source), [PART_STRINGS] = 1};

struct pack {
	void *part[PARTS];
	size_t bytes[PARTS];
	struct offer_type *types;
	struct offer_place *places;
	struct offer_source *sources;
	struct offers offers;
};

/* Detects damage, not malice; four lanes, since one multiplication waits for the other. */
static uint64_t checksum(const void *data, size_t len)
{
	const unsigned char *p = data;
	uint64_t h[4] = {1, 2, 3, 4}, w;
	for (; len >= 32; p += 32, len -= 32) {
		for (int i = 0; i < 4; i++) {
			memcpy(&w, p + 8 * i, 8);
			h[i] = (h[i] ^ w) * 0x9e3779b97f4a7c15u;
			h[i] ^= h[i] >> 29;
		}
	}
	uint64_t sum = h[0] ^ h[1] * 3 ^ h[2] * 5 ^ h[3] * 7;
	for (; len; p++, len--)
		sum = (sum ^ *p) * 0x100000001b3u;
	return sum;
}

void pack_free(struct pack *p)
{
	if (!p)
		return;
	for (int i = 0; i < PARTS; i++)
		free(p->part[i]);
	free(p->types);
	free(p->places);
	free(p->sources);
	free(p);
}

const struct offers *pack_offers(const struct pack *p)
{
	return &p->offers;
}

/* --- from the parts to offers -----------------------------------------------------------------------------------------*/

static bool string_ok(const struct pack *p, uint32_t at, bool may_lack)
{
	return (may_lack && at == NO_STRING) || at < p->bytes[PART_STRINGS];
}

static const char *string_at(const struct pack *p, uint32_t at)
{
	return at == NO_STRING ? NULL : (const char *)p->part[PART_STRINGS] + at;
}

static bool unpack_types(struct pack *p, size_t n)
{
	const struct packed_type *in = p->part[PART_TYPES];
	p->types = xcalloc(n + 1, sizeof *p->types);
	for (size_t i = 0; i < n; i++) {
		const struct packed_type *t = &in[i];
		if (!string_ok(p, t->provider, false) || !string_ok(p, t->instance_type, false) ||
		    !string_ok(p, t->accelerator, true) || !string_ok(p, t->arch, true))
			return false;
		p->types[i] = (struct offer_type){string_at(p, t->provider), string_at(p, t->instance_type),
		    string_at(p, t->accelerator), string_at(p, t->arch), t->accel_count_micro, t->gpu_mem_mib, t->vcpus_micro,
		    t->mem_mib};
	}
	return true;
}

static bool unpack_places(struct pack *p, size_t n)
{
	const struct packed_place *in = p->part[PART_PLACES];
	p->places = xcalloc(n + 1, sizeof *p->places);
	for (size_t i = 0; i < n; i++) {
		const struct packed_place *q = &in[i];
		if (!string_ok(p, q->provider, false) || !string_ok(p, q->region, false) || !string_ok(p, q->zone, false))
			return false;
		p->places[i] = (struct offer_place){string_at(p, q->provider), string_at(p, q->region), string_at(p, q->zone)};
	}
	return true;
}

static bool unpack_sources(struct pack *p, size_t n)
{
	const struct packed_source *in = p->part[PART_SOURCES];
	p->sources = xcalloc(n + 1, sizeof *p->sources);
	for (size_t i = 0; i < n; i++) {
		if (!string_ok(p, in[i].name, false))
			return false;
		p->sources[i] = (struct offer_source){string_at(p, in[i].name), in[i].as_of_ms, in[i].as_of_known != 0,
		    in[i].spot_estimated != 0, in[i].stale != 0, false};
	}
	return true;
}

static bool rows_ok(const struct offer *rows, size_t n, size_t n_types, size_t n_places, size_t n_sources)
{
	bool ok = true;
	for (size_t i = 0; i < n; i++)
		ok &= rows[i].type < n_types && rows[i].place < n_places && rows[i].source < n_sources &&
		    rows[i].price_uusd_h >= PRICE_UNKNOWN && rows[i].spot_uusd_h >= PRICE_UNKNOWN;
	return ok;
}

/* Make the offers of the parts. False: something points outside. */
static bool unpack(struct pack *p)
{
	size_t n[PARTS];
	for (int i = 1; i < PARTS; i++) {
		n[i] = p->bytes[i] / sizes[i];
		if (p->bytes[i] % sizes[i] || n[i] > UINT32_MAX)
			return false;
	}
	const char *strings = p->part[PART_STRINGS];
	if (n[PART_STRINGS] && strings[n[PART_STRINGS] - 1])
		return false;
	if (!unpack_types(p, n[PART_TYPES]) || !unpack_places(p, n[PART_PLACES]) || !unpack_sources(p, n[PART_SOURCES]) ||
	    !rows_ok(p->part[PART_ROWS], n[PART_ROWS], n[PART_TYPES], n[PART_PLACES], n[PART_SOURCES]))
		return false;
	p->offers = (struct offers){p->part[PART_ROWS], n[PART_ROWS], p->types, n[PART_TYPES], p->places, n[PART_PLACES], p->sources,
	    n[PART_SOURCES]};
	return true;
}

/* --- blobs ------------------------------------------------------------------------------------------------------------*/

/* Read a blob whole. -1: the file cannot be read; -2: there is none, or it has another size. */
static int read_blob(sqlite3 *db, enum part part, size_t want, void **out)
{
	sqlite3_blob *b = NULL;
	int opened = sqlite3_blob_open(db, "main", "pack", "data", part, 0, &b);
	if (opened != SQLITE_OK) {
		sqlite3_blob_close(b);
		return (opened & 0xff) == SQLITE_ERROR ? -2 : -1; /* ERROR: no such row */
	}
	int n = sqlite3_blob_bytes(b), rc = -2;
	if (n >= 0 && (size_t)n == want) {
		void *data = xmalloc(want + 1);
		rc = want == 0 || sqlite3_blob_read(b, data, n, 0) == SQLITE_OK ? 0 : -1;
		if (rc == 0)
			*out = data;
		else
			free(data);
	}
	sqlite3_blob_close(b);
	return rc;
}

static bool header_ok(const struct header *h)
{
	return !memcmp(h->magic, "SKYTPACK", 8) && h->version == PACK_VERSION && h->order == PACK_ORDER &&
	    h->row_size == sizes[PART_ROWS] && h->type_size == sizes[PART_TYPES] && h->place_size == sizes[PART_PLACES] &&
	    h->source_size == sizes[PART_SOURCES];
}

struct pack *pack_read(sqlite3 *db, struct err *err)
{
	struct pack *p = xcalloc(1, sizeof *p);
	const char *why = "it is of another version or machine";
	void *data;
	int rc = read_blob(db, PART_HEADER, sizeof(struct header), &data);
	if (rc == 0) {
		p->part[PART_HEADER] = data;
		rc = header_ok(data) ? 0 : -2;
	}
	const struct header *h = p->part[PART_HEADER];
	for (int i = 1; i < PARTS && rc == 0; i++) {
		why = "it is damaged";
		if (h->bytes[i] > PACK_MAX_BYTES || (rc = read_blob(db, (enum part)i, (size_t)h->bytes[i], &p->part[i])) < 0) {
			rc = rc ? rc : -2;
			break;
		}
		p->bytes[i] = (size_t)h->bytes[i];
		if (checksum(p->part[i], p->bytes[i]) != h->sum[i])
			rc = -2;
	}
	if (rc == 0 && !unpack(p))
		rc = -2;
	if (rc == 0)
		return p;
	pack_free(p);
	if (rc == -1)
		catdb_error(db, "reading the packed offers", err);
	else
		err_set(err, ERR_PROTOCOL, "the packed offers cannot be used: %s", why);
	return NULL;
}

/* --- from the tables to the parts -------------------------------------------------------------------------------------*/

/* Numbers from the database's ids to those in the pack. */
struct id_map {
	uint32_t *to;
	size_t n;
};

static void map_put(struct id_map *m, int64_t id, uint32_t value)
{
	if (id < 0 || id > 100000000)
		return;
	if ((size_t)id >= m->n) {
		size_t n = ((size_t)id + 1) * 2;
		m->to = xreallocarray(m->to, n, sizeof *m->to);
		memset(m->to + m->n, 0xff, (n - m->n) * sizeof *m->to);
		m->n = n;
	}
	m->to[id] = value;
}

static uint32_t map_get(const struct id_map *m, int64_t id)
{
	return id < 0 || (size_t)id >= m->n ? UINT32_MAX : m->to[id];
}

struct packer {
	sqlite3 *db;
	struct str part[PARTS];
	struct id_map types, places, sources;
};

static uint32_t put_string(struct packer *k, sqlite3_stmt *s, int at)
{
	const char *text = (const char *)sqlite3_column_text(s, at);
	if (!text)
		return NO_STRING;
	uint32_t where = (uint32_t)k->part[PART_STRINGS].len;
	str_addn(&k->part[PART_STRINGS], text, strlen(text) + 1);
	return where;
}

/* Texts repeat from row to row (the cloud, the region): the string of the row before is used again when it is the same. */
static uint32_t put_repeating(struct packer *k, sqlite3_stmt *s, int at, uint32_t before)
{
	const char *text = (const char *)sqlite3_column_text(s, at);
	if (text && before != NO_STRING && !strcmp(k->part[PART_STRINGS].data + before, text))
		return before;
	return put_string(k, s, at);
}

static int each(struct packer *k, const char *sql, void (*put)(struct packer *k, sqlite3_stmt *s, void *last), void *last,
    struct err *err)
{
	sqlite3_stmt *s = catdb_prepare(k->db, sql, err);
	int rc;
	if (!s)
		return -1;
	while ((rc = sqlite3_step(s)) == SQLITE_ROW)
		put(k, s, last);
	if (rc != SQLITE_DONE)
		catdb_error(k->db, "catalog.db", err);
	sqlite3_finalize(s);
	return rc == SQLITE_DONE ? 0 : -1;
}

static void put_type(struct packer *k, sqlite3_stmt *s, void *last)
{
	struct packed_type *before = last, t = {
		.provider = put_repeating(k, s, 1, before->provider),
		.instance_type = put_string(k, s, 2),
		.accelerator = put_repeating(k, s, 3, before->accelerator),
		.arch = put_repeating(k, s, 8, before->arch),
		.accel_count_micro = sqlite3_column_int64(s, 4),
		.gpu_mem_mib = catdb_number(s, 5),
		.vcpus_micro = catdb_number(s, 6),
		.mem_mib = catdb_number(s, 7),
	};
	map_put(&k->types, sqlite3_column_int64(s, 0), (uint32_t)(k->part[PART_TYPES].len / sizeof t));
	str_addn(&k->part[PART_TYPES], (const char *)&t, sizeof t);
	*before = t;
}

static void put_place(struct packer *k, sqlite3_stmt *s, void *last)
{
	struct packed_place *before = last, p = {put_repeating(k, s, 1, before->provider), put_repeating(k, s, 2, before->region),
	    put_string(k, s, 3), 0};
	map_put(&k->places, sqlite3_column_int64(s, 0), (uint32_t)(k->part[PART_PLACES].len / sizeof p));
	str_addn(&k->part[PART_PLACES], (const char *)&p, sizeof p);
	*before = p;
}

static void put_source(struct packer *k, sqlite3_stmt *s, void *last)
{
	(void)last;
	struct packed_source q = {.as_of_ms = sqlite3_column_int64(s, 2), .name = put_string(k, s, 1),
	    .as_of_known = sqlite3_column_int(s, 3) != 0, .spot_estimated = sqlite3_column_int(s, 4) != 0,
	    .stale = sqlite3_column_int(s, 5) != 0};
	map_put(&k->sources, sqlite3_column_int64(s, 0), (uint32_t)(k->part[PART_SOURCES].len / sizeof q));
	str_addn(&k->part[PART_SOURCES], (const char *)&q, sizeof q);
}

static void put_row(struct packer *k, sqlite3_stmt *s, void *last)
{
	(void)last;
	int64_t reclaim = catdb_number(s, 6);
	uint32_t type = map_get(&k->types, sqlite3_column_int64(s, 0)), place = map_get(&k->places, sqlite3_column_int64(s, 1)),
		 source = map_get(&k->sources, sqlite3_column_int64(s, 7));
	struct offer r = {catdb_number(s, 3), catdb_number(s, 4), type, place, (uint16_t)source, (uint8_t)sqlite3_column_int(s, 5),
	    reclaim < 0 || reclaim > 254 ? RECLAIM_UNKNOWN : (uint8_t)reclaim, (uint32_t)sqlite3_column_int64(s, 2)};
	if (type != UINT32_MAX && place != UINT32_MAX && source <= UINT16_MAX)
		str_addn(&k->part[PART_ROWS], (const char *)&r, sizeof r);
}

static int compare_rows(const void *a, const void *b)
{
	const struct offer *p = a, *q = b;
	if (p->type != q->type)
		return p->type < q->type ? -1 : 1;
	return p->place < q->place ? -1 : p->place > q->place;
}

/* Types of one cloud, and of one accelerator within it, become neighbours, and rows of one type. Parts that are not NULL are
 * the caller's to free, also on failure. */
static int pack_tables(sqlite3 *db, struct packer *k, struct err *err)
{
	*k = (struct packer){.db = db};
	for (int i = 0; i < PARTS; i++)
		k->part[i] = str_new(PACK_MAX_BYTES);
	struct packed_type type = {NO_STRING, NO_STRING, NO_STRING, NO_STRING, 0, 0, 0, 0};
	struct packed_place place = {NO_STRING, NO_STRING, NO_STRING, 0};
	int rc = each(k, "SELECT id, cloud, instance_type, nullif(accelerator, ''), accel_count_micro, gpu_mem_mib, vcpus_micro, mem_mib,"
			 " arch FROM type ORDER BY cloud, accelerator, accel_count_micro, vcpus_micro, instance_type, id", put_type, &type, err);
	if (rc == 0)
		rc = each(k, "SELECT id, cloud, region, zone FROM place ORDER BY cloud, region, zone", put_place, &place, err);
	if (rc == 0)
		rc = each(k, "SELECT id, name, as_of_ms, as_of_known, spot_estimated, stale FROM source ORDER BY cloud, name", put_source,
		    NULL, err);
	if (rc == 0)
		rc = each(k, "SELECT type, place, id, price_uusd_h, spot_uusd_h, available, reclaim, source FROM offer"
			     " WHERE gone_at_ms IS NULL", put_row, NULL, err);
	free(k->types.to);
	free(k->places.to);
	free(k->sources.to);
	for (int i = 0; i < PARTS && rc == 0; i++)
		if (k->part[i].full)
			rc = err_set(err, ERR_INVALID, "more offers than a catalog can hold");
	if (rc == 0 && k->part[PART_ROWS].len)
		qsort(k->part[PART_ROWS].data, k->part[PART_ROWS].len / sizeof(struct offer), sizeof(struct offer), compare_rows);
	return rc;
}

static void free_parts(struct packer *k)
{
	for (int i = 0; i < PARTS; i++)
		str_free(&k->part[i]);
}

int pack_write(sqlite3 *db, struct err *err)
{
	struct packer k;
	struct header h = {.magic = "SKYTPACK", .version = PACK_VERSION, .order = PACK_ORDER, .row_size = sizes[PART_ROWS],
	    .type_size = sizes[PART_TYPES], .place_size = sizes[PART_PLACES], .source_size = sizes[PART_SOURCES]};
	int rc = pack_tables(db, &k, err);
	sqlite3_stmt *s = rc == 0 ? catdb_prepare(db, "INSERT OR REPLACE INTO pack VALUES(?, ?)", err) : NULL;
	rc = s ? 0 : -1;
	for (int i = 1; i < PARTS && rc == 0; i++) {
		h.bytes[i] = k.part[i].len;
		h.sum[i] = checksum(k.part[i].data, k.part[i].len);
	}
	for (int i = 0; i < PARTS && rc == 0; i++) {
		const void *data = i ? (const void *)str_text(&k.part[i]) : &h;
		sqlite3_bind_int(s, 1, i);
		sqlite3_bind_blob(s, 2, data, (int)(i ? k.part[i].len : sizeof h), SQLITE_STATIC);
		rc = catdb_run(s, err);
	}
	sqlite3_finalize(s);
	free_parts(&k);
	return rc;
}

struct pack *pack_from_tables(sqlite3 *db, struct err *err)
{
	struct packer k;
	struct pack *p = xcalloc(1, sizeof *p);
	int rc = pack_tables(db, &k, err);
	for (int i = 0; i < PARTS && rc == 0; i++) {
		p->bytes[i] = k.part[i].len;
		p->part[i] = str_take(&k.part[i]);
	}
	free_parts(&k);
	if (rc == 0 && !unpack(p))
		rc = err_set(err, ERR_INVALID, "the catalog's tables do not fit together");
	if (rc == 0)
		return p;
	pack_free(p);
	return NULL;
}
