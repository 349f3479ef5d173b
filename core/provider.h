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
	PROVIDER_QUOTA,	    /* what the account may still start, before it is tried */
	PROVIDER_OBJECTS,   /* what a URI of its object store names, and links to that */
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
	PROVIDER_CAN_OPEN_PORTS = 1 << 8, /* of a cluster that is there: CREATE with {"open_ports": true} makes nothing, and opens the ports of the call */
	PROVIDER_TELLS_STOCK = 1 << 7, /* its offers say what is free at this moment: what failed for one request may do for the next */
};

enum provider_request_kind { PROVIDER_HTTP, PROVIDER_EXEC, PROVIDER_SSH, PROVIDER_READ };

/* One HTTP request; a step may ask for several at once. Sent again by core after a lost connection, 429, 502, 503 and 504 (with jitter,
 * and Retry-After), unless `once`. Redirects are not followed. */
struct provider_http {
	const char *method, *url;
	const char *const *headers; /* "Name: value", NULL-terminated; NULL: none */
	const char *body;	    /* NULL: none */
	size_t body_len;
	const char *lane; /* requests of one lane share a throttle: "us-east-1"; NULL: the host */
	bool once;	  /* not to be repeated: has neither a token nor a name that makes the second harmless */
	bool direct;	  /* past any proxy, one try, 1 s to connect: a metadata server */
	/* The body of a 2xx reply that is too large to hold: given piece by piece as it comes (and no body in the reply); nonzero ends the
	 * request as ERR_CANCELLED. Once a piece was given the request is not sent again. */
	int (*piece)(void *arg, const char *data, size_t len);
	void *piece_arg;
	size_t max_bytes; /* of the body; 0: 32 MiB */
};

/* What became of it, in the order asked. */
struct provider_http_reply {
	enum err_code code; /* ERR_NONE: there is a status, whatever it is; else ERR_NETWORK, ERR_TIMEOUT, … */
	const char *err_text;
	int status;
	const char *body; /* NUL-terminated, "" */
	size_t body_len;
	const char *const *headers; /* "name: value", names in lower case, NULL-terminated */
};

/* A small file to read (credentials of a cloud's own tool): at most 1 MiB. */
struct provider_file {
	const char *path; /* absolute, or "~/…" */
	const char *text; /* in the reply, NUL-terminated; NULL: not there, or not to be read: err_text says why */
	const char *err_text;
};

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
	const char *const *argv;      /* EXEC, NULL-terminated */
	const char *body;	      /* EXEC: its stdin; NULL: none */
	size_t body_len;
	const struct provider_ssh *hosts; /* SSH: all asked at once */
	size_t n_hosts;
	const struct provider_http *http; /* HTTP: all sent at once, a few at a time in each lane */
	size_t n_http;
	const struct provider_file *files; /* READ */
	size_t n_files;
	int64_t after_ms;	      /* a pause before it is sent, as between two looks at an operation; 0: none */
	int64_t timeout_ms;	      /* 0: 60 s; of each host, of each HTTP request (of one with `piece`: 0: 60 s without a byte) */
	bool anew;		      /* SSH: try hosts at once that did not answer a moment ago */
};

/* Lives until the step function returns. */
struct provider_reply {
	int status;	   /* EXEC: exit status, -1 for a signal or a deadline */
	const char *body;  /* EXEC: its stdout, NUL-terminated */
	size_t body_len;
	const char *complaint;	 /* EXEC: the end of stderr; "" */
	const struct provider_ssh_reply *hosts; /* SSH */
	size_t n_hosts;
	const struct provider_http_reply *http; /* HTTP */
	size_t n_http;
	const struct provider_file *files; /* READ */
	size_t n_files;
};

/* Where a provider lives on this machine; given by core. */
struct provider_env {
	const char *self;	/* path of this program */
	const char *state_dir;	/* "<state>/NAME": the provider's own folder; made by its cloud side when needed */
	const json_t *config;	/* the provider's section of config.yaml; may be NULL */
	const json_t *settings; /* what its settings file says; NULL: there is none */
	const char *settings_path;
	const char *(*var)(const char *name); /* the environment: getenv, or a test's own */
	json_t *memory;		/* an object of the provider's own that lives as long as the engine and is never written or traced: tokens, what a region offers */
	const char *user;	/* who owns what is made here: a short hash in [0-9a-f], for tags */
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
 * CHECK      {} or {"settings": as if its file said so}     → {"enabled": bool, "identity": text or null, "reason": text or null,
 *             "permissions":[{"name","ok": bool|null, "why"}], "quotas":[{"name","region","limit","used"|null}], "hints":[text],
 *             "none": false: there were credentials, which would not do; or absent; more of its own}
 * OFFERS of a cloud with {"catalog": true} are all that it sells, in parts (PROVIDER_PART); others are what is free now:
 * OFFERS     {}                                             → {"offers":[{"instance_type","accelerator"|null,"accelerator_count","gpu_mem_mib",
 *                                                              "vcpus","mem_mib","region","zone","price_uusd_h"|null,"spot_uusd_h"|null,
 *                                                              "available":"yes|low|no|unknown"}], "source": text, "silent": [what of it did not answer]
 *                                                              or absent}
 *            Of {"catalog": true, "named": the person asked for this cloud, "since": {region: mark}} an answer (or a part) with "regions":
 *            {region: mark} has all prices on demand of those regions and nothing else: zones, spot prices and other regions stay what the catalog has.
 *            Marks come back as "since" while the catalog has what came with them; a region whose mark is what it was need not be asked again, nor named.
 * CREATE     {"cluster": id, "name": name, "nodes":[{"token","rank"}…], "instance_type","region","zone","use_spot","accelerator","accelerator_count",
 *             "disk_size_gib","price_uusd_h", "max_price_uusd_h"|null,"tags":{…},"labels":{…},
 *             "silent":[as OFFERS said],
 *             of clouds: "labels" (the task's own, to be put on the machines), "image"|null, "disk_tier"|null,
 *             "ports":["8080","8000-8010"], "ssh_public_key": the cluster's, one line,
 *             "config": what the task says for this cloud alone, as its section of config.yaml does, or absent: keys that are not taken are refused,
 *             "spot_cap_uusd_h"|null: what a spot machine may cost}  → {"nodes":[node…], "unsure": true or absent} one per token
 *             given, made or found; unsure: an answer was lost and another machine took the place, so that a token may be there twice.
 *             All or an error; what was made before the error is for the caller to clean up (by TERMINATE).
 * QUERY      {"cluster": id, "ids":[known…]} or {} (all of this user's) → {"nodes":[…]}; a known one that cannot be asked about now is
 *                                                              {"id","status":"UNKNOWN","reason"}: not gone. Of two nodes of one token the known one,
 *                                                              else the newer; the other is in "doubles":[node…], absent when there is none
 * START/STOP {"cluster": id, "ids":[…]}                      → {"nodes":[…]} their state after the call; may still be PENDING/STOPPING: QUERY tells
 * QUOTA      {"candidates":[{"instance_type","region","use_spot","nodes"}…]} → {"verdicts":[{"room": nodes that still fit, or null: unknown,
 *             "name": the quota's own name, "limit","used", "why": with room 0, when it cannot be had at all, instead
 *             of a quota}…]} in the same order; providers without quotas fail with ERR_UNSUPPORTED
 * OBJECTS    {"uri"} → in parts, {"objects":[{"name": below the URI, "" for a single object,"size","etag"|null,"folder": true or absent}…]}, and in the end
 *             {"single": bool: the URI names one object,"region"|null,"public": bool: nobody was asked who we are,"as": who asked|null,
 *             "other": true: it is not this cloud's own store that answered; or absent}
 * OBJECTS    {"uri","single","public","names":[as above…],"etags":[of each]} → {"links":[{"url","header"|null: to be sent with it,"stored": true or absent: ask for the
 *             bytes as they are kept, compressed or not}…]} in the same order, for whoever has them, good for up to PROVIDER_LINK_S; secrets unless public
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

enum { PROVIDER_LINK_S = 3600 };

/* PROVIDER_PART: `result` is one part of the answer, {"offers":[…], "progress": text} or {"objects":[…]}; core takes it and calls again with an empty reply. */
enum provider_step { PROVIDER_REQUEST, PROVIDER_DONE, PROVIDER_FAILED, PROVIDER_PART };

struct provider {
	const char *name;	 /* "local" */
	const char *title;	 /* "This machine" */
	unsigned can;		 /* PROVIDER_CAN_… */
	const char *credentials; /* where they live, for people */
	const char *more_quota;	 /* where to ask for a higher quota, for people: "in the console, at …"; NULL: nowhere */
	/* YAML files that describe what there is, NULL-terminated; the first that is there is read at each call: a name in the config
	 * folder, or "~/…". NULL: none. */
	const char *const *settings_files;
	/* URIs of its object store, with * and ?, NULL-terminated; NULL: it has none, and no OBJECTS. */
	const char *const *stores;
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
	static const char *const names[PROVIDER_VERBS] = {"check", "offers", "create", "query", "start", "stop", "terminate", "quota", "objects"};
	return v < PROVIDER_VERBS ? names[v] : "?";
}

#endif
