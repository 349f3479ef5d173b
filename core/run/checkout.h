/* A git workdir: a clone on this machine, brought up to date with the system's git, to be synced like a folder. Blocks (git, the
 * network): for the packer, not for the loop. */
#ifndef CORE_RUN_CHECKOUT_H
#define CORE_RUN_CHECKOUT_H
#include <jansson.h>

#include "core/base/err.h"

/* {"url", "ref"?: branch, tag or commit; without one the default branch, "cache": folder, "token"?, "ssh_key"?: path}. The checkout's folder
 * (caller frees), with a .git as shallow as the server allows, and nothing in it that git does not know. Secrets go to git by its
 * environment alone. One process at a time works on a checkout; the lock is held until this process ends. Errors show what git said. */
char *checkout(const json_t *git, struct err *err);

/* May git be given this? INVALID: an option, a helper program (ext::), control characters. */
int checkout_check(const char *url, const char *ref, struct err *err);

#endif
