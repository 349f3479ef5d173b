/* A thin layer over libarchive: the few functions that are needed, by name, since it brings a dozen libraries that other
 * programs of ours must not start with. */
#include "core/io/tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/clock.h"
#include "core/base/lazy.h"
#include "core/base/mem.h"

struct lib {
	struct archive *(*write_new)(void);
	int (*set_format_gnutar)(struct archive *);
	int (*add_filter_gzip)(struct archive *);
	int (*set_filter_option)(struct archive *, const char *, const char *, const char *);
	int (*set_bytes_per_block)(struct archive *, int);
	int (*set_bytes_in_last_block)(struct archive *, int);
	int (*open_fd)(struct archive *, int);
	int (*open_memory)(struct archive *, void *, size_t, size_t *);
	int (*write_header)(struct archive *, struct archive_entry *);
	la_ssize_t (*write_data)(struct archive *, const void *, size_t);
	int (*write_close)(struct archive *);
	int (*write_fail)(struct archive *);
	int (*write_free)(struct archive *);
	const char *(*error_string)(struct archive *);
	int (*error_number)(struct archive *);
	struct archive_entry *(*entry_new)(void);
	struct archive_entry *(*entry_clear)(struct archive_entry *);
	void (*entry_free)(struct archive_entry *);
	void (*entry_set_pathname)(struct archive_entry *, const char *);
	void (*entry_set_symlink)(struct archive_entry *, const char *);
	void (*entry_set_filetype)(struct archive_entry *, unsigned int);
	void (*entry_set_perm)(struct archive_entry *, __LA_MODE_T);
	void (*entry_set_size)(struct archive_entry *, la_int64_t);
	void (*entry_set_mtime)(struct archive_entry *, time_t, long);
};

struct tar {
	struct lib lib;
	struct archive *a;
	struct archive_entry *e;
};

enum { BLOCK = 256 << 10 };

static int open_lib(struct lib *l, struct err *err)
{
	static const char *const names[] = {"libarchive.so.13", "libarchive.13.dylib", "libarchive.dylib", "libarchive.so", NULL};
	const struct lazy_symbol symbols[] = {
	    {"archive_write_new", &l->write_new},
	    {"archive_write_set_format_gnutar", &l->set_format_gnutar},
	    {"archive_write_add_filter_gzip", &l->add_filter_gzip},
	    {"archive_write_set_filter_option", &l->set_filter_option},
	    {"archive_write_set_bytes_per_block", &l->set_bytes_per_block},
	    {"archive_write_set_bytes_in_last_block", &l->set_bytes_in_last_block},
	    {"archive_write_open_fd", &l->open_fd},
	    {"archive_write_open_memory", &l->open_memory},
	    {"archive_write_header", &l->write_header},
	    {"archive_write_data", &l->write_data},
	    {"archive_write_close", &l->write_close},
	    {"archive_write_fail", &l->write_fail},
	    {"archive_write_free", &l->write_free},
	    {"archive_error_string", &l->error_string},
	    {"archive_errno", &l->error_number},
	    {"archive_entry_new", &l->entry_new},
	    {"archive_entry_clear", &l->entry_clear},
	    {"archive_entry_free", &l->entry_free},
	    {"archive_entry_set_pathname", &l->entry_set_pathname},
	    {"archive_entry_set_symlink", &l->entry_set_symlink},
	    {"archive_entry_set_filetype", &l->entry_set_filetype},
	    {"archive_entry_set_perm", &l->entry_set_perm},
	    {"archive_entry_set_size", &l->entry_set_size},
	    {"archive_entry_set_mtime", &l->entry_set_mtime},
	};
	if (lazy_open(names, symbols, ARRAY_LEN(symbols), err))
		return err_wrap(err, "sync needs libarchive (Debian: libarchive13)");
	return 0;
}

static int failed(struct tar *t, const char *what, struct err *err)
{
	const char *why = t->lib.error_string(t->a);
	if (t->lib.error_number(t->a) == EPIPE)
		return err_set(err, ERR_NETWORK, "the other side went away");
	return err_set(err, ERR_IO, "%s: %s", what, why ? why : "libarchive does not say why");
}

/* Everything but where it goes. */
static int set_up(struct tar *t, bool gzip)
{
	struct lib *l = &t->lib;
	t->a = l->write_new();
	t->e = l->entry_new();
	if (!t->a || !t->e || l->set_format_gnutar(t->a) != ARCHIVE_OK)
		return -1;
	if (gzip && (l->add_filter_gzip(t->a) != ARCHIVE_OK || l->set_filter_option(t->a, "gzip", "compression-level", "1") != ARCHIVE_OK))
		return -1;
	l->set_bytes_per_block(t->a, BLOCK);
	l->set_bytes_in_last_block(t->a, 1);
	return 0;
}

struct tar *tar_open(int fd, bool gzip, struct err *err)
{
	struct tar *t = xcalloc(1, sizeof *t);
	if (open_lib(&t->lib, err)) {
		free(t);
		return NULL;
	}
	if (set_up(t, gzip) || t->lib.open_fd(t->a, fd) != ARCHIVE_OK) {
		err_set(err, ERR_IO, "libarchive: %s", t->a && t->lib.error_string(t->a) ? t->lib.error_string(t->a) : "cannot be set up");
		tar_close(t);
		return NULL;
	}
	return t;
}

int tar_begin(struct tar *t, const struct tar_member *m, struct err *err)
{
	struct lib *l = &t->lib;
	l->entry_clear(t->e);
	l->entry_set_pathname(t->e, m->path);
	l->entry_set_filetype(t->e, m->type == 'd' ? S_IFDIR : m->type == 'l' ? S_IFLNK : S_IFREG);
	l->entry_set_perm(t->e, m->mode);
	l->entry_set_size(t->e, m->type == 'f' ? m->size : 0);
	l->entry_set_mtime(t->e, (time_t)m->mtime_s, 0);
	if (m->type == 'l')
		l->entry_set_symlink(t->e, m->target);
	/* A warning is about characters that it could not convert; the bytes are written as they are. */
	return l->write_header(t->a, t->e) < ARCHIVE_WARN ? failed(t, m->path, err) : 0;
}

int tar_data(struct tar *t, const void *data, size_t len, struct err *err)
{
	const char *p = data;
	while (len) {
		la_ssize_t n = t->lib.write_data(t->a, p, len);
		if (n <= 0)
			return failed(t, "packing", err);
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int tar_file(struct tar *t, const char *path, const void *data, size_t len, struct err *err)
{
	const struct tar_member m = {.path = path, .type = 'f', .mode = 0600, .size = (int64_t)len, .mtime_s = wall_now_ms() / 1000};
	return tar_begin(t, &m, err) || tar_data(t, data, len, err) ? -1 : 0;
}

int tar_finish(struct tar *t, struct err *err)
{
	return t->lib.write_close(t->a) == ARCHIVE_OK ? 0 : failed(t, "packing", err);
}

void tar_close(struct tar *t)
{
	if (!t)
		return;
	if (t->a) {
		t->lib.write_fail(t->a); /* after tar_finish it changes nothing; before, no end is written */
		t->lib.write_free(t->a);
	}
	if (t->e)
		t->lib.entry_free(t->e);
	free(t);
}

size_t tar_gzip_size(const void *data, size_t len)
{
	struct tar t = {.a = NULL};
	struct err ignored;
	size_t used = len, room = len + len / 8 + (64 << 10);
	void *buf = xmalloc(room);
	if (!open_lib(&t.lib, &ignored)) {
		if (!set_up(&t, true) && t.lib.open_memory(t.a, buf, room, &used) == ARCHIVE_OK && !tar_file(&t, "x", data, len, &ignored))
			tar_finish(&t, &ignored);
		else
			used = len;
		if (t.a)
			t.lib.write_free(t.a);
		if (t.e)
			t.lib.entry_free(t.e);
	}
	free(buf);
	return used < len ? used : len;
}
