/* SQLite with statements kept, arguments bound by a format, and errors as ours. */
#ifndef CORE_STORE_DB_H
#define CORE_STORE_DB_H
#include <jansson.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"

struct db;

/* Open or make path (mode 0600). Refused as PROTOCOL when the file is no database or is damaged: the caller moves it aside. */
struct db *db_open(const char *path, struct err *err);
void db_close(struct db *db); /* NULL is fine */
sqlite3 *db_handle(struct db *db);

/* Run SQL text without arguments; several statements are fine. */
int db_exec(struct db *db, const char *sql, struct err *err);
/* Run one statement. fmt, one letter an argument: i int64_t · s const char * (NULL gives NULL) · b int (0/1) · j const json_t * as text
 * (NULL gives NULL) · p int64_t price or other number where -1 means unknown and is stored as NULL. */
int db_run(struct db *db, struct err *err, const char *sql, const char *fmt, ...);
int64_t db_last_id(struct db *db);

/* Rows: db_query binds as db_run, then db_next until it returns 0 (end) or -1 (error). A statement runs once at a time. */
sqlite3_stmt *db_query(struct db *db, struct err *err, const char *sql, const char *fmt, ...);
int db_next(struct db *db, sqlite3_stmt *rows, struct err *err); /* 1: a row; 0 and -1 also end the query */
void db_end(sqlite3_stmt *rows);				  /* stop early */
int64_t db_int(sqlite3_stmt *rows, int col);			  /* NULL gives 0 */
int64_t db_num(sqlite3_stmt *rows, int col);			  /* NULL gives -1 */
const char *db_str(sqlite3_stmt *rows, int col);		  /* NULL stays NULL; valid until db_next */
json_t *db_json(sqlite3_stmt *rows, int col);			  /* new reference; NULL for NULL or nonsense */

#endif
