/* Port forwards: a socket that listens here, and for each connection to it one from a host of ours to an address that is seen from
 * there. Nothing blocks; each side is read only as fast as the other takes it, and may end its half while the other goes on. */
#ifndef CORE_IO_SSH_FORWARD_H
#define CORE_IO_SSH_FORWARD_H
#include "core/base/err.h"
#include "core/io/loop.h"
#include "core/io/ssh.h"

struct ssh_forward;

enum { SSH_FORWARD_CONNECTIONS = 64 };

struct ssh_forward_spec {
	const char *path; /* of a UNIX socket, in a folder that is only ours; NULL: TCP on 127.0.0.1 */
	int port;	  /* 0: one that is free */
	const char *host; /* as the far host sees it: "127.0.0.1" is the host itself */
	int host_port;
	int connections; /* at once, more wait in line; 0: SSH_FORWARD_CONNECTIONS */
};

/* Listen. Everything is copied. Connections are turned away until ssh_forward_use says what carries them. */
struct ssh_forward *ssh_forward_open(struct loop *l, const struct ssh_forward_spec *spec, struct err *err);
/* Break everything off and forget. NULL is fine. */
void ssh_forward_close(struct ssh_forward *f);
/* The connection that carries what comes from now on, borrowed; NULL: none. What the one before carries is broken off. To be called
 * before that one is destroyed. */
void ssh_forward_use(struct ssh_forward *f, struct ssh *s);
int ssh_forward_port(const struct ssh_forward *f); /* of a TCP listener */
/* Why the last connection that could not be made could not, "" when none failed since the last ssh_forward_use. Borrowed. */
const char *ssh_forward_error(const struct ssh_forward *f);

#endif
