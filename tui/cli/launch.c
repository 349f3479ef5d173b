/* launch and exec: from a task file or a command to a job's log on the screen. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "tui/cli/dryrun.h"
#include "tui/cli/launch.h"
#include "tui/cli/session.h"
#include "tui/cli/task_file.h"

enum { PLAN_MS = 60000 };

json_t *launch_clouds(struct cli *c)
{
	const char *list = cli_value(c, "clouds");
	if (!list)
		return NULL;
	json_t *a = json_array();
	for (const char *p = list; *p;) {
		size_t n = strcspn(p, ",");
		char *name = xstrndup(p, n);
		if (n)
			json_array_append_new(a, json_foreign(name));
		free(name);
		p += n + (p[n] == ',');
	}
	return a;
}

/* Follow the job that a request started, or say how it can be followed. */
static int after_submit(struct cli *c, struct client *cl, const json_t *result)
{
	const char *cluster = json_str(result, "cluster", "?");
	int64_t job = json_int(result, "job_id", 0);
	if (cli_json(c))
		cli_print_json(c, json_incref((json_t *)(uintptr_t)result));
	if (!job) {
		cli_note(c, "cluster %s is up", cluster);
		return 0;
	}
	if (cli_flag(c, "detach-run") || cli_json(c)) {
		cli_note(c, "job %" PRId64 " on %s. Its log: skytop logs %s %" PRId64, job, cluster, cluster, job);
		return 0;
	}
	return session_log(c, cl, &(struct session_log){.cluster = cluster, .job = job, .tail_lines = -1, .rank = -1, .follow = true});
}

static int request_and_follow(struct cli *c, struct client *cl, const char *verb, json_t *args)
{
	json_t *result;
	int status = session_request(c, cl, verb, args, &result);
	if (!status && result)
		status = after_submit(c, cl, result);
	json_decref(result);
	return status;
}

bool launch_exists(struct cli *c, struct client *cl, const char *name, int *status)
{
	bool found = false;
	size_t i;
	json_t *j, *clusters = session_call(c, cl, "status", json_object(), status);
	json_array_foreach(clusters, i, j)
		found = found || !strcmp(json_str(j, "name", ""), name);
	json_decref(clusters);
	return found;
}

static json_t *launch_args(struct cli *c, const struct dag *d, struct err *err)
{
	int64_t idle = -2;
	json_t *a = json_object(), *clouds = launch_clouds(c);
	if (cli_int(c, "idle-minutes-to-autostop", 0, 525600, &idle, err)) {
		json_decref(a);
		json_decref(clouds);
		return NULL;
	}
	json_object_set_new(a, "task", task_pack(&d->tasks[0]));
	if (cli_value(c, "cluster"))
		json_put_str(a, "cluster", cli_value(c, "cluster"));
	if (clouds)
		json_object_set_new(a, "clouds", clouds);
	json_put_bool(a, "no_setup", cli_flag(c, "no-setup"));
	json_put_bool(a, "retry_until_up", cli_flag(c, "retry-until-up"));
	if (idle == -2 && cli_flag(c, "down"))
		idle = 1; /* as soon as the job is over */
	if (idle != -2) {
		json_t *stop = json_pack("{s:I, s:b}", "idle_minutes", (json_int_t)(idle < 1 ? 1 : idle), "down", cli_flag(c, "down"));
		if (cli_value(c, "wait-for"))
			json_put_str(stop, "wait_for", cli_value(c, "wait-for"));
		json_object_set_new(a, "autostop", stop);
	}
	return a;
}

int launch_ask(struct cli *c, struct client *cl, const json_t *args)
{
	struct err err;
	json_t *params = json_object(), *clouds = json_object_get(args, "clouds");
	json_object_set(params, "task", json_object_get(args, "task"));
	if (clouds)
		json_object_set(params, "clouds", clouds);
	json_put_bool(params, "dryrun", cli_flag(c, "dryrun"));
	json_t *plan = client_call(cl, "plan", params, PLAN_MS, &err);
	if (!plan)
		return cli_fail(c, &err);
	if (cli_flag(c, "dryrun") && cli_json(c)) {
		cli_print_json(c, plan);
		return 0;
	}
	dryrun_print(c, plan);
	json_decref(plan);
	if (cli_flag(c, "dryrun"))
		return 0;
	return cli_confirm(c, "Launch%s%s?", cli_value(c, "cluster") ? " " : "", cli_value(c, "cluster") ? cli_value(c, "cluster") : "");
}

static int launch_with(struct cli *c, struct client *cl, const struct dag *d)
{
	struct err err;
	int status = 0;
	const char *name = cli_value(c, "cluster");
	json_t *args = launch_args(c, d, &err);
	if (!args)
		return cli_fail(c, &err);
	bool there = name && !cli_flag(c, "dryrun") && launch_exists(c, cl, name, &status);
	if (!status && there)
		cli_note(c, "cluster %s exists: the job goes there", name);
	else if (!status)
		status = launch_ask(c, cl, args);
	if (status || cli_flag(c, "dryrun")) {
		json_decref(args);
		return status;
	}
	return request_and_follow(c, cl, "launch", args);
}

static int run_launch(struct cli *c)
{
	struct err err;
	int status;
	bool prices_only = cli_flag(c, "dryrun") && cli_value(c, "clouds");
	if (cli_value(c, "wait-for") && !cli_value(c, "idle-minutes-to-autostop") && !cli_flag(c, "down"))
		return cli_usage(c, "--wait-for is about when it is idle, and nothing says after how long it is stopped: add -i MINUTES, or --down");
	struct dag *d = prices_only ? session_tasks(c, 0, &status) : session_task(c, 0, &status);
	if (!d)
		return status;
	if (prices_only) { /* as if exactly these clouds were enabled: no engine is needed */
		status = dryrun_plan(c, d);
		dag_destroy(d);
		return status;
	}
	struct client *cl = session_open(c, true, &err);
	status = cl ? launch_with(c, cl, d) : cli_fail(c, &err);
	client_close(cl);
	dag_destroy(d);
	return status;
}

static const struct option_spec launch_options[] = {
    CLI_VALUE('c', "cluster", "NAME", "name of the cluster; an existing one is used again", .complete = COMPLETE_CLUSTER),
    CLI_YES,
    CLI_FLAG(0, "dryrun", "show the plan, launch nothing"),
    CLI_FLAG('d', "detach-run", "do not follow the job's log"),
    CLI_FLAG(0, "async", "print the request's id and do not wait", .negatable = true),
    CLI_VALUE(0, "clouds", "A,B", "only these clouds (with --dryrun: as if they were enabled)", .complete = COMPLETE_CLOUD),
    CLI_VALUE(0, "minimize", "cost|time", "what --dryrun with --clouds minimizes"),
    CLI_VALUE('i', "idle-minutes-to-autostop", "MINUTES", "stop it when idle for so long"),
    CLI_FLAG(0, "down", "end it (instead of stopping) when idle"),
    CLI_VALUE(0, "wait-for", "jobs_and_ssh|jobs|none", "what keeps it from being idle"),
    CLI_FLAG('r', "retry-until-up", "go on trying until there is capacity"),
    CLI_FLAG(0, "no-setup", "leave the task's setup out"),
    TASK_FILE_OPTIONS,
    CLI_END,
};

const struct verb verb_launch = {
    .name = "launch",
    .group = GROUP_CLUSTERS,
    .summary = "Launch a cluster and run a task on it.",
    .args = "[TASK.yaml | COMMAND...]",
    .max_args = -1,
    .complete = COMPLETE_FILE,
    .takes_command = true,
    .options = launch_options,
    .help = "Shows the plan and asks, creates the nodes, syncs workdir and file mounts, runs setup and the job, and follows its log. The exit status is the "
	    "job's: 0, 100 (failed), 103 (cancelled). Ctrl-C ends the waiting, never the work.\n\n"
	    "The cheapest offer that fits is taken, of all machine types of the enabled clouds; a cloud that cannot do what is asked "
	    "(spot, several nodes, ports, images, disk tiers) is left out. A task that asks for no accelerators goes to a "
	    "general-purpose machine, with 8 vCPUs and 4 GB for each where nothing is asked. This machine is taken when it is asked "
	    "for (--infra local) or nothing else fits. What fails for lack of capacity is cleaned up, and the next best place is "
	    "tried.\n\n"
	    "--dryrun shows the plan and asks no cloud (of quotas it shows what was heard last, with its age), with --clouds for any "
	    "clouds, enabled or not, and for files of several tasks as well: tasks in "
	    "order are placed so that machines and the data that moves between them cost the least together, tasks side by side in "
	    "one region if there is one that has all they need.",
    .run = run_launch,
};

static int run_exec(struct cli *c)
{
	struct err err;
	int status;
	const char *cluster = cli_value(c, "cluster");
	size_t first = cluster ? 0 : 1;
	if (!cluster)
		cluster = cli_arg(c, 0);
	if (!cluster || !cli_arg(c, first))
		return cli_usage(c, "say on which cluster, and what: skytop exec CLUSTER TASK.yaml | COMMAND");
	struct dag *d = session_task(c, first, &status);
	if (!d)
		return status;
	struct client *cl = session_open(c, true, &err);
	if (cl)
		status = request_and_follow(c, cl, "exec", json_pack("{s:s, s:o}", "cluster", cluster, "task", task_pack(&d->tasks[0])));
	else
		status = cli_fail(c, &err);
	client_close(cl);
	dag_destroy(d);
	return status;
}

static const struct option_spec exec_options[] = {
    CLI_VALUE('c', "cluster", "NAME", "the cluster, instead of the first argument", .complete = COMPLETE_CLUSTER),
    CLI_FLAG('d', "detach-run", "do not follow the job's log"),
    CLI_FLAG(0, "async", "print the request's id and do not wait", .negatable = true),
    TASK_FILE_OPTIONS,
    CLI_END,
};

const struct verb verb_exec = {
    .name = "exec",
    .group = GROUP_CLUSTERS,
    .summary = "Run a job on a cluster that is up.",
    .args = "CLUSTER TASK.yaml | COMMAND...",
    .max_args = -1,
    .complete = COMPLETE_CLUSTER,
    .takes_command = true,
    .options = exec_options,
    .help = "Syncs the workdir and runs the task's `run` (no setup, no file mounts), then follows the log. Accelerators that the task names are what the job "
	    "gets of the cluster's: --gpus T4:0.5.",
    .run = run_exec,
};
