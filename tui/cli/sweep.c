/* sweep: machines on one's accounts that skytop made and that the engine does not know. They may be another skytop's of the same user, so
 * nothing is done to them unless it is said, and destroying them is asked for by id. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "core/provider.h"
#include "tui/cli/session.h"
#include "tui/cli/table.h"

enum { SWEEP_MS = 300000 };

/* Why it is here, for people. */
static const char *kind_text(const json_t *j)
{
	static const struct {
		const char *kind, *text;
	} kinds[] = {{"cluster", "its cluster is not known here"}, {"left", "its cluster does not know it"}, {"late", "it came after it was given up"},
	    {"ending", "it could not be ended yet"}};
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (str_eq(json_str(j, "kind", NULL), kinds[i].kind))
			return kinds[i].text;
	return "";
}

static void machine_row(struct table *t, const json_t *j, int64_t now)
{
	char buf[160], money[40];
	int64_t made = json_int(j, "created_at", 0), price = json_int(j, "price_uusd_h", PRICE_UNKNOWN);
	bool stopped = str_eq(json_str(j, "status", NULL), "STOPPED");
	table_cell(t, session_infra(j, buf, sizeof buf));
	table_cell(t, json_str(j, "cluster", "-"));
	table_cell(t, json_str(j, "id", "?"));
	table_cellf(t, "%s%s", json_str(j, "instance_type", "?"), json_bool(j, "use_spot", false) ? " [spot]" : "");
	table_cell(t, json_str(j, "status", "?"));
	table_cell(t, made ? duration_text(now - made, buf, sizeof buf) : "?");
	table_cellf(t, "%s%s", json_bool(j, "price_estimated", false) && !stopped ? "~" : "", stopped ? "disk" : money_text(price, money, sizeof money));
	table_cell(t, kind_text(j));
}

/* "$1.20 an hour" of those that run; '+': and something whose price is not known. */
static const char *total(const json_t *machines, char *buf, size_t size)
{
	int64_t sum = 0;
	bool unknown = false, guessed = false;
	char money[40];
	size_t i;
	json_t *j;
	json_array_foreach(machines, i, j) {
		bool known = json_is_integer(json_object_get(j, "price_uusd_h"));
		if (str_eq(json_str(j, "status", NULL), "STOPPED") || json_bool(j, "simulated", false))
			continue;
		sum += json_int(j, "price_uusd_h", 0);
		unknown = unknown || !known;
		guessed = guessed || json_bool(j, "price_estimated", false);
	}
	snprintf(buf, size, "%s$%s%s an hour", guessed ? "~" : "", money_text(sum, money, sizeof money), unknown ? "+" : "");
	return buf;
}

/* Clouds that could not be asked. Whoever named one wants to know; one without credentials is not spoken of otherwise. */
static int note_silent(struct cli *c, const json_t *result)
{
	int status = 0;
	size_t i;
	json_t *j;
	json_array_foreach(json_arr(result, "clouds"), i, j) {
		enum err_code code = err_code_of(json_str(j, "code", ""));
		if (json_bool(j, "asked", false) || (!cli_n_args(c) && code == ERR_CREDENTIALS))
			continue;
		cli_note(c, "%s could not be asked: %s", json_str(j, "title", "?"), json_str(j, "reason", "?"));
		status = err_info(code)->exit_status;
	}
	return status;
}

static size_t n_asked(const json_t *result)
{
	size_t i, n = 0;
	json_t *j;
	json_array_foreach(json_arr(result, "clouds"), i, j)
		n += json_bool(j, "asked", false);
	return n;
}

static void print_machines(struct cli *c, const json_t *result)
{
	static const char *const titles[] = {"INFRA", "CLUSTER", "MACHINE", "TYPE", "STATUS", "AGE", "$/H", "WHY"};
	const json_t *machines = json_arr(result, "machines");
	char money[80];
	size_t i;
	json_t *j;
	struct table *t = table_create();
	for (i = 0; i < ARRAY_LEN(titles); i++)
		table_column(t, titles[i], i == 6 ? TABLE_RIGHT : i + 1 == ARRAY_LEN(titles) ? TABLE_SHRINK : 0);
	json_array_foreach(machines, i, j)
		machine_row(t, j, json_int(result, "at", 0));
	cli_print_table(c, t);
	size_t ending = 0, n = json_array_size(machines);
	json_array_foreach(machines, i, j)
		ending += str_eq(json_str(j, "kind", NULL), "ending");
	cli_note(c, "%zu machine%s that skytop made and %s here: %s.%s%s", n, n == 1 ? "" : "s", ending == n ? "could not end" : "does not know",
	    total(machines, money, sizeof money), ending < n ? " They may be another skytop's of yours, on another machine." : "",
	    ending ? " What could not be ended is tried again by itself." : "");
}

/* Those that may be taken in, when that is what is wanted: the others stay. */
static json_t *chosen(struct cli *c, const json_t *result, bool adopt)
{
	json_t *a = json_array(), *j;
	size_t i;
	json_array_foreach(json_arr(result, "machines"), i, j) {
		if (!adopt || json_bool(j, "adoptable", false))
			json_array_append(a, j);
		else
			cli_note(c, "%s cannot be adopted: %s", json_str(j, "id", "?"), kind_text(j));
	}
	return a;
}

/* {provider: [id…]}, in the order of the machines. */
static json_t *by_provider(const json_t *machines)
{
	json_t *out = json_object(), *j;
	size_t i;
	json_array_foreach(machines, i, j) {
		const char *name = json_str(j, "provider", "?");
		if (!json_object_get(out, name))
			json_object_set_new(out, name, json_array());
		json_array_append(json_object_get(out, name), json_object_get(j, "id"));
	}
	return out;
}

static int act(struct cli *c, struct client *cl, const json_t *machines, const char *action, json_t *done)
{
	int worst = 0;
	const char *provider;
	json_t *groups = by_provider(machines), *ids;
	json_object_foreach(groups, provider, ids) {
		json_t *result = NULL;
		int status = session_request(c, cl, "sweep", json_pack("{s:s, s:s, s:O}", "provider", provider, "action", action, "ids", ids), &result);
		worst = status ? status : worst;
		if (result)
			json_array_append_new(done, json_pack("{s:s, s:s, s:o}", "provider", provider, "action", action, "result", result));
		if (status == CLI_INTERRUPTED)
			break;
	}
	json_decref(groups);
	return worst;
}

static const char *ids_text(const json_t *machines, char *buf, size_t size)
{
	struct str s = str_new(4000);
	size_t i, n = json_array_size(machines);
	json_t *j;
	json_array_foreach(machines, i, j)
		if (i < 20)
			str_addf(&s, "%s%s (%s)", i ? ", " : "", json_str(j, "id", "?"), json_str(j, "cluster", "?"));
	if (n > 20)
		str_addf(&s, " and %zu more", n - 20);
	snprintf(buf, size, "%s", str_text(&s));
	str_free(&s);
	return buf;
}

static int adopt_or_destroy(struct cli *c, struct client *cl, json_t *result, bool adopt)
{
	char names[4100], money[80];
	json_t *machines = chosen(c, result, adopt), *done = json_array();
	size_t n = json_array_size(machines);
	int status = 0;
	if (n && !adopt)
		status = cli_confirm(c, "Destroy for good, with all that is on their disks: %s (%s)?", ids_text(machines, names, sizeof names),
		    total(machines, money, sizeof money));
	if (n && !status)
		status = act(c, cl, machines, adopt ? "adopt" : "destroy", done);
	if (n && !status && !cli_flag(c, "async"))
		cli_note(c, "%s: done", adopt ? "adopted; skytop status shows them" : "destroyed, confirmed gone");
	if (cli_json(c) && !status && !cli_flag(c, "async")) {
		json_object_set(result, "done", done);
		cli_print_json(c, json_incref(result));
	}
	json_decref(machines);
	json_decref(done);
	return status;
}

static json_t *clouds_of(struct cli *c)
{
	json_t *a = json_array();
	for (size_t i = 0; i < cli_n_args(c); i++)
		json_array_append_new(a, json_foreign(cli_arg(c, i)));
	return a;
}

static int check_clouds(struct cli *c)
{
	const struct provider *const *p = cli_program(c)->providers;
	const char *names[100];
	size_t n = 0;
	for (; *p && n < ARRAY_LEN(names); p++)
		names[n++] = (*p)->name;
	for (size_t i = 0; i < cli_n_args(c); i++) {
		bool known = false;
		for (size_t k = 0; k < n; k++)
			known = known || !strcmp(names[k], cli_arg(c, i));
		const char *near = known ? NULL : text_nearest(cli_arg(c, i), names, n);
		if (!known)
			return cli_usage(c, "skytop makes no machines on '%s'%s%s%s", cli_arg(c, i), near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	}
	return 0;
}

static int run_sweep(struct cli *c)
{
	struct err err;
	bool adopt = cli_flag(c, "adopt"), destroy = cli_flag(c, "destroy");
	if (adopt && destroy)
		return cli_usage(c, "--adopt and --destroy do not go together");
	int status = check_clouds(c);
	struct client *cl = status ? NULL : session_open(c, true, &err);
	if (!cl)
		return status ? status : cli_fail(c, &err);
	json_t *result = client_call(cl, "sweep", json_pack("{s:o}", "clouds", clouds_of(c)), SWEEP_MS, &err);
	if (!result) {
		client_close(cl);
		return cli_fail(c, &err);
	}
	int silent = note_silent(c, result);
	bool any = json_array_size(json_arr(result, "machines")) > 0;
	if (any && !cli_json(c))
		print_machines(c, result);
	else if (!any)
		cli_note(c, n_asked(result) ? "nothing: all machines that skytop made there are known" : "no cloud could be asked");
	if (adopt || destroy)
		status = adopt_or_destroy(c, cl, result, adopt);
	else if (cli_json(c))
		cli_print_json(c, json_incref(result));
	else if (any)
		cli_note(c, "`skytop sweep --adopt` takes their clusters in, `--destroy` ends them.");
	json_decref(result);
	client_close(cl);
	return status ? status : silent;
}

static const struct option_spec options[] = {
    CLI_FLAG(0, "adopt", "take their clusters in: then status, down and ssh know them"),
    CLI_FLAG(0, "destroy", "end them for good, disks and all"),
    CLI_YES,
    CLI_FLAG(0, "async", "with --adopt or --destroy: print the requests' ids and do not wait", .negatable = true),
    CLI_END,
};

const struct verb verb_sweep = {
    .name = "sweep",
    .group = GROUP_CLUSTERS,
    .summary = "Find machines that skytop made and does not know here; adopt or destroy them.",
    .args = "[CLOUD...]",
    .max_args = -1,
    .complete = COMPLETE_CLOUD,
    .options = options,
    .help = "Asks every cloud for all machines that carry this user's marks, and shows those that no cluster here knows: left behind when the engine's state "
	    "was lost, or another skytop's of the same user, on another machine. Nothing is done to them unless asked for. Destroyed means that the cloud says "
	    "that they are gone.\n\n"
	    "A ~ before a price means that it is the catalog's, not the cloud's own word. The engine does the same by itself when it starts: what it once knew it "
	    "takes in again, the rest is an event.",
    .run = run_sweep,
};
