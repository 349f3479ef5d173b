/* fork, exec, read with a deadline. The child is a process group of its own, so that the deadline ends what it started.
 */
#include "providers/common/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/str.h"

enum { EXEC_FAILED = 127, EXEC_NOT_FOUND = 126 };

/* In the child, after fork: only what is safe there. */
static void become(const char *const *argv, int out)
{
	setpgid(0, 0);
	int null = open("/dev/null", O_RDWR);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 2) < 0 || dup2(out, 1) < 0)
		_exit(EXEC_FAILED);
	execvp(argv[0], (char *const *)argv);
	/* EACCES is also what a folder of PATH that may not be entered gives, when the program is in none of the
	 * others. */
	_exit(errno == ENOENT || errno == EACCES || errno == ENOTDIR ? EXEC_NOT_FOUND : EXEC_FAILED);
}

/* Until the end of output: 0; -1 with err when time or room runs out. */
static int drain(int fd, const char *name, int64_t until_ms, struct str *s, struct err *err)
{
	char buf[4096];
	for (;;) {
		int64_t left = until_ms - mono_now_ms();
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int n = left > 0 ? poll(&p, 1, (int)left) : 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(err, ERR_TIMEOUT, "%s does not answer", name);
		ssize_t got = read(fd, buf, sizeof buf);
		if (got <= 0)
			return 0;
		str_addn(s, buf, (size_t)got);
		if (s->full)
			return err_set(err, ERR_INVALID, "%s prints more than %zu bytes", name, s->max);
	}
}

static int check_status(const char *name, int status, struct err *err)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXEC_NOT_FOUND)
		return err_set(err, ERR_NOT_FOUND, "%s is not installed", name);
	if (WIFEXITED(status) && WEXITSTATUS(status))
		return err_set(err, ERR_FAILED, "%s ended with exit status %d", name, WEXITSTATUS(status));
	if (WIFSIGNALED(status))
		return err_set(err, ERR_FAILED, "%s was killed by signal %d", name, WTERMSIG(status));
	return 0;
}

char *child_output(const char *const *argv, int64_t deadline_ms, size_t max, struct err *err)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC)) {
		err_errno(err, "cannot start %s", argv[0]);
		return NULL;
	}
	pid_t pid = fork();
	if (pid == 0)
		become(argv, fds[1]);
	close(fds[1]);
	if (pid < 0) {
		err_errno(err, "cannot start %s", argv[0]);
		close(fds[0]);
		return NULL;
	}
	struct str s = str_new(max);
	int rc = drain(fds[0], argv[0], mono_now_ms() + deadline_ms, &s, err);
	close(fds[0]);
	if (rc && kill(-pid, SIGKILL))
		kill(pid, SIGKILL);
	int status = 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!rc)
		rc = check_status(argv[0], status, err);
	if (!rc)
		return str_take(&s);
	str_free(&s);
	return NULL;
}
