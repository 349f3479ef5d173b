/* The hidden verb by which the engine packs files for nodes without blocking: see core/run/packer.h. */
#include "core/run/packer.h"
#include "tui/cli/cli.h"

static int run(struct cli *c)
{
	(void)c;
	return packer_main();
}

const struct verb verb_pack_tree = {
    .name = "pack-tree",
    .group = GROUP_ENGINE,
    .summary = "Pack files for nodes, as the engine orders on stdin.",
    .hidden = true,
    .run = run,
};
