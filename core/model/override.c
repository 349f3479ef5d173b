/* What the command line puts over a task file. It is put into the tree before anything is read, so that there is one
 * reader, one set of checks and one set of messages; these then name the option instead of a line. An option holds for
 * every alternative. "none" takes a field out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/num.h"
#include "core/base/str.h"
#include "core/model/task_priv.h"

/* Options that stand for one field of resources. */
static const struct override_field {
	size_t offset; /* in struct task_override */
	const char *field, *option;
	bool number; /* the field is a number, not text */
} resource_fields[] = {
    {offsetof(struct task_override, infra), "infra", "--infra", false},
    {offsetof(struct task_override, gpus), "accelerators", "--gpus", false},
    {offsetof(struct task_override, cpus), "cpus", "--cpus", false},
    {offsetof(struct task_override, memory), "memory", "--memory", false},
    {offsetof(struct task_override, disk_size), "disk_size", "--disk-size", false},
    {offsetof(struct task_override, disk_tier), "disk_tier", "--disk-tier", false},
    {offsetof(struct task_override, network_tier), "network_tier", "--network-tier", false},
    {offsetof(struct task_override, instance_type), "instance_type", "--instance-type", false},
    {offsetof(struct task_override, image_id), "image_id", "--image-id", false},
    {offsetof(struct task_override, local_disk), "local_disk", "--local-disk", false},
    {offsetof(struct task_override, max_hourly_cost), "max_hourly_cost", "--max-hourly-cost", true},
    {offsetof(struct task_override, priority), "priority", "--priority", true},
    {offsetof(struct task_override, job_recovery), "job_recovery", "--job-recovery", false},
};

static const char *value_of(const struct task_override *o, const struct override_field *f)
{
	return *(const char *const *)((const char *)o + f->offset);
}

bool override_changes_resources(const struct task_override *o)
{
	for (size_t i = 0; o && i < ARRAY_LEN(resource_fields); i++)
		if (value_of(o, &resource_fields[i]))
			return true;
	return o && (o->use_spot || (o->ports && o->ports[0]));
}

static void drop(struct reading *r, struct yaml_node *map, const char *field)
{
	yaml_put(r->tree, map, field, NULL);
	if (!strcmp(field, "accelerators"))
		yaml_put(r->tree, map, "gpus", NULL);
	if (strcmp(field, "infra"))
		return;
	yaml_put(r->tree, map, "cloud", NULL);
	yaml_put(r->tree, map, "region", NULL);
	yaml_put(r->tree, map, "zone", NULL);
}

/* The lists of alternatives, copied down to their maps, so that they can be changed. */
static void copy_alternatives(struct reading *r, struct yaml_node *map, const char *key)
{
	struct yaml_node *list = yaml_get_set(map, key);
	if (!list || list->kind != YAML_LIST)
		return;
	list = yaml_copy(r->tree, list);
	yaml_put(r->tree, map, key, list);
	for (size_t i = 0; i < list->n; i++)
		if (list->items[i]->kind == YAML_MAP)
			list->items[i] = yaml_copy(r->tree, list->items[i]);
}

/* Set a field for all alternatives: it leaves each of them and stands in the map around them. value NULL: it leaves. */
static void set_everywhere(struct reading *r, struct yaml_node *map, const char *field, struct yaml_node *value)
{
	static const char *const lists[] = {"any_of", "ordered"};
	for (size_t k = 0; k < ARRAY_LEN(lists); k++) {
		struct yaml_node *list = yaml_get_set(map, lists[k]);
		for (size_t i = 0; list && list->kind == YAML_LIST && i < list->n; i++)
			if (list->items[i]->kind == YAML_MAP)
				drop(r, list->items[i], field);
	}
	drop(r, map, field);
	if (value)
		yaml_put(r->tree, map, field, value);
}

static struct yaml_node *node_of(struct reading *r, const struct override_field *f, const char *text)
{
	struct yaml_node *n = yaml_new_string(r->tree, text, f->option);
	if (f->number)
		yaml_resolve(n);
	return n;
}

static struct yaml_node *port_list(struct reading *r, const char *const *ports)
{
	struct yaml_node *list = yaml_new_map(r->tree, "--ports");
	list->kind = YAML_LIST;
	size_t n = 0;
	while (ports[n])
		n++;
	list->items = arena_alloc(r->tree, n * sizeof(*list->items));
	for (; list->n < n; list->n++)
		list->items[list->n] = yaml_new_string(r->tree, ports[list->n], "--ports");
	return list;
}

static void apply_resources(struct reading *r, struct yaml_node *doc)
{
	const struct task_override *o = r->over;
	struct yaml_node *map = yaml_get_set(doc, "resources");
	if (!override_changes_resources(o) || (map && map->kind != YAML_MAP))
		return;
	map = map ? yaml_copy(r->tree, map) : yaml_new_map(r->tree, NULL);
	yaml_put(r->tree, doc, "resources", map);
	copy_alternatives(r, map, "any_of");
	copy_alternatives(r, map, "ordered");
	for (size_t i = 0; i < ARRAY_LEN(resource_fields); i++) {
		const struct override_field *f = &resource_fields[i];
		const char *text = value_of(o, f);
		if (text)
			set_everywhere(r, map, f->field, str_ieq(text, "none") ? NULL : node_of(r, f, text));
	}
	if (o->use_spot)
		set_everywhere(r, map, "use_spot", yaml_new_bool(r->tree, o->use_spot > 0, "--use-spot"));
	if (o->ports && o->ports[0])
		set_everywhere(r, map, "ports", str_ieq(o->ports[0], "none") ? NULL : port_list(r, o->ports));
}

static void apply_git(struct reading *r, struct yaml_node *doc)
{
	const struct task_override *o = r->over;
	struct yaml_node *git = yaml_get_set(doc, "workdir");
	git = git && git->kind == YAML_MAP ? yaml_copy(r->tree, git) : yaml_new_map(r->tree, "--git-url");
	if (o->git_url)
		yaml_put(r->tree, git, "url", yaml_new_string(r->tree, o->git_url, "--git-url"));
	if (o->git_ref)
		yaml_put(r->tree, git, "ref", yaml_new_string(r->tree, o->git_ref, "--git-ref"));
	yaml_put(r->tree, doc, "workdir", git);
}

/* What goes over the wire and into the database is UTF-8: other bytes would be lost there, so they are refused here. */
static int check_text(struct reading *r, const char *option, const char *text)
{
	if (!text || utf8_valid(text, strlen(text), NULL))
		return 0;
	return err_set(r->place.err, ERR_INVALID, "%s: the value is not UTF-8 text", option);
}

static int check_texts(struct reading *r, const struct task_override *o)
{
	if (check_text(r, "--name", o->name) || check_text(r, "--workdir", o->workdir) ||
	    check_text(r, "--git-url", o->git_url) || check_text(r, "--git-ref", o->git_ref))
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(resource_fields); i++)
		if (check_text(r, resource_fields[i].option, value_of(o, &resource_fields[i])))
			return -1;
	for (size_t i = 0; o->ports && o->ports[i]; i++)
		if (check_text(r, "--ports", o->ports[i]))
			return -1;
	return 0;
}

int override_apply(struct reading *r, struct yaml_node *doc)
{
	const struct task_override *o = r->over;
	if (!o)
		return 0;
	if (check_texts(r, o))
		return -1;
	if (o->workdir && (o->git_url || o->git_ref))
		return err_set(r->place.err, ERR_INVALID,
		    "--workdir and --git-url cannot go together; the folder comes from one of them");
	if (o->name)
		yaml_put(r->tree, doc, "name", yaml_new_string(r->tree, o->name, "--name"));
	if (o->workdir)
		yaml_put(r->tree, doc, "workdir", yaml_new_string(r->tree, o->workdir, "--workdir"));
	if (o->git_url || o->git_ref)
		apply_git(r, doc);
	if (o->num_nodes)
		yaml_put(r->tree, doc, "num_nodes", yaml_new_int(r->tree, o->num_nodes, "--num-nodes"));
	apply_resources(r, doc);
	return 0;
}

/* --- --env and --secret ------------------------------------------------------------------------------------------ */

/* NAME=VALUE, or NAME alone: taken from our own environment. The message never has the value in it. */
static int set_variable(struct reading *r, struct task *t, const char *text, bool secret)
{
	const char *option = secret ? "--secret" : "--env";
	size_t n = strcspn(text, "=");
	char *name = arena_strndup(r->dag->memory->arena, text, n);
	if (!is_env_name(name))
		return err_set(r->place.err, ERR_INVALID,
		    "%s: '%.60s' must be NAME=VALUE, or NAME alone to take the value from here; NAME is a letter or "
		    "underscore, "
		    "then letters, digits and underscores",
		    option, name);
	const char *value = text[n] ? text + n + 1 : getenv(name);
	if (value && !utf8_valid(value, strlen(value), NULL))
		return err_set(r->place.err, ERR_INVALID, "%s: the value of %.60s is not UTF-8 text", option, name);
	if (!value)
		return err_set(r->place.err, ERR_INVALID, "%s: %.60s is not set here; write %s %.60s=VALUE", option,
		    name, option, name);
	for (size_t i = 0; i < t->n_envs; i++)
		if (t->envs[i].secret == secret && !strcmp(t->envs[i].name, name)) {
			t->envs[i].value = keep(r, value);
			return 0;
		}
	t->envs[t->n_envs++] = (struct task_env){name, keep(r, value), secret};
	return 0;
}

/* Variables stand before secrets. */
static void sort_secrets_last(struct reading *r, struct task *t)
{
	struct task_env *sorted = arena_alloc(r->dag->memory->arena, (t->n_envs + 1) * sizeof *sorted);
	size_t n = 0;
	for (int secret = 0; secret < 2; secret++)
		for (size_t i = 0; i < t->n_envs; i++)
			if (t->envs[i].secret == secret)
				sorted[n++] = t->envs[i];
	t->envs = sorted;
}

int override_env(struct reading *r, struct task *t)
{
	const struct task_override *o = r->over;
	for (size_t i = 0; o && o->envs && o->envs[i]; i++)
		if (set_variable(r, t, o->envs[i], false))
			return -1;
	for (size_t i = 0; o && o->secrets && o->secrets[i]; i++)
		if (set_variable(r, t, o->secrets[i], true))
			return -1;
	sort_secrets_last(r, t);
	return 0;
}
