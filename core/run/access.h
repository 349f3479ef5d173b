/* Logging in to nodes over SSH with keys of the cluster's own: what is installed on nodes so that the head reaches its workers and the user
 * any node. Nodes that are reached otherwise (folders of this machine) need none of it.
 *
 * Every node has a key pair of its own, because the folders of several nodes may lie in one account (a home on NFS, two addresses of one
 * machine) and sshd tells from the key alone which of them is meant. The private halves are here and on the head; they go with the cluster.
 *
 * Machines of clouds know nobody when they are made. For them there is one pair more, made before they are: its public half goes in by the
 * create call, its private half never leaves this machine; with it the engine logs in. */
#ifndef CORE_RUN_ACCESS_H
#define CORE_RUN_ACCESS_H
#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"
#include "core/base/str.h"
#include "core/io/ssh_config.h"
#include "core/model/cluster.h"

struct op;

/* Is the node reached over SSH? And any of the cluster's? */
bool access_by_ssh(const struct node *n);
bool access_any(const struct cluster *c);

/* Where the node's private key is here ("<data>/keys/clusters/UID/RANK"). Caller frees. */
char *access_key_path(const struct cluster *c, int64_t rank);
/* Of a cloud's cluster: make the pair that is missing, in a child; then fn, at once for other clusters. */
void access_make_cluster_key(struct op *op, void (*fn)(struct op *op));
/* Its public half, one line, named "skytop". Caller frees. NULL: there is none. */
char *access_cluster_key(const struct cluster *c, struct err *err);
/* The reach of a cloud's node, completed with that key and the name under which its host key is kept ("UID/RANK"), where it says neither.
 * New reference. */
json_t *access_complete(const struct cluster *c, int64_t rank, const json_t *reach);
/* The machines are gone (rank < 0: all of them): whoever comes under their names has other host keys. */
void access_forget_hosts(const struct cluster *c, int64_t rank);
/* Make the pairs that are missing, in a child; then fn. */
void access_make_keys(struct op *op, void (*fn)(struct op *op));
/* Delete them all. */
void access_forget_keys(const struct cluster *c);

/* For node i, when the agent is installed: files for ~/.skytop, added to a tar archive, and shell text for after they are there ($d is that
 * folder): logins, its key. 0, or -1 when a key cannot be read or what is known of the node cannot be written down. */
int access_install(struct str *out, struct str *files, const struct cluster *c, size_t i, struct err *err);
/* Shell text for the head: keys, pinned host keys, addresses; then it logs in to some workers once (the first, and all with two addresses), and fails
 * when one does not let it in. */
int access_head(struct str *out, const struct cluster *c, struct err *err);
/* Shell text that takes the cluster's keys out of the account's authorized_keys; never fails. */
void access_revoke(struct str *out, const struct cluster *c, size_t i);
/* The PREFIX of a worker in the agent's nodes file. */
void access_prefix(struct str *out, const struct node *n);

/* Whom to connect to for this reach, names of ~/.ssh/config looked up, all defaults filled in. The caller frees. NULL: not of kind ssh, or it
 * cannot be. */
struct ssh_target *access_target(const json_t *reach, struct err *err);

#endif
