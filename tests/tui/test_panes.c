/* The pure parts of the logs' view: the tree of panes and where they go, which lines a filter shows, and the list of those found. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/logbuf.h"
#include "tui/logindex.h"
#include "tui/logmatch.h"
#include "tui/panes.h"

/* --- panes -------------------------------------------------------------------------------------------------------- */

/* Every cell of the area belongs to one pane or one line between two, and nothing is outside. */
static void check_places(const struct panes *p, struct rect area)
{
	struct panes_layout l;
	static unsigned char taken[100][310];
	int slots[PANES_MAX], n = panes_list(p, slots), shown = 0, cells = 0;
	panes_place(p, area, &l);
	memset(taken, 0, sizeof taken);
	for (int i = 0; i < PANES_MAX; i++) {
		struct rect r = l.at[i];
		assert_true(r.w >= 0 && r.h >= 0);
		if (rect_empty(r))
			continue;
		shown++;
		assert_true(r.x >= area.x && r.y >= area.y && r.x + r.w <= area.x + area.w && r.y + r.h <= area.y + area.h);
		for (int y = r.y; y < r.y + r.h; y++)
			for (int x = r.x; x < r.x + r.w; x++, cells++)
				if (taken[y][x]++)
					fail_msg("two panes at %d,%d", x, y);
		assert_int_equal(panes_at(&l, r.x, r.y), i);
	}
	int lines = 0;
	for (int i = 0; i < l.n_cuts; i++)
		if (p->nodes[l.cuts[i].node].cut == PANE_BESIDE)
			lines += l.cuts[i].line.w * l.cuts[i].line.h;
	assert_int_equal(cells + lines, area.w * area.h);
	/* The one with the focus is always there, and not folded. */
	assert_false(!rect_empty(area) && rect_empty(l.at[panes_focused(p)]));
	assert_false(l.folded[panes_focused(p)]);
	assert_true(shown <= n);
	if (l.stacked)
		assert_int_equal(l.n_cuts, 0);
}

static void test_places(void **state)
{
	(void)state;
	static const struct rect areas[] = {{1, 1, 118, 37}, {1, 1, 78, 21}, {0, 1, 40, 8}, {0, 0, 1, 1}, {1, 1, 298, 87}, {0, 0, 100, 3}, {0, 0, 0, 0},
	    {0, 1, 20, 2}};
	unsigned seed = 7;
	for (int round = 0; round < 200; round++) {
		struct panes p;
		panes_init(&p);
		for (int step = 0; step < 14; step++) {
			seed = seed * 1103515245 + 12345;
			int before[PANES_MAX], n = panes_list(&p, before), what = (int)(seed >> 16) % 8;
			if (what < 4)
				assert_int_equal(panes_split(&p, what % 2) < 0, n == PANES_MAX);
			else if (what == 4)
				assert_int_equal(panes_close(&p) < 0, n == 1);
			else if (what == 5)
				p.zoomed = !p.zoomed;
			else
				panes_cycle(&p, what == 6 ? 1 : -1);
			struct rect area = areas[(seed >> 24) % (sizeof areas / sizeof *areas)];
			struct panes_layout l;
			panes_place(&p, area, &l);
			for (int i = 0; i < l.n_cuts; i++)
				panes_drag(&p, &l, i, (int)(seed >> 8) % 130, (int)(seed >> 12) % 50);
			check_places(&p, area);
			/* What is written can be read, and is the same. */
			struct str text = str_new(1000), again = str_new(1000);
			struct panes copy;
			panes_write(&p, &text);
			assert_true(panes_read(&copy, str_text(&text)));
			panes_write(&copy, &again);
			assert_string_equal(str_text(&text), str_text(&again));
			str_free(&text);
			str_free(&again);
		}
	}
}

static void test_split_and_move(void **state)
{
	(void)state;
	struct panes p;
	struct panes_layout l;
	struct rect area = {1, 1, 121, 40};
	int slots[PANES_MAX];
	panes_init(&p);
	assert_int_equal(panes_close(&p), -1);
	assert_int_equal(panes_split(&p, true), 1);
	assert_int_equal(panes_split(&p, false), 2); /* 0 | (1 over 2), the focus at 2 */
	panes_place(&p, area, &l);
	assert_int_equal(l.at[0].w, 60);
	assert_int_equal(l.at[1].h, 20);
	assert_int_equal(l.at[2].y, 21);
	assert_int_equal(panes_list(&p, slots), 3);
	assert_true(panes_toward(&p, &l, -1, 0) && panes_focused(&p) == 0);
	assert_true(panes_toward(&p, &l, 1, 0));
	assert_false(panes_toward(&p, &l, 1, 0));
	panes_focus(&p, 2);
	assert_true(panes_toward(&p, &l, 0, -1) && panes_focused(&p) == 1);
	/* Keys move the nearest line that goes that way; the mouse any. */
	assert_true(panes_resize(&p, &l, 10, 0));
	panes_place(&p, area, &l);
	assert_int_equal(l.at[0].w, 70);
	assert_true(panes_resize(&p, &l, 0, -5));
	panes_place(&p, area, &l);
	assert_int_equal(l.at[1].h, 15);
	panes_drag(&p, &l, panes_cut_at(&p, &l, 71, 30), 41, 30);
	panes_place(&p, area, &l);
	assert_int_equal(l.at[0].w, 40);
	panes_drag(&p, &l, 0, -100, 0); /* never to nothing */
	panes_place(&p, area, &l);
	assert_true(l.at[0].w >= 12);
	p.zoomed = true;
	panes_place(&p, area, &l);
	assert_int_equal(l.at[1].w, 121);
	assert_true(rect_empty(l.at[0]) && rect_empty(l.at[2]));
	/* Too narrow: one above the other, those without the focus folded where the room is short. */
	p.zoomed = false;
	panes_place(&p, (struct rect){1, 1, 78, 15}, &l);
	assert_true(l.stacked && l.folded[0] && l.folded[2] && !l.folded[1]);
	assert_int_equal(l.at[1].h, 13);
	panes_place(&p, (struct rect){0, 1, 99, 60}, &l);
	assert_true(l.stacked);
	panes_place(&p, (struct rect){0, 1, 100, 60}, &l);
	assert_false(l.stacked);
	panes_place(&p, (struct rect){1, 1, 78, 21}, &l);
	assert_true(l.stacked && !l.folded[0] && l.at[0].h == 7 && l.at[2].h == 7);
	assert_int_equal(panes_close(&p), 1);
	assert_int_equal(panes_focused(&p), 2);
	assert_int_equal(panes_close(&p), 2);
	assert_int_equal(panes_focused(&p), 0);
}

static void test_bad_text(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "x", "|", "|5000", "|5000 0", "|5000 0 0", "|99999 0 1", "9", "0 1", "|-5 0 1", "-5000 0 |5000 1",
	    "|1 |1 |1 |1 |1 |1 |1 |1 0 1 2 3 4 5 6 7 0"};
	struct panes p;
	panes_init(&p);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (panes_read(&p, bad[i]))
			fail_msg("\"%s\" was read", bad[i]);
	assert_int_equal(panes_focused(&p), 0);
}

/* --- lines -------------------------------------------------------------------------------------------------------- */

static void add(struct logbuf *b, const char *text, int64_t at_ms)
{
	logbuf_add(b, text, strlen(text), at_ms);
}

static void test_match(void **state)
{
	(void)state;
	static const char lines[] = "(head, rank=0, pid=10) INFO step 1 loss 2.0\n"
				    "(worker1, rank=1, pid=11) ERROR disk is full\n"
				    "(worker12, rank=12, pid=-) \033[33mWARNING\033[0m loss spike\n"
				    "(worker1, rank=x, pid=11) odd\n"
				    "plain Loss\n";
	static const struct {
		const char *filter, *passes;
	} cases[] = {{"", "11111"}, {"loss", "10101"}, {"!loss", "01010"}, {"loss !spike", "10001"}, {"\"loss spike\"", "00100"}, {"\"loss 2.0\"", "10000"},
	    {"rank:1", "01000"}, {"rank:0,12", "10100"}, {"!rank:0", "01111"}, {"rank:x", "00000"}, {"rank:1,", "00000"}, {"level:error", "01000"},
	    {"level:warn", "01100"}, {"!level:warn rank:0,1,12", "10000"}, {"!", "00000"}, {"\"", "11111"}, {"   loss   ", "10101"}, {"rank:1 disk", "01000"}};
	struct logbuf *b = logbuf_create(0, 0);
	add(b, lines, 0);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct logmatch m;
		char got[8] = "";
		logmatch_parse(&m, cases[i].filter);
		for (uint64_t line = 0; line < 5; line++)
			got[line] = logmatch_line(&m, b, LOGBUF_ORIGIN + line) ? '1' : '0';
		if (strcmp(got, cases[i].passes))
			fail_msg("%s: %s instead of %s", cases[i].filter, got, cases[i].passes);
	}
	int64_t rank;
	assert_int_equal(logbuf_label(b, LOGBUF_ORIGIN + 0, &rank), strlen("(head, rank=0, pid=10) "));
	assert_int_equal(logbuf_level(b, LOGBUF_ORIGIN + 2), ROLE_WARN);
	assert_int_equal(logbuf_label(b, LOGBUF_ORIGIN + 4, &rank), 0);
	logbuf_destroy(b);
}

static void test_times(void **state)
{
	(void)state;
	struct logbuf *b = logbuf_create(3, 0);
	const int64_t t = 1795608000000;
	add(b, "a\nb", t);
	add(b, "b\n\n", t + 1000);
	assert_int_equal(logbuf_time(b, LOGBUF_ORIGIN + 0), t);
	assert_int_equal(logbuf_time(b, LOGBUF_ORIGIN + 1), t); /* when it began */
	assert_int_equal(logbuf_time(b, LOGBUF_ORIGIN + 2), t + 1000);
	assert_int_equal(logbuf_whole(b), LOGBUF_ORIGIN + 3);
	add(b, "d\n", t + 90000);
	add(b, "e", t + 100000000);
	assert_int_equal(logbuf_first(b), LOGBUF_ORIGIN + 1);
	assert_int_equal(logbuf_time(b, LOGBUF_ORIGIN + 0), 0);
	assert_int_equal(logbuf_time(b, LOGBUF_ORIGIN + 3), t + 90000);
	assert_int_equal(logbuf_time(b, LOGBUF_ORIGIN + 4), t + 100000000);
	assert_int_equal(logbuf_whole(b) + 1, logbuf_end(b));
	add(b, "\nf\n", 0);
	assert_int_equal(logbuf_time(b, LOGBUF_ORIGIN + 5), 0);
	logbuf_limit(b, 1);
	assert_true(logbuf_end(b) - logbuf_first(b) <= 1);
	assert_int_equal(logbuf_end(b), LOGBUF_ORIGIN + 6);
	logbuf_destroy(b);
}

static bool is_seventh(void *arg, uint64_t line)
{
	++*(int *)arg;
	return line % 7 == 0;
}

/* Against a plain loop over all lines, while lines come and go. */
static void test_index(void **state)
{
	(void)state;
	for (int context = 0; context < 5; context++) {
		struct logindex x = {0};
		int asked = 0;
		uint64_t first = 0, end = 0;
		unsigned seed = 3;
		logindex_reset(&x, context);
		for (int round = 0; round < 300; round++) {
			seed = seed * 1103515245 + 12345;
			end += (seed >> 16) % 9;
			if (end - first > 60)
				first = end - 60;
			logindex_update(&x, first, end, is_seventh, &asked);
			size_t at = 0;
			for (uint64_t i = first; i < end; i++) {
				uint64_t from = i < (uint64_t)context ? 0 : i - (uint64_t)context;
				bool want = false;
				for (uint64_t k = from; k <= i + (uint64_t)context && k < end; k++)
					want = want || k % 7 == 0;
				assert_int_equal(logindex_has(&x, i), want);
				assert_int_equal(logindex_find(&x, i), at);
				if (want)
					assert_int_equal(logindex_at(&x, at++), i);
			}
			assert_int_equal(x.n, at);
		}
		assert_true((uint64_t)asked <= end); /* each line once */
		logindex_finish(&x);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_places), cmocka_unit_test(test_split_and_move), cmocka_unit_test(test_bad_text), cmocka_unit_test(test_match),
	    cmocka_unit_test(test_times), cmocka_unit_test(test_index),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
