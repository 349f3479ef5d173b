/* Cloud Storage: what a URI (gs://bucket/prefix) names, and links to it. API: cloud.google.com/storage/docs/json_api/v1 (objects.list, objects.get).
 *
 * What nodes get is our token cut down (cloud.google.com/iam/docs/create-downscoped-short-lived-credentials, "credential access boundary"): it reads objects of
 * that bucket whose names begin so, and nothing else, for as long as ours would have been good. Buckets must have uniform access for that, as new ones
 * have. Who has no credentials asks without: public buckets answer. A link names the generation of its object, so that another one is no answer. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "providers/common/objects.h"
#include "providers/common/sigv4.h"
#include "providers/gcp/gcp_priv.h"

enum { PAGE = 1000, CUT_KEPT_MS = 5 * 60000 };

struct gcs {
	struct gcp *g;
	struct arena *a;
	const char *uri;
	struct objects_uri at;
	bool anonymous;
	const char *no_token; /* why */
};

static const char *storage(struct gcs *s, const char *path)
{
	return arena_printf(s->a, "%s/storage/v1/b/%s%s", s->g->base ? s->g->base : "https://storage.googleapis.com", s->at.bucket, path);
}

static const char *object_path(struct gcs *s, const char *key, const char *generation)
{
	struct str p = str_new(8192);
	str_add(&p, "/o/");
	sigv4_encode(&p, key, strlen(key), true);
	str_addf(&p, "?alt=media%s%s", generation ? "&generation=" : "", generation ? generation : "");
	const char *path = arena_strdup(s->a, str_text(&p));
	str_free(&p);
	return path;
}

static const char *list_url(struct gcs *s, const char *prefix, int max, const char *token)
{
	const char *more = token ? arena_printf(s->a, "&pageToken=%s", talk_quote(s->a, token)) : "";
	return storage(s, arena_printf(s->a, "/o?fields=nextPageToken%%2Citems(name%%2Csize%%2Cgeneration)&maxResults=%d&prefix=%s%s", max,
	    talk_quote(s->a, prefix), more));
}

static const json_t *ask(struct gcs *s, const char *key, const char *url)
{
	return gcp_ask(s->g, key, &(struct gcp_ask){.url = url, .lane = s->at.bucket, .bare = s->anonymous});
}

/* ---- who ---------------------------------------------------------------------------------------------------------------- */

static int find_token(struct gcs *s)
{
	int r = gcp_auth(s->g);
	if (r >= 0 || s->g->err->code != ERR_CREDENTIALS)
		return r;
	s->anonymous = true;
	s->no_token = arena_strdup(s->a, s->g->err->text);
	*s->g->err = (struct err){.code = ERR_NONE};
	return 1;
}

/* A text in an expression of Google's conditions. */
static const char *quoted(struct arena *a, const char *text)
{
	struct str q = str_new(8192);
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			str_addc(&q, '\\');
		str_addc(&q, *text);
	}
	const char *out = arena_strdup(a, str_text(&q));
	str_free(&q);
	return out;
}

static const char *boundary(struct gcs *s)
{
	const char *resource = arena_printf(s->a, "//storage.googleapis.com/projects/_/buckets/%s", s->at.bucket);
	const char *expression = arena_printf(s->a, "resource.name.startsWith('projects/_/buckets/%s/objects/%s')", s->at.bucket, quoted(s->a, s->at.key));
	json_t *j = json_pack("{s:{s:[{s:s, s:[s], s:{s:s}}]}}", "accessBoundary", "accessBoundaryRules", "availableResource", resource, "availablePermissions",
	    "inRole:roles/storage.objectViewer", "availabilityCondition", "expression", expression);
	char *text = json_text(j);
	const char *out = arena_strdup(s->a, text);
	free(text);
	json_decref(j);
	return out;
}

/* 1 with *token, 0, −1. */
static int cut_down(struct gcs *s, const char **token)
{
	struct gcp *g = s->g;
	json_t *kept = talk_memory(&g->talk, "cut_down");
	const char *limits = boundary(s), *mark = name_hash(s->a, arena_printf(s->a, "%s %s", g->token, limits));
	const json_t *k = json_obj(kept, mark);
	if (json_int(k, "until", 0) > g->c->env->now_ms) {
		*token = arena_strdup(s->a, json_str(k, "text", ""));
		return 1;
	}
	const char *pairs[] = {"grant_type", "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token_type", "urn:ietf:params:oauth:token-type:access_token",
	    "requested_token_type", "urn:ietf:params:oauth:token-type:access_token", "subject_token", g->token, "options", limits, NULL, NULL};
	const char *url = g->base ? arena_printf(s->a, "%s/v1/token", g->base) : "https://sts.googleapis.com/v1/token";
	const json_t *a = gcp_ask(g, "cut", &(struct gcp_ask){.method = "POST", .url = url, .form = talk_form(s->a, pairs), .bare = true});
	if (!a)
		return 0;
	if (gcp_answer_error(a, arena_printf(s->a, "%s: asking Google for a token that reads that alone, for %s", s->uri, g->identity), false, g->err))
		return -1;
	const char *text = json_str(json_obj(a, "body"), "access_token", "");
	if (!*text || strpbrk(text, "\r\n\"\\ "))
		return err_set(g->err, ERR_PROTOCOL, "%s: Google gave no token that reads that alone", s->uri);
	json_object_clear(kept); /* others have ended, or will */
	json_object_set_new(kept, mark, json_pack("{s:s, s:I}", "text", text, "until", (json_int_t)(g->c->env->now_ms + CUT_KEPT_MS)));
	*token = arena_strdup(s->a, text);
	return 1;
}

/* ---- listing ------------------------------------------------------------------------------------------------------------ */

/* −1 with err. */
static int refused(struct gcs *s, const json_t *answer)
{
	struct err *err = s->g->err;
	int status = talk_status(answer);
	if (s->anonymous && (status == 401 || status == 403))
		err_set(err, ERR_CREDENTIALS, "%s is not public, and there are %s", s->uri, s->no_token);
	else if (status == 404)
		err_set(err, ERR_NOT_FOUND, "%s: there is no bucket %s", s->uri, s->at.bucket);
	else
		gcp_answer_error(answer, s->anonymous ? s->uri : arena_printf(s->a, "%s (asked as %s)", s->uri, s->g->identity), false, err);
	return err_set_scope(err, ERR_SCOPE_TASK);
}

/* NULL: PROTOCOL. "W/": it is known again by it, but not asked for by it as an etag. */
static json_t *entry_of(struct gcs *s, const json_t *item, const char *name)
{
	int64_t size;
	const char *generation = json_str(item, "generation", NULL);
	if (!num_int(json_str(item, "size", ""), 0, INT64_MAX, &size)) {
		err_set(s->g->err, ERR_PROTOCOL, "%s: the list has an entry that is none", s->uri);
		return NULL;
	}
	return objects_entry(name, size, generation ? arena_printf(s->a, "W/%s", generation) : NULL, str_ends(name, "/"));
}

/* 1 with *entry (NULL: the URI is no single object), 0, −1. */
static int find_one(struct gcs *s, json_t **entry)
{
	*entry = NULL;
	if (!objects_may_be_one(&s->at))
		return 1;
	const json_t *a = ask(s, "first", list_url(s, s->at.key, 1, NULL)), *first;
	if (!a)
		return 0;
	if (talk_status(a) != 200)
		return refused(s, a);
	first = json_array_get(json_arr(json_obj(a, "body"), "items"), 0);
	if (!str_eq(json_str(first, "name", NULL), s->at.key))
		return 1;
	*entry = entry_of(s, first, "");
	return *entry ? 1 : -1;
}

static int take_page(struct gcs *s, const json_t *answer, json_t *objects)
{
	size_t i, n = strlen(s->at.prefix);
	json_t *item;
	if (talk_status(answer) != 200)
		return refused(s, answer);
	json_array_foreach(json_arr(json_obj(answer, "body"), "items"), i, item) {
		const char *name = json_str(item, "name", "");
		if (strncmp(name, s->at.prefix, n) != 0 || (n && !name[n]))
			continue;
		json_t *entry = entry_of(s, item, name + n);
		if (!entry)
			return -1;
		json_array_append_new(objects, entry);
	}
	return 0;
}

static enum provider_step part(struct gcs *s, json_t *objects)
{
	s->g->c->result = json_pack("{s:o}", "objects", objects);
	return PROVIDER_PART;
}

static enum provider_step next_page(struct gcs *s, json_t *state)
{
	const json_t *a = ask(s, "page", list_url(s, s->at.prefix, PAGE, json_str(state, "token", NULL)));
	if (!a)
		return talk_send(&s->g->talk);
	json_t *objects = json_array();
	if (take_page(s, a, objects)) {
		json_decref(objects);
		return PROVIDER_FAILED;
	}
	const char *next = json_str(json_obj(a, "body"), "nextPageToken", NULL);
	json_put_bool(state, "begun", true);
	json_put_bool(state, "whole", !next);
	json_put_str(state, "token", next);
	talk_forget(&s->g->talk, "page");
	return part(s, objects);
}

static enum provider_step list(struct gcs *s)
{
	json_t *state = talk_part(&s->g->talk, "objects"), *entry;
	if (json_bool(state, "whole", false)) {
		json_t *j = json_pack("{s:b, s:n, s:b}", "single", json_bool(state, "single", false), "region", "public", s->anonymous);
		json_put_str(j, "as", s->anonymous ? NULL : s->g->identity);
		return talk_done(&s->g->talk, j);
	}
	if (json_bool(state, "begun", false))
		return next_page(s, state);
	int r = find_one(s, &entry);
	if (r <= 0)
		return r ? PROVIDER_FAILED : talk_send(&s->g->talk);
	if (!entry)
		return next_page(s, state);
	json_put_bool(state, "whole", true);
	json_put_bool(state, "single", true);
	return part(s, json_pack("[o]", entry));
}

/* ---- links -------------------------------------------------------------------------------------------------------------- */

static enum provider_step link(struct gcs *s, const json_t *names)
{
	const json_t *etags = json_arr(s->g->c->args, "etags");
	json_t *links, *name;
	const char *token = NULL, *header;
	size_t i;
	int r = s->anonymous ? 1 : cut_down(s, &token);
	if (r <= 0)
		return r ? PROVIDER_FAILED : talk_send(&s->g->talk);
	header = token ? arena_printf(s->a, "Authorization: Bearer %s", token) : NULL;
	links = json_array();
	json_array_foreach(names, i, name) {
		const char *etag = json_string_value(json_array_get(etags, i)), *generation = etag && str_starts(etag, "W/") ? etag + 2 : NULL;
		const char *key = objects_key(s->a, &s->at, json_string_value(name) ? json_string_value(name) : "");
		if (generation && generation[strspn(generation, "0123456789")])
			generation = NULL;
		json_t *l = json_pack("{s:s, s:b}", "url", storage(s, object_path(s, key, generation)), "stored", 1);
		json_put_str(l, "header", header);
		json_array_append_new(links, l);
	}
	return talk_done(&s->g->talk, json_pack("{s:o}", "links", links));
}

enum provider_step gcp_objects(struct gcp *g)
{
	struct gcs s = {.g = g, .a = g->c->arena, .uri = json_str(g->c->args, "uri", "")};
	const json_t *names = json_arr(g->c->args, "names");
	int r = 1;
	if (talk_endpoint(&g->talk, "SKYTOP_GCP_ENDPOINT", &g->base) || objects_uri(s.a, s.uri, &s.at, g->err))
		return PROVIDER_FAILED;
	if (names && json_bool(g->c->args, "public", false))
		s.anonymous = true;
	else
		r = find_token(&s);
	if (r <= 0)
		return r ? PROVIDER_FAILED : talk_send(&g->talk);
	return names ? link(&s, names) : list(&s);
}
