/* Figures for narrow columns. What is not known is never a number. */
#include "tui/format.h"

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/num.h"
#include "core/base/str.h"

static const char *with_mark(int64_t uusd, int estimated, const char *mark, char *buf, size_t size)
{
	char money[40];
	size_t n = 0;
	if (estimated && uusd != PRICE_UNKNOWN)
		money[n++] = '~';
	for (; *mark; mark++)
		money[n++] = *mark;
	money_text(uusd, money + n, sizeof money - n);
	text_put(buf, size, money, strlen(money));
	return buf;
}

const char *format_price(int64_t uusd, int estimated, char *buf, size_t size)
{
	return with_mark(uusd, estimated, "", buf, size);
}

const char *format_dollars(int64_t uusd, int estimated, char *buf, size_t size)
{
	return with_mark(uusd, estimated, "$", buf, size);
}

const char *format_optional(int64_t uusd, int estimated, char *buf, size_t size)
{
	if (uusd != PRICE_UNKNOWN)
		return format_price(uusd, estimated, buf, size);
	text_put(buf, size, NUM_UNKNOWN, strlen(NUM_UNKNOWN));
	return buf;
}

const char *format_age(int64_t at_ms, int64_t now_ms, char *buf, size_t size)
{
	int64_t min = (now_ms - at_ms) / 60000;
	if (!at_ms)
		buf[0] = '\0';
	else if (min < 1)
		snprintf(buf, size, "now");
	else if (min < 120)
		snprintf(buf, size, "%lldm", (long long)min);
	else if (min < 48 * 60)
		snprintf(buf, size, "%lldh", (long long)(min / 60));
	else
		snprintf(buf, size, "%lldd", (long long)(min / 1440));
	return buf;
}

const char *format_clock(int64_t at_ms, int64_t now_ms, char *buf, size_t size)
{
	const int64_t day_ms = 86400000;
	char utc[32];
	if (!at_ms || now_ms - at_ms >= day_ms)
		return format_age(at_ms, now_ms, buf, size);
	snprintf(buf, size, "%.8s", time_rfc3339(at_ms, utc, sizeof utc) + strlen("2026-11-26T"));
	return buf;
}
