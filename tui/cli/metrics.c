/* metrics: how busy nodes are and were, and the engine's figures; what each of them means. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/plan/figures.h"
#include "core/plan/rings.h"
#include "tui/cli/session.h"
#include "tui/cli/table.h"

enum { HISTORY_COLUMNS = 40 };

static json_t *explanations(void)
{
	json_t *measures = json_array(), *figures = json_array();
	for (int i = 0; i < MEASURES; i++)
		json_array_append_new(measures, json_pack("{s:s, s:s, s:s, s:s}", "name", measure_infos[i].name, "title", measure_infos[i].title, "unit",
						    figure_unit_name(FIGURE_PERCENT), "explain", measure_infos[i].explain));
	for (int i = 0; i < FIGURES; i++)
		json_array_append_new(figures, json_pack("{s:s, s:s, s:s, s:s}", "name", figure_infos[i].name, "title", figure_infos[i].title, "unit",
						   figure_unit_name(figure_infos[i].unit), "explain", figure_infos[i].explain));
	return json_pack("{s:o, s:o}", "measures", measures, "figures", figures);
}

static int print_explanations(struct cli *c, json_t *all)
{
	const char *const lists[] = {"measures", "figures"};
	size_t i;
	json_t *j;
	if (cli_json(c))
		return cli_print_json(c, all);
	struct table *t = table_create();
	table_column(t, "NAME", 0);
	table_column(t, "UNIT", 0);
	table_column(t, "WHAT IT IS", TABLE_SHRINK);
	for (size_t k = 0; k < ARRAY_LEN(lists); k++) {
		json_array_foreach(json_arr(all, lists[k]), i, j) {
			table_cell(t, json_str(j, "name", ""));
			table_cell(t, json_str(j, "unit", ""));
			table_cell(t, json_str(j, "explain", ""));
		}
	}
	json_decref(all);
	return cli_print_table(c, t);
}

static int64_t tenths_of(const json_t *v)
{
	return json_is_number(v) ? (int64_t)(json_number_value(v) * 10 + 0.5) : RING_UNKNOWN;
}

/* A sign a column, each the mean of so many steps. */
static void add_history(struct str *out, const json_t *series)
{
	enum { ALL = 1000 };
	int64_t means[2 * HISTORY_COLUMNS];
	size_t n = json_array_size(series), per = n / HISTORY_COLUMNS ? n / HISTORY_COLUMNS : 1, columns = 0;
	for (size_t at = 0; at + per <= n && columns < ARRAY_LEN(means); at += per) {
		int64_t sum = 0, known = 0;
		for (size_t i = at; i < at + per; i++) {
			int64_t v = tenths_of(json_array_get(series, i));
			sum += v < 0 ? 0 : v;
			known += v >= 0;
		}
		means[columns++] = known ? sum / known : -1;
	}
	cli_spark(out, means, columns, 0, ALL);
}

static int print_nodes(struct cli *c, const json_t *answer)
{
	char buf[32], title[64];
	size_t i;
	json_t *j;
	struct table *t = table_create();
	enum measure m = measure_named(json_str(answer, "measure", ""));
	enum span s = span_named(json_str(answer, "span", ""));
	static const char *const titles[MEASURES] = {"GPU", "GPU-MEM", "LOAD", "MEM", "DISK", "NET"};
	snprintf(title, sizeof title, "%s, LAST %s", m < MEASURES ? titles[m] : "", s < SPANS ? span_infos[s].title : "");
	table_column(t, "CLUSTER", 0);
	table_column(t, "NODE", TABLE_RIGHT);
	for (int k = 0; k < MEASURES; k++)
		table_column(t, titles[k], TABLE_RIGHT);
	table_column(t, "HEARD", 0);
	table_column(t, title, 0);
	json_array_foreach(json_arr(answer, "nodes"), i, j) {
		table_cell(t, json_str(j, "cluster", ""));
		table_cellf(t, "%" PRId64, json_int(j, "rank", 0));
		for (int k = 0; k < MEASURES; k++)
			table_cell(t, measure_text(tenths_of(json_object_get(json_obj(j, "now"), measure_infos[k].name)), buf, sizeof buf));
		table_cell(t, str_eq(json_str(j, "status", ""), "GONE") ? "gone" : ago_text(json_int(j, "heard_at", 0), json_int(answer, "at", 0), buf, sizeof buf));
		struct str history = str_new(4096);
		add_history(&history, json_arr(j, "series"));
		table_cell(t, str_text(&history));
		str_free(&history);
	}
	if (!json_array_size(json_arr(answer, "nodes")))
		cli_note(c, "no nodes: skytop launch starts some");
	return cli_print_table(c, t);
}

static int64_t value_of(enum figure f, const json_t *v)
{
	if (!json_is_number(v))
		return FIGURE_UNKNOWN;
	return figure_infos[f].unit == FIGURE_PERCENT ? tenths_of(v) : (int64_t)json_number_value(v);
}

static int print_figures(struct cli *c, const json_t *answer)
{
	char buf[32];
	struct table *t = table_create();
	table_column(t, "FIGURE", 0);
	table_column(t, "VALUE", TABLE_RIGHT);
	table_column(t, "BY PROVIDER", TABLE_SHRINK);
	const json_t *figures = json_arr(answer, "figures");
	for (int i = 0; i < FIGURES; i++) {
		const json_t *j = json_array_get(figures, (size_t)i);
		struct str by = str_new(1000);
		const char *provider;
		json_t *v;
		json_object_foreach(json_obj(j, "by_provider"), provider, v)
			str_addf(&by, "%s%s %s", by.len ? ", " : "", provider, figure_text((enum figure)i, value_of((enum figure)i, v), buf, sizeof buf));
		table_cell(t, figure_infos[i].title);
		table_cell(t, figure_text((enum figure)i, value_of((enum figure)i, json_object_get(j, "value")), buf, sizeof buf));
		table_cell(t, str_text(&by));
		str_free(&by);
	}
	return cli_print_table(c, t);
}

static int run_metrics(struct cli *c)
{
	struct err err;
	int status = 0;
	if (cli_flag(c, "explain"))
		return print_explanations(c, explanations());
	json_t *params = json_object();
	const char *measure = cli_value(c, "measure"), *span = cli_value(c, "span");
	if (cli_arg(c, 0))
		json_put_str(params, "cluster", cli_arg(c, 0));
	if (measure)
		json_put_str(params, "measure", measure);
	if (span)
		json_put_str(params, "span", span);
	struct client *cl = session_open(c, true, &err);
	if (!cl) {
		json_decref(params);
		return cli_fail(c, &err);
	}
	json_t *answer = session_call(c, cl, "metrics", params, &status);
	client_close(cl);
	if (!answer)
		return status;
	if (cli_json(c))
		return cli_print_json(c, answer);
	status = print_nodes(c, answer);
	if (!cli_arg(c, 0)) {
		printf("\n");
		print_figures(c, answer);
	}
	json_decref(answer);
	return status;
}

static const struct option_spec metrics_options[] = {
    CLI_VALUE('m', "measure", "gpu|gpu-mem|cpu|mem|disk|net", "whose history is shown"),
    CLI_VALUE(0, "span", "10m|6h|7d", "how far back it goes"),
    CLI_FLAG('e', "explain", "say what each measure and figure is"),
    CLI_END,
};

const struct verb verb_metrics = {
    .name = "metrics",
    .group = GROUP_CLUSTERS,
    .summary = "How busy nodes are and were, and the engine's figures.",
    .args = "[CLUSTER]",
    .max_args = 1,
    .complete = COMPLETE_CLUSTER,
    .options = metrics_options,
    .help = "Measures come from the agents: the head's every few seconds, those of workers about once a minute. A blank in the history and - mean "
	    "that nothing is known, never 0. Figures count the last 7 days; with a cluster only its nodes are shown.",
    .run = run_metrics,
};
