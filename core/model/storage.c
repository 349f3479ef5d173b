/* file_mounts: a destination on the nodes → a source (a local path or a URI, copied at launch), or a map that names a
 * bucket and how it is mounted. What needs the file system or a cloud (does the source exist, is the bucket's name
 * allowed) is checked later. */
#include <string.h>

#include "core/base/str.h"
#include "core/model/task_priv.h"

static const char *upper(struct reading *r, const char *text)
{
	char *s = keep(r, text);
	for (char *c = s; c && *c; c++)
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
	return s;
}

static json_t *text_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

static int check_mode(struct reading *r, const struct yaml_node *map, const char *mode)
{
	const struct yaml_node *cached = yaml_get_set(yaml_get_set(map, "config"), "mount_cached"),
			       *type = yaml_get_set(map, "type");
	const struct yaml_node *at = cached ? cached : type;
	if (!at || !strcmp(mode, "MOUNT_CACHED"))
		return 0;
	return refuse_at(r, at, "%s is only for mode: MOUNT_CACHED, and the mode is %s",
	    cached ? "config.mount_cached" : "type", mode);
}

/* One storage map in its canonical form, in out under dst. */
static int read_mount(struct reading *r, const char *dst, const struct yaml_node *map, json_t *out)
{
	if (schema_check(&schema_storage, map, &r->place))
		return -1;
	const struct yaml_node *source = yaml_get_set(map, "source"), *persistent = yaml_get_set(map, "persistent"),
			       *config = yaml_get_set(map, "config");
	const char *mode = upper(r, keep_text(r, map, "mode")), *store = upper(r, keep_text(r, map, "store")),
		   *type = upper(r, keep_text(r, map, "type"));
	mode = mode ? mode : "MOUNT";
	if (check_mode(r, map, mode))
		return -1;
	json_t *j = json_object();
	json_object_set_new(j, "name", text_or_null(keep_text(r, map, "name")));
	json_object_set_new(j, "source", source ? yaml_json(source) : json_null());
	json_object_set_new(j, "mode", json_string(mode));
	json_object_set_new(j, "persistent", json_boolean(persistent ? persistent->flag : true));
	json_object_set_new(j, "stores", store ? json_pack("[s]", store) : json_array());
	if (type)
		json_object_set_new(j, "type", json_string(type));
	if (config && config->n)
		json_object_set_new(j, "config", yaml_json(config));
	json_object_set_new(out, dst, j);
	return 0;
}

/* "store: volume" is a disk of the machine: it becomes one of resources.volumes. */
static bool is_volume(const struct yaml_node *map)
{
	const struct yaml_node *store = yaml_get_set(map, "store");
	return store && store->kind == YAML_STRING && str_ieq(store->text, "volume");
}

static int read_volume(struct reading *r, const char *dst, const struct yaml_node *map, json_t *volumes)
{
	if (schema_check(&schema_storage, map, &r->place))
		return -1;
	const struct yaml_node *persistent = yaml_get_set(map, "persistent"), *config = yaml_get_set(map, "config");
	json_t *v = json_object();
	json_array_append_new(volumes, v);
	json_object_set_new(v, "path", json_string(dst));
	const char *name = keep_text(r, map, "name");
	if (name && *name)
		json_object_set_new(v, "name", json_string(name));
	json_object_set_new(v, "auto_delete", json_boolean(!(persistent && persistent->flag)));
	if (config) {
		json_t *more = yaml_json(config);
		json_object_update(v, more);
		json_decref(more);
	}
	return 0;
}

/* What a volume is first filled with goes into a folder of it. */
static const char *volume_data(struct reading *r, const char *dst)
{
	size_t n = strlen(dst);
	while (n && dst[n - 1] == '/')
		n--;
	return arena_printf(r->dag->memory->arena, "%.*s/data", (int)n, dst);
}

static void add_plain(struct reading *r, struct task *t, const char *dst, const char *src)
{
	t->mounts[t->n_mounts++] = (struct task_mount){keep(r, dst), keep(r, src)};
}

int storage_read(struct reading *r, struct yaml_node *map, struct task *t, json_t **extra)
{
	*extra = NULL;
	if (!map || !map->n)
		return 0;
	json_t *storage = dag_own(r->dag, json_object()), *volumes = dag_own(r->dag, json_array());
	t->mounts = arena_alloc(r->dag->memory->arena, map->n * sizeof *t->mounts);
	for (size_t i = 0; i < map->n; i++) {
		const char *dst = map->pairs[i].key->text;
		const struct yaml_node *src = map->pairs[i].value;
		char what[128];
		if (src->kind == YAML_STRING) {
			add_plain(r, t, dst, src->text);
		} else if (src->kind != YAML_MAP) {
			return refuse_at(r, src,
			    "file_mounts: the source for '%.60s' must be a path, a URI or a map, not %s", dst,
			    yaml_describe(src, what, sizeof what));
		} else if (is_volume(src)) {
			if (read_volume(r, dst, src, volumes))
				return -1;
			const struct yaml_node *fill = yaml_get_set(src, "source");
			if (fill && fill->kind == YAML_STRING && fill->len)
				add_plain(r, t, volume_data(r, dst), fill->text);
		} else if (read_mount(r, dst, src, storage)) {
			return -1;
		}
	}
	t->storage_mounts = json_object_size(storage) ? storage : NULL;
	*extra = json_array_size(volumes) ? volumes : NULL;
	return 0;
}
