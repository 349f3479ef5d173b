/* Which logs of clusters that are gone go: by age, then the oldest while they are too many bytes; and the notes of times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/run/logs_prune.h"
#include "core/run/spool_times.h"

enum { DAY = 86400000 };

static void check(int64_t keep_days, int64_t max_bytes, const char *want)
{
	char a[] = "a", b[] = "b", c[] = "c", d[] = "d";
	struct log_folder f[] = {{c, 97LL * DAY, 30, false}, {a, 60LL * DAY, 10, false}, {d, 99LL * DAY, 40, false}, {b, 80LL * DAY, 20, false}};
	char got[8] = "";
	logs_prune_choose(f, ARRAY_LEN(f), 100LL * DAY, keep_days < 0 ? -1 : keep_days * DAY, max_bytes);
	for (size_t i = 0; i < ARRAY_LEN(f); i++)
		if (f[i].removed)
			strcat(got, f[i].name);
	assert_string_equal(got, want);
}

static void test_choose(void **state)
{
	(void)state;
	check(-1, -1, "");
	check(30, -1, "a");
	check(20, 1000, "a"); /* exactly as old: kept */
	check(0, -1, "abcd");
	check(-1, 100, "");
	check(-1, 99, "a");
	check(-1, 70, "ab");
	check(-1, 69, "abc");
	check(-1, 0, "abcd");
	check(30, 90, "a"); /* what goes for its age does not count */
	check(30, 89, "ab");
	logs_prune_choose(NULL, 0, 5, 1, 1);
}

static void times_are(const char *path, const char *want)
{
	char *text = fs_read(path, 1 << 20, NULL, NULL);
	assert_string_equal(text, want);
	free(text);
}

static void test_times(void **state)
{
	(void)state;
	char dir[] = "/tmp/skytop-times-XXXXXX";
	struct spool_times t;
	assert_non_null(mkdtemp(dir));
	char *path = path_join(dir, "1.times");
	spool_times_init(&t, xstrdup(path));
	spool_times_note(&t, 1000, 0, true);
	spool_times_note(&t, 1100, 50, true); /* too soon */
	spool_times_note(&t, 1200, 70, false); /* not late any more: that is worth a note */
	spool_times_note(&t, 2500, 90, false);
	spool_times_rest(&t, 2600, 95);
	spool_times_rest(&t, 9000, 95); /* nothing came */
	spool_times_note(&t, 9100, 95, false);
	times_are(path, "1000 0 late\n1200 70\n2500 90\n2600 95\n9100 95\n");
	spool_times_finish(&t);
	/* Goes on after half a line. */
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs("1000 0\n20", f);
	fclose(f);
	spool_times_init(&t, xstrdup(path));
	spool_times_note(&t, 3000, 9, false);
	times_are(path, "1000 0\n20\n3000 9\n");
	spool_times_finish(&t);
	fs_remove_tree(dir, NULL);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_choose), cmocka_unit_test(test_times)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
