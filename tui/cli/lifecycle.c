/* stop, start, down, autostop: requests about clusters that are named. */
#include <inttypes.h>

#include "core/base/json.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "tui/cli/session.h"

#define LIFECYCLE_OPTIONS                                                                                                                  \
	CLI_FLAG('a', "all", "every cluster"), CLI_YES, CLI_FLAG(0, "async", "print the request's id and do not wait", .negatable = true)

static json_t *named(struct cli *c, const json_t *cluster)
{
	(void)c;
	return json_pack("{s:s}", "cluster", json_str(cluster, "name", ""));
}

static int run_stop(struct cli *c)
{
	return session_for_each(c, "stop", "Stop", named);
}

static const struct option_spec stop_options[] = {LIFECYCLE_OPTIONS, CLI_END};

const struct verb verb_stop = {
    .name = "stop",
    .group = GROUP_CLUSTERS,
    .summary = "Stop clusters; their disks stay.",
    .args = "CLUSTER...",
    .max_args = -1,
    .complete = COMPLETE_CLUSTER,
    .options = stop_options,
    .help = "Jobs that run are ended (FAILED_DRIVER). What is on the disks stays, and costs what disks cost. Names may hold * and ?.",
    .run = run_stop,
};

#define WAIT_FOR_OPTION CLI_VALUE(0, "wait-for", "jobs_and_ssh|jobs|none", "what keeps it from being idle; none: it stops then whatever runs")

static json_t *autostop_json(struct cli *c, int64_t minutes)
{
	json_t *a = json_pack("{s:I, s:b}", "idle_minutes", (json_int_t)minutes, "down", cli_flag(c, "down"));
	if (cli_value(c, "wait-for"))
		json_put_str(a, "wait_for", cli_value(c, "wait-for"));
	return a;
}

/* --idle-minutes and --down, as launch, start and autostop take them. NULL when neither was given. */
static json_t *autostop_args(struct cli *c, const char *minutes_option, struct err *err, int *rc)
{
	int64_t minutes = -2;
	*rc = cli_int(c, minutes_option, 0, 525600, &minutes, err);
	if (*rc || minutes == -2)
		return NULL;
	/* 0 would race with the job that is being submitted. */
	return autostop_json(c, minutes < 1 ? 1 : minutes);
}

static json_t *start_args(struct cli *c, const json_t *cluster)
{
	int rc;
	json_t *a = named(c, cluster), *autostop = autostop_args(c, "idle-minutes-to-autostop", NULL, &rc);
	if (autostop)
		json_object_set_new(a, "autostop", autostop);
	return a;
}

static int run_start(struct cli *c)
{
	struct err err;
	int rc;
	if (!cli_value(c, "idle-minutes-to-autostop") && (cli_value(c, "wait-for") || cli_flag(c, "down")))
		return cli_usage(c, "--wait-for and --down are about when it is idle, and nothing says after how long: add -i MINUTES");
	json_decref(autostop_args(c, "idle-minutes-to-autostop", &err, &rc));
	return rc ? cli_fail(c, &err) : session_for_each(c, "start", NULL, start_args);
}

static const struct option_spec start_options[] = {
    LIFECYCLE_OPTIONS,
    CLI_VALUE('i', "idle-minutes-to-autostop", "MINUTES", "stop it again when idle for so long"),
    CLI_FLAG(0, "down", "then end it instead of stopping it"),
    WAIT_FOR_OPTION,
    CLI_END,
};

const struct verb verb_start = {
    .name = "start",
    .group = GROUP_CLUSTERS,
    .summary = "Start stopped clusters where they are.",
    .args = "CLUSTER...",
    .max_args = -1,
    .complete = COMPLETE_CLUSTER,
    .options = start_options,
    .run = run_start,
};

static json_t *down_args(struct cli *c, const json_t *cluster)
{
	json_t *a = named(c, cluster);
	if (cli_flag(c, "purge"))
		json_put_bool(a, "purge", true);
	return a;
}

static int run_down(struct cli *c)
{
	return session_for_each(c, "down", "End for good, with all that is on their disks:", down_args);
}

static const struct option_spec down_options[] = {
    LIFECYCLE_OPTIONS,
    CLI_FLAG('p', "purge", "forget the cluster even if the cloud does not confirm its end (it may go on costing)"),
    CLI_END,
};

const struct verb verb_down = {
    .name = "down",
    .group = GROUP_CLUSTERS,
    .summary = "End clusters for good, disks and all.",
    .args = "CLUSTER...",
    .max_args = -1,
    .complete = COMPLETE_CLUSTER,
    .options = down_options,
    .help = "Done only when the provider says that nothing is left. Logs of jobs and what it cost are kept. A launch under way is cancelled first. Names may "
	    "hold * and ?.",
    .run = run_down,
};

static json_t *autostop_args_of(struct cli *c, const json_t *cluster)
{
	int rc;
	json_t *a = named(c, cluster), *autostop = cli_flag(c, "cancel") ? NULL : autostop_args(c, "idle-minutes", NULL, &rc);
	if (!autostop)
		autostop = autostop_json(c, cli_flag(c, "cancel") ? -1 : 5);
	json_object_set_new(a, "autostop", autostop);
	return a;
}

static int run_autostop(struct cli *c)
{
	struct err err;
	int rc;
	json_decref(autostop_args(c, "idle-minutes", &err, &rc));
	if (rc)
		return cli_fail(c, &err);
	if (cli_flag(c, "cancel") && (cli_value(c, "idle-minutes") || cli_value(c, "wait-for") || cli_flag(c, "down")))
		return cli_usage(c, "--cancel does not go with --idle-minutes, --wait-for and --down");
	return session_for_each(c, "autostop", NULL, autostop_args_of);
}

static const struct option_spec autostop_options[] = {
    LIFECYCLE_OPTIONS,
    CLI_VALUE('i', "idle-minutes", "MINUTES", "idle for so long; 5 when not given"),
    CLI_FLAG(0, "down", "end it instead of stopping it"),
    WAIT_FOR_OPTION,
    CLI_FLAG(0, "cancel", "switch autostop off"),
    CLI_END,
};

const struct verb verb_autostop = {
    .name = "autostop",
    .group = GROUP_CLUSTERS,
    .summary = "Have clusters stopped when they have been idle.",
    .args = "CLUSTER...",
    .max_args = -1,
    .complete = COMPLETE_CLUSTER,
    .options = autostop_options,
    .help = "Idle is a cluster on which no job runs or waits, nobody is logged in and no GPU is busy (below 10 % for 5 minutes); --wait-for jobs looks "
	    "at jobs alone, as is done on this machine when nothing is said. The minutes count from now on. The nodes look after it themselves when the engine is away.",
    .run = run_autostop,
};
