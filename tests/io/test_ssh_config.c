/* What an ssh config says about a host, and pinned keys in whole and damaged files: text in, answer out. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/io/ssh_config.h"
#include "core/io/ssh_known.h"

static char dir[] = "/tmp/skytop-sshconf.XXXXXX";

/* "user@host:port key,key <jump", or the error. */
static void show(struct str *out, const struct ssh_target *t)
{
	str_addf(out, "%s@%s:%d", t->user ? t->user : "-", t->host, t->port);
	for (int i = 0; i < SSH_IDENTITIES_MAX && t->identity_files[i]; i++)
		str_addf(out, "%c%s", i ? ',' : ' ', t->identity_files[i]);
	if (t->no_agent)
		str_add(out, " no-agent");
	if (t->pin)
		str_addf(out, " pin %s", t->pin);
	if (t->agent)
		str_addf(out, " agent %s", t->agent);
	if (t->jump) {
		str_add(out, " <");
		show(out, t->jump);
	}
}

static void check(const char *config, const char *text, const char *wanted)
{
	char *path = path_join(dir, "config");
	struct err err = {.code = ERR_NONE};
	assert_int_equal(fs_write(path, config, strlen(config), 0600, NULL), 0);
	struct ssh_target *t = ssh_target_of_config(path, text, &err), *copy = t ? ssh_target_copy(t) : NULL;
	struct str s = str_new(4000);
	if (t)
		show(&s, copy);
	else
		str_add(&s, err.text);
	if (!(t ? !strcmp(str_text(&s), wanted) : !!strstr(str_text(&s), wanted)))
		fail_msg("%s: \"%s\", wanted \"%s\"", text, str_text(&s), wanted);
	str_free(&s);
	ssh_target_free(t);
	ssh_target_free(copy);
	free(path);
}

static void test_targets(void **state)
{
	(void)state;
	static const char *const table[][3] = {
	    {"", "h", "-@h:0"},
	    {"", "me@h:2222", "me@h:2222"},
	    {"", "ssh://me@[::1]:2222", "me@::1:2222"},
	    {"", "fe80::1", "-@fe80::1:0"},
	    {"", "me@", "not [USER@]HOST"},
	    {"", "h:0", "not [USER@]HOST"},
	    {"", "h:x", "not [USER@]HOST"},
	    {"", "[::1", "bracket"},
	    {"", "a b", "not [USER@]HOST"},
	    {"Host gpu\n HostName 10.0.0.5\n User ubuntu\n Port 2200\n", "gpu", "ubuntu@10.0.0.5:2200"},
	    {"host=gpu\n\thostname = 10.0.0.5\r\nUSER=\"an na\"\n", "gpu", "an na@10.0.0.5:0"},
	    {"Host gpu\n HostName 10.0.0.5\n", "cpu", "-@cpu:0"},
	    {"Host gpu-* !gpu-9\n User a\nHost *\n User b\n", "gpu-1", "a@gpu-1:0"},
	    {"Host gpu-* !gpu-9\n User a\nHost *\n User b\n", "gpu-9", "b@gpu-9:0"},
	    {"Host node?\n HostName %h.lan\n", "node7", "-@node7.lan:0"},
	    {"User first\nUser second\n", "h", "first@h:0"},
	    {"User u\n", "me@h", "me@h:0"},
	    {"IdentityFile /k/1\nHost h\nIdentityFile /k/%h\nIdentitiesOnly yes\n", "h", "-@h:0 /k/1,/k/h no-agent"},
	    {"IdentityAgent /run/%h/agent\nIdentityAgent none\n", "h", "-@h:0 agent /run/h/agent"},
	    {"IdentityAgent none\n", "h", "-@h:0 agent none"},
	    {"Host h\nIdentityAgent SSH_AUTH_SOCK\nHost *\nIdentityAgent none\n", "h", "-@h:0"},
	    {"IdentityAgent $NO_SUCH_VARIABLE\n", "h", "-@h:0 agent none"},
	    {"Match exec true\n User x\nMatch all\n User y\n", "h", "y@h:0"},
	    {"Host a\n ProxyJump u@b:7\nHost b\n HostName 1.2.3.4\n", "a", "-@a:0 <u@1.2.3.4:7"},
	    {"Host a\n ProxyJump b,c\n", "a", "-@a:0 <-@c:0 <-@b:0"},
	    {"Host a\n ProxyJump none\nHost *\n ProxyJump b\n", "a", "-@a:0"},
	    {"Host a\n ProxyJump b\nHost b\n ProxyJump a\n", "a", "circle"},
	    {"Host a\n ProxyCommand nc -x p %h %p\n", "a", "config:2 says that it is reached by ProxyCommand \"nc -x p %h %p\""},
	    {"Host a\n ProxyCommand ssh -q -W %h:%p u@b:7\nHost b\n HostName 1.2.3.4\n", "a", "-@a:0 <u@1.2.3.4:7"},
	    {"Host a\n ProxyCommand ssh b -W [%h]:%p\n", "a", "-@a:0 <-@b:0"},
	    {"Host a\n ProxyCommand ssh b nc %h %p\n", "a", "say ProxyJump HOST"},
	    {"Host a\n ProxyCommand ssh -W other:22 b\n", "a", "say ProxyJump HOST"},
	    {"Host a\n ProxyCommand none\nHost *\n ProxyCommand nc\n", "a", "-@a:0"},
	    {"Host a\n HostKeyAlias it\nHost *\n HostKeyAlias all\n", "a", "-@a:0 pin it"},
	    {"HostKeyAlias\n", "a", "config:1: HostKeyAlias has no value"},
	    {"Host a\n ProxyJump b\n ProxyCommand nc\n", "a", "-@a:0 <-@b:0"},
	    {"\n# c\nPort 99999\n", "h", "config:3: Port is a number"},
	    {"HostName\n", "h", "config:1: HostName has no value"},
	    {"Include none-of-these-*\nForwardAgent yes\n", "h", "-@h:0"},
	};
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		check(table[i][0], table[i][1], table[i][2]);
}

static void test_include(void **state)
{
	(void)state;
	char *more = path_join(dir, "more.conf"), *config = xasprintf("Host a\nInclude %s/*.conf\nHost *\nUser late\n", dir);
	assert_int_equal(fs_write(more, "User early\nHost other\nPort 9\n", 29, 0600, NULL), 0);
	check(config, "a", "early@a:0");
	check(config, "b", "late@b:0");
	free(config);
	config = xasprintf("Include %s/*\n", dir); /* itself too: ends by depth and number */
	check(config, "h", "early@h:0");
	free(config);
	assert_int_equal(fs_write(more, "Port x\n", 7, 0600, NULL), 0);
	config = xasprintf("Include %s\n", more);
	check(config, "h", "more.conf:1: Port");
	free(config);
	free(more);
}

#define KEY1 "AAAAC3NzaC1lZDI1NTE5AAAA"
#define KEY2 "BAAAC3NzaC1lZDI1NTE5AAAA"

static void test_known(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum ssh_known wanted;
		int line;
	} table[] = {
	    {"", SSH_KNOWN_NEW, 0},
	    {"h:22 ssh-ed25519 " KEY1 "\n", SSH_KNOWN_SAME, 1},
	    {"# x\n\nh:22 ssh-ed25519 " KEY1 " a comment", SSH_KNOWN_SAME, 3},
	    {"h:22\tssh-ed25519  " KEY1 "\r\n", SSH_KNOWN_SAME, 1},
	    {"h:22 ssh-ed25519 " KEY2 "\n", SSH_KNOWN_CHANGED, 1},
	    {"h:22 ssh-rsa " KEY1 "\n", SSH_KNOWN_CHANGED, 1},
	    {"h:2 ssh-ed25519 " KEY2 "\nhh:22 ssh-ed25519 " KEY2 "\n", SSH_KNOWN_NEW, 0},
	    {"h:22", SSH_KNOWN_DAMAGED, 1},
	    {"h:22 ssh-ed25519\n", SSH_KNOWN_DAMAGED, 1},
	    {"h:22 ssh-ed25519 AAAAC3Nza", SSH_KNOWN_DAMAGED, 1},
	    {"h:22 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AA\x01\x02", SSH_KNOWN_DAMAGED, 1},
	    {"h:22 ssh\x80 " KEY1, SSH_KNOWN_DAMAGED, 1},
	    {"\x01\xff\n\nh:22 ssh-ed25519 " KEY1, SSH_KNOWN_SAME, 3},
	};
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct ssh_pin pin;
		enum ssh_known k = ssh_known_check(table[i].text, strlen(table[i].text), "h:22", "ssh-ed25519", KEY1, &pin);
		if (k != table[i].wanted || pin.line != table[i].line)
			fail_msg("row %zu: %d line %d", i, k, pin.line);
	}
}

/* What is not ours to judge stays in the file. */
static void test_known_file(void **state)
{
	(void)state;
	char *path = path_join(dir, "sub/known");
	size_t len;
	assert_int_equal(ssh_known_add(path, "a:22", "t", KEY1, NULL), 0);
	assert_int_equal(fs_write(path, "junk\xff\na:22 t " KEY1 "\nlast", 42, 0600, NULL), 0);
	assert_int_equal(ssh_known_add(path, "b:22", "t", KEY2, NULL), 0);
	assert_int_equal(ssh_known_forget(path, "a:22", NULL), 0);
	char *text = ssh_known_load(path, &len, NULL);
	assert_string_equal(text, "junk\xff\nlast\nb:22 t " KEY2 "\n");
	free(text);
	assert_int_equal(ssh_known_add(path, "b:22", "t", KEY1, NULL), 0); /* a name has one line */
	assert_int_equal(ssh_known_add(path, "c:22", "t", KEY2, NULL), 0);
	text = ssh_known_load(path, &len, NULL);
	assert_string_equal(text, "junk\xff\nlast\nb:22 t " KEY1 "\nc:22 t " KEY2 "\n");
	free(text);
	setenv("SKYTOP_HOME", dir, 1);
	assert_int_equal(ssh_known_forget(NULL, "c:22", NULL), 0);
	char *own = home_path(HOME_DATA, "known_hosts");
	assert_int_equal(ssh_known_add(own, "c:22", "t", KEY2, NULL), 0);
	assert_int_equal(ssh_known_forget(NULL, "c:22", NULL), 0);
	text = ssh_known_load(own, &len, NULL);
	assert_string_equal(text, "");
	free(text);
	free(own);
	struct err err;
	assert_null(ssh_known_load(dir, &len, &err)); /* a folder in its place is no empty file */
	assert_int_equal(ssh_known_add(dir, "a", "t", KEY1, &err), -1);
	free(path);
	char *b = ssh_base64("\xff\xfe\x00z", 4), *c = ssh_base64("", 0), *d = ssh_base64("ab", 2);
	assert_string_equal(b, "//4Aeg==");
	assert_string_equal(c, "");
	assert_string_equal(d, "YWI=");
	free(b);
	free(c);
	free(d);
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	char *lock = xasprintf("%s.lock", dir);
	unlink(lock);
	free(lock);
	return fs_remove_tree(dir, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_targets),
	    cmocka_unit_test(test_include),
	    cmocka_unit_test(test_known),
	    cmocka_unit_test(test_known_file),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
