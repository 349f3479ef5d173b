/* Whole screens. Each is drawn at four sizes, by resizing one running program, and compared with golden/NAME.LOCALE. There are two programs
 * of this: one in UTF-8, and one in the C locale (-DGOLDEN_C_LOCALE). SKYTOP_UPDATE=1 writes those files; SKYTOP_ONLY=cost looks at
 * those only whose names begin so. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/mem.h"
#include "tests/tui/stage.h"

enum { QUIET_MS = 300 };

#ifdef GOLDEN_C_LOCALE
static const bool c_locale = true;
#else
static const bool c_locale = false;
#endif

static const struct golden {
	const char *name;
	const char *args[5]; /* at most four */
	const char *ready; /* is on the screen before the first key */
	const char *keys;  /* two parts, if need be, with a text to wait for between them */
	const char *then, *more_keys;
} goldens[] = {
    {"offers", {NULL}, "today", "", NULL, NULL},
    {"offers-details", {NULL}, "today", "G k Enter", NULL, NULL},
    {"offers-filter", {"--filter", "h100 n>=8 !aws"}, "today", "G", NULL, NULL},
    {"offers-own", {"--own", NULL}, "24 of 24", "", NULL, NULL},
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
    {"plan-refused", {"--view", "clusters", "--refuse", NULL}, "today", "l Tab 'run Tab Tab 'mars Tab Tab Tab Tab Tab Tab Tab Tab Enter", "mars/", ""},
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

static char *golden_path(const char *name, const char *kind)
{
	const char *src = getenv("top_srcdir");
	return xasprintf("%s/tests/tui/golden/%s.%s", src ? src : ".", name, kind ? kind : c_locale ? "ascii" : "utf8");
}

/* The views' own screens, whose colours are compared too. */
static bool is_view(const struct golden *g)
{
	static const char *const also[] = {"clusters-details", "logs-search", "plan"};
	for (size_t i = 0; i < ARRAY_LEN(also); i++)
		if (str_eq(also[i], g->name))
			return true;
	return !strchr(g->name, '-') && !str_eq(g->name, "messages");
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

static bool colors_are(struct screen *s, const char *want)
{
	int64_t until = mono_now_ms() + 10000;
	for (;;) {
		char *now = screen_colors(s);
		bool same = want && !strcmp(now, want);
		free(now);
		if (same || mono_now_ms() > until)
			return same;
		screen_settle(s, 20);
	}
}

/* As it is on a terminal with 16 colours. */
static void check_colors(const struct golden *g, struct screen *s, const char *size, const char *file, struct str *out)
{
	char *want = golden_part(file, size), *now;
	if (getenv("SKYTOP_UPDATE")) {
		now = screen_colors(s);
		str_addf(out, "=== %s\n%s", size, now);
		free(now);
	} else if (!colors_are(s, want)) {
		fail_msg("%s at %s has other colours:\n%s", g->name, size, screen_colors(s));
	}
	free(want);
}

/* Without colours it reads the same, and there are none. */
static void check_plain(const struct golden *g, const char *file)
{
	struct screen *s = stage_start_with((struct screen_options){.w = 80, .h = 24, .c_locale = c_locale, .no_color = true}, g->args);
	begin_golden(s, g);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		char size[32];
		snprintf(size, sizeof size, "%dx%d", sizes[i].w, sizes[i].h);
		char *want = golden_part(file, size);
		screen_resize(s, sizes[i].w, sizes[i].h);
		if (!want || !screen_is(s, want))
			fail_msg("%s at %s without colours is another screen:\n%s", g->name, size, screen_text(s));
		char *colors = screen_colors(s);
		for (const char *p = colors; (p = strchr(p, ':')); p++)
			if (strcspn(p + 1, "0123456789abcdef/?") < strcspn(p + 1, " \n"))
				fail_msg("%s at %s has colours with NO_COLOR:\n%s", g->name, size, colors);
		free(colors);
		free(want);
	}
	screen_free(s);
}

static void check_golden(const struct golden *g)
{
	bool update = getenv("SKYTOP_UPDATE") != NULL;
	const char *only = getenv("SKYTOP_ONLY");
	if (only && !str_starts(g->name, only))
		return;
	char *path = golden_path(g->name, NULL), *color_path = golden_path(g->name, c_locale ? "ascii.colors" : "utf8.colors");
	size_t len;
	char *file = fs_read(path, STAGE_FILE_MAX, &len, NULL), *color_file = fs_read(color_path, STAGE_FILE_MAX, &len, NULL);
	struct str out = str_new(STAGE_FILE_MAX), colors = str_new(STAGE_FILE_MAX);
	struct screen *s = stage_start_with((struct screen_options){.w = 80, .h = 24, .c_locale = c_locale}, g->args);
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
		if (is_view(g))
			check_colors(g, s, size, color_file, &colors);
	}
	screen_free(s);
	if (update)
		assert_int_equal(fs_write(path, str_text(&out), out.len, 0644, NULL), 0);
	if (update && is_view(g))
		assert_int_equal(fs_write(color_path, str_text(&colors), colors.len, 0644, NULL), 0);
	else if (is_view(g))
		check_plain(g, file);
	str_free(&out);
	str_free(&colors);
	free(color_file);
	free(color_path);
	free(file);
	free(path);
}

static void test_golden(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(goldens); i++)
		check_golden(&goldens[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_golden),
	};
	return cmocka_run_group_tests(tests, stage_set_up, stage_tear_down);
}
