/* Canvas, widths, the ASCII ladder, layout and fields: text lands where it should, and never outside. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/num.h"
#include "tui/canvas.h"
#include "tui/field.h"
#include "tui/format.h"
#include "tui/layout.h"
#include "tui/width.h"

static void expect(const struct canvas *c, const char *want)
{
	struct str s = str_new(1 << 20);
	canvas_to_text(c, &s);
	assert_string_equal(str_text(&s), want);
	str_free(&s);
}

static void test_text(void **state)
{
	(void)state;
	struct canvas *c = canvas_create(10, 2);
	assert_int_equal(canvas_text(c, 0, 0, 10, ROLE_TEXT, "hello"), 5);
	assert_int_equal(canvas_text(c, 0, 1, 6, ROLE_TEXT, "too long"), 6);
	expect(c, "hello\ntoo l…\n");
	canvas_clear(c);
	/* Exactly fits: no ellipsis. Beyond the right edge: clipped. */
	assert_int_equal(canvas_text(c, 0, 0, 5, ROLE_TEXT, "exact"), 5);
	canvas_text(c, 7, 1, 20, ROLE_TEXT, "abcdef");
	expect(c, "exact\n       abc\n");
	canvas_clear(c);
	canvas_text(c, -2, 0, 10, ROLE_TEXT, "abcdef");
	canvas_text(c, 0, 5, 10, ROLE_TEXT, "nowhere");
	canvas_text(c, 0, -1, 10, ROLE_TEXT, "nowhere");
	expect(c, "cdef\n\n");
	canvas_clear(c);
	canvas_right(c, 0, 0, 10, ROLE_TEXT, "$1.20");
	canvas_right(c, 0, 1, 4, ROLE_TEXT, "longer");
	expect(c, "     $1.20\nlon…\n");
	canvas_destroy(c);
}

static void test_foreign(void **state)
{
	(void)state;
	struct canvas *c = canvas_create(20, 1);
	canvas_text(c, 0, 0, 20, ROLE_TEXT, "a\033[31mb\tc\nd\x7f");
	expect(c, "a?[31mb c d?\n");
	canvas_clear(c);
	/* Bidi marks, zero-width and C1 characters vanish; bad bytes are shown as such. */
	canvas_text(c, 0, 0, 20, ROLE_TEXT, "x\xe2\x80\xaey\xe2\x80\x8bz\xc2\x9bq\xff!");
	expect(c, "xyzq\xef\xbf\xbd!\n");
	canvas_destroy(c);
}

static void test_wide(void **state)
{
	(void)state;
	struct canvas *c = canvas_create(6, 1);
	assert_int_equal(width_text("\xe6\x97\xa5\xe6\x9c\xac", 6), 4);
	assert_int_equal(canvas_text(c, 0, 0, 6, ROLE_TEXT, "\xe6\x97\xa5\xe6\x9c\xac"), 4);
	assert_int_equal(c->cells[0].width, 2);
	assert_int_equal(c->cells[1].width, 0);
	/* Half of a wide one overwritten: the other half is a space. */
	canvas_put(c, 1, 0, ROLE_TEXT, 'x');
	canvas_put(c, 2, 0, ROLE_TEXT, 'y');
	expect(c, " xy\n");
	/* No half of a wide one at the edge: the ellipsis takes its place. */
	canvas_clear(c);
	canvas_text(c, 0, 0, 3, ROLE_TEXT, "\xe6\x97\xa5\xe6\x9c\xac");
	expect(c, "\xe6\x97\xa5…\n");
	canvas_clear(c);
	canvas_text(c, 0, 0, 2, ROLE_TEXT, "\xe6\x97\xa5\xe6\x9c\xac");
	expect(c, "…\n");
	canvas_clear(c);
	struct rect was = canvas_clip(c, (struct rect){0, 0, 3, 1});
	canvas_slice(c, 2, 0, 4, 0, ROLE_TEXT, "\xe6\x97\xa5", 3);
	c->clip = was;
	expect(c, "\n");
	/* Combining characters take no column. */
	canvas_clear(c);
	assert_int_equal(canvas_text(c, 0, 0, 6, ROLE_TEXT, "e\xcc\x81x"), 2);
	expect(c, "e\xcc\x81x\n");
	canvas_destroy(c);
}

static void test_slice(void **state)
{
	(void)state;
	struct canvas *c = canvas_create(8, 1);
	canvas_slice(c, 0, 0, 4, 2, ROLE_TEXT, "abcdefgh", 8);
	expect(c, "cdef\n");
	canvas_clear(c);
	canvas_slice(c, 0, 0, 4, 1, ROLE_TEXT, "\xe6\x97\xa5xyz", 6); /* half of the wide one is skipped */
	expect(c, " xyz\n");
	canvas_destroy(c);
}

static void test_wrap(void **state)
{
	(void)state;
	struct canvas *c = canvas_create(10, 4);
	struct rect r = {0, 0, 10, 4};
	assert_int_equal(canvas_wrap(c, r, ROLE_TEXT, "the quick brown fox\njumps"), 3);
	expect(c, "the quick\nbrown fox\njumps\n\n");
	canvas_clear(c);
	assert_int_equal(canvas_wrap(c, r, ROLE_TEXT, "unbreakablewordsgoon"), 2);
	expect(c, "unbreakabl\newordsgoon\n\n\n");
	assert_int_equal(canvas_wrap(NULL, r, ROLE_TEXT, ""), 0);
	assert_int_equal(canvas_wrap(NULL, (struct rect){0, 0, 1, 100}, ROLE_TEXT, "\xe6\x97\xa5\xe6\x9c\xac"), 2); /* does not hang */
	assert_int_equal(canvas_wrap(NULL, (struct rect){0, 0, 0, 100}, ROLE_TEXT, "abc"), 0);
	canvas_destroy(c);
}

static void test_spark(void **state)
{
	(void)state;
	struct canvas *c = canvas_create(8, 1);
	int64_t v[] = {0, 1, 2, 3, 4, 5, 6, 7};
	canvas_spark(c, 0, 0, 8, ROLE_CHART, v, 8);
	expect(c, "▁▂▃▄▅▆▇█\n");
	canvas_clear(c);
	int64_t gap[] = {5, -1, 5};
	canvas_spark(c, 0, 0, 8, ROLE_CHART, gap, 3);
	expect(c, "▅ ▅\n");
	canvas_clear(c);
	canvas_spark(c, 0, 0, 3, ROLE_CHART, v, 8); /* the newest */
	expect(c, "▁▅█\n");
	canvas_destroy(c);
}

static void test_ascii(void **state)
{
	(void)state;
	struct canvas *c = canvas_create(30, 3);
	canvas_box(c, (struct rect){0, 0, 6, 3}, ROLE_BORDER);
	canvas_text(c, 8, 0, 20, ROLE_TEXT, "Größe 5–10% … ▲▼ ▸ —");
	canvas_text(c, 8, 1, 20, ROLE_TEXT, "\xe6\x97\xa5\xe6\x9c\xac|e\xcc\x81|▁█");
	canvas_to_ascii(c);
	expect(c, "+----+  Grose 5-10% ~ ^v > -\n|    |  ????|e|.#\n+----+\n");
	for (int i = 0; i < c->w * c->h; i++)
		assert_true(c->cells[i].cp < 0x80 && c->cells[i].width == 1 && !c->cells[i].mark);
	canvas_destroy(c);
}

/* Drawing anything anywhere stays within the canvas (the sanitizers watch). */
static void test_anywhere(void **state)
{
	(void)state;
	unsigned seed = 7;
	for (int i = 0; i < 3000; i++) {
		int n[6];
		for (int k = 0; k < 6; k++) {
			seed = seed * 1103515245 + 12345;
			n[k] = (int)(seed >> 16) % 40 - 12;
		}
		struct canvas *c = canvas_create(n[0], n[1]);
		struct rect r = {n[2], n[3], n[4] > 0 ? n[4] : 0, n[5] > 0 ? n[5] : 0};
		int64_t v[] = {1, 2, 3};
		canvas_box(c, r, ROLE_BORDER);
		canvas_fill(c, r, ROLE_TEXT, 0x2500);
		canvas_text(c, n[2], n[3], n[4], ROLE_TEXT, "ab\xe6\x97\xa5\xe6\x9c\xac cd");
		canvas_right(c, n[2], n[3], n[4], ROLE_TEXT, "\xe6\x97\xa5 right");
		canvas_wrap(c, r, ROLE_TEXT, "wrap \xe6\x97\xa5\xe6\x9c\xac this somewhere");
		canvas_slice(c, n[2], n[3], n[4], n[5], ROLE_TEXT, "x\xe6\x97\xa5y", 5);
		canvas_back(c, r, ROLE_SELECTED);
		canvas_attrs(c, r, ATTR_BOLD);
		canvas_spark(c, n[2], n[3], n[4], ROLE_CHART, v, 3);
		canvas_scrollbar(c, r, 3, 5, 20);
		canvas_destroy(c);
	}
}

/* --- layout ------------------------------------------------------------------------------------------------------- */

static bool inside(struct rect r, struct rect outer)
{
	return r.w >= 0 && r.h >= 0 && (rect_empty(r) || (r.x >= outer.x && r.y >= outer.y && r.x + r.w <= outer.x + outer.w &&
							     r.y + r.h <= outer.y + outer.h));
}

static void test_layout(void **state)
{
	(void)state;
	for (int w = 0; w < 400; w++) {
		for (int h = 0; h < 120; h++) {
			struct layout l = layout_of(w, h);
			struct rect table, details;
			const struct rect all[] = {l.top, l.title, l.body, l.footer};
			for (size_t i = 0; i < ARRAY_LEN(all); i++)
				assert_true(inside(all[i], l.screen));
			assert_true(l.tiny || l.body.h >= 1);
			layout_details(l.body, &table, &details);
			assert_true(inside(table, l.body) && inside(details, l.body));
			assert_true(rect_empty(rect_and(table, details)));
		}
	}
	struct layout l = layout_of(80, 24);
	assert_false(l.tiny);
	assert_int_equal(l.body.w, 80);
	assert_int_equal(l.body.h, 21);
	assert_int_equal(layout_of(40, 10).body.w, 40);
	assert_true(layout_of(19, 24).tiny);
	assert_false(layout_of(20, 4).tiny);
}

static void test_rects(void **state)
{
	(void)state;
	struct rect r = {2, 3, 10, 5};
	struct rect top = rect_cut_top(&r, 2);
	assert_int_equal(top.h, 2);
	assert_int_equal(r.y, 5);
	assert_int_equal(r.h, 3);
	assert_int_equal(rect_cut_bottom(&r, 99).h, 3);
	assert_int_equal(r.h, 0);
	assert_int_equal(rect_cut_left(&r, -4).w, 0);
	struct rect c = rect_center((struct rect){0, 0, 10, 10}, 4, 20);
	assert_int_equal(c.x, 3);
	assert_int_equal(c.h, 10);
	assert_true(rect_empty(rect_inset((struct rect){0, 0, 3, 3}, 2, 2)));
}

/* --- fields ------------------------------------------------------------------------------------------------------- */

static void press(struct field *f, const char *keys)
{
	for (char *copy = xstrdup(keys), *save = NULL, *k = strtok_r(copy, " ", &save);; k = strtok_r(NULL, " ", &save)) {
		struct key key;
		if (!k) {
			free(copy);
			return;
		}
		assert_true(key_parse(k, &key));
		field_key(f, key);
	}
}

static void test_field(void **state)
{
	(void)state;
	struct field f = {.len = 0};
	field_set(&f, "spot<2.5 h\xc3\xa4x");
	press(&f, "BS BS");
	assert_string_equal(f.text, "spot<2.5 h");
	press(&f, "C-w");
	assert_string_equal(f.text, "spot<2.5 ");
	press(&f, "C-a x Right Right C-k");
	assert_string_equal(f.text, "xsp");
	press(&f, "Home Del End \xe2\x82\xac Left BS");
	assert_string_equal(f.text, "s\xe2\x82\xac");
	press(&f, "End C-u");
	assert_string_equal(f.text, "");
	press(&f, "BS Del C-w C-d Left Right");
	assert_string_equal(f.text, "");
	field_insert(&f, "a\nb\033c", 5);
	assert_string_equal(f.text, "a bc");
	for (int i = 0; i < 2000; i++)
		field_insert(&f, "\xe2\x82\xac", 3);
	assert_true(f.len <= FIELD_MAX && utf8_valid(f.text, f.len, NULL));
	assert_false(field_key(&f, (struct key){KEYS_UP, 0}));
	assert_false(field_key(&f, (struct key){'x', KEYS_ALT}));
}

static void test_format(void **state)
{
	(void)state;
	char buf[40];
	assert_string_equal(count_text(0, buf, sizeof buf), "0");
	assert_string_equal(count_text(999, buf, sizeof buf), "999");
	assert_string_equal(count_text(61482, buf, sizeof buf), "61,482");
	assert_string_equal(count_text(-1234567, buf, sizeof buf), "-1,234,567");
	assert_string_equal(format_price(PRICE_UNKNOWN, 1, buf, sizeof buf), "?");
	assert_string_equal(format_price(24110000, 1, buf, sizeof buf), "~24.11");
	assert_string_equal(format_optional(PRICE_UNKNOWN, 0, buf, sizeof buf), "-");
	assert_string_equal(format_age(0, 1000, buf, sizeof buf), "");
	assert_string_equal(format_age(1, 60001 * 5, buf, sizeof buf), "5m");
	assert_string_equal(format_age(1, 1 + 3 * 86400000LL, buf, sizeof buf), "3d");
}

int main(void)
{
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		setlocale(LC_CTYPE, "en_US.UTF-8");
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_text), cmocka_unit_test(test_foreign), cmocka_unit_test(test_wide), cmocka_unit_test(test_slice),
	    cmocka_unit_test(test_wrap), cmocka_unit_test(test_spark), cmocka_unit_test(test_ascii), cmocka_unit_test(test_anywhere),
	    cmocka_unit_test(test_layout), cmocka_unit_test(test_rects), cmocka_unit_test(test_field), cmocka_unit_test(test_format),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
