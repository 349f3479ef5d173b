/* AWS Signature Version 4 (docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html): the headers or the query that prove who asks. Pure,
 * so it depends on no version of libcurl, whose own signer is wrong in several cases. */
#ifndef PROVIDERS_COMMON_SIGV4_H
#define PROVIDERS_COMMON_SIGV4_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/str.h"

struct sigv4_keys {
	const char *id, *secret, *token; /* token: of keys that end; NULL: of those that do not */
};

struct sigv4_request {
	const char *method;
	const char *url;	     /* absolute, percent-encoded, without a fragment */
	const char *const *headers;  /* "Name: value", NULL-terminated, all of them signed; Host is not among them. NULL: none */
	const char *body;
	size_t body_len;
	const char *region, *service;
	int64_t at_ms;
	bool s3;		/* the path is encoded once, and a header tells the hash of the body */
	bool unsigned_payload;	/* S3 over TLS: the body is not hashed */
};

/* The headers to send: those given, X-Amz-Date, where they apply X-Amz-Security-Token and X-Amz-Content-Sha256, and Authorization;
 * NULL-terminated. All is the arena's. NULL: the URL is none, or there is no libcrypto. */
const char *const *sigv4_sign(struct arena *a, const struct sigv4_keys *k, const struct sigv4_request *q, struct err *err);
/* The URL with a signature in its query, good for expires_s (up to 604800) from at_ms. The body is not part of it. */
const char *sigv4_presign(struct arena *a, const struct sigv4_keys *k, const struct sigv4_request *q, int64_t expires_s, struct err *err);
/* The canonical request that a signature is of, without its last line (the body's hash): for tests. */
const char *sigv4_canonical(struct arena *a, const struct sigv4_request *q, struct err *err);

/* Append text with all but unreserved characters (RFC 3986) percent-encoded; with_slash: also '/'. */
void sigv4_encode(struct str *out, const char *text, size_t len, bool with_slash);
/* Append "&key=value" (no '&' at the beginning of s) to a query; and to a form, where a blank is a '+', as everybody's tools write it. */
void sigv4_query(struct str *s, const char *key, const char *value);
void sigv4_form(struct str *s, const char *key, const char *value);

#endif
