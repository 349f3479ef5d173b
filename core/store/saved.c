/* The whole file is read and written each time: it is short, and somebody may have edited it meanwhile. */
#include "core/store/saved.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/base/str.h"

enum { FILE_MAX = 1 << 20 };

static bool name_ok(const char *name)
{
	size_t n = strlen(name);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
			return false;
	return n && n <= SAVED_NAME_MAX && name[0] != ' ' && name[n - 1] != ' ';
}

static void add_line(struct saved_filters *s, const char *line, size_t len)
{
	const char *tab = memchr(line, '\t', len);
	if (!tab || s->n == SAVED_MAX)
		return;
	char *name = xstrndup(line, (size_t)(tab - line));
	if (!name_ok(name) || saved_find(s, name)) {
		free(name);
		return;
	}
	s->v[s->n++] = (struct saved_filter){name, xstrndup(tab + 1, len - (size_t)(tab + 1 - line))};
}

int saved_load(struct saved_filters *out, struct err *err)
{
	struct err why = {0};
	char *path = home_path(HOME_CONFIG, "filters"), *text = fs_read(path, FILE_MAX, NULL, &why);
	int rc = !text && why.code != ERR_NOT_FOUND ? err_set(err, why.code, "%s", why.text) : 0;
	*out = (struct saved_filters){.v = xcalloc(SAVED_MAX, sizeof *out->v)};
	for (const char *p = text; p && *p;) {
		size_t len = strcspn(p, "\n");
		add_line(out, p, len);
		p += len + (p[len] == '\n');
	}
	free(text);
	free(path);
	return rc;
}

void saved_free(struct saved_filters *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i].name);
		free(s->v[i].text);
	}
	free(s->v);
	*s = (struct saved_filters){0};
}

const char *saved_find(const struct saved_filters *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->v[i].name, name))
			return s->v[i].text;
	return NULL;
}

static int save(const struct saved_filters *s, const char *name, const char *text, struct err *err)
{
	struct str out = str_new(FILE_MAX);
	bool there = false;
	for (size_t i = 0; i < s->n; i++) {
		bool same = !strcmp(s->v[i].name, name);
		there |= same;
		if (!same || text)
			str_addf(&out, "%s\t%s\n", s->v[i].name, same ? text : s->v[i].text);
	}
	if (!there && text)
		str_addf(&out, "%s\t%s\n", name, text);
	char *folder = home_path(HOME_CONFIG, ""), *path = home_path(HOME_CONFIG, "filters");
	int rc = out.full ? err_set(err, ERR_INVALID, "%s would be too long", path)
			  : fs_mkdirs(folder, err) || fs_write(path, str_text(&out), out.len, 0600, err) ? -1 : 0;
	free(path);
	free(folder);
	str_free(&out);
	return rc;
}

int saved_put(const char *name, const char *text, struct err *err)
{
	struct saved_filters s;
	int rc;
	if (!name_ok(name))
		return err_set(err, ERR_INVALID, "a filter's name is 1 to %d bytes, without control characters", SAVED_NAME_MAX);
	if (text && strpbrk(text, "\n\t"))
		return err_set(err, ERR_INVALID, "a filter is one line");
	if (saved_load(&s, err))
		rc = -1;
	else if (text && s.n == SAVED_MAX && !saved_find(&s, name))
		rc = err_set(err, ERR_INVALID, "there are %d saved filters, no more fit", SAVED_MAX);
	else
		rc = save(&s, name, text, err);
	saved_free(&s);
	return rc;
}
