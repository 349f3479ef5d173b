/* Buckets and keys are much the same in every store; where they differ is in how one asks. */
#include "providers/common/objects.h"

#include <string.h>

#include "core/base/json.h"
#include "core/base/str.h"

enum { BUCKET_MIN = 3, BUCKET_MAX = 222, KEY_MAX = 1024 };

static bool bucket_ok(const char *s)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	size_t n = strlen(s);
	return n >= BUCKET_MIN && n <= BUCKET_MAX && strspn(s, allowed) == n && s[0] != '.' && s[0] != '-' && !strstr(s, "..");
}

int objects_uri(struct arena *a, const char *uri, struct objects_uri *out, struct err *err)
{
	const char *scheme = strstr(uri, "://"), *rest = scheme ? scheme + 3 : uri;
	size_t n = strcspn(rest, "/");
	out->bucket = arena_strndup(a, rest, n);
	out->key = arena_strdup(a, rest[n] ? rest + n + 1 : "");
	if (!bucket_ok(out->bucket))
		return err_set(err, ERR_INVALID, "%.200s: '%.100s' cannot be the name of a bucket", uri, out->bucket);
	if (strlen(out->key) > KEY_MAX)
		return err_set(err, ERR_INVALID, "%.200s…: a key has at most %d bytes", uri, KEY_MAX);
	bool whole = !*out->key || str_ends(out->key, "/");
	out->prefix = whole ? out->key : arena_printf(a, "%s/", out->key);
	return 0;
}

bool objects_may_be_one(const struct objects_uri *u)
{
	return strcmp(u->key, u->prefix) != 0;
}

const char *objects_key(struct arena *a, const struct objects_uri *u, const char *name)
{
	return *name ? arena_printf(a, "%s%s", u->prefix, name) : u->key;
}

json_t *objects_entry(const char *name, int64_t size, const char *etag, bool folder)
{
	json_t *j = json_object();
	json_object_set_new(j, "name", json_foreign(name));
	json_put_int(j, "size", size);
	json_object_set_new(j, "etag", json_foreign(etag));
	if (folder)
		json_put_bool(j, "folder", true);
	return j;
}

const json_t *objects_list(const json_t *obj, const char *key, json_t **one)
{
	json_t *v = json_object_get(obj, key);
	if (!v || json_is_array(v))
		return v;
	*one = json_pack("[O]", v);
	return *one;
}
