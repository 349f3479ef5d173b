/* The tables of README.md from the verb table: `skytop help --markdown`, which `make readme` puts between the marks there. */
#include <stdio.h>
#include <string.h>

#include "tui/cli/cli.h"
#include "tui/cli/cli_priv.h"

/* A cell: | would end it. */
static void cell(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '|')
			putc('\\', out);
		putc(*text, out);
	}
}

/* Code in a cell. */
static void code(FILE *out, const char *before, const char *text)
{
	fprintf(out, "`%s", before);
	cell(out, text);
	putc('`', out);
}

static void verb(FILE *out, const struct verb *v)
{
	const char *p = v->name;
	fputs("| ", out);
	code(out, "skytop ", v->name);
	if (v->args) {
		putc(' ', out);
		code(out, "", v->args);
	}
	fputs(" | ", out);
	cell(out, v->summary);
	if (v->aliases)
		fputs(" Also called", out);
	for (size_t len, n = 0; (len = verb_next_name(v, &p)) > 0; n++)
		fprintf(out, "%s `%.*s`", n ? "," : "", (int)len, p);
	fputs(v->aliases ? ". |\n" : " |\n", out);
}

static void verbs(FILE *out)
{
	for (int g = 0; g < GROUPS; g++) {
		bool any = false;
		for (size_t i = 0; i < cli_n_verbs; i++) {
			if ((int)cli_verbs[i]->group != g || cli_verbs[i]->hidden)
				continue;
			if (!any)
				fprintf(out, "%s| %s | |\n|---|---|\n", g ? "\n" : "", verb_group_title((enum verb_group)g));
			any = true;
			verb(out, cli_verbs[i]);
		}
	}
}

static void pairs(FILE *out, const char *what, const struct cli_text *v, size_t n)
{
	fprintf(out, "| %s | |\n|---|---|\n", what);
	for (size_t i = 0; i < n; i++) {
		fputs("| ", out);
		code(out, "", v[i].name);
		fputs(" | ", out);
		cell(out, v[i].meaning);
		fputs(" |\n", out);
	}
}

void markdown_print(FILE *out)
{
	fputs("<!-- verbs -->\n", out);
	verbs(out);
	fputs("<!-- exit statuses -->\n| status | meaning |\n|---|---|\n", out);
	for (size_t i = 0; i < cli_n_exits; i++)
		fprintf(out, "| %d | %s |\n", cli_exits[i].status, cli_exits[i].meaning);
	fputs("<!-- files -->\n", out);
	pairs(out, "file or folder", cli_files, cli_n_files);
	fputs("<!-- environment -->\n", out);
	pairs(out, "variable", cli_environment, cli_n_environment);
	fputs("<!-- end -->\n", out);
}
