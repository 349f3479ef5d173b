/* What happens on nodes that are up: the agent, the job (the files are in sync.c). Each may be repeated from its start. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/ustar.h"
#include "core/run/access.h"
#include "core/run/bundle.h"
#include "core/run/launch.h"
#include "core/run/mounts.h"

enum { AGENT_TIMEOUT_MS = 60000, HEAD_TIMEOUT_MS = 180000, SUBMIT_TIMEOUT_MS = 60000, SCRIPT_MAX = 16 << 20,
	SSH_WAIT_MS = 10 * 60000, SSH_PATIENCE_MS = 60000, SSH_PAUSE_MS = 2000 };

struct dag *launch_task(struct op *op, struct err *err)
{
	json_t *packed = json_deep_copy(json_obj(op->r->args, "task"));
	run_restore_secrets(op->engine, op->r, packed);
	struct dag *d = task_unpack(packed, err);
	json_decref(packed);
	return d;
}

/* ---- the agent --------------------------------------------------------------------------------------------------- */

/* The file that tells the head how to reach the others; see the agent's protocol. */
static void put_nodes_file(struct str *files, const struct cluster *c)
{
	struct str s = str_new(1 << 20);
	char gpus[40];
	for (size_t i = 0; i < c->n_nodes; i++) {
		const struct node *n = &c->nodes[i];
		str_addf(&s, "%" PRId64 " %s %s %" PRId64 " ", n->rank, n->ip ? n->ip : "127.0.0.1",
		    micro_text(c->accelerator ? c->accel_count_micro : 0, gpus, sizeof gpus), c->vcpus_micro > 0 ? c->vcpus_micro / 1000000 : 1);
		if (i && access_by_ssh(n))
			access_prefix(&s, n);
		else if (i)
			remote_prefix(&s, n->reach);
		str_addc(&s, '\n');
	}
	ustar_add(files, "nodes", 0600, str_text(&s), s.len);
	str_free(&s);
}

/* What fails here fails on the node, with the same words: there is one way to report it. */
static void put_failure(struct str *s, const struct err *err)
{
	str_add(s, "echo ");
	shell_quote(s, err->text);
	str_add(s, " >&2\nexit 1\n");
}

static int put_agent(struct op *op, struct str *files, struct err *err)
{
	char *agent = fs_read(op->engine->agent_path, SCRIPT_MAX, NULL, err);
	if (!agent)
		return -1;
	ustar_add(files, "skytop-agent", 0600, agent, strlen(agent));
	free(agent);
	return 0;
}

static void put_init(struct str *s, const struct cluster *c, const struct node *n)
{
	int64_t whole = c->accelerator ? (c->accel_count_micro + 999999) / 1000000 : 0;
	/* A part of a machine: others who are on that are not its sessions. */
	if (json_str(n->reach, "home", NULL))
		str_add(s, "export SKYTOP_AGENT_SESSIONS=own\n");
	str_add(s, "exec sh \"$d/skytop-agent\" init --node-id ");
	shell_quote(s, n->provider_id ? n->provider_id : n->token);
	str_addf(s, " --rank %" PRId64 " --gpus %" PRId64, n->rank, whole);
	if (c->vcpus_micro >= 1000000)
		str_addf(s, " --cpus %" PRId64, c->vcpus_micro / 1000000);
	if (n->ip) {
		str_add(s, " --ip ");
		shell_quote(s, n->ip);
	}
	str_add(s, " </dev/null\n");
}

/* stdin is an archive of files for ~/.skytop. Who runs what is there already must find it whole, old or new: then they are put in their places
 * by renaming. */
static const char take_files[] = "set -e\n"
				 ": \"${SKYTOP_AGENT_UMASK:=$(umask)}\"\n"
				 "export SKYTOP_AGENT_UMASK\n"
				 "umask 077\n"
				 "d=\"$HOME/.skytop\" t=\n"
				 "[ -d \"$d\" ] || mkdir -p \"$d\"\n"
				 "if [ -e \"$d/skytop-agent\" ]; then\n"
				 "  t=\"$d/.install.$$\"\n"
				 "  rm -rf \"$d\"/.install.*\n"
				 "  mkdir \"$t\"\n"
				 "fi\n"
				 "w=$(tar -C \"${t:-$d}\" -xomf - 2>&1) || { echo \"cannot unpack the agent in $d: $w\" | head -n 1 >&2; exit 1; }\n"
				 "[ -z \"$t\" ] || { mv -f \"$t\"/* \"$d\" && rmdir \"$t\"; }\n"
				 "exec </dev/null\n";

/* All that a node needs, in one command: the agent, who may log in, and the agent's start. */
static char *agent_command(struct op *op, size_t i, char **input, size_t *input_len)
{
	struct err err;
	const struct cluster *c = op_unit(op)->c;
	struct str s = str_new(SCRIPT_MAX), files = str_new(SCRIPT_MAX);
	str_add(&s, take_files);
	if (put_agent(op, &files, &err) || access_install(&s, &files, c, i, &err)) {
		str_clear(&s);
		put_failure(&s, &err);
	}
	if (c->n_nodes > 1 && !i)
		put_nodes_file(&files, c);
	ustar_end(&files);
	put_init(&s, c, &c->nodes[i]);
	*input_len = files.len;
	*input = str_take(&files);
	return str_take(&s);
}

static char *head_command(struct op *op, size_t i, char **input, size_t *input_len)
{
	(void)i;
	struct err err;
	struct str s = str_new(SCRIPT_MAX);
	if (access_head(&s, op_unit(op)->c, &err)) {
		str_clear(&s);
		put_failure(&s, &err);
	}
	*input_len = s.len;
	*input = str_take(&s);
	return xstrdup("exec sh -s");
}

static void agents_installed(struct op *op)
{
	struct unit *u = op_unit(op);
	if (u->c->n_nodes < 2 || !access_any(u->c)) {
		op->after_agents(op);
		return;
	}
	op_progress(op, "letting the head into the other nodes");
	op_remote(op, &(struct op_remote_spec){.what = "log in from the head to its workers", .timeout_ms = HEAD_TIMEOUT_MS, .command = head_command}, 0, 1,
	    op->after_agents);
}

static void install_agents(struct op *op)
{
	op_remote(op, &(struct op_remote_spec){.what = "install the agent", .timeout_ms = AGENT_TIMEOUT_MS, .command = agent_command}, 0, op_unit(op)->c->n_nodes,
	    agents_installed);
}

static void make_keys(struct op *op)
{
	access_make_keys(op, install_agents);
}

/* ---- a machine that has just begun to run ------------------------------------------------------------------------- */

static void looked_again(struct op *op, const json_t *result)
{
	struct unit *u = op_unit(op);
	struct err err;
	nodes_take(u, result, true);
	struct node_counts n = nodes_count(u, result);
	if (n.running == n.n || n.unknown) {
		op_again(op, SSH_PAUSE_MS);
		return;
	}
	err_set(&err, ERR_CAPACITY, "%s %s: %zu of %zu nodes went away before they were up", u->c->provider, u->c->region ? u->c->region : "", n.n - n.running,
	    n.n);
	op_failed(op, &err);
}

/* Its sshd is not there yet, or does not know the key yet; or the machine is gone. */
static void no_ssh_yet(struct op *op, const struct err *why)
{
	struct unit *u = op_unit(op);
	struct err err;
	if (mono_now_us() - op->step_started_us < SSH_WAIT_MS * INT64_C(1000)) {
		op_call(op, run_provider(op->engine, u->c->provider), PROVIDER_QUERY, nodes_query(u), looked_again);
		return;
	}
	err_set(&err, ERR_TIMEOUT, "the machine runs, but does not let anybody in after %d minutes: %s", SSH_WAIT_MS / 60000, why->text);
	op_failed(op, &err);
}

static char *nothing_command(struct op *op, size_t i, char **input, size_t *input_len)
{
	(void)op;
	(void)i;
	(void)input;
	(void)input_len;
	return xstrdup("exit 0");
}

static void wait_for_ssh(struct op *op)
{
	const struct cluster *c = op_unit(op)->c;
	op_progress(op, "waiting for SSH on %s%s", json_str(c->nodes[0].reach, "host", "its nodes"), c->n_nodes > 1 ? " and the other nodes" : "");
	op_remote(op, &(struct op_remote_spec){.what = "log in", .timeout_ms = AGENT_TIMEOUT_MS, .command = nothing_command, .failed = no_ssh_yet,
		.patience_ms = SSH_PATIENCE_MS, .waiting = "waiting for SSH on"}, 0, c->n_nodes, make_keys);
}

void launch_agents(struct op *op, void (*fn)(struct op *op))
{
	op->after_agents = fn;
	if (run_is_cloud(run_provider(op->engine, op_unit(op)->c->provider)))
		wait_for_ssh(op);
	else
		make_keys(op);
}

/* ---- the job ----------------------------------------------------------------------------------------------------- */

static char *submit_command(struct op *op, size_t i, char **input, size_t *input_len)
{
	(void)i;
	struct err err;
	struct dag *d = launch_task(op, &err);
	if (!d)
		return xstrdup("exit 1");
	const struct cluster *c = op_unit(op)->c;
	struct str s = str_new(SCRIPT_MAX);
	char *key = xasprintf("r%" PRId64 "-%" PRId64, op->r->id, op->r->created_at_ms);
	bundle_script(&s, &(struct bundle){.task = &d->tasks[0], .cluster = c, .key = key, .user = op->r->user,
		.with_setup = !strcmp(op->r->verb, "launch") && !json_bool(op->r->args, "no_setup", false),
		.without_run = json_bool(op->r->args, "debug", false),
		.gpus_micro = bundle_gpus(&d->tasks[0], c), .now_ms = wall_now_ms()});
	free(key);
	dag_destroy(d);
	*input_len = s.len;
	*input = str_take(&s);
	return xstrdup("exec sh -s");
}

static void take_submitted(struct op *op, size_t i, const char *out, size_t len)
{
	(void)i;
	json_t *j = json_parse(out, strcspn(out, "\n") < len ? strcspn(out, "\n") : len, NULL);
	json_put_int(op->r->data, "job_id", json_int(j, "job", 0));
	json_decref(j);
}

static void submitted(struct op *op)
{
	struct err err;
	int64_t id = json_int(op->r->data, "job_id", 0);
	if (id <= 0) {
		err_set(&err, ERR_PROTOCOL, "submit: the agent did not say which job it is");
		op_failed(op, &err);
		return;
	}
	struct unit *u = op_unit(op);
	json_t *line = json_pack("{s:I, s:s, s:I}", "job", (json_int_t)id, "status", "PENDING", "submitted_at", (json_int_t)wall_now_ms());
	if (!jobs_find(u, id))
		jobs_take_line(u, line);
	json_decref(line);
	watch_start(u);
	op_next(op);
}

void launch_submit(struct op *op)
{
	op_remote(op, &(struct op_remote_spec){.what = "submit the job", .timeout_ms = SUBMIT_TIMEOUT_MS, .command = submit_command, .each = take_submitted},
	    0, 1, submitted);
}

/* ---- a shell instead of the job ---------------------------------------------------------------------------------- */

static char *debug_command(struct op *op, size_t i, char **input, size_t *input_len)
{
	struct err err;
	struct dag *d = launch_task(op, &err);
	if (!d)
		return xstrdup("exit 1");
	const struct cluster *c = op_unit(op)->c;
	struct str s = str_new(SCRIPT_MAX);
	bundle_debug_script(&s, &(struct bundle){.task = &d->tasks[0], .cluster = c, .user = op->r->user, .gpus_micro = bundle_gpus(&d->tasks[0], c)},
	    c->nodes[i].rank);
	dag_destroy(d);
	*input_len = s.len;
	*input = str_take(&s);
	return xstrdup("exec sh -s");
}

void launch_debug(struct op *op, void (*fn)(struct op *op))
{
	op_remote(op, &(struct op_remote_spec){.what = "prepare the shell", .timeout_ms = SUBMIT_TIMEOUT_MS, .command = debug_command}, 0,
	    op_unit(op)->c->n_nodes, fn);
}

/* ---- a cluster that is there already ------------------------------------------------------------------------------ */

static int fits(const struct resources *r, const struct cluster *c, struct err *err)
{
	char have[64], want[128];
	resources_text(r, want, sizeof want);
	if (r->cloud && !str_ieq(r->cloud, c->provider))
		return err_set(err, ERR_CONFLICT, "it is on %s, the task asks for %s", c->provider, r->cloud);
	if (r->region && c->region && !str_ieq(r->region, c->region))
		return err_set(err, ERR_CONFLICT, "it is in %s, the task asks for %s", c->region, r->region);
	if (r->accelerator && (!c->accelerator || !str_ieq(r->accelerator, c->accelerator) || r->accel_count_micro > c->accel_count_micro))
		return err_set(err, ERR_CONFLICT, "it has %s %s, the task asks for %s",
		    c->accelerator ? micro_text(c->accel_count_micro, have, sizeof have) : "no accelerators", c->accelerator ? c->accelerator : "", want);
	if (r->cpus.set && c->vcpus_micro >= 0 && r->cpus.micro > c->vcpus_micro)
		return err_set(err, ERR_CONFLICT, "it has %s vCPUs, the task asks for %s", micro_text(c->vcpus_micro, have, sizeof have), r->cpus.text);
	if (r->memory.set && !r->memory.per_vcpu && c->mem_mib >= 0 && r->memory.micro / 1000000 * 1024 > c->mem_mib)
		return err_set(err, ERR_CONFLICT, "it has %" PRId64 " MiB of memory, the task asks for %s GB", c->mem_mib, r->memory.text);
	return 0;
}

int launch_check_reuse(struct op *op, const struct cluster *c, struct err *err)
{
	struct dag *d = launch_task(op, err);
	if (!d)
		return -1;
	const struct task *t = &d->tasks[0];
	int rc = -1;
	for (size_t i = 0; rc && i < t->n_resources; i++)
		rc = fits(&t->resources[i], c, err);
	if (!rc && t->num_nodes > (int64_t)c->n_nodes)
		rc = err_set(err, ERR_CONFLICT, "it has %zu nodes, the task asks for %" PRId64, c->n_nodes, t->num_nodes);
	if (rc)
		err_wrap(err, "cluster '%s' exists and does not fit", c->name);
	dag_destroy(d);
	return rc;
}

int launch_drop_folders(struct op *op, const struct task *t, struct err *err)
{
	json_t *live = json_arr(op->r->data, "live"), *row;
	struct err why;
	size_t i = 0, others = 0;
	if (!mounts_check(t, true, &why) || mounts_check(t, false, err))
		return 0;
	while ((row = json_array_get(live, i))) {
		const struct provider *p = run_provider(op->engine, json_str(row, "provider", ""));
		if (p && p->cloud_side) {
			json_array_remove(live, i);
			continue;
		}
		others += json_obj(row, "result") != NULL;
		i++;
	}
	if (!others)
		*err = why;
	return others ? 0 : -1;
}
