/* A TCP connection to whichever of a name's addresses answers first: a host with several may have one that swallows all it is sent
 * (IPv6 where there is no way for it, most often), and waiting for that to time out would use up the time of the others. So the next
 * one is tried after a moment, beside those before it, or at once when they refused (RFC 8305). */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/io/ssh_priv.h"

enum { NEXT_AFTER_MS = 250 };

struct ssh_reach {
	struct loop *loop;
	struct ssh_address to[SSH_ADDRESSES_MAX];
	int fds[SSH_ADDRESSES_MAX]; /* -1: not tried, or it failed */
	int n, next, open;
	unsigned timer;
	char error[160];
	ssh_reached_fn *fn;
	void *arg;
};

static void try_next(void *arg);

static void close_one(struct ssh_reach *r, int i)
{
	loop_watch(r->loop, r->fds[i], 0, NULL, NULL);
	close(r->fds[i]);
	r->fds[i] = -1;
	r->open--;
}

static void failed(struct ssh_reach *r, int error)
{
	snprintf(r->error, sizeof r->error, "%s", strerror(error));
}

static void on_connected(int fd, int events, void *arg)
{
	(void)events;
	struct ssh_reach *r = arg;
	int i = 0, e = 0;
	socklen_t len = sizeof e;
	while (r->fds[i] != fd)
		i++;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &len))
		e = errno;
	if (e) {
		failed(r, e);
		close_one(r, i);
		try_next(r);
		return;
	}
	loop_watch(r->loop, fd, 0, NULL, NULL);
	r->fds[i] = -1;
	r->open--;
	r->fn(r->arg, fd);
}

static int start(struct ssh_reach *r, int i)
{
	int on = 1, fd = socket(r->to[i].at.ss_family, SOCK_STREAM, 0);
	if (fd < 0)
		return -1;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (connect(fd, (const struct sockaddr *)&r->to[i].at, r->to[i].len) && errno != EINPROGRESS) {
		int e = errno;
		close(fd);
		errno = e;
		return -1;
	}
	loop_watch(r->loop, fd, LOOP_OUT, on_connected, r);
	return fd;
}

static void try_next(void *arg)
{
	struct ssh_reach *r = arg;
	loop_cancel(r->loop, r->timer);
	r->timer = 0;
	while (r->next < r->n) {
		int i = r->next++;
		r->fds[i] = start(r, i);
		if (r->fds[i] >= 0) {
			r->open++;
			r->timer = r->next < r->n ? loop_after(r->loop, NEXT_AFTER_MS, try_next, r) : 0;
			return;
		}
		failed(r, errno);
	}
	if (!r->open)
		r->fn(r->arg, -1);
}

struct ssh_reach *ssh_reach(struct loop *l, const struct ssh_address *to, int n, ssh_reached_fn *fn, void *arg)
{
	struct ssh_reach *r = xcalloc(1, sizeof *r);
	*r = (struct ssh_reach){.loop = l, .n = n, .fn = fn, .arg = arg};
	for (int i = 0; i < n; i++) {
		r->to[i] = to[i];
		r->fds[i] = -1;
	}
	r->timer = loop_after(l, 0, try_next, r);
	return r;
}

const char *ssh_reach_error(const struct ssh_reach *r)
{
	return r->error;
}

void ssh_reach_end(struct ssh_reach *r)
{
	if (!r)
		return;
	loop_cancel(r->loop, r->timer);
	for (int i = 0; i < r->n; i++)
		if (r->fds[i] >= 0)
			close_one(r, i);
	free(r);
}
