/* Names of a bucket, one a line: whatever they are, what is made of them is files and folders below the destination, each once, each file with
 * all folders above it, and none that is both. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/run/objects.h"
#include "tests/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void is_below(const char *path)
{
	MUST(*path && *path != '/' && strlen(path) <= 3000);
	for (const char *p = path; *p; p += strcspn(p, "/"), p += *p == '/') {
		size_t n = strcspn(p, "/");
		MUST(n && n <= 255 && !(n == 1 && *p == '.') && !(n == 2 && p[0] == '.' && p[1] == '.'));
		MUST(p[n] != '/' || p[n + 1]);
	}
	for (const char *p = path; *p; p++)
		MUST((unsigned char)*p >= ' ' && *p != 127);
}

static bool is_folder(const struct objects *o, const char *path)
{
	return bsearch(&path, o->folders, o->n_folders, sizeof *o->folders, by_text) != NULL;
}

static void looks_right(const struct objects *o)
{
	MUST(o->n_folders && !*o->folders[0]);
	for (size_t i = 1; i < o->n_folders; i++) {
		is_below(o->folders[i]);
		MUST(strcmp(o->folders[i - 1], o->folders[i]) < 0);
	}
	for (size_t i = 0; i < o->n; i++) {
		char *path = xstrdup(o->v[i].path);
		is_below(path);
		MUST((!i || strcmp(o->v[i - 1].path, path) < 0) && !is_folder(o, path));
		for (char *slash; (slash = strrchr(path, '/'));) {
			*slash = '\0';
			MUST(is_folder(o, path));
		}
		free(path);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct objects *o = objects_create();
	struct err err;
	size_t taken = 0;
	for (size_t i = 0; i < size; taken++) {
		const uint8_t *nl = memchr(data + i, '\n', size - i);
		size_t n = nl ? (size_t)(nl - data) - i : size - i;
		char *name = xstrndup((const char *)data + i, n);
		bool folder = *name && name[strlen(name) - 1] == '/';
		json_t *part = json_pack("{s:[{s:o, s:i, s:n, s:b}]}", "objects", "name", json_foreign(name), "size", n % 3 ? 1 : 0, "etag", "folder", folder);
		MUST(part && !objects_take(o, part, &err));
		json_decref(part);
		free(name);
		i += n + 1;
	}
	MUST(!objects_arrange(o, false, "", &err));
	MUST(o->n + o->left_out <= taken && str_text(&o->left_names));
	looks_right(o);
	char id[33];
	objects_id(o, id);
	MUST(strlen(id) == 32);
	objects_destroy(o);
	return 0;
}
