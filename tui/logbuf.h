/* The text of a log: bytes in, clean lines with colours out, in bounded memory. The oldest lines go when there are too many,
 * and are counted. Nothing of what comes in reaches the terminal but text and the 16 colours of SGR. Pure. */
#ifndef TUI_LOGBUF_H
#define TUI_LOGBUF_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"
#include "tui/theme.h"

enum { LOGBUF_LINES = 50000, LOGBUF_BYTES = 6 << 20, LOGBUF_LINE_MAX = 8000 };

struct logbuf;

/* 0: the limits above. */
struct logbuf *logbuf_create(size_t max_lines, size_t max_bytes);
void logbuf_destroy(struct logbuf *b); /* NULL is fine */
/* More of the log. A line that is not complete yet is a line already; "\r" starts it over, as progress bars do.
 * at_ms: when these bytes came (UTC ms; 0: not known), never before those of the last call. */
void logbuf_add(struct logbuf *b, const char *data, size_t len, int64_t at_ms);
/* Keep at most so many bytes of text from now on. */
void logbuf_limit(struct logbuf *b, size_t max_bytes);

/* Put what another one has in front of it; as much of its end as there is room for. Both must be numbered from LOGBUF_ORIGIN. `older` is
 * destroyed. How many lines came. */
size_t logbuf_prepend(struct logbuf *b, struct logbuf *older);

/* Lines are numbered one after the other, the first that came having the number LOGBUF_ORIGIN, so that there are numbers before it; those
 * in [first, end) are here. */
#define LOGBUF_ORIGIN (UINT64_C(1) << 40)
uint64_t logbuf_first(const struct logbuf *b);
uint64_t logbuf_end(const struct logbuf *b);
bool logbuf_empty(const struct logbuf *b);
/* How many lines had to go. */
uint64_t logbuf_dropped(const struct logbuf *b);
/* … of which those before this are complete. */
uint64_t logbuf_whole(const struct logbuf *b);

/* A stretch of a line in one style. */
struct logbuf_run {
	const char *text; /* into the line; not terminated */
	size_t len;
	enum role role;   /* ROLE_TEXT, or ROLE_ANSI + colour */
	unsigned attrs;
};
/* The line's next run: *at is 0 for the first, and moves on. False at the end. Borrowed until the next logbuf_add. */
bool logbuf_next_run(const struct logbuf *b, uint64_t line, size_t *at, struct logbuf_run *out);
/* Append the line's text without colours. */
void logbuf_text(const struct logbuf *b, uint64_t line, struct str *out);
/* The level that the line announces near its start (ERROR, WARN, DEBUG …) as a role; ROLE_TEXT: none. */
enum role logbuf_level(const struct logbuf *b, uint64_t line);

/* When the line's first byte came, to 10 ms; 0: not known. */
int64_t logbuf_time(const struct logbuf *b, uint64_t line);
/* In the merged log of several nodes: the length of the line's label, and whose line it is; 0: it has none. */
size_t logbuf_label(const struct logbuf *b, uint64_t line, int64_t *rank);

/* Does the line contain the text, case folded? */
bool logbuf_has(const struct logbuf *b, uint64_t line, const char *text);

#endif
