/* Which task files are offered. The ones launched lately are kept, one a line, in recent-tasks beside the engine's state. */
#include "tui/launch_pick.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fs.h"
#include "core/base/str.h"
#include "tui/recipe.h"

enum { RECENT_MAX = 8, HERE_MAX = 100, FILE_MAX = 64 << 10 };

static char *recent_path(void)
{
	return home_path(HOME_STATE, "recent-tasks");
}

static char *recent_text(void)
{
	char *path = recent_path(), *text = fs_read(path, FILE_MAX, NULL, NULL);
	free(path);
	return text;
}

static const char *first_comment(struct arena *arena, const char *path)
{
	char *text = fs_read(path, FILE_MAX, NULL, NULL);
	const char *about = "";
	if (text && text[0] == '#')
		about = arena_strndup(arena, text + 1 + strspn(text + 1, " "), strcspn(text + 1 + strspn(text + 1, " "), "\n"));
	free(text);
	return about;
}

static size_t add_recent(struct arena *arena, struct pick *out, size_t n)
{
	char *text = recent_text();
	for (const char *p = text; p && *p && n < RECENT_MAX;) {
		size_t len = strcspn(p, "\n");
		const char *path = arena_strndup(arena, p, len);
		if (len && fs_exists(path))
			out[n++] = (struct pick){"Launched lately", path, first_comment(arena, path)};
		p += len + (p[len] == '\n');
	}
	free(text);
	return n;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct pick *)a)->path, ((const struct pick *)b)->path);
}

static size_t add_here(struct arena *arena, struct pick *out, size_t n)
{
	size_t from = n;
	DIR *d = opendir(".");
	if (!d)
		return n;
	for (struct dirent *e; (e = readdir(d)) && n < from + HERE_MAX;)
		if (e->d_name[0] != '.' && (str_ends(e->d_name, ".yaml") || str_ends(e->d_name, ".yml")))
			out[n++] = (struct pick){"In this folder", arena_strdup(arena, e->d_name), first_comment(arena, e->d_name)};
	closedir(d);
	qsort(out + from, n - from, sizeof *out, by_path);
	return n;
}

static size_t add_recipes(struct arena *arena, struct pick *out, size_t n)
{
	struct recipes rs;
	recipes_load(&rs, NULL);
	for (size_t i = 0; i < rs.n && n < PICK_MAX; i++)
		out[n++] = (struct pick){"Recipes", arena_strdup(arena, rs.v[i].path), arena_strdup(arena, rs.v[i].title)};
	recipes_free(&rs);
	return n;
}

size_t pick_list(struct arena *arena, struct pick out[PICK_MAX])
{
	size_t n = add_recent(arena, out, 0);
	n = add_here(arena, out, n);
	return add_recipes(arena, out, n);
}

void pick_remember(const char *path)
{
	char *file = recent_path(), *dir = home_path(HOME_STATE, ""), *text = recent_text();
	struct str s = str_new(FILE_MAX);
	size_t n = 1;
	str_addf(&s, "%s\n", path);
	for (const char *p = text; p && *p && n < RECENT_MAX;) {
		size_t len = strcspn(p, "\n");
		if (len && !(len == strlen(path) && !strncmp(p, path, len))) {
			str_addn(&s, p, len);
			str_addc(&s, '\n');
			n++;
		}
		p += len + (p[len] == '\n');
	}
	if (!strchr(path, '\n') && !fs_mkdirs(dir, NULL))
		fs_write(file, str_text(&s), s.len, 0600, NULL); /* only a convenience: no word when it fails */
	str_free(&s);
	free(text);
	free(dir);
	free(file);
}
