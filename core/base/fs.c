/* Files: whole reads with a maximum, atomic writes, the user's folders. */
#include "core/base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/str.h"

#ifndef PKGDATADIR
#define PKGDATADIR "/usr/local/share/skytop"
#endif

static const struct {
	const char *under_home; /* below $SKYTOP_HOME */
	const char *xdg;	/* environment variable */
	const char *fallback;	/* below $HOME */
} dirs[] = {
    [HOME_CONFIG] = {"config", "XDG_CONFIG_HOME", ".config"},
    [HOME_STATE] = {"state", "XDG_STATE_HOME", ".local/state"},
    [HOME_CACHE] = {"cache", "XDG_CACHE_HOME", ".cache"},
    [HOME_DATA] = {"data", "XDG_DATA_HOME", ".local/share"},
    [HOME_RUNTIME] = {"run", "XDG_RUNTIME_DIR", ".local/state"},
};

static const char *user_home(void)
{
	const char *h = getenv("HOME");
	if (h && h[0] == '/')
		return h;
	const struct passwd *pw = getpwuid(getuid());
	return pw && pw->pw_dir ? pw->pw_dir : "/";
}

static char *with_name(char *dir, const char *name)
{
	if (!name || !name[0])
		return dir;
	char *p = path_join(dir, name);
	free(dir);
	return p;
}

char *home_path(enum home_dir dir, const char *name)
{
	const char *home = getenv("SKYTOP_HOME");
	if (home && home[0]) {
		char *abs = NULL;
		if (home[0] != '/') {
			char *cwd = getcwd(NULL, 0);
			abs = path_join(cwd ? cwd : "/", home);
			free(cwd);
		}
		char *d = path_join(abs ? abs : home, dirs[dir].under_home);
		free(abs);
		return with_name(d, name);
	}
	const char *xdg = getenv(dirs[dir].xdg);
	if (xdg && xdg[0] == '/')
		return with_name(path_join(xdg, "skytop"), name);
	return with_name(xasprintf("%s/%s/skytop", user_home(), dirs[dir].fallback), name);
}

/* Run from a build tree? Then the folder of the program in exe, and its source folder (the caller frees); else NULL. */
static char *build_tree(char exe[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", exe, PATH_MAX - 1);
	if (n <= 0)
		return NULL;
	exe[n] = '\0';
	char *slash = strrchr(exe, '/');
	if (!slash)
		return NULL;
	*slash = '\0';
	char *mark = path_join(exe, "share/skytop-build-tree");
	size_t len;
	char *src = fs_read(mark, PATH_MAX, &len, NULL);
	free(mark);
	if (src)
		src[strcspn(src, "\n")] = '\0';
	return src;
}

char *share_path(const char *name)
{
	const char *env = getenv("SKYTOP_SHARE");
	if (env && env[0])
		return path_join(env, name);
	char exe[PATH_MAX];
	char *src = build_tree(exe);
	if (!src)
		return path_join(PKGDATADIR, name);
	const char *folder = str_starts(name, "themes") ? "" : "share/";
	char *built = xasprintf("%s/%s%s", exe, folder, name);
	if (!fs_exists(built)) {
		free(built);
		built = xasprintf("%s/%s%s", src, folder, name);
	}
	free(src);
	return built;
}

char *path_join(const char *dir, const char *name)
{
	size_t n = strlen(dir);
	return xasprintf("%s%s%s", dir, n && dir[n - 1] == '/' ? "" : "/", name);
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

char *path_expand(const char *path)
{
	if (path[0] == '~' && (!path[1] || path[1] == '/'))
		return xasprintf("%s%s", user_home(), path + 1);
	return xstrdup(path);
}

int fs_mkdirs(const char *path, struct err *err)
{
	char *p = xstrdup(path);
	for (char *s = p + 1;; s++) {
		bool end = !*s;
		if (*s != '/' && !end)
			continue;
		*s = '\0';
		if (mkdir(p, 0700) && errno != EEXIST && !(errno == EISDIR)) {
			err_errno(err, "cannot make folder %s", p);
			free(p);
			return -1;
		}
		if (end)
			break;
		*s = '/';
	}
	bool ok = fs_is_dir(p);
	free(p);
	return ok ? 0 : err_set(err, ERR_IO, "cannot make folder %s: a file is in the way", path);
}

bool fs_exists(const char *path)
{
	struct stat st;
	return !lstat(path, &st);
}

bool fs_is_dir(const char *path)
{
	struct stat st;
	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

char *fs_read(const char *path, size_t max, size_t *len, struct err *err)
{
	/* O_NONBLOCK: a FIFO in place of the file must not hang us. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		err_errno(err, "cannot read %s", path);
		return NULL;
	}
	struct stat st;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		err_set(err, ERR_INVALID, "cannot read %s: it is %s", path,
		    S_ISDIR(st.st_mode) ? "a folder" : "not a regular file");
		close(fd);
		return NULL;
	}
	struct str s = str_new(max);
	char buf[16384];
	ssize_t n;
	while ((n = read(fd, buf, sizeof buf)) > 0 && !s.full)
		str_addn(&s, buf, (size_t)n);
	if (n < 0)
		err_errno(err, "cannot read %s", path);
	else if (s.full)
		err_set(err, ERR_INVALID, "%s is larger than %zu bytes, the most that is read", path, max);
	close(fd);
	if (n < 0 || s.full) {
		str_free(&s);
		return NULL;
	}
	if (len)
		*len = s.len;
	return str_take(&s);
}

static int write_all(int fd, const char *p, size_t len)
{
	while (len) {
		ssize_t n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int fs_write(const char *path, const void *data, size_t len, unsigned mode, struct err *err)
{
	char *tmp = xasprintf("%s.%ld.tmp", path, (long)getpid());
	int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	int rc = fd < 0 ? -1 : write_all(fd, data, len);
	if (!rc)
		rc = fsync(fd);
	if (fd >= 0 && close(fd))
		rc = -1;
	if (!rc)
		rc = rename(tmp, path);
	if (rc) {
		err_errno(err, "cannot write %s", path);
		unlink(tmp);
	}
	free(tmp);
	return rc;
}

/* Deeper folders are first moved up to the top of the tree, so that neither descriptors nor stack nor PATH_MAX run out. */
enum { REMOVE_DEPTH = 40 };

struct removal {
	const char *path; /* for messages */
	int top;	  /* the folder that everything is below */
	unsigned moved;	  /* how many folders were moved up; their names count on */
	struct err *err;
};

static int remove_failed(const struct removal *r, const char *name)
{
	return err_errno(r->err, "cannot remove %s (at %s)", r->path, name);
}

/* Open a folder that may forbid it; never through a link. */
static int open_folder(int at, const char *name)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(at, name, flags);
	struct stat st;
	/* fchmodat follows links: only what is a folder is touched. */
	if (fd < 0 && errno == EACCES && !fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISDIR(st.st_mode) &&
	    !fchmodat(at, name, 0700, 0))
		fd = openat(at, name, flags);
	if (fd >= 0 && !fstat(fd, &st) && (st.st_mode & 0700) != 0700)
		fchmod(fd, 0700); /* entries of a folder can only be removed by who may write to it */
	return fd;
}

static int move_up(struct removal *r, int at, const char *name)
{
	char up[40];
	do {
		snprintf(up, sizeof up, ".skytop-removing-%u", r->moved++);
		if (!renameat(at, name, r->top, up) || errno == ENOENT)
			return 0;
	} while (errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR); /* somebody used that very name */
	return remove_failed(r, name);
}

static int remove_below(struct removal *r, int fd, int depth);

static int remove_entry(struct removal *r, int at, const char *name, int depth)
{
	if (!unlinkat(at, name, 0) || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM) /* what unlink says of folders on Linux, and elsewhere */
		return remove_failed(r, name);
	int why = errno, fd = open_folder(at, name);
	if (fd < 0) {
		errno = errno == ENOTDIR ? why : errno;
		return errno == ENOENT ? 0 : remove_failed(r, name);
	}
	if (depth >= REMOVE_DEPTH) {
		close(fd);
		return move_up(r, at, name);
	}
	if (remove_below(r, fd, depth + 1))
		return -1;
	return unlinkat(at, name, AT_REMOVEDIR) && errno != ENOENT ? remove_failed(r, name) : 0;
}

/* Takes fd. */
static int remove_below(struct removal *r, int fd, int depth)
{
	DIR *d = fdopendir(fd);
	if (!d) {
		close(fd);
		return remove_failed(r, ".");
	}
	int rc = 0;
	for (struct dirent *e; !rc && (e = readdir(d));)
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			rc = remove_entry(r, fd, e->d_name, depth);
	closedir(d);
	return rc;
}

int fs_remove_tree(const char *path, struct err *err)
{
	struct stat st;
	if (lstat(path, &st))
		return errno == ENOENT ? 0 : err_errno(err, "cannot remove %s", path);
	if (!S_ISDIR(st.st_mode))
		return unlink(path) && errno != ENOENT ? err_errno(err, "cannot remove %s", path) : 0;
	struct removal r = {.path = path, .err = err};
	unsigned moved;
	do { /* once more for what was moved up */
		moved = r.moved;
		r.top = open_folder(AT_FDCWD, path);
		if (r.top < 0)
			return errno == ENOENT ? 0 : err_errno(err, "cannot remove %s", path);
		int rc = remove_below(&r, fcntl(r.top, F_DUPFD_CLOEXEC, 3), 0);
		close(r.top);
		if (rc)
			return -1;
	} while (r.moved != moved);
	return rmdir(path) && errno != ENOENT ? err_errno(err, "cannot remove %s", path) : 0;
}
