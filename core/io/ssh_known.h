/* Host keys we hold hosts to: a file of our own, a line a host: NAME KEYTYPE BASE64. */
#ifndef CORE_IO_SSH_KNOWN_H
#define CORE_IO_SSH_KNOWN_H
#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"

enum ssh_known { SSH_KNOWN_NEW, SSH_KNOWN_SAME, SSH_KNOWN_CHANGED, SSH_KNOWN_DAMAGED };
enum { SSH_KNOWN_FILE_MAX = 4 << 20 };

struct ssh_pin {
	int line;      /* 1-based; 0: none */
	char type[64]; /* "ssh-ed25519"; "" when none or damaged */
};

/* Look up name in a file's text. key NULL: only whether there is a pin. pin may be NULL. Pure. */
enum ssh_known ssh_known_check(
    const char *text, size_t len, const char *name, const char *type, const char *key64, struct ssh_pin *pin);
/* name's pinned key in a file's text: its type, and its base64 text (points into text). False: there is none, or it is damaged. Pure. */
bool ssh_known_find(const char *text, size_t len, const char *name, char type[64], const char **key64, size_t *key64_len);
/* The file's text, "" when there is none. NULL: it cannot be read. Caller frees. */
char *ssh_known_load(const char *path, size_t *len, struct err *err);
/* Add a line; one that name has already is replaced, and then the file (0600) as a whole. */
int ssh_known_add(const char *path, const char *name, const char *type, const char *key64, struct err *err);
/* Take out all lines of name: for when a machine was rightly replaced, or is gone. path NULL: known_hosts of the data folder. Not being
 * there is fine. */
int ssh_known_forget(const char *path, const char *name, struct err *err);
/* The same for all names that begin so. */
int ssh_known_forget_all(const char *path, const char *prefix, struct err *err);
/* Caller frees. */
char *ssh_base64(const void *data, size_t len);

#endif
