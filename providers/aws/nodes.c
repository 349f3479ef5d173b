/* The verbs over machines that are there: looking for them, stopping, starting and ending them.
 *
 * What EC2 lists lags behind what it did, by seconds as a rule. So an instance that was made a moment ago and is not listed is unknown, not gone;
 * and a cluster of which a launch got no answer is not taken for gone before a minute has passed. A refusal by one region is not silence of all:
 * nodes known to be there are unknown. */
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/str.h"
#include "providers/aws/aws.h"
#include "providers/common/requests.h"

enum { SETTLE_MS = 60000, LOOK_MS = 5000, LOOKS_MAX = 60, STATES_MAX = 6 };

static bool is_over(const json_t *instance)
{
	return str_eq(aws_state(instance), "terminated") || str_eq(aws_state(instance), "shutting-down");
}

/* ---- looking ------------------------------------------------------------------------------------------------------------- */

/* What all regions asked answered: [{"region", "instances": […], "refused": answer or absent}…]; of many ids a region answers in several parts. */
struct look {
	json_t *parts;
	const json_t *regions;
};

static const json_t *ids_of_call(const struct aws *t)
{
	return json_arr(t->c->args, "ids");
}

/* Where to look: where the ids are; else where the caller says; else everywhere. everywhere: all the same. */
static enum provider_step where(struct aws *t, bool everywhere, const json_t **regions)
{
	json_t *out = json_object_get(t->got, "where"), *v;
	*regions = out;
	if (out)
		return PROVIDER_DONE;
	size_t i;
	const char *region, *instance, *said = json_str(t->c->args, "region", NULL);
	json_t *list = json_array();
	json_array_foreach(ids_of_call(t), i, v)
		if (aws_id(t, json_string_value(v), &region, &instance) && !json_has(list, region))
			json_array_append_new(list, json_string(region));
	if (said && !json_has(list, said))
		json_array_append_new(list, json_string(said));
	if (everywhere || (!ids_of_call(t) && !said)) {
		const json_t *all;
		enum provider_step s = aws_regions(t, &all);
		if (s != PROVIDER_DONE) {
			json_decref(list);
			return s;
		}
		json_array_foreach(all, i, v)
			if (!json_has(list, json_string_value(v)))
				json_array_append(list, v);
	}
	json_object_set_new(t->got, "where", list);
	*regions = list;
	return PROVIDER_DONE;
}

/* The instance that one of the call's ids names, in this region; NULL: it names none. */
static const char *instance_in(const char *region, const json_t *id)
{
	const char *s = json_string_value(id);
	size_t n = strlen(region);
	bool ok = s && str_starts(s, region) && !strncmp(s + n, "/i-", 3) && s[n + 3] && !s[n + 3 + strspn(s + n + 3, "0123456789abcdef")];
	return ok ? s + n + 1 : NULL;
}

static size_t count_ids(const struct aws *t, const char *region)
{
	size_t i, n = 0;
	json_t *v;
	json_array_foreach(ids_of_call(t), i, v)
		n += instance_in(region, v) != NULL;
	return n;
}

/* Of a region; of ids those from the `from`th on, as many as a filter takes. */
static const char *list_form(struct aws *t, const char *region, size_t from, const char *next)
{
	const char *cluster = json_str(t->c->args, "cluster", NULL), *instance;
	struct str s = aws_form("DescribeInstances");
	sigv4_form(&s, "Version", "2016-11-15");
	sigv4_form(&s, "MaxResults", "1000");
	if (cluster) {
		aws_filter(&s, 1, "tag:skytop-cluster", aws_tag_text(t->a, cluster));
	} else if (ids_of_call(t)) {
		json_t *ids = json_array(), *v;
		size_t i, k = 0;
		json_array_foreach(ids_of_call(t), i, v)
			if ((instance = instance_in(region, v)) && k++ >= from && json_array_size(ids) < IDS_A_CALL)
				json_array_append_new(ids, json_string(instance));
		aws_filter_list(&s, 1, "instance-id", ids);
		json_decref(ids);
	} else {
		aws_filter(&s, 1, "tag:skytop-user", t->c->env->user ? t->c->env->user : "");
	}
	if (next)
		sigv4_form(&s, "NextToken", next);
	return aws_form_done(t, &s);
}

static void take_page(json_t *part, const json_t *answer)
{
	size_t i;
	json_t *r;
	const json_t *body = json_object_get(answer, "body");
	json_object_del(part, "next");
	if (!aws_ok(answer)) {
		json_object_set(part, "refused", (json_t *)(uintptr_t)answer);
		return;
	}
	json_array_foreach(json_arr(body, "reservationSet"), i, r)
		json_array_extend(json_object_get(part, "instances"), json_arr(r, "instancesSet"));
	const char *next = json_str(body, "nextToken", "");
	if (*next)
		json_put_str(part, "next", next);
}

/* All pages of all regions, a page of each at once. out.parts is a new reference when DONE. */
static enum provider_step look(struct aws *t, const char *key, const json_t *regions, struct look *out)
{
	size_t n, i, from;
	bool by_ids = ids_of_call(t) && !json_str(t->c->args, "cluster", NULL);
	json_t *parts = json_array(), *v;
	json_array_foreach(regions, i, v)
		for (from = 0, n = by_ids ? count_ids(t, json_string_value(v)) : 1; from < n; from += IDS_A_CALL)
			json_array_append_new(parts, json_pack("{s:O, s:[], s:s, s:I}", "region", v, "instances", "next", "", "from", (json_int_t)from));
	n = json_array_size(parts);
	struct aws_ask *q = arena_alloc(t->a, (n + 1) * sizeof *q);
	json_t **of = arena_alloc(t->a, (n + 1) * sizeof(json_t *)); /* the part that the i-th question is about */
	for (int page = 0; page < PAGES_MAX; page++) {
		size_t k = 0;
		json_array_foreach(parts, i, v) {
			const char *next = json_str(v, "next", NULL);
			if (!next)
				continue;
			const char *region = arena_strdup(t->a, json_str(v, "region", ""));
			of[k] = v;
			q[k++] = (struct aws_ask){.service = "ec2", .region = region, .body = list_form(t, region, (size_t)json_int(v, "from", 0), *next ? next : NULL)};
		}
		const json_t *answers;
		enum provider_step s = k ? aws_ask(t, arena_printf(t->a, "%s#%d", key, page), q, k, &answers) : PROVIDER_DONE;
		if (s != PROVIDER_DONE) {
			json_decref(parts);
			return s;
		}
		for (i = 0; i < k; i++)
			take_page(of[i], json_array_get(answers, i));
		if (!k)
			break;
	}
	*out = (struct look){parts, regions};
	return PROVIDER_DONE;
}

enum provider_step aws_find(struct aws *t, const char *key, const char *region, json_t **list)
{
	*list = json_object_get(t->got, key);
	if (json_is_array(*list))
		return PROVIDER_DONE;
	json_t *regions = json_pack("[s]", region);
	struct look l;
	enum provider_step s = look(t, arena_printf(t->a, "%s look", key), regions, &l);
	json_decref(regions);
	if (s != PROVIDER_DONE)
		return s;
	json_t *part = json_array_get(l.parts, 0), *refused = json_object_get(part, "refused");
	if (refused)
		s = aws_refused(t, refused, arena_printf(t->a, "looking for the cluster's machines in %s", region));
	else
		json_object_set(t->got, key, json_object_get(part, "instances"));
	*list = json_object_get(t->got, key);
	json_decref(l.parts);
	return s;
}

/* An instance that a moment ago was said to be made. */
static bool just_made(struct aws *t, const char *id)
{
	int64_t at = json_int(json_object_get(t->memory, "made"), id, 0);
	return at && aws_now_ms(t) - at < SETTLE_MS;
}

static json_t *unknown(const char *id, const char *why)
{
	json_t *n = json_object();
	json_put_str(n, "id", id);
	json_put_str(n, "status", "UNKNOWN");
	json_object_set_new(n, "reason", json_foreign(why));
	return n;
}

static bool has_id(const json_t *nodes, const char *id)
{
	size_t i;
	json_t *n;
	json_array_foreach(nodes, i, n)
		if (str_eq(json_str(n, "id", ""), id))
			return true;
	return false;
}

/* One that somebody ended is not worth telling of; one that EC2 ended is. */
static bool is_gone(const json_t *instance)
{
	const char *why = json_str(json_obj(instance, "stateReason"), "code", "");
	return is_over(instance) && (str_starts(why, "Client.User") || str_starts(why, "Client.InstanceInitiated") || !*why);
}

/* Where a node belongs in a list: by cluster, then by rank. */
static size_t place_of(const json_t *nodes, const json_t *node)
{
	size_t i = json_array_size(nodes);
	for (; i; i--) {
		const json_t *before = json_array_get(nodes, i - 1);
		int c = strcmp(json_str(before, "cluster", ""), json_str(node, "cluster", ""));
		if (c < 0 || (!c && json_int(before, "rank", 0) <= json_int(node, "rank", 0)))
			break;
	}
	return i;
}

static json_t *nodes_of(struct aws *t, const struct look *l)
{
	json_t *out = json_array(), *part, *instance;
	size_t i, k;
	json_array_foreach(l->parts, i, part)
		json_array_foreach(json_arr(part, "instances"), k, instance) {
			json_t *n = is_gone(instance) ? NULL : aws_node(t, instance, json_str(part, "region", ""));
			if (n)
				json_array_insert_new(out, place_of(out, n), n);
		}
	return out;
}

/* Of a region's parts one that was refused; NULL. */
static const json_t *refused_of(const struct look *l, const char *region)
{
	size_t i;
	json_t *part;
	json_array_foreach(l->parts, i, part)
		if (str_eq(json_str(part, "region", ""), region) && json_object_get(part, "refused"))
			return part;
	return NULL;
}

static const char *refusal_text(struct aws *t, const json_t *part)
{
	struct err mine = *t->err;
	aws_refused(t, json_object_get(part, "refused"), arena_printf(t->a, "asking %s", json_str(part, "region", "")));
	const char *text = arena_strdup(t->a, t->err->text);
	*t->err = mine;
	return text;
}

/* Are nodes of the call known to be there? */
static bool has_ids_in(struct aws *t, const char *region)
{
	size_t i;
	json_t *v;
	const char *of, *instance;
	json_array_foreach(ids_of_call(t), i, v)
		if (aws_id(t, json_string_value(v), &of, &instance) && str_eq(of, region))
			return true;
	return false;
}

/* A region that knows our keys not, where another does, is not on for this account, whatever the list of regions says. */
static bool is_off(struct aws *t, const struct look *l, const json_t *part)
{
	size_t i;
	json_t *other;
	bool known = false;
	json_array_foreach(l->parts, i, other)
		known = known || !json_object_get(other, "refused");
	return known && aws_is(json_object_get(part, "refused"), "AuthFailure") && !has_ids_in(t, json_str(part, "region", ""));
}

static const json_t *first_refused(struct aws *t, const struct look *l)
{
	size_t i;
	json_t *part;
	json_array_foreach(l->parts, i, part)
		if (json_object_get(part, "refused") && !is_off(t, l, part))
			return part;
	return NULL;
}

enum provider_step aws_query(struct aws *t)
{
	const json_t *regions, *part;
	struct look l;
	AWS_TRY(aws_login(t));
	AWS_TRY(where(t, false, &regions));
	AWS_TRY(look(t, "look", regions, &l));
	if (!ids_of_call(t) && (part = first_refused(t, &l))) { /* silence is not absence */
		aws_refused(t, json_object_get(part, "refused"), arena_printf(t->a, "looking for machines in %s", json_str(part, "region", "")));
		json_decref(l.parts);
		return PROVIDER_FAILED;
	}
	json_t *nodes = nodes_of(t, &l), *v;
	size_t i;
	json_array_foreach(ids_of_call(t), i, v) {
		const char *region, *instance, *id = json_string_value(v);
		if (!aws_id(t, id, &region, &instance) || has_id(nodes, id))
			continue;
		part = refused_of(&l, region);
		if (part)
			json_array_append_new(nodes, unknown(id, refusal_text(t, part)));
		else if (just_made(t, id))
			json_array_append_new(nodes, unknown(id, "it was made a moment ago, and EC2 does not list it yet"));
	}
	json_decref(l.parts);
	return aws_done(t, json_pack("{s:o}", "nodes", nodes));
}

/* ---- doing ----------------------------------------------------------------------------------------------------------------- */

/* Does the call mean this instance? */
static bool is_meant(struct aws *t, const json_t *instance, const char *region)
{
	const char *id = arena_printf(t->a, "%s/%s", region, json_str(instance, "instanceId", ""));
	return !ids_of_call(t) || t->c->verb == PROVIDER_TERMINATE || json_has(ids_of_call(t), id);
}

/* One action on instances, in each region at once, in pieces of IDS_A_CALL. pick: of these. *answers: of as many questions as *n. */
static enum provider_step act(struct aws *t, const char *key, const char *action, const struct look *l, bool (*pick)(const json_t *instance), size_t *n,
    const json_t **answers)
{
	struct aws_ask *q = NULL;
	size_t i, k, cap = 0, count = 0;
	json_t *part, *instance;
	json_array_foreach(l->parts, i, part) {
		const char *region = arena_strdup(t->a, json_str(part, "region", ""));
		json_t *ids = json_array();
		size_t last = json_array_size(json_arr(part, "instances"));
		for (k = 0; k <= last; k++) {
			instance = json_array_get(json_arr(part, "instances"), k);
			if (instance && pick(instance) && is_meant(t, instance, region))
				json_array_append(ids, json_object_get(instance, "instanceId"));
			if (json_array_size(ids) < IDS_A_CALL && !(k == last && json_array_size(ids)))
				continue;
			struct str s = aws_form(action);
			sigv4_form(&s, "Version", "2016-11-15");
			aws_list(&s, "InstanceId", ids);
			ARRAY_GROW(q, count, cap);
			q[count++] = (struct aws_ask){.service = "ec2", .region = region, .body = aws_form_done(t, &s)};
			json_array_clear(ids);
		}
		json_decref(ids);
	}
	*n = count;
	enum provider_step s = count ? aws_ask(t, key, q, count, answers) : PROVIDER_DONE;
	free(q);
	return s;
}

static bool can_stop(const json_t *instance)
{
	return str_eq(aws_state(instance), "running") || str_eq(aws_state(instance), "pending");
}

static bool can_start(const json_t *instance)
{
	return str_eq(aws_state(instance), "stopped");
}

static bool can_end(const json_t *instance)
{
	return !is_over(instance);
}

static bool is_stopping(const json_t *instance)
{
	return str_eq(aws_state(instance), "stopping");
}

static bool is_ending(const json_t *instance)
{
	return str_eq(aws_state(instance), "shutting-down");
}

static size_t count_of(struct aws *t, const struct look *l, bool (*pick)(const json_t *instance))
{
	size_t i, k, n = 0;
	json_t *part, *instance;
	json_array_foreach(l->parts, i, part)
		json_array_foreach(json_arr(part, "instances"), k, instance)
			n += pick(instance) && is_meant(t, instance, json_str(part, "region", ""));
	return n;
}

/* The first answer that is a refusal; those of codes that mean that it is so already do not count. */
static const json_t *refusal_among(const json_t *answers, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const json_t *a = json_array_get(answers, i);
		if (!aws_ok(a) && !aws_is(a, "InvalidInstanceID.NotFound"))
			return a;
	}
	return NULL;
}

/* START: one that is still stopping can be started when it has stopped. DONE: *l is how it is then. key: of this try. */
static enum provider_step look_when_stopped(struct aws *t, const char *key, const json_t *regions, struct look *l)
{
	for (int i = 0;; i++) {
		const char *name = arena_printf(t->a, "%s look %d", key, i);
		if (i && !json_object_get(t->got, arena_printf(t->a, "%s#0", name)))
			aws_pause(t, LOOK_MS);
		AWS_TRY(look(t, name, regions, l));
		if (t->c->verb != PROVIDER_START || i == LOOKS_MAX || !count_of(t, l, is_stopping))
			return PROVIDER_DONE;
		json_decref(l->parts);
	}
}

/* One look and one action. *no: the refusal that counts; NULL. *nodes (new reference): as they were before it. */
static enum provider_step turn(struct aws *t, const char *key, const json_t *regions, const json_t **no, json_t **nodes)
{
	bool stop = t->c->verb == PROVIDER_STOP;
	const json_t *part, *answers = NULL;
	struct look l;
	size_t n = 0;
	AWS_TRY(look_when_stopped(t, key, regions, &l));
	part = first_refused(t, &l);
	enum provider_step s = part ? aws_refused(t, json_object_get(part, "refused"), arena_printf(t->a, "looking for machines in %s", json_str(part, "region", "")))
				    : act(t, arena_printf(t->a, "%s act", key), stop ? "StopInstances" : "StartInstances", &l, stop ? can_stop : can_start, &n, &answers);
	*nodes = s == PROVIDER_DONE ? nodes_of(t, &l) : NULL;
	*no = s == PROVIDER_DONE ? refusal_among(answers, n) : NULL;
	json_decref(l.parts);
	return s;
}

enum provider_step aws_start_or_stop(struct aws *t)
{
	bool stop = t->c->verb == PROVIDER_STOP;
	const json_t *regions, *no;
	json_t *nodes, *v;
	if (request_check_target(t->c->args, t->err))
		return PROVIDER_FAILED;
	AWS_TRY(aws_login(t));
	AWS_TRY(where(t, false, &regions));
	for (int i = 0;; i++) { /* one that is between two states is asked again when it has come to one */
		const char *key = arena_printf(t->a, "try %d", i);
		if (i && !json_object_get(t->got, arena_printf(t->a, "%s look 0#0", key)))
			aws_pause(t, LOOK_MS);
		AWS_TRY(turn(t, key, regions, &no, &nodes));
		if (!no || !aws_is(no, "IncorrectInstanceState") || i == STATES_MAX)
			break;
		json_decref(nodes);
	}
	size_t i;
	json_array_foreach(stop ? NULL : ids_of_call(t), i, v)
		if (!no && !has_id(nodes, json_string_value(v))) {
			json_decref(nodes);
			return aws_failed(t, ERR_NOT_FOUND, ERR_SCOPE_PLACE,
			    arena_printf(t->a, "there is no machine %.100s", json_string_value(v) ? json_string_value(v) : "?"));
		}
	json_decref(nodes);
	if (no)
		return aws_refused(t, no, stop ? "stopping machines" : "starting machines");
	/* As they are after it; a moment is given to the list. */
	struct look after;
	AWS_TRY(look(t, "after", regions, &after));
	nodes = nodes_of(t, &after);
	json_decref(after.parts);
	return aws_done(t, json_pack("{s:o}", "nodes", nodes));
}

/* A launch of this cluster whose answer was lost, and that EC2 may still list; how long until that is ruled out. */
static int64_t open_launch_ms(struct aws *t)
{
	const json_t *run = json_object_get(json_object_get(t->memory, "runs"), json_str(t->c->args, "cluster", ""));
	int64_t at = json_int(run, "open_since", 0), left = at ? at + SETTLE_MS - aws_now_ms(t) : 0;
	return left > 0 ? left : 0;
}

static enum provider_step pending(struct aws *t, size_t n, const char *waiting)
{
	json_t *r = json_object();
	json_put_int(r, "pending", (int64_t)n);
	if (waiting)
		json_object_set_new(r, "waiting", json_foreign(waiting));
	return aws_done(t, r);
}

/* Ids that are to end, were made a moment ago, and are not listed yet: ended by name. */
static enum provider_step end_unlisted(struct aws *t, const struct look *l, size_t *n)
{
	size_t i, k = 0;
	json_t *v, *seen = nodes_of(t, l);
	struct aws_ask *q = arena_alloc(t->a, (json_array_size(ids_of_call(t)) + 1) * sizeof *q);
	json_array_foreach(ids_of_call(t), i, v) {
		const char *region, *instance, *id = json_string_value(v);
		if (!aws_id(t, id, &region, &instance) || has_id(seen, id) || !just_made(t, id))
			continue;
		struct str s = aws_form("TerminateInstances");
		sigv4_form(&s, "Version", "2016-11-15");
		sigv4_form(&s, "InstanceId.1", instance);
		q[k++] = (struct aws_ask){.service = "ec2", .region = region, .body = aws_form_done(t, &s)};
	}
	json_decref(seen);
	const json_t *answers;
	*n = 0;
	if (k)
		AWS_TRY(aws_ask(t, "unlisted", q, k, &answers));
	for (i = 0; i < k; i++) /* listed as ended, or not at all, in a while; until then it is waited for */
		*n += aws_is(json_array_get(answers, i), "InvalidInstanceID.NotFound");
	return PROVIDER_DONE;
}

/* Regions that do not answer are waited for when something of the cluster is known to be there, or nothing is known at all. */
static const json_t *silent_part(struct aws *t, const struct look *l)
{
	size_t i;
	json_t *part;
	json_array_foreach(l->parts, i, part) {
		bool concerned = !json_array_size(ids_of_call(t)) || has_ids_in(t, json_str(part, "region", ""));
		if (concerned && json_object_get(part, "refused") && !is_off(t, l, part))
			return part;
	}
	return NULL;
}

/* Regions in which there may be something of the cluster that is no machine: a launch may have ended before it made one. */
static json_t *touched(const struct look *l)
{
	json_t *out = json_array(), *part;
	size_t i;
	json_array_foreach(l->parts, i, part)
		if (!json_object_get(part, "refused") && !json_has(out, json_str(part, "region", "")))
			json_array_append(out, json_object_get(part, "region"));
	return out;
}

/* The call's cluster, or those of the machines that it names, as their tags have it. New reference. */
static json_t *clusters_of(struct aws *t, const struct look *l)
{
	const char *cluster = json_str(t->c->args, "cluster", NULL);
	json_t *out = json_array(), *part, *instance;
	size_t i, k;
	if (cluster)
		json_array_append_new(out, json_string(aws_tag_text(t->a, cluster)));
	json_array_foreach(cluster ? NULL : l->parts, i, part)
		json_array_foreach(json_arr(part, "instances"), k, instance) {
			json_t *tags = aws_tags(instance);
			const char *v = json_str(tags, "skytop-cluster", NULL);
			if (v && !json_has(out, v) && json_array_size(out) < IDS_A_CALL)
				json_array_append_new(out, json_string(v));
			json_decref(tags);
		}
	return out;
}

/* Have these clusters machines that go on? Then what is in use is theirs. */
static enum provider_step go_on(struct aws *t, const json_t *regions, const json_t *clusters, bool *yes)
{
	size_t n = json_array_size(regions), i;
	struct aws_ask *q = arena_alloc(t->a, (n + 1) * sizeof *q);
	json_t *v, *states = json_pack("[s, s, s, s]", "pending", "running", "stopping", "stopped");
	const json_t *answers;
	json_array_foreach(regions, i, v) {
		struct str s = aws_form("DescribeInstances");
		sigv4_form(&s, "Version", "2016-11-15");
		aws_filter_list(&s, 1, "tag:skytop-cluster", clusters);
		aws_filter_list(&s, 2, "instance-state-name", states);
		q[i] = (struct aws_ask){.service = "ec2", .region = json_string_value(v), .body = aws_form_done(t, &s)};
	}
	json_decref(states);
	AWS_TRY(aws_ask(t, "go on", q, n, &answers));
	*yes = false;
	for (i = 0; i < n; i++)
		*yes = *yes || json_array_size(json_arr(json_object_get(json_array_get(answers, i), "body"), "reservationSet"));
	return PROVIDER_DONE;
}

static enum provider_step clear(struct aws *t, const struct look *l, size_t *left)
{
	json_t *regions = json_object_get(t->got, "touched"), *clusters = json_object_get(t->got, "clusters");
	bool others;
	*left = 0;
	if (!regions) {
		json_object_set_new(t->got, "touched", regions = touched(l));
		json_object_set_new(t->got, "clusters", clusters = clusters_of(t, l));
	}
	if (!json_array_size(regions) || !json_array_size(clusters))
		return PROVIDER_DONE;
	AWS_TRY(aws_net_clear(t, regions, clusters, left));
	if (!*left || json_str(t->c->args, "cluster", NULL))
		return PROVIDER_DONE;
	AWS_TRY(go_on(t, regions, clusters, &others));
	*left = others ? 0 : *left;
	return PROVIDER_DONE;
}

static enum provider_step end_all(struct aws *t, const struct look *l)
{
	const json_t *answers = NULL, *no, *silent;
	size_t n, late, left;
	AWS_TRY(act(t, "act", "TerminateInstances", l, can_end, &n, &answers));
	if ((no = refusal_among(answers, n)))
		return aws_refused(t, no, "ending machines");
	AWS_TRY(end_unlisted(t, l, &late));
	size_t going = count_of(t, l, can_end) + count_of(t, l, is_ending) + late;
	if (going)
		return pending(t, going, NULL);
	if ((silent = silent_part(t, l)))
		return pending(t, 1, refusal_text(t, silent));
	if (open_launch_ms(t))
		return pending(t, 1, "a launch whose answer was lost, and which may still show up");
	AWS_TRY(clear(t, l, &left));
	if (left)
		return pending(t, left, "security groups that are still in use, or not told of");
	json_object_del(json_object_get(t->memory, "runs"), json_str(t->c->args, "cluster", ""));
	return aws_done(t, json_object());
}

enum provider_step aws_terminate(struct aws *t)
{
	const json_t *regions;
	struct look l;
	if (request_check_target(t->c->args, t->err))
		return PROVIDER_FAILED;
	const char *cluster = json_str(t->c->args, "cluster", NULL);
	AWS_TRY(aws_login(t));
	AWS_TRY(where(t, cluster && !json_str(t->c->args, "region", NULL), &regions));
	AWS_TRY(look(t, "look", regions, &l));
	enum provider_step s = end_all(t, &l);
	json_decref(l.parts);
	return s;
}
