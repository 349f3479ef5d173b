/* debug: a cluster as a task wants it, set up, and a shell in it instead of its run. */
#include <inttypes.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/num.h"
#include "tui/cli/launch.h"
#include "tui/cli/login.h"
#include "tui/cli/task_file.h"

enum { IDLE_MINUTES = 30 };

/* setup has run, or failed: either way the shell is where to look. Only a wait that was interrupted ends it. */
static int follow_setup(struct cli *c, struct client *cl, const char *cluster, int64_t job)
{
	if (!job)
		return 0;
	int status = session_log(c, cl, &(struct session_log){.cluster = cluster, .job = job, .tail_lines = -1, .rank = -1, .follow = true, .quiet_end = true});
	if (status == CLI_INTERRUPTED)
		return status;
	if (status)
		cli_note(c, "setup failed; its log: skytop logs %s %" PRId64, cluster, job);
	return 0;
}

static int enter(struct cli *c, struct client *cl, const char *cluster)
{
	/* Words that every login shell reads alike; the script is put there with the task. */
	static const char *const command[] = {"sh", ".skytop/debug", NULL};
	return login_exec(c, cl, &(struct login){.cluster = cluster, .node = cli_value(c, "node"), .command = command, .terminal = true});
}

static int launched(struct cli *c, struct client *cl, const json_t *result, int64_t idle)
{
	const char *cluster = json_str(result, "cluster", "?");
	int status = follow_setup(c, cl, cluster, json_int(result, "job_id", 0));
	if (status) {
		client_close(cl);
		return status;
	}
	char minutes[64];
	snprintf(minutes, sizeof minutes, "%" PRId64 " idle minute%s", idle, idle == 1 ? "" : "s");
	cli_note(c, "cluster %s is up. Back into this shell: skytop debug -c %s. It stops by itself after %s. To end it: skytop down %s", cluster, cluster,
	    minutes, cluster);
	return enter(c, cl, cluster);
}

static int launch(struct cli *c, struct client *cl, const struct dag *d, int64_t idle)
{
	int status = 0;
	const char *name = cli_value(c, "cluster");
	json_t *result = NULL, *args = json_pack("{s:o, s:b, s:b, s:{s:I, s:b, s:s, s:b}}", "task", task_pack(&d->tasks[0]), "debug", true, "no_setup",
	    cli_flag(c, "no-setup"), "autostop", "idle_minutes", (json_int_t)idle, "down", false, "wait_for", "jobs_and_ssh", "down_if_needed", true);
	json_t *clouds = launch_clouds(c);
	if (clouds)
		json_object_set_new(args, "clouds", clouds);
	if (name)
		json_put_str(args, "cluster", name);
	bool there = name && !cli_flag(c, "dryrun") && launch_exists(c, cl, name, &status);
	if (!status && !there)
		status = launch_ask(c, cl, args);
	if (status || cli_flag(c, "dryrun")) {
		json_decref(args);
		client_close(cl);
		return status;
	}
	status = session_request(c, cl, "launch", args, &result);
	if (status)
		client_close(cl);
	else
		status = launched(c, cl, result, idle);
	json_decref(result);
	return status;
}

static int run_debug(struct cli *c)
{
	struct err err;
	int status = 0;
	int64_t idle = IDLE_MINUTES;
	if (cli_int(c, "autostop", 1, 525600, &idle, &err))
		return cli_fail(c, &err);
	if (!cli_n_args(c) && !cli_value(c, "cluster"))
		return cli_usage(c, "say which task, or with -c which cluster that was made by debug");
	struct dag *d = cli_n_args(c) ? session_task(c, 0, &status) : NULL;
	if (status)
		return status;
	struct client *cl = session_open(c, true, &err);
	if (!cl)
		status = cli_fail(c, &err);
	else
		status = d ? launch(c, cl, d, idle) : enter(c, cl, cli_value(c, "cluster"));
	dag_destroy(d);
	return status;
}

static const struct option_spec debug_options[] = {
    CLI_VALUE('c', "cluster", "NAME", "name of the cluster; an existing one is used again", .complete = COMPLETE_CLUSTER),
    CLI_YES,
    CLI_VALUE(0, "autostop", "MINUTES", "stop it when idle for so long; 30 when not given"),
    CLI_VALUE(0, "node", "RANK", "the node to have the shell on; its head when not given"),
    CLI_FLAG(0, "no-setup", "leave the task's setup out"),
    CLI_FLAG(0, "dryrun", "show the plan, launch nothing"),
    CLI_FLAG(0, "async", "", .hidden = true),
    CLI_VALUE(0, "clouds", "A,B", "only these clouds", .complete = COMPLETE_CLOUD),
    TASK_FILE_OPTIONS,
    CLI_END,
};

const struct verb verb_debug = {
    .name = "debug",
    .group = GROUP_CLUSTERS,
    .summary = "Open a shell where a task would run.",
    .args = "[TASK.yaml | COMMAND...]",
    .max_args = -1,
    .complete = COMPLETE_FILE,
    .takes_command = true,
    .options = debug_options,
    .help = "Launches a cluster for the task, syncs its workdir and file mounts and runs its setup, but not its run: instead there is a shell in the workdir, "
	    "with the task's environment (envs, secrets, SKYPILOT_NODE_RANK and its like) exported. When setup fails the shell opens all the same. Leaving it "
	    "leaves the cluster; without a TASK, -c NAME opens the shell again. The cluster stops after 30 minutes without a job, a login or GPU use (is "
	    "ended, where the cloud cannot stop machines). The environment stays on the nodes, readable by the user alone, until the cluster is ended.",
    .run = run_debug,
};
