/* Time: the only place that reads clocks. */
#include "core/base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_clock_us(clockid_t id)
{
	struct timespec t;
	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t wall_now_ms(void)
{
	return read_clock_us(CLOCK_REALTIME) / 1000;
}

int64_t mono_now_us(void)
{
	return read_clock_us(CLOCK_MONOTONIC);
}

int64_t mono_now_ms(void)
{
	return mono_now_us() / 1000;
}

int64_t clock_now_ms(const struct clock *c)
{
	return c && c->now_ms ? c->now_ms(c->arg) : wall_now_ms();
}

const char *time_rfc3339(int64_t at_ms, char *buf, size_t size)
{
	time_t t = (time_t)(at_ms / 1000);
	struct tm tm;
	buf[0] = '\0';
	if (at_ms && gmtime_r(&t, &tm))
		strftime(buf, size, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return buf;
}

const char *duration_text(int64_t ms, char *buf, size_t size)
{
	int64_t s = ms < 0 ? 0 : ms / 1000;
	if (s < 60)
		snprintf(buf, size, "%" PRId64 "s", s);
	else if (s < 3600)
		snprintf(buf, size, "%" PRId64 "m %" PRId64 "s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, size, "%" PRId64 "h %" PRId64 "m", s / 3600, s / 60 % 60);
	else
		snprintf(buf, size, "%" PRId64 "d %" PRId64 "h", s / 86400, s / 3600 % 24);
	return buf;
}

const char *ago_text(int64_t at_ms, int64_t now_ms, char *buf, size_t size)
{
	int64_t s = (now_ms - at_ms) / 1000;
	if (!at_ms)
		snprintf(buf, size, "-");
	else if (s < 10)
		snprintf(buf, size, "just now");
	else if (s < 120)
		snprintf(buf, size, "%" PRId64 " secs ago", s);
	else if (s < 7200)
		snprintf(buf, size, "%" PRId64 " mins ago", s / 60);
	else if (s < 172800)
		snprintf(buf, size, "%" PRId64 " hrs ago", s / 3600);
	else
		snprintf(buf, size, "%" PRId64 " days ago", s / 86400);
	return buf;
}

/* Days since 1970-01-01 of a proleptic Gregorian date (timegm is not POSIX). */
static int64_t days_from_civil(int y, int m, int d)
{
	y -= m <= 2;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400, doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

bool time_parse(const char *s, int64_t *at_ms)
{
	int y, mo, d, h = 0, mi = 0, se = 0, n = 0;
	if (sscanf(s, "%4d-%2d-%2d%n", &y, &mo, &d, &n) != 3 || n != 10)
		return false;
	if (s[10]) {
		int m = 0;
		if (sscanf(s + 10, "T%2d:%2d:%2d%n", &h, &mi, &se, &m) != 3 || strcmp(s + 10 + m, "Z"))
			return false;
	}
	if (mo < 1 || mo > 12 || d < 1 || d > 31 || h > 23 || mi > 59 || se > 60)
		return false;
	*at_ms = (days_from_civil(y, mo, d) * 86400 + h * 3600 + mi * 60 + se) * 1000;
	return true;
}
