/* logs: a job's log, followed, in part, or as files. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/model/cluster.h"
#include "tui/cli/logs_sync.h"
#include "tui/cli/session.h"
#include "tui/cli/since.h"

static int only_status(struct cli *c, struct client *cl, const char *cluster, int64_t job)
{
	struct err err;
	json_t *j = client_call(cl, "log", json_pack("{s:s, s:I}", "cluster", cluster, "job", (json_int_t)job), 30000, &err);
	if (!j) {
		int status = cli_fail(c, &err);
		return err.code == ERR_NOT_FOUND ? CLI_JOB_NOT_FOUND : status;
	}
	int status = job_exit_status(job_status_of(json_str(j, "status", "")));
	if (cli_json(c)) {
		cli_print_json(c, j);
		return status;
	}
	printf("job %" PRId64 ": %s\n", json_int(j, "job_id", 0), json_str(j, "status", "?"));
	json_decref(j);
	return status;
}

/* What the options say; the exit status when they say nothing sensible, all said. */
static int read_options(struct cli *c, struct session_log *l)
{
	struct err err;
	const char *since = cli_value(c, "since");
	*l = (struct session_log){.cluster = cli_arg(c, 0), .tail_lines = -1, .rank = -1, .from_node = cli_flag(c, "from-node"), .setup = cli_flag(c, "setup"),
	    .timestamps = cli_flag(c, "timestamps"),
	    .follow = cli_tristate(c, "follow") >= 0};
	if (cli_int(c, "tail", -1, INT64_C(1) << 40, &l->tail_lines, &err) || cli_int(c, "rank", 0, 1000000, &l->rank, &err) ||
	    (since && since_parse(since, wall_now_ms(), &l->since_ms, &err)))
		return cli_fail(c, &err);
	if (l->setup && l->from_node)
		return cli_usage(c, "what setup said is always from the nodes: leave out --from-node");
	if (l->from_node && l->rank < 0)
		return cli_usage(c, "--from-node is about the log of one rank: say which with --rank");
	if (l->setup && (l->tail_lines >= 0 || since))
		return cli_usage(c, "--setup shows all that setup said: it goes with neither --tail nor --since");
	if (l->from_node && since)
		return cli_usage(c, "when a rank's own log was written is not known: --since goes with --rank, but not with --from-node");
	if (l->from_node && l->timestamps)
		return cli_usage(c, "when a rank's own log was written is not known: --timestamps goes with --rank, but not with --from-node");
	if (cli_n_args(c) > 2 && !cli_flag(c, "sync-down"))
		return cli_usage(c, "several jobs at once only with --sync-down");
	if ((cli_flag(c, "all") || cli_value(c, "dir")) && !cli_flag(c, "sync-down"))
		return cli_usage(c, "--all and --dir are about --sync-down");
	if (cli_flag(c, "all") && cli_n_args(c) > 1)
		return cli_usage(c, "say which jobs, or --all");
	return session_job_arg(c, 1, &l->job);
}

/* What setup said on the nodes of a cluster of several: from each node, one after the other. */
static int setup_of_nodes(struct cli *c, struct client *cl, const struct session_log *l, int64_t nodes)
{
	int worst = 0;
	int64_t bytes = 0;
	for (int64_t r = l->rank < 0 ? 0 : l->rank; r < nodes && (l->rank < 0 || r == l->rank); r++) {
		struct session_log one = *l;
		struct session_copied done;
		struct err err;
		one.rank = r;
		one.from_node = one.quiet_end = true;
		if (l->rank < 0)
			cli_note(c, "node %" PRId64 ":", r);
		if (session_log_to(c, cl, &one, stdout, &done, &err)) {
			worst = err.code == ERR_NOT_FOUND ? worst : cli_fail(c, &err); /* the job was not on that node */
			continue;
		}
		if (done.interrupted)
			return CLI_INTERRUPTED;
		bytes += done.at;
	}
	if (!worst && !bytes)
		cli_note(c, "nothing was said by a setup of job %" PRId64 " on %s", l->job, l->cluster);
	return worst;
}

static int setup_log(struct cli *c, struct client *cl, const struct session_log *l)
{
	struct err err;
	json_t *j = client_call(cl, "log", json_pack("{s:s, s:I}", "cluster", l->cluster, "job", (json_int_t)l->job), 30000, &err);
	if (!j)
		return session_log(c, cl, l); /* which says why */
	struct session_log one = *l;
	int64_t nodes = json_int(j, "nodes", json_int(j, "num_nodes", 1));
	int status = job_exit_status(job_status_of(json_str(j, "status", "")));
	one.job = json_int(j, "job_id", 0);
	json_decref(j);
	if (nodes < 2)
		return session_log(c, cl, &one);
	int failed = setup_of_nodes(c, cl, &one, nodes);
	return failed ? failed : status;
}

static int run_logs(struct cli *c)
{
	struct err err;
	struct session_log l;
	int status = read_options(c, &l);
	if (status)
		return status;
	struct client *cl = session_open(c, true, &err);
	if (!cl)
		return cli_fail(c, &err);
	if (cli_flag(c, "sync-down"))
		status = logs_sync_down(c, cl, l.cluster);
	else if (cli_flag(c, "status") || cli_json(c))
		status = only_status(c, cl, l.cluster, l.job);
	else
		status = l.setup ? setup_log(c, cl, &l) : session_log(c, cl, &l);
	client_close(cl);
	return status;
}

static const struct option_spec logs_options[] = {
    CLI_FLAG(0, "follow", "go on until the job is over (this is what happens without it, too)", .negatable = true),
    CLI_VALUE(0, "tail", "N", "begin with the last N lines"),
    CLI_VALUE(0, "since", "TIME", "begin with what was written since then: 90s, 10m, 2h30m, 3d ago, or a time as 2026-11-25T21:30:00Z"),
    CLI_FLAG('t', "timestamps", "begin each line with when it came to the engine"),
    CLI_VALUE(0, "rank", "R", "only the lines of this rank"),
    CLI_FLAG(0, "from-node", "with --rank: the rank's own log, unlabelled, as it is on its node"),
    CLI_FLAG(0, "setup", "only what setup said, on each node or on that of --rank"),
    CLI_FLAG(0, "status", "only say how the job stands, by the exit status too"),
    CLI_FLAG('s', "sync-down", "write whole logs to files, of several jobs if several are named, and of every rank"),
    CLI_FLAG('a', "all", "with --sync-down: of all jobs of the cluster"),
    CLI_VALUE(0, "dir", "DIR", "with --sync-down: the folder for the files (default: this one)", .complete = COMPLETE_DIR),
    CLI_END,
};

const struct verb verb_logs = {
    .name = "logs",
    .group = GROUP_CLUSTERS,
    .summary = "Show and follow a job's log.",
    .args = "CLUSTER [JOB...]",
    .min_args = 1,
    .max_args = -1,
    .complete = COMPLETE_CLUSTER,
    .options = logs_options,
    .help = "Without JOB the newest one. A terminal gets text and colours (with --no-color, text); a file or a pipe gets the job's own bytes. The exit status "
	    "is the job's: 0 succeeded, 100 failed, 101 not finished, 102 not found, 103 cancelled. Ctrl-C never ends the job.\n\n"
	    "Logs stay when the cluster is gone: CLUSTER is then its name (the newest of that name is meant) or its id. They are kept for "
	    "logs.keep_days, and logs.keep_gb of them at most.",
    .run = run_logs,
};
