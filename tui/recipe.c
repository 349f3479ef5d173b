/* Recipes on the disk, for the verb and the view. */
#include "tui/recipe.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/base/str.h"

enum { RECIPE_MAX_BYTES = 1 << 20 };

static void recipe_free(struct recipe *r)
{
	free(r->name);
	free(r->path);
	free(r->text);
	free(r->title);
	free(r->needs);
}

void recipes_free(struct recipes *rs)
{
	for (size_t i = 0; i < rs->n; i++)
		recipe_free(&rs->v[i]);
	free(rs->v);
	*rs = (struct recipes){NULL, 0, 0};
}

/* What follows `mark` on the comment line that starts with it, without a full stop; "" when there is none. */
static char *comment(const char *text, const char *mark)
{
	size_t len = strlen(mark);
	for (const char *line = text; *line == '#';) {
		size_t n = strcspn(line, "\n");
		if (n > len && !memcmp(line, mark, len)) {
			if (line[n - 1] == '.')
				n--;
			return xstrndup(line + len, n - len);
		}
		line += n;
		line += *line == '\n';
	}
	return xstrdup("");
}

const struct recipe *recipes_find(const struct recipes *rs, const char *name)
{
	for (size_t i = 0; i < rs->n; i++)
		if (!strcmp(rs->v[i].name, name))
			return &rs->v[i];
	return NULL;
}

static int add(struct recipes *rs, const char *dir, const char *file, bool own, struct err *err)
{
	struct recipe r = {.name = xstrndup(file, strlen(file) - strlen(".yaml")), .path = path_join(dir, file), .own = own};
	if (recipes_find(rs, r.name)) {
		recipe_free(&r);
		return 0;
	}
	r.text = fs_read(r.path, RECIPE_MAX_BYTES, NULL, err);
	if (!r.text) {
		recipe_free(&r);
		return -1;
	}
	r.title = comment(r.text, "# ");
	r.needs = comment(r.text, "# Needs: ");
	ARRAY_GROW(rs->v, rs->n, rs->cap);
	rs->v[rs->n++] = r;
	return 0;
}

/* A folder that is not there has no recipes; one that cannot be read is an error. */
static int add_folder(struct recipes *rs, const char *dir, bool own, struct err *err)
{
	DIR *d = opendir(dir);
	if (!d)
		return errno == ENOENT ? 0 : err_errno(err, "recipes in %s", dir);
	int rc = 0;
	for (struct dirent *e; !rc && (e = readdir(d));)
		if (e->d_name[0] != '.' && str_ends(e->d_name, ".yaml") && strlen(e->d_name) > strlen(".yaml"))
			rc = add(rs, dir, e->d_name, own, err);
	closedir(d);
	return rc;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct recipe *)a)->name, ((const struct recipe *)b)->name);
}

int recipes_load(struct recipes *rs, struct err *err)
{
	char *own = home_path(HOME_CONFIG, "recipes"), *ours = share_path("recipes");
	*rs = (struct recipes){NULL, 0, 0};
	int rc = add_folder(rs, own, true, err);
	if (!rc)
		rc = add_folder(rs, ours, false, err);
	if (!rc && !rs->n)
		rc = err_set(err, ERR_NOT_FOUND, "no recipes in %s nor %s", own, ours);
	if (rs->n)
		qsort(rs->v, rs->n, sizeof *rs->v, by_name);
	free(own);
	free(ours);
	return rc;
}

char *recipe_own_path(const char *name)
{
	char *dir = home_path(HOME_CONFIG, "recipes"), *file = xasprintf("%s.yaml", name), *path = path_join(dir, file);
	free(file);
	free(dir);
	return path;
}
