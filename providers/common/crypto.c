/* libcrypto behind a few functions: clouds want hashes and MACs, and a program that asks no cloud must not pay for loading it. Every
 * function opens what it needs, which costs a few look-ups once the library is there. Encodings are done here. */
#include "providers/common/crypto.h"

#include <string.h>

#include "core/base/lazy.h"

/* The part of libcrypto (1.1 and 3) that is used; its types are opaque here. */
struct lib {
	const void *(*sha256)(void);
	const void *(*sha1)(void);
	int (*digest)(const void *data, size_t len, unsigned char *md, unsigned *md_len, const void *type, void *engine);
	unsigned char *(*hmac)(const void *type, const void *key, int key_len, const unsigned char *data, size_t len, unsigned char *md, unsigned *md_len);
};

static const char *const names[] = {"libcrypto.so.3", "libcrypto.so.1.1", "libcrypto.3.dylib", NULL};

static int lib_open(struct lib *l, struct err *err)
{
	const struct lazy_symbol symbols[] = {
	    {"EVP_sha256", &l->sha256},
	    {"EVP_sha1", &l->sha1},
	    {"EVP_Digest", &l->digest},
	    {"HMAC", &l->hmac},
	};
	return lazy_open(names, symbols, ARRAY_LEN(symbols), err);
}

static int refused(struct err *err)
{
	return err_set(err, ERR_UNSUPPORTED, "libcrypto refuses this digest (a policy of this machine?)");
}

int crypto_sha256(const void *data, size_t len, unsigned char out[SHA256_LEN], struct err *err)
{
	struct lib l;
	if (lib_open(&l, err))
		return -1;
	return l.digest(data, len, out, NULL, l.sha256(), NULL) == 1 ? 0 : refused(err);
}

int crypto_sha256_hex(const void *data, size_t len, char out[SHA256_HEX], struct err *err)
{
	unsigned char md[SHA256_LEN];
	if (crypto_sha256(data, len, md, err))
		return -1;
	crypto_hex(md, sizeof md, out);
	return 0;
}

int crypto_sha1_hex(const void *data, size_t len, char out[SHA1_HEX], struct err *err)
{
	struct lib l;
	unsigned char md[20];
	if (lib_open(&l, err))
		return -1;
	if (l.digest(data, len, md, NULL, l.sha1(), NULL) != 1)
		return refused(err);
	crypto_hex(md, sizeof md, out);
	return 0;
}

int crypto_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len, unsigned char out[SHA256_LEN], struct err *err)
{
	struct lib l;
	unsigned char md[SHA256_LEN];
	if (lib_open(&l, err))
		return -1;
	if (!l.hmac(l.sha256(), key, (int)key_len, data, len, md, NULL))
		return refused(err);
	memcpy(out, md, sizeof md);
	return 0;
}

const char *crypto_hex(const unsigned char *data, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[data[i] >> 4];
		out[2 * i + 1] = digits[data[i] & 15];
	}
	out[2 * len] = '\0';
	return out;
}

const char *crypto_base64(struct arena *a, const void *data, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = data;
	char *out = arena_alloc(a, (len + 2) / 3 * 4 + 1), *o = out;
	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		unsigned v = (unsigned)p[i] << 16 | (left > 1 ? (unsigned)p[i + 1] << 8 : 0) | (left > 2 ? p[i + 2] : 0);
		for (size_t k = 0; k < 4; k++)
			*o++ = k <= left ? digits[v >> (18 - 6 * k) & 63] : '=';
	}
	return out;
}

bool crypto_unbase64(const char *text, unsigned char *out, size_t size, size_t *len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t chars = strcspn(text, "="), pads = strspn(text + chars, "="), n = 0;
	unsigned bits = 0;
	if (text[chars + pads] || (chars + pads) % 4 || pads > 2 || chars / 4 * 3 + chars % 4 > size)
		return false;
	for (size_t i = 0; i < chars; i++) {
		const char *d = strchr(digits, text[i]);
		if (!d)
			return false;
		bits = bits << 6 | (unsigned)(d - digits);
		if (i % 4)
			out[n++] = (unsigned char)(bits >> (6 - 2 * (i % 4)));
	}
	*len = n;
	return true;
}
