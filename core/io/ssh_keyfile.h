/* What a key file tells without its passphrase. Private to core/io/ssh*. */
#ifndef CORE_IO_SSH_KEYFILE_H
#define CORE_IO_SSH_KEYFILE_H
#include <stdbool.h>
#include <stddef.h>

enum { SSH_KEYFILE_MAX = 64 << 10 };

struct ssh_keyfile {
	bool is_private; /* else a public half, or no key at all */
	bool locked;	 /* has a passphrase */
	char type[64];	 /* "ssh-ed25519", "ssh-ed25519-cert-v01@openssh.com"; "" when it cannot be told */
	char *blob;	 /* the public half as on the wire, owned; NULL when it cannot be told */
	size_t blob_len;
};

/* A private key (OpenSSH's form, or PEM, which does not tell the blob) or a line of a .pub file. Anything else leaves *k empty.
 * Pure. */
void ssh_keyfile_read(const char *text, size_t len, struct ssh_keyfile *k);
void ssh_keyfile_clear(struct ssh_keyfile *k);

#endif
