/* One SSH connection. libssh2 never sees a socket: it reads from and writes to buffers of ours, which solves four things. Its
 * output never blocks half-way (after which it must be called again with the very same packet, impossible with many channels); the
 * work of a turn is bounded by what we put in; we see each byte's arrival, for the deadline; and a jump host's channel is as good as
 * a socket.
 *
 * Invariants: libssh2 is called from turn() only; `busy` counts turns and handlers under way, and freeing waits for 0; after
 * ssh_fail nothing but ssh_destroy happens. */
#include "core/io/ssh.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/io/ssh_priv.h"

enum { CONNECT_MS = 20000, IDLE_MS = 45000, PROBES = 3, READ_BYTES = 65536 };

char *ssh_buf_room(struct ssh_buf *b, size_t n)
{
	if (b->off && b->off + b->len + n > b->cap) {
		memmove(b->data, b->data + b->off, b->len);
		b->off = 0;
	}
	if (b->len + n > b->cap) {
		b->cap = b->cap * 2 > b->len + n ? b->cap * 2 : b->len + n + 4096;
		b->data = xrealloc(b->data, b->cap);
	}
	return b->data + b->off + b->len;
}

void ssh_buf_add(struct ssh_buf *b, const void *p, size_t n)
{
	if (n)
		memcpy(ssh_buf_room(b, n), p, n);
	b->len += n;
}

void ssh_buf_take(struct ssh_buf *b, size_t n)
{
	b->len -= n;
	b->off = b->len ? b->off + n : 0;
}

const char *ssh_last_error(struct ssh *s)
{
	char *text = NULL;
	s->lib.session_last_error(s->session, &text, NULL, 0);
	return text && text[0] ? text : "no reason given";
}

const char *ssh_name(const struct ssh *s)
{
	return s->name;
}

bool ssh_was_reached(const struct ssh *s)
{
	return s->session && (!s->via || s->hello.len);
}

/* ---- libssh2's network ------------------------------------------------------------------------------------------- */

static ssize_t take_bytes(libssh2_socket_t fd, void *buf, size_t n, int flags, void **abstract)
{
	(void)fd;
	(void)flags;
	struct ssh *s = *abstract;
	if (!s->in.len)
		return s->broken.code ? 0 : -EAGAIN;
	n = n < s->in.len ? n : s->in.len;
	memcpy(buf, ssh_buf_at(&s->in), n);
	ssh_buf_take(&s->in, n);
	return (ssize_t)n;
}

static ssize_t give_bytes(libssh2_socket_t fd, const void *buf, size_t n, int flags, void **abstract)
{
	(void)fd;
	(void)flags;
	struct ssh *s = *abstract;
	if (!s->broken.code)
		ssh_buf_add(&s->out, buf, n);
	return (ssize_t)n;
}

/* Bytes that were put into s->in. */
static void arrived(struct ssh *s, const char *data, size_t n)
{
	s->received_at_ms = mono_now_ms();
	if (s->state <= SSH_SHAKING)
		str_addn(&s->hello, data, n);
}

static bool wants_bytes(const struct ssh *s)
{
	return s->state >= SSH_SHAKING && !s->broken.code && !s->backlog && s->in.len < SSH_IN_MAX;
}

static void fill(struct ssh *s)
{
	while (!s->link && s->fd >= 0 && wants_bytes(s)) {
		char *room = ssh_buf_room(&s->in, READ_BYTES);
		ssize_t n = read(s->fd, room, READ_BYTES);
		if (n > 0) {
			s->in.len += (size_t)n;
			arrived(s, room, (size_t)n);
		} else if (!n) {
			err_set(&s->broken, ERR_NETWORK, "the host closed the connection");
		} else if (errno == EAGAIN) {
			return;
		} else if (errno != EINTR) {
			err_set(&s->broken, ERR_NETWORK, "the connection broke: %s", strerror(errno));
		}
	}
}

static void flush(struct ssh *s)
{
	while (s->out.len && !s->broken.code && s->state >= SSH_SHAKING) {
		ssize_t n = s->link ? (ssize_t)ssh_channel_write(s->link, ssh_buf_at(&s->out), s->out.len)
				    : write(s->fd, ssh_buf_at(&s->out), s->out.len);
		if (n > 0)
			ssh_buf_take(&s->out, (size_t)n);
		else if (!n || errno == EAGAIN)
			return;
		else if (errno != EINTR)
			err_set(&s->broken, ERR_NETWORK, "the connection broke: %s", strerror(errno));
	}
}

/* ---- states ------------------------------------------------------------------------------------------------------- */

static const char *const phases[] = {"looking up its name", "connecting", "the handshake", "authentication", "authentication"};

static void on_phase_end(void *arg);
static void on_idle(void *arg);

static void enter(struct ssh *s, enum ssh_state state)
{
	s->state = state;
	loop_cancel(s->loop, s->phase_timer);
	s->phase_timer = state < SSH_READY ? loop_after(s->loop, s->t->connect_timeout_ms, on_phase_end, s) : 0;
}

static void free_all(struct ssh *s);

static void leave(struct ssh *s)
{
	if (!--s->busy && s->destroyed)
		free_all(s);
}

void ssh_fail(struct ssh *s, const struct err *err)
{
	if (s->state == SSH_OVER)
		return;
	struct err e = *err;
	err_wrap(&e, "ssh %s", s->name);
	enter(s, SSH_OVER);
	loop_cancel(s->loop, s->idle_timer);
	s->idle_timer = 0;
	if (!s->broken.code)
		s->broken = e;
	ssh_resolve_cancel(s->resolver);
	ssh_reach_end(s->reach);
	s->resolver = NULL;
	s->reach = NULL;
	if (s->fd >= 0)
		loop_watch(s->loop, s->fd, 0, NULL, NULL);
	s->busy++;
	ssh_channels_end(s, &e);
	if (!s->destroyed && s->h.lost)
		s->h.lost(s->h.arg, &e);
	leave(s);
}

static void fail(struct ssh *s, enum err_code code, const char *text)
{
	struct err e;
	err_set(&e, code, "%s", text);
	ssh_fail(s, &e);
}

static void on_phase_end(void *arg)
{
	struct ssh *s = arg;
	char text[600], after[24];
	s->phase_timer = 0;
	if (s->via && s->via->state < SSH_READY) { /* it has deadlines of its own; ours begins when the way is there */
		enter(s, s->state);
		return;
	}
	const char *more = s->phase_note ? s->phase_note : s->reach ? ssh_reach_error(s->reach) : "";
	snprintf(text, sizeof text, "no answer within %s (%s)%s%s", duration_text(s->t->connect_timeout_ms, after, sizeof after),
	    phases[s->state], more[0] ? "; " : "", more);
	fail(s, ERR_TIMEOUT, text);
}

static int start_session(struct ssh *s, struct err *err)
{
	s->session = s->lib.session_init_ex(ssh_memory_alloc, ssh_memory_free, ssh_memory_realloc, s);
	if (!s->session)
		return err_set(err, ERR_IO, "libssh2 gives no session");
	s->lib.session_set_blocking(s->session, 0);
	ssize_t (*recv_fn)(libssh2_socket_t, void *, size_t, int, void **) = take_bytes;
	ssize_t (*send_fn)(libssh2_socket_t, const void *, size_t, int, void **) = give_bytes;
	void *p;
	memcpy(&p, &recv_fn, sizeof p);
	s->lib.session_callback_set(s->session, LIBSSH2_CALLBACK_RECV, p);
	memcpy(&p, &send_fn, sizeof p);
	s->lib.session_callback_set(s->session, LIBSSH2_CALLBACK_SEND, p);
	ssh_prefer_host_keys(s);
	enter(s, SSH_SHAKING);
	ssh_kick(s);
	return 0;
}

/* 0: go on, 1: wait, -1: over. */
static int step(struct ssh *s, struct err *err)
{
	int rc;
	switch (s->state) {
	case SSH_FINDING:
	case SSH_REACHING:
	case SSH_OVER:
		return 1;
	case SSH_SHAKING:
		rc = s->lib.session_handshake(s->session, s->fd);
		if (rc == LIBSSH2_ERROR_EAGAIN)
			return 1;
		if (rc) {
			ssh_handshake_error(s, rc, err);
			return -1;
		}
		if (ssh_check_host(s, err))
			return -1;
		enter(s, SSH_METHODS);
		return 0;
	case SSH_METHODS:
	case SSH_KEYS:
		rc = ssh_authenticate(s, err);
		if (rc)
			return rc;
		enter(s, SSH_READY);
		s->idle_timer = loop_after(s->loop, s->t->idle_timeout_ms / PROBES, on_idle, s);
		if (s->h.ready)
			s->h.ready(s->h.arg);
		return 0;
	case SSH_READY:
		return ssh_channels_turn(s, err) ? -1 : 1;
	}
	return 1;
}

static void on_socket(int fd, int events, void *arg);

static void watch(struct ssh *s)
{
	if (s->state == SSH_OVER || s->state < SSH_SHAKING)
		return;
	if (s->link)
		ssh_channel_pause(s->link, !wants_bytes(s));
	else
		loop_watch(s->loop, s->fd, (wants_bytes(s) ? LOOP_IN : 0) | (s->out.len ? LOOP_OUT : 0), on_socket, s);
	if (s->backlog || (s->broken.code && !s->kick_timer))
		ssh_kick(s);
}

static void turn(struct ssh *s)
{
	struct err e = {.code = ERR_NONE};
	int rc = 0;
	s->busy++;
	fill(s);
	size_t waiting = s->in.len;
	while (!rc && !s->destroyed)
		rc = step(s, &e);
	/* libssh2 1.11 says "would block" after it took a part of what is there. */
	if (s->in.len && s->in.len < waiting && !s->destroyed)
		ssh_kick(s);
	if (rc < 0 && !s->destroyed)
		ssh_fail(s, s->broken.code && (s->via || s->state > SSH_SHAKING) && e.code != ERR_CREDENTIALS ? &s->broken : &e);
	if (!s->destroyed)
		flush(s);
	/* All that came before the end was used by now, unless there is more to do. (Without a channel nobody reads.) */
	if (s->broken.code && !s->backlog && (!s->in.len || !s->channels) && !s->destroyed && s->state >= SSH_SHAKING)
		ssh_fail(s, &s->broken);
	if (!s->destroyed)
		watch(s);
	leave(s);
}

static void on_kick(void *arg)
{
	struct ssh *s = arg;
	s->kick_timer = 0;
	turn(s);
}

void ssh_kick(struct ssh *s)
{
	if (!s->kick_timer && s->state != SSH_OVER)
		s->kick_timer = loop_after(s->loop, 0, on_kick, s);
}

static void on_socket(int fd, int events, void *arg)
{
	(void)fd;
	(void)events;
	turn(arg);
}

/* A partition is silence: when nothing came for a while the host is asked something, and when the answer does not come either
 * the connection is lost. The question is a channel of a kind that nobody has: every server must refuse it, and libssh2, which
 * would hoard the answers to its own keepalive, takes the refusal away. */
static void on_idle(void *arg)
{
	struct ssh *s = arg;
	s->idle_timer = 0;
	s->busy++;
	turn(s); /* we may be late ourselves: what waits in the socket counts */
	int64_t silent = mono_now_ms() - s->received_at_ms;
	if (s->state == SSH_READY && !s->destroyed) {
		if (silent >= s->t->idle_timeout_ms) {
			char text[100], d[24];
			snprintf(text, sizeof text, "nothing heard for %s: the network or the host is gone", duration_text(silent, d, sizeof d));
			fail(s, ERR_NETWORK, text);
		} else {
			int64_t left = s->t->idle_timeout_ms - silent, part = s->t->idle_timeout_ms / PROBES;
			s->idle_timer = loop_after(s->loop, left < part ? left : part, on_idle, s);
			s->want_probe = s->want_probe || silent >= part;
			ssh_kick(s);
		}
	}
	leave(s);
}

/* ---- reaching the host -------------------------------------------------------------------------------------------- */

static void on_reached(void *arg, int fd)
{
	struct ssh *s = arg;
	struct err err;
	char text[400];
	snprintf(text, sizeof text, "cannot connect: %s", ssh_reach_error(s->reach));
	ssh_reach_end(s->reach);
	s->reach = NULL;
	s->fd = fd;
	s->busy++;
	if (fd < 0)
		fail(s, ERR_NETWORK, text);
	else if (start_session(s, &err))
		ssh_fail(s, &err);
	leave(s);
}

static void on_found(void *arg, const struct ssh_address *to, int n, const struct err *err)
{
	struct ssh *s = arg;
	s->resolver = NULL;
	if (err) {
		ssh_fail(s, err);
		return;
	}
	enter(s, SSH_REACHING);
	s->reach = ssh_reach(s->loop, to, n, on_reached, s);
}

static void link_out(void *arg, bool is_err, const char *data, size_t len)
{
	(void)is_err;
	struct ssh *s = arg;
	ssh_buf_add(&s->in, data, len);
	arrived(s, data, len);
	ssh_kick(s);
	if (!wants_bytes(s))
		ssh_channel_pause(s->link, true);
}

static void link_room(void *arg)
{
	ssh_kick(arg);
}

static void link_exit(void *arg, const struct ssh_exit *x)
{
	struct ssh *s = arg;
	s->link = NULL;
	if (x->err)
		s->broken = *x->err;
	else
		err_set(&s->broken, ERR_NETWORK, "the jump host closed the connection");
	err_wrap(&s->broken, "through %s", ssh_name(s->via));
	ssh_kick(s);
}

static void begin(void *arg)
{
	struct ssh *s = arg;
	struct err err = {.code = ERR_NONE};
	s->kick_timer = 0;
	s->busy++;
	if (s->via) {
		const struct ssh_channel_handlers h = {link_out, link_room, link_exit, s};
		s->fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		s->link = ssh_dial(s->via, s->t->host, s->t->port, &h, &err);
		if (!s->link || start_session(s, &err))
			ssh_fail(s, &err);
	} else {
		enter(s, SSH_FINDING);
		s->resolver = ssh_resolve(s, on_found, &err);
		if (err.code)
			ssh_fail(s, &err);
	}
	leave(s);
}

/* ---- opening and ending ------------------------------------------------------------------------------------------- */

void ssh_target_complete(struct ssh_target *t)
{
	if (!t->port)
		t->port = 22;
	if (!t->user) {
		const struct passwd *pw = getpwuid(getuid());
		t->user = xstrdup(pw ? pw->pw_name : "root");
	}
	if (!t->known_hosts_path)
		t->known_hosts_path = home_path(HOME_DATA, "known_hosts");
	if (!t->pin) {
		t->pin = xasprintf("%s:%d", t->host, t->port);
		for (char *p = t->pin; *p; p++)
			*p = (char)tolower((unsigned char)*p);
	}
	if (!t->connect_timeout_ms)
		t->connect_timeout_ms = CONNECT_MS;
	if (!t->idle_timeout_ms)
		t->idle_timeout_ms = IDLE_MS;
}

struct ssh *ssh_open(
    struct loop *l, const struct ssh_target *target, struct ssh *via, const struct ssh_handlers *h, struct err *err)
{
	struct ssh_lib lib;
	if (!target->host || !target->host[0]) {
		err_set(err, ERR_INVALID, "ssh: no host is named");
		return NULL;
	}
	if (ssh_lib_open(&lib, err))
		return NULL;
	struct ssh *s = xcalloc(1, sizeof *s);
	*s = (struct ssh){.loop = l, .lib = lib, .fd = -1, .via = via, .t = ssh_target_copy(target), .hello = str_new(SSH_HELLO_MAX)};
	if (h)
		s->h = *h;
	ssh_target_complete(s->t);
	s->name = xasprintf("%s@%s:%d", s->t->user, s->t->host, s->t->port);
	if (!via && s->t->jump) {
		s->own_via = true;
		s->via = ssh_open(l, s->t->jump, NULL, NULL, err);
		if (!s->via) {
			free_all(s);
			return NULL;
		}
	}
	s->received_at_ms = mono_now_ms();
	s->kick_timer = loop_after(l, 0, begin, s);
	return s;
}

static void free_session(struct ssh *s)
{
	if (!s->session)
		return;
	/* From here on libssh2 reads the end of the stream and writes to nowhere, so that freeing never waits. */
	if (!s->broken.code)
		err_set(&s->broken, ERR_CANCELLED, "closed");
	s->in.len = 0;
	for (int i = 0; i < 1000 && s->lib.session_free(s->session) == LIBSSH2_ERROR_EAGAIN; i++)
		continue;
}

static void free_all(struct ssh *s)
{
	loop_cancel(s->loop, s->kick_timer);
	loop_cancel(s->loop, s->phase_timer);
	loop_cancel(s->loop, s->idle_timer);
	ssh_resolve_cancel(s->resolver);
	ssh_reach_end(s->reach);
	ssh_channels_free(s);
	ssh_auth_free(s->auth);
	free_session(s);
	if (s->link)
		ssh_channel_kill(s->link);
	if (s->own_via)
		ssh_destroy(s->via);
	if (s->fd >= 0) {
		loop_watch(s->loop, s->fd, 0, NULL, NULL);
		close(s->fd);
	}
	free(s->in.data);
	free(s->out.data);
	str_free(&s->hello);
	ssh_target_free(s->t);
	free(s->name);
	free(s);
}

void ssh_destroy(struct ssh *s)
{
	if (!s)
		return;
	s->destroyed = true;
	if (!s->busy)
		free_all(s);
}
