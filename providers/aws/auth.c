/* Whose keys to use. AWS's own order: the environment; a web identity; the profile's role, SSO login, keys, `aws login`, process, in the files
 * that the AWS CLI keeps; the container; the machine. Files are read anew at each call, so that a new login counts at once. Keys that end are
 * kept in memory until well before they do; nothing is ever written.
 *
 * Metadata services are asked only with a sign on this machine that it is one of theirs: elsewhere such a request hangs. */
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/str.h"
#include "providers/aws/aws.h"
#include "providers/common/crypto.h"
#include "providers/common/names.h"
#include "providers/common/sigv4.h"

enum { CHAIN_MAX = 5, EARLY_MS = 15 * 60000 };

/* The files, and where they are. */
struct files {
	const char *credentials_path, *config_path, *profile;
	json_t *credentials, *config; /* {profile: {key: value}}; of this step */
	bool machine;		      /* is one of EC2 */
	const char *unread;	      /* " (cannot read …)", or "" */
	const char *machine_said;     /* why it gave no keys; NULL: it was not asked */
};

/* ---- keys that end -------------------------------------------------------------------------------------------------- */

static const char *first_of(const json_t *from, const char *const *names)
{
	for (; *names; names++)
		if (json_str(from, *names, NULL))
			return json_str(from, *names, NULL);
	return NULL;
}

static void use(struct aws_login *out, const json_t *kept, const char *name)
{
	out->keys = (struct sigv4_keys){json_str(kept, "id", NULL), json_str(kept, "secret", NULL), json_str(kept, "session", NULL)};
	out->cached = name;
}

bool aws_keep_keys(struct aws *t, const char *name, const json_t *from, struct aws_login *out)
{
	static const char *const ids[] = {"AccessKeyId", "accessKeyId", NULL}, *const secrets[] = {"SecretAccessKey", "secretAccessKey", NULL},
				 *const tokens[] = {"SessionToken", "sessionToken", "Token", NULL}, *const ends[] = {"Expiration", "expiresAt", NULL};
	const char *id = first_of(from, ids), *secret = first_of(from, secrets), *end = first_of(from, ends);
	if (!id || !secret)
		return false;
	int64_t end_ms = end ? aws_time(end) : json_int(from, "expiration", 0);
	json_t *all = json_object_get(t->memory, "keys"), *k = json_object();
	if (!all)
		json_object_set_new(t->memory, "keys", all = json_object());
	json_put_str(k, "id", id);
	json_put_str(k, "secret", secret);
	json_put_str(k, "session", first_of(from, tokens));
	json_put_int(k, "from_ms", aws_now_ms(t));
	json_put_int(k, "end_ms", end_ms);
	json_object_set_new(all, name, k);
	use(out, k, name);
	return true;
}

/* A quarter of an hour before the end, or, of those that live shorter, after two thirds. */
static bool kept(struct aws *t, const char *name, struct aws_login *out)
{
	const json_t *k = json_object_get(json_object_get(t->memory, "keys"), name);
	int64_t from = json_int(k, "from_ms", 0), end = json_int(k, "end_ms", 0), life = end - from, now = aws_now_ms(t);
	int64_t early = life / 3 < EARLY_MS ? life / 3 : EARLY_MS;
	if (!k || (end && now >= end - early) || (!end && now >= from + EARLY_MS))
		return false;
	use(out, k, name);
	return true;
}

/* ---- services that give keys ----------------------------------------------------------------------------------------- */

static const char *session_name(struct aws *t)
{
	return arena_printf(t->a, "skytop-%.32s", t->c->env->user ? t->c->env->user : "session");
}

static const char *sts_region(struct aws *t, const struct aws_login *l)
{
	(void)t;
	return l->region ? l->region : "us-east-1";
}

/* "sts" AssumeRole with the keys of source, or AssumeRoleWithWebIdentity with a token. */
static enum provider_step assume(
    struct aws *t, const char *name, const json_t *p, const char *role, const struct aws_login *source, const char *token, struct aws_login *out)
{
	static const struct sigv4_keys nobody = {0};
	if (kept(t, name, out))
		return PROVIDER_DONE;
	struct str s = aws_form(token ? "AssumeRoleWithWebIdentity" : "AssumeRole");
	sigv4_form(&s, "Version", "2011-06-15");
	sigv4_form(&s, "RoleArn", role);
	sigv4_form(&s, "RoleSessionName", json_str(p, "role_session_name", session_name(t)));
	if (json_str(p, "duration_seconds", NULL))
		sigv4_form(&s, "DurationSeconds", json_str(p, "duration_seconds", NULL));
	if (!token && json_str(p, "external_id", NULL))
		sigv4_form(&s, "ExternalId", json_str(p, "external_id", NULL));
	if (token)
		sigv4_form(&s, "WebIdentityToken", token);
	struct aws_ask q = {.service = "sts", .region = sts_region(t, out), .body = aws_form_done(t, &s), .keys = token ? &nobody : &source->keys};
	const json_t *body;
	AWS_TRY(aws_ask_one(t, arena_printf(t->a, "login/%s", name), &q, arena_printf(t->a, "taking the role %s", role), &body));
	const json_t *result = json_obj(body, token ? "AssumeRoleWithWebIdentityResult" : "AssumeRoleResult");
	if (aws_keep_keys(t, name, json_obj(result, "Credentials"), out))
		return PROVIDER_DONE;
	return aws_failed(t, ERR_PROTOCOL, ERR_SCOPE_CLOUD, arena_printf(t->a, "taking the role %s: no keys in the answer", role));
}

static enum provider_step no_keys(struct aws *t, const char *what, const char *todo)
{
	return aws_failed(t, ERR_CREDENTIALS, ERR_SCOPE_CLOUD, arena_printf(t->a, "%s; %s", what, todo));
}

/* A server that does not answer, or is out of order, says nothing of who we are: it may be asked again. DONE: it is neither. */
static enum provider_step in_order(struct aws *t, const json_t *answer, const char *what)
{
	int status = (int)json_int(answer, "status", 0);
	if (status && status != 429 && status < 500)
		return PROVIDER_DONE;
	return aws_failed(t, status == 429 ? ERR_THROTTLED : ERR_NETWORK, ERR_SCOPE_PLACE,
	    arena_printf(t->a, "%s: %s", what, status ? arena_printf(t->a, "HTTP status %d", status) : json_str(answer, "message", "no answer")));
}

static enum provider_step web_identity(struct aws *t, const json_t *p, const char *file, const char *role, struct aws_login *out)
{
	const json_t *texts;
	const char *name = arena_printf(t->a, "web %s %s", role, file);
	if (kept(t, name, out))
		return PROVIDER_DONE;
	AWS_TRY(aws_read(t, "login/web", &file, 1, &texts));
	const char *token = json_string_value(json_array_get(texts, 0));
	if (!token)
		return no_keys(t, arena_printf(t->a, "%s (a web identity's token) cannot be read", file), "set AWS_WEB_IDENTITY_TOKEN_FILE to a file that can");
	return assume(t, name, p, role, NULL, arena_strndup(t->a, token, strcspn(token, "\r\n")), out);
}

/* What a process or a metadata service printed. todo: when there are no keys in it, or such as have ended. */
static enum provider_step take_json(struct aws *t, const char *name, const char *text, const char *what, const char *todo, struct aws_login *out)
{
	struct err e = {0};
	json_t *j = json_parse(text, strlen(text), &e);
	const char *end = json_str(j, "Expiration", NULL), *code = json_str(j, "Code", "Success"),
		   *message = json_str(j, "Message", json_str(j, "message", NULL));
	bool ended = end && aws_time(end) && aws_time(end) <= aws_now_ms(t), good = j && !ended && str_eq(code, "Success") && aws_keep_keys(t, name, j, out);
	const char *said = message ? arena_printf(t->a, ": %.200s", message) : !str_eq(code, "Success") ? arena_printf(t->a, ": %.100s", code) : "";
	what = arena_printf(t->a, "%s gave %s%s", what, ended ? arena_printf(t->a, "keys that ended at %.30s", end) : "no keys", said);
	json_decref(j);
	return good ? PROVIDER_DONE : no_keys(t, what, todo);
}

static enum provider_step process(struct aws *t, const char *name, const char *const *argv, const char *what, struct aws_login *out)
{
	const json_t *answer;
	if (kept(t, name, out))
		return PROVIDER_DONE;
	if (!argv)
		return no_keys(t, arena_printf(t->a, "%s has a quote that is not closed", what), "mend it in ~/.aws/config");
	AWS_TRY(aws_run(t, arena_printf(t->a, "login/%s", name), argv, &answer));
	if (json_int(answer, "status", -1) != 0) {
		const char *complaint = json_str(answer, "complaint", "");
		return no_keys(t, arena_printf(t->a, "%s failed: %.300s", what, *complaint ? complaint : "it says nothing"), "run it by hand to see why");
	}
	return take_json(t, name, json_str(answer, "out", ""), what, "run it by hand to see why", out);
}

/* The AWS CLI knows more ways to keys than are here. */
static enum provider_step by_cli(struct aws *t, const char *name, const char *profile, struct aws_login *out)
{
	const char *const words[] = {"aws", "configure", "export-credentials", "--profile", profile, "--format", "process"};
	const char **argv = arena_alloc(t->a, (ARRAY_LEN(words) + 1) * sizeof *argv);
	memcpy(argv, words, sizeof words);
	return process(t, name, argv, "`aws configure export-credentials`", out);
}

/* ---- SSO and aws login ------------------------------------------------------------------------------------------------ */

static bool base_url(struct aws *t, const char *dflt, const char **url)
{
	const char *base;
	if (aws_endpoint(t, &base) != PROVIDER_DONE)
		return false;
	*url = base ? base : dflt;
	return true;
}

/* The login's token may be renewed by its refresh token; the new one is not written back: the CLI renews its own. */
static enum provider_step sso_token(struct aws *t, const char *profile, const char *region, const json_t *cache, const char **token)
{
	int64_t end = aws_time(json_str(cache, "expiresAt", NULL)), now = aws_now_ms(t);
	const char *refresh = json_str(cache, "refreshToken", NULL), *client = json_str(cache, "clientId", NULL),
		   *secret = json_str(cache, "clientSecret", NULL);
	*token = json_str(cache, "accessToken", NULL);
	if (*token && now < end - EARLY_MS / 3)
		return PROVIDER_DONE;
	const char *todo = arena_printf(t->a, "run `aws sso login --profile %s`", profile), *base;
	if (!refresh || !client || !secret || aws_time(json_str(cache, "registrationExpiresAt", NULL)) <= now)
		return no_keys(t, arena_printf(t->a, "the SSO login of profile %s %s", profile, *token ? "has ended" : "is not there"), todo);
	if (!base_url(t, arena_printf(t->a, "https://oidc.%s.amazonaws.com", region), &base))
		return PROVIDER_FAILED;
	json_t *body = json_pack("{s:s, s:s, s:s, s:s}", "clientId", client, "clientSecret", secret, "grantType", "refresh_token", "refreshToken", refresh);
	char *text = json_text(body);
	struct provider_http *http = arena_alloc(t->a, sizeof *http);
	const char **headers = arena_alloc(t->a, 2 * sizeof *headers);
	headers[0] = "Content-Type: application/json";
	*http = (struct provider_http){.method = "POST",
	    .url = arena_printf(t->a, "%s/token", base),
	    .headers = headers,
	    .body = arena_strdup(t->a, text),
	    .body_len = strlen(text),
	    .lane = "sso",
	    .once = true};
	free(text);
	json_decref(body);
	const json_t *answers;
	AWS_TRY(aws_fetch(t, "login/oidc", http, 1, &answers));
	AWS_TRY(in_order(t, json_array_get(answers, 0), arena_printf(t->a, "renewing the SSO login of profile %s", profile)));
	const char *said = json_str(json_array_get(answers, 0), "body", "");
	struct err e = {0};
	json_t *j = json_parse(*said ? said : "{}", *said ? strlen(said) : 2, &e);
	*token = arena_strdup(t->a, json_str(j, "accessToken", NULL));
	json_decref(j);
	return *token ? PROVIDER_DONE : no_keys(t, arena_printf(t->a, "the SSO login of profile %s could not be renewed", profile), todo);
}

static enum provider_step sso(struct aws *t, const char *profile, const json_t *p, const json_t *session, const char *session_key, struct aws_login *out)
{
	char hash[SHA1_HEX];
	const char *account = json_str(p, "sso_account_id", ""), *role = json_str(p, "sso_role_name", "");
	const char *start = json_str(session, "sso_start_url", NULL), *region = json_str(session, "sso_region", "us-east-1"), *base, *token;
	const char *name = arena_printf(t->a, "sso %s %s %s", session_key ? session_key : start ? start : "", account, role);
	if (kept(t, name, out))
		return PROVIDER_DONE;
	if (!start)
		return no_keys(t, arena_printf(t->a, "profile %s has no sso_start_url", profile), "run `aws configure sso`");
	const char *of = session_key ? session_key : start;
	if (crypto_sha1_hex(of, strlen(of), hash, t->err))
		return PROVIDER_FAILED;
	const char *path = arena_printf(t->a, "~/.aws/sso/cache/%s.json", hash);
	const json_t *texts, *answers;
	AWS_TRY(aws_read(t, "login/sso", &path, 1, &texts));
	const char *text = json_string_value(json_array_get(texts, 0));
	struct err e = {0};
	json_t *cache = text ? json_parse(text, strlen(text), &e) : NULL;
	enum provider_step s = sso_token(t, profile, region, cache, &token);
	token = s == PROVIDER_DONE ? arena_strdup(t->a, token) : NULL;
	json_decref(cache);
	if (s != PROVIDER_DONE)
		return s;
	if (!base_url(t, arena_printf(t->a, "https://portal.sso.%s.amazonaws.com", region), &base))
		return PROVIDER_FAILED;
	struct str query = str_new(4096);
	sigv4_query(&query, "role_name", role);
	sigv4_query(&query, "account_id", account);
	struct provider_http *http = arena_alloc(t->a, sizeof *http);
	const char **headers = arena_alloc(t->a, 2 * sizeof *headers);
	headers[0] = arena_printf(t->a, "x-amz-sso_bearer_token: %s", token);
	*http = (struct provider_http){
	    .method = "GET", .url = arena_printf(t->a, "%s/federation/credentials?%s", base, aws_form_done(t, &query)), .headers = headers, .lane = "sso"};
	AWS_TRY(aws_fetch(t, "login/role", http, 1, &answers));
	const json_t *answer = json_array_get(answers, 0);
	int status = (int)json_int(answer, "status", 0);
	AWS_TRY(in_order(t, answer, "asking for the keys of an SSO login"));
	if (status == 403 || status == 404)
		return no_keys(t,
		    arena_printf(
			t->a, "the SSO login of profile %s may not take the role %s in the account %s (HTTP status %d)", profile, role, account, status),
		    "mend sso_role_name and sso_account_id in ~/.aws/config, or have the role assigned to you");
	if (status != 200)
		return no_keys(t, arena_printf(t->a, "the SSO login of profile %s was refused (HTTP status %d)", profile, status),
		    arena_printf(t->a, "run `aws sso login --profile %s`", profile));
	text = json_str(answer, "body", "");
	json_t *j = json_parse(text, strlen(text), &e);
	bool good = aws_keep_keys(t, name, json_obj(j, "roleCredentials"), out);
	json_decref(j);
	return good ? PROVIDER_DONE : no_keys(t, "the answer for an SSO login has no keys", "run `aws configure sso`");
}

static enum provider_step cli_login(struct aws *t, const char *profile, const char *session, struct aws_login *out)
{
	char hash[SHA256_HEX];
	if (crypto_sha256_hex(session, strlen(session), hash, t->err))
		return PROVIDER_FAILED;
	const char *path = arena_printf(t->a, "~/.aws/login/cache/%s.json", hash), *name = arena_printf(t->a, "cli %s", profile);
	if (kept(t, name, out))
		return PROVIDER_DONE;
	const json_t *texts;
	AWS_TRY(aws_read(t, "login/cli", &path, 1, &texts));
	const char *text = json_string_value(json_array_get(texts, 0));
	struct err e = {0};
	json_t *j = text ? json_parse(text, strlen(text), &e) : NULL, *keys = json_obj(j, "accessToken");
	bool good = keys && aws_time(json_str(keys, "expiresAt", NULL)) > aws_now_ms(t) + 60000 && aws_keep_keys(t, name, keys, out);
	json_decref(j);
	if (good)
		return PROVIDER_DONE;
	return by_cli(t, name, profile, out);
}

/* ---- containers and machines of AWS ------------------------------------------------------------------------------------ */

static struct provider_http *metadata(struct aws *t, const char *method, const char *url, const char *header)
{
	struct provider_http *http = arena_alloc(t->a, sizeof *http);
	const char **headers = arena_alloc(t->a, 2 * sizeof *headers);
	headers[0] = header;
	*http = (struct provider_http){.method = method, .url = url, .headers = headers, .lane = "metadata", .direct = true};
	return http;
}

/* Where a container's token may be sent: AWS's own addresses in containers and pods, this machine, or anywhere over TLS. */
static bool may_have_token(const char *url)
{
	static const char *const hosts[] = {"http://169.254.170.2/", "http://169.254.170.23/", "http://[fd00:ec2::23]/", "https://"};
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
		if (str_starts(url, hosts[i]) && !strchr(url, '@'))
			return true;
	return name_is_here(url);
}

static enum provider_step container(struct aws *t, struct aws_login *out)
{
	static const char todo[] = "look at the role of its task, or of its pod";
	const char *relative = aws_var(t, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"), *full = aws_var(t, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
	const char *token = aws_var(t, "AWS_CONTAINER_AUTHORIZATION_TOKEN"), *file = aws_var(t, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	const char *url = relative ? arena_printf(t->a, "http://169.254.170.2%s", relative) : full;
	const char *name = relative ? "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI" : "AWS_CONTAINER_CREDENTIALS_FULL_URI";
	if (kept(t, "container", out))
		return PROVIDER_DONE;
	if (!url)
		return no_keys(t, "credential_source is EcsContainer, and AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not set",
		    "this is no container of ECS: take another source");
	if (!may_have_token(url))
		return no_keys(t, "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor an address of containers or of this machine: nothing is sent there",
		    "set it right");
	if (file) {
		const json_t *texts;
		AWS_TRY(aws_read(t, "login/container file", &file, 1, &texts));
		token = json_string_value(json_array_get(texts, 0));
		if (!token)
			return no_keys(t, arena_printf(t->a, "%s (AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE) cannot be read", file), "set it to a file that can");
	}
	token = token ? arena_printf(t->a, "Authorization: %.*s", (int)strcspn(token, "\r\n"), token) : NULL;
	const json_t *answers;
	AWS_TRY(aws_fetch(t, "login/container", metadata(t, "GET", url, token), 1, &answers));
	const json_t *answer = json_array_get(answers, 0);
	int status = (int)json_int(answer, "status", 0);
	AWS_TRY(in_order(t, answer, arena_printf(t->a, "asking for the container's credentials (%s)", name)));
	if (status != 200)
		return no_keys(t, arena_printf(t->a, "the container's credentials (%s) cannot be had: HTTP status %d", name, status), todo);
	return take_json(t, "container", json_str(answer, "body", ""), "the container", todo, out);
}

static enum provider_step no_role(struct files *f, const char *said)
{
	f->machine_said = said;
	return PROVIDER_DONE;
}

/* A role of the machine that this runs on. found: there is one. */
static enum provider_step machine(struct aws *t, struct files *f, struct aws_login *out, bool *found)
{
	const char *where = aws_var(t, "AWS_EC2_METADATA_SERVICE_ENDPOINT"), *base;
	const json_t *answers;
	*found = true;
	if (kept(t, "machine", out))
		return PROVIDER_DONE;
	*found = false;
	if (where && !str_starts(where, "http://") && !str_starts(where, "https://"))
		return no_role(f, "AWS_EC2_METADATA_SERVICE_ENDPOINT is no http address");
	where = where ? where : "http://169.254.169.254";
	base = arena_printf(t->a, "%.*s/latest", (int)(strlen(where) - str_ends(where, "/")), where);
	AWS_TRY(aws_fetch(
	    t, "login/imds", metadata(t, "PUT", arena_printf(t->a, "%s/api/token", base), "x-aws-ec2-metadata-token-ttl-seconds: 21600"), 1, &answers));
	const json_t *answer = json_array_get(answers, 0);
	if (!json_int(answer, "status", 0))
		return no_role(f, "its metadata service does not answer; for a container on it raise its hop limit to 2");
	AWS_TRY(in_order(t, answer, "asking for the role of this machine"));
	if (json_int(answer, "status", 0) != 200)
		return no_role(f, arena_printf(t->a, "its metadata service gives no token (HTTP status %d)", (int)json_int(answer, "status", 0)));
	const char *text = json_str(answer, "body", ""), *header = arena_printf(t->a, "x-aws-ec2-metadata-token: %.*s", (int)strcspn(text, "\r\n"), text);
	const char *list = arena_printf(t->a, "%s/meta-data/iam/security-credentials/", base);
	AWS_TRY(aws_fetch(t, "login/imds role", metadata(t, "GET", list, header), 1, &answers));
	answer = json_array_get(answers, 0);
	AWS_TRY(in_order(t, answer, "asking for the role of this machine"));
	const char *role = json_str(answer, "body", "");
	if (json_int(answer, "status", 0) != 200 || !*role)
		return no_role(f, "it has no role; attach an instance profile to it");
	struct str path = str_new(4096);
	sigv4_encode(&path, role, strcspn(role, "\r\n"), true);
	const char *url = arena_printf(t->a, "%s%s", list, aws_form_done(t, &path));
	AWS_TRY(aws_fetch(t, "login/imds keys", metadata(t, "GET", url, header), 1, &answers));
	AWS_TRY(in_order(t, json_array_get(answers, 0), "asking for the keys of this machine's role"));
	*found = true;
	return take_json(t, "machine", json_str(json_array_get(answers, 0), "body", ""),
	    arena_printf(t->a, "the role %.*s of this machine", (int)strcspn(role, "\r\n"), role),
	    "look at the role's trust policy, and at its instance profile", out);
}

/* ---- profiles ----------------------------------------------------------------------------------------------------------- */

static bool static_keys(struct aws_login *out, const json_t *p)
{
	const char *id = json_str(p, "aws_access_key_id", NULL), *secret = json_str(p, "aws_secret_access_key", NULL);
	if (id && secret)
		out->keys = (struct sigv4_keys){id, secret, json_str(p, "aws_session_token", NULL)};
	return id && secret;
}

static enum provider_step of_profile(struct aws *t, struct files *f, const char *profile, int depth, struct aws_login *out, bool *found);

static enum provider_step of_environment(struct aws *t, struct aws_login *out, bool *found)
{
	const char *id = aws_var(t, "AWS_ACCESS_KEY_ID"), *secret = aws_var(t, "AWS_SECRET_ACCESS_KEY"), *token = aws_var(t, "AWS_SESSION_TOKEN");
	*found = id && secret;
	if (*found)
		out->keys = (struct sigv4_keys){id, secret, token ? token : aws_var(t, "AWS_SECURITY_TOKEN")};
	return PROVIDER_DONE;
}

static enum provider_step role_source(struct aws *t, struct files *f, const char *profile, const json_t *p, int depth, struct aws_login *out, bool *found)
{
	const char *source = json_str(p, "source_profile", NULL), *kind = json_str(p, "credential_source", "");
	*found = true;
	if (source && str_eq(source, profile))
		*found = static_keys(out, json_object_get(f->credentials, profile)) || static_keys(out, p);
	else if (source)
		AWS_TRY(of_profile(t, f, source, depth + 1, out, found));
	else if (str_eq(kind, "Environment"))
		AWS_TRY(of_environment(t, out, found));
	else if (str_eq(kind, "EcsContainer"))
		AWS_TRY(container(t, out));
	else if (str_eq(kind, "Ec2InstanceMetadata"))
		AWS_TRY(machine(t, f, out, found));
	else
		*found = false;
	if (*found)
		return PROVIDER_DONE;
	return no_keys(t,
	    arena_printf(t->a, "the role of profile %s has no source of keys: %s", profile,
		source		  ? arena_printf(t->a, "profile %s has none", source)
		: f->machine_said ? arena_printf(t->a, "of this machine, %s", f->machine_said)
		: *kind		  ? arena_printf(t->a, "credential_source %s", kind)
				  : "neither source_profile nor credential_source is set"),
	    "give source_profile one that has");
}

static enum provider_step role(struct aws *t, struct files *f, const char *profile, const json_t *p, int depth, struct aws_login *out)
{
	const char *arn = json_str(p, "role_arn", ""), *web = json_str(p, "web_identity_token_file", NULL);
	struct aws_login source = {.region = out->region};
	bool found;
	if (web)
		return web_identity(t, p, web, arn, out);
	if (json_str(p, "mfa_serial", NULL)) { /* a code would have to be typed; the CLI may have a session that still lasts */
		enum provider_step s = by_cli(t, arena_printf(t->a, "mfa %s", profile), profile, out);
		return s == PROVIDER_FAILED ? no_keys(t,
						  arena_printf(t->a,
						      "the role of profile %s asks for an MFA code (mfa_serial), which cannot be given here, and the AWS "
						      "CLI has no session of it that still lasts",
						      profile),
						  arena_printf(t->a,
						      "run `aws sts get-caller-identity --profile %s` and try again, or take a profile "
						      "without MFA",
						      profile))
					    : s;
	}
	const char *name = arena_printf(t->a, "role %s %s", profile, arn);
	if (kept(t, name, out))
		return PROVIDER_DONE;
	AWS_TRY(role_source(t, f, profile, p, depth, &source, &found));
	return assume(t, name, p, arn, &source, NULL, out);
}

static enum provider_step of_profile(struct aws *t, struct files *f, const char *profile, int depth, struct aws_login *out, bool *found)
{
	const json_t *p = json_object_get(f->config, profile), *keys = json_object_get(f->credentials, profile);
	if (!json_str(p, "role_arn", NULL) && json_str(keys, "role_arn", NULL))
		p = keys;
	*found = true;
	if (depth > CHAIN_MAX)
		return no_keys(t, arena_printf(t->a, "the roles of profile %s refer to each other", profile), "mend source_profile in ~/.aws/config");
	if (json_str(p, "role_arn", NULL)) {
		out->source = arena_printf(t->a, "a role of profile %s", profile);
		return role(t, f, profile, p, depth, out);
	}
	if (json_str(p, "sso_account_id", NULL) && json_str(p, "sso_role_name", NULL)) {
		const char *key = json_str(p, "sso_session", NULL);
		const json_t *session = key ? json_object_get(f->config, arena_printf(t->a, "sso-session %s", key)) : p;
		out->source = arena_printf(t->a, "the SSO login of profile %s", profile);
		return sso(t, profile, p, session, key, out);
	}
	out->source = arena_printf(t->a, "profile %s in %s", profile, f->credentials_path);
	if (static_keys(out, keys))
		return PROVIDER_DONE;
	if (json_str(p, "login_session", NULL)) {
		out->source = arena_printf(t->a, "`aws login` of profile %s", profile);
		return cli_login(t, profile, json_str(p, "login_session", NULL), out);
	}
	const char *line = json_str(p, "credential_process", json_str(keys, "credential_process", NULL));
	if (line) {
		out->source = arena_printf(t->a, "credential_process of profile %s", profile);
		return process(
		    t, arena_printf(t->a, "process %s", profile), aws_words(t->a, line), arena_printf(t->a, "credential_process of profile %s", profile), out);
	}
	out->source = arena_printf(t->a, "profile %s in %s", profile, f->config_path);
	*found = static_keys(out, p);
	return PROVIDER_DONE;
}

/* ---- the order ----------------------------------------------------------------------------------------------------------- */

static enum provider_step read_files(struct aws *t, struct files *f)
{
	static const char vendor[] = "/sys/class/dmi/id/sys_vendor";
	const char *v = aws_var(t, "AWS_SHARED_CREDENTIALS_FILE"), *w = aws_var(t, "AWS_CONFIG_FILE"), *p = aws_var(t, "AWS_PROFILE");
	f->credentials_path = v ? v : "~/.aws/credentials";
	f->config_path = w ? w : "~/.aws/config";
	f->profile = p ? p : aws_var(t, "AWS_DEFAULT_PROFILE");
	const char *const paths[] = {f->credentials_path, f->config_path, vendor};
	const json_t *texts;
	AWS_TRY(aws_read(t, "login/files", paths, ARRAY_LEN(paths), &texts));
	const char *why = json_str(t->got, "login/files unread", NULL);
	f->unread = why ? arena_printf(t->a, " (%s)", why) : "";
	json_t *parsed = json_object_get(t->c->scratch, "profiles");
	if (!parsed) { /* kept by the call: what is taken from it is borrowed */
		parsed = json_pack(
		    "[o, o]", aws_ini(json_string_value(json_array_get(texts, 0)), false), aws_ini(json_string_value(json_array_get(texts, 1)), true));
		json_object_set_new(t->c->scratch, "profiles", parsed);
	}
	f->credentials = json_array_get(parsed, 0);
	f->config = json_array_get(parsed, 1);
	const char *made_by = json_string_value(json_array_get(texts, 2));
	f->machine = ((made_by && str_starts(made_by, "Amazon EC2")) || aws_var(t, "AWS_EC2_METADATA_SERVICE_ENDPOINT")) &&
		     !str_ieq(aws_var(t, "AWS_EC2_METADATA_DISABLED"), "true");
	return PROVIDER_DONE;
}

static const char *region_of(struct aws *t, const struct files *f, const char *profile)
{
	const char *r = aws_var(t, "AWS_REGION");
	if (!r)
		r = aws_var(t, "AWS_DEFAULT_REGION");
	if (!r)
		r = json_str(json_object_get(f->config, profile), "region", json_str(json_object_get(f->credentials, profile), "region", NULL));
	return r ? r : "us-east-1";
}

static enum provider_step choose(struct aws *t, struct files *f, struct aws_login *out, bool *found)
{
	const char *profile = f->profile ? f->profile : "default", *web = aws_var(t, "AWS_WEB_IDENTITY_TOKEN_FILE"), *arn = aws_var(t, "AWS_ROLE_ARN");
	out->region = region_of(t, f, profile);
	out->source = "the environment (AWS_ACCESS_KEY_ID)";
	AWS_TRY(of_environment(t, out, found));
	if (*found)
		return PROVIDER_DONE;
	*found = true;
	out->source = "a web identity (AWS_WEB_IDENTITY_TOKEN_FILE)";
	if (web && arn)
		return web_identity(t, NULL, web, arn, out);
	if (f->profile && !json_object_get(f->config, profile) && !json_object_get(f->credentials, profile))
		return no_keys(t, arena_printf(t->a, "there is no profile %s (AWS_PROFILE) in %s and %s%s", profile, f->credentials_path, f->config_path, f->unread),
		    "name one that is there (aws configure list-profiles)");
	AWS_TRY(of_profile(t, f, profile, 0, out, found));
	if (*found)
		return PROVIDER_DONE;
	*found = true;
	out->source = "the container's role";
	if (aws_var(t, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") || aws_var(t, "AWS_CONTAINER_CREDENTIALS_FULL_URI"))
		return container(t, out);
	*found = false;
	out->source = "this machine's role";
	return f->machine ? machine(t, f, out, found) : PROVIDER_DONE;
}

static enum provider_step look_for(struct aws *t, struct files *f, bool *found)
{
	struct aws_login l = {0};
	AWS_TRY(read_files(t, f));
	AWS_TRY(choose(t, f, &l, found));
	if (!*found)
		return PROVIDER_DONE;
	t->login = l;
	json_put_str(t->c->scratch, "cached", l.cached);
	return PROVIDER_DONE;
}

enum provider_step aws_login_if_any(struct aws *t, bool *found)
{
	struct files f = {0};
	return look_for(t, &f, found);
}

enum provider_step aws_login(struct aws *t)
{
	struct files f = {0};
	bool found;
	AWS_TRY(look_for(t, &f, &found));
	if (found)
		return PROVIDER_DONE;
	return aws_failed(t, ERR_CREDENTIALS, ERR_SCOPE_CLOUD,
	    arena_printf(t->a,
		"no AWS keys: there are none in the environment (AWS_ACCESS_KEY_ID, AWS_WEB_IDENTITY_TOKEN_FILE), in profile %s of %s and %s%s, nor of a "
		"container%s%s; run `aws configure`, or `aws configure sso`",
		f.profile ? f.profile : "default", f.credentials_path, f.config_path, f.unread, f.machine ? ", nor a role of this machine: " : "",
		f.machine_said ? f.machine_said : ""));
}
