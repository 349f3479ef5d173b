/* The question how much a month may cost. What stands in it is the budget that the panel shows, which is the one nearest to its end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/num.h"
#include "tui/app.h"
#include "tui/dialog.h"
#include "tui/view/cost_priv.h"

enum { AMOUNT, REFUSE, PROJECT, FIELDS };

static const char *submit(struct app *a, const struct form *f, void *arg, size_t *field)
{
	const char *text = form_value(f, AMOUNT);
	struct ui_order order = {.verb = UI_BUDGET, .month_uusd = PRICE_UNKNOWN, .project = form_value(f, PROJECT), .block = form_is_on(f, REFUSE),
	    .simulated = *(const bool *)arg};
	*field = AMOUNT;
	if (text[0] && (!num_micro(text[0] == '$' ? text + 1 : text, &order.month_uusd) || order.month_uusd <= 0))
		return "Dollars a month, as in 500 or 99.50; or nothing, for no budget.";
	app_send(a, &order);
	return NULL;
}

void cost_ask_budget(struct cost_state *v)
{
	const struct ui_cost *c = cost_report(v);
	char amount[40] = "";
	bool *simulated = xcalloc(1, sizeof *simulated);
	*simulated = c && c->simulated;
	if (c && c->budget_uusd != PRICE_UNKNOWN)
		snprintf(amount, sizeof amount, "%lld.%02lld", (long long)(c->budget_uusd / 1000000), (long long)(c->budget_uusd / 10000 % 100));
	struct form_field fields[FIELDS] = {
	    [AMOUNT] = {"$ a month", amount, "as in 500; empty: no budget", FORM_FIGURE, NULL},
	    [REFUSE] = {"then refuse", c && c->budget_blocks ? "yes" : "no", "launches, once it is used up; Space switches", FORM_TOGGLE, NULL},
	    [PROJECT] = {"project", c ? c->budget_of : "", "empty: all projects together", FORM_TEXT, NULL},
	};
	struct form_spec spec = {.title = *simulated ? "Budget of simulated machines" : "Budget", .button = "Set", .fields = fields, .n_fields = FIELDS,
	    .intro = "You are warned at 50, 80 and 100 percent of a month.", .submit = submit, .destroy_arg = free, .arg = simulated};
	form_open(v->app, &spec);
}
