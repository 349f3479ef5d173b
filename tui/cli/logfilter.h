/* A job's output on its way to a terminal: text, newlines, tabs, carriage returns and colours (SGR) pass, every other control and escape
 * sequence is dropped, so that a log cannot move the cursor, set the clipboard or answer queries. Pure; may be fed in any pieces. */
#ifndef TUI_CLI_LOGFILTER_H
#define TUI_CLI_LOGFILTER_H
#include <stdbool.h>
#include <stddef.h>

#include "core/base/str.h"

struct logfilter {
	int state;
	size_t n;
	char seq[40]; /* a CSI sequence so far */
	bool plain;   /* no colours either */
};

/* Append to out what of the bytes may pass. Zero-initialise f at first (but for plain). */
void logfilter_feed(struct logfilter *f, const char *data, size_t len, struct str *out);

#endif
