/* Reading spooled logs: the last lines against a plain count over every small log, files that change under the reader, labels, times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/api/logread.h"
#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/base/str.h"

static char dir[] = "/tmp/skytop-logread-XXXXXX";

static const char *put(const char *name, const char *data, size_t len)
{
	static char path[200];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	fclose(f);
	return path;
}

static struct logread *open_at(const char *path, int64_t base, int64_t generation)
{
	struct logread *r = logread_create();
	json_t *j = json_pack("{s:s, s:I, s:I}", "path", path, "base", (json_int_t)base, "generation", (json_int_t)generation);
	assert_false(logread_take(r, j));
	json_decref(j);
	return r;
}

/* The plain way: count line starts from the front. */
static int64_t plain_tail(const char *s, size_t len, int64_t lines)
{
	int64_t n = 0, seen = 0;
	for (size_t i = 0; i < len; i++)
		n += i == 0 || s[i - 1] == '\n';
	if (!lines)
		return (int64_t)len;
	for (size_t i = 0; i < len; i++)
		if ((i == 0 || s[i - 1] == '\n') && n - seen++ <= lines)
			return (int64_t)i;
	return 0;
}

static void test_tail(void **state)
{
	(void)state;
	/* Every log of up to seven bytes of two kinds, every number of lines. */
	for (unsigned len = 0; len <= 7; len++) {
		for (unsigned bits = 0; bits < 1u << len; bits++) {
			char s[8];
			for (unsigned i = 0; i < len; i++)
				s[i] = bits >> i & 1 ? '\n' : 'x';
			struct logread *r = open_at(put("t", s, len), 0, 0);
			for (int64_t n = 0; n <= 8; n++)
				assert_int_equal(logread_tail(r, n, -1, NULL), plain_tail(s, len, n));
			logread_destroy(r);
		}
	}
}

static void test_tail_long(void **state)
{
	(void)state;
	/* Lines of all lengths across the blocks; of four ranks. */
	struct str s = str_new(8 << 20);
	int64_t starts[4000], n_of_2 = 0, last_of_2[4000];
	for (int i = 0; i < 4000; i++) {
		starts[i] = (int64_t)s.len;
		if (i % 4 == 2)
			last_of_2[n_of_2++] = (int64_t)s.len;
		str_addf(&s, "(%s%.0d, rank=%d, pid=%d) ", i % 4 ? "worker" : "head", i % 4, i % 4, 100 + i);
		for (int k = 0; k < i % 701; k++)
			str_addc(&s, (char)('a' + k % 26));
		str_addc(&s, '\n');
	}
	struct logread *r = open_at(put("long", s.data, s.len), 0, 0);
	int64_t found;
	for (int n = 1; n <= 4000; n = n * 3 / 2 + 1) {
		assert_int_equal(logread_tail(r, n, -1, &found), starts[4000 - n]);
		assert_int_equal(found, n);
		if (n <= n_of_2)
			assert_int_equal(logread_tail(r, n, 2, NULL), last_of_2[n_of_2 - n]);
	}
	logread_tail(r, 5000, 3, &found);
	assert_int_equal(found, 1000);
	logread_tail(r, 5, 9, &found);
	assert_int_equal(found, 0);
	assert_true(logread_is_merged(r));
	for (int i = 0; i < 4000; i += 37)
		assert_int_equal(logread_line(r, starts[i] + 9), starts[i]);
	assert_int_equal(logread_line(r, starts[77]), starts[77]);
	logread_destroy(r);
	str_free(&s);
}

static void test_files(void **state)
{
	(void)state;
	char buf[100];
	/* The tail of a log that is far behind: bytes 1000…; then the whole one. No byte is read twice, none is left out. */
	struct logread *r = open_at(put("tail", "lf\nline 7\nline 8\n", 17), 1000, 5);
	assert_int_equal(logread_start(r), 1000);
	assert_int_equal(logread_tail(r, 1, -1, NULL), 1010);
	assert_int_equal(logread_tail(r, 9, -1, NULL), 1003); /* not the half of a line that it begins with */
	logread_seek(r, 1010);
	assert_int_equal(logread_next(r, buf, 4), 4);
	assert_memory_equal(buf, "line", 4);
	char *whole = xcalloc(1, 1100);
	memset(whole, 'y', 1100);
	memcpy(whole + 1000, "lf\nline 7\nline 8\nline 9\n", 24);
	json_t *j = json_pack("{s:s, s:I, s:I}", "path", put("main", whole, 1024), "base", (json_int_t)0, "generation", (json_int_t)5);
	assert_false(logread_take(r, j));
	assert_int_equal(logread_next(r, buf, sizeof buf), 10);
	assert_memory_equal(buf, " 8\nline 9\n", 10);
	assert_int_equal(logread_next(r, buf, sizeof buf), 0);
	/* The same path, another log. */
	json_object_set_new(j, "generation", json_integer(6));
	put("main", "new\n", 4);
	assert_true(logread_take(r, j));
	assert_int_equal(logread_next(r, buf, sizeof buf), 4);
	assert_int_equal(logread_at(r), 4);
	json_decref(j);
	logread_destroy(r);
	/* A file that is not there yet. */
	snprintf(buf, sizeof buf, "%s/later", dir);
	r = open_at(buf, 0, 0);
	assert_int_equal(logread_next(r, buf, sizeof buf), 0);
	assert_int_equal(logread_tail(r, 3, -1, NULL), 0);
	put("later", "x", 1);
	assert_int_equal(logread_next(r, buf, sizeof buf), 1);
	logread_destroy(r);
	free(whole);
}

static void test_labels(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		size_t len;
		int64_t rank;
	} cases[] = {{"(head, rank=0, pid=12) hi\n", 23, 0}, {"(worker12, rank=3, pid=4711) ", 29, 3}, {"(worker1, rank=1, pid=) x", 24, 1},
	    {"(worker, rank=1, pid=1) x", 0, 0}, {"(head, rank=, pid=1) x", 0, 0}, {"(head, rank=0, pid=12)", 0, 0}, {"(head, rank=0, pid=1", 0, 0},
	    {"head, rank=0, pid=1) ", 0, 0}, {"", 0, 0}, {"(", 0, 0}, {"[skytop] run", 0, 0}, {"(head, rank=-1, pid=1) x", 0, 0}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t rank = -7;
		assert_int_equal(logline_label(cases[i].line, strlen(cases[i].line), &rank), cases[i].len);
		assert_int_equal(rank, cases[i].len ? cases[i].rank : -7);
	}
	struct logread *r = open_at(put("m1", "[skytop] setup\n(head, rank=0, pid=3) x\n", 39), 0, 0);
	assert_true(logread_is_merged(r));
	logread_destroy(r);
	r = open_at(put("m2", "[skytop] setup\nx\n(head, rank=0, pid=3) x\n", 41), 0, 0);
	assert_false(logread_is_merged(r));
	logread_destroy(r);
	r = open_at(put("m3", "", 0), 0, 0);
	assert_false(logread_is_merged(r));
	logread_destroy(r);
}

static void test_since(void **state)
{
	(void)state;
	static const char text[] = "1000 0\n2000 50\n3000 70\n9000 100 late\n9500 180 late\n10000 300\n12000 310\n";
	static const struct {
		int64_t ms, at, unsure_to, late_ms;
	} cases[] = {{500, 0, 0, 0}, {1000, 0, 0, 0}, {1999, 0, 0, 0}, {2000, 50, 0, 0}, {3500, 70, 300, 9000},
	    {9100, 100, 300, 9500}, {11000, 300, 0, 0}, {99999, 310, 0, 0}};
	const char *path = put("times", text, sizeof text - 1);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct logread_since s = logread_since(path, cases[i].ms);
		assert_false(s.unknown);
		assert_int_equal(s.at, cases[i].at);
		assert_int_equal(s.unsure_to, cases[i].unsure_to);
		if (s.unsure_to)
			assert_int_equal(s.late_ms, cases[i].late_ms);
	}
	assert_true(logread_since(NULL, 5).unknown);
	assert_true(logread_since(put("times", "", 0), 5).unknown);
	assert_true(logread_since(put("times", "garbage\n1 \n", 11), 5).unknown);
	struct logread_since s = logread_since(put("times", "100 7 late\n200 9", 16), 5); /* a half line does not count */
	assert_int_equal(s.at, 0);
	assert_true(s.unsure_to == INT64_MAX);
	s = logread_since(put("times", "100 7\n200 9\n", 12), 5); /* nothing is known of the first seven bytes */
	assert_int_equal(s.unsure_to, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_tail), cmocka_unit_test(test_tail_long), cmocka_unit_test(test_files),
	    cmocka_unit_test(test_labels), cmocka_unit_test(test_since)};
	if (!mkdtemp(dir))
		return 1;
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	fs_remove_tree(dir, NULL);
	return rc;
}
