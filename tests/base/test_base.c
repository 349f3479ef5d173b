/* Strings, numbers, errors, time, files: the helpers that everything else trusts. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"

static void test_str_max(void **state)
{
	(void)state;
	struct str s = str_new(8);
	str_add(&s, "12345");
	str_add(&s, "6789");
	assert_true(s.full);
	assert_string_equal(str_text(&s), "12345");
	str_add(&s, "6"); /* once full, stays full: no holes in the text */
	assert_string_equal(str_text(&s), "12345");
	str_clear(&s);
	str_addf(&s, "%d-%s", 7, "x");
	assert_string_equal(str_text(&s), "7-x");
	str_shift(&s, 2);
	assert_string_equal(str_text(&s), "x");
	str_free(&s);
}

static void test_glob(void **state)
{
	(void)state;
	assert_true(str_glob("us-*", "US-east-1"));
	assert_true(str_glob("*", ""));
	assert_true(str_glob("a*b*c", "axxbyyc"));
	assert_false(str_glob("a*b*c", "axxbyy"));
	assert_true(str_glob("h?00", "H100"));
	assert_false(str_glob("", "x"));
	assert_true(str_glob("*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaab"));
}

static void test_utf8(void **state)
{
	(void)state;
	size_t bad = 99;
	assert_true(utf8_valid("h\xc3\xa9llo \xe2\x82\xac \xf0\x9f\x98\x80", 15, NULL));
	assert_false(utf8_valid("ab\xc0\xaf", 4, &bad)); /* overlong */
	assert_int_equal(bad, 2);
	assert_false(utf8_valid("\xed\xa0\x80", 3, NULL)); /* surrogate */
	assert_false(utf8_valid("\xe2\x82", 2, NULL));	   /* cut */
	char out[4];
	unsigned cp;
	assert_int_equal(utf8_encode(0x20ac, out), 3);
	assert_int_equal(utf8_decode(out, 3, &cp), 3);
	assert_int_equal(cp, 0x20ac);
}

static void test_clean(void **state)
{
	(void)state;
	struct str s = str_new(1000);
	const char *evil = "a\x1b]52;c;eA==\x07" "b\tc\n\xe2\x80\xae" "d\xc2\x9b" "e\xff";
	text_clean(&s, evil, strlen(evil));
	assert_string_equal(str_text(&s), "a?]52;c;eA==?b c de\xef\xbf\xbd");
	str_free(&s);
}

static void test_nearest(void **state)
{
	(void)state;
	static const char *const words[] = {"resources", "run", "setup", "envs"};
	assert_string_equal(text_nearest("runn", words, 4), "run");
	assert_string_equal(text_nearest("resuorces", words, 4), "resources");
	assert_string_equal(text_nearest("ENVS", words, 4), "envs");
	assert_null(text_nearest("zzzz", words, 4));
	assert_null(text_nearest("", words, 4));
}

static void test_quote(void **state)
{
	(void)state;
	struct str s = str_new(100);
	shell_quote(&s, "it's $(x)");
	assert_string_equal(str_text(&s), "'it'\\''s $(x)'");
	str_free(&s);
}

static void test_numbers(void **state)
{
	(void)state;
	int64_t v = 7;
	assert_true(num_int("-12", -20, 0, &v));
	assert_int_equal(v, -12);
	assert_false(num_int("12x", 0, 99, &v));
	assert_false(num_int("", 0, 99, &v));
	assert_false(num_int("100", 0, 99, &v));
	assert_int_equal(v, -12);
	assert_true(num_micro("0.0000005", &v));
	assert_int_equal(v, 1);
	assert_true(num_micro("55.04", &v));
	assert_int_equal(v, 55040000);
	assert_false(num_micro("1e3", &v));
	assert_false(num_micro(".", &v));
	assert_false(num_micro("99999999999999", &v));
	char b[40];
	assert_string_equal(micro_text(2500000, b, sizeof b), "2.5");
	assert_string_equal(micro_text(8000000, b, sizeof b), "8");
	assert_string_equal(money_text(1234500000, b, sizeof b), "1,234.50");
	assert_string_equal(money_text(4200, b, sizeof b), "0.0042");
	assert_string_equal(money_text(0, b, sizeof b), "0.00");
	assert_string_equal(money_text(PRICE_UNKNOWN, b, sizeof b), "?");
	double d;
	assert_true(num_double("1.5e2", &d));
	assert_true(d > 149.99 && d < 150.01);
	assert_false(num_double("1e999", &d));
}

static void test_err(void **state)
{
	(void)state;
	struct err e;
	assert_int_equal(err_set(&e, ERR_QUOTA, "quota %d", 4), -1);
	err_wrap(&e, "aws %s", "us-east-1");
	assert_string_equal(e.text, "aws us-east-1: quota 4");
	assert_int_equal(e.code, ERR_QUOTA);
	for (int i = 0; i < ERR_CODES; i++) {
		assert_non_null(err_info((enum err_code)i)->name);
		assert_int_equal(err_code_of(err_info((enum err_code)i)->name), i);
	}
	assert_int_equal(err_info(ERR_NO_RESOURCE)->exit_status, 3);
	assert_int_equal(err_info(ERR_USAGE)->exit_status, 2);
	/* A text too long is cut, never overrun. */
	char big[3000];
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	err_set(&e, ERR_FAILED, "%s", big);
	err_wrap(&e, "%s", big);
	assert_true(strlen(e.text) < sizeof e.text);
}

static void test_time(void **state)
{
	(void)state;
	int64_t t;
	char b[40];
	assert_true(time_parse("2026-11-25T21:30:05Z", &t));
	assert_string_equal(time_rfc3339(t, b, sizeof b), "2026-11-25T21:30:05Z");
	assert_true(time_parse("2024-02-29", &t));
	assert_string_equal(time_rfc3339(t, b, sizeof b), "2024-02-29T00:00:00Z");
	assert_false(time_parse("2024-13-01", &t));
	assert_false(time_parse("yesterday", &t));
	assert_string_equal(duration_text(3725000, b, sizeof b), "1h 2m");
	assert_string_equal(ago_text(0, 1000, b, sizeof b), "-");
}

static void test_files(void **state)
{
	(void)state;
	char dir[] = "/tmp/skytop-base-XXXXXX";
	assert_non_null(mkdtemp(dir));
	struct err e;
	char *sub = path_join(dir, "a/b/c");
	assert_int_equal(fs_mkdirs(sub, &e), 0);
	char *f = path_join(sub, "f");
	assert_int_equal(fs_write(f, "hello", 5, 0600, &e), 0);
	size_t len;
	char *text = fs_read(f, 100, &len, &e);
	assert_string_equal(text, "hello");
	free(text);
	assert_null(fs_read(f, 4, &len, &e));
	assert_int_equal(e.code, ERR_INVALID);
	assert_null(fs_read(sub, 4, &len, &e));
	assert_non_null(strstr(e.text, "a folder"));
	char *gone = path_join(dir, "nope");
	assert_null(fs_read(gone, 4, &len, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	assert_int_equal(symlink("/etc", gone), 0);
	assert_int_equal(fs_remove_tree(dir, &e), 0);
	assert_false(fs_exists(dir));
	assert_true(fs_exists("/etc/passwd")); /* links are not followed */
	free(gone);
	free(f);
	free(sub);
}

static void test_json(void **state)
{
	(void)state;
	struct err e;
	assert_null(json_parse("{\"a\":1,\"a\":2}", 13, &e));
	assert_int_equal(e.code, ERR_PROTOCOL);
	json_t *j = json_parse("{\"a\":1,\"s\":\"x\",\"n\":null}", 24, &e);
	assert_int_equal(json_int(j, "a", 0), 1);
	assert_int_equal(json_int(j, "s", 9), 9);
	assert_string_equal(json_str(j, "n", "dflt"), "dflt");
	json_put_str(j, "bad", "a\xff");
	char *t = json_text(j);
	assert_non_null(strstr(t, "a\xef\xbf\xbd"));
	free(t);
	json_decref(j);
}

static void test_arena(void **state)
{
	(void)state;
	struct arena *a = arena_create();
	for (int i = 0; i < 1000; i++) {
		char *p = arena_alloc(a, (size_t)(i % 97) * 100);
		assert_int_equal((uintptr_t)p % 16, 0);
	}
	assert_string_equal(arena_printf(a, "%s-%d", "x", 5), "x-5");
	arena_destroy(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_str_max), cmocka_unit_test(test_glob),    cmocka_unit_test(test_utf8),
	    cmocka_unit_test(test_clean),   cmocka_unit_test(test_nearest), cmocka_unit_test(test_quote),
	    cmocka_unit_test(test_numbers), cmocka_unit_test(test_err),	    cmocka_unit_test(test_time),
	    cmocka_unit_test(test_files),   cmocka_unit_test(test_json),    cmocka_unit_test(test_arena),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
