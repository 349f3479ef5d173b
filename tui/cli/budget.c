/* budget: how much may be spent in a month; show, set, clear. The engine keeps it and warns; a budget that blocks refuses launches. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "tui/cli/session.h"
#include "tui/cli/table.h"

static const char *money(const json_t *j, const char *key, char *buf, size_t size)
{
	return money_text(json_int(j, key, PRICE_UNKNOWN), buf, size);
}

static int print_budgets(struct cli *c, json_t *list)
{
	char buf[40];
	size_t i;
	json_t *j;
	if (cli_json(c))
		return cli_print_json(c, list);
	if (!json_array_size(list)) {
		cli_note(c, "no budget: skytop budget set 500 warns when $250, $400 and $500 of a month are spent");
		json_decref(list);
		return 0;
	}
	static const char *const titles[] = {"PROJECT", "A MONTH", "SPENT", "LEFT", "%", "WHEN USED UP"};
	struct table *t = table_create();
	for (i = 0; i < ARRAY_LEN(titles); i++)
		table_column(t, titles[i], i && i < 5 ? TABLE_RIGHT : 0);
	json_array_foreach(list, i, j) {
		int64_t percent = json_int(j, "percent", 0);
		table_cellf(t, "%s%s", json_str(j, "project", "(all)"), json_bool(j, "simulated", false) ? " (simulated)" : "");
		table_cell(t, money(j, "month_uusd", buf, sizeof buf));
		table_cell(t, money(j, "spent_uusd", buf, sizeof buf));
		table_cell(t, money(j, "left_uusd", buf, sizeof buf));
		snprintf(buf, sizeof buf, "%" PRId64, percent);
		table_cell_tone(t, percent >= 100 ? TONE_BAD : percent >= 80 ? TONE_WARN : TONE_PLAIN, buf);
		table_cell(t, json_bool(j, "block", false) ? "launches are refused" : "a warning");
	}
	json_decref(list);
	return cli_print_table(c, t);
}

/* Call, and print the budgets that there are then. params stolen. */
static int ask(struct cli *c, const char *method, json_t *params)
{
	struct err err;
	int status = 0;
	struct client *cl = session_open(c, true, &err);
	if (!cl) {
		json_decref(params);
		return cli_fail(c, &err);
	}
	json_t *list = session_call(c, cl, method, params, &status);
	client_close(cl);
	return list ? print_budgets(c, list) : status;
}

static json_t *scope_of(const struct cli *c)
{
	json_t *p = json_object();
	if (cli_value(c, "project"))
		json_put_str(p, "project", cli_value(c, "project"));
	json_put_bool(p, "simulated", cli_flag(c, "simulated"));
	return p;
}

static int run_show(struct cli *c)
{
	return ask(c, "budgets", json_object());
}

static int run_set(struct cli *c)
{
	const char *text = cli_arg(c, 0);
	int64_t uusd = 0;
	int block = cli_tristate(c, "block");
	if (text && (!num_micro(text[0] == '$' ? text + 1 : text, &uusd) || uusd <= 0))
		return cli_usage(c, "%s is no amount of dollars a month: 500 or 99.50", text);
	if (!text && !block)
		return cli_usage(c, "say how much a month: skytop budget set 500");
	json_t *p = scope_of(c);
	if (text)
		json_put_int(p, "month_uusd", uusd);
	if (block)
		json_put_bool(p, "block", block > 0);
	return ask(c, "budget_set", p);
}

static int run_clear(struct cli *c)
{
	json_t *p = scope_of(c);
	json_put_bool(p, "clear", true);
	return ask(c, "budget_set", p);
}

#define SCOPE                                                                                                                               \
	CLI_VALUE(0, "project", "NAME", "of this project; of all when not given"),                                                          \
	    CLI_FLAG(0, "simulated", "of simulated machines, which cost no money and have budgets of their own")

static const struct option_spec set_options[] = {
    CLI_FLAG(0, "block", "refuse launches once it is used up; --no-block: only warn", .negatable = true),
    SCOPE,
    CLI_END,
};
static const struct option_spec clear_options[] = {SCOPE, CLI_END};

const struct verb verb_budget_show = {
    .name = "budget show",
    .aliases = "budget",
    .group = GROUP_CLUSTERS,
    .summary = "Show the budgets of this month, and what is left of them.",
    .help = "Counted is what is known: what runs at an unknown price is not in it.",
    .run = run_show,
};

const struct verb verb_budget_set = {
    .name = "budget set",
    .group = GROUP_CLUSTERS,
    .summary = "Set how many dollars a month may cost, and whether launches are refused then.",
    .args = "[AMOUNT]",
    .max_args = 1,
    .options = set_options,
    .help = "At 50, 80 and 100 percent there is a warning: an event, and a line on the screen. With --block a launch or start is refused with status 5 once "
	    "the budget is used up; what runs goes on. Months begin at midnight, local time.",
    .run = run_set,
};

const struct verb verb_budget_clear = {
    .name = "budget clear",
    .group = GROUP_CLUSTERS,
    .summary = "Take a budget away.",
    .options = clear_options,
    .run = run_clear,
};
