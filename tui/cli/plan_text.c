/* A plan as people read it: where, on what, for how much, compared with what else there is; and how far the prices can
 * be trusted. Reads the plan's JSON, so that a plan made by the engine looks the same. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "core/model/offer.h"
#include "core/model/cloud.h"
#include "tui/cli/dryrun.h"
#include "tui/cli/table.h"

enum { INFRA_MAX = 42, ROWS_MAX = 20, OLD_MS = 60000 };

static const char *title_of(const char *cloud)
{
	const struct cloud *c = cloud_find(cloud);
	return c ? c->title : cloud;
}

/* The middle of a long text gives way. */
static void add_cut(struct str *out, const char *text, size_t max)
{
	size_t len = strlen(text);
	if (len <= max) {
		str_add(out, text);
		return;
	}
	str_addn(out, text, (max - 2) / 2);
	str_add(out, "..");
	str_add(out, text + len - (max - 2 - (max - 2) / 2));
}

static char *infra_of(const json_t *row)
{
	struct str full = str_new(400), s = str_new(400);
	const char *zone = json_str(row, "zone", NULL), *region = json_str(row, "region", "");
	str_add(&full, title_of(json_str(row, "provider", "?")));
	if (zone || *region)
		str_addf(&full, " (%s)", offer_region_text(zone ? zone : region));
	add_cut(&s, str_text(&full), INFRA_MAX);
	str_free(&full);
	return str_take(&s);
}

static void gpu_cell(struct table *t, const json_t *row)
{
	char n[32];
	const char *name = json_str(row, "accelerator", NULL);
	if (!name)
		table_cell(t, "-");
	else
		table_cellf(t, "%s:%s", name, micro_text(json_int(row, "accelerator_count_micro", 0), n, sizeof n));
}

/* Millionths, to one decimal. */
static void number_cell(struct table *t, int64_t micro)
{
	char n[32];
	table_cell(t, micro < 0 ? "?" : micro_text((micro + 50000) / 100000 * 100000, n, sizeof n));
}

/* "23.92", "~3.10" for an estimate. */
static void cost_cell(struct table *t, const json_t *row)
{
	char money[32];
	table_cellf(t, "%s%s", json_bool(row, "price_estimated", false) ? "~" : "",
	    money_text(json_int(row, "total_uusd_h", PRICE_UNKNOWN), money, sizeof money));
}

static void add_row(struct table *t, const json_t *row, bool utf8)
{
	bool chosen = json_bool(row, "chosen", false), no_quota = json_obj(row, "no_quota"), none = !strcmp(json_str(row, "available", ""), "no");
	int64_t mem = json_int(row, "mem_mib", -1);
	char *infra = infra_of(row);
	table_cell_tone(t, chosen ? TONE_BOLD : TONE_PLAIN, infra);
	table_cellf(t, "%s%s", json_str(row, "instance_type", "-"), json_bool(row, "use_spot", false) ? " [Spot]" : "");
	number_cell(t, json_int(row, "vcpus_micro", -1));
	number_cell(t, mem < 0 ? -1 : mem * 15625 / 16); /* MiB to millionths of a GiB */
	gpu_cell(t, row);
	cost_cell(t, row);
	table_cell_tone(t, chosen ? TONE_GOOD : TONE_WARN,
	    chosen				? (utf8 ? "✔" : "*")
	    : no_quota				? "no quota"
	    : none				? "no stock"
	    : json_bool(row, "over_cap", false) ? "over cap"
						: "");
	free(infra);
}

static void print_rows(FILE *out, const json_t *rows, const struct table_style *style)
{
	struct table *t = table_create();
	size_t i, shown = 0;
	json_t *row;
	table_column(t, "INFRA", 0);
	table_column(t, "INSTANCE", TABLE_SHRINK);
	table_column(t, "vCPUs", TABLE_RIGHT);
	table_column(t, "Mem(GB)", TABLE_RIGHT);
	table_column(t, "GPUS", 0);
	table_column(t, "COST ($/h)", TABLE_RIGHT);
	table_column(t, "CHOSEN", 0);
	json_array_foreach(rows, i, row) if (shown < ROWS_MAX || json_bool(row, "chosen", false)) {
		add_row(t, row, style->utf8);
		shown++;
	}
	table_print(t, out, style);
	table_destroy(t);
	if (shown < json_array_size(rows))
		fprintf(out, "and %zu more clouds or ways of use, dearer\n", json_array_size(rows) - shown);
}

/* What the account has no room for, and who says so. */
static void print_no_quota(FILE *out, const json_t *rows, int64_t now_ms)
{
	size_t i, told = 0;
	json_t *row;
	json_array_foreach(rows, i, row) {
		const json_t *q = json_obj(row, "no_quota");
		int64_t more = json_int(row, "more", 0), at = json_int(q, "as_of", 0);
		char age[32] = "";
		if (!q || told++ >= ROWS_MAX)
			continue;
		char *infra = infra_of(row);
		if (now_ms - at >= OLD_MS)
			ago_text(at, now_ms, age, sizeof age);
		fprintf(out, "Not tried: %s %s%s: no quota: ", infra, json_str(row, "instance_type", ""), json_bool(row, "use_spot", false) ? " [Spot]" : "");
		cli_put(out, json_str(q, "text", "?"));
		fprintf(out, "%s%s", age[0] ? ", asked " : "", age);
		if (more)
			fprintf(out, "; nor %" PRId64 " more place%s of this kind", more, more == 1 ? "" : "s");
		putc('\n', out);
		free(infra);
	}
}

static void add_source(struct str *s, const json_t *row, int64_t now_ms)
{
	char age[32];
	int64_t at = json_int(row, "price_as_of", 0);
	str_addf(s, "%s (%s%s)", json_str(row, "price_source", "unknown source"),
	    at ? ago_text(at, now_ms, age, sizeof age) : "age unknown",
	    json_bool(row, "price_stale", false) ? ", last update failed" : "");
}

/* Where the chosen one's price is from, and how old that of the others is. */
static void print_sources(FILE *out, const json_t *rows, int64_t now_ms)
{
	struct str s = str_new(1000);
	int64_t oldest = now_ms;
	bool estimated = false, unknown = false;
	size_t i;
	json_t *row;
	json_array_foreach(rows, i, row) {
		int64_t at = json_int(row, "price_as_of", 0);
		estimated = estimated || json_bool(row, "price_estimated", false);
		unknown = unknown || !at;
		oldest = at && at < oldest ? at : oldest;
		if (json_bool(row, "chosen", false))
			add_source(&s, row, now_ms);
	}
	fprintf(out, "Price from: %s", str_text(&s));
	if (json_array_size(rows) > 1) {
		char age[32];
		fprintf(out, "; the oldest here: %s%s", ago_text(oldest, now_ms, age, sizeof age),
		    unknown ? ", some of unknown age" : "");
	}
	fputs(estimated ? "; ~ is an estimate\n" : "\n", out);
	str_free(&s);
}

static void print_chosen(FILE *out, const json_t *chosen, bool several)
{
	char money[32];
	int64_t nodes = json_int(chosen, "num_nodes", 1);
	char *infra = infra_of(chosen);
	const char *task = json_str(chosen, "task", NULL);
	fprintf(out, "%s%s%s: %" PRId64 " node%s at %s, $%s/h\n", several ? "Task " : "Plan",
	    several && !task ? "without a name" : "", task && several ? task : "", nodes, nodes == 1 ? "" : "s", infra,
	    money_text(json_int(chosen, "total_uusd_h", PRICE_UNKNOWN), money, sizeof money));
	free(infra);
}

static void print_transfers(FILE *out, const json_t *plan)
{
	size_t i;
	json_t *x;
	json_array_foreach(json_arr(plan, "transfers"), i, x) {
		char money[32], age[32];
		const json_t *from = json_obj(x, "from"), *to = json_obj(x, "to");
		fprintf(out, "Data: %g GB from %s%s%s to %s %s, $%s, %s\n", json_number_value(json_object_get(x, "gb")),
		    json_str(from, "provider", "?"), json_str(from, "region", NULL) ? " " : "",
		    json_str(from, "region", ""), json_str(to, "provider", "?"), json_str(to, "region", ""),
		    money_text(json_int(x, "cost_uusd", PRICE_UNKNOWN), money, sizeof money),
		    duration_text(json_int(x, "time_ms", 0), age, sizeof age));
	}
}

void dryrun_print(struct cli *c, const json_t *plan)
{
	bool answer = cli_flag(c, "dryrun"), tty = answer || isatty(2);
	FILE *out = answer ? stdout : stderr;
	struct table_style style = {answer ? cli_width(c) : 0, cli_color(c) && tty, cli_utf8()};
	const json_t *tasks = json_arr(plan, "plan"), *summary = json_arr(plan, "summary");
	size_t n = json_array_size(tasks), i;
	json_t *text;
	char money[32];
	if (!answer && cli_quiet(c))
		return;
	fflush(stdout);
	for (i = 0; i < n; i++) {
		const json_t *chosen = json_array_get(tasks, i), *rows = json_array_get(summary, i);
		print_chosen(out, chosen, n > 1);
		print_rows(out, rows, &style);
		print_no_quota(out, rows, wall_now_ms());
		print_sources(out, rows, wall_now_ms());
		if (i + 1 < n)
			putc('\n', out);
	}
	print_transfers(out, plan);
	json_array_foreach(json_arr(plan, "notes"), i, text) {
		fputs("Note: ", out);
		cli_put(out, json_string_value(text));
		putc('\n', out);
	}
	if (n > 1)
		fprintf(out, "At any time at most $%s/h\n",
		    money_text(json_int(plan, "total_uusd_h", PRICE_UNKNOWN), money, sizeof money));
}
