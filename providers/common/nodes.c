/* What every cloud does with lists of nodes. */
#include "providers/common/nodes.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"

static int by_rank(const void *a, const void *b)
{
	const json_t *const *x = a, *const *y = b;
	int64_t p = json_int(*x, "rank", 0), q = json_int(*y, "rank", 0);
	return p != q ? (p < q ? -1 : 1) : strcmp(json_str(*x, "id", ""), json_str(*y, "id", ""));
}

json_t *nodes_sorted(json_t *list)
{
	size_t n = json_array_size(list), i;
	json_t **v = xreallocarray(NULL, n + 1, sizeof *v), *out = json_array();
	for (i = 0; i < n; i++)
		v[i] = json_array_get(list, i);
	qsort(v, n, sizeof *v, by_rank);
	for (i = 0; i < n; i++)
		json_array_append(out, v[i]);
	free(v);
	json_decref(list);
	return out;
}

static const json_t *with(const json_t *nodes, const char *key, const char *value)
{
	size_t i;
	json_t *n;
	json_array_foreach(nodes, i, n)
		if (str_eq(json_str(n, key, ""), value))
			return n;
	return NULL;
}

const json_t *nodes_by_id(const json_t *nodes, const char *id)
{
	return with(nodes, "id", id);
}

const json_t *nodes_by_token(const json_t *nodes, const char *token)
{
	return with(nodes, "token", token);
}

bool nodes_meant(const json_t *args, const json_t *node)
{
	const json_t *ids = json_arr(args, "ids");
	return !ids || json_has(ids, json_str(node, "id", ""));
}

json_t *nodes_only_meant(const json_t *args, const json_t *nodes)
{
	json_t *out = json_array(), *n;
	size_t i;
	json_array_foreach(nodes, i, n)
		if (nodes_meant(args, n))
			json_array_append(out, n);
	return out;
}

int nodes_all_there(const json_t *args, const json_t *nodes, struct err *err)
{
	size_t i;
	json_t *v;
	json_array_foreach(json_arr(args, "ids"), i, v)
		if (!json_is_string(v) || !nodes_by_id(nodes, json_string_value(v)))
			return err_set(err, ERR_NOT_FOUND, "there is no machine %.200s", json_is_string(v) ? json_string_value(v) : "?");
	return 0;
}

json_t *nodes_reach(const char *host, const char *user)
{
	return json_pack("{s:s, s:s, s:s}", "kind", "ssh", "host", host, "user", user);
}

json_t *nodes_absent(const char *id, const char *status, const char *why)
{
	return json_pack("{s:s, s:s, s:s}", "id", id, "status", status, "reason", why);
}
