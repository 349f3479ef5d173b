/* The figures of the engine, named and explained in one table: the screen, `skytop metrics` and its JSON all say what is said here. */
#ifndef CORE_PLAN_FIGURES_H
#define CORE_PLAN_FIGURES_H
#include <stddef.h>
#include <stdint.h>

enum figure {
	FIGURE_CLUSTERS_UP, FIGURE_NODES_UP, FIGURE_GPUS, FIGURE_GPUS_IDLE, FIGURE_GPU_USE,
	FIGURE_JOBS_ENDED, FIGURE_JOB_SUCCESS, FIGURE_QUEUE_WAIT_P50, FIGURE_QUEUE_WAIT_P95, FIGURE_JOB_TIME_P50,
	FIGURE_LAUNCHES, FIGURE_LAUNCH_SUCCESS, FIGURE_LAUNCH_P50, FIGURE_LAUNCH_P95, FIGURE_FAILOVERS, FIGURE_RETRIES, FIGURE_RECOVERIES,
	FIGURE_REQUESTS_OPEN, FIGURE_REQUESTS_FAILED, FIGURE_HOSTS_LOST, FIGURE_NODES_SILENT, FIGURE_SILENCE_MAX, FIGURE_HEARTBEAT_AGE,
	FIGURE_LOG_BYTES, FIGURE_STATE_BYTES, FIGURE_LOOP_LAG_P95, FIGURE_LOOP_LAG_MAX, FIGURE_ENGINE_RSS, FIGURE_ENGINE_CPU,
	FIGURES
};

/* Values are whole numbers of: things, milliseconds, bytes, tenths of a percent. */
enum figure_unit { FIGURE_COUNT, FIGURE_MS, FIGURE_BYTES, FIGURE_PERCENT };

enum { FIGURE_UNKNOWN = -1, FIGURES_DAYS = 7 /* of what is counted over time */ };

struct figure_info {
	const char *name;    /* "queue_wait_p95" */
	const char *title;   /* "queue wait, 95 of 100" */
	enum figure_unit unit;
	const char *explain; /* one sentence */
};
extern const struct figure_info figure_infos[FIGURES];

const char *figure_unit_name(enum figure_unit u); /* "count", "ms", "bytes", "percent" */
/* "12", "3m 4s", "48.1 MB", "97.5%"; unknown is "–". buf ≥ 32. */
const char *figure_text(enum figure f, int64_t value, char *buf, size_t size);
/* Tenths of a percent, as in rings.h: "87%", "–". buf ≥ 16. */
const char *measure_text(int64_t tenths, char *buf, size_t size);

/* The nearest-rank quantile of n values (sorted in place); FIGURE_UNKNOWN of none. percent 1…100. */
int64_t figure_quantile(int64_t *values, size_t n, int percent);
/* part of whole in tenths of a percent; FIGURE_UNKNOWN of nothing. */
int64_t figure_share(int64_t part, int64_t whole);

#endif
