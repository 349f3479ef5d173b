/* The running ssh-agent, asked on the loop (draft-miller-ssh-agent). Private to core/io/ssh*. */
#ifndef CORE_IO_SSH_AGENT_H
#define CORE_IO_SSH_AGENT_H
#include "core/base/err.h"
#include "core/io/loop.h"
#include "core/io/ssh_wire.h"

enum {
	SSH_AGENT_KEYS_MAX = 32,
	SSH_AGENT_REPLY_MAX = 256 << 10,
	SSH_AGENT_SHA256 = 2, /* flags of a signature with an RSA key */
	SSH_AGENT_SHA512 = 4,
};

struct ssh_agent;

struct ssh_agent_key {
	struct ssh_wire blob, comment; /* point into the reply */
};

enum ssh_agent_state { SSH_AGENT_IDLE, SSH_AGENT_ASKED, SSH_AGENT_ANSWERED, SSH_AGENT_FAILED };

/* Connect to the agent's socket; never waits. fn is called from the loop when a question's state changed. NULL: nobody is there. */
struct ssh_agent *ssh_agent_open(struct loop *l, const char *path, loop_timer_fn *fn, void *arg, struct err *err);
void ssh_agent_close(struct ssh_agent *a); /* NULL is fine */

/* One question at a time. Without an answer in time_ms, or with one that is no answer, the state becomes SSH_AGENT_FAILED and stays. */
void ssh_agent_ask_keys(struct ssh_agent *a, int64_t time_ms);
void ssh_agent_ask_signature(struct ssh_agent *a, struct ssh_wire blob, struct ssh_wire data, uint32_t flags, int64_t time_ms);
enum ssh_agent_state ssh_agent_state(const struct ssh_agent *a);
/* The answer to the last question, without its length; valid until the next. "Said no" is an answer too. */
struct ssh_wire ssh_agent_answer(const struct ssh_agent *a);
const struct err *ssh_agent_error(const struct ssh_agent *a); /* SSH_AGENT_FAILED: why */

/* Read an answer. -1: it is not one of this kind. Pure. How many keys, at most max; those that cannot be read are left out. */
int ssh_agent_keys(struct ssh_wire answer, struct ssh_agent_key *out, int max);
/* The signature's algorithm and its body. A body of security keys has a counter behind it, which is left in *rest. */
int ssh_agent_signature(struct ssh_wire answer, struct ssh_wire *algorithm, struct ssh_wire *body, struct ssh_wire *rest);

#endif
