/* A job's log as its readers see it: bytes at offsets of the log, whichever of the engine's files has them at the moment. The engine
 * names the files (`log` in protocol.h); they are read here, without asking it for every piece. Memory is bounded however long the log is. */
#ifndef CORE_API_LOGREAD_H
#define CORE_API_LOGREAD_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct logread;

struct logread *logread_create(void);
void logread_destroy(struct logread *r); /* NULL is fine */

/* What the engine said of the log: its answer to `log`, or a notice. The position stays where it is in the log. True: the log is not the
 * one it was (the node began another in its place), and the position is its beginning. */
bool logread_take(struct logread *r, const json_t *log);

/* The next bytes of the log, at most size of them: how many. 0: none now. */
size_t logread_next(struct logread *r, char *buf, size_t size);
int64_t logread_at(const struct logread *r); /* the offset of the next byte */
void logread_seek(struct logread *r, int64_t at);

/* Where the last `lines` lines of what is there begin (of those of this rank only, unless rank is -1); 0 lines: the end. A line that is
 * not complete counts. *found (may be NULL) is how many there are, at most `lines`. */
int64_t logread_tail(struct logread *r, int64_t lines, int64_t rank, int64_t *found);
int64_t logread_start(const struct logread *r); /* the first offset that can be read now: 0, but for a tail of a log that is far behind */

int64_t logread_line(struct logread *r, int64_t at); /* where the line that has the byte at this offset begins */

/* Are the lines those of several nodes, each with its label? (By what is there; false for an empty log.) */
bool logread_is_merged(struct logread *r);

/* The label that a line of a merged log begins with, "(worker1, rank=1, pid=4711) ": its length, 0 if there is none. */
size_t logline_label(const char *line, size_t len, int64_t *rank);

/* Where the lines written since then begin. How well that is known: the engine notes when bytes came to it; what was written while it was
 * away came later than it was written. */
struct logread_since {
	int64_t at;		/* nothing before this was written since then */
	int64_t unsure_to;	/* > at: what lies between came late, at late_ms, and may be older */
	int64_t late_ms;
	bool unknown;		/* no times are known at all; at is 0 */
};
/* From the file of times that the engine named ("times"; NULL: none). Reads it, of bounded size, once. */
struct logread_since logread_since(const char *times_path, int64_t since_ms);


/* All of the same file: when the bytes of a log came to the engine. NULL when there is none, or it cannot be read. Reads it, once. */
struct logread_times;
struct logread_times *logread_times_read(const char *times_path);
void logread_times_destroy(struct logread_times *t); /* NULL is fine */
/* When the byte at this offset came, 0 not known; *until is the offset up to which that holds, INT64_MAX after the last note. t may be NULL. */
int64_t logread_times_at(const struct logread_times *t, int64_t at, int64_t *until);

#endif
