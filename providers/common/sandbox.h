/* Nodes that are folders on this machine, for providers whose cloud is this machine. For the cloud side only: it
 * blocks.
 *
 *   <state_dir>/lock               held (flock) while anything below changes
 *   <state_dir>/nodes/<id>/node.json   the record of a node; written whole or not at all; a folder without it is
 * garbage <state_dir>/nodes/<id>/home/       its home, 0700
 *
 * A record is a JSON object: "id", "token", "cluster", "name", "rank", "state", "boot_id", "ip", "gpus" (indices that
 * it holds), "created_at", "until_ms", "swept", "kernel_boot", and what the provider adds. States: RUNNING      its
 * processes carry SKYTOP_NODE_ID and SKYTOP_BOOT_ID, fresh at each start STOPPING → STOPPED, TERMINATING → gone,
 * PREEMPTED (home gone, record kept until it is terminated) A state that ends processes is written first and acted upon
 * then (sandbox_settle), so that whoever is killed in between leaves what the next call finishes. */
#ifndef PROVIDERS_COMMON_SANDBOX_H
#define PROVIDERS_COMMON_SANDBOX_H
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"

struct sandbox {
	char *dir, *nodes_dir;
	const char *provider; /* "local": ids begin with it */
	int lock_fd;
	int64_t now_ms;
	int64_t grace_ms; /* between TERM and KILL when a node is stopped or deleted */
	bool forgetful;	  /* records need not outlive a power cut, and are written faster */
	char *cluster;	  /* only this cluster was loaded; NULL: all */
	json_t *nodes;	  /* records, ordered by creation, rank and id */
};

/* Make the folders if need be, take the lock (waits up to 30 s, then TIMEOUT), clear garbage and load the records: of
 * one cluster, or all (cluster NULL). provider must outlive sb. */
int sandbox_open(struct sandbox *sb, const char *state_dir, const char *provider, const char *cluster, int64_t now_ms,
    struct err *err);
void sandbox_close(struct sandbox *sb);
/* Load again, with another choice of cluster. */
int sandbox_load(struct sandbox *sb, const char *cluster, struct err *err);

/* The record with that id, or with that token in that cluster; borrowed; NULL. */
json_t *sandbox_by_id(const struct sandbox *sb, const char *id);
json_t *sandbox_by_token(const struct sandbox *sb, const char *cluster, const char *token);
bool sandbox_in_cluster(const struct sandbox *sb, const json_t *rec, const char *cluster);
bool sandbox_state_is(const json_t *rec, const char *state);

/* A new node, in two steps, from a record that has at least cluster and token; all records must be loaded. First id,
 * boot_id, ip, created_at and state RUNNING are added to the record, folder and home are made; then it is written and
 * becomes one of sb->nodes. What is not finished is garbage. */
int sandbox_prepare(struct sandbox *sb, json_t *rec, struct err *err);
int sandbox_finish(struct sandbox *sb, json_t *rec, struct err *err);
/* "<nodes>/<id>/<name>" of a node; the caller frees. */
char *sandbox_path(const struct sandbox *sb, const json_t *rec, const char *name);
/* Write a changed record. */
int sandbox_save(struct sandbox *sb, json_t *rec, struct err *err);
/* Write a JSON file whole or not at all; durable: even if the power fails. Not for two writers at once. */
int sandbox_write(const char *path, const json_t *j, bool durable, struct err *err);
/* RUNNING again, in a new boot; saves. */
int sandbox_boot(struct sandbox *sb, json_t *rec, struct err *err);
/* Begin a state that ends processes: "STOPPING", "TERMINATING" or "PREEMPTED", complete at until_ms at the earliest;
 * saves. */
int sandbox_end(
    struct sandbox *sb, json_t *rec, const char *state, int64_t until_ms, const char *reason, struct err *err);
/* Finish what was begun, by this call or by one that was killed: end the processes of nodes in such states (the lock is
 * let go meanwhile), remove homes, complete the states whose time has come. Loads the records again, so borrowed ones
 * are void. The rest is done even when one node cannot be finished; then returns -1. */
int sandbox_settle(struct sandbox *sb, struct err *err);

/* The node as results show it: "status" and "reach" as given (reach false: null, and ip too). New reference. */
json_t *sandbox_result(const struct sandbox *sb, const json_t *rec, const char *status, bool reachable);
/* A number below `range` (> 0), the same for the same text. */
uint64_t sandbox_hash(const char *text, uint64_t seed);

#endif
