/* Port forwards over a real sshd: many at once, halves that end one after the other, slow readers, hosts that refuse. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/io/ssh_forward.h"
#include "tests/io/ssh_farm.h"

/* What is at the far end: answers each connection by what it asked for, its first byte. 'e': sends all back, and its own end only
 * after ours; 'f': a flood of 8 MiB that ends without waiting for us; 'r': is reset. */
static void serve_one(int fd)
{
	char buf[65536];
	if (recv(fd, buf, 1, 0) != 1)
		_exit(1);
	char what = buf[0];
	if (what == 'r') {
		const struct linger l = {.l_onoff = 1};
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
		_exit(close(fd));
	}
	if (what == 'f') {
		for (int i = 0; i < 8 << 20; i += (int)sizeof buf) {
			memset(buf, 'a' + i / (int)sizeof buf % 26, sizeof buf);
			if (send(fd, buf, sizeof buf, 0) != (ssize_t)sizeof buf)
				_exit(1);
		}
		_exit(0);
	}
	for (ssize_t n; (n = recv(fd, buf, sizeof buf, 0)) > 0;)
		if (send(fd, buf, (size_t)n, 0) != n)
			_exit(1);
	_exit(send(fd, "end", 3, 0) != 3);
}

static pid_t far_end(int *port)
{
	int fd = listen_any(port);
	pid_t pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGCHLD, SIG_IGN);
		for (;;) {
			int peer = accept(fd, NULL, NULL);
			if (!fork())
				serve_one(peer);
			close(peer);
		}
	}
	close(fd);
	return pid;
}

static int dial(int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* Up to size bytes, until the end or an error, while the loop turns; -errno for an error. */
static ssize_t receive(int fd, char *buf, size_t size)
{
	size_t got = 0;
	int64_t end = mono_now_ms() + 40000;
	while (got < size && mono_now_ms() < end) {
		ssize_t n = recv(fd, buf + got, size - got, 0);
		if (!n)
			return (ssize_t)got;
		if (n < 0 && errno != EAGAIN)
			return -errno;
		got += n > 0 ? (size_t)n : 0;
		loop_step(loop, n > 0 ? 0 : 20);
	}
	return (ssize_t)got;
}

static void push(int fd, const char *data, size_t len)
{
	int64_t end = mono_now_ms() + 40000;
	while (len && mono_now_ms() < end) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
		data += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
		loop_step(loop, n > 0 ? 0 : 20);
	}
	assert_int_equal(len, 0);
}

static void test_echo(void **state)
{
	(void)state;
	enum { N = 5, SIZE = 300000 };
	struct conn c;
	int port, fds[N];
	pid_t far = far_end(&port);
	struct ssh_target t = target_of(node.port, "key");
	connected(&c, &t);
	struct ssh_forward *f = ssh_forward_open(loop, &(struct ssh_forward_spec){.host = "127.0.0.1", .host_port = port}, NULL);
	assert_non_null(f);
	ssh_forward_use(f, c.s);
	char *text = xmalloc(SIZE), *back = xmalloc(SIZE + 100);
	for (int i = 0; i < SIZE; i++)
		text[i] = (char)(i * 7 + i / 251);
	for (int i = 0; i < N; i++) {
		fds[i] = dial(ssh_forward_port(f));
		push(fds[i], "e", 1);
	}
	for (int i = 0; i < N; i++)
		push(fds[i], text, SIZE / 4);
	/* Our half ends, theirs goes on to what came after it. */
	for (int i = 0; i < N; i++) {
		shutdown(fds[i], SHUT_WR);
		assert_int_equal(receive(fds[i], back, SIZE), SIZE / 4 + 3);
		assert_memory_equal(back, text, SIZE / 4);
		assert_memory_equal(back + SIZE / 4, "end", 3);
		close(fds[i]);
	}
	assert_string_equal(ssh_forward_error(f), "");
	ssh_forward_close(f);
	ssh_destroy(c.s);
	free(text);
	free(back);
	kill(far, SIGKILL);
	waitpid(far, NULL, 0);
}

/* Who reads slowly holds its sender back, not our memory, and no other connection; what it gets is whole. */
static void test_slow(void **state)
{
	(void)state;
	struct conn c;
	int port;
	pid_t far = far_end(&port);
	struct ssh_target t = target_of(node.port, "key");
	connected(&c, &t);
	struct ssh_forward *f =
	    ssh_forward_open(loop, &(struct ssh_forward_spec){.host = "127.0.0.1", .host_port = port, .connections = 2}, NULL);
	ssh_forward_use(f, c.s);
	int slow = dial(ssh_forward_port(f)), quick = dial(ssh_forward_port(f)), third = dial(ssh_forward_port(f));
	push(slow, "f", 1);
	int64_t end = mono_now_ms() + 300;
	while (mono_now_ms() < end)
		loop_step(loop, 20);
	char buf[100], *all = xmalloc(9 << 20);
	push(quick, "ehello", 6);
	assert_int_equal(receive(quick, buf, 5), 5);
	push(third, "ehello", 6);
	for (int i = 0; i < 20; i++)
		loop_step(loop, 5);
	assert_int_equal(recv(third, buf, 1, 0), -1); /* two at once were allowed */
	close(quick);
	assert_int_equal(receive(third, buf, 5), 5);
	close(third);
	assert_int_equal(receive(slow, all, 9 << 20), 8 << 20);
	for (int i = 0; i < 8 << 20; i += 4096)
		assert_int_equal(all[i], 'a' + i / 65536 % 26);
	close(slow);
	free(all);
	ssh_forward_close(f);
	ssh_destroy(c.s);
	kill(far, SIGKILL);
	waitpid(far, NULL, 0);
}

static void test_broken(void **state)
{
	(void)state;
	struct conn c;
	int port, fd;
	char buf[10];
	pid_t far = far_end(&port);
	struct ssh_target t = target_of(node.port, "key");
	struct ssh_forward *f = ssh_forward_open(loop, &(struct ssh_forward_spec){.host = "127.0.0.1", .host_port = port}, NULL);
	/* Nothing carries it yet. */
	fd = dial(ssh_forward_port(f));
	assert_int_equal(receive(fd, buf, 1), -ECONNRESET);
	close(fd);
	assert_non_null(strstr(ssh_forward_error(f), "no connection"));
	connected(&c, &t);
	ssh_forward_use(f, c.s);
	assert_string_equal(ssh_forward_error(f), "");
	/* The far end breaks: an end, or a reset, and no hang. */
	fd = dial(ssh_forward_port(f));
	push(fd, "r", 1);
	assert_true(receive(fd, buf, 1) <= 0);
	close(fd);
	/* We go away in the middle, and the next one works. */
	fd = dial(ssh_forward_port(f));
	push(fd, "f", 1);
	close(fd);
	fd = dial(ssh_forward_port(f));
	push(fd, "ex", 2);
	assert_int_equal(receive(fd, buf, 1), 1);
	/* The connection to the host goes: what it carried is reset. */
	ssh_forward_use(f, NULL);
	ssh_destroy(c.s);
	assert_int_equal(receive(fd, buf, 1), -ECONNRESET);
	close(fd);
	ssh_forward_close(f);
	/* Nobody listens over there. */
	kill(far, SIGKILL);
	waitpid(far, NULL, 0);
	connected(&c, &t);
	f = ssh_forward_open(loop, &(struct ssh_forward_spec){.host = "127.0.0.1", .host_port = port}, NULL);
	ssh_forward_use(f, c.s);
	fd = dial(ssh_forward_port(f));
	assert_int_equal(receive(fd, buf, 1), -ECONNRESET);
	assert_non_null(strstr(ssh_forward_error(f), "cannot reach 127.0.0.1 port"));
	close(fd);
	ssh_forward_close(f);
	ssh_destroy(c.s);
}

static void test_unix_socket(void **state)
{
	(void)state;
	struct conn c;
	int port;
	char buf[10];
	pid_t far = far_end(&port);
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	strncpy(sa.sun_path, at("forward.sock"), sizeof sa.sun_path - 1);
	struct ssh_target t = target_of(node.port, "key");
	connected(&c, &t);
	struct err err;
	struct ssh_forward *f =
	    ssh_forward_open(loop, &(struct ssh_forward_spec){.path = sa.sun_path, .host = "localhost", .host_port = port}, &err);
	assert_non_null(f);
	ssh_forward_use(f, c.s);
	struct stat st;
	assert_int_equal(stat(sa.sun_path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	push(fd, "eyes", 4);
	assert_int_equal(receive(fd, buf, 3), 3);
	assert_memory_equal(buf, "yes", 3);
	close(fd);
	ssh_forward_close(f);
	assert_int_equal(stat(sa.sun_path, &st), -1);
	assert_null(ssh_forward_open(loop, &(struct ssh_forward_spec){.host = "", .host_port = 1}, &err));
	assert_int_equal(err.code, ERR_INVALID);
	ssh_destroy(c.s);
	kill(far, SIGKILL);
	waitpid(far, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_echo),
	    cmocka_unit_test(test_slow),
	    cmocka_unit_test(test_broken),
	    cmocka_unit_test(test_unix_socket),
	};
	if (!sshd_path()) {
		puts("1..0 # SKIP sshd is not here (Debian: openssh-server)");
		return 0;
	}
	return cmocka_run_group_tests(tests, setup, teardown);
}
