/* What leads from one view to another, and what is done to several things at once. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "tests/tui/stage.h"

/* Marked clusters get the job and the autostop together; those that cannot are named and left alone. */
static void test_several(void **state)
{
	(void)state;
	char *path = orders_path();
	struct screen *s = stage_start(120, 40, "--view", "clusters", "--orders", path);
	must_have(s, "today");
	screen_keys(s, "g Space Space Space Space x");
	must_have(s, "Run a job on 2 clusters");
	must_have(s, "STOPPED: left alone");
	screen_keys(s, "'nvidia-smi Enter");
	must_lack(s, "Run a job on");
	screen_keys(s, "a");
	must_have(s, "Autostop of 4 clusters");
	screen_keys(s, "BS BS BS BS '15 Tab Space Tab Tab Enter");
	must_lack(s, "Autostop of");
	must_have(s, "autostop");
	expect_orders(path,
	    "exec cluster=b\303\244rchen task=- command=nvidia-smi infra=- type=- gpus=- spot=0 nodes=0 autostop=-2 id=0\n"
	    "exec cluster=train task=- command=nvidia-smi infra=- type=- gpus=- spot=0 nodes=0 autostop=-2 id=0\n"
	    "autostop cluster=b\303\244rchen task=- command=- infra=- type=- gpus=- spot=0 nodes=0 autostop=15 id=0\n"
	    "autostop cluster=dev-box task=- command=- infra=- type=- gpus=- spot=0 nodes=0 autostop=15 id=0\n"
	    "autostop cluster=sweep-7 task=- command=- infra=- type=- gpus=- spot=0 nodes=0 autostop=15 id=0\n"
	    "autostop cluster=train task=- command=- infra=- type=- gpus=- spot=0 nodes=0 autostop=15 id=0\n");
	screen_free(s);
	free(path);
}

static void test_cost_leads_on(void **state)
{
	(void)state;
	struct screen *s = stage_start(120, 40, "--view", "cost", NULL, NULL);
	must_have(s, "THIS MONTH");
	screen_keys(s, "Enter");
	must_have(s, "Clusters");
	must_have(s, "EVENTS"); /* its details */
	screen_keys(s, "Esc 7");
	must_have(s, "THIS MONTH");
	screen_keys(s, "b");
	must_have(s, "by cloud");
	screen_keys(s, "Enter");
	must_have(s, "/infra:");
	screen_keys(s, "Esc 7 b"); /* by project */
	must_have(s, "by project");
	screen_keys(s, "Enter");
	must_have(s, "/project=default"); /* whole, as others may begin so */
	must_have(s, "sweep-7");
	must_lack(s, "train");
	screen_keys(s, "Esc 7 b");
	must_have(s, "by user");
	screen_keys(s, "Enter");
	must_have(s, "/user=ada");
	screen_free(s);
}

/* What is gone is told of where it stands; it leads nowhere else. The list is one like others: filter, order that is kept, copying. */
static void test_cost_list(void **state)
{
	(void)state;
	char *layout = path_join(stage_home(), "cost.json");
	struct screen *s = stage_start(120, 40, "--view", "cost", "--layout", layout);
	must_have(s, "8 clusters");
	press(s, "G k Enter", "night-run, gone");
	must_have(s, "$448.12 in all, $448.12 of it this month");
	must_have(s, "2x(8x H100), p5.48xlarge, spot");
	must_have(s, "ran for    4h 0m");
	must_have(s, "skytop logs night-run-6");
	press(s, "j", "train, gone");
	must_lack(s, "EVENTS"); /* those that are known are of the one that runs now */
	press(s, "Esc", "SINCE YESTERDAY");
	must_lack(s, "in all");
	press(s, "/ 'gone Enter", "2 of 8 clusters");
	press(s, "y", "log command");
	press(s, "Esc Esc", " 8 clusters");
	press(s, "Space", "nothing is done here with several rows");
	press(s, "c /", "c shows the table again");
	press(s, "c", "8 clusters");
	press(s, ">", "CLUSTER\xe2\x96\xb2");
	screen_keys(s, "q");
	screen_wait(s);
	screen_free(s);
	s = stage_start(120, 40, "--view", "cost", "--layout", layout);
	must_have(s, "CLUSTER\xe2\x96\xb2");
	screen_free(s);
	free(layout);
}

/* These stand below each other. */
static void assert_in_order(struct screen *s, const char *const *names)
{
	screen_settle(s, 50);
	char *text = screen_text(s);
	const char *at = text;
	for (size_t i = 0; names[i]; i++) {
		at = strstr(at, names[i]);
		if (!at)
			fail_msg("%s does not come after %s:\n%s", names[i], i ? names[i - 1] : "the top", text);
	}
	free(text);
}

/* Nodes: sorted by any column with what is gone last, found by what they show, and leading to their cluster. */
static void test_metrics_list(void **state)
{
	(void)state;
	struct screen *s = stage_start(120, 40, "--view", "metrics", NULL, NULL);
	must_have(s, "10 nodes");
	assert_in_order(s, (const char *const[]){"b\xc3\xa4rchen", "sweep-7 0", "train 0", "train 1", "eval 0", "eval 1", "night-run", NULL});
	press(s, "> >", "GPU\xe2\x96\xb2");
	assert_in_order(s, (const char *const[]){"train 1", "b\xc3\xa4rchen", "train 0", "sweep-7 0", "eval 0", NULL});
	press(s, "r", "GPU\xe2\x96\xbc");
	assert_in_order(s, (const char *const[]){"train 0", "b\xc3\xa4rchen", "train 1", "sweep-7 0", "eval 0", NULL});
	press(s, "/ 'load>30 Enter", "2 of 10 nodes");
	press(s, "Esc g Enter", "EVENTS");
	press(s, "8 G Enter", "that node is gone; 7 tells");
	press(s, "Esc y", "skytop metrics --measure");
	screen_free(s);
}

/* On little room the view that is shown has its name, whole, and a blank before the money. */
static void test_tabs(void **state)
{
	(void)state;
	struct screen *s = stage_start(34, 10, "--view", "recipes", NULL, NULL);
	must_have(s, " 0 Recipes  $255.19/h");
	screen_keys(s, "2");
	must_have(s, "2 Clusters 3 4 5 6 7 $255.19/h");
	screen_free(s);
}

static void test_budget(void **state)
{
	(void)state;
	char *path = orders_path();
	struct screen *s = stage_start(120, 40, "--view", "cost", "--orders", path);
	must_have(s, "THIS MONTH");
	screen_keys(s, "B");
	must_have(s, "Budget");
	screen_keys(s, "C-u '12x Enter Enter Enter Tab Enter");
	must_have(s, "Dollars a month");
	screen_keys(s, "C-u '750 Tab Space Tab Tab Tab Enter");
	must_have(s, "budget of all projects: done");
	expect_orders(path,
	    "budget cluster=- task=- command=- infra=- type=- gpus=- spot=0 nodes=0 autostop=0 id=0\n"
	    "  750000000 a month, project \"\"\n");
	screen_free(s);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_several), cmocka_unit_test(test_cost_leads_on),
	    cmocka_unit_test(test_cost_list), cmocka_unit_test(test_metrics_list), cmocka_unit_test(test_tabs),
	    cmocka_unit_test(test_budget)};
	return cmocka_run_group_tests(tests, stage_set_up, stage_tear_down);
}
