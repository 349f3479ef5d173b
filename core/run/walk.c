/* A walk that keeps one folder open at a time, so that no depth runs out of descriptors: the names of a folder are looked at while it
 * is open, and only then its subfolders are entered. */
#include "core/run/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/model/ignore.h"

enum { IGNORE_FILE_MAX = 1 << 20, SPECIALS_NAMED = 3, UNSURE_NS = 20000000 };

struct walk {
	struct str path; /* of the folder under way; grows and shrinks with the depth */
	size_t root_len;
	struct ignore *ignore;
	bool nested; /* .gitignore files below count */
	int64_t now_ns;
	struct tree *tree;
	struct walk_notes *notes;
	struct err *err;
};

int64_t walk_now_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

bool walk_entry(const struct stat *st, int64_t now_ns, struct tree_entry *e)
{
	if (S_ISDIR(st->st_mode)) {
		e->type = TREE_DIR;
		e->mode = (st->st_mode & 0777) | 0700; /* or the node could neither fill nor delete it */
	} else if (S_ISLNK(st->st_mode)) {
		e->type = TREE_LINK;
		e->mode = 0777;
	} else if (S_ISREG(st->st_mode)) {
		e->type = TREE_FILE;
		e->mode = st->st_mode & 0777;
		e->size = st->st_size;
		e->mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
		if (e->mtime_ns <= now_ns && e->mtime_ns > now_ns - UNSURE_NS)
			e->mtime_ns = TREE_MTIME_UNSURE;
	} else {
		return false;
	}
	return true;
}

/* The path below the root, "" for the root itself. */
static const char *below(const struct walk *w)
{
	return w->path.len > w->root_len ? str_text(&w->path) + w->root_len + 1 : "";
}

static int failed(struct walk *w, const char *what)
{
	struct str shown = str_new(400);
	int e = errno;
	text_clean(&shown, str_text(&w->path), w->path.len);
	errno = e;
	err_errno(w->err, "%s %s", what, str_text(&shown));
	str_free(&shown);
	return -1;
}

static void push(struct walk *w, const char *name)
{
	str_addc(&w->path, '/');
	str_add(&w->path, name);
}

static void pop(struct walk *w, size_t len)
{
	w->path.len = len;
	w->path.data[len] = '\0';
}

static bool add_rules(struct walk *w, int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	if (fd < 0)
		return false;
	char *buf = NULL;
	ssize_t n = -1;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size <= IGNORE_FILE_MAX) {
		buf = xmalloc((size_t)st.st_size + 1);
		n = read(fd, buf, (size_t)st.st_size);
	}
	close(fd);
	if (n > 0)
		ignore_add(w->ignore, below(w), buf, (size_t)n);
	free(buf);
	return n >= 0;
}

static void note_special(struct walk *w)
{
	if (w->notes->n_specials++ < SPECIALS_NAMED) {
		str_add(&w->notes->specials, w->notes->specials.len ? ", " : "");
		text_clean(&w->notes->specials, below(w), strlen(below(w)));
	}
}

static int add_link(struct walk *w, struct tree_entry *e)
{
	char target[PATH_MAX + 1];
	ssize_t n = readlink(str_text(&w->path), target, sizeof target - 1);
	if (n < 0)
		return errno == ENOENT || errno == EINVAL ? 0 : failed(w, "cannot read the link");
	target[n] = '\0';
	e->target = target;
	return tree_add(w->tree, e, w->err);
}

struct names {
	char **v;
	size_t n, cap;
};

static void names_free(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->v[i]);
	free(names->v);
}

/* One name of the open folder. Subfolders are only noted: their turn comes when this folder is closed. */
static int take_name(struct walk *w, int dir, const struct dirent *d, struct names *subs)
{
	struct tree_entry e = {.path = below(w)};
	struct stat st;
	if (w->ignore && d->d_type != DT_UNKNOWN && ignore_match(w->ignore, e.path, d->d_type == DT_DIR))
		return 0;
	if (fstatat(dir, d->d_name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : failed(w, "cannot look at");
	if (w->ignore && d->d_type == DT_UNKNOWN && ignore_match(w->ignore, e.path, S_ISDIR(st.st_mode)))
		return 0;
	if (!walk_entry(&st, w->now_ns, &e)) {
		note_special(w);
		return 0;
	}
	if (e.type == TREE_LINK)
		return add_link(w, &e);
	if (tree_add(w->tree, &e, w->err))
		return -1;
	if (e.type == TREE_DIR) {
		ARRAY_GROW(subs->v, subs->n, subs->cap);
		subs->v[subs->n++] = xstrdup(d->d_name);
	}
	return 0;
}

static int take_names(struct walk *w, DIR *dir, struct names *subs)
{
	size_t len = w->path.len;
	struct dirent *d;
	int rc = 0;
	while (!rc && (errno = 0, d = readdir(dir))) {
		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
			continue;
		push(w, d->d_name);
		if (w->path.full || w->path.len >= PATH_MAX)
			rc = err_set(w->err, ERR_INVALID, "%.200s…: a path of more than %d bytes: leave it out with .skyignore", str_text(&w->path), PATH_MAX - 1);
		else
			rc = take_name(w, dirfd(dir), d, subs);
		pop(w, len);
	}
	return rc || (errno && failed(w, "cannot read")) ? -1 : 0;
}

static int take_folder(struct walk *w)
{
	struct names subs = {NULL, 0, 0};
	size_t mark = w->ignore ? ignore_mark(w->ignore) : 0, len = w->path.len;
	DIR *dir = opendir(str_text(&w->path));
	if (!dir)
		return errno == ENOENT && len > w->root_len ? 0 : failed(w, "cannot read");
	if (w->nested)
		add_rules(w, dirfd(dir), ".gitignore");
	int rc = take_names(w, dir, &subs);
	closedir(dir);
	for (size_t i = 0; !rc && i < subs.n; i++) {
		push(w, subs.v[i]);
		rc = take_folder(w);
		pop(w, len);
	}
	names_free(&subs);
	if (w->ignore)
		ignore_release(w->ignore, mark);
	return rc;
}

/* Which rules are there? .skyignore stands for all others. */
static void find_rules(struct walk *w)
{
	int root = open(str_text(&w->path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return;
	if (!add_rules(w, root, ".skyignore")) {
		add_rules(w, root, ".git/info/exclude");
		w->nested = true;
	}
	close(root);
}

struct tree *walk_folder(const char *path, enum walk_rules rules, struct walk_notes *notes, struct err *err)
{
	struct walk w = {.path = str_new(2 * PATH_MAX), .tree = tree_create(), .now_ns = walk_now_ns(), .notes = notes, .err = err};
	struct stat st;
	struct tree_entry root = {.path = ""};
	str_add(&w.path, path);
	w.root_len = w.path.len;
	int rc = 0;
	if (stat(path, &st))
		rc = failed(&w, "cannot look at");
	else if (!walk_entry(&st, w.now_ns, &root) || root.type != TREE_DIR)
		rc = err_set(err, ERR_INVALID, "%s is not a folder", path);
	if (rules == WALK_IGNORES) {
		w.ignore = ignore_create();
		find_rules(&w);
	}
	rc = rc || tree_add(w.tree, &root, err) || take_folder(&w);
	ignore_destroy(w.ignore);
	str_free(&w.path);
	if (rc) {
		tree_destroy(w.tree);
		return NULL;
	}
	tree_sort(w.tree);
	return w.tree;
}
