/* Writing one tar stream to a file descriptor, with libarchive (opened when first used). GNU's format: any bytes in names, of any
 * length, and files of any size, read by GNU tar, busybox and bsdtar alike. Blocks: for children, not for the loop. */
#ifndef CORE_IO_TAR_H
#define CORE_IO_TAR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

struct tar;

struct tar_member {
	const char *path;
	char type;	    /* 'f', 'd', 'l' */
	unsigned mode;
	int64_t size, mtime_s;
	const char *target; /* of 'l' */
};

/* NULL: UNSUPPORTED without the library. fd stays the caller's. gzip: level 1. */
struct tar *tar_open(int fd, bool gzip, struct err *err);
/* Begin a member; then exactly size bytes of a file are to follow through tar_data (what is missing becomes zeros). */
int tar_begin(struct tar *t, const struct tar_member *m, struct err *err);
int tar_data(struct tar *t, const void *data, size_t len, struct err *err);
/* A whole file at once. */
int tar_file(struct tar *t, const char *path, const void *data, size_t len, struct err *err);
/* The end of the archive, all of it written. Without it the stream is not whole. */
int tar_finish(struct tar *t, struct err *err);
void tar_close(struct tar *t); /* NULL is fine */

/* How many bytes gzip makes of these; len when the library is not there. */
size_t tar_gzip_size(const void *data, size_t len);

#endif
