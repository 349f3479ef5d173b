/* Stores of others that speak S3: where their keys and addresses are kept, as SkyPilot's users have them. What is not there is told with what to do. */
#include <string.h>

#include "core/base/json.h"
#include "core/base/str.h"
#include "providers/aws/aws.h"

static const struct other {
	const char *scheme, *title, *credentials, *more, *profile, *todo;
} others[] = {
    {"r2://", "Cloudflare R2", "~/.cloudflare/r2.credentials", "~/.cloudflare/accountid", "r2",
	"AWS_SHARED_CREDENTIALS_FILE=~/.cloudflare/r2.credentials aws configure --profile r2, and put the account's id into ~/.cloudflare/accountid"},
    {"nebius://", "Nebius", "~/.aws/credentials", "~/.aws/config", "nebius",
	"aws configure --profile nebius, and aws configure set endpoint_url https://storage.REGION.nebius.cloud --profile nebius"},
};

static enum provider_step lacks(struct aws *t, const struct other *o, const char *what)
{
	return aws_failed(t, ERR_CREDENTIALS, ERR_SCOPE_TASK, arena_printf(t->a, "%s…: no %s of %s: %s", o->scheme, what, o->title, o->todo));
}

/* What a profile says, in the one file or the other. */
static const char *said(const json_t *first, const json_t *second, const char *key)
{
	return json_str(first, key, json_str(second, key, NULL));
}

static enum provider_step take(struct aws *t, const struct other *o, const json_t *texts, struct aws_store *out)
{
	const char *more = json_string_value(json_array_get(texts, 1));
	bool account = !strcmp(o->profile, "r2");
	json_t *files = json_pack("[o, o]", aws_ini(json_string_value(json_array_get(texts, 0)), false), aws_ini(account ? NULL : more, true));
	json_object_set_new(t->c->scratch, "other", files); /* what is taken from it is borrowed */
	const json_t *p = json_object_get(json_array_get(files, 0), o->profile), *q = json_object_get(json_array_get(files, 1), o->profile);
	const char *id = said(p, q, "aws_access_key_id"), *secret = said(p, q, "aws_secret_access_key"), *url = said(p, q, "endpoint_url");
	const char *region = said(p, q, "region");
	if (!id || !secret)
		return lacks(t, o, "keys");
	if (!url && account && more && strspn(more, "0123456789abcdef") >= 8)
		url = arena_printf(t->a, "https://%.*s.r2.cloudflarestorage.com", (int)strspn(more, "0123456789abcdef"), more);
	if (!url)
		return lacks(t, o, account ? "account" : "endpoint_url");
	AWS_TRY(aws_base(t, url, arena_printf(t->a, "the endpoint_url of %s", o->title), &out->base));
	out->title = o->title;
	t->login = (struct aws_login){.keys = {id, secret, NULL}, .region = region ? region : account ? "auto" : "eu-north1", .source = o->credentials};
	return PROVIDER_DONE;
}

enum provider_step aws_other_store(struct aws *t, const char *uri, struct aws_store *out)
{
	*out = (struct aws_store){0};
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (str_starts(uri, others[i].scheme)) {
			const char *const paths[] = {others[i].credentials, others[i].more};
			const json_t *texts;
			AWS_TRY(aws_read(t, "other", paths, ARRAY_LEN(paths), &texts));
			return take(t, &others[i], texts, out);
		}
	return PROVIDER_DONE;
}
