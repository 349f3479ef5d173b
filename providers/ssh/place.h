/* Which hosts a cluster's nodes go to. Pure. */
#ifndef PROVIDERS_SSH_PLACE_H
#define PROVIDERS_SSH_PLACE_H
#include <stdbool.h>
#include <stddef.h>

#include "providers/ssh/host.h"

/* The host for one more node: the cheapest, of those the one that is left with the least (so that large leases find room
 * elsewhere), GPUs not wasted on who asks for none; taken[i] (n of them) rules host i out. -1: none has room. */
int place_one(const struct host *hosts, size_t n, const bool *taken, const struct shape *s);
/* How many could take one each. */
size_t place_count(const struct host *hosts, size_t n, const bool *taken, const struct shape *s);

#endif
