/* libssh2's memory. It is plain memory, for libssh2 1.11 gives some back that it got elsewhere. What it is here for: libssh2 answers 0
 * for the exit status of a command whose host never told one (a channel that sshd's ChannelTimeout closed, say), and there is no way
 * to ask whether it was told. But it frees each packet when it has dealt with it, whole and decrypted, so the ones that matter are
 * seen here: SSH_MSG_CHANNEL_OPEN_CONFIRMATION for a channel's number, and SSH_MSG_CHANNEL_REQUEST "exit-status" for that number. A
 * library that freed them elsewhere would only leave us believing its 0 again.
 *
 * What is looked at is never uninitialised; a host can pretend nothing here that it could not just say. */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/io/ssh_priv.h"
#include "core/io/ssh_wire.h"

enum { CONFIRMATION = 91, REQUEST = 98, LOOKED_AT = 1 + 4 + 4 + 11 };

void *ssh_memory_alloc(size_t size, void **abstract)
{
	(void)abstract;
	void *p = xmalloc(size < LOOKED_AT ? LOOKED_AT : size);
	memset(p, 0, LOOKED_AT);
	return p;
}

void *ssh_memory_realloc(void *p, size_t size, void **abstract)
{
	(void)abstract;
	return xrealloc(p, size);
}

static void look(struct ssh *s, const unsigned char *p, size_t size)
{
	struct ssh_wire w = ssh_wire_of(p, size), kind;
	uint32_t id;
	if (size < LOOKED_AT - 3 || (*p != CONFIRMATION && *p != REQUEST))
		return;
	unsigned char type = *p;
	w = ssh_wire_of(p + 1, size - 1);
	if (!ssh_wire_u32(&w, &id))
		return;
	if (type == CONFIRMATION)
		s->confirmed_id = id;
	else if (ssh_wire_string(&w, &kind) && ssh_wire_is(kind, "exit-status"))
		ssh_channel_has_status(s, id);
}

void ssh_memory_free(void *p, void **abstract)
{
	if (!p)
		return;
	if (abstract && *abstract)
		look(*abstract, p, malloc_usable_size(p));
	free(p);
}
