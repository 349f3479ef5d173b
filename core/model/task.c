/* One document of a task file → struct task. The order matters: what the command line says goes over the document
 * first, then the types of all fields are checked, then environment variables are known, then they are put into the
 * parts that may use them, and only then are those parts read. */
#include "core/model/task.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/str.h"
#include "core/model/task_priv.h"

/* --- shared small things ----------------------------------------------------------------------------------------- */

const char *const disk_tier_names[] = {"low", "medium", "high", "ultra", "best", NULL};
const char *const network_tier_names[] = {"standard", "best", NULL};
const char *const wait_for_names[] = {"jobs_and_ssh", "jobs", "none", NULL};

char *keep(struct reading *r, const char *text)
{
	return arena_strdup(r->dag->memory->arena, text);
}

const char *keep_text(struct reading *r, const struct yaml_node *map, const char *key)
{
	const struct yaml_node *n = yaml_get_set(map, key);
	return n ? keep(r, n->text) : NULL;
}

int refuse_value(struct reading *r, const struct yaml_node *n, const char *what, const char *wrong)
{
	if (n->hidden)
		return refuse_at(r, n, "%s: a value with a secret in it %s", what, wrong);
	return refuse_at(r, n, "%s: '%.60s' %s", what, n->text, wrong);
}

void warn_at(struct reading *r, const struct yaml_node *n, const char *fmt, ...)
{
	char text[500];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (n->line)
		dag_warn(r->dag, "%s:%d:%d: %s", r->dag->file, n->line, n->column, text);
	else
		dag_warn(r->dag, "%s", text);
}

/* --- environment ------------------------------------------------------------------------------------------------- */

static struct task_env *env_find(const struct task *t, const char *name, bool secret)
{
	for (size_t i = 0; i < t->n_envs; i++)
		if (t->envs[i].secret == secret && !strcmp(t->envs[i].name, name))
			return &t->envs[i];
	return NULL;
}

/* References to secrets that a server keeps: "secrets:NAME", "secrets:personal.NAME". */
static bool is_reference(const char *name)
{
	return str_starts(name, "secrets:");
}

static int add_reference(struct reading *r, const struct yaml_node *n, struct task *t)
{
	const char *name = n->text + strlen("secrets:");
	static const char *const scopes[] = {"personal.", "workspace.", "global."};
	for (size_t i = 0; i < ARRAY_LEN(scopes); i++)
		if (str_starts(name, scopes[i])) {
			name += strlen(scopes[i]);
			break;
		}
	if (!*name)
		return refuse_at(r, n, "secrets: '%.60s' names no secret; write secrets:NAME", n->text);
	if (!t->managed_secrets)
		t->managed_secrets = dag_own(r->dag, json_array());
	json_array_append_new(t->managed_secrets, json_string(n->text));
	return 0;
}

static int read_secret_list(struct reading *r, const struct yaml_node *list, struct task *t)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct yaml_node *n = list->items[i];
		if (n->kind != YAML_STRING || !is_reference(n->text))
			return refuse_at(r, n,
			    "secrets: an item of the list must be secrets:NAME; values stand in a map, NAME: value");
		if (add_reference(r, n, t))
			return -1;
	}
	return 0;
}

/* The value of a null stays NULL until the command line has had its say. */
static int read_env_map(struct reading *r, const struct yaml_node *map, bool secret, struct task *t)
{
	for (size_t i = 0; map && i < map->n; i++) {
		const struct yaml_node *key = map->pairs[i].key, *value = map->pairs[i].value;
		if (secret && is_reference(key->text)) {
			if (value->kind != YAML_NULL)
				return refuse_at(r, value,
				    "secrets: '%.60s' refers to a secret that is kept elsewhere and takes no value",
				    key->text);
			if (add_reference(r, key, t))
				return -1;
			continue;
		}
		if (!*key->text || strchr(key->text, '='))
			return refuse_at(r, key, "secrets: '%.60s' cannot be the name of a variable", key->text);
		t->envs[t->n_envs++] = (struct task_env){
		    .name = keep(r, key->text),
		    .value = value->kind == YAML_NULL ? NULL : keep(r, yaml_python(r->tree, value)),
		    .secret = secret,
		};
	}
	return 0;
}

static int check_nulls(struct reading *r, const struct yaml_node *doc, const struct task *t)
{
	for (size_t i = 0; i < t->n_envs; i++) {
		const struct task_env *e = &t->envs[i];
		if (e->value)
			continue;
		const char *option = e->secret ? "secret" : "env";
		return refuse_at(r, yaml_key(yaml_get(doc, e->secret ? "secrets" : "envs"), e->name),
		    "%s '%s' has no value; give it one here or with --%s %s=VALUE (for an empty one write %s: \"\")",
		    e->secret ? "the secret" : "the environment variable", e->name, option, e->name, e->name);
	}
	return 0;
}

/* The three variables of a registry login come together, and together in one place. */
static int check_docker_login(struct reading *r, const struct yaml_node *doc, const struct task *t)
{
	static const char *const names[] = {
	    "SKYPILOT_DOCKER_USERNAME", "SKYPILOT_DOCKER_PASSWORD", "SKYPILOT_DOCKER_SERVER"};
	size_t found[2] = {0};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		for (int s = 0; s < 2; s++)
			found[s] += env_find(t, names[i], s) != NULL;
	if (!found[0] && !found[1])
		return 0;
	const struct yaml_node *at = yaml_get(doc, found[0] ? "envs" : "secrets");
	if (found[0] && found[1])
		return refuse_at(r, at ? at : doc,
		    "SKYPILOT_DOCKER_USERNAME, _PASSWORD and _SERVER must stand together, all in envs or all in "
		    "secrets");
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!env_find(t, names[i], found[1] > 0))
			return refuse_at(r, at ? at : doc,
			    "%s is missing: the three SKYPILOT_DOCKER_… variables come together", names[i]);
	return 0;
}

/* Enough room for what the file says and the command line adds. */
static size_t env_room(const struct reading *r, const struct yaml_node *envs, const struct yaml_node *secrets)
{
	size_t n = (envs ? envs->n : 0) + (secrets && secrets->kind == YAML_MAP ? secrets->n : 0);
	for (size_t i = 0; r->over && r->over->envs && r->over->envs[i]; i++)
		n++;
	for (size_t i = 0; r->over && r->over->secrets && r->over->secrets[i]; i++)
		n++;
	return n;
}

static int read_env(struct reading *r, const struct yaml_node *doc, struct task *t)
{
	const struct yaml_node *envs = yaml_get_set(doc, "envs"), *secrets = yaml_get_set(doc, "secrets"),
			       *managed = yaml_get_set(doc, "managed_secrets");
	t->envs = arena_alloc(r->dag->memory->arena, (env_room(r, envs, secrets) + 1) * sizeof *t->envs);
	if (read_env_map(r, envs, false, t))
		return -1;
	if (secrets &&
	    (secrets->kind == YAML_LIST ? read_secret_list(r, secrets, t) : read_env_map(r, secrets, true, t)))
		return -1;
	if (managed && managed->n) {
		json_t *more = yaml_json(managed);
		if (t->managed_secrets)
			json_array_extend(t->managed_secrets, more);
		else
			t->managed_secrets = dag_own(r->dag, json_incref(more));
		json_decref(more);
	}
	return override_env(r, t) || check_nulls(r, doc, t) || check_docker_login(r, doc, t) ? -1 : 0;
}

/* managed_secrets: names, or maps of one name to {mount_path}. */
static int check_managed(struct reading *r, const struct yaml_node *list)
{
	for (size_t i = 0; list && i < list->n; i++) {
		const struct yaml_node *n = list->items[i];
		if (n->kind == YAML_STRING)
			continue;
		const struct yaml_node *v = n->kind == YAML_MAP && n->n == 1 ? n->pairs[0].value : NULL;
		bool ok = v && v->kind == YAML_MAP &&
			  (v->n == 0 || (v->n == 1 && yaml_get(v, "mount_path") &&
					    yaml_get(v, "mount_path")->kind == YAML_STRING));
		if (!ok)
			return refuse_at(r, n, "managed_secrets[%zu] must be a name, or NAME: {mount_path: PATH}", i);
	}
	return 0;
}

/* --- $NAME in values --------------------------------------------------------------------------------------------- */

enum { FILLED_MAX = 16 << 20, COMPARED_MAX = 100 << 20 };

/* The variable that starts at s ("$NAME" or "${NAME}"): its value and the length of the reference; 0: none, leave as it
 * is. */
static size_t reference(const struct task *t, const char *s, const struct task_env **e)
{
	bool braces = s[1] == '{';
	const char *name = s + 1 + braces;
	size_t n = 0;
	while (isalnum((unsigned char)name[n]) || name[n] == '_')
		n++;
	if (!n || isdigit((unsigned char)*name) || (braces && name[n] != '}'))
		return 0;
	/* Secrets win over variables of the same name. */
	for (size_t i = t->n_envs; i-- > 0;) {
		if (strlen(t->envs[i].name) != n || memcmp(t->envs[i].name, name, n))
			continue;
		*e = &t->envs[i];
		return n + 1 + 2 * (size_t)braces;
	}
	return 0;
}

static struct yaml_node *fill_text(struct reading *r, const struct task *t, struct yaml_node *n)
{
	struct str out = str_new(1 << 20);
	bool changed = false, hidden = n->hidden;
	for (const char *p = n->text; *p && r->compared <= COMPARED_MAX;) {
		const struct task_env *e = NULL;
		r->compared += *p == '$' ? t->n_envs : 0;
		size_t len = *p == '$' ? reference(t, p, &e) : 0;
		if (!len) {
			str_addc(&out, *p++);
			continue;
		}
		str_add(&out, e->value);
		p += len;
		changed = true;
		hidden = hidden || e->secret;
	}
	r->filled += out.len;
	r->overflow = r->overflow || out.full || r->filled > FILLED_MAX || r->compared > COMPARED_MAX;
	if (changed) {
		n = yaml_copy(r->tree, n);
		n->text = arena_strndup(r->tree, str_text(&out), out.len);
		n->len = out.len;
		n->hidden = hidden;
	}
	str_free(&out);
	return n;
}

/* A copy of the tree in which references to known variables are replaced, in keys as well. */
static struct yaml_node *fill(struct reading *r, const struct task *t, struct yaml_node *n)
{
	if (n->kind == YAML_STRING)
		return strchr(n->text, '$') && !r->overflow ? fill_text(r, t, n) : n;
	if (n->kind != YAML_LIST && n->kind != YAML_MAP)
		return n;
	n = yaml_copy(r->tree, n);
	for (size_t i = 0; i < n->n; i++) {
		if (n->kind == YAML_LIST) {
			n->items[i] = fill(r, t, n->items[i]);
			continue;
		}
		n->pairs[i].key = fill(r, t, n->pairs[i].key);
		n->pairs[i].value = fill(r, t, n->pairs[i].value);
	}
	return n;
}

/* Two destinations may have become one. */
static int check_filled_keys(struct reading *r, const struct yaml_node *map)
{
	for (size_t i = 1; i < map->n && i < 1000; i++)
		for (size_t k = 0; k < i; k++)
			if (!strcmp(map->pairs[i].key->text, map->pairs[k].key->text))
				return refuse_at(r, map->pairs[i].key,
				    "two entries have the same path once the variables are filled in");
	return 0;
}

static int fill_fields(struct reading *r, const struct task *t, struct yaml_node *doc)
{
	static const char *const keys[] = {"file_mounts", "service", "workdir", "volumes"};
	for (size_t i = 0; t->n_envs && i < ARRAY_LEN(keys); i++) {
		struct yaml_node *n = yaml_get_set(doc, keys[i]);
		if (!n)
			continue;
		const struct yaml_node *before = n;
		n = fill(r, t, n);
		if (r->overflow)
			return refuse_at(r, before,
			    "%s grows beyond %d MB, or takes too long, when the variables are filled in", keys[i],
			    FILLED_MAX >> 20);
		if (n->kind == YAML_MAP && check_filled_keys(r, n))
			return -1;
		yaml_put(r->tree, doc, keys[i], n);
	}
	return 0;
}

/* --- fields ------------------------------------------------------------------------------------------------------ */

static int read_num_nodes(struct reading *r, const struct yaml_node *n, struct task *t)
{
	t->num_nodes = 1;
	if (!n)
		return 0;
	if (n->kind != YAML_INT || n->too_big || n->integer < 1 || n->integer > 100000)
		return refuse_at(r, n, "num_nodes must be a whole number from 1 up, not %.40s", n->text);
	t->num_nodes = n->integer;
	return 0;
}

static void read_workdir(struct reading *r, const struct yaml_node *n, struct task *t)
{
	if (n && n->kind == YAML_STRING) {
		t->workdir = keep(r, n->text);
	} else if (n) {
		t->git_url = keep_text(r, n, "url");
		t->git_ref = keep_text(r, n, "ref");
	}
}

static int read_volumes(struct reading *r, const struct yaml_node *map, struct task *t)
{
	char what[128];
	if (!map || !map->n)
		return 0;
	for (size_t i = 0; i < map->n; i++) {
		const struct yaml_node *v = map->pairs[i].value;
		if (v->kind != YAML_STRING && v->kind != YAML_MAP)
			return refuse_at(r, v, "volumes: '%.60s' must be the name of a volume or a map, not %s",
			    map->pairs[i].key->text, yaml_describe(v, what, sizeof what));
	}
	t->volumes = dag_own(r->dag, yaml_json(map));
	return 0;
}

/* inputs and outputs: {URI: GB}. */
static int read_egress(
    struct reading *r, const struct yaml_node *map, const char *what, const char **uri, int64_t *gb_micro)
{
	if (!map)
		return 0;
	if (!map->n)
		return refuse_at(r, map, "%s must be one URI with its size in GB: {s3://bucket/data: 70}", what);
	double gb = map->pairs[0].value->real;
	if (!(gb >= 0) || gb > 1e9)
		return refuse_at(r, map->pairs[0].value, "%s: the size in GB must be 0 or more", what);
	*uri = keep(r, map->pairs[0].key->text);
	*gb_micro = (int64_t)(gb * 1e6 + 0.5);
	return 0;
}

/* Hooks with their defaults; the rest of config as it is. */
static void read_config(struct reading *r, const struct yaml_node *map, struct task *t)
{
	if (!map || !map->n)
		return;
	t->config = dag_own(r->dag, yaml_json(map));
	size_t i;
	json_t *hook;
	json_array_foreach(json_object_get(t->config, "hooks"), i, hook)
	{
		if (!json_object_get(hook, "events"))
			json_object_set_new(hook, "events", json_pack("[s,s,s]", "stop", "preemption", "down"));
		if (!json_object_get(hook, "timeout"))
			json_object_set_new(hook, "timeout", json_integer(3600));
	}
}

/* A custom_metadata may not say who or where the pod is. */
static int check_metadata(struct reading *r, const struct yaml_node *config)
{
	static const char *const clouds[] = {"kubernetes", "ssh"};
	for (size_t i = 0; config && i < ARRAY_LEN(clouds); i++) {
		const struct yaml_node *m = yaml_get(yaml_get(config, clouds[i]), "custom_metadata");
		for (size_t k = 0; m && k < m->n; k++)
			if (!strcmp(m->pairs[k].key->text, "name") || !strcmp(m->pairs[k].key->text, "namespace"))
				return refuse_at(r, m->pairs[k].key, "custom_metadata cannot set '%s' of a pod",
				    m->pairs[k].key->text);
	}
	return 0;
}

/* Volumes that file_mounts asked for join those of every alternative; hooks of autostop join config.hooks. */
static void join_extras(struct reading *r, struct task *t, json_t *volumes)
{
	for (size_t i = 0; i < t->n_resources; i++) {
		struct resources *o = &t->resources[i];
		if (volumes) {
			json_t *all = o->volumes ? json_copy(o->volumes) : json_array();
			json_array_extend(all, volumes);
			o->volumes = dag_own(r->dag, all);
		}
		if (!o->autostop_hook || i)
			continue;
		if (!t->config)
			t->config = dag_own(r->dag, json_object());
		json_t *hooks = json_object_get(t->config, "hooks");
		if (!hooks) {
			hooks = json_array();
			json_object_set_new(t->config, "hooks", hooks);
		}
		json_array_append(hooks, o->autostop_hook);
	}
}

static int read_parts(struct reading *r, struct yaml_node *doc, struct task *t)
{
	const struct yaml_node *service = yaml_get_set(doc, "service"), *pool = yaml_get_set(doc, "pool"),
			       *api = yaml_get_set(doc, "api_server_access");
	json_t *volumes;
	read_workdir(r, yaml_get_set(doc, "workdir"), t);
	read_config(r, yaml_get_set(doc, "config"), t);
	t->api_server_access = !api || api->flag;
	if (check_metadata(r, yaml_get_set(doc, "config")) || read_num_nodes(r, yaml_get_set(doc, "num_nodes"), t) ||
	    storage_read(r, yaml_get_set(doc, "file_mounts"), t, &volumes) ||
	    read_volumes(r, yaml_get_set(doc, "volumes"), t) ||
	    read_egress(r, yaml_get_set(doc, "inputs"), "inputs", &t->input_uri, &t->input_gb_micro) ||
	    read_egress(r, yaml_get_set(doc, "outputs"), "outputs", &t->output_uri, &t->output_gb_micro) ||
	    resources_read(r, yaml_get_set(doc, "resources"), t))
		return -1;
	join_extras(r, t, volumes);
	if (service && pool)
		return refuse_at(
		    r, yaml_key(doc, "pool"), "both 'service' and 'pool' are given; a task is one of them");
	if (service)
		return service_read(r, service, t);
	return pool ? pool_read(r, pool, t) : 0;
}

int task_read(struct reading *r, struct yaml_node *doc, struct task *t)
{
	if (doc->kind != YAML_MAP)
		return refuse_at(
		    r, doc, "a task must be a map of fields like 'run: …', not %s", yaml_kind_name(doc->kind));
	doc = yaml_copy(r->tree, doc);
	*t = (struct task){.where = {.file = r->dag->file, .line = doc->line, .column = doc->column}};
	if (override_apply(r, doc) || schema_check(&schema_task, doc, &r->place) ||
	    check_managed(r, yaml_get_set(doc, "managed_secrets")) || read_env(r, doc, t) || fill_fields(r, t, doc))
		return -1;
	/* Filling in may have changed nothing but text, and workdir is text: types hold. */
	t->name = keep_text(r, doc, "name");
	t->setup = keep_text(r, doc, "setup");
	t->run = keep_text(r, doc, "run");
	t->event_callback = keep_text(r, doc, "event_callback");
	return read_parts(r, doc, t);
}
