/* The engine's part of config.yaml. */
#include "tui/cli/engine_config.h"

#include "core/model/config.h"
#include "core/provider.h"

enum { MINUTE_MS = 60000, HOUR_MS = 3600000, DAY_MS = 86400000, GB = 1000000000 };

void engine_config_load(struct cli *c, struct daemon_setup *d)
{
	struct config *k = config_load(NULL);
	for (size_t i = 0; i < config_n_problems(k); i++)
		cli_note(c, "%s", config_problem(k, i));
	d->provider_config = json_object();
	for (const struct provider *const *p = cli_program(c)->providers; p && *p; p++) {
		json_t *section = config_section(k, (*p)->name);
		if (section)
			json_object_set_new(d->provider_config, (*p)->name, section);
	}
	json_object_set_new(d->provider_config, "http", config_section(k, "http"));
	int64_t idle = config_int(k, "engine.idle_exit_minutes");
	d->prices_every_ms = config_int(k, "catalog.live_hours") * HOUR_MS;
	d->idle_exit_ms = idle < 0 ? -1 : idle * MINUTE_MS;
	d->default_autostop_minutes = config_int(k, "autostop.default_minutes");
	d->logs_keep_ms = config_int(k, "logs.keep_days") * DAY_MS;
	d->logs_max_bytes = config_int(k, "logs.keep_gb") * GB;
	d->max_hourly_uusd = config_int(k, "launch.max_hourly_cost");
	d->no_ssh_include = !config_bool(k, "ssh.include");
	config_destroy(k);
}
