/* Figures for narrow columns. What is not known is never a number. */
#include "tui/format.h"

#include <stdio.h>
#include <string.h>

#include "core/base/num.h"

const char *format_count(int64_t n, char *buf, size_t size)
{
	char digits[24];
	int len = snprintf(digits, sizeof digits, "%lld", (long long)n), out = 0;
	for (int i = 0; i < len && out + 2 < (int)size; i++) {
		if (i && (len - i) % 3 == 0 && digits[i - 1] != '-')
			buf[out++] = ',';
		buf[out++] = digits[i];
	}
	buf[out] = '\0';
	return buf;
}

const char *format_price(int64_t uusd, int estimated, char *buf, size_t size)
{
	char money[32];
	snprintf(buf, size, "%s%s", estimated && uusd != PRICE_UNKNOWN ? "~" : "", money_text(uusd, money, sizeof money));
	return buf;
}

const char *format_dollars(int64_t uusd, int estimated, char *buf, size_t size)
{
	char money[32];
	snprintf(buf, size, "%s$%s", estimated && uusd != PRICE_UNKNOWN ? "~" : "", money_text(uusd, money, sizeof money));
	return buf;
}

const char *format_optional(int64_t uusd, int estimated, char *buf, size_t size)
{
	if (uusd != PRICE_UNKNOWN)
		return format_price(uusd, estimated, buf, size);
	snprintf(buf, size, "\xe2\x80\x94");
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
		snprintf(buf, size, "%lld min", (long long)min);
	else if (min < 48 * 60)
		snprintf(buf, size, "%lld h", (long long)(min / 60));
	else
		snprintf(buf, size, "%lld d", (long long)(min / 1440));
	return buf;
}
