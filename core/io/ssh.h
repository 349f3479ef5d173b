/* SSH as a source on the loop: connections with many channels, over libssh2, which is opened when first used.
 *
 * Nothing here blocks: names are resolved in a short-lived child, all of libssh2's traffic goes through buffers of ours, and each
 * phase has a deadline. Handlers are called from the loop only, never from inside a function of this header; they may call
 * anything here, ssh_destroy included. */
#ifndef CORE_IO_SSH_H
#define CORE_IO_SSH_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/io/loop.h"
#include "core/io/ssh_config.h"

struct ssh;
struct ssh_channel;

enum {
	SSH_COMMAND_MAX = 30000, /* bytes of a command: libssh2 sends it in one packet */
	SSH_INPUT_MAX = 1 << 20, /* bytes of stdin that wait in us for the other side */
};

/* ready: the host is who it was and we are let in. lost: the connection could not be made or ended otherwise than by
 * ssh_destroy; called once, after every channel's end. All that is left to do then is ssh_destroy. Both may be NULL. */
struct ssh_handlers {
	void (*ready)(void *arg);
	void (*lost)(void *arg, const struct err *err);
	void *arg;
};

/* Start to connect. The target is copied. With target->jump the connection goes through that host; `via` is a connection to it
 * that others share (borrowed: it must outlive this one), NULL makes one of our own. NULL: libssh2 cannot be opened, or the target
 * names no host. A host key is learned on first contact into target->known_hosts_path and held to from then on: another key, or
 * a damaged line for this host, is CREDENTIALS or INVALID in `lost`, with file, line and the way out. */
struct ssh *ssh_open(
    struct loop *l, const struct ssh_target *target, struct ssh *via, const struct ssh_handlers *h, struct err *err);
/* Close and forget; channels end without their handlers being called. NULL is fine. */
void ssh_destroy(struct ssh *s);
/* "user@host:port", borrowed. */
const char *ssh_name(const struct ssh *s);
/* Did the host take our connection? For `lost`: a busy sshd drops some before they are let in, which is no reason to give up. */
bool ssh_was_reached(const struct ssh *s);

enum ssh_how { SSH_EXITED, SSH_SIGNALLED, SSH_LOST };

/* How a command ended. SSH_LOST: it was refused, or the connection broke, or was closed before its status came (err says which);
 * whether the command still runs is then not known. */
struct ssh_exit {
	enum ssh_how how;
	int status;	       /* SSH_EXITED */
	const char *signal;    /* SSH_SIGNALLED: "TERM", without SIG */
	const struct err *err; /* SSH_LOST */
};

/* out: a piece of stdout, or of stderr when is_err. room: what was written as input has been taken, more may be written.
 * exit: once, after all output; the channel is gone when it returns. Each may be NULL. */
struct ssh_channel_handlers {
	void (*out)(void *arg, bool is_err, const char *data, size_t len);
	void (*room)(void *arg);
	void (*exit)(void *arg, const struct ssh_exit *x);
	void *arg;
};

/* Run a command (for the user's login shell, whatever that is) on a channel of its own. May be called before the connection is
 * ready. When the host allows fewer sessions at once (sshd: MaxSessions, 10 by default), the rest wait for one to end. NULL: the
 * command is too long, or the connection is lost. Without ssh_channel_eof the command's stdin stays open. */
struct ssh_channel *ssh_exec(struct ssh *s, const char *command, const struct ssh_channel_handlers *h, struct err *err);
/* A TCP connection from the host to host:port (direct-tcpip). Its exit is SSH_EXITED with status 0 when the far end closes. */
struct ssh_channel *ssh_dial(
    struct ssh *s, const char *host, int port, const struct ssh_channel_handlers *h, struct err *err);

/* Of a dialled connection, at once after ssh_dial: fn is called when the far end sends no more, and the channel lives on until our
 * input has ended too. */
void ssh_channel_halves(struct ssh_channel *c, void (*fn)(void *arg));

/* How many sessions at once the host allows on this connection: learned when it refused one more; 0: not known. */
int ssh_session_limit(const struct ssh *s);
/* Does it still wait for one to end? Then nothing of it has reached the host. */
bool ssh_channel_is_queued(const struct ssh_channel *c);

/* Add to the command's stdin: how much of it was taken, at most what SSH_INPUT_MAX has room for. After less than len, `room` is
 * called when there is some again. */
size_t ssh_channel_write(struct ssh_channel *c, const void *data, size_t len);
/* Stream all of fd (file, pipe or socket; made non-blocking, closed by us at its end or the channel's) to stdin, then eof. */
void ssh_channel_feed(struct ssh_channel *c, int fd);
/* No more input: stdin ends after what was written. */
void ssh_channel_eof(struct ssh_channel *c);
/* Stop and go on reading: a paused channel holds back the far side (2 MiB at most are under way) and no other channel. */
void ssh_channel_pause(struct ssh_channel *c, bool paused);
/* Close without calling any handler more. The command sees its stdin end and its output broken (SIGPIPE); with libssh2 1.11 it
 * also gets HUP. What must surely die is killed by a command that knows its process group. NULL is fine. */
void ssh_channel_kill(struct ssh_channel *c);

/* Path of our own ed25519 key under the data folder, made on first use (ssh-keygen, a few ms, once a machine). Caller frees. */
char *ssh_own_key(struct err *err);

#endif
