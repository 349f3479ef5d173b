/* Settings: defaults, what is wrong with a file and that it never stops anything, and changing one without touching the
 * rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "core/model/config.h"

static struct config *parse(const char *text)
{
	return config_parse(text, strlen(text), "c.yaml");
}

static void test_defaults(void **state)
{
	(void)state;
	struct config *c = parse("");
	assert_int_equal(config_n_problems(c), 0);
	assert_int_equal(config_int(c, "catalog.max_age_hours"), 7);
	assert_int_equal(config_int(c, "autostop.default_minutes"), -1);
	assert_int_equal(config_int(c, "launch.max_hourly_cost"), PRICE_UNKNOWN);
	assert_true(config_bool(c, "local.enabled"));
	assert_false(config_bool(c, "sim.enabled"));
	assert_string_equal(config_source(c, "theme"), "default");
	size_t n = 9;
	assert_null(config_clouds(c, "clouds", &n)[0]);
	assert_int_equal(n, 0);
	config_destroy(c);
	/* The table itself: every default is a value that would be accepted, every setting has its sentence. */
	for (size_t i = 0; i < config_n_keys; i++) {
		struct err err = {0};
		if (config_check(config_keys[i].name, config_keys[i].dflt, &err))
			fail_msg("%s", err.text);
		assert_true(str_ends(config_keys[i].help, ".") || str_ends(config_keys[i].help, "?"));
	}
}

static void test_values(void **state)
{
	(void)state;
	struct config *c = parse("clouds: [AWS, k8s]\ncatalog:\n  max_age_hours: 24\nautostop: {default_minutes: 2h}\n"
				 "launch: {max_hourly_cost: 2.5}\nsim:\n  scenario: crowded\n  seed: 5\nui:\n");
	assert_int_equal(config_n_problems(c), 0);
	assert_string_equal(config_clouds(c, "clouds", NULL)[1], "kubernetes");
	assert_string_equal(config_shown(c, "clouds"), "aws,kubernetes");
	assert_string_equal(config_source(c, "catalog.max_age_hours"), "c.yaml:3");
	assert_int_equal(config_int(c, "autostop.default_minutes"), 120);
	assert_int_equal(config_int(c, "launch.max_hourly_cost"), 2500000);
	json_t *sim = config_section(c, "sim");
	assert_int_equal(json_integer_value(json_object_get(sim, "seed")), 5);
	assert_string_equal(json_string_value(json_object_get(sim, "scenario")), "crowded");
	assert_true(json_is_false(json_object_get(sim, "enabled")));
	json_decref(sim);
	config_destroy(c);
}

static const struct {
	const char *text, *problem;
} wrong[] = {
    {"catalgo:\n  url: x\n", "c.yaml:1:1: there is no setting 'catalgo'"},
    {"catalog:\n  max_age_huors: 5\n",
	"c.yaml:2:3: there is no setting 'catalog.max_age_huors'; did you mean 'catalog.max_age_hours'?"},
    {"catalog: 5\n", "c.yaml:1:10: 'catalog' must be a map of settings"},
    {"catalog: {max_age_hours: 0}\n", "c.yaml:1:26: catalog.max_age_hours must be a whole number from 1"},
    {"catalog: {max_age_hours: soon}\n", "not 'soon'; the default (7) is used"},
    {"catalog: {url: ftp://x}\n", "must be a URL"},
    {"clouds: aws\n", "must be a list of clouds"},
    {"clouds: [aws, gpc]\n", "names 'gpc', which is no known cloud; did you mean 'gcp'?; the default (empty) is used"},
    {"ui: {mouse: 1}\n", "ui.mouse must be true or false"},
    {"launch: {max_hourly_cost: -1}\n", "must be dollars"},
    {"local: {price_per_hour: '1'}\n", "must be dollars"},
    {"autostop: {default_minutes: -5}\n", "or never"},
    {"theme: [a]\n", "must be text"},
    {"aws: {specific_reservations: [cr-1, [2]]}\n", "must be text"},
    {"- a\n", "c.yaml:1:1: must be a map of settings"},
    {"theme: a\ntheme: b\n", "c.yaml:2:1: duplicate key 'theme'"},
    {"a: [\n", "defaults are used for everything"},
    {"theme: a\n---\ntheme: b\n", "only the first document"},
    {"\xff", "not UTF-8"},
};

static void test_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct config *c = parse(wrong[i].text);
		if (config_n_problems(c) != 1 || !strstr(config_problem(c, 0), wrong[i].problem))
			fail_msg("%s: %s", wrong[i].text, config_n_problems(c) ? config_problem(c, 0) : "accepted");
		assert_int_equal(config_int(c, "catalog.max_age_hours"), 7);
		config_destroy(c);
	}
	/* Several may be a list. */
	struct config *several = parse("aws: {regions: [us-east-1, us-west-2], subnet_names: 'a, b'}\n");
	assert_int_equal(config_n_problems(several), 0);
	assert_string_equal(config_text(several, "aws.regions"), "us-east-1,us-west-2");
	assert_string_equal(config_text(several, "aws.subnet_names"), "a, b");
	config_destroy(several);
	/* One slip does not spoil the rest. */
	struct config *c = parse("ui: {mouse: 7, ascii: true}\ntheme: mine\n");
	assert_int_equal(config_n_problems(c), 1);
	assert_true(config_bool(c, "ui.mouse") && config_bool(c, "ui.ascii"));
	assert_string_equal(config_text(c, "theme"), "mine");
	config_destroy(c);
}

/* --- changing ---------------------------------------------------------------------------------------------------- */

static char dir[64], path[128];

static int make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/skytop-config.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof path, "%s/sub/config.yaml", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	return fs_remove_tree(dir, NULL);
}

static void write_file(const char *text)
{
	struct err err = {0};
	char *folder = xasprintf("%s/sub", dir);
	assert_int_equal(fs_mkdirs(folder, &err), 0);
	assert_int_equal(fs_write(path, text, strlen(text), 0600, &err), 0);
	free(folder);
}

static void has(const char *text)
{
	char *now = fs_read(path, 1 << 20, NULL, NULL);
	assert_non_null(now);
	assert_string_equal(now, text);
	free(now);
}

static void set(const char *name, const char *value)
{
	struct err err = {0};
	if (config_set(path, name, value, &err))
		fail_msg("%s", err.text);
}

static void test_set(void **state)
{
	(void)state;
	set("theme", "dark");
	has("theme: \"dark\"\n");
	set("catalog.max_age_hours", "9");
	set("ui.mouse", "no");
	set("catalog.url", "https://x/#y");
	set("clouds", "aws, gcp");
	has("theme: \"dark\"\ncatalog:\n  max_age_hours: 9\n  url: \"https://x/#y\"\nui:\n  mouse: no\nclouds: [aws, "
	    "gcp]\n");
	set("catalog.max_age_hours", NULL);
	set("theme", NULL);
	set("theme", NULL);
	has("catalog:\n  url: \"https://x/#y\"\nui:\n  mouse: no\nclouds: [aws, gcp]\n");
	set("catalog.url", NULL);
	set("catalog.url", "https://z");
	has("catalog:\n  url: \"https://z\"\nui:\n  mouse: no\nclouds: [aws, gcp]\n");
}

static void test_set_keeps_the_rest(void **state)
{
	(void)state;
	write_file("# mine\n\ncatalog:   # prices\n    # how old\n    max_age_hours:  7   # a week is too long\n\n    "
		   "url: 'https://a#b'  # here\n"
		   "# clouds I pay for\nclouds:\n  - aws\n  # not now: azure\n  - gcp\n\n# the end\nui: {ascii: true}");
	set("catalog.max_age_hours", "12");
	set("catalog.url", "https://c");
	set("clouds", "gcp");
	set("theme", "light");
	has("# mine\n\ncatalog:   # prices\n    # how old\n    max_age_hours: 12   # a week is too long\n\n    url: "
	    "\"https://c\"  # here\n"
	    "# clouds I pay for\nclouds: [gcp]\n\n# the end\nui: {ascii: true}\ntheme: \"light\"\n");
}

static void refused(const char *name, const char *value, const char *part)
{
	struct err err = {0};
	char *before = fs_read(path, 1 << 20, NULL, NULL);
	assert_int_equal(config_set(path, name, value, &err), -1);
	if (!strstr(err.text, part))
		fail_msg("%s", err.text);
	if (before)
		has(before);
	free(before);
}

static void test_set_refused(void **state)
{
	(void)state;
	write_file("ui: {ascii: true}\n");
	refused("ui.mouse", "false", "cannot be changed safely");
	refused("ui.ascii", "false", "cannot be changed safely");
	refused("thme", "x", "did you mean 'theme'?");
	refused("ui.mouse", "perhaps", "ui.mouse must be true or false, not 'perhaps'");
	refused("theme", "a\nb", "one line");
	write_file("a: [\n");
	refused("theme", "x", "nothing was changed");
	write_file("- a\n");
	refused("theme", "x", "nothing was changed");
	write_file("theme: a\ntheme: b\n");
	refused("theme", "x", "duplicate key");
	/* A folder in place of the file. */
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	struct err err = {0};
	assert_int_equal(config_set(path, "theme", "x", &err), -1);
	assert_non_null(strstr(err.text, "a folder"));
	struct config *c = config_load(path);
	assert_int_equal(config_n_problems(c), 1);
	config_destroy(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_defaults),
	    cmocka_unit_test(test_values),
	    cmocka_unit_test(test_wrong),
	    cmocka_unit_test_setup_teardown(test_set, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(test_set_keeps_the_rest, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(test_set_refused, make_dir, remove_dir),
	};
	return cmocka_run_group_tests_name("tests/model/test_config", tests, NULL, NULL);
}
