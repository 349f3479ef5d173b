/* One home for all tests of a program: making it costs more than a screen does. */
#include "tests/tui/stage.h"

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
#include "tests/tui/fixture.h"

static char home[] = "/tmp/skytop-stage-XXXXXX";
static char *program;

int stage_set_up(void **state)
{
	(void)state;
	const char *build = getenv("top_builddir");
	program = xasprintf("%s/tests/tui/skytop_screen", build ? build : ".");
	if (!mkdtemp(home))
		return -1;
	fixture_home(home);
	return 0;
}

int stage_tear_down(void **state)
{
	(void)state;
	free(program);
	return fs_remove_tree(home, NULL);
}

const char *stage_home(void)
{
	return home;
}

const char *stage_program(void)
{
	return program;
}

struct screen *stage_start_with(struct screen_options o, const char *const *args)
{
	const char *argv[16] = {program};
	for (size_t i = 0; args[i]; i++) {
		assert_true(i + 2 < ARRAY_LEN(argv));
		argv[i + 1] = args[i];
	}
	o.home = home;
	return screen_start(argv, &o);
}

struct screen *stage_start(int w, int h, const char *a, const char *b, const char *c, const char *d)
{
	return stage_start_with((struct screen_options){.w = w, .h = h}, (const char *const[]){a, b, c, d, NULL});
}

/* All of the screen: messages of a failure are cut off. */
static void show(struct screen *s)
{
	char *shown = screen_text(s);
	fprintf(stderr, "%s\n", shown);
	free(shown);
}

void must_have(struct screen *s, const char *text)
{
	if (screen_has(s, text))
		return;
	show(s);
	fail_msg("\"%s\" did not come", text);
}

void must_lack(struct screen *s, const char *text)
{
	if (screen_lacks(s, text))
		return;
	show(s);
	fail_msg("\"%s\" did not go", text);
}

void press(struct screen *s, const char *keys, const char *text)
{
	screen_keys(s, keys);
	must_have(s, text);
}

void click_on(struct screen *s, const char *what)
{
	must_have(s, what);
	screen_settle(s, 50);
	char *text = screen_text(s), *at = strstr(text, what), *row = text, click[64];
	int y = 1, x = 1;
	for (char *p = text; p < at; p++)
		if (*p == '\n')
			y++, row = p + 1;
	for (char *p = row; p < at; p++)
		x += (*p & 0xc0) != 0x80;
	snprintf(click, sizeof click, "\033[<0;%d;%dM\033[<0;%d;%dm", x + 1, y, x + 1, y);
	screen_bytes(s, click, strlen(click));
	free(text);
}

char *orders_path(void)
{
	char *path = path_join(home, "orders");
	unlink(path);
	return path;
}

void expect_orders(const char *path, const char *want)
{
	size_t len = 0;
	char *text = fs_read(path, STAGE_FILE_MAX, &len, NULL);
	assert_string_equal(text ? text : "", want);
	free(text);
}
