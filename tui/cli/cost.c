/* cost: what clusters have cost, running and gone; what is being spent, and where it leads. The figures are the engine's, the same as in
 * the screen's Cost. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "tui/cli/session.h"
#include "tui/cli/table.h"

/* What is not known is "-", never 0. */
static const char *money(const json_t *j, const char *key, char *buf, size_t size)
{
	int64_t uusd = json_int(j, key, PRICE_UNKNOWN);
	if (!json_is_integer(json_object_get(j, key)))
		snprintf(buf, size, "-");
	else if (uusd < 0)
		snprintf(buf, size, "-%s", money_text(-uusd, (char[40]){0}, 40));
	else
		money_text(uusd, buf, size);
	return buf;
}

/* "12.48", or where something has no price "12.48+": so much is known, and there is more. "-" when nothing is. */
static const char *figure(const json_t *j, const char *key, char *buf, size_t size)
{
	if (json_is_integer(json_object_get(j, key)))
		return money(j, key, buf, size);
	char known[40];
	const json_t *k = json_obj(j, "known");
	if (json_int(k, key, 0) > 0)
		snprintf(buf, size, "%s+", money(k, key, known, sizeof known));
	else
		snprintf(buf, size, "-");
	return buf;
}

/* ---- the tables -------------------------------------------------------------------------------------------------- */

static const char *state_of(const json_t *j)
{
	const char *status = json_str(j, "status", "?");
	return strcmp(status, "REMOVED") || json_bool(j, "running", false) ? status : "gone";
}

/* Why a row deserves a look: it is paid for and does nothing. */
static void note_of(const json_t *j, int64_t now, char *buf, size_t size)
{
	char age[40], wasted[40];
	int64_t idle = json_int(j, "idle_since", 0), gpu = json_int(j, "gpu_idle_since", 0), since = idle ? idle : gpu;
	if (json_bool(j, "wasteful", false)) {
		snprintf(buf, size, "%s for %s, $%s for nothing", idle ? "idle" : "GPUs idle", duration_text(now - since, age, sizeof age),
		    money(j, "wasted_uusd", wasted, sizeof wasted));
		return;
	}
	if (json_bool(j, "stopped", false) && !json_is_integer(json_object_get(j, "disk_uusd_h")))
		snprintf(buf, size, "stopped; what its disk costs is not known");
	else if (json_bool(j, "stopped", false) && json_int(j, "disk_uusd_h", 0))
		snprintf(buf, size, "stopped; disk ~$%s/h", money(j, "disk_uusd_h", wasted, sizeof wasted));
	else
		snprintf(buf, size, "%s", "");
}

static void cost_row(struct table *t, const json_t *j, int64_t now)
{
	char buf[160];
	bool running = json_bool(j, "running", false);
	table_cell(t, json_str(j, "name", "?"));
	table_cell(t, ago_text(json_int(j, "from", 0), now, buf, sizeof buf));
	table_cell(t, duration_text(json_int(j, "duration_ms", 0), buf, sizeof buf));
	table_cellf(t, "%" PRId64 "x %s %s%s", json_int(j, "num_nodes", 0), json_str(j, "provider", "?"), json_str(j, "instance_type", "?"),
	    json_bool(j, "simulated", false) ? " (simulated)" : "");
	table_cell_tone(t, running ? TONE_PLAIN : TONE_DIM, state_of(j));
	table_cell(t, money(j, running ? "now_uusd_h" : json_bool(j, "stopped", false) ? "disk_uusd_h" : "price_uusd_h", buf, sizeof buf));
	table_cell(t, figure(j, "today_uusd", buf, sizeof buf));
	table_cell(t, figure(j, "month_uusd", buf, sizeof buf));
	const char *cost = figure(j, "cost_uusd", (char[48]){0}, 48);
	table_cellf(t, "%s%s", json_bool(j, "estimated", false) && strcmp(cost, "-") ? "~" : "", cost);
	note_of(j, now, buf, sizeof buf);
	table_cell_tone(t, TONE_WARN, buf);
}

static void print_clusters(struct cli *c, const json_t *report)
{
	static const char *const titles[] = {"NAME", "LAUNCHED", "DURATION", "RESOURCES", "STATUS", "COST/hr", "TODAY", "MONTH", "COST (est.)", "NOTE"};
	struct table *t = table_create();
	size_t i;
	json_t *j;
	for (i = 0; i < ARRAY_LEN(titles); i++)
		table_column(t, titles[i], i >= 5 && i <= 8 ? TABLE_RIGHT : 0);
	json_array_foreach(json_arr(report, "clusters"), i, j)
		cost_row(t, j, json_int(report, "at", 0));
	cli_print_table(c, t);
}

static void print_groups(struct cli *c, const json_t *report, const char *by)
{
	char buf[40];
	struct table *t = table_create();
	size_t i;
	json_t *j;
	table_column(t, str_eq(by, "cloud") ? "CLOUD" : str_eq(by, "project") ? "PROJECT" : "USER", 0);
	table_column(t, "$/h NOW", TABLE_RIGHT);
	table_column(t, "TODAY", TABLE_RIGHT);
	table_column(t, "THIS MONTH", TABLE_RIGHT);
	json_array_foreach(json_arr(json_obj(report, "by"), by), i, j) {
		table_cell(t, json_str(j, "name", "?"));
		table_cell(t, figure(j, "now_uusd_h", buf, sizeof buf));
		table_cell(t, figure(j, "today_uusd", buf, sizeof buf));
		table_cell(t, figure(j, "month_uusd", buf, sizeof buf));
	}
	cli_print_table(c, t);
}

static void print_changes(struct cli *c, const json_t *report)
{
	char buf[40];
	size_t i;
	json_t *j;
	struct table *t = table_create();
	if (!json_array_size(json_arr(report, "changes"))) {
		cli_note(c, "the last 24 hours cost what the 24 before did");
		table_destroy(t);
		return;
	}
	table_column(t, "NAME", 0);
	table_column(t, "CHANGE", TABLE_RIGHT);
	table_column(t, "WHY", TABLE_SHRINK);
	json_array_foreach(json_arr(report, "changes"), i, j) {
		table_cell(t, json_str(j, "name", "?"));
		table_cellf(t, "%s%s", json_int(j, "diff_uusd", 0) > 0 ? "+" : "", money(j, "diff_uusd", buf, sizeof buf));
		table_cell(t, json_str(j, "text", ""));
	}
	cli_print_table(c, t);
}

/* ---- the lines below --------------------------------------------------------------------------------------------- */

static void print_spend(struct cli *c, const json_t *spend)
{
	char a[48], b[48], m[48];
	const json_t *p = json_obj(spend, "projection"), *budget = json_obj(spend, "budget"), *apart = json_obj(spend, "apart");
	const char *mark = json_bool(spend, "simulated", false) ? " (simulated: no money)" : "";
	cli_note(c, "now $%s/h, today $%s, this month $%s%s", figure(spend, "now_uusd_h", a, sizeof a), figure(spend, "today_uusd", b, sizeof b),
	    figure(spend, "month_uusd", m, sizeof m), mark);
	if (json_bool(p, "unknown", false) && !json_int(p, "uusd", 0))
		cli_note(c, "end of the month: nobody knows, what runs has no known price");
	else
		cli_note(c, "end of the month ~$%s%s (~$%s to ~$%s): %s", money(p, "uusd", a, sizeof a), json_bool(p, "unknown", false) ? "+" : "",
		    money(p, "low_uusd", b, sizeof b), money(p, "high_uusd", m, sizeof m), json_str(p, "method", ""));
	if (budget)
		cli_note(c, "budget $%s, $%s left (%" PRId64 "%% spent)%s", money(budget, "month_uusd", a, sizeof a), money(budget, "left_uusd", b, sizeof b),
		    json_int(budget, "percent", 0), json_bool(budget, "block", false) ? "; launches are refused once it is used up" : "");
	if (apart)
		cli_note(c, "apart from that, simulated: now $%s/h, today $%s, this month $%s", figure(apart, "now_uusd_h", a, sizeof a),
		    figure(apart, "today_uusd", b, sizeof b), figure(apart, "month_uusd", m, sizeof m));
}

/* "24 hours  ▁▂▃  $0.00 to $3.70 an hour, last $1.32" */
static void print_course(struct cli *c, const json_t *report, const char *key, const char *label, const char *each)
{
	enum { VALUES_MAX = 64 };
	int64_t values[VALUES_MAX], low = INT64_MAX, high = -1, last = -1;
	size_t n = 0, i;
	json_t *v;
	char a[40], b[40], m[40];
	json_array_foreach(json_arr(report, key), i, v) {
		if (n == VALUES_MAX)
			break;
		values[n++] = last = json_is_integer(v) ? json_integer_value(v) : -1;
		low = last >= 0 && last < low ? last : low;
		high = last > high ? last : high;
	}
	if (high < 0)
		return;
	struct str course = str_new(4 * VALUES_MAX);
	cli_spark(&course, values, n, 0, high);
	cli_note(c, "%s  %s  $%s to $%s %s, last %s%s", label, str_text(&course), money_text(low, a, sizeof a), money_text(high, b, sizeof b), each,
	    last < 0 ? "" : "$", last < 0 ? "not known" : money_text(last, m, sizeof m));
	str_free(&course);
}

static int print_report(struct cli *c, const json_t *report)
{
	const char *by = cli_value(c, "by");
	if (cli_flag(c, "changes"))
		print_changes(c, report);
	else if (by && strcmp(by, "cluster"))
		print_groups(c, report, by);
	else if (json_array_size(json_arr(report, "clusters")))
		print_clusters(c, report);
	else
		cli_note(c, "nothing has run yet: skytop launch TASK.yaml starts something");
	print_spend(c, json_obj(report, "spend"));
	print_course(c, report, "hours", "24 hours", "an hour");
	print_course(c, report, "days", "30 days ", "a day");
	return 0;
}

static int run_cost(struct cli *c)
{
	struct err err;
	int status = 0;
	int64_t days = 30;
	if (cli_int(c, "days", 1, 36500, &days, &err))
		return cli_fail(c, &err);
	struct client *cl = session_open(c, true, &err);
	if (!cl)
		return cli_fail(c, &err);
	int64_t since = cli_flag(c, "all") ? 0 : wall_now_ms() - days * 86400000;
	json_t *report = session_call(c, cl, "cost", json_pack("{s:I}", "since", (json_int_t)since), &status);
	client_close(cl);
	if (!report)
		return status;
	if (cli_json(c))
		return cli_print_json(c, report);
	status = print_report(c, report);
	json_decref(report);
	return status;
}

static const struct option_spec cost_options[] = {
    CLI_FLAG('a', "all", "since the beginning"),
    CLI_VALUE(0, "days", "N", "clusters that ran in the last N days; 30 when not given"),
    CLI_VALUE(0, "by", "cluster|cloud|project|user", "sums of this month instead of clusters"),
    CLI_FLAG(0, "changes", "the last 24 hours against the 24 before, and why"),
    CLI_END,
};

const struct verb verb_cost = {
    .name = "cost",
    .aliases = "cost-report",
    .group = GROUP_CLUSTERS,
    .summary = "What clusters have cost, running and gone, and where spending leads.",
    .options = cost_options,
    .help = "A sum over the ledger: machine time at the price that was known when it began, and disks of stopped machines at list prices (~). Disks of running "
	    "machines, traffic and taxes are not in it. - means that a price is "
	    "not known, ~ that it is an estimate, + that what is known is more yet. Idle clusters come first, with what they cost since they are idle.\n\n"
	    "Simulated machines cost no money: they are marked, and never added to what does.",
    .run = run_cost,
};
