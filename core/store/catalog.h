/* catalog.db: what all clouds sell and at what price, with its history. Anyone may read it, without the engine.
 *
 * The file is never changed in place. Whoever has news (an import, an update) takes the lock catalog.lock, copies the
 * file, changes the copy in one transaction, and renames it over the old one. So a reader never waits, needs no right to
 * write anything (no journal, no -wal, no -shm), and keeps the prices it opened until it opens again; a full disk, a
 * crash or a kill in the middle leaves the old catalog as it was; and of two writers the second waits for the first. */
#ifndef CORE_STORE_CATALOG_H
#define CORE_STORE_CATALOG_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/str.h"
#include "core/model/egress.h"
#include "core/model/offer.h"

struct catalog;

/* Where it is: home_path(HOME_CACHE, "catalog.db"). Caller frees. */
char *catalog_path(void);

/* Open for reading: a few milliseconds for 140,000 offers. What is missing is made from the snapshot that came with the
 * program; what is damaged is moved aside as catalog.db.corrupt-TIME and made anew, and catalog_warning says so; where
 * nothing can be written the snapshot itself is read. NULL only when there is no snapshot either. */
struct catalog *catalog_open(struct err *err);
/* The same with the two files named; path NULL: read the snapshot in place. */
struct catalog *catalog_open_at(const char *path, const char *snapshot, struct err *err);
/* NULL is fine. All that was borrowed from it is gone. */
void catalog_close(struct catalog *c);
/* What went wrong and was mended while opening, for the person; NULL: nothing. */
const char *catalog_warning(const struct catalog *c);
/* Another catalog.db lies there now than when this was opened: open again. One stat(2). */
bool catalog_changed(const struct catalog *c);

/* All offers; rows of one type are neighbours. Borrowed. */
const struct offers *catalog_offers(const struct catalog *c);
/* The row with this id, or SIZE_MAX. Linear. */
size_t catalog_find(const struct catalog *c, uint32_t offer_id);

/* The last `max` price changes of an offer, oldest first; an offer whose price never moved has none. Reads the disk: some
 * 0.05 ms. Returns how many; -1 on failure. */
int catalog_history(struct catalog *c, uint32_t offer_id, struct price_point *out, int max, struct err *err);

/* Read when first asked for, then kept. Borrowed; NULL on failure. */
const struct egress_table *catalog_egress(struct catalog *c, struct err *err);

/* One source of prices, as `catalog status` shows it. */
struct catalog_source {
	const char *name;
	const char *cloud;
	size_t n_offers;
	int64_t as_of_ms;
	bool as_of_known, spot_estimated, stale;
	int64_t updated_at_ms;	/* when these rows were last read from it */
	const char *problem;	/* why the last update failed; NULL */
};
struct catalog_status {
	const char *path;
	int64_t file_bytes;
	size_t n_offers, n_types, n_places, n_history;
	bool from_snapshot;	/* never imported nor updated */
	const struct catalog_source *sources; /* by cloud, then name */
	size_t n_sources;
};
/* Read the disk. Borrowed, until the catalog is closed; NULL on failure. */
const struct catalog_status *catalog_status(struct catalog *c, struct err *err);

/* --- writing ---------------------------------------------------------------------------------------------------------
 * All of these block on the disk and on the lock of another writer (LOCK_MS at most, then CONFLICT). In the engine they
 * belong into a child process. clock NULL: the system's. */

/* What an import did, cloud by cloud. */
struct import_cloud {
	char *cloud, *file;
	size_t rows;		/* lines with data */
	size_t offers;		/* offers that stand in the catalog now */
	size_t skipped;		/* bad lines */
	size_t merged;		/* lines that repeat an offer; the cheapest counts */
	size_t unmatched;	/* accelerators without a host that takes them, in that zone */
	size_t added, removed, changed; /* against what the catalog had; changed: another price */
	bool absent;		/* no such list is hosted; nothing is amiss */
	bool unchanged;		/* the list is the one that the catalog has */
	char *refused;		/* why the file was refused and the old offers kept; NULL: taken */
};
struct import_report {
	struct import_cloud *clouds;
	size_t n_clouds;
	char **problems;	/* "aws/vms.csv:17: …": the first bad lines of each file */
	size_t n_problems;
	char *warning;		/* the catalog was damaged and made anew; NULL */
};
void import_report_free(struct import_report *r);

/* Import price lists in SkyPilot's layout: DIR/<cloud>/vms.csv for each cloud there is, or one cloud's folder with vms.csv
 * in it. All of a cloud's offers are replaced, in one transaction for all clouds. A bad line is skipped and counted; a file
 * without the needed columns or with more than a tenth bad lines is refused, and that cloud stays as it was. -1 when
 * nothing was taken at all (no file, all refused, disk, lock): then the catalog is as before; the report is filled as far as
 * it goes. as_of_ms 0: each file's own time. */
int catalog_import(const char *dir, int64_t as_of_ms, struct import_report *report, struct err *err);
/* The same with the files named; snapshot may be NULL. */
int catalog_import_at(const char *path, const char *snapshot, const char *dir, int64_t as_of_ms, int64_t now_ms,
    struct import_report *report, struct err *err);

/* Where SkyPilot hosts its lists: CLOUD/vms.csv below. */
#define CATALOG_HOSTED_URL "https://raw.githubusercontent.com/skypilot-org/skypilot-catalog/master/catalogs/v8"

struct catalog_update {
	const char *url;	   /* NULL: CATALOG_HOSTED_URL */
	const char *proxy, *ca_file; /* as http_configure takes them */
	const char *const *clouds; /* NULL-terminated; NULL: all that are hosted in dollars */
	bool force;		   /* fetch anew what did not change, and take a list however short it is */
	int64_t deadline_ms;	   /* for everything; 0: two minutes */
	int64_t stall_ms;	   /* give a list up after so long without a byte; 0: 20 s */
	size_t max_bytes;	   /* of a list; 0: 64 MiB */
};
/* Fetch hosted price lists and import them. A cloud whose list cannot be had, is broken, or is suspiciously short (less than half of
 * what it had) keeps its offers and is marked stale; the others are taken, in one transaction. -1 when no list could be had (NETWORK)
 * or nothing could be written. Blocks on the network until the deadline. */
int catalog_update(const struct catalog_update *want, struct import_report *report, struct err *err);
int catalog_update_at(const char *path, const char *snapshot, const struct catalog_update *want, struct import_report *report,
    struct err *err);

#endif
