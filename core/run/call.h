/* One call to a provider: drives its step function, sends what it asks for (HTTP, a child, commands for hosts), retries what a retry can mend. */
#ifndef CORE_RUN_CALL_H
#define CORE_RUN_CALL_H
#include <jansson.h>

#include "core/base/err.h"
#include "core/io/http.h"
#include "core/io/loop.h"
#include "core/provider.h"
#include "core/run/remote.h"
#include "core/run/settings.h"

struct call;

/* What calls share. Owned by the engine; outlives every call. */
struct call_context {
	struct loop *loop;
	struct http *http;	/* made when first needed; its settings are config's "http" */
	struct http_lane *lanes; /* throttles; see call_http.h */
	struct remotes *remotes; /* for providers whose machines are asked over SSH; borrowed */
	const char *self;	/* path of this program */
	const char *state_dir;	/* the folder that holds each provider's own */
	json_t *config;		/* {"NAME": {…}, "http": {"proxy", "ca_file"}}; borrowed */
	json_t *memory;		/* {"NAME": what that provider keeps in memory}; made when first needed, never written */
	const char *user;	/* whose the machines are: a short hash, see user_hash; NULL: "" */
	const char *(*var)(const char *name); /* the environment; NULL: the process's */
	struct settings *settings; /* settings files read so far */
	struct call *calls;	/* under way */
};

/* Exactly one of result (borrowed) and err. */
typedef void call_fn(void *arg, const json_t *result, const struct err *err);

/* One part of an answer that comes in parts (borrowed); NULL: the call starts again from the top, what was given is void. */
typedef void call_part_fn(void *arg, const json_t *part);

/* args is stolen. fn is called once, from the loop, never from within call_start. Transient errors are tried again, with pauses, four
 * times in all; the error then carries the provider's name and the verb. */
struct call *call_start(struct call_context *ctx, const struct provider *p, enum provider_verb verb, json_t *args, call_fn *fn, void *arg);
/* For calls whose answers may come in parts, right after call_start; without it such a call fails. */
void call_on_part(struct call *c, call_part_fn *fn);
void call_cancel(struct call *c); /* fn is not called; NULL is fine */
void call_cancel_all(struct call_context *ctx);
/* Drop calls under way and all that they share and own here. */
void call_context_clear(struct call_context *ctx);

#endif
