/* What is ordered from the screen: with which keys, after which questions; and never by accident. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "tests/tui/stage.h"

static struct screen *start(const char *a, const char *b, const char *c, const char *d)
{
	return stage_start(80, 24, a, b, c, d);
}

static void test_mashing(void **state)
{
	(void)state;
	static const char *const keys[] = {"D", "S", "a", "x", "l", "c", "R", "C-d", "C-k", "C-r"};
	static const char *const mash[] = {"Enter", "Space", "y_"};
	char *path = orders_path();
	struct screen *s = start("--view", "clusters", "--orders", path);
	must_have(s, "train");
	screen_keys(s, "G");
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		for (size_t m = 0; m < 2; m++) {
			screen_keys(s, keys[i]);
			for (int n = 0; n < 12; n++)
				screen_keys(s, mash[m]);
			screen_keys(s, "Esc Esc Esc Esc");
		}
	}
	screen_keys(s, "G 1");
	must_have(s, "RTX4090");
	expect_orders(path, "");
	screen_free(s);
	free(path);
}

static void test_order(void **state)
{
	(void)state;
	char *path = orders_path();
	struct screen *s = start("--view", "clusters", "--orders", path);
	must_have(s, "train");
	screen_keys(s, "G D");
	must_have(s, "Tear down train?");
	must_have(s, "$196.64/h");
	must_have(s, "1 job is RUNNING");
	screen_keys(s, "Tab Enter");
	must_have(s, "down train: done");
	must_have(s, "3 clusters, 1 up");
	expect_orders(path, "down cluster=train task=- command=- infra=- type=- gpus=- spot=0 nodes=0 autostop=-2 id=0\n");
	/* What was said is kept. */
	screen_keys(s, "!");
	must_have(s, "Messages");
	must_have(s, "down train: done");
	screen_free(s);
	free(path);
}

/* Questions and forms by the mouse: what is not ready cannot be pressed, a click beside a button is none. */
static void test_clicks(void **state)
{
	(void)state;
	char *path = orders_path();
	struct screen *s = start("--view", "clusters", "--orders", path);
	must_have(s, "train");
	press(s, "G D", "Tear down train?");
	click_on(s, "Tear down train?"); /* its title */
	click_on(s, "[ Cancel ]");
	must_lack(s, "Tear down train?");
	press(s, "g Space Space D", "type 2 to go on");
	click_on(s, "[ Tear down ]");
	must_have(s, "type 2 to go on");
	press(s, "Esc Esc G a", "delete instead of stop");
	click_on(s, "tear down [");
	must_have(s, "[no]"); /* it was on */
	expect_orders(path, "");
	click_on(s, "[ Set ]");
	must_have(s, "autostop train");
	press(s, "G S", "Stop train?");
	click_on(s, "[ Stop ]");
	must_have(s, "stop train: done");
	press(s, "1 / 'nebius_h200 Enter l Enter", "price by");
	click_on(s, "[ Launch ]");
	must_have(s, "DONE");
	char *got = fs_read(path, STAGE_FILE_MAX, NULL, NULL);
	assert_non_null(strstr(got, "autostop cluster=train"));
	assert_non_null(strstr(got, "stop cluster=train"));
	assert_non_null(strstr(got, "launch cluster="));
	assert_null(strstr(got, "down cluster="));
	free(got);
	screen_free(s);
	free(path);
}

static void test_several(void **state)
{
	(void)state;
	char *path = orders_path();
	struct screen *s = start("--view", "clusters", "--orders", path);
	must_have(s, "train");
	screen_keys(s, "g Space j Space D");
	must_have(s, "Tear down 2 clusters?");
	screen_keys(s, "Tab Enter");
	must_lack(s, "Tear down 2 clusters?"); /* that was Cancel: the button does not work yet */
	expect_orders(path, "");
	screen_keys(s, "D");
	must_have(s, "type 2 to go on");
	screen_keys(s, "2 Tab Enter");
	must_have(s, "2 clusters, 1 up");
	screen_settle(s, 100);
	expect_orders(path, "down cluster=b\xc3\xa4rchen task=- command=- infra=- type=- gpus=- spot=0 nodes=0 autostop=-2 id=0\n"
			    "down cluster=sweep-7 task=- command=- infra=- type=- gpus=- spot=0 nodes=0 autostop=-2 id=0\n");
	screen_free(s);
	free(path);
}

/* The world is turned around ten times a second under an open question: what is ordered is what was asked about. */
static void test_captured(void **state)
{
	(void)state;
	char *path = orders_path();
	const char *const args[] = {"--view", "clusters", "--orders", path, "--shuffle", "30", "--clusters", "20", NULL};
	struct screen *s = stage_start_with((struct screen_options){.w = 80, .h = 24}, args);
	must_have(s, "train");
	screen_keys(s, "s");
	must_have(s, "Sort by");
	screen_keys(s, "G Enter k k k D"); /* sorted by something that changes */
	must_have(s, "Tear down");
	char *now = screen_text(s), name[64] = "";
	sscanf(strstr(now, "Tear down ") + 10, "%63[^?]", name);
	free(now);
	screen_settle(s, 20);
	for (int i = 0; i < 20; i++) {
		screen_read(s);
		poll(NULL, 0, 20);
	}
	screen_keys(s, "Tab Enter");
	must_lack(s, "[ Cancel ]");
	must_have(s, "down ");
	screen_settle(s, 20);
	char *want = xasprintf("down cluster=%s task=- command=- infra=- type=- gpus=- spot=0 nodes=0 autostop=-2 id=0\n", name);
	expect_orders(path, want);
	free(want);
	screen_free(s);
	free(path);
}

static void test_exec_and_launch(void **state)
{
	(void)state;
	char *path = orders_path(), *task = path_join(stage_home(), "task.yaml");
	assert_int_equal(fs_write(task, "run: true\n", 10, 0600, NULL), 0);
	struct screen *s = start("--view", "clusters", "--orders", path);
	must_have(s, "train");
	screen_keys(s, "G x 'python_train.py Enter");
	must_have(s, "exec train");
	screen_keys(s, "a C-u '45 Tab Space Tab Tab Enter");
	must_have(s, "autostop train");
	screen_keys(s, "1");
	must_have(s, "RTX4090");
	screen_keys(s, "/ 'nebius_h200 Enter l");
	must_have(s, "Launch here");
	char *typed = xasprintf("Tab '%s/ta Tab Tab Tab 'big Tab '2", stage_home()); /* Tab completes the name, then goes on */
	screen_keys(s, typed);
	free(typed);
	must_have(s, "Costs $56.00 each hour");
	screen_keys(s, "Tab Space");
	must_have(s, "Costs $23.20 each hour");
	screen_keys(s, "Tab '10 Tab Space Tab '9A=1 Tab Tab Enter");
	must_have(s, "Environment: NAME");
	screen_keys(s, "C-u 'A=1_B=2 Tab Tab Enter");
	must_have(s, "price by"); /* the plan */
	must_have(s, "$23.20 each hour from now on: 2 nodes");
	screen_keys(s, "Enter"); /* Cancel has the focus */
	must_lack(s, "price by");
	must_have(s, "Launch here");
	screen_keys(s, "Enter");
	must_have(s, "price by");
	screen_keys(s, "Tab Enter");
	must_have(s, "Launch big");
	must_have(s, "DONE"); /* the checklist, which o leads from to the log */
	screen_keys(s, "o");
	must_have(s, "FOLLOWING");
	screen_settle(s, 50);
	expect_orders(path, "exec cluster=train task=- command=python train.py infra=- type=- gpus=- spot=0 nodes=0 autostop=-2 id=0\n"
			    "autostop cluster=train task=- command=- infra=- type=- gpus=- spot=0 nodes=0 autostop=45 id=0\n"
			    "launch cluster=big task=task.yaml command=- infra=nebius/eu-north1 type=gpu-h200-sxm_8gpu-128vcpu-1600gb "
			    "gpus=H200:8 spot=1 nodes=2 autostop=10,down id=0 env=A=1 B=2\n");
	screen_free(s);
	free(task);
	free(path);
}

/* From a row of the offers in three keys; and mashing one of them launches nothing. */
static void test_three_keys(void **state)
{
	(void)state;
	char *path = orders_path();
	struct screen *s = start("--orders", path, NULL, NULL);
	must_have(s, "RTX4090");
	screen_keys(s, "l Enter Enter Enter Enter Enter Enter Esc Esc Esc");
	screen_settle(s, 100);
	expect_orders(path, "");
	screen_keys(s, "/ 'nebius_h200 Enter l Enter");
	must_have(s, "price by");
	screen_keys(s, "y");
	must_have(s, "DONE");
	screen_keys(s, "9"); /* the list of its steps stands in nobody's way */
	must_lack(s, "DONE");
	must_have(s, "Activity");
	expect_orders(path, "launch cluster= task=- command=- infra=nebius/eu-north1 type=gpu-h200-sxm_8gpu-128vcpu-1600gb gpus=H200:8 spot=0 nodes=0 "
			    "autostop=-2 id=0\n");
	screen_free(s);
	free(path);
}

/* A file is picked from those launched lately, of this folder, and recipes; what was launched is there the next time. */
static void test_pick(void **state)
{
	(void)state;
	char *path = orders_path();
	struct screen *s = start("--view", "clusters", "--orders", path);
	must_have(s, "train");
	screen_keys(s, "l Enter");
	must_have(s, "Recipes");
	screen_keys(s, "'vllm Enter");
	must_lack(s, "search:");
	must_have(s, "recipes/vllm.yaml");
	screen_keys(s, "Tab Tab Tab Tab Tab Tab Tab Tab Tab Tab Enter");
	must_have(s, "price by");
	screen_keys(s, "y");
	must_have(s, "DONE");
	screen_keys(s, "Esc l Enter");
	must_have(s, "Launched lately");
	screen_keys(s, "Esc");
	must_have(s, "[ Plan ]"); /* back in the form */
	screen_keys(s, "Esc");
	must_lack(s, "[ Plan ]");
	expect_orders(path, "launch cluster= task=vllm.yaml command=- infra=- type=- gpus=- spot=0 nodes=0 autostop=-2 id=0\n");
	screen_free(s);
	free(path);
}

/* Nobody answers: the screen goes on, elapsed time is shown, Esc leaves at once. */
static void test_hanging(void **state)
{
	(void)state;
	char *path = orders_path();
	const char *const args[] = {"--orders", path, "--hang", NULL};
	struct screen *s = stage_start_with((struct screen_options){.w = 80, .h = 24}, args);
	must_have(s, "RTX4090");
	screen_keys(s, "l Enter");
	must_have(s, "asking the clouds");
	screen_keys(s, "y Tab Enter"); /* nothing is known yet, so nothing can be launched: that was Cancel */
	must_have(s, "[ Plan ]");
	screen_keys(s, "Esc 2");
	must_have(s, "train");
	screen_keys(s, "G S Tab Enter");
	must_have(s, "stop train"); /* on the row and as a line */
	press(s, "X", "stopped as soon as the engine has answered");
	screen_keys(s, "9");
	must_have(s, "1 under way");
	screen_free(s);
	free(path);
}

/* Activity: what others have asked is stopped from there, after a question that one key does not answer. */
static void test_stop_request(void **state)
{
	(void)state;
	char *path = orders_path();
	struct screen *s = start("--view", "activity", "--orders", path);
	must_have(s, "launch sweep-7");
	screen_keys(s, "x");
	must_have(s, "Stop the launch of sweep-7?");
	must_have(s, " grace.");
	screen_keys(s, "Enter x x x Enter");
	screen_settle(s, 50);
	expect_orders(path, "");
	screen_keys(s, "Esc x Tab Enter");
	must_have(s, "CANCELLED grace");
	expect_orders(path, "cancel-request cluster=sweep-7 task=- command=- infra=- type=- gpus=- spot=0 nodes=0 autostop=0 id=90\n");
	screen_keys(s, "Tab / 'level:error Enter");
	must_have(s, "2 of 11 events");
	must_lack(s, "creating nodes");
	screen_keys(s, "Esc e");
	must_have(s, "errors only");
	screen_free(s);
	free(path);
}

/* Jobs of all clusters: sorted, filtered, several cancelled at once by their number. */
static void test_jobs(void **state)
{
	(void)state;
	char *path = orders_path();
	struct screen *s = start("--view", "jobs", "--orders", path);
	must_have(s, "8 jobs, 1 running, 2 waiting");
	screen_keys(s, "/ 'status:fail_!driver Enter");
	must_have(s, "2 of 8 jobs");
	must_lack(s, "FAILED_DRIVER");
	screen_keys(s, "/ C-u 'exit>1 Enter");
	must_have(s, "2 of 8 jobs");
	screen_keys(s, "/ C-u '/^(train|dev)/_!pend Enter");
	must_have(s, "4 of 8 jobs");
	screen_keys(s, "Esc");
	must_have(s, "8 jobs");
	screen_keys(s, "s");
	must_have(s, "Sort by");
	screen_keys(s, "'n Esc > r");
	screen_keys(s, "g / 'cluster:train_pending Enter Space Space c");
	must_have(s, "Cancel 2 jobs?");
	screen_keys(s, "Enter c '2 Tab Enter");
	must_have(s, "0 of 8 jobs");
	char *got = fs_read(path, STAGE_FILE_MAX, NULL, NULL);
	assert_non_null(strstr(got, "cancel cluster=train"));
	assert_non_null(strstr(got, "id=5\n"));
	assert_non_null(strstr(got, "id=4\n"));
	free(got);
	screen_free(s);
	free(path);
}

/* A recipe is read, and edited: what came with skytop stays as it is, the person's own copy goes before it from then on. */
static void test_recipes(void **state)
{
	(void)state;
	char *editor = path_join(stage_home(), "editor"), *own = path_join(stage_home(), "config/recipes/hello.yaml");
	static const char text[] = "#!/bin/sh\nsed -i.bak 's/smallest job/smallest job of all/' \"$2\" && rm -f \"$2.bak\"\n";
	assert_int_equal(fs_write(editor, text, sizeof text - 1, 0700, NULL), 0);
	char *with = xasprintf("%s --wait", editor);
	setenv("VISUAL", with, 1);
	struct screen *s = start("--view", "recipes", NULL, NULL);
	unsetenv("VISUAL");
	must_have(s, "2 recipes");
	screen_keys(s, "Enter");
	must_have(s, "as it came with skytop");
	must_have(s, "cpus: 1+");
	screen_keys(s, "e");
	must_have(s, "smallest job of all");
	must_have(s, "your own");
	assert_true(fs_exists(own));
	press(s, "Esc l", "recipes/hello.yaml");
	screen_free(s);
	unlink(own);
	/* An editor that was left without a change leaves no copy. */
	setenv("VISUAL", "true", 1);
	s = start("--view", "recipes", NULL, NULL);
	unsetenv("VISUAL");
	must_have(s, "2 recipes");
	press(s, "e", "nothing was changed: no copy is kept");
	assert_false(fs_exists(own));
	screen_free(s);
	free(with);
	free(own);
	free(editor);
}

/* A failure can be read afterwards, too: the same words, with the time, in the log of the screen. */
static void test_failure_is_kept(void **state)
{
	(void)state;
	char *log = path_join(stage_home(), "state/screen.log");
	struct screen *s = start("--view", "clusters", "--refuse", NULL);
	must_have(s, "train");
	press(s, "G S", "Stop train?");
	press(s, "Tab Enter", "budget");
	press(s, "!", "Messages");
	press(s, "Enter", "copied message");
	screen_keys(s, "q");
	screen_wait(s);
	screen_free(s);
	char *text = fs_read(log, STAGE_FILE_MAX, NULL, NULL);
	assert_non_null(text);
	char *line = strstr(text, "error: stop train: ");
	assert_true(line && strstr(line, "budget"));
	assert_null(strstr(text, "copied message"));
	free(text);
	free(log);
}

static void test_read_only(void **state)
{
	(void)state;
	char *path = orders_path();
	const char *const args[] = {"--view", "clusters", "--orders", path, "--read-only", NULL};
	struct screen *s = stage_start_with((struct screen_options){.w = 80, .h = 24}, args);
	must_have(s, "train");
	must_lack(s, "D down");
	screen_keys(s, "D");
	must_have(s, "read-only");
	screen_keys(s, "Tab Enter y x a l");
	screen_settle(s, 50);
	expect_orders(path, "");
	screen_free(s);
	free(path);
}

static void test_sort_and_mouse(void **state)
{
	(void)state;
	struct screen *s = start(NULL, NULL, NULL, NULL);
	must_have(s, "$/GPU\xc2\xb7h\xe2\x96\xb2");
	screen_keys(s, ">");
	must_have(s, "SPOT\xe2\x96\xb2");
	screen_keys(s, "r");
	must_have(s, "SPOT\xe2\x96\xbc");
	screen_bytes(s, "\033[<0;5;3M", 9); /* a click on GPU */
	must_have(s, "GPU\xe2\x96\xb2");
	screen_bytes(s, "\033[<0;5;3M", 9);
	must_have(s, "GPU\xe2\x96\xbc");
	screen_bytes(s, "\033[<0;5;6M", 9);
	screen_keys(s, "Enter");
	must_have(s, "on demand");
	screen_bytes(s, "\033[<0;11;1M", 10); /* the tab of Clusters */
	must_have(s, "train");
	screen_free(s);
}

static void test_log(void **state)
{
	(void)state;
	struct screen *s = start("--view", "clusters", "--log-rate", "200");
	must_have(s, "train");
	screen_keys(s, "G o");
	must_have(s, "FOLLOWING");
	screen_keys(s, "k");
	must_have(s, "PAUSED +");
	screen_settle(s, 1);
	must_lack(s, "PAUSED +0 ");
	screen_keys(s, "G");
	must_have(s, "FOLLOWING");
	screen_keys(s, "/ 'checkpoint Enter");
	must_have(s, "match");
	char *file = path_join(stage_home(), "saved.log"), *keys = xasprintf("s C-u '%s Enter", file);
	screen_keys(s, keys);
	must_have(s, "lines to");
	size_t len;
	char *text = fs_read(file, STAGE_FILE_MAX, &len, NULL);
	assert_non_null(text);
	assert_non_null(strstr(text, "INFO checkpoint saved to /ckpt/step-6 (3.1 GB)\n"));
	free(text);
	free(keys);
	free(file);
	screen_free(s);
}

static void test_lost_engine(void **state)
{
	(void)state;
	struct screen *s = start("--view", "clusters", "--lost", NULL);
	must_have(s, "engine lost");
	must_have(s, "as of");
	must_have(s, "train"); /* what was known is still shown */
	screen_free(s);
	s = start("--view", "clusters", "--no-engine", NULL);
	must_have(s, "engine off");
	must_have(s, "no engine runs");
	screen_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mashing), cmocka_unit_test(test_order), cmocka_unit_test(test_several), cmocka_unit_test(test_clicks),
	    cmocka_unit_test(test_captured), cmocka_unit_test(test_exec_and_launch), cmocka_unit_test(test_three_keys),
	    cmocka_unit_test(test_pick), cmocka_unit_test(test_hanging), cmocka_unit_test(test_stop_request),
	    cmocka_unit_test(test_jobs), cmocka_unit_test(test_recipes), cmocka_unit_test(test_read_only), cmocka_unit_test(test_failure_is_kept),
	    cmocka_unit_test(test_sort_and_mouse), cmocka_unit_test(test_log), cmocka_unit_test(test_lost_engine),
	};
	cmocka_set_test_filter(getenv("SKYTOP_TEST")); /* for work on one of them; "test_log*" */
	return cmocka_run_group_tests(tests, stage_set_up, stage_tear_down);
}
