/* Whole screens, and how the program treats its terminal. Each screen is drawn at four sizes, by resizing one running program, in
 * UTF-8 and in the C locale, and compared with golden/NAME.LOCALE. SKYTOP_UPDATE=1 writes those files;
 * SKYTOP_ONLY=cost looks at those only whose names begin so. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "tests/tui/fixture.h"
#include "tests/tui/screen.h"

enum { QUIET_MS = 300, FILE_MAX = 4 << 20 };

static char home[] = "/tmp/skytop-screens-XXXXXX";
static char *program;

static int set_up(void **state)
{
	(void)state;
	const char *build = getenv("top_builddir");
	program = xasprintf("%s/tests/tui/skytop_screen", build ? build : ".");
	if (!mkdtemp(home))
		return -1;
	fixture_home(home);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(program);
	return fs_remove_tree(home, NULL);
}

static struct screen *start_at(int w, int h, bool c_locale, const char *a, const char *b, const char *c, const char *d)
{
	const char *argv[] = {program, a, b, c, d, NULL};
	struct screen_options o = {.w = w, .h = h, .c_locale = c_locale, .home = home};
	return screen_start(argv, &o);
}

static struct screen *start(const char *a, const char *b, const char *c, const char *d)
{
	return start_at(80, 24, false, a, b, c, d);
}

static void must_have(struct screen *s, const char *text)
{
	if (screen_has(s, text))
		return;
	char *now = screen_text(s);
	fail_msg("\"%s\" did not come:\n%s", text, now);
}

static void must_lack(struct screen *s, const char *text)
{
	if (screen_lacks(s, text))
		return;
	char *now = screen_text(s);
	fail_msg("\"%s\" did not go:\n%s", text, now);
}

/* --- golden screens ----------------------------------------------------------------------------------------------- */

static const struct golden {
	const char *name;
	const char *args[4];
	const char *ready; /* is on the screen before the first key */
	const char *keys;  /* two parts, if need be, with a text to wait for between them */
	const char *then, *more_keys;
} goldens[] = {
    {"offers", {NULL}, "today", "", NULL, NULL},
    {"offers-details", {NULL}, "today", "G k Enter", NULL, NULL},
    {"offers-filter", {"--filter", "h100 n>=8 !aws"}, "today", "G", NULL, NULL},
    {"offers-typing", {NULL}, "today", "/ 'h100_price<", NULL, NULL},
    {"offers-wrong", {NULL}, "today", "/ 'clowd:aws Enter", NULL, NULL},
    {"offers-groups", {NULL}, "today", "t j", NULL, NULL},
    {"offers-marked", {NULL}, "today", "j Space Space", NULL, NULL},
    {"offers-compared", {NULL}, "today", "G k k k Space Up Up Up Space k k Space Enter", NULL, NULL},
    {"launch", {NULL}, "today", "G k k k l", NULL, NULL},
    {"help", {NULL}, "today", "?", NULL, NULL},
    {"palette", {NULL}, "today", ": 'sto", NULL, NULL},
    {"clusters", {"--view", "clusters"}, "today", "", NULL, NULL},
    {"clusters-details", {"--view", "clusters"}, "today", "G Enter", NULL, NULL},
    {"clusters-down", {"--view", "clusters"}, "today", "G D", NULL, NULL},
    {"clusters-several", {"--view", "clusters"}, "today", "Space Space S", NULL, NULL},
    {"clusters-none", {"--view", "clusters", "--empty", NULL}, "no clusters", "", NULL, NULL},
    {"clusters-refused", {"--view", "clusters", "--refuse", NULL}, "today", "G S Tab Enter", "budget", ""},
    {"logs", {"--view", "clusters"}, "today", "G o", "FOLLOWING", ""},
    {"logs-paused", {"--view", "clusters"}, "today", "G o", "FOLLOWING", "k k PgUp"},
    {"logs-search", {"--view", "clusters"}, "today", "G o", "FOLLOWING", "/ 'error Enter N"},
    {"logs-wrapped", {"--view", "clusters"}, "today", "G o", "FOLLOWING", "w"},
    {"logs-two", {"--view", "clusters"}, "today", "G o", "FOLLOWING", "| 'events Enter"},
    {"logs-four", {"--view", "clusters"}, "today", "G o", "FOLLOWING",
	"| 'sweep Enter t t - 'events Enter M-1 - 'job_3 Enter & 'level:warn Enter"},
    {"logs-zoomed", {"--view", "clusters"}, "today", "G o", "FOLLOWING", "- 'sweep Enter & 'rank:1,3_!loss Enter z"},
    {"logs-pick", {"--view", "clusters"}, "today", "G o", "FOLLOWING", "| 'tra"},
    {"logs-selected", {"--view", "clusters"}, "today", "G o", "FOLLOWING", "t v k k k"},
    {"messages", {"--view", "clusters", "--refuse", NULL}, "today", "G S Tab Enter", "budget", "!"},
    {"offers-sort", {NULL}, "today", "s G", NULL, NULL},
    {"clusters-start", {"--view", "clusters"}, "today", "g j R", NULL, NULL},
    {"clusters-exec", {"--view", "clusters"}, "today", "G x 'python_train.py", NULL, NULL},
    {"clusters-autostop", {"--view", "clusters"}, "today", "G a", NULL, NULL},
    {"clusters-filter", {"--view", "clusters"}, "today", "/ 'h100", NULL, NULL},
    {"logs-none", {"--view", "logs"}, "today", "", NULL, NULL},
    {"clusters-launching", {"--view", "clusters"}, "today", "/ 'sweep Enter Enter", NULL, NULL},
    {"launch-anywhere", {"--view", "clusters"}, "today", "l", NULL, NULL},
    {"launch-pick", {"--view", "clusters"}, "today", "l Enter", NULL, NULL},
    {"plan", {NULL}, "today", "/ 'nebius_h200 Enter l Enter", "now on", ""},
    {"plan-refused", {"--view", "clusters", "--refuse", NULL}, "today", "l Tab 'run Tab Tab 'mars Tab Tab Tab Tab Tab Tab Tab Enter", "mars/", ""},
    {"jobs", {"--view", "jobs"}, "today", "", NULL, NULL},
    {"jobs-details", {"--view", "jobs"}, "today", "j j j j Enter", NULL, NULL},
    {"jobs-cancel", {"--view", "jobs"}, "today", "Space Space Space Space c", NULL, NULL},
    {"jobs-none", {"--view", "jobs", "--empty", NULL}, "no jobs", "", NULL, NULL},
    {"activity", {"--view", "activity"}, "today", "", NULL, NULL},
    {"activity-request", {"--view", "activity"}, "today", "Enter", NULL, NULL},
    {"activity-error", {"--view", "activity"}, "today", "Tab e j j Enter", NULL, NULL},
    {"activity-none", {"--view", "activity", "--empty", NULL}, "nothing was", "", NULL, NULL},
    {"recipes", {"--view", "recipes"}, "today", "", NULL, NULL},
    {"recipes-text", {"--view", "recipes"}, "today", "j Enter", "your own", ""},
    {"managed", {"--view", "managed"}, "today", "", NULL, NULL},
    {"services", {"--view", "services"}, "today", "", NULL, NULL},
    {"cost", {"--view", "cost"}, "today", "", NULL, NULL},
    {"cost-clouds", {"--view", "cost"}, "today", "b", NULL, NULL},
    {"cost-changes", {"--view", "cost"}, "today", "c", NULL, NULL},
    {"cost-sorted", {"--view", "cost"}, "today", "< <", NULL, NULL},
    {"cost-none", {"--view", "cost", "--empty", NULL}, "today", "", NULL, NULL},
    {"metrics", {"--view", "metrics"}, "97%", "", NULL, NULL},
    {"metrics-hours", {"--view", "metrics"}, "97%", "m m m t j", "last 6 hours", ""},
    {"metrics-figures", {"--view", "metrics"}, "97%", "Tab PgDn j j", NULL, NULL},
    {"metrics-none", {"--view", "metrics", "--empty", NULL}, "no nodes run", "", NULL, NULL},
    {"metrics-help", {"--view", "metrics"}, "97%", "? 'queue_wait", NULL, NULL},
};

static const struct {
	int w, h;
} sizes[] = {{40, 10}, {80, 24}, {120, 40}, {300, 90}};

static char *golden_path(const char *name, bool c_locale)
{
	const char *src = getenv("top_srcdir");
	return xasprintf("%s/tests/tui/golden/%s.%s", src ? src : ".", name, c_locale ? "ascii" : "utf8");
}

/* The part of a golden file for a size, which begins with "=== WxH". Caller frees; NULL: not there. */
static char *golden_part(const char *file, const char *size)
{
	char *mark = xasprintf("=== %s\n", size), *found = NULL;
	const char *at = file ? strstr(file, mark) : NULL;
	if (at) {
		at += strlen(mark);
		const char *end = strstr(at, "\n=== ");
		found = xstrndup(at, end ? (size_t)(end - at) + 1 : strlen(at));
	}
	free(mark);
	return found;
}

static void begin_golden(struct screen *s, const struct golden *g)
{
	must_have(s, g->ready); /* "today": the engine has answered, there is money in the top line */
	screen_keys(s, g->keys);
	if (g->then) {
		must_have(s, g->then);
		screen_keys(s, g->more_keys);
	}
}

static void check_golden(const struct golden *g, bool c_locale)
{
	bool update = getenv("SKYTOP_UPDATE") != NULL;
	const char *only = getenv("SKYTOP_ONLY");
	if (only && !str_starts(g->name, only))
		return;
	char *path = golden_path(g->name, c_locale);
	size_t len;
	char *file = fs_read(path, FILE_MAX, &len, NULL);
	struct str out = str_new(FILE_MAX);
	struct screen *s = start_at(80, 24, c_locale, g->args[0], g->args[1], g->args[2], g->args[3]);
	begin_golden(s, g);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		char size[32];
		snprintf(size, sizeof size, "%dx%d", sizes[i].w, sizes[i].h);
		char *want = golden_part(file, size);
		screen_resize(s, sizes[i].w, sizes[i].h);
		if (update)
			screen_settle(s, QUIET_MS);
		else if (!want || !screen_is(s, want))
			fail_msg("%s at %s is not what %s says:\n%s", g->name, size, path, screen_text(s));
		char *now = screen_text(s);
		str_addf(&out, "=== %s\n", size);
		str_add(&out, now);
		free(now);
		free(want);
	}
	if (update)
		assert_int_equal(fs_write(path, str_text(&out), out.len, 0644, NULL), 0);
	screen_free(s);
	str_free(&out);
	free(file);
	free(path);
}

static void test_golden_utf8(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(goldens); i++)
		check_golden(&goldens[i], false);
}

static void test_golden_ascii(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(goldens); i++)
		check_golden(&goldens[i], true);
}

/* --- the terminal ------------------------------------------------------------------------------------------------- */

static void test_ends(void **state)
{
	(void)state;
	static const struct {
		int signo, status;
	} ends[] = {{0, 0}, {SIGTERM, 128 + SIGTERM}, {SIGINT, 128 + SIGINT}, {SIGHUP, 128 + SIGHUP}, {SIGQUIT, 128 + SIGQUIT}};
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct screen *s = start("--view", "clusters", NULL, NULL);
		must_have(s, "train");
		assert_string_equal(screen_left(s), "alternate-screen cursor mouse paste keypad modes ");
		if (ends[i].signo)
			screen_signal(s, ends[i].signo);
		else
			screen_keys(s, "q");
		int status = screen_wait(s);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), ends[i].status);
		assert_string_equal(screen_left(s), "");
		/* What is left running is said on the normal screen. */
		must_have(s, "skytop: 3 clusters are still up, $255.19/h");
		screen_free(s);
	}
}

static void test_crash(void **state)
{
	(void)state;
	static const int signals[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE};
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		struct screen *s = start(NULL, NULL, NULL, NULL);
		must_have(s, "RTX4090");
		screen_signal(s, signals[i]);
		int status = screen_wait(s);
		assert_true(status != -1 && !(WIFEXITED(status) && !WEXITSTATUS(status)));
		assert_string_equal(screen_left(s), "");
		screen_free(s);
	}
}

static void stop_and_go(const char *keys, int signo)
{
	struct screen *s = start("--view", "clusters", NULL, NULL);
	must_have(s, "train");
	screen_keys(s, "G");
	screen_settle(s, 100);
	char *before = screen_text(s);
	if (keys)
		screen_keys(s, keys);
	else
		screen_signal(s, signo);
	assert_true(screen_stopped(s));
	if (signo != SIGSTOP)
		assert_string_equal(screen_left(s), "");
	screen_bytes(s, "", 0);
	screen_continue(s);
	assert_true(screen_is(s, before));
	assert_string_equal(screen_left(s), "alternate-screen cursor mouse paste keypad modes ");
	screen_keys(s, "1");
	must_have(s, "RTX4090");
	free(before);
	screen_free(s);
}

static void test_suspend(void **state)
{
	(void)state;
	stop_and_go("C-z", 0);
	stop_and_go(NULL, SIGTSTP);
	stop_and_go(NULL, SIGSTOP);
}

/* h hands the terminal to `PROGRAM ssh CLUSTER`. What failed at once can be read before the screen is back. */
static void test_login(void **state)
{
	(void)state;
	char dir[] = "/tmp/skytop-login-XXXXXX";
	assert_non_null(mkdtemp(dir));
	char *shell = path_join(dir, "program");
	static const char text[] = "#!/bin/sh\necho >>\"$0.n\"\necho \"run $(($(wc -l <\"$0.n\"))) is $1 $2\"\n"
	    "test -t 0 && test -t 2 && read -r x && echo \"it read $x\" && sleep 0.3 && exit \"$x\"\n";
	assert_int_equal(fs_write(shell, text, sizeof text - 1, 0700, NULL), 0);
	struct screen *s = start("--view", "clusters", "--program", shell);
	must_have(s, "train");
	screen_keys(s, "Home h");
	must_have(s, "run 1 is ssh ");
	assert_string_equal(screen_left(s), "");
	screen_bytes(s, "0\r", 2);
	must_have(s, "train");
	assert_string_equal(screen_left(s), "alternate-screen cursor mouse paste keypad modes ");
	screen_keys(s, "h");
	must_have(s, "run 2 is ssh ");
	screen_bytes(s, "3\r", 2);
	must_have(s, "Enter leads back");
	screen_bytes(s, "\r", 1);
	must_have(s, "train");
	screen_keys(s, "1");
	must_have(s, "RTX4090");
	screen_free(s);
	fs_remove_tree(dir, NULL);
	free(shell);
}

static void test_hang_up(void **state)
{
	(void)state;
	struct screen *s = start("--view", "clusters", NULL, NULL);
	must_have(s, "train");
	screen_hang_up(s);
	assert_true(screen_wait(s) != -1);
	screen_free(s);
}

static void test_resize_storm(void **state)
{
	(void)state;
	static const char *const opened[] = {"", "?", ":", "l", "D", "Enter", "x", "a", "!"};
	char *path = golden_path("clusters", false);
	size_t len;
	char *file = fs_read(path, FILE_MAX, &len, NULL), *want = golden_part(file, "80x24");
	assert_non_null(want);
	struct screen *s = start("--view", "clusters", NULL, NULL);
	must_have(s, "train");
	unsigned seed = 11;
	for (size_t i = 0; i < ARRAY_LEN(opened); i++) {
		screen_keys(s, opened[i]);
		for (int k = 0; k < 30; k++) {
			seed = seed * 1103515245 + 12345;
			int w = 1 + (int)(seed >> 16) % 200, h = 1 + (int)(seed >> 8) % 60;
			screen_resize(s, k % 7 ? w : 1, k % 5 ? h : 1);
			if (k % 3 == 0)
				screen_keys(s, "Down");
			screen_read(s);
		}
		screen_resize(s, 80, 24);
		screen_keys(s, "Esc Esc Home");
	}
	assert_true(screen_is(s, want));
	free(want);
	free(file);
	free(path);
	screen_free(s);
}

static void test_tiny(void **state)
{
	(void)state;
	struct screen *s = start_at(1, 1, false, "--view", "clusters", NULL, NULL);
	screen_settle(s, 100);
	screen_keys(s, "? Esc : Esc l Esc / 'x Esc 1 Enter t s Esc 3 4 5 6 7 8 9 0 2");
	screen_resize(s, 18, 3);
	must_have(s, "$255.19/h");
	must_have(s, "? help");
	screen_resize(s, 10, 3);
	must_have(s, "? help");
	screen_resize(s, 60, 15);
	must_have(s, "? help");
	must_have(s, "train");
	screen_keys(s, "q");
	assert_int_equal(screen_wait(s), 0);
	screen_free(s);
}

/* Frames leave whole: after the first bytes everything stands between the marks of synchronized output. */
static void test_frames(void **state)
{
	(void)state;
	struct screen *s = start("--view", "clusters", NULL, NULL);
	must_have(s, "train");
	static const char *const keys[] = {"j", "k", "?", "Esc", "1", "j", "PgDn", "2"};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		screen_keys(s, keys[i]);
		screen_settle(s, 50);
	}
	const char *p = strstr(str_text(screen_raw(s)), "\033[?2026h");
	assert_non_null(p);
	size_t frames = 0;
	while (*p) {
		assert_int_equal(strncmp(p, "\033[?2026h", 8), 0);
		p = strstr(p, "\033[?2026l");
		assert_non_null(p);
		p += 8;
		frames++;
	}
	assert_true(frames >= 5);
	screen_free(s);
}

/* Does any SGR sequence set a colour? */
static bool has_color(const struct str *raw)
{
	for (const char *p = str_text(raw); (p = strstr(p, "\033["));) {
		p += 2;
		const char *end = p + strspn(p, "0123456789;");
		for (; *end == 'm' && p < end; p += strcspn(p, ";m") + 1) {
			long v = strtol(p, NULL, 10);
			if ((v >= 30 && v <= 38) || (v >= 40 && v <= 48) || (v >= 90 && v <= 107))
				return true;
		}
		p = end;
	}
	return false;
}

static void test_no_color(void **state)
{
	(void)state;
	const char *argv[] = {program, "--view", "clusters", NULL};
	struct screen_options o = {.w = 80, .h = 24, .home = home};
	for (int i = 0; i < 2; i++) {
		o.no_color = i == 1;
		struct screen *s = screen_start(argv, &o);
		must_have(s, "train");
		screen_keys(s, "j ? Esc D Esc 1 Enter");
		screen_settle(s, 100);
		assert_int_equal(has_color(screen_raw(s)), i == 0);
		screen_free(s);
	}
}

static void test_c_locale(void **state)
{
	(void)state;
	struct screen *s = start_at(120, 40, true, "--view", "clusters", NULL, NULL);
	must_have(s, "train");
	screen_keys(s, "j ? Esc Enter 1 Enter t s Esc");
	screen_settle(s, 100);
	const struct str *raw = screen_raw(s);
	for (size_t i = 0; i < raw->len; i++)
		assert_true((unsigned char)raw->data[i] < 0x80);
	screen_free(s);
}

static void test_terms(void **state)
{
	(void)state;
	static const char *const terms[] = {"xterm", "screen", "tmux-256color", "linux", "vt100", "no-such-terminal"};
	const char *argv[] = {program, "--view", "clusters", NULL};
	for (size_t i = 0; i < ARRAY_LEN(terms); i++) {
		struct screen_options o = {.w = 80, .h = 24, .home = home, .term = terms[i]};
		struct screen *s = screen_start(argv, &o);
		must_have(s, "train");
		screen_keys(s, "q");
		assert_int_equal(screen_wait(s), 0);
		screen_free(s);
	}
	struct screen_options o = {.w = 80, .h = 24, .home = home, .term = "dumb"};
	struct screen *s = screen_start(argv, &o);
	int status = screen_wait(s);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 2);
	assert_true(screen_has(s, "TERM=dumb"));
	assert_string_equal(screen_left(s), "");
	screen_free(s);
}

/* --- orders ------------------------------------------------------------------------------------------------------- */

static char *orders_path(void)
{
	char *path = path_join(home, "orders");
	unlink(path);
	return path;
}

/* What was ordered so far. */
static void expect_orders(const char *path, const char *want)
{
	size_t len = 0;
	char *text = fs_read(path, FILE_MAX, &len, NULL);
	assert_string_equal(text ? text : "", want);
	free(text);
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
	const char *argv[] = {program, "--view", "clusters", "--orders", path, "--shuffle", "30", "--clusters", "20", NULL};
	struct screen_options o = {.w = 80, .h = 24, .home = home};
	struct screen *s = screen_start(argv, &o);
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
	char *path = orders_path(), *task = path_join(home, "task.yaml");
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
	char *typed = xasprintf("Tab '%s/ta Tab Tab Tab 'big Tab '2", home); /* Tab completes the name, then goes on */
	screen_keys(s, typed);
	free(typed);
	must_have(s, "Costs $56.00 each hour");
	screen_keys(s, "Tab Space");
	must_have(s, "Costs $23.20 each hour");
	screen_keys(s, "Tab '10 Tab '9A=1 Tab Tab Enter");
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
			    "gpus=H200:8 spot=1 nodes=2 autostop=10 id=0 env=A=1 B=2\n");
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
	screen_keys(s, "Tab Tab Tab Tab Tab Tab Tab Tab Tab Enter");
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
	const char *argv[] = {program, "--orders", path, "--hang", NULL};
	struct screen_options o = {.w = 80, .h = 24, .home = home};
	struct screen *s = screen_start(argv, &o);
	must_have(s, "RTX4090");
	screen_keys(s, "l Enter");
	must_have(s, "asking the clouds");
	screen_keys(s, "y Tab Enter"); /* nothing is known yet, so nothing can be launched: that was Cancel */
	must_have(s, "[ Plan ]");
	screen_keys(s, "Esc 2");
	must_have(s, "train");
	screen_keys(s, "G S Tab Enter");
	must_have(s, "stop train"); /* on the row and as a line */
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
	must_have(s, "by grace");
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
	char *got = fs_read(path, FILE_MAX, NULL, NULL);
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
	char *editor = path_join(home, "editor"), *own = path_join(home, "config/recipes/hello.yaml");
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
	screen_keys(s, "Esc l");
	must_have(s, "recipes/hello.yaml");
	screen_free(s);
	unlink(own);
	free(with);
	free(own);
	free(editor);
}

static void test_read_only(void **state)
{
	(void)state;
	char *path = orders_path();
	const char *argv[] = {program, "--view", "clusters", "--orders", path, "--read-only", NULL};
	struct screen_options o = {.w = 80, .h = 24, .home = home};
	struct screen *s = screen_start(argv, &o);
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

static void test_paste(void **state)
{
	(void)state;
	static const char commands[] = "\033[200~GDy\rq:quit\r\033[201~";
	char *path = orders_path();
	struct screen *s = start("--view", "clusters", "--orders", path);
	must_have(s, "train");
	screen_bytes(s, commands, sizeof commands - 1);
	must_have(s, "pasted text is ignored");
	screen_keys(s, "/");
	screen_bytes(s, "\033[200~tra\rin\033[201~", 18);
	must_have(s, "/tra in");
	screen_keys(s, "Esc");
	must_have(s, "sweep-7");
	expect_orders(path, "");
	screen_free(s);
	free(path);
}

/* Two hundred keys at once: none is lost, and they are drawn as one. */
static void test_burst(void **state)
{
	(void)state;
	struct screen *s = start("--view", "clusters", "--clusters", "300");
	must_have(s, "304 clusters");
	screen_settle(s, 100);
	size_t before = screen_raw(s)->len;
	char keys[200];
	memset(keys, 'j', sizeof keys);
	screen_bytes(s, keys, sizeof keys);
	screen_settle(s, 200);
	assert_true(screen_raw(s)->len - before < 12000);
	screen_keys(s, "l Esc Enter");
	/* Row 200 of the names in order. */
	screen_settle(s, 100);
	char *now = screen_text(s);
	assert_non_null(strstr(now, "sweep-7-"));
	free(now);
	screen_free(s);
}

/* A terminal that does not take what it is sent gets the newest screen when it does, not every one there was. */
static void test_slow_terminal(void **state)
{
	(void)state;
	struct screen *s = start_at(120, 40, false, "--view", "clusters", "--clusters", "300");
	must_have(s, "304 clusters");
	screen_settle(s, 200);
	char *before = screen_text(s);
	size_t had = screen_raw(s)->len;
	for (int i = 0; i < 100; i++) {
		screen_keys(s, "PgDn");
		poll(NULL, 0, 6);
		screen_keys(s, "PgUp");
		poll(NULL, 0, 6);
	}
	assert_true(screen_is(s, before));
	assert_true(screen_raw(s)->len - had < 150000); /* 200 pages are some 600,000 bytes */
	free(before);
	screen_free(s);
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
	char *file = path_join(home, "saved.log"), *keys = xasprintf("s C-u '%s Enter", file);
	screen_keys(s, keys);
	must_have(s, "lines to");
	size_t len;
	char *text = fs_read(file, FILE_MAX, &len, NULL);
	assert_non_null(text);
	assert_non_null(strstr(text, "INFO checkpoint saved to /ckpt/step-6 (3.1 GB)\n"));
	free(text);
	free(keys);
	free(file);
	screen_free(s);
}

/* A log full of escape sequences: nothing but text and colours gets out. */
static void test_hostile_log(void **state)
{
	(void)state;
	static const char evil[] = "\033]0;owned\007title\n\033]52;c;aGFja2Vk\007clip\n\033[2J\033[Hclear\n\033[?1049lmain\n\033P+q544e\033\\dcs\n"
				   "\033[31mred\033[0m end\n\xe2\x80\xaeltr\n";
	char *file = path_join(home, "evil.log");
	assert_int_equal(fs_write(file, evil, sizeof evil - 1, 0600, NULL), 0);
	struct screen *s = start("--view", "clusters", "--log-file", file);
	must_have(s, "train");
	screen_keys(s, "G o");
	must_have(s, "job 3 SUCCEEDED");
	must_have(s, "title");
	must_have(s, "red end");
	const char *raw = str_text(screen_raw(s));
	assert_null(strstr(raw, "owned"));
	assert_null(strstr(raw, "aGFja2Vk"));
	assert_null(strstr(raw, "\033P"));
	assert_null(strstr(raw, "\xe2\x80\xae"));
	assert_string_equal(screen_left(s), "alternate-screen cursor mouse paste keypad modes ");
	screen_free(s);
	free(file);
}

/* Random bytes, without those that leave or suspend: it lives, and answers afterwards. */
static void test_random(void **state)
{
	(void)state;
	struct screen *s = start("--view", "clusters", "--read-only", NULL);
	must_have(s, "train");
	unsigned seed = 42;
	char buf[256];
	for (int round = 0; round < 40; round++) {
		for (size_t i = 0; i < sizeof buf; i++) {
			do {
				seed = seed * 1103515245 + 12345;
				buf[i] = (char)(seed >> 16);
			} while (buf[i] == 'q' || buf[i] == 3 || buf[i] == 26 || (buf[i] == '\r' && round % 2));
		}
		screen_bytes(s, buf, sizeof buf);
		screen_read(s);
	}
	screen_bytes(s, "\033[201~\033\\", 8); /* whatever was begun ends here */
	screen_settle(s, 700);
	screen_keys(s, "Esc Esc Esc Esc C-l 2");
	must_have(s, "Clusters");
	screen_signal(s, SIGTERM);
	int status = screen_wait(s);
	assert_true(WIFEXITED(status) && (WEXITSTATUS(status) == 128 + SIGTERM || WEXITSTATUS(status) == 0));
	assert_string_equal(screen_left(s), "");
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
	    cmocka_unit_test(test_golden_utf8), cmocka_unit_test(test_golden_ascii), cmocka_unit_test(test_ends),
	    cmocka_unit_test(test_crash), cmocka_unit_test(test_suspend), cmocka_unit_test(test_login), cmocka_unit_test(test_hang_up),
	    cmocka_unit_test(test_resize_storm), cmocka_unit_test(test_tiny), cmocka_unit_test(test_frames),
	    cmocka_unit_test(test_no_color), cmocka_unit_test(test_c_locale), cmocka_unit_test(test_terms),
	    cmocka_unit_test(test_mashing), cmocka_unit_test(test_order), cmocka_unit_test(test_several),
	    cmocka_unit_test(test_captured), cmocka_unit_test(test_exec_and_launch), cmocka_unit_test(test_read_only),
	    cmocka_unit_test(test_three_keys), cmocka_unit_test(test_pick), cmocka_unit_test(test_hanging),
	    cmocka_unit_test(test_stop_request), cmocka_unit_test(test_jobs), cmocka_unit_test(test_recipes),
	    cmocka_unit_test(test_paste), cmocka_unit_test(test_burst), cmocka_unit_test(test_slow_terminal),
	    cmocka_unit_test(test_sort_and_mouse),
	    cmocka_unit_test(test_log), cmocka_unit_test(test_hostile_log), cmocka_unit_test(test_random),
	    cmocka_unit_test(test_lost_engine),
	};
	cmocka_set_test_filter(getenv("SKYTOP_TEST")); /* for work on one of them; "test_log*" */
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
