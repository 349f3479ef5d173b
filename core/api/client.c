/* Connecting, and calls that wait. The race of two clients that find no engine is settled by a lock: the one that gets it looks again before
 * it starts one, the other waits and then finds it. */
#include "core/api/client.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/api/protocol.h"
#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"

enum { START_MS = 10000, HELLO_MS = 5000, POLL_MS = 20, LOG_TAIL = 600 };

char *client_self(void)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
	if (n <= 0)
		return xstrdup("skytop");
	path[n] = '\0';
	return xstrdup(path);
}

/* The end of engine.log, for the message when the engine did not come up. */
static char *log_tail(void)
{
	char *path = home_path(HOME_STATE, "engine.log");
	size_t len;
	char *text = fs_read(path, 16 << 20, &len, NULL);
	free(path);
	if (!text)
		return xstrdup("(no log)");
	size_t from = len > LOG_TAIL ? len - LOG_TAIL : 0;
	char *tail = xstrdup(text + from);
	free(text);
	return tail;
}

static int lock_start(struct err *err)
{
	char *dir = home_path(HOME_RUNTIME, ""), *path = home_path(HOME_RUNTIME, "start.lock");
	int fd = fs_mkdirs(dir, err) ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 && fs_is_dir(dir))
		err_errno(err, "cannot open %s", path);
	int64_t end = mono_now_ms() + START_MS;
	while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB)) {
		if (mono_now_ms() > end) {
			err_set(err, ERR_TIMEOUT, "another skytop has been starting the engine for %d s", START_MS / 1000);
			close(fd);
			fd = -1;
			break;
		}
		usleep(POLL_MS * 1000);
	}
	free(dir);
	free(path);
	return fd;
}

/* Start `self engine` and wait for its word that the socket is open. */
static int start_engine(const char *self, struct err *err)
{
	int ready[2];
	if (pipe(ready))
		return err_errno(err, "cannot start the engine");
	fcntl(ready[0], F_SETFD, FD_CLOEXEC);
	pid_t pid = fork();
	if (!pid) {
		char fd[16];
		close(ready[0]);
		snprintf(fd, sizeof fd, "%d", ready[1]);
		if (fork()) /* an orphan: nobody has to reap it */
			_exit(0);
		execl(self, self, "engine", "--ready-fd", fd, (char *)NULL);
		_exit(127);
	}
	close(ready[1]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	struct pollfd p = {.fd = ready[0], .events = POLLIN};
	char c = 0;
	bool up = pid > 0 && poll(&p, 1, START_MS) > 0 && read(ready[0], &c, 1) == 1;
	close(ready[0]);
	if (up)
		return 0;
	char *tail = log_tail();
	err_set(err, ERR_FAILED, "the engine did not come up. The end of its log:\n%s", tail);
	free(tail);
	return -1;
}

/* Until its lock is free: it holds it until its state is closed. (Another engine may take it at once, which then answers.) */
static int await_unlock(int64_t end_ms, struct err *err)
{
	char *path = home_path(HOME_RUNTIME, "engine.lock"), *socket = api_socket_path();
	int lock = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW), rc = 0;
	while (!rc && lock >= 0 && flock(lock, LOCK_EX | LOCK_NB)) {
		int fd = unix_connect(socket, NULL);
		if (fd >= 0) {
			close(fd);
			break;
		}
		if (mono_now_ms() > end_ms)
			rc = err_set(err, ERR_TIMEOUT, "the engine did not leave in time");
		usleep(POLL_MS * 1000);
	}
	if (lock >= 0)
		close(lock);
	free(socket);
	free(path);
	return rc;
}

/* Ours did not come up: perhaps one that had died was started again meanwhile, has the lock, and is about to open its socket. */
static int connect_to_other(const char *path)
{
	struct err ignored;
	return await_unlock(mono_now_ms() + START_MS, &ignored) ? -1 : unix_connect(path, NULL);
}

int client_connect(const char *self, bool start, struct err *err)
{
	char *path = api_socket_path();
	int fd = unix_connect(path, err);
	if (fd < 0 && err->code == ERR_NOT_FOUND) {
		if (!start) {
			err_set(err, ERR_NOT_FOUND, "no engine is running");
		} else {
			int lock = lock_start(err);
			if (lock >= 0) {
				fd = unix_connect(path, err);
				if (fd < 0 && err->code == ERR_NOT_FOUND)
					fd = start_engine(self, err) ? connect_to_other(path) : unix_connect(path, err);
				close(lock);
			}
		}
	}
	free(path);
	return fd;
}

/* Until the engine behind fd hangs up. */
static int await_hangup(int fd, int64_t end_ms, struct err *err)
{
	char said[4096];
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int64_t left = end_ms - mono_now_ms();
		if (left <= 0)
			return err_set(err, ERR_TIMEOUT, "the engine did not leave in time");
		if (poll(&p, 1, (int)left) > 0 && read(fd, said, sizeof said) <= 0)
			return 0;
	}
}

int client_stop_engine(const char *self, int64_t within_ms, struct err *err)
{
	static const char bye[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"shutdown\"}\n";
	int64_t end = mono_now_ms() + within_ms;
	int fd = client_connect(self, false, err);
	if (fd < 0)
		return -1;
	int rc = send(fd, bye, sizeof bye - 1, MSG_NOSIGNAL) < 0 ? err_errno(err, "cannot speak to the engine") : await_hangup(fd, end, err);
	close(fd);
	return rc ? rc : await_unlock(end, err);
}

struct client {
	struct loop *loop;
	struct rpc *rpc;
	void (*fn)(void *arg, const char *method, const json_t *params);
	void *arg;
	json_t *held;  /* [method, params] of what came on the heels of a reply, for after whoever asked has read that */
	bool answered; /* such a reply is on its way to them */
	bool gone, interruptible, interrupted;
};

struct waiting {
	struct client *client;
	bool done;
	json_t *result;
	struct err err;
};

static void on_call(void *arg, struct rpc *rpc, const json_t *id, const char *method, const json_t *params)
{
	struct client *c = arg;
	(void)rpc;
	if (!id && c->answered)
		json_array_append_new(c->held, json_pack("[s, O?]", method, params));
	else if (!id && c->fn)
		c->fn(c->arg, method, params);
}

static void tell_held(struct client *c)
{
	json_t *held = c->held, *notice;
	size_t i;
	c->held = json_array();
	c->answered = false;
	json_array_foreach(held, i, notice)
		if (c->fn)
			c->fn(c->arg, json_string_value(json_array_get(notice, 0)), json_array_get(notice, 1));
	json_decref(held);
}

static void on_closed(void *arg, struct rpc *rpc)
{
	struct client *c = arg;
	(void)rpc;
	c->gone = true;
	c->rpc = NULL;
}

static void on_reply(void *arg, const json_t *result, const struct err *err)
{
	struct waiting *w = arg;
	w->done = w->client->answered = true;
	if (err)
		w->err = *err;
	else
		w->result = json_incref((json_t *)(uintptr_t)result);
}

static struct client *open_once(const char *self, bool start, struct err *err)
{
	int fd = client_connect(self, start, err);
	if (fd < 0)
		return NULL;
	struct client *c = xcalloc(1, sizeof *c);
	c->loop = loop_create();
	c->held = json_array();
	c->rpc = rpc_create(c->loop, fd, &(struct rpc_handlers){on_call, on_closed, c});
	json_t *hello = client_call(c, "hello", json_pack("{s:i, s:s}", "protocol", API_PROTOCOL, "build", api_build()), HELLO_MS, err);
	if (!hello) {
		client_close(c);
		return NULL;
	}
	json_decref(hello);
	return c;
}

struct client *client_open(const char *self, bool start, struct err *err)
{
	struct client *c = open_once(self, start, err);
	/* It was just leaving, or died: what it said to us went nowhere, so asking the next one does no harm. */
	for (int i = 0; !c && start && err->code == ERR_NETWORK && i < 3; i++) {
		usleep(50000);
		c = open_once(self, start, err);
	}
	return c;
}

void client_close(struct client *c)
{
	if (!c)
		return;
	rpc_destroy(c->rpc);
	loop_destroy(c->loop);
	json_decref(c->held);
	free(c);
}

void client_listen(struct client *c, void (*fn)(void *arg, const char *method, const json_t *params), void *arg)
{
	json_array_clear(c->held);
	c->fn = fn;
	c->arg = arg;
}

json_t *client_call(struct client *c, const char *method, json_t *params, int64_t timeout_ms, struct err *err)
{
	struct waiting w = {.client = c};
	tell_held(c);
	if (!c->rpc) {
		json_decref(params);
		err_set(err, ERR_NETWORK, "the engine is gone");
		return NULL;
	}
	rpc_call(c->rpc, method, params, timeout_ms, on_reply, &w);
	while (!w.done && !c->interrupted)
		loop_step(c->loop, -1);
	if (!w.done) {
		/* w is about to leave: its call must not come back to it. */
		rpc_destroy(c->rpc);
		c->rpc = NULL;
		err_set(err, ERR_CANCELLED, "interrupted");
		return NULL;
	}
	if (!w.result)
		*err = w.err;
	return w.result;
}

int client_turn(struct client *c, int64_t ms, struct err *err)
{
	bool held = json_array_size(c->held) > 0;
	tell_held(c);
	if (!c->gone && !held)
		loop_step(c->loop, ms > INT32_MAX ? INT32_MAX : (int)ms);
	return c->gone ? err_set(err, ERR_NETWORK, "the engine is gone") : 0;
}

static void on_interrupt(int signo, void *arg)
{
	(void)signo;
	((struct client *)arg)->interrupted = true;
}

void client_interruptible(struct client *c)
{
	c->interruptible = true;
	loop_signal(c->loop, SIGINT, on_interrupt, c);
}

bool client_interrupted(const struct client *c)
{
	return c->interrupted;
}
