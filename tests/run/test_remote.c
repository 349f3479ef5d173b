/* Commands on nodes over real sshd on loopback ports: whatever the login shell, whatever befalls the connection. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
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
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/io/loop.h"
#include "core/run/remote.h"

enum { FIRST_PORT = 22000, LAST_PORT = 22199, WAIT_MS = 120000 };

static char dir[] = "/tmp/skytop-remote.XXXXXX";
static struct loop *loop;
static struct remotes *remotes;
static int lost_hosts, back_hosts;

static char *at(const char *name)
{
	static char bufs[16][200];
	static int next;
	char *b = bufs[next++ % 16];
	snprintf(b, sizeof bufs[0], "%s/%s", dir, name);
	return b;
}

/* ---- servers ------------------------------------------------------------------------------------------------------- */

static const char *sshd_path(void)
{
	static const char *const paths[] = {"/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"};
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (!access(paths[i], X_OK))
			return paths[i];
	return NULL;
}

static void keygen(const char *path)
{
	if (fs_exists(path))
		return;
	pid_t pid = fork();
	if (!pid) {
		execlp("ssh-keygen", "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path, (char *)NULL);
		_exit(127);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static bool dial(int port, bool listening)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (!listening)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	bool yes = listening ? !connect(fd, (struct sockaddr *)&a, sizeof a) : !bind(fd, (struct sockaddr *)&a, sizeof a);
	close(fd);
	return yes;
}

static int free_port(void)
{
	int span = LAST_PORT - FIRST_PORT + 1, from = (int)getpid() % span;
	for (int i = 0; i < span; i++)
		if (dial(FIRST_PORT + (from + i) % span, false))
			return FIRST_PORT + (from + i) % span;
	fail_msg("no port is free");
	return 0;
}

struct sshd {
	pid_t pid;
	int port;
};

static void sshd_run(struct sshd *d, const char *extra)
{
	char *conf = at("sshd.conf");
	struct str s = str_new(4096);
	str_addf(&s, "ListenAddress 127.0.0.1\nPort %d\nHostKey %s/host\nAuthorizedKeysFile %s/authorized\nPidFile none\n", d->port, dir, dir);
	str_add(&s, "PermitRootLogin prohibit-password\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\n"
		    "StrictModes no\nLogLevel ERROR\n");
	str_addf(&s, "SetEnv HOME=%s\n", at("user")); /* whose rc files are not ours */
	str_add(&s, extra);
	assert_int_equal(fs_write(conf, str_text(&s), s.len, 0600, NULL), 0);
	str_free(&s);
	d->pid = fork();
	if (!d->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that breaks off leaves no server behind */
		int log = open(at("sshd.log"), O_WRONLY | O_CREAT | O_APPEND, 0600);
		dup2(log, 1);
		dup2(log, 2);
		execl(sshd_path(), sshd_path(), "-D", "-e", "-f", conf, (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 500 && !dial(d->port, true); i++)
		usleep(10000);
	assert_true(dial(d->port, true));
}

/* Connections have sessions of their own (setsid), so they are found as children. */
static void kill_children(pid_t parent)
{
	char path[64], line[4096];
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
static const char *const defaults = "";

/* A key whose commands go to another shell, as if that were the login shell. */
static void allow(const char *key, const char *shell)
{
	char *pub = xasprintf("%s.pub", at(key));
	struct str s = str_new(1 << 16);
	size_t len;
	keygen(at(key));
	char *text = fs_read(pub, 4096, &len, NULL), *before = fs_read(at("authorized"), 1 << 16, &len, NULL);
	assert_non_null(text);
	if (before)
		str_add(&s, before);
	if (shell)
		str_addf(&s, "command=\"%s\" ", shell);
	str_add(&s, text);
	assert_int_equal(fs_write(at("authorized"), str_text(&s), s.len, 0600, NULL), 0);
	str_free(&s);
	free(text);
	free(before);
	free(pub);
}

/* ---- commands ------------------------------------------------------------------------------------------------------ */

static json_t *reach_of(const char *key, const char *pin)
{
	json_t *j = json_pack("{s:s, s:s, s:i, s:[s], s:s, s:s, s:{s:s}}", "kind", "ssh", "host", "127.0.0.1", "port", node.port, "identity_files", at(key),
	    "pin", pin, "home", at("home"), "env", "GREETING", "it's \"me\" $HOME");
	assert_non_null(j);
	return j;
}

struct cmd {
	struct remote *remote;
	struct remote_call *call;
	struct str out, complaint;
	int over, waits, began;
	int64_t bytes;
	bool keep;
	enum remote_how how;
	int status;
	struct err err;
};

static void on_out(void *arg, bool is_err, const char *data, size_t len)
{
	struct cmd *c = arg;
	c->bytes += (int64_t)len;
	if (c->keep)
		str_addn(is_err ? &c->complaint : &c->out, data, len);
}

static void on_exit_(void *arg, const struct remote_exit *x)
{
	struct cmd *c = arg;
	c->remote = NULL;
	c->over++;
	c->how = x->how;
	c->status = x->status;
	if (x->err)
		c->err = *x->err;
}

static void on_waits(void *arg, const char *host, const struct err *why)
{
	struct cmd *c = arg;
	(void)host;
	c->waits += why != NULL;
	c->began += why == NULL;
}

static void on_done(void *arg, const char *out, size_t len, const struct err *err)
{
	struct cmd *c = arg;
	c->call = NULL;
	c->over++;
	str_addn(&c->out, out, len);
	c->err = err ? *err : (struct err){.code = ERR_NONE};
}

static void cmd_start(struct cmd *c, const json_t *reach, struct remote_spec spec)
{
	struct err err;
	*c = (struct cmd){.out = str_new(1 << 20), .complaint = str_new(1 << 20), .keep = true};
	spec.waits = on_waits;
	c->remote = remote_start(remotes, reach, &spec, &(struct remote_handlers){on_out, on_exit_, c}, &err);
	if (!c->remote)
		fail_msg("%s", err.text);
}

static void cmd_run(struct cmd *c, const json_t *reach, struct remote_spec spec)
{
	*c = (struct cmd){.out = str_new(1 << 20), .complaint = str_new(1 << 20)};
	spec.waits = on_waits;
	c->call = remote_run(remotes, reach, &spec, "the test", on_done, c);
}

static void cmd_clear(struct cmd *c)
{
	remote_destroy(c->remote);
	remote_cancel(c->call);
	str_free(&c->out);
	str_free(&c->complaint);
	c->remote = NULL;
	c->call = NULL;
}

static void turn_until(const int *value, int wanted)
{
	int64_t end = mono_now_ms() + WAIT_MS;
	while (*value < wanted && mono_now_ms() < end)
		loop_step(loop, 100);
	assert_true(*value >= wanted);
}

static void turn_for(int64_t ms)
{
	int64_t end = mono_now_ms() + ms;
	while (mono_now_ms() < end)
		loop_step(loop, 20);
}

static void expect(struct cmd *c, int status, const char *out)
{
	turn_until(&c->over, 1);
	if (c->how != REMOTE_EXITED || c->status != status || strcmp(str_text(&c->out), out))
		fail_msg("how %d status %d: %s%s\nout: %s", c->how, c->status, c->err.text, str_text(&c->complaint), str_text(&c->out));
	cmd_clear(c);
}

/* A command outlives a case that fails in its middle, so each is static: what comes of it afterwards goes where nobody looks. */

/* ---- tests --------------------------------------------------------------------------------------------------------- */

#define NEEDS_SSHD                                                                                                             \
	if (!sshd_path()) {                                                                                                    \
		print_message("# no sshd here\n");                                                                             \
		return;                                                                                                        \
	}

static void commands(void **state)
{
	(void)state;
	NEEDS_SSHD
	json_t *r = reach_of("key", "one");
	static struct cmd c, d;
	cmd_start(&c, r, (struct remote_spec){.command = "pwd; echo \"$GREETING\"; echo oops >&2; exit 3"});
	char *want = xasprintf("%s\nit's \"me\" $HOME\n", at("home"));
	turn_until(&c.over, 1);
	assert_string_equal(str_text(&c.complaint), "oops\n");
	expect(&c, 3, want);
	free(want);
	cmd_start(&c, r, (struct remote_spec){.command = "cat; kill -9 $$", .input = "some\ninput", .input_len = 10});
	cmd_start(&d, r, (struct remote_spec){.command = "sleep 60", .timeout_ms = 300});
	turn_until(&c.over, 1);
	assert_string_equal(str_text(&c.out), "some\ninput");
	assert_int_equal(c.how, REMOTE_SIGNALLED);
	assert_int_equal(c.status, 9);
	cmd_clear(&c);
	turn_until(&d.over, 1);
	assert_int_equal(d.how, REMOTE_TIMED_OUT);
	assert_int_equal(d.err.code, ERR_TIMEOUT);
	cmd_clear(&d);
	cmd_run(&c, r, (struct remote_spec){.command = "echo '{\"error\":{\"code\":\"not_found\",\"message\":\"no such job\"}}'; exit 4"});
	turn_until(&c.over, 1);
	assert_int_equal(c.err.code, ERR_NOT_FOUND);
	assert_string_equal(c.err.text, "the test: no such job");
	cmd_clear(&c);
	json_decref(r);
}

static void long_ones(void **state)
{
	(void)state;
	NEEDS_SSHD
	json_t *r = reach_of("key", "one");
	struct str s = str_new(1 << 20);
	static struct cmd c;
	str_add(&s, ": '");
	for (int i = 0; i < 3000; i++)
		str_add(&s, "a \"b\" $c `d`\n");
	str_add(&s, "'\ncat\necho done");
	cmd_start(&c, r, (struct remote_spec){.command = str_text(&s), .input = "input\n", .input_len = 6});
	expect(&c, 0, "input\ndone\n");
	int fd = open(at("file"), O_RDWR | O_CREAT | O_TRUNC, 0600);
	assert_int_equal(write(fd, str_text(&s), s.len), s.len);
	lseek(fd, 0, SEEK_SET);
	cmd_start(&c, r, (struct remote_spec){.command = "wc -c", .stdin_fd = fd});
	char *want = xasprintf("%zu\n", s.len);
	expect(&c, 0, want);
	free(want);
	close(fd);
	str_free(&s);
	json_decref(r);
}

static bool is_installed(const char *program)
{
	static const char *const folders[] = {"/bin", "/usr/bin", "/usr/local/bin"};
	bool yes = false;
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		char *path = path_join(folders[i], program);
		yes = yes || !access(path, X_OK);
		free(path);
	}
	return yes;
}

static void login_shells(void **state)
{
	(void)state;
	NEEDS_SSHD
	static const struct {
		const char *key, *program, *line;
	} shells[] = {{"fish", "fish", "exec fish -c \\\"$SSH_ORIGINAL_COMMAND\\\""},
	    {"zsh", "zsh", "exec zsh -c \\\"$SSH_ORIGINAL_COMMAND\\\""},
	    {"tcsh", "tcsh", "exec tcsh -c \\\"$SSH_ORIGINAL_COMMAND\\\""},
	    {"dash", "dash", "exec dash -c \\\"$SSH_ORIGINAL_COMMAND\\\""},
	    {"bash", "bash", "exec bash -c \\\"$SSH_ORIGINAL_COMMAND\\\""},
	    {"busybox", "busybox", "exec busybox sh -c \\\"$SSH_ORIGINAL_COMMAND\\\""},
	    {"noisy", "sh", "seq 1 20000; echo noise; echo noise >&2; exec sh -c \\\"$SSH_ORIGINAL_COMMAND\\\""},
	    {"nologin", "sh", "echo This account is not available; exit 1"}};
	enum { N = ARRAY_LEN(shells) };
	static const char text[] = "!\\ 'a' \"b\" $HOME `c` % \\\\ \\n * ~ {1,2} [x] ; & | < > # ^ \t!!\xc3\xa4";
	static struct cmd c[N][2];
	struct str command = str_new(1000), want = str_new(1000);
	str_add(&command, "printf '%s\\n' ");
	shell_quote(&command, text);
	str_add(&command, "\necho problem >&2\nexit 7");
	str_addf(&want, "%s\n", text);
	struct str lengthy = str_new(20000);
	str_addf(&lengthy, "# %08000d\n%s", 0, str_text(&command));
	bool there[N];
	for (size_t i = 0; i < N; i++) {
		there[i] = is_installed(shells[i].program);
		if (!there[i])
			print_message("# no %s here\n", shells[i].program);
		allow(shells[i].key, shells[i].line);
	}
	for (size_t i = 0; i < N; i++) {
		json_t *r = reach_of(shells[i].key, "one");
		for (int k = 0; k < 2 && there[i]; k++) {
			c[i][k] = (struct cmd){.over = 0};
			cmd_start(&c[i][k], r, (struct remote_spec){.command = str_text(k ? &lengthy : &command)});
		}
		json_decref(r);
	}
	for (size_t i = 0; i < N; i++) {
		for (int k = 0; k < 2 && there[i]; k++) {
			turn_until(&c[i][k].over, 1);
			if (strcmp(shells[i].key, "nologin")) {
				if (strcmp(str_text(&c[i][k].complaint), "problem\n"))
					fail_msg("%s: how %d status %d: %s; it said: %s", shells[i].key, (int)c[i][k].how, c[i][k].status, c[i][k].err.text,
					    str_text(&c[i][k].complaint));
				expect(&c[i][k], 7, str_text(&want));
				continue;
			}
			assert_int_equal(c[i][k].how, REMOTE_LOST);
			assert_non_null(strstr(c[i][k].err.text, "This account is not available"));
			cmd_clear(&c[i][k]);
		}
	}
	str_free(&command);
	str_free(&want);
	str_free(&lengthy);
}

static void much_output(void **state)
{
	(void)state;
	NEEDS_SSHD
	json_t *r = reach_of("key", "one");
	static struct cmd c, d;
	cmd_start(&c, r, (struct remote_spec){.command = "head -c 20000000 /dev/zero", .stream = true});
	c.keep = false;
	while (!c.bytes)
		loop_step(loop, 100);
	remote_pause(c.remote, true);
	cmd_start(&d, r, (struct remote_spec){.command = "echo meanwhile"});
	expect(&d, 0, "meanwhile\n");
	turn_for(100);
	int64_t held = c.bytes;
	turn_for(100);
	assert_int_equal(c.bytes, held);
	assert_true(held < 20000000);
	remote_pause(c.remote, false);
	turn_until(&c.over, 1);
	assert_int_equal(c.bytes, 20000000);
	assert_int_equal(c.status, 0);
	cmd_clear(&c);
	json_decref(r);
}

static bool alive(const char *pid_file)
{
	size_t len;
	char *text = fs_read(pid_file, 100, &len, NULL);
	bool yes = text && !kill((pid_t)strtol(text, NULL, 10), 0);
	free(text);
	return yes;
}

static void expect_dead(const char *pid_file)
{
	for (int i = 0; i < 600 && alive(pid_file); i++)
		turn_for(50);
	assert_false(alive(pid_file));
}

/* A stream ends on the node when nobody listens any more, however that comes. */
static void streams_end(void **state)
{
	(void)state;
	NEEDS_SSHD
	json_t *r = reach_of("key", "one");
	static struct cmd c;
	static const char command[] = "echo $$ > pid; sh -c 'echo $$ > pid2; sleep 100; :' & echo there; while :; do sleep 1; done";
	for (int i = 0; i < 2; i++) {
		cmd_start(&c, r, (struct remote_spec){.command = command, .stream = true});
		while (!c.bytes)
			loop_step(loop, 100);
		for (int k = 0; k < 3000 && !alive(at("home/pid2")); k++)
			turn_for(10);
		assert_true(alive(at("home/pid")) && alive(at("home/pid2")));
		if (i)
			kill_children(node.pid), turn_until(&c.over, 1);
		cmd_clear(&c);
		if (i)
			continue; /* the children were killed with the rest */
		expect_dead(at("home/pid"));
		expect_dead(at("home/pid2"));
	}
	cmd_start(&c, r, (struct remote_spec){.command = "echo all; exit 5", .stream = true});
	expect(&c, 5, "all\n");
	json_decref(r);
}

static void lost_and_again(void **state)
{
	(void)state;
	NEEDS_SSHD
	json_t *r = reach_of("key", "one");
	static struct cmd c, d;
	int fd = open(at("file"), O_RDWR | O_CREAT | O_TRUNC, 0600);
	assert_int_equal(write(fd, "0123456789", 10), 10);
	lseek(fd, 2, SEEK_SET);
	unlink(at("home/tries"));
	cmd_run(&c, r, (struct remote_spec){.command = "cat; echo x >> tries; test $(wc -l < tries) -gt 1 || sleep 100", .stdin_fd = fd, .retry_ms = 100000});
	cmd_start(&d, r, (struct remote_spec){.command = "echo here; sleep 100"});
	while (!d.bytes || !fs_exists(at("home/tries")))
		loop_step(loop, 50);
	kill_children(node.pid);
	turn_until(&d.over, 1);
	assert_int_equal(d.how, REMOTE_LOST);
	assert_int_equal(d.err.code, ERR_NETWORK);
	turn_until(&c.over, 1);
	if (c.err.code)
		fail_msg("%s", c.err.text);
	assert_string_equal(str_text(&c.out), "23456789");
	assert_true(c.waits >= 1);
	assert_true(c.began >= 1);
	cmd_clear(&c);
	cmd_clear(&d);
	close(fd);
	json_decref(r);
}

static void outage(void **state)
{
	(void)state;
	NEEDS_SSHD
	json_t *r = reach_of("key", "outage");
	static struct cmd c, d, e;
	struct err err;
	cmd_start(&c, r, (struct remote_spec){.command = "echo before"});
	expect(&c, 0, "before\n");
	sshd_stop(&node);
	turn_for(50);
	lost_hosts = back_hosts = 0;
	cmd_run(&c, r, (struct remote_spec){.command = "echo at last", .retry_ms = 100000, .timeout_ms = 60000});
	cmd_run(&d, r, (struct remote_spec){.command = "echo never", .retry_ms = 600});
	cmd_run(&e, r, (struct remote_spec){.command = "echo never"});
	turn_until(&e.over, 1);
	assert_int_equal(e.err.code, ERR_NETWORK);
	turn_until(&d.over, 1);
	assert_int_equal(d.err.code, ERR_NETWORK);
	assert_non_null(strstr(d.err.text, "refused"));
	cmd_clear(&d);
	cmd_clear(&e);
	turn_until(&c.waits, 4);
	assert_int_equal(lost_hosts, 1);
	assert_false(c.over);
	/* Whoever asks now is refused, unless it will be tried again at once: then he waits for that, and we for the next pause. */
	struct remote *now = NULL;
	for (int64_t end = mono_now_ms() + WAIT_MS; mono_now_ms() < end; turn_for(100)) {
		now = remote_start(remotes, r, &(struct remote_spec){.command = "echo now"}, &(struct remote_handlers){on_out, on_exit_, &d}, &err);
		if (!now)
			break;
		remote_destroy(now);
	}
	assert_null(now);
	assert_int_equal(err.code, ERR_NETWORK);
	sshd_run(&node, defaults);
	turn_until(&c.over, 1);
	if (c.err.code)
		fail_msg("%s", c.err.text);
	assert_string_equal(str_text(&c.out), "at last\n");
	assert_int_equal(back_hosts, 1);
	cmd_clear(&c);
	json_decref(r);
}

static void no_use_in_retrying(void **state)
{
	(void)state;
	NEEDS_SSHD
	keygen(at("stranger"));
	json_t *r = reach_of("stranger", "one"), *other = reach_of("key", "one");
	static struct cmd c;
	int64_t start = mono_now_ms();
	cmd_run(&c, r, (struct remote_spec){.command = "echo never", .retry_ms = 60000});
	turn_until(&c.over, 1);
	assert_int_equal(c.err.code, ERR_CREDENTIALS);
	cmd_clear(&c);
	json_object_set_new(other, "host", json_string("no-such-host.invalid"));
	cmd_run(&c, other, (struct remote_spec){.command = "echo never", .retry_ms = 60000, .timeout_ms = 60000});
	turn_until(&c.over, 1);
	assert_true(c.err.code == ERR_NOT_FOUND || c.err.code == ERR_NETWORK);
	cmd_clear(&c);
	json_object_set_new(other, "kind", json_string("carrier pigeon"));
	cmd_run(&c, other, (struct remote_spec){.command = "echo never", .retry_ms = 60000});
	turn_until(&c.over, 1);
	assert_int_equal(c.err.code, ERR_UNSUPPORTED);
	cmd_clear(&c);
	assert_true(mono_now_ms() - start < 20000);
	json_decref(r);
	json_decref(other);
}

/* More streams than sshd allows sessions on one connection, and short commands all the while. */
static void many_streams(void **state)
{
	(void)state;
	NEEDS_SSHD
	enum { STREAMS = 14, SHORT = 14 };
	json_t *r = reach_of("key", "one");
	static struct cmd s[STREAMS], c[SHORT];
	for (int i = 0; i < STREAMS; i++) {
		s[i] = (struct cmd){.over = 0};
		cmd_start(&s[i], r, (struct remote_spec){.command = "echo there; exec sleep 100", .stream = true});
	}
	for (int i = 0; i < SHORT; i++) {
		c[i] = (struct cmd){.over = 0};
		cmd_start(&c[i], r, (struct remote_spec){.command = "echo short", .timeout_ms = 60000});
	}
	for (int i = 0; i < SHORT; i++)
		expect(&c[i], 0, "short\n");
	for (int i = 0; i < STREAMS; i++) {
		for (int k = 0; k < 2000 && !s[i].bytes; k++)
			loop_step(loop, 50);
		assert_int_equal(s[i].bytes, 6);
		assert_false(s[i].over);
		cmd_clear(&s[i]);
	}
	json_decref(r);
}

/* One session a connection is little, and must do. */
static void few_sessions(void **state)
{
	(void)state;
	NEEDS_SSHD
	struct sshd strict = {.port = free_port()};
	sshd_run(&strict, "MaxSessions 1\n");
	json_t *r = reach_of("key", "strict");
	json_object_set_new(r, "port", json_integer(strict.port));
	static struct cmd s[2], c[2];
	for (int i = 0; i < 2; i++) {
		cmd_start(&s[i], r, (struct remote_spec){.command = "echo there; exec sleep 100", .stream = true});
		cmd_start(&c[i], r, (struct remote_spec){.command = "cat", .input = "short\n", .input_len = 6, .timeout_ms = 60000});
	}
	for (int i = 0; i < 2; i++)
		expect(&c[i], 0, "short\n");
	for (int i = 0; i < 2; i++) {
		for (int k = 0; k < 2000 && !s[i].bytes; k++)
			loop_step(loop, 50);
		assert_int_equal(s[i].bytes, 6);
		assert_false(s[i].over);
		cmd_clear(&s[i]);
	}
	json_decref(r);
	sshd_stop(&strict);
}

/* sshd drops some of those that come at once (MaxStartups 10:30:100): nobody hears of it. */
static void many_connections(void **state)
{
	(void)state;
	NEEDS_SSHD
	enum { MOST = 100 };
	int n = getenv("SKYTOP_TORTURE") ? MOST : 20;
	static struct cmd c[MOST];
	int64_t start = mono_now_ms();
	for (int i = 0; i < n; i++) {
		char pin[20];
		snprintf(pin, sizeof pin, "host-%d", i);
		json_t *r = reach_of("key", pin);
		c[i] = (struct cmd){.over = 0};
		cmd_start(&c[i], r, (struct remote_spec){.command = "echo hello", .timeout_ms = 100000});
		json_decref(r);
	}
	for (int i = 0; i < n; i++)
		expect(&c[i], 0, "hello\n");
	print_message("# %d connections to one sshd: %d ms\n", n, (int)(mono_now_ms() - start));
}

static void through_a_jump_host(void **state)
{
	(void)state;
	NEEDS_SSHD
	static struct cmd c[3];
	for (int i = 0; i < 3; i++) {
		char pin[20];
		snprintf(pin, sizeof pin, "behind-%d", i);
		json_t *r = reach_of("key", pin), *jump = reach_of("key", "jump");
		json_object_set_new(r, "jump", jump);
		c[i] = (struct cmd){.over = 0};
		cmd_start(&c[i], r, (struct remote_spec){.command = "echo $SSH_CONNECTION | wc -w"});
		json_decref(r);
	}
	for (int i = 0; i < 3; i++)
		expect(&c[i], 0, "4\n");
}

static void on_this_machine(void **state)
{
	(void)state;
	json_t *r = json_pack("{s:s, s:s, s:{s:s}}", "kind", "local", "home", at("home"), "env", "K", "v");
	static struct cmd c;
	cmd_start(&c, r, (struct remote_spec){.command = "pwd; echo $K; cat", .input = "in", .input_len = 2});
	char *want = xasprintf("%s\nv\nin", at("home"));
	expect(&c, 0, want);
	free(want);
	cmd_start(&c, r, (struct remote_spec){.command = "sleep 60", .timeout_ms = 100});
	turn_until(&c.over, 1);
	assert_int_equal(c.how, REMOTE_TIMED_OUT);
	cmd_clear(&c);
	json_decref(r);
}

static void on_host_lost(void *arg, const char *host, const struct err *err)
{
	(void)arg;
	(void)host;
	(void)err;
	lost_hosts++;
}

static void on_host_back(void *arg, const char *host)
{
	(void)arg;
	(void)host;
	back_hosts++;
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir) || mkdir(at("home"), 0700) || mkdir(at("user"), 0700))
		return -1;
	setenv("SKYTOP_HOME", at("skytop"), 1);
	loop = loop_create();
	remotes = remotes_create(loop, &(struct remotes_handlers){on_host_lost, on_host_back, NULL});
	if (!sshd_path())
		return 0;
	mkdir("/run/sshd", 0755);
	keygen(at("host"));
	allow("key", NULL);
	node.port = free_port();
	sshd_run(&node, defaults);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	remotes_destroy(remotes);
	loop_destroy(loop);
	sshd_stop(&node);
	fs_remove_tree(dir, NULL);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(on_this_machine),
	    cmocka_unit_test(commands),
	    cmocka_unit_test(long_ones),
	    cmocka_unit_test(login_shells),
	    cmocka_unit_test(much_output),
	    cmocka_unit_test(streams_end),
	    cmocka_unit_test(lost_and_again),
	    cmocka_unit_test(many_streams),
	    cmocka_unit_test(few_sessions),
	    cmocka_unit_test(no_use_in_retrying),
	    cmocka_unit_test(through_a_jump_host),
	    cmocka_unit_test(many_connections),
	    cmocka_unit_test(outage),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
