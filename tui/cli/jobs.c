/* queue, cancel: the jobs of a cluster. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/model/cluster.h"
#include "tui/cli/session.h"
#include "tui/cli/table.h"

static enum cli_tone tone_of(const char *status)
{
	enum job_status s = job_status_of(status);
	return s == JOB_SUCCEEDED ? TONE_GOOD : s == JOB_RUNNING || s == JOB_SETTING_UP ? TONE_ACCENT : s >= JOB_FAILED && s <= JOB_FAILED_DRIVER ? TONE_BAD : TONE_PLAIN;
}

static void job_row(struct table *t, const json_t *j, int64_t now)
{
	char buf[64];
	int64_t started = json_int(j, "started_at", 0), ended = json_int(j, "ended_at", 0);
	double gpus = json_number_value(json_object_get(j, "gpus"));
	const char *status = json_str(j, "status", "?");
	table_cellf(t, "%" PRId64, json_int(j, "job_id", 0));
	table_cell(t, json_str(j, "cluster", "-"));
	table_cell(t, json_str(j, "name", "-"));
	table_cell(t, json_str(j, "user", "-"));
	table_cell(t, ago_text(json_int(j, "submitted_at", 0), now, buf, sizeof buf));
	table_cell(t, ago_text(started, now, buf, sizeof buf));
	table_cell(t, started ? duration_text((ended ? ended : now) - started, buf, sizeof buf) : "-");
	char each[32] = "cpu";
	if (gpus > 0)
		snprintf(each, sizeof each, "%g gpu%s", gpus, gpus == 1 ? "" : "s");
	table_cellf(t, "%" PRId64 "x %s", json_int(j, "num_nodes", 1), each);
	table_cell_tone(t, tone_of(status), status);
	if (json_is_integer(json_object_get(j, "exit_code")))
		table_cellf(t, "%" PRId64, json_int(j, "exit_code", 0));
	else
		table_cell(t, "-");
	table_cell(t, json_str(j, "reason", NULL));
}

static json_t *gather_jobs(struct cli *c, struct client *cl, int *status)
{
	json_t *jobs = json_array(), *j;
	size_t i;
	if (!cli_n_args(c)) {
		json_decref(jobs);
		return session_call(c, cl, "queue", json_object(), status);
	}
	json_t *clusters = session_clusters(c, cl, 0, false, status);
	json_array_foreach(clusters, i, j) {
		json_t *some = session_call(c, cl, "queue", json_pack("{s:s}", "cluster", json_str(j, "name", "")), status);
		json_array_extend(jobs, some);
		json_decref(some);
	}
	if (!clusters) {
		json_decref(jobs);
		return NULL;
	}
	json_decref(clusters);
	return jobs;
}

static json_t *unfinished(json_t *jobs)
{
	json_t *out = json_array(), *j;
	size_t i;
	json_array_foreach(jobs, i, j)
		if (!job_is_over(job_status_of(json_str(j, "status", ""))))
			json_array_append(out, j);
	json_decref(jobs);
	return out;
}

static int run_queue(struct cli *c)
{
	struct err err;
	int status = 0;
	struct client *cl = session_open(c, true, &err);
	if (!cl)
		return cli_fail(c, &err);
	json_t *jobs = gather_jobs(c, cl, &status), *j;
	client_close(cl);
	if (!jobs)
		return status;
	if (cli_flag(c, "skip-finished"))
		jobs = unfinished(jobs);
	if (cli_json(c))
		return cli_print_json(c, jobs);
	struct table *t = table_create();
	static const char *const titles[] = {"ID", "CLUSTER", "NAME", "USER", "SUBMITTED", "STARTED", "DURATION", "RESOURCES", "STATUS", "EXIT"};
	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		table_column(t, titles[i], i ? 0 : TABLE_RIGHT);
	table_column(t, "REASON", TABLE_SHRINK);
	size_t i;
	int64_t now = wall_now_ms();
	json_array_foreach(jobs, i, j)
		job_row(t, j, now);
	if (!json_array_size(jobs))
		cli_note(c, "no jobs: skytop exec CLUSTER COMMAND runs one");
	json_decref(jobs);
	return cli_print_table(c, t);
}

static const struct option_spec queue_options[] = {CLI_FLAG('s', "skip-finished", "only jobs that wait or run"), CLI_END};

const struct verb verb_queue = {
    .name = "queue",
    .group = GROUP_CLUSTERS,
    .summary = "List the jobs of clusters.",
    .args = "[CLUSTER...]",
    .max_args = -1,
    .complete = COMPLETE_CLUSTER,
    .options = queue_options,
    .run = run_queue,
};

/* ---- cancel ------------------------------------------------------------------------------------------------------ */

static int cancel_args(struct cli *c, json_t *jobs)
{
	for (size_t i = 1; cli_arg(c, i); i++) {
		int64_t id;
		int status = session_job_arg(c, i, &id);
		if (status)
			return status;
		json_array_append_new(jobs, json_integer(id));
	}
	return 0;
}

static int run_cancel(struct cli *c)
{
	struct err err;
	bool all = cli_flag(c, "all");
	json_t *jobs = json_array(), *result = NULL;
	int status = cancel_args(c, jobs);
	if (!status && !all && !json_array_size(jobs))
		status = cli_usage(c, "say which jobs of %s, or --all", cli_arg(c, 0));
	if (!status)
		status = all ? cli_confirm(c, "Cancel all jobs of %s?", cli_arg(c, 0)) : 0;
	struct client *cl = status ? NULL : session_open(c, true, &err);
	if (!status && !cl)
		status = cli_fail(c, &err);
	if (!status)
		status = session_request(c, cl, "cancel", json_pack("{s:s, s:O, s:b}", "cluster", cli_arg(c, 0), "jobs", jobs, "all", all), &result);
	if (!status && result) {
		if (cli_json(c))
			cli_print_json(c, json_incref(result));
		else
			cli_note(c, "cancelled on %s: %zu job%s", cli_arg(c, 0), json_array_size(json_arr(result, "jobs")),
			    json_array_size(json_arr(result, "jobs")) == 1 ? "" : "s");
	}
	json_decref(result);
	json_decref(jobs);
	client_close(cl);
	return status;
}

static const struct option_spec cancel_options[] = {
    CLI_FLAG('a', "all", "every job that waits or runs"),
    CLI_YES,
    CLI_FLAG(0, "async", "print the request's id and do not wait", .negatable = true),
    CLI_END,
};

const struct verb verb_cancel = {
    .name = "cancel",
    .group = GROUP_CLUSTERS,
    .summary = "Cancel jobs: their processes are ended.",
    .args = "CLUSTER [JOB...]",
    .min_args = 1,
    .max_args = -1,
    .complete = COMPLETE_CLUSTER,
    .options = cancel_options,
    .run = run_cancel,
};
