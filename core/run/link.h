/* The connections of one engine to hosts over SSH. For each way to a host (address, user, keys, jumps, pin) there is a link; it
 * connects when first needed, is shared by all who ask, and is closed after some quiet minutes.
 *
 * A connection that is lost is made again, with pauses from 0.2 to 15 s, while somebody waits for it, or at once when somebody asks
 * after a pause. Streams get connections beside the first one when there are many, so that the few sessions that a host allows on a
 * connection are not all theirs. At most 32 handshakes are under way at once. For remote.c only. */
#ifndef CORE_RUN_LINK_H
#define CORE_RUN_LINK_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/io/loop.h"
#include "core/run/remote.h"

struct links;
struct link_command;

struct links *links_create(struct loop *l, const struct remotes_handlers *h);
void links_destroy(struct links *ls); /* NULL is fine; no command may be left */

/* All pointers are borrowed until the command is over. */
struct link_spec {
	const char *command;	    /* as the host's login shell gets it; at most SSH_COMMAND_MAX bytes */
	const char *head, *input;   /* its stdin: first head, then input, then all of fd */
	size_t head_len, input_len;
	int fd;			    /* > 0; stays the caller's */
	bool stream;		    /* stdin stays open, until the command is destroyed */
	int64_t timeout_ms, retry_ms; /* as in remote_spec */
	bool anew;		      /* the same */
};

/* exit, once: ran says whether the command was given to the host. waits: at each failed try to connect. The command is gone when exit returns. */
struct link_handlers {
	void (*out)(void *arg, bool is_err, const char *data, size_t len);
	void (*waits)(void *arg, const char *host, const struct err *why);
	void (*exit)(void *arg, const struct remote_exit *x, bool ran);
	void *arg;
};

struct link_command *link_start(struct links *ls, const json_t *reach, const struct link_spec *spec, const struct link_handlers *h, struct err *err);
void link_pause(struct link_command *c, bool paused);
void link_destroy(struct link_command *c); /* no handler is called; NULL is fine */

#endif
