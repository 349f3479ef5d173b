/* RS256 by libcrypto, which is opened when first used: its start is too dear for commands that never sign anything. Only a handful of its
 * functions are needed, all of which have kept their form since 1.1. */
#include "providers/common/jwt.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/lazy.h"
#include "core/base/mem.h"
#include "providers/common/crypto.h"

enum { JWT_MAX = 64 << 10, PEM_MAX = 64 << 10 };

void base64url_add(struct str *out, const void *data, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const unsigned char *p = data;
	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		unsigned v = (unsigned)p[i] << 16 | (left > 1 ? (unsigned)p[i + 1] << 8 : 0) | (left > 2 ? p[i + 2] : 0);
		for (size_t k = 0; k < (left > 2 ? 4 : left + 1); k++)
			str_addc(out, digits[v >> (18 - 6 * k) & 63]);
	}
}

/* ---- libcrypto ------------------------------------------------------------------------------------------------------ */

typedef int passphrase_fn(char *buf, int size, int writing, void *arg);

struct crypto {
	void *(*bio_new_mem_buf)(const void *buf, int len);
	int (*bio_free)(void *bio);
	void *(*pem_read_private_key)(void *bio, void **key, passphrase_fn *ask, void *arg);
	void (*pkey_free)(void *key);
	int (*pkey_id)(const void *key);
	int (*pkey_size)(const void *key);
	void *(*ctx_new)(void);
	void (*ctx_free)(void *ctx);
	const void *(*sha256)(void);
	int (*sign_init)(void *ctx, void **pctx, const void *md, void *engine, void *key);
	int (*sign)(void *ctx, unsigned char *sig, size_t *sig_len, const unsigned char *data, size_t len);
};

enum { PKEY_RSA = 6 }; /* NID_rsaEncryption */

static int crypto_open(struct crypto *c, struct err *err)
{
	static const char *const sonames[] = {"libcrypto.so.3", "libcrypto.so.1.1", "libcrypto.so", "libcrypto.3.dylib", "libcrypto.dylib", NULL};
	const struct lazy_symbol symbols[] = {
	    {"BIO_new_mem_buf", &c->bio_new_mem_buf},
	    {"BIO_free", &c->bio_free},
	    {"PEM_read_bio_PrivateKey", &c->pem_read_private_key},
	    {"EVP_PKEY_free", &c->pkey_free},
	    {"EVP_MD_CTX_new", &c->ctx_new},
	    {"EVP_MD_CTX_free", &c->ctx_free},
	    {"EVP_sha256", &c->sha256},
	    {"EVP_DigestSignInit", &c->sign_init},
	    {"EVP_DigestSign", &c->sign},
	};
	/* Renamed in 3.0; the old names are still there in some builds only. */
	const struct lazy_symbol now[] = {{"EVP_PKEY_get_base_id", &c->pkey_id}, {"EVP_PKEY_get_size", &c->pkey_size}};
	const struct lazy_symbol before[] = {{"EVP_PKEY_base_id", &c->pkey_id}, {"EVP_PKEY_size", &c->pkey_size}};
	if (lazy_open(sonames, symbols, ARRAY_LEN(symbols), err))
		return -1;
	return lazy_open(sonames, now, ARRAY_LEN(now), NULL) ? lazy_open(sonames, before, ARRAY_LEN(before), err) : 0;
}

/* Without this it would ask at the terminal. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return 0;
}

static void *read_key(const struct crypto *c, const char *pem, struct err *err)
{
	size_t len = strlen(pem);
	void *bio = len < PEM_MAX ? c->bio_new_mem_buf(pem, (int)len) : NULL;
	void *key = bio ? c->pem_read_private_key(bio, NULL, no_passphrase, NULL) : NULL;
	if (bio)
		c->bio_free(bio);
	if (key && c->pkey_id(key) != PKEY_RSA) {
		c->pkey_free(key);
		key = NULL;
	}
	if (!key)
		err_set(err, ERR_INVALID, "the private key is no RSA key in PEM form, or has a passphrase");
	return key;
}

/* ---- tokens --------------------------------------------------------------------------------------------------------- */

char *jwt_sign_rs256(const char *input, const char *pem, struct err *err)
{
	struct crypto c;
	if (crypto_open(&c, err))
		return NULL;
	void *key = read_key(&c, pem, err);
	if (!key)
		return NULL;
	size_t len = (size_t)c.pkey_size(key);
	unsigned char *sig = xmalloc(len);
	void *ctx = c.ctx_new();
	struct str out = str_new(JWT_MAX);
	bool ok = ctx && c.sign_init(ctx, NULL, c.sha256(), NULL, key) == 1 &&
		  c.sign(ctx, sig, &len, (const unsigned char *)input, strlen(input)) == 1;
	if (ctx)
		c.ctx_free(ctx);
	c.pkey_free(key);
	str_add(&out, input);
	str_addc(&out, '.');
	base64url_add(&out, sig, ok ? len : 0);
	free(sig);
	if (ok && !out.full)
		return str_take(&out);
	str_free(&out);
	err_set(err, ERR_INVALID, "a token cannot be signed with the private key");
	return NULL;
}

static void add_part(struct str *out, const json_t *part)
{
	char *text = json_text(part);
	base64url_add(out, text, strlen(text));
	free(text);
}

char *jwt_rs256(const json_t *header, const json_t *claims, const char *pem, struct err *err)
{
	struct str input = str_new(JWT_MAX);
	add_part(&input, header);
	str_addc(&input, '.');
	add_part(&input, claims);
	char *out = jwt_sign_rs256(str_text(&input), pem, err);
	str_free(&input);
	return out;
}

/* ---- certificates --------------------------------------------------------------------------------------------------- */

static int digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *p = c ? strchr(digits, c) : NULL;
	return p ? (int)(p - digits) : -1;
}

/* Base64 up to something that is none of it, white space left out. Returns how many bytes; out has room for them. */
static size_t decode(const char *text, size_t len, unsigned char *out)
{
	unsigned bits = 0;
	size_t n = 0;
	int have = 0;
	for (size_t i = 0; i < len; i++) {
		int d = digit(text[i]);
		if (d < 0 && strchr(" \t\r\n", text[i]))
			continue;
		if (d < 0)
			break;
		bits = bits << 6 | (unsigned)d;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[n++] = (unsigned char)(bits >> have);
		}
	}
	return n;
}

int jwt_x5t(const char *pem, struct str *out, struct err *err)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----", end[] = "-----END CERTIFICATE-----";
	const char *from = strstr(pem, begin), *to = from ? strstr(from, end) : NULL;
	char hex[SHA1_HEX];
	unsigned char raw[SHA1_HEX / 2];
	if (!to || (size_t)(to - from) > PEM_MAX)
		return err_set(err, ERR_INVALID, "there is no certificate in PEM form");
	from += sizeof begin - 1;
	unsigned char *der = xmalloc((size_t)(to - from) + 1);
	size_t n = decode(from, (size_t)(to - from), der);
	int r = crypto_sha1_hex(der, n, hex, err);
	free(der);
	if (r)
		return -1;
	for (size_t i = 0; i < sizeof raw; i++) {
		const char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
		raw[i] = (unsigned char)strtoul(pair, NULL, 16);
	}
	base64url_add(out, raw, sizeof raw);
	return 0;
}
