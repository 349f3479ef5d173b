/* A duration is tried first, then a time of day, then a date with or without a time. Without a zone the machine's own is meant. */
#include "tui/cli/since.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static bool ago(const char *s, int64_t now_ms, int64_t *at_ms)
{
	static const struct {
		char unit;
		int64_t ms;
	} units[] = {{'d', 86400000}, {'h', 3600000}, {'m', 60000}, {'s', 1000}};
	int64_t sum = 0;
	if (!*s)
		return false;
	while (*s) {
		int64_t v = 0;
		int digits = 0;
		for (; *s >= '0' && *s <= '9' && digits < 9; digits++)
			v = v * 10 + (*s++ - '0');
		size_t u = 0;
		while (u < sizeof units / sizeof *units && units[u].unit != *s)
			u++;
		if (!digits || u == sizeof units / sizeof *units)
			return false;
		sum += v * units[u].ms;
		s++;
	}
	*at_ms = now_ms - sum;
	return true;
}

/* "Z", "+02:00", "-0330": minutes east of Greenwich. */
static bool zone(const char *s, int *minutes)
{
	int h, m, n = 0;
	char sign;
	if (!strcmp(s, "Z") || !strcmp(s, "z")) {
		*minutes = 0;
		return true;
	}
	if ((sscanf(s, "%c%2d:%2d%n", &sign, &h, &m, &n) != 3 && sscanf(s, "%c%2d%2d%n", &sign, &h, &m, &n) != 3) || s[n] || h > 14 || m > 59 || h < 0 || m < 0)
		return false;
	*minutes = (h * 60 + m) * (sign == '-' ? -1 : 1);
	return sign == '-' || sign == '+';
}

static bool in_range(const struct tm *t)
{
	return t->tm_mon >= 0 && t->tm_mon < 12 && t->tm_mday >= 1 && t->tm_mday <= 31 && t->tm_hour >= 0 && t->tm_hour < 24 && t->tm_min >= 0 &&
	       t->tm_min < 60 && t->tm_sec >= 0 && t->tm_sec <= 60;
}

/* "21:30", "21:30:05": what follows, or NULL. */
static const char *time_of_day(const char *s, struct tm *t)
{
	int n = 0;
	t->tm_sec = 0;
	if (sscanf(s, "%2d:%2d%n", &t->tm_hour, &t->tm_min, &n) != 2 || !n)
		return NULL;
	s += n;
	if (*s == ':' && (n = 0, sscanf(s, ":%2d%n", &t->tm_sec, &n) == 1))
		s += n;
	if (*s == '.' && s[1] >= '0' && s[1] <= '9')
		s += 1 + strspn(s + 1, "0123456789"); /* fractions of a second do not matter */
	return s;
}

/* Seconds since the epoch of a broken-down time in UTC. */
static int64_t utc_seconds(const struct tm *t)
{
	int64_t y = t->tm_year + 1900 - (t->tm_mon < 2), m = t->tm_mon + 1;
	int64_t era = y / 400, yoe = y - era * 400, doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + t->tm_mday - 1;
	int64_t days = era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
	return days * 86400 + t->tm_hour * 3600 + t->tm_min * 60 + t->tm_sec;
}

static bool at_time(const char *s, int64_t now_ms, int64_t *at_ms)
{
	struct tm t = {.tm_isdst = -1};
	time_t now = (time_t)(now_ms / 1000);
	int n = 0, east;
	const char *rest = s;
	if (sscanf(s, "%4d-%2d-%2d%n", &t.tm_year, &t.tm_mon, &t.tm_mday, &n) == 3 && n == 10) {
		t.tm_year -= 1900;
		t.tm_mon--;
		rest += n;
		if (*rest == 'T' || *rest == 't' || *rest == ' ')
			rest = time_of_day(rest + 1, &t);
	} else {
		if (!localtime_r(&now, &t))
			return false;
		t.tm_isdst = -1;
		rest = time_of_day(s, &t);
	}
	if (!rest || !in_range(&t) || t.tm_year < 70)
		return false;
	if (!*rest)
		*at_ms = (int64_t)mktime(&t) * 1000;
	else if (zone(rest, &east))
		*at_ms = (utc_seconds(&t) - east * 60) * 1000;
	else
		return false;
	return true;
}

int since_parse(const char *text, int64_t now_ms, int64_t *at_ms, struct err *err)
{
	if (ago(text, now_ms, at_ms) || at_time(text, now_ms, at_ms))
		return 0;
	return err_set(err, ERR_USAGE, "'%.60s' is no time: say how long ago (90s, 10m, 2h30m, 3d) or when (21:30, 2026-11-25 21:30, 2026-11-25T21:30:00Z)", text);
}
