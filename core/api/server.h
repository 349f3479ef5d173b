/* The engine's side of the socket. */
#ifndef CORE_API_SERVER_H
#define CORE_API_SERVER_H
#include "core/base/err.h"
#include "core/io/loop.h"
#include "core/run/engine.h"

struct server;

struct server_setup {
	struct loop *loop;
	struct engine *engine;
	int fd;			  /* listening; taken over */
	const char *socket_path;
	int64_t idle_exit_ms;	  /* leave when nothing was needed for so long; -1: never */
	void (*leave)(void *arg); /* the loop should stop */
	void *arg;
};

struct server *server_create(const struct server_setup *setup);
void server_destroy(struct server *s); /* closes every connection; NULL is fine */

#endif
