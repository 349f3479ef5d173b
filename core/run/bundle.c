/* Pure: text out of structs. */
#include "core/run/bundle.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/run/hooks.h"

#include <stdlib.h>

enum { HOOK_MAX = 1 << 20 };

/* printf is built into every shell that matters (dash, bash, busybox ash), so the text does not pass through an argument list. */
static void put_file(struct str *out, const char *name, const char *text)
{
	str_add(out, "printf '%s' ");
	shell_quote(out, text);
	str_addf(out, " > \"$d/%s\"\n", name);
}

static void put_meta(struct str *meta, const char *key, const char *value)
{
	if (!value)
		return;
	str_addf(meta, "%s=", key);
	for (; *value; value++) {
		if (*value == '\\' || *value == '\n')
			str_add(meta, *value == '\\' ? "\\\\" : "\\n");
		else
			str_addc(meta, *value);
	}
	str_addc(meta, '\n');
}

static char *cluster_info(const struct cluster *c)
{
	json_t *j = json_object();
	json_put_str(j, "cluster_name", c->name);
	json_put_str(j, "cloud", c->provider);
	json_put_str(j, "region", c->region);
	json_put_str(j, "zone", c->zone);
	char *text = json_text(j);
	json_decref(j);
	return text;
}

static char *meta_text(const struct bundle *b)
{
	char num[40];
	struct str meta = str_new(64 << 10);
	put_meta(&meta, "name", b->task->name);
	put_meta(&meta, "user", b->user);
	put_meta(&meta, "gpus", micro_text(b->gpus_micro, num, sizeof num));
	str_addf(&meta, "num_nodes=%" PRId64 "\nsubmitted_at=%" PRId64 "\n", b->task->num_nodes, b->now_ms);
	put_meta(&meta, "cluster", b->cluster->name);
	char *info = cluster_info(b->cluster);
	put_meta(&meta, "cluster_info", info);
	free(info);
	return str_take(&meta);
}

static char *env_text(const struct task *t)
{
	struct str env = str_new(8 << 20);
	for (size_t i = 0; i < t->n_envs; i++) {
		str_addf(&env, "%s=", t->envs[i].name);
		shell_quote(&env, t->envs[i].value);
		str_addc(&env, '\n');
	}
	return str_take(&env);
}

void bundle_script(struct str *out, const struct bundle *b)
{
	char *env = env_text(b->task), *meta = meta_text(b);
	str_addf(out,
	    "set -e\n"
	    ": \"${SKYTOP_AGENT_UMASK:=$(umask)}\"\n"
	    "export SKYTOP_AGENT_UMASK\n"
	    "umask 077\n"
	    "a=\"$HOME/.skytop\"\n"
	    "t=\"$a/inbox.%s\"\n"
	    "d=\"$t\"\n"
	    "rm -rf \"$t\"\n"
	    "mkdir -p \"$a/inbox\" \"$t\"\n", b->key);
	put_file(out, "env", env);
	put_file(out, "meta", meta);
	if (b->with_setup && b->task->setup)
		put_file(out, "setup", b->task->setup);
	if (!b->without_run && (b->task->run || !(b->with_setup && b->task->setup)))
		put_file(out, "run", b->task->run ? b->task->run : "");
	struct str hook = str_new(HOOK_MAX);
	if (hooks_script(&hook, b->task->config, hooks_at_preemption, NULL))
		put_file(out, "hook_preemption", str_text(&hook));
	str_free(&hook);
	/* The bundle appears whole, and only once: a second submit of the key finds the job. */
	str_addf(out, "rm -rf \"$a/inbox/%s\"\nmv \"$t\" \"$a/inbox/%s\"\nexec sh \"$a/skytop-agent\" submit %s </dev/null\n", b->key, b->key, b->key);
	memset(env, 0, strlen(env)); /* secrets */
	free(env);
	free(meta);
}

/* The same value under both prefixes. */
static void put_both(struct str *out, const char *name, const char *value)
{
	str_addf(out, "export SKYPILOT_%s=", name);
	shell_quote(out, value);
	str_addf(out, " SKYTOP_%s=", name);
	shell_quote(out, value);
	str_addc(out, '\n');
}

static void put_number(struct str *out, const char *name, int64_t n)
{
	char text[32];
	snprintf(text, sizeof text, "%" PRId64, n);
	put_both(out, name, text);
}

/* What the agent would give to a job of all nodes. */
static char *debug_env(const struct bundle *b, int64_t rank)
{
	struct str env = str_new(8 << 20), ips = str_new(1 << 20);
	for (size_t i = 0; i < b->task->n_envs; i++) {
		str_addf(&env, "export %s=", b->task->envs[i].name);
		shell_quote(&env, b->task->envs[i].value);
		str_addc(&env, '\n');
	}
	for (size_t i = 0; i < b->cluster->n_nodes; i++)
		str_addf(&ips, "%s%s", i ? "\n" : "", b->cluster->nodes[i].ip ? b->cluster->nodes[i].ip : "127.0.0.1");
	char *cluster = cluster_info(b->cluster);
	put_number(&env, "NODE_RANK", rank);
	put_both(&env, "NODE_IPS", str_text(&ips));
	put_number(&env, "NUM_NODES", (int64_t)b->cluster->n_nodes);
	put_number(&env, "NUM_GPUS_PER_NODE", (b->gpus_micro + 999999) / 1000000);
	put_both(&env, "CLUSTER_INFO", cluster);
	char *task_id = xasprintf("sky-debug_%s", b->cluster->name);
	put_both(&env, "TASK_ID", task_id);
	free(task_id);
	put_both(&env, "USER", b->user ? b->user : "");
	free(cluster);
	str_free(&ips);
	return str_take(&env);
}

void bundle_debug_script(struct str *out, const struct bundle *b, int64_t rank)
{
	char *env = debug_env(b, rank);
	str_add(out, "set -e\numask 077\nd=\"$HOME/.skytop\"\nmkdir -p \"$d\"\n");
	put_file(out, "debug.env.tmp", env);
	put_file(out, "debug.tmp",
	    "cd \"$HOME\" || exit\n"
	    ". .skytop/debug.env\n"
	    "mkdir -p sky_workdir && cd sky_workdir || exit\n"
	    "exec \"${SHELL:-/bin/sh}\"\n");
	str_add(out, "mv -f \"$d/debug.env.tmp\" \"$d/debug.env\"\nmv -f \"$d/debug.tmp\" \"$d/debug\"\n");
	memset(env, 0, strlen(env)); /* secrets */
	free(env);
}

int64_t bundle_gpus(const struct task *t, const struct cluster *c)
{
	for (size_t i = 0; i < t->n_resources; i++) {
		const struct resources *r = &t->resources[i];
		if (r->accelerator && (!c->accelerator || str_ieq(r->accelerator, c->accelerator)))
			return r->accel_count_micro;
	}
	/* A set of alternatives of which the cluster's is one under another spelling: what the cluster was chosen for. */
	return t->n_resources && t->resources[0].accelerator ? c->accel_count_micro : 0;
}
