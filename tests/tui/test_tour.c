/* A tour with keys only, over the whole program: its own engine, the simulated cloud, jobs that run. What somebody does on the first day:
 * find the cheapest offer, launch a cluster and stop it, watch two jobs side by side, and see money run. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/mem.h"
#include "tests/tui/screen.h"

enum { PATIENCE_MS = 60000, TURN_MS = 50 };

static char home[] = "/tmp/skytop-tour-XXXXXX";

static int set_up(void **state)
{
	(void)state;
	const char *share = getenv("SKYTOP_SHARE"), *src = getenv("top_srcdir");
	char *from = share ? xstrdup(share) : xasprintf("%s/share", src ? src : "."), *real = realpath(from, NULL);
	if (!real || !mkdtemp(home))
		return -1;
	char *to = path_join(home, "share");
	int rc = symlink(real, to);
	free(to);
	free(real);
	free(from);
	return rc;
}

static int tear_down(void **state)
{
	(void)state;
	return fs_remove_tree(home, NULL);
}

/* A message holds no whole screen. */
static void give_up(struct screen *s, const char *what, const char *text)
{
	char *now = screen_text(s);
	for (char *p = now; *p; p += strcspn(p, "\n"), p += *p == '\n')
		printf("# %.*s\n", (int)strcspn(p, "\n"), p);
	fflush(stdout);
	free(now);
	screen_free(s); /* its machines end with it */
	fail_msg("%s: %s", text, what);
}

/* Clouds take their time: a text may take longer to come than a key takes to be answered. */
static void must_have(struct screen *s, const char *text)
{
	int64_t until = mono_now_ms() + PATIENCE_MS;
	while (!screen_has(s, text))
		if (mono_now_ms() > until)
			give_up(s, "did not come", text);
}

static void must_lack(struct screen *s, const char *text)
{
	int64_t until = mono_now_ms() + PATIENCE_MS;
	while (!screen_lacks(s, text))
		if (mono_now_ms() > until)
			give_up(s, "did not go", text);
}

/* The number after the last `word` on the screen; -1: there is none. */
static double number_after(struct screen *s, const char *word)
{
	char *text = screen_text(s), *at = NULL;
	for (char *p = text; (p = strstr(p, word)); p++)
		at = p + strlen(word);
	double n = -1;
	if (at)
		n = strtod(at + strspn(at, " $~"), NULL);
	free(text);
	return n;
}

static void must_grow(struct screen *s, const char *word)
{
	int64_t until = mono_now_ms() + PATIENCE_MS;
	double from = -1, now;
	while ((now = number_after(s, word)) <= from || from < 0) {
		from = from < 0 ? now : from;
		if (mono_now_ms() > until)
			give_up(s, "does not grow", word);
		screen_settle(s, TURN_MS);
	}
}

/* The prices for each accelerator, from the top of the list down. */
static size_t prices(struct screen *s, double *out, size_t max)
{
	char *text = screen_text(s), *save = NULL;
	size_t n = 0;
	for (char *line = strtok_r(text, "\n", &save); line && n < max; line = strtok_r(NULL, "\n", &save)) {
		char gpu[20], cloud[20], type[40], zone[40];
		double count, vcpus, ram, price;
		const char *at = strstr(line, "H100");
		if (at && sscanf(at, "%19s %lf %19s %39s %39s %lf %lf %lf %lf", gpu, &count, cloud, type, zone, &vcpus, &ram, &price, &out[n]) == 9)
			n++;
	}
	free(text);
	return n;
}

static void cheapest(struct screen *s)
{
	double p[20];
	must_have(s, "DEMO: SIMULATED");
	must_have(s, "/h  today"); /* the engine has been heard of */
	screen_keys(s, "/ 'gpu:h100_n>=8 Enter g");
	must_have(s, "sim-8x-h100");
	must_lack(s, "sim-t4");
	size_t n = prices(s, p, 20);
	assert_true(n >= 3);
	for (size_t i = 1; i < n; i++)
		if (p[i] < p[i - 1])
			give_up(s, "the cheapest does not come first", "prices");
	screen_keys(s, "Enter");
	must_have(s, "simulated prices"); /* who says so */
	screen_keys(s, "Esc Esc");
	must_have(s, "sim-t4");
}

/* From the offer to the cluster: a form, a plan with its price, and it comes up. */
static void launch(struct screen *s)
{
	screen_keys(s, "/ 'gpu:t4 Enter g l");
	must_have(s, "Launch here");
	screen_keys(s, "Tab Tab 'i=0;_while_sleep_0.2;_do_i=$((i+1));_echo_tick_$i;_done Tab 'tour Tab Tab Tab Tab Tab Tab Tab Enter");
	must_have(s, "Launch tour?");
	must_have(s, "simulated prices,"); /* the plan: what it costs, and who says so */
	must_have(s, "for the disk");
	screen_keys(s, "y");
	must_have(s, "creating nodes"); /* the checklist of the launch */
	screen_keys(s, "Esc 2 / 'name:tour Enter");
	must_have(s, "1 of ");
	must_have(s, "UP");
}

static void two_logs(struct screen *s)
{
	screen_keys(s, "o");
	must_have(s, "FOLLOWING");
	must_have(s, "tick 3");
	screen_keys(s, "|");
	must_have(s, "Show in this pane");
	screen_keys(s, "'train_job_1_finetune"); /* the second waits for the first */
	must_have(s, "train \xc2\xb7 job 1 finetune");
	screen_keys(s, "Enter");
	must_have(s, "loss");
	must_grow(s, "tick ");
	must_grow(s, "step ");
	screen_keys(s, "S-Left k");
	must_have(s, "PAUSED");
	must_grow(s, "step ");
	screen_keys(s, "G z");
	must_lack(s, "loss");
	must_grow(s, "tick ");
	screen_keys(s, "z");
	must_have(s, "loss");
}

/* Another job: its log is opened at its end, and what is far above comes when one goes there. Then one rank of two, from its node. */
static void far_back(struct screen *s)
{
	screen_keys(s, "2 x");
	must_have(s, "Run a job on tour");
	screen_keys(s, "'seq_100001_130000 Enter");
	must_have(s, "is on its way; o follows it");
	screen_keys(s, "6 o 'tour_job_2 Enter");
	must_have(s, "130000");
	must_have(s, "END");
	screen_keys(s, "o 'events Enter");
	must_have(s, "events");
	screen_keys(s, "o 'tour_job_2 Enter"); /* all of it is there now */
	must_have(s, "5,000 lines");
	screen_keys(s, "g");
	must_have(s, "30,000 lines");
	screen_keys(s, "g");
	must_have(s, "100002");
	screen_keys(s, "o 'train_job_1_rank_1");
	must_have(s, "setup of rank 1");
	screen_keys(s, "Enter");
	must_have(s, "rank 1");
	must_grow(s, "step ");
}

static void money(struct screen *s)
{
	screen_keys(s, "7");
	must_have(s, "THIS MONTH");
	must_have(s, "tour");
	must_grow(s, "today ");
	must_grow(s, "today ");
}

/* By the names of actions: stop, and tear down, each after a question that says what is lost. */
static void stop(struct screen *s)
{
	screen_keys(s, "2");
	must_have(s, "1 of ");
	screen_keys(s, ": 'stop Enter");
	must_have(s, "Stop tour?");
	screen_keys(s, "Tab Enter");
	must_have(s, "STOPPED");
	screen_keys(s, ": 'tear Enter");
	must_have(s, "Tear down tour?");
	screen_keys(s, "Enter"); /* that is Cancel */
	must_have(s, "STOPPED");
	screen_keys(s, "D Tab Enter");
	must_have(s, "0 of ");
}

static void test_tour(void **state)
{
	(void)state;
	const char *build = getenv("top_builddir");
	char *program = getenv("SKYTOP") ? xstrdup(getenv("SKYTOP")) : xasprintf("%s/skytop", build ? build : ".");
	const char *argv[] = {program, "demo", "--speed", "600", NULL};
	struct screen_options o = {.w = 120, .h = 40, .home = home};
	struct screen *s = screen_start(argv, &o);
	cheapest(s);
	launch(s);
	two_logs(s);
	far_back(s);
	money(s);
	stop(s);
	screen_keys(s, "q");
	int64_t until = mono_now_ms() + PATIENCE_MS;
	int status = -1;
	while (status < 0 && mono_now_ms() < until)
		status = screen_wait(s);
	assert_true(WIFEXITED(status) && !WEXITSTATUS(status));
	assert_string_equal(screen_left(s), "");
	screen_free(s);
	free(program);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_tour)};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
