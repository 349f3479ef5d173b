/* The screen over a made-up world, for tests and benchmarks: the product's libtui, a clock that stands still, and a source that
 * follows a script (fake_source.c). Prices come from $SKYTOP_HOME as in the product. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "tests/tui/fake_source.h"
#include "tui/tui.h"

struct setup {
	struct fake_options fake;
	bool prices_only, live;
};

static struct ui_source *open_source(struct loop *l, void *arg)
{
	const struct setup *s = arg;
	return fake_source_create(l, &s->fake);
}

static int64_t fixed_now(void *arg)
{
	(void)arg;
	return FAKE_NOW_MS;
}

static int64_t number(const char *text)
{
	int64_t n = 0;
	if (!num_int(text, 0, 100000000, &n)) {
		fprintf(stderr, "skytop_screen: %s is no number\n", text);
		exit(2);
	}
	return n;
}

int main(int argc, char **argv)
{
	static const char *const names[] = {"view", "filter", "theme", "size", "orders", "clusters", "shuffle", "log-lines",
	    "log-rate", "log-file", "program", "layout", "once", "read-only", "never-color", "no-engine", "empty", "lost", "refuse", "hang", "prices-only",
	    "live", "plain", "own", "log-stamps"};
	enum { VALUES = 12 };
	struct option longs[ARRAY_LEN(names) + 1] = {{0}};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		longs[i] = (struct option){names[i], i < VALUES ? required_argument : no_argument, NULL, (int)i + 1};
	static const struct clock still = {.now_ms = fixed_now};
	struct setup s = {0};
	struct ui_options o = {.source_open = open_source, .arg = &s, .clock = &still};
	int rc;
	while ((rc = getopt_long(argc, argv, "", longs, NULL)) > 0) {
		switch (rc) {
		case 1: o.view = optarg; break;
		case 2: o.filter = optarg; break;
		case 3: o.theme = optarg; break;
		case 4:
			if (sscanf(optarg, "%dx%d", &o.columns, &o.rows) != 2)
				return 2;
			break;
		case 5: s.fake.orders_file = optarg; break;
		case 6: s.fake.clusters = (size_t)number(optarg); break;
		case 7: s.fake.shuffle_ms = (int)number(optarg); break;
		case 8: s.fake.log_lines = (size_t)number(optarg); break;
		case 9: s.fake.log_per_s = (int)number(optarg); break;
		case 10: s.fake.log_file = optarg; break;
		case 11: o.self = optarg; break;
		case 12: o.layout = optarg; break;
		case 13: o.once = true; break;
		case 14: o.read_only = true; break;
		case 15: o.color = UI_COLOR_NEVER; break;
		case 16: s.fake.no_engine = true; break;
		case 17: s.fake.empty = true; break;
		case 18: s.fake.lost = true; break;
		case 19: s.fake.refuse = true; break;
		case 20: s.fake.hang = true; break;
		case 21: o.source_open = NULL; break;
		case 22: o.clock = NULL; s.fake.now_ms = wall_now_ms(); break;
		case 23: o.plain = true; break;
		case 24: s.fake.own = true; break;
		case 25: s.fake.log_stamps = true; break;
		default: return 2;
		}
	}
	return tui_main(&o);
}
