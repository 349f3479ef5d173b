/* An import on its way: price lists that were read, clouds that failed, then one transaction for all of it. */
#ifndef CORE_STORE_IMPORT_H
#define CORE_STORE_IMPORT_H
#include "core/store/catalog.h"
#include "core/store/vms_csv.h"

struct import;

struct import *import_create(struct import_report *report);
void import_destroy(struct import *im); /* the report stays */

/* Read a price list. file: its name for messages. text is changed; text[len] must be writable. False when it was refused: the
 * report has it, and the cloud will be left as it is. zones may be NULL. */
bool import_add(struct import *im, const char *cloud, const char *file, char *text, size_t len,
    const struct offer_source *source, const struct zone_names *zones);
/* A list that came from somewhere else, finished (taken, with all that it holds); skipped: bad rows. guarded: refused when it has less than
 * half of what the catalog has from its source. */
void import_list(struct import *im, struct pricelist *list, size_t skipped, bool guarded);
/* The cloud's list could not be read: it will be left as it is. */
void import_refused(struct import *im, const char *cloud, const char *file, const char *why);
/* The cloud's list could not be had: its offers become stale, for this reason. */
void import_failed(struct import *im, const char *cloud, const char *file, const char *why);
/* The list is known to be what the catalog has: it is fresh as of now. */
void import_unchanged(struct import *im, const char *cloud, const char *file);
/* No such list is hosted: a line in the report, nothing else. */
void import_absent(struct import *im, const char *cloud, const char *file);
/* The list that was added last came from url with this ETag ("": none). Unless force: if it has less than half of the offers that
 * the catalog has from there, it is refused and they become stale. */
void import_hosted(struct import *im, const char *url, const char *etag, bool force);
/* The ETag under which the catalog at path has what came from url last, "" when it has not. Caller frees. Reads the disk. */
char *import_known(const char *path, const char *cloud, const char *url);
/* The list that import_add just refused came from the network: what the cloud has becomes stale. */
void import_add_failed(struct import *im);

/* Write it all. Nothing to write is fine too. */
int import_commit(struct import *im, const char *path, const char *snapshot, int64_t now_ms, struct err *err);

/* A name that can be a cloud's: a to z, 0 to 9, _ and -, at most 32. */
bool import_cloud_name_ok(const char *name);

#endif
