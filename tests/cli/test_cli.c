/* The frame of the command line with verbs of its own: parsing, look-ups, tables. The program's verb table is not linked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/width.h"
#include "tui/cli/cli.h"
#include "tui/cli/cli_priv.h"
#include "tui/cli/table.h"

/* What the verb saw, as one line. */
static char seen[1000];

static int show(struct cli *c)
{
	struct err err;
	int64_t nodes = 1;
	size_t n = 0;
	if (cli_int(c, "num-nodes", 1, 100, &nodes, &err))
		return cli_fail(c, &err);
	n += (size_t)snprintf(seen + n, sizeof seen - n, "all=%d spot=%d nodes=%lld", cli_flag(c, "all"),
	    cli_tristate(c, "use-spot"), (long long)nodes);
	n += (size_t)snprintf(seen + n, sizeof seen - n, " cluster=%s env=", cli_value(c, "cluster") ? cli_value(c, "cluster") : "-");
	for (const char *const *v = cli_values(c, "env"); *v; v++)
		n += (size_t)snprintf(seen + n, sizeof seen - n, "[%s]", *v);
	n += (size_t)snprintf(seen + n, sizeof seen - n, " args=");
	for (const char *const *v = cli_args(c); *v; v++)
		n += (size_t)snprintf(seen + n, sizeof seen - n, "[%s]", *v);
	snprintf(seen + n, sizeof seen - n, " json=%d trace=%s", cli_json(c), cli_trace(c) ? cli_trace(c) : "-");
	return 0;
}

static int ask(struct cli *c)
{
	return cli_confirm(c, "Tear down %s?", cli_arg(c, 0));
}

static const struct option_spec show_options[] = {
    CLI_FLAG('a', "all", "all"),
    CLI_FLAG(0, "use-spot", "spot", .negatable = true),
    CLI_FLAG('x', "secret-thing", "hidden", .hidden = true),
    CLI_VALUE('c', "cluster", "NAME", "name", .complete = COMPLETE_CLUSTER),
    CLI_VALUE('n', "num-nodes", "N", "how many"),
    CLI_VALUE('e', "env", "K=V", "env", .repeatable = true),
    CLI_VALUE(0, "tier", "low|medium|high", "tier"),
    CLI_END,
};
static const struct option_spec ask_options[] = {CLI_YES, CLI_END};

static const struct verb verb_show = {.name = "show", .aliases = "gpus list, display", .summary = "Show.", .args = "[X...]",
    .max_args = -1, .options = show_options, .takes_command = true, .run = show};
static const struct verb verb_import = {.name = "catalog import", .summary = "Import.", .args = "DIR [TO]", .min_args = 1,
    .max_args = 2, .options = show_options, .run = show};
static const struct verb verb_update = {.name = "catalog update", .summary = "Update.", .options = show_options, .run = show};
static const struct verb verb_ask = {.name = "down", .summary = "Ask.", .args = "CLUSTER", .min_args = 1, .max_args = 1,
    .options = ask_options, .run = ask};
static const struct verb verb_secret = {.name = "secret", .hidden = true, .summary = "Hidden.", .run = show};

const struct verb *const cli_verbs[] = {&verb_show, &verb_import, &verb_update, &verb_ask, &verb_secret};
const size_t cli_n_verbs = ARRAY_LEN(cli_verbs);

static int opened;

static int screen(struct cli *c)
{
	opened++;
	return cli_trace(c) ? 7 : 0;
}

static const struct program program = {.screen = screen};

/* Run a command line of words without blanks, except that _ stands for one and ~ for nothing at all. */
static int run(const char *line)
{
	char *copy = xstrdup(line), *argv[40] = {0};
	int argc = 0;
	for (char *p = copy; *p;) {
		size_t n = strcspn(p, " ");
		char *next = p + n + (p[n] == ' ');
		p[n] = '\0';
		for (char *q = p; *q; q++)
			if (*q == '_')
				*q = ' ';
		argv[argc++] = !strcmp(p, "~") ? p + 1 : p;
		p = next;
	}
	seen[0] = '\0';
	int rc = cli_main(argc, argv, &program);
	free(copy);
	return rc;
}

#define SEES(line, what)                                                                                               \
	do {                                                                                                           \
		assert_int_equal(run(line), 0);                                                                        \
		assert_string_equal(seen, what);                                                                       \
	} while (0)
#define REFUSES(line)                                                                                                  \
	do {                                                                                                           \
		assert_int_equal(run(line), CLI_USAGE);                                                                \
		assert_string_equal(seen, "");                                                                         \
	} while (0)

static void test_options(void **state)
{
	(void)state;
	SEES("skytop show", "all=0 spot=0 nodes=1 cluster=- env= args= json=0 trace=-");
	SEES("skytop show -a", "all=1 spot=0 nodes=1 cluster=- env= args= json=0 trace=-");
	SEES("skytop show x -ac n1 y", "all=1 spot=0 nodes=1 cluster=n1 env= args=[x][y] json=0 trace=-");
	SEES("skytop show -acn1 --num-nodes=4", "all=1 spot=0 nodes=4 cluster=n1 env= args= json=0 trace=-");
	SEES("skytop show --cluster one --cluster=two", "all=0 spot=0 nodes=1 cluster=two env= args= json=0 trace=-");
	SEES("skytop show --cluster= ~", "all=0 spot=0 nodes=1 cluster= env= args=[] json=0 trace=-");
	SEES("skytop show --use-spot", "all=0 spot=1 nodes=1 cluster=- env= args= json=0 trace=-");
	SEES("skytop show --use-spot --no-use-spot", "all=0 spot=-1 nodes=1 cluster=- env= args= json=0 trace=-");
	SEES("skytop show -e A=1 --env B=2 -eC=3", "all=0 spot=0 nodes=1 cluster=- env=[A=1][B=2][C=3] args= json=0 trace=-");
	SEES("skytop show -e --all", "all=0 spot=0 nodes=1 cluster=- env=[--all] args= json=0 trace=-"); /* a value may start so */
	SEES("skytop show -- -a --json", "all=0 spot=0 nodes=1 cluster=- env= args=[-a][--json] json=0 trace=-");
	SEES("skytop show -", "all=0 spot=0 nodes=1 cluster=- env= args=[-] json=0 trace=-");
	SEES("skytop --trace /dev/null --json show -x", "all=0 spot=0 nodes=1 cluster=- env= args= json=1 trace=/dev/null");
	SEES("skytop show --tier medium -o json", "all=0 spot=0 nodes=1 cluster=- env= args= json=1 trace=-");
	SEES("skytop show -o table", "all=0 spot=0 nodes=1 cluster=- env= args= json=0 trace=-");
}

static void test_refusals(void **state)
{
	(void)state;
	REFUSES("skytop show --al");
	REFUSES("skytop show --all=1");
	REFUSES("skytop show --no-all");
	REFUSES("skytop show --no-use-spot=1");
	REFUSES("skytop show --cluster");
	REFUSES("skytop show -ac");
	REFUSES("skytop show -z");
	REFUSES("skytop show -a-");
	REFUSES("skytop show --tier mediu");
	REFUSES("skytop show --tier low|medium");
	REFUSES("skytop show --tier ~");
	REFUSES("skytop show --=x");
	REFUSES("skytop show --num-nodes 0");
	REFUSES("skytop show --num-nodes 1e3");
	REFUSES("skytop show --num-nodes 99999999999999999999");
	REFUSES("skytop sho");
	REFUSES("skytop ~");
	REFUSES("skytop catalog import");
	REFUSES("skytop catalog import a b c");
	REFUSES("skytop catalog update x");
}

static void test_words(void **state)
{
	(void)state;
	SEES("skytop gpus list A", "all=0 spot=0 nodes=1 cluster=- env= args=[A] json=0 trace=-");
	SEES("skytop display", "all=0 spot=0 nodes=1 cluster=- env= args= json=0 trace=-");
	SEES("skytop catalog import dir", "all=0 spot=0 nodes=1 cluster=- env= args=[dir] json=0 trace=-");
	REFUSES("skytop catalog");
	REFUSES("skytop catalog frobnicate");
	REFUSES("skytop gpus");
	REFUSES("skytop import");
	struct arena *a = arena_create();
	const char *const two[] = {"catalog", "imprt"}, *const one[] = {"dwon"}, *const none[] = {"zzz"}, *const hid[] = {"secrte"};
	assert_string_equal(verb_nearest(a, two, 2), "catalog import");
	assert_string_equal(verb_nearest(a, one, 1), "down");
	assert_null(verb_nearest(a, none, 1));
	assert_null(verb_nearest(a, hid, 1));
	assert_string_equal(verb_seconds(a, "catalog"), "import, update");
	assert_string_equal(verb_seconds(a, "gpus"), "list");
	assert_null(verb_seconds(a, "show"));
	size_t used = 0;
	const char *const list[] = {"gpus", "list", "x"};
	assert_ptr_equal(verb_find(list, 3, &used), &verb_show);
	assert_int_equal(used, 2);
	arena_destroy(a);
}

static void test_confirm(void **state)
{
	(void)state;
	/* No terminal to ask on: refused, unless told beforehand. */
	assert_int_equal(run("skytop down c"), CLI_USAGE);
	assert_int_equal(run("skytop down c -y"), 0);
	assert_int_equal(run("skytop down --yes c"), 0);
	assert_int_equal(run("skytop"), CLI_USAGE); /* nor one for the screen */
	assert_int_equal(opened, 0);
}

static char *printed(struct table *t, int width, bool color, bool utf8)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	struct table_style style = {width, color, utf8};
	if (width < 0)
		table_print_csv(t, f);
	else
		table_print(t, f, &style);
	fclose(f);
	return text;
}

static void expect(struct table *t, int width, bool color, bool utf8, const char *what)
{
	char *text = printed(t, width, color, utf8);
	assert_string_equal(text, what);
	free(text);
}

static void test_table(void **state)
{
	(void)state;
	struct table *t = table_create();
	table_column(t, "NAME", TABLE_SHRINK);
	table_column(t, "COST PER HOUR", TABLE_RIGHT);
	table_column(t, "STATUS", 0);
	expect(t, 0, false, true, "NAME  COST PER HOUR  STATUS\n");
	table_cell(t, "a-rather-long-name");
	table_cellf(t, "%.2f", 1.5);
	table_cell_tone(t, TONE_GOOD, "UP");
	table_cell(t, "\xe6\xbc\xa2\xe5\xad\x97"); /* two characters, four columns */
	table_cell(t, NULL);
	table_cell(t, "with,comma \"and\"\x1b[31m");
	assert_int_equal(table_rows(t), 2);
	expect(t, 0, false, true,
	    "NAME                COST PER HOUR  STATUS\n"
	    "a-rather-long-name           1.50  UP\n"
	    "\xe6\xbc\xa2\xe5\xad\x97                               with,comma \"and\"?[31m\n");
	expect(t, 34, false, true,
	    "NAME      COST PER HOUR  STATUS\n"
	    "a-rathe\xe2\x80\xa6           1.50  UP\n"
	    "\xe6\xbc\xa2\xe5\xad\x97                     with,com\xe2\x80\xa6\n");
	expect(t, 9, false, false, "NAME\na-rathe~\n\xe6\xbc\xa2\xe5\xad\x97\n");
	char *text = printed(t, 0, true, true);
	assert_non_null(strstr(text, "\x1b[1mNAME\x1b[0m"));
	assert_non_null(strstr(text, "\x1b[32mUP\x1b[0m\n"));
	free(text);
	expect(t, -1, false, false,
	    "name,cost_per_hour,status\na-rather-long-name,1.50,UP\n"
	    "\xe6\xbc\xa2\xe5\xad\x97,,\"with,comma \"\"and\"\"?[31m\"\n");
	table_destroy(t);
	table_destroy(NULL);
}

static void test_width(void **state)
{
	(void)state;
	size_t used;
	assert_int_equal(text_width("abc", 3), 3);
	assert_int_equal(text_width("e\xcc\x81", 3), 1);		  /* a combining accent */
	assert_int_equal(text_width("\xf0\x9f\x98\x80", 4), 2);	  /* an emoji */
	assert_int_equal(text_width("\xe2\x82\xac\xe2\x80\xa6", 6), 2); /* euro, ellipsis */
	assert_int_equal(text_width("\xff", 1), 1);
	assert_int_equal(text_fit("\xe6\xbc\xa2\xe5\xad\x97", 6, 3, &used), 3);
	assert_int_equal(used, 2);
	assert_int_equal(text_fit("e\xcc\x81x", 4, 1, &used), 3); /* the accent stays with its letter */
	assert_int_equal(text_fit("abc", 3, 0, &used), 0);
}

int main(void)
{
	/* What the frame prints goes nowhere, but through the same calls. Nothing to ask on, whoever runs this. */
	assert_non_null(freopen("/dev/null", "r", stdin));
	assert_non_null(freopen("/dev/null", "w", stderr));
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_options), cmocka_unit_test(test_refusals), cmocka_unit_test(test_words),
	    cmocka_unit_test(test_confirm), cmocka_unit_test(test_table),    cmocka_unit_test(test_width),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
