/* inotify on folders rather than on files: editors write a new file and rename it over the old one. A folder that is not there yet
 * is waited for in its nearest parent that is. Where there is no inotify nothing is watched; the next start reads everything. */
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

struct reload {
	struct loop *loop;
	int fd;
	char *folders[FOLDERS_MAX];
	size_t n;
	unsigned timer;
	void (*fn)(void *arg);
	void *arg;
};

/* The folder, or its nearest parent that is there. The same watch twice is one. */
static void watch(const struct reload *r, const char *folder)
{
	char *path = xstrdup(folder);
	while (inotify_add_watch(r->fd, path, IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ONLYDIR) < 0) {
		char *slash = strrchr(path, '/');
		if (!slash || slash == path)
			break;
		*slash = '\0';
	}
	free(path);
}

static void watch_all(const struct reload *r)
{
	for (size_t i = 0; i < r->n; i++)
		watch(r, r->folders[i]);
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
	char buf[4096];
	while (read(fd, buf, sizeof buf) > 0)
		continue;
	loop_cancel(r->loop, r->timer);
	r->timer = loop_after(r->loop, REST_MS, on_rest, r);
}

static void add_folder(struct reload *r, char *folder)
{
	if (r->n == FOLDERS_MAX) {
		free(folder);
		return;
	}
	r->folders[r->n++] = folder;
	watch(r, folder);
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
		free(r->folders[i]);
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
