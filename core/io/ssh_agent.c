/* A client for ssh-agent that never blocks: libssh2's own writes and reads the socket synchronously, and an agent may well ask a
 * person, or a card, before it answers. Secrets stay in the agent: we see public halves and signatures. */
#include "core/io/ssh_agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"

enum { ASK_KEYS = 11, KEYS = 12, ASK_SIGNATURE = 13, SIGNATURE = 14, REQUEST_MAX = 64 << 10 };

struct ssh_agent {
	struct loop *loop;
	int fd;
	loop_timer_fn *fn;
	void *arg;
	unsigned timer;
	int64_t time_ms;
	enum ssh_agent_state state;
	struct str request, reply;
	size_t sent;
	struct err err;
};

struct ssh_agent *ssh_agent_open(struct loop *l, const char *path, loop_timer_fn *fn, void *arg, struct err *err)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	size_t n = strlen(path);
	if (n >= sizeof sa.sun_path) {
		err_set(err, ERR_INVALID, "the ssh-agent's path is too long: %s", path);
		return NULL;
	}
	memcpy(sa.sun_path, path, n + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd >= 0) {
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		fcntl(fd, F_SETFL, O_NONBLOCK);
	}
	/* EAGAIN: its queue is full; a UNIX socket is connected at once or not at all. */
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof sa)) {
		err_errno(err, "no ssh-agent answers at %s", path);
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	struct ssh_agent *a = xcalloc(1, sizeof *a);
	*a = (struct ssh_agent){.loop = l, .fd = fd, .fn = fn, .arg = arg, .request = str_new(REQUEST_MAX),
	    .reply = str_new(SSH_AGENT_REPLY_MAX + 4)};
	return a;
}

void ssh_agent_close(struct ssh_agent *a)
{
	if (!a)
		return;
	loop_cancel(a->loop, a->timer);
	loop_watch(a->loop, a->fd, 0, NULL, NULL);
	close(a->fd);
	str_free(&a->request);
	str_free(&a->reply);
	free(a);
}

static void settle(struct ssh_agent *a, enum ssh_agent_state state)
{
	a->state = state;
	loop_cancel(a->loop, a->timer);
	a->timer = 0;
	loop_watch(a->loop, a->fd, 0, NULL, NULL);
	a->fn(a->arg);
}

static void fail(struct ssh_agent *a, enum err_code code, const char *text)
{
	err_set(&a->err, code, "%s", text);
	settle(a, SSH_AGENT_FAILED);
}

static void on_time(void *arg)
{
	struct ssh_agent *a = arg;
	char d[24];
	a->timer = 0;
	err_set(&a->err, ERR_TIMEOUT, "the ssh-agent did not answer within %s", duration_text(a->time_ms, d, sizeof d));
	settle(a, SSH_AGENT_FAILED);
}

/* The whole reply is there? A length that is too large is a failure, not a wait. */
static void look(struct ssh_agent *a)
{
	struct ssh_wire w = ssh_wire_of(str_text(&a->reply), a->reply.len);
	uint32_t n;
	if (!ssh_wire_u32(&w, &n))
		return;
	if (!n || n > SSH_AGENT_REPLY_MAX || w.left > n)
		fail(a, ERR_PROTOCOL, "what answers for the ssh-agent is none");
	else if (w.left == n)
		settle(a, SSH_AGENT_ANSWERED);
}

static void on_socket(int fd, int events, void *arg)
{
	struct ssh_agent *a = arg;
	char buf[4096];
	if (events & LOOP_OUT) {
		ssize_t n = write(fd, a->request.data + a->sent, a->request.len - a->sent);
		if (n < 0 && errno != EAGAIN && errno != EINTR) {
			fail(a, ERR_IO, "the ssh-agent hung up");
			return;
		}
		a->sent += n > 0 ? (size_t)n : 0;
		if (a->sent == a->request.len)
			loop_watch(a->loop, fd, LOOP_IN, on_socket, a);
		return;
	}
	ssize_t n = read(fd, buf, sizeof buf);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		fail(a, ERR_IO, "the ssh-agent hung up");
		return;
	}
	str_addn(&a->reply, buf, (size_t)n);
	look(a);
}

/* The length comes first, so the place for it is filled in at the end. */
static void begin(struct ssh_agent *a, char type)
{
	str_clear(&a->request);
	str_clear(&a->reply);
	ssh_wire_add_u32(&a->request, 0);
	str_addc(&a->request, type);
}

static void send_it(struct ssh_agent *a, int64_t time_ms)
{
	if (a->state == SSH_AGENT_FAILED)
		return;
	uint32_t n = (uint32_t)a->request.len - 4;
	for (int i = 0; i < 4; i++)
		a->request.data[i] = (char)(n >> (24 - 8 * i) & 255);
	a->sent = 0;
	a->state = SSH_AGENT_ASKED;
	a->time_ms = time_ms;
	a->timer = loop_after(a->loop, time_ms, on_time, a);
	loop_watch(a->loop, a->fd, LOOP_OUT, on_socket, a);
}

void ssh_agent_ask_keys(struct ssh_agent *a, int64_t time_ms)
{
	begin(a, ASK_KEYS);
	send_it(a, time_ms);
}

void ssh_agent_ask_signature(struct ssh_agent *a, struct ssh_wire blob, struct ssh_wire data, uint32_t flags, int64_t time_ms)
{
	begin(a, ASK_SIGNATURE);
	ssh_wire_add_string(&a->request, blob.p, blob.left);
	ssh_wire_add_string(&a->request, data.p, data.left);
	ssh_wire_add_u32(&a->request, flags);
	send_it(a, time_ms);
}

enum ssh_agent_state ssh_agent_state(const struct ssh_agent *a)
{
	return a->state;
}

struct ssh_wire ssh_agent_answer(const struct ssh_agent *a)
{
	size_t n = a->state == SSH_AGENT_ANSWERED ? a->reply.len - 4 : 0;
	return ssh_wire_of(n ? a->reply.data + 4 : "", n);
}

const struct err *ssh_agent_error(const struct ssh_agent *a)
{
	return &a->err;
}

static bool is_kind(struct ssh_wire *w, unsigned char type)
{
	if (!w->left || *w->p != type)
		return false;
	w->p++;
	w->left--;
	return true;
}

int ssh_agent_keys(struct ssh_wire w, struct ssh_agent_key *out, int max)
{
	uint32_t told;
	int n = 0;
	if (!is_kind(&w, KEYS) || !ssh_wire_u32(&w, &told))
		return -1;
	for (uint32_t i = 0; i < told && n < max; i++, n++)
		if (!ssh_wire_string(&w, &out[n].blob) || !ssh_wire_string(&w, &out[n].comment))
			break;
	return n;
}

int ssh_agent_signature(struct ssh_wire w, struct ssh_wire *algorithm, struct ssh_wire *body, struct ssh_wire *rest)
{
	struct ssh_wire whole;
	if (!is_kind(&w, SIGNATURE) || !ssh_wire_string(&w, &whole) || !ssh_wire_string(&whole, algorithm) || !ssh_wire_string(&whole, body))
		return -1;
	*rest = whole;
	return 0;
}
