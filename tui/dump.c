/* What is in force, as the files that would say the same: a start for one's own, and a way to see what a file has become. */
#include "tui/tui.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/str.h"
#include "core/model/config.h"
#include "tui/keymap.h"

enum { TEXT_MAX = 256 << 10 };

/* Prints both and ends them. */
static int print(struct str *problems, struct str *text)
{
	fputs(str_text(problems), stderr);
	fputs(str_text(text), stdout);
	bool wrong = problems->len > 0;
	str_free(problems);
	str_free(text);
	return wrong || fflush(stdout) ? 1 : 0;
}

int tui_dump_keys(void)
{
	struct keymap *keys = keymap_create();
	struct str problems = str_new(64 << 10), text = str_new(256 << 10);
	keymap_load(keys, &problems);
	keymap_dump(keys, &text);
	keymap_destroy(keys);
	return print(&problems, &text);
}

static void add_value(struct str *out, const struct config *c, const struct config_key *k)
{
	const char *shown = config_shown(c, k->name);
	if (k->type == CONFIG_CLOUDS) {
		str_addf(out, " [%s]\n", shown);
		return;
	}
	if (k->type != CONFIG_TEXT && k->type != CONFIG_URL) {
		str_addf(out, " %s\n", shown);
		return;
	}
	json_t *text = json_string(shown);
	char *quoted = json_dumps(text, JSON_ENCODE_ANY); /* what JSON quotes YAML reads */
	str_addf(out, " %s\n", quoted ? quoted : "\"\"");
	free(quoted);
	json_decref(text);
}

int tui_dump_config(void)
{
	struct config *c = config_load(NULL);
	struct str problems = str_new(TEXT_MAX), text = str_new(TEXT_MAX);
	str_add(&text, "# The settings of skytop as they are in force; beside each where it comes from.\n");
	for (size_t i = 0; i < config_n_problems(c); i++)
		str_addf(&problems, "%s\n", config_problem(c, i));
	for (size_t i = 0, section = 0; i < config_n_keys; i++) {
		const struct config_key *k = &config_keys[i];
		const char *dot = strchr(k->name, '.'), *indent = dot ? "  " : "";
		size_t len = dot ? (size_t)(dot - k->name) : 0;
		if (len && (len != section || strncmp(k->name, config_keys[i - 1].name, len + 1) != 0))
			str_addf(&text, "%.*s:\n", (int)len, k->name);
		section = len;
		str_addf(&text, "%s# %s (%s)\n%s%s:", indent, k->help, config_source(c, k->name), indent, dot ? dot + 1 : k->name);
		add_value(&text, c, k);
	}
	config_destroy(c);
	return print(&problems, &text);
}
