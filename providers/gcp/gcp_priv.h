/* Google Compute Engine, from the inside: shared by providers/gcp only.
 *
 * Calls are written as if every request were answered at once: see providers/common/talk.h. API: cloud.google.com/compute/docs/reference/rest/v1. */
#ifndef PROVIDERS_GCP_PRIV_H
#define PROVIDERS_GCP_PRIV_H
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/provider.h"
#include "providers/common/names.h"
#include "providers/common/talk.h"

enum gcp_host { GCP_COMPUTE, GCP_BILLING, GCP_RESOURCES, GCP_QUOTAS, GCP_HOSTS };

enum { GCP_NAME_MAX = 64, GCP_NODES_MAX = 1000 };

/* One step of one call. Strings are the call's arena's. */
struct gcp {
	struct provider_call *c;
	struct err *err;
	struct talk talk;    /* of the same call */
	bool local;	     /* gcp_auth only looks whether there are credentials: nothing is asked of the network */
	const char *base;    /* of a stand-in for Google, no slash at its end; NULL: Google's own hosts */
	/* Set by gcp_auth. */
	const char *token, *project;
	const char *quota_project; /* whom calls are counted for; NULL: not said */
	const char *identity;	   /* for people */
};

struct gcp_ask {
	const char *method; /* NULL: GET */
	const char *url;    /* whole */
	json_t *body;	    /* taken; NULL: none */
	const char *form;   /* a body of a form instead */
	const char *header; /* one more; NULL */
	const char *lane;   /* NULL: the host */
	bool bare;	    /* without our token */
	bool direct;	    /* a metadata server */
	int64_t after_ms;   /* wait before it is sent */
};

/* ---- turn.c: asking ---- */

/* As talk_ask, with our token. */
const json_t *gcp_ask(struct gcp *g, const char *key, const struct gcp_ask *q);
/* GET; url as printf. */
const json_t *gcp_get(struct gcp *g, const char *key, const char *url);
/* A whole URL of one of Google's hosts; path begins with a slash. */
const char *gcp_url(struct gcp *g, enum gcp_host host, const char *path, ...) __attribute__((format(printf, 3, 4)));
/* "/projects/P" + path on the compute host. project NULL: the call's. */
const char *gcp_compute(struct gcp *g, const char *project, const char *path, ...) __attribute__((format(printf, 3, 4)));
/* All pages of a list: an array, borrowed; NULL: not there yet (when gcp_asks), or failed with g->err. `inner`: the member that holds the items of
 * each scope of an aggregated list; NULL: a plain one. Scopes that Google could not reach are named by gcp_unreachable. */
const json_t *gcp_list(struct gcp *g, const char *key, const char *url, const char *inner, const char *what);
/* The same page by page, for lists too long to keep: take is given each, and may keep what it likes in state. 1, 0, −1 with g->err. */
typedef void gcp_page_fn(struct gcp *g, json_t *state, const json_t *body, const char *arg);
int gcp_pages(struct gcp *g, const char *key, const char *url, const char *what, gcp_page_fn *take, const char *arg);
bool gcp_unreachable(struct gcp *g, const char *key, const char *zone);
const json_t *gcp_all_unreachable(struct gcp *g, const char *key); /* names of zones; borrowed */
/* An operation to its end, at most max_ms: 1 done, 0 not yet (it is asked again), −1 its error in *err, −2 still going after max_ms. */
int gcp_operation(struct gcp *g, const char *key, const json_t *first, int64_t max_ms, const char *what, struct err *err);


/* ---- errors.c ---- */
/* What an answer means: 0 when it is a success, else −1 with *err; `what` is what was tried. creates: while machines are being made. */
int gcp_answer_error(const json_t *answer, const char *what, bool creates, struct err *err);
/* Is it no answer, or one that may be better the next time? Then *err says so; it tells nothing of what was asked. */
bool gcp_out_of_order(const json_t *answer, const char *what, struct err *err);
/* The same of the error of an operation, {"errors":[{"code","message"}]}. */
void gcp_operation_error(const json_t *error, const char *what, bool creates, struct err *err);

/* ---- auth.c ---- */
/* Who we are and for which project: 1, 0 (something is to be asked), −1 with g->err. */
int gcp_auth(struct gcp *g);
/* A place of Google's that a file of credentials names, at the stand-in where there is one. NULL with g->err: it is no https. */
const char *gcp_named_url(struct gcp *g, const char *url);
const char *gcp_scope(void); /* what our tokens are for */
/* Ask for a token by `key`, with one of our own that it is exchanged for: 1, 0, −1. */
struct gcp_token {
	const char *text;
	int64_t life_ms;
};
int gcp_take_token(struct gcp *g, const char *key, const struct gcp_ask *q, struct gcp_token *out);

/* ---- federation.c: tokens for other tokens ---- */
/* Of an external account: what somebody else says that we are, exchanged at Google's security token service. 1, 0, −1. */
int gcp_external_token(struct gcp *g, const json_t *cred, struct gcp_token *out);
/* Of the service account that url names, by means of `by`, for whom `cred` has the delegates. 1, 0, −1. */
int gcp_impersonate(struct gcp *g, const json_t *cred, const char *url, const struct gcp_token *by, struct gcp_token *out);
/* The service account that url names; NULL: none. */
const char *gcp_impersonated(struct gcp *g, const char *url);

/* ---- names.c: what things are called ---- */
const char *gcp_cluster_tag(struct arena *a, const char *cluster);	      /* network tag and stem of firewall rules */
/* "project/zone/name" of a node's id; false: it is none of ours. */
struct gcp_id {
	const char *project, *zone, *name;
};
bool gcp_id_parse(struct arena *a, const char *text, struct gcp_id *out);
const char *gcp_region_of(struct arena *a, const char *zone);
const char *gcp_last_part(const char *url); /* behind the last slash */
bool gcp_region_ok(const char *region);
bool gcp_zone_ok(const char *zone, const char *region);
bool gcp_type_ok(const char *machine_type);
/* A limit or its use: Google writes whole numbers as 16.0, and no limit as a very large one. */
int64_t gcp_whole(const json_t *number);
/* A user's label: is it one that Google takes as it is? */
bool gcp_label_ok(const char *key, const char *value);

/* ---- machine.c: what is known of machine types ---- */
struct gcp_accelerator_name {
	const char *google, *name; /* "nvidia-l4", "L4" */
	int mem_gib;		   /* of one */
	const char *quota;	   /* metric of regions.get; NULL: not there */
};
const struct gcp_accelerator_name *gcp_accelerator_of(const char *canonical);
const struct gcp_accelerator_name *gcp_accelerator_google(const char *google);
/* Must the accelerator be named beside the machine type (N1), or does the type bring it? */
bool gcp_attaches(const char *machine_type);
/* Is it a TPU, or a machine with some? They are sold, and skytop cannot rent them: GCP_NO_TPU says so. */
bool gcp_is_tpu(const char *machine_type, const char *accelerator);
#define GCP_NO_TPU "TPUs of Google Cloud cannot be rented with skytop yet"
bool gcp_is_arm(const char *machine_type);
bool gcp_needs_gvnic(const char *machine_type); /* no other network card will do */
/* The disk type for "low", "medium", "high", "ultra", "best" or NULL. */
const char *gcp_disk_type(const char *machine_type, const char *tier);
/* Image families to try, "project/family", NULL-terminated. accelerator NULL: none. */
const char *const *gcp_images(const char *machine_type, const char *accelerator);

/* ---- network.c ---- */
struct gcp_net {
	const char *network;	/* name */
	const char *subnetwork; /* "projects/…"; NULL: Google finds it */
};
/* Find or make the network and what must be let through. 1, 0, −1 with g->err. */
int gcp_network(struct gcp *g, const char *region, struct gcp_net *out);
json_t *gcp_network_memory(struct gcp *g); /* what is remembered of it; borrowed */
/* Let ports (["8080", "8000-8010"]) through to the cluster's machines. */
int gcp_open_ports(struct gcp *g, const char *cluster, const char *network, const json_t *ports);
/* Take that back: 1 (gone, or never there), 0, −1. */
int gcp_close_ports(struct gcp *g, const char *cluster);

/* ---- nodes.c ---- */
/* The node that an instance is; NULL: it is none of ours. New reference. */
json_t *gcp_node(struct gcp *g, const char *project, const json_t *instance);
/* Nodes of a list of instances that belong to cluster (NULL: any), by rank. New reference. */
json_t *gcp_nodes(struct gcp *g, const char *project, const json_t *instances, const char *cluster);
const char *gcp_cluster_filter(struct arena *a, const char *cluster); /* ready for a URL */
enum provider_step gcp_query(struct gcp *g);
enum provider_step gcp_start(struct gcp *g);
enum provider_step gcp_stop(struct gcp *g);
enum provider_step gcp_terminate(struct gcp *g);

/* ---- create.c, check.c, quota.c, catalog.c ---- */
enum provider_step gcp_create(struct gcp *g);
enum provider_step gcp_check(struct gcp *g);
enum provider_step gcp_quota(struct gcp *g);
enum provider_step gcp_offers(struct gcp *g);
enum provider_step gcp_objects(struct gcp *g);

#endif
