/* Logs of clusters that are gone do not stay for ever: those that are too old go, then the oldest while there are too many bytes. */
#ifndef CORE_RUN_LOGS_PRUNE_H
#define CORE_RUN_LOGS_PRUNE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct engine;

struct log_folder {
	char *name;	    /* the cluster's uid */
	int64_t newest_ms;  /* the youngest of its files */
	int64_t bytes;
	bool removed;	    /* out: is to go */
};

/* Mark what is to go. keep_ms, max_bytes < 0: without limit. Sorts the folders, oldest first. */
void logs_prune_choose(struct log_folder *folders, size_t n, int64_t now_ms, int64_t keep_ms, int64_t max_bytes);

/* Begin to look now and then (engine->setup says how long and how much). */
void logs_prune_start(struct engine *e);
void logs_prune_stop(struct engine *e);

#endif
