/* The engine as a process: one a user, guarded by a lock, watched by a parent that starts it again when it dies. */
#ifndef CORE_API_DAEMON_H
#define CORE_API_DAEMON_H
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/provider.h"

struct daemon_setup {
	const struct provider *const *providers;
	const char *self;	 /* path of this program */
	json_t *provider_config; /* borrowed */
	int64_t default_autostop_minutes, max_hourly_uusd, logs_keep_ms, logs_max_bytes, prices_every_ms; /* as in engine_setup */
	int64_t idle_exit_ms;	 /* -1: stays */
	bool no_ssh_include;	 /* as in engine_setup */
	bool foreground;	 /* no supervisor: systemd is one */
	int64_t crash_at_commit; /* tests */
	int64_t lost_after_ms;	 /* see engine.h; tests */
	int ready_fd;		 /* told (a byte, closed) when the socket is open; -1: nobody waits */
};

/* Run the engine until it is told to leave. 0; or -1 with err when it could not begin: CONFLICT when another one runs. */
int daemon_run(const struct daemon_setup *setup, struct err *err);

#endif
