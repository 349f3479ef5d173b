/* `skytop ssh-pool …`: machines of one's own. What is known of them is asked by the engine, which has the connections; the file that lists them is
 * changed here. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/model/yaml.h"
#include "tui/cli/pool_file.h"
#include "tui/cli/session.h"
#include "tui/cli/table.h"

enum { INSPECT_MS = 90000, EVENTS_LOOKED_AT = 5000, FILE_MAX = 4 << 20 };

/* ---- asking ------------------------------------------------------------------------------------------------------ */

/* The report of the provider; settings as the file would say, NULL: as it says. settings is taken. NULL: *status, all said. */
static json_t *inspect(struct cli *c, json_t *settings, json_t **events, int *status)
{
	struct err err;
	struct client *cl = session_open(c, true, &err);
	json_t *params = json_pack("{s:s}", "provider", "ssh");
	if (settings)
		json_object_set_new(params, "settings", settings);
	if (!cl)
		json_decref(params);
	json_t *r = cl ? client_call(cl, "inspect", params, INSPECT_MS, &err) : NULL;
	if (!r)
		*status = cli_fail(c, &err);
	if (events)
		*events = r ? client_call(cl, "events", json_pack("{s:i}", "limit", EVENTS_LOOKED_AT), INSPECT_MS, NULL) : NULL;
	client_close(cl);
	return r;
}

/* Since when a host is silent: its last event says so, unless that is that it answers. 0: not known. */
static int64_t silent_since(const json_t *events, const json_t *host)
{
	const char *name = json_str(host, "reached_as", "");
	for (size_t i = json_array_size(events); i-- > 0;) {
		const json_t *e = json_array_get(events, i);
		const char *kind = json_str(e, "kind", "");
		if (strcmp(json_str(json_obj(e, "data"), "host", ""), name) || strncmp(kind, "host.", 5))
			continue;
		return strcmp(kind, "host.lost") ? 0 : json_int(e, "at", 0);
	}
	return 0;
}

/* Is the row named on the command line, as POOL or POOL/HOST? Without names all are. */
static bool named(struct cli *c, const json_t *h)
{
	const char *pool = json_str(h, "pool", ""), *host = json_str(h, "host", "");
	for (size_t i = 0; i < cli_n_args(c); i++) {
		const char *arg = cli_arg(c, i), *slash = strchr(arg, '/');
		size_t n = slash ? (size_t)(slash - arg) : strlen(arg);
		if (strlen(pool) == n && !strncmp(arg, pool, n) && (!slash || !strcmp(slash + 1, host)))
			return true;
	}
	return !cli_n_args(c);
}

/* Keep the rows that are named. A name that is none is an error. */
static int choose(struct cli *c, json_t *report)
{
	json_t *rows = json_arr(report, "hosts"), *kept = json_array(), *h;
	size_t i;
	json_array_foreach(rows, i, h)
		if (named(c, h))
			json_array_append(kept, h);
	bool none = cli_n_args(c) && !json_array_size(kept);
	json_object_set_new(report, "hosts", kept);
	struct err err;
	if (!none)
		return 0;
	err_set(&err, ERR_NOT_FOUND, "there is no pool or host '%s' in %s", cli_arg(c, 0), json_str(report, "file", "the list of pools"));
	return cli_fail(c, &err);
}

static void put_since(json_t *report, const json_t *events)
{
	size_t i;
	json_t *h;
	json_array_foreach(json_arr(report, "hosts"), i, h) {
		int64_t at = json_bool(h, "answers", false) ? 0 : silent_since(events, h);
		json_object_set_new(h, "silent_since", at ? json_integer(at) : json_null());
	}
}

/* The report, of the hosts named; NULL: *status. */
static json_t *report(struct cli *c, int *status)
{
	json_t *events, *r = inspect(c, NULL, &events, status);
	if (!r)
		return NULL;
	put_since(r, events);
	json_decref(events);
	*status = choose(c, r);
	if (!*status)
		return r;
	json_decref(r);
	return NULL;
}

/* ---- list -------------------------------------------------------------------------------------------------------- */

static void gpus_cell(struct table *t, const json_t *h)
{
	struct str s = str_new(300);
	size_t i;
	json_t *g;
	json_array_foreach(json_arr(h, "gpus"), i, g)
		str_addf(&s, "%s%" PRId64 "/%" PRId64 " %s", i ? ", " : "", json_int(g, "free", 0), json_int(g, "count", 0), json_str(g, "model", "?"));
	table_cell(t, s.len ? str_text(&s) : "-");
	str_free(&s);
}

static void leases_cell(struct table *t, const json_t *h)
{
	struct str s = str_new(600);
	size_t i;
	json_t *l;
	json_array_foreach(json_arr(h, "leases"), i, l) {
		const char *state = json_str(l, "state", ""), *user = json_str(l, "user", "?");
		str_addf(&s, "%s%s[%" PRId64 "]", i ? ", " : "", json_str(l, "cluster", "?"), json_int(l, "rank", 0));
		if (!json_bool(l, "ours", false))
			str_addf(&s, " of %s, elsewhere", user);
		if (strcmp(state, "RUNNING"))
			str_addf(&s, " (%s)", state);
	}
	table_cell(t, s.len ? str_text(&s) : "-");
	str_free(&s);
}

static void free_cell(struct table *t, const json_t *h, const char *free_key, const char *all_key, int64_t unit)
{
	if (json_is_integer(json_object_get(h, all_key)))
		table_cellf(t, "%" PRId64 "/%" PRId64, json_int(h, free_key, 0) / unit, json_int(h, all_key, 0) / unit);
	else
		table_cell(t, "-");
}

static void state_cell(struct table *t, const json_t *h)
{
	char buf[64], text[100];
	int64_t since = json_int(h, "silent_since", 0);
	if (json_bool(h, "usable", false)) {
		table_cell_tone(t, TONE_GOOD, "ok");
	} else if (json_bool(h, "answers", false)) {
		table_cell_tone(t, TONE_WARN, "not used");
	} else {
		snprintf(text, sizeof text, since ? "silent since %s" : "silent", since ? ago_text(since, wall_now_ms(), buf, sizeof buf) : "");
		table_cell_tone(t, TONE_BAD, text);
	}
}

static void note_notes(struct cli *c, const json_t *r)
{
	size_t i;
	json_t *n;
	json_array_foreach(json_arr(r, "notes"), i, n)
		cli_note(c, "%s", json_string_value(n));
}

static int run_list(struct cli *c)
{
	static const char *const titles[] = {"POOL", "HOST", "STATE", "FREE CPUS", "FREE GB", "FREE GPUS", "LEASES"};
	int status = 0;
	json_t *r = report(c, &status), *h;
	size_t i;
	if (!r)
		return status;
	if (cli_json(c))
		return cli_print_json(c, r);
	if (!json_array_size(json_arr(r, "hosts"))) {
		cli_note(c, "%s", json_str(r, "reason", "no machines are listed"));
		json_decref(r);
		return 0;
	}
	struct table *t = table_create();
	for (i = 0; i < ARRAY_LEN(titles); i++)
		table_column(t, titles[i], i == 3 || i == 4 ? TABLE_RIGHT : 0);
	table_column(t, "NOTE", TABLE_SHRINK);
	json_array_foreach(json_arr(r, "hosts"), i, h) {
		table_cell(t, json_str(h, "pool", "?"));
		table_cell(t, json_str(h, "host", "?"));
		state_cell(t, h);
		free_cell(t, h, "free_cpus", "cpus", 1);
		free_cell(t, h, "free_mem_mib", "mem_mib", 1024);
		gpus_cell(t, h);
		leases_cell(t, h);
		table_cell(t, json_str(h, "why", ""));
	}
	cli_print_table(c, t);
	note_notes(c, r);
	json_decref(r);
	return 0;
}

const struct verb verb_ssh_pool_list = {
    .name = "ssh-pool list",
    .aliases = "ssh-pool",
    .group = GROUP_HELP,
    .summary = "List your own machines: how they are, what is free on them, who has leased what.",
    .args = "[POOL | POOL/HOST...]",
    .max_args = -1,
    .help = "Machines are listed in ssh_pools.yaml in the config folder, else in ~/.sky/ssh_node_pools.yaml:\n\n"
	    "    lab:\n"
	    "      user: ubuntu\n"
	    "      identity_file: ~/.ssh/lab\n"
	    "      hosts:\n"
	    "        - 10.0.0.7\n"
	    "        - gpu-box                # a name from ~/.ssh/config\n"
	    "        - ip: 10.0.0.9\n"
	    "          port: 2222\n"
	    "          jump: me@gateway       # as ssh's ProxyJump\n"
	    "          price_per_hour: 4      # of the whole machine; 0 when not said\n"
	    "          gpus: MI300X:8         # where nvidia-smi cannot tell\n"
	    "          max_leases: 2\n\n"
	    "Keys may stand in a pool or in a host. `infra: ssh` in a task means any of them, `ssh/lab` a pool. A host that does not answer is "
	    "left out, and used again when it does.",
    .run = run_list,
};

/* ---- check ------------------------------------------------------------------------------------------------------- */

static void print_problems(struct cli *c, const json_t *h)
{
	char buf[64];
	size_t i;
	json_t *p;
	int64_t since = json_int(h, "silent_since", 0);
	bool usable = json_bool(h, "usable", false);
	struct str s = str_new(4000);
	str_addf(&s, "%s/%s", json_str(h, "pool", "?"), json_str(h, "host", "?"));
	struct str clean = str_new(600);
	text_clean(&clean, str_text(&s), s.len);
	printf("%s  %s%s%s", str_text(&clean), cli_sgr(c, usable ? TONE_GOOD : TONE_BAD), usable ? "ok" : json_bool(h, "answers", false) ? "not used" : "silent",
	    cli_sgr(c, TONE_PLAIN));
	if (since)
		printf(" since %s", ago_text(since, wall_now_ms(), buf, sizeof buf));
	putchar('\n');
	json_array_foreach(json_arr(h, "problems"), i, p) {
		const char *what = json_str(p, "what", ""), *advice = json_str(p, "advice", "");
		str_clear(&clean);
		clean.max = 2000;
		text_clean(&clean, what, strlen(what));
		printf("    %s\n", str_text(&clean));
		str_clear(&clean);
		text_clean(&clean, advice, strlen(advice));
		printf("    %s%s%s\n", cli_sgr(c, TONE_DIM), str_text(&clean), cli_sgr(c, TONE_PLAIN));
	}
	str_free(&clean);
	str_free(&s);
}

static int run_check(struct cli *c)
{
	int status = 0;
	json_t *r = report(c, &status), *h;
	size_t i, bad = 0, all;
	if (!r)
		return status;
	all = json_array_size(json_arr(r, "hosts"));
	json_array_foreach(json_arr(r, "hosts"), i, h) {
		bad += !json_bool(h, "usable", false);
		if (!cli_json(c))
			print_problems(c, h);
	}
	fflush(stdout);
	if (cli_json(c)) {
		cli_print_json(c, r);
		return bad ? CLI_FAILED : 0;
	}
	note_notes(c, r);
	if (!all)
		cli_note(c, "%s", json_str(r, "reason", "no machines are listed"));
	else
		cli_note(c, "%zu of %zu host%s can be used", all - bad, all, all == 1 ? "" : "s");
	json_decref(r);
	return bad || !all ? CLI_FAILED : 0;
}

const struct verb verb_ssh_pool_check = {
    .name = "ssh-pool check",
    .group = GROUP_HELP,
    .summary = "Connect to your own machines, and say what is wrong with them and what to do.",
    .args = "[POOL | POOL/HOST...]",
    .max_args = -1,
    .help = "Looks at: logging in, the host's key, tools that are missing, free disk, a home that cannot be written to, the driver of its GPUs, its "
	    "clock. The exit status is 1 when a host cannot be used.",
    .run = run_check,
};

/* ---- add --------------------------------------------------------------------------------------------------------- */

/* The file that counts now, or ours, which is to be made. Caller frees. */
static char *pools_path(void)
{
	char *ours = home_path(HOME_CONFIG, "ssh_pools.yaml"), *theirs = path_expand("~/.sky/ssh_node_pools.yaml");
	bool use_theirs = !fs_exists(ours) && fs_exists(theirs);
	free(use_theirs ? ours : theirs);
	return use_theirs ? theirs : ours;
}

static json_t *as_json(const char *text, size_t len, const char *file, struct err *err)
{
	struct yaml_file *f = yaml_parse(text, len, file, NULL, NULL, err);
	json_t *j = f && f->n ? yaml_json(f->docs[0]) : NULL;
	yaml_file_free(f);
	return j;
}

/* What is wrong with the new hosts, of which nothing was written yet. */
static int check_new(struct cli *c, const struct pool_entry *e, json_t *settings)
{
	int status = 0;
	size_t i, bad = 0;
	json_t *r = inspect(c, settings, NULL, &status), *h;
	if (!r)
		return status;
	json_array_foreach(json_arr(r, "hosts"), i, h) {
		bool ours = false;
		for (const char *const *name = e->hosts; *name; name++)
			ours = ours || !strcmp(json_str(h, "host", ""), *name);
		if (strcmp(json_str(h, "pool", ""), e->pool) || !ours)
			continue;
		if (!cli_json(c) && !cli_quiet(c))
			print_problems(c, h);
		bad += !json_bool(h, "usable", false);
	}
	fflush(stdout);
	json_decref(r);
	struct err err;
	if (!bad)
		return 0;
	err_set(&err, ERR_FAILED, "%zu of the hosts cannot be used, so nothing was added; with --no-check they are added all the same", bad);
	return cli_fail(c, &err);
}

/* A link to the file stays a link. */
static int write_file(const char *path, const struct str *text, struct err *err)
{
	struct stat st;
	char real[PATH_MAX], *dir = xstrdup(path);
	const char *to = realpath(path, real) ? real : path;
	unsigned mode = stat(to, &st) ? 0600 : st.st_mode & 0777;
	dir[path_base(path) - path] = '\0';
	int rc = fs_mkdirs(dir, err);
	if (!rc)
		rc = fs_write(to, str_text(text), text->len, mode, err);
	free(dir);
	return rc;
}

static int add(struct cli *c, const struct pool_entry *e, const char *path, struct str *out, struct err *err)
{
	size_t len = 0;
	char *text = fs_exists(path) ? fs_read(path, FILE_MAX, &len, err) : xstrdup("");
	int rc = text ? pool_file_add(text, len, path, e, out, err) : -1;
	free(text);
	return rc ? cli_fail(c, err) : 0;
}

static int run_add(struct cli *c)
{
	struct err err;
	struct pool_entry e = {.pool = cli_arg(c, 0), .hosts = cli_args(c) + 1, .user = cli_value(c, "user"), .identity_file = cli_value(c, "identity-file"),
	    .jump = cli_value(c, "jump")};
	if (cli_int(c, "port", 1, 65535, &e.port, &err))
		return cli_fail(c, &err);
	char *path = pools_path();
	struct str out = str_new(FILE_MAX);
	int rc = add(c, &e, path, &out, &err);
	json_t *settings = rc ? NULL : as_json(str_text(&out), out.len, path, &err);
	if (!rc && !settings)
		rc = cli_fail(c, &err);
	if (!rc && !cli_flag(c, "no-check"))
		rc = check_new(c, &e, json_incref(settings));
	if (!rc && write_file(path, &out, &err))
		rc = cli_fail(c, &err);
	if (!rc && cli_json(c))
		rc = cli_print_json(c, json_pack("{s:s, s:s, s:i}", "file", path, "pool", e.pool, "added", (int)cli_n_args(c) - 1));
	else if (!rc)
		cli_note(c, "added to %s", path);
	json_decref(settings);
	str_free(&out);
	free(path);
	return rc;
}

static const struct option_spec add_options[] = {
    CLI_VALUE('u', "user", "NAME", "who to log in as"),
    CLI_VALUE('p', "port", "N", "the port of their sshd"),
    CLI_VALUE('i', "identity-file", "FILE", "the private key that opens them", .complete = COMPLETE_FILE),
    CLI_VALUE('J', "jump", "HOST", "a host to go through, as ssh -J has it"),
    CLI_FLAG(0, "no-check", "do not connect to them first"),
    CLI_END,
};

const struct verb verb_ssh_pool_add = {
    .name = "ssh-pool add",
    .group = GROUP_HELP,
    .summary = "Add machines of your own to a pool, which is made when it is not there.",
    .args = "POOL HOST...",
    .min_args = 2,
    .max_args = -1,
    .options = add_options,
    .help = "Connects to the hosts, and writes them into the file of pools, with its comments and its order kept. A host is an address or a name from "
	    "~/.ssh/config. To take one out, delete its lines: its nodes then count as gone when their cluster is taken down.",
    .run = run_add,
};
