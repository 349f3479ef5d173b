/* The catalog as its readers see it. Opening never fails for want of a good catalog.db: what is missing or broken is replaced
 * by the prices that came with the program, and the person is told. */
#include "core/store/catalog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/store/catalog_db.h"
#include "core/store/pack.h"

struct catalog {
	char *path;	/* of the file that was opened */
	char *wanted;	/* where catalog.db should be; NULL: none */
	struct stat was;  /* the file that was opened */
	struct stat seen; /* what lay at `wanted` then; zero: nothing */
	sqlite3 *db;
	struct pack *pack;
	char *warning;
	struct arena *arena; /* of egress and status */
	struct egress_table egress;
	bool have_egress;
	struct catalog_status status;
	sqlite3_stmt *history;
};

char *catalog_path(void)
{
	return home_path(HOME_CACHE, "catalog.db");
}

static void warn(struct catalog *c, char *text)
{
	free(c->warning);
	c->warning = text;
}

/* Open one file and read its offers. -1: *damaged says whether the file should go. */
static int load(struct catalog *c, const char *path, bool *damaged, struct err *err)
{
	struct err why;
	sqlite3 *db = catdb_open_read(path, damaged, err);
	if (!db)
		return -1;
	struct pack *pack = pack_read(db, &why);
	if (!pack) {
		pack = pack_from_tables(db, err);
		if (!pack) {
			*damaged = true;
			sqlite3_close(db);
			return err_wrap(err, "%s", path);
		}
		if (why.code != ERR_PROTOCOL) {
			/* The file cannot even be read there: better to start again than to trust the rest of it. */
			*damaged = true;
			pack_free(pack);
			sqlite3_close(db);
			if (err)
				*err = why;
			return -1;
		}
		warn(c, xasprintf("%s: %s; the tables were read instead, which is slower. `skytop catalog update` or "
				  "`import` mends it", path, why.text));
	}
	c->db = db;
	c->pack = pack;
	c->path = xstrdup(path);
	if (stat(path, &c->was))
		memset(&c->was, 0, sizeof c->was);
	return 0;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* A catalog that is only a copy of a snapshot, but not of the one that is installed now? */
static bool is_outdated_copy(struct catalog *c, const char *snapshot)
{
	struct stat st;
	int64_t pristine;
	if (!snapshot || stat(snapshot, &st) || catdb_get(c->db, "SELECT value FROM meta WHERE key='pristine'", 0, &pristine, NULL) < 0)
		return false;
	return pristine && (st.st_size != c->was.st_size || st.st_mtim.tv_sec != c->was.st_mtim.tv_sec ||
			       st.st_mtim.tv_nsec != c->was.st_mtim.tv_nsec);
}

static void unload(struct catalog *c)
{
	sqlite3_finalize(c->history);
	sqlite3_close(c->db);
	pack_free(c->pack);
	free(c->path);
	c->history = NULL;
	c->db = NULL;
	c->pack = NULL;
	c->path = NULL;
}

static int load_snapshot(struct catalog *c, const char *snapshot, struct err *err)
{
	bool damaged;
	if (load(c, snapshot, &damaged, err) == 0)
		return 0;
	return err_wrap(err, "the prices that came with skytop");
}

/* catalog.db is there but cannot be used. Put it aside when it is broken, and say so. */
static void retire(struct catalog *c, bool damaged, const struct err *why)
{
	char *moved = NULL;
	struct err e;
	if (!damaged)
		warn(c, xasprintf("%s; the prices that came with skytop are shown", why->text));
	else if (catdb_move_aside(c->wanted, &moved, &e) == 0)
		warn(c, xasprintf("the catalog was damaged (%s); it is kept as %s and was made anew from the prices that came with "
				  "skytop", why->text, moved));
	else
		warn(c, xasprintf("the catalog is damaged (%s) and could not be put aside (%s); the prices that came with skytop "
				  "are shown", why->text, e.text));
	free(moved);
}

static int open_files(struct catalog *c, const char *snapshot, struct err *err)
{
	struct err why;
	bool damaged = false;
	if (!c->wanted)
		return load_snapshot(c, snapshot, err);
	bool there = fs_exists(c->wanted);
	if (there && load(c, c->wanted, &damaged, &why) == 0) {
		if (!is_outdated_copy(c, snapshot) || catdb_install_snapshot(c->wanted, snapshot, true, NULL) < 0)
			return 0;
		unload(c);
	} else if (there) {
		retire(c, damaged, &why);
	}
	/* Another process may have made it meanwhile; where it cannot be written, the snapshot serves as well. */
	if (snapshot && (!there || damaged))
		catdb_install_snapshot(c->wanted, snapshot, false, NULL);
	if (fs_exists(c->wanted) && load(c, c->wanted, &damaged, &why) == 0)
		return 0;
	if (!snapshot)
		return err_set(err, ERR_NOT_FOUND, "there is no catalog at %s", c->wanted);
	return load_snapshot(c, snapshot, err);
}

struct catalog *catalog_open_at(const char *path, const char *snapshot, struct err *err)
{
	struct catalog *c = xcalloc(1, sizeof *c);
	c->wanted = xstrdup(path);
	c->arena = arena_create();
	if (open_files(c, snapshot, err) < 0) {
		catalog_close(c);
		return NULL;
	}
	if (c->wanted && strcmp(c->path, c->wanted) == 0)
		c->seen = c->was;
	else if (c->wanted && stat(c->wanted, &c->seen))
		memset(&c->seen, 0, sizeof c->seen);
	return c;
}

struct catalog *catalog_open(struct err *err)
{
	char *path = catalog_path(), *snapshot = share_path("catalog/snapshot.db");
	struct catalog *c = catalog_open_at(path, snapshot, err);
	free(path);
	free(snapshot);
	return c;
}

void catalog_close(struct catalog *c)
{
	if (!c)
		return;
	unload(c);
	arena_destroy(c->arena);
	free(c->wanted);
	free(c->warning);
	free(c);
}

const char *catalog_warning(const struct catalog *c)
{
	return c->warning;
}

bool catalog_changed(const struct catalog *c)
{
	struct stat st;
	return c->wanted && stat(c->wanted, &st) == 0 && !same_file(&st, &c->seen);
}

const struct offers *catalog_offers(const struct catalog *c)
{
	return pack_offers(c->pack);
}

size_t catalog_find(const struct catalog *c, uint32_t offer_id)
{
	const struct offers *o = pack_offers(c->pack);
	for (size_t i = 0; i < o->n_rows; i++)
		if (o->rows[i].id == offer_id)
			return i;
	return SIZE_MAX;
}

int catalog_history(struct catalog *c, uint32_t offer_id, struct price_point *out, int max, struct err *err)
{
	if (!c->history)
		c->history = catdb_prepare(c->db, "SELECT at_ms, price_uusd_h, spot_uusd_h FROM history WHERE offer=?"
					       " ORDER BY at_ms DESC LIMIT ?", err);
	if (!c->history)
		return -1;
	sqlite3_bind_int64(c->history, 1, offer_id);
	sqlite3_bind_int(c->history, 2, max);
	int n = 0, rc;
	while ((rc = sqlite3_step(c->history)) == SQLITE_ROW && n < max)
		out[n++] = (struct price_point){sqlite3_column_int64(c->history, 0), catdb_number(c->history, 1), catdb_number(c->history, 2)};
	sqlite3_reset(c->history);
	if (rc != SQLITE_DONE && rc != SQLITE_ROW)
		return catdb_error(c->db, "price history", err);
	for (int i = 0; i < n / 2; i++) {
		struct price_point t = out[i];
		out[i] = out[n - 1 - i];
		out[n - 1 - i] = t;
	}
	return n;
}

/* --- egress -----------------------------------------------------------------------------------------------------------*/

static const char *text(struct catalog *c, sqlite3_stmt *s, int at)
{
	const char *t = (const char *)sqlite3_column_text(s, at);
	return arena_strdup(c->arena, t ? t : "");
}

const struct egress_table *catalog_egress(struct catalog *c, struct err *err)
{
	int64_t n;
	int rc = SQLITE_DONE;
	if (c->have_egress)
		return &c->egress;
	if (catdb_get(c->db, "SELECT count(*) FROM egress", 0, &n, err) < 0)
		return NULL;
	sqlite3_stmt *s = catdb_prepare(c->db, "SELECT cloud, src_region, dst, from_gb, to_gb, price_uusd_per_gb, source, as_of_ms"
					    " FROM egress ORDER BY cloud, src_region, dst, from_gb", err);
	if (!s)
		return NULL;
	struct egress_price *rows = arena_alloc(c->arena, (size_t)(n + 1) * sizeof *rows);
	size_t k = 0;
	while (k < (size_t)n && (rc = sqlite3_step(s)) == SQLITE_ROW)
		rows[k++] = (struct egress_price){text(c, s, 0), text(c, s, 1), text(c, s, 2), sqlite3_column_int64(s, 3),
		    catdb_number(s, 4), sqlite3_column_int64(s, 5), text(c, s, 6), sqlite3_column_int64(s, 7)};
	sqlite3_finalize(s);
	if (rc != SQLITE_DONE && rc != SQLITE_ROW) {
		catdb_error(c->db, "egress prices", err);
		return NULL;
	}
	c->egress = (struct egress_table){rows, k};
	c->have_egress = true;
	return &c->egress;
}

/* --- status -----------------------------------------------------------------------------------------------------------*/

/* Offers by source. The pack has sources in the order of the query below. */
static size_t *count_by_source(const struct offers *o)
{
	size_t *n = xcalloc(o->n_sources + 1, sizeof *n);
	for (size_t i = 0; i < o->n_rows; i++)
		n[o->rows[i].source]++;
	return n;
}

static int read_sources(struct catalog *c, struct err *err)
{
	sqlite3_stmt *s = catdb_prepare(c->db, "SELECT cloud, name, as_of_ms, as_of_known, spot_estimated, stale, updated_at_ms, problem"
					       " FROM source ORDER BY cloud, name", err);
	const struct offers *o = pack_offers(c->pack);
	size_t *counts = count_by_source(o), n = 0;
	struct catalog_source *v = arena_alloc(c->arena, (o->n_sources + 1) * sizeof *v);
	int rc = SQLITE_ERROR;
	while (s && (rc = sqlite3_step(s)) == SQLITE_ROW && n < o->n_sources) {
		v[n] = (struct catalog_source){text(c, s, 1), text(c, s, 0), counts[n], sqlite3_column_int64(s, 2),
		    sqlite3_column_int(s, 3) != 0, sqlite3_column_int(s, 4) != 0, sqlite3_column_int(s, 5) != 0,
		    sqlite3_column_int64(s, 6), sqlite3_column_type(s, 7) == SQLITE_NULL ? NULL : text(c, s, 7)};
		n++;
	}
	if (s && rc != SQLITE_DONE && rc != SQLITE_ROW)
		catdb_error(c->db, "catalog.db", err);
	sqlite3_finalize(s);
	free(counts);
	c->status.sources = v;
	c->status.n_sources = n;
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? 0 : -1;
}

const struct catalog_status *catalog_status(struct catalog *c, struct err *err)
{
	const struct offers *o = pack_offers(c->pack);
	int64_t history, pristine;
	if (catdb_get(c->db, "SELECT count(*) FROM history", 0, &history, err) < 0 ||
	    catdb_get(c->db, "SELECT value FROM meta WHERE key='pristine'", 0, &pristine, err) < 0 || read_sources(c, err) < 0)
		return NULL;
	c->status.path = c->path;
	c->status.file_bytes = c->was.st_size;
	c->status.n_offers = o->n_rows;
	c->status.n_types = o->n_types;
	c->status.n_places = o->n_places;
	c->status.n_history = (size_t)history;
	c->status.from_snapshot = pristine != 0;
	return &c->status;
}
