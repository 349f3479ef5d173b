/* What machines and their marks are called, where clouds take few characters. */
#ifndef PROVIDERS_COMMON_NAMES_H
#define PROVIDERS_COMMON_NAMES_H
#include <stdbool.h>
#include <stdint.h>

#include "core/base/mem.h"

bool name_plain(const char *text);				/* 1…63 of a-z, 0-9, - and _ */
const char *name_hash(struct arena *a, const char *text);	/* 16 hex digits */
const char *name_label(struct arena *a, const char *text);	/* text if it is plain, else "x_" and its hash */
/* "sky-train-0123456789abcdef-0": of a cluster's id, its name for people, and the rank. At most 63, [a-z0-9-]. */
const char *name_machine(struct arena *a, const char *cluster, const char *name, int64_t rank);
/* Is it a URL of plain HTTP to this machine: 127.…, localhost, [::1]? */
bool name_is_here(const char *url);
/* A time as clouds write it, RFC 3339 with fraction and offset, in ms; 0: none. */
int64_t name_time(const char *text);

#endif
