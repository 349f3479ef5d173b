/* What tests of the catalog share: a folder with a catalog made of a small snapshot, and lists to import into it. Failures end the test. */
#ifndef TESTS_STORE_CATALOG_BOX_H
#define TESTS_STORE_CATALOG_BOX_H
#include <stdint.h>

#include "core/store/catalog.h"

#define NOW INT64_C(1795000000000)
#define HEAD "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,GpuInfo,Price,SpotPrice,Region,AvailabilityZone\n"

struct box {
	char dir[64];
	char *db, *snapshot, *lists; /* lists: where imports come from */
};

/* Made and removed around each test; *state is a struct box. */
int box_setup(void **state);
int box_teardown(void **state);
#define BOXED(f) cmocka_unit_test_setup_teardown(f, box_setup, box_teardown)

void box_write(const char *path, const char *text);
/* lists/CLOUD/vms.csv */
void box_list(struct box *b, const char *cloud, const char *text);
struct catalog *box_open(struct box *b); /* never NULL; to be closed */
int box_import(struct box *b, int64_t now_ms, struct import_report *r, struct err *err);
void box_must_import(struct box *b, int64_t now_ms);
/* The first offer of a type (and accelerator) in a region; NULL. Borrowed of the catalog. */
const struct offer *box_find(const struct catalog *c, const char *cloud, const char *type, const char *accel, const char *region);

/* 0 ≤ result < n; the same row of numbers for the same seed. */
unsigned box_random(unsigned *seed, unsigned n);

#endif
