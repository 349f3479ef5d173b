/* JSON-RPC 2.0, one object a line. Input has a maximum line; output a maximum backlog, past which the peer is dropped: a
 * client that stops reading must not grow the engine. */
#include "core/io/rpc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/trace.h"

struct pending {
	struct rpc *rpc;
	struct pending *next;
	int64_t id;
	unsigned timer;
	rpc_reply_fn *fn;
	void *arg;
};

struct rpc {
	struct loop *loop;
	struct rpc_handlers h;
	int fd;
	struct str in, out;
	size_t scanned; /* bytes of `in` known to hold no newline */
	struct pending *pending;
	int64_t next_id;
	unsigned closer;
	int depth; /* inside a callback: destruction is put off */
	bool dead;
};

static void fail_pending(struct rpc *r, const struct err *err)
{
	while (r->pending) {
		struct pending *p = r->pending;
		r->pending = p->next;
		loop_cancel(r->loop, p->timer);
		p->fn(p->arg, NULL, err);
		free(p);
	}
}

static void release(struct rpc *r)
{
	while (r->pending) {
		struct pending *p = r->pending;
		r->pending = p->next;
		loop_cancel(r->loop, p->timer);
		free(p);
	}
	str_free(&r->in);
	str_free(&r->out);
	free(r);
}

static void disconnect(struct rpc *r)
{
	if (r->fd < 0)
		return;
	loop_watch(r->loop, r->fd, 0, NULL, NULL);
	close(r->fd);
	r->fd = -1;
}

/* The other side is gone: tell everyone, from the loop and not from inside somebody's rpc_notify. */
static void on_closed(void *arg)
{
	struct rpc *r = arg;
	r->closer = 0;
	struct err err;
	err_set(&err, ERR_NETWORK, "the connection was closed by the other side");
	r->depth++;
	fail_pending(r, &err);
	if (!r->dead && r->h.closed)
		r->h.closed(r->h.arg, r);
	r->depth--;
	release(r);
}

static void hang_up(struct rpc *r)
{
	disconnect(r);
	if (!r->closer && !r->dead)
		r->closer = loop_after(r->loop, 0, on_closed, r);
}

static void on_socket(int fd, int events, void *arg);

static void flush(struct rpc *r)
{
	size_t done = 0;
	while (r->fd >= 0 && done < r->out.len) {
		ssize_t n = send(r->fd, r->out.data + done, r->out.len - done, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			hang_up(r);
		if (n < 0)
			break;
		done += (size_t)n;
	}
	str_shift(&r->out, done);
	if (r->fd >= 0)
		loop_watch(r->loop, r->fd, LOOP_IN | (r->out.len ? LOOP_OUT : 0), on_socket, r);
}

static void send_json(struct rpc *r, json_t *msg)
{
	trace_json("rpc out", msg);
	if (r->fd >= 0) {
		char *text = json_text(msg);
		str_add(&r->out, text);
		str_addc(&r->out, '\n');
		free(text);
		if (r->out.full) {
			log_line(LOG_WARN, "rpc: a peer does not read; dropped at %zu bytes of backlog", r->out.len);
			hang_up(r);
		} else {
			flush(r);
		}
	}
	json_decref(msg);
}

static void read_err(const json_t *error, struct err *err)
{
	const json_t *data = json_obj(error, "data");
	err_set(err, err_code_of(json_str(data, "code", "failed")), "%s", json_str(error, "message", "no reason given"));
	err->http_status = (int)json_int(data, "http_status", 0);
}

static void take_reply(struct rpc *r, const json_t *msg)
{
	int64_t id = json_int(msg, "id", -1);
	for (struct pending **pp = &r->pending; *pp; pp = &(*pp)->next) {
		struct pending *p = *pp;
		if (p->id != id)
			continue;
		*pp = p->next;
		loop_cancel(r->loop, p->timer);
		const json_t *error = json_obj(msg, "error"), *result = error ? NULL : json_object_get(msg, "result");
		struct err err;
		if (error)
			read_err(error, &err);
		else if (!result)
			err_set(&err, ERR_PROTOCOL, "the answer has neither a result nor an error");
		p->fn(p->arg, result, result ? NULL : &err);
		free(p);
		return;
	}
}

static void take_message(struct rpc *r, const char *line, size_t len)
{
	struct err err;
	json_t *msg = json_parse(line, len, &err);
	const json_t *id = json_object_get(msg, "id");
	const char *method = json_str(msg, "method", NULL);
	trace_json("rpc in", msg);
	if (method && r->h.call)
		r->h.call(r->h.arg, r, json_is_null(id) ? NULL : id, method, json_object_get(msg, "params"));
	else if (json_is_object(msg) && !method && id)
		take_reply(r, msg);
	else if (!json_is_object(msg)) {
		err_set(&err, ERR_PROTOCOL, "a line that is no JSON-RPC message was sent");
		rpc_refuse(r, NULL, &err);
		hang_up(r);
	}
	json_decref(msg);
}

static void take_lines(struct rpc *r)
{
	size_t start = 0;
	char *nl;
	while (!r->dead && r->fd >= 0 && r->in.len > r->scanned &&
	       (nl = memchr(r->in.data + r->scanned, '\n', r->in.len - r->scanned))) {
		size_t end = (size_t)(nl - r->in.data);
		if (end > start)
			take_message(r, r->in.data + start, end - start);
		start = r->scanned = end + 1;
	}
	str_shift(&r->in, start);
	r->scanned = r->in.len;
}

static void on_socket(int fd, int events, void *arg)
{
	struct rpc *r = arg;
	char buf[65536];
	if (events & LOOP_OUT)
		flush(r);
	if (r->fd < 0 || !(events & (LOOP_IN | LOOP_HUP)))
		return;
	ssize_t n = recv(fd, buf, sizeof buf, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		hang_up(r);
		return;
	}
	str_addn(&r->in, buf, (size_t)n);
	r->depth++;
	if (r->in.full)
		hang_up(r);
	else
		take_lines(r);
	if (!--r->depth && r->dead)
		release(r);
}

struct rpc *rpc_create(struct loop *l, int fd, const struct rpc_handlers *h)
{
	struct rpc *r = xcalloc(1, sizeof *r);
	*r = (struct rpc){.loop = l, .h = *h, .fd = fd, .in = str_new(RPC_LINE_MAX), .out = str_new(RPC_BACKLOG_MAX)};
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	loop_watch(l, fd, LOOP_IN, on_socket, r);
	return r;
}

void rpc_destroy(struct rpc *r)
{
	if (!r || r->dead)
		return;
	r->dead = true;
	disconnect(r);
	loop_cancel(r->loop, r->closer);
	if (!r->depth)
		release(r);
}

void rpc_set_handlers(struct rpc *r, const struct rpc_handlers *h)
{
	r->h = *h;
}

static void on_call_timeout(void *arg)
{
	struct pending *late = arg;
	struct rpc *r = late->rpc;
	for (struct pending **pp = &r->pending; *pp; pp = &(*pp)->next) {
		if (*pp == late) {
			*pp = late->next;
			break;
		}
	}
	struct err err;
	err_set(&err, ERR_TIMEOUT, "the engine did not answer in time");
	late->fn(late->arg, NULL, &err);
	free(late);
}

void rpc_call(struct rpc *r, const char *method, json_t *params, int64_t timeout_ms, rpc_reply_fn *fn, void *arg)
{
	struct pending *p = xcalloc(1, sizeof *p);
	*p = (struct pending){.rpc = r, .next = r->pending, .id = ++r->next_id, .fn = fn, .arg = arg};
	r->pending = p;
	if (timeout_ms)
		p->timer = loop_after(r->loop, timeout_ms, on_call_timeout, p);
	json_t *msg = json_pack("{s:s, s:I, s:s}", "jsonrpc", "2.0", "id", (json_int_t)p->id, "method", method);
	if (params)
		json_object_set_new(msg, "params", params);
	send_json(r, msg);
	if (r->fd < 0 && !r->closer && !r->dead)
		r->closer = loop_after(r->loop, 0, on_closed, r);
}

void rpc_notify(struct rpc *r, const char *method, json_t *params)
{
	json_t *msg = json_pack("{s:s, s:s}", "jsonrpc", "2.0", "method", method);
	if (params)
		json_object_set_new(msg, "params", params);
	send_json(r, msg);
}

void rpc_answer(struct rpc *r, const json_t *id, json_t *result)
{
	json_t *msg = json_pack("{s:s, s:O?, s:o}", "jsonrpc", "2.0", "id", id, "result", result ? result : json_null());
	send_json(r, msg);
}

/* JSON-RPC's own numbers for what it defines, one of ours for the rest; the name in data.code is what clients read. */
static int rpc_number(enum err_code code)
{
	return code == ERR_PROTOCOL ? -32600 : code == ERR_USAGE ? -32601 : code == ERR_INVALID ? -32602 : -32000;
}

void rpc_refuse(struct rpc *r, const json_t *id, const struct err *err)
{
	json_t *data = json_pack("{s:s}", "code", err_info(err->code)->name);
	if (err->http_status)
		json_put_int(data, "http_status", err->http_status);
	json_t *error = json_pack("{s:i, s:o, s:o}", "code", rpc_number(err->code), "message", json_foreign(err->text), "data", data);
	send_json(r, json_pack("{s:s, s:O?, s:o}", "jsonrpc", "2.0", "id", id, "error", error));
}

size_t rpc_backlog(const struct rpc *r)
{
	return r->out.len;
}

/* ---- UNIX sockets ------------------------------------------------------------------------------------------------ */

static int fill_address(const char *path, struct sockaddr_un *sa, struct err *err)
{
	*sa = (struct sockaddr_un){.sun_family = AF_UNIX};
	size_t n = strlen(path);
	if (n >= sizeof sa->sun_path)
		return err_set(err, ERR_INVALID, "the socket's path %s is %zu bytes long, %zu is the most: set SKYTOP_HOME or "
						 "XDG_RUNTIME_DIR to a shorter folder", path, n, sizeof sa->sun_path - 1);
	memcpy(sa->sun_path, path, n + 1);
	return 0;
}

static int open_socket(struct err *err)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 0)
		return err_errno(err, "cannot make a socket");
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
}

static int check_owner(const char *path, struct err *err)
{
	struct stat st;
	if (lstat(path, &st))
		return 0;
	if (st.st_uid != geteuid())
		return err_set(err, ERR_CREDENTIALS, "%s belongs to user %u, not to you: refusing to use it", path, (unsigned)st.st_uid);
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, ERR_CONFLICT, "%s is in the way: it is not a socket", path);
	return 0;
}

static int make_private_dir(const char *path, struct err *err)
{
	char *dir = xstrdup(path);
	*strrchr(dir, '/') = '\0';
	struct stat st;
	int rc = fs_mkdirs(dir, err);
	if (!rc && stat(dir, &st))
		rc = err_errno(err, "cannot look at %s", dir);
	else if (!rc && st.st_uid != geteuid())
		rc = err_set(err, ERR_CREDENTIALS, "%s belongs to user %u, not to you: refusing to use it", dir, (unsigned)st.st_uid);
	else if (!rc && (st.st_mode & 077) && chmod(dir, 0700))
		rc = err_errno(err, "cannot make %s private", dir);
	free(dir);
	return rc;
}

int unix_listen(const char *path, struct err *err)
{
	struct sockaddr_un sa;
	if (fill_address(path, &sa, err) || make_private_dir(path, err) || check_owner(path, err))
		return -1;
	int fd = open_socket(err);
	if (fd < 0)
		return -1;
	unlink(path); /* the caller holds the lock: nobody else listens there */
	mode_t old = umask(0177);
	int rc = bind(fd, (struct sockaddr *)&sa, sizeof sa);
	umask(old);
	if (rc || listen(fd, 64)) {
		err_errno(err, "cannot listen on %s", path);
		close(fd);
		return -1;
	}
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	return fd;
}

int unix_connect(const char *path, struct err *err)
{
	struct sockaddr_un sa;
	if (fill_address(path, &sa, err) || check_owner(path, err))
		return -1;
	int fd = open_socket(err);
	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&sa, sizeof sa)) {
		int no = errno;
		err_errno(err, "cannot connect to %s", path);
		if (err && (no == ENOENT || no == ECONNREFUSED))
			err->code = ERR_NOT_FOUND;
		else if (err && no == EAGAIN) /* more wait there than it takes at once */
			err->code = ERR_THROTTLED;
		close(fd);
		return -1;
	}
	uid_t peer = unix_peer_uid(fd);
	if (peer != geteuid() && peer != 0) {
		err_set(err, ERR_CREDENTIALS, "the process behind %s belongs to user %u, not to you: refusing to talk to it", path,
		    (unsigned)peer);
		close(fd);
		return -1;
	}
	return fd;
}

uid_t unix_peer_uid(int fd)
{
#ifdef SO_PEERCRED
	struct ucred c;
	socklen_t len = sizeof c;
	if (!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &len))
		return c.uid;
#else
	uid_t uid;
	gid_t gid;
	if (!getpeereid(fd, &uid, &gid))
		return uid;
#endif
	return (uid_t)-1;
}
