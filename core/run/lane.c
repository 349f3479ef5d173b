/* The rate after a complaint is a part of what was measured just before it, as a burst that was allowed says little about the next minute;
 * growth is by a tenth an answer, so that some fifty answers later the lane is as free as it was. */
#include "core/run/lane.h"

#include "core/base/mem.h"

static const double RATE_MIN = 0.5, RATE_UNMEASURED = 8, RATE_FREE = 50, CUT = 0.6, GROWTH = 1.1;
enum { BURST_MS = 1000 };

/* Tokens at a time. */
static double tokens_at(const struct lane_state *l, int64_t now_ms)
{
	double most = l->rate > 1 ? l->rate : 1, t = l->tokens + l->rate * (double)(now_ms - l->filled_at_ms) / 1000;
	return t < most ? t : most;
}

int64_t lane_wait_ms(const struct lane_state *l, int64_t now_ms)
{
	if (l->running >= LANE_AT_ONCE)
		return -1;
	if (now_ms < l->paused_until_ms)
		return l->paused_until_ms - now_ms;
	if (l->rate <= 0)
		return 0;
	double t = tokens_at(l, now_ms);
	return t >= 1 ? 0 : (int64_t)((1 - t) / l->rate * 1000) + 1;
}

void lane_started(struct lane_state *l, int64_t now_ms)
{
	l->running++;
	l->recent[l->n_started++ % ARRAY_LEN(l->recent)] = now_ms;
	if (l->rate <= 0)
		return;
	l->tokens = tokens_at(l, now_ms) - 1;
	l->filled_at_ms = now_ms;
}

void lane_ended(struct lane_state *l, bool ok)
{
	l->running--;
	if (!ok || l->rate <= 0)
		return;
	l->rate *= GROWTH;
	if (l->rate >= RATE_FREE)
		l->rate = 0;
}

/* How many a second were started just now. */
static double measured(const struct lane_state *l, int64_t now_ms)
{
	size_t n = l->n_started < ARRAY_LEN(l->recent) ? l->n_started : ARRAY_LEN(l->recent);
	if (n < 2)
		return RATE_UNMEASURED;
	int64_t span = now_ms - l->recent[(l->n_started - n) % ARRAY_LEN(l->recent)];
	return (double)n * 1000 / (double)(span > 100 ? span : 100);
}

void lane_pause(struct lane_state *l, int64_t pause_ms, int64_t now_ms)
{
	if (pause_ms > LANE_PAUSE_MAX_MS)
		pause_ms = LANE_PAUSE_MAX_MS;
	if (now_ms + pause_ms > l->paused_until_ms)
		l->paused_until_ms = now_ms + pause_ms;
}

void lane_throttle(struct lane_state *l, int64_t pause_ms, int64_t now_ms)
{
	/* Several that were under way complain of the same burst. */
	bool again = l->rate > 0 && now_ms < l->cut_at_ms + BURST_MS;
	lane_pause(l, pause_ms, now_ms);
	if (again)
		return;
	l->cut_at_ms = now_ms;
	double rate = measured(l, now_ms) * CUT;
	if (l->rate > 0 && l->rate * CUT < rate)
		rate = l->rate * CUT;
	l->rate = rate < RATE_MIN ? RATE_MIN : rate > RATE_FREE / 2 ? RATE_FREE / 2 : rate;
	l->tokens = 0;
	l->filled_at_ms = l->paused_until_ms > now_ms ? l->paused_until_ms - (int64_t)(1000 / l->rate) - 1 : now_ms;
}
