/* What the person sets and arranges, on a real screen: themes, keys, settings, read again while the screen is up; copying; the window's
 * title; the layout that is kept. */
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
#include "tui/action.h"

static char *layout;

static int set_up(void **state)
{
	if (stage_set_up(state))
		return -1;
	layout = path_join(stage_home(), "layout.json");
	return 0;
}

static int tear_down(void **state)
{
	free(layout);
	return stage_tear_down(state);
}

static struct screen *start(const char *a, const char *b, const char *c, const char *d)
{
	return stage_start(160, 40, a, b, c, d);
}

static void write_config(const char *name, const char *text)
{
	char *path = xasprintf("%s/config/%s", stage_home(), name), *slash = strrchr(path, '/');
	*slash = '\0';
	assert_int_equal(fs_mkdirs(path, NULL), 0);
	*slash = '/';
	assert_int_equal(fs_write(path, text, strlen(text), 0600, NULL), 0);
	free(path);
}

static void remove_config(void)
{
	char *path = path_join(stage_home(), "config");
	fs_remove_tree(path, NULL);
	free(path);
}

/* Wait until this was written to the terminal. */
static void must_write(struct screen *s, const char *bytes)
{
	for (int i = 0; i < 100 && !strstr(str_text(screen_raw(s)), bytes); i++) {
		screen_read(s);
		usleep(20000);
	}
	if (!strstr(str_text(screen_raw(s)), bytes))
		fail_msg("it was not written: %s", bytes + 1);
}

/* A theme in the person's folder: chosen by name, changed while it is shown, broken and mended; and chosen in the palette. */
static void test_theme(void **state)
{
	(void)state;
	write_config("themes/mine.yaml", "roles:\n  text: \"231 on 17\"\n");
	struct screen *s = start("--theme", "mine", NULL, NULL);
	must_have(s, "RTX4090");
	must_write(s, "48;5;17");
	write_config("themes/mine.yaml", "roles:\n  text: \"231 on 52\"\n");
	must_write(s, "48;5;52");
	write_config("themes/mine.yaml", "roles:\n  text: redd\n");
	must_have(s, "mine.yaml:2:9: there is no colour redd; did you mean red?");
	write_config("themes/mine.yaml", "roles:\n  text: \"231 on 22\"\n");
	must_write(s, "48;5;22");
	screen_keys(s, "Esc : 'theme_mine");
	must_have(s, "skytop config set theme mine");
	screen_keys(s, "Esc : 'theme_default Enter");
	screen_keys(s, "j");
	must_have(s, "RTX4090");
	screen_free(s);
	s = start("--theme", "nothing-of-this-name", NULL, NULL);
	must_have(s, "there is no theme nothing-of-this-name; there are default, mine; the built-in theme is used");
	/* Said once, however often files are read again. */
	write_config("keys.yaml", "clusters:\n  stop: x\n");
	must_have(s, "x is exec in Clusters already");
	write_config("config.yaml", "ui: {mouse: 3}\n");
	press(s, "!", "ui.mouse must be true or false");
	screen_settle(s, 50);
	char *text = screen_text(s), *theme = strstr(text, ":00  there is no theme"); /* after its time; toasts have none */
	assert_true(theme && !strstr(theme + 1, ":00  there is no theme"));
	free(text);
	screen_free(s);
	remove_config();
}

static struct screen *start_over_ssh(const char *words)
{
	char *script = xasprintf("SSH_CONNECTION='192.0.2.1 50000 192.0.2.2 22' exec %s %s", stage_program(), words);
	const char *argv[] = {"/bin/sh", "-c", script, NULL};
	struct screen *s = screen_start(argv, &(struct screen_options){.w = 80, .h = 24, .home = stage_home()});
	free(script);
	return s;
}

/* A context has its own: a screen that orders nothing, a session over ssh; and a home whose config.yaml says that nothing is ordered. */
static void test_contexts(void **state)
{
	(void)state;
	write_config("themes/mine.yaml", "roles:\n  text: \"231 on 17\"\n");
	write_config("themes/far.yaml", "roles:\n  text: \"231 on 52\"\n");
	write_config("config.yaml", "themes: {read_only: mine, ssh: far}\n");
	struct screen *s = start("--view", "clusters", NULL, NULL);
	must_have(s, "train");
	assert_null(strstr(str_text(screen_raw(s)), "48;5;"));
	write_config("config.yaml", "themes: {read_only: mine, ssh: far}\nui: {read_only: true}\n");
	must_write(s, "48;5;17");
	must_lack(s, "S stop");
	screen_keys(s, "S");
	must_have(s, "opened read-only");
	screen_free(s);
	write_config("config.yaml", "themes: {read_only: mine, ssh: far}\n");
	s = start_over_ssh("");
	must_write(s, "48;5;52");
	screen_free(s);
	s = start_over_ssh("--theme default");
	must_have(s, "RTX4090");
	assert_null(strstr(str_text(screen_raw(s)), "48;5;"));
	screen_free(s);
	remove_config();
}

/* A terminal that says it takes all colours gets the very ones. */
static void test_true_color(void **state)
{
	(void)state;
	write_config("themes/mine.yaml", "roles:\n  text: \"#fedcba on #010203\"\n");
	char *script = xasprintf("COLORTERM=truecolor exec %s --theme mine", stage_program());
	const char *argv[] = {"/bin/sh", "-c", script, NULL};
	struct screen_options o = {.w = 80, .h = 24, .home = stage_home()};
	struct screen *s = screen_start(argv, &o);
	must_have(s, "RTX4090");
	must_write(s, "38;2;254;220;186");
	must_write(s, "48;2;1;2;3");
	screen_free(s);
	free(script);
	remove_config();
}

/* Keys and settings are read again within a second; what is wrong is said with its place. The footer follows. */
static void test_live_keys(void **state)
{
	(void)state;
	struct screen *s = start("--view", "clusters", NULL, NULL);
	must_have(s, "S stop");
	write_config("keys.yaml", "clusters:\n  stop: Z\neverywhere:\n  help: [H]\n");
	must_have(s, "Z stop");
	must_have(s, "H help");
	screen_keys(s, "G Z");
	must_have(s, "Stop train?");
	screen_keys(s, "Esc H");
	must_have(s, "Help: Clusters");
	screen_keys(s, "Esc");
	write_config("keys.yaml", "clusters:\n  stop: x\n");
	must_have(s, "keys.yaml:2:9: x is exec in Clusters already");
	must_have(s, "? help");
	screen_keys(s, "Esc");
	write_config("config.yaml", "ui:\n  mouse: perhaps\n");
	must_have(s, "config.yaml:2:10: ui.mouse must be true or false");
	write_config("config.yaml", "ui:\n  mouse: false\n  ascii: true\n");
	must_write(s, "\033[?1002l");
	must_have(s, "- Clusters -");
	screen_free(s);
	remove_config();
}

/* Until there is a folder for the configuration it is waited for: what else comes where it would be draws nothing. */
static void test_beside(void **state)
{
	(void)state;
	remove_config();
	struct screen *s = start("--view", "clusters", NULL, NULL);
	must_have(s, "S stop");
	screen_settle(s, 200);
	size_t before = screen_raw(s)->len;
	char *path = path_join(stage_home(), "beside");
	assert_int_equal(fs_write(path, "", 0, 0600, NULL), 0);
	screen_settle(s, 200);
	assert_int_equal(screen_raw(s)->len, before);
	write_config("keys.yaml", "clusters:\n  stop: Z\n");
	must_have(s, "Z stop");
	screen_free(s);
	remove_config();
	unlink(path);
	free(path);
}

/* Lists over a view: a click selects and, on what is selected, chooses; one beside them closes them. */
static void test_menu_click(void **state)
{
	(void)state;
	struct screen *s = start("--view", "clusters", NULL, NULL);
	press(s, "s", "Sort by");
	click_on(s, "\xe2\x94\x82 COST");
	screen_settle(s, 50);
	assert_true(screen_has(s, "Sort by"));
	click_on(s, "\xe2\x94\x82\xe2\x96\xb8" "COST");
	must_have(s, "COST\xe2\x96\xb2");
	must_lack(s, "Sort by");
	press(s, "s", "Sort by");
	screen_bytes(s, "\033[<0;2;39M", 10);
	must_lack(s, "Sort by");
	screen_free(s);
}

/* y copies by OSC 52; what is too long, or where that is switched off, goes to a file. m gives the mouse to the terminal. */
static void test_copy(void **state)
{
	(void)state;
	struct screen *s = start("--view", "clusters", NULL, NULL);
	must_have(s, "train");
	screen_keys(s, "G y");
	must_have(s, "ssh command");
	must_have(s, "skytop status train");
	screen_keys(s, "Enter");
	must_write(s, "\033]52;c;dHJhaW4=\033\\");
	must_have(s, "copied name: 5 bytes");
	press(s, "!", "Messages");
	press(s, "Enter", "copied message: 20 bytes");
	must_write(s, "\033]52;c;Y29waWVkIG5hbWU6IDUgYnl0ZXM=\033\\");
	screen_keys(s, "m");
	must_write(s, "\033[?1006l\033[?1002l");
	screen_keys(s, "m");
	must_have(s, "the mouse clicks here now");
	write_config("config.yaml", "ui:\n  clipboard: false\n");
	usleep(300000);
	screen_keys(s, "y j Enter");
	must_have(s, "wrote ssh command to ");
	char *path = xasprintf("%s/run/copied", stage_home());
	size_t len;
	char *text = fs_read(path, 1000, &len, NULL);
	assert_string_equal(text, "ssh train");
	free(text);
	free(path);
	screen_keys(s, "1");
	must_have(s, "RTX4090");
	screen_keys(s, "G y");
	must_have(s, "skytop launch --infra ");
	screen_free(s);
	remove_config();
}

static void test_title(void **state)
{
	(void)state;
	struct screen *s = start("--view", "clusters", NULL, NULL);
	must_have(s, "train");
	must_write(s, "\033[22;0t");
	must_write(s, "\033]2;skytop: 3 clusters up, $255.19/h\033\\");
	screen_keys(s, "q");
	screen_wait(s);
	must_write(s, "\033[23;0t");
	assert_string_equal(screen_left(s), "");
	screen_free(s);
	write_config("config.yaml", "ui:\n  title: false\n");
	s = start("--view", "clusters", NULL, NULL);
	must_have(s, "train");
	screen_keys(s, "q");
	screen_wait(s);
	assert_null(strstr(str_text(screen_raw(s)), "\033]2;"));
	screen_free(s);
	/* A console without windows is sent none of this. */
	remove_config();
	const char *argv[] = {stage_program(), "--view", "clusters", NULL};
	struct screen_options o = {.w = 80, .h = 24, .home = stage_home(), .term = "linux"};
	s = screen_start(argv, &o);
	must_have(s, "train");
	screen_keys(s, "G y Enter");
	must_have(s, "wrote name to ");
	assert_null(strstr(str_text(screen_raw(s)), "\033]2;"));
	assert_null(strstr(str_text(screen_raw(s)), "\033]52;"));
	screen_free(s);
}

/* How often that was written from a place on. */
static int times(struct screen *s, size_t from, const char *text)
{
	int n = 0;
	for (const char *p = str_text(screen_raw(s)) + from; (p = strstr(p, text)); p++)
		n++;
	return n;
}

/* An address is a link (OSC 8), once and not with each frame, and not where that is switched off or the terminal is an old one. */
static void test_links(void **state)
{
	(void)state;
	static const char link[] = "\033]8;;https://console.aws.amazon.com/ec2/home#Instances:\033\\https://console.aws";
	struct screen *s = start("--view", "clusters", NULL, NULL);
	must_have(s, "today");
	press(s, "G Enter", "console.aws.amazon.com");
	screen_settle(s, 50);
	assert_int_equal(times(s, 0, link), 1);
	char *before = screen_text(s);
	size_t had = screen_raw(s)->len;
	screen_keys(s, "Tab Tab"); /* other things change */
	screen_settle(s, 50);
	assert_int_equal(times(s, had, "\033]8;"), 0);
	screen_keys(s, "?");
	must_have(s, "Help: ");
	screen_keys(s, "Esc C-l");
	assert_true(screen_is(s, before)); /* what is written as a link is what stood there */
	screen_settle(s, 50);
	assert_true(times(s, had, link) >= 1);
	write_config("config.yaml", "ui: {links: false}\n");
	screen_free(s);
	s = start("--view", "clusters", NULL, NULL);
	must_have(s, "today");
	press(s, "G Enter", "console.aws.amazon.com");
	assert_int_equal(times(s, 0, "\033]8;"), 0);
	screen_free(s);
	remove_config();
	s = stage_start_with((struct screen_options){.w = 160, .h = 40, .term = "linux"}, (const char *const[]){"--view", "clusters", NULL});
	must_have(s, "today");
	press(s, "G Enter", "console.aws.amazon.com");
	assert_int_equal(times(s, 0, "\033]8;"), 0);
	screen_free(s);
	free(before);
}

/* What the footer offers can be clicked. */
static void test_footer_click(void **state)
{
	(void)state;
	struct screen *s = start("--view", "clusters", NULL, NULL);
	must_have(s, "S stop");
	screen_bytes(s, "\033[<0;3;40M", 10);
	must_have(s, "Help: Clusters");
	screen_keys(s, "Esc");
	assert_true(screen_lacks(s, "Help: "));
	click_on(s, ": actions");
	must_have(s, "search: ");
	screen_free(s);
}

/* Whoever comes for the first time is told in a line what to press; nobody else is. */
static void test_first_time(void **state)
{
	(void)state;
	char *fresh = path_join(stage_home(), "fresh.json");
	for (int i = 0; i < 2; i++) {
		struct screen *s = start("--layout", fresh, "--no-engine", NULL);
		must_have(s, "RTX4090"); /* prices, and no question before them */
		must_have(s, "? help");
		if (i == 0)
			must_have(s, "? shows the keys");
		else
			assert_true(screen_lacks(s, "? shows the keys"));
		screen_keys(s, "j q");
		assert_int_equal(screen_wait(s), 0);
		screen_free(s);
	}
	free(fresh);
}

/* View, order, grouping and the theme chosen come back; a file that is not understood is left out with a word. */
static void test_layout(void **state)
{
	(void)state;
	write_config("themes/mine.yaml", "roles:\n  text: \"231 on 17\"\n");
	struct screen *s = start("--layout", layout, NULL, NULL);
	must_have(s, "$/GPU\xc2\xb7h\xe2\x96\xb2");
	screen_keys(s, "> r");
	must_have(s, "SPOT\xe2\x96\xbc");
	screen_keys(s, "2 > r");
	must_have(s, "\xe2\x96\xbc");
	screen_keys(s, ": 'theme_mine Enter");
	must_write(s, "48;5;17");
	screen_keys(s, "q");
	screen_wait(s);
	screen_free(s);
	assert_true(fs_exists(layout));
	s = start("--layout", layout, NULL, NULL);
	must_have(s, "Clusters");
	must_have(s, "STATUS\xe2\x96\xbc");
	must_write(s, "48;5;17");
	screen_keys(s, "1");
	must_have(s, "SPOT\xe2\x96\xbc");
	screen_keys(s, "q");
	screen_wait(s);
	screen_free(s);
	/* Another theme in config.yaml than at that time: that one counts; where it is said if there is none. */
	write_config("config.yaml", "ui: {}\ntheme: non-such\n");
	s = start("--layout", layout, NULL, NULL);
	must_have(s, "config.yaml:2: there is no theme non-such; there are default, mine;");
	screen_free(s);
	write_config("config.yaml", "theme: other\n");
	write_config("themes/other.yaml", "roles:\n  text: \"231 on 22\"\n");
	s = start("--layout", layout, NULL, NULL);
	must_write(s, "48;5;22");
	screen_free(s);
	remove_config();
	static const char *const bad[] = {"{", "[]", "{\"version\": 99}", "{\"version\": 1, \"screen\": {\"view\": 7, \"offers\": [], \"clusters\": "
	    "{\"grid\": 3}}}"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(fs_write(layout, bad[i], strlen(bad[i]), 0600, NULL), 0);
		s = start("--layout", layout, NULL, NULL);
		must_have(s, "RTX4090");
		if (i != 3)
			must_have(s, "the layout starts anew");
		screen_free(s);
	}
}

/* Every action is in ? and in :, found by its name, wherever one is. */
static void test_everything_is_listed(void **state)
{
	(void)state;
	static const char *const openers[] = {"?", ":"};
	struct screen *s = start("--view", "clusters", NULL, NULL);
	must_have(s, "train");
	for (size_t o = 0; o < ARRAY_LEN(openers); o++) {
		screen_keys(s, openers[o]);
		must_have(s, "search: ");
		for (int i = ACTION_NONE + 1; i < ACTIONS; i++) {
			const struct action_info *info = action_info((enum action)i);
			char *keys = xasprintf("C-u '%s", info->name);
			screen_keys(s, keys);
			must_have(s, info->title);
			free(keys);
		}
		screen_keys(s, "Esc");
		assert_true(screen_lacks(s, "search: "));
	}
	screen_free(s);
}

/* The same without a terminal: lines in, lines out, and not one escape. */
static void test_plain(void **state)
{
	(void)state;
	char *script = xasprintf("printf '%%s\n' G D Esc '?' \"'autostop\" Esc y Enter nonsense o split Esc offers quit | SKYTOP_HOME=%s %s --plain --view clusters",
	    stage_home(), stage_program());
	const char *argv[] = {"/bin/sh", "-c", script, NULL};
	struct screen_options o = {.w = 160, .h = 400, .home = stage_home()}; /* all of it stays to be seen */
	struct screen *s = screen_start(argv, &o);
	must_have(s, ">train  UP  aws/us-east-1a");
	must_have(s, "\nTear down train?\n");
	must_have(s, "\nHelp: Clusters\n"); /* alone on its line: nothing of the view is beside it */
	must_have(s, "Set autostop");
	must_have(s, "name: train");
	must_have(s, "nonsense: no key and no action");
	must_have(s, "\nNothing is shown here. o chooses what, x closes the pane.\n"); /* nor beside the log in another pane */
	must_have(s, "RTX4090");
	must_have(s, "3 clusters are still up");
	assert_int_equal(screen_wait(s), 0);
	const struct str *raw = screen_raw(s);
	assert_null(memchr(raw->data, '\033', raw->len));
	screen_free(s);
	free(script);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_theme), cmocka_unit_test(test_contexts), cmocka_unit_test(test_true_color), cmocka_unit_test(test_live_keys),
	    cmocka_unit_test(test_beside), cmocka_unit_test(test_copy), cmocka_unit_test(test_title),
	    cmocka_unit_test(test_links), cmocka_unit_test(test_menu_click), cmocka_unit_test(test_footer_click), cmocka_unit_test(test_first_time),
	    cmocka_unit_test(test_layout), cmocka_unit_test(test_everything_is_listed), cmocka_unit_test(test_plain),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
