/* What a terminal may send: any bytes, in any pieces. The events are the same however they are cut, pastes are valid text, and
 * there are never more events than bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/str.h"
#include "tests/fuzz/must.h"
#include "tui/term/input.h"

struct seen {
	struct str text;
	size_t n;
};

static void note(void *arg, const struct input_event *e)
{
	struct seen *s = arg;
	s->n++;
	MUST(e->type != INPUT_KEY || (e->key.code && e->key.code < KEYS_CODES_END));
	MUST(e->type != INPUT_MOUSE || (e->mouse.x >= 0 && e->mouse.y >= 0));
	MUST(e->type != INPUT_PASTE || (utf8_valid(e->paste, e->paste_len, NULL) && !memchr(e->paste, '\033', e->paste_len)));
	str_addf(&s->text, "%d %x %x %d %d %d %d %.*s;", (int)e->type, e->key.code, e->key.mods, (int)e->mouse.what, e->mouse.x, e->mouse.y,
	    e->focus, (int)e->paste_len, e->paste_len ? e->paste : "");
}

static struct seen decode(const char *data, size_t size, size_t piece)
{
	struct input in;
	struct seen s = {.text = str_new(64 << 20)};
	input_init(&in);
	for (size_t i = 0; i < size; i += piece)
		input_feed(&in, data + i, size - i < piece ? size - i : piece, note, &s);
	if (input_wait_ms(&in) >= 0)
		input_timeout(&in, note, &s);
	MUST(input_wait_ms(&in) < 0);
	input_finish(&in);
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen whole = decode((const char *)data, size, size ? size : 1), pieces = decode((const char *)data, size, 1);
	MUST(whole.n <= size + 1);
	MUST(!strcmp(str_text(&whole.text), str_text(&pieces.text)));
	str_free(&whole.text);
	str_free(&pieces.text);
	return 0;
}
