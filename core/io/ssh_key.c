/* Our own key, for machines that are made by us. */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/io/ssh.h"

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

/* link does not replace: when two processes make the key at once, the first one's stays, and both use that. The public half
 * comes first, so that who sees the key has both. */
static int make(const char *path, struct err *err)
{
	char *dir = xstrndup(path, (size_t)(path_base(path) - path)), *tmp = xasprintf("%s.%ld", path, (long)getpid());
	char *tmp_pub = xasprintf("%s.pub", tmp), *pub = xasprintf("%s.pub", path);
	unlink(tmp);
	unlink(tmp_pub);
	int rc = fs_mkdirs(dir, err) || keygen(tmp, err) ? -1 : 0;
	if (!rc && link(tmp, path) && errno != EEXIST)
		rc = err_errno(err, "cannot write %s", path);
	else if (!rc && fs_exists(tmp_pub) && !fs_exists(pub))
		rc = rename(tmp_pub, pub) ? err_errno(err, "cannot write %s", pub) : 0;
	unlink(tmp);
	unlink(tmp_pub);
	free(dir);
	free(tmp);
	free(tmp_pub);
	free(pub);
	return rc;
}

char *ssh_own_key(struct err *err)
{
	char *path = home_path(HOME_DATA, "keys/id_ed25519");
	if (fs_exists(path) || !make(path, err))
		return path;
	free(path);
	return NULL;
}
