/* What state.db says happened lately, for figures. Read-only; a few milliseconds: callers keep the answer for a while. */
#ifndef CORE_STORE_STATE_FIGURES_H
#define CORE_STORE_STATE_FIGURES_H
#include <stddef.h>
#include <stdint.h>

#include "core/store/state.h"

struct state_launch {
	char provider[32]; /* "" when it is not known any more */
	int64_t ms;	   /* from order to submitted job */
};

struct state_lately {
	int64_t jobs_succeeded, jobs_failed, jobs_cancelled;
	int64_t *queue_waits, *job_times; /* ms; of the newest 5,000 jobs at most */
	size_t n_queue_waits, n_job_times;
	int64_t launches_succeeded, launches_failed, launches_cancelled;
	struct state_launch *launches; /* that succeeded; the newest 200 at most */
	size_t n_launches;
	int64_t requests_failed, failovers, retries, hosts_lost;
};

/* 0, or -1 with err; then *out is empty. The caller frees with state_lately_clear either way. */
int state_lately(struct state *s, int64_t since_ms, struct state_lately *out, struct err *err);
void state_lately_clear(struct state_lately *l);

#endif
