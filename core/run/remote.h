/* Running commands on nodes. One kind of reach so far, {"kind":"local","home":…,"env":{…}}: a sandbox folder on this machine. */
#ifndef CORE_RUN_REMOTE_H
#define CORE_RUN_REMOTE_H
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/str.h"
#include "core/io/loop.h"
#include "core/io/proc.h"

struct remote_spec {
	const char *command;  /* for the node's POSIX shell; what is variable in it went through shell_quote */
	const char *input;    /* its stdin, copied; NULL: empty */
	size_t input_len;
	int stdin_fd;	      /* > 0: a file to be its stdin instead */
	int64_t timeout_ms;   /* 0: none */
};

/* Start the command in the node's home folder. As proc_start: the proc is freed after its exit handler. */
struct proc *remote_start(struct loop *l, const json_t *reach, const struct remote_spec *spec, const struct proc_handlers *h, struct err *err);

/* Run to the end and collect. Called once, from the loop; out (NUL-terminated) is valid during the call. On failure err says what
 * the command said: CONFLICT, NOT_FOUND … when it printed the agent's {"error":…}, else FAILED, or TIMEOUT. */
typedef void remote_fn(void *arg, const char *out, size_t len, const struct err *err);
struct remote_call;
struct remote_call *remote_run(struct loop *l, const json_t *reach, const struct remote_spec *spec, const char *what, remote_fn *fn, void *arg);
void remote_cancel(struct remote_call *c); /* fn is not called */

/* How the head of a cluster reaches another node, as a prefix of words for its shell: the PREFIX of the agent's nodes file. */
void remote_prefix(struct str *out, const json_t *reach);

#endif
