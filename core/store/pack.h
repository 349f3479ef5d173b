/* The packed form of all offers: the arrays of core/model/offer.h as they lie in memory, kept as blobs in catalog.db, so
 * that opening the catalog is one read instead of 140,000 rows of SQL. Whatever does not hold (version, byte order, sizes,
 * bounds, checksum) makes it unusable, never dangerous: the tables it was made from are still there. */
#ifndef CORE_STORE_PACK_H
#define CORE_STORE_PACK_H
#include <sqlite3.h>

#include "core/base/err.h"
#include "core/model/offer.h"

struct pack;

/* Make the pack anew from the tables, within the caller's transaction. */
int pack_write(sqlite3 *db, struct err *err);
/* Read it. NULL: there is none that can be used (PROTOCOL), or the file cannot be read (IO; sqlite3_errcode tells more). */
struct pack *pack_read(sqlite3 *db, struct err *err);
/* The same offers, read from the tables; some 100 ms. For when the pack cannot be used. */
struct pack *pack_from_tables(sqlite3 *db, struct err *err);
void pack_free(struct pack *p); /* NULL is fine */
const struct offers *pack_offers(const struct pack *p);

#endif
