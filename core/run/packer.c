/* Files are read while others write them. Small ones are read whole and again until nothing changed meanwhile; large ones are sent
 * again at the end of the stream, where a later member takes the place of an earlier. One that never rests is sent as it was, said in a
 * note, and marked so that the next sync sends it again. The lists of names come last and tell what was really sent. */
#include "core/run/packer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/io/tar.h"
#include "core/run/checkout.h"
#include "core/run/walk.h"

enum {
	ORDER_MAX = 64 << 20,
	WHOLE_MAX = 1 << 20, /* files up to this are read before their header is written */
	BUFFER = 1 << 20,
	READ_TRIES = 3,
	NOTES_MAX = 20,
	MANIFESTS_KEPT = 200,
	SAMPLE_FILES = 16,
	SAMPLE_BYTES = 16 << 10,
	WORTH_BYTES = 16 << 10, /* less than this is not compressed */
};

struct item {
	const char *key, *root, *name;
	char *src; /* of a folder: it; of a file: the file */
	struct tree *tree;
	int64_t *mtime_s; /* of each entry, as sent; sure even where the tree's is not */
	bool *gone;	  /* vanished while we were at it */
};

struct group {
	const char *out;
	bool **send; /* an array an item, NULL: nothing of it is to be done */
	struct tree_change sum;
	bool any, gzip;
	int fifo; /* opened before the group is told, so that whoever reads finds a writer there; else -1 */
};

struct pack {
	json_t *order;
	const char *trees, *stamp;
	struct item *items;
	struct group *groups;
	size_t n_items, n_groups;
	struct walk_notes walk;
	json_t *notes;
	size_t n_notes;
	char *buffer;
	struct tar *tar;
	struct err err;
};

static void say(json_t *j)
{
	char *text = json_text(j);
	printf("%s\n", text);
	fflush(stdout);
	free(text);
	json_decref(j);
}

static void note(struct pack *p, const char *path, const char *what)
{
	if (p->n_notes++ >= NOTES_MAX)
		return;
	struct str s = str_new(600);
	text_clean(&s, path, strlen(path));
	str_addf(&s, ": %s", what);
	json_array_append_new(p->notes, json_foreign(str_text(&s)));
	str_free(&s);
}

static char *source_path(const struct item *it, const struct tree_entry *e)
{
	return it->name ? xstrdup(it->src) : e->path[0] ? path_join(it->src, e->path) : xstrdup(it->src);
}

static int cannot_read(struct pack *p, const char *path)
{
	struct str s = str_new(600);
	int e = errno;
	text_clean(&s, path, strlen(path));
	err_set(&p->err, ERR_IO, "cannot read %s: %s", str_text(&s), strerror(e));
	str_free(&s);
	return -1;
}

/* ---- looking ----------------------------------------------------------------------------------------------------- */

static int single_file(struct pack *p, struct item *it)
{
	struct stat st;
	struct tree_entry e = {.path = it->name};
	if (stat(it->src, &st))
		return cannot_read(p, it->src);
	if (!walk_entry(&st, walk_now_ns(), &e) || e.type != TREE_FILE)
		return err_set(&p->err, ERR_INVALID, "%s is neither a file nor a folder", it->src);
	it->tree = tree_create();
	return tree_add(it->tree, &e, &p->err);
}

static int look(struct pack *p, struct item *it, const json_t *j)
{
	const json_t *git = json_obj(j, "git");
	it->key = json_str(j, "key", "");
	it->root = json_str(j, "root", "");
	it->name = json_str(j, "name", NULL);
	it->src = git ? checkout(git, &p->err) : xstrdup(json_str(j, "src", ""));
	if (!it->src)
		return -1;
	if (it->name) {
		if (single_file(p, it))
			return -1;
	} else if (!(it->tree = walk_folder(it->src, git ? WALK_ALL : WALK_IGNORES, &p->walk, &p->err))) {
		return -1;
	}
	it->mtime_s = xcalloc(it->tree->n + 1, sizeof *it->mtime_s);
	it->gone = xcalloc(it->tree->n + 1, sizeof *it->gone);
	for (size_t i = 0; i < it->tree->n; i++)
		it->mtime_s[i] = it->tree->v[i].mtime_ns / 1000000000 - (it->tree->v[i].mtime_ns % 1000000000 < 0);
	return 0;
}

static bool id_ok(const char *id)
{
	return id && id[0] && id[0] != '.' && strlen(id) < 120 && strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") == strlen(id);
}

/* The manifest of that id, NULL when it is not here (any more): then all is sent. */
static struct tree *base_tree(const struct pack *p, const char *id)
{
	struct err ignored;
	size_t len = 0;
	if (!id_ok(id))
		return NULL;
	char *path = path_join(p->trees, id), *text = fs_read(path, TREE_TEXT_MAX, &len, &ignored);
	struct tree *t = text ? tree_parse(text, len, &ignored) : NULL;
	if (t) /* it is in use */
		utimensat(AT_FDCWD, path, NULL, 0);
	free(text);
	free(path);
	return t;
}

/* The node's lists are of one kind of entry each; line i (from 1) is the i-th of that kind. */
static void mark_touched(const struct tree *t, const json_t *lines, bool folders, bool *touched)
{
	size_t at = 0, n = json_array_size(lines);
	int64_t line = 0;
	for (size_t i = 0; i < t->n && at < n; i++) {
		if ((t->v[i].type == TREE_DIR) != folders)
			continue;
		line++;
		while (at < n && json_integer_value(json_array_get(lines, at)) < line)
			at++;
		touched[i] = at < n && json_integer_value(json_array_get(lines, at)) == line;
	}
}

static bool compare(struct pack *p, struct group *g, size_t i, const json_t *base)
{
	const struct tree *now = p->items[i].tree;
	struct tree *old = base_tree(p, json_str(base, "id", NULL));
	if (old && old->n && now->n && !old->v[0].path[0] != !now->v[0].path[0]) { /* a folder where a file was, or the other way round */
		tree_destroy(old);
		old = NULL;
	}
	bool *touched = old ? xcalloc(old->n + 1, sizeof *touched) : NULL;
	if (old) {
		mark_touched(old, json_arr(base, "touched"), false, touched);
		mark_touched(old, json_arr(base, "folders"), true, touched);
	}
	bool *send = xcalloc(now->n + 1, sizeof *send);
	struct tree_change c;
	bool differs = tree_compare(old, touched, now, send, &c) || !old;
	g->sum.files += c.files;
	g->sum.folders += c.folders;
	g->sum.deleted += c.deleted;
	g->sum.bytes += c.bytes;
	g->send[i] = differs ? send : NULL;
	if (!differs)
		free(send);
	free(touched);
	tree_destroy(old);
	return differs;
}

/* Is compressing worth it? A sample of what is to be sent tells. */
static bool compressible(struct pack *p, const struct group *g)
{
	if (!json_bool(p->order, "compress", false) || g->sum.bytes < WORTH_BYTES)
		return false;
	size_t step = g->sum.files / SAMPLE_FILES + 1, at = 0, len = 0;
	char *sample = xmalloc(SAMPLE_FILES * SAMPLE_BYTES);
	for (size_t i = 0; i < p->n_items; i++) {
		const struct item *it = &p->items[i];
		for (size_t k = 0; g->send[i] && k < it->tree->n && len + SAMPLE_BYTES <= SAMPLE_FILES * SAMPLE_BYTES; k++) {
			if (!g->send[i][k] || it->tree->v[k].type != TREE_FILE || !it->tree->v[k].size || at++ % step)
				continue;
			char *path = source_path(it, &it->tree->v[k]);
			int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
			ssize_t n = fd < 0 ? 0 : read(fd, sample + len, SAMPLE_BYTES);
			len += n > 0 ? (size_t)n : 0;
			if (fd >= 0)
				close(fd);
			free(path);
		}
	}
	bool worth = len && tar_gzip_size(sample, len) < len / 100 * 80;
	free(sample);
	return worth;
}

static void make_id(const struct pack *p, size_t group, size_t item, char *buf, size_t size)
{
	snprintf(buf, size, "%s.%zu.%zu", p->stamp, group, item);
}

static void say_group(struct pack *p, size_t at)
{
	const struct group *g = &p->groups[at];
	json_t *items = json_array();
	size_t total = 0;
	char id[160];
	for (size_t i = 0; i < p->n_items; i++) {
		make_id(p, at, i, id, sizeof id);
		total += p->items[i].tree->n;
		if (g->send[i])
			json_array_append_new(items, json_pack("{s:s, s:s}", "key", p->items[i].key, "id", id));
	}
	say(json_pack("{s:s, s:I, s:b, s:o, s:I, s:I, s:I, s:I, s:b}", "type", "group", "group", (json_int_t)at, "send", g->any, "items", items, "files",
	    (json_int_t)g->sum.files, "deleted", (json_int_t)g->sum.deleted, "bytes", (json_int_t)g->sum.bytes, "total", (json_int_t)total, "gzip", g->gzip));
}

static int look_at_all(struct pack *p)
{
	const json_t *items = json_arr(p->order, "items"), *groups = json_arr(p->order, "groups");
	p->items = xcalloc(json_array_size(items) + 1, sizeof *p->items);
	p->groups = xcalloc(json_array_size(groups) + 1, sizeof *p->groups);
	for (; p->n_items < json_array_size(items); p->n_items++) {
		if (look(p, &p->items[p->n_items], json_array_get(items, p->n_items))) {
			p->n_items++;
			return -1;
		}
	}
	for (; p->n_groups < json_array_size(groups); p->n_groups++) {
		struct group *g = &p->groups[p->n_groups];
		const json_t *j = json_array_get(groups, p->n_groups);
		g->out = json_str(j, "out", "");
		g->send = xcalloc(p->n_items + 1, sizeof *g->send);
		for (size_t i = 0; i < p->n_items; i++)
			g->any = compare(p, g, i, json_array_get(json_arr(j, "bases"), i)) || g->any;
		g->gzip = g->any && compressible(p, g);
		struct stat st;
		g->fifo = g->any && !lstat(g->out, &st) && S_ISFIFO(st.st_mode) ? open(g->out, O_WRONLY | O_CLOEXEC) : -1;
		say_group(p, p->n_groups);
	}
	return 0;
}

/* ---- packing ----------------------------------------------------------------------------------------------------- */

enum sent { SENT, TORN, VANISHED, BROKEN };

static bool rested(int fd, const struct stat *before)
{
	struct stat st;
	return !fstat(fd, &st) && st.st_size == before->st_size && st.st_mtim.tv_sec == before->st_mtim.tv_sec && st.st_mtim.tv_nsec == before->st_mtim.tv_nsec;
}

/* As much of [0, size) as there is. -1: reading failed. */
static ssize_t read_all(int fd, char *buf, size_t size)
{
	size_t got = 0;
	while (got < size) {
		ssize_t n = pread(fd, buf + got, size - got, (off_t)got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (!n)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

static int begin(struct pack *p, const struct item *it, size_t k, int64_t size, int64_t mtime_s)
{
	const struct tree_entry *e = &it->tree->v[k];
	char path[PATH_MAX + 200];
	int n = snprintf(path, sizeof path, "%s/tree/%s", it->key, e->path);
	if (n < 0 || (size_t)n >= sizeof path)
		return err_set(&p->err, ERR_INVALID, "%.200s…: the path is too long", path);
	return tar_begin(p->tar, &(struct tar_member){.path = path, .type = (char)e->type, .mode = e->mode, .size = size, .mtime_s = mtime_s,
	    .target = e->target}, &p->err);
}

static enum sent send_whole(struct pack *p, struct item *it, size_t k, int fd, struct stat *st, const char *path)
{
	ssize_t n = 0;
	bool calm = false;
	for (int i = 0; i < READ_TRIES && !calm; i++) {
		if (fstat(fd, st) || (n = read_all(fd, p->buffer, (size_t)(st->st_size < BUFFER ? st->st_size : BUFFER))) < 0) {
			cannot_read(p, path);
			return BROKEN;
		}
		calm = n == st->st_size && rested(fd, st);
	}
	if (begin(p, it, k, n, st->st_mtim.tv_sec) || tar_data(p->tar, p->buffer, (size_t)n, &p->err))
		return BROKEN;
	it->tree->v[k].size = n;
	return calm ? SENT : TORN;
}

static enum sent send_long(struct pack *p, struct item *it, size_t k, int fd, const struct stat *st, const char *path)
{
	if (begin(p, it, k, st->st_size, st->st_mtim.tv_sec))
		return BROKEN;
	for (off_t at = 0; at < st->st_size;) {
		off_t left = st->st_size - at;
		ssize_t n = read(fd, p->buffer, left < BUFFER ? (size_t)left : BUFFER);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			cannot_read(p, path);
			return BROKEN;
		}
		if (!n)
			break; /* it became shorter: filled with zeros, and sent again */
		if (tar_data(p->tar, p->buffer, (size_t)n, &p->err))
			return BROKEN;
		at += n;
	}
	return rested(fd, st) ? SENT : TORN;
}

static enum sent send_file(struct pack *p, struct item *it, size_t k, const char *path)
{
	struct tree_entry *e = &it->tree->v[k];
	struct stat st;
	int64_t now = walk_now_ns();
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | (it->name ? 0 : O_NOFOLLOW));
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
		return VANISHED;
	if (fd < 0 || fstat(fd, &st)) {
		cannot_read(p, path);
		if (fd >= 0)
			close(fd);
		return BROKEN;
	}
	if (!S_ISREG(st.st_mode)) {
		close(fd);
		return VANISHED;
	}
	walk_entry(&st, now, e);
	enum sent how = st.st_size <= WHOLE_MAX ? send_whole(p, it, k, fd, &st, path) : send_long(p, it, k, fd, &st, path);
	close(fd);
	if (how == SENT || how == TORN) { /* what was sent is what the manifest says */
		int64_t size = e->size;
		walk_entry(&st, now, e);
		e->size = st.st_size <= WHOLE_MAX ? size : e->size;
		it->mtime_s[k] = st.st_mtim.tv_sec;
	}
	return how;
}

static enum sent send_entry(struct pack *p, struct item *it, size_t k)
{
	if (it->tree->v[k].type != TREE_FILE)
		return begin(p, it, k, 0, walk_now_ns() / 1000000000) ? BROKEN : SENT;
	char *path = source_path(it, &it->tree->v[k]);
	enum sent how = send_file(p, it, k, path);
	if (how == VANISHED) {
		it->gone[k] = true;
		note(p, path, "vanished, or became something else, while it was read");
	}
	free(path);
	return how;
}

struct again {
	size_t item, entry;
};

static int send_trees(struct pack *p, const struct group *g)
{
	struct again *torn = NULL;
	size_t n = 0, cap = 0;
	int rc = 0;
	for (size_t i = 0; i < p->n_items && !rc; i++) {
		for (size_t k = 0; g->send[i] && k < p->items[i].tree->n && !rc; k++) {
			enum sent how = g->send[i][k] && !p->items[i].gone[k] ? send_entry(p, &p->items[i], k) : SENT;
			rc = how == BROKEN ? -1 : 0;
			if (how == TORN) {
				ARRAY_GROW(torn, n, cap);
				torn[n++] = (struct again){i, k};
			}
		}
	}
	for (int round = 1; round < READ_TRIES && n && !rc; round++) {
		size_t left = 0;
		for (size_t i = 0; i < n && !rc; i++) {
			enum sent how = send_entry(p, &p->items[torn[i].item], torn[i].entry);
			rc = how == BROKEN ? -1 : 0;
			if (how == TORN)
				torn[left++] = torn[i];
		}
		n = left;
	}
	for (size_t i = 0; i < n && !rc; i++) {
		struct item *it = &p->items[torn[i].item];
		char *path = source_path(it, &it->tree->v[torn[i].entry]);
		it->tree->v[torn[i].entry].mtime_ns = TREE_MTIME_UNSURE;
		note(p, path, "is being written all the time: sent as it was at one moment or another");
		free(path);
	}
	free(torn);
	return rc;
}

/* ---- the lists --------------------------------------------------------------------------------------------------- */

static int send_list(struct pack *p, const struct item *it, const char *name, const struct str *s)
{
	char path[200];
	snprintf(path, sizeof path, "%s/%s", it->key, name);
	if (s->full)
		return err_set(&p->err, ERR_INVALID, "the list of files is too long: leave out what jobs do not need with .skyignore");
	return tar_file(p->tar, path, str_text(s), s->len, &p->err);
}

static int send_names(struct pack *p, const struct item *it)
{
	struct str names = str_new(TREE_TEXT_MAX), dirs = str_new(TREE_TEXT_MAX), attrs = str_new(TREE_TEXT_MAX);
	for (size_t k = 0; k < it->tree->n; k++) {
		const struct tree_entry *e = &it->tree->v[k];
		struct str *s = e->type == TREE_DIR ? &dirs : &names;
		if (it->gone[k])
			continue;
		str_add(s, e->path[0] ? "./" : ".");
		str_add(s, e->path);
		str_addc(s, '\0');
		if (e->type == TREE_FILE)
			str_addf(&attrs, "%" PRId64 " %" PRId64 "\n", e->size, it->mtime_s[k]);
		else if (e->type == TREE_LINK)
			str_add(&attrs, "-\n");
	}
	int rc = send_list(p, it, "names", &names) || send_list(p, it, "dirs", &dirs) || send_list(p, it, "attrs", &attrs) ? -1 : 0;
	str_free(&names);
	str_free(&dirs);
	str_free(&attrs);
	return rc;
}

/* Kept here under its id, to compare with next time. */
static int keep_manifest(struct pack *p, const struct item *it, const char *id)
{
	struct str text = str_new(TREE_TEXT_MAX);
	struct tree kept = *it->tree;
	kept.v = xcalloc(kept.n + 1, sizeof *kept.v);
	memcpy(kept.v, it->tree->v, kept.n * sizeof *kept.v);
	tree_drop(&kept, it->gone);
	tree_print(&kept, &text);
	free(kept.v);
	/* Without fsync: a manifest that a power cut takes away costs one full sync. */
	char *path = path_join(p->trees, id), *tmp = xasprintf("%s.tmp", path);
	FILE *f = fopen(tmp, "we");
	bool ok = f && fwrite(str_text(&text), 1, text.len, f) == text.len;
	ok = f && !fclose(f) && ok && !rename(tmp, path);
	if (!ok) {
		err_errno(&p->err, "cannot write %s", path);
		unlink(tmp);
	}
	free(tmp);
	free(path);
	str_free(&text);
	return ok ? 0 : -1;
}

static int send_lists(struct pack *p, size_t at)
{
	const struct group *g = &p->groups[at];
	struct str keys = str_new(1 << 20), line = str_new(8192);
	int rc = 0;
	for (size_t i = 0; i < p->n_items && !rc; i++) {
		struct item *it = &p->items[i];
		char id[160];
		if (!g->send[i])
			continue;
		make_id(p, at, i, id, sizeof id);
		str_addf(&keys, "%s\n", it->key);
		str_clear(&line);
		str_addf(&line, "%s\n", id);
		rc = send_list(p, it, "id", &line);
		str_clear(&line);
		str_addf(&line, "%s\n", it->root);
		rc = rc || send_list(p, it, "root", &line) || send_names(p, it) || keep_manifest(p, it, id) ? -1 : 0;
	}
	rc = rc || tar_file(p->tar, "keys", str_text(&keys), keys.len, &p->err) || tar_file(p->tar, "end", "end\n", 4, &p->err) ? -1 : 0;
	str_free(&keys);
	str_free(&line);
	return rc;
}

static int pack_group(struct pack *p, size_t at)
{
	const struct group *g = &p->groups[at];
	if (!g->any)
		return 0;
	int fd = g->fifo >= 0 ? g->fifo : open(g->out, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(&p->err, "%s", g->out);
#ifdef F_SETPIPE_SZ
	if (g->fifo >= 0)
		fcntl(fd, F_SETPIPE_SZ, BUFFER);
#endif
	p->tar = tar_open(fd, g->gzip, &p->err);
	int rc = !p->tar || send_trees(p, g) || send_lists(p, at) || tar_finish(p->tar, &p->err) ? -1 : 0;
	tar_close(p->tar);
	p->tar = NULL;
	if (close(fd) && !rc)
		rc = err_errno(&p->err, "%s", g->out);
	if (!rc)
		say(json_pack("{s:s, s:I}", "type", "packed", "group", (json_int_t)at));
	return rc;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

struct kept {
	char *path;
	int64_t used_ns;
};

static int newest_first(const void *a, const void *b)
{
	int64_t x = ((const struct kept *)a)->used_ns, y = ((const struct kept *)b)->used_ns;
	return (x < y) - (x > y);
}

/* Manifests that nobody asked for in a long while: a node that still has one is sent all files once more. */
static void prune(const struct pack *p)
{
	struct kept *v = NULL;
	size_t n = 0, cap = 0;
	DIR *dir = opendir(p->trees);
	struct dirent *d;
	struct stat st;
	while (dir && (d = readdir(dir))) {
		if (!id_ok(d->d_name) || fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
			continue;
		ARRAY_GROW(v, n, cap);
		v[n++] = (struct kept){path_join(p->trees, d->d_name), (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec};
	}
	if (dir)
		closedir(dir);
	if (n)
		qsort(v, n, sizeof *v, newest_first);
	for (size_t i = 0; i < n; i++) {
		if (i >= MANIFESTS_KEPT)
			unlink(v[i].path);
		free(v[i].path);
	}
	free(v);
}

static void say_error(const struct err *err)
{
	json_t *e = json_object();
	json_put_str(e, "code", err_info(err->code)->name);
	json_object_set_new(e, "message", json_foreign(err->text));
	say(json_pack("{s:o}", "error", e));
}

static void say_done(struct pack *p)
{
	if (p->walk.n_specials) {
		char *text = xasprintf("%zu socket%s, pipe%s or device%s left out: %s%s", p->walk.n_specials, p->walk.n_specials == 1 ? "" : "s",
		    p->walk.n_specials == 1 ? "" : "s", p->walk.n_specials == 1 ? "" : "s", str_text(&p->walk.specials), p->walk.n_specials > 3 ? ", …" : "");
		json_array_append_new(p->notes, json_foreign(text));
		free(text);
	}
	say(json_pack("{s:s, s:O}", "type", "done", "notes", p->notes));
}

static void release(struct pack *p)
{
	for (size_t i = 0; i < p->n_items; i++) {
		tree_destroy(p->items[i].tree);
		free(p->items[i].src);
		free(p->items[i].mtime_s);
		free(p->items[i].gone);
	}
	for (size_t g = 0; g < p->n_groups; g++) {
		for (size_t i = 0; i < p->n_items; i++)
			free(p->groups[g].send[i]);
		free(p->groups[g].send);
	}
	free(p->items);
	free(p->groups);
	free(p->buffer);
	str_free(&p->walk.specials);
	json_decref(p->notes);
	json_decref(p->order);
}

static json_t *read_order(struct err *err)
{
	struct str s = str_new(ORDER_MAX);
	char buf[65536];
	ssize_t n;
	while ((n = read(0, buf, sizeof buf)) > 0 || (n < 0 && errno == EINTR))
		if (n > 0)
			str_addn(&s, buf, (size_t)n);
	json_t *j = s.full ? NULL : json_parse(str_text(&s), s.len, err);
	str_free(&s);
	if (!j)
		err_set(err, ERR_USAGE, "pack-tree: no order on stdin");
	return j;
}

int packer_main(void)
{
	struct pack p = {.walk = {.specials = str_new(1000)}, .notes = json_array(), .buffer = xmalloc(BUFFER)};
	signal(SIGPIPE, SIG_IGN);
	umask(077);
	p.order = read_order(&p.err);
	p.trees = json_str(p.order, "trees", "");
	p.stamp = json_str(p.order, "stamp", "");
	int rc = p.order && id_ok(p.stamp) && !fs_mkdirs(p.trees, &p.err) ? look_at_all(&p) : -1;
	for (size_t i = 0; !rc && i < p.n_groups; i++)
		rc = pack_group(&p, i);
	if (rc) {
		say_error(&p.err);
	} else {
		prune(&p);
		say_done(&p);
	}
	release(&p);
	return rc ? 1 : 0;
}
