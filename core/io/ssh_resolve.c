/* Names to addresses without blocking: getaddrinfo may take half a minute, so it runs in a child that lives as long as the
 * question. The child holds none of our descriptors, so that a lock or a listening socket is never kept by it. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/io/proc.h"
#include "core/io/ssh_priv.h"

struct ssh_resolver {
	struct ssh *s;
	ssh_resolved_fn *fn;
	pid_t pid;
	int fd;
	struct str reply;
};

/* On the pipe: an int (getaddrinfo's code), then the addresses. */
static int look_up(const char *host, int port, int flags, struct ssh_address *out, int *n)
{
	char service[16];
	snprintf(service, sizeof service, "%d", port);
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV}, *list;
	int rc = getaddrinfo(host, service, &hints, &list);
	*n = 0;
	if (rc)
		return rc;
	for (struct addrinfo *a = list; a && *n < SSH_ADDRESSES_MAX; a = a->ai_next) {
		if (a->ai_addrlen > sizeof out[0].at)
			continue;
		memset(&out[*n], 0, sizeof out[*n]);
		out[*n].len = a->ai_addrlen;
		memcpy(&out[(*n)++].at, a->ai_addr, a->ai_addrlen);
	}
	freeaddrinfo(list);
	return 0;
}

static void child(const char *host, int port, int out)
{
	proc_child_alone(out, 3);
	struct ssh_address a[SSH_ADDRESSES_MAX];
	int n, rc = look_up(host, port, 0, a, &n);
	ssize_t w = write(3, &rc, sizeof rc);
	w += write(3, a, (size_t)n * sizeof a[0]);
	_exit(w < 0);
}

static void on_child(pid_t pid, int status, void *arg)
{
	(void)pid;
	(void)status;
	((struct ssh_resolver *)arg)->pid = 0;
}

static void answered(struct ssh_resolver *r)
{
	struct err e = {.code = ERR_NONE};
	struct ssh *s = r->s;
	int rc = EAI_FAIL;
	struct ssh_address a[SSH_ADDRESSES_MAX];
	if (r->reply.len >= sizeof rc)
		memcpy(&rc, r->reply.data, sizeof rc);
	size_t n = rc ? 0 : (r->reply.len - sizeof rc) / sizeof a[0];
	if (n)
		memcpy(a, r->reply.data + sizeof rc, n * sizeof a[0]);
	if (!n)
		err_set(&e, rc == EAI_NONAME ? ERR_NOT_FOUND : ERR_NETWORK, "no address for the name %s: %s", s->t->host,
		    gai_strerror(rc));
	ssh_resolved_fn *fn = r->fn;
	s->resolver = NULL;
	ssh_resolve_cancel(r);
	fn(s, a, (int)n, n ? NULL : &e);
}

static void on_reply(int fd, int events, void *arg)
{
	(void)events;
	struct ssh_resolver *r = arg;
	char buf[4096];
	ssize_t n = read(fd, buf, sizeof buf);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		str_addn(&r->reply, buf, (size_t)n);
	else
		answered(r);
}

struct ssh_resolver *ssh_resolve(struct ssh *s, ssh_resolved_fn *fn, struct err *err)
{
	struct ssh_address a[SSH_ADDRESSES_MAX];
	int n, fds[2];
	if (!look_up(s->t->host, s->t->port, AI_NUMERICHOST, a, &n)) {
		fn(s, a, n, NULL);
		return NULL;
	}
	if (pipe(fds)) {
		err_errno(err, "cannot look up %s", s->t->host);
		return NULL;
	}
	pid_t pid = fork();
	if (!pid)
		child(s->t->host, s->t->port, fds[1]);
	close(fds[1]);
	if (pid < 0) {
		err_errno(err, "cannot look up %s", s->t->host);
		close(fds[0]);
		return NULL;
	}
	fcntl(fds[0], F_SETFD, FD_CLOEXEC);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	struct ssh_resolver *r = xcalloc(1, sizeof *r);
	*r = (struct ssh_resolver){s, fn, pid, fds[0], str_new(sizeof(int) + sizeof a)};
	loop_watch(s->loop, r->fd, LOOP_IN, on_reply, r);
	loop_child(s->loop, pid, on_child, r);
	return r;
}

void ssh_resolve_cancel(struct ssh_resolver *r)
{
	if (!r)
		return;
	loop_watch(r->s->loop, r->fd, 0, NULL, NULL);
	close(r->fd);
	if (r->pid) {
		loop_child_cancel(r->s->loop, r->pid);
		kill(r->pid, SIGKILL);
		waitpid(r->pid, NULL, 0);
	}
	str_free(&r->reply);
	free(r);
}
