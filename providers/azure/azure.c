/* Azure as a provider, and how it is asked: hosts, headers, lists of many pages, operations that take a while. Where an operation or the next page is
 * to be looked at is a URL that comes with the answer: only Azure's own hosts are believed, since our token goes there. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "providers/azure/azure_priv.h"

extern const struct provider provider_azure;

enum { PAGES_MAX = 1000, URL_MAX = 4096, FIRST_PAUSE_MS = 2000, LAST_PAUSE_MS = 10000, ASKED_PAUSE_MAX_S = 30 };

/* ---- asking --------------------------------------------------------------------------------------------------------- */

static const char *const everywhere[] = {"eastus", "eastus2", "southcentralus", "westus2", "westus3", "westus", "centralus", "northcentralus", "westcentralus",
    "canadacentral", "canadaeast", "brazilsouth", "northeurope", "westeurope", "uksouth", "ukwest", "francecentral", "germanywestcentral", "switzerlandnorth",
    "norwayeast", "swedencentral", "polandcentral", "italynorth", "spaincentral", "israelcentral", "uaenorth", "qatarcentral", "southafricanorth", "centralindia",
    "southindia", "eastasia", "southeastasia", "japaneast", "japanwest", "koreacentral", "australiaeast", "australiasoutheast", "newzealandnorth",
    "indonesiacentral", "malaysiawest", "mexicocentral", "chilecentral", "austriaeast", NULL};
static const char *const for_quotas[] = {"eastus", "eastus2", "southcentralus", "westus2", "westus3", "northeurope", "westeurope", "swedencentral", NULL};
static const char *const us_government[] = {"usgovvirginia", "usgovarizona", "usgovtexas", NULL};
static const char *const china[] = {"chinaeast2", "chinaeast3", "chinanorth2", "chinanorth3", NULL};

/* Clouds of Azure for themselves, as `az cloud list` has them. That of China tells no prices in dollars. */
static const struct azure_cloud clouds[] = {
    {"AzureCloud", {"https://management.azure.com", "https://login.microsoftonline.com", "https://prices.azure.com"}, everywhere, for_quotas},
    {"AzureUSGovernment", {"https://management.usgovcloudapi.net", "https://login.microsoftonline.us", "https://prices.azure.com"}, us_government, us_government},
    {"AzureChinaCloud", {"https://management.chinacloudapi.cn", "https://login.chinacloudapi.cn", NULL}, china, china},
};

const struct azure_cloud *azure_cloud(const struct azure *g)
{
	return g->cloud ? g->cloud : &clouds[0];
}

const struct azure_cloud *azure_cloud_of(const char *name, const char *login)
{
	for (size_t i = 0; i < ARRAY_LEN(clouds); i++)
		if (name ? str_ieq(name, clouds[i].name) : str_starts(login, clouds[i].hosts[AZURE_LOGIN]))
			return &clouds[i];
	return NULL;
}

static const char *host_of(const struct azure *g, enum azure_host host)
{
	return g->base ? g->base : azure_cloud(g)->hosts[host];
}

const char *azure_url(struct azure *g, enum azure_host host, const char *path, ...)
{
	char text[URL_MAX];
	va_list ap;
	va_start(ap, path);
	vsnprintf(text, sizeof text, path, ap);
	va_end(ap);
	return arena_printf(g->c->arena, "%s%s", host_of(g, host), text);
}

const char *azure_in(struct azure *g, const char *subscription, const char *version, const char *path, ...)
{
	char text[URL_MAX];
	va_list ap;
	va_start(ap, path);
	vsnprintf(text, sizeof text, path, ap);
	va_end(ap);
	return azure_url(g, AZURE_ARM, "/subscriptions/%s%s%sapi-version=%s", subscription ? subscription : g->subscription, text, strchr(text, '?') ? "&" : "?",
	    version);
}

static const json_t *ask_after(struct azure *g, const char *method, const char *key, const char *url, json_t *body, bool bare, int64_t after_ms)
{
	const char **h = arena_alloc(g->c->arena, 2 * sizeof *h);
	h[0] = bare ? NULL : arena_printf(g->c->arena, "Authorization: Bearer %s", g->token ? g->token : "");
	h[1] = NULL;
	return talk_ask(&g->talk, key, &(struct talk_ask){.method = method, .url = url, .headers = h, .body = body, .after_ms = after_ms});
}

const json_t *azure_ask(struct azure *g, const char *method, const char *key, const char *url, json_t *body)
{
	return ask_after(g, method, key, url, body, false, 0);
}

const json_t *azure_get(struct azure *g, const char *key, const char *url)
{
	return azure_ask(g, NULL, key, url, NULL);
}

/* Is this a place of Azure's, that our token (or nothing) may go to? */
static bool azures(const struct azure *g, enum azure_host host, const char *url)
{
	const char *stem = host_of(g, host);
	size_t n = strlen(stem);
	if (strncmp(url, stem, n) || strpbrk(url, " \t\r\n") || strlen(url) >= URL_MAX)
		return false;
	return url[n] == '/' || str_starts(url + n, ":443/");
}

/* ---- lists ---------------------------------------------------------------------------------------------------------- */

static json_t *list_state(struct azure *g, const char *key)
{
	json_t *lists = talk_part(&g->talk, "lists"), *state = json_obj(lists, key);
	if (!state) {
		state = json_pack("{s:[], s:i, s:b}", "items", "page", 0, "whole", 0);
		json_object_set_new(lists, key, state);
	}
	return state;
}

/* One page into the state: 1, or −1. */
static int take_page(struct azure *g, json_t *state, const json_t *body, const char *what, bool bare, azure_page_fn *take)
{
	const char *next = json_str(body, bare ? "NextPageLink" : "nextLink", NULL);
	int64_t page = json_int(state, "page", 0);
	take(g, state, json_arr(body, bare ? "Items" : "value"));
	if (next && *next && !azures(g, bare ? AZURE_PRICES : AZURE_ARM, next))
		return err_set(g->err, ERR_PROTOCOL, "%s: the next page is said to be at %.100s, which is not Azure's", what, next);
	json_put_str(state, "next", next);
	json_put_int(state, "page", page + 1);
	json_put_bool(state, "whole", !next || !*next);
	return page < PAGES_MAX ? 1 : err_set(g->err, ERR_PROTOCOL, "%s: Azure's list does not end after %d pages", what, PAGES_MAX);
}

int azure_pages(struct azure *g, const char *key, const char *url, const char *what, bool bare, azure_page_fn *take)
{
	json_t *state = list_state(g, key);
	while (!json_bool(state, "whole", false)) {
		const char *page_key = arena_printf(g->c->arena, "%s#%" PRId64, key, json_int(state, "page", 0));
		const char *next = json_str(state, "next", NULL);
		const json_t *a = ask_after(g, NULL, page_key, next ? arena_strdup(g->c->arena, next) : url, NULL, bare, 0);
		struct err err = {.code = ERR_NONE};
		if (!a)
			return 0;
		if (azure_answer_error(a, what, false, &err)) {
			if (err.code != ERR_NOT_FOUND) {
				*g->err = err;
				return -1;
			}
			json_put_bool(state, "whole", true);
		} else if (take_page(g, state, json_obj(a, "body"), what, bare, take) < 0) {
			return -1;
		}
		talk_forget(&g->talk, page_key);
	}
	return 1;
}

static void take_items(struct azure *g, json_t *state, const json_t *items)
{
	(void)g;
	json_array_extend(json_arr(state, "items"), (json_t *)(uintptr_t)items);
}

const json_t *azure_list(struct azure *g, const char *key, const char *url, const char *what)
{
	return azure_pages(g, key, url, what, false, take_items) > 0 ? json_arr(list_state(g, key), "items") : NULL;
}

/* ---- operations ----------------------------------------------------------------------------------------------------- */

/* What a look at one says. */
enum look { LOOK_DONE, LOOK_GOING, LOOK_FAILED };

static enum look word(const char *state)
{
	if (str_ieq(state, "Succeeded"))
		return LOOK_DONE;
	return str_ieq(state, "Failed") || str_ieq(state, "Canceled") ? LOOK_FAILED : LOOK_GOING;
}

/* {"status"} of an operation, a status 202 of a location, "provisioningState" of what is made. */
static enum look look_at(const char *kind, const json_t *answer)
{
	const json_t *body = json_obj(answer, "body");
	if (!strcmp(kind, "operation"))
		return word(json_str(body, "status", "InProgress"));
	if (!strcmp(kind, "location"))
		return talk_status(answer) == 202 ? LOOK_GOING : LOOK_DONE;
	return word(json_str(json_obj(body, "properties"), "provisioningState", "Succeeded"));
}

static json_t *begin(struct azure *g, const json_t *answer, const char *url)
{
	const json_t *h = json_obj(answer, "headers");
	const char *operation = json_str(h, "azure-asyncoperation", NULL), *location = json_str(h, "location", NULL), *kind = "thing";
	if (operation && azures(g, AZURE_ARM, operation)) {
		kind = "operation";
		url = operation;
	} else if (location && talk_status(answer) == 202 && azures(g, AZURE_ARM, location)) {
		kind = "location";
		url = location;
	}
	bool over = !url || (!strcmp(kind, "thing") && look_at(kind, answer) == LOOK_DONE) || (talk_status(answer) == 200 && !operation);
	return json_pack("{s:s, s:s, s:b, s:i, s:I, s:I}", "kind", kind, "url", url ? url : "", "over", over, "round", 0, "waited", (json_int_t)0, "pause",
	    (json_int_t)0);
}

/* As Azure asks for, else 2, 3, 4 … 10 seconds. */
static int64_t pause_of(const json_t *state)
{
	int64_t asked = json_int(state, "pause", 0), round = json_int(state, "round", 0), ms = FIRST_PAUSE_MS + round * 1000;
	return asked ? asked : ms < LAST_PAUSE_MS ? ms : LAST_PAUSE_MS;
}

static void keep_pause(json_t *state, const json_t *answer)
{
	int64_t s = 0;
	const char *text = json_str(json_obj(answer, "headers"), "retry-after", NULL);
	if (text && num_int(text, 1, 100000, &s))
		json_put_int(state, "pause", 1000 * (s < ASKED_PAUSE_MAX_S ? s : ASKED_PAUSE_MAX_S));
}

int azure_operation(struct azure *g, const char *key, const json_t *answer, const char *url, int64_t max_ms, const char *what, struct err *err)
{
	bool creates = g->c->verb == PROVIDER_CREATE || g->c->verb == PROVIDER_START;
	json_t *ops = talk_part(&g->talk, "operations"), *state = json_obj(ops, key);
	if (!state) {
		state = begin(g, answer, url);
		keep_pause(state, answer);
		json_object_set_new(ops, key, state);
	}
	for (;;) {
		int64_t waited = json_int(state, "waited", 0), pause = pause_of(state);
		if (json_bool(state, "over", false))
			return 1;
		if (waited >= max_ms)
			return -2;
		const char *poll_key = arena_printf(g->c->arena, "%s/poll", key), *kind = json_str(state, "kind", "");
		const json_t *a = ask_after(g, NULL, poll_key, arena_strdup(g->c->arena, json_str(state, "url", "")), NULL, false, pause);
		if (!a)
			return 0;
		if (azure_answer_error(a, what, creates, err))
			return -1;
		enum look seen = look_at(kind, a);
		if (seen == LOOK_FAILED) {
			azure_operation_error(json_obj(json_obj(a, "body"), "error"), what, creates, err);
			return -1;
		}
		json_put_bool(state, "over", seen == LOOK_DONE);
		json_put_int(state, "round", json_int(state, "round", 0) + 1);
		json_put_int(state, "waited", waited + pause);
		keep_pause(state, a);
		talk_forget(&g->talk, poll_key);
	}
}

int azure_do(struct azure *g, const char *method, const char *key, const char *url, json_t *body, int64_t max_ms, const char *what, struct err *err)
{
	bool creates = g->c->verb == PROVIDER_CREATE || g->c->verb == PROVIDER_START;
	const json_t *a = azure_ask(g, method, key, url, body);
	if (!a)
		return 0;
	if (azure_answer_error(a, what, creates, err))
		return -1;
	return azure_operation(g, key, a, strcmp(method, "PUT") ? NULL : url, max_ms, what, err);
}

/* ---- the provider --------------------------------------------------------------------------------------------------- */

static enum provider_step (*const verbs[PROVIDER_VERBS])(struct azure *g) = {
    [PROVIDER_CHECK] = azure_check,
    [PROVIDER_OFFERS] = azure_offers,
    [PROVIDER_CREATE] = azure_create,
    [PROVIDER_QUERY] = azure_query,
    [PROVIDER_START] = azure_start,
    [PROVIDER_STOP] = azure_stop,
    [PROVIDER_TERMINATE] = azure_terminate,
    [PROVIDER_QUOTA] = azure_quota,
    [PROVIDER_OBJECTS] = azure_objects,
};

static enum provider_step azure_step(struct provider_call *c, const struct provider_reply *reply, struct err *err)
{
	static const char *const keep[] = {"azure-asyncoperation", "location", "retry-after", "x-ms-error-code", "etag", "content-length", NULL};
	struct err none, *e = err ? err : &none;
	*e = (struct err){.code = ERR_NONE};
	struct azure g = {.c = c, .err = e, .talk = {.c = c, .reply = reply, .err = e, .cloud = "Azure", .section = "azure", .keep = keep}};
	talk_take(&g.talk);
	talk_begin_anew(&g.talk, "token");
	if (c->verb >= PROVIDER_VERBS || !verbs[c->verb])
		return talk_failed(&g.talk, ERR_UNSUPPORTED, ERR_SCOPE_CLOUD, "Azure is not asked that");
	if (c->verb == PROVIDER_CHECK || c->verb == PROVIDER_OFFERS || c->verb == PROVIDER_OBJECTS)
		return verbs[c->verb](&g); /* which have an answer for those who have no credentials */
	int r = azure_auth(&g);
	return r > 0 ? verbs[c->verb](&g) : r ? PROVIDER_FAILED : talk_send(&g.talk);
}

static const char *const stores[] = {"https://*.blob.core.windows.net/*", NULL};

const struct provider provider_azure = {
    .name = "azure",
    .title = "Azure",
    .can = PROVIDER_CAN_STOP | PROVIDER_CAN_SPOT | PROVIDER_CAN_MULTI_NODE | PROVIDER_CAN_PORTS | PROVIDER_CAN_IMAGES | PROVIDER_CAN_DISK_TIERS |
	   PROVIDER_CAN_SPOT_CAP,
    .more_quota = "of Azure in its portal under Quotas, Compute (https://portal.azure.com)",
    .credentials = "$AZURE_TENANT_ID, $AZURE_CLIENT_ID and $AZURE_CLIENT_SECRET (or a certificate), or `az login`",
    .stores = stores,
    .step = azure_step,
};
