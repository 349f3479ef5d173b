/* Child processes as sources on the loop. argv arrays only; a child is a process group of its own, so that killing it
 * kills what it started; output is bounded or streamed; a deadline can be set. */
#ifndef CORE_IO_PROC_H
#define CORE_IO_PROC_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/err.h"
#include "core/io/loop.h"

struct proc;

struct proc_spec {
	const char *const *argv;   /* NULL-terminated; argv[0] is looked up in PATH */
	const char *const *env;	   /* whole environment "K=V", NULL-terminated; NULL: ours */
	const char *cwd;	   /* NULL: ours */
	const char *input;	   /* fed to its stdin, copied; NULL: /dev/null */
	size_t input_len;
	int stdin_fd;		   /* > 0: its stdin, duplicated; the caller keeps fd. Wins over input */
	bool detach;		   /* a session of its own (setsid) instead of a group; not killed with us */
	int64_t timeout_ms;	   /* 0: none. Then TERM, 2 s later KILL */
};

/* out: a piece of stdout, or of stderr when `is_err`. exit: once, after all output; status as of waitpid; timed_out when
 * the deadline killed it. The proc is freed after exit returns. */
struct proc_handlers {
	void (*out)(void *arg, bool is_err, const char *data, size_t len);
	void (*exit)(void *arg, int status, bool timed_out);
	void *arg;
};

/* Start. On failure (NULL) nothing is called. The program not being there, or not to be executed, is a failure
 * here; should it go between that look and its start, that is exit status 127 and a line on its stderr. Does not wait for the child. */
struct proc *proc_start(struct loop *l, const struct proc_spec *spec, const struct proc_handlers *h, struct err *err);
pid_t proc_pid(const struct proc *p);
/* Signal its whole group. */
void proc_kill(struct proc *p, int signo);
/* Kill and forget without calling anything more. NULL is fine. */
void proc_destroy(struct proc *p);
/* Stop and go on reading its output (back-pressure for log streams). */
void proc_pause(struct proc *p, bool paused);

/* In a child that was forked and becomes no other program: signals do what they do by default, and of all descriptors past stderr only `keep`
 * stays, as number `as` (3 or more). Ends the child when that cannot be. */
void proc_child_alone(int keep, int as);

/* "exit status 3", "signal 9 (Killed)": for messages. buf ≥ 40. */
const char *proc_status_text(int status, char *buf, size_t size);

#endif
