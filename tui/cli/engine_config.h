/* What the engine takes from config.yaml. */
#ifndef TUI_CLI_ENGINE_CONFIG_H
#define TUI_CLI_ENGINE_CONFIG_H
#include "core/api/daemon.h"
#include "tui/cli/cli.h"

/* Fill provider_config (a new reference), the defaults and the idle time. A bad line is noted and its default used. */
void engine_config_load(struct cli *c, struct daemon_setup *d);

#endif
