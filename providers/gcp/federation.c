/* Tokens for other tokens. An external account ("workload identity federation") is somebody whom another than Google vouches for: a token of theirs, out of a
 * file, from an address or by a program, is exchanged at Google's security token service (RFC 8693). What that gives, or what a user or a service account has, may
 * in turn be exchanged for a token of a service account that one may act as. Format of the files: google.aip.dev/auth/4117. */
#include <inttypes.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/str.h"
#include "providers/common/names.h"
#include "providers/gcp/gcp_priv.h"

enum { LIFE_S = 3600, SUBJECT_MAX = 60000, HEADERS_MAX = 6, WORDS_MAX = 32 };

/* ---- who one is elsewhere ------------------------------------------------------------------------------------------- */

/* The token within a text: all of it, or a member of a JSON object. NULL with g->err. */
static const char *subject_in(struct gcp *g, const json_t *source, const char *text, const char *where)
{
	const json_t *format = json_obj(source, "format");
	const char *field = json_str(format, "subject_token_field_name", "access_token"), *found = text;
	json_t *j = NULL;
	if (str_eq(json_str(format, "type", "text"), "json")) {
		j = json_parse(text, strlen(text), NULL);
		found = json_str(j, field, "");
	}
	size_t n = strlen(found);
	while (n && strchr(" \t\r\n", found[n - 1]))
		n--;
	const char *out = n && n < SUBJECT_MAX ? arena_strndup(g->c->arena, found, n) : NULL;
	json_decref(j);
	if (!out)
		talk_refuse(&g->talk, "there is no token of the external account in %.300s%s%.60s", where, j ? ", member " : "", j ? field : "");
	return out;
}

static const char *subject_at(struct gcp *g, const json_t *source, const char *url)
{
	const char **headers = arena_alloc(g->c->arena, (HEADERS_MAX + 1) * sizeof *headers), *name;
	json_t *v;
	size_t n = 0;
	json_object_foreach(json_obj(source, "headers"), name, v)
		if (n < HEADERS_MAX && json_is_string(v) && !strpbrk(name, "\r\n:") && !strpbrk(json_string_value(v), "\r\n"))
			headers[n++] = arena_printf(g->c->arena, "%s: %s", name, json_string_value(v));
	headers[n] = NULL;
	bool beside = !str_starts(url, "https://"); /* a metadata server; what is on the web may lie behind a proxy, and takes its time */
	const json_t *a = talk_ask(&g->talk, "token:subject", &(struct talk_ask){.url = url, .headers = headers, .direct = beside});
	if (!a)
		return NULL;
	if (talk_status(a) != 200) {
		if (gcp_out_of_order(a, arena_printf(g->c->arena, "asking for the external account's token at %.300s", url), g->err))
			return NULL;
		talk_refuse(&g->talk, "%.300s, where the external account's token is, says %s%.200s", url, talk_status(a) ? "no: HTTP " : "",
		    talk_status(a) ? arena_printf(g->c->arena, "%d", talk_status(a)) : json_str(a, "text", "nothing"));
		return NULL;
	}
	json_t *body = json_object_get(a, "body");
	return subject_in(g, source, json_is_object(body) ? talk_json(g->c->arena, body) : json_str(a, "text", ""), url);
}

/* A program's words, as Google's libraries part them: at spaces, and no shell sees them. NULL-terminated. */
static const char *const *words_of(struct gcp *g, const json_t *cred, const char *command)
{
	struct arena *a = g->c->arena;
	const char *as = gcp_impersonated(g, json_str(cred, "service_account_impersonation_url", NULL)), **v = arena_alloc(a, (WORDS_MAX + 6) * sizeof *v);
	size_t n = 0, first;
	v[n++] = "env";
	v[n++] = arena_printf(a, "GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE=%s", json_str(cred, "audience", ""));
	v[n++] = arena_printf(a, "GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE=%s", json_str(cred, "subject_token_type", ""));
	v[n++] = "GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE=0";
	if (as)
		v[n++] = arena_printf(a, "GOOGLE_EXTERNAL_ACCOUNT_IMPERSONATED_EMAIL=%s", as);
	first = n;
	for (size_t k; *(command += strspn(command, " \t")) && n < first + WORDS_MAX; command += k) {
		k = strcspn(command, " \t");
		v[n++] = arena_strndup(a, command, k);
	}
	v[n] = NULL;
	return v;
}

/* What a program says: {"success": true, "id_token"} or {"success": false, "message"}. Google's libraries run none unless a variable allows it. */
static const char *subject_by(struct gcp *g, const json_t *cred, const char *command)
{
	if (!str_eq(talk_var(&g->talk, "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES"), "1")) {
		talk_refuse(&g->talk, "the external account's token is what `%.200s` says: set GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1 if it may be run", command);
		return NULL;
	}
	const json_t *a = talk_exec(&g->talk, "token:program", words_of(g, cred, command));
	if (!a)
		return NULL;
	const char *text = json_str(a, "out", ""), *out = NULL;
	json_t *said = json_parse(text, strlen(text), NULL);
	const char *token = json_str(said, "id_token", json_str(said, "saml_response", ""));
	if (!json_int(a, "status", -1) && json_bool(said, "success", false) && *token && strlen(token) < SUBJECT_MAX)
		out = arena_strdup(g->c->arena, token);
	else
		talk_refuse(&g->talk, "`%.200s`, which says the external account's token, says none: %s", command,
		    *json_str(said, "message", "") ? talk_clean(&g->talk, json_str(said, "message", "")) : talk_complaint(&g->talk, a, "it ended without a word"));
	json_decref(said);
	return out;
}

/* NULL: to be asked, or refused with g->err. */
static const char *subject_of(struct gcp *g, const json_t *cred)
{
	const json_t *source = json_obj(cred, "credential_source");
	const char *file = json_str(source, "file", NULL), *url = json_str(source, "url", NULL);
	const char *command = json_str(json_obj(source, "executable"), "command", NULL);
	if (command)
		return subject_by(g, cred, command);
	if (json_str(source, "environment_id", NULL) || (!file && !url)) {
		talk_refuse(&g->talk, "external accounts whose token comes from %s cannot be used: only those out of a file, from a URL or by a program; make the "
			      "credentials with --credential-source-file, or use a service account's key",
		    json_str(source, "environment_id", NULL) ? "AWS" : "elsewhere");
		return NULL;
	}
	if (!file)
		return subject_at(g, source, url);
	const char *text = talk_read(&g->talk, file);
	if (!text)
		return NULL;
	if (*text)
		return subject_in(g, source, text, file);
	talk_refuse(&g->talk, "%.300s, where the external account's token is, is not there, is empty, or cannot be read", file);
	return NULL;
}

int gcp_external_token(struct gcp *g, const json_t *cred, struct gcp_token *out)
{
	struct arena *a = g->c->arena;
	const char *subject = subject_of(g, cred), *user = json_str(cred, "workforce_pool_user_project", NULL);
	if (!subject)
		return g->err->code ? -1 : 0;
	const char *url = gcp_named_url(g, json_str(cred, "token_url", "https://sts.googleapis.com/v1/token"));
	if (!url)
		return -1;
	/* A workforce pool has no project of its own that calls could be counted for. */
	json_t *counted = user ? json_pack("{s:s}", "userProject", user) : NULL;
	const char *pairs[] = {"grant_type", "urn:ietf:params:oauth:grant-type:token-exchange", "requested_token_type",
	    "urn:ietf:params:oauth:token-type:access_token", "audience", json_str(cred, "audience", ""), "scope", gcp_scope(), "subject_token", subject,
	    "subject_token_type", json_str(cred, "subject_token_type", "urn:ietf:params:oauth:token-type:jwt"), counted ? "options" : NULL,
	    counted ? talk_json(a, counted) : NULL, NULL, NULL};
	json_decref(counted);
	return gcp_take_token(g, "token:sts", &(struct gcp_ask){.method = "POST", .url = url, .form = talk_form(a, pairs), .bare = true}, out);
}

/* ---- acting as a service account ------------------------------------------------------------------------------------ */

const char *gcp_impersonated(struct gcp *g, const char *url)
{
	const char *name = url ? strstr(url, "/serviceAccounts/") : NULL;
	name = name ? name + strlen("/serviceAccounts/") : NULL;
	return name && *name ? arena_strndup(g->c->arena, name, strcspn(name, ":/?")) : NULL;
}

int gcp_impersonate(struct gcp *g, const json_t *cred, const char *url, const struct gcp_token *by, struct gcp_token *out)
{
	struct arena *a = g->c->arena;
	const char *at = gcp_named_url(g, url);
	const json_t *delegates = json_arr(cred, "delegates");
	int64_t life_s = json_int(json_obj(cred, "service_account_impersonation"), "token_lifetime_seconds", LIFE_S);
	if (!at)
		return -1;
	json_t *body = json_pack("{s:[s], s:s}", "scope", gcp_scope(), "lifetime", arena_printf(a, "%" PRId64 "s", life_s));
	if (delegates)
		json_object_set(body, "delegates", (json_t *)(uintptr_t)delegates);
	const char *header = arena_printf(a, "Authorization: Bearer %s", by->text);
	return gcp_take_token(g, "token:impersonate", &(struct gcp_ask){.method = "POST", .url = at, .body = body, .header = header, .bare = true}, out);
}
