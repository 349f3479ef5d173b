/* Questions to AWS and their answers: what is asked is signed and put into the request of this step; what comes back is read into JSON and kept
 * for the steps that follow. All that is the same for every question is here: endpoints, clocks that differ, keys that have ended, being asked
 * too often, pages. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "providers/aws/aws.h"
#include "providers/common/names.h"
#include "providers/common/xml.h"

enum { TOO_OFTEN_TRIES = 5, FIRST_PAUSE_MS = 500, MESSAGE_MAX = 600 };

const char *aws_var(const struct aws *t, const char *name)
{
	const char *v = t->c->env->var ? t->c->env->var(name) : NULL;
	return v && *v ? v : NULL;
}

const char *aws_config(const struct aws *t, const char *key)
{
	return json_str(t->c->env->config, key, NULL);
}

bool aws_config_bool(const struct aws *t, const char *key, bool dflt)
{
	return json_bool(t->c->env->config, key, dflt);
}

const json_t *aws_config_list(struct aws *t, const char *key)
{
	const json_t *list = json_arr(t->c->env->config, key);
	const char *text = aws_config(t, key), *name = arena_printf(t->a, "config %s", key);
	if (!text || list)
		return json_array_size(list) ? list : NULL;
	json_t *out = json_object_get(t->got, name);
	if (!out) {
		json_object_set_new(t->got, name, out = json_array());
		for (size_t n; (text += strspn(text, ", ")), (n = strcspn(text, ", ")); text += n)
			json_array_append_new(out, json_foreign(arena_strndup(t->a, text, n)));
	}
	return json_array_size(out) ? out : NULL;
}

int64_t aws_now_ms(const struct aws *t)
{
	return wall_now_ms() + json_int(t->memory, "skew_ms", 0);
}

int64_t aws_time(const char *text)
{
	/* "2026-11-25T21:30:00.000Z" and "…+00:00": without the fraction. */
	char buf[24];
	int64_t at;
	if (!text || strlen(text) < 19)
		return 0;
	memcpy(buf, text, 19);
	memcpy(buf + 19, "Z", 2);
	return time_parse(buf, &at) ? at : 0;
}

enum provider_step aws_done(struct aws *t, json_t *result)
{
	t->c->result = result;
	return PROVIDER_DONE;
}

enum provider_step aws_failed(struct aws *t, enum err_code code, enum err_scope scope, const char *text)
{
	err_set(t->err, code, "%s", text);
	err_set_scope(t->err, scope);
	return PROVIDER_FAILED;
}

/* ---- forms ------------------------------------------------------------------------------------------------------- */

struct str aws_form(const char *action)
{
	struct str s = str_new(TEXT_MAX);
	sigv4_form(&s, "Action", action);
	return s;
}

const char *aws_form_done(struct aws *t, struct str *s)
{
	const char *text = arena_strdup(t->a, str_text(s));
	str_free(s);
	return text;
}

void aws_list(struct str *s, const char *prefix, const json_t *values)
{
	char name[100];
	size_t i;
	json_t *v;
	json_array_foreach(values, i, v) {
		snprintf(name, sizeof name, "%s.%zu", prefix, i + 1);
		sigv4_form(s, name, json_string_value(v) ? json_string_value(v) : "");
	}
}

void aws_filter_list(struct str *s, int n, const char *name, const json_t *values)
{
	char key[60];
	snprintf(key, sizeof key, "Filter.%d.Name", n);
	sigv4_form(s, key, name);
	snprintf(key, sizeof key, "Filter.%d.Value", n);
	aws_list(s, key, values);
}

void aws_filter(struct str *s, int n, const char *name, const char *value)
{
	json_t *one = json_pack("[o]", json_foreign(value));
	aws_filter_list(s, n, name, one);
	json_decref(one);
}

/* ---- where -------------------------------------------------------------------------------------------------------- */

enum provider_step aws_base(struct aws *t, const char *url, const char *what, const char **base)
{
	if (!str_starts(url, "https://") && !name_is_here(url))
		return aws_failed(t, ERR_INVALID, ERR_SCOPE_CLOUD,
		    arena_printf(t->a, "%s is no https:// address, nor http:// to this machine: keys are not sent there", what));
	size_t n = strlen(url);
	*base = arena_strndup(t->a, url, n - (url[n - 1] == '/'));
	return PROVIDER_DONE;
}

enum provider_step aws_endpoint_of(struct aws *t, const char *of_service, const char **base)
{
	const char *url = aws_var(t, "SKYTOP_AWS_ENDPOINT");
	if (!url && of_service)
		url = aws_var(t, of_service);
	if (!url)
		url = aws_var(t, "AWS_ENDPOINT_URL");
	*base = NULL;
	return url ? aws_base(t, url, "AWS_ENDPOINT_URL", base) : PROVIDER_DONE;
}

enum provider_step aws_endpoint(struct aws *t, const char **base)
{
	return aws_endpoint_of(t, NULL, base);
}

static const char *url_of(struct aws *t, const char *base, const struct aws_ask *q)
{
	if (base)
		return arena_printf(t->a, "%s/", base);
	if (str_eq(q->service, "iam")) /* of the whole account */
		return "https://iam.amazonaws.com/";
	const char *domain = str_starts(q->region, "cn-") ? "amazonaws.com.cn" : "amazonaws.com";
	return arena_printf(t->a, "https://%s%s.%s.%s/", str_eq(q->service, "pricing") ? "api." : "", q->service, q->region, domain);
}

/* ---- asking -------------------------------------------------------------------------------------------------------- */

/* The answers to a key, n of them, made when they are not there yet; how many are still to come. */
static json_t *slots(struct aws *t, const char *key, size_t n, size_t *open)
{
	json_t *list = json_object_get(t->got, key);
	if (!list) {
		list = json_array();
		json_object_set_new(t->got, key, list);
	}
	while (json_array_size(list) < n)
		json_array_append_new(list, json_null());
	*open = 0;
	for (size_t i = 0; i < n; i++)
		*open += json_is_null(json_array_get(list, i));
	return list;
}

static void begin(struct aws *t, enum provider_request_kind kind, const char *key)
{
	struct provider_request *q = &t->c->request;
	int64_t pause = json_int(t->c->scratch, "pause", 0);
	*q = (struct provider_request){.kind = kind, .after_ms = pause};
	json_put_int(t->c->scratch, "pause", 0);
	json_put_str(t->c->scratch, "asked", key);
	json_object_set_new(t->c->scratch, "slots", json_array());
}

void aws_pause(struct aws *t, int64_t ms)
{
	json_put_int(t->c->scratch, "pause", ms);
}

static int sign(struct aws *t, const char *base, const struct aws_ask *q, struct provider_http *out)
{
	const struct sigv4_keys *k = q->keys ? q->keys : &t->login.keys;
	const char **h = arena_alloc(t->a, 4 * sizeof *h);
	h[0] = q->target ? "Content-Type: application/x-amz-json-1.1" : "Content-Type: application/x-www-form-urlencoded; charset=utf-8";
	h[1] = q->target ? arena_printf(t->a, "X-Amz-Target: %s", q->target) : NULL;
	*out = (struct provider_http){.method = "POST", .url = url_of(t, base, q), .headers = h, .body = q->body, .body_len = strlen(q->body), .lane = q->region};
	if (!k->id)
		return 0;
	struct sigv4_request r = {.method = "POST", .url = out->url, .headers = h, .body = out->body, .body_len = out->body_len, .region = q->region,
	    .service = q->service, .at_ms = aws_now_ms(t)};
	out->headers = sigv4_sign(t->a, k, &r, t->err);
	return out->headers ? 0 : -1;
}

enum provider_step aws_ask(struct aws *t, const char *key, const struct aws_ask *q, size_t n, const json_t **answers)
{
	size_t open, k = 0;
	json_t *list = slots(t, key, n, &open);
	*answers = list;
	if (!open)
		return PROVIDER_DONE;
	const char *base;
	AWS_TRY(aws_endpoint(t, &base));
	struct provider_http *http = arena_alloc(t->a, open * sizeof *http);
	begin(t, PROVIDER_HTTP, key);
	for (size_t i = 0; i < n; i++) {
		if (!json_is_null(json_array_get(list, i)))
			continue;
		if (sign(t, base, &q[i], &http[k++]))
			return PROVIDER_FAILED;
		json_array_append_new(json_object_get(t->c->scratch, "slots"), json_integer((json_int_t)i));
	}
	json_put_bool(t->c->scratch, "json", q[0].target != NULL);
	t->c->request.http = http;
	t->c->request.n_http = k;
	return PROVIDER_REQUEST;
}

/* kind: how the answers are read; see read_answer. */
static enum provider_step fetch(struct aws *t, const char *key, const struct provider_http *http, size_t n, json_t *kind, const json_t **answers)
{
	size_t open;
	*answers = slots(t, key, n, &open);
	if (!open) {
		json_decref(kind);
		return PROVIDER_DONE;
	}
	struct provider_http *kept = arena_alloc(t->a, n * sizeof *kept);
	memcpy(kept, http, n * sizeof *kept);
	begin(t, PROVIDER_HTTP, key);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(json_object_get(t->c->scratch, "slots"), json_integer((json_int_t)i));
	json_object_set_new(t->c->scratch, "json", kind);
	t->c->request.http = kept;
	t->c->request.n_http = n;
	return PROVIDER_REQUEST;
}

enum provider_step aws_fetch(struct aws *t, const char *key, const struct provider_http *http, size_t n, const json_t **answers)
{
	return fetch(t, key, http, n, json_null(), answers);
}

enum provider_step aws_s3(struct aws *t, const char *key, const struct provider_http *http, size_t n, const json_t **answers)
{
	return fetch(t, key, http, n, json_string("s3"), answers);
}

enum provider_step aws_read(struct aws *t, const char *key, const char *const *paths, size_t n, const json_t **texts)
{
	*texts = json_object_get(t->got, key);
	if (*texts)
		return PROVIDER_DONE;
	struct provider_file *f = arena_alloc(t->a, n * sizeof *f);
	for (size_t i = 0; i < n; i++)
		f[i].path = paths[i];
	begin(t, PROVIDER_READ, key);
	t->c->request.files = f;
	t->c->request.n_files = n;
	return PROVIDER_REQUEST;
}

enum provider_step aws_run(struct aws *t, const char *key, const char *const *argv, const json_t **answer)
{
	*answer = json_object_get(t->got, key);
	if (*answer)
		return PROVIDER_DONE;
	begin(t, PROVIDER_EXEC, key);
	t->c->request.argv = argv;
	t->c->request.timeout_ms = 60000;
	return PROVIDER_REQUEST;
}

enum provider_step aws_ask_one(struct aws *t, const char *key, const struct aws_ask *q, const char *what, const json_t **body)
{
	const json_t *answers;
	AWS_TRY(aws_ask(t, key, q, 1, &answers));
	const json_t *answer = json_array_get(answers, 0);
	if (!aws_ok(answer))
		return aws_refused(t, answer, what);
	*body = json_object_get(answer, "body");
	return PROVIDER_DONE;
}

enum provider_step aws_pages(struct aws *t, const char *key, const char *region, const char *form, const char *set, json_t **list)
{
	*list = json_object_get(t->got, key);
	if (json_is_array(*list))
		return PROVIDER_DONE;
	json_t *all = json_array();
	const char *next = "";
	for (int page = 0; next && page < PAGES_MAX; page++) {
		struct str s = str_new(TEXT_MAX);
		str_add(&s, form);
		if (*next)
			sigv4_form(&s, "NextToken", next);
		struct aws_ask q = {.service = "ec2", .region = region, .body = aws_form_done(t, &s)};
		const json_t *body;
		const char *what = arena_printf(t->a, "asking EC2 in %s", region);
		enum provider_step step = aws_ask_one(t, arena_printf(t->a, "%s#%d", key, page), &q, what, &body);
		if (step != PROVIDER_DONE) {
			json_decref(all);
			return step;
		}
		json_t *part = json_arr(body, set);
		json_array_extend(all, part);
		next = json_str(body, "nextToken", NULL);
		next = next && *next ? next : NULL;
	}
	json_object_set_new(t->got, key, all);
	*list = all;
	return PROVIDER_DONE;
}

/* ---- answers ------------------------------------------------------------------------------------------------------- */

static const char *header(const struct provider_http_reply *r, const char *name)
{
	size_t n = strlen(name);
	for (size_t i = 0; r->headers && r->headers[i]; i++)
		if (!strncasecmp(r->headers[i], name, n) && r->headers[i][n] == ':')
			return r->headers[i] + n + 1 + strspn(r->headers[i] + n + 1, " ");
	return NULL;
}

/* The one member of an object: the content of an XML root. */
static json_t *content(json_t *root)
{
	return json_object_iter_value(json_object_iter(root));
}

static void put_refusal(json_t *out, const char *code, const char *message)
{
	const char *from = code ? strrchr(code, '#') : NULL; /* "namespace#Code" and "Code:http://…" */
	char *name = code ? xstrndup(from ? from + 1 : code, strcspn(from ? from + 1 : code, ":")) : NULL;
	json_object_set_new(out, "code", json_foreign(name ? name : ""));
	char *text = message ? xstrndup(message, strnlen(message, MESSAGE_MAX)) : NULL;
	json_object_set_new(out, "message", json_foreign(text ? text : ""));
	free(name);
	free(text);
}

static void read_xml(json_t *out, const struct provider_http_reply *r)
{
	struct err e = {0};
	json_t *root = xml_json(r->body, r->body_len, &e);
	json_t *in = content(root), *error = json_obj(json_obj(in, "Errors"), "Error");
	if (!error)
		error = json_obj(in, "Error");
	if (r->status / 100 == 2 && root && !error)
		json_object_set(out, "body", in);
	else if (error)
		put_refusal(out, json_str(error, "Code", ""), json_str(error, "Message", ""));
	else
		put_refusal(out, "", r->status / 100 == 2 ? e.text : "");
	json_decref(root);
}

static void read_json(json_t *out, const struct provider_http_reply *r)
{
	struct err e = {0};
	json_t *root = json_parse(r->body_len ? r->body : "{}", r->body_len ? r->body_len : 2, &e);
	const char *type = header(r, "x-amzn-errortype");
	if (r->status / 100 == 2 && root)
		json_object_set(out, "body", root);
	else
		put_refusal(out, type ? type : json_str(root, "__type", ""), json_str(root, "message", json_str(root, "Message", root ? "" : e.text)));
	json_decref(root);
}

/* Lists are long: whoever asked reads their XML. Of a HEAD there are headers alone. */
static void read_s3(json_t *out, const struct provider_http_reply *r)
{
	static const struct {
		const char *header, *name;
	} kept[] = {{"x-amz-bucket-region", "region"}, {"etag", "etag"}, {"content-length", "length"}};
	struct err e = {0};
	json_t *root = r->status / 100 == 2 || !r->body_len ? NULL : xml_json(r->body, r->body_len, &e), *error = json_obj(root, "Error");
	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		json_object_set_new(out, kept[i].name, json_foreign(header(r, kept[i].header)));
	if (r->status / 100 == 2)
		json_object_set_new(out, "body", json_foreign(r->body));
	else
		put_refusal(out, json_str(error, "Code", ""), json_str(error, "Message", ""));
	json_decref(root);
}

/* One answer as the rest of this provider sees it; kind: null, text; "s3"; true, JSON; else XML. New reference. */
static json_t *read_answer(const struct provider_http_reply *r, const json_t *kind)
{
	json_t *out = json_object();
	if (r->code) {
		json_put_str(out, "lost", err_info(r->code)->name);
		json_object_set_new(out, "message", json_foreign(r->err_text ? r->err_text : ""));
		return out;
	}
	json_put_int(out, "status", r->status);
	if (json_is_null(kind)) {
		json_object_set_new(out, "body", json_foreign(r->body));
		if (header(r, "content-range"))
			json_object_set_new(out, "range", json_foreign(header(r, "content-range")));
	} else if (json_is_string(kind)) {
		read_s3(out, r);
	} else if (json_is_true(kind)) {
		read_json(out, r);
	} else {
		read_xml(out, r);
	}
	return out;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" in ms; 0. */
static int64_t http_date(const char *text)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	const char *comma = text ? strchr(text, ',') : NULL;
	char buf[24];
	if (!comma || strlen(comma) < 22)
		return 0;
	char name[4] = {comma[5], comma[6], comma[7], '\0'};
	const char *m = strstr(months, name);
	if (!m)
		return 0;
	snprintf(buf, sizeof buf, "%.4s-%02d-%.2sT%.8sZ", comma + 9, (int)(m - months) / 3 + 1, comma + 2, comma + 14);
	int64_t at;
	return time_parse(buf, &at) ? at : 0;
}

/* Our clock is wrong: from now on it is put right by theirs. */
static bool learn_time(struct aws *t, const struct provider_http_reply *r, const json_t *answer)
{
	const char *message = json_str(answer, "message", "");
	bool skewed = aws_is(answer, "RequestTimeTooSkewed") || aws_is(answer, "RequestInTheFuture") || strstr(message, "Signature expired") ||
		      strstr(message, "Signature not yet current");
	int64_t theirs = skewed ? http_date(header(r, "date")) : 0;
	if (theirs)
		json_put_int(t->memory, "skew_ms", theirs - wall_now_ms());
	return theirs != 0;
}

/* Keys that were kept have ended before their time: new ones are fetched. */
static bool drop_keys(struct aws *t, const json_t *answer)
{
	const char *cached = json_str(t->c->scratch, "cached", NULL), *key;
	if (!cached || !(aws_is(answer, "ExpiredToken") || aws_is(answer, "ExpiredTokenException") || aws_is(answer, "RequestExpired")))
		return false;
	json_object_del(json_object_get(t->memory, "keys"), cached);
	json_t *v;
	void *next;
	json_object_foreach_safe(t->got, next, key, v)
		if (str_starts(key, "login"))
			json_object_del(t->got, key);
	return true;
}

/* EC2 and STS say so with a status that is no 429 or 503. */
static bool ask_later(struct aws *t, const json_t *answer)
{
	int64_t tries = json_int(t->c->scratch, "too_often", 0), pause = FIRST_PAUSE_MS << tries;
	if (aws_code(answer) != ERR_THROTTLED || tries >= TOO_OFTEN_TRIES)
		return false;
	if (json_int(t->c->scratch, "pause", 0) < pause / 2)
		aws_pause(t, pause / 2 + wall_now_ms() % (pause / 2 + 1));
	return true;
}

/* An answer after which the same is asked again stays open: each reason counts once in a call, but for being asked too often. */
static void take_http(struct aws *t, const struct provider_reply *r, json_t *list)
{
	json_t *s = t->c->scratch;
	const json_t *where = json_object_get(s, "slots"), *kind = json_object_get(s, "json");
	bool may_learn = !json_bool(s, "skewed", false), may_drop = !json_bool(s, "renewed", false), later = false;
	for (size_t i = 0; i < r->n_http; i++) {
		json_t *answer = read_answer(&r->http[i], kind);
		bool ours = !json_is_null(kind), wait = ours && ask_later(t, answer), learned = ours && may_learn && learn_time(t, &r->http[i], answer),
		     dropped = ours && may_drop && drop_keys(t, answer);
		later = later || wait;
		if (learned)
			json_put_bool(s, "skewed", true);
		if (dropped)
			json_put_bool(s, "renewed", true);
		if (wait || learned || dropped)
			json_decref(answer);
		else
			json_array_set_new(list, (size_t)json_integer_value(json_array_get(where, i)), answer);
	}
	if (later)
		json_put_int(s, "too_often", json_int(s, "too_often", 0) + 1);
}

/* What the last step asked for. */
static void take(struct aws *t, const struct provider_reply *r)
{
	const char *key = json_str(t->c->scratch, "asked", NULL);
	if (!key) /* the empty answer after a part */
		return;
	switch (t->c->request.kind) {
	case PROVIDER_HTTP:
		take_http(t, r, json_object_get(t->got, key));
		return;
	case PROVIDER_READ: {
		json_t *texts = json_array();
		const char *why = NULL; /* the first that is there and cannot be read */
		for (size_t i = 0; i < r->n_files; i++) {
			const struct provider_file *f = &r->files[i];
			json_array_append_new(texts, json_foreign(f->text));
			if (!f->text && f->err_text && *f->err_text && !strstr(f->err_text, "No such file") && !why)
				why = f->err_text;
		}
		json_object_set_new(t->got, key, texts);
		json_object_set_new(t->got, arena_printf(t->a, "%s unread", key), json_foreign(why));
		return;
	}
	case PROVIDER_EXEC:
		json_object_set_new(t->got, key, json_pack("{s:i, s:o, s:o}", "status", r->status, "out", json_foreign(r->body ? r->body : ""), "complaint",
		    json_foreign(r->complaint ? r->complaint : "")));
		return;
	case PROVIDER_SSH:
		return;
	}
}

/* ---- the provider --------------------------------------------------------------------------------------------------- */

static enum provider_step (*const verbs[PROVIDER_VERBS])(struct aws *t) = {
    [PROVIDER_CHECK] = aws_check,
    [PROVIDER_OFFERS] = aws_offers,
    [PROVIDER_CREATE] = aws_create,
    [PROVIDER_QUERY] = aws_query,
    [PROVIDER_START] = aws_start_or_stop,
    [PROVIDER_STOP] = aws_start_or_stop,
    [PROVIDER_TERMINATE] = aws_terminate,
    [PROVIDER_QUOTA] = aws_quota,
    [PROVIDER_OBJECTS] = aws_objects,
};

static json_t *member(json_t *obj, const char *key)
{
	json_t *v = json_object_get(obj, key);
	if (!v)
		json_object_set_new(obj, key, v = json_object());
	return v;
}

static enum provider_step step(struct provider_call *c, const struct provider_reply *reply, struct err *err)
{
	struct aws t = {.c = c, .a = c->arena, .err = err};
	if (!c->scratch)
		c->scratch = json_object();
	t.got = member(c->scratch, "got");
	t.memory = c->env->memory ? c->env->memory : member(c->scratch, "memory");
	if (reply)
		take(&t, reply);
	json_put_str(c->scratch, "asked", NULL);
	return verbs[c->verb](&t);
}

static const char *const stores[] = {"s3://*", "r2://*", "nebius://*", NULL};

extern const struct provider provider_aws;
const struct provider provider_aws = {
    .name = "aws",
    .title = "AWS",
    .can = PROVIDER_CAN_STOP | PROVIDER_CAN_SPOT | PROVIDER_CAN_MULTI_NODE | PROVIDER_CAN_PORTS | PROVIDER_CAN_IMAGES | PROVIDER_CAN_DISK_TIERS |
	   PROVIDER_CAN_SPOT_CAP | PROVIDER_CAN_OPEN_PORTS,
    .more_quota = "of AWS in the console, Service Quotas, Amazon EC2 (or: aws service-quotas request-service-quota-increase)",
    .credentials = "AWS_ACCESS_KEY_ID, ~/.aws/credentials, ~/.aws/config (aws configure, aws configure sso)",
    .max_name_len = 200,
    .stores = stores,
    .step = step,
};
