/* OSC 52 reaches the clipboard of the terminal one sits at, through ssh and tmux (`set-clipboard on`) alike, which no program on this
 * machine could. Whether the terminal took it cannot be known, so what is said names what was sent. Too much for it, or a terminal
 * that knows none: a file of the person's alone, in the runtime folder. */
#include "tui/clip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "tui/term/term.h"

static void add_base64(struct str *out, const char *text, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		unsigned v = 0;
		for (size_t k = 0; k < 3; k++)
			v = v << 8 | (k < n ? (unsigned char)text[i + k] : 0);
		for (size_t k = 0; k < 4; k++)
			str_addc(out, k <= n ? digits[v >> (18 - 6 * k) & 63] : '=');
	}
}

static bool to_terminal(struct term *t, const char *text, size_t len)
{
	if (!t || (len + 2) / 3 * 4 > CLIP_MAX)
		return false;
	struct str s = str_new(CLIP_MAX + 100);
	str_add(&s, "\033]52;c;");
	add_base64(&s, text, len);
	str_add(&s, "\033\\");
	bool sent = term_osc(t, str_text(&s), s.len);
	str_free(&s);
	return sent;
}

bool clip_copy(struct term *t, const char *what, const char *text, char *said, size_t size)
{
	size_t len = strlen(text);
	if (to_terminal(t, text, len)) {
		snprintf(said, size, "copied %s: %zu %s", what, len, len == 1 ? "byte" : "bytes");
		return true;
	}
	struct err err = {0};
	char *folder = home_path(HOME_RUNTIME, ""), *path = home_path(HOME_RUNTIME, "copied");
	bool good = !fs_mkdirs(folder, &err) && !fs_write(path, text, len, 0600, &err);
	if (good)
		snprintf(said, size, "wrote %s to %s: %zu bytes%s", what, path, len,
		    (len + 2) / 3 * 4 > CLIP_MAX ? ", more than a terminal's clipboard takes" : "");
	else
		snprintf(said, size, "copy %s: %s", what, err.text);
	free(folder);
	free(path);
	return good;
}
