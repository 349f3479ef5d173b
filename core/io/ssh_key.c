/* Our own key, for machines that are made by us. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/io/ssh.h"

enum { LOCK_TRIES = 600 }; /* 3 s */

static int keygen(const char *path, struct err *err)
{
	const char *const argv[] = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "skytop", "-f", path, NULL};
	pid_t pid;
	int status, rc = posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv, environ);
	if (rc)
		return err_set(err, ERR_UNSUPPORTED, "cannot make our SSH key: ssh-keygen does not start (%s); install openssh-client",
		    strerror(rc));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return err_set(err, ERR_FAILED, "cannot make our SSH key %s: ssh-keygen failed", path);
	return 0;
}

/* The public half comes first, so that who sees the key has both halves, and of the same pair: one process at a time makes them, and
 * what one that was killed left behind is made anew. */
static int make(const char *path, const char *dir, struct err *err)
{
	char *tmp = xasprintf("%s/.new", dir), *tmp_pub = xasprintf("%s.pub", tmp), *pub = xasprintf("%s.pub", path);
	unlink(tmp);
	unlink(tmp_pub);
	int rc = keygen(tmp, err);
	if (!rc && (rename(tmp_pub, pub) || rename(tmp, path)))
		rc = err_errno(err, "cannot write %s", path);
	free(tmp);
	free(tmp_pub);
	free(pub);
	return rc;
}

static int make_once(const char *path, struct err *err)
{
	char *dir = xstrndup(path, (size_t)(path_base(path) - path) - 1), *lock = xasprintf("%s/.lock", dir);
	int rc = fs_mkdirs(dir, err), fd = rc ? -1 : open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (!rc && fd < 0)
		rc = err_errno(err, "cannot write %s", lock);
	for (int i = 0; fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) && !rc; i++) {
		usleep(5000);
		if (i >= LOCK_TRIES)
			rc = err_set(err, ERR_TIMEOUT, "another process has been making %s for long: is it stopped?", path);
	}
	if (!rc && !fs_exists(path))
		rc = make(path, dir, err);
	if (fd >= 0)
		close(fd);
	free(lock);
	free(dir);
	return rc;
}

char *ssh_own_key(struct err *err)
{
	char *path = home_path(HOME_DATA, "keys/id_ed25519");
	if (fs_exists(path) || !make_once(path, err))
		return path;
	free(path);
	return NULL;
}
