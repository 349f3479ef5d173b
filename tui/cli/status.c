/* status: what there is. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "tui/cli/session.h"
#include "tui/cli/table.h"

enum { REFRESH_MS = 120000 };

static const char *price_of(const json_t *j, const char *key, char *buf, size_t size)
{
	return money_text(json_int(j, key, PRICE_UNKNOWN), buf, size);
}

static void status_row(struct table *t, const json_t *j, int64_t now, bool verbose)
{
	char buf[200];
	const json_t *stop = json_obj(j, "autostop");
	const char *status = json_str(j, "status", "?"), *progress = json_str(j, "progress", NULL), *reason = json_str(j, "reason", NULL);
	table_cell(t, json_str(j, "name", "?"));
	table_cell(t, session_infra(j, buf, sizeof buf));
	table_cell(t, session_resources(j, buf, sizeof buf));
	table_cell_tone(t, !strcmp(status, "UP") ? TONE_GOOD : !strcmp(status, "INIT") ? TONE_WARN : TONE_DIM, status);
	if (stop)
		table_cellf(t, "%" PRId64 "m%s", json_int(stop, "idle_minutes", 0), json_bool(stop, "down", false) ? " (down)" : "");
	else
		table_cell(t, "-");
	table_cell(t, ago_text(json_int(j, "launched_at", 0), now, buf, sizeof buf));
	table_cellf(t, "%s%s", json_bool(j, "price_estimated", false) ? "~" : "", price_of(j, "total_uusd_h", buf, sizeof buf));
	if (!verbose) {
		table_cell(t, progress ? progress : reason);
		return;
	}
	table_cell(t, json_str(json_array_get(json_arr(j, "nodes"), 0), "ip", "-"));
	table_cell(t, price_of(j, "cost_uusd", buf, sizeof buf));
	table_cell(t, json_str(j, "price_source", "-"));
	table_cell(t, progress ? progress : reason);
}

static int print_names(struct cli *c)
{
	struct err err;
	int status;
	struct client *cl = session_open(c, false, &err); /* completion must not start an engine */
	json_t *clusters = cl ? session_call(c, cl, "status", json_object(), &status) : NULL, *j;
	size_t i;
	json_array_foreach(clusters, i, j)
		puts(json_str(j, "name", ""));
	json_decref(clusters);
	client_close(cl);
	return 0;
}

static json_t *filter(struct cli *c, struct client *cl, json_t *clusters, int *status)
{
	if (!cli_n_args(c))
		return clusters;
	json_decref(clusters);
	return session_clusters(c, cl, 0, false, status);
}

static int print_ips(const json_t *clusters)
{
	size_t i;
	json_t *j;
	json_array_foreach(clusters, i, j) {
		const char *ip = json_str(json_array_get(json_arr(j, "nodes"), 0), "ip", NULL);
		puts(ip ? ip : "-");
	}
	return 0;
}

static int print_status(struct cli *c, const json_t *clusters)
{
	static const char *const titles[] = {"NAME", "INFRA", "RESOURCES", "STATUS", "AUTOSTOP", "LAUNCHED", "$/H"};
	static const char *const more[] = {"HEAD_IP", "COST", "PRICE FROM"};
	bool verbose = cli_flag(c, "verbose");
	size_t i;
	json_t *j;
	int64_t now = wall_now_ms();
	if (!json_array_size(clusters)) {
		cli_note(c, "no clusters: skytop launch TASK.yaml makes one");
		return 0;
	}
	struct table *t = table_create();
	for (i = 0; i < ARRAY_LEN(titles); i++)
		table_column(t, titles[i], i + 1 == ARRAY_LEN(titles) ? TABLE_RIGHT : 0);
	for (i = 0; verbose && i < ARRAY_LEN(more); i++)
		table_column(t, more[i], 0);
	table_column(t, "NOTE", TABLE_SHRINK);
	json_array_foreach(clusters, i, j)
		status_row(t, j, now, verbose);
	return cli_print_table(c, t);
}

static int run_status(struct cli *c)
{
	struct err err;
	int status = 0;
	if (cli_flag(c, "names"))
		return print_names(c);
	struct client *cl = session_open(c, true, &err);
	if (!cl)
		return cli_fail(c, &err);
	json_t *clusters = client_call(cl, "status", json_pack("{s:b}", "refresh", cli_flag(c, "refresh")), REFRESH_MS, &err);
	if (!clusters)
		status = cli_fail(c, &err);
	else
		clusters = filter(c, cl, clusters, &status);
	client_close(cl);
	if (!clusters)
		return status;
	if (cli_json(c))
		return cli_print_json(c, clusters);
	status = cli_flag(c, "ip") ? print_ips(clusters) : print_status(c, clusters);
	json_decref(clusters);
	return status;
}

static const struct option_spec status_options[] = {
    CLI_FLAG('r', "refresh", "ask the providers first"),
    CLI_FLAG('v', "verbose", "more columns"),
    CLI_FLAG(0, "ip", "only the address of each head node"),
    CLI_FLAG(0, "names", "only names, and only if an engine runs", .hidden = true),
    CLI_END,
};

const struct verb verb_status = {
    .name = "status",
    .group = GROUP_CLUSTERS,
    .summary = "List clusters: where, what, how they are, what they cost an hour.",
    .args = "[CLUSTER...]",
    .max_args = -1,
    .complete = COMPLETE_CLUSTER,
    .options = status_options,
    .help = "A ~ before a price means that it is an estimate, ? that it is not known. Clusters on a simulated cloud are marked so.",
    .run = run_status,
};
