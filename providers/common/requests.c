/* Requests to a cloud side. They come from our own engine, yet a build of another day or a person may have written
 * them: what is missing or odd is refused by name before anything is done. */
#include "providers/common/requests.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "providers/common/sandbox.h"

int request_parse(const json_t *request, struct request *out, struct err *err)
{
	const char *verb = json_str(request, "verb", "");
	struct request r = {
	    .verb = PROVIDER_VERBS,
	    .args = json_object_get(request, "args"),
	    .config = json_obj(request, "config"),
	    .state_dir = json_str(request, "state_dir", ""),
	    .self = json_str(request, "self", ""),
	    .now_ms = json_int(request, "now_ms", 0),
	};
	for (int v = 0; v < PROVIDER_VERBS; v++)
		if (str_eq(verb, provider_verb_name((enum provider_verb)v)))
			r.verb = (enum provider_verb)v;
	if (r.verb == PROVIDER_VERBS)
		return err_set(err, ERR_UNSUPPORTED, "there is no verb \"%.40s\"", verb);
	if (!json_is_object(r.args))
		return err_set(err, ERR_INVALID, "the request has no arguments");
	if (r.now_ms <= 0)
		r.now_ms = wall_now_ms();
	*out = r;
	return 0;
}

static int check_name(const json_t *obj, const char *key, struct err *err)
{
	const char *s = json_str(obj, key, "");
	if (!s[0] || strlen(s) > REQUEST_NAME_MAX)
		return err_set(err, ERR_INVALID, "\"%s\" must be a text of 1 to %d bytes", key, REQUEST_NAME_MAX);
	return 0;
}

int request_check_create(const json_t *args, struct err *err)
{
	const json_t *nodes = json_arr(args, "nodes");
	size_t n = json_array_size(nodes);
	if (check_name(args, "cluster", err))
		return -1;
	if (!n || n > REQUEST_NODES_MAX)
		return err_set(err, ERR_INVALID, "\"nodes\" must name 1 to %d nodes, not %zu", REQUEST_NODES_MAX, n);
	for (size_t i = 0; i < n; i++) {
		const json_t *node = json_array_get(nodes, i);
		if (check_name(node, "token", err))
			return err_wrap(err, "node %zu", i);
		for (size_t k = 0; k < i; k++)
			if (str_eq(json_str(json_array_get(nodes, k), "token", ""), json_str(node, "token", "")))
				return err_set(err, ERR_INVALID, "nodes %zu and %zu have the same token", k, i);
	}
	return 0;
}

json_t *request_record(const json_t *args, const json_t *node)
{
	static const char *const same[] = {"cluster", "name", "instance_type", "region", "zone", "use_spot",
	    "accelerator", "accelerator_count", "disk_size_gib", "price_uusd_h", "max_price_uusd_h", "tags", "labels"};
	json_t *rec = json_object();
	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		json_t *v = json_object_get(args, same[i]);
		if (v)
			json_object_set_new(rec, same[i], json_deep_copy(v));
	}
	json_put_str(rec, "token", json_str(node, "token", ""));
	json_put_int(rec, "rank", json_int(node, "rank", 0));
	return rec;
}

size_t request_missing(const struct sandbox *sb, const json_t *args)
{
	size_t i, missing = 0;
	json_t *node;
	json_array_foreach(json_arr(args, "nodes"), i,
	    node) if (!sandbox_by_token(sb, json_str(args, "cluster", ""), json_str(node, "token", ""))) missing++;
	return missing;
}

json_t *request_ending(const struct sandbox *sb, const json_t *args)
{
	size_t i;
	json_t *node;
	json_array_foreach(json_arr(args, "nodes"), i, node)
	{
		json_t *rec = sandbox_by_token(sb, json_str(args, "cluster", ""), json_str(node, "token", ""));
		if (rec && sandbox_state_is(rec, "TERMINATING"))
			return rec;
	}
	return NULL;
}

bool request_names(const struct sandbox *sb, const json_t *args, const json_t *rec)
{
	const char *cluster = json_str(args, "cluster", NULL);
	const json_t *ids = json_arr(args, "ids");
	return (!cluster || sandbox_in_cluster(sb, rec, cluster)) && (!ids || json_has(ids, json_str(rec, "id", "")));
}

bool request_condemns(const struct sandbox *sb, const json_t *args, const json_t *rec)
{
	const char *cluster = json_str(args, "cluster", NULL);
	return (cluster && sandbox_in_cluster(sb, rec, cluster)) || json_has(json_arr(args, "ids"), json_str(rec, "id", ""));
}

int request_check_target(const json_t *args, struct err *err)
{
	if (json_str(args, "cluster", NULL) || json_arr(args, "ids"))
		return 0;
	return err_set(err, ERR_INVALID, "neither \"cluster\" nor \"ids\" says which nodes are meant");
}

const char *request_scope(const json_t *args, bool or_ids)
{
	return or_ids && json_array_size(json_arr(args, "ids")) ? NULL : json_str(args, "cluster", NULL);
}

int request_micro(const json_t *obj, const char *key, const char *what, int64_t dflt, int64_t *out, struct err *err)
{
	const json_t *v = json_object_get(obj, key);
	if (!v || json_is_null(v)) {
		*out = dflt;
		return 0;
	}
	int64_t micro = -1;
	if (json_is_number(v) && json_number_value(v) >= 0 && json_number_value(v) < 1e12)
		micro = llround(json_number_value(v) * 1e6);
	else if (json_is_string(v) && !num_micro(json_string_value(v), &micro))
		micro = -1;
	if (micro < 0)
		return err_set(err, ERR_INVALID, "%s.%s must be a number, 0 or more", what, key);
	*out = micro;
	return 0;
}

int request_whole(
    const json_t *obj, const char *key, const char *what, int64_t max, int64_t dflt, int64_t *out, struct err *err)
{
	const json_t *v = json_object_get(obj, key);
	if (!v || json_is_null(v)) {
		*out = dflt;
		return 0;
	}
	if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > max)
		return err_set(err, ERR_INVALID, "%s.%s must be a whole number from 0 to %" PRId64, what, key, max);
	*out = json_integer_value(v);
	return 0;
}
