/* Children on the loop. fork + exec with a status pipe, so that "no such program" is an error of proc_start and not an exit
 * status; between fork and exec only async-signal-safe calls are made. */
#include "core/io/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/str.h"

enum { CHILD_FDS = 4096 /* where the kernel cannot close them all at once */, KILL_GRACE_MS = 2000, PIPE_OUT = 0, PIPE_ERR = 1 };

struct proc {
	struct loop *loop;
	struct proc_handlers h;
	pid_t pid;
	int in_fd, out_fd[2];
	char *input;
	size_t input_len, input_done;
	unsigned timer;
	int status;
	bool ended, timed_out, paused;
};

static void close_fd(struct proc *p, int *fd)
{
	if (*fd < 0)
		return;
	loop_watch(p->loop, *fd, 0, NULL, NULL);
	close(*fd);
	*fd = -1;
}

static void release(struct proc *p)
{
	loop_cancel(p->loop, p->timer);
	close_fd(p, &p->in_fd);
	close_fd(p, &p->out_fd[PIPE_OUT]);
	close_fd(p, &p->out_fd[PIPE_ERR]);
	free(p->input);
	free(p);
}

static void finish_if_done(struct proc *p)
{
	if (!p->ended || p->out_fd[PIPE_OUT] >= 0 || p->out_fd[PIPE_ERR] >= 0)
		return;
	if (p->h.exit)
		p->h.exit(p->h.arg, p->status, p->timed_out);
	release(p);
}

/* What a grandchild keeps open must not keep us: after the child itself has ended, its pipes get this long. */
enum { DRAIN_MS = 500 };

static void on_drained(void *arg)
{
	struct proc *p = arg;
	p->timer = 0;
	close_fd(p, &p->out_fd[PIPE_OUT]);
	close_fd(p, &p->out_fd[PIPE_ERR]);
	finish_if_done(p);
}

static void on_output(int fd, int events, void *arg)
{
	(void)events;
	struct proc *p = arg;
	bool is_err = fd == p->out_fd[PIPE_ERR];
	char buf[65536];
	ssize_t n = read(fd, buf, sizeof buf);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		if (p->h.out)
			p->h.out(p->h.arg, is_err, buf, (size_t)n);
		return; /* p may be gone now */
	}
	close_fd(p, &p->out_fd[is_err]);
	finish_if_done(p);
}

static void on_input(int fd, int events, void *arg)
{
	(void)events;
	struct proc *p = arg;
	ssize_t n = write(fd, p->input + p->input_done, p->input_len - p->input_done);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		p->input_done += (size_t)n;
	if (n < 0 || p->input_done == p->input_len)
		close_fd(p, &p->in_fd);
}

static void on_child(pid_t pid, int status, void *arg)
{
	(void)pid;
	struct proc *p = arg;
	p->ended = true;
	p->status = status;
	loop_cancel(p->loop, p->timer);
	p->timer = 0;
	if (!p->paused && (p->out_fd[PIPE_OUT] >= 0 || p->out_fd[PIPE_ERR] >= 0))
		p->timer = loop_after(p->loop, DRAIN_MS, on_drained, p);
	finish_if_done(p);
}

static void on_kill(void *arg)
{
	struct proc *p = arg;
	p->timer = 0;
	proc_kill(p, SIGKILL);
}

static void on_timeout(void *arg)
{
	struct proc *p = arg;
	p->timed_out = true;
	proc_kill(p, SIGTERM);
	p->timer = loop_after(p->loop, KILL_GRACE_MS, on_kill, p);
}

static void set_cloexec(int fd)
{
	fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static int make_pipe(int fds[2])
{
	if (pipe(fds))
		return -1;
	set_cloexec(fds[0]);
	set_cloexec(fds[1]);
	return 0;
}

struct child_fds {
	int in, out, err;
};

/* In the child: never returns. */
__attribute__((noreturn)) static void become(const struct proc_spec *s, const struct child_fds *fds)
{
	if (s->detach)
		setsid();
	else
		setpgid(0, 0);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int sig = 1; sig < 32; sig++)
		signal(sig, SIG_DFL);
	int ok = dup2(fds->in, 0) == 0 && dup2(fds->out, 1) == 1 && dup2(fds->err, 2) == 2 && (!s->cwd || !chdir(s->cwd));
	if (ok) {
		if (s->env)
			environ = (char **)(uintptr_t)s->env;
		execvp(s->argv[0], (char *const *)(uintptr_t)s->argv);
	}
	/* Rare, as the parent has looked; it is not told in another way, since waiting for a child to get its turn would stop the loop. */
	dprintf(2, "cannot start %s: %s\n", s->argv[0], strerror(errno));
	_exit(127);
}

static int open_input(const struct proc_spec *s, int fds[2])
{
	fds[1] = -1;
	if (s->stdin_fd > 0)
		fds[0] = fcntl(s->stdin_fd, F_DUPFD_CLOEXEC, 3);
	else if (s->input)
		return make_pipe(fds);
	else
		fds[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return fds[0] < 0 ? -1 : 0;
}

static void close_all(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

/* The PATH that execvp will look in. */
static const char *path_of(const struct proc_spec *s)
{
	for (size_t i = 0; s->env && s->env[i]; i++)
		if (!strncmp(s->env[i], "PATH=", 5))
			return s->env[i] + 5;
	const char *path = s->env ? NULL : getenv("PATH");
	return path ? path : "/bin:/usr/bin";
}

/* 0, or why the program cannot be executed. */
static int cannot_execute(const struct proc_spec *s)
{
	struct stat st;
	int why = ENOENT;
	if (s->cwd && stat(s->cwd, &st))
		return errno;
	if (strchr(s->argv[0], '/'))
		return s->cwd && s->argv[0][0] != '/' ? 0 : access(s->argv[0], X_OK) ? errno : 0;
	for (const char *p = path_of(s);; p++) {
		size_t len = strcspn(p, ":");
		char *file = xasprintf("%.*s/%s", (int)(len ? len : 1), len ? p : ".", s->argv[0]);
		errno = 0;
		bool ok = !access(file, X_OK) && !stat(file, &st) && S_ISREG(st.st_mode);
		if (!ok && errno == EACCES)
			why = EACCES;
		free(file);
		if (ok)
			return 0;
		p += len;
		if (!*p)
			return why;
	}
}

static void close_between(unsigned first, unsigned last)
{
	if (first > last)
		return;
#ifdef SYS_close_range
	if (!syscall(SYS_close_range, first, last, 0))
		return;
#endif
	for (unsigned fd = first; fd <= last && fd < CHILD_FDS; fd++)
		close((int)fd);
}

void proc_child_alone(int keep, int as)
{
	for (int sig = 1; sig < 32; sig++)
		signal(sig, SIG_DFL);
	if (dup2(keep, as) < 0)
		_exit(1);
	close_between(3, (unsigned)as - 1);
	close_between((unsigned)as + 1, ~0U);
}

/* Fork. Returns the pid, or -1 with *error. Does not wait for the child to become the program: on a busy machine that takes a while. */
static pid_t start_child(const struct proc_spec *spec, int in, int out, int errfd, int *error)
{
	if ((*error = cannot_execute(spec)))
		return -1;
	pid_t pid = fork();
	if (pid < 0)
		*error = errno;
	if (!pid)
		become(spec, &(struct child_fds){in, out, errfd});
	if (pid > 0 && !spec->detach)
		setpgid(pid, pid); /* the child does so as well: whoever is first */
	return pid;
}

struct proc *proc_start(struct loop *l, const struct proc_spec *spec, const struct proc_handlers *h, struct err *err)
{
	int fds[6] = {-1, -1, -1, -1, -1, -1}; /* in r/w, out r/w, err r/w */
	int error = 0;
	pid_t pid = -1;
	if (open_input(spec, fds) || make_pipe(fds + 2) || make_pipe(fds + 4))
		error = errno;
	else
		pid = start_child(spec, fds[0], fds[3], fds[5], &error);
	if (pid < 0) {
		close_all(fds, ARRAY_LEN(fds));
		err_set(err, error == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot start %s%s%s: %s", spec->argv[0],
		    spec->cwd ? " in " : "", spec->cwd ? spec->cwd : "", strerror(error));
		return NULL;
	}
	close(fds[0]);
	close(fds[3]);
	close(fds[5]);
	struct proc *p = xcalloc(1, sizeof *p);
	*p = (struct proc){.loop = l, .h = *h, .pid = pid, .in_fd = fds[1], .out_fd = {fds[2], fds[4]}};
	for (int i = 1; i < 5; i++)
		if (fds[i] >= 0 && i != 3)
			fcntl(fds[i], F_SETFL, fcntl(fds[i], F_GETFL) | O_NONBLOCK);
	loop_watch(l, p->out_fd[PIPE_OUT], LOOP_IN, on_output, p);
	loop_watch(l, p->out_fd[PIPE_ERR], LOOP_IN, on_output, p);
	if (p->in_fd >= 0) {
		p->input = xmalloc(spec->input_len);
		memcpy(p->input, spec->input, spec->input_len);
		p->input_len = spec->input_len;
		loop_watch(l, p->in_fd, LOOP_OUT, on_input, p);
	}
	if (spec->timeout_ms)
		p->timer = loop_after(l, spec->timeout_ms, on_timeout, p);
	loop_child(l, pid, on_child, p);
	return p;
}

pid_t proc_pid(const struct proc *p)
{
	return p->pid;
}

void proc_kill(struct proc *p, int signo)
{
	if (kill(-p->pid, signo) && !p->ended)
		kill(p->pid, signo);
}

void proc_destroy(struct proc *p)
{
	if (!p)
		return;
	if (!p->ended) {
		proc_kill(p, SIGKILL);
		loop_child_cancel(p->loop, p->pid);
		waitpid(p->pid, NULL, 0);
	}
	release(p);
}

void proc_pause(struct proc *p, bool paused)
{
	p->paused = paused;
	for (int i = 0; i < 2; i++) {
		if (p->out_fd[i] < 0)
			continue;
		if (paused)
			loop_watch(p->loop, p->out_fd[i], 0, NULL, NULL);
		else
			loop_watch(p->loop, p->out_fd[i], LOOP_IN, on_output, p);
	}
	if (!paused && p->ended && !p->timer)
		p->timer = loop_after(p->loop, DRAIN_MS, on_drained, p);
}

const char *proc_status_text(int status, char *buf, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(buf, size, "signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(buf, size, "exit status %d", WEXITSTATUS(status));
	return buf;
}
