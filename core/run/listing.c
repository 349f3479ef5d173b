/* A URI finds its provider by the patterns of its stores, whether machines may be had there or not. Lists come in parts, and begin anew when a call does;
 * what names nothing is an error. */
#include "core/run/listing.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/redact.h"
#include "core/base/str.h"
#include "core/run/mounts.h"
#include "core/run/web_source.h"

static const struct provider *store_of(struct engine *e, const char *uri)
{
	for (const struct provider *const *p = e->setup.providers; p && *p; p++)
		for (const char *const *s = (*p)->stores; s && *s; s++)
			if (str_glob(*s, uri))
				return *p;
	for (const char *const *s = web_source.stores; *s; s++)
		if (str_glob(*s, uri))
			return &web_source;
	return NULL;
}

int listing_check(struct engine *e, const struct task *t, struct err *err)
{
	json_t *list = mounts_remote(t), *item;
	size_t i;
	int rc = 0;
	json_array_foreach(list, i, item) {
		const char *uri = json_str(item, "uri", "");
		if (!rc && !store_of(e, uri))
			rc = err_set(err, ERR_UNSUPPORTED, "file_mounts: %s: nobody here reads from such a store: what can be copied is s3://, gs://, r2://, nebius://, "
			    "https://ACCOUNT.blob.core.windows.net/ and other https://", uri);
	}
	json_decref(list);
	return rc;
}

static void ask(struct listing *l);

static void finish_later(void *arg)
{
	struct listing *l = arg;
	l->timer = 0;
	l->fn(l->arg, l->err.code ? &l->err : NULL);
}

static void finish(struct listing *l)
{
	call_cancel(l->call);
	l->call = NULL;
	if (!l->timer)
		l->timer = loop_after(l->engine->loop, 0, finish_later, l);
}

static void on_part(void *arg, const json_t *part)
{
	struct listing *l = arg;
	struct source *s = &l->v[l->at];
	if (l->err.code)
		return;
	if (!part) {
		objects_destroy(s->objects);
		s->objects = objects_create();
	} else if (objects_take(s->objects, part, &l->err)) {
		err_wrap(&l->err, "%s", s->shown);
		l->timer = loop_after(l->engine->loop, 0, finish_later, l); /* the call is dropped with us: here it is still at work */
	} else if (l->told) {
		l->told(l->arg, s);
	}
}

static void arrange(struct source *s, const json_t *result, struct err *err)
{
	const char *path = json_str(s->item, "path", "");
	s->single = json_bool(result, "single", false);
	s->is_public = json_bool(result, "public", false);
	s->other = json_bool(result, "other", false);
	s->region = xstrdup(json_str(result, "region", NULL));
	if (s->single)
		mounts_put_file(s->item, path);
	else
		json_put_str(s->item, "root", path);
	if (objects_arrange(s->objects, s->single, json_str(s->item, "name", ""), err)) {
		err_wrap(err, "%s", s->shown);
		return;
	}
	objects_id(s->objects, s->id);
	if (!s->objects->n && s->objects->n_folders <= 1)
		err_set(err, ERR_NOT_FOUND, "%s: there is nothing%s%s%s", s->shown, s->objects->left_out ? " that can be a file: " : " of that name, or below it",
		    str_text(&s->objects->left_names), s->objects->left_out > 3 ? ", …" : "");
}

static void on_answer(void *arg, const json_t *result, const struct err *err)
{
	struct listing *l = arg;
	l->call = NULL;
	if (l->err.code)
		return; /* the report is on its way */
	if (err)
		l->err = *err;
	else
		arrange(&l->v[l->at], result, &l->err);
	if (l->err.code || ++l->at == l->n)
		finish(l);
	else
		ask(l);
}

static void ask(struct listing *l)
{
	struct source *s = &l->v[l->at];
	l->call = call_start(&l->engine->calls, s->provider, PROVIDER_OBJECTS, json_pack("{s:s}", "uri", s->uri), on_answer, l);
	call_on_part(l->call, on_part);
}

struct listing *listing_start(struct engine *e, const struct task *t, void (*told)(void *arg, const struct source *s), void (*fn)(void *arg, const struct err *err),
    void *arg, struct err *err)
{
	if (listing_check(e, t, err))
		return NULL;
	json_t *list = mounts_remote(t), *item;
	size_t i;
	struct listing *l = xcalloc(1, sizeof *l);
	*l = (struct listing){.engine = e, .v = xcalloc(json_array_size(list) + 1, sizeof *l->v), .told = told, .fn = fn, .arg = arg};
	json_array_foreach(list, i, item) {
		const char *uri = json_str(item, "uri", "");
		l->v[l->n++] = (struct source){.item = json_incref(item), .uri = uri, .shown = redact_url(uri), .key = json_str(item, "key", ""),
		    .provider = store_of(e, uri), .objects = objects_create()};
	}
	json_decref(list);
	if (l->n)
		ask(l);
	else
		finish(l);
	return l;
}

void listing_destroy(struct listing *l)
{
	if (!l)
		return;
	call_cancel(l->call);
	loop_cancel(l->engine->loop, l->timer);
	for (size_t i = 0; i < l->n; i++) {
		json_decref(l->v[i].item);
		objects_destroy(l->v[i].objects);
		free(l->v[i].region);
		free(l->v[i].shown);
	}
	free(l->v);
	free(l);
}

json_t *listing_link_args(const struct source *s, const size_t *which, size_t n)
{
	json_t *names = json_array(), *etags = json_array();
	for (size_t i = 0; i < n; i++) {
		json_array_append_new(names, json_foreign(s->objects->v[which[i]].name));
		json_array_append_new(etags, json_foreign(s->objects->v[which[i]].etag));
	}
	return json_pack("{s:s, s:b, s:b, s:o, s:o}", "uri", s->uri, "single", s->single, "public", s->is_public, "names", names, "etags", etags);
}
