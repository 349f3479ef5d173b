/* One program run to its end, its output in memory. For cloud sides, which may block; core has core/io/proc.h. */
#ifndef PROVIDERS_COMMON_CHILD_H
#define PROVIDERS_COMMON_CHILD_H
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

/* Run argv (argv[0] looked up in PATH; stdin and stderr are /dev/null) and return its stdout, NUL-terminated, the
 * caller frees. NOT_FOUND: no such program; TIMEOUT: killed after deadline_ms; INVALID: more than max bytes; FAILED:
 * another end than exit status 0. */
char *child_output(const char *const *argv, int64_t deadline_ms, size_t max, struct err *err);

#endif
