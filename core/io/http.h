/* HTTP as a source on the loop (curl multi). TLS is verified, redirects stay on https, replies have a maximum. */
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
	int64_t timeout_ms;		/* whole call; 0: 30 s */
	int64_t stall_ms;		/* no byte for so long; 0: 15 s */
	size_t max_bytes;		/* of the reply's body; 0: 16 MiB */
};

struct http_reply {
	int status;
	const char *body; /* NUL-terminated */
	size_t body_len;
	const char *etag, *last_modified, *retry_after, *content_type; /* "" when absent */
};

/* Exactly one of reply and err is set; both borrowed. An HTTP status is never an err here. */
typedef void http_fn(void *arg, const struct http_reply *reply, const struct err *err);

/* NULL when libcurl cannot be opened. */
struct http *http_create(struct loop *l, struct err *err);
void http_destroy(struct http *h); /* calls in flight are dropped silently; NULL is fine */
/* Everything in req is copied. NULL: not started, fn not called. */
struct http_call *http_start(struct http *h, const struct http_request *req, http_fn *fn, void *arg, struct err *err);
void http_cancel(struct http_call *c); /* fn is not called */

#endif
