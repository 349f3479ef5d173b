/* Rows of log lines. One walk over the characters serves counting and drawing, so that they never disagree about where a line
 * is broken; a wide character that does not fit goes to the next row whole. */
#include "tui/view/log_lines.h"

#include <string.h>

#include "core/base/str.h"
#include "tui/width.h"

void log_find_matches(struct log_walk *k, const char *text, size_t len, const char *query)
{
	size_t n = strlen(query);
	for (size_t i = 0; n && i + n <= len && k->n_matches < LOG_MATCHES_MAX;) {
		const char *hit = str_istr(text + i, query);
		if (!hit)
			return;
		i = (size_t)(hit - text);
		k->matches[k->n_matches][0] = i;
		k->matches[k->n_matches++][1] = i + n;
		i += n;
	}
}

static bool in_match(const struct log_walk *k, size_t at)
{
	for (size_t i = 0; i < k->n_matches; i++)
		if (at >= k->matches[i][0] && at < k->matches[i][1])
			return true;
	return false;
}

/* How many bytes from text[0] on are characters of one column each that look alike: to where a label or a match begins or ends, or the row. */
static size_t alike(const struct log_walk *k, const char *text, size_t len, size_t at, int x)
{
	size_t most = x < 0 ? (size_t)-x : x < k->w ? (size_t)(k->w - x) : 0, n = 0;
	most = most < len ? most : len;
	most = at < k->label && k->label - at < most ? k->label - at : most;
	for (size_t i = 0; i < k->n_matches; i++)
		for (int end = 0; end < 2; end++)
			if (k->matches[i][end] > at && k->matches[i][end] - at < most)
				most = k->matches[i][end] - at;
	while (n < most && text[n] >= ' ' && text[n] < 0x7f)
		n++;
	return n;
}

static void draw_alike(const struct log_walk *k, int row, int x, const char *s, size_t n, const struct logbuf_run *run, size_t at)
{
	int y = row - k->skip;
	if (y < 0 || y >= k->h || x < 0)
		return;
	enum role role = at < k->label ? k->label_role : run->role == ROLE_TEXT ? k->base : run->role;
	int used = canvas_slice(k->c, k->x0 + x, k->y0 + y, k->w - x, 0, role, s, n);
	struct rect cells = {k->x0 + x, k->y0 + y, used, 1};
	if (run->attrs)
		canvas_attrs(k->c, cells, run->attrs);
	if (in_match(k, at))
		canvas_back(k->c, cells, k->match_role);
}

int log_walk(const struct log_walk *k, const struct logbuf *b, uint64_t line)
{
	struct logbuf_run run;
	size_t next = 0, at = 0;
	int row = 0, x = k->wrap ? 0 : -k->left;
	while (logbuf_next_run(b, line, &next, &run)) {
		for (size_t i = 0; i < run.len;) {
			unsigned cp;
			size_t len = alike(k, run.text + i, run.len - i, at, x);
			int w = (int)len;
			if (!len) {
				len = utf8_decode(run.text + i, run.len - i, &cp);
				w = width_shown(&cp);
				w = w < 0 ? 0 : w;
			}
			if (k->wrap && x + w > k->w) {
				row++;
				x = 0;
			}
			if (k->c && w > 0 && (k->wrap ? row - k->skip >= k->h : x >= k->w))
				return row + 1; /* the rest is not seen */
			if (k->c)
				draw_alike(k, row, w ? x : x - 1, run.text + i, len, &run, at);
			x += w;
			i += len;
			at += len;
		}
	}
	return row + 1;
}
