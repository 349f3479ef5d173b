/* How the program treats its terminal: what it leaves behind, what it asks of it, and what it does when it is small, slow, odd or gone. */
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

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "tests/tui/stage.h"

static struct screen *start(const char *a, const char *b, const char *c, const char *d)
{
	return stage_start(80, 24, a, b, c, d);
}

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
#ifdef __SANITIZE_ADDRESS__
		assert_true(WIFSIGNALED(status) || WEXITSTATUS(status)); /* it reports what it has found, and exits in its own way */
#else
		assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == signals[i] : WEXITSTATUS(status) == 128 + signals[i]);
#endif
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
	    "test -t 0 && test -t 2 && read -r x && echo \"it read $x\"\ntest \"$x\" != z || { kill -TSTP $$; echo went on; read -r x; }\n"
	    "sleep 0.3 && exit \"$x\"\n";
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
	/* C-z in it stops us as well, or the shell we run under would wait for ever; both go on together. */
	screen_keys(s, "h");
	must_have(s, "run 3 is ssh ");
	screen_bytes(s, "z\r", 2);
	assert_true(screen_stopped(s));
	screen_continue(s);
	must_have(s, "went on");
	screen_bytes(s, "0\r", 2);
	must_have(s, "train");
	screen_keys(s, "1");
	must_have(s, "RTX4090");
	screen_free(s);
	fs_remove_tree(dir, NULL);
	free(shell);
}

/* Esc as most terminals send it: one byte, which may begin a sequence. Every modal closes by it, and by keys that are nothing else. */
static void test_esc(void **state)
{
	(void)state;
	static const char *const opened[] = {"?", ":", "s", "!", "y", "l", "D", "S", "x", "a"};
	static const char *const closed[] = {"\033", "\003", "\007"};
	struct screen *s = start("--view", "clusters", NULL, NULL);
	must_have(s, "today");
	screen_keys(s, "G");
	screen_settle(s, 50);
	char *want = screen_text(s);
	for (size_t i = 0; i < ARRAY_LEN(opened); i++) {
		for (size_t k = 0; k < ARRAY_LEN(closed); k++) {
			screen_keys(s, opened[i]);
			must_lack(s, " o logs"); /* the view's own footer is gone */
			screen_bytes(s, closed[k], 1);
			if (!screen_is(s, want))
				fail_msg("%s is not closed by %d:\n%s", opened[i], closed[k][0], screen_text(s));
		}
	}
	free(want);
	screen_free(s);
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

/* A key, and the whole frame that answers it. */
static void press_and_wait(struct screen *s, const char *key)
{
	size_t before = screen_raw(s)->len;
	screen_keys(s, key);
	for (int i = 0; i < 200 && (screen_raw(s)->len == before || !str_ends(str_text(screen_raw(s)), "\033[?2026l")); i++)
		screen_settle(s, 30);
}

/* What is there after some keys is what is there when all is drawn anew. */
static void expect_same_anew(struct screen *s, const char *what)
{
	char *text = screen_text(s), *colors = screen_colors(s);
	press_and_wait(s, "C-l");
	char *text_anew = screen_text(s), *colors_anew = screen_colors(s);
	if (strcmp(text, text_anew) != 0 || strcmp(colors, colors_anew) != 0) {
		printf("%s%s\nand drawn anew:\n%s%s", text, colors, text_anew, colors_anew);
		fail_msg("after %s it is another screen", what);
	}
	free(text);
	free(colors);
	free(text_anew);
	free(colors_anew);
}

/* Any size up to 400x120, with anything open in any view, while keys are pressed: it lives, and at some size is what it would be anew. */
static void test_resize_storm(void **state)
{
	(void)state;
	static const char *const opened[] = {"", "?", ":", "l", "D", "Enter", "x", "a", "!", "1", "1 Space j Space Enter", "1 l", "1 t", "6 o", "6 |", "7 B",
	    "7 G Enter", "8 Tab", "9 Enter", "9 Tab Enter", "0 Enter"};
	struct screen *s = start("--view", "clusters", NULL, NULL);
	must_have(s, "today");
	screen_keys(s, "Home");
	screen_settle(s, 100);
	char *want = screen_text(s);
	unsigned seed = 11;
	for (size_t i = 0; i < ARRAY_LEN(opened); i++) {
		screen_keys(s, opened[i]);
		for (int k = 0; k < 12; k++) {
			seed = seed * 1103515245 + 12345;
			int w = 1 + (int)(seed >> 16) % 400, h = 1 + (int)(seed >> 8) % 120;
			screen_resize(s, k % 7 ? w : 1, k % 5 ? h : 1);
			if (k % 3 == 0)
				screen_keys(s, "Down");
			screen_read(s);
		}
		screen_resize(s, 30 + (int)(seed >> 16) % 170, 8 + (int)(seed >> 8) % 50);
		screen_settle(s, 40);
		expect_same_anew(s, opened[i]);
		screen_resize(s, 80, 24);
		screen_keys(s, "Esc Esc Esc Esc 2 Home");
	}
	assert_true(screen_is(s, want));
	free(want);
	screen_free(s);
}

static void test_tiny(void **state)
{
	(void)state;
	struct screen *s = stage_start(1, 1, "--view", "clusters", NULL, NULL);
	screen_settle(s, 100);
	screen_keys(s, "? Esc : Esc l Esc / 'x Esc 1 Enter t s Esc 3 4 5 6 7 8 9 0 2");
	screen_resize(s, 18, 3);
	must_have(s, "$255.19/h");
	must_have(s, "? help");
	screen_resize(s, 10, 3);
	must_have(s, "? help");
	/* How to get help is what the last line begins with, at any width and in any view. */
	for (int w = 10; w < 90; w += 9) {
		screen_resize(s, w, 15);
		screen_keys(s, w % 2 ? "7" : "2");
		must_have(s, "\n ? help");
	}
	screen_resize(s, 60, 15);
	press(s, "2", "train");
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
	static const char *const args[] = {"--view", "clusters", NULL};
	struct screen_options o = {.w = 80, .h = 24};
	for (int i = 0; i < 2; i++) {
		o.no_color = i == 1;
		struct screen *s = stage_start_with(o, args);
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
	struct screen *s = stage_start_with((struct screen_options){.w = 120, .h = 40, .c_locale = true}, (const char *const[]){"--view", "clusters", NULL});
	must_have(s, "train");
	screen_keys(s, "j ? Esc Enter 1 Enter t s Esc");
	screen_settle(s, 100);
	const struct str *raw = screen_raw(s);
	for (size_t i = 0; i < raw->len; i++)
		assert_true((unsigned char)raw->data[i] < 0x80);
	screen_free(s);
}

/* UTF-8 by LC_CTYPE alone, all else being C. */
static void test_ctype_alone(void **state)
{
	(void)state;
	struct screen *s = stage_start_with((struct screen_options){.w = 80, .h = 24, .ctype_alone = true}, (const char *const[]){"--view", "clusters", NULL});
	must_have(s, "b\xc3\xa4rchen");
	screen_free(s);
}

/* Each view, with help over it: the same text on both. */
static void same_views(struct screen *a, struct screen *b, const char *what)
{
	static const char *const views[] = {"1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "2 ?"};
	for (size_t i = 0; i < ARRAY_LEN(views); i++) {
		char *before = screen_text(a), *want = xstrdup(before);
		screen_keys(a, views[i]);
		screen_keys(b, views[i]);
		for (int n = 0; n < 250 && !strcmp(want, before); n++) { /* until it is another view, however busy the machine is */
			screen_settle(a, 40);
			free(want);
			want = screen_text(a);
		}
		if (!screen_is(b, want))
			fail_msg("view %s, %s:\n%s", views[i], what, screen_text(b));
		free(want);
		free(before);
	}
	screen_keys(a, "Esc");
}

static void test_terms(void **state)
{
	(void)state;
	static const char *const terms[] = {"xterm", "screen", "tmux-256color", "linux", "vt100", "foot", "alacritty", "xterm-kitty", "no-such-terminal"};
	static const char *const args[] = {"--view", "clusters", NULL};
	struct screen *known = stage_start_with((struct screen_options){.w = 80, .h = 24}, args);
	must_have(known, "today");
	for (size_t i = 0; i < ARRAY_LEN(terms); i++) {
		struct screen *s = stage_start_with((struct screen_options){.w = 80, .h = 24, .term = terms[i]}, args);
		must_have(s, "today");
		same_views(known, s, terms[i]);
		screen_keys(s, "Esc q");
		assert_int_equal(screen_wait(s), 0);
		screen_free(s);
	}
	screen_free(known);
	struct screen_options o = {.w = 80, .h = 24, .term = "dumb"};
	struct screen *s = stage_start_with(o, args);
	int status = screen_wait(s);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 2);
	assert_true(screen_has(s, "TERM=dumb"));
	assert_string_equal(screen_left(s), "");
	screen_free(s);
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
	struct screen *s = stage_start(120, 40, "--view", "clusters", "--clusters", "300");
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

/* A log full of escape sequences: nothing but text and colours gets out. */
static void test_hostile_log(void **state)
{
	(void)state;
	static const char evil[] = "\033]0;owned\007title\n\033]52;c;aGFja2Vk\007clip\n\033[2J\033[Hclear\n\033[?1049lmain\n\033P+q544e\033\\dcs\n"
				   "\033[31mred\033[0m end\n\xe2\x80\xaeltr\n";
	char *file = path_join(stage_home(), "evil.log");
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

/* --- bytes ---------------------------------------------------------------------------------------------------------- */

/* Bytes that some keys cost, each drawn for itself; the most of them. */
static size_t bytes_of(struct screen *s, const char *key, int times)
{
	size_t most = 0;
	for (int i = 0; i < times; i++) {
		screen_settle(s, 30);
		size_t before = screen_raw(s)->len;
		screen_keys(s, key);
		screen_settle(s, 30);
		size_t n = screen_raw(s)->len - before;
		most = n > most ? n : most;
	}
	return most;
}

static void at_most(const char *what, size_t n, size_t limit)
{
	printf("# %s: %zu of at most %zu\n", what, n, limit);
	if (n > limit)
		fail_msg("%s: %zu, more than %zu", what, n, limit);
}

/* Few bytes: this is what a slow line feels. Exact, whatever the machine does besides. */
static void test_bytes(void **state)
{
	(void)state;
	static const char *const mixed[] = {"j", "j", "PgDn", "k", "?", "Esc", "1", "j", "PgDn", "PgUp", "t", "t", "2", "/", "'7", "Esc", "G", "g", "9", "2"};
	struct screen *s = stage_start(120, 40, "--view", "clusters", "--clusters", "300");
	must_have(s, "304 clusters");
	at_most("the selection moves, 120 columns", bytes_of(s, "j", 5), 250);
	screen_keys(s, "g");
	screen_settle(s, 100);
	screen_changed(s);
	size_t before = screen_raw(s)->len, cells = 0;
	for (size_t i = 0; i < ARRAY_LEN(mixed); i++) {
		screen_keys(s, mixed[i]);
		screen_settle(s, 30);
		cells += screen_changed(s);
	}
	/* Of blanks that are seen to change. */
	at_most("hundredths of a byte for each cell that changes, mixed keys", (screen_raw(s)->len - before) * 100 / cells, 130);
	screen_resize(s, 300, 90);
	must_have(s, "EVENTS");
	screen_keys(s, "Enter"); /* the details, which are there where there is room, are put away */
	must_lack(s, "EVENTS");
	at_most("the selection moves, 300 columns", bytes_of(s, "j", 5), 260);
	screen_free(s);
	s = stage_start(120, 40, "--view", "clusters", NULL, NULL);
	must_have(s, "train");
	press(s, "G o", "FOLLOWING");
	press(s, "k k", "PAUSED");
	at_most("a log is scrolled by a line, of 87 columns", bytes_of(s, "k", 5), 48 + 87);
	screen_free(s);
}

/* Nothing is wiped but where everything has to be drawn anew: that is what flickers. */
static void test_no_wipe(void **state)
{
	(void)state;
	static const char *const keys[] = {"j", "PgDn", "?", "Esc", "1", "t", "t", "2", "G", "o", "|", "Esc", "7", "8", "9", "0", "D", "2"};
	struct screen *s = start("--view", "clusters", NULL, NULL);
	must_have(s, "today");
	screen_settle(s, 50);
	size_t first = screen_raw(s)->len;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		screen_keys(s, keys[i]);
		screen_settle(s, 20);
	}
	const char *since = str_text(screen_raw(s)) + first;
	assert_null(strstr(since, "\033[2J"));
	assert_null(strstr(since, "\033[H\033[J"));
	screen_keys(s, "C-l");
	screen_settle(s, 50);
	assert_non_null(strstr(str_text(screen_raw(s)) + first, "\033[H\033[J") ? "" : strstr(str_text(screen_raw(s)) + first, "\033[2J"));
	screen_free(s);
}

static void test_same_anew(void **state)
{
	(void)state;
	static const char *const keys[] = {"j", "PgDn", "k", "?", "Esc", "1", "PgDn", "T", "Esc", "t", "/", "'4090", "Esc", "2", "G", "o",
	    "k", "|", "Esc", "7", "B", "Esc", "9", "8", "2"};
	static const char ground[] = "roles:\n  text: \"white on blue\"\n";
	char *theme = path_join(stage_home(), "ground.yaml");
	assert_int_equal(fs_write(theme, ground, sizeof ground - 1, 0600, NULL), 0);
	/* A theme with a ground of its own has it everywhere: what is scrolled in, too. */
	for (int own = 0; own < 2; own++) {
		struct screen *s = start("--view", "clusters", own ? "--theme" : NULL, theme);
		must_have(s, "today");
		for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
			press_and_wait(s, keys[i]);
			expect_same_anew(s, keys[i]);
		}
		screen_free(s);
	}
	free(theme);
}

/* Nothing changes: not one byte, and nobody wakes. */
static void test_idle(void **state)
{
	(void)state;
	struct screen *s = start("--view", "clusters", NULL, NULL);
	must_have(s, "today");
	screen_settle(s, 300);
	size_t before = screen_raw(s)->len;
	long woken = screen_switches(s);
	poll(NULL, 0, 1500);
	screen_read(s);
	assert_int_equal(screen_raw(s)->len, before);
	if (woken >= 0)
		assert_true(screen_switches(s) - woken <= 1);
	screen_free(s);
}

/* Colours and attributes may be had or not: the text is the same, in every view. */
static void test_same_without_color(void **state)
{
	(void)state;
	static const char *const args[] = {"--view", "clusters", NULL};
	struct screen *s = stage_start_with((struct screen_options){.w = 120, .h = 40}, args);
	struct screen *mono = stage_start_with((struct screen_options){.w = 120, .h = 40, .no_color = true}, args);
	must_have(s, "today");
	must_have(mono, "today");
	same_views(s, mono, "NO_COLOR");
	screen_free(s);
	screen_free(mono);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ends), cmocka_unit_test(test_crash), cmocka_unit_test(test_suspend),
	    cmocka_unit_test(test_login), cmocka_unit_test(test_esc), cmocka_unit_test(test_hang_up), cmocka_unit_test(test_resize_storm),
	    cmocka_unit_test(test_tiny), cmocka_unit_test(test_frames), cmocka_unit_test(test_no_color),
	    cmocka_unit_test(test_c_locale), cmocka_unit_test(test_terms), cmocka_unit_test(test_ctype_alone),
	    cmocka_unit_test(test_bytes), cmocka_unit_test(test_no_wipe), cmocka_unit_test(test_same_anew), cmocka_unit_test(test_idle),
	    cmocka_unit_test(test_same_without_color), cmocka_unit_test(test_paste),
	    cmocka_unit_test(test_burst), cmocka_unit_test(test_slow_terminal), cmocka_unit_test(test_hostile_log),
	    cmocka_unit_test(test_random),
	};
	cmocka_set_test_filter(getenv("SKYTOP_TEST")); /* for work on one of them; "test_log*" */
	return cmocka_run_group_tests(tests, stage_set_up, stage_tear_down);
}
