/* Filters of offers that have a name: the file "filters" in the config folder, one "NAME<tab>FILTER" a line, for people to edit too. */
#ifndef CORE_STORE_SAVED_H
#define CORE_STORE_SAVED_H
#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"

enum { SAVED_MAX = 200, SAVED_NAME_MAX = 40 };

struct saved_filter {
	char *name, *text;
};
struct saved_filters {
	struct saved_filter *v;
	size_t n;
};

/* In the file's order; lines that are none are left out. No file: none. Blocks on the disk. */
int saved_load(struct saved_filters *out, struct err *err);
void saved_free(struct saved_filters *s);
/* The filter of that name; NULL. Borrowed. */
const char *saved_find(const struct saved_filters *s, const char *name);
/* Write it, in the place of the one of that name; text NULL: forget it. INVALID: no name, or too many. Blocks on the disk. */
int saved_put(const char *name, const char *text, struct err *err);

#endif
