/* catalog.db as a file: opening, checking, and replacing it whole. See catalog.h for why it is never changed in place. */
#include "core/store/catalog_db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/store/pack.h"

/* The screen and the optimizer scan the pack, in memory; the indexes here are for finding one type, and for people.
 * Numbers that are not known are NULL. Offers lie in the order of their types, as the pack has them; ids of offers are
 * counted up in meta.next_offer and stay with their (type, place). */
static const char schema[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE source(id INTEGER PRIMARY KEY, cloud TEXT NOT NULL, name TEXT NOT NULL, as_of_ms INTEGER NOT NULL,"
    "  as_of_known INTEGER NOT NULL, spot_estimated INTEGER NOT NULL, stale INTEGER NOT NULL DEFAULT 0, problem TEXT,"
    "  updated_at_ms INTEGER NOT NULL, UNIQUE(cloud, name));"
    "CREATE TABLE type(id INTEGER PRIMARY KEY, cloud TEXT NOT NULL, instance_type TEXT NOT NULL, accelerator TEXT NOT NULL,"
    "  accel_count_micro INTEGER NOT NULL, gpu_mem_mib INTEGER, vcpus_micro INTEGER, mem_mib INTEGER, arch TEXT);"
    "CREATE UNIQUE INDEX type_by_name ON type(cloud, instance_type, accelerator, accel_count_micro,"
    "  ifnull(vcpus_micro, -1), ifnull(mem_mib, -1));"
    "CREATE INDEX type_by_accelerator ON type(accelerator);"
    "CREATE TABLE place(id INTEGER PRIMARY KEY, cloud TEXT NOT NULL, region TEXT NOT NULL, zone TEXT NOT NULL,"
    "  UNIQUE(cloud, region, zone));"
    "CREATE TABLE offer(type INTEGER NOT NULL, place INTEGER NOT NULL, id INTEGER NOT NULL, price_uusd_h INTEGER,"
    "  spot_uusd_h INTEGER, available INTEGER NOT NULL, reclaim INTEGER, source INTEGER NOT NULL, gone_at_ms INTEGER,"
    "  PRIMARY KEY(type, place)) WITHOUT ROWID;"
    "CREATE TABLE history(offer INTEGER NOT NULL, at_ms INTEGER NOT NULL, price_uusd_h INTEGER, spot_uusd_h INTEGER,"
    "  PRIMARY KEY(offer, at_ms)) WITHOUT ROWID;"
    "CREATE TABLE egress(cloud TEXT NOT NULL, src_region TEXT NOT NULL, dst TEXT NOT NULL, from_gb INTEGER NOT NULL,"
    "  to_gb INTEGER, price_uusd_per_gb INTEGER NOT NULL, source TEXT NOT NULL, as_of_ms INTEGER NOT NULL,"
    "  PRIMARY KEY(cloud, src_region, dst, from_gb)) WITHOUT ROWID;"
    "CREATE TABLE accelerator(name TEXT PRIMARY KEY, vendor TEXT, architecture TEXT, target TEXT, mem_gib INTEGER,"
    "  aliases TEXT) WITHOUT ROWID;"
    "CREATE TABLE hosted(cloud TEXT PRIMARY KEY, url TEXT NOT NULL, etag TEXT NOT NULL, checked_at_ms INTEGER NOT NULL)"
    "  WITHOUT ROWID;"
    "CREATE TABLE pack(part INTEGER PRIMARY KEY, data BLOB NOT NULL);"
    "CREATE VIEW offers AS SELECT o.id, t.cloud, p.region, p.zone, t.instance_type, t.accelerator,"
    "  t.accel_count_micro / 1e6 AS count, t.gpu_mem_mib / 1024.0 AS gpu_mem_gib, t.vcpus_micro / 1e6 AS vcpus,"
    "  t.mem_mib / 1024.0 AS mem_gib, t.arch, o.price_uusd_h / 1e6 AS price, o.spot_uusd_h / 1e6 AS spot, o.reclaim,"
    "  CASE o.available WHEN 1 THEN 'yes' WHEN 2 THEN 'low' WHEN 3 THEN 'no' END AS available, s.name AS source,"
    "  date(s.as_of_ms / 1000, 'unixepoch') AS as_of"
    "  FROM offer o JOIN type t ON t.id = o.type JOIN place p ON p.id = o.place LEFT JOIN source s ON s.id = o.source"
    "  WHERE o.gone_at_ms IS NULL;"
    "INSERT INTO meta VALUES('next_offer', 1);";

/* --- statements -------------------------------------------------------------------------------------------------------*/

int catdb_error(sqlite3 *db, const char *what, struct err *err)
{
	return err_set(err, ERR_IO, "%s: %s", what, sqlite3_errmsg(db));
}

int catdb_exec(sqlite3 *db, const char *sql, struct err *err)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : catdb_error(db, "catalog.db", err);
}

sqlite3_stmt *catdb_prepare(sqlite3 *db, const char *sql, struct err *err)
{
	sqlite3_stmt *s = NULL;
	if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK)
		return s;
	catdb_error(db, "catalog.db", err);
	return NULL;
}

int catdb_run(sqlite3_stmt *s, struct err *err)
{
	int rc;
	while ((rc = sqlite3_step(s)) == SQLITE_ROW)
		;
	if (rc != SQLITE_DONE) {
		catdb_error(sqlite3_db_handle(s), "catalog.db", err);
		sqlite3_reset(s);
		return -1;
	}
	sqlite3_reset(s);
	return 0;
}

void catdb_bind_number(sqlite3_stmt *s, int at, int64_t v)
{
	if (v < 0)
		sqlite3_bind_null(s, at);
	else
		sqlite3_bind_int64(s, at, v);
}

int64_t catdb_number(sqlite3_stmt *s, int at)
{
	return sqlite3_column_type(s, at) == SQLITE_NULL ? -1 : sqlite3_column_int64(s, at);
}

int catdb_get(sqlite3 *db, const char *sql, int64_t dflt, int64_t *out, struct err *err)
{
	sqlite3_stmt *s = catdb_prepare(db, sql, err);
	if (!s)
		return -1;
	int rc = sqlite3_step(s);
	int64_t v = rc == SQLITE_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL ? sqlite3_column_int64(s, 0) : dflt;
	sqlite3_finalize(s);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return catdb_error(db, "catalog.db", err);
	*out = v;
	return 0;
}

/* --- opening ----------------------------------------------------------------------------------------------------------*/

static bool is_damage(int rc)
{
	rc &= 0xff;
	return rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB || rc == SQLITE_FORMAT || rc == SQLITE_ERROR;
}

/* A sound catalog of our schema? -1: *damaged as in catdb_open_read. */
static int check_identity(sqlite3 *db, const char *path, bool *damaged, struct err *err)
{
	int64_t application, version;
	if (catdb_get(db, "PRAGMA application_id", 0, &application, err) < 0 || catdb_get(db, "PRAGMA user_version", 0, &version, err) < 0) {
		*damaged = is_damage(sqlite3_errcode(db));
		return err_wrap(err, "%s", path);
	}
	if (application != CATALOG_APPLICATION) {
		*damaged = true;
		return err_set(err, ERR_INVALID, "%s is not a catalog of skytop", path);
	}
	if (version != CATALOG_SCHEMA)
		return err_set(err, ERR_UNSUPPORTED, "%s is of version %lld, this program reads version %d", path,
		    (long long)version, CATALOG_SCHEMA);
	return 0;
}

sqlite3 *catdb_open_read(const char *path, bool *damaged, struct err *err)
{
	sqlite3 *db = NULL;
	struct stat st;
	*damaged = false;
	if (stat(path, &st)) {
		err_errno(err, "cannot read %s", path);
		return NULL;
	}
	if (!S_ISREG(st.st_mode)) {
		err_set(err, ERR_INVALID, "cannot read %s: it is no regular file", path);
		return NULL;
	}
	int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc != SQLITE_OK) {
		err_set(err, ERR_IO, "cannot read %s: %s", path, db ? sqlite3_errmsg(db) : "out of memory");
	} else {
		sqlite3_extended_result_codes(db, 0);
		sqlite3_busy_timeout(db, 1000); /* only if someone edits the file with another program */
		/* The lock for reading is kept: nobody writes into this file, and each question would be asked for it anew. */
		if (catdb_exec(db, "PRAGMA locking_mode=EXCLUSIVE", err) == 0 && check_identity(db, path, damaged, err) == 0)
			return db;
	}
	sqlite3_close(db);
	return NULL;
}

int catdb_create(sqlite3 *db, struct err *err)
{
	char sql[120];
	snprintf(sql, sizeof sql, "PRAGMA application_id=%d; PRAGMA user_version=%d;", CATALOG_APPLICATION, CATALOG_SCHEMA);
	return catdb_exec(db, sql, err) < 0 ? -1 : catdb_exec(db, schema, err);
}

/* The file is private and thrown away on failure, so it needs no journal and no waiting for the disk until the end. */
static sqlite3 *open_private(const char *path, int flags, struct err *err)
{
	sqlite3 *db = NULL;
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | flags, NULL) != SQLITE_OK) {
		err_set(err, ERR_IO, "cannot write %s: %s", path, db ? sqlite3_errmsg(db) : "out of memory");
	} else if (catdb_exec(db, "PRAGMA page_size=16384; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;"
			       "PRAGMA locking_mode=EXCLUSIVE; PRAGMA cache_size=-65536; PRAGMA temp_store=MEMORY;"
			       "BEGIN IMMEDIATE", err) == 0) {
		return db;
	}
	sqlite3_close(db);
	return NULL;
}

sqlite3 *catdb_open_build(const char *path, struct err *err)
{
	if (unlink(path) && errno != ENOENT) {
		err_errno(err, "cannot write %s", path);
		return NULL;
	}
	sqlite3 *db = open_private(path, SQLITE_OPEN_CREATE, err);
	if (db && catdb_create(db, err) < 0) {
		sqlite3_close(db);
		db = NULL;
	}
	return db;
}

static int sync_file(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fsync(fd)) {
		err_errno(err, "cannot write %s", path);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	close(fd);
	return 0;
}

int catdb_finish_build(sqlite3 *db, const char *path, struct err *err)
{
	int rc = pack_write(db, err);
	if (rc == 0)
		rc = catdb_exec(db, "COMMIT", err);
	if (sqlite3_close(db) != SQLITE_OK && rc == 0)
		rc = err_set(err, ERR_IO, "cannot close %s", path);
	return rc < 0 ? -1 : sync_file(path, err);
}

/* --- replacing --------------------------------------------------------------------------------------------------------*/

static char *beside(const char *path, const char *suffix)
{
	return xasprintf("%s%s", path, suffix);
}

/* The lock of writers, held until the descriptor is closed; -1. wait_ms 0: do not wait. */
static int take_lock(const char *path, int64_t wait_ms, struct err *err)
{
	char *name = beside(path, ".lock");
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		err_errno(err, "cannot lock the catalog: %s", name);
	int64_t until = mono_now_ms() + wait_ms;
	while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK || mono_now_ms() >= until) {
			if (errno == EWOULDBLOCK)
				err_set(err, ERR_CONFLICT, "another skytop is writing the catalog (%s); waited %lld s, try again later",
				    name, (long long)(wait_ms / 1000));
			else
				err_errno(err, "cannot lock %s", name);
			close(fd);
			fd = -1;
			break;
		}
		nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
	}
	free(name);
	return fd;
}

static int copy_bytes(int in, int out)
{
	static const size_t step = 1 << 20;
	char *buf = NULL;
	ssize_t n = 0, done;
	/* The kernel copies, or shares the blocks, where it can. */
	while ((n = copy_file_range(in, NULL, out, NULL, 1 << 26, 0)) > 0)
		;
	if (n == 0)
		return 0;
	if (errno != EXDEV && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP && errno != EPERM)
		return -1;
	if (lseek(in, 0, SEEK_SET) < 0 || lseek(out, 0, SEEK_SET) < 0)
		return -1;
	buf = xmalloc(step);
	while ((n = read(in, buf, step)) > 0) {
		for (ssize_t at = 0; at < n; at += done) {
			done = write(out, buf + at, (size_t)(n - at));
			if (done < 0) {
				n = -1;
				break;
			}
		}
		if (n < 0)
			break;
	}
	free(buf);
	return n < 0 ? -1 : 0;
}

/* Copy a file. keep_time: the copy gets the time of the original, by which a snapshot is known again. */
static int copy_file(const char *from, const char *to, bool keep_time, struct err *err)
{
	struct stat st;
	int in = open(from, O_RDONLY | O_CLOEXEC);
	if (in < 0)
		return err_errno(err, "cannot read %s", from);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	int rc = out < 0 ? -1 : copy_bytes(in, out);
	if (rc == 0 && keep_time && fstat(in, &st) == 0)
		rc = futimens(out, (struct timespec[2]){st.st_atim, st.st_mtim});
	if (rc < 0)
		err_errno(err, "cannot write %s", to);
	if (out >= 0 && close(out) && rc == 0)
		rc = err_errno(err, "cannot write %s", to);
	close(in);
	if (rc < 0 && out >= 0)
		unlink(to);
	return rc < 0 ? -1 : 0;
}

static void sync_folder(const char *path)
{
	char *dir = xstrdup(path), *slash = strrchr(dir, '/');
	if (slash)
		*slash = '\0';
	int fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	free(dir);
}

static int make_folder(const char *path, struct err *err)
{
	char *dir = xstrdup(path), *slash = strrchr(dir, '/');
	int rc = 0;
	if (slash && slash != dir) {
		*slash = '\0';
		rc = fs_mkdirs(dir, err);
	}
	free(dir);
	return rc;
}

int catdb_move_aside(const char *path, char **moved, struct err *err)
{
	char *name = NULL;
	struct tm tm;
	time_t now = (time_t)(wall_now_ms() / 1000);
	gmtime_r(&now, &tm);
	for (int i = 0; i < 100; i++) {
		free(name);
		name = xasprintf("%s.corrupt-%04d%02d%02dT%02d%02d%02dZ%s%.0d", path, tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
		    tm.tm_hour, tm.tm_min, tm.tm_sec, i ? "-" : "", i);
		if (!fs_exists(name))
			break;
	}
	if (rename(path, name)) {
		err_errno(err, "cannot move the damaged %s aside", path);
		free(name);
		return -1;
	}
	*moved = name;
	return 0;
}

int catdb_install_snapshot(const char *path, const char *snapshot, bool replace, struct err *err)
{
	if (make_folder(path, err) < 0)
		return -1;
	int lock = take_lock(path, 0, err);
	if (lock < 0)
		return -1;
	int rc = 0;
	if (replace || !fs_exists(path)) {
		char *fresh = beside(path, ".new");
		rc = copy_file(snapshot, fresh, true, err);
		if (rc == 0 && rename(fresh, path)) {
			rc = err_errno(err, "cannot write %s", path);
			unlink(fresh);
		}
		free(fresh);
	}
	close(lock);
	return rc;
}

/* Everything that SQLite can tell without reading the meaning: 20 ms for a full catalog. */
static bool is_sound(const char *path)
{
	bool damaged, ok = false;
	sqlite3 *db = catdb_open_read(path, &damaged, NULL);
	sqlite3_stmt *s = db ? catdb_prepare(db, "PRAGMA quick_check(1)", NULL) : NULL;
	if (s && sqlite3_step(s) == SQLITE_ROW)
		ok = !strcmp((const char *)sqlite3_column_text(s, 0), "ok");
	sqlite3_finalize(s);
	sqlite3_close(db);
	return ok;
}

/* Open for changing, in `fresh`: a copy of the catalog, else of the snapshot, else empty tables. */
static sqlite3 *open_copy(const char *path, const char *snapshot, const char *fresh, char **warning, struct err *err)
{
	char *moved = NULL;
	unlink(fresh);
	if (fs_exists(path) && !is_sound(path)) {
		if (catdb_move_aside(path, &moved, err) < 0)
			return NULL;
		if (warning) {
			free(*warning);
			*warning = xasprintf("the catalog was damaged or of another version; it is kept as %s and was made anew from "
					     "the prices that came with skytop", moved);
		}
		free(moved);
	}
	bool from_snapshot = !fs_exists(path);
	const char *from = from_snapshot ? snapshot : path;
	if (from_snapshot && (!snapshot || !is_sound(snapshot)))
		return catdb_open_build(fresh, err);
	if (copy_file(from, fresh, false, err) < 0)
		return NULL;
	return open_private(fresh, 0, err);
}

int catdb_change(const char *path, const char *snapshot, catdb_change_fn *change, void *arg, char **warning, struct err *err)
{
	if (make_folder(path, err) < 0)
		return -1;
	int lock = take_lock(path, CATALOG_LOCK_MS, err);
	if (lock < 0)
		return -1;
	char *fresh = beside(path, ".new");
	sqlite3 *db = open_copy(path, snapshot, fresh, warning, err);
	int rc = db ? change(db, arg, err) : -1;
	if (rc == 0)
		rc = catdb_sweep(db, wall_now_ms(), err);
	if (rc == 0)
		rc = catdb_set_meta(db, "pristine", 0, err);
	if (rc == 0)
		rc = catdb_finish_build(db, fresh, err);
	else
		sqlite3_close(db);
	if (rc == 0 && rename(fresh, path))
		rc = err_errno(err, "cannot write %s", path);
	if (rc == 0)
		sync_folder(path);
	else
		unlink(fresh);
	free(fresh);
	close(lock);
	return rc;
}
