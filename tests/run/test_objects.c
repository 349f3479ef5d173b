/* Names of objects as files: what is safe, what is left out, which folders there are, and when two listings are the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/run/objects.h"

static void paths(void **state)
{
	(void)state;
	static const struct {
		const char *name, *path; /* NULL: none */
	} rows[] = {
	    {"a", "a"}, {"a/b", "a/b"}, {"/a", "a"}, {"a//b", "a/b"}, {"///a///b", "a/b"}, {"a b", "a b"}, {" a", " a"}, {"-a", "-a"}, {"~", "~"}, {"...", "..."},
	    {"a..b", "a..b"}, {"..a/b..", "..a/b.."}, {"Ä/漢", "Ä/漢"}, {"a\\b", "a\\b"}, {"\"'$(x)`", "\"'$(x)`"}, {"..", NULL}, {"../a", NULL}, {"a/..", NULL},
	    {"a/../b", NULL}, {".", NULL}, {"a/./b", NULL}, {"./a", NULL}, {"", NULL}, {"/", NULL}, {"a\nb", NULL}, {"a\tb", NULL}, {"\001", NULL}, {"\177", NULL},
	    {"a/", "a"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *why;
		char *path = objects_path(rows[i].name, &why);
		if (rows[i].path ? !path || strcmp(path, rows[i].path) != 0 : path != NULL)
			fail_msg("'%s' became '%s'", rows[i].name, path ? path : "nothing");
		assert_true((path == NULL) == (why != NULL));
		free(path);
	}
	char part[300], name[4000];
	const char *why;
	memset(part, 'x', sizeof part);
	part[255] = '\0';
	char *ok = objects_path(part, &why);
	assert_non_null(ok);
	free(ok);
	part[255] = 'x';
	part[256] = '\0';
	assert_null(objects_path(part, &why));
	memset(name, 'x', sizeof name);
	for (size_t i = 100; i < sizeof name; i += 100)
		name[i] = '/';
	name[3000] = '\0';
	ok = objects_path(name, &why);
	assert_non_null(ok);
	free(ok);
	name[3000] = '/';
	name[3002] = '\0';
	assert_null(objects_path(name, &why));
}

/* "name size" each; a name that ends with a slash is a folder. */
static struct objects *made(const char *const *names, bool single)
{
	struct objects *o = objects_create();
	struct err err;
	for (; *names; names++) {
		size_t n = strlen(*names);
		json_t *part = json_pack("{s:[{s:s, s:I, s:s, s:b}]}", "objects", "name", *names, "size",
		    (json_int_t)(strstr(*names, "empty") ? 0 : 5), "etag", "e", "folder", n && (*names)[n - 1] == '/');
		assert_int_equal(objects_take(o, part, &err), 0);
		json_decref(part);
	}
	assert_int_equal(objects_arrange(o, single, "as.bin", &err), 0);
	return o;
}

static void has(const struct objects *o, const char *files, const char *folders, size_t left_out)
{
	struct str f = str_new(1000), d = str_new(1000);
	for (size_t i = 0; i < o->n; i++)
		str_addf(&f, "%s%s", i ? "|" : "", o->v[i].path);
	for (size_t i = 0; i < o->n_folders; i++)
		str_addf(&d, "%s%s", i ? "|" : "", *o->folders[i] ? o->folders[i] : ".");
	assert_string_equal(str_text(&f), files);
	assert_string_equal(str_text(&d), folders);
	assert_int_equal(o->left_out, left_out);
	assert_int_equal(o->bytes, strstr(files, "empty") ? o->bytes : 5 * (int64_t)o->n);
	str_free(&f);
	str_free(&d);
}

static void arranging(void **state)
{
	(void)state;
	struct objects *o = made((const char *const[]){"b/c/d", "a", "b/a", "b-c/x", "b/c/e", NULL}, false);
	has(o, "a|b-c/x|b/a|b/c/d|b/c/e", ".|b|b-c|b/c", 0);
	objects_destroy(o);
	o = made((const char *const[]){"x/", "y/z/", "a", NULL}, false);
	has(o, "a", ".|x|y|y/z", 0);
	objects_destroy(o);
	/* One place for two. */
	o = made((const char *const[]){"a//b", "a/b", "/a/b", NULL}, false);
	has(o, "a/b", ".|a", 2);
	objects_destroy(o);
	/* A name that is a folder, too: nothing, if it is an empty mark; else it is told of. */
	o = made((const char *const[]){"empty", "empty/x", NULL}, false);
	has(o, "empty/x", ".|empty", 0);
	objects_destroy(o);
	o = made((const char *const[]){"full", "full/x", NULL}, false);
	has(o, "full/x", ".|full", 1);
	assert_non_null(strstr(str_text(&o->left_names), "full (there is a folder of that name)"));
	objects_destroy(o);
	o = made((const char *const[]){"../a", "..", "b/../../c", "d", "\033[2Je", NULL}, false);
	has(o, "d", ".", 4);
	assert_null(strchr(str_text(&o->left_names), '\033'));
	objects_destroy(o);
	o = made((const char *const[]){"", NULL}, true);
	has(o, "as.bin", "", 0);
	objects_destroy(o);
}

static void same_or_not(void **state)
{
	(void)state;
	struct objects *a = made((const char *const[]){"a", "b/c", NULL}, false), *b = made((const char *const[]){"b/c", "a", NULL}, false);
	struct objects *c = made((const char *const[]){"a", "b/c", "d/", NULL}, false), *d = made((const char *const[]){"a", "b/d", NULL}, false);
	char x[33], y[33];
	objects_id(a, x);
	objects_id(b, y);
	assert_string_equal(x, y);
	assert_true(a->v[0].id == b->v[0].id && a->v[0].id != a->v[1].id);
	objects_id(c, y);
	assert_string_not_equal(x, y);
	objects_id(d, y);
	assert_string_not_equal(x, y);
	objects_destroy(a);
	objects_destroy(b);
	objects_destroy(c);
	objects_destroy(d);
}

static void too_many(void **state)
{
	(void)state;
	struct objects *o = objects_create();
	struct err err;
	json_t *list = json_array(), *one = json_pack("{s:s, s:i, s:n}", "name", "x", "size", 1, "etag");
	for (size_t i = 0; i < OBJECTS_MAX; i++)
		json_array_append(list, one);
	json_t *part = json_pack("{s:o}", "objects", list), *more = json_pack("{s:[O]}", "objects", one);
	assert_int_equal(objects_take(o, part, &err), 0);
	assert_int_equal(objects_take(o, more, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	assert_non_null(strstr(err.text, "100000"));
	json_decref(part);
	json_decref(more);
	json_decref(one);
	objects_destroy(o);
	o = objects_create();
	part = json_pack("{s:[{s:s}]}", "objects", "name", "x");
	assert_int_equal(objects_take(o, part, &err), -1);
	assert_int_equal(err.code, ERR_PROTOCOL);
	json_decref(part);
	objects_destroy(o);
}

/* Few names that are deep enough have very many folders. */
static void too_deep(void **state)
{
	(void)state;
	struct objects *o = objects_create();
	struct err err;
	for (int i = 0; i < 60; i++) {
		char name[3000];
		for (size_t k = 0; k < sizeof name; k++)
			name[k] = k % 2 ? '/' : 'a';
		name[0] = (char)('0' + i);
		name[sizeof name - 1] = '\0';
		json_t *part = json_pack("{s:[{s:s, s:i}]}", "objects", "name", name, "size", 1);
		assert_int_equal(objects_take(o, part, &err), 0);
		json_decref(part);
	}
	assert_int_equal(objects_arrange(o, false, "", &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	assert_true(o->folders_bytes < 2 * OBJECTS_NAMES_MAX);
	objects_destroy(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(paths), cmocka_unit_test(arranging), cmocka_unit_test(same_or_not), cmocka_unit_test(too_many),
	    cmocka_unit_test(too_deep)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
