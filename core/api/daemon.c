/* Lock, socket, loop, and the supervisor.
 *
 * The lock is an flock on engine.lock in the runtime folder, held by the engine itself for its life: whoever has it owns the socket's name and
 * state.db. The supervisor holds nothing; when its child dies it starts another one, which takes the lock like anybody else. */
#include "core/api/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/api/protocol.h"
#include "core/api/server.h"
#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/io/loop.h"
#include "core/io/rpc.h"
#include "core/run/engine.h"

enum { EXIT_LOCKED = 75, BACKOFF_MIN_MS = 200, BACKOFF_MAX_MS = 30000, STEADY_MS = 60000, LOG_MAX_BYTES = 4 << 20, LEAVING_MS = 5000 };

/* Is somebody at home there? */
static bool answered(void)
{
	char *path = api_socket_path();
	int fd = unix_connect(path, NULL);
	free(path);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* An engine that is leaving has closed its socket, but holds the lock until its state is closed: it is waited for. */
static bool lock_now(int fd)
{
	int64_t end = mono_now_ms() + LEAVING_MS;
	while (flock(fd, LOCK_EX | LOCK_NB)) {
		if (answered() || mono_now_ms() > end)
			return false;
		usleep(20000);
	}
	return true;
}

static int take_lock(struct err *err)
{
	char *dir = home_path(HOME_RUNTIME, ""), *path = home_path(HOME_RUNTIME, "engine.lock");
	int fd = fs_mkdirs(dir, err) ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 && !err->code)
		err_errno(err, "cannot open %s", path);
	struct stat st;
	if (fd >= 0 && !fstat(fd, &st) && st.st_uid != geteuid()) {
		err_set(err, ERR_CREDENTIALS, "%s belongs to user %u, not to you", path, (unsigned)st.st_uid);
		close(fd);
		fd = -1;
	} else if (fd >= 0 && !lock_now(fd)) {
		err_set(err, ERR_CONFLICT, "an engine is running already (%s is locked)", path);
		close(fd);
		fd = -1;
	}
	if (fd >= 0) {
		char pid[32];
		int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
		if (ftruncate(fd, 0) || pwrite(fd, pid, (size_t)n, 0) < 0)
			log_line(LOG_WARN, "cannot write my pid to %s: %s", path, strerror(errno));
	}
	free(dir);
	free(path);
	return fd;
}

static void leave(void *arg)
{
	loop_stop(arg);
}

static void on_signal(int signo, void *arg)
{
	log_line(LOG_INFO, "signal %d: leaving", signo);
	loop_stop(arg);
}

static void tell_ready(int fd)
{
	if (fd < 0)
		return;
	ssize_t ignored = write(fd, "r", 1);
	(void)ignored;
	close(fd);
}

/* Each cluster that is watched is a stream or two, and each client one: more than the 1,024 that a login gives. */
static void allow_many_files(void)
{
	enum { FILES_WANTED = 65536 };
	struct rlimit r;
	if (getrlimit(RLIMIT_NOFILE, &r) || r.rlim_cur >= FILES_WANTED)
		return;
	r.rlim_cur = r.rlim_max < FILES_WANTED ? r.rlim_max : FILES_WANTED;
	setrlimit(RLIMIT_NOFILE, &r);
}

static int serve(const struct daemon_setup *d, struct loop *l, struct err *err)
{
	char *path = api_socket_path();
	allow_many_files();
	/* The engine before the socket: who can connect finds the state loaded. */
	struct engine *e = engine_create(&(struct engine_setup){.loop = l, .providers = d->providers, .self = d->self, .provider_config = d->provider_config,
					     .default_autostop_minutes = d->default_autostop_minutes, .max_hourly_uusd = d->max_hourly_uusd,
					     .no_ssh_include = d->no_ssh_include, .lost_after_ms = d->lost_after_ms,
					     .prices_every_ms = d->prices_every_ms, .logs_keep_ms = d->logs_keep_ms,
					     .logs_max_bytes = d->logs_max_bytes, .crash_at_commit = d->crash_at_commit}, err);
	int fd = e ? unix_listen(path, err) : -1;
	if (fd >= 0) {
		struct server *s = server_create(&(struct server_setup){.loop = l, .engine = e, .fd = fd, .socket_path = path, .idle_exit_ms = d->idle_exit_ms,
			.leave = leave, .arg = l});
		log_line(LOG_INFO, "skytop %s: engine up on %s", api_build(), path);
		tell_ready(d->ready_fd);
		loop_run(l);
		server_destroy(s);
		unlink(path); /* the lock is still ours */
	}
	engine_destroy(e);
	free(path);
	return fd >= 0 ? 0 : -1;
}

static int run_once(const struct daemon_setup *d, struct err *err)
{
	*err = (struct err){.code = ERR_NONE};
	int lock = take_lock(err);
	if (lock < 0)
		return -1;
	struct loop *l = loop_create();
	loop_signal(l, SIGTERM, on_signal, l);
	loop_signal(l, SIGINT, on_signal, l);
	loop_signal(l, SIGHUP, on_signal, l);
	int rc = serve(d, l, err);
	loop_destroy(l);
	close(lock);
	return rc;
}

/* ---- the supervisor ---------------------------------------------------------------------------------------------- */

static volatile sig_atomic_t supervisor_told; /* a signal to pass on */

static void on_supervisor_signal(int signo)
{
	supervisor_told = signo;
}

static pid_t start_engine(const struct daemon_setup *d)
{
	pid_t pid = fork();
	if (pid)
		return pid;
	struct err err;
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	if (!run_once(d, &err))
		_exit(0);
	log_line(LOG_ERROR, "the engine cannot begin: %s", err.text);
	_exit(err.code == ERR_CONFLICT ? EXIT_LOCKED : 1);
}

static int await(pid_t pid)
{
	int status;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return 0;
		if (supervisor_told)
			kill(pid, supervisor_told);
	}
	return status;
}

static void supervise(struct daemon_setup d)
{
	int64_t pause = BACKOFF_MIN_MS;
	struct sigaction sa = {.sa_handler = on_supervisor_signal};
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	for (;;) {
		int64_t began = mono_now_ms();
		pid_t pid = start_engine(&d);
		if (pid < 0)
			return;
		if (d.ready_fd >= 0) /* only the first one is waited for */
			close(d.ready_fd);
		d.ready_fd = -1;
		int status = await(pid);
		bool crashed = WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != EXIT_LOCKED);
		if (!crashed || supervisor_told)
			return;
		if (mono_now_ms() - began > STEADY_MS)
			pause = BACKOFF_MIN_MS;
		log_line(LOG_ERROR, "the engine died (status 0x%x): started again in %" PRId64 " ms", (unsigned)status, pause);
		usleep((useconds_t)pause * 1000);
		pause = pause * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : pause * 2;
		d.crash_at_commit = 0;
	}
}

static void open_log(void)
{
	char *dir = home_path(HOME_STATE, ""), *path = home_path(HOME_STATE, "engine.log");
	struct stat st;
	fs_mkdirs(dir, NULL);
	if (!stat(path, &st) && st.st_size > LOG_MAX_BYTES) { /* one old one is kept */
		char *old = xasprintf("%s.1", path);
		rename(path, old);
		free(old);
	}
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0)
		log_open(fd, LOG_INFO);
	free(dir);
	free(path);
}

/* No terminal, no folder, no open files of whoever started us. */
static void detach(void)
{
	setsid();
	int null = open("/dev/null", O_RDWR);
	for (int fd = 0; null >= 0 && fd < 3; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
	if (chdir("/"))
		log_line(LOG_WARN, "cannot leave the folder: %s", strerror(errno));
	umask(077);
}

/* Started by hand: go into the background, and let the caller know whether the engine came up. 1 in the child, 0 or -1 in the parent. */
static int into_background(struct daemon_setup *d, struct err *err)
{
	int ready[2];
	char c;
	if (pipe(ready))
		return err_errno(err, "cannot start the engine");
	pid_t pid = fork();
	if (!pid) {
		close(ready[0]);
		fcntl(ready[1], F_SETFD, FD_CLOEXEC);
		d->ready_fd = ready[1];
		return 1;
	}
	close(ready[1]);
	bool up = pid > 0 && read(ready[0], &c, 1) == 1;
	close(ready[0]);
	return up ? 0 : err_set(err, ERR_FAILED, "the engine did not come up, perhaps because one runs already: see engine.log in the state folder");
}

int daemon_run(const struct daemon_setup *setup, struct err *err)
{
	struct daemon_setup d = *setup;
	/* Jobs on nodes of this machine get the user's umask, not ours. Not overwritten: a restart comes here again. */
	char mask[16];
	snprintf(mask, sizeof mask, "%04o", (unsigned)umask(077));
	setenv("SKYTOP_AGENT_UMASK", mask, 0);
	if (d.foreground) {
		log_open(2, LOG_INFO);
		return run_once(&d, err);
	}
	if (d.ready_fd < 0) {
		int rc = into_background(&d, err);
		if (rc <= 0)
			return rc;
	}
	open_log();
	detach();
	supervise(d);
	_exit(0);
}
