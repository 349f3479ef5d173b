/* What CHECK says (core/provider.h): who one is, which permissions there are and what for, quotas, hints. */
#ifndef PROVIDERS_COMMON_REPORT_H
#define PROVIDERS_COMMON_REPORT_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/mem.h"

/* needed: without it nothing works; else only some tasks, or the first launch, want it. */
struct report_permission {
	const char *name, *why;
	bool needed;
};

/* New reference. identity, reason: NULL when not said. */
json_t *report_new(bool enabled, const char *identity, const char *reason);
void report_hint(json_t *report, const char *text);
/* One row for each of n permissions: granted says of each whether it is there; NULL: it is not known of any. New reference. */
json_t *report_permissions(const struct report_permission *list, size_t n, bool (*granted)(const void *context, const char *name), const void *context);
/* "a, b, c" of those needed that are not there; "" when all are, or when it is not known. The arena's. */
const char *report_missing(struct arena *a, const struct report_permission *list, const json_t *rows);
/* used < 0: not known. */
void report_quota(json_t *quotas, const char *name, const char *region, int64_t limit, int64_t used);
/* Is an error something that a person has to mend, and so an answer? Anything else may be asked again. */
bool report_answers(const struct err *err);

#endif
