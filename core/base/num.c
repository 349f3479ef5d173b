/* Numbers: exact decimal parsing and printing. strtod and printf("%f") obey the locale; these do not. */
#include "core/base/num.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/str.h"

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

char *num_before(char *end, uint64_t v, int least)
{
	for (; v || least > 0; v /= 10, least--)
		*--end = (char)('0' + v % 10);
	return end;
}

static char *thousands_before(char *end, uint64_t v)
{
	for (; v >= 1000; v /= 1000) {
		end = num_before(end, v % 1000, 3);
		*--end = ',';
	}
	return num_before(end, v, 1);
}

static uint64_t magnitude(int64_t v)
{
	return v < 0 ? -(uint64_t)v : (uint64_t)v;
}

/* Figures are written from their end, hundreds of them a frame. */
enum { FIGURE_MAX = 40 };

static const char *give_figure(const char *from, const char *end, char *buf, size_t size)
{
	text_put(buf, size, from, (size_t)(end - from));
	return buf;
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
	char text[FIGURE_MAX], *end = text + sizeof text, *p;
	if (uusd < 0)
		return give_figure("?", &"?"[1], buf, size);
	bool small = uusd && uusd < 1000000;
	uint64_t v = ((uint64_t)uusd + (small ? 50 : 5000)) / (small ? 100 : 10000), one = small ? 10000 : 100;
	p = num_before(end, v % one, small ? 4 : 2);
	*--p = '.';
	return give_figure(thousands_before(p, v / one), end, buf, size);
}

const char *micro_text(int64_t micro, char *buf, size_t size)
{
	char text[FIGURE_MAX], *end = text + sizeof text, *p = end;
	uint64_t v = magnitude(micro), part = v % 1000000;
	int digits = 6;
	for (; part && part % 10 == 0; part /= 10)
		digits--;
	if (part) {
		p = num_before(p, part, digits);
		*--p = '.';
	}
	p = num_before(p, v / 1000000, 1);
	if (micro < 0)
		*--p = '-';
	return give_figure(p, end, buf, size);
}

const char *count_text(int64_t n, char *buf, size_t size)
{
	char text[FIGURE_MAX], *end = text + sizeof text, *p = thousands_before(end, magnitude(n));
	if (n < 0)
		*--p = '-';
	return give_figure(p, end, buf, size);
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
