/* One machine of a pool: what it is asked, and what it answers. The other side is share/agent/skytop-host. */
#ifndef PROVIDERS_SSH_HOST_H
#define PROVIDERS_SSH_HOST_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/provider.h"
#include "providers/ssh/pools.h"
#include "providers/ssh/shape.h"

/* share/agent/skytop-host, without its comments; made by the build. */
extern const char ssh_host_script[];

enum { HOST_DISK_MIN_MIB = 256, HOST_SKEW_MS = 5000 };

/* The command that runs a verb of the script, which goes in as its stdin. words: the verb and its arguments, NULL-terminated; quoted here.
 * keep: as a file, which the script keeps with the lease, so that it can end itself. */
const char *host_command(struct arena *a, const char *const *words, bool keep);

/* What a host answered, as JSON that can be kept from step to step:
 *   {"host": {…} or absent, "leases": […], "error": {"code","message"}, "asked": bool}
 * asked false: it was not reached, so that nothing is known. error.message names the host. New reference. */
json_t *host_read(struct arena *a, const struct pool_host *spec, const struct provider_ssh_reply *r);
/* Its error, or false when there is none. */
bool host_error(const json_t *reply, struct err *err);
bool host_asked(const json_t *reply);

struct host_gpu {
	int64_t index, mem_mib, free_milli;
	const char *model;
};

/* A host as the provider looks at it after a probe. Borrows from the arena, the spec and the reply. */
struct host {
	const struct pool_host *spec;
	const json_t *reply, *info;
	const char *why; /* why nothing is leased there now, as the end of a sentence; NULL: it can be used */
	const char *gpu_why; /* why its GPUs are not known; NULL */
	struct shape_host size;
	struct host_gpu gpus[POOLS_GPUS_MAX];
	size_t n_gpus;
	int64_t free_cpus, free_mem_mib; /* of those known */
	int64_t n_leases;		 /* that are not stopped */
};
void host_look(struct arena *a, const struct pool_host *spec, const json_t *reply, struct host *out);
/* Is there room for the shape now; would there be on an empty machine? */
bool host_has_room(const struct host *h, const struct shape *s);
bool host_could(const struct host *h, const struct shape *s);
/* How many GPUs of a model are wholly free. */
int64_t host_free_gpus(const struct host *h, const char *model);
/* "0,1,2": the indices of a model; "-" for none. */
const char *host_gpu_list(struct arena *a, const struct host *h, const char *model);

#endif
