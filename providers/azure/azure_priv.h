/* Azure, from the inside: shared by providers/azure only.
 *
 * Calls are written as if every request were answered at once: see providers/common/talk.h. A cluster is a resource group for each region it
 * was tried in, with its network and its machines; a machine's card, address and disk go with it, and ending the cluster is ending the
 * groups. API: learn.microsoft.com/rest/api/azure. */
#ifndef PROVIDERS_AZURE_PRIV_H
#define PROVIDERS_AZURE_PRIV_H
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/provider.h"
#include "providers/common/names.h"
#include "providers/common/talk.h"

enum azure_host { AZURE_ARM, AZURE_LOGIN, AZURE_PRICES, AZURE_HOSTS };

/* Versions of the API. */
#define AZURE_COMPUTE "2021-11-01"
#define AZURE_NETWORK "2020-11-01"
#define AZURE_RESOURCES "2021-04-01"

#define AZURE_CONFIDENTIAL "confidential machines (Standard_NCC…) cannot be rented on Azure yet"
#define AZURE_USER "ubuntu" /* whom machines are logged in to as */

/* One of Azure's clouds; hosts[AZURE_PRICES] may be NULL. Regions: all, and those whose quotas are shown, NULL-terminated. */
struct azure_cloud {
	const char *name; /* as the CLI has it */
	const char *hosts[AZURE_HOSTS];
	const char *const *regions, *const *shown;
};
/* By its name; name NULL: by the URL where one logs in. NULL: there is none such. */
const struct azure_cloud *azure_cloud_of(const char *name, const char *login);

/* One step of one call. Strings are the call's arena's. */
struct azure {
	struct provider_call *c;
	struct err *err;
	struct talk talk; /* of the same call */
	bool local;	  /* azure_auth only looks whether there are credentials: nothing is asked of anybody */
	const char *base; /* of a stand-in for Azure, no slash at its end; NULL: Azure's own hosts */
	/* Set by azure_auth. */
	const struct azure_cloud *cloud; /* NULL: the one that everybody uses */
	const char *token, *subscription;
	const char *identity; /* for people */
};

/* ---- azure.c: asking ---- */

/* That of the call. */
const struct azure_cloud *azure_cloud(const struct azure *g);

const char *azure_url(struct azure *g, enum azure_host host, const char *path, ...) __attribute__((format(printf, 3, 4)));
/* "/subscriptions/S" + path, with the version of the API. subscription NULL: the call's. */
const char *azure_in(struct azure *g, const char *subscription, const char *version, const char *path, ...) __attribute__((format(printf, 4, 5)));
/* As talk_ask, with our token; body is taken. */
const json_t *azure_ask(struct azure *g, const char *method, const char *key, const char *url, json_t *body);
const json_t *azure_get(struct azure *g, const char *key, const char *url);
/* All pages of {"value": […], "nextLink"}: an array, borrowed; NULL: not there yet (when talk_asks), or failed with g->err. A list that is not there
 * (404) is empty. */
const json_t *azure_list(struct azure *g, const char *key, const char *url, const char *what);
/* The same page by page, for lists too long to keep. 1, 0, −1 with g->err. bare: without our token. */
typedef void azure_page_fn(struct azure *g, json_t *state, const json_t *items);
int azure_pages(struct azure *g, const char *key, const char *url, const char *what, bool bare, azure_page_fn *take);
/* What an answer (a success) began, to its end, at most max_ms: 1 done, 0 not yet (it is asked again), −1 its error in *err, −2 still going. url is
 * what to look at where Azure names nothing; NULL. */
int azure_operation(struct azure *g, const char *key, const json_t *answer, const char *url, int64_t max_ms, const char *what, struct err *err);
/* Ask, and see it to its end, for at most max_ms; as azure_operation. body is taken. */
int azure_do(struct azure *g, const char *method, const char *key, const char *url, json_t *body, int64_t max_ms, const char *what, struct err *err);

/* ---- errors.c ---- */
/* What an answer means: 0 when it is a success, else −1 with *err; `what` is what was tried. creates: while machines are being made. */
int azure_answer_error(const json_t *answer, const char *what, bool creates, struct err *err);
/* The same of the error of an operation, {"code", "message", "details"}. */
void azure_operation_error(const json_t *error, const char *what, bool creates, struct err *err);

/* ---- auth.c ---- */
/* Who we are and for which subscription: 1, 0 (something is to be asked), −1 with g->err. */
int azure_auth(struct azure *g);
enum { AZURE_NOT_HERE = 2 }; /* what a source of credentials says that has none; else 1, 0, −1 */
bool azure_remembered(struct azure *g, const char *mark); /* the token of that mark, into g->token */
int azure_keep_token(struct azure *g, const char *text, int64_t life_ms, const char *mark); /* 1, −1 */
/* The token of an answer, kept by its mark: 1, −1. */
int azure_take_token(struct azure *g, const json_t *answer, const char *mark);
const char *azure_resource(const struct azure *g); /* what tokens are for: "https://management.azure.com/" */
int64_t azure_number(const json_t *body, const char *key); /* a number, or its text; 0 */

/* ---- identity.c: who a machine is, who has a certificate, and whose login is at hand ---- */
int azure_from_app_service(struct azure *g);
int azure_from_metadata(struct azure *g);
/* What a principal with the certificate and key of `pem` signs, for `audience`; NULL with g->err. */
const char *azure_assertion(struct azure *g, const char *pem, const char *client, const char *audience);
/* The CLI's own token for a user (or a principal's id) of a tenant, where it is still good: 1, with g->token; 0: to be asked; AZURE_NOT_HERE. */
int azure_from_cli_cache(struct azure *g, const char *dir, const char *tenant, const char *user, const char *mark);

/* ---- size.c: machine sizes ---- */
struct azure_size {
	const char *name;	 /* "Standard_NC24ads_A100_v4" */
	const char *accelerator; /* as everywhere in skytop; NULL: none */
	double count;
	int gpu_gib; /* of one */
	int vcpus, mem_gib;
	const char *family; /* as quotas call it */
};
const struct azure_size *azure_size_of(const char *name); /* NULL: not one that is known to have GPUs */
const struct azure_size *azure_size_at(size_t i);	  /* NULL: past the end */
bool azure_size_ok(const char *name);
bool azure_size_is_arm(const char *name);
bool azure_size_takes_premium(const char *name);
const char *azure_family(struct arena *a, const char *name); /* NULL: not known */
int64_t azure_vcpus(const char *name);			     /* 0: not known */
bool azure_region_ok(const char *region);
/* "East US" → "eastus" */
const char *azure_region(struct arena *a, const char *text);

/* ---- nodes.c ---- */
struct azure_id {
	const char *subscription, *group, *name; /* lower case */
};
bool azure_id_parse(struct arena *a, const char *text, struct azure_id *out);
const char *azure_group_name(struct arena *a, const char *cluster, const char *region);
const char *azure_group_path(struct arena *a, const char *group); /* "/resourceGroups/G" */
/* The nodes in a group (NULL: in the subscription) that are ours and a user's (a tag; NULL: anybody's), by rank. `round` tells one look from the next.
 * New reference; NULL: to be asked, or failed (g->err->code). */
json_t *azure_nodes(struct azure *g, const char *round, const char *subscription, const char *group, const char *user);
bool azure_tag_record(json_t *tags, const json_t *record); /* false: it is too long */
enum provider_step azure_query(struct azure *g);
enum provider_step azure_start(struct azure *g);
enum provider_step azure_stop(struct azure *g);

/* ---- terminate.c ---- */
/* The groups of a cluster, and of ids: [{"subscription", "name", "ours": bool, "ending": bool}]. As azure_nodes. */
json_t *azure_groups(struct azure *g, const char *round, const char *cluster, const json_t *ids);
enum provider_step azure_terminate(struct azure *g);

/* ---- create.c, check.c, quota.c, offers.c ---- */
enum provider_step azure_create(struct azure *g);
enum provider_step azure_check(struct azure *g);
enum provider_step azure_quota(struct azure *g);
enum provider_step azure_offers(struct azure *g);
enum provider_step azure_objects(struct azure *g); /* which asks for credentials itself: public containers need none */

#endif
