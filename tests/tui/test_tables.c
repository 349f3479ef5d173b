/* The tables that make the screen explain itself: every key does one thing, every action is named, found and explained, nothing
 * that destroys is under a control key; themes; notices. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "tui/keymap.h"
#include "tui/menu.h"
#include "tui/notice.h"
#include "tui/term/sgr.h"
#include "tui/term/truecolor.h"
#include "tui/theme.h"

static void test_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < key_table_len; i++) {
		struct key k, other;
		char name[32];
		assert_true(key_parse(key_table[i].key, &k));
		assert_string_equal(key_name(k, name, sizeof name), key_table[i].key);
		for (size_t j = i + 1; j < key_table_len; j++) {
			assert_true(key_parse(key_table[j].key, &other));
			if (key_table[i].scope == key_table[j].scope && key_eq(k, other))
				fail_msg("%s is bound twice in %s", key_table[i].key, key_scope_title(key_table[i].scope));
		}
		/* Hands know C-d, C-k, C-r from elsewhere: they never order anything. */
		if (k.mods & KEYS_CTRL)
			assert_false(action_info(key_table[i].action)->orders);
	}
	struct keymap *m = keymap_create();
	/* Nothing but the palette can be reached without being in it; the last resort is always there. */
	for (enum key_scope s = 0; s < SCOPES; s++) {
		assert_int_equal(key_action(m, s, (struct key){'?', 0}), ACTION_HELP);
		assert_int_equal(key_action(m, s, (struct key){':', 0}), ACTION_PALETTE);
		assert_int_equal(key_action(m, s, (struct key){'q', 0}), ACTION_QUIT);
		assert_int_equal(key_action(m, s, (struct key){KEYS_ESC, 0}), ACTION_BACK);
		assert_true(key_scope_reaches(s, SCOPE_GLOBAL));
	}
	assert_false(key_scope_reaches(SCOPE_LOGS, SCOPE_LIST));
	assert_int_equal(key_action(m, SCOPE_LOGS, (struct key){'D', 0}), ACTION_NONE);
	keymap_destroy(m);
}

static void test_actions(void **state)
{
	(void)state;
	for (int i = ACTION_NONE + 1; i < ACTIONS; i++) {
		const struct action_info *a = action_info((enum action)i);
		assert_true(a->name && a->name[0] && a->title[0] && a->help[0]);
		assert_true(isupper((unsigned char)a->title[0]));
		assert_int_equal(a->help[strlen(a->help) - 1], '.');
		assert_true(!a->cli || str_starts(a->cli, "skytop "));
		assert_true(!a->orders || a->cli); /* whatever is ordered here can be ordered by a script */
		for (int j = i + 1; j < ACTIONS; j++)
			assert_string_not_equal(a->name, action_info((enum action)j)->name);
	}
}

/* The man page's list has each binding's action once, with all its keys. */
static void test_docs(void **state)
{
	(void)state;
	struct key_doc doc;
	size_t n = 0, keys = 0;
	for (; key_doc_at(n, &doc); n++) {
		assert_true(doc.scope[0] && doc.keys[0] && doc.action != ACTION_NONE);
		keys++;
		for (const char *p = doc.keys; *p; p++)
			keys += *p == ' ';
	}
	assert_int_equal(keys, key_table_len);
	assert_false(key_doc_at(n + 1, &doc));
}

/* --- the keys file ------------------------------------------------------------------------------------------------ */

static bool same_keys(const struct keymap *a, const struct keymap *b)
{
	size_t n, m;
	const struct key_binding *x = keymap_list(a, &n), *y = keymap_list(b, &m);
	for (enum key_scope s = 0; s < SCOPES; s++) {
		for (size_t i = 0; i < n; i++) {
			char one[64], two[64];
			if (x[i].scope == s && strcmp(keys_of_action(a, s, x[i].action, one, sizeof one),
						   keys_of_action(b, s, x[i].action, two, sizeof two)) != 0)
				return false;
		}
	}
	return n == m && y;
}

static const char *read_keys(struct keymap *m, const char *text, struct str *problems)
{
	str_clear(problems);
	keymap_read(m, text, strlen(text), "keys.yaml", problems);
	return str_text(problems);
}

static void test_keys_file(void **state)
{
	(void)state;
	struct keymap *m = keymap_create(), *table = keymap_create(), *again = keymap_create();
	struct str problems = str_new(100000), text = str_new(100000);
	/* Another key, several, none; what is not mentioned stays. */
	static const char good[] = "clusters:\n  stop: Z\n  exec: [x, 'C-e']\n  ssh: []\noffers:\n  autostop: ~\n";
	const char *said = read_keys(m, good, &problems);
	assert_string_equal(said, "keys.yaml:6:3: autostop does nothing there\n");
	assert_int_equal(key_action(m, SCOPE_CLUSTERS, (struct key){'Z', 0}), ACTION_STOP);
	assert_int_equal(key_action(m, SCOPE_CLUSTERS, (struct key){'S', 0}), ACTION_NONE);
	assert_int_equal(key_action(m, SCOPE_CLUSTERS, (struct key){'e', KEYS_CTRL}), ACTION_EXEC);
	assert_int_equal(key_action(m, SCOPE_CLUSTERS, (struct key){'x', 0}), ACTION_EXEC);
	assert_int_equal(key_action(m, SCOPE_CLUSTERS, (struct key){'h', 0}), ACTION_NONE);
	assert_int_equal(key_action(m, SCOPE_CLUSTERS, (struct key){'a', 0}), ACTION_AUTOSTOP);
	assert_string_equal(key_of_action(m, SCOPE_CLUSTERS, ACTION_STOP), "Z");
	assert_null(key_of_action(m, SCOPE_CLUSTERS, ACTION_SSH));
	/* Written out and read again it is the same. */
	keymap_dump(m, &text);
	assert_string_equal(read_keys(again, str_text(&text), &problems), "");
	assert_true(same_keys(m, again) && !same_keys(m, table));
	/* The order of the footer stays. */
	size_t n, at_exec = 0, at_stop = 0;
	const struct key_binding *list = keymap_list(m, &n);
	for (size_t i = 0; i < n; i++) {
		at_exec = list[i].action == ACTION_EXEC ? i : at_exec;
		at_stop = list[i].action == ACTION_STOP ? i : at_stop;
	}
	assert_true(at_exec < at_stop);
	/* An action that has no key in the table can be given one, and a wider place narrowed. */
	assert_string_equal(read_keys(m, "everywhere: {theme: T}\noffers: {sort: o}\n", &problems), "");
	assert_int_equal(key_action(m, SCOPE_LOGS, (struct key){'T', 0}), ACTION_THEME);
	assert_int_equal(key_action(m, SCOPE_OFFERS, (struct key){'o', 0}), ACTION_SORT_MENU);
	static const struct {
		const char *text, *problem;
	} bad[] = {
	    {"[", "keys.yaml:2:1: not YAML"},
	    {"- a\n", "keys.yaml:1:1: here belong places"},
	    {"cluster: {stop: Z}\n", "keys.yaml:1:1: there is no place cluster for keys; did you mean Clusters?"},
	    {"clusters: 3\n", "keys.yaml:1:11: here belong lines"},
	    {"clusters:\n  stopp: Z\n", "keys.yaml:2:3: there is no action stopp; did you mean stop?"},
	    {"clusters:\n  stop: Ctrl-Z\n", "keys.yaml:2:9: there is no key Ctrl-Z"},
	    {"clusters:\n  stop: [Z, [a]]\n", "keys.yaml:2:13: there is no key"},
	    {"clusters:\n  stop: x\n", "keys.yaml:2:9: x is exec in Clusters already"},
	    {"clusters:\n  stop: Z\n  start: Z\n", "keys.yaml:3:10: Z is stop in Clusters already"},
	    {"everywhere:\n  help: []\n", "keys.yaml:1:1: help needs a key everywhere"},
	    {"everywhere:\n  quit: []\n  messages: q\n", "keys.yaml:1:1: quit needs a key everywhere"},
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		said = read_keys(m, bad[i].text, &problems);
		if (!str_starts(said, bad[i].problem))
			fail_msg("case %zu: %s", i, said);
		for (enum key_scope s = 0; s < SCOPES; s++) {
			assert_int_equal(key_action(m, s, (struct key){'?', 0}), ACTION_HELP);
			assert_int_equal(key_action(m, s, (struct key){'q', 0}), ACTION_QUIT);
		}
	}
	/* Two that change places are no conflict. */
	assert_string_equal(read_keys(m, "clusters:\n  stop: x\n  exec: S\n", &problems), "");
	assert_string_equal(read_keys(m, "", &problems), "");
	assert_true(same_keys(m, table));
	str_free(&problems);
	str_free(&text);
	keymap_destroy(m);
	keymap_destroy(table);
	keymap_destroy(again);
}

static void test_match(void **state)
{
	(void)state;
	assert_true(menu_match("", "anything"));
	assert_true(menu_match("stop", "Stop the cluster"));
	assert_true(menu_match("clus sto", "stop           Stop the cluster"));
	assert_true(menu_match("stc", "stop the cluster"));
	assert_false(menu_match("stx", "stop the cluster"));
	assert_false(menu_match("stop x", "stop the cluster"));
}

/* --- themes ------------------------------------------------------------------------------------------------------- */

static bool same(const struct theme *a, const struct theme *b)
{
	for (int i = 0; i < ROLES; i++)
		if (a->styles[i].fg != b->styles[i].fg || a->styles[i].bg != b->styles[i].bg || a->styles[i].attrs != b->styles[i].attrs)
			return false;
	return true;
}

static void test_default_theme(void **state)
{
	(void)state;
	struct theme built, read;
	struct err err = {0};
	const char *src = getenv("top_srcdir");
	char *path = xasprintf("%s/themes/default.yaml", src ? src : ".");
	theme_builtin(&built);
	if (theme_load(&read, path, &err))
		fail_msg("%s", err.text);
	assert_true(same(&built, &read));
	/* It says something about every role. */
	size_t len;
	char *text = fs_read(path, 1 << 20, &len, NULL);
	for (int i = 0; i < ROLE_ANSI; i++) {
		char *line = xasprintf("\n  %s:", theme_role_name((enum role)i));
		assert_non_null(strstr(text, line));
		free(line);
	}
	/* The terminal's own sixteen colours only, and a foreground wherever there is a background. */
	for (int i = 0; i < ROLES; i++) {
		assert_true(built.styles[i].fg < 16 && built.styles[i].bg < 16);
		assert_true(built.styles[i].bg == THEME_DEFAULT || built.styles[i].fg != THEME_DEFAULT);
	}
	free(text);
	free(path);
}

static void test_theme_files(void **state)
{
	(void)state;
	static const struct {
		const char *text, *error; /* NULL: fine */
	} cases[] = {
	    {"roles:\n  bad: \"bold 196 on #ff8000\"\n  dim: default\n", NULL},
	    {"roles: {}\n", NULL},
	    {"", "t.yaml"},
	    {"[", "t.yaml:"},
	    {"roles: [a]\n", "t.yaml:1"},
	    {"roles:\n  bed: red\n", "t.yaml:2:3: there is no role bed; did you mean bad?"},
	    {"roles:\n  bad: rad\n", "t.yaml:2:8: there is no colour rad; did you mean red?"},
	    {"roles:\n  bad: red on\n", "t.yaml:2:8: a colour is missing after on"},
	    {"roles:\n  bad: red green\n", "t.yaml:2:8: there is no colour green"},
	    {"roles:\n  bad: 256\n", "t.yaml:2:8: there is no colour 256"},
	    {"roles:\n  bad: '#12345g'\n", "t.yaml:2:8: there is no colour #12345g"},
	    {"roles:\n  bad: [red]\n", "t.yaml:2:8: a style is a text"},
	    {"roles:\n  bad:\n", "t.yaml:2:"},
	};
	struct theme built;
	theme_builtin(&built);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct theme t;
		struct err err = {0};
		int rc = theme_parse(&t, cases[i].text, strlen(cases[i].text), "t.yaml", &err);
		if (!cases[i].error) {
			assert_int_equal(rc, 0);
			continue;
		}
		assert_int_equal(rc, -1);
		assert_int_equal(err.code, ERR_INVALID);
		if (!str_starts(err.text, cases[i].error))
			fail_msg("case %zu: %s", i, err.text);
		assert_true(same(&t, &built)); /* a bad file changes nothing */
	}
	struct theme t;
	theme_parse(&t, cases[0].text, strlen(cases[0].text), "t.yaml", NULL);
	assert_true(t.styles[ROLE_BAD].fg == 196 && t.styles[ROLE_BAD].bg == THEME_RGB + 0xff8000 && t.styles[ROLE_BAD].attrs == ATTR_BOLD);
	assert_true(t.styles[ROLE_DIM].fg == THEME_DEFAULT && !t.styles[ROLE_DIM].attrs);
	struct err err = {0};
	assert_int_equal(theme_find(&t, "/no/such/theme.yaml", &err), -1);
	assert_true(same(&t, &built));
}

static double linear(unsigned part)
{
	double c = part / 255.0;
	return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

static double luminance(int32_t color)
{
	unsigned rgb = theme_rgb(color);
	return 0.2126 * linear(rgb >> 16 & 255) + 0.7152 * linear(rgb >> 8 & 255) + 0.0722 * linear(rgb & 255);
}

static double contrast(const struct theme_style *s)
{
	double a = luminance(s->fg), b = luminance(s->bg);
	return a > b ? (a + 0.05) / (b + 0.05) : (b + 0.05) / (a + 0.05);
}

/* Every theme that has a ground of its own can be read on it: 4.5:1 as WCAG has it, with all colours and with 256. Lines are no text. */
static void test_contrast(void **state)
{
	(void)state;
	static const char *const names[] = {"dark", "light", "high-contrast", "solarized", "colour-blind"};
	const char *src = getenv("top_srcdir");
	for (size_t n = 0; n < ARRAY_LEN(names); n++) {
		char *path = xasprintf("%s/themes/%s.yaml", src ? src : ".", names[n]);
		static const int depths[] = {256, 1 << 24};
		for (size_t d = 0; d < ARRAY_LEN(depths); d++) {
			int colors = depths[d];
			struct theme t;
			struct err err = {0};
			if (theme_load(&t, path, &err))
				fail_msg("%s", err.text);
			if (colors == 256)
				theme_reduce(&t, 256);
			for (int i = 0; i < ROLES; i++) {
				const struct theme_style *s = &t.styles[i];
				double least = i == ROLE_BORDER ? 2 : strcmp(names[n], "high-contrast") ? 4.5 : 7, have;
				if (s->fg < 16 || s->bg < 16)
					fail_msg("%s: %s has a colour that the terminal decides", names[n], theme_role_name((enum role)i));
				have = contrast(s);
				if (have < least || (s->attrs & ATTR_DIM))
					fail_msg("%s: %s has a contrast of %.2f at %d colours", names[n], theme_role_name((enum role)i), have, colors);
			}
		}
		free(path);
	}
}

/* What tells states apart in one theme must not look the same: good, bad, warning, busy and plain text. */
static void test_states_differ(void **state)
{
	(void)state;
	static const char *const names[] = {"default", "dark", "light", "high-contrast", "solarized", "colour-blind"};
	static const enum role states[] = {ROLE_TEXT, ROLE_GOOD, ROLE_BUSY, ROLE_WARN, ROLE_BAD};
	const char *src = getenv("top_srcdir");
	for (size_t n = 0; n < ARRAY_LEN(names); n++) {
		struct theme t;
		char *path = xasprintf("%s/themes/%s.yaml", src ? src : ".", names[n]);
		assert_int_equal(theme_load(&t, path, NULL), 0);
		for (size_t i = 0; i < ARRAY_LEN(states); i++)
			for (size_t j = i + 1; j < ARRAY_LEN(states); j++)
				assert_true(t.styles[states[i]].fg != t.styles[states[j]].fg);
		free(path);
	}
	/* Without any colour: bold and underline are left, and no theme asks for a colour. */
	struct theme t;
	char *path = xasprintf("%s/themes/monochrome.yaml", src ? src : ".");
	assert_int_equal(theme_load(&t, path, NULL), 0);
	for (int i = 0; i < ROLES; i++)
		assert_true(t.styles[i].fg == THEME_DEFAULT && t.styles[i].bg == THEME_DEFAULT);
	free(path);
}

static void test_true_color(void **state)
{
	(void)state;
	struct theme t;
	static const char text[] = "roles:\n  text: \"#123 on #fffefd\"\n  bad: 208\n  good: green\n  warn: \"bold default\"\n";
	assert_int_equal(theme_parse(&t, text, sizeof text - 1, "t.yaml", NULL), 0);
	assert_int_equal(t.styles[ROLE_TEXT].fg, THEME_RGB + 0x112233);
	assert_int_equal(t.styles[ROLE_BAD].bg, THEME_RGB + 0xfffefd); /* the ground is everywhere */
	assert_int_equal(t.styles[ROLE_WARN].fg, THEME_RGB + 0x112233);
	theme_reduce(&t, 1 << 24);
	assert_int_equal(t.styles[ROLE_TEXT].fg, 0x112233);
	assert_int_equal(t.styles[ROLE_BAD].fg, 0xff8700);
	assert_int_equal(t.styles[ROLE_GOOD].fg, 2); /* the person's own green */
	assert_int_equal(theme_parse(&t, text, sizeof text - 1, "t.yaml", NULL), 0);
	theme_reduce(&t, 256);
	assert_int_equal(t.styles[ROLE_TEXT].bg, 231);
	assert_int_equal(t.styles[ROLE_BAD].fg, 208);
	assert_int_equal(theme_parse(&t, text, sizeof text - 1, "t.yaml", NULL), 0);
	theme_reduce(&t, 8);
	for (int i = 0; i < ROLES; i++)
		assert_true(t.styles[i].fg < 8 && t.styles[i].bg < 8 && (t.styles[i].fg == THEME_DEFAULT || t.styles[i].fg != t.styles[i].bg));
	theme_reduce(&t, 0);
	assert_false(t.styles[ROLE_TEXT].attrs & ATTR_REVERSE); /* its ground is just the ground */
}

/* What stands for an exact colour goes out as that, and nothing else of the frame changes. */
static void test_exact_colors(void **state)
{
	(void)state;
	struct truecolor tc;
	struct theme t;
	static const char text[] = "roles:\n  text: \"#010203 on #fffefd\"\n  bad: \"231 on 16\"\n  good: \"#010204\"\n";
	assert_int_equal(theme_parse(&t, text, sizeof text - 1, "t.yaml", NULL), 0);
	truecolor_assign(&tc, &t);
	int32_t ink = t.styles[ROLE_TEXT].fg, ground = t.styles[ROLE_TEXT].bg, other = t.styles[ROLE_GOOD].fg;
	assert_true(ink >= 16 && ink < 256 && ground >= 16 && ground < 256 && other != ink);
	assert_true(t.styles[ROLE_BAD].fg == 231 && ground != 231 && t.styles[ROLE_BAD].bg == 16 && ink != 16); /* those are taken */
	char *in = xasprintf("a\033[1;38;5;%d;48;5;%dmb\033[38;5;231m\033[2J\033[3%dm\033(B\033[m\033[48;5;16;38;5;%dmc\033", (int)ink, (int)ground, 4,
	    (int)other);
	struct str out = str_new(1000);
	truecolor_write(&tc, in, strlen(in), &out);
	assert_string_equal(str_text(&out), "a\033[1;38;2;1;2;3;48;2;255;254;253mb\033[38;5;231m\033[2J\033[34m\033(B\033[m\033[48;5;16;38;2;1;2;4mc\033");
	str_free(&out);
	free(in);
}

/* The same colours and attributes in fewer bytes. */
static void test_fewer_bytes(void **state)
{
	(void)state;
	static const struct {
		const char *in, *out;
	} cases[] = {
	    {"plain", "plain"},
	    {"\033(B\033[m\033[97m\033[44mx", "\033[0;97;44mx"},
	    {"a\033[39;49m\033(B\033[mb", "a\033[mb"},
	    {"\033(B\033[0;1mN\033(B\033[m \033(B\033[0;1mM", "\033[0;1mN\033[m \033[0;1mM"},
	    {"\033[1m\033[3;4H\033[36mx", "\033[3;4H\033[1;36mx"},
	    {"\033[44m\033[K\033[1mx", "\033[44m\033[K\033[1mx"},
	    {"\033[38;5;0m\033[48;5;16mx\033[38;2;0;1;0m\033[1mx", "\033[38;5;0;48;5;16mx\033[38;2;0;1;0;1mx"},
	    {"\033[1;0;4mx\033[;7mx", "\033[0;4mx\033[0;7mx"},
	    {"\033[?25l\033[mx\033[", "\033[?25l\033[mx\033["},
	    {"x\033[1m", "x\033[1m"},
	    {"", ""},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str out = str_new(1000);
		sgr_compact(cases[i].in, strlen(cases[i].in), &out);
		assert_string_equal(str_text(&out), cases[i].out);
		str_free(&out);
	}
}

static void test_reduce(void **state)
{
	(void)state;
	struct theme t;
	static const int colors[] = {256, 16, 8, 2, 0};
	for (size_t c = 0; c < ARRAY_LEN(colors); c++) {
		theme_builtin(&t);
		t.styles[ROLE_BAD] = (struct theme_style){196, 231, 0};
		theme_reduce(&t, colors[c]);
		for (int i = 0; i < ROLES; i++) {
			int most = colors[c] < 8 ? -1 : colors[c] - 1;
			assert_true(t.styles[i].fg <= most && t.styles[i].bg <= most);
		}
		/* The selected row stays visible. */
		assert_true(t.styles[ROLE_SELECTED].bg != THEME_DEFAULT || (t.styles[ROLE_SELECTED].attrs & ATTR_REVERSE));
	}
	theme_builtin(&t);
	t.styles[ROLE_BAD] = (struct theme_style){196, 21, 0};
	theme_reduce(&t, 16);
	assert_true(t.styles[ROLE_BAD].fg == 9 && t.styles[ROLE_BAD].bg == 4);
}

/* --- notices ------------------------------------------------------------------------------------------------------ */

static void words(const struct notices *ns, size_t i, const char *want)
{
	struct str s = str_new(4000);
	notice_words(&ns->list[i], &s);
	assert_string_equal(str_text(&s), want);
	str_free(&s);
}

static void test_notices(void **state)
{
	(void)state;
	struct notices ns;
	struct ui_order order = {.verb = UI_STOP, .cluster = "train"};
	struct ui_request r = {.id = 7, .state = "RUNNING", .progress = "stopping nodes 1/2", .error = ""};
	struct ui_snapshot snap = {.requests = &r, .n_requests = 1};
	notices_init(&ns);
	assert_int_equal(notices_wait_ms(&ns, 1000), -1);
	unsigned ticket = notices_order(&ns, &order, 1000);
	assert_non_null(notices_about(&ns, "train"));
	assert_null(notices_about(&ns, "other"));
	notices_replied(&ns, ticket + 1, 9, NULL, 1000); /* somebody else's */
	assert_int_equal(ns.list[0].state, NOTICE_SENT);
	notices_replied(&ns, ticket, 7, NULL, 1100);
	notices_follow(&ns, &snap, 1200);
	words(&ns, 0, "stop train: stopping nodes 1/2");
	assert_int_equal(notices_wait_ms(&ns, 1200), 800); /* the elapsed time changes by the second */
	r.state = "SUCCEEDED";
	notices_follow(&ns, &snap, 2000);
	words(&ns, 0, "stop train: done");
	assert_null(notices_about(&ns, "train"));
	assert_int_equal(notices_wait_ms(&ns, 2000), NOTICE_SHOWN_MS);
	assert_int_equal(notices_wait_ms(&ns, 2000 + NOTICE_SHOWN_MS), -1);
	/* A failure stays until a key is pressed by somebody who had time to read it. */
	struct err err = {.code = ERR_QUOTA, .text = "stop train: quota"};
	ticket = notices_order(&ns, &order, 3000);
	notices_replied(&ns, ticket, 0, &err, 3000);
	words(&ns, 1, "stop train: quota");
	notices_seen(&ns, 3500);
	assert_false(ns.list[1].hidden);
	notices_seen(&ns, 3000 + NOTICE_SHOWN_MS);
	assert_true(ns.list[1].hidden);
	/* Wanted no more before it was taken: it is stopped once it is, and that once. */
	ticket = notices_order(&ns, &order, 3500);
	notices_unwanted(&ns, ticket + 1);
	notices_unwanted(&ns, ticket);
	assert_null(notices_to_stop(&ns));
	words(&ns, 2, "stop train: stopped as soon as the engine has answered");
	notices_replied(&ns, ticket, 12, NULL, 3600);
	const struct notice *unwanted = notices_to_stop(&ns);
	assert_true(unwanted && unwanted->request_id == 12);
	assert_null(notices_to_stop(&ns));
	notices_unwanted(&ns, ticket);
	assert_null(notices_to_stop(&ns));
	/* Never more than there is room for, and what still runs is kept. */
	ticket = notices_order(&ns, &order, 4000);
	for (int i = 0; i < 200; i++)
		notices_say(&ns, i % 2, "text", 4000);
	assert_int_equal(ns.n, NOTICES_MAX);
	assert_non_null(notices_about(&ns, "train"));
	notices_finish(&ns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_keys), cmocka_unit_test(test_actions), cmocka_unit_test(test_docs),
	    cmocka_unit_test(test_keys_file), cmocka_unit_test(test_match), cmocka_unit_test(test_contrast),
	    cmocka_unit_test(test_states_differ), cmocka_unit_test(test_true_color), cmocka_unit_test(test_exact_colors), cmocka_unit_test(test_fewer_bytes),
	    cmocka_unit_test(test_default_theme), cmocka_unit_test(test_theme_files), cmocka_unit_test(test_reduce),
	    cmocka_unit_test(test_notices),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
