/* Being let in: files, the ssh-agent, certificates, RSA; against real sshd and a real agent. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/io/rpc.h"
#include "core/io/ssh_agent.h"
#include "core/io/ssh_keyfile.h"
#include "core/io/ssh_lib.h"
#include "tests/io/ssh_farm.h"

static bool old_library(void)
{
	struct ssh_lib lib;
	assert_int_equal(ssh_lib_open(&lib, NULL), 0);
	return !lib.version(0x010b00);
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
	refused(&c, &t, ERR_CREDENTIALS, "locked: has a passphrase, and no ssh-agent is known here: SSH_AUTH_SOCK is not set; add it with ssh-add");
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


/* ---- the agent ----------------------------------------------------------------------------------------------------- */

/* It lives as long as the command it was started with, and that as long as we hold its stdin: ssh-agent is set-group-ID, so it
 * cannot be told to die with us. */
struct agent {
	pid_t command;
	int stdin_fd;
};

static struct agent agent_start(void)
{
	static int n;
	char *path = xasprintf("%s-%d", at("agent"), n++);
	int fds[2];
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (!pid) {
		int log = open(at("agent.log"), O_WRONLY | O_CREAT | O_APPEND, 0600);
		dup2(fds[0], 0);
		dup2(log, 1);
		dup2(log, 2);
		execlp("ssh-agent", "ssh-agent", "-a", path, "cat", (char *)NULL);
		_exit(127);
	}
	close(fds[0]);
	/* It is there before anybody listens at it. */
	int fd = -1;
	for (int i = 0; i < 2000 && (fd = unix_connect(path, NULL)) < 0 && !waitpid(pid, NULL, WNOHANG); i++)
		usleep(10000);
	assert_true(fd >= 0);
	close(fd);
	setenv("SSH_AUTH_SOCK", path, 1);
	free(path);
	return (struct agent){pid, fds[1]};
}

static void agent_stop(struct agent a)
{
	close(a.stdin_fd);
	waitpid(a.command, NULL, 0);
	unsetenv("SSH_AUTH_SOCK");
}

/* With a passphrase, which the agent is told by a program that answers for a person. */
static void agent_add(const char *path, const char *passphrase)
{
	char *script = xasprintf("#!/bin/sh\necho '%s'\n", passphrase);
	assert_int_equal(fs_write(at("askpass"), script, strlen(script), 0700, NULL), 0);
	free(script);
	setenv("SSH_ASKPASS", at("askpass"), 1);
	setenv("SSH_ASKPASS_REQUIRE", "force", 1);
	run_to_end((const char *const[]){"ssh-add", "-q", path, NULL});
}

static void test_agent(void **state)
{
	(void)state;
	struct conn c;
	struct agent agent = agent_start();
	struct ssh_target t = target_of(node.port, "locked");
	refused(&c, &t, ERR_CREDENTIALS, "locked: has a passphrase, and the ssh-agent does not hold it; add it with ssh-add");
	agent_add(at("stranger"), "");
	agent_add(at("rsa"), "");
	agent_add(at("locked"), "secret words");
	/* The file's key is found among the agent's, and IdentitiesOnly allows it. */
	connected(&c, &t);
	many(c.s, 2);
	ssh_destroy(c.s);
	/* A public half alone is enough to name it. */
	t.identity_files[0] = at("locked.pub");
	connected(&c, &t);
	ssh_destroy(c.s);
	/* Without a word about keys all of the agent's are tried. */
	t.identity_files[0] = NULL;
	t.no_agent = false;
	connected(&c, &t);
	ssh_destroy(c.s);
	/* With IdentitiesOnly, none but those named. */
	t.identity_files[0] = at("stranger");
	t.no_agent = true;
	refused(&c, &t, ERR_CREDENTIALS, "stranger: refused by the host)");
	t.no_agent = false;
	connected(&c, &t);
	ssh_destroy(c.s);
	t.agent = (char *)(uintptr_t)"none";
	refused(&c, &t, ERR_CREDENTIALS, "stranger: refused by the host)");
	t.agent = at("no-agent");
	t.identity_files[0] = at("locked");
	refused(&c, &t, ERR_CREDENTIALS, "no ssh-agent answers at");
	agent_stop(agent);
}

/* Many connections at once share one agent, and an RSA key of the agent works where the library can sign with it. */
static void test_agent_many(void **state)
{
	(void)state;
	enum { N = 8 };
	struct conn c[N];
	struct agent agent = agent_start();
	agent_add(at("locked"), "secret words");
	struct ssh_target t = target_of(node.port, "locked");
	for (int i = 0; i < N; i++)
		connect_to(&c[i], &t);
	for (int i = 0; i < N; i++) {
		turn_until(&c[i].settled, 1);
		assert_int_equal(c[i].ready, 1);
		ssh_destroy(c[i].s);
	}
	agent_add(at("rsa"), "");
	t.identity_files[0] = at("rsa.pub");
	if (old_library()) {
		refused(&c[0], &t, ERR_CREDENTIALS, "rsa.pub (in the ssh-agent): an RSA key, which libssh2");
	} else {
		connected(&c[0], &t);
		ssh_destroy(c[0].s);
	}
	agent_stop(agent);
}

/* Agents that say nothing, nonsense, or no: never a hang, and always a word. */
static void test_bad_agents(void **state)
{
	(void)state;
	static const struct {
		const char *reply;
		size_t len;
		const char *text;
	} replies[] = {
	    {"\0\0\0\1\5", 5, "the ssh-agent does not tell its keys (is it locked?)"},
	    {"\377\377\377\377", 4, "what answers for the ssh-agent is none"},
	    {"", 0, "the ssh-agent hung up"},
	    {"\0\0\0\5\14\377\377\377\377", 9, "the ssh-agent does not hold it"},
	};
	struct conn c;
	struct ssh_target t = target_of(node.port, "locked");
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	snprintf(sa.sun_path, sizeof sa.sun_path, "%s", at("bad-agent"));
	t.agent = at("bad-agent");
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	assert_int_equal(listen(fd, 5), 0);
	for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
		pid_t pid = fork();
		if (!pid) {
			char buf[100];
			int peer = accept(fd, NULL, NULL);
			_exit(read(peer, buf, sizeof buf) < 0 || write(peer, replies[i].reply, replies[i].len) < 0);
		}
		refused(&c, &t, ERR_CREDENTIALS, replies[i].text);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
	}
	close(fd);
}

/* An agent that asks a person first holds up nothing else, and is not waited for longer than was said. */
static void test_agent_waits(void **state)
{
	(void)state;
	struct conn c, other;
	static const char script[] = "#!/bin/sh\nexec sleep 8\n";
	assert_int_equal(fs_write(at("person"), script, sizeof script - 1, 0700, NULL), 0);
	setenv("SSH_ASKPASS", at("person"), 1);
	setenv("SSH_ASKPASS_REQUIRE", "force", 1);
	struct agent agent = agent_start();
	run_to_end((const char *const[]){"ssh-add", "-q", "-c", at("key"), NULL});
	struct ssh_target t = target_of(node.port, "key.pub"), plain = target_of(node.port, "key");
	t.connect_timeout_ms = 2500;
	connect_to(&c, &t);
	connected(&other, &plain);
	many(other.s, 2);
	assert_int_equal(c.settled, 0);
	turn_until(&c.settled, 1);
	assert_int_equal(c.err.code, ERR_TIMEOUT);
	assert_non_null(strstr(c.err.text, "the ssh-agent has not signed"));
	ssh_destroy(other.s);
	ssh_destroy(c.s);
	agent_stop(agent);
}

/* A host that hangs up after one wrong key: that is said, and not that all the others were refused. */
static void test_few_tries(void **state)
{
	(void)state;
	struct conn c;
	struct sshd d = sshd_start("ed25519", "host", 0, "MaxAuthTries 1\n");
	struct ssh_target t = target_of(d.port, "stranger");
	t.identity_files[1] = at("key");
	refused(&c, &t, ERR_CREDENTIALS, "the host hung up on");
	t.identity_files[0] = at("key");
	t.identity_files[1] = NULL;
	connected(&c, &t);
	ssh_destroy(c.s);
	sshd_stop(&d);
}

static void sign_key(const char *type, const char *name, const char *user)
{
	keygen(type, at(name), "");
	char *pub = xasprintf("%s.pub", at(name));
	run_to_end((const char *const[]){"ssh-keygen", "-q", "-s", at("ca"), "-I", "test", "-n", user, pub, NULL});
	free(pub);
}

static void test_certificates(void **state)
{
	(void)state;
	struct conn c;
	char extra[300];
	keygen("ed25519", at("ca"), "");
	struct ssh_target t = target_of(node.port, "key");
	connected(&c, &t);
	char *user = xstrndup(ssh_name(c.s), strcspn(ssh_name(c.s), "@"));
	ssh_destroy(c.s);
	sign_key("ecdsa", "signed", user);
	sign_key("ed25519", "signed_ed", user);
	free(user);
	snprintf(extra, sizeof extra, "TrustedUserCAKeys %s\n", at("ca.pub"));
	struct sshd d = sshd_start("ed25519", "host", 0, extra);
	t = target_of(d.port, "signed");
	library_leaks_begin();
	connected(&c, &t);
	library_leaks_end();
	ssh_destroy(c.s);
	t.identity_files[0] = at("signed_ed");
	if (old_library()) {
		refused(&c, &t, ERR_CREDENTIALS, "signed_ed-cert.pub: an ed25519 certificate, which libssh2");
	} else {
		connected(&c, &t);
		ssh_destroy(c.s);
	}
	sshd_stop(&d);
}

static void test_keyfiles(void **state)
{
	(void)state;
	static const struct {
		const char *name, *type;
		bool is_private, locked;
	} files[] = {
	    {"key", "ssh-ed25519", true, false},	{"key.pub", "ssh-ed25519", false, false},
	    {"locked", "ssh-ed25519", true, true},	{"rsa", "ssh-rsa", true, false},
	    {"authorized", "ssh-ed25519", false, false}, {"sshd.log", "", false, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		size_t len;
		char *text = fs_read(at(files[i].name), SSH_KEYFILE_MAX, &len, NULL);
		struct ssh_keyfile k;
		ssh_keyfile_read(text, len, &k);
		assert_string_equal(k.type, files[i].type);
		assert_int_equal(k.is_private, files[i].is_private);
		assert_int_equal(k.locked, files[i].locked);
		assert_int_equal(k.blob != NULL, files[i].type[0] != 0);
		ssh_keyfile_clear(&k);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_keyfiles),
	    cmocka_unit_test(test_keys),
	    cmocka_unit_test(test_few_tries),
	    cmocka_unit_test(test_rsa),
	    cmocka_unit_test(test_certificates),
	    cmocka_unit_test(test_agent),
	    cmocka_unit_test(test_agent_many),
	    cmocka_unit_test(test_bad_agents),
	    cmocka_unit_test(test_agent_waits),
	};
	if (!sshd_path()) {
		puts("1..0 # SKIP sshd is not here (Debian: openssh-server)");
		return 0;
	}
	return cmocka_run_group_tests(tests, setup, teardown);
}
