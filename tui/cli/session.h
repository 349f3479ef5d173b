/* What verbs that talk to the engine share: the connection, a request followed to its end as a checklist, a job's log followed, names of
 * clusters with globs, and the options that change a task. */
#ifndef TUI_CLI_SESSION_H
#define TUI_CLI_SESSION_H
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/api/client.h"
#include "core/model/cluster.h"
#include "core/model/task.h"
#include "tui/cli/cli.h"

/* Connect, starting the engine if there is none and `start` says so. NULL after cli_fail-worthy err. */
struct client *session_open(struct cli *c, bool start, struct err *err);

/* Call and print an error; NULL: *status is what to end with. params stolen. */
json_t *session_call(struct cli *c, struct client *cl, const char *method, json_t *params, int *status);

/* Submit a request. With --async prints its id and stops. Else follows it: steps with their times on stderr as they end, warnings as they
 * come. 0 and *result (new reference; NULL with --async), or the exit status to end with, all said. Ctrl-C ends the wait (130), with a hint;
 * the request goes on. args stolen. */
int session_request(struct cli *c, struct client *cl, const char *verb, json_t *args, json_t **result);

/* The i-th argument as the number of a job; 0 when it is not there. 0, or the exit status, all said. */
int session_job_arg(struct cli *c, size_t i, int64_t *job);

struct session_log {
	const char *cluster;
	int64_t job;	    /* 0: the newest */
	int64_t tail_lines; /* -1: all */
	int64_t since_ms;   /* 0: from the beginning */
	int64_t rank;	    /* -1: all */
	bool from_node;	    /* the rank's own log, as it is on its node, instead of its lines in the merged one */
	bool setup;	    /* only what setup said */
	bool timestamps;    /* each line begins with when it came to the engine */
	bool follow;
	bool quiet_end;	    /* do not say how it ended */
};
/* The log to stdout; with follow until the job is over, without it as far as the node has it now. The exit status of the job (0 100 101
 * 102 103), or 130. */
int session_log(struct cli *c, struct client *cl, const struct session_log *l);

struct session_copied {
	int64_t job, ranks, at;
	enum job_status status;
	bool complete, cut, interrupted;
};
/* The same into a file, saying on a terminal how far it is. 0, or -1 with err, NOT_FOUND when there is no such job. What could not be
 * written is in ferror(to). */
int session_log_to(struct cli *c, struct client *cl, const struct session_log *l, FILE *to, struct session_copied *ret, struct err *err);

/* Clusters named by the arguments (globs allowed) or by --all: an array of status objects. NULL: *status is what to end with, all said.
 * Nothing matching a plain name is an error; a glob that matches nothing too. */
json_t *session_clusters(struct cli *c, struct client *cl, size_t first_arg, bool all, int *status);

/* Do verb for each of these clusters, after asking; side by side. args_of makes the arguments for one. */
int session_for_each(struct cli *c, const char *verb, const char *doing, json_t *(*args_of)(struct cli *c, const json_t *cluster));

/* "8x H100, p5.48xlarge" and the like for a cluster object; buf ≥ 160. */
const char *session_resources(const json_t *cluster, char *buf, size_t size);
/* "aws (us-east-1a)"; buf ≥ 160. */
const char *session_infra(const json_t *cluster, char *buf, size_t size);

/* The task that the arguments from first_arg on give: a YAML file, or a command; none at all is an empty task. Relative paths in it are
 * made absolute (the engine works elsewhere). NULL: *status is what to end with. The caller destroys the dag. */
struct dag *session_task(struct cli *c, size_t first_arg, int *status);
/* The same, but the file may hold several tasks: for what only looks at them. */
struct dag *session_tasks(struct cli *c, size_t first_arg, int *status);

#endif
