/* CREATE, QUERY, START, STOP, TERMINATE over sandboxes. Each begins by finishing what earlier calls began and did not
 * live to finish; each may be repeated from the top. */
#include "providers/common/machines.h"

#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "providers/common/deadman.h"

struct serving {
	const struct machine_cloud *cloud;
	void *arg;
	const struct request *r;
	struct sandbox sb;
};

static const char *status_of(const struct serving *s, const json_t *rec)
{
	const char *state = json_str(rec, "state", "");
	if (str_eq(state, "RUNNING"))
		return s->cloud->status ? s->cloud->status(s->arg, &s->sb, rec) : "RUNNING";
	if (str_eq(state, "STOPPED") || str_eq(state, "PREEMPTED"))
		return state;
	return "STOPPING"; /* and TERMINATING: on its way down, still there */
}

static json_t *show(const struct serving *s, const json_t *rec)
{
	const char *status = status_of(s, rec);
	return sandbox_result(&s->sb, rec, status, str_eq(status, "RUNNING") && !json_bool(rec, "unreadable", false));
}

static json_t *nodes_reply(json_t *nodes)
{
	json_t *reply = json_object();
	json_object_set_new(reply, "nodes", nodes);
	return reply;
}

/* --- create
 * ---------------------------------------------------------------------------------------------------------*/

/* A token of a node that is just ending cannot be used again before it is gone. */
static int check_ending(const struct serving *s, struct err *err)
{
	const json_t *rec = request_ending(&s->sb, s->r->args);
	return rec ? err_set(err, ERR_CONFLICT, "node %s is being terminated; wait until it is gone",
			 json_str(rec, "id", ""))
		   : 0;
}

static int make_missing(struct serving *s, struct err *err)
{
	const json_t *args = s->r->args, *nodes = json_arr(args, "nodes");
	size_t missing = request_missing(&s->sb, args), made = 0;
	if (!missing)
		return 0;
	json_t *like = request_record(args, json_array_get(nodes, 0));
	int rc = s->cloud->admit(s->arg, &s->sb, like, missing, err);
	for (size_t i = 0; !rc && i < json_array_size(nodes); i++) {
		const json_t *node = json_array_get(nodes, i);
		if (sandbox_by_token(&s->sb, json_str(args, "cluster", ""), json_str(node, "token", "")))
			continue;
		json_t *rec = json_copy(like);
		json_put_str(rec, "token", json_str(node, "token", ""));
		json_put_int(rec, "rank", json_int(node, "rank", 0));
		rc = s->cloud->equip(s->arg, &s->sb, rec, made++, err);
		if (!rc)
			rc = sandbox_prepare(&s->sb, rec, err);
		if (!rc)
			rc = deadman_write(&s->sb, rec, s->r, err);
		if (!rc)
			rc = sandbox_finish(&s->sb, rec, err);
		json_decref(rec);
	}
	json_decref(like);
	return rc;
}

static json_t *create(struct serving *s, struct err *err)
{
	if (check_ending(s, err) || make_missing(s, err))
		return NULL;
	json_t *list = json_array();
	size_t i;
	json_t *node;
	json_array_foreach(json_arr(s->r->args, "nodes"), i, node)
	{
		const char *cluster = json_str(s->r->args, "cluster", "");
		json_array_append_new(list, show(s, sandbox_by_token(&s->sb, cluster, json_str(node, "token", ""))));
	}
	return nodes_reply(list);
}

/* --- query
 * ----------------------------------------------------------------------------------------------------------*/

static json_t *query(struct serving *s, struct err *err)
{
	(void)err;
	const char *cluster = json_str(s->r->args, "cluster", NULL);
	json_t *list = json_array();
	size_t i;
	json_t *rec;
	json_array_foreach(s->sb.nodes, i, rec) if (!cluster || sandbox_in_cluster(&s->sb, rec, cluster))
	    json_array_append_new(list, show(s, rec));
	return nodes_reply(list);
}

/* --- start, stop
 * ----------------------------------------------------------------------------------------------------*/

static json_t *show_named(const struct serving *s)
{
	json_t *list = json_array();
	size_t i;
	json_t *rec;
	json_array_foreach(s->sb.nodes, i, rec) if (request_names(&s->sb, s->r->args, rec))
	    json_array_append_new(list, show(s, rec));
	return nodes_reply(list);
}

static int check_known(const struct serving *s, struct err *err)
{
	size_t i;
	json_t *id;
	json_array_foreach(json_arr(s->r->args, "ids"), i, id)
	{
		const json_t *rec = json_is_string(id) ? sandbox_by_id(&s->sb, json_string_value(id)) : NULL;
		if (!rec || !request_names(&s->sb, s->r->args, rec))
			return err_set(err, ERR_NOT_FOUND, "there is no node \"%.100s\" (any more)",
			    json_is_string(id) ? json_string_value(id) : "?");
	}
	return 0;
}

static int start_one(struct serving *s, json_t *rec, struct err *err)
{
	const char *id = json_str(rec, "id", "");
	if (sandbox_state_is(rec, "RUNNING"))
		return 0;
	if (sandbox_state_is(rec, "PREEMPTED"))
		return err_set(err, ERR_CONFLICT, "node %s was taken back by the cloud and cannot be started", id);
	if (!sandbox_state_is(rec, "STOPPED"))
		return err_set(err, ERR_CONFLICT, "node %s is still going down; try again in a moment", id);
	if (s->cloud->admit(s->arg, &s->sb, rec, 1, err) || s->cloud->equip(s->arg, &s->sb, rec, 0, err))
		return err_wrap(err, "node %s", id);
	return sandbox_boot(&s->sb, rec, err);
}

static json_t *start(struct serving *s, struct err *err)
{
	if (check_known(s, err))
		return NULL;
	size_t i;
	json_t *rec;
	json_array_foreach(
	    s->sb.nodes, i, rec) if (request_names(&s->sb, s->r->args, rec) && start_one(s, rec, err)) return NULL;
	return show_named(s);
}

static int64_t ends_at(const struct serving *s)
{
	return s->sb.now_ms + (s->cloud->end_ms ? s->cloud->end_ms(s->arg, s->r->verb) : 0);
}

/* Did what was asked to end do so? Otherwise the error of settling. */
static int check_ended(const struct serving *s, bool (*meant)(const struct sandbox *, const json_t *, const json_t *),
    const struct err *why, struct err *err)
{
	size_t i;
	json_t *rec;
	json_array_foreach(s->sb.nodes, i, rec)
	{
		bool ending = sandbox_state_is(rec, "STOPPING") || sandbox_state_is(rec, "TERMINATING");
		if (!ending || json_bool(rec, "swept", false) || !meant(&s->sb, s->r->args, rec))
			continue;
		*err = *why;
		if (!err->code)
			err_set(err, ERR_TIMEOUT, "node %s does not go down", json_str(rec, "id", ""));
		return -1;
	}
	return 0;
}

static json_t *stop(struct serving *s, struct err *err)
{
	size_t i;
	json_t *rec;
	json_array_foreach(
	    s->sb.nodes, i, rec) if (request_names(&s->sb, s->r->args, rec) && sandbox_state_is(rec, "RUNNING") &&
				     sandbox_end(&s->sb, rec, "STOPPING", ends_at(s), NULL, err)) return NULL;
	struct err why = {0};
	sandbox_settle(&s->sb, &why);
	if (check_ended(s, request_names, &why, err))
		return NULL;
	return show_named(s);
}

/* --- terminate
 * ------------------------------------------------------------------------------------------------------*/

static json_t *terminate(struct serving *s, struct err *err)
{
	size_t i;
	json_t *rec;
	json_array_foreach(s->sb.nodes, i,
	    rec) if (request_condemns(&s->sb, s->r->args, rec) && !sandbox_state_is(rec, "TERMINATING") &&
		     sandbox_end(&s->sb, rec, "TERMINATING", ends_at(s), "it is being terminated", err)) return NULL;
	struct err why = {0};
	sandbox_settle(&s->sb, &why);
	if (check_ended(s, request_condemns, &why, err))
		return NULL;
	int64_t pending = 0;
	json_array_foreach(s->sb.nodes, i, rec) pending += request_condemns(&s->sb, s->r->args, rec);
	json_t *reply = json_object();
	if (pending)
		json_put_int(reply, "pending", pending);
	return reply;
}

/* --- one request
 * ----------------------------------------------------------------------------------------------------*/

static const struct {
	json_t *(*serve)(struct serving *s, struct err *err);
	int (*check)(const json_t *args, struct err *err);
	bool all; /* needs the records of all clusters, for counting */
} verbs[PROVIDER_VERBS] = {
    [PROVIDER_CREATE] = {create, request_check_create, true},
    [PROVIDER_QUERY] = {query, NULL, false},
    [PROVIDER_START] = {start, request_check_target, true},
    [PROVIDER_STOP] = {stop, request_check_target, false},
    [PROVIDER_TERMINATE] = {terminate, request_check_target, false},
};

json_t *machines_serve(const struct machine_cloud *cloud, void *arg, const struct request *r, struct err *err)
{
	if (!verbs[r->verb].serve) {
		err_set(err, ERR_UNSUPPORTED, "%s: not a verb about nodes", provider_verb_name(r->verb));
		return NULL;
	}
	if (verbs[r->verb].check && verbs[r->verb].check(r->args, err))
		return NULL;
	struct serving s = {.cloud = cloud, .arg = arg, .r = r};
	const char *scope = verbs[r->verb].all ? NULL : request_scope(r->args, r->verb == PROVIDER_TERMINATE);
	if (sandbox_open(&s.sb, r->state_dir, cloud->name, scope, r->now_ms, err))
		return NULL;
	s.sb.grace_ms = cloud->grace_ms;
	s.sb.forgetful = cloud->forgetful;
	json_t *reply = NULL;
	if (!cloud->progress || !cloud->progress(arg, &s.sb, err)) {
		struct err ignored; /* of other calls' nodes: their own repetition will report it */
		sandbox_settle(&s.sb, &ignored);
		reply = verbs[r->verb].serve(&s, err);
	}
	sandbox_close(&s.sb);
	return reply;
}
