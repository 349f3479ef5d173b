/* What of a log is shown, in any pieces: lines of a rank, of setup, without what a terminal must not get; and points in time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "tui/cli/logfilter.h"
#include "tui/cli/logsieve.h"
#include "tui/cli/since.h"

/* In pieces of n bytes; the last line may be without an end. */
static void sieve_is(int64_t rank, bool setup, const char *in, const char *want)
{
	size_t len = strlen(in);
	for (size_t n = 1; n <= len + 1; n++) {
		struct logsieve s = {.rank = rank, .setup = setup};
		struct str out = str_new(1 << 20);
		for (size_t at = 0; at < len; at += n)
			logsieve_feed(&s, in + at, len - at < n ? len - at : n, &out);
		logsieve_end(&s, &out);
		assert_string_equal(str_text(&out), want);
		assert_int_equal(s.any, want[0] != 0);
		str_free(&out);
	}
}

static void test_sieve(void **state)
{
	(void)state;
	static const char log[] = "[skytop] setup\n(head, rank=0, pid=1) a\n(worker1, rank=1, pid=2) b\n[skytop] run\n(worker1, rank=1, pid=3) "
				  "ccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc\n"
				  "\n(head, rank=0, pid=4) d\n(worker1, rank=1, pid=3) e";
	sieve_is(0, false, log, "(head, rank=0, pid=1) a\n(head, rank=0, pid=4) d\n");
	sieve_is(1, false, log, "(worker1, rank=1, pid=2) b\n(worker1, rank=1, pid=3) "
				"ccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc\n"
				"(worker1, rank=1, pid=3) e");
	sieve_is(2, false, log, "");
	sieve_is(-1, true, log, "[skytop] setup\n(head, rank=0, pid=1) a\n(worker1, rank=1, pid=2) b\n");
	sieve_is(1, true, log, "(worker1, rank=1, pid=2) b\n");
	sieve_is(-1, true, "no setup here\n[skytop] run\nx\n", "");
	sieve_is(-1, true, "[skytop] setup\nbad", "[skytop] setup\nbad");
	sieve_is(-1, true, "[skytop] setup\n[skytop] running\n[skytop] run\nx\n", "[skytop] setup\n[skytop] running\n");
}

static void filter_is(bool plain, const char *in, size_t len, const char *want)
{
	for (size_t n = 1; n <= len + 1; n++) {
		struct logfilter f = {.plain = plain};
		struct str out = str_new(1 << 20);
		for (size_t at = 0; at < len; at += n)
			logfilter_feed(&f, in + at, len - at < n ? len - at : n, &out);
		assert_string_equal(str_text(&out), want);
		str_free(&out);
	}
}

static void test_filter(void **state)
{
	(void)state;
	static const char in[] = "a\033[1;31mb\033[0m\033[2Jc\033]52;c;aGk=\007d\033]0;t\033\\e\r\n\tf\177g\302\233h\303\244\001\033[38:5:1mi";
	filter_is(false, in, sizeof in - 1, "a\033[1;31mb\033[0mcde\r\n\tfgh\303\244\033[38:5:1mi");
	filter_is(true, in, sizeof in - 1, "abcde\r\n\tfgh\303\244i");
}

static void test_since(void **state)
{
	(void)state;
	static const int64_t now = INT64_C(1764106200000); /* 2025-11-25T21:30:00Z */
	static const struct {
		const char *text;
		int64_t at_ms;
	} good[] = {{"90s", now - 90000}, {"10m", now - 600000}, {"2h30m", now - 9000000}, {"3d", now - 259200000}, {"0s", now},
	    {"2025-11-25T21:30:00Z", now}, {"2025-11-25T21:30:00.25Z", now}, {"2025-11-25T23:30:00+02:00", now}, {"2025-11-25T18:00-0330", now},
	    {"2025-11-25 21:30", now}, {"21:30", now}, {"21:29:30", now - 30000}, {"2025-11-25", now - 77400000}};
	static const char *const bad[] = {"", "10", "m", "10x", "10m5", "25:00", "2025-13-01", "2025-11-25T", "2025-11-25T21:30:00+99:00", "yesterday", "-5m", "1h ",
	    "2025-11-25T21:30:00Zx", "9999999999d"};
	int64_t at;
	setenv("TZ", "UTC", 1);
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(since_parse(good[i].text, now, &at, NULL), 0);
		assert_int_equal(at, good[i].at_ms);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err;
		assert_int_equal(since_parse(bad[i], now, &at, &err), -1);
		assert_int_equal(err.code, ERR_USAGE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_sieve), cmocka_unit_test(test_filter), cmocka_unit_test(test_since)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
