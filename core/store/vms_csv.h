/* One price list in SkyPilot's layout (vms.csv), read into memory. */
#ifndef CORE_STORE_VMS_CSV_H
#define CORE_STORE_VMS_CSV_H
#include "core/base/err.h"
#include "core/store/pricelist.h"

/* What reading a file came to, besides the list. */
struct vms_report {
	size_t rows, skipped, unmatched;
	char *problems[5]; /* the first bad lines, "17: …"; caller frees */
	size_t n_problems;
};

/* Names of zones by the ids that a list may have in their place (AWS: "use1-az1" → "us-east-1a"). */
struct zone_names {
	struct {
		char id[32], name[32];
	} *v;
	size_t n, cap;
};

enum { VMS_MAX_BYTES = 64 * 1024 * 1024, VMS_MAX_ROWS = 2000000 };

/* Read text[0..len) (changed in place; text[len] must be writable) into l, which must be fresh from pricelist_init.
 * zones may be NULL. INVALID when the header lacks a column, when more than a tenth of the lines are bad, or when there is no
 * offer at all. The report is filled in either case. */
int vms_csv_read(char *text, size_t len, const struct offer_source *source, const struct zone_names *zones,
    struct pricelist *l, struct vms_report *report, struct err *err);

/* az_mappings-*.csv: AvailabilityZoneName,AvailabilityZone. What cannot be used is left out. Caller frees zones->v. */
void zone_names_read(char *text, size_t len, struct zone_names *zones);

#endif
