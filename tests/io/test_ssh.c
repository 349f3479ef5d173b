/* SSH against real sshd on loopback ports. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/io/ssh_keyfile.h"
#include "core/io/ssh_known.h"
#include "tests/io/ssh_farm.h"

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

/* A command that is at work when its host closes the channel did not end with 0. sshd before 9.2 has no such option. */
static void test_no_status(void **state)
{
	(void)state;
	struct conn c;
	struct sshd d = sshd_start("ed25519", "host", 0, "ChannelTimeout session:*=2s\n");
	if (!d.pid) {
		puts("# this sshd has no ChannelTimeout");
		return;
	}
	struct ssh_target t = target_of(d.port, "key");
	connected(&c, &t);
	struct cmd k = {.done = 0}, fine = {.done = 0};
	exec(&k, c.s, "exec sleep 100");
	exec(&fine, c.s, ":");
	turn_until(&k.done, 1);
	turn_until(&fine.done, 1);
	assert_int_equal(k.how, SSH_LOST);
	assert_non_null(strstr(k.why.text, "did not say how the command ended"));
	assert_int_equal(fine.how, SSH_EXITED);
	assert_int_equal(c.lost, 0);
	ssh_destroy(c.s);
	sshd_stop(&d);
	cmd_free(&k);
	cmd_free(&fine);
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
	for (int i = 0; i < 8000000 / 16; i++)
		assert_int_equal(write(fd, "0123456789abcde\n", 16), 16);
	lseek(fd, 0, SEEK_SET);
	struct cmd k = {.counted = true};
	exec(&k, c.s, "cat");
	ssh_channel_feed(k.c, fd);
	turn_until(&k.done, 1);
	assert_int_equal(k.n, 8000000);
	assert_int_equal(k.bad, 0);
	ssh_destroy(c.s);
	cmd_free(&k);
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
		assert_int_equal(cmds[i].why.code, ERR_NETWORK);
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

/* Forty at once, each a host of its own as far as its key is concerned; all keys are learned. */
static void test_many_connections(void **state)
{
	(void)state;
	enum { N = 40 };
	struct conn c[N];
	char pins[N][20], known[20];
	struct ssh_target t = target_of(node.port, "key");
	snprintf(known, sizeof known, "many");
	t.known_hosts_path = at(known);
	for (int i = 0; i < N; i++) {
		snprintf(pins[i], sizeof pins[i], "node-%d", i);
		t.pin = pins[i];
		connect_to(&c[i], &t);
	}
	for (int i = 0; i < N; i++) {
		turn_until(&c[i].settled, 1);
		assert_int_equal(c[i].ready, 1);
	}
	for (int i = 0; i < N; i += 13)
		many(c[i].s, 1);
	size_t len;
	char *text = ssh_known_load(t.known_hosts_path, &len, NULL);
	for (int i = 0; i < N; i++) {
		assert_int_equal(ssh_known_check(text, len, pins[i], NULL, NULL, NULL), SSH_KNOWN_SAME);
		ssh_destroy(c[i].s);
	}
	free(text);
}

/* New keys are agreed upon in the middle of transfers both ways, many times. */
static void test_rekey(void **state)
{
	(void)state;
	enum { SIZE = 4000000 };
	struct conn c;
	struct sshd d = sshd_start("ed25519", "host", 0, "RekeyLimit 1M\n");
	struct ssh_target t = target_of(d.port, "key");
	library_leaks_begin();
	connected(&c, &t);
	int fd = open(at("rekey"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	for (int i = 0; i < SIZE / 16; i++)
		assert_int_equal(write(fd, "0123456789abcde\n", 16), 16);
	lseek(fd, 0, SEEK_SET);
	struct cmd both = {.counted = true}, down = {.counted = true};
	exec(&both, c.s, "cat");
	ssh_channel_feed(both.c, fd);
	exec(&down, c.s, "yes 0123456789abcde | head -c 4000000");
	turn_until(&both.done, 1);
	turn_until(&down.done, 1);
	assert_int_equal(both.n, SIZE);
	assert_int_equal(down.n, SIZE);
	assert_int_equal(both.bad + down.bad, 0);
	many(c.s, 3);
	ssh_destroy(c.s);
	library_leaks_end();
	sshd_stop(&d);
	cmd_free(&both);
	cmd_free(&down);
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

/* Made once, however many ask for it at once; what a process that was killed left behind does not count. */
static void test_own_key(void **state)
{
	(void)state;
	enum { N = 4 };
	pid_t pids[N];
	assert_int_equal(fs_mkdirs(at("data/keys"), NULL), 0);
	assert_int_equal(fs_write(at("data/keys/id_ed25519.pub"), "half\n", 5, 0600, NULL), 0);
	assert_int_equal(fs_write(at("data/keys/.new"), "half\n", 5, 0600, NULL), 0);
	for (int i = 0; i < N; i++) {
		pids[i] = fork();
		if (!pids[i])
			_exit(!ssh_own_key(NULL));
	}
	int status;
	for (int i = 0; i < N; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	struct err err;
	char *path = ssh_own_key(&err), *pub = xasprintf("%s.pub", path);
	assert_non_null(path);
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	struct ssh_keyfile k, p;
	size_t len, pub_len;
	char *text = fs_read(path, SSH_KEYFILE_MAX, &len, NULL), *half = fs_read(pub, SSH_KEYFILE_MAX, &pub_len, NULL);
	ssh_keyfile_read(text, len, &k);
	ssh_keyfile_read(half, pub_len, &p);
	assert_true(k.blob && p.blob && k.blob_len == p.blob_len);
	assert_memory_equal(k.blob, p.blob, k.blob_len);
	ssh_keyfile_clear(&k);
	ssh_keyfile_clear(&p);
	free(text);
	free(half);
	free(path);
	free(pub);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_exec),
	    cmocka_unit_test(test_no_status),
	    cmocka_unit_test(test_big_output),
	    cmocka_unit_test(test_stdin_stream),
	    cmocka_unit_test(test_many_channels),
	    cmocka_unit_test(test_host_key),
	    cmocka_unit_test(test_host_down),
	    cmocka_unit_test(test_killed),
	    cmocka_unit_test(test_silence),
	    cmocka_unit_test(test_jump),
	    cmocka_unit_test(test_many_connections),
	    cmocka_unit_test(test_rekey),
	    cmocka_unit_test(test_kill_channel),
	    cmocka_unit_test(test_own_key),
	};
	if (!sshd_path()) {
		puts("1..0 # SKIP sshd is not here (Debian: openssh-server)");
		return 0;
	}
	return cmocka_run_group_tests(tests, setup, teardown);
}
