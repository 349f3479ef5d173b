/* What the files of core/io/ssh* share. */
#ifndef CORE_IO_SSH_PRIV_H
#define CORE_IO_SSH_PRIV_H
#include <sys/socket.h>

#include "core/base/str.h"
#include "core/io/ssh.h"
#include "core/io/ssh_lib.h"

enum {
	SSH_IN_MAX = 256 << 10,	  /* bytes from the network that wait for libssh2: bounds the work of one turn */
	SSH_OUT_MAX = 256 << 10,  /* no more is encrypted while so much waits for the network */
	SSH_TURN_US = 4000,
	SSH_HELLO_MAX = 8192,
	SSH_ADDRESSES_MAX = 8,
};

struct ssh_buf {
	char *data;
	size_t off, len, cap;
};
/* Append; and take away from the front. What is there is b->len bytes from ssh_buf_at on. ssh_buf_room: where n bytes more may be put,
 * counted by whoever puts them. */
char *ssh_buf_room(struct ssh_buf *b, size_t n);
void ssh_buf_add(struct ssh_buf *b, const void *p, size_t n);
void ssh_buf_take(struct ssh_buf *b, size_t n);
static inline const char *ssh_buf_at(const struct ssh_buf *b)
{
	return b->data + b->off;
}

enum ssh_state { SSH_FINDING, SSH_REACHING, SSH_SHAKING, SSH_METHODS, SSH_KEYS, SSH_READY, SSH_OVER };

struct ssh_address {
	socklen_t len;
	struct sockaddr_storage at;
};

struct ssh_resolver;
struct ssh_reach;
struct ssh_auth;

struct ssh {
	struct loop *loop;
	struct ssh_lib lib;
	struct ssh_target *t;
	struct ssh_handlers h;
	char *name;
	enum ssh_state state;
	struct ssh_resolver *resolver;
	struct ssh_reach *reach;
	int fd; /* the socket; over a jump host: /dev/null, which libssh2 wants to see but never uses */
	struct ssh *via;
	bool own_via;
	struct ssh_channel *link; /* our bytes, as a channel of via */
	LIBSSH2_SESSION *session;
	struct ssh_buf in, out;
	struct str hello; /* the first bytes received, to say why a handshake failed */
	struct err broken; /* why no more bytes come; .code ERR_NONE while they do */
	struct ssh_auth *auth;	/* while we are let in */
	const char *phase_note; /* what is waited for, beside the phase; NULL: nothing to add */
	unsigned kick_timer, phase_timer, idle_timer;
	int64_t received_at_ms; /* monotonic */
	bool want_probe, probing, backlog;
	int busy;
	bool destroyed;
	struct ssh_channel *channels, *opening;
	bool had_session;
	unsigned calm_timer; /* no session is opened until it is over */
	int session_limit; /* learned when the host refused one more; 0: none known */
	int64_t confirmed_id; /* our number of the channel that was opened last; -1: not seen */
};

/* Do a turn soon. */
void ssh_kick(struct ssh *s);
/* The connection is over: every channel is told, then the owner. Copies err. */
void ssh_fail(struct ssh *s, const struct err *err);
/* libssh2's last words. */
const char *ssh_last_error(struct ssh *s);
/* Only these concern one channel; every other error is the connection's. */
bool ssh_channel_only(int rc);

/* ssh_auth.c: one step of letting us in. 0: in, 1: wait, -1: no (err). */
int ssh_authenticate(struct ssh *s, struct err *err);
void ssh_auth_free(struct ssh_auth *a); /* NULL is fine */
/* ssh_host.c: before the handshake, which kinds of host key; after it, is the host who it was; why it failed. */
void ssh_prefer_host_keys(struct ssh *s);
int ssh_check_host(struct ssh *s, struct err *err);
void ssh_handshake_error(struct ssh *s, int rc, struct err *err);

/* ssh_memory.c: libssh2's memory, which shows packets that it keeps to itself. abstract points to the struct ssh *. */
void *ssh_memory_alloc(size_t size, void **abstract);
void *ssh_memory_realloc(void *p, size_t size, void **abstract);
void ssh_memory_free(void *p, void **abstract);

/* ssh_channel.c */
void ssh_channel_has_status(struct ssh *s, uint32_t id); /* the host told how the command on this channel ended */
int ssh_channels_turn(struct ssh *s, struct err *err);
void ssh_channels_end(struct ssh *s, const struct err *err);
void ssh_channels_free(struct ssh *s);
size_t ssh_channel_room(const struct ssh_channel *c);

/* ssh_resolve.c: fn is called once from the loop, or synchronously for a numeric address; n is 0 with an error. */
typedef void ssh_resolved_fn(void *arg, const struct ssh_address *to, int n, const struct err *err);
struct ssh_resolver *ssh_resolve(struct ssh *s, ssh_resolved_fn *fn, struct err *err);
void ssh_resolve_cancel(struct ssh_resolver *r);

/* ssh_reach.c: fn is called once from the loop, with a connected socket that is its own, or with -1 (ssh_reach_error says why). It
 * has to call ssh_reach_end. */
typedef void ssh_reached_fn(void *arg, int fd);
struct ssh_reach *ssh_reach(struct loop *l, const struct ssh_address *to, int n, ssh_reached_fn *fn, void *arg);
const char *ssh_reach_error(const struct ssh_reach *r); /* "" as long as nothing failed */
void ssh_reach_end(struct ssh_reach *r);		/* NULL is fine */

#endif
