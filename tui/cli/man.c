/* skytop.1 from the verb table: `skytop help --man`, run by make. Only plain man macros, so that groff and mandoc both
 * render it. Whatever comes from the tables is escaped; what is written here is roff. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "core/base/str.h"
#include "tui/cli/cli.h"
#include "tui/cli/cli_priv.h"

/* Text as roff takes it: backslashes, hyphens that are minus signs, what is beyond ASCII, and lines that would be requests. */
static void esc_n(FILE *out, const char *text, size_t len)
{
	bool line_start = true;
	for (size_t i = 0, n; i < len; i += n) {
		char c = text[i];
		unsigned cp = 0;
		n = utf8_decode(text + i, len - i, &cp);
		if (line_start && (c == '.' || c == '\''))
			fputs("\\&", out);
		if (c == '\\')
			fputs("\\e", out);
		else if (c == '-')
			fputs("\\-", out);
		else if (c == '~')
			fputs("\\(ti", out);
		else if (cp > 127)
			fprintf(out, "\\[u%04X]", cp);
		else
			putc(c, out);
		line_start = c == '\n';
	}
}

static void esc(FILE *out, const char *text)
{
	esc_n(out, text, strlen(text));
}

static void option(FILE *out, const struct option_spec *s)
{
	fputs(".TP\n", out);
	if (s->short_name) {
		char letter[3] = {'-', s->short_name, '\0'};
		fputs("\\fB", out);
		esc(out, letter);
		fputs("\\fR, ", out);
	}
	fputs("\\fB", out);
	esc(out, s->negatable ? "--[no-]" : "--");
	esc(out, s->name);
	fputs("\\fR", out);
	if (s->value) {
		fputs(" \\fI", out);
		esc(out, s->value);
		fputs("\\fR", out);
	}
	putc('\n', out);
	esc(out, s->help);
	fputs(s->repeatable ? "; may be repeated\n" : "\n", out);
}

static void options(FILE *out, const struct option_spec *v)
{
	for (; v && v->name; v++)
		if (!v->hidden)
			option(out, v);
}

/* Paragraphs become .PP, runs of lines that start with a blank are shown as they are. */
static void long_text(FILE *out, const char *text)
{
	bool verbatim = false;
	fputs(".PP\n", out);
	while (*text) {
		size_t n = strcspn(text, "\n");
		bool kept = *text == ' ';
		if (kept != verbatim && n)
			fputs(kept ? ".nf\n" : ".fi\n", out);
		if (n)
			verbatim = kept;
		if (!n)
			fputs(verbatim ? ".fi\n.PP\n" : ".PP\n", out);
		verbatim = n ? verbatim : false;
		esc_n(out, text, n);
		if (n)
			putc('\n', out);
		text += n;
		text += *text == '\n';
	}
	if (verbatim)
		fputs(".fi\n", out);
}

static void verb(FILE *out, const struct verb *v)
{
	fputs(".SS \"skytop ", out);
	esc(out, v->name);
	if (v->args) {
		putc(' ', out);
		esc(out, v->args);
	}
	fputs("\"\n", out);
	esc(out, v->summary);
	putc('\n', out);
	if (v->help)
		long_text(out, v->help);
	if (v->aliases) {
		fputs(".PP\nAlso called ", out);
		esc(out, v->aliases);
		fputs(".\n", out);
	}
	options(out, v->options);
}

static void verbs(FILE *out)
{
	for (int g = 0; g < GROUPS; g++) {
		bool any = false;
		for (size_t i = 0; i < cli_n_verbs; i++) {
			if ((int)cli_verbs[i]->group != g || cli_verbs[i]->hidden)
				continue;
			if (!any)
				fprintf(out, ".SH \"%s\"\n", verb_group_title((enum verb_group)g));
			any = true;
			verb(out, cli_verbs[i]);
		}
	}
}

static void pairs(FILE *out, const char *title, const struct cli_text *v, size_t n)
{
	fprintf(out, ".SH %s\n", title);
	for (size_t i = 0; i < n; i++) {
		fputs(".TP\n\\fB", out);
		esc(out, v[i].name);
		fputs("\\fR\n", out);
		esc(out, v[i].meaning);
		putc('\n', out);
	}
}

static void screen_keys(FILE *out, const struct program *program)
{
	struct cli_key k;
	const char *where = NULL;
	if (!program->screen_key)
		return;
	fputs(".SH \"KEYS OF THE SCREEN\"\n", out);
	for (size_t i = 0; program->screen_key(i, &k); i++) {
		if (!where || strcmp(where, k.where)) {
			fputs(".SS \"", out);
			esc(out, k.where);
			fputs("\"\n", out);
		}
		where = k.where;
		fputs(".TP\n\\fB", out);
		esc(out, k.keys);
		fputs("\\fR\n", out);
		esc(out, k.title);
		fputs(". ", out);
		esc(out, k.help);
		putc('\n', out);
	}
}

void man_print(FILE *out, const struct program *program)
{
	fputs(".\\\" Made from the verb table by `skytop help --man`.\n"
	      ".TH SKYTOP 1 \"\" \"" PACKAGE_STRING "\" \"User Commands\"\n"
	      ".SH NAME\n"
	      "skytop \\- find GPUs over many clouds, run jobs on them, see what they cost\n"
	      ".SH SYNOPSIS\n"
	      ".B skytop\n.br\n"
	      ".B skytop\n\\fIVERB\\fR [\\fIOPTIONS\\fR] [\\fIARGUMENTS\\fR]\n"
	      ".SH DESCRIPTION\n"
	      "Without a verb\n.B skytop\nopens its screen. With a verb it does one thing and ends.\n"
	      ".PP\n"
	      "Task files are SkyPilot's, unchanged. Clusters and jobs are looked after by an engine, a process of the same "
	      "program that the first command starts and that outlives the terminal: Ctrl\\-C ends the wait of a command, "
	      "never the work.\n"
	      ".PP\n"
	      "Options may stand anywhere after the verb; \\fB\\-\\-\\fR ends them. These stand on every verb:\n",
	    out);
	options(out, cli_globals);
	verbs(out);
	screen_keys(out, program);
	fputs(".SH \"EXIT STATUS\"\n", out);
	for (size_t i = 0; i < cli_n_exits; i++) {
		fprintf(out, ".TP\n\\fB%d\\fR\n", cli_exits[i].status);
		esc(out, cli_exits[i].meaning);
		putc('\n', out);
	}
	pairs(out, "ENVIRONMENT", cli_environment, cli_n_environment);
	pairs(out, "FILES", cli_files, cli_n_files);
}
