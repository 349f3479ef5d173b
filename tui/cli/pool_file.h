/* Adding hosts to a file of pools as a person would: where they belong, all else as it was. Pure. */
#ifndef TUI_CLI_POOL_FILE_H
#define TUI_CLI_POOL_FILE_H
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/str.h"

struct pool_entry {
	const char *pool;
	const char *const *hosts; /* NULL-terminated, at least one */
	const char *user, *identity_file, *jump; /* of all these hosts; NULL: not said */
	int64_t port;				 /* 0: not said */
};

/* The text with the hosts added; comments and order stay. file is its name for messages. INVALID: it is no such file; CONFLICT: a host is in the
 * pool already; UNSUPPORTED: it is written in a form in which nothing can be added safely ([a, b] on one line); the error says what to write. */
int pool_file_add(const char *text, size_t len, const char *file, const struct pool_entry *e, struct str *out, struct err *err);

#endif
