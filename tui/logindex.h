/* Which lines of a growing log there are that have something: their numbers in order, found once each as the log grows. */
#ifndef TUI_LOGINDEX_H
#define TUI_LOGINDEX_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct logindex {
	uint64_t *lines;
	size_t head, n, cap;
	uint64_t first, done; /* lines in [first, done) have been looked at */
	int before, after;    /* context: so many lines around each are in it, too */
	int due;	      /* of those after the last one found */
};

/* Empty, with so many lines of context. Starts as {0}. */
void logindex_reset(struct logindex *x, int context);
void logindex_finish(struct logindex *x);
/* Lines before first are gone; look at those up to end. */
void logindex_update(struct logindex *x, uint64_t first, uint64_t end, bool (*has)(void *arg, uint64_t line), void *arg);
/* The place of the first of them that is not before this line; n when there is none. */
size_t logindex_find(const struct logindex *x, uint64_t line);
uint64_t logindex_at(const struct logindex *x, size_t place);
bool logindex_has(const struct logindex *x, uint64_t line);

#endif
