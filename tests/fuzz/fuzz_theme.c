/* Colour themes and names of keys: a theme is taken whole or refused at a place in its file. */
#include <string.h>

#include "core/base/mem.h"
#include "tests/fuzz/must.h"
#include "tui/keys.h"
#include "tui/theme.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = {0};
	struct theme t;
	struct key key;
	char *text = xstrndup((const char *)data, size);
	memset(&t, 0, sizeof t);
	if (theme_parse(&t, (const char *)data, size, "t.yaml", &err))
		MUST(err.code == ERR_INVALID && !strncmp(err.text, "t.yaml", 6));
	else
		theme_reduce(&t, 16);
	if (key_parse(text, &key)) {
		struct key again;
		char name[32];
		MUST(key_parse(key_name(key, name, sizeof name), &again) && key_eq(key, again));
	}
	free(text);
	return 0;
}
