/* One call a provider, side by side; what it says is kept under "PROVIDER TYPE REGION MARKET". A provider that fails, or has no quotas, leaves
 * its candidates unknown, for as long: a cloud that does not answer must not hold up each plan. What is old is asked anew before it is acted
 * on; for who only looks (a dry run) it will do, with its age. */
#include "core/run/quota.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/run/run.h"

enum { KEEP_MS = 3 * 60000, WAIT_MS = 10000, ASKED_MAX = 100, KEPT_MAX = 20000, TOLD_MAX = 5 };

/* The candidates of one provider, on their way. */
struct one {
	struct quota_ask *all;
	const struct provider *p;
	struct call *call;
	json_t *candidates; /* as QUOTA takes them */
	struct one *next;
};

struct quota_ask {
	struct engine *e;
	struct one *ones;
	size_t open;
	unsigned timer;
	void (*fn)(void *arg);
	void *arg;
};

static char *key_of(const char *provider, const json_t *c)
{
	return xasprintf("%s %s %s %s", provider, json_str(c, "instance_type", ""), json_str(c, "region", ""), json_bool(c, "use_spot", false) ? "spot" : "od");
}

static json_t *kept(struct engine *e)
{
	if (!e->quotas)
		e->quotas = json_object();
	return e->quotas;
}

/* What is known of a candidate, and (unless old will do) not older than it may be; NULL. */
static const json_t *known(struct engine *e, const char *provider, const json_t *c, bool old)
{
	char *key = key_of(provider, c);
	const json_t *v = json_obj(kept(e), key);
	free(key);
	return v && (old || mono_now_ms() - json_int(v, "at", 0) < KEEP_MS) ? v : NULL;
}

void quota_forget(struct engine *e, const struct provider *p)
{
	const char *key;
	json_t *value;
	void *next;
	char *prefix = xasprintf("%s ", p->name);
	json_object_foreach_safe(kept(e), next, key, value) {
		if (str_starts(key, prefix) && json_is_integer(json_object_get(value, "room")))
			json_put_int(value, "at", mono_now_ms() - KEEP_MS);
		else if (str_starts(key, prefix))
			json_object_del(e->quotas, key);
	}
	free(prefix);
}

static void ask_free(struct quota_ask *a)
{
	loop_cancel(a->e->loop, a->timer);
	while (a->ones) {
		struct one *o = a->ones;
		a->ones = o->next;
		call_cancel(o->call);
		json_decref(o->candidates);
		free(o);
	}
	free(a);
}

void quota_cancel(struct quota_ask *a)
{
	if (a)
		ask_free(a);
}

static void finish(void *arg)
{
	struct quota_ask *a = arg;
	void (*fn)(void *) = a->fn;
	void *fn_arg = a->arg;
	a->timer = 0;
	ask_free(a);
	fn(fn_arg);
}

static void keep(struct engine *e, const struct one *o, const json_t *verdicts)
{
	size_t i;
	json_t *c;
	if (json_object_size(kept(e)) > KEPT_MAX)
		json_object_clear(e->quotas);
	json_array_foreach(o->candidates, i, c) {
		const json_t *v = json_array_get(verdicts, i);
		char *key = key_of(o->p->name, c);
		json_t *row = json_is_object(v) ? json_copy((json_t *)(uintptr_t)v) : json_object();
		json_put_int(row, "at", mono_now_ms());
		json_put_int(row, "as_of", wall_now_ms());
		json_object_set_new(kept(e), key, row);
		free(key);
	}
}

static void on_answer(void *arg, const json_t *result, const struct err *err)
{
	struct one *o = arg;
	struct quota_ask *a = o->all;
	o->call = NULL;
	keep(a->e, o, err ? NULL : json_arr(result, "verdicts"));
	if (--a->open)
		return;
	loop_cancel(a->e->loop, a->timer);
	a->timer = loop_after(a->e->loop, 0, finish, a);
}

static struct one *one_of(struct quota_ask *a, const struct provider *p)
{
	struct one *o = a->ones;
	while (o && o->p != p)
		o = o->next;
	if (o)
		return o;
	o = xcalloc(1, sizeof *o);
	*o = (struct one){.all = a, .p = p, .candidates = json_array(), .next = a->ones};
	return a->ones = o;
}

/* The list may be of one provider, and not say so. */
static bool is_in(const json_t *list, const json_t *c)
{
	const char *provider = json_str(c, "provider", "");
	size_t i;
	json_t *x;
	json_array_foreach(list, i, x)
		if (str_eq(json_str(x, "provider", provider), provider) && str_eq(json_str(x, "instance_type", ""), json_str(c, "instance_type", "")) &&
		    str_eq(json_str(x, "region", ""), json_str(c, "region", "")) && json_bool(x, "use_spot", false) == json_bool(c, "use_spot", false))
			return true;
	return false;
}

static void add(struct quota_ask *a, const json_t *c)
{
	const struct provider *p = run_provider(a->e, json_str(c, "provider", NULL));
	if (!run_is_cloud(p) || known(a->e, p->name, c, false))
		return;
	struct one *o = one_of(a, p);
	if (json_array_size(o->candidates) < ASKED_MAX && !is_in(o->candidates, c))
		json_array_append_new(o->candidates, json_pack("{s:s, s:s, s:b, s:I}", "instance_type", json_str(c, "instance_type", ""), "region",
		    json_str(c, "region", ""), "use_spot", json_bool(c, "use_spot", false), "nodes", (json_int_t)json_int(c, "num_nodes", 1)));
}

struct quota_ask *quota_ask(struct engine *e, const json_t *plan, void (*fn)(void *arg), void *arg)
{
	struct quota_ask *a = xcalloc(1, sizeof *a);
	size_t i, k;
	json_t *list, *c;
	*a = (struct quota_ask){.e = e, .fn = fn, .arg = arg};
	json_array_foreach(json_arr(plan, "candidates"), i, list)
		json_array_foreach(list, k, c)
			add(a, c);
	for (struct one *o = a->ones; o; o = o->next) {
		a->open++;
		o->call = call_start(&e->calls, o->p, PROVIDER_QUOTA, json_pack("{s:O}", "candidates", o->candidates), on_answer, o);
	}
	a->timer = loop_after(e->loop, a->open ? WAIT_MS : 0, finish, a);
	return a;
}

/* ---- what has no room -------------------------------------------------------------------------------------------- */

static json_t *mark(const struct provider *p, const json_t *v)
{
	json_t *j = json_object(), *used = json_object_get(v, "used"), *limit = json_object_get(v, "limit");
	const char *why = json_str(v, "why", NULL); /* no quota, but that it cannot be had at all */
	char *text = why ? xstrdup(why) : json_is_integer(used) ?
	    xasprintf("%s, limit %" PRId64 ", used %" PRId64, json_str(v, "name", "its quota"), json_int(v, "limit", 0),
	    (int64_t)json_integer_value(used)) : xasprintf("%s, limit %" PRId64, json_str(v, "name", "its quota"), json_int(v, "limit", 0));
	json_object_set_new(j, "name", json_foreign(json_str(v, "name", "its quota")));
	json_object_set(j, "limit", json_is_integer(limit) ? limit : json_null());
	json_object_set(j, "used", json_is_integer(used) ? used : json_null());
	json_put_int(j, "room", json_int(v, "room", 0));
	json_put_int(j, "as_of", json_int(v, "as_of", 0));
	json_object_set_new(j, "text", json_foreign(text));
	json_put_str(j, "where", p && !why ? p->more_quota : NULL);
	free(text);
	return j;
}

static json_t *block(const json_t *c)
{
	json_t *j = json_object();
	json_put_str(j, "provider", json_str(c, "provider", ""));
	json_put_str(j, "instance_type", json_str(c, "instance_type", ""));
	json_put_str(j, "region", json_str(c, "region", ""));
	json_put_bool(j, "use_spot", json_bool(c, "use_spot", false));
	json_put_str(j, "code", "quota");
	json_put_int(j, "until", 0);
	json_object_set(j, "no_quota", json_object_get(c, "no_quota"));
	return j;
}

size_t quota_block(struct engine *e, const json_t *plan, bool old, json_t *blocks)
{
	size_t i, k, before = json_array_size(blocks);
	json_t *list, *c;
	json_array_foreach(json_arr(plan, "candidates"), i, list) {
		json_array_foreach(list, k, c) {
			const char *provider = json_str(c, "provider", "");
			const json_t *v = known(e, provider, c, old), *room = json_object_get(v, "room");
			if (!json_is_integer(room) || json_integer_value(room) >= json_int(c, "num_nodes", 1))
				continue;
			json_object_set_new(c, "no_quota", mark(run_provider(e, provider), v));
			if (!is_in(blocks, c))
				json_array_append_new(blocks, block(c));
		}
	}
	return json_array_size(blocks) - before;
}

static bool same_place(const json_t *a, const json_t *b)
{
	static const char *const names[] = {"provider", "instance_type", "region", "zone"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!str_eq(json_str(a, names[i], NULL), json_str(b, names[i], NULL)))
			return false;
	return json_bool(a, "use_spot", false) == json_bool(b, "use_spot", false) && json_int(a, "alternative", 0) == json_int(b, "alternative", 0);
}

/* Both are in the same order, but that `before` has the marked ones as well. */
static json_t *merge_list(const json_t *before, const json_t *now)
{
	json_t *out = json_array(), *c;
	size_t i, at = 0, n = json_array_size(before);
	json_array_foreach(now, i, c) {
		size_t k = at;
		while (k < n && !same_place(json_array_get(before, k), c))
			k++;
		for (; k < n && at < k; at++)
			if (json_obj(json_array_get(before, at), "no_quota"))
				json_array_append(out, json_array_get(before, at));
		at += k < n;
		json_array_append(out, c);
	}
	for (; at < n; at++)
		if (json_obj(json_array_get(before, at), "no_quota"))
			json_array_append(out, json_array_get(before, at));
	return out;
}

json_t *quota_merge(const json_t *before, const json_t *now)
{
	json_t *out = json_array();
	for (size_t i = 0; i < json_array_size(now); i++)
		json_array_append_new(out, merge_list(json_array_get(before, i), json_array_get(now, i)));
	return out;
}

static bool same_kind(const json_t *a, const json_t *b)
{
	return str_eq(json_str(a, "provider", NULL), json_str(b, "provider", NULL)) && str_eq(json_str(a, "accelerator", NULL), json_str(b, "accelerator", NULL)) &&
	       json_int(a, "accelerator_count_micro", 0) == json_int(b, "accelerator_count_micro", 0) &&
	       json_bool(a, "use_spot", false) == json_bool(b, "use_spot", false) && json_int(a, "alternative", 0) == json_int(b, "alternative", 0);
}

static json_t *row_of_kind(const json_t *rows, const json_t *c)
{
	size_t i;
	json_t *r;
	json_array_foreach(rows, i, r)
		if (json_obj(r, "no_quota") && same_kind(r, c))
			return r;
	return NULL;
}

/* The rows of a summary, and where they belong the cheapest of each kind that has no room; "more" is how many others of the kind have none. */
static json_t *summary_with_marks(const json_t *summary, const json_t *candidates)
{
	json_t *out = json_array(), *c, *r;
	size_t i, next = 0;
	json_array_foreach(candidates, i, c) {
		json_t *row = json_obj(c, "no_quota") ? row_of_kind(out, c) : NULL;
		if (row) {
			json_put_int(row, "more", json_int(row, "more", 0) + 1);
		} else if (json_obj(c, "no_quota")) {
			row = json_copy(c);
			json_put_bool(row, "chosen", false);
			json_put_int(row, "more", 0);
			json_array_append_new(out, row);
		} else if ((r = json_array_get(summary, next)) && same_place(r, c)) {
			json_array_append(out, r);
			next++;
		}
	}
	while ((r = json_array_get(summary, next++)))
		json_array_append(out, r);
	return out;
}

void quota_show(json_t *plan, json_t *candidates)
{
	json_t *summary = json_arr(plan, "summary");
	for (size_t i = 0; i < json_array_size(summary); i++)
		json_array_set_new(summary, i, summary_with_marks(json_array_get(summary, i), json_array_get(candidates, i)));
	json_object_set(plan, "candidates", candidates);
}

static void add_place(struct str *s, const json_t *c)
{
	str_addf(s, "%s %s %s%s: %s", json_str(c, "provider", ""), json_str(c, "instance_type", ""), json_str(c, "region", ""),
	    json_bool(c, "use_spot", false) ? " (spot)" : "", json_str(json_obj(c, "no_quota"), "text", "?"));
}

void quota_error(const json_t *blocks, struct err *err)
{
	struct str s = str_new(1500), where = str_new(600);
	size_t i, n = json_array_size(blocks);
	json_t *b;
	json_array_foreach(blocks, i, b) {
		const char *at = json_str(json_obj(b, "no_quota"), "where", NULL);
		if (i < TOLD_MAX) {
			str_add(&s, i ? "; " : "");
			add_place(&s, b);
		}
		if (at && !strstr(str_text(&where), at))
			str_addf(&where, "%s%s", where.len ? "; " : "", at);
	}
	if (n > TOLD_MAX)
		str_addf(&s, "; and %zu others", n - TOLD_MAX);
	err_set(err, ERR_QUOTA, "no quota for what fits: %s%s%s", str_text(&s), where.len ? ". More is asked for " : "", str_text(&where));
	str_free(&s);
	str_free(&where);
}

void quota_tell(const json_t *plan, void (*tell)(void *arg, const char *text, json_t *data), void *arg)
{
	size_t i, n = 0;
	json_t *c, *told = json_array();
	json_array_foreach(json_array_get(json_arr(plan, "candidates"), 0), i, c) {
		if (!json_obj(c, "no_quota") || is_in(told, c))
			continue;
		json_array_append(told, c);
		if (++n > TOLD_MAX)
			continue;
		struct str s = str_new(1000);
		str_add(&s, "no quota: ");
		add_place(&s, c);
		str_add(&s, "; not tried");
		tell(arg, str_text(&s), json_copy(json_obj(c, "no_quota")));
		str_free(&s);
	}
	json_decref(told);
	if (n > TOLD_MAX)
		tell(arg, "no quota: other places as well", NULL);
}
