/* The HTTP of provider calls: several requests at once, each in its lane (lane.h), sent again while that may help.
 *
 * A lost connection, 429, 502, 503 and 504 are sent again, five times in all, after a random part of 0.2, 0.4, 0.8 and 1.6 s, or after what
 * Retry-After says, up to a minute; never what is marked `once`, nor one that gave pieces. What is then still so is the step's to judge. */
#ifndef CORE_RUN_CALL_HTTP_H
#define CORE_RUN_CALL_HTTP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/provider.h"

struct call_context;
struct http_batch;

/* replies: one for each request, in their order; they live until http_batch_free. */
typedef void http_batch_fn(void *arg, const struct provider_http_reply *replies, size_t n);

/* The requests of one step. Their strings must live until fn is called, from the loop, once, never from within. */
struct http_batch *http_batch_start(struct call_context *ctx, const char *provider, const struct provider_request *q, http_batch_fn *fn, void *arg, struct err *err);
/* What is under way is dropped. NULL is fine. */
void http_batch_free(struct http_batch *b);
/* Some of it was sent as often as it may be, in vain. */
bool http_batch_worn(const struct http_batch *b);
/* The step read "too often" from answers whose status does not say so: their lanes are slowed. */
void http_batch_throttled(const struct http_batch *b);

/* Lanes of a context; nothing may be under way. */
void http_lanes_free(struct call_context *ctx);
/* Seconds or an HTTP date to ms from now; -1: it says nothing. */
int64_t http_retry_after_ms(const char *value, int64_t now_ms);

#endif
