/* Which lines of a pane are shown, and which match what is searched for. Both are found once per line, when it is complete; the last
 * line may still grow, and is looked at anew each time. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tui/app.h"
#include "tui/view/log_pane.h"

const char *log_pane_needle(const struct log_pane *p)
{
	return p->query.field.text;
}

bool log_pane_passes(const struct log_pane *p, uint64_t line)
{
	return !p->match.n || logmatch_line(&p->match, p->buf, line);
}

static bool passes(void *arg, uint64_t line)
{
	return log_pane_passes(arg, line);
}

static bool hits(void *arg, uint64_t line)
{
	const struct log_pane *p = arg;
	return log_pane_needle(p)[0] && logbuf_has(p->buf, line, log_pane_needle(p)) && log_pane_passes(p, line);
}

void log_pane_sync(struct log_pane *p)
{
	uint64_t first = logbuf_first(p->buf), whole = logbuf_whole(p->buf);
	if (p->match.n)
		logindex_update(&p->shown, first, whole, passes, p);
	if (log_pane_needle(p)[0])
		logindex_update(&p->hits, first, whole, hits, p);
}

/* --- lines that are shown ----------------------------------------------------------------------------------------- */

/* The line that is not complete, when there is one and it is shown. */
static uint64_t tail(const struct log_pane *p)
{
	uint64_t line = logbuf_whole(p->buf);
	if (line == logbuf_end(p->buf) || (p->match.n && p->shown.due <= 0 && !log_pane_passes(p, line)))
		return LOG_NO_LINE;
	return line;
}

uint64_t log_pane_first(const struct log_pane *p)
{
	if (!p->match.n)
		return logbuf_first(p->buf) < logbuf_end(p->buf) ? logbuf_first(p->buf) : LOG_NO_LINE;
	return p->shown.n ? logindex_at(&p->shown, 0) : tail(p);
}

uint64_t log_pane_last(const struct log_pane *p)
{
	if (!p->match.n)
		return logbuf_first(p->buf) < logbuf_end(p->buf) ? logbuf_end(p->buf) - 1 : LOG_NO_LINE;
	uint64_t line = tail(p);
	return line != LOG_NO_LINE ? line : p->shown.n ? logindex_at(&p->shown, p->shown.n - 1) : LOG_NO_LINE;
}

uint64_t log_pane_next(const struct log_pane *p, uint64_t line, int dir)
{
	if (!p->match.n) {
		uint64_t first = logbuf_first(p->buf), end = logbuf_end(p->buf);
		if (dir < 0)
			return line > first ? line - 1 : LOG_NO_LINE;
		return line + 1 < end ? line + 1 : LOG_NO_LINE;
	}
	size_t at = logindex_find(&p->shown, dir > 0 ? line + 1 : line);
	if (dir < 0)
		return at ? logindex_at(&p->shown, at - 1) : LOG_NO_LINE;
	if (at < p->shown.n)
		return logindex_at(&p->shown, at);
	uint64_t last = tail(p);
	return last != LOG_NO_LINE && last > line ? last : LOG_NO_LINE;
}

size_t log_pane_count(const struct log_pane *p, uint64_t from)
{
	uint64_t first = logbuf_first(p->buf), end = logbuf_end(p->buf);
	from = from < first ? first : from;
	if (!p->match.n)
		return from < end ? (size_t)(end - from) : 0;
	uint64_t last = tail(p);
	return p->shown.n - logindex_find(&p->shown, from) + (last != LOG_NO_LINE && last >= from);
}

void log_pane_refilter(struct log_pane *p)
{
	logmatch_parse(&p->match, p->filter.field.text);
	logindex_reset(&p->shown, p->context);
	logindex_reset(&p->hits, 0);
	log_pane_sync(p);
	p->hit = LOG_NO_LINE;
	p->top_row = 0;
	p->selecting = p->followed = false;
}

void log_pane_only_rank(struct log_pane *p, int64_t rank)
{
	char text[FIELD_MAX + 1] = "";
	size_t used = 0;
	for (const char *s = p->filter.field.text; *s;) { /* what it says of ranks now goes */
		s += strspn(s, " ");
		size_t n = strcspn(s, " ");
		if (n && strncmp(s, "rank:", 5))
			used += (size_t)snprintf(text + used, sizeof text - used, "%s%.*s", used ? " " : "", (int)n, s);
		s += n;
	}
	if (rank >= 0 && used + 32 < sizeof text)
		snprintf(text + used, sizeof text - used, "%srank:%" PRId64, used ? " " : "", rank);
	field_set(&p->filter.field, text);
	log_pane_refilter(p);
}

/* --- search ------------------------------------------------------------------------------------------------------- */

static uint64_t tail_hit(const struct log_pane *p)
{
	uint64_t line = logbuf_whole(p->buf);
	return line < logbuf_end(p->buf) && hits((void *)p, line) ? line : LOG_NO_LINE;
}

size_t log_pane_hits(const struct log_pane *p, size_t *nth)
{
	uint64_t last = tail_hit(p);
	*nth = 0;
	if (p->hit != LOG_NO_LINE && p->hit >= logbuf_first(p->buf))
		*nth = logindex_find(&p->hits, p->hit) + 1;
	return p->hits.n + (last != LOG_NO_LINE);
}

/* The hit at this place among all, which goes around. */
static uint64_t hit_at(const struct log_pane *p, long place)
{
	uint64_t last = tail_hit(p);
	long n = (long)p->hits.n + (last != LOG_NO_LINE);
	if (!n)
		return LOG_NO_LINE;
	place = (place % n + n) % n;
	return place < (long)p->hits.n ? logindex_at(&p->hits, (size_t)place) : last;
}

static void go_to(struct log_pane *p, uint64_t line)
{
	p->hit = line;
	if (line != LOG_NO_LINE)
		log_pane_show(p, line);
}

void log_pane_begin_search(struct log_pane *p)
{
	p->from.follow = p->follow;
	p->from.top = p->top;
	p->from.row = p->top_row;
}

void log_pane_search(struct log_pane *p, bool undone)
{
	p->follow = p->from.follow;
	p->top = p->from.top;
	p->top_row = p->from.row;
	p->hit = LOG_NO_LINE;
	logindex_reset(&p->hits, 0);
	log_pane_sync(p);
	if (undone)
		return;
	/* From where one looks: the newest match when at the end, else the first one from the top of the screen on. */
	go_to(p, hit_at(p, p->follow ? -1 : (long)logindex_find(&p->hits, p->top)));
}

void log_pane_next_hit(struct log_pane *p, int dir)
{
	log_pane_sync(p);
	bool at_hit = p->hit != LOG_NO_LINE;
	uint64_t from = at_hit ? p->hit : p->top;
	long place = (long)logindex_find(&p->hits, dir > 0 && at_hit ? from + 1 : from);
	go_to(p, hit_at(p, dir > 0 ? place : place - 1));
	if (p->hit == LOG_NO_LINE)
		app_say(p->app, false, "nothing matches %s", log_pane_needle(p));
}
