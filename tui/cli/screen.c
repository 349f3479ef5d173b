/* The screen, with its options; `skytop` alone opens it too. */
#include <unistd.h>

#include "tui/cli/cli_priv.h"

static const struct option_spec options[] = {
    SCREEN_OPTIONS,
    CLI_END,
};

static int run(struct cli *c)
{
	if (!cli_program(c)->screen)
		return cli_usage(c, "this build has no screen");
	if (!cli_flag(c, "once") && !cli_flag(c, "dump-keys") && !cli_flag(c, "dump-config") && !cli_flag(c, "plain") &&
	    (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)))
		return cli_usage(c, "the screen needs a terminal; --once prints a view as text, --plain talks in lines, skytop help lists the commands");
	return cli_program(c)->screen(c);
}

const struct verb verb_screen = {
    .name = "screen",
    .group = GROUP_PRICES,
    .summary = "Open the screen, or print one of its views.",
    .args = "[VIEW]",
    .max_args = 1,
    .options = options,
    .help = "VIEW is offers, clusters, jobs, managed, services, logs, cost, metrics, activity or recipes, or the beginning of one. "
	    "Without a verb skytop opens the screen as well, and takes the same options: skytop --once clusters --size 120x40.\n\n"
	    "On the screen ? shows every key, and : every action with the command that does the same.",
    .run = run,
};
