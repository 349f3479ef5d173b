/* From options and words to a dag: see task_file.h. */
#include "tui/cli/task_file.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/base/str.h"

enum { ENV_FILE_MAX = 1 << 20 };

struct task_override_memory {
	struct arena *arena;
	const char **envs, **secrets;
	size_t n_envs, cap_envs, n_secrets, cap_secrets;
};

static void add(const char ***v, size_t *n, size_t *cap, const char *text)
{
	ARRAY_GROW(*v, *n, *cap);
	(*v)[(*n)++] = text;
}

/* One line of an env file: NAME=VALUE, perhaps after "export", the value perhaps in quotes. NULL: empty or a comment.
 */
static char *env_line(struct arena *a, const char *line, size_t len)
{
	while (len && strchr(" \t\r", line[len - 1]))
		len--;
	while (len && strchr(" \t", *line))
		line++, len--;
	if (len > 7 && !memcmp(line, "export ", 7))
		line += 7, len -= 7;
	if (!len || *line == '#')
		return NULL;
	const char *eq = memchr(line, '=', len);
	size_t value = eq ? len - (size_t)(eq + 1 - line) : 0;
	if (eq && value >= 2 && (eq[1] == '"' || eq[1] == '\'') && eq[value] == eq[1])
		return arena_printf(a, "%.*s%.*s", (int)(eq + 1 - line), line, (int)value - 2, eq + 2);
	return arena_strndup(a, line, len);
}

static int read_env_file(struct task_override_memory *m, const char *path, bool secret, struct err *err)
{
	size_t len;
	char *text = path ? fs_read(path, ENV_FILE_MAX, &len, err) : NULL;
	if (!path)
		return 0;
	if (!text) {
		if (err)
			err->code = ERR_INVALID;
		return -1;
	}
	for (const char *p = text; *p;) {
		size_t n = strcspn(p, "\n");
		char *line = env_line(m->arena, p, n);
		if (line && secret)
			add(&m->secrets, &m->n_secrets, &m->cap_secrets, line);
		else if (line)
			add(&m->envs, &m->n_envs, &m->cap_envs, line);
		p += n;
		p += *p == '\n';
	}
	free(text);
	return 0;
}

static int read_variables(struct cli *c, struct task_override_memory *m, struct task_override *o, struct err *err)
{
	/* The command line comes last: it wins over files. */
	if (read_env_file(m, cli_value(c, "env-file"), false, err) ||
	    read_env_file(m, cli_value(c, "secret-file"), true, err))
		return -1;
	for (const char *const *v = cli_values(c, "env"); *v; v++)
		add(&m->envs, &m->n_envs, &m->cap_envs, *v);
	for (const char *const *v = cli_values(c, "secret"); *v; v++)
		add(&m->secrets, &m->n_secrets, &m->cap_secrets, *v);
	add(&m->envs, &m->n_envs, &m->cap_envs, NULL);
	add(&m->secrets, &m->n_secrets, &m->cap_secrets, NULL);
	o->envs = m->envs;
	o->secrets = m->secrets;
	return 0;
}

static int read_rest(struct cli *c, struct task_override *o, struct err *err)
{
	o->name = cli_value(c, "name");
	o->workdir = cli_value(c, "workdir");
	o->git_url = cli_value(c, "git-url");
	o->git_ref = cli_value(c, "git-ref");
	o->infra = cli_value(c, "infra");
	o->gpus = cli_value(c, "gpus");
	o->cpus = cli_value(c, "cpus");
	o->memory = cli_value(c, "memory");
	o->instance_type = cli_value(c, "instance-type");
	o->disk_size = cli_value(c, "disk-size");
	o->disk_tier = cli_value(c, "disk-tier");
	o->network_tier = cli_value(c, "network-tier");
	o->local_disk = cli_value(c, "local-disk");
	o->image_id = cli_value(c, "image-id");
	o->max_hourly_cost = cli_value(c, "max-hourly-cost");
	o->priority = cli_value(c, "priority");
	o->ports = cli_values(c, "ports");
	o->use_spot = cli_tristate(c, "use-spot");
	return cli_int(c, "num-nodes", 1, 100000, &o->num_nodes, err);
}

int task_override_of(
    struct cli *c, bool all, struct task_override *over, struct task_override_memory **keep, struct err *err)
{
	struct task_override_memory *m = xcalloc(1, sizeof *m);
	struct task_override o = {0};
	m->arena = arena_create();
	if (read_variables(c, m, &o, err) || (all && read_rest(c, &o, err))) {
		task_override_free(m);
		return -1;
	}
	*over = o;
	*keep = m;
	return 0;
}

void task_override_free(struct task_override_memory *m)
{
	if (!m)
		return;
	free(m->envs);
	free(m->secrets);
	arena_destroy(m->arena);
	free(m);
}

static bool is_file_word(const char *word)
{
	if (!strcmp(word, "-") || str_ends(word, ".yaml") || str_ends(word, ".yml"))
		return true;
	return !strchr(word, ' ') && fs_exists(word) && !fs_is_dir(word);
}

struct dag *task_of_words(
    const char *const *words, size_t n, const struct task_override *over, struct where *at, struct err *err)
{
	if (n == 1 && is_file_word(words[0]))
		return dag_load(words[0], over, at, err);
	struct str command = str_new(1 << 20);
	for (size_t i = 0; i < n; i++)
		str_addf(&command, "%s%s", i ? " " : "", words[i]);
	struct dag *d = dag_of_command(str_text(&command), over, err);
	str_free(&command);
	return d;
}

void task_warn(const struct cli *c, const struct dag *d)
{
	for (size_t i = 0; i < d->n_warnings; i++)
		cli_note(c, "warning: %s", d->warnings[i]);
}
