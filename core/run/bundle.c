/* Pure: text out of structs. */
#include "core/run/bundle.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/num.h"

#include <stdlib.h>

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

static void put_cluster_info(struct str *meta, const struct cluster *c)
{
	json_t *j = json_object();
	json_put_str(j, "cluster_name", c->name);
	json_put_str(j, "cloud", c->provider);
	json_put_str(j, "region", c->region);
	json_put_str(j, "zone", c->zone);
	char *text = json_text(j);
	put_meta(meta, "cluster_info", text);
	free(text);
	json_decref(j);
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
	put_cluster_info(&meta, b->cluster);
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
	if (b->task->run || !(b->with_setup && b->task->setup))
		put_file(out, "run", b->task->run ? b->task->run : "");
	/* The bundle appears whole, and only once: a second submit of the key finds the job. */
	str_addf(out, "rm -rf \"$a/inbox/%s\"\nmv \"$t\" \"$a/inbox/%s\"\nexec sh \"$a/skytop-agent\" submit %s </dev/null\n", b->key, b->key, b->key);
	memset(env, 0, strlen(env)); /* secrets */
	free(env);
	free(meta);
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
