/* Ignore rules and trees: the pure half of sync. What git says of rules is compared in tests/run/test_sync.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/mem.h"
#include "core/model/ignore.h"
#include "core/model/tree.h"

static void globs(void **state)
{
	(void)state;
	static const struct {
		const char *pattern, *text;
		bool fits;
	} cases[] = {
	    {"a", "a", true}, {"a", "b", false}, {"", "", true}, {"*", "", true}, {"*", "abc", true}, {"*", "a/b", false}, {"**", "a/b", true},
	    {"a*c", "abbc", true}, {"a*c", "ab/c", false}, {"a?c", "abc", true}, {"a?c", "a/c", false}, {"**/c", "c", true}, {"**/c", "a/b/c", true},
	    {"a/**", "a/b/c", true}, {"a/**", "a", false}, {"a/**/c", "a/c", true}, {"a/**/c", "a/x/y/c", true}, {"a**c", "a/c", false}, {"[abc]", "b", true},
	    {"[!abc]", "b", false}, {"[a-c]x", "bx", true}, {"[]]", "]", true}, {"[]-]", "-", true}, {"[[:digit:]]", "7", true}, {"[[:digit:]]", "x", false},
	    {"[a", "a", false}, {"[!/]", "/", false}, {"\\*", "*", true}, {"\\*", "x", false}, {"a\\", "a", false}, {"*/b", "a/b", true}, {"*/b", "a/c/b", false},
	    {"*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
	    {"**/a/**/a/**/a/**/b", "a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (ignore_glob(cases[i].pattern, cases[i].text) != cases[i].fits)
			fail_msg("%s %s %s", cases[i].pattern, cases[i].fits ? "does not fit" : "fits", cases[i].text);
}

static void rules(void **state)
{
	(void)state;
	static const char top[] = "# words\n*.o\n!keep.o\n/only\nbuild/\nsub/deep\ntrail  \nblank\\ \n\\#x\r\n";
	struct ignore *ig = ignore_create();
	ignore_add(ig, "", top, strlen(top));
	assert_true(ignore_match(ig, "a.o", false));
	assert_true(ignore_match(ig, "x/a.o", false));
	assert_false(ignore_match(ig, "x/keep.o", false));
	assert_true(ignore_match(ig, "only", false));
	assert_false(ignore_match(ig, "x/only", false));
	assert_true(ignore_match(ig, "x/build", true));
	assert_false(ignore_match(ig, "x/build", false));
	assert_true(ignore_match(ig, "sub/deep", true));
	assert_false(ignore_match(ig, "x/sub/deep", true));
	assert_true(ignore_match(ig, "trail", false));
	assert_true(ignore_match(ig, "blank ", false));
	assert_true(ignore_match(ig, "#x", false));
	size_t mark = ignore_mark(ig);
	ignore_add(ig, "x", "!*.o\n/y", 7);
	assert_false(ignore_match(ig, "x/a.o", false));
	assert_true(ignore_match(ig, "a.o", false));
	assert_true(ignore_match(ig, "x/y", false));
	assert_false(ignore_match(ig, "y", false));
	assert_true(ignore_match(ig, "xa.o", false)); /* not below x */
	ignore_release(ig, mark);
	assert_true(ignore_match(ig, "x/a.o", false));
	ignore_destroy(ig);
	ignore_destroy(NULL);
}

static void add(struct tree *t, enum tree_type type, const char *path, int64_t size, int64_t mtime, const char *target)
{
	struct err err;
	struct tree_entry e = {.type = type, .mode = type == TREE_DIR ? 0755 : type == TREE_LINK ? 0777 : 0644, .size = size, .mtime_ns = mtime, .path = path,
	    .target = target};
	assert_int_equal(tree_add(t, &e, &err), 0);
}

static struct tree *sample(void)
{
	struct tree *t = tree_create();
	add(t, TREE_DIR, "", 0, 0, NULL);
	add(t, TREE_FILE, " lead", 5, 1700000000000000001, NULL);
	add(t, TREE_FILE, "new\nline", 5, -5, NULL);
	add(t, TREE_DIR, "d", 0, 0, NULL);
	add(t, TREE_FILE, "d/\xff\xfe", 1, TREE_MTIME_UNSURE, NULL);
	add(t, TREE_LINK, "l", 0, 0, "to\nwhere ever");
	add(t, TREE_FILE, "d-x", 3, 7, NULL);
	add(t, TREE_FILE, "~", 3, 7, NULL);
	tree_sort(t);
	return t;
}

static void printed_and_parsed(void **state)
{
	(void)state;
	struct err err;
	struct str a = str_new(1 << 20), b = str_new(1 << 20);
	struct tree *t = sample();
	tree_print(t, &a);
	struct tree *again = tree_parse(str_text(&a), a.len, &err);
	if (!again)
		fail_msg("%s", err.text);
	assert_int_equal(again->n, t->n);
	tree_print(again, &b);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
	for (size_t cut = 1; cut < a.len; cut++) { /* half a manifest is none, or one of fewer entries */
		struct tree *part = tree_parse(a.data, cut, &err);
		if (part)
			assert_true(part->n < t->n);
		tree_destroy(part);
	}
	static const char *const wrong[] = {"f 644 1 1 a/../b", "f 644 1 1 /a", "f 644 1 1 a//b", "f 644 1 1 a/", "f 649 1 1 a", "f 77777 1 1 a", "x 644 1 1 a",
	    "f 644 -1 1 a", "f 644 1 1 ", "f 644 1 1 .", "d 755 1 0 a", "l 777 0 0 a", "f 644 99999999999999999999 1 a", "f 644 1 1 a\001", "f  644 1 1 a", ""};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		assert_null(tree_parse(wrong[i], strlen(wrong[i]) + 1, &err));
		assert_int_equal(err.code, ERR_PROTOCOL);
	}
	assert_null(tree_parse("f 644 1 1 b\0f 644 1 1 a", 24, &err));
	assert_null(tree_parse("f 644 1 1 a\0f 644 1 1 a", 24, &err));
	str_free(&a);
	str_free(&b);
	tree_destroy(t);
	tree_destroy(again);
	tree_destroy(NULL);
}

static void limits(void **state)
{
	(void)state;
	struct err err;
	struct tree *t = tree_create();
	char name[TREE_NAME_MAX + 2];
	memset(name, 'x', sizeof name);
	name[sizeof name - 1] = '\0';
	assert_int_equal(tree_add(t, &(struct tree_entry){.type = TREE_FILE, .path = name}, &err), -1);
	name[TREE_NAME_MAX] = '\0';
	assert_int_equal(tree_add(t, &(struct tree_entry){.type = TREE_FILE, .path = name}, &err), 0);
	assert_int_equal(tree_add(t, &(struct tree_entry){.type = TREE_FILE, .path = "a\001b"}, &err), -1);
	assert_non_null(strstr(err.text, "control character"));
	assert_int_equal(tree_add(t, &(struct tree_entry){.type = TREE_LINK, .path = "l", .target = ""}, &err), -1);
	tree_destroy(t);
}

static void compared(void **state)
{
	(void)state;
	struct tree *old = sample(), *now = sample();
	bool send[16], touched[16] = {false};
	struct tree_change sum;
	assert_true(tree_compare(NULL, NULL, now, send, &sum));
	assert_int_equal(sum.files, 6);
	assert_int_equal(sum.folders, 2);
	assert_int_equal(sum.bytes, 17);
	/* Only what is not sure of itself differs from its like; the folders on the way go along. */
	assert_true(tree_compare(old, NULL, now, send, &sum));
	assert_int_equal(sum.files, 1);
	assert_int_equal(sum.folders, 2);
	assert_int_equal(sum.deleted, 0);
	bool drop[16] = {false};
	for (size_t i = 0; i < now->n; i++)
		drop[i] = strlen(now->v[i].path) == 4 && now->v[i].path[0] == 'd' && now->v[i].path[1] == '/'; /* that one */
	tree_drop(now, drop);
	assert_true(tree_compare(old, NULL, now, send, &sum));
	assert_int_equal(sum.deleted, 1);
	assert_int_equal(sum.files, 0);
	tree_drop(old, drop);
	assert_false(tree_compare(old, NULL, now, send, &sum));
	touched[old->n - 1] = true;
	assert_true(tree_compare(old, touched, now, send, &sum));
	assert_int_equal(sum.files, 1);
	assert_true(send[now->n - 1] && send[0]);
	tree_destroy(old);
	tree_destroy(now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(globs),
	    cmocka_unit_test(rules),
	    cmocka_unit_test(printed_and_parsed),
	    cmocka_unit_test(limits),
	    cmocka_unit_test(compared),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
