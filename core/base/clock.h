/* Time. Wall clock in UTC milliseconds, monotonic milliseconds for deadlines. Tests replace the wall clock. */
#ifndef CORE_BASE_CLOCK_H
#define CORE_BASE_CLOCK_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A source of wall time, so that tests and replays decide what time it is. Passed where decisions depend on time. */
struct clock {
	int64_t (*now_ms)(void *arg);
	void *arg;
};

int64_t clock_now_ms(const struct clock *c); /* NULL: the system's */
int64_t wall_now_ms(void);
int64_t mono_now_ms(void);
int64_t mono_now_us(void);

/* "2026-11-25T21:30:00Z"; buf ≥ 24. "" for 0. */
const char *time_rfc3339(int64_t at_ms, char *buf, size_t size);
/* "3s", "4m 10s", "2h 5m", "3d 4h"; buf ≥ 24. */
const char *duration_text(int64_t ms, char *buf, size_t size);
/* "just now", "5 mins ago", "2 hrs ago", "3 days ago"; "-" for 0. buf ≥ 24. */
const char *ago_text(int64_t at_ms, int64_t now_ms, char *buf, size_t size);
/* Date "YYYY-MM-DD" or RFC 3339 UTC time to ms; false if it is neither. */
bool time_parse(const char *s, int64_t *at_ms);

#endif
