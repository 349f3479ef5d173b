/* Hashes and their encodings, for the protocols of clouds: over libcrypto, which is opened when first used. Pure: nothing is read or sent.
 * Failure (no libcrypto): -1. Tokens signed with RSA are in jwt.h. */
#ifndef PROVIDERS_COMMON_CRYPTO_H
#define PROVIDERS_COMMON_CRYPTO_H
#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"
#include "core/base/mem.h"

enum { SHA256_LEN = 32, SHA256_HEX = 65, SHA1_HEX = 41 };

/* SHA-256 (FIPS 180-4) of len bytes. */
int crypto_sha256(const void *data, size_t len, unsigned char out[SHA256_LEN], struct err *err);
/* The same and SHA-1, as lower-case hex with NUL. */
int crypto_sha256_hex(const void *data, size_t len, char out[SHA256_HEX], struct err *err);
int crypto_sha1_hex(const void *data, size_t len, char out[SHA1_HEX], struct err *err);
/* HMAC-SHA-256 (RFC 2104) of a text under a key; out may be the key. */
int crypto_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len, unsigned char out[SHA256_LEN], struct err *err);

/* len bytes as lower-case hex with NUL; out ≥ 2·len + 1. */
const char *crypto_hex(const unsigned char *data, size_t len, char *out);
/* Base64 (RFC 4648) with padding. The arena's. */
const char *crypto_base64(struct arena *a, const void *data, size_t len);
/* Back, into out; false: it is none, or does not fit. */
bool crypto_unbase64(const char *text, unsigned char *out, size_t size, size_t *len);

#endif
