/* The inside of catalog.db: its tables, and how it is written. Only core/store includes this. */
#ifndef CORE_STORE_CATALOG_DB_H
#define CORE_STORE_CATALOG_DB_H
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/model/egress.h"
#include "core/store/pricelist.h"

enum {
	CATALOG_SCHEMA = 1,		/* PRAGMA user_version */
	CATALOG_APPLICATION = 0x736b7463, /* PRAGMA application_id: "sktc" */
	CATALOG_LOCK_MS = 20000,	/* how long a writer waits for another */
};

/* --- statements -------------------------------------------------------------------------------------------------------*/

/* Failures carry SQLite's message; SQLITE_FULL and I/O errors are IO, all else too: the database is ours. */
int catdb_error(sqlite3 *db, const char *what, struct err *err);
int catdb_exec(sqlite3 *db, const char *sql, struct err *err);
/* NULL on failure. Finalize with sqlite3_finalize. */
sqlite3_stmt *catdb_prepare(sqlite3 *db, const char *sql, struct err *err);
/* Run a prepared statement to its end and reset it. */
int catdb_run(sqlite3_stmt *s, struct err *err);
/* Bind NULL for what is unknown. */
void catdb_bind_number(sqlite3_stmt *s, int at, int64_t v);
/* -1 for NULL. */
int64_t catdb_number(sqlite3_stmt *s, int at);
/* One number, or dflt when there is no row or it is NULL. */
int catdb_get(sqlite3 *db, const char *sql, int64_t dflt, int64_t *out, struct err *err);

/* --- files ------------------------------------------------------------------------------------------------------------*/

/* Open for reading; checks that it is a catalog of our schema. NULL: *damaged says whether the file is broken, as opposed
 * to absent, unreadable or of another version. */
sqlite3 *catdb_open_read(const char *path, bool *damaged, struct err *err);
/* Create the tables in an empty database. */
int catdb_create(sqlite3 *db, struct err *err);
/* Create or empty a database file for building, with everything that makes writing fast and safety the caller's affair. */
sqlite3 *catdb_open_build(const char *path, struct err *err);
/* Write the pack, commit, close, and bring all bytes to the disk. db is closed in any case. */
int catdb_finish_build(sqlite3 *db, const char *path, struct err *err);

/* Change the catalog at path: take the lock, copy the file (or the snapshot, where there is none or it is damaged), call
 * change on the open copy within a transaction, write the pack, rename. On failure nothing has happened. A damaged
 * catalog is moved aside; *warning (may be NULL) then says so, to be freed. */
typedef int catdb_change_fn(sqlite3 *db, void *arg, struct err *err);
int catdb_change(const char *path, const char *snapshot, catdb_change_fn *change, void *arg, char **warning, struct err *err);

/* Put a copy of the snapshot at path if there is nothing, without waiting for anyone. Best effort. */
int catdb_install_snapshot(const char *path, const char *snapshot, bool replace, struct err *err);
/* Rename a damaged catalog to path.corrupt-TIME; the new name in *moved (to be freed). */
int catdb_move_aside(const char *path, char **moved, struct err *err);

/* --- content ----------------------------------------------------------------------------------------------------------*/

struct catdb_counts {
	size_t added, removed, changed, total;
};
/* Make the list the whole truth about its cloud. Prices that changed go into the history; what is not in the list any more is
 * kept for 90 days as gone, so that its id and history come back with it. What the list does not know about reclaims is kept
 * from before. at_ms: the time of the change. */
int catdb_replace_cloud(sqlite3 *db, const struct pricelist *l, int64_t at_ms, struct catdb_counts *counts, struct err *err);
/* Drop what has been gone for longer than that, and history of more than two years. Once a change. */
int catdb_sweep(sqlite3 *db, int64_t now_ms, struct err *err);
/* The last update of a cloud failed: mark its sources stale, with the reason. problem NULL: they were found to be true still,
 * as of at_ms. */
int catdb_mark_cloud(sqlite3 *db, const char *cloud, const char *problem, int64_t at_ms, struct err *err);
int catdb_replace_egress(sqlite3 *db, const struct egress_price *rows, size_t n, struct err *err);
/* The table of accelerators, for people who look with SQL. */
int catdb_write_accelerators(sqlite3 *db, struct err *err);
/* The ETag under which the catalog has a cloud's list of this URL, "" when it has not. Caller frees. db may be NULL. */
char *catdb_etag(sqlite3 *db, const char *cloud, const char *url);
int catdb_set_meta(sqlite3 *db, const char *key, int64_t value, struct err *err);

#endif
