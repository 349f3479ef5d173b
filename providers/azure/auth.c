/* Who we are. In this order, as Azure's own libraries do it: a service principal in the environment (by secret, by certificate, or by the token of a
 * workload), the same in the file that $AZURE_AUTH_LOCATION names, the identity of an app ($IDENTITY_ENDPOINT), the login of the Azure CLI (its own token
 * where that is still good, else `az account get-access-token`; only where its profile says that somebody is logged in), the managed identity of a
 * machine of Azure's. Files are read at every call, so that a new login counts at once; tokens are kept in memory until five minutes before they end.
 *
 * Which of Azure's clouds it is: azure.cloud of the settings, else $AZURE_AUTHORITY_HOST, else what the login of the CLI is in, else the public one. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "providers/azure/azure_priv.h"

static const char token_key[] = "token";

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

bool azure_remembered(struct azure *g, const char *mark)
{
	g->token = talk_token(&g->talk, mark);
	return g->token != NULL;
}

int azure_keep_token(struct azure *g, const char *text, int64_t life_ms, const char *mark)
{
	if (!*text || strpbrk(text, "\r\n"))
		return talk_refuse(&g->talk, "Azure gave no token for %s", g->identity);
	g->token = talk_keep_token(&g->talk, mark, text, life_ms);
	return 1;
}

/* A number, or its text, as one has it. */
int64_t azure_number(const json_t *body, const char *key)
{
	int64_t n = json_int(body, key, 0);
	const char *text = json_str(body, key, NULL);
	if (text && !num_int(text, 0, INT64_C(1) << 50, &n))
		n = 0;
	return n;
}

int azure_take_token(struct azure *g, const json_t *a, const char *mark)
{
	const json_t *body = json_obj(a, "body");
	if (azure_answer_error(a, arena_printf(g->c->arena, "asking Azure for a token for %s", g->identity), false, g->err)) {
		if (g->err->code == ERR_INVALID) {
			g->err->code = ERR_CREDENTIALS;
			err_set_scope(g->err, ERR_SCOPE_CLOUD);
		}
		return -1;
	}
	int64_t until = azure_number(body, "expires_on"), life = azure_number(body, "expires_in");
	return azure_keep_token(g, json_str(body, "access_token", ""), life ? life * 1000 : until * 1000 - g->c->env->now_ms, mark);
}

static const char *mark_of(struct azure *g, const char *tenant, const char *client, const char *secret)
{
	return arena_printf(g->c->arena, "%s/%s/%s%s", tenant, client, name_hash(g->c->arena, secret), g->base ? g->base : "");
}

/* How a principal proves itself: a member of the form with its value, or a certificate (with its key) to sign with. */
struct proof {
	const char *name, *value, *pem;
};

static int principal(struct azure *g, const char *tenant, const char *client, const struct proof *p)
{
	static const char jwt_bearer[] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
	struct arena *a = g->c->arena;
	if (!id_ok(tenant) || !id_ok(client))
		return talk_refuse(&g->talk, "the tenant and the client of Azure are ids of letters, digits and dashes: look at $AZURE_TENANT_ID and $AZURE_CLIENT_ID");
	const char *mark = mark_of(g, tenant, client, p->pem ? p->pem : p->value), *url = azure_url(g, AZURE_LOGIN, "/%s/oauth2/v2.0/token", tenant);
	g->identity = arena_printf(a, "service principal %s", client);
	if (g->local || azure_remembered(g, mark))
		return 1;
	const char *value = p->pem ? azure_assertion(g, p->pem, client, url) : p->value, *scope = arena_printf(a, "%s.default", azure_resource(g));
	if (!value)
		return -1;
	bool asserts = p->pem || !strcmp(p->name, "client_assertion");
	const char *pairs[] = {"grant_type", "client_credentials", "client_id", client, "scope", scope, p->pem ? "client_assertion" : p->name, value,
	    asserts ? "client_assertion_type" : NULL, jwt_bearer, NULL, NULL};
	const json_t *answer = talk_ask(&g->talk, token_key, &(struct talk_ask){.method = "POST", .url = url, .form = talk_form(a, pairs)});
	return answer ? azure_take_token(g, answer, mark) : 0;
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
		return talk_refuse(&g->talk, "%s may use %zu subscriptions of Azure: say which with $AZURE_SUBSCRIPTION_ID or the setting azure.subscription",
		    g->identity, n);
	g->subscription = arena_strdup(g->c->arena, only);
	return id_ok(only) ? 1 : talk_refuse(&g->talk, "Azure told no rightful id of a subscription");
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
		return talk_refuse(&g->talk, "this is no id of a subscription of Azure: %.100s", s);
	g->subscription = arena_strdup(g->c->arena, s);
	return 1;
}

/* ---- sources -------------------------------------------------------------------------------------------------------- */

/* The file that a variable names: its text; NULL: to be read, or not there (g->err). */
static const char *file_of(struct azure *g, const char *path, const char *variable)
{
	const char *text = talk_read(&g->talk, path);
	if (!text || *text)
		return text;
	talk_refuse(&g->talk, "%s, which $%s names, is not there or cannot be read", path, variable);
	return NULL;
}

static int from_environment(struct azure *g)
{
	static const char token_file[] = "AZURE_FEDERATED_TOKEN_FILE", certificate[] = "AZURE_CLIENT_CERTIFICATE_PATH";
	const char *tenant = talk_var(&g->talk, "AZURE_TENANT_ID"), *client = talk_var(&g->talk, "AZURE_CLIENT_ID");
	const char *secret = talk_var(&g->talk, "AZURE_CLIENT_SECRET"), *pem = talk_var(&g->talk, certificate), *file = talk_var(&g->talk, token_file);
	if (!tenant || !client || !(secret || pem || file))
		return AZURE_NOT_HERE;
	if (secret)
		return principal(g, tenant, client, &(struct proof){"client_secret", secret, NULL});
	const char *text = file_of(g, pem ? pem : file, pem ? certificate : token_file);
	if (!text)
		return g->err->code ? -1 : 0;
	if (pem)
		return principal(g, tenant, client, &(struct proof){.pem = text});
	return principal(g, tenant, client, &(struct proof){"client_assertion", arena_strndup(g->c->arena, text, strcspn(text, "\r\n")), NULL});
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
		return path ? 0 : AZURE_NOT_HERE;
	json_t *j = parse(text);
	const char *tenant = json_str(j, "tenantId", NULL), *client = json_str(j, "clientId", NULL), *secret = json_str(j, "clientSecret", NULL);
	int r;
	if (tenant && client && secret)
		r = principal(g, tenant, client, &(struct proof){"client_secret", secret, NULL});
	else
		r = talk_refuse(&g->talk, "%s, which $AZURE_AUTH_LOCATION names, is not there or lacks one of tenantId, clientId and clientSecret", path);
	const char *s = json_str(j, "subscriptionId", NULL);
	*subscription = s ? arena_strdup(g->c->arena, s) : NULL;
	json_decref(j);
	return r;
}

/* ---- the Azure CLI -------------------------------------------------------------------------------------------------- */

/* {"accessToken", "expires_on": s} of the CLI; older ones say only when it ends by the clock of the place: then it is kept for half an hour. */
static int take_cli(struct azure *g, const json_t *a, const char *mark)
{
	enum { UNTOLD_MS = 30 * 60 * 1000 };
	const char *out = json_str(a, "out", "");
	if (json_int(a, "status", -1)) {
		const char *todo = json_int(a, "status", -1) == 127 ? "install it, or set $AZURE_CLIENT_SECRET and what goes with it" : "run `az login`";
		return talk_refuse(&g->talk, "the Azure CLI gives no token: %s; %s",
		    talk_complaint(&g->talk, a, "`az account get-access-token` ended without a word"), todo);
	}
	json_t *j = json_parse(out, strlen(out), NULL);
	int64_t until = azure_number(j, "expires_on") * 1000;
	int r = azure_keep_token(g, json_str(j, "accessToken", ""), until ? until - g->c->env->now_ms : UNTOLD_MS, mark);
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

/* Its own token while that is good, else it is asked. By env, so that one who has no az is told by an exit status like all else. */
static int cli_token(struct azure *g, const char *dir, const json_t *chosen, const char *mark)
{
	const char *user = json_str(json_obj(chosen, "user"), "name", "");
	int r = g->local || azure_remembered(g, mark) ? 1 : azure_from_cli_cache(g, dir, json_str(chosen, "tenantId", ""), user, mark);
	if (r != AZURE_NOT_HERE)
		return r;
	const char *words[] = {"env", "az", "account", "get-access-token", "--resource", azure_resource(g), "--subscription", g->subscription, "-o", "json", NULL};
	const char **argv = arena_alloc(g->c->arena, sizeof words);
	memcpy(argv, words, sizeof words);
	const json_t *a = talk_exec(&g->talk, token_key, argv);
	return a ? take_cli(g, a, mark) : 0;
}

static int from_cli(struct azure *g, const char **subscription)
{
	const char *dir = talk_var(&g->talk, "AZURE_CONFIG_DIR");
	if (!dir)
		dir = "~/.azure";
	const char *text = talk_read(&g->talk, arena_printf(g->c->arena, "%s/azureProfile.json", dir));
	if (!text)
		return 0;
	json_t *profile = parse(text);
	const json_t *chosen = default_of(profile);
	const char *id = json_str(chosen, "id", ""), *user = json_str(json_obj(chosen, "user"), "name", "the user of `az login`");
	int r = AZURE_NOT_HERE;
	if (id_ok(id)) {
		*subscription = arena_strdup(g->c->arena, id);
		g->identity = arena_strdup(g->c->arena, user);
		if (!g->cloud)
			g->cloud = azure_cloud_of(json_str(chosen, "environmentName", "AzureCloud"), NULL);
		r = find_subscription(g, *subscription);
		if (r > 0)
			r = cli_token(g, dir, chosen, mark_of(g, "cli", user, g->subscription ? g->subscription : id));
	}
	json_decref(profile);
	return r;
}

/* ---- all of it ------------------------------------------------------------------------------------------------------ */

/* Which of Azure's clouds, where it is said: 1, −1. */
static int find_cloud(struct azure *g)
{
	const char *name = json_str(g->c->env->config, "cloud", ""), *login = talk_var(&g->talk, "AZURE_AUTHORITY_HOST");
	if (!*name && !login)
		return 1;
	if (*name)
		g->cloud = azure_cloud_of(name, NULL);
	else
		g->cloud = azure_cloud_of(NULL, strstr(login, "://") ? login : arena_printf(g->c->arena, "https://%s", login));
	if (g->cloud)
		return 1;
	return talk_refuse(&g->talk, "%s is \"%.100s\", which is none of Azure's clouds: AzureCloud, AzureUSGovernment, AzureChinaCloud",
	    *name ? "the setting azure.cloud" : "$AZURE_AUTHORITY_HOST", *name ? name : login);
}

int azure_auth(struct azure *g)
{
	const char *subscription = NULL, *dir = talk_var(&g->talk, "AZURE_CONFIG_DIR");
	if (talk_endpoint(&g->talk, "SKYTOP_AZURE_ENDPOINT", &g->base) || find_cloud(g) < 0)
		return -1;
	int r = from_environment(g);
	if (r == AZURE_NOT_HERE)
		r = from_file(g, &subscription);
	if (r == AZURE_NOT_HERE)
		r = azure_from_app_service(g);
	if (r == AZURE_NOT_HERE)
		r = from_cli(g, &subscription);
	if (r == AZURE_NOT_HERE)
		r = azure_from_metadata(g);
	if (r == AZURE_NOT_HERE)
		return talk_refuse(&g->talk,
		    "no credentials of Azure: neither in $AZURE_TENANT_ID, $AZURE_CLIENT_ID and $AZURE_CLIENT_SECRET (or a certificate, or a workload's token), nor in "
		    "$AZURE_AUTH_LOCATION, nor a login in %s/azureProfile.json, and this is no machine of Azure's; run `az login`", dir ? dir : "~/.azure");
	return r > 0 ? find_subscription(g, subscription) : r;
}
