/* SSH against real sshd on loopback ports, with host keys, user keys and known_hosts of the test's own. */
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
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/io/loop.h"
#include "core/io/ssh.h"
#include "core/io/ssh_known.h"

static char dir[] = "/tmp/skytop-ssh.XXXXXX";
static struct loop *loop;

static char *at(const char *name)
{
	static char bufs[8][200];
	static int next;
	char *b = bufs[next++ % 8];
	snprintf(b, sizeof bufs[0], "%s/%s", dir, name);
	return b;
}

static const char *sshd_path(void)
{
	static const char *const paths[] = {"/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"};
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (!access(paths[i], X_OK))
			return paths[i];
	return NULL;
}

static void keygen(const char *type, const char *path, const char *passphrase)
{
	if (fs_exists(path))
		return;
	pid_t pid = fork();
	if (!pid) {
		execlp("ssh-keygen", "ssh-keygen", "-q", "-t", type, "-N", passphrase, "-f", path, (char *)NULL);
		_exit(127);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static int listen_any(int *port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(fd, 50), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	*port = ntohs(a.sin_port);
	return fd;
}

struct sshd {
	pid_t pid;
	int port;
};

static bool answers(int port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	bool yes = !connect(fd, (struct sockaddr *)&a, sizeof a);
	close(fd);
	return yes;
}

static struct sshd sshd_start(const char *host_key_type, const char *host_key, int port, const char *extra)
{
	struct sshd d = {.port = port};
	if (!port)
		close(listen_any(&d.port));
	char conf[300];
	snprintf(conf, sizeof conf, "%s/sshd-%d", dir, d.port);
	keygen(host_key_type, at(host_key), "");
	struct str s = str_new(4096);
	str_addf(&s, "ListenAddress 127.0.0.1\nPort %d\nHostKey %s/%s\nAuthorizedKeysFile %s/authorized\nPidFile none\n", d.port, dir,
	    host_key, dir);
	str_add(&s, "PermitRootLogin prohibit-password\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\n"
		    "StrictModes no\nMaxStartups 100:30:200\nLogLevel ERROR\n");
	str_add(&s, extra);
	if (!strstr(extra, "MaxSessions"))
		str_add(&s, "MaxSessions 64\n");
	assert_int_equal(fs_write(conf, str_text(&s), s.len, 0600, NULL), 0);
	str_free(&s);
	d.pid = fork();
	if (!d.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that breaks off leaves no server behind */
		setpgid(0, 0);
		int log = open(at("sshd.log"), O_WRONLY | O_CREAT | O_APPEND, 0600);
		dup2(log, 1);
		dup2(log, 2);
		execl(sshd_path(), sshd_path(), "-D", "-e", "-f", conf, (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 500 && !answers(d.port); i++)
		usleep(10000);
	assert_true(answers(d.port));
	return d;
}

/* Connections have sessions of their own (setsid), so they are found as children. */
static void kill_children(pid_t parent)
{
	char path[64], line[256];
	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
	FILE *f = fopen(path, "r");
	if (!f)
		return;
	if (fgets(line, sizeof line, f))
		for (char *p = line, *e; *p; p = e) {
			long pid = strtol(p, &e, 10);
			if (e == p || pid <= 1)
				break;
			kill((pid_t)pid, SIGSTOP); /* it must not report that its children died */
			kill_children((pid_t)pid);
			kill((pid_t)pid, SIGKILL);
		}
	fclose(f);
}

static void sshd_stop(struct sshd *d)
{
	if (d->pid <= 0)
		return;
	kill(d->pid, SIGSTOP);
	kill_children(d->pid);
	kill(d->pid, SIGKILL);
	waitpid(d->pid, NULL, 0);
	d->pid = 0;
}

static struct sshd node; /* the one most tests use */

static void turn_until(const int *value, int wanted)
{
	int64_t end = mono_now_ms() + 40000;
	while (*value < wanted && mono_now_ms() < end)
		loop_step(loop, 100);
	assert_true(*value >= wanted);
}

struct conn {
	struct ssh *s;
	int ready, lost, settled;
	struct err err;
};

static void on_ready(void *arg)
{
	struct conn *c = arg;
	c->ready++;
	c->settled++;
}

static void on_lost(void *arg, const struct err *err)
{
	struct conn *c = arg;
	c->lost++;
	c->settled++;
	c->err = *err;
}

static struct ssh_target target_of(int port, const char *key)
{
	struct ssh_target t = {.host = (char *)(uintptr_t)"127.0.0.1", .port = port, .no_agent = true, .known_hosts_path = at("known")};
	t.identity_files[0] = at(key);
	return t;
}

static void connect_to(struct conn *c, const struct ssh_target *t)
{
	*c = (struct conn){.ready = 0};
	struct err err;
	c->s = ssh_open(loop, t, NULL, &(struct ssh_handlers){on_ready, on_lost, c}, &err);
	assert_non_null(c->s);
}

static void connected(struct conn *c, const struct ssh_target *t)
{
	connect_to(c, t);
	turn_until(&c->settled, 1);
	if (c->lost)
		fail_msg("%s", c->err.text);
}

static void refused(struct conn *c, const struct ssh_target *t, enum err_code code, const char *text)
{
	connect_to(c, t);
	turn_until(&c->settled, 1);
	assert_int_equal(c->lost, 1);
	if (c->err.code != code || !strstr(c->err.text, text))
		fail_msg("code %d, text: %s", c->err.code, c->err.text);
	ssh_destroy(c->s);
}

struct cmd {
	struct ssh_channel *c;
	struct str out, err;
	size_t n, bad; /* bytes of a counted stream, those that are wrong */
	bool counted;
	int done, status, *all;
	enum ssh_how how;
	char signal[20];
	enum err_code code;
};

static void cmd_out(void *arg, bool is_err, const char *data, size_t len)
{
	struct cmd *c = arg;
	if (c->counted)
		for (size_t i = 0; i < len; i++, c->n++)
			c->bad += data[i] != "0123456789abcde\n"[c->n % 16];
	else
		str_addn(is_err ? &c->err : &c->out, data, len);
}

static void cmd_exit(void *arg, const struct ssh_exit *x)
{
	struct cmd *c = arg;
	c->done++;
	c->how = x->how;
	c->status = x->status;
	c->code = x->err ? x->err->code : ERR_NONE;
	snprintf(c->signal, sizeof c->signal, "%s", x->signal ? x->signal : "");
	if (c->all)
		++*c->all;
}

static void exec(struct cmd *c, struct ssh *s, const char *command)
{
	c->out = str_new(1 << 20);
	c->err = str_new(1 << 20);
	struct err err;
	c->c = ssh_exec(s, command, &(struct ssh_channel_handlers){cmd_out, NULL, cmd_exit, c}, &err);
	assert_non_null(c->c);
}

static void cmd_free(struct cmd *c)
{
	str_free(&c->out);
	str_free(&c->err);
}

static void test_exec(void **state)
{
	(void)state;
	struct conn c;
	struct ssh_target t = target_of(node.port, "key");
	connected(&c, &t);
	struct cmd a = {.done = 0}, b = {.done = 0}, k = {.done = 0}, late = {.done = 0};
	exec(&a, c.s, "echo out; echo err >&2; exit 7");
	exec(&b, c.s, "cat; exit 0");
	exec(&k, c.s, "kill -TERM $$");
	exec(&late, c.s, "exec >/dev/null 2>&1; sleep 0.3; exit 5");
	assert_int_equal(ssh_channel_write(b.c, "in\n", 3), 3);
	ssh_channel_eof(b.c);
	turn_until(&a.done, 1);
	turn_until(&b.done, 1);
	turn_until(&k.done, 1);
	turn_until(&late.done, 1);
	assert_string_equal(str_text(&a.out), "out\n");
	assert_string_equal(str_text(&a.err), "err\n");
	assert_int_equal(a.how, SSH_EXITED);
	assert_int_equal(a.status, 7);
	assert_string_equal(str_text(&b.out), "in\n");
	assert_int_equal(b.status, 0);
	assert_int_equal(k.how, SSH_SIGNALLED);
	assert_string_equal(k.signal, "TERM");
	assert_int_equal(late.status, 5);
	ssh_destroy(c.s);
	cmd_free(&a);
	cmd_free(&b);
	cmd_free(&k);
	cmd_free(&late);
}

/* 100 MB out, twice stopped and gone on, while another channel answers. */
static void test_big_output(void **state)
{
	(void)state;
	struct conn c;
	struct ssh_target t = target_of(node.port, "key");
	connected(&c, &t);
	struct cmd big = {.counted = true}, small = {.done = 0};
	exec(&big, c.s, "yes 0123456789abcde | head -c 100000000");
	while (big.n < 1000000)
		loop_step(loop, 100);
	ssh_channel_pause(big.c, true);
	for (int i = 0; i < 50; i++)
		loop_step(loop, 2);
	size_t held = big.n;
	exec(&small, c.s, "echo here");
	turn_until(&small.done, 1);
	assert_int_equal(big.n, held);
	ssh_channel_pause(big.c, false);
	turn_until(&big.done, 1);
	assert_int_equal(big.n, 100000000);
	assert_int_equal(big.bad, 0);
	ssh_destroy(c.s);
	cmd_free(&big);
	cmd_free(&small);
}

static void test_stdin_stream(void **state)
{
	(void)state;
	struct conn c;
	struct ssh_target t = target_of(node.port, "key");
	connected(&c, &t);
	int fd = open(at("blob"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	for (int i = 0; i < 20000000 / 16; i++)
		assert_int_equal(write(fd, "0123456789abcde\n", 16), 16);
	lseek(fd, 0, SEEK_SET);
	struct cmd k = {.counted = true};
	exec(&k, c.s, "cat");
	ssh_channel_feed(k.c, fd);
	turn_until(&k.done, 1);
	assert_int_equal(k.n, 20000000);
	assert_int_equal(k.bad, 0);
	ssh_destroy(c.s);
	cmd_free(&k);
}

static void many(struct ssh *s, int n)
{
	struct cmd *cmds = xcalloc((size_t)n, sizeof *cmds);
	int all = 0;
	for (int i = 0; i < n; i++) {
		char text[60];
		snprintf(text, sizeof text, "echo %d; exit %d", i, i);
		cmds[i].all = &all;
		exec(&cmds[i], s, text);
	}
	turn_until(&all, n);
	for (int i = 0; i < n; i++) {
		assert_int_equal(cmds[i].how, SSH_EXITED);
		assert_int_equal(cmds[i].status, i);
		assert_int_equal(atol(str_text(&cmds[i].out)), i);
		cmd_free(&cmds[i]);
	}
	free(cmds);
}

static void test_many_channels(void **state)
{
	(void)state;
	struct conn c;
	struct ssh_target t = target_of(node.port, "key");
	connected(&c, &t);
	many(c.s, 40);
	ssh_destroy(c.s);
	/* A host that allows three at once gets them three at once. */
	struct sshd few = sshd_start("ed25519", "host", 0, "MaxSessions 3\n");
	t = target_of(few.port, "key");
	connected(&c, &t);
	many(c.s, 12);
	ssh_destroy(c.s);
	sshd_stop(&few);
}

static void test_keys(void **state)
{
	(void)state;
	struct conn c;
	struct ssh_target t = target_of(node.port, "stranger");
	refused(&c, &t, ERR_CREDENTIALS, "stranger: refused by the host");
	t.identity_files[0] = at("nowhere");
	refused(&c, &t, ERR_CREDENTIALS, "nowhere: is not there");
	t.identity_files[0] = at("locked");
	refused(&c, &t, ERR_CREDENTIALS, "locked: has a passphrase");
	t.identity_files[1] = at("key");
	connected(&c, &t);
	ssh_destroy(c.s);
}

/* libssh2 before 1.11 cannot do RSA as hosts of today want it: that must be said, with the way out. Later ones just connect. */
static void test_rsa(void **state)
{
	(void)state;
	struct conn c;
	struct ssh_target t = target_of(node.port, "rsa");
	connect_to(&c, &t);
	turn_until(&c.settled, 1);
	bool old = c.lost;
	if (old && !(strstr(c.err.text, "an RSA key, which libssh2") && strstr(c.err.text, "make an ed25519 key")))
		fail_msg("%s", c.err.text);
	ssh_destroy(c.s);
	struct sshd d = sshd_start("rsa", "host_rsa", 0, "");
	t = target_of(d.port, "key");
	if (old) {
		refused(&c, &t, ERR_UNSUPPORTED, "offers only these kinds of host key: rsa-sha2-512,rsa-sha2-256");
	} else {
		connected(&c, &t);
		ssh_destroy(c.s);
	}
	sshd_stop(&d);
}

static void test_host_key(void **state)
{
	(void)state;
	struct conn c;
	struct sshd d = sshd_start("ed25519", "host", 0, "");
	struct ssh_target t = target_of(d.port, "key");
	connected(&c, &t);
	ssh_destroy(c.s);
	struct stat st;
	assert_int_equal(stat(at("known"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	sshd_stop(&d);
	d = sshd_start("ed25519", "other_host", d.port, "");
	refused(&c, &t, ERR_CREDENTIALS, "HOST KEY HAS CHANGED");
	char name[40];
	snprintf(name, sizeof name, "127.0.0.1:%d", d.port);
	assert_int_equal(ssh_known_forget(at("known"), name, NULL), 0);
	connected(&c, &t);
	ssh_destroy(c.s);
	/* A damaged line is not a new host. */
	assert_int_equal(ssh_known_add(at("known"), name, "ssh-ed25519", "AAAA", NULL), 0);
	refused(&c, &t, ERR_INVALID, "is damaged");
	sshd_stop(&d);
}

static void test_host_down(void **state)
{
	(void)state;
	struct conn c;
	int port, fd = listen_any(&port);
	struct ssh_target t = target_of(port, "key");
	t.connect_timeout_ms = 300;
	refused(&c, &t, ERR_TIMEOUT, "(the handshake)"); /* accepts and never speaks */
	close(fd);
	refused(&c, &t, ERR_NETWORK, "cannot connect: Connection refused");
	t.host = (char *)(uintptr_t)"no-such-host.invalid";
	t.connect_timeout_ms = 30000;
	connect_to(&c, &t);
	turn_until(&c.settled, 1);
	assert_int_equal(c.lost, 1);
	assert_non_null(strstr(c.err.text, "no-such-host.invalid"));
	ssh_destroy(c.s);
	connect_to(&c, &t); /* gone while the name is looked up */
	loop_step(loop, 0);
	ssh_destroy(c.s);
}

static void test_killed(void **state)
{
	(void)state;
	struct conn c;
	struct sshd d = sshd_start("ed25519", "host", 0, "");
	struct ssh_target t = target_of(d.port, "key");
	connected(&c, &t);
	struct cmd cmds[5] = {{.done = 0}};
	int all = 0;
	for (int i = 0; i < 5; i++) {
		cmds[i].all = &all;
		exec(&cmds[i], c.s, "echo up; exec sleep 1000");
	}
	for (int i = 0; i < 5; i++)
		while (!cmds[i].out.len)
			loop_step(loop, 100);
	sshd_stop(&d);
	turn_until(&all, 5);
	turn_until(&c.lost, 1);
	for (int i = 0; i < 20; i++)
		loop_step(loop, 5);
	assert_int_equal(c.lost, 1);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(cmds[i].done, 1);
		assert_int_equal(cmds[i].how, SSH_LOST);
		assert_int_equal(cmds[i].code, ERR_NETWORK);
		cmd_free(&cmds[i]);
	}
	assert_null(ssh_exec(c.s, "true", NULL, NULL));
	ssh_destroy(c.s);
}

/* A host that is stopped keeps its TCP connection and says nothing: only the probe finds out. One that lives answers it. */
static void test_silence(void **state)
{
	(void)state;
	struct conn c, live;
	struct sshd d = sshd_start("ed25519", "host", 0, "");
	struct ssh_target t = target_of(d.port, "key"), u = target_of(node.port, "key");
	t.idle_timeout_ms = u.idle_timeout_ms = 900;
	connected(&live, &u);
	connected(&c, &t);
	kill(d.pid, SIGSTOP);
	char path[64], line[256] = "";
	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)d.pid, (int)d.pid);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof line, f));
	fclose(f);
	kill((pid_t)strtol(line, NULL, 10), SIGSTOP);
	turn_until(&c.lost, 1);
	assert_int_equal(c.err.code, ERR_NETWORK);
	assert_non_null(strstr(c.err.text, "nothing heard"));
	int64_t end = mono_now_ms() + 1500;
	while (mono_now_ms() < end)
		loop_step(loop, 50);
	assert_int_equal(live.lost, 0);
	many(live.s, 3);
	ssh_destroy(c.s);
	ssh_destroy(live.s);
	sshd_stop(&d);
}

static void test_jump(void **state)
{
	(void)state;
	struct conn c;
	struct sshd d = sshd_start("ed25519", "other_host", 0, "");
	struct ssh_target t = target_of(d.port, "key"), hop = target_of(node.port, "key");
	t.jump = &hop;
	connected(&c, &t);
	many(c.s, 5);
	struct cmd big = {.counted = true};
	exec(&big, c.s, "yes 0123456789abcde | head -c 8000000");
	turn_until(&big.done, 1);
	assert_int_equal(big.n, 8000000);
	assert_int_equal(big.bad, 0);
	cmd_free(&big);
	ssh_destroy(c.s);
	sshd_stop(&d);
	refused(&c, &t, ERR_NETWORK, "through ");
}

static void test_many_connections(void **state)
{
	(void)state;
	enum { N = 20 };
	struct conn c[N];
	struct ssh_target t = target_of(node.port, "key");
	for (int i = 0; i < N; i++)
		connect_to(&c[i], &t);
	for (int i = 0; i < N; i++) {
		turn_until(&c[i].settled, 1);
		assert_int_equal(c[i].ready, 1);
	}
	for (int i = 0; i < N; i++) {
		many(c[i].s, 1);
		ssh_destroy(c[i].s);
	}
}

static void test_kill_channel(void **state)
{
	(void)state;
	struct conn c;
	struct ssh_target t = target_of(node.port, "key");
	connected(&c, &t);
	struct cmd k = {.done = 0};
	exec(&k, c.s, "echo up; cat; echo gone");
	while (!k.out.len)
		loop_step(loop, 100);
	ssh_channel_kill(k.c);
	many(c.s, 2);
	assert_int_equal(k.done, 0);
	assert_string_equal(str_text(&k.out), "up\n");
	ssh_destroy(c.s);
	cmd_free(&k);
}

static void test_own_key(void **state)
{
	(void)state;
	struct err err;
	char *path = ssh_own_key(&err), *again = ssh_own_key(&err);
	assert_non_null(path);
	assert_string_equal(path, again);
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	free(path);
	free(again);
}

static void prepare(void)
{
	assert_non_null(mkdtemp(dir));
	setenv("SKYTOP_HOME", dir, 1);
	if (!geteuid())
		mkdir("/run/sshd", 0755); /* where sshd, as root, puts its unprivileged half */
	keygen("ed25519", at("key"), "");
	keygen("ed25519", at("stranger"), "");
	keygen("ed25519", at("locked"), "secret words");
	keygen("rsa", at("rsa"), "");
	char *pub = fs_read(at("key.pub"), 4096, NULL, NULL), *rsa = fs_read(at("rsa.pub"), 4096, NULL, NULL);
	char *both = xasprintf("%s%s", pub, rsa);
	assert_int_equal(fs_write(at("authorized"), both, strlen(both), 0600, NULL), 0);
	free(both);
	free(pub);
	free(rsa);
}

static int setup(void **state)
{
	(void)state;
	prepare();
	loop = loop_create();
	node = sshd_start("ed25519", "host", 0, "");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sshd_stop(&node);
	loop_destroy(loop);
	return fs_remove_tree(dir, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_exec),
	    cmocka_unit_test(test_big_output),
	    cmocka_unit_test(test_stdin_stream),
	    cmocka_unit_test(test_many_channels),
	    cmocka_unit_test(test_keys),
	    cmocka_unit_test(test_rsa),
	    cmocka_unit_test(test_host_key),
	    cmocka_unit_test(test_host_down),
	    cmocka_unit_test(test_killed),
	    cmocka_unit_test(test_silence),
	    cmocka_unit_test(test_jump),
	    cmocka_unit_test(test_many_connections),
	    cmocka_unit_test(test_kill_channel),
	    cmocka_unit_test(test_own_key),
	};
	if (!sshd_path()) {
		puts("1..0 # SKIP sshd is not here (Debian: openssh-server)");
		return 0;
	}
	return cmocka_run_group_tests(tests, setup, teardown);
}
