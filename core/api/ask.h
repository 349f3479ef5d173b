/* One question to some clouds in the process that wants to know, at once, with this process's environment: no engine is asked. */
#ifndef CORE_API_ASK_H
#define CORE_API_ASK_H
#include <jansson.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/provider.h"

struct ask {
	const char *self;	 /* path of this program */
	json_t *provider_config; /* {"aws": {…}, "http": {…}}; borrowed; may be NULL */
	int64_t deadline_ms;	 /* for all */
};

/* Who one is there, what one may do and what may be had (CHECK): into results[i] a new reference or NULL, then errs[i] says why. Blocks until all
 * have answered, or until the deadline. */
void ask_check(const struct ask *a, const struct provider *const *which, size_t n, json_t **results, struct err *errs);

#endif
