/* Names. An instance's name is made of its cluster and rank, so that a second create of it is a conflict and not a second machine. Labels
 * mark what is ours and are what lists are filtered by; Google takes few characters in them, so that a text that does not fit is there as a
 * hash, and the whole is in the instance's metadata (nodes.c). */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "providers/common/sandbox.h"
#include "providers/gcp/gcp_priv.h"

enum { LABEL_MAX = 63, READABLE_MAX = 20 };

static bool lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

const char *gcp_hash(struct arena *a, const char *text)
{
	return arena_printf(a, "%08" PRIx32 "%08" PRIx32, (uint32_t)sandbox_hash(text, 11), (uint32_t)sandbox_hash(text, 12));
}

static bool plain_label(const char *text)
{
	size_t n = 0;
	for (; text[n]; n++)
		if (n >= LABEL_MAX || !(lower(text[n]) || digit(text[n]) || text[n] == '-' || text[n] == '_'))
			return false;
	return n > 0;
}

bool gcp_label_ok(const char *key, const char *value)
{
	return lower(*key) && plain_label(key) && (!*value || plain_label(value));
}

const char *gcp_label(struct arena *a, const char *text)
{
	return plain_label(text) ? arena_strdup(a, text) : arena_printf(a, "x_%s", gcp_hash(a, text));
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

const char *gcp_instance_name(struct arena *a, const char *cluster, const char *name, int64_t rank)
{
	char text[READABLE_MAX + 1];
	readable(text, name);
	return arena_printf(a, "sky-%s%s%s-%" PRId64, text, *text ? "-" : "", gcp_hash(a, cluster), rank);
}

const char *gcp_cluster_tag(struct arena *a, const char *cluster)
{
	return arena_printf(a, "skytop-%s", gcp_hash(a, cluster));
}

/* [a-z]([-a-z0-9]*[a-z0-9])? with what a project may have besides: "example.com:p". */
static bool name_ok(const char *s, size_t n, bool project)
{
	if (!n || n > (project ? 100 : LABEL_MAX) || !lower(s[0]))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!lower(s[i]) && !digit(s[i]) && s[i] != '-' && !(project && strchr(".:", s[i])))
			return false;
	return s[n - 1] != '-';
}

bool gcp_id_parse(struct arena *a, const char *text, struct gcp_id *out)
{
	const char *zone = strchr(text, '/'), *name = zone ? strchr(zone + 1, '/') : NULL;
	if (!name || strlen(name) > LABEL_MAX + 1 || !name_ok(text, (size_t)(zone - text), true) || !name_ok(zone + 1, (size_t)(name - zone - 1), false) ||
	    !name_ok(name + 1, strlen(name + 1), false))
		return false;
	*out = (struct gcp_id){arena_strndup(a, text, (size_t)(zone - text)), arena_strndup(a, zone + 1, (size_t)(name - zone - 1)), arena_strdup(a, name + 1)};
	return true;
}

const char *gcp_region_of(struct arena *a, const char *zone)
{
	const char *dash = strrchr(zone, '-');
	return arena_strndup(a, zone, dash ? (size_t)(dash - zone) : strlen(zone));
}

/* "us-central1": words with dashes between, a number at the end. */
bool gcp_region_ok(const char *region)
{
	size_t n = strlen(region);
	return name_ok(region, n, false) && strchr(region, '-') && digit(region[n - 1]);
}

bool gcp_zone_ok(const char *zone, const char *region)
{
	size_t n = strlen(region);
	return !strncmp(zone, region, n) && zone[n] == '-' && name_ok(zone, strlen(zone), false);
}

/* "n1-standard-8", "a2-highgpu-1g", "e2-micro": a family with a digit in it, a dash, the rest. */
bool gcp_type_ok(const char *type)
{
	size_t family = strcspn(type, "-"), n = strlen(type);
	bool numbered = false;
	for (size_t i = 0; i < family; i++)
		numbered = numbered || digit(type[i]);
	return numbered && type[family] && name_ok(type, n, false);
}

int64_t gcp_whole(const json_t *number)
{
	double v = json_number_value(number), most = 1e15;
	return v >= most ? (int64_t)most : v > -most ? (int64_t)v : -(int64_t)most;
}

int64_t gcp_time(const char *text)
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
