/* S3: what a URI names, and links to it. API: docs.aws.amazon.com/AmazonS3/latest/API (HeadBucket, HeadObject, ListObjectsV2), links are presigned
 * requests (…/userguide/using-presigned-url.html): whoever has one may read that object for an hour, and nothing else.
 *
 * A bucket is asked in its own region, which any answer about it tells, also one that refuses. Who has no keys asks without: public buckets
 * answer. Names come percent-encoded, since XML cannot hold all of them. */
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "providers/aws/aws.h"
#include "providers/common/objects.h"
#include "providers/common/xml.h"

enum { PAGE = 1000 };

struct s3 {
	struct aws *t;
	const char *uri, *base; /* base: of a stand-in, or of another store of that protocol; NULL */
	struct objects_uri at;
	const char *region;
	bool anonymous;
	const char *no_keys; /* why */
	struct aws_store store;
};

/* ---- URLs ----------------------------------------------------------------------------------------------------------- */

/* A name with dots has no certificate of its own as a host. */
static const char *bucket_url(struct s3 *s, const char *region)
{
	struct arena *a = s->t->a;
	const char *domain = str_starts(region, "cn-") ? "amazonaws.com.cn" : "amazonaws.com";
	if (s->base)
		return arena_printf(a, "%s/%s", s->base, s->at.bucket);
	bool plain = !strpbrk(s->at.bucket, "._ABCDEFGHIJKLMNOPQRSTUVWXYZ");
	return plain ? arena_printf(a, "https://%s.s3.%s.%s", s->at.bucket, region, domain) : arena_printf(a, "https://s3.%s.%s/%s", region, domain, s->at.bucket);
}

static const char *object_url(struct s3 *s, const char *key)
{
	struct str u = str_new(8192);
	str_addf(&u, "%s/", bucket_url(s, s->region));
	sigv4_encode(&u, key, strlen(key), false);
	const char *url = arena_strdup(s->t->a, str_text(&u));
	str_free(&u);
	return url;
}

static const char *list_url(struct s3 *s, const char *prefix, int max, const char *token)
{
	struct str q = str_new(16384);
	char count[12];
	snprintf(count, sizeof count, "%d", max);
	sigv4_query(&q, "list-type", "2");
	sigv4_query(&q, "encoding-type", "url");
	sigv4_query(&q, "max-keys", count);
	sigv4_query(&q, "prefix", prefix);
	if (token)
		sigv4_query(&q, "continuation-token", token);
	const char *url = arena_printf(s->t->a, "%s%s?%s", bucket_url(s, s->region), s->base ? "" : "/", str_text(&q));
	str_free(&q);
	return url;
}

static struct sigv4_request request_of(const struct s3 *s, const char *method, const char *url)
{
	return (struct sigv4_request){.method = method, .url = url, .region = s->region, .service = "s3", .at_ms = aws_now_ms(s->t), .s3 = true};
}

/* *answer: as aws_s3 keeps it. */
static enum provider_step ask(struct s3 *s, const char *key, const char *method, const char *url, bool bare, const json_t **answer)
{
	struct provider_http http = {.method = method, .url = url, .lane = s->at.bucket};
	struct sigv4_request r = request_of(s, method, url);
	const json_t *answers;
	if (!bare && !s->anonymous && !(http.headers = sigv4_sign(s->t->a, &s->t->login.keys, &r, s->t->err)))
		return PROVIDER_FAILED;
	AWS_TRY(aws_s3(s->t, key, &http, 1, &answers));
	*answer = json_array_get(answers, 0);
	return PROVIDER_DONE;
}

/* ---- who, and where -------------------------------------------------------------------------------------------------- */

static enum provider_step find_keys(struct s3 *s)
{
	enum provider_step step = aws_login(s->t);
	if (step != PROVIDER_FAILED || s->t->err->code != ERR_CREDENTIALS)
		return step;
	s->anonymous = true;
	s->no_keys = arena_strdup(s->t->a, s->t->err->text);
	*s->t->err = (struct err){.code = ERR_NONE};
	return PROVIDER_DONE;
}

static enum provider_step no_bucket(struct s3 *s)
{
	return aws_failed(s->t, ERR_NOT_FOUND, ERR_SCOPE_TASK, arena_printf(s->t->a, "%s: there is no bucket %s", s->uri, s->at.bucket));
}

static enum provider_step find_region(struct s3 *s)
{
	const char *home = s->t->login.region ? s->t->login.region : "us-east-1", *found;
	json_t *known = json_object_get(s->t->memory, "buckets");
	if (!known)
		json_object_set_new(s->t->memory, "buckets", known = json_object());
	s->region = s->base ? home : json_str(known, s->at.bucket, NULL);
	if (s->region)
		return PROVIDER_DONE;
	const json_t *answer;
	AWS_TRY(ask(s, "bucket", "HEAD", bucket_url(s, str_starts(home, "cn-") ? home : "us-east-1"), true, &answer));
	found = json_str(answer, "region", NULL);
	if (json_str(answer, "lost", NULL))
		return aws_refused(s->t, answer, s->uri);
	if (!found && json_int(answer, "status", 0) == 404)
		return no_bucket(s);
	s->region = found ? arena_strdup(s->t->a, found) : home;
	json_put_str(known, s->at.bucket, s->region);
	return PROVIDER_DONE;
}

/* An answer that is none. */
static enum provider_step refused(struct s3 *s, const json_t *answer)
{
	bool denied = json_int(answer, "status", 0) == 403 || json_int(answer, "status", 0) == 401;
	if (aws_is(answer, "NoSuchBucket"))
		return no_bucket(s);
	if (denied && s->anonymous)
		return aws_failed(s->t, ERR_CREDENTIALS, ERR_SCOPE_TASK, arena_printf(s->t->a, "%s is not public, and there are %s", s->uri, s->no_keys));
	if (s->store.title) {
		err_set(s->t->err, aws_code(answer), "%s (asked with the keys in %s): %s says %s (HTTP status %d)", s->uri, s->t->login.source, s->store.title,
		    json_str(answer, "code", "no"), (int)json_int(answer, "status", 0));
		err_set_scope(s->t->err, ERR_SCOPE_TASK);
		return PROVIDER_FAILED;
	}
	const char *what = s->anonymous ? s->uri : arena_printf(s->t->a, "%s (asked with %s)", s->uri, s->t->login.source);
	enum provider_step step = aws_refused(s->t, answer, what);
	err_set_scope(s->t->err, ERR_SCOPE_TASK);
	return step;
}

/* ---- listing ---------------------------------------------------------------------------------------------------------- */

static char *decoded(const char *text)
{
	char *out = xstrdup(text), *w = out;
	for (const char *p = text; *p; p++) {
		unsigned v;
		if (*p == '%' && strspn(p + 1, "0123456789abcdefABCDEF") >= 2 && sscanf(p + 1, "%2x", &v) == 1) {
			*w++ = (char)v;
			p += 2;
		} else {
			*w++ = *p == '+' ? ' ' : *p;
		}
	}
	*w = '\0';
	return out;
}

/* "abc" without its quotes, as it stands in XML; NULL: none. */
static const char *etag_of(struct arena *a, const char *text)
{
	size_t n = text ? strlen(text) : 0;
	return n > 2 && text[0] == '"' ? arena_strndup(a, text + 1, n - 2) : n ? arena_strdup(a, text) : NULL;
}

static int take_object(struct s3 *s, const json_t *item, json_t *objects)
{
	char *key = decoded(json_str(item, "Key", ""));
	int64_t size = 0;
	size_t n = strlen(s->at.prefix);
	int rc = 0;
	if (strncmp(key, s->at.prefix, n) || !num_int(json_str(item, "Size", ""), 0, INT64_MAX, &size))
		rc = err_set(s->t->err, ERR_PROTOCOL, "%s: the list has an entry that is none", s->uri);
	else if (key[n] || !n) /* the folder itself is no object in it */
		json_array_append_new(objects, objects_entry(key + n, size, etag_of(s->t->a, json_str(item, "ETag", NULL)), str_ends(key, "/")));
	free(key);
	return rc;
}

/* The answer as XML: the content of its root. NULL: PROTOCOL. *root is to be decref'd. */
static const json_t *list_of(struct s3 *s, const json_t *answer, json_t **root)
{
	const char *text = json_str(answer, "body", "");
	*root = xml_json(text, strlen(text), s->t->err);
	const json_t *list = json_obj(*root, "ListBucketResult");
	if (!list)
		err_set(s->t->err, ERR_PROTOCOL, "%s: what answers there is no S3", s->uri);
	return list;
}

/* 1: the URI is an object's own; 0: it is not; −1. Of all keys that begin so, it would be the first. */
static int names_one(struct s3 *s, const json_t *answer, json_t **entry)
{
	json_t *root, *one = NULL;
	const json_t *list = list_of(s, answer, &root), *first = list ? json_array_get(objects_list(list, "Contents", &one), 0) : NULL;
	char *key = decoded(json_str(first, "Key", ""));
	int64_t size = 0;
	int rc = list ? 0 : -1;
	if (first && !strcmp(key, s->at.key) && num_int(json_str(first, "Size", ""), 0, INT64_MAX, &size)) {
		*entry = objects_entry("", size, etag_of(s->t->a, json_str(first, "ETag", NULL)), false);
		rc = 1;
	}
	free(key);
	json_decref(one);
	json_decref(root);
	return rc;
}

static enum provider_step done(struct s3 *s, bool single)
{
	json_t *j = json_pack("{s:b, s:s, s:b}", "single", single, "region", s->region, "public", s->anonymous);
	json_put_str(j, "as", s->anonymous ? NULL : s->t->login.source);
	json_put_bool(j, "other", s->base != NULL);
	return aws_done(s->t, j);
}

static enum provider_step give(struct s3 *s, json_t *objects)
{
	s->t->c->result = json_pack("{s:o}", "objects", objects);
	return PROVIDER_PART;
}

/* Who may read but not list can still name an object. */
static enum provider_step look_at_one(struct s3 *s, const json_t *refusal, json_t **entry)
{
	const json_t *answer;
	int64_t size;
	AWS_TRY(ask(s, "head", "HEAD", object_url(s, s->at.key), false, &answer));
	if (json_int(answer, "status", 0) != 200 || !num_int(json_str(answer, "length", ""), 0, INT64_MAX, &size))
		return refused(s, refusal);
	*entry = objects_entry("", size, etag_of(s->t->a, json_str(answer, "etag", NULL)), false);
	return PROVIDER_DONE;
}

/* DONE with *entry NULL: it is no single object. */
static enum provider_step find_one(struct s3 *s, json_t **entry)
{
	const json_t *answer;
	*entry = NULL;
	if (!objects_may_be_one(&s->at))
		return PROVIDER_DONE;
	AWS_TRY(ask(s, "first", "GET", list_url(s, s->at.key, 1, NULL), false, &answer));
	if (aws_is(answer, "AccessDenied"))
		return look_at_one(s, answer, entry);
	if (!aws_ok(answer))
		return refused(s, answer);
	return names_one(s, answer, entry) < 0 ? PROVIDER_FAILED : PROVIDER_DONE;
}

static enum provider_step next_page(struct s3 *s)
{
	struct aws *t = s->t;
	json_t *state = t->c->scratch, *root, *one = NULL, *item, *objects = json_array();
	const json_t *answer;
	const char *token = json_str(state, "token", NULL);
	size_t i;
	enum provider_step step = ask(s, "page", "GET", list_url(s, s->at.prefix, PAGE, token), false, &answer);
	if (step == PROVIDER_DONE && !aws_ok(answer))
		step = refused(s, answer);
	if (step != PROVIDER_DONE) {
		json_decref(objects);
		return step;
	}
	const json_t *list = list_of(s, answer, &root), *contents = objects_list(list, "Contents", &one);
	int rc = list ? 0 : -1;
	json_array_foreach(contents, i, item)
		rc = rc || take_object(s, item, objects) ? -1 : 0;
	bool more = str_eq(json_str(list, "IsTruncated", NULL), "true") && json_str(list, "NextContinuationToken", NULL);
	json_put_str(state, "token", more ? json_str(list, "NextContinuationToken", NULL) : NULL);
	json_put_bool(state, "whole", !more);
	json_object_del(t->got, "page");
	json_decref(one);
	json_decref(root);
	if (!rc)
		return give(s, objects);
	json_decref(objects);
	return PROVIDER_FAILED;
}

static enum provider_step list(struct s3 *s)
{
	json_t *state = s->t->c->scratch, *entry;
	if (json_bool(state, "whole", false))
		return done(s, json_bool(state, "single", false));
	if (json_object_get(state, "token")) /* in the middle */
		return next_page(s);
	AWS_TRY(find_one(s, &entry));
	if (!entry)
		return next_page(s);
	json_put_bool(state, "whole", true);
	json_put_bool(state, "single", true);
	return give(s, json_pack("[o]", entry));
}

/* ---- links ------------------------------------------------------------------------------------------------------------ */

static enum provider_step link(struct s3 *s, const json_t *names)
{
	json_t *links = json_array(), *name;
	size_t i;
	json_array_foreach(names, i, name) {
		const char *url = object_url(s, objects_key(s->t->a, &s->at, json_string_value(name) ? json_string_value(name) : ""));
		struct sigv4_request r = request_of(s, "GET", url);
		if (!s->anonymous && !(url = sigv4_presign(s->t->a, &s->t->login.keys, &r, PROVIDER_LINK_S, s->t->err))) {
			json_decref(links);
			return PROVIDER_FAILED;
		}
		json_array_append_new(links, json_pack("{s:s, s:n}", "url", url, "header"));
	}
	return aws_done(s->t, json_pack("{s:o}", "links", links));
}

enum provider_step aws_objects(struct aws *t)
{
	struct s3 s = {.t = t, .uri = json_str(t->c->args, "uri", "")};
	const json_t *names = json_arr(t->c->args, "names");
	if (objects_uri(t->a, s.uri, &s.at, t->err))
		return PROVIDER_FAILED;
	AWS_TRY(aws_other_store(t, s.uri, &s.store));
	s.base = s.store.base;
	if (!s.base)
		AWS_TRY(aws_endpoint_of(t, "AWS_ENDPOINT_URL_S3", &s.base));
	s.anonymous = !s.store.title && names && json_bool(t->c->args, "public", false);
	if (!s.store.title && !s.anonymous)
		AWS_TRY(find_keys(&s));
	AWS_TRY(find_region(&s));
	return names ? link(&s, names) : list(&s);
}
