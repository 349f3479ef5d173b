/* Entries for ssh, so that plain `ssh CLUSTER`, scp, rsync and editors reach nodes: "<data>/ssh/config.d/CLUSTER" for each cluster with nodes
 * over SSH, and one Include line in ~/.ssh/config. Names are CLUSTER (the head) and CLUSTER-1 …; each also with .skytop behind it, which
 * alone is there when the plain one is taken, by another cluster or by a Host line of the user's own. */
#ifndef CORE_RUN_HOSTS_H
#define CORE_RUN_HOSTS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/str.h"
#include "core/io/ssh_config.h"
#include "core/model/cluster.h"

struct engine;

/* Bring the files in line with the clusters there are. Cheap when they are. What cannot be written is an event, once. */
void hosts_publish(struct engine *e);

/* "<data>/ssh/config.d/CLUSTER", and the name in it that is a node's for sure: "CLUSTER-1.skytop". Caller frees. */
char *hosts_path(const char *cluster);
char *hosts_name(const struct cluster *c, int64_t rank);
/* How a person gets into a node, for clients: {rank, status, id, ip, and ssh {config, host, key}, or enter: the script that a login runs}. */
json_t *hosts_login(const struct cluster *c, const struct node *n);

/* One entry: names as a Host line has them, the node's target completed, its jumps as entries of their own. key: what to log in with. 0, or
 * -1 (INVALID) when a value cannot stand in such a file. Pure. */
int hosts_entry(struct str *out, const char *names, const char *jump_name, const struct ssh_target *t, const char *key, struct err *err);
/* Does a config's text have a Host line with exactly this name? Pure. */
bool hosts_is_named(const char *config, size_t len, const char *name);
/* Does it have this Include line already? Pure. */
bool hosts_is_included(const char *config, size_t len, const char *line);

#endif
