/* HTTP as a source on the loop (curl multi). TLS is verified, redirects stay on https, replies have a maximum. Proxies and CA
 * certificates are those of the settings, else those that the environment names as it does for curl (https_proxy, no_proxy,
 * CURL_CA_BUNDLE, SSL_CERT_FILE, SSL_CERT_DIR). */
#ifndef CORE_IO_HTTP_H
#define CORE_IO_HTTP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/io/loop.h"

struct http;
struct http_call;

struct http_request {
	const char *method;		/* NULL: GET */
	const char *url;
	const char *const *headers;	/* "Name: value", NULL-terminated; may be NULL */
	const char *body;		/* may be NULL */
	size_t body_len;
	int64_t timeout_ms;		/* whole call; 0: 30 s; < 0: none, only stall_ms */
	int64_t stall_ms;		/* no byte for so long; 0: 15 s */
	int64_t connect_ms;		/* no connection after so long; 0: stall_ms */
	size_t max_bytes;		/* of the reply's body; 0: 16 MiB */
	bool no_redirect;		/* a redirect is the reply */
	bool direct;			/* past any proxy */
	/* The body of a 2xx reply as it comes, and none in the reply; nonzero ends the call as CANCELLED. No http function from within. */
	int (*piece)(void *arg, const char *data, size_t len);
	void *piece_arg;
};

struct http_reply {
	int status;
	const char *body; /* NUL-terminated */
	size_t body_len;
	const char *const *headers; /* "name: value", names in lower case, NULL-terminated; some 64 KiB of them at most */
};

/* The value of a header (its name in lower case), "" when absent; lives as long as the reply. */
const char *http_header(const struct http_reply *reply, const char *name);

/* Exactly one of reply and err is set; both borrowed. An HTTP status is never an err here. */
typedef void http_fn(void *arg, const struct http_reply *reply, const struct err *err);

/* NULL when libcurl cannot be opened. */
struct http *http_create(struct loop *l, struct err *err);
/* A proxy ("none": never one) and a file of CA certificates for the calls to come; NULL and "": as the environment says. Copied. */
void http_configure(struct http *h, const char *proxy, const char *ca_file);
void http_destroy(struct http *h); /* calls in flight are dropped silently; NULL is fine */
/* Everything in req is copied. NULL: not started, fn not called. */
struct http_call *http_start(struct http *h, const struct http_request *req, http_fn *fn, void *arg, struct err *err);
void http_cancel(struct http_call *c); /* fn is not called */

#endif
