/* The throttle of one lane: what of an account, in one region of one cloud, may be asked how fast. Pure: the clock is passed in (monotonic ms).
 *
 * A few requests at a time; a pause of the whole lane after "too often"; and from then on a rate, that every answer lets grow until it
 * bounds nothing any more. */
#ifndef CORE_RUN_LANE_H
#define CORE_RUN_LANE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LANE_AT_ONCE = 6, LANE_PAUSE_MAX_MS = 60000 };

struct lane_state {
	int running;		/* requests under way */
	int64_t paused_until_ms;
	double rate;		/* requests a second; 0: as many as will */
	double tokens;		/* that may go at once, at most one second's worth */
	int64_t filled_at_ms;
	int64_t cut_at_ms;	/* when the rate was last lowered */
	int64_t recent[16];	/* when the last ones were started, a ring */
	size_t n_started;
};

/* How long until the next may go: 0 now, n in n ms, -1 when one that is under way has ended. */
int64_t lane_wait_ms(const struct lane_state *l, int64_t now_ms);
void lane_started(struct lane_state *l, int64_t now_ms);
/* One has ended with an answer that was no complaint (or with none at all: ok false). */
void lane_ended(struct lane_state *l, bool ok);
/* The other side says "too often": nothing more for pause_ms (at most LANE_PAUSE_MAX_MS), and then slower than it was. */
void lane_throttle(struct lane_state *l, int64_t pause_ms, int64_t now_ms);
/* The same without the complaint: it asks for time (Retry-After of a 503). */
void lane_pause(struct lane_state *l, int64_t pause_ms, int64_t now_ms);

#endif
