/* All are asked for before any is waited for; the first error is the one that is told. */
#include "providers/common/change.h"

#include <stdbool.h>

#include "core/base/json.h"
#include "core/base/str.h"
#include "providers/common/nodes.h"
#include "providers/common/requests.h"

static bool changes(const struct change *c, const json_t *node)
{
	for (const char *const *s = c->from; *s; s++)
		if (str_eq(*s, json_str(node, "status", "")))
			return nodes_meant(c->talk->c->args, node);
	return false;
}

/* 1, 0, −1 with *first. */
static int ask_all(const struct change *c, const json_t *nodes, struct err *first)
{
	int r = 1;
	size_t i;
	json_t *n;
	json_array_foreach(nodes, i, n) {
		struct err err = {.code = ERR_NONE};
		if (changes(c, n) && !c->one(c->cloud, json_str(n, "id", ""), &err))
			r = 0;
		if (err.code && !first->code)
			*first = err;
	}
	return r && first->code ? -1 : r;
}

enum provider_step change_nodes(const struct change *c)
{
	const struct provider_call *call = c->talk->c;
	if (request_check_target(call->args, c->talk->err))
		return PROVIDER_FAILED;
	json_t *nodes = c->look(c->cloud, "look");
	if (!nodes)
		return talk_wait(c->talk);
	int r = call->verb == PROVIDER_START && nodes_all_there(call->args, nodes, c->talk->err) ? -1 : 1;
	struct err first = {.code = ERR_NONE};
	if (r > 0)
		r = ask_all(c, nodes, &first);
	json_decref(nodes);
	if (first.code && r < 0)
		*c->talk->err = first;
	if (r <= 0)
		return r ? PROVIDER_FAILED : talk_send(c->talk);
	nodes = c->look(c->cloud, "again");
	if (!nodes)
		return talk_wait(c->talk);
	json_t *out = nodes_only_meant(call->args, nodes);
	json_decref(nodes);
	return talk_done(c->talk, json_pack("{s:o}", "nodes", out));
}
