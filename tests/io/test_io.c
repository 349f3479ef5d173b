/* The loop, children, the JSON-RPC wire and HTTP, each against a real peer: a real child, a socketpair, a listening socket. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "core/io/http.h"
#include "core/io/loop.h"
#include "core/io/proc.h"
#include "core/io/reading.h"
#include "core/io/rpc.h"

static struct loop *loop;

static int setup(void **state)
{
	(void)state;
	loop = loop_create();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	loop_destroy(loop);
	return 0;
}

/* Turn until *flag or ten seconds: a deadline for a broken test, not a measurement. */
static void turn_until(const int *flag)
{
	int64_t end = mono_now_ms() + 10000;
	while (!*flag && mono_now_ms() < end)
		loop_step(loop, 100);
	assert_true(*flag);
}

struct order {
	char text[64];
	int done;
};

static struct order order;

static void say_a(void *arg)
{
	strcat(((struct order *)arg)->text, "a");
}

static void say_b(void *arg)
{
	strcat(((struct order *)arg)->text, "b");
	((struct order *)arg)->done = 1;
}

static void test_timers(void **state)
{
	(void)state;
	order = (struct order){.done = 0};
	loop_after(loop, 30, say_b, &order);
	unsigned gone = loop_after(loop, 5, say_b, &order);
	for (int i = 0; i < 3; i++)
		loop_after(loop, 10, say_a, &order);
	loop_cancel(loop, gone);
	loop_cancel(loop, 0);
	turn_until(&order.done);
	assert_string_equal(order.text, "aaab");
}

static int signals;

static void on_usr1(int signo, void *arg)
{
	(void)arg;
	assert_int_equal(signo, SIGUSR1);
	signals++;
}

static void test_signal(void **state)
{
	(void)state;
	signals = 0;
	loop_signal(loop, SIGUSR1, on_usr1, NULL);
	kill(getpid(), SIGUSR1);
	turn_until(&signals);
	loop_signal(loop, SIGUSR1, NULL, NULL);
}

struct ran {
	struct str out, err;
	int status, done;
	bool timed_out;
};

static void ran_out(void *arg, bool is_err, const char *data, size_t len)
{
	struct ran *r = arg;
	str_addn(is_err ? &r->err : &r->out, data, len);
}

static void ran_exit(void *arg, int status, bool timed_out)
{
	struct ran *r = arg;
	r->status = status;
	r->timed_out = timed_out;
	r->done = 1;
}

static struct ran run(const struct proc_spec *spec)
{
	struct ran r = {.out = str_new(1 << 20), .err = str_new(1 << 20)};
	struct proc_handlers h = {ran_out, ran_exit, &r};
	struct err e;
	assert_non_null(proc_start(loop, spec, &h, &e));
	turn_until(&r.done);
	return r;
}

static void ran_free(struct ran *r)
{
	str_free(&r->out);
	str_free(&r->err);
}

static void test_proc_pipes(void **state)
{
	(void)state;
	const char *argv[] = {"sh", "-c", "cat; echo oops >&2; pwd; exit 7", NULL};
	char big[100000];
	memset(big, 'x', sizeof big);
	struct ran r = run(&(struct proc_spec){.argv = argv, .cwd = "/", .input = big, .input_len = sizeof big});
	assert_int_equal(WEXITSTATUS(r.status), 7);
	assert_int_equal(r.out.len, sizeof big + 2);
	assert_string_equal(str_text(&r.err), "oops\n");
	ran_free(&r);
}

static void test_proc_missing(void **state)
{
	(void)state;
	struct err e;
	const char *argv[] = {"/no/such/program", NULL};
	assert_null(proc_start(loop, &(struct proc_spec){.argv = argv}, &(struct proc_handlers){0}, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	assert_non_null(strstr(e.text, "/no/such/program"));
}

/* The pid that a child printed: does it run no more? (A zombie that init has not reaped yet counts as gone.) */
static bool process_gone(struct str *line)
{
	int64_t pid = 0;
	assert_true(line->len > 0);
	line->data[line->len - 1] = '\0';
	assert_true(num_int(str_text(line), 1, INT32_MAX, &pid));
	char *path = xasprintf("/proc/%d/stat", (int)pid);
	bool gone = false;
	for (int i = 0; i < 300 && !gone; i++) {
		char state = '?';
		FILE *f = fopen(path, "r");
		gone = !f || (fscanf(f, "%*d (%*[^)]) %c", &state) == 1 && state == 'Z');
		if (f)
			fclose(f);
		if (!gone)
			usleep(10000);
	}
	free(path);
	return gone;
}

static void test_proc_deadline_kills_group(void **state)
{
	(void)state;
	const char *argv[] = {"sh", "-c", "trap '' TERM; sleep 60 & echo $!; sleep 60; sleep 60", NULL};
	struct ran r = run(&(struct proc_spec){.argv = argv, .timeout_ms = 100});
	assert_true(r.timed_out);
	assert_true(WIFSIGNALED(r.status));
	assert_true(process_gone(&r.out));
	ran_free(&r);
}

static void test_proc_grandchild_keeps_pipe(void **state)
{
	(void)state;
	/* A daemon that forgot to close stdout must not make us wait for it: turn_until's patience is shorter than its life. */
	const char *argv[] = {"sh", "-c", "sleep 60 & echo $!", NULL};
	struct ran r = run(&(struct proc_spec){.argv = argv});
	int64_t pid = 0;
	assert_true(r.out.len > 1);
	r.out.data[r.out.len - 1] = '\0';
	assert_true(num_int(str_text(&r.out), 1, INT32_MAX, &pid));
	assert_int_equal(kill((pid_t)pid, SIGKILL), 0); /* it was still alive */
	ran_free(&r);
}

struct peer {
	struct rpc *rpc;
	int closed, got;
	json_t *kept_id;
	char text[200];
	enum err_code code;
};

/* ---- files that are read in a child ------------------------------------------------------------------------------- */

struct was_read {
	int done;
	size_t n;
	char *text[4], *why[4];
	size_t len[4];
};

static void on_read(void *arg, const struct reading_file *files, size_t n)
{
	struct was_read *w = arg;
	for (size_t i = 0; i < n; i++) {
		w->text[i] = files[i].text ? memcpy(xcalloc(1, files[i].len + 1), files[i].text, files[i].len) : NULL;
		w->why[i] = files[i].why ? xstrdup(files[i].why) : NULL;
		w->len[i] = files[i].len;
	}
	w->n = n;
	w->done++;
}

static void was_read_free(struct was_read *w)
{
	for (size_t i = 0; i < w->n; i++) {
		free(w->text[i]);
		free(w->why[i]);
	}
	*w = (struct was_read){0};
}

/* A disk that never answers for one name. */
static char *read_or_hang(const char *path, size_t max, size_t *len, struct err *err)
{
	while (strstr(path, "hangs"))
		pause();
	return fs_read(path, max, len, err);
}

static void test_reading(void **state)
{
	(void)state;
	char dir[] = "/tmp/skytop-reading-XXXXXX", big[200001];
	struct err err;
	struct was_read w = {0};
	assert_non_null(mkdtemp(dir));
	char *paths[] = {path_join(dir, "big"), path_join(dir, "none"), path_join(dir, "hangs"), path_join(dir, "empty")};
	memset(big, 'x', sizeof big - 1);
	big[1000] = '\0';
	assert_int_equal(fs_write(paths[0], big, sizeof big - 1, 0600, &err), 0);
	assert_int_equal(fs_write(paths[3], "", 0, 0600, &err), 0);
	const char *const list[] = {paths[0], paths[1], paths[3], paths[2]};
	struct reading_spec spec = {.paths = list, .n = 3, .max = 1 << 20, .timeout_ms = 20000, .read = read_or_hang};
	assert_non_null(reading_start(loop, &spec, on_read, &w, &err));
	turn_until(&w.done);
	assert_int_equal(w.n, 3);
	assert_int_equal(w.len[0], sizeof big - 1);
	assert_memory_equal(w.text[0], big, sizeof big - 1);
	assert_null(w.text[1]);
	assert_non_null(strstr(w.why[1], "none"));
	assert_string_equal(w.text[2], "");
	was_read_free(&w);
	/* One hangs: what came before it is there, it is named, and its child is gone soon. */
	spec = (struct reading_spec){.paths = list, .n = 4, .max = 1 << 20, .timeout_ms = 100, .read = read_or_hang};
	assert_non_null(reading_start(loop, &spec, on_read, &w, &err));
	turn_until(&w.done);
	assert_int_equal(w.n, 4);
	assert_int_equal(w.len[0], sizeof big - 1);
	assert_null(w.text[3]);
	assert_non_null(strstr(w.why[3], "does not answer"));
	was_read_free(&w);
	/* Nobody wants it any more; and nothing at all is asked. */
	struct reading *r = reading_start(loop, &spec, on_read, &w, &err);
	loop_step(loop, 10);
	reading_cancel(r);
	assert_int_equal(w.done, 0);
	assert_non_null(reading_start(loop, &(struct reading_spec){.n = 0, .timeout_ms = 20000}, on_read, &w, &err));
	turn_until(&w.done);
	assert_int_equal(w.n, 0);
	siginfo_t info;
	for (int64_t end = mono_now_ms() + 10000; !waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) && mono_now_ms() < end;)
		loop_step(loop, 10);
	assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT), -1); /* the loop has reaped them all */
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		free(paths[i]);
	assert_int_equal(fs_remove_tree(dir, NULL), 0);
}

static void peer_call(void *arg, struct rpc *rpc, const json_t *id, const char *method, const json_t *params)
{
	struct peer *p = arg;
	snprintf(p->text, sizeof p->text, "%s", method);
	p->got++;
	struct err e;
	if (!strcmp(method, "echo"))
		rpc_answer(rpc, id, json_incref((json_t *)(uintptr_t)params));
	else if (!strcmp(method, "refuse"))
		err_set(&e, ERR_QUOTA, "no more"), rpc_refuse(rpc, id, &e);
	else if (!strcmp(method, "die"))
		rpc_destroy(rpc), p->rpc = NULL;
}

static void peer_closed(void *arg, struct rpc *rpc)
{
	struct peer *p = arg;
	assert_ptr_equal(p->rpc, rpc);
	p->closed = 1;
	p->rpc = NULL;
}

static void got_reply(void *arg, const json_t *result, const struct err *err)
{
	struct peer *p = arg;
	p->code = err ? err->code : ERR_NONE;
	snprintf(p->text, sizeof p->text, "%s", err ? err->text : json_str(result, "x", "?"));
	p->got = 1;
}

static void connect_pair(struct peer *a, struct peer *b)
{
	int fds[2];
	*a = *b = (struct peer){.got = 0};
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	a->rpc = rpc_create(loop, fds[0], &(struct rpc_handlers){peer_call, peer_closed, a});
	b->rpc = rpc_create(loop, fds[1], &(struct rpc_handlers){peer_call, peer_closed, b});
}

static void test_rpc(void **state)
{
	(void)state;
	struct peer a, b;
	connect_pair(&a, &b);
	rpc_call(a.rpc, "echo", json_pack("{s:s}", "x", "line\nbreak"), 5000, got_reply, &a);
	turn_until(&a.got);
	assert_string_equal(a.text, "line\nbreak");
	a.got = 0;
	rpc_call(a.rpc, "refuse", NULL, 5000, got_reply, &a);
	turn_until(&a.got);
	assert_int_equal(a.code, ERR_QUOTA);
	assert_string_equal(a.text, "no more");
	a.got = 0;
	rpc_call(a.rpc, "silent", NULL, 50, got_reply, &a);
	turn_until(&a.got);
	assert_int_equal(a.code, ERR_TIMEOUT);
	a.got = 0;
	rpc_call(a.rpc, "die", NULL, 5000, got_reply, &a);
	turn_until(&a.got);
	assert_int_equal(a.code, ERR_NETWORK);
	turn_until(&a.closed);
	assert_null(b.rpc);
}

static void test_rpc_garbage(void **state)
{
	(void)state;
	int fds[2];
	struct peer a = {.got = 0};
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	a.rpc = rpc_create(loop, fds[0], &(struct rpc_handlers){peer_call, peer_closed, &a});
	assert_int_equal(write(fds[1], "GET / HTTP/1.0\r\n\r\n", 18), 18);
	turn_until(&a.closed);
	char buf[500] = {0};
	assert_true(read(fds[1], buf, sizeof buf - 1) > 0);
	assert_non_null(strstr(buf, "-32600"));
	close(fds[1]);
}

static void test_unix_socket(void **state)
{
	(void)state;
	char dir[] = "/tmp/skytop-io-XXXXXX";
	assert_non_null(mkdtemp(dir));
	char *path = xasprintf("%s/private/engine.sock", dir);
	struct err e;
	assert_int_equal(unix_connect(path, &e), -1);
	assert_int_equal(e.code, ERR_NOT_FOUND);
	int fd = unix_listen(path, &e);
	assert_true(fd >= 0);
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	int c = unix_connect(path, &e);
	assert_true(c >= 0);
	assert_int_equal(unix_peer_uid(c), geteuid());
	close(c);
	close(fd);
	assert_int_equal(unix_connect(path, &e), -1); /* stale */
	assert_int_equal(e.code, ERR_NOT_FOUND);
	unlink(path);
	assert_int_equal(fs_write(path, "x", 1, 0600, &e), 0);
	assert_int_equal(unix_listen(path, &e), -1); /* a file in the way is not removed */
	assert_int_equal(e.code, ERR_CONFLICT);
	char *longest = xmalloc(300);
	memset(longest, 'y', 299);
	longest[0] = '/';
	longest[299] = '\0';
	assert_int_equal(unix_listen(longest, &e), -1);
	assert_int_equal(e.code, ERR_INVALID);
	free(longest);
	fs_remove_tree(dir, &e);
	free(path);
}

/* A server that answers every connection with fixed bytes and closes. */
struct server {
	int fd;
	const char *reply;
	char url[64];
};

static void on_client(int fd, int events, void *arg)
{
	(void)events;
	struct server *s = arg;
	char buf[4096];
	if (read(fd, buf, sizeof buf) > 0 && s->reply)
		assert_true(write(fd, s->reply, strlen(s->reply)) > 0);
	if (!s->reply)
		return;
	loop_watch(loop, fd, 0, NULL, NULL);
	close(fd);
}

static void on_accept(int fd, int events, void *arg)
{
	(void)events;
	int c = accept(fd, NULL, NULL);
	loop_watch(loop, c, LOOP_IN, on_client, arg);
}

static void serve(struct server *s, const char *reply)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof sa;
	s->fd = socket(AF_INET, SOCK_STREAM, 0);
	s->reply = reply;
	assert_int_equal(bind(s->fd, (struct sockaddr *)&sa, sizeof sa), 0);
	assert_int_equal(listen(s->fd, 5), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&sa, &len), 0);
	snprintf(s->url, sizeof s->url, "http://127.0.0.1:%d/x", ntohs(sa.sin_port));
	loop_watch(loop, s->fd, LOOP_IN, on_accept, s);
}

struct got {
	int done, status;
	enum err_code code;
	char body[100], etag[50];
};

static void on_http(void *arg, const struct http_reply *r, const struct err *err)
{
	struct got *g = arg;
	g->done = 1;
	g->code = err ? err->code : ERR_NONE;
	if (r) {
		g->status = r->status;
		snprintf(g->body, sizeof g->body, "%s", r->body);
		snprintf(g->etag, sizeof g->etag, "%s", http_header(r, "etag"));
	}
}

static struct got fetch(const char *reply, const struct http_request *extra)
{
	struct err e;
	struct server s;
	struct got g = {.done = 0};
	serve(&s, reply);
	struct http *h = http_create(loop, &e);
	assert_non_null(h);
	struct http_request req = *extra;
	req.url = s.url;
	assert_non_null(http_start(h, &req, on_http, &g, &e));
	turn_until(&g.done);
	http_destroy(h);
	loop_watch(loop, s.fd, 0, NULL, NULL);
	close(s.fd);
	return g;
}

static void test_http(void **state)
{
	(void)state;
	struct got g = fetch("HTTP/1.0 200 OK\r\nETag: \"abc\"\r\n\r\nhello", &(struct http_request){0});
	assert_int_equal(g.status, 200);
	assert_string_equal(g.body, "hello");
	assert_string_equal(g.etag, "\"abc\"");
	g = fetch("HTTP/1.0 503 busy\r\n\r\n", &(struct http_request){0});
	assert_int_equal(g.status, 503);
	assert_int_equal(g.code, ERR_NONE);
	g = fetch("HTTP/1.0 200 OK\r\n\r\nhello", &(struct http_request){.max_bytes = 4});
	assert_int_equal(g.code, ERR_PROTOCOL);
	g = fetch("HTTP/1.0 200 OK\r\nContent-Length: 50\r\n\r\ncut", &(struct http_request){0});
	assert_int_equal(g.code, ERR_NETWORK);
	g = fetch(NULL, &(struct http_request){.timeout_ms = 100});
	assert_int_equal(g.code, ERR_TIMEOUT);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_timers), T(test_signal), T(test_proc_pipes), T(test_proc_missing), T(test_proc_deadline_kills_group),
	    T(test_proc_grandchild_keeps_pipe), T(test_reading), T(test_rpc), T(test_rpc_garbage), T(test_unix_socket), T(test_http),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
