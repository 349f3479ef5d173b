/* The client's side: connect to the engine, starting it when there is none; call it and wait, or use the connection on a loop. */
#ifndef CORE_API_CLIENT_H
#define CORE_API_CLIENT_H
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/io/loop.h"
#include "core/io/rpc.h"

/* A connected socket, hello not yet said. NOT_FOUND when no engine runs and `start` is false. With start, `self engine` is started
 * if needed (two clients at once start one), and waited for, at most ten seconds. Blocks meanwhile. */
int client_connect(const char *self, bool start, struct err *err);
/* Tell the engine to leave, whatever protocol it speaks, and wait until it has closed its state. 0, or -1: NOT_FOUND when none runs, TIMEOUT. */
int client_stop_engine(const char *self, int64_t within_ms, struct err *err);
/* This program, as a path that can be executed. Caller frees. */
char *client_self(void);

struct client;

/* Connect, say hello. Blocks. NULL with err. */
struct client *client_open(const char *self, bool start, struct err *err);
void client_close(struct client *c); /* NULL is fine */

/* Notifications. One that comes with the reply of a call is told at the next turn or call, when the reply has been read: what it says is newer.
 * method and params borrowed. */
void client_listen(struct client *c, void (*fn)(void *arg, const char *method, const json_t *params), void *arg);
/* Call and wait; a new reference, or NULL with err. params stolen. timeout_ms 0: for ever, but a signal in client_interrupt ends it. */
json_t *client_call(struct client *c, const char *method, json_t *params, int64_t timeout_ms, struct err *err);
/* Turn the loop until something came, or ms have passed (-1: for ever). -1 when the connection is gone. */
int client_turn(struct client *c, int64_t ms, struct err *err);
/* From now on SIGINT ends waits with CANCELLED instead of ending the process: Ctrl-C in a client cancels the wait, never the work. */
void client_interruptible(struct client *c);
bool client_interrupted(const struct client *c);

#endif
