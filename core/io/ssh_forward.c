/* Port forwards. Each connection is a socket of ours and a dialled channel with a little memory between them; a connection that breaks
 * is reset, so that who reads from it never takes half an answer for a whole one.
 *
 * Invariants: a pipe is in its forward's list from accept to drop; after drop nothing is called for it; what waits for the socket is
 * at most PIPE_MAX and what the channel hands over at once. */
#include "core/io/ssh_forward.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/io/rpc.h"
#include "core/io/ssh_priv.h"

enum { PIPE_MAX = 256 << 10, PIECE = 32 << 10, QUEUE = 64, PAUSE_MS = 200 };

struct pipe {
	struct ssh_forward *f;
	struct pipe *next;
	int fd;
	struct ssh_channel *c; /* NULL: over there it is over */
	struct ssh_buf out;    /* for the socket */
	bool fd_ended, far_ended, shut;
};

struct ssh_forward {
	struct loop *loop;
	struct ssh *ssh;
	int fd, port, host_port, n, most;
	char *host, *path;
	unsigned timer;
	struct pipe *pipes;
	char error[300];
};

static void listen_again(struct ssh_forward *f);
static void watch(struct pipe *p);

static void drop(struct pipe *p, bool broken)
{
	struct ssh_forward *f = p->f;
	struct pipe **at = &f->pipes;
	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	f->n--;
	const struct linger reset = {.l_onoff = 1};
	if (broken)
		setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
	loop_watch(f->loop, p->fd, 0, NULL, NULL);
	close(p->fd);
	ssh_channel_kill(p->c);
	free(p->out.data);
	free(p);
	listen_again(f);
}

/* As much as the socket takes. False: the pipe is gone. */
static bool drain(struct pipe *p)
{
	while (p->out.len) {
		ssize_t n = send(p->fd, ssh_buf_at(&p->out), p->out.len, MSG_NOSIGNAL);
		if (n > 0) {
			ssh_buf_take(&p->out, (size_t)n);
		} else if (errno == EAGAIN) {
			break;
		} else if (errno != EINTR) {
			drop(p, true);
			return false;
		}
	}
	if (!p->out.len && p->far_ended && !p->shut) {
		p->shut = true;
		shutdown(p->fd, SHUT_WR);
	}
	if (!p->out.len && !p->c) {
		drop(p, false);
		return false;
	}
	if (p->c)
		ssh_channel_pause(p->c, p->out.len > PIPE_MAX);
	watch(p);
	return true;
}

static void on_fd(int fd, int events, void *arg)
{
	struct pipe *p = arg;
	char buf[PIECE];
	if ((events & LOOP_OUT || p->fd_ended || !p->c) && !drain(p))
		return;
	size_t room = p->c && !p->fd_ended ? ssh_channel_room(p->c) : 0;
	if (!room)
		return;
	ssize_t n = read(fd, buf, room < sizeof buf ? room : sizeof buf);
	if (n > 0) {
		ssh_channel_write(p->c, buf, (size_t)n);
	} else if (!n) {
		p->fd_ended = true;
		ssh_channel_eof(p->c);
	} else if (errno != EAGAIN && errno != EINTR) {
		drop(p, true);
		return;
	}
	watch(p);
}

static void watch(struct pipe *p)
{
	bool reads = p->c && !p->fd_ended && ssh_channel_room(p->c) > 0;
	loop_watch(p->f->loop, p->fd, (reads ? LOOP_IN : 0) | (p->out.len ? LOOP_OUT : 0), on_fd, p);
}

static void far_out(void *arg, bool is_err, const char *data, size_t len)
{
	(void)is_err;
	struct pipe *p = arg;
	ssh_buf_add(&p->out, data, len);
	drain(p);
}

static void far_room(void *arg)
{
	watch(arg);
}

static void far_eof(void *arg)
{
	struct pipe *p = arg;
	p->far_ended = true;
	drain(p);
}

static void far_exit(void *arg, const struct ssh_exit *x)
{
	struct pipe *p = arg;
	p->c = NULL;
	if (x->how == SSH_LOST) {
		snprintf(p->f->error, sizeof p->f->error, "%s", x->err->text);
		drop(p, true);
		return;
	}
	p->far_ended = true;
	drain(p);
}

static void take(struct ssh_forward *f, int fd)
{
	struct err e = {.code = ERR_NONE};
	int on = 1;
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	struct pipe *p = xcalloc(1, sizeof *p);
	*p = (struct pipe){.f = f, .next = f->pipes, .fd = fd};
	f->pipes = p;
	f->n++;
	const struct ssh_channel_handlers h = {.out = far_out, .room = far_room, .exit = far_exit, .arg = p};
	if (!f->ssh)
		err_set(&e, ERR_NETWORK, "there is no connection to the host just now");
	else
		p->c = ssh_dial(f->ssh, f->host, f->host_port, &h, &e);
	if (p->c) {
		ssh_channel_halves(p->c, far_eof);
		watch(p);
		return;
	}
	snprintf(f->error, sizeof f->error, "%s", e.text);
	drop(p, true);
}

static void on_timer(void *arg)
{
	struct ssh_forward *f = arg;
	f->timer = 0;
	listen_again(f);
}

static void on_listener(int fd, int events, void *arg)
{
	(void)events;
	struct ssh_forward *f = arg;
	int peer = accept(fd, NULL, NULL);
	if (peer >= 0)
		take(f, peer);
	else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED && !f->timer)
		f->timer = loop_after(f->loop, PAUSE_MS, on_timer, f); /* no descriptors are left, say */
	listen_again(f);
}

static void listen_again(struct ssh_forward *f)
{
	loop_watch(f->loop, f->fd, f->n < f->most && !f->timer ? LOOP_IN : 0, on_listener, f);
}

static int listen_tcp(int port, struct err *err)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	if (fd < 0)
		return err_errno(err, "cannot listen on port %d", port);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	if (!bind(fd, (struct sockaddr *)&a, sizeof a) && !listen(fd, QUEUE))
		return fd;
	err_errno(err, "cannot listen on port %d of this machine", port);
	close(fd);
	return -1;
}

struct ssh_forward *ssh_forward_open(struct loop *l, const struct ssh_forward_spec *spec, struct err *err)
{
	if (spec->port < 0 || spec->port > 65535 || spec->host_port < 1 || spec->host_port > 65535 || !spec->host || !spec->host[0]) {
		err_set(err, ERR_INVALID, "a forward needs a host, and ports from 1 to 65535");
		return NULL;
	}
	int fd = spec->path ? unix_listen(spec->path, err) : listen_tcp(spec->port, err);
	if (fd < 0)
		return NULL;
	struct sockaddr_in a = {.sin_port = 0};
	socklen_t len = sizeof a;
	if (!spec->path)
		getsockname(fd, (struct sockaddr *)&a, &len);
	struct ssh_forward *f = xcalloc(1, sizeof *f);
	*f = (struct ssh_forward){.loop = l, .fd = fd, .port = ntohs(a.sin_port), .host = xstrdup(spec->host), .host_port = spec->host_port,
	    .path = xstrdup(spec->path), .most = spec->connections > 0 ? spec->connections : SSH_FORWARD_CONNECTIONS};
	listen_again(f);
	return f;
}

static void break_off(struct ssh_forward *f)
{
	while (f->pipes)
		drop(f->pipes, true);
}

void ssh_forward_use(struct ssh_forward *f, struct ssh *s)
{
	if (s != f->ssh)
		break_off(f);
	f->ssh = s;
	f->error[0] = '\0';
}

void ssh_forward_close(struct ssh_forward *f)
{
	if (!f)
		return;
	break_off(f);
	loop_cancel(f->loop, f->timer);
	loop_watch(f->loop, f->fd, 0, NULL, NULL);
	close(f->fd);
	if (f->path)
		unlink(f->path);
	free(f->path);
	free(f->host);
	free(f);
}

int ssh_forward_port(const struct ssh_forward *f)
{
	return f->port;
}

const char *ssh_forward_error(const struct ssh_forward *f)
{
	return f->error;
}
