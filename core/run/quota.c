/* One call a provider, side by side; what it says is kept under "PROVIDER TYPE REGION MARKET". A provider that fails, or has no quotas, leaves
 * its candidates unknown, for as long: a cloud that does not answer must not hold up each plan. */
#include "core/run/quota.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/run/run.h"

enum { KEEP_MS = 3 * 60000, WAIT_MS = 10000, ASKED_MAX = 100, NOTES_MAX = 5 };

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

/* What is known of a candidate, not older than it may be; NULL. */
static const json_t *known(struct engine *e, const char *provider, const json_t *c)
{
	char *key = key_of(provider, c);
	const json_t *v = json_obj(kept(e), key);
	free(key);
	return v && mono_now_ms() - json_int(v, "at", 0) < KEEP_MS ? v : NULL;
}

void quota_forget(struct engine *e, const struct provider *p)
{
	const char *key;
	json_t *value;
	void *next;
	char *prefix = xasprintf("%s ", p->name);
	json_object_foreach_safe(kept(e), next, key, value)
		if (str_starts(key, prefix))
			json_object_del(e->quotas, key);
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
	json_array_foreach(o->candidates, i, c) {
		const json_t *v = json_array_get(verdicts, i);
		char *key = key_of(o->p->name, c);
		json_t *row = json_is_object(v) ? json_copy((json_t *)(uintptr_t)v) : json_object();
		json_put_int(row, "at", mono_now_ms());
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

static bool is_in(const json_t *list, const json_t *c)
{
	size_t i;
	json_t *x;
	json_array_foreach(list, i, x)
		if (str_eq(json_str(x, "instance_type", ""), json_str(c, "instance_type", "")) && str_eq(json_str(x, "region", ""), json_str(c, "region", "")) &&
		    json_bool(x, "use_spot", false) == json_bool(c, "use_spot", false))
			return true;
	return false;
}

static void add(struct quota_ask *a, const json_t *c)
{
	const struct provider *p = run_provider(a->e, json_str(c, "provider", NULL));
	if (!run_is_cloud(p) || known(a->e, p->name, c))
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

static json_t *block(const json_t *c, const json_t *v)
{
	char *text = xasprintf("%s %s %s%s: %s, limit %" PRId64 ", used %" PRId64, json_str(c, "provider", ""), json_str(c, "instance_type", ""),
	    json_str(c, "region", ""), json_bool(c, "use_spot", false) ? " (spot)" : "", json_str(v, "name", "its quota"), json_int(v, "limit", 0),
	    json_int(v, "used", 0));
	json_t *j = json_pack("{s:s, s:s, s:s, s:b, s:s, s:o, s:i}", "provider", json_str(c, "provider", ""), "instance_type", json_str(c, "instance_type", ""),
	    "region", json_str(c, "region", ""), "use_spot", json_bool(c, "use_spot", false), "code", "quota", "quota", json_foreign(text), "until", 0);
	free(text);
	return j;
}

size_t quota_block(struct engine *e, const json_t *plan, json_t *blocks)
{
	size_t i, k, before = json_array_size(blocks);
	json_t *list, *c;
	json_array_foreach(json_arr(plan, "candidates"), i, list) {
		json_array_foreach(list, k, c) {
			const json_t *v = known(e, json_str(c, "provider", ""), c), *room = json_object_get(v, "room");
			if (json_is_integer(room) && json_integer_value(room) < json_int(c, "num_nodes", 1) && !is_in(blocks, c))
				json_array_append_new(blocks, block(c, v));
		}
	}
	return json_array_size(blocks) - before;
}

const char *quota_note(json_t *plan, const json_t *blocks)
{
	size_t i, n = 0;
	json_t *b;
	const char *first = NULL;
	json_t *notes = json_arr(plan, "notes");
	json_array_foreach(blocks, i, b) {
		const char *text = json_str(b, "quota", NULL);
		if (!text)
			continue;
		first = first ? first : text;
		if (notes && n++ < NOTES_MAX) {
			char *note = xasprintf("no quota: %s; not tried", text);
			json_array_append_new(notes, json_foreign(note));
			free(note);
		}
	}
	if (notes && n > NOTES_MAX)
		json_array_append_new(notes, json_string("no quota: other places as well"));
	return first;
}
