/* `catalog update --live`: the clouds themselves are asked. On a terminal one line says how far they are; else a line a cloud at its end. */
#include "tui/cli/catalog_live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/api/client.h"
#include "core/api/daemon.h"
#include "core/api/live.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "tui/cli/engine_config.h"

struct shown {
	const struct cli *c;
	bool live; /* stderr is a terminal */
	bool lines; /* somebody reads them there */
};

static void on_progress(void *arg, const char *cloud, size_t offers, const char *text, bool over)
{
	const struct shown *s = arg;
	struct str clean = str_new(400);
	text_clean(&clean, text, strlen(text) < 300 ? strlen(text) : 300);
	if (s->live)
		fputs("\r\033[K", stderr);
	if (s->lines)
		fprintf(stderr, "%s: %zu offers%s%s%.100s\n", cloud, offers, over ? "" : " so far", *text ? "; " : "", str_text(&clean));
	else if (over && *text)
		cli_note(s->c, "%s: %s", cloud, str_text(&clean));
	else if (over)
		cli_note(s->c, "%s: %zu offers", cloud, offers);
	else if (s->live && !cli_quiet(s->c))
		fprintf(stderr, "%s: %zu offers so far%s%.50s", cloud, offers, *text ? "; " : "", str_text(&clean));
	fflush(stderr);
	str_free(&clean);
}

int catalog_live(struct cli *c, int64_t timeout_ms, struct import_report *report, struct err *err)
{
	struct daemon_setup d = {.ready_fd = -1};
	struct shown s = {c, isatty(2), cli_flag(c, "progress")};
	char *self = client_self();
	engine_config_load(c, &d);
	struct live_update want = {.providers = cli_program(c)->providers, .clouds = cli_args(c), .self = self, .provider_config = d.provider_config,
	    .deadline_ms = timeout_ms, .force = cli_flag(c, "force"), .progress = on_progress, .arg = &s};
	int rc = live_update(&want, report, err);
	json_decref(d.provider_config);
	free(self);
	return rc;
}
