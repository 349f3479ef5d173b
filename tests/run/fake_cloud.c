/* A cloud over HTTP for tests of core: a small JSON interface that a test serves (fake_cloud.py). It takes the place of the registry of
 * providers in the program `skytop-fake`, beside the simulated one. */
#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/str.h"
#include "core/provider.h"

static enum provider_step ask(struct provider_call *c, int step, const char *method, const char *path, json_t *body)
{
	static const char *const headers[] = {"Authorization: Bearer FAKE-SECRET", "Content-Type: application/json", NULL};
	struct provider_http *h = arena_alloc(c->arena, sizeof *h);
	char *text = body ? json_text(body) : NULL;
	*h = (struct provider_http){.method = method, .url = arena_printf(c->arena, "%s%s", c->env->var("SKYTOP_FAKE_ENDPOINT"), path), .headers = headers,
	    .body = arena_strdup(c->arena, text), .body_len = text ? strlen(text) : 0, .lane = json_str(c->args, "region", "all")};
	c->request = (struct provider_request){.kind = PROVIDER_HTTP, .http = h, .n_http = 1, .timeout_ms = 2000};
	c->step = step;
	free(text);
	json_decref(body);
	return PROVIDER_REQUEST;
}

static enum provider_step done(struct provider_call *c, json_t *result)
{
	c->result = result;
	return PROVIDER_DONE;
}

/* The answer to the last request: new reference; NULL: an error, filled. */
static json_t *answer(struct provider_call *c, const struct provider_reply *reply, struct err *err)
{
	static const char *const scopes[] = {"place", "region", "region_all", "cloud", "task"};
	const struct provider_http_reply *r = &reply->http[0];
	(void)c;
	if (r->code) {
		err_set(err, r->code, "%s", r->err_text);
		return NULL;
	}
	json_t *j = r->body_len ? json_parse(r->body, r->body_len, NULL) : NULL;
	if (r->status == 200 && j)
		return j;
	const json_t *e = json_obj(j, "error");
	err_set(err, e ? err_code_of(json_str(e, "code", "")) : r->status == 503 ? ERR_NETWORK : ERR_PROTOCOL, "HTTP %d: %s", r->status,
	    json_str(e, "message", "no reason given"));
	for (int i = 0; i < 5; i++)
		if (str_eq(json_str(e, "scope", ""), scopes[i]))
			err_set_scope(err, (enum err_scope)i);
	json_decref(j);
	return NULL;
}

static const char *list_path(struct provider_call *c)
{
	const char *cluster = json_str(c->args, "cluster", NULL);
	return cluster ? arena_printf(c->arena, "/nodes?cluster=%s", cluster) : "/nodes";
}

static bool is_there(const json_t *nodes, const char *token)
{
	size_t i;
	json_t *n;
	json_array_foreach(nodes, i, n)
		if (str_eq(json_str(n, "token", ""), token))
			return true;
	return false;
}

/* Looks first, makes those that are not there one by one, and looks again. */
static enum provider_step create(struct provider_call *c, json_t *said)
{
	size_t i;
	json_t *n, *nodes = json_arr(said, "nodes");
	if (c->step == 1 && nodes)
		json_object_set(c->scratch, "nodes", nodes);
	if (c->step == 2)
		json_array_append(json_arr(c->scratch, "nodes"), said);
	json_array_foreach(json_arr(c->args, "nodes"), i, n) {
		if (is_there(json_arr(c->scratch, "nodes"), json_str(n, "token", "")))
			continue;
		json_t *body = json_copy((json_t *)(uintptr_t)c->args);
		json_object_set(body, "node", n);
		return ask(c, 2, "POST", "/nodes", body);
	}
	return done(c, json_pack("{s:O}", "nodes", json_arr(c->scratch, "nodes")));
}

static enum provider_step terminate(struct provider_call *c, json_t *said)
{
	size_t i;
	json_t *n, *ids = json_array();
	int64_t pending = 0;
	if (c->step == 2)
		return ask(c, 3, "GET", list_path(c), NULL);
	json_array_foreach(json_arr(said, "nodes"), i, n) {
		if (str_eq(json_str(n, "status", ""), "TERMINATED"))
			continue;
		pending++;
		json_array_append(ids, json_object_get(n, "id"));
	}
	if (c->step == 1 && pending)
		return ask(c, 2, "POST", "/terminate", json_pack("{s:o}", "ids", ids));
	json_decref(ids);
	return done(c, pending ? json_pack("{s:I}", "pending", (json_int_t)pending) : json_object());
}

static enum provider_step fake_step(struct provider_call *c, const struct provider_reply *reply, struct err *err)
{
	const char *endpoint = c->env->var("SKYTOP_FAKE_ENDPOINT");
	if (!endpoint && c->verb == PROVIDER_CHECK)
		return done(c, json_pack("{s:b, s:s}", "enabled", 0, "reason", "SKYTOP_FAKE_ENDPOINT is not set"));
	if (!endpoint) {
		err_set(err, ERR_CREDENTIALS, "SKYTOP_FAKE_ENDPOINT is not set");
		return PROVIDER_FAILED;
	}
	if (!reply) {
		switch (c->verb) {
		case PROVIDER_CHECK:
			return ask(c, 1, "GET", "/check", NULL);
		case PROVIDER_OFFERS:
			return ask(c, 1, "GET", "/offers", NULL);
		case PROVIDER_CREATE:
		case PROVIDER_TERMINATE:
		case PROVIDER_QUERY:
			return ask(c, 1, "GET", list_path(c), NULL);
		case PROVIDER_START:
			return ask(c, 1, "POST", "/start", json_incref((json_t *)(uintptr_t)c->args));
		case PROVIDER_STOP:
			return ask(c, 1, "POST", "/stop", json_incref((json_t *)(uintptr_t)c->args));
		case PROVIDER_QUOTA:
			return ask(c, 1, "POST", "/quota", json_incref((json_t *)(uintptr_t)c->args));
		case PROVIDER_OBJECTS:
		case PROVIDER_VERBS:
			break;
		}
	}
	json_t *said = answer(c, reply, err);
	if (!said)
		return PROVIDER_FAILED;
	enum provider_step s = c->verb == PROVIDER_CREATE ? create(c, said) : c->verb == PROVIDER_TERMINATE ? terminate(c, said) : done(c, json_incref(said));
	json_decref(said);
	return s;
}

static const struct provider fake = {
    .name = "akash", /* one that task files may name, and that has no price list here */
    .title = "A cloud for tests",
    .can = PROVIDER_CAN_STOP | PROVIDER_CAN_SPOT | PROVIDER_CAN_MULTI_NODE | PROVIDER_CAN_PORTS | PROVIDER_CAN_IMAGES | PROVIDER_CAN_DISK_TIERS |
	   PROVIDER_CAN_SPOT_CAP,
    .more_quota = "of the fake cloud at its desk",
    .credentials = "SKYTOP_FAKE_ENDPOINT in the environment",
    .simulated = true,
    .step = fake_step,
};

extern const struct provider provider_sim;

const struct provider *const providers[] = {&fake, &provider_sim, NULL};
