/* The thin layer over SQLite. Statements are prepared once and kept by the address of their text, which is always a literal. */
#include "core/store/db.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/json.h"
#include "core/base/mem.h"

struct kept {
	const char *sql;
	sqlite3_stmt *stmt;
};

struct db {
	sqlite3 *h;
	char *path;
	struct kept *kept;
	int n, cap;
};

enum { BUSY_MS = 5000 };

static enum err_code sqlite_code(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return ERR_PROTOCOL;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return ERR_CONFLICT;
	case SQLITE_CONSTRAINT:
		return ERR_CONFLICT;
	default:
		return ERR_IO;
	}
}

static int fail(struct db *db, int rc, struct err *err)
{
	const char *why = (rc & 0xff) == SQLITE_FULL ? "the disk is full" : db->h ? sqlite3_errmsg(db->h) : sqlite3_errstr(rc);
	return err_set(err, sqlite_code(rc), "%s: %s", db->path, why);
}

struct db *db_open(const char *path, struct err *err)
{
	struct db *db = xcalloc(1, sizeof *db);
	db->path = xstrdup(path);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600); /* private from the first byte */
	if (fd < 0) {
		err_errno(err, "cannot open %s", path);
		db_close(db);
		return NULL;
	}
	close(fd);
	int rc = sqlite3_open_v2(path, &db->h, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (!rc)
		rc = sqlite3_busy_timeout(db->h, BUSY_MS);
	if (!rc) /* the first read tells whether it is a database at all */
		rc = sqlite3_exec(db->h, "PRAGMA schema_version", NULL, NULL, NULL);
	if (rc) {
		fail(db, rc, err);
		db_close(db);
		return NULL;
	}
	return db;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	for (int i = 0; i < db->n; i++)
		sqlite3_finalize(db->kept[i].stmt);
	sqlite3_close(db->h);
	free(db->kept);
	free(db->path);
	free(db);
}

sqlite3 *db_handle(struct db *db)
{
	return db->h;
}

int db_exec(struct db *db, const char *sql, struct err *err)
{
	int rc = sqlite3_exec(db->h, sql, NULL, NULL, NULL);
	return rc ? fail(db, rc, err) : 0;
}

static sqlite3_stmt *keep(struct db *db, const char *sql, struct err *err)
{
	for (int i = 0; i < db->n; i++)
		if (db->kept[i].sql == sql)
			return db->kept[i].stmt;
	sqlite3_stmt *stmt;
	int rc = sqlite3_prepare_v3(db->h, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
	if (rc) {
		fail(db, rc, err);
		return NULL;
	}
	ARRAY_GROW(db->kept, db->n, db->cap);
	db->kept[db->n++] = (struct kept){sql, stmt};
	return stmt;
}

static void bind_one(sqlite3_stmt *stmt, int i, char kind, va_list *ap)
{
	int64_t v;
	switch (kind) {
	case 's':
		sqlite3_bind_text(stmt, i, va_arg(*ap, const char *), -1, SQLITE_TRANSIENT);
		return;
	case 'b':
		sqlite3_bind_int(stmt, i, va_arg(*ap, int));
		return;
	case 'j': {
		const json_t *j = va_arg(*ap, const json_t *);
		if (j)
			sqlite3_bind_text(stmt, i, json_text(j), -1, free);
		return;
	}
	case 'p':
		v = va_arg(*ap, int64_t);
		if (v != -1)
			sqlite3_bind_int64(stmt, i, v);
		return;
	default:
		sqlite3_bind_int64(stmt, i, va_arg(*ap, int64_t));
	}
}

static sqlite3_stmt *bound(struct db *db, struct err *err, const char *sql, const char *fmt, va_list *ap)
{
	sqlite3_stmt *stmt = keep(db, sql, err);
	if (!stmt)
		return NULL;
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	for (int i = 0; fmt[i]; i++)
		bind_one(stmt, i + 1, fmt[i], ap);
	return stmt;
}

int db_run(struct db *db, struct err *err, const char *sql, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	sqlite3_stmt *stmt = bound(db, err, sql, fmt, &ap);
	va_end(ap);
	if (!stmt)
		return -1;
	int rc = sqlite3_step(stmt);
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? 0 : fail(db, rc, err);
}

int64_t db_last_id(struct db *db)
{
	return sqlite3_last_insert_rowid(db->h);
}

sqlite3_stmt *db_query(struct db *db, struct err *err, const char *sql, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	sqlite3_stmt *stmt = bound(db, err, sql, fmt, &ap);
	va_end(ap);
	return stmt;
}

int db_next(struct db *db, sqlite3_stmt *rows, struct err *err)
{
	int rc = sqlite3_step(rows);
	if (rc == SQLITE_ROW)
		return 1;
	sqlite3_reset(rows);
	return rc == SQLITE_DONE ? 0 : fail(db, rc, err);
}

void db_end(sqlite3_stmt *rows)
{
	if (rows)
		sqlite3_reset(rows);
}

int64_t db_int(sqlite3_stmt *rows, int col)
{
	return sqlite3_column_int64(rows, col);
}

int64_t db_num(sqlite3_stmt *rows, int col)
{
	return sqlite3_column_type(rows, col) == SQLITE_NULL ? -1 : sqlite3_column_int64(rows, col);
}

const char *db_str(sqlite3_stmt *rows, int col)
{
	return (const char *)sqlite3_column_text(rows, col);
}

json_t *db_json(sqlite3_stmt *rows, int col)
{
	const char *text = db_str(rows, col);
	return text ? json_parse(text, strlen(text), NULL) : NULL;
}
