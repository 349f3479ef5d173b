/* requests, cancel-request: what the engine was asked to do, how far it is, and one of them step by step. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/api/client.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "tui/cli/session.h"
#include "tui/cli/table.h"

enum { REQUESTS_MAX = 10000, EVENTS_MAX = 10000 };

static void request_row(struct table *t, const json_t *j, int64_t now)
{
	char buf[64];
	int64_t started = json_int(j, "started_at", 0), ended = json_int(j, "finished_at", 0);
	const char *state = json_str(j, "state", "?"), *progress = json_str(j, "progress", NULL);
	table_cellf(t, "%" PRId64, json_int(j, "id", 0));
	table_cell(t, json_str(j, "verb", "?"));
	table_cell(t, json_str(j, "cluster", "-"));
	table_cell(t, json_str(j, "user", "-"));
	table_cell(t, ago_text(json_int(j, "created_at", 0), now, buf, sizeof buf));
	table_cell(t, started ? duration_text((ended ? ended : now) - started, buf, sizeof buf) : "-");
	table_cell_tone(t, !strcmp(state, "FAILED") ? TONE_BAD : !strcmp(state, "SUCCEEDED") ? TONE_GOOD : TONE_PLAIN, state);
	table_cell(t, json_obj(j, "error") ? json_str(json_obj(j, "error"), "message", "") : ended ? NULL : progress ? progress : json_str(j, "step", NULL));
}

/* ---- one of them ------------------------------------------------------------------------------------------------- */

static const char *hint_of(const json_t *request)
{
	const json_t *error = json_obj(request, "error");
	return error ? err_info(err_code_of(json_str(error, "code", "")))->hint : NULL;
}

/* The request, with its events as "steps" and what can be done about its error as "next"; NULL: there is none of that number. */
static json_t *request_whole(json_t *requests, const json_t *events, int64_t id)
{
	json_t *r, *e, *steps = json_array();
	size_t i, k;
	json_array_foreach(requests, i, r) {
		if (json_int(r, "id", 0) != id)
			continue;
		json_array_foreach(events, k, e)
			if (json_int(e, "request", 0) == id)
				json_array_append(steps, e);
		json_object_set_new(r, "steps", steps);
		json_put_str(r, "next", hint_of(r));
		return json_incref(r);
	}
	json_decref(steps);
	return NULL;
}

static void took_cell(struct table *t, const json_t *data)
{
	char buf[32];
	int64_t ms = json_int(data, "duration_ms", -1);
	if (ms >= 0 && ms < 10000)
		table_cellf(t, "%" PRId64 ".%" PRId64 "s", ms / 1000, ms % 1000 / 100);
	else
		table_cell(t, ms < 0 ? NULL : duration_text(ms, buf, sizeof buf));
}

/* Steps that are done, places that were tried and why they failed, warnings: in the order in which they happened. */
static void print_steps(struct cli *c, const json_t *r)
{
	int attempt = 0;
	size_t i;
	json_t *e;
	struct table *t = table_create();
	table_column(t, "STATE", 0);
	table_column(t, "TOOK", TABLE_RIGHT);
	table_column(t, "STEP", TABLE_SHRINK);
	json_array_foreach(json_arr(r, "steps"), i, e) {
		const char *kind = json_str(e, "kind", ""), *text = json_str(e, "text", "");
		bool step = !strcmp(kind, "step"), failed = !strcmp(kind, "provision.failed");
		if (!step && !failed && !strcmp(json_str(e, "level", ""), "info"))
			continue;
		table_cell_tone(t, step ? TONE_GOOD : failed ? TONE_BAD : TONE_WARN, step ? "done" : failed ? "FAILED" : "note");
		took_cell(t, json_obj(e, "data"));
		if (failed)
			table_cellf(t, "attempt %d, %s", ++attempt, text);
		else
			table_cell(t, text);
	}
	const char *now = json_str(r, "progress", json_str(r, "step", NULL));
	if (!json_int(r, "finished_at", 0) && now) {
		table_cell_tone(t, TONE_ACCENT, "now");
		table_cell(t, NULL);
		table_cell(t, now);
	}
	cli_print_table(c, t);
}

static int print_request(struct cli *c, json_t *r)
{
	char asked[64], took[64] = "";
	int64_t now = wall_now_ms(), started = json_int(r, "started_at", 0), ended = json_int(r, "finished_at", 0);
	const json_t *error = json_obj(r, "error");
	if (cli_json(c))
		return cli_print_json(c, r);
	if (started)
		duration_text((ended ? ended : now) - started, took, sizeof took);
	printf("request %" PRId64 ": %s %s, by %s, asked %s: %s%s%s\n", json_int(r, "id", 0), json_str(r, "verb", "?"), json_str(r, "cluster", ""),
	    json_str(r, "user", "?"), ago_text(json_int(r, "created_at", 0), now, asked, sizeof asked), json_str(r, "state", "?"), took[0] ? ", took " : "", took);
	print_steps(c, r);
	if (error) {
		fputs(cli_sgr(c, TONE_BAD), stdout);
		cli_put(stdout, json_str(error, "message", "?"));
		printf("%s\n", cli_sgr(c, TONE_PLAIN));
	}
	if (json_str(r, "next", NULL))
		printf("next: %s\n", json_str(r, "next", ""));
	json_decref(r);
	return 0;
}

static int one_request(struct cli *c, struct client *cl, const char *word)
{
	struct err err;
	int64_t id;
	int status = 0;
	if (!num_int(word, 1, INT64_C(1) << 60, &id))
		return cli_usage(c, "'%s' is not the number of a request", word);
	json_t *list = session_call(c, cl, "requests", json_pack("{s:b, s:I}", "all", 1, "limit", (json_int_t)REQUESTS_MAX), &status);
	json_t *events = list ? session_call(c, cl, "events", json_pack("{s:I}", "limit", (json_int_t)EVENTS_MAX), &status) : NULL;
	json_t *r = events ? request_whole(list, events, id) : NULL;
	json_decref(events);
	json_decref(list);
	if (!r && !status) {
		err_set(&err, ERR_NOT_FOUND, "there is no request %" PRId64 "; skytop requests --all lists them", id);
		return cli_fail(c, &err);
	}
	return r ? print_request(c, r) : status;
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

static int run_requests(struct cli *c)
{
	struct err err;
	int status = 0;
	int64_t limit = 50;
	if (cli_int(c, "limit", 1, 10000, &limit, &err))
		return cli_fail(c, &err);
	struct client *cl = session_open(c, true, &err);
	if (!cl)
		return cli_fail(c, &err);
	if (cli_arg(c, 0)) {
		status = one_request(c, cl, cli_arg(c, 0));
		client_close(cl);
		return status;
	}
	json_t *list = session_call(c, cl, "requests", json_pack("{s:b, s:I}", "all", cli_flag(c, "all"), "limit", (json_int_t)limit), &status), *j;
	client_close(cl);
	if (!list)
		return status;
	if (cli_json(c))
		return cli_print_json(c, list);
	static const char *const titles[] = {"ID", "VERB", "CLUSTER", "USER", "CREATED", "TOOK", "STATE"};
	struct table *t = table_create();
	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		table_column(t, titles[i], i ? 0 : TABLE_RIGHT);
	table_column(t, "NOTE", TABLE_SHRINK);
	size_t i;
	json_array_foreach(list, i, j)
		request_row(t, j, wall_now_ms());
	if (!json_array_size(list))
		cli_note(c, cli_flag(c, "all") ? "no requests yet" : "no open requests; --all shows those that are over");
	json_decref(list);
	return cli_print_table(c, t);
}

static const struct option_spec requests_options[] = {
    CLI_FLAG('a', "all", "those that are over, too"),
    CLI_VALUE('l', "limit", "N", "at most N, the newest; 50 when not given"),
    CLI_END,
};

const struct verb verb_requests = {
    .name = "requests",
    .group = GROUP_ENGINE,
    .summary = "List what the engine was asked to do and is doing, or show one step by step.",
    .args = "[ID]",
    .max_args = 1,
    .options = requests_options,
    .help = "With the number of a request: its steps with their times, the places that were tried and why they failed, and what can be done about it.",
    .run = run_requests,
};

static int run_cancel_request(struct cli *c)
{
	struct err err;
	int status = 0;
	int64_t id;
	if (!num_int(cli_arg(c, 0), 1, INT64_C(1) << 60, &id))
		return cli_usage(c, "'%s' is not the number of a request", cli_arg(c, 0));
	struct client *cl = session_open(c, true, &err);
	if (!cl)
		return cli_fail(c, &err);
	json_t *j = session_call(c, cl, "cancel", json_pack("{s:I}", "id", (json_int_t)id), &status);
	if (j) {
		json_decref(j);
		j = session_call(c, cl, "follow", json_pack("{s:I}", "id", (json_int_t)id), &status);
	}
	client_close(cl);
	if (!j)
		return status;
	cli_note(c, "request %" PRId64 ": %s", id, json_str(j, "state", "?"));
	if (cli_json(c))
		return cli_print_json(c, j);
	json_decref(j);
	return 0;
}

const struct verb verb_cancel_request = {
    .name = "cancel-request",
    .group = GROUP_ENGINE,
    .summary = "Stop a request; what it had begun to make is removed.",
    .args = "ID",
    .min_args = 1,
    .max_args = 1,
    .run = run_cancel_request,
};

