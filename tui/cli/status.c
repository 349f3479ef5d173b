/* status: what there is; with -v as much as the screen shows, and of clusters that are named their nodes and GPUs too. */
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

/* ---- -v ---------------------------------------------------------------------------------------------------------- */

static void put_whole(struct table *t, int64_t n, const char *unit)
{
	if (n < 0)
		table_cell(t, "-");
	else
		table_cellf(t, "%" PRId64 "%s", n, unit);
}

/* How busy the GPUs are that its head has, in the mean; -1: not known, or there are none. */
static int64_t gpu_percent(const json_t *beat)
{
	int64_t sum = 0, known = 0;
	size_t i;
	json_t *g;
	json_array_foreach(json_arr(beat, "gpus"), i, g) {
		int64_t use = json_int(g, "util", -1);
		sum += use < 0 ? 0 : use;
		known += use >= 0;
	}
	return known ? sum / known : -1;
}

static void more_cells(struct table *t, const json_t *j, int64_t now)
{
	char buf[64];
	const json_t *beat = json_obj(j, "heartbeat");
	bool up = !strcmp(json_str(j, "status", ""), "UP");
	int64_t idle = json_int(j, "idle_since", 0), running = json_int(j, "jobs_running", -1);
	table_cell(t, json_str(j, "user", "-"));
	table_cell(t, json_str(j, "project", "-"));
	table_cell(t, json_str(json_array_get(json_arr(j, "nodes"), 0), "ip", "-"));
	put_whole(t, up ? gpu_percent(beat) : -1, "%");
	if (running < 0)
		table_cell(t, "-");
	else
		table_cellf(t, "%" PRId64 "+%" PRId64, running, json_int(j, "jobs_pending", 0));
	if (idle)
		table_cell(t, duration_text(now - idle, buf, sizeof buf));
	else
		table_cellf(t, up && json_str(beat, "idle_reason", NULL) ? "busy: %s" : "-", json_str(beat, "idle_reason", ""));
	table_cell(t, ago_text(json_int(j, "checked_at", 0), now, buf, sizeof buf));
	table_cell(t, price_of(j, "cost_uusd", buf, sizeof buf));
	table_cell(t, json_str(j, "price_source", "-"));
}

static void print_nodes(struct cli *c, const json_t *cluster, int64_t now)
{
	static const char *const titles[] = {"CLUSTER", "NODE", "STATUS", "IP", "ID", "SILENT"};
	char buf[64];
	size_t i;
	json_t *n;
	struct table *t = table_create();
	for (i = 0; i < ARRAY_LEN(titles); i++)
		table_column(t, titles[i], 0);
	json_array_foreach(json_arr(cluster, "nodes"), i, n) {
		int64_t silent = json_int(n, "silent_since", 0);
		table_cell(t, json_str(cluster, "name", "?"));
		put_whole(t, json_int(n, "rank", -1), "");
		table_cell(t, json_str(n, "status", "?"));
		table_cell(t, json_str(n, "ip", "-"));
		table_cell(t, json_str(n, "id", "-"));
		table_cell_tone(t, TONE_WARN, silent ? duration_text(now - silent, buf, sizeof buf) : "-");
	}
	cli_print_table(c, t);
}

/* "1.5 of 24.0 GiB" */
static void put_gib(struct table *t, int64_t used, int64_t total)
{
	const double gib = 1073741824.0;
	if (used < 0 || total <= 0)
		table_cell(t, "-");
	else
		table_cellf(t, "%.1f of %.1f GiB", (double)used / gib, (double)total / gib);
}

/* What the agent on its head said last. */
static void print_use(struct cli *c, const json_t *cluster, int64_t now)
{
	char age[32];
	const json_t *beat = json_obj(cluster, "heartbeat"), *load = json_array_get(json_arr(beat, "load"), 0);
	size_t i;
	json_t *g;
	if (!beat)
		return;
	struct table *t = table_create();
	table_column(t, "CLUSTER", 0);
	table_column(t, "HEAD", 0);
	table_column(t, "USE", TABLE_RIGHT);
	table_column(t, "MEMORY", TABLE_RIGHT);
	table_column(t, "WHAT", TABLE_SHRINK);
	table_cell(t, json_str(cluster, "name", "?"));
	table_cell(t, "CPU");
	if (json_is_number(load))
		table_cellf(t, "%.1f", json_number_value(load));
	else
		table_cell(t, "-");
	put_gib(t, json_int(beat, "mem_used", -1), json_int(beat, "mem_total", -1));
	ago_text(json_int(cluster, "heartbeat_at", 0), now, age, sizeof age);
	if (json_is_integer(json_object_get(beat, "cpus")))
		table_cellf(t, "load of %" PRId64 " CPUs, heard %s", json_int(beat, "cpus", 0), age);
	else
		table_cellf(t, "load, heard %s", age);
	table_cell(t, json_str(cluster, "name", "?"));
	table_cell(t, "disk");
	table_cell(t, "");
	put_gib(t, json_int(beat, "disk_used", -1), json_int(beat, "disk_total", -1));
	table_cell(t, "");
	json_array_foreach(json_arr(beat, "gpus"), i, g) {
		table_cell(t, json_str(cluster, "name", "?"));
		table_cellf(t, "GPU %" PRId64, json_int(g, "index", (int64_t)i));
		put_whole(t, json_int(g, "util", -1), "%");
		put_gib(t, json_int(g, "mem_used", -1), json_int(g, "mem_total", -1));
		table_cell(t, json_str(g, "name", ""));
	}
	cli_print_table(c, t);
}

static void print_each(struct cli *c, const json_t *clusters, int64_t now)
{
	size_t i;
	json_t *j;
	json_array_foreach(clusters, i, j) {
		printf("\n");
		print_nodes(c, j, now);
		printf("\n");
		print_use(c, j, now);
	}
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

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
	table_cellf(t, "%s%s", json_bool(j, "rate_estimated", false) ? "~" : "", price_of(j, "rate_uusd_h", buf, sizeof buf));
	if (verbose)
		more_cells(t, j, now);
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
		cli_put(stdout, ip ? ip : "-");
		putchar('\n');
	}
	return 0;
}

static int print_status(struct cli *c, const json_t *clusters)
{
	static const char *const titles[] = {"NAME", "INFRA", "RESOURCES", "STATUS", "AUTOSTOP", "LAUNCHED", "$/H"};
	static const char *const more[] = {"USER", "PROJECT", "HEAD_IP", "GPU", "JOBS", "IDLE", "CHECKED", "COST", "PRICE FROM"};
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
	cli_print_table(c, t);
	if (verbose && cli_n_args(c))
		print_each(c, clusters, now);
	return 0;
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
    CLI_FLAG('v', "verbose", "more columns; of clusters that are named their nodes and GPUs as well"),
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
