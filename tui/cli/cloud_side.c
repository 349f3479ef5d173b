/* The hidden verb by which the engine reaches the clouds that are folders on this machine: see core/provider.h. */
#include "core/provider.h"
#include "tui/cli/cli.h"

static int run(struct cli *c)
{
	return cloud_side_main(cli_program(c)->providers, cli_arg(c, 0));
}

const struct verb verb_cloud_side = {
    .name = "cloud-side",
    .group = GROUP_ENGINE,
    .summary = "Answer one request of the engine to a cloud on this machine.",
    .args = "PROVIDER",
    .min_args = 1,
    .max_args = 1,
    .hidden = true,
    .run = run,
};
