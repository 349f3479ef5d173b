/* The input decoder: every known sequence, however it is cut; pastes; what must never become a key. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/str.h"
#include "tui/term/input.h"

/* Events as text: "j", "C-d", "paste[…]", "press 0 3,4", "focus 1". */
static void note(void *arg, const struct input_event *e)
{
	static const char *const mouse[] = {"press", "release", "drag", "wheel-up", "wheel-down"};
	struct str *s = arg;
	char name[32];
	if (s->len)
		str_addc(s, ' ');
	switch (e->type) {
	case INPUT_KEY:
		str_add(s, key_name(e->key, name, sizeof name));
		break;
	case INPUT_MOUSE:
		str_addf(s, "%s-%d@%d,%d", mouse[e->mouse.what], e->mouse.button, e->mouse.x, e->mouse.y);
		break;
	case INPUT_PASTE:
		str_addf(s, "paste[%.*s]%s", (int)e->paste_len, e->paste, e->paste_cut ? "cut" : "");
		break;
	case INPUT_FOCUS:
		str_addf(s, "focus-%d", e->focus);
		break;
	}
}

/* Feed in two pieces cut at `cut`, then let the time pass. */
static char *decode(const char *bytes, size_t n, size_t cut, bool timeout)
{
	struct input in;
	struct str s = str_new(1 << 20);
	input_init(&in);
	input_feed(&in, bytes, cut, note, &s);
	input_feed(&in, bytes + cut, n - cut, note, &s);
	if (timeout && input_wait_ms(&in) >= 0)
		input_timeout(&in, note, &s);
	input_finish(&in);
	return str_take(&s);
}

#define S(text) text, sizeof text - 1

static const struct {
	const char *bytes;
	size_t n;
	const char *events;
} cases[] = {
    {S("j"), "j"},
    {S("jkG"), "j k G"},
    {S(" "), "Space"},
    {S("\x04"), "C-d"},
    {S("\x1a\x03\x0c"), "C-z C-c C-l"},
    {S("\x1c"), "C-\\"},
    {S("\r\n"), "Enter Enter"},
    {S("\t\x7f\b"), "Tab BS BS"},
    {S("\0"), "C-Space"},
    {S("\033"), "Esc"},
    {S("\033\033"), "Esc Esc"},
    {S("\033x"), "M-x"},
    {S("\033[A\033OA"), "Up Up"},
    {S("\033[B\033OB\033[C\033OC\033[D\033OD"), "Down Down Right Right Left Left"},
    {S("\033[H\033[F\033[1~\033[4~\033[7~\033[8~\033OH\033OF"), "Home End Home End Home End Home End"},
    {S("\033[5~\033[6~\033[2~\033[3~"), "PgUp PgDn Ins Del"},
    {S("\033[1;5A\033[1;2B\033[1;3C"), "C-Up S-Down M-Right"},
    {S("\033[5;5~"), "C-PgUp"},
    {S("\033OP\033OQ\033OR\033OS"), "F1 F2 F3 F4"},
    {S("\033[11~\033[15~\033[17~\033[24~"), "F1 F5 F6 F12"},
    {S("\033[[A\033[[E"), "F1 F5"},
    {S("\033[Z"), "S-Tab"},
    {S("\033[97u\033[97;5u\033[13u\033[27u\033[9;2u"), "a C-a Enter Esc S-Tab"},
    {S("\033[97;2u\033[65;5u"), "A C-a"},
    {S("\033[97;1:3u"), ""},   /* let go */
    {S("\033[97:65;2:1u"), "A"}, /* with the shifted one named */
    {S("\033[57441u"), ""},    /* a Shift key of its own */
    {S("\033[27;5;106~"), "C-j"},
    {S("\033[<0;4;5M\033[<0;4;5m"), "press-0@3,4 release-0@3,4"},
    {S("\033[<64;1;1M\033[<65;10;20M"), "wheel-up-0@0,0 wheel-down-1@9,19"},
    {S("\033[<32;300;200M"), "drag-0@299,199"},
    {S("\033[<66;1;1M\033[<130;1;1M\033[<0;0;5M\033[<0M"), ""},
    {S("\033[M qQx"), "x"},    /* an old report: three bytes, never keys */
    {S("\033[I\033[O"), "focus-1 focus-0"},
    {S("\033[200~hello\033[201~"), "paste[hello]"},
    {S("\033[200~q:wq\r\nD\033[201~j"), "paste[q:wq\nD] j"},
    {S("\033[200~a\033[31mb\x01\x9b\033[A\033[201~"), "paste[a[31mb[A]"},
    {S("\033[200~a\033[20\033[201~"), "paste[a[20]"},
    {S("\033[200~\033\033[201~"), "paste[]"},
    {S("\033[200~never ended"), "paste[never ended]"},
    {S("\033[201~"), ""},
    {S("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80"},
    {S("\xff\xc0\xaf\xed\xa0\x80j"), "j"},
    {S("\xe2\x82j"), "j"},     /* cut off by a key */
    {S("\033]11;rgb:0000/0000/0000\033\\j"), "j"},
    {S("\033]0;q:q\007j"), "j"},
    {S("\033P1$r0m\033\\j"), "j"},
    {S("\033_Gq\033\\\033^q\033\\\033Xq\033\\j"), "j"},
    {S("\033[?2026;2$y\033[?62;22c\033[24;80Rj"), "j"},
    {S("\033[>0;276;0cj"), "j"},
    {S("\033[1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16;17;18;19;20;21;22;23;24;25;26;27zj"), "j"},
    {S("\033[99999999999999999999~j"), "j"},
    {S("\033[12\033[Aj"), "Up j"}, /* cut off by another one */
    {S("\033[1\x18j"), "j"},
    {S("\033["), ""},	       /* cut off for good: nothing */
    {S("\033[1;"), ""},
    {S("\033O"), ""},
    {S("\033]never ended"), ""},
};

/* Each at every cut; the same events each time. */
static void test_sequences(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (size_t cut = 0; cut <= cases[i].n; cut++) {
			char *events = decode(cases[i].bytes, cases[i].n, cut, true);
			if (strcmp(events, cases[i].events))
				fail_msg("case %zu cut at %zu: \"%s\" instead of \"%s\"", i, cut, events, cases[i].events);
			free(events);
		}
	}
}

/* All of them in a row, byte by byte: nothing of one leaks into the next. */
static void test_in_a_row(void **state)
{
	(void)state;
	struct input in;
	input_init(&in);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str s = str_new(1 << 20);
		for (size_t k = 0; k < cases[i].n; k++)
			input_feed(&in, cases[i].bytes + k, 1, note, &s);
		if (input_wait_ms(&in) >= 0)
			input_timeout(&in, note, &s);
		assert_string_equal(str_text(&s), cases[i].events);
		str_free(&s);
	}
	input_finish(&in);
}

static void test_waiting(void **state)
{
	(void)state;
	struct input in;
	struct str s = str_new(1000);
	input_init(&in);
	assert_int_equal(input_wait_ms(&in), -1);
	input_feed(&in, "\033", 1, note, &s);
	assert_int_equal(input_wait_ms(&in), 20);
	assert_int_equal(s.len, 0);
	input_feed(&in, "[", 1, note, &s);
	assert_true(input_wait_ms(&in) > 20); /* a sequence cut in two by a slow line is no Esc */
	input_feed(&in, "A", 1, note, &s);
	assert_int_equal(input_wait_ms(&in), -1);
	assert_string_equal(str_text(&s), "Up");
	str_free(&s);
	input_finish(&in);
}

static void test_long_paste(void **state)
{
	(void)state;
	struct input in;
	struct str s = str_new(1 << 20), big = str_new(1 << 20);
	input_init(&in);
	for (size_t i = 0; i < INPUT_PASTE_MAX + 1000; i++)
		str_addc(&big, 'q');
	input_feed(&in, "\033[200~", 6, note, &s);
	input_feed(&in, big.data, big.len, note, &s);
	input_feed(&in, "\033[201~j", 7, note, &s);
	assert_true(str_ends(str_text(&s), "]cut j"));
	assert_true(s.len <= INPUT_PASTE_MAX + 20);
	str_free(&s);
	str_free(&big);
	input_finish(&in);
}

static void count(void *arg, const struct input_event *e)
{
	size_t *n = arg;
	(*n)++;
	assert_true(e->type != INPUT_KEY || (e->key.code && e->key.code < KEYS_CODES_END));
	assert_true(e->type != INPUT_PASTE || utf8_valid(e->paste, e->paste_len, NULL));
	assert_true(e->type != INPUT_MOUSE || (e->mouse.x >= 0 && e->mouse.y >= 0));
}

/* Random bytes, biased to what begins sequences: never more events than bytes, never nonsense. */
static void test_random(void **state)
{
	(void)state;
	static const char likely[] = "\033\033\033[[O]P;:0123456789~<MmuAZ\x9b\xc3\xa4";
	struct input in;
	size_t events = 0, bytes = 0;
	unsigned seed = 12345;
	input_init(&in);
	for (int round = 0; round < 20000; round++) {
		char buf[16];
		for (size_t i = 0; i < sizeof buf; i++) {
			seed = seed * 1103515245 + 12345;
			unsigned r = seed >> 16;
			buf[i] = r & 1 ? likely[(r >> 1) % (sizeof likely - 1)] : (char)(r >> 1);
		}
		bytes += sizeof buf;
		input_feed(&in, buf, sizeof buf, count, &events);
		if (seed % 7 == 0)
			input_timeout(&in, count, &events);
	}
	assert_true(events <= bytes);
	input_finish(&in);
}

static void test_key_names(void **state)
{
	(void)state;
	static const char *const names[] = {"j", "G", "C-d", "M-x", "S-Tab", "C-M-Up", "F1", "F12", "Space", "PgDn", "<", "-", "C--",
	    "\xc3\xa4"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct key k;
		char buf[32];
		assert_true(key_parse(names[i], &k));
		assert_string_equal(key_name(k, buf, sizeof buf), names[i]);
	}
	static const char *const bad[] = {"", "X-a", "F13", "F0", "Nope", "C-", "jj"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct key k;
		assert_false(key_parse(bad[i], &k));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sequences), cmocka_unit_test(test_in_a_row), cmocka_unit_test(test_waiting),
	    cmocka_unit_test(test_long_paste), cmocka_unit_test(test_random), cmocka_unit_test(test_key_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
