/* Who we are. In this order, as Azure's own libraries do it: a service principal in the environment (by secret, or by the token of a workload), the same
 * in the file that $AZURE_AUTH_LOCATION names, the login of the Azure CLI (`az account get-access-token`, only where its profile says that somebody
 * is logged in), the managed identity of a machine of Azure's. Files are read at every call, so that a new login counts at once; tokens are kept in
 * memory until five minutes before they end. The metadata server is asked only where this machine says that it is one of Azure's. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "providers/azure/azure_priv.h"

static const char token_key[] = "token", resource[] = "https://management.azure.com/", scope[] = "https://management.azure.com/.default";

/* What machines of Azure have as the asset tag of their chassis; other machines of Microsoft's make do not. */
static const char azures_tag[] = "7783-7084-3265-9085-8269-3286-77";

static int refuse(struct azure *g, const char *text)
{
	err_set(g->err, ERR_CREDENTIALS, "%s", text);
	return err_set_scope(g->err, ERR_SCOPE_CLOUD);
}

/* Ids go into URLs. */
static bool id_ok(const char *text)
{
	size_t n = 0;
	for (; text[n]; n++)
		if (!(text[n] >= 'a' && text[n] <= 'z') && !(text[n] >= 'A' && text[n] <= 'Z') && !(text[n] >= '0' && text[n] <= '9') && !strchr("-.", text[n]))
			return false;
	return n > 0 && n <= 100 && text[0] != '.';
}

/* ---- tokens --------------------------------------------------------------------------------------------------------- */

static bool remembered(struct azure *g, const char *mark)
{
	g->token = talk_token(&g->talk, mark);
	return g->token != NULL;
}

static int keep_token(struct azure *g, const char *text, int64_t life_ms, const char *mark)
{
	if (!*text || strpbrk(text, "\r\n"))
		return refuse(g, arena_printf(g->c->arena, "Azure gave no token for %s", g->identity));
	g->token = talk_keep_token(&g->talk, mark, text, life_ms);
	return 1;
}

/* A number, or its text, as one has it. */
static int64_t number(const json_t *body, const char *key)
{
	int64_t n = json_int(body, key, 0);
	const char *text = json_str(body, key, NULL);
	if (text && !num_int(text, 0, INT64_C(1) << 50, &n))
		n = 0;
	return n;
}

static int take_answer(struct azure *g, const json_t *a, const char *mark)
{
	const json_t *body = json_obj(a, "body");
	if (azure_answer_error(a, arena_printf(g->c->arena, "asking Azure for a token for %s", g->identity), false, g->err)) {
		if (g->err->code == ERR_INVALID) {
			g->err->code = ERR_CREDENTIALS;
			err_set_scope(g->err, ERR_SCOPE_CLOUD);
		}
		return -1;
	}
	int64_t until = number(body, "expires_on"), life = number(body, "expires_in");
	return keep_token(g, json_str(body, "access_token", ""), life ? life * 1000 : until * 1000 - g->c->env->now_ms, mark);
}

static const char *mark_of(struct azure *g, const char *tenant, const char *client, const char *secret)
{
	return arena_printf(g->c->arena, "%s/%s/%s%s", tenant, client, name_hash(g->c->arena, secret), g->base ? g->base : "");
}

/* name and value of how the principal proves itself. */
static int principal(struct azure *g, const char *tenant, const char *client, const char *name, const char *value)
{
	if (!id_ok(tenant) || !id_ok(client))
		return refuse(g, "the tenant and the client of Azure are ids of letters, digits and dashes: look at $AZURE_TENANT_ID and $AZURE_CLIENT_ID");
	const char *mark = mark_of(g, tenant, client, value);
	g->identity = arena_printf(g->c->arena, "service principal %s", client);
	if (g->local || remembered(g, mark))
		return 1;
	bool assertion = !strcmp(name, "client_assertion");
	const char *pairs[] = {"grant_type", "client_credentials", "client_id", client, "scope", scope, name, value, assertion ? "client_assertion_type" : NULL,
	    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", NULL, NULL};
	const char *url = azure_url(g, AZURE_LOGIN, "/%s/oauth2/v2.0/token", tenant);
	const json_t *a = talk_ask(&g->talk, token_key, &(struct talk_ask){.method = "POST", .url = url, .form = talk_form(g->c->arena, pairs)});
	return a ? take_answer(g, a, mark) : 0;
}

/* ---- the subscription ----------------------------------------------------------------------------------------------- */

/* Of those we may see, the only one that is enabled. */
static int only_subscription(struct azure *g)
{
	if (g->local)
		return 1;
	const json_t *list = azure_list(g, "subscriptions", azure_url(g, AZURE_ARM, "/subscriptions?api-version=2020-01-01"), "listing the subscriptions"), *v;
	const char *only = NULL;
	size_t i, n = 0;
	if (!list)
		return g->err->code ? -1 : 0;
	json_array_foreach(list, i, v)
		if (str_ieq(json_str(v, "state", ""), "Enabled")) {
			only = json_str(v, "subscriptionId", "");
			n++;
		}
	if (n != 1)
		return refuse(g, arena_printf(g->c->arena,
			"%s may use %zu subscriptions of Azure: say which with $AZURE_SUBSCRIPTION_ID or the setting azure.subscription", g->identity, n));
	g->subscription = arena_strdup(g->c->arena, only);
	return id_ok(only) ? 1 : refuse(g, "Azure told no rightful id of a subscription");
}

/* said: by the source of the credentials itself; NULL. */
static int find_subscription(struct azure *g, const char *said)
{
	const char *s = json_str(g->c->env->config, "subscription", NULL);
	if (!s || !*s)
		s = talk_var(&g->talk, "AZURE_SUBSCRIPTION_ID");
	if (!s || !*s)
		s = said;
	if (!s || !*s)
		return only_subscription(g);
	if (!id_ok(s))
		return refuse(g, arena_printf(g->c->arena, "this is no id of a subscription of Azure: %.100s", s));
	g->subscription = arena_strdup(g->c->arena, s);
	return 1;
}

/* ---- sources -------------------------------------------------------------------------------------------------------- */

enum { NOT_HERE = 2 }; /* a source that has nothing; else 1, 0, −1 */

static int from_environment(struct azure *g)
{
	const char *tenant = talk_var(&g->talk, "AZURE_TENANT_ID"), *client = talk_var(&g->talk, "AZURE_CLIENT_ID");
	const char *secret = talk_var(&g->talk, "AZURE_CLIENT_SECRET"), *file = talk_var(&g->talk, "AZURE_FEDERATED_TOKEN_FILE");
	if (!tenant || !client)
		return NOT_HERE;
	if (secret)
		return principal(g, tenant, client, "client_secret", secret);
	if (file) {
		const char *text = talk_read(&g->talk, file);
		if (!text)
			return 0;
		if (!*text)
			return refuse(g, arena_printf(g->c->arena, "%s, which $AZURE_FEDERATED_TOKEN_FILE names, is not there or cannot be read", file));
		return principal(g, tenant, client, "client_assertion", arena_strndup(g->c->arena, text, strcspn(text, "\r\n")));
	}
	if (talk_var(&g->talk, "AZURE_CLIENT_CERTIFICATE_PATH"))
		return refuse(g, "certificates of service principals ($AZURE_CLIENT_CERTIFICATE_PATH) cannot be used yet: set $AZURE_CLIENT_SECRET, or log the "
				 "Azure CLI in with `az login --service-principal --certificate` and unset $AZURE_CLIENT_ID");
	return NOT_HERE;
}

/* A file of other encodings than plain UTF-8 begins with a mark, as azureProfile.json does. */
static json_t *parse(const char *text)
{
	if (str_starts(text, "\xef\xbb\xbf"))
		text += 3;
	return json_parse(text, strlen(text), NULL);
}

static int from_file(struct azure *g, const char **subscription)
{
	const char *path = talk_var(&g->talk, "AZURE_AUTH_LOCATION"), *text = path ? talk_read(&g->talk, path) : "";
	if (!path || !text)
		return path ? 0 : NOT_HERE;
	json_t *j = parse(text);
	const char *tenant = json_str(j, "tenantId", NULL), *client = json_str(j, "clientId", NULL), *secret = json_str(j, "clientSecret", NULL);
	int r;
	if (tenant && client && secret)
		r = principal(g, tenant, client, "client_secret", secret);
	else
		r = refuse(g, arena_printf(g->c->arena, "%s, which $AZURE_AUTH_LOCATION names, is not there or lacks one of tenantId, clientId and clientSecret", path));
	const char *s = json_str(j, "subscriptionId", NULL);
	*subscription = s ? arena_strdup(g->c->arena, s) : NULL;
	json_decref(j);
	return r;
}

/* {"accessToken", "expires_on": s} of the CLI; older ones say only when it ends by the clock of the place: then it is kept for half an hour. */
static int take_cli(struct azure *g, const json_t *a, const char *mark)
{
	enum { UNTOLD_MS = 30 * 60 * 1000 };
	const char *out = json_str(a, "out", "");
	if (json_int(a, "status", -1)) {
		const char *todo = json_int(a, "status", -1) == 127 ? "install it, or set $AZURE_CLIENT_SECRET and what goes with it" : "run `az login`";
		return refuse(g, arena_printf(g->c->arena, "the Azure CLI gives no token: %s; %s",
			talk_complaint(&g->talk, a, "`az account get-access-token` ended without a word"), todo));
	}
	json_t *j = json_parse(out, strlen(out), NULL);
	int64_t until = number(j, "expires_on") * 1000;
	int r = keep_token(g, json_str(j, "accessToken", ""), until ? until - g->c->env->now_ms : UNTOLD_MS, mark);
	json_decref(j);
	return r;
}

/* The default one of the CLI's profile; NULL: nobody is logged in. */
static const json_t *default_of(const json_t *profile)
{
	const json_t *list = json_arr(profile, "subscriptions"), *best = json_array_get(list, 0);
	size_t i;
	json_t *v;
	json_array_foreach(list, i, v)
		if (json_bool(v, "isDefault", false))
			best = v;
	return best;
}

static int from_cli(struct azure *g, const char **subscription)
{
	const char *dir = talk_var(&g->talk, "AZURE_CONFIG_DIR");
	const char *text = talk_read(&g->talk, arena_printf(g->c->arena, "%s/azureProfile.json", dir ? dir : "~/.azure"));
	if (!text)
		return 0;
	json_t *profile = parse(text);
	const json_t *chosen = default_of(profile);
	const char *id = json_str(chosen, "id", ""), *user = json_str(json_obj(chosen, "user"), "name", "the user of `az login`");
	int r = NOT_HERE;
	if (id_ok(id)) {
		*subscription = arena_strdup(g->c->arena, id);
		g->identity = arena_strdup(g->c->arena, user);
		r = find_subscription(g, *subscription);
		const char *mark = mark_of(g, "cli", user, g->subscription ? g->subscription : id);
		const char **argv = arena_alloc(g->c->arena, 11 * sizeof *argv);
		/* By env, so that one who has no az is told by an exit status like all else. */
		const char *words[] = {"env", "az", "account", "get-access-token", "--resource", resource, "--subscription", g->subscription, "-o", "json"};
		for (size_t i = 0; i < ARRAY_LEN(words); i++)
			argv[i] = words[i];
		argv[ARRAY_LEN(words)] = NULL;
		if (r > 0 && !g->local && !remembered(g, mark)) {
			const json_t *a = talk_exec(&g->talk, token_key, argv);
			r = a ? take_cli(g, a, mark) : 0;
		}
	}
	json_decref(profile);
	return r;
}

/* Never for a stand-in. */
static int from_metadata(struct azure *g)
{
	const char *tag = g->base ? "" : talk_read(&g->talk, "/sys/class/dmi/id/chassis_asset_tag"), *client = talk_var(&g->talk, "AZURE_CLIENT_ID");
	static const char *const headers[] = {"Metadata: true", NULL};
	if (!tag)
		return 0;
	if (!str_starts(tag, azures_tag))
		return NOT_HERE;
	g->identity = "this machine's managed identity";
	if (g->local || remembered(g, "metadata"))
		return 1;
	const char *url = arena_printf(g->c->arena, "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=%s%s%s",
	    talk_quote(g->c->arena, resource), client ? "&client_id=" : "", client ? talk_quote(g->c->arena, client) : "");
	const json_t *a = talk_ask(&g->talk, token_key, &(struct talk_ask){.url = url, .headers = headers, .direct = true});
	return a ? take_answer(g, a, "metadata") : 0;
}

int azure_auth(struct azure *g)
{
	const char *subscription = NULL;
	if (talk_endpoint(&g->talk, "SKYTOP_AZURE_ENDPOINT", &g->base))
		return -1;
	int r = from_environment(g);
	if (r == NOT_HERE)
		r = from_file(g, &subscription);
	if (r == NOT_HERE)
		r = from_cli(g, &subscription);
	if (r == NOT_HERE)
		r = from_metadata(g);
	if (r == NOT_HERE) {
		const char *dir = talk_var(&g->talk, "AZURE_CONFIG_DIR");
		return refuse(g, arena_printf(g->c->arena,
			"no credentials of Azure: neither in $AZURE_TENANT_ID, $AZURE_CLIENT_ID and $AZURE_CLIENT_SECRET, nor in $AZURE_AUTH_LOCATION, nor a login in "
			"%s/azureProfile.json, and this is no machine of Azure's; run `az login`", dir ? dir : "~/.azure"));
	}
	return r > 0 ? find_subscription(g, subscription) : r;
}
