/* `skytop task`: what a task file means, without a price, a network or an engine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "tui/cli/task_file.h"

/* --- for people -------------------------------------------------------------------------------------------------- */

/* Foreign text on one line, clean and not too long. */
static void print_text(const char *label, const char *text)
{
	struct str s = str_new(400);
	size_t len = strlen(text), cut = len < 100 ? len : 100;
	while (cut < len && cut && ((unsigned char)text[cut] & 0xC0) == 0x80)
		cut--;
	text_clean(&s, text, cut);
	printf("  %-12s %s%s\n", label, str_text(&s), cut < len ? " …" : "");
	str_free(&s);
}

static void print_script(const char *label, const char *text)
{
	size_t lines = 0, first = strcspn(text, "\n");
	for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n')
		lines++;
	char *line = lines > 1 ? xasprintf("%.*s  (+%zu lines)", (int)first, text, lines - 1) : xstrndup(text, first);
	print_text(label, line);
	free(line);
}

static void print_resources(const struct task *t)
{
	char buf[256];
	const char *how = t->n_resources == 1 ? "" : t->ordered ? "in this order:" : "any of:";
	if (*how)
		printf("  %-12s %s\n", "resources", how);
	for (size_t i = 0; i < t->n_resources; i++)
		print_text(t->n_resources == 1 ? "resources" : "", resources_text(&t->resources[i], buf, sizeof buf));
}

static void print_env(const struct task *t)
{
	for (size_t i = 0; i < t->n_envs; i++) {
		const struct task_env *e = &t->envs[i];
		char *line = xasprintf("%s=%s", e->name, e->secret ? "********" : e->value);
		print_text(e->secret ? "secret" : "env", line);
		free(line);
	}
}

static void print_mounts(const struct task *t)
{
	for (size_t i = 0; i < t->n_mounts; i++) {
		char *line = xasprintf("%s <- %s", t->mounts[i].dst, t->mounts[i].src);
		print_text("file", line);
		free(line);
	}
	const char *dst;
	json_t *m;
	json_object_foreach(t->storage_mounts, dst, m)
	{
		const char *name = json_string_value(json_object_get(m, "name")),
			   *source = json_string_value(json_object_get(m, "source"));
		char *line = xasprintf("%s <- %s (%s)", dst,
		    source ? source
		    : name ? name
			   : "?",
		    json_string_value(json_object_get(m, "mode")));
		print_text("storage", line);
		free(line);
	}
	json_object_foreach(t->volumes, dst, m) print_text("volume", dst);
}

static void print_task(const struct task *t)
{
	if (t->name)
		print_text("name", t->name);
	if (t->num_nodes > 1)
		printf("  %-12s %lld\n", "nodes", (long long)t->num_nodes);
	print_resources(t);
	for (size_t i = 0; i < t->n_resources && i < 1; i++)
		for (size_t k = 0; k < t->resources[i].n_ports; k++)
			print_text("port", t->resources[i].ports[k]);
	if (t->workdir || t->git_url)
		print_text("workdir", t->workdir ? t->workdir : t->git_url);
	print_mounts(t);
	print_env(t);
	if (t->setup)
		print_script("setup", t->setup);
	if (t->run)
		print_script("run", t->run);
	if (t->service) {
		char *text = json_dumps(t->service, JSON_COMPACT);
		print_text(t->is_pool ? "pool" : "service", text);
		free(text);
	}
}

static void print_dag(const struct dag *d)
{
	const char *kind = d->parallel ? "job group" : d->n_tasks > 1 ? "pipeline" : "task";
	printf("%s%s%s: %zu task%s\n", kind, d->name ? " " : "", d->name ? d->name : "", d->n_tasks,
	    d->n_tasks == 1 ? "" : "s");
	for (size_t i = 0; i < d->n_tasks; i++) {
		if (d->n_tasks > 1)
			printf("%zu.\n", i + 1);
		print_task(&d->tasks[i]);
	}
}

/* --- the verb ---------------------------------------------------------------------------------------------------- */

static int run(struct cli *c)
{
	struct err err = {0};
	struct where at = {.file = cli_arg(c, 0)};
	struct task_override over;
	struct task_override_memory *keep = NULL;
	if (task_override_of(c, true, &over, &keep, &err))
		return cli_fail(c, &err);
	struct dag *d = dag_load(cli_arg(c, 0), &over, &at, &err);
	int rc = d && cli_flag(c, "check") ? dag_check(d, &at, &err) : 0;
	if (!d || rc) {
		rc = cli_fail_at(c, &err, &at);
	} else if (cli_json(c)) {
		rc = cli_print_json(c, dag_to_json(d));
	} else {
		print_dag(d);
	}
	if (d)
		task_warn(c, d);
	dag_destroy(d);
	task_override_free(keep);
	return rc;
}

static const struct option_spec options[] = {
    CLI_FLAG(0, "check", "also check what is only needed to run it: folders, sources, names"),
    TASK_FILE_OPTIONS,
    CLI_END,
};

const struct verb verb_task = {
    .name = "task",
    .group = GROUP_CLUSTERS,
    .summary = "Show what a task file means, or what is wrong with it.",
    .args = "FILE",
    .min_args = 1,
    .max_args = 1,
    .complete = COMPLETE_FILE,
    .options = options,
    .help =
	"Reads the file as launch does, with the options put over it, and prints the result: with --json in the "
	"canonical form that other programs can rely on. Needs no prices, no network and no engine. A file that is "
	"refused gives its line and column, and exit status 2.\n\n"
	"Task files are SkyPilot's. Understood as well:\n\n"
	"  accelerators: {A100,H100}:8    any of these, 8 of it; no blanks, or quoted\n"
	"  disk_size: 500+                at least 500 GB\n"
	"  infra: local                   nodes on this machine; sim: the simulated cloud\n"
	"  cloud: k8s                     the short name of kubernetes\n"
	"  spot_recovery: failover        the old name of job_recovery\n\n"
	"Variables of envs and secrets are filled in ($NAME, ${NAME}) in file_mounts, service, workdir and volumes; "
	"setup and run leave that to the shell.",
    .run = run,
};
