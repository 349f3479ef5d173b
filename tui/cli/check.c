/* `skytop check`: which clouds have credentials on this machine, where they were found or looked for, and what to do; and of those clouds on
 * which skytop can launch, what they say of the account: who one is, permissions, quotas. Launching needs a provider; clouds without one are
 * told apart, rather than shown as if they would do, and "found" says nothing about "valid" there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/api/live.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/model/config.h"
#include "core/model/credentials.h"
#include "core/provider.h"
#include "tui/cli/check_account.h"
#include "tui/cli/cli.h"
#include "tui/cli/table.h"

struct row {
	const struct credentials *cloud; /* NULL: a provider that needs none */
	const struct provider *provider; /* NULL: skytop cannot launch there */
	struct credential_finding finding;
	bool off; /* by the settings */
	json_t *account; /* what the cloud says; NULL: it was not asked */
};

static const char *row_name(const struct row *r)
{
	return r->cloud ? r->cloud->cloud : r->provider->name;
}

static const char *row_state(const struct row *r)
{
	if (r->account)
		return json_bool(r->account, "enabled", false) ? "valid" : json_str(r->account, "code", NULL) ? "no answer" : "refused";
	return r->cloud ? credential_states[r->finding.state] : "not needed";
}

static bool row_has_credentials(const struct row *r)
{
	if (r->account)
		return json_bool(r->account, "enabled", false);
	return !r->cloud || r->finding.state == CREDENTIAL_FOUND;
}

static const struct provider *provider_of(struct cli *c, const char *name)
{
	const struct provider *const *p = cli_program(c)->providers;
	for (; p && *p; p++)
		if (!strcmp((*p)->name, name))
			return *p;
	return NULL;
}

/* Is it left out by the list of clouds that may be used? */
static bool unlisted(const struct config *config, const char *cloud)
{
	size_t n;
	const char *const *listed = config_clouds(config, "clouds", &n);
	for (size_t i = 0; i < n; i++)
		if (!strcmp(listed[i], cloud))
			return false;
	return n > 0;
}

/* Is a provider of this machine switched off by NAME.enabled? */
static bool disabled(const struct config *config, const char *name)
{
	char *key = xasprintf("%s.enabled", name);
	bool off = config_key_find(key) && !config_bool(config, key);
	free(key);
	return off;
}

/* Providers that need no credentials, then every cloud of the table. The caller frees. */
static struct row *all_rows(struct cli *c, const struct config *config, size_t *n)
{
	const struct provider *const *p = cli_program(c)->providers;
	struct row *rows = NULL;
	size_t cap = 0;
	*n = 0;
	for (; p && *p; p++) {
		bool off = disabled(config, (*p)->name);
		/* One that is off unless asked for is not spoken of until then. */
		if (credentials_of((*p)->name) || ((*p)->needs_flag && off))
			continue;
		ARRAY_GROW(rows, *n, cap);
		rows[(*n)++] = (struct row){.provider = *p, .off = off || unlisted(config, (*p)->name)};
	}
	for (size_t i = 0; i < credentials_n; i++) {
		const struct credentials *cloud = &credentials_table[i];
		ARRAY_GROW(rows, *n, cap);
		rows[*n] = (struct row){.cloud = cloud, .provider = provider_of(c, cloud->cloud), .off = unlisted(config, cloud->cloud)};
		credentials_look(cloud, &rows[(*n)++].finding);
	}
	return rows;
}

/* Is this row among the clouds named on the command line? "aws/us-east-1" names aws. */
static bool named(struct cli *c, const struct row *r)
{
	for (size_t i = 0; i < cli_n_args(c); i++) {
		char *name = xstrndup(cli_arg(c, i), strcspn(cli_arg(c, i), "/"));
		const struct credentials *cloud = credentials_of(name);
		bool same = cloud ? cloud == r->cloud : str_ieq(name, row_name(r));
		free(name);
		if (same)
			return true;
	}
	return false;
}

static json_t *row_json(const struct row *r)
{
	json_t *j = json_object(), *looked = json_array(), *stores = json_array();
	json_put_str(j, "cloud", row_name(r));
	json_put_str(j, "title", r->cloud ? r->cloud->title : r->provider->title);
	json_put_str(j, "credentials", r->cloud ? credential_states[r->finding.state] : "not_needed");
	json_put_bool(j, "can_launch", r->provider != NULL);
	for (const char *const *s = r->provider ? r->provider->stores : NULL; s && *s; s++)
		json_array_append_new(stores, json_string(*s));
	json_object_set_new(j, "copies_from", stores);
	json_put_bool(j, "switched_off", r->off);
	json_put_bool(j, "enabled", r->provider && row_has_credentials(r) && !r->off);
	for (size_t i = 0; i < r->finding.n; i++) {
		json_t *place = json_object();
		json_put_str(place, "where", r->finding.places[i].where);
		json_put_str(place, "credentials", credential_states[r->finding.places[i].state]);
		json_put_str(place, "why", r->finding.places[i].why[0] ? r->finding.places[i].why : NULL);
		json_array_append_new(looked, place);
	}
	json_object_set_new(j, "looked_at", looked);
	json_object_set(j, "account", r->account ? r->account : json_null());
	json_put_str(j, "advice", r->cloud && r->finding.state != CREDENTIAL_FOUND ? r->cloud->advice : NULL);
	return j;
}

static void note_cell(struct table *t, const struct row *r)
{
	const struct credential_finding *f = &r->finding;
	char line[1200];
	if (r->account)
		table_cell(t, account_line(r->account, line, sizeof line));
	else if (!r->cloud)
		table_cellf(t, r->off ? "%s; switched off by the settings (skytop config)" : "%s", r->provider->title);
	else if (f->state == CREDENTIAL_FOUND)
		table_cell(t, f->places[f->at].where);
	else if (f->state == CREDENTIAL_BROKEN)
		table_cellf(t, "%s: %s; %s", f->places[f->at].where, f->places[f->at].why, r->cloud->advice);
	else
		table_cell(t, r->cloud->advice);
}

static void add_row(struct table *t, const struct row *r, bool verbose)
{
	static const enum cli_tone tones[] = {
	    [CREDENTIAL_MISSING] = TONE_DIM, [CREDENTIAL_FOUND] = TONE_GOOD, [CREDENTIAL_BROKEN] = TONE_BAD};
	table_cell(t, row_name(r));
	table_cell_tone(t, r->account ? row_has_credentials(r) ? TONE_GOOD : TONE_BAD : r->cloud ? tones[r->finding.state] : TONE_GOOD, row_state(r));
	bool ready = r->provider && !r->off && row_has_credentials(r);
	table_cell_tone(t, ready ? TONE_GOOD : TONE_DIM, r->off ? "off" : !r->provider ? "not yet" : ready ? "yes" : "no");
	note_cell(t, r);
	for (size_t i = 0; verbose && i < r->finding.n; i++) {
		table_cell(t, "");
		table_cell_tone(t, TONE_DIM, credential_states[r->finding.places[i].state]);
		table_cell(t, "");
		table_cell_tone(t, TONE_DIM, r->finding.places[i].where);
	}
}

/* "aws, gcp and azure" of the rows without credentials, for the last line. */
static void note_missing(struct cli *c, const struct row *rows, size_t n)
{
	struct str names = str_new(4096);
	size_t k = 0;
	for (size_t i = 0; i < n; i++)
		if (rows[i].cloud && rows[i].finding.state == CREDENTIAL_MISSING)
			str_addf(&names, "%s%s", k++ ? ", " : "", row_name(&rows[i]));
	if (k)
		cli_note(c, "%zu clouds without credentials: %s\n`skytop check CLOUD` says where they belong.", k, str_text(&names));
	str_free(&names);
}

static void note_unlaunchable(struct cli *c, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!rows[i].cloud || rows[i].provider || rows[i].finding.state != CREDENTIAL_FOUND)
			continue;
		cli_note(c, "Launching where it says \"not yet\" comes with that cloud's provider; until then skytop compares its "
			    "prices. That its credentials are found does not mean that they are valid: it was not asked.");
		return;
	}
}

static int print(struct cli *c, const struct row *rows, size_t n)
{
	bool some = cli_n_args(c), verbose = cli_flag(c, "verbose") || some;
	if (cli_json(c)) {
		json_t *all = json_array();
		for (size_t i = 0; i < n; i++)
			if (!some || named(c, &rows[i]))
				json_array_append_new(all, row_json(&rows[i]));
		return cli_print_json(c, all);
	}
	struct table *t = table_create();
	table_column(t, "CLOUD", 0);
	table_column(t, "CREDENTIALS", 0);
	table_column(t, "LAUNCHES", 0);
	table_column(t, "WHERE, OR WHAT TO DO", TABLE_SHRINK);
	for (size_t i = 0; i < n; i++)
		if (some ? named(c, &rows[i]) : verbose || !rows[i].cloud || rows[i].finding.state != CREDENTIAL_MISSING)
			add_row(t, &rows[i], verbose);
	cli_print_table(c, t);
	for (size_t i = 0; i < n; i++)
		if (rows[i].account && verbose && (!some || named(c, &rows[i])))
			account_print(c, rows[i].provider->title, rows[i].account, cli_flag(c, "verbose"));
	fflush(stdout);
	if (!verbose)
		note_missing(c, rows, n);
	note_unlaunchable(c, rows, n);
	return 0;
}

/* A cloud named that is none is a mistake; one that lacks credentials makes the command fail, for scripts. */
static int check_names(struct cli *c, const struct row *rows, size_t n)
{
	const char **names = xcalloc(n + 1, sizeof *names);
	int rc = 0;
	for (size_t i = 0; i < n; i++)
		names[i] = row_name(&rows[i]);
	for (size_t a = 0; !rc && a < cli_n_args(c); a++) {
		char *name = xstrndup(cli_arg(c, a), strcspn(cli_arg(c, a), "/"));
		bool known = credentials_of(name) != NULL;
		for (size_t i = 0; i < n; i++)
			known = known || str_ieq(names[i], name);
		const char *near = known ? NULL : text_nearest(name, names, n);
		if (near)
			rc = cli_usage(c, "there is no cloud '%s'; did you mean '%s'?", name, near);
		else if (!known)
			rc = cli_usage(c, "there is no cloud '%s'; skytop check -v lists them", name);
		free(name);
	}
	free(names);
	return rc;
}

/* Those with credentials here, and those that are named: they may have some that no file shows, as machines in a cloud do. */
static void ask_clouds(struct cli *c, struct row *rows, size_t n)
{
	const struct provider **which = xcalloc(n + 1, sizeof *which);
	struct row **asked = xcalloc(n + 1, sizeof *asked);
	json_t **accounts = xcalloc(n + 1, sizeof *accounts);
	size_t k = 0;
	for (size_t i = 0; i < n && !cli_flag(c, "offline"); i++) {
		struct row *r = &rows[i];
		bool wanted = cli_n_args(c) ? named(c, r) : r->finding.state == CREDENTIAL_FOUND;
		if (!wanted || r->off || !r->provider || !live_has_list(r->provider))
			continue;
		asked[k] = r;
		which[k++] = r->provider;
	}
	if (k)
		accounts_ask(c, which, k, accounts);
	for (size_t i = 0; i < k; i++) {
		/* Where nothing is, the look at this machine says more than the cloud's own words; not so of something that would not do. */
		bool nothing = asked[i]->finding.state != CREDENTIAL_FOUND && !json_bool(accounts[i], "enabled", false) && json_bool(accounts[i], "none", true);
		if (nothing)
			json_decref(accounts[i]);
		else
			asked[i]->account = accounts[i];
	}
	free(which);
	free(asked);
	free(accounts);
}

static int run(struct cli *c)
{
	size_t n;
	struct config *config = config_load(NULL);
	struct row *rows = all_rows(c, config, &n);
	for (size_t i = 0; i < config_n_problems(config); i++)
		cli_note(c, "%s", config_problem(config, i));
	int rc = check_names(c, rows, n);
	if (!rc && cli_flag(c, "names")) {
		for (size_t i = 0; i < n; i++)
			puts(row_name(&rows[i]));
	} else if (!rc) {
		ask_clouds(c, rows, n);
		rc = print(c, rows, n);
		for (size_t i = 0; !rc && i < n; i++)
			if (named(c, &rows[i]) && !row_has_credentials(&rows[i]))
				rc = CLI_CREDENTIALS;
	}
	for (size_t i = 0; i < n; i++)
		json_decref(rows[i].account);
	free(rows);
	config_destroy(config);
	return rc;
}

static const struct option_spec options[] = {
    CLI_FLAG('v', "verbose", "every cloud, every place that was looked at, every permission and quota"),
    CLI_FLAG(0, "offline", "ask no cloud: only say what is found on this machine"),
    CLI_FLAG(0, "names", "print the names of the clouds alone", .hidden = true),
    CLI_END,
};

const struct verb verb_check = {
    .name = "check",
    .group = GROUP_HELP,
    .summary = "Say which clouds have credentials here, who you are there, and what is missing.",
    .args = "[CLOUD...]",
    .max_args = -1,
    .complete = COMPLETE_CLOUD,
    .options = options,
    .help = "Looks where each cloud's own tools keep their credentials, and asks the clouds on which skytop can launch who you are, what you may do "
	    "and what quotas allow. Of the others \"found\" does not mean \"valid\". No secret is read out. With clouds named, their permissions and "
	    "quotas are shown, and the exit status is 4 when one of them has no credentials that will do.",
    .run = run,
};
