/* An instance as a node: what its tags say of it, and its state, and how it is reached. Pure. */
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "providers/aws/aws.h"

/* ---- tags ------------------------------------------------------------------------------------------------------------- */

static bool tag_char(unsigned char c, bool edge)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c && strchr("+-._:/@", c)) || (c == ' ' && !edge);
}

const char *aws_tag_text(struct arena *a, const char *text)
{
	struct str s = str_new(4096);
	size_t n = strlen(text);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];
		if (tag_char(c, i == 0 || i + 1 == n))
			str_addc(&s, (char)c);
		else
			str_addf(&s, "=%02X", c);
	}
	const char *out = arena_strdup(a, str_text(&s));
	str_free(&s);
	return out;
}

static int nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

const char *aws_tag_read(struct arena *a, const char *value)
{
	char *out = arena_strdup(a, value), *o = out;
	for (const char *p = value; *p; p++) {
		int hi = *p == '=' && p[1] ? nibble(p[1]) : -1, lo = hi >= 0 ? nibble(p[2]) : -1;
		*o++ = lo >= 0 && (hi || lo) ? (char)(hi << 4 | lo) : *p;
		p += lo >= 0 && (hi || lo) ? 2 : 0;
	}
	*o = '\0';
	return out;
}

json_t *aws_tags(const json_t *instance)
{
	json_t *out = json_object(), *tag;
	size_t i;
	json_array_foreach(json_arr(instance, "tagSet"), i, tag)
		json_object_set(out, json_str(tag, "key", ""), json_object_get(tag, "value"));
	return out;
}

static const char *tag(struct aws *t, const json_t *tags, const char *key)
{
	const char *v = json_str(tags, key, NULL);
	return v ? aws_tag_read(t->a, v) : NULL;
}

/* A text that goes over several tags: KEY, KEY.1, KEY.2… */
static const char *long_tag(struct aws *t, const json_t *tags, const char *key)
{
	const char *v = json_str(tags, key, NULL), *more;
	for (int part = 1; v && part < 10 && (more = json_str(tags, arena_printf(t->a, "%s.%d", key, part), NULL)); part++)
		v = arena_printf(t->a, "%s%s", v, more);
	return v ? aws_tag_read(t->a, v) : NULL;
}

/* The i-th of "RANK:TOKEN RANK:TOKEN …", which goes over several tags. */
static void token_of(struct aws *t, const json_t *tags, int64_t index, const char **token, int64_t *rank)
{
	*token = tag(t, tags, "skytop-token");
	*rank = 0;
	num_int(json_str(tags, "skytop-rank", ""), 0, NODES_MAX, rank);
	int64_t i = 0;
	for (int part = 0; !*token && part < 40; part++) {
		const char *s = json_str(tags, arena_printf(t->a, "skytop-nodes.%d", part), NULL);
		if (!s)
			return;
		for (; *s; s += strcspn(s, " "), s += strspn(s, " "), i++)
			if (i == index) {
				size_t len = strcspn(s, " "), colon = strcspn(s, ":");
				if (colon >= len)
					return;
				num_int(arena_strndup(t->a, s, colon), 0, NODES_MAX, rank);
				*token = aws_tag_read(t->a, arena_strndup(t->a, s + colon + 1, len - colon - 1));
				return;
			}
	}
}

/* ---- an instance as a node ---------------------------------------------------------------------------------------------- */

const char *aws_state(const json_t *instance)
{
	return json_str(json_obj(instance, "instanceState"), "name", "");
}

/* EC2 took it back, as opposed to whoever ended it. */
static bool was_reclaimed(const json_t *instance)
{
	const char *why = json_str(json_obj(instance, "stateReason"), "code", "");
	return str_starts(why, "Server.SpotInstance");
}

static const char *status_of(const json_t *instance)
{
	static const char *const pairs[][2] = {{"pending", "PENDING"}, {"running", "RUNNING"}, {"stopping", "STOPPING"}, {"stopped", "STOPPED"}};
	const char *state = aws_state(instance);
	if (was_reclaimed(instance) && !str_eq(state, "running") && !str_eq(state, "pending"))
		return "PREEMPTED";
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		if (str_eq(state, pairs[i][0]))
			return pairs[i][1];
	return "TERMINATED";
}

/* One that is to have a public address gets it a moment after its private one, and is not reached before. */
static json_t *reach_of(struct aws *t, const json_t *instance, const json_t *tags)
{
	const char *public_ip = json_str(instance, "ipAddress", NULL), *ip = json_str(instance, "privateIpAddress", NULL), *user = tag(t, tags, "skytop-login");
	bool inside = aws_config_bool(t, "use_internal_ips", false), waits = !public_ip && str_eq(json_str(tags, "skytop-net", ""), "public");
	const char *host = public_ip && !inside ? public_ip : ip;
	if (!str_eq(aws_state(instance), "running") || !host || (waits && !inside))
		return json_null();
	return json_pack("{s:s, s:s, s:s}", "kind", "ssh", "host", host, "user", user ? user : "ubuntu");
}

static void put_tags(struct aws *t, json_t *node, const json_t *tags)
{
	json_t *out = json_object(), *v;
	const char *key;
	json_object_foreach((json_t *)(uintptr_t)tags, key, v)
		if (str_starts(key, "skytop."))
			json_object_set_new(out, aws_tag_read(t->a, key + 7), json_foreign(aws_tag_read(t->a, json_string_value(v))));
	json_object_set_new(node, "tags", out);
}

json_t *aws_node(struct aws *t, const json_t *instance, const char *region)
{
	json_t *tags = aws_tags(instance), *n = json_object();
	const char *cluster = tag(t, tags, "skytop-cluster"), *token;
	int64_t rank, index = 0, price;
	num_int(json_str(instance, "amiLaunchIndex", ""), 0, NODES_MAX, &index);
	token_of(t, tags, index, &token, &rank);
	if (!cluster || !token) {
		json_decref(tags);
		json_decref(n);
		return NULL;
	}
	const json_t *why = json_obj(instance, "stateReason");
	json_put_str(n, "id", arena_printf(t->a, "%s/%s", region, json_str(instance, "instanceId", "")));
	json_object_set_new(n, "token", json_foreign(token));
	json_object_set_new(n, "cluster", json_foreign(cluster));
	json_object_set_new(n, "name", json_foreign(long_tag(t, tags, "skytop-name")));
	json_put_int(n, "rank", rank);
	json_put_str(n, "status", status_of(instance));
	json_put_str(n, "ip", json_str(instance, "privateIpAddress", NULL));
	json_object_set_new(n, "reach", reach_of(t, instance, tags));
	put_tags(t, n, tags);
	json_put_int(n, "created_at", aws_time(json_str(instance, "launchTime", NULL)));
	bool priced = num_int(json_str(tags, "skytop-price", ""), 0, INT64_MAX, &price);
	json_object_set_new(n, "price_uusd_h", priced ? json_integer(price) : json_null());
	json_put_str(n, "instance_type", json_str(instance, "instanceType", NULL));
	json_put_str(n, "region", region);
	json_put_str(n, "zone", json_str(json_obj(instance, "placement"), "availabilityZone", NULL));
	json_put_bool(n, "use_spot", str_eq(json_str(instance, "instanceLifecycle", ""), "spot"));
	const char *code = json_str(why, "code", ""), *message = json_str(why, "message", "");
	json_put_str(n, "reason", str_eq(aws_state(instance), "running") || !*code ? NULL : *message ? message : code);
	json_decref(tags);
	return n;
}

bool aws_id(struct aws *t, const char *id, const char **region, const char **instance)
{
	const char *slash = id ? strchr(id, '/') : NULL;
	if (!slash || strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-") != (size_t)(slash - id) || slash == id || strncmp(slash + 1, "i-", 2) ||
	    !slash[3] || slash[3 + strspn(slash + 3, "0123456789abcdef")] || strlen(id) > 100)
		return false;
	*region = arena_strndup(t->a, id, (size_t)(slash - id));
	*instance = arena_strdup(t->a, slash + 1);
	return true;
}
