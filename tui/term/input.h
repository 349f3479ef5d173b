/* Bytes of a terminal → what the person did. A pure state machine: no I/O, no clock; any split of the bytes gives the same
 * events. Knows UTF-8, CSI and SS3 keys in both cursor modes, xterm's modifiers, kitty's CSI u and modifyOtherKeys, SGR
 * mouse, focus, bracketed paste; swallows OSC, DCS and replies to queries. */
#ifndef TUI_TERM_INPUT_H
#define TUI_TERM_INPUT_H
#include <stdbool.h>
#include <stddef.h>

#include "core/base/str.h"
#include "tui/keys.h"

enum input_type { INPUT_KEY, INPUT_MOUSE, INPUT_PASTE, INPUT_FOCUS };
enum input_mouse { MOUSE_PRESS, MOUSE_RELEASE, MOUSE_DRAG, MOUSE_WHEEL_UP, MOUSE_WHEEL_DOWN };

struct input_event {
	enum input_type type;
	struct key key;
	struct {
		enum input_mouse what;
		int button;	 /* 0 left, 1 middle, 2 right */
		int x, y;	 /* from 0 */
		uint8_t mods;
	} mouse;
	/* The whole of a paste, borrowed: valid UTF-8, newlines as '\n', all other controls gone. cut: it was longer than
	 * INPUT_PASTE_MAX. */
	const char *paste;
	size_t paste_len;
	bool paste_cut;
	bool focus;
};

typedef void input_fn(void *arg, const struct input_event *e);

enum { INPUT_PARAMS_MAX = 64, INPUT_PASTE_MAX = 64 << 10 };

struct input {
	int state;			/* enum in input.c */
	char params[INPUT_PARAMS_MAX];	/* of a CSI or SS3 sequence, without the introducer */
	size_t n_params;
	bool overlong;			/* the sequence has more than fits: it is swallowed */
	unsigned char utf8[4];
	size_t n_utf8;
	int skip;			/* raw bytes of an old mouse report still to come */
	struct str paste;
	size_t paste_end;		/* how much of the end mark has been seen */
};

void input_init(struct input *in);
void input_finish(struct input *in);
void input_feed(struct input *in, const char *bytes, size_t n, input_fn *fn, void *arg);
/* How long to wait for the rest of what has begun, in milliseconds: 20 after a lone ESC, longer within a sequence, which
 * may be cut in two on its way; -1: nothing has begun. */
int input_wait_ms(const struct input *in);
/* The rest did not come: a lone ESC is the key, a broken sequence is dropped, a paste without end is given as it is. */
void input_timeout(struct input *in, input_fn *fn, void *arg);

#endif
