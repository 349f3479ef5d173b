/* A machine's name is made of its cluster and rank, so that a second create of it is a conflict and not a second machine. Labels mark what is
 * ours; clouds take few characters in them, so that a text that does not fit is there as a hash, and the whole is kept elsewhere. */
#include "providers/common/names.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/str.h"
#include "providers/common/sandbox.h"

enum { LABEL_MAX = 63, READABLE_MAX = 20 };

static bool lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

const char *name_hash(struct arena *a, const char *text)
{
	return arena_printf(a, "%08" PRIx32 "%08" PRIx32, (uint32_t)sandbox_hash(text, 11), (uint32_t)sandbox_hash(text, 12));
}

bool name_plain(const char *text)
{
	size_t n = 0;
	for (; text[n]; n++)
		if (n >= LABEL_MAX || !(lower(text[n]) || digit(text[n]) || text[n] == '-' || text[n] == '_'))
			return false;
	return n > 0;
}

const char *name_label(struct arena *a, const char *text)
{
	return name_plain(text) ? arena_strdup(a, text) : arena_printf(a, "x_%s", name_hash(a, text));
}

/* The readable part of a name: what of it Google takes, with dashes for the rest. */
static void readable(char out[READABLE_MAX + 1], const char *name)
{
	size_t n = 0;
	for (; *name && n < READABLE_MAX; name++) {
		char c = (char)tolower((unsigned char)*name);
		if (lower(c) || digit(c))
			out[n++] = c;
		else if (n && out[n - 1] != '-')
			out[n++] = '-';
	}
	while (n && out[n - 1] == '-')
		n--;
	out[n] = '\0';
}

const char *name_machine(struct arena *a, const char *cluster, const char *name, int64_t rank)
{
	char text[READABLE_MAX + 1];
	readable(text, name);
	return arena_printf(a, "sky-%s%s%s-%" PRId64, text, *text ? "-" : "", name_hash(a, cluster), rank);
}

bool name_is_here(const char *url)
{
	static const char *const hosts[] = {"http://127.", "http://localhost", "http://[::1]"};
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		const char *end = url + strlen(hosts[i]);
		if (!str_starts(url, hosts[i]) || strchr(url, '@'))
			continue;
		end += i ? 0 : strspn(end, "0123456789."); /* not 127.example.com */
		return !*end || *end == ':' || *end == '/';
	}
	return false;
}

int64_t name_time(const char *text)
{
	int year, month, day, h, m, s, used = 0;
	int64_t at;
	char utc[40];
	if (!text || sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &year, &month, &day, &h, &m, &s, &used) != 6 || !used)
		return 0;
	snprintf(utc, sizeof utc, "%.19sZ", text);
	if (used != 19 || !time_parse(utc, &at))
		return 0;
	const char *p = text + used;
	if (*p == '.') {
		int64_t scale = 100;
		for (p++; digit(*p); p++, scale /= 10)
			at += (*p - '0') * scale;
	}
	if ((*p == '+' || *p == '-') && strlen(p) == 6)
		at -= (*p == '+' ? 1 : -1) * INT64_C(60000) * (((p[1] - '0') * 10 + p[2] - '0') * 60 + (p[4] - '0') * 10 + p[5] - '0');
	return at;
}
