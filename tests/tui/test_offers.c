/* Offers whose prices change while they are on the screen, filters with names, and the month of prices in the details. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/store/catalog.h"
#include "tests/tui/stage.h"

static struct screen *start(const char *filter)
{
	struct screen *s = stage_start(120, 24, "--live", "--filter", filter, NULL);
	assert_true(screen_has(s, "today"));
	return s;
}

static void must(struct screen *s, bool good, const char *what)
{
	if (!good)
		fail_msg("%s:\n%s", what, screen_text(s));
}

/* Lambda asks so much for these two. */
static void reprice(const char *eight, const char *one)
{
	struct err err = {0};
	struct import_report report = {0};
	char *dir = path_join(stage_home(), "new/lambda"), *file = path_join(dir, "vms.csv"), *db = path_join(stage_home(), "cache/catalog.db");
	char *text = xasprintf("InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,GpuInfo,Price,SpotPrice,Region\n"
			       "gpu_8x_h100_sxm5,H100,8,208,1800,,%s,,us-east-1\n"
			       "gpu_1x_h100_pcie,H100,1,26,200,,%s,,us-west-3\n",
	    eight, one);
	assert_int_equal(fs_mkdirs(dir, &err), 0);
	assert_int_equal(fs_write(file, text, strlen(text), 0600, &err), 0);
	int64_t now = wall_now_ms();
	if (catalog_import_at(db, NULL, dir, now, now, &report, &err))
		fail_msg("%s", err.text);
	import_report_free(&report);
	free(text);
	free(db);
	free(file);
	free(dir);
}

/* How often underlining was switched on since then. */
static size_t underlined(struct screen *s, size_t since)
{
	const char *p = str_text(screen_raw(s)) + since;
	size_t n = 0;
	for (; (p = strstr(p, "\033[")); p += 2) {
		size_t len = strspn(p + 2, "0123456789;");
		for (const char *q = p + 2; p[2 + len] == 'm' && q < p + 2 + len; q += strcspn(q, ";m") + 1)
			n += *q == '4' && (q[1] == ';' || q[1] == 'm');
	}
	return n;
}

static void test_flash(void **state)
{
	(void)state;
	struct screen *s = start("lambda h100");
	screen_settle(s, 200);
	size_t before = screen_raw(s)->len;
	reprice("21.44", "2.49");
	must(s, screen_has(s, "21.44") && screen_has(s, "2.68"), "new prices are seen without a key");
	assert_true(underlined(s, before) > 0);
	screen_settle(s, 1300); /* the flash ends */
	size_t quiet = screen_raw(s)->len;
	assert_true(quiet > before);
	screen_settle(s, 700); /* then nothing is written any more */
	assert_int_equal(screen_raw(s)->len, quiet);
	screen_free(s);
}

static void test_unfocused(void **state)
{
	(void)state;
	struct screen *s = start("lambda h100");
	screen_bytes(s, "\033[O", 3);
	screen_settle(s, 200);
	size_t before = screen_raw(s)->len;
	reprice("20.32", "2.45");
	must(s, screen_has(s, "20.32"), "new prices");
	assert_int_equal(underlined(s, before), 0);
	screen_free(s);
}

/* A hand on the keys, or marks, keep the list as it is; that there are newer prices is said. */
static void test_hold(void **state)
{
	(void)state;
	struct screen *s = start("lambda h100");
	screen_keys(s, "Space");
	reprice("19.92", "2.41");
	must(s, screen_has(s, "new prices wait: Esc"), "it is said");
	must(s, screen_has(s, "20.32") && screen_lacks(s, "19.92"), "the old ones stay");
	screen_keys(s, "Esc");
	must(s, screen_has(s, "19.92"), "and are there when nothing holds them any more");
	must(s, screen_lacks(s, "new prices wait"), "which is not said then");
	screen_free(s);
}

/* From a kind of GPU into its offers, and back to where one was. */
static void test_groups(void **state)
{
	(void)state;
	struct screen *s = start("n>=8");
	screen_keys(s, "t");
	must(s, screen_has(s, "MEM GB"), "kinds of GPU");
	screen_keys(s, "/ '_nebius Enter G Enter");
	must(s, screen_has(s, "/n>=8 nebius gpu:H200") && screen_has(s, "gpu-h200-sxm"), "the offers of one");
	screen_keys(s, "Esc");
	must(s, screen_has(s, "MEM GB") && screen_has(s, "/n>=8 nebius ") && screen_has(s, "\xe2\x96\xb8H200"), "back, with the filter there was");
	screen_keys(s, "Enter / 'x C-h Enter Esc");
	must(s, screen_lacks(s, "MEM GB") && screen_has(s, "All offers"), "another filter leads nowhere back");
	screen_free(s);
}

static void test_saved(void **state)
{
	(void)state;
	struct screen *s = start("h100 n>=8 !aws");
	screen_keys(s, "F");
	must(s, screen_has(s, "Save the filter of now"), "the menu");
	screen_keys(s, "Enter");
	must(s, screen_has(s, "cheap h100"), "the question");
	screen_keys(s, "'big_ones Enter");
	must(s, screen_has(s, "the filter is saved as big ones"), "said");
	char *path = path_join(stage_home(), "config/filters"), *file = fs_read(path, 10000, NULL, NULL);
	assert_string_equal(file, "big ones\th100 n>=8 !aws\n");
	screen_keys(s, "Esc");
	must(s, screen_has(s, "All offers"), "no filter");
	screen_keys(s, "F");
	must(s, screen_has(s, "big ones"), "it is in the menu");
	screen_keys(s, "Enter");
	must(s, screen_has(s, "/h100 n>=8 !aws"), "and recalled");
	screen_keys(s, "F G Enter");
	must(s, screen_has(s, "Forget which?"), "to forget");
	screen_keys(s, "Enter");
	must(s, screen_has(s, "big ones is forgotten"), "it is");
	free(file);
	file = fs_read(path, 10000, NULL, NULL);
	assert_string_equal(file, "");
	free(file);
	free(path);
	screen_free(s);
}

/* Words, several of one field, not, comparisons, regular expressions, globs: with the number of hits while it is typed. */
static void test_queries(void **state)
{
	(void)state;
	static const struct {
		const char *keys, *hits;
	} queries[] = {
	    {"/ 'rtx4090", " 2 of "}, {"/ C-u 'cloud:aws,azure", " 11 of "}, {"/ C-u 'cloud:aws_!h100", " 5 of "}, {"/ C-u 'n>=8_pergpu<3", " 4 of "},
	    {"/ C-u '/^p[45]/", " 4 of "}, {"/ C-u 'region:us-*_spot<1", " 2 of "}, {"/ C-u 'spot", " 11 of "}, {"/ C-u 'nothing-at-all", " 0 of "},
	};
	struct screen *s = start("aws");
	for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
		screen_keys(s, i ? queries[i].keys : "/ C-u 'rtx4090");
		must(s, screen_has(s, queries[i].hits), queries[i].keys);
		screen_keys(s, "Enter");
	}
	screen_free(s);
}

static void test_month(void **state)
{
	(void)state;
	struct screen *s = start("lambda gpu_1x_h100");
	screen_keys(s, "Enter");
	must(s, screen_has(s, "price, 30 d") && screen_has(s, "last $2.41") && screen_has(s, "min $2.41"), "the month in figures");
	screen_free(s);
}

/* Machines of one's own are offers like others: found, compared, launched; asked for only while somebody looks. */
static void test_own(void **state)
{
	(void)state;
	char *path = orders_path();
	struct screen *s = stage_start(120, 24, "--live", "--own", "--orders", path);
	must(s, screen_has(s, "24 of 24"), "they come behind the catalog's");
	must(s, screen_has(s, "0.2000    ") && screen_has(s, "yes"), "with their own price, which counts, and what is free");
	press(s, "/ 'avail:yes Enter", " 2 of 24");
	must(s, screen_has(s, "attic"), "one whose price nobody has set");
	must_lack(s, "?        ?");
	press(s, "/ C-u 'cloud:ssh_h100 Enter Enter", "live: as it is set for these machines");
	must(s, screen_has(s, "your own machines") && screen_has(s, "$1.60/h  ($0.2000 per GPU)") && screen_has(s, "available"), "details");
	/* Seen again later they are others, and the selection stays. */
	screen_keys(s, "2");
	must_have(s, "NAME");
	press(s, "1", "none just now");
	press(s, "Enter l", "Launch here");
	must_have(s, "Costs $1.60 each hour");
	press(s, "Enter", "price by");
	press(s, "y", "DONE");
	expect_orders(path, "launch cluster= task=- command=- infra=ssh/lab type=8xH100-192cpu-2048gb gpus=H100:8 spot=0 nodes=0 autostop=-2 id=0\n");
	screen_free(s);
	free(path);
}

/* Beside one of the catalog's: what is not known of that is not said to be there. */
static void test_own_compared(void **state)
{
	(void)state;
	struct screen *s = stage_start(120, 40, "--own", "--filter", "h100 n>=8", NULL);
	must_have(s, "lab");
	press(s, "g Space Space Enter", "stock");
	must(s, screen_has(s, "stock      yes"), "the one");
	must(s, screen_has(s, "price of   live"), "its age");
	screen_free(s);
}

static char *skytop(void)
{
	const char *build = getenv("top_builddir");
	return getenv("SKYTOP") ? xstrdup(getenv("SKYTOP")) : xasprintf("%s/skytop", build ? build : ".");
}

static int engine(const char *verb)
{
	char *program = skytop();
	int status = -1;
	pid_t pid = fork();
	if (!pid) {
		setenv("SKYTOP_HOME", stage_home(), 1);
		dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
		execl(program, "skytop", "engine", verb, "--quiet", (char *)NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	free(program);
	return status;
}

/* The whole way: this machine, as a real engine tells of it. */
static void test_own_engine(void **state)
{
	(void)state;
	assert_int_equal(engine("start"), 0);
	char *program = skytop();
	const char *const argv[] = {program, "screen", "offers", "--filter", "cloud:local", NULL};
	struct screen *s = screen_start(argv, &(struct screen_options){.w = 120, .h = 24, .home = stage_home()});
	bool there = screen_has(s, "1 of 21") && screen_has(s, "0.00") && screen_has(s, "yes");
	char *text = screen_text(s);
	screen_free(s);
	assert_int_equal(engine("stop"), 0);
	if (!there)
		fail_msg("%s", text);
	free(text);
	free(program);
}

/* Without an engine there is the catalog alone. */
static void test_own_none(void **state)
{
	(void)state;
	struct screen *s = stage_start(120, 24, "--no-engine", NULL, NULL, NULL);
	must_have(s, "20 of 20");
	screen_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    /* These know how many offers there are before prices change. */
	    cmocka_unit_test(test_own), cmocka_unit_test(test_own_compared), cmocka_unit_test(test_own_engine),
	    cmocka_unit_test(test_own_none),
	    cmocka_unit_test(test_flash), cmocka_unit_test(test_unfocused), cmocka_unit_test(test_hold), cmocka_unit_test(test_groups),
	    cmocka_unit_test(test_saved), cmocka_unit_test(test_queries), cmocka_unit_test(test_month),
	};
	return cmocka_run_group_tests(tests, stage_set_up, stage_tear_down);
}
