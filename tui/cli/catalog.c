/* `skytop catalog …`: where the prices come from, and how newer ones get in. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/model/config.h"
#include "core/store/catalog.h"
#include "tui/cli/catalog_live.h"
#include "tui/cli/cli.h"
#include "tui/cli/table.h"

/* --- import and update: what became of each cloud ----------------------------------------------------------------------*/

static json_t *cloud_json(const struct import_cloud *r)
{
	json_t *j = json_object();
	json_put_str(j, "cloud", r->cloud);
	json_put_str(j, "file", r->file);
	json_put_int(j, "lines", (int64_t)r->rows);
	json_put_int(j, "offers", (int64_t)r->offers);
	json_put_int(j, "skipped", (int64_t)r->skipped);
	json_put_int(j, "merged", (int64_t)r->merged);
	json_put_int(j, "unmatched", (int64_t)r->unmatched);
	json_put_int(j, "added", (int64_t)r->added);
	json_put_int(j, "removed", (int64_t)r->removed);
	json_put_int(j, "changed", (int64_t)r->changed);
	json_put_bool(j, "unchanged", r->unchanged);
	json_put_bool(j, "absent", r->absent);
	json_put_str(j, "refused", r->refused);
	return j;
}

static json_t *report_json(const struct import_report *r)
{
	json_t *j = json_object(), *clouds = json_array(), *problems = json_array();
	for (size_t i = 0; i < r->n_clouds; i++)
		json_array_append_new(clouds, cloud_json(&r->clouds[i]));
	for (size_t i = 0; i < r->n_problems; i++)
		json_array_append_new(problems, json_foreign(r->problems[i]));
	json_object_set_new(j, "clouds", clouds);
	json_object_set_new(j, "problems", problems);
	json_put_str(j, "warning", r->warning);
	return j;
}

static void cell_count(struct table *t, size_t n)
{
	if (n)
		table_cellf(t, "%zu", n);
	else
		table_cell(t, "-");
}

static void report_row(struct table *t, const struct import_cloud *r)
{
	table_cell_tone(t, TONE_ACCENT, r->cloud);
	cell_count(t, r->rows);
	cell_count(t, r->offers);
	cell_count(t, r->added);
	cell_count(t, r->removed);
	cell_count(t, r->changed);
	cell_count(t, r->skipped);
	if (r->refused)
		table_cell_tone(t, TONE_BAD, "kept as it was");
	else
		table_cell_tone(t, r->absent ? TONE_DIM : TONE_GOOD, r->absent ? "not hosted" : r->unchanged ? "nothing new" : "taken");
}

static int print_report(struct cli *c, const struct import_report *r)
{
	static const char *const titles[] = {"CLOUD", "LINES", "OFFERS", "ADDED", "REMOVED", "PRICE CHANGED", "BAD LINES", "RESULT"};
	if (cli_json(c))
		return cli_print_json(c, report_json(r));
	struct table *t = table_create();
	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		table_column(t, titles[i], i > 0 && i + 1 < ARRAY_LEN(titles) ? TABLE_RIGHT : 0);
	for (size_t i = 0; i < r->n_clouds; i++)
		report_row(t, &r->clouds[i]);
	return cli_print_table(c, t);
}

static void note_report(struct cli *c, const struct import_report *r)
{
	if (r->warning)
		cli_note(c, "%s", r->warning);
	for (size_t i = 0; i < r->n_problems; i++)
		cli_note(c, "%s", r->problems[i]);
	for (size_t i = 0; i < r->n_clouds; i++) {
		const struct import_cloud *k = &r->clouds[i];
		if (k->refused)
			cli_note(c, "%s: refused, its offers are kept as they were: %s", k->cloud, k->refused);
		else if (k->skipped)
			cli_note(c, "%s: %zu bad line%s skipped", k->file, k->skipped, k->skipped == 1 ? "" : "s");
		if (k->unmatched)
			cli_note(c, "%s: %zu accelerator line%s without a machine that takes them", k->file, k->unmatched,
			    k->unmatched == 1 ? "" : "s");
	}
}

/* 1 when something was refused though something else was taken. */
static int report_status(const struct import_report *r)
{
	for (size_t i = 0; i < r->n_clouds; i++)
		if (r->clouds[i].refused)
			return CLI_FAILED;
	return CLI_OK;
}

static int end_import(struct cli *c, int rc, struct import_report *report, const struct err *err)
{
	int status;
	note_report(c, report);
	if (rc < 0) {
		status = cli_fail(c, err);
	} else {
		print_report(c, report);
		status = report_status(report);
	}
	import_report_free(report);
	return status;
}

static int run_import(struct cli *c)
{
	struct import_report report = {0};
	struct err err;
	int64_t as_of_ms = 0;
	const char *as_of = cli_value(c, "as-of");
	if (as_of && !time_parse(as_of, &as_of_ms))
		return cli_usage(c, "--as-of %s: not a date (YYYY-MM-DD)", as_of);
	char *dir = path_expand(cli_arg(c, 0));
	int rc = catalog_import(dir, as_of_ms, &report, &err);
	free(dir);
	return end_import(c, rc, &report, &err);
}

static const struct option_spec import_options[] = {
    CLI_VALUE(0, "as-of", "DATE", "the day of the figures; otherwise the time of each file"),
    CLI_END,
};

const struct verb verb_catalog_import = {
    .name = "catalog import",
    .group = GROUP_PRICES,
    .summary = "Take prices from files in SkyPilot's layout.",
    .args = "DIR",
    .min_args = 1,
    .max_args = 1,
    .complete = COMPLETE_DIR,
    .options = import_options,
    .help = "DIR has a folder for each cloud with a vms.csv in it (as ~/.sky/catalogs/v8), or is such a folder itself. The columns "
	    "InstanceType, Price and Region are needed; AcceleratorName, AcceleratorCount, vCPUs, MemoryGiB, GpuInfo, SpotPrice, "
	    "AvailabilityZone and Arch are read when they are there.\n\n"
	    "All offers of those clouds are replaced in one step; other clouds stay as they are. Bad lines are reported and skipped; a file "
	    "with a bad header, or with more than a tenth bad lines, is refused and its cloud keeps what it had (exit status 1).",
    .run = run_import,
};

/* --- update -----------------------------------------------------------------------------------------------------------*/

static int run_update(struct cli *c)
{
	struct import_report report = {0};
	struct err err;
	int64_t timeout_s = 0;
	if (cli_int(c, "timeout", 1, 3600, &timeout_s, &err) < 0)
		return cli_fail(c, &err);
	if (cli_flag(c, "live")) {
		if (cli_value(c, "url"))
			return cli_usage(c, "--url is where hosted lists are; --live asks the clouds themselves");
		int live = catalog_live(c, timeout_s * 1000, &report, &err);
		return end_import(c, live, &report, &err);
	}
	struct config *config = config_load(NULL);
	for (size_t i = 0; i < config_n_problems(config); i++)
		cli_note(c, "%s", config_problem(config, i));
	const char *url = cli_value(c, "url");
	struct catalog_update want = {.url = url ? url : config_text(config, "catalog.url"), .proxy = config_text(config, "http.proxy"),
	    .ca_file = config_text(config, "http.ca_file"), .clouds = cli_args(c),
	    .force = cli_flag(c, "force"), .deadline_ms = timeout_s * 1000};
	int rc = catalog_update(&want, &report, &err);
	config_destroy(config);
	return end_import(c, rc, &report, &err);
}

static const struct option_spec update_options[] = {
    CLI_VALUE(0, "url", "URL", "where the lists are: URL/CLOUD/vms.csv; otherwise catalog.url of the config"),
    CLI_FLAG(0, "live", "ask the clouds themselves instead, with your credentials where they need some"),
    CLI_FLAG(0, "progress", "with --live: lines on stderr that say how far it is, also where that is no terminal"),
    CLI_FLAG(0, "force", "fetch lists that did not change, and take a list however short it is"),
    CLI_VALUE(0, "timeout", "SECONDS", "give up after so long (120; with --live 900)"),
    CLI_END,
};

const struct verb verb_catalog_update = {
    .name = "catalog update",
    .group = GROUP_PRICES,
    .summary = "Fetch the newest prices, those that SkyPilot hosts or the clouds' own.",
    .args = "[CLOUD...]",
    .max_args = -1,
    .complete = COMPLETE_CLOUD,
    .options = update_options,
    .help = "Lists that did not change since the last time are not sent again. A cloud whose list cannot be had, is broken, or has "
	    "less than half of the offers it had before, keeps its prices and is marked stale (exit status 1); the others are taken in "
	    "one step. Prices that changed are kept as history.\n\n"
	    "With --live each cloud is asked for all that it sells, spot prices as well: those that are named, else all that have credentials "
	    "here or need none (Azure). A cloud's offers are replaced when its whole answer came; one that breaks off changes nothing. AWS named "
	    "and without keys gives its public price list: no spot prices, some 200 MB for each region that changed (aws.regions says which to take).",
    .run = run_update,
};

/* --- status -----------------------------------------------------------------------------------------------------------*/

static json_t *source_json(const struct catalog_source *q, int64_t now_ms)
{
	char buf[32];
	json_t *j = json_object();
	json_put_str(j, "cloud", q->cloud);
	json_put_str(j, "source", q->name);
	json_put_int(j, "offers", (int64_t)q->n_offers);
	json_put_str(j, "as_of", q->as_of_ms ? time_rfc3339(q->as_of_ms, buf, sizeof buf) : NULL);
	json_put_bool(j, "as_of_known", q->as_of_known);
	json_put_int(j, "age_s", q->as_of_ms ? (now_ms - q->as_of_ms) / 1000 : -1);
	json_put_bool(j, "spot_estimated", q->spot_estimated);
	json_put_bool(j, "stale", q->stale);
	json_put_str(j, "problem", q->problem);
	return j;
}

static int status_json(struct cli *c, struct catalog *catalog, const struct catalog_status *s, int64_t now_ms)
{
	json_t *j = json_object(), *sources = json_array();
	json_put_str(j, "path", s->path);
	json_put_int(j, "bytes", s->file_bytes);
	json_put_int(j, "offers", (int64_t)s->n_offers);
	json_put_int(j, "types", (int64_t)s->n_types);
	json_put_int(j, "places", (int64_t)s->n_places);
	json_put_int(j, "price_changes", (int64_t)s->n_history);
	json_put_bool(j, "from_snapshot", s->from_snapshot);
	json_put_str(j, "warning", catalog_warning(catalog));
	for (size_t i = 0; i < s->n_sources; i++)
		json_array_append_new(sources, source_json(&s->sources[i], now_ms));
	json_object_set_new(j, "sources", sources);
	return cli_print_json(c, j);
}

static void source_row(struct table *t, const struct catalog_source *q, int64_t now_ms)
{
	char date[32], age[32];
	table_cell_tone(t, TONE_ACCENT, q->cloud);
	table_cellf(t, "%zu", q->n_offers);
	table_cellf(t, "%.*s", q->as_of_known ? 10 : 4, time_rfc3339(q->as_of_ms, date, sizeof date));
	table_cell(t, q->as_of_known ? ago_text(q->as_of_ms, now_ms, age, sizeof age) : "day unknown");
	if (q->stale)
		table_cell_tone(t, TONE_BAD, "stale");
	else
		table_cell(t, q->spot_estimated ? "spot estimated" : "");
	table_cell(t, q->name);
}

static int status_text(struct cli *c, const struct catalog_status *s, int64_t now_ms)
{
	static const char *const titles[] = {"CLOUD", "OFFERS", "AS OF", "AGE", "STATE", "SOURCE"};
	struct table *t = table_create();
	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		table_column(t, titles[i], i == 1 ? TABLE_RIGHT : i == 5 ? TABLE_SHRINK : 0);
	for (size_t i = 0; i < s->n_sources; i++)
		source_row(t, &s->sources[i], now_ms);
	cli_print_table(c, t);
	for (size_t i = 0; i < s->n_sources; i++)
		if (s->sources[i].problem)
			cli_note(c, "%s: the last update failed: %s", s->sources[i].cloud, s->sources[i].problem);
	cli_note(c, "%zu offers of %zu machine types in %zu places, %zu price changes, %.1f MB: %s%s", s->n_offers, s->n_types, s->n_places,
	    s->n_history, (double)s->file_bytes / 1e6, s->path, s->from_snapshot ? " (the prices that came with skytop)" : "");
	return 0;
}

/* Old prices are said to be old; fetching is left to whoever pays for it. */
static void note_age(struct cli *c, const struct catalog_status *s, int64_t now_ms)
{
	enum { HOUR_MS = 3600000 };
	struct config *config = config_load(NULL);
	int64_t limit = config_int(config, "catalog.max_age_hours"), newest = 0;
	for (size_t i = 0; i < s->n_sources; i++)
		if (s->sources[i].updated_at_ms > newest)
			newest = s->sources[i].updated_at_ms;
	if (s->from_snapshot || now_ms - newest > limit * HOUR_MS)
		cli_note(c, "the prices are older than catalog.max_age_hours (%" PRId64 "): skytop catalog update fetches newer ones", limit);
	config_destroy(config);
}

static int run_status(struct cli *c)
{
	struct err err;
	int rc;
	int64_t now_ms = wall_now_ms();
	struct catalog *catalog = catalog_open(&err);
	if (!catalog)
		return cli_fail(c, &err);
	const struct catalog_status *s = catalog_status(catalog, &err);
	if (s && catalog_warning(catalog))
		cli_note(c, "%s", catalog_warning(catalog));
	if (!s)
		rc = cli_fail(c, &err);
	else
		rc = cli_json(c) ? status_json(c, catalog, s, now_ms) : status_text(c, s, now_ms);
	if (s && !cli_json(c))
		note_age(c, s, now_ms);
	catalog_close(catalog);
	return rc;
}

const struct verb verb_catalog_status = {
    .name = "catalog status",
    .aliases = "catalog",
    .group = GROUP_PRICES,
    .summary = "Show where the prices come from, and how old they are.",
    .run = run_status,
};

static int run_path(struct cli *c)
{
	char *path = catalog_path();
	if (cli_json(c)) {
		json_t *j = json_object();
		json_put_str(j, "path", path);
		cli_print_json(c, j);
	} else {
		puts(path);
	}
	free(path);
	return 0;
}

const struct verb verb_catalog_path = {
    .name = "catalog path",
    .group = GROUP_PRICES,
    .summary = "Print where catalog.db is.",
    .help = "It is an SQLite database; its view `offers` is made for looking:\n\n"
	    "  sqlite3 -readonly \"$(skytop catalog path)\" \"SELECT * FROM offers ORDER BY price LIMIT 10\"",
    .run = run_path,
};
