/* `skytop recipes`: task files to start from. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "tui/cli/cli.h"
#include "tui/cli/table.h"
#include "tui/recipe.h"

static json_t *recipe_json(const struct recipe *r, bool with_text)
{
	json_t *j = json_object();
	json_put_str(j, "name", r->name);
	json_put_str(j, "title", r->title);
	json_put_str(j, "needs", r->needs);
	json_put_str(j, "path", r->path);
	json_put_bool(j, "own", r->own);
	if (with_text)
		json_put_str(j, "text", r->text);
	return j;
}

static int list(struct cli *c, const struct recipes *rs)
{
	if (cli_json(c)) {
		json_t *all = json_array();
		for (size_t i = 0; i < rs->n; i++)
			json_array_append_new(all, recipe_json(&rs->v[i], false));
		return cli_print_json(c, all);
	}
	if (cli_flag(c, "names")) {
		for (size_t i = 0; i < rs->n; i++)
			puts(rs->v[i].name);
		return 0;
	}
	struct table *t = table_create();
	table_column(t, "NAME", 0);
	table_column(t, "FROM", 0);
	table_column(t, "WHAT IT DOES", TABLE_SHRINK);
	table_column(t, "NEEDS", TABLE_SHRINK);
	for (size_t i = 0; i < rs->n; i++) {
		table_cell_tone(t, TONE_ACCENT, rs->v[i].name);
		table_cell(t, rs->v[i].own ? "you" : "skytop");
		table_cell(t, rs->v[i].title);
		table_cell(t, rs->v[i].needs);
	}
	return cli_print_table(c, t);
}

static int copy(struct cli *c, const struct recipe *r, const char *to)
{
	struct err err;
	char *path = fs_is_dir(to) ? xasprintf("%s/%s.yaml", to, r->name) : xstrdup(to);
	int rc;
	if (fs_exists(path))
		rc = err_set(&err, ERR_CONFLICT, "%s is there already; nothing was written", path);
	else
		rc = fs_write(path, r->text, strlen(r->text), 0644, &err);
	if (!rc && cli_json(c)) {
		json_t *j = recipe_json(r, false);
		json_put_str(j, "copied_to", path);
		cli_print_json(c, j);
	} else if (!rc) {
		cli_note(c, "copied to %s", path);
	}
	free(path);
	return rc ? cli_fail(c, &err) : 0;
}

static int unknown_recipe(struct cli *c, const struct recipes *rs, const char *name)
{
	struct err err;
	const char **names = xcalloc(rs->n, sizeof *names);
	for (size_t i = 0; i < rs->n; i++)
		names[i] = rs->v[i].name;
	const char *near = text_nearest(name, names, rs->n);
	if (near)
		err_set(&err, ERR_NOT_FOUND, "there is no recipe '%s'; did you mean '%s'?", name, near);
	else
		err_set(&err, ERR_NOT_FOUND, "there is no recipe '%s'; skytop recipes lists them", name);
	free(names);
	return cli_fail(c, &err);
}

static int one(struct cli *c, const struct recipes *rs, const char *name)
{
	const struct recipe *r = recipes_find(rs, name);
	const char *to = cli_value(c, "copy");
	if (!r)
		return unknown_recipe(c, rs, name);
	if (to)
		return copy(c, r, to);
	if (cli_json(c))
		return cli_print_json(c, recipe_json(r, true));
	fputs(cli_flag(c, "path") ? r->path : r->text, stdout);
	fputs(cli_flag(c, "path") ? "\n" : "", stdout);
	return 0;
}

static int run(struct cli *c)
{
	struct recipes rs = {0};
	struct err err;
	const char *name = cli_arg(c, 0);
	int rc;
	if (!name && (cli_value(c, "copy") || cli_flag(c, "path") || cli_flag(c, "show")))
		rc = cli_usage(c, "which recipe? skytop recipes lists them");
	else if (recipes_load(&rs, &err))
		rc = cli_fail(c, &err);
	else
		rc = name ? one(c, &rs, name) : list(c, &rs);
	recipes_free(&rs);
	return rc;
}

static const struct option_spec options[] = {
    CLI_FLAG(0, "show", "print the file (the default when a recipe is named)"),
    CLI_VALUE(0, "copy", "FILE", "write a copy there, to be changed; never over an existing file", .complete = COMPLETE_FILE),
    CLI_FLAG(0, "path", "print where the file is"),
    CLI_FLAG(0, "names", "print the names alone", .hidden = true),
    CLI_END,
};

const struct verb verb_recipes = {
    .name = "recipes",
    .group = GROUP_HELP,
    .summary = "List task files to start from, or show one.",
    .args = "[RECIPE]",
    .max_args = 1,
    .complete = COMPLETE_RECIPE,
    .options = options,
    .help = "A recipe is a complete task file:\n\n"
	    "  skytop recipes                              what there is\n"
	    "  skytop recipes train-cpu                    its text\n"
	    "  skytop recipes train-cpu --copy mine.yaml   a copy to change\n"
	    "  skytop launch \"$(skytop recipes hello --path)\"\n\n"
	    "Files named *.yaml in the folder recipes beside config.yaml are listed as well, and go before ours of the same name.",
    .run = run,
};
