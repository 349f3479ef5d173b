/* A change stands until the next one: going through the parts of the span, the last change before the end of each counts. */
#include "core/plan/trend.h"

struct trend trend_of(const struct price_point *changes, size_t n_changes, bool spot, int64_t from_ms, int64_t to_ms, int64_t *values, size_t n)
{
	struct trend t = {.low = INT64_MAX, .high = -1, .last = -1};
	size_t at = 0;
	for (size_t i = 0; i < n; i++) {
		int64_t end = from_ms + (to_ms - from_ms) * (int64_t)(i + 1) / (int64_t)n;
		for (; at < n_changes && changes[at].at_ms <= end; at++)
			t.last = spot ? changes[at].spot_uusd_h : changes[at].price_uusd_h;
		t.last = t.last < 0 ? -1 : t.last;
		values[i] = t.last;
		if (t.last < 0)
			continue;
		t.n_known++;
		t.low = t.last < t.low ? t.last : t.low;
		t.high = t.last > t.high ? t.last : t.high;
	}
	return t;
}
