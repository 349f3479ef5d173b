/* A job as the agent wants it: run, setup, env and meta, put into the inbox and submitted by one script that the node's shell reads from
 * its stdin, so that no secret is ever in an argument list. */
#ifndef CORE_RUN_BUNDLE_H
#define CORE_RUN_BUNDLE_H
#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/model/cluster.h"
#include "core/model/task.h"

struct bundle {
	const struct task *task;
	const struct cluster *cluster;
	const char *key;   /* the client-chosen id of the submission */
	const char *user;
	bool with_setup, without_run;
	int64_t gpus_micro; /* a node */
	int64_t now_ms;
};

/* Append the script: it ends with the agent's answer to `submit` on stdout. */
void bundle_script(struct str *out, const struct bundle *b);
/* Append a script that leaves on node `rank` what an interactive shell needs to be where the task would run: ~/.skytop/debug, and the task's
 * environment beside it. Secrets are in it: for stdin only. */
void bundle_debug_script(struct str *out, const struct bundle *b, int64_t rank);
/* How many accelerators a node the task wants on this cluster: of the alternative that names the cluster's accelerator, else 0. */
int64_t bundle_gpus(const struct task *t, const struct cluster *c);

#endif
