/* Running commands on nodes. How a node is reached is said by its "reach", a JSON object; only remote.c and link.c know the kinds:
 *   {"kind":"local", "home":"/abs", "env":{"K":"V"}}: a sandbox folder on this machine.
 *   {"kind":"ssh", "host": name, address or alias, "port":22, "user":"ubuntu", "identity_files":["~/.ssh/id"],
 *    "jump": the same shape, or a text as ProxyJump has it, or absent, "config": ask ~/.ssh/config about the host (default false),
 *    "pin": the name its host key is kept under, absent: host:port, "home":"/abs" home of the node, absent: the user's own,
 *    "env":{"K":"V"}, "connect_timeout_ms", "idle_timeout_ms": as in ssh_config.h}
 * To one host there is one connection for all who ask (more when there are many streams); see link.h. */
#ifndef CORE_RUN_REMOTE_H
#define CORE_RUN_REMOTE_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/str.h"
#include "core/io/loop.h"

struct remotes;
struct remote;
struct remote_call;

/* A host that was reached, or that somebody wants, does not answer; and it answers again. host is as remote_host says. Called from the
 * loop, once each time; both may be NULL. */
struct remotes_handlers {
	void (*host_lost)(void *arg, const char *host, const struct err *err);
	void (*host_back)(void *arg, const char *host);
	void *arg;
};

struct remotes *remotes_create(struct loop *l, const struct remotes_handlers *h);
/* After all commands were destroyed. NULL is fine. */
void remotes_destroy(struct remotes *r);

/* For people: "ubuntu@10.0.0.7", "this machine". Caller frees. */
char *remote_host(const json_t *reach);

struct remote_spec {
	const char *command;  /* for the node's POSIX shell; what is variable in it went through shell_quote */
	const char *input;    /* its stdin, copied; NULL: empty */
	size_t input_len;
	int stdin_fd;	      /* > 0: a file to be its stdin instead, duplicated. From where it stands; a regular one is rewound to there for a retry */
	int64_t timeout_ms;   /* 0: none. While retry_ms lets it wait for a connection, the time does not run */
	bool stream;	      /* lives as long as it is watched: ends on the node when we or the connection go, has no input, and takes no
				 channel that short commands need */
	/* A connection that cannot be made is tried again for so long, with pauses of 0.2 to 15 s; 0: an error at once. remote_run also
	 * begins anew when the connection is lost under the command: only for commands that may be repeated. What no retry can mend (a
	 * changed host key, a key that is refused) is an error at once all the same. */
	int64_t retry_ms;
	bool anew; /* somebody wants to know now: a pause after a failure is cut short */
	/* Told (with the handlers' arg) when it waits for a connection, and why; and, with why NULL, when a command over SSH has begun. */
	void (*waits)(void *arg, const char *host, const struct err *why);
	/* remote_run: told each piece of stdout as it comes, besides; NULL. It may not cancel the call. */
	void (*piece)(void *arg, const char *data, size_t len);
};

enum remote_how { REMOTE_EXITED, REMOTE_SIGNALLED, REMOTE_LOST, REMOTE_TIMED_OUT };

/* How a command ended. REMOTE_LOST: it could not be asked, or its end was not seen: it may still run. */
struct remote_exit {
	enum remote_how how;
	int status;	       /* the exit status, or the signal's number (0: not known) */
	const struct err *err; /* LOST and TIMED_OUT */
};

/* out: a piece of stdout, or of stderr when is_err. exit: once, after all output; the remote is freed when it returns. Called from
 * the loop only; they may call anything here. */
struct remote_handlers {
	void (*out)(void *arg, bool is_err, const char *data, size_t len);
	void (*exit)(void *arg, const struct remote_exit *x);
	void *arg;
};

/* Start the command in the node's home folder. NULL: the reach is wrong, or the host did not answer just now and spec has no retry_ms. */
struct remote *remote_start(struct remotes *r, const json_t *reach, const struct remote_spec *spec, const struct remote_handlers *h, struct err *err);
/* Stop and go on reading its output (back-pressure for log streams). */
void remote_pause(struct remote *c, bool paused);
/* End and forget it; nothing more is called. A local command is killed; elsewhere its stdin and output are closed, and a stream is
 * killed. NULL is fine. */
void remote_destroy(struct remote *c);
/* "exit status 3", "signal 9", or the error's text. buf ≥ 40. */
const char *remote_exit_text(const struct remote_exit *x, char *buf, size_t size);

/* Run to the end and collect. Called once, from the loop; out (NUL-terminated) is valid during the call. On failure err says what
 * the command said: CONFLICT, NOT_FOUND … when it printed the agent's {"error":…}, else FAILED, TIMEOUT, or why the host cannot be asked. */
typedef void remote_fn(void *arg, const char *out, size_t len, const struct err *err);
struct remote_call *remote_run(struct remotes *r, const json_t *reach, const struct remote_spec *spec, const char *what, remote_fn *fn, void *arg);
void remote_cancel(struct remote_call *c); /* fn is not called; NULL is fine */

/* How the head of a cluster reaches another node, as a prefix of words for its shell: the PREFIX of the agent's nodes file. */
void remote_prefix(struct str *out, const json_t *reach);

#endif
