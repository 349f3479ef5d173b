/* Names, units, explanations of the engine's figures, and how they are written. */
#include "core/plan/figures.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/num.h"

const struct figure_info figure_infos[FIGURES] = {
    [FIGURE_CLUSTERS_UP] = {"clusters_up", "clusters up", FIGURE_COUNT, "Clusters that are UP now."},
    [FIGURE_NODES_UP] = {"nodes_up", "nodes up", FIGURE_COUNT, "Nodes that run now, by their provider's last word."},
    [FIGURE_GPUS] = {"gpus", "GPUs heard of", FIGURE_COUNT, "GPUs that the nodes' agents reported in the last two minutes."},
    [FIGURE_GPUS_IDLE] = {"gpus_idle", "GPUs idle", FIGURE_COUNT, "Of these, those busy for less than a tenth of the time."},
    [FIGURE_GPU_USE] = {"gpu_use", "GPU use", FIGURE_PERCENT, "How busy these GPUs are: the mean of all of them."},
    [FIGURE_JOBS_ENDED] = {"jobs_ended", "jobs ended", FIGURE_COUNT, "Jobs that ended in the last 7 days, however they did."},
    [FIGURE_JOB_SUCCESS] = {"job_success", "job success", FIGURE_PERCENT,
	"Jobs of the last 7 days that succeeded, of those that succeeded or failed; cancelled ones are left out."},
    [FIGURE_QUEUE_WAIT_P50] = {"queue_wait_p50", "queue wait, median", FIGURE_MS,
	"Half of the jobs of the last 7 days waited no longer between submit and start."},
    [FIGURE_QUEUE_WAIT_P95] = {"queue_wait_p95", "queue wait, 95%", FIGURE_MS,
	"95 of 100 jobs of the last 7 days waited no longer between submit and start."},
    [FIGURE_JOB_TIME_P50] = {"job_time_p50", "job time, median", FIGURE_MS, "Half of the jobs that ended in the last 7 days ran no longer than that."},
    [FIGURE_LAUNCHES] = {"launches", "launches", FIGURE_COUNT, "Launches that ended in the last 7 days."},
    [FIGURE_LAUNCH_SUCCESS] = {"launch_success", "launch success", FIGURE_PERCENT,
	"Launches of the last 7 days that succeeded, of those that succeeded or failed."},
    [FIGURE_LAUNCH_P50] = {"launch_p50", "launch time, median", FIGURE_MS,
	"Half of the successful launches of the last 7 days took no longer from the order to a submitted job; by provider, too."},
    [FIGURE_LAUNCH_P95] = {"launch_p95", "launch time, 95%", FIGURE_MS,
	"95 of 100 successful launches of the last 7 days took no longer from the order to a submitted job; by provider, too."},
    [FIGURE_FAILOVERS] = {"failovers", "failovers", FIGURE_COUNT,
	"Times in the last 7 days that a place had no machine to give, and a launch went on to the next one."},
    [FIGURE_RETRIES] = {"retries", "launch retries", FIGURE_COUNT, "Times in the last 7 days that a launch found nothing anywhere and began again."},
    [FIGURE_RECOVERIES] = {"recoveries", "recoveries", FIGURE_COUNT,
	"Managed jobs that were moved on to another machine; unknown, since this version runs none."},
    [FIGURE_REQUESTS_OPEN] = {"requests_open", "requests open", FIGURE_COUNT, "Requests that wait or are being carried out now."},
    [FIGURE_REQUESTS_FAILED] = {"requests_failed", "requests failed", FIGURE_COUNT, "Requests that ended as FAILED in the last 7 days."},
    [FIGURE_HOSTS_LOST] = {"hosts_lost", "connections lost", FIGURE_COUNT, "Times in the last 7 days that a host stopped answering."},
    [FIGURE_NODES_SILENT] = {"nodes_silent", "nodes silent", FIGURE_COUNT, "Nodes of clusters that are up which do not answer just now."},
    [FIGURE_SILENCE_MAX] = {"silence_max", "longest silence", FIGURE_MS, "For how long the most silent of these has not been heard of."},
    [FIGURE_HEARTBEAT_AGE] = {"heartbeat_age", "oldest heartbeat", FIGURE_MS,
	"How old the last status of a head is, of all clusters that are up: a few seconds when all is well."},
    [FIGURE_LOG_BYTES] = {"log_bytes", "log bytes", FIGURE_BYTES, "Logs of the clusters there are, as kept on this machine."},
    [FIGURE_STATE_BYTES] = {"state_bytes", "state file", FIGURE_BYTES, "Size of state.db and its journal, in which the engine writes down what it knows and intends."},
    [FIGURE_LOOP_LAG_P95] = {"loop_lag_p95", "loop lag, 95%", FIGURE_MS,
	"How late the engine's own clock strikes, in 95 of 100 seconds of the last 5 minutes: time in which it answered nobody."},
    [FIGURE_LOOP_LAG_MAX] = {"loop_lag_max", "loop lag, worst", FIGURE_MS, "The worst of these in the last 5 minutes."},
    [FIGURE_ENGINE_RSS] = {"engine_rss", "engine memory", FIGURE_BYTES, "Memory that the engine holds."},
    [FIGURE_ENGINE_CPU] = {"engine_cpu", "engine CPU", FIGURE_PERCENT, "Time of one processor that the engine used, in the last minute or so."},
};

const char *figure_unit_name(enum figure_unit u)
{
	static const char *const names[] = {"count", "ms", "bytes", "percent"};
	return names[u];
}

static const char *ms_text(int64_t ms, char *buf, size_t size)
{
	if (ms < 1000)
		snprintf(buf, size, "%" PRId64 " ms", ms);
	else if (ms < 60000)
		snprintf(buf, size, "%" PRId64 ".%" PRId64 " s", ms / 1000, ms % 1000 / 100);
	else
		duration_text(ms, buf, size);
	return buf;
}

const char *figure_text(enum figure f, int64_t value, char *buf, size_t size)
{
	if (value < 0) {
		snprintf(buf, size, NUM_UNKNOWN);
		return buf;
	}
	switch (figure_infos[f].unit) {
	case FIGURE_MS:
		return ms_text(value, buf, size);
	case FIGURE_BYTES:
		return bytes_text(value, buf, size);
	case FIGURE_PERCENT:
		snprintf(buf, size, "%" PRId64 ".%" PRId64 "%%", value / 10, value % 10);
		return buf;
	case FIGURE_COUNT:
		break;
	}
	return count_text(value, buf, size);
}

const char *measure_text(int64_t tenths, char *buf, size_t size)
{
	if (tenths < 0)
		snprintf(buf, size, NUM_UNKNOWN);
	else
		snprintf(buf, size, "%" PRId64 "%%", (tenths + 5) / 10);
	return buf;
}

static int ascending(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return x < y ? -1 : x > y;
}

int64_t figure_quantile(int64_t *values, size_t n, int percent)
{
	if (!n)
		return FIGURE_UNKNOWN;
	qsort(values, n, sizeof *values, ascending);
	size_t rank = (n * (size_t)percent + 99) / 100;
	return values[rank ? rank - 1 : 0];
}

int64_t figure_share(int64_t part, int64_t whole)
{
	return whole > 0 ? (part * 1000 + whole / 2) / whole : FIGURE_UNKNOWN;
}
