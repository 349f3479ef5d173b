/* Small files, read in a child that lives as long as the question: a disk that hangs (a home over the network that is away) holds nobody but
 * that child. */
#ifndef CORE_IO_READING_H
#define CORE_IO_READING_H
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/io/loop.h"

struct reading_file {
	const char *path; /* as given */
	char *text;	  /* NUL-terminated; NULL: it was not read, and why says so */
	size_t len;
	char *why;
};

struct reading_spec {
	const char *const *paths; /* copied */
	size_t n, max;		  /* max: bytes of a file */
	int64_t timeout_ms;	  /* for all of them together */
	/* How one is read, in the child; NULL: fs_read. For tests. */
	char *(*read)(const char *path, size_t max, size_t *len, struct err *err);
};

struct reading;
/* The files, in the order asked; they and their texts are gone (and overwritten) when this returns. */
typedef void reading_fn(void *arg, const struct reading_file *files, size_t n);

/* fn once, later, unless cancelled: when all are read, or what is read when the time is up. NULL with err: no child could be made. */
struct reading *reading_start(struct loop *l, const struct reading_spec *spec, reading_fn *fn, void *arg, struct err *err);
void reading_cancel(struct reading *r); /* NULL is fine */

#endif
