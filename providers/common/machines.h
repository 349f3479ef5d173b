/* The verbs that make, show, start, stop and end nodes, for clouds whose machines are sandboxes on this machine. What
 * differs from cloud to cloud is behind hooks. */
#ifndef PROVIDERS_COMMON_MACHINES_H
#define PROVIDERS_COMMON_MACHINES_H
#include <jansson.h>

#include "core/base/err.h"
#include "providers/common/requests.h"
#include "providers/common/sandbox.h"

/* All are called with the lock held; arg is the cloud's own. */
struct machine_cloud {
	const char *name;
	int64_t grace_ms; /* between TERM and KILL */
	bool forgetful;	  /* see sandbox.h */
	/* May n more nodes like this record run now? All records are loaded. CAPACITY, QUOTA, INVALID… if not. like may
	 * be completed (a zone chosen). */
	int (*admit)(void *arg, const struct sandbox *sb, json_t *like, size_t n, struct err *err);
	/* A node is about to be made (made: how many this call has made so far) or started: put in what it gets: GPUs,
	 * its price. Failure ends the call. */
	int (*equip)(void *arg, const struct sandbox *sb, json_t *rec, size_t made, struct err *err);
	/* What time does to nodes (reclaims), before anything else. May be NULL. */
	int (*progress)(void *arg, struct sandbox *sb, struct err *err);
	/* PENDING or RUNNING, of a record that is RUNNING. NULL: RUNNING. */
	const char *(*status)(void *arg, const struct sandbox *sb, const json_t *rec);
	/* How long it takes from stop or terminate until the cloud says so. NULL: no time. */
	int64_t (*end_ms)(void *arg, enum provider_verb verb);
};

/* Serve CREATE, QUERY, START, STOP or TERMINATE. New reference, NULL with err. */
json_t *machines_serve(const struct machine_cloud *cloud, void *arg, const struct request *r, struct err *err);

#endif
