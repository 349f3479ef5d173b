/* inotify on folders rather than on files: editors write a new file and rename it over the old one. A folder that is not there yet
 * is waited for in its nearest parent that is: what else happens there, as in a home folder, is not looked at. Where there is no inotify
 * nothing is watched; the next start reads everything. */
#include "tui/reload.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "core/base/fs.h"
#include "core/base/mem.h"

#ifdef HAVE_INOTIFY_INIT1
#include <sys/inotify.h>

/* Editors need a moment between truncating a file and having written it. */
enum { REST_MS = 60, FOLDERS_MAX = 4 };

struct folder {
	char *path;
	int wd;
	size_t seen; /* so many bytes of the path are the folder that is watched */
};

struct reload {
	struct loop *loop;
	int fd;
	struct folder folders[FOLDERS_MAX];
	size_t n;
	unsigned timer;
	void (*fn)(void *arg);
	void *arg;
};

/* The folder, or its nearest parent that is there. The same watch twice is one. */
static void watch(const struct reload *r, struct folder *f)
{
	const uint32_t all = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ONLYDIR;
	char *path = xstrdup(f->path);
	while ((f->wd = inotify_add_watch(r->fd, path, all)) < 0) {
		char *slash = strrchr(path, '/');
		if (!slash || slash == path)
			break;
		*slash = '\0';
	}
	f->seen = strlen(path);
	free(path);
}

static void watch_all(struct reload *r)
{
	for (size_t i = 0; i < r->n; i++)
		watch(r, &r->folders[i]);
}

/* Has it happened in one of the folders, or is it the way to one? */
static bool matters(const struct reload *r, const struct inotify_event *e)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct folder *f = &r->folders[i];
		const char *next = f->path + f->seen;
		size_t len = e->len ? strlen(e->name) : 0;
		if (f->wd == e->wd && (!*next || (len && !strncmp(next + 1, e->name, len) && (!next[1 + len] || next[1 + len] == '/'))))
			return true;
	}
	return e->mask & IN_Q_OVERFLOW;
}

static void on_rest(void *arg)
{
	struct reload *r = arg;
	r->timer = 0;
	watch_all(r); /* a folder that has just been made */
	r->fn(r->arg);
}

static void on_events(int fd, int events, void *arg)
{
	(void)events;
	struct reload *r = arg;
	_Alignas(struct inotify_event) char buf[4096];
	bool due = false;
	for (ssize_t n; (n = read(fd, buf, sizeof buf)) > 0;) {
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *e = (const void *)(buf + at);
			due = due || matters(r, e);
			at += (ssize_t)(sizeof *e + e->len);
		}
	}
	if (!due)
		return;
	loop_cancel(r->loop, r->timer);
	r->timer = loop_after(r->loop, REST_MS, on_rest, r);
}

static void add_folder(struct reload *r, char *folder)
{
	if (r->n == FOLDERS_MAX) {
		free(folder);
		return;
	}
	r->folders[r->n] = (struct folder){.path = folder};
	watch(r, &r->folders[r->n++]);
}

struct reload *reload_create(struct loop *l, void (*fn)(void *arg), void *arg)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (fd < 0)
		return NULL;
	struct reload *r = xcalloc(1, sizeof *r);
	*r = (struct reload){.loop = l, .fd = fd, .fn = fn, .arg = arg};
	char *config = home_path(HOME_CONFIG, "");
	config[strlen(config) - 1] = config[strlen(config) - 1] == '/' ? '\0' : config[strlen(config) - 1];
	add_folder(r, config);
	add_folder(r, home_path(HOME_CONFIG, "themes"));
	loop_watch(l, fd, LOOP_IN, on_events, r);
	return r;
}

void reload_add(struct reload *r, const char *path)
{
	if (!r || !path)
		return;
	char *full = path_expand(path), *slash = strrchr(full, '/');
	if (slash && slash != full) {
		*slash = '\0';
		add_folder(r, full);
		return;
	}
	free(full);
}

void reload_destroy(struct reload *r)
{
	if (!r)
		return;
	loop_watch(r->loop, r->fd, 0, NULL, NULL);
	loop_cancel(r->loop, r->timer);
	close(r->fd);
	for (size_t i = 0; i < r->n; i++)
		free(r->folders[i].path);
	free(r);
}

#else

struct reload *reload_create(struct loop *l, void (*fn)(void *arg), void *arg)
{
	(void)l;
	(void)fn;
	(void)arg;
	return NULL;
}

void reload_add(struct reload *r, const char *path)
{
	(void)r;
	(void)path;
}

void reload_destroy(struct reload *r)
{
	(void)r;
}
#endif
