/* What the engine looks after: clusters, their nodes, jobs on them, requests and events. Plain structs with the tables that name
 * their states; core/store/state.c keeps them, core/run changes them, core/api prints them. Strings are owned by the struct. */
#ifndef CORE_MODEL_CLUSTER_H
#define CORE_MODEL_CLUSTER_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/num.h"

/* INIT means unsure: always followed by a reconcile. A removed cluster stays in state.db for cost and logs. */
enum cluster_status { CLUSTER_INIT, CLUSTER_UP, CLUSTER_STOPPED, CLUSTER_REMOVED, CLUSTER_STATUSES };
/* INTENT: committed before the provider was asked; whether it exists is not known. GONE: the provider said so. */
enum node_status { NODE_INTENT, NODE_PENDING, NODE_RUNNING, NODE_STOPPED, NODE_GONE, NODE_STATUSES };
enum job_status {
	JOB_INIT,
	JOB_PENDING,
	JOB_SETTING_UP,
	JOB_RUNNING,
	JOB_SUCCEEDED,
	JOB_FAILED,
	JOB_FAILED_SETUP,
	JOB_FAILED_DRIVER,
	JOB_CANCELLED,
	JOB_STATUSES
};
enum request_state { REQUEST_PENDING, REQUEST_RUNNING, REQUEST_SUCCEEDED, REQUEST_FAILED, REQUEST_CANCELLED, REQUEST_STATES };

const char *cluster_status_name(enum cluster_status s);
const char *node_status_name(enum node_status s);
const char *job_status_name(enum job_status s);
const char *request_state_name(enum request_state s);
/* The state of a name; the first (unsure) one for a name that is none. */
enum cluster_status cluster_status_of(const char *name);
enum node_status node_status_of(const char *name);
enum job_status job_status_of(const char *name);
enum request_state request_state_of(const char *name);

bool job_is_over(enum job_status s);
bool request_is_over(enum request_state s);
/* What a command that followed the job ends with: 0, 100, 101 (not over), 103 (cancelled). */
int job_exit_status(enum job_status s);

struct node {
	int64_t rank;
	enum node_status status;
	char *token;	   /* the client token its creation was asked with; unique for ever */
	char *provider_id; /* NULL while not known */
	char *ip;
	json_t *reach;	   /* how commands get there; NULL while not known */
	int64_t created_at_ms, gone_at_ms;
	int64_t ledger_id; /* the open ledger interval; 0: none */
	bool ledger_disk;  /* it is its disk's: the machine is stopped */
	/* It could not be asked since then, and why; 0: it could. Not kept in state.db. */
	int64_t silent_since_ms;
	char *silent_why;
};

struct cluster {
	int64_t id;
	char *uid;	   /* globally unique, what providers' tags carry */
	char *name, *user, *project;
	enum cluster_status status;
	char *reason;	   /* why it is as it is, for people; NULL */
	char *provider, *region, *zone, *instance_type;
	char *accelerator; /* NULL: none */
	int64_t accel_count_micro, vcpus_micro, mem_mib;
	bool use_spot, price_estimated;
	int64_t price_uusd_h; /* of one node */
	char *price_source;
	json_t *task;	   /* the task it was launched with, without secrets; NULL when adopted */
	int64_t autostop_minutes; /* -1: off */
	bool autostop_down;
	char *autostop_wait_for; /* "jobs_and_ssh", "jobs", "none": what keeps it from being idle; NULL: nobody said */
	struct node *nodes;
	size_t n_nodes;
	int64_t created_at_ms, launched_at_ms, updated_at_ms, removed_at_ms;
};

struct job {
	int64_t cluster_id, id; /* id: the agent's, 1… */
	char *key;		/* what it was submitted under: makes submitting idempotent */
	char *name, *user;
	enum job_status status;
	char *reason;		/* why it ended as it did, for people; NULL: nothing was said */
	int64_t submitted_at_ms, started_at_ms, ended_at_ms;
	int64_t exit_code;	/* -1: none */
	int64_t gpus_micro;
	int64_t num_nodes;
	bool log_complete;	/* all of its log is in the spool, or no more can come */
	int64_t log_bytes;	/* so long it is on the node, as last told by this one; 0: not known. Not kept */
	int64_t request_id;
};

struct request {
	int64_t id;
	char *verb, *cluster, *user, *project;
	enum request_state state;
	json_t *args;	/* as accepted, secrets taken out */
	char *step;	/* the step that is under way, persisted before it acts; NULL before the first */
	json_t *data;	/* the operation's own, an object */
	char *progress; /* for people; NULL */
	json_t *result; /* NULL */
	enum err_code err_code;
	char *err_text;
	bool cancel;	/* somebody asked to stop */
	int64_t created_at_ms, started_at_ms, finished_at_ms;
};

struct event {
	int64_t id, at_ms;
	int64_t cluster_id, request_id; /* 0: none */
	char *cluster;			/* name; NULL */
	char *kind;			/* "cluster.up", "launch.step", "provision.failed" … */
	char *level;			/* "info", "warn", "error" */
	char *text;
	json_t *data;			/* NULL */
};

/* Replace an owned string. */
void own_str(char **slot, const char *text);

/* Free what they own; destroy frees the object as well, and NULL is fine there. */
void node_clear(struct node *n);
void cluster_destroy(struct cluster *c);
void job_destroy(struct job *j);
void request_destroy(struct request *r);
void event_clear(struct event *e);

/* For clients: status, queue, requests, events. New references. now_ms gives durations their end. */
json_t *cluster_to_json(const struct cluster *c);
json_t *job_to_json(const struct job *j);
json_t *request_to_json(const struct request *r);
json_t *event_to_json(const struct event *e);

/* A cluster name: [a-zA-Z][a-zA-Z0-9._-]*, at most 63, not ending in - or . */
int cluster_name_check(const char *name, struct err *err);

#endif
