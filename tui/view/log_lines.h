/* The lines of a log as rows on the screen: wrapped or scrolled sideways, with their colours and what was searched for. */
#ifndef TUI_VIEW_LOG_LINES_H
#define TUI_VIEW_LOG_LINES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/canvas.h"
#include "tui/logbuf.h"

enum { LOG_MATCHES_MAX = 64 };

/* Walks a line, breaking it into rows where it is wrapped. With c NULL it only counts. */
struct log_walk {
	struct canvas *c;
	int x0, y0, w, h; /* where to draw: w columns, rows [0, h) after skip */
	int skip;	  /* rows of the line that are above */
	int left;	  /* columns scrolled away, when not wrapped */
	bool wrap;
	size_t label;	  /* bytes that the line's label takes, and how it looks */
	enum role label_role;
	enum role base;	  /* of text that brings no colour of its own */
	size_t matches[LOG_MATCHES_MAX][2], n_matches; /* bytes of the plain text [from, to) */
	enum role match_role;
};

/* Note where the query occurs in the line's plain text, case folded. */
void log_find_matches(struct log_walk *k, const char *text, size_t len, const char *query);
/* Walk, and draw when there is a canvas. Returns the rows the line takes, at least 1; when drawing not more than one that has no
 * room any more. */
int log_walk(const struct log_walk *k, const struct logbuf *b, uint64_t line);

#endif
