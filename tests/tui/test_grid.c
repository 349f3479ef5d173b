/* Tables: which columns fit, and that the selection is an item whatever happens to the rows. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "tui/grid.h"

static const struct grid_column columns[] = {
    {"NAME", 6, 20, 0, false, 0}, {"A", 4, 4, 2, true, 1}, {"B", 4, 4, 3, true, -1}, {"PRICE", 7, 9, 1, true, 3}};

struct rows {
	uint64_t ids[64];
	size_t n;
};

static size_t count(void *arg)
{
	return ((struct rows *)arg)->n;
}

static uint64_t id(void *arg, size_t row)
{
	return ((struct rows *)arg)->ids[row];
}

static void cell(void *arg, size_t row, size_t column, struct grid_cell *out)
{
	snprintf(out->text, sizeof out->text, "%c%llu", (int)('a' + column), (unsigned long long)id(arg, row));
}

static struct grid_rows source(struct rows *r)
{
	return (struct grid_rows){count, id, cell, r};
}

static const int none[GRID_COLUMNS_MAX];

static void test_widths(void **state)
{
	(void)state;
	int x[GRID_COLUMNS_MAX], w[GRID_COLUMNS_MAX];
	/* All of them with gaps of one: 6+4+4+7+3 = 24. */
	grid_widths(columns, 4, none, 24, x, w);
	assert_true(w[0] == 6 && w[1] == 4 && w[2] == 4 && w[3] == 7);
	assert_true(x[0] == 0 && x[1] == 7 && x[2] == 12 && x[3] == 17);
	/* One column less: the highest priority goes, and what it leaves is shared. */
	grid_widths(columns, 4, none, 23, x, w);
	assert_true(w[0] > 6 && w[1] == 4 && w[2] == 0 && w[3] > 7);
	grid_widths(columns, 4, none, 10, x, w);
	assert_true(w[0] == 10 && !w[1] && !w[2] && !w[3]);
	grid_widths(columns, 4, none, 0, x, w);
	assert_true(w[0] == 6);
	grid_widths(columns, 4, none, 200, x, w);
	assert_true(w[0] == 20 && w[3] == 9 && x[1] == 22);
	/* Figures that end on the right keep off text that begins on the left. */
	static const struct grid_column mixed[] = {{"A", 4, 4, 0, true, 0}, {"B", 4, 4, 0, false, 0}};
	grid_widths(mixed, 2, none, 50, x, w);
	assert_int_equal(x[1], 6);
	for (int width = 6; width < 400; width++) {
		grid_widths(columns, 4, none, width, x, w);
		for (int i = 0; i < 4; i++)
			assert_true(!w[i] || x[i] + w[i] <= width);
	}
}

/* Room goes first to columns in which something is cut, and those that are extras make way for it. */
static void test_widths_wanted(void **state)
{
	(void)state;
	static const struct grid_column names[] = {{"A", 4, 20, 0, false, 0}, {"B", 4, 20, 0, false, 0}, {"C", 4, 4, GRID_EXTRA, false, 0}};
	int x[GRID_COLUMNS_MAX], w[GRID_COLUMNS_MAX], want[GRID_COLUMNS_MAX] = {3, 10, 4};
	grid_widths(names, 3, want, 20, x, w);
	assert_true(w[0] == 4 && w[1] == 10 && w[2] == 4);
	grid_widths(names, 3, want, 18, x, w); /* B would be cut */
	assert_true(w[0] >= 3 && w[1] >= 10 && !w[2]);
	assert_int_equal(w[0] + 1 + w[1], 18);
	grid_widths(names, 3, want, 30, x, w); /* all have what they need: the rest is shared */
	assert_true(w[0] > 4 && w[1] > 10 && w[2] == 4);
	want[0] = 0;
	grid_widths(names, 3, want, 30, x, w); /* but first by what has not been measured */
	assert_true(w[0] == 14 && w[1] == 10 && w[2] == 4);
	want[1] = 99; /* more than the column ever gets */
	want[0] = 3;
	grid_widths(names, 3, want, 24 + 1 + 4 + 1, x, w);
	assert_true(w[1] == 20 && w[2] == 4);
	const int short_names[GRID_COLUMNS_MAX] = {1, 20, 0};
	grid_widths(names, 3, short_names, 23, x, w); /* what is shorter than the least width leaves the rest to others */
	assert_true(w[0] == 2 && w[1] == 20 && !w[2]);
	grid_widths(names, 3, none, 14, x, w);
	assert_int_equal(w[2], 4); /* nothing is known to be cut */
	/* Where what is in them is short there is room for columns that the least widths leave none for. */
	static const struct grid_column four[] = {{"A", 8, 20, 0, false, 0}, {"B", 8, 20, 0, false, 0}, {"C", 4, 60, 0, false, -1}, {"D", 6, 6, 1, true, 0}};
	const int of_four[GRID_COLUMNS_MAX] = {3, 3, 0, 0};
	grid_widths(four, 4, none, 28, x, w);
	assert_int_equal(w[3], 0);
	grid_widths(four, 4, of_four, 28, x, w);
	assert_true(w[0] >= 3 && w[1] >= 3 && w[2] >= 8 && w[3] == 6);
	grid_widths(four, 4, of_four, 22, x, w); /* but not by squeezing what is going on */
	assert_int_equal(w[3], 0);
}

static void fill(struct rows *r, size_t n)
{
	r->n = n;
	for (size_t i = 0; i < n; i++)
		r->ids[i] = i + 1;
}

static void test_selection(void **state)
{
	(void)state;
	struct rows r;
	struct grid g;
	struct grid_rows rows = source(&r);
	grid_init(&g, columns, 4);
	g.page = 5;
	fill(&r, 20);
	grid_sync(&g, &rows);
	assert_int_equal(g.selected_id, 1);
	grid_move(&g, &rows, 7);
	assert_int_equal(g.selected_id, 8);
	assert_int_equal(g.top, 3);
	/* Turned around: still the same item, on the same line of the screen. */
	size_t line = g.selected - g.top;
	for (size_t i = 0; i < r.n; i++)
		r.ids[i] = 20 - i;
	grid_sync(&g, &rows);
	assert_int_equal(g.selected_id, 8);
	assert_int_equal(g.selected, 12);
	assert_int_equal(g.selected - g.top, line);
	/* Gone: what took its place. */
	memmove(&r.ids[12], &r.ids[13], 7 * sizeof r.ids[0]);
	r.n = 19;
	grid_sync(&g, &rows);
	assert_int_equal(g.selected, 12);
	assert_int_equal(g.selected_id, 7);
	r.n = 3;
	grid_sync(&g, &rows);
	assert_int_equal(g.selected, 2);
	r.n = 0;
	grid_sync(&g, &rows);
	assert_int_equal(g.selected_id, 0);
	grid_move(&g, &rows, 5);
	grid_scroll(&g, &rows, 5);
	fill(&r, 2);
	grid_sync(&g, &rows);
	assert_int_equal(g.selected_id, 1);
	grid_finish(&g);
}

/* A thousand refreshes in random order, items coming and going: the selected id changes only by keys, or when it is gone. */
static void test_shuffled(void **state)
{
	(void)state;
	struct rows r;
	struct grid g;
	struct grid_rows rows = source(&r);
	unsigned seed = 99;
	grid_init(&g, columns, 4);
	g.page = 7;
	fill(&r, 40);
	grid_sync(&g, &rows);
	for (int round = 0; round < 1000; round++) {
		seed = seed * 1103515245 + 12345;
		uint64_t before = g.selected_id;
		size_t a = (seed >> 16) % r.n, b = (seed >> 8) % r.n;
		uint64_t t = r.ids[a];
		r.ids[a] = r.ids[b];
		r.ids[b] = t;
		grid_sync(&g, &rows);
		assert_int_equal(g.selected_id, before);
		assert_int_equal(r.ids[g.selected], before);
		assert_true(g.selected >= g.top && g.selected < g.top + (size_t)g.page);
		if (round % 3 == 0)
			grid_move(&g, &rows, (long)(seed % 11) - 5);
		if (round % 5 == 0)
			grid_scroll(&g, &rows, (long)(seed % 9) - 4);
		assert_int_equal(r.ids[g.selected], g.selected_id);
	}
	grid_finish(&g);
}

static void test_marks(void **state)
{
	(void)state;
	struct rows r;
	struct grid g;
	struct grid_rows rows = source(&r);
	grid_init(&g, columns, 4);
	fill(&r, 5);
	grid_mark(&g, 2, true);
	grid_mark(&g, 4, true);
	grid_mark(&g, 4, true);
	assert_int_equal(g.n_marks, 2);
	grid_mark(&g, 2, false);
	grid_mark(&g, 99, false);
	assert_true(grid_marked(&g, 4) && !grid_marked(&g, 2));
	r.n = 3;
	grid_sync_marks(&g, &rows);
	assert_int_equal(g.n_marks, 0);
	grid_finish(&g);
}

static void test_sort_columns(void **state)
{
	(void)state;
	struct grid g;
	grid_init(&g, columns, 4);
	assert_int_equal(grid_next_sort(&g, 1), 0);
	g.sort_column = 1;
	assert_int_equal(grid_next_sort(&g, 1), 3); /* the one that cannot be sorted by is left out */
	g.sort_column = 3;
	assert_int_equal(grid_next_sort(&g, 1), 0);
	g.sort_column = 0;
	assert_int_equal(grid_next_sort(&g, -1), 3);
	grid_finish(&g);
}

static void test_drawing(void **state)
{
	(void)state;
	struct rows r;
	struct grid g;
	struct grid_rows rows = source(&r);
	struct canvas *c = canvas_create(25, 4);
	struct str s = str_new(1000);
	fill(&r, 3);
	grid_init(&g, columns, 4);
	g.sort_column = 3;
	grid_sync(&g, &rows);
	grid_mark(&g, 3, true);
	grid_draw(&g, &rows, c, (struct rect){0, 0, 25, 4}, true, "none");
	canvas_to_text(c, &s);
	assert_string_equal(str_text(&s), " NAME      A    B  PRICE▲\n▸a1       b1   c1      d1\n a2       b2   c2      d2\n*a3       b3   c3      d3\n");
	assert_int_equal(grid_column_at(&g, 3), 0);
	assert_int_equal(grid_column_at(&g, 20), 3);
	assert_int_equal(grid_row_at(&g, &rows, 5, 2), 1);
	assert_true(grid_row_at(&g, &rows, 5, 0) == SIZE_MAX);
	/* One line: that is the selected row, with no title under it. */
	canvas_clear(c);
	str_clear(&s);
	grid_draw(&g, &rows, c, (struct rect){0, 0, 25, 1}, true, "none");
	canvas_to_text(c, &s);
	assert_string_equal(str_text(&s), "▸a1         b1        d1┃\n\n\n\n");
	for (int w = 1; w < 60; w++)
		for (int h = 1; h < 12; h++)
			grid_draw(&g, &rows, c, (struct rect){w % 7 - 3, h % 5 - 2, w, h}, true, "none");
	str_free(&s);
	canvas_destroy(c);
	grid_finish(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_widths), cmocka_unit_test(test_widths_wanted), cmocka_unit_test(test_selection), cmocka_unit_test(test_shuffled),
	    cmocka_unit_test(test_marks), cmocka_unit_test(test_sort_columns), cmocka_unit_test(test_drawing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
