/* Who we are, as Google's own libraries find it ("application default credentials"): $GOOGLE_APPLICATION_CREDENTIALS, the file that `gcloud auth
 * application-default login` writes, the metadata server of a machine of Google's; and what they do not look at, the login of gcloud itself, which is asked
 * of gcloud. The files are read at every call, so that a new login counts at once; tokens are kept in memory until five minutes before they end, by a hash
 * of what they were given for. Nothing is asked of the network unless there are credentials, and the metadata server only where this machine says that it
 * is one of Google's, or $GCE_METADATA_HOST says where it is. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/str.h"
#include "providers/common/jwt.h"
#include "providers/gcp/gcp_priv.h"

enum { TOKEN_LIFE_S = 3600, UNTOLD_MS = 30 * 60 * 1000 };

static const char token_key[] = "token", token_host[] = "https://oauth2.googleapis.com/token";

static const char *config_dir(struct gcp *g)
{
	const char *dir = talk_var(&g->talk, "CLOUDSDK_CONFIG");
	return dir ? dir : "~/.config/gcloud";
}

static const char *credentials_path(struct gcp *g)
{
	const char *path = talk_var(&g->talk, "GOOGLE_APPLICATION_CREDENTIALS");
	return path ? path : arena_printf(g->c->arena, "%s/application_default_credentials.json", config_dir(g));
}

const char *gcp_scope(void)
{
	return "https://www.googleapis.com/auth/cloud-platform";
}

/* ---- the project ---------------------------------------------------------------------------------------------------- */

/* "key = value" of a section of one of gcloud's INI files. */
static const char *ini_value(struct arena *a, const char *text, const char *section, const char *key)
{
	bool within = false;
	while (*text) {
		size_t n = strcspn(text, "\n"), k = 0;
		char *line = arena_strndup(a, text, n);
		while (n && strchr(" \t\r", line[n - 1]))
			line[--n] = '\0';
		k = strcspn(line, " \t=");
		if (*line == '[')
			within = str_eq(line, arena_printf(a, "[%s]", section));
		else if (within && k == strlen(key) && !strncmp(line, key, k)) {
			const char *v = line + k + strspn(line + k, " \t");
			if (*v == '=')
				return v + 1 + strspn(v + 1, " \t");
		}
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return NULL;
}

/* The project of gcloud's active configuration; "" when there is none, NULL while a file has to be read. */
static const char *gcloud_project(struct gcp *g)
{
	const char *dir = config_dir(g), *name = talk_var(&g->talk, "CLOUDSDK_ACTIVE_CONFIG_NAME");
	if (!name) {
		const char *active = talk_read(&g->talk, arena_printf(g->c->arena, "%s/active_config", dir));
		if (!active)
			return NULL;
		name = arena_strndup(g->c->arena, active, strcspn(active, " \t\r\n/"));
		if (!*name)
			name = "default";
	}
	const char *text = talk_read(&g->talk, arena_printf(g->c->arena, "%s/configurations/config_%s", dir, name));
	const char *project = text ? ini_value(g->c->arena, text, "core", "project") : NULL;
	return text ? project ? project : "" : NULL;
}

/* 1, 0 or −1. cred NULL: the metadata server's. */
static int find_project(struct gcp *g, const json_t *cred, const char *metadata)
{
	static const char *const first[] = {"GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT"};
	const char *p = json_str(g->c->env->config, "project", NULL);
	for (size_t i = 0; (!p || !*p) && i < ARRAY_LEN(first); i++)
		p = talk_var(&g->talk, first[i]);
	if (!p || !*p)
		p = json_str(cred, "project_id", NULL);
	if (!p || !*p) {
		p = gcloud_project(g);
		if (!p)
			return 0;
	}
	if (!*p)
		p = json_str(cred, "quota_project_id", "");
	if (!*p && metadata && g->local)
		return 1;
	json_t *told = talk_memory(&g->talk, "project of this machine");
	if (!*p && metadata)
		p = json_str(told, metadata, "");
	if (!*p && metadata) {
		const char *url = arena_printf(g->c->arena, "%s/project/project-id", metadata);
		const json_t *a = gcp_ask(g, "project-id", &(struct gcp_ask){.url = url, .header = "Metadata-Flavor: Google", .bare = true, .direct = true});
		if (!a)
			return 0;
		if (gcp_out_of_order(a, "asking this machine for its project", g->err))
			return -1;
		p = talk_status(a) == 200 ? json_str(a, "text", "") : "";
		json_put_str(told, metadata, p);
	}
	if (!*p || strlen(p) > 100 || strpbrk(p, "/?#% \t\r\n"))
		return talk_refuse(&g->talk,
		    "which project of Google Cloud is meant is not said%s%.100s: set $GOOGLE_CLOUD_PROJECT, or run `gcloud config set project PROJECT`",
		    *p ? " rightly: " : "", p);
	g->project = arena_strdup(g->c->arena, p);
	return 1;
}

/* ---- tokens --------------------------------------------------------------------------------------------------------- */

const char *gcp_named_url(struct gcp *g, const char *url)
{
	const char *path = str_starts(url, "https://") ? strchr(url + strlen("https://"), '/') : NULL;
	if (path && !strpbrk(url, " \t\r\n"))
		return g->base ? arena_printf(g->c->arena, "%s%s", g->base, path) : arena_strdup(g->c->arena, url);
	talk_refuse(&g->talk, "the credentials of Google Cloud are to be taken to %.200s, which is no place on https", url);
	return NULL;
}

/* What service accounts send for a token: a claim, signed. NULL with err. */
static const char *service_form(struct gcp *g, const json_t *cred)
{
	int64_t now_s = g->c->env->now_ms / 1000;
	json_t *header = json_pack("{s:s, s:s}", "alg", "RS256", "typ", "JWT");
	if (json_str(cred, "private_key_id", NULL))
		json_put_str(header, "kid", json_str(cred, "private_key_id", NULL));
	json_t *claims = json_pack("{s:s, s:s, s:s, s:I, s:I}", "iss", json_str(cred, "client_email", ""), "scope", gcp_scope(), "aud",
	    json_str(cred, "token_uri", token_host), "iat", (json_int_t)now_s, "exp", (json_int_t)now_s + TOKEN_LIFE_S);
	char *jwt = jwt_rs256(header, claims, json_str(cred, "private_key", ""), g->err);
	json_decref(header);
	json_decref(claims);
	if (!jwt) {
		g->err->code = g->err->code == ERR_INVALID ? ERR_CREDENTIALS : g->err->code;
		err_wrap(g->err, "the service account in %s", credentials_path(g));
		err_set_scope(g->err, ERR_SCOPE_CLOUD);
		return NULL;
	}
	const char *pairs[] = {"grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion", arena_strdup(g->c->arena, jwt), NULL, NULL};
	free(jwt);
	return talk_form(g->c->arena, pairs);
}

static const char *user_form(struct gcp *g, const json_t *cred)
{
	const char *pairs[] = {"grant_type", "refresh_token", "client_id", json_str(cred, "client_id", ""), "client_secret", json_str(cred, "client_secret", ""),
	    "refresh_token", json_str(cred, "refresh_token", ""), NULL, NULL};
	return talk_form(g->c->arena, pairs);
}

/* A refusal in the words of the step that was refused: the table's advice is for logins. */
static int token_refused(struct gcp *g, const char *key, const json_t *answer)
{
	static const struct {
		const char *key, *advice;
	} rows[] = {{"token:sts", "does the provider of the pool take this token? Look at its issuer, its audiences and its conditions"},
	    {"token:impersonate", "may it act as that service account? That takes the role Service Account Token Creator on it"}};
	const json_t *body = json_obj(answer, "body");
	const char *said = json_str(body, "error_description", json_str(json_obj(body, "error"), "message", ""));
	if (g->err->code == ERR_INVALID || g->err->code == ERR_NOT_FOUND) {
		g->err->code = ERR_CREDENTIALS;
		err_set_scope(g->err, ERR_SCOPE_CLOUD);
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (g->err->code == ERR_CREDENTIALS && !strcmp(rows[i].key, key) && *said)
			return talk_refuse(&g->talk, "asking Google for a token for %s: %s (HTTP %d); %s", g->identity, talk_clean(&g->talk, said), talk_status(answer),
			    rows[i].advice);
	return -1;
}

/* {"access_token", "expires_in"}, or of what acts as a service account {"accessToken", "expireTime"}. */
int gcp_take_token(struct gcp *g, const char *key, const struct gcp_ask *q, struct gcp_token *out)
{
	const json_t *a = gcp_ask(g, key, q), *body = json_obj(a, "body");
	const char *until = json_str(body, "expireTime", NULL), *text = json_str(body, "access_token", json_str(body, "accessToken", ""));
	if (!a)
		return 0;
	if (gcp_answer_error(a, arena_printf(g->c->arena, "asking Google for a token for %s", g->identity), false, g->err))
		return token_refused(g, key, a);
	if (!*text || strpbrk(text, "\r\n"))
		return talk_refuse(&g->talk, "Google gave no token for %s", g->identity);
	*out = (struct gcp_token){arena_strdup(g->c->arena, text), until ? name_time(until) - g->c->env->now_ms : json_int(body, "expires_in", 0) * 1000};
	return 1;
}

static int service_token(struct gcp *g, const json_t *cred, struct gcp_token *out)
{
	const char *url = gcp_named_url(g, json_str(cred, "token_uri", token_host)), *form = url ? service_form(g, cred) : NULL;
	return form ? gcp_take_token(g, token_key, &(struct gcp_ask){.method = "POST", .url = url, .form = form, .bare = true}, out) : -1;
}

static int user_token(struct gcp *g, const json_t *cred, struct gcp_token *out)
{
	const char *url = gcp_named_url(g, json_str(cred, "token_uri", token_host));
	return url ? gcp_take_token(g, token_key, &(struct gcp_ask){.method = "POST", .url = url, .form = user_form(g, cred), .bare = true}, out) : -1;
}

/* ---- kinds of credentials ------------------------------------------------------------------------------------------- */

static const char *service_name(struct gcp *g, const json_t *cred)
{
	return arena_strdup(g->c->arena, json_str(cred, "client_email", "a service account"));
}

static const char *user_name(struct gcp *g, const json_t *cred)
{
	const char *account = json_str(cred, "account", "");
	return *account ? arena_strdup(g->c->arena, account) : "the user of `gcloud auth application-default login`";
}

/* The pool and its provider: "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/P/providers/X" → "…P/providers/X". */
static const char *external_name(struct gcp *g, const json_t *cred)
{
	const char *audience = json_str(cred, "audience", ""), *pool = strstr(audience, "Pools/");
	return arena_printf(g->c->arena, "an external account of %.200s", pool ? pool + strlen("Pools/") : audience);
}

static const struct kind {
	const char *type;
	const char *(*name)(struct gcp *g, const json_t *cred);
	int (*token)(struct gcp *g, const json_t *cred, struct gcp_token *out);
} kinds[] = {{"service_account", service_name, service_token}, {"authorized_user", user_name, user_token},
    {"external_account", external_name, gcp_external_token}};

static const struct kind *kind_of(const json_t *cred)
{
	const char *type = json_str(cred, "type", "");
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (!strcmp(kinds[i].type, type))
			return &kinds[i];
	return NULL;
}

static bool remembered(struct gcp *g, const char *mark)
{
	g->token = talk_token(&g->talk, mark);
	return g->token != NULL;
}

/* A token of `kind` by what `by` says; and of the service account that `cred` names to act as, if it does. 1, 0, −1. */
static int obtain(struct gcp *g, const struct kind *kind, const json_t *by, const json_t *cred, const char *mark)
{
	const char *url = json_str(cred, "service_account_impersonation_url", NULL), *as = gcp_impersonated(g, url);
	struct gcp_token t, own;
	g->identity = as ? arena_printf(g->c->arena, "%s (by %s)", as, kind->name(g, by)) : kind->name(g, by);
	if (remembered(g, mark) || g->local)
		return 1;
	int r = kind->token(g, by, &t);
	if (r > 0 && url) {
		own = t;
		r = gcp_impersonate(g, cred, url, &own, &t);
	}
	if (r > 0)
		g->token = talk_keep_token(&g->talk, mark, t.text, t.life_ms);
	return r;
}

/* Who acts as a service account says by what credentials of their own. */
static const json_t *source_of(const json_t *cred)
{
	return str_eq(json_str(cred, "type", ""), "impersonated_service_account") ? json_obj(cred, "source_credentials") : cred;
}

static int from_file(struct gcp *g, const char *path, const char *text)
{
	json_t *cred = json_parse(text, strlen(text), NULL);
	const char *type = json_str(cred, "type", NULL), *quota = json_str(cred, "quota_project_id", NULL);
	const json_t *by = source_of(cred);
	const struct kind *kind = kind_of(by);
	int r;
	if (!type)
		r = talk_refuse(&g->talk, "%s holds no credentials of Google's: run `gcloud auth application-default login`", path);
	else if (!kind)
		r = talk_refuse(&g->talk,
		    "%s holds credentials of the kind \"%.60s\", which cannot be used: use a service account's key, or run `gcloud auth application-default login`",
		    path, json_str(by, "type", type));
	else {
		if (quota && !strpbrk(quota, "\r\n"))
			g->quota_project = arena_strdup(g->c->arena, quota);
		r = obtain(g, kind, by, cred, arena_printf(g->c->arena, "%s%s", name_hash(g->c->arena, text), g->base ? g->base : ""));
		if (r > 0)
			r = find_project(g, cred, NULL);
	}
	json_decref(cred);
	return r;
}

/* ---- machines of Google's, and gcloud ------------------------------------------------------------------------------- */

enum { NOT_HERE = 2 }; /* a source that has nothing; else 1, 0, −1 */

/* Never for a stand-in, unless it is said where; never when Google's own switch says not to. */
static int from_metadata(struct gcp *g)
{
	const char *host = talk_var(&g->talk, "GCE_METADATA_HOST");
	const char *vendor = host || g->base || talk_var(&g->talk, "NO_GCE_CHECK") ? "" : talk_read(&g->talk, "/sys/class/dmi/id/sys_vendor");
	struct gcp_token t;
	if (!vendor)
		return 0;
	if (!host && !str_starts(vendor, "Google"))
		return NOT_HERE;
	const char *stem = arena_printf(g->c->arena, "http://%s/computeMetadata/v1", host ? host : "metadata.google.internal");
	const char *mark = arena_printf(g->c->arena, "metadata %s", stem);
	g->identity = "this machine's service account";
	if (!remembered(g, mark) && !g->local) {
		struct gcp_ask q = {.url = arena_printf(g->c->arena, "%s/instance/service-accounts/default/token", stem), .header = "Metadata-Flavor: Google",
		    .bare = true, .direct = true};
		int r = gcp_take_token(g, token_key, &q, &t);
		if (r < 0 && g->err->code == ERR_CREDENTIALS)
			err_wrap(g->err, "the metadata server (%s): has this machine a service account?", host ? host : "metadata.google.internal");
		if (r <= 0)
			return r;
		g->token = talk_keep_token(&g->talk, mark, t.text, t.life_ms);
	}
	return find_project(g, NULL, stem);
}

/* Somebody who is logged in to gcloud and not "for applications": gcloud gives a token, and does not say how long it will do. */
static int from_gcloud(struct gcp *g)
{
	static const char *const argv[] = {"env", "gcloud", "auth", "print-access-token", "--quiet", NULL};
	const char *store = talk_read(&g->talk, arena_printf(g->c->arena, "%s/credentials.db", config_dir(g)));
	if (!store || !*store)
		return store ? NOT_HERE : 0;
	const char *mark = arena_printf(g->c->arena, "gcloud %s", name_hash(g->c->arena, config_dir(g)));
	g->identity = "the user of `gcloud auth login`";
	if (!remembered(g, mark) && !g->local) {
		const json_t *a = talk_exec(&g->talk, token_key, argv);
		const char *out = json_str(a, "out", "");
		size_t n = strcspn(out, " \t\r\n");
		if (!a)
			return 0;
		if (json_int(a, "status", -1) || !n)
			return talk_refuse(&g->talk, "gcloud is logged in, but gives no token: %s; run `gcloud auth application-default login`",
			    talk_complaint(&g->talk, a, "`gcloud auth print-access-token` ended without a word"));
		g->token = talk_keep_token(&g->talk, mark, arena_strndup(g->c->arena, out, n), UNTOLD_MS);
	}
	return find_project(g, NULL, NULL);
}

int gcp_auth(struct gcp *g)
{
	const char *explicit = talk_var(&g->talk, "GOOGLE_APPLICATION_CREDENTIALS"), *path = credentials_path(g);
	if (talk_endpoint(&g->talk, "SKYTOP_GCP_ENDPOINT", &g->base))
		return -1;
	const char *text = talk_read(&g->talk, path);
	if (!text)
		return 0;
	if (*text)
		return from_file(g, path, text);
	if (explicit)
		return talk_refuse(&g->talk, "%s, which $GOOGLE_APPLICATION_CREDENTIALS names, is not there or cannot be read", path);
	int r = from_metadata(g);
	if (r == NOT_HERE)
		r = from_gcloud(g);
	if (r == NOT_HERE)
		return talk_refuse(&g->talk,
		    "no credentials of Google Cloud: neither in $GOOGLE_APPLICATION_CREDENTIALS nor in %s, this is no machine of Google's, and gcloud is not logged in; "
		    "run `gcloud auth application-default login`", path);
	return r;
}
