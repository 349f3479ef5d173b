/* skytop demo: the whole program over a cloud that is made up, and over nothing of the person's own.
 *
 * All of it lives in one folder, under an engine of its own. A second process, the keeper, plays the script and watches a pipe
 * that the screen holds open: when the screen ends, in whatever way (q, SIGTERM, SIGHUP, SIGKILL), the pipe closes, and the keeper
 * ends engine, machines and folder. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/api/client.h"
#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "tui/cli/cli_priv.h"
#include "tui/cli/demo.h"

enum { ONCE_WAIT_MS = 15000, TURN_MS = 250, SPEED_MAX = 100000 };

static void ignore(int signo)
{
	(void)signo;
}

/* A session of its own, without the terminal. A handler instead of SIG_IGN: what is started from here is not to inherit it. */
static void step_aside(void)
{
	static const int signals[] = {SIGHUP, SIGINT, SIGTERM, SIGQUIT, SIGPIPE};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	setsid();
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		sigaction(signals[i], &(struct sigaction){.sa_handler = ignore}, NULL);
	for (int fd = 0; null >= 0 && fd < 3; fd++)
		dup2(null, fd);
}

/* Has the other end been closed? Waits for that so long. */
static bool closed_within(int fd, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	return poll(&p, 1, ms) > 0 && p.revents;
}

/* Says on `ready` when the prices are there ('p', or 'x' and what went wrong), and when the clusters are up ('u'). */
static void keep(const struct demo *d, int life, int ready)
{
	struct err err = {0};
	struct demo_script script = {0};
	bool told = false;
	step_aside();
	if (demo_settle(d, &err) || demo_past(d, wall_now_ms(), &err) || demo_engine(d, &err)) {
		dprintf(ready, "x%s", err.text);
	} else {
		bool on = write(ready, "p", 1) == 1;
		int64_t turn_ms = TURN_MS * DEMO_SPEED / d->speed, began_ms = mono_now_ms();
		while (on && !closed_within(life, (int)(turn_ms > 50 ? turn_ms : 50))) {
			demo_play(d, &script, 1 + (mono_now_ms() - began_ms) * d->speed / DEMO_SPEED);
			if (script.was_up && !told)
				told = write(ready, "u", 1) == 1;
		}
	}
	close(ready);
	demo_clear(d);
	_exit(0);
}

static const struct provider *simulated(struct cli *c)
{
	const struct provider *const *p = cli_program(c)->providers;
	while (p && *p && !(*p)->simulated)
		p++;
	return p ? *p : NULL;
}

/* The demo's folder is the home too: the settings of pools and of ssh are the person's. */
static int make_home(struct demo *d, struct err *err)
{
	const char *tmp = getenv("TMPDIR");
	char *path = path_join(tmp && tmp[0] == '/' ? tmp : "/tmp", "skytop-demo-XXXXXX"), *user;
	if (!mkdtemp(path)) {
		err_errno(err, "%s", path);
		free(path);
		return -1;
	}
	d->home = path;
	user = path_join(path, "home");
	setenv("SKYTOP_HOME", path, 1);
	setenv("HOME", user, 1);
	int rc = fs_mkdirs(user, err);
	free(user);
	return rc;
}

static pid_t start_keeper(const struct demo *d, int *life, int *ready, struct err *err)
{
	int a[2], b[2];
	if (pipe2(a, O_CLOEXEC))
		return err_errno(err, "pipe");
	if (pipe2(b, O_CLOEXEC)) {
		close(a[0]);
		close(a[1]);
		return err_errno(err, "pipe");
	}
	pid_t pid = fork();
	if (!pid) {
		close(a[1]);
		close(b[0]);
		keep(d, a[0], b[1]);
	}
	close(a[0]);
	close(b[1]);
	*life = a[1];
	*ready = b[0];
	return pid < 0 ? err_errno(err, "fork") : pid;
}

static int wait_prices(int ready, struct err *err)
{
	char text[600];
	ssize_t n = read(ready, text, sizeof text - 1);
	if (n > 0 && text[0] == 'p')
		return 0;
	text[n > 0 ? n : 0] = '\0';
	return err_set(err, ERR_FAILED, "the demo did not start: %s", n > 1 ? text + 1 : "its keeper ended");
}

/* A screen that is printed once is worth looking at when there is something on it. */
static void wait_clusters(struct cli *c, int ready)
{
	const char *view = cli_arg(c, 0);
	struct pollfd p = {.fd = ready, .events = POLLIN};
	if (cli_flag(c, "once") && view && !str_starts("offers", view))
		poll(&p, 1, ONCE_WAIT_MS);
}

static int show(struct cli *c, struct demo *d)
{
	struct err err;
	int life = -1, ready = -1, status;
	pid_t keeper = start_keeper(d, &life, &ready, &err);
	if (keeper < 0) {
		fs_remove_tree(d->home, NULL);
		return cli_fail(c, &err);
	}
	if (wait_prices(ready, &err)) {
		status = cli_fail(c, &err);
	} else {
		wait_clusters(c, ready);
		status = cli_program(c)->screen(c);
	}
	close(ready);
	close(life);
	while (waitpid(keeper, NULL, 0) < 0 && errno == EINTR)
		continue;
	return status;
}

static int run(struct cli *c)
{
	struct err err;
	struct demo d = {.cloud = simulated(c), .speed = DEMO_SPEED};
	if (!cli_program(c)->screen || !d.cloud)
		return cli_usage(c, "this build has no screen, or no simulated cloud");
	if (!cli_flag(c, "once") && !cli_flag(c, "dump-keys") && !cli_flag(c, "dump-config") && !cli_flag(c, "plain") &&
	    (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)))
		return cli_usage(c, "the demo needs a terminal; --once prints a view of it as text");
	if (cli_int(c, "speed", 1, SPEED_MAX, &d.speed, &err))
		return cli_fail(c, &err);
	d.self = client_self();
	int status = make_home(&d, &err) ? cli_fail(c, &err) : show(c, &d);
	free(d.home);
	free(d.self);
	return status;
}

static const struct option_spec options[] = {
    SCREEN_OPTIONS,
    CLI_VALUE(0, "speed", "N", "how many times faster than the clock on the wall the cloud is; 60 when not given"),
    CLI_END,
};

const struct verb verb_demo = {
    .name = "demo",
    .group = GROUP_HELP,
    .summary = "Open the screen on a simulated cloud, for a first look.",
    .args = "[VIEW]",
    .max_args = 1,
    .options = options,
    .help = "Clusters come up, jobs write logs, prices move, a spot cluster is taken back and launched again, and all the keys work. A minute "
	    "of the cloud is a second (--speed); what it costs counts by the clock on the wall. Nothing of it is money, no cloud is asked, and "
	    "your own clusters, settings and prices are neither read nor changed: the demo has a folder and an engine of its own, and "
	    "leaves nothing behind. Its jobs are small shell loops that run on this machine.",
    .run = run,
};
