/* What things of Google Cloud are called, and whether a name is one: projects, regions, zones, types. */
#include <string.h>

#include "core/base/str.h"
#include "providers/common/names.h"
#include "providers/gcp/gcp_priv.h"

enum { LABEL_MAX = 63 };

static bool lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

bool gcp_label_ok(const char *key, const char *value)
{
	return lower(*key) && name_plain(key) && (!*value || name_plain(value));
}

const char *gcp_cluster_tag(struct arena *a, const char *cluster)
{
	return arena_printf(a, "skytop-%s", name_hash(a, cluster));
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
