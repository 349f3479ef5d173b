/* The file that lists machines: pools of hosts, as ssh_pools.yaml (or SkyPilot's ssh_node_pools.yaml) has them. */
#ifndef PROVIDERS_SSH_POOLS_H
#define PROVIDERS_SSH_POOLS_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/mem.h"

enum { POOLS_HOSTS_MAX = 1000, POOLS_GPUS_MAX = 64 };

struct pool_host {
	const char *pool, *name; /* name: an address, or an alias of ~/.ssh/config */
	const char *user, *identity_file; /* NULL: as ssh would choose */
	int port;			  /* 0: not said */
	const json_t *jump;		  /* text for ProxyJump, or an object; NULL: none */
	bool password;			  /* the file has one, which cannot be used */
	int64_t price_uusd_h;		  /* of the whole machine */
	int64_t max_leases;		  /* -1: any number */
	int64_t gpus;			  /* how many are leased, whatever is there; -1: all that nvidia-smi names */
	const char *gpu_model;		  /* with gpus: their model, nvidia-smi is not believed; NULL */
};

struct pools {
	const char *path; /* of the file, for messages */
	struct pool_host *hosts;
	size_t n, n_pools;
	json_t *notes; /* what was passed over, texts; owned: pools_clear */
};

/* Read what the file says. All strings live in a, or in settings. Failure: INVALID, "FILE: my-pool.hosts[2].port: …". lenient: what is wrong is
 * noted and left out, for those who must find nodes that are there already. */
int pools_read(struct arena *a, const json_t *settings, const char *path, bool lenient, struct pools *out, struct err *err);
void pools_clear(struct pools *p);
/* NULL: not there (any more). */
const struct pool_host *pools_find(const struct pools *p, const char *pool, size_t pool_len, const char *name, size_t name_len);
bool pools_has(const struct pools *p, const char *pool);
/* How the host is reached: see core/run/remote.h. New reference. */
json_t *pool_reach(const struct pool_host *h);
/* "pool/host"; the arena's. */
const char *pool_host_id(struct arena *a, const struct pool_host *h);

#endif
