/* The input decoder.
 *
 * curses' own would block for the rest of an escape sequence, knows one of the two forms of cursor keys, and hands out what
 * it does not know as single characters, that is as commands. Here a sequence that is not understood is swallowed whole,
 * a paste is one event and never keys, and a lone ESC is told from a sequence by silence (input_wait_ms), which the
 * caller's loop waits for.
 *
 * Each byte moves the machine by one step and memory is bounded: parameters by INPUT_PARAMS_MAX, a paste by
 * INPUT_PASTE_MAX, strings (OSC, DCS) are not kept at all. Not done here: what a key means. */
#include "tui/term/input.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

enum state { GROUND, ESCAPE, CSI, CSI_LINUX, SS3, STRING, STRING_ESCAPE, PASTE, RAW };
enum { ESC = 0x1b, WAIT_ESC_MS = 20, WAIT_REST_MS = 500, WAIT_PASTE_MS = 10000 };

struct out {
	input_fn *fn;
	void *arg;
};

void input_init(struct input *in)
{
	*in = (struct input){.state = GROUND, .paste = str_new(INPUT_PASTE_MAX)};
}

void input_finish(struct input *in)
{
	str_free(&in->paste);
}

static void emit_key(const struct out *out, uint32_t code, unsigned mods)
{
	struct input_event e = {.type = INPUT_KEY, .key = {code, (uint8_t)mods}};
	out->fn(out->arg, &e);
}

/* --- plain characters --------------------------------------------------------------------------------------------- */

static void control(const struct out *out, unsigned c, unsigned mods)
{
	switch (c) {
	case '\t':
		emit_key(out, KEYS_TAB, mods);
		return;
	case '\r':
	case '\n':
		emit_key(out, KEYS_ENTER, mods);
		return;
	case 0x7f:
	case '\b':
		emit_key(out, KEYS_BACKSPACE, mods);
		return;
	case 0:
		emit_key(out, ' ', mods | KEYS_CTRL);
		return;
	}
	/* C-a … C-z, then C-\ C-] C-^ C-_ */
	emit_key(out, c <= 26 ? 'a' + c - 1 : '@' + c, mods | KEYS_CTRL);
}

static void plain(struct input *in, const struct out *out, unsigned char c, unsigned mods)
{
	if (c < 0x20 || c == 0x7f) {
		in->n_utf8 = 0;
		control(out, c, mods);
		return;
	}
	if (c < 0x80) {
		in->n_utf8 = 0;
		emit_key(out, c, mods);
		return;
	}
	/* Collect; a character is whole when its lead byte says so. What is not UTF-8 is no key. */
	if (c >= 0xc0)
		in->n_utf8 = 0;
	if (c < 0xc0 ? !in->n_utf8 : c < 0xc2 || c >= 0xf5)
		return;
	in->utf8[in->n_utf8++] = c;
	unsigned char lead = in->utf8[0];
	size_t need = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	if (in->n_utf8 < need)
		return;
	unsigned cp;
	if (utf8_decode((const char *)in->utf8, need, &cp) == need)
		emit_key(out, cp, mods);
	in->n_utf8 = 0;
}

/* --- sequences ---------------------------------------------------------------------------------------------------- */

enum { NUMBERS = 8 };
struct numbers {
	int v[NUMBERS]; /* -1: left out */
	int sub[NUMBERS]; /* the first after a colon; -1 */
	int n;
};

/* "1;5:3" → v {1, 5}, sub {-1, 3}. Values are capped, so that nothing overflows. */
static struct numbers numbers_of(const char *s, size_t len)
{
	struct numbers out = {.n = 1};
	for (int i = 0; i < NUMBERS; i++)
		out.v[i] = out.sub[i] = -1;
	int colons = 0;
	for (size_t i = 0; i < len; i++) {
		char c = s[i];
		if (c == ';') {
			colons = 0;
			if (out.n == NUMBERS)
				return out;
			out.n++;
		} else if (c == ':') {
			colons++;
		} else if (c >= '0' && c <= '9' && colons < 2) {
			int *v = colons ? &out.sub[out.n - 1] : &out.v[out.n - 1];
			*v = (*v < 0 ? 0 : *v) * 10 + (c - '0');
			if (*v > 0x10ffff)
				*v = 0x10ffff;
		}
	}
	return out;
}

/* xterm's modifier parameter: 1 + shift 1 + alt 2 + control 4 (+ others, which we do not tell apart). */
static unsigned mods_of(int param)
{
	return param > 1 ? (unsigned)(param - 1) & 7 : 0;
}

static const struct {
	char final;
	uint32_t code;
} letter_keys[] = {
    {'A', KEYS_UP}, {'B', KEYS_DOWN}, {'C', KEYS_RIGHT}, {'D', KEYS_LEFT}, {'H', KEYS_HOME}, {'F', KEYS_END},
    {'P', KEYS_F1}, {'Q', KEYS_F1 + 1}, {'R', KEYS_F1 + 2}, {'S', KEYS_F1 + 3}, {'M', KEYS_ENTER},
};

static const struct {
	int number;
	uint32_t code;
} tilde_keys[] = {
    {1, KEYS_HOME}, {2, KEYS_INSERT}, {3, KEYS_DELETE}, {4, KEYS_END}, {5, KEYS_PAGE_UP}, {6, KEYS_PAGE_DOWN},
    {7, KEYS_HOME}, {8, KEYS_END}, {11, KEYS_F1}, {12, KEYS_F1 + 1}, {13, KEYS_F1 + 2}, {14, KEYS_F1 + 3},
    {15, KEYS_F1 + 4}, {17, KEYS_F1 + 5}, {18, KEYS_F1 + 6}, {19, KEYS_F1 + 7}, {20, KEYS_F1 + 8}, {21, KEYS_F1 + 9},
    {23, KEYS_F1 + 10}, {24, KEYS_F1 + 11},
};

static uint32_t letter_key(char final)
{
	for (size_t i = 0; i < ARRAY_LEN(letter_keys); i++)
		if (letter_keys[i].final == final)
			return letter_keys[i].code;
	return 0;
}

/* A key named by its code point: CSI u, and modifyOtherKeys' CSI 27;m;c~. */
static void emit_code(const struct out *out, int code, unsigned mods)
{
	static const struct {
		int code;
		uint32_t key;
	} special[] = {{9, KEYS_TAB}, {13, KEYS_ENTER}, {27, KEYS_ESC}, {127, KEYS_BACKSPACE}, {8, KEYS_BACKSPACE}};
	for (size_t i = 0; i < ARRAY_LEN(special); i++) {
		if (special[i].code == code) {
			emit_key(out, special[i].key, mods);
			return;
		}
	}
	/* Others below a space, and the private range in which kitty puts media keys and the like, are no keys to us. */
	if (code < ' ' || (code >= 0xe000 && code <= 0xf8ff) || code >= 0x10ffff)
		return;
	if (!(mods & KEYS_CTRL) && (mods & KEYS_SHIFT) && code >= 'a' && code <= 'z')
		code -= 32;
	else if ((mods & KEYS_CTRL) && code >= 'A' && code <= 'Z')
		code += 32;
	emit_key(out, (uint32_t)code, mods & ~(unsigned)KEYS_SHIFT);
}

static void mouse(const struct out *out, const struct numbers *p, char final)
{
	if (p->n < 3 || p->v[0] < 0 || p->v[1] < 1 || p->v[2] < 1)
		return;
	int b = p->v[0];
	struct input_event e = {.type = INPUT_MOUSE};
	e.mouse.x = p->v[1] - 1;
	e.mouse.y = p->v[2] - 1;
	e.mouse.button = b & 3;
	e.mouse.mods = (uint8_t)((b & 4 ? KEYS_SHIFT : 0) | (b & 8 ? KEYS_ALT : 0) | (b & 16 ? KEYS_CTRL : 0));
	if (b >= 128 || (b & 64 && (b & 3) > 1))
		return; /* more buttons, wheels to the side */
	if (b & 64)
		e.mouse.what = b & 1 ? MOUSE_WHEEL_DOWN : MOUSE_WHEEL_UP;
	else if (b & 32)
		e.mouse.what = MOUSE_DRAG;
	else
		e.mouse.what = final == 'm' ? MOUSE_RELEASE : MOUSE_PRESS;
	out->fn(out->arg, &e);
}

static void tilde(struct input *in, const struct out *out, const struct numbers *p)
{
	if (p->v[0] == 200) {
		in->state = PASTE;
		in->paste_end = 0;
		str_clear(&in->paste);
		return;
	}
	if (p->v[0] == 27 && p->n >= 3 && p->v[2] >= 0) {
		emit_code(out, p->v[2], mods_of(p->v[1]));
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(tilde_keys); i++)
		if (tilde_keys[i].number == p->v[0])
			emit_key(out, tilde_keys[i].code, mods_of(p->v[1]));
}

/* The sequence is whole. What is not known is swallowed. */
static void csi(struct input *in, const struct out *out, char final)
{
	in->state = GROUND;
	if (in->overlong)
		return;
	bool private = in->n_params && strchr("<=>?", in->params[0]);
	if (final == 'M' && !in->n_params) {
		in->state = RAW; /* X10 mouse: three raw bytes follow */
		in->skip = 3;
		return;
	}
	struct numbers p = numbers_of(in->params + private, in->n_params - private);
	if (private) {
		if (in->params[0] == '<' && (final == 'M' || final == 'm'))
			mouse(out, &p, final);
		return;
	}
	if (memchr(in->params, '$', in->n_params) || p.sub[1] == 3)
		return; /* a reply; or kitty says that a key was let go */
	uint32_t code = letter_key(final);
	if (final == '~')
		tilde(in, out, &p);
	else if (final == 'u' && p.v[0] >= 0)
		emit_code(out, p.v[0], mods_of(p.v[1]));
	else if (final == 'Z')
		emit_key(out, KEYS_TAB, KEYS_SHIFT);
	else if ((final == 'I' || final == 'O') && !in->n_params)
		out->fn(out->arg, &(struct input_event){.type = INPUT_FOCUS, .focus = final == 'I'});
	else if (code && final != 'M' && (final != 'R' || p.n < 2 || p.v[0] == 1))
		emit_key(out, code, mods_of(p.v[1])); /* CSI row;columnR is a reply, CSI 1;modR is F3 */
}

static void ss3(const struct out *out, const struct input *in, char final)
{
	uint32_t code = letter_key(final);
	struct numbers p = numbers_of(in->params, in->n_params);
	if (code)
		emit_key(out, code, mods_of(p.n > 1 ? p.v[1] : p.v[0]));
	else if (final == 'I')
		emit_key(out, KEYS_TAB, 0);
}

static void begin(struct input *in, int state)
{
	in->state = state;
	in->n_params = 0;
	in->overlong = false;
}

static void after_escape(struct input *in, const struct out *out, unsigned char c)
{
	switch (c) {
	case '[':
		begin(in, CSI);
		return;
	case 'O':
		begin(in, SS3);
		return;
	case ']': /* OSC, DCS, SOS, PM, APC */
	case 'P':
	case 'X':
	case '^':
	case '_':
		begin(in, STRING);
		return;
	case ESC: /* the first one was the key */
		emit_key(out, KEYS_ESC, 0);
		in->state = ESCAPE;
		return;
	}
	in->state = GROUND;
	plain(in, out, c, KEYS_ALT);
}

static void in_sequence(struct input *in, const struct out *out, unsigned char c)
{
	if (c == ESC) { /* cut off by the next one */
		in->state = ESCAPE;
		return;
	}
	if (c == 0x18 || c == 0x1a || c >= 0x80) {
		in->state = GROUND;
		return;
	}
	if (in->state == CSI && c == '[' && !in->n_params) {
		in->state = CSI_LINUX; /* the Linux console's F1…F5: CSI [ A */
		return;
	}
	if (c >= 0x40 && c < 0x7f) {
		if (in->state == CSI) {
			csi(in, out, (char)c);
			return;
		}
		if (in->state == SS3)
			ss3(out, in, (char)c);
		else if (c >= 'A' && c <= 'E')
			emit_key(out, KEYS_F1 + (c - 'A'), 0);
		in->state = GROUND;
		return;
	}
	if (c < 0x20)
		return;
	if (in->n_params < INPUT_PARAMS_MAX)
		in->params[in->n_params++] = (char)c;
	else
		in->overlong = true;
}

/* --- paste -------------------------------------------------------------------------------------------------------- */

static const char paste_mark[] = "\033[201~";

static void end_paste(struct input *in, const struct out *out)
{
	in->state = GROUND;
	struct str clean = str_new(INPUT_PASTE_MAX);
	const char *s = str_text(&in->paste);
	for (size_t i = 0; i < in->paste.len;) {
		unsigned cp;
		size_t n = utf8_decode(s + i, in->paste.len - i, &cp);
		if (cp == '\n' || cp == '\r') {
			str_addc(&clean, '\n');
			if (cp == '\r' && i + 1 < in->paste.len && s[i + 1] == '\n')
				n = 2;
		} else if (cp == '\t') {
			str_addc(&clean, ' ');
		} else if (!(cp == 0xfffd && n == 1) && !text_unfit(cp)) {
			str_addn(&clean, s + i, n);
		}
		i += n;
	}
	struct input_event e = {.type = INPUT_PASTE,
	    .paste = str_text(&clean), .paste_len = clean.len, .paste_cut = in->paste.full};
	out->fn(out->arg, &e);
	str_free(&clean);
	str_free(&in->paste);
}

static void in_paste(struct input *in, const struct out *out, unsigned char c)
{
	if (c == (unsigned char)paste_mark[in->paste_end]) {
		if (!paste_mark[++in->paste_end])
			end_paste(in, out);
		return;
	}
	/* Not the mark after all: what looked like it was text. Its only ESC is its first byte, so a new one begins afresh. */
	str_addn(&in->paste, paste_mark, in->paste_end);
	in->paste_end = c == ESC;
	if (c != ESC)
		str_addc(&in->paste, (char)c);
}

/* --- the machine -------------------------------------------------------------------------------------------------- */

static void step(struct input *in, const struct out *out, unsigned char c)
{
	switch ((enum state)in->state) {
	case GROUND:
		if (c == ESC)
			in->state = ESCAPE;
		else
			plain(in, out, c, 0);
		return;
	case ESCAPE:
		after_escape(in, out, c);
		return;
	case CSI:
	case CSI_LINUX:
	case SS3:
		in_sequence(in, out, c);
		return;
	case STRING:
		if (c == ESC)
			in->state = STRING_ESCAPE;
		else if (c == 0x07 || c == 0x18 || c == 0x1a)
			in->state = GROUND;
		return;
	case STRING_ESCAPE:
		if (c == '\\')
			in->state = GROUND;
		else
			after_escape(in, out, c);
		return;
	case PASTE:
		in_paste(in, out, c);
		return;
	case RAW:
		if (--in->skip == 0)
			in->state = GROUND;
		return;
	}
}

void input_feed(struct input *in, const char *bytes, size_t n, input_fn *fn, void *arg)
{
	struct out out = {fn, arg};
	for (size_t i = 0; i < n; i++)
		step(in, &out, (unsigned char)bytes[i]);
}

int input_wait_ms(const struct input *in)
{
	switch ((enum state)in->state) {
	case GROUND:
		return -1;
	case ESCAPE:
		return WAIT_ESC_MS;
	case PASTE:
		return WAIT_PASTE_MS;
	case CSI:
	case CSI_LINUX:
	case SS3:
	case STRING:
	case STRING_ESCAPE:
	case RAW:
		break;
	}
	return WAIT_REST_MS;
}

void input_timeout(struct input *in, input_fn *fn, void *arg)
{
	struct out out = {fn, arg};
	if (in->state == ESCAPE)
		emit_key(&out, KEYS_ESC, 0);
	else if (in->state == PASTE)
		end_paste(in, &out);
	in->state = GROUND;
	in->n_utf8 = 0;
}
