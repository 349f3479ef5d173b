/* What goes into catalog.db: one cloud's offers at a time, compared with what was there, so that a new list that says the
 * same writes next to nothing and each change of a price leaves its mark in the history. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "core/model/accelerator.h"
#include "core/store/catalog_db.h"

enum { GONE_DAYS = 90, HISTORY_DAYS = 730 };
#define DAY_MS INT64_C(86400000)

int catdb_set_meta(sqlite3 *db, const char *key, int64_t value, struct err *err)
{
	sqlite3_stmt *s = catdb_prepare(db, "INSERT OR REPLACE INTO meta VALUES(?, ?)", err);
	if (!s)
		return -1;
	sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_int64(s, 2, value);
	int rc = catdb_run(s, err);
	sqlite3_finalize(s);
	return rc;
}

char *catdb_etag(sqlite3 *db, const char *cloud, const char *url)
{
	char *etag = NULL;
	sqlite3_stmt *s = db ? catdb_prepare(db, "SELECT etag FROM hosted WHERE cloud=? AND url=?", NULL) : NULL;
	if (s) {
		sqlite3_bind_text(s, 1, cloud, -1, SQLITE_STATIC);
		sqlite3_bind_text(s, 2, url, -1, SQLITE_STATIC);
		if (sqlite3_step(s) == SQLITE_ROW)
			etag = xstrdup((const char *)sqlite3_column_text(s, 0));
	}
	sqlite3_finalize(s);
	return etag ? etag : xstrdup("");
}

/* --- what is there ----------------------------------------------------------------------------------------------------*/

struct old_offer {
	int64_t type, place; /* ids in the database */
	uint32_t id;
	struct offer row;
	bool gone, listed;
};

/* Everything about the replacement of one cloud. */
struct replacing {
	sqlite3 *db;
	const struct pricelist *l;
	struct catdb_counts *counts;
	struct err *err;
	int64_t at_ms, next_id, before_ms;
	int64_t *type_ids, *place_ids, *source_ids; /* of the list's types, places and sources */
	struct old_offer *old; /* by type, place */
	size_t n_old, cap_old;
	struct reclaim *reclaims;
	size_t n_reclaims;
};

static void bind_text(sqlite3_stmt *s, int at, const char *text)
{
	sqlite3_bind_text(s, at, text ? text : "", -1, SQLITE_STATIC);
}

static int read_old(struct replacing *p)
{
	sqlite3_stmt *s = catdb_prepare(p->db, "SELECT o.type, o.place, o.id, o.price_uusd_h, o.spot_uusd_h, o.available, o.reclaim,"
					    " o.source, o.gone_at_ms FROM type t JOIN offer o ON o.type = t.id WHERE t.cloud = ?"
					    " ORDER BY o.type, o.place", p->err);
	int rc;
	if (!s)
		return -1;
	bind_text(s, 1, p->l->cloud);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		int64_t reclaim = catdb_number(s, 6);
		ARRAY_GROW(p->old, p->n_old, p->cap_old);
		p->old[p->n_old++] = (struct old_offer){sqlite3_column_int64(s, 0), sqlite3_column_int64(s, 1),
		    (uint32_t)sqlite3_column_int64(s, 2),
		    {.price_uusd_h = catdb_number(s, 3), .spot_uusd_h = catdb_number(s, 4), .available = (uint8_t)sqlite3_column_int(s, 5),
			.reclaim = reclaim < 0 ? RECLAIM_UNKNOWN : (uint8_t)reclaim, .source = (uint16_t)sqlite3_column_int(s, 7)},
		    sqlite3_column_type(s, 8) != SQLITE_NULL, false};
	}
	sqlite3_finalize(s);
	return rc == SQLITE_DONE ? 0 : catdb_error(p->db, "catalog.db", p->err);
}

static int compare_old(int64_t type, int64_t place, const struct old_offer *o)
{
	if (type != o->type)
		return type < o->type ? -1 : 1;
	return place < o->place ? -1 : place > o->place;
}

static struct old_offer *find_old(struct replacing *p, int64_t type, int64_t place)
{
	size_t lo = 0, hi = p->n_old;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int d = compare_old(type, place, &p->old[mid]);
		if (d == 0)
			return &p->old[mid];
		if (d < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

/* --- types, places, sources -------------------------------------------------------------------------------------------*/

/* Run an upsert that returns nothing, then ask for the id with the same leading bindings. */
static int id_of(struct replacing *p, sqlite3_stmt *put, sqlite3_stmt *get, int64_t *id)
{
	if (catdb_run(put, p->err) < 0)
		return -1;
	int rc = sqlite3_step(get);
	if (rc == SQLITE_ROW)
		*id = sqlite3_column_int64(get, 0);
	sqlite3_reset(get);
	return rc == SQLITE_ROW ? 0 : catdb_error(p->db, "catalog.db", p->err);
}

static int put_types(struct replacing *p)
{
	sqlite3_stmt *put = catdb_prepare(p->db,
	    "INSERT INTO type(cloud, instance_type, accelerator, accel_count_micro, vcpus_micro, mem_mib, gpu_mem_mib, arch)"
	    " VALUES(?,?,?,?,?,?,?,?) ON CONFLICT(cloud, instance_type, accelerator, accel_count_micro, ifnull(vcpus_micro, -1),"
	    " ifnull(mem_mib, -1)) DO UPDATE SET gpu_mem_mib=ifnull(excluded.gpu_mem_mib, gpu_mem_mib), arch=ifnull(excluded.arch, arch)"
	    " WHERE excluded.gpu_mem_mib IS NOT gpu_mem_mib OR excluded.arch IS NOT arch", p->err);
	sqlite3_stmt *get = catdb_prepare(p->db, "SELECT id FROM type WHERE cloud=? AND instance_type=? AND accelerator=?"
					      " AND accel_count_micro=? AND ifnull(vcpus_micro, -1)=? AND ifnull(mem_mib, -1)=?", p->err);
	int rc = put && get ? 0 : -1;
	for (size_t i = 0; i < p->l->n_types && rc == 0; i++) {
		const struct offer_type *t = &p->l->types[i];
		for (int k = 0; k < 2; k++) {
			sqlite3_stmt *s = k ? get : put;
			bind_text(s, 1, p->l->cloud);
			bind_text(s, 2, t->instance_type);
			bind_text(s, 3, t->accelerator);
			sqlite3_bind_int64(s, 4, t->accel_count_micro);
		}
		sqlite3_bind_int64(get, 5, t->vcpus_micro);
		sqlite3_bind_int64(get, 6, t->mem_mib);
		catdb_bind_number(put, 5, t->vcpus_micro);
		catdb_bind_number(put, 6, t->mem_mib);
		catdb_bind_number(put, 7, t->gpu_mem_mib);
		sqlite3_bind_text(put, 8, t->arch, -1, SQLITE_STATIC);
		rc = id_of(p, put, get, &p->type_ids[i]);
	}
	sqlite3_finalize(put);
	sqlite3_finalize(get);
	return rc;
}

static int put_places(struct replacing *p)
{
	sqlite3_stmt *put = catdb_prepare(p->db, "INSERT INTO place(cloud, region, zone) VALUES(?,?,?) ON CONFLICT DO NOTHING", p->err);
	sqlite3_stmt *get = catdb_prepare(p->db, "SELECT id FROM place WHERE cloud=? AND region=? AND zone=?", p->err);
	int rc = put && get ? 0 : -1;
	for (size_t i = 0; i < p->l->n_places && rc == 0; i++) {
		for (int k = 0; k < 2; k++) {
			sqlite3_stmt *s = k ? get : put;
			bind_text(s, 1, p->l->cloud);
			bind_text(s, 2, p->l->places[i].region);
			bind_text(s, 3, p->l->places[i].zone);
		}
		rc = id_of(p, put, get, &p->place_ids[i]);
	}
	sqlite3_finalize(put);
	sqlite3_finalize(get);
	return rc;
}

static int put_sources(struct replacing *p)
{
	sqlite3_stmt *put = catdb_prepare(p->db,
	    "INSERT INTO source(cloud, name, as_of_ms, as_of_known, spot_estimated, stale, problem, updated_at_ms)"
	    " VALUES(?,?,?,?,?,0,NULL,?) ON CONFLICT(cloud, name) DO UPDATE SET as_of_ms=excluded.as_of_ms,"
	    " as_of_known=excluded.as_of_known, spot_estimated=excluded.spot_estimated, stale=0, problem=NULL,"
	    " updated_at_ms=excluded.updated_at_ms", p->err);
	sqlite3_stmt *get = catdb_prepare(p->db, "SELECT id FROM source WHERE cloud=? AND name=?", p->err);
	int rc = put && get ? 0 : -1;
	for (size_t i = 0; i < p->l->n_sources && rc == 0; i++) {
		const struct offer_source *q = &p->l->sources[i];
		for (int k = 0; k < 2; k++) {
			bind_text(k ? get : put, 1, p->l->cloud);
			bind_text(k ? get : put, 2, q->name);
		}
		sqlite3_bind_int64(put, 3, q->as_of_ms);
		sqlite3_bind_int(put, 4, q->as_of_known);
		sqlite3_bind_int(put, 5, q->spot_estimated);
		sqlite3_bind_int64(put, 6, p->at_ms);
		rc = id_of(p, put, get, &p->source_ids[i]);
	}
	sqlite3_finalize(put);
	sqlite3_finalize(get);
	return rc;
}

/* --- offers -----------------------------------------------------------------------------------------------------------*/

/* An order of the list's rows in which the table grows at its end. */
struct sorted {
	int64_t type, place;
	uint32_t row;
};

static int compare_sorted(const void *a, const void *b)
{
	const struct sorted *p = a, *q = b;
	if (p->type != q->type)
		return p->type < q->type ? -1 : 1;
	return p->place < q->place ? -1 : p->place > q->place;
}

static struct sorted *sort_rows(const struct replacing *p)
{
	struct sorted *v = xcalloc(p->l->n_rows + 1, sizeof *v);
	for (size_t i = 0; i < p->l->n_rows; i++)
		v[i] = (struct sorted){p->type_ids[p->l->rows[i].type], p->place_ids[p->l->rows[i].place], (uint32_t)i};
	qsort(v, p->l->n_rows, sizeof *v, compare_sorted);
	return v;
}

/* How often machines of a type are taken back in a region. */
struct reclaim {
	int64_t type;
	const char *region; /* the list's own copy: equal when the address is */
	uint8_t value;
};

static int compare_reclaims(const void *a, const void *b)
{
	const struct reclaim *p = a, *q = b;
	if (p->type != q->type)
		return p->type < q->type ? -1 : 1;
	return p->region < q->region ? -1 : p->region > q->region;
}

struct place_id {
	int64_t id;
	const char *region;
};

static int compare_place_ids(const void *a, const void *b)
{
	const struct place_id *p = a, *q = b;
	return p->id < q->id ? -1 : p->id > q->id;
}

/* What is known from before, by type and region; sorted. The caller frees. */
static struct reclaim *old_reclaims(const struct replacing *p, size_t *n)
{
	struct place_id *places = xcalloc(p->l->n_places + 1, sizeof *places);
	struct reclaim *v = xcalloc(p->n_old + 1, sizeof *v);
	for (size_t i = 0; i < p->l->n_places; i++)
		places[i] = (struct place_id){p->place_ids[i], p->l->places[i].region};
	qsort(places, p->l->n_places, sizeof *places, compare_place_ids);
	for (size_t i = 0; i < p->n_old; i++) {
		const struct old_offer *o = &p->old[i];
		struct place_id key = {o->place, NULL};
		const struct place_id *at = o->row.reclaim == RECLAIM_UNKNOWN ? NULL :
		    bsearch(&key, places, p->l->n_places, sizeof *places, compare_place_ids);
		if (at)
			v[(*n)++] = (struct reclaim){o->type, at->region, o->row.reclaim};
	}
	free(places);
	qsort(v, *n, sizeof *v, compare_reclaims);
	return v;
}

/* It holds for a region, so zones that are new have it from their neighbours. */
static uint8_t known_reclaim(const struct replacing *p, int64_t type, const char *region)
{
	struct reclaim key = {type, region, 0};
	const struct reclaim *r = bsearch(&key, p->reclaims, p->n_reclaims, sizeof *p->reclaims, compare_reclaims);
	return r ? r->value : RECLAIM_UNKNOWN;
}

struct statements {
	sqlite3_stmt *put, *first, *change;
};

static int record_change(struct replacing *p, struct statements *s, const struct old_offer *old, const struct offer *row)
{
	/* The price before the first change gets a line too, or the change would have no start. */
	sqlite3_bind_int64(s->first, 1, old->id);
	sqlite3_bind_int64(s->first, 2, p->before_ms);
	catdb_bind_number(s->first, 3, old->row.price_uusd_h);
	catdb_bind_number(s->first, 4, old->row.spot_uusd_h);
	sqlite3_bind_int64(s->first, 5, old->id);
	sqlite3_bind_int64(s->change, 1, old->id);
	sqlite3_bind_int64(s->change, 2, p->at_ms);
	catdb_bind_number(s->change, 3, row->price_uusd_h);
	catdb_bind_number(s->change, 4, row->spot_uusd_h);
	return catdb_run(s->first, p->err) < 0 ? -1 : catdb_run(s->change, p->err);
}

static int put_offer(struct replacing *p, struct statements *s, const struct sorted *at)
{
	struct offer row = p->l->rows[at->row];
	int64_t source = p->source_ids[row.source];
	struct old_offer *old = find_old(p, at->type, at->place);
	bool moved = false;
	if (row.reclaim == RECLAIM_UNKNOWN)
		row.reclaim = known_reclaim(p, at->type, p->l->places[row.place].region);
	if (old) {
		old->listed = true;
		moved = old->row.price_uusd_h != row.price_uusd_h || old->row.spot_uusd_h != row.spot_uusd_h;
		if (!moved && !old->gone && old->row.source == source && old->row.reclaim == row.reclaim &&
		    old->row.available == row.available)
			return 0;
	}
	p->counts->added += !old || old->gone;
	p->counts->changed += moved && !old->gone;
	if (moved && record_change(p, s, old, &row) < 0)
		return -1;
	sqlite3_bind_int64(s->put, 1, at->type);
	sqlite3_bind_int64(s->put, 2, at->place);
	sqlite3_bind_int64(s->put, 3, old ? old->id : p->next_id++);
	catdb_bind_number(s->put, 4, row.price_uusd_h);
	catdb_bind_number(s->put, 5, row.spot_uusd_h);
	sqlite3_bind_int(s->put, 6, row.available);
	catdb_bind_number(s->put, 7, row.reclaim == RECLAIM_UNKNOWN ? -1 : row.reclaim);
	sqlite3_bind_int64(s->put, 8, source);
	return catdb_run(s->put, p->err);
}

static int put_offers(struct replacing *p)
{
	struct statements s = {
		.put = catdb_prepare(p->db, "INSERT OR REPLACE INTO offer(type, place, id, price_uusd_h, spot_uusd_h, available, reclaim,"
					 " source) VALUES(?,?,?,?,?,?,?,?)", p->err),
		.first = catdb_prepare(p->db, "INSERT OR IGNORE INTO history SELECT ?,?,?,? WHERE NOT EXISTS"
					   " (SELECT 1 FROM history WHERE offer=?)", p->err),
		.change = catdb_prepare(p->db, "INSERT OR REPLACE INTO history VALUES(?,?,?,?)", p->err),
	};
	struct sorted *v = sort_rows(p);
	int rc = s.put && s.first && s.change ? 0 : -1;
	for (size_t i = 0; i < p->l->n_rows && rc == 0; i++)
		rc = put_offer(p, &s, &v[i]);
	free(v);
	sqlite3_finalize(s.put);
	sqlite3_finalize(s.first);
	sqlite3_finalize(s.change);
	return rc;
}

static int mark_gone(struct replacing *p)
{
	sqlite3_stmt *s = catdb_prepare(p->db, "UPDATE offer SET gone_at_ms=?, source=0 WHERE type=? AND place=?", p->err);
	int rc = s ? 0 : -1;
	for (size_t i = 0; i < p->n_old && rc == 0; i++) {
		if (p->old[i].listed || p->old[i].gone)
			continue;
		p->counts->removed++;
		sqlite3_bind_int64(s, 1, p->at_ms);
		sqlite3_bind_int64(s, 2, p->old[i].type);
		sqlite3_bind_int64(s, 3, p->old[i].place);
		rc = catdb_run(s, p->err);
	}
	sqlite3_finalize(s);
	return rc;
}

/* Drop sources, types and places of the cloud that nothing uses any more. */
static int drop_unused(struct replacing *p)
{
	char sql[700];
	snprintf(sql, sizeof sql,
	    "DELETE FROM source WHERE cloud = '%1$s' AND id NOT IN"
	    " (SELECT o.source FROM type t JOIN offer o ON o.type = t.id WHERE t.cloud = '%1$s');"
	    "DELETE FROM place WHERE cloud = '%1$s' AND id NOT IN"
	    " (SELECT o.place FROM type t JOIN offer o ON o.type = t.id WHERE t.cloud = '%1$s');"
	    "DELETE FROM type WHERE cloud = '%1$s' AND NOT EXISTS (SELECT 1 FROM offer o WHERE o.type = type.id);",
	    p->l->cloud);
	return catdb_exec(p->db, sql, p->err);
}

int catdb_sweep(sqlite3 *db, int64_t now_ms, struct err *err)
{
	char sql[400];
	snprintf(sql, sizeof sql,
	    "DELETE FROM history WHERE at_ms < %lld OR offer IN (SELECT id FROM offer WHERE gone_at_ms < %lld);"
	    "DELETE FROM offer WHERE gone_at_ms < %lld;",
	    (long long)(now_ms - HISTORY_DAYS * DAY_MS), (long long)(now_ms - GONE_DAYS * DAY_MS),
	    (long long)(now_ms - GONE_DAYS * DAY_MS));
	return catdb_exec(db, sql, err);
}

static int replace(struct replacing *p)
{
	char sql[200];
	snprintf(sql, sizeof sql, "SELECT max(updated_at_ms) FROM source WHERE cloud='%s'", p->l->cloud);
	if (catdb_get(p->db, "SELECT value FROM meta WHERE key='next_offer'", 1, &p->next_id, p->err) < 0 ||
	    catdb_get(p->db, sql, 0, &p->before_ms, p->err) < 0)
		return -1;
	if (p->before_ms <= 0 || p->before_ms >= p->at_ms)
		p->before_ms = p->at_ms - 1;
	if (read_old(p) < 0 || put_types(p) < 0 || put_places(p) < 0 || put_sources(p) < 0)
		return -1;
	p->reclaims = old_reclaims(p, &p->n_reclaims);
	if (put_offers(p) < 0 || mark_gone(p) < 0 || drop_unused(p) < 0)
		return -1;
	p->counts->total = p->l->n_rows;
	if (p->next_id > UINT32_MAX)
		return err_set(p->err, ERR_INVALID, "the catalog has run out of offer numbers; remove catalog.db, it will be made anew");
	return catdb_set_meta(p->db, "next_offer", p->next_id, p->err);
}

int catdb_replace_cloud(sqlite3 *db, const struct pricelist *l, int64_t at_ms, struct catdb_counts *counts, struct err *err)
{
	*counts = (struct catdb_counts){0};
	/* The name goes into SQL text below. */
	if (!l->cloud[0] || strspn(l->cloud, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(l->cloud))
		return err_set(err, ERR_INVALID, "'%s' is no name for a cloud", l->cloud);
	struct replacing p = {.db = db, .l = l, .counts = counts, .err = err, .at_ms = at_ms};
	p.type_ids = xcalloc(l->n_types + 1, sizeof *p.type_ids);
	p.place_ids = xcalloc(l->n_places + 1, sizeof *p.place_ids);
	p.source_ids = xcalloc(l->n_sources + 1, sizeof *p.source_ids);
	int rc = replace(&p);
	free(p.type_ids);
	free(p.place_ids);
	free(p.source_ids);
	free(p.old);
	free(p.reclaims);
	return rc;
}

int catdb_mark_cloud(sqlite3 *db, const char *cloud, const char *problem, int64_t at_ms, struct err *err)
{
	sqlite3_stmt *s = catdb_prepare(db, problem ? "UPDATE source SET stale=1, problem=?2 WHERE cloud=?1"
						   : "UPDATE source SET stale=0, problem=NULL, as_of_ms=?2, updated_at_ms=?2"
						     " WHERE cloud=?1", err);
	if (!s)
		return -1;
	bind_text(s, 1, cloud);
	if (problem)
		bind_text(s, 2, problem);
	else
		sqlite3_bind_int64(s, 2, at_ms);
	int rc = catdb_run(s, err);
	sqlite3_finalize(s);
	return rc;
}

int catdb_replace_egress(sqlite3 *db, const struct egress_price *rows, size_t n, struct err *err)
{
	if (catdb_exec(db, "DELETE FROM egress", err) < 0)
		return -1;
	sqlite3_stmt *s = catdb_prepare(db, "INSERT OR REPLACE INTO egress VALUES(?,?,?,?,?,?,?,?)", err);
	int rc = s ? 0 : -1;
	for (size_t i = 0; i < n && rc == 0; i++) {
		bind_text(s, 1, rows[i].cloud);
		bind_text(s, 2, rows[i].src_region);
		bind_text(s, 3, rows[i].dst);
		sqlite3_bind_int64(s, 4, rows[i].from_gb);
		catdb_bind_number(s, 5, rows[i].to_gb);
		sqlite3_bind_int64(s, 6, rows[i].price_uusd_per_gb);
		bind_text(s, 7, rows[i].source);
		sqlite3_bind_int64(s, 8, rows[i].as_of_ms);
		rc = catdb_run(s, err);
	}
	sqlite3_finalize(s);
	return rc;
}

int catdb_write_accelerators(sqlite3 *db, struct err *err)
{
	sqlite3_stmt *s = catdb_prepare(db, "INSERT OR REPLACE INTO accelerator VALUES(?,?,?,?,?,?)", err);
	int rc = s ? 0 : -1;
	const struct accelerator *a;
	for (size_t i = 0; rc == 0 && (a = accelerator_at(i)); i++) {
		bind_text(s, 1, a->name);
		bind_text(s, 2, a->vendor);
		bind_text(s, 3, a->architecture);
		bind_text(s, 4, a->target);
		catdb_bind_number(s, 5, a->mem_gib > 0 ? a->mem_gib : -1);
		bind_text(s, 6, a->aliases);
		rc = catdb_run(s, err);
	}
	sqlite3_finalize(s);
	return rc;
}
