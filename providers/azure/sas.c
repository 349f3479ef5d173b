/* The fields in their order, what is not said left empty; HMAC-SHA-256 under the account's key. */
#include "providers/azure/sas.h"

#include <string.h>

#include "core/base/str.h"
#include "providers/common/crypto.h"
#include "providers/common/sigv4.h"

#define VERSION "2020-10-02"

const char *sas_text(struct arena *a, const struct sas *s)
{
	const char *blob = s->blob ? s->blob : "";
	/* permissions, start, end, resource, identifier, addresses, protocol, version, kind, snapshot, five headers of the answer */
	return arena_printf(a, "%s\n\n%s\n/blob/%s/%s%s%s\n\n\n%s\n%s\n%s\n\n\n\n\n\n", s->right, s->end, s->account, s->container, s->blob ? "/" : "", blob,
	    s->https_only ? "https" : "", VERSION, s->blob ? "b" : "c");
}

const char *sas_of(struct arena *a, const struct sas *s, const char *key, struct err *err)
{
	unsigned char raw[256], mac[SHA256_LEN];
	size_t n = 0;
	const char *text = sas_text(a, s);
	struct str q = str_new(4096);
	if (!crypto_unbase64(key, raw, sizeof raw, &n) || !n) {
		err_set(err, ERR_CREDENTIALS, "the key of the storage account %s is no base64", s->account);
		return NULL;
	}
	int rc = crypto_hmac_sha256(raw, n, text, strlen(text), mac, err);
	memset(raw, 0, sizeof raw);
	if (rc)
		return NULL;
	sigv4_query(&q, "sv", VERSION);
	sigv4_query(&q, "sr", s->blob ? "b" : "c");
	sigv4_query(&q, "sp", s->right);
	sigv4_query(&q, "se", s->end);
	if (s->https_only)
		sigv4_query(&q, "spr", "https");
	sigv4_query(&q, "sig", crypto_base64(a, mac, sizeof mac));
	const char *out = arena_strdup(a, str_text(&q));
	str_free(&q);
	return out;
}
