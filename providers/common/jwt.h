/* JSON web tokens signed with RS256 (RFC 7515, RFC 7519), as Google, Oracle and others take them from a service's key. No I/O. */
#ifndef PROVIDERS_COMMON_JWT_H
#define PROVIDERS_COMMON_JWT_H
#include <jansson.h>
#include <stddef.h>

#include "core/base/err.h"
#include "core/base/str.h"

/* Base64 with the alphabet for URLs and without padding (RFC 4648, section 5). Appends to out. */
void base64url_add(struct str *out, const void *data, size_t len);

/* header.claims.signature of two JSON objects, with the RSA key in `pem` (PKCS #8 or PKCS #1, not encrypted). Caller frees. NULL: INVALID, the
 * key is none; UNSUPPORTED, libcrypto is not here. The key never gets into err. */
char *jwt_rs256(const json_t *header, const json_t *claims, const char *pem, struct err *err);
/* The same over "header.claims" as it is. Caller frees. */
char *jwt_sign_rs256(const char *input, const char *pem, struct err *err);

/* The SHA-1 thumbprint of the first certificate in `pem`, as "x5t" of a header has it (RFC 7515, 4.1.7); appends to out. INVALID: there is none. */
int jwt_x5t(const char *pem, struct str *out, struct err *err);

#endif
