/* The one loop of a process: file descriptors, one-shot timers, signals, children, and one hook before it sleeps. */
#ifndef CORE_IO_LOOP_H
#define CORE_IO_LOOP_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct loop;

enum { LOOP_IN = 1, LOOP_OUT = 2, LOOP_HUP = 4 };

typedef void loop_fd_fn(int fd, int events, void *arg);
typedef void loop_timer_fn(void *arg);
typedef void loop_signal_fn(int signo, void *arg);
typedef void loop_child_fn(pid_t pid, int status, void *arg); /* status as of waitpid */
typedef void loop_hook_fn(void *arg);

struct loop *loop_create(void);
void loop_destroy(struct loop *l); /* NULL is fine */

/* Replace the interest in fd; events 0 removes it. LOOP_HUP is always reported. A callback may change anything. */
void loop_watch(struct loop *l, int fd, int events, loop_fd_fn *fn, void *arg);
/* Call fn once, ms from now on the monotonic clock. The id is never 0. */
unsigned loop_after(struct loop *l, int64_t ms, loop_timer_fn *fn, void *arg);
/* 0 and ids already fired are fine. */
void loop_cancel(struct loop *l, unsigned id);
/* Deliver signo from the loop instead of to the process. One handler a signal; NULL restores the default. */
void loop_signal(struct loop *l, int signo, loop_signal_fn *fn, void *arg);
/* Call fn once when the child ends (reaped by the loop). */
void loop_child(struct loop *l, pid_t pid, loop_child_fn *fn, void *arg);
void loop_child_cancel(struct loop *l, pid_t pid);
/* Called before each sleep; the place to draw or to commit. One hook. */
void loop_hook(struct loop *l, loop_hook_fn *fn, void *arg);

/* One turn: wait at most max_wait_ms (-1: until something happens), call what is due. */
void loop_step(struct loop *l, int max_wait_ms);
/* Turn until loop_stop. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);

#endif
