/* The logs' view by its keys and the mouse: panes, what they show, filters, searches, times, selections. A made-up source sends the lines. */
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
#include "tests/tui/stage.h"

static void send(struct screen *s, const char *bytes)
{
	screen_bytes(s, bytes, strlen(bytes));
}

/* A screen with the log of train's newest job. */
static struct screen *start(int w, int h, const char *a, const char *b)
{
	struct screen *s = stage_start(w, h, "--view", "clusters", a, b);
	must_have(s, "train");
	press(s, "G o", "FOLLOWING");
	must_have(s, "200 lines");
	return s;
}

static void test_split(void **state)
{
	(void)state;
	struct screen *s = start(120, 40, NULL, NULL);
	press(s, "|", "Show in this pane");
	press(s, "'events Enter", "\xe2\x96\xb8" "2 events"); /* the mark of the focus */
	must_have(s, "\xe2\x94\x81\xe2\x96\xb8" "2");		   /* and a heavy line */
	press(s, "- 'job_1 Enter", "\xe2\x96\xb8" "3 train \xc2\xb7 job 1 smoke");
	press(s, "Tab", "\xe2\x96\xb8" "1 train");
	press(s, "S-Tab", "\xe2\x96\xb8" "3 train");
	press(s, "M-2", "\xe2\x96\xb8" "2 events");
	press(s, "S-Left", "\xe2\x96\xb8" "1 train");
	press(s, "C-w l", "\xe2\x96\xb8" "2 events");
	press(s, "C-w j", "\xe2\x96\xb8" "3 train");
	press(s, "z", "ZOOM 3 of 3");
	must_lack(s, "2 events");
	press(s, "z", "2 events");
	press(s, "x", "\xe2\x96\xb8" "2 events"); /* closed by one key, … */
	must_lack(s, "smoke \xe2\x94\x80");
	press(s, "C-w c", "train \xc2\xb7 newest job"); /* … or two */
	must_lack(s, "2 events");
	press(s, "%", "Show in this pane");
	press(s, "Esc", "o chooses what");
	press(s, "C-w s Esc", "3 nothing");
	press(s, ": 'pane-number Enter", "Go to a pane");
	press(s, "g Enter", "\xe2\x96\xb8" "1 train");
	/* As many as there may be, and no more. */
	screen_keys(s, "- Esc - Esc - Esc - Esc - Esc");
	press(s, "-", "there are 8 panes already");
	screen_keys(s, "x x x x x x x");
	must_lack(s, "\xe2\x96\xb8");
	press(s, "Tab", "there is only one pane");
	screen_free(s);
}

/* The columns at which the line between two panes stands, -1: none. */
static int line_at(struct screen *s)
{
	char *text = screen_text(s), *row = text;
	for (int i = 0; i < 10; i++)
		row = strchr(row, '\n') + 1;
	int x = 0, at = -1;
	for (const char *p = row; *p && *p != '\n'; p++) {
		x += (*p & 0xc0) != 0x80;
		if (x > 5 && x < 115 && (!strncmp(p, "\xe2\x94\x82", 3) || !strncmp(p, "\xe2\x94\x83", 3)))
			at = x - 1;
	}
	free(text);
	return at;
}

static void wait_line(struct screen *s, int x)
{
	for (int i = 0; i < 200 && line_at(s) != x; i++)
		screen_settle(s, 20);
	if (line_at(s) != x)
		fail_msg("the line is at %d instead of %d:\n%s", line_at(s), x, screen_text(s));
}

static void test_resize(void **state)
{
	(void)state;
	struct screen *s = start(120, 40, NULL, NULL);
	press(s, "| 'events Enter", "2 events");
	int x = line_at(s);
	assert_true(x > 50 && x < 70);
	screen_keys(s, "M-Right M-Right");
	wait_line(s, x + 4);
	screen_keys(s, "M-Left C-w <");
	wait_line(s, x);
	press(s, "M-Up", "no line between panes");
	/* The mouse: takes the line and lets it go at column 30. */
	char bytes[80];
	snprintf(bytes, sizeof bytes, "\033[<0;%d;12M\033[<32;50;13M\033[<32;30;14M\033[<0;30;14m", x + 1);
	send(s, bytes);
	wait_line(s, 29);
	send(s, "\033[<0;10;9M\033[<0;10;9m"); /* a click */
	must_have(s, "\xe2\x96\xb8" "1 train");
	send(s, "\033[<0;90;9M\033[<0;90;9m");
	must_have(s, "\xe2\x96\xb8" "2 events");
	send(s, "\033[<64;10;9M"); /* the wheel scrolls what it is over, and the focus stays */
	must_have(s, "PAUSED");
	must_have(s, "\xe2\x96\xb8" "2 events");
	screen_free(s);
}

static void test_accordion(void **state)
{
	(void)state;
	struct screen *s = start(120, 40, NULL, NULL);
	screen_keys(s, "| 'events Enter - 'job_3 Enter");
	press(s, "- 'sweep Enter", "\xe2\x96\xb8" "4 sweep-7");
	must_have(s, "09:06:00 ERROR train: job 1 smoke: FAILED");
	screen_resize(s, 80, 24); /* all titles, but only one text */
	must_have(s, "4 sweep-7");
	must_lack(s, "09:06:00 ERROR");
	press(s, "M-2", "09:06:00 ERROR");
	must_have(s, "4 sweep-7");
	screen_resize(s, 120, 40);
	must_have(s, "(worker1, rank=1");
	must_have(s, "09:06:00 ERROR");
	screen_free(s);
}

static void test_pick(void **state)
{
	(void)state;
	struct screen *s = start(120, 40, NULL, NULL);
	press(s, "o 'eval", "train \xc2\xb7 job 5 eval");
	press(s, "Enter", "train \xc2\xb7 job 5 eval \xe2\x94\x80");
	/* From Clusters in a new pane; what is open already is not opened twice. */
	press(s, "2 G O", "\xe2\x96\xb8" "2 train");
	press(s, "2 G Enter Tab", "finetune");
	press(s, "Enter", "\xe2\x96\xb8" "1 train \xc2\xb7 job 5 eval");
	/* The way of a request: what the engine says of it, and how it ended. */
	press(s, "2 Esc 6 x o", "Show in this pane");
	press(s, "'start Enter", "dev-box \xc2\xb7 start 89");
	must_have(s, "ERROR start dev-box: the quota of L4 GPUs");
	must_have(s, "start FAILED");
	/* … and of one that succeeds. */
	press(s, "2 G S", "Stop train?");
	press(s, "Tab Enter", "stop train: done");
	press(s, "6 o 'stop_train Enter", "train \xc2\xb7 stop ");
	must_have(s, "stop SUCCEEDED");
	screen_free(s);
}

/* What one rank wrote, and what the setup of a node said. */
static void test_parts(void **state)
{
	(void)state;
	struct screen *s = start(120, 40, NULL, NULL);
	press(s, "o 'train_job_5_rank_1", "setup of rank 1");
	press(s, "Enter", "train \xc2\xb7 job 5 eval \xc2\xb7 rank 1 \xe2\x94\x80");
	press(s, "- 'train_job_5_setup_1 Enter", "train \xc2\xb7 job 5 eval \xc2\xb7 setup of rank 1 \xe2\x94\x81");
	press(s, "y", "skytop logs train 5 --rank 1 --setup");
	screen_free(s);
}

/* Going up from the first line there is reads what is before it, until there is nothing more. */
static void test_older(void **state)
{
	(void)state;
	struct screen *s = start(100, 30, NULL, NULL);
	must_have(s, "200 lines");
	press(s, "g", "300 lines");
	must_have(s, "INFO step 0 ");
	must_lack(s, "older line");
	press(s, "k", "older line 99 of Tuesday");
	must_have(s, "INFO step 0 ");
	press(s, "/ 'checkpoint Enter",  "match");
	press(s, "Esc g", "350 lines"); /* where the first line was one stays, again leads on */
	press(s, "g", "older line 0 of Monday");
	press(s, "k g", "350 lines");
	press(s, "t g", "12:00:00 INFO older line 0 of Monday");
	press(s, "& 'tuesday Enter", "100 of 350 lines");
	press(s, "Esc G", "FOLLOWING");
	screen_free(s);
}

static void test_follow(void **state)
{
	(void)state;
	struct screen *s = start(100, 30, "--log-rate", "100");
	press(s, "k", "PAUSED +");
	must_have(s, "+1");
	press(s, "G", "FOLLOWING");
	press(s, "f", "PAUSED +");
	press(s, "f", "FOLLOWING");
	press(s, "g", "11:00:00 INFO step 0 ");
	press(s, "End", "FOLLOWING");
	press(s, "PgUp", "PAUSED");
	press(s, "Esc", "FOLLOWING");
	screen_free(s);
}

static void test_filter(void **state)
{
	(void)state;
	struct screen *s = start(120, 40, NULL, NULL);
	press(s, "& 'error", "8 of 200 lines");
	must_lack(s, "INFO step");
	press(s, "Enter", "8 of 200 lines");
	press(s, "& C-u 'loss_!spike Enter", "of 200 lines");
	must_lack(s, "WARNING");
	must_have(s, "INFO step 198");
	press(s, "& C-u '\"spike_at_step_9:\" Enter", "1 of 200 lines");
	press(s, "c", "3 of 200 lines"); /* with the lines around it */
	must_have(s, "INFO step 10 ");
	press(s, "c", "7 of 200 lines");
	press(s, "Esc", "200 lines \xc2\xb7 FOLLOWING");
	press(s, "& 'nowhere Enter", "the filter lets no line through");
	press(s, "G g PgUp j Esc Esc", "300 lines \xc2\xb7 FOLLOWING");
	screen_keys(s, "& 'x Enter c c Esc"); /* no lines around any more */
	/* Undone while it is typed. */
	press(s, "& 'error", "8 of 300");
	press(s, "Esc", " 300 lines \xc2\xb7 FOLLOWING");
	must_lack(s, "&error");
	press(s, "r", "no line here says which rank");
	press(s, "o 'sweep Enter", "(head, rank=0");
	press(s, "r", "rank 3");
	press(s, "j j j Enter", "&rank:2");
	must_lack(s, "(head");
	must_have(s, "(worker2");
	press(s, "& '_level:error Enter", "of 200 lines");
	press(s, "r g Enter", "&level:error");
	screen_free(s);
}

static void test_search(void **state)
{
	(void)state;
	struct screen *s = start(120, 40, NULL, NULL);
	press(s, "n", "search for something first");
	press(s, "/ 'error", "8/8 match");
	press(s, "Enter N", "7/8 match");
	press(s, "n n", "1/8 match"); /* around */
	must_have(s, "collective 24 ");
	press(s, "N", "8/8 match");
	press(s, "& 'collective_!149 Enter", "0/7 match"); /* a search within what the filter shows */
	press(s, "Esc", "7 of 200");
	press(s, "Esc / 'nonsense Enter", "0/0 match");
	press(s, "n", "nothing matches nonsense");
	screen_free(s);
}

static void test_times(void **state)
{
	(void)state;
	struct screen *s = start(80, 24, NULL, NULL);
	press(s, "t", "12:00:00 2026-11-25 11:03:19 ERROR");
	press(s, "Right", "12:00:00 oss 3.660"); /* half a screen on, and the times stay */
	press(s, "Left t", "+0.00s 2026-11-25");
	screen_keys(s, "t");
	must_lack(s, "+0.00s");
	press(s, "w", "600 s, retrying"); /* all of a long line */
	press(s, "Right", "lines are wrapped");
	press(s, "| 'events Enter", "11:57:00 INFO train: job 5 eval"); /* these have no time of their own */
	screen_free(s);
}

static void save(struct screen *s, const char *name, const char *said)
{
	char *file = path_join(stage_home(), name), *keys = xasprintf("s C-u '%s Enter", file);
	press(s, keys, said);
	free(keys);
	free(file);
}

static void check_file(const char *name, const char *begins, size_t lines)
{
	char *file = path_join(stage_home(), name);
	size_t len, n = 0;
	char *text = fs_read(file, 1 << 20, &len, NULL);
	assert_non_null(text);
	for (const char *p = text; *p; p++)
		n += *p == '\n';
	assert_int_equal(n, lines);
	assert_true(!strncmp(text, begins, strlen(begins)));
	free(text);
	free(file);
}

static void test_select_and_save(void **state)
{
	(void)state;
	struct screen *s = start(120, 40, NULL, NULL);
	press(s, "v", "1 SELECTED");
	press(s, "k k", "3 SELECTED");
	save(s, "three.log", "saved 3 lines");
	check_file("three.log", "2026-11-25 11:03:17 INFO step 197", 3);
	press(s, "Esc", "PAUSED");
	must_lack(s, "SELECTED");
	send(s, "\033[<0;20;10M\033[<32;25;14M\033[<0;25;14m"); /* dragged over five lines */
	must_have(s, "5 SELECTED");
	press(s, "v Esc", "FOLLOWING");
	press(s, "& 'error Enter", "8 of 200");
	save(s, "errors.log", "saved 8 lines");
	check_file("errors.log", "2026-11-25 11:00:24 ERROR", 8);
	press(s, "s C-u Enter", "Give the name of a file");
	screen_free(s);
}

static void test_copy(void **state)
{
	(void)state;
	struct screen *s = start(120, 40, NULL, NULL);
	press(s, "/ 'checkpoint Enter", "25/25 match");
	press(s, "y", "all 200 lines");
	must_have(s, "skytop logs train");
	press(s, "Enter", "copied line: ");
	/* 2026-11-25 11:03:15 INFO checkpoint saved to /ckpt/step-195 (3.1 GB) */
	const char *base64 = "\033]52;c;MjAyNi0xMS0yNSAxMTowMzoxNSBJTkZPIGNoZWNrcG9pbnQgc2F2ZWQgdG8gL2NrcHQvc3RlcC0xOTUgKDMuMSBHQik=\033\\";
	assert_non_null(strstr(str_text(screen_raw(s)), base64));
	press(s, "v k k y", "3 selected");
	press(s, "Enter", "copied 3 selected: ");
	press(s, "Esc & 'error Enter y", "8 filtered");
	press(s, "Esc", "8 of 200");
	screen_free(s);
	/* More than a clipboard takes goes to a file. */
	s = stage_start(120, 40, "--view", "clusters", "--log-lines", "3000");
	must_have(s, "train");
	press(s, "G o", "3,000 lines");
	press(s, "y", "all 3000 lines");
	press(s, "j j Enter", "more than a terminal's clipboard takes");
	assert_null(strstr(str_text(screen_raw(s)), "\033]52;"));
	screen_free(s);
}

/* Panes, what they show and how outlast the screen; and a file that makes no sense does no harm. */
static void test_kept(void **state)
{
	(void)state;
	char *layout = path_join(stage_home(), "layout.json");
	struct screen *s = start(120, 40, "--layout", layout);
	press(s, "| 'events Enter", "2 events");
	press(s, "- 'job_3 Enter", "3 train");
	press(s, "t & 'level:warn Enter", "24 of 200");
	press(s, "M-2 M-Left M-Left q", "still up");
	screen_wait(s);
	screen_free(s);
	const char *argv[] = {stage_program(), "--view", "logs", "--layout", layout, NULL};
	struct screen_options o = {.w = 120, .h = 40, .home = stage_home()};
	s = screen_start(argv, &o);
	must_have(s, "\xe2\x96\xb8" "2 events");
	must_have(s, "job 5 eval submitted");
	must_have(s, "1 train \xc2\xb7 newest job");
	must_have(s, "24 of 200");
	press(s, "M-3 z", "12:00:00 2026-11-25 11:03:19 ERROR");
	screen_free(s);
	static const char *const bad[] = {"7", "{\"panes\": \"|5000 0\"}",
	    "{\"panes\": \"|5000 0 7\", \"focus\": 99, \"shown\": [7, {\"slot\": -3, \"kind\": 4}, {\"slot\": 7, \"times\": 99, \"filter\": []}]}"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char *text = xasprintf("{\"version\": 1, \"screen\": {\"view\": \"logs\", \"logs\": %s}}", bad[i]);
		assert_int_equal(fs_write(layout, text, strlen(text), 0600, NULL), 0);
		free(text);
		s = screen_start(argv, &o);
		press(s, "o 'events Enter", "job 5 eval submitted");
		screen_free(s);
	}
	free(layout);
}

/* Four logs at once, as fast as they come, while keys are answered; the oldest lines go, and are counted. */
static void test_blast(void **state)
{
	(void)state;
	struct screen *s = start(120, 40, "--log-rate", "20000");
	screen_keys(s, "| 'sweep Enter - 'job_3 Enter M-1");
	press(s, "- 'job_1 Enter", "2 train");
	press(s, "z", "older dropped");
	screen_keys(s, "z");
	press(s, "k", "PAUSED +");
	press(s, "& 'level:error Enter z", "ZOOM 2 of 4");
	must_have(s, " of 50,00");
	press(s, "?", "Help: Logs");
	press(s, "Esc z x x x", "FOLLOWING");
	screen_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_split), cmocka_unit_test(test_resize), cmocka_unit_test(test_accordion), cmocka_unit_test(test_pick),
	    cmocka_unit_test(test_parts), cmocka_unit_test(test_older),
	    cmocka_unit_test(test_follow), cmocka_unit_test(test_filter), cmocka_unit_test(test_search), cmocka_unit_test(test_times),
	    cmocka_unit_test(test_select_and_save), cmocka_unit_test(test_copy), cmocka_unit_test(test_kept),
	    cmocka_unit_test(test_blast),
	};
	return cmocka_run_group_tests(tests, stage_set_up, stage_tear_down);
}
