/* engine, events: the process that owns the world, and what it is doing. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/api/daemon.h"
#include "core/api/protocol.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "tui/cli/engine_config.h"
#include "tui/cli/session.h"
#include "tui/cli/table.h"

enum { LEAVE_MS = 10000 };

static int say_engine(struct cli *c, struct client *cl)
{
	char up[64];
	int status = 0;
	json_t *j = session_call(c, cl, "engine", json_object(), &status);
	if (!j)
		return status;
	if (cli_json(c))
		return cli_print_json(c, j);
	printf("engine: pid %" PRId64 ", skytop %s (protocol %" PRId64 "), up %s, %" PRId64 " clusters, %" PRId64 " open requests, %" PRId64 " clients, %.1f MiB\n"
	       "socket: %s\nstate:  %s\n",
	    json_int(j, "pid", 0), json_str(j, "build", "?"), json_int(j, "protocol", 0),
	    duration_text(wall_now_ms() - json_int(j, "started_at", 0), up, sizeof up), json_int(j, "clusters", 0), json_int(j, "requests", 0),
	    json_int(j, "clients", 0), (double)json_int(j, "rss_kib", 0) / 1024, json_str(j, "socket", "?"), json_str(j, "state", "?"));
	json_decref(j);
	return 0;
}

static int engine_status_verb(struct cli *c)
{
	struct err err;
	struct client *cl = session_open(c, false, &err);
	if (!cl && err.code == ERR_NOT_FOUND) {
		if (cli_json(c))
			cli_print_json(c, json_pack("{s:n}", "pid"));
		else
			puts("no engine is running; the next command that needs one starts it");
		return 0;
	}
	if (!cl)
		return cli_fail(c, &err);
	int status = say_engine(c, cl);
	client_close(cl);
	return status;
}

static int stop_engine(struct err *err)
{
	char *self = client_self();
	int rc = client_stop_engine(self, LEAVE_MS, err);
	free(self);
	return rc;
}

static int engine_stop_verb(struct cli *c)
{
	struct err err;
	if (!stop_engine(&err)) {
		cli_note(c, "the engine has left; clusters and jobs are as they were");
		return 0;
	}
	if (err.code != ERR_NOT_FOUND)
		return cli_fail(c, &err);
	cli_note(c, "no engine is running");
	return 0;
}

static int engine_start_verb(struct cli *c)
{
	struct err err;
	struct client *cl = session_open(c, true, &err);
	if (!cl)
		return cli_fail(c, &err);
	int status = say_engine(c, cl);
	client_close(cl);
	return status;
}

static int engine_restart_verb(struct cli *c)
{
	struct err err;
	if (stop_engine(&err) && err.code != ERR_NOT_FOUND)
		return cli_fail(c, &err);
	return engine_start_verb(c);
}

static int be_engine(struct cli *c)
{
	struct err err = {.code = ERR_NONE};
	struct daemon_setup d = {.providers = cli_program(c)->providers, .ready_fd = -1, .foreground = cli_flag(c, "foreground"), .max_hourly_uusd = PRICE_UNKNOWN};
	int64_t ready = -1;
	char *self = client_self();
	d.self = self;
	engine_config_load(c, &d);
	if (cli_int(c, "ready-fd", 0, 1 << 20, &ready, &err) || cli_int(c, "idle-exit-ms", -1, INT64_C(1) << 40, &d.idle_exit_ms, &err) ||
	    cli_int(c, "crash-at-commit", 1, INT64_C(1) << 40, &d.crash_at_commit, &err) ||
	    cli_int(c, "lost-after-ms", 1, INT64_C(1) << 40, &d.lost_after_ms, &err)) {
		free(self);
		return cli_fail(c, &err);
	}
	d.ready_fd = (int)ready;
	int rc = daemon_run(&d, &err);
	json_decref(d.provider_config);
	free(self);
	return rc ? cli_fail(c, &err) : 0;
}

static int run_engine(struct cli *c)
{
	static const struct {
		const char *name;
		int (*run)(struct cli *c);
	} words[] = {{"status", engine_status_verb}, {"start", engine_start_verb}, {"stop", engine_stop_verb}, {"restart", engine_restart_verb}};
	const char *word = cli_arg(c, 0);
	if (!word)
		return be_engine(c);
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!strcmp(words[i].name, word))
			return words[i].run(c);
	return cli_usage(c, "'%s': status, start, stop or restart", word);
}

static const struct option_spec engine_options[] = {
    CLI_FLAG(0, "foreground", "be the engine in the foreground, without a supervisor (for systemd)"),
    CLI_VALUE(0, "ready-fd", "N", "tell this file descriptor when the socket is open", .hidden = true),
    CLI_VALUE(0, "idle-exit-ms", "MS", "leave when not needed for so long", .hidden = true),
    CLI_VALUE(0, "crash-at-commit", "N", "for tests: be killed after the Nth commit", .hidden = true),
    CLI_VALUE(0, "lost-after-ms", "MS", "for tests: when a head that is not heard of counts as lost", .hidden = true),
    CLI_END,
};

const struct verb verb_engine = {
    .name = "engine",
    .aliases = "api",
    .group = GROUP_ENGINE,
    .summary = "The process that looks after clusters: status, start, stop, restart.",
    .args = "[status | start | stop | restart]",
    .max_args = 1,
    .options = engine_options,
    .help = "Without a word: be the engine (in the background; with --foreground, not). The first command that needs it starts it, and it leaves by itself when "
	    "nothing is left to look after. Stopping it stops no cluster and no job; autostop is then left to the nodes themselves.",
    .run = run_engine,
};

/* ---- events ------------------------------------------------------------------------------------------------------ */

static void print_event(struct cli *c, const json_t *e)
{
	char at[40];
	const char *level = json_str(e, "level", "info"), *cluster = json_str(e, "cluster", NULL), *text = json_str(e, "text", "");
	enum cli_tone tone = !strcmp(level, "error") ? TONE_BAD : !strcmp(level, "warn") ? TONE_WARN : TONE_PLAIN;
	struct str clean = str_new(4000);
	if (cluster)
		str_addf(&clean, "[%s] ", cluster);
	text_clean(&clean, text, strlen(text));
	printf("%s  %s%-5.5s  %s%s\n", time_rfc3339(json_int(e, "at", 0), at, sizeof at), cli_sgr(c, tone), level, str_text(&clean),
	    tone == TONE_PLAIN ? "" : cli_sgr(c, TONE_PLAIN));
	str_free(&clean);
}

static int64_t print_new(struct cli *c, const json_t *list, int64_t last)
{
	size_t i;
	json_t *e;
	json_array_foreach(list, i, e) {
		if (json_int(e, "id", 0) <= last)
			continue;
		last = json_int(e, "id", 0);
		if (cli_json(c)) {
			char *text = json_text(e);
			puts(text);
			free(text);
		} else {
			print_event(c, e);
		}
	}
	fflush(stdout);
	return last;
}

struct follow_events {
	struct cli *c;
	const char *cluster;
	int64_t last;
};

static void on_snapshot(void *arg, const char *method, const json_t *params)
{
	struct follow_events *f = arg;
	size_t i;
	json_t *e, *mine = json_array();
	if (!strcmp(method, "snapshot"))
		json_array_foreach(json_arr(params, "events"), i, e)
			if (!f->cluster || !strcmp(f->cluster, json_str(e, "cluster", "")))
				json_array_append(mine, e);
	f->last = print_new(f->c, mine, f->last);
	json_decref(mine);
}

static int run_events(struct cli *c)
{
	struct err err;
	int status = 0;
	int64_t limit = 50;
	if (cli_int(c, "limit", 1, 10000, &limit, &err))
		return cli_fail(c, &err);
	struct client *cl = session_open(c, true, &err);
	if (!cl)
		return cli_fail(c, &err);
	const char *cluster = cli_arg(c, 0);
	json_t *list = session_call(c, cl, "events", json_pack("{s:s?, s:I}", "cluster", cluster, "limit", (json_int_t)limit), &status);
	if (list && cli_json(c) && !cli_flag(c, "follow")) {
		client_close(cl);
		return cli_print_json(c, list);
	}
	struct follow_events f = {c, cluster, print_new(c, list, 0)};
	bool ok = list != NULL;
	json_decref(list);
	if (ok && cli_flag(c, "follow")) {
		client_listen(cl, on_snapshot, &f);
		client_interruptible(cl);
		json_decref(session_call(c, cl, "watch", json_pack("{s:[s]}", "topics", "events"), &status));
		while (!client_interrupted(cl) && !status)
			if (client_turn(cl, -1, &err))
				status = cli_fail(c, &err);
		if (client_interrupted(cl))
			status = CLI_INTERRUPTED;
	}
	client_close(cl);
	return status;
}

static const struct option_spec events_options[] = {
    CLI_FLAG('f', "follow", "go on as they happen"),
    CLI_VALUE('l', "limit", "N", "begin with the last N; 50 when not given"),
    CLI_END,
};

const struct verb verb_events = {
    .name = "events",
    .group = GROUP_ENGINE,
    .summary = "What happened: steps, states, failures, in order of time.",
    .args = "[CLUSTER]",
    .max_args = 1,
    .complete = COMPLETE_CLUSTER,
    .options = events_options,
    .help = "With --json and --follow: one event a line.",
    .run = run_events,
};
