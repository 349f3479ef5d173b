/* The tag must outlive the state folder, or a sweep after its loss would not find what was left running; and it must not be the same for
 * two folders, or a trial with a home of its own would claim the machines of the other. So it is made of the machine, the user and the
 * folder's name, and then written down, as a machine may be given another id. */
#include "core/run/user.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/mem.h"

enum { DIGITS = 8, ID_MAX = 4096 };

/* FNV-1a. */
static uint64_t mix(uint64_t h, const char *text)
{
	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
	return (h ^ 0xff) * UINT64_C(1099511628211);
}

static char *made(void)
{
	char host[256] = "", uid[32];
	char *machine = fs_read("/etc/machine-id", ID_MAX, NULL, NULL), *folder = home_path(HOME_STATE, "");
	if (gethostname(host, sizeof host - 1))
		host[0] = '\0';
	snprintf(uid, sizeof uid, "%lu", (unsigned long)getuid());
	uint64_t h = mix(mix(mix(UINT64_C(1469598103934665603), machine && machine[0] ? machine : host), uid), folder);
	free(machine);
	free(folder);
	return xasprintf("%08lx", (unsigned long)((h ^ (h >> 32)) & 0xffffffff));
}

char *user_hash(void)
{
	char *path = home_path(HOME_STATE, "user"), *hash = fs_read(path, ID_MAX, NULL, NULL);
	if (hash)
		hash[strcspn(hash, "\n")] = '\0';
	if (!hash || strlen(hash) != DIGITS || strspn(hash, "0123456789abcdef") != DIGITS) {
		free(hash);
		hash = made();
		char *line = xasprintf("%s\n", hash), *folder = home_path(HOME_STATE, "");
		if (!fs_mkdirs(folder, NULL))
			fs_write(path, line, strlen(line), 0600, NULL); /* else it is made again next time */
		free(folder);
		free(line);
	}
	free(path);
	return hash;
}
