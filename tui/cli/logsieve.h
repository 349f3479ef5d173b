/* Which lines of a job's log are asked for: those of one rank, those of setup. Pure; may be fed in any pieces. */
#ifndef TUI_CLI_LOGSIEVE_H
#define TUI_CLI_LOGSIEVE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

struct logsieve {
	int64_t rank;	   /* -1: all. Else only lines with this rank's label */
	bool setup;	   /* only what comes before the line "[skytop] run" */
	bool over;	   /* out: that line came, or there is no setup: nothing more will pass */
	bool any;	   /* out: something passed */
	/* Its own: what of a line is not decided yet, and whether the rest of the present line passes. */
	char head[128];
	size_t n_head;
	bool decided, passes, begun;
};

/* Append to out what passes. Set rank and setup, the rest zero, at first; feed from the beginning of a line. */
void logsieve_feed(struct logsieve *s, const char *data, size_t len, struct str *out);
/* No more comes: a last line without an end is decided by what is there of it. */
void logsieve_end(struct logsieve *s, struct str *out);

#endif
