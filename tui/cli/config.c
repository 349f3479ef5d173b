/* `skytop config`: the settings, where each comes from, and changing one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/model/config.h"
#include "tui/cli/cli.h"
#include "tui/cli/table.h"

static void tell_problems(const struct cli *c, const struct config *cfg)
{
	for (size_t i = 0; i < config_n_problems(cfg); i++)
		cli_note(c, "warning: %s", config_problem(cfg, i));
}

/* Where it is from, without the path that would be the same in every row. */
static const char *short_source(const struct config *cfg, const char *name)
{
	return path_base(config_source(cfg, name));
}

static json_t *setting_json(const struct config *cfg, const struct config_key *k)
{
	json_t *j = json_object();
	json_put_str(j, "name", k->name);
	json_put_str(j, "value", config_shown(cfg, k->name));
	json_put_str(j, "default", k->dflt);
	json_put_str(j, "source", config_source(cfg, k->name));
	json_put_str(j, "help", k->help);
	return j;
}

static int list_json(struct cli *c, const struct config *cfg)
{
	json_t *j = json_object(), *list = json_array(), *problems = json_array();
	for (size_t i = 0; i < config_n_keys; i++)
		json_array_append_new(list, setting_json(cfg, &config_keys[i]));
	for (size_t i = 0; i < config_n_problems(cfg); i++)
		json_array_append_new(problems, json_foreign(config_problem(cfg, i)));
	json_object_set_new(j, "settings", list);
	json_object_set_new(j, "problems", problems);
	return cli_print_json(c, j);
}

static int run_list(struct cli *c)
{
	struct config *cfg = config_load(NULL);
	int rc;
	if (cli_json(c)) {
		rc = list_json(c, cfg);
	} else {
		struct table *t = table_create();
		table_column(t, "SETTING", 0);
		table_column(t, "VALUE", TABLE_SHRINK);
		table_column(t, "FROM", 0);
		table_column(t, "MEANING", TABLE_SHRINK);
		for (size_t i = 0; i < config_n_keys; i++) {
			const char *value = config_shown(cfg, config_keys[i].name);
			table_cell(t, config_keys[i].name);
			table_cell(t, *value ? value : "-");
			table_cell(t, short_source(cfg, config_keys[i].name));
			table_cell(t, config_keys[i].help);
		}
		rc = cli_print_table(c, t);
	}
	tell_problems(c, cfg);
	config_destroy(cfg);
	return rc;
}

/* Fails for a name that is none, with the nearest one. */
static const struct config_key *key_of(const char *name, struct err *err)
{
	const struct config_key *k = config_key_find(name);
	if (!k)
		config_check(name, "", err);
	return k;
}

static int run_get(struct cli *c)
{
	struct err err = {0};
	const struct config_key *k = key_of(cli_arg(c, 0), &err);
	if (!k)
		return cli_fail(c, &err);
	struct config *cfg = config_load(NULL);
	if (cli_json(c))
		cli_print_json(c, setting_json(cfg, k));
	else
		printf("%s\n", config_shown(cfg, k->name));
	tell_problems(c, cfg);
	config_destroy(cfg);
	return 0;
}

static int change(struct cli *c, const char *value)
{
	struct err err = {0};
	const struct config_key *k = key_of(cli_arg(c, 0), &err);
	if (!k || config_set(NULL, k->name, value, &err))
		return cli_fail(c, &err);
	struct config *cfg = config_load(NULL);
	if (cli_json(c))
		cli_print_json(c, setting_json(cfg, k));
	else
		printf("%s: %s (%s)\n", k->name, config_shown(cfg, k->name), config_source(cfg, k->name));
	config_destroy(cfg);
	return 0;
}

static int run_set(struct cli *c)
{
	return change(c, cli_arg(c, 1));
}

static int run_unset(struct cli *c)
{
	return change(c, NULL);
}

static int run_path(struct cli *c)
{
	char *path = home_path(HOME_CONFIG, "config.yaml");
	if (cli_json(c)) {
		json_t *j = json_object();
		json_put_str(j, "path", path);
		json_put_bool(j, "exists", fs_exists(path));
		cli_print_json(c, j);
	} else {
		printf("%s\n", path);
	}
	free(path);
	return 0;
}

const struct verb verb_config = {
    .name = "config",
    .aliases = "config list",
    .group = GROUP_HELP,
    .summary = "Show every setting, its value and where it is from.",
    .help =
	"Settings are kept in config.yaml in the config folder, as a map: the setting catalog.url stands as url under "
	"catalog. What is wrong there is reported with its line, and the default is used.",
    .run = run_list,
};

const struct verb verb_config_get = {
    .name = "config get",
    .group = GROUP_HELP,
    .summary = "Print the value of one setting.",
    .args = "SETTING",
    .min_args = 1,
    .max_args = 1,
    .run = run_get,
};

const struct verb verb_config_set = {
    .name = "config set",
    .group = GROUP_HELP,
    .summary = "Change one setting in the config file.",
    .args = "SETTING VALUE",
    .min_args = 2,
    .max_args = 2,
    .help = "The file is made when it is not there. Otherwise only this setting changes in it: comments and order "
	    "stay. A list "
	    "is written with commas: skytop config set clouds aws,gcp",
    .run = run_set,
};

const struct verb verb_config_unset = {
    .name = "config unset",
    .group = GROUP_HELP,
    .summary = "Take one setting out of the config file, so that its default holds.",
    .args = "SETTING",
    .min_args = 1,
    .max_args = 1,
    .run = run_unset,
};

const struct verb verb_config_path = {
    .name = "config path",
    .group = GROUP_HELP,
    .summary = "Print where the config file is.",
    .run = run_path,
};
