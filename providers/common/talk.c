/* Most verbs of a cloud need several answers, some of them one after the other, and a step may only ask and return. Here what was asked and
 * answered is kept by name in the call's scratch object, so that a verb is a plain function that is run again from its beginning. */
#include "providers/common/talk.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/str.h"
#include "providers/common/names.h"
#include "providers/common/xml.h"

enum { TEXT_MAX = 16000, FORM_MAX = 65536, COMPLAINT_MAX = 400, HEADERS_MAX = 8, COMMAND_MS = 60000 };

json_t *talk_child(json_t *of, const char *name)
{
	json_t *o = json_obj(of, name);
	if (!o) {
		o = json_object();
		json_object_set_new(of, name, o);
	}
	return o;
}

json_t *talk_part(struct talk *t, const char *name)
{
	return talk_child(t->c->scratch, name);
}

json_t *talk_memory(struct talk *t, const char *name)
{
	return talk_child(t->c->env->memory ? t->c->env->memory : t->c->scratch, name);
}

const char *talk_var(const struct talk *t, const char *name)
{
	const char *v = t->c->env->var ? t->c->env->var(name) : NULL;
	return v && *v ? v : NULL;
}

const json_t *talk_setting(const struct talk *t, const char *key)
{
	const json_t *v = json_object_get(json_obj(t->c->args, "config"), key);
	return v && !json_is_null(v) ? v : json_object_get(t->c->env->config, key);
}

const json_t *talk_setting_names(struct talk *t, const char *key)
{
	const json_t *v = talk_setting(t, key);
	const char *text = json_string_value(v);
	json_t *lists = talk_part(t, "settings"), *out = json_arr(lists, key);
	if (json_is_array(v) || out)
		return json_is_array(v) ? v : out;
	json_object_set_new(lists, key, out = json_array());
	for (text = text ? text : ""; *text; text += strcspn(text, ", ")) {
		text += strspn(text, ", ");
		if (*text)
			json_array_append_new(out, json_foreign(arena_strndup(t->c->arena, text, strcspn(text, ", "))));
	}
	return out;
}

int talk_refuse_settings(struct talk *t, const char *const *taken, const struct talk_refused *list, size_t n)
{
	const char *key;
	json_t *v;
	json_object_foreach((json_t *)(uintptr_t)json_obj(t->c->args, "config"), key, v) {
		const struct talk_refused *row = NULL;
		bool known = false;
		for (const char *const *p = taken; *p; p++)
			known = known || !strcmp(*p, key);
		for (size_t i = 0; i < n && !row; i++)
			row = strcmp(list[i].key, key) ? NULL : &list[i];
		if (known || json_is_null(v) || json_is_false(v) || (row && row->but && str_eq(json_string_value(v), row->but)))
			continue;
		talk_failed(t, ERR_UNSUPPORTED, ERR_SCOPE_CLOUD, "config.%s.%.60s of the task: %s", t->section, key, row ? row->why : "there is no such setting");
		return -1;
	}
	return 0;
}

static bool endpoint_ok(const char *url)
{
	return (str_starts(url, "https://") || name_is_here(url)) && !strpbrk(url, " \t\r\n?#@");
}

int talk_endpoint(struct talk *t, const char *name, const char **base)
{
	const char *v = talk_var(t, name);
	*base = NULL;
	if (!v)
		return 0;
	if (!endpoint_ok(v))
		return err_set(t->err, ERR_INVALID, "$%s must be https, or http to this machine: %.200s", name, v);
	size_t n = strlen(v);
	while (n && v[n - 1] == '/')
		n--;
	*base = arena_strndup(t->c->arena, v, n);
	return 0;
}

/* ---- keeping what came ---------------------------------------------------------------------------------------------- */

static void keep_headers(const struct talk *t, json_t *a, const struct provider_http_reply *r)
{
	for (size_t k = 0; t->keep && t->keep[k]; k++)
		for (size_t i = 0; r->headers && r->headers[i]; i++) {
			size_t n = strlen(t->keep[k]);
			const char *h = r->headers[i];
			if (strncmp(h, t->keep[k], n) || h[n] != ':')
				continue;
			if (!json_obj(a, "headers"))
				json_object_set_new(a, "headers", json_object());
			json_object_set_new(json_obj(a, "headers"), t->keep[k], json_foreign(h + n + 1 + strspn(h + n + 1, " \t")));
		}
}

static json_t *answer_of(const struct talk *t, const struct provider_http_reply *r)
{
	json_t *a = json_object(), *body;
	struct err none;
	if (r->code) {
		json_put_str(a, "failed", err_info(r->code)->name);
		json_object_set_new(a, "text", json_foreign(r->err_text ? r->err_text : ""));
		return a;
	}
	json_put_int(a, "status", r->status);
	keep_headers(t, a, r);
	body = r->body_len ? json_parse(r->body, r->body_len, NULL) : NULL;
	if (!body && (str_starts(r->body, "<?xml") || str_starts(r->body, "\xef\xbb\xbf<?xml")))
		body = xml_json(strchr(r->body, '<'), r->body_len - (size_t)(strchr(r->body, '<') - r->body), &none);
	json_object_set_new(a, "body", body ? body : json_null());
	if (!body && r->body_len) {
		char *text = xstrndup(r->body, r->body_len < TEXT_MAX ? r->body_len : TEXT_MAX);
		json_object_set_new(a, "text", json_foreign(text));
		free(text);
	}
	return a;
}

static void take_command(struct talk *t, const char *key)
{
	json_t *a = json_object();
	json_put_int(a, "status", t->reply->status);
	json_object_set_new(a, "out", json_foreign(t->reply->body ? t->reply->body : ""));
	json_object_set_new(a, "complaint", json_foreign(t->reply->complaint ? t->reply->complaint : ""));
	json_object_set_new(talk_part(t, "answers"), key, a);
}

void talk_take(struct talk *t)
{
	const json_t *sent = json_arr(t->c->scratch, "sent");
	const char *ran = json_str(t->c->scratch, "ran", NULL);
	if (!t->reply)
		return;
	json_t *answers = talk_part(t, "answers"), *files = talk_part(t, "files");
	for (size_t i = 0; i < t->reply->n_http && i < json_array_size(sent); i++)
		json_object_set_new(answers, json_string_value(json_array_get(sent, i)), answer_of(t, &t->reply->http[i]));
	for (size_t i = 0; i < t->reply->n_files; i++)
		json_object_set_new(files, t->reply->files[i].path, json_foreign(t->reply->files[i].text ? t->reply->files[i].text : ""));
	if (ran)
		take_command(t, ran);
	json_object_del(t->c->scratch, "sent");
	json_object_del(t->c->scratch, "ran");
}

void talk_forget(struct talk *t, const char *key)
{
	json_object_del(talk_part(t, "answers"), key);
}

int talk_status(const json_t *answer)
{
	return (int)json_int(answer, "status", 0);
}

/* ---- asking --------------------------------------------------------------------------------------------------------- */

static const char *const *headers_of(struct talk *t, const struct talk_ask *q)
{
	const char **h = arena_alloc(t->c->arena, (HEADERS_MAX + 2) * sizeof *h);
	size_t n = 0;
	for (; q->headers && q->headers[n] && n < HEADERS_MAX; n++)
		h[n] = q->headers[n];
	if (q->body)
		h[n++] = "Content-Type: application/json";
	else if (q->form)
		h[n++] = "Content-Type: application/x-www-form-urlencoded";
	h[n] = NULL;
	return h;
}

static void grow(struct talk *t)
{
	size_t cap = t->cap_asks ? 2 * t->cap_asks : 8;
	struct provider_http *asks = arena_alloc(t->c->arena, cap * sizeof *asks);
	const char **keys = arena_alloc(t->c->arena, cap * sizeof *keys);
	if (t->n_asks) {
		memcpy(asks, t->asks, t->n_asks * sizeof *asks);
		memcpy(keys, t->keys, t->n_asks * sizeof *keys);
	}
	t->asks = asks;
	t->keys = keys;
	t->cap_asks = cap;
}

/* The longest of the pauses that were asked for, since they are sent together. */
static void add(struct talk *t, const char *key, const struct talk_ask *q)
{
	if (t->n_asks == t->cap_asks)
		grow(t);
	struct provider_http *r = &t->asks[t->n_asks];
	*r = (struct provider_http){.method = q->method ? q->method : "GET", .url = arena_strdup(t->c->arena, q->url), .headers = headers_of(t, q),
	    .lane = q->lane, .direct = q->direct};
	if (q->body) {
		char *text = json_text(q->body);
		r->body = arena_strdup(t->c->arena, text);
		free(text);
	} else if (q->form) {
		r->body = q->form;
	} else if (q->method && strcmp(q->method, "GET") && strcmp(q->method, "DELETE") && strcmp(q->method, "HEAD")) {
		r->body = ""; /* a POST without a body says so */
	}
	r->body_len = r->body ? strlen(r->body) : 0;
	t->keys[t->n_asks++] = arena_strdup(t->c->arena, key);
	if (q->after_ms > t->after_ms)
		t->after_ms = q->after_ms;
}

static bool asked_already(const struct talk *t, const char *key)
{
	for (size_t i = 0; i < t->n_asks; i++)
		if (!strcmp(t->keys[i], key))
			return true;
	return false;
}

const json_t *talk_ask(struct talk *t, const char *key, const struct talk_ask *q)
{
	const json_t *a = json_obj(talk_part(t, "answers"), key);
	if (!a && !asked_already(t, key))
		add(t, key, q);
	json_decref(q->body);
	return a;
}

const char *talk_read(struct talk *t, const char *path)
{
	const char *text = json_str(talk_part(t, "files"), path, NULL);
	if (text)
		return text;
	struct provider_file *reads = arena_alloc(t->c->arena, (t->n_reads + 1) * sizeof *reads);
	if (t->n_reads)
		memcpy(reads, t->reads, t->n_reads * sizeof *reads);
	reads[t->n_reads++] = (struct provider_file){.path = arena_strdup(t->c->arena, path)};
	t->reads = reads;
	return NULL;
}

const json_t *talk_exec(struct talk *t, const char *key, const char *const *argv)
{
	const json_t *a = json_obj(talk_part(t, "answers"), key);
	if (!a) {
		t->argv = argv;
		t->argv_key = key;
	}
	return a;
}

const char *talk_clean(struct talk *t, const char *text)
{
	struct str clean = str_new(COMPLAINT_MAX);
	text_clean(&clean, text, strlen(text) < COMPLAINT_MAX ? strlen(text) : COMPLAINT_MAX - 1);
	while (clean.len && clean.data[clean.len - 1] == ' ')
		clean.data[--clean.len] = '\0';
	const char *out = arena_strdup(t->c->arena, str_text(&clean));
	str_free(&clean);
	return out;
}

const char *talk_complaint(struct talk *t, const json_t *answer, const char *dflt)
{
	const char *text = talk_clean(t, json_str(answer, "complaint", ""));
	return *text ? text : dflt;
}

bool talk_asks(const struct talk *t)
{
	return t->n_asks || t->n_reads || t->argv;
}

/* Files, commands and requests do not travel together: in that order. */
enum provider_step talk_send(struct talk *t)
{
	if (t->n_reads) {
		t->c->request = (struct provider_request){.kind = PROVIDER_READ, .files = t->reads, .n_files = t->n_reads};
		return PROVIDER_REQUEST;
	}
	if (t->argv) {
		json_put_str(t->c->scratch, "ran", t->argv_key);
		t->c->request = (struct provider_request){.kind = PROVIDER_EXEC, .argv = t->argv, .timeout_ms = COMMAND_MS};
		return PROVIDER_REQUEST;
	}
	if (!t->n_asks) {
		err_set(t->err, ERR_PROTOCOL, "%s was asked nothing", t->cloud); /* cannot be; would go round for ever */
		return PROVIDER_FAILED;
	}
	json_t *sent = json_array();
	for (size_t i = 0; i < t->n_asks; i++)
		json_array_append_new(sent, json_string(t->keys[i]));
	json_object_set_new(t->c->scratch, "sent", sent);
	t->c->request = (struct provider_request){.kind = PROVIDER_HTTP, .http = t->asks, .n_http = t->n_asks, .after_ms = t->after_ms};
	return PROVIDER_REQUEST;
}

enum provider_step talk_wait(struct talk *t)
{
	return talk_asks(t) && !t->err->code ? talk_send(t) : PROVIDER_FAILED;
}

/* ---- tokens --------------------------------------------------------------------------------------------------------- */

const char *talk_token(struct talk *t, const char *mark)
{
	const json_t *m = talk_memory(t, "token");
	if (!str_eq(json_str(m, "mark", NULL), mark) || json_int(m, "until", 0) <= t->c->env->now_ms)
		return NULL;
	return arena_strdup(t->c->arena, json_str(m, "text", ""));
}

const char *talk_keep_token(struct talk *t, const char *mark, const char *text, int64_t life_ms)
{
	json_t *m = talk_memory(t, "token");
	json_put_str(m, "text", text);
	json_put_str(m, "mark", mark);
	json_put_int(m, "until", t->c->env->now_ms + (life_ms > 2 * TALK_TOKEN_EARLY_MS ? life_ms - TALK_TOKEN_EARLY_MS : life_ms / 2));
	return arena_strdup(t->c->arena, text);
}

/* Names of what is made are what makes that harmless. */
bool talk_begin_anew(struct talk *t, const char *but)
{
	const char *key;
	json_t *a;
	bool refused = false;
	json_object_foreach(json_obj(t->c->scratch, "answers"), key, a)
		refused = refused || (talk_status(a) == 401 && strncmp(key, but, strlen(but)));
	if (!refused || json_bool(t->c->scratch, "renewed", false))
		return false;
	json_object_clear(talk_memory(t, "token"));
	json_object_clear(t->c->scratch);
	json_put_bool(t->c->scratch, "renewed", true);
	return true;
}

/* ---- ends ----------------------------------------------------------------------------------------------------------- */

enum provider_step talk_done(struct talk *t, json_t *result)
{
	json_decref(t->c->result);
	t->c->result = result;
	return PROVIDER_DONE;
}

static void fail(struct talk *t, enum err_code code, enum err_scope scope, const char *fmt, va_list ap)
{
	char text[sizeof t->err->text];
	vsnprintf(text, sizeof text, fmt, ap);
	err_set(t->err, code, "%s", text);
	err_set_scope(t->err, scope);
}

enum provider_step talk_failed(struct talk *t, enum err_code code, enum err_scope scope, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	fail(t, code, scope, fmt, ap);
	va_end(ap);
	return PROVIDER_FAILED;
}

int talk_refuse(struct talk *t, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	fail(t, ERR_CREDENTIALS, ERR_SCOPE_CLOUD, fmt, ap);
	va_end(ap);
	return -1;
}

/* ---- text ----------------------------------------------------------------------------------------------------------- */

const char *talk_json(struct arena *a, const json_t *j)
{
	char *text = json_text(j);
	const char *out = arena_strdup(a, text);
	free(text);
	return out;
}

static void quote_to(struct str *s, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || strchr("-_.~", *p);
		str_addf(s, plain ? "%c" : "%%%02X", *p);
	}
}

const char *talk_quote(struct arena *a, const char *text)
{
	struct str s = str_new(8192);
	quote_to(&s, text);
	const char *out = arena_strdup(a, str_text(&s));
	str_free(&s);
	return out;
}

const char *talk_form(struct arena *a, const char *const *pairs)
{
	struct str s = str_new(FORM_MAX);
	for (; pairs[0]; pairs += 2) {
		str_addf(&s, "%s%s=", s.len ? "&" : "", pairs[0]);
		quote_to(&s, pairs[1]);
	}
	const char *out = arena_strdup(a, str_text(&s));
	str_free(&s);
	return out;
}
