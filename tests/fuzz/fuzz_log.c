/* What a job may print: any bytes. What the screen gets of it is valid text without controls, in bounded memory, and the same
 * however it was cut. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/str.h"
#include "tests/fuzz/must.h"
#include "tui/logbuf.h"

enum { LINES = 20, BYTES = 20000 };

static char *all(const char *data, size_t size, size_t piece)
{
	struct logbuf *b = logbuf_create(LINES, BYTES);
	struct logbuf_run run;
	struct str s = str_new(64 << 20);
	for (size_t i = 0; i < size; i += piece)
		logbuf_add(b, data + i, size - i < piece ? size - i : piece, 0);
	MUST(logbuf_end(b) - logbuf_first(b) <= LINES + 1);
	for (uint64_t line = logbuf_first(b); line < logbuf_end(b); line++) {
		size_t at = s.len, next = 0, len = 0;
		logbuf_text(b, line, &s);
		while (logbuf_next_run(b, line, &next, &run)) {
			MUST(run.role < ROLES);
			len += run.len;
		}
		MUST(len == s.len - at);
		MUST(utf8_valid(str_text(&s) + at, s.len - at, NULL));
		for (size_t i = at; i < s.len; i++)
			MUST((unsigned char)s.data[i] >= 0x20 && s.data[i] != 0x7f);
		logbuf_level(b, line);
		logbuf_has(b, line, "error");
		str_addc(&s, '\n');
	}
	logbuf_destroy(b);
	return str_take(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *whole = all((const char *)data, size, size ? size : 1), *pieces = all((const char *)data, size, 1);
	MUST(!strcmp(whole, pieces));
	free(whole);
	free(pieces);
	return 0;
}
