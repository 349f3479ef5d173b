/* The program: the one file that joins screen, verbs, core and providers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/api/client.h"
#include "core/base/fs.h"
#include "core/provider.h"
#include "tui/cli/cli.h"
#include "tui/engine_source.h"
#include "tui/keys.h"
#include "tui/tui.h"

static struct ui_source *open_source(struct loop *l, void *arg)
{
	return engine_source_create(l, arg);
}

static int open_screen(struct cli *c)
{
	char *self = client_self();
	struct ui_options o = {
	    .source_open = open_source,
	    .arg = self,
	    .self = self,
	    .view = cli_arg(c, 0),
	    .filter = cli_value(c, "filter"),
	    .theme = cli_value(c, "theme"),
	    .color = cli_flag(c, "no-color") ? UI_COLOR_NEVER : UI_COLOR_AUTO,
	    .read_only = cli_flag(c, "read-only"),
	    .once = cli_flag(c, "once"),
	    .plain = cli_flag(c, "plain"),
	    .simulated = cli_verb(c) && !strcmp(cli_verb(c)->name, "demo"),
	};
	if (cli_flag(c, "dump-keys") || cli_flag(c, "dump-config")) {
		free(self);
		return cli_flag(c, "dump-keys") ? tui_dump_keys() : tui_dump_config();
	}
	if (cli_flag(c, "once") && cli_flag(c, "json")) {
		free(self);
		return cli_usage(c, "a view is text; as JSON each verb says what the view of it shows: "
		    "skytop offers, status, queue, cost, metrics, requests, events or recipes --json");
	}
	char *layout = home_path(HOME_STATE, "screen.json");
	o.layout = layout;
	const char *size = cli_value(c, "size");
	char rest;
	int status;
	if (size && (sscanf(size, "%4dx%4d%c", &o.columns, &o.rows, &rest) != 2 || o.columns < 1 || o.rows < 1))
		status = cli_usage(c, "--size takes columns and rows, as in 120x40, not %s", size);
	else
		status = tui_main(&o);
	free(layout);
	free(self);
	return status;
}

static bool screen_key(size_t i, struct cli_key *out)
{
	struct key_doc doc;
	if (!key_doc_at(i, &doc))
		return false;
	*out = (struct cli_key){.where = doc.scope, .title = action_info(doc.action)->title, .help = action_info(doc.action)->help};
	memcpy(out->keys, doc.keys, sizeof out->keys);
	return true;
}

int main(int argc, char **argv)
{
	/* .screen is what opens without a verb; .providers is what the engine may use. */
	static const struct program program = {.screen = open_screen, .screen_key = screen_key, .providers = providers};
	return cli_main(argc, argv, &program);
}
