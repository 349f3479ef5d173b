/* Numbers: exact decimal parsing and printing. strtod and printf("%f") obey the locale; these do not. */
#include "core/base/num.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"

bool num_int(const char *s, int64_t min, int64_t max, int64_t *out)
{
	bool neg = *s == '-';
	const char *p = neg ? s + 1 : s;
	if (!*p || strlen(p) > 18)
		return false;
	int64_t v = 0;
	for (; *p; p++) {
		if (*p < '0' || *p > '9')
			return false;
		v = v * 10 + (*p - '0');
	}
	v = neg ? -v : v;
	if (v < min || v > max)
		return false;
	*out = v;
	return true;
}

bool num_micron(const char *s, size_t len, int64_t *out)
{
	size_t i = 0;
	bool neg = len && s[0] == '-', digits = false, up = false;
	if (neg)
		i++;
	int64_t v = 0, limit = INT64_MAX / 10 - 10;
	for (; i < len && s[i] >= '0' && s[i] <= '9'; i++, digits = true) {
		if (v > limit / 1000000)
			return false;
		v = v * 10 + (s[i] - '0');
	}
	int places = 0;
	if (i < len && s[i] == '.') {
		for (i++; i < len && s[i] >= '0' && s[i] <= '9'; i++, digits = true) {
			if (places < 6)
				v = v * 10 + (s[i] - '0');
			else if (places == 6)
				up = s[i] >= '5';
			places++;
		}
	}
	if (!digits || i != len)
		return false;
	for (; places < 6; places++)
		v *= 10;
	v += up;
	*out = neg ? -v : v;
	return true;
}

bool num_micro(const char *s, int64_t *out)
{
	return num_micron(s, strlen(s), out);
}

bool num_double(const char *s, double *out)
{
	/* strtod with the point replaced by whatever the locale wants would be worse: parse the parts ourselves. */
	const char *p = s;
	double v = 0, scale = 1;
	bool neg = false, digits = false;
	if (*p == '-' || *p == '+')
		neg = *p++ == '-';
	for (; *p >= '0' && *p <= '9'; p++, digits = true)
		v = v * 10 + (*p - '0');
	if (*p == '.')
		for (p++; *p >= '0' && *p <= '9'; p++, digits = true)
			v = v * 10 + (*p - '0'), scale *= 10;
	if (!digits)
		return false;
	v /= scale;
	if (*p == 'e' || *p == 'E') {
		int64_t e;
		p += p[1] == '+' ? 2 : 1;
		if (!num_int(p, -400, 400, &e))
			return false;
		v *= pow(10, (double)e);
	} else if (*p) {
		return false;
	}
	if (!isfinite(v))
		return false;
	*out = neg ? -v : v;
	return true;
}

static void group_thousands(int64_t v, char *buf, size_t size)
{
	char digits[24];
	int n = snprintf(digits, sizeof digits, "%" PRId64, v), o = 0;
	for (int i = 0; i < n && (size_t)o + 2 < size; i++) {
		if (i && (n - i) % 3 == 0)
			buf[o++] = ',';
		buf[o++] = digits[i];
	}
	buf[o] = '\0';
}

uint32_t num_random(void)
{
	uint32_t v = 0;
	if (getentropy(&v, sizeof v))
		v = (uint32_t)mono_now_us() * 2654435761u;
	return v;
}

const char *money_text(int64_t uusd, char *buf, size_t size)
{
	if (uusd < 0) {
		snprintf(buf, size, "?");
		return buf;
	}
	if (uusd && uusd < 1000000) {
		int64_t v = (uusd + 50) / 100;
		snprintf(buf, size, "%" PRId64 ".%04" PRId64, v / 10000, v % 10000);
		return buf;
	}
	int64_t cents = (uusd + 5000) / 10000;
	char whole[32];
	group_thousands(cents / 100, whole, sizeof whole);
	snprintf(buf, size, "%s.%02" PRId64, whole, cents % 100);
	return buf;
}

const char *micro_text(int64_t micro, char *buf, size_t size)
{
	int64_t a = micro < 0 ? -micro : micro;
	int n = snprintf(buf, size, "%s%" PRId64 ".%06" PRId64, micro < 0 ? "-" : "", a / 1000000, a % 1000000);
	while (n > 1 && buf[n - 1] == '0')
		buf[--n] = '\0';
	if (n > 0 && buf[n - 1] == '.')
		buf[n - 1] = '\0';
	return buf;
}

const char *count_text(int64_t n, char *buf, size_t size)
{
	group_thousands(n, buf, size);
	return buf;
}

const char *bytes_text(int64_t n, char *buf, size_t size)
{
	static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
	if (n < 1000) {
		snprintf(buf, size, "%d byte%s", (int)n, n == 1 ? "" : "s");
		return buf;
	}
	size_t u = 0;
	double v = (double)n / 1000;
	for (; v >= 999.95; v /= 1000)
		u++;
	snprintf(buf, size, "%.1f %s", v, units[u]);
	return buf;
}
