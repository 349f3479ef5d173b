/* Hooks become one script: which of them run at which event, in what order, and what its status is. Run by sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/run/hooks.h"

static const char config[] =
    "{\"hooks\":[{\"run\":\"echo all >> $OUT; exit 3\",\"timeout\":10},"
    "{\"run\":\"echo \\\"it's $SKYTOP_HOOK_EVENT\\\" >> $OUT\",\"events\":[\"stop\"],\"timeout\":20},"
    "{\"run\":\"echo down >> $OUT\",\"events\":[\"down\",\"preemption\"]},"
    "{\"run\":\"sleep 20\",\"events\":[\"down\"],\"timeout\":1}]}";

static int run(const char *script, const char *event)
{
	setenv("SKYTOP_HOOK_EVENT", event, 1);
	const char *const argv[] = {"sh", "-c", script, NULL};
	pid_t pid;
	int status = -1;
	assert_int_equal(posix_spawnp(&pid, "sh", NULL, NULL, (char *const *)(uintptr_t)argv, environ), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void check(const char *const *events, const char *event, int status, const char *said)
{
	char dir[] = "/tmp/skytop-hooks-XXXXXX";
	assert_non_null(mkdtemp(dir));
	char *out = path_join(dir, "out");
	setenv("OUT", out, 1);
	json_t *j = json_parse(config, strlen(config), NULL);
	struct str s = str_new(100000);
	assert_true(hooks_script(&s, j, events, NULL));
	assert_int_equal(run(str_text(&s), event), status);
	char *text = fs_read(out, 1000, NULL, NULL);
	assert_string_equal(text ? text : "", said);
	free(text);
	str_free(&s);
	json_decref(j);
	fs_remove_tree(dir, NULL);
	free(out);
}

static void test_events(void **state)
{
	(void)state;
	check(hooks_at_autostop, "stop", 3, "all\nit's stop\n");
	check(hooks_at_preemption, "preemption", 3, "all\ndown\n");
}

/* timeout may be missing where this is built: then there is no limit, and nothing to see. */
static void test_time(void **state)
{
	(void)state;
	if (access("/usr/bin/timeout", X_OK)) {
		print_message("# there is no timeout here\n");
		return;
	}
	check(hooks_at_autostop, "down", 124, "all\ndown\n");
}

static void test_none(void **state)
{
	(void)state;
	struct str s = str_new(1000);
	int64_t t = 7;
	static const char one[] = "{\"hooks\":[{\"run\":\"x\",\"events\":[\"preemption\"]}]}";
	json_t *j = json_parse(one, strlen(one), NULL);
	assert_false(hooks_script(&s, NULL, hooks_at_autostop, &t));
	assert_false(hooks_script(&s, j, hooks_at_autostop, &t));
	assert_int_equal(s.len + (size_t)t, 7);
	assert_true(hooks_script(&s, j, hooks_at_preemption, &t));
	assert_int_equal(t, 3600);
	str_free(&s);
	json_decref(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_events), cmocka_unit_test(test_time), cmocka_unit_test(test_none)};
	return cmocka_run_group_tests_name("run/hooks", tests, NULL, NULL);
}
