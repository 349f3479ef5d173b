/* The program: the one file that joins screen, verbs, core and providers. */
#include "core/provider.h"
#include "tui/cli/cli.h"

int main(int argc, char **argv)
{
	/* .screen is what opens without a verb; .providers is what the engine may use. */
	static const struct program program = {.screen = NULL, .providers = providers};
	return cli_main(argc, argv, &program);
}
