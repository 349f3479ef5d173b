/* Real sshd and commands on them, for the SSH tests. */
#include "tests/io/ssh_farm.h"

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

static char dir[] = "/tmp/skytop-ssh.XXXXXX";
struct loop *loop;

char *at(const char *name)
{
	static char bufs[64][200];
	static int next;
	char *b = bufs[next++ % 64];
	snprintf(b, sizeof bufs[0], "%s/%s", dir, name);
	return b;
}

const char *sshd_path(void)
{
	static const char *const paths[] = {"/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"};
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (!access(paths[i], X_OK))
			return paths[i];
	return NULL;
}

void run_to_end(const char *const *argv)
{
	pid_t pid = fork();
	if (!pid) {
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

void keygen(const char *type, const char *path, const char *passphrase)
{
	if (!fs_exists(path)) /* (RSA of 3072 bits, which is what it makes unless told, costs four times as much) */
		run_to_end((const char *const[]){"ssh-keygen", "-q", "-t", type, "-N", passphrase, "-f", path, !strcmp(type, "rsa") ? "-b" : NULL, "2048", NULL});
}

int listen_any(int *port)
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

static bool answers(int port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	bool yes = !connect(fd, (struct sockaddr *)&a, sizeof a);
	close(fd);
	return yes;
}

struct sshd sshd_start(const char *host_key_type, const char *host_key, int port, const char *extra)
{
	struct sshd d = {.port = port};
	if (!port)
		close(listen_any(&d.port));
	char conf[300];
	snprintf(conf, sizeof conf, "%s/sshd-%d", dir, d.port);
	keygen(host_key_type, at(host_key), "");
	struct str s = str_new(4096);
	str_add(&s, extra); /* the first value found holds */
	str_addf(&s, "ListenAddress 127.0.0.1\nPort %d\nHostKey %s/%s\nAuthorizedKeysFile %s/authorized\nPidFile none\n", d.port, dir,
	    host_key, dir);
	str_addf(&s, "SetEnv HOME=%s\n", dir); /* no rc file of whoever runs the test is read */
	str_add(&s, "PermitRootLogin prohibit-password\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\n"
		    "StrictModes no\nMaxStartups 100:30:200\nLogLevel ERROR\n");
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
	for (int i = 0; i < 500 && !answers(d.port); i++) {
		usleep(10000);
		if (waitpid(d.pid, NULL, WNOHANG) == d.pid)
			return (struct sshd){.port = d.port};
	}
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

void sshd_stop(struct sshd *d)
{
	if (d->pid <= 0)
		return;
	kill(d->pid, SIGSTOP);
	kill_children(d->pid);
	kill(d->pid, SIGKILL);
	waitpid(d->pid, NULL, 0);
	d->pid = 0;
}

struct sshd node;

void turn_until(const int *value, int wanted)
{
	int64_t end = mono_now_ms() + (getenv("SKYTOP_TORTURE") ? 200000 : 40000);
	while (*value < wanted && mono_now_ms() < end)
		loop_step(loop, 100);
	assert_true(*value >= wanted);
}

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

struct ssh_target target_of(int port, const char *key)
{
	struct ssh_target t = {.host = (char *)(uintptr_t)"127.0.0.1", .port = port, .no_agent = true, .known_hosts_path = at("known")};
	t.identity_files[0] = at(key);
	return t;
}

void connect_to(struct conn *c, const struct ssh_target *t)
{
	*c = (struct conn){.ready = 0};
	struct err err;
	c->s = ssh_open(loop, t, NULL, &(struct ssh_handlers){on_ready, on_lost, c}, &err);
	assert_non_null(c->s);
}

void connected(struct conn *c, const struct ssh_target *t)
{
	connect_to(c, t);
	turn_until(&c->settled, 1);
	if (c->lost)
		fail_msg("%s", c->err.text);
}

void refused(struct conn *c, const struct ssh_target *t, enum err_code code, const char *text)
{
	connect_to(c, t);
	turn_until(&c->settled, 1);
	assert_int_equal(c->lost, 1);
	if (c->err.code != code || !strstr(c->err.text, text))
		fail_msg("code %d, text: %s", c->err.code, c->err.text);
	ssh_destroy(c->s);
}

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
	c->why = x->err ? *x->err : (struct err){.code = ERR_NONE};
	snprintf(c->signal, sizeof c->signal, "%s", x->signal ? x->signal : "");
	if (c->all)
		++*c->all;
}

void exec(struct cmd *c, struct ssh *s, const char *command)
{
	c->out = str_new(1 << 20);
	c->err = str_new(1 << 20);
	struct err err;
	c->c = ssh_exec(s, command, &(struct ssh_channel_handlers){cmd_out, NULL, cmd_exit, c}, &err);
	assert_non_null(c->c);
}

void cmd_free(struct cmd *c)
{
	str_free(&c->out);
	str_free(&c->err);
}

void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

void library_leaks_begin(void)
{
	if (__lsan_disable)
		__lsan_disable();
}

void library_leaks_end(void)
{
	if (__lsan_enable)
		__lsan_enable();
}

void many(struct ssh *s, int n)
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

static void prepare(void)
{
	assert_non_null(mkdtemp(dir));
	setenv("SKYTOP_HOME", dir, 1);
	setenv("HOME", dir, 1);
	unsetenv("SSH_AUTH_SOCK");
	if (!geteuid())
		mkdir("/run/sshd", 0755); /* where sshd, as root, puts its unprivileged half */
	keygen("ed25519", at("key"), "");
	keygen("ed25519", at("stranger"), "");
	keygen("ed25519", at("locked"), "secret words");
	keygen("rsa", at("rsa"), "");
	char *pub = fs_read(at("key.pub"), 4096, NULL, NULL), *rsa = fs_read(at("rsa.pub"), 4096, NULL, NULL);
	char *locked = fs_read(at("locked.pub"), 4096, NULL, NULL), *both = xasprintf("%s%s%s", pub, rsa, locked);
	assert_int_equal(fs_write(at("authorized"), both, strlen(both), 0600, NULL), 0);
	free(both);
	free(locked);
	free(pub);
	free(rsa);
}

int setup(void **state)
{
	(void)state;
	prepare();
	loop = loop_create();
	node = sshd_start("ed25519", "host", 0, "");
	return 0;
}

int teardown(void **state)
{
	(void)state;
	sshd_stop(&node);
	loop_destroy(loop);
	return fs_remove_tree(dir, NULL);
}
