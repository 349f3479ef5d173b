/* YAML: scalars as PyYAML resolves them, positions, merges, limits, and everything that is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "core/base/str.h"
#include "core/model/yaml.h"

static struct yaml_file *parse(const char *text)
{
	struct err err = {0};
	struct yaml_file *f = yaml_parse(text, strlen(text), "f.yaml", NULL, NULL, &err);
	if (!f)
		fail_msg("%s: %s", text, err.text);
	return f;
}

/* Refused at line:column with a text that contains part. */
static void refused(
    const char *text, size_t len, const struct yaml_options *opt, int line, int column, const char *part)
{
	struct err err = {0};
	struct where at = {0};
	struct yaml_file *f = yaml_parse(text, len, "f.yaml", opt, &at, &err);
	if (f)
		fail_msg("accepted: %.100s", text);
	if (!strstr(err.text, part) || at.line != line || at.column != column)
		fail_msg("%.100s: at %d:%d: %s", text, at.line, at.column, err.text);
	assert_int_equal(err.code, ERR_INVALID);
}

#define REFUSED(text, line, column, part) refused(text, strlen(text), NULL, line, column, part)

/* Scalar → its kind, and how Python prints it. */
static const struct {
	const char *text;
	enum yaml_kind kind;
	const char *python;
} scalars[] = {
    {"yes", YAML_BOOL, "True"},
    {"Off", YAML_BOOL, "False"},
    {"y", YAML_STRING, "y"},
    {"tRue", YAML_STRING, "tRue"},
    {"~", YAML_NULL, "None"},
    {"Null", YAML_NULL, "None"},
    {"nULL", YAML_STRING, "nULL"},
    {"0", YAML_INT, "0"},
    {"-0", YAML_INT, "0"},
    {"+12", YAML_INT, "12"},
    {"1_000", YAML_INT, "1000"},
    {"017", YAML_INT, "15"},
    {"0o17", YAML_STRING, "0o17"},
    {"08", YAML_STRING, "08"},
    {"0x1F", YAML_INT, "31"},
    {"0X1F", YAML_STRING, "0X1F"},
    {"0b101", YAML_INT, "5"},
    {"0b102", YAML_STRING, "0b102"},
    {"1:30", YAML_INT, "90"},
    {"-1:30", YAML_INT, "-90"},
    {"1:60", YAML_STRING, "1:60"},
    {"0:30", YAML_STRING, "0:30"},
    {"190:20:30", YAML_INT, "685230"},
    {"123456789012345678901234567890", YAML_INT, "123456789012345678901234567890"},
    {"1e3", YAML_STRING, "1e3"},
    {"1.0e3", YAML_STRING, "1.0e3"},
    {"1.0e+3", YAML_FLOAT, "1000.0"},
    {"1.", YAML_FLOAT, "1.0"},
    {".5", YAML_FLOAT, "0.5"},
    {"-.5", YAML_STRING, "-.5"},
    {"4.0", YAML_FLOAT, "4.0"},
    {"1.50", YAML_FLOAT, "1.5"},
    {"0.1", YAML_FLOAT, "0.1"},
    {"0.30000000000000004", YAML_FLOAT, "0.30000000000000004"},
    {"1.0e+16", YAML_FLOAT, "1e+16"},
    {"1000000000000000.0", YAML_FLOAT, "1000000000000000.0"},
    {"0.00001", YAML_FLOAT, "1e-05"},
    {"0.0001", YAML_FLOAT, "0.0001"},
    {"1:30.5", YAML_FLOAT, "90.5"},
    {"-.inf", YAML_FLOAT, "-inf"},
    {".NaN", YAML_FLOAT, "nan"},
    {"2024-01-02", YAML_DATE, "2024-01-02"},
    {"2024-1-2", YAML_STRING, "2024-1-2"},
    {"2001-12-14t21:59:43.10-05:00", YAML_DATE, "2001-12-14 21:59:43.100000-05:00"},
    {"2001-12-14T21:59:43Z", YAML_DATE, "2001-12-14 21:59:43+00:00"},
    {"2001-1-4 1:59:43", YAML_DATE, "2001-01-04 01:59:43"},
    {"<<", YAML_STRING, "<<"},
    {"=", YAML_STRING, "="},
    {"-", YAML_STRING, "-"},
    {"+", YAML_STRING, "+"},
    {".", YAML_STRING, "."},
    {"1.2.3", YAML_STRING, "1.2.3"},
};

static void test_scalars(void **state)
{
	(void)state;
	struct arena *a = arena_create();
	for (size_t i = 0; i < ARRAY_LEN(scalars); i++) {
		struct yaml_node n = {.text = scalars[i].text, .len = strlen(scalars[i].text)};
		yaml_resolve(&n);
		if (n.kind != scalars[i].kind || strcmp(yaml_python(a, &n), scalars[i].python))
			fail_msg("%s: kind %d, %s", n.text, n.kind, yaml_python(a, &n));
	}
	arena_destroy(a);
}

static void test_python_collections(void **state)
{
	(void)state;
	struct yaml_file *f = parse("[1, 'it''s', {a: null, \"b\\n\": [x]}]");
	assert_string_equal(yaml_python(f->arena, f->docs[0]), "[1, \"it's\", {'a': None, 'b\\n': ['x']}]");
	yaml_file_free(f);
}

static void test_positions(void **state)
{
	(void)state;
	struct yaml_file *f = parse("# é\na: 1\nlist:\n  - x\n  - {k: é, z: w}\n");
	const struct yaml_node *list = yaml_get(f->docs[0], "list"), *z = yaml_get(list->items[1], "z");
	assert_int_equal(list->line, 4);
	assert_int_equal(list->column, 3);
	assert_int_equal(z->line, 5);
	assert_int_equal(z->column, 15);
	assert_int_equal(yaml_key(f->docs[0], "list")->line, 3);
	yaml_file_free(f);
}

static void test_documents(void **state)
{
	(void)state;
	struct yaml_file *f = parse("--- \n---\na: 1\n---\n- b\n");
	assert_int_equal(f->n, 3);
	assert_int_equal(f->docs[0]->kind, YAML_NULL);
	assert_int_equal(f->docs[1]->kind, YAML_MAP);
	assert_int_equal(f->docs[2]->kind, YAML_LIST);
	yaml_file_free(f);
	f = parse("");
	assert_int_equal(f->n, 0);
	yaml_file_free(f);
	/* A byte order mark is no text. */
	f = parse("\xEF\xBB\xBF"
		  "a: 1\n");
	assert_int_equal(yaml_get(f->docs[0], "a")->integer, 1);
	yaml_file_free(f);
}

static void test_sets(void **state)
{
	(void)state;
	struct yaml_file *f = parse("a: {A100, V100:8}\nb: !!set {x, y}\nc:\n  ? p\n  ? q\n");
	const struct yaml_node *a = yaml_get(f->docs[0], "a");
	assert_int_equal(a->n, 2);
	assert_string_equal(a->pairs[1].key->text, "V100:8");
	assert_int_equal(a->pairs[1].value->kind, YAML_NULL);
	assert_int_equal(yaml_get(f->docs[0], "b")->n, 2);
	assert_int_equal(yaml_get(f->docs[0], "c")->n, 2);
	yaml_file_free(f);
}

static void test_merges(void **state)
{
	(void)state;
	struct yaml_file *f = parse("base: &a {x: 1, y: 2}\nmore: &b {y: 3, z: 4}\n"
				    "one: {<<: *a, y: 9}\ntwo: {w: 0, <<: [*a, *b]}\nthree: {\"<<\": 1}\n");
	const struct yaml_node *one = yaml_get(f->docs[0], "one"), *two = yaml_get(f->docs[0], "two");
	assert_int_equal(one->n, 2);
	assert_int_equal(yaml_get(one, "x")->integer, 1);
	assert_int_equal(yaml_get(one, "y")->integer, 9);
	assert_int_equal(two->n, 4);
	assert_int_equal(yaml_get(two, "y")->integer, 2);
	assert_int_equal(yaml_get(two, "z")->integer, 4);
	assert_int_equal(yaml_get(yaml_get(f->docs[0], "three"), "<<")->integer, 1);
	yaml_file_free(f);
}

static void test_tags(void **state)
{
	(void)state;
	struct yaml_file *f = parse("a: !!str 5\nb: !!int \"5\"\nc: !!float 5\nd: ! yes\n");
	assert_int_equal(yaml_get(f->docs[0], "a")->kind, YAML_STRING);
	assert_int_equal(yaml_get(f->docs[0], "b")->kind, YAML_INT);
	assert_int_equal(yaml_get(f->docs[0], "c")->kind, YAML_FLOAT);
	assert_int_equal(yaml_get(f->docs[0], "d")->kind, YAML_STRING);
	yaml_file_free(f);
}

static void test_refused(void **state)
{
	(void)state;
	REFUSED("a: 1\nb: 2\na: 3\n", 3, 1, "duplicate key 'a' (also in line 1)");
	REFUSED("x:\n  - {a: 1, b: {c: 1, c: 2}}\n", 2, 22, "duplicate key 'c'");
	REFUSED("1: a\n\"1\": b\n", 2, 1, "duplicate key '1'");
	REFUSED("? [a]\n: b\n", 1, 3, "a list cannot be a key");
	REFUSED("? {a: b}\n: c\n", 1, 3, "a map cannot be a key");
	REFUSED("a: !foo 1\n", 1, 4, "the tag !foo is not known here");
	REFUSED("a: !!binary aGk=\n", 1, 4, "is not known here");
	REFUSED("a: !!int x\n", 1, 4, "'x' is not a value of the tag !!int");
	REFUSED("a: *b\n", 1, 4, "there is no anchor &b above");
	REFUSED("a: &b [*b]\n", 1, 8, "inside the value it names");
	REFUSED("a: {<<: 5}\n", 1, 9, "<< takes in a map");
	REFUSED("a: \"x\\0y\"\n", 1, 4, "NUL");
	REFUSED("a: [1\nb: 2\n", 2, 2, "not YAML");
	REFUSED("a:\n\t- 1\n", 2, 1, "tabs cannot indent");
	REFUSED("a: b: c\n", 1, 5, "not allowed");
	REFUSED("%YAML 3.0\n---\na: 1\n", 1, 1, "not YAML");
	REFUSED("a: \x01\n", 1, 4, "not YAML: control characters");
	/* An anchor is gone with its document. */
	REFUSED("a: &x 1\n---\nb: *x\n", 3, 4, "no anchor");
}

static void test_bytes(void **state)
{
	(void)state;
	refused("a: \xff\n", 5, NULL, 1, 4, "not UTF-8");
	refused("a: 1\nb: \xc3\n", 10, NULL, 2, 4, "not UTF-8");
	refused("a\0b", 3, NULL, 1, 2, "binary");
	refused("\x7f"
		"ELF\0\xff",
	    6, NULL, 1, 5, "binary");
	refused("\xff\xfe"
		"a\0:\0",
	    6, NULL, 1, 1, "not UTF-8");
}

static void repeat(struct str *s, const char *text, size_t n)
{
	while (n--)
		str_add(s, text);
}

static void test_depth(void **state)
{
	(void)state;
	struct str s = str_new(1 << 20);
	repeat(&s, "[", 64);
	repeat(&s, "]", 64);
	yaml_file_free(parse(str_text(&s)));
	str_clear(&s);
	repeat(&s, "[", 100000);
	refused(s.data, s.len, NULL, 1, 65, "nested more than 64 levels deep");
	str_clear(&s);
	for (int i = 0; i < 100; i++)
		str_addf(&s, "%*sa:\n", i, "");
	refused(s.data, s.len, NULL, 65, 65, "nested more than 64 levels deep");
	str_free(&s);
}

static void test_sizes(void **state)
{
	(void)state;
	struct str s = str_new(64 << 20);
	repeat(&s, "- a\n", 200001);
	refused(s.data, s.len, NULL, 200000, 3, "more than 200000 values");
	str_clear(&s);
	repeat(&s, "# a comment that goes on\n", 450000);
	refused(s.data, s.len, NULL, 0, 0, "larger than 10 MB");
	struct yaml_options small = {.limits = {.nodes = 3}};
	refused("[1, 2, 3]", 9, &small, 1, 8, "more than 3 values");
	str_free(&s);
}

/* Nine anchors that name the one before ten times each: a thousand million values in a kilobyte. */
static void test_billion_laughs(void **state)
{
	(void)state;
	struct str s = str_new(1 << 16);
	str_add(&s, "a0: &a0 lol\n");
	for (int i = 1; i < 10; i++) {
		str_addf(&s, "a%d: &a%d [", i, i);
		for (int k = 0; k < 10; k++)
			str_addf(&s, "%s*a%d", k ? "," : "", i - 1);
		str_add(&s, "]\n");
	}
	struct err err = {0};
	assert_null(yaml_parse(s.data, s.len, "f.yaml", NULL, NULL, &err));
	assert_non_null(strstr(err.text, "aliases expand to more than 1000000 values"));
	str_clear(&s);
	/* The same through merges. */
	str_add(&s, "a: &a {");
	for (int i = 0; i < 900; i++)
		str_addf(&s, "k%d: [1,2,3,4,5,6,7,8,9],", i);
	str_add(&s, "}\nb:\n");
	repeat(&s, "  - {<<: *a}\n", 5000);
	assert_null(yaml_parse(s.data, s.len, "f.yaml", NULL, NULL, &err));
	assert_non_null(strstr(err.text, "aliases expand"));
	str_free(&s);
}

/* Text between the first '<' and '>' before the error is to be quoted. */
static bool quote_angles(const char *line, size_t len, size_t column, size_t *from, size_t *to)
{
	const char *open = memchr(line, '[', len);
	size_t end = column;
	if (!open || column >= len || line[column] != ':')
		return false;
	while (end < len && line[end] != ' ' && line[end] != ',')
		end++;
	*from = (size_t)(open - line);
	*to = end;
	return true;
}

static void test_quoting(void **state)
{
	(void)state;
	struct yaml_options opt = {.quote = quote_angles};
	const char *text = "é: {x: [a,b]:8, y: 1}\nz: [c]:9\n";
	struct err err = {0};
	struct yaml_file *f = yaml_parse(text, strlen(text), "f.yaml", &opt, NULL, &err);
	assert_non_null(f);
	const struct yaml_node *map = f->docs[0]->pairs[0].value, *y = yaml_get(map, "y");
	assert_string_equal(yaml_get(map, "x")->text, "[a,b]:8");
	assert_int_equal(yaml_get(map, "x")->column, 8);
	assert_int_equal(yaml_key(map, "y")->column, 17);
	assert_int_equal(y->column, 20);
	assert_string_equal(yaml_get(f->docs[0], "z")->text, "[c]:9");
	yaml_file_free(f);
	/* Errors behind it are where they are in the file. */
	refused("{x: [a]:8, y: 1, y: 2}", 22, &opt, 1, 18, "duplicate key 'y'");
	refused("x: [a]:8 ]\n", 11, &opt, 1, 10, "not YAML");
}

static void test_nodes(void **state)
{
	(void)state;
	struct arena *a = arena_create();
	struct yaml_node *map = yaml_new_map(a, "--x");
	yaml_put(a, map, "k", yaml_new_int(a, 5, NULL));
	yaml_put(a, map, "l", yaml_new_bool(a, true, NULL));
	yaml_put(a, map, "k", yaml_new_string(a, "five", NULL));
	assert_int_equal(map->n, 2);
	assert_string_equal(yaml_get(map, "k")->text, "five");
	struct yaml_node *copy = yaml_copy(a, map);
	yaml_put(a, copy, "k", NULL);
	assert_int_equal(copy->n, 1);
	assert_int_equal(map->n, 2);
	struct err err = {0};
	yaml_err(&err, NULL, "f", map, "wrong");
	assert_string_equal(err.text, "--x: wrong");
	char buf[128];
	struct yaml_node hidden = *yaml_new_string(a, "hunter2", NULL);
	hidden.hidden = true;
	assert_null(strstr(yaml_describe(&hidden, buf, sizeof buf), "hunter2"));
	arena_destroy(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_scalars),
	    cmocka_unit_test(test_python_collections),
	    cmocka_unit_test(test_positions),
	    cmocka_unit_test(test_documents),
	    cmocka_unit_test(test_sets),
	    cmocka_unit_test(test_merges),
	    cmocka_unit_test(test_tags),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_bytes),
	    cmocka_unit_test(test_depth),
	    cmocka_unit_test(test_sizes),
	    cmocka_unit_test(test_billion_laughs),
	    cmocka_unit_test(test_quoting),
	    cmocka_unit_test(test_nodes),
	};
	return cmocka_run_group_tests_name("tests/model/test_yaml", tests, NULL, NULL);
}
