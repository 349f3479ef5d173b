/* Names, lifetimes and JSON of what the engine looks after. No decisions here. */
#include "core/model/cluster.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"

static const char *const cluster_names[CLUSTER_STATUSES] = {"INIT", "UP", "STOPPED", "REMOVED"};
static const char *const node_names[NODE_STATUSES] = {"INTENT", "PENDING", "RUNNING", "STOPPED", "GONE"};
static const char *const request_names[REQUEST_STATES] = {"PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"};
static const char *const job_names[JOB_STATUSES] = {"INIT", "PENDING", "SETTING_UP", "RUNNING", "SUCCEEDED", "FAILED",
    "FAILED_SETUP", "FAILED_DRIVER", "CANCELLED"};

static int name_index(const char *name, const char *const *names, int n)
{
	for (int i = 0; name && i < n; i++)
		if (!strcmp(names[i], name))
			return i;
	return 0;
}

const char *cluster_status_name(enum cluster_status s)
{
	return cluster_names[s];
}

const char *node_status_name(enum node_status s)
{
	return node_names[s];
}

const char *job_status_name(enum job_status s)
{
	return job_names[s];
}

const char *request_state_name(enum request_state s)
{
	return request_names[s];
}

enum cluster_status cluster_status_of(const char *name)
{
	return (enum cluster_status)name_index(name, cluster_names, CLUSTER_STATUSES);
}

enum node_status node_status_of(const char *name)
{
	return (enum node_status)name_index(name, node_names, NODE_STATUSES);
}

enum job_status job_status_of(const char *name)
{
	return (enum job_status)name_index(name, job_names, JOB_STATUSES);
}

enum request_state request_state_of(const char *name)
{
	return (enum request_state)name_index(name, request_names, REQUEST_STATES);
}

bool job_is_over(enum job_status s)
{
	return s >= JOB_SUCCEEDED;
}

bool request_is_over(enum request_state s)
{
	return s >= REQUEST_SUCCEEDED;
}

int job_exit_status(enum job_status s)
{
	return s == JOB_SUCCEEDED ? 0 : s == JOB_CANCELLED ? 103 : job_is_over(s) ? 100 : 101;
}

void own_str(char **slot, const char *text)
{
	char *copy = xstrdup(text); /* text may be *slot itself */
	free(*slot);
	*slot = copy;
}

void node_clear(struct node *n)
{
	free(n->token);
	free(n->provider_id);
	free(n->ip);
	free(n->silent_why);
	json_decref(n->reach);
	*n = (struct node){.rank = 0};
}

void cluster_destroy(struct cluster *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n_nodes; i++)
		node_clear(&c->nodes[i]);
	free(c->nodes);
	char *strings[] = {c->uid, c->name, c->user, c->project, c->reason, c->provider, c->region, c->zone, c->instance_type,
	    c->accelerator, c->price_source};
	for (size_t i = 0; i < ARRAY_LEN(strings); i++)
		free(strings[i]);
	json_decref(c->task);
	free(c);
}

void job_destroy(struct job *j)
{
	if (!j)
		return;
	free(j->key);
	free(j->name);
	free(j->user);
	free(j->reason);
	free(j);
}

void request_destroy(struct request *r)
{
	if (!r)
		return;
	char *strings[] = {r->verb, r->cluster, r->user, r->project, r->step, r->progress, r->err_text};
	for (size_t i = 0; i < ARRAY_LEN(strings); i++)
		free(strings[i]);
	json_decref(r->args);
	json_decref(r->data);
	json_decref(r->result);
	free(r);
}

void event_clear(struct event *e)
{
	free(e->cluster);
	free(e->kind);
	free(e->level);
	free(e->text);
	json_decref(e->data);
	*e = (struct event){.id = 0};
}

/* Money and times that are not known are null: never 0. */
static void put_price(json_t *j, const char *key, int64_t uusd)
{
	json_object_set_new(j, key, uusd == PRICE_UNKNOWN ? json_null() : json_integer(uusd));
}

static void put_time(json_t *j, const char *key, int64_t at_ms)
{
	json_object_set_new(j, key, at_ms ? json_integer(at_ms) : json_null());
}

static void put_micro(json_t *j, const char *key, int64_t micro)
{
	json_t *v = micro < 0 ? json_null() : micro % 1000000 ? json_real((double)micro / 1e6) : json_integer(micro / 1000000);
	json_object_set_new(j, key, v);
}

static json_t *nodes_to_json(const struct cluster *c)
{
	json_t *a = json_array();
	for (size_t i = 0; i < c->n_nodes; i++) {
		const struct node *n = &c->nodes[i];
		json_t *j = json_pack("{s:I, s:s}", "rank", (json_int_t)n->rank, "status", node_status_name(n->status));
		json_put_str(j, "id", n->provider_id);
		json_put_str(j, "ip", n->ip);
		put_time(j, "created_at", n->created_at_ms);
		json_array_append_new(a, j);
	}
	return a;
}

json_t *cluster_to_json(const struct cluster *c)
{
	json_t *j = json_object();
	json_put_str(j, "name", c->name);
	json_put_str(j, "status", cluster_status_name(c->status));
	json_put_str(j, "reason", c->reason);
	json_put_str(j, "provider", c->provider);
	json_put_str(j, "region", c->region);
	json_put_str(j, "zone", c->zone);
	json_put_str(j, "instance_type", c->instance_type);
	json_put_str(j, "accelerator", c->accelerator);
	put_micro(j, "accelerator_count", c->accelerator ? c->accel_count_micro : 0);
	put_micro(j, "vcpus", c->vcpus_micro);
	json_object_set_new(j, "mem_mib", c->mem_mib < 0 ? json_null() : json_integer(c->mem_mib));
	json_put_bool(j, "use_spot", c->use_spot);
	json_put_int(j, "num_nodes", (int64_t)c->n_nodes);
	put_price(j, "price_uusd_h", c->price_uusd_h);
	put_price(j, "total_uusd_h", c->price_uusd_h == PRICE_UNKNOWN ? PRICE_UNKNOWN : c->price_uusd_h * (int64_t)c->n_nodes);
	json_put_bool(j, "price_estimated", c->price_estimated);
	json_put_str(j, "price_source", c->price_source);
	json_object_set_new(j, "autostop", c->autostop_minutes < 0 ? json_null()
		: json_pack("{s:I, s:b, s:s*}", "idle_minutes", (json_int_t)c->autostop_minutes, "down", c->autostop_down, "wait_for",
		      c->autostop_wait_for));
	json_put_str(j, "user", c->user);
	json_put_str(j, "project", c->project);
	json_put_str(j, "id", c->uid);
	put_time(j, "created_at", c->created_at_ms);
	put_time(j, "launched_at", c->launched_at_ms);
	put_time(j, "updated_at", c->updated_at_ms);
	put_time(j, "removed_at", c->removed_at_ms);
	json_object_set_new(j, "nodes", nodes_to_json(c));
	return j;
}

json_t *job_to_json(const struct job *j)
{
	json_t *o = json_object();
	json_put_int(o, "job_id", j->id);
	json_put_str(o, "name", j->name);
	json_put_str(o, "user", j->user);
	json_put_str(o, "status", job_status_name(j->status));
	json_put_str(o, "reason", j->reason);
	put_time(o, "submitted_at", j->submitted_at_ms);
	put_time(o, "started_at", j->started_at_ms);
	put_time(o, "ended_at", j->ended_at_ms);
	json_object_set_new(o, "exit_code", j->exit_code < 0 ? json_null() : json_integer(j->exit_code));
	put_micro(o, "gpus", j->gpus_micro);
	json_put_int(o, "num_nodes", j->num_nodes);
	json_put_bool(o, "log_complete", j->log_complete);
	return o;
}

json_t *request_to_json(const struct request *r)
{
	json_t *j = json_object();
	json_put_int(j, "id", r->id);
	json_put_str(j, "verb", r->verb);
	json_put_str(j, "cluster", r->cluster);
	json_put_str(j, "user", r->user);
	json_put_str(j, "why", json_str(r->args, "why", NULL)); /* the engine's own: "idle", "left" */
	json_put_str(j, "state", request_state_name(r->state));
	json_put_str(j, "step", r->step);
	json_put_str(j, "progress", r->progress);
	json_put_bool(j, "cancel", r->cancel);
	json_object_set(j, "result", r->result ? r->result : json_null());
	json_object_set_new(j, "error", r->err_text ? json_pack("{s:s, s:o}", "code", err_info(r->err_code)->name, "message",
		json_foreign(r->err_text)) : json_null());
	put_time(j, "created_at", r->created_at_ms);
	put_time(j, "started_at", r->started_at_ms);
	put_time(j, "finished_at", r->finished_at_ms);
	return j;
}

json_t *event_to_json(const struct event *e)
{
	json_t *j = json_object();
	json_put_int(j, "id", e->id);
	json_put_int(j, "at", e->at_ms);
	json_put_str(j, "cluster", e->cluster);
	json_object_set_new(j, "request", e->request_id ? json_integer(e->request_id) : json_null());
	json_put_str(j, "kind", e->kind);
	json_put_str(j, "level", e->level);
	json_put_str(j, "text", e->text);
	json_object_set(j, "data", e->data ? e->data : json_null());
	return j;
}

int cluster_name_check(const char *name, struct err *err)
{
	size_t n = strlen(name);
	bool ok = n > 0 && n <= 63 && isalpha((unsigned char)name[0]) && name[n - 1] != '-' && name[n - 1] != '.';
	for (size_t i = 0; ok && i < n; i++)
		ok = isalnum((unsigned char)name[i]) || strchr("._-", name[i]);
	if (ok)
		return 0;
	struct str clean = str_new(200);
	text_clean(&clean, name, n);
	err_set(err, ERR_INVALID, "'%s' cannot be a cluster's name: it must begin with a letter, hold only letters, digits, '.', '_' and '-', "
				  "not end in '-' or '.', and have at most 63 characters", str_text(&clean));
	str_free(&clean);
	return -1;
}
