/* Libraries that are opened when first used. libcurl and what it depends on cost 6–7 ms of dynamic linking at each start,
 * which `skytop status` must not pay. */
#ifndef CORE_BASE_LAZY_H
#define CORE_BASE_LAZY_H
#include <stddef.h>

#include "core/base/err.h"

/* One function to find: its name, and where its address goes. */
struct lazy_symbol {
	const char *name;
	void *slot; /* address of a function pointer */
};

/* Open the first of sonames (NULL-terminated) that is there and fill all slots. May be called again at no cost beyond the
 * look-ups. Failure: UNSUPPORTED, naming the library. */
int lazy_open(const char *const *sonames, const struct lazy_symbol *symbols, size_t n, struct err *err);

#endif
