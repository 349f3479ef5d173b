/* JSON-RPC 2.0 over a UNIX stream socket: one compact JSON object a line. Both sides may call and notify. */
#ifndef CORE_IO_RPC_H
#define CORE_IO_RPC_H
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/err.h"
#include "core/io/loop.h"

enum { RPC_LINE_MAX = 16 << 20, RPC_BACKLOG_MAX = 64 << 20 };

struct rpc;

/* A reply: result (borrowed, NULL on failure) or the error the other side gave, or ERR_NETWORK when it went away. */
typedef void rpc_reply_fn(void *arg, const json_t *result, const struct err *err);

struct rpc_handlers {
	/* A call (id != NULL, to be answered now or later by rpc_answer/rpc_refuse with the same id) or a notification
	 * (id NULL). id and params are borrowed; keep a reference to answer later. */
	void (*call)(void *arg, struct rpc *rpc, const json_t *id, const char *method, const json_t *params);
	/* The connection is gone; the rpc is freed after this returns. Outstanding calls have been told. */
	void (*closed)(void *arg, struct rpc *rpc);
	void *arg;
};

/* Takes over fd (made non-blocking). */
struct rpc *rpc_create(struct loop *l, int fd, const struct rpc_handlers *h);
/* Close and free without calling `closed`; outstanding replies are dropped silently. NULL is fine. */
void rpc_destroy(struct rpc *r);
/* params is stolen. fn is called exactly once. timeout_ms 0: none. */
void rpc_call(struct rpc *r, const char *method, json_t *params, int64_t timeout_ms, rpc_reply_fn *fn, void *arg);
void rpc_notify(struct rpc *r, const char *method, json_t *params); /* params stolen */
void rpc_answer(struct rpc *r, const json_t *id, json_t *result);   /* result stolen */
void rpc_refuse(struct rpc *r, const json_t *id, const struct err *err);
/* Bytes not yet taken by the other side: whoever streams waits while this is large. */
size_t rpc_backlog(const struct rpc *r);
void rpc_set_handlers(struct rpc *r, const struct rpc_handlers *h);

/* Private socket (0600 in a 0700 folder that is ours). The path may hold at most 107 bytes; a stale file is replaced,
 * one that belongs to somebody else is refused. */
int unix_listen(const char *path, struct err *err);
/* Connected, or -1: NOT_FOUND when nobody listens. Refuses a socket of another user. */
int unix_connect(const char *path, struct err *err);
/* Who is on the other side; (uid_t)-1 if the kernel does not say. */
uid_t unix_peer_uid(int fd);

#endif
