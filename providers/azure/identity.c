/* Tokens that need no secret of ours: of the identity of an app or a machine of Azure's, asked of a server beside it; by a certificate, signed for; and
 * of the Azure CLI, which keeps its own in plain text. What the CLI keeps is only read: refreshing it is left to the CLI. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/str.h"
#include "providers/azure/azure_priv.h"
#include "providers/common/jwt.h"

enum { ASSERTION_S = 600, EARLY_MS = 10 * 60 * 1000 };

static const char token_key[] = "token";

/* What machines of Azure have as the asset tag of their chassis; other machines of Microsoft's make do not. */
static const char azures_tag[] = "7783-7084-3265-9085-8269-3286-77";

const char *azure_resource(const struct azure *g)
{
	return arena_printf(g->c->arena, "%s/", azure_cloud(g)->hosts[AZURE_ARM]);
}

/* ---- managed identities --------------------------------------------------------------------------------------------- */

/* GET with one header, of the identity that $AZURE_CLIENT_ID names or the only one: 1, 0, −1. */
static int ask_beside(struct azure *g, const char *stem, const char *version, const char *header)
{
	const char *client = talk_var(&g->talk, "AZURE_CLIENT_ID");
	const char *mark = arena_printf(g->c->arena, "identity %s %s", stem, client ? client : ""), *const headers[] = {header, NULL};
	if (g->local || azure_remembered(g, mark))
		return 1;
	const char *url = arena_printf(g->c->arena, "%s?api-version=%s&resource=%s%s%s", stem, version, talk_quote(g->c->arena, azure_resource(g)),
	    client ? "&client_id=" : "", client ? talk_quote(g->c->arena, client) : "");
	const char **h = arena_alloc(g->c->arena, sizeof headers);
	memcpy(h, headers, sizeof headers);
	const json_t *a = talk_ask(&g->talk, token_key, &(struct talk_ask){.url = url, .headers = h, .direct = true});
	if (!a)
		return 0;
	if (azure_take_token(g, a, mark) > 0)
		return 1;
	const char *said = json_str(json_obj(a, "body"), "error_description", json_str(json_obj(a, "body"), "message", "no word why"));
	if (g->err->code == ERR_CREDENTIALS || g->err->code == ERR_NOT_FOUND)
		talk_refuse(&g->talk, "asking for a token for %s: %s (HTTP %d); is an identity given to it, and is $AZURE_CLIENT_ID that of one it has?", g->identity,
		    talk_clean(&g->talk, said), talk_status(a));
	return -1;
}

int azure_from_app_service(struct azure *g)
{
	const char *endpoint = talk_var(&g->talk, "IDENTITY_ENDPOINT"), *secret = talk_var(&g->talk, "IDENTITY_HEADER");
	if (!endpoint || !secret)
		return AZURE_NOT_HERE;
	if (!str_starts(endpoint, "http") || strpbrk(endpoint, " ?#\r\n") || strpbrk(secret, "\r\n"))
		return talk_refuse(&g->talk, "$IDENTITY_ENDPOINT is no web address: %.200s", endpoint);
	g->identity = "this app's managed identity";
	return ask_beside(g, endpoint, "2019-08-01", arena_printf(g->c->arena, "X-IDENTITY-HEADER: %s", secret));
}

/* Never for a stand-in, unless it is said where. */
int azure_from_metadata(struct azure *g)
{
	const char *host = talk_var(&g->talk, "AZURE_POD_IDENTITY_AUTHORITY_HOST");
	const char *tag = g->base || host ? "" : talk_read(&g->talk, "/sys/class/dmi/id/chassis_asset_tag");
	if (!tag)
		return 0;
	if (!host && !str_starts(tag, azures_tag))
		return AZURE_NOT_HERE;
	g->identity = "this machine's managed identity";
	return ask_beside(g, arena_printf(g->c->arena, "%s/metadata/identity/oauth2/token", host ? host : "http://169.254.169.254"), "2018-02-01", "Metadata: true");
}

/* ---- certificates --------------------------------------------------------------------------------------------------- */

const char *azure_assertion(struct azure *g, const char *pem, const char *client, const char *audience)
{
	int64_t now_s = g->c->env->now_ms / 1000;
	struct str x5t = str_new(64);
	struct err err = {.code = ERR_NONE};
	char *jwt = NULL;
	if (!jwt_x5t(pem, &x5t, &err)) {
		json_t *header = json_pack("{s:s, s:s, s:s}", "alg", "RS256", "typ", "JWT", "x5t", str_text(&x5t));
		json_t *claims = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "aud", audience, "iss", client, "sub", client, "jti",
		    name_hash(g->c->arena, arena_printf(g->c->arena, "%s %" PRId64 " %s", str_text(&x5t), g->c->env->now_ms, client)), "nbf", (json_int_t)now_s, "iat",
		    (json_int_t)now_s, "exp", (json_int_t)now_s + ASSERTION_S);
		jwt = jwt_rs256(header, claims, pem, &err);
		json_decref(header);
		json_decref(claims);
	}
	str_free(&x5t);
	const char *out = jwt ? arena_strdup(g->c->arena, jwt) : NULL;
	free(jwt);
	if (!out)
		talk_refuse(&g->talk, "%s, which $AZURE_CLIENT_CERTIFICATE_PATH names, must be a PEM file with the certificate and its RSA key: %s",
		    talk_var(&g->talk, "AZURE_CLIENT_CERTIFICATE_PATH"), err.text);
	return out;
}

/* ---- the CLI's own tokens ------------------------------------------------------------------------------------------- */

/* Whose account is it? Users have one in the cache's list; principals are named by their id. */
static bool is_of(const json_t *cache, const json_t *token, const char *user)
{
	const char *account = json_str(token, "home_account_id", ""), *key;
	json_t *v;
	if (!*account)
		return str_ieq(json_str(token, "client_id", ""), user);
	json_object_foreach((json_t *)(uintptr_t)json_obj(cache, "Account"), key, v)
		if (str_eq(json_str(v, "home_account_id", ""), account) && str_ieq(json_str(v, "username", ""), user))
			return true;
	return false;
}

/* For Azure's management, by its old name or its new one? */
static bool for_management(const struct azure *g, const json_t *token)
{
	const char *target = json_str(token, "target", ""), *arm = azure_resource(g), *dot = strstr(arm, "management.");
	return strstr(target, arm) || (dot && strstr(target, arena_printf(g->c->arena, "management.core.%s", str_starts(dot, "management.azure.com") ? "windows.net" :
		dot + strlen("management."))));
}

int azure_from_cli_cache(struct azure *g, const char *dir, const char *tenant, const char *user, const char *mark)
{
	const char *text = talk_read(&g->talk, arena_printf(g->c->arena, "%s/msal_token_cache.json", dir)), *key;
	int64_t now = g->c->env->now_ms, best = now + EARLY_MS;
	const json_t *found = NULL;
	json_t *v;
	if (!text)
		return 0;
	json_t *cache = json_parse(text, strlen(text), NULL);
	json_object_foreach(json_obj(cache, "AccessToken"), key, v) {
		int64_t until = azure_number(v, "expires_on") * 1000;
		if (until > best && str_ieq(json_str(v, "realm", ""), tenant) && for_management(g, v) && is_of(cache, v, user)) {
			found = v;
			best = until;
		}
	}
	int r = found ? azure_keep_token(g, json_str(found, "secret", ""), best - now, mark) : AZURE_NOT_HERE;
	json_decref(cache);
	return r;
}
