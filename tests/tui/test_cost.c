/* The cost panel with a clock of our own: it moves once a second by what runs, and not at all when nothing does; a budget's warning is told
 * once, wherever one is. And charts: gaps are blank, two values share a cell where there is no room, ASCII has as many levels. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/io/loop.h"
#include "tests/tui/fake_source.h"
#include "tui/app.h"
#include "tui/chart.h"
#include "tui/cost.h"

struct world {
	struct loop *loop;
	struct ui_source *source;
	struct prices *prices;
	struct app app;
	struct canvas *canvas;
};

static void on_changed(void *arg)
{
	struct world *w = arg;
	app_news(&w->app, w->app.now_ms);
	if (app_snapshot(&w->app)->at_ms)
		loop_stop(w->loop);
}

static void open_world(struct world *w, bool empty)
{
	struct ui_sink sink = {.changed = on_changed, .arg = w};
	w->loop = loop_create();
	w->source = fake_source_create(w->loop, &(struct fake_options){.empty = empty});
	setenv("SKYTOP_HOME", "/dev/null/none", 1);
	setenv("SKYTOP_SHARE", "/dev/null/none", 1);
	w->prices = prices_open();
	app_init(&w->app, w->source, w->prices, FAKE_NOW_MS);
	w->canvas = canvas_create(100, 30);
	app_resize(&w->app, 100, 30);
	app_show(&w->app, app_view_named("cost"));
	ui_source_start(w->source, &sink);
	loop_run(w->loop);
}

static void close_world(struct world *w)
{
	app_finish(&w->app);
	ui_source_destroy(w->source);
	prices_close(w->prices);
	canvas_destroy(w->canvas);
	loop_destroy(w->loop);
}

static char *text_at(struct world *w, int64_t now)
{
	struct str s = str_new(1 << 20);
	app_tick(&w->app, now);
	app_draw(&w->app, w->canvas);
	canvas_to_text(w->canvas, &s);
	char *text = xstrdup(str_text(&s));
	str_free(&s);
	return text;
}

static void test_moves_each_second(void **state)
{
	(void)state;
	struct world w = {0};
	open_world(&w, false);
	char *a = text_at(&w, FAKE_NOW_MS), *b = text_at(&w, FAKE_NOW_MS + 999);
	assert_non_null(strstr(a, "$657.00+"));
	assert_string_equal(a, b); /* not before a second is over */
	free(b);
	assert_int_equal(app_wait_ms(&w.app), 1);
	/* $264.90 an hour are 7 cents a second. */
	b = text_at(&w, FAKE_NOW_MS + 1000);
	assert_non_null(strstr(b, "$657.07+"));
	assert_non_null(strstr(b, "$1,204.19"));
	assert_non_null(strstr(b, "589.92 ")); /* the table moves more seldom */
	assert_int_equal(app_wait_ms(&w.app), 1000);
	free(b);
	b = text_at(&w, FAKE_NOW_MS + 30000);
	assert_non_null(strstr(b, "591.56 ")); /* half a minute of 196.64 */
	free(b);
	/* Elsewhere nobody waits for it. */
	app_show(&w.app, app_view_named("offers"));
	assert_true(app_wait_ms(&w.app) > 1000);
	free(a);
	close_world(&w);
}

static void test_still_when_nothing_runs(void **state)
{
	(void)state;
	struct world w = {0};
	open_world(&w, true);
	char *a = text_at(&w, FAKE_NOW_MS + 1), *b = text_at(&w, FAKE_NOW_MS + 50000);
	assert_string_equal(a, b);
	assert_int_equal(app_wait_ms(&w.app), 60000 - (FAKE_NOW_MS + 50000) % 60000);
	assert_non_null(strstr(a, "nothing has cost anything yet"));
	free(a);
	free(b);
	close_world(&w);
}

/* A source that is but a snapshot. */
struct still {
	struct ui_source source;
	struct ui_snapshot snap;
};

static const struct ui_snapshot *still_snapshot(struct ui_source *s)
{
	return &((struct still *)s)->snap;
}

static void test_warnings(void **state)
{
	(void)state;
	static const struct ui_source_ops ops = {.snapshot = still_snapshot};
	static const struct ui_event events[] = {
	    {.id = 3, .object = "", .level = "", .text = "80% of the budget", .kind = "budget.reached", .bad = true},
	    {.id = 2, .object = "", .level = "", .text = "something", .kind = "step"},
	    {.id = 1, .object = "", .level = "", .text = "50% of the budget", .kind = "budget.reached", .bad = true},
	};
	struct still still = {.source = {&ops}, .snap = {.link = UI_LINK_UP, .link_text = "", .at_ms = 1, .events = events + 2, .n_events = 1}};
	struct world w = {.source = &still.source};
	setenv("SKYTOP_HOME", "/dev/null/none", 1);
	w.prices = prices_open();
	app_init(&w.app, w.source, w.prices, FAKE_NOW_MS);
	w.canvas = canvas_create(100, 30);
	app_resize(&w.app, 100, 30);
	/* What was warned of before the screen was opened is history. */
	app_news(&w.app, FAKE_NOW_MS);
	char *text = text_at(&w, FAKE_NOW_MS);
	assert_null(strstr(text, "of the budget"));
	free(text);
	/* A new one is told, in whatever view one is; and not again with the next snapshot. */
	still.snap.events = events;
	still.snap.n_events = 3;
	app_news(&w.app, FAKE_NOW_MS + 1);
	text = text_at(&w, FAKE_NOW_MS + 1);
	assert_non_null(strstr(text, "80% of the budget"));
	assert_null(strstr(text, "50% of the budget"));
	free(text);
	struct input_event key = {.type = INPUT_KEY, .key = {.code = KEYS_ESC}};
	app_input(&w.app, &key, FAKE_NOW_MS + 60000);
	app_news(&w.app, FAKE_NOW_MS + 120000);
	text = text_at(&w, FAKE_NOW_MS + 120000);
	assert_null(strstr(text, "of the budget"));
	free(text);
	app_finish(&w.app);
	prices_close(w.prices);
	canvas_destroy(w.canvas);
}

static void test_grown(void **state)
{
	(void)state;
	struct cost_figures of = {{3600000, false}, {0, false}, {0, false}};
	assert_int_equal(cost_grown((struct cost_figure){5, true}, &of, 1000, 3000).uusd, 5 + 2000);
	assert_true(cost_grown((struct cost_figure){5, true}, &of, 1000, 3000).more);
	assert_int_equal(cost_grown((struct cost_figure){5, false}, &of, 3000, 1000).uusd, 5); /* a clock that went back */
	assert_int_equal(cost_grown((struct cost_figure){PRICE_UNKNOWN, false}, &of, 0, 3000).uusd, PRICE_UNKNOWN);
	of.now.uusd = PRICE_UNKNOWN;
	assert_int_equal(cost_grown((struct cost_figure){5, false}, &of, 0, 3000).uusd, 5);
}

static void test_report_of_nonsense(void **state)
{
	(void)state;
	static const char *const texts[] = {"{}", "{\"clusters\":[1,null,{}],\"by\":{\"cloud\":{}},\"hours\":[\"x\"],\"changes\":[[]],\"spend\":7}"};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct ui_cost *c = ui_cost_read(json_loads(texts[i], 0, NULL));
		assert_int_equal(c->money.now.uusd, PRICE_UNKNOWN);
		assert_int_equal(c->budget_uusd, PRICE_UNKNOWN);
		assert_int_equal(c->hours[0], -1);
		ui_cost_free(c);
	}
}

static void chart(int w, int h, const int64_t *values, size_t n, bool ascii, const char *want)
{
	struct canvas *c = canvas_create(w, h);
	struct str s = str_new(10000);
	canvas_clear(c);
	chart_bars(c, (struct rect){0, 0, w, h}, ROLE_CHART, values, n);
	if (ascii)
		canvas_to_ascii(c);
	canvas_to_text(c, &s);
	assert_string_equal(str_text(&s), want);
	str_free(&s);
	canvas_destroy(c);
}

static void test_charts(void **state)
{
	(void)state;
	static const int64_t v[] = {-1, 0, 1, 4, 8};
	chart(5, 1, v, 5, false, " \u2581\u2581\u2584\u2588\n"); /* a gap is blank, nothing is not */
	chart(5, 1, v, 5, true, " ..-#\n");
	chart(10, 1, v, 5, true, "  ....--##\n"); /* whole columns */
	chart(5, 2, v, 5, true, "    #\n .,##\n"); /* two high: a cell is four of eight */
	chart(3, 1, v, 5, false, " \u28c0\u28fc\n"); /* two in a cell; the odd one at the left */
	chart(3, 1, v, 5, true, " ,#\n");
	static const int64_t none[] = {-1, -1};
	chart(2, 1, none, 2, false, "\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_moves_each_second), cmocka_unit_test(test_still_when_nothing_runs), cmocka_unit_test(test_warnings), cmocka_unit_test(test_grown),
	    cmocka_unit_test(test_report_of_nonsense), cmocka_unit_test(test_charts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
