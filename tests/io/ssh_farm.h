/* What the SSH tests share: real sshd on loopback ports, with host keys, user keys and known_hosts of the test's own, and
 * commands whose output is kept. One folder and one loop a program. */
#ifndef TESTS_IO_SSH_FARM_H
#define TESTS_IO_SSH_FARM_H
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "core/base/str.h"
#include "core/io/loop.h"
#include "core/io/ssh.h"

struct sshd {
	pid_t pid;
	int port;
};

struct conn {
	struct ssh *s;
	int ready, lost, settled;
	struct err err;
};

struct cmd {
	struct ssh_channel *c;
	struct str out, err;
	size_t n, bad; /* bytes of a counted stream, those that are wrong */
	bool counted;
	int done, status, *all;
	enum ssh_how how;
	char signal[20];
	struct err why;
};

extern struct loop *loop;
extern struct sshd node; /* the one most tests use */

/* Groups of cmocka. The folder holds "key", "rsa" and "locked" (which has the passphrase "secret words"), all let in
 * by sshd, and "stranger". */
int setup(void **state);
int teardown(void **state);
/* A path in the test's folder; valid for the next few calls. */
char *at(const char *name);

/* NULL: not here. */
const char *sshd_path(void);
/* port 0: any. Lines of `extra` go before ours, and the first value holds. pid is 0 when sshd does not take them. */
struct sshd sshd_start(const char *host_key_type, const char *host_key, int port, const char *extra);
void sshd_stop(struct sshd *d);
void keygen(const char *type, const char *path, const char *passphrase);
/* Run a program to its end, which must be good. */
void run_to_end(const char *const *argv);
/* A socket of 127.0.0.1 that listens. */
int listen_any(int *port);

void turn_until(const int *value, int wanted);
struct ssh_target target_of(int port, const char *key);
void connect_to(struct conn *c, const struct ssh_target *t);
void connected(struct conn *c, const struct ssh_target *t);
/* Connect, and be refused with this code and a text that holds `text`. */
void refused(struct conn *c, const struct ssh_target *t, enum err_code code, const char *text);
void exec(struct cmd *c, struct ssh *s, const char *command);
void cmd_free(struct cmd *c);
/* Between the two, memory that is never given back is not reported: libssh2 loses a few bytes with each new agreement upon keys, and
 * with each signature of an ECDSA key. */
void library_leaks_begin(void);
void library_leaks_end(void);
/* n commands at once, each with its own output and status. */
void many(struct ssh *s, int n);

#endif
