/* Entries for ssh: what is written, what cannot be, and what of a user's config counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "core/run/hosts.h"

static struct ssh_target target(struct ssh_target *jump)
{
	static char host[] = "10.0.0.7", user[] = "DOM\\ann", pin[] = "pool:one", known[] = "/d/known hosts";
	return (struct ssh_target){.host = host, .port = 2222, .user = user, .pin = pin, .known_hosts_path = known, .jump = jump};
}

static void test_entry(void **state)
{
	(void)state;
	struct err err;
	struct ssh_target t = target(NULL);
	struct str s = str_new(10000);
	assert_int_equal(hosts_entry(&s, "dev dev.skytop", "dev.skytop", &t, "/k/50%/0", &err), 0);
	assert_string_equal(str_text(&s),
	    "Host dev dev.skytop\n    Port 2222\n    HostName \"10.0.0.7\"\n    User \"DOM\\ann\"\n    UserKnownHostsFile \"/d/known hosts\"\n"
	    "    HostKeyAlias \"pool:one\"\n    ProxyJump none\n    StrictHostKeyChecking yes\n    UpdateHostKeys no\n    CheckHostIP no\n"
	    "    ServerAliveInterval 30\n    IdentityFile \"/k/50%%/0\"\n    IdentitiesOnly yes\n");
	str_free(&s);
}

static void test_jumps(void **state)
{
	(void)state;
	struct err err;
	struct ssh_target last = target(NULL), via = target(&last), t = target(&via);
	static char id[] = "/u/.ssh/id";
	via.identity_files[0] = id;
	struct str s = str_new(10000);
	assert_int_equal(hosts_entry(&s, "dev", "dev.skytop", &t, "/k", &err), 0);
	const char *text = str_text(&s);
	assert_non_null(strstr(text, "Host dev\n"));
	assert_non_null(strstr(text, "ProxyJump dev.skytop.jump\n"));
	assert_non_null(strstr(text, "Host dev.skytop.jump\n"));
	assert_non_null(strstr(text, "ProxyJump dev.skytop.jump.jump\n"));
	assert_non_null(strstr(text, "Host dev.skytop.jump.jump\n"));
	assert_non_null(strstr(text, "IdentityFile \"/u/.ssh/id\"\n"));
	str_free(&s);
}

static void test_what_cannot_be_written(void **state)
{
	(void)state;
	static char bad[][12] = {"a\nHost *", "a\"b", "", "tab\tless"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct err err;
		struct ssh_target t = target(NULL);
		struct str s = str_new(10000);
		t.host = bad[i];
		assert_int_equal(hosts_entry(&s, "dev", "dev", &t, "/k", &err), -1);
		assert_int_equal(err.code, ERR_INVALID);
		str_free(&s);
	}
}

static void test_names(void **state)
{
	(void)state;
	static const char config[] = "# Host no\nhost one two\n  HostName three\nHOST=\"four\" f*\n\tHost\tfive\r\nMatch host six\nHost seven";
	const struct {
		const char *name;
		bool is;
	} t[] = {{"one", true}, {"two", true}, {"three", false}, {"four", true}, {"five", true}, {"FIVE", true}, {"six", false}, {"seven", true},
	    {"no", false}, {"fxx", false}, {"on", false}, {"", false}};
	for (size_t i = 0; i < sizeof t / sizeof *t; i++)
		assert_int_equal(hosts_is_named(config, strlen(config), t[i].name), t[i].is);
	assert_false(hosts_is_named("", 0, "one"));
}

static void test_include(void **state)
{
	(void)state;
	const char *line = "Include ~/.local/share/skytop/ssh/config.d/*", *q = "Include \"/a b/*\"";
	const char *has = "Host x\n\n  include   ~/.local/share/skytop/ssh/config.d/* \r\n";
	const char *not = "Include ~/.ssh/other\n# Include ~/.local/share/skytop/ssh/config.d/*\n";
	assert_true(hosts_is_included(has, strlen(has), line));
	assert_false(hosts_is_included(not, strlen(not), line));
	assert_true(hosts_is_included(q, strlen(q), q));
	assert_false(hosts_is_included("", 0, line));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_entry), cmocka_unit_test(test_jumps), cmocka_unit_test(test_what_cannot_be_written), cmocka_unit_test(test_names),
	    cmocka_unit_test(test_include)};
	return cmocka_run_group_tests_name("run/hosts", tests, NULL, NULL);
}
