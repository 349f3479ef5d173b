/* Config files: every problem is a line of text and every setting has a value; a setting that is changed has the new
 * value and no other one changes. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/model/config.h"
#include "tests/fuzz/must.h"

static void all_values(const struct config *c)
{
	for (size_t i = 0; i < config_n_keys; i++) {
		MUST(config_shown(c, config_keys[i].name));
		MUST(!config_check(config_keys[i].name, config_shown(c, config_keys[i].name), NULL));
	}
	for (size_t i = 0; i < config_n_problems(c); i++)
		MUST(config_problem(c, i)[0]);
}

/* config_set compares old and new itself, and refuses; here the file must hold what it promised. */
static void change(const uint8_t *data, size_t size, const char *name, const char *value)
{
	char path[] = "/tmp/skytop-fuzz.XXXXXX";
	struct err err = {0};
	int fd = mkstemp(path);
	MUST(fd >= 0);
	close(fd);
	MUST(!fs_write(path, data, size, 0600, &err));
	if (!config_set(path, name, value, &err)) {
		struct config *c = config_load(path);
		MUST(!strcmp(config_shown(c, name), value));
		config_destroy(c);
	}
	unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *c = config_parse((const char *)data, size, "f");
	all_values(c);
	config_destroy(c);
	/* Only now and then: it writes to the disk. */
	if (size % 8 == 0) {
		change(data, size, "catalog.max_age_hours", "11");
		change(data, size, "clouds", "aws,gcp");
	}
	return 0;
}
