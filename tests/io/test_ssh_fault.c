/* SSH when the network fails. As root the test has a network namespace of its own, in which nft drops packets: true partitions and
 * loss, that nobody else notices. Elsewhere those tests say so and pass. Hosts that are down, each at another moment, need no such. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/io/ssh_priv.h"
#include "tests/io/ssh_farm.h"

static bool isolated; /* we have a network of our own, and nft */

static bool torture(void)
{
	return getenv("SKYTOP_TORTURE") != NULL;
}

/* ---- a network of our own ------------------------------------------------------------------------------------------ */

static bool nft(const char *rules)
{
	int fds[2], status = 1;
	if (pipe2(fds, O_CLOEXEC))
		return false;
	pid_t pid = fork();
	if (!pid) {
		int null = open("/dev/null", O_WRONLY);
		dup2(fds[0], 0);
		dup2(null, 1);
		dup2(null, 2);
		execlp("nft", "nft", "-f", "-", (char *)NULL);
		execl("/usr/sbin/nft", "nft", "-f", "-", (char *)NULL);
		_exit(127);
	}
	close(fds[0]);
	bool written = write(fds[1], rules, strlen(rules)) == (ssize_t)strlen(rules);
	close(fds[1]);
	waitpid(pid, &status, 0);
	return written && !status;
}

/* "" for silence, "numgen random mod 100 < 5" for loss: what matches and goes to or comes from the node is dropped. */
static void lose(const char *match)
{
	char rules[500];
	snprintf(rules, sizeof rules,
	    "table inet t\ndelete table inet t\ntable inet t {\n chain i { type filter hook input priority 0; "
	    "tcp dport %d %s drop; tcp sport %d %s drop; }\n}\n", node.port, match, node.port, match);
	assert_true(nft(rules));
}

static void heal(void)
{
	assert_true(nft("table inet t\ndelete table inet t\n"));
}

/* Loopback is up, with packets of a size that networks have. */
static bool loopback_up(void)
{
	struct ifreq r = {.ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	memcpy(r.ifr_name, "lo", 3);
	bool up = !ioctl(fd, SIOCSIFFLAGS, &r);
	r.ifr_mtu = 1500;
	up = up && !ioctl(fd, SIOCSIFMTU, &r);
	close(fd);
	return up;
}

static int setup_network(void **state)
{
	isolated = !geteuid() && !unshare(CLONE_NEWNET) && loopback_up() && nft("table inet t\n");
	return setup(state);
}

static bool without_network(void)
{
	if (!isolated)
		puts("# no network namespace, or no nft: nothing is cut here");
	return !isolated;
}

static void turn_for(int64_t ms)
{
	for (int64_t end = mono_now_ms() + ms, now; (now = mono_now_ms()) < end;)
		loop_step(loop, (int)(end - now));
}

static void follow(struct cmd *k, struct ssh *s)
{
	*k = (struct cmd){.counted = true};
	exec(k, s, "i=0; while [ $i -lt 120 ]; do printf '0123456789abcde\\n'; i=$((i + 1)); sleep 0.02; done");
}

/* ---- partitions ---------------------------------------------------------------------------------------------------- */

/* A network that comes back before the patience is over: nothing is lost, nothing is doubled, in neither direction. */
static void test_short_cut(void **state)
{
	(void)state;
	if (without_network())
		return;
	struct conn c;
	struct cmd log, up = {.done = 0};
	struct ssh_target t = target_of(node.port, "key");
	t.idle_timeout_ms = torture() ? 150000 : 12000;
	connected(&c, &t);
	follow(&log, c.s);
	exec(&up, c.s, "cat");
	while (!log.n)
		loop_step(loop, 100);
	lose("");
	assert_int_equal(ssh_channel_write(up.c, "in the dark\n", 12), 12);
	turn_for(torture() ? 60000 : 1500);
	assert_int_equal(c.lost, 0);
	assert_int_equal(up.out.len, 0);
	heal();
	ssh_channel_eof(up.c);
	for (int64_t end = mono_now_ms() + (torture() ? 90000 : 10000); (!up.done || !log.done) && mono_now_ms() < end;)
		loop_step(loop, 100);
	assert_string_equal(str_text(&up.out), "in the dark\n");
	assert_int_equal(log.how, SSH_EXITED);
	assert_int_equal(log.n, 120 * 16);
	assert_int_equal(log.bad, 0);
	assert_int_equal(c.lost, 0);
	ssh_destroy(c.s);
	cmd_free(&log);
	cmd_free(&up);
}

/* One that does not: every connection says so soon after its patience is over, whatever it was doing. */
static void test_long_cut(void **state)
{
	(void)state;
	enum { IDLE, FOLLOWS, SENDS, N };
	if (without_network())
		return;
	struct conn c[N];
	struct cmd k[N];
	struct ssh_target t = target_of(node.port, "key");
	int64_t patience = t.idle_timeout_ms = torture() ? 45000 : 1800;
	for (int i = 0; i < N; i++)
		connected(&c[i], &t);
	k[IDLE] = (struct cmd){.done = 0};
	exec(&k[IDLE], c[IDLE].s, "true");
	turn_until(&k[IDLE].done, 1);
	follow(&k[FOLLOWS], c[FOLLOWS].s);
	k[SENDS] = (struct cmd){.done = 0};
	exec(&k[SENDS], c[SENDS].s, "cat >/dev/null");
	ssh_channel_feed(k[SENDS].c, open("/dev/zero", O_RDONLY | O_CLOEXEC));
	turn_for(200);
	lose("");
	int64_t start = mono_now_ms();
	for (int i = 0; i < N; i++) {
		turn_until(&c[i].lost, 1);
		assert_int_equal(c[i].err.code, ERR_NETWORK);
		assert_non_null(strstr(c[i].err.text, "nothing heard for"));
		assert_int_equal(k[i].done, 1);
		assert_int_equal(k[i].how, i == IDLE ? SSH_EXITED : SSH_LOST);
	}
	assert_in_range(mono_now_ms() - start, patience / 2, patience + 3000);
	for (int i = 0; i < N; i++) {
		ssh_destroy(c[i].s);
		cmd_free(&k[i]);
	}
	/* And while it lasts nobody is let in; after it, at once. */
	t.connect_timeout_ms = 400;
	refused(&c[0], &t, ERR_TIMEOUT, "(connecting)");
	heal();
	t.connect_timeout_ms = 0;
	connected(&c[0], &t);
	many(c[0].s, 2);
	ssh_destroy(c[0].s);
}

/* 5 % of all packets are lost: slower, that is all. */
static void test_loss(void **state)
{
	(void)state;
	if (without_network())
		return;
	struct conn c;
	struct ssh_target t = target_of(node.port, "key");
	struct cmd down = {.counted = true}, up = {.done = 0};
	size_t size = torture() ? 64 << 20 : 1 << 20, sent = 0;
	char command[80], piece[4096], *told;
	lose("numgen random mod 100 < 5");
	connected(&c, &t);
	snprintf(command, sizeof command, "yes 0123456789abcde | head -c %zu", size);
	exec(&down, c.s, command);
	exec(&up, c.s, "cksum");
	memset(piece, 'x', sizeof piece);
	while (sent < size) {
		size_t n = ssh_channel_write(up.c, piece, size - sent < sizeof piece ? size - sent : sizeof piece);
		sent += n;
		if (!n)
			loop_step(loop, 100);
	}
	ssh_channel_eof(up.c);
	turn_until(&down.done, 1);
	turn_until(&up.done, 1);
	heal();
	assert_int_equal(down.n, size);
	assert_int_equal(down.bad, 0);
	assert_int_equal(strtoul(strchr(str_text(&up.out), ' '), &told, 10), size);
	ssh_destroy(c.s);
	cmd_free(&down);
	cmd_free(&up);
}

/* ---- hosts that are down ------------------------------------------------------------------------------------------- */

/* A host that says `hello` to whoever comes, waits, and hangs up. */
static pid_t impostor(int *port, const char *hello, int wait_ms)
{
	int fd = listen_any(port);
	pid_t pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			int peer = accept(fd, NULL, NULL);
			for (const char *p = hello; *p && wait_ms < 0; p++, usleep((useconds_t)-wait_ms * 1000))
				if (send(peer, p, 1, MSG_NOSIGNAL) != 1)
					break;
			if (wait_ms >= 0 && send(peer, hello, strlen(hello), MSG_NOSIGNAL) >= 0)
				usleep((useconds_t)wait_ms * 1000);
			close(peer);
		}
	}
	close(fd);
	return pid;
}

static void test_impostors(void **state)
{
	(void)state;
	static const struct {
		const char *hello;
		int wait_ms; /* before it hangs up; less than 0: between any two characters */
		int64_t patience_ms;
		enum err_code code;
		const char *text;
	} hosts[] = {
	    {"", 0, 5000, ERR_NETWORK, "closed the connection before it said a word"},
	    {"", 2000, 200, ERR_TIMEOUT, "(the handshake)"},
	    {"HTTP/1.1 400 Bad Request\r\n\r\n", 0, 5000, ERR_PROTOCOL, "is not an SSH server"},
	    {"SSH-2.0-x\r\n", 0, 5000, ERR_NETWORK, ""},
	    {"SSH-2.0-x\r\n", 2000, 200, ERR_TIMEOUT, "(the handshake)"},
	    {"SSH-2.0-x\r\n\377\377\377\377\377\377\377\377\377\377", 2000, 5000, ERR_NETWORK, "the handshake failed"},
	    {"SSH-2.0-slow-slow-slow-slow-slow-slow-slow-slow\r\n", -20, 300, ERR_TIMEOUT, "(the handshake)"},
	};
	struct conn c;
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		int port;
		pid_t pid = impostor(&port, hosts[i].hello, hosts[i].wait_ms);
		struct ssh_target t = target_of(port, "key");
		t.connect_timeout_ms = hosts[i].patience_ms;
		refused(&c, &t, hosts[i].code, hosts[i].text);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

/* A listener whose queue is full swallows what is sent to it. */
static int black_hole(int *port, int *fillers, int n)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(fd, 0), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	*port = ntohs(a.sin_port);
	for (int i = 0; i < n; i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		connect(fillers[i], (struct sockaddr *)&a, sizeof a);
	}
	usleep(20000);
	return fd;
}

struct reached {
	struct ssh_reach *r;
	int done, fd;
	char error[200];
};

static void on_reached(void *arg, int fd)
{
	struct reached *x = arg;
	x->done++;
	x->fd = fd;
	snprintf(x->error, sizeof x->error, "%s", ssh_reach_error(x->r));
	ssh_reach_end(x->r);
}

static struct ssh_address address(int port)
{
	struct ssh_address a = {.len = sizeof(struct sockaddr_in)};
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	memcpy(&a.at, &in, sizeof in);
	return a;
}

/* Of several addresses the first that answers: one that swallows all does not stand in the way of the others. */
static void test_addresses(void **state)
{
	(void)state;
	enum { FILLERS = 3 };
	int hole_port, refuses_port, fillers[FILLERS], hole = black_hole(&hole_port, fillers, FILLERS);
	close(listen_any(&refuses_port));
	struct ssh_address to[] = {address(hole_port), address(refuses_port), address(node.port)};
	struct reached x = {.done = 0};
	int64_t start = mono_now_ms();
	x.r = ssh_reach(loop, to, 3, on_reached, &x);
	turn_until(&x.done, 1);
	assert_true(x.fd >= 0);
	assert_true(mono_now_ms() - start < 5000);
	close(x.fd);
	x.done = 0;
	x.r = ssh_reach(loop, to + 1, 1, on_reached, &x);
	turn_until(&x.done, 1);
	assert_int_equal(x.fd, -1);
	assert_string_equal(x.error, "Connection refused");
	struct conn c;
	struct ssh_target t = target_of(hole_port, "key");
	t.connect_timeout_ms = 300;
	refused(&c, &t, ERR_TIMEOUT, "(connecting)");
	connect_to(&c, &t); /* gone in the middle */
	loop_step(loop, 50);
	ssh_destroy(c.s);
	for (int i = 0; i < FILLERS; i++)
		close(fillers[i]);
	close(hole);
}

/* "localhost" may be ::1 first; an sshd of another family is found all the same. */
static void test_names(void **state)
{
	(void)state;
	struct conn c;
	struct ssh_target t = target_of(node.port, "key");
	t.host = (char *)(uintptr_t)"localhost";
	connected(&c, &t);
	ssh_destroy(c.s);
	struct sshd six = sshd_start("ed25519", "host", 0, "ListenAddress ::1\n");
	t = target_of(six.port, "key");
	t.host = (char *)(uintptr_t)"::1";
	connect_to(&c, &t);
	turn_until(&c.settled, 1);
	for (int i = 0; i < 50 && c.lost; i++) { /* it listens there a moment later than on the address that was waited for */
		ssh_destroy(c.s);
		usleep(10000);
		connect_to(&c, &t);
		turn_until(&c.settled, 1);
	}
	if (c.lost)
		printf("# no IPv6 here: %s\n", c.err.text);
	else
		many(c.s, 1);
	ssh_destroy(c.s);
	sshd_stop(&six);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_impostors),
	    cmocka_unit_test(test_addresses),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_short_cut),
	    cmocka_unit_test(test_long_cut),
	    cmocka_unit_test(test_loss),
	};
	if (!sshd_path()) {
		puts("1..0 # SKIP sshd is not here (Debian: openssh-server)");
		return 0;
	}
	return cmocka_run_group_tests(tests, setup_network, teardown);
}
