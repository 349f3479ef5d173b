/* Asking Google, for functions that are written as if it answered at once: see gcp_priv.h. What was asked and answered is kept by name in the
 * call's scratch object, so that a verb can be run again from its beginning after every reply. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/str.h"
#include "providers/gcp/gcp_priv.h"

enum { PAGES_MAX = 400, TEXT_MAX = 2000, FIRST_PAUSE_MS = 1000, LAST_PAUSE_MS = 5000 };

static json_t *part(struct gcp *g, const char *name)
{
	json_t *o = json_obj(g->c->scratch, name);
	if (!o) {
		o = json_object();
		json_object_set_new(g->c->scratch, name, o);
	}
	return o;
}

json_t *gcp_memory(struct gcp *g, const char *name)
{
	json_t *m = g->c->env->memory, *o;
	if (!m)
		return part(g, name);
	o = json_obj(m, name);
	if (!o) {
		o = json_object();
		json_object_set_new(m, name, o);
	}
	return o;
}

/* ---- keeping what came ---------------------------------------------------------------------------------------------- */

static json_t *answer_of(const struct provider_http_reply *r)
{
	json_t *a = json_object(), *body;
	if (r->code) {
		json_put_str(a, "failed", err_info(r->code)->name);
		json_object_set_new(a, "text", json_foreign(r->err_text ? r->err_text : ""));
		return a;
	}
	json_put_int(a, "status", r->status);
	body = r->body_len ? json_parse(r->body, r->body_len, NULL) : NULL;
	json_object_set_new(a, "body", body ? body : json_null());
	if (!body && r->body_len) {
		char *text = xstrndup(r->body, r->body_len < TEXT_MAX ? r->body_len : TEXT_MAX);
		json_object_set_new(a, "text", json_foreign(text));
		free(text);
	}
	return a;
}

void gcp_take(struct gcp *g)
{
	const json_t *sent = json_arr(g->c->scratch, "sent");
	if (!g->reply)
		return;
	json_t *answers = part(g, "answers"), *files = part(g, "files");
	for (size_t i = 0; i < g->reply->n_http && i < json_array_size(sent); i++)
		json_object_set_new(answers, json_string_value(json_array_get(sent, i)), answer_of(&g->reply->http[i]));
	for (size_t i = 0; i < g->reply->n_files; i++)
		json_object_set_new(files, g->reply->files[i].path, json_foreign(g->reply->files[i].text ? g->reply->files[i].text : ""));
	json_object_del(g->c->scratch, "sent");
}

void gcp_forget(struct gcp *g, const char *key)
{
	json_object_del(part(g, "answers"), key);
}

/* ---- asking --------------------------------------------------------------------------------------------------------- */

static const char *const *headers_of(struct gcp *g, const struct gcp_ask *q)
{
	const char **h = arena_alloc(g->c->arena, 5 * sizeof *h);
	size_t n = 0;
	if (!q->bare)
		h[n++] = arena_printf(g->c->arena, "Authorization: Bearer %s", g->token ? g->token : "");
	if (!q->bare && g->quota_project)
		h[n++] = arena_printf(g->c->arena, "x-goog-user-project: %s", g->quota_project);
	if (q->body)
		h[n++] = "Content-Type: application/json";
	if (q->form)
		h[n++] = "Content-Type: application/x-www-form-urlencoded";
	if (q->header)
		h[n++] = q->header;
	return h;
}

/* The longest of the pauses that were asked for, since they are sent together. */
static void add(struct gcp *g, const char *key, const struct gcp_ask *q)
{
	if (g->n_asks == g->cap_asks) {
		size_t cap = g->cap_asks ? 2 * g->cap_asks : 8;
		struct provider_http *asks = arena_alloc(g->c->arena, cap * sizeof *asks);
		const char **keys = arena_alloc(g->c->arena, cap * sizeof *keys);
		if (g->n_asks) {
			memcpy(asks, g->asks, g->n_asks * sizeof *asks);
			memcpy(keys, g->keys, g->n_asks * sizeof *keys);
		}
		g->asks = asks;
		g->keys = keys;
		g->cap_asks = cap;
	}
	struct provider_http *r = &g->asks[g->n_asks];
	*r = (struct provider_http){.method = q->method ? q->method : "GET", .url = q->url, .headers = headers_of(g, q), .lane = q->lane, .direct = q->direct};
	if (q->body) {
		char *text = json_text(q->body);
		r->body = arena_strdup(g->c->arena, text);
		free(text);
	} else if (q->form) {
		r->body = q->form;
	} else if (q->method && strcmp(q->method, "GET") && strcmp(q->method, "DELETE")) {
		r->body = ""; /* a POST without a body says so */
	}
	r->body_len = r->body ? strlen(r->body) : 0;
	g->keys[g->n_asks++] = arena_strdup(g->c->arena, key);
	if (q->after_ms > g->after_ms)
		g->after_ms = q->after_ms;
}

static bool asked_already(const struct gcp *g, const char *key)
{
	for (size_t i = 0; i < g->n_asks; i++)
		if (!strcmp(g->keys[i], key))
			return true;
	return false;
}

const json_t *gcp_ask(struct gcp *g, const char *key, const struct gcp_ask *q)
{
	const json_t *a = json_obj(part(g, "answers"), key);
	if (!a && !asked_already(g, key))
		add(g, key, q);
	json_decref(q->body);
	return a;
}

const json_t *gcp_get(struct gcp *g, const char *key, const char *url)
{
	return gcp_ask(g, key, &(struct gcp_ask){.url = url});
}

const char *gcp_read(struct gcp *g, const char *path)
{
	const char *text = json_str(part(g, "files"), path, NULL);
	if (text)
		return text;
	struct provider_file *reads = arena_alloc(g->c->arena, (g->n_reads + 1) * sizeof *reads);
	if (g->n_reads)
		memcpy(reads, g->reads, g->n_reads * sizeof *reads);
	reads[g->n_reads++] = (struct provider_file){.path = path};
	g->reads = reads;
	return NULL;
}

bool gcp_asks(const struct gcp *g)
{
	return g->n_asks || g->n_reads;
}

/* Files and requests do not travel together: files first. */
enum provider_step gcp_send(struct gcp *g)
{
	if (g->n_reads) {
		g->c->request = (struct provider_request){.kind = PROVIDER_READ, .files = g->reads, .n_files = g->n_reads};
		return PROVIDER_REQUEST;
	}
	if (!g->n_asks) {
		err_set(g->err, ERR_PROTOCOL, "Google Cloud was asked nothing"); /* cannot be; would go round for ever */
		return PROVIDER_FAILED;
	}
	json_t *sent = json_array();
	for (size_t i = 0; i < g->n_asks; i++)
		json_array_append_new(sent, json_string(g->keys[i]));
	json_object_set_new(g->c->scratch, "sent", sent);
	g->c->request = (struct provider_request){.kind = PROVIDER_HTTP, .http = g->asks, .n_http = g->n_asks, .after_ms = g->after_ms};
	return PROVIDER_REQUEST;
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

const char *gcp_quote(struct arena *a, const char *text)
{
	struct str s = str_new(8192);
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || strchr("-_.~", *p);
		str_addf(&s, plain ? "%c" : "%%%02X", *p);
	}
	const char *out = arena_strdup(a, str_text(&s));
	str_free(&s);
	return out;
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
	json_t *lists = part(g, "lists"), *state = json_obj(lists, key);
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
		const char *page_url = token ? arena_printf(g->c->arena, "%s%spageToken=%s", url, sep, gcp_quote(g->c->arena, token)) : url;
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
		gcp_forget(g, page_key);
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
	json_t *ops = part(g, "operations"), *state = json_obj(ops, key);
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
		gcp_forget(g, poll_key);
	}
}

/* ---- ends ----------------------------------------------------------------------------------------------------------- */

enum provider_step gcp_done(struct gcp *g, json_t *result)
{
	json_decref(g->c->result);
	g->c->result = result;
	return PROVIDER_DONE;
}

enum provider_step gcp_failed(struct gcp *g, enum err_code code, enum err_scope scope, const char *fmt, ...)
{
	char text[sizeof g->err->text];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	err_set(g->err, code, "%s", text);
	err_set_scope(g->err, scope);
	return PROVIDER_FAILED;
}
