/* catalog.db when things go wrong around it: damage of every kind, a full disk, no right to write, two writers. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/store/catalog.h"
#include "tests/store/catalog_box.h"

/* --- damage -----------------------------------------------------------------------------------------------------------*/

static void damage(const char *path, long at, const char *bytes, size_t len)
{
	FILE *f = fopen(path, "r+b");
	assert_non_null(f);
	fseek(f, at, at < 0 ? SEEK_END : SEEK_SET);
	fwrite(bytes, 1, len, f);
	fclose(f);
}

static void test_corrupt(void **state)
{
	struct box *b = *state;
	static const char garbage[] = "this is no database, whatever it may look like from outside ....................";
	for (int kind = 0; kind < 4; kind++) {
		catalog_close(box_open(b));
		if (kind == 0)
			box_write(b->db, garbage);
		else if (kind == 1)
			box_write(b->db, "");
		else if (kind == 2)
			assert_int_equal(truncate(b->db, 16384 + 100), 0);
		else
			for (int i = 0; i < 40; i++)
				damage(b->db, 100 + i * 977, garbage, sizeof garbage);
		struct catalog *c = box_open(b);
		if (!catalog_warning(c))
			fail_msg("kind %d: no word about it", kind);
		assert_non_null(strstr(catalog_warning(c), "catalog.db.corrupt-20"));
		assert_int_equal(catalog_offers(c)->n_rows, 8);
		catalog_close(c);
		c = box_open(b); /* made anew */
		assert_null(catalog_warning(c));
		catalog_close(c);
	}
}

static void run_sql(const char *path, const char *sql)
{
	sqlite3 *db;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	char *why = NULL;
	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", sql, why);
	sqlite3_close(db);
}

/* Whatever the pack says, the offers are the tables' or the pack's, all indices in range, and nothing crashes. */
static void test_bad_pack(void **state)
{
	struct box *b = *state;
	static const char *const sqls[] = {
		"DELETE FROM pack WHERE part = 0",
		"DELETE FROM pack WHERE part = 3",
		"UPDATE pack SET data = x'00' WHERE part = 0",
		"UPDATE pack SET data = zeroblob(length(data)) WHERE part = 1",
		"UPDATE pack SET data = substr(data, 1, length(data) - 1) WHERE part = 1",
		"UPDATE pack SET data = data || x'00' WHERE part = 2",
		"UPDATE pack SET data = zeroblob(length(data)) WHERE part = 5",
		"UPDATE pack SET data = replace(data, 'us-east-1', 'xx-east-1') WHERE part = 5",
		"UPDATE pack SET data = (SELECT data FROM pack WHERE part = 2) WHERE part = 4",
		"DELETE FROM pack",
	};
	for (size_t i = 0; i < ARRAY_LEN(sqls); i++) {
		box_list(b, "do", HEAD "m,,,4,16,,0.5,,r,\n");
		box_must_import(b, NOW);
		run_sql(b->db, sqls[i]);
		struct catalog *c = box_open(b);
		if (catalog_offers(c)->n_rows != 9) /* the tables are good */
			fail_msg("%s: %zu offers", sqls[i], catalog_offers(c)->n_rows);
		assert_non_null(catalog_warning(c));
		assert_non_null(box_find(c, "aws", "p5.48xlarge", "H100", "us-east-1"));
		catalog_close(c);
		fs_remove_tree(b->db, NULL);
	}
}

/* Any byte of the file may be any other. */
static void test_random_damage(void **state)
{
	struct box *b = *state;
	unsigned seed = 99;
	box_list(b, "do", HEAD "m,,,4,16,,0.5,,r,\nm,,,4,16,,0.5,,r2,\n");
	box_must_import(b, NOW);
	size_t len;
	char *bytes = fs_read(b->db, 1 << 24, &len, NULL);
	for (int round = 0; round < 120; round++) {
		char *copy = xmalloc(len);
		memcpy(copy, bytes, len);
		unsigned hits = 1 + box_random(&seed, 30);
		for (unsigned i = 0; i < hits; i++)
			copy[box_random(&seed, (unsigned)len)] = (char)box_random(&seed, 256);
		assert_int_equal(fs_write(b->db, copy, box_random(&seed, 5) ? len : box_random(&seed, (unsigned)len), 0644, NULL), 0);
		free(copy);
		struct catalog *c = box_open(b);
		const struct offers *o = catalog_offers(c);
		struct price_point p[4];
		for (size_t i = 0; i < o->n_rows; i++) {
			assert_true(o->rows[i].type < o->n_types && o->rows[i].place < o->n_places && o->rows[i].source < o->n_sources);
			assert_true(strlen(o->types[o->rows[i].type].provider) < 100);
			catalog_history(c, o->rows[i].id, p, 4, NULL);
		}
		catalog_egress(c, NULL);
		catalog_status(c, NULL);
		catalog_close(c);
	}
	free(bytes);
}

static void test_other_version(void **state)
{
	struct box *b = *state;
	box_list(b, "do", HEAD "m,,,4,16,,0.5,,r,\n");
	box_must_import(b, NOW);
	run_sql(b->db, "PRAGMA user_version = 99");
	struct catalog *c = box_open(b);
	assert_non_null(strstr(catalog_warning(c), "version 99"));
	assert_int_equal(catalog_offers(c)->n_rows, 8); /* the snapshot's */
	assert_false(catalog_changed(c));
	catalog_close(c);
	assert_true(fs_exists(b->db)); /* it may be of use to the newer program: left alone */
}

static void test_import_over_damage(void **state)
{
	struct box *b = *state;
	struct import_report r;
	struct err err;
	box_list(b, "do", HEAD "m,,,4,16,,0.5,,r,\n");
	box_must_import(b, NOW);
	box_write(b->db, "garbage");
	assert_int_equal(box_import(b, NOW + 1, &r, &err), 0);
	assert_non_null(strstr(r.warning, "catalog.db.corrupt-"));
	import_report_free(&r);
	struct catalog *c = box_open(b);
	assert_null(catalog_warning(c));
	assert_int_equal(catalog_offers(c)->n_rows, 9);
	catalog_close(c);
}

static void test_no_snapshot(void **state)
{
	struct box *b = *state;
	struct err err;
	assert_null(catalog_open_at(b->db, NULL, &err));
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_null(catalog_open_at(b->db, "/nonexistent/snapshot.db", &err));
	assert_non_null(strstr(err.text, "/nonexistent/snapshot.db"));
	free(b->snapshot);
	b->snapshot = NULL;
	box_list(b, "do", HEAD "m,,,4,16,,0.5,,r,\n"); /* an import alone makes a catalog, too */
	box_must_import(b, NOW);
	struct catalog *c = box_open(b);
	assert_int_equal(catalog_offers(c)->n_rows, 1);
	catalog_close(c);
}

/* --- where writing is not possible ------------------------------------------------------------------------------------*/

/* Run fn in a child, its file size limited; returns its exit status. */
static int in_child(struct box *b, rlim_t max_file, int (*fn)(struct box *b))
{
	pid_t pid = fork();
	if (pid == 0) {
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &(struct rlimit){max_file, max_file});
		_exit(fn(b));
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int import_must_fail(struct box *b)
{
	struct import_report r;
	struct err err;
	if (box_import(b, NOW + 1, &r, &err) == 0)
		return 1;
	return err.code == ERR_IO ? 0 : 2;
}

static int open_must_work(struct box *b)
{
	struct err err;
	struct catalog *c = catalog_open_at(b->db, b->snapshot, &err);
	return c && catalog_offers(c)->n_rows == 8 ? 0 : 1;
}

static void test_full_disk(void **state)
{
	struct box *b = *state;
	/* Nothing there yet: the snapshot is read in place. */
	assert_int_equal(in_child(b, 1000, open_must_work), 0);
	assert_false(fs_exists(b->db));
	struct str s = str_new(1 << 22);
	str_add(&s, HEAD);
	for (int i = 0; i < 5000; i++)
		str_addf(&s, "type-with-a-long-name-%d,,,4,16,,0.5,0.1,region-%d,\n", i, i % 50);
	box_list(b, "do", HEAD "m,,,4,16,,0.5,,r,\n");
	box_must_import(b, NOW);
	box_list(b, "do", str_text(&s));
	static const rlim_t limits[] = {0, 4096, 100000, 300000, 700000};
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		int rc = in_child(b, limits[i], import_must_fail);
		if (rc)
			fail_msg("limit %lu: %d", (unsigned long)limits[i], rc);
		struct catalog *c = box_open(b);
		assert_null(catalog_warning(c));
		assert_int_equal(catalog_offers(c)->n_rows, 9); /* as before */
		catalog_close(c);
		char *fresh = xasprintf("%s.new", b->db);
		assert_false(fs_exists(fresh));
		free(fresh);
	}
	box_must_import(b, NOW + 2);
	struct catalog *c = box_open(b);
	assert_int_equal(catalog_offers(c)->n_rows, 5008);
	catalog_close(c);
	str_free(&s);
}

static void test_read_only_folder(void **state)
{
	struct box *b = *state;
	char *dir = path_join(b->dir, "cache");
	box_list(b, "do", HEAD "m,,,4,16,,0.5,,r,\n");
	box_must_import(b, NOW);
	assert_int_equal(chmod(b->db, 0444), 0);
	assert_int_equal(chmod(dir, 0555), 0);
	struct catalog *c = box_open(b);
	assert_int_equal(catalog_offers(c)->n_rows, 9);
	assert_null(catalog_warning(c));
	catalog_close(c);
	assert_int_equal(chmod(dir, 0755), 0);
	free(dir);
}

/* A killed writer leaves its half-made copy; the next one starts anew. */
static void test_left_over(void **state)
{
	struct box *b = *state;
	char *fresh = xasprintf("%s.new", b->db);
	catalog_close(box_open(b));
	box_write(fresh, "half a database");
	box_list(b, "do", HEAD "m,,,4,16,,0.5,,r,\n");
	box_must_import(b, NOW);
	assert_false(fs_exists(fresh));
	free(fresh);
}

static int import_waits(struct box *b)
{
	struct import_report r;
	struct err err;
	return box_import(b, NOW, &r, &err) == 0 ? 0 : 1;
}

/* A writer waits for the one that has the lock. */
static void test_waits(void **state)
{
	struct box *b = *state;
	catalog_close(box_open(b));
	box_list(b, "do", HEAD "m,,,4,16,,0.5,,r,\n");
	char *lock = xasprintf("%s.lock", b->db);
	int fd = open(lock, O_RDWR | O_CREAT, 0600);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(fd);
		struct import_report r;
		struct err err;
		_exit(box_import(b, NOW, &r, &err) == 0 ? 0 : 1);
	}
	usleep(150000);
	struct catalog *c = box_open(b); /* readers do not wait */
	assert_int_equal(catalog_offers(c)->n_rows, 8);
	catalog_close(c);
	close(fd);
	int status;
	waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	c = box_open(b);
	assert_int_equal(catalog_offers(c)->n_rows, 9);
	catalog_close(c);
	free(lock);
}

/* Several at once: each waits for the other, and the last one's catalog is whole. */
static void test_two_writers(void **state)
{
	struct box *b = *state;
	struct str s = str_new(1 << 20);
	str_add(&s, HEAD);
	for (int i = 0; i < 2000; i++)
		str_addf(&s, "t%d,,,4,16,,0.5,0.1,r,\n", i);
	box_list(b, "do", str_text(&s));
	str_free(&s);
	pid_t pid[4];
	for (size_t i = 0; i < ARRAY_LEN(pid); i++) {
		pid[i] = fork();
		if (pid[i] == 0)
			_exit(import_waits(b));
	}
	for (int i = 0; i < 200; i++) /* readers meanwhile */
		catalog_close(box_open(b));
	for (size_t i = 0; i < ARRAY_LEN(pid); i++) {
		int status;
		waitpid(pid[i], &status, 0);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	struct catalog *c = box_open(b);
	assert_int_equal(catalog_offers(c)->n_rows, 2008);
	catalog_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    BOXED(test_corrupt),
	    BOXED(test_bad_pack),
	    BOXED(test_random_damage),
	    BOXED(test_other_version),
	    BOXED(test_import_over_damage),
	    BOXED(test_no_snapshot),
	    BOXED(test_full_disk),
	    BOXED(test_read_only_folder),
	    BOXED(test_left_over),
	    BOXED(test_waits),
	    BOXED(test_two_writers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
