/* A pass reads the folder of logs, decides, and removes a folder a turn of the loop. Only folders named as clusters are, that no
 * cluster alive has, are looked at; links are not followed. */
#include "core/run/logs_prune.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/run/run.h"

enum { FIRST_MS = 3000, EVERY_MS = 3600 * 1000, FOLDERS_MAX = 100000 };

struct logs_prune {
	struct engine *e;
	unsigned timer;
	struct log_folder *folders; /* of the pass under way */
	size_t n, cap, at;
};

static int by_age(const void *a, const void *b)
{
	const struct log_folder *x = a, *y = b;
	return x->newest_ms < y->newest_ms ? -1 : x->newest_ms > y->newest_ms ? 1 : strcmp(x->name, y->name);
}

void logs_prune_choose(struct log_folder *folders, size_t n, int64_t now_ms, int64_t keep_ms, int64_t max_bytes)
{
	int64_t sum = 0;
	if (n)
		qsort(folders, n, sizeof *folders, by_age);
	for (size_t i = 0; i < n; i++) {
		folders[i].removed = keep_ms >= 0 && now_ms - folders[i].newest_ms > keep_ms;
		sum += folders[i].removed ? 0 : folders[i].bytes;
	}
	for (size_t i = 0; i < n && max_bytes >= 0 && sum > max_bytes; i++) {
		if (!folders[i].removed)
			sum -= folders[i].bytes;
		folders[i].removed = true;
	}
}

static bool is_alive(const struct engine *e, const char *uid)
{
	for (size_t i = 0; i < e->n_units; i++)
		if (!strcmp(e->units[i]->c->uid, uid))
			return true;
	return false;
}

static bool is_uid(const char *name)
{
	return name[0] && name[0] != '.' && !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")];
}

static void measure(int top, struct log_folder *f)
{
	int fd = openat(top, f->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct stat st;
	for (struct dirent *x; d && (x = readdir(d));) {
		if (x->d_name[0] == '.' || fstatat(fd, x->d_name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
			continue;
		int64_t ms = (int64_t)st.st_mtime * 1000;
		f->newest_ms = ms > f->newest_ms ? ms : f->newest_ms;
		f->bytes += (int64_t)st.st_blocks * 512;
	}
	if (d)
		closedir(d);
	else if (fd >= 0)
		close(fd);
}

static void scan(struct logs_prune *p)
{
	DIR *d = opendir(p->e->logs_dir);
	struct stat st;
	for (struct dirent *x; d && p->n < FOLDERS_MAX && (x = readdir(d));) {
		if (!is_uid(x->d_name) || is_alive(p->e, x->d_name) || fstatat(dirfd(d), x->d_name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISDIR(st.st_mode))
			continue;
		ARRAY_GROW(p->folders, p->n, p->cap);
		struct log_folder *f = &p->folders[p->n++];
		*f = (struct log_folder){.name = xstrdup(x->d_name), .newest_ms = 0};
		measure(dirfd(d), f);
		if (!f->newest_ms) /* empty: as old as it is itself */
			f->newest_ms = (int64_t)st.st_mtime * 1000;
	}
	if (d)
		closedir(d);
}

static void forget(struct logs_prune *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->folders[i].name);
	free(p->folders);
	p->folders = NULL;
	p->n = p->cap = p->at = 0;
}

static void on_pass(void *arg);

static void on_remove(void *arg)
{
	struct logs_prune *p = arg;
	while (p->at < p->n && !p->folders[p->at].removed)
		p->at++;
	if (p->at == p->n) {
		forget(p);
		p->timer = loop_after(p->e->loop, EVERY_MS, on_pass, p);
		return;
	}
	const struct log_folder *f = &p->folders[p->at++];
	struct err err;
	char *path = path_join(p->e->logs_dir, f->name);
	if (is_alive(p->e, f->name)) /* meanwhile */
		log_line(LOG_INFO, "logs of %s: kept, its cluster is back", f->name);
	else if (fs_remove_tree(path, &err))
		log_line(LOG_WARN, "old logs %s: %s", path, err.text);
	else
		log_line(LOG_INFO, "old logs removed: %s, %" PRId64 " bytes", path, f->bytes);
	free(path);
	p->timer = loop_after(p->e->loop, 0, on_remove, p);
}

static void on_pass(void *arg)
{
	struct logs_prune *p = arg;
	scan(p);
	logs_prune_choose(p->folders, p->n, wall_now_ms(), p->e->setup.logs_keep_ms, p->e->setup.logs_max_bytes);
	on_remove(p);
}

void logs_prune_start(struct engine *e)
{
	struct logs_prune *p = e->logs_prune = xcalloc(1, sizeof *p);
	p->e = e;
	p->timer = loop_after(e->loop, FIRST_MS, on_pass, p);
}

void logs_prune_stop(struct engine *e)
{
	struct logs_prune *p = e->logs_prune;
	if (!p)
		return;
	e->logs_prune = NULL;
	loop_cancel(e->loop, p->timer);
	forget(p);
	free(p);
}
