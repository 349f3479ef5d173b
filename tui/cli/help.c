/* `skytop help` and --help: the verb table as text for a terminal of eighty columns. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/width.h"
#include "tui/cli/cli.h"
#include "tui/cli/cli_priv.h"

enum { LINE = 80, OPTION_COLUMN = 28 };

/* Words of text[0..len) from column `at` on, broken before LINE, continued at `indent`. Ends with a newline. */
static void wrap(FILE *out, const char *text, size_t len, size_t at, size_t indent)
{
	bool fresh = true;
	for (size_t i = 0; i < len;) {
		i += strspn(text + i, " \n");
		if (i >= len)
			break;
		size_t n = strcspn(text + i, " \n"), w;
		if (n > len - i)
			n = len - i;
		w = text_width(text + i, n);
		if (!fresh && at + 1 + w > LINE) {
			fprintf(out, "\n%*s", (int)indent, "");
			at = indent;
			fresh = true;
		}
		fprintf(out, "%s%.*s", fresh ? "" : " ", (int)n, text + i);
		at += w + !fresh;
		fresh = false;
		i += n;
	}
	putc('\n', out);
}

/* Paragraphs are wrapped; lines that start with a blank are kept. */
static void print_long(FILE *out, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");
		if (!n || *text == ' ') {
			fprintf(out, "%.*s\n", (int)n, text);
		} else {
			while (text[n] && text[n + 1] && text[n + 1] != '\n' && text[n + 1] != ' ')
				n += 1 + strcspn(text + n + 1, "\n");
			wrap(out, text, n, 0, 0);
		}
		text += n;
		text += *text == '\n';
	}
}

/* "  -c, --[no-]cluster NAME" */
static void print_option(FILE *out, const struct option_spec *s)
{
	struct str left = str_new(256);
	str_addf(&left, s->short_name ? "  -%c, " : "      ", s->short_name);
	str_addf(&left, "--%s%s%s%s", s->negatable ? "[no-]" : "", s->name, s->value ? " " : "", s->value ? s->value : "");
	size_t w = text_width(str_text(&left), left.len);
	fputs(str_text(&left), out);
	if (w + 2 > OPTION_COLUMN)
		fprintf(out, "\n%*s", OPTION_COLUMN, "");
	else
		fprintf(out, "%*s", (int)(OPTION_COLUMN - w), "");
	str_free(&left);
	const char *more = s->repeatable ? "; may be repeated" : "";
	struct str help = str_new(1024);
	str_addf(&help, "%s%s", s->help, more);
	wrap(out, str_text(&help), help.len, OPTION_COLUMN, OPTION_COLUMN);
	str_free(&help);
}

static void print_options(FILE *out, const char *title, const struct option_spec *v)
{
	bool any = false;
	for (; v && v->name; v++) {
		if (v->hidden)
			continue;
		if (!any)
			fprintf(out, "\n%s:\n", title);
		any = true;
		print_option(out, v);
	}
}

void help_usage(FILE *out, const struct verb *v)
{
	fprintf(out, "usage: skytop %s [OPTIONS]%s%s\n", v->name, v->args ? " " : "", v->args ? v->args : "");
}

void help_verb(FILE *out, const struct verb *v)
{
	help_usage(out, v);
	putc('\n', out);
	wrap(out, v->summary, strlen(v->summary), 0, 0);
	if (v->help) {
		putc('\n', out);
		print_long(out, v->help);
	}
	print_options(out, "Options", v->options);
	print_options(out, "Options of every verb", cli_globals);
	if (v->aliases)
		fprintf(out, "\nAlso called: %s\n", v->aliases);
}

/* Where summaries begin: after the longest name. */
static size_t summary_column(void)
{
	size_t longest = 0;
	for (size_t i = 0; i < cli_n_verbs; i++)
		if (!cli_verbs[i]->hidden && strlen(cli_verbs[i]->name) > longest)
			longest = strlen(cli_verbs[i]->name);
	return longest + 4;
}

static void print_group(FILE *out, enum verb_group g)
{
	bool any = false;
	size_t column = summary_column();
	for (size_t i = 0; i < cli_n_verbs; i++) {
		const struct verb *v = cli_verbs[i];
		if (v->group != g || v->hidden)
			continue;
		if (!any)
			fprintf(out, "\n%s:\n", verb_group_title(g));
		any = true;
		fprintf(out, "  %-*s", (int)column - 2, v->name);
		wrap(out, v->summary, strlen(v->summary), column, column);
	}
}

void help_overview(FILE *out)
{
	fputs("usage: skytop                        open the screen\n"
	      "       skytop VERB [OPTIONS] [ARGS]  do one thing\n",
	    out);
	for (int g = 0; g < GROUPS; g++)
		print_group(out, (enum verb_group)g);
	print_options(out, "Options of every verb", cli_globals);
	fputs("\nExit statuses:\n", out);
	for (size_t i = 0; i < cli_n_exits; i++)
		fprintf(out, "  %3d  %s\n", cli_exits[i].status, cli_exits[i].meaning);
	fputs("\nskytop help VERB, or skytop VERB --help, tells more.\n", out);
}

static json_t *option_json(const struct option_spec *s)
{
	char letter[2] = {s->short_name, '\0'};
	json_t *j = json_object();
	json_object_set_new(j, "name", json_string(s->name));
	json_object_set_new(j, "short", s->short_name ? json_string(letter) : json_null());
	json_object_set_new(j, "value", s->value ? json_string(s->value) : json_null());
	json_object_set_new(j, "help", json_string(s->help));
	json_object_set_new(j, "repeatable", json_boolean(s->repeatable));
	json_object_set_new(j, "negatable", json_boolean(s->negatable));
	return j;
}

static json_t *options_json(const struct option_spec *v)
{
	json_t *list = json_array();
	for (; v && v->name; v++)
		if (!v->hidden)
			json_array_append_new(list, option_json(v));
	return list;
}

static json_t *verb_json(const struct verb *v)
{
	json_t *j = json_object();
	json_object_set_new(j, "name", json_string(v->name));
	json_object_set_new(j, "aliases", v->aliases ? json_string(v->aliases) : json_null());
	json_object_set_new(j, "group", json_string(verb_group_title(v->group)));
	json_object_set_new(j, "summary", json_string(v->summary));
	json_object_set_new(j, "args", v->args ? json_string(v->args) : json_null());
	json_object_set_new(j, "options", options_json(v->options));
	return j;
}

static json_t *overview_json(void)
{
	json_t *j = json_object(), *verbs = json_array(), *exits = json_object();
	for (size_t i = 0; i < cli_n_verbs; i++)
		if (!cli_verbs[i]->hidden)
			json_array_append_new(verbs, verb_json(cli_verbs[i]));
	for (size_t i = 0; i < cli_n_exits; i++) {
		char status[16];
		snprintf(status, sizeof status, "%d", cli_exits[i].status);
		json_object_set_new(exits, status, json_string(cli_exits[i].meaning));
	}
	json_object_set_new(j, "verbs", verbs);
	json_object_set_new(j, "options", options_json(cli_globals));
	json_object_set_new(j, "exit_statuses", exits);
	return j;
}

static int run_help(struct cli *c)
{
	if (cli_flag(c, "man")) {
		man_print(stdout, cli_program(c));
		return 0;
	}
	if (cli_flag(c, "markdown")) {
		markdown_print(stdout);
		return 0;
	}
	if (!cli_n_args(c)) {
		if (cli_json(c))
			return cli_print_json(c, overview_json());
		help_overview(stdout);
		return 0;
	}
	size_t used = 0;
	const struct verb *v = verb_find(cli_args(c), cli_n_args(c), &used);
	if (v && used == cli_n_args(c)) {
		if (cli_json(c))
			return cli_print_json(c, verb_json(v));
		help_verb(stdout, v);
		return 0;
	}
	const char *near = verb_nearest(c->arena, cli_args(c), cli_n_args(c)), *first = cli_arg(c, 0);
	const char *seconds = verb_seconds(c->arena, first);
	if (seconds)
		return cli_usage(c, "'%s' is followed by one of: %s", first, seconds);
	if (near)
		return cli_usage(c, "there is no '%s'; did you mean '%s'?", first, near);
	return cli_usage(c, "there is no '%s'; skytop help lists what there is", first);
}

static const struct option_spec help_options[] = {
    CLI_FLAG(0, "man", "print the man page", .hidden = true),
    CLI_FLAG(0, "markdown", "print the tables of the README", .hidden = true),
    CLI_END,
};

const struct verb verb_help = {
    .name = "help",
    .group = GROUP_HELP,
    .summary = "Say what there is, or how one verb is used.",
    .args = "[VERB]",
    .max_args = 3,
    .complete = COMPLETE_VERB,
    .options = help_options,
    .run = run_help,
};

static int run_version(struct cli *c)
{
	if (!cli_json(c)) {
		puts(PACKAGE_STRING);
		return 0;
	}
	json_t *j = json_object();
	json_object_set_new(j, "name", json_string(PACKAGE_NAME));
	json_object_set_new(j, "version", json_string(PACKAGE_VERSION));
	return cli_print_json(c, j);
}

const struct verb verb_version = {
    .name = "version",
    .group = GROUP_HELP,
    .summary = "Print the version.",
    .run = run_version,
};
