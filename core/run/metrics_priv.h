/* What metrics.c collects and metrics_answer.c says. */
#ifndef CORE_RUN_METRICS_PRIV_H
#define CORE_RUN_METRICS_PRIV_H
#include "core/run/run.h"
#include "core/store/state_figures.h"

struct rings;

/* The measures of one node. */
struct series {
	struct metrics *m;
	char *uid; /* of the cluster */
	int64_t rank;
	struct rings *rings;
	int64_t asked_ms;	   /* monotonic */
	int64_t net_at_ms;	   /* when the two were heard; 0: not yet */
	double net_in, net_out;	   /* bytes since the node started */
	int64_t gpus, gpus_idle; /* as last heard; -1: not yet */
	struct remote_call *call;
	int64_t gone_until_ms;	   /* the node is gone; so long (wall clock) its past is worth keeping. 0: it is there */
};

enum { LAGS = 300 };

struct metrics {
	struct series **series;
	size_t n, cap;
	int asking;	 /* calls under way */
	bool dirty;	 /* something was added since it was kept */
	int64_t kept_ms; /* all monotonic: */
	int64_t tick_ms, cpu_ms, cpu_at_ms, cpu_tenths;
	int32_t lags[LAGS]; /* ms, of the last seconds */
	size_t n_lags;	    /* so many in all */
	struct state_lately lately;
	int64_t lately_ms; /* when it was read; 0: never */
	int64_t log_bytes;
};

struct series *metrics_series(const struct metrics *m, const char *uid, int64_t rank); /* NULL */

#endif
