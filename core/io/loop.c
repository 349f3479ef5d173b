/* The loop: poll(2) over a dense array, timers in a binary heap, signals through a self-pipe, children reaped on SIGCHLD.
 *
 * Invariants: a callback may add, change or remove anything, itself included: fds are looked up again by number after each
 * callback (a generation number tells a reused fd from the one that was reported), timers are popped before they are called.
 */
#include "core/io/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"

struct source {
	loop_fd_fn *fn;
	void *arg;
	unsigned generation;
};

struct timer {
	int64_t due_us;
	unsigned id;
	loop_timer_fn *fn;
	void *arg;
};

struct child {
	pid_t pid;
	loop_child_fn *fn;
	void *arg;
};

enum { LOOP_SIGNALS = 32 };

struct loop {
	struct pollfd *polls;
	struct source *sources;
	int n, cap, source_cap;
	struct timer *timers; /* min-heap on due_us, then id */
	int n_timers, timer_cap;
	struct child *children;
	int n_children, child_cap;
	struct {
		loop_signal_fn *fn;
		void *arg;
	} signals[LOOP_SIGNALS];
	loop_hook_fn *hook;
	void *hook_arg;
	unsigned next_timer, next_generation;
	bool stopped;
};

/* The signal flags: the only state a handler may touch. One loop a process (a forked child makes its own anew). */
static int signal_pipe[2] = {-1, -1};
static volatile sig_atomic_t signal_seen[LOOP_SIGNALS];

static void on_signal(int signo)
{
	int saved = errno;
	signal_seen[signo] = 1;
	ssize_t ignored = write(signal_pipe[1], "", 1);
	(void)ignored;
	errno = saved;
}

static void reap_each(struct loop *l)
{
	for (int i = 0; i < l->n_children;) {
		struct child c = l->children[i];
		int status;
		pid_t r = waitpid(c.pid, &status, WNOHANG);
		if (!r) {
			i++;
			continue;
		}
		l->children[i] = l->children[--l->n_children];
		c.fn(c.pid, r < 0 ? 0x7f00 : status, c.arg);
		i = 0; /* the callback may have changed the list */
	}
}

static int find_child(const struct loop *l, pid_t pid)
{
	for (int i = 0; i < l->n_children; i++)
		if (l->children[i].pid == pid)
			return i;
	return -1;
}

/* Asking for any that has ended is one call, however many there are. When it names one that is not on the loop (whoever started it waits for
 * it), or none is left to wait for, they are asked one by one. */
static void reap(struct loop *l)
{
	for (;;) {
		siginfo_t ended = {.si_pid = 0};
		bool asked = !waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT);
		int status, i = asked && ended.si_pid ? find_child(l, ended.si_pid) : -1;
		if (asked && !ended.si_pid)
			return;
		if (i < 0) {
			reap_each(l);
			return;
		}
		struct child c = l->children[i];
		l->children[i] = l->children[--l->n_children];
		c.fn(c.pid, waitpid(c.pid, &status, WNOHANG) == c.pid ? status : 0x7f00, c.arg);
	}
}

static void on_signal_pipe(int fd, int events, void *arg)
{
	(void)events;
	struct loop *l = arg;
	char buf[64];
	while (read(fd, buf, sizeof buf) > 0)
		continue;
	for (int s = 1; s < LOOP_SIGNALS; s++) {
		if (!signal_seen[s])
			continue;
		signal_seen[s] = 0;
		if (s == SIGCHLD)
			reap(l);
		else if (l->signals[s].fn)
			l->signals[s].fn(s, l->signals[s].arg);
	}
}

static void set_flags(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static void install(int signo, void (*handler)(int))
{
	struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_RESTART};
	sigemptyset(&sa.sa_mask);
	sigaction(signo, &sa, NULL);
}

struct loop *loop_create(void)
{
	struct loop *l = xcalloc(1, sizeof *l);
	if (signal_pipe[0] >= 0) { /* inherited across fork: never share a pipe with the parent */
		close(signal_pipe[0]);
		close(signal_pipe[1]);
	}
	if (pipe(signal_pipe))
		abort();
	set_flags(signal_pipe[0]);
	set_flags(signal_pipe[1]);
	for (int s = 1; s < LOOP_SIGNALS; s++)
		signal_seen[s] = 0;
	loop_watch(l, signal_pipe[0], LOOP_IN, on_signal_pipe, l);
	install(SIGCHLD, on_signal);
	signal(SIGPIPE, SIG_IGN);
	return l;
}

void loop_destroy(struct loop *l)
{
	if (!l)
		return;
	for (int s = 1; s < LOOP_SIGNALS; s++)
		if (l->signals[s].fn)
			loop_signal(l, s, NULL, NULL);
	install(SIGCHLD, SIG_DFL);
	close(signal_pipe[0]);
	close(signal_pipe[1]);
	signal_pipe[0] = signal_pipe[1] = -1;
	free(l->polls);
	free(l->sources);
	free(l->timers);
	free(l->children);
	free(l);
}

static int find_fd(const struct loop *l, int fd)
{
	for (int i = 0; i < l->n; i++)
		if (l->polls[i].fd == fd)
			return i;
	return -1;
}

void loop_watch(struct loop *l, int fd, int events, loop_fd_fn *fn, void *arg)
{
	int i = find_fd(l, fd);
	if (!events) {
		if (i >= 0) {
			l->polls[i] = l->polls[--l->n];
			l->sources[i] = l->sources[l->n];
		}
		return;
	}
	if (i < 0) {
		ARRAY_GROW(l->polls, l->n, l->cap);
		int n = l->n;
		ARRAY_GROW(l->sources, n, l->source_cap);
		i = l->n++;
		l->sources[i].generation = ++l->next_generation;
	}
	short ev = (short)((events & LOOP_IN ? POLLIN : 0) | (events & LOOP_OUT ? POLLOUT : 0));
	l->polls[i] = (struct pollfd){.fd = fd, .events = ev};
	l->sources[i].fn = fn;
	l->sources[i].arg = arg;
}

static bool timer_before(const struct timer *a, const struct timer *b)
{
	return a->due_us != b->due_us ? a->due_us < b->due_us : a->id < b->id;
}

static void timer_swap(struct loop *l, int i, int j)
{
	struct timer t = l->timers[i];
	l->timers[i] = l->timers[j];
	l->timers[j] = t;
}

static void timer_up(struct loop *l, int i)
{
	for (int up; i && timer_before(&l->timers[i], &l->timers[up = (i - 1) / 2]); i = up)
		timer_swap(l, i, up);
}

static void timer_down(struct loop *l, int i)
{
	for (;;) {
		int least = i;
		for (int c = 2 * i + 1; c <= 2 * i + 2; c++)
			if (c < l->n_timers && timer_before(&l->timers[c], &l->timers[least]))
				least = c;
		if (least == i)
			return;
		timer_swap(l, i, least);
		i = least;
	}
}

static void timer_remove(struct loop *l, int i)
{
	l->timers[i] = l->timers[--l->n_timers];
	if (i < l->n_timers) {
		timer_down(l, i);
		timer_up(l, i);
	}
}

unsigned loop_after(struct loop *l, int64_t ms, loop_timer_fn *fn, void *arg)
{
	ARRAY_GROW(l->timers, l->n_timers, l->timer_cap);
	if (!++l->next_timer)
		l->next_timer = 1;
	l->timers[l->n_timers] =
	    (struct timer){.due_us = mono_now_us() + (ms > 0 ? ms : 0) * 1000, .id = l->next_timer, .fn = fn, .arg = arg};
	timer_up(l, l->n_timers++);
	return l->next_timer;
}

void loop_cancel(struct loop *l, unsigned id)
{
	for (int i = 0; id && i < l->n_timers; i++) {
		if (l->timers[i].id == id) {
			timer_remove(l, i);
			return;
		}
	}
}

void loop_signal(struct loop *l, int signo, loop_signal_fn *fn, void *arg)
{
	if (signo <= 0 || signo >= LOOP_SIGNALS)
		return;
	l->signals[signo].fn = fn;
	l->signals[signo].arg = arg;
	install(signo, fn ? on_signal : SIG_DFL);
}

void loop_child(struct loop *l, pid_t pid, loop_child_fn *fn, void *arg)
{
	ARRAY_GROW(l->children, l->n_children, l->child_cap);
	l->children[l->n_children++] = (struct child){pid, fn, arg};
	on_signal(SIGCHLD); /* it may have ended before we asked */
}

void loop_child_cancel(struct loop *l, pid_t pid)
{
	for (int i = 0; i < l->n_children; i++) {
		if (l->children[i].pid == pid) {
			l->children[i] = l->children[--l->n_children];
			return;
		}
	}
}

void loop_hook(struct loop *l, loop_hook_fn *fn, void *arg)
{
	l->hook = fn;
	l->hook_arg = arg;
}

static int wait_ms(const struct loop *l, int max_wait_ms)
{
	if (!l->n_timers)
		return max_wait_ms;
	int64_t us = l->timers[0].due_us - mono_now_us();
	int64_t ms = us <= 0 ? 0 : (us + 999) / 1000;
	if (max_wait_ms >= 0 && ms > max_wait_ms)
		return max_wait_ms;
	return ms > 3600000 ? 3600000 : (int)ms;
}

static void call_source(struct loop *l, int fd, unsigned generation, short revents)
{
	int i = find_fd(l, fd);
	if (i < 0 || l->sources[i].generation != generation)
		return;
	int events = (revents & POLLIN ? LOOP_IN : 0) | (revents & POLLOUT ? LOOP_OUT : 0) |
		     (revents & (POLLHUP | POLLERR | POLLNVAL) ? LOOP_HUP : 0);
	if (revents & POLLHUP) /* let readers find what is left, then the end */
		events |= l->polls[i].events & POLLIN ? LOOP_IN : 0;
	l->sources[i].fn(fd, events, l->sources[i].arg);
}

struct ready {
	int fd;
	unsigned generation;
	short revents;
};

static void call_ready(struct loop *l)
{
	struct ready few[64], *ready = few;
	int n = 0;
	if (l->n > (int)ARRAY_LEN(few))
		ready = xreallocarray(NULL, (size_t)l->n, sizeof *ready);
	for (int i = 0; i < l->n; i++)
		if (l->polls[i].revents)
			ready[n++] = (struct ready){l->polls[i].fd, l->sources[i].generation, l->polls[i].revents};
	for (int i = 0; i < n; i++)
		call_source(l, ready[i].fd, ready[i].generation, ready[i].revents);
	if (ready != few)
		free(ready);
}

static void call_timers(struct loop *l)
{
	/* Only what is due now: a timer that re-arms itself with 0 must not keep fds waiting. */
	int64_t now = mono_now_us();
	unsigned last = l->next_timer;
	while (l->n_timers && l->timers[0].due_us <= now) {
		struct timer t = l->timers[0];
		if (t.id > last)
			break;
		timer_remove(l, 0);
		t.fn(t.arg);
	}
}

void loop_step(struct loop *l, int max_wait_ms)
{
	if (l->hook)
		l->hook(l->hook_arg);
	int r = poll(l->polls, (nfds_t)l->n, wait_ms(l, max_wait_ms));
	if (r > 0)
		call_ready(l);
	call_timers(l);
}

void loop_run(struct loop *l)
{
	l->stopped = false;
	while (!l->stopped)
		loop_step(l, -1);
}

void loop_stop(struct loop *l)
{
	l->stopped = true;
}
