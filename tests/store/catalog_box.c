/* A catalog of its own for each test. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/store/prices_file.h"
#include "tests/store/catalog_box.h"

void box_write(const char *path, const char *text)
{
	struct err err;
	if (fs_write(path, text, strlen(text), 0644, &err) < 0)
		fail_msg("%s", err.text);
}

void box_list(struct box *b, const char *cloud, const char *text)
{
	char *dir = path_join(b->lists, cloud), *file = path_join(dir, "vms.csv");
	fs_mkdirs(dir, NULL);
	box_write(file, text);
	free(file);
	free(dir);
}

int box_setup(void **state)
{
	struct box *b = xcalloc(1, sizeof *b);
	struct err err;
	strcpy(b->dir, "/tmp/skytop-catalog-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	b->db = path_join(b->dir, "cache/catalog.db");
	b->snapshot = path_join(b->dir, "snapshot.db");
	b->lists = path_join(b->dir, "lists");
	char *prices = path_join(b->dir, "x.prices");
	box_write(prices, "skytop-prices 1\n# a comment\ncloud\taws\t+\nsource\tsnap\t2026-01-02\tspot-estimated\n"
			   "type\tp5.48xlarge\tH100\t8\t80\t192\t2048\n\tus-east-1:ab=55.04/17~10\teu-west-1=60\n"
			   "type\tm7g.large\t\t\t\t2\t8\n\tus-east-1:a,us-west-2=0.08/0.03\n"
			   "cloud\tvast\t=\nsource\tmarket\t2026-01-01\tdate-unknown\n"
			   "type\t1x\tRTX 4090\t1\t24\n\tDenmark%2C%20DK:zone%2B1+zone2=0.4\t=/0.2\n"
			   "egress\taws\tus-east-1\t0\t10240\t0.09\tinternet\negress\taws\tus-east-1\t10240\t-\t0.085\tinternet other\n");
	const char *files[] = {prices};
	if (catalog_build_snapshot(files, 1, b->snapshot, &err) < 0)
		fail_msg("%s", err.text);
	free(prices);
	*state = b;
	return 0;
}

int box_teardown(void **state)
{
	struct box *b = *state;
	fs_remove_tree(b->dir, NULL);
	free(b->db);
	free(b->snapshot);
	free(b->lists);
	free(b);
	return 0;
}

struct catalog *box_open(struct box *b)
{
	struct err err;
	struct catalog *c = catalog_open_at(b->db, b->snapshot, &err);
	if (!c)
		fail_msg("%s", err.text);
	return c;
}

int box_import(struct box *b, int64_t now_ms, struct import_report *r, struct err *err)
{
	return catalog_import_at(b->db, b->snapshot, b->lists, 0, now_ms, r, err);
}

void box_must_import(struct box *b, int64_t now_ms)
{
	struct import_report r;
	struct err err;
	if (box_import(b, now_ms, &r, &err) < 0)
		fail_msg("%s", err.text);
	import_report_free(&r);
}

/* The first offer of a type (and accelerator) in a region, "zone" "" for any. */
const struct offer *box_find(const struct catalog *c, const char *cloud, const char *type, const char *accel, const char *region)
{
	const struct offers *o = catalog_offers(c);
	for (size_t i = 0; i < o->n_rows; i++) {
		const struct offer_type *y = &o->types[o->rows[i].type];
		if (str_eq(y->provider, cloud) && str_eq(y->instance_type, type) && str_eq(y->accelerator, accel) &&
		    str_eq(o->places[o->rows[i].place].region, region))
			return &o->rows[i];
	}
	return NULL;
}

unsigned box_random(unsigned *seed, unsigned n)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 8) % n;
}
