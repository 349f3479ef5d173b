/* The log's ring: lines, colours, what is swallowed, and that memory is bounded. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "tui/logbuf.h"

static void add(struct logbuf *b, const char *text)
{
	logbuf_add(b, text, strlen(text), 0);
}

/* All lines joined by "|". */
static char *all(const struct logbuf *b)
{
	struct str s = str_new(8 << 20);
	for (uint64_t i = logbuf_first(b); i < logbuf_end(b); i++) {
		if (i > logbuf_first(b))
			str_addc(&s, '|');
		logbuf_text(b, i, &s);
	}
	return str_take(&s);
}

static void expect(const char *in, const char *want)
{
	/* At once, and byte by byte: the same. */
	for (int pass = 0; pass < 2; pass++) {
		struct logbuf *b = logbuf_create(0, 0);
		if (pass)
			for (const char *p = in; *p; p++)
				logbuf_add(b, p, 1, 0);
		else
			add(b, in);
		char *got = all(b);
		assert_string_equal(got, want);
		free(got);
		logbuf_destroy(b);
	}
}

static void test_lines(void **state)
{
	(void)state;
	expect("", "");
	expect("a\nb\n", "a|b");
	expect("a\nb", "a|b");
	expect("\n\n", "|");
	expect("a\r\nb\r\n", "a|b");
	expect("1%\r50%\r100%\ndone\n", "100%|done");
	expect("1%\r50%\r", "50%"); /* until something follows the old text stays */
	expect("a\tb\tc", "a       b       c");
	expect("gr\xc3\xbc\xc3\x9f \xe2\x82\xac", "gr\xc3\xbc\xc3\x9f \xe2\x82\xac");
	expect("\xff|\xe2\x82|\xc3", "\xef\xbf\xbd|\xef\xbf\xbd|");
}

/* Nothing but text comes through. */
static void test_swallowed(void **state)
{
	(void)state;
	expect("a\033]0;title\007b\033]52;c;aGk=\033\\c", "abc");
	expect("a\033[2J\033[10;10Hb\033[?1049hc", "abc");
	expect("a\033Pq#0;2\033\\b\033_x\033\\c\033^y\033\\d", "abcd");
	expect("a\033(0b\033=c\x07\x08\x0e", "abc");
	expect("x\xe2\x80\xaey\xc2\x9bz\xe2\x80\x8b", "xyz");
	expect("a\033]never ended\nb\n", "a|b");
	expect("a\033[12\nb", "a|b");
}

/* The line's runs as "text/role/attrs|…", roles from ROLE_ANSI on as numbers from 0, -1: none. */
static char *styled(const struct logbuf *b, uint64_t line)
{
	struct str s = str_new(1 << 20);
	struct logbuf_run run;
	size_t at = 0;
	while (logbuf_next_run(b, line, &at, &run))
		str_addf(&s, "%s%.*s/%d/%u", s.len ? "|" : "", (int)run.len, run.text,
		    run.role == ROLE_TEXT ? -1 : (int)run.role - ROLE_ANSI, run.attrs);
	return str_take(&s);
}

static void expect_styled(const struct logbuf *b, uint64_t line, const char *want)
{
	char *got = styled(b, line);
	assert_string_equal(got, want);
	free(got);
}

static void test_colors(void **state)
{
	(void)state;
	struct logbuf *b = logbuf_create(0, 0);
	add(b, "plain \033[31mred \033[1mbold\033[0m end\n\033[38;5;9mA\033[38;2;0;255;0mB\033[48;5;3mC\033[39mD\n");
	expect_styled(b, LOGBUF_ORIGIN + 0, "plain /-1/0|red /1/0|bold/1/1| end/-1/0");
	expect_styled(b, LOGBUF_ORIGIN + 1, "A/9/0|B/2/0|C/2/0|D/-1/0");
	/* A colour goes on in the next line until it is taken back. */
	add(b, "\033[33myellow\nstill\n\033[0mplain\n\033[1;4;95mx\033[22my\033[24;7mz\n");
	expect_styled(b, LOGBUF_ORIGIN + 3, "still/3/0");
	expect_styled(b, LOGBUF_ORIGIN + 4, "plain/-1/0");
	expect_styled(b, LOGBUF_ORIGIN + 5, "x/13/5|y/13/4|z/13/8");
	/* Many changes in one line: nothing of it is lost. */
	add(b, "\033[0m\n");
	for (int i = 0; i < 500; i++)
		add(b, i % 2 ? "\033[31mx" : "\033[32my");
	struct logbuf_run run;
	size_t n = 0, at = 0;
	while (logbuf_next_run(b, LOGBUF_ORIGIN + 7, &at, &run))
		n += run.len == 1 && run.role == (n % 2 ? ROLE_ANSI + 1 : ROLE_ANSI + 2);
	assert_int_equal(n, 500);
	logbuf_destroy(b);
}

static void test_bounds(void **state)
{
	(void)state;
	struct logbuf *b = logbuf_create(100, 5000);
	char line[64];
	for (int i = 0; i < 1000; i++) {
		snprintf(line, sizeof line, "line %d\n", i);
		add(b, line);
	}
	assert_int_equal(logbuf_end(b), LOGBUF_ORIGIN + 1000);
	assert_int_equal(logbuf_first(b), LOGBUF_ORIGIN + 900);
	assert_int_equal(logbuf_dropped(b), 900);
	struct str s = str_new(100);
	logbuf_text(b, LOGBUF_ORIGIN + 900, &s);
	assert_string_equal(str_text(&s), "line 900");
	str_clear(&s);
	logbuf_text(b, LOGBUF_ORIGIN + 899, &s); /* gone */
	logbuf_text(b, LOGBUF_ORIGIN + 1000, &s); /* not there yet */
	assert_string_equal(str_text(&s), "");
	str_free(&s);
	/* By bytes. */
	char big[1001];
	memset(big, 'x', 999);
	big[999] = '\n';
	big[1000] = '\0';
	for (int i = 0; i < 20; i++)
		add(b, big);
	assert_true(logbuf_end(b) - logbuf_first(b) <= 5);
	assert_int_equal(logbuf_end(b), LOGBUF_ORIGIN + 1020);
	logbuf_destroy(b);
}

/* A line without end is cut into several, and a megabyte of noise stays bounded. */
static void test_endless(void **state)
{
	(void)state;
	struct logbuf *b = logbuf_create(50, 100000);
	char chunk[4096];
	unsigned seed = 3;
	for (int i = 0; i < 300; i++) {
		for (size_t k = 0; k < sizeof chunk; k++) {
			seed = seed * 1103515245 + 12345;
			chunk[k] = i % 2 ? 'x' : (char)(seed >> 16);
		}
		logbuf_add(b, chunk, sizeof chunk, 0);
	}
	assert_true(logbuf_end(b) - logbuf_first(b) <= 51);
	for (uint64_t i = logbuf_first(b); i < logbuf_end(b); i++) {
		struct str s = str_new(1 << 20);
		logbuf_text(b, i, &s);
		assert_true(s.len <= LOGBUF_LINE_MAX + 8);
		for (size_t k = 0; k < s.len; k++)
			assert_true((unsigned char)s.data[k] >= 0x20);
		assert_true(utf8_valid(str_text(&s), s.len, NULL));
		str_free(&s);
	}
	logbuf_destroy(b);
}

/* Before the first line there may come others, with their times; as many as there is room for, and those nearest to it. */
static void test_prepend(void **state)
{
	(void)state;
	const int64_t at = INT64_C(1700000000000);
	struct logbuf *b = logbuf_create(10, 0), *older = logbuf_create(0, 0);
	logbuf_add(b, "new 0\nnew 1\nnot whole", 21, at);
	logbuf_add(older, "old 0\n\033[31mold 1\nold 2\n", 23, at - 5000);
	assert_int_equal(logbuf_prepend(b, older), 3);
	assert_int_equal(logbuf_first(b), LOGBUF_ORIGIN - 3);
	assert_int_equal(logbuf_end(b), LOGBUF_ORIGIN + 3);
	char *text = all(b);
	assert_string_equal(text, "old 0|old 1|old 2|new 0|new 1|not whole");
	free(text);
	expect_styled(b, LOGBUF_ORIGIN - 1, "old 2/1/0");
	expect_styled(b, LOGBUF_ORIGIN, "new 0/-1/0");
	assert_int_equal(logbuf_time(b, LOGBUF_ORIGIN - 3), at - 5000);
	assert_int_equal(logbuf_time(b, LOGBUF_ORIGIN + 1), at);
	older = logbuf_create(0, 0);
	for (int i = 0; i < 20; i++)
		add(older, i < 19 ? "oldest\n" : "last of the oldest\n");
	assert_int_equal(logbuf_prepend(b, older), 4); /* nine of ten: the next one has its place */
	assert_int_equal(logbuf_dropped(b), 0);
	struct str s = str_new(100);
	logbuf_text(b, LOGBUF_ORIGIN - 4, &s);
	assert_string_equal(str_text(&s), "last of the oldest");
	str_free(&s);
	/* Everything goes on as it was, and the oldest go first. */
	add(b, " at all\n");
	for (int i = 0; i < 30; i++)
		add(b, "more\n");
	assert_int_equal(logbuf_end(b), LOGBUF_ORIGIN + 33);
	assert_int_equal(logbuf_first(b), LOGBUF_ORIGIN + 23);
	assert_int_equal(logbuf_prepend(b, logbuf_create(0, 0)), 0);
	logbuf_destroy(b);
	/* Before nothing at all. */
	b = logbuf_create(0, 0);
	older = logbuf_create(0, 0);
	add(older, "a\nb\n");
	assert_int_equal(logbuf_prepend(b, older), 2);
	add(b, "c\n");
	text = all(b);
	assert_string_equal(text, "a|b|c");
	free(text);
	logbuf_destroy(b);
}

static void test_search(void **state)
{
	(void)state;
	struct logbuf *b = logbuf_create(0, 0);
	add(b, "first ERROR here\nnothing\nan er\033[31mror in two colours\nerr\n");
	assert_true(logbuf_has(b, LOGBUF_ORIGIN + 0, "error"));
	assert_false(logbuf_has(b, LOGBUF_ORIGIN + 1, "error"));
	assert_true(logbuf_has(b, LOGBUF_ORIGIN + 2, "ERROR"));
	assert_false(logbuf_has(b, LOGBUF_ORIGIN + 3, "error"));
	assert_false(logbuf_has(b, LOGBUF_ORIGIN + 77, "error"));
	logbuf_destroy(b);
}

static void test_levels(void **state)
{
	(void)state;
	struct logbuf *b = logbuf_create(0, 0);
	add(b, "2026-11-25 ERROR x\n[WARNING] y\nDEBUG: z\nTERROR no\nINFO fine\nTraceback (most recent call last):\nERRORS no\n");
	static const enum role want[] = {ROLE_BAD, ROLE_WARN, ROLE_DIM, ROLE_TEXT, ROLE_TEXT, ROLE_BAD, ROLE_TEXT};
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		assert_int_equal(logbuf_level(b, LOGBUF_ORIGIN + i), want[i]);
	logbuf_destroy(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lines), cmocka_unit_test(test_swallowed), cmocka_unit_test(test_colors), cmocka_unit_test(test_bounds),
	    cmocka_unit_test(test_endless), cmocka_unit_test(test_prepend), cmocka_unit_test(test_search), cmocka_unit_test(test_levels),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
