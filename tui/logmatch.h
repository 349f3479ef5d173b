/* What is typed after & in a log: which lines are shown. Words must all be there, !words must not; "more words" are one; rank:0,3
 * are the lines of these ranks, level:error and level:warn those that announce at least that. Case is folded. Pure. */
#ifndef TUI_LOGMATCH_H
#define TUI_LOGMATCH_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/logbuf.h"

enum { LOGMATCH_TERMS = 12, LOGMATCH_TEXT = 120, LOGMATCH_RANKS = 16 };

struct logmatch {
	struct logmatch_term {
		enum { TERM_TEXT, TERM_RANK, TERM_LEVEL } kind;
		bool out;
		char text[LOGMATCH_TEXT];
		int64_t ranks[LOGMATCH_RANKS];
		size_t n_ranks;
		bool warnings; /* of a level: these as well */
	} terms[LOGMATCH_TERMS];
	size_t n; /* 0: every line */
};

/* Whatever is typed means something; terms past the last are left out. */
void logmatch_parse(struct logmatch *m, const char *text);
bool logmatch_line(const struct logmatch *m, const struct logbuf *b, uint64_t line);

#endif
