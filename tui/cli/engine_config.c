/* The engine's part of config.yaml. */
#include "tui/cli/engine_config.h"

void engine_config_load(struct cli *c, struct daemon_setup *d)
{
	(void)c;
	d->provider_config = json_pack("{s:{s:b}}", "sim", "enabled", 0);
	d->default_autostop_minutes = -1;
	d->idle_exit_ms = 60000;
}
