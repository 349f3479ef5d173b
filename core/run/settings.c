/* One row for each file that was read: as long as the file is the same (time, size, inode), so is what it says, or what is wrong with it. */
#include "core/run/settings.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/model/yaml.h"

struct settings {
	struct settings *next;
	char *path;
	struct stat st;
	json_t *json;
	struct err err;
};

static char *path_of(const char *name)
{
	return name[0] == '~' || name[0] == '/' ? path_expand(name) : home_path(HOME_CONFIG, name);
}

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void parse(struct settings *s)
{
	struct yaml_file *f = yaml_parse_file(s->path, NULL, NULL, &s->err);
	if (!f)
		return;
	s->json = f->n ? yaml_json(f->docs[0]) : json_null();
	yaml_file_free(f);
}

static struct settings *row_of(struct settings **cache, const char *path)
{
	struct settings *s = *cache;
	while (s && strcmp(s->path, path))
		s = s->next;
	if (s)
		return s;
	s = xcalloc(1, sizeof *s);
	s->path = xstrdup(path);
	s->next = *cache;
	*cache = s;
	return s;
}

json_t *settings_read(struct settings **cache, const struct provider *p, const char **path, struct err *err)
{
	*path = NULL;
	*err = (struct err){.code = ERR_NONE};
	for (const char *const *name = p->settings_files; name && *name; name++) {
		char *at = path_of(*name);
		struct stat st;
		if (stat(at, &st)) {
			free(at);
			continue;
		}
		struct settings *s = row_of(cache, at);
		free(at);
		if ((!s->json && !s->err.code) || !same(&s->st, &st)) {
			json_decref(s->json);
			s->json = NULL;
			s->err = (struct err){.code = ERR_NONE};
			s->st = st;
			parse(s);
		}
		*path = s->path;
		*err = s->err;
		return json_incref(s->json);
	}
	return NULL;
}

void settings_free(struct settings *cache)
{
	while (cache) {
		struct settings *s = cache;
		cache = s->next;
		json_decref(s->json);
		free(s->path);
		free(s);
	}
}
