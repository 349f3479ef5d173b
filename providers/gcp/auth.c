/* Who we are, as Google's own libraries find it ("application default credentials"): $GOOGLE_APPLICATION_CREDENTIALS, the file that `gcloud auth
 * application-default login` writes, the metadata server of a machine of Google's. The files are read at every call, so that a new login counts
 * at once; tokens are kept in memory until five minutes before they end, by a hash of what they were given for. Nothing is asked of the
 * network unless there are credentials, and the metadata server only where this machine says it is one of Google's. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/str.h"
#include "providers/common/jwt.h"
#include "providers/gcp/gcp_priv.h"

enum { TOKEN_LIFE_S = 3600 };

static const char token_key[] = "token";

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

static int refuse(struct gcp *g, const char *text)
{
	err_set(g->err, ERR_CREDENTIALS, "%s", text);
	return err_set_scope(g->err, ERR_SCOPE_CLOUD);
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
	if (!*p && metadata) {
		const char *url = arena_printf(g->c->arena, "%s/project/project-id", metadata);
		const json_t *a = gcp_ask(g, "project-id", &(struct gcp_ask){.url = url, .header = "Metadata-Flavor: Google", .bare = true, .direct = true});
		if (!a)
			return 0;
		p = talk_status(a) == 200 ? json_str(a, "text", "") : "";
	}
	if (!*p || strlen(p) > 100 || strpbrk(p, "/?#% \t\r\n"))
		return refuse(g, arena_printf(g->c->arena,
		    "which project of Google Cloud is meant is not said%s%.100s: set $GOOGLE_CLOUD_PROJECT, or run `gcloud config set project PROJECT`",
		    *p ? " rightly: " : "", p));
	g->project = arena_strdup(g->c->arena, p);
	return 1;
}

/* ---- tokens --------------------------------------------------------------------------------------------------------- */

static const char *token_url(struct gcp *g, const json_t *cred)
{
	const char *uri = json_str(cred, "token_uri", "https://oauth2.googleapis.com/token");
	return g->base ? arena_printf(g->c->arena, "%s/token", g->base) : uri;
}

/* What service accounts send for a token: a claim, signed. NULL with err. */
static const char *service_form(struct gcp *g, const json_t *cred)
{
	int64_t now_s = g->c->env->now_ms / 1000;
	json_t *header = json_pack("{s:s, s:s}", "alg", "RS256", "typ", "JWT");
	if (json_str(cred, "private_key_id", NULL))
		json_put_str(header, "kid", json_str(cred, "private_key_id", NULL));
	json_t *claims = json_pack("{s:s, s:s, s:s, s:I, s:I}", "iss", json_str(cred, "client_email", ""), "scope",
	    "https://www.googleapis.com/auth/cloud-platform", "aud", json_str(cred, "token_uri", "https://oauth2.googleapis.com/token"), "iat",
	    (json_int_t)now_s, "exp", (json_int_t)now_s + TOKEN_LIFE_S);
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

static bool remembered(struct gcp *g, const char *mark)
{
	g->token = talk_token(&g->talk, mark);
	return g->token != NULL;
}

static int keep_token(struct gcp *g, const json_t *answer, const char *mark)
{
	const json_t *body = json_obj(answer, "body");
	const char *text = json_str(body, "access_token", "");
	int64_t life_ms = json_int(body, "expires_in", 0) * 1000;
	if (!*text || strpbrk(text, "\r\n"))
		return refuse(g, arena_printf(g->c->arena, "Google gave no token for %s", g->identity));
	g->token = talk_keep_token(&g->talk, mark, text, life_ms);
	return 1;
}

static int exchange(struct gcp *g, const struct gcp_ask *q, const char *mark)
{
	if (remembered(g, mark) || g->local)
		return 1;
	const json_t *a = gcp_ask(g, token_key, q);
	if (!a)
		return 0;
	if (gcp_answer_error(a, arena_printf(g->c->arena, "asking Google for a token for %s", g->identity), false, g->err))
		return -1;
	return keep_token(g, a, mark);
}

static int service_account(struct gcp *g, const json_t *cred, const char *mark)
{
	g->identity = arena_strdup(g->c->arena, json_str(cred, "client_email", "a service account"));
	if (remembered(g, mark) || g->local)
		return 1;
	const char *body = service_form(g, cred);
	return body ? exchange(g, &(struct gcp_ask){.method = "POST", .url = token_url(g, cred), .form = body, .bare = true}, mark) : -1;
}

static int authorized_user(struct gcp *g, const json_t *cred, const char *mark)
{
	const char *account = json_str(cred, "account", ""), *quota = json_str(cred, "quota_project_id", NULL);
	g->identity = *account ? arena_strdup(g->c->arena, account) : "the user of `gcloud auth application-default login`";
	if (quota && !strpbrk(quota, "\r\n"))
		g->quota_project = arena_strdup(g->c->arena, quota);
	return exchange(g, &(struct gcp_ask){.method = "POST", .url = token_url(g, cred), .form = user_form(g, cred), .bare = true}, mark);
}

/* ---- kinds of credentials ------------------------------------------------------------------------------------------- */

static const struct {
	const char *type;
	int (*get)(struct gcp *g, const json_t *cred, const char *mark);
} kinds[] = {{"service_account", service_account}, {"authorized_user", authorized_user}};

static int from_file(struct gcp *g, const char *path, const char *text)
{
	json_t *cred = json_parse(text, strlen(text), NULL);
	const char *type = json_str(cred, "type", NULL);
	int r;
	size_t i = 0;
	while (type && i < ARRAY_LEN(kinds) && strcmp(kinds[i].type, type))
		i++;
	if (!type)
		r = refuse(g, arena_printf(g->c->arena, "%s holds no credentials of Google's: run `gcloud auth application-default login`", path));
	else if (i == ARRAY_LEN(kinds))
		r = refuse(g, arena_printf(g->c->arena,
		    "%s holds credentials of the kind \"%.60s\", which cannot be used yet: use a service account's key, or run `gcloud auth "
		    "application-default login`", path, type));
	else {
		const char *mark = arena_printf(g->c->arena, "%s%s", name_hash(g->c->arena, text), g->base ? g->base : "");
		r = kinds[i].get(g, cred, mark);
		if (r > 0)
			r = find_project(g, cred, NULL);
	}
	json_decref(cred);
	return r;
}

/* Asked only where the machine says that it is Google's; never for a stand-in, never when Google's own switch says not to. */
static int from_metadata(struct gcp *g, const char *looked)
{
	const char *vendor = g->base || talk_var(&g->talk, "NO_GCE_CHECK") ? "" : talk_read(&g->talk, "/sys/class/dmi/id/sys_vendor");
	const char *host = talk_var(&g->talk, "GCE_METADATA_HOST");
	if (!vendor)
		return 0;
	if (!str_starts(vendor, "Google"))
		return refuse(g, arena_printf(g->c->arena,
		    "no credentials of Google Cloud: neither in $GOOGLE_APPLICATION_CREDENTIALS nor in %s, and this is no machine of Google's; run "
		    "`gcloud auth application-default login`", looked));
	const char *stem = arena_printf(g->c->arena, "http://%s/computeMetadata/v1", host ? host : "metadata.google.internal");
	g->identity = "this machine's service account";
	struct gcp_ask q = {.url = arena_printf(g->c->arena, "%s/instance/service-accounts/default/token", stem), .header = "Metadata-Flavor: Google", .bare = true,
	    .direct = true};
	int r = exchange(g, &q, "metadata");
	return r > 0 ? find_project(g, NULL, stem) : r;
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
		return refuse(g, arena_printf(g->c->arena, "%s, which $GOOGLE_APPLICATION_CREDENTIALS names, is not there or cannot be read", path));
	return from_metadata(g, path);
}
