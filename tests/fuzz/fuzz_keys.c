/* keys.yaml as a person may leave it: any bytes. Help, the palette and leaving can be reached afterwards; each problem is a line with its
 * place; and what is dumped, when it is read again, means the same. */
#include <string.h>

#include "core/base/mem.h"
#include "tests/fuzz/must.h"
#include "tui/keymap.h"

enum { TEXT_MAX = 1 << 20 };

static void check_problems(const struct str *problems)
{
	const char *p = str_text(problems);
	MUST(!problems->len || p[problems->len - 1] == '\n');
	while (*p) {
		MUST(!strncmp(p, "keys.yaml", 9));
		p = strchr(p, '\n') + 1;
	}
}

static struct str dump(const struct keymap *m)
{
	struct str s = str_new(TEXT_MAX);
	keymap_dump(m, &s);
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum action always[] = {ACTION_HELP, ACTION_PALETTE, ACTION_QUIT};
	struct str problems = str_new(TEXT_MAX), none = str_new(TEXT_MAX);
	struct keymap *m = keymap_create(), *again = keymap_create();
	keymap_read(m, (const char *)data, size, "keys.yaml", &problems);
	check_problems(&problems);
	for (size_t i = 0; i < sizeof always / sizeof always[0]; i++)
		MUST(key_of_action(m, SCOPE_GLOBAL, always[i]));
	struct str first = dump(m);
	keymap_read(again, str_text(&first), first.len, "keys.yaml", &none);
	MUST(!none.len);
	struct str second = dump(again);
	MUST(!strcmp(str_text(&first), str_text(&second)));
	str_free(&first);
	str_free(&second);
	str_free(&problems);
	str_free(&none);
	keymap_destroy(m);
	keymap_destroy(again);
	return 0;
}
