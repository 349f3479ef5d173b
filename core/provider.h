/* The provider contract. A provider is a const table; core receives the array of them and includes none.
 *
 * Step functions do no I/O. A call goes: core makes a `struct provider_call` with the verb and its arguments and calls step()
 * with reply NULL; the step fills `request` and returns PROVIDER_REQUEST; core sends it (with deadline, retry, throttle, trace,
 * redaction: once, for all providers) and calls step() again with the reply; and so on, until PROVIDER_DONE with `result` set,
 * or PROVIDER_FAILED with a typed error. Any call may be repeated from the top after a lost reply: create looks up by token
 * before it creates, stop/start/terminate are idempotent.
 *
 * Requests are HTTP for clouds, SSH for machines that the user owns, or EXEC: a child process that is given JSON on stdin and prints JSON on stdout. Two providers are
 * "clouds" on this machine, local and sim; their cloud side is a child of the same binary (`skytop cloud-side NAME`), so that killing
 * the engine at any instruction leaves them as a real cloud would be left. */
#ifndef CORE_PROVIDER_H
#define CORE_PROVIDER_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/mem.h"

enum provider_verb {
	PROVIDER_CHECK,	    /* are there credentials, who am I */
	PROVIDER_OFFERS,    /* what is sold now */
	PROVIDER_CREATE,    /* make the nodes of a cluster that are not there yet */
	PROVIDER_QUERY,	    /* the nodes of one cluster, or all that skytop made; always the cloud, never a cache */
	PROVIDER_START,
	PROVIDER_STOP,
	PROVIDER_TERMINATE, /* done only when the cloud says they are gone, or were never there */
	PROVIDER_VERBS
};

/* What a provider can do. */
enum {
	PROVIDER_CAN_STOP = 1 << 0,
	PROVIDER_CAN_SPOT = 1 << 1,
	PROVIDER_CAN_MULTI_NODE = 1 << 2,
	PROVIDER_CAN_PORTS = 1 << 3,
	PROVIDER_CAN_IMAGES = 1 << 4,
	PROVIDER_CAN_DISK_TIERS = 1 << 5,
	PROVIDER_CAN_SPOT_CAP = 1 << 6,
	PROVIDER_TELLS_STOCK = 1 << 7, /* its offers say what is free at this moment: what failed for one request may do for the next */
};

enum provider_request_kind { PROVIDER_HTTP, PROVIDER_EXEC, PROVIDER_SSH };

/* A command for one host, for its user's POSIX shell; core connects, shares connections and backs off. */
struct provider_ssh {
	const json_t *reach; /* as in a node: {"kind":"ssh", …} */
	const char *command, *input; /* input: its stdin; NULL: empty */
};

/* What became of it, in the order asked. */
struct provider_ssh_reply {
	enum err_code code; /* ERR_NONE: the command ran and status says how it ended; else it could not be asked, or no end was seen */
	const char *err_text;
	int status; /* exit status; -1: a signal */
	const char *out; /* NUL-terminated */
	size_t out_len;
	const char *complaint; /* the end of its stderr; "" */
};

/* All strings live in the call's arena. */
struct provider_request {
	enum provider_request_kind kind;
	const char *method, *url;     /* HTTP */
	const char *const *headers;   /* "Name: value", NULL-terminated */
	const char *const *argv;      /* EXEC, NULL-terminated */
	const char *body;	      /* HTTP body, EXEC stdin; NULL: none */
	size_t body_len;
	const struct provider_ssh *hosts; /* SSH: all asked at once */
	size_t n_hosts;
	int64_t timeout_ms;	      /* 0: 60 s; of each host */
	bool anew;		      /* SSH: try hosts at once that did not answer a moment ago */
};

struct provider_reply {
	int status;	   /* HTTP status; EXEC exit status, -1 for a signal or a deadline */
	const char *body;  /* NUL-terminated */
	size_t body_len;
	const char *retry_after; /* HTTP; "" */
	const char *complaint;	 /* EXEC: the end of stderr; "" */
	const struct provider_ssh_reply *hosts; /* SSH */
	size_t n_hosts;
};

/* Where a provider lives on this machine; given by core. */
struct provider_env {
	const char *self;	/* path of this program */
	const char *state_dir;	/* "<state>/NAME": the provider's own folder; made by its cloud side when needed */
	const json_t *config;	/* the provider's section of config.yaml; may be NULL */
	const json_t *settings; /* what its settings file says; NULL: there is none */
	const char *settings_path;
	int64_t now_ms;
};

/* Arguments and results are JSON objects.
 *
 * A node, in results:
 *   {"id": provider's own id, "token": as given, "cluster": cluster id, "name": cluster name, "rank": 0…, "status": "PENDING" |
 *    "RUNNING" | "STOPPING" | "STOPPED" | "TERMINATED" (only if the cloud still lists it) | "PREEMPTED", "ip": internal address or null,
 *    "reach": how to run commands there or null while not known — see core/run/remote.h —,
 *    "tags": {...} as given at create, "created_at": ms, "price_uusd_h": what it costs now or null, "instance_type", "region", "zone",
 *    "use_spot", "reason": text or null}
 *
 * CHECK      {} or {"settings": as if its file said so}     → {"enabled": bool, "identity": text or null, "reason": text or null, more of its own}
 * OFFERS     {}                                             → {"offers":[{"instance_type","accelerator"|null,"accelerator_count","gpu_mem_mib",
 *                                                              "vcpus","mem_mib","region","zone","price_uusd_h"|null,"spot_uusd_h"|null,
 *                                                              "available":"yes|low|no|unknown"}], "source": text, "silent": [what of it did not answer]
 *                                                              or absent}
 * CREATE     {"cluster": id, "name": name, "nodes":[{"token","rank"}…], "instance_type","region","zone","use_spot","accelerator","accelerator_count",
 *             "disk_size_gib","price_uusd_h", "max_price_uusd_h"|null,"tags":{…},"labels":{…},
 *             "silent":[as OFFERS said]}   → {"nodes":[node…]} one per token given, made or found.
 *             All or an error; what was made before the error is for the caller to clean up (by TERMINATE).
 * QUERY      {"cluster": id, "ids":[known…]} or {} (all of this user's) → {"nodes":[…]}; a known one that cannot be asked about now is
 *                                                              {"id","status":"UNKNOWN","reason"}: not gone
 * START/STOP {"cluster": id, "ids":[…]}                      → {"nodes":[…]} their state after the call; may still be PENDING/STOPPING: QUERY tells
 * TERMINATE  {"cluster": id} and/or {"ids":[…]}              → {} when all of the cluster's nodes are gone; {"pending": n, "waiting": what
 *                                                              for, or absent} when still going
 */
struct provider_call {
	enum provider_verb verb;
	const json_t *args;
	const struct provider_env *env;
	struct arena *arena;	 /* for requests */
	int step;		 /* the step function's own; 0 at first */
	json_t *scratch;	 /* the step function's own, an object */
	struct provider_request request;
	json_t *result;		 /* owned by the call */
};

enum provider_step { PROVIDER_REQUEST, PROVIDER_DONE, PROVIDER_FAILED };

struct provider {
	const char *name;	 /* "local" */
	const char *title;	 /* "This machine" */
	unsigned can;		 /* PROVIDER_CAN_… */
	const char *credentials; /* where they live, for people */
	/* YAML files that describe what there is, NULL-terminated; the first that is there is read at each call: a name in the config
	 * folder, or "~/…". NULL: none. */
	const char *const *settings_files;
	bool needs_flag;	 /* off unless config NAME.enabled says so */
	bool simulated;		 /* marked as such wherever it is shown */
	int max_name_len;	 /* of a cluster; 0: no limit */
	/* One step. reply is NULL the first time. */
	enum provider_step (*step)(struct provider_call *c, const struct provider_reply *reply, struct err *err);
	/* The cloud side of a provider that is a cloud on this machine: reads one JSON request {"verb":…, "args":…, "state_dir":…,
	 * "config":…} and returns its JSON reply (new reference) or NULL with err. Runs in a child process; may block. NULL for real clouds. */
	json_t *(*cloud_side)(const json_t *request, struct err *err);
};

/* NULL-terminated. Defined in providers/registry.c, passed to core by tui/main.c. */
extern const struct provider *const providers[];

/* What the hidden verb `cloud-side NAME` does: one request from stdin to that provider's cloud_side, its reply (or
 * {"error": {"code", "message"}}) to stdout. Returns the exit status: 0, or 1 after an error. Blocks until it is done.
 * Defined in providers/common/cloudside.c. */
int cloud_side_main(const struct provider *const all[], const char *name);

/* What a provider may share: the EXEC request that asks its own cloud side, and the reading of that child's answer. For step functions. */
static inline const char *provider_verb_name(enum provider_verb v)
{
	static const char *const names[PROVIDER_VERBS] = {"check", "offers", "create", "query", "start", "stop", "terminate"};
	return v < PROVIDER_VERBS ? names[v] : "?";
}

#endif
