/* The processes of nodes that are folders on this machine: found by the mark that they carry in their environment,
 * ended to the last one. */
#ifndef PROVIDERS_COMMON_SWEEP_H
#define PROVIDERS_COMMON_SWEEP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

/* Environment variables that a node's reach gives to all that runs on it. */
#define SWEEP_NODE_ID "SKYTOP_NODE_ID"
#define SWEEP_BOOT_ID "SKYTOP_BOOT_ID"

struct sweep_mark {
	const char *node_id;
	const char *boot_id; /* only what was started in this boot; NULL: all of the node */
	const char *home;    /* the node's home: where pid files lie, on systems without /proc */
	bool by_cwd;	     /* also what works in home without a terminal: home is about to be deleted */
};

/* End every process of this user that carries one of the marks (or is meant by by_cwd), and what such processes
 * started: TERM, after grace_ms (0: at once) KILL, and again until none is left. Never this process nor those that it
 * descends from. Blocks, at most grace_ms and some seconds; processes that are left then are an error (TIMEOUT) that
 * names them. */
int sweep_processes(const struct sweep_mark *marks, size_t n, int64_t grace_ms, struct err *err);
/* How many there are now, zombies not counted; 0 where that cannot be told. */
size_t sweep_count(const struct sweep_mark *marks, size_t n);

#endif
