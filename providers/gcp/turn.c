/* Asking Google: hosts, headers, lists of many pages, operations. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/str.h"
#include "providers/gcp/gcp_priv.h"

enum { PAGES_MAX = 400, FIRST_PAUSE_MS = 1000, LAST_PAUSE_MS = 5000 };

/* ---- asking --------------------------------------------------------------------------------------------------------- */

const json_t *gcp_ask(struct gcp *g, const char *key, const struct gcp_ask *q)
{
	const char **h = arena_alloc(g->c->arena, 4 * sizeof *h);
	size_t n = 0;
	if (!q->bare)
		h[n++] = arena_printf(g->c->arena, "Authorization: Bearer %s", g->token ? g->token : "");
	if (!q->bare && g->quota_project)
		h[n++] = arena_printf(g->c->arena, "x-goog-user-project: %s", g->quota_project);
	if (q->header)
		h[n++] = q->header;
	h[n] = NULL;
	return talk_ask(&g->talk, key, &(struct talk_ask){.method = q->method, .url = q->url, .headers = h, .body = q->body, .form = q->form, .lane = q->lane,
		.direct = q->direct, .after_ms = q->after_ms});
}

const json_t *gcp_get(struct gcp *g, const char *key, const char *url)
{
	return gcp_ask(g, key, &(struct gcp_ask){.url = url});
}

/* ---- URLs ----------------------------------------------------------------------------------------------------------- */

static const char *vurl(struct gcp *g, enum gcp_host host, const char *stem, const char *path, va_list ap)
{
	static const char *const hosts[GCP_HOSTS] = {[GCP_COMPUTE] = "https://compute.googleapis.com", [GCP_BILLING] = "https://cloudbilling.googleapis.com",
	    [GCP_RESOURCES] = "https://cloudresourcemanager.googleapis.com", [GCP_QUOTAS] = "https://cloudquotas.googleapis.com"};
	char text[2048];
	vsnprintf(text, sizeof text, path, ap);
	return arena_printf(g->c->arena, "%s%s%s", g->base ? g->base : hosts[host], stem, text);
}

const char *gcp_url(struct gcp *g, enum gcp_host host, const char *path, ...)
{
	va_list ap;
	va_start(ap, path);
	const char *url = vurl(g, host, "", path, ap);
	va_end(ap);
	return url;
}

const char *gcp_compute(struct gcp *g, const char *project, const char *path, ...)
{
	va_list ap;
	va_start(ap, path);
	const char *stem = arena_printf(g->c->arena, "/compute/v1/projects/%s", project ? project : g->project);
	const char *url = vurl(g, GCP_COMPUTE, stem, path, ap);
	va_end(ap);
	return url;
}

/* ---- lists ---------------------------------------------------------------------------------------------------------- */

const char *gcp_last_part(const char *url)
{
	const char *slash = strrchr(url, '/');
	return slash ? slash + 1 : url;
}

static void add_unreachable(json_t *list, const char *scope)
{
	json_array_append_new(list, json_string(gcp_last_part(scope)));
}

static json_t *list_state(struct gcp *g, const char *key)
{
	json_t *lists = talk_part(&g->talk, "lists"), *state = json_obj(lists, key);
	if (!state) {
		state = json_pack("{s:[], s:[], s:i, s:b}", "items", "lost", "page", 0, "whole", 0);
		json_object_set_new(lists, key, state);
	}
	return state;
}

int gcp_pages(struct gcp *g, const char *key, const char *url, const char *what, gcp_page_fn *take, const char *arg)
{
	json_t *state = list_state(g, key);
	while (!json_bool(state, "whole", false)) {
		int64_t page = json_int(state, "page", 0);
		const char *token = json_str(state, "token", NULL), *sep = strchr(url, '?') ? "&" : "?";
		const char *page_key = arena_printf(g->c->arena, "%s#%" PRId64, key, page);
		const char *page_url = token ? arena_printf(g->c->arena, "%s%spageToken=%s", url, sep, talk_quote(g->c->arena, token)) : url;
		const json_t *a = gcp_get(g, page_key, page_url);
		if (!a)
			return 0;
		if (gcp_answer_error(a, what, false, g->err))
			return -1;
		const json_t *body = json_obj(a, "body");
		take(g, state, body, arg);
		token = json_str(body, "nextPageToken", NULL);
		json_object_set_new(state, "token", token ? json_string(token) : json_null());
		json_put_int(state, "page", page + 1);
		json_put_bool(state, "whole", !token || !*token);
		talk_forget(&g->talk, page_key);
		if (page >= PAGES_MAX)
			return err_set(g->err, ERR_PROTOCOL, "%s: Google's list does not end after %d pages", what, PAGES_MAX);
	}
	return 1;
}

/* {"items": {"zones/Z": {inner: […], "warning": {…}}, …}, "unreachables": […]}, or {"items": […]} */
static void take_items(struct gcp *g, json_t *state, const json_t *body, const char *inner)
{
	json_t *items = json_arr(state, "items"), *lost = json_arr(state, "lost"), *scope, *v;
	const char *name;
	size_t i;
	(void)g;
	if (!inner) {
		json_array_extend(items, json_arr(body, "items"));
		return;
	}
	json_object_foreach(json_obj(body, "items"), name, scope) {
		json_array_extend(items, json_arr(scope, inner));
		if (str_eq(json_str(json_obj(scope, "warning"), "code", ""), "UNREACHABLE"))
			add_unreachable(lost, name);
	}
	json_array_foreach(json_arr(body, "unreachables"), i, v)
		if (json_is_string(v))
			add_unreachable(lost, json_string_value(v));
}

const json_t *gcp_list(struct gcp *g, const char *key, const char *url, const char *inner, const char *what)
{
	return gcp_pages(g, key, url, what, take_items, inner) > 0 ? json_arr(list_state(g, key), "items") : NULL;
}

const json_t *gcp_all_unreachable(struct gcp *g, const char *key)
{
	return json_arr(list_state(g, key), "lost");
}

bool gcp_unreachable(struct gcp *g, const char *key, const char *zone)
{
	size_t i;
	json_t *v;
	json_array_foreach(gcp_all_unreachable(g, key), i, v)
		if (str_eq(json_string_value(v), zone))
			return true;
	return false;
}

/* ---- operations ----------------------------------------------------------------------------------------------------- */

/* "zones/Z", "regions/R" or "global" of an operation. */
static const char *scope_of(struct arena *a, const json_t *op)
{
	const char *zone = json_str(op, "zone", NULL), *region = json_str(op, "region", NULL);
	return zone ? arena_printf(a, "zones/%s", gcp_last_part(zone)) : region ? arena_printf(a, "regions/%s", gcp_last_part(region)) : "global";
}

static const char *project_of(struct gcp *g, const json_t *op)
{
	const char *link = json_str(op, "selfLink", ""), *p = strstr(link, "/projects/");
	return p ? arena_strndup(g->c->arena, p + 10, strcspn(p + 10, "/")) : g->project;
}

/* 1, 1, 2, 3, 4, 5, 5 … seconds */
static int64_t pause_of(int64_t round)
{
	int64_t ms = round < 2 ? FIRST_PAUSE_MS : round * 1000;
	return ms < LAST_PAUSE_MS ? ms : LAST_PAUSE_MS;
}

int gcp_operation(struct gcp *g, const char *key, const json_t *first, int64_t max_ms, const char *what, struct err *err)
{
	json_t *ops = talk_part(&g->talk, "operations"), *state = json_obj(ops, key);
	if (!state) {
		state = json_pack("{s:O, s:i, s:I}", "op", first, "round", 0, "waited", (json_int_t)0);
		json_object_set_new(ops, key, state);
	}
	for (;;) {
		const json_t *op = json_object_get(state, "op");
		const char *name = json_str(op, "name", NULL);
		if (str_eq(json_str(op, "status", ""), "DONE") || !name) {
			if (!json_array_size(json_arr(json_obj(op, "error"), "errors")))
				return 1;
			gcp_operation_error(json_obj(op, "error"), what, g->c->verb == PROVIDER_CREATE || g->c->verb == PROVIDER_START, err);
			return -1;
		}
		int64_t round = json_int(state, "round", 0), waited = json_int(state, "waited", 0);
		if (waited >= max_ms)
			return -2;
		const char *poll_key = arena_printf(g->c->arena, "%s/poll", key);
		const char *url = gcp_compute(g, project_of(g, op), "/%s/operations/%s", scope_of(g->c->arena, op), name);
		const json_t *a = gcp_ask(g, poll_key, &(struct gcp_ask){.url = url, .after_ms = pause_of(round)});
		if (!a)
			return 0;
		json_put_int(state, "round", round + 1);
		json_put_int(state, "waited", waited + pause_of(round));
		if (gcp_answer_error(a, what, false, err))
			return -1;
		json_object_set(state, "op", json_object_get(a, "body"));
		talk_forget(&g->talk, poll_key);
	}
}
