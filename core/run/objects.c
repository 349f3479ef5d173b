/* Stores know names, no folders: "a//b", "../x", "a" beside "a/b" and "a/" are all names there. Here each becomes a file or a folder below the
 * destination, or is left out and told of: nothing is ever written outside of it, and no name stands for two things. */
#include "core/run/objects.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"

enum { PATH_MAX_BYTES = 3000, PART_MAX_BYTES = 255, TOLD = 3 };

struct objects *objects_create(void)
{
	struct objects *o = xcalloc(1, sizeof *o);
	o->texts = arena_create();
	o->left_names = str_new(1000);
	return o;
}

void objects_destroy(struct objects *o)
{
	if (!o)
		return;
	arena_destroy(o->texts);
	str_free(&o->left_names);
	free(o->v);
	free(o->folders);
	free(o);
}

static uint64_t hash(uint64_t h, const char *s)
{
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(1099511628211);
	return (h ^ 0xff) * UINT64_C(1099511628211);
}

static uint64_t id_of(const struct object *v, uint64_t h)
{
	char size[24];
	snprintf(size, sizeof size, "%" PRId64, v->size);
	return hash(hash(hash(h, v->name), size), v->etag ? v->etag : "");
}

/* ---- taking ---------------------------------------------------------------------------------------------------------- */

int objects_take(struct objects *o, const json_t *part, struct err *err)
{
	size_t i;
	json_t *j;
	json_array_foreach(json_arr(part, "objects"), i, j) {
		const char *name = json_str(j, "name", NULL);
		int64_t size = json_int(j, "size", -1);
		if (!name || size < 0)
			return err_set(err, ERR_PROTOCOL, "an object without a name or a size");
		o->names_bytes += strlen(name) + 1;
		if (++o->seen > OBJECTS_MAX)
			return err_set(err, ERR_INVALID, "there are more than %d objects below it: name a smaller part", OBJECTS_MAX);
		if (o->names_bytes > OBJECTS_NAMES_MAX)
			return err_set(err, ERR_INVALID, "the names below it are more than %d MiB: name a smaller part", OBJECTS_NAMES_MAX >> 20);
		ARRAY_GROW(o->v, o->n, o->cap);
		/* A folder is a size of −1 until all is arranged. */
		o->v[o->n++] = (struct object){.name = arena_strdup(o->texts, name), .etag = arena_strdup(o->texts, json_str(j, "etag", NULL)),
		    .size = json_bool(j, "folder", false) ? -1 : size};
	}
	return 0;
}

/* ---- names ----------------------------------------------------------------------------------------------------------- */

char *objects_path(const char *name, const char **why)
{
	struct str s = str_new(PATH_MAX_BYTES + 2);
	*why = NULL;
	for (const char *p = name; *p && !*why; p += *p == '/') {
		size_t n = strcspn(p, "/");
		if ((n == 1 && *p == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
			*why = "it would lead out of its place";
		if (n > PART_MAX_BYTES)
			*why = "a part of it is too long for a file's name";
		for (size_t i = 0; i < n; i++)
			if ((unsigned char)p[i] < ' ' || p[i] == 127)
				*why = "it has control characters";
		if (n && s.len)
			str_addc(&s, '/');
		str_addn(&s, p, n);
		p += n;
	}
	if (!*why && s.len > PATH_MAX_BYTES)
		*why = "it is too long";
	if (!*why && !s.len)
		*why = "it is empty";
	if (!*why)
		return str_take(&s);
	str_free(&s);
	return NULL;
}

static void leave_out(struct objects *o, const char *name, const char *why)
{
	if (o->left_out++ < TOLD) {
		char *shown = xstrndup(name, 120);
		str_addf(&o->left_names, "%s", o->left_out > 1 ? ", " : "");
		text_clean(&o->left_names, shown, strlen(shown));
		str_addf(&o->left_names, " (%s)", why);
		free(shown);
	}
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int by_path(const void *a, const void *b)
{
	const struct object *x = a, *y = b;
	int c = strcmp(x->path, y->path);
	return c ? c : strcmp(x->name, y->name);
}

/* Nothing more once they are too many: objects_arrange tells. */
static void add_folder(struct objects *o, const char *path, size_t len)
{
	if (o->folders_bytes > OBJECTS_NAMES_MAX)
		return;
	o->folders_bytes += len + 1;
	ARRAY_GROW(o->folders, o->n_folders, o->folders_cap);
	o->folders[o->n_folders++] = arena_strndup(o->texts, path, len);
}

/* The folders above a path that are not above the one before it. */
static void add_parents(struct objects *o, const char *path, const char *before)
{
	size_t same = 0;
	for (size_t i = 0; path[i] && path[i] == before[i]; i++)
		same = path[i] == '/' ? i : same;
	for (const char *slash = strchr(path + same + (same > 0), '/'); slash; slash = strchr(slash + 1, '/'))
		add_folder(o, path, (size_t)(slash - path));
}

static void sort_folders(struct objects *o)
{
	size_t n = 0;
	if (o->n_folders)
		qsort(o->folders, o->n_folders, sizeof *o->folders, by_text);
	for (size_t i = 0; i < o->n_folders; i++)
		if (!n || strcmp(o->folders[i], o->folders[n - 1]))
			o->folders[n++] = o->folders[i];
	o->n_folders = n;
}

static bool is_folder(const struct objects *o, const char *path)
{
	return o->n_folders && bsearch(&path, o->folders, o->n_folders, sizeof *o->folders, by_text);
}

/* Paths, and the folders that stand there for their own. */
static void find_paths(struct objects *o)
{
	size_t n = 0;
	const char *before = "";
	for (size_t i = 0; i < o->n; i++) {
		const char *why;
		char *path = objects_path(o->v[i].name, &why);
		if (!path) {
			leave_out(o, o->v[i].name, why);
			continue;
		}
		o->v[n] = o->v[i];
		o->v[n].path = arena_strdup(o->texts, path);
		free(path);
		if (o->v[n].size < 0) {
			add_folder(o, o->v[n].path, strlen(o->v[n].path));
			add_parents(o, o->v[n].path, before);
			before = o->v[n].path;
		} else {
			n++;
		}
	}
	o->n = n;
}

int objects_arrange(struct objects *o, bool single, const char *as, struct err *err)
{
	size_t n = 0;
	if (single && o->n) {
		o->v[0].path = arena_strdup(o->texts, as);
		o->v[0].id = id_of(&o->v[0], UINT64_C(1469598103934665603));
		o->bytes = o->v[0].size;
		o->n = 1;
		return 0;
	}
	find_paths(o);
	if (o->n)
		qsort(o->v, o->n, sizeof *o->v, by_path);
	for (size_t i = 0; i < o->n; i++)
		add_parents(o, o->v[i].path, i ? o->v[i - 1].path : "");
	add_folder(o, "", 0);
	if (o->folders_bytes > OBJECTS_NAMES_MAX)
		return err_set(err, ERR_INVALID, "the folders below it have paths of more than %d MiB: name a smaller part", OBJECTS_NAMES_MAX >> 20);
	sort_folders(o);
	for (size_t i = 0; i < o->n; i++) {
		struct object *v = &o->v[i];
		bool folder = is_folder(o, v->path), twice = n && !strcmp(o->v[n - 1].path, v->path);
		if (folder && !v->size) /* as some tools mark a folder */
			continue;
		if (folder || twice) {
			leave_out(o, v->name, folder ? "there is a folder of that name" : "another one has that place");
			continue;
		}
		v->id = id_of(v, UINT64_C(1469598103934665603));
		o->bytes += v->size;
		o->v[n++] = *v;
	}
	o->n = n;
	return 0;
}

void objects_id(const struct objects *o, char id[33])
{
	uint64_t a = UINT64_C(1469598103934665603), b = UINT64_C(0x9e3779b97f4a7c15);
	for (size_t i = 0; i < o->n; i++) {
		a = hash(id_of(&o->v[i], a), o->v[i].path);
		b = hash(id_of(&o->v[i], b), o->v[i].path);
	}
	for (size_t i = 0; i < o->n_folders; i++) {
		a = hash(a, o->folders[i]);
		b = hash(b, o->folders[i]);
	}
	snprintf(id, 33, "%016" PRIx64 "%016" PRIx64, a, b);
}
