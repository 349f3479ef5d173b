/* Trees are arrays sorted by path, so that comparing two is one pass over both. */
#include "core/model/tree.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

struct tree *tree_create(void)
{
	struct tree *t = xcalloc(1, sizeof *t);
	t->texts = arena_create();
	return t;
}

void tree_destroy(struct tree *t)
{
	if (!t)
		return;
	arena_destroy(t->texts);
	free(t->v);
	free(t);
}

static int path_wrong(const char *path, const char *why, struct err *err)
{
	struct str shown = str_new(200);
	text_clean(&shown, path, strlen(path) < 150 ? strlen(path) : 150);
	err_set(err, ERR_INVALID, "%s: %s", str_text(&shown), why);
	str_free(&shown);
	return -1;
}

static int check_path(const char *path, struct err *err)
{
	if (strlen(path) > TREE_PATH_MAX)
		return path_wrong(path, "its path is longer than 3000 bytes; leave it out with .skyignore", err);
	if (strchr(path, '\001'))
		return path_wrong(path, "its name holds the control character \\001, which sync cannot send; rename it or leave it out with .skyignore", err);
	for (const char *p = path; *p;) {
		size_t n = strcspn(p, "/");
		if (!n || n > TREE_NAME_MAX || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
			return path_wrong(path, "it cannot be a path in a tree", err);
		p += n;
		if (*p && !*++p)
			return path_wrong(path, "it cannot be a path in a tree", err);
	}
	return 0;
}

int tree_add(struct tree *t, const struct tree_entry *e, struct err *err)
{
	if (t->n >= TREE_ENTRIES_MAX)
		return err_set(err, ERR_INVALID, "more than %d files and folders: leave out what jobs do not need with .skyignore", TREE_ENTRIES_MAX);
	if (check_path(e->path, err))
		return -1;
	if (e->target && (!e->target[0] || strlen(e->target) > TREE_PATH_MAX))
		return path_wrong(e->path, "the target of the link is empty or longer than 3000 bytes", err);
	ARRAY_GROW(t->v, t->n, t->cap);
	t->v[t->n] = *e;
	t->v[t->n].path = arena_strdup(t->texts, e->path);
	t->v[t->n].target = arena_strdup(t->texts, e->target);
	t->n++;
	return 0;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct tree_entry *)a)->path, ((const struct tree_entry *)b)->path);
}

void tree_sort(struct tree *t)
{
	if (t->n)
		qsort(t->v, t->n, sizeof *t->v, by_path);
}

void tree_drop(struct tree *t, const bool *marks)
{
	size_t n = 0;
	for (size_t i = 0; i < t->n; i++)
		if (!marks[i])
			t->v[n++] = t->v[i];
	t->n = n;
}

void tree_print(const struct tree *t, struct str *out)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct tree_entry *e = &t->v[i];
		str_addf(out, "%c %o %" PRId64 " %" PRId64 " %s", (char)e->type, e->mode, e->size, e->mtime_ns, e->path[0] ? e->path : ".");
		str_addc(out, '\0');
		if (e->type != TREE_LINK)
			continue;
		str_add(out, e->target);
		str_addc(out, '\0');
	}
}

/* ---- parsing ----------------------------------------------------------------------------------------------------- */

struct reader {
	const char *at, *end;
};

/* The next record, NULL at the end or when it has none. */
static const char *next(struct reader *r)
{
	const char *s = r->at, *nul = r->at < r->end ? memchr(s, '\0', (size_t)(r->end - s)) : NULL;
	r->at = nul ? nul + 1 : r->end;
	return nul ? s : NULL;
}

/* A number and the blank behind it. Nanoseconds have a digit more than num_int takes. */
static bool take_number(const char **p, int64_t min, int64_t *out)
{
	const char *s = *p;
	bool negative = *s == '-';
	s += negative;
	int64_t v = 0;
	const char *first = s;
	for (; *s >= '0' && *s <= '9'; s++) {
		if (v > (INT64_MAX - 9) / 10)
			return false;
		v = v * 10 + (*s - '0');
	}
	if (s == first || *s != ' ')
		return false;
	*p = s + 1;
	*out = negative ? -v : v;
	return *out >= min;
}

static bool take_mode(const char **p, unsigned *mode)
{
	*mode = 0;
	const char *s = *p;
	for (; *s >= '0' && *s <= '7' && *mode <= 07777; s++)
		*mode = *mode * 8 + (unsigned)(*s - '0');
	if (s == *p || *s != ' ' || *mode > 07777)
		return false;
	*p = s + 1;
	return true;
}

static bool take_entry(struct reader *r, struct tree_entry *e)
{
	const char *p = next(r);
	if (!p || (p[0] != TREE_FILE && p[0] != TREE_DIR && p[0] != TREE_LINK) || p[1] != ' ')
		return false;
	*e = (struct tree_entry){.type = (enum tree_type)p[0]};
	p += 2;
	if (!take_mode(&p, &e->mode) || !take_number(&p, 0, &e->size) || !take_number(&p, INT64_MIN, &e->mtime_ns) || !*p)
		return false;
	e->path = !strcmp(p, ".") ? "" : p;
	if (e->type == TREE_LINK && !(e->target = next(r)))
		return false;
	return e->type == TREE_FILE ? e->path[0] != '\0' : !e->size && !e->mtime_ns;
}

struct tree *tree_parse(const char *text, size_t len, struct err *err)
{
	struct tree *t = tree_create();
	struct reader r = {text, text + len};
	struct tree_entry e;
	struct err why;
	while (r.at < r.end) {
		if (!take_entry(&r, &e) || tree_add(t, &e, &why) || (t->n > 1 && strcmp(t->v[t->n - 2].path, e.path) >= 0)) {
			err_set(err, ERR_PROTOCOL, "record %zu of the manifest makes no sense", t->n + 1);
			tree_destroy(t);
			return NULL;
		}
	}
	return t;
}

/* ---- comparing --------------------------------------------------------------------------------------------------- */

static bool same(const struct tree_entry *a, const struct tree_entry *b)
{
	if (a->type != b->type || a->mode != b->mode || a->size != b->size || a->mtime_ns != b->mtime_ns)
		return false;
	if (a->type == TREE_FILE && a->mtime_ns == TREE_MTIME_UNSURE)
		return false;
	return a->type != TREE_LINK || !strcmp(a->target, b->target);
}

static size_t find(const struct tree *t, const char *path, size_t len)
{
	size_t lo = 0, hi = t->n;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int c = strncmp(t->v[mid].path, path, len);
		if (!c && t->v[mid].path[len])
			c = 1;
		if (!c)
			return mid;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return t->n;
}

/* The folders above, up to the first that is marked already: those above that one are too. */
static void mark_above(const struct tree *t, const char *path, bool *send)
{
	for (size_t len = strlen(path); len;) {
		while (len && path[len - 1] != '/')
			len--;
		len -= len > 0;
		size_t i = find(t, path, len);
		if (i == t->n || send[i])
			return;
		send[i] = true;
	}
}

bool tree_compare(const struct tree *old, const bool *touched, const struct tree *now, bool *send, struct tree_change *sum)
{
	size_t i = 0, n_old = old ? old->n : 0;
	bool differs = false;
	*sum = (struct tree_change){0, 0, 0, 0};
	memset(send, 0, now->n * sizeof *send);
	for (size_t j = 0; j < now->n; j++) {
		int c = 1;
		while (i < n_old && (c = strcmp(old->v[i].path, now->v[j].path)) < 0) {
			sum->deleted++;
			i++;
		}
		send[j] = i >= n_old || c || !same(&old->v[i], &now->v[j]) || (touched && touched[i]);
		i += i < n_old && !c;
		differs = differs || send[j];
	}
	sum->deleted += n_old - i;
	for (size_t j = 0; j < now->n; j++)
		if (send[j])
			mark_above(now, now->v[j].path, send);
	for (size_t j = 0; j < now->n; j++) {
		sum->files += send[j] && now->v[j].type != TREE_DIR;
		sum->folders += send[j] && now->v[j].type == TREE_DIR;
		sum->bytes += send[j] ? now->v[j].size : 0;
	}
	return differs || sum->deleted;
}
